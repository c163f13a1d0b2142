/* The host's own x87 as arithmetic backend: what the hardware computes is right by
 * construction.
 *
 * Two ways.  The quick one, for the common operations with every exception masked,
 * changes the control word only if the guest's differs from the host's.
 * The careful one puts the host's x87 state aside, runs the operation under the guest's
 * control word as it is (an exception left pending is not delivered: FNSAVE does not
 * wait) and reads result and stack from a saved image.
 * Afterwards the host's control word and stack are as before; the quick way
 * clears its exception flags. */
#include "cpu/fp.h"

#if TRAPGATE_FP_HOST

#include <string.h>

#define ALL_X87 "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)"

/* FNSAVE, 32-bit protected format: also what 64-bit mode stores. */
struct image {
	uint32_t cw, sw, tw, fip, fcs, fdp, fds;
	uint8_t st[8][10]; /* ST(0) first */
};
_Static_assert(sizeof(struct image) == 108, "FSAVE image");

static struct fp80 image_st(const struct image *image, unsigned i)
{
	struct fp80 v = {0, 0};

	memcpy(&v.mantissa, image->st[i], 8);
	memcpy(&v.sign_exponent, image->st[i] + 8, 2);
	return v;
}

/* ---- the careful way ---- */

#define CAREFUL(name, insn)                                                                   \
	static void careful_##name(struct image *after, const struct fp80 *a, const struct fp80 *b, \
				   uint16_t cw)                                                  \
	{                                                                                     \
		struct image host;                                                            \
                                                                                              \
		__asm__ volatile("fnsave %[host]\n\t"                                         \
				 "fldt %[b]\n\t"                                              \
				 "fldt %[a]\n\t"                                              \
				 "fldcw %[cw]\n\t" insn "\n\t"                                \
				 "fnsave %[after]\n\t"                                        \
				 "frstor %[host]"                                             \
				 : [after] "=m"(*after), [host] "=m"(host)                    \
				 : [a] "m"(*a), [b] "m"(*b), [cw] "m"(cw)                     \
				 : ALL_X87);                                                  \
	}

/* One result, in ST(0), after whatever the instruction popped. */
#define ONE(name, insn)                                                          \
	CAREFUL(name, insn)                                                      \
	static struct fp_result op_##name(struct fp80 a, struct fp80 b, uint16_t cw) \
	{                                                                        \
		struct image after;                                              \
                                                                                 \
		careful_##name(&after, &a, &b, cw);                              \
		return (struct fp_result){.v = image_st(&after, 0),              \
					  .sw = after.sw & (FP_EXCEPTIONS | FP_CC)}; \
	}

/* Two results: the instruction pushes. */
#define TWO(name, insn)                                                          \
	CAREFUL(name, insn)                                                      \
	static struct fp_result op_##name(struct fp80 a, struct fp80 b, uint16_t cw) \
	{                                                                        \
		struct image after;                                              \
                                                                                 \
		careful_##name(&after, &a, &b, cw);                              \
		return (struct fp_result){.v = image_st(&after, 1),              \
					  .w = image_st(&after, 0),              \
					  .sw = after.sw & (FP_EXCEPTIONS | FP_CC)}; \
	}

ONE(scale, "fscale")
ONE(prem, "fprem")
ONE(prem1, "fprem1")
ONE(2xm1, "f2xm1")
ONE(yl2x, "fyl2x")
ONE(any_yl2xp1, "fyl2xp1")
ONE(patan, "fpatan")
ONE(sin, "fsin")
ONE(cos, "fcos")
TWO(xtract, "fxtract")
TWO(ptan, "fptan")
TWO(sincos, "fsincos")

/* Processors compute something for operands below -1 where the SDM asks for an
 * invalid-operation exception; it decides. */
static struct fp_result op_yl2xp1(struct fp80 a, struct fp80 b, uint16_t cw)
{
	if (fp_below_minus_one(a) && fp_classify(b) != FP_NAN)
		return fp_invalid();
	return op_any_yl2xp1(a, b, cw);
}

/* ---- the quick way ---- */

/* Makes the host's x87 ready: exception flags clear, control word cw.  Returns
 * the control word to put back. */
static inline uint16_t begin(uint16_t cw)
{
	uint16_t saved, sw;

	__asm__ volatile("fnstcw %0\n\tfnstsw %%ax" : "=m"(saved), "=a"(sw));
	if (sw & FP_EXCEPTIONS)
		__asm__ volatile("fnclex");
	if (saved != cw)
		__asm__ volatile("fldcw %0" : : "m"(cw));
	return saved;
}

static inline void end(uint16_t saved, uint16_t cw)
{
	if (saved == cw)
		return;
	if ((saved & FP_EXCEPTIONS) != FP_EXCEPTIONS)
		__asm__ volatile("fnclex");
	__asm__ volatile("fldcw %0" : : "m"(saved));
}

static inline bool all_masked(uint16_t cw) { return (cw & FP_EXCEPTIONS) == FP_EXCEPTIONS; }

#define QUICK(name, insn)                                                                     \
	ONE(careful_##name, insn)                                                             \
	static struct fp_result op_##name(struct fp80 a, struct fp80 b, uint16_t cw)          \
	{                                                                                     \
		struct fp_result r = {0};                                                     \
		uint16_t saved, sw;                                                           \
                                                                                              \
		if (!all_masked(cw))                                                          \
			return op_careful_##name(a, b, cw);                                   \
		saved = begin(cw);                                                            \
		__asm__ volatile("fldt %[b]\n\t"                                              \
				 "fldt %[a]\n\t" insn "\n\t"                                  \
				 "fnstsw %%ax\n\t"                                            \
				 "fstpt %[v]\n\t"                                             \
				 "fstp %%st"                                                  \
				 : [v] "=m"(r.v), "=a"(sw)                                    \
				 : [a] "m"(a), [b] "m"(b)                                     \
				 : ALL_X87);                                                  \
		end(saved, cw);                                                               \
		r.sw = sw & (FP_EXCEPTIONS | FP_CC);                                          \
		return r;                                                                     \
	}

QUICK(add, "fadd %%st(1), %%st")
QUICK(sub, "fsub %%st(1), %%st")
QUICK(mul, "fmul %%st(1), %%st")
QUICK(div, "fdiv %%st(1), %%st")
QUICK(sqrt, "fsqrt")
QUICK(rndint, "frndint")

/* The bytes a store writes. */
struct bits {
	uint64_t lo;
	uint16_t hi;
};

/* Stores to memory, both ways.  The forms that pop; an unmasked exception keeps
 * them from it, and FNSAVE clears up. */
#define STORE(name, insn)                                                                             \
	static struct fp_stored store_##name(struct fp80 a, uint16_t cw)                              \
	{                                                                                             \
		struct image host, after;                                                             \
		struct bits value = {0, 0};                                                           \
		uint16_t saved, sw;                                                                   \
                                                                                                      \
		if (all_masked(cw)) {                                                                 \
			saved = begin(cw);                                                            \
			__asm__ volatile("fldt %[a]\n\t" insn "\n\t"                                  \
					 "fnstsw %%ax"                                                \
					 : [value] "+m"(value), "=a"(sw)                              \
					 : [a] "m"(a)                                                 \
					 : ALL_X87);                                                  \
			end(saved, cw);                                                               \
		} else {                                                                              \
			__asm__ volatile("fnsave %[host]\n\t"                                         \
					 "fldt %[a]\n\t"                                              \
					 "fldcw %[cw]\n\t" insn "\n\t"                                \
					 "fnsave %[after]\n\t"                                        \
					 "frstor %[host]"                                             \
					 : [after] "=m"(after), [host] "=m"(host), [value] "+m"(value) \
					 : [a] "m"(a), [cw] "m"(cw)                                   \
					 : ALL_X87);                                                  \
			sw = (uint16_t)after.sw;                                                      \
		}                                                                                     \
		return (struct fp_stored){value.lo, value.hi, sw & (FP_EXCEPTIONS | FP_CC)};          \
	}

STORE(f32, "fstps %[value]")
STORE(f64, "fstpl %[value]")
STORE(i16, "fistps %[value]")
STORE(i32, "fistpl %[value]")
STORE(i64, "fistpll %[value]")
STORE(bcd, "fbstp %[value]")

const struct fp_backend fp_host = {
	.name = "host",
	.op = {op_add, op_sub, op_mul, op_div, op_sqrt, op_rndint, op_scale, op_prem, op_prem1, op_xtract,
	       op_2xm1, op_yl2x, op_yl2xp1, op_ptan, op_patan, op_sin, op_cos, op_sincos},
	.store = {store_f32, store_f64, store_i16, store_i32, store_i64, store_bcd},
};

#endif
