/* The two arithmetic backends against each other: everything but the
 * transcendental functions to the bit, flags and C1 included; those within one unit in the
 * last place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cpu/fp.h"
#include "x87/operands.h"

#if TRAPGATE_FP_HOST

#define CASES      60000
#define CASES_SLOW 6000

static bool same(struct fp80 a, struct fp80 b)
{
	return a.mantissa == b.mantissa && a.sign_exponent == b.sign_exponent;
}

static void differs(const char *what, struct fp80 a, struct fp80 b, uint16_t cw)
{
	fail_msg("%s: a = %04x:%016llx, b = %04x:%016llx, control word %04x", what, a.sign_exponent,
		 (unsigned long long)a.mantissa, b.sign_exponent, (unsigned long long)b.mantissa, cw);
}

/* Every pair of special operands, then random ones. */
static void operands(struct random *r, unsigned i, struct fp80 *a, struct fp80 *b)
{
	*a = random_operand(r);
	*b = random_operand(r);
	if (i < SPECIAL_OPERANDS * SPECIAL_OPERANDS) {
		*a = special_operands[i % SPECIAL_OPERANDS];
		*b = special_operands[i / SPECIAL_OPERANDS];
	}
}

/* An unmasked exception of the first kind: the results mean nothing. */
static bool no_result(uint16_t sw, uint16_t cw)
{
	return sw & ~cw & FP_BEFORE;
}

static void compare_exactly(enum fp_op op, const char *name, uint16_t status, bool two)
{
	struct random r = {op * 1000 + 88172645463325252u};
	struct fp80 a, b;

	for (unsigned i = 0; i < CASES; i++) {
		uint16_t cw = random_control(&r);

		operands(&r, i, &a, &b);
		struct fp_result x = fp_host.op[op](a, b, cw), y = fp_portable.op[op](a, b, cw);

		if ((x.sw ^ y.sw) & status)
			differs(name, a, b, cw);
		if (!no_result(x.sw, cw) && (!same(x.v, y.v) || (two && !same(x.w, y.w))))
			differs(name, a, b, cw);
	}
}

#define ARITHMETIC (FP_EXCEPTIONS | FP_C1)
static void add_agrees(void **state)
{
	compare_exactly(FP_ADD, "FADD", ARITHMETIC, false);
}
static void sub_agrees(void **state)
{
	compare_exactly(FP_SUB, "FSUB", ARITHMETIC, false);
}
static void mul_agrees(void **state)
{
	compare_exactly(FP_MUL, "FMUL", ARITHMETIC, false);
}
static void div_agrees(void **state)
{
	compare_exactly(FP_DIV, "FDIV", ARITHMETIC, false);
}
static void sqrt_agrees(void **state)
{
	compare_exactly(FP_SQRT, "FSQRT", ARITHMETIC, false);
}
static void rndint_agrees(void **state)
{
	compare_exactly(FP_RNDINT, "FRNDINT", ARITHMETIC, false);
}
static void scale_agrees(void **state)
{
	compare_exactly(FP_SCALE, "FSCALE", ARITHMETIC, false);
}
static void prem_agrees(void **state)
{
	compare_exactly(FP_PREM, "FPREM", FP_EXCEPTIONS | FP_CC, false);
}
static void prem1_agrees(void **state)
{
	compare_exactly(FP_PREM1, "FPREM1", FP_EXCEPTIONS | FP_CC, false);
}
static void xtract_agrees(void **state)
{
	compare_exactly(FP_XTRACT, "FXTRACT", FP_EXCEPTIONS, true);
}

/* Distance in units in the last place; denormals and normal numbers are
 * neighbours. */
static bool near(struct fp80 a, struct fp80 b)
{
	unsigned ea = a.sign_exponent & FP_EXP_MAX, eb = b.sign_exponent & FP_EXP_MAX;
	uint64_t ma = a.mantissa & ~FP_INTEGER_BIT, mb = b.mantissa & ~FP_INTEGER_BIT;

	if (same(a, b))
		return true;
	if ((a.sign_exponent ^ b.sign_exponent) & 0x8000)
		return false;
	if (ea == eb)
		return ma - mb == 1 || mb - ma == 1;
	if (ea + 1 == eb)
		return ma == ~FP_INTEGER_BIT && mb == 0;
	return eb + 1 == ea && mb == ~FP_INTEGER_BIT && ma == 0;
}

static void compare_nearly(enum fp_op op, const char *name, bool two)
{
	struct random r = {op * 1000 + 88172645463325252u};
	struct fp80 a, b;

	if (!TRAPGATE_FP_MPFR) {
		print_message("x87: built without MPFR: %s is not compared\n", name);
		skip();
	}
	for (unsigned i = 0; i < CASES_SLOW; i++) {
		uint16_t cw = random_control(&r);

		operands(&r, i, &a, &b);
		struct fp_result x = fp_host.op[op](a, b, cw), y = fp_portable.op[op](a, b, cw);

		if ((x.sw ^ y.sw) & (FP_EXCEPTIONS | FP_C2))
			differs(name, a, b, cw);
		if (no_result(x.sw, cw) || (x.sw & FP_C2))
			continue;
		if (!near(x.v, y.v) || (two && !near(x.w, y.w)))
			differs(name, a, b, cw);
	}
}

static void f2xm1_near(void **state)
{
	compare_nearly(FP_2XM1, "F2XM1", false);
}
static void yl2x_near(void **state)
{
	compare_nearly(FP_YL2X, "FYL2X", false);
}
static void yl2xp1_near(void **state)
{
	compare_nearly(FP_YL2XP1, "FYL2XP1", false);
}
static void ptan_near(void **state)
{
	compare_nearly(FP_PTAN, "FPTAN", true);
}
static void patan_near(void **state)
{
	compare_nearly(FP_PATAN, "FPATAN", false);
}
static void sin_near(void **state)
{
	compare_nearly(FP_SIN, "FSIN", false);
}
static void cos_near(void **state)
{
	compare_nearly(FP_COS, "FCOS", false);
}
static void sincos_near(void **state)
{
	compare_nearly(FP_SINCOS, "FSINCOS", true);
}

static void compare_stores(enum fp_format format, const char *name)
{
	struct random r = {format * 1000 + 88172645463325252u};
	struct fp80 a, b;

	for (unsigned i = 0; i < CASES; i++) {
		uint16_t cw = random_control(&r);

		operands(&r, i, &a, &b);
		struct fp_stored x = fp_host.store[format](a, cw), y = fp_portable.store[format](a, cw);

		if ((x.sw ^ y.sw) & ARITHMETIC)
			differs(name, a, b, cw);
		if (!(x.sw & ~cw & FP_EXCEPTIONS & ~FP_PE) && (x.lo != y.lo || x.hi != y.hi))
			differs(name, a, b, cw);
	}
}

static void store_f32_agrees(void **state)
{
	compare_stores(FP_F32, "FST m32");
}
static void store_f64_agrees(void **state)
{
	compare_stores(FP_F64, "FST m64");
}
static void store_i16_agrees(void **state)
{
	compare_stores(FP_I16, "FIST m16");
}
static void store_i32_agrees(void **state)
{
	compare_stores(FP_I32, "FIST m32");
}
static void store_i64_agrees(void **state)
{
	compare_stores(FP_I64, "FISTP m64");
}
static void store_bcd_agrees(void **state)
{
	compare_stores(FP_BCD, "FBSTP");
}

/* The host backend leaves the host's x87 as it was. */
static void host_control_word_is_kept(void **state)
{
	const struct fp80 third = {UINT64_C(0xaaaaaaaaaaaaaaab), 0x3ffd}, one = {UINT64_C(1) << 63, 0x3fff};
	uint16_t saved, mine = 0x0b7f, after;

	__asm__ volatile("fnstcw %0\n\tfldcw %1" : "=m"(saved) : "m"(mine));
	fp_host.op[FP_ADD](third, one, 0x0c7f);
	fp_host.op[FP_ADD](third, one, 0x0040);
	fp_host.op[FP_SIN](third, one, 0x037f);
	fp_host.store[FP_F32](third, 0x067f);
	__asm__ volatile("fnstcw %0\n\tfldcw %1" : "=m"(after) : "m"(saved));
	assert_int_equal(after, mine);
}

#define TEST(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(add_agrees),
		TEST(sub_agrees),
		TEST(mul_agrees),
		TEST(div_agrees),
		TEST(sqrt_agrees),
		TEST(rndint_agrees),
		TEST(scale_agrees),
		TEST(prem_agrees),
		TEST(prem1_agrees),
		TEST(xtract_agrees),
		TEST(f2xm1_near),
		TEST(yl2x_near),
		TEST(yl2xp1_near),
		TEST(ptan_near),
		TEST(patan_near),
		TEST(sin_near),
		TEST(cos_near),
		TEST(sincos_near),
		TEST(store_f32_agrees),
		TEST(store_f64_agrees),
		TEST(store_i16_agrees),
		TEST(store_i32_agrees),
		TEST(store_i64_agrees),
		TEST(store_bcd_agrees),
		TEST(host_control_word_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void a_host_x87_is_needed(void **state)
{
	print_message("x87: built without the host's x87: nothing to compare with\n");
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_host_x87_is_needed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
