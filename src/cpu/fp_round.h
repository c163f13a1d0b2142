/* The portable backend's inside: unpacked numbers and rounding. */
#ifndef TRAPGATE_CPU_FP_ROUND_H
#define TRAPGATE_CPU_FP_ROUND_H

#include "cpu/fp.h"

__extension__ typedef unsigned __int128 fp_u128;

/* Exceptions of cw's bits that are not masked. */
static inline uint16_t fp_unmasked(uint16_t flags, uint16_t cw)
{
	return flags & ~cw & FP_EXCEPTIONS;
}

/* A finite number other than zero: m has its top bit set, the value is
 * m / 2^63 * 2^(exponent - bias); exponent may lie outside the format's range. */
struct fp_num {
	bool sign;
	int32_t exponent;
	uint64_t m;
};

struct fp_num fp_unpack(struct fp80 v);

/* Nothing special: neither zero nor denormal, infinity, NaN or unsupported. */
static inline bool fp_plain(struct fp80 v)
{
	return (v.sign_exponent & FP_EXP_MAX) - 1u < FP_EXP_MAX - 1 && v.mantissa >> 63;
}

/* How a 128-bit significand (top bit set; bit 0 also stands for everything below) was
 * rounded to `bits` bits. */
struct fp_rounded {
	uint64_t m; /* top bit set */
	bool carry; /* rounded up to the next power of two: m is 2^63 */
	bool inexact, up;
};
struct fp_rounded fp_round_bits(fp_u128 m, unsigned bits, bool sign, enum fp_rounding rc);

/* Right shift that keeps the sticky bit 0. */
static inline fp_u128 fp_shift_right(fp_u128 m, unsigned n)
{
	if (n == 0)
		return m;
	if (n > 127)
		return m != 0;
	return (m >> n) | ((m << (128 - n)) != 0);
}

/* A memory format.  Its bits: sign, exponent, fraction. */
struct fp_layout {
	unsigned fraction, exponent_bits;
};
extern const struct fp_layout fp_half, fp_single, fp_double;

static inline uint64_t fp_exponent_max(const struct fp_layout *f)
{
	return (UINT64_C(1) << f->exponent_bits) - 1;
}
static inline uint64_t fp_bits(const struct fp_layout *f, bool sign, uint64_t exponent, uint64_t fraction)
{
	return (uint64_t)sign << (f->fraction + f->exponent_bits) | exponent << f->fraction | fraction;
}

/* The value of a format's bits.  *denormal: it was denormal there. */
struct fp80 fp_widen(const struct fp_layout *f, uint64_t bits, bool *denormal);

/* sign, exponent (biased as in struct fp_num), m (top bit set, sticky below) as a format's bits: the masked responses
 * to overflow and underflow. */
struct fp_packed {
	uint64_t bits;
	bool huge, tiny;   /* after rounding as if the exponent had no bounds */
	bool inexact, up;  /* bits are not the value, their magnitude is larger */
	bool inexact_wide; /* nor would they be if the exponent had no bounds */
};
struct fp_packed fp_pack(const struct fp_layout *f, bool sign, int32_t exponent, fp_u128 m, enum fp_rounding rc);

/* Bits of precision control (SDM 1, "Precision Control Field"). */
unsigned fp_precision(uint16_t cw);

/* Rounds sign, exponent (biased), m (top bit set, sticky below) to an extended value of
 * `bits` bits of significand: overflow, underflow, precision and C1. */
struct fp_result fp_round(bool sign, int32_t exponent, fp_u128 m, unsigned bits, uint16_t cw);

static inline struct fp80 fp_zero(bool sign)
{
	return (struct fp80){0, sign ? 0x8000 : 0};
}
static inline struct fp80 fp_infinity(bool sign)
{
	return (struct fp80){FP_INTEGER_BIT, (uint16_t)((sign ? 0x8000 : 0) | FP_EXP_MAX)};
}
/* What must be settled before anything is computed: unsupported operands and
 * NaNs.  True: *r is the result.  For one operand pass it twice. */
bool fp_special(struct fp80 a, struct fp80 b, struct fp_result *r);

/* The denormal exception.  True: unmasked, *r says so and nothing else is to be done; else
 * *flags is FP_DE or 0. */
bool fp_denormal(struct fp80 a, struct fp80 b, uint16_t cw, struct fp_result *r, uint16_t *flags);

/* An integer value by rc; m and exponent as in struct fp_num.  False: its
 * magnitude is 2^64 or more.  */
bool fp_to_integer(const struct fp_num *n, enum fp_rounding rc, uint64_t *magnitude, uint16_t *flags);

fp_op_fn fp_soft_add, fp_soft_sub, fp_soft_mul, fp_soft_div, fp_soft_sqrt, fp_soft_rndint, fp_soft_scale, fp_soft_prem,
	fp_soft_prem1, fp_soft_xtract;
fp_op_fn fp_soft_2xm1, fp_soft_yl2x, fp_soft_yl2xp1, fp_soft_ptan, fp_soft_patan, fp_soft_sin, fp_soft_cos,
	fp_soft_sincos; /* fp_trans.c, with MPFR only */
fp_store_fn fp_soft_f32, fp_soft_f64, fp_soft_i16, fp_soft_i32, fp_soft_i64, fp_soft_bcd;

#endif
