#include "cpu/block.h"

#include <stdlib.h>

#include "cpu/fuse.h"

#define ARENA_BYTES (32u << 20)
#define BUCKETS     (1u << 15)
#define PAGES       (1u << 12) /* chains of blocks by physical page */

struct block_store {
	uint8_t *arena;
	size_t used;
	struct block *bucket[BUCKETS];
	struct block *page[PAGES];
	struct cpu *cpu;
};

static unsigned bucket_of(uint64_t pa, uint8_t key)
{
	return (unsigned)((pa ^ (pa >> 13) ^ ((uint64_t)key << 9)) & (BUCKETS - 1));
}

static unsigned page_slot(uint64_t pa) { return (unsigned)((pa >> BUS_PAGE_BITS) & (PAGES - 1)); }

/* Every link made so far is void.  0 is never the epoch of a processor. */
static void new_epoch(struct cpu *cpu)
{
	if (++cpu->epoch == 0)
		cpu->epoch = 1;
}

void block_cache_flush(struct cpu *cpu)
{
	struct block_store *c = cpu->cache->store;

	memset(c->bucket, 0, sizeof(c->bucket));
	memset(c->page, 0, sizeof(c->page));
	c->used = 0;
	new_epoch(cpu);
}

/* A store is about to change [pa, pa + bytes): the blocks that overlap the
 * 64-byte granules of the store go; the bus forgets those granules after. */
static void on_code_written(void *owner, uint64_t pa, unsigned bytes)
{
	struct block_store *c = owner;
	uint64_t first = pa & ~UINT64_C(63), end = (pa + bytes + 63) & ~UINT64_C(63);

	for (uint64_t page = first >> BUS_PAGE_BITS; page <= (end - 1) >> BUS_PAGE_BITS; page++) {
		struct block **at = &c->page[page & (PAGES - 1)];
		while (*at) {
			struct block *b = *at;
			if (b->pa >= end || b->pa + b->bytes <= first) {
				at = &b->next_in_page;
				continue;
			}
			*at = b->next_in_page;
			struct block **in = &c->bucket[bucket_of(b->pa, b->key)];
			while (*in != b)
				in = &(*in)->next_in_bucket;
			*in = b->next_in_bucket;
		}
	}
	new_epoch(c->cpu);
}

/* The map changed: what a physical address shows may be other bytes now. */
static void on_map_changed(void *owner)
{
	struct block_store *c = owner;

	block_cache_flush(c->cpu);
}

struct block_cache *block_cache_new(struct cpu *cpu)
{
	struct block_cache *cache = calloc(1, sizeof(*cache));
	struct block_store *store = calloc(1, sizeof(*store));

	if (store)
		store->arena = malloc(ARENA_BYTES);
	if (cache)
		cache->store = store;
	else
		free(store);
	if (cache && store && store->arena &&
	    bus_watch(cpu->bus, (struct bus_watcher){.code_written = on_code_written,
						     .map_changed = on_map_changed, .owner = store})) {
		store->cpu = cpu;
		return cache;
	}
	block_cache_free(cache);
	return NULL;
}

void block_cache_free(struct block_cache *cache)
{
	if (!cache)
		return;
	if (cache->store) {
		if (cache->store->cpu)
			bus_unwatch(cache->store->cpu->bus, cache->store);
		free(cache->store->arena);
	}
	free(cache->store);
	free(cache);
}

static struct block *lookup(struct block_store *c, uint64_t pa, uint64_t rip, uint8_t key)
{
	struct block *b = c->bucket[bucket_of(pa, key)];

	while (b && (b->pa != pa || b->rip != rip || b->key != key))
		b = b->next_in_bucket;
	return b;
}

/* Control transfers, changes of mode, I/O; and REP loops, which may stop half way. */
static bool ends_block(const struct insn *insn)
{
	unsigned attributes = opcode_rows[insn->row].attributes;

	return (attributes & (ATTR_END | ATTR_UD)) || ((attributes & ATTR_REP) && (insn->rep || insn->repne));
}

/* Decodes from code (size bytes up to the page's end) into b; b->n == 0: the first
 * instruction crosses the page. */
static void fill(struct cpu *cpu, struct block *b, const uint8_t *code, size_t size)
{
	enum decode_mode mode = key_mode(b->key);
	uint64_t how = key_how(cpu, b->key);
	struct insn insn, next;
	bool ended = false;

	while (!ended && b->n < BLOCK_MAX_INSNS && b->bytes < BLOCK_MAX_BYTES - INSN_MAX_LENGTH) {
		struct uop *u = &b->uops[b->n];
		if (decode(&next, code + b->bytes, size - b->bytes, mode, how) == DECODE_SHORT)
			break;
		insn = next;
		lower(u, &insn, cpu->model, b->bytes);
		vec_gate(u, &insn, b->key);
		u->n = b->n++;
		b->bytes += insn.length;
		ended = insn.status != DECODE_OK || ends_block(&insn);
	}
	b->uops[b->n] = (struct uop){.fn = exec_end_of_block, .off = b->bytes, .n = b->n};
	if (b->n == 0)
		return;
	lower_links(b, &insn, cpu->ip_mask);
	fuse(b);
}

static struct block *build(struct cpu *cpu, uint64_t pa, const uint8_t *code, uint8_t key)
{
	struct block_store *c = cpu->cache->store;
	size_t most = sizeof(struct block) + (BLOCK_MAX_INSNS + 1) * sizeof(struct uop);

	if (c->used + most > ARENA_BYTES)
		block_cache_flush(cpu);
	struct block *b = (struct block *)(c->arena + c->used);
	*b = (struct block){.pa = pa, .rip = cpu->s.rip, .key = key};
	fill(cpu, b, code, BUS_PAGE_SIZE - (pa & (BUS_PAGE_SIZE - 1)));
	if (b->n == 0)
		return NULL;
	c->used += (sizeof(struct block) + (b->n + 1u) * sizeof(struct uop) + 63) & ~(size_t)63;
	b->next_in_bucket = c->bucket[bucket_of(pa, key)];
	c->bucket[bucket_of(pa, key)] = b;
	b->next_in_page = c->page[page_slot(pa)];
	c->page[page_slot(pa)] = b;
	if (bus_code_mark(cpu->bus, pa, b->bytes))
		new_epoch(cpu);
	return b;
}

struct block *block_find(struct cpu *cpu)
{
	uint8_t key = block_key(cpu);
	uint64_t pa;

	if (cpu->mmu.epoch != cpu->mmu_epoch_seen) {
		cpu->mmu_epoch_seen = cpu->mmu.epoch;
		new_epoch(cpu);
	}
	struct jump *j = jump_of(cpu, cpu->s.rip);
	if (j->link.rip == cpu->s.rip && j->link.epoch == cpu->epoch && j->key == key)
		return j->link.to;

	if (!code_reaches(cpu, cpu->s.rip))
		return NULL;
	uint64_t lin = code_linear(cpu, cpu->s.rip);
	const uint8_t *page = mmu_fetch_page(&cpu->mmu, lin, &pa);
	if (!page)
		return NULL;
	pa = (pa & PAGE_MASK) | (lin & ~PAGE_MASK);
	struct block *b = lookup(cpu->cache->store, pa, cpu->s.rip, key);
	if (!b)
		b = build(cpu, pa, page + (lin & ~PAGE_MASK), key);
	if (!b || !code_reaches(cpu, b->rip + b->bytes - 1))
		return NULL;
	*j = (struct jump){{b, cpu->s.rip, cpu->epoch}, key};
	return b;
}

struct block *block_after(struct cpu *cpu)
{
	cpu->leave = LEAVE_LOOK;
	if (cpu->block->alone || cpu->run_until == 0)
		return NULL;
	struct block *b = block_find(cpu);
	return b && block_fits(cpu, b) ? b : NULL;
}

/* The instruction is done; its block goes on over link.  NULL: back to the run
 * loop. */
static const struct uop *follow(struct cpu *cpu, struct link *link)
{
	size_t used = cpu->cache->store->used;

	cpu->s.rip = link->rip;
	struct block *b = block_after(cpu);
	if (!b)
		return NULL;
	/* A flush in between reused the memory that link lies in. */
	if (cpu->cache->store->used >= used) {
		link->to = b;
		link->epoch = cpu->epoch;
	}
	return block_enter(cpu, b);
}

const struct uop *goto_next_slowly(struct cpu *cpu, const struct uop *u)
{
	const struct uop *next = follow(cpu, &cpu->block->link[LINK_NEXT]);

	if (!next)
		return NULL;
	RETURN_UOP(cpu, next);
}

const struct uop *goto_taken_slowly(struct cpu *cpu, const struct uop *u)
{
	struct link *link = &cpu->block->link[LINK_TAKEN];

	if (!near_target_ok(cpu, link->rip))
		return uop_fault(cpu, u);
	const struct uop *next = follow(cpu, link);
	if (!next)
		return NULL;
	RETURN_UOP(cpu, next);
}
