/* Between two instructions: which event comes first, what holds it back, and what RF
 * is in the image (SDM 3A, "Priority Among Concurrent Events"; 3B, "Debug Exceptions"). */
#include "deliver/events.h"

/* ---- SINGLE_STEP ---- */
static void single_step_traps_behind_the_instruction(void **state)
{
	at_cpl(0);
	INSN(NOP, NOP);
	set_flags(FLAG_TF | FLAG_CF, 0);
	step();
	assert_int_equal(deliveries(), 0);
	step();
	debug_exception(WHY_SINGLE_STEP, DR6_BS, RIG_CODE + 1);
	assert_int_equal(last()->kind, EV_TRAP);
	assert_int_equal(word(2), FLAG_ONE | FLAG_TF | FLAG_CF); /* RF = 0 */
	assert_int_equal(flags(), FLAG_ONE | FLAG_CF);
}

static void popf_sets_tf_for_the_next_instruction(void **state)
{
	at_cpl(0);
	PUT32(FLAG_ONE | FLAG_TF);
	INSN(0x9d, NOP, NOP);
	steps(2);
	assert_int_equal(deliveries(), 0);
	step();
	debug_exception(WHY_SINGLE_STEP, DR6_BS, RIG_CODE + 2);
}

static void popf_that_clears_tf_still_traps(void **state)
{
	for (unsigned run = 0; run < 2; run++) {
		at_cpl(0);
		PUT32(FLAG_ONE);
		INSN(0x9d, NOP);
		set_flags(FLAG_TF, 0);
		if (run)
			rig_run(r, 3);
		else
			steps(2);
		debug_exception(WHY_SINGLE_STEP, DR6_BS, RIG_CODE + 1);
		assert_int_equal(word(2), FLAG_ONE);
	}
}

static void iret_sets_tf_for_the_next_instruction(void **state)
{
	at_cpl(0);
	PUT32(RIG_CODE + 0x10, RIG_CS3, FLAG_ONE | FLAG_TF, RIG_STACK3, RIG_DS3);
	INSN(0xcf);
	rig_write16(r, RIG_CODE + 0x10, NOP | NOP << 8);
	steps(2);
	assert_int_equal(deliveries(), 0);
	step();
	debug_exception(WHY_SINGLE_STEP, DR6_BS, RIG_CODE + 0x11);
	assert_int_equal(last()->from.cpl, 3);
}

/* The same when whole blocks run: both ways of ending IRET and POPF must look up. */
static void tf_is_seen_by_running_blocks(void **state)
{
	at_cpl(0);
	PUT32(RIG_CODE + 0x10, RIG_CS0, FLAG_ONE | FLAG_TF);
	INSN(NOP, 0xcf);
	rig_write32(r, RIG_CODE + 0x10, 0x90909090);
	rig_run(r, 100);
	assert_int_equal(deliveries(), 1);
	debug_exception(WHY_SINGLE_STEP, DR6_BS, RIG_CODE + 0x11);

	at_cpl(0);
	PUT32(FLAG_ONE | FLAG_TF);
	INSN(NOP, 0x9d, NOP, NOP, NOP);
	rig_run(r, 100);
	assert_int_equal(deliveries(), 2);
	assert_int_equal(last()->from.rip, RIG_CODE + 3);
}

static void sysenter_carries_tf_into_ring_0(void **state)
{
	at_cpl(3);
	s()->sysenter_cs = RIG_CS0;
	s()->sysenter_eip = 0x18000;
	s()->sysenter_esp = 0x28000;
	INSN(0x0f, 0x34);
	set_flags(FLAG_TF | FLAG_IF, 0);
	steps(2);
	debug_exception(WHY_SINGLE_STEP, DR6_BS, 0x18000);
	assert_int_equal(last()->from.cpl, 0);
	assert_int_equal(word(2), FLAG_ONE | FLAG_TF);
	assert_int_equal(reg(RSP), 0x28000 - 12);
}

/* INT n, INT3, INTO and INT1 clear TF on their way: no trap before the handler's first
 * instruction. */
static void software_interrupts_do_not_trap(void **state)
{
	for (enum way way = INT_N; way <= INT_1; way++) {
		at_cpl(3);
		rig_write16(r, RIG_HANDLER(ways[way].vector), NOP | NOP << 8);
		set_flags(FLAG_TF, 0);
		unsigned before = deliveries();
		happen(way);
		steps(2);
		assert_int_equal(deliveries(), before + 1);
		assert_true(word(2) & FLAG_TF);
	}
	at_cpl(0); /* INTO that does nothing is an instruction like others */
	INSN(0xce, NOP);
	set_flags(FLAG_TF, 0);
	steps(2);
	debug_exception(WHY_SINGLE_STEP, DR6_BS, RIG_CODE + 1);
}

static void faulting_instruction_does_not_trap(void **state)
{
	at_cpl(0);
	INSN(0x0f, 0x0b);
	rig_write16(r, RIG_HANDLER(VEC_UD), NOP | NOP << 8);
	set_flags(FLAG_TF, 0);
	steps(3);
	assert_int_equal(deliveries(), 1);
	assert_int_equal(last()->vector, VEC_UD);
	assert_int_equal(word(2), FLAG_ONE | FLAG_TF | FLAG_RF);
}

static void single_step_over_hlt_wakes_it(void **state)
{
	at_cpl(0);
	INSN(0xf4, NOP);
	set_flags(FLAG_TF, 0);
	rig_run(r, 2);
	debug_exception(WHY_SINGLE_STEP, DR6_BS, RIG_CODE + 1);
	assert_int_equal(s()->activity, ACT_RUNNING);
}

/* ---- REP: TF after each iteration, RF = 1 in the image but for the last ---- */
static void rep_stos(void)
{
	at_cpl(0);
	HANDLER_RETURNS(VEC_DB);
	HANDLER_RETURNS(V);
	set_reg(RCX, 3);
	set_reg(RDI, TARGET);
	INSN(0xf3, 0xaa, 0xf4);
}

static void single_step_of_rep(void **state)
{
	rep_stos();
	set_flags(FLAG_TF, 0);
	for (unsigned left = 2; left + 1 > 0; left--) {
		step();
		assert_int_equal(reg(RCX), left);
		assert_int_equal(reg(RDI), TARGET + 3 - left);
		step();
		debug_exception(WHY_SINGLE_STEP, DR6_BS, left ? RIG_CODE : RIG_CODE + 2);
		assert_int_equal(word(2) & FLAG_RF, left ? FLAG_RF : 0);
		step(); /* the handler's IRET */
	}
	assert_int_equal(last()->id, rig_last(r, 2)->id + 2);
	rep_stos(); /* when more iterations could run at once: no limit, the page in the TLB */
	INSN(0xa2, 0x00, 0x50, 0, 0, 0xf3, 0xaa, 0xf4);
	set_flags(FLAG_TF, 0);
	steps(3);
	rig_run(r, 2);
	debug_exception(WHY_SINGLE_STEP, DR6_BS, RIG_CODE + 5);
	assert_int_equal(reg(RCX), 2);
}

static void interrupt_between_iterations(void **state)
{
	for (unsigned done = 1; done <= 3; done++) {
		for (unsigned nmi = 0; nmi < 2; nmi++) {
			rep_stos();
			HANDLER_RETURNS(VEC_NMI);
			set_flags(FLAG_IF, 0);
			rig_run(r, done);
			if (nmi)
				cpu_pulse_nmi(&r->cpu, 0);
			else
				rig_interrupt(r, V);
			step();
			assert_int_equal(last()->kind, nmi ? EV_NMI : EV_IRQ);
			assert_int_equal(last()->from.rip, done < 3 ? RIG_CODE : RIG_CODE + 2);
			assert_int_equal(word(2) & FLAG_RF, done < 3 ? FLAG_RF : 0);
			assert_int_equal(reg(RCX), 3 - done);
			assert_int_equal(rig_run(r, 10), STOP_HALT);
			assert_int_equal(reg(RCX), 0);
			assert_int_equal(reg(RDI), TARGET + 3);
			assert_int_equal(s()->rip, RIG_CODE + 3);
		}
	}
}

/* Of two events between the same iterations only the first interrupts the repetition. */
static void second_event_between_iterations(void **state)
{
	rep_stos();
	trap_gates();
	set_flags(FLAG_IF, 0);
	rig_run(r, 1);
	cpu_pulse_nmi(&r->cpu, 0);
	rig_interrupt(r, V);
	step();
	assert_int_equal(last()->kind, EV_NMI);
	assert_int_equal(word(2), FLAG_ONE | FLAG_RF | FLAG_IF);
	step();
	assert_int_equal(last()->kind, EV_IRQ);
	assert_int_equal(word(2), FLAG_ONE | FLAG_IF);
}

static void data_breakpoint_in_the_middle_of_rep(void **state)
{
	rep_stos();
	breakpoint(0, TARGET + 1, 1, 0);
	rig_run(r, 3);
	debug_exception(WHY_DATA_BREAKPOINT, DR6_B0, RIG_CODE);
	assert_int_equal(word(2), FLAG_ONE | FLAG_RF);
	assert_int_equal(reg(RCX), 1);
	rep_stos(); /* the last iteration's */
	s()->dr6 = DR6_FIXED1;
	breakpoint(0, TARGET + 2, 1, 0);
	steps(4);
	debug_exception(WHY_DATA_BREAKPOINT, DR6_B0, RIG_CODE + 2);
	assert_int_equal(word(2), FLAG_ONE);
}

static void rf_of_an_event_after_a_repetition(void **state)
{
	rep_stos();
	INSN(0xf3, 0xaa, NOP, 0xcd, V);
	rig_run(r, 1);
	rig_run(r, 4);
	assert_int_equal(last()->vector, V);
	assert_int_equal(word(2), FLAG_ONE);
}

/* RF set from outside lasts until the whole repetition is over. */
static void rf_lasts_over_a_repetition(void **state)
{
	rep_stos();
	breakpoint(0, RIG_CODE, 0, 0);
	breakpoint(1, RIG_CODE + 2, 0, 0);
	set_flags(FLAG_RF, 0);
	steps(3);
	assert_int_equal(deliveries(), 0);
	assert_int_equal(reg(RCX), 0);
	assert_int_equal(flags() & FLAG_RF, 0);
	step();
	debug_exception(WHY_CODE_BREAKPOINT, DR6_B0 << 1, RIG_CODE + 2);
}

/* ---- RF in the image ---- */
static void rf_image_of_each_kind(void **state)
{
	static const bool rf[WAYS] = {[INVALID] = true};

	for (enum way way = INT_N; way < WAYS; way++) {
		at_cpl(0);
		happen(way);
		delivered(ways[way].vector);
		assert_int_equal(word(2) & FLAG_RF, rf[way] ? FLAG_RF : 0);
	}
	at_cpl(0); /* an interrupt between instructions pushes RF as it is */
	PUT32(RIG_CODE + 8, RIG_CS0, FLAG_ONE | FLAG_RF | FLAG_IF);
	INSN(0xcf);
	rig_interrupt(r, V);
	steps(2);
	assert_int_equal(last()->from.rip, RIG_CODE + 8);
	assert_int_equal(word(2), FLAG_ONE | FLAG_RF | FLAG_IF);
	assert_int_equal(flags(), FLAG_ONE); /* and clears it */
	for (enum way way = INT_N; way <= INT_1; way++) { /* a software interrupt has spent it */
		at_cpl(0);
		set_flags(FLAG_RF, 0);
		happen(way);
		assert_int_equal(word(2) & FLAG_RF, 0);
	}
}

static void rf_is_spent_by_one_instruction(void **state)
{
	at_cpl(0);
	INSN(NOP, NOP);
	set_flags(FLAG_RF, 0);
	step();
	assert_int_equal(flags(), FLAG_ONE);
	at_cpl(0); /* before a block too */
	INSN(NOP, NOP, 0xcd, V);
	set_flags(FLAG_RF, 0);
	rig_run(r, 3);
	assert_int_equal(word(2), FLAG_ONE);
}

/* ---- CODE_BREAKPOINT ---- */
static void code_breakpoint_is_a_fault_with_rf_0(void **state)
{
	at_cpl(0);
	INSN(NOP, NOP);
	breakpoint(2, RIG_CODE + 1, 0, 0);
	steps(2);
	debug_exception(WHY_CODE_BREAKPOINT, DR6_B0 << 2, RIG_CODE + 1);
	assert_int_equal(last()->kind, EV_FAULT);
	assert_int_equal(word(2), FLAG_ONE);
}

static void code_breakpoint_in_the_middle_of_a_block(void **state)
{
	at_cpl(0);
	INSN(NOP, NOP, NOP, NOP);
	breakpoint(0, RIG_CODE + 2, 0, 0);
	rig_run(r, 10);
	debug_exception(WHY_CODE_BREAKPOINT, DR6_B0, RIG_CODE + 2);
}

static void rf_passes_one_code_breakpoint(void **state)
{
	at_cpl(0);
	INSN(NOP, NOP);
	breakpoint(0, RIG_CODE, 0, 0);
	breakpoint(1, RIG_CODE + 1, 0, 0);
	set_flags(FLAG_RF, 0);
	step();
	assert_int_equal(deliveries(), 0);
	step();
	debug_exception(WHY_CODE_BREAKPOINT, DR6_B0 << 1, RIG_CODE + 1);
}

static void code_breakpoint_waits_while_halted(void **state)
{
	at_cpl(0);
	INSN(0xf4, NOP);
	step();
	breakpoint(0, RIG_CODE + 1, 0, 0);
	step();
	assert_int_equal(deliveries(), 0);
	assert_int_equal(s()->activity, ACT_HALTED);
}

/* ---- DATA_BREAKPOINT ---- */
static void data_breakpoint_traps_behind_the_access(void **state)
{
	for (unsigned read = 0; read < 2; read++) {
		for (unsigned access = 0; access < 2; access++) {
			at_cpl(0);
			unsigned before = deliveries();
			INSN(read ? 0xa1 : 0xa3, 0x00, 0x50, 0, 0, NOP);
			breakpoint(3, TARGET + 2, access ? 3 : 1, 1);
			steps(2);
			if (read && !access) {
				assert_int_equal(deliveries(), before);
				continue;
			}
			debug_exception(WHY_DATA_BREAKPOINT, DR6_B0 << 3, RIG_CODE + 5);
			assert_int_equal(last()->kind, EV_TRAP);
			assert_int_equal(word(2), FLAG_ONE);
		}
	}
}

static void data_breakpoint_and_single_step_are_one_exception(void **state)
{
	at_cpl(0);
	INSN(0xa3, 0x00, 0x50, 0, 0, NOP);
	breakpoint(0, TARGET, 1, 0);
	set_flags(FLAG_TF, 0);
	steps(2);
	debug_exception(WHY_SINGLE_STEP, DR6_B0 | DR6_BS, RIG_CODE + 5);
	step();
	assert_int_equal(deliveries(), 1);
}

static void data_breakpoint_of_a_faulting_instruction_is_lost(void **state)
{
	at_cpl(3);
	rig_paging(r);
	unmap(0x60000);
	set_reg(RSI, TARGET); /* MOVSB reads the watched byte, then cannot write */
	set_reg(RDI, 0x60000);
	INSN(0xa4);
	breakpoint(0, TARGET, 3, 0);
	rig_write16(r, RIG_HANDLER(VEC_PF), NOP | NOP << 8);
	steps(3);
	assert_int_equal(deliveries(), 1);
	assert_int_equal(last()->vector, VEC_PF);
}

/* ---- GENERAL_DETECT ---- */
static void general_detect_is_a_fault_with_rf_1(void **state)
{
	at_cpl(0);
	INSN(0x0f, 0x21, 0xc0); /* MOV EAX, DR0 */
	s()->dr7 |= DR7_GD;
	cpu_state_changed(&r->cpu);
	step();
	debug_exception(WHY_GENERAL_DETECT, DR6_BD, RIG_CODE);
	assert_int_equal(last()->kind, EV_FAULT);
	assert_int_equal(word(2), FLAG_ONE | FLAG_RF);
	assert_int_equal(s()->dr7, DR7_FIXED1);
}

/* Entering the debug handler clears DR7.GD, whatever made the exception; INT 1 (CD 01) is none. */
static void every_debug_exception_clears_gd(void **state)
{
	at_cpl(0);
	s()->dr7 |= DR7_GD;
	INSN(NOP);
	set_flags(FLAG_TF, 0);
	steps(2);
	assert_int_equal(s()->dr7, DR7_FIXED1);
	at_cpl(0);
	s()->dr7 |= DR7_GD;
	happen(INT_1);
	assert_int_equal(s()->dr7, DR7_FIXED1);
	assert_int_equal(s()->dr6, DR6_FIXED1); /* INT1 sets no bit of DR6 */
	at_cpl(0);
	s()->dr7 |= DR7_GD;
	INSN(0xcd, 0x01);
	cpu_state_changed(&r->cpu);
	step();
	assert_int_equal(last()->vector, VEC_DB);
	assert_int_equal(s()->dr7, DR7_FIXED1 | DR7_GD);
}

/* ---- TASK_SWITCH_TRAP ---- */
#define OTHER_TSS 0x4000u
#define OTHER     0x60u
static void jump_to_a_task_with_t(void)
{
	static const uint16_t seg[6] = {RIG_DS0, RIG_CS0, RIG_DS0, RIG_DS0, RIG_DS0, RIG_DS0};

	at_cpl(0);
	descriptor(OTHER, OTHER_TSS, 0x67, 0x89, 0);
	rig_write32(r, OTHER_TSS + 0x20, RIG_CODE + 0x100);
	rig_write32(r, OTHER_TSS + 0x24, FLAG_ONE);
	rig_write32(r, OTHER_TSS + 0x38, STACK1);
	for (unsigned i = 0; i < 6; i++)
		rig_write32(r, OTHER_TSS + 0x48 + 4 * i, seg[i]);
	rig_write16(r, OTHER_TSS + 0x64, 1);
	rig_write8(r, RIG_CODE + 0x100, NOP);
	INSN(0xea, 0, 0, 0, 0, OTHER, 0);
}

static void task_switch_trap(void **state)
{
	jump_to_a_task_with_t();
	steps(2);
	debug_exception(WHY_TASK_SWITCH_TRAP, DR6_BT, RIG_CODE + 0x100);
	assert_int_equal(last()->kind, EV_TRAP);
	assert_int_equal(word(2), FLAG_ONE);
}

/* ---- priority ---- */
/* Trap of the last instruction, NMI, INTR, code breakpoint of the next, its fetch. */
static void debug_trap_nmi_intr_breakpoint_fetch(void **state)
{
	at_cpl(0);
	rig_paging(r);
	trap_gates();
	unmap(0x60000);
	rig_write8(r, 0x5ffff, NOP);
	s()->rip = 0x5ffff;
	breakpoint(0, 0x60000, 0, 0);
	set_flags(FLAG_TF | FLAG_IF, 0);
	step();
	cpu_pulse_nmi(&r->cpu, 0);
	rig_interrupt(r, V);
	step();
	debug_exception(WHY_SINGLE_STEP, DR6_BS, 0x60000);
	step();
	assert_int_equal(last()->kind, EV_NMI);
	assert_int_equal(last()->from.rip, RIG_HANDLER(VEC_DB));
	step();
	assert_int_equal(last()->kind, EV_IRQ);
	assert_int_equal(last()->from.rip, RIG_HANDLER(VEC_NMI));
	HANDLER_RETURNS(V);
	HANDLER_RETURNS(VEC_NMI);
	rig_write8(r, RIG_HANDLER(VEC_DB), 0x9d); /* POPFD away: TF = 0 */
	set_reg(RSP, RIG_STACK0);
	set_flags(0, FLAG_TF);
	s()->dr6 = DR6_FIXED1;
	s()->rip = 0x60000;
	cpu_state_changed(&r->cpu);
	rig_interrupt(r, V);
	step();
	assert_int_equal(last()->kind, EV_IRQ);
	assert_int_equal(last()->from.rip, 0x60000);
	steps(2);
	debug_exception(WHY_CODE_BREAKPOINT, DR6_B0, 0x60000);
	set_reg(RSP, RIG_STACK0);
	set_flags(FLAG_RF, 0);
	s()->rip = 0x60000;
	step();
	assert_int_equal(last()->vector, VEC_PF);
	assert_int_equal(last()->from.rip, 0x60000);
	assert_int_equal(last()->cr2, 0x60000);
}

static void nmi_before_code_breakpoint(void **state)
{
	at_cpl(0);
	INSN(NOP);
	breakpoint(0, RIG_CODE, 0, 0);
	cpu_pulse_nmi(&r->cpu, 0);
	step();
	assert_int_equal(last()->kind, EV_NMI);
	assert_int_equal(word(2), FLAG_ONE);
}

static void data_breakpoint_before_code_breakpoint(void **state)
{
	at_cpl(0);
	INSN(0xa3, 0x00, 0x50, 0, 0, NOP);
	breakpoint(0, TARGET, 1, 0);
	breakpoint(1, RIG_CODE + 5, 0, 0);
	steps(2);
	debug_exception(WHY_DATA_BREAKPOINT, DR6_B0, RIG_CODE + 5);
	HANDLER_RETURNS(VEC_DB);
	steps(2);
	debug_exception(WHY_CODE_BREAKPOINT, DR6_B0 | DR6_B0 << 1, RIG_CODE + 5);
}

static void init_between_blocks(void **state)
{
	at_cpl(0);
	INSN(NOP, NOP, NOP);
	rig_run(r, 1);
	cpu_pulse_init(&r->cpu);
	rig_run(r, 1);
	assert_true(in_real(&r->cpu));
}

static void init_before_traps_and_interrupts(void **state)
{
	at_cpl(0);
	INSN(NOP, NOP);
	set_flags(FLAG_TF | FLAG_IF, 0);
	step();
	cpu_pulse_init(&r->cpu);
	rig_interrupt(r, V);
	step();
	assert_int_equal(deliveries(), 0);
	assert_int_equal(s()->rip, 0xfff0);
	assert_int_equal(s()->seg[SEG_CS].base, 0xffff0000);
	assert_int_equal(s()->pending_dr6, 0);
	assert_int_equal(s()->cr0 & CR0_PE, 0);
}

/* The trap on a task switch is the one thing that comes before INIT. */
static void task_switch_trap_before_init(void **state)
{
	jump_to_a_task_with_t();
	step();
	cpu_pulse_init(&r->cpu);
	step();
	debug_exception(WHY_TASK_SWITCH_TRAP, DR6_BT, RIG_CODE + 0x100);
	step();
	assert_int_equal(s()->rip, 0xfff0);
	assert_int_equal(deliveries(), 1);
}

/* ---- faults of fetching and decoding ---- */
static void run_or_step(unsigned run)
{
	if (run)
		rig_run(r, 1);
	else
		step();
}

/* FETCH_LIMIT: #GP(0), the last byte counts; before a page fault. */
static void fetch_beyond_the_code_segment(void **state)
{
	for (unsigned run = 0; run < 2; run++) {
		for (unsigned short_by = 0; short_by < 2; short_by++) {
			at_cpl(0);
			unsigned before = deliveries();
			INSN(0xb8, 1, 2, 3, 4);
			s()->seg[SEG_CS].limit = RIG_CODE + 4 - short_by;
			cpu_state_changed(&r->cpu);
			run_or_step(run);
			if (short_by)
				faulted(VEC_GP, 0, WHY_FETCH_LIMIT);
			else
				assert_int_equal(deliveries(), before);
		}
	}
	at_cpl(0);
	rig_paging(r);
	unmap(0x60000);
	s()->rip = 0x60000;
	s()->seg[SEG_CS].limit = 0x5ffff;
	cpu_state_changed(&r->cpu);
	step();
	assert_why(last()->why, WHY_FETCH_LIMIT);
}

static void block_across_the_code_segment_limit(void **state)
{
	at_cpl(0);
	INSN(NOP, 0xb8, 1, 2, 3, 4, NOP, 0xf4);
	s()->seg[SEG_CS].limit = RIG_CODE + 4;
	cpu_state_changed(&r->cpu);
	rig_run(r, 100);
	assert_why(last()->why, WHY_FETCH_LIMIT);
	assert_int_equal(last()->from.rip, RIG_CODE + 1);
	assert_int_equal(reg(RAX), 0);
}

/* UNDEFINED_OPCODE: #UD */
static void undefined_opcode(void **state)
{
	static const uint8_t text[][4] = {
		{0x0f, 0xff},             /* UD0 has a reason of its own: not here */
		{0xf0, 0x90},             /* LOCK NOP */
		{0x8d, 0xc0},             /* LEA with a register */
		{0x0f, 0x20, 0xe8},       /* MOV EAX, CR5 */
		{0xff, 0xff},             /* group 5, /7 */
	};

	for (unsigned run = 0; run < 2; run++) {
		for (unsigned i = 1; i < 5; i++) {
			at_cpl(0);
			code(text[i], 4);
			run_or_step(run);
			assert_why(last()->why, WHY_UNDEFINED_OPCODE);
			assert_int_equal(last()->vector, VEC_UD);
			assert_int_equal(last()->from.rip, RIG_CODE);
			assert_int_equal(word(2) & FLAG_RF, FLAG_RF);
		}
	}
}

/* INSTRUCTION_TOO_LONG: #GP(0) from the 16th byte on, before what it would be. */
static void instruction_of_15_bytes_and_of_16(void **state)
{
	for (unsigned run = 0; run < 2; run++) {
		for (unsigned prefixes = 14; prefixes < 17; prefixes++) {
			at_cpl(0);
			unsigned before = deliveries();
			for (unsigned i = 0; i < prefixes; i++)
				rig_write8(r, RIG_CODE + i, 0x26);
			rig_write8(r, RIG_CODE + prefixes, NOP);
			run_or_step(run);
			if (prefixes > 14)
				faulted(VEC_GP, 0, WHY_INSTRUCTION_TOO_LONG);
			else
				assert_int_equal(deliveries(), before);
		}
	}
}

/* BRANCH_LIMIT: #GP(0) at the branch. */
static void branch_beyond_the_code_segment(void **state)
{
	static const struct { uint8_t text[6]; } branch[] = {
		{{0xe9, 0xfb, 0xff, 0x06, 0x00}}, /* JMP 80000h */
		{{0xe8, 0xfb, 0xff, 0x06, 0x00}}, /* CALL */
		{{0x0f, 0x85, 0xfa, 0xff, 0x06, 0x00}}, /* JNZ */
		{{0xff, 0xe0}},                   /* JMP EAX */
		{{0xff, 0xd0}},                   /* CALL EAX */
		{{0xc3}},                         /* RET */
	};

	for (unsigned run = 0; run < 2; run++) {
		for (unsigned i = 0; i < sizeof(branch) / sizeof(branch[0]); i++) {
			for (unsigned beyond = 0; beyond < 2; beyond++) {
				at_cpl(0);
				unsigned before = deliveries();
				set_reg(RAX, 0x80000);
				rig_write32(r, RIG_STACK0, 0x80000);
				code(branch[i].text, 6);
				s()->seg[SEG_CS].limit = 0x80000 - beyond;
				cpu_state_changed(&r->cpu);
				run_or_step(run);
				if (beyond) {
					faulted(VEC_GP, 0, WHY_BRANCH_LIMIT);
					assert_int_equal(last()->from.rsp, RIG_STACK0);
				} else {
					assert_int_equal(deliveries(), before);
					assert_int_equal(s()->rip, 0x80000);
				}
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(single_step_traps_behind_the_instruction), T(popf_sets_tf_for_the_next_instruction),
		T(popf_that_clears_tf_still_traps), T(iret_sets_tf_for_the_next_instruction),
		T(tf_is_seen_by_running_blocks), T(sysenter_carries_tf_into_ring_0),
		T(software_interrupts_do_not_trap), T(faulting_instruction_does_not_trap),
		T(single_step_over_hlt_wakes_it), T(single_step_of_rep), T(interrupt_between_iterations),
		T(second_event_between_iterations), T(data_breakpoint_in_the_middle_of_rep),
		T(rf_lasts_over_a_repetition), T(rf_image_of_each_kind), T(rf_is_spent_by_one_instruction),
		T(code_breakpoint_is_a_fault_with_rf_0), T(rf_passes_one_code_breakpoint),
		T(code_breakpoint_in_the_middle_of_a_block), T(rf_of_an_event_after_a_repetition),
		T(code_breakpoint_waits_while_halted), T(data_breakpoint_traps_behind_the_access),
		T(data_breakpoint_and_single_step_are_one_exception),
		T(data_breakpoint_of_a_faulting_instruction_is_lost), T(general_detect_is_a_fault_with_rf_1),
		T(every_debug_exception_clears_gd), T(task_switch_trap), T(debug_trap_nmi_intr_breakpoint_fetch),
		T(nmi_before_code_breakpoint), T(data_breakpoint_before_code_breakpoint),
		T(init_before_traps_and_interrupts), T(init_between_blocks), T(block_across_the_code_segment_limit),
		T(task_switch_trap_before_init), T(fetch_beyond_the_code_segment), T(undefined_opcode),
		T(instruction_of_15_bytes_and_of_16), T(branch_beyond_the_code_segment),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
