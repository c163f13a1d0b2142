/* The portable backend: arithmetic with integers. */
#include "arch/fault.h"
#include "cpu/fp_exact.h"

static bool is(struct fp80 v, enum fp_class class)
{
	return fp_classify(v) == class;
}

static struct fp_result exact(struct fp80 v, uint16_t flags)
{
	return (struct fp_result){.v = v, .sw = flags};
}

static struct fp_result with(struct fp_result r, uint16_t flags)
{
	r.sw |= flags;
	return r;
}

/* v rounded to the precision in force. */
static struct fp_result rounded(struct fp80 v, unsigned bits, uint16_t cw)
{
	struct fp_num n = fp_unpack(v);

	return fp_round(n.sign, n.exponent, (fp_u128)n.m << 64, bits, cw);
}

/* ---- addition ---- */

static struct fp_result round_wide(struct fp_wide w, uint16_t cw)
{
	return fp_round(w.sign, w.exponent, w.m, fp_precision(cw), cw);
}

static struct fp_result add_numbers(struct fp_num a, struct fp_num b, uint16_t cw)
{
	struct fp_wide sum = fp_exact_add(fp_widened(a), fp_widened(b));

	if (sum.m == 0) /* SDM 2A "FADD": the sum of opposites is +0, -0 when rounding down */
		return exact(fp_zero(fp_rc(cw) == FP_DOWN), 0);
	return round_wide(sum, cw);
}

/* Operands among which something is special. */
static struct fp_result add_special(struct fp80 a, struct fp80 b, uint16_t cw)
{
	struct fp_result r;
	uint16_t de;

	if (fp_special(a, b, &r))
		return r;
	if (is(a, FP_INFINITY) && is(b, FP_INFINITY) && fp_sign(a) != fp_sign(b))
		return fp_invalid();
	if (fp_denormal(a, b, cw, &r, &de))
		return r;
	if (is(a, FP_INFINITY) || is(b, FP_INFINITY))
		return exact(is(a, FP_INFINITY) ? a : b, de);
	if (is(a, FP_ZERO) && is(b, FP_ZERO))
		return exact(fp_zero(fp_sign(a) == fp_sign(b) ? fp_sign(a) : fp_rc(cw) == FP_DOWN), 0);
	if (is(a, FP_ZERO) || is(b, FP_ZERO))
		return with(rounded(is(a, FP_ZERO) ? b : a, fp_precision(cw), cw), de);
	return with(add_numbers(fp_unpack(a), fp_unpack(b), cw), de);
}

struct fp_result fp_soft_add(struct fp80 a, struct fp80 b, uint16_t cw)
{
	if (LIKELY(fp_plain(a) && fp_plain(b)))
		return add_numbers(fp_unpack(a), fp_unpack(b), cw);
	return add_special(a, b, cw);
}

struct fp_result fp_soft_sub(struct fp80 a, struct fp80 b, uint16_t cw)
{
	if (fp_classify(b) != FP_NAN) /* a NaN keeps its sign */
		b.sign_exponent ^= 0x8000;
	return fp_soft_add(a, b, cw);
}

/* ---- multiplication, division, root ---- */

static struct fp_result mul_numbers(struct fp_num x, struct fp_num y, uint16_t cw)
{
	return round_wide(fp_exact_mul(x, y), cw);
}

static struct fp_result mul_special(struct fp80 a, struct fp80 b, uint16_t cw)
{
	bool sign = fp_sign(a) != fp_sign(b);
	struct fp_result r;
	uint16_t de;

	if (fp_special(a, b, &r))
		return r;
	if ((is(a, FP_INFINITY) && is(b, FP_ZERO)) || (is(a, FP_ZERO) && is(b, FP_INFINITY)))
		return fp_invalid();
	if (fp_denormal(a, b, cw, &r, &de))
		return r;
	if (is(a, FP_INFINITY) || is(b, FP_INFINITY))
		return exact(fp_infinity(sign), de);
	if (is(a, FP_ZERO) || is(b, FP_ZERO))
		return exact(fp_zero(sign), de);
	return with(mul_numbers(fp_unpack(a), fp_unpack(b), cw), de);
}

struct fp_result fp_soft_mul(struct fp80 a, struct fp80 b, uint16_t cw)
{
	if (LIKELY(fp_plain(a) && fp_plain(b)))
		return mul_numbers(fp_unpack(a), fp_unpack(b), cw);
	return mul_special(a, b, cw);
}

static struct fp_result div_numbers(struct fp_num x, struct fp_num y, uint16_t cw)
{
	return round_wide(fp_exact_div(x, y), cw);
}

static struct fp_result div_special(struct fp80 a, struct fp80 b, uint16_t cw)
{
	bool sign = fp_sign(a) != fp_sign(b);
	struct fp_result r;
	uint16_t de;

	if (fp_special(a, b, &r))
		return r;
	if ((is(a, FP_INFINITY) && is(b, FP_INFINITY)) || (is(a, FP_ZERO) && is(b, FP_ZERO)))
		return fp_invalid();
	if (is(b, FP_ZERO) && !is(a, FP_INFINITY))
		return exact(fp_infinity(sign), FP_ZE);
	if (fp_denormal(a, b, cw, &r, &de))
		return r;
	if (is(a, FP_INFINITY))
		return exact(fp_infinity(sign), de);
	if (is(a, FP_ZERO) || is(b, FP_INFINITY))
		return exact(fp_zero(sign), de);
	return with(div_numbers(fp_unpack(a), fp_unpack(b), cw), de);
}

struct fp_result fp_soft_div(struct fp80 a, struct fp80 b, uint16_t cw)
{
	if (LIKELY(fp_plain(a) && fp_plain(b)))
		return div_numbers(fp_unpack(a), fp_unpack(b), cw);
	return div_special(a, b, cw);
}

/* The upper half of s bit by bit, the rest by one step of Newton's, which leaves an error of a few units. */
uint64_t fp_root(fp_u128 n)
{
	uint64_t high = (uint64_t)(n >> 64), s = 0;

	for (int bit = 31; bit >= 0; bit--) {
		uint64_t t = s | UINT64_C(1) << bit;

		if (t * t <= high)
			s = t;
	}
	fp_u128 guess = ((fp_u128)s << 32) | UINT32_MAX; /* not below the root */

	guess = (guess + n / guess) >> 1;
	while (guess * guess > n || guess >> 64)
		guess--;
	while (guess < UINT64_MAX && (guess + 1) * (guess + 1) <= n)
		guess++;
	return (uint64_t)guess;
}

struct fp_result fp_soft_sqrt(struct fp80 a, struct fp80 b, uint16_t cw)
{
	struct fp_result r;
	uint16_t de;

	if (fp_special(a, a, &r))
		return r;
	if (is(a, FP_ZERO))
		return exact(a, 0);
	if (fp_sign(a))
		return fp_invalid();
	if (fp_denormal(a, a, cw, &r, &de))
		return r;
	if (is(a, FP_INFINITY))
		return exact(a, 0);
	return with(round_wide(fp_exact_sqrt(fp_unpack(a)), cw), de);
}

/* ---- integers and exponents ---- */

struct fp_result fp_soft_rndint(struct fp80 a, struct fp80 b, uint16_t cw)
{
	struct fp_result r;
	uint64_t magnitude;
	uint16_t de, flags;

	if (fp_special(a, a, &r))
		return r;
	if (fp_denormal(a, a, cw, &r, &de))
		return r;
	if (is(a, FP_INFINITY) || is(a, FP_ZERO))
		return exact(a, 0);
	struct fp_num n = fp_unpack(a);

	if (n.exponent >= FP_EXP_BIAS + 63)
		return exact(a, 0);
	bool fits = fp_to_integer(&n, fp_rc(cw), &magnitude, &flags);

	if (!fits) /* all ones rounded up: 2^64 */
		return exact((struct fp80){FP_INTEGER_BIT, (uint16_t)((n.sign ? 0x8000 : 0) | (FP_EXP_BIAS + 64))},
			     flags);
	if (magnitude == 0)
		return exact(fp_zero(n.sign), de | flags);
	int shift = __builtin_clzll(magnitude);

	return exact((struct fp80){magnitude << shift, (uint16_t)((n.sign ? 0x8000 : 0) | (FP_EXP_BIAS + 63 - shift))},
		     de | flags);
}

/* b truncated, kept where it still tells overflow from underflow. */
static int32_t scale_by(struct fp80 b)
{
	struct fp_num n = fp_unpack(b);
	int32_t limit = 1 << 17;
	uint64_t magnitude;
	uint16_t flags;

	if (!fp_to_integer(&n, FP_TRUNCATE, &magnitude, &flags) || magnitude > (uint64_t)limit)
		magnitude = (uint64_t)limit;
	return n.sign ? -(int32_t)magnitude : (int32_t)magnitude;
}

struct fp_result fp_soft_scale(struct fp80 a, struct fp80 b, uint16_t cw)
{
	struct fp_result r;
	uint16_t de;

	if (fp_special(a, b, &r))
		return r;
	if (is(b, FP_INFINITY) && ((is(a, FP_ZERO) && !fp_sign(b)) || (is(a, FP_INFINITY) && fp_sign(b))))
		return fp_invalid();
	if (fp_denormal(a, b, cw, &r, &de))
		return r;
	if (is(a, FP_INFINITY) || is(a, FP_ZERO))
		return exact(a, de);
	if (is(b, FP_INFINITY))
		return exact(fp_sign(b) ? fp_zero(fp_sign(a)) : fp_infinity(fp_sign(a)), de);
	struct fp_num n = fp_unpack(a);

	return with(fp_round(n.sign, n.exponent + (is(b, FP_ZERO) ? 0 : scale_by(b)), (fp_u128)n.m << 64, 64, cw), de);
}

struct fp_result fp_soft_xtract(struct fp80 a, struct fp80 b, uint16_t cw)
{
	struct fp_result r;
	uint16_t de;

	if (fp_special(a, a, &r))
		return r;
	if (is(a, FP_ZERO))
		return (struct fp_result){.v = fp_infinity(true), .w = a, .sw = FP_ZE};
	if (fp_denormal(a, a, cw, &r, &de))
		return r;
	if (is(a, FP_INFINITY))
		return (struct fp_result){.v = fp_infinity(false), .w = a};
	struct fp_num n = fp_unpack(a);

	r.v = fp_from_int(n.exponent - FP_EXP_BIAS);
	r.w = (struct fp80){n.m, (uint16_t)((n.sign ? 0x8000 : 0) | FP_EXP_BIAS)};
	r.sw = de;
	return r;
}

/* ---- remainder ---- */

/* q and r of m_a * 2^steps / m_b; only the low bits of q matter. */
static uint64_t divide(uint64_t m_a, uint64_t m_b, unsigned steps, uint64_t *q)
{
	uint64_t r = m_a;

	*q = 0;
	if (r >= m_b) {
		r -= m_b;
		*q = 1;
	}
	for (unsigned i = 0; i < steps; i++) {
		bool carry = r >> 63;

		r <<= 1;
		*q <<= 1;
		if (carry || r >= m_b) {
			r -= m_b;
			*q |= 1;
		}
	}
	return r;
}

static uint16_t quotient_bits(uint64_t q)
{
	return ((q & 4) ? FP_C0 : 0) | ((q & 2) ? FP_C3 : 0) | ((q & 1) ? FP_C1 : 0);
}

/* r / 2^63 * 2^(exponent - bias) */
static struct fp_result remainder_of(bool sign, int32_t exponent, uint64_t r, uint16_t flags, uint16_t cw)
{
	if (r == 0)
		return exact(fp_zero(sign), flags);
	int shift = __builtin_clzll(r);

	return with(fp_round(sign, exponent - shift, (fp_u128)r << (64 + shift), 64, cw), flags);
}

/* SDM 2A, "FPREM" and "FPREM1", Operation.  A reduction by 2^64 or more is done in
 * parts: the exponent shrinks by 32 to 63 (the SDM leaves the number open). */
static struct fp_result partial_remainder(struct fp80 a, struct fp80 b, bool nearest, uint16_t cw)
{
	struct fp_result r;
	uint16_t de;
	uint64_t q, rest;

	if (fp_special(a, b, &r))
		return r;
	if (is(a, FP_INFINITY) || is(b, FP_ZERO))
		return fp_invalid();
	if (fp_denormal(a, b, cw, &r, &de))
		return r;
	if (is(a, FP_ZERO))
		return exact(a, de);
	if (is(b, FP_INFINITY))
		return with(rounded(a, 64, cw), de);

	struct fp_num x = fp_unpack(a), y = fp_unpack(b);
	int32_t distance = x.exponent - y.exponent;

	if (distance >= 64) {
		unsigned part = 32 + (unsigned)distance % 32;

		rest = divide(x.m, y.m, part, &q);
		return remainder_of(x.sign, y.exponent + distance - (int32_t)part, rest, de | FP_C2, cw);
	}
	if (distance < -1 || (distance < 0 && !nearest))
		return with(rounded(a, 64, cw), de);
	if (distance == -1) {   /* FPREM1: between a quarter and one b */
		if (x.m <= y.m) /* a / b <= 1/2, the quotient is 0 */
			return with(rounded(a, 64, cw), de);
		/* b - a, in units of half of b's */
		fp_u128 left = ((fp_u128)y.m << 1) - x.m;

		return remainder_of(!x.sign, x.exponent, (uint64_t)left, de | quotient_bits(1), cw);
	}
	rest = divide(x.m, y.m, (unsigned)distance, &q);
	if (nearest && ((fp_u128)rest * 2 > y.m || ((fp_u128)rest * 2 == y.m && (q & 1)))) {
		rest = y.m - rest;
		q++;
		return remainder_of(!x.sign, y.exponent, rest, de | quotient_bits(q), cw);
	}
	return remainder_of(x.sign, y.exponent, rest, de | quotient_bits(q), cw);
}

struct fp_result fp_soft_prem(struct fp80 a, struct fp80 b, uint16_t cw)
{
	return partial_remainder(a, b, false, cw);
}

struct fp_result fp_soft_prem1(struct fp80 a, struct fp80 b, uint16_t cw)
{
	return partial_remainder(a, b, true, cw);
}
