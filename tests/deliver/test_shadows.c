/* What holds events back: MOV SS and POP SS, STI, IF, HLT, blocked NMIs, INIT (SDM 3A,
 * "Masking Exceptions and Interrupts When Switching Stacks", "Handling Multiple NMIs"; 2B "STI"). */
#include "deliver/events.h"

/* ---- MOV SS and POP SS ---- */
enum ss_load { MOV_SS, POP_SS, SS_LOADS };

/* Loads SS, then NOP NOP; returns the address behind the load. */
static uint32_t load_ss(enum ss_load how)
{
	at_cpl(0);
	HANDLER_RETURNS(VEC_DB);
	set_reg(RAX, RIG_DS0);
	PUT32(RIG_DS0);
	if (how == MOV_SS)
		INSN(0x8e, 0xd0, NOP, NOP, NOP);
	else
		INSN(0x17, NOP, NOP, NOP);
	s()->dr6 = DR6_FIXED1;
	return RIG_CODE + (how == MOV_SS ? 2 : 1);
}

static void ss_load_holds_interrupts_for_one_instruction(void **state)
{
	for (enum ss_load how = MOV_SS; how < SS_LOADS; how++) {
		for (unsigned nmi = 0; nmi < 2; nmi++) {
			uint32_t behind = load_ss(how);
			unsigned before = deliveries();
			set_flags(FLAG_IF, 0);
			step();
			if (nmi)
				cpu_pulse_nmi(&r->cpu, 0);
			else
				rig_interrupt(r, V);
			step();
			assert_int_equal(deliveries(), before);
			step();
			assert_int_equal(last()->kind, nmi ? EV_NMI : EV_IRQ);
			assert_int_equal(last()->from.rip, behind + 1);
		}
	}
}

static void ss_load_holds_interrupts_when_blocks_run(void **state)
{
	for (enum ss_load how = MOV_SS; how < SS_LOADS; how++) {
		for (unsigned nmi = 0; nmi < 2; nmi++) {
			uint32_t behind = load_ss(how);
			set_flags(FLAG_IF, 0);
			rig_run(r, 1);
			if (nmi)
				cpu_pulse_nmi(&r->cpu, 0);
			else
				rig_interrupt(r, V);
			rig_run(r, 3);
			assert_int_equal(last()->kind, nmi ? EV_NMI : EV_IRQ);
			assert_int_equal(last()->from.rip, behind + 1);
		}
	}
}

static void ss_load_loses_its_single_step(void **state)
{
	for (enum ss_load how = MOV_SS; how < SS_LOADS; how++) {
		uint32_t behind = load_ss(how);
		unsigned before = deliveries();
		set_flags(FLAG_TF, 0);
		steps(2);
		assert_int_equal(deliveries(), before);
		step();
		debug_exception(WHY_SINGLE_STEP, DR6_BS, behind + 1);
	}
}

static void ss_load_suppresses_a_code_breakpoint_behind_it(void **state)
{
	for (enum ss_load how = MOV_SS; how < SS_LOADS; how++) {
		uint32_t behind = load_ss(how);
		unsigned before = deliveries();
		breakpoint(0, behind, 0, 0);
		breakpoint(1, behind + 1, 0, 0);
		steps(2);
		assert_int_equal(deliveries(), before);
		assert_int_equal(s()->rip, behind + 1);
		step();
		debug_exception(WHY_CODE_BREAKPOINT, DR6_B0 << 1, behind + 1);
	}
}

/* Its own data breakpoint comes behind the next instruction; where that is INT3 or INT n, at
 * the first instruction of the handler. */
static void ss_load_with_a_data_breakpoint(void **state)
{
	for (enum ss_load how = MOV_SS; how < SS_LOADS; how++) {
		static const struct { uint8_t code[2], vector; } next[] = {
			{{NOP}, 0}, {{0xcc}, VEC_BP}, {{0xcd, V}, V},
		};

		for (unsigned i = 0; i < 3; i++) {
			at_cpl(3);
			s()->dr6 = DR6_FIXED1;
			rig_write32(r, TARGET, RIG_DS3);
			if (how == MOV_SS)
				INSN(0x8e, 0x15, 0x00, 0x50, 0, 0);
			else
				INSN(NOP, NOP, NOP, NOP, NOP, 0x17);
			rig_write(r, RIG_CODE + 6, next[i].code, 2);
			breakpoint(0, how == MOV_SS ? TARGET : RIG_STACK3, 3, 0);
			rig_write32(r, RIG_STACK3, RIG_DS3);
			steps(how == MOV_SS ? 1 : 6);
			unsigned before = deliveries();
			step();
			assert_int_equal(deliveries(), before + (i > 0));
			step();
			debug_exception(WHY_DATA_BREAKPOINT, DR6_B0, i ? RIG_HANDLER(next[i].vector) : RIG_CODE + 7);
			assert_int_equal(last()->from.cpl, i ? 0 : 3);
			assert_int_equal(deliveries(), before + 1 + (i > 0));
		}
	}
}

/* MOV SS's own single step is lost, not put off: INT3 behind it has none either. */
static void ss_load_under_tf_then_int3(void **state)
{
	for (enum ss_load how = MOV_SS; how < SS_LOADS; how++) {
		uint32_t behind = load_ss(how);
		rig_write8(r, behind, 0xcc);
		rig_write16(r, RIG_HANDLER(VEC_BP), NOP | NOP << 8);
		set_flags(FLAG_TF, 0);
		steps(2);
		assert_int_equal(last()->vector, VEC_BP);
		steps(2);
		assert_int_equal(last()->vector, VEC_BP);
		assert_int_equal(s()->rip, RIG_HANDLER(VEC_BP) + 2);
	}
}

/* ---- STI ---- */
static void sti_holds_intr_for_one_instruction(void **state)
{
	at_cpl(0);
	INSN(0xfb, NOP, NOP);
	rig_interrupt(r, V);
	steps(2);
	assert_int_equal(deliveries(), 0);
	step();
	assert_int_equal(last()->kind, EV_IRQ);
	assert_int_equal(last()->from.rip, RIG_CODE + 2);
}

static void sti_holds_neither_nmi_nor_debug_traps(void **state)
{
	at_cpl(0);
	INSN(0xfb, NOP, NOP);
	step();
	cpu_pulse_nmi(&r->cpu, 0);
	step();
	assert_int_equal(last()->kind, EV_NMI);
	assert_int_equal(last()->from.rip, RIG_CODE + 1);
	at_cpl(0);
	set_flags(FLAG_TF, 0);
	INSN(0xfb, NOP, NOP);
	steps(2);
	debug_exception(WHY_SINGLE_STEP, DR6_BS, RIG_CODE + 1);
	at_cpl(0);
	s()->dr6 = DR6_FIXED1;
	INSN(0xfb, NOP);
	breakpoint(0, RIG_CODE + 1, 0, 0);
	steps(2);
	debug_exception(WHY_CODE_BREAKPOINT, DR6_B0, RIG_CODE + 1);
}

/* A fault instead of the next instruction ends the shadow. */
static void delivery_ends_a_shadow(void **state)
{
	at_cpl(0);
	trap_gates();
	INSN(0xfb, 0x0f, 0x0b);
	rig_interrupt(r, V);
	steps(2);
	assert_int_equal(last()->vector, VEC_UD);
	step();
	assert_int_equal(last()->kind, EV_IRQ);
	assert_int_equal(last()->from.rip, RIG_HANDLER(VEC_UD));
}

/* So does a trap that it does not hold. */
static void trap_ends_the_shadow_of_sti(void **state)
{
	at_cpl(0);
	trap_gates();
	INSN(0xfb, NOP);
	set_flags(FLAG_TF, 0);
	rig_interrupt(r, V);
	steps(2);
	debug_exception(WHY_SINGLE_STEP, DR6_BS, RIG_CODE + 1);
	step();
	assert_int_equal(last()->kind, EV_IRQ);
	assert_int_equal(last()->from.rip, RIG_HANDLER(VEC_DB));
}

static void sti_hlt_is_woken(void **state)
{
	at_cpl(0);
	INSN(0xfb, 0xf4, NOP);
	rig_interrupt(r, V);
	rig_run(r, 3);
	assert_int_equal(last()->kind, EV_IRQ);
	assert_int_equal(last()->from.rip, RIG_CODE + 2);
}

static void intr_waits_for_if(void **state)
{
	at_cpl(0);
	INSN(NOP, NOP, 0xfb, NOP, NOP);
	rig_interrupt(r, V);
	rig_run(r, 3);
	assert_int_equal(deliveries(), 0);
	assert_int_equal(r->pin.acknowledged, 0);
	rig_run(r, 2);
	assert_int_equal(r->pin.acknowledged, 1);
	assert_int_equal(last()->from.rip, RIG_CODE + 4);
}

static void popf_and_iret_set_if_without_a_shadow(void **state)
{
	at_cpl(0);
	PUT32(FLAG_ONE | FLAG_IF);
	INSN(NOP, 0x9d, NOP);
	rig_interrupt(r, V);
	rig_run(r, 3);
	assert_int_equal(last()->kind, EV_IRQ);
	assert_int_equal(last()->from.rip, RIG_CODE + 2);
	at_cpl(0);
	PUT32(RIG_CODE + 8, RIG_CS0, FLAG_ONE | FLAG_IF);
	INSN(NOP, 0xcf);
	rig_interrupt(r, V);
	rig_run(r, 3);
	assert_int_equal(last()->from.rip, RIG_CODE + 8);
}

/* ---- HLT, NMI, INIT ---- */
static void hlt_is_woken_by_nmi_intr_and_init(void **state)
{
	for (unsigned what = 0; what < 4; what++) {
		at_cpl(0);
		INSN(0xf4, NOP);
		if (what == 1)
			set_flags(FLAG_IF, 0);
		assert_int_equal(rig_run(r, 10), STOP_HALT);
		assert_int_equal(rig_run(r, 10), STOP_HALT);
		unsigned before = deliveries();
		if (what == 0)
			cpu_pulse_nmi(&r->cpu, 0);
		else if (what < 3)
			rig_interrupt(r, V); /* 2: with IF = 0 */
		else
			cpu_pulse_init(&r->cpu);
		step();
		if (what == 2) {
			assert_int_equal(s()->activity, ACT_HALTED);
			assert_int_equal(deliveries(), before);
			continue;
		}
		assert_int_equal(s()->activity, ACT_RUNNING);
		if (what == 3) {
			assert_int_equal(s()->rip, 0xfff0);
			continue;
		}
		assert_int_equal(last()->kind, what ? EV_IRQ : EV_NMI);
		assert_int_equal(last()->from.rip, RIG_CODE + 1);
	}
}

static void nmi_is_blocked_and_one_is_latched(void **state)
{
	at_cpl(0);
	INSN(NOP, NOP, NOP);
	HANDLER_RETURNS(VEC_NMI);
	cpu_pulse_nmi(&r->cpu, 0);
	step();
	assert_int_equal(last()->kind, EV_NMI);
	assert_true(s()->nmi_blocked);
	cpu_pulse_nmi(&r->cpu, 0);
	cpu_pulse_nmi(&r->cpu, 0);
	step(); /* IRET */
	assert_int_equal(deliveries(), 1);
	step();
	assert_int_equal(deliveries(), 2);
	assert_int_equal(last()->from.rip, RIG_CODE);
	steps(3);
	assert_int_equal(deliveries(), 2);
}

/* A processor that waits for its startup IPI takes nothing else. */
static void wait_for_sipi_blocks_nmi(void **state)
{
	at_cpl(0);
	s()->activity = ACT_WAIT_SIPI;
	cpu_pulse_nmi(&r->cpu, 0);
	step();
	assert_int_equal(deliveries(), 0);
	assert_int_equal(s()->activity, ACT_WAIT_SIPI);
	cpu_start(&r->cpu, 0x10);
	assert_int_equal(s()->activity, ACT_RUNNING);
	step();
	assert_int_equal(last()->kind, EV_NMI);
}

static void init_makes_an_application_processor_wait(void **state)
{
	at_cpl(0);
	r->cpu.id = 1;
	cpu_pulse_init(&r->cpu);
	step();
	assert_int_equal(s()->activity, ACT_WAIT_SIPI);
	assert_int_equal(rig_run(r, 10), STOP_HALT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(ss_load_holds_interrupts_for_one_instruction), T(ss_load_holds_interrupts_when_blocks_run),
		T(ss_load_loses_its_single_step), T(ss_load_suppresses_a_code_breakpoint_behind_it),
		T(ss_load_with_a_data_breakpoint), T(sti_holds_intr_for_one_instruction),
		T(sti_holds_neither_nmi_nor_debug_traps), T(delivery_ends_a_shadow), T(trap_ends_the_shadow_of_sti),
		T(ss_load_under_tf_then_int3), T(sti_hlt_is_woken), T(intr_waits_for_if),
		T(popf_and_iret_set_if_without_a_shadow), T(hlt_is_woken_by_nmi_intr_and_init),
		T(nmi_is_blocked_and_one_is_latched), T(wait_for_sipi_blocks_nmi),
		T(init_makes_an_application_processor_wait),
	};

	return cmocka_run_group_tests_name("shadows", tests, NULL, NULL);
}
