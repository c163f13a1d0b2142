/* Task switches that succeed: what is saved, loaded, linked and marked. */
#include "far/bench.h"
#include "far/tasks.h"

#include "cpu/model.h"

static const uint16_t old_segments[6] = {DATA(3), CODE(0), DATA(0), DATA(3), DATA(3), DATA(3)};

static bool switch_to(struct bench *b, uint16_t sel, enum task_cause cause)
{
	return task_go(b, (struct task_switch){.tss_sel = sel, .cause = cause});
}

/* TR: a 16-bit TSS for the old task. */
static void old_task_is_16_bit(struct bench *b)
{
	put_desc(b, SEL_X, descriptor(TSS_OLD16, 0x2c, A_SYS(SYS_TSS16_BUSY), 0));
	force_segment(b, SEG_TR, SEL_X, descriptor(TSS_OLD16, 0x2c, A_SYS(SYS_TSS16_BUSY), 0));
}

static void set_registers(struct bench *b)
{
	for (unsigned i = 0; i < 8; i++)
		if (i != RSP)
			b->cpu.s.gpr.r64[i] = 0xa0b0c000 + i;
}

/* ---- saving ---- */
static void old_state_is_saved_in_a_32_bit_tss(void **state)
{
	struct bench *b = bench_of(state);

	set_registers(b);
	memset(b->ram + TSS_A + 0x48, 0xee, 0x1c);
	poke32(b, TSS_A + 0x1c, 0x77777777);
	bench_mark(b);
	assert_true(task_go(
		b, (struct task_switch){
			   .tss_sel = SEL_TSS_B, .cause = TASK_JMP, .return_rip = 0xabcdef01, .flags = 0x00250ed7}));
	assert_int_equal(peek32(b, TSS_A + 0x20), 0xabcdef01);
	assert_int_equal(peek32(b, TSS_A + 0x24), 0x00250ed7);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(peek32(b, TSS_A + 0x28 + 4 * i), i == RSP ? STACK : 0xa0b0c000 + i);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(peek32(b, TSS_A + 0x48 + 4 * i), 0xeeee0000u | old_segments[i]);
	/* link, inner stacks, CR3, LDT, T and the I/O map are never written */
	assert_memory_equal(b->ram + TSS_A, b->ram_before + TSS_A, 0x20);
	assert_memory_equal(b->ram + TSS_A + 0x60, b->ram_before + TSS_A + 0x60, 0x20);
}

static void old_state_is_saved_in_a_16_bit_tss(void **state)
{
	struct bench *b = bench_of(state);

	old_task_is_16_bit(b);
	set_registers(b);
	bench_mark(b);
	assert_true(task_go(
		b, (struct task_switch){
			   .tss_sel = SEL_TSS_B, .cause = TASK_JMP, .return_rip = 0xef01, .flags = 0x00250ed7}));
	assert_int_equal(peek16(b, TSS_OLD16 + 0x0e), 0xef01);
	assert_int_equal(peek16(b, TSS_OLD16 + 0x10), 0x0ed7);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(peek16(b, TSS_OLD16 + 0x12 + 2 * i), i == RSP ? STACK : 0xc000 + i);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(peek16(b, TSS_OLD16 + 0x22 + 2 * i), old_segments[i]);
	assert_memory_equal(b->ram + TSS_OLD16, b->ram_before + TSS_OLD16, 0x0e);
	assert_memory_equal(b->ram + TSS_OLD16 + 0x2a, b->ram_before + TSS_OLD16 + 0x2a, 0x20);
}

/* ---- loading ---- */
static void new_state_is_loaded_from_a_32_bit_tss(void **state)
{
	struct bench *b = bench_of(state);

	poke16(b, TSS_B + 0x60, SEL_LDT);
	poke32(b, TSS_B + 0x24, 0x00240ed7);
	assert_true(switch_to(b, SEL_TSS_B, TASK_JMP));
	assert_int_equal(b->cpu.s.rip, NEW_IP);
	assert_int_equal(cpu_flags(&b->cpu), (0x00240ed7 & b->cpu.model->eflags) | FLAG_ONE);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(b->cpu.s.gpr.r64[i], i == RSP ? NEW_SP : 0x10203040 + i);
	assert_int_equal(sel_of(b, SEG_CS), CODE(0));
	assert_int_equal(sel_of(b, SEG_SS), DATA(0));
	assert_int_equal(sel_of(b, SEG_DS), DATA(3));
	assert_int_equal(sel_of(b, SEG_ES), DATA(2));
	assert_int_equal(sel_of(b, SEG_FS), DATA(1));
	assert_int_equal(sel_of(b, SEG_GS), 0);
	assert_true(b->cpu.s.seg[SEG_FS].usable);
	assert_false(b->cpu.s.seg[SEG_GS].usable);
	assert_int_equal(sel_of(b, SEG_LDTR), SEL_LDT);
	assert_int_equal(b->cpu.s.seg[SEG_LDTR].base, LDT_BASE);
	assert_int_equal(sel_of(b, SEG_TR), SEL_TSS_B);
	assert_int_equal(b->cpu.s.seg[SEG_TR].base, TSS_B);
	assert_int_equal(b->cpu.s.seg[SEG_TR].type, SYS_TSS32_BUSY);
	assert_int_equal(b->cpu.s.cr3, 0x3000);
	assert_true(b->cpu.s.cr0 & CR0_TS);
}

static void new_state_is_loaded_from_a_16_bit_tss(void **state)
{
	struct bench *b = bench_of(state);

	b->cpu.s.cr3 = 0x5000;
	assert_true(switch_to(b, SEL_TSS_C, TASK_JMP));
	assert_int_equal(b->cpu.s.rip, NEW_IP16);
	assert_int_equal(cpu_flags(&b->cpu), FLAG_ONE | FLAG_CF | FLAG_IF);
	for (unsigned i = 0; i < 8; i++) /* the upper halves are modified */
		assert_int_equal(b->cpu.s.gpr.r64[i], 0xffff0000u | (i == RSP ? NEW_SP : 0x3040 + i));
	assert_int_equal(sel_of(b, SEG_DS), DATA(3));
	assert_int_equal(sel_of(b, SEG_ES), DATA(2));
	assert_int_equal(sel_of(b, SEG_FS), 0); /* no such fields */
	assert_int_equal(sel_of(b, SEG_GS), 0);
	assert_int_equal(sel_of(b, SEG_LDTR), 0);
	assert_false(b->cpu.s.seg[SEG_LDTR].usable);
	assert_int_equal(b->cpu.s.cr3, 0x5000); /* stays */
	assert_int_equal(b->cpu.s.seg[SEG_TR].type, SYS_TSS16_BUSY);
}

static void new_cpl_is_the_rpl_of_cs(void **state)
{
	for (unsigned cpl = 0; cpl < 4; cpl++) {
		struct bench *b = bench_of(state);

		bench_teardown(state);
		bench_setup(state);
		b = bench_of(state);
		put_tasks(b);
		put_level(b, cpl);
		assert_true(switch_to(b, SEL_TSS_B, TASK_JMP));
		assert_int_equal(b->cpu.s.cpl, cpl);
		assert_int_equal(sel_of(b, SEG_CS), CODE(cpl));
		assert_int_equal(sel_of(b, SEG_SS), DATA(cpl));
	}
}

static void conforming_code_runs_at_the_rpl_of_cs(void **state)
{
	struct bench *b = bench_of(state);

	put_level(b, 3);
	poke16(b, TSS_B + 0x4c, CONF(1) | 3);
	assert_true(switch_to(b, SEL_TSS_B, TASK_JMP));
	assert_int_equal(b->cpu.s.cpl, 3);
}

static void segments_may_be_local_to_the_new_ldt(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(LDT_NEW, 0x1f, A_SYS(SYS_LDT), 0));
	uint64_t code = descriptor(0, FLAT, A_CODE, F_32), data = descriptor(0, FLAT, A_DATA, F_32);
	memcpy(b->ram + LDT_NEW + 8, &code, 8);
	memcpy(b->ram + LDT_NEW + 16, &data, 8);
	poke16(b, TSS_B + 0x60, SEL_X);
	poke16(b, TSS_B + 0x4c, 8 | SEL_TI);
	poke16(b, TSS_B + 0x50, 16 | SEL_TI);
	assert_true(switch_to(b, SEL_TSS_B, TASK_JMP));
	assert_int_equal(sel_of(b, SEG_SS), 16 | SEL_TI);
}

static void accessed_bits_are_set(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, FLAT, A_CODE & ~1u, F_32));
	put_desc(b, SEL_Y, descriptor(0, FLAT, A_DATA & ~1u, F_32));
	put_desc(b, SEL_Z, descriptor(0, FLAT, A_DATA & ~3u, F_32));
	poke16(b, TSS_B + 0x4c, SEL_X);
	poke16(b, TSS_B + 0x50, SEL_Y);
	poke16(b, TSS_B + 0x54, SEL_Z);
	assert_true(switch_to(b, SEL_TSS_B, TASK_JMP));
	assert_int_equal(access_byte(b, SEL_X), A_CODE);
	assert_int_equal(access_byte(b, SEL_Y), A_DATA);
	assert_int_equal(access_byte(b, SEL_Z), A_DATA & ~2u);
}

static void vm86_task_needs_no_descriptors(void **state)
{
	struct bench *b = bench_of(state);

	poke32(b, TSS_B + 0x24, FLAG_ONE | FLAG_VM);
	for (unsigned i = 0; i < 6; i++)
		poke16(b, TSS_B + 0x48 + 4 * i, (uint16_t)(0x1110 * (i + 1)));
	poke32(b, TSS_B + 0x20, 0xffff);
	assert_true(switch_to(b, SEL_TSS_B, TASK_JMP));
	assert_true(in_vm86(&b->cpu));
	assert_int_equal(b->cpu.s.cpl, 3);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(b->cpu.s.seg[i].base, 0x11100 * (i + 1));
		assert_int_equal(b->cpu.s.seg[i].limit, 0xffff);
		assert_true(b->cpu.s.seg[i].usable);
	}
}

static void a_vm86_task_can_be_left(void **state)
{
	struct bench *b = bench_of(state);

	set_vm86(b);
	assert_true(
		task_go(b, (struct task_switch){.tss_sel = SEL_TSS_B, .cause = TASK_INT, .flags = cpu_flags(&b->cpu)}));
	assert_false(in_vm86(&b->cpu));
	assert_int_equal(b->cpu.s.cpl, 0);
	assert_true(peek32(b, TSS_A + 0x24) & FLAG_VM);
	assert_int_equal(peek16(b, TSS_A + 0x54), 0x100 * SEG_DS);
}

/* ---- "Effect of a Task Switch on Busy Flag, NT Flag, Previous Task Link Field, and TS
 * Flag" (table), for every cause and both sizes ---- */
static void effects(struct bench *b, enum task_cause cause, bool old16, bool new16, bool old_nt, bool new_nt)
{
	uint16_t to = new16 ? SEL_TSS_C : SEL_TSS_B;
	uint32_t base = new16 ? TSS_C : TSS_B, flags_at = base + (new16 ? 0x10 : 0x24);
	bool nested = cause == TASK_CALL || cause == TASK_INT;
	uint16_t from = old16 ? SEL_X : SEL_TSS_A;

	if (old16)
		old_task_is_16_bit(b);
	if (cause == TASK_IRET)
		b->ram[GDT_BASE + to + 5] |= 2;
	poke16(b, base, 0x5555);
	poke16(b, flags_at, FLAG_ONE | (new_nt ? FLAG_NT : 0));
	uint32_t old_flags = FLAG_ONE | (old_nt ? FLAG_NT : 0);
	assert_true(task_go(b, (struct task_switch){.tss_sel = to, .cause = cause, .flags = old_flags}));
	assert_true(access_byte(b, to) & 2);
	assert_int_equal(!!(access_byte(b, from) & 2), nested);
	assert_int_equal(!!(b->cpu.s.rflags & FLAG_NT), nested || new_nt);
	uint16_t saved = peek16(b, old16 ? TSS_OLD16 + 0x10 : TSS_A + 0x24);
	assert_int_equal(!!(saved & FLAG_NT), old_nt && cause != TASK_IRET);
	assert_int_equal(peek16(b, base), nested ? from : 0x5555);
	assert_true(b->cpu.s.cr0 & CR0_TS);
	/* the record */
	assert_int_equal(b->tasks, 1);
	assert_int_equal(b->task.cause, cause);
	assert_int_equal(b->task.old_selector, from);
	assert_int_equal(b->task.new_selector, to);
	assert_int_equal(b->task.old_base, old16 ? TSS_OLD16 : TSS_A);
	assert_int_equal(b->task.new_base, base);
	assert_int_equal(b->task.width, new16 ? 16 : 32);
	assert_int_equal(b->task.from.cs, CODE(0));
	assert_int_equal(b->task.to.rip, new16 ? NEW_IP16 : NEW_IP);
}

static void effects_of_every_cause_and_size(void **state)
{
	for (unsigned n = 0; n < 64; n++) {
		bench_teardown(state);
		bench_setup(state);
		put_tasks(bench_of(state));
		effects(bench_of(state), (enum task_cause)(n & 3), n & 4, n & 8, n & 16, n & 32);
	}
}

static void local_breakpoints_go_off(void **state)
{
	struct bench *b = bench_of(state);

	b->cpu.s.dr7 = DR7_FIXED1 | 0x3ff;
	assert_true(switch_to(b, SEL_TSS_B, TASK_JMP));
	assert_int_equal(b->cpu.s.dr7, DR7_FIXED1 | 0x2aa);
}

static void t_bit_leaves_a_debug_trap_pending(void **state)
{
	struct bench *b = bench_of(state);

	assert_true(switch_to(b, SEL_TSS_B, TASK_CALL));
	assert_int_equal(b->cpu.s.pending_dr6, 0);
	poke16(b, TSS_A + 0x64, 1);
	assert_true(switch_to(b, SEL_TSS_A, TASK_IRET));
	assert_int_equal(b->cpu.s.pending_dr6, DR6_BT);
}

static void error_code_is_pushed_with_the_size_of_the_tss(void **state)
{
	struct bench *b = bench_of(state);

	assert_true(task_go(
		b,
		(struct task_switch){.tss_sel = SEL_TSS_B, .cause = TASK_INT, .has_error = true, .error = 0xabcd1235}));
	assert_int_equal(esp(b), NEW_SP - 4);
	assert_int_equal(peek32(b, NEW_SP - 4), 0xabcd1235);
	poke32(b, NEW_SP - 4, 0);
	assert_true(task_go(
		b,
		(struct task_switch){.tss_sel = SEL_TSS_C, .cause = TASK_INT, .has_error = true, .error = 0xabcd1235}));
	assert_int_equal(esp(b), 0xffff0000 | (NEW_SP - 2)); /* SS of 16 bits */
	assert_int_equal(peek32(b, NEW_SP - 4), 0x12350000);
}

static void iret_to_oneself_resumes_the_saved_state(void **state)
{
	struct bench *b = bench_of(state);

	assert_true(task_go(b, (struct task_switch){.tss_sel = SEL_TSS_A,
						    .cause = TASK_IRET,
						    .return_rip = 0x777,
						    .flags = FLAG_ONE | FLAG_NT}));
	assert_int_equal(b->cpu.s.rip, 0x777);
	assert_int_equal(esp(b), STACK);
	assert_int_equal(b->cpu.s.rflags & FLAG_NT, 0);
}

static void not_alone_asks_to_be_run_alone(void **state)
{
	struct bench *b = bench_of(state);

	b->cpu.mmu.alone = false;
	bench_mark(b);
	assert_false(switch_to(b, SEL_TSS_B, TASK_JMP));
	assert_int_equal(b->cpu.mmu.stop, MMU_RUN_ALONE);
	assert_unchanged(b);
}

/* ---- through JMP and CALL ---- */
static void jmp_and_call_to_a_tss(void **state)
{
	struct bench *b = bench_of(state);

	assert_true(far_i(b, true, 32, SEL_TSS_B, 0xdeadbeef));
	assert_int_equal(sel_of(b, SEG_TR), SEL_TSS_B);
	assert_int_equal(peek32(b, TSS_A + 0x20), NEXT_IP);
	assert_int_equal(peek16(b, TSS_B), SEL_TSS_A);
	assert_true(b->cpu.s.rflags & FLAG_NT);
	assert_true(far_i(b, false, 16, SEL_TSS_C, 0));
	assert_int_equal(sel_of(b, SEG_TR), SEL_TSS_C);
	assert_false(b->cpu.s.rflags & FLAG_NT);
	assert_false(access_byte(b, SEL_TSS_B) & 2);
	assert_true(access_byte(b, SEL_TSS_A) & 2);
}

static void task_gates_in_gdt_and_ldt(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_GATE, gate(SEL_TSS_B | 3, 0, A_SYS(SYS_TASK_GATE), 0));
	assert_true(far_i(b, true, 32, SEL_GATE, 0));
	assert_int_equal(sel_of(b, SEG_TR), SEL_TSS_B | 3);
	bench_teardown(state);
	bench_setup(state);
	b = bench_of(state);
	put_tasks(b);
	put_desc(b, 8 | SEL_TI, gate(SEL_TSS_B, 0, A_SYS(SYS_TASK_GATE) | A_DPL(3), 0));
	set_level(b, 3);
	assert_true(far_i(b, false, 32, 8 | SEL_TI | 3, 0)); /* the TSS's own DPL of 0 does not count */
	assert_int_equal(sel_of(b, SEG_TR), SEL_TSS_B);
}

static int setup(void **state)
{
	bench_setup(state);
	put_tasks(*state);
	return 0;
}

#define TASK_TEST(name) cmocka_unit_test_setup_teardown(name, setup, bench_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TASK_TEST(old_state_is_saved_in_a_32_bit_tss),
		TASK_TEST(old_state_is_saved_in_a_16_bit_tss),
		TASK_TEST(new_state_is_loaded_from_a_32_bit_tss),
		TASK_TEST(new_state_is_loaded_from_a_16_bit_tss),
		TASK_TEST(new_cpl_is_the_rpl_of_cs),
		TASK_TEST(conforming_code_runs_at_the_rpl_of_cs),
		TASK_TEST(segments_may_be_local_to_the_new_ldt),
		TASK_TEST(accessed_bits_are_set),
		TASK_TEST(vm86_task_needs_no_descriptors),
		TASK_TEST(a_vm86_task_can_be_left),
		TASK_TEST(effects_of_every_cause_and_size),
		TASK_TEST(local_breakpoints_go_off),
		TASK_TEST(t_bit_leaves_a_debug_trap_pending),
		TASK_TEST(error_code_is_pushed_with_the_size_of_the_tss),
		TASK_TEST(iret_to_oneself_resumes_the_saved_state),
		TASK_TEST(not_alone_asks_to_be_run_alone),
		TASK_TEST(jmp_and_call_to_a_tss),
		TASK_TEST(task_gates_in_gdt_and_ldt),
	};

	return cmocka_run_group_tests_name("task switches", tests, NULL, NULL);
}
