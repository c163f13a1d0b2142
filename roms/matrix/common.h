/* What both delivery matrices are made with: indices, descriptors, blocks of combinations. */
#ifndef MATRIX_COMMON_H
#define MATRIX_COMMON_H

#define SEL(index, rpl) ((index) << 3 | (rpl))

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define EFLAGS_ONE  0x2u
#define EFLAGS_TF   0x100u
#define EFLAGS_IF   0x200u
#define EFLAGS_OF   0x800u
#define EFLAGS_NT   0x4000u
#define EFLAGS_RF   0x10000u
#define EFLAGS_VM   0x20000u
#define EFLAGS_FREE 0x2404d5u /* CF PF AF ZF SF DF AC ID: nothing here depends on them */

#define FLAG_L 0x2u /* L and D/B in the flags of a descriptor, next to G */
#define FLAG_B 0x4u
#define FLAG_G 0x8u

#define PAGE_PRESENT 1u
#define PAGE_WRITE   2u
#define PAGE_USER    4u
#define ALL_RIGHTS   7u

/* Pages that are not present, writable, user. */
struct guarded {
	struct {
		uint32_t linear, flags;
	} page[4];
	unsigned pages;
};

struct world;

/* A block is a product of dimensions; take() splits the index within the block into them.  What no dimension of a block
 * names is set by the index's hash, so that it varies too. */
struct block {
	bool (*build)(struct world *w, uint32_t index, uint32_t n); /* index: for the hash; n: within the block */
	uint32_t count;
	const char *name;
};

/* The blocks of a matrix, and what is done to a world they have built; ends with a list of none. */
extern const struct block_list {
	const struct block *blocks;
	unsigned count;
} world_blocks[];
void world_finish(struct world *w);

/* The number of indices. */
uint32_t world_count(void);

/* Builds the world of an index below world_count().  False: there is no such combination. */
bool world_build(uint32_t index, struct world *w);

/* The name of the index's block: its group of combinations. */
const char *world_block(uint32_t index);

uint64_t segment(uint32_t base, uint32_t limit, unsigned type, unsigned dpl, unsigned p, unsigned flags);

void put16(uint8_t *p, unsigned v);
void put32(uint8_t *p, uint32_t v);

uint32_t hash(uint32_t index);

unsigned take(uint32_t *n, unsigned radix);

/* Gives a page flags other than present, writable, user. */
void guard(struct guarded *g, uint32_t linear, uint32_t flags);

#endif
#endif
