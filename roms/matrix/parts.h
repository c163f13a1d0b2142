/* What the blocks of combinations are made with. */
#ifndef MATRIX_PARTS_H
#define MATRIX_PARTS_H

#include "world.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define EFLAGS_ONE  0x2u
#define EFLAGS_IF   0x200u
#define EFLAGS_OF   0x800u
#define EFLAGS_NT   0x4000u
#define EFLAGS_RF   0x10000u
#define EFLAGS_VM   0x20000u
#define EFLAGS_FREE 0x2404d5u /* CF PF AF ZF SF DF AC ID: nothing here depends on them */

#define FLAG_B         0x4u /* D/B in the flags of a descriptor, next to G */
#define FLAG_G         0x8u
#define SAME_AS(level) ((level) == V86 ? 3 : (level))

/* A block is a product of dimensions; take() splits the index within the block into them.  What no dimension of a block
 * names is set by the index's hash, so that it varies too. */
struct block {
	bool (*build)(struct world *w, uint32_t index, uint32_t n); /* index: for the hash; n: within the block */
	uint32_t count;
	const char *name;
};

#define EVENT_BLOCKS  14
#define RETURN_BLOCKS 6

extern const struct block event_blocks[EVENT_BLOCKS], return_blocks[RETURN_BLOCKS];

uint64_t segment(uint32_t base, uint32_t limit, unsigned type, unsigned dpl, unsigned p, unsigned flags);

uint64_t gate(unsigned selector, uint32_t offset, unsigned type, unsigned dpl, unsigned p);

void put16(uint8_t *p, unsigned v);

uint32_t hash(uint32_t index);

unsigned take(uint32_t *n, unsigned radix);

/* SS:ESP of an inner level in the current TSS. */
void tss_stack(struct world *w, unsigned level, unsigned ss, uint32_t esp);

void set_tss(struct world *w, bool tss32, uint32_t limit);

void task16(uint8_t *t, unsigned handler, unsigned sp);

/* Gives a page flags other than present, writable, user. */
void protect(struct world *w, uint32_t linear, uint32_t flags);

/* Gates of the exceptions; vector 8 is a task. */
void set_nested(struct world *w, enum nested nested);

/* The gate of the event's own vector.  The handler's code is 32-bit or, with d false, 16-bit. */
void set_gate(struct world *w, unsigned selector, bool d, unsigned type, unsigned dpl, unsigned p);

/* A world in which all goes well: a 32-bit interrupt gate, DPL 3, to ring 0. */
bool begin(struct world *w, uint32_t index, unsigned source, unsigned level);

#endif
