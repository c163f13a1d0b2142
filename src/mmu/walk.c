/* The page walk: one loop over levels described by data.
 * Sources: SDM 3A, "32-Bit Paging", "PAE Paging", "Access Rights",
 * "Page-Fault Exceptions", "Accessed and Dirty Flags". */
#include "mmu/private.h"

#define BITS(high, low) ((UINT64_MAX >> (63 - (high))) & (UINT64_MAX << (low)))

/* A way of paging as the tables of SDM 3A, "Hierarchical Paging Structures"
 * show it.  A further way is a further row. */
struct paging_row {
	unsigned levels, entry_bytes;
	bool pdptes;
	bool large_needs_pse; /* CR4.PSE turns PS on, and reserved bits with it */
	uint64_t address;     /* bits of an entry that can hold an address ... */
	uint64_t high;        /* ... and those that are reserved beyond MAXPHYADDR */
	struct {
		uint8_t shift, index_bits;
		bool maps_large;
	} level[MAX_LEVELS];
};

static const struct paging_row paging_32bit = {
	.levels = 2,
	.entry_bytes = 4,
	.large_needs_pse = true,
	.address = BITS(31, 12),
	.level = {{22, 10, true}, {12, 10, false}},
};

static const struct paging_row paging_pae = {
	.levels = 2,
	.entry_bytes = 8,
	.pdptes = true,
	.address = BITS(51, 12),
	.high = BITS(62, 12),
	.level = {{21, 9, true}, {12, 9, false}},
};

/* Address bits 39:32 of a 4 MiB page are bits 20:13 of its PDE, as far as
 * MAXPHYADDR goes; the rest of bits 21:13 is reserved. */
static uint64_t pse36_reserved(uint64_t phys_mask)
{
	uint64_t used = (phys_mask >> 32) & 0xff;

	return BITS(21, 13) & ~(used << 13);
}

static void configure_level(struct walk_level *level, const struct paging_row *row, unsigned i,
			    const struct walk_key *key)
{
	bool reserves = !row->large_needs_pse || (key->cr4 & CR4_PSE);
	bool leaf = i == row->levels - 1;

	level->shift = row->level[i].shift;
	level->index_mask = (uint16_t)((1u << row->level[i].index_bits) - 1);
	level->maps_large = row->level[i].maps_large && reserves;
	level->pse36 = row->large_needs_pse;
	level->reserved = row->high & ~key->phys_mask;
	if (row->entry_bytes == 8 && !(key->efer & EFER_NXE))
		level->reserved |= PTE_XD;
	level->reserved_page = level->reserved;
	if (level->pse36)
		level->reserved_page |= pse36_reserved(key->phys_mask);
	else if (row->level[i].maps_large)
		level->reserved_page |= BITS(level->shift - 1u, 13);
	if (!key->has_pat && reserves) {
		level->reserved |= leaf ? PTE_PS : 0; /* PAT of a PTE */
		level->reserved_page |= BITS(12, 12);
	}
}

bool walk_configure(struct mmu *mmu)
{
	const struct arch_state *s = mmu->s;
	struct mmu_private *p = mmu->priv;
	struct walk *w = &p->walk;
	const struct walk_key key = {
		.cr0 = s->cr0 & (CR0_PG | CR0_WP),
		.cr4 = s->cr4 & (CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP),
		.efer = s->efer & EFER_NXE,
		.phys_mask = mmu->phys_mask,
		.has_pat = mmu->has_pat,
	};
	const struct paging_row *row = (key.cr4 & CR4_PAE) ? &paging_pae : &paging_32bit;

	if (key.cr0 == p->key.cr0 && key.cr4 == p->key.cr4 && key.efer == p->key.efer &&
	    key.phys_mask == p->key.phys_mask && key.has_pat == p->key.has_pat)
		return false;
	p->key = key;
	*w = (struct walk){0};
	/* SDM 3A, "Page-Fault Exceptions": I/D is set where a fetch can be refused. */
	p->fetch_error = (key.cr4 & CR4_SMEP) || ((key.cr4 & CR4_PAE) && key.efer) ? PF_I : 0;
	if (!(key.cr0 & CR0_PG))
		return true;
	w->levels = row->levels;
	w->entry_bytes = row->entry_bytes;
	w->pdptes = row->pdptes;
	w->address = row->address & (key.phys_mask | BITS(31, 0));
	for (unsigned i = 0; i < row->levels; i++)
		configure_level(&w->level[i], row, i, &key);
	return true;
}

/* What an entry maps: the page frame of a page of 1 << shift bytes. */
static uint64_t frame(const struct walk *w, const struct walk_level *level, uint64_t entry, bool large)
{
	uint64_t pa = entry & w->address & (UINT64_MAX << level->shift);

	if (large && level->pse36)
		pa |= ((entry >> 13) & 0xff) << 32;
	return pa;
}

/* ---- entries in memory ---- */

/* Reads an entry, and finds where it lies.  Tables in a device may only be read when alone. */
static bool entry_read(struct mmu *mmu, uint64_t pa, uint64_t *entry)
{
	unsigned bytes = mmu->priv->walk.entry_bytes;
	uint64_t offset = 0;
	const struct region *r = bus_find(mmu->bus, pa, &offset);

	if (r != NULL && r->kind == REGION_MMIO && !mmu->alone)
		return mmu_run_alone(mmu);
	*entry = bus_read(mmu->bus, pa, bytes);
	return true;
}

/* Sets A or D: a store like others, so one into translated code is refused
 * unless alone. */
static bool entry_set(struct mmu *mmu, uint64_t pa, uint64_t entry, uint64_t bits)
{
	unsigned bytes = mmu->priv->walk.entry_bytes;
	uint64_t offset = 0;
	const struct region *r;

	if ((entry & bits) == bits)
		return true;
	r = bus_find(mmu->bus, pa, &offset);
	if (!mmu->alone && r != NULL && bus_code_hit(r, offset, bytes))
		return mmu_run_alone(mmu);
	bus_write(mmu->bus, pa, bytes, entry | bits);
	return true;
}

/* ---- faults and rights ---- */

static bool page_fault(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, uint64_t lin, uint32_t error,
		       enum why why)
{
	if (kind == TLB_WRITE)
		error |= PF_W;
	if (bank == BANK_USER)
		error |= PF_U;
	if (kind == TLB_EXEC)
		error |= mmu->priv->fetch_error;
	mmu_fail(mmu, VEC_PF, error, why);
	mmu->fault->cr2 = lin;
	/* SDM 3A, "Operations that Invalidate TLBs and Paging-Structure
	 * Caches": a page fault drops what is cached for its page. */
	tlb_drop_page(mmu, lin);
	return false;
}

/* rights: PTE_RW and PTE_US set in all entries, PTE_XD set in any. */
static enum why refused(const struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, uint64_t rights)
{
	const struct arch_state *s = mmu->s;

	if (bank == BANK_USER && !(rights & PTE_US))
		return WHY_PAGE_SUPERVISOR;
	if (kind == TLB_EXEC) {
		if (bank != BANK_USER && (rights & PTE_US) && (s->cr4 & CR4_SMEP))
			return WHY_PAGE_SMEP;
		return (rights & PTE_XD) ? WHY_PAGE_NO_EXECUTE : WHY_NONE;
	}
	if (bank == BANK_SUPER_SMAP && (rights & PTE_US))
		return WHY_PAGE_SMAP;
	if (kind == TLB_WRITE && !(rights & PTE_RW) && (bank == BANK_USER || (s->cr0 & CR0_WP)))
		return WHY_PAGE_READ_ONLY;
	return WHY_NONE;
}

/* ---- the walk ---- */

static bool walk_start(const struct mmu *mmu, uint64_t lin, uint64_t *table)
{
	const struct walk *w = &mmu->priv->walk;
	uint64_t root = w->pdptes ? mmu->s->pdpte[(lin >> 30) & 3] : mmu->s->cr3;

	*table = root & w->address;
	return !w->pdptes || (root & PTE_P);
}

static uint64_t entry_address(const struct mmu *mmu, const struct walk_level *level, uint64_t table, uint64_t lin)
{
	uint64_t index = (lin >> level->shift) & level->index_mask;

	return (table + index * mmu->priv->walk.entry_bytes) & mmu->a20_mask;
}

static void walk_done(const struct mmu *mmu, struct translation *t, uint64_t pa, uint64_t lin)
{
	uint64_t inside = (UINT64_C(1) << t->shift) - 1;

	t->pa = (pa | (lin & inside)) & PAGE_MASK & mmu->a20_mask;
}

bool walk_access(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, uint64_t lin, struct translation *t)
{
	const struct walk *w = &mmu->priv->walk;
	uint64_t all = PTE_RW | PTE_US, any = 0, table, entry, pa, bits;
	const struct walk_level *level = w->level;
	enum why why;
	bool large;

	*t = (struct translation){.rights = PTE_RW | PTE_US | PTE_D, .shift = 12};
	if (w->levels == 0) {
		walk_done(mmu, t, lin & PAGE_MASK, lin);
		return true;
	}
	if (!walk_start(mmu, lin, &table))
		return page_fault(mmu, bank, kind, lin, 0, WHY_PAGE_NOT_PRESENT);
	for (unsigned i = 0;; i++, level++) {
		pa = entry_address(mmu, level, table, lin);
		if (!entry_read(mmu, pa, &entry))
			return false;
		if (!(entry & PTE_P))
			return page_fault(mmu, bank, kind, lin, 0, WHY_PAGE_NOT_PRESENT);
		large = level->maps_large && (entry & PTE_PS);
		if (entry & (large ? level->reserved_page : level->reserved))
			return page_fault(mmu, bank, kind, lin, PF_P | PF_RSVD, WHY_PAGE_RESERVED_BIT);
		all &= entry;
		any |= entry;
		if (large || i == w->levels - 1)
			break;
		if (!entry_set(mmu, pa, entry, PTE_A))
			return false;
		table = entry & w->address;
	}
	why = refused(mmu, bank, kind, all | (any & PTE_XD));
	if (why != WHY_NONE)
		return page_fault(mmu, bank, kind, lin, PF_P, why);
	bits = kind == TLB_WRITE ? PTE_A | PTE_D : PTE_A;
	if (!entry_set(mmu, pa, entry, bits))
		return false;
	t->shift = level->shift;
	t->global = (entry & PTE_G) && (mmu->s->cr4 & CR4_PGE);
	t->rights = all | ((entry | bits) & PTE_D);
	walk_done(mmu, t, frame(w, level, entry, large), lin);
	return true;
}

bool peek_translate(struct mmu *mmu, uint64_t lin, uint64_t *pa)
{
	const struct walk *w = &mmu->priv->walk;
	const struct walk_level *level = w->level;
	struct translation t = {.shift = 12};
	uint64_t table, entry;

	lin &= mmu->lin_mask;
	if (w->levels == 0) {
		*pa = lin & mmu->a20_mask;
		return true;
	}
	if (!walk_start(mmu, lin, &table))
		return false;
	for (unsigned i = 0;; i++, level++) {
		bool large;

		entry = 0;
		if (bus_peek(mmu->bus, entry_address(mmu, level, table, lin), &entry, w->entry_bytes) !=
			    w->entry_bytes || !(entry & PTE_P))
			return false;
		large = level->maps_large && (entry & PTE_PS);
		if (entry & (large ? level->reserved_page : level->reserved))
			return false;
		if (large || i == w->levels - 1) {
			t.shift = level->shift;
			walk_done(mmu, &t, frame(w, level, entry, large), lin);
			*pa = t.pa | (lin & ~PAGE_MASK);
			return true;
		}
		table = entry & w->address;
	}
}

size_t peek_lin(struct mmu *mmu, uint64_t lin, void *buffer, size_t size)
{
	size_t done = 0;

	while (done < size) {
		uint64_t at = (lin + done) & mmu->lin_mask, pa;
		size_t here = BUS_PAGE_SIZE - (at & ~PAGE_MASK), got;

		if (here > size - done)
			here = size - done;
		if (!peek_translate(mmu, at, &pa))
			break;
		got = bus_peek(mmu->bus, pa, (uint8_t *)buffer + done, here);
		done += got;
		if (got < here)
			break;
	}
	return done;
}

bool mmu_load_pdptes(struct mmu *mmu, uint64_t cr3)
{
	/* SDM 3A, "PDPTE Registers": bits 2:1, 8:5 and those from MAXPHYADDR up
	 * are reserved in a present one; CR3[4:0] is ignored. */
	const uint64_t reserved = BITS(2, 1) | BITS(8, 5) | (~mmu->phys_mask & BITS(63, 12));
	uint64_t table = cr3 & BITS(31, 5), pdpte[4];

	for (unsigned i = 0; i < 4; i++) {
		pdpte[i] = bus_read(mmu->bus, (table + 8 * i) & mmu->a20_mask, 8);
		if ((pdpte[i] & PTE_P) && (pdpte[i] & reserved))
			return false;
	}
	memcpy(mmu->s->pdpte, pdpte, sizeof(pdpte));
	return true;
}
