/* Names of places in the guest, sorted by address. */
#ifndef TRAPGATE_GUEST_SYMBOLS_H
#define TRAPGATE_GUEST_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
	uint64_t address, size; /* size 0: unknown, reaches up to the next symbol */
	const char *name;
};

struct symbols {
	struct symbol *list;
	size_t count, room;
};

/* False: out of memory.  The name is copied. */
bool symbols_add(struct symbols *symbols, uint64_t address, uint64_t size, const char *name);
/* Sorts, once everything is added; needed before lookups. */
void symbols_sort(struct symbols *symbols);
/* The symbol that holds the address; *offset counts from its start.  NULL: none. */
const char *symbols_find(const struct symbols *symbols, uint64_t address, uint64_t *offset);
/* The address of a name. */
bool symbols_address(const struct symbols *symbols, const char *name, uint64_t *address);
void symbols_free(struct symbols *symbols);

#endif
