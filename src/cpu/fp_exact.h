/* Sums, products, quotients and roots of numbers before they are rounded: 128 bits of significand, the lowest of which
 * also stands for everything below.  For x87 (fp_arith.c) and SSE (sse_fp_arith.c). */
#ifndef TRAPGATE_CPU_FP_EXACT_H
#define TRAPGATE_CPU_FP_EXACT_H

#include "cpu/fp_round.h"

/* m has its top bit set, the value is m / 2^127 * 2^(exponent - bias); m == 0: the number is zero. */
struct fp_wide {
	bool sign;
	int32_t exponent;
	fp_u128 m;
};

static inline struct fp_wide fp_widened(struct fp_num n)
{
	return (struct fp_wide){n.sign, n.exponent, (fp_u128)n.m << 64};
}

static inline int fp_leading_zeros(fp_u128 m)
{
	return m >> 64 ? __builtin_clzll((uint64_t)(m >> 64)) : 64 + __builtin_clzll((uint64_t)m);
}

/* Neither is zero; the lowest bit of each m is clear.  Where bits are lost, the operands are so far apart that the
 * difference keeps its place, or loses one: the sticky bit stays below any rounding position up to bit 2. */
static inline struct fp_wide fp_exact_add(struct fp_wide a, struct fp_wide b)
{
	if (a.exponent < b.exponent || (a.exponent == b.exponent && a.m < b.m)) {
		struct fp_wide t = a;

		a = b;
		b = t;
	}
	uint32_t distance = (uint32_t)(a.exponent - b.exponent);
	fp_u128 big = a.m >> 1;
	fp_u128 small = fp_shift_right(b.m >> 1, distance > 127 ? 128 : distance);
	fp_u128 m = a.sign == b.sign ? big + small : big - small;

	if (m == 0)
		return (struct fp_wide){0};
	int shift = fp_leading_zeros(m);

	return (struct fp_wide){a.sign, a.exponent + 1 - shift, m << shift};
}

static inline struct fp_wide fp_exact_mul(struct fp_num x, struct fp_num y)
{
	fp_u128 m = (fp_u128)x.m * y.m;
	int shift = !(m >> 127);

	return (struct fp_wide){x.sign != y.sign, x.exponent + y.exponent - FP_EXP_BIAS + 1 - shift, m << shift};
}

static inline struct fp_wide fp_exact_div(struct fp_num x, struct fp_num y)
{
	int32_t exponent = x.exponent - y.exponent + FP_EXP_BIAS;
	fp_u128 dividend = (fp_u128)x.m << 63; /* so that the quotient has 64 bits */

	if (x.m < y.m) {
		dividend <<= 1;
		exponent--;
	}
	uint64_t high = (uint64_t)(dividend / y.m), rest = (uint64_t)(dividend % y.m);
	fp_u128 next = (fp_u128)rest << 64;
	uint64_t low = (uint64_t)(next / y.m) | (next % y.m != 0);

	return (struct fp_wide){x.sign != y.sign, exponent, ((fp_u128)high << 64) | low};
}

/* The largest s with s * s <= n; n has one of its two top bits set. */
uint64_t fp_root(fp_u128 n);

/* x is positive. */
static inline struct fp_wide fp_exact_sqrt(struct fp_num x)
{
	int32_t power = x.exponent - FP_EXP_BIAS;
	bool odd = power & 1;
	fp_u128 n = (fp_u128)x.m << (63 + odd);
	uint64_t s = fp_root(n);
	fp_u128 rest = n - (fp_u128)s * s;
	/* The part behind s is over one half exactly if rest > s, and never equals it. */
	uint64_t low = rest == 0 ? 0 : rest > s ? UINT64_C(0xc000000000000000) : UINT64_C(0x4000000000000000);

	return (struct fp_wide){false, (power - odd) / 2 + FP_EXP_BIAS, ((fp_u128)s << 64) | low};
}

#endif
