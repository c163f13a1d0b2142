/* From the vector to the handler's code segment: every check of SDM 2A "INT n",
 * PROTECTED-MODE and TRAP-OR-INTERRUPT-GATE, its error code, and their order. */
#include "deliver/bed.h"

static void gate(enum way way, unsigned sel, uint32_t offset, unsigned access)
{
	rig_gate(r, ways[way].vector, (uint16_t)sel, offset, (uint8_t)access);
}

#define EACH_WAY(way) for (enum way way = INT_N; way < WAYS; way++)

/* IDT_LIMIT: #GP(vector * 8 + 2 + EXT) */
static void idt_limit_counts_the_last_byte(void **state)
{
	EACH_WAY(way) {
		for (unsigned short_by = 0; short_by < 2; short_by++) {
			at_cpl(3);
			s()->idtr.limit = (uint16_t)(ways[way].vector * 8 + 7 - short_by);
			enum stop stop = happen(way);
			if (!short_by) {
				delivered(ways[way].vector);
				continue;
			}
			refused(VEC_GP, idt_error(way), WHY_IDT_LIMIT, STEP_VECTOR);
			/* #GP's own gate lies beyond the limit too, unless the vector is above it. */
			assert_int_equal(stop, ways[way].vector < VEC_GP ? STOP_SHUTDOWN : STOP_BUDGET);
			assert_int_equal(last()->gate.address, ways[way].vector < VEC_GP ? 0 : RIG_IDT + VEC_GP * 8);
		}
	}
}

/* GATE_TYPE */
static void only_gates_for_the_idt_are_gates(void **state)
{
	static const uint8_t good[] = {0x5, 0x6, 0x7, 0xe, 0xf};

	EACH_WAY(way) {
		for (unsigned type = 0; type < 32; type++) {
			at_cpl(3);
			gate(way, RIG_CS0, RIG_HANDLER(7), 0xe0 | type);
			happen(way);
			if (type < 16 && memchr(good, (int)type, sizeof(good))) {
				assert_true(first(&(unsigned){0})->step >= STEP_CODE_SEGMENT);
				continue;
			}
			refused(VEC_GP, idt_error(way), WHY_GATE_TYPE, STEP_GATE);
		}
	}
}

/* GATE_DPL: INT n, INT3 and INTO only */
static void gate_dpl_refuses_software_alone(void **state)
{
	EACH_WAY(way) {
		for (unsigned cpl = 0; cpl <= 3; cpl += cpl ? 2 : 1) {
			for (unsigned dpl = 0; dpl <= 3; dpl++) {
				at_cpl(cpl);
				gate(way, RIG_CS0, RIG_HANDLER(7), G_INT32(dpl));
				happen(way);
				if (software(way) && dpl < cpl)
					refused(VEC_GP, idt_error(way), WHY_GATE_DPL, STEP_GATE_DPL);
				else
					delivered(ways[way].vector);
			}
		}
	}
}

/* GATE_NOT_PRESENT: #NP(vector * 8 + 2 + EXT) */
static void absent_gate(void **state)
{
	EACH_WAY(way) {
		at_cpl(3);
		gate(way, RIG_CS0, RIG_HANDLER(7), ABSENT(G_INT32(3)));
		happen(way);
		refused(VEC_NP, idt_error(way), WHY_GATE_NOT_PRESENT, STEP_GATE_PRESENT);
	}
}

static void absent_task_gate(void **state)
{
	at_cpl(3);
	gate(INT_N, RIG_TR, 0, ABSENT(0xe5));
	happen(INT_N);
	refused(VEC_NP, idt_error(INT_N), WHY_GATE_NOT_PRESENT, STEP_GATE_PRESENT);
}

/* GATE_CS_NULL: #GP(EXT), whatever RPL */
static void null_code_selector(void **state)
{
	EACH_WAY(way) {
		for (unsigned rpl = 0; rpl < 4; rpl++) {
			at_cpl(3);
			gate(way, rpl, RIG_HANDLER(7), G_INT32(3));
			happen(way);
			refused(VEC_GP, ways[way].ext, WHY_GATE_CS_NULL, STEP_CODE_SEGMENT);
		}
	}
}

/* GATE_CS_BEYOND_TABLE: #GP(selector + EXT) */
static void code_selector_beyond_its_table(void **state)
{
	EACH_WAY(way) {
		at_cpl(3);
		gate(way, NOWHERE | 3, RIG_HANDLER(7), G_INT32(3));
		happen(way);
		refused(VEC_GP, NOWHERE | ways[way].ext, WHY_GATE_CS_BEYOND_TABLE, STEP_CODE_SEGMENT);

		at_cpl(3); /* the table's last byte counts */
		descriptor(CODE, 0, FLAT, A_CODE(0), F_32);
		gate(way, CODE, RIG_HANDLER(7), G_INT32(3));
		s()->gdtr.limit = CODE + 6;
		happen(way);
		refused(VEC_GP, CODE | ways[way].ext, WHY_GATE_CS_BEYOND_TABLE, STEP_CODE_SEGMENT);
		at_cpl(3);
		gate(way, CODE, RIG_HANDLER(7), G_INT32(3));
		s()->gdtr.limit = CODE + 7;
		happen(way);
		delivered(ways[way].vector);
	}
}

static void code_selector_in_the_ldt(void **state)
{
	EACH_WAY(way) {
		at_cpl(3);
		gate(way, LDT_CODE, RIG_HANDLER(7), G_INT32(3));
		happen(way);
		delivered(ways[way].vector);
		assert_int_equal(s()->seg[SEG_CS].sel, LDT_CODE);

		at_cpl(3); /* the error code keeps TI */
		gate(way, LDT_CODE, RIG_HANDLER(7), G_INT32(3));
		s()->seg[SEG_LDTR].limit = LDT_CODE - 4 + 6;
		happen(way);
		refused(VEC_GP, LDT_CODE | ways[way].ext, WHY_GATE_CS_BEYOND_TABLE, STEP_CODE_SEGMENT);

		at_cpl(3);
		gate(way, LDT_CODE, RIG_HANDLER(7), G_INT32(3));
		s()->seg[SEG_LDTR] = null_segment(0);
		happen(way);
		refused(VEC_GP, LDT_CODE | ways[way].ext, WHY_GATE_CS_BEYOND_TABLE, STEP_CODE_SEGMENT);
	}
}

/* GATE_CS_TYPE: #GP(selector + EXT) */
static void code_selector_of_something_else(void **state)
{
	EACH_WAY(way) {
		for (unsigned type = 0; type < 0x20; type++) {
			at_cpl(3);
			descriptor(CODE, 0, FLAT, 0x80 | type, F_32);
			gate(way, CODE | 3, RIG_HANDLER(7), G_INT32(3));
			happen(way);
			if (type >= 0x18)
				delivered(ways[way].vector);
			else
				refused(VEC_GP, CODE | ways[way].ext, WHY_GATE_CS_TYPE, STEP_CODE_SEGMENT);
		}
	}
}

/* GATE_CS_DPL: #GP(selector + EXT), conforming segments too */
static void handlers_are_never_less_privileged(void **state)
{
	EACH_WAY(way) {
		for (unsigned conforming = 0; conforming < 2; conforming++) {
			for (unsigned dpl = 0; dpl < 4; dpl++) {
				at_cpl(1);
				descriptor(CODE, 0, FLAT, conforming ? A_CONF(dpl) : A_CODE(dpl), F_32);
				gate(way, CODE, RIG_HANDLER(7), G_INT32(3));
				happen(way);
				if (dpl > 1)
					refused(VEC_GP, CODE | ways[way].ext, WHY_GATE_CS_DPL, STEP_CODE_SEGMENT);
				else
					delivered(ways[way].vector);
			}
		}
	}
}

/* GATE_CS_NOT_PRESENT: #NP(selector + EXT) */
static void absent_code_segment(void **state)
{
	EACH_WAY(way) {
		at_cpl(3);
		descriptor(CODE, 0, FLAT, ABSENT(A_CODE(0)), F_32);
		gate(way, CODE | 3, RIG_HANDLER(7), G_INT32(3));
		happen(way);
		refused(VEC_NP, CODE | ways[way].ext, WHY_GATE_CS_NOT_PRESENT, STEP_CODE_PRESENT);
	}
}

/* GATE_OFFSET_LIMIT: #GP(EXT) */
static void offset_beyond_the_code_segment(void **state)
{
	EACH_WAY(way) {
		for (unsigned inner = 0; inner < 2; inner++) {
			for (unsigned beyond = 0; beyond < 2; beyond++) {
				at_cpl(inner ? 3 : 0);
				descriptor(CODE, 0, 0x8000, A_CODE(0), F_32_BYTE);
				gate(way, CODE, 0x8000 + beyond, G_INT32(3));
				happen(way);
				if (!beyond)
					delivered(ways[way].vector);
				else
					refused(VEC_GP, ways[way].ext, WHY_GATE_OFFSET_LIMIT, STEP_TARGET_LIMIT);
			}
		}
	}
}

/* ---- which of two wrong things is found first ---- */
static void type_before_dpl(void **state)
{
	at_cpl(3);
	gate(INT_N, RIG_CS0, 0, 0x8c);
	happen(INT_N);
	refused(VEC_GP, idt_error(INT_N), WHY_GATE_TYPE, STEP_GATE);
}

static void type_before_present(void **state)
{
	at_cpl(3);
	gate(PIN, RIG_CS0, 0, ABSENT(0x8c));
	happen(PIN);
	refused(VEC_GP, idt_error(PIN), WHY_GATE_TYPE, STEP_GATE);
}

static void dpl_before_present(void **state)
{
	at_cpl(3);
	gate(INT_N, RIG_CS0, 0, ABSENT(G_INT32(0)));
	happen(INT_N);
	refused(VEC_GP, idt_error(INT_N), WHY_GATE_DPL, STEP_GATE_DPL);
}

static void dpl_of_a_task_gate_before_its_tss(void **state)
{
	at_cpl(3);
	gate(INT_N, 0, 0, 0x85);
	happen(INT_N);
	refused(VEC_GP, idt_error(INT_N), WHY_GATE_DPL, STEP_GATE_DPL);
}

static void gate_present_before_its_selector(void **state)
{
	at_cpl(3);
	gate(INT_N, 0, 0, ABSENT(G_INT32(3)));
	happen(INT_N);
	refused(VEC_NP, idt_error(INT_N), WHY_GATE_NOT_PRESENT, STEP_GATE_PRESENT);
}

static void code_type_before_dpl_and_present(void **state)
{
	at_cpl(0);
	descriptor(CODE, 0, FLAT, ABSENT(A_DATA(3)), F_32);
	gate(INT_N, CODE, 0, G_INT32(3));
	happen(INT_N);
	refused(VEC_GP, CODE, WHY_GATE_CS_TYPE, STEP_CODE_SEGMENT);
}

static void code_dpl_before_present(void **state)
{
	at_cpl(0);
	descriptor(CODE, 0, FLAT, ABSENT(A_CODE(3)), F_32);
	gate(INT_N, CODE, 0, G_INT32(3));
	happen(INT_N);
	refused(VEC_GP, CODE, WHY_GATE_CS_DPL, STEP_CODE_SEGMENT);
}

static void code_present_before_the_stack(void **state)
{
	at_cpl(3);
	descriptor(CODE, 0, FLAT, ABSENT(A_CODE(1)), F_32);
	gate(INT_N, CODE, 0, G_INT32(3));
	rig_write16(r, RIG_TSS + 16, 0);
	happen(INT_N);
	refused(VEC_NP, CODE, WHY_GATE_CS_NOT_PRESENT, STEP_CODE_PRESENT);
}

static void stack_before_offset(void **state)
{
	at_cpl(3);
	descriptor(CODE, 0, 0x8000, A_CODE(1), F_32_BYTE);
	gate(INT_N, CODE, 0x8001, G_INT32(3));
	rig_write16(r, RIG_TSS + 16, 0);
	happen(INT_N);
	refused(VEC_TS, 0, WHY_INNER_SS_NULL, STEP_STACK_SEGMENT);
}

/* ---- the gate's privilege, types and words ---- */
static void gate_selector_gets_the_new_cpl_as_rpl(void **state)
{
	for (unsigned rpl = 0; rpl < 4; rpl++) {
		at_cpl(3);
		gate(INT_N, RIG_CS0 | rpl, RIG_HANDLER(7), G_INT32(3));
		happen(INT_N);
		delivered(V);
		assert_int_equal(s()->seg[SEG_CS].sel, RIG_CS0);
		assert_int_equal(s()->cpl, 0);
		at_cpl(3);
		gate(INT_N, (CS1 & ~3u) | rpl, RIG_HANDLER(7), G_INT32(3));
		happen(INT_N);
		assert_int_equal(s()->seg[SEG_CS].sel, CS1);
		assert_int_equal(s()->cpl, 1);
	}
}

static void conforming_handler_keeps_cpl_and_stack(void **state)
{
	EACH_WAY(way) {
		for (unsigned dpl = 0; dpl < 4; dpl += 3) {
			at_cpl(3);
			descriptor(CODE, 0, FLAT, A_CONF(dpl), F_32);
			gate(way, CODE, RIG_HANDLER(7), G_INT32(3));
			happen(way);
			delivered(ways[way].vector);
			assert_int_equal(s()->cpl, 3);
			assert_int_equal(s()->seg[SEG_CS].sel, CODE | 3);
			assert_int_equal(s()->seg[SEG_SS].sel, RIG_DS3);
			assert_int_equal(reg(RSP), RIG_STACK3 - 12);
			assert_int_equal(last()->stack_source, STACK_SAME);
		}
	}
}

static void interrupt_gates_clear_if_and_trap_gates_do_not(void **state)
{
	static const struct { unsigned access; bool clears; unsigned bytes; } gates[] = {
		{G_INT32(3), true, 4}, {G_TRAP32(3), false, 4}, {G_INT16(3), true, 2}, {G_TRAP16(3), false, 2},
	};

	EACH_WAY(way) {
		for (unsigned i = 0; i < 4; i++) {
			at_cpl(3);
			gate(way, RIG_CS0, 0x8000, gates[i].access);
			s()->rflags |= FLAG_IF;
			happen(way);
			delivered(ways[way].vector);
			assert_int_equal(!(flags() & FLAG_IF), gates[i].clears);
			assert_int_equal(last()->word_bytes, gates[i].bytes);
			assert_int_equal(reg(RSP), RIG_STACK0 - 5 * gates[i].bytes);
			/* the image has it */
			assert_true((gates[i].bytes == 4 ? word(2) : half(2)) & FLAG_IF);
		}
	}
}

static void every_gate_clears_tf_nt_rf_and_nothing_else(void **state)
{
	const uint32_t kept = FLAG_AC | FLAG_ID | FLAG_IOPL | FLAG_DF | FLAG_CF | FLAG_SF | FLAG_VIF | FLAG_VIP;

	for (unsigned access = G_INT32(3); access <= G_TRAP32(3); access++) {
		at_cpl(3);
		gate(INVALID, RIG_CS0, 0x8000, access);
		set_flags(FLAG_TF | FLAG_NT | FLAG_RF | kept, 0);
		happen(INVALID);
		delivered(VEC_UD);
		assert_int_equal(flags(), FLAG_ONE | kept);
		assert_int_equal(word(2), FLAG_ONE | FLAG_TF | FLAG_NT | FLAG_RF | kept);
	}
}

static void gate_of_16_bits_has_no_upper_offset_and_pushes_16_bits(void **state)
{
	static const uint8_t length[WAYS] = {[INT_N] = 2, [INT_3] = 1, [INT_O] = 1, [INT_1] = 1};

	EACH_WAY(way) {
		at_cpl(3);
		gate(way, RIG_CS0, 0x12348000, G_INT16(3));
		set_reg(RSP, 0x12345678);
		happen(way);
		delivered(ways[way].vector);
		assert_int_equal(s()->rip, 0x8000);
		assert_int_equal(reg(RSP), RIG_STACK0 - 10);
		assert_int_equal(half(0), (RIG_CODE + length[way]) & 0xffff);
		assert_int_equal(half(1), RIG_CS3);
		assert_int_equal(half(3), 0x5678);
		assert_int_equal(half(4), RIG_DS3);
		for (unsigned i = 0; i < 5; i++) /* the record says what was pushed */
			assert_int_equal(last()->word[i], half(4 - i));
	}
}

static void entering_sets_the_accessed_bit_of_the_code_segment(void **state)
{
	at_cpl(0);
	descriptor(CODE, 0, FLAT, A_CODE(0) & ~1u, F_32);
	gate(INT_N, CODE, RIG_HANDLER(7), G_INT32(3));
	happen(INT_N);
	delivered(V);
	assert_int_equal(rig_read8(r, RIG_GDT + CODE + 5), A_CODE(0));
	assert_true(s()->seg[SEG_CS].type & TYPE_ACCESSED);
}

/* ---- task gates ---- */
#define OTHER_TSS 0x4000u
#define OTHER     0x60u

/* EXT reaches the checks of the task switch. */
static void task_gate_to_nothing(void **state)
{
	EACH_WAY(way) {
		at_cpl(3);
		gate(way, NOWHERE, 0, 0xe5);
		happen(way);
		refused(VEC_GP, NOWHERE | ways[way].ext, WHY_TASK_TSS_BEYOND_GDT, STEP_CODE_SEGMENT);
	}
}

static void task_gate_saves_the_image_of_the_event(void **state)
{
	static const uint16_t seg[6] = {RIG_DS0, RIG_CS0, RIG_DS0, RIG_DS0, RIG_DS0, RIG_DS0};

	EACH_WAY(way) {
		at_cpl(3);
		descriptor(OTHER, OTHER_TSS, 0x67, 0x89, 0);
		rig_write32(r, OTHER_TSS + 0x20, RIG_CODE + 0x100);
		rig_write32(r, OTHER_TSS + 0x24, FLAG_ONE);
		rig_write32(r, OTHER_TSS + 0x38, STACK1);
		for (unsigned i = 0; i < 6; i++)
			rig_write32(r, OTHER_TSS + 0x48 + 4 * i, seg[i]);
		gate(way, OTHER, 0, 0xe5);
		happen(way);
		assert_int_equal(last()->outcome, OUT_TASK_SWITCH);
		assert_int_equal(last()->step, STEP_COMMIT);
		assert_int_equal(s()->rip, RIG_CODE + 0x100);
		assert_int_equal(rig_read32(r, RIG_TSS + 0x20), last()->from.rip);
		assert_int_equal(rig_read32(r, RIG_TSS + 0x24) & FLAG_RF, way == INVALID ? FLAG_RF : 0);
		assert_int_equal(flags(), FLAG_ONE | FLAG_NT);
		assert_int_equal(rig_read16(r, OTHER_TSS), RIG_TR);
	}
}

/* A page fault on the IDT or GDT is a supervisor's, from whatever CPL. */
static void tables_are_read_as_a_supervisor(void **state)
{
	at_cpl(3);
	rig_paging(r);
	map(RIG_IDT, RIG_IDT | 3);
	map(RIG_GDT, RIG_GDT | 3);
	happen(INT_N);
	delivered(V);

	at_cpl(3);
	rig_paging(r);
	s()->idtr.base = 0x2e00; /* gates 0..63 in page 2, gate V in page 3 */
	for (unsigned i = 0; i < 32; i++) {
		uint64_t raw = 0;
		bus_peek(r->bus, RIG_IDT + i * 8, &raw, 8);
		rig_write(r, 0x2e00 + i * 8, &raw, 8);
	}
	s()->seg[SEG_TR].base = 0x7000;
	rig_write32(r, 0x7004, RIG_STACK0);
	rig_write16(r, 0x7008, RIG_DS0);
	unmap(0x3000);
	happen(INT_N);
	assert_int_equal(last()->vector, VEC_PF);
	assert_int_equal(last()->cr2, 0x2e00 + V * 8);
	assert_int_equal(last()->error, 0);
	assert_int_equal(s()->cr2, 0x2e00 + V * 8);
	assert_why(last()->why, WHY_PAGE_NOT_PRESENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(idt_limit_counts_the_last_byte), T(only_gates_for_the_idt_are_gates),
		T(gate_dpl_refuses_software_alone), T(absent_gate), T(absent_task_gate), T(task_gate_to_nothing),
		T(task_gate_saves_the_image_of_the_event), T(null_code_selector), T(code_selector_beyond_its_table),
		T(code_selector_in_the_ldt), T(code_selector_of_something_else),
		T(handlers_are_never_less_privileged), T(absent_code_segment), T(offset_beyond_the_code_segment),
		T(type_before_dpl), T(type_before_present), T(dpl_before_present),
		T(dpl_of_a_task_gate_before_its_tss), T(gate_present_before_its_selector),
		T(code_type_before_dpl_and_present), T(code_dpl_before_present), T(code_present_before_the_stack),
		T(stack_before_offset), T(gate_selector_gets_the_new_cpl_as_rpl),
		T(conforming_handler_keeps_cpl_and_stack), T(interrupt_gates_clear_if_and_trap_gates_do_not),
		T(every_gate_clears_tf_nt_rf_and_nothing_else),
		T(gate_of_16_bits_has_no_upper_offset_and_pushes_16_bits),
		T(entering_sets_the_accessed_bit_of_the_code_segment), T(tables_are_read_as_a_supervisor),
	};

	return cmocka_run_group_tests_name("gates", tests, NULL, NULL);
}
