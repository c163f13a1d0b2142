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
	mmu->lin_mask = UINT32_MAX;
	mmu->a20_mask = UINT64_MAX;
	mmu->phys_mask = (UINT64_C(1) << 36) - 1;
	mmu->has_pat = true;
	tlb_clear(mmu);
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
void mmu_segment_changed(struct mmu *mmu, enum seg seg)
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

void mmu_mode_changed(struct mmu *mmu)
{
	const struct arch_state *s = mmu->s;
	struct mmu_private *p = mmu->priv;
	bool untyped = !(s->cr0 & CR0_PE) || (s->rflags & FLAG_VM);

	if (walk_configure(mmu))
		tlb_flush(mmu, true);
	watch_configure(mmu);
	choose_banks(mmu);
	if (untyped == p->untyped)
		return;
	p->untyped = untyped;
	for (unsigned seg = 0; seg <= SEG_GS; seg++)
		mmu_segment_changed(mmu, (enum seg)seg);
}

/* ---- invalidation ---- */

void mmu_flush(struct mmu *mmu, bool global_too)
{
	tlb_flush(mmu, global_too);
}

void mmu_invlpg(struct mmu *mmu, uint64_t lin)
{
	tlb_drop_page(mmu, lin & mmu->lin_mask);
}

void mmu_set_a20(struct mmu *mmu, bool enabled)
{
	uint64_t mask = enabled ? UINT64_MAX : ~(UINT64_C(1) << 20);

	if (mmu->a20_mask == mask)
		return;
	mmu->a20_mask = mask;
	tlb_flush(mmu, true);
}
