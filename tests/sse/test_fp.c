/* SSE's arithmetic by rules that need no other processor: the fast ways (cpu/sse_fp_fast.h) against the functions, the
 * gathering of exceptions, the approximations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "cpu/sse_fp_fast.h"
#include "sse/fp_host.h"
#include "sse/fp_operands.h"

#define CASES 20000

/* MXCSR as programs have it: as after reset, precision seen or not; sometimes another. */
static uint32_t usual_mxcsr(struct random *r)
{
	if (random_below(r, 8) == 0)
		return fp_random_mxcsr(r) | random_below(r, 64);
	return SSE_DEFAULT | random_below(r, 64);
}

/* Flags that MXCSR has already may be missing. */
static void agree(const char *what, uint64_t fast, uint64_t slow, const struct sse_env *of_fast,
		  const struct sse_env *of_slow, const uint64_t *in)
{
	uint32_t news = ~of_slow->mxcsr & FP_EXCEPTIONS;

	if (sse_unmasked(of_slow) && (of_fast->flags & news) == (of_slow->flags & news))
		return;
	if (fast != slow || (of_fast->flags & news) != (of_slow->flags & news))
		fail_msg("%s, MXCSR %04x, %llx, %llx, %llx: fast %llx flags %02x, slow %llx flags %02x", what,
			 of_slow->mxcsr, (unsigned long long)in[0], (unsigned long long)in[1],
			 (unsigned long long)in[2], (unsigned long long)fast, of_fast->flags, (unsigned long long)slow,
			 of_slow->flags);
}

#define AGREES(name, layout, type, fast, slow)                                                                         \
	static void fast_##name(void **state)                                                                          \
	{                                                                                                              \
		struct random r = {88172645463325252u};                                                                \
		for (unsigned i = 0; i < CASES; i++) {                                                                 \
			uint64_t in[3] = {fp_random_bits(&r, layout), fp_random_bits(&r, layout),                      \
					  fp_random_bits(&r, layout)};                                                 \
			struct sse_env x = {.mxcsr = usual_mxcsr(&r)}, y = x, *e = &x;                                 \
			type a = (type)in[0], b = (type)in[1], c = (type)in[2];                                        \
			unsigned k = random_below(&r, 4);                                                              \
			(void)a, (void)b, (void)c, (void)k;                                                            \
			uint64_t v = fast;                                                                             \
			e = &y;                                                                                        \
			agree(#name, v, slow, &x, &y, in);                                                             \
		}                                                                                                      \
	}
#define D &fp_double
#define F &fp_single
#define BOTH_TYPES(op)                                                                                                 \
	AGREES(op##_f64, D, uint64_t, sse_##op##_f64(a, b, e), sse_##op(D, a, b, e))                                   \
	AGREES(op##_f32, F, uint32_t, sse_##op##_f32(a, b, e), (uint32_t)sse_##op(F, a, b, e))
BOTH_TYPES(add)
BOTH_TYPES(sub)
BOTH_TYPES(mul)
BOTH_TYPES(div)
BOTH_TYPES(min)
BOTH_TYPES(max)
AGREES(sqrt_f64, D, uint64_t, sse_sqrt_f64(a, e), sse_sqrt(D, a, e))
AGREES(sqrt_f32, F, uint32_t, sse_sqrt_f32(a, e), (uint32_t)sse_sqrt(F, a, e))
AGREES(compare_flags_f64, D, uint64_t, sse_compare_flags_f64(a, b, k & 1, e), sse_compare_flags(D, a, b, k & 1, e))
AGREES(compare_flags_f32, F, uint32_t, sse_compare_flags_f32(a, b, k & 1, e), sse_compare_flags(F, a, b, k & 1, e))
AGREES(fma_f64, D, uint64_t, sse_fma_f64(a, b, c, k, e), sse_fma(D, a, b, c, k, e))
AGREES(fma_f32, F, uint32_t, sse_fma_f32(a, b, c, k, e), (uint32_t)sse_fma(F, a, b, c, k, e))
AGREES(f32_to_f64, F, uint32_t, sse_convert_f32_f64(a, e), sse_single_to_double(a, e))
AGREES(f64_to_f32, D, uint64_t, sse_convert_f64_f32(a, e), sse_double_to_single(a, e))
AGREES(f64_to_i32, D, uint64_t, sse_int_f64(a, 32, false, e), sse_to_i32(D, a, sse_rc(e), e))
AGREES(f64_to_i64, D, uint64_t, sse_int_f64(a, 64, false, e), sse_to_i64(D, a, sse_rc(e), e))
AGREES(f32_to_i32, F, uint32_t, sse_int_f32(a, 32, false, e), sse_to_i32(F, a, sse_rc(e), e))
AGREES(f32_to_i64, F, uint32_t, sse_int_f32(a, 64, false, e), sse_to_i64(F, a, sse_rc(e), e))
AGREES(f64_truncated_i32, D, uint64_t, sse_int_f64(a, 32, true, e), sse_to_i32(D, a, FP_TRUNCATE, e))
AGREES(f64_truncated_i64, D, uint64_t, sse_int_f64(a, 64, true, e), sse_to_i64(D, a, FP_TRUNCATE, e))
AGREES(f32_truncated_i32, F, uint32_t, sse_int_f32(a, 32, true, e), sse_to_i32(F, a, FP_TRUNCATE, e))
AGREES(f32_truncated_i64, F, uint32_t, sse_int_f32(a, 64, true, e), sse_to_i64(F, a, FP_TRUNCATE, e))
AGREES(f64_from_int, D, uint64_t, sse_from_int_f64((int64_t)(a >> k * 12), e),
       sse_from_int(D, (int64_t)(a >> k * 12), e))
AGREES(f32_from_int, D, uint64_t, sse_from_int_f32((int64_t)(a >> k * 15), e),
       (uint32_t)sse_from_int(F, (int64_t)(a >> k * 15), e))

/* The common case does take the host's arithmetic: it sees exact and inexact results. */
static void fast_finds_inexactness(void **state)
{
	const double values[] = {1, 3, 0.1, 1e100, -7.25};

	for (unsigned i = 0; i < 25; i++) {
		uint64_t a = sse_bits_f64(values[i / 5]), b = sse_bits_f64(values[i % 5]);
		struct sse_env fast = {.mxcsr = SSE_DEFAULT}, slow = fast;

		assert_int_equal(sse_div_f64(a, b, &fast), sse_div(&fp_double, a, b, &slow));
		assert_int_equal(fast.flags, slow.flags);
	}
}

/* SDM 1, "SIMD Floating-Point Exceptions": with an unmasked IE, DE or ZE in any element, no element reports OE, UE, PE.
 */
static void unmasked_before_hides_after(void **state)
{
	struct sse_env e = {.mxcsr = SSE_DEFAULT & ~(FP_ZE << SSE_MASK_SHIFT), .flags = FP_ZE | FP_PE | FP_DE | FP_OE};

	assert_false(sse_settle(&e));
	assert_int_equal(e.flags, FP_ZE | FP_DE);
}

static void unmasked_after_hides_nothing(void **state)
{
	struct sse_env e = {.mxcsr = SSE_DEFAULT & ~(FP_OE << SSE_MASK_SHIFT), .flags = FP_ZE | FP_PE | FP_DE | FP_OE};

	assert_false(sse_settle(&e));
	assert_int_equal(e.flags, FP_ZE | FP_DE | FP_PE | FP_OE);
}

static void masked_exceptions_are_all_reported(void **state)
{
	struct sse_env e = {.mxcsr = SSE_DEFAULT, .flags = FP_ZE | FP_PE};

	assert_true(sse_settle(&e));
	assert_int_equal(e.flags, FP_ZE | FP_PE);
}

/* SDM 2, "RCPPS", "RSQRTPS": |relative error| <= 1.5 * 2^-12, for every significand of two exponents. */
static void approximations_within_the_bound(void **state)
{
	const double bound = 1.5 / 4096;

	for (uint32_t a = 0x3f800000; a < 0x40800000; a += 0x33) {
		double x = sse_float(a), rcp = sse_float(sse_rcp(a)), rsqrt = sse_float(sse_rsqrt(a));

		assert_true(__builtin_fabs(rcp * x - 1) <= bound);
		assert_true(__builtin_fabs(rsqrt * __builtin_sqrt(x) - 1) <= bound);
	}
}

/* Special operands, and where the result is tiny, exactly as the host has them; else both are within the bound. */
static void approximations_like_the_host(void **state)
{
	const struct host_op *rcp = host_find("rcpss"), *rsqrt = host_find("rsqrtss");
	struct random r = {88172645463325252u};

	if (!rcp || !rsqrt) {
		print_message("SKIPPED: no x86-64 host\n");
		skip();
	}
	for (unsigned i = 0; i < CASES; i++) {
		uint32_t a = (uint32_t)fp_random_bits(&r, &fp_single);
		struct host_operands in = {{{0}, {a}, {0}}};
		struct host_result of_rcp, of_rsqrt;
		uint32_t mxcsr = fp_random_mxcsr(&r);

		rcp->fn[0](&in, mxcsr, &of_rcp);
		rsqrt->fn[0](&in, mxcsr, &of_rsqrt);
		const uint32_t pairs[2][2] = {{sse_rcp(a), (uint32_t)of_rcp.xmm[0]},
					      {sse_rsqrt(a), (uint32_t)of_rsqrt.xmm[0]}};
		/* "Input values in between this range may or may not produce tiny results" */
		bool open = (a & 0x7fffffff) > 0x7e7fe000 && (a & 0x7fffffff) < 0x7e801800;

		for (unsigned k = 0; k < 2; k++) {
			double here = sse_float(pairs[k][0]), there = sse_float(pairs[k][1]);

			if (pairs[k][0] == pairs[k][1] || (k == 0 && open) ||
			    __builtin_fabs(here - there) <= 3.0 / 4096 * __builtin_fabs(there))
				continue;
			fail_msg("%s of %08x: here %08x, host %08x", k ? "rsqrtss" : "rcpss", a, pairs[k][0],
				 pairs[k][1]);
		}
		assert_int_equal((of_rcp.mxcsr | of_rsqrt.mxcsr) & FP_EXCEPTIONS, 0);
	}
}

#define TEST(name) cmocka_unit_test(name)
#define TESTS(op)  TEST(fast_##op##_f64), TEST(fast_##op##_f32)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TESTS(add),
		TESTS(sub),
		TESTS(mul),
		TESTS(div),
		TESTS(min),
		TESTS(max),
		TESTS(sqrt),
		TESTS(compare_flags),
		TESTS(fma),
		TEST(fast_f32_to_f64),
		TEST(fast_f64_to_f32),
		TEST(fast_f64_to_i32),
		TEST(fast_f64_to_i64),
		TEST(fast_f32_to_i32),
		TEST(fast_f32_to_i64),
		TEST(fast_f64_truncated_i32),
		TEST(fast_f64_truncated_i64),
		TEST(fast_f32_truncated_i32),
		TEST(fast_f32_truncated_i64),
		TEST(fast_f64_from_int),
		TEST(fast_f32_from_int),
		TEST(fast_finds_inexactness),
		TEST(unmasked_before_hides_after),
		TEST(unmasked_after_hides_nothing),
		TEST(masked_exceptions_are_all_reported),
		TEST(approximations_within_the_bound),
		TEST(approximations_like_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
