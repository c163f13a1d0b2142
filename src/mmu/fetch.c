/* Instruction fetch.  It happens between instructions, so a device may be
 * read and accessed bits set in any page: the walk runs as if alone. */
#include "mmu/private.h"

static bool fetch_translate(struct mmu *mmu, uint64_t lin, struct slow_entry *place)
{
	bool alone = mmu->alone, ok;

	if (!mmu_canonical(mmu, lin))
		return mmu_fail(mmu, VEC_GP, 0, WHY_FETCH_NON_CANONICAL);
	mmu->alone = true;
	ok = translate(mmu, explicit_bank(mmu), TLB_EXEC, lin, place);
	mmu->alone = alone;
	return ok;
}

static void note_fetched(struct mmu *mmu, uint64_t lin)
{
	unsigned filter = (unsigned)(lin >> 12) % FETCHED_BITS;

	mmu->priv->fetched[filter / 64] |= UINT64_C(1) << (filter % 64);
}

const uint8_t *mmu_fetch_page(struct mmu *mmu, uint64_t lin, uint64_t *pa)
{
	const struct tlb_entry *e = &mmu->tlb[TLB_EXEC][tlb_slot(lin &= mmu->lin_mask)];
	struct slow_entry place;

	if (LIKELY(e->tag == (lin & PAGE_MASK))) {
		note_fetched(mmu, lin);
		*pa = mmu->priv->now->fetch_pa[explicit_bank(mmu)][tlb_slot(lin)];
		return (const uint8_t *)(e->addend + (uintptr_t)e->tag);
	}
	if (!fetch_translate(mmu, lin, &place))
		return NULL;
	note_fetched(mmu, lin);
	*pa = place.pa;
	if (place.host == NULL)
		mmu_run_alone(mmu);
	return place.host;
}

struct rd mmu_fetch_byte(struct mmu *mmu, uint64_t lin)
{
	const struct tlb_entry *e = &mmu->tlb[TLB_EXEC][tlb_slot(lin &= mmu->lin_mask)];
	struct slow_entry place;

	if (LIKELY(e->tag == (lin & PAGE_MASK)))
		return (struct rd){*(const uint8_t *)(e->addend + (uintptr_t)lin), true};
	if (!fetch_translate(mmu, lin, &place))
		return (struct rd){0, false};
	if (place.host != NULL)
		return (struct rd){place.host[lin & ~PAGE_MASK], true};
	return (struct rd){bus_read(mmu->bus, place.pa | (lin & ~PAGE_MASK), 1), true};
}
