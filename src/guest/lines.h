/* Source lines of the guest's code, out of its DWARF line tables. */
#ifndef TRAPGATE_GUEST_LINES_H
#define TRAPGATE_GUEST_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line {
	uint64_t address; /* holds up to the next entry's */
	const char *file; /* without its folder; NULL: here a sequence ends */
	unsigned line;
};

struct lines {
	struct line *list; /* by address */
	size_t count, room;
	char **names; /* each file name once */
	size_t name_count;
};

/* Reads the line tables of an ELF file in memory (which libelf may write to).  A file without them, or with broken
 * ones, gives what can be read.  False: out of memory. */
bool lines_read(struct lines *lines, char *elf, size_t size);
/* The source line of an address; false: unknown. */
bool lines_find(const struct lines *lines, uint64_t address, const char **file, unsigned *line);
void lines_free(struct lines *lines);

#endif
