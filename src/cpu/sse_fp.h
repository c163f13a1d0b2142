/* Arithmetic of SSE, AVX, FMA and F16C on single elements, apart from any processor state: bits of binary32, binary64
 * and binary16 in and out, with MXCSR to go by and the exceptions that were found.
 *
 * The functions say what was found and give the masked response; whether an exception is unmasked, and that nothing is
 * written then, is for who calls: sse_settle() after the last element.  A result means nothing if it says false.
 *
 * They compute with integers.  sse_fp_fast.h has the common operations, done by the host's own binary32 and binary64
 * arithmetic where that gives the same result and the same exceptions.
 *
 * Sources: SDM 1, "SSE and SSE2 Exceptions", "Interaction of SIMD and x87 Floating-Point Exceptions", "Overview of
 * Floating-Point Exceptions", "MXCSR Control and Status Register", "FMA Instruction Numeric Behavior", and appendix
 * "Guidelines for Writing SIMD Floating-Point Exception Handlers", whose tables give the results for NaNs. */
#ifndef TRAPGATE_CPU_SSE_FP_H
#define TRAPGATE_CPU_SSE_FP_H

#include "cpu/fp_round.h"

/* MXCSR.  The exceptions are FP_IE .. FP_PE of fp.h, their masks lie 7 bits above. */
#define SSE_DAZ        0x0040u
#define SSE_MASK_SHIFT 7
#define SSE_RC_SHIFT   13
#define SSE_FTZ        0x8000u
/* After reset: all masked, to nearest, neither DAZ nor FTZ. */
#define SSE_DEFAULT 0x1f80u

struct sse_env {
	uint32_t mxcsr; /* as it was before the instruction */
	uint32_t flags; /* exceptions found by it: FP_IE .. FP_PE; functions add to them */
};

static inline uint32_t sse_unmasked(const struct sse_env *e)
{
	return e->flags & ~(e->mxcsr >> SSE_MASK_SHIFT) & FP_EXCEPTIONS;
}
static inline enum fp_rounding sse_rc(const struct sse_env *e)
{
	return (enum fp_rounding)((e->mxcsr >> SSE_RC_SHIFT) & 3);
}

/* After the last element: e->flags becomes what MXCSR's flags are or-ed with.  With an unmasked exception that is
 * found before computing, in any element, none is that would be found afterwards (SDM 1, "SIMD Floating-Point
 * Exceptions": the pre-computation and post-computation exceptions).  False: an exception is unmasked, no result is to
 * be written. */
bool sse_settle(struct sse_env *e);

/* a op b.  f is &fp_single or &fp_double here and below. */
typedef uint64_t sse_op_fn(const struct fp_layout *f, uint64_t a, uint64_t b, struct sse_env *e);
sse_op_fn sse_add, sse_sub, sse_mul, sse_div;
/* The second operand if they are equal or one is a NaN (SDM 2, "MINPS"). */
sse_op_fn sse_min, sse_max;
uint64_t sse_sqrt(const struct fp_layout *f, uint64_t a, struct sse_env *e);

/* x * y + z, rounded once; the product and z may be negated, NaNs never are. */
#define SSE_NEGATE_PRODUCT 1u
#define SSE_NEGATE_ADDEND  2u
uint64_t sse_fma(const struct fp_layout *f, uint64_t x, uint64_t y, uint64_t z, unsigned negate, struct sse_env *e);

/* predicate: 0 .. 31 (SDM 2, "CMPPD", table of comparison predicates). */
bool sse_compare(const struct fp_layout *f, uint64_t a, uint64_t b, unsigned predicate, struct sse_env *e);
/* COMISS or, quiet, UCOMISS: ZF, PF and CF at their places in EFLAGS. */
#define SSE_CF 0x01u
#define SSE_PF 0x04u
#define SSE_ZF 0x40u
uint32_t sse_compare_flags(const struct fp_layout *f, uint64_t a, uint64_t b, bool quiet, struct sse_env *e);

/* ROUNDPS and its sisters: imm as the instruction has it. */
#define SSE_ROUND_MXCSR   4u /* go by MXCSR.RC, not by bits 0 and 1 */
#define SSE_ROUND_INEXACT 8u /* do not report the precision exception */
uint64_t sse_round(const struct fp_layout *f, uint64_t a, unsigned imm, struct sse_env *e);

/* To a signed integer of 32 or 64 bits; the integer indefinite is the most negative one. */
uint32_t sse_to_i32(const struct fp_layout *f, uint64_t a, enum fp_rounding rc, struct sse_env *e);
uint64_t sse_to_i64(const struct fp_layout *f, uint64_t a, enum fp_rounding rc, struct sse_env *e);
uint64_t sse_from_int(const struct fp_layout *f, int64_t value, struct sse_env *e);

uint64_t sse_single_to_double(uint32_t a, struct sse_env *e);
uint32_t sse_double_to_single(uint64_t a, struct sse_env *e);
/* VCVTPH2PS; VCVTPS2PH with its imm (bits 0 to 2 as those of sse_round()). */
uint32_t sse_half_to_single(uint16_t a, struct sse_env *e);
uint16_t sse_single_to_half(uint32_t a, unsigned imm, struct sse_env *e);

/* RCPSS and RSQRTSS: no exceptions, whatever MXCSR says (sse_fp_approx.c has which approximation). */
uint32_t sse_rcp(uint32_t a);
uint32_t sse_rsqrt(uint32_t a);

#endif
