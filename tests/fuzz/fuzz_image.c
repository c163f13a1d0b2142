/* The image loaders. */
#include "fuzz.h"
#include "guest/image.h"

#include <elf.h>
#include <stdlib.h>

#define RAM (UINT64_C(4) << 20)

static const struct {
	Elf32_Ehdr header;
	Elf32_Phdr segment;
	uint8_t code[16];
	Elf32_Sym symbols[3];
	char names[16];
	Elf32_Shdr sections[3];
} seed = {
	.header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
		   .e_type = ET_EXEC,
		   .e_machine = EM_386,
		   .e_version = EV_CURRENT,
		   .e_entry = 0x8000,
		   .e_phoff = 52,
		   .e_shoff = 52 + 32 + 16 + 48 + 16,
		   .e_ehsize = 52,
		   .e_phentsize = 32,
		   .e_phnum = 1,
		   .e_shentsize = 40,
		   .e_shnum = 3,
		   .e_shstrndx = 2},
	.segment = {.p_type = PT_LOAD,
		    .p_offset = 84,
		    .p_vaddr = 0x8000,
		    .p_paddr = 0x8000,
		    .p_filesz = 16,
		    .p_memsz = 64},
	.code = {0x02, 0xb0, 0xad, 0x1b, 0, 0, 0, 0, 0xfe, 0x4f, 0x52, 0xe4},
	.symbols = {{0}, {1, 0x8000, 4, STT_FUNC, 0, 1}, {5, 0x8008, 0, STT_NOTYPE, 0, 1}},
	.names = "\0one\0two",
	.sections = {{0},
		     {.sh_type = SHT_SYMTAB, .sh_offset = 100, .sh_size = 48, .sh_link = 2, .sh_entsize = 16},
		     {.sh_type = SHT_STRTAB, .sh_offset = 148, .sh_size = 16}},
};
const uint8_t *const fuzz_seed = (const uint8_t *)&seed;
const size_t fuzz_seed_size = sizeof(seed);
const unsigned fuzz_rounds = 20000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bus *bus = bus_new();
	struct guest guest = {0};
	struct diagnostic why;
	uint64_t offset;

	if (bus && bus_add_ram(bus, "RAM", 0, RAM) && size) {
		if (guest_load_elf(bus, "fuzz", data, size, &guest, &why))
			symbols_find(&guest.symbols, guest.entry, &offset);
		if (!guest_load_flat(bus, "fuzz", data, size, size > 8 ? *data * UINT64_C(0x100000) : 0, &guest,
				     &why) ||
		    !guest_load_rom(bus, "fuzz", data, size, &guest, &why))
			guest.end = 0;
	}
	guest_free(&guest);
	bus_free(bus);
	return 0;
}
