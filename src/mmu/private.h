/* What the files of src/mmu share. */
#ifndef TRAPGATE_MMU_PRIVATE_H
#define TRAPGATE_MMU_PRIVATE_H

#include "mmu/mmu.h"

/* Bits of a paging-structure entry (SDM 3A, "32-Bit Paging", "PAE Paging", "4-Level Paging and 5-Level Paging"). */
#define PTE_P  0x001u
#define PTE_RW 0x002u
#define PTE_US 0x004u
#define PTE_A  0x020u
#define PTE_D  0x040u
#define PTE_PS 0x080u
#define PTE_G  0x100u
#define PTE_XD (UINT64_C(1) << 63)
#define PTE_KEY_SHIFT 59 /* protection key: bits 62:59 of the entry that maps the page */

#define MAX_LEVELS 5

/* One step of a walk. */
struct walk_level {
	uint8_t shift;          /* lowest linear bit of the index */
	uint16_t index_mask;
	bool maps_large;        /* PS set: this entry maps a page */
	bool pse36;             /* its bits 20:13 are address bits 39:32 */
	uint64_t reserved;      /* in an entry that refers to a table, or a PTE */
	uint64_t reserved_page; /* in an entry with PS set that maps a page */
};

/* The present way of paging; no levels: off. */
struct walk {
	unsigned levels;
	unsigned entry_bytes;
	bool pdptes;        /* starts at s->pdpte[31:30], not at CR3 */
	bool keys;          /* user pages have protection keys */
	uint64_t address;   /* the address bits of an entry or CR3 */
	struct walk_level level[MAX_LEVELS];
};

/* Everything the walker's shape depends on, to see whether it changed. */
struct walk_key {
	uint64_t cr0, cr4, efer, phys_mask;
	bool has_pat, has_1g_pages;
};

#define TLB_WORDS (TLB_SIZE / 64)
#define FILLED_BANKS BANK_NONE

/* Which slots of a TLB are in use, so that emptying it costs what filling it did. */
struct tlb_map {
	uint64_t filled[TLB_WORDS], global[TLB_WORDS], large[TLB_WORDS];
	uint64_t keyed[TLB_WORDS]; /* user pages with a protection key other than 0 */
	uint8_t words; /* bit i: filled[i] is not 0 */
};

/* A second, small TLB for pages that the hit path must not see: devices,
 * holes, stores to ROM and to pages with code, watched pages. */
#define SLOW_SIZE 64u
struct slow_entry {
	uint64_t tag;
	uint64_t pa;          /* of the page */
	uint8_t *host;        /* of the page; NULL: bus cycles */
	const uint64_t *code; /* the page's granules, NULL: cannot hold code */
	bool device;          /* may have side effects */
	bool watched;
};
struct slow_tlb {
	struct slow_entry entry[SLOW_SIZE];
	uint64_t filled, global, large, keyed;
};

struct watch {
	uint64_t lin;
	uint8_t bytes;
	bool reads; /* too; else writes only */
	uint8_t index;
};

#define LARGE_BITS 1024u
#define LARGE_SHIFT 22
#define HUGE_BITS 64u
#define HUGE_SHIFT 30

/* What is cached for one PCID.  Several of them are remembered, so that MOV to CR3
 * with CR3_NO_FLUSH finds what it left; the one unused for longest goes when there is no room.
 * Without CR4.PCIDE the PCID is 0 and there is one of them. */
#define TLB_SPACES 4
struct tlb_space {
	bool used;
	uint16_t pcid;
	uint64_t when;        /* it was made current */
	unsigned large_shift; /* log2 of the largest page up to 4 MiB in a TLB; 0: none */
	uint64_t large[LARGE_BITS / 64]; /* regions of 4 MiB that may have pieces of large pages in a TLB */
	uint64_t huge;                   /* regions of 1 GiB that may have pieces of such pages */
	struct tlb_map map[FILLED_BANKS][TLB_KINDS];
	struct slow_tlb slow[FILLED_BANKS][TLB_EXEC]; /* TLB_READ, TLB_WRITE */
	uint64_t fetch_pa[FILLED_BANKS][TLB_SIZE];    /* beside the TLB_EXEC entries */
	struct tlb_entry banks[BANK_COUNT][TLB_KINDS][TLB_SIZE];
};

/* Pages fetched from in this epoch, by a few bits of the page number. */
#define FETCHED_BITS 4096u

struct mmu_private {
	struct walk walk;
	struct walk_key key;
	uint32_t fetch_error;  /* PF_I where #PF of a fetch shows it */
	bool alignment;        /* CR0.AM and EFLAGS.AC */
	bool untyped;          /* real mode or VM86: only limits are checked */
	bool long_mode;        /* IA-32e mode: EFER.LMA */
	bool flat;             /* 64-bit mode: CS.L too */
	uint64_t pkru;         /* that what is cached was checked with */
	enum tlb_bank bank[2]; /* of explicit accesses at CPL 0-2, at CPL 3; alignment aside */
	enum tlb_bank implicit;
	uint64_t fetched[FETCHED_BITS / 64];
	uint64_t dr[4], dr7;   /* of which watch[] was made */
	unsigned watch_count;
	struct watch watch[4];
	struct tlb_space *now; /* the current PCID's */
	uint64_t switches;     /* of spaces: their clock */
	struct tlb_space space[TLB_SPACES];
};

/* ---- walk.c ---- */
struct translation {
	uint64_t pa;     /* of the 4 KiB page, A20 applied */
	uint64_t rights; /* PTE_RW, PTE_US: of all entries; PTE_D: may be written without a new walk */
	bool global;
	bool keyed;      /* a user page with a protection key other than 0 */
	unsigned shift;  /* log2 of the page size */
};

/* Makes priv->walk anew from the control registers; true: it is another one. */
bool walk_configure(struct mmu *mmu);
/* Translates for an access of this bank and kind, with checks and A/D updates.
 * False: #PF in mmu->fault, or MMU_RUN_ALONE. */
bool walk_access(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, uint64_t lin,
		 struct translation *t) MUST_CHECK;

/* ---- tlb.c ---- */
/* Makes what is cached for this PCID the current one.  True: it was another; the caller sees to
 * the banks in use and to the epoch. */
bool tlb_choose(struct mmu *mmu, uint16_t pcid);
/* Of the current PCID, or of all with their global pages. */
void tlb_flush(struct mmu *mmu, bool global_too);
/* All but global pages: of one PCID, of all. */
void tlb_flush_pcid(struct mmu *mmu, uint16_t pcid);
void tlb_flush_pcids(struct mmu *mmu);
/* One page: of the current PCID; the same, and it as a global page of any; of all; of one PCID unless
 * global. */
void tlb_drop_page(struct mmu *mmu, uint64_t lin);
void tlb_drop_page_and_globals(struct mmu *mmu, uint64_t lin);
void tlb_drop_page_everywhere(struct mmu *mmu, uint64_t lin);
void tlb_drop_page_of_pcid(struct mmu *mmu, uint64_t lin, uint16_t pcid);
/* Data of user pages with a key other than 0, or of all pages; of all PCIDs. */
void tlb_drop_keyed(struct mmu *mmu, bool all);
void tlb_drop_writes(struct mmu *mmu, const uint8_t *page_host);
void tlb_fill(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, uint64_t lin, uint8_t *host,
	      const struct translation *t);
void slow_fill(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, const struct slow_entry *entry,
	       const struct translation *t);
void slow_clear(struct mmu *mmu);
void epoch_change(struct mmu *mmu);

/* ---- watch.c ---- */
void watch_configure(struct mmu *mmu);
bool watch_page(const struct mmu *mmu, uint64_t lin, bool write);
/* DR6.B0-B3 of the breakpoints that an access inside one page meets. */
uint32_t watch_match(const struct mmu *mmu, uint64_t lin, unsigned bytes, bool write);

/* ---- access.c ---- */
struct reach {
	struct mmu_place place[2];
	unsigned pages;
};
#define REACH_PROBE  1u /* data breakpoints are not noted yet */
#define REACH_UNALIGNED 4u /* alignment is not checked */
#define REACH_SYSTEM 2u /* it wraps as implicit accesses do: in IA-32e mode at 2^64 */
/* Everything that can refuse an access, in order; nothing is read or stored.  lin is masked and canonical. */
bool reach(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, uint64_t lin, unsigned bytes, unsigned how,
	   struct reach *r) MUST_CHECK;
uint64_t reach_load(struct mmu *mmu, const struct reach *r);
void reach_store(struct mmu *mmu, const struct reach *r, uint64_t value);
/* All of the bytes, in pieces of up to 8. */
void reach_load_bytes(struct mmu *mmu, const struct reach *r, uint8_t *to);
void reach_store_bytes(struct mmu *mmu, const struct reach *r, const uint8_t *from);
/* Finds the host memory or physical place of one byte's page. */
bool translate(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, uint64_t lin,
	       struct slow_entry *place) MUST_CHECK;

static inline bool mmu_fail(struct mmu *mmu, unsigned vector, uint32_t error, enum why why)
{
	mmu->stop = MMU_FAULT;
	*mmu->fault = (struct fault){.vector = (uint8_t)vector, .has_error = true, .error = error, .why = why};
	return false;
}

static inline bool mmu_run_alone(struct mmu *mmu)
{
	mmu->stop = MMU_RUN_ALONE;
	return false;
}

static inline unsigned tlb_slot(uint64_t lin) { return (lin >> 12) & (TLB_SIZE - 1); }

/* As tlb_hit(), of a bank that may not be the current one. */
static inline enum tlb_bank explicit_bank(const struct mmu *mmu) { return mmu->priv->bank[mmu->s->cpl == 3]; }

static inline uint8_t *bank_hit(struct mmu *mmu, enum tlb_bank bank, enum tlb_kind kind, uint64_t lin, unsigned bytes)
{
	const struct tlb_entry *e = &mmu->banks[bank][kind][tlb_slot(lin)];

	return ((lin + bytes - 1) & PAGE_MASK) == e->tag ? (uint8_t *)(e->addend + (uintptr_t)lin) : NULL;
}

#endif
