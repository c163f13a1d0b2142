/* The combinations of deliveries, block by block. */
#include "parts.h"

static const uint8_t some_sources[] = {SRC_INT, SRC_EXT, SRC_UD, SRC_GP, SRC_PF, SRC_INT1};

/* Levels from and to which a more privileged handler is entered. */
static const struct {
	uint8_t from, to;
} inner[] = {{3, 0}, {3, 1}, {3, 2}, {2, 0}, {2, 1}, {1, 0}, {V86, 0}};

#define INNER      ARRAY_SIZE(inner)
#define PLACES     (4 + INNER) /* the same level, 0-3; then the pairs above */
#define GATE_TYPES 4

static const uint8_t gate_types[GATE_TYPES] = {14, 6, 15, 7};

/* Every type, DPL and P of the gate. */
static bool gates(struct world *w, uint32_t index, uint32_t n)
{
	unsigned source = take(&n, EVENTS), level = take(&n, 5), type = take(&n, 32), dpl = take(&n, 4);
	unsigned p = take(&n, 2), nested = take(&n, 2);

	if (!begin(w, index, source, level))
		return false;
	set_tss(w, hash(index) & 1, hash(index) & 1 ? 0x67 : 0x2c);
	set_nested(w, nested ? NESTED_RING0 : NESTED_SAME);
	set_gate(w, SEL(G_TEST_CS, hash(index) >> 1 & 3), true, type, dpl, p);
	return true;
}

/* Every type, DPL and P of the segment the gate leads to. */
static bool targets(struct world *w, uint32_t index, uint32_t n)
{
	unsigned source = some_sources[take(&n, 6)], level = take(&n, 5), type = gate_types[take(&n, GATE_TYPES)];
	unsigned cs_type = take(&n, 32), dpl = take(&n, 4), p = take(&n, 2);
	uint32_t h = hash(index);

	if (!begin(w, index, source, level))
		return false;
	set_tss(w, h & 1, h & 1 ? 0x67 : 0x2c);
	set_nested(w, h & 8 ? NESTED_TASK : h & 16 ? NESTED_RING0 : NESTED_SAME);
	w->gdt[G_TEST_CS] = segment(STUBS, 0xffff, cs_type, dpl, p, h & 32 ? FLAG_B : 0);
	set_gate(w, SEL(G_TEST_CS, h >> 1 & 3), h & 32, type, 3, 1);
	return true;
}

/* Gates whose selector or offset leads nowhere, or just not. */
static bool places(struct world *w, uint32_t index, uint32_t n)
{
	unsigned source = some_sources[take(&n, 6)], level = take(&n, 5), type = gate_types[take(&n, GATE_TYPES)];
	unsigned variant = take(&n, 15), same = take(&n, 2);
	uint32_t h = hash(index), limit;
	unsigned dpl = same ? SAME_AS(level) : 0, v, rpl = h & 3;

	if (!begin(w, index, source, level))
		return false;
	set_nested(w, h & 8 ? NESTED_TASK : NESTED_SAME);
	v = source_vector[w->source];
	w->gdt[G_TEST_CS] = segment(STUBS, 0xffff, 0x1b, dpl, 1, FLAG_B);
	w->ldt[1] = w->gdt[G_LAST] = w->gdt[G_TEST_CS];
	limit = HANDLERS32 + v * 16; /* the handler's offset */
	set_gate(w, SEL(G_TEST_CS, rpl), true, type, 3, 1);
	switch (variant) {
	case 0:
	case 1:
	case 2:
	case 3: /* null, RPL 0-3 */
		set_gate(w, variant, true, type, 3, 1);
		break;
	case 4: /* the last in the table */
		set_gate(w, SEL(G_LAST, rpl), true, type, 3, 1);
		break;
	case 5: /* its last byte beyond */
		w->gdt_limit = G_LAST * 8 + 6;
		set_gate(w, SEL(G_LAST, rpl), true, type, 3, 1);
		break;
	case 6: /* all of it beyond */
		w->gdt_limit = G_LAST * 8 - 1;
		set_gate(w, SEL(G_LAST, rpl), true, type, 3, 1);
		break;
	case 7:
	case 8:
	case 9: /* in the LDT: there; its last byte beyond; no LDT */
		w->ldt_sel = variant == 9 ? 0 : SEL(G_LDT, 0);
		w->gdt[G_LDT] = segment(LDT_BASE, variant == 8 ? 14 : 15, 2, 0, 1, 0);
		set_gate(w, SEL(1, 4 | rpl), true, type, 3, 1);
		break;
	case 10: /* a limit in pages, just large enough for the handler */
		w->gdt[G_TEST_CS] = segment(STUBS, 0, 0x1b, dpl, 1, FLAG_B | FLAG_G);
		break;
	case 11:
	case 12: /* the offset is the first byte beyond the segment; two bytes beyond */
		w->gdt[G_TEST_CS] = segment(STUBS, limit + 10 - variant, 0x1b, dpl, 1, FLAG_B);
		break;
	case 13: /* a 16-bit code segment */
		w->gdt[G_TEST_CS] = segment(STUBS, 0xffff, 0x1b, dpl, 1, 0);
		set_gate(w, SEL(G_TEST_CS, rpl), false, type, 3, 1);
		break;
	default: /* the offset's upper half is not zero: 16-bit gates don't have one */
		w->idt[v] = gate(SEL(G_TEST_CS, rpl), FAR_STUBS - STUBS + limit, type, 3, 1);
	}
	return true;
}

/* Every type, DPL and P of the inner stack segment, RPL as it should be. */
static bool stacks(struct world *w, uint32_t index, uint32_t n)
{
	static const uint8_t sources[] = {SRC_INT, SRC_EXT, SRC_GP, SRC_PF};
	unsigned source = sources[take(&n, 4)], pair = take(&n, INNER), type = gate_types[take(&n, 2)];
	unsigned tss32 = take(&n, 2), ss_type = take(&n, 32), dpl = take(&n, 4), p = take(&n, 2), to = inner[pair].to;
	uint32_t h = hash(index);

	if (!begin(w, index, source, inner[pair].from))
		return false;
	set_tss(w, tss32, tss32 ? 0x67 : 0x2c);
	set_nested(w, h & 1 ? NESTED_TASK : NESTED_SAME);
	w->gdt[G_TEST_CS] = segment(STUBS, 0xffff, 0x1b, to, 1, FLAG_B);
	/* the limit of an expand-down segment is its lowest offset less one */
	w->gdt[G_TEST_SS] =
		segment(IN_STACK, (ss_type & 0xc) == 4 ? 0xfff : 0xffff, ss_type, dpl, p, h & 2 ? FLAG_B : 0);
	tss_stack(w, to, SEL(G_TEST_SS, to), 0x3000 + (h & 4 ? 0x10000 : 0) * !(h & 2));
	set_gate(w, SEL(G_TEST_CS, h >> 3 & 3), true, type, 3, 1);
	return true;
}

/* Selectors of the inner stack, and TSS limits. */
static bool selectors(struct world *w, uint32_t index, uint32_t n)
{
	unsigned source = some_sources[take(&n, 6)], pair = take(&n, INNER), type = gate_types[take(&n, GATE_TYPES)];
	unsigned tss32 = take(&n, 2), variant = take(&n, 18), from = inner[pair].from, to = inner[pair].to;
	uint32_t last = tss32 ? to * 8 + 9 : to * 4 + 5; /* last byte of SS:ESP in the TSS */

	if (!begin(w, index, source, from))
		return false;
	set_tss(w, tss32, tss32 ? 0x67 : 0x2c);
	set_nested(w, hash(index) & 1 && variant < 14 ? NESTED_TASK : NESTED_SAME);
	w->gdt[G_TEST_CS] = segment(STUBS, 0xffff, 0x1b, to, 1, FLAG_B);
	w->gdt[G_TEST_SS] = w->gdt[G_LAST] = w->ldt[1] = segment(IN_STACK, 0xffff, 0x13, to, 1, FLAG_B);
	w->gdt[G_LDT] = segment(LDT_BASE, variant == 12 ? 14 : 15, 2, 0, 1, 0);
	if (variant < 4) /* RPL */
		tss_stack(w, to, SEL(G_TEST_SS, variant), 0x3000);
	else if (variant < 8) /* null */
		tss_stack(w, to, variant - 4, 0x3000);
	else if (variant < 11) { /* the last in the GDT; its last byte beyond; all beyond */
		w->gdt_limit = variant == 8 ? G_LAST * 8 + 7 : variant == 9 ? G_LAST * 8 + 6 : G_LAST * 8 - 1;
		tss_stack(w, to, SEL(G_LAST, to), 0x3000);
	} else if (variant < 14) { /* in the LDT: there; its last byte beyond; no LDT */
		w->ldt_sel = variant == 13 ? 0 : SEL(G_LDT, 0);
		tss_stack(w, to, SEL(1, 4 | to), 0x3000);
	} else { /* the TSS just long enough; SS half in; all of SS out; ESP half in */
		if (from == V86 || source == SRC_GP || source == SRC_PF)
			return false; /* a failure would leave no way to any handler, not even to #DF's */
		w->gdt[G_TSS] = segment(TSS_BASE, last - (variant == 17 ? 4u : variant - 14), tss32 ? 9 : 1, 0, 1, 0);
	}
	set_gate(w, SEL(G_TEST_CS, 0), true, type, 3, 1);
	return true;
}

/* Bytes a delivery pushes at place (one of PLACES) through a gate of that type. */
static uint32_t frame_bytes(unsigned source, unsigned place, unsigned type)
{
	bool code = source == SRC_GP || source == SRC_PF || source == SRC_NP || source == SRC_SS || source == SRC_TS;
	unsigned slots = place < 4 ? 3 : inner[place - 4].from == V86 ? 9 : 5;

	return (slots + code) * (type & 8 ? 4 : 2);
}

static bool begin_place(struct world *w, uint32_t index, unsigned source, unsigned place)
{
	unsigned to = place < 4 ? place : inner[place - 4].to;

	if (!begin(w, index, source, place < 4 ? place : inner[place - 4].from))
		return false;
	w->gdt[G_TEST_CS] = segment(STUBS, 0xffff, 0x1b, to, 1, FLAG_B);
	return true;
}

/* The stack a delivery at this place pushes on. */
static void use_stack(struct world *w, unsigned place, uint32_t limit, unsigned type, unsigned flags, uint32_t esp)
{
	unsigned to = place < 4 ? place : inner[place - 4].to;

	if (place < 4) {
		w->gdt[G_CUR_SS] = segment(CUR_STACK, limit, type, to, 1, flags);
		w->esp = esp;
	} else {
		w->gdt[G_TEST_SS] = segment(IN_STACK, limit, type, to, 1, flags);
		tss_stack(w, to, SEL(G_TEST_SS, to), esp);
	}
}

/* Stack limits: the frame fits, fits just, or does not. */
static bool rooms(struct world *w, uint32_t index, uint32_t n)
{
	static const uint8_t sources[] = {SRC_INT, SRC_EXT, SRC_GP, SRC_UD};
	unsigned source = sources[take(&n, 4)], place = take(&n, PLACES), type = gate_types[take(&n, 2)];
	unsigned tss32 = take(&n, 2), kind = take(&n, 6), variant = take(&n, 9), nested = take(&n, 2);
	bool down = kind & 1, big = kind < 2 || kind >= 4, pages = kind >= 4;
	uint32_t size = frame_bytes(source, place, type), lowest = 0, esp;

	if (!begin_place(w, index, source, place))
		return false;
	set_tss(w, tss32, tss32 ? 0x67 : 0x2c);
	set_nested(w, nested ? NESTED_TASK : place < 4 && place > 0 ? NESTED_RING0 : NESTED_SAME);
	if (down)
		lowest = pages ? 0x2000 : 0x1801;
	esp = lowest + size;
	switch (variant) {
	case 0:
		break; /* just fits */
	case 1:
		esp -= 1;
		break; /* one byte short */
	case 2:
		esp -= 2;
		break;
	case 3:
		esp -= 4;
		break;
	case 4:
		esp += 1;
		break; /* fits */
	case 5:
		esp = lowest;
		break; /* no room at all */
	case 6:
		esp = down ? 0 : 0x1000;
		break; /* expand-down: the top; expand-up: the segment's end, see below */
	case 7:
		esp = down ? 0x10 : 0x1001;
		break; /* both sides of the edge */
	default:
		esp = 0x5000;
		break; /* the middle, or far beyond */
	}
	if (!down)
		use_stack(w, place, pages ? 0 : 0xfff, 0x13, (big ? FLAG_B : 0) | (pages ? FLAG_G : 0), esp);
	else
		use_stack(w, place, pages ? 1 : 0x1800, 0x17, (big ? FLAG_B : 0) | (pages ? FLAG_G : 0), esp);
	set_gate(w, SEL(G_TEST_CS, 0), true, type, 3, 1);
	return true;
}

/* A stack of 64 KiB around its two ends. */
static bool wraps(struct world *w, uint32_t index, uint32_t n)
{
	static const uint32_t tops[] = {0, 0x10000, 0xfffe, 0xffff, 0xabcd0000, 0xabcd2000};
	unsigned source = some_sources[take(&n, 6)], place = take(&n, PLACES), type = gate_types[take(&n, 2)];
	unsigned tss32 = take(&n, 2), top = take(&n, 6), down = take(&n, 2);

	if (!begin_place(w, index, source, place))
		return false;
	set_tss(w, tss32, tss32 ? 0x67 : 0x2c);
	set_nested(w, place < 4 && place > 0 ? NESTED_RING0 : NESTED_SAME);
	/* IRET need not restore the upper half of ESP where the outer stack is a 16-bit one */
	use_stack(w, place, down ? 0xfff : 0xffff, down ? 0x17 : 0x13, 0,
		  place > 0 && place < 4 ? tops[top] & 0xffff : tops[top]);
	set_gate(w, SEL(G_TEST_CS, 0), true, type, 3, 1);
	return true;
}

/* Pages of the stack. */
static bool pages(struct world *w, uint32_t index, uint32_t n)
{
	unsigned source = some_sources[take(&n, 6)], place = take(&n, PLACES), type = gate_types[take(&n, GATE_TYPES)];
	unsigned tss32 = take(&n, 2), variant = take(&n, 9), nested = take(&n, 2);
	uint32_t base = (place < 4 ? CUR_STACK : IN_STACK) + 0x2000;
	const uint32_t all = PAGE_PRESENT | PAGE_WRITE | PAGE_USER;

	if (!begin_place(w, index, source, place))
		return false;
	set_tss(w, tss32, tss32 ? 0x67 : 0x2c);
	set_nested(w, nested ? NESTED_TASK : place < 4 && place > 0 ? NESTED_RING0 : NESTED_SAME);
	use_stack(w, place, 0xffff, 0x13, hash(index) & 1 ? FLAG_B : 0, 0x3004);
	switch (variant) {
	case 0:
		guard(&w->guarded, base, all & ~PAGE_PRESENT);
		break;
	case 1:
		guard(&w->guarded, base + 0x1000, all & ~PAGE_PRESENT);
		break;
	case 2:
		guard(&w->guarded, base, all & ~PAGE_WRITE);
		break;
	case 3:
		guard(&w->guarded, base + 0x1000, all & ~PAGE_WRITE);
		break;
	case 4:
		guard(&w->guarded, base, all & ~PAGE_USER);
		break;
	case 5:
		guard(&w->guarded, base + 0x1000, all & ~PAGE_USER);
		break;
	case 6:
		guard(&w->guarded, base, all & ~PAGE_WRITE);
		w->wp = false;
		break;
	case 7:
		guard(&w->guarded, base, PAGE_PRESENT);
		break;
	default:
		guard(&w->guarded, base, 0);
		guard(&w->guarded, base + 0x1000, 0);
		break;
	}
	set_gate(w, SEL(G_TEST_CS, 0), true, type, 3, 1);
	return true;
}

/* Pages of the tables. */
static bool tables(struct world *w, uint32_t index, uint32_t n)
{
	static const uint8_t sources[] = {SRC_INT, SRC_EXT, SRC_UD, SRC_GP, SRC_INT1, SRC_DE};
	unsigned source = sources[take(&n, 6)], level = take(&n, 5), type = gate_types[take(&n, GATE_TYPES)];
	unsigned tss32 = take(&n, 2), variant = take(&n, 5);
	const uint32_t all = PAGE_PRESENT | PAGE_WRITE | PAGE_USER;

	if (!begin(w, index, source, level) || (level == V86 && variant == 3))
		return false;
	set_tss(w, tss32, tss32 ? 0x67 : 0x2c);
	set_nested(w, level == V86 ? NESTED_RING0 : NESTED_SAME);
	switch (variant) {
	case 0:
		guard(&w->guarded, (GDT_BASE + 0x1000) & ~0xfffu, all & ~PAGE_PRESENT);
		break;
	case 1:
		guard(&w->guarded, (GDT_BASE + 0x1000) & ~0xfffu, PAGE_PRESENT | PAGE_WRITE);
		break; /* no hindrance */
	case 2:
		guard(&w->guarded, (IDT_BASE + 0x1000) & ~0xfffu, all & ~PAGE_PRESENT);
		break;
	case 3:
		guard(&w->guarded, TSS_BASE, all & ~PAGE_PRESENT);
		break;
	default:
		guard(&w->guarded, LDT_BASE, all & ~PAGE_PRESENT);
		w->ldt_sel = SEL(G_LDT, 0);
		break;
	}
	set_gate(w, variant == 4 ? SEL(1, 4) : SEL(G_TEST_CS, 0), true, type, 3, 1);
	return true;
}

/* Task gates: every type and P of what should be a TSS. */
static bool tasks(struct world *w, uint32_t index, uint32_t n)
{
	static const uint8_t sources[] = {SRC_INT, SRC_EXT, SRC_UD, SRC_GP, SRC_PF, SRC_INT1, SRC_NP, SRC_DE};
	unsigned source = sources[take(&n, 8)], level = take(&n, 5), type = take(&n, 32), p = take(&n, 2);
	unsigned tss32 = take(&n, 2), variant = take(&n, 3), v, dpl = hash(index) >> 1 & 3;
	uint32_t limit = (type & 8 ? 0x67 : 0x2c) - (variant == 1);

	if (!begin(w, index, source, level))
		return false;
	set_tss(w, tss32, tss32 ? 0x67 : 0x2c);
	set_nested(w, hash(index) & 1 ? NESTED_RING0 : NESTED_SAME);
	w->gdt[G_TEST_SS] = segment(IN_STACK, 0xffff, 0x13, 0, 1, 0);
	if (!(type & 8))
		task16(w->tss[TSS_TEST], TASK_TEST, 0x8000);
	w->gdt[G_TASK_TSS] = segment(world_tss_base(TSS_TEST), limit, type, dpl, p, 0);
	v = source_vector[source];
	w->idt[v] = gate(SEL(G_TASK_TSS, hash(index) >> 3 & 3), 0xdeadbeef, 5, 3, 1);
	if (variant == 2) /* selectors that name no TSS: null, LDT, beyond the GDT, the current (busy) task */
		switch (type) {
		case 0:
		case 1:
		case 2:
		case 3:
			w->idt[v] = gate(type, 0, 5, 3, 1);
			break;
		case 4:
			w->idt[v] = gate(SEL(1, 4), 0, 5, 3, 1);
			w->ldt_sel = SEL(G_LDT, 0);
			break;
		case 5:
			w->idt[v] = gate(SEL(G_TSS, 0), 0, 5, 3, 1);
			break;
		case 6:
			w->idt[v] = gate(SEL(G_LAST, 1), 0, 5, 3, 1);
			w->gdt_limit = G_LAST * 8 + 6;
			break;
		case 7:
			w->idt[v] = gate(SEL(G_LAST, 2), 0, 5, 3, 1);
			w->gdt_limit = G_LAST * 8 - 1;
			break;
		case 8:
			w->idt[v] = gate(SEL(G_TASK_TSS, 4), 0, 5, 3, 1);
			break;
		default:
			return false;
		}
	return true;
}

/* Makes the delivery through gate v fail with vector 10-14; false where it cannot at this level. */
static bool spoil(struct world *w, unsigned v, unsigned failure)
{
	unsigned to = w->level == V86 ? 0 : w->level > 1 ? 1 : 0;
	uint32_t offset = HANDLERS32 + v * 16;

	if (failure >= 3 && w->level == 0)
		return false;
	switch (failure) {
	case 0:
		w->idt[v] = gate(SEL(G_TEST_CS, 0), offset, 12, 3, 1);
		break; /* #GP: no gate */
	case 1:
		w->idt[v] = gate(SEL(G_TEST_CS, 0), offset, 14, 3, 0);
		break; /* #NP: the gate */
	case 2:
		w->idt[v] = gate(2, offset, 14, 3, 1);
		break; /* #GP(EXT): null */
	default:       /* #TS: RPL; #SS: not present; #PF */
		w->gdt[G_TEST_CS] = segment(STUBS, 0xffff, 0x1b, to, 1, FLAG_B);
		w->gdt[G_TEST_SS] = segment(IN_STACK, 0xffff, 0x13, to, failure != 4, FLAG_B);
		tss_stack(w, to, SEL(G_TEST_SS, failure == 3 ? (to + 1) & 3 : to), 0x8000);
		w->idt[v] = gate(SEL(G_TEST_CS, 0), offset, 14, 3, 1);
		if (failure == 5)
			guard(&w->guarded, IN_STACK + 0x7000, 0);
	}
	return true;
}

/* A fault while the event is delivered, and another while that fault is. */
static bool doubles(struct world *w, uint32_t index, uint32_t n)
{
	unsigned source = take(&n, EVENTS), level = take(&n, 5), first = take(&n, 6), second = take(&n, 7);
	unsigned ring0 = take(&n, 2), tss32 = take(&n, 2);

	if (!begin(w, index, source, level))
		return false;
	set_tss(w, tss32, tss32 ? 0x67 : 0x2c);
	set_nested(w, NESTED_SAME);
	if (ring0) {
		/* by an interrupt gate: on the stack of ring 0, unless that is the one spoilt */
		if (level < 2 || level == V86)
			return false;
		w->idt[8] = gate(SEL(G_CS, 0), HANDLERS32 + 8 * 16, hash(index) & 1 ? 14 : 6, 0, 1);
	}
	/* one stack can fail in one way only */
	if (first >= 3 && second >= 3 && second < 6 && first != second)
		return false;
	if (second < 6)
		for (unsigned v = 10; v < 15; v++)
			if (!spoil(w, v, second))
				return false;
	return spoil(w, source_vector[source], first);
}

/* The IDT's limit at the vector's entry. */
static bool idt_limits(struct world *w, uint32_t index, uint32_t n)
{
	static const uint8_t cut[] = {0, 1, 4, 7, 8, 16};
	unsigned source = take(&n, 2) ? SRC_EXT : SRC_INT, level = take(&n, 5), less = cut[take(&n, 6)];
	unsigned nested = take(&n, 3), type = gate_types[take(&n, GATE_TYPES)], dpl = take(&n, 4);

	if (!begin(w, index, source, level))
		return false;
	set_nested(w, (enum nested)nested);
	set_gate(w, SEL(G_TEST_CS, 0), true, type, dpl, 1);
	w->idt_limit = TEST_VECTOR * 8 + 7 - less;
	return true;
}

/* INT n in virtual-8086 mode and IOPL. */
static bool iopl(struct world *w, uint32_t index, uint32_t n)
{
	unsigned source = take(&n, EVENTS), level = take(&n, 4), type = gate_types[take(&n, GATE_TYPES)];
	unsigned dpl = take(&n, 4), nested = take(&n, 3), p = take(&n, 2);

	if (!begin(w, index, source, V86))
		return false;
	w->eflags = (w->eflags & ~0x3000u) | level << 12;
	set_nested(w, (enum nested)nested);
	set_gate(w, SEL(G_TEST_CS, 0), true, type, dpl, p);
	return true;
}

/* IF, NT and RF. */
static bool flags(struct world *w, uint32_t index, uint32_t n)
{
	unsigned source = take(&n, EVENTS), level = take(&n, 5), type = gate_types[take(&n, GATE_TYPES)];
	unsigned set = take(&n, 8), conforming = take(&n, 2), tss32 = take(&n, 2);

	if (!begin(w, index, source, level))
		return false;
	set_tss(w, tss32, tss32 ? 0x67 : 0x2c);
	if (conforming && level != V86)
		w->gdt[G_TEST_CS] = segment(STUBS, 0xffff, 0x1f, hash(index) % (level + 1), 1, FLAG_B);
	w->eflags &= ~(EFLAGS_IF | EFLAGS_NT | EFLAGS_RF);
	w->eflags |= (set & 1 ? EFLAGS_IF : 0) | (set & 2 ? EFLAGS_NT : 0) | (set & 4 && level ? EFLAGS_RF : 0);
	set_gate(w, SEL(G_TEST_CS, 0), true, type, 3, 1);
	return true;
}

const struct block event_blocks[EVENT_BLOCKS] = {
	{gates, EVENTS * 5 * 32 * 4 * 2 * 2, "gates"},
	{targets, 6 * 5 * GATE_TYPES * 32 * 4 * 2, "targets"},
	{places, 6 * 5 * GATE_TYPES * 15 * 2, "places"},
	{stacks, 4 * INNER * 2 * 2 * 32 * 4 * 2, "stacks"},
	{selectors, 6 * INNER *GATE_TYPES * 2 * 18, "selectors"},
	{rooms, 4 * PLACES * 2 * 2 * 6 * 9 * 2, "rooms"},
	{wraps, 6 * PLACES * 2 * 2 * 6 * 2, "wraps"},
	{pages, 6 * PLACES *GATE_TYPES * 2 * 9 * 2, "pages"},
	{tables, 6 * 5 * GATE_TYPES * 2 * 5, "tables"},
	{tasks, 8 * 5 * 32 * 2 * 2 * 3, "tasks"},
	{doubles, EVENTS * 5 * 6 * 7 * 2 * 2, "doubles"},
	{idt_limits, 2 * 5 * 6 * 3 * GATE_TYPES * 4, "idt-limits"},
	{iopl, EVENTS * 4 * GATE_TYPES * 4 * 3 * 2, "iopl"},
	{flags, EVENTS * 5 * GATE_TYPES * 8 * 2 * 2, "flags"},
};
