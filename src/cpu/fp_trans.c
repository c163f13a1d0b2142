/* The portable backend: transcendental functions with MPFR, rounded once from 256
 * bits.  Sources: SDM 2A, the tables at F2XM1, FYL2X, FYL2XP1, FPATAN, FPTAN,
 * FSIN, FCOS, FSINCOS; SDM 1, "Approximation of Pi". */
#include "cpu/fp_round.h"

#if TRAPGATE_FP_MPFR

#define MPFR_USE_INTMAX_T
#include <mpfr.h>

#define WORK_BITS 256

static bool is(struct fp80 v, enum fp_class class)
{
	return fp_classify(v) == class;
}

static struct fp_result exact(struct fp80 v, uint16_t flags)
{
	return (struct fp_result){.v = v, .w = v, .sw = flags};
}

static struct fp80 fp_one(void)
{
	return (struct fp80){FP_INTEGER_BIT, FP_EXP_BIAS};
}

static void load(mpfr_t to, struct fp80 v)
{
	mpfr_init2(to, WORK_BITS);
	if (is(v, FP_ZERO)) {
		mpfr_set_zero(to, fp_sign(v) ? -1 : 1);
		return;
	}
	if (is(v, FP_INFINITY)) {
		mpfr_set_inf(to, fp_sign(v) ? -1 : 1);
		return;
	}
	struct fp_num n = fp_unpack(v);

	mpfr_set_uj_2exp(to, n.m, n.exponent - FP_EXP_BIAS - 63, MPFR_RNDN);
	if (n.sign)
		mpfr_neg(to, to, MPFR_RNDN);
}

/* Rounds x, which was rounded towards zero if `inexact`, and frees it.  The processor
 * takes such results for inexact whatever they are, a zero aside (SDM 1,
 * "Inexact-Result (Precision) Exception (#P)"), so PE is set, and UE for a tiny one. */
static struct fp_result finish(mpfr_t x, bool inexact, uint16_t flags, uint16_t cw)
{
	struct fp_result r;
	bool sign = mpfr_signbit(x);

	if (mpfr_zero_p(x)) {
		r = exact(fp_zero(sign), 0);
	} else {
		mpfr_exp_t exponent = mpfr_get_exp(x); /* 0.5 <= |x| / 2^exponent < 1 */

		mpfr_abs(x, x, MPFR_RNDN);
		mpfr_mul_2si(x, x, 64 - exponent, MPFR_RNDN);
		uint64_t high = mpfr_get_uj(x, MPFR_RNDZ);

		mpfr_frac(x, x, MPFR_RNDN);
		mpfr_mul_2ui(x, x, 64, MPFR_RNDN);
		uint64_t low = mpfr_get_uj(x, MPFR_RNDZ) | inexact;

		if (exponent < -40000)
			exponent = -40000;
		r = fp_round(sign, (int32_t)exponent - 1 + FP_EXP_BIAS, ((fp_u128)high << 64) | low, 64, cw);
		r.sw |= FP_PE;
		if (is(r.v, FP_DENORMAL) || is(r.v, FP_ZERO))
			r.sw |= FP_UE;
	}
	mpfr_clear(x);
	r.sw |= flags;
	return r;
}

/* ---- 2^x - 1 ---- */

static struct fp80 absolute(struct fp80 v)
{
	v.sign_exponent &= FP_EXP_MAX;
	return v;
}

struct fp_result fp_soft_2xm1(struct fp80 a, struct fp80 b, uint16_t cw)
{
	struct fp_result r;
	uint16_t de;
	mpfr_t x, ln2;

	if (fp_special(a, a, &r))
		return r;
	if (is(a, FP_INFINITY)) /* outside the range: SDM leaves the result open */
		return fp_sign(a) ? exact((struct fp80){FP_INTEGER_BIT, 0x8000 | FP_EXP_BIAS}, 0) : exact(a, 0);
	if (fp_denormal(a, a, cw, &r, &de))
		return r;
	if (is(a, FP_ZERO))
		return exact(a, 0);
	if (fp_compare(absolute(a), fp_one(), true) == 0) /* beyond 1: as open, the operand */
		return exact(a, de | FP_PE);
	load(x, a);
	mpfr_init2(ln2, WORK_BITS);
	mpfr_const_log2(ln2, MPFR_RNDN);
	mpfr_mul(x, x, ln2, MPFR_RNDN);
	bool inexact = mpfr_expm1(x, x, MPFR_RNDZ);

	mpfr_clear(ln2);
	return finish(x, inexact, de, cw);
}

/* ---- logarithms ---- */

/* y * x, x the logarithm. */
static struct fp_result times(mpfr_t x, struct fp80 b, uint16_t flags, uint16_t cw)
{
	mpfr_t y;

	load(y, b);
	bool inexact = mpfr_mul(x, x, y, MPFR_RNDZ);

	mpfr_clear(y);
	return finish(x, inexact, flags, cw);
}

struct fp_result fp_soft_yl2x(struct fp80 a, struct fp80 b, uint16_t cw)
{
	struct fp_result r;
	uint16_t de;
	mpfr_t x;

	if (fp_special(a, b, &r))
		return r;
	bool a_zero = is(a, FP_ZERO), b_zero = is(b, FP_ZERO), b_infinite = is(b, FP_INFINITY);
	bool a_is_one = a.mantissa == FP_INTEGER_BIT && a.sign_exponent == FP_EXP_BIAS;

	if ((fp_sign(a) && !a_zero) || (a_zero && b_zero) || (is(a, FP_INFINITY) && b_zero) || (a_is_one && b_infinite))
		return fp_invalid();
	if (a_zero && !b_infinite)
		return exact(fp_infinity(!fp_sign(b)), FP_ZE);
	if (fp_denormal(a, b, cw, &r, &de))
		return r;
	bool below_one = a_zero || (!is(a, FP_INFINITY) && (a.sign_exponent & FP_EXP_MAX) < FP_EXP_BIAS);

	if (b_infinite || is(a, FP_INFINITY))
		return exact(fp_infinity(fp_sign(b) != below_one), de);
	if (b_zero || a_is_one)
		return exact(fp_zero(fp_sign(b) != below_one), de);
	load(x, a);
	mpfr_log2(x, x, MPFR_RNDN);
	return times(x, b, de, cw);
}

struct fp_result fp_soft_yl2xp1(struct fp80 a, struct fp80 b, uint16_t cw)
{
	struct fp_result r;
	uint16_t de;
	mpfr_t x, ln2;

	if (fp_special(a, b, &r))
		return r;
	bool a_zero = is(a, FP_ZERO), b_zero = is(b, FP_ZERO), b_infinite = is(b, FP_INFINITY);
	bool sign = fp_sign(a) != fp_sign(b);

	if (fp_below_minus_one(a) || (a_zero && b_infinite) || (is(a, FP_INFINITY) && b_zero))
		return fp_invalid();
	if (fp_denormal(a, b, cw, &r, &de))
		return r;
	if (b_infinite || is(a, FP_INFINITY))
		return exact(fp_infinity(sign), de);
	if (a_zero || b_zero)
		return exact(fp_zero(sign), de);
	if (fp_sign(a) && (a.sign_exponent & FP_EXP_MAX) == FP_EXP_BIAS) /* -1: open; the operand */
		return exact(a, de | FP_PE);
	load(x, a);
	mpfr_init2(ln2, WORK_BITS);
	mpfr_const_log2(ln2, MPFR_RNDN);
	mpfr_log1p(x, x, MPFR_RNDN);
	mpfr_div(x, x, ln2, MPFR_RNDN);
	mpfr_clear(ln2);
	return times(x, b, de, cw);
}

/* ---- trigonometry ---- */

struct fp_result fp_soft_patan(struct fp80 a, struct fp80 b, uint16_t cw)
{
	struct fp_result r;
	uint16_t de;
	mpfr_t x, y;

	if (fp_special(a, b, &r))
		return r;
	if (fp_denormal(a, b, cw, &r, &de))
		return r;
	load(x, a);
	load(y, b);
	bool inexact = mpfr_atan2(y, y, x, MPFR_RNDZ);

	mpfr_clear(x);
	return finish(y, inexact, de, cw);
}

/* a less a multiple of pi / 2, pi being the processor's 66-bit one; returns the
 * multiple's low bits: the quadrant. */
static unsigned load_angle(mpfr_t x, struct fp80 a)
{
	mpfr_t half_pi;
	long quotient;

	load(x, a);
	mpfr_init2(half_pi, WORK_BITS);
	mpfr_set_str(half_pi, "C.90FDAA22168C234C", 16, MPFR_RNDN); /* 4 * pi */
	mpfr_div_2ui(half_pi, half_pi, 3, MPFR_RNDN);
	mpfr_remquo(x, &quotient, x, half_pi, MPFR_RNDN);
	mpfr_clear(half_pi);
	return (unsigned)quotient & 3;
}

/* The sine of x and `quadrant` right angles, in place.  Is it inexact? */
static bool sine(mpfr_t x, unsigned quadrant)
{
	bool inexact = quadrant & 1 ? mpfr_cos(x, x, MPFR_RNDZ) : mpfr_sin(x, x, MPFR_RNDZ);

	if (quadrant & 2)
		mpfr_neg(x, x, MPFR_RNDN);
	return inexact;
}

/* What the trigonometric functions have in common.  False: *r is the result. */
static bool angle(struct fp80 a, uint16_t cw, struct fp_result *r, uint16_t *flags)
{
	if (fp_special(a, a, r))
		return false;
	if (is(a, FP_INFINITY)) {
		*r = fp_invalid();
		return false;
	}
	if (fp_denormal(a, a, cw, r, flags))
		return false;
	if ((a.sign_exponent & FP_EXP_MAX) < FP_EXP_BIAS + 63)
		return true;
	*r = exact(a, FP_C2);
	return false;
}

struct fp_result fp_soft_sin(struct fp80 a, struct fp80 b, uint16_t cw)
{
	struct fp_result r;
	uint16_t de;
	mpfr_t x;

	if (!angle(a, cw, &r, &de))
		return r;
	if (is(a, FP_ZERO))
		return exact(a, 0);
	unsigned quadrant = load_angle(x, a);
	bool inexact = sine(x, quadrant);

	return finish(x, inexact, de, cw);
}

struct fp_result fp_soft_cos(struct fp80 a, struct fp80 b, uint16_t cw)
{
	struct fp_result r;
	uint16_t de;
	mpfr_t x;

	if (!angle(a, cw, &r, &de))
		return r;
	if (is(a, FP_ZERO))
		return exact(fp_one(), 0);
	unsigned quadrant = load_angle(x, a);
	bool inexact = sine(x, (quadrant + 1) & 3);

	return finish(x, inexact, de, cw);
}

struct fp_result fp_soft_sincos(struct fp80 a, struct fp80 b, uint16_t cw)
{
	struct fp_result r = fp_soft_sin(a, b, cw);

	if (r.sw & (FP_IE | FP_C2) || fp_unmasked(r.sw, cw) & FP_BEFORE)
		return r;
	struct fp_result cosine = fp_soft_cos(a, b, cw);

	r.w = cosine.v;
	r.sw |= cosine.sw & FP_EXCEPTIONS;
	return r;
}

struct fp_result fp_soft_ptan(struct fp80 a, struct fp80 b, uint16_t cw)
{
	struct fp_result r;
	uint16_t de;
	mpfr_t x;

	if (!angle(a, cw, &r, &de))
		return r;
	if (is(a, FP_ZERO))
		return (struct fp_result){.v = a, .w = fp_one()};
	unsigned quadrant = load_angle(x, a);
	bool inexact = quadrant & 1 ? mpfr_cot(x, x, MPFR_RNDZ) : mpfr_tan(x, x, MPFR_RNDZ);

	if (quadrant & 1)
		mpfr_neg(x, x, MPFR_RNDN);
	r = finish(x, inexact, de, cw);
	r.w = fp_one();
	return r;
}

#endif
