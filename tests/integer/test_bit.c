/* Bit tests and scans. */
#include "integer/harness.h"

extern const struct exec exec_bt, exec_bts, exec_btr, exec_btc, exec_bsf, exec_bsr;

#define AT 0x5000u

/* offset as the register holds it; true: CF. */
static bool test_bit(struct harness *h, const struct exec *set, unsigned width, uint32_t offset)
{
	struct uop *u = harness_uop(h, width);

	u->disp = AT;
	u->src = width == 16 ? 4 * RBX : RBX;
	h->cpu.s.gpr.r64[RBX] = offset;
	assert_int_equal(harness_run(h, set, FORM_MR), NEXT);
	return harness_flags(h) & FLAG_CF;
}

static void a_register_offset_reaches_beyond_the_operand(void **state)
{
	struct harness *h = *state;

	harness_store(h, AT + 0x400, 4, 0x20);
	assert_true(test_bit(h, &exec_bt, 32, 0x400 * 8 + 5));
	assert_false(test_bit(h, &exec_bt, 32, 0x400 * 8 + 6));
	assert_false(test_bit(h, &exec_bts, 32, 0x400 * 8 + 37));
	assert_int_equal(harness_load(h, AT + 0x404, 4), 0x20);
}

static void a_negative_offset_reaches_down(void **state)
{
	struct harness *h = *state;

	harness_store(h, AT - 4, 4, 0x80000000);
	assert_true(test_bit(h, &exec_btr, 32, 0xffffffff));
	assert_int_equal(harness_load(h, AT - 4, 4), 0);
	assert_false(test_bit(h, &exec_bts, 32, (uint32_t)-33));
	assert_int_equal(harness_load(h, AT - 8, 4), 0x80000000);
	/* 16 bits: the sign is bit 15 of the register. */
	assert_false(test_bit(h, &exec_btc, 16, 0x1fff0));
	assert_int_equal(harness_load(h, AT - 2, 2), 1);
}

static void the_offset_wraps_at_the_address_size(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 32);

	u->disp = 4;
	u->addr_shift = 48;
	u->src = RBX;
	h->cpu.s.gpr.r64[RBX] = (uint32_t)-64;
	harness_store(h, 0xfffc, 4, 1);
	assert_int_equal(harness_run(h, &exec_bt, FORM_MR), NEXT);
	assert_true(harness_flags(h) & FLAG_CF);
}

static void an_immediate_offset_stays_in_the_operand(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 16);

	u->disp = AT;
	u->imm = 0x23;
	harness_store(h, AT, 8, 0);
	assert_int_equal(harness_run(h, &exec_bts, FORM_MI), NEXT);
	assert_int_equal(harness_load(h, AT, 8), 8);
}

static void bit_tests_leave_the_other_flags(void **state)
{
	struct harness *h = *state;

	harness_set_flags(h, FLAGS_STATUS);
	harness_store(h, AT, 4, 0);
	assert_false(test_bit(h, &exec_btc, 32, 3));
	assert_int_equal(harness_flags(h), FLAGS_STATUS & ~FLAG_CF);
	harness_set_flags(h, 0);
	assert_true(test_bit(h, &exec_btc, 32, 3));
	assert_int_equal(harness_flags(h), FLAG_CF);
}

static void a_scan_of_0_keeps_the_destination(void **state)
{
	struct harness *h = *state;
	const struct exec *const both[] = {&exec_bsf, &exec_bsr};

	for (unsigned i = 0; i < 2; i++) {
		struct uop *u = harness_uop(h, 32);
		u->dst = RDX;
		u->src = RBX;
		h->cpu.s.gpr.r64[RDX] = 0x12345678;
		h->cpu.s.gpr.r64[RBX] = 0;
		harness_set_flags(h, 0);
		assert_int_equal(harness_run(h, both[i], FORM_RR), NEXT);
		assert_int_equal(h->cpu.s.gpr.r64[RDX], 0x12345678);
		assert_int_equal(harness_flags(h) & FLAG_ZF, FLAG_ZF);
		u = harness_uop(h, 16);
		u->dst = 4 * RDX;
		u->src = 4 * RBX;
		h->cpu.s.gpr.r64[RBX] = 0x10000;
		harness_set_flags(h, 0);
		assert_int_equal(harness_run(h, both[i], FORM_RR), NEXT);
		assert_int_equal(h->cpu.s.gpr.r64[RDX], 0x12345678);
		assert_int_equal(harness_flags(h) & FLAG_ZF, FLAG_ZF);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HARNESS_TEST(a_register_offset_reaches_beyond_the_operand),
		HARNESS_TEST(a_negative_offset_reaches_down),
		HARNESS_TEST(the_offset_wraps_at_the_address_size),
		HARNESS_TEST(an_immediate_offset_stays_in_the_operand),
		HARNESS_TEST(bit_tests_leave_the_other_flags),
		HARNESS_TEST(a_scan_of_0_keeps_the_destination),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
