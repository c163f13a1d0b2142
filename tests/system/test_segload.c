/* Descriptors and loads of data segment registers: one test a rule of SDM 2A
 * "MOV", Operation. */
#include "system/bed.h"

#define SEL RIG_FREE

static void descriptor(uint8_t access) { rig_gdt(r, SEL, rig_descriptor(0x12345678, 0xfedcb, access, 0x4)); }

/* MOV sreg, AX */
static void load(enum seg seg, uint16_t sel)
{
	set_reg(RAX, sel);
	STEP(0x8e, (uint8_t)(0xc0 | seg << 3));
}

static void decodes_segment_fields(void **state)
{
	struct descriptor d;

	desc_decode(&d, rig_descriptor(0xfedcba98, 0x12345, 0xd2, 0x5), 0x1234);
	assert_int_equal(d.seg.base, 0xfedcba98);
	assert_int_equal(d.seg.limit, 0x12345);
	assert_int_equal(d.seg.type, 2);
	assert_int_equal(d.seg.dpl, 2);
	assert_true(d.seg.s && d.seg.present && d.seg.avl && d.seg.db && d.seg.usable);
	assert_false(d.seg.g || d.seg.l);
	assert_int_equal(d.seg.sel, 0x1234);
	desc_decode(&d, rig_descriptor(0, 0x12345, 0x92, 0x8), 0);
	assert_int_equal(d.seg.limit, 0x12345fff);
	assert_true(d.seg.g);
	assert_false(d.seg.db || d.seg.avl);
}

static void decodes_gates_and_cuts_16_bit_offsets(void **state)
{
	struct descriptor d;

	desc_decode(&d, UINT64_C(0x89abec1545670123), 0);
	assert_int_equal(gate_offset(&d), 0x89ab0123);
	assert_int_equal(gate_selector(&d), 0x4567);
	assert_int_equal(gate_param_count(&d), 0x15);
	desc_decode(&d, UINT64_C(0x89abe41545670123), 0);
	assert_int_equal(gate_offset(&d), 0x0123);
}

static void data_load_fills_the_hidden_part(void **state)
{
	descriptor(0x92);
	load(SEG_FS, SEL);
	DONE();
	assert_int_equal(s()->seg[SEG_FS].sel, SEL);
	assert_int_equal(s()->seg[SEG_FS].base, 0x12345678);
	assert_int_equal(s()->seg[SEG_FS].limit, 0xfedcb);
	assert_true(s()->seg[SEG_FS].type & TYPE_ACCESSED);
}

static void load_sets_the_accessed_bit_in_memory(void **state)
{
	descriptor(0x92);
	load(SEG_DS, SEL);
	DONE();
	assert_int_equal(rig_read8(r, RIG_GDT + SEL + 5), 0x93);
}

static void refused_load_leaves_the_accessed_bit_and_register(void **state)
{
	struct segment before = s()->seg[SEG_DS];

	descriptor(0x12);
	load(SEG_DS, SEL);
	assert_int_equal(rig_read8(r, RIG_GDT + SEL + 5), 0x12);
	assert_memory_equal(&s()->seg[SEG_DS], &before, sizeof(before));
}

static void accessed_bit_is_not_written_again(void **state)
{
	rig_paging(r);
	descriptor(0x93);
	rig_write32(r, 0x81000 + 4 * (RIG_GDT >> 12), RIG_GDT | 1); /* read-only; CR0.WP = 1 */
	load(SEG_DS, SEL);
	DONE();
	descriptor(0x92);
	load(SEG_ES, SEL);
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 0)->error, PF_P | PF_W);
	assert_int_equal(rig_last(r, 0)->cr2, RIG_GDT + SEL + 5);
}

static void descriptor_reads_are_supervisor_accesses(void **state)
{
	rig_protected(r, 3);
	rig_paging(r);
	descriptor(0xf3);
	rig_write32(r, 0x81000 + 4 * (RIG_GDT >> 12), RIG_GDT | 3); /* supervisor page */
	load(SEG_DS, SEL | 3);
	DONE();
	rig_write32(r, 0x81000 + 4 * (RIG_GDT >> 12), 0);
	rig_write32(r, 0x81000 + 4 * 0xff, RIG_GDT | 3);
	s()->gdtr.base = 0xff000; /* so that delivery finds its code segment */
	rig_write32(r, 0x81000 + 4 * 0xfe, 0);
	s()->seg[SEG_LDTR].base = 0xfe000;
	load(SEG_DS, 0x0f);
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 0)->error, 0); /* U/S = 0 at CPL 3 */
	assert_int_equal(rig_last(r, 0)->cr2, 0xfe008);
}

static void null_selector_makes_data_segments_unusable(void **state)
{
	for (uint16_t sel = 0; sel < 4; sel++) {
		rig_protected(r, 0);
		load(SEG_GS, sel);
		DONE();
		assert_int_equal(s()->seg[SEG_GS].sel, sel);
		assert_false(s()->seg[SEG_GS].usable);
	}
}

static void LOAD_SEG_TABLE_beyond_gdt(void **state)
{
	descriptor(0x92);
	s()->gdtr.limit = SEL + 7;
	load(SEG_DS, SEL);
	DONE();
	s()->gdtr.limit = SEL + 6;
	load(SEG_ES, SEL | 2);
	FAULT(VEC_GP, SEL, WHY_LOAD_SEG_TABLE);
}

static void LOAD_SEG_TABLE_beyond_ldt_and_without_ldt(void **state)
{
	load(SEG_DS, 0x804);
	FAULT(VEC_GP, 0x804, WHY_LOAD_SEG_TABLE);
	rig_protected(r, 0);
	s()->seg[SEG_LDTR] = null_segment(0);
	load(SEG_DS, 0x0c);
	FAULT(VEC_GP, 0x0c, WHY_LOAD_SEG_TABLE);
}

static void ldt_selector_reads_the_ldt(void **state)
{
	uint64_t raw = rig_descriptor(0x777000, 1, 0x93, 0);

	rig_write(r, RIG_LDT + 0x10, &raw, 8);
	load(SEG_DS, 0x14);
	DONE();
	assert_int_equal(s()->seg[SEG_DS].base, 0x777000);
}

static void LOAD_SEG_TYPE_for_system_and_execute_only(void **state)
{
	static const uint8_t bad[] = {0x82, 0x89, 0x8c, 0x8e, 0x80, 0x98, 0x99, 0x9c, 0x9d};

	for (unsigned i = 0; i < sizeof(bad); i++) {
		rig_protected(r, 0);
		descriptor(bad[i]);
		load(SEG_DS, SEL);
		FAULT(VEC_GP, SEL, WHY_LOAD_SEG_TYPE);
	}
	static const uint8_t good[] = {0x90, 0x92, 0x94, 0x96, 0x9a, 0x9e};
	for (unsigned i = 0; i < sizeof(good); i++) {
		rig_protected(r, 0);
		descriptor(good[i]);
		load(SEG_DS, SEL);
		DONE();
	}
}

/* DPL >= max(CPL, RPL), except for conforming code. */
static void LOAD_SEG_DPL_against_cpl_and_rpl(void **state)
{
	for (unsigned cpl = 0; cpl < 4; cpl += 3)
		for (unsigned rpl = 0; rpl < 4; rpl++)
			for (unsigned dpl = 0; dpl < 4; dpl++)
				for (unsigned conforming = 0; conforming < 2; conforming++) {
					rig_protected(r, cpl);
					descriptor((uint8_t)((conforming ? 0x9e : 0x92) | dpl << 5));
					load(SEG_DS, (uint16_t)(SEL | rpl));
					if (conforming || (cpl <= dpl && rpl <= dpl))
						DONE();
					else
						FAULT(VEC_GP, SEL, WHY_LOAD_SEG_DPL);
				}
}

static void LOAD_SEG_NOT_PRESENT_comes_after_the_rest(void **state)
{
	descriptor(0x12);
	load(SEG_DS, SEL);
	FAULT(VEC_NP, SEL, WHY_LOAD_SEG_NOT_PRESENT);
	rig_protected(r, 0);
	descriptor(0x12);
	load(SEG_DS, SEL | 1);
	FAULT(VEC_GP, SEL, WHY_LOAD_SEG_DPL);
	rig_protected(r, 0);
	descriptor(0x18);
	load(SEG_DS, SEL);
	FAULT(VEC_GP, SEL, WHY_LOAD_SEG_TYPE);
}

static void LOAD_SS_NULL(void **state)
{
	for (uint16_t sel = 0; sel < 4; sel++) {
		rig_protected(r, 0);
		load(SEG_SS, sel);
		FAULT(VEC_GP, 0, WHY_LOAD_SS_NULL);
	}
}

static void LOAD_SS_TABLE(void **state)
{
	load(SEG_SS, 0x1000);
	FAULT(VEC_GP, 0x1000, WHY_LOAD_SS_TABLE);
}

static void LOAD_SS_RPL_before_type(void **state)
{
	descriptor(0x98);
	load(SEG_SS, SEL | 1);
	FAULT(VEC_GP, SEL, WHY_LOAD_SS_RPL);
}

static void LOAD_SS_TYPE_before_dpl(void **state)
{
	static const uint8_t bad[] = {0xf0, 0xfa, 0xf8, 0xe2, 0xf4};

	for (unsigned i = 0; i < sizeof(bad); i++) {
		rig_protected(r, 0);
		descriptor(bad[i]);
		load(SEG_SS, SEL);
		FAULT(VEC_GP, SEL, WHY_LOAD_SS_TYPE);
	}
}

static void LOAD_SS_DPL_before_present(void **state)
{
	descriptor(0x72);
	load(SEG_SS, SEL);
	FAULT(VEC_GP, SEL, WHY_LOAD_SS_DPL);
}

static void LOAD_SS_NOT_PRESENT(void **state)
{
	descriptor(0x12);
	load(SEG_SS, SEL);
	FAULT(VEC_SS, SEL, WHY_LOAD_SS_NOT_PRESENT);
}

static void ss_b_chooses_the_stack_size(void **state)
{
	rig_gdt(r, SEL, rig_descriptor(0, 0xffff, 0x92, 0));
	load(SEG_SS, SEL);
	DONE();
	assert_int_equal(r->cpu.sp_mask, 0xffff);
	load(SEG_SS, RIG_DS0);
	DONE();
	assert_int_equal(r->cpu.sp_mask, 0xffffffff);
}

static void cs_d_and_base_choose_ip_mask_and_epoch(void **state)
{
	struct segment cs = s()->seg[SEG_CS];
	uint32_t epoch = r->cpu.epoch;

	set_segment(&r->cpu, SEG_CS, &cs);
	assert_int_equal(r->cpu.epoch, epoch);
	cs.base = 0x10;
	set_segment(&r->cpu, SEG_CS, &cs);
	assert_int_not_equal(r->cpu.epoch, epoch);
	cs.base = 0;
	cs.db = false;
	r->cpu.epoch = UINT32_MAX;
	set_segment(&r->cpu, SEG_CS, &cs);
	assert_int_equal(r->cpu.ip_mask, 0xffff);
	assert_int_equal(r->cpu.epoch, 1);
}

static void real_mode_load_keeps_the_limit(void **state)
{
	rig_real(r, RIG_CODE >> 4, 0);
	s()->seg[SEG_DS].limit = 0xffffffff;
	load(SEG_DS, 0xf123);
	DONE();
	assert_int_equal(s()->seg[SEG_DS].base, 0xf1230);
	assert_int_equal(s()->seg[SEG_DS].limit, 0xffffffff);
}

static void real_mode_load_revives_a_null_segment(void **state)
{
	load(SEG_DS, 0);
	s()->cr0 &= ~(uint64_t)CR0_PE;
	load(SEG_DS, 0x40);
	DONE();
	assert_true(s()->seg[SEG_DS].usable);
	assert_int_equal(s()->seg[SEG_DS].base, 0x400);
	assert_int_equal(s()->seg[SEG_DS].limit, 0xffff);
}

static void real_mode_ss_takes_any_selector(void **state)
{
	rig_real(r, RIG_CODE >> 4, 0);
	load(SEG_SS, 0);
	DONE();
	assert_true(s()->seg[SEG_SS].usable);
}

static void vm86_load_gives_64k_at_dpl_3(void **state)
{
	bed_vm86(0);
	load(SEG_DS, 0x1234);
	DONE();
	struct segment want = vm86_segment(0x1234);
	assert_memory_equal(&s()->seg[SEG_DS], &want, sizeof(want));
	assert_int_equal(want.base, 0x12340);
	assert_int_equal(want.limit, 0xffff);
	assert_int_equal(want.dpl, 3);
	load(SEG_SS, 0);
	DONE();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(decodes_segment_fields), T(decodes_gates_and_cuts_16_bit_offsets),
		T(data_load_fills_the_hidden_part), T(load_sets_the_accessed_bit_in_memory),
		T(refused_load_leaves_the_accessed_bit_and_register), T(accessed_bit_is_not_written_again),
		T(descriptor_reads_are_supervisor_accesses), T(null_selector_makes_data_segments_unusable),
		T(LOAD_SEG_TABLE_beyond_gdt), T(LOAD_SEG_TABLE_beyond_ldt_and_without_ldt),
		T(ldt_selector_reads_the_ldt), T(LOAD_SEG_TYPE_for_system_and_execute_only),
		T(LOAD_SEG_DPL_against_cpl_and_rpl), T(LOAD_SEG_NOT_PRESENT_comes_after_the_rest), T(LOAD_SS_NULL),
		T(LOAD_SS_TABLE), T(LOAD_SS_RPL_before_type), T(LOAD_SS_TYPE_before_dpl),
		T(LOAD_SS_DPL_before_present), T(LOAD_SS_NOT_PRESENT), T(ss_b_chooses_the_stack_size),
		T(cs_d_and_base_choose_ip_mask_and_epoch), T(real_mode_load_keeps_the_limit),
		T(real_mode_load_revives_a_null_segment), T(real_mode_ss_takes_any_selector),
		T(vm86_load_gives_64k_at_dpl_3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
