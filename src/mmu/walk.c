/* The page walk: one loop over levels described by data.
 * Sources: SDM 3A, "32-Bit Paging", "PAE Paging", "4-Level Paging and 5-Level Paging",
 * "Access Rights", "Protection Keys",
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

/* 62:52 of an entry are ignored, or a protection key. */
static const struct paging_row paging_4level = {
	.levels = 4,
	.entry_bytes = 8,
	.address = BITS(51, 12),
	.high = BITS(51, 12),
	.level = {{39, 9, false}, {30, 9, true}, {21, 9, true}, {12, 9, false}},
};

static const struct paging_row paging_5level = {
	.levels = 5,
	.entry_bytes = 8,
	.address = BITS(51, 12),
	.high = BITS(51, 12),
	.level = {{48, 9, false}, {39, 9, false}, {30, 9, true}, {21, 9, true}, {12, 9, false}},
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
	level->maps_large = row->level[i].maps_large && reserves && (level->shift != 30 || key->has_1g_pages);
	level->pse36 = row->large_needs_pse;
	level->reserved = row->high & ~key->phys_mask;
	if (row->entry_bytes == 8 && !(key->efer & EFER_NXE))
		level->reserved |= PTE_XD;
	if (row->entry_bytes == 8 && !leaf && !level->maps_large)
		level->reserved |= PTE_PS;
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

static const struct paging_row *row_of(const struct walk_key *key)
{
	if (!(key->cr4 & CR4_PAE))
		return &paging_32bit;
	if (!(key->efer & EFER_LMA))
		return &paging_pae;
	return key->cr4 & CR4_LA57 ? &paging_5level : &paging_4level;
}

static bool same_key(const struct walk_key *a, const struct walk_key *b)
{
	return a->cr0 == b->cr0 && a->cr4 == b->cr4 && a->efer == b->efer && a->phys_mask == b->phys_mask &&
	       a->has_pat == b->has_pat && a->has_1g_pages == b->has_1g_pages;
}

bool walk_configure(struct mmu *mmu)
{
	const struct arch_state *s = mmu->s;
	struct mmu_private *p = mmu->priv;
	struct walk *w = &p->walk;
	const struct walk_key key = {
		.cr0 = s->cr0 & (CR0_PG | CR0_WP),
		.cr4 = s->cr4 & (CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP | CR4_LA57 | CR4_PCIDE | CR4_PKE),
		.efer = s->efer & (EFER_NXE | EFER_LMA),
		.phys_mask = mmu->phys_mask,
		.has_pat = mmu->has_pat,
		.has_1g_pages = mmu->has_1g_pages,
	};
	const struct paging_row *row = row_of(&key);

	if (same_key(&key, &p->key))
		return false;
	p->key = key;
	*w = (struct walk){0};
	/* SDM 3A, "Page-Fault Exceptions": I/D is set where a fetch can be refused. */
	p->fetch_error = (key.cr4 & CR4_SMEP) || ((key.cr4 & CR4_PAE) && (key.efer & EFER_NXE)) ? PF_I : 0;
	if (!(key.cr0 & CR0_PG))
		return true;
	w->levels = row->levels;
	w->entry_bytes = row->entry_bytes;
	w->pdptes = row->pdptes;
	w->keys = row->levels >= 4 && (key.cr4 & CR4_PKE);
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

/* SDM 3A, "Protection Keys": of data accesses to user pages.  leaf: the entry that maps the page. */
static bool key_denies(const struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, uint64_t rights, uint64_t leaf)
{
	uint64_t pkru = mmu->priv->pkru >> (2 * ((leaf >> PTE_KEY_SHIFT) & 15));

	if (!mmu->priv->walk.keys || !(rights & PTE_US) || kind == TLB_EXEC)
		return false;
	if (pkru & PKRU_AD)
		return true;
	return (pkru & PKRU_WD) && kind == TLB_WRITE && (bank == BANK_USER || (mmu->s->cr0 & CR0_WP));
}

/* The access rights of a translation.  The error code names the key whatever else refuses, too. */
static bool permitted(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, uint64_t lin, uint64_t rights,
		      uint64_t leaf)
{
	enum why why = refused(mmu, bank, kind, rights);
	bool key = key_denies(mmu, bank, kind, rights, leaf);

	if (why == WHY_NONE && !key)
		return true;
	return page_fault(mmu, bank, kind, lin, PF_P | (key ? PF_PK : 0),
			  why == WHY_NONE ? WHY_PAGE_PROTECTION_KEY : why);
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
	if (!permitted(mmu, bank, kind, lin, all | (any & PTE_XD), entry))
		return false;
	bits = kind == TLB_WRITE ? PTE_A | PTE_D : PTE_A;
	if (!entry_set(mmu, pa, entry, bits))
		return false;
	t->shift = level->shift;
	t->global = (entry & PTE_G) && (mmu->s->cr4 & CR4_PGE);
	t->keyed = w->keys && (all & PTE_US) && ((entry >> PTE_KEY_SHIFT) & 15);
	t->rights = all | ((entry | bits) & PTE_D);
	if (key_denies(mmu, bank, TLB_WRITE, all, entry))
		t->rights &= ~(uint64_t)PTE_D;
	walk_done(mmu, t, frame(w, level, entry, large), lin);
	return true;
}

bool peek_translate(struct mmu *mmu, uint64_t lin, uint64_t *pa)
{
	const struct walk *w = &mmu->priv->walk;
	const struct walk_level *level = w->level;
	struct translation t = {.shift = 12};
	uint64_t table, entry;

	lin &= mmu->system_mask;
	if (!mmu_canonical(mmu, lin))
		return false;
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
		uint64_t at = (lin + done) & mmu->system_mask, pa;
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
