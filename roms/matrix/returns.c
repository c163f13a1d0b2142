/* The combinations of returns, block by block. */
#include "parts.h"

/* Levels from and to which a return may lead. */
static const struct {
	uint8_t from, to;
} outward[] = {{0, 0}, {0, 1}, {0, 2}, {0, 3}, {1, 1}, {1, 2}, {1, 3}, {2, 2}, {2, 3}, {3, 3}};

#define OUTWARD ARRAY_SIZE(outward)
#define RETURNS 4

/* A return that goes well: to a 32-bit code segment of level rpl, and to a stack of that level. */
static bool begin_return(struct world *w, uint32_t index, unsigned op, unsigned level, unsigned rpl)
{
	bool iret = SRC_IRET32 + op < SRC_RETF32;
	uint32_t values[5];
	unsigned n = 0;

	if (!begin(w, index, SRC_IRET32 + op, level))
		return false;
	if (iret)
		w->eflags &= ~EFLAGS_NT;
	w->gdt[G_ES] = segment(0, 0xfffff, 0x13, level, 1, FLAG_B | FLAG_G);
	w->gdt[G_FS] = segment(0, 0xfffff, 0x1f, 0, 1, FLAG_B | FLAG_G);
	w->gdt[G_GS] = segment(0, 0xfffff, 0x1b, level, 1, FLAG_B | FLAG_G);
	w->es = SEL(G_ES, level);
	w->fs = SEL(G_FS, level);
	w->gs = SEL(G_GS, level);
	w->gdt[G_TEST_CS] = segment(STUBS, 0xffff, 0x1b, rpl, 1, FLAG_B);
	w->gdt[G_TEST_SS] = segment(IN_STACK, 0xffff, 0x13, rpl, 1, FLAG_B);
	values[n++] = HANDLERS32 + RETURN_VECTOR * 16;
	values[n++] = SEL(G_TEST_CS, rpl);
	if (iret)
		values[n++] = EFLAGS_ONE | (~hash(index) & (EFLAGS_FREE | EFLAGS_OF | EFLAGS_NT | EFLAGS_IF | 0x3000u));
	values[n++] = 0x5000;
	values[n++] = SEL(G_TEST_SS, rpl);
	for (unsigned i = 0; i < n; i++)
		w->image[i] = values[i];
	w->images = n;
	return true;
}

/* The places of ESP and SS in the image. */
static unsigned image_esp(const struct world *w)
{
	return w->source >= SRC_RETF32 ? 2 : 3;
}

/* Every type, DPL and P of the code segment, and every RPL. */
static bool return_codes(struct world *w, uint32_t index, uint32_t n)
{
	unsigned op = take(&n, RETURNS), level = take(&n, 4), type = take(&n, 32), dpl = take(&n, 4), p = take(&n, 2);
	unsigned rpl = take(&n, 4), nested = take(&n, 2);

	if (!begin_return(w, index, op, level, rpl))
		return false;
	set_nested(w, nested ? NESTED_TASK : NESTED_SAME);
	w->gdt[G_TEST_CS] = segment(STUBS, 0xffff, type, dpl, p, FLAG_B);
	return true;
}

/* Every type, DPL and P of the outer stack segment. */
static bool return_stacks(struct world *w, uint32_t index, uint32_t n)
{
	unsigned op = take(&n, RETURNS), pair = take(&n, OUTWARD), type = take(&n, 32), dpl = take(&n, 4);
	unsigned p = take(&n, 2), rpl = take(&n, 4);

	if (outward[pair].from == outward[pair].to || !begin_return(w, index, op, outward[pair].from, outward[pair].to))
		return false;
	set_nested(w, hash(index) & 1 ? NESTED_TASK : NESTED_SAME);
	w->gdt[G_TEST_SS] = segment(IN_STACK, 0xffff, type, dpl, p, hash(index) & 2 ? FLAG_B : 0);
	w->image[image_esp(w) + 1] = SEL(G_TEST_SS, rpl);
	return true;
}

/* Selectors and offsets that lead nowhere, or just not. */
static bool return_places(struct world *w, uint32_t index, uint32_t n)
{
	unsigned op = take(&n, RETURNS), pair = take(&n, OUTWARD), variant = take(&n, 16), nested = take(&n, 3);
	unsigned to = outward[pair].to, at = 1, code = 1;

	if (!begin_return(w, index, op, outward[pair].from, to))
		return false;
	set_nested(w, (enum nested)nested);
	if (variant >= 8) {
		at = image_esp(w) + 1;
		code = 0;
	}
	w->ldt[1] = w->gdt[G_LAST] = code ? w->gdt[G_TEST_CS] : w->gdt[G_TEST_SS];
	w->ldt_sel = SEL(G_LDT, 0);
	w->gdt[G_LDT] = segment(LDT_BASE, 15, 2, 0, 1, 0);
	switch (variant & 7) {
	case 0: /* null, with a right and a wrong RPL */
	case 1:
		w->image[at] = variant & 1 ? 0 : to;
		break;
	case 2: /* the last in the table; its last byte beyond */
	case 3:
		w->image[at] = SEL(G_LAST, to);
		w->gdt_limit = G_LAST * 8 + 7 - (variant & 1);
		break;
	case 4: /* the last in the LDT; its last byte beyond */
	case 5:
		w->image[at] = SEL(1, 4 | to);
		w->gdt[G_LDT] = segment(LDT_BASE, 15 - (variant & 1), 2, 0, 1, 0);
		break;
	case 6: /* no LDT; for ESP: a full 32-bit value */
		w->ldt_sel = code ? 0 : w->ldt_sel;
		w->image[code ? at : at - 1u] = code ? SEL(1, 4 | to) : 0x12345678u;
		break;
	default: /* the offset beyond the limit; for SS: both wrong */
		w->gdt[G_TEST_CS] = segment(STUBS, HANDLERS32 + RETURN_VECTOR * 16 - 1, 0x1b, to, 1, FLAG_B);
		if (!code)
			w->image[at] = SEL(G_TEST_SS, (to + 1) & 3);
	}
	return true;
}

/* The flags an IRET may change; VM. */
static bool return_flags(struct world *w, uint32_t index, uint32_t n)
{
	unsigned op = take(&n, 2), pair = take(&n, OUTWARD), now = take(&n, 8), set = take(&n, 8), vm = take(&n, 2);
	unsigned virtual = take(&n, 4);

	if (!begin_return(w, index, op, outward[pair].from, outward[pair].to))
		return false;
	w->eflags &= ~(EFLAGS_IF | 0x3000u);
	w->eflags |= (now & 1 ? EFLAGS_IF : 0) | (now >> 1) << 12;
	w->image[2] &= ~(EFLAGS_IF | 0x3000u);
	w->image[2] |= (set & 1 ? EFLAGS_IF : 0) | (set >> 1) << 12 | (vm ? EFLAGS_VM : virtual << 19);
	set_nested(w, hash(index) & 1 ? NESTED_RING0 : NESTED_SAME);
	if (vm && w->source == SRC_IRET32) {
		static const uint32_t frame[] = {12 * TRIGGER_STEP + TRIGGER_SKIP,
						 V86_CODE >> 4,
						 0,
						 0x560,
						 V86_STACK >> 4,
						 0xe5e5,
						 0xd5d5,
						 0xf5f5,
						 0x6565};

		for (unsigned i = w->level ? 5 : 0; i < ARRAY_SIZE(frame); i++)
			if (i != 2)
				w->image[i] = frame[i];
		w->images = ARRAY_SIZE(frame);
	}
	return true;
}

/* The limit of the stack that is popped from. */
static bool return_rooms(struct world *w, uint32_t index, uint32_t n)
{
	static const uint8_t cut[] = {0, 1, 2, 3, 4, 5, 8, 20};
	unsigned op = take(&n, RETURNS), pair = take(&n, OUTWARD), less = cut[take(&n, 8)], big = take(&n, 2);
	unsigned to = outward[pair].to;

	if (!begin_return(w, index, op, outward[pair].from, to))
		return false;
	set_nested(w, NESTED_TASK);
	if (outward[pair].from == to)
		w->images -= 2;
	w->gdt[G_CUR_SS] = segment(CUR_STACK, w->esp + w->images * return_size(w) - 1 - less, 0x13, outward[pair].from,
				   1, big ? FLAG_B : 0);
	return true;
}

/* IRET with NT = 1: every type and P of what the back link names. */
static bool task_returns(struct world *w, uint32_t index, uint32_t n)
{
	unsigned op = take(&n, 2), level = take(&n, 4), type = take(&n, 32), p = take(&n, 2), tss32 = take(&n, 2);
	unsigned variant = take(&n, 3), link = SEL(G_TASK_TSS, hash(index) >> 1 & 3);

	if (!begin_return(w, index, op, level, level))
		return false;
	set_tss(w, tss32, tss32 ? 0x67 : 0x2c);
	set_nested(w, hash(index) & 1 ? NESTED_RING0 : NESTED_SAME);
	w->eflags |= EFLAGS_NT;
	w->gdt[G_TEST_SS] = segment(IN_STACK, 0xffff, 0x13, 0, 1, 0);
	if (!(type & 8))
		task16(w->tss[TSS_TEST], TASK_TEST, 0x8000);
	w->gdt[G_TASK_TSS] = segment(world_tss_base(TSS_TEST), (type & 8 ? 0x67 : 0x2c) - (variant == 1), type,
				     hash(index) >> 3 & 3, p, 0);
	if (variant == 2) /* selectors that name no TSS: null, LDT, beyond the GDT */
		switch (type) {
		case 0:
		case 1:
		case 2:
		case 3:
			link = type;
			break;
		case 4:
			link = SEL(G_TASK_TSS, 4);
			break;
		case 5:
			link = SEL(G_LAST, 1);
			w->gdt_limit = G_LAST * 8 + 6;
			break;
		default:
			return false;
		}
	put16(&w->tss[TSS_CUR][0], link);
	return true;
}

const struct block return_blocks[RETURN_BLOCKS] = {
	{return_codes, RETURNS * 4 * 32 * 4 * 2 * 4 * 2, "return-codes"},
	{return_stacks, RETURNS *OUTWARD * 32 * 4 * 2 * 4, "return-stacks"},
	{return_places, RETURNS *OUTWARD * 16 * 3, "return-places"},
	{return_flags, 2 * OUTWARD * 8 * 8 * 2 * 4, "return-flags"},
	{return_rooms, RETURNS *OUTWARD * 8 * 2, "return-rooms"},
	{task_returns, 2 * 4 * 32 * 2 * 2 * 3, "task-returns"},
};
