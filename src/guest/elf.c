/* ELF32 for the 386, taken apart by libelf. */
#include <gelf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "guest/image.h"
#include "guest/place.h"

struct elf_file {
	Elf *elf;
	char *copy; /* libelf wants memory of its own, aligned and writable */
	const char *name;
	const uint8_t *data;
	size_t size;
};

static bool check_header(const struct elf_file *f, GElf_Ehdr *header, struct diagnostic *why)
{
	const char *name = f->name;

	if (!f->elf || elf_kind(f->elf) != ELF_K_ELF || !gelf_getehdr(f->elf, header))
		return diagnose(why, "%s: not an ELF file, nor a Linux bzImage; flat binaries: --load FILE@ADDRESS",
				name);
	if (header->e_ident[EI_CLASS] != ELFCLASS32)
		return diagnose(
			why, "%s: a 64-bit ELF file, and this machine has 32-bit processors; build it with -m32", name);
	if (header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != EM_386)
		return diagnose(why, "%s: an ELF file for another processor (machine %u); i386 is wanted", name,
				(unsigned)header->e_machine);
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return diagnose(why, "%s: ELF type %u is no executable; link it first", name, (unsigned)header->e_type);
	return true;
}

static bool load_segment(struct bus *bus, const struct elf_file *f, size_t i, const GElf_Phdr *segment,
			 struct guest *guest, struct diagnostic *why)
{
	if (segment->p_filesz > segment->p_memsz)
		return diagnose(why,
				"%s: segment %zu has more bytes in the file (0x%" PRIx64 ") than in memory (0x%" PRIx64
				")",
				f->name, i, segment->p_filesz, segment->p_memsz);
	if (segment->p_offset > f->size || segment->p_filesz > f->size - segment->p_offset)
		return diagnose(why,
				"%s: segment %zu (file offset 0x%" PRIx64 "+0x%" PRIx64
				") goes past the end of the file; it is cut off",
				f->name, i, segment->p_offset, segment->p_filesz);
	if (!place_is_ram(bus, segment->p_paddr, segment->p_memsz))
		return diagnose(why, "%s: segment %zu (0x%" PRIx64 "+0x%" PRIx64 ") is outside RAM; use -m", f->name, i,
				segment->p_paddr, segment->p_memsz);
	if (!place_bytes(bus, segment->p_paddr, f->data + segment->p_offset, segment->p_filesz) ||
	    !place_zeros(bus, segment->p_paddr + segment->p_filesz, segment->p_memsz - segment->p_filesz))
		return diagnose(why, "%s: segment %zu could not be written", f->name, i);
	if (segment->p_paddr + segment->p_memsz > guest->end)
		guest->end = segment->p_paddr + segment->p_memsz;
	return true;
}

/* All PT_LOAD segments; *entry, a virtual address, becomes the physical one. */
static bool load_segments(struct bus *bus, const struct elf_file *f, uint64_t *entry, struct guest *guest,
			  struct diagnostic *why)
{
	uint64_t virtual = *entry;
	bool entered = false;
	size_t count, loaded = 0;

	if (elf_getphdrnum(f->elf, &count) != 0)
		return diagnose(why, "%s: broken program headers (%s)", f->name, elf_errmsg(-1));
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;

		if (!gelf_getphdr(f->elf, (int)i, &segment))
			return diagnose(why, "%s: broken program header %zu (%s)", f->name, i, elf_errmsg(-1));
		if (segment.p_type != PT_LOAD || segment.p_memsz == 0)
			continue;
		if (!load_segment(bus, f, i, &segment, guest, why))
			return false;
		loaded++;
		if (!entered && virtual >= segment.p_vaddr && virtual - segment.p_vaddr < segment.p_memsz) {
			*entry = virtual - segment.p_vaddr + segment.p_paddr;
			entered = true;
		}
	}
	if (!loaded)
		return diagnose(why, "%s: no loadable segment; is it linked?", f->name);
	if (!entered)
		return diagnose(why, "%s: the entry point 0x%" PRIx64 " lies in no loadable segment", f->name, virtual);
	return true;
}

/* Labels and functions that a trace may name.  A broken symbol table costs the
 * names, not the run. */
static bool wanted(const GElf_Sym *symbol, const char *name)
{
	unsigned type = GELF_ST_TYPE(symbol->st_info);

	return name && name[0] && symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS &&
	       (type == STT_FUNC || type == STT_NOTYPE);
}

static bool read_symbols(const struct elf_file *f, struct symbols *symbols)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(f->elf, section)) != NULL) {
		GElf_Shdr header;
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB)
			continue;
		data = elf_getdata(section, NULL);
		for (int i = 0; data; i++) {
			GElf_Sym symbol;
			const char *name;

			if (!gelf_getsym(data, i, &symbol))
				break;
			name = elf_strptr(f->elf, header.sh_link, symbol.st_name);
			if (wanted(&symbol, name) && !symbols_add(symbols, symbol.st_value, symbol.st_size, name))
				return false;
		}
	}
	symbols_sort(symbols);
	return true;
}

static bool load(struct bus *bus, const struct elf_file *f, struct guest *guest, struct diagnostic *why)
{
	GElf_Ehdr header;
	uint64_t entry;

	if (!check_header(f, &header, why))
		return false;
	entry = header.e_entry;
	if (!load_segments(bus, f, &entry, guest, why))
		return false;
	if (!read_symbols(f, &guest->symbols))
		return diagnose(why, "%s: out of memory", f->name);
	guest->mode = START_PROT32;
	guest->entry = entry;
	return true;
}

bool guest_load_elf(struct bus *bus, const char *name, const uint8_t *data, size_t size, struct guest *guest,
		    struct diagnostic *why)
{
	struct elf_file f = {.name = name, .data = data, .size = size};
	bool ok;

	elf_version(EV_CURRENT);
	f.copy = malloc(size);
	if (!f.copy)
		return diagnose(why, "%s: out of memory", name);
	memcpy(f.copy, data, size);
	f.elf = elf_memory(f.copy, size);
	ok = load(bus, &f, guest, why);
	elf_end(f.elf);
	if (ok) {
		memcpy(f.copy, data, size);
		ok = lines_read(&guest->lines, f.copy, size) || diagnose(why, "%s: out of memory", name);
	}
	free(f.copy);
	return ok;
}
