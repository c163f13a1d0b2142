/* The block cache: straight runs of uops from one physical page, keyed by
 * physical address and mode, linked to one another.
 *
 * A link is good while its epoch is the processor's: cpu->epoch changes with
 * every change of a translation, of CS's base and of cached code.  So following a link
 * needs no look at the TLB. */
#ifndef TRAPGATE_CPU_BLOCK_H
#define TRAPGATE_CPU_BLOCK_H

#include "cpu/cpu.h"
#include "cpu/vec_ready.h"

#define BLOCK_MAX_INSNS 32
#define BLOCK_MAX_BYTES 240 /* uop.off is 8 bits wide */

struct block;

/* Where a block goes on.  A good link (its epoch is the processor's) leads to a
 * block that lies inside CS's limit. */
struct link {
	struct block *to;
	uint64_t rip;   /* the RIP it leads to; LINK_TAKEN: of a relative branch */
	uint32_t epoch; /* 0: never good */
};

enum link_which { LINK_NEXT, LINK_TAKEN };

struct block {
	uint64_t pa;      /* physical address of the first byte */
	uint64_t rip;     /* its offset in CS */
	uint8_t key;      /* block_key() */
	uint8_t n;        /* instructions */
	uint8_t bytes;    /* code bytes */
	bool alone;       /* the one-instruction block of alone.c: never linked */
	struct link link[2];
	struct block *next_in_bucket;
	struct block *next_in_page;
	struct uop uops[];/* n, then the uop that ends the block if the last one does not */
};

/* The way of indirect branches: RIP -> block, for blocks of one key. */
#define JUMPS (1u << 11)
struct jump {
	struct link link;
	uint8_t key;
};
struct block_cache {
	struct jump jump[JUMPS];
	struct block_store *store; /* block.c */
};

static inline struct jump *jump_of(const struct cpu *cpu, uint64_t rip)
{
	return &cpu->cache->jump[(rip ^ (rip >> 11)) & (JUMPS - 1)];
}

/* What a decoded instruction depends on besides its bytes. */
static inline uint8_t block_key(const struct cpu *cpu)
{
	return (uint8_t)(cpu_mode(cpu) | (cpu->s.seg[SEG_CS].db ? 8 : 0) | (cpu->s.cpl == 3 ? 16 : 0) | vec_ready(cpu));
}
static inline enum decode_mode key_mode(uint8_t key) { return (enum decode_mode)(key & 7); }
/* What decode() is told. */
static inline uint64_t key_how(const struct cpu *cpu, uint8_t key) { return cpu->how | (key & 8 ? DECODE_D32 : 0); }

struct block_cache *block_cache_new(struct cpu *cpu); /* NULL: out of memory */
void block_cache_free(struct block_cache *cache);
/* Forgets every block (models, breakpoints, instrumentation changed). */
void block_cache_flush(struct cpu *cpu);

/* The block at CS:RIP, built if need be.  NULL with cpu->leave: LEAVE_FAULT
 * (the fetch faulted: cpu->fault), LEAVE_ALONE (cannot be cached here). */
struct block *block_find(struct cpu *cpu);

/* Is there room for all of b before the next look at events? */
static inline bool block_fits(const struct cpu *cpu, const struct block *b)
{
	return cpu->icount + b->n <= cpu->run_until;
}

static inline const struct uop *block_enter(struct cpu *cpu, struct block *b)
{
	cpu->icount += b->n;
	cpu->s.rip = b->rip;
	cpu->block = b;
	return b->uops;
}

/* The block for s.rip after an indirect branch, NULL: back to the run loop. */
struct block *block_after(struct cpu *cpu);

/* The ways out of a block when the quick one is barred: no link yet, limit of
 * instructions reached, target outside CS (#GP). */
uop_fn goto_next_slowly, goto_taken_slowly;

/* Ends a handler that is the last of its block: on to the following
 * instruction (next) or to the target of its relative branch (taken). */
#define RETURN_GOTO(cpu, u, which, slowly)                                           \
	do {                                                                         \
		const struct link *link_ = &(cpu)->block->link[which];               \
		if (LIKELY(link_->epoch == (cpu)->epoch && block_fits((cpu), link_->to))) { \
			const struct uop *next_ = block_enter((cpu), link_->to);     \
			RETURN_UOP((cpu), next_);                                    \
		}                                                                    \
		RETURN_CALL(slowly, (cpu), (u));                                     \
	} while (0)
#define RETURN_GOTO_NEXT(cpu, u)  RETURN_GOTO((cpu), (u), LINK_NEXT, goto_next_slowly)
#define RETURN_GOTO_TAKEN(cpu, u) RETURN_GOTO((cpu), (u), LINK_TAKEN, goto_taken_slowly)

/* Ends a handler with an indirect branch to target, already checked against CS's limit or
 * found by jump_hit(). */
#define RETURN_JUMP(cpu, target)                                                     \
	do {                                                                         \
		const struct jump *jump_ = jump_of((cpu), (target));                 \
		(cpu)->s.rip = (target);                                             \
		struct block *to_ = LIKELY(jump_hit((cpu), jump_, (target)) && block_fits((cpu), jump_->link.to)) \
					    ? jump_->link.to : block_after(cpu);     \
		if (UNLIKELY(to_ == NULL))                                           \
			return NULL;                                                 \
		const struct uop *next_ = block_enter((cpu), to_);                   \
		RETURN_UOP((cpu), next_);                                            \
	} while (0)

static inline bool jump_hit(const struct cpu *cpu, const struct jump *jump, uint64_t rip)
{
	return jump->link.rip == rip && jump->link.epoch == cpu->epoch && jump->key == cpu->block->key;
}

/* lower.c: the uop of a decoded instruction (also of one that decodes to
 * #UD or is too long).  off: of the
 * instruction from the block's first byte.  n is the caller's. */
void lower(struct uop *u, const struct insn *insn, const struct cpu_model *model, unsigned off);
uop_fn exec_undefined; /* of an instruction that there is not */
/* Call after lower(): replaces the handler of a vector instruction that block_key() says may not run now. */
void vec_gate(struct uop *u, const struct insn *insn, unsigned key);
/* Where the block goes when insn, its last instruction, is done. */
void lower_links(struct block *b, const struct insn *insn, uint64_t ip_mask);
/* The uop behind the last instruction of a block that does not branch. */
uop_fn exec_end_of_block;

/* alone.c: one instruction at s.rip decoded afresh and run by itself, with every
 * access allowed.  Sets cpu->leave. */
void run_alone(struct cpu *cpu);
/* Runs from u until the handlers come back. */
void run_uops(struct cpu *cpu, const struct uop *u);

#endif
