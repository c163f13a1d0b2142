/* The x87's registers and what every one of its instructions does around the
 * arithmetic: stack, tags, exceptions, pointers.  Sources: SDM 1, "Programming
 * with the x87 FPU", and the instructions' pages in SDM 2.
 *
 * s.fpu.tw holds two bits for each physical register; here 11B means empty and anything
 * else full.  Whether a full one is valid, zero or special is found when the tag
 * word is stored (x87_tag_word): the processor itself takes no more from a tag word
 * that is loaded ("x87 FPU Tag Word").
 * s.fpu.sw always has ES and B right: they follow from the flags and the masks.
 *
 * An instruction first computes, then asks x87_may_commit(), then writes memory, then
 * registers.  ES drives FERR#, a pin outside may answer with an interrupt, and
 * interrupts are looked at between blocks only: so whatever changes ES runs alone. */
#ifndef TRAPGATE_CPU_X87_H
#define TRAPGATE_CPU_X87_H

#include "cpu/cpu.h"
#include "cpu/fp.h"
#include "cpu/model.h"

/* ---- for the rest of the machine ---- */

/* State after power-up or reset, and after FNINIT (SDM 3A, "Processor State After
 * Reset": "x87 FPU State"). */
void x87_power_up(struct fpu_state *f);
void x87_init(struct fpu_state *f);
/* The tag word as FNSTENV and FNSAVE store it. */
uint16_t x87_tag_word(const struct fpu_state *f);
/* Call after s.fpu was written from outside, and after a reset: ES, B and FERR# follow. */
void x87_state_changed(struct cpu *cpu);
/* What a control word becomes when it is loaded: of the reserved bits, 6 reads as 1, the others as 0. */
uint16_t x87_control_word(uint16_t v);
/* Replaces the whole state; FERR# follows.  False: the instruction must run alone. */
bool x87_adopt(struct cpu *cpu, const struct fpu_state *next);
static inline bool x87_present(const struct cpu *cpu)
{
	return model_has(cpu->model, FEAT_1_EDX, F1D_FPU);
}

/* ---- may the instruction run? ---- */

bool x87_not_available(struct cpu *cpu);
bool x87_not_ready(struct cpu *cpu);
/* An exception is pending: may a waiting instruction run? */
bool x87_error(struct cpu *cpu);

/* Non-waiting instructions: #NM by CR0.EM or TS (WHY_X87_EMULATED,
 * WHY_X87_TASK_SWITCHED), #UD without an FPU (WHY_X87_ABSENT).  SDM 3A, "Configuring the x87
 * FPU Environment". */
static inline bool x87_available(struct cpu *cpu)
{
	if (LIKELY(!(cpu->s.cr0 & (CR0_EM | CR0_TS)) && x87_present(cpu)))
		return true;
	return x87_not_available(cpu);
}

/* Waiting ones: besides, #MF for a pending exception (WHY_X87_PENDING), or the wait for
 * an interrupt where CR0.NE = 0.  SDM 1, "Waiting vs. Non-waiting Instructions". */
static inline bool x87_ready(struct cpu *cpu)
{
	if (LIKELY(!(cpu->s.cr0 & (CR0_EM | CR0_TS)) && !(cpu->s.fpu.sw & FP_ES) && x87_present(cpu)))
		return true;
	return x87_not_ready(cpu);
}

/* Ends a handler whose instruction did not happen. */
const struct uop *x87_refused(struct cpu *cpu, const struct uop *u);

/* A handler made of an expression that says whether the instruction happened. */
#define X87_HANDLER(name, core)                                                                                        \
	static const struct uop *do_##name(struct cpu *cpu, const struct uop *u)                                       \
	{                                                                                                              \
		if (UNLIKELY(!(core)))                                                                                 \
			return x87_refused(cpu, u);                                                                    \
		RETURN_NEXT(cpu, u);                                                                                   \
	}
#define X87_EXEC(name, form, core)                                                                                     \
	X87_HANDLER(name, core)                                                                                        \
	const struct exec exec_##name = {{[form] = EXEC_ALL(do_##name)}};

/* ---- stack ---- */

static inline unsigned x87_top(const struct fpu_state *f)
{
	return (f->sw & FP_TOP) >> FP_TOP_SHIFT;
}
/* The physical register of ST(i); i may be -1. */
static inline unsigned x87_physical(const struct fpu_state *f, unsigned i)
{
	return (x87_top(f) + i) & 7;
}
static inline struct fp80 *x87_st(struct fpu_state *f, unsigned i)
{
	return &f->st[x87_physical(f, i)];
}
static inline bool x87_empty(const struct fpu_state *f, unsigned i)
{
	return ((f->tw >> (2 * x87_physical(f, i))) & 3) == 3;
}
static inline void x87_set_st(struct fpu_state *f, unsigned i, struct fp80 v)
{
	unsigned n = x87_physical(f, i);

	f->st[n] = v;
	f->tw &= (uint16_t) ~(3u << (2 * n));
}
static inline void x87_set_empty(struct fpu_state *f, unsigned i)
{
	f->tw |= (uint16_t)(3u << (2 * x87_physical(f, i)));
}
static inline void x87_move_top(struct fpu_state *f, unsigned by)
{
	f->sw = (uint16_t)((f->sw & ~FP_TOP) | ((x87_top(f) + by) & 7) << FP_TOP_SHIFT);
}
static inline void x87_pop(struct fpu_state *f, unsigned times)
{
	for (; times > 0; times--) {
		x87_set_empty(f, 0);
		x87_move_top(f, 1);
	}
}

/* ---- exceptions ---- */

/* The status word with the bits of clear out and those of set in, ES and B as
 * they follow. */
static inline uint16_t x87_status(const struct fpu_state *f, uint16_t clear, uint16_t set)
{
	uint16_t sw = (uint16_t)((f->sw & ~(clear | FP_ES | FP_B)) | set);

	return sw | (sw & ~f->cw & FP_EXCEPTIONS ? FP_ES | FP_B : 0);
}

/* Exceptions among flags that are not masked. */
static inline uint16_t x87_unmasked(const struct fpu_state *f, uint16_t flags)
{
	return flags & ~f->cw & FP_EXCEPTIONS;
}

/* May the status word become sw now?  False: the instruction must run alone. */
static inline bool x87_may_commit(struct cpu *cpu, uint16_t sw)
{
	if (LIKELY(!((cpu->s.fpu.sw ^ sw) & FP_ES)) || cpu->mmu.alone)
		return true;
	cpu->mmu.stop = MMU_RUN_ALONE;
	return false;
}

void x87_drive_ferr(struct cpu *cpu);

/* Writes the status word; FERR# follows. */
static inline void x87_commit(struct cpu *cpu, uint16_t sw)
{
	bool changed = (cpu->s.fpu.sw ^ sw) & FP_ES;

	cpu->s.fpu.sw = sw;
	if (UNLIKELY(changed))
		x87_drive_ferr(cpu);
}

/* The last non-control instruction (SDM 1, "x87 FPU Instruction and Data
 * (Operand) Pointers").  FDP keeps its value where the instruction has no operand in memory. */
static inline void x87_note(struct cpu *cpu, const struct uop *u)
{
	cpu->s.fpu.fip = uop_rip(cpu, u);
	cpu->s.fpu.fcs = cpu->s.seg[SEG_CS].sel;
	cpu->s.fpu.fop = (uint16_t)u->imm;
}
static inline void x87_note_operand(struct cpu *cpu, const struct uop *u, uint64_t ea)
{
	cpu->s.fpu.fdp = ea;
	cpu->s.fpu.fds = cpu->s.seg[u->seg].sel;
}

/* A status word change with nothing more to it: commits and notes the pointers. */
static inline bool x87_finish(struct cpu *cpu, const struct uop *u, uint16_t sw)
{
	if (UNLIKELY(!x87_may_commit(cpu, sw)))
		return false;
	x87_commit(cpu, sw);
	x87_note(cpu, u);
	return true;
}

/* Ends an instruction whose result goes to ST(dst), then pops; cc: the condition codes it
 * sets.  Exceptions found before the operation, unmasked, leave registers and stack alone. */
static inline bool x87_put(struct cpu *cpu, const struct uop *u, unsigned dst, unsigned pops, const struct fp_result *r,
			   uint16_t cc)
{
	struct fpu_state *f = &cpu->s.fpu;

	if (UNLIKELY(!x87_finish(cpu, u, x87_status(f, cc, r->sw & (cc | FP_EXCEPTIONS)))))
		return false;
	if (UNLIKELY(x87_unmasked(f, r->sw) & FP_BEFORE))
		return true;
	x87_set_st(f, dst, r->v);
	x87_pop(f, pops);
	return true;
}

/* Stack underflow of an instruction whose result goes to ST(dst) (SDM 1, "Stack
 * Overflow or Underflow Exception (#IS)"). */
bool x87_underflow(struct cpu *cpu, const struct uop *u, unsigned dst, unsigned pops, uint16_t cc);
/* A value to be pushed; flags are the exceptions of loading it. */
bool x87_push(struct cpu *cpu, const struct uop *u, struct fp80 v, uint16_t flags);

/* ---- memory operands ---- */

enum x87_type { X87_F32, X87_F64, X87_I16, X87_I32, X87_I64 };

struct x87_operand {
	struct fp80 v;
	uint64_t ea;
	bool denormal;
};

/* Reads the operand.  False: cpu->fault. */
static inline bool x87_read(struct cpu *cpu, const struct uop *u, enum x87_type type, struct x87_operand *o)
{
	static const uint8_t bytes[] = {[X87_F32] = 4, [X87_F64] = 8, [X87_I16] = 2, [X87_I32] = 4, [X87_I64] = 8};
	struct rd rd;

	o->ea = uop_ea(cpu, u);
	o->denormal = false;
	rd = seg_read(&cpu->mmu, (enum seg)u->seg, o->ea, bytes[type]);
	if (UNLIKELY(!rd.ok))
		return false;
	switch (type) {
	case X87_F32:
		o->v = fp_from_f32((uint32_t)rd.v, &o->denormal);
		break;
	case X87_F64:
		o->v = fp_from_f64(rd.v, &o->denormal);
		break;
	case X87_I16:
		o->v = fp_from_int((int16_t)rd.v);
		break;
	case X87_I32:
		o->v = fp_from_int((int32_t)rd.v);
		break;
	default:
		o->v = fp_from_int((int64_t)rd.v);
	}
	return true;
}

#endif
