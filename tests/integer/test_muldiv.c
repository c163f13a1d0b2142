/* Divide errors and the flags around multiplication and division. */
#include "integer/harness.h"

extern const struct exec exec_mul, exec_imul1, exec_div, exec_idiv, exec_aam, exec_aad;

#define AT 0x5000u

/* One of the four with its operand in EBX (BX, BL). */
static enum outcome run(struct harness *h, const struct exec *set, unsigned width, uint32_t eax, uint32_t edx,
			uint32_t ebx)
{
	struct uop *u = harness_uop(h, width);

	u->dst = width == 8 ? 8 * RBX : width == 16 ? 4 * RBX : RBX;
	h->cpu.s.gpr.r64[RAX] = eax;
	h->cpu.s.gpr.r64[RDX] = edx;
	h->cpu.s.gpr.r64[RBX] = ebx;
	return harness_run(h, set, FORM_R);
}

static void refuses(struct harness *h, const struct exec *set, unsigned width, uint32_t eax, uint32_t edx, uint32_t ebx,
		    enum why why)
{
	harness_set_flags(h, FLAG_CF | FLAG_AF);
	assert_int_equal(run(h, set, width, eax, edx, ebx), FAULT);
	assert_int_equal(h->cpu.fault.vector, VEC_DE);
	assert_int_equal(h->cpu.fault.why, why);
	assert_int_equal(reg32(&h->cpu, RAX), eax);
	assert_int_equal(reg32(&h->cpu, RDX), edx);
	assert_int_equal(harness_flags(h), FLAG_CF | FLAG_AF);
}

static void DIVIDE_ZERO_is_raised_for_a_divisor_of_0(void **state)
{
	for (unsigned width = 8; width <= 32; width *= 2) {
		refuses(*state, &exec_div, width, 1, 0, 0, WHY_DIVIDE_ZERO);
		refuses(*state, &exec_idiv, width, 1, 0, 0, WHY_DIVIDE_ZERO);
	}
	refuses(*state, &exec_div, 8, 1, 0, 0xff00, WHY_DIVIDE_ZERO);
}

static void DIVIDE_ZERO_is_raised_for_aam_with_base_0(void **state)
{
	struct harness *h = *state;

	harness_uop(h, 8);
	h->cpu.s.gpr.r64[RAX] = 0x1234;
	assert_int_equal(harness_run(h, &exec_aam, FORM_I), FAULT);
	assert_int_equal(h->cpu.fault.why, WHY_DIVIDE_ZERO);
	assert_int_equal(h->cpu.s.gpr.r64[RAX], 0x1234);
}

static void DIVIDE_OVERFLOW_is_raised_for_quotients_that_do_not_fit(void **state)
{
	refuses(*state, &exec_div, 8, 0x100, 0, 1, WHY_DIVIDE_OVERFLOW);
	refuses(*state, &exec_div, 16, 0, 5, 5, WHY_DIVIDE_OVERFLOW);
	refuses(*state, &exec_div, 32, 0, 5, 5, WHY_DIVIDE_OVERFLOW);
	refuses(*state, &exec_idiv, 8, 0x80, 0, 1, WHY_DIVIDE_OVERFLOW);
	refuses(*state, &exec_idiv, 16, 0x8000, 0xffff, 0xffff, WHY_DIVIDE_OVERFLOW);
	refuses(*state, &exec_idiv, 32, 0x80000000, 0xffffffff, 0xffffffff, WHY_DIVIDE_OVERFLOW);
	/* The one division that is an error in 64 bits as well. */
	refuses(*state, &exec_idiv, 32, 0, 0x80000000, 0xffffffff, WHY_DIVIDE_OVERFLOW);
}

static void the_most_negative_quotient_is_allowed(void **state)
{
	struct harness *h = *state;

	assert_int_equal(run(h, &exec_idiv, 8, 0xff80, 0, 1), NEXT);
	assert_int_equal(reg32(&h->cpu, RAX), 0x0080);
	assert_int_equal(run(h, &exec_idiv, 32, 0x80000001, 0xffffffff, 1), NEXT);
	assert_int_equal(run(h, &exec_idiv, 32, 0x80000000, 0xffffffff, 1), NEXT);
	assert_int_equal(reg32(&h->cpu, RAX), 0x80000000);
	assert_int_equal(reg32(&h->cpu, RDX), 0);
}

static void division_leaves_the_flags(void **state)
{
	struct harness *h = *state;

	harness_set_flags(h, FLAGS_STATUS);
	assert_int_equal(run(h, &exec_div, 32, 100, 0, 7), NEXT);
	assert_int_equal(harness_flags(h), FLAGS_STATUS);
	harness_set_flags(h, 0);
	assert_int_equal(run(h, &exec_idiv, 32, 100, 0, 7), NEXT);
	assert_int_equal(harness_flags(h), 0);
}

static void multiplication_sets_sf_zf_pf_by_the_lower_half(void **state)
{
	struct harness *h = *state;

	harness_set_flags(h, FLAG_AF);
	assert_int_equal(run(h, &exec_mul, 32, 0x10000, 0, 0x10000), NEXT);
	assert_int_equal(harness_flags(h), FLAG_CF | FLAG_OF | FLAG_ZF | FLAG_PF);
	assert_int_equal(run(h, &exec_mul, 16, 0x4000, 0, 2), NEXT);
	assert_int_equal(harness_flags(h), FLAG_SF | FLAG_PF);
	assert_int_equal(run(h, &exec_imul1, 16, 0x4000, 0, 2), NEXT);
	assert_int_equal(harness_flags(h), FLAG_CF | FLAG_OF | FLAG_SF | FLAG_PF);
}

static void a_divisor_that_cannot_be_read_faults_before_the_division(void **state)
{
	struct harness *h = *state;
	struct uop *u;

	harness_paging(h);
	harness_page(h, AT, PAGE_NO);
	u = harness_uop(h, 32);
	u->disp = AT;
	assert_int_equal(harness_run(h, &exec_div, FORM_M), FAULT);
	assert_int_equal(h->cpu.fault.vector, VEC_PF);
}

/* The Pentium and the Pentium 4 add, so do AMD's. */
static void aad_sets_the_flags_of_its_addition(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 8);

	u->imm = 10;
	h->cpu.s.gpr.r64[RAX] = 0x19f8; /* 250 + F8h = F2h, carry */
	assert_int_equal(harness_run(h, &exec_aad, FORM_I), NEXT);
	assert_int_equal(h->cpu.s.gpr.r64[RAX], 0xf2);
	assert_int_equal(harness_flags(h), FLAG_CF | FLAG_AF | FLAG_SF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HARNESS_TEST(DIVIDE_ZERO_is_raised_for_a_divisor_of_0),
		HARNESS_TEST(DIVIDE_ZERO_is_raised_for_aam_with_base_0),
		HARNESS_TEST(DIVIDE_OVERFLOW_is_raised_for_quotients_that_do_not_fit),
		HARNESS_TEST(the_most_negative_quotient_is_allowed),
		HARNESS_TEST(division_leaves_the_flags),
		HARNESS_TEST(multiplication_sets_sf_zf_pf_by_the_lower_half),
		HARNESS_TEST(a_divisor_that_cannot_be_read_faults_before_the_division),
		HARNESS_TEST(aad_sets_the_flags_of_its_addition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
