/* Operands, NaNs and rounding of SSE's arithmetic. */
#include "cpu/sse_operand.h"

bool sse_settle(struct sse_env *e)
{
	uint32_t unmasked = sse_unmasked(e);

	if (unmasked & FP_BEFORE)
		e->flags &= FP_BEFORE;
	return unmasked == 0;
}

struct sse_operand sse_operand(const struct fp_layout *f, uint64_t bits, const struct sse_env *e)
{
	struct sse_operand o = {.bits = bits};

	o.v = fp_widen(f, bits, &o.denormal);
	if (o.denormal && (e->mxcsr & SSE_DAZ)) {
		o.bits &= sse_sign_bit(f);
		o.v = fp_zero(fp_sign(o.v));
		o.denormal = false;
	}
	o.class = fp_classify(o.v);
	o.snan = fp_is_snan(o.v);
	return o;
}

bool sse_nan(const struct fp_layout *f, const struct sse_operand *const *operands, unsigned n, struct sse_env *e,
	     uint64_t *r)
{
	bool found = false;

	for (unsigned i = 0; i < n; i++) {
		if (operands[i]->class != FP_NAN)
			continue;
		if (!found)
			*r = sse_quiet(f, operands[i]->bits);
		if (operands[i]->snan)
			e->flags |= FP_IE;
		found = true;
	}
	return found;
}

uint64_t sse_finish(const struct fp_layout *f, struct fp_wide w, struct sse_env *e)
{
	struct fp_packed p = fp_pack(f, w.sign, w.exponent, w.m, sse_rc(e));
	uint32_t masks = e->mxcsr >> SSE_MASK_SHIFT;

	/* Unmasked, overflow and underflow need no loss of accuracy, which is reported as if there were no bounds. */
	if (p.huge && !(masks & FP_OE)) {
		e->flags |= FP_OE | (p.inexact_wide ? FP_PE : 0);
		return 0;
	}
	if (p.tiny && !(masks & FP_UE)) {
		e->flags |= FP_UE | (p.inexact_wide ? FP_PE : 0);
		return 0;
	}
	if (p.tiny && (e->mxcsr & SSE_FTZ)) { /* SDM 1, "Flush-To-Zero": exact or not */
		e->flags |= FP_UE | FP_PE;
		return sse_zero(f, w.sign);
	}
	e->flags |= (p.huge ? FP_OE : 0) | (p.inexact ? FP_PE : 0) | (p.tiny && p.inexact ? FP_UE : 0);
	return p.bits;
}
