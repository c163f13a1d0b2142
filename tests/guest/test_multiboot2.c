/* Multiboot 2: which images are taken, what they are given, and what is said about bad ones. */
#include "bed.h"

#define MAGIC 0xe85250d6u
#define AT    0x100u

static size_t end;

static void begin(void)
{
	end = AT + 16;
}

static void tag(uint16_t type, uint16_t flags, unsigned words, const uint32_t *word)
{
	put(end, 2, type);
	put(end + 2, 2, flags);
	put(end + 4, 4, 8 + 4 * words);
	for (unsigned i = 0; i < words; i++)
		put(end + 8 + 4 * i, 4, word[i]);
	end = (end + 8 + 4 * words + 7) & ~(size_t)7;
}

static void finish(uint32_t architecture)
{
	uint32_t length;

	tag(0, 0, 0, NULL);
	length = (uint32_t)(end - AT);
	put(AT, 4, MAGIC);
	put(AT + 4, 4, architecture);
	put(AT + 8, 4, length);
	put(AT + 12, 4, -(MAGIC + architecture + length));
}

#define TAG(type, flags, ...) tag(type, flags, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (const uint32_t[]){__VA_ARGS__})

static void make_kernel(void)
{
	make_elf(0x100000);
	begin();
	finish(0);
}

/* A tag of the boot information: where its contents begin, 0: none. */
static uint64_t find(uint32_t type, unsigned nth, uint32_t *size)
{
	uint64_t at = guest.info + 8, stop = guest.info + got(guest.info);

	for (; at < stop; at += (got(at + 4) + 7) & ~7u)
		if (got(at) == type && nth-- == 0) {
			*size = got(at + 4);
			return at + 8;
		}
	return 0;
}

static void the_header_is_found_in_the_first_32768_bytes_on_a_multiple_of_8(void **state)
{
	make_kernel();
	assert_true(load(IMAGE));
	assert_int_equal(guest.mode, START_MULTIBOOT2);
	assert_int_equal(guest.entry, 0x100200);
	memmove(image + 0x104, image + 0x100, 24);
	memset(image + 0x100, 0, 4);
	assert_true(load(IMAGE));
	assert_int_equal(guest.mode, START_PROT32);
	memmove(image + 32768 - 24, image + 0x104, 24);
	memset(image + 0x104, 0, 24);
	assert_true(load(IMAGE));
	assert_int_equal(guest.mode, START_MULTIBOOT2);
	memmove(image + 32768 - 16, image + 32768 - 24, 24);
	memset(image + 32768 - 24, 0, 8);
	refused(IMAGE, "is cut off by the end of the file or of its first 32768 bytes");
}

static void the_information_has_its_tags_in_order(void **state)
{
	static const uint32_t types[] = {1, 2, 3, 3, 4, 6, 8, 14, 15, 0};
	uint8_t rsdp[36] = {'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ', [15] = 2, [20] = 36, [35] = 0x5a};
	uint64_t at;
	uint32_t size;

	board.vga = true;
	board.rsdp = 0x90000;
	boot.append = "a b";
	boot.initrd = "5000 one,7";
	bus_load(bus, 0x90000, rsdp, sizeof(rsdp));
	make_kernel();
	assert_true(load(IMAGE));
	assert_int_equal(guest.info % 8, 0);
	assert_int_equal(got(guest.info + 4), 0);
	at = guest.info + 8;
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++, at += (got(at + 4) + 7) & ~7u)
		assert_int_equal(got(at), types[i]);
	assert_int_equal(at - guest.info, got(guest.info));
	text_is(find(1, 0, &size), "kernel a b");
	assert_int_equal(size, 8 + 11);
	text_is(find(2, 0, &size), "Trapgate");
	at = find(3, 0, &size);
	assert_int_equal(got(at), 0x108000);
	assert_int_equal(got(at + 4), 0x108000 + 5000);
	text_is(at + 8, "5000 one");
	at = find(3, 1, &size);
	assert_int_equal(got(at), 0x10a000);
	text_is(at + 8, "7");
	assert_int_equal(bus_read(bus, find(14, 0, &size), 8), bus_read(bus, 0x90000, 8));
	assert_int_equal(size, 28);
	at = find(15, 0, &size);
	assert_int_equal(size, 44);
	assert_int_equal(bus_read(bus, at + 35, 1), 0x5a);
}

static void memory_is_told_in_sizes_and_as_a_map(void **state)
{
	uint32_t size;
	uint64_t at;

	make_kernel();
	assert_true(load(IMAGE));
	at = find(4, 0, &size);
	assert_int_equal(got(at), 639);
	assert_int_equal(got(at + 4), 31 << 10);
	at = find(6, 0, &size);
	assert_int_equal(size, 16 + 4 * 24);
	assert_int_equal(got(at), 24);
	assert_int_equal(got(at + 4), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(bus_read(bus, at + 8 + 24 * i, 8), board.range[i].start);
		assert_int_equal(bus_read(bus, at + 16 + 24 * i, 8), board.range[i].size);
		assert_int_equal(bus_read(bus, at + 24 + 24 * i, 8), board.range[i].type);
	}
}

static void the_screen_is_text_where_there_is_a_vga_and_the_kernel_takes_it(void **state)
{
	uint32_t size;
	uint64_t at;

	make_kernel();
	assert_true(load(IMAGE));
	assert_int_equal(find(8, 0, &size), 0);
	board.vga = true;
	begin();
	TAG(5, 0, 1024, 768, 32); /* only a recommendation */
	finish(0);
	assert_true(load(IMAGE));
	at = find(8, 0, &size);
	assert_int_equal(bus_read(bus, at, 8), 0xb8000);
	assert_int_equal(got(at + 8), 160);
	assert_int_equal(got(at + 12), 80);
	assert_int_equal(got(at + 16), 25);
	assert_int_equal(bus_read(bus, at + 20, 2), 0x210);
	begin();
	TAG(4, 0, 0); /* no EGA text support */
	finish(0);
	assert_true(load(IMAGE));
	assert_int_equal(find(8, 0, &size), 0);
	begin();
	TAG(4, 0, 1); /* but a console is required */
	finish(0);
	refused(IMAGE, "requires a console, and does not take the one there is");
	begin();
	TAG(4, 0, 3);
	finish(0);
	assert_true(load(IMAGE));
	board.vga = false;
	refused(IMAGE, "requires a console, and this board has no VGA");
}

static void required_requests_must_be_known(void **state)
{
	make_elf(0x100000);
	begin();
	TAG(1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21);
	finish(0);
	assert_true(load(IMAGE)); /* what there is not is not given */
	begin();
	TAG(1, 0, 6, 22);
	finish(0);
	refused(IMAGE, "requires boot information of the unknown type 22");
	begin();
	TAG(1, 1, 6, 22);
	finish(0);
	assert_true(load(IMAGE));
}

static void required_unknown_tags_are_refused_and_optional_ones_are_not(void **state)
{
	make_elf(0x100000);
	begin();
	TAG(11, 0, 5);
	finish(0);
	refused(IMAGE, "requires what the unknown tag 11 stands for");
	begin();
	TAG(11, 1, 5);
	tag(6, 0, 0, NULL);
	tag(7, 0, 0, NULL);
	TAG(8, 0, 0x12345678);
	TAG(9, 0, 0x12345678);
	finish(0);
	assert_true(load(IMAGE));
	assert_int_equal(guest.entry, 0x100200);
}

static void tags_that_do_not_fit_are_refused(void **state)
{
	make_elf(0x100000);
	begin();
	tag(3, 0, 0, NULL);
	finish(0);
	refused(IMAGE, "tag 3 of its Multiboot2 header has 8 bytes; at least 12");
	put(AT + 16 + 4, 4, 7);
	refused(IMAGE, "which do not fit into the header");
	put(AT + 16 + 4, 4, 17);
	refused(IMAGE, "which do not fit into the header");
}

static void other_architectures_are_refused(void **state)
{
	make_elf(0x100000);
	begin();
	finish(4);
	refused(IMAGE, "is for architecture 4; 0 (i386) is wanted");
}

static void headers_cut_off_are_refused_at_every_length(void **state)
{
	begin();
	TAG(2, 0, 0x200100, 0x200000, 0, 0);
	TAG(3, 0, 0x200020);
	finish(0);
	for (size_t size = AT + 16; size < end; size++)
		refused(size, "is cut off by the end of the file");
	assert_true(load(end));
}

static void addresses_replace_the_file_format(void **state)
{
	memset(image + 0x1000, 0xab, 0x1000);
	begin();
	TAG(2, 0, 0x200100, 0x200000, 0x202000, 0x203000);
	TAG(3, 0, 0x200200);
	finish(0);
	bus_write(bus, 0x202ffc, 4, 0xffffffff);
	assert_true(load(IMAGE));
	assert_int_equal(guest.entry, 0x200200);
	assert_int_equal(got(0x200100), MAGIC);
	assert_int_equal(got(0x201ffc), 0xabababab);
	assert_int_equal(got(0x202ffc), 0);
	begin();
	TAG(2, 0, 0x200100, 0xffffffff, 0, 0); /* the file from its start */
	TAG(3, 0, 0x200200);
	finish(0);
	assert_true(load(IMAGE));
	assert_int_equal(got(0x200100), MAGIC);
	assert_int_equal(guest.end, 0x200000 + IMAGE);
	begin();
	TAG(2, 0, 0xff, 0xffffffff, 0, 0);
	TAG(3, 0, 0x200200);
	finish(0);
	refused(IMAGE, "leaves no room for the 0x100 bytes before");
	begin();
	TAG(2, 0, 0x200100, 0x200000, 0, 0);
	finish(0);
	refused(IMAGE, "gives load addresses and no entry address (tag 3)");
}

static void the_entry_tag_wins_over_the_elf_header(void **state)
{
	make_elf(0x100000);
	begin();
	TAG(3, 0, 0x100400);
	finish(0);
	assert_true(load(IMAGE));
	assert_int_equal(guest.entry, 0x100400);
	begin();
	TAG(3, 0, 0x90000);
	finish(0);
	refused(IMAGE, "the entry address 0x90000 of its Multiboot2 header lies in no loadable segment");
}

static void relocatable(uint32_t lowest, uint32_t highest, uint32_t align, uint32_t preference)
{
	make_elf(0x100000);
	begin();
	TAG(10, 0, lowest, highest, align, preference);
	finish(0);
}

static void relocatable_images_lie_where_they_ask_to(void **state)
{
	static const struct {
		uint32_t lowest, highest, align, preference, base;
	} cases[] = {
		{0x100000, 0x1ffffff, 0x1000, 0, 0x100000},   /* may stay */
		{0x200000, 0x1ffffff, 0x1000, 0, 0x200000},   /* may not */
		{0x100000, 0x1ffffff, 0x200000, 0, 0x200000}, /* is not aligned */
		{0x80000, 0x107ffe, 0x1000, 0, 0x80000},      /* too high by a byte */
		{0x200001, 0x1ffffff, 0x1000, 1, 0x201000},
		{0x100000, 0x1ffffff, 0x200000, 1, 0x200000},
		{0x100000, 0x1ffffff, 0x1000, 2, 0x1ff8000},
		{0x100000, 0xffffffff, 0x10000, 2, 0x1ff0000}, /* RAM ends first */
		{0x300000, 0x307fff, 1, 2, 0x300000},          /* just so */
		{0, 0xffffffff, 0, 1, 0x8000},                 /* above the BIOS's data */
	};
	uint32_t size;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		relocatable(cases[i].lowest, cases[i].highest, cases[i].align, cases[i].preference);
		assert_true(load(IMAGE));
		assert_int_equal(guest.entry, cases[i].base + 0x200);
		assert_int_equal(got(cases[i].base), 0x464c457f);
		assert_int_equal(got(find(21, 0, &size)), cases[i].base);
	}
	relocatable(0x300000, 0x307ffe, 1, 0);
	refused(IMAGE, "no room for its 0x8000 bytes at a multiple of 0x1 in 0x300000-0x307ffe");
	make_kernel();
	assert_true(load(IMAGE));
	assert_int_equal(find(21, 0, &size), 0);
}

static void relocatable_images_by_addresses_move_with_their_entry(void **state)
{
	begin();
	TAG(2, 0, 0x200100, 0x200000, 0x204000, 0);
	TAG(3, 0, 0x200200);
	TAG(10, 0, 0x400000, 0x1ffffff, 0x1000, 1);
	finish(0);
	assert_true(load(IMAGE));
	assert_int_equal(guest.entry, 0x400200);
	assert_int_equal(got(0x400100), MAGIC);
}

static void multiboot_1_is_preferred_as_on_qemu(void **state)
{
	make_kernel();
	put(0x80, 4, 0x1badb002);
	put(0x88, 4, -0x1badb002u);
	assert_true(load(IMAGE));
	assert_int_equal(guest.mode, START_MULTIBOOT);
}

static void neither_elf_nor_addresses_is_refused(void **state)
{
	begin();
	finish(0);
	refused(IMAGE, "gives no load addresses (tag 2), and it is no ELF file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_header_is_found_in_the_first_32768_bytes_on_a_multiple_of_8),
		TEST(the_information_has_its_tags_in_order),
		TEST(memory_is_told_in_sizes_and_as_a_map),
		TEST(the_screen_is_text_where_there_is_a_vga_and_the_kernel_takes_it),
		TEST(required_requests_must_be_known),
		TEST(required_unknown_tags_are_refused_and_optional_ones_are_not),
		TEST(tags_that_do_not_fit_are_refused),
		TEST(other_architectures_are_refused),
		TEST(headers_cut_off_are_refused_at_every_length),
		TEST(addresses_replace_the_file_format),
		TEST(the_entry_tag_wins_over_the_elf_header),
		TEST(relocatable_images_lie_where_they_ask_to),
		TEST(relocatable_images_by_addresses_move_with_their_entry),
		TEST(multiboot_1_is_preferred_as_on_qemu),
		TEST(neither_elf_nor_addresses_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
