/* IA-32e mode: the stack, its alignment, and the frame.  SDM 2A "INT n", INTER- and
 * INTRA-PRIVILEGE-LEVEL-INTERRUPT; SDM 3A, "64-Bit Mode Stack Frame", "Interrupt Stack Table". */
#include "deliver/bed64.h"

/* ---- which stack ---- */
static void inner_level_takes_its_rsp_and_a_null_ss(void **state)
{
	static const uint64_t stack[3] = {RIG_STACK0, STACK1, STACK2};

	for (unsigned compat = 0; compat < 2; compat++) {
		for (unsigned cpl = 0; cpl < 4; cpl++) {
			for (unsigned dpl = 0; dpl < cpl; dpl++) {
				EACH_WAY64(way) {
					at_mode(compat, cpl);
					gate64(way, CS64(dpl), RIG_HANDLER(7), G_INT64(3), 0);
					happen(way);
					delivered(ways[way].vector);
					assert_int_equal(s()->cpl, dpl);
					assert_int_equal(s()->seg[SEG_CS].sel, CS64(dpl));
					assert_int_equal(s()->seg[SEG_SS].sel, dpl); /* null, RPL = new CPL */
					assert_false(s()->seg[SEG_SS].usable);
					assert_int_equal(s()->seg[SEG_SS].dpl, dpl);
					assert_int_equal(rsp(), stack[dpl] - 40);
					assert_int_equal(last()->stack_source, STACK_RSP);
				}
			}
		}
	}
}

static void same_level_keeps_stack_and_ss(void **state)
{
	for (unsigned compat = 0; compat < 2; compat++) {
		for (unsigned cpl = 0; cpl < 4; cpl++) {
			EACH_WAY64(way) {
				at_mode(compat, cpl);
				gate64(way, CS64(cpl), RIG_HANDLER(7), G_INT64(3), 0);
				uint64_t before = rsp();
				happen(way);
				delivered(ways[way].vector);
				assert_int_equal(s()->seg[SEG_SS].sel, DSC(cpl));
				assert_true(s()->seg[SEG_SS].usable);
				assert_int_equal(rsp(), before - 40);
				assert_int_equal(last()->stack_source, STACK_SAME);
				assert_int_equal(word64(3), before); /* SS:RSP all the same */
				assert_int_equal(word64(4), DSC(cpl));
			}
		}
	}
}

/* IST 1 to 7: at the same level and from an outer one. */
static void ist_chooses_the_stack_whatever_the_level(void **state)
{
	for (unsigned ist = 1; ist < 8; ist++) {
		for (unsigned cpl = 0; cpl < 4; cpl++) {
			for (unsigned conforming = 0; conforming < 2; conforming++) {
				at64(cpl);
				gate64(INT_N, conforming ? CONF64 : RIG_CS0_64, RIG_HANDLER(7), G_INT64(3), ist);
				happen(INT_N);
				delivered(V);
				bool inner = !conforming && cpl;
				assert_int_equal(rsp(), RIG_IST(ist) - 40);
				assert_int_equal(last()->gate.ist, ist);
				assert_int_equal(last()->stack_source, STACK_IST);
				assert_int_equal(s()->seg[SEG_SS].sel, inner ? 0 : DSC(cpl));
				assert_int_equal(s()->cpl, inner ? 0 : cpl);
			}
		}
	}
}

/* TSS_RSP_LIMIT: #TS(TR + EXT) */
static void tss_too_short_for_the_stack_pointer(void **state)
{
	for (unsigned n = 0; n < 10; n++) { /* RSP0..2, IST1..7 */
		uint32_t last_byte = n < 3 ? 4 + 8 * n + 7 : 0x24 + 8 * (n - 3) + 7;

		for (unsigned short_by = 0; short_by < 2; short_by++) {
			EACH_WAY64(way) {
				at64(n < 3 ? 3 : 0);
				/* #TS without a stack switch that would fail too */
				rig_gate64(r, VEC_TS, RIG_CS0_64, RIG_HANDLER(VEC_TS), G_INT64(3), 0);
				gate64(way, n < 3 ? CS64(n) : RIG_CS0_64, RIG_HANDLER(7), G_INT64(3), n < 3 ? 0 : n - 2);
				s()->seg[SEG_TR].limit = last_byte - short_by;
				happen(way);
				if (!short_by)
					delivered(ways[way].vector);
				else if (n)
					refused64(VEC_TS, RIG_TR64 | ways[way].ext, WHY_TSS_RSP_LIMIT, STEP_STACK_SELECT);
				else
					assert_int_equal(s()->activity, ACT_SHUTDOWN);
			}
		}
	}
}

/* The handler's own level does not ask the TSS. */
static void same_level_needs_no_tss(void **state)
{
	at64(0);
	s()->seg[SEG_TR].limit = 0;
	happen(INT_N);
	delivered(V);
}

/* #PF of the TSS is a supervisor's read. */
static void stack_pointer_in_a_page_that_is_absent(void **state)
{
	at64(3);
	s()->seg[SEG_TR].base = 0x70000 - 0x24 - 4; /* IST1 half in it */
	rig_write64(r, 0x70000 - 0x24 - 4 + 4, RIG_STACK0);
	map64(0x70000, 0);
	gate64(INT_N, RIG_CS0_64, RIG_HANDLER(7), G_INT64(3), 1);
	happen(INT_N);
	refused64(VEC_PF, 0, WHY_PAGE_NOT_PRESENT, STEP_STACK_SELECT);
	assert_int_equal(s()->cr2, 0x70000);
}

/* ---- alignment ---- */
static void stack_is_aligned_on_16_before_the_push(void **state)
{
	for (unsigned low = 0; low < 16; low++) {
		for (unsigned from = 0; from < 3; from++) { /* RSP, RSP0, IST3 */
			EACH_WAY64(way) {
				at64(from ? 3 : 0);
				set_rsp(0x30100 + low);
				rig_write64(r, RSP_AT(0), 0x30200 + low);
				rig_write64(r, IST_AT(3), 0x30300 + low);
				gate64(way, RIG_CS0_64, RIG_HANDLER(7), G_INT64(3), from == 2 ? 3 : 0);
				happen(way);
				delivered(ways[way].vector);
				assert_int_equal(rsp(), 0x30100 + 0x100 * from - 40);
				assert_int_equal(last()->stack_pointer, 0x30100 + 0x100 * from + low);
				assert_int_equal(word64(3), 0x30100 + low); /* the old one as it was */
			}
		}
	}
}

/* ---- canonical addresses ---- */

/* FRAME_NON_CANONICAL: #SS(EXT), by the new stack pointer and by what lies below it */
static void new_stack_not_canonical(void **state)
{
	static const struct { uint64_t rsp; bool good; } cases[] = {
		{NOT_CANONICAL, false}, {LAST_LOW + 1, false}, {LAST_LOW, true}, {FIRST_HIGH, false},
		{FIRST_HIGH + 32, false}, {FIRST_HIGH + 48, true}, {FIRST_HIGH - 1, false}, {0, true},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned from = 0; from < 3; from++) {
			EACH_WAY64(way) {
				at64(from ? 3 : 0);
				rig_gate64(r, VEC_SS, RIG_CS0_64, RIG_HANDLER(VEC_SS), G_INT64(3), 7);
				if (!from)
					set_rsp(cases[i].rsp);
				rig_write64(r, from == 1 ? RSP_AT(0) : IST_AT(2), cases[i].rsp);
				gate64(way, RIG_CS0_64, RIG_HANDLER(7), G_INT64(3), from == 2 ? 2 : 0);
				happen(way);
				if (cases[i].good)
					delivered(ways[way].vector);
				else
					refused64(VEC_SS, ways[way].ext, WHY_FRAME_NON_CANONICAL, STEP_STACK_LIMIT);
			}
		}
	}
}

/* The stack is looked at before the gate's offset. */
static void stack_before_offset(void **state)
{
	at64(3);
	gate64(INT_N, RIG_CS0_64, NOT_CANONICAL, G_INT64(3), 1);
	rig_write64(r, IST_AT(1), NOT_CANONICAL);
	happen(INT_N);
	refused64(VEC_SS, 0, WHY_FRAME_NON_CANONICAL, STEP_STACK_LIMIT);
}

/* ---- the frame ---- */
static void five_words_of_8_bytes(void **state)
{
	for (unsigned compat = 0; compat < 2; compat++) {
		EACH_WAY64(way) {
			at_mode(compat, 3);
			if (!compat)
				set_rsp(UINT64_C(0xffff812345678900));
			set_flags(FLAG_CF | FLAG_IOPL, 0);
			uint64_t old = rsp();
			happen(way);
			delivered(ways[way].vector);
			const struct delivery_record *d = last();
			bool fault = way == INVALID;
			assert_int_equal(d->words, 5);
			assert_int_equal(d->word_bytes, 8);
			assert_int_equal(d->frame, rsp());
			assert_int_equal(word64(4), DSC(3));
			assert_int_equal(word64(3), old);
			assert_int_equal(word64(2), d->from.rflags | (fault ? FLAG_RF : 0));
			assert_int_equal(word64(1), compat ? CSC(3) : RIG_CS3_64);
			assert_int_equal(word64(0), RIG_CODE + (way == INT_N ? 2 : way == INT_3 || way == INT_1));
		}
	}
}

static void error_code_has_8_bytes(void **state)
{
	at64(3);
	rig_write64(r, RIG_STACK0 - 48, UINT64_MAX);
	INSN(0xf4);
	cpu_step(&r->cpu);
	faulted(VEC_GP, 0, WHY_PRIVILEGED);
	assert_int_equal(last()->words, 6);
	assert_int_equal(rsp(), RIG_STACK0 - 48);
	assert_int_equal(word64(0), 0);
	assert_int_equal(word64(1), RIG_CODE);
}

/* A page of the frame that is absent: #PF with the new privilege, nothing written. */
static void page_fault_while_pushing(void **state)
{
	for (unsigned way = INT_N; way <= INT_3; way++) {
		at64(3);
		map64(0x2f000, 0);
		rig_write64(r, RSP_AT(1), 0x30010); /* two words here, three there */
		rig_write64(r, 0x30000, 0x1122334455667788);
		gate64(way, CS1_64, RIG_HANDLER(7), G_INT64(3), 0);
		happen(way);
		refused64(VEC_PF, PF_W, WHY_PAGE_NOT_PRESENT, STEP_PUSH);
		assert_int_equal(s()->cr2, 0x2fff8);
		assert_int_equal(rig_read64(r, 0x30000), 0x1122334455667788);
	}
}

static void pushes_may_cross_into_another_page(void **state)
{
	at64(3);
	rig_write64(r, RSP_AT(0), 0x30010);
	happen(INT_N);
	delivered(V);
	assert_int_equal(rsp(), 0x2ffe8);
	assert_int_equal(rig_read64(r, 0x2ffe8), RIG_CODE + 2);
	assert_int_equal(rig_read64(r, 0x30008), DSC(3));
}

/* ---- flags ---- */
static void flags_cleared_by_each_gate(void **state)
{
	EACH_WAY64(way) {
		for (unsigned trap = 0; trap < 2; trap++) {
			at64(3);
			gate64(way, RIG_CS0_64, RIG_HANDLER(7), trap ? G_TRAP64(3) : G_INT64(3), 0);
			set_flags(FLAG_IF | FLAG_NT | FLAG_RF | FLAG_AC | FLAG_DF, 0);
			happen(way);
			delivered(ways[way].vector);
			assert_int_equal(flags() & (FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM), 0);
			assert_int_equal(flags() & FLAG_IF, trap ? FLAG_IF : 0);
			assert_int_equal(flags() & (FLAG_AC | FLAG_DF), FLAG_AC | FLAG_DF);
		}
	}
}

/* ---- between two instructions ---- */

/* MOV SS with null holds interrupts and NMI back for one instruction; NMI blocks the next one up to IRETQ. */
static void shadows_and_nmi_blocking(void **state)
{
	for (unsigned nmi = 0; nmi < 2; nmi++) {
		at64(0);
		set_flags(FLAG_IF, 0);
		set_reg(RAX, 0);
		INSN(0x8e, 0xd0, NOP, NOP);
		cpu_step(&r->cpu);
		nmi ? cpu_pulse_nmi(&r->cpu, 0) : rig_interrupt(r, V);
		cpu_step(&r->cpu);
		assert_int_equal(s()->rip, RIG_CODE + 3);
		cpu_step(&r->cpu);
		delivered(nmi ? VEC_NMI : V);
		assert_int_equal(word64(0), RIG_CODE + 3);
		assert_int_equal(word64(4), 0); /* the null SS */
		assert_int_equal(s()->nmi_blocked, nmi);
	}
	const uint8_t back[] = {0x48, 0xcf}; /* IRETQ */
	const uint64_t id = last()->id;

	rig_write(r, RIG_HANDLER(VEC_NMI), back, sizeof(back));
	cpu_pulse_nmi(&r->cpu, 0);
	cpu_step(&r->cpu);
	assert_int_equal(last()->id, id); /* still the first one */
	assert_int_equal(s()->rip, RIG_CODE + 3);
	cpu_step(&r->cpu);
	assert_int_equal(last()->vector, VEC_NMI);
	assert_true(last()->id > id);
}

/* ---- double faults ---- */

/* #SS for a page fault's frame, then #DF on a good stack of its own: what IST is for. */
static void double_fault_gets_a_stack_by_ist(void **state)
{
	at64(0);
	set_rsp(NOT_CANONICAL);
	rig_gate64(r, VEC_DF, RIG_CS0_64, RIG_HANDLER(VEC_DF), G_INT64(0), 1);
	INSN(0x0f, 0x0b); /* UD2: benign, so #SS comes first, and cannot be delivered either */
	cpu_step(&r->cpu);
	assert_int_equal(last()->vector, VEC_DF);
	assert_int_equal(last()->outcome, OUT_DELIVERED);
	assert_int_equal(rsp(), RIG_IST(1) - 48);
	assert_int_equal(word64(0), 0);
	assert_int_equal(word64(1), RIG_CODE);
	assert_int_equal(word64(4), NOT_CANONICAL);
	assert_int_equal(rig_last(r, 1)->vector, VEC_SS);
	assert_int_equal(rig_last(r, 2)->vector, VEC_UD);
}

static void triple_fault_without_it(void **state)
{
	at64(0);
	set_rsp(NOT_CANONICAL);
	INSN(0x0f, 0x0b);
	assert_int_equal(cpu_step(&r->cpu), STOP_SHUTDOWN);
	assert_int_equal(last()->outcome, OUT_SHUTDOWN);
	assert_int_equal(last()->vector, VEC_DF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(inner_level_takes_its_rsp_and_a_null_ss),
		T(same_level_keeps_stack_and_ss),
		T(ist_chooses_the_stack_whatever_the_level),
		T(tss_too_short_for_the_stack_pointer),
		T(same_level_needs_no_tss),
		T(stack_pointer_in_a_page_that_is_absent),
		T(stack_is_aligned_on_16_before_the_push),
		T(new_stack_not_canonical),
		T(stack_before_offset),
		T(five_words_of_8_bytes),
		T(error_code_has_8_bytes),
		T(page_fault_while_pushing),
		T(pushes_may_cross_into_another_page),
		T(flags_cleared_by_each_gate),
		T(shadows_and_nmi_blocking),
		T(double_fault_gets_a_stack_by_ist),
		T(triple_fault_without_it),
	};

	return cmocka_run_group_tests_name("64-bit frames", tests, NULL, NULL);
}
