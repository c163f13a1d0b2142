/* The x87 in the processor: availability, delayed errors, FERR# and IGNNE#,
 * faults of memory operands, images, and what the SDM decides against processors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "cpu/x87.h"
#include "rig/guest.h"

#define DATA 0x50000u

static struct rig *r;
static uint64_t seen; /* deliveries before begin() */
static struct {
	unsigned changes;
	bool level;
} ferr;

static void ferr_changed(void *owner, bool level)
{
	ferr.changes++;
	ferr.level = level;
}

static struct arch_state *s(void)
{
	return &r->cpu.s;
}
static struct fpu_state *fpu(void)
{
	return &r->cpu.s.fpu;
}

static uint64_t deliveries(void)
{
	return rig_last(r, 0) ? rig_last(r, 0)->id : 0;
}

/* Protected mode, x87 initialized with the given masks; exceptions of CPL 0. */
static void begin(uint16_t cw)
{
	rig_protected(r, 0);
	x87_init(fpu());
	fpu()->cw = cw;
	x87_state_changed(&r->cpu);
	s()->gpr.r64[RSI] = DATA;
	ferr.changes = 0;
	ferr.level = false;
	seen = deliveries();
}

static void push(uint64_t mantissa, uint16_t sign_exponent)
{
	x87_move_top(fpu(), 7);
	x87_set_st(fpu(), 0, (struct fp80){mantissa, sign_exponent});
}
static void push_one(void)
{
	push(FP_INTEGER_BIT, 0x3fff);
}
static void push_zero(void)
{
	push(0, 0);
}
static void push_qnan(void)
{
	push(UINT64_C(0xc000000000000000), 0x7fff);
}

static void assert_st(unsigned i, uint64_t mantissa, uint16_t sign_exponent)
{
	assert_false(x87_empty(fpu(), i));
	assert_true(x87_st(fpu(), i)->mantissa == mantissa);
	assert_int_equal(x87_st(fpu(), i)->sign_exponent, sign_exponent);
}

static void run(void)
{
	assert_int_equal(rig_run(r, 100), STOP_HALT);
}

static void assert_delivered(unsigned vector, enum why why, uint64_t rip)
{
	const struct delivery_record *d = rig_last(r, 0);

	assert_non_null(d);
	assert_true(d->id > seen);
	assert_int_equal(d->vector, vector);
	assert_int_equal(d->why, why);
	assert_int_equal(d->from.rip, rip);
}

/* ---- availability ---- */

GUEST32(fld1, "nop\n fld1\n hlt")
GUEST32(fninit, "nop\n fninit\n hlt")
GUEST32(fwait, "nop\n fwait\n hlt")

static void cr0_em_gives_nm(void **state)
{
	begin(0x037f);
	s()->cr0 |= CR0_EM | CR0_TS;
	LOAD(r, RIG_CODE, fld1);
	run();
	assert_delivered(VEC_NM, WHY_X87_EMULATED, RIG_CODE + 1);
	begin(0x037f);
	s()->cr0 |= CR0_EM;
	LOAD(r, RIG_CODE, fninit);
	run();
	assert_delivered(VEC_NM, WHY_X87_EMULATED, RIG_CODE + 1);
}

static void cr0_ts_gives_nm(void **state)
{
	begin(0x037f);
	s()->cr0 |= CR0_TS;
	LOAD(r, RIG_CODE, fld1);
	run();
	assert_delivered(VEC_NM, WHY_X87_TASK_SWITCHED, RIG_CODE + 1);
	assert_int_equal(fpu()->tw, 0xffff);
}

static void wait_needs_mp_and_ts_for_nm(void **state)
{
	for (unsigned bits = 0; bits < 4; bits++) {
		begin(0x037f);
		uint64_t before = deliveries();
		s()->cr0 |= (bits & 1 ? CR0_MP : 0) | (bits & 2 ? CR0_TS : 0) | CR0_EM;
		LOAD(r, RIG_CODE, fwait);
		run();
		if (bits == 3)
			assert_delivered(VEC_NM, WHY_X87_WAIT, RIG_CODE + 1);
		else
			assert_int_equal(deliveries(), before);
	}
}

static void model_without_fpu_gives_ud_or_nm(void **state)
{
	struct cpu_model model = *r->cpu.model;
	const struct cpu_model *real = r->cpu.model;

	model.feature[FEAT_1_EDX] &= ~F1D_FPU;
	r->cpu.model = &model;
	for (int em = 0; em < 2; em++) {
		begin(0x037f);
		s()->cr0 |= em ? CR0_EM : 0;
		LOAD(r, RIG_CODE, fld1);
		run();
		assert_delivered(em ? VEC_NM : VEC_UD, em ? WHY_X87_EMULATED : WHY_X87_ABSENT, RIG_CODE + 1);
	}
	r->cpu.model = real;
}

/* ---- delayed errors ---- */

/* 1 / 0, then instructions that do not wait, then one that does */
GUEST32(late_error, "fdivp\n nop\n fnstsw [esi]\n fnstcw [esi+2]\n fnstsw ax\n nop\n fld1\n hlt")
GUEST32(wait_error, "fdivp\n nop\n fwait\n hlt")
GUEST32(clear_error, "fdivp\n fnclex\n fld1\n hlt")

static void begin_division_by_zero(uint16_t cr0_out)
{
	begin(0x037f & ~FP_ZE);
	s()->cr0 &= ~(uint64_t)cr0_out;
	push_one();
	push_zero();
}

static void error_is_delivered_at_next_waiting_instruction(void **state)
{
	begin_division_by_zero(0);
	LOAD(r, RIG_CODE, late_error);
	run();
	assert_delivered(VEC_MF, WHY_X87_PENDING, RIG_CODE + 11);
	assert_int_equal(rig_read16(r, DATA), 0xb084); /* ZE, ES, B; nothing popped */
	assert_int_equal(rig_read16(r, DATA + 2), 0x037b);
	assert_int_equal((uint16_t)s()->gpr.r64[RAX], 0xb084);
	assert_st(0, 0, 0);
	assert_st(1, FP_INTEGER_BIT, 0x3fff);
	assert_int_equal(fpu()->fip, RIG_CODE);
	assert_int_equal(fpu()->fop, 0x6f9);
}

static void error_is_delivered_at_wait(void **state)
{
	begin_division_by_zero(0);
	LOAD(r, RIG_CODE, wait_error);
	run();
	assert_delivered(VEC_MF, WHY_X87_PENDING, RIG_CODE + 3);
}

static void ts_ranks_before_pending_error(void **state)
{
	begin_division_by_zero(0);
	LOAD(r, RIG_CODE, wait_error);
	assert_int_equal(rig_run(r, 2), STOP_BUDGET);
	s()->cr0 |= CR0_TS | CR0_MP;
	run();
	assert_delivered(VEC_NM, WHY_X87_WAIT, RIG_CODE + 3);
}

static void cleared_error_is_not_delivered(void **state)
{
	begin_division_by_zero(0);
	uint64_t before = deliveries();
	LOAD(r, RIG_CODE, clear_error);
	run();
	assert_int_equal(deliveries(), before);
	assert_int_equal(ferr.changes, 2);
	assert_false(r->cpu.ferr);
}

GUEST32(unmask, "fldcw [esi]\n nop\n fldz\n hlt")
static void unmasking_a_flag_makes_it_pending(void **state)
{
	begin(0x037f);
	fpu()->sw = FP_PE;
	rig_write16(r, DATA, 0x035f);
	LOAD(r, RIG_CODE, unmask);
	run();
	assert_delivered(VEC_MF, WHY_X87_PENDING, RIG_CODE + 3);
	assert_true(ferr.level);
}

/* ---- CR0.NE = 0: FERR# and IGNNE# ---- */

GUEST32(dos_error, "sti\n fdivp\n inc eax\n inc eax\n fld1\n inc ebx\n hlt")

static void ferr_follows_the_error_at_once(void **state)
{
	begin_division_by_zero(CR0_NE);
	LOAD(r, RIG_CODE, dos_error);
	assert_int_equal(rig_run(r, 1), STOP_BUDGET);
	assert_int_equal(ferr.changes, 0);
	assert_int_equal(rig_run(r, 1), STOP_BUDGET);
	assert_int_equal(ferr.changes, 1);
	assert_true(ferr.level && r->cpu.ferr);
	begin_division_by_zero(0); /* CR0.NE = 1 makes no difference to the pin */
	LOAD(r, RIG_CODE, dos_error);
	assert_int_equal(rig_run(r, 2), STOP_BUDGET);
	assert_true(ferr.level);
}

static void interrupt_on_ferr(void *owner, bool level)
{
	ferr_changed(owner, level);
	if (level)
		rig_interrupt(r, 0x75);
}

GUEST32(in_block, "inc eax\n fdivp\n inc eax\n inc eax\n hlt")

/* The interrupt that FERR# raises comes right behind the instruction, also out of the
 * middle of a block. */
static void ferr_interrupt_is_taken_behind_the_instruction(void **state)
{
	begin_division_by_zero(CR0_NE);
	LOAD(r, RIG_CODE, in_block);
	s()->rflags |= FLAG_IF;
	cpu_state_changed(&r->cpu);
	r->cpu.ferr_changed = interrupt_on_ferr;
	run();
	r->cpu.ferr_changed = ferr_changed;
	assert_int_equal(rig_last(r, 0)->vector, 0x75);
	assert_int_equal(rig_last(r, 0)->from.rip, RIG_CODE + 3);
}

static void waiting_instruction_is_held_until_an_interrupt(void **state)
{
	begin_division_by_zero(CR0_NE);
	s()->gpr.r64[RAX] = s()->gpr.r64[RBX] = 0;
	LOAD(r, RIG_CODE, dos_error);
	uint64_t before = deliveries();
	run(); /* not the HLT at the end */
	assert_int_equal(s()->rip, RIG_CODE + 5);
	assert_int_equal(s()->gpr.r64[RAX], 2);
	assert_int_equal(s()->gpr.r64[RBX], 0);
	assert_int_equal(deliveries(), before);
	run();
	assert_int_equal(s()->rip, RIG_CODE + 5);
	rig_interrupt(r, 0x75);
	run();
	assert_int_equal(rig_last(r, 0)->vector, 0x75);
	assert_int_equal(rig_last(r, 0)->from.rip, RIG_CODE + 5);
}

static void held_instruction_is_held_again_after_iret(void **state)
{
	begin_division_by_zero(CR0_NE);
	s()->gpr.r64[RBX] = 0;
	LOAD(r, RIG_CODE, dos_error);
	rig_write8(r, RIG_HANDLER(0x20), 0xcf); /* IRET */
	run();
	rig_interrupt(r, 0x20);
	run();
	assert_int_equal(s()->rip, RIG_CODE + 5);
	assert_int_equal(s()->gpr.r64[RBX], 0);
	rig_write8(r, RIG_HANDLER(0x20), 0xf4);
}

static void held_instruction_gives_no_single_step_trap(void **state)
{
	begin_division_by_zero(CR0_NE);
	LOAD(r, RIG_CODE, dos_error);
	assert_int_equal(rig_run(r, 4), STOP_BUDGET);
	uint64_t before = deliveries();
	s()->rflags |= FLAG_TF;
	run();
	assert_int_equal(s()->rip, RIG_CODE + 5);
	assert_int_equal(deliveries(), before);
}

static void ignne_lets_the_instruction_run(void **state)
{
	begin_division_by_zero(CR0_NE);
	s()->gpr.r64[RBX] = 0;
	r->cpu.ignne = true;
	LOAD(r, RIG_CODE, dos_error);
	run();
	assert_int_equal(s()->gpr.r64[RBX], 1);
	assert_st(0, FP_INTEGER_BIT, 0x3fff);
	assert_true(fpu()->sw & FP_ES);
	begin_division_by_zero(0); /* CR0.NE = 1: the pin does not count */
	LOAD(r, RIG_CODE, dos_error);
	run();
	assert_delivered(VEC_MF, WHY_X87_PENDING, RIG_CODE + 5);
	r->cpu.ignne = false;
}

/* ---- memory operands: faults come before any change ---- */

#define HOLE 0x300000u /* not present */

GUEST32(store80, "fstp tbyte ptr [esi]\n hlt")
GUEST32(storebcd, "fbstp tbyte ptr [esi]\n hlt")
GUEST32(store32, "fistp dword ptr [esi]\n hlt")
GUEST32(load80, "fld tbyte ptr [esi]\n hlt")
GUEST32(save_all, "fnsave [esi]\n hlt")
GUEST32(save_env, "fnstenv [esi]\n hlt")
GUEST32(restore_all, "frstor [esi]\n hlt")
GUEST32(restore_env, "fldenv [esi]\n hlt")
GUEST32(add64, "fadd qword ptr [esi]\n hlt")

static void faults_and_changes_nothing(const uint8_t *code, size_t size, uint32_t address, uint32_t cr2)
{
	struct fpu_state before;
	uint8_t bytes[16], zeros[16] = {0};

	begin(0x037f);
	rig_paging(r);
	rig_write32(r, 0x81000 + (HOLE >> 12) * 4, 0);
	rig_write(r, HOLE - 16, zeros, 16);
	push(UINT64_C(0xaaaaaaaaaaaaaaab), 0x3ffd); /* inexact everywhere */
	before = *fpu();
	s()->gpr.r64[RSI] = address;
	rig_write(r, RIG_CODE, code, size);
	cpu_state_changed(&r->cpu);
	run();
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 0)->cr2, cr2);
	assert_int_equal(rig_last(r, 0)->from.rip, RIG_CODE);
	assert_memory_equal(fpu(), &before, sizeof before);
	for (unsigned i = 0; i < 16; i++)
		bytes[i] = rig_read8(r, HOLE - 16 + i);
	assert_memory_equal(bytes, zeros, 16);
}

#define FAULTS(name, address, cr2)                                                                                     \
	faults_and_changes_nothing(guest_##name, (size_t)(guest_##name##_end - guest_##name), address, cr2)

static void page_fault_before_any_change(void **state)
{
	FAULTS(store80, HOLE - 9, HOLE);
	FAULTS(store80, HOLE - 8, HOLE);
	FAULTS(store80, HOLE - 1, HOLE);
	FAULTS(store80, HOLE, HOLE);
	FAULTS(storebcd, HOLE - 8, HOLE);
	FAULTS(store32, HOLE - 2, HOLE);
	FAULTS(load80, HOLE - 8, HOLE);
	FAULTS(load80, HOLE - 3, HOLE);
	FAULTS(add64, HOLE - 4, HOLE);
	FAULTS(save_all, HOLE - 12, HOLE);
	FAULTS(save_env, HOLE - 12, HOLE);
	FAULTS(restore_all, HOLE - 12, HOLE);
	FAULTS(restore_env, HOLE - 12, HOLE);
}

static void limit_fault_before_any_change(void **state)
{
	begin(0x037f);
	push_one();
	s()->seg[SEG_DS].limit = DATA + 8; /* nine of the ten bytes */
	LOAD(r, RIG_CODE, store80);
	cpu_state_changed(&r->cpu);
	run();
	assert_delivered(VEC_GP, WHY_SEG_LIMIT, RIG_CODE);
	assert_st(0, FP_INTEGER_BIT, 0x3fff);
	assert_int_equal(rig_read32(r, DATA + 4), 0);
}

/* SDM 1, "Stack Overflow or Underflow Exception (#IS)": unmasked, nothing is
 * stored.  The operand's address is checked all the same (so does the host, tests/native). */
static void unmasked_store_changes_no_memory(void **state)
{
	begin(0x037f & ~FP_IE);
	uint64_t before = deliveries();
	rig_write32(r, DATA, 0x12345678);
	s()->gpr.r64[RSI] = DATA;
	LOAD(r, RIG_CODE, store32);
	run();
	assert_int_equal(deliveries(), before);
	assert_int_equal(rig_read32(r, DATA), 0x12345678);
	assert_int_equal(fpu()->sw, FP_IE | FP_SF | FP_ES | FP_B);
}

/* Alignment: 8 for 80-bit operands, the operand size for images (SDM 3A, "Alignment
 * Requirements by Data Type"). */
static void alignment_of(const uint8_t *code, size_t size, uint32_t address, bool faults)
{
	begin(0x037f);
	rig_protected(r, 3);
	push_one();
	uint64_t before = deliveries();
	s()->cr0 |= CR0_AM;
	s()->rflags |= FLAG_AC;
	s()->gpr.r64[RSI] = address;
	rig_write(r, RIG_CODE, code, size);
	cpu_state_changed(&r->cpu);
	assert_int_equal(rig_run(r, 1), STOP_BUDGET);
	if (faults)
		assert_delivered(VEC_AC, WHY_ALIGNMENT, RIG_CODE);
	else
		assert_int_equal(deliveries(), before);
}
#define ALIGNMENT(name, address, faults)                                                                               \
	alignment_of(guest_##name, (size_t)(guest_##name##_end - guest_##name), address, faults)

static void alignment_check(void **state)
{
	ALIGNMENT(store80, DATA, false);
	ALIGNMENT(store80, DATA + 4, true);
	ALIGNMENT(load80, DATA + 8, false);
	ALIGNMENT(load80, DATA + 2, true);
	ALIGNMENT(save_all, DATA + 4, false);
	ALIGNMENT(save_all, DATA + 2, true);
	ALIGNMENT(restore_env, DATA + 4, false);
	ALIGNMENT(restore_env, DATA + 1, true);
}

/* ---- images ---- */

GUEST32(env32, "fnstenv [esi]\n hlt")
GUEST32(env16, ".byte 0x66\n fnstenv [esi]\n hlt")
GUEST16(real_env16, "fnstenv [si]\n hlt")
GUEST16(real_env32, ".byte 0x66\n fnstenv [si]\n hlt")
GUEST32(load_env16, ".byte 0x66\n fldenv [esi]\n hlt")
GUEST16(load_real_env32, ".byte 0x66\n fldenv [si]\n hlt")

static void set_pointers(void)
{
	fpu()->fip = 0x12345678;
	fpu()->fcs = 0xabcd;
	fpu()->fdp = 0x9abcdef0;
	fpu()->fds = 0x4321;
	fpu()->fop = 0x5a5;
	push_zero();
	push_one();
}

static void assert_words(unsigned count, const uint16_t *words)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(rig_read16(r, DATA + 2 * i), words[i]);
}

static void protected_32_bit_image(void **state)
{
	begin(0x0340);
	set_pointers();
	LOAD(r, RIG_CODE, env32);
	run();
	assert_words(14, (uint16_t[]){0x0340, 0xffff, 0x3000, 0xffff, 0x4fff, 0xffff, 0x5678, 0x1234, 0xabcd, 0x05a5,
				      0xdef0, 0x9abc, 0x4321, 0xffff});
	assert_int_equal(fpu()->cw, 0x037f); /* all masked now */
}

static void protected_16_bit_image(void **state)
{
	begin(0x037f);
	set_pointers();
	LOAD(r, RIG_CODE, env16);
	run();
	assert_words(7, (uint16_t[]){0x037f, 0x3000, 0x4fff, 0x5678, 0xabcd, 0xdef0, 0x4321});
}

static void begin_real(void)
{
	rig_real(r, 0x1000, 0);
	x87_init(fpu());
	s()->seg[SEG_DS].sel = DATA >> 4;
	s()->seg[SEG_DS].base = DATA;
	s()->gpr.r64[RSI] = 0;
	cpu_state_changed(&r->cpu);
	fpu()->fip = 0x5678;
	fpu()->fcs = 0x1000;
	fpu()->fdp = 0xdef0;
	fpu()->fds = 0xf000;
	fpu()->fop = 0x5a5;
	push_zero();
	push_one();
}

static void real_mode_16_bit_image(void **state)
{
	begin_real();
	LOAD(r, 0x10000, real_env16);
	run();
	assert_words(7, (uint16_t[]){0x037f, 0x3000, 0x4fff, 0x5678, 0x15a5, 0xdef0, 0xf000});
}

static void real_mode_32_bit_image(void **state)
{
	begin_real();
	fpu()->fds = 0xffff; /* FFFF0 + DEF0 = 10DEE0 */
	LOAD(r, 0x10000, real_env32);
	run();
	assert_words(14, (uint16_t[]){0x037f, 0xffff, 0x3000, 0xffff, 0x4fff, 0xffff, 0x5678, 0xffff, 0x15a5, 0x0000,
				      0xdee0, 0xffff, 0x0000, 0x0001});
}

static void loading_a_16_bit_protected_image(void **state)
{
	static const uint16_t image[] = {0xffff, 0x3a41, 0x0ffd, 0x1111, 0x2222, 0x3333, 0x4444};

	begin(0x0340);
	rig_write(r, DATA, image, sizeof image);
	LOAD(r, RIG_CODE, load_env16);
	run();
	assert_int_equal(fpu()->cw, 0x1f7f);
	assert_int_equal(fpu()->sw, 0x3a41);
	assert_int_equal(fpu()->fip, 0x1111);
	assert_int_equal(fpu()->fcs, 0x2222);
	assert_int_equal(fpu()->fdp, 0x3333);
	assert_int_equal(fpu()->fds, 0x4444);
	assert_int_equal(fpu()->fop, 0);
	/* Tags of full registers come from the contents: all zeros here. */
	assert_int_equal(x87_tag_word(fpu()), 0x5ffd);
}

static void loading_a_32_bit_real_image(void **state)
{
	static const uint32_t image[] = {0x037f, 0, 0xffff, 0xffff5678, 0x0bcda5a5, 0x1234, 0x0fedc000};

	begin_real();
	rig_write(r, DATA, image, sizeof image);
	LOAD(r, 0x10000, load_real_env32);
	run();
	assert_int_equal(fpu()->fip, 0xbcda5678);
	assert_int_equal(fpu()->fop, 0x5a5);
	assert_int_equal(fpu()->fdp, 0xfedc1234);
	assert_int_equal(fpu()->fcs, 0);
}

GUEST32(roundtrip, "fnsave [esi]\n frstor [esi]\n hlt")
static void save_and_restore_bring_everything_back(void **state)
{
	begin(0x0f40);
	for (unsigned i = 0; i < 5; i++)
		push(FP_INTEGER_BIT | i << 8, (uint16_t)(0x3ff0 + i));
	set_pointers();
	fpu()->sw |= FP_C3 | FP_C0 | FP_SF;
	struct fpu_state before = *fpu();
	LOAD(r, RIG_CODE, roundtrip);
	run();
	assert_int_equal(fpu()->cw, before.cw);
	assert_int_equal(fpu()->sw, before.sw);
	assert_int_equal(x87_tag_word(fpu()), x87_tag_word(&before));
	assert_memory_equal(fpu()->st, before.st, sizeof before.st);
	assert_int_equal(fpu()->fip, before.fip);
	assert_int_equal(fpu()->fdp, before.fdp);
	assert_int_equal(fpu()->fop, before.fop);
}

static void fnsave_initializes(void **state)
{
	begin(0x0340);
	set_pointers();
	fpu()->sw |= FP_ZE;
	x87_state_changed(&r->cpu);
	LOAD(r, RIG_CODE, save_all);
	run();
	assert_int_equal(fpu()->cw, 0x037f);
	assert_int_equal(fpu()->sw, 0);
	assert_int_equal(fpu()->tw, 0xffff);
	assert_int_equal(fpu()->fip, 0);
	assert_false(ferr.level);
}

GUEST32(prefixed, "nop\n fs add al, 0\n fadd dword ptr ss:[esi]\n hlt")
static void pointers_show_prefixes_and_segment(void **state)
{
	begin(0x037f);
	push_one();
	LOAD(r, RIG_CODE, prefixed);
	run();
	assert_int_equal(fpu()->fip, RIG_CODE + (guest_prefixed_end - guest_prefixed) - 4);
	assert_int_equal(fpu()->fcs, RIG_CS0);
	assert_int_equal(fpu()->fdp, DATA);
	assert_int_equal(fpu()->fds, s()->seg[SEG_SS].sel);
	assert_int_equal(fpu()->fop, 0x006);
}

static void power_up_state(void **state)
{
	cpu_reset(&r->cpu, false);
	assert_int_equal(fpu()->cw, 0x0040);
	assert_int_equal(fpu()->sw, 0);
	assert_int_equal(x87_tag_word(fpu()), 0x5555);
}

/* ---- where the SDM decides against processors ---- */

GUEST32(compare, "fcomp\n hlt")
GUEST32(compare_flags, "fcomi st(0), st(1)\n hlt")
GUEST32(load_denormal, "fld dword ptr [esi]\n hlt")
GUEST32(log_plus_one, "fyl2xp1\n hlt")

static void unmasked_invalid_fcom_keeps_condition_codes(void **state)
{
	begin(0x037f & ~FP_IE);
	push_one();
	push_qnan();
	fpu()->sw |= FP_C2 | FP_C1;
	LOAD(r, RIG_CODE, compare);
	run();
	assert_int_equal(fpu()->sw & FP_CC, FP_C2);
	assert_int_equal(x87_top(fpu()), 6); /* nothing popped */
}

static void unmasked_invalid_fcomi_keeps_zf_pf_cf(void **state)
{
	begin(0x037f & ~FP_IE);
	push_one();
	push_qnan();
	fpu()->sw |= FP_C1;
	cpu_set_flags(&r->cpu, FLAG_PF | FLAG_OF | FLAG_SF | FLAG_AF);
	LOAD(r, RIG_CODE, compare_flags);
	run();
	assert_int_equal(cpu_flags(&r->cpu) & FLAGS_STATUS, FLAG_PF);
	assert_false(fpu()->sw & FP_C1);
}

static void unmasked_denormal_load_does_not_push(void **state)
{
	begin(0x037f & ~FP_DE);
	rig_write32(r, DATA, 1);
	LOAD(r, RIG_CODE, load_denormal);
	run();
	assert_int_equal(fpu()->tw, 0xffff);
	assert_int_equal(fpu()->sw, FP_DE | FP_ES | FP_B);
}

static void fyl2xp1_below_minus_one_is_invalid(void **state)
{
	begin(0x037f);
	push_one();
	push(FP_INTEGER_BIT | 1, 0xbfff);
	LOAD(r, RIG_CODE, log_plus_one);
	run();
	assert_st(0, UINT64_C(0xc000000000000000), 0xffff);
	assert_int_equal(fpu()->sw & FP_EXCEPTIONS, FP_IE);
}

static int setup(void **state)
{
	r = rig_new("max", 8 << 20);
	if (r == NULL)
		return 1;
	r->cpu.ferr_changed = ferr_changed;
	return 0;
}

static int teardown(void **state)
{
	rig_free(r);
	return 0;
}

#define TEST(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cr0_em_gives_nm),
		TEST(cr0_ts_gives_nm),
		TEST(wait_needs_mp_and_ts_for_nm),
		TEST(model_without_fpu_gives_ud_or_nm),
		TEST(error_is_delivered_at_next_waiting_instruction),
		TEST(error_is_delivered_at_wait),
		TEST(ts_ranks_before_pending_error),
		TEST(cleared_error_is_not_delivered),
		TEST(unmasking_a_flag_makes_it_pending),
		TEST(ferr_follows_the_error_at_once),
		TEST(ferr_interrupt_is_taken_behind_the_instruction),
		TEST(waiting_instruction_is_held_until_an_interrupt),
		TEST(held_instruction_is_held_again_after_iret),
		TEST(held_instruction_gives_no_single_step_trap),
		TEST(ignne_lets_the_instruction_run),
		TEST(page_fault_before_any_change),
		TEST(limit_fault_before_any_change),
		TEST(unmasked_store_changes_no_memory),
		TEST(alignment_check),
		TEST(protected_32_bit_image),
		TEST(protected_16_bit_image),
		TEST(real_mode_16_bit_image),
		TEST(real_mode_32_bit_image),
		TEST(loading_a_16_bit_protected_image),
		TEST(loading_a_32_bit_real_image),
		TEST(save_and_restore_bring_everything_back),
		TEST(fnsave_initializes),
		TEST(pointers_show_prefixes_and_segment),
		TEST(power_up_state),
		TEST(unmasked_invalid_fcom_keeps_condition_codes),
		TEST(unmasked_invalid_fcomi_keeps_zf_pf_cf),
		TEST(unmasked_denormal_load_does_not_push),
		TEST(fyl2xp1_below_minus_one_is_invalid),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
