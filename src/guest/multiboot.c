/* Multiboot 1 (Multiboot Specification version 0.6.96: "OS image format", "Boot information format"). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "guest/bytes.h"
#include "guest/load.h"

#define HEADER_MAGIC  0x1badb002u
#define HEADER_SEARCH 8192u
#define HEADER_SHORT  12u
#define HEADER_PLACES 32u /* with the address fields */
#define HEADER_VIDEO  48u /* with the graphics fields */

/* Flags of the header: bits 0-15 must be understood. */
#define WANTS_PAGES    0x00000001u
#define WANTS_MEMORY   0x00000002u
#define WANTS_VIDEO    0x00000004u
#define GIVES_PLACES   0x00010000u
#define REQUIRED_FLAGS 0x0000ffffu

/* The information structure: flags and offsets. */
#define INFO_MEMORY      0x0001u
#define INFO_CMDLINE     0x0004u
#define INFO_MODULES     0x0008u
#define INFO_SECTIONS    0x0020u
#define INFO_MMAP        0x0040u
#define INFO_LOADER      0x0200u
#define INFO_FRAMEBUFFER 0x1000u
#define I_MEM_LOWER      4u
#define I_MEM_UPPER      8u
#define I_CMDLINE        16u
#define I_MODULES        20u /* count, address */
#define I_SECTIONS       28u /* number, size, address, index of the names */
#define I_MMAP           44u /* length, address */
#define I_LOADER         64u
#define I_FRAMEBUFFER    88u
#define INFO_BYTES       120u
#define MMAP_BYTES       24u
#define MODULE_BYTES     16u
#define EGA_TEXT         2u

struct header {
	uint64_t at;
	uint32_t flags;
};

static bool find_header(const struct load *l, struct header *h)
{
	size_t end = l->size < HEADER_SEARCH ? l->size : HEADER_SEARCH;

	for (size_t i = 0; i + HEADER_SHORT <= end; i += 4) {
		const uint8_t *p = l->data + i;

		if (load32(p) == HEADER_MAGIC && HEADER_MAGIC + load32(p + 4) + load32(p + 8) == 0) {
			*h = (struct header){i, load32(p + 4)};
			return true;
		}
	}
	return false;
}

bool multiboot_is(const struct load *l)
{
	struct header h;

	return find_header(l, &h);
}

static bool check_header(const struct load *l, const struct header *h)
{
	uint32_t unknown = h->flags & REQUIRED_FLAGS & ~(WANTS_PAGES | WANTS_MEMORY | WANTS_VIDEO);
	uint32_t size = h->flags & WANTS_VIDEO ? HEADER_VIDEO : h->flags & GIVES_PLACES ? HEADER_PLACES : HEADER_SHORT;

	if (unknown)
		return diagnose(
			l->why,
			"%s: its Multiboot header requires what no version of Multiboot 1 defines (flags 0x%" PRIx32
			")",
			l->name, unknown);
	if (size > l->size - h->at || h->at + size > HEADER_SEARCH)
		return diagnose(l->why,
				"%s: its Multiboot header (file offset 0x%" PRIx64 ", %" PRIu32
				" bytes) is cut off by the end of the file or of its first %u bytes",
				l->name, h->at, size, HEADER_SEARCH);
	if ((h->flags & WANTS_VIDEO) && !l->boot->board->vga)
		return diagnose(l->why, "%s: its Multiboot header requires a video mode, and this board has no VGA",
				l->name);
	return true;
}

/* An ELF file that its header treats as plain bytes has names all the same; a broken one costs the names, not
 * the run. */
static void take_names(struct load *l)
{
	struct elf_file f = {.elf = NULL};
	struct diagnostic unused, *why = l->why;

	l->why = &unused;
	if (elf_is(l->data, l->size) && elf_open(&f, l))
		elf_names(&f, l, 0);
	elf_close(&f);
	l->why = why;
}

static bool load_by_places(struct load *l, const struct header *h)
{
	const uint8_t *p = l->data + h->at;
	struct addresses a = {.at = h->at,
			      .header = load32(p + 12),
			      .load = load32(p + 16),
			      .load_end = load32(p + 20),
			      .bss_end = load32(p + 24),
			      .entry = load32(p + 28)};

	if (!addresses_check(&a, l) || !addresses_place(&a, l, 0))
		return false;
	l->guest->entry = a.entry;
	take_names(l);
	return true;
}

static bool load_elf(struct load *l, struct elf_file *f)
{
	if (!elf_is(l->data, l->size))
		return diagnose(
			l->why,
			"%s: its Multiboot header gives no load addresses (flag 16), and it is no ELF file; one or "
			"the other is wanted",
			l->name);
	if (!elf_open(f, l))
		return false;
	if (!elf_physical(f, f->header.e_entry, &l->guest->entry))
		return diagnose(l->why, "%s: the entry point 0x%" PRIx64 " lies in no loadable segment", l->name,
				f->header.e_entry);
	return elf_place(f, l, 0) && elf_names(f, l, 0);
}

static void put_memory(const struct load *l, struct info *info)
{
	const struct boot_board *board = l->boot->board;
	size_t map = info_part(info, (size_t)board->ranges * MMAP_BYTES, 4);

	info_store(info, I_MEM_LOWER, 4, boot_ram_end(board, 0) >> 10);
	info_store(info, I_MEM_UPPER, 4, (boot_ram_end(board, HIGH_START) - HIGH_START) >> 10);
	info_store(info, I_MMAP, 4, (uint64_t)board->ranges * MMAP_BYTES);
	info_store(info, I_MMAP + 4, 4, info->at + map);
	for (unsigned i = 0; i < board->ranges; i++, map += MMAP_BYTES) {
		info_store(info, map, 4, MMAP_BYTES - 4); /* of the rest */
		info_store(info, map + 4, 8, board->range[i].start);
		info_store(info, map + 12, 8, board->range[i].size);
		info_store(info, map + 20, 4, board->range[i].type);
	}
}

static void put_modules(struct info *info, const struct modules *modules)
{
	size_t at = info_part(info, modules->count * MODULE_BYTES, 4);

	info_store(info, I_MODULES, 4, modules->count);
	info_store(info, I_MODULES + 4, 4, info->at + at);
	for (size_t i = 0; i < modules->count; i++, at += MODULE_BYTES) {
		const struct module *m = &modules->list[i];

		info_store(info, at, 4, m->start);
		info_store(info, at + 4, 4, m->start + m->size);
		info_store(info, at + 8, 4, info_string(info, m->words));
	}
}

static void put_sections(struct info *info, const struct section_table *sections)
{
	size_t bytes = (size_t)sections->count * sections->entry_size, at = info_part(info, bytes, 8);

	info_copy(info, at, sections->bytes, bytes);
	info_store(info, I_SECTIONS, 4, sections->count);
	info_store(info, I_SECTIONS + 4, 4, sections->entry_size);
	info_store(info, I_SECTIONS + 8, 4, info->at + at);
	info_store(info, I_SECTIONS + 12, 4, sections->names);
}

/* The text screen: 80x25 characters of two bytes at B8000h. */
static void put_text_screen(struct info *info)
{
	info_store(info, I_FRAMEBUFFER, 8, 0xb8000);
	info_store(info, I_FRAMEBUFFER + 8, 4, 160);
	info_store(info, I_FRAMEBUFFER + 12, 4, 80);
	info_store(info, I_FRAMEBUFFER + 16, 4, 25);
	info_store(info, I_FRAMEBUFFER + 20, 1, 16);
	info_store(info, I_FRAMEBUFFER + 21, 1, EGA_TEXT);
}

static bool put_info(struct load *l, const char *line, const struct modules *modules,
		     const struct section_table *sections)
{
	uint32_t flags = INFO_MEMORY | INFO_CMDLINE | INFO_MODULES | INFO_MMAP | INFO_LOADER;
	size_t room = INFO_BYTES + (size_t)l->boot->board->ranges * MMAP_BYTES + modules->count * MODULE_BYTES +
		      modules->text + strlen(line) + 1 + sizeof(LOADER_NAME) + 16;
	struct info info;

	if (sections->bytes)
		room += (size_t)sections->count * sections->entry_size + 8;
	if (!info_begin(l, &info, room))
		return false;
	info_part(&info, INFO_BYTES, 1);
	put_memory(l, &info);
	info_store(&info, I_CMDLINE, 4, info_string(&info, line));
	info_store(&info, I_LOADER, 4, info_string(&info, LOADER_NAME));
	put_modules(&info, modules);
	if (sections->bytes) {
		flags |= INFO_SECTIONS;
		put_sections(&info, sections);
	}
	if (l->boot->board->vga) {
		flags |= INFO_FRAMEBUFFER;
		put_text_screen(&info);
	}
	info_store(&info, 0, 4, flags);
	return info_end(l, &info);
}

static bool load_rest(struct load *l, const struct elf_file *f)
{
	struct section_table sections = {.bytes = NULL};
	struct modules modules = {.count = 0};
	char *line = command_line(l);
	bool ok = line && modules_load(l, &modules) && (!f->elf || elf_sections(f, l, &sections)) &&
		  put_info(l, line, &modules, &sections);

	free(line);
	free(sections.bytes);
	modules_free(&modules);
	return ok;
}

bool multiboot_load(struct load *l)
{
	struct elf_file f = {.elf = NULL};
	struct header h;
	bool ok;

	if (!find_header(l, &h) || !check_header(l, &h))
		return false;
	ok = (h.flags & GIVES_PLACES ? load_by_places(l, &h) : load_elf(l, &f)) && load_rest(l, &f);
	elf_close(&f);
	l->guest->mode = START_MULTIBOOT;
	return ok;
}
