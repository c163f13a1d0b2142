/* Instructions on segment registers, tables and descriptors. */
#include "system/bed.h"

#define DATA 0x5000u
#define SEL  RIG_FREE

static void descriptor(uint32_t limit, uint8_t access, uint8_t nibble)
{
	rig_gdt(r, SEL, rig_descriptor(0x1000, limit, access, nibble));
}

/* ---- MOV ---- */
static void mov_to_ss_sets_the_shadow(void **state)
{
	set_reg(RAX, RIG_DS0);
	STEP(0x8e, 0xd0);
	DONE();
	assert_int_equal(s()->shadow, SHADOW_MOVSS);
	STEP(0x8e, 0xd8);
	assert_int_equal(s()->shadow, 0);
}

static void mov_to_sreg_reads_16_bits_of_memory(void **state)
{
	rig_write32(r, DATA, 0xdead0000u | RIG_DS0);
	STEP(0x8e, 0x25, 0x00, 0x50, 0x00, 0x00); /* mov fs, [5000h] */
	DONE();
	assert_int_equal(s()->seg[SEG_FS].sel, RIG_DS0);
}

static void mov_to_cs_is_undefined(void **state)
{
	STEP(0x8e, 0xc8);
	assert_int_equal(rig_last(r, 0)->vector, VEC_UD);
}

static void mov_from_sreg_zero_extends_into_32_bits_only(void **state)
{
	set_reg(RAX, 0xffffffff);
	STEP(0x8c, 0xd8); /* mov eax, ds */
	assert_int_equal(reg(RAX), RIG_DS0);
	set_reg(RAX, 0xffffffff);
	STEP(0x66, 0x8c, 0xd8); /* mov ax, ds */
	assert_int_equal(reg(RAX), 0xffff0000u | RIG_DS0);
}

static void mov_from_sreg_stores_16_bits(void **state)
{
	rig_write32(r, DATA, 0xffffffff);
	STEP(0x8c, 0x1d, 0x00, 0x50, 0x00, 0x00);
	assert_int_equal(rig_read32(r, DATA), 0xffff0000u | RIG_DS0);
}

/* ---- PUSH, POP ---- */
static void push_sreg_of_32_bits_writes_two_bytes(void **state)
{
	rig_write32(r, RIG_STACK0 - 4, 0xaaaaaaaa);
	STEP(0x1e);
	DONE();
	assert_int_equal(reg(RSP), RIG_STACK0 - 4);
	assert_int_equal(rig_read32(r, RIG_STACK0 - 4), 0xaaaa0000u | RIG_DS0);
	STEP(0x66, 0x0f, 0xa0);
	assert_int_equal(reg(RSP), RIG_STACK0 - 6);
}

static void push_sreg_of_the_pentium_writes_four_bytes(void **state)
{
	bed_model("pentium");
	rig_write32(r, RIG_STACK0 - 4, 0xaaaaaaaa);
	STEP(0x1e);
	assert_int_equal(rig_read32(r, RIG_STACK0 - 4), RIG_DS0);
}

static void push_sreg_that_faults_leaves_esp(void **state)
{
	rig_protected(r, 3);
	s()->seg[SEG_SS].limit = 0xffff;
	set_reg(RSP, 0x10004);
	STEP(0x1e);
	assert_true(faulted());
	assert_int_equal(rig_last(r, 0)->from.rsp, 0x10004);
	assert_int_equal(rig_last(r, 0)->vector, VEC_SS);
}

static void pop_sreg_adds_the_operand_size(void **state)
{
	rig_write32(r, RIG_STACK0, 0xdead0000u | RIG_DS0);
	STEP(0x07);
	DONE();
	assert_int_equal(reg(RSP), RIG_STACK0 + 4);
	assert_int_equal(s()->seg[SEG_ES].sel, RIG_DS0);
	rig_write32(r, RIG_STACK0 + 4, RIG_DS0);
	STEP(0x66, 0x0f, 0xa9);
	assert_int_equal(reg(RSP), RIG_STACK0 + 6);
}

static void pop_sreg_reads_only_two_bytes(void **state)
{
	s()->seg[SEG_SS].limit = RIG_STACK0 + 1;
	rig_write16(r, RIG_STACK0, RIG_DS0);
	STEP(0x1f);
	DONE();
	assert_int_equal(reg(RSP), RIG_STACK0 + 4);
}

static void pop_sreg_that_faults_leaves_esp(void **state)
{
	rig_write32(r, RIG_STACK0, 0x1000);
	STEP(0x1f);
	FAULT(VEC_GP, 0x1000, WHY_LOAD_SEG_TABLE);
	assert_int_equal(rig_last(r, 0)->from.rsp, RIG_STACK0);
}

static void pop_ss_counts_by_the_old_stack_size_and_sets_the_shadow(void **state)
{
	descriptor(0xffff, 0x93, 0); /* 16-bit stack */
	set_reg(RSP, 0x2fffe);
	rig_write16(r, 0x2fffe, SEL);
	STEP(0x17);
	DONE();
	assert_int_equal(reg(RSP), 0x30002);
	assert_int_equal(s()->shadow, SHADOW_MOVSS);
	assert_int_equal(r->cpu.sp_mask, 0xffff);
}

static void pop_ss_from_a_16_bit_stack_wraps_sp(void **state)
{
	descriptor(0xffff, 0x93, 0);
	set_reg(RAX, SEL);
	STEP(0x8e, 0xd0);
	set_reg(RSP, 0x5fffe);
	rig_write16(r, 0x1000 + 0xfffe, RIG_DS0);
	STEP(0x66, 0x17);
	DONE();
	assert_int_equal(reg(RSP), 0x50000);
	assert_int_equal(r->cpu.sp_mask, 0xffffffff);
}

/* ---- LES ... ---- */
static void les_loads_register_and_segment(void **state)
{
	rig_write32(r, DATA, 0x89abcdef);
	rig_write16(r, DATA + 4, RIG_DS0);
	s()->seg[SEG_ES] = null_segment(0);
	STEP(0xc4, 0x0d, 0x00, 0x50, 0x00, 0x00);
	DONE();
	assert_int_equal(reg(RCX), 0x89abcdef);
	assert_int_equal(s()->seg[SEG_ES].sel, RIG_DS0);
}

static void lds_of_16_bits_keeps_the_upper_half(void **state)
{
	set_reg(RCX, 0xffff0000);
	rig_write16(r, DATA, 0x1234);
	rig_write16(r, DATA + 2, RIG_DS0);
	STEP(0x66, 0xc5, 0x0d, 0x00, 0x50, 0x00, 0x00);
	DONE();
	assert_int_equal(reg(RCX), 0xffff1234);
}

static void lfs_fault_leaves_the_register(void **state)
{
	rig_write32(r, DATA, 0x89abcdef);
	rig_write16(r, DATA + 4, 0x1000);
	STEP(0x0f, 0xb4, 0x0d, 0x00, 0x50, 0x00, 0x00);
	FAULT(VEC_GP, 0x1000, WHY_LOAD_SEG_TABLE);
	assert_int_equal(reg(RCX), 0);
}

static void lss_sets_no_shadow(void **state)
{
	rig_write32(r, DATA, 0x8000);
	rig_write16(r, DATA + 4, RIG_DS0);
	STEP(0x0f, 0xb2, 0x25, 0x00, 0x50, 0x00, 0x00); /* lss esp, [5000h] */
	DONE();
	assert_int_equal(reg(RSP), 0x8000);
	assert_int_equal(s()->shadow, 0);
}

static void lgs_does_not_wrap_at_64k(void **state)
{
	rig_real(r, RIG_CODE >> 4, 0);
	set_reg(RBX, 0xfffe);
	STEP(0x0f, 0xb5, 0x07); /* lgs ax, [bx]: the selector lies at 10000h */
	assert_int_equal(rig_last(r, 0)->vector, VEC_GP);
}

/* ---- LAR, LSL ---- */
static bool lar(uint16_t sel)
{
	set_reg(RCX, sel);
	set_reg(RAX, 0x5555aaaa);
	s()->rflags ^= FLAG_ZF;
	STEP(0x0f, 0x02, 0xc1); /* lar eax, cx */
	DONE();
	return flags() & FLAG_ZF;
}

static bool lsl(uint16_t sel)
{
	set_reg(RCX, sel);
	set_reg(RAX, 0x5555aaaa);
	STEP(0x0f, 0x03, 0xc1);
	DONE();
	return flags() & FLAG_ZF;
}

static void lar_and_lsl_accept_the_types_of_their_tables(void **state)
{
	static const uint16_t lar_types = 0x1a3e, lsl_types = 0x0a0e;

	for (unsigned type = 0; type < 16; type++) {
		descriptor(0x12345, (uint8_t)(0x80 | type), 0);
		assert_int_equal(lar(SEL), lar_types >> type & 1);
		assert_int_equal(lsl(SEL), lsl_types >> type & 1);
		descriptor(0x12345, (uint8_t)(0x10 | type), 0); /* P = 0 does not matter */
		assert_true(lar(SEL));
		assert_true(lsl(SEL));
	}
}

static void lar_gives_the_access_rights(void **state)
{
	descriptor(0x12345, 0x92, 0xd);
	assert_true(lar(SEL));
	assert_int_equal(reg(RAX), 0x00d19200);
	set_reg(RAX, 0x5555aaaa);
	STEP(0x66, 0x0f, 0x02, 0xc1);
	assert_int_equal(reg(RAX), 0x55559200);
}

static void lsl_gives_the_limit_in_bytes(void **state)
{
	descriptor(0x12345, 0x92, 0x8);
	assert_true(lsl(SEL));
	assert_int_equal(reg(RAX), 0x12345fff);
	set_reg(RAX, 0x5555aaaa);
	STEP(0x66, 0x0f, 0x03, 0xc1);
	assert_int_equal(reg(RAX), 0x55555fff);
}

static void lar_without_access_clears_zf_only(void **state)
{
	assert_false(lar(0));
	assert_false(lar(0x1000));
	assert_int_equal(reg(RAX), 0x5555aaaa);
	s()->rflags |= FLAG_CF | FLAG_OF | FLAG_SF | FLAG_PF | FLAG_AF;
	assert_false(lar(3));
	assert_int_equal(flags() & FLAGS_STATUS, FLAG_CF | FLAG_OF | FLAG_SF | FLAG_PF | FLAG_AF);
}

static void lar_needs_dpl_unless_conforming(void **state)
{
	for (unsigned cpl = 0; cpl < 4; cpl += 3)
		for (unsigned rpl = 0; rpl < 4; rpl++)
			for (unsigned dpl = 0; dpl < 4; dpl++) {
				bool visible = cpl <= dpl && rpl <= dpl;
				rig_protected(r, cpl);
				descriptor(0xff, (uint8_t)(0x92 | dpl << 5), 0);
				assert_int_equal(lar((uint16_t)(SEL | rpl)), visible);
				assert_int_equal(lsl((uint16_t)(SEL | rpl)), visible);
				descriptor(0xff, (uint8_t)(0x82 | dpl << 5), 0);
				assert_int_equal(lar((uint16_t)(SEL | rpl)), visible);
				descriptor(0xff, (uint8_t)(0x9c | dpl << 5), 0);
				assert_true(lar((uint16_t)(SEL | rpl)));
			}
}

static void lar_is_undefined_in_real_and_virtual_8086_mode(void **state)
{
	rig_real(r, RIG_CODE >> 4, 0);
	STEP(0x0f, 0x02, 0xc1);
	assert_int_equal(rig_last(r, 0)->vector, VEC_UD);
	bed_vm86(3);
	STEP(0x0f, 0x03, 0xc1);
	assert_int_equal(rig_last(r, 0)->vector, VEC_UD);
}

/* ---- VERR, VERW ---- */
static bool verify(uint16_t sel, bool write)
{
	set_reg(RCX, sel);
	STEP(0x0f, 0x00, write ? 0xe9 : 0xe1);
	DONE();
	return flags() & FLAG_ZF;
}

static void verr_and_verw_go_by_type(void **state)
{
	for (unsigned type = 0; type < 16; type++) {
		bool code = type & 8, rw = type & 2;
		descriptor(0xff, (uint8_t)(0x90 | type), 0);
		assert_int_equal(verify(SEL, false), !code || rw);
		assert_int_equal(verify(SEL, true), !code && rw);
		descriptor(0xff, (uint8_t)(0x80 | type), 0);
		assert_false(verify(SEL, false));
		assert_false(verify(SEL, true));
	}
	assert_false(verify(0, false));
	assert_false(verify(0x1000, true));
}

static void verr_needs_dpl_unless_conforming(void **state)
{
	descriptor(0xff, 0xb2, 0);
	assert_true(verify(SEL | 1, false));
	assert_false(verify(SEL | 2, false));
	assert_false(verify(SEL | 2, true));
	descriptor(0xff, 0x9e, 0);
	assert_true(verify(SEL | 3, false));
}

/* ---- ARPL ---- */
static void arpl_raises_the_rpl(void **state)
{
	set_reg(RAX, 0xffff1231);
	set_reg(RCX, 0x0003);
	STEP(0x63, 0xc8);
	assert_int_equal(reg(RAX), 0xffff1233);
	assert_true(flags() & FLAG_ZF);
	set_reg(RCX, 0x0002);
	STEP(0x63, 0xc8);
	assert_int_equal(reg(RAX), 0xffff1233);
	assert_false(flags() & FLAG_ZF);
}

static void arpl_on_memory_needs_a_writable_segment(void **state)
{
	rig_write32(r, DATA, 0xaaaa1230);
	set_reg(RCX, 1);
	STEP(0x63, 0x0d, 0x00, 0x50, 0x00, 0x00);
	assert_int_equal(rig_read32(r, DATA), 0xaaaa1231);
	set_reg(RCX, 0); /* nothing to raise: checked all the same */
	STEP(0x2e, 0x63, 0x0d, 0x00, 0x50, 0x00, 0x00);
	assert_int_equal(rig_last(r, 0)->vector, VEC_GP);
}

/* ---- LGDT, SGDT ... ---- */
static void lgdt_of_16_bits_takes_24_bits_of_base(void **state)
{
	rig_write16(r, DATA, 0x1234);
	rig_write32(r, DATA + 2, 0x89abcdef);
	STEP(0x66, 0x0f, 0x01, 0x15, 0x00, 0x50, 0x00, 0x00);
	DONE();
	assert_int_equal(s()->gdtr.base, 0x00abcdef);
	assert_int_equal(s()->gdtr.limit, 0x1234);
	STEP(0x0f, 0x01, 0x1d, 0x00, 0x50, 0x00, 0x00);
	DONE();
	assert_int_equal(s()->idtr.base, 0x89abcdef);
	assert_int_equal(s()->idtr.limit, 0x1234);
}

static void sgdt_stores_six_bytes_with_both_sizes(void **state)
{
	for (int wide = 0; wide < 2; wide++) {
		rig_protected(r, 0);
		s()->gdtr = (struct table_register){0x89abcdef, 0x1234};
		rig_write32(r, DATA + 4, 0xffffffff);
		if (wide)
			STEP(0x0f, 0x01, 0x05, 0x00, 0x50, 0x00, 0x00);
		else
			STEP(0x66, 0x0f, 0x01, 0x05, 0x00, 0x50, 0x00, 0x00);
		assert_int_equal(rig_read32(r, DATA), 0xcdef1234);
		assert_int_equal(rig_read32(r, DATA + 4), 0xffff89ab);
	}
}

static void sidt_across_a_missing_page_stores_nothing(void **state)
{
	rig_paging(r);
	rig_write32(r, 0x81000 + 4 * 6, 0);
	rig_write32(r, 0x5ffc, 0xffffffff);
	STEP(0x0f, 0x01, 0x0d, 0xfc, 0x5f, 0x00, 0x00);
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 0)->cr2, 0x6000);
	assert_int_equal(rig_read32(r, 0x5ffc), 0xffffffff);
}

static void sgdt_wants_doubleword_alignment(void **state)
{
	rig_protected(r, 3);
	s()->cr0 |= CR0_AM;
	s()->rflags |= FLAG_AC;
	STEP(0x0f, 0x01, 0x05, 0x04, 0x50, 0x00, 0x00);
	DONE();
	STEP(0x0f, 0x01, 0x05, 0x02, 0x50, 0x00, 0x00);
	assert_int_equal(rig_last(r, 0)->vector, VEC_AC);
}

static void PRIVILEGED_for_each_instruction(void **state)
{
	static const struct {
		uint8_t code[8];
	} list[] = {
		{{0x0f, 0x01, 0x15, 0, 0x50}}, {{0x0f, 0x01, 0x1d, 0, 0x50}}, {{0x0f, 0x00, 0xd0}},
		{{0x0f, 0x00, 0xd8}},          {{0x0f, 0x00, 0x15, 0, 0x50}}, {{0x0f, 0x00, 0x1d, 0, 0x50}},
		{{0x0f, 0x01, 0xf0}},          {{0x0f, 0x01, 0x35, 0, 0x50}}, {{0x0f, 0x06}},
		{{0x0f, 0x20, 0xc0}},          {{0x0f, 0x22, 0xc0}},          {{0x0f, 0x21, 0xc0}},
		{{0x0f, 0x23, 0xc0}},          {{0x0f, 0x01, 0x3d, 0, 0x50}}, {{0x0f, 0x08}},
		{{0x0f, 0x09}},                {{0xf4}},                      {{0x0f, 0x30}},
		{{0x0f, 0x32}},                {{0x0f, 0x35}},
	};
	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		rig_protected(r, 3);
		bed_iopl(3);
		step_code(list[i].code, sizeof(list[i].code));
		FAULT(VEC_GP, 0, WHY_PRIVILEGED);
	}
	bed_vm86(3);
	STEP(0xf4);
	FAULT(VEC_GP, 0, WHY_PRIVILEGED);
}

static void UMIP_for_each_instruction(void **state)
{
	static const struct {
		uint8_t code[8];
	} list[] = {
		{{0x0f, 0x01, 0x05, 0, 0x50}}, {{0x0f, 0x01, 0x0d, 0, 0x50}}, {{0x0f, 0x00, 0xc0}},
		{{0x0f, 0x00, 0x05, 0, 0x50}}, {{0x0f, 0x00, 0xc8}},          {{0x0f, 0x00, 0x0d, 0, 0x50}},
		{{0x0f, 0x01, 0xe0}},          {{0x0f, 0x01, 0x25, 0, 0x50}}, {{0x66, 0x0f, 0x01, 0xe0}},
	};
	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		rig_protected(r, 3);
		step_code(list[i].code, sizeof(list[i].code));
		DONE();
		rig_protected(r, 3);
		s()->cr4 |= CR4_UMIP;
		step_code(list[i].code, sizeof(list[i].code));
		FAULT(VEC_GP, 0, WHY_UMIP);
		rig_protected(r, 0);
		s()->cr4 |= CR4_UMIP;
		step_code(list[i].code, sizeof(list[i].code));
		DONE();
	}
}

/* ---- LLDT, LTR, SLDT, STR, SMSW ---- */
static void lldt(uint16_t sel)
{
	set_reg(RAX, sel);
	STEP(0x0f, 0x00, 0xd0);
}

static void ltr(uint16_t sel)
{
	set_reg(RAX, sel);
	STEP(0x0f, 0x00, 0xd8);
}

static void lldt_null_makes_ldtr_unusable(void **state)
{
	lldt(3);
	DONE();
	assert_false(s()->seg[SEG_LDTR].usable);
	assert_int_equal(s()->seg[SEG_LDTR].sel, 3);
}

static void lldt_loads_the_descriptor(void **state)
{
	rig_write16(r, DATA, SEL);
	descriptor(0x7f, 0x82, 0);
	STEP(0x0f, 0x00, 0x15, 0x00, 0x50, 0x00, 0x00);
	DONE();
	assert_int_equal(s()->seg[SEG_LDTR].base, 0x1000);
	assert_int_equal(s()->seg[SEG_LDTR].limit, 0x7f);
}

static void LLDT_TABLE(void **state)
{
	lldt(0x1000);
	FAULT(VEC_GP, 0x1000, WHY_LLDT_TABLE);
	rig_protected(r, 0);
	lldt(0x0c | 3);
	FAULT(VEC_GP, 0x0c, WHY_LLDT_TABLE);
}

static void LLDT_TYPE(void **state)
{
	for (unsigned access = 0; access < 32; access++) {
		rig_protected(r, 0);
		descriptor(0x7f, (uint8_t)access, 0);
		lldt(SEL);
		if (access != SYS_LDT)
			FAULT(VEC_GP, SEL, WHY_LLDT_TYPE);
	}
}

static void LLDT_NOT_PRESENT(void **state)
{
	descriptor(0x7f, 0x02, 0);
	lldt(SEL);
	FAULT(VEC_NP, SEL, WHY_LLDT_NOT_PRESENT);
}

static void ltr_marks_the_tss_busy(void **state)
{
	for (unsigned type = 1; type < 16; type += 8) {
		rig_protected(r, 0);
		descriptor(0x67, (uint8_t)(0x80 | type), 0);
		ltr(SEL);
		DONE();
		assert_int_equal(rig_read8(r, RIG_GDT + SEL + 5), 0x82 | type);
		assert_int_equal(s()->seg[SEG_TR].type, 2 | type);
		assert_int_equal(s()->seg[SEG_TR].base, 0x1000);
	}
}

static void LTR_NULL(void **state)
{
	ltr(2);
	FAULT(VEC_GP, 0, WHY_LTR_NULL);
}

static void LTR_TABLE(void **state)
{
	ltr(0x1000);
	FAULT(VEC_GP, 0x1000, WHY_LTR_TABLE);
	rig_protected(r, 0);
	ltr(0x0c);
	FAULT(VEC_GP, 0x0c, WHY_LTR_TABLE);
}

static void LTR_TYPE_also_for_a_busy_tss(void **state)
{
	for (unsigned access = 0; access < 32; access++) {
		rig_protected(r, 0);
		descriptor(0x7f, (uint8_t)access, 0);
		ltr(SEL);
		if (access != SYS_TSS16_AVAIL && access != SYS_TSS32_AVAIL)
			FAULT(VEC_GP, SEL, WHY_LTR_TYPE);
	}
}

static void LTR_NOT_PRESENT(void **state)
{
	descriptor(0x67, 0x09, 0);
	ltr(SEL);
	FAULT(VEC_NP, SEL, WHY_LTR_NOT_PRESENT);
	assert_int_equal(rig_read8(r, RIG_GDT + SEL + 5), 0x09);
}

static void sldt_and_str_zero_extend_in_registers(void **state)
{
	set_reg(RAX, 0xffffffff);
	STEP(0x0f, 0x00, 0xc0);
	assert_int_equal(reg(RAX), RIG_LDTR);
	set_reg(RAX, 0xffffffff);
	STEP(0x66, 0x0f, 0x00, 0xc8);
	assert_int_equal(reg(RAX), 0xffff0000u | RIG_TR);
	rig_write32(r, DATA, 0xffffffff);
	STEP(0x0f, 0x00, 0x0d, 0x00, 0x50, 0x00, 0x00);
	assert_int_equal(rig_read32(r, DATA), 0xffff0000u | RIG_TR);
}

static void smsw_stores_cr0(void **state)
{
	s()->cr0 |= CR0_WP;
	STEP(0x0f, 0x01, 0xe0);
	assert_int_equal(reg(RAX), s()->cr0);
	rig_write32(r, DATA, 0xffffffff);
	STEP(0x0f, 0x01, 0x25, 0x00, 0x50, 0x00, 0x00);
	assert_int_equal(rig_read32(r, DATA), 0xffff0000u | (s()->cr0 & 0xffff));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(mov_to_ss_sets_the_shadow), T(mov_to_sreg_reads_16_bits_of_memory), T(mov_to_cs_is_undefined),
		T(mov_from_sreg_zero_extends_into_32_bits_only), T(mov_from_sreg_stores_16_bits),
		T(push_sreg_of_32_bits_writes_two_bytes), T(push_sreg_of_the_pentium_writes_four_bytes),
		T(push_sreg_that_faults_leaves_esp), T(pop_sreg_adds_the_operand_size),
		T(pop_sreg_reads_only_two_bytes), T(pop_sreg_that_faults_leaves_esp),
		T(pop_ss_counts_by_the_old_stack_size_and_sets_the_shadow), T(pop_ss_from_a_16_bit_stack_wraps_sp),
		T(les_loads_register_and_segment),
		T(lds_of_16_bits_keeps_the_upper_half), T(lfs_fault_leaves_the_register), T(lss_sets_no_shadow),
		T(lgs_does_not_wrap_at_64k), T(lar_and_lsl_accept_the_types_of_their_tables),
		T(lar_gives_the_access_rights), T(lsl_gives_the_limit_in_bytes),
		T(lar_without_access_clears_zf_only), T(lar_needs_dpl_unless_conforming),
		T(lar_is_undefined_in_real_and_virtual_8086_mode), T(verr_and_verw_go_by_type),
		T(verr_needs_dpl_unless_conforming), T(arpl_raises_the_rpl),
		T(arpl_on_memory_needs_a_writable_segment), T(lgdt_of_16_bits_takes_24_bits_of_base),
		T(sgdt_stores_six_bytes_with_both_sizes), T(sidt_across_a_missing_page_stores_nothing),
		T(sgdt_wants_doubleword_alignment), T(PRIVILEGED_for_each_instruction), T(UMIP_for_each_instruction),
		T(lldt_null_makes_ldtr_unusable), T(lldt_loads_the_descriptor), T(LLDT_TABLE), T(LLDT_TYPE),
		T(LLDT_NOT_PRESENT), T(ltr_marks_the_tss_busy), T(LTR_NULL), T(LTR_TABLE),
		T(LTR_TYPE_also_for_a_busy_tss), T(LTR_NOT_PRESENT), T(sldt_and_str_zero_extend_in_registers),
		T(smsw_stores_cr0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
