/* The operations of sse_fp.h that programs use most, by the host's own arithmetic where MXCSR is as after reset (its
 * flags aside) and neither operands nor result are special; else by sse_fp.h's functions.
 *
 * What can go unnoticed then is the precision exception alone.  If its flag is set already nobody can tell; else it is
 * found by computing the error of the result, which is a number again.  Results whose exponent is the least or close
 * to the greatest are left to the functions, so nothing here overflows, underflows or is tiny before rounding.
 *
 * Elements are uint64_t for binary64 and uint32_t for binary32; names end in the type. */
#ifndef TRAPGATE_CPU_SSE_FP_FAST_H
#define TRAPGATE_CPU_SSE_FP_FAST_H

#include <float.h>
#include <string.h>

#include "cpu/sse_fp.h"

/* Does the host compute with binary32 and binary64 themselves? */
#define SSE_HOST_ARITHMETIC (FLT_EVAL_METHOD == 0 && FLT_MANT_DIG == 24 && DBL_MANT_DIG == 53)

static inline double sse_double(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}
static inline float sse_float(uint32_t bits)
{
	float v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}
static inline uint64_t sse_bits_f64(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}
static inline uint32_t sse_bits_f32(float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

static inline bool sse_usual(const struct sse_env *e)
{
	return SSE_HOST_ARITHMETIC && (e->mxcsr & ~FP_EXCEPTIONS) == SSE_DEFAULT;
}
/* Would a precision exception be noticed? */
static inline bool sse_watched(const struct sse_env *e)
{
	return !((e->mxcsr | e->flags) & FP_PE);
}
static inline void sse_inexact(bool inexact, struct sse_env *e)
{
	if (inexact)
		e->flags |= FP_PE;
}

/* A normal number; a normal number or zero. */
static inline bool sse_normal_f64(uint64_t a)
{
	return (((a >> 52) + 1) & 0x7ff) > 1;
}
static inline bool sse_normal_f32(uint32_t a)
{
	return (((a >> 23) + 1) & 0xff) > 1;
}
static inline bool sse_zero_f64(uint64_t a)
{
	return a << 1 == 0;
}
static inline bool sse_zero_f32(uint32_t a)
{
	return a << 1 == 0;
}
static inline bool sse_real_f64(uint64_t a)
{
	return sse_normal_f64(a) || sse_zero_f64(a);
}
static inline bool sse_real_f32(uint32_t a)
{
	return sse_normal_f32(a) || sse_zero_f32(a);
}
/* Away from both ends of the exponents. */
static inline bool sse_inner_f64(double v)
{
	return v < 0 ? v > -0x1p1000 && v < -0x1p-1000 : v < 0x1p1000 && v > 0x1p-1000;
}
static inline bool sse_inner_f32(float v)
{
	return v < 0 ? v > -0x1p125f && v < -0x1p-124f : v < 0x1p125f && v > 0x1p-124f;
}
/* Errors of products and remainders of quotients of such a number are normal or zero. */
static inline bool sse_large_f64(double v)
{
	return v < 0 ? v < -0x1p-800 : v > 0x1p-800;
}

/* s = x + y, rounded: is it the sum?  The error of an addition is a number (the known "two sum"). */
static inline bool sse_sum_inexact_f64(double x, double y, double s)
{
	double of_y = s - x, of_x = s - of_y;

	return (x - of_x) + (y - of_y) != 0;
}
static inline bool sse_sum_inexact_f32(float x, float y, float s)
{
	float of_y = s - x, of_x = s - of_y;

	return (x - of_x) + (y - of_y) != 0;
}

#define SSE_FAST_SUM(op, sign, type, size, real, layout)                                                               \
	static inline uint##size##_t sse_##op##_f##size(uint##size##_t a, uint##size##_t b, struct sse_env *e)         \
	{                                                                                                              \
		if (sse_usual(e) && sse_real_f##size(a) && sse_real_f##size(b)) {                                      \
			type x = real(a), y = sign real(b), s = x + y;                                                 \
			if (s == 0)                                                                                    \
				return sse_bits_f##size(s);                                                            \
			if (sse_inner_f##size(s)) {                                                                    \
				if (sse_watched(e))                                                                    \
					sse_inexact(sse_sum_inexact_f##size(x, y, s), e);                              \
				return sse_bits_f##size(s);                                                            \
			}                                                                                              \
		}                                                                                                      \
		return (uint##size##_t)sse_##op(layout, a, b, e);                                                      \
	}
SSE_FAST_SUM(add, +, double, 64, sse_double, &fp_double)
SSE_FAST_SUM(sub, -, double, 64, sse_double, &fp_double)
SSE_FAST_SUM(add, +, float, 32, sse_float, &fp_single)
SSE_FAST_SUM(sub, -, float, 32, sse_float, &fp_single)

static inline uint64_t sse_mul_f64(uint64_t a, uint64_t b, struct sse_env *e)
{
	if (sse_usual(e) && sse_real_f64(a) && sse_real_f64(b)) {
		double x = sse_double(a), y = sse_double(b), p = x * y;

		if (x == 0 || y == 0)
			return sse_bits_f64(p);
		if (sse_inner_f64(p) && !sse_watched(e))
			return sse_bits_f64(p);
		if (sse_inner_f64(p) && sse_large_f64(p)) {
			sse_inexact(__builtin_fma(x, y, -p) != 0, e);
			return sse_bits_f64(p);
		}
	}
	return sse_mul(&fp_double, a, b, e);
}
static inline uint32_t sse_mul_f32(uint32_t a, uint32_t b, struct sse_env *e)
{
	if (sse_usual(e) && sse_real_f32(a) && sse_real_f32(b)) {
		double p = (double)sse_float(a) * sse_float(b); /* exact */
		float r = (float)p;

		if (p == 0 || sse_inner_f32(r)) {
			sse_inexact(r != p, e);
			return sse_bits_f32(r);
		}
	}
	return (uint32_t)sse_mul(&fp_single, a, b, e);
}

static inline uint64_t sse_div_f64(uint64_t a, uint64_t b, struct sse_env *e)
{
	if (sse_usual(e) && sse_real_f64(a) && sse_normal_f64(b)) {
		double x = sse_double(a), y = sse_double(b), q = x / y;

		if (x == 0)
			return sse_bits_f64(q);
		if (sse_inner_f64(q) && !sse_watched(e))
			return sse_bits_f64(q);
		if (sse_inner_f64(q) && sse_large_f64(x)) {
			sse_inexact(__builtin_fma(q, y, -x) != 0, e);
			return sse_bits_f64(q);
		}
	}
	return sse_div(&fp_double, a, b, e);
}
static inline uint32_t sse_div_f32(uint32_t a, uint32_t b, struct sse_env *e)
{
	if (sse_usual(e) && sse_real_f32(a) && sse_normal_f32(b)) {
		float x = sse_float(a), y = sse_float(b), q = x / y;

		if (x == 0 || sse_inner_f32(q)) {
			sse_inexact((double)q * y != x, e);
			return sse_bits_f32(q);
		}
	}
	return (uint32_t)sse_div(&fp_single, a, b, e);
}

static inline uint64_t sse_sqrt_f64(uint64_t a, struct sse_env *e)
{
	if (sse_usual(e) && sse_normal_f64(a) && sse_large_f64(sse_double(a)) && !(a >> 63)) {
		double x = sse_double(a), r = __builtin_sqrt(x);

		if (sse_watched(e))
			sse_inexact(__builtin_fma(r, r, -x) != 0, e);
		return sse_bits_f64(r);
	}
	return sse_sqrt(&fp_double, a, e);
}
static inline uint32_t sse_sqrt_f32(uint32_t a, struct sse_env *e)
{
	if (sse_usual(e) && sse_normal_f32(a) && !(a >> 31)) {
		float x = sse_float(a), r = __builtin_sqrtf(x);

		sse_inexact((double)r * r != x, e);
		return sse_bits_f32(r);
	}
	return (uint32_t)sse_sqrt(&fp_single, a, e);
}

/* Neither NaNs nor denormals: MXCSR has no say. */
#define SSE_FAST_CHOICE(op, sign, size, real, layout)                                                                  \
	static inline uint##size##_t sse_##op##_f##size(uint##size##_t a, uint##size##_t b, struct sse_env *e)         \
	{                                                                                                              \
		if (sse_real_f##size(a) && sse_real_f##size(b))                                                        \
			return real(a) sign real(b) ? a : b;                                                           \
		return (uint##size##_t)sse_##op(layout, a, b, e);                                                      \
	}
SSE_FAST_CHOICE(min, <, 64, sse_double, &fp_double)
SSE_FAST_CHOICE(max, >, 64, sse_double, &fp_double)
SSE_FAST_CHOICE(min, <, 32, sse_float, &fp_single)
SSE_FAST_CHOICE(max, >, 32, sse_float, &fp_single)

#define SSE_FAST_FLAGS(size, real, layout)                                                                             \
	static inline uint32_t sse_compare_flags_f##size(uint##size##_t a, uint##size##_t b, bool quiet,               \
							 struct sse_env *e)                                            \
	{                                                                                                              \
		if (sse_real_f##size(a) && sse_real_f##size(b))                                                        \
			return real(a) < real(b) ? SSE_CF : real(a) == real(b) ? SSE_ZF : 0;                           \
		return sse_compare_flags(layout, a, b, quiet, e);                                                      \
	}
SSE_FAST_FLAGS(64, sse_double, &fp_double)
SSE_FAST_FLAGS(32, sse_float, &fp_single)

#define SSE_FAST_FMA(type, size, real, function, layout)                                                               \
	static inline uint##size##_t sse_fma_f##size(uint##size##_t a, uint##size##_t b, uint##size##_t c,             \
						     unsigned negate, struct sse_env *e)                               \
	{                                                                                                              \
		if (sse_usual(e) && !sse_watched(e) && sse_real_f##size(a) && sse_real_f##size(b) &&                   \
		    sse_real_f##size(c)) {                                                                             \
			type x = negate & SSE_NEGATE_PRODUCT ? -real(a) : real(a);                                     \
			type r = function(x, real(b), negate & SSE_NEGATE_ADDEND ? -real(c) : real(c));                \
			if (sse_inner_f##size(r))                                                                      \
				return sse_bits_f##size(r);                                                            \
		}                                                                                                      \
		return (uint##size##_t)sse_fma(layout, a, b, c, negate, e);                                            \
	}
SSE_FAST_FMA(double, 64, sse_double, __builtin_fma, &fp_double)
SSE_FAST_FMA(float, 32, sse_float, __builtin_fmaf, &fp_single)

static inline uint64_t sse_convert_f32_f64(uint32_t a, struct sse_env *e)
{
	return sse_real_f32(a) ? sse_bits_f64(sse_float(a)) : sse_single_to_double(a, e);
}
static inline uint32_t sse_convert_f64_f32(uint64_t a, struct sse_env *e)
{
	if (sse_usual(e) && sse_real_f64(a)) {
		float r = (float)sse_double(a);

		if (sse_zero_f64(a) || sse_inner_f32(r)) {
			sse_inexact(r != sse_double(a), e);
			return sse_bits_f32(r);
		}
	}
	return sse_double_to_single(a, e);
}

/* A double of magnitude below 2^51, to the nearest integral value. */
static inline double sse_nearest(double v)
{
	return v + 0x1.8p52 - 0x1.8p52;
}

/* a, a number, to an integer that fits: truncated, or to nearest. */
static inline bool sse_to_int(double a, double limit, bool truncate, int64_t *r, struct sse_env *e)
{
	if (!(a > -limit && a < limit))
		return false;
	double v = truncate ? a : sse_nearest(a);

	*r = (int64_t)v;
	sse_inexact((double)*r != a, e);
	return true;
}

/* bits: 32 or 64.  The mode is MXCSR's or truncation. */
#define SSE_FAST_TO_INT(size, real, layout)                                                                            \
	static inline uint64_t sse_int_f##size(uint##size##_t a, unsigned bits, bool truncate, struct sse_env *e)      \
	{                                                                                                              \
		int64_t r;                                                                                             \
		if (sse_real_f##size(a) && (truncate || sse_usual(e)) &&                                               \
		    sse_to_int(real(a),                                                                                \
			       bits == 32 ? 0x1p31 - 1                                                                 \
			       : truncate ? 0x1p63                                                                     \
					  : 0x1p51,                                                                    \
			       truncate, &r, e))                                                                       \
			return bits == 32 ? (uint32_t)r : (uint64_t)r;                                                 \
		enum fp_rounding rc = truncate ? FP_TRUNCATE : sse_rc(e);                                              \
		return bits == 32 ? sse_to_i32(layout, a, rc, e) : sse_to_i64(layout, a, rc, e);                       \
	}
SSE_FAST_TO_INT(64, sse_double, &fp_double)
SSE_FAST_TO_INT(32, sse_float, &fp_single)

static inline uint64_t sse_from_int_f64(int64_t v, struct sse_env *e)
{
	if (SSE_HOST_ARITHMETIC && v <= INT64_C(1) << 53 && v >= -(INT64_C(1) << 53))
		return sse_bits_f64((double)v);
	return sse_from_int(&fp_double, v, e);
}
static inline uint32_t sse_from_int_f32(int64_t v, struct sse_env *e)
{
	if (SSE_HOST_ARITHMETIC && v <= 1 << 24 && v >= -(1 << 24))
		return sse_bits_f32((float)v);
	return (uint32_t)sse_from_int(&fp_single, v, e);
}

#endif
