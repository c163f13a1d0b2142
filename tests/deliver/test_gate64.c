/* IA-32e mode: the gate and the code segment it names.  SDM 2A "INT n", IA-32e-MODE and
 * TRAP-OR-INTERRUPT-GATE; SDM 3A, "64-Bit Mode IDT". */
#include "deliver/bed64.h"

/* ---- the gate ---- */

/* IDT_LIMIT: 16 bytes an entry, #GP(vector * 8 + 2 + EXT) */
static void idt_limit_counts_16_bytes_an_entry(void **state)
{
	EACH_WAY64(way) {
		for (unsigned short_by = 0; short_by < 2; short_by++) {
			at64(3);
			/* #GP itself is within reach where the vector is above it. */
			if (ways[way].vector < VEC_GP)
				continue;
			s()->idtr.limit = (uint16_t)(ways[way].vector * 16 + 15 - short_by);
			happen(way);
			if (short_by)
				refused64(VEC_GP, idt_error(way), WHY_IDT_LIMIT, STEP_VECTOR);
			else
				delivered(ways[way].vector);
		}
	}
}

/* IDT_NON_CANONICAL: #GP(vector * 8 + 2 + EXT), the last byte counts */
static void idt_entry_beyond_the_canonical_half(void **state)
{
	unsigned chain;

	at64(3);
	s()->idtr = (struct table_register){LAST_LOW - V * 16 - 14, 0xfff};
	happen(INT_N);
	const struct delivery_record *d = first(&chain);
	assert_why(d->refused.why, WHY_IDT_NON_CANONICAL);
	assert_int_equal(d->refused.vector, VEC_GP);
	assert_int_equal(d->refused.error, V * 8 + 2);
	assert_int_equal(d->step, STEP_VECTOR);
	at64(3);
	s()->idtr = (struct table_register){LAST_LOW - V * 16 - 15, 0xfff}; /* just inside */
	rig_write(r, 0x400000 - 16, (uint8_t[16]){RIG_HANDLER(7) & 0xff, RIG_HANDLER(7) >> 8 & 0xff, RIG_CS0_64 & 0xff,
						  RIG_CS0_64 >> 8, 0, G_INT64(3), RIG_HANDLER(7) >> 16}, 16);
	happen(INT_N);
	delivered(V);
}

/* A base above 4 GiB counts whole in compatibility mode too. */
static void idt_and_gdt_lie_anywhere(void **state)
{
	for (unsigned compat = 0; compat < 2; compat++) {
		at_mode(compat, 3);
		s()->idtr.base = FIRST_HIGH + RIG_IDT;
		s()->gdtr.base = FIRST_HIGH + RIG_GDT;
		s()->seg[SEG_TR].base = FIRST_HIGH + RIG_TSS;
		cpu_state_changed(&r->cpu);
		happen(INT_N);
		delivered(V);
		assert_int_equal(last()->gate.address, FIRST_HIGH + RIG_IDT + V * 16);
		assert_int_equal(last()->tss_base, FIRST_HIGH + RIG_TSS);
	}
}

static void descriptor_tables_above_4_gib_are_read_there(void **state)
{
	for (unsigned compat = 0; compat < 2; compat++) {
		unsigned chain;

		at_mode(compat, 3);
		s()->gdtr.base = FIRST_HIGH + 0x70000;
		map64(0x70000, 0);
		happen(INT_N);
		assert_int_equal(first(&chain)->refused.vector, VEC_PF);
		assert_int_equal(first(&chain)->refused.cr2, FIRST_HIGH + 0x70000 + RIG_CS0_64);
	}
}

/* GATE_TYPE_64: task gates and 16-bit gates do not exist, #GP(vector * 8 + 2 + EXT) */
static void only_64_bit_interrupt_and_trap_gates(void **state)
{
	for (unsigned compat = 0; compat < 2; compat++) {
		for (unsigned type = 0; type < 0x20; type++) {
			EACH_WAY64(way) {
				at_mode(compat, 3);
				gate64(way, RIG_CS0_64, RIG_HANDLER(7), 0xe0 | type, 0);
				happen(way);
				if (type == SYS_INT_GATE64 || type == SYS_TRAP_GATE64)
					delivered(ways[way].vector);
				else
					refused64(VEC_GP, idt_error(way), WHY_GATE_TYPE_64, STEP_GATE);
			}
		}
	}
}

/* GATE_DPL: #GP(vector * 8 + 2), of software interrupts alone */
static void gate_dpl_counts_for_software(void **state)
{
	for (unsigned cpl = 0; cpl < 4; cpl++) {
		for (unsigned dpl = 0; dpl < 4; dpl++) {
			EACH_WAY64(way) {
				at64(cpl);
				gate64(way, RIG_CS0_64, RIG_HANDLER(7), G_INT64(dpl), 0);
				happen(way);
				if (software(way) && dpl < cpl)
					refused64(VEC_GP, idt_error(way), WHY_GATE_DPL, STEP_GATE_DPL);
				else
					delivered(ways[way].vector);
			}
		}
	}
}

/* GATE_NOT_PRESENT: #NP(vector * 8 + 2 + EXT) */
static void gate_not_present(void **state)
{
	EACH_WAY64(way) {
		at64(3);
		gate64(way, RIG_CS0_64, RIG_HANDLER(7), ABSENT(G_INT64(3)), 0);
		happen(way);
		refused64(VEC_NP, idt_error(way), WHY_GATE_NOT_PRESENT, STEP_GATE_PRESENT);
	}
}

/* Nobody looks at the bits of a gate that are reserved. */
static void reserved_bits_of_a_gate_are_ignored(void **state)
{
	at64(3);
	rig_write8(r, RIG_IDT + V * 16 + 4, 0xf8); /* above IST */
	rig_write32(r, RIG_IDT + V * 16 + 12, UINT32_MAX);
	happen(INT_N);
	delivered(V);
	assert_int_equal(last()->gate.ist, 0);
}

static void gate_offset_has_64_bits(void **state)
{
	at64(3);
	gate64(INT_N, RIG_CS0_64, FIRST_HIGH + RIG_HANDLER(7), G_INT64(3), 0);
	happen(INT_N);
	delivered(V);
	assert_int_equal(s()->rip, FIRST_HIGH + RIG_HANDLER(7));
	assert_int_equal(last()->gate.width, 64);
	assert_int_equal(rig_run(r, 10), STOP_HALT);
}

/* GATE_OFFSET_NON_CANONICAL: #GP(EXT) */
static void gate_offset_not_canonical(void **state)
{
	EACH_WAY64(way) {
		at64(3);
		gate64(way, RIG_CS0_64, LAST_LOW + 1, G_INT64(3), 0);
		happen(way);
		refused64(VEC_GP, ways[way].ext, WHY_GATE_OFFSET_NON_CANONICAL, STEP_TARGET_LIMIT);
		at64(3);
		gate64(way, RIG_CS0_64, LAST_LOW, G_INT64(3), 0);
		happen(way);
		delivered(ways[way].vector);
	}
}

/* The limit of 64-bit code counts for nothing. */
static void code_limit_does_not_count(void **state)
{
	at64(3);
	descriptor(CODE, 0x1234567, 0, A_CODE(0), F_64 & ~8u);
	gate64(INT_N, CODE, RIG_HANDLER(7), G_INT64(3), 0);
	happen(INT_N);
	delivered(V);
	assert_int_equal(s()->rip, RIG_HANDLER(7));
}

/* ---- the code segment ---- */

/* GATE_CS_NULL: #GP(EXT) */
static void code_selector_null(void **state)
{
	EACH_WAY64(way) {
		at64(3);
		gate64(way, 3, RIG_HANDLER(7), G_INT64(3), 0);
		happen(way);
		refused64(VEC_GP, ways[way].ext, WHY_GATE_CS_NULL, STEP_CODE_SEGMENT);
	}
}

/* GATE_CS_BEYOND_TABLE: #GP(selector + EXT) */
static void code_selector_beyond_its_table(void **state)
{
	EACH_WAY64(way) {
		at64(3);
		gate64(way, NOWHERE, RIG_HANDLER(7), G_INT64(3), 0);
		happen(way);
		refused64(VEC_GP, NOWHERE | ways[way].ext, WHY_GATE_CS_BEYOND_TABLE, STEP_CODE_SEGMENT);
	}
}

/* DESCRIPTOR_NON_CANONICAL: #GP(selector + EXT) */
static void code_descriptor_at_no_canonical_address(void **state)
{
	EACH_WAY64(way) {
		at64(3);
		s()->seg[SEG_LDTR].base = LAST_LOW - 7;
		gate64(way, 0x0c, RIG_HANDLER(7), G_INT64(3), 0);
		happen(way);
		refused64(VEC_GP, 0x0c | ways[way].ext, WHY_DESCRIPTOR_NON_CANONICAL, STEP_CODE_SEGMENT);
	}
}

/* GATE_CS_TYPE, GATE_CS_DPL: #GP(selector + EXT) */
static void code_selector_must_name_code_of_this_level_or_inner(void **state)
{
	EACH_WAY64(way) {
		at64(0);
		gate64(way, RIG_DS0, RIG_HANDLER(7), G_INT64(3), 0);
		happen(way);
		refused64(VEC_GP, RIG_DS0 | ways[way].ext, WHY_GATE_CS_TYPE, STEP_CODE_SEGMENT);
		at64(0);
		gate64(way, RIG_CS3_64, RIG_HANDLER(7), G_INT64(3), 0);
		happen(way);
		refused64(VEC_GP, (RIG_CS3_64 & ~3u) | ways[way].ext, WHY_GATE_CS_DPL, STEP_CODE_SEGMENT);
	}
}

/* GATE_CS_NOT_64BIT: L = 1 and D = 0, else #GP(selector + EXT); before P */
static void code_segment_must_be_64_bit(void **state)
{
	for (unsigned nibble = 0; nibble < 16; nibble++) {
		for (unsigned present = 0; present < 2; present++) {
			EACH_WAY64(way) {
				bool good = (nibble & 6) == 2;

				at64(3);
				descriptor(CODE, 0, FLAT, present ? A_CODE(0) : ABSENT(A_CODE(0)), nibble);
				gate64(way, CODE, RIG_HANDLER(7), G_INT64(3), 0);
				happen(way);
				if (!good)
					refused64(VEC_GP, CODE | ways[way].ext, WHY_GATE_CS_NOT_64BIT,
						  STEP_CODE_SEGMENT);
				else if (!present)
					refused64(VEC_NP, CODE | ways[way].ext, WHY_GATE_CS_NOT_PRESENT,
						  STEP_CODE_PRESENT);
				else
					delivered(ways[way].vector);
			}
		}
	}
}

static void conforming_code_keeps_the_level(void **state)
{
	for (unsigned cpl = 0; cpl < 4; cpl++) {
		at64(cpl);
		gate64(INT_N, CONF64 | 3, RIG_HANDLER(7), G_INT64(3), 0);
		happen(INT_N);
		delivered(V);
		assert_int_equal(s()->cpl, cpl);
		assert_int_equal(s()->seg[SEG_CS].sel, CONF64 | cpl);
		assert_int_equal(s()->seg[SEG_SS].sel, DSC(cpl));
		assert_int_equal(last()->stack_source, STACK_SAME);
	}
}

/* The accessed bit of the code segment is set, but not by a delivery that is refused. */
static void code_segment_becomes_accessed(void **state)
{
	for (unsigned good = 0; good < 2; good++) {
		at64(3);
		descriptor(CODE, 0, FLAT, A_CODE(0) & ~1u, F_64);
		gate64(INT_N, CODE, good ? RIG_HANDLER(7) : NOT_CANONICAL, G_INT64(3), 0);
		happen(INT_N);
		assert_int_equal(rig_read8(r, RIG_GDT + CODE + 5) & 1, good);
	}
}

/* INTO is no instruction in 64-bit mode, but in compatibility mode. */
static void into_in_both_modes(void **state)
{
	at64(3);
	happen(INT_O);
	faulted(VEC_UD, 0, WHY_UNDEFINED_OPCODE);
	at_compat(3);
	happen(INT_O);
	delivered(VEC_OF);
	assert_int_equal(last()->kind, EV_INTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(idt_limit_counts_16_bytes_an_entry),
		T(idt_entry_beyond_the_canonical_half),
		T(idt_and_gdt_lie_anywhere),
		T(descriptor_tables_above_4_gib_are_read_there),
		T(only_64_bit_interrupt_and_trap_gates),
		T(gate_dpl_counts_for_software),
		T(gate_not_present),
		T(reserved_bits_of_a_gate_are_ignored),
		T(gate_offset_has_64_bits),
		T(gate_offset_not_canonical),
		T(code_limit_does_not_count),
		T(code_selector_null),
		T(code_selector_beyond_its_table),
		T(code_descriptor_at_no_canonical_address),
		T(code_selector_must_name_code_of_this_level_or_inner),
		T(code_segment_must_be_64_bit),
		T(conforming_code_keeps_the_level),
		T(code_segment_becomes_accessed),
		T(into_in_both_modes),
	};

	return cmocka_run_group_tests_name("64-bit gates", tests, NULL, NULL);
}
