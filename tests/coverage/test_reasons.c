/* Reasons that the other parts' tests see only next to the memory unit, or not at all: virtual-8086 mode and
 * rights of pages, through the whole processor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cpu/desc.h"
#include "rig/guest.h"

#define V86_CODE  0x11000u /* CS 1100h */
#define V86_STACK 0x12000u /* SS 1200h, SP 100h */

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

static void virtual_8086(unsigned iopl, uint64_t flags, uint32_t cr4)
{
	struct arch_state *s = &r->cpu.s;

	rig_protected(r, 3);
	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		s->seg[i] = vm86_segment(i == SEG_CS ? V86_CODE >> 4 : V86_STACK >> 4);
	s->rflags = FLAG_ONE | FLAG_VM | (uint64_t)iopl << FLAG_IOPL_SHIFT | flags;
	s->cr4 = cr4;
	s->rip = 0;
	s->gpr.r64[RSP] = 0x100;
	cpu_state_changed(&r->cpu);
}

static void stack_words(uint16_t ip, uint16_t cs, uint16_t flags)
{
	rig_write16(r, V86_STACK + 0x100, ip);
	rig_write16(r, V86_STACK + 0x102, cs);
	rig_write16(r, V86_STACK + 0x104, flags);
}

/* The instruction at the start raised this, and nothing of it happened. */
static void assert_refused(enum vector vector, uint32_t error, enum why why)
{
	assert_int_equal(rig_run(r, 20), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, vector);
	assert_int_equal(rig_last(r, 0)->error, error);
	assert_int_equal(rig_last(r, 0)->why, why);
	assert_int_equal(rig_last(r, 0)->from.rip, 0);
	assert_int_equal(rig_last(r, 0)->from.rsp, 0x100);
}

GUEST16(int50, "int 0x50\n hlt")
static void int_n_in_vm86_needs_iopl_3(void **state)
{
	virtual_8086(2, 0, 0);
	LOAD(r, V86_CODE, int50);
	assert_refused(VEC_GP, 0, WHY_INT_VM86_IOPL);
}

GUEST16(iret, "iret\n hlt")
static void iret_in_vm86_needs_iopl_3(void **state)
{
	virtual_8086(2, 0, 0);
	stack_words(0x10, V86_CODE >> 4, 2);
	LOAD(r, V86_CODE, iret);
	assert_refused(VEC_GP, 0, WHY_IRET_VM86_IOPL);
}

GUEST16(iret32, "iretd\n hlt")
static void iretd_under_vme_needs_iopl_3(void **state)
{
	virtual_8086(2, 0, CR4_VME);
	LOAD(r, V86_CODE, iret32);
	assert_refused(VEC_GP, 0, WHY_IRET_VM86_IOPL);
}

/* SDM 2, "IRET": under VME, TF in the image, or IF in it while VIP is set. */
static void iret_under_vme_refuses_tf_and_if_with_vip(void **state)
{
	virtual_8086(0, 0, CR4_VME);
	stack_words(0x10, V86_CODE >> 4, FLAG_TF | FLAG_ONE);
	LOAD(r, V86_CODE, iret);
	assert_refused(VEC_GP, 0, WHY_IRET_VME_FLAGS);

	virtual_8086(0, FLAG_VIP, CR4_VME);
	stack_words(0x10, V86_CODE >> 4, FLAG_IF | FLAG_ONE);
	assert_refused(VEC_GP, 0, WHY_IRET_VME_FLAGS);
}

static void iret_under_vme_takes_if_for_vif(void **state)
{
	for (unsigned vif = 0; vif < 2; vif++) {
		virtual_8086(0, vif ? FLAG_VIF : FLAG_VIP, CR4_VME);
		LOAD(r, V86_CODE, iret);
		stack_words(0x10, V86_CODE >> 4, vif ? FLAG_IF | FLAG_ONE : FLAG_ONE);
		assert_int_equal(rig_run(r, 1), STOP_BUDGET);
		assert_int_equal(r->cpu.s.rip, 0x10);
		assert_int_equal(!!(r->cpu.s.rflags & FLAG_VIF), vif);
		assert_false(r->cpu.s.rflags & FLAG_IF);
	}
}

/* Real mode: the new IP has 32 bits, CS reaches to FFFFh. */
GUEST16(iret_far, "iretd\n hlt")
static void iret_beyond_the_code_segment(void **state)
{
	rig_real(r, 0x1000, 0);
	LOAD(r, 0x10000, iret_far);
	rig_write32(r, 0x7000, 0x10000);
	rig_write32(r, 0x7004, 0x1000);
	rig_write32(r, 0x7008, 2);
	rig_write16(r, 13 * 4, 0x500);
	rig_write16(r, 13 * 4 + 2, 0);
	rig_write8(r, 0x500, 0xf4);
	assert_int_equal(rig_run(r, 20), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_GP);
	assert_int_equal(rig_last(r, 0)->why, WHY_IRET_EIP_LIMIT);
	assert_int_equal(rig_last(r, 0)->from.rsp, 0x7000);
}

/* The redirection bitmap ends below the I/O bitmap; one that begins below 32 has none. */
static void redirection_bitmap_outside_the_tss(void **state)
{
	virtual_8086(0, 0, CR4_VME);
	LOAD(r, V86_CODE, int50);
	rig_write16(r, RIG_TSS + 0x66, 31);
	assert_refused(VEC_GP, 0, WHY_VME_BITMAP_LIMIT);
	virtual_8086(0, 0, CR4_VME);
	rig_write16(r, RIG_TSS + 0x66, 0x7f);
	assert_refused(VEC_GP, 0, WHY_VME_BITMAP_LIMIT);
}

static void gate_out_of_vm86_leads_to_level_0(void **state)
{
	virtual_8086(3, 0, 0);
	LOAD(r, V86_CODE, int50);
	rig_gdt(r, RIG_FREE, rig_descriptor(0, 0xfffff, 0xbb, 0xc)); /* code, DPL 1 */
	rig_gate(r, 0x50, RIG_FREE + 1, RIG_HANDLER(0x50), 0xee);
	assert_refused(VEC_GP, RIG_FREE, WHY_GATE_CS_VM86);
	/* The refused delivery, then that of its fault. */
	assert_int_equal(rig_last(r, 1)->refused.why, WHY_GATE_CS_VM86);
}

/* ---- decoding ---- */
/* SDM 2, "LOCK": only before instructions that write memory; and opcodes that are none. */
static void undefined_opcodes(void **state)
{
	static const uint8_t code[][3] = {{0xf0, 0x01, 0xc0}, {0xf0, 0x8b, 0x00}, {0x0f, 0x0a, 0}, {0x8c, 0xf0, 0}};

	for (unsigned i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
		rig_protected(r, 0);
		rig_write(r, RIG_CODE, code[i], sizeof(code[i]));
		assert_int_equal(rig_run(r, 20), STOP_HALT);
		assert_int_equal(rig_last(r, 0)->vector, VEC_UD);
		assert_int_equal(rig_last(r, 0)->why, WHY_UNDEFINED_OPCODE);
		assert_int_equal(rig_last(r, 0)->from.rip, RIG_CODE);
	}
}

/* ---- memory ---- */
GUEST32(read_cs, "mov eax, cs:[0x50000]\n hlt")
static void execute_only_code_cannot_be_read(void **state)
{
	rig_protected(r, 0);
	r->cpu.s.seg[SEG_CS].type &= (uint8_t)~TYPE_READABLE;
	cpu_state_changed(&r->cpu);
	LOAD(r, RIG_CODE, read_cs);
	assert_int_equal(rig_run(r, 20), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_GP);
	assert_int_equal(rig_last(r, 0)->why, WHY_SEG_NOT_READABLE);
}

GUEST32(read_ds, "mov eax, [0x50000]\n hlt")
static void supervisor_page_from_ring_3(void **state)
{
	rig_protected(r, 3);
	rig_paging(r);
	rig_write32(r, 0x81000 + 0x50 * 4, 0x50003);
	LOAD(r, RIG_CODE, read_ds);
	assert_int_equal(rig_run(r, 20), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 0)->error, 5);
	assert_int_equal(rig_last(r, 0)->why, WHY_PAGE_SUPERVISOR);
}

GUEST32(jump, "push 0x60000\n ret")
static void smep_keeps_ring_0_from_user_code(void **state)
{
	rig_protected(r, 0);
	rig_paging(r);
	for (unsigned page = 0; page < 1024; page++)
		rig_write32(r, 0x81000 + page * 4, page << 12 | (page == 0x60 ? 7 : 3));
	r->cpu.s.cr4 |= CR4_SMEP;
	cpu_state_changed(&r->cpu);
	LOAD(r, RIG_CODE, jump);
	assert_int_equal(rig_run(r, 20), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 0)->cr2, 0x60000);
	assert_int_equal(rig_last(r, 0)->error, 0x11); /* a fetch, the page present */
	assert_int_equal(rig_last(r, 0)->why, WHY_PAGE_SMEP);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(int_n_in_vm86_needs_iopl_3),
		T(iret_in_vm86_needs_iopl_3),
		T(iretd_under_vme_needs_iopl_3),
		T(iret_under_vme_refuses_tf_and_if_with_vip),
		T(iret_under_vme_takes_if_for_vif),
		T(iret_beyond_the_code_segment),
		T(redirection_bitmap_outside_the_tss),
		T(gate_out_of_vm86_leads_to_level_0),
		T(undefined_opcodes),
		T(execute_only_code_cannot_be_read),
		T(supervisor_page_from_ring_3),
		T(smep_keeps_ring_0_from_user_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
