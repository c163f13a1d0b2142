/* What one instruction of a path is worth noting for. */
#ifndef TRAPGATE_EXPLAIN_WAY_H
#define TRAPGATE_EXPLAIN_WAY_H

#include "explain/path.h"

/* An instruction of the task is about to be run. */
void way_instruction(struct path *path, struct cpu *cpu);
/* It, or a delivery, read or wrote memory. */
void way_access(struct path *path, uint64_t lin, unsigned bytes, uint64_t value, bool write);
/* Where the flag words lie now, and what they hold. */
void way_words(struct path *path, struct cpu *cpu);
/* What they hold now; where they lie does not change. */
void way_words_again(struct path *path, struct cpu *cpu);

/* NULL: out of memory, which the path remembers. */
struct note *way_note(struct path *path, enum note_kind kind);
struct write *way_write(struct path *path, uint64_t lin, unsigned bytes, uint64_t value);

#endif
