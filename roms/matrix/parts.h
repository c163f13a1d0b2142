/* What the blocks of combinations are made with. */
#ifndef MATRIX_PARTS_H
#define MATRIX_PARTS_H

#include "world.h"

#define SAME_AS(level) ((level) == V86 ? 3 : (level))

#define EVENT_BLOCKS  14
#define RETURN_BLOCKS 6

extern const struct block event_blocks[EVENT_BLOCKS], return_blocks[RETURN_BLOCKS];

uint64_t gate(unsigned selector, uint32_t offset, unsigned type, unsigned dpl, unsigned p);

/* SS:ESP of an inner level in the current TSS. */
void tss_stack(struct world *w, unsigned level, unsigned ss, uint32_t esp);

void set_tss(struct world *w, bool tss32, uint32_t limit);

void task16(uint8_t *t, unsigned handler, unsigned sp);

/* Gates of the exceptions; vector 8 is a task. */
void set_nested(struct world *w, enum nested nested);

/* The gate of the event's own vector.  The handler's code is 32-bit or, with d false, 16-bit. */
void set_gate(struct world *w, unsigned selector, bool d, unsigned type, unsigned dpl, unsigned p);

/* A world in which all goes well: a 32-bit interrupt gate, DPL 3, to ring 0. */
bool begin(struct world *w, uint32_t index, unsigned source, unsigned level);

#endif
