/* Operands and results inside sse_fp*.c. */
#ifndef TRAPGATE_CPU_SSE_OPERAND_H
#define TRAPGATE_CPU_SSE_OPERAND_H

#include "cpu/fp_exact.h"
#include "cpu/sse_fp.h"

struct sse_operand {
	uint64_t bits;       /* with DAZ applied */
	struct fp80 v;       /* the value; denormals are normal numbers here */
	enum fp_class class; /* FP_NAN, FP_NORMAL, FP_INFINITY or FP_ZERO */
	bool denormal, snan;
};

struct sse_operand sse_operand(const struct fp_layout *f, uint64_t bits, const struct sse_env *e);

static inline uint64_t sse_sign_bit(const struct fp_layout *f)
{
	return UINT64_C(1) << (f->fraction + f->exponent_bits);
}
static inline uint64_t sse_infinity(const struct fp_layout *f, bool sign)
{
	return fp_bits(f, sign, fp_exponent_max(f), 0);
}
static inline uint64_t sse_zero(const struct fp_layout *f, bool sign)
{
	return fp_bits(f, sign, 0, 0);
}
static inline uint64_t sse_quiet(const struct fp_layout *f, uint64_t bits)
{
	return bits | UINT64_C(1) << (f->fraction - 1);
}
static inline uint64_t sse_invalid(const struct fp_layout *f, struct sse_env *e)
{
	e->flags |= FP_IE;
	return sse_quiet(f, sse_infinity(f, true)); /* the QNaN floating-point indefinite */
}

/* What must be settled first: a NaN among the operands.  True: *r is the result, the first of the NaNs (SDM 1, "Rules
 * for Handling NaNs", SSE). */
bool sse_nan(const struct fp_layout *f, const struct sse_operand *const *operands, unsigned n, struct sse_env *e,
	     uint64_t *r);

static inline void sse_denormal(bool denormal, struct sse_env *e)
{
	if (denormal)
		e->flags |= FP_DE;
}

/* The number w, not zero, rounded to f; overflow, underflow, precision and flushing to zero. */
uint64_t sse_finish(const struct fp_layout *f, struct fp_wide w, struct sse_env *e);

static inline struct fp_wide sse_wide(const struct sse_operand *o)
{
	return fp_widened(fp_unpack(o->v));
}

#endif
