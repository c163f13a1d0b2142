/* The combinations of deliveries, block by block. */
#include "parts.h"

#define LEVELS 4
#define MODES  3
#define IST    8

static const uint8_t some_sources[] = {SRC_INT, SRC_EXT, SRC_UD, SRC_GP, SRC_PF, SRC_INT1, SRC_NMI};

#define SOME ARRAY_SIZE(some_sources)

static const unsigned gate_types[] = {14, 15};

/* The level a handler runs at: the program's, or a more privileged one. */
static unsigned target_level(unsigned level, unsigned same, uint32_t h)
{
	return same ? level : h % (level + 1);
}

/* 64-bit code of that level behind G_TEST_CS. */
static void test_code(struct world *w, unsigned level)
{
	w->gdt[G_TEST_CS] = segment(COMPAT, 0, 0x1b, level, 1, FLAG_L);
}

static enum nested some_nested(uint32_t h)
{
	return (enum nested)((h >> 20) % 3);
}

/* Every type, DPL and P of the gate; the fields that mean nothing are not zero. */
static bool gates(struct world *w, uint32_t index, uint32_t n)
{
	unsigned source = take(&n, EVENTS), level = take(&n, LEVELS), mode = take(&n, MODES), type = take(&n, 32);
	unsigned dpl = take(&n, 4), p = take(&n, 2), ist = take(&n, 2);
	uint32_t h = hash(index);

	if (!begin(w, index, source, level, mode))
		return false;
	set_nested(w, some_nested(h));
	set_gate(w, SEL(G_TEST_CS, h & 3), type, dpl, p, ist ? 1 + (h >> 2) % 5 : 0);
	w->idt[source_vector[source]][0] |= (uint64_t)(h >> 8 & 31) << 35;
	w->idt[source_vector[source]][1] |= (uint64_t)(h >> 13 | 1) << 32;
	return true;
}

/* Every type, DPL, P, L and D of the segment the gate leads to. */
static bool targets(struct world *w, uint32_t index, uint32_t n)
{
	unsigned source = some_sources[take(&n, SOME)], level = take(&n, LEVELS), type = take(&n, 32);
	unsigned dpl = take(&n, 4), p = take(&n, 2), l = take(&n, 2), d = take(&n, 2);
	uint32_t h = hash(index);

	if (!begin(w, index, source, level, h % MODES))
		return false;
	set_nested(w, some_nested(h));
	w->gdt[G_TEST_CS] = segment(COMPAT, h & 0xffff, type, dpl, p, (l ? FLAG_L : 0) | (d ? FLAG_B : 0));
	set_gate(w, SEL(G_TEST_CS, h >> 2 & 3), gate_types[h >> 4 & 1], 3, 1, h & 32 ? 1 + (h >> 6) % 5 : 0);
	return true;
}

/* Selectors that lead nowhere, or just not. */
static bool selectors(struct world *w, uint32_t index, uint32_t n)
{
	unsigned source = some_sources[take(&n, SOME)], level = take(&n, LEVELS), mode = take(&n, MODES);
	unsigned variant = take(&n, 10), same = take(&n, 2), ist = take(&n, 2);
	uint32_t h = hash(index);
	unsigned selector = SEL(G_LAST, h & 3);

	if (!begin(w, index, source, level, mode))
		return false;
	set_nested(w, some_nested(h));
	test_code(w, target_level(level, same, h));
	w->ldt[1] = w->gdt[G_LAST] = w->gdt[G_TEST_CS];
	if (variant < 4) /* null, RPL 0-3 */
		selector = variant;
	else if (variant < 7) /* the last in the table; its last byte beyond; all of it */
		w->gdt_limit = variant == 4 ? G_LAST * 8 + 7 : variant == 5 ? G_LAST * 8 + 6 : G_LAST * 8 - 1;
	else { /* in the LDT: there; its last byte beyond; no LDT */
		w->ldt_sel = variant == 9 ? 0 : SEL(G_LDT, 0);
		w->gdt[G_LDT] = segment(LDT_BASE, variant == 8 ? 14 : 15, 2, 0, 1, 0);
		selector = SEL(1, 4 | (h & 3));
	}
	set_gate(w, selector, gate_types[h >> 2 & 1], 3, 1, ist ? 1 + (h >> 3) % 5 : 0);
	return true;
}

/* Stack pointers: around the edges of the canonical halves, and of the whole. */
static const uint64_t pointers[] = {
	IN_STACK + 0x1000,
	0x0000712345000000u + IN_STACK + 0x1008,
	0xffffab1234000000u + IN_STACK + 0x100f,
	0,
	7,
	0x10,
	HOLE - 1, /* canonical, and aligned still */
	HOLE,     /* not; but all values lie below it */
	HOLE + 15,
	HOLE + 0x20,
	HOLE | 0x1234567890u,
	0x1234567890abcde0u,
	HOLE_END - 0x100,
	HOLE_END - 8,
	HOLE_END + 0x20, /* canonical, but not where the last values go */
	HOLE_END + 0x28,
	HOLE_END + 0x30, /* room for six values exactly */
	HOLE_END + 0x38,
	HOLE_END + 0x1000,
};

/* Makes the stack pointer the delivery to that level uses: ISTn, RSPn of the TSS, or RSP. */
static bool use_pointer(struct world *w, unsigned to, unsigned ist, uint64_t rsp)
{
	if (ist)
		set_ist(w, ist, rsp);
	else if (to < w->level)
		set_rsp(w, to, rsp);
	else if (w->mode == MODE64)
		w->rsp = rsp;
	else
		return false;
	return true;
}

static bool canonical_pointers(struct world *w, uint32_t index, uint32_t n)
{
	unsigned source = some_sources[take(&n, SOME)], level = take(&n, LEVELS), ist = take(&n, IST);
	unsigned same = take(&n, 2), mode = take(&n, MODES);
	uint64_t rsp = pointers[take(&n, ARRAY_SIZE(pointers))];
	uint32_t h = hash(index);
	unsigned to = target_level(level, same, h);

	if (!begin(w, index, source, level, mode))
		return false;
	set_nested(w, NESTED_IST); /* the others could not be delivered on this stack either */
	test_code(w, to);
	set_gate(w, SEL(G_TEST_CS, h >> 2 & 3), gate_types[h >> 4 & 1], 3, 1, ist);
	return use_pointer(w, to, ist, rsp) && ist < 6;
}

/* The stack pointer's low digit. */
static bool alignments(struct world *w, uint32_t index, uint32_t n)
{
	unsigned source = take(&n, EVENTS), level = take(&n, LEVELS), mode = take(&n, MODES), digit = take(&n, 16);
	unsigned ist = take(&n, 2), same = take(&n, 2), to;
	uint32_t h = hash(index);

	if (!begin(w, index, source, level, mode))
		return false;
	to = target_level(level, same, h);
	ist = ist ? 1 + (h >> 2) % 7 : 0;
	set_nested(w, some_nested(h));
	test_code(w, to);
	w->rsp = (w->rsp & ~(uint64_t)15) | digit;
	set_gate(w, SEL(G_TEST_CS, h >> 4 & 3), gate_types[h >> 6 & 1], 3, 1, ist);
	use_pointer(w, to, ist, (w->rsp & ~(uint64_t)0xfff) | (h >> 4 & 0x7f0) | 0x800 | digit);
	return true;
}

/* Code offsets: canonical or not, and what is wrong besides. */
static bool offsets(struct world *w, uint32_t index, uint32_t n)
{
	static const uint64_t high[] = {0,
					0x00007fffffc00000u,
					HOLE,
					0x0001000000000000u,
					0x1234567800000000u,
					HOLE_END - 0x400000,
					HOLE_END,
					0xffffffffffc00000u,
					0xffff000000000000u};
	unsigned source = some_sources[take(&n, SOME)], level = take(&n, LEVELS), mode = take(&n, MODES);
	unsigned at = take(&n, ARRAY_SIZE(high)), same = take(&n, 2), ist = take(&n, 2), wrong = take(&n, 3), v, to;
	uint32_t h = hash(index);

	if (!begin(w, index, source, level, mode))
		return false;
	to = target_level(level, same, h);
	v = source_vector[source];
	ist = ist ? 1 + (h >> 2) % 5 : 0;
	if (v == 13 && high[at] + HOLE >= HOLE * 2) /* a processor that enters it gets #GP there, for ever */
		return false;
	set_nested(w, wrong || high[at] + HOLE >= HOLE * 2 ? NESTED_IST : some_nested(h));
	test_code(w, to);
	set_vector(w, v, SEL(G_TEST_CS, h >> 4 & 3), high[at] + STUBS + HANDLERS64 + v * 16, gate_types[h >> 6 & 1], 3,
		   1, ist);
	if (wrong == 1) /* the stack is not canonical either */
		return use_pointer(w, to, ist, HOLE + 0x1000);
	if (wrong == 2) { /* its page is not there */
		guard(&w->guarded, IN_STACK + 0xf000, 0);
		return use_pointer(w, to, ist, IN_STACK + 0xf800);
	}
	return true;
}

/* The TSS's limit at the stack pointer that is wanted. */
static bool tss_limits(struct world *w, uint32_t index, uint32_t n)
{
	static const uint8_t cut[] = {0, 1, 4, 7, 8, 16};
	unsigned source = some_sources[take(&n, SOME)], level = take(&n, LEVELS), mode = take(&n, MODES);
	unsigned ist = take(&n, IST), less = cut[take(&n, ARRAY_SIZE(cut))], dpl = take(&n, 3);
	uint32_t last;

	if (!begin(w, index, source, level, mode) || dpl > level || (ist == 0 && dpl == level))
		return false;
	last = ist ? ist * 8 + 0x23 : dpl * 8 + 11;
	test_code(w, dpl);
	set_gate(w, SEL(G_TEST_CS, dpl), gate_types[hash(index) & 1], 3, 1, ist);
	w->gdt[G_TSS] = segment(TSS_BASE, last - less, 9, 0, 1, 0);
	/* no stack of the TSS is sure */
	set_nested(w, NESTED_SAME);
	set_vector(w, MISSED_VECTOR, SEL(G_CS64 + level, 0), STUBS + HANDLERS64 + MISSED_VECTOR * 16, 14, 3, 1, 0);
	return true;
}

/* Pages of the stack. */
static bool pages(struct world *w, uint32_t index, uint32_t n)
{
	static const struct {
		uint8_t first, second; /* what the page below and the page above may not */
		bool wp;
	} how[] = {
		{PAGE_PRESENT, 0, true},        {0, PAGE_PRESENT, true},
		{PAGE_WRITE, 0, true},          {0, PAGE_WRITE, true},
		{PAGE_USER, 0, true},           {0, PAGE_USER, true},
		{PAGE_WRITE, 0, false},         {PAGE_WRITE | PAGE_USER, 0, true},
		{ALL_RIGHTS, ALL_RIGHTS, true},
	};
	unsigned source = some_sources[take(&n, SOME)], level = take(&n, LEVELS), mode = take(&n, MODES);
	unsigned ist = take(&n, 2), variant = take(&n, ARRAY_SIZE(how)), nested = take(&n, 2), to;
	uint32_t h = hash(index);

	if (!begin(w, index, source, level, mode))
		return false;
	to = target_level(level, h >> 16 & 1, h);
	ist = ist ? 1 + (h >> 2) % 5 : 0;
	set_nested(w, nested || (!ist && to == level) ? NESTED_IST : NESTED_SAME);
	test_code(w, to);
	set_gate(w, SEL(G_TEST_CS, h >> 4 & 3), gate_types[h >> 6 & 1], 3, 1, ist);
	w->wp = how[variant].wp;
	if (how[variant].first)
		guard(&w->guarded, IN_STACK + 0xe000, ALL_RIGHTS & ~how[variant].first);
	if (how[variant].second)
		guard(&w->guarded, IN_STACK + 0xf000, ALL_RIGHTS & ~how[variant].second);
	return use_pointer(w, to, ist, (h & 128 ? 0xffff888800000000u : 0) + IN_STACK + 0xf010);
}

/* Pages of the tables. */
static bool tables(struct world *w, uint32_t index, uint32_t n)
{
	static const uint8_t sources[] = {SRC_INT, SRC_EXT, SRC_UD, SRC_GP, SRC_INT1, SRC_DE};
	static const struct {
		uint32_t page, flags;
	} how[] = {
		{(GDT_BASE + 0x1000) & ~0xfffu, PAGE_WRITE | PAGE_USER},
		{(GDT_BASE + 0x1000) & ~0xfffu, PAGE_PRESENT | PAGE_WRITE}, /* no hindrance */
		{(IDT_BASE + 0x1000) & ~0xfffu, PAGE_WRITE | PAGE_USER},
		{(IDT_BASE + 0x1000) & ~0xfffu, PAGE_PRESENT},
		{TSS_BASE, PAGE_WRITE | PAGE_USER},
		{LDT_BASE, PAGE_WRITE | PAGE_USER},
	};
	unsigned source = sources[take(&n, ARRAY_SIZE(sources))], level = take(&n, LEVELS), mode = take(&n, MODES);
	unsigned type = gate_types[take(&n, 2)], variant = take(&n, ARRAY_SIZE(how)), ist = take(&n, IST);

	if (!begin(w, index, source, level, mode))
		return false;
	guard(&w->guarded, how[variant].page, how[variant].flags);
	if (variant == 5)
		w->ldt_sel = SEL(G_LDT, 0);
	set_gate(w, variant == 5 ? SEL(1, 4) : SEL(G_TEST_CS, 0), type, 3, 1, ist);
	return true;
}

/* Makes the delivery through gate v fail; false where it cannot. */
static bool spoil(struct world *w, unsigned v, unsigned failure)
{
	uint64_t offset = STUBS + HANDLERS64 + v * 16;
	unsigned selector = SEL(G_TEST_CS, 0);

	test_code(w, w->level);
	switch (failure) {
	case 0:
		set_vector(w, v, selector, offset, 12, 3, 1, 0);
		break; /* #GP: no gate */
	case 1:
		set_vector(w, v, selector, offset, 14, 3, 0, 0);
		break; /* #NP: the gate */
	case 2:
		set_vector(w, v, 2, offset, 14, 3, 1, 0);
		break; /* #GP(EXT): null */
	case 3:
		if (v >= 10 && v < 15) /* as in offsets() */
			return false;
		set_vector(w, v, selector, HOLE + offset, 14, 3, 1, 0);
		break; /* #GP(EXT): not canonical */
	case 4:
		set_ist(w, 4, HOLE);
		set_vector(w, v, selector, offset, 14, 3, 1, 4);
		break; /* #SS(EXT) */
	case 5:
		guard(&w->guarded, IN_STACK + 0xe000, 0);
		set_ist(w, 5, IN_STACK + 0xe800);
		set_vector(w, v, selector, offset, 14, 3, 1, 5);
		break; /* #PF */
	default:
		w->gdt[G_TSS] = segment(TSS_BASE, 0x57, 9, 0, 1, 0);
		set_vector(w, v, selector, offset, 14, 3, 1, 7);
		break; /* #TS */
	}
	return true;
}

/* A fault while the event is delivered, and another while that fault is. */
static bool doubles(struct world *w, uint32_t index, uint32_t n)
{
	unsigned source = take(&n, EVENTS), level = take(&n, LEVELS), mode = take(&n, MODES);
	unsigned first = take(&n, 7), second = take(&n, 8);

	if (!begin(w, index, source, level, mode))
		return false;
	set_nested(w, first == 6 || second == 6 ? NESTED_SAME : some_nested(hash(index)));
	if (second < 7)
		for (unsigned v = 10; v < 15; v++)
			if (!spoil(w, v, second))
				return false;
	return spoil(w, source_vector[source], first);
}

/* The IDT's limit at the vector's entry. */
static bool idt_limits(struct world *w, uint32_t index, uint32_t n)
{
	static const uint8_t cut[] = {0, 1, 4, 8, 12, 15, 16, 32};
	unsigned source = take(&n, 2) ? SRC_EXT : SRC_INT, level = take(&n, LEVELS), mode = take(&n, MODES);
	unsigned less = cut[take(&n, ARRAY_SIZE(cut))], nested = take(&n, 3), dpl = take(&n, 4);

	if (!begin(w, index, source, level, mode))
		return false;
	set_nested(w, (enum nested)nested);
	set_gate(w, SEL(G_TEST_CS, 0), gate_types[hash(index) & 1], dpl, 1, 0);
	w->idt_limit = TEST_VECTOR * 16 + 15 - less;
	return true;
}

/* IF, NT, TF and RF. */
static bool flags(struct world *w, uint32_t index, uint32_t n)
{
	unsigned source = take(&n, EVENTS), level = take(&n, LEVELS), mode = take(&n, MODES);
	unsigned type = gate_types[take(&n, 2)], set = take(&n, 16), conforming = take(&n, 2), ist = take(&n, 2);
	uint32_t h = hash(index);

	if (!begin(w, index, source, level, mode))
		return false;
	set_nested(w, some_nested(h));
	if (conforming)
		w->gdt[G_TEST_CS] = segment(COMPAT, 0, 0x1f, h % (level + 1), 1, FLAG_L);
	w->rflags &= ~(uint64_t)(EFLAGS_IF | EFLAGS_NT | EFLAGS_RF | EFLAGS_TF);
	w->rflags |= (set & 1 ? EFLAGS_IF : 0) | (set & 2 ? EFLAGS_NT : 0) | (set & 4 ? EFLAGS_RF : 0) |
		     (set & 8 ? EFLAGS_TF : 0);
	set_gate(w, SEL(G_TEST_CS, 0), type, 3, 1, ist ? 1 + (h >> 6) % 7 : 0);
	return true;
}

const struct block event_blocks[EVENT_BLOCKS] = {
	{gates, EVENTS *LEVELS *MODES * 32 * 4 * 2 * 2, "gates"},
	{targets, SOME *LEVELS * 32 * 4 * 2 * 2 * 2, "targets"},
	{selectors, SOME *LEVELS *MODES * 10 * 2 * 2, "selectors"},
	{canonical_pointers, SOME *LEVELS *IST * 2 * MODES *ARRAY_SIZE(pointers), "pointers"},
	{alignments, EVENTS *LEVELS *MODES * 16 * 2 * 2, "alignments"},
	{offsets, SOME *LEVELS *MODES * 9 * 2 * 2 * 3, "offsets"},
	{tss_limits, SOME *LEVELS *MODES *IST * 6 * 3, "tss-limits"},
	{pages, SOME *LEVELS *MODES * 2 * 9 * 2, "pages"},
	{tables, 6 * LEVELS *MODES * 2 * 6 * IST, "tables"},
	{doubles, EVENTS *LEVELS *MODES * 7 * 8, "doubles"},
	{idt_limits, 2 * LEVELS *MODES * 8 * 3 * 4, "idt-limits"},
	{flags, EVENTS *LEVELS *MODES * 2 * 16 * 2 * 2, "flags"},
};
