/* SSE's addition, multiplication, division, square root and fused multiply-add. */
#include "cpu/sse_operand.h"

static bool nan_of_two(const struct fp_layout *f, const struct sse_operand *a, const struct sse_operand *b,
		       struct sse_env *e, uint64_t *r)
{
	const struct sse_operand *both[] = {a, b};

	return sse_nan(f, both, 2, e, r);
}

static bool either(const struct sse_operand *a, const struct sse_operand *b, enum fp_class class)
{
	return a->class == class || b->class == class;
}

/* The sum of two numbers; a zero is m == 0.  Opposites, and zeros of different signs, sum up to +0, or -0 when rounding
 * down. */
static uint64_t sum(const struct fp_layout *f, struct fp_wide a, struct fp_wide b, struct sse_env *e)
{
	if (a.m == 0 && b.m == 0)
		return sse_zero(f, a.sign == b.sign ? a.sign : sse_rc(e) == FP_DOWN);
	if (a.m == 0 || b.m == 0)
		return sse_finish(f, a.m == 0 ? b : a, e);
	struct fp_wide w = fp_exact_add(a, b);

	return w.m == 0 ? sse_zero(f, sse_rc(e) == FP_DOWN) : sse_finish(f, w, e);
}

static struct fp_wide wide_or_zero(const struct sse_operand *o)
{
	return o->class == FP_ZERO ? (struct fp_wide){.sign = fp_sign(o->v)} : sse_wide(o);
}

static uint64_t add_operands(const struct fp_layout *f, const struct sse_operand *a, const struct sse_operand *b,
			     struct sse_env *e)
{
	uint64_t r;

	if (nan_of_two(f, a, b, e, &r))
		return r;
	if (a->class == FP_INFINITY && b->class == FP_INFINITY && fp_sign(a->v) != fp_sign(b->v))
		return sse_invalid(f, e);
	sse_denormal(a->denormal || b->denormal, e);
	if (either(a, b, FP_INFINITY))
		return a->class == FP_INFINITY ? a->bits : b->bits;
	return sum(f, wide_or_zero(a), wide_or_zero(b), e);
}

uint64_t sse_add(const struct fp_layout *f, uint64_t a, uint64_t b, struct sse_env *e)
{
	struct sse_operand x = sse_operand(f, a, e), y = sse_operand(f, b, e);

	return add_operands(f, &x, &y, e);
}

uint64_t sse_sub(const struct fp_layout *f, uint64_t a, uint64_t b, struct sse_env *e)
{
	struct sse_operand x = sse_operand(f, a, e), y = sse_operand(f, b, e);

	if (y.class != FP_NAN) /* a NaN keeps its sign */
		y = sse_operand(f, b ^ sse_sign_bit(f), e);
	return add_operands(f, &x, &y, e);
}

uint64_t sse_mul(const struct fp_layout *f, uint64_t a, uint64_t b, struct sse_env *e)
{
	struct sse_operand x = sse_operand(f, a, e), y = sse_operand(f, b, e);
	bool sign = fp_sign(x.v) != fp_sign(y.v);
	uint64_t r;

	if (nan_of_two(f, &x, &y, e, &r))
		return r;
	if (either(&x, &y, FP_INFINITY) && either(&x, &y, FP_ZERO))
		return sse_invalid(f, e);
	sse_denormal(x.denormal || y.denormal, e);
	if (either(&x, &y, FP_INFINITY))
		return sse_infinity(f, sign);
	if (either(&x, &y, FP_ZERO))
		return sse_zero(f, sign);
	return sse_finish(f, fp_exact_mul(fp_unpack(x.v), fp_unpack(y.v)), e);
}

uint64_t sse_div(const struct fp_layout *f, uint64_t a, uint64_t b, struct sse_env *e)
{
	struct sse_operand x = sse_operand(f, a, e), y = sse_operand(f, b, e);
	bool sign = fp_sign(x.v) != fp_sign(y.v);
	uint64_t r;

	if (nan_of_two(f, &x, &y, e, &r))
		return r;
	if (x.class == y.class && x.class != FP_NORMAL) /* 0 / 0, infinity / infinity */
		return sse_invalid(f, e);
	if (y.class == FP_ZERO && x.class != FP_INFINITY) {
		e->flags |= FP_ZE;
		return sse_infinity(f, sign);
	}
	sse_denormal(x.denormal || y.denormal, e);
	if (x.class == FP_INFINITY)
		return sse_infinity(f, sign);
	if (x.class == FP_ZERO || y.class == FP_INFINITY)
		return sse_zero(f, sign);
	return sse_finish(f, fp_exact_div(fp_unpack(x.v), fp_unpack(y.v)), e);
}

uint64_t sse_sqrt(const struct fp_layout *f, uint64_t a, struct sse_env *e)
{
	struct sse_operand x = sse_operand(f, a, e);
	const struct sse_operand *one[] = {&x};
	uint64_t r;

	if (sse_nan(f, one, 1, e, &r))
		return r;
	if (x.class == FP_ZERO)
		return x.bits;
	if (fp_sign(x.v))
		return sse_invalid(f, e);
	sse_denormal(x.denormal, e);
	if (x.class == FP_INFINITY)
		return x.bits;
	return sse_finish(f, fp_exact_sqrt(fp_unpack(x.v)), e);
}

/* The NaN of the lowest place in x, y, z wins; a NaN of z alone takes precedence over infinity times zero, too (SDM 1,
 * "FMA Instruction Numeric Behavior"). */
uint64_t sse_fma(const struct fp_layout *f, uint64_t x, uint64_t y, uint64_t z, unsigned negate, struct sse_env *e)
{
	struct sse_operand a = sse_operand(f, x, e), b = sse_operand(f, y, e), c = sse_operand(f, z, e);
	const struct sse_operand *all[] = {&a, &b, &c};
	bool product_sign = (fp_sign(a.v) != fp_sign(b.v)) != !!(negate & SSE_NEGATE_PRODUCT);
	bool addend_sign = fp_sign(c.v) != !!(negate & SSE_NEGATE_ADDEND);
	uint64_t r;

	if (sse_nan(f, all, 3, e, &r))
		return r;
	if (either(&a, &b, FP_INFINITY)) {
		if (either(&a, &b, FP_ZERO) || (c.class == FP_INFINITY && product_sign != addend_sign))
			return sse_invalid(f, e);
	}
	sse_denormal(a.denormal || b.denormal || c.denormal, e);
	if (either(&a, &b, FP_INFINITY))
		return sse_infinity(f, product_sign);
	if (c.class == FP_INFINITY)
		return sse_infinity(f, addend_sign);

	struct fp_wide product = {0}, addend = wide_or_zero(&c);

	if (!either(&a, &b, FP_ZERO))
		product = fp_exact_mul(fp_unpack(a.v), fp_unpack(b.v));
	product.sign = product_sign;
	addend.sign = addend_sign;
	return sum(f, product, addend, e);
}
