/* The boot information of Multiboot 2 (Multiboot2 Specification version 2.0, "Boot information"). */
#include <stdlib.h>
#include <string.h>

#include "guest/bytes.h"
#include "guest/multiboot2.h"

#define INFO_HEADER 8u /* total size, reserved */
#define TAG_BYTES   8u /* type, size */
#define MMAP_BYTES  24u
#define RSDP_OLD    20u /* ACPI 1.0 */
#define RSDP_REV    15u
#define RSDP_LENGTH 20u
#define RSDP_MAX    64u
#define EGA_TEXT    2u

/* A tag with so many bytes behind type and size: the offset of these. */
static size_t tag(struct info *info, enum boot_tag type, size_t bytes)
{
	size_t at = info_part(info, TAG_BYTES + bytes, 8);

	info_store(info, at, 4, type);
	info_store(info, at + 4, 4, TAG_BYTES + bytes);
	return at + TAG_BYTES;
}

static void text_tag(struct info *info, enum boot_tag type, const char *text)
{
	size_t size = strlen(text) + 1;

	info_copy(info, tag(info, type, size), text, size);
}

static void put_modules(struct info *info, const struct modules *modules)
{
	for (size_t i = 0; i < modules->count; i++) {
		const struct module *m = &modules->list[i];
		size_t size = strlen(m->words) + 1, at = tag(info, TAG_MODULE, 8 + size);

		info_store(info, at, 4, m->start);
		info_store(info, at + 4, 4, m->start + m->size);
		info_copy(info, at + 8, m->words, size);
	}
}

static void put_memory(const struct load *l, struct info *info)
{
	const struct boot_board *board = l->boot->board;
	size_t at = tag(info, TAG_MEMORY, 8);

	info_store(info, at, 4, boot_ram_end(board, 0) >> 10);
	info_store(info, at + 4, 4, (boot_ram_end(board, HIGH_START) - HIGH_START) >> 10);
	at = tag(info, TAG_MMAP, 8 + (size_t)board->ranges * MMAP_BYTES);
	info_store(info, at, 4, MMAP_BYTES);
	at += 8;
	for (unsigned i = 0; i < board->ranges; i++, at += MMAP_BYTES) {
		info_store(info, at, 8, board->range[i].start);
		info_store(info, at + 8, 8, board->range[i].size);
		info_store(info, at + 16, 4, board->range[i].type);
	}
}

/* The text screen: 80x25 characters of two bytes at B8000h. */
static void put_text_screen(struct info *info)
{
	size_t at = tag(info, TAG_FRAMEBUFFER, 24);

	info_store(info, at, 8, 0xb8000);
	info_store(info, at + 8, 4, 160);
	info_store(info, at + 12, 4, 80);
	info_store(info, at + 16, 4, 25);
	info_store(info, at + 20, 1, 16);
	info_store(info, at + 21, 1, EGA_TEXT);
}

static void put_sections(struct info *info, const struct section_table *t)
{
	size_t bytes = (size_t)t->count * t->entry_size, at = tag(info, TAG_SECTIONS, 12 + bytes);

	/* 32 bits each, as the specification's example header multiboot2.h has them and GRUB writes them; its table of
	 * the tag says 16. */
	info_store(info, at, 4, t->count);
	info_store(info, at + 4, 4, t->entry_size);
	info_store(info, at + 8, 4, t->names);
	info_copy(info, at + 12, t->bytes, bytes);
}

/* Copies of the RSDP: its first part as ACPI 1.0 has it, and the whole since revision 2. */
static void put_rsdp(const struct load *l, struct info *info)
{
	uint8_t rsdp[RSDP_MAX];
	uint64_t at = l->boot->board->rsdp;
	size_t there = at ? bus_peek(l->bus, at, rsdp, sizeof(rsdp)) : 0;

	if (there < RSDP_OLD)
		return;
	info_copy(info, tag(info, TAG_RSDP_OLD, RSDP_OLD), rsdp, RSDP_OLD);
	if (rsdp[RSDP_REV] >= 2 && there >= RSDP_LENGTH + 4 && load32(rsdp + RSDP_LENGTH) <= there)
		info_copy(info, tag(info, TAG_RSDP_NEW, load32(rsdp + RSDP_LENGTH)), rsdp, load32(rsdp + RSDP_LENGTH));
}

static void put_tags(const struct load *l, struct info *info, const struct multiboot2 *m, const char *line,
		     const struct modules *modules, const struct section_table *sections)
{
	text_tag(info, TAG_CMDLINE, line);
	text_tag(info, TAG_LOADER, LOADER_NAME);
	put_modules(info, modules);
	put_memory(l, info);
	if (l->boot->board->vga && m->text)
		put_text_screen(info);
	if (sections->bytes)
		put_sections(info, sections);
	put_rsdp(l, info);
	if (m->relocatable)
		info_store(info, tag(info, TAG_LOAD_BASE, 4), 4, m->load_base);
	tag(info, TAG_END, 0);
}

static size_t room_for(const struct load *l, const char *line, const struct modules *modules,
		       const struct section_table *sections)
{
	/* Two strings, memory, map, screen, sections, two RSDPs, load base, end: each with its type, size and padding.
	 */
	size_t room = INFO_HEADER + 10 * (TAG_BYTES + 8) + 16 + 16 + 32 + 16 + RSDP_OLD + RSDP_MAX + 8 + strlen(line) +
		      sizeof(LOADER_NAME) + 2;

	room += (size_t)l->boot->board->ranges * MMAP_BYTES;
	room += modules->count * (TAG_BYTES + 8 + 8) + modules->text;
	if (sections->bytes)
		room += (size_t)sections->count * sections->entry_size;
	return room;
}

static bool put_info(struct load *l, const struct multiboot2 *m, const char *line, const struct modules *modules,
		     const struct section_table *sections)
{
	struct info info;

	if (!info_begin(l, &info, room_for(l, line, modules, sections)))
		return false;
	info_part(&info, INFO_HEADER, 8);
	put_tags(l, &info, m, line, modules, sections);
	info_store(&info, 0, 4, info.used);
	return info_end(l, &info);
}

bool multiboot2_info(struct load *l, const struct multiboot2 *m, const struct elf_file *f)
{
	struct section_table sections = {.bytes = NULL};
	struct modules modules = {.count = 0};
	char *line = command_line(l);
	bool ok = line && modules_load(l, &modules) && (!f->elf || elf_sections(f, l, &sections)) &&
		  put_info(l, m, line, &modules, &sections);

	free(line);
	free(sections.bytes);
	modules_free(&modules);
	return ok;
}
