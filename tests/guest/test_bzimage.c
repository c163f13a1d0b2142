/* Loading Linux kernels, and what is said about bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest/boot.h"

#define RAM     (UINT64_C(32) << 20)
#define SETUP   (5 * 512u)
#define KERNEL  0x2000u
#define PARAMS  0x10000u
#define E820    (PARAMS + 0x2d0)
#define RUN_END UINT64_C(0x1400000) /* preferred address 16 MiB + 4 MiB */

static struct bus *bus;
static struct guest guest;
static struct diagnostic why;
static uint8_t image[SETUP + KERNEL + 100]; /* a signature behind it, say */
static uint8_t initrd[0x3000];
static size_t initrd_size;
static struct boot_board board;
static struct boot boot;

static bool read_initrd(const char *path, uint8_t **data, size_t *size, struct diagnostic *reason)
{
	*data = malloc(initrd_size);
	assert_non_null(*data);
	memcpy(*data, initrd, initrd_size < sizeof(initrd) ? initrd_size : sizeof(initrd));
	*size = initrd_size;
	return true;
}

static void put(unsigned at, unsigned bytes, uint64_t v)
{
	for (unsigned i = 0; i < bytes; i++)
		image[at + i] = (uint8_t)(v >> (8 * i));
}

static uint32_t got(uint64_t at)
{
	return (uint32_t)bus_read(bus, at, 4);
}

static int setup(void **state)
{
	bus = bus_new();
	bus_add_ram(bus, "low", 0, 0xa0000);
	bus_add_ram(bus, "high", 0x100000, RAM - 0x100000);
	memset(&guest, 0, sizeof(guest));
	boot = (struct boot){.read = read_initrd, .board = &board};
	board = (struct boot_board){.ranges = 0};
	why.text[0] = '\0';
	memset(image, 0, sizeof(image));
	memset(image + SETUP, 0xab, KERNEL);
	memset(initrd, 0xcd, sizeof(initrd));
	put(0x1f1, 1, 4);
	put(0x1f4, 4, KERNEL / 16);
	put(0x1fe, 2, 0xaa55);
	put(0x201, 1, 0x6a);
	memcpy(image + 0x202, "HdrS", 4);
	put(0x206, 2, 0x20f);
	put(0x211, 1, 1);
	put(0x214, 4, 0x100000);
	put(0x22c, 4, 0x7fffffff);
	put(0x238, 4, 2047);
	put(0x258, 8, 0x1000000);
	put(0x260, 4, 0x400000);
	return 0;
}

static int teardown(void **state)
{
	guest_free(&guest);
	bus_free(bus);
	return 0;
}

static bool load(size_t size, uint64_t ram)
{
	assert_true(boot_set_ram(&board, ram, 0));
	return guest_load_kernel(bus, "vmlinuz", image, size, &boot, &guest, &why);
}

static void refused(size_t size, uint64_t ram, const char *text)
{
	assert_false(load(size, ram));
	if (!strstr(why.text, text))
		fail_msg("\"%s\" is missing in \"%s\"", text, why.text);
	assert_null(strchr(why.text, '\n'));
}

static void with_initrd(size_t size)
{
	boot.initrd = "rd.gz";
	initrd_size = size;
}

static void the_kernel_goes_to_1_mib_and_no_more_than_the_header_says(void **state)
{
	bus_write(bus, 0x100000 + KERNEL, 4, 0x11223344);
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(got(0x100000), 0xabababab);
	assert_int_equal(got(0x100000 + KERNEL - 4), 0xabababab);
	assert_int_equal(got(0x100000 + KERNEL), 0x11223344);
	assert_int_equal(guest.mode, START_LINUX);
	assert_int_equal(guest.entry, 0x100000);
	assert_int_equal(guest.info, PARAMS);
	assert_int_equal(guest.end, RUN_END);
}

static void the_header_is_handed_over_and_the_rest_of_the_parameters_is_zero(void **state)
{
	put(0x26c, 4, 0xffffffff); /* behind the header, which ends at 26Ch */
	put(0x1f0, 1, 0xff);       /* before it */
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(got(PARAMS + 0x202), 0x53726448);
	assert_int_equal(got(PARAMS + 0x260), 0x400000);
	assert_int_equal(got(PARAMS + 0x26c), 0);
	assert_int_equal(bus_read(bus, PARAMS + 0x1f0, 1), 0);
	assert_int_equal(bus_read(bus, PARAMS + 0x210, 1), 0xff); /* a loader without a number */
}

static void a_header_that_claims_more_than_its_place_does_not_reach_other_fields(void **state)
{
	put(0x201, 1, 0xff);
	put(0x290, 4, 0xffffffff);
	put(0x2d0, 4, 0xffffffff);
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(got(PARAMS + 0x290), 0);
	assert_int_equal(got(E820), 0);
}

static void the_memory_map_tells_of_ram_and_what_the_bios_keeps(void **state)
{
	static const struct {
		uint32_t start, size, type;
	} map[] = {{0, 0x9fc00, 1}, {0x9fc00, 0x400, 2}, {0xf0000, 0x10000, 2}, {0x100000, RAM - 0x100000, 1}};

	assert_true(load(sizeof(image), RAM));
	assert_int_equal(bus_read(bus, PARAMS + 0x1e8, 1), 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(got(E820 + 20 * i), map[i].start);
		assert_int_equal(got(E820 + 20 * i + 4), 0);
		assert_int_equal(got(E820 + 20 * i + 8), map[i].size);
		assert_int_equal(got(E820 + 20 * i + 12), 0);
		assert_int_equal(got(E820 + 20 * i + 16), map[i].type);
	}
}

static void the_gdt_has_flat_code_at_10h_and_data_at_18h(void **state)
{
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(got(LINUX_GDT + 0x10), 0x0000ffff);
	assert_int_equal(got(LINUX_GDT + 0x14), 0x00cf9b00);
	assert_int_equal(got(LINUX_GDT + 0x18), 0x0000ffff);
	assert_int_equal(got(LINUX_GDT + 0x1c), 0x00cf9300);
}

static void the_command_line_is_handed_over(void **state)
{
	char text[16];

	boot.append = "console=ttyS0";
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(got(PARAMS + 0x228), LINUX_CMDLINE);
	bus_peek(bus, LINUX_CMDLINE, text, 14);
	assert_string_equal(text, "console=ttyS0");
}

static void a_command_line_the_kernel_does_not_take_is_refused(void **state)
{
	boot.append = "quiet";
	put(0x238, 4, 4);
	refused(sizeof(image), RAM, "-append: 5 characters are too many, this kernel takes 4");
	put(0x238, 4, 5);
	assert_true(load(sizeof(image), RAM));
}

static void the_initrd_lies_as_high_as_it_may(void **state)
{
	with_initrd(0x2801);
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(got(PARAMS + 0x218), RAM - 0x3000); /* a page boundary */
	assert_int_equal(got(PARAMS + 0x21c), 0x2801);
	assert_int_equal(got(RAM - 0x3000), 0xcdcdcdcd);
	assert_int_equal(bus_read(bus, RAM - 0x3000 + 0x2800, 2), 0xcd);
	put(0x22c, 4, 0x1ffffff - 0x1000);
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(got(PARAMS + 0x218), RAM - 0x4000);
}

static void without_initrd_its_fields_are_zero(void **state)
{
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(got(PARAMS + 0x218), 0);
	assert_int_equal(got(PARAMS + 0x21c), 0);
}

static void an_initrd_without_room_is_refused(void **state)
{
	with_initrd(0x3000);
	put(0x22c, 4, RUN_END + 0x2fff - 1);
	refused(sizeof(image), RAM, "-initrd rd.gz: 12288 bytes do not fit into RAM");
	put(0x22c, 4, RUN_END + 0x2fff);
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(got(PARAMS + 0x218), RUN_END);
	put(0x206, 2, 0x204); /* a kernel that works up to its own end, which is no page's */
	put(0x1f4, 4, KERNEL / 16 - 1);
	put(0x22c, 4, 0x100000 + KERNEL - 16 + 0x2fff);
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(got(PARAMS + 0x218), 0x100000 + KERNEL - 16);
	initrd_size = (size_t)RAM + 1;
	refused(sizeof(image), RAM, "use -m");
}

static void a_kernel_without_room_to_start_is_refused(void **state)
{
	refused(sizeof(image), RUN_END - 1, "vmlinuz: the kernel needs memory up to 0x1400000 to start; use -m");
	assert_true(load(sizeof(image), RUN_END));
}

static void cut_off_kernels_are_refused(void **state)
{
	refused(SETUP + KERNEL - 16, RAM, "cut off: 10736 bytes are there, the header speaks of 2560 + 8192");
	refused(SETUP - 1, RAM, "cut off in the setup part (2559 of 2560 bytes are there)");
	refused(0x206, RAM, "cut off in the setup part");
	refused(0x205, RAM, "not an ELF file, nor a Linux bzImage"); /* not even the magic is there */
	assert_true(load(SETUP + KERNEL, RAM));
}

static void the_last_16_bytes_need_not_be_whole(void **state)
{
	assert_true(load(SETUP + KERNEL - 15, RAM));
	assert_int_equal(got(0x100000 + KERNEL - 20), 0xabababab);
	assert_int_equal(got(0x100000 + KERNEL - 16), 0xab);
}

static void before_protocol_2_04_the_kernel_is_the_rest_of_the_file(void **state)
{
	put(0x206, 2, 0x203);
	put(0x1f4, 4, 0xffff0000);
	assert_true(load(SETUP + KERNEL, RAM));
	assert_int_equal(got(0x100000 + KERNEL - 4), 0xabababab);
	guest_free(&guest);
	refused(SETUP, RAM, "only the setup part is there");
}

static void without_a_32_bit_entry_firmware_is_wanted(void **state)
{
	assert_false(guest_linux_needs_firmware(image, sizeof(image)));
	put(0x214, 4, 0);
	assert_true(guest_linux_needs_firmware(image, sizeof(image)));
	refused(sizeof(image), RAM, "no 32-bit entry");
	put(0x214, 4, 0x100000);
	put(0x206, 2, 0x204);
	assert_false(guest_linux_needs_firmware(image, sizeof(image)));
	put(0x206, 2, 0x203);
	assert_true(guest_linux_needs_firmware(image, sizeof(image)));
	assert_true(load(sizeof(image), RAM)); /* has one nevertheless */
}

static void sizes_that_cannot_be_are_refused(void **state)
{
	put(0x1f4, 4, 0);
	refused(sizeof(image), RAM, "the file is corrupt");
	put(0x1f4, 4, 0x10000000);
	refused(sizeof(image), RAM, "the file is corrupt");
	put(0x1f4, 4, KERNEL / 16);
	put(0x25c, 4, 1);
	refused(sizeof(image), RAM, "above 4 GiB; corrupt");
}

static void sixty_four_bit_kernels_are_refused(void **state)
{
	put(0x236, 2, 1);
	refused(sizeof(image), RAM, "vmlinuz: a 64-bit kernel needs long mode; this processor model has none");
	put(0x206, 2, 0x20b); /* the bit has no meaning yet */
	assert_true(load(sizeof(image), RAM));
}

static void the_64_bit_entry_is_200h_behind_the_start_under_identity_page_tables(void **state)
{
	board.long_mode = true;
	put(0x236, 2, 1);
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(guest.mode, START_LINUX64);
	assert_int_equal(guest.entry, 0x100200);
	assert_int_equal(guest.pages, LINUX_PAGES);
	assert_int_equal(bus_read(bus, LINUX_GDT + 0x10, 8), 0x00af9b000000ffff); /* L = 1 */
	for (uint64_t page = 0; page < 2048; page += 2047) {
		uint64_t pdpt = bus_read(bus, guest.pages, 8),
			 pd = bus_read(bus, (pdpt & ~0xfffull) + 8 * (page / 512), 8);

		assert_int_equal(pdpt & 0xfff, 3);
		assert_int_equal(pd & 0xfff, 3);
		assert_int_equal(bus_read(bus, (pd & ~0xfffull) + 8 * (page % 512), 8), page << 21 | 0x83);
	}
	assert_int_equal(bus_read(bus, guest.pages + 8, 8), 0);
	put(0x1f4, 4, 0x20); /* 200h bytes: no entry in them */
	refused(sizeof(image), RAM, "do not reach its 64-bit entry");
}

static void an_initrd_goes_above_4_gib_only_where_the_kernel_takes_it(void **state)
{
	const uint64_t high = UINT64_C(1) << 32;

	board.long_mode = true;
	with_initrd(0x3000);
	bus_add_ram(bus, "above 4 GiB", high, 0x10000);
	put(0x236, 2, 1);
	put(0x22c, 4, RUN_END + 0x1000);
	assert_true(boot_set_ram(&board, RAM, 0x10000));
	assert_false(guest_load_kernel(bus, "vmlinuz", image, sizeof(image), &boot, &guest, &why));
	put(0x236, 2, 3);
	assert_true(guest_load_kernel(bus, "vmlinuz", image, sizeof(image), &boot, &guest, &why));
	assert_int_equal(got(PARAMS + 0x218), 0xd000);
	assert_int_equal(got(PARAMS + 0xc0), 1);
	assert_int_equal(got(PARAMS + 0x21c), 0x3000);
	assert_int_equal(got(PARAMS + 0xc4), 0);
	assert_int_equal(got(high + 0xd000), 0xcdcdcdcd);
}

static void the_screen_is_told_of_where_there_is_a_vga(void **state)
{
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(bus_read(bus, PARAMS + 0x0f, 1), 0);
	board.vga = true;
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(bus_read(bus, PARAMS + 6, 1), 3);
	assert_int_equal(bus_read(bus, PARAMS + 7, 1), 80);
	assert_int_equal(bus_read(bus, PARAMS + 0x0e, 1), 25);
	assert_int_equal(bus_read(bus, PARAMS + 0x0f, 1), 1);
	assert_int_equal(bus_read(bus, PARAMS + 0x10, 2), 16);
}

static void memory_sizes_and_the_rsdp_are_told(void **state)
{
	board.rsdp = 0xf0010;
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(bus_read(bus, PARAMS + 2, 2), (RAM >> 10) - 1024);
	assert_int_equal(got(PARAMS + 0x1e0), (RAM >> 10) - 1024);
	assert_int_equal(bus_read(bus, PARAMS + 0x70, 8), 0xf0010);
	put(0x206, 2, 0x20d); /* the field is younger */
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(bus_read(bus, PARAMS + 0x70, 8), 0);
}

static void setup_data_stays_as_the_kernel_has_it(void **state)
{
	put(0x250, 8, UINT64_C(0x1122334455667788));
	assert_true(load(sizeof(image), RAM));
	assert_int_equal(bus_read(bus, PARAMS + 0x250, 8), UINT64_C(0x1122334455667788));
}

static void kernels_of_another_protocol_are_refused(void **state)
{
	put(0x206, 2, 0x201);
	refused(sizeof(image), RAM, "boot protocol 2.01 is too old");
	put(0x206, 2, 0x20f);
	put(0x211, 1, 0);
	refused(sizeof(image), RAM, "a zImage");
	put(0x202, 1, 'h');
	refused(sizeof(image), RAM, "not an ELF file, nor a Linux bzImage");
}

static void fields_younger_than_the_protocol_are_not_believed(void **state)
{
	static char line[257];

	memset(line, 'x', 256);
	boot.append = line;
	put(0x206, 2, 0x202);
	put(0x1f1, 1, 0); /* means 4 */
	refused(sizeof(image), RAM, "256 characters are too many, this kernel takes 255");
	line[255] = '\0';
	with_initrd(0x1000);
	assert_true(load(SETUP + KERNEL, UINT64_C(3) << 20));
	assert_int_equal(guest.end, 0x100000 + KERNEL);
	assert_int_equal(got(PARAMS + 0x218), (3u << 20) - 0x1000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_kernel_goes_to_1_mib_and_no_more_than_the_header_says),
		TEST(the_header_is_handed_over_and_the_rest_of_the_parameters_is_zero),
		TEST(a_header_that_claims_more_than_its_place_does_not_reach_other_fields),
		TEST(the_memory_map_tells_of_ram_and_what_the_bios_keeps),
		TEST(the_gdt_has_flat_code_at_10h_and_data_at_18h),
		TEST(the_command_line_is_handed_over),
		TEST(a_command_line_the_kernel_does_not_take_is_refused),
		TEST(the_initrd_lies_as_high_as_it_may),
		TEST(without_initrd_its_fields_are_zero),
		TEST(an_initrd_without_room_is_refused),
		TEST(a_kernel_without_room_to_start_is_refused),
		TEST(cut_off_kernels_are_refused),
		TEST(the_last_16_bytes_need_not_be_whole),
		TEST(before_protocol_2_04_the_kernel_is_the_rest_of_the_file),
		TEST(without_a_32_bit_entry_firmware_is_wanted),
		TEST(sizes_that_cannot_be_are_refused),
		TEST(sixty_four_bit_kernels_are_refused),
		TEST(the_64_bit_entry_is_200h_behind_the_start_under_identity_page_tables),
		TEST(an_initrd_goes_above_4_gib_only_where_the_kernel_takes_it),
		TEST(the_screen_is_told_of_where_there_is_a_vga),
		TEST(memory_sizes_and_the_rsdp_are_told),
		TEST(setup_data_stays_as_the_kernel_has_it),
		TEST(kernels_of_another_protocol_are_refused),
		TEST(fields_younger_than_the_protocol_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
