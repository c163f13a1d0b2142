/* Far transfers and tasks as guest code meets them: through the interpreter, its
 * blocks and its plain mode alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "rig/guest.h"

#define GATE    RIG_FREE         /* call gate */
#define TASK    (RIG_FREE + 8u)  /* TSS of a second task */
#define TSS     0x4000u
#define ENTRY   0x12000u         /* where gate and task lead */
#define STACK_T 0x28000u         /* ESP of the second task */
#define RESULT  0x50000u

/* Not every assembler knows far pointers in this syntax. */
#define FAR_CALL32(sel)      ".byte 0x9a\n .long 0\n .word " #sel "\n"
#define FAR_JMP32(sel)       ".byte 0xea\n .long 0\n .word " #sel "\n"
#define FAR_CALL16(sel, off) ".byte 0x9a\n .word " #off "\n .word " #sel "\n"

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

/* A second task at CPL 0, flat, starting at ENTRY. */
static void put_task(void)
{
	static const uint16_t seg[6] = {RIG_DS0, RIG_CS0, RIG_DS0, RIG_DS0, RIG_DS0, RIG_DS0};

	rig_gdt(r, TASK, rig_descriptor(TSS, 0x67, 0x89, 0));
	rig_write32(r, TSS + 0x1c, (uint32_t)r->cpu.s.cr3);
	rig_write32(r, TSS + 0x20, ENTRY);
	rig_write32(r, TSS + 0x24, FLAG_ONE);
	for (unsigned i = 0; i < 8; i++)
		rig_write32(r, TSS + 0x28 + 4 * i, i == RSP ? STACK_T : 0);
	for (unsigned i = 0; i < 6; i++)
		rig_write32(r, TSS + 0x48 + 4 * i, seg[i]);
	rig_write32(r, TSS + 0x60, 0);
	rig_write16(r, TSS + 0x64, 0);
}

static void task_gate(uint8_t vector) { rig_gate(r, vector, TASK, 0, 0x85); }

static void start(unsigned cpl, int plain)
{
	rig_protected(r, cpl);
	put_task();
	r->cpu.plain = plain;
}

GUEST32(call_in, "push 0x22222222\n push 0x11111111\n" FAR_CALL32(0x3b) "mov ecx, esp\n int 0x30")
GUEST32(called, "mov eax, [esp + 8]\n mov ebx, [esp + 12]\n mov edx, cs\n retf 8")
static void call_gate_and_back(void **state)
{
	for (int plain = 0; plain < 2; plain++) {
		start(3, plain);
		rig_gdt(r, GATE, (ENTRY & 0xffff) | (uint64_t)RIG_CS0 << 16 | UINT64_C(2) << 32 |
					 UINT64_C(0xec) << 40 | (uint64_t)(ENTRY >> 16) << 48);
		LOAD(r, RIG_CODE, call_in);
		LOAD(r, ENTRY, called);
		assert_int_equal(rig_run(r, 1000), STOP_HALT);
		assert_int_equal(rig_last(r, 0)->vector, 0x30);
		assert_int_equal(rig_last(r, 0)->from.cpl, 3);
		assert_int_equal(r->cpu.s.gpr.r64[RAX], 0x11111111);
		assert_int_equal(r->cpu.s.gpr.r64[RBX], 0x22222222);
		assert_int_equal(r->cpu.s.gpr.r64[RDX], RIG_CS0);
		assert_int_equal(r->cpu.s.gpr.r64[RCX], RIG_STACK3); /* RETF 8 released both */
	}
}

GUEST32(call_tasks, "mov ecx, 3\n 1:" FAR_CALL32(0x40) "dec ecx\n jnz 1b\n hlt")
GUEST32(coroutine, "1: inc eax\n mov edx, [esp]\n iret\n jmp 1b")
static void nested_task_and_iret(void **state)
{
	for (int plain = 0; plain < 2; plain++) {
		start(0, plain);
		LOAD(r, RIG_CODE, call_tasks);
		LOAD(r, ENTRY, coroutine);
		assert_int_equal(rig_run(r, 1000), STOP_HALT);
		assert_int_equal(r->cpu.s.gpr.r64[RCX], 0);
		assert_int_equal(r->cpu.s.seg[SEG_TR].sel, RIG_TR);
		assert_int_equal(rig_read32(r, TSS + 0x28), 3); /* its EAX */
		assert_int_equal(rig_read8(r, RIG_GDT + TASK + 5), 0x89);
		assert_int_equal(rig_read16(r, TSS + 0x24) & FLAG_NT, 0);
		assert_true(r->cpu.s.cr0 & CR0_TS);
		assert_int_equal(r->trace.deliveries, 0);
		rig_free(r);
		setup(state);
	}
}

GUEST32(bad_ds, "mov eax, 0xfff8\n mov ds, eax\n int 0x30")
GUEST32(fix, "1: pop eax\n mov [0x50000], eax\n add dword ptr [0x3020], 2\n iret\n jmp 1b")
static void fault_through_a_task_gate_and_back(void **state)
{
	for (int plain = 0; plain < 2; plain++) {
		start(3, plain);
		task_gate(VEC_GP);
		LOAD(r, RIG_CODE, bad_ds);
		LOAD(r, ENTRY, fix);
		assert_int_equal(rig_run(r, 1000), STOP_HALT);
		assert_int_equal(rig_last(r, 0)->vector, 0x30);
		assert_int_equal(rig_last(r, 0)->from.cpl, 3);
		assert_int_equal(rig_last(r, 0)->from.rip, RIG_CODE + 9);
		assert_int_equal(rig_last(r, 1)->vector, VEC_GP);
		assert_int_equal(rig_last(r, 1)->outcome, OUT_TASK_SWITCH);
		assert_int_equal(rig_last(r, 1)->stack_source, STACK_TASK);
		assert_int_equal(rig_last(r, 1)->to.rip, ENTRY);
		assert_int_equal(rig_read32(r, RESULT), 0xfff8); /* the error code */
		assert_int_equal(rig_read16(r, TSS), RIG_TR);
		assert_true(rig_read32(r, RIG_TSS + 0x24) & FLAG_RF); /* a fault's image */
		assert_int_equal(r->cpu.s.gpr.r64[RAX], 0xfff8);
	}
}

static void t_bit_traps_before_the_first_instruction(void **state)
{
	for (int plain = 0; plain < 2; plain++) {
		start(0, plain);
		rig_write16(r, TSS + 0x64, 1);
		LOAD(r, RIG_CODE, call_tasks);
		LOAD(r, ENTRY, coroutine);
		assert_int_equal(rig_run(r, 1000), STOP_HALT);
		assert_int_equal(rig_last(r, 0)->vector, VEC_DB);
		assert_int_equal(rig_last(r, 0)->why, WHY_TASK_SWITCH_TRAP);
		assert_int_equal(rig_last(r, 0)->from.rip, ENTRY);
		assert_true(r->cpu.s.dr6 & DR6_BT);
		assert_int_equal(rig_read32(r, TSS + 0x28), 0);
	}
}

GUEST32(jump_task, "nop\n" FAR_JMP32(0x40) "hlt")
static void fault_behind_the_commit_point_is_delivered_in_the_new_task(void **state)
{
	for (int plain = 0; plain < 2; plain++) {
		start(0, plain);
		rig_write16(r, TSS + 0x54, 0xff8); /* DS, beyond the GDT's last used entry: no descriptor */
		LOAD(r, RIG_CODE, jump_task);
		assert_int_equal(rig_run(r, 1000), STOP_HALT);
		assert_int_equal(rig_last(r, 0)->vector, VEC_TS);
		assert_int_equal(rig_last(r, 0)->error, 0xff8);
		assert_int_equal(rig_last(r, 0)->why, WHY_TASK_DATA_TYPE);
		assert_int_equal(rig_last(r, 0)->from.rip, ENTRY);
		assert_int_equal(rig_last(r, 0)->frame, STACK_T - 16);
		assert_int_equal(r->cpu.s.seg[SEG_TR].sel, TASK);
		assert_int_equal(rig_read32(r, RIG_TSS + 0x20), RIG_CODE + 8);
	}
}

GUEST32(lose_stack, "mov esp, 0x70000\n push eax\n hlt")
GUEST32(df_task, "pop eax\n mov ebx, cr2\n hlt")
static void double_fault_task_has_a_stack_of_its_own(void **state)
{
	for (int plain = 0; plain < 2; plain++) {
		rig_protected(r, 0);
		rig_paging(r);
		put_task();
		r->cpu.plain = plain;
		rig_write32(r, 0x81000 + 0x6f * 4, 0); /* not present */
		cpu_state_changed(&r->cpu);
		task_gate(VEC_DF);
		LOAD(r, RIG_CODE, lose_stack);
		LOAD(r, ENTRY, df_task);
		assert_int_equal(rig_run(r, 1000), STOP_HALT);
		assert_int_equal(rig_last(r, 0)->vector, VEC_DF);
		assert_int_equal(rig_last(r, 0)->outcome, OUT_TASK_SWITCH);
		assert_int_equal(r->cpu.s.gpr.r64[RAX], 0);
		assert_int_equal(r->cpu.s.gpr.r64[RBX], 0x6fffc);
		assert_int_equal(r->cpu.s.gpr.r64[RSP], STACK_T);
		assert_int_equal(rig_read32(r, RIG_TSS + 0x38), 0x70000);
	}
}

GUEST16(real_calls, FAR_CALL16(0x1234, 0x10) "mov cx, sp\n hlt")
GUEST16(real_called, "mov bx, cs\n mov bp, sp\n mov ax, [bp]\n .byte 0xcb")
static void real_mode_far_call_and_return(void **state)
{
	for (int plain = 0; plain < 2; plain++) {
		rig_real(r, 0x1000, 0);
		r->cpu.plain = plain;
		LOAD(r, 0x10000, real_calls);
		LOAD(r, 0x12350, real_called);
		assert_int_equal(rig_run(r, 100), STOP_HALT);
		assert_int_equal(r->cpu.s.gpr.r16[4 * RBX], 0x1234);
		assert_int_equal(r->cpu.s.gpr.r16[4 * RAX], 5);
		assert_int_equal(r->cpu.s.gpr.r16[4 * RCX], 0x7000);
		assert_int_equal(r->cpu.s.seg[SEG_CS].base, 0x10000);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(call_gate_and_back),
		TEST(nested_task_and_iret),
		TEST(fault_through_a_task_gate_and_back),
		TEST(t_bit_traps_before_the_first_instruction),
		TEST(fault_behind_the_commit_point_is_delivered_in_the_new_task),
		TEST(double_fault_task_has_a_stack_of_its_own),
		TEST(real_mode_far_call_and_return),
	};

	return cmocka_run_group_tests_name("far transfers of guests", tests, NULL, NULL);
}
