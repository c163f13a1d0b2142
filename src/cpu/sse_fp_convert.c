/* SSE's and F16C's conversions, and rounding to integral values. */
#include "cpu/sse_operand.h"

static uint16_t control_word(enum fp_rounding rc)
{
	return (uint16_t)(FP_EXCEPTIONS | (unsigned)rc << FP_RC_SHIFT);
}

static enum fp_rounding rounding_of(unsigned imm, const struct sse_env *e)
{
	return imm & SSE_ROUND_MXCSR ? sse_rc(e) : (enum fp_rounding)(imm & 3);
}

/* A NaN in another layout: quiet, the upper bits of the fraction kept. */
static uint64_t convert_nan(const struct fp_layout *to, const struct sse_operand *o, struct sse_env *e)
{
	if (o->snan)
		e->flags |= FP_IE;
	return sse_quiet(to,
			 fp_bits(to, fp_sign(o->v), fp_exponent_max(to), (o->v.mantissa << 1) >> (64 - to->fraction)));
}

static uint64_t convert(const struct fp_layout *from, const struct fp_layout *to, uint64_t a, struct sse_env *e)
{
	struct sse_operand o = sse_operand(from, a, e);

	if (o.class == FP_NAN)
		return convert_nan(to, &o, e);
	if (o.class == FP_INFINITY)
		return sse_infinity(to, fp_sign(o.v));
	if (o.class == FP_ZERO)
		return sse_zero(to, fp_sign(o.v));
	sse_denormal(o.denormal, e);
	return sse_finish(to, sse_wide(&o), e);
}

uint64_t sse_single_to_double(uint32_t a, struct sse_env *e)
{
	return convert(&fp_single, &fp_double, a, e);
}

uint32_t sse_double_to_single(uint64_t a, struct sse_env *e)
{
	return (uint32_t)convert(&fp_double, &fp_single, a, e);
}

/* SDM 2, "VCVTPH2PS": DAZ is ignored and a denormal operand is no exception. */
uint32_t sse_half_to_single(uint16_t a, struct sse_env *e)
{
	struct sse_env own = {.mxcsr = SSE_DEFAULT};
	uint64_t r = convert(&fp_half, &fp_single, a, &own);

	e->flags |= own.flags & FP_IE;
	return (uint32_t)r;
}

/* SDM 2, "VCVTPS2PH": FTZ is ignored. */
uint16_t sse_single_to_half(uint32_t a, unsigned imm, struct sse_env *e)
{
	uint32_t rc = (uint32_t)rounding_of(imm, e) << SSE_RC_SHIFT;
	struct sse_env own = {.mxcsr = (e->mxcsr & ~(SSE_FTZ | 3u << SSE_RC_SHIFT)) | rc};
	uint64_t r = convert(&fp_single, &fp_half, a, &own);

	e->flags |= own.flags;
	return (uint16_t)r;
}

uint64_t sse_round(const struct fp_layout *f, uint64_t a, unsigned imm, struct sse_env *e)
{
	struct sse_operand o = sse_operand(f, a, e);

	if (o.class == FP_NAN)
		return convert_nan(f, &o, e);
	if (o.class != FP_NORMAL)
		return o.bits;
	struct fp_result r = fp_soft_rndint(o.v, o.v, control_word(rounding_of(imm, e)));

	if (!(imm & SSE_ROUND_INEXACT))
		e->flags |= r.sw & FP_PE;
	if (r.v.mantissa == 0)
		return sse_zero(f, fp_sign(o.v));
	struct fp_num n = fp_unpack(r.v);

	return fp_pack(f, n.sign, n.exponent, (fp_u128)n.m << 64, FP_NEAREST).bits;
}

static uint64_t to_int(const struct fp_layout *f, uint64_t a, fp_store_fn *store, enum fp_rounding rc,
		       struct sse_env *e)
{
	struct sse_operand o = sse_operand(f, a, e);
	struct fp_stored s = store(o.v, control_word(rc));

	e->flags |= s.sw & (FP_IE | FP_PE);
	return s.lo;
}

uint32_t sse_to_i32(const struct fp_layout *f, uint64_t a, enum fp_rounding rc, struct sse_env *e)
{
	return (uint32_t)to_int(f, a, fp_soft_i32, rc, e);
}

uint64_t sse_to_i64(const struct fp_layout *f, uint64_t a, enum fp_rounding rc, struct sse_env *e)
{
	return to_int(f, a, fp_soft_i64, rc, e);
}

uint64_t sse_from_int(const struct fp_layout *f, int64_t value, struct sse_env *e)
{
	if (value == 0)
		return 0;
	return sse_finish(f, fp_widened(fp_unpack(fp_from_int(value))), e);
}
