/* MOVS CMPS STOS LODS SCAS, alone and repeated.  SDM 2A, 2B, "REP/REPE/REPZ/
 * REPNE/REPNZ".
 *
 * A repeated instruction runs as many iterations as rep_budget() allows and
 * stops between two of them as the architecture lets it: rCX, rSI, rDI updated
 * for those done, rIP at the instruction.  MOVS and STOS go through runs of
 * elements inside one page where the TLB has source and destination.
 *
 * An element that is not in the TLB may be a device's when the instruction runs
 * alone: the clock is set to that iteration before, and the handler stops after
 * it, since whatever the device changed is to be seen before the next one.
 *
 * "When a fault occurs during the execution of a CMPS or SCAS instruction that is
 * prefixed with REPE or REPNE, the EFLAGS value is restored to the state prior
 * to the execution of the instruction" (SDM 2B "REP..."), also when the budget
 * ended in between and no event was taken there: cpu->rep remembers. */
#include "cpu/operand.h"

/* How far rSI and rDI move with each element. */
static inline uint64_t string_step(const struct cpu *cpu, unsigned bytes)
{
	return cpu->s.rflags & FLAG_DF ? (uint64_t)0 - bytes : bytes;
}

static inline void step_reg(struct cpu *cpu, const struct uop *u, unsigned n, uint64_t step)
{
	set_addr_reg(cpu, u, n, addr_reg(cpu, u, n) + step);
}

/* ---- how a repetition ends ---- */

/* Running alone, before an iteration that may reach a device: the clock is set
 * to it.  Yields the new limit: the handler stops behind this iteration. */
static inline uint64_t rep_alone_limit(struct cpu *cpu, uint64_t done)
{
	cpu->clock->now = cpu->icount + done;
	return done + 1;
}

static inline uint64_t rep_limit(const struct cpu *cpu, uint64_t count)
{
	uint64_t budget = rep_budget(cpu);

	return count < budget ? count : budget;
}

/* done iterations were made (0: rCX was 0); more: there is work left. */
static const struct uop *rep_end(struct cpu *cpu, const struct uop *u, uint64_t done, bool more)
{
	rep_done(cpu, done ? done : 1);
	return more ? uop_again(cpu, u) : uop_leave(cpu, u);
}

/* The iteration after done complete ones failed. */
static const struct uop *rep_fail(struct cpu *cpu, const struct uop *u, uint64_t done)
{
	rep_done(cpu, done + 1); /* uop_fault takes back one */
	return uop_fault(cpu, u);
}

/* ---- runs of elements inside a page, forwards ---- */

/* At most want elements from off on that neither leave the page nor wrap. */
static inline uint64_t run_length(const struct cpu *cpu, const struct uop *u, unsigned seg, uint64_t off,
				  uint64_t end, uint64_t want, unsigned bytes)
{
	uint64_t lin = cpu->mmu.win[seg].base + off;
	uint64_t room = BUS_PAGE_SIZE - (lin & (BUS_PAGE_SIZE - 1));
	uint64_t wrap = u->addr_shift ? UINT64_C(1) << (64 - u->addr_shift) : UINT64_MAX;
	uint64_t top = end < wrap ? end : wrap;

	if (off >= top)
		return 0;
	if (room > top - off)
		room = top - off;
	return want < room / bytes ? want : room / bytes;
}

/* Element by element in rising order: where the destination begins inside the
 * source, elements just written are read again. */
static inline void copy_forwards(uint8_t *to, const uint8_t *from, uint64_t n, unsigned bytes)
{
	if ((uintptr_t)to - (uintptr_t)from >= n * bytes) {
		memmove(to, from, n * bytes);
		return;
	}
	for (uint64_t i = 0; i < n; i++)
		host_store(to + i * bytes, bytes, host_load(from + i * bytes, bytes));
}

/* Copies up to want elements and moves rSI and rDI; 0: take the slow way. */
static inline uint64_t movs_run(struct cpu *cpu, const struct uop *u, uint64_t want, unsigned bytes)
{
	uint64_t si = addr_reg(cpu, u, RSI), di = addr_reg(cpu, u, RDI), n;

	if (cpu->s.rflags & FLAG_DF)
		return 0;
	n = run_length(cpu, u, u->seg, si, cpu->mmu.win[u->seg].r_end, want, bytes);
	n = run_length(cpu, u, SEG_ES, di, cpu->mmu.win[SEG_ES].w_end, n, bytes);
	if (n == 0)
		return 0;
	const uint8_t *from = seg_hit_read(cpu, u->seg, si, bytes);
	uint8_t *to = seg_hit_write(cpu, SEG_ES, di, bytes);
	if (from == NULL || to == NULL)
		return 0;
	copy_forwards(to, from, n, bytes);
	set_addr_reg(cpu, u, RSI, si + n * bytes);
	set_addr_reg(cpu, u, RDI, di + n * bytes);
	return n;
}

static inline uint64_t stos_run(struct cpu *cpu, const struct uop *u, uint64_t want, uint64_t v, unsigned bytes)
{
	uint64_t di = addr_reg(cpu, u, RDI), n;

	if (cpu->s.rflags & FLAG_DF)
		return 0;
	n = run_length(cpu, u, SEG_ES, di, cpu->mmu.win[SEG_ES].w_end, want, bytes);
	uint8_t *to = n ? seg_hit_write(cpu, SEG_ES, di, bytes) : NULL;
	if (to == NULL)
		return 0;
	if (v == (v & 0xff) * (width_mask(8 * bytes) / 0xff))
		memset(to, (int)(v & 0xff), n * bytes);
	else
		for (uint64_t i = 0; i < n; i++)
			host_store(to + i * bytes, bytes, v);
	set_addr_reg(cpu, u, RDI, di + n * bytes);
	return n;
}

/* ---- REPE, REPNE ---- */

/* Operands of the last comparison; count 0: there was none. */
struct comparison {
	uint64_t a, b;
	uint64_t done;
};

static inline bool rep_resumed(const struct cpu *cpu, const struct uop *u)
{
	return cpu->rep.stopped && cpu->rep.icount == cpu->icount - 1 && cpu->rep.rip == uop_rip(cpu, u) &&
	       cpu->rep.cs_base == cpu->s.seg[SEG_CS].base;
}

/* The instruction stops here without an event of its own and goes on later. */
static void rep_remember(struct cpu *cpu, const struct uop *u, const struct lazy_flags *before, uint64_t done)
{
	cpu->rep.stopped = true;
	cpu->rep.flags = *before;
	cpu->rep.icount = cpu->icount - 1 + done;
	cpu->rep.rip = uop_rip(cpu, u);
	cpu->rep.cs_base = cpu->s.seg[SEG_CS].base;
}

/* Ends REPE or REPNE CMPS, SCAS after c->done iterations; ok: none failed. */
static const struct uop *rep_compared(struct cpu *cpu, const struct uop *u, const struct comparison *c, bool more,
				      bool ok)
{
	struct lazy_flags before = rep_resumed(cpu, u) ? cpu->rep.flags : cpu->f;

	cpu->rep.stopped = false;
	if (!ok && cpu->mmu.stop == MMU_FAULT) {
		cpu->f = before;
		return rep_fail(cpu, u, c->done);
	}
	if (c->done)
		flags_sub(&cpu->f, c->a, c->b, 0, u->width);
	if (more || !ok)
		rep_remember(cpu, u, &before, c->done);
	return ok ? rep_end(cpu, u, c->done, more) : rep_fail(cpu, u, c->done);
}

/* REPE goes on while equal, REPNE while not. */
static inline bool rep_continues(const struct uop *u, const struct comparison *c)
{
	return (c->a == c->b) == !(u->flags & UOP_REPNE);
}

#define BITS 8
#include "cpu/string.inc"
#undef BITS
#define BITS 16
#include "cpu/string.inc"
#undef BITS
#define BITS 32
#include "cpu/string.inc"
#undef BITS
#define BITS 64
#include "cpu/string.inc"
#undef BITS

#define OP movs
const struct exec EXEC_SET = {{[FORM_NONE] = EXEC_BV_OF(none), [FORM_REP] = EXEC_BV_OF(rep)}};
#undef OP
#define OP stos
const struct exec EXEC_SET = {{[FORM_NONE] = EXEC_BV_OF(none), [FORM_REP] = EXEC_BV_OF(rep)}};
#undef OP
#define OP lods
const struct exec EXEC_SET = {{[FORM_NONE] = EXEC_BV_OF(none), [FORM_REP] = EXEC_BV_OF(rep)}};
#undef OP
#define OP cmps
const struct exec EXEC_SET = {{[FORM_NONE] = EXEC_BV_OF(none), [FORM_REP] = EXEC_BV_OF(rep)}};
#undef OP
#define OP scas
const struct exec EXEC_SET = {{[FORM_NONE] = EXEC_BV_OF(none), [FORM_REP] = EXEC_BV_OF(rep)}};
#undef OP
