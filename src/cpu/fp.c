/* The part of the x87's arithmetic that never rounds. */
#include "cpu/fp_round.h"

enum fp_class fp_classify(struct fp80 v)
{
	unsigned exponent = v.sign_exponent & FP_EXP_MAX;

	if (exponent == 0)
		return v.mantissa == 0 ? FP_ZERO : FP_DENORMAL;
	if (!(v.mantissa & FP_INTEGER_BIT))
		return FP_UNSUPPORTED;
	if (exponent != FP_EXP_MAX)
		return FP_NORMAL;
	return v.mantissa << 1 ? FP_NAN : FP_INFINITY;
}

const struct fp_layout fp_half = {10, 5}, fp_single = {23, 8}, fp_double = {52, 11};

struct fp80 fp_widen(const struct fp_layout *f, uint64_t bits, bool *denormal)
{
	unsigned all_ones = (unsigned)fp_exponent_max(f);
	unsigned exponent = (unsigned)(bits >> f->fraction) & all_ones;
	uint64_t mantissa = (bits & ((UINT64_C(1) << f->fraction) - 1)) << (63 - f->fraction);
	uint16_t sign = (uint16_t)(((bits >> (f->fraction + f->exponent_bits)) & 1) << 15);
	int rebias = FP_EXP_BIAS - (int)(all_ones >> 1);

	*denormal = false;
	if (exponent == all_ones)
		return (struct fp80){mantissa | FP_INTEGER_BIT, (uint16_t)(sign | FP_EXP_MAX)};
	if (exponent != 0)
		return (struct fp80){mantissa | FP_INTEGER_BIT, (uint16_t)(sign | ((int)exponent + rebias))};
	if (mantissa == 0)
		return (struct fp80){0, sign};
	*denormal = true;
	int shift = __builtin_clzll(mantissa);

	return (struct fp80){mantissa << shift, (uint16_t)(sign | (rebias + 1 - shift))};
}

struct fp80 fp_from_f32(uint32_t bits, bool *denormal)
{
	return fp_widen(&fp_single, bits, denormal);
}

struct fp80 fp_from_f64(uint64_t bits, bool *denormal)
{
	return fp_widen(&fp_double, bits, denormal);
}

static struct fp80 from_magnitude(uint64_t magnitude, bool negative)
{
	uint16_t sign = negative ? 0x8000 : 0;

	if (magnitude == 0)
		return (struct fp80){0, sign};
	int shift = __builtin_clzll(magnitude);

	return (struct fp80){magnitude << shift, (uint16_t)(sign | (FP_EXP_BIAS + 63 - shift))};
}

struct fp80 fp_from_int(int64_t value)
{
	return from_magnitude(value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
}

struct fp80 fp_from_bcd(uint64_t lo, uint16_t hi)
{
	uint64_t value = ((hi >> 4) & 0xf) * 10 + (hi & 0xf);

	for (int i = 60; i >= 0; i -= 4)
		value = value * 10 + ((lo >> i) & 0xf);
	return from_magnitude(value, hi & 0x8000);
}

/* Magnitudes of two numbers that are neither NaN nor unsupported: -1, 0, 1.
 * A pseudo-denormal equals the normal number of exponent 1. */
static int compare_magnitude(struct fp80 a, struct fp80 b)
{
	unsigned ea = a.sign_exponent & FP_EXP_MAX, eb = b.sign_exponent & FP_EXP_MAX;

	ea += ea == 0;
	eb += eb == 0;
	if (a.mantissa == 0 || b.mantissa == 0)
		return (a.mantissa != 0) - (b.mantissa != 0);
	if (ea != eb)
		return ea < eb ? -1 : 1;
	return (a.mantissa > b.mantissa) - (a.mantissa < b.mantissa);
}

uint16_t fp_compare(struct fp80 a, struct fp80 b, bool quiet)
{
	enum fp_class ca = fp_classify(a), cb = fp_classify(b);

	if (ca == FP_UNSUPPORTED || cb == FP_UNSUPPORTED)
		return FP_C3 | FP_C2 | FP_C0 | FP_IE;
	if (ca == FP_NAN || cb == FP_NAN) {
		bool invalid = !quiet || fp_is_snan(a) || fp_is_snan(b);

		return FP_C3 | FP_C2 | FP_C0 | (invalid ? FP_IE : 0);
	}
	uint16_t flags = ca == FP_DENORMAL || cb == FP_DENORMAL ? FP_DE : 0;
	int order;

	if (ca == FP_ZERO && cb == FP_ZERO)
		order = 0;
	else if (fp_sign(a) != fp_sign(b))
		order = fp_sign(a) ? -1 : 1;
	else
		order = fp_sign(a) ? -compare_magnitude(a, b) : compare_magnitude(a, b);
	return flags | (order < 0 ? FP_C0 : order == 0 ? FP_C3 : 0);
}

bool fp_below_minus_one(struct fp80 v)
{
	const struct fp80 minus_one = {FP_INTEGER_BIT, 0x8000 | FP_EXP_BIAS};

	return (fp_compare(v, minus_one, true) & FP_CC) == FP_C0;
}

uint16_t fp_examine(struct fp80 v)
{
	static const uint16_t codes[] = {
		[FP_UNSUPPORTED] = 0,          [FP_NAN] = FP_C0,  [FP_NORMAL] = FP_C2,
		[FP_INFINITY] = FP_C2 | FP_C0, [FP_ZERO] = FP_C3, [FP_DENORMAL] = FP_C3 | FP_C2,
	};

	return codes[fp_classify(v)] | (fp_sign(v) ? FP_C1 : 0);
}

struct fp80 fp_constant(enum fp_constant which, uint16_t cw)
{
	/* The value rounded down, and whether the next number above is the nearer one. */
	static const struct {
		struct fp80 down;
		bool inexact, nearest_is_up;
	} constants[] = {
		[FP_CONST_1] = {{0x8000000000000000u, 0x3fff}, false, false},
		[FP_CONST_L2T] = {{0xd49a784bcd1b8afeu, 0x4000}, true, false},
		[FP_CONST_L2E] = {{0xb8aa3b295c17f0bbu, 0x3fff}, true, true},
		[FP_CONST_PI] = {{0xc90fdaa22168c234u, 0x4000}, true, true},
		[FP_CONST_LG2] = {{0x9a209a84fbcff798u, 0x3ffd}, true, true},
		[FP_CONST_LN2] = {{0xb17217f7d1cf79abu, 0x3ffe}, true, true},
		[FP_CONST_0] = {{0, 0}, false, false},
	};
	struct fp80 v = constants[which].down;
	enum fp_rounding rc = fp_rc(cw);

	if (constants[which].inexact && (rc == FP_UP || (rc == FP_NEAREST && constants[which].nearest_is_up)))
		v.mantissa++;
	return v;
}
