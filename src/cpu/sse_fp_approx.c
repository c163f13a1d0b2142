/* RCPSS and RSQRTSS.  The SDM allows a relative error of 1.5 * 2^-12 and leaves the values open; processors differ.
 * Here all operands of an interval have the same result, the function of the interval's middle: of the operand's
 * significand the upper 11 bits of the fraction count (RCPSS), or the exponent's parity and the upper 10 (RSQRTSS).
 * Half an interval is a relative error of at most 2^-12 at the lower end of the significands, 2^-13 at the upper.  A
 * result lies between 1/2 and 1, times a power of two: 12 bits of significand add 2^-13 to 2^-12, the other way round,
 * which for RCPSS is 1.5 * 2^-12 everywhere; RSQRTSS, whose error by the interval comes back at 2, has 13 bits. */
#include "cpu/sse_operand.h"

#define RCP_BITS   12
#define RSQRT_BITS 13

static uint32_t to_kept_bits(uint32_t sign, int32_t exponent, uint64_t m, unsigned bits)
{
	struct fp_rounded r = fp_round_bits((fp_u128)m << 64 | 1, bits, false, FP_NEAREST);

	exponent += r.carry;
	if (exponent < 1) /* SDM 2, "RCPPS": tiny results are flushed to zero */
		return sign;
	return sign | (uint32_t)exponent << 23 | (uint32_t)(r.m << 1 >> 41);
}

/* Zeros and denormals give infinity, NaNs themselves, quiet.  True: *r is the result. */
static bool special(uint32_t a, uint32_t *r)
{
	uint32_t sign = a & 0x80000000u, exponent = (a >> 23) & 0xff;

	if (exponent == 0)
		*r = sign | 0x7f800000u;
	else if (exponent == 0xff && a << 9)
		*r = (uint32_t)sse_quiet(&fp_single, a);
	else
		return false;
	return true;
}

uint32_t sse_rcp(uint32_t a)
{
	uint32_t sign = a & 0x80000000u, r;
	int32_t exponent = (a >> 23) & 0xff;

	if (special(a, &r))
		return r;
	if (exponent == 0xff)
		return sign;
	/* The middle of the interval: 1.fffffffffff1, 13 bits. */
	uint64_t middle = UINT64_C(0x1000) | ((a >> 12 & 0x7ff) << 1) | 1;

	/* 1 / (middle / 2^12), between 1/2 and 1: 2^76 / middle has its top bit at 2^63. */
	return to_kept_bits(sign, 253 - exponent, (uint64_t)(((fp_u128)1 << 76) / middle), RCP_BITS);
}

uint32_t sse_rsqrt(uint32_t a)
{
	int32_t exponent = (a >> 23) & 0xff;
	uint32_t r;

	if (special(a, &r))
		return r;
	if (a >> 31)
		return 0xffc00000u;
	if (exponent == 0xff)
		return 0;
	/* a = middle / 2^11 * 2^(odd + 2 * half), middle = 1.ffffffffff1 of 12 bits: 1 / sqrt(middle / 2^11 * 2^odd)
	 * lies between 1/2 and 1; m is that times 2^64, out of sqrt(2^139 / (middle * 2^odd)). */
	int32_t odd = (exponent - 127) & 1, half = (exponent - 127 - odd) / 2;
	uint64_t middle = (UINT64_C(0x800) | ((a >> 13 & 0x3ff) << 1) | 1) << odd;
	uint64_t m = fp_root(((fp_u128)1 << 127) / middle << 12);

	return to_kept_bits(0, 126 - half, m, RSQRT_BITS);
}
