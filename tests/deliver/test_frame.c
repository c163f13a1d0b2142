/* The stack a frame goes to, the room it needs, and pushing it: SDM 2A "INT n",
 * INTER- and INTRA-PRIVILEGE-LEVEL-INTERRUPT.  The handler under test has DPL 1 where
 * its stack is to be found wanting, so that the exception that follows has a good one. */
#include "deliver/bed.h"

#define EACH_WAY(way) for (enum way way = INT_N; way < WAYS; way++)

static void gate(enum way way, unsigned sel, uint32_t offset, unsigned access)
{
	rig_gate(r, ways[way].vector, (uint16_t)sel, offset, (uint8_t)access);
}

/* From CPL 3 to the handler of DPL 1, whose stack selector is sel. */
static void to_ring1(enum way way, unsigned sel)
{
	at_cpl(3);
	gate(way, CS1, RIG_HANDLER(7), G_INT32(3));
	rig_write16(r, RIG_TSS + 16, (uint16_t)sel);
}

/* ---- the inner stack ---- */
static void stack_of_each_level_comes_from_the_tss(void **state)
{
	EACH_WAY(way) {
		for (unsigned level = 0; level < 3; level++) {
			at_cpl(3);
			descriptor(CODE, 0, FLAT, A_CODE(level), F_32);
			descriptor(DATA, 0, FLAT, A_DATA(level), F_32);
			rig_write32(r, RIG_TSS + 4 + 8 * level, 0x26000 + level);
			rig_write16(r, RIG_TSS + 8 + 8 * level, (uint16_t)(DATA | level));
			gate(way, CODE, RIG_HANDLER(7), G_INT32(3));
			happen(way);
			delivered(ways[way].vector);
			assert_int_equal(s()->seg[SEG_SS].sel, DATA | level);
			assert_int_equal(reg(RSP), 0x26000 + level - 20);
			assert_int_equal(s()->cpl, level);
			assert_int_equal(last()->stack_source, STACK_TSS32);
			assert_int_equal(word(3), RIG_STACK3);
			assert_int_equal(word(4), RIG_DS3);
		}
	}
}

static void tss_of_16_bits_holds_sp_and_ss_side_by_side(void **state)
{
	for (unsigned level = 0; level < 3; level++) {
		at_cpl(3);
		s()->seg[SEG_TR].type = SYS_TSS16_BUSY;
		descriptor(CODE, 0, FLAT, A_CODE(level), F_32);
		descriptor(DATA, 0, FLAT, A_DATA(level), F_32);
		rig_write16(r, RIG_TSS + 2 + 4 * level, 0x7000);
		rig_write16(r, RIG_TSS + 4 + 4 * level, (uint16_t)(DATA | level));
		gate(INT_N, CODE, RIG_HANDLER(7), G_INT32(3));
		happen(INT_N);
		delivered(V);
		assert_int_equal(s()->seg[SEG_SS].sel, DATA | level);
		assert_int_equal(reg(RSP), 0x7000 - 20);
		assert_int_equal(last()->stack_source, STACK_TSS16);
	}
}

/* TSS_STACK_LIMIT: #TS(TR + EXT) */
static void tss_too_short_for_the_stack(void **state)
{
	EACH_WAY(way) {
		for (unsigned wide = 0; wide < 2; wide++) {
			for (unsigned short_by = 0; short_by < 2; short_by++) {
				to_ring1(way, DS1);
				if (!wide) {
					rig_write16(r, RIG_TSS + 2, 0x7000);
					rig_write16(r, RIG_TSS + 4, RIG_DS0);
					rig_write16(r, RIG_TSS + 6, 0x7800);
					rig_write16(r, RIG_TSS + 8, DS1);
				}
				s()->seg[SEG_TR].type = wide ? SYS_TSS32_BUSY : SYS_TSS16_BUSY;
				s()->seg[SEG_TR].limit = (wide ? 1 * 8 + 4 + 5 : 1 * 4 + 2 + 3) - short_by;
				happen(way);
				if (!short_by)
					delivered(ways[way].vector);
				else
					refused(VEC_TS, RIG_TR | ways[way].ext, WHY_TSS_STACK_LIMIT, STEP_STACK_SELECT);
			}
		}
	}
}

/* INNER_SS_NULL: #TS(EXT) */
static void null_inner_stack(void **state)
{
	EACH_WAY(way) {
		for (unsigned rpl = 0; rpl < 4; rpl++) {
			to_ring1(way, rpl);
			happen(way);
			refused(VEC_TS, ways[way].ext, WHY_INNER_SS_NULL, STEP_STACK_SEGMENT);
		}
	}
}

/* INNER_SS_BEYOND_TABLE: #TS(SS + EXT) */
static void inner_stack_beyond_its_table(void **state)
{
	EACH_WAY(way) {
		to_ring1(way, NOWHERE | 1);
		happen(way);
		refused(VEC_TS, NOWHERE | ways[way].ext, WHY_INNER_SS_BEYOND_TABLE, STEP_STACK_SEGMENT);
		to_ring1(way, 0x17fd);
		happen(way);
		refused(VEC_TS, 0x17fc | ways[way].ext, WHY_INNER_SS_BEYOND_TABLE, STEP_STACK_SEGMENT);
	}
}

/* INNER_SS_RPL, INNER_SS_DPL: #TS(SS + EXT) */
static void inner_stack_has_exactly_the_new_level(void **state)
{
	EACH_WAY(way) {
		for (unsigned rpl = 0; rpl < 4; rpl++) {
			for (unsigned dpl = 0; dpl < 4; dpl++) {
				to_ring1(way, DATA | rpl);
				descriptor(DATA, 0, FLAT, A_DATA(dpl), F_32);
				happen(way);
				if (rpl != 1)
					refused(VEC_TS, DATA | ways[way].ext, WHY_INNER_SS_RPL, STEP_STACK_SEGMENT);
				else if (dpl != 1)
					refused(VEC_TS, DATA | ways[way].ext, WHY_INNER_SS_DPL, STEP_STACK_SEGMENT);
				else
					delivered(ways[way].vector);
			}
		}
	}
}

/* INNER_SS_TYPE: #TS(SS + EXT) */
static void inner_stack_is_writable_data(void **state)
{
	EACH_WAY(way) {
		for (unsigned type = 0; type < 0x20; type++) {
			bool down = (type & 0x1c) == 0x14;

			to_ring1(way, DATA | 1);
			descriptor(DATA, 0, down ? 0 : FLAT, 0xa0 | type, F_32);
			happen(way);
			if ((type & 0x1a) == 0x12)
				delivered(ways[way].vector);
			else
				refused(VEC_TS, DATA | ways[way].ext, WHY_INNER_SS_TYPE, STEP_STACK_SEGMENT);
		}
	}
}

/* INNER_SS_NOT_PRESENT: #SS(SS + EXT) */
static void absent_inner_stack(void **state)
{
	EACH_WAY(way) {
		to_ring1(way, DATA | 1);
		descriptor(DATA, 0, FLAT, ABSENT(A_DATA(1)), F_32);
		happen(way);
		refused(VEC_SS, DATA | ways[way].ext, WHY_INNER_SS_NOT_PRESENT, STEP_STACK_SEGMENT);
	}
}

static void entering_sets_the_accessed_bit_of_the_inner_stack(void **state)
{
	to_ring1(INT_N, DATA | 1);
	descriptor(DATA, 0, FLAT, A_DATA(1) & ~1u, F_32);
	happen(INT_N);
	delivered(V);
	assert_int_equal(rig_read8(r, RIG_GDT + DATA + 5), A_DATA(1));
	assert_true(s()->seg[SEG_SS].type & TYPE_ACCESSED);
}

/* ---- room ---- */
/* FRAME_NO_ROOM: #SS(SS + EXT) on an inner stack, words of a gate's width: SS, SP, FLAGS, CS, IP. */
static void room_on_an_inner_stack(void **state)
{
	EACH_WAY(way) {
		for (unsigned wide = 0; wide < 2; wide++) {
			for (unsigned short_by = 0; short_by < 2; short_by++) {
				to_ring1(way, DATA | 1);
				gate(way, CS1, 0x8000, wide ? G_INT32(3) : G_INT16(3));
				descriptor(DATA, 0x60000, 0xffff, A_DATA(1), F_32_BYTE);
				rig_write32(r, RIG_TSS + 12, (wide ? 20 : 10) - short_by);
				happen(way);
				if (!short_by)
					delivered(ways[way].vector);
				else
					refused(VEC_SS, DATA | ways[way].ext, WHY_FRAME_NO_ROOM, STEP_STACK_LIMIT);
			}
		}
	}
}

/* The same with an error code: one word more. */
static void room_for_the_error_code(void **state)
{
	for (unsigned wide = 0; wide < 2; wide++) {
		for (unsigned short_by = 0; short_by < 2; short_by++) {
			at_cpl(3);
			rig_gate(r, VEC_GP, CS1, 0x8000, wide ? G_INT32(0) : G_INT16(0));
			descriptor(DATA, 0x60000, 0xffff, A_DATA(1), F_32_BYTE);
			rig_write32(r, RIG_TSS + 12, (wide ? 24 : 12) - short_by);
			rig_write16(r, RIG_TSS + 16, DATA | 1);
			INSN(0xf4); /* HLT at CPL 3: #GP(0) */
			cpu_step(&r->cpu);
			if (!short_by) {
				delivered(VEC_GP);
				assert_int_equal(reg(RSP), 0);
				assert_int_equal(wide ? word(0) : half(0), 0);
				assert_int_equal(wide ? word(1) : half(1), wide ? RIG_CODE : RIG_CODE & 0xffff);
				continue;
			}
			assert_why(rig_last(r, 1)->refused.why, WHY_FRAME_NO_ROOM);
			assert_int_equal(rig_last(r, 1)->refused.error, DATA | 1);
			assert_int_equal(last()->vector, VEC_DF); /* #GP, then #SS */
		}
	}
}

/* On the present stack: #SS(EXT), FLAGS, CS, IP. */
static void room_on_the_same_stack(void **state)
{
	EACH_WAY(way) {
		for (unsigned wide = 0; wide < 2; wide++) {
			for (unsigned short_by = 0; short_by < 2; short_by++) {
				at_cpl(1);
				descriptor(DATA, 0x60000, 0xffff, A_DATA(1), F_32_BYTE);
				load(SEG_SS, DATA | 1);
				gate(way, CS1, 0x8000, wide ? G_INT32(3) : G_INT16(3));
				set_reg(RSP, (wide ? 12 : 6) - short_by);
				happen(way);
				if (!short_by)
					delivered(ways[way].vector);
				else
					refused(VEC_SS, ways[way].ext, WHY_FRAME_NO_ROOM, STEP_STACK_LIMIT);
			}
		}
	}
}

/* The top of the stack counts as much as the bottom of the frame. */
static void room_at_the_top_of_the_stack(void **state)
{
	for (unsigned short_by = 0; short_by < 2; short_by++) {
		to_ring1(INT_N, DATA | 1);
		descriptor(DATA, 0x60000, 0x7fff, A_DATA(1), F_32_BYTE);
		rig_write32(r, RIG_TSS + 12, 0x8000 + short_by);
		happen(INT_N);
		if (!short_by)
			delivered(V);
		else
			refused(VEC_SS, DATA, WHY_FRAME_NO_ROOM, STEP_STACK_LIMIT);
	}
}

static void room_on_expand_down_stacks(void **state)
{
	for (unsigned wide = 0; wide < 2; wide++) {
		for (unsigned short_by = 0; short_by < 2; short_by++) {
			to_ring1(INT_N, DATA | 1);
			descriptor(DATA, 0x60000, 0xfff, A_DOWN(1), wide ? F_32_BYTE : F_16);
			rig_write32(r, RIG_TSS + 12, 0x1000 + 20 - short_by);
			happen(INT_N);
			if (!short_by)
				delivered(V);
			else
				refused(VEC_SS, DATA, WHY_FRAME_NO_ROOM, STEP_STACK_LIMIT);
		}
	}
	/* The top of a 16-bit one is FFFFh: ESP 0 pushes below it. */
	to_ring1(INT_N, DATA | 1);
	descriptor(DATA, 0x60000, 0xfff, A_DOWN(1), F_16);
	rig_write32(r, RIG_TSS + 12, 0);
	happen(INT_N);
	delivered(V);
	assert_int_equal(last()->frame, 0x6ffec);
	/* With B = 0 there is nothing above FFFFh. */
	to_ring1(INT_N, DATA | 1);
	descriptor(DATA, 0x60000, 0xfff, A_DOWN(1), F_16);
	rig_write32(r, RIG_TSS + 12, 2);
	happen(INT_N);
	refused(VEC_SS, DATA, WHY_FRAME_NO_ROOM, STEP_STACK_LIMIT);
}

/* ---- order ---- */
static void inner_stack_null_after_tss_limit(void **state)
{
	to_ring1(INT_N, 0);
	s()->seg[SEG_TR].limit = 16;
	happen(INT_N);
	refused(VEC_TS, RIG_TR, WHY_TSS_STACK_LIMIT, STEP_STACK_SELECT);
}

static void inner_stack_level_before_type_before_present(void **state)
{
	to_ring1(INT_N, DATA | 2);
	descriptor(DATA, 0, FLAT, ABSENT(A_CODE(2)), F_32);
	happen(INT_N);
	refused(VEC_TS, DATA, WHY_INNER_SS_RPL, STEP_STACK_SEGMENT);
	to_ring1(INT_N, DATA | 1);
	descriptor(DATA, 0, FLAT, ABSENT(A_CODE(2)), F_32);
	happen(INT_N);
	refused(VEC_TS, DATA, WHY_INNER_SS_DPL, STEP_STACK_SEGMENT);
	to_ring1(INT_N, DATA | 1);
	descriptor(DATA, 0, FLAT, ABSENT(A_CODE(1)), F_32);
	happen(INT_N);
	refused(VEC_TS, DATA, WHY_INNER_SS_TYPE, STEP_STACK_SEGMENT);
}

static void inner_stack_present_before_room(void **state)
{
	to_ring1(INT_N, DATA | 1);
	descriptor(DATA, 0, 0xffff, ABSENT(A_DATA(1)), F_32_BYTE);
	rig_write32(r, RIG_TSS + 12, 4);
	happen(INT_N);
	refused(VEC_SS, DATA, WHY_INNER_SS_NOT_PRESENT, STEP_STACK_SEGMENT);
}

static void room_before_offset_limit(void **state)
{
	to_ring1(INT_N, DATA | 1);
	descriptor(DATA, 0, 0xffff, A_DATA(1), F_32_BYTE);
	descriptor(CODE, 0, 0x8000, A_CODE(1), F_32_BYTE);
	gate(INT_N, CODE, 0x8001, G_INT32(3));
	rig_write32(r, RIG_TSS + 12, 4);
	happen(INT_N);
	refused(VEC_SS, DATA, WHY_FRAME_NO_ROOM, STEP_STACK_LIMIT);
}

static void offset_limit_before_page_fault_of_the_stack(void **state)
{
	to_ring1(INT_N, DS1);
	rig_paging(r);
	unmap(STACK1 - 4);
	descriptor(CODE, 0, 0x8000, A_CODE(1), F_32_BYTE);
	gate(INT_N, CODE, 0x8001, G_INT32(3));
	happen(INT_N);
	refused(VEC_GP, 0, WHY_GATE_OFFSET_LIMIT, STEP_TARGET_LIMIT);
}

/* ---- pushing ---- */
static void frame_on_the_same_stack(void **state)
{
	EACH_WAY(way) {
		at_cpl(0);
		set_flags(FLAG_CF | FLAG_DF | FLAG_IF, 0);
		happen(way);
		delivered(ways[way].vector);
		assert_int_equal(reg(RSP), RIG_STACK0 - 12);
		assert_int_equal(last()->frame, RIG_STACK0 - 12);
		assert_int_equal(word(0), last()->from.rip);
		assert_int_equal(word(1), RIG_CS0);
		uint32_t rf = way == INVALID ? FLAG_RF : 0, of = way == INT_O ? FLAG_OF : 0;
		assert_int_equal(word(2), FLAG_ONE | FLAG_CF | FLAG_DF | FLAG_IF | rf | of);
	}
}

/* Software interrupts push the address behind them, faults their own. */
static void return_address(void **state)
{
	static const uint8_t kind[WAYS] = {
		[INT_N] = EV_SOFT_INT, [INT_3] = EV_INT3, [INT_O] = EV_INTO, [INT_1] = EV_INT1,
		[INVALID] = EV_FAULT, [PIN] = EV_IRQ, [NMI] = EV_NMI,
	};
	static const uint8_t length[WAYS] = {[INT_N] = 2, [INT_3] = 1, [INT_O] = 1, [INT_1] = 1};

	EACH_WAY(way) {
		at_cpl(3);
		happen(way);
		assert_int_equal(last()->kind, kind[way]);
		assert_int_equal(word(0), RIG_CODE + length[way]);
		assert_int_equal(word(1), RIG_CS3);
	}
}

/* Where INT n is refused the exception is its own, also in the middle of a block. */
static void refused_software_interrupt_in_a_block(void **state)
{
	at_cpl(3);
	INSN(NOP, NOP, 0xcd, V);
	rig_gate(r, V, RIG_CS0, 0x8000, ABSENT(G_INT32(3)));
	rig_run(r, 3);
	assert_int_equal(last()->vector, VEC_NP);
	assert_int_equal(word(1), RIG_CODE + 2);
}

/* INT 14 is no page fault: CR2 stays. */
static void software_interrupt_14_leaves_cr2(void **state)
{
	at_cpl(3);
	s()->cr2 = 0x12345678;
	INSN(0xcd, VEC_PF);
	cpu_step(&r->cpu);
	delivered(VEC_PF);
	assert_int_equal(s()->cr2, 0x12345678);
}

static void into_without_overflow_goes_on(void **state)
{
	at_cpl(3);
	INSN(0xce, 0x90);
	cpu_step(&r->cpu);
	assert_int_equal(r->trace.deliveries, deliveries_before);
	assert_int_equal(s()->rip, RIG_CODE + 1);
}

/* SP alone moves and wraps; the upper half of ESP stays. */
static void stack_of_16_bits_wraps(void **state)
{
	at_cpl(0);
	descriptor(DATA, 0x60000, 0xffff, A_DATA(0), F_16);
	load(SEG_SS, DATA);
	set_reg(RSP, 0xabcd0004);
	happen(INT_N);
	delivered(V);
	assert_int_equal(reg(RSP), 0xabcdfff8);
	assert_int_equal(rig_read32(r, 0x60000), FLAG_ONE);
	assert_int_equal(rig_read32(r, 0x6fffc), RIG_CS0);
	assert_int_equal(rig_read32(r, 0x6fff8), RIG_CODE + 2);

	at_cpl(0); /* no wrap: the same bytes moved */
	descriptor(DATA, 0x60000, 0xffff, A_DATA(0), F_16);
	load(SEG_SS, DATA);
	set_reg(RSP, 0xabcd1000);
	happen(INT_N);
	assert_int_equal(reg(RSP), 0xabcd0ff4);
	assert_int_equal(rig_read32(r, 0x60ff4), RIG_CODE + 2);
}

static void word_across_the_top_of_a_16_bit_stack(void **state)
{
	at_cpl(1);
	descriptor(DATA, 0x60000, 0xffff, A_DATA(1), F_16);
	load(SEG_SS, DATA | 1);
	gate(INT_N, CS1, 0x8000, G_INT32(3));
	set_reg(RSP, 2);
	happen(INT_N);
	refused(VEC_SS, 0, WHY_FRAME_NO_ROOM, STEP_STACK_LIMIT);
}

/* ESP := NewESP, all of it, though only SP addresses the stack. */
static void inner_stack_of_16_bits_takes_all_of_esp(void **state)
{
	to_ring1(INT_N, DATA | 1);
	descriptor(DATA, 0x60000, 0xffff, A_DATA(1), F_16);
	rig_write32(r, RIG_TSS + 12, 0x55550008);
	set_reg(RSP, 0x77778888);
	happen(INT_N);
	delivered(V);
	assert_int_equal(reg(RSP), 0x5555fff4);
	assert_int_equal(last()->frame, 0x6fff4);
	assert_int_equal(rig_read32(r, 0x60004), RIG_DS3);
	assert_int_equal(rig_read32(r, 0x60000), 0x77778888);
	assert_int_equal(rig_read32(r, 0x6fffc), FLAG_ONE);
}

/* The new stack is written with the new level's rights. */
static void pushes_have_the_rights_of_the_new_level(void **state)
{
	at_cpl(3);
	rig_paging(r);
	map(RIG_STACK0 - 4096, (RIG_STACK0 - 4096) | 3); /* a supervisor's page */
	happen(INT_N);
	delivered(V);

	at_cpl(3); /* at CPL 3 it is none's to push on */
	rig_paging(r);
	map(RIG_STACK3 - 4096, (RIG_STACK3 - 4096) | 3);
	gate(INT_N, CONF, RIG_HANDLER(7), G_INT32(3));
	happen(INT_N);
	assert_int_equal(last()->vector, VEC_PF);
	assert_int_equal(last()->error, PF_P | PF_W | PF_U);
	assert_why(last()->why, WHY_PAGE_SUPERVISOR);

	at_cpl(3); /* a read-only one neither, CR0.WP = 1 */
	rig_paging(r);
	map(STACK1 - 4096, (STACK1 - 4096) | 1);
	gate(INT_N, CS1, RIG_HANDLER(7), G_INT32(3));
	happen(INT_N);
	assert_int_equal(last()->vector, VEC_PF);
	assert_int_equal(last()->error, PF_P | PF_W);
	assert_why(last()->why, WHY_PAGE_READ_ONLY);
}

/* The same when the TLB already knows the page, from the other level. */
static void rights_of_the_new_level_with_a_page_in_the_tlb(void **state)
{
	at_cpl(0); /* warmed by ring 0, then pushed on at CPL 3 */
	rig_paging(r);
	map(0x60000, 0x60003);
	rig_gate(r, V, CONF, RIG_HANDLER(7), G_INT32(3));
	PUT32(RIG_CODE + 5, RIG_CS3, FLAG_ONE, 0x61000, RIG_DS3);
	INSN(0xa3, 0x00, 0x0f, 0x06, 0x00, 0xcd, V);
	cpu_step(&r->cpu);
	code((const uint8_t[]){0xcf}, 1);
	s()->rip = RIG_CODE;
	cpu_step(&r->cpu);
	assert_int_equal(s()->cpl, 3);
	cpu_step(&r->cpu);
	assert_why(last()->why, WHY_PAGE_SUPERVISOR);

	at_cpl(3); /* warmed at CPL 3, then ring 0's stack while SMAP forbids it */
	rig_paging(r);
	s()->cr4 |= CR4_SMAP;
	map(RIG_CODE, RIG_CODE | 7);
	for (uint32_t page = 0; page < 0x70000; page += 4096)
		if (page != RIG_CODE && page != 0x60000)
			map(page, page | 3);
	rig_write32(r, RIG_TSS + 4, 0x61000);
	INSN(0xa3, 0x00, 0x0f, 0x06, 0x00, 0xcd, V);
	cpu_step(&r->cpu);
	assert_int_equal(r->trace.deliveries, deliveries_before);
	assert_int_equal(cpu_step(&r->cpu), STOP_SHUTDOWN);
	assert_why(first(&(unsigned){0})->refused.why, WHY_PAGE_SMAP);
}

/* A page fault on any word of the frame: nothing was pushed, no register changed. */
static void page_fault_of_a_push_leaves_everything_as_it_was(void **state)
{
	EACH_WAY(way) {
		for (unsigned above = 0; above <= 12; above += 4) {
			at_cpl(0);
			rig_paging(r);
			unmap(0x60000);
			set_reg(RSP, 0x61000 + above);
			rig_write32(r, 0x61000, 0x11111111);
			rig_write32(r, 0x61004, 0x22222222);
			rig_write32(r, 0x61008, 0x33333333);
			s()->rflags |= way == PIN ? FLAG_IF : way == INT_O ? FLAG_OF : 0;
			struct arch_state before = *s();
			enum stop stop = happen(way);
			if (above == 12) {
				delivered(ways[way].vector);
				continue;
			}
			assert_int_equal(stop, STOP_SHUTDOWN); /* for #PF and #DF there is no stack either */
			assert_int_equal(s()->cr2, 0x61000 - 4);
			assert_int_equal(rig_read32(r, 0x61000), 0x11111111);
			assert_int_equal(rig_read32(r, 0x61004), 0x22222222);
			assert_int_equal(rig_read32(r, 0x61008), 0x33333333);
			before.cr2 = s()->cr2;
			before.activity = ACT_SHUTDOWN;
			before.nmi_blocked = way == NMI;
			assert_memory_equal(&before, s(), sizeof(before));
		}
	}
}

/* The first word pushed is the first to fault. */
static void first_word_pushed_faults_first(void **state)
{
	to_ring1(INT_N, DS1);
	rig_paging(r);
	unmap(STACK1);
	unmap(STACK1 - 4096);
	rig_write32(r, RIG_TSS + 12, STACK1 + 8);
	happen(INT_N);
	assert_int_equal(last()->vector, VEC_PF);
	assert_int_equal(last()->cr2, STACK1 + 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(stack_of_each_level_comes_from_the_tss), T(tss_of_16_bits_holds_sp_and_ss_side_by_side),
		T(tss_too_short_for_the_stack), T(null_inner_stack), T(inner_stack_beyond_its_table),
		T(inner_stack_has_exactly_the_new_level), T(inner_stack_is_writable_data), T(absent_inner_stack),
		T(entering_sets_the_accessed_bit_of_the_inner_stack), T(room_on_an_inner_stack),
		T(room_for_the_error_code), T(room_on_the_same_stack), T(room_at_the_top_of_the_stack),
		T(room_on_expand_down_stacks), T(inner_stack_null_after_tss_limit),
		T(inner_stack_level_before_type_before_present), T(inner_stack_present_before_room),
		T(room_before_offset_limit), T(offset_limit_before_page_fault_of_the_stack),
		T(frame_on_the_same_stack), T(return_address), T(into_without_overflow_goes_on),
		T(stack_of_16_bits_wraps), T(word_across_the_top_of_a_16_bit_stack),
		T(inner_stack_of_16_bits_takes_all_of_esp), T(pushes_have_the_rights_of_the_new_level),
		T(rights_of_the_new_level_with_a_page_in_the_tlb), T(refused_software_interrupt_in_a_block),
		T(software_interrupt_14_leaves_cr2), T(page_fault_of_a_push_leaves_everything_as_it_was),
		T(first_word_pushed_faults_first),
	};

	return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
