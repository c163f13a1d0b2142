/* A bus with 32 MiB of RAM, an image made of bytes, and files for -initrd that exist only here: "N", whose N bytes are
 * N each. */
#ifndef TRAPGATE_TESTS_GUEST_BED_H
#define TRAPGATE_TESTS_GUEST_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>

#include "guest/boot.h"

#define RAM   (UINT64_C(32) << 20)
#define IMAGE 0xa000u

static struct bus *bus;
static struct guest guest;
static struct diagnostic why;
static struct boot_board board;
static struct boot boot;
static uint8_t image[IMAGE];

static bool read_file(const char *path, uint8_t **data, size_t *size, struct diagnostic *reason)
{
	size_t n = strtoul(path, NULL, 10);

	if (n == 0)
		return diagnose(reason, "%s: No such file or directory", path);
	*data = malloc(n);
	assert_non_null(*data);
	memset(*data, (int)n, n);
	*size = n;
	return true;
}

static int setup(void **state)
{
	bus = bus_new();
	bus_add_ram(bus, "low", 0, 0xa0000);
	bus_add_ram(bus, "high", 0x100000, RAM - 0x100000);
	guest = (struct guest){.end = 0};
	board = (struct boot_board){.ranges = 0};
	assert_true(boot_set_ram(&board, RAM, 0));
	boot = (struct boot){.read = read_file, .board = &board};
	why.text[0] = '\0';
	memset(image, 0, sizeof(image));
	return 0;
}

static int teardown(void **state)
{
	guest_free(&guest);
	bus_free(bus);
	return 0;
}

static inline void put(size_t at, unsigned bytes, uint64_t v)
{
	for (unsigned i = 0; i < bytes; i++)
		image[at + i] = (uint8_t)(v >> (8 * i));
}

static inline uint32_t got(uint64_t at)
{
	return (uint32_t)bus_read(bus, at, 4);
}

static inline void text_is(uint64_t at, const char *text)
{
	char buffer[64] = "";

	bus_peek(bus, at, buffer, sizeof(buffer) - 1);
	assert_string_equal(buffer, text);
}

/* An ELF32 file at the image's start: a segment of 4000h bytes (8000h in memory) from file offset 0
 * at address. */
static inline void make_elf(uint32_t address)
{
	Elf32_Ehdr header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
			     .e_type = ET_EXEC,
			     .e_machine = EM_386,
			     .e_version = EV_CURRENT,
			     .e_entry = address + 0x200,
			     .e_phoff = sizeof(header),
			     .e_ehsize = sizeof(header),
			     .e_phentsize = sizeof(Elf32_Phdr),
			     .e_phnum = 1};
	Elf32_Phdr segment = {
		.p_type = PT_LOAD, .p_vaddr = address, .p_paddr = address, .p_filesz = 0x4000, .p_memsz = 0x8000};

	memcpy(image, &header, sizeof(header));
	memcpy(image + sizeof(header), &segment, sizeof(segment));
}

static inline bool load(size_t size)
{
	uint8_t *exact = malloc(size ? size : 1); /* so that reading behind it is seen */
	bool ok;

	assert_non_null(exact);
	memcpy(exact, image, size);
	guest_free(&guest);
	guest = (struct guest){.end = 0};
	ok = guest_load_kernel(bus, "kernel", exact, size, &boot, &guest, &why);
	free(exact);
	return ok;
}

static inline void refused(size_t size, const char *text)
{
	why.text[0] = '\0';
	assert_false(load(size));
	if (!strstr(why.text, text))
		fail_msg("\"%s\" is missing in \"%s\"", text, why.text);
	assert_null(strchr(why.text, '\n'));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
