/* Filling and emptying the TLBs, each PCID's.  Nothing here looks at a slot that was not
 * filled: MOV to CR3 costs what was translated since the last one. */
#include "mmu/private.h"

static unsigned lowest(uint64_t bits) { return (unsigned)__builtin_ctzll(bits); }

void epoch_change(struct mmu *mmu)
{
	mmu->epoch++;
	memset(mmu->priv->fetched, 0, sizeof(mmu->priv->fetched));
}

/* ---- spaces ---- */

static void space_clear(struct tlb_space *space)
{
	for (unsigned bank = 0; bank < BANK_COUNT; bank++)
		for (unsigned kind = 0; kind < TLB_KINDS; kind++)
			for (unsigned i = 0; i < TLB_SIZE; i++)
				space->banks[bank][kind][i].tag = TLB_INVALID;
	for (unsigned bank = 0; bank < FILLED_BANKS; bank++)
		for (unsigned kind = 0; kind < TLB_EXEC; kind++)
			for (unsigned i = 0; i < SLOW_SIZE; i++)
				space->slow[bank][kind].entry[i].tag = TLB_INVALID;
	space->used = true;
}

static void space_flush(struct tlb_space *space, bool global_too);

bool tlb_choose(struct mmu *mmu, uint16_t pcid)
{
	struct mmu_private *p = mmu->priv;
	struct tlb_space *found = p->space;

	if (LIKELY(p->now->pcid == pcid))
		return false;
	for (struct tlb_space *s = p->space; s < p->space + TLB_SPACES; s++) {
		if (s->used && s->pcid == pcid) {
			found = s;
			break;
		}
		if (s->when < found->when)
			found = s;
	}
	if (!found->used)
		space_clear(found);
	else if (found->pcid != pcid)
		space_flush(found, true);
	found->pcid = pcid;
	found->when = ++p->switches;
	p->now = found;
	mmu->banks = found->banks;
	return true;
}

/* ---- filling ---- */

static void note_large(struct tlb_space *p, uint64_t lin, const struct translation *t)
{
	unsigned region = (lin >> LARGE_SHIFT) % LARGE_BITS;

	if (t->shift <= 12)
		return;
	if (t->shift > LARGE_SHIFT) {
		p->huge |= UINT64_C(1) << (lin >> HUGE_SHIFT) % HUGE_BITS;
		return;
	}
	p->large[region / 64] |= UINT64_C(1) << (region % 64);
	if (t->shift > p->large_shift)
		p->large_shift = t->shift;
}

/* May a TLB hold pieces of a large page around lin?  log2 of the largest, 0: none. */
static unsigned large_near(const struct tlb_space *p, uint64_t lin)
{
	unsigned region = (lin >> LARGE_SHIFT) % LARGE_BITS;

	if (p->huge >> (lin >> HUGE_SHIFT) % HUGE_BITS & 1)
		return HUGE_SHIFT;
	return p->large[region / 64] >> (region % 64) & 1 ? p->large_shift : 0;
}

static void set_bit(uint64_t *word, uint64_t bit, bool value)
{
	*word = value ? *word | bit : *word & ~bit;
}

void tlb_fill(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, uint64_t lin, uint8_t *host,
	      const struct translation *t)
{
	unsigned slot = tlb_slot(lin), word = slot / 64;
	struct tlb_map *map = &mmu->priv->now->map[bank][kind];
	uint64_t bit = UINT64_C(1) << (slot % 64), page = lin & PAGE_MASK;

	mmu->banks[bank][kind][slot] = (struct tlb_entry){page, (uintptr_t)host - (uintptr_t)page};
	map->filled[word] |= bit;
	map->words |= (uint8_t)(1u << word);
	set_bit(&map->global[word], bit, t->global);
	set_bit(&map->large[word], bit, t->shift > 12);
	set_bit(&map->keyed[word], bit, t->keyed);
	note_large(mmu->priv->now, page, t);
}

void slow_fill(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, const struct slow_entry *entry,
	       const struct translation *t)
{
	struct slow_tlb *slow = &mmu->priv->now->slow[bank][kind];
	unsigned slot = (entry->tag >> 12) & (SLOW_SIZE - 1);
	uint64_t bit = UINT64_C(1) << slot;

	slow->entry[slot] = *entry;
	slow->filled |= bit;
	set_bit(&slow->global, bit, t->global);
	set_bit(&slow->large, bit, t->shift > 12);
	set_bit(&slow->keyed, bit, t->keyed);
	note_large(mmu->priv->now, entry->tag, t);
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

static void space_flush(struct tlb_space *space, bool global_too)
{
	for (unsigned bank = 0; bank < FILLED_BANKS; bank++) {
		for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
			struct tlb_map *map = &space->map[bank][kind];
			for (unsigned words = map->words; words != 0; words &= words - 1) {
				unsigned i = lowest(words);
				uint64_t which = map->filled[i] & (global_too ? UINT64_MAX : ~map->global[i]);
				tlb_drop(space->banks[bank][kind], map, i, which);
			}
		}
		for (unsigned kind = 0; kind < TLB_EXEC; kind++) {
			struct slow_tlb *slow = &space->slow[bank][kind];
			slow_drop(slow, slow->filled & (global_too ? UINT64_MAX : ~slow->global));
		}
	}
	if (global_too) {
		space->large_shift = 0;
		space->huge = 0;
		memset(space->large, 0, sizeof(space->large));
	}
}

/* The spaces in use: the first after s, or of all; NULL: no more. */
static struct tlb_space *next_space(struct mmu *mmu, struct tlb_space *s)
{
	struct tlb_space *end = mmu->priv->space + TLB_SPACES;

	for (s = s == NULL ? mmu->priv->space : s + 1; s < end; s++)
		if (s->used)
			return s;
	return NULL;
}

void tlb_flush(struct mmu *mmu, bool global_too)
{
	if (global_too) {
		for (struct tlb_space *s = NULL; (s = next_space(mmu, s)) != NULL;)
			space_flush(s, true);
	} else {
		space_flush(mmu->priv->now, false);
	}
	epoch_change(mmu);
}

void tlb_flush_pcid(struct mmu *mmu, uint16_t pcid)
{
	for (struct tlb_space *s = NULL; (s = next_space(mmu, s)) != NULL;)
		if (s->pcid == pcid)
			space_flush(s, false);
	epoch_change(mmu);
}

void tlb_flush_pcids(struct mmu *mmu)
{
	for (struct tlb_space *s = NULL; (s = next_space(mmu, s)) != NULL;)
		space_flush(s, false);
	epoch_change(mmu);
}

void slow_clear(struct mmu *mmu)
{
	for (struct tlb_space *s = NULL; (s = next_space(mmu, s)) != NULL;)
		for (unsigned bank = 0; bank < FILLED_BANKS; bank++)
			for (unsigned kind = 0; kind < TLB_EXEC; kind++)
				slow_drop(&s->slow[bank][kind], s->slow[bank][kind].filled);
}

/* Which entries of a page go. */
enum which { ANY, GLOBAL, NOT_GLOBAL };

static uint64_t filter_global(uint64_t entries, uint64_t global, enum which which)
{
	if (which == ANY)
		return entries;
	return entries & (which == GLOBAL ? global : ~global);
}

/* A large page lies in the TLBs in pieces of 4 KiB, which go together (SDM
 * 3A, "Large Page Size Considerations"). */
static void drop_large(struct tlb_space *s, enum tlb_bank bank, uint64_t lin, unsigned shift, enum which which)
{
	for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
		struct tlb_map *map = &s->map[bank][kind];
		struct tlb_entry *tlb = s->banks[bank][kind];
		for (unsigned i = 0; i < TLB_WORDS; i++) {
			uint64_t w = filter_global(map->filled[i] & map->large[i], map->global[i], which);
			for (; w != 0; w &= w - 1) {
				if (tlb[64 * i + lowest(w)].tag >> shift == lin >> shift)
					tlb_drop(tlb, map, i, w & -w);
			}
		}
	}
	for (unsigned kind = 0; kind < TLB_EXEC; kind++) {
		struct slow_tlb *slow = &s->slow[bank][kind];
		uint64_t w = filter_global(slow->filled & slow->large, slow->global, which);
		for (; w != 0; w &= w - 1) {
			if (slow->entry[lowest(w)].tag >> shift == lin >> shift)
				slow_drop(slow, w & -w);
		}
	}
}

static void drop_page(struct tlb_space *s, uint64_t lin, enum which which)
{
	uint64_t page = lin & PAGE_MASK, bit;
	unsigned slot = tlb_slot(lin), shift = large_near(s, lin);

	for (unsigned bank = 0; bank < FILLED_BANKS; bank++) {
		for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
			struct tlb_entry *tlb = s->banks[bank][kind];
			struct tlb_map *map = &s->map[bank][kind];
			bit = UINT64_C(1) << (slot % 64);
			if (tlb[slot].tag == page)
				tlb_drop(tlb, map, slot / 64, filter_global(bit, map->global[slot / 64], which));
		}
		for (unsigned kind = 0; kind < TLB_EXEC; kind++) {
			struct slow_tlb *slow = &s->slow[bank][kind];
			bit = UINT64_C(1) << ((page >> 12) & (SLOW_SIZE - 1));
			if (slow->entry[lowest(bit)].tag == page)
				slow_drop(slow, filter_global(bit, slow->global, which));
		}
		if (shift)
			drop_large(s, bank, lin, shift, which);
	}
}

void tlb_drop_page(struct mmu *mmu, uint64_t lin)
{
	struct mmu_private *p = mmu->priv;
	unsigned filter = (unsigned)(lin >> 12) % FETCHED_BITS;
	bool large = large_near(p->now, lin) != 0;

	drop_page(p->now, lin, ANY);
	if (large || (p->fetched[filter / 64] >> (filter % 64)) & 1)
		epoch_change(mmu);
}

void tlb_drop_page_and_globals(struct mmu *mmu, uint64_t lin)
{
	tlb_drop_page(mmu, lin);
	for (struct tlb_space *s = NULL; (s = next_space(mmu, s)) != NULL;)
		if (s != mmu->priv->now)
			drop_page(s, lin, GLOBAL);
}

void tlb_drop_page_everywhere(struct mmu *mmu, uint64_t lin)
{
	tlb_drop_page(mmu, lin);
	for (struct tlb_space *s = NULL; (s = next_space(mmu, s)) != NULL;)
		if (s != mmu->priv->now)
			drop_page(s, lin, ANY);
}

void tlb_drop_page_of_pcid(struct mmu *mmu, uint64_t lin, uint16_t pcid)
{
	for (struct tlb_space *s = NULL; (s = next_space(mmu, s)) != NULL;)
		if (s->pcid == pcid)
			drop_page(s, lin, NOT_GLOBAL);
	epoch_change(mmu);
}

static void drop_keyed(struct tlb_space *s, bool all)
{
	for (unsigned bank = 0; bank < FILLED_BANKS; bank++) {
		for (unsigned kind = 0; kind < TLB_EXEC; kind++) {
			struct tlb_map *map = &s->map[bank][kind];
			struct slow_tlb *slow = &s->slow[bank][kind];
			for (unsigned words = map->words; words != 0; words &= words - 1) {
				unsigned i = lowest(words);
				uint64_t which = map->filled[i] & (all ? UINT64_MAX : map->keyed[i]);
				tlb_drop(s->banks[bank][kind], map, i, which);
			}
			slow_drop(slow, slow->filled & (all ? UINT64_MAX : slow->keyed));
		}
	}
}

void tlb_drop_keyed(struct mmu *mmu, bool all)
{
	for (struct tlb_space *s = NULL; (s = next_space(mmu, s)) != NULL;)
		drop_keyed(s, all);
}

static void drop_writes(struct tlb_space *s, const uint8_t *page_host)
{
	for (unsigned bank = 0; bank < FILLED_BANKS; bank++) {
		struct tlb_map *map = &s->map[bank][TLB_WRITE];
		struct tlb_entry *tlb = s->banks[bank][TLB_WRITE];
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

void tlb_drop_writes(struct mmu *mmu, const uint8_t *page_host)
{
	for (struct tlb_space *s = NULL; (s = next_space(mmu, s)) != NULL;)
		drop_writes(s, page_host);
}
