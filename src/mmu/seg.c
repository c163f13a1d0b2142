/* Segmentation: what the windows of the hit path do not decide.
 * Sources: SDM 3A, "Limit Checking", "Type Checking", "Segment Descriptors"
 * (expand-down), "Null Segment Selector Checking", "Segmentation in IA-32e Mode"; SDM 1,
 * "Canonical Addressing"; SDM 2A, "Exceptions" of MOV and INT n. */
#include "mmu/private.h"

/* SDM 3A, "Limit Checking": where the limit is FFFFFFFFH an access across
 * offset FFFFFFFFH "may or may not" fault; here it goes on at offset 0.  An
 * expand-down segment ends at the top of its 64 KiB or 4 GiB. */
static enum why limit_check(const struct segment *g, uint64_t off, unsigned bytes)
{
	uint64_t last = off + bytes - 1;

	if (!(g->type & TYPE_CODE) && (g->type & TYPE_EXPANDDOWN)) {
		uint64_t top = g->db ? UINT32_MAX : UINT16_MAX;
		return off > g->limit && last <= top ? WHY_NONE : WHY_SEG_LIMIT_EXPAND_DOWN;
	}
	if (last <= g->limit || (g->limit == UINT32_MAX && off <= UINT32_MAX))
		return WHY_NONE;
	return WHY_SEG_LIMIT;
}

static enum why seg_check(const struct segment *g, bool untyped, uint64_t off, unsigned bytes, bool write)
{
	if (!untyped) {
		bool code = g->type & TYPE_CODE;

		if (!g->usable)
			return WHY_SEG_NULL;
		if (write && code)
			return WHY_SEG_WRITE_CODE;
		if (write && !(g->type & TYPE_WRITABLE))
			return WHY_SEG_NOT_WRITABLE;
		if (code && !(g->type & TYPE_READABLE))
			return WHY_SEG_NOT_READABLE;
	}
	return limit_check(g, off, bytes);
}

bool mmu_check_canonical(struct mmu *mmu, enum seg seg, uint64_t lin, unsigned bytes)
{
	if (LIKELY(mmu_canonical(mmu, lin) && mmu_canonical(mmu, lin + bytes - 1)))
		return true;
	return mmu_fail(mmu, seg == SEG_SS ? VEC_SS : VEC_GP, 0, WHY_NON_CANONICAL);
}

/* Segment and paging checks of an access through a loaded segment register; align as in seg_load_slow(). */
static bool seg_reach_aligned(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes, bool write, unsigned how,
			      unsigned align, struct reach *r)
{
	const struct segment *g = &mmu->s->seg[seg];
	uint64_t lin = mmu->win[seg].base + off;

	if (UNLIKELY(mmu->priv->flat)) {
		if (!mmu_check_canonical(mmu, seg, lin, bytes))
			return false;
	} else {
		enum why why = seg_check(g, mmu->priv->untyped, off, bytes, write);
		if (why != WHY_NONE)
			return mmu_fail(mmu, seg == SEG_SS ? VEC_SS : VEC_GP, 0, why);
		lin = (g->base + off) & mmu->lin_mask;
	}
	if (align == 0)
		how |= REACH_UNALIGNED;
	else if (UNLIKELY(lin & (align - 1)))
		return mmu_fail(mmu, VEC_GP, 0, WHY_SIMD_ALIGNMENT);
	return reach(mmu, explicit_bank(mmu), write ? TLB_WRITE : TLB_READ, lin, bytes, how, r);
}

static bool seg_reach(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes, bool write, unsigned how,
		      struct reach *r)
{
	return seg_reach_aligned(mmu, seg, off, bytes, write, how, 1, r);
}

bool seg_load_slow(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes, unsigned align, void *to)
{
	struct reach r;

	if (!seg_reach_aligned(mmu, seg, off, bytes, false, 0, align, &r))
		return false;
	reach_load_bytes(mmu, &r, to);
	return true;
}

bool seg_store_slow(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes, unsigned align, const void *from)
{
	struct reach r;

	if (!seg_reach_aligned(mmu, seg, off, bytes, true, 0, align, &r))
		return false;
	reach_store_bytes(mmu, &r, from);
	return true;
}

struct rd seg_read_slow(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes)
{
	struct reach r;

	if (!seg_reach(mmu, seg, off, bytes, false, 0, &r))
		return (struct rd){0, false};
	return (struct rd){reach_load(mmu, &r), true};
}

bool seg_write_slow(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes, uint64_t value)
{
	struct reach r;

	if (!seg_reach(mmu, seg, off, bytes, true, 0, &r))
		return false;
	reach_store(mmu, &r, value);
	return true;
}

struct rmw seg_rmw_slow(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes)
{
	struct reach r;

	if (!seg_reach(mmu, seg, off, bytes, true, 0, &r))
		return (struct rmw){0, NULL, false};
	mmu->rmw[0] = r.place[0];
	if (r.pages == 2)
		mmu->rmw[1] = r.place[1];
	return (struct rmw){reach_load(mmu, &r), r.pages == 1 && !mmu->observer ? r.place[0].host : NULL, true};
}

bool seg_probe_write(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes)
{
	struct reach r;

	return seg_reach(mmu, seg, off, bytes, true, REACH_PROBE, &r);
}

bool seg_probe_store(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes, unsigned align)
{
	struct reach r;

	return seg_reach_aligned(mmu, seg, off, bytes, true, REACH_PROBE, align, &r);
}

bool seg_probe_read(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes)
{
	struct reach r;

	return seg_reach(mmu, seg, off, bytes, false, REACH_PROBE, &r);
}

/* ---- a stack that is not loaded yet ---- */

/* These are explicit accesses with the new privilege (SDM 3A,
 * "Determination of Access Rights" counts only the tables among the implicit
 * ones), and aligned ones where #AC is on and that privilege is 3 (SDM 2A,
 * "INT n", #AC).  The segment's type counts in virtual-8086 mode too: it is
 * not a segment of that mode. */
static inline uint64_t stack_linear(const struct mmu *mmu, const struct segment *seg, uint64_t off)
{
	return mmu->priv->long_mode ? off : (seg->base + off) & mmu->lin_mask;
}

static inline enum why stack_check(const struct mmu *mmu, const struct segment *seg, uint64_t off, unsigned bytes)
{
	if (UNLIKELY(mmu->priv->long_mode))
		return mmu_canonical(mmu, off) && mmu_canonical(mmu, off + bytes - 1) ? WHY_NONE : WHY_NON_CANONICAL;
	return seg_check(seg, !(mmu->s->cr0 & CR0_PE), off, bytes, true);
}

static bool stack_allowed(struct mmu *mmu, const struct segment *seg, uint64_t off, unsigned bytes,
			  uint32_t ss_error)
{
	enum why why = stack_check(mmu, seg, off, bytes);

	return why == WHY_NONE || mmu_fail(mmu, VEC_SS, ss_error, why);
}

static enum tlb_bank stack_bank(const struct mmu *mmu, unsigned cpl)
{
	if (cpl == 3)
		return BANK_USER;
	return (mmu->s->cr4 & CR4_SMAP) && !(mmu->s->rflags & FLAG_AC) ? BANK_SUPER_SMAP : BANK_SUPER;
}

bool stack_write(struct mmu *mmu, const struct segment *seg, unsigned cpl, uint64_t off, unsigned bytes,
		 uint64_t value, uint32_t ss_error)
{
	enum tlb_bank bank = stack_bank(mmu, cpl);
	uint64_t lin = stack_linear(mmu, seg, off);
	uint8_t *p = bank_hit(mmu, bank, TLB_WRITE, lin, bytes);
	struct reach r;

	if (!stack_allowed(mmu, seg, off, bytes, ss_error))
		return false;
	if (LIKELY(p != NULL && !(bank == BANK_USER && mmu->priv->alignment))) {
		host_store(p, bytes, value);
		return true;
	}
	if (!reach(mmu, bank, TLB_WRITE, lin, bytes, REACH_SYSTEM, &r))
		return false;
	reach_store(mmu, &r, value);
	return true;
}

uint8_t *stack_frame(struct mmu *mmu, const struct segment *seg, unsigned cpl, uint64_t low, unsigned bytes)
{
	enum tlb_bank bank = stack_bank(mmu, cpl);

	if (stack_check(mmu, seg, low, bytes) != WHY_NONE)
		return NULL;
	if (bank == BANK_USER && mmu->priv->alignment)
		return NULL;
	return bank_hit(mmu, bank, TLB_WRITE, stack_linear(mmu, seg, low), bytes);
}

bool stack_probe_write(struct mmu *mmu, const struct segment *seg, unsigned cpl, uint64_t off, unsigned bytes,
		       uint32_t ss_error)
{
	struct reach r;

	return stack_allowed(mmu, seg, off, bytes, ss_error) &&
	       reach(mmu, stack_bank(mmu, cpl), TLB_WRITE, stack_linear(mmu, seg, off), bytes,
		     REACH_PROBE | REACH_SYSTEM, &r);
}
