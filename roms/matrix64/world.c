/* The parts of a world, and the list of all blocks. */
#include "parts.h"

const uint8_t source_vector[SOURCES] = {
	TEST_VECTOR, 3,  1,  TEST_VECTOR, 2,           6,           0,           13,          11,          12,
	14,          13, 12, 4,           TEST_VECTOR, TEST_VECTOR, TEST_VECTOR, TEST_VECTOR, TEST_VECTOR, TEST_VECTOR,
};

void set_vector(struct world *w, unsigned v, unsigned selector, uint64_t offset, unsigned type, unsigned dpl,
		unsigned p, unsigned ist)
{
	w->idt[v][0] = (offset & 0xffff) | selector << 16 | (uint64_t)(ist | type << 8 | dpl << 13 | p << 15) << 32 |
		       (offset >> 16 & 0xffff) << 48;
	w->idt[v][1] = offset >> 32;
}

void set_gate(struct world *w, unsigned selector, unsigned type, unsigned dpl, unsigned p, unsigned ist)
{
	unsigned v = source_vector[w->source];

	set_vector(w, v, selector, STUBS + HANDLERS64 + v * 16, type, dpl, p, ist);
}

static void put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

void set_rsp(struct world *w, unsigned level, uint64_t rsp)
{
	put64(&w->tss[4 + level * 8], rsp);
}

void set_ist(struct world *w, unsigned ist, uint64_t rsp)
{
	put64(&w->tss[0x1c + ist * 8], rsp);
}

void set_nested(struct world *w, enum nested nested)
{
	unsigned level = nested == NESTED_SAME ? w->level : 0;

	for (unsigned v = 0; v < VECTORS; v++)
		set_vector(w, v, SEL(G_CS64 + level, 0), STUBS + HANDLERS64 + v * 16, 14, 3, 1,
			   nested == NESTED_IST ? 6 : 0);
	set_vector(w, 8, SEL(G_CS64 + level, 0), STUBS + HANDLERS64 + 8 * 16, 14, 0, 1, nested == NESTED_SAME ? 0 : 7);
	set_vector(w, MISSED_VECTOR, SEL(G_CS64, 0), STUBS + HANDLERS64 + MISSED_VECTOR * 16, 14, 3, 1, 7);
}

static void set_program(struct world *w, uint32_t h)
{
	static const uint16_t triggers[] = {TRIGGERS64, TRIGGERS32, TRIGGERS16};
	static const uint8_t code[] = {G_CS64, G_CS32, G_CS16};
	unsigned l = w->level;
	bool null = w->mode == MODE64 && l < 3 && (h & 8);

	w->rflags = EFLAGS_ONE | (h & (EFLAGS_FREE | EFLAGS_OF | EFLAGS_NT | EFLAGS_IF | 0x3000u | EFLAGS_RF));
	w->rip = STUBS + triggers[w->mode] + w->source * TRIGGER_STEP;
	w->cs = SEL(code[w->mode] + l, l);
	w->ss = null ? l : SEL(G_SS + l, l); /* 64-bit code at CPL 0-2 may have none */
	w->rsp = w->mode == MODE16 ? LOW_STACK + 0xf00 + (h >> 4 & 15) : CUR_STACK + 0x8000 + (h >> 4 & 15);
	if (w->mode == MODE64 && (h & 0x100000))
		w->rsp |= h & 0x200000 ? 0xffff812345000000u : 0x00007abcde000000u;
	w->ds = w->es = w->fs = w->gs = SEL(G_FLAT3, 3);
	/* what NP, SS and GP load; what PF, GP0 and SS0 read */
	w->rax = SEL(w->source == SRC_NP ? G_ABSENT : w->source == SRC_SS ? G_ABSENT_SS : G_NONE, l);
	w->rdx = w->source == SRC_GP0 ? HOLE + (h & 0xff) : w->mode == MODE64 ? 0xffff80001240a010u : 0x1240a010u;
	w->rbp = HOLE_END - 8 - (h & 0xff);
}

void world_finish(struct world *w)
{
	if (w->source == SRC_EXT)
		w->rflags |= EFLAGS_IF;
	if (w->source == SRC_INTO)
		w->rflags |= EFLAGS_OF;
}

bool begin(struct world *w, uint32_t index, unsigned source, unsigned level, unsigned mode)
{
	unsigned stack = mode == MODE16 ? 0 : FLAG_B;

	if (mode != MODE64 && (source == SRC_GP0 || source == SRC_SS0))
		return false;
	w->source = source;
	w->level = level;
	w->mode = mode;
	for (unsigned i = 0; i < GDT_ENTRIES; i++)
		w->gdt[i] = 0;
	w->gdt[G_SYSENTER] = segment(0, 0xfffff, 0x1b, 0, 1, FLAG_L | FLAG_G);
	w->gdt[G_MONITOR_SS] = segment(0, 0xfffff, 0x13, 0, 1, FLAG_B | FLAG_G);
	w->gdt[G_MONITOR_CS] = segment(0, 0xfffff, 0x1b, 0, 1, FLAG_B | FLAG_G);
	w->gdt[G_FLAT3] = segment(0, 0xfffff, 0x13, 3, 1, FLAG_B | FLAG_G);
	for (unsigned l = 0; l < 3; l++)
		w->gdt[G_SAFE + l] = segment(0, 0xfffff, 0x13, l, 1, FLAG_B | FLAG_G);
	for (unsigned l = 0; l < 4; l++) {
		w->gdt[G_CS64 + l] = segment(COMPAT, 0, 0x1b, l, 1, FLAG_L); /* neither base nor limit counts */
		w->gdt[G_CS32 + l] = segment(COMPAT, 0xffff, 0x1b, l, 1, FLAG_B);
		w->gdt[G_CS16 + l] = segment(COMPAT, 0xffff, 0x1b, l, 1, 0);
		w->gdt[G_SS + l] = segment(0, 0xfffff, 0x13, l, 1, FLAG_G | stack);
	}
	w->gdt[G_TSS] = segment(TSS_BASE, 0x67, 9, 0, 1, 0);
	w->gdt[G_LDT] = segment(LDT_BASE, 31, 2, 0, 1, 0);
	w->gdt[G_TEST_CS] = w->gdt[G_CS64];
	w->gdt[G_TEST_SS] = segment(0, 0xfffff, 0x13, 0, 1, FLAG_G | FLAG_B);
	w->gdt[G_ABSENT] = segment(0, 0xffff, 0x13, 3, 0, FLAG_B);
	w->gdt[G_ABSENT_SS] = segment(0, 0xffff, 0x13, level, 0, FLAG_B);
	w->gdt[G_LAST] = w->gdt[G_TEST_CS];
	w->gdt_limit = GDT_ENTRIES * 8 - 1;
	w->idt_limit = VECTORS * 16 - 1;
	w->ldt_sel = 0;
	for (unsigned i = 0; i < 4; i++)
		w->ldt[i] = w->gdt[G_TEST_CS];
	w->guarded.pages = 0;
	w->images = 0;
	w->wp = true;
	for (unsigned i = 0; i < sizeof(w->tss); i++)
		w->tss[i] = 0;
	for (unsigned l = 0; l < 3; l++)
		set_rsp(w, l, 0xffff900000000000u + IN_STACK + 0x1000 * l + 0x800);
	for (unsigned i = 1; i < 8; i++)
		set_ist(w, i, (i < 6 ? IN_STACK + 0x8000 : OWN_STACK) + 0x800 * i);
	set_program(w, hash(index));
	set_nested(w, NESTED_SAME);
	set_gate(w, SEL(G_TEST_CS, 0), 14, 3, 1, 0);
	return true;
}

const struct block_list world_blocks[] = {
	{event_blocks, EVENT_BLOCKS},
	{return_blocks, RETURN_BLOCKS},
	{0, 0},
};
