/* ELF32 for the 386 and ELF64 for x86-64, taken apart by libelf. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "guest/load.h"
#include "guest/place.h"

bool elf_is(const uint8_t *data, size_t size)
{
	return size >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0;
}

static bool check_header(struct elf_file *f, struct load *l)
{
	GElf_Ehdr *header = &f->header;
	bool wide;

	if (!f->elf || elf_kind(f->elf) != ELF_K_ELF || !gelf_getehdr(f->elf, header))
		return diagnose(l->why, "%s: %s", l->name,
				elf_is(l->data, l->size)
					? "cut off in the ELF header, or a broken one"
					: "not an ELF file, nor a Linux bzImage; flat binaries: --load FILE@ADDRESS");
	wide = header->e_ident[EI_CLASS] == ELFCLASS64;
	if (header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != (wide ? EM_X86_64 : EM_386))
		return diagnose(l->why,
				"%s: an ELF%d file for another processor (machine %u); i386 or x86-64 is wanted",
				l->name, wide ? 64 : 32, (unsigned)header->e_machine);
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return diagnose(l->why, "%s: ELF type %u is no executable; link it first", l->name,
				(unsigned)header->e_type);
	return true;
}

static bool check_segment(const struct load *l, const struct elf_segment *s)
{
	if (s->filesz > s->memsz)
		return diagnose(l->why,
				"%s: segment %zu has more bytes in the file (0x%" PRIx64 ") than in memory (0x%" PRIx64
				")",
				l->name, s->index, s->filesz, s->memsz);
	if (s->offset > l->size || s->filesz > l->size - s->offset)
		return diagnose(l->why,
				"%s: segment %zu (file offset 0x%" PRIx64 "+0x%" PRIx64
				") goes past the end of the file; it is cut off",
				l->name, s->index, s->offset, s->filesz);
	if (s->paddr + s->memsz < s->paddr)
		return diagnose(l->why, "%s: segment %zu (0x%" PRIx64 "+0x%" PRIx64 ") is outside RAM; use -m", l->name,
				s->index, s->paddr, s->memsz);
	return true;
}

static bool add_segment(struct elf_file *f, struct load *l, size_t i, const GElf_Phdr *header)
{
	struct elf_segment *s = &f->segment[f->segments];

	*s = (struct elf_segment){.index = i,
				  .offset = header->p_offset,
				  .filesz = header->p_filesz,
				  .memsz = header->p_memsz,
				  .vaddr = header->p_vaddr,
				  .paddr = header->p_paddr};
	if (!check_segment(l, s))
		return false;
	if (f->segments == 0 || s->paddr < f->low)
		f->low = s->paddr;
	if (s->paddr + s->memsz > f->high)
		f->high = s->paddr + s->memsz;
	f->segments++;
	return true;
}

static bool read_segments(struct elf_file *f, struct load *l)
{
	size_t count;

	if (elf_getphdrnum(f->elf, &count) != 0)
		return diagnose(l->why, "%s: broken program headers (%s)", l->name, elf_errmsg(-1));
	f->segment = calloc(count ? count : 1, sizeof(f->segment[0]));
	if (!f->segment)
		return diagnose(l->why, "%s: out of memory", l->name);
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;

		if (!gelf_getphdr(f->elf, (int)i, &header))
			return diagnose(l->why, "%s: broken program header %zu (%s)", l->name, i, elf_errmsg(-1));
		if (header.p_type == PT_INTERP)
			return diagnose(l->why,
					"%s: a program for an operating system (it names an interpreter), no kernel",
					l->name);
		if (header.p_type == PT_LOAD && header.p_memsz != 0 && !add_segment(f, l, i, &header))
			return false;
	}
	return f->segments || diagnose(l->why, "%s: no loadable segment; is it linked?", l->name);
}

bool elf_open(struct elf_file *f, struct load *l)
{
	*f = (struct elf_file){.copy = malloc(l->size)};
	if (!f->copy)
		return diagnose(l->why, "%s: out of memory", l->name);
	memcpy(f->copy, l->data, l->size);
	elf_version(EV_CURRENT);
	f->elf = elf_memory(f->copy, l->size);
	return check_header(f, l) && read_segments(f, l);
}

void elf_close(struct elf_file *f)
{
	elf_end(f->elf);
	free(f->segment);
	free(f->copy);
	*f = (struct elf_file){.elf = NULL};
}

/* In RAM, each in its own place. */
static bool check_places(const struct elf_file *f, struct load *l, uint64_t shift)
{
	const struct span *list;

	for (size_t i = 0; i < f->segments; i++) {
		const struct elf_segment *s = &f->segment[i];
		uint64_t at = s->paddr + shift;

		if (!place_is_ram(l->bus, at, s->memsz))
			return diagnose(l->why, "%s: segment %zu (0x%" PRIx64 "+0x%" PRIx64 ") is outside RAM; use -m",
					l->name, s->index, at, s->memsz);
		if (!space_take(l, at, at + s->memsz, s->index))
			return false;
	}
	spans_sort(&l->taken);
	list = l->taken.list;
	for (size_t i = 1; i < l->taken.count; i++)
		if (list[i].start < list[i - 1].end)
			return diagnose(l->why, "%s: segments %zu and %zu overlap at 0x%" PRIx64 "; relink it", l->name,
					list[i - 1].index, list[i].index, list[i].start);
	return true;
}

bool elf_place(const struct elf_file *f, struct load *l, uint64_t shift)
{
	if (!check_places(f, l, shift))
		return false;
	for (size_t i = 0; i < f->segments; i++) {
		const struct elf_segment *s = &f->segment[i];
		uint64_t at = s->paddr + shift;

		if (!place_bytes(l->bus, at, l->data + s->offset, s->filesz) ||
		    !place_zeros(l->bus, at + s->filesz, s->memsz - s->filesz))
			return diagnose(l->why, "%s: segment %zu could not be written", l->name, s->index);
	}
	return true;
}

bool elf_physical(const struct elf_file *f, uint64_t address, uint64_t *physical)
{
	for (size_t i = 0; i < f->segments; i++)
		if (address - f->segment[i].vaddr < f->segment[i].memsz) {
			*physical = address - f->segment[i].vaddr + f->segment[i].paddr;
			return true;
		}
	*physical = address;
	for (size_t i = 0; i < f->segments; i++)
		if (address - f->segment[i].paddr < f->segment[i].memsz)
			return true;
	return false;
}

/* Labels, functions and variables, which a trace or a view may name.  A broken symbol table costs the
 * names, not the run. */
static bool wanted(const GElf_Sym *symbol, const char *name)
{
	unsigned type = GELF_ST_TYPE(symbol->st_info);

	return name && name[0] && symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS &&
	       (type == STT_FUNC || type == STT_NOTYPE || type == STT_OBJECT);
}

static bool read_symbols(Elf *elf, struct symbols *symbols, uint64_t shift)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section)) != NULL) {
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
			name = elf_strptr(elf, header.sh_link, symbol.st_name);
			if (wanted(&symbol, name) &&
			    !symbols_add(symbols, symbol.st_value + shift, symbol.st_size, name))
				return false;
		}
	}
	symbols_sort(symbols);
	return true;
}

bool elf_names(const struct elf_file *f, struct load *l, uint64_t shift)
{
	struct lines *lines = &l->guest->lines;
	bool ok = read_symbols(f->elf, &l->guest->symbols, shift);
	char *copy = ok ? malloc(l->size) : NULL; /* one that libelf has not written to */

	if (copy)
		memcpy(copy, l->data, l->size);
	ok = copy && lines_read(lines, copy, l->size);
	free(copy);
	for (size_t i = 0; shift && i < lines->count; i++)
		lines->list[i].address += shift;
	return ok || diagnose(l->why, "%s: out of memory", l->name);
}

static bool load_plain(struct load *l, struct elf_file *f)
{
	if (!elf_open(f, l))
		return false;
	if (!elf_physical(f, f->header.e_entry, &l->guest->entry))
		return diagnose(l->why, "%s: the entry point 0x%" PRIx64 " lies in no loadable segment", l->name,
				f->header.e_entry);
	l->guest->mode = START_PROT32;
	return elf_place(f, l, 0) && elf_names(f, l, 0);
}

bool guest_load_elf(struct bus *bus, const char *name, const uint8_t *data, size_t size, struct guest *guest,
		    struct diagnostic *why)
{
	struct load l = {.bus = bus, .name = name, .data = data, .size = size, .guest = guest, .why = why};
	struct elf_file f;
	bool ok = load_plain(&l, &f);

	elf_close(&f);
	free(l.taken.list);
	return ok;
}
