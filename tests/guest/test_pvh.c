/* PVH: the note, what the kernel is given, and what is said about bad ones. */
#include "bed.h"

#define NOTE 0x1000u

/* An ELF file at 1 MiB whose second program header has notes of so many bytes. */
static void make_kernel(uint32_t bytes)
{
	Elf32_Phdr note = {.p_type = PT_NOTE, .p_offset = NOTE, .p_filesz = bytes, .p_memsz = bytes, .p_align = 4};

	make_elf(0x100000);
	put(offsetof(Elf32_Ehdr, e_phnum), 2, 2);
	memcpy(image + sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr), &note, sizeof(note));
	/* another owner's note first: "GNU", 18, 6 bytes and padding */
	put(NOTE, 4, 4);
	put(NOTE + 4, 4, 6);
	put(NOTE + 8, 4, 18);
	memcpy(image + NOTE + 12, "GNU\0\1\2\3\4\5\6\0\0", 12);
	put(NOTE + 24, 4, 4);
	put(NOTE + 28, 4, 4);
	put(NOTE + 32, 4, 18);
	memcpy(image + NOTE + 36, "Xen", 4);
	put(NOTE + 40, 4, 0x100300);
}

static void the_notes_address_is_the_entry(void **state)
{
	make_kernel(44);
	assert_true(load(IMAGE));
	assert_int_equal(guest.mode, START_PVH);
	assert_int_equal(guest.entry, 0x100300);
	put(NOTE + 28, 4, 8); /* as wide as an address of a 64-bit kernel */
	put(sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr) + offsetof(Elf32_Phdr, p_filesz), 4, 48);
	assert_true(load(IMAGE));
	assert_int_equal(guest.entry, 0x100300);
}

static void other_notes_make_no_pvh_kernel(void **state)
{
	make_kernel(44);
	put(NOTE + 32, 4, 17);
	assert_true(load(IMAGE));
	assert_int_equal(guest.mode, START_PROT32);
	put(NOTE + 32, 4, 18);
	put(NOTE + 24, 4, 3); /* "Xen" without its NUL is another name */
	assert_true(load(IMAGE));
	assert_int_equal(guest.mode, START_PROT32);
	put(NOTE + 24, 4, 4);
	put(NOTE + 28, 4, 3); /* no 32 bits */
	assert_true(load(IMAGE));
	assert_int_equal(guest.mode, START_PROT32);
}

static void notes_cut_off_are_none(void **state)
{
	for (uint32_t bytes = 0; bytes < 44; bytes++) {
		make_kernel(bytes);
		assert_true(load(IMAGE));
		assert_int_equal(guest.mode, START_PROT32);
	}
	make_kernel(44);
	for (unsigned field = 0; field < 2; field++) { /* sizes no file has */
		put(NOTE + 4 * field, 4, 0xfffffffd);
		assert_true(load(IMAGE));
		assert_int_equal(guest.mode, START_PROT32);
		put(NOTE + 4 * field, 4, field ? 6 : 4);
	}
}

static void an_entry_outside_is_refused(void **state)
{
	make_kernel(44);
	put(NOTE + 40, 4, 0x108000);
	refused(IMAGE, "the PVH entry point 0x108000 (a physical address) lies in no loadable segment");
	put(NOTE + 40, 4, 0);
	refused(IMAGE, "the PVH entry point 0x0");
}

static void start_info_is_of_version_1(void **state)
{
	uint64_t list, map;

	board.rsdp = 0xe0000;
	boot.append = "console=x";
	boot.initrd = "5000,7 some words";
	make_kernel(44);
	assert_true(load(IMAGE));
	assert_int_equal(got(guest.info), 0x336ec578);
	assert_int_equal(got(guest.info + 4), 1);
	assert_int_equal(got(guest.info + 8), 0);
	assert_int_equal(got(guest.info + 12), 2);
	list = bus_read(bus, guest.info + 16, 8);
	text_is(bus_read(bus, guest.info + 24, 8), "console=x");
	assert_int_equal(bus_read(bus, guest.info + 32, 8), 0xe0000);
	map = bus_read(bus, guest.info + 40, 8);
	assert_int_equal(bus_read(bus, guest.info + 48, 8), 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(bus_read(bus, map + 24 * i, 8), board.range[i].start);
		assert_int_equal(bus_read(bus, map + 24 * i + 8, 8), board.range[i].size);
		assert_int_equal(bus_read(bus, map + 24 * i + 16, 8), board.range[i].type);
	}
	assert_int_equal(bus_read(bus, list, 8), 0x108000);
	assert_int_equal(bus_read(bus, list + 8, 8), 5000);
	assert_int_equal(bus_read(bus, list + 16, 8), 0);
	assert_int_equal(bus_read(bus, list + 24, 8), 0);
	assert_int_equal(bus_read(bus, list + 32, 8), 0x10a000);
	text_is(bus_read(bus, list + 48, 8), "some words");
}

static void without_modules_there_is_no_list(void **state)
{
	make_kernel(44);
	assert_true(load(IMAGE));
	assert_int_equal(got(guest.info + 12), 0);
	assert_int_equal(bus_read(bus, guest.info + 16, 8), 0);
	text_is(bus_read(bus, guest.info + 24, 8), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_notes_address_is_the_entry), TEST(other_notes_make_no_pvh_kernel),
		TEST(notes_cut_off_are_none),         TEST(an_entry_outside_is_refused),
		TEST(start_info_is_of_version_1),     TEST(without_modules_there_is_no_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
