/* Memory as a processor sees it: segmentation -> paging -> TLB -> bus.
 *
 * The prefix of an accessor says which checks apply:
 *   seg_   logical address: segment limit, type, null selector, then lin_user
 *   lin_   linear address, implicit supervisor access (IDT, GDT, LDT, TSS)
 *   bus_   physical (src/bus)
 *   peek_  no side effect, no fault, no A/D update: debugger and trace
 *
 * In 64-bit mode (EFER.LMA and CS.L) a logical address is the offset, FS and GS
 * add their base; limits, types and null selectors do not count (SDM 3A,
 * "Segmentation in IA-32e Mode"), and the linear address must be canonical.
 *
 * A failing access fills *mmu->fault and returns ok = false, or, when the
 * access may not be made from the middle of a block (a device, a store into
 * translated code, a watched page), sets mmu->stop = MMU_RUN_ALONE: the instruction
 * has done nothing yet and is run again on its own (mmu->alone = true), where
 * every access is allowed.  So what a block has cached is exact.
 *
 * Sources: SDM 3A, "Protection" and "Paging". */
#ifndef TRAPGATE_MMU_MMU_H
#define TRAPGATE_MMU_MMU_H

#include <string.h>

#include "arch/fault.h"
#include "arch/state.h"
#include "arch/x86.h"
#include "bus/bus.h"

#define TLB_BITS 9
#define TLB_SIZE (1u << TLB_BITS)
#define PAGE_MASK (~UINT64_C(0xfff))

/* A valid tag is page aligned, so 1 never matches.  host = addend + linear. */
struct tlb_entry {
	_Alignas(16) uint64_t tag;
	uintptr_t addend;
};
#define TLB_INVALID 1u
#define TLB_ENTRY_BITS 4
_Static_assert(sizeof(struct tlb_entry) == 1u << TLB_ENTRY_BITS, "the hit path shifts instead of multiplying");

/* The same page is cached apart for each right, so that a hit needs no check
 * beyond the tag. */
enum tlb_kind { TLB_READ, TLB_WRITE, TLB_EXEC, TLB_KINDS };
enum tlb_bank {
	BANK_SUPER,      /* supervisor; user pages allowed (no SMAP, or EFLAGS.AC) */
	BANK_SUPER_SMAP, /* supervisor; user pages refused */
	BANK_USER,
	BANK_NONE,       /* never filled: alignment checks in force, every access is slow */
	BANK_COUNT
};

/* What the hit path needs of a segment register, derived from it by
 * mmu_segment_changed().  An access of n bytes at off is inside if
 * off + n <= r_end (w_end to write).  0 means: always take the slow path
 * (null, expand-down, not readable, ...).  In 64-bit mode all offsets are inside. */
struct seg_window {
	uint64_t base;
	uint64_t r_end, w_end;
};

enum mmu_stop { MMU_FAULT, MMU_RUN_ALONE };

/* An access of 1 to 8 bytes at linear and physical addresses; one that crosses a page is two of them. */
typedef void mmu_observer(void *owner, uint64_t lin, uint64_t pa, unsigned bytes, uint64_t value, bool write);

struct mmu {
	struct tlb_entry *tlb[TLB_KINDS]; /* the current bank's, explicit accesses */
	struct tlb_entry *tlb_implicit;   /* TLB_READ of the bank of implicit supervisor accesses */
	struct tlb_entry *tlb_of[2][TLB_KINDS]; /* what tlb is at CPL 0-2 and at CPL 3 */
	uint64_t lin_mask;                /* of explicit accesses and fetches: 0xffffffff outside 64-bit mode */
	uint64_t system_mask;             /* of implicit ones: 0xffffffff outside IA-32e mode */
	unsigned lin_bits;                /* of a canonical address: 48, or 57 with 5-level paging */
	struct seg_window win[SEG_COUNT];
	struct arch_state *s;
	struct bus *bus;
	struct fault *fault;
	enum mmu_stop stop;
	bool alone;           /* one instruction on its own: every access allowed */
	uint32_t watch_hits;  /* DR6.B0-B3 of data breakpoints met (alone only) */
	uint64_t a20_mask;    /* ANDed with physical addresses */
	uint64_t phys_mask;   /* MAXPHYADDR; 32 of them: no PSE-36 */
	bool has_pat;         /* else bit 7 of a PTE is reserved */
	bool has_1g_pages;    /* CPUID.80000001H:EDX.Page1GB; else bit 7 of a 64-bit PDPTE is reserved */
	/* Changes whenever what mmu_fetch_page() said before may no longer be so:
	 * flushes, invalidations of pages fetched from, other modes of paging, a
	 * changed address space.  A change of CPL does not: the right to fetch
	 * depends on it too. */
	uint32_t epoch;
	struct tlb_entry (*banks)[TLB_KINDS][TLB_SIZE]; /* [BANK_COUNT], of the current PCID */
	/* where a split or slow read-modify-write began, see seg_rmw_slow() */
	struct mmu_place {
		uint8_t *host; /* NULL: by bus cycles at pa */
		uint64_t lin, pa;
		unsigned bytes;
	} rmw[2];
	/* Told of each data access that was made, explicit or of the descriptor tables and the TSS; not of
	 * fetches and page walks.  Set by mmu_observe(). */
	mmu_observer *observer;
	void *observer_owner;
	struct mmu_private *priv; /* free for src/mmu */
};

/* All fields are set; the mmu keeps the pointers.  mmu_free releases priv. */
bool mmu_init(struct mmu *mmu, struct arch_state *s, struct bus *bus, struct fault *fault) MUST_CHECK;
void mmu_free(struct mmu *mmu);

/* Call after these parts of *s changed.  Each is cheap if nothing did. */
void mmu_segment_changed(struct mmu *mmu, enum seg seg); /* after loading seg[] */
/* CPL, CR0, CR4, EFER, EFLAGS.AC/VM, PKRU, DR0-3, DR7, phys_mask, has_pat, has_1g_pages: picks
 * bank, masks, windows.  Flushes by itself what no longer holds. */
void mmu_mode_changed(struct mmu *mmu);
void mmu_pkru_changed(struct mmu *mmu); /* PKRU alone */
/* CPL alone. */
static inline void mmu_cpl_changed(struct mmu *mmu)
{
	const bool user = mmu->s->cpl == 3;

	mmu->tlb[TLB_READ] = mmu->tlb_of[user][TLB_READ];
	mmu->tlb[TLB_WRITE] = mmu->tlb_of[user][TLB_WRITE];
	mmu->tlb[TLB_EXEC] = mmu->tlb_of[user][TLB_EXEC];
}
/* Of the current PCID, or of all with their global pages.  MOV CR3 / CR4, task switch */
void mmu_flush(struct mmu *mmu, bool global_too);
/* Does what MOV to CR3 does with a value whose reserved bits were checked: sets CR3 (without
 * CR3_NO_FLUSH where CR4.PCIDE gives it a meaning) and the current PCID, invalidates what SDM 3A,
 * "Operations that Invalidate TLBs and Paging-Structure Caches" says. */
void mmu_load_cr3(struct mmu *mmu, uint64_t value);
/* Of an address that is not canonical nothing is cached: a NOP, as SDM 2A, "INVLPG" has it. */
void mmu_invlpg(struct mmu *mmu, uint64_t lin);
/* INVPCID of a type with a descriptor: bits 63:0, then the linear address.  False: #GP(0) in
 * *mmu->fault.  SDM 2A, "INVPCID". */
bool mmu_invpcid(struct mmu *mmu, uint64_t type, uint64_t pcid, uint64_t lin) MUST_CHECK;
void mmu_set_a20(struct mmu *mmu, bool enabled);
/* observer NULL: nobody is told any more.  While somebody is, no data page enters the TLB; an instruction that is
 * run again by itself is told of twice unless the processor runs plain. */
void mmu_observe(struct mmu *mmu, mmu_observer *observer, void *owner);
/* PAE: loads the four PDPTEs from CR3 (of the value cr3).  False: a reserved
 * bit is set; nothing was changed (the caller raises #GP(0)).
 * SDM 3A, "PDPTE Registers". */
bool mmu_load_pdptes(struct mmu *mmu, uint64_t cr3) MUST_CHECK;

/* Are all bits from bits - 1 up the same?  SDM 1, "Canonical Addressing". */
static inline bool address_canonical(uint64_t lin, unsigned bits)
{
	uint64_t top = lin >> (bits - 1);

	return top == 0 || top == UINT64_MAX >> (bits - 1);
}

/* Of the present way of paging: an address that memory can be accessed at. */
static inline bool mmu_canonical(const struct mmu *mmu, uint64_t lin)
{
	return address_canonical(lin, mmu->lin_bits);
}

/* False: not all of the bytes at lin are, and *mmu->fault is #SS(0) for a reference by SS, else
 * #GP(0). */
bool mmu_check_canonical(struct mmu *mmu, enum seg seg, uint64_t lin, unsigned bytes) MUST_CHECK;

struct rd {
	uint64_t v; /* zero-extended */
	bool ok;
};

/* Read-modify-write: checked as a write before anything is read.  host != NULL: the
 * bytes themselves; else the mmu remembers the place until rmw_write. */
struct rmw {
	uint64_t v;
	uint8_t *host;
	bool ok;
};

struct rd seg_read_slow(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes) MUST_CHECK;
bool seg_write_slow(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes, uint64_t value) MUST_CHECK;
struct rmw seg_rmw_slow(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes) MUST_CHECK;
void rmw_write_slow(struct mmu *mmu, unsigned bytes, uint64_t value);

/* Vectors: 1 to 64 bytes from or to host memory, checked whole before the first is read or stored; a device sees
 * pieces of up to 8 bytes.  align, a power of two: #GP(0) if the linear address is not a multiple of it; 0: not even
 * #AC. */
bool seg_load_slow(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes, unsigned align, void *to) MUST_CHECK;
bool seg_store_slow(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes, unsigned align,
		    const void *from) MUST_CHECK;

/* Would a write of these bytes succeed?  Same faults and A/D updates as the write
 * itself, but nothing is stored (PUSHA, ENTER, FSAVE, far transfers: probe
 * first, then commit). bytes <= 4096. */
bool seg_probe_write(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes) MUST_CHECK;
bool seg_probe_store(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes, unsigned align) MUST_CHECK;
bool seg_probe_read(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes) MUST_CHECK;

/* By cases, so that a width known only at run time costs no call of memcpy. */
static inline uint64_t host_load(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	switch (bytes) {
	case 1:
		return *p;
	case 2:
		memcpy(&v, p, 2);
		return v;
	case 4:
		memcpy(&v, p, 4);
		return v;
	case 8:
		memcpy(&v, p, 8);
		return v;
	default:
		memcpy(&v, p, bytes);
		return v;
	}
}

static inline void host_store(uint8_t *p, unsigned bytes, uint64_t v)
{
	switch (bytes) {
	case 1:
		*p = (uint8_t)v;
		break;
	case 2:
		memcpy(p, &v, 2);
		break;
	case 4:
		memcpy(p, &v, 4);
		break;
	case 8:
		memcpy(p, &v, 8);
		break;
	default:
		memcpy(p, &v, bytes);
	}
}

/* The host bytes behind lin if the TLB has all of them with this right, else
 * NULL.  Comparing the page of the last byte with the entry of the first one
 * refuses page crossings in the same test.  Outside IA-32e mode lin may still exceed
 * 32 bits (base + offset beyond 4 GiB): then no tag fits, and the slow path wraps it; in
 * compatibility mode, where one might, the windows end at 4 GiB.  No tag is of an
 * address that is not canonical. */
static inline uint8_t *tlb_hit(const struct mmu *mmu, enum tlb_kind kind, uint64_t lin, unsigned bytes)
{
	/* The slot as a byte offset at once: one instruction less than indexing. */
	size_t slot = (size_t)(lin >> (12 - TLB_ENTRY_BITS)) & ((TLB_SIZE - 1) << TLB_ENTRY_BITS);
	const struct tlb_entry *e = (const struct tlb_entry *)((const char *)mmu->tlb[kind] + slot);

	if (LIKELY(((lin + bytes - 1) & PAGE_MASK) == e->tag)) {
		uint8_t *host = (uint8_t *)(e->addend + (uintptr_t)lin);
		if (host == NULL)
			__builtin_unreachable(); /* so that no caller tests it again */
		return host;
	}
	return NULL;
}

static inline struct rd seg_read(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes)
{
	const struct seg_window *w = &mmu->win[seg];

	if (LIKELY(off + bytes <= w->r_end)) {
		const uint8_t *p = tlb_hit(mmu, TLB_READ, w->base + off, bytes);
		if (LIKELY(p != NULL))
			return (struct rd){host_load(p, bytes), true};
	}
	return seg_read_slow(mmu, seg, off, bytes);
}

static inline bool seg_write(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes, uint64_t value)
{
	const struct seg_window *w = &mmu->win[seg];

	if (LIKELY(off + bytes <= w->w_end)) {
		uint8_t *p = tlb_hit(mmu, TLB_WRITE, w->base + off, bytes);
		if (LIKELY(p != NULL)) {
			host_store(p, bytes, value);
			return true;
		}
	}
	return seg_write_slow(mmu, seg, off, bytes, value);
}

static inline bool seg_load(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes, unsigned align, void *to)
{
	const struct seg_window *w = &mmu->win[seg];

	if (LIKELY(off + bytes <= w->r_end && (align == 0 || ((w->base + off) & (align - 1)) == 0))) {
		const uint8_t *p = tlb_hit(mmu, TLB_READ, w->base + off, bytes);
		if (LIKELY(p != NULL)) {
			memcpy(to, p, bytes);
			return true;
		}
	}
	return seg_load_slow(mmu, seg, off, bytes, align, to);
}

static inline bool seg_store(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes, unsigned align,
			     const void *from)
{
	const struct seg_window *w = &mmu->win[seg];

	if (LIKELY(off + bytes <= w->w_end && (align == 0 || ((w->base + off) & (align - 1)) == 0))) {
		uint8_t *p = tlb_hit(mmu, TLB_WRITE, w->base + off, bytes);
		if (LIKELY(p != NULL)) {
			memcpy(p, from, bytes);
			return true;
		}
	}
	return seg_store_slow(mmu, seg, off, bytes, align, from);
}

static inline struct rmw seg_rmw(struct mmu *mmu, enum seg seg, uint64_t off, unsigned bytes)
{
	const struct seg_window *w = &mmu->win[seg];

	if (LIKELY(off + bytes <= w->w_end)) {
		uint8_t *p = tlb_hit(mmu, TLB_WRITE, w->base + off, bytes);
		if (LIKELY(p != NULL))
			return (struct rmw){host_load(p, bytes), p, true};
	}
	return seg_rmw_slow(mmu, seg, off, bytes);
}

static inline void rmw_write(struct mmu *mmu, const struct rmw *r, unsigned bytes, uint64_t value)
{
	if (LIKELY(r->host != NULL))
		host_store(r->host, bytes, value);
	else
		rmw_write_slow(mmu, bytes, value);
}

/* Implicit supervisor accesses to system structures.  #PF as for a supervisor access,
 * U/S = 0 in the error code whatever CPL is; #GP(0) if not canonical. */
struct rd lin_read_slow(struct mmu *mmu, uint64_t lin, unsigned bytes) MUST_CHECK;
static inline struct rd lin_read(struct mmu *mmu, uint64_t lin, unsigned bytes)
{
	const struct tlb_entry *e = &mmu->tlb_implicit[(lin >> 12) & (TLB_SIZE - 1)];

	if (LIKELY(((lin + bytes - 1) & PAGE_MASK) == e->tag))
		return (struct rd){host_load((const uint8_t *)(e->addend + (uintptr_t)lin), bytes), true};
	return lin_read_slow(mmu, lin, bytes);
}
bool lin_write(struct mmu *mmu, uint64_t lin, unsigned bytes, uint64_t value) MUST_CHECK;
bool lin_probe_write(struct mmu *mmu, uint64_t lin, unsigned bytes) MUST_CHECK;

/* A push onto a stack that is not loaded yet (delivery, call gates, task
 * switches): segment-checked against *seg with privilege cpl, then paged.
 * Limit and type faults are #SS(err) with the given why.  probe: as
 * seg_probe_write.  In IA-32e mode such a stack is always that of 64-bit code: *seg does not
 * count, off is the linear address, and one that is not canonical is #SS(err). */
bool stack_write(struct mmu *mmu, const struct segment *seg, unsigned cpl, uint64_t off, unsigned bytes,
		 uint64_t value, uint32_t ss_error) MUST_CHECK;
bool stack_probe_write(struct mmu *mmu, const struct segment *seg, unsigned cpl, uint64_t off, unsigned bytes,
		       uint32_t ss_error) MUST_CHECK;

/* The host bytes of a whole frame [low, low + bytes) on such a stack, if every word of
 * it can be stored with no check left (its page is in the TLB, nothing watched); else
 * NULL, which means nothing: go word by word. */
uint8_t *stack_frame(struct mmu *mmu, const struct segment *seg, unsigned cpl, uint64_t low, unsigned bytes);

/* Instruction fetch.  The host bytes (from its first one) of the page that holds lin, for
 * execution with the current privilege; NULL: *mmu->fault is a #PF (#GP(0) if not canonical), or (stop ==
 * MMU_RUN_ALONE) the page is a device's: fetch byte by byte with
 * mmu_fetch_byte.  *pa is the page's physical address (A20 applied). */
const uint8_t *mmu_fetch_page(struct mmu *mmu, uint64_t lin, uint64_t *pa) MUST_CHECK;
struct rd mmu_fetch_byte(struct mmu *mmu, uint64_t lin) MUST_CHECK;

/* No side effects.  peek_lin reads as a supervisor would, ignoring every
 * permission; returns how many bytes could be read. peek_translate gives the
 * physical address or false. */
size_t peek_lin(struct mmu *mmu, uint64_t lin, void *buffer, size_t size);
bool peek_translate(struct mmu *mmu, uint64_t lin, uint64_t *pa);

#endif
