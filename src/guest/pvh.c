/* PVH: Xen's "x86/HVM direct boot ABI", and its public header arch-x86/hvm/start_info.h for the structures. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "guest/load.h"

#define NOTE_PHYS32_ENTRY 18u

#define START_MAGIC    0x336ec578u
#define START_VERSION  1u
#define S_VERSION      4u
#define S_MODULES      12u
#define S_MODULE_LIST  16u
#define S_CMDLINE      24u
#define S_RSDP         32u
#define S_MEMMAP       40u
#define S_MEMMAP_COUNT 48u
#define START_BYTES    56u
#define MEMMAP_BYTES   24u
#define MODULE_BYTES   32u

bool pvh_is(struct load *l)
{
	struct diagnostic ignored, *why = l->why;
	struct elf_file f;
	uint64_t entry;
	bool found;

	if (!elf_is(l->data, l->size))
		return false;
	l->why = &ignored;
	found = elf_open(&f, l) && elf_note(&f, l, "Xen", NOTE_PHYS32_ENTRY, &entry);
	l->why = why;
	elf_close(&f);
	return found;
}

static void put_memory(const struct load *l, struct info *info)
{
	const struct boot_board *board = l->boot->board;
	size_t map = info_part(info, (size_t)board->ranges * MEMMAP_BYTES, 8);

	info_store(info, S_MEMMAP, 8, info->at + map);
	info_store(info, S_MEMMAP_COUNT, 4, board->ranges);
	for (unsigned i = 0; i < board->ranges; i++, map += MEMMAP_BYTES) {
		info_store(info, map, 8, board->range[i].start);
		info_store(info, map + 8, 8, board->range[i].size);
		info_store(info, map + 16, 4, board->range[i].type);
	}
}

static void put_modules(struct info *info, const struct modules *modules)
{
	size_t at = info_part(info, modules->count * MODULE_BYTES, 8);

	info_store(info, S_MODULES, 4, modules->count);
	info_store(info, S_MODULE_LIST, 8, modules->count ? info->at + at : 0);
	for (size_t i = 0; i < modules->count; i++, at += MODULE_BYTES) {
		const struct module *m = &modules->list[i];

		info_store(info, at, 8, m->start);
		info_store(info, at + 8, 8, m->size);
		info_store(info, at + 16, 8, m->arguments[0] ? info_string(info, m->arguments) : 0);
	}
}

static bool put_info(struct load *l, const struct modules *modules)
{
	const char *line = l->boot->append ? l->boot->append : "";
	size_t room = START_BYTES + (size_t)l->boot->board->ranges * MEMMAP_BYTES + modules->count * MODULE_BYTES +
		      modules->text + strlen(line) + 1 + 16;
	struct info info;

	if (!info_begin(l, &info, room))
		return false;
	info_part(&info, START_BYTES, 1);
	info_store(&info, 0, 4, START_MAGIC);
	info_store(&info, S_VERSION, 4, START_VERSION);
	info_store(&info, S_RSDP, 8, l->boot->board->rsdp);
	put_memory(l, &info);
	put_modules(&info, modules);
	info_store(&info, S_CMDLINE, 8, info_string(&info, line));
	return info_end(l, &info);
}

static bool load_image(struct load *l, struct elf_file *f)
{
	uint64_t entry = 0;

	if (!elf_open(f, l) || !elf_note(f, l, "Xen", NOTE_PHYS32_ENTRY, &entry))
		return false;
	for (size_t i = 0; i < f->segments; i++)
		if (entry - f->segment[i].paddr < f->segment[i].memsz)
			l->guest->entry = entry;
	if (!entry || l->guest->entry != entry)
		return diagnose(l->why,
				"%s: the PVH entry point 0x%" PRIx64 " (a physical address) lies in no loadable "
				"segment",
				l->name, entry);
	return elf_place(f, l, 0) && elf_names(f, l, 0);
}

bool pvh_load(struct load *l)
{
	struct modules modules = {.count = 0};
	struct elf_file f;
	bool ok = load_image(l, &f) && modules_load(l, &modules) && put_info(l, &modules);

	elf_close(&f);
	modules_free(&modules);
	l->guest->mode = START_PVH;
	return ok;
}
