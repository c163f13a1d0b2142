/* Filling and emptying the TLBs.  Nothing here looks at a slot that was not
 * filled: MOV to CR3 costs what was translated since the last one. */
#include "mmu/private.h"

static unsigned lowest(uint64_t bits) { return (unsigned)__builtin_ctzll(bits); }

void epoch_change(struct mmu *mmu)
{
	mmu->epoch++;
	memset(mmu->priv->fetched, 0, sizeof(mmu->priv->fetched));
}

void tlb_clear(struct mmu *mmu)
{
	for (unsigned bank = 0; bank < BANK_COUNT; bank++)
		for (unsigned kind = 0; kind < TLB_KINDS; kind++)
			for (unsigned i = 0; i < TLB_SIZE; i++)
				mmu->banks[bank][kind][i].tag = TLB_INVALID;
	for (unsigned bank = 0; bank < FILLED_BANKS; bank++)
		for (unsigned kind = 0; kind < TLB_EXEC; kind++)
			for (unsigned i = 0; i < SLOW_SIZE; i++)
				mmu->priv->slow[bank][kind].entry[i].tag = TLB_INVALID;
}

/* ---- filling ---- */

static void note_large(struct mmu_private *p, uint64_t lin, const struct translation *t)
{
	unsigned region = (lin >> LARGE_SHIFT) % LARGE_BITS;

	if (t->shift <= 12)
		return;
	p->large[region / 64] |= UINT64_C(1) << (region % 64);
	if (t->shift > p->large_shift)
		p->large_shift = t->shift;
}

/* May a TLB hold pieces of a large page around lin? */
static bool large_near(const struct mmu_private *p, uint64_t lin)
{
	unsigned region = (lin >> LARGE_SHIFT) % LARGE_BITS;

	return p->large_shift > LARGE_SHIFT || (p->large[region / 64] >> (region % 64) & 1);
}

static void set_bit(uint64_t *word, uint64_t bit, bool value)
{
	*word = value ? *word | bit : *word & ~bit;
}

void tlb_fill(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, uint64_t lin, uint8_t *host,
	      const struct translation *t)
{
	unsigned slot = tlb_slot(lin), word = slot / 64;
	struct tlb_map *map = &mmu->priv->map[bank][kind];
	uint64_t bit = UINT64_C(1) << (slot % 64), page = lin & PAGE_MASK;

	mmu->banks[bank][kind][slot] = (struct tlb_entry){page, (uintptr_t)host - (uintptr_t)page};
	map->filled[word] |= bit;
	map->words |= (uint8_t)(1u << word);
	set_bit(&map->global[word], bit, t->global);
	set_bit(&map->large[word], bit, t->shift > 12);
	note_large(mmu->priv, page, t);
}

void slow_fill(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, const struct slow_entry *entry,
	       const struct translation *t)
{
	struct slow_tlb *slow = &mmu->priv->slow[bank][kind];
	unsigned slot = (entry->tag >> 12) & (SLOW_SIZE - 1);
	uint64_t bit = UINT64_C(1) << slot;

	slow->entry[slot] = *entry;
	slow->filled |= bit;
	set_bit(&slow->global, bit, t->global);
	set_bit(&slow->large, bit, t->shift > 12);
	note_large(mmu->priv, entry->tag, t);
}

/* ---- emptying ---- */

static void slow_drop(struct slow_tlb *slow, uint64_t which)
{
	slow->filled &= ~which;
	for (; which != 0; which &= which - 1)
		slow->entry[lowest(which)].tag = TLB_INVALID;
}

static void tlb_drop(struct tlb_entry *tlb, struct tlb_map *map, unsigned word, uint64_t which)
{
	map->filled[word] &= ~which;
	if (map->filled[word] == 0)
		map->words &= (uint8_t) ~(1u << word);
	for (; which != 0; which &= which - 1)
		tlb[64 * word + lowest(which)].tag = TLB_INVALID;
}

void tlb_flush(struct mmu *mmu, bool global_too)
{
	struct mmu_private *p = mmu->priv;

	for (unsigned bank = 0; bank < FILLED_BANKS; bank++) {
		for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
			struct tlb_map *map = &p->map[bank][kind];
			for (unsigned words = map->words; words != 0; words &= words - 1) {
				unsigned i = lowest(words);
				uint64_t which = map->filled[i] & (global_too ? UINT64_MAX : ~map->global[i]);
				tlb_drop(mmu->banks[bank][kind], map, i, which);
			}
		}
		for (unsigned kind = 0; kind < TLB_EXEC; kind++) {
			struct slow_tlb *slow = &p->slow[bank][kind];
			slow_drop(slow, slow->filled & (global_too ? UINT64_MAX : ~slow->global));
		}
	}
	if (global_too) {
		p->large_shift = 0;
		memset(p->large, 0, sizeof(p->large));
	}
	epoch_change(mmu);
}

void slow_clear(struct mmu *mmu)
{
	for (unsigned bank = 0; bank < FILLED_BANKS; bank++)
		for (unsigned kind = 0; kind < TLB_EXEC; kind++)
			slow_drop(&mmu->priv->slow[bank][kind], UINT64_MAX);
}

static bool same_large(const struct mmu_private *p, uint64_t tag, uint64_t lin)
{
	return (tag >> p->large_shift) == (lin >> p->large_shift);
}

/* A large page lies in the TLBs in pieces of 4 KiB, which go together (SDM
 * 3A, "Large Page Size Considerations"). */
static void drop_large(struct mmu *mmu, enum tlb_bank bank, uint64_t lin)
{
	struct mmu_private *p = mmu->priv;

	for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
		struct tlb_map *map = &p->map[bank][kind];
		struct tlb_entry *tlb = mmu->banks[bank][kind];
		for (unsigned i = 0; i < TLB_WORDS; i++) {
			for (uint64_t w = map->filled[i] & map->large[i]; w != 0; w &= w - 1) {
				if (same_large(p, tlb[64 * i + lowest(w)].tag, lin))
					tlb_drop(tlb, map, i, w & -w);
			}
		}
	}
	for (unsigned kind = 0; kind < TLB_EXEC; kind++) {
		struct slow_tlb *slow = &p->slow[bank][kind];
		for (uint64_t w = slow->filled & slow->large; w != 0; w &= w - 1) {
			if (same_large(p, slow->entry[lowest(w)].tag, lin))
				slow_drop(slow, w & -w);
		}
	}
}

void tlb_drop_page(struct mmu *mmu, uint64_t lin)
{
	struct mmu_private *p = mmu->priv;
	uint64_t page = lin & PAGE_MASK;
	unsigned slot = tlb_slot(lin), filter = (unsigned)(page >> 12) % FETCHED_BITS;
	bool large = large_near(p, lin);

	for (unsigned bank = 0; bank < FILLED_BANKS; bank++) {
		for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
			struct tlb_entry *tlb = mmu->banks[bank][kind];
			if (tlb[slot].tag == page)
				tlb_drop(tlb, &p->map[bank][kind], slot / 64, UINT64_C(1) << (slot % 64));
		}
		for (unsigned kind = 0; kind < TLB_EXEC; kind++) {
			unsigned s = (page >> 12) & (SLOW_SIZE - 1);
			if (p->slow[bank][kind].entry[s].tag == page)
				slow_drop(&p->slow[bank][kind], UINT64_C(1) << s);
		}
		if (large)
			drop_large(mmu, bank, lin);
	}
	if (large || (p->fetched[filter / 64] >> (filter % 64)) & 1)
		epoch_change(mmu);
}

void tlb_drop_writes(struct mmu *mmu, const uint8_t *page_host)
{
	for (unsigned bank = 0; bank < FILLED_BANKS; bank++) {
		struct tlb_map *map = &mmu->priv->map[bank][TLB_WRITE];
		struct tlb_entry *tlb = mmu->banks[bank][TLB_WRITE];
		for (unsigned words = map->words; words != 0; words &= words - 1) {
			unsigned i = lowest(words);
			for (uint64_t w = map->filled[i]; w != 0; w &= w - 1) {
				const struct tlb_entry *e = &tlb[64 * i + lowest(w)];
				if (e->addend + (uintptr_t)e->tag == (uintptr_t)page_host)
					tlb_drop(tlb, map, i, w & -w);
			}
		}
	}
}
