/* Rounding, NaNs and denormals of the portable backend. */
#include "cpu/fp_round.h"

struct fp_num fp_unpack(struct fp80 v)
{
	int32_t exponent = v.sign_exponent & FP_EXP_MAX;
	int shift = __builtin_clzll(v.mantissa);

	return (struct fp_num){fp_sign(v), exponent + (exponent == 0) - shift, v.mantissa << shift};
}

unsigned fp_precision(uint16_t cw)
{
	switch ((cw >> FP_PC_SHIFT) & 3) {
	case FP_PC_24:
		return 24;
	case FP_PC_53:
		return 53;
	default: /* 1 is reserved; processors take it for 64 bits */
		return 64;
	}
}

static bool rounds_up(fp_u128 rest, unsigned rest_bits, bool odd, bool sign, enum fp_rounding rc)
{
	fp_u128 half = (fp_u128)1 << (rest_bits - 1);

	switch (rc) {
	case FP_NEAREST:
		return rest > half || (rest == half && odd);
	case FP_DOWN:
		return sign && rest != 0;
	case FP_UP:
		return !sign && rest != 0;
	default:
		return false;
	}
}

struct fp_rounded fp_round_bits(fp_u128 m, unsigned bits, bool sign, enum fp_rounding rc)
{
	unsigned rest_bits = 128 - bits;
	fp_u128 rest = m & (((fp_u128)1 << rest_bits) - 1);
	fp_u128 kept = m >> rest_bits;
	struct fp_rounded r = {.inexact = rest != 0};

	r.up = rounds_up(rest, rest_bits, kept & 1, sign, rc);
	kept += r.up;
	if (kept >> bits) {
		kept >>= 1;
		r.carry = true;
	}
	r.m = (uint64_t)kept << (64 - bits);
	return r;
}

/* Masked overflow (SDM 1, "Numeric Overflow Exception (#O)", table of masked
 * responses): infinity, or the largest number where rounding goes the other way. */
static struct fp_result overflowed(bool sign, unsigned bits, enum fp_rounding rc)
{
	bool to_largest = rc == FP_TRUNCATE || (rc == FP_DOWN && !sign) || (rc == FP_UP && sign);
	struct fp_result r = {.sw = FP_OE | FP_PE};

	if (!to_largest) {
		r.v = fp_infinity(sign);
		r.sw |= FP_C1;
		return r;
	}
	r.v.mantissa = ~UINT64_C(0) << (64 - bits);
	r.v.sign_exponent = (uint16_t)((sign ? 0x8000 : 0) | (FP_EXP_MAX - 1));
	return r;
}

static struct fp_result pack(bool sign, int32_t exponent, const struct fp_rounded *rounded, uint16_t flags)
{
	struct fp_result r = {.sw = flags};

	r.v.mantissa = rounded->m;
	r.v.sign_exponent = (uint16_t)((sign ? 0x8000 : 0) | exponent);
	r.sw |= (rounded->inexact ? FP_PE : 0) | (rounded->up ? FP_C1 : 0);
	return r;
}

/* exponent < 1.  Tininess is found after rounding (SDM 1, "Numeric Underflow
 * Exception (#U)"); masked it needs a loss of accuracy too. */
static struct fp_result underflowed(bool sign, int32_t exponent, fp_u128 m, unsigned bits, uint16_t cw)
{
	struct fp_rounded r = fp_round_bits(m, bits, sign, fp_rc(cw));
	bool tiny = exponent + r.carry < 1;

	if (tiny && !(cw & FP_UE)) {
		int32_t wrapped = exponent + r.carry + FP_WRAP;

		/* FSCALE may go further than the wrapped exponent reaches. */
		if (wrapped < 1)
			return (struct fp_result){.v = fp_zero(sign), .sw = FP_UE | FP_PE};
		return pack(sign, wrapped, &r, FP_UE);
	}
	/* The field keeps its place: a denormal has fewer significant bits.  No carry can leave
	 * it, its top bit being clear. */
	fp_u128 denormal = fp_shift_right(m, (unsigned)(1 - exponent) > 127 ? 128 : (unsigned)(1 - exponent));
	struct fp_rounded d = fp_round_bits(denormal, bits, sign, fp_rc(cw));

	return pack(sign, d.m >> 63, &d, tiny && d.inexact ? FP_UE : 0);
}

struct fp_result fp_round(bool sign, int32_t exponent, fp_u128 m, unsigned bits, uint16_t cw)
{
	if (exponent < 1)
		return underflowed(sign, exponent, m, bits, cw);

	struct fp_rounded r = fp_round_bits(m, bits, sign, fp_rc(cw));

	exponent += r.carry;
	if (exponent < (int32_t)FP_EXP_MAX)
		return pack(sign, exponent, &r, 0);
	if (cw & FP_OE)
		return overflowed(sign, bits, fp_rc(cw));
	exponent -= FP_WRAP;
	if (exponent >= (int32_t)FP_EXP_MAX)
		return (struct fp_result){.v = fp_infinity(sign), .sw = FP_OE | FP_PE | FP_C1};
	return pack(sign, exponent, &r, FP_OE);
}

static struct fp80 quieted(struct fp80 v)
{
	v.mantissa |= FP_QUIET_BIT;
	return v;
}

/* SDM 1, "Rules for Handling NaNs" (table): a QNaN before an SNaN, else the larger
 * significand; of equal ones the positive (which the table leaves open). */
static struct fp80 choose_nan(struct fp80 a, struct fp80 b)
{
	bool a_nan = fp_classify(a) == FP_NAN, b_nan = fp_classify(b) == FP_NAN;

	if (!a_nan || !b_nan)
		return quieted(a_nan ? a : b);
	if (fp_is_snan(a) != fp_is_snan(b))
		return fp_is_snan(a) ? b : a;
	if (a.mantissa != b.mantissa)
		return quieted(a.mantissa > b.mantissa ? a : b);
	return quieted(fp_sign(a) ? b : a);
}

bool fp_special(struct fp80 a, struct fp80 b, struct fp_result *r)
{
	enum fp_class ca = fp_classify(a), cb = fp_classify(b);

	if (ca == FP_UNSUPPORTED || cb == FP_UNSUPPORTED) {
		*r = fp_invalid();
		return true;
	}
	if (ca != FP_NAN && cb != FP_NAN)
		return false;
	*r = (struct fp_result){.v = choose_nan(a, b)};
	r->w = r->v;
	if (fp_is_snan(a) || fp_is_snan(b))
		r->sw = FP_IE;
	return true;
}

bool fp_denormal(struct fp80 a, struct fp80 b, uint16_t cw, struct fp_result *r, uint16_t *flags)
{
	*flags = fp_classify(a) == FP_DENORMAL || fp_classify(b) == FP_DENORMAL ? FP_DE : 0;
	if (!fp_unmasked(*flags, cw))
		return false;
	*r = (struct fp_result){.sw = FP_DE};
	return true;
}

bool fp_to_integer(const struct fp_num *n, enum fp_rounding rc, uint64_t *magnitude, uint16_t *flags)
{
	int32_t places = 63 - (n->exponent - FP_EXP_BIAS); /* bits behind the binary point */

	*flags = 0;
	if (places < 0)
		return false;
	fp_u128 fixed = fp_shift_right((fp_u128)n->m << 64, places > 127 ? 128 : (unsigned)places);
	uint64_t whole = (uint64_t)(fixed >> 64), rest = (uint64_t)fixed;
	bool up = rounds_up(rest, 64, whole & 1, n->sign, rc);

	*flags = (rest ? FP_PE : 0) | (up ? FP_C1 : 0);
	*magnitude = whole + up;
	return !(up && *magnitude == 0);
}
