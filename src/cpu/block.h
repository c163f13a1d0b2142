/* The block cache: straight runs of uops from one physical page, keyed by
 * physical address and mode, linked to one another.
 *
 * A link is good while its epoch is the processor's: cpu->epoch changes with
 * every change of a translation, of CS's base and of cached code.  So following a link
 * needs no look at the TLB. */
#ifndef TRAPGATE_CPU_BLOCK_H
#define TRAPGATE_CPU_BLOCK_H

#include "cpu/cpu.h"

#define BLOCK_MAX_INSNS 32
#define BLOCK_MAX_BYTES 240 /* uop.off is 8 bits wide */

struct block;

struct link {
	struct block *to;
	uint64_t rip;   /* the RIP it leads to */
	uint32_t epoch; /* 0: never good */
};

enum link_which { LINK_NEXT, LINK_TAKEN };

struct block {
	uint64_t pa;      /* physical address of the first byte */
	uint8_t key;      /* block_key() */
	uint8_t n;        /* instructions */
	uint8_t bytes;    /* code bytes */
	bool alone;       /* the one-instruction block of alone.c: never linked */
	struct link link[2];
	struct block *next_in_bucket;
	struct block *next_in_page;
	struct uop uops[];/* n, then the uop that ends the block if the last one does not */
};

/* What a decoded instruction depends on besides its bytes. */
static inline uint8_t block_key(const struct cpu *cpu)
{
	unsigned mode = in_real(cpu) ? MODE_REAL : in_vm86(cpu) ? MODE_VM86 : MODE_PROTECTED;

	return (uint8_t)(mode | (cpu->s.seg[SEG_CS].db ? 8 : 0) | (cpu->s.cpl == 3 ? 16 : 0));
}
static inline enum decode_mode key_mode(uint8_t key) { return (enum decode_mode)(key & 7); }
static inline bool key_db(uint8_t key) { return key & 8; }

struct block_cache *block_cache_new(struct cpu *cpu); /* NULL: out of memory */
void block_cache_free(struct block_cache *cache);
/* Forgets every block (models, breakpoints, instrumentation changed). */
void block_cache_flush(struct cpu *cpu);

/* The block at CS:RIP, built if need be.  NULL with cpu->leave: LEAVE_FAULT
 * (the fetch faulted: cpu->fault), LEAVE_ALONE (cannot be cached here). */
struct block *block_find(struct cpu *cpu);

/* Begins b at s.rip, or NULL with cpu->leave when the limit of instructions
 * or CS's limit falls inside it. */
static inline const struct uop *block_enter(struct cpu *cpu, struct block *b)
{
	if (UNLIKELY(cpu->icount + b->n > cpu->run_until)) {
		cpu->leave = LEAVE_LOOK;
		return NULL;
	}
	if (UNLIKELY(cpu->s.rip + b->bytes - 1 > cpu->s.seg[SEG_CS].limit)) {
		cpu->leave = LEAVE_LOOK;
		return NULL;
	}
	cpu->icount += b->n;
	cpu->block = b;
	return b->uops;
}

/* The link did not lead to rip: look further.  As block_enter. */
const struct uop *block_miss(struct cpu *cpu, struct link *link);

static inline const struct uop *block_goto(struct cpu *cpu, uint64_t rip, enum link_which which)
{
	struct link *link = &cpu->block->link[which];

	cpu->s.rip = rip;
	if (LIKELY(link->rip == rip && link->epoch == cpu->epoch))
		return block_enter(cpu, link->to);
	return block_miss(cpu, link);
}

/* Ends a handler with a near branch to rip. */
#if TRAPGATE_TAILCALL
#define RETURN_GOTO(cpu, rip, which)                                          \
	do {                                                                  \
		const struct uop *next_uop = block_goto((cpu), (rip), (which)); \
		if (UNLIKELY(next_uop == NULL))                               \
			return NULL;                                          \
		RETURN_UOP((cpu), next_uop);                                  \
	} while (0)
#else
#define RETURN_GOTO(cpu, rip, which) return block_goto((cpu), (rip), (which))
#endif

/* lower.c: the uop of a decoded instruction (also of one that decodes to
 * #UD or is too long).  off and n are the caller's. */
void lower(struct uop *u, const struct insn *insn, const struct cpu_model *model);
/* The uop behind the last instruction of a block that does not branch. */
uop_fn exec_end_of_block;

/* alone.c: one instruction at s.rip decoded afresh and run by itself, with every
 * access allowed.  Sets cpu->leave. */
void run_alone(struct cpu *cpu);
/* Runs from u until the handlers come back. */
void run_uops(struct cpu *cpu, const struct uop *u);

#endif
