/* IRET: every check of SDM 2A "IRET/IRETD" in its order, and what it restores at each
 * level and width. */
#include "deliver/bed.h"

static void iret(unsigned bytes)
{
	bool prefix = (bytes == 2) == s()->seg[SEG_CS].db;

	if (prefix)
		INSN(0x66, 0xcf);
	else
		INSN(0xcf);
	cpu_step(&r->cpu);
}

/* An IRET that must not have happened: the exception found everything as it was. */
static void iret_faults(enum vector vector, uint32_t error, enum why why)
{
	uint32_t esp = reg(RSP), before = flags();
	uint16_t ss = s()->seg[SEG_SS].sel;

	iret(4);
	faulted(vector, error, why);
	assert_int_equal(last()->from.rsp, esp);
	assert_int_equal(last()->from.ss, ss);
	assert_int_equal(last()->from.rflags, before);
}

/* ---- the code segment ---- */
static void to_code(unsigned cpl, unsigned sel, uint32_t ip)
{
	at_cpl(cpl);
	PUT32(ip, sel, FLAG_ONE, RIG_STACK3, RIG_DS3);
}

/* RETURN_CS_NULL: #GP(0) */
static void return_cs_null(void **state)
{
	for (unsigned rpl = 0; rpl < 4; rpl++) {
		to_code(0, rpl, RIG_CODE);
		iret_faults(VEC_GP, 0, WHY_RETURN_CS_NULL);
	}
}

/* RETURN_CS_BEYOND_TABLE: #GP(selector) */
static void return_cs_beyond_its_table(void **state)
{
	to_code(0, NOWHERE | 3, RIG_CODE);
	iret_faults(VEC_GP, NOWHERE, WHY_RETURN_CS_BEYOND_TABLE);
	to_code(0, 0x1804, RIG_CODE);
	iret_faults(VEC_GP, 0x1804, WHY_RETURN_CS_BEYOND_TABLE);
}

/* RETURN_CS_TYPE: #GP(selector) */
static void return_cs_type(void **state)
{
	for (unsigned type = 0; type < 0x20; type++) {
		to_code(0, CODE, RIG_CODE + 8);
		descriptor(CODE, 0, FLAT, 0x80 | type, F_32);
		if (type < 0x18) {
			iret_faults(VEC_GP, CODE, WHY_RETURN_CS_TYPE);
			continue;
		}
		iret(4);
		assert_int_equal(s()->rip, RIG_CODE + 8);
	}
}

/* RETURN_CS_RPL: #GP(selector) */
static void return_cs_rpl_below_cpl(void **state)
{
	to_code(3, RIG_CS0, RIG_CODE);
	iret_faults(VEC_GP, RIG_CS0, WHY_RETURN_CS_RPL);
	to_code(1, RIG_CS0, RIG_CODE);
	iret_faults(VEC_GP, RIG_CS0, WHY_RETURN_CS_RPL);
}

/* RETURN_CS_CONFORMING_DPL: #GP(selector) */
static void return_cs_conforming_dpl_above_rpl(void **state)
{
	for (unsigned dpl = 0; dpl < 4; dpl++) {
		for (unsigned rpl = 0; rpl < 4; rpl++) {
			to_code(0, CODE | rpl, RIG_CODE + 8);
			descriptor(CODE, 0, FLAT, A_CONF(dpl), F_32);
			descriptor(DATA, 0, FLAT, A_DATA(rpl), F_32);
			rig_write32(r, RIG_STACK0 + 16, DATA | rpl);
			if (dpl > rpl) {
				iret_faults(VEC_GP, CODE, WHY_RETURN_CS_CONFORMING_DPL);
				continue;
			}
			iret(4);
			assert_int_equal(s()->rip, RIG_CODE + 8);
			assert_int_equal(s()->cpl, rpl);
		}
	}
}

/* RETURN_CS_DPL: #GP(selector) */
static void return_cs_dpl_is_rpl(void **state)
{
	for (unsigned dpl = 0; dpl < 4; dpl++) {
		for (unsigned rpl = 0; rpl < 4; rpl++) {
			to_code(0, CODE | rpl, RIG_CODE + 8);
			descriptor(CODE, 0, FLAT, A_CODE(dpl), F_32);
			descriptor(DATA, 0, FLAT, A_DATA(rpl), F_32);
			rig_write32(r, RIG_STACK0 + 16, DATA | rpl);
			if (dpl != rpl) {
				iret_faults(VEC_GP, CODE, WHY_RETURN_CS_DPL);
				continue;
			}
			iret(4);
			assert_int_equal(s()->rip, RIG_CODE + 8);
			assert_int_equal(s()->cpl, rpl);
		}
	}
}

/* RETURN_CS_NOT_PRESENT: #NP(selector) */
static void return_cs_not_present(void **state)
{
	to_code(0, CODE | 3, RIG_CODE);
	descriptor(CODE, 0, FLAT, ABSENT(A_CODE(3)), F_32);
	iret_faults(VEC_NP, CODE, WHY_RETURN_CS_NOT_PRESENT);
}

/* ---- the stack segment ---- */
static void to_stack(unsigned sel)
{
	at_cpl(0);
	PUT32(RIG_CODE + 8, RIG_CS3, FLAG_ONE, 0x5000, sel);
}

/* RETURN_SS_NULL: #GP(0) */
static void return_ss_null(void **state)
{
	for (unsigned rpl = 0; rpl < 4; rpl++) {
		to_stack(rpl);
		iret_faults(VEC_GP, 0, WHY_RETURN_SS_NULL);
	}
}

/* RETURN_SS_BEYOND_TABLE: #GP(selector) */
static void return_ss_beyond_its_table(void **state)
{
	to_stack(NOWHERE | 3);
	iret_faults(VEC_GP, NOWHERE, WHY_RETURN_SS_BEYOND_TABLE);
}

/* RETURN_SS_RPL, RETURN_SS_DPL: #GP(selector) */
static void return_ss_level(void **state)
{
	for (unsigned dpl = 0; dpl < 4; dpl++) {
		for (unsigned rpl = 0; rpl < 4; rpl++) {
			to_stack(DATA | rpl);
			descriptor(DATA, 0, FLAT, A_DATA(dpl), F_32);
			if (rpl != 3) {
				iret_faults(VEC_GP, DATA, WHY_RETURN_SS_RPL);
			} else if (dpl != 3) {
				iret_faults(VEC_GP, DATA, WHY_RETURN_SS_DPL);
			} else {
				iret(4);
				assert_int_equal(s()->cpl, 3);
				assert_int_equal(reg(RSP), 0x5000);
			}
		}
	}
}

/* RETURN_SS_TYPE: #GP(selector) */
static void return_ss_type(void **state)
{
	for (unsigned type = 0; type < 0x20; type++) {
		to_stack(DATA | 3);
		descriptor(DATA, 0, FLAT, 0xe0 | type, F_32);
		if ((type & 0x1a) != 0x12) {
			iret_faults(VEC_GP, DATA, WHY_RETURN_SS_TYPE);
			continue;
		}
		iret(4);
		assert_int_equal(s()->cpl, 3);
	}
}

/* RETURN_SS_NOT_PRESENT: #SS(selector) */
static void return_ss_not_present(void **state)
{
	to_stack(DATA | 3);
	descriptor(DATA, 0, FLAT, ABSENT(A_DATA(3)), F_32);
	iret_faults(VEC_SS, DATA, WHY_RETURN_SS_NOT_PRESENT);
}

/* ---- IRET_EIP_LIMIT: #GP(0) ---- */
static void eip_beyond_the_code_segment(void **state)
{
	for (unsigned outer = 0; outer < 2; outer++) {
		for (unsigned beyond = 0; beyond < 2; beyond++) {
			to_code(0, CODE | (outer ? 3 : 0), 0x8000 + beyond);
			descriptor(CODE, 0, 0x8000, A_CODE(outer ? 3 : 0), F_32_BYTE);
			if (beyond) {
				iret_faults(VEC_GP, 0, WHY_IRET_EIP_LIMIT);
				continue;
			}
			iret(4);
			assert_int_equal(s()->rip, 0x8000);
		}
	}
}

/* ---- order ---- */
static void code_checks_in_order(void **state)
{
	to_code(1, CODE, RIG_CODE); /* type, RPL, DPL, present all wrong */
	descriptor(CODE, 0, FLAT, ABSENT(A_DATA(3)), F_32);
	iret_faults(VEC_GP, CODE, WHY_RETURN_CS_TYPE);
	to_code(1, CODE, RIG_CODE);
	descriptor(CODE, 0, FLAT, ABSENT(A_CODE(3)), F_32);
	iret_faults(VEC_GP, CODE, WHY_RETURN_CS_RPL);
	to_code(1, CODE | 1, RIG_CODE);
	descriptor(CODE, 0, FLAT, ABSENT(A_CODE(3)), F_32);
	iret_faults(VEC_GP, CODE, WHY_RETURN_CS_DPL);
	to_code(1, CODE | 1, RIG_CODE);
	descriptor(CODE, 0, FLAT, ABSENT(A_CONF(3)), F_32);
	iret_faults(VEC_GP, CODE, WHY_RETURN_CS_CONFORMING_DPL);
	to_code(0, CODE | 3, 0x8001); /* present before the stack's words, its selector and EIP */
	descriptor(CODE, 0, 0x8000, ABSENT(A_CODE(3)), F_32_BYTE);
	rig_write32(r, RIG_STACK0 + 16, 0);
	iret_faults(VEC_NP, CODE, WHY_RETURN_CS_NOT_PRESENT);
}

static void stack_checks_in_order(void **state)
{
	to_stack(DATA | 2);
	descriptor(DATA, 0, FLAT, ABSENT(A_CODE(0)), F_32);
	iret_faults(VEC_GP, DATA, WHY_RETURN_SS_RPL);
	to_stack(DATA | 3);
	descriptor(DATA, 0, FLAT, ABSENT(A_CODE(0)), F_32);
	iret_faults(VEC_GP, DATA, WHY_RETURN_SS_TYPE);
	to_stack(DATA | 3);
	descriptor(DATA, 0, FLAT, ABSENT(A_DATA(0)), F_32);
	iret_faults(VEC_GP, DATA, WHY_RETURN_SS_DPL);
}

static void stack_before_eip_limit(void **state)
{
	to_code(0, CODE | 3, 0x8001);
	descriptor(CODE, 0, 0x8000, A_CODE(3), F_32_BYTE);
	descriptor(DATA, 0, FLAT, ABSENT(A_DATA(3)), F_32);
	rig_write32(r, RIG_STACK0 + 16, DATA | 3);
	iret_faults(VEC_SS, DATA, WHY_RETURN_SS_NOT_PRESENT);
}

/* ---- reading the frame ---- */
/* Five words to an outer level, three to the same: #SS(0) where the stack ends. */
static void frame_beyond_the_stack_limit(void **state)
{
	for (unsigned outer = 0; outer < 2; outer++) {
		for (unsigned short_by = 0; short_by < 2; short_by++) {
			at_cpl(0);
			descriptor(DATA, 0, 0x61000 + (outer ? 19 : 11) - short_by, A_DATA(0), F_32_BYTE);
			load(SEG_SS, DATA);
			set_reg(RSP, 0x61000);
			PUT32(RIG_CODE + 8, outer ? RIG_CS3 : RIG_CS0, FLAG_ONE, RIG_STACK3, RIG_DS3);
			if (short_by) {
				iret_faults(VEC_SS, 0, WHY_IRET_STACK_LIMIT);
				continue;
			}
			iret(4);
			assert_int_equal(s()->rip, RIG_CODE + 8);
		}
	}
}

/* ... before any word is read: a page that is not there comes second. */
static void stack_limit_before_page_fault_of_the_frame(void **state)
{
	for (unsigned outer = 0; outer < 2; outer++) {
		at_cpl(0);
		rig_paging(r);
		descriptor(DATA, 0, 0x61000 + (outer ? 3 : 7), A_DATA(0), F_32_BYTE);
		load(SEG_SS, DATA);
		set_reg(RSP, outer ? 0x61000 - 12 : 0x61000);
		PUT32(RIG_CODE + 8, outer ? RIG_CS3 : RIG_CS0, FLAG_ONE, RIG_STACK3, RIG_DS3);
		unmap(0x61000);
		iret_faults(VEC_SS, 0, WHY_IRET_STACK_LIMIT);
	}
}

static void code_checks_before_the_outer_stack_words(void **state)
{
	at_cpl(0);
	descriptor(DATA, 0, 0x61000 + 11, A_DATA(0), F_32_BYTE);
	descriptor(CODE, 0, FLAT, ABSENT(A_CODE(3)), F_32);
	load(SEG_SS, DATA);
	set_reg(RSP, 0x61000);
	PUT32(RIG_CODE + 8, CODE | 3, FLAG_ONE);
	iret_faults(VEC_NP, CODE, WHY_RETURN_CS_NOT_PRESENT);
}

static void page_fault_of_the_frame(void **state)
{
	for (unsigned absent = 0; absent < 5; absent++) {
		at_cpl(0);
		rig_paging(r);
		set_reg(RSP, 0x61000 - 4 * absent);
		if (absent)
			PUT32(RIG_CODE + 8, RIG_CS3, FLAG_ONE, RIG_STACK3, RIG_DS3);
		unmap(0x61000);
		iret_faults(VEC_PF, 0, WHY_PAGE_NOT_PRESENT);
		assert_int_equal(s()->cr2, 0x61000);
	}
}

static void stack_of_16_bits_wraps(void **state)
{
	at_cpl(0);
	descriptor(DATA, 0x60000, 0xffff, A_DATA(0), F_16);
	load(SEG_SS, DATA);
	set_reg(RSP, 0xabcdfff8);
	rig_write32(r, 0x6fff8, RIG_CODE + 8);
	rig_write32(r, 0x6fffc, RIG_CS0);
	rig_write32(r, 0x60000, FLAG_ONE | FLAG_CF);
	iret(4);
	assert_int_equal(s()->rip, RIG_CODE + 8);
	assert_int_equal(flags(), FLAG_ONE | FLAG_CF);
	assert_int_equal(reg(RSP), 0xabcd0004);
}

/* ---- what a return restores ---- */
static void registers_after_a_return(void **state)
{
	for (unsigned wide = 0; wide < 2; wide++) {
		at_cpl(0);
		descriptor(CODE, 0, FLAT, A_CODE(3) & ~1u, F_32);
		descriptor(DATA, 0, FLAT, A_DATA(3) & ~1u, F_32);
		if (wide)
			PUT32(0x12345678, 0xffff0000 | CODE | 3, FLAG_ONE, 0x55667788, 0xffff0000 | DATA | 3);
		else
			PUT16(0x5678, CODE | 3, FLAG_ONE, 0x7788, DATA | 3);
		iret(wide ? 4 : 2);
		assert_int_equal(s()->rip, wide ? 0x12345678 : 0x5678);
		assert_int_equal(reg(RSP), wide ? 0x55667788 : 0x7788);
		assert_int_equal(s()->cpl, 3);
		assert_int_equal(s()->seg[SEG_CS].sel, CODE | 3);
		assert_int_equal(s()->seg[SEG_SS].sel, DATA | 3);
		assert_int_equal(rig_read8(r, RIG_GDT + CODE + 5), A_CODE(3));
		assert_int_equal(rig_read8(r, RIG_GDT + DATA + 5), A_DATA(3));

		at_cpl(0); /* the same level: ESP behind three words */
		descriptor(CODE, 0, FLAT, A_CODE(0) & ~1u, F_32);
		if (wide)
			PUT32(0x5678, CODE, FLAG_ONE);
		else
			PUT16(0x5678, CODE, FLAG_ONE);
		iret(wide ? 4 : 2);
		assert_int_equal(s()->rip, 0x5678);
		assert_int_equal(reg(RSP), RIG_STACK0 + (wide ? 12 : 6));
		assert_int_equal(rig_read8(r, RIG_GDT + CODE + 5), A_CODE(0));
	}
}

/* SDM 2A: EFLAGS assignments of RETURN-TO-SAME- and -OUTER-PRIVILEGE-LEVEL. */
static uint32_t changeable(unsigned cpl, unsigned iopl_now, unsigned bytes)
{
	uint32_t mask = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_TF | FLAG_DF | FLAG_OF | FLAG_NT;

	if (bytes == 4)
		mask |= FLAG_RF | FLAG_AC | FLAG_ID;
	if (cpl <= iopl_now)
		mask |= FLAG_IF;
	if (cpl == 0)
		mask |= FLAG_IOPL;
	if (cpl == 0 && bytes == 4)
		mask |= FLAG_VIF | FLAG_VIP;
	return mask;
}

static void flags_by_level_iopl_and_width(void **state)
{
	static const unsigned levels[][2] = {{0, 0}, {0, 3}, {1, 1}, {1, 3}, {3, 3}};
	const uint32_t all = FLAGS_DEFINED & ~FLAG_VM;

	for (unsigned i = 0; i < 5 * 4 * 2 * 2; i++) {
		unsigned from = levels[i / 16][0], to = levels[i / 16][1], iopl_now = i / 4 % 4, bytes = i & 2 ? 4 : 2;
		uint32_t io = iopl_now << FLAG_IOPL_SHIFT;
		uint32_t before = i & 1 ? FLAG_ONE | io : (all & ~(FLAG_NT | FLAG_IOPL | FLAG_RF)) | FLAG_ONE | io;
		uint32_t image = i & 1 ? all | FLAG_ONE : 0;
		uint32_t cs = to == 0 ? RIG_CS0 : to == 1 ? CS1 : RIG_CS3;
		uint32_t mask = changeable(from, iopl_now, bytes);

		at_cpl(from);
		set_flags(before, FLAGS_DEFINED & ~before);
		if (bytes == 4)
			PUT32(RIG_CODE + 8, cs, image, RIG_STACK3, RIG_DS3);
		else
			PUT16((RIG_CODE + 8) & 0xffff, cs, image & 0xffff, 0x7000, RIG_DS3);
		iret(bytes);
		assert_int_equal(s()->cpl, to);
		assert_int_equal(flags(), (before & ~mask) | (image & mask) | FLAG_ONE);
	}
}

/* VM in the image counts at CPL 0 and with 32 bits only. */
static void vm_in_the_image_is_ignored_above_cpl_0(void **state)
{
	at_cpl(3);
	PUT32(RIG_CODE + 8, RIG_CS3, FLAG_ONE | FLAG_VM);
	iret(4);
	assert_int_equal(s()->rip, RIG_CODE + 8);
	assert_int_equal(flags(), FLAG_ONE);
	at_cpl(1);
	PUT32(RIG_CODE + 8, RIG_CS3, FLAG_ONE | FLAG_VM, RIG_STACK3, RIG_DS3);
	iret(4);
	assert_int_equal(flags(), FLAG_ONE);
	assert_int_equal(s()->seg[SEG_CS].sel, RIG_CS3);
}

/* A 16-bit SS takes SP alone: the upper half of ESP stays the inner one's. */
static void upper_half_of_esp_leaks_to_a_16_bit_stack(void **state)
{
	at_cpl(0);
	descriptor(DATA, 0x60000, 0xffff, A_DATA(3), F_16);
	set_reg(RSP, 0x210000);
	PUT32(RIG_CODE + 8, RIG_CS3, FLAG_ONE, 0xaaaabbbb, DATA | 3);
	iret(4);
	assert_int_equal(s()->cpl, 3);
	assert_int_equal(reg(RSP), 0x21bbbb);
}

static void inner_data_segments_become_null(void **state)
{
	at_cpl(0);
	descriptor(CODE, 0, FLAT, A_CODE(0), F_32);
	load(SEG_DS, RIG_DS0);
	load(SEG_ES, CONF);    /* conforming code stays */
	load(SEG_FS, RIG_DS3); /* the outer level's own stays */
	load(SEG_GS, CODE);    /* non-conforming code goes */
	PUT32(RIG_CODE + 8, RIG_CS3, FLAG_ONE, RIG_STACK3, RIG_DS3);
	iret(4);
	assert_int_equal(s()->seg[SEG_DS].sel, 0);
	assert_false(s()->seg[SEG_DS].usable);
	assert_int_equal(s()->seg[SEG_ES].sel, CONF);
	assert_true(s()->seg[SEG_ES].usable);
	assert_int_equal(s()->seg[SEG_FS].sel, RIG_DS3);
	assert_true(s()->seg[SEG_FS].usable);
	assert_int_equal(s()->seg[SEG_GS].sel, 0);
	assert_false(s()->seg[SEG_GS].usable);

	at_cpl(0); /* to level 1: data of level 1 stays, a null selector loses its RPL */
	load(SEG_DS, DS1);
	load(SEG_FS, RIG_DS3);
	s()->seg[SEG_ES] = null_segment(3);
	PUT32(RIG_CODE + 8, CS1, FLAG_ONE, STACK1, DS1);
	iret(4);
	assert_int_equal(s()->cpl, 1);
	assert_int_equal(s()->seg[SEG_DS].sel, DS1);
	assert_int_equal(s()->seg[SEG_FS].sel, RIG_DS3);
	assert_true(s()->seg[SEG_DS].usable);
	assert_int_equal(s()->seg[SEG_ES].sel, 0);

	at_cpl(0); /* the same level: nothing goes */
	s()->seg[SEG_ES] = null_segment(3);
	PUT32(RIG_CODE + 8, RIG_CS0, FLAG_ONE);
	iret(4);
	assert_int_equal(s()->seg[SEG_DS].sel, RIG_DS0);
	assert_int_equal(s()->seg[SEG_ES].sel, 3);
}

/* ---- nested tasks ---- */
#define OTHER_TSS 0x4000u
#define OTHER     0x60u
static void nested(unsigned type)
{
	static const uint16_t seg[6] = {RIG_DS0, RIG_CS0, RIG_DS0, RIG_DS0, RIG_DS0, RIG_DS0};

	at_cpl(0);
	descriptor(OTHER, OTHER_TSS, 0x67, 0x80 | type, 0);
	rig_write32(r, OTHER_TSS + 0x20, RIG_CODE + 0x100);
	rig_write32(r, OTHER_TSS + 0x24, FLAG_ONE | FLAG_ZF);
	rig_write32(r, OTHER_TSS + 0x38, STACK1);
	for (unsigned i = 0; i < 6; i++)
		rig_write32(r, OTHER_TSS + 0x48 + 4 * i, seg[i]);
	rig_write16(r, RIG_TSS, OTHER);
	set_flags(FLAG_NT, 0);
	PUT32(RIG_CODE + 8, RIG_CS0, FLAG_ONE);
}

static void nt_returns_to_the_linked_task(void **state)
{
	nested(SYS_TSS32_BUSY);
	iret(4);
	assert_int_equal(r->trace.deliveries, deliveries_before);
	assert_int_equal(s()->rip, RIG_CODE + 0x100);
	assert_int_equal(reg(RSP), STACK1);
	assert_int_equal(s()->seg[SEG_TR].sel, OTHER);
	assert_int_equal(flags(), FLAG_ONE | FLAG_ZF);
	assert_int_equal(rig_read8(r, RIG_GDT + RIG_TR + 5), 0x89); /* the task left is no longer busy */
	assert_int_equal(rig_read32(r, RIG_TSS + 0x24) & FLAG_NT, 0);
	assert_int_equal(rig_read32(r, RIG_TSS + 0x20), RIG_CODE + 1);
}

static void nt_with_a_task_that_is_not_busy(void **state)
{
	nested(SYS_TSS32_AVAIL);
	iret_faults(VEC_TS, OTHER, WHY_TASK_TSS_NOT_BUSY);
	assert_int_equal(word(3), FLAG_ONE | FLAG_NT | FLAG_RF);
}

static void nt_link_in_a_page_that_is_not_there(void **state)
{
	nested(SYS_TSS32_BUSY);
	rig_paging(r);
	s()->seg[SEG_TR].base = 0x60000;
	unmap(0x60000);
	iret_faults(VEC_PF, 0, WHY_PAGE_NOT_PRESENT);
	assert_int_equal(s()->cr2, 0x60000);
}

/* A fault behind the commit point is the new task's. */
static void nt_fault_of_the_new_task(void **state)
{
	nested(SYS_TSS32_BUSY);
	rig_write16(r, OTHER_TSS + 0x54, CODE); /* DS: an empty descriptor */
	iret(4);
	assert_why(last()->why, WHY_TASK_DATA_TYPE);
	assert_int_equal(last()->vector, VEC_TS);
	assert_int_equal(last()->from.rip, RIG_CODE + 0x100);
	assert_int_equal(s()->seg[SEG_TR].sel, OTHER);

	at_cpl(0); /* in the middle of a block too */
	nested(SYS_TSS32_BUSY);
	rig_write16(r, OTHER_TSS + 0x54, CODE);
	INSN(NOP, NOP, 0xcf);
	uint64_t before = r->cpu.icount;
	rig_run(r, 4);
	assert_why(last()->why, WHY_TASK_DATA_TYPE);
	assert_int_equal(last()->from.rip, RIG_CODE + 0x100);
	assert_int_equal(last()->when - before, 4);
}

/* ---- NMI ---- */
static void iret_unblocks_nmi_even_if_it_faults(void **state)
{
	for (unsigned fault = 0; fault < 2; fault++) {
		at_cpl(0);
		s()->nmi_blocked = true;
		cpu_pulse_nmi(&r->cpu, 0);
		PUT32(RIG_CODE + 8, fault ? 0 : RIG_CS0, FLAG_ONE);
		iret(4);
		assert_false(s()->nmi_blocked);
		uint64_t rip = s()->rip;
		cpu_step(&r->cpu);
		assert_int_equal(last()->kind, EV_NMI);
		assert_int_equal(last()->from.rip, rip);
		if (fault)
			assert_int_equal(rig_last(r, 1)->vector, VEC_GP);
	}
}

/* ---- real mode ---- */
static void real(unsigned bytes, uint32_t ip, uint32_t image)
{
	at_real();
	set_flags(FLAG_NT | FLAG_VIF | FLAG_VIP, 0); /* NT means nothing here */
	if (bytes == 4)
		PUT32(ip, 0xffff1234, image);
	else
		PUT16(ip, 0x1234, image & 0xffff);
	iret(bytes);
}

/* EFLAGS := (temp AND 257FD5H) OR (EFLAGS AND 1A0000H); 16 bits: the lower half whole. */
static void real_mode_restores_all_but_vm_vif_vip(void **state)
{
	const uint32_t all = FLAGS_DEFINED | FLAG_ONE;

	real(4, 0x5678, all);
	assert_int_equal(s()->rip, 0x5678);
	assert_int_equal(s()->seg[SEG_CS].sel, 0x1234);
	assert_int_equal(s()->seg[SEG_CS].base, 0x12340);
	assert_int_equal(reg(RSP), 0x700c);
	assert_int_equal(flags(), all & ~FLAG_VM);
	real(4, 0x5678, 0);
	assert_int_equal(flags(), FLAG_ONE | FLAG_VIF | FLAG_VIP);
	real(2, 0x5678, all);
	assert_int_equal(flags(), (all & 0xffff) | FLAG_VIF | FLAG_VIP);
	assert_int_equal(reg(RSP), 0x7006);
	real(2, 0x5678, 0);
	assert_int_equal(flags(), FLAG_ONE | FLAG_VIF | FLAG_VIP);
}

static void real_mode_eip_limit(void **state)
{
	real(4, 0x10000, FLAG_ONE);
	assert_why(last()->why, WHY_IRET_EIP_LIMIT);
	assert_int_equal(last()->vector, VEC_GP);
	assert_int_equal(last()->from.rsp, 0x7000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(return_cs_null), T(return_cs_beyond_its_table), T(return_cs_type), T(return_cs_rpl_below_cpl),
		T(return_cs_conforming_dpl_above_rpl), T(return_cs_dpl_is_rpl), T(return_cs_not_present),
		T(return_ss_null), T(return_ss_beyond_its_table), T(return_ss_level), T(return_ss_type),
		T(return_ss_not_present), T(eip_beyond_the_code_segment), T(code_checks_in_order),
		T(stack_checks_in_order), T(stack_before_eip_limit), T(frame_beyond_the_stack_limit),
		T(stack_limit_before_page_fault_of_the_frame), T(code_checks_before_the_outer_stack_words),
		T(page_fault_of_the_frame), T(stack_of_16_bits_wraps), T(registers_after_a_return),
		T(flags_by_level_iopl_and_width), T(vm_in_the_image_is_ignored_above_cpl_0),
		T(upper_half_of_esp_leaks_to_a_16_bit_stack), T(inner_data_segments_become_null),
		T(nt_returns_to_the_linked_task), T(nt_with_a_task_that_is_not_busy),
		T(nt_link_in_a_page_that_is_not_there), T(nt_fault_of_the_new_task),
		T(iret_unblocks_nmi_even_if_it_faults), T(real_mode_restores_all_but_vm_vif_vip),
		T(real_mode_eip_limit),
	};

	return cmocka_run_group_tests_name("IRET", tests, NULL, NULL);
}
