/* Loading images, and what is said about bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>

#include "guest/image.h"

#define RAM (UINT64_C(1) << 20)

/* An ELF file with one segment of 16 bytes at 8000h (virtual C0008000h), 32 in memory. */
struct image {
	Elf32_Ehdr header;
	Elf32_Phdr segment;
	uint8_t code[16];
};

static struct bus *bus;
static struct guest guest;
static struct diagnostic why;
static struct image image;

static int setup(void **state)
{
	bus = bus_new();
	bus_add_ram(bus, "RAM", 0, RAM);
	memset(&guest, 0, sizeof(guest));
	why.text[0] = '\0';
	memset(&image, 0, sizeof(image));
	memcpy(image.header.e_ident, ELFMAG, SELFMAG);
	image.header.e_ident[EI_CLASS] = ELFCLASS32;
	image.header.e_ident[EI_DATA] = ELFDATA2LSB;
	image.header.e_ident[EI_VERSION] = EV_CURRENT;
	image.header.e_type = ET_EXEC;
	image.header.e_machine = EM_386;
	image.header.e_version = EV_CURRENT;
	image.header.e_entry = 0xc0008004;
	image.header.e_phoff = offsetof(struct image, segment);
	image.header.e_ehsize = sizeof(Elf32_Ehdr);
	image.header.e_phentsize = sizeof(Elf32_Phdr);
	image.header.e_phnum = 1;
	image.segment = (Elf32_Phdr){.p_type = PT_LOAD,
				     .p_offset = offsetof(struct image, code),
				     .p_vaddr = 0xc0008000,
				     .p_paddr = 0x8000,
				     .p_filesz = 16,
				     .p_memsz = 32};
	memset(image.code, 0x90, sizeof(image.code));
	return 0;
}

static int teardown(void **state)
{
	guest_free(&guest);
	bus_free(bus);
	return 0;
}

static bool load(size_t size)
{
	return guest_load_elf(bus, "k.elf", (const uint8_t *)&image, size, &guest, &why);
}

static void refused(size_t size, const char *text)
{
	assert_false(load(size));
	if (!strstr(why.text, text))
		fail_msg("\"%s\" is missing in \"%s\"", text, why.text);
	assert_int_equal(strncmp(why.text, "k.elf: ", 7), 0);
	assert_null(strchr(why.text, '\n'));
}

static void elf_goes_to_its_physical_addresses(void **state)
{
	uint8_t got[32];

	bus_write(bus, 0x8010, 4, 0xffffffff);
	assert_true(load(sizeof(image)));
	assert_int_equal(bus_peek(bus, 0x8000, got, sizeof(got)), sizeof(got));
	assert_memory_equal(got, image.code, 16);
	for (int i = 16; i < 32; i++)
		assert_int_equal(got[i], 0); /* BSS, though something lay there */
	assert_int_equal(guest.mode, START_PROT32);
	assert_int_equal(guest.end, 0x8020);
}

static void the_entry_point_becomes_physical(void **state)
{
	assert_true(load(sizeof(image)));
	assert_int_equal(guest.entry, 0x8004);
}

static void segments_outside_ram_are_refused_with_advice(void **state)
{
	image.segment.p_paddr = RAM - 16;
	refused(sizeof(image), "segment 0 (0xffff0+0x20) is outside RAM; use -m");
	image.segment.p_paddr = 0xfffffff0;
	refused(sizeof(image), "is outside RAM");
	image.segment.p_paddr = 0x8000;
	image.segment.p_memsz = 0xffffffff;
	refused(sizeof(image), "is outside RAM");
}

static void cut_off_files_are_refused(void **state)
{
	refused(sizeof(image) - 1, "goes past the end of the file");
	refused(40, "cut off in the ELF header");
	refused(3, "not an ELF file");
	refused(offsetof(struct image, segment) + 8, "k.elf: ");
}

static void a_segment_larger_in_the_file_than_in_memory_is_refused(void **state)
{
	image.segment.p_memsz = 8;
	refused(sizeof(image), "more bytes in the file (0x10) than in memory (0x8)");
}

static void other_machines_are_refused(void **state)
{
	image.header.e_machine = EM_ARM;
	refused(sizeof(image), "another processor (machine 40)");
}

static void sixty_four_bit_files_go_to_their_physical_addresses(void **state)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segment;
		uint8_t code[16];
	} wide = {.segment = {.p_type = PT_LOAD,
			      .p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
			      .p_vaddr = UINT64_C(0xffffffff80008000),
			      .p_paddr = 0x8000,
			      .p_filesz = 16,
			      .p_memsz = 32}};
	Elf64_Ehdr *header = &wide.header;

	memcpy(header->e_ident, image.header.e_ident, EI_NIDENT);
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_type = ET_EXEC;
	header->e_machine = EM_X86_64;
	header->e_version = EV_CURRENT;
	header->e_entry = UINT64_C(0xffffffff80008004);
	header->e_phoff = header->e_ehsize = sizeof(Elf64_Ehdr);
	header->e_phentsize = sizeof(Elf64_Phdr);
	header->e_phnum = 1;
	memset(wide.code, 0x66, sizeof(wide.code));
	assert_true(guest_load_elf(bus, "k.elf", (const uint8_t *)&wide, sizeof(wide), &guest, &why));
	assert_int_equal(bus_read(bus, 0x800c, 4), 0x66666666);
	assert_int_equal(guest.entry, 0x8004);
	assert_int_equal(guest.mode, START_PROT32);
	header->e_entry = 0x8008; /* physical, as Linux has it */
	assert_true(guest_load_elf(bus, "k.elf", (const uint8_t *)&wide, sizeof(wide), &guest, &why));
	assert_int_equal(guest.entry, 0x8008);
	header->e_machine = EM_386;
	assert_false(guest_load_elf(bus, "k.elf", (const uint8_t *)&wide, sizeof(wide), &guest, &why));
	assert_non_null(strstr(why.text, "an ELF64 file for another processor (machine 3)"));
}

static void overlapping_segments_are_refused(void **state)
{
	struct {
		Elf32_Ehdr header;
		Elf32_Phdr segment[3];
		uint8_t code[16];
	} three = {.header = image.header};

	three.header.e_phnum = 3;
	for (unsigned i = 0; i < 3; i++) {
		three.segment[i] = image.segment;
		three.segment[i].p_offset = sizeof(Elf32_Ehdr) + 3 * sizeof(Elf32_Phdr);
	}
	three.segment[1].p_paddr = 0x9000;
	three.segment[2].p_paddr = 0x9000 - 31; /* the last byte of 32 */
	bus_write(bus, 0x8000, 4, 0x12345678);
	assert_false(guest_load_elf(bus, "k.elf", (const uint8_t *)&three, sizeof(three), &guest, &why));
	assert_string_equal(why.text, "k.elf: segments 2 and 1 overlap at 0x9000; relink it");
	assert_int_equal(bus_read(bus, 0x8000, 4), 0x12345678); /* nothing was written */
	three.segment[2].p_paddr--;
	assert_true(guest_load_elf(bus, "k.elf", (const uint8_t *)&three, sizeof(three), &guest, &why));
}

static void programs_for_an_operating_system_are_refused(void **state)
{
	image.segment.p_type = PT_INTERP;
	refused(sizeof(image), "it names an interpreter");
}

static void objects_are_refused(void **state)
{
	image.header.e_type = ET_REL;
	refused(sizeof(image), "link it first");
}

static void an_entry_point_outside_the_image_is_refused(void **state)
{
	image.header.e_entry = 0x1234;
	refused(sizeof(image), "entry point 0x1234 lies in no loadable segment");
}

static void a_file_without_segments_is_refused(void **state)
{
	image.segment.p_type = PT_NOTE;
	refused(sizeof(image), "no loadable segment");
}

static void names_never_break_the_line(void **state)
{
	image.header.e_type = ET_REL;
	assert_false(guest_load_elf(bus, "a\nb", (const uint8_t *)&image, sizeof(image), &guest, &why));
	assert_int_equal(strncmp(why.text, "a?b: ", 5), 0);
}

static void flat_binaries_go_where_they_are_told(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4};

	assert_true(guest_load_flat(bus, "f", bytes, sizeof(bytes), 0x7c00, &guest, &why));
	assert_int_equal(bus_read(bus, 0x7c00, 4), 0x04030201);
	assert_false(guest_load_flat(bus, "f", bytes, sizeof(bytes), RAM - 2, &guest, &why));
	assert_string_equal(why.text, "f: 0xffffe+0x4 is outside RAM; use -m or another address");
	assert_false(guest_load_flat(bus, "f", bytes, sizeof(bytes), UINT64_MAX - 1, &guest, &why));
}

static void a_rom_ends_at_4_gib_and_is_seen_below_1_mib(void **state)
{
	static uint8_t rom[8192];
	struct bus *own = bus_new();

	bus_add_ram(own, "RAM", 0, 0xa0000);
	rom[8191] = 0x5a;
	rom[0] = 0xa5;
	assert_true(guest_load_rom(own, "r", rom, sizeof(rom), &guest, &why));
	assert_int_equal(bus_read(own, 0xffffffff, 1), 0x5a);
	assert_int_equal(bus_read(own, 0xfffff, 1), 0x5a);
	assert_int_equal(bus_read(own, 0xffffe000, 1), 0xa5);
	assert_int_equal(bus_read(own, 0xfe000, 1), 0xa5);
	assert_int_equal(guest.mode, START_RESET);
	assert_false(guest_load_rom(own, "r", rom, 5000, &guest, &why));
	assert_non_null(strstr(why.text, "whole 4 KiB pages"));
	bus_free(own);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(elf_goes_to_its_physical_addresses),
		TEST(the_entry_point_becomes_physical),
		TEST(segments_outside_ram_are_refused_with_advice),
		TEST(cut_off_files_are_refused),
		TEST(a_segment_larger_in_the_file_than_in_memory_is_refused),
		TEST(other_machines_are_refused),
		TEST(sixty_four_bit_files_go_to_their_physical_addresses),
		TEST(overlapping_segments_are_refused),
		TEST(programs_for_an_operating_system_are_refused),
		TEST(objects_are_refused),
		TEST(an_entry_point_outside_the_image_is_refused),
		TEST(a_file_without_segments_is_refused),
		TEST(names_never_break_the_line),
		TEST(flat_binaries_go_where_they_are_told),
		TEST(a_rom_ends_at_4_gib_and_is_seen_below_1_mib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
