/* Far JMP and CALL without a change of privilege. */
#include "far/bench.h"

static void both_refuse(struct bench *b, uint16_t sel, enum vector vector, uint32_t error, enum why why)
{
	refuses(b, false, sel, vector, error, why);
	refuses(b, true, sel, vector, error, why);
}

/* ---- code segments in protected mode ---- */
static void null_selector_is_gp0(void **state)
{
	for (unsigned rpl = 0; rpl < 4; rpl++)
		both_refuse(bench_of(state), (uint16_t)rpl, VEC_GP, 0, WHY_FAR_NULL);
}

static void selector_beyond_the_table_is_gp_selector(void **state)
{
	struct bench *b = bench_of(state);

	both_refuse(b, SEL_FAR | 3, VEC_GP, SEL_FAR, WHY_FAR_BEYOND_TABLE);
	both_refuse(b, LDT_LIMIT + 1 + SEL_TI, VEC_GP, LDT_LIMIT + 1 + SEL_TI, WHY_FAR_BEYOND_TABLE);
}

static void data_ldt_and_interrupt_gates_are_no_targets(void **state)
{
	struct bench *b = bench_of(state);
	static const unsigned refused[] = {0x0, SYS_LDT, SYS_INT_GATE16, SYS_TRAP_GATE16, 0x8,
					   0xa, 0xd,     SYS_INT_GATE32, SYS_TRAP_GATE32};

	both_refuse(b, DATA(0), VEC_GP, DATA(0), WHY_FAR_TYPE);
	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		put_desc(b, SEL_X, gate(CODE(0), 0, A_SYS(refused[i]), 0));
		both_refuse(b, SEL_X, VEC_GP, SEL_X, WHY_FAR_TYPE);
	}
}

static void conforming_needs_dpl_at_most_cpl(void **state)
{
	struct bench *b = bench_of(state);

	set_level(b, 1);
	both_refuse(b, CONF(2), VEC_GP, CONF(2), WHY_FAR_CONFORMING_DPL);
}

static void nonconforming_needs_rpl_at_most_cpl(void **state)
{
	struct bench *b = bench_of(state);

	set_level(b, 1);
	both_refuse(b, (CODE(1) & ~SEL_RPL) | 2, VEC_GP, CODE(1) & ~SEL_RPL, WHY_FAR_RPL);
}

static void nonconforming_needs_dpl_equal_to_cpl(void **state)
{
	struct bench *b = bench_of(state);

	set_level(b, 1);
	both_refuse(b, CODE(0), VEC_GP, CODE(0), WHY_FAR_DPL);
	both_refuse(b, (CODE(2) & ~SEL_RPL) | 1, VEC_GP, CODE(2) & ~SEL_RPL, WHY_FAR_DPL);
}

static void absent_segment_is_np_selector(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, FLAT, A_ABSENT(A_CODE), F_32));
	both_refuse(b, SEL_X, VEC_NP, SEL_X, WHY_FAR_NOT_PRESENT);
	put_desc(b, SEL_X | SEL_TI, descriptor(0, FLAT, A_ABSENT(A_CONF), F_32));
	both_refuse(b, SEL_X, VEC_NP, SEL_X, WHY_FAR_NOT_PRESENT);
}

static void offset_beyond_the_limit_is_gp0(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, 0x4320, A_CODE, F_32_BYTE));
	both_refuse(b, SEL_X, VEC_GP, 0, WHY_FAR_LIMIT);
	put_desc(b, SEL_X, descriptor(0, 0x4321, A_CODE, F_32_BYTE));
	assert_true(far_i(b, false, 32, SEL_X, 0x4321));
}

static void no_room_for_the_return_address_is_ss0(void **state)
{
	struct bench *b = bench_of(state);

	force_segment(b, SEG_SS, DATA(0), descriptor(0, STACK - 9, A_DATA, F_32_BYTE));
	refuses(b, true, CODE(0), VEC_SS, 0, WHY_FAR_STACK_ROOM);
	force_segment(b, SEG_SS, DATA(0), descriptor(0, STACK - 1, A_DATA, F_32_BYTE));
	assert_true(far_i(b, true, 32, CODE(0), 0x4321));
}

static void room_is_checked_before_the_target_limit(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, 0x10, A_CODE, F_32_BYTE));
	force_segment(b, SEG_SS, DATA(0), descriptor(0, 0x10, A_DATA, F_32_BYTE));
	refuses(b, true, SEL_X, VEC_SS, 0, WHY_FAR_STACK_ROOM);
}

static void expand_down_stack_has_room_above_its_limit(void **state)
{
	struct bench *b = bench_of(state);
	uint64_t down = descriptor(0, STACK - 8, A_DATA | TYPE_EXPANDDOWN, F_32_BYTE);

	force_segment(b, SEG_SS, DATA(0), down);
	refuses(b, true, CODE(0), VEC_SS, 0, WHY_FAR_STACK_ROOM);
	force_segment(b, SEG_SS, DATA(0), descriptor(0, STACK - 9, A_DATA | TYPE_EXPANDDOWN, F_32_BYTE));
	assert_true(far_i(b, true, 32, CODE(0), 0x4321));
}

static void call_pushes_cs_and_eip_of_the_operand_size(void **state)
{
	struct bench *b = bench_of(state);

	poke32(b, STACK - 4, 0xffffffff);
	assert_true(far_i(b, true, 32, CODE(0), 0x12345678 & 0xffff));
	assert_int_equal(esp(b), STACK - 8);
	assert_int_equal(peek32(b, STACK - 4), CODE(0)); /* padded with zeros */
	assert_int_equal(peek32(b, STACK - 8), NEXT_IP);
	set_esp(b, STACK);
	assert_true(far_i(b, true, 16, CODE(0), 0x5678));
	assert_int_equal(esp(b), STACK - 4);
	assert_int_equal(peek16(b, STACK - 2), CODE(0));
	assert_int_equal(peek16(b, STACK - 4), NEXT_IP);
	assert_int_equal(b->cpu.s.rip, 0x5678);
}

static void call_wraps_on_a_16_bit_stack(void **state)
{
	struct bench *b = bench_of(state);

	force_segment(b, SEG_SS, DATA(0), descriptor(0x10000, 0xffff, A_DATA, F_16));
	set_esp(b, 0xabcd0004);
	assert_true(far_i(b, true, 32, CODE(0), 0));
	assert_int_equal(esp(b), 0xabcdfffc);
	assert_int_equal(peek32(b, 0x10000), CODE(0));
	assert_int_equal(peek32(b, 0x1fffc), NEXT_IP);
}

static void sixteen_bit_operand_truncates_the_offset(void **state)
{
	struct bench *b = bench_of(state);

	assert_true(far_i(b, false, 16, CODE(0), 0xdead1234));
	assert_int_equal(b->cpu.s.rip, 0x1234);
	assert_true(far_m(b, false, 16, CODE(0), 0xbeef));
	assert_int_equal(b->cpu.s.rip, 0xbeef);
	assert_true(far_m(b, false, 32, CODE(0), 0xdead1234));
	assert_int_equal(b->cpu.s.rip, 0xdead1234);
	assert_true(far_m(b, true, 32, CODE(0), 0xdead1235));
	assert_int_equal(b->cpu.s.rip, 0xdead1235);
}

static void cs_gets_cpl_as_rpl_and_the_accessed_bit(void **state)
{
	struct bench *b = bench_of(state);

	set_level(b, 2);
	put_desc(b, SEL_X, descriptor(0, FLAT, (A_CONF & ~1u) | A_DPL(1), F_32));
	assert_true(far_i(b, false, 32, SEL_X | 3, 0x4321));
	assert_int_equal(sel_of(b, SEG_CS), SEL_X | 2);
	assert_int_equal(b->cpu.s.cpl, 2);
	assert_int_equal(access_byte(b, SEL_X), A_CONF | A_DPL(1));
	assert_true(b->cpu.s.seg[SEG_CS].type & TYPE_ACCESSED);
}

static void accessed_bit_stays_clear_when_the_transfer_faults(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, 0x10, A_CODE & ~1u, F_32_BYTE));
	both_refuse(b, SEL_X, VEC_GP, 0, WHY_FAR_LIMIT);
}

static void local_descriptors_are_used(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, 0x10 | SEL_TI, descriptor(0x100, FLAT, A_CODE, F_32));
	assert_true(far_i(b, true, 32, 0x10 | SEL_TI, 0x4321));
	assert_int_equal(sel_of(b, SEG_CS), 0x10 | SEL_TI);
	assert_int_equal(b->cpu.s.seg[SEG_CS].base, 0x100);
}

/* Every code descriptor, CPL and RPL against the rule as the manual's prose
 * puts it. */
static void every_code_segment_privilege_combination(void **state)
{
	for (unsigned n = 0; n < 4 * 4 * 4 * 2 * 2 * 2; n++) {
		unsigned cpl = n & 3, rpl = (n >> 2) & 3, dpl = (n >> 4) & 3;
		bool conforming = n & 64, present = n & 128, call = n & 256;
		struct bench *b = bench_of(state);

		set_level(b, cpl);
		set_esp(b, STACK);
		unsigned access = (conforming ? A_CONF : A_CODE) | A_DPL(dpl);
		put_desc(b, SEL_X, descriptor(0, FLAT, present ? access : A_ABSENT(access), F_32));
		bool allowed = conforming ? dpl <= cpl : dpl == cpl && rpl <= cpl;
		bool went = far_i(b, call, 32, (uint16_t)(SEL_X | rpl), 0x4321);
		assert_int_equal(went, allowed && present);
		assert_int_equal(b->cpu.s.cpl, cpl);
		if (!went)
			assert_int_equal(b->cpu.fault.vector, allowed ? VEC_NP : VEC_GP);
		else
			assert_int_equal(sel_of(b, SEG_CS), SEL_X | cpl);
	}
}

static void jmp_does_not_look_at_the_stack(void **state)
{
	struct bench *b = bench_of(state);

	force_segment(b, SEG_SS, DATA(0), descriptor(0, 0, A_DATA & ~2u, F_32_BYTE));
	assert_true(far_i(b, false, 32, CODE(0), 0x4321));
}

static void page_fault_of_the_push_comes_after_the_target_limit(void **state)
{
	struct bench *b = bench_of(state);

	set_paging(b);
	set_esp(b, 0x8004);
	map(b, 0x7000, 0);
	put_desc(b, SEL_X, descriptor(0, 0x4320, A_CODE & ~1u, F_32_BYTE));
	bench_mark(b);
	assert_false(far_i(b, true, 32, SEL_X, 0x4321));
	assert_fault(b, VEC_GP, 0, WHY_FAR_LIMIT);
	assert_false(far_i(b, true, 32, SEL_X, 0x4320));
	assert_page_fault(b, 0x7ffc); /* the word above was not written, the segment not marked */
}

/* ---- real and virtual-8086 mode ---- */
static void real_mode_loads_base_from_the_selector(void **state)
{
	struct bench *b = bench_of(state);

	set_real(b);
	assert_true(far_i(b, false, 16, 0x1234, 0x5678));
	assert_int_equal(sel_of(b, SEG_CS), 0x1234);
	assert_int_equal(b->cpu.s.seg[SEG_CS].base, 0x12340);
	assert_int_equal(b->cpu.s.rip, 0x5678);
}

static void real_mode_call_pushes_and_wraps(void **state)
{
	struct bench *b = bench_of(state);
	uint32_t ss = 0x100 * SEG_SS * 16;

	set_real(b);
	uint16_t old_cs = sel_of(b, SEG_CS);
	set_esp(b, 2);
	assert_true(far_i(b, true, 16, 0x1234, 0x5678));
	assert_int_equal(esp(b), 0xfffe);
	assert_int_equal(peek16(b, ss), old_cs);
	assert_int_equal(peek16(b, ss + 0xfffe), NEXT_IP);
}

static void real_mode_offset_beyond_the_limit_is_gp0(void **state)
{
	struct bench *b = bench_of(state);

	set_real(b);
	bench_mark(b);
	assert_false(far_i(b, false, 32, 0x1234, 0x10000));
	assert_fault(b, VEC_GP, 0, WHY_FAR_LIMIT);
	assert_false(far_i(b, true, 32, 0x1234, 0x10000));
	assert_fault(b, VEC_GP, 0, WHY_FAR_LIMIT);
	assert_unchanged(b);
}

static void real_mode_push_across_the_segment_end_is_ss0(void **state)
{
	struct bench *b = bench_of(state);

	set_real(b);
	set_esp(b, 1);
	bench_mark(b);
	assert_false(far_i(b, true, 16, 0x1234, 0));
	assert_fault(b, VEC_SS, 0, WHY_FAR_STACK_ROOM);
	assert_unchanged(b);
}

static void vm86_transfers_like_real_mode(void **state)
{
	struct bench *b = bench_of(state);

	set_vm86(b);
	assert_true(far_i(b, true, 16, 0x1234, 0x5678));
	assert_int_equal(b->cpu.s.seg[SEG_CS].base, 0x12340);
	assert_int_equal(b->cpu.s.seg[SEG_CS].limit, 0xffff);
	assert_int_equal(b->cpu.s.seg[SEG_CS].dpl, 3);
	assert_int_equal(b->cpu.s.cpl, 3);
	assert_int_equal(esp(b), 0xfc);
}

static void memory_operand_faults_come_first(void **state)
{
	struct bench *b = bench_of(state);

	force_segment(b, SEG_DS, DATA(3), descriptor(0, POINTER + 4, A_DATA, F_32_BYTE));
	poke32(b, POINTER, 0x4321);
	poke16(b, POINTER + 4, 0);
	bench_mark(b);
	assert_false(far_m(b, false, 32, 0, 0x4321)); /* null, but the last byte is out of reach */
	assert_int_equal(b->cpu.fault.vector, VEC_GP);
	assert_int_not_equal(b->cpu.fault.why, WHY_FAR_NULL);
	assert_unchanged(b);
	force_segment(b, SEG_DS, DATA(3), descriptor(0, POINTER + 3, A_DATA | TYPE_EXPANDDOWN, F_32_BYTE));
	bench_mark(b);
	assert_false(far_m(b, false, 32, CODE(0), 0x4321)); /* the selector could be read, the offset not */
	assert_int_equal(b->cpu.fault.vector, VEC_GP);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(null_selector_is_gp0),
		TEST(selector_beyond_the_table_is_gp_selector),
		TEST(data_ldt_and_interrupt_gates_are_no_targets),
		TEST(conforming_needs_dpl_at_most_cpl),
		TEST(nonconforming_needs_rpl_at_most_cpl),
		TEST(nonconforming_needs_dpl_equal_to_cpl),
		TEST(absent_segment_is_np_selector),
		TEST(offset_beyond_the_limit_is_gp0),
		TEST(no_room_for_the_return_address_is_ss0),
		TEST(room_is_checked_before_the_target_limit),
		TEST(expand_down_stack_has_room_above_its_limit),
		TEST(call_pushes_cs_and_eip_of_the_operand_size),
		TEST(call_wraps_on_a_16_bit_stack),
		TEST(sixteen_bit_operand_truncates_the_offset),
		TEST(cs_gets_cpl_as_rpl_and_the_accessed_bit),
		TEST(accessed_bit_stays_clear_when_the_transfer_faults),
		TEST(local_descriptors_are_used),
		TEST(every_code_segment_privilege_combination),
		TEST(jmp_does_not_look_at_the_stack),
		TEST(page_fault_of_the_push_comes_after_the_target_limit),
		TEST(real_mode_loads_base_from_the_selector),
		TEST(real_mode_call_pushes_and_wraps),
		TEST(real_mode_offset_beyond_the_limit_is_gp0),
		TEST(real_mode_push_across_the_segment_end_is_ss0),
		TEST(vm86_transfers_like_real_mode),
		TEST(memory_operand_faults_come_first),
	};

	return cmocka_run_group_tests_name("far transfers", tests, NULL, NULL);
}
