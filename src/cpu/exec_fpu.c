/* x87 arithmetic, comparisons and functions.  SDM 2, the instructions' pages;
 * SDM 1, "x87 FPU Instruction Set". */
#include "cpu/x87.h"

/* ---- FADD FSUB FMUL FDIV and their forms ---- */

static struct fp_result compute(enum fp_op op, bool reverse, struct fp80 a, struct fp80 b, uint16_t cw)
{
	return reverse ? fp_compute(op, b, a, cw) : fp_compute(op, a, b, cw);
}

/* ST(dst) := ST(dst) op ST(src). */
static inline bool arith(struct cpu *cpu, const struct uop *u, enum fp_op op, bool reverse, unsigned pops)
{
	struct fpu_state *f = &cpu->s.fpu;

	if (UNLIKELY(!x87_ready(cpu)))
		return false;
	if (UNLIKELY(x87_empty(f, u->dst) || x87_empty(f, u->src)))
		return x87_underflow(cpu, u, u->dst, pops, FP_C1);
	struct fp_result r = compute(op, reverse, *x87_st(f, u->dst), *x87_st(f, u->src), f->cw);

	return x87_put(cpu, u, u->dst, pops, &r, FP_C1);
}

/* A memory operand that was denormal in its own format is not one any more when the backend
 * sees it.  #D ranks behind NaNs, #I and #Z (SDM 1, "Floating-Point
 * Exception Priority"). */
static void add_denormal(struct fp_result *r, struct fp80 other, uint16_t cw)
{
	enum fp_class class = fp_classify(other);

	if (class == FP_NAN || class == FP_UNSUPPORTED || (r->sw & (FP_IE | FP_ZE)))
		return;
	if (cw & FP_DE)
		r->sw |= FP_DE;
	else
		r->sw = FP_DE;
}

/* ST(0) := ST(0) op memory. */
static inline bool arith_memory(struct cpu *cpu, const struct uop *u, enum fp_op op, bool reverse, enum x87_type type)
{
	struct fpu_state *f = &cpu->s.fpu;
	struct x87_operand o;
	bool done;

	if (UNLIKELY(!x87_ready(cpu) || !x87_read(cpu, u, type, &o)))
		return false;
	if (UNLIKELY(x87_empty(f, 0))) {
		done = x87_underflow(cpu, u, 0, 0, FP_C1);
	} else {
		struct fp80 a = *x87_st(f, 0);
		struct fp_result r = compute(op, reverse, a, o.v, f->cw);

		if (UNLIKELY(o.denormal))
			add_denormal(&r, a, f->cw);
		done = x87_put(cpu, u, 0, 0, &r, FP_C1);
	}
	if (LIKELY(done))
		x87_note_operand(cpu, u, o.ea);
	return done;
}

#define ARITH(name, op, reverse)                                                                                       \
	X87_EXEC(f##name, FORM_RR, arith(cpu, u, op, reverse, 0))                                                      \
	X87_EXEC(f##name##_sti, FORM_RR, arith(cpu, u, op, reverse, 0))                                                \
	X87_EXEC(f##name##p, FORM_RR, arith(cpu, u, op, reverse, 1))                                                   \
	X87_EXEC(f##name##_m32, FORM_M, arith_memory(cpu, u, op, reverse, X87_F32))                                    \
	X87_EXEC(f##name##_m64, FORM_M, arith_memory(cpu, u, op, reverse, X87_F64))                                    \
	X87_EXEC(fi##name##_m16, FORM_M, arith_memory(cpu, u, op, reverse, X87_I16))                                   \
	X87_EXEC(fi##name##_m32, FORM_M, arith_memory(cpu, u, op, reverse, X87_I32))

ARITH(add, FP_ADD, false)
ARITH(mul, FP_MUL, false)
ARITH(sub, FP_SUB, false)
ARITH(subr, FP_SUB, true)
ARITH(div, FP_DIV, false)
ARITH(divr, FP_DIV, true)

/* ---- comparisons ---- */

#define CC_COMPARE   (FP_C3 | FP_C2 | FP_C0)
#define CC_UNORDERED CC_COMPARE

/* Ends a comparison; sw as fp_compare gives it, or a stack underflow.
 * keeps_cc: an unmasked invalid operand leaves the condition codes (FCOM and
 * FUCOM, by their pages; FTST and FICOM have no such rule).  Processors
 * set them then too; the SDM decides. */
static inline bool end_compare(struct cpu *cpu, const struct uop *u, uint16_t sw, bool keeps_cc, unsigned pops)
{
	struct fpu_state *f = &cpu->s.fpu;
	uint16_t unmasked = x87_unmasked(f, sw) & FP_BEFORE;
	uint16_t cc = FP_C1 | CC_COMPARE;

	if (UNLIKELY(keeps_cc && (unmasked & FP_IE) && !(sw & FP_SF))) {
		cc = FP_C1;
		sw &= (uint16_t)~CC_COMPARE;
	}
	if (UNLIKELY(!x87_finish(cpu, u, x87_status(f, cc, sw))))
		return false;
	if (LIKELY(!unmasked))
		x87_pop(f, pops);
	return true;
}

static inline bool compare(struct cpu *cpu, const struct uop *u, unsigned i, bool quiet, unsigned pops)
{
	struct fpu_state *f = &cpu->s.fpu;

	if (UNLIKELY(!x87_ready(cpu)))
		return false;
	if (UNLIKELY(x87_empty(f, 0) || x87_empty(f, i)))
		return end_compare(cpu, u, CC_UNORDERED | FP_IE | FP_SF, true, pops);
	return end_compare(cpu, u, fp_compare(*x87_st(f, 0), *x87_st(f, i), quiet), true, pops);
}

static inline bool compare_memory(struct cpu *cpu, const struct uop *u, enum x87_type type, unsigned pops)
{
	struct fpu_state *f = &cpu->s.fpu;
	bool real = type == X87_F32 || type == X87_F64;
	uint16_t sw = CC_UNORDERED | FP_IE | FP_SF;
	struct x87_operand o;

	if (UNLIKELY(!x87_ready(cpu) || !x87_read(cpu, u, type, &o)))
		return false;
	if (LIKELY(!x87_empty(f, 0))) {
		sw = fp_compare(*x87_st(f, 0), o.v, false);
		if (o.denormal && !(sw & FP_IE))
			sw |= FP_DE;
	}
	if (UNLIKELY(!end_compare(cpu, u, sw, real, pops)))
		return false;
	x87_note_operand(cpu, u, o.ea);
	return true;
}

static bool test_zero(struct cpu *cpu, const struct uop *u)
{
	const struct fp80 zero = {0, 0};
	struct fpu_state *f = &cpu->s.fpu;

	if (!x87_ready(cpu))
		return false;
	if (x87_empty(f, 0))
		return end_compare(cpu, u, CC_UNORDERED | FP_IE | FP_SF, false, 0);
	return end_compare(cpu, u, fp_compare(*x87_st(f, 0), zero, false), false, 0);
}

X87_EXEC(fcom, FORM_R, compare(cpu, u, u->dst, false, 0))
X87_EXEC(fcomp, FORM_R, compare(cpu, u, u->dst, false, 1))
X87_EXEC(fcompp, FORM_NONE, compare(cpu, u, 1, false, 2))
X87_EXEC(fucom, FORM_R, compare(cpu, u, u->dst, true, 0))
X87_EXEC(fucomp, FORM_R, compare(cpu, u, u->dst, true, 1))
X87_EXEC(fucompp, FORM_NONE, compare(cpu, u, 1, true, 2))
X87_EXEC(fcom_m32, FORM_M, compare_memory(cpu, u, X87_F32, 0))
X87_EXEC(fcom_m64, FORM_M, compare_memory(cpu, u, X87_F64, 0))
X87_EXEC(fcomp_m32, FORM_M, compare_memory(cpu, u, X87_F32, 1))
X87_EXEC(fcomp_m64, FORM_M, compare_memory(cpu, u, X87_F64, 1))
X87_EXEC(ficom_m16, FORM_M, compare_memory(cpu, u, X87_I16, 0))
X87_EXEC(ficom_m32, FORM_M, compare_memory(cpu, u, X87_I32, 0))
X87_EXEC(ficomp_m16, FORM_M, compare_memory(cpu, u, X87_I16, 1))
X87_EXEC(ficomp_m32, FORM_M, compare_memory(cpu, u, X87_I32, 1))
X87_EXEC(ftst, FORM_NONE, test_zero(cpu, u))

/* ZF PF CF := C3 C2 C0; OF SF AF := 0 whatever happens (SDM 2A
 * "FCOMI/FCOMIP/FUCOMI/FUCOMIP").  An unmasked invalid operand leaves ZF PF CF. */
static inline bool compare_flags(struct cpu *cpu, const struct uop *u, bool quiet, unsigned pops)
{
	struct fpu_state *f = &cpu->s.fpu;
	uint16_t sw = CC_UNORDERED | FP_IE | FP_SF;
	uint32_t flags;

	if (UNLIKELY(!x87_ready(cpu)))
		return false;
	if (LIKELY(!x87_empty(f, 0) && !x87_empty(f, u->src)))
		sw = fp_compare(*x87_st(f, 0), *x87_st(f, u->src), quiet);
	uint16_t unmasked = x87_unmasked(f, sw) & FP_BEFORE;

	if (UNLIKELY(!x87_finish(cpu, u, x87_status(f, FP_C1, sw & (FP_EXCEPTIONS | FP_SF)))))
		return false;
	if (UNLIKELY((unmasked & FP_IE) && !(sw & FP_SF)))
		flags = flags_status(&cpu->f) & (FLAG_ZF | FLAG_PF | FLAG_CF);
	else
		flags = (sw & FP_C3 ? FLAG_ZF : 0) | (sw & FP_C2 ? FLAG_PF : 0) | (sw & FP_C0 ? FLAG_CF : 0);
	flags_load(&cpu->f, flags);
	if (LIKELY(!unmasked))
		x87_pop(f, pops);
	return true;
}

X87_EXEC(fcomi, FORM_RR, compare_flags(cpu, u, false, 0))
X87_EXEC(fcomip, FORM_RR, compare_flags(cpu, u, false, 1))
X87_EXEC(fucomi, FORM_RR, compare_flags(cpu, u, true, 0))
X87_EXEC(fucomip, FORM_RR, compare_flags(cpu, u, true, 1))

/* FXAM raises nothing; of an empty register it shows the sign that is left. */
static bool examine(struct cpu *cpu, const struct uop *u)
{
	struct fpu_state *f = &cpu->s.fpu;

	if (!x87_ready(cpu))
		return false;
	struct fp80 v = *x87_st(f, 0);
	uint16_t cc = x87_empty(f, 0) ? FP_C3 | FP_C0 | (fp_sign(v) ? FP_C1 : 0) : fp_examine(v);

	return x87_finish(cpu, u, x87_status(f, FP_CC, cc));
}

X87_EXEC(fxam, FORM_NONE, examine(cpu, u))

/* ---- functions of ST(0) and ST(1) ---- */

/* ST(0) := op(ST(0)) */
static inline bool unary(struct cpu *cpu, const struct uop *u, enum fp_op op, uint16_t cc)
{
	struct fpu_state *f = &cpu->s.fpu;

	if (UNLIKELY(!x87_ready(cpu)))
		return false;
	if (UNLIKELY(x87_empty(f, 0)))
		return x87_underflow(cpu, u, 0, 0, cc);
	struct fp_result r = fp_compute(op, *x87_st(f, 0), *x87_st(f, 0), f->cw);

	return x87_put(cpu, u, 0, 0, &r, cc);
}

/* ST(dst) := op(ST(0), ST(1)), then pops. */
static bool binary(struct cpu *cpu, const struct uop *u, enum fp_op op, unsigned dst, unsigned pops)
{
	struct fpu_state *f = &cpu->s.fpu;

	if (!x87_ready(cpu))
		return false;
	if (x87_empty(f, 0) || x87_empty(f, 1))
		return x87_underflow(cpu, u, dst, pops, FP_C1);
	struct fp_result r = fp_compute(op, *x87_st(f, 0), *x87_st(f, 1), f->cw);

	return x87_put(cpu, u, dst, pops, &r, FP_C1);
}

/* FPREM and FPREM1: without a quotient (NaNs, invalid operands, nothing computed) C2 and
 * C1 are 0, C3 and C0 stay. */
static bool partial_remainder(struct cpu *cpu, const struct uop *u, enum fp_op op)
{
	struct fpu_state *f = &cpu->s.fpu;
	uint16_t cc = FP_CC;

	if (!x87_ready(cpu))
		return false;
	if (x87_empty(f, 0) || x87_empty(f, 1))
		return x87_underflow(cpu, u, 0, 0, FP_C1 | FP_C2);
	struct fp_result r = fp_compute(op, *x87_st(f, 0), *x87_st(f, 1), f->cw);

	if ((x87_unmasked(f, r.sw) & FP_BEFORE) || fp_classify(r.v) == FP_NAN)
		cc = FP_C1 | FP_C2;
	return x87_put(cpu, u, 0, 0, &r, cc);
}

/* Both stack faults of the instructions with two results: masked, both are
 * indefinite.  Underflow ranks first. */
static bool two_results_fault(struct cpu *cpu, const struct uop *u, uint16_t cc)
{
	struct fpu_state *f = &cpu->s.fpu;
	uint16_t fault = FP_IE | FP_SF | (x87_empty(f, 0) ? 0 : FP_C1);

	if (!x87_finish(cpu, u, x87_status(f, cc, fault)))
		return false;
	if (x87_unmasked(f, FP_IE))
		return true;
	x87_set_st(f, 0, fp_indefinite());
	x87_move_top(f, 7);
	x87_set_st(f, 0, fp_indefinite());
	return true;
}

/* ST(0) := first result, push the second one. */
static bool two_results(struct cpu *cpu, const struct uop *u, enum fp_op op, uint16_t cc)
{
	struct fpu_state *f = &cpu->s.fpu;

	if (!x87_ready(cpu))
		return false;
	if (x87_empty(f, 0) || !x87_empty(f, 7))
		return two_results_fault(cpu, u, cc);
	struct fp_result r = fp_compute(op, *x87_st(f, 0), *x87_st(f, 0), f->cw);

	if (!x87_finish(cpu, u, x87_status(f, cc, r.sw & (cc | FP_EXCEPTIONS))))
		return false;
	if ((x87_unmasked(f, r.sw) & FP_BEFORE) || (r.sw & cc & FP_C2))
		return true;
	x87_set_st(f, 0, r.v);
	x87_move_top(f, 7);
	x87_set_st(f, 0, r.w);
	return true;
}

X87_EXEC(fsqrt, FORM_NONE, unary(cpu, u, FP_SQRT, FP_C1))
X87_EXEC(frndint, FORM_NONE, unary(cpu, u, FP_RNDINT, FP_C1))
X87_EXEC(f2xm1, FORM_NONE, unary(cpu, u, FP_2XM1, FP_C1))
X87_EXEC(fsin, FORM_NONE, unary(cpu, u, FP_SIN, FP_C1 | FP_C2))
X87_EXEC(fcos, FORM_NONE, unary(cpu, u, FP_COS, FP_C1 | FP_C2))
X87_EXEC(fscale, FORM_NONE, binary(cpu, u, FP_SCALE, 0, 0))
X87_EXEC(fprem, FORM_NONE, partial_remainder(cpu, u, FP_PREM))
X87_EXEC(fprem1, FORM_NONE, partial_remainder(cpu, u, FP_PREM1))
X87_EXEC(fyl2x, FORM_NONE, binary(cpu, u, FP_YL2X, 1, 1))
X87_EXEC(fyl2xp1, FORM_NONE, binary(cpu, u, FP_YL2XP1, 1, 1))
X87_EXEC(fpatan, FORM_NONE, binary(cpu, u, FP_PATAN, 1, 1))
X87_EXEC(fxtract, FORM_NONE, two_results(cpu, u, FP_XTRACT, FP_C1))
X87_EXEC(fptan, FORM_NONE, two_results(cpu, u, FP_PTAN, FP_C1 | FP_C2))
X87_EXEC(fsincos, FORM_NONE, two_results(cpu, u, FP_SINCOS, FP_C1 | FP_C2))

/* FCHS and FABS take whatever is there, NaNs and unsupported encodings too. */
static inline bool change_sign(struct cpu *cpu, const struct uop *u, uint16_t keep, uint16_t turn)
{
	struct fpu_state *f = &cpu->s.fpu;

	if (UNLIKELY(!x87_ready(cpu)))
		return false;
	if (UNLIKELY(x87_empty(f, 0)))
		return x87_underflow(cpu, u, 0, 0, FP_C1);
	if (UNLIKELY(!x87_finish(cpu, u, x87_status(f, FP_C1, 0))))
		return false;
	struct fp80 *v = x87_st(f, 0);

	v->sign_exponent = (v->sign_exponent & keep) ^ turn;
	return true;
}

X87_EXEC(fchs, FORM_NONE, change_sign(cpu, u, 0xffff, 0x8000))
X87_EXEC(fabs, FORM_NONE, change_sign(cpu, u, 0x7fff, 0))
