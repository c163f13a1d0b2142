/* The combinations of returns, block by block. */
#include "parts.h"

/* Levels from and to which a return may lead. */
static const struct {
	uint8_t from, to;
} outward[] = {{0, 0}, {0, 1}, {0, 2}, {0, 3}, {1, 1}, {1, 2}, {1, 3}, {2, 2}, {2, 3}, {3, 3}};

#define OUTWARD ARRAY_SIZE(outward)
#define RETURNS 6
#define IRETS   3
#define MODES   3

/* L and D of code of each mode; of what is none: both. */
static const uint8_t mode_flags[] = {FLAG_L, FLAG_B, 0, FLAG_L | FLAG_B};
static const uint32_t landing[] = {STUBS + HANDLERS64 + RETURN_VECTOR * 16, STUBS + LANDING32, STUBS + LANDING16,
				   STUBS + HANDLERS64 + RETURN_VECTOR * 16};

/* The places of RSP and SS in the image. */
static unsigned image_rsp(const struct world *w)
{
	return w->source >= SRC_RETF64 ? 2 : 3;
}

static unsigned image_ss(const struct world *w)
{
	return image_rsp(w) + 1;
}

/* A return that goes well: to a code segment of level rpl and of the mode, and to a stack of that level. */
static bool begin_return(struct world *w, uint32_t index, unsigned op, unsigned level, unsigned mode, unsigned rpl,
			 unsigned to)
{
	bool iret = op < IRETS;
	uint32_t h = hash(~index);
	unsigned n = 0;

	if ((mode != MODE64 && op % IRETS == 0) || !begin(w, index, SRC_IRET64 + op, level, mode))
		return false;
	if (iret)
		w->rflags &= ~(uint64_t)EFLAGS_NT;
	w->gdt[G_ES] = segment(0, 0xfffff, 0x13, level, 1, FLAG_B | FLAG_G);
	w->gdt[G_FS] = segment(0, 0xfffff, 0x1f, 0, 1, FLAG_B | FLAG_G);
	w->gdt[G_GS] = segment(0, 0xfffff, 0x1b, level, 1, FLAG_B | FLAG_G);
	w->es = SEL(G_ES, level);
	w->fs = SEL(G_FS, level);
	w->gs = SEL(G_GS, level);
	w->gdt[G_TEST_CS] = segment(COMPAT, 0xffff, 0x1b, rpl, 1, mode_flags[to]);
	w->gdt[G_TEST_SS] = segment(0, 0xfffff, 0x13, rpl, 1, FLAG_B | FLAG_G);
	w->image[n++] = landing[to];
	w->image[n++] = SEL(G_TEST_CS, rpl);
	if (iret)
		w->image[n++] = EFLAGS_ONE | (~hash(index) &
					      (EFLAGS_FREE | EFLAGS_OF | EFLAGS_NT | EFLAGS_IF | EFLAGS_RF | 0x3000u));
	w->image[n++] = LOW_STACK + (h & 0xfff) + ((h & 0x1000) && to == MODE64 ? (uint64_t)h << 32 : 0);
	w->image[n++] = SEL(G_TEST_SS, rpl) | (uint64_t)(h & 0xffff0000); /* the upper half is thrown away */
	w->image[1] |= h << 16;
	w->images = n;
	set_nested(w, (enum nested)((h >> 20) % 3));
	return true;
}

/* Every type and DPL of the code segment, L and D, and every RPL. */
static bool return_codes(struct world *w, uint32_t index, uint32_t n)
{
	unsigned op = take(&n, RETURNS), level = take(&n, 4), type = take(&n, 32), dpl = take(&n, 4), rpl = take(&n, 4);
	unsigned to = take(&n, 4);
	uint32_t h = hash(index);

	if (!begin_return(w, index, op, level, h % MODES, rpl, to))
		return false;
	w->gdt[G_TEST_CS] = segment(COMPAT, 0xffff, type, dpl, (h & 0x70) != 0, mode_flags[to]);
	return true;
}

/* Every type, DPL and P of the stack segment. */
static bool return_stacks(struct world *w, uint32_t index, uint32_t n)
{
	unsigned op = take(&n, RETURNS), pair = take(&n, OUTWARD), type = take(&n, 32), dpl = take(&n, 4);
	unsigned p = take(&n, 2), to = take(&n, MODES), rpl;
	uint32_t h = hash(index);

	if (!begin_return(w, index, op, outward[pair].from, h % MODES, outward[pair].to, to))
		return false;
	rpl = h & 0x30 ? outward[pair].to : h >> 6 & 3;
	w->gdt[G_TEST_SS] = segment(0, 0xffff, type, dpl, p, h & 0x100 ? FLAG_B : 0);
	w->image[image_ss(w)] = SEL(G_TEST_SS, rpl);
	return true;
}

/* Selectors and offsets that lead nowhere, or just not. */
static bool return_places(struct world *w, uint32_t index, uint32_t n)
{
	unsigned op = take(&n, RETURNS), pair = take(&n, OUTWARD), mode = take(&n, MODES), to_mode = take(&n, MODES);
	unsigned variant = take(&n, 20), to = outward[pair].to, at = 1;

	if (!begin_return(w, index, op, outward[pair].from, mode, to, to_mode))
		return false;
	if (variant >= 10)
		at = image_ss(w);
	w->ldt[1] = w->gdt[G_LAST] = at == 1 ? w->gdt[G_TEST_CS] : w->gdt[G_TEST_SS];
	w->ldt_sel = SEL(G_LDT, 0);
	w->gdt[G_LDT] = segment(LDT_BASE, 15, 2, 0, 1, 0);
	switch (variant % 10) {
	case 0: /* null */
	case 1:
	case 2:
	case 3:
		w->image[at] = variant % 10;
		break;
	case 4: /* the last in the table; its last byte beyond */
	case 5:
		w->image[at] = SEL(G_LAST, to);
		w->gdt_limit = G_LAST * 8 + 7 - (variant & 1);
		break;
	case 6: /* the last in the LDT; its last byte beyond; no LDT */
	case 7:
	case 8:
		w->image[at] = SEL(1, 4 | to);
		w->gdt[G_LDT] = segment(LDT_BASE, variant % 10 == 7 ? 14 : 15, 2, 0, 1, 0);
		w->ldt_sel = variant % 10 == 8 ? 0 : w->ldt_sel;
		break;
	default: /* the offset is the first beyond the limit; the stack is wrong too */
		w->gdt[G_TEST_CS] = segment(COMPAT, landing[to_mode] - 1, 0x1b, to, 1, mode_flags[to_mode]);
		if (at != 1)
			w->image[at] = SEL(G_TEST_SS, (to + (hash(index) & 1)) & 3);
	}
	return true;
}

/* RIP and RSP that are popped: canonical, not, and of more than 32 bits. */
static bool return_pointers(struct world *w, uint32_t index, uint32_t n)
{
	static const uint64_t high[] = {0,
					0x100000000u,
					0x00007fffffc00000u,
					HOLE,
					0x0001000000000000u,
					0x1234567800000000u,
					HOLE_END - 0x400000,
					HOLE_END,
					0xffffffffffc00000u,
					0xffff000000000000u};
	unsigned op = take(&n, RETURNS), pair = take(&n, OUTWARD), to = take(&n, MODES), rip = take(&n, 10);
	unsigned rsp = take(&n, 10);

	if (!begin_return(w, index, op, outward[pair].from, hash(index) % MODES, outward[pair].to, to))
		return false;
	set_nested(w, NESTED_IST);
	w->image[0] += high[rip];
	w->image[image_rsp(w)] = high[rsp] + LOW_STACK + 0x800;
	return true;
}

/* Where the image is: the pages and addresses the values are popped from. */
static bool return_rooms(struct world *w, uint32_t index, uint32_t n)
{
	static const uint64_t edges[] = {HOLE, HOLE_END, 0, HOLE + 0x1000, HOLE_END - 0x1000, 0x123456789abc0000u};
	unsigned op = take(&n, RETURNS), pair = take(&n, OUTWARD), edge = take(&n, 9), below = take(&n, 8);
	unsigned size = 8u >> op % IRETS;
	uint32_t h = hash(index);

	if (!begin_return(w, index, op, outward[pair].from, edge < 6 ? MODE64 : h % MODES, outward[pair].to,
			  (h >> 8) % MODES))
		return false;
	set_nested(w, NESTED_IST);
	if (edge < 6)
		w->rsp = edges[edge] - below * size;
	else {
		w->rsp = (w->mode == MODE16 ? LOW_STACK + 0x1000u : CUR_STACK + 0x5000u);
		guard(&w->guarded, (uint32_t)w->rsp,
		      ALL_RIGHTS & ~(edge == 6   ? PAGE_PRESENT
				     : edge == 7 ? PAGE_USER
						 : PAGE_WRITE));
		w->rsp -= below * size;
	}
	return true;
}

/* The limit of the stack that is popped from, in compatibility mode. */
static bool return_limits(struct world *w, uint32_t index, uint32_t n)
{
	static const uint8_t cut[] = {0, 1, 2, 3, 4, 5, 8, 20};
	unsigned op = take(&n, RETURNS), pair = take(&n, OUTWARD), less = cut[take(&n, 8)], mode = MODE32 + take(&n, 2);
	unsigned to = take(&n, MODES), values;

	if (!begin_return(w, index, op, outward[pair].from, mode, outward[pair].to, to))
		return false;
	values = w->images - (outward[pair].from == outward[pair].to ? 2 : 0);
	w->rsp &= 0xffff;
	w->rsp |= LOW_STACK;
	w->gdt[G_SS + w->level] = segment(0, (uint32_t)w->rsp + values * return_size(w) - 1 - less, 0x13, w->level, 1,
					  mode == MODE16 ? 0 : FLAG_B);
	return true;
}

/* The flags an IRET may change; VM; NT. */
static bool return_flags(struct world *w, uint32_t index, uint32_t n)
{
	unsigned op = take(&n, IRETS), pair = take(&n, OUTWARD), now = take(&n, 8), set = take(&n, 8);
	unsigned virtual = take(&n, 8), nt = take(&n, 2);
	uint32_t h = hash(index);

	if (!begin_return(w, index, op, outward[pair].from, h % MODES, outward[pair].to, (h >> 8) % MODES))
		return false;
	w->rflags &= ~(uint64_t)(EFLAGS_IF | 0x3000u);
	w->rflags |= (now & 1 ? EFLAGS_IF : 0) | (now >> 1) << 12 | (nt && (h & 0x300000) == 0 ? EFLAGS_NT : 0);
	w->image[2] &= ~(uint64_t)(EFLAGS_IF | 0x3000u);
	/* VM of IRETQ alone: there is no way back from where QEMU goes by that of IRETD */
	w->image[2] |= (set & 1 ? EFLAGS_IF : 0) | (set >> 1) << 12 |
		       ((virtual & 1) && return_size(w) == 8 ? EFLAGS_VM : 0) | (virtual >> 1) << 19;
	w->image[2] |= (uint64_t)h << 32; /* reserved */
	return true;
}

const struct block return_blocks[RETURN_BLOCKS] = {
	{return_codes, RETURNS * 4 * 32 * 4 * 4 * 4, "return-codes"},
	{return_stacks, RETURNS *OUTWARD * 32 * 4 * 2 * MODES, "return-stacks"},
	{return_places, RETURNS *OUTWARD *MODES *MODES * 20, "return-places"},
	{return_pointers, RETURNS *OUTWARD *MODES * 10 * 10, "return-pointers"},
	{return_rooms, RETURNS *OUTWARD * 9 * 8, "return-rooms"},
	{return_limits, RETURNS *OUTWARD * 8 * 2 * MODES, "return-limits"},
	{return_flags, IRETS *OUTWARD * 8 * 8 * 8 * 2, "return-flags"},
};
