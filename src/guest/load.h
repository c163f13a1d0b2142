/* A kernel being loaded: what the loaders of src/guest share. */
#ifndef TRAPGATE_GUEST_LOAD_H
#define TRAPGATE_GUEST_LOAD_H

#include <gelf.h>

#include "guest/boot.h"

#define LOADER_NAME "Trapgate"
#define FOUR_GIB    (UINT64_C(1) << 32)
#define HIGH_START  UINT64_C(0x100000)

/* Parts of memory in use. */
struct span {
	uint64_t start, end;
	size_t index; /* of what lies there, for diagnostics */
};

struct spans {
	struct span *list;
	size_t count, room;
	bool sorted;
};

struct load {
	struct bus *bus;
	const char *name;
	const uint8_t *data;
	size_t size;
	const struct boot *boot;
	struct guest *guest;
	struct diagnostic *why;
	struct spans taken;
};

/* ---- space.c: where things go ---- */
/* False: out of memory, said. */
bool space_take(struct load *l, uint64_t start, uint64_t end, size_t index);
void spans_sort(struct spans *spans);

struct wish {
	uint64_t size, align;
	uint64_t from, to; /* inside these addresses */
	bool high;         /* as high as it goes; else as low */
};
/* Free RAM of the board's map; no diagnostic: the caller knows what for. */
bool space_find(struct load *l, const struct wish *wish, uint64_t *at);

/* A structure for the kernel, built at its place: below 640 KiB where there is room, so that kernels that use memory
 * right behind themselves do not hit it. */
struct info {
	uint8_t *bytes;
	uint64_t at;
	size_t used, room;
};
/* room: enough for all that will be taken.  False: said. */
bool info_begin(struct load *l, struct info *info, size_t room);
/* The next part, zeroed, on a multiple of align: its offset.  Past the room: info_end fails. */
size_t info_part(struct info *info, size_t size, size_t align);
/* Into parts. */
void info_store(struct info *info, size_t at, unsigned bytes, uint64_t value);
void info_copy(struct info *info, size_t at, const void *data, size_t size);
/* The string with its NUL: its physical address. */
uint64_t info_string(struct info *info, const char *text);
/* Into memory; frees it.  False: said. */
bool info_end(struct load *l, struct info *info);
void info_drop(struct info *info);

/* ---- modules.c: the files of -initrd ---- */
struct module {
	char *words;           /* "FILE ARGUMENTS" */
	const char *arguments; /* inside words; "" for none */
	uint64_t start, size;
};

struct modules {
	struct module *list;
	size_t count;
	size_t text; /* bytes of all words with their NULs */
};
/* Reads them into memory, page aligned, behind the image.  False: said. */
bool modules_load(struct load *l, struct modules *modules);
void modules_free(struct modules *modules);
/* A file named by -initrd. */
bool read_initrd(const struct load *l, const char *path, uint8_t **data, size_t *size);
/* "NAME APPEND", malloc'd; NULL: out of memory, said. */
char *command_line(const struct load *l);

/* ---- elf.c ---- */
struct elf_segment {
	size_t index;
	uint64_t offset, filesz, memsz, vaddr, paddr;
};

struct elf_file {
	Elf *elf;
	char *copy; /* libelf wants memory of its own, aligned and writable */
	GElf_Ehdr header;
	struct elf_segment *segment; /* those to load, in the file's order */
	size_t segments;
	uint64_t low, high; /* physical extent */
};
bool elf_is(const uint8_t *data, size_t size);
/* Takes it apart and checks everything that does not hang on where it goes.  False: said; elf_close in any case. */
bool elf_open(struct elf_file *f, struct load *l);
void elf_close(struct elf_file *f);
/* Segments to their physical addresses + shift. */
bool elf_place(const struct elf_file *f, struct load *l, uint64_t shift);
/* A virtual address of the file (or a physical one, where no segment has it) becomes physical. */
bool elf_physical(const struct elf_file *f, uint64_t address, uint64_t *physical);
/* Symbols and source lines, moved by shift. */
bool elf_names(const struct elf_file *f, struct load *l, uint64_t shift);

/* ---- elf_extra.c ---- */
/* The 32-bit number of a note; false: no such note, or broken. */
bool elf_note(const struct elf_file *f, const struct load *l, const char *owner, uint32_t type, uint64_t *value);
/* The section header table as Multiboot hands it on: every section is in memory. */
struct section_table {
	uint8_t *bytes; /* NULL: none (no sections, broken ones, or no room for them) */
	uint32_t count, entry_size, names;
};
/* False: out of memory, said. */
bool elf_sections(const struct elf_file *f, struct load *l, struct section_table *table);

/* ---- addresses.c: images whose Multiboot header says where they go ---- */
struct addresses {
	uint64_t at; /* the header's offset in the file */
	uint32_t header, load, load_end, bss_end, entry;
	/* by addresses_check: */
	uint64_t offset, bytes, memory; /* of the file; bytes in memory, BSS counted */
};
bool addresses_check(struct addresses *a, const struct load *l);
bool addresses_place(const struct addresses *a, struct load *l, uint64_t shift);

/* ---- the loaders ---- */
bool multiboot_is(const struct load *l);
bool multiboot_load(struct load *l);
bool multiboot2_is(const struct load *l);
bool multiboot2_load(struct load *l);
/* False: no PVH note. */
bool pvh_is(struct load *l);
bool pvh_load(struct load *l);
bool bzimage_is(const struct load *l);
bool bzimage_load(struct load *l);

#endif
