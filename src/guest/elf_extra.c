/* Notes and sections of an ELF file. */
#include <stdlib.h>
#include <string.h>

#include "guest/bytes.h"
#include "guest/load.h"
#include "guest/place.h"

#define NOTE_HEADER 12u /* sizes of name and value, type */

static uint64_t padded(uint64_t size, uint64_t align)
{
	return (size + align - 1) / align * align;
}

/* Among the notes of one segment (System V ABI, "Note Section"). */
static bool find_note(const uint8_t *p, uint64_t size, uint64_t align, const char *owner, uint32_t type,
		      uint64_t *value)
{
	while (size >= NOTE_HEADER) {
		uint64_t name = load32(p), bytes = load32(p + 4);
		uint64_t body = NOTE_HEADER + padded(name, align), next = body + padded(bytes, align);

		if (body > size || bytes > size - body)
			return false;
		if (load32(p + 8) == type && name == strlen(owner) + 1 && memcmp(p + NOTE_HEADER, owner, name) == 0) {
			if (bytes < 4)
				return false;
			*value = bytes >= 8 ? load64(p + body) : load32(p + body);
			return true;
		}
		if (next >= size)
			return false;
		p += next;
		size -= next;
	}
	return false;
}

bool elf_note(const struct elf_file *f, const struct load *l, const char *owner, uint32_t type, uint64_t *value)
{
	size_t count = 0;

	if (elf_getphdrnum(f->elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr h;

		if (gelf_getphdr(f->elf, (int)i, &h) && h.p_type == PT_NOTE && h.p_offset <= l->size &&
		    h.p_filesz <= l->size - h.p_offset &&
		    find_note(l->data + h.p_offset, h.p_filesz, h.p_align == 8 ? 8 : 4, owner, type, value))
			return true;
	}
	return false;
}

/* Sections that no segment has brought along. */
static bool is_left_out(const GElf_Shdr *h)
{
	return h->sh_addr == 0 && h->sh_size != 0 && !(h->sh_flags & SHF_ALLOC) && h->sh_type != SHT_NULL &&
	       h->sh_type != SHT_NOBITS;
}

static uint64_t alignment(const GElf_Shdr *h)
{
	return h->sh_addralign && h->sh_addralign <= BUS_PAGE_SIZE ? h->sh_addralign : 1;
}

/* What they need together; 0: a header is broken. */
static uint64_t measure(const struct elf_file *f, const struct load *l, uint32_t count)
{
	uint64_t size = 1;

	for (uint32_t i = 1; i < count; i++) {
		GElf_Shdr h;

		if (!gelf_getshdr(elf_getscn(f->elf, i), &h))
			return 0;
		if (!is_left_out(&h))
			continue;
		if (h.sh_offset > l->size || h.sh_size > l->size - h.sh_offset)
			return 0;
		size = padded(size, alignment(&h)) + h.sh_size;
	}
	return size;
}

/* Section after section from address on; each one's header tells where it went. */
static bool place_sections(const struct elf_file *f, struct load *l, struct section_table *table, uint64_t address)
{
	bool wide = f->header.e_ident[EI_CLASS] == ELFCLASS64;

	for (uint32_t i = 1; i < table->count; i++) {
		uint8_t *header = table->bytes + (size_t)i * table->entry_size;
		GElf_Shdr h;

		if (!gelf_getshdr(elf_getscn(f->elf, i), &h) || !is_left_out(&h))
			continue;
		address = padded(address, alignment(&h));
		if (!place_bytes(l->bus, address, l->data + h.sh_offset, h.sh_size))
			return false;
		if (wide)
			store(header + offsetof(Elf64_Shdr, sh_addr), 8, address);
		else
			store(header + offsetof(Elf32_Shdr, sh_addr), 4, address);
		address += h.sh_size;
	}
	return true;
}

bool elf_sections(const struct elf_file *f, struct load *l, struct section_table *table)
{
	const GElf_Ehdr *e = &f->header;
	bool wide = e->e_ident[EI_CLASS] == ELFCLASS64;
	size_t bytes = (size_t)e->e_shnum * e->e_shentsize;
	struct wish wish = {.align = BUS_PAGE_SIZE, .from = HIGH_START, .to = FOUR_GIB, .high = true};
	uint64_t at;

	*table = (struct section_table){.count = e->e_shnum, .entry_size = e->e_shentsize, .names = e->e_shstrndx};
	if (e->e_shnum == 0 || e->e_shentsize != (wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)) ||
	    e->e_shoff > l->size || bytes > l->size - e->e_shoff)
		return true;
	wish.size = measure(f, l, e->e_shnum);
	if (wish.size == 0 || !space_find(l, &wish, &at))
		return true;
	table->bytes = malloc(bytes);
	if (!table->bytes)
		return diagnose(l->why, "%s: out of memory", l->name);
	memcpy(table->bytes, l->data + e->e_shoff, bytes);
	if (place_sections(f, l, table, at))
		return space_take(l, at, at + wish.size, 0);
	free(table->bytes);
	table->bytes = NULL;
	return true;
}
