/* The symbols that a Linux kernel carries in its own memory (CONFIG_KALLSYMS), for kernels that came
 * without a symbol table. */
#ifndef TRAPGATE_GUEST_KALLSYMS_H
#define TRAPGATE_GUEST_KALLSYMS_H

#include "bus/bus.h"
#include "guest/image.h"
#include "guest/symbols.h"

/* Looks for the tables in RAM [0, ram), and adds their symbols (virtual addresses), sorted.  Any layout of 32-bit and
 * 64-bit kernels since 4.6 with relative offsets (kernel sources, scripts/kallsyms.c).  False: there are none, or out
 * of memory; *why. */
bool kallsyms_read(struct bus *bus, uint64_t ram, struct symbols *symbols, struct diagnostic *why) MUST_CHECK;

/* A System.map, as nm writes it: "c1000000 T name" in each line.  Adds and sorts. */
bool system_map_parse(struct symbols *symbols, const char *name, const char *text, size_t size,
		      struct diagnostic *why) MUST_CHECK;
/* A file of symbols: System.map, or a 32-bit ELF file like vmlinux, whose source lines are taken too.  Sets symbols and
 * lines of guest; what it has of both must be empty. */
bool symbols_read_file(struct guest *guest, const char *path, struct diagnostic *why) MUST_CHECK;

#endif
