/* What is left: XLAT, SAHF, the direction flag, NOP. */
#include "integer/harness.h"

#include <string.h>

extern const struct exec exec_xlat, exec_sahf, exec_lahf, exec_cld, exec_std, exec_nop, exec_cmc, exec_bound;

#define AT 0x5000u

static void xlat_adds_al_unsigned_and_wraps_at_the_address_size(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 8);

	h->cpu.s.gpr.r64[RBX] = AT;
	h->cpu.s.gpr.r64[RAX] = 0xaabbcc80;
	harness_store(h, AT + 0x80, 1, 0x42);
	assert_int_equal(harness_run(h, &exec_xlat, FORM_NONE), NEXT);
	assert_int_equal(h->cpu.s.gpr.r64[RAX], 0xaabbcc42);
	u->addr_shift = 48;
	h->cpu.s.gpr.r64[RBX] = 0x7777ffff;
	h->cpu.s.gpr.r64[RAX] = 0x11;
	harness_store(h, 0x10, 1, 0x43);
	assert_int_equal(harness_run(h, &exec_xlat, FORM_NONE), NEXT);
	assert_int_equal(h->cpu.s.gpr.r64[RAX], 0x43);
}

static void xlat_obeys_a_segment_override(void **state)
{
	struct harness *h = *state;

	h->cpu.s.seg[SEG_FS].base = 0x1000;
	harness_segment(h, SEG_FS);
	harness_uop(h, 8)->seg = SEG_FS;
	h->cpu.s.gpr.r64[RBX] = AT;
	harness_store(h, AT + 0x1000, 1, 0x44);
	assert_int_equal(harness_run(h, &exec_xlat, FORM_NONE), NEXT);
	assert_int_equal(h->cpu.s.gpr.r64[RAX], 0x44);
}

static void sahf_leaves_of_and_lahf_shows_bit_1(void **state)
{
	struct harness *h = *state;

	for (unsigned of = 0; of < 2; of++) {
		uint32_t flag = of ? FLAG_OF : 0;
		harness_uop(h, 8);
		harness_set_flags(h, flag);
		h->cpu.s.gpr.r64[RAX] = 0xff00;
		assert_int_equal(harness_run(h, &exec_sahf, FORM_NONE), NEXT);
		assert_int_equal(harness_flags(h), flag | (FLAGS_STATUS & ~FLAG_OF));
		assert_int_equal(harness_run(h, &exec_lahf, FORM_NONE), NEXT);
		assert_int_equal(h->cpu.s.gpr.r64[RAX], 0xd700);
	}
}

static void cmc_turns_cf_alone(void **state)
{
	struct harness *h = *state;

	for (unsigned of = 0; of < 2; of++) {
		uint32_t flag = of ? FLAG_OF | FLAG_ZF | FLAG_AF : 0;
		harness_uop(h, 8);
		harness_set_flags(h, flag);
		assert_int_equal(harness_run(h, &exec_cmc, FORM_NONE), NEXT);
		assert_int_equal(harness_flags(h), flag | FLAG_CF);
		assert_int_equal(harness_run(h, &exec_cmc, FORM_NONE), NEXT);
		assert_int_equal(harness_flags(h), flag);
	}
}

static void std_and_cld_move_df(void **state)
{
	struct harness *h = *state;

	harness_uop(h, 8);
	assert_int_equal(harness_run(h, &exec_std, FORM_NONE), NEXT);
	assert_int_equal(h->cpu.s.rflags, FLAG_DF | FLAG_ONE);
	assert_int_equal(harness_run(h, &exec_cld, FORM_NONE), NEXT);
	assert_int_equal(h->cpu.s.rflags, FLAG_ONE);
}

static void a_long_nop_does_not_touch_its_operand(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, AT, PAGE_NO);
	harness_uop(h, 32)->disp = AT;
	assert_int_equal(harness_run(h, &exec_nop, FORM_M), NEXT);
	assert_int_equal(harness_run(h, &exec_nop, FORM_R), NEXT);
	assert_int_equal(harness_run(h, &exec_nop, FORM_NONE), NEXT);
}

static enum outcome bound(struct harness *h, unsigned width, uint32_t index)
{
	struct uop *u = harness_uop(h, width);

	u->dst = width == 16 ? 4 * RCX : RCX;
	u->disp = AT;
	h->cpu.s.gpr.r64[RCX] = index;
	return harness_run(h, &exec_bound, FORM_RM);
}

static void BOUND_RANGE_is_raised_outside_the_signed_bounds(void **state)
{
	struct harness *h = *state;
	static const struct { uint32_t index; enum outcome outcome; } cases[] = {
		{(uint32_t)-6, FAULT}, {(uint32_t)-5, NEXT}, {0, NEXT}, {7, NEXT}, {8, FAULT},
	};

	for (unsigned width = 16; width <= 32; width *= 2) {
		harness_store(h, AT, width / 8, (uint64_t)-5);
		harness_store(h, AT + width / 8, width / 8, 7);
		for (unsigned i = 0; i < 5; i++) {
			h->cpu.fault.why = WHY_NONE;
			assert_int_equal(bound(h, width, cases[i].index), cases[i].outcome);
			if (cases[i].outcome == FAULT) {
				assert_int_equal(h->cpu.fault.vector, VEC_BR);
				assert_int_equal(h->cpu.fault.why, WHY_BOUND_RANGE);
			}
		}
	}
}

static void bound_reads_both_bounds(void **state)
{
	struct harness *h = *state;

	h->cpu.s.seg[SEG_DS].limit = AT + 6;
	harness_segment(h, SEG_DS);
	assert_int_equal(bound(h, 32, 0), FAULT);
	assert_int_equal(h->cpu.fault.vector, VEC_GP);
	assert_int_equal(bound(h, 16, 0), NEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HARNESS_TEST(xlat_adds_al_unsigned_and_wraps_at_the_address_size),
		HARNESS_TEST(xlat_obeys_a_segment_override),
		HARNESS_TEST(sahf_leaves_of_and_lahf_shows_bit_1),
		HARNESS_TEST(cmc_turns_cf_alone),
		HARNESS_TEST(std_and_cld_move_df),
		HARNESS_TEST(BOUND_RANGE_is_raised_outside_the_signed_bounds),
		HARNESS_TEST(bound_reads_both_bounds),
		HARNESS_TEST(a_long_nop_does_not_touch_its_operand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
