/* An exception while another is being delivered: SDM 3A, "Interrupt 8 - Double Fault
 * Exception (#DF)", both tables; #DF refused is a shutdown. */
#include "deliver/bed.h"

#define EMPTY 0x70000u /* a page that is not there */

/* ---- first exceptions, raised by an instruction at CPL 3 ---- */
struct first {
	const char *name;
	uint8_t vector, code[8];
	enum { BENIGN, CONTRIBUTORY, PAGE } class;
};

static const struct first firsts[] = {
	{"#DE", VEC_DE, {0xf7, 0xf1}, CONTRIBUTORY},       /* DIV ECX, ECX = 0 */
	{"INT1", VEC_DB, {0xf1}, BENIGN},
	{"INT3", VEC_BP, {0xcc}, BENIGN},
	{"INTO", VEC_OF, {0xce}, BENIGN},
	{"#BR", VEC_BR, {0x62, 0x05, 0x00, 0x50, 0x00, 0x00}, BENIGN}, /* BOUND EAX, [5000h]: bounds 1, 1 */
	{"#UD", VEC_UD, {0x0f, 0x0b}, BENIGN},
	{"#NM", VEC_NM, {0xd9, 0xd0}, BENIGN},
	{"#TS", VEC_TS, {0xcf}, CONTRIBUTORY},             /* IRET with NT, the link no TSS */
	{"#NP", VEC_NP, {0x8e, 0xd9}, CONTRIBUTORY},       /* MOV DS, CX: absent */
	{"#SS", VEC_SS, {0x8e, 0xd1}, CONTRIBUTORY},       /* MOV SS, CX: absent */
	{"#GP", VEC_GP, {0xf4}, CONTRIBUTORY},
	{"#PF", VEC_PF, {0xa1, 0x00, 0x00, 0x07, 0x00}, PAGE},
	{"#AC", VEC_AC, {0xa1, 0x01, 0x50, 0x00, 0x00}, BENIGN},
	{"INT 13", VEC_GP, {0xcd, 0x0d}, BENIGN},          /* software: none of the table's */
	{"INT 14", VEC_PF, {0xcd, 0x0e}, BENIGN},
	{"INT 8", VEC_DF, {0xcd, 0x08}, BENIGN},
};

static void prepare(const struct first *f)
{
	at_cpl(3);
	rig_paging(r);
	unmap(EMPTY);
	rig_write32(r, 0x5000, 1);
	rig_write32(r, 0x5004, 1);
	code(f->code, sizeof(f->code));
	set_reg(RCX, 0);
	if (f->code[0] == 0x8e) {
		descriptor(DATA, 0, FLAT, ABSENT(A_DATA(3)), F_32);
		set_reg(RCX, DATA | 3);
	}
	switch (f->vector) {
	case VEC_OF:
		set_flags(FLAG_OF, 0);
		break;
	case VEC_NM:
		s()->cr0 |= CR0_TS;
		break;
	case VEC_TS:
		set_flags(FLAG_NT, 0);
		rig_write16(r, RIG_TSS, RIG_CS0); /* the back link */
		break;
	case VEC_AC:
		s()->cr0 |= CR0_AM;
		set_flags(FLAG_AC, 0);
		break;
	}
	cpu_state_changed(&r->cpu);
}

/* ---- second exceptions: what the first one's gate leads to ---- */
static const struct second {
	uint8_t vector;
	bool page;
} seconds[] = {{VEC_TS, false}, {VEC_NP, false}, {VEC_SS, false}, {VEC_GP, false}, {VEC_PF, true}};

static void spoil(unsigned vector, unsigned second)
{
	switch (second) {
	case VEC_TS:
		rig_gate(r, (uint8_t)vector, CS1, 0x8000, G_INT32(3));
		rig_write16(r, RIG_TSS + 16, 0);
		break;
	case VEC_NP:
		rig_gate(r, (uint8_t)vector, RIG_CS0, 0x8000, ABSENT(G_INT32(3)));
		break;
	case VEC_SS:
		rig_gate(r, (uint8_t)vector, CS1, 0x8000, G_INT32(3));
		descriptor(DS1, 0, FLAT, ABSENT(A_DATA(1)), F_32);
		break;
	case VEC_GP:
		rig_gate(r, (uint8_t)vector, RIG_CS0, 0x8000, 0xe0);
		break;
	case VEC_PF:
		rig_gate(r, (uint8_t)vector, CS1, 0x8000, G_INT32(3));
		rig_write32(r, RIG_TSS + 12, EMPTY + 0x100);
		break;
	}
}

/* DOUBLE_FAULT: the whole table. */
static void every_pair(void **state)
{
	for (unsigned i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		for (unsigned j = 0; j < sizeof(seconds) / sizeof(seconds[0]); j++) {
			const struct first *f = &firsts[i];
			bool df = f->class == CONTRIBUTORY ? !seconds[j].page : f->class == PAGE;

			if (f->vector == seconds[j].vector && f->class != CONTRIBUTORY && f->class != PAGE)
				continue; /* INT 13, INT 14 share their gate with the second */
			prepare(f);
			spoil(f->vector, seconds[j].vector);
			cpu_step(&r->cpu);
			const struct delivery_record *d = rig_last(r, 1);
			assert_int_equal(d->vector, f->vector);
			assert_int_equal(d->outcome, OUT_FAULTED);
			assert_int_equal(d->refused.vector, seconds[j].vector);
			assert_int_equal(last()->outcome, OUT_DELIVERED);
			assert_int_equal(last()->parent, d->id);
			assert_int_equal(last()->vector, df ? VEC_DF : seconds[j].vector);
			assert_int_equal(last()->kind, df ? EV_ABORT : EV_FAULT);
			assert_int_equal(word(1), RIG_CODE); /* the instruction's own address, INT n too */
			if (df) {
				assert_why(last()->why, WHY_DOUBLE_FAULT);
				assert_int_equal(word(0), 0);
			} else {
				assert_int_equal(word(0), d->refused.error);
			}
			if (seconds[j].page)
				assert_int_equal(s()->cr2, EMPTY + 0x100 - 4);
		}
	}
}

/* A contributory exception then a page fault is no double fault, but that page fault is
 * the first of the next pair. */
static void page_fault_after_a_contributory_one_then_another(void **state)
{
	prepare(&firsts[10]);
	spoil(VEC_GP, VEC_PF);
	spoil(VEC_PF, VEC_NP);
	cpu_step(&r->cpu);
	assert_int_equal(last()->vector, VEC_DF);
	assert_int_equal(rig_last(r, 1)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 2)->vector, VEC_GP);
}

/* Interrupts are benign whatever their vector. */
static void interrupts_are_benign(void **state)
{
	for (unsigned nmi = 0; nmi < 2; nmi++) {
		unsigned vector = nmi ? VEC_NMI : V;

		at_cpl(3);
		spoil(vector, VEC_NP);
		happen(nmi ? NMI : PIN);
		refused(VEC_NP, vector * 8 + 3, WHY_GATE_NOT_PRESENT, STEP_GATE_PRESENT);
	}
	at_cpl(3);
	INSN(0x90);
	rig_interrupt(r, VEC_GP); /* an external interrupt with #GP's vector is no #GP */
	set_flags(FLAG_IF, 0);
	spoil(VEC_GP, VEC_TS);
	cpu_step(&r->cpu);
	refused(VEC_TS, 1, WHY_INNER_SS_NULL, STEP_STACK_SEGMENT);
}

/* A single-step trap that cannot be delivered is benign too, and does not come again. */
static void debug_trap_is_benign(void **state)
{
	at_cpl(3);
	INSN(0x90, 0x90);
	set_flags(FLAG_TF, 0);
	spoil(VEC_DB, VEC_NP);
	cpu_step(&r->cpu);
	cpu_step(&r->cpu);
	assert_int_equal(last()->vector, VEC_NP);
	assert_int_equal(rig_last(r, 1)->vector, VEC_DB);
	assert_int_equal(word(0), VEC_DB * 8 + 3);
	assert_int_equal(word(1), RIG_CODE + 1);
}

/* ---- shutdown ---- */
static void double_fault_refused_is_shutdown(void **state)
{
	for (unsigned j = 0; j < sizeof(seconds) / sizeof(seconds[0]); j++) {
		prepare(&firsts[10]);
		spoil(VEC_GP, VEC_NP);
		spoil(VEC_DF, seconds[j].vector);
		struct arch_state before = *s();
		assert_int_equal(cpu_step(&r->cpu), STOP_SHUTDOWN);
		assert_int_equal(last()->vector, VEC_DF);
		assert_int_equal(last()->outcome, OUT_SHUTDOWN);
		assert_int_equal(last()->refused.vector, seconds[j].vector);
		assert_int_equal(s()->activity, ACT_SHUTDOWN);
		assert_int_equal(s()->rip, RIG_CODE);
		assert_memory_equal(&before.gpr, &s()->gpr, sizeof(before.gpr));
		assert_memory_equal(&before.seg, &s()->seg, sizeof(before.seg));
		assert_int_equal(rig_run(r, 100), STOP_SHUTDOWN);
	}
}

/* The exception of a refused delivery has EXT set in turn, even where an INT n began it. */
static void ext_of_the_second_refusal(void **state)
{
	at_cpl(3);
	spoil(V, VEC_NP);
	spoil(VEC_NP, VEC_GP);
	INSN(0xcd, V);
	cpu_step(&r->cpu);
	assert_int_equal(last()->vector, VEC_DF);
	assert_int_equal(rig_last(r, 1)->refused.error, VEC_NP * 8 + 2 + 1);
	assert_int_equal(rig_last(r, 2)->refused.error, V * 8 + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_pair), T(page_fault_after_a_contributory_one_then_another), T(interrupts_are_benign),
		T(debug_trap_is_benign), T(double_fault_refused_is_shutdown), T(ext_of_the_second_refusal),
	};

	return cmocka_run_group_tests_name("double faults", tests, NULL, NULL);
}
