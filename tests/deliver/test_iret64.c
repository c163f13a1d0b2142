/* IRET, IRETD and IRETQ in IA-32e mode: SDM 2A "IRET/IRETD/IRETQ", IA-32e-MODE and what it
 * goes to, 64-Bit Mode Exceptions. */
#include "cpu/model.h"
#include "deliver/bed64.h"
#include "rig/guest.h"

#define TO 0x11000u /* where it goes */
#define SP 0x12340u

static void iret(unsigned bytes)
{
	if (bytes == 8)
		INSN(0x48, 0xcf);
	else if (bytes == 2)
		INSN(0x66, 0xcf);
	else
		INSN(0xcf);
	cpu_step(&r->cpu);
}

static void frame(unsigned bytes, uint64_t ip, unsigned cs, uint64_t fl, uint64_t sp, unsigned ss)
{
	PUT64(bytes, ip, cs, fl, sp, ss);
}

/* An IRETQ that must not have happened: the exception found everything as it was. */
static void iretq_faults(enum vector vector, uint32_t error, enum why why)
{
	uint64_t before = rflags(), old = rsp();
	uint16_t ss = s()->seg[SEG_SS].sel;

	iret(8);
	faulted(vector, error, why);
	assert_int_equal(last()->from.rsp, old);
	assert_int_equal(last()->from.ss, ss);
	assert_int_equal(last()->from.rflags, before);
}

static void returned(uint64_t ip, unsigned cs, uint64_t sp, unsigned ss)
{
	assert_int_equal(r->trace.deliveries, deliveries_before);
	assert_int_equal(s()->rip, ip);
	assert_int_equal(s()->seg[SEG_CS].sel, cs);
	assert_int_equal(rsp(), sp);
	assert_int_equal(s()->seg[SEG_SS].sel, ss);
	assert_int_equal(s()->cpl, cs & 3);
}

/* ---- NT ---- */

/* IRET_NT: #GP(0), with every operand size and in compatibility mode */
static void nt_is_a_general_protection_exception(void **state)
{
	for (unsigned bytes = 2; bytes <= 8; bytes *= 2) {
		for (unsigned compat = 0; compat < 2; compat++) {
			if (compat && bytes == 8)
				continue;
			at_mode(compat, 0);
			set_flags(FLAG_NT, 0);
			iret(bytes);
			faulted(VEC_GP, 0, WHY_IRET_NT);
		}
	}
}

/* ---- SS and RSP ---- */
static void iretq_always_pops_the_stack(void **state)
{
	for (unsigned cpl = 0; cpl < 4; cpl++) {
		for (unsigned to = cpl; to < 4; to++) {
			at64(cpl);
			frame(8, TO, CS64(to), FLAG_ONE, UINT64_C(0xffff900000012345), DSC(to));
			iret(8);
			returned(TO, CS64(to), UINT64_C(0xffff900000012345), DSC(to));
			assert_int_equal(r->cpu.sp_mask, UINT64_MAX);
		}
	}
}

/* 32- and 16-bit operands: words of their size, zero-extended. */
static void iretd_and_iretw_in_64_bit_mode(void **state)
{
	for (unsigned bytes = 2; bytes <= 4; bytes += 2) {
		at64(0);
		set_rsp(FIRST_HIGH + 0x20100);
		frame(bytes, 0x1234, RIG_CS3_64, FLAG_ONE, 0x5678, DSC(3));
		iret(bytes);
		returned(0x1234, RIG_CS3_64, 0x5678, DSC(3));
		at64(0);
		set_rsp(FIRST_HIGH + 0x20100);
		frame(bytes, 0x1234, RIG_CS0_64, FLAG_ONE, 0x5678, RIG_DS0);
		iret(bytes);
		returned(0x1234, RIG_CS0_64, 0x5678, RIG_DS0);
	}
}

/* From compatibility mode three words at the same level, five to an outer one. */
static void compatibility_mode_pops_the_stack_for_outer_levels_only(void **state)
{
	for (unsigned wide = 0; wide < 2; wide++) {
		at_compat(0);
		frame(4, TO, wide ? RIG_CS0_64 : CSC(0), FLAG_ONE, SP, DSC(3));
		iret(4);
		returned(TO, wide ? RIG_CS0_64 : CSC(0), RIG_STACK0 + 12, DSC(0));
		at_compat(0);
		frame(4, TO, wide ? RIG_CS3_64 : CSC(3), FLAG_ONE, SP, DSC(3));
		iret(4);
		returned(TO, wide ? RIG_CS3_64 : CSC(3), SP, DSC(3));
	}
}

/* RETURN_SS_NULL: null is good in 64-bit code of levels 0 to 2 with that RPL, else #GP(0) */
static void null_ss(void **state)
{
	for (unsigned compat = 0; compat < 2; compat++) {
		for (unsigned to = 0; to < 4; to++) {
			for (unsigned ss = 0; ss < 4; ss++) {
				at64(0);
				frame(8, TO, compat ? CSC(to) : CS64(to), FLAG_ONE, SP, ss);
				if (!compat && to < 3 && ss == to) {
					iret(8);
					returned(TO, CS64(to), SP, ss);
					assert_false(s()->seg[SEG_SS].usable);
					assert_int_equal(s()->seg[SEG_SS].dpl, to);
				} else {
					iretq_faults(VEC_GP, 0, WHY_RETURN_SS_NULL);
				}
			}
		}
	}
}

/* RETURN_SS_...: at the same level too */
static void popped_ss_is_checked_at_the_same_level(void **state)
{
	at64(0);
	frame(8, TO, RIG_CS0_64, FLAG_ONE, SP, NOWHERE);
	iretq_faults(VEC_GP, NOWHERE, WHY_RETURN_SS_BEYOND_TABLE);
	at64(0);
	frame(8, TO, RIG_CS0_64, FLAG_ONE, SP, RIG_DS0 | 1);
	iretq_faults(VEC_GP, RIG_DS0, WHY_RETURN_SS_RPL);
	at64(0);
	frame(8, TO, RIG_CS0_64, FLAG_ONE, SP, RIG_CS0_64);
	iretq_faults(VEC_GP, RIG_CS0_64, WHY_RETURN_SS_TYPE);
	at64(0);
	frame(8, TO, RIG_CS0_64, FLAG_ONE, SP, DSC(1) & ~3u);
	iretq_faults(VEC_GP, DSC(1) & ~3u, WHY_RETURN_SS_DPL);
	at64(0);
	descriptor(DATA, 0, FLAT, ABSENT(A_DATA(0)), F_32);
	frame(8, TO, RIG_CS0_64, FLAG_ONE, SP, DATA);
	iretq_faults(VEC_SS, DATA, WHY_RETURN_SS_NOT_PRESENT);
}

/* A 16-bit SS in compatibility mode takes SP alone: bits 31:16 are the handler's (what espfix64 is for). */
static void stack_of_16_bits_takes_sp_alone(void **state)
{
	at64(0);
	set_rsp(UINT64_C(0xffff8000000abc00));
	descriptor(DATA, 0, 0xffff, A_DATA(3), F_16);
	frame(8, TO, CSC(3), FLAG_ONE, 0x11112222, DATA | 3);
	iret(8);
	returned(TO, CSC(3), 0x000a2222, DATA | 3);
	at64(0);
	set_rsp(UINT64_C(0xffff8000000abc00));
	frame(8, TO, CSC(3), FLAG_ONE, UINT64_C(0x3333444411112222), DSC(3));
	iret(8);
	returned(TO, CSC(3), 0x11112222, DSC(3));
}

/* ---- the code segment ---- */

/* RETURN_CS_NULL, RETURN_CS_BEYOND_TABLE, RETURN_CS_TYPE, RETURN_CS_RPL, RETURN_CS_DPL, RETURN_CS_NOT_PRESENT */
static void code_segment_checks_are_those_of_protected_mode(void **state)
{
	at64(0);
	frame(8, TO, 3, FLAG_ONE, SP, DSC(3));
	iretq_faults(VEC_GP, 0, WHY_RETURN_CS_NULL);
	at64(0);
	frame(8, TO, NOWHERE, FLAG_ONE, SP, DSC(3));
	iretq_faults(VEC_GP, NOWHERE, WHY_RETURN_CS_BEYOND_TABLE);
	at64(0);
	frame(8, TO, RIG_DS0, FLAG_ONE, SP, DSC(3));
	iretq_faults(VEC_GP, RIG_DS0, WHY_RETURN_CS_TYPE);
	at64(3);
	frame(8, TO, RIG_CS0_64, FLAG_ONE, SP, DSC(3));
	iretq_faults(VEC_GP, RIG_CS0_64, WHY_RETURN_CS_RPL);
	at64(0);
	frame(8, TO, RIG_CS3_64 & ~3u, FLAG_ONE, SP, RIG_DS0);
	iretq_faults(VEC_GP, RIG_CS3_64 & ~3u, WHY_RETURN_CS_DPL);
	at64(0);
	descriptor(CODE, 0, FLAT, ABSENT(A_CODE(0)), F_64);
	frame(8, TO, CODE, FLAG_ONE, SP, RIG_DS0);
	iretq_faults(VEC_NP, CODE, WHY_RETURN_CS_NOT_PRESENT);
}

/* DESCRIPTOR_NON_CANONICAL: #GP(selector) */
static void code_descriptor_at_no_canonical_address(void **state)
{
	at64(0);
	s()->seg[SEG_LDTR].base = LAST_LOW - 7;
	frame(8, TO, 0x0c, FLAG_ONE, SP, DSC(3));
	iretq_faults(VEC_GP, 0x0c, WHY_DESCRIPTOR_NON_CANONICAL);
}

/* RETURN_CS_L_AND_D: #GP(selector), before RPL */
static void code_with_l_and_d(void **state)
{
	at64(3);
	descriptor(CODE, 0, FLAT, A_CODE(0), F_BOTH);
	frame(8, TO, CODE, FLAG_ONE, SP, DSC(3));
	iretq_faults(VEC_GP, CODE, WHY_RETURN_CS_L_AND_D);
}

/* ---- where to ---- */

/* RETURN_NON_CANONICAL: #GP(0), before anything is changed, to each level */
static void rip_not_canonical(void **state)
{
	for (unsigned to = 0; to < 4; to++) {
		at64(0);
		frame(8, LAST_LOW + 1, CS64(to), FLAG_ONE, SP, DSC(to));
		iretq_faults(VEC_GP, 0, WHY_RETURN_NON_CANONICAL);
		at64(0);
		frame(8, LAST_LOW, CS64(to), FLAG_ONE, SP, DSC(to));
		iret(8);
		returned(LAST_LOW, CS64(to), SP, DSC(to));
	}
}

/* A stack pointer that is not canonical is nobody's business before it is used. */
static void rsp_not_canonical_is_taken(void **state)
{
	at64(0);
	frame(8, TO, RIG_CS3_64, FLAG_ONE, NOT_CANONICAL, DSC(3));
	iret(8);
	returned(TO, RIG_CS3_64, NOT_CANONICAL, DSC(3));
}

/* IRET_EIP_LIMIT: to compatibility mode; EIP is what counts there */
static void compatibility_mode_has_a_limit(void **state)
{
	for (unsigned level = 0; level < 4; level += 3) {
		at64(0);
		descriptor(CODE, 0, 0x1fff, A_CODE(level), F_32_BYTE);
		frame(8, 0x2000, CODE | level, FLAG_ONE, SP, DSC(level));
		iretq_faults(VEC_GP, 0, WHY_IRET_EIP_LIMIT);
		at64(0);
		descriptor(CODE, 0, 0x1fff, A_CODE(level), F_32_BYTE);
		frame(8, UINT64_C(0x700001fff), CODE | level, FLAG_ONE, SP, DSC(level));
		iret(8);
		returned(0x1fff, CODE | level, SP, DSC(level));
	}
}

/* ---- the stack it reads ---- */

/* NON_CANONICAL: #SS(0) */
static void frame_not_canonical(void **state)
{
	at64(0);
	set_rsp(LAST_LOW - 23); /* three words, and no more */
	frame(8, TO, RIG_CS0_64, FLAG_ONE, SP, RIG_DS0);
	rig_gate64(r, VEC_SS, RIG_CS0_64, RIG_HANDLER(VEC_SS), G_INT64(3), 1);
	iretq_faults(VEC_SS, 0, WHY_NON_CANONICAL);
	at64(0);
	set_rsp(NOT_CANONICAL);
	rig_gate64(r, VEC_SS, RIG_CS0_64, RIG_HANDLER(VEC_SS), G_INT64(3), 1);
	iretq_faults(VEC_SS, 0, WHY_NON_CANONICAL);
}

static void page_fault_while_popping(void **state)
{
	at64(0);
	set_rsp(0x30000 - 24);
	map64(0x30000, 0);
	frame(8, TO, RIG_CS0_64, FLAG_ONE, SP, RIG_DS0);
	iretq_faults(VEC_PF, 0, WHY_PAGE_NOT_PRESENT);
	assert_int_equal(s()->cr2, 0x30000);
}

/* ---- flags ---- */
#define POSSIBLE (FLAGS_STATUS | FLAG_TF | FLAG_DF | FLAG_NT)

static void flags_by_cpl_and_iopl(void **state)
{
	for (unsigned cpl = 0; cpl < 4; cpl++) {
		for (unsigned iopl = 0; iopl < 4; iopl++) {
			for (unsigned bytes = 2; bytes <= 8; bytes *= 2) {
				uint32_t mask = POSSIBLE | (bytes == 2 ? 0 : FLAG_RF | FLAG_AC | FLAG_ID);
				if (cpl <= iopl)
					mask |= FLAG_IF;
				if (cpl == 0)
					mask |= FLAG_IOPL | (bytes == 2 ? 0 : FLAG_VIF | FLAG_VIP);
				at64(cpl);
				set_flags(iopl << FLAG_IOPL_SHIFT, FLAG_IOPL);
				uint32_t before = flags();
				frame(bytes, 0x1234, CS64(3), UINT64_MAX, 0x5678, DSC(3));
				iret(bytes);
				returned(0x1234, CS64(3), 0x5678, DSC(3));
				assert_int_equal(flags(), (before & ~mask) | mask);
				assert_int_equal(rflags() >> 32, 0);
			}
		}
	}
}

/* The VM bit of the image is nothing here. */
static void vm_does_not_exist(void **state)
{
	at64(0);
	frame(8, TO, RIG_CS3_64, FLAG_ONE | FLAG_VM, SP, DSC(3));
	iret(8);
	returned(TO, RIG_CS3_64, SP, DSC(3));
	assert_int_equal(flags() & FLAG_VM, 0);
}

/* ---- data segments ---- */
static void inner_segments_become_null_with(uint16_t null_rpl)
{
	at64(0);
	load(SEG_DS, DSC(3));
	load(SEG_ES, DSC(0));
	load(SEG_FS, DSC(1));
	s()->seg[SEG_FS].base = 0x123456789;
	load(SEG_GS, 0);
	s()->seg[SEG_GS] = null_segment(0);
	s()->seg[SEG_GS].base = 0x987654321; /* by WRMSR, the selector being null */
	s()->seg[SEG_GS].sel = null_rpl;
	frame(8, TO, RIG_CS3_64, FLAG_ONE, SP, DSC(3));
	iret(8);
	returned(TO, RIG_CS3_64, SP, DSC(3));
	assert_int_equal(s()->seg[SEG_GS].sel, 0);
	assert_int_equal(s()->seg[SEG_DS].sel, DSC(3));
	assert_int_equal(s()->seg[SEG_ES].sel, 0);
	assert_false(s()->seg[SEG_ES].usable);
	assert_int_equal(s()->seg[SEG_FS].sel, 0);
	assert_int_equal(s()->seg[SEG_FS].base, 0); /* Intel's rule */
	assert_int_equal(s()->seg[SEG_GS].base, 0x987654321);
}

static void inner_segments_become_null(void **state)
{
	inner_segments_become_null_with(0);
	inner_segments_become_null_with(2);
}

static void same_level_leaves_data_segments_alone(void **state)
{
	at64(0);
	s()->seg[SEG_FS] = null_segment(2);
	frame(8, TO, RIG_CS0_64, FLAG_ONE, SP, RIG_DS0);
	iret(8);
	returned(TO, RIG_CS0_64, SP, RIG_DS0);
	assert_int_equal(s()->seg[SEG_FS].sel, 2);
}

/* AMD's: FS and GS keep their bases when they become null. */
static void inner_fs_keeps_its_base_with_amd(void **state)
{
	struct cpu_model amd = *cpu_model_find("max");

	amd.amd = true;
	at64(0);
	r->cpu.model = &amd;
	load(SEG_FS, DSC(1));
	s()->seg[SEG_FS].base = 0x123456789;
	cpu_state_changed(&r->cpu);
	frame(8, TO, RIG_CS3_64, FLAG_ONE, SP, DSC(3));
	iret(8);
	assert_int_equal(s()->seg[SEG_FS].sel, 0);
	assert_int_equal(s()->seg[SEG_FS].base, 0x123456789);
}

/* ---- NMI ---- */
static void iretq_ends_the_blocking_of_nmi_even_if_it_faults(void **state)
{
	for (unsigned fault = 0; fault < 2; fault++) {
		at64(0);
		s()->nmi_blocked = true;
		frame(8, fault ? NOT_CANONICAL : TO, RIG_CS0_64, FLAG_ONE, SP, RIG_DS0);
		iret(8);
		assert_false(s()->nmi_blocked);
	}
}

/* ---- there and back, in blocks and one by one ---- */
GUEST64(round, "1: int 0x50\n int3\n int 0x51\n dec ecx\n jnz 1b\n hlt")
GUEST64(handler, "iretq")
GUEST64(skewed, "nop\n iretq")

static void there_and_back(bool plain, struct arch_state *end, struct delivery_record *d, unsigned cpl)
{
	at64(cpl);
	r->cpu.plain = plain;
	LOAD(r, RIG_CODE, round);
	LOAD(r, RIG_HANDLER(0x50), handler);
	LOAD(r, RIG_HANDLER(3), handler);
	LOAD(r, 0x60000, skewed);
	rig_gate64(r, 0x51, RIG_CS0_64, FIRST_HIGH + 0x60000, G_TRAP64(3), 4);
	set_reg(RCX, 50);
	set_rsp(rsp() - 24);
	cpu_state_changed(&r->cpu);
	rig_run(r, 2000);
	*end = *s();
	for (unsigned i = 0; i < 100; i++)
		d[i] = *rig_last(r, i);
}

static void fast_is_plain(void **state)
{
	static struct delivery_record fast[100], plain[100];
	static struct arch_state of_fast, of_plain;

	for (unsigned cpl = 0; cpl < 4; cpl++) {
		there_and_back(false, &of_fast, fast, cpl);
		uint64_t base = rig_last(r, 99)->id, when = rig_last(r, 99)->when;
		there_and_back(true, &of_plain, plain, cpl);
		assert_memory_equal(&of_fast.gpr, &of_plain.gpr, sizeof(of_fast.gpr));
		assert_memory_equal(&of_fast.seg, &of_plain.seg, sizeof(of_fast.seg));
		assert_int_equal(of_fast.rflags, of_plain.rflags);
		assert_int_equal(of_fast.gpr.r64[RCX], 0);
		uint64_t ids = rig_last(r, 99)->id - base, ticks = rig_last(r, 99)->when - when;
		for (unsigned i = 0; i < 100; i++) {
			plain[i].id -= ids;
			plain[i].when -= ticks;
			if (plain[i].parent)
				plain[i].parent -= ids;
			assert_memory_equal(&fast[i], &plain[i], sizeof(fast[i]));
		}
	}
}

/* What a compatibility-mode program sees of its INT 80h. */
GUEST32(old_program, "mov eax, 5\n int 0x50\n mov ebx, eax\n hlt")
GUEST64(gate_of_old_program, "inc eax\n iretq")

static void compatibility_mode_goes_through_64_bit_gates(void **state)
{
	for (unsigned plain = 0; plain < 2; plain++) {
		at_compat(3);
		r->cpu.plain = plain;
		LOAD(r, RIG_CODE, old_program);
		LOAD(r, RIG_HANDLER(0x50), gate_of_old_program);
		rig_run(r, 100); /* HLT at CPL 3: #GP */
		assert_int_equal(last()->vector, VEC_GP);
		assert_int_equal(last()->from.mode, MODE_COMPAT);
		assert_int_equal(last()->from.cs, CSC(3));
		assert_int_equal(last()->from.rsp, RIG_STACK3);
		assert_int_equal(reg(RBX), 6);
		assert_int_equal(rig_last(r, 1)->frame, RIG_STACK0 - 40);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nt_is_a_general_protection_exception),
		T(iretq_always_pops_the_stack),
		T(iretd_and_iretw_in_64_bit_mode),
		T(compatibility_mode_pops_the_stack_for_outer_levels_only),
		T(null_ss),
		T(popped_ss_is_checked_at_the_same_level),
		T(stack_of_16_bits_takes_sp_alone),
		T(code_segment_checks_are_those_of_protected_mode),
		T(code_descriptor_at_no_canonical_address),
		T(code_with_l_and_d),
		T(rip_not_canonical),
		T(rsp_not_canonical_is_taken),
		T(compatibility_mode_has_a_limit),
		T(frame_not_canonical),
		T(page_fault_while_popping),
		T(flags_by_cpl_and_iopl),
		T(vm_does_not_exist),
		T(inner_segments_become_null),
		T(same_level_leaves_data_segments_alone),
		T(inner_fs_keeps_its_base_with_amd),
		T(iretq_ends_the_blocking_of_nmi_even_if_it_faults),
		T(fast_is_plain),
		T(compatibility_mode_goes_through_64_bit_gates),
	};

	return cmocka_run_group_tests_name("IRETQ", tests, NULL, NULL);
}
