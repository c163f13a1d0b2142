/* Operands for the x87 tests: special values, and random ones that meet the
 * edges often.  The same sequence in every run. */
#ifndef TESTS_X87_OPERANDS_H
#define TESTS_X87_OPERANDS_H

#include "arch/state.h"

struct random {
	uint64_t s;
};

static inline uint64_t random_next(struct random *r)
{
	r->s ^= r->s << 13;
	r->s ^= r->s >> 7;
	r->s ^= r->s << 17;
	return r->s * UINT64_C(0x2545f4914f6cdd1d);
}
static inline unsigned random_below(struct random *r, unsigned n)
{
	return (unsigned)((random_next(r) >> 33) % n);
}

static const struct fp80 special_operands[] = {
	{0, 0},
	{0, 0x8000}, /* zeros */
	{1, 0},
	{1, 0x8000},
	{0x7fffffffffffffff, 0}, /* denormals */
	{UINT64_C(1) << 63, 0},
	{(UINT64_C(1) << 63) | 7, 0x8000}, /* pseudo-denormals */
	{UINT64_C(1) << 63, 1},
	{~UINT64_C(0), 1}, /* the smallest normal ones */
	{UINT64_C(1) << 63, 0x3fff},
	{UINT64_C(1) << 63, 0xbfff}, /* 1, -1 */
	{UINT64_C(1) << 63, 0x4000},
	{~UINT64_C(0), 0x3ffe},
	{(UINT64_C(1) << 63) | 1, 0x3fff},
	{UINT64_C(0xc000000000000000), 0x3fff}, /* 1.5 */
	{UINT64_C(1) << 63, 0x3ffe},
	{UINT64_C(1) << 63, 0xbffe}, /* 0.5 */
	{~UINT64_C(0), 0x7ffe},
	{~UINT64_C(0), 0xfffe}, /* the largest */
	{UINT64_C(1) << 63, 0x7fff},
	{UINT64_C(1) << 63, 0xffff}, /* infinities */
	{UINT64_C(0xc000000000000000), 0x7fff},
	{UINT64_C(0xc000000000000000), 0xffff}, /* QNaNs */
	{UINT64_C(0xc000000000000001), 0x7fff},
	{UINT64_C(0xc000000000000001), 0xffff},
	{UINT64_C(0x8000000000000001), 0x7fff},
	{UINT64_C(0xa000000000000000), 0xffff}, /* SNaNs */
	{UINT64_C(0xbfffffffffffffff), 0x7fff},
	{0, 0x7fff},
	{5, 0x7fff},
	{0x7fffffffffffffff, 0x4001},
	{0, 0x3fff}, /* unsupported */
	{UINT64_C(0x9000000000000000), 0x400d},
	{UINT64_C(0xffff800000000000), 0x400d}, /* 16-bit limits */
	{~UINT64_C(0), 0x403d},
	{UINT64_C(1) << 63, 0x403e},
	{UINT64_C(1) << 63, 0xc03e}, /* 64-bit limits */
	{UINT64_C(0xde0b6b3a763fffff), 0x403a},
	{UINT64_C(0xde0b6b3a76400000), 0x403a}, /* 10^18 */
	{UINT64_C(0xde0b6b3a763fffff), 0xc03a},
	{UINT64_C(0xc90fdaa22168c235), 0x3fff},
	{UINT64_C(0xc90fdaa22168c235), 0x4000}, /* pi / 2, pi */
	{UINT64_C(0xffffff8000000000), 0x407e},
	{UINT64_C(1) << 63, 0x3f81}, /* single's limits */
	{UINT64_C(0xffffff8000000000), 0x3f80},
	{UINT64_C(0xfffffffffffffc00), 0x43fe},
	{UINT64_C(1) << 63, 0x3c01}, /* double's */
};
#define SPECIAL_OPERANDS (sizeof(special_operands) / sizeof(special_operands[0]))

static inline struct fp80 random_operand(struct random *r)
{
	unsigned kind = random_below(r, 8);
	struct fp80 v;

	if (kind < 2)
		return special_operands[random_below(r, SPECIAL_OPERANDS)];
	v.mantissa = random_next(r);
	if (random_below(r, 4) == 0)
		v.mantissa &= ~UINT64_C(0) << random_below(r, 64);
	if (random_below(r, 8) == 0)
		v.mantissa |= (UINT64_C(1) << random_below(r, 63)) - 1;
	v.mantissa |= UINT64_C(1) << 63;
	if (kind < 4) {
		v.sign_exponent = (uint16_t)(0x3fff - 8 + random_below(r, 17));
	} else if (kind == 4) {
		v.sign_exponent = (uint16_t)random_below(r, 0x7fff);
	} else if (kind == 5) {
		v.sign_exponent = (uint16_t)(0x3fff - 70 + random_below(r, 140));
	} else if (kind == 6) {
		v.sign_exponent = (uint16_t)random_below(r, 80);
		if (random_below(r, 3) == 0) {
			v.sign_exponent = 0;
			v.mantissa >>= random_below(r, 64);
		}
	} else {
		v.sign_exponent = (uint16_t)(0x7ffe - random_below(r, 80));
	}
	v.sign_exponent |= random_below(r, 2) << 15;
	return v;
}

/* Rounding, precision and masks; often the usual word. */
static inline uint16_t random_control(struct random *r)
{
	static const uint8_t masks[] = {0x3f, 0x3f, 0x3f, 0x3f, 0, 0x3e, 0x3d, 0x3b, 0x37, 0x2f, 0x1f};
	static const uint16_t precisions[] = {0, 0x100, 0x200, 0x300, 0x300};

	if (random_below(r, 4) == 0)
		return 0x037f;
	return (uint16_t)(0x40 | random_below(r, 4) << 10 | precisions[random_below(r, 5)] |
			  masks[random_below(r, 11)]);
}

#endif
