/* Making a struct mmu, and keeping its derived parts true. */
#include "mmu/private.h"

#include <stdlib.h>

static void on_map_changed(void *owner)
{
	tlb_flush(owner, true);
}

static void on_code_marked(void *owner, uint64_t page_pa, const uint8_t *page_host)
{
	(void)page_pa;
	tlb_drop_writes(owner, page_host);
}

bool mmu_init(struct mmu *mmu, struct arch_state *s, struct bus *bus, struct fault *fault)
{
	const struct bus_watcher watcher = {
		.map_changed = on_map_changed,
		.code_marked = on_code_marked,
		.owner = mmu,
	};

	memset(mmu, 0, sizeof(*mmu));
	mmu->priv = calloc(1, sizeof(*mmu->priv));
	if (mmu->priv == NULL)
		return false;
	if (!bus_watch(bus, watcher)) {
		free(mmu->priv);
		mmu->priv = NULL;
		return false;
	}
	mmu->s = s;
	mmu->bus = bus;
	mmu->fault = fault;
	mmu->lin_mask = mmu->system_mask = UINT32_MAX;
	mmu->lin_bits = 48;
	mmu->a20_mask = UINT64_MAX;
	mmu->phys_mask = (UINT64_C(1) << 36) - 1;
	mmu->has_pat = true;
	mmu->priv->now = mmu->priv->space;
	mmu->priv->now->pcid = UINT16_MAX; /* none: the first choice is another one */
	/* No processor has this: the first call finds everything changed. */
	mmu->priv->key.phys_mask = 0;
	mmu_mode_changed(mmu);
	for (unsigned seg = 0; seg < SEG_COUNT; seg++)
		mmu_segment_changed(mmu, (enum seg)seg);
	return true;
}

void mmu_free(struct mmu *mmu)
{
	if (mmu->priv == NULL)
		return;
	bus_unwatch(mmu->bus, mmu);
	free(mmu->priv);
	mmu->priv = NULL;
}

/* ---- what follows from the state ---- */

/* The windows agree with seg_check(): whatever would be refused there, or
 * depends on more than one comparison, has none. */
static void make_window(struct mmu *mmu, enum seg seg)
{
	const struct segment *g = &mmu->s->seg[seg];
	struct seg_window *w = &mmu->win[seg];
	bool code = g->type & TYPE_CODE, untyped = mmu->priv->untyped;
	uint64_t end = (uint64_t)g->limit + 1;
	bool reads, writes;

	w->base = g->base;
	w->r_end = w->w_end = 0;
	if (seg > SEG_GS || (!code && (g->type & TYPE_EXPANDDOWN)) || (!untyped && !g->usable))
		return;
	reads = untyped || !code || (g->type & TYPE_READABLE);
	writes = untyped || (!code && (g->type & TYPE_WRITABLE));
	w->r_end = reads ? end : 0;
	w->w_end = writes ? end : 0;
}

/* Compatibility mode: base and offset make 32 bits, and there may be tags beyond them. */
static void clip_window(struct seg_window *w)
{
	uint64_t room;

	w->base &= UINT32_MAX;
	room = UINT32_MAX + UINT64_C(1) - w->base;
	w->r_end = w->r_end < room ? w->r_end : room;
	w->w_end = w->w_end < room ? w->w_end : room;
}

static void segment_window(struct mmu *mmu, enum seg seg)
{
	if (UNLIKELY(mmu->priv->flat && seg <= SEG_GS)) {
		uint64_t base = seg == SEG_FS || seg == SEG_GS ? mmu->s->seg[seg].base : 0;
		mmu->win[seg] = (struct seg_window){.base = base, .r_end = UINT64_MAX, .w_end = UINT64_MAX};
		return;
	}
	make_window(mmu, seg);
	if (UNLIKELY(mmu->priv->long_mode))
		clip_window(&mmu->win[seg]);
}

static void segment_windows(struct mmu *mmu)
{
	for (unsigned seg = 0; seg <= SEG_GS; seg++)
		segment_window(mmu, (enum seg)seg);
}

/* CS.L decides between 64-bit and compatibility mode.  True: it is another mode than it was. */
static bool follow_code(struct mmu *mmu)
{
	struct mmu_private *p = mmu->priv;
	bool flat = p->long_mode && mmu->s->seg[SEG_CS].l;

	if (flat == p->flat)
		return false;
	p->flat = flat;
	mmu->lin_mask = flat ? UINT64_MAX : UINT32_MAX;
	return true;
}

void mmu_segment_changed(struct mmu *mmu, enum seg seg)
{
	if (UNLIKELY(mmu->priv->long_mode) && seg == SEG_CS && follow_code(mmu))
		segment_windows(mmu);
	else
		segment_window(mmu, seg);
}

static void choose_banks(struct mmu *mmu)
{
	const struct arch_state *s = mmu->s;
	struct mmu_private *p = mmu->priv;
	bool smap = s->cr4 & CR4_SMAP, ac = s->rflags & FLAG_AC;

	p->alignment = ac && (s->cr0 & CR0_AM);
	p->implicit = smap ? BANK_SUPER_SMAP : BANK_SUPER;
	p->bank[false] = smap && !ac ? BANK_SUPER_SMAP : BANK_SUPER;
	p->bank[true] = BANK_USER;
	mmu->tlb_implicit = mmu->banks[p->implicit][TLB_READ];
	for (unsigned user = 0; user < 2; user++) {
		enum tlb_bank data = user && p->alignment ? BANK_NONE : p->bank[user];
		mmu->tlb_of[user][TLB_READ] = mmu->banks[data][TLB_READ];
		mmu->tlb_of[user][TLB_WRITE] = mmu->banks[data][TLB_WRITE];
		mmu->tlb_of[user][TLB_EXEC] = mmu->banks[p->bank[user]][TLB_EXEC];
	}
	mmu_cpl_changed(mmu);
}

static uint16_t current_pcid(const struct arch_state *s)
{
	return s->cr4 & CR4_PCIDE ? s->cr3 & CR3_PCID : 0;
}

/* SDM 3A, "Process-Context Identifiers (PCIDs)".  The space of another PCID is another address space. */
static void follow_pcid(struct mmu *mmu)
{
	if (LIKELY(!tlb_choose(mmu, current_pcid(mmu->s))))
		return;
	choose_banks(mmu);
	epoch_change(mmu);
}

/* True: the windows are others now. */
static bool choose_mode(struct mmu *mmu)
{
	const struct arch_state *s = mmu->s;
	struct mmu_private *p = mmu->priv;
	bool untyped = !(s->cr0 & CR0_PE) || (s->rflags & FLAG_VM), long_mode = s->efer & EFER_LMA;
	bool changed = untyped != p->untyped || long_mode != p->long_mode;

	p->untyped = untyped;
	p->long_mode = long_mode;
	mmu->system_mask = long_mode ? UINT64_MAX : UINT32_MAX;
	mmu->lin_bits = long_mode && (s->cr4 & CR4_LA57) ? 57 : 48;
	return follow_code(mmu) || changed;
}

void mmu_mode_changed(struct mmu *mmu)
{
	if (walk_configure(mmu))
		tlb_flush(mmu, true);
	follow_pcid(mmu);
	mmu_pkru_changed(mmu);
	watch_configure(mmu);
	choose_banks(mmu);
	if (choose_mode(mmu))
		segment_windows(mmu);
}

/* What is cached was checked with the rights of its key: whatever has other rights now goes. */
void mmu_pkru_changed(struct mmu *mmu)
{
	struct mmu_private *p = mmu->priv;
	uint64_t changed = p->pkru ^ mmu->s->pkru;

	if (LIKELY(changed == 0))
		return;
	p->pkru = mmu->s->pkru;
	if (p->walk.keys)
		tlb_drop_keyed(mmu, changed & (PKRU_AD | PKRU_WD));
}

/* ---- invalidation ---- */

void mmu_flush(struct mmu *mmu, bool global_too)
{
	follow_pcid(mmu);
	tlb_flush(mmu, global_too);
}

void mmu_load_cr3(struct mmu *mmu, uint64_t value)
{
	bool keep = (mmu->s->cr4 & CR4_PCIDE) && (value & CR3_NO_FLUSH);

	mmu->s->cr3 = keep ? value & ~CR3_NO_FLUSH : value;
	follow_pcid(mmu);
	if (keep)
		epoch_change(mmu); /* other tables, if not another PCID */
	else
		tlb_flush(mmu, false);
}

void mmu_invlpg(struct mmu *mmu, uint64_t lin)
{
	tlb_drop_page_and_globals(mmu, lin & mmu->lin_mask);
}

enum { INVPCID_ADDRESS, INVPCID_CONTEXT, INVPCID_ALL_GLOBAL_TOO, INVPCID_ALL };

static enum why invpcid_check(const struct mmu *mmu, uint64_t type, uint64_t pcid, uint64_t lin)
{
	bool named = type == INVPCID_ADDRESS || type == INVPCID_CONTEXT;

	if (type > INVPCID_ALL)
		return WHY_INVPCID_TYPE;
	if (pcid & ~(uint64_t)CR3_PCID)
		return WHY_INVPCID_RESERVED;
	if (named && pcid != 0 && !(mmu->s->cr4 & CR4_PCIDE))
		return WHY_INVPCID_PCID;
	if (type == INVPCID_ADDRESS && mmu->priv->flat && !mmu_canonical(mmu, lin))
		return WHY_INVPCID_NON_CANONICAL;
	return WHY_NONE;
}

bool mmu_invpcid(struct mmu *mmu, uint64_t type, uint64_t pcid, uint64_t lin)
{
	enum why why = invpcid_check(mmu, type, pcid, lin);

	if (why != WHY_NONE)
		return mmu_fail(mmu, VEC_GP, 0, why);
	if (type == INVPCID_ADDRESS)
		tlb_drop_page_of_pcid(mmu, lin, (uint16_t)pcid);
	else if (type == INVPCID_CONTEXT)
		tlb_flush_pcid(mmu, (uint16_t)pcid);
	else if (type == INVPCID_ALL)
		tlb_flush_pcids(mmu);
	else
		tlb_flush(mmu, true);
	return true;
}

void mmu_set_a20(struct mmu *mmu, bool enabled)
{
	uint64_t mask = enabled ? UINT64_MAX : ~(UINT64_C(1) << 20);

	if (mmu->a20_mask == mask)
		return;
	mmu->a20_mask = mask;
	tlb_flush(mmu, true);
}
