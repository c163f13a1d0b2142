/* guest_load_kernel: ELF32 and ELF64, Multiboot 1 and 2, PVH.  The first byte takes headers out, so that the loaders
 * behind them get their turn; checksums are made right, so that what follows them is looked at. */
#include "fuzz.h"
#include "guest/boot.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define RAM (UINT64_C(4) << 20)

#define MB1 0x1badb002u
#define MB2 0xe85250d6u

static const struct {
	uint8_t choice, board, list, unused;
	struct {
		Elf32_Ehdr header;
		Elf32_Phdr segment[3];
		uint32_t pad;
		uint32_t mb2[38];
		uint32_t mb1[12];
		uint32_t note[5];
		uint8_t code[32];
		Elf32_Sym symbols[2];
		char names[8];
		Elf32_Shdr sections[3];
	} image;
} seed = {
	.list = 3,
	.image =
		{
			.header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
				   .e_type = ET_EXEC,
				   .e_machine = EM_386,
				   .e_version = EV_CURRENT,
				   .e_entry = 0x100000,
				   .e_phoff = 52,
				   .e_shoff = 52 + 96 + 4 + 152 + 48 + 20 + 32 + 32 + 8,
				   .e_ehsize = 52,
				   .e_phentsize = 32,
				   .e_phnum = 3,
				   .e_shentsize = 40,
				   .e_shnum = 3,
				   .e_shstrndx = 2},
			.segment = {{.p_type = PT_LOAD,
				     .p_vaddr = 0x100000,
				     .p_paddr = 0x100000,
				     .p_filesz = 0x100,
				     .p_memsz = 0x200},
				    {.p_type = PT_LOAD,
				     .p_offset = 0x100,
				     .p_vaddr = 0xc0110000,
				     .p_paddr = 0x110000,
				     .p_filesz = 0x80,
				     .p_memsz = 0x1000},
				    {.p_type = PT_NOTE, .p_offset = 352, .p_filesz = 20, .p_memsz = 20, .p_align = 4}},
			.mb2 = {MB2,     0,  152,      0,                     /* header */
				1,       16, 6,        9,                     /* information request */
				2,       24, 0x100098, 0x100000, 0,        0, /* addresses */
				3,       12, 0x100000, 0,                     /* entry */
				4,       12, 3,        0,                     /* console */
				0x10005, 20, 80,       25,       0,        0, /* framebuffer */
				6,       8,  10,       24,       0x200000, 0x3fffff,
				0x1000,  2,  0,        8}, /* modules, relocatable, end */
			.mb1 = {MB1, 0x10007, 0, 0x100130, 0x100000, 0, 0, 0x100000, 1, 80, 25, 0},
			.note = {4, 4, 18, 0x006e6558, 0x100000},
			.symbols = {{0}, {1, 0x100000, 4, STT_FUNC, 0, 1}},
			.names = "\0one",
			.sections = {{0},
				     {.sh_type = SHT_SYMTAB,
				      .sh_offset = 404,
				      .sh_size = 32,
				      .sh_link = 2,
				      .sh_entsize = 16},
				     {.sh_type = SHT_STRTAB, .sh_offset = 436, .sh_size = 8}},
		},
};
const uint8_t *const fuzz_seed = (const uint8_t *)&seed;
const size_t fuzz_seed_size = sizeof(seed);
const unsigned fuzz_rounds = 40000;

static bool read_some(const char *path, uint8_t **data, size_t *size, struct diagnostic *why)
{
	*size = strlen(path) * 1000 + 1;
	*data = calloc(1, *size);
	return *data;
}

static uint32_t word(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

/* Checksums made right, or the magic taken out. */
static void prepare(uint8_t *image, size_t size, unsigned choice)
{
	for (size_t i = 0; i + 16 <= size; i += 4) {
		uint32_t magic = word(image + i), sum;

		if (magic == MB1) {
			sum = -(magic + word(image + i + 4));
			memcpy(image + i + 8, &sum, 4);
			image[i] ^= choice & 1;
		} else if (magic == MB2) {
			sum = -(magic + word(image + i + 4) + word(image + i + 8));
			memcpy(image + i + 12, &sum, 4);
			image[i] ^= choice >> 1 & 1;
		}
	}
	if (choice & 4)
		for (size_t i = 0; i + 4 <= size; i += 4)
			if (memcmp(image + i, "Xen", 4) == 0)
				image[i] = 'x';
}

static void load(struct bus *bus, const uint8_t *data, size_t size)
{
	static const char *const lists[] = {NULL, "a", "file words,second", "a,,b,c x,,,y"};
	struct boot_board board = {.vga = data[1] & 1, .rsdp = data[1] & 2 ? 0x1000 : 0, .long_mode = data[1] & 4};
	struct boot boot = {data[1] & 8 ? "some words" : NULL, lists[data[2] & 3], read_some, &board};
	struct guest guest = {.end = 0};
	struct diagnostic why = {""};
	uint64_t offset;

	if (!boot_set_ram(&board, RAM, 0))
		return;
	if (guest_load_kernel(bus, "fuzz", data + 4, size - 4, &boot, &guest, &why)) {
		symbols_find(&guest.symbols, guest.entry, &offset);
		if (guest.end > RAM || guest.entry >= RAM || guest.info >= RAM)
			__builtin_trap();
	} else if (!why.text[0] || strchr(why.text, '\n')) {
		__builtin_trap();
	}
	guest_free(&guest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bus *bus;
	uint8_t *own;

	if (size < 5)
		return 0;
	own = malloc(size);
	bus = bus_new();
	if (own && bus && bus_add_ram(bus, "low", 0, 0xa0000) && bus_add_ram(bus, "high", 0x100000, RAM - 0x100000)) {
		memcpy(own, data, size);
		prepare(own + 4, size - 4, own[0]);
		load(bus, own, size);
	}
	free(own);
	bus_free(bus);
	return 0;
}
