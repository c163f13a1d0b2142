/* Data breakpoints.  Source: SDM 3B, "Debug Registers". */
#include "mmu/private.h"

/* R/W field of DR7. */
enum { RW_EXECUTE, RW_WRITE, RW_IO, RW_ACCESS };

void watch_configure(struct mmu *mmu)
{
	static const uint8_t lengths[4] = {1, 2, 8, 4};
	const struct arch_state *s = mmu->s;
	struct mmu_private *p = mmu->priv;

	if (s->dr7 == p->dr7 && memcmp(s->dr, p->dr, sizeof(p->dr)) == 0)
		return;
	p->dr7 = s->dr7;
	memcpy(p->dr, s->dr, sizeof(p->dr));
	p->watch_count = 0;
	slow_clear(mmu);
	for (unsigned i = 0; i < 4; i++) {
		unsigned rw = (s->dr7 >> (16 + 4 * i)) & 3, bytes = lengths[(s->dr7 >> (18 + 4 * i)) & 3];
		struct watch *w = &p->watch[p->watch_count];

		if (!((s->dr7 >> (2 * i)) & 3) || (rw != RW_WRITE && rw != RW_ACCESS))
			continue;
		/* The length masks off low address bits: no breakpoint crosses a page. */
		*w = (struct watch){s->dr[i] & ~(uint64_t)(bytes - 1), bytes, rw == RW_ACCESS, (uint8_t)i};
		p->watch_count++;
		tlb_drop_page_everywhere(mmu, w->lin);
	}
}

void mmu_observe(struct mmu *mmu, mmu_observer *observer, void *owner)
{
	mmu->observer = observer;
	mmu->observer_owner = owner;
	mmu_flush(mmu, true);
}

bool watch_page(const struct mmu *mmu, uint64_t lin, bool write)
{
	const struct mmu_private *p = mmu->priv;

	if (mmu->observer != NULL)
		return true;
	for (unsigned i = 0; i < p->watch_count; i++) {
		if (((p->watch[i].lin ^ lin) & PAGE_MASK) == 0 && (write || p->watch[i].reads))
			return true;
	}
	return false;
}

uint32_t watch_match(const struct mmu *mmu, uint64_t lin, unsigned bytes, bool write)
{
	const struct mmu_private *p = mmu->priv;
	uint32_t hits = 0;

	for (unsigned i = 0; i < p->watch_count; i++) {
		const struct watch *w = &p->watch[i];
		bool meets = w->lin - lin < bytes || lin - w->lin < w->bytes;
		if (meets && (write || w->reads))
			hits |= DR6_B0 << w->index;
	}
	return hits;
}
