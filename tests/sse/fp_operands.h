/* Operands for the tests of SSE's arithmetic: special values, and random ones that meet the edges often.  The same
 * sequence in every run. */
#ifndef TESTS_SSE_FP_OPERANDS_H
#define TESTS_SSE_FP_OPERANDS_H

#include "cpu/sse_fp.h"
#include "x87/operands.h"

/* Zero, denormals, the least and largest normal numbers, around 1, infinity, NaNs, around the limits of integers. */
static inline uint64_t fp_special_bits(struct random *r, const struct fp_layout *f)
{
	uint64_t one = (fp_exponent_max(f) >> 1) << f->fraction, infinity = fp_exponent_max(f) << f->fraction;
	uint64_t quiet = UINT64_C(1) << (f->fraction - 1), unit = UINT64_C(1) << f->fraction;
	const uint64_t values[] = {
		0,
		1,
		quiet,
		unit - 1,
		unit,
		unit + 1,
		2 * unit - 1,
		2 * unit,
		one - 1,
		one,
		one + 1,
		one + quiet,
		one + unit,
		one - unit,
		one - 2 * unit,
		infinity - 1,
		infinity - unit,
		infinity,
		infinity + 1,
		infinity + quiet,
		infinity + quiet + 1,
		infinity + quiet - 1,
		infinity + unit - 1,
		one + 31 * unit,
		one + 31 * unit - 1,
		one + 30 * unit,
		one + 63 * unit,
		one + 63 * unit - 1,
	};
	uint64_t v = values[random_below(r, sizeof(values) / sizeof(values[0]))];
	uint64_t sign = random_below(r, 2);

	return (v & (infinity | (unit - 1))) | sign << (f->fraction + f->exponent_bits);
}

static inline uint64_t fp_random_bits(struct random *r, const struct fp_layout *f)
{
	uint64_t max = fp_exponent_max(f), fraction = random_next(r) >> (64 - f->fraction), exponent;

	switch (random_below(r, 8)) {
	case 0:
	case 1:
		return fp_special_bits(r, f);
	case 2: /* anything */
		exponent = random_next(r) & max;
		break;
	case 3: /* the smallest */
		exponent = random_below(r, f->fraction + 3);
		break;
	case 4: /* the largest */
		exponent = max - 1 - random_below(r, 4);
		break;
	case 5: /* where products underflow */
		exponent = max / 4 + random_below(r, f->fraction);
		break;
	default:
		exponent = max / 2 - 4 + random_below(r, 9);
		break;
	}
	if (random_below(r, 3) == 0)
		fraction &= ~UINT64_C(0) << random_below(r, f->fraction);
	if (random_below(r, 8) == 0)
		fraction |= (UINT64_C(1) << random_below(r, f->fraction)) - 1;
	return fp_bits(f, random_below(r, 2), exponent, fraction);
}

/* Rounding, DAZ, FTZ and masks; flags clear.  Half of them have all exceptions masked. */
static inline uint32_t fp_random_mxcsr(struct random *r)
{
	static const uint8_t masks[] = {0, 0x3e, 0x3d, 0x3b, 0x37, 0x2f, 0x1f, 0x0f};
	uint32_t m = random_below(r, 2) ? 0x3f : random_below(r, 2) ? masks[random_below(r, 8)] : random_below(r, 64);

	if (random_below(r, 8) == 0)
		return SSE_DEFAULT;
	return m << SSE_MASK_SHIFT | random_below(r, 4) << SSE_RC_SHIFT | (random_below(r, 3) ? 0 : SSE_DAZ) |
	       (random_below(r, 3) ? 0 : SSE_FTZ);
}

#endif
