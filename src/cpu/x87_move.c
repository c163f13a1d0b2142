/* x87 loads, stores and moves on the stack.  SDM 2, the instructions' pages;
 * SDM 1, "Data Transfer Instructions". */
#include "cpu/x87.h"

/* ---- loads ---- */

static inline bool load(struct cpu *cpu, const struct uop *u, enum x87_type type)
{
	struct x87_operand o;
	uint16_t flags = 0;

	if (UNLIKELY(!x87_ready(cpu) || !x87_read(cpu, u, type, &o)))
		return false;
	if (UNLIKELY(o.denormal)) {
		flags = FP_DE;
	} else if (UNLIKELY(fp_is_snan(o.v))) {
		flags = FP_IE;
		o.v.mantissa |= FP_QUIET_BIT;
	}
	if (UNLIKELY(!x87_push(cpu, u, o.v, flags)))
		return false;
	x87_note_operand(cpu, u, o.ea);
	return true;
}

/* Ten bytes: as eight and two.  False: cpu->fault. */
static bool read10(struct cpu *cpu, const struct uop *u, uint64_t ea, uint64_t *lo, uint16_t *hi)
{
	struct rd low = seg_read(&cpu->mmu, (enum seg)u->seg, ea, 8);

	if (!low.ok)
		return false;
	struct rd high = seg_read(&cpu->mmu, (enum seg)u->seg, ea + 8, 2);

	if (!high.ok)
		return false;
	*lo = low.v;
	*hi = (uint16_t)high.v;
	return true;
}

/* FLD m80 copies: no exception but the stack's.  FBLD converts exactly. */
static bool load10(struct cpu *cpu, const struct uop *u, bool bcd)
{
	uint64_t ea = uop_ea(cpu, u), lo;
	uint16_t hi;

	if (!x87_ready(cpu) || !read10(cpu, u, ea, &lo, &hi))
		return false;
	if (!x87_push(cpu, u, bcd ? fp_from_bcd(lo, hi) : (struct fp80){lo, hi}, 0))
		return false;
	x87_note_operand(cpu, u, ea);
	return true;
}

/* The empty source ranks before the full destination. */
static bool load_st(struct cpu *cpu, const struct uop *u)
{
	struct fpu_state *f = &cpu->s.fpu;

	if (UNLIKELY(!x87_ready(cpu)))
		return false;
	if (LIKELY(!x87_empty(f, u->dst)))
		return x87_push(cpu, u, *x87_st(f, u->dst), 0);
	if (!x87_finish(cpu, u, x87_status(f, FP_C1, FP_IE | FP_SF)))
		return false;
	if (x87_unmasked(f, FP_IE))
		return true;
	x87_move_top(f, 7);
	x87_set_st(f, 0, fp_indefinite());
	return true;
}

static bool load_constant(struct cpu *cpu, const struct uop *u, enum fp_constant which)
{
	return x87_ready(cpu) && x87_push(cpu, u, fp_constant(which, cpu->s.fpu.cw), 0);
}

X87_EXEC(fld_m32, FORM_M, load(cpu, u, X87_F32))
X87_EXEC(fld_m64, FORM_M, load(cpu, u, X87_F64))
X87_EXEC(fild_m16, FORM_M, load(cpu, u, X87_I16))
X87_EXEC(fild_m32, FORM_M, load(cpu, u, X87_I32))
X87_EXEC(fild_m64, FORM_M, load(cpu, u, X87_I64))
X87_EXEC(fld_m80, FORM_M, load10(cpu, u, false))
X87_EXEC(fbld, FORM_M, load10(cpu, u, true))
X87_EXEC(fld, FORM_R, load_st(cpu, u))
X87_EXEC(fld1, FORM_NONE, load_constant(cpu, u, FP_CONST_1))
X87_EXEC(fldl2t, FORM_NONE, load_constant(cpu, u, FP_CONST_L2T))
X87_EXEC(fldl2e, FORM_NONE, load_constant(cpu, u, FP_CONST_L2E))
X87_EXEC(fldpi, FORM_NONE, load_constant(cpu, u, FP_CONST_PI))
X87_EXEC(fldlg2, FORM_NONE, load_constant(cpu, u, FP_CONST_LG2))
X87_EXEC(fldln2, FORM_NONE, load_constant(cpu, u, FP_CONST_LN2))
X87_EXEC(fldz, FORM_NONE, load_constant(cpu, u, FP_CONST_0))

/* ---- stores ---- */

/* Ten bytes or none. */
static bool write10(struct cpu *cpu, const struct uop *u, uint64_t ea, uint64_t lo, uint16_t hi)
{
	enum seg seg = (enum seg)u->seg;

	return seg_probe_write(&cpu->mmu, seg, ea, 10) && seg_write(&cpu->mmu, seg, ea, 8, lo) &&
	       seg_write(&cpu->mmu, seg, ea + 8, 2, hi);
}

static const struct {
	uint8_t bytes;
	struct fp_stored indefinite; /* what an empty register stores */
} formats[FP_FORMATS] = {
	[FP_F32] = {4, {0xffc00000u, 0, FP_IE | FP_SF}},
	[FP_F64] = {8, {UINT64_C(0xfff8000000000000), 0, FP_IE | FP_SF}},
	[FP_I16] = {2, {0x8000u, 0, FP_IE | FP_SF}},
	[FP_I32] = {4, {0x80000000u, 0, FP_IE | FP_SF}},
	[FP_I64] = {8, {UINT64_C(0x8000000000000000), 0, FP_IE | FP_SF}},
	[FP_BCD] = {10, {UINT64_C(0xc000000000000000), 0xffff, FP_IE | FP_SF}},
};

/* Of the exceptions only precision lets the store happen unmasked (SDM 1,
 * "Numeric Overflow Exception (#O)", "Numeric Underflow Exception (#U)").  Where it does not,
 * memory stays as it was, but the operand's address is checked all the same: its faults come first. */
#define NO_STORE (FP_EXCEPTIONS & ~FP_PE)

static inline bool store_bytes(struct cpu *cpu, const struct uop *u, uint64_t ea, unsigned bytes,
			       const struct fp_stored *s)
{
	if (bytes == 10)
		return write10(cpu, u, ea, s->lo, s->hi);
	return seg_write(&cpu->mmu, (enum seg)u->seg, ea, bytes, s->lo);
}

/* The same checks (ten bytes are aligned as eight: SDM 3, "Alignment Requirements by Data Type"). */
static bool may_store(struct cpu *cpu, const struct uop *u, uint64_t ea, unsigned bytes)
{
	return seg_probe_write(&cpu->mmu, (enum seg)u->seg, ea, bytes) &&
	       (bytes != 10 || seg_probe_write(&cpu->mmu, (enum seg)u->seg, ea, 8));
}

static inline bool store_value(struct cpu *cpu, const struct uop *u, const struct fp_stored *s, unsigned bytes,
			       unsigned pops)
{
	struct fpu_state *f = &cpu->s.fpu;
	uint64_t ea = uop_ea(cpu, u);
	uint16_t sw = x87_status(f, FP_C1, s->sw & (FP_EXCEPTIONS | FP_SF | FP_C1));
	bool stores = LIKELY(!(x87_unmasked(f, s->sw) & NO_STORE));

	if (UNLIKELY(!x87_may_commit(cpu, sw)))
		return false;
	if (UNLIKELY(stores ? !store_bytes(cpu, u, ea, bytes, s) : !may_store(cpu, u, ea, bytes)))
		return false;
	x87_commit(cpu, sw);
	x87_note(cpu, u);
	x87_note_operand(cpu, u, ea);
	if (LIKELY(stores))
		x87_pop(f, pops);
	return true;
}

/* By the control word, with the bits of rc set in it. */
static inline bool store_by(struct cpu *cpu, const struct uop *u, enum fp_format format, unsigned pops, uint16_t rc)
{
	struct fpu_state *f = &cpu->s.fpu;
	struct fp_stored s = formats[format].indefinite;

	if (UNLIKELY(!x87_ready(cpu)))
		return false;
	if (LIKELY(!x87_empty(f, 0)))
		s = fp_store(format, *x87_st(f, 0), f->cw | rc);
	return store_value(cpu, u, &s, formats[format].bytes, pops);
}
static inline bool store(struct cpu *cpu, const struct uop *u, enum fp_format format, unsigned pops)
{
	return store_by(cpu, u, format, pops, 0);
}
/* FISTTP truncates. */
static inline bool store_truncated(struct cpu *cpu, const struct uop *u, enum fp_format format)
{
	return store_by(cpu, u, format, 1, FP_TRUNCATE << FP_RC_SHIFT);
}

static bool store_extended(struct cpu *cpu, const struct uop *u)
{
	struct fpu_state *f = &cpu->s.fpu;
	struct fp_stored s = formats[FP_BCD].indefinite; /* the same bytes */

	if (!x87_ready(cpu))
		return false;
	if (!x87_empty(f, 0))
		s = (struct fp_stored){x87_st(f, 0)->mantissa, x87_st(f, 0)->sign_exponent, 0};
	return store_value(cpu, u, &s, 10, 1);
}

X87_EXEC(fst_m32, FORM_M, store(cpu, u, FP_F32, 0))
X87_EXEC(fst_m64, FORM_M, store(cpu, u, FP_F64, 0))
X87_EXEC(fstp_m32, FORM_M, store(cpu, u, FP_F32, 1))
X87_EXEC(fstp_m64, FORM_M, store(cpu, u, FP_F64, 1))
X87_EXEC(fstp_m80, FORM_M, store_extended(cpu, u))
X87_EXEC(fist_m16, FORM_M, store(cpu, u, FP_I16, 0))
X87_EXEC(fist_m32, FORM_M, store(cpu, u, FP_I32, 0))
X87_EXEC(fistp_m16, FORM_M, store(cpu, u, FP_I16, 1))
X87_EXEC(fistp_m32, FORM_M, store(cpu, u, FP_I32, 1))
X87_EXEC(fistp_m64, FORM_M, store(cpu, u, FP_I64, 1))
X87_EXEC(fisttp_m16, FORM_M, store_truncated(cpu, u, FP_I16))
X87_EXEC(fisttp_m32, FORM_M, store_truncated(cpu, u, FP_I32))
X87_EXEC(fisttp_m64, FORM_M, store_truncated(cpu, u, FP_I64))
X87_EXEC(fbstp, FORM_M, store(cpu, u, FP_BCD, 1))

/* ---- between registers ---- */

/* A copy to ST(i): the destination may be empty. */
static inline bool store_st(struct cpu *cpu, const struct uop *u, unsigned pops)
{
	struct fpu_state *f = &cpu->s.fpu;

	if (UNLIKELY(!x87_ready(cpu)))
		return false;
	if (UNLIKELY(x87_empty(f, 0)))
		return x87_underflow(cpu, u, u->dst, pops, FP_C1);
	struct fp_result r = {.v = *x87_st(f, 0)};

	return x87_put(cpu, u, u->dst, pops, &r, FP_C1);
}

/* FSTPNCE: as FSTP ST(i), but with an empty ST(0) it only pops, and that is no fault.
 * In no manual; what processors do. */
static bool store_no_check(struct cpu *cpu, const struct uop *u)
{
	struct fpu_state *f = &cpu->s.fpu;

	if (!x87_ready(cpu))
		return false;
	bool empty = x87_empty(f, 0);
	struct fp80 v = *x87_st(f, 0);

	if (!x87_finish(cpu, u, x87_status(f, FP_C1, 0)))
		return false;
	if (!empty)
		x87_set_st(f, u->dst, v);
	x87_pop(f, 1);
	return true;
}

static bool exchange(struct cpu *cpu, const struct uop *u)
{
	struct fpu_state *f = &cpu->s.fpu;
	bool fault = x87_empty(f, 0) || x87_empty(f, u->dst);

	if (UNLIKELY(!x87_ready(cpu)))
		return false;
	if (UNLIKELY(!x87_finish(cpu, u, x87_status(f, FP_C1, fault ? FP_IE | FP_SF : 0))))
		return false;
	if (UNLIKELY(fault && x87_unmasked(f, FP_IE)))
		return true;
	struct fp80 a = x87_empty(f, 0) ? fp_indefinite() : *x87_st(f, 0);
	struct fp80 b = x87_empty(f, u->dst) ? fp_indefinite() : *x87_st(f, u->dst);

	x87_set_st(f, u->dst, a);
	x87_set_st(f, 0, b);
	return true;
}

X87_EXEC(fst, FORM_R, store_st(cpu, u, 0))
X87_EXEC(fstp, FORM_R, store_st(cpu, u, 1))
X87_EXEC(fstpnce, FORM_R, store_no_check(cpu, u))
X87_EXEC(fxch, FORM_R, exchange(cpu, u))

/* Both registers must be full whatever the condition is.  C1 changes with a stack underflow
 * only. */
static inline bool move_if(struct cpu *cpu, const struct uop *u, bool condition)
{
	struct fpu_state *f = &cpu->s.fpu;

	if (UNLIKELY(!x87_ready(cpu)))
		return false;
	if (UNLIKELY(x87_empty(f, 0) || x87_empty(f, u->src)))
		return x87_underflow(cpu, u, 0, 0, FP_C1);
	if (UNLIKELY(!x87_finish(cpu, u, f->sw)))
		return false;
	if (condition)
		*x87_st(f, 0) = *x87_st(f, u->src);
	return true;
}

X87_EXEC(fcmovb, FORM_RR, move_if(cpu, u, cond_b(&cpu->f)))
X87_EXEC(fcmove, FORM_RR, move_if(cpu, u, cond_e(&cpu->f)))
X87_EXEC(fcmovbe, FORM_RR, move_if(cpu, u, cond_be(&cpu->f)))
X87_EXEC(fcmovu, FORM_RR, move_if(cpu, u, cond_p(&cpu->f)))
X87_EXEC(fcmovnb, FORM_RR, move_if(cpu, u, cond_ae(&cpu->f)))
X87_EXEC(fcmovne, FORM_RR, move_if(cpu, u, cond_ne(&cpu->f)))
X87_EXEC(fcmovnbe, FORM_RR, move_if(cpu, u, cond_a(&cpu->f)))
X87_EXEC(fcmovnu, FORM_RR, move_if(cpu, u, cond_np(&cpu->f)))

/* ---- the stack itself ---- */

/* TOP moves, no tag changes: this is neither push nor pop. */
static inline bool turn(struct cpu *cpu, const struct uop *u, unsigned by)
{
	if (!x87_ready(cpu) || !x87_finish(cpu, u, x87_status(&cpu->s.fpu, FP_C1, 0)))
		return false;
	x87_move_top(&cpu->s.fpu, by);
	return true;
}

/* FFREEP (in no manual; what processors do) pops besides. */
static inline bool release(struct cpu *cpu, const struct uop *u, unsigned pops)
{
	if (!x87_ready(cpu) || !x87_finish(cpu, u, x87_status(&cpu->s.fpu, FP_C1, 0)))
		return false;
	x87_set_empty(&cpu->s.fpu, u->dst);
	x87_pop(&cpu->s.fpu, pops);
	return true;
}

X87_EXEC(fincstp, FORM_NONE, turn(cpu, u, 1))
X87_EXEC(fdecstp, FORM_NONE, turn(cpu, u, 7))
X87_EXEC(ffree, FORM_R, release(cpu, u, 0))
X87_EXEC(ffreep, FORM_R, release(cpu, u, 1))
X87_EXEC(fnop, FORM_NONE, x87_ready(cpu) && x87_finish(cpu, u, cpu->s.fpu.sw))
