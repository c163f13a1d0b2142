/* Arithmetic on 80-bit extended values, apart from any processor state: operands
 * and a control word in, result and status bits out.
 *
 * Two backends share this interface.  fp_portable computes with integers, and the
 * transcendental functions with MPFR; fp_host runs each operation on the host's own x87.
 * They agree to the bit, flags and C1 included, in everything but the transcendental
 * functions, which differ by at most one unit in the last place, and in C1: as SDM 1,
 * "Transcendental Instruction Accuracy", allows.
 *
 * The processor takes the arithmetic from fp_portable, which is several times as fast
 * as setting up the host's x87 for one operation, and the functions from fp_host, which is
 * ten times as fast as MPFR, where there is one.
 *
 * Sources: SDM 1, "Programming with the x87 FPU" and "Overview of
 * Floating-Point Exceptions". */
#ifndef TRAPGATE_CPU_FP_H
#define TRAPGATE_CPU_FP_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/state.h"

/* Status word (SDM 1, "x87 FPU Status Register"); the six exceptions have their
 * masks at the same places of the control word. */
#define FP_IE         0x0001u
#define FP_DE         0x0002u
#define FP_ZE         0x0004u
#define FP_OE         0x0008u
#define FP_UE         0x0010u
#define FP_PE         0x0020u
#define FP_EXCEPTIONS 0x003fu
#define FP_SF         0x0040u
#define FP_ES         0x0080u
#define FP_C0         0x0100u
#define FP_C1         0x0200u
#define FP_C2         0x0400u
#define FP_TOP        0x3800u
#define FP_TOP_SHIFT  11
#define FP_C3         0x4000u
#define FP_B          0x8000u
#define FP_CC         (FP_C0 | FP_C1 | FP_C2 | FP_C3)

/* Unmasked, these leave the destination and the stack alone; the other three
 * are found after the operation (SDM 1, "Floating-Point Exception Priority"). */
#define FP_BEFORE (FP_IE | FP_DE | FP_ZE)

/* Control word (SDM 1, "x87 FPU Control Word"). */
#define FP_PC_SHIFT 8
#define FP_PC_24    0
#define FP_PC_53    2
#define FP_RC_SHIFT 10
enum fp_rounding { FP_NEAREST, FP_DOWN, FP_UP, FP_TRUNCATE };

static inline enum fp_rounding fp_rc(uint16_t cw)
{
	return (enum fp_rounding)((cw >> FP_RC_SHIFT) & 3);
}

#define FP_EXP_MAX     0x7fffu
#define FP_EXP_BIAS    16383
#define FP_INTEGER_BIT (UINT64_C(1) << 63)
#define FP_QUIET_BIT   (UINT64_C(1) << 62)
/* Added to or taken from the exponent of a result whose underflow or overflow is
 * unmasked (SDM 1, "Numeric Overflow Exception (#O)"). */
#define FP_WRAP 24576

/* SDM 1, "Indefinites". */
static inline struct fp80 fp_indefinite(void)
{
	return (struct fp80){0xc000000000000000u, 0xffff};
}

enum fp_class { FP_UNSUPPORTED, FP_NAN, FP_NORMAL, FP_INFINITY, FP_ZERO, FP_DENORMAL };

/* Pseudo-denormals are denormals; pseudo-NaNs, pseudo-infinities and unnormals
 * are unsupported.  SDM 1, "Unsupported Double Extended-Precision Floating-Point
 * Encodings and Pseudo-Denormals". */
enum fp_class fp_classify(struct fp80 v);

static inline bool fp_sign(struct fp80 v)
{
	return v.sign_exponent >> 15;
}
static inline bool fp_is_snan(struct fp80 v)
{
	return (v.sign_exponent & FP_EXP_MAX) == FP_EXP_MAX && (v.mantissa >> 62) == 2 && (v.mantissa << 2) != 0;
}

/* What an operation yields.  sw holds exception flags and C0..C3.  v and w mean nothing
 * if an unmasked exception of FP_BEFORE is among the flags. */
struct fp_result {
	struct fp80 v;
	struct fp80 w; /* second result of XTRACT, PTAN, SINCOS: what is pushed */
	uint16_t sw;
};

static inline struct fp_result fp_invalid(void)
{
	return (struct fp_result){.v = fp_indefinite(), .w = fp_indefinite(), .sw = FP_IE};
}

/* Value for memory.  Not to be stored if an unmasked exception other than
 * precision is among the flags. */
struct fp_stored {
	uint64_t lo; /* the value, or the low 8 bytes of packed BCD */
	uint16_t hi; /* BCD: bytes 8 and 9 */
	uint16_t sw;
};

/* a is ST(0) or the destination, b the other operand: ADD a + b, SUB a - b,
 * DIV a / b, SCALE a * 2^b, PREM a rem b, YL2X b * log2 a, PATAN arctan(b / a).
 * PTAN, SIN, COS, SINCOS report C2 = 1 for |a| >= 2^63; XTRACT: v exponent, w
 * significand; SINCOS: v sine, w cosine; PTAN: v tangent, w 1.  From 2XM1 on: the
 * transcendental functions. */
enum fp_op {
	FP_ADD,
	FP_SUB,
	FP_MUL,
	FP_DIV,
	FP_SQRT,
	FP_RNDINT,
	FP_SCALE,
	FP_PREM,
	FP_PREM1,
	FP_XTRACT,
	FP_2XM1,
	FP_YL2X,
	FP_YL2XP1,
	FP_PTAN,
	FP_PATAN,
	FP_SIN,
	FP_COS,
	FP_SINCOS,
	FP_OPS
};

enum fp_format { FP_F32, FP_F64, FP_I16, FP_I32, FP_I64, FP_BCD, FP_FORMATS };

typedef struct fp_result fp_op_fn(struct fp80 a, struct fp80 b, uint16_t cw);
typedef struct fp_stored fp_store_fn(struct fp80 v, uint16_t cw);

struct fp_backend {
	const char *name;
	fp_op_fn *op[FP_OPS];
	fp_store_fn *store[FP_FORMATS];
};

/* x87.cmake says which are built: the host's x87, and MPFR for the functions of
 * fp_portable (else NULL there). */
#ifndef TRAPGATE_FP_HOST
#define TRAPGATE_FP_HOST 1
#endif
#ifndef TRAPGATE_FP_MPFR
#define TRAPGATE_FP_MPFR 0
#endif
#if TRAPGATE_FP_HOST
extern const struct fp_backend fp_host;
#define FP_FUNCTIONS fp_host
#else
#define FP_FUNCTIONS fp_portable
#endif
extern const struct fp_backend fp_portable;

/* What the processor computes with. */
static inline struct fp_result fp_compute(enum fp_op op, struct fp80 a, struct fp80 b, uint16_t cw)
{
	return op < FP_2XM1 ? fp_portable.op[op](a, b, cw) : FP_FUNCTIONS.op[op](a, b, cw);
}
static inline struct fp_stored fp_store(enum fp_format format, struct fp80 v, uint16_t cw)
{
	return fp_portable.store[format](v, cw);
}

/* ---- without rounding, so the same for both (fp.c) ---- */

/* The value of a memory operand.  An SNaN stays one: the operation reports it.
 * *denormal: the operand was denormal in its own format. */
struct fp80 fp_from_f32(uint32_t bits, bool *denormal);
struct fp80 fp_from_f64(uint64_t bits, bool *denormal);
struct fp80 fp_from_int(int64_t value);
/* Packed BCD; digits above 9 count as they are (SDM 2A "FBLD": undefined). */
struct fp80 fp_from_bcd(uint64_t lo, uint16_t hi);

/* C3, C2, C0 and IE, DE.  quiet: FUCOM, a QNaN is no invalid operand. */
uint16_t fp_compare(struct fp80 a, struct fp80 b, bool quiet);
/* FXAM's C3, C2, C1, C0 of a register that is not empty. */
uint16_t fp_examine(struct fp80 v);

/* FYL2XP1's invalid operand, minus infinity included (SDM 1, "Invalid Arithmetic Operations
 * and the Masked Responses to Them"). */
bool fp_below_minus_one(struct fp80 v);

enum fp_constant { FP_CONST_1, FP_CONST_L2T, FP_CONST_L2E, FP_CONST_PI, FP_CONST_LG2, FP_CONST_LN2, FP_CONST_0 };
/* FLD1 .. FLDZ, rounded as cw says (SDM 2A, "FLD1/FLDL2T/...": PE is not reported). */
struct fp80 fp_constant(enum fp_constant which, uint16_t cw);

#endif
