/* The host's own x87 as arithmetic backend: what the hardware computes is right by
 * construction.
 *
 * The host's x87 state is put aside, the operation runs under the guest's control word as it
 * is, and result and stack are read from a saved image.  An exception left pending is not
 * delivered: FNSAVE does not wait.  Afterwards the host's state is as before. */
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

#define RUN(name, insn)                                                                                                \
	static void run_##name(struct image *after, const struct fp80 *a, const struct fp80 *b, uint16_t cw)           \
	{                                                                                                              \
		struct image host;                                                                                     \
                                                                                                                       \
		__asm__ volatile("fnsave %[host]\n\t"                                                                  \
				 "fldt %[b]\n\t"                                                                       \
				 "fldt %[a]\n\t"                                                                       \
				 "fldcw %[cw]\n\t" insn "\n\t"                                                         \
				 "fnsave %[after]\n\t"                                                                 \
				 "frstor %[host]"                                                                      \
				 : [after] "=m"(*after), [host] "=m"(host)                                             \
				 : [a] "m"(*a), [b] "m"(*b), [cw] "m"(cw)                                              \
				 : ALL_X87);                                                                           \
	}

/* One result, in ST(0), after whatever the instruction popped. */
#define ONE(name, insn)                                                                                                \
	RUN(name, insn)                                                                                                \
	static struct fp_result op_##name(struct fp80 a, struct fp80 b, uint16_t cw)                                   \
	{                                                                                                              \
		struct image after;                                                                                    \
                                                                                                                       \
		run_##name(&after, &a, &b, cw);                                                                        \
		return (struct fp_result){.v = image_st(&after, 0), .sw = after.sw & (FP_EXCEPTIONS | FP_CC)};         \
	}

/* Two results: the instruction pushes. */
#define TWO(name, insn)                                                                                                \
	RUN(name, insn)                                                                                                \
	static struct fp_result op_##name(struct fp80 a, struct fp80 b, uint16_t cw)                                   \
	{                                                                                                              \
		struct image after;                                                                                    \
                                                                                                                       \
		run_##name(&after, &a, &b, cw);                                                                        \
		return (struct fp_result){                                                                             \
			.v = image_st(&after, 1), .w = image_st(&after, 0), .sw = after.sw & (FP_EXCEPTIONS | FP_CC)}; \
	}

ONE(add, "fadd %%st(1), %%st")
ONE(sub, "fsub %%st(1), %%st")
ONE(mul, "fmul %%st(1), %%st")
ONE(div, "fdiv %%st(1), %%st")
ONE(sqrt, "fsqrt")
ONE(rndint, "frndint")
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

/* The bytes a store writes. */
struct bits {
	uint64_t lo;
	uint16_t hi;
};

/* The forms that pop; an unmasked exception keeps them from it, and FNSAVE clears up. */
#define STORE(name, insn)                                                                                              \
	static struct fp_stored store_##name(struct fp80 a, uint16_t cw)                                               \
	{                                                                                                              \
		struct image host, after;                                                                              \
		struct bits value = {0, 0};                                                                            \
                                                                                                                       \
		__asm__ volatile("fnsave %[host]\n\t"                                                                  \
				 "fldt %[a]\n\t"                                                                       \
				 "fldcw %[cw]\n\t" insn "\n\t"                                                         \
				 "fnsave %[after]\n\t"                                                                 \
				 "frstor %[host]"                                                                      \
				 : [after] "=m"(after), [host] "=m"(host), [value] "+m"(value)                         \
				 : [a] "m"(a), [cw] "m"(cw)                                                            \
				 : ALL_X87);                                                                           \
		return (struct fp_stored){value.lo, value.hi, after.sw & (FP_EXCEPTIONS | FP_CC)};                     \
	}

STORE(f32, "fstps %[value]")
STORE(f64, "fstpl %[value]")
STORE(i16, "fistps %[value]")
STORE(i32, "fistpl %[value]")
STORE(i64, "fistpll %[value]")
STORE(bcd, "fbstp %[value]")

const struct fp_backend fp_host = {
	.name = "host",
	.op = {op_add, op_sub, op_mul, op_div, op_sqrt, op_rndint, op_scale, op_prem, op_prem1, op_xtract, op_2xm1,
	       op_yl2x, op_yl2xp1, op_ptan, op_patan, op_sin, op_cos, op_sincos},
	.store = {store_f32, store_f64, store_i16, store_i32, store_i64, store_bcd},
};

#endif
