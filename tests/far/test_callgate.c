/* Call gates: the gate's own checks, the same level, the inner stack and its
 * frame. */
#include "far/bench.h"

#define TARGET 0x123456u

static void put_gate(struct bench *b, unsigned type, uint16_t sel, unsigned params)
{
	put_desc(b, SEL_GATE, gate(sel, TARGET, A_SYS(type) | A_DPL(3), params));
}

static void both_refuse(struct bench *b, uint16_t sel, enum vector vector, uint32_t error, enum why why)
{
	refuses(b, false, sel, vector, error, why);
	refuses(b, true, sel, vector, error, why);
}

/* ---- checks on the gate ---- */
static void gate_dpl_below_cpl_is_gp_gate(void **state)
{
	struct bench *b = bench_of(state);

	set_level(b, 3);
	put_desc(b, SEL_GATE, gate(CODE(0), TARGET, A_SYS(SYS_CALL_GATE32) | A_DPL(2), 0));
	both_refuse(b, SEL_GATE, VEC_GP, SEL_GATE, WHY_CALL_GATE_DPL);
}

static void gate_dpl_below_rpl_is_gp_gate(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_GATE, gate(CODE(0), TARGET, A_SYS(SYS_CALL_GATE32) | A_DPL(2), 0));
	both_refuse(b, SEL_GATE | 3, VEC_GP, SEL_GATE, WHY_CALL_GATE_RPL);
}

static void absent_gate_is_np_gate(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_GATE, gate(0, TARGET, SYS_CALL_GATE32, 0));
	both_refuse(b, SEL_GATE, VEC_NP, SEL_GATE, WHY_CALL_GATE_NOT_PRESENT);
}

static void null_code_selector_in_the_gate_is_gp0(void **state)
{
	struct bench *b = bench_of(state);

	put_gate(b, SYS_CALL_GATE32, 3, 0);
	both_refuse(b, SEL_GATE, VEC_GP, 0, WHY_CALL_GATE_CS_NULL);
}

static void code_selector_beyond_the_table_is_gp_cs(void **state)
{
	struct bench *b = bench_of(state);

	put_gate(b, SYS_CALL_GATE32, SEL_FAR | 1, 0);
	both_refuse(b, SEL_GATE, VEC_GP, SEL_FAR, WHY_CALL_GATE_CS_BEYOND_TABLE);
}

static void gate_to_something_else_is_gp_cs(void **state)
{
	struct bench *b = bench_of(state);

	put_gate(b, SYS_CALL_GATE32, DATA(0), 0);
	both_refuse(b, SEL_GATE, VEC_GP, DATA(0), WHY_CALL_GATE_CS_TYPE);
	put_gate(b, SYS_CALL_GATE32, SEL_TSS_B, 0);
	both_refuse(b, SEL_GATE, VEC_GP, SEL_TSS_B, WHY_CALL_GATE_CS_TYPE);
}

static void gate_to_an_outer_level_is_gp_cs(void **state)
{
	struct bench *b = bench_of(state);

	set_level(b, 1);
	put_gate(b, SYS_CALL_GATE32, CODE(2), 0);
	both_refuse(b, SEL_GATE, VEC_GP, CODE(2) & ~SEL_RPL, WHY_CALL_GATE_CS_DPL);
	put_gate(b, SYS_CALL_GATE32, CONF(2), 0);
	both_refuse(b, SEL_GATE, VEC_GP, CONF(2), WHY_CALL_GATE_CS_DPL);
}

static void jmp_through_a_gate_may_not_go_inwards(void **state)
{
	struct bench *b = bench_of(state);

	set_level(b, 3);
	put_gate(b, SYS_CALL_GATE32, CODE(0), 0);
	refuses(b, false, SEL_GATE, VEC_GP, CODE(0), WHY_CALL_GATE_JMP_INWARDS);
	put_gate(b, SYS_CALL_GATE32, CONF(0), 0);
	assert_true(far_i(b, false, 32, SEL_GATE, 0));
	assert_int_equal(b->cpu.s.cpl, 3);
}

static void absent_code_segment_is_np_cs(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, FLAT, A_ABSENT(A_CODE), F_32));
	put_gate(b, SYS_CALL_GATE32, SEL_X | 2, 0);
	both_refuse(b, SEL_GATE, VEC_NP, SEL_X, WHY_CALL_GATE_CS_NOT_PRESENT);
}

/* ---- the same level ---- */
static void same_level_pushes_words_of_the_gate_size(void **state)
{
	struct bench *b = bench_of(state);

	put_gate(b, SYS_CALL_GATE32, CODE(0) | 3, 5); /* the count is for stack switches */
	assert_true(far_i(b, true, 16, SEL_GATE | 3, 0xffff));
	assert_int_equal(esp(b), STACK - 8);
	assert_int_equal(peek32(b, STACK - 4), CODE(0));
	assert_int_equal(peek32(b, STACK - 8), NEXT_IP);
	assert_int_equal(b->cpu.s.rip, TARGET);
	assert_int_equal(sel_of(b, SEG_CS), CODE(0));
	set_esp(b, STACK);
	put_gate(b, SYS_CALL_GATE16, CODE(0), 0);
	assert_true(far_i(b, true, 32, SEL_GATE, 0xffffffff));
	assert_int_equal(esp(b), STACK - 4);
	assert_int_equal(b->cpu.s.rip, TARGET & 0xffff);
	assert_int_equal(b->entries, 0);
}

static void same_level_checks_room_then_limit(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, TARGET - 1, A_CODE, F_32_BYTE));
	put_gate(b, SYS_CALL_GATE32, SEL_X, 0);
	both_refuse(b, SEL_GATE, VEC_GP, 0, WHY_FAR_LIMIT);
	force_segment(b, SEG_SS, DATA(0), descriptor(0, STACK - 2, A_DATA, F_32_BYTE));
	refuses(b, true, SEL_GATE, VEC_SS, 0, WHY_FAR_STACK_ROOM);
}

/* ---- the inner stack ---- */
static void tss_too_short_is_ts_tr(void **state)
{
	struct bench *b = bench_of(state);

	for (unsigned level = 0; level < 3; level++) {
		set_level(b, 3);
		put_gate(b, SYS_CALL_GATE32, CODE(level), 0);
		force_segment(b, SEG_TR, SEL_TSS_A | 3, descriptor(TSS_A, level * 8 + 8, A_SYS(SYS_TSS32_BUSY), 0));
		refuses(b, true, SEL_GATE, VEC_TS, SEL_TSS_A, WHY_TSS_STACK_LIMIT);
		force_segment(b, SEG_TR, SEL_TSS_A, descriptor(TSS_A, level * 8 + 9, A_SYS(SYS_TSS32_BUSY), 0));
		assert_true(far_i(b, true, 32, SEL_GATE, 0));
		b->entries = 0;
	}
}

static void tss16_too_short_is_ts_tr(void **state)
{
	struct bench *b = bench_of(state);

	for (unsigned level = 0; level < 3; level++) {
		poke16(b, TSS_C + 2 + level * 4, 0x8000);
		poke16(b, TSS_C + 4 + level * 4, DATA(level));
		set_level(b, 3);
		put_gate(b, SYS_CALL_GATE16, CODE(level), 0);
		force_segment(b, SEG_TR, SEL_TSS_C, descriptor(TSS_C, level * 4 + 4, A_SYS(SYS_TSS16_BUSY), 0));
		refuses(b, true, SEL_GATE, VEC_TS, SEL_TSS_C, WHY_TSS_STACK_LIMIT);
		force_segment(b, SEG_TR, SEL_TSS_C, descriptor(TSS_C, level * 4 + 5, A_SYS(SYS_TSS16_BUSY), 0));
		assert_true(far_i(b, true, 32, SEL_GATE, 0));
		assert_int_equal(esp(b), 0x8000 - 8);
		assert_int_equal(sel_of(b, SEG_SS), DATA(level));
		b->entries = 0;
	}
}

static void inner_refuses(struct bench *b, uint16_t ss, enum vector vector, uint32_t error, enum why why)
{
	poke16(b, TSS_A + 8, ss);
	set_level(b, 3);
	put_gate(b, SYS_CALL_GATE32, CODE(0), 0);
	refuses(b, true, SEL_GATE, vector, error, why);
}

static void null_inner_ss_is_ts0(void **state)
{
	inner_refuses(*state, 0, VEC_TS, 0, WHY_INNER_SS_NULL);
}

static void inner_ss_beyond_the_table_is_ts_ss(void **state)
{
	inner_refuses(*state, SEL_FAR, VEC_TS, SEL_FAR, WHY_INNER_SS_BEYOND_TABLE);
}

static void inner_ss_rpl_is_ts_ss(void **state)
{
	inner_refuses(*state, DATA(0) | 1, VEC_TS, DATA(0), WHY_INNER_SS_RPL);
}

static void inner_ss_dpl_is_ts_ss(void **state)
{
	inner_refuses(*state, DATA(1) & ~SEL_RPL, VEC_TS, DATA(1) & ~SEL_RPL, WHY_INNER_SS_DPL);
}

static void inner_ss_not_writable_is_ts_ss(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, FLAT, A_DATA & ~2u, F_32));
	inner_refuses(b, SEL_X, VEC_TS, SEL_X, WHY_INNER_SS_TYPE);
	inner_refuses(b, CODE(0), VEC_TS, CODE(0), WHY_INNER_SS_TYPE);
}

static void inner_ss_absent_is_ss_ss(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, FLAT, A_ABSENT(A_DATA), F_32));
	inner_refuses(b, SEL_X, VEC_SS, SEL_X, WHY_INNER_SS_NOT_PRESENT);
}

static void ext_goes_into_the_error_codes_of_stack_switches(void **state)
{
	struct bench *b = bench_of(state);
	struct segment ss;

	assert_false(check_inner_stack(&b->cpu, 2, 0, ERR_EXT, &ss));
	assert_fault(b, VEC_TS, ERR_EXT, WHY_INNER_SS_NULL);
	assert_false(check_inner_stack(&b->cpu, DATA(1), 0, ERR_EXT, &ss));
	assert_fault(b, VEC_TS, (DATA(1) & ~SEL_RPL) | ERR_EXT, WHY_INNER_SS_RPL);
	force_segment(b, SEG_TR, SEL_TSS_A, descriptor(TSS_A, 8, A_SYS(SYS_TSS32_BUSY), 0));
	uint16_t sel;
	uint32_t sp;
	enum stack_source source;
	assert_false(tss_stack(&b->cpu, 0, ERR_EXT, &sel, &sp, &source));
	assert_fault(b, VEC_TS, SEL_TSS_A | ERR_EXT, WHY_TSS_STACK_LIMIT);
	assert_int_equal(source, STACK_TSS32);
}

static void no_room_on_the_inner_stack_is_ss_ss(void **state)
{
	struct bench *b = bench_of(state);

	for (unsigned params = 0; params < 32; params++) {
		unsigned need = (params + 4) * 4;

		put_desc(b, SEL_X, descriptor(0, FLAT & 0xfff, A_DATA, F_32_BYTE));
		put_desc(b, SEL_X, descriptor(0, STACK0 - need, A_DATA | TYPE_EXPANDDOWN, F_32_BYTE));
		poke16(b, TSS_A + 8, SEL_X);
		set_level(b, 3);
		set_esp(b, STACK);
		put_gate(b, SYS_CALL_GATE32, CODE(0), params);
		refuses(b, true, SEL_GATE, VEC_SS, SEL_X, WHY_CALL_GATE_STACK_ROOM);
		put_desc(b, SEL_X, descriptor(0, STACK0 - need - 1, A_DATA | TYPE_EXPANDDOWN, F_32_BYTE));
		assert_true(far_i(b, true, 32, SEL_GATE, 0));
		b->entries = 0;
	}
}

static void inner_room_then_limit_then_parameters(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, TARGET - 1, A_CODE, F_32_BYTE));
	put_desc(b, SEL_Y, descriptor(0, 0xff, A_DATA, F_32_BYTE));
	set_level(b, 3);
	put_gate(b, SYS_CALL_GATE32, SEL_X, 1);
	force_segment(b, SEG_SS, DATA(3), descriptor(0, STACK - 1, A_DATA | A_DPL(3), F_32_BYTE));
	poke16(b, TSS_A + 8, SEL_Y);
	refuses(b, true, SEL_GATE, VEC_SS, SEL_Y, WHY_CALL_GATE_STACK_ROOM);
	poke16(b, TSS_A + 8, DATA(0));
	refuses(b, true, SEL_GATE, VEC_GP, 0, WHY_CALL_GATE_LIMIT);
	put_gate(b, SYS_CALL_GATE32, CODE(0), 1); /* the parameter lies beyond the old stack */
	bench_mark(b);
	assert_false(far_i(b, true, 32, SEL_GATE, 0));
	assert_int_equal(b->cpu.fault.vector, VEC_SS);
	assert_int_equal(b->cpu.fault.error, 0);
	assert_unchanged(b);
}

static void offset_at_the_limit_is_inside(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, TARGET & 0xffff, A_CODE, F_32_BYTE));
	set_level(b, 3);
	put_gate(b, SYS_CALL_GATE16, SEL_X, 0);
	assert_true(far_i(b, true, 32, SEL_GATE, 0));
}

/* Page faults of the TSS, and of any word of the frame, leave everything as it was. */
static void page_faults_change_nothing(void **state)
{
	struct bench *b = bench_of(state);

	force_segment(b, SEG_TR, SEL_TSS_A, descriptor(0x3ffa, 0x67, A_SYS(SYS_TSS32_BUSY), 0));
	poke32(b, 0x3ffa + 4, 0x8008);
	poke16(b, 0x3ffa + 8, DATA(0));
	set_paging(b);
	set_level(b, 3);
	put_gate(b, SYS_CALL_GATE32, CODE(0), 0);
	map(b, 0x4000, 0); /* SS0 lies there, and the upper half of ESP0 */
	bench_mark(b);
	assert_false(far_i(b, true, 32, SEL_GATE, 0));
	assert_page_fault(b, 0x4002);
	force_segment(b, SEG_TR, SEL_TSS_A, descriptor(0x3ff8, 0x67, A_SYS(SYS_TSS32_BUSY), 0));
	poke32(b, 0x3ff8 + 4, 0x8008);
	map(b, 0x4000, 7);
	poke16(b, 0x3ff8 + 8, DATA(0));
	map(b, 0x3000, 0); /* ESP0 */
	bench_mark(b);
	assert_false(far_i(b, true, 32, SEL_GATE, 0));
	assert_page_fault(b, 0x3ffc);
	map(b, 0x3000, 7);
	map(b, 0x7000, 1); /* the lower half of the frame */
	bench_mark(b);
	assert_false(far_i(b, true, 32, SEL_GATE, 0));
	assert_page_fault(b, 0x7ffc);
	map(b, 0x7000, 3); /* written with the new privilege */
	assert_true(far_i(b, true, 32, SEL_GATE, 0));
}

/* SS, ESP, parameters, CS, EIP, for every level, size and count; the far RET
 * that releases the parameters from both stacks undoes it. */
static void frame_and_its_return(struct bench *b, unsigned level, unsigned type, unsigned params)
{
	static const uint32_t stack[3] = {STACK0, STACK1, STACK2};
	unsigned word = type == SYS_CALL_GATE32 ? 4 : 2;
	uint32_t at = stack[level], frame = at - (params + 4) * word;

	set_level(b, 3);
	set_esp(b, STACK - 0x100);
	for (unsigned i = 0; i < params; i++)
		memcpy(b->ram + STACK - 0x100 + i * word, &(uint32_t){0x11110000 + i}, word);
	put_gate(b, type, CODE(level), params);
	assert_true(far_i(b, true, 32, SEL_GATE | 3, 0xdeadbeef));
	uint32_t mask = word == 4 ? 0xffffffff : 0xffff;
	assert_int_equal(esp(b), frame);
	assert_int_equal(peek32(b, frame) & mask, NEXT_IP);
	assert_int_equal(peek32(b, frame + word) & mask, CODE(3));
	for (unsigned i = 0; i < params; i++)
		assert_int_equal(peek32(b, frame + (2 + i) * word) & mask, (0x11110000 + i) & mask);
	assert_int_equal(peek32(b, at - 2 * word) & mask, STACK - 0x100);
	assert_int_equal(peek32(b, at - word) & mask, DATA(3));
	assert_int_equal(b->cpu.s.cpl, level);
	assert_int_equal(sel_of(b, SEG_CS), CODE(level));
	assert_int_equal(sel_of(b, SEG_SS), DATA(level));
	assert_int_equal(b->cpu.s.rip, TARGET & mask);
	assert_true(ret_i(b, word * 8, params * word));
	assert_int_equal(b->cpu.s.cpl, 3);
	assert_int_equal(esp(b), STACK - 0x100 + params * word);
	assert_int_equal(b->cpu.s.rip, NEXT_IP);
	assert_int_equal(sel_of(b, SEG_CS), CODE(3));
	assert_int_equal(sel_of(b, SEG_SS), DATA(3));
}

static void inner_frame_of_every_level_size_and_count(void **state)
{
	for (unsigned level = 0; level < 3; level++)
		for (unsigned params = 0; params < 32; params++) {
			frame_and_its_return(*state, level, SYS_CALL_GATE32, params);
			frame_and_its_return(*state, level, SYS_CALL_GATE16, params);
		}
}

static void inner_16_bit_stack_wraps_and_keeps_the_upper_half(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0x10000, 0xffff, A_DATA, F_16));
	poke32(b, TSS_A + 4, 0xabcd0008);
	poke16(b, TSS_A + 8, SEL_X);
	set_level(b, 3);
	put_gate(b, SYS_CALL_GATE32, CODE(0), 0);
	assert_true(far_i(b, true, 32, SEL_GATE, 0));
	assert_int_equal(esp(b), 0xabcdfff8);
	assert_int_equal(peek32(b, 0x10004), DATA(3));
	assert_int_equal(peek32(b, 0x10000), STACK);
	assert_int_equal(peek32(b, 0x1fffc), CODE(3));
	assert_int_equal(peek32(b, 0x1fff8), NEXT_IP);
}

static void inner_call_sets_both_accessed_bits(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, FLAT, A_DATA & ~1u, F_32));
	put_desc(b, SEL_Y, descriptor(0, FLAT, A_CODE & ~1u, F_32));
	poke16(b, TSS_A + 8, SEL_X);
	set_level(b, 3);
	put_gate(b, SYS_CALL_GATE32, SEL_Y, 0);
	assert_true(far_i(b, true, 32, SEL_GATE, 0));
	assert_int_equal(access_byte(b, SEL_X), A_DATA);
	assert_int_equal(access_byte(b, SEL_Y), A_CODE);
}

static void conforming_target_keeps_stack_and_level(void **state)
{
	struct bench *b = bench_of(state);

	set_level(b, 3);
	put_gate(b, SYS_CALL_GATE32, CONF(0), 4);
	assert_true(far_i(b, true, 32, SEL_GATE, 0));
	assert_int_equal(b->cpu.s.cpl, 3);
	assert_int_equal(esp(b), STACK - 8);
	assert_int_equal(sel_of(b, SEG_CS), CONF(0) | 3);
}

static void every_gate_privilege_combination(void **state)
{
	for (unsigned n = 0; n < 2 * 2 * 4 * 4 * 4 * 4; n++) {
		unsigned cpl = n & 3, rpl = (n >> 2) & 3, gate_dpl = (n >> 4) & 3, dpl = (n >> 6) & 3;
		bool conforming = n & 256, call = n & 512;
		struct bench *b = bench_of(state);

		set_level(b, cpl);
		set_esp(b, STACK);
		put_desc(b, SEL_GATE,
			 gate(conforming ? CONF(dpl) : CODE(dpl), TARGET, A_SYS(SYS_CALL_GATE32) | A_DPL(gate_dpl), 0));
		bool gate_ok = gate_dpl >= cpl && gate_dpl >= rpl;
		bool code_ok = conforming || call ? dpl <= cpl : dpl == cpl;
		bool went = far_i(b, call, 32, (uint16_t)(SEL_GATE | rpl), 0);
		assert_int_equal(went, gate_ok && code_ok);
		assert_int_equal(b->cpu.s.cpl, went && !conforming ? dpl : cpl);
		if (!went)
			assert_int_equal(b->cpu.fault.error, !gate_ok     ? SEL_GATE
							     : conforming ? CONF(dpl)
									  : CODE(dpl) & ~SEL_RPL);
	}
}

static void inner_call_is_recorded(void **state)
{
	struct bench *b = bench_of(state);

	set_level(b, 3);
	b->cpu.s.gpr.r64[RAX] = 77;
	put_gate(b, SYS_CALL_GATE32, CODE(0), 0);
	assert_true(far_i(b, true, 32, SEL_GATE, 0));
	assert_int_equal(b->entries, 1);
	assert_int_equal(b->entry.kind, ENTRY_CALL_GATE);
	assert_int_equal(b->entry.rax, 77);
	assert_int_equal(b->entry.from.rip, NEXT_IP - 7);
	assert_int_equal(b->entry.from.cpl, 3);
	assert_int_equal(b->entry.from.rsp, STACK);
	assert_int_equal(b->entry.to.rip, TARGET);
	assert_int_equal(b->entry.to.cs, CODE(0));
	assert_int_equal(b->entry.to.cpl, 0);
	assert_int_equal(b->entry.to.rsp, STACK0 - 16);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(gate_dpl_below_cpl_is_gp_gate),
		TEST(gate_dpl_below_rpl_is_gp_gate),
		TEST(absent_gate_is_np_gate),
		TEST(null_code_selector_in_the_gate_is_gp0),
		TEST(code_selector_beyond_the_table_is_gp_cs),
		TEST(gate_to_something_else_is_gp_cs),
		TEST(gate_to_an_outer_level_is_gp_cs),
		TEST(jmp_through_a_gate_may_not_go_inwards),
		TEST(absent_code_segment_is_np_cs),
		TEST(same_level_pushes_words_of_the_gate_size),
		TEST(same_level_checks_room_then_limit),
		TEST(tss_too_short_is_ts_tr),
		TEST(tss16_too_short_is_ts_tr),
		TEST(null_inner_ss_is_ts0),
		TEST(inner_ss_beyond_the_table_is_ts_ss),
		TEST(inner_ss_rpl_is_ts_ss),
		TEST(inner_ss_dpl_is_ts_ss),
		TEST(inner_ss_not_writable_is_ts_ss),
		TEST(inner_ss_absent_is_ss_ss),
		TEST(ext_goes_into_the_error_codes_of_stack_switches),
		TEST(no_room_on_the_inner_stack_is_ss_ss),
		TEST(inner_room_then_limit_then_parameters),
		TEST(offset_at_the_limit_is_inside),
		TEST(page_faults_change_nothing),
		TEST(inner_frame_of_every_level_size_and_count),
		TEST(inner_16_bit_stack_wraps_and_keeps_the_upper_half),
		TEST(inner_call_sets_both_accessed_bits),
		TEST(conforming_target_keeps_stack_and_level),
		TEST(every_gate_privilege_combination),
		TEST(inner_call_is_recorded),
	};

	return cmocka_run_group_tests_name("call gates", tests, NULL, NULL);
}
