/* The run loop: exact counts, blocks against plain, self-modifying code,
 * shadows, single step, breakpoints, NMI, double faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "rig/guest.h"

static struct rig *r;

static int setup(void **state)
{
	r = rig_new("max", 8 << 20);
	return r == NULL;
}

static int teardown(void **state)
{
	rig_free(r);
	return 0;
}

static uint64_t reg(enum gpr n) { return r->cpu.s.gpr.r64[n]; }
/* The instruction after the last delivery's interrupted place. */
static uint64_t interrupted(void) { return rig_last(r, 0)->from.rip; }

GUEST32(sum, "mov ecx, 1000\n xor eax, eax\n 1: add eax, ecx\n dec ecx\n jnz 1b\n hlt")
static void loop_gives_sum_and_exact_count(void **state)
{
	for (int plain = 0; plain < 2; plain++) {
		rig_protected(r, 0);
		r->cpu.plain = plain;
		LOAD(r, RIG_CODE, sum);
		uint64_t before = r->cpu.icount;
		assert_int_equal(rig_run(r, 1000000), STOP_HALT);
		assert_int_equal(reg(RAX), 500500);
		assert_int_equal(r->cpu.icount - before, 2 + 3000 + 1);
	}
}

static void run_stops_at_any_count(void **state)
{
	for (unsigned n = 1; n < 60; n++) {
		rig_protected(r, 0);
		LOAD(r, RIG_CODE, sum);
		uint64_t before = r->cpu.icount;
		assert_int_equal(rig_run(r, n), STOP_BUDGET);
		assert_int_equal(r->cpu.icount - before, n);
		uint32_t expect_ecx = n < 4 ? (n >= 1 ? 1000 : 0) : 1000 - (n - 1) / 3;
		assert_int_equal(reg(RCX), expect_ecx);
	}
}

/* ---- self-modifying code is seen by the next instruction ---- */
GUEST32(smc_next, "mov byte ptr [0x10008], 7\n mov al, 1\n hlt")
static void store_into_next_instruction(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, smc_next);
	assert_int_equal(rig_run(r, 100), STOP_HALT);
	assert_int_equal(reg(RAX) & 0xff, 7);
}

GUEST32(smc_loop, "xor ebx, ebx\n mov ecx, 3\n 1: add ebx, 1\n inc byte ptr [0x10009]\n"
		  "dec ecx\n jnz 1b\n hlt")
static void store_into_running_loop(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, smc_loop);
	assert_int_equal(rig_run(r, 1000), STOP_HALT);
	assert_int_equal(reg(RBX), 1 + 2 + 3);
}

/* ---- shadows ---- */
GUEST32(sti_nop, "sti\n nop\n nop\n hlt")
static void sti_holds_interrupt_for_one_instruction(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, sti_nop);
	rig_interrupt(r, 0x40);
	assert_int_equal(rig_run(r, 100), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->kind, EV_IRQ);
	assert_int_equal(rig_last(r, 0)->vector, 0x40);
	assert_int_equal(interrupted(), RIG_CODE + 2);
}

GUEST32(sti_hlt, "sti\n hlt\n nop\n hlt")
static void sti_hlt_is_interrupted_after_hlt(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, sti_hlt);
	rig_interrupt(r, 0x40);
	assert_int_equal(rig_run(r, 100), STOP_HALT);
	assert_int_equal(interrupted(), RIG_CODE + 2);
}

GUEST32(sti_when_set, "sti\n nop\n sti\n nop\n hlt")
static void sti_with_if_set_has_no_shadow(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, sti_when_set);
	assert_int_equal(rig_run(r, 2), STOP_BUDGET);
	assert_int_equal(cpu_step(&r->cpu), STOP_BUDGET); /* the second STI */
	rig_interrupt(r, 0x40);
	assert_int_equal(rig_run(r, 100), STOP_HALT);
	assert_int_equal(interrupted(), RIG_CODE + 3);
}

GUEST32(mov_ss, "sti\n nop\n mov ss, eax\n nop\n nop\n hlt")
static void mov_ss_holds_interrupt_and_nmi(void **state)
{
	for (int nmi = 0; nmi < 2; nmi++) {
		rig_protected(r, 0);
		LOAD(r, RIG_CODE, mov_ss);
		r->cpu.s.gpr.r64[RAX] = RIG_DS0;
		assert_int_equal(rig_run(r, 3), STOP_BUDGET);
		if (nmi)
			cpu_pulse_nmi(&r->cpu, 0);
		else
			rig_interrupt(r, 0x40);
		assert_int_equal(rig_run(r, 100), STOP_HALT);
		assert_int_equal(rig_last(r, 0)->kind, nmi ? EV_NMI : EV_IRQ);
		assert_int_equal(interrupted(), RIG_CODE + 5);
	}
}

static void interrupt_waits_for_if(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, sum);
	rig_interrupt(r, 0x40);
	assert_int_equal(rig_run(r, 100000), STOP_HALT);
	assert_int_equal(reg(RAX), 500500);
	assert_true(r->pin.level);
}

/* ---- single step ---- */
GUEST32(three_nops, "nop\n nop\n nop\n hlt")
GUEST32(count_and_return, "inc dword ptr [0x5000]\n iretd")
/* The third time it clears TF in the image it returns with. */
GUEST32(count_to_three, "inc dword ptr [0x5000]\n cmp dword ptr [0x5000], 3\n jne 1f\n and dword ptr [esp + 8], 0xfffffeff\n"
			"1: iretd")
static void tf_traps_after_each_instruction(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, three_nops);
	LOAD(r, RIG_HANDLER(1), count_to_three);
	r->cpu.s.rflags |= FLAG_TF;
	cpu_state_changed(&r->cpu);
	rig_write32(r, 0x5000, 0);
	assert_int_equal(rig_run(r, 200), STOP_HALT);
	assert_int_equal(rig_read32(r, 0x5000), 3);
	assert_int_equal(interrupted(), RIG_CODE + 3);
	assert_int_equal(rig_last(r, 0)->why, WHY_SINGLE_STEP);
	assert_int_equal(r->cpu.s.dr6 & DR6_BS, DR6_BS);
}

GUEST32(step_int, "int 0x50\n nop\n hlt")
static void tf_gives_no_trap_after_int(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, step_int);
	r->cpu.s.rflags |= FLAG_TF;
	cpu_state_changed(&r->cpu);
	assert_int_equal(rig_run(r, 100), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, 0x50); /* and no #DB: its handler's HLT was reached */
	assert_int_equal(r->cpu.s.rip, RIG_HANDLER(0x50) + 1);
}

GUEST32(step_mov_ss, "mov ss, eax\n nop\n nop\n hlt")
static void tf_trap_of_mov_ss_is_lost(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, step_mov_ss);
	r->cpu.s.gpr.r64[RAX] = RIG_DS0;
	r->cpu.s.rflags |= FLAG_TF;
	cpu_state_changed(&r->cpu);
	assert_int_equal(rig_run(r, 100), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_DB);
	assert_int_equal(interrupted(), RIG_CODE + 3);
}

/* ---- debug registers ---- */
static void code_breakpoint_is_a_fault_and_rf_resumes(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, three_nops);
	LOAD(r, RIG_HANDLER(1), count_and_return);
	rig_write32(r, 0x5000, 0);
	r->cpu.s.dr[0] = RIG_CODE + 1;
	r->cpu.s.dr7 = 0x402;
	cpu_state_changed(&r->cpu);
	/* The image of EFLAGS has RF = 0: the handler must set it to go on.  Here it
	 * does not, so that the breakpoint is met again. */
	rig_run(r, 50);
	assert_int_equal(rig_last(r, 0)->why, WHY_CODE_BREAKPOINT);
	assert_int_equal(interrupted(), RIG_CODE + 1);
	assert_true(rig_read32(r, 0x5000) > 5);
	r->cpu.s.rip = RIG_CODE + 1;
	r->cpu.s.rflags |= FLAG_RF;
	cpu_state_changed(&r->cpu);
	assert_int_equal(rig_run(r, 50), STOP_HALT);
}

GUEST32(touch, "nop\n mov eax, [0x5004]\n nop\n hlt")
static void data_breakpoint_traps_after_the_access(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, touch);
	r->cpu.s.dr[1] = 0x5004;
	r->cpu.s.dr7 = 0x400 | 8 | (0xfu << 20); /* G1, R/W 3, LEN 3 */
	cpu_state_changed(&r->cpu);
	assert_int_equal(rig_run(r, 50), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->why, WHY_DATA_BREAKPOINT);
	assert_int_equal(interrupted(), RIG_CODE + 6);
	assert_int_equal(r->cpu.s.dr6 & 0xf, 2);
}

/* ---- NMI ---- */
static void nmi_is_blocked_until_iret(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, three_nops);
	LOAD(r, RIG_HANDLER(2), count_and_return);
	rig_write32(r, 0x5000, 0);
	cpu_pulse_nmi(&r->cpu, 0);
	cpu_step(&r->cpu);
	assert_true(r->cpu.s.nmi_blocked);
	cpu_pulse_nmi(&r->cpu, 0);
	cpu_pulse_nmi(&r->cpu, 0); /* only one is latched */
	assert_int_equal(rig_run(r, 50), STOP_HALT);
	assert_int_equal(rig_read32(r, 0x5000), 2);
}

/* ---- faults ---- */
GUEST32(late_fault, "mov eax, 1\n mov ebx, 2\n ud2\n mov ecx, 3\n hlt")
static void fault_in_the_middle_of_a_block(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, late_fault);
	uint64_t before = r->cpu.icount;
	assert_int_equal(rig_run(r, 50), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_UD);
	assert_int_equal(interrupted(), RIG_CODE + 10);
	assert_int_equal(reg(RBX), 2);
	assert_int_equal(r->cpu.icount - before, 2 + 1 + 1); /* 2 done, the delivery, HLT */
}

static void double_fault_and_shutdown(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, late_fault);
	rig_gate(r, VEC_UD, RIG_CS0, RIG_HANDLER(6), 0x6e); /* not present: #NP */
	rig_gate(r, VEC_NP, RIG_CS0, RIG_HANDLER(11), 0x6e);/* again: #DF */
	assert_int_equal(rig_run(r, 50), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_DF);
	assert_int_equal(rig_last(r, 0)->why, WHY_DOUBLE_FAULT);
	assert_int_equal(rig_last(r, 1)->vector, VEC_NP);
	assert_int_equal(rig_last(r, 1)->refused.why, WHY_GATE_NOT_PRESENT);

	rig_protected(r, 0);
	LOAD(r, RIG_CODE, late_fault);
	r->cpu.s.idtr.limit = 0;
	assert_int_equal(rig_run(r, 50), STOP_SHUTDOWN);
	assert_int_equal(rig_last(r, 0)->vector, VEC_DF);
	assert_int_equal(rig_last(r, 0)->outcome, OUT_SHUTDOWN);
}

/* A handler that faults at once: time goes on, the run ends at its limit. */
static void endless_faults_consume_the_budget(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, late_fault);
	rig_write16(r, RIG_HANDLER(6), 0x0b0f);
	assert_int_equal(rig_run(r, 500), STOP_BUDGET);
}

/* ---- fetch ---- */
GUEST32(crossing, "mov eax, 0x12345678\n hlt")
static void instruction_across_two_pages(void **state)
{
	rig_protected(r, 0);
	rig_paging(r);
	LOAD(r, 0x11ffd, crossing);
	r->cpu.s.rip = 0x11ffd;
	assert_int_equal(rig_run(r, 10), STOP_HALT);
	assert_int_equal(reg(RAX), 0x12345678);
	r->cpu.s.activity = ACT_RUNNING;
	rig_write32(r, 0x81000 + 0x12 * 4, 0); /* second page gone: #PF for its first byte */
	r->cpu.s.rip = 0x11ffd;
	cpu_state_changed(&r->cpu);
	assert_int_equal(rig_run(r, 10), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 0)->cr2, 0x12000);
	assert_int_equal(interrupted(), 0x11ffd);
}

static void fetch_beyond_cs_limit(void **state)
{
	rig_protected(r, 0);
	LOAD(r, RIG_CODE, crossing);
	r->cpu.s.seg[SEG_CS].limit = RIG_CODE + 3;
	cpu_state_changed(&r->cpu);
	assert_int_equal(rig_run(r, 10), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_GP);
	assert_int_equal(rig_last(r, 0)->why, WHY_FETCH_LIMIT);
}

static void sixteen_bytes_are_too_long(void **state)
{
	rig_protected(r, 0);
	for (unsigned i = 0; i < 15; i++)
		rig_write8(r, RIG_CODE + i, 0x66);
	rig_write8(r, RIG_CODE + 15, 0x90);
	assert_int_equal(rig_run(r, 10), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_GP);
	assert_int_equal(rig_last(r, 0)->why, WHY_INSTRUCTION_TOO_LONG);
}

static void branch_beyond_cs_limit_faults_at_the_branch(void **state)
{
	rig_protected(r, 0);
	rig_write8(r, RIG_CODE, 0xe9);
	rig_write32(r, RIG_CODE + 1, 0x100000);
	r->cpu.s.seg[SEG_CS].limit = 0x7ffff;
	cpu_state_changed(&r->cpu);
	assert_int_equal(rig_run(r, 10), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->why, WHY_BRANCH_LIMIT);
	assert_int_equal(interrupted(), RIG_CODE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(loop_gives_sum_and_exact_count), T(run_stops_at_any_count), T(store_into_next_instruction),
		T(store_into_running_loop), T(sti_holds_interrupt_for_one_instruction),
		T(sti_hlt_is_interrupted_after_hlt), T(sti_with_if_set_has_no_shadow),
		T(mov_ss_holds_interrupt_and_nmi), T(interrupt_waits_for_if), T(tf_traps_after_each_instruction),
		T(tf_gives_no_trap_after_int), T(tf_trap_of_mov_ss_is_lost),
		T(code_breakpoint_is_a_fault_and_rf_resumes), T(data_breakpoint_traps_after_the_access),
		T(nmi_is_blocked_until_iret), T(fault_in_the_middle_of_a_block), T(double_fault_and_shutdown),
		T(endless_faults_consume_the_budget), T(instruction_across_two_pages), T(fetch_beyond_cs_limit),
		T(sixteen_bytes_are_too_long), T(branch_beyond_cs_limit_faults_at_the_branch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
