/* The parts of a world, and the list of all blocks. */
#include "parts.h"

const uint8_t source_vector[SOURCES] = {
	TEST_VECTOR, 3, 4, 1, TEST_VECTOR, 6, 0, 13, 11, 12, 10, 14, TEST_VECTOR, TEST_VECTOR, TEST_VECTOR, TEST_VECTOR,
};

/* ---- descriptors ---- */

uint64_t gate(unsigned selector, uint32_t offset, unsigned type, unsigned dpl, unsigned p)
{
	uint32_t high = (offset & 0xffff0000) | p << 15 | dpl << 13 | type << 8;

	return (uint64_t)high << 32 | (selector << 16 | (offset & 0xffff));
}

/* ---- the parts of a world ---- */

void tss_stack(struct world *w, unsigned level, unsigned ss, uint32_t esp)
{
	if (w->tss32) {
		put32(&w->tss[TSS_CUR][4 + level * 8], esp);
		put32(&w->tss[TSS_CUR][8 + level * 8], ss);
	} else {
		put16(&w->tss[TSS_CUR][2 + level * 4], esp & 0xffff);
		put16(&w->tss[TSS_CUR][4 + level * 4], ss);
	}
}

void set_tss(struct world *w, bool tss32, uint32_t limit)
{
	w->tss32 = tss32;
	for (unsigned i = 0; i < 0x68; i++)
		w->tss[TSS_CUR][i] = 0;
	for (unsigned l = 0; l < 3; l++)
		tss_stack(w, l, SEL(G_IN_SS + l, l), 0x4000 * (l + 1) + 0x100);
	put16(&w->tss[TSS_CUR][0], SEL(G_FLAT3, 3)); /* back link: no TSS */
	put32(&w->tss[TSS_CUR][tss32 ? 0x1c : 0x2a], tss32 ? PAGE_DIR : 0);
	w->gdt[G_TSS] = segment(TSS_BASE, limit, tss32 ? 9 : 1, 0, 1, 0);
}

/* A 32-bit task that runs the handler at ring 0, with interrupts off. */
static void task32(uint8_t *t, unsigned handler, uint32_t esp)
{
	for (unsigned i = 0; i < 0x68; i++)
		t[i] = 0;
	put32(t + 0x1c, PAGE_DIR);
	put32(t + 0x20, HANDLERS32 + handler * 16);
	put32(t + 0x24, EFLAGS_ONE);
	put32(t + 0x38, esp);
	put32(t + 0x48, SEL(G_FLAT3, 3));
	put32(t + 0x4c, SEL(G_CS, 0));
	put32(t + 0x50, SEL(G_SAFE, 0));
	put32(t + 0x54, SEL(G_FLAT3, 3));
	put32(t + 0x58, SEL(G_FLAT3, 3));
	put32(t + 0x5c, SEL(G_FLAT3, 3));
}

void task16(uint8_t *t, unsigned handler, unsigned sp)
{
	for (unsigned i = 0; i < 0x68; i++)
		t[i] = 0;
	put16(t + 0x0e, HANDLERS32 + handler * 16);
	put16(t + 0x10, EFLAGS_ONE);
	put16(t + 0x1a, sp);
	put16(t + 0x22, SEL(G_FLAT3, 3));
	put16(t + 0x24, SEL(G_CS, 0));
	put16(t + 0x26, SEL(G_TEST_SS, 0));
	put16(t + 0x28, SEL(G_FLAT3, 3));
}

void set_nested(struct world *w, enum nested nested)
{
	unsigned level = nested == NESTED_SAME && w->level != V86 ? w->level : 0;

	if (nested == NESTED_SAME && w->level == V86)
		nested = NESTED_TASK;
	for (unsigned v = 0; v < VECTORS; v++)
		w->idt[v] = gate(SEL(G_CS + level, 0), HANDLERS32 + v * 16, 14, 3, 1);
	if (nested == NESTED_TASK)
		for (unsigned v = 10; v < 15; v++)
			w->idt[v] = gate(SEL(G_EXC_TSS + v - 10, 0), 0, 5, 3, 1);
	w->idt[8] = gate(SEL(G_DF_TSS, 0), 0, 5, 3, 1);
}

void set_gate(struct world *w, unsigned selector, bool d, unsigned type, unsigned dpl, unsigned p)
{
	unsigned v = source_vector[w->source];

	w->idt[v] = gate(selector, (d ? HANDLERS32 : HANDLERS16) + v * 16, type, dpl, p);
}

static void set_program(struct world *w, uint32_t h)
{
	bool v86 = w->level == V86;

	w->eflags = EFLAGS_ONE | (h & (EFLAGS_FREE | EFLAGS_OF | EFLAGS_NT | EFLAGS_IF | 0x3000u));
	if (w->level != 0)
		w->eflags |= h & EFLAGS_RF;
	if (v86)
		w->eflags |= EFLAGS_VM | 0x3000u;
	w->trigger = w->source * TRIGGER_STEP + TRIGGER_SKIP;
	w->cs = v86 ? V86_CODE >> 4 : SEL(G_CS + w->level, w->level);
	w->ss = v86 ? V86_STACK >> 4 : SEL(G_CUR_SS, w->level);
	w->esp = v86 ? 0xff0 : 0x2100;
	w->ds = v86 ? ABSENT >> 4 : SEL(G_FLAT3, 3);
	w->es = v86 ? 0x1111 : w->ds;
	w->fs = v86 ? 0x2222 : w->ds;
	w->gs = v86 ? 0x3333 : w->ds;
	/* what NP, SS and GP load */
	w->eax = SEL(w->source == SRC_NP ? G_ABSENT : w->source == SRC_SS ? G_ABSENT_SS : G_NONE, SAME_AS(w->level));
}

/* What a source needs of the flags; where the interrupted program starts. */
void world_finish(struct world *w)
{
	if (w->source == SRC_EXT)
		w->eflags |= EFLAGS_IF;
	if (w->source == SRC_INTO)
		w->eflags |= EFLAGS_OF;
	if (w->source == SRC_TS)
		w->eflags |= EFLAGS_NT;
	w->eip = w->trigger - (w->level == 0 && (w->eflags & EFLAGS_IF) ? TRIGGER_SKIP : 0);
}

bool begin(struct world *w, uint32_t index, unsigned source, unsigned level)
{
	if (level == V86 && (source == SRC_NP || source == SRC_TS))
		return false;
	w->source = source;
	w->level = level;
	for (unsigned i = 0; i < GDT_ENTRIES; i++)
		w->gdt[i] = 0;
	for (unsigned l = 0; l < 4; l++)
		w->gdt[G_CS + l] = segment(STUBS, 0xffff, 0x1b, l, 1, FLAG_B);
	for (unsigned l = 0; l < 3; l++) {
		w->gdt[G_SAFE + l] = segment(0, 0xfffff, 0x13, l, 1, FLAG_B | FLAG_G);
		w->gdt[G_IN_SS + l] = segment(IN_STACK, 0xffff, 0x13, l, 1, l == 1 ? 0 : FLAG_B);
	}
	w->gdt[G_MONITOR_CS] = segment(0, 0xfffff, 0x1b, 0, 1, FLAG_B | FLAG_G);
	w->gdt[G_MONITOR_SS] = w->gdt[G_SAFE];
	w->gdt[G_FLAT3] = segment(0, 0xfffff, 0x13, 3, 1, FLAG_B | FLAG_G);
	w->gdt[G_DF_TSS] = segment(world_tss_base(TSS_DF), 0x67, 9, 0, 1, 0);
	for (unsigned i = 0; i < 5; i++)
		w->gdt[G_EXC_TSS + i] = segment(world_tss_base(TSS_EXC + i), 0x67, 9, 0, 1, 0);
	w->gdt[G_TASK_TSS] = segment(world_tss_base(TSS_TEST), 0x67, 9, 0, 1, 0);
	w->gdt[G_LDT] = segment(LDT_BASE, 31, 2, 0, 1, 0);
	w->gdt[G_TEST_CS] = segment(STUBS, 0xffff, 0x1b, 0, 1, FLAG_B);
	w->gdt[G_TEST_SS] = segment(IN_STACK, 0xffff, 0x13, 0, 1, FLAG_B);
	w->gdt[G_CUR_SS] = segment(CUR_STACK, 0xffff, 0x13, SAME_AS(level), 1, FLAG_B);
	w->gdt[G_ABSENT] = segment(0, 0xffff, 0x13, 3, 0, FLAG_B);
	w->gdt[G_ABSENT_SS] = segment(0, 0xffff, 0x13, SAME_AS(level), 0, FLAG_B);
	w->gdt[G_LAST] = w->gdt[G_TEST_CS];
	w->gdt_limit = GDT_ENTRIES * 8 - 1;
	w->idt_limit = VECTORS * 8 - 1;
	w->ldt_sel = 0;
	for (unsigned i = 0; i < 4; i++)
		w->ldt[i] = w->gdt[G_TEST_CS];
	w->guarded.pages = 0;
	w->images = 0;
	w->wp = true;
	task32(w->tss[TSS_DF], TASK_DF, TASK_STACK + 0x100);
	for (unsigned i = 0; i < 5; i++)
		task32(w->tss[TSS_EXC + i], TASK_EXC + i, TASK_STACK + 0x200 + i * 0x100);
	task32(w->tss[TSS_TEST], TASK_TEST, TASK_STACK + 0x800);
	set_tss(w, true, 0x67);
	set_nested(w, NESTED_SAME);
	set_program(w, hash(index));
	set_gate(w, SEL(G_TEST_CS, 0), true, 14, 3, 1);
	return true;
}

const struct block_list world_blocks[] = {
	{event_blocks, EVENT_BLOCKS},
	{return_blocks, RETURN_BLOCKS},
	{0, 0},
};
