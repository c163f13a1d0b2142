/* Blocks of combinations, and what every world is made of. */
#include "common.h"

uint64_t segment(uint32_t base, uint32_t limit, unsigned type, unsigned dpl, unsigned p, unsigned flags)
{
	uint32_t low = (base & 0xffff) << 16 | (limit & 0xffff);
	uint32_t high = (base & 0xff000000) | flags << 20 | (limit & 0xf0000) | p << 15 | dpl << 13 | type << 8 |
			((base >> 16) & 0xff);

	return (uint64_t)high << 32 | low;
}

void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

void put32(uint8_t *p, uint32_t v)
{
	put16(p, v & 0xffff);
	put16(p + 2, v >> 16);
}

uint32_t hash(uint32_t index)
{
	index *= 0x9e3779b1u;
	index ^= index >> 15;
	index *= 0x85ebca6bu;
	return index ^ index >> 13;
}

unsigned take(uint32_t *n, unsigned radix)
{
	unsigned digit = *n % radix;

	*n /= radix;
	return digit;
}

void guard(struct guarded *g, uint32_t linear, uint32_t flags)
{
	for (unsigned i = 0; i < g->pages; i++)
		if (g->page[i].linear == linear)
			return;
	g->page[g->pages].linear = linear;
	g->page[g->pages++].flags = flags;
}

/* The block of number i, through all lists; 0 behind the last. */
static const struct block *block_at(unsigned i)
{
	for (const struct block_list *l = world_blocks; l->count; i -= l->count, l++)
		if (i < l->count)
			return &l->blocks[i];
	return 0;
}

static const struct block *find(uint32_t index, uint32_t *within)
{
	const struct block *b;

	for (unsigned i = 0; (b = block_at(i)); i++) {
		if (index < b->count) {
			*within = index;
			return b;
		}
		index -= b->count;
	}
	return 0;
}

uint32_t world_count(void)
{
	const struct block *b;
	uint32_t n = 0;

	for (unsigned i = 0; (b = block_at(i)); i++)
		n += b->count;
	return n;
}

const char *world_block(uint32_t index)
{
	uint32_t within;
	const struct block *b = find(index, &within);

	return b ? b->name : "none";
}

bool world_build(uint32_t index, struct world *w)
{
	uint32_t within;
	const struct block *b = find(index, &within);

	if (!b || !b->build(w, index, within))
		return false;
	world_finish(w);
	return true;
}
