/* Far RET. */
#include "far/bench.h"

/* Puts EIP, CS (and above the released bytes ESP, SS) at the top of the stack. */
static void put_frame(struct bench *b, unsigned word, uint32_t eip, uint16_t cs, unsigned release, uint32_t sp,
		      uint16_t ss)
{
	uint32_t at = (uint32_t)b->cpu.s.seg[SEG_SS].base + esp(b);
	uint32_t cs32 = cs | 0xdead0000, ss32 = ss | 0xdead0000; /* upper halves are discarded */

	memcpy(b->ram + at, &eip, word);
	memcpy(b->ram + at + word, &cs32, word);
	at += 2 * word + release;
	memcpy(b->ram + at, &sp, word);
	memcpy(b->ram + at + word, &ss32, word);
}

static void refuses_return(struct bench *b, unsigned release, enum vector vector, uint32_t error, enum why why)
{
	bench_mark(b);
	assert_false(ret_i(b, 32, release));
	assert_fault(b, vector, error, why);
	assert_unchanged(b);
}

static void code_refused(struct bench *b, uint16_t cs, enum vector vector, uint32_t error, enum why why)
{
	put_frame(b, 4, 0x4321, cs, 0, STACK, DATA(3));
	refuses_return(b, 0, vector, error, why);
}

static void stack_refused(struct bench *b, uint16_t ss, enum vector vector, uint32_t error, enum why why)
{
	put_frame(b, 4, 0x4321, CODE(3), 8, STACK, ss);
	refuses_return(b, 8, vector, error, why);
}

/* ---- the code segment ---- */
static void null_return_cs_is_gp0(void **state)
{
	code_refused(*state, 3, VEC_GP, 0, WHY_RETURN_CS_NULL);
}

static void return_cs_beyond_the_table_is_gp_cs(void **state)
{
	code_refused(*state, SEL_FAR | 3, VEC_GP, SEL_FAR, WHY_RETURN_CS_BEYOND_TABLE);
}

static void return_to_no_code_is_gp_cs(void **state)
{
	code_refused(*state, DATA(0), VEC_GP, DATA(0), WHY_RETURN_CS_TYPE);
	code_refused(*state, SEL_TSS_B, VEC_GP, SEL_TSS_B, WHY_RETURN_CS_TYPE);
}

static void return_inwards_is_gp_cs(void **state)
{
	struct bench *b = bench_of(state);

	set_level(b, 2);
	code_refused(b, CODE(1), VEC_GP, CODE(1) & ~SEL_RPL, WHY_RETURN_CS_RPL);
}

static void return_to_conforming_needs_dpl_at_most_rpl(void **state)
{
	code_refused(*state, CONF(2) | 1, VEC_GP, CONF(2), WHY_RETURN_CS_CONFORMING_DPL);
}

static void return_to_nonconforming_needs_dpl_equal_to_rpl(void **state)
{
	code_refused(*state, (CODE(2) & ~SEL_RPL) | 3, VEC_GP, CODE(2) & ~SEL_RPL, WHY_RETURN_CS_DPL);
	code_refused(*state, (CODE(2) & ~SEL_RPL) | 1, VEC_GP, CODE(2) & ~SEL_RPL, WHY_RETURN_CS_DPL);
}

static void return_to_absent_code_is_np_cs(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, FLAT, A_ABSENT(A_CODE) | A_DPL(3), F_32));
	code_refused(b, SEL_X | 3, VEC_NP, SEL_X, WHY_RETURN_CS_NOT_PRESENT);
}

static void return_beyond_the_limit_is_gp0(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, 0x4320, A_CODE, F_32_BYTE));
	code_refused(b, SEL_X, VEC_GP, 0, WHY_RETURN_LIMIT);
	put_desc(b, SEL_X, descriptor(0, 0x4320, A_CODE | A_DPL(3), F_32_BYTE));
	code_refused(b, SEL_X | 3, VEC_GP, 0, WHY_RETURN_LIMIT);
	put_frame(b, 4, 0x4320, SEL_X | 3, 0, STACK, DATA(3));
	assert_true(ret_i(b, 32, 0));
	set_level(b, 0);
	put_desc(b, SEL_X, descriptor(0, 0x4320, A_CODE, F_32_BYTE));
	put_frame(b, 4, 0x4320, SEL_X, 0, 0, 0);
	assert_true(ret_i(b, 32, 0));
}

/* ---- the stack of an outer level ---- */
static void null_outer_ss_is_gp0(void **state)
{
	stack_refused(*state, 3, VEC_GP, 0, WHY_RETURN_SS_NULL);
}

static void outer_ss_beyond_the_table_is_gp_ss(void **state)
{
	stack_refused(*state, SEL_FAR | 3, VEC_GP, SEL_FAR, WHY_RETURN_SS_BEYOND_TABLE);
}

static void outer_ss_rpl_is_gp_ss(void **state)
{
	stack_refused(*state, (DATA(3) & ~SEL_RPL) | 2, VEC_GP, DATA(3) & ~SEL_RPL, WHY_RETURN_SS_RPL);
}

static void outer_ss_not_writable_is_gp_ss(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, FLAT, (A_DATA & ~2u) | A_DPL(3), F_32));
	stack_refused(b, SEL_X | 3, VEC_GP, SEL_X, WHY_RETURN_SS_TYPE);
	stack_refused(b, CODE(3), VEC_GP, CODE(3) & ~SEL_RPL, WHY_RETURN_SS_TYPE);
}

static void outer_ss_dpl_is_gp_ss(void **state)
{
	stack_refused(*state, DATA(2) | 3, VEC_GP, DATA(2) & ~SEL_RPL, WHY_RETURN_SS_DPL);
}

static void outer_ss_absent_is_ss_ss(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, FLAT, A_ABSENT(A_DATA) | A_DPL(3), F_32));
	stack_refused(b, SEL_X | 3, VEC_SS, SEL_X, WHY_RETURN_SS_NOT_PRESENT);
}

static void outer_stack_is_checked_before_the_target_limit(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, 0x10, A_CODE | A_DPL(3), F_32_BYTE));
	put_frame(b, 4, 0x4321, SEL_X | 3, 0, STACK, 0);
	refuses_return(b, 0, VEC_GP, 0, WHY_RETURN_SS_NULL);
}

static void frame_outside_the_stack_is_ss0(void **state)
{
	struct bench *b = bench_of(state);

	put_frame(b, 4, 0x4321, CODE(3), 4, STACK, DATA(3));
	force_segment(b, SEG_SS, DATA(0), descriptor(0, STACK + 6, A_DATA, F_32_BYTE)); /* CS is cut */
	bench_mark(b);
	assert_false(ret_i(b, 32, 4));
	assert_int_equal(b->cpu.fault.vector, VEC_SS);
	assert_int_equal(b->cpu.fault.error, 0);
	assert_unchanged(b);
	force_segment(b, SEG_SS, DATA(0), descriptor(0, STACK + 18, A_DATA, F_32_BYTE)); /* SS is cut */
	bench_mark(b);
	assert_false(ret_i(b, 32, 4));
	assert_int_equal(b->cpu.fault.vector, VEC_SS);
	assert_unchanged(b);
	force_segment(b, SEG_SS, DATA(0), descriptor(0, STACK + 3, A_DATA | TYPE_EXPANDDOWN, F_32_BYTE)); /* EIP is */
	bench_mark(b);
	assert_false(ret_i(b, 32, 4));
	assert_int_equal(b->cpu.fault.vector, VEC_SS);
	assert_unchanged(b);
}

static void page_fault_of_the_accessed_bit_changes_nothing(void **state)
{
	struct bench *b = bench_of(state);

	set_paging(b);
	map(b, 0x1000, 5);
	put_desc(b, SEL_X, descriptor(0, FLAT, A_CODE & ~1u, F_32));
	put_frame(b, 4, 0x4321, SEL_X, 0, 0, 0);
	bench_mark(b);
	assert_false(ret_i(b, 32, 0));
	assert_page_fault(b, GDT_BASE + SEL_X + 5);
	put_desc(b, SEL_X, descriptor(0, FLAT, (A_CODE & ~1u) | A_DPL(3), F_32));
	put_frame(b, 4, 0x4321, SEL_X | 3, 0, STACK, DATA(3));
	bench_mark(b);
	assert_false(ret_i(b, 32, 0));
	assert_page_fault(b, GDT_BASE + SEL_X + 5);
}

/* ---- what a return does ---- */
static void same_level_releases_parameters(void **state)
{
	struct bench *b = bench_of(state);

	put_frame(b, 4, 0x4321, CODE(0), 0, 0, 0);
	assert_true(ret_i(b, 32, 0x14));
	assert_int_equal(esp(b), STACK + 8 + 0x14);
	assert_int_equal(b->cpu.s.rip, 0x4321);
	set_esp(b, STACK);
	put_frame(b, 2, 0x4321, CODE(0), 0, 0, 0);
	assert_true(ret_i(b, 16, 0x14));
	assert_int_equal(esp(b), STACK + 4 + 0x14);
	assert_int_equal(b->returns, 0);
}

static void outer_return_loads_esp_and_releases_from_both_stacks(void **state)
{
	struct bench *b = bench_of(state);

	put_frame(b, 4, 0x4321, CODE(3), 0x10, 0x1234500, DATA(3));
	assert_true(ret_i(b, 32, 0x10));
	assert_int_equal(b->cpu.s.cpl, 3);
	assert_int_equal(esp(b), 0x1234510);
	assert_int_equal(sel_of(b, SEG_CS), CODE(3));
	assert_int_equal(sel_of(b, SEG_SS), DATA(3));
	assert_int_equal(b->cpu.s.rip, 0x4321);
}

static void outer_16_bit_stack_leaves_the_upper_half_of_esp(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, 0xffff, A_DATA | A_DPL(3), F_16));
	force_segment(b, SEG_SS, DATA(0), descriptor(-0x50000u, FLAT, A_DATA, F_32));
	set_esp(b, 0x5b000);
	put_frame(b, 4, 0x4321, CODE(3), 0, 0x7770ffff, SEL_X | 3);
	assert_true(ret_i(b, 32, 0));
	assert_int_equal(esp(b), 0x5ffff);
}

static void outer_return_drops_data_segments_of_inner_levels(void **state)
{
	struct bench *b = bench_of(state);

	force_segment(b, SEG_DS, DATA(2), descriptor(0, FLAT, A_DATA | A_DPL(2), F_32));
	force_segment(b, SEG_ES, CONF(0), descriptor(0, FLAT, A_CONF, F_32));
	force_segment(b, SEG_FS, CODE(0), descriptor(0, FLAT, A_CODE, F_32));
	struct segment null = null_segment(3);
	set_segment(&b->cpu, SEG_GS, &null);
	put_frame(b, 4, 0x4321, CODE(3), 0, STACK, DATA(3));
	assert_true(ret_i(b, 32, 0));
	assert_int_equal(sel_of(b, SEG_DS), 0);
	assert_false(b->cpu.s.seg[SEG_DS].usable);
	assert_int_equal(sel_of(b, SEG_ES), CONF(0)); /* conforming code stays */
	assert_true(b->cpu.s.seg[SEG_ES].usable);
	assert_int_equal(sel_of(b, SEG_FS), 0);
	assert_int_equal(sel_of(b, SEG_GS), 0); /* its RPL is gone */
}

static void null_and_unusable_segments_become_plain_nulls(void **state)
{
	struct bench *b = bench_of(state);
	struct segment unusable = null_segment(DATA(3)); /* as a failed task switch leaves it */

	set_segment(&b->cpu, SEG_DS, &unusable);
	b->cpu.s.seg[SEG_ES].sel = 2; /* usable from real mode */
	put_frame(b, 4, 0x4321, CODE(3), 0, STACK, DATA(3));
	assert_true(ret_i(b, 32, 0));
	assert_int_equal(sel_of(b, SEG_DS), 0);
	assert_int_equal(sel_of(b, SEG_ES), 0);
	assert_false(b->cpu.s.seg[SEG_ES].usable);
}

static void data_segments_of_the_outer_level_stay(void **state)
{
	struct bench *b = bench_of(state);

	put_frame(b, 4, 0x4321, CODE(3), 0, STACK, DATA(3));
	assert_true(ret_i(b, 32, 0));
	assert_int_equal(sel_of(b, SEG_DS), DATA(3));
	assert_int_equal(sel_of(b, SEG_ES), DATA(3));
	assert_int_equal(sel_of(b, SEG_FS), DATA(3));
	assert_int_equal(sel_of(b, SEG_GS), DATA(3));
}

static void accessed_bits_follow_the_last_check(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, 0x5000, (A_CODE & ~1u) | A_DPL(3), F_32_BYTE));
	put_desc(b, SEL_Y, descriptor(0, FLAT, (A_DATA & ~1u) | A_DPL(3), F_32));
	put_frame(b, 4, 0x5001, SEL_X | 3, 0, STACK, SEL_Y | 3);
	refuses_return(b, 0, VEC_GP, 0, WHY_RETURN_LIMIT);
	put_frame(b, 4, 0x5000, SEL_X | 3, 0, STACK, SEL_Y | 3);
	assert_true(ret_i(b, 32, 0));
	assert_int_equal(access_byte(b, SEL_X), A_CODE | A_DPL(3));
	assert_int_equal(access_byte(b, SEL_Y), A_DATA | A_DPL(3));
}

/* Who may return where, against the manual's prose. */
static void every_return_privilege_combination(void **state)
{
	for (unsigned n = 0; n < 2 * 4 * 4 * 4; n++) {
		unsigned cpl = n & 3, rpl = (n >> 2) & 3, dpl = (n >> 4) & 3;
		bool conforming = n & 64;
		struct bench *b = bench_of(state);

		set_level(b, cpl);
		set_esp(b, STACK);
		uint16_t cs = (uint16_t)((conforming ? CONF(dpl) : CODE(dpl) & ~SEL_RPL) | rpl);
		put_frame(b, 4, 0x4321, cs, 0, STACK + 0x800, DATA(rpl));
		bool allowed = rpl >= cpl && (conforming ? dpl <= rpl : dpl == rpl);
		assert_int_equal(ret_i(b, 32, 0), allowed);
		assert_int_equal(b->cpu.s.cpl, allowed ? rpl : cpl);
		if (allowed) {
			assert_int_equal(sel_of(b, SEG_CS), cs);
			assert_int_equal(esp(b), rpl > cpl ? STACK + 0x800 : STACK + 8);
		}
	}
}

static void outer_return_is_recorded(void **state)
{
	struct bench *b = bench_of(state);

	put_frame(b, 4, 0x4321, CODE(3), 0, STACK + 0x800, DATA(3));
	assert_true(ret_i(b, 32, 0));
	assert_int_equal(b->returns, 1);
	assert_int_equal(b->returned.kind, RET_FAR);
	assert_int_equal(b->returned.frame, STACK);
	assert_int_equal(b->returned.from.rip, NEXT_IP - 7);
	assert_int_equal(b->returned.from.cpl, 0);
	assert_int_equal(b->returned.to.rip, 0x4321);
	assert_int_equal(b->returned.to.cpl, 3);
	assert_int_equal(b->returned.to.rsp, STACK + 0x800);
}

/* ---- real and virtual-8086 mode ---- */
static void real_mode_return(void **state)
{
	struct bench *b = bench_of(state);

	set_real(b);
	put_frame(b, 2, 0x5678, 0x1234, 0, 0, 0);
	assert_true(ret_i(b, 16, 6));
	assert_int_equal(b->cpu.s.seg[SEG_CS].base, 0x12340);
	assert_int_equal(b->cpu.s.rip, 0x5678);
	assert_int_equal(esp(b), 0x100 + 4 + 6);
	put_frame(b, 4, 0x5678, 0x2345, 0, 0, 0);
	assert_true(ret_i(b, 32, 0));
	assert_int_equal(sel_of(b, SEG_CS), 0x2345);
	assert_int_equal(esp(b), 0x100 + 4 + 6 + 8);
}

static void real_mode_return_beyond_the_limit_is_gp0(void **state)
{
	struct bench *b = bench_of(state);

	set_real(b);
	put_frame(b, 4, 0x10000, 0x1234, 0, 0, 0);
	refuses_return(b, 0, VEC_GP, 0, WHY_RETURN_LIMIT);
	put_frame(b, 4, 0xffff, 0x1234, 0, 0, 0);
	assert_true(ret_i(b, 32, 0));
}

static void vm86_return_checks_no_privilege(void **state)
{
	struct bench *b = bench_of(state);

	set_vm86(b);
	put_frame(b, 2, 0x5678, 0x1230, 0, 0, 0);
	assert_true(ret_i(b, 16, 0));
	assert_int_equal(b->cpu.s.seg[SEG_CS].base, 0x12300);
	assert_int_equal(b->cpu.s.cpl, 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(null_return_cs_is_gp0),
		TEST(return_cs_beyond_the_table_is_gp_cs),
		TEST(return_to_no_code_is_gp_cs),
		TEST(return_inwards_is_gp_cs),
		TEST(return_to_conforming_needs_dpl_at_most_rpl),
		TEST(return_to_nonconforming_needs_dpl_equal_to_rpl),
		TEST(return_to_absent_code_is_np_cs),
		TEST(return_beyond_the_limit_is_gp0),
		TEST(null_outer_ss_is_gp0),
		TEST(outer_ss_beyond_the_table_is_gp_ss),
		TEST(outer_ss_rpl_is_gp_ss),
		TEST(outer_ss_not_writable_is_gp_ss),
		TEST(outer_ss_dpl_is_gp_ss),
		TEST(outer_ss_absent_is_ss_ss),
		TEST(outer_stack_is_checked_before_the_target_limit),
		TEST(frame_outside_the_stack_is_ss0),
		TEST(page_fault_of_the_accessed_bit_changes_nothing),
		TEST(same_level_releases_parameters),
		TEST(outer_return_loads_esp_and_releases_from_both_stacks),
		TEST(outer_16_bit_stack_leaves_the_upper_half_of_esp),
		TEST(outer_return_drops_data_segments_of_inner_levels),
		TEST(null_and_unusable_segments_become_plain_nulls),
		TEST(data_segments_of_the_outer_level_stay),
		TEST(accessed_bits_follow_the_last_check),
		TEST(every_return_privilege_combination),
		TEST(outer_return_is_recorded),
		TEST(real_mode_return),
		TEST(real_mode_return_beyond_the_limit_is_gp0),
		TEST(vm86_return_checks_no_privilege),
	};

	return cmocka_run_group_tests_name("far returns", tests, NULL, NULL);
}
