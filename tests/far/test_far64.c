/* Far transfers in IA-32e mode: CALL, JMP and RET between levels and between 64-bit and compatibility mode, 64-bit
 * call gates.  SDM 2A "CALL", "JMP", 2B "RET": Operation and 64-Bit Mode Exceptions. */
#include "deliver/bed64.h"
#include "rig/guest.h"

#define POINTER 0x13000u
#define TO      0x11000u
#define SP      0x12340u
#define GATE    0xb8u /* of 16 bytes */

/* The far pointer in memory; bytes of the offset: 2, 4, 8. */
static void far_m(bool call, unsigned bytes, unsigned sel, uint64_t offset)
{
	uint8_t text[9], n = 0;

	rig_write(r, POINTER, &offset, bytes);
	rig_write16(r, POINTER + bytes, (uint16_t)sel);
	if (bytes == 2)
		text[n++] = 0x66;
	if (bytes == 8)
		text[n++] = 0x48;
	text[n++] = 0xff;
	text[n++] = call ? 0x1c : 0x2c; /* [disp32] */
	text[n++] = 0x25;
	memcpy(text + n, &(uint32_t){POINTER}, 4);
	code(text, n + 4u);
	cpu_step(&r->cpu);
}

/* Of compatibility mode: the pointer in the instruction. */
static void far_i(bool call, unsigned sel, uint32_t offset)
{
	uint8_t text[7] = {call ? 0x9a : 0xea};

	memcpy(text + 1, &offset, 4);
	memcpy(text + 5, &(uint16_t){(uint16_t)sel}, 2);
	code(text, 7);
	cpu_step(&r->cpu);
}

static void retf(unsigned bytes, unsigned release)
{
	uint8_t text[5], n = 0;

	if (bytes == 2)
		text[n++] = 0x66;
	if (bytes == 8)
		text[n++] = 0x48;
	text[n++] = release ? 0xca : 0xcb;
	text[n++] = (uint8_t)release;
	text[n++] = (uint8_t)(release >> 8);
	code(text, n);
	cpu_step(&r->cpu);
}

static void arrived(uint64_t ip, unsigned cs, uint64_t sp)
{
	assert_int_equal(r->trace.deliveries, deliveries_before);
	assert_int_equal(s()->rip, ip);
	assert_int_equal(s()->seg[SEG_CS].sel, cs);
	assert_int_equal(rsp(), sp);
	assert_int_equal(s()->cpl, cs & 3);
}

static void call_gate(unsigned sel, uint64_t offset, unsigned access)
{
	rig_gdt(r, GATE, (offset & 0xffff) | (uint64_t)sel << 16 | (uint64_t)access << 40 | (offset >> 16 & 0xffff) << 48);
	rig_gdt(r, GATE + 8, offset >> 32);
}
#define G_CALL64(dpl) (0x8cu | (dpl) << 5)

/* ---- direct ---- */
static void pointers_in_the_instruction_are_undefined_in_64_bit_mode(void **state)
{
	for (unsigned call = 0; call < 2; call++) {
		at64(0);
		far_i(call, RIG_CS0_64, TO);
		faulted(VEC_UD, 0, WHY_UNDEFINED_OPCODE);
		at_compat(0);
		far_i(call, RIG_CS0_64, TO);
		arrived(TO, RIG_CS0_64, RIG_STACK0 - 8 * call);
		assert_int_equal(r->cpu.sp_mask, UINT64_MAX);
	}
}

static void offsets_of_16_32_and_64_bits(void **state)
{
	for (unsigned bytes = 2; bytes <= 8; bytes *= 2) {
		uint64_t to = bytes == 8 ? FIRST_HIGH + TO : bytes == 4 ? 0x80011000 : 0x8100;

		for (unsigned call = 0; call < 2; call++) {
			for (unsigned cpl = 0; cpl < 4; cpl++) {
				at64(cpl);
				uint64_t before = rsp();
				far_m(call, bytes, CS64(cpl), to);
				arrived(to, CS64(cpl), before - 2 * bytes * call);
				if (!call)
					continue;
				uint64_t back = 0, cs = 0;
				bus_peek(r->bus, rsp(), &back, bytes);
				bus_peek(r->bus, rsp() + bytes, &cs, bytes);
				assert_int_equal(cs, CS64(cpl));
				assert_int_equal(back, (RIG_CODE + 7 + (bytes != 4)) & (bytes == 2 ? 0xffff : UINT32_MAX));
			}
		}
	}
}

static void into_compatibility_mode_and_back(void **state)
{
	for (unsigned call = 0; call < 2; call++) {
		at64(3);
		far_m(call, 4, CSC(3), TO);
		arrived(TO, CSC(3), RIG_STACK3 - 8 * call);
		assert_int_equal(r->cpu.ip_mask, UINT32_MAX);
		assert_int_equal(r->cpu.sp_mask, UINT32_MAX);
		/* jmp far RIG_CS3_64:TO + 16 */
		rig_write(r, TO, (const uint8_t[]){0xea, 0x10, 0x10, 0x01, 0x00, RIG_CS3_64 & 0xff, RIG_CS3_64 >> 8}, 7);
		cpu_step(&r->cpu);
		arrived(TO + 16, RIG_CS3_64, RIG_STACK3 - 8 * call);
	}
}

/* FAR_L_AND_D: #GP(selector), before the levels are compared */
static void code_with_l_and_d(void **state)
{
	for (unsigned conforming = 0; conforming < 2; conforming++) {
		at64(0);
		descriptor(CODE, 0, FLAT, conforming ? A_CONF(3) : A_CODE(3), F_BOTH);
		far_m(true, 8, CODE, TO);
		faulted(VEC_GP, CODE, WHY_FAR_L_AND_D);
	}
}

/* FAR_NON_CANONICAL: #GP(0) */
static void target_not_canonical(void **state)
{
	for (unsigned call = 0; call < 2; call++) {
		at64(0);
		far_m(call, 8, RIG_CS0_64, LAST_LOW + 1);
		faulted(VEC_GP, 0, WHY_FAR_NON_CANONICAL);
		at64(0);
		far_m(call, 8, RIG_CS0_64, LAST_LOW);
		arrived(LAST_LOW, RIG_CS0_64, RIG_STACK0 - 16 * call);
	}
}

/* FAR_LIMIT: for compatibility mode, and by the lower half of the offset */
static void only_compatibility_mode_has_a_limit(void **state)
{
	at64(0);
	descriptor(CODE, 0, 0x1fff, A_CODE(0), F_32_BYTE);
	far_m(false, 8, CODE, 0x2000);
	faulted(VEC_GP, 0, WHY_FAR_LIMIT);
	at64(0);
	descriptor(CODE, 0, 0x1fff, A_CODE(0), F_32_BYTE);
	far_m(false, 8, CODE, NOT_CANONICAL + 0x1fff);
	arrived(0x1fff, CODE, RIG_STACK0);
	at64(0);
	descriptor(CODE, 0, 0x1fff, A_CODE(0), F_64 & ~8u);
	far_m(false, 8, CODE, 0x2000);
	arrived(0x2000, CODE, RIG_STACK0);
}

/* NON_CANONICAL: #SS(0), before the target is looked at */
static void no_canonical_room_for_the_return_address(void **state)
{
	at64(0);
	set_rsp(FIRST_HIGH + 8);
	rig_gate64(r, VEC_SS, RIG_CS0_64, RIG_HANDLER(VEC_SS), G_INT64(3), 1);
	far_m(true, 8, RIG_CS0_64, NOT_CANONICAL);
	faulted(VEC_SS, 0, WHY_NON_CANONICAL);
	assert_int_equal(last()->from.rsp, FIRST_HIGH + 8);
}

static void page_fault_of_the_second_push_leaves_the_first_undone(void **state)
{
	at64(0);
	set_rsp(0x30008);
	map64(0x2f000, 0);
	rig_gate64(r, VEC_PF, RIG_CS0_64, RIG_HANDLER(VEC_PF), G_INT64(3), 1);
	rig_write64(r, 0x30000, 0x1122334455667788);
	far_m(true, 8, RIG_CS0_64, TO);
	faulted(VEC_PF, PF_W, WHY_PAGE_NOT_PRESENT);
	assert_int_equal(rig_read64(r, 0x30000), 0x1122334455667788);
	assert_int_equal(last()->from.rsp, 0x30008);
}

/* FAR_TYPE: neither tasks nor gates of 16 bits, #GP(selector) */
static void system_descriptors_of_other_modes(void **state)
{
	for (unsigned compat = 0; compat < 2; compat++) {
		for (unsigned type = 0; type < 16; type++) {
			if (type == SYS_CALL_GATE64)
				continue;
			at_mode(compat, 0);
			rig_gdt(r, GATE, (uint64_t)(0xe0 | type) << 40);
			compat ? far_i(true, GATE, 0) : far_m(true, 8, GATE, 0);
			faulted(VEC_GP, GATE, WHY_FAR_TYPE);
		}
	}
}

/* ---- call gates ---- */
static void through_a_gate_inwards(void **state)
{
	static const uint64_t stack[3] = {RIG_STACK0, STACK1, STACK2};

	for (unsigned compat = 0; compat < 2; compat++) {
		for (unsigned dpl = 0; dpl < 3; dpl++) {
			at_mode(compat, 3);
			call_gate(CS64(dpl), FIRST_HIGH + TO, G_CALL64(3));
			rig_write8(r, RIG_GDT + GATE + 4, 5); /* a count of parameters is none */
			rig_write64(r, RSP_AT(dpl), stack[dpl] + 3); /* and nothing aligns the stack */
			compat ? far_i(true, GATE | 3, 0) : far_m(true, 4, GATE | 3, 0);
			arrived(FIRST_HIGH + TO, CS64(dpl), stack[dpl] + 3 - 32);
			assert_int_equal(s()->seg[SEG_SS].sel, dpl);
			assert_false(s()->seg[SEG_SS].usable);
			assert_int_equal(s()->seg[SEG_SS].dpl, dpl);
			assert_int_equal(rig_read64(r, rsp()), RIG_CODE + 7);
			assert_int_equal(rig_read64(r, rsp() + 8), compat ? CSC(3) : RIG_CS3_64);
			assert_int_equal(rig_read64(r, rsp() + 16), RIG_STACK3);
			assert_int_equal(rig_read64(r, rsp() + 24), DSC(3));
		}
	}
}

static void through_a_gate_of_the_same_level(void **state)
{
	for (unsigned compat = 0; compat < 2; compat++) {
		for (unsigned call = 0; call < 2; call++) {
			for (unsigned conforming = 0; conforming < 2; conforming++) {
				at_mode(compat, conforming ? 3 : 0);
				uint64_t before = rsp();
				call_gate(conforming ? CONF64 : RIG_CS0_64, TO, G_CALL64(3));
				compat ? far_i(call, GATE, 0) : far_m(call, 8, GATE, 0);
				arrived(TO, conforming ? CONF64 | 3 : RIG_CS0_64, before - 16 * call);
				assert_int_equal(s()->seg[SEG_SS].sel, DSC(conforming ? 3 : 0));
				if (!call)
					continue;
				assert_int_equal(rig_read64(r, rsp()), RIG_CODE + 7 + !compat);
				assert_int_equal(rig_read64(r, rsp() + 8),
						 compat ? CSC(conforming ? 3 : 0) : conforming ? RIG_CS3_64 : RIG_CS0_64);
			}
		}
	}
}

/* A gate's return address goes onto the stack of 64-bit code, which knows no base. */
static void gate_from_compatibility_mode_ignores_the_base_of_ss(void **state)
{
	at_compat(0);
	descriptor(DATA, 0x1000, FLAT, A_DATA(0), F_32);
	load(SEG_SS, DATA);
	call_gate(RIG_CS0_64, TO, G_CALL64(3));
	far_i(true, GATE, 0);
	arrived(TO, RIG_CS0_64, RIG_STACK0 - 16);
	assert_int_equal(rig_read64(r, RIG_STACK0 - 16), RIG_CODE + 7);
	assert_int_equal(rig_read64(r, RIG_STACK0 - 8), CSC(0));
}

static void gate_faults(unsigned cpl, unsigned sel, uint64_t offset, unsigned access, enum vector vector, uint32_t error,
			enum why why)
{
	at64(cpl);
	call_gate(sel, offset, access);
	far_m(true, 8, GATE, 0);
	faulted(vector, error, why);
}

/* The gate's own checks, and those of its code segment, in the manual's order. */
static void checks_of_a_gate(void **state)
{
	gate_faults(3, 0, 0, ABSENT(G_CALL64(2)), VEC_GP, GATE, WHY_CALL_GATE_DPL);
	at64(0);
	call_gate(0, 0, ABSENT(G_CALL64(2)));
	far_m(true, 8, GATE | 3, 0);
	faulted(VEC_GP, GATE, WHY_CALL_GATE_RPL);
	gate_faults(3, 0, 0, ABSENT(G_CALL64(3)), VEC_NP, GATE, WHY_CALL_GATE_NOT_PRESENT);
	gate_faults(3, 3, 0, G_CALL64(3), VEC_GP, 0, WHY_CALL_GATE_CS_NULL);
	gate_faults(3, NOWHERE, 0, G_CALL64(3), VEC_GP, NOWHERE, WHY_CALL_GATE_CS_BEYOND_TABLE);
	gate_faults(3, RIG_DS0, 0, G_CALL64(3), VEC_GP, RIG_DS0, WHY_CALL_GATE_CS_TYPE);
	gate_faults(0, RIG_CS3_64, 0, G_CALL64(3), VEC_GP, RIG_CS3_64 & ~3u, WHY_CALL_GATE_CS_DPL);
	at64(3);
	call_gate(RIG_CS0_64, TO, G_CALL64(3));
	far_m(false, 8, GATE, 0);
	faulted(VEC_GP, RIG_CS0_64, WHY_CALL_GATE_JMP_INWARDS);
}

/* CALL_GATE_CS_NOT_64BIT: #GP(code selector), before its P */
static void gates_lead_to_64_bit_code(void **state)
{
	for (unsigned nibble = 0; nibble < 16; nibble++) {
		at64(3);
		descriptor(CODE, 0, FLAT, ABSENT(A_CODE(0)), nibble);
		call_gate(CODE, TO, G_CALL64(3));
		far_m(true, 8, GATE, 0);
		if ((nibble & 6) == 2)
			faulted(VEC_NP, CODE, WHY_CALL_GATE_CS_NOT_PRESENT);
		else
			faulted(VEC_GP, CODE, WHY_CALL_GATE_CS_NOT_64BIT);
	}
}

/* SYSTEM_UPPER_TYPE: bits 12:8 of the last four bytes, #GP(gate selector), before DPL */
static void upper_type_of_a_gate(void **state)
{
	for (unsigned bit = 0; bit < 32; bit++) {
		bool type = bit >= 8 && bit <= 12;

		at64(3);
		call_gate(RIG_CS0_64, TO, G_CALL64(type ? 0 : 3));
		rig_write32(r, RIG_GDT + GATE + 12, 1u << bit);
		far_m(true, 8, GATE, 0);
		if (type)
			faulted(VEC_GP, GATE, WHY_SYSTEM_UPPER_TYPE);
		else
			arrived(TO, RIG_CS0_64, RIG_STACK0 - 32);
	}
}

/* FAR_BEYOND_TABLE: all 16 bytes count */
static void upper_half_beyond_the_table(void **state)
{
	for (unsigned short_by = 0; short_by < 2; short_by++) {
		at64(0);
		descriptor(CS64(0), 0, FLAT, A_CODE(0), F_64);
		rig_gdt(r, 0x200, 0);
		rig_write64(r, RIG_GDT + 0x200, (uint64_t)RIG_CS0_64 << 16 | (uint64_t)G_CALL64(3) << 40 | (TO & 0xffff) |
							(uint64_t)(TO >> 16) << 48);
		rig_write64(r, RIG_GDT + 0x208, 0);
		s()->gdtr.limit = (uint16_t)(0x20f - short_by);
		far_m(true, 8, 0x200, 0);
		if (short_by)
			faulted(VEC_GP, 0x200, WHY_FAR_BEYOND_TABLE);
		else
			arrived(TO, RIG_CS0_64, RIG_STACK0 - 16);
	}
}

/* TSS_RSP_LIMIT: #TS(TR) */
static void tss_too_short_for_a_gate(void **state)
{
	for (unsigned short_by = 0; short_by < 2; short_by++) {
		at64(3);
		call_gate(CS1_64, TO, G_CALL64(3));
		s()->seg[SEG_TR].limit = 12 + 7 - short_by;
		far_m(true, 8, GATE, 0);
		if (short_by)
			faulted(VEC_TS, RIG_TR64, WHY_TSS_RSP_LIMIT);
		else
			arrived(TO, CS1_64, STACK1 - 32);
	}
}

/* NON_CANONICAL: #SS(0) by the pushes; FAR_NON_CANONICAL: #GP(0) by the offset, behind it */
static void gate_stack_and_target_not_canonical(void **state)
{
	for (unsigned inner = 0; inner < 2; inner++) {
		at64(inner ? 3 : 0);
		rig_gate64(r, VEC_SS, RIG_CS0_64, RIG_HANDLER(VEC_SS), G_INT64(3), 1);
		call_gate(RIG_CS0_64, NOT_CANONICAL, G_CALL64(3));
		rig_write64(r, RSP_AT(0), FIRST_HIGH + 31 - 16 * !inner);
		if (!inner)
			set_rsp(FIRST_HIGH + 15);
		far_m(true, 8, GATE, 0);
		faulted(VEC_SS, 0, WHY_NON_CANONICAL);
		gate_faults(inner ? 3 : 0, RIG_CS0_64, NOT_CANONICAL, G_CALL64(3), VEC_GP, 0, WHY_FAR_NON_CANONICAL);
	}
}

static void gate_page_fault_writes_nothing(void **state)
{
	at64(3);
	map64(0x2f000, 0);
	rig_write64(r, RSP_AT(1), 0x30010);
	rig_write64(r, 0x30000, 0x1122334455667788);
	call_gate(CS1_64, TO, G_CALL64(3));
	far_m(true, 8, GATE, 0);
	faulted(VEC_PF, PF_W, WHY_PAGE_NOT_PRESENT);
	assert_int_equal(rig_read64(r, 0x30000), 0x1122334455667788);
}

/* ---- RETF ---- */
static void retf_of_each_size_stays_on_its_stack(void **state)
{
	for (unsigned bytes = 2; bytes <= 8; bytes *= 2) {
		for (unsigned release = 0; release < 33; release += 16) {
			for (unsigned compat = 0; compat < 2; compat++) {
				at64(3);
				PUT64(bytes, 0x1234, compat ? CSC(3) : RIG_CS3_64);
				retf(bytes, release);
				arrived(0x1234, compat ? CSC(3) : RIG_CS3_64, RIG_STACK3 + 2 * bytes + release);
				assert_int_equal(s()->seg[SEG_SS].sel, DSC(3));
			}
		}
	}
}

static void retf_to_an_outer_level(void **state)
{
	for (unsigned bytes = 2; bytes <= 8; bytes *= 2) {
		for (unsigned compat = 0; compat < 2; compat++) {
			at64(0);
			load(SEG_ES, DSC(0));
			put_words64(bytes, 2, (uint64_t[]){0x1234, compat ? CSC(3) : RIG_CS3_64});
			set_rsp(rsp() + 2 * bytes + 16);
			put_words64(bytes, 2, (uint64_t[]){0x5678, DSC(3)});
			set_rsp(rsp() - 2 * bytes - 16);
			retf(bytes, 16);
			arrived(0x1234, compat ? CSC(3) : RIG_CS3_64, 0x5678 + 16);
			assert_int_equal(s()->seg[SEG_SS].sel, DSC(3));
			assert_int_equal(s()->seg[SEG_ES].sel, 0);
		}
	}
}

static void retf_from_compatibility_mode(void **state)
{
	at_compat(0);
	PUT64(4, TO, RIG_CS0_64);
	retf(4, 0);
	arrived(TO, RIG_CS0_64, RIG_STACK0 + 8);
	at_compat(0);
	PUT64(4, TO, RIG_CS3_64, SP, DSC(3));
	retf(4, 0);
	arrived(TO, RIG_CS3_64, SP);
}

/* RETURN_SS_NULL: as IRETQ, null is good in 64-bit code of levels 1 and 2 */
static void retf_with_null_ss(void **state)
{
	for (unsigned compat = 0; compat < 2; compat++) {
		for (unsigned to = 1; to < 4; to++) {
			for (unsigned ss = 0; ss < 4; ss++) {
				at64(0);
				PUT64(8, TO, compat ? CSC(to) : CS64(to), SP, ss);
				retf(8, 0);
				if (!compat && to < 3 && ss == to) {
					arrived(TO, CS64(to), SP);
					assert_int_equal(s()->seg[SEG_SS].sel, ss);
					assert_false(s()->seg[SEG_SS].usable);
				} else {
					faulted(VEC_GP, 0, WHY_RETURN_SS_NULL);
				}
			}
		}
	}
}

/* RETURN_CS_L_AND_D, RETURN_NON_CANONICAL, RETURN_LIMIT, NON_CANONICAL */
static void checks_of_retf(void **state)
{
	at64(0);
	descriptor(CODE, 0, FLAT, A_CODE(0), F_BOTH);
	PUT64(8, TO, CODE);
	retf(8, 0);
	faulted(VEC_GP, CODE, WHY_RETURN_CS_L_AND_D);
	for (unsigned level = 0; level < 4; level += 3) {
		at64(0);
		PUT64(8, NOT_CANONICAL, CS64(level), SP, DSC(level));
		retf(8, 0);
		faulted(VEC_GP, 0, WHY_RETURN_NON_CANONICAL);
		at64(0);
		descriptor(CODE, 0, 0x1fff, A_CODE(level), F_32_BYTE);
		PUT64(8, 0x2000, CODE | level, SP, DSC(level));
		retf(8, 0);
		faulted(VEC_GP, 0, WHY_RETURN_LIMIT);
	}
	at64(0);
	set_rsp(LAST_LOW - 7);
	rig_gate64(r, VEC_SS, RIG_CS0_64, RIG_HANDLER(VEC_SS), G_INT64(3), 1);
	retf(8, 0);
	faulted(VEC_SS, 0, WHY_NON_CANONICAL);
}

/* ---- in blocks and one by one ---- */
GUEST64(program, "1: .byte 0x48, 0xff, 0x1c, 0x25\n .long 0x13000\n .byte 0xff, 0x1c, 0x25\n .long 0x13010\n dec ecx\n jnz 1b\n hlt")
GUEST64(behind_gate, "inc ebx\n .byte 0x48, 0xcb")
GUEST32(old_routine, "inc edx\n .byte 0xcb")

static void fast_is_plain(void **state)
{
	for (unsigned plain = 0; plain < 2; plain++) {
		at64(3);
		r->cpu.plain = plain;
		LOAD(r, RIG_CODE, program);
		LOAD(r, TO, behind_gate);
		LOAD(r, TO + 0x100, old_routine);
		call_gate(RIG_CS0_64, FIRST_HIGH + TO, G_CALL64(3));
		rig_write64(r, POINTER, 0);
		rig_write16(r, POINTER + 8, GATE | 3);
		rig_write32(r, POINTER + 0x10, TO + 0x100);
		rig_write16(r, POINTER + 0x14, CSC(3));
		set_reg(RCX, 20);
		set_reg(RBX, 0);
		set_reg(RDX, 0);
		cpu_state_changed(&r->cpu);
		rig_run(r, 1000);
		assert_int_equal(reg(RBX), 20);
		assert_int_equal(reg(RDX), 20);
		assert_int_equal(reg(RCX), 0);
		assert_int_equal(last()->vector, VEC_GP); /* HLT at CPL 3 */
		assert_int_equal(last()->from.rsp, RIG_STACK3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(pointers_in_the_instruction_are_undefined_in_64_bit_mode),
		T(offsets_of_16_32_and_64_bits),
		T(into_compatibility_mode_and_back),
		T(code_with_l_and_d),
		T(target_not_canonical),
		T(only_compatibility_mode_has_a_limit),
		T(no_canonical_room_for_the_return_address),
		T(page_fault_of_the_second_push_leaves_the_first_undone),
		T(system_descriptors_of_other_modes),
		T(through_a_gate_inwards),
		T(through_a_gate_of_the_same_level),
		T(gate_from_compatibility_mode_ignores_the_base_of_ss),
		T(checks_of_a_gate),
		T(gates_lead_to_64_bit_code),
		T(upper_type_of_a_gate),
		T(upper_half_beyond_the_table),
		T(tss_too_short_for_a_gate),
		T(gate_stack_and_target_not_canonical),
		T(gate_page_fault_writes_nothing),
		T(retf_of_each_size_stays_on_its_stack),
		T(retf_to_an_outer_level),
		T(retf_from_compatibility_mode),
		T(retf_with_null_ss),
		T(checks_of_retf),
		T(fast_is_plain),
	};

	return cmocka_run_group_tests_name("far transfers in IA-32e mode", tests, NULL, NULL);
}
