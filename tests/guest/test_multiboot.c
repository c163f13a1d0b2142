/* Multiboot 1: which images are taken, what they are given, and what is said about bad ones. */
#include "bed.h"

#define MAGIC 0x1badb002u

static void header(size_t at, uint32_t flags)
{
	put(at, 4, MAGIC);
	put(at + 4, 4, flags);
	put(at + 8, 4, -(MAGIC + flags));
}

static void places(size_t at, uint32_t header_at, uint32_t start, uint32_t end, uint32_t bss, uint32_t entry)
{
	const uint32_t words[] = {header_at, start, end, bss, entry};

	for (unsigned i = 0; i < 5; i++)
		put(at + 12 + 4 * i, 4, words[i]);
}

/* An ELF file at 1 MiB with a header. */
static void make_kernel(uint32_t flags)
{
	make_elf(0x100000);
	header(0x100, flags);
}

static void the_header_is_found_in_the_first_8192_bytes_on_a_multiple_of_4(void **state)
{
	make_elf(0x100000);
	header(8180, 0);
	assert_true(load(IMAGE));
	assert_int_equal(guest.mode, START_MULTIBOOT);
	memset(image + 8180, 0, 12);
	header(8184, 0); /* ends behind byte 8192 */
	assert_true(load(IMAGE));
	assert_int_equal(guest.mode, START_PROT32);
	memset(image + 8184, 0, 12);
	header(0x102, 0); /* not aligned */
	assert_true(load(IMAGE));
	assert_int_equal(guest.mode, START_PROT32);
	header(0x100, 0);
	put(0x108, 1, 0); /* wrong checksum */
	assert_true(load(IMAGE));
	assert_int_equal(guest.mode, START_PROT32);
}

static void memory_is_told_in_sizes_and_as_a_map(void **state)
{
	uint64_t map;

	make_kernel(2);
	assert_true(load(IMAGE));
	assert_int_equal(got(guest.info) & 0x41, 0x41);
	assert_int_equal(got(guest.info + 4), 639); /* without the extended BIOS data area */
	assert_int_equal(got(guest.info + 8), 31 << 10);
	assert_int_equal(got(guest.info + 44), 4 * 24);
	map = got(guest.info + 48);
	for (unsigned i = 0; i < 4; i++, map += 24) {
		assert_int_equal(got(map), 20);
		assert_int_equal(bus_read(bus, map + 4, 8), board.range[i].start);
		assert_int_equal(bus_read(bus, map + 12, 8), board.range[i].size);
		assert_int_equal(got(map + 20), board.range[i].type);
	}
}

static void the_command_line_is_name_and_append(void **state)
{
	make_kernel(0);
	assert_true(load(IMAGE));
	text_is(got(guest.info + 16), "kernel");
	boot.append = "root=x quiet";
	assert_true(load(IMAGE));
	assert_int_equal(got(guest.info) & 4, 4);
	text_is(got(guest.info + 16), "kernel root=x quiet");
	assert_int_equal(got(guest.info) & 0x200, 0x200);
	text_is(got(guest.info + 64), "Trapgate");
}

static void modules_lie_on_pages_behind_the_image(void **state)
{
	uint64_t list;

	boot.initrd = "5000 an argument, x";
	make_kernel(1);
	refused(IMAGE, "-initrd \"5000 an argument, x\": a file's name is missing");
	boot.initrd = "5000 an argument,7,9000 x,,y";
	assert_true(load(IMAGE));
	assert_int_equal(got(guest.info) & 8, 8);
	assert_int_equal(got(guest.info + 20), 3);
	list = got(guest.info + 24);
	assert_int_equal(got(list), 0x108000);
	assert_int_equal(got(list + 4), 0x108000 + 5000);
	text_is(got(list + 8), "5000 an argument");
	assert_int_equal(got(list + 12), 0);
	assert_int_equal(got(list + 16), 0x10a000);
	assert_int_equal(got(list + 20), 0x10a007);
	text_is(got(list + 24), "7");
	assert_int_equal(got(list + 32), 0x10b000);
	text_is(got(list + 40), "9000 x,y");
	assert_int_equal(bus_read(bus, 0x108000 + 4999, 1), 5000 & 0xff);
	assert_int_equal(bus_read(bus, 0x10a006, 1), 7);
}

static void modules_that_are_missing_or_too_large_are_refused(void **state)
{
	make_kernel(0);
	boot.initrd = "5,nothing x";
	refused(IMAGE, "nothing: No such file");
	boot.initrd = "5,40000000";
	refused(IMAGE, "-initrd 40000000: no room in RAM for its 40000000 bytes; use -m");
	boot.initrd = "";
	refused(IMAGE, "a file's name is missing");
}

static void the_information_lies_below_640_kib_where_no_kernel_expects_room(void **state)
{
	make_kernel(0);
	assert_true(load(IMAGE));
	assert_in_range(guest.info, 0x8000, 0x9fbff);
	make_elf(0x8000);
	header(0x100, 0);
	assert_true(load(IMAGE));
	assert_int_equal(guest.info, 0x10000); /* behind the image */
	assert_int_equal(guest.end, 0x10000 + 120 + 4 * 24 + sizeof("kernel") + sizeof("Trapgate"));
}

static void addresses_in_the_header_replace_the_file_format(void **state)
{
	memset(image + 0x1000, 0xab, 0x1000);
	header(0x1000, 0x10000);
	places(0x1000, 0x201000, 0x200ff0, 0x202000, 0x203000, 0x201020);
	bus_write(bus, 0x202ffc, 4, 0xffffffff);
	bus_write(bus, 0x203000, 4, 0xffffffff);
	assert_true(load(IMAGE));
	assert_int_equal(guest.entry, 0x201020);
	assert_int_equal(got(0x201000), MAGIC);
	assert_int_equal(got(0x200ffc), 0);
	assert_int_equal(got(0x201ffc), 0xabababab);
	assert_int_equal(got(0x202000), 0);
	assert_int_equal(got(0x202ffc), 0);
	assert_int_equal(got(0x203000), 0xffffffff);
	assert_int_equal(guest.end, 0x203000);
	places(0x1000, 0x201000, 0x201000, 0, 0, 0x201020); /* to the end of the file, no BSS */
	assert_true(load(IMAGE));
	assert_int_equal(guest.end, 0x201000 + IMAGE - 0x1000);
}

static void addresses_are_used_for_elf_files_too(void **state)
{
	make_kernel(0x10000);
	places(0x100, 0x300100, 0x300000, 0, 0, 0x300180);
	assert_true(load(IMAGE));
	assert_int_equal(guest.entry, 0x300180);
	assert_int_equal(got(0x300000), 0x464c457f);
	assert_int_equal(got(0x100000), 0);
}

static void bad_addresses_are_refused(void **state)
{
	static const struct {
		uint32_t header, start, end, bss, entry;
		const char *text;
	} cases[] = {
		{0x200000, 0x200001, 0, 0, 0x200010, "does not fit the load address"},
		{0x200000, 0x1ffeff, 0, 0, 0x200010, "does not fit the load address"},
		{0x200100, 0x200000, 0x1fffff, 0, 0x200010, "before its start"},
		{0x200100, 0x200000, 0x20a001, 0, 0x200010, "cut off"},
		{0x200100, 0x200000, 0x203000, 0x202fff, 0x200010, "ends the BSS"},
		{0x200100, 0x200000, 0x203000, 0x204000, 0x204000, "the entry point 0x204000 lies outside the image"},
		{0x200100, 0x200000, 0x203000, 0x204000, 0x1fffff, "the entry point 0x1fffff lies outside the image"},
		{0x200100, 0x200000, 0x203000, 0xf0000000, 0x200010, "is outside RAM; use -m"},
		{0xb0100, 0xb0000, 0, 0, 0xb0010, "is outside RAM"},
	};

	header(0x100, 0x10000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		places(0x100, cases[i].header, cases[i].start, cases[i].end, cases[i].bss, cases[i].entry);
		refused(IMAGE, cases[i].text);
	}
}

static void headers_cut_off_are_refused_at_every_length(void **state)
{
	header(0x100, 0x10000);
	places(0x100, 0x200100, 0x200000, 0, 0, 0x200010);
	for (size_t size = 0x10c; size < 0x120; size++)
		refused(size, "is cut off by the end of the file");
	assert_true(load(0x120));
	board.vga = true;
	header(0x100, 0x10004);
	for (size_t size = 0x10c; size < 0x130; size++)
		refused(size, "is cut off by the end of the file");
	assert_true(load(0x130));
	memset(image, 0, sizeof(image));
	header(8180, 0x10000);
	refused(IMAGE, "of its first 8192 bytes");
}

static void required_flags_nobody_knows_are_refused(void **state)
{
	for (unsigned bit = 3; bit < 16; bit++) {
		make_kernel(1u << bit);
		refused(IMAGE, "requires what no version of Multiboot 1 defines");
	}
	for (unsigned bit = 17; bit < 32; bit++) {
		make_kernel(1u << bit);
		assert_true(load(IMAGE));
	}
}

static void a_video_mode_is_the_text_screen_and_needs_a_vga(void **state)
{
	make_kernel(4);
	refused(IMAGE, "requires a video mode, and this board has no VGA");
	board.vga = true;
	assert_true(load(IMAGE));
	assert_int_equal(got(guest.info) & 0x1000, 0x1000);
	assert_int_equal(bus_read(bus, guest.info + 88, 8), 0xb8000);
	assert_int_equal(got(guest.info + 96), 160);
	assert_int_equal(got(guest.info + 100), 80);
	assert_int_equal(got(guest.info + 104), 25);
	assert_int_equal(bus_read(bus, guest.info + 108, 2), 0x210); /* 16 bits, EGA text */
}

static void neither_elf_nor_addresses_is_refused(void **state)
{
	header(0x100, 0);
	refused(IMAGE, "gives no load addresses (flag 16), and it is no ELF file");
}

static void an_entry_point_outside_is_refused(void **state)
{
	make_kernel(0);
	put(offsetof(Elf32_Ehdr, e_entry), 4, 0x108000);
	refused(IMAGE, "the entry point 0x108000 lies in no loadable segment");
}

/* Symbols and their names behind the segment's bytes; the section table at 6000h. */
static void add_sections(void)
{
	const Elf32_Shdr headers[] = {
		{0},
		{.sh_name = 1,
		 .sh_type = SHT_PROGBITS,
		 .sh_flags = SHF_ALLOC,
		 .sh_addr = 0x100200,
		 .sh_offset = 0x200,
		 .sh_size = 0x100},
		{.sh_name = 1, .sh_type = SHT_STRTAB, .sh_offset = 0x5040, .sh_size = 0x11},
		{.sh_name = 1,
		 .sh_type = SHT_SYMTAB,
		 .sh_offset = 0x5000,
		 .sh_size = 0x40,
		 .sh_link = 2,
		 .sh_entsize = 16,
		 .sh_addralign = 16},
		{.sh_name = 1, .sh_type = SHT_NOBITS, .sh_size = 0x1000},
	};

	memset(image + 0x5000, 0, 0x51);
	memset(image + 0x5030, 0xcc, 16);
	memset(image + 0x5041, 'n', 0x0f);
	memcpy(image + 0x6000, headers, sizeof(headers));
	put(offsetof(Elf32_Ehdr, e_shoff), 4, 0x6000);
	put(offsetof(Elf32_Ehdr, e_shentsize), 2, sizeof(Elf32_Shdr));
	put(offsetof(Elf32_Ehdr, e_shnum), 2, 5);
	put(offsetof(Elf32_Ehdr, e_shstrndx), 2, 2);
}

static void sections_are_in_memory_and_their_headers_say_where(void **state)
{
	uint64_t table, symbols, names;

	make_kernel(0);
	add_sections();
	assert_true(load(IMAGE));
	assert_int_equal(got(guest.info) & 0x20, 0x20);
	assert_int_equal(got(guest.info + 28), 5);
	assert_int_equal(got(guest.info + 32), 40);
	assert_int_equal(got(guest.info + 40), 2);
	table = got(guest.info + 36);
	assert_int_equal(got(table + 40 + 12), 0x100200);
	symbols = got(table + 3 * 40 + 12);
	names = got(table + 2 * 40 + 12);
	assert_in_range(symbols, 0x108000, RAM - 0x51);
	assert_int_equal(symbols % 16, 0);
	assert_int_equal(got(symbols + 0x30), 0xcccccccc);
	assert_int_equal(got(names + 1), 0x6e6e6e6e);
	assert_int_equal(got(table + 4 * 40 + 12), 0);
}

static void broken_sections_cost_the_table_and_not_the_run(void **state)
{
	make_kernel(0);
	add_sections();
	put(0x6000 + 2 * 40 + 20, 4, 0x10000); /* longer than the file */
	assert_true(load(IMAGE));
	assert_int_equal(got(guest.info) & 0x20, 0);
}

static void plain_elf_takes_neither_command_line_nor_modules(void **state)
{
	make_elf(0x100000);
	boot.append = "x";
	refused(IMAGE, "-append: kernel has no Linux, Multiboot or PVH header");
	boot = (struct boot){.initrd = "5", .read = read_file, .board = &board};
	refused(IMAGE, "-initrd 5: kernel has no Linux, Multiboot or PVH header");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_header_is_found_in_the_first_8192_bytes_on_a_multiple_of_4),
		TEST(memory_is_told_in_sizes_and_as_a_map),
		TEST(the_command_line_is_name_and_append),
		TEST(modules_lie_on_pages_behind_the_image),
		TEST(modules_that_are_missing_or_too_large_are_refused),
		TEST(the_information_lies_below_640_kib_where_no_kernel_expects_room),
		TEST(addresses_in_the_header_replace_the_file_format),
		TEST(addresses_are_used_for_elf_files_too),
		TEST(bad_addresses_are_refused),
		TEST(headers_cut_off_are_refused_at_every_length),
		TEST(required_flags_nobody_knows_are_refused),
		TEST(a_video_mode_is_the_text_screen_and_needs_a_vga),
		TEST(neither_elf_nor_addresses_is_refused),
		TEST(an_entry_point_outside_is_refused),
		TEST(sections_are_in_memory_and_their_headers_say_where),
		TEST(broken_sections_cost_the_table_and_not_the_run),
		TEST(plain_elf_takes_neither_command_line_nor_modules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
