/* Linear accesses beyond the hit path: translation, what an access reaches,
 * and the implicit accesses to system structures. */
#include "mmu/private.h"

/* ---- translation ---- */

/* Where the page at t->pa can be read, written or fetched from. */
static void place_of(struct mmu *mmu, enum tlb_kind kind, uint64_t lin, const struct translation *t,
		     struct slow_entry *place)
{
	struct region *r;
	uint64_t offset;
	bool uniform = bus_find_page(mmu->bus, t->pa, &r, &offset);

	*place = (struct slow_entry){.tag = lin & PAGE_MASK, .pa = t->pa};
	place->watched = kind != TLB_EXEC && watch_page(mmu, lin, kind == TLB_WRITE);
	place->device = !uniform || (r != NULL && r->kind == REGION_MMIO);
	if (place->device || r == NULL || (r->kind == REGION_ROM && kind == TLB_WRITE))
		return;
	place->host = r->host + offset;
	if (kind == TLB_WRITE)
		place->code = &r->code[offset >> BUS_PAGE_BITS];
}

static bool cacheable(const struct slow_entry *place)
{
	return place->host != NULL && !place->watched && (place->code == NULL || *place->code == 0);
}

/* Fills the TLB for kind, and for the other data right where the walk showed that it
 * would be granted with no further check and no change in memory. */
static void fill(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, const struct slow_entry *place,
		 const struct translation *t)
{
	enum tlb_kind other = kind == TLB_WRITE ? TLB_READ : TLB_WRITE;
	struct slow_entry also;

	if (!cacheable(place)) {
		if (kind != TLB_EXEC)
			slow_fill(mmu, bank, kind, place, t);
		return;
	}
	tlb_fill(mmu, bank, kind, place->tag, place->host, t);
	if (kind == TLB_EXEC) {
		mmu->priv->now->fetch_pa[bank][tlb_slot(place->tag)] = place->pa;
		return;
	}
	if (kind == TLB_READ && (t->rights & (PTE_D | PTE_RW)) != (PTE_D | PTE_RW))
		return;
	place_of(mmu, other, place->tag, t, &also);
	if (cacheable(&also))
		tlb_fill(mmu, bank, other, also.tag, also.host, t);
}

bool translate(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, uint64_t lin, struct slow_entry *place)
{
	const struct tlb_entry *e = &mmu->banks[bank][kind][tlb_slot(lin)];
	uint64_t page = lin & PAGE_MASK;
	struct translation t;

	if (e->tag == page) {
		*place = (struct slow_entry){.tag = page, .host = (uint8_t *)(e->addend + (uintptr_t)page)};
		return true;
	}
	if (kind != TLB_EXEC) {
		const struct slow_entry *slow = &mmu->priv->now->slow[bank][kind].entry[(page >> 12) & (SLOW_SIZE - 1)];
		if (slow->tag == page && !cacheable(slow)) {
			*place = *slow;
			return true;
		}
	}
	if (!walk_access(mmu, bank, kind, lin, &t))
		return false;
	place_of(mmu, kind, lin, &t, place);
	fill(mmu, bank, kind, place, &t);
	return true;
}

/* ---- reach ---- */

static bool code_hit(const uint64_t *code, uint64_t lin, unsigned bytes)
{
	unsigned first = (lin & ~PAGE_MASK) >> 6, last = ((lin & ~PAGE_MASK) + bytes - 1) >> 6;

	return code != NULL && ((*code & (UINT64_MAX >> (63 - (last - first))) << first) != 0);
}

/* The part of an access that lies in one page. */
static bool reach_page(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, uint64_t lin, unsigned bytes,
		       struct mmu_place *place)
{
	struct slow_entry found;
	bool code;

	if (!translate(mmu, bank, kind, lin, &found))
		return false;
	code = code_hit(found.code, lin, bytes);
	if ((found.device || code) && !mmu->alone)
		return mmu_run_alone(mmu);
	place->bytes = bytes;
	place->lin = lin;
	place->pa = found.pa | (lin & ~PAGE_MASK);
	/* A store into code is a bus cycle: the bus tells whoever translated it. */
	place->host = found.host == NULL || code ? NULL : found.host + (lin & ~PAGE_MASK);
	return true;
}

static bool misaligned(uint64_t lin, unsigned bytes)
{
	return (bytes == 2 || bytes == 4 || bytes == 8) && (lin & (bytes - 1)) != 0;
}

bool reach(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, uint64_t lin, unsigned bytes, unsigned how,
	   struct reach *r)
{
	unsigned first = BUS_PAGE_SIZE - (unsigned)(lin & ~PAGE_MASK);
	uint64_t mask = how & REACH_SYSTEM ? mmu->system_mask : mmu->lin_mask;
	uint32_t hits;

	r->pages = bytes > first ? 2 : 1;
	if (bytes < first)
		first = bytes;
	if (!reach_page(mmu, bank, kind, lin, first, &r->place[0]))
		return false;
	if (r->pages == 2 &&
	    !reach_page(mmu, bank, kind, (lin + first) & mask, bytes - first, &r->place[1]))
		return false;
	/* SDM 3A, "Priority Among Concurrent Events": after page faults. */
	if (mmu->priv->alignment && bank == BANK_USER && misaligned(lin, bytes) && !(how & REACH_UNALIGNED))
		return mmu_fail(mmu, VEC_AC, 0, WHY_ALIGNMENT);
	if (mmu->priv->watch_count == 0)
		return true;
	hits = watch_match(mmu, lin, first, kind == TLB_WRITE);
	if (r->pages == 2)
		hits |= watch_match(mmu, r->place[1].lin, bytes - first, kind == TLB_WRITE);
	if (hits != 0 && !mmu->alone)
		return mmu_run_alone(mmu);
	if (!(how & REACH_PROBE))
		mmu->watch_hits |= hits;
	return true;
}

static void tell(struct mmu *mmu, const struct mmu_place *place, uint64_t value, bool write)
{
	uint64_t mask = place->bytes >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * place->bytes)) - 1;

	if (UNLIKELY(mmu->observer != NULL))
		mmu->observer(mmu->observer_owner, place->lin, place->pa, place->bytes, value & mask, write);
}

static uint64_t place_load(struct mmu *mmu, const struct mmu_place *place)
{
	uint64_t v = place->host != NULL ? host_load(place->host, place->bytes)
					 : bus_read(mmu->bus, place->pa, place->bytes);

	tell(mmu, place, v, false);
	return v;
}

static void place_store(struct mmu *mmu, const struct mmu_place *place, uint64_t value)
{
	tell(mmu, place, value, true);
	if (place->host != NULL)
		host_store(place->host, place->bytes, value);
	else
		bus_write(mmu->bus, place->pa, place->bytes, value);
}

uint64_t reach_load(struct mmu *mmu, const struct reach *r)
{
	uint64_t v = place_load(mmu, &r->place[0]);

	if (r->pages == 2)
		v |= place_load(mmu, &r->place[1]) << (8 * r->place[0].bytes);
	return v;
}

void reach_store(struct mmu *mmu, const struct reach *r, uint64_t value)
{
	place_store(mmu, &r->place[0], value);
	if (r->pages == 2)
		place_store(mmu, &r->place[1], value >> (8 * r->place[0].bytes));
}

/* The next piece of the rest of a place: it ends at a multiple of 8. */
static struct mmu_place piece_of(const struct mmu_place *rest)
{
	struct mmu_place piece = *rest;
	unsigned most = 8 - (unsigned)(rest->pa & 7);

	if (piece.bytes > most)
		piece.bytes = most;
	return piece;
}

static void advance(struct mmu_place *rest, unsigned bytes)
{
	if (rest->host != NULL)
		rest->host += bytes;
	rest->lin += bytes;
	rest->pa += bytes;
	rest->bytes -= bytes;
}

void reach_load_bytes(struct mmu *mmu, const struct reach *r, uint8_t *to)
{
	for (unsigned i = 0; i < r->pages; i++)
		for (struct mmu_place rest = r->place[i]; rest.bytes != 0;) {
			struct mmu_place piece = piece_of(&rest);
			host_store(to, piece.bytes, place_load(mmu, &piece));
			to += piece.bytes;
			advance(&rest, piece.bytes);
		}
}

void reach_store_bytes(struct mmu *mmu, const struct reach *r, const uint8_t *from)
{
	for (unsigned i = 0; i < r->pages; i++)
		for (struct mmu_place rest = r->place[i]; rest.bytes != 0;) {
			struct mmu_place piece = piece_of(&rest);
			place_store(mmu, &piece, host_load(from, piece.bytes));
			from += piece.bytes;
			advance(&rest, piece.bytes);
		}
}

void rmw_write_slow(struct mmu *mmu, unsigned bytes, uint64_t value)
{
	place_store(mmu, &mmu->rmw[0], value);
	if (bytes > mmu->rmw[0].bytes)
		place_store(mmu, &mmu->rmw[1], value >> (8 * mmu->rmw[0].bytes));
}

/* ---- implicit supervisor accesses ---- */

static bool lin_reach(struct mmu *mmu, enum tlb_kind kind, uint64_t lin, unsigned bytes, unsigned how,
		      struct reach *r)
{
	/* SDM 1, "Canonical Addressing": a stack is not read or written this way. */
	if (!mmu_check_canonical(mmu, SEG_DS, lin, bytes))
		return false;
	return reach(mmu, mmu->priv->implicit, kind, lin, bytes, how | REACH_SYSTEM, r);
}

struct rd lin_read_slow(struct mmu *mmu, uint64_t lin, unsigned bytes)
{
	struct reach r;

	if (!lin_reach(mmu, TLB_READ, lin & mmu->system_mask, bytes, 0, &r))
		return (struct rd){0, false};
	return (struct rd){reach_load(mmu, &r), true};
}

bool lin_write(struct mmu *mmu, uint64_t lin, unsigned bytes, uint64_t value)
{
	uint8_t *p = bank_hit(mmu, mmu->priv->implicit, TLB_WRITE, lin &= mmu->system_mask, bytes);
	struct reach r;

	if (LIKELY(p != NULL)) {
		host_store(p, bytes, value);
		return true;
	}
	if (!lin_reach(mmu, TLB_WRITE, lin, bytes, 0, &r))
		return false;
	reach_store(mmu, &r, value);
	return true;
}

bool lin_probe_write(struct mmu *mmu, uint64_t lin, unsigned bytes)
{
	struct reach r;

	lin &= mmu->system_mask;
	if (LIKELY(bank_hit(mmu, mmu->priv->implicit, TLB_WRITE, lin, bytes) != NULL))
		return true;
	return lin_reach(mmu, TLB_WRITE, lin, bytes, REACH_PROBE, &r);
}
