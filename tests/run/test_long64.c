/* 64-bit code through decoder, blocks and handlers; fast and plain. */
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

GUEST64(r8d, "mov r8d, 0x12345678\n hlt")
static void rig_long64_is_64_bit_mode(void **state)
{
	rig_long64(r, 0);
	r->cpu.s.gpr.r64[R8] = UINT64_MAX;
	LOAD(r, RIG_CODE, r8d);
	assert_int_equal(rig_run(r, 10), STOP_HALT);
	assert_int_equal(r->cpu.s.gpr.r64[R8], 0x12345678);
	assert_int_equal(r->cpu.s.rip, RIG_CODE + 7);
	assert_int_equal(r->cpu.sp_mask, UINT64_MAX);
}


#define HIGH UINT64_C(0xffffffff80000000) /* linear - HIGH is physical */

static uint64_t reg(enum gpr n) { return r->cpu.s.gpr.r64[n]; }

static void start(bool plain)
{
	rig_long64(r, 0);
	r->cpu.plain = plain;
}

/* Runs the guest at RIG_CODE to its HLT without an event, in blocks and one instruction at a time. */
#define EACH_WAY(plain) for (int plain = 0; plain < 2; plain++)
static void run_to_hlt(void)
{
	uint64_t before = r->trace.deliveries;

	assert_int_equal(rig_run(r, 10000), STOP_HALT);
	assert_int_equal(r->trace.deliveries, before);
}

static void expect_fault(enum vector vector, uint64_t rip, uint64_t rsp)
{
	assert_int_equal(rig_run(r, 10000), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, vector);
	assert_int_equal(rig_last(r, 0)->error, 0);
	assert_int_equal(rig_last(r, 0)->from.rip, rip);
	assert_int_equal(rig_last(r, 0)->from.rsp, rsp);
}

/* ---- operands ---- */
GUEST64(rip_relative, "inc qword ptr [rip + 0x3fff9]\n mov rax, [rip + 0x3fff2]\n"
		      "lea rbx, [rip - 14]\n lea ecx, [eip]\n nop\n mov rdx, [rip + 0x7ffffff0]\n hlt")
static void rip_relative_operands_count_from_the_next_instruction(void **state)
{
	EACH_WAY(plain) {
		start(plain);
		LOAD(r, RIG_CODE, rip_relative);
		rig_write64(r, 0x50000, 41);
		run_to_hlt();
		assert_int_equal(reg(RAX), 42);
		assert_int_equal(reg(RBX), RIG_CODE + 21 - 14);
		assert_int_equal(reg(RCX), RIG_CODE + 28);
		assert_int_equal(reg(RDX), rig_read64(r, RIG_CODE + 36 - 0x10));
	}
}

GUEST64(offsets, "movabs rax, [0xffffffff80050000]\n movabs al, [0x0000000080050008]\n"
		 "movabs [0xffffffff80050010], rax\n movabs [0xffffffff80050018], ax\n"
		 ".byte 0x67, 0xa1, 0x08, 0x00, 0x05, 0xc0\n hlt")
static void mov_with_an_offset_takes_64_bits_of_it(void **state)
{
	EACH_WAY(plain) {
		start(plain);
		LOAD(r, RIG_CODE, offsets);
		rig_write64(r, 0x50000, 0x1122334455667788);
		rig_write64(r, 0x50008, 0x99);
		rig_write64(r, 0x50018, UINT64_MAX);
		run_to_hlt();
		assert_int_equal(reg(RAX), 0x99);
		assert_int_equal(rig_read64(r, 0x50010), 0x1122334455667799);
		assert_int_equal(rig_read64(r, 0x50018), 0xffffffffffff7799);
	}
}

GUEST64(immediates, "movabs r9, 0x1122334455667788\n mov rax, -2\n mov ebx, 0xffffffff\n push -3\n pop rcx\n"
		    "add r9, -1\n xchg rax, r8\n .byte 0x90\n hlt")
static void immediates_of_32_bits_are_extended_by_their_sign(void **state)
{
	EACH_WAY(plain) {
		start(plain);
		LOAD(r, RIG_CODE, immediates);
		run_to_hlt();
		assert_int_equal(reg(R9), 0x1122334455667787);
		assert_int_equal(reg(R8), (uint64_t)-2);
		assert_int_equal(reg(RAX), 0);
		assert_int_equal(reg(RBX), 0xffffffff);
		assert_int_equal(reg(RCX), (uint64_t)-3);
	}
}

GUEST64(masked, "vmaskmovps xmm1, xmm2, [edi]\n hlt")
static void an_operand_at_4_gib_is_not_cut_in_the_middle(void **state)
{
	EACH_WAY(plain) {
		start(plain);
		LOAD(r, RIG_CODE, masked);
		r->cpu.s.cr4 |= CR4_OSFXSR | CR4_OSXSAVE;
		r->cpu.s.xcr0 = XCR0_X87 | XCR0_SSE | XCR0_AVX;
		memset(&r->cpu.s.vec[2], 0xff, sizeof(r->cpu.s.vec[2]));
		r->cpu.s.gpr.r64[RDI] = 0xfffffff8;
		rig_write64(r, RIG_PDPT + 4 * 8, 0); /* 4 GiB */
		cpu_state_changed(&r->cpu);
		assert_int_equal(rig_run(r, 100), STOP_HALT);
		assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
		assert_int_equal(rig_last(r, 0)->cr2, UINT64_C(0x100000000));
	}
}

/* ---- branches ---- */
GUEST64(call_through, "call 1f\n call rbx\n call [rsi]\n hlt\n 1: inc rax\n ret\n")
static void near_calls_push_and_pop_64_bits(void **state)
{
	EACH_WAY(plain) {
		start(plain);
		LOAD(r, RIG_CODE, call_through);
		r->cpu.s.rip = HIGH + RIG_CODE;
		r->cpu.s.gpr.r64[RBX] = HIGH + RIG_CODE + 10;
		r->cpu.s.gpr.r64[RSI] = 0x50000;
		rig_write64(r, 0x50000, HIGH + RIG_CODE + 10);
		cpu_state_changed(&r->cpu);
		run_to_hlt();
		assert_int_equal(reg(RAX), 3);
		assert_int_equal(reg(RSP), RIG_STACK0);
		assert_int_equal(rig_read64(r, RIG_STACK0 - 8), HIGH + RIG_CODE + 9);
		assert_int_equal(r->cpu.s.rip, HIGH + RIG_CODE + 10);
	}
}

GUEST64(jump_away, "nop\n jmp rbx")
GUEST64(call_away, "nop\n call rbx")
GUEST64(return_away, "nop\n push rbx\n ret 8")
GUEST64(jump_far_away, "nop\n .byte 0xe9\n .long 0x7ffffff0")
static void a_target_that_is_not_canonical_is_refused_at_the_branch(void **state)
{
	EACH_WAY(plain) {
		for (unsigned i = 0; i < 2; i++) {
			uint64_t bad = i ? UINT64_C(0xffff7fffffffffff) : UINT64_C(0x0000800000000000);
			start(plain);
			r->cpu.s.gpr.r64[RBX] = bad;
			LOAD(r, RIG_CODE, jump_away);
			expect_fault(VEC_GP, RIG_CODE + 1, RIG_STACK0);
			start(plain);
			r->cpu.s.gpr.r64[RBX] = bad;
			LOAD(r, RIG_CODE, call_away);
			expect_fault(VEC_GP, RIG_CODE + 1, RIG_STACK0);
			start(plain);
			r->cpu.s.gpr.r64[RBX] = bad;
			LOAD(r, RIG_CODE, return_away);
			expect_fault(VEC_GP, RIG_CODE + 2, RIG_STACK0 - 8);
		}
		start(plain);
		LOAD(r, RIG_CODE, jump_far_away);
		r->cpu.s.rip = UINT64_C(0x7fffc0000000) + RIG_CODE;
		cpu_state_changed(&r->cpu);
		expect_fault(VEC_GP, UINT64_C(0x7fffc0000000) + RIG_CODE + 1, RIG_STACK0);
		assert_int_equal(rig_last(r, 0)->why, WHY_BRANCH_NON_CANONICAL);
	}
}

GUEST64(loops, "1: inc rax\n .byte 0x67\n loop 1b\n mov rdx, rcx\n mov rcx, rbx\n .byte 0x67, 0xe3, 1\n hlt\n"
	       "jrcxz 1f\n inc rsi\n 1: mov rcx, rbx\n inc rcx\n loop 1f\n hlt\n 1: inc rdi\n hlt")
static void loop_and_jrcxz_count_in_rcx_with_67h_in_ecx(void **state)
{
	EACH_WAY(plain) {
		start(plain);
		LOAD(r, RIG_CODE, loops);
		r->cpu.s.gpr.r64[RCX] = UINT64_C(0x1100000003);
		r->cpu.s.gpr.r64[RBX] = UINT64_C(0x1100000000);
		run_to_hlt();
		assert_int_equal(reg(RAX), 3);
		assert_int_equal(reg(RDX), 0);
		assert_int_equal(reg(RSI), 1);
		assert_int_equal(reg(RDI), 1);
		assert_int_equal(reg(RCX), 0x1100000000);
	}
}

/* AMD64 APM 3, "JMP (Near)", "CALL (Near)", "RET (Near)": 66h makes the operand size 16 bits. */
GUEST64(short_ways, ".byte 0x66, 0xe9, 0x00, 0x90\n")      /* to 9004h */
GUEST64(short_call, ".byte 0x66, 0xff, 0xd3\n hlt")        /* call bx */
GUEST64(short_return, ".byte 0x66, 0xc3")
static void of_amd_a_66h_prefix_cuts_the_target_to_16_bits(void **state)
{
	EACH_WAY(plain) {
		uint64_t how = r->cpu.how;
		start(plain);
		r->cpu.how |= DECODE_AMD;
		LOAD(r, RIG_CODE, short_ways);
		LOAD(r, 0x9004, short_call);
		LOAD(r, 0x9100, short_return);
		r->cpu.s.gpr.r64[RBX] = 0xffff9100;
		run_to_hlt();
		assert_int_equal(r->cpu.s.rip, 0x9008);
		assert_int_equal(reg(RSP), RIG_STACK0);
		assert_int_equal(rig_read16(r, RIG_STACK0 - 2), 0x9007);
		r->cpu.how = how;
	}
}

/* ---- the stack ---- */
GUEST64(words, "push fs\n push ax\n pop bx\n pop rcx\n pushf\n pop rdx\n push rdx\n popf\n pushfw\n popfw\n"
	       "mov gs, eax\n push gs\n pop fs\n hlt")
static void segment_registers_and_flags_are_pushed_as_64_bits(void **state)
{
	EACH_WAY(plain) {
		start(plain);
		LOAD(r, RIG_CODE, words);
		r->cpu.s.gpr.r64[RAX] = RIG_DS3;
		rig_write64(r, RIG_STACK0 - 8, UINT64_MAX);
		run_to_hlt();
		assert_int_equal(reg(RBX), RIG_DS3);
		assert_int_equal(reg(RCX), RIG_DS0);
		assert_int_equal(reg(RDX), FLAG_ONE);
		assert_int_equal(reg(RSP), RIG_STACK0);
		assert_int_equal(r->cpu.s.seg[SEG_FS].sel, RIG_DS3);
	}
}

/* ---- ports ---- */
GUEST64(ports, ".byte 0x48, 0xed\n mov rdi, rsi\n .byte 0x48, 0x6d\n mov rbx, rdi\n insb\n hlt")
static void rex_w_widens_no_port_access(void **state)
{
	EACH_WAY(plain) {
		start(plain);
		LOAD(r, RIG_CODE, ports);
		r->cpu.s.gpr.r64[RAX] = 0;
		r->cpu.s.gpr.r64[RDX] = 0x5678; /* nothing there */
		r->cpu.s.gpr.r64[RSI] = HIGH + 0x50000;
		rig_write64(r, 0x50000, 0);
		run_to_hlt();
		assert_int_equal(reg(RAX), 0xffffffff);
		assert_int_equal(reg(RBX), HIGH + 0x50004);
		assert_int_equal(reg(RDI), HIGH + 0x50005);
		assert_int_equal(rig_read64(r, 0x50000), 0xffffffffff);
	}
}

/* ---- system registers ---- */
GUEST64(tables, "sgdt [0x50000]\n lgdt [0x50010]\n sgdt [0x50020]\n lidt [0x50010]\n sidt [0x50030]\n"
		"smsw rax\n sldt rbx\n str rcx\n mov rdx, ss\n hlt")
static void descriptor_tables_have_bases_of_64_bits(void **state)
{
	EACH_WAY(plain) {
		start(plain);
		LOAD(r, RIG_CODE, tables);
		rig_write16(r, 0x50010, 0xfff);
		rig_write64(r, 0x50012, HIGH + RIG_GDT);
		for (unsigned n = RAX; n <= RBX; n++)
			r->cpu.s.gpr.r64[n] = UINT64_MAX;
		run_to_hlt();
		assert_int_equal(rig_read64(r, 0x50002), RIG_GDT);
		assert_int_equal(rig_read16(r, 0x50020), 0xfff);
		assert_int_equal(rig_read64(r, 0x50022), HIGH + RIG_GDT);
		assert_int_equal(rig_read64(r, 0x50032), HIGH + RIG_GDT);
		assert_int_equal(reg(RAX), r->cpu.s.cr0);
		assert_int_equal(reg(RBX), RIG_LDTR64);
		assert_int_equal(reg(RCX), RIG_TR64);
		assert_int_equal(reg(RDX), RIG_DS0);
	}
}

GUEST64(bad_lgdt, "lgdt [0x50010]\n hlt")
static void a_table_base_that_is_not_canonical_is_gp_0(void **state)
{
	EACH_WAY(plain) {
		start(plain);
		LOAD(r, RIG_CODE, bad_lgdt);
		rig_write16(r, 0x50010, 0xfff);
		rig_write64(r, 0x50012, UINT64_C(0x0100000000000000)); /* max has LA57 */
		expect_fault(VEC_GP, RIG_CODE, RIG_STACK0);
		assert_int_equal(rig_last(r, 0)->why, WHY_TABLE_NON_CANONICAL);
		assert_int_equal(r->cpu.s.gdtr.base, RIG_GDT);
	}
}

GUEST64(selectors, "lar rax, dx\n lsl rbx, dx\n hlt")
static void lar_and_lsl_write_64_bits_and_know_the_types_of_ia_32e_mode(void **state)
{
	EACH_WAY(plain) {
		start(plain);
		LOAD(r, RIG_CODE, selectors);
		r->cpu.s.gpr.r64[RAX] = r->cpu.s.gpr.r64[RBX] = UINT64_MAX;
		r->cpu.s.gpr.r64[RDX] = RIG_TR64;
		run_to_hlt();
		assert_int_equal(reg(RAX), 0x8b00);
		assert_int_equal(reg(RBX), 0x67);
		/* A 16-bit TSS is nothing there. */
		start(plain);
		rig_gdt(r, RIG_FREE, rig_descriptor(RIG_TSS, 0x67, 0x81, 0));
		r->cpu.s.gpr.r64[RAX] = r->cpu.s.gpr.r64[RBX] = 5;
		r->cpu.s.gpr.r64[RDX] = RIG_FREE;
		r->cpu.s.rflags |= FLAG_ZF;
		cpu_state_changed(&r->cpu);
		run_to_hlt();
		assert_int_equal(reg(RAX), 5);
		assert_int_equal(reg(RBX), 5);
		assert_int_equal(r->cpu.f.z == 0, false);
	}
}

/* LFS RAX, [50000h]; LGS RBX, [RSI] */
GUEST64(far_pointers, ".byte 0x48, 0x0f, 0xb4, 0x04, 0x25, 0, 0, 5, 0, 0x48, 0x0f, 0xb5, 0x1e\n hlt")
static void lfs_and_lgs_load_far_pointers_of_64_bits(void **state)
{
	EACH_WAY(plain) {
		start(plain);
		LOAD(r, RIG_CODE, far_pointers);
		r->cpu.s.gpr.r64[RSI] = HIGH + 0x50010;
		rig_write64(r, 0x50000, 0x1122334455667788);
		rig_write16(r, 0x50008, RIG_DS3);
		rig_write64(r, 0x50010, 0x99aabbccddeeff00);
		rig_write16(r, 0x50018, 0);
		run_to_hlt();
		assert_int_equal(reg(RAX), 0x1122334455667788);
		assert_int_equal(reg(RBX), 0x99aabbccddeeff00);
		assert_int_equal(r->cpu.s.seg[SEG_FS].sel, RIG_DS3);
		assert_int_equal(r->cpu.s.seg[SEG_GS].sel, 0);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(rig_long64_is_64_bit_mode),
		T(rip_relative_operands_count_from_the_next_instruction),
		T(mov_with_an_offset_takes_64_bits_of_it),
		T(immediates_of_32_bits_are_extended_by_their_sign),
		T(an_operand_at_4_gib_is_not_cut_in_the_middle),
		T(near_calls_push_and_pop_64_bits),
		T(a_target_that_is_not_canonical_is_refused_at_the_branch),
		T(loop_and_jrcxz_count_in_rcx_with_67h_in_ecx),
		T(of_amd_a_66h_prefix_cuts_the_target_to_16_bits),
		T(segment_registers_and_flags_are_pushed_as_64_bits),
		T(rex_w_widens_no_port_access),
		T(descriptor_tables_have_bases_of_64_bits),
		T(a_table_base_that_is_not_canonical_is_gp_0),
		T(lar_and_lsl_write_64_bits_and_know_the_types_of_ia_32e_mode),
		T(lfs_and_lgs_load_far_pointers_of_64_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
