/* CLI, STI, PUSHF, POPF: the decision tables of SDM 2A "CLI", 2B "STI",
 * "PUSHF", "POPF". */
#include "system/bed.h"

#define ALL_FLAGS FLAGS_DEFINED

/* CPL, IOPL, VM, VME, PVI in every combination; f is told through these. */
struct mode {
	unsigned cpl, iopl;
	bool vm, vme, pvi;
};

static void enter(const struct mode *m)
{
	if (m->vm)
		bed_vm86(m->iopl);
	else
		rig_protected(r, m->cpl);
	bed_iopl(m->iopl);
	s()->cr4 = (m->vme ? CR4_VME : 0) | (m->pvi ? CR4_PVI : 0);
}

static void for_every_mode(void (*f)(const struct mode *))
{
	for (unsigned n = 0; n < 64; n++) {
		struct mode m = {.iopl = n & 3, .vme = n & 4, .pvi = n & 8};
		m.vm = (n >> 4) == 2;
		m.cpl = (n >> 4) == 0 ? 0 : 3;
		if ((n >> 4) == 3)
			continue;
		f(&m);
	}
}

static bool virtual_if(const struct mode *m) { return m->vm ? m->vme : m->cpl == 3 && m->pvi; }

/* ---- CLI ---- */
static void cli_in(const struct mode *m)
{
	enter(m);
	s()->rflags |= FLAG_IF | FLAG_VIF;
	STEP(0xfa);
	if (m->cpl <= m->iopl) {
		DONE();
		assert_int_equal(flags() & (FLAG_IF | FLAG_VIF), FLAG_VIF);
	} else if (virtual_if(m)) {
		DONE();
		assert_int_equal(flags() & (FLAG_IF | FLAG_VIF), FLAG_IF);
	} else {
		FAULT(VEC_GP, 0, WHY_CLI_IOPL);
	}
}
static void cli_table_and_CLI_IOPL(void **state) { for_every_mode(cli_in); }

/* ---- STI ---- */
static void sti_in(const struct mode *m)
{
	for (unsigned vip = 0; vip < 2; vip++) {
		enter(m);
		s()->rflags |= vip ? FLAG_VIP : 0;
		STEP(0xfb);
		if (m->cpl <= m->iopl) {
			DONE();
			assert_int_equal(flags() & (FLAG_IF | FLAG_VIF), FLAG_IF);
			assert_int_equal(s()->shadow, SHADOW_STI);
		} else if (!virtual_if(m)) {
			FAULT(VEC_GP, 0, WHY_STI_IOPL);
		} else if (vip) {
			FAULT(VEC_GP, 0, WHY_STI_VIP);
		} else {
			DONE();
			assert_int_equal(flags() & (FLAG_IF | FLAG_VIF), FLAG_VIF);
			assert_int_equal(s()->shadow, 0);
		}
	}
}
static void sti_table_and_STI_IOPL_and_STI_VIP(void **state) { for_every_mode(sti_in); }

static void sti_shadow_only_if_if_was_clear(void **state)
{
	s()->rflags |= FLAG_IF;
	STEP(0xfb);
	DONE();
	assert_int_equal(s()->shadow, 0);
}

static void cli_and_sti_keep_the_status_flags(void **state)
{
	s()->rflags |= FLAGS_STATUS | FLAG_DF;
	STEP(0xfb);
	assert_int_equal(flags(), FLAGS_STATUS | FLAG_DF | FLAG_IF | FLAG_ONE);
	STEP(0xfa);
	assert_int_equal(flags(), FLAGS_STATUS | FLAG_DF | FLAG_ONE);
}

static void real_mode_ignores_iopl(void **state)
{
	rig_real(r, RIG_CODE >> 4, 0);
	STEP(0xfb);
	DONE();
	assert_true(flags() & FLAG_IF);
	STEP(0xfa);
	DONE();
	assert_false(flags() & FLAG_IF);
}

/* ---- PUSHF ---- */
static void pushf_clears_rf_and_vm_in_the_image(void **state)
{
	s()->rflags = ALL_FLAGS & ~(FLAG_VM | FLAG_TF);
	STEP(0x9c);
	DONE();
	assert_int_equal(rig_read32(r, RIG_STACK0 - 4), (ALL_FLAGS & ~(FLAG_VM | FLAG_TF | FLAG_RF)) | FLAG_ONE);
	assert_int_equal(reg(RSP), RIG_STACK0 - 4);
}

static void pushf_of_16_bits(void **state)
{
	s()->rflags = ALL_FLAGS & ~(FLAG_VM | FLAG_TF);
	rig_write32(r, RIG_STACK0 - 4, 0);
	STEP(0x66, 0x9c);
	DONE();
	assert_int_equal(rig_read32(r, RIG_STACK0 - 4) >> 16, ((ALL_FLAGS & ~FLAG_TF) | FLAG_ONE) & 0xffff);
	assert_int_equal(reg(RSP), RIG_STACK0 - 2);
}

static void pushf_in(const struct mode *m)
{
	for (unsigned bits = 16; bits <= 32; bits += 16) {
		if (!m->vm)
			return;
		enter(m);
		s()->rflags |= FLAG_VIF;
		if (bits == 32)
			STEP(0x66, 0x9c);
		else
			STEP(0x9c);
		uint16_t image = rig_read16(r, 0x2f000 - bits / 8);
		if (m->iopl == 3) {
			DONE();
			assert_int_equal(image & (FLAG_IF | FLAG_IOPL), FLAG_IOPL);
		} else if (m->vme && bits == 16) {
			DONE();
			assert_int_equal(image & (FLAG_IF | FLAG_IOPL), FLAG_IF | FLAG_IOPL);
		} else {
			FAULT(VEC_GP, 0, WHY_PUSHF_VM86);
		}
	}
}
static void pushf_in_vm86_and_PUSHF_VM86(void **state) { for_every_mode(pushf_in); }

static void vme_pushf_shows_vif_clear_while_if_is_set(void **state)
{
	bed_vm86(0);
	s()->cr4 = CR4_VME;
	s()->rflags |= FLAG_IF;
	STEP(0x9c);
	DONE();
	assert_int_equal(rig_read16(r, 0x2effe) & (FLAG_IF | FLAG_IOPL), FLAG_IOPL);
}

/* ---- POPF ---- */
static void popf(const struct mode *m, unsigned bits, uint32_t image)
{
	bool prefix = m->vm ? bits == 32 : bits == 16;
	uint64_t top = s()->seg[SEG_SS].base + (m->vm ? reg(RSP) & 0xffff : reg(RSP));

	rig_write32(r, top, image);
	if (prefix)
		STEP(0x66, 0x9d);
	else
		STEP(0x9d);
}

/* Which flags POPF took: tried with all ones over zeros and zeros over ones. */
static void popf_in(const struct mode *m)
{
	const uint32_t kept = FLAG_VM | FLAG_RF | FLAG_VIF | FLAG_VIP | FLAG_TF;

	for (unsigned bits = 16; bits <= 32; bits += 16) {
		uint32_t takes = FLAGS_STATUS | FLAG_DF | FLAG_NT | (bits == 32 ? FLAG_AC | FLAG_ID : 0) |
				 (m->cpl <= m->iopl || (m->vm && m->iopl == 3) ? FLAG_IF : 0) |
				 (m->cpl == 0 ? FLAG_IOPL : 0);
		bool below = m->vm && m->iopl < 3;
		enter(m);
		uint32_t before = flags();
		uint32_t sp = reg(RSP);
		popf(m, bits, ALL_FLAGS & ~kept);
		if (below && !(m->vme && bits == 16)) {
			FAULT(VEC_GP, 0, WHY_POPF_VM86);
			continue;
		}
		DONE();
		assert_int_equal(reg(RSP), sp + bits / 8);
		assert_int_equal(flags(), ((before & ~takes) | (ALL_FLAGS & ~kept & takes)) | (below ? FLAG_VIF : 0));
		enter(m);
		s()->rflags |= (ALL_FLAGS & ~kept & ~FLAG_IOPL) | FLAG_VIF | (below ? 0 : FLAG_VIP);
		before = flags();
		popf(m, bits, 0);
		DONE();
		assert_int_equal(flags(), before & ~takes & ~(below ? FLAG_VIF : 0));
	}
}
static void popf_table_and_POPF_VM86(void **state) { for_every_mode(popf_in); }

static void POPF_VIP(void **state)
{
	static const struct mode m = {.cpl = 3, .iopl = 0, .vm = true, .vme = true};

	enter(&m);
	s()->rflags |= FLAG_VIP;
	popf(&m, 16, FLAG_IF);
	FAULT(VEC_GP, 0, WHY_POPF_VIP);
	assert_int_equal(rig_last(r, 0)->from.rsp, 0xf000);
	enter(&m);
	s()->rflags |= FLAG_VIP;
	popf(&m, 16, 0);
	DONE();
}

static void popf_in_real_mode_takes_iopl_and_if(void **state)
{
	rig_real(r, RIG_CODE >> 4, 0);
	rig_write16(r, 0x7000, 0x7202);
	STEP(0x9d);
	DONE();
	assert_int_equal(flags(), 0x7202);
}

static void popf_ac_and_id_exist_by_model(void **state)
{
	static const struct {
		const char *model;
		uint32_t has;
	} list[] = {{"i386", 0}, {"i486", FLAG_AC}, {"pentium", FLAG_AC | FLAG_ID}, {"max", FLAG_AC | FLAG_ID}};

	for (unsigned i = 0; i < 4; i++) {
		bed_model(list[i].model);
		rig_write32(r, RIG_STACK0, FLAG_AC | FLAG_ID);
		STEP(0x9d);
		DONE();
		assert_int_equal(flags() & (FLAG_AC | FLAG_ID), list[i].has);
	}
}

static void popf_of_tf_traps_after_the_next_instruction(void **state)
{
	rig_write32(r, RIG_STACK0, FLAG_TF);
	STEP(0x9d, 0x90, 0x90);
	DONE();
	cpu_step(&r->cpu);
	cpu_step(&r->cpu);
	assert_int_equal(rig_last(r, 0)->why, WHY_SINGLE_STEP);
	assert_int_equal(rig_last(r, 0)->from.rip, RIG_CODE + 2);
}

static void popf_that_faults_changes_nothing(void **state)
{
	rig_protected(r, 3);
	s()->seg[SEG_SS].limit = RIG_STACK3 + 2;
	STEP(0x9d);
	assert_int_equal(rig_last(r, 0)->vector, VEC_SS);
	assert_int_equal(rig_last(r, 0)->from.rsp, RIG_STACK3);
}

/* ---- CLAC, STAC: SDM 2A "CLAC", 2B "STAC" ---- */
static void clac_and_stac_write_ac_alone(void **state)
{
	for (unsigned real = 0; real < 2; real++) {
		bed_model("max");
		if (real)
			rig_real(r, RIG_CODE >> 4, 0);
		s()->rflags = FLAG_ONE | FLAG_IF | FLAG_DF;
		cpu_set_flags(&r->cpu, s()->rflags | FLAG_CF | FLAG_ZF | FLAG_OF);
		STEP(0x0f, 0x01, 0xcb);
		DONE();
		assert_int_equal(flags(), FLAG_ONE | FLAG_IF | FLAG_DF | FLAG_CF | FLAG_ZF | FLAG_OF | FLAG_AC);
		STEP(0x0f, 0x01, 0xca);
		DONE();
		assert_int_equal(flags(), FLAG_ONE | FLAG_IF | FLAG_DF | FLAG_CF | FLAG_ZF | FLAG_OF);
	}
}

static void stac_and_clac_move_smap(void **state)
{
	const struct tlb_entry *denied, *allowed;

	s()->cr4 = CR4_SMAP;
	cpu_state_changed(&r->cpu);
	denied = r->cpu.mmu.tlb[TLB_READ];
	STEP(0x0f, 0x01, 0xcb);
	allowed = r->cpu.mmu.tlb[TLB_READ];
	assert_ptr_not_equal(allowed, denied);
	STEP(0x0f, 0x01, 0xca);
	assert_ptr_equal(r->cpu.mmu.tlb[TLB_READ], denied);
}

static void AC_NEEDS_CPL0(void **state)
{
	for (unsigned cpl = 1; cpl < 4; cpl++) {
		rig_protected(r, cpl);
		STEP(0x0f, 0x01, 0xca);
		FAULT(VEC_UD, 0, WHY_AC_NEEDS_CPL0);
		rig_protected(r, cpl);
		STEP(0x0f, 0x01, 0xcb);
		FAULT(VEC_UD, 0, WHY_AC_NEEDS_CPL0);
	}
	bed_vm86(3);
	STEP(0x0f, 0x01, 0xca);
	FAULT(VEC_UD, 0, WHY_AC_NEEDS_CPL0);
}

static void clac_and_stac_come_with_smap(void **state)
{
	bed_model("pentium2");
	STEP(0x0f, 0x01, 0xca);
	FAULT(VEC_UD, 0, WHY_UNDEFINED_OPCODE);
}

static void clac_and_stac_take_no_prefix(void **state)
{
	static const uint8_t prefixes[] = {0x66, 0xf2, 0xf3, 0xf0};

	for (unsigned i = 0; i < 4; i++) {
		rig_protected(r, 0);
		STEP(prefixes[i], 0x0f, 0x01, 0xca);
		FAULT(VEC_UD, 0, WHY_UNDEFINED_OPCODE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(cli_table_and_CLI_IOPL), T(sti_table_and_STI_IOPL_and_STI_VIP), T(sti_shadow_only_if_if_was_clear),
		T(cli_and_sti_keep_the_status_flags), T(real_mode_ignores_iopl),
		T(pushf_clears_rf_and_vm_in_the_image), T(pushf_of_16_bits), T(pushf_in_vm86_and_PUSHF_VM86),
		T(vme_pushf_shows_vif_clear_while_if_is_set), T(popf_table_and_POPF_VM86), T(POPF_VIP),
		T(popf_in_real_mode_takes_iopl_and_if), T(popf_ac_and_id_exist_by_model),
		T(popf_of_tf_traps_after_the_next_instruction), T(popf_that_faults_changes_nothing),
		T(clac_and_stac_write_ac_alone), T(stac_and_clac_move_smap), T(AC_NEEDS_CPL0), T(clac_and_stac_come_with_smap),
		T(clac_and_stac_take_no_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
