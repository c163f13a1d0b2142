/* Shifts and rotates: counts that reduce to nothing, and what the SDM leaves
 * undefined but processors do alike (see test_native.c for the rest). */
#include "integer/harness.h"

extern const struct exec exec_rol, exec_ror, exec_rcl, exec_rcr, exec_shl, exec_shr, exec_sar, exec_shld, exec_shrd;

#define AT 0x5000u

static const struct exec *const all[] = {&exec_rol, &exec_ror, &exec_rcl, &exec_rcr, &exec_shl, &exec_shr, &exec_sar};

static uint32_t shift(struct harness *h, const struct exec *set, unsigned width, uint32_t value, uint8_t count)
{
	struct uop *u = harness_uop(h, width);

	u->dst = width == 8 ? 8 * RDX : width == 16 ? 4 * RDX : RDX;
	u->imm = count;
	h->cpu.s.gpr.r64[RDX] = value;
	assert_int_equal(harness_run(h, set, FORM_RI), NEXT);
	return reg32(&h->cpu, RDX);
}

static uint32_t shift_double(struct harness *h, const struct exec *set, uint16_t a, uint16_t b, uint8_t count)
{
	struct uop *u = harness_uop(h, 16);

	u->dst = 4 * RDX;
	u->src = 4 * RBX;
	u->imm = count;
	h->cpu.s.gpr.r64[RDX] = a;
	h->cpu.s.gpr.r64[RBX] = b;
	assert_int_equal(harness_run(h, set, FORM_RRI), NEXT);
	return reg32(&h->cpu, RDX);
}

static void a_count_of_32_changes_no_flag(void **state)
{
	struct harness *h = *state;

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (unsigned width = 8; width <= 32; width *= 2) {
			harness_set_flags(h, FLAGS_STATUS);
			assert_int_equal(shift(h, all[i], width, 0x5a, 32), 0x5a);
			assert_int_equal(harness_flags(h), FLAGS_STATUS);
			harness_set_flags(h, 0);
			assert_int_equal(shift(h, all[i], width, 0x5a, 0), 0x5a);
			assert_int_equal(harness_flags(h), 0);
		}
	}
	harness_set_flags(h, FLAGS_STATUS);
	assert_int_equal(shift_double(h, &exec_shld, 1, 2, 32), 1);
	assert_int_equal(harness_flags(h), FLAGS_STATUS);
}

/* Whole turns: the value comes back, but a rotate sets CF and a rotate through CF
 * does nothing at all. */
static void whole_turns_of_narrow_rotates(void **state)
{
	struct harness *h = *state;

	harness_set_flags(h, 0);
	assert_int_equal(shift(h, &exec_rol, 8, 0x81, 8), 0x81);
	assert_int_equal(harness_flags(h), FLAG_CF);
	harness_set_flags(h, 0);
	assert_int_equal(shift(h, &exec_ror, 16, 0x8001, 16), 0x8001);
	assert_int_equal(harness_flags(h), FLAG_CF | FLAG_OF);
	for (unsigned flags = 0; flags < 2; flags++) {
		uint32_t set = flags ? FLAGS_STATUS : 0;
		harness_set_flags(h, set);
		assert_int_equal(shift(h, &exec_rcl, 8, 0x81, 9), 0x81);
		assert_int_equal(shift(h, &exec_rcr, 8, 0x81, 27), 0x81);
		assert_int_equal(shift(h, &exec_rcl, 16, 0x8001, 17), 0x8001);
		assert_int_equal(shift(h, &exec_rcr, 16, 0x8001, 17), 0x8001);
		assert_int_equal(harness_flags(h), set);
	}
}

static void of_of_longer_counts_is_that_of_the_last_step(void **state)
{
	struct harness *h = *state;
	uint64_t random = 99;

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (unsigned k = 0; k < 200; k++) {
			uint64_t r = harness_random(&random);
			uint32_t value = (uint32_t)(r >> 32), stepped = value;
			unsigned count = 1 + (unsigned)r % 31;
			harness_set_flags(h, 0);
			for (unsigned n = 0; n < count; n++)
				stepped = shift(h, all[i], 32, stepped, 1);
			uint32_t flags = harness_flags(h);
			harness_set_flags(h, 0);
			assert_int_equal(shift(h, all[i], 32, value, (uint8_t)count), stepped);
			assert_int_equal(harness_flags(h), flags);
		}
	}
}

static void counts_above_the_width_shift_everything_out(void **state)
{
	struct harness *h = *state;

	assert_int_equal(shift(h, &exec_shl, 8, 0xff, 9), 0);
	assert_int_equal(harness_flags(h), FLAG_ZF | FLAG_PF);
	assert_int_equal(shift(h, &exec_shl, 8, 0xff, 8), 0);
	assert_int_equal(harness_flags(h) & FLAG_CF, FLAG_CF);
	assert_int_equal(shift(h, &exec_shr, 16, 0xffff, 17), 0);
	assert_int_equal(harness_flags(h), FLAG_ZF | FLAG_PF);
	assert_int_equal(shift(h, &exec_sar, 8, 0x80, 31), 0xff);
	assert_int_equal(harness_flags(h), FLAG_CF | FLAG_SF | FLAG_PF);
}

static void narrow_double_shifts_beyond_16_bring_the_destination_round(void **state)
{
	struct harness *h = *state;

	assert_int_equal(shift_double(h, &exec_shld, 0x1234, 0xabcd, 20), 0xbcd1);
	assert_int_equal(shift_double(h, &exec_shrd, 0x1234, 0xabcd, 20), 0x4abc);
}

static void memory_is_written_even_with_a_count_of_0(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, AT, PAGE_RO);
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct uop *u = harness_uop(h, 32);
		u->disp = AT;
		assert_int_equal(harness_run(h, all[i], FORM_MI), FAULT);
		assert_int_equal(h->cpu.fault.error, PF_P | PF_W);
	}
}

static void the_count_in_cl_is_read_before_ecx_is_written(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 32);

	u->dst = RCX;
	u->src = 8 * RCX;
	h->cpu.s.gpr.r64[RCX] = 0x104;
	assert_int_equal(harness_run(h, &exec_shl, FORM_RR), NEXT);
	assert_int_equal(reg32(&h->cpu, RCX), 0x1040);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HARNESS_TEST(a_count_of_32_changes_no_flag),
		HARNESS_TEST(whole_turns_of_narrow_rotates),
		HARNESS_TEST(of_of_longer_counts_is_that_of_the_last_step),
		HARNESS_TEST(counts_above_the_width_shift_everything_out),
		HARNESS_TEST(narrow_double_shifts_beyond_16_bring_the_destination_round),
		HARNESS_TEST(memory_is_written_even_with_a_count_of_0),
		HARNESS_TEST(the_count_in_cl_is_read_before_ecx_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
