/* IA-32e mode: paging with 4 and 5 levels, protection keys, 64-bit and compatibility mode,
 * canonical addresses.  SDM 3A, "4-Level Paging and 5-Level Paging", "Protection Keys",
 * "Segmentation in IA-32e Mode"; SDM 1, "Canonical Addressing". */
#include "mmu/bench.h"

enum how { READ, WRITE, FETCH, IMPLICIT_READ, IMPLICIT_WRITE };

#define NOCODE       UINT32_MAX /* no fault */
#define BIT(n)       (UINT64_C(1) << (n))
#define XD           BIT(63)
#define PS           0x80u
#define PT_A         (PT + (PAGE_A >> 9)) /* the PTE of PAGE_A */
#define PD_2         (PD + 16)            /* the PDE of 400000 */
#define PDPT_1       (PDPT + 8)           /* the PDPTE of 40000000 */
#define GIB          UINT64_C(0x40000000)
#define ROUND_NUMBER 0x600df00du
#define LAST_48      UINT64_C(0x00007fffffffffff) /* of the lower half; the upper begins at ~LAST_48 */
#define LAST_57      UINT64_C(0x00ffffffffffffff)

static bool access(struct bench *b, enum how how, uint64_t lin)
{
	switch (how) {
	case READ:
		return seg_read(&b->mmu, SEG_DS, lin, 4).ok;
	case WRITE:
		return seg_write(&b->mmu, SEG_DS, lin, 4, ROUND_NUMBER);
	case FETCH:
		return mmu_fetch_byte(&b->mmu, lin).ok;
	case IMPLICIT_READ:
		return lin_read(&b->mmu, lin, 4).ok;
	default:
		return lin_write(&b->mmu, lin, 4, ROUND_NUMBER);
	}
}

/* ---- translation ---- */

/* Each nine bits of the address choose in their own table: SDM 3A, "Linear-Address Translation with 4-Level
 * Paging and 5-Level Paging". */
static void every_level_has_its_nine_bits(void **state)
{
	static const unsigned index[5] = {0x1f1, 0x1a5, 0x0c3, 0x155, 0x0aa};
	struct bench *b = *state;

	for (unsigned levels = 4; levels <= 5; levels++) {
		uint64_t lin = UINT64_C(0xffff) << 48, table = 0x20000, at[5];

		bench_long(b, levels == 5 ? CR4_LA57 : 0, 0);
		b->s.cr3 = table | 0xfff; /* bits 11:0 are no address */
		if (levels == 5)
			lin = UINT64_C(0xfe) << 56; /* bit 56 comes with the first index */
		for (unsigned i = 0; i < levels; i++) {
			unsigned shift = 12 + 9 * (levels - 1 - i);

			lin |= (uint64_t)index[i] << shift;
			at[i] = table + 8 * index[i];
			table = i == levels - 1 ? PAGE_B : table + 0x1000;
			set_mem64(b, at[i], table | 7);
		}
		mmu_flush(&b->mmu, true);
		set_mem32(b, PAGE_B + 0x124, ROUND_NUMBER);
		ASSERT_READ(b, SEG_DS, lin + 0x124, 4, ROUND_NUMBER);
		for (unsigned i = 0; i < levels; i++) /* A everywhere, D nowhere */
			assert_int_equal(mem64(b, at[i]) & 0xfff, 0x27);
		ASSERT_WRITE(b, SEG_DS, lin + 0x124, 4, 1);
		for (unsigned i = 0; i < levels; i++)
			assert_int_equal(mem64(b, at[i]) & 0xfff, i == levels - 1 ? 0x67 : 0x27);
		for (unsigned i = 0; i < levels; i++) {
			uint64_t entry = mem64(b, at[i]);

			set_mem64(b, at[i], entry & ~UINT64_C(1));
			mmu_flush(&b->mmu, true);
			assert_false(access(b, WRITE, lin + 0x124));
			assert_page_fault(b, PF_W, lin + 0x124, WHY_PAGE_NOT_PRESENT);
			set_mem64(b, at[i], entry);
		}
	}
}

static const uint64_t entries[5] = {PML5, PML4, PDPT, PD, PT_A}; /* of PAGE_A, the first with 5 levels only */

/* U/S, R/W and XD of all entries count: SDM 3A, "Determination of Access Rights". */
static void rights_are_those_of_all_levels(void **state)
{
	struct bench *b = *state;

	for (unsigned la57 = 0; la57 < 2; la57++) {
		for (unsigned i = la57 ? 0 : 1; i < 5; i++) {
			uint64_t lin = PAGE_A;

			bench_long(b, la57 ? CR4_LA57 : 0, EFER_NXE);
			set_mem64(b, entries[i], mem64(b, entries[i]) & ~UINT64_C(4));
			bench_cpl(b, 3);
			assert_false(access(b, READ, lin));
			assert_page_fault(b, PF_P | PF_U, lin, WHY_PAGE_SUPERVISOR);
			set_mem64(b, entries[i], (mem64(b, entries[i]) | 4) & ~UINT64_C(2));
			assert_false(access(b, WRITE, lin));
			assert_page_fault(b, PF_P | PF_W | PF_U, lin, WHY_PAGE_READ_ONLY);
			bench_cpl(b, 0);
			assert_false(access(b, WRITE, lin)); /* CR0.WP */
			assert_page_fault(b, PF_P | PF_W, lin, WHY_PAGE_READ_ONLY);
			set_mem64(b, entries[i], mem64(b, entries[i]) | 2 | XD);
			mmu_flush(&b->mmu, true);
			assert_true(access(b, WRITE, lin));
			assert_false(access(b, FETCH, lin));
			assert_page_fault(b, PF_P | PF_I, lin, WHY_PAGE_NO_EXECUTE);
			b->s.cr0 &= ~(uint64_t)CR0_WP;
			set_mem64(b, entries[i], mem64(b, entries[i]) & ~UINT64_C(2));
			mmu_mode_changed(&b->mmu);
			assert_true(access(b, WRITE, lin));
		}
	}
}

static void smep_and_smap_hold_in_ia_32e_mode(void **state)
{
	struct bench *b = *state;

	bench_long(b, CR4_SMEP | CR4_SMAP, 0);
	assert_false(access(b, FETCH, PAGE_A));
	assert_page_fault(b, PF_P | PF_I, PAGE_A, WHY_PAGE_SMEP);
	assert_false(access(b, READ, PAGE_A));
	assert_page_fault(b, PF_P, PAGE_A, WHY_PAGE_SMAP);
	b->s.rflags = FLAG_AC;
	mmu_mode_changed(&b->mmu);
	assert_true(access(b, READ, PAGE_A));
	assert_false(access(b, IMPLICIT_READ, PAGE_A));
	assert_page_fault(b, PF_P, PAGE_A, WHY_PAGE_SMAP);
}

/* SDM 3A, "4-Level Paging and 5-Level Paging": what is reserved where. */
static void reserved_bits_of_every_level(void **state)
{
	static const struct {
		const char *rule;
		unsigned entry; /* of entries[] */
		uint64_t bits;
		unsigned width; /* MAXPHYADDR */
		bool huge;      /* 1 GiB pages exist */
		bool pat;
		uint64_t efer;
		bool reserved;
	} cases[] = {
		{"PS of a PML5E", 0, PS, 52, true, true, 0, true},
		{"PS of a PML4E", 1, PS, 52, true, true, 0, true},
		{"PS of a PDPTE without 1 GiB pages", 2, PS, 52, false, true, 0, true},
		{"bit 13 of a 1 GiB page", 2, PS | BIT(13), 52, true, true, 0, true},
		{"bit 29 of a 1 GiB page", 2, PS | BIT(29), 52, true, true, 0, true},
		{"bit 12 of a 1 GiB page is PAT", 2, PS | BIT(12), 52, true, true, 0, false},
		{"bit 12 of a 1 GiB page without PAT", 2, PS | BIT(12), 52, true, false, 0, true},
		{"bit 13 of a 2 MiB page", 3, PS | BIT(13), 52, true, true, 0, true},
		{"bit 20 of a 2 MiB page", 3, PS | BIT(20), 52, true, true, 0, true},
		{"bit 7 of a PTE is PAT", 4, PS, 52, true, true, 0, false},
		{"bit 7 of a PTE without PAT", 4, PS, 52, true, false, 0, true},
		{"the first bit above MAXPHYADDR", 0, BIT(40), 40, true, true, 0, true},
		{"of a PML4E", 1, BIT(40), 40, true, true, 0, true},
		{"of a PDPTE", 2, BIT(51), 40, true, true, 0, true},
		{"of a PDE", 3, BIT(36), 36, true, true, 0, true},
		{"of a PTE", 4, BIT(51), 51, true, true, 0, true},
		{"the last bit of MAXPHYADDR", 4, BIT(39), 40, true, true, 0, false},
		{"bit 51 where MAXPHYADDR is 52", 4, BIT(51), 52, true, true, 0, false},
		{"62:52 of a PML5E are ignored", 0, 0x7ff * BIT(52), 36, true, true, 0, false},
		{"62:52 of a PML4E are ignored", 1, 0x7ff * BIT(52), 36, true, true, 0, false},
		{"62:52 of a PDPTE are ignored", 2, 0x7ff * BIT(52), 36, true, true, 0, false},
		{"62:52 of a PTE are ignored", 4, 0x7ff * BIT(52), 36, true, true, 0, false},
		{"XD of a PML5E without NXE", 0, XD, 52, true, true, 0, true},
		{"XD of a PML4E without NXE", 1, XD, 52, true, true, 0, true},
		{"XD of a PTE without NXE", 4, XD, 52, true, true, 0, true},
		{"XD with NXE", 1, XD, 52, true, true, EFER_NXE, false},
		{"G of a PML4E is ignored", 1, 0x100, 52, true, true, 0, false},
	};
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t at = entries[cases[i].entry];
		bool ok;

		b->mmu.phys_mask = BIT(cases[i].width) - 1;
		b->mmu.has_1g_pages = cases[i].huge;
		b->mmu.has_pat = cases[i].pat;
		bench_long(b, CR4_LA57, cases[i].efer);
		if (cases[i].bits & PS && cases[i].entry < 4) /* an aligned page */
			set_mem64(b, at, 7);
		set_mem64(b, at, mem64(b, at) | cases[i].bits);
		ok = access(b, READ, PAGE_A);
		if (ok == cases[i].reserved)
			fail_msg("%s: %s", cases[i].rule, ok ? "no fault" : why_info(b->fault.why)->name);
		if (!ok)
			assert_page_fault(b, PF_P | PF_RSVD, PAGE_A, WHY_PAGE_RESERVED_BIT);
		set_mem64(b, at, mem64(b, at) & ~UINT64_C(1)); /* not present: nothing is reserved */
		mmu_flush(&b->mmu, true);
		assert_false(access(b, READ, PAGE_A));
		assert_page_fault(b, 0, PAGE_A, WHY_PAGE_NOT_PRESENT);
	}
}

static void large_pages_are_2_mib_and_1_gib(void **state)
{
	struct bench *b = *state;
	uint64_t pa;

	b->mmu.has_1g_pages = true;
	bench_long(b, 0, 0);
	set_mem64(b, PD_2, 0x200000 | PS | 7);
	set_mem64(b, PDPT_1, 0 | PS | 7);
	set_mem32(b, 0x234568, ROUND_NUMBER);
	ASSERT_READ(b, SEG_DS, 0x434568, 4, ROUND_NUMBER);
	assert_int_equal(mem64(b, PD_2), 0x200000 | PS | 0x27);
	ASSERT_READ(b, SEG_DS, GIB + 0x234568, 4, ROUND_NUMBER);
	assert_int_equal(mem64(b, PDPT_1), PS | 0x27);
	ASSERT_WRITE(b, SEG_DS, GIB + 0x34568, 4, 7);
	assert_int_equal(mem64(b, PDPT_1), PS | 0x67);
	assert_int_equal(mem32(b, 0x34568), 7);
	set_mem64(b, PDPT_1, 0xfc0000000 | PS | 7);
	mmu_flush(&b->mmu, true);
	assert_true(peek_translate(&b->mmu, GIB + 0x3edcba98, &pa));
	assert_int_equal(pa, 0xffedcba98);
	ASSERT_READ(b, SEG_DS, GIB + 0x3edcba98, 4, 0xffffffff);
}

static void modes_of_64_bit_paging_flush_by_themselves(void **state)
{
	struct bench *b = *state;

	b->mmu.has_1g_pages = true;
	bench_long(b, 0, 0);
	set_mem64(b, PDPT_1, PS | 7);
	assert_true(access(b, READ, GIB));
	b->mmu.has_1g_pages = false;
	mmu_mode_changed(&b->mmu);
	assert_false(access(b, READ, GIB));
	assert_page_fault(b, PF_P | PF_RSVD, GIB, WHY_PAGE_RESERVED_BIT);
	bench_long(b, 0, 0);
	assert_true(access(b, READ, PAGE_A));
	b->s.efer &= ~(uint64_t)(EFER_LMA | EFER_LME); /* the same tables by PAE paging */
	memset(b->s.pdpte, 0, sizeof(b->s.pdpte));
	mmu_mode_changed(&b->mmu);
	assert_false(access(b, READ, PAGE_A));
	assert_page_fault(b, 0, PAGE_A, WHY_PAGE_NOT_PRESENT);
}

/* ---- protection keys ---- */

#define AD(key) (PKRU_AD << (2 * (key)))
#define WD(key) (PKRU_WD << (2 * (key)))

/* SDM 3A, "Protection Keys"; "Page-Fault Exceptions" for the error code. */
static const struct key_rule {
	const char *rule;
	uint32_t pte;
	unsigned key;
	uint64_t pkru, cr0, cr4;
	unsigned cpl;
	enum how how;
	uint32_t error;
	enum why why;
} key_rules[] = {
	{"AD: user read", 7, 5, AD(5), 0, CR4_PKE, 3, READ, PF_P | PF_U | PF_PK, WHY_PAGE_PROTECTION_KEY},
	{"AD: user write", 7, 5, AD(5), 0, CR4_PKE, 3, WRITE, PF_P | PF_U | PF_W | PF_PK, WHY_PAGE_PROTECTION_KEY},
	{"AD: supervisor read", 7, 5, AD(5), 0, CR4_PKE, 0, READ, PF_P | PF_PK, WHY_PAGE_PROTECTION_KEY},
	{"AD: supervisor write without WP", 7, 5, AD(5), 0, CR4_PKE, 0, WRITE, PF_P | PF_W | PF_PK,
	 WHY_PAGE_PROTECTION_KEY},
	{"AD: implicit", 7, 5, AD(5), 0, CR4_PKE, 3, IMPLICIT_READ, PF_P | PF_PK, WHY_PAGE_PROTECTION_KEY},
	{"AD: never fetches", 7, 5, AD(5), 0, CR4_PKE, 3, FETCH, NOCODE, WHY_NONE},
	{"AD of another key", 7, 5, ~(uint64_t)(AD(5) | WD(5)) & UINT32_MAX, 0, CR4_PKE, 3, WRITE, NOCODE, WHY_NONE},
	{"AD of key 0", 7, 0, AD(0), 0, CR4_PKE, 3, READ, PF_P | PF_U | PF_PK, WHY_PAGE_PROTECTION_KEY},
	{"AD of key 15", 7, 15, AD(15), 0, CR4_PKE, 3, READ, PF_P | PF_U | PF_PK, WHY_PAGE_PROTECTION_KEY},
	{"supervisor pages have no key", 3, 5, AD(5) | WD(5), CR0_WP, CR4_PKE, 0, WRITE, NOCODE, WHY_NONE},
	{"a user access to one is no key's", 3, 5, AD(5), 0, CR4_PKE, 3, READ, PF_P | PF_U, WHY_PAGE_SUPERVISOR},
	{"CR4.PKE = 0: no keys", 7, 5, AD(5) | WD(5), CR0_WP, 0, 3, WRITE, NOCODE, WHY_NONE},
	{"WD: user read", 7, 5, WD(5), CR0_WP, CR4_PKE, 3, READ, NOCODE, WHY_NONE},
	{"WD: user write, whatever WP", 7, 5, WD(5), 0, CR4_PKE, 3, WRITE, PF_P | PF_U | PF_W | PF_PK,
	 WHY_PAGE_PROTECTION_KEY},
	{"WD: supervisor write without WP", 7, 5, WD(5), 0, CR4_PKE, 0, WRITE, NOCODE, WHY_NONE},
	{"WD: supervisor write with WP", 7, 5, WD(5), CR0_WP, CR4_PKE, 0, WRITE, PF_P | PF_W | PF_PK,
	 WHY_PAGE_PROTECTION_KEY},
	{"WD: implicit write with WP", 7, 5, WD(5), CR0_WP, CR4_PKE, 3, IMPLICIT_WRITE, PF_P | PF_W | PF_PK,
	 WHY_PAGE_PROTECTION_KEY},
	{"PK beside another reason", 5, 5, WD(5), 0, CR4_PKE, 3, WRITE, PF_P | PF_U | PF_W | PF_PK, WHY_PAGE_READ_ONLY},
	{"SMAP and a key", 7, 5, AD(5), 0, CR4_PKE | CR4_SMAP, 0, READ, PF_P | PF_PK, WHY_PAGE_SMAP},
	{"not present: no key", 6, 5, AD(5), 0, CR4_PKE, 3, READ, PF_U, WHY_PAGE_NOT_PRESENT},
};

static void protection_keys_refuse_data_accesses_to_user_pages(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof(key_rules) / sizeof(*key_rules); i++) {
		const struct key_rule *r = &key_rules[i];
		bool ok = true;

		bench_long(b, 0, 0);
		set_mem64(b, PT_A, PAGE_A | r->pte | (uint64_t)r->key << 59);
		b->s.cpl = (uint8_t)r->cpl;
		b->s.pkru = r->pkru;
		bench_modes(b, CR0_PE | CR0_PG | r->cr0, CR4_PAE | r->cr4, b->s.efer);
		if (r->how == WRITE) /* a page that may be read is in the TLB */
			access(b, READ, PAGE_A);
		for (unsigned n = 0; n < 2; n++)
			ok = ok && access(b, r->how, PAGE_A + 0x48c);
		if (ok != (r->error == NOCODE))
			fail_msg("%s: %s", r->rule, ok ? "no fault" : why_info(b->fault.why)->name);
		if (!ok)
			assert_page_fault(b, r->error, PAGE_A + 0x48c, r->why);
	}
}

static void other_ways_of_paging_have_no_keys(void **state)
{
	struct bench *b = *state;

	b->s.pkru = UINT32_MAX;
	bench_pae(b, CR4_PKE, 0);
	assert_true(access(b, WRITE, PAGE_A));
	bench_paging(b, CR4_PKE);
	assert_true(access(b, WRITE, PAGE_A));
	bench_long(b, CR4_PKE, 0);
	assert_false(access(b, READ, PAGE_A));
	assert_page_fault(b, PF_P | PF_PK, PAGE_A, WHY_PAGE_PROTECTION_KEY);
}

/* The key is that of the entry that maps the page. */
static void the_key_of_a_large_page_is_in_its_entry(void **state)
{
	struct bench *b = *state;

	b->mmu.has_1g_pages = true;
	bench_long(b, CR4_PKE, 0);
	set_mem64(b, PD_2, PS | 7 | 3 * BIT(59));
	set_mem64(b, PDPT_1, PS | 7 | 4 * BIT(59));
	set_mem64(b, PML4, PDPT | 7 | 6 * BIT(59));
	set_mem64(b, PD, PT | 7 | 6 * BIT(59));
	b->s.pkru = AD(3);
	mmu_pkru_changed(&b->mmu);
	assert_true(access(b, READ, GIB) && access(b, READ, PAGE_A));
	assert_false(access(b, READ, 0x400000));
	assert_page_fault(b, PF_P | PF_PK, 0x400000, WHY_PAGE_PROTECTION_KEY);
	b->s.pkru = AD(4) | AD(6);
	mmu_pkru_changed(&b->mmu);
	assert_true(access(b, READ, 0x400000) && access(b, READ, PAGE_A));
	assert_false(access(b, READ, GIB));
	assert_page_fault(b, PF_P | PF_PK, GIB, WHY_PAGE_PROTECTION_KEY);
}

/* WRPKRU needs no invalidation: rights of keys are not cached.  What has key 0 stays on the hit path. */
static void a_changed_pkru_holds_for_cached_pages(void **state)
{
	struct bench *b = *state;

	bench_long(b, CR4_PKE, 0);
	set_mem64(b, PT_A, PAGE_A | 0x67 | 9 * BIT(59));
	assert_true(access(b, WRITE, PAGE_A) && access(b, WRITE, PAGE_B));
	b->s.pkru = WD(9);
	mmu_pkru_changed(&b->mmu);
	assert_non_null(tlb_hit(&b->mmu, TLB_WRITE, PAGE_B, 4));
	assert_true(access(b, READ, PAGE_A));
	assert_false(access(b, WRITE, PAGE_A));
	b->s.pkru = AD(9);
	mmu_mode_changed(&b->mmu);
	assert_false(access(b, READ, PAGE_A));
	b->s.pkru = WD(0);
	mmu_pkru_changed(&b->mmu);
	assert_true(access(b, WRITE, PAGE_A));
	assert_false(access(b, WRITE, PAGE_B));
	assert_page_fault(b, PF_P | PF_W | PF_PK, PAGE_B, WHY_PAGE_PROTECTION_KEY);
	/* Nor for pages off the hit path. */
	set_mem64(b, PT_A, HOLE_PA | 0x67 | 9 * BIT(59));
	mmu_invlpg(&b->mmu, PAGE_A);
	assert_true(access(b, WRITE, PAGE_A));
	b->s.pkru = WD(9);
	mmu_pkru_changed(&b->mmu);
	assert_false(access(b, WRITE, PAGE_A));
}

/* ---- 64-bit mode ---- */

/* SDM 3A, "Limit Checking in 64-bit Mode", "NULL Segment Checking in 64-bit Mode". */
static void limits_types_and_null_do_not_count_in_64_bit_mode(void **state)
{
	struct segment useless = {.base = 0x100000, .limit = 0, .type = TYPE_EXPANDDOWN, .usable = false};
	struct bench *b = *state;

	bench_long(b, 0, 0);
	set_mem32(b, PAGE_A, ROUND_NUMBER);
	for (unsigned seg = SEG_ES; seg <= SEG_DS; seg++) {
		struct segment g = useless;

		g.l = seg == SEG_CS;
		bench_segment(b, (enum seg)seg, g);
		for (unsigned n = 0; n < 2; n++) { /* by the slow way, then from the TLB */
			mmu_flush(&b->mmu, true);
			ASSERT_READ(b, (enum seg)seg, PAGE_A, 4, ROUND_NUMBER);
			ASSERT_WRITE(b, (enum seg)seg, PAGE_B, 4, 5 + seg);
			ASSERT_READ(b, (enum seg)seg, PAGE_B, 4, 5 + seg);
			assert_true(seg_probe_write(&b->mmu, (enum seg)seg, PAGE_B, 4096));
		}
	}
}

/* SDM 3A, "Segment Loading Instructions in IA-32e Mode": all 64 bits of these bases, and no others. */
static void only_fs_and_gs_have_a_base_in_64_bit_mode(void **state)
{
	struct bench *b = *state;

	bench_long(b, 0, 0);
	set_mem64(b, PML4 + 8 * 0x100, PDPT | 7); /* ffff8000'00000000 */
	set_mem32(b, PAGE_A + 8, ROUND_NUMBER);
	for (unsigned seg = SEG_FS; seg <= SEG_GS; seg++) {
		bench_segment(b, (enum seg)seg, (struct segment){.base = 0xffff800000010010});
		ASSERT_READ(b, (enum seg)seg, (uint64_t)-8, 4, ROUND_NUMBER);
		ASSERT_READ(b, (enum seg)seg, (uint64_t)-8, 4, ROUND_NUMBER);
		/* Base and offset are added modulo 2^64: this is 10008 of the lower half. */
		ASSERT_READ(b, (enum seg)seg, 0x00007ffffffffff8, 4, ROUND_NUMBER);
	}
}

static void addresses_wrap_at_2_to_the_64(void **state)
{
	struct bench *b = *state;

	bench_long(b, 0, 0);
	set_mem64(b, PML4 + 8 * 511, PDPT | 7);
	set_mem64(b, PDPT + 8 * 511, PD | 7);
	set_mem64(b, PD + 8 * 511, PT | 7);
	set_mem64(b, PT + 8 * 511, PAGE_A | 7);
	mmu_flush(&b->mmu, true);
	ASSERT_WRITE(b, SEG_DS, UINT64_MAX - 1, 4, 0x44332211);
	assert_int_equal(mem32(b, PAGE_A + 0xffc), 0x22110000);
	assert_int_equal(mem32(b, 0), 0x4433);
	ASSERT_READ(b, SEG_DS, UINT64_MAX - 1, 4, 0x44332211);
	assert_int_equal(lin_read(&b->mmu, UINT64_MAX - 1, 4).v, 0x44332211);
}

/* SDM 1, "Canonical Addressing": #GP(0), of a stack reference #SS(0), before paging. */
static void addresses_must_be_canonical(void **state)
{
	static const struct {
		uint64_t lin;
		unsigned bytes;
		bool good48, good57;
	} cases[] = {
		{LAST_48, 1, true, true},      {LAST_48, 2, false, true},       {LAST_48 - 3, 8, false, true},
		{LAST_48 + 1, 1, false, true}, {~LAST_48 - 1, 1, false, true},  {~LAST_48 - 1, 8, false, true},
		{~LAST_48, 8, true, true},     {LAST_57, 1, false, true},       {LAST_57, 2, false, false},
		{~LAST_57, 8, false, true},    {~LAST_57 - 1, 8, false, false}, {BIT(63), 1, false, false},
		{BIT(57), 1, false, false},    {UINT64_MAX, 1, true, true},     {UINT64_MAX, 2, true, true},
	};
	struct bench *b = *state;

	for (unsigned i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		bool la57 = i & 1, good = la57 ? cases[i / 2].good57 : cases[i / 2].good48;
		uint64_t lin = cases[i / 2].lin;
		unsigned bytes = cases[i / 2].bytes;

		bench_long(b, la57 ? CR4_LA57 : 0, 0);
		/* Nothing of these is mapped but page 0. */
		for (unsigned seg = SEG_ES; seg <= SEG_GS; seg++) {
			if (seg == SEG_CS)
				continue;
			bench_segment(b, (enum seg)seg, (struct segment){.base = 0});
			assert_false(seg_read(&b->mmu, (enum seg)seg, lin, bytes).ok);
			assert_int_equal(b->fault.vector, good ? VEC_PF : seg == SEG_SS ? VEC_SS : VEC_GP);
			assert_false(seg_write(&b->mmu, (enum seg)seg, lin, bytes, 0));
			if (good)
				assert_page_fault(b, PF_W, lin, WHY_PAGE_NOT_PRESENT);
			else
				assert_fault(b, seg == SEG_SS ? VEC_SS : VEC_GP, 0, WHY_NON_CANONICAL);
			assert_int_equal(mmu_check_canonical(&b->mmu, (enum seg)seg, lin, bytes), good);
		}
		assert_false(lin_read(&b->mmu, lin, bytes).ok);
		assert_int_equal(b->fault.vector, good ? VEC_PF : VEC_GP);
		assert_false(lin_write(&b->mmu, lin, bytes, 0));
		assert_false(lin_probe_write(&b->mmu, lin, bytes));
		if (good)
			assert_page_fault(b, PF_W, lin, WHY_PAGE_NOT_PRESENT);
		else
			assert_fault(b, VEC_GP, 0, WHY_NON_CANONICAL);
	}
}

static void instructions_are_fetched_from_canonical_addresses(void **state)
{
	struct bench *b = *state;
	uint64_t pa;

	bench_long(b, 0, 0);
	assert_false(mmu_fetch_byte(&b->mmu, LAST_48).ok);
	assert_page_fault(b, 0, LAST_48, WHY_PAGE_NOT_PRESENT);
	assert_false(mmu_fetch_byte(&b->mmu, LAST_48 + 1).ok);
	assert_fault(b, VEC_GP, 0, WHY_FETCH_NON_CANONICAL);
	assert_null(mmu_fetch_page(&b->mmu, BIT(63), &pa));
	assert_fault(b, VEC_GP, 0, WHY_FETCH_NON_CANONICAL);
	bench_long(b, CR4_LA57, 0);
	assert_false(mmu_fetch_byte(&b->mmu, LAST_48 + 1).ok);
	assert_page_fault(b, 0, LAST_48 + 1, WHY_PAGE_NOT_PRESENT);
	assert_false(mmu_fetch_byte(&b->mmu, LAST_57 + 1).ok);
	assert_fault(b, VEC_GP, 0, WHY_FETCH_NON_CANONICAL);
	assert_true(peek_translate(&b->mmu, PAGE_A, &pa));
	assert_false(peek_translate(&b->mmu, PAGE_A + BIT(57), &pa));
}

static void canonical_is_of_the_width_asked_for(void **state)
{
	(void)state;
	assert_true(address_canonical(LAST_48, 48) && address_canonical(~LAST_48, 48));
	assert_false(address_canonical(LAST_48 + 1, 48) || address_canonical(~LAST_48 - 1, 48));
	assert_true(address_canonical(LAST_57, 57) && address_canonical(~LAST_57, 57));
	assert_false(address_canonical(LAST_57 + 1, 57) || address_canonical(~LAST_57 - 1, 57));
	assert_false(address_canonical(LAST_57, 48));
}

/* Delivery and call gates lead to 64-bit code whatever runs: SDM 3A, "64-Bit Mode Stack Frame". */
static void stacks_in_ia_32e_mode_are_flat(void **state)
{
	struct segment null = {.base = 0x100000, .limit = 0};
	struct bench *b = *state;

	for (unsigned code64 = 0; code64 < 2; code64++) {
		bench_long(b, 0, 0);
		set_mem64(b, PML4 + 8 * 0x100, PDPT | 7);
		bench_code64(b, code64);
		for (unsigned n = 0; n < 2; n++) {
			assert_true(stack_write(&b->mmu, &null, 0, ~LAST_48 + PAGE_A, 8, 0x1111 + n, 0));
			assert_int_equal(mem64(b, PAGE_A), 0x1111 + n);
		}
		assert_ptr_equal(stack_frame(&b->mmu, &null, 0, ~LAST_48 + PAGE_A, 40), b->ram->host + PAGE_A);
		assert_false(stack_write(&b->mmu, &null, 0, LAST_48 - 3, 8, 0, 0x5678));
		assert_fault(b, VEC_SS, 0x5678, WHY_NON_CANONICAL);
		assert_false(stack_probe_write(&b->mmu, &null, 0, BIT(63), 8, 0x5678));
		assert_fault(b, VEC_SS, 0x5678, WHY_NON_CANONICAL);
		assert_null(stack_frame(&b->mmu, &null, 0, BIT(63), 8));
	}
}

/* ---- compatibility mode ---- */

/* SDM 3A, "Compatibility Mode": segmentation as in protected mode, 32-bit linear addresses. */
static void compatibility_mode_checks_segments(void **state)
{
	struct bench *b = *state;
	struct segment g = b->s.seg[SEG_DS];

	bench_long(b, 0, 0);
	g.limit = 0xfff;
	g.base = PAGE_A;
	bench_segment(b, SEG_DS, g);
	bench_code64(b, false);
	assert_int_equal(b->mmu.lin_mask, UINT32_MAX);
	set_mem32(b, PAGE_A + 8, ROUND_NUMBER);
	ASSERT_READ(b, SEG_DS, 8, 4, ROUND_NUMBER);
	assert_false(seg_read(&b->mmu, SEG_DS, 0x1000, 1).ok);
	assert_fault(b, VEC_GP, 0, WHY_SEG_LIMIT);
	g.usable = false;
	bench_segment(b, SEG_DS, g);
	assert_false(seg_read(&b->mmu, SEG_DS, 0, 1).ok);
	assert_fault(b, VEC_GP, 0, WHY_SEG_NULL);
	bench_code64(b, true);
	assert_int_equal(b->mmu.lin_mask, UINT64_MAX);
	ASSERT_READ(b, SEG_DS, PAGE_A + 8, 4, ROUND_NUMBER);
}

/* Base and offset make 32 bits there, though the TLB holds pages above 4 GiB. */
static void compatibility_mode_wraps_at_4g_past_cached_pages_above(void **state)
{
	struct bench *b = *state;
	struct segment g = b->s.seg[SEG_DS];

	b->mmu.has_1g_pages = true;
	bench_long(b, 0, 0);
	set_mem64(b, PML4 + 8 * 0x100, 0x22007); /* ffff8000'00000000 */
	set_mem64(b, 0x22000, PS | 7);
	set_mem64(b, PDPT + 8 * 4, PS | 7); /* 1'00000000 */
	ASSERT_WRITE(b, SEG_DS, 0x100000000 + PAGE_B, 4, 0x77);
	set_mem64(b, PT + 8 * (PAGE_B >> 12), 0x20007);
	mmu_invlpg(&b->mmu, PAGE_B);
	set_mem32(b, 0x20000, ROUND_NUMBER);
	bench_code64(b, false);
	g.base = 0xfffff000;
	bench_segment(b, SEG_DS, g);
	ASSERT_READ(b, SEG_DS, PAGE_B + 0x1000, 4, ROUND_NUMBER);
	/* The upper half of a base that 64-bit code loaded does not count. */
	g.base = ~LAST_48 + PAGE_B;
	bench_segment(b, SEG_FS, g);
	assert_int_equal(lin_read(&b->mmu, g.base, 4).v, 0x77);
	ASSERT_READ(b, SEG_FS, 0, 4, ROUND_NUMBER);
	ASSERT_READ(b, SEG_FS, 0, 4, ROUND_NUMBER);
}

/* So from the first moment of IA-32e mode, which begins as compatibility mode. */
static void ia_32e_mode_begins_with_segments_that_end_at_4g(void **state)
{
	struct bench *b = *state;
	struct segment g = b->s.seg[SEG_DS];

	b->mmu.has_1g_pages = true;
	bench_long(b, 0, 0);
	set_mem64(b, PDPT + 8 * 4, PS | 7);
	set_mem64(b, PT + 8 * (PAGE_B >> 12), 0x20007);
	set_mem32(b, 0x20000, ROUND_NUMBER);
	bench_modes(b, CR0_PE, CR4_PAE, EFER_LME);
	bench_code64(b, false);
	g.base = 0xfffff000;
	bench_segment(b, SEG_DS, g);
	bench_modes(b, CR0_PE | CR0_PG, CR4_PAE, EFER_LME | EFER_LMA);
	assert_true(lin_read(&b->mmu, 0x100000000 + PAGE_B, 4).ok);
	ASSERT_READ(b, SEG_DS, PAGE_B + 0x1000, 4, ROUND_NUMBER);
}

/* An access across 4 GiB goes on at 0; one to a system structure or to the stack of a delivery does not. */
static void only_explicit_accesses_of_compatibility_mode_end_at_4g(void **state)
{
	struct segment null = {.base = 0};
	struct bench *b = *state;

	b->mmu.has_1g_pages = true;
	bench_long(b, 0, 0);
	set_mem64(b, PDPT + 8 * 3, 0x40000000 | PS | 7); /* holes below 4 GiB */
	set_mem64(b, PDPT + 8 * 4, 0x00000000 | PS | 7); /* memory above, */
	set_mem64(b, PT, PAGE_A | 7);                    /* other than at 0 */
	set_mem32(b, 0, 0x0403);
	set_mem32(b, PAGE_A, 0x0201);
	bench_code64(b, false);
	ASSERT_READ(b, SEG_DS, 0xfffffffe, 4, 0x0201ffff);
	assert_int_equal(lin_read(&b->mmu, 0xfffffffe, 4).v, 0x0403ffff);
	assert_true(stack_write(&b->mmu, &null, 0, 0xfffffffc, 8, 0x0605040302010000, 0));
	assert_int_equal(mem32(b, 0), 0x06050403);
	assert_int_equal(mem32(b, PAGE_A), 0x0201);
	set_mem64(b, PDPT + 8 * 4, 0);
	mmu_flush(&b->mmu, true);
	assert_false(lin_probe_write(&b->mmu, 0xfffffffe, 4));
	assert_page_fault(b, PF_W, 0x100000000, WHY_PAGE_NOT_PRESENT);
	assert_false(stack_probe_write(&b->mmu, &null, 0, 0xfffffffe, 4, 0));
	assert_page_fault(b, PF_W, 0x100000000, WHY_PAGE_NOT_PRESENT);
	assert_true(seg_probe_write(&b->mmu, SEG_DS, 0xfffffffe, 4));
}

/* SDM 3A, "System Descriptor Tables and Registers in IA-32e mode": GDT, IDT and TSS lie anywhere, whatever CS.L. */
static void system_structures_have_64_bit_addresses_in_compatibility_mode(void **state)
{
	struct bench *b = *state;
	uint64_t high = ~LAST_48 + 5 * GIB + PAGE_A; /* its lower 32 bits are of no page */
	uint32_t seen;

	bench_long(b, 0, 0);
	set_mem64(b, PML4 + 8 * 0x100, PDPT | 7);
	set_mem64(b, PDPT + 8 * 5, PD | 7);
	set_mem64(b, PT_A, PAGE_B | 7);
	set_mem32(b, PAGE_B, ROUND_NUMBER);
	bench_code64(b, false);
	for (unsigned n = 0; n < 2; n++)
		assert_int_equal(lin_read(&b->mmu, high, 4).v, ROUND_NUMBER);
	assert_int_equal(peek_lin(&b->mmu, high, &seen, 4), 4);
	assert_int_equal(seen, ROUND_NUMBER);
	mmu_flush(&b->mmu, true);
	assert_true(lin_probe_write(&b->mmu, high, 4));
	mmu_flush(&b->mmu, true);
	assert_true(lin_write(&b->mmu, high, 4, 9));
	assert_int_equal(mem32(b, PAGE_B), 9);
	assert_false(lin_read(&b->mmu, BIT(63), 4).ok);
	assert_fault(b, VEC_GP, 0, WHY_NON_CANONICAL);
}

static void leaving_ia_32e_mode_leaves_64_bit_mode(void **state)
{
	struct bench *b = *state;

	bench_long(b, 0, 0);
	bench_modes(b, CR0_PE, 0, 0); /* CS.L means nothing here */
	assert_int_equal(b->mmu.lin_mask, UINT32_MAX);
	set_mem32(b, PAGE_A, ROUND_NUMBER);
	ASSERT_READ(b, SEG_DS, PAGE_A, 4, ROUND_NUMBER);
	assert_false(seg_read(&b->mmu, SEG_DS, 0x100000000, 4).ok);
	assert_fault(b, VEC_GP, 0, WHY_SEG_LIMIT);
	bench_segment(b, SEG_CS, b->s.seg[SEG_CS]);
	assert_int_equal(b->mmu.lin_mask, UINT32_MAX);
}

/* SDM 3B, "Debug Registers": all 64 bits of DR0-DR3 are compared. */
static void breakpoints_have_64_bit_addresses(void **state)
{
	struct bench *b = *state;

	bench_long(b, 0, 0);
	set_mem64(b, PML4 + 8 * 0x100, PDPT | 7);
	b->mmu.alone = true;
	b->s.dr[0] = ~LAST_48 + PAGE_A + 8;
	b->s.dr7 = 1 | 3u << 16 | 3u << 18; /* 4 bytes, any access */
	mmu_mode_changed(&b->mmu);
	assert_true(access(b, READ, PAGE_A + 8));
	assert_int_equal(b->mmu.watch_hits, 0);
	assert_true(access(b, READ, ~LAST_48 + PAGE_A + 5));
	assert_int_equal(b->mmu.watch_hits, DR6_B0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_level_has_its_nine_bits),
		TEST(rights_are_those_of_all_levels),
		TEST(smep_and_smap_hold_in_ia_32e_mode),
		TEST(reserved_bits_of_every_level),
		TEST(large_pages_are_2_mib_and_1_gib),
		TEST(modes_of_64_bit_paging_flush_by_themselves),
		TEST(protection_keys_refuse_data_accesses_to_user_pages),
		TEST(other_ways_of_paging_have_no_keys),
		TEST(the_key_of_a_large_page_is_in_its_entry),
		TEST(a_changed_pkru_holds_for_cached_pages),
		TEST(limits_types_and_null_do_not_count_in_64_bit_mode),
		TEST(only_fs_and_gs_have_a_base_in_64_bit_mode),
		TEST(addresses_wrap_at_2_to_the_64),
		TEST(addresses_must_be_canonical),
		TEST(instructions_are_fetched_from_canonical_addresses),
		TEST(canonical_is_of_the_width_asked_for),
		TEST(stacks_in_ia_32e_mode_are_flat),
		TEST(compatibility_mode_checks_segments),
		TEST(compatibility_mode_wraps_at_4g_past_cached_pages_above),
		TEST(ia_32e_mode_begins_with_segments_that_end_at_4g),
		TEST(only_explicit_accesses_of_compatibility_mode_end_at_4g),
		TEST(system_structures_have_64_bit_addresses_in_compatibility_mode),
		TEST(leaving_ia_32e_mode_leaves_64_bit_mode),
		TEST(breakpoints_have_64_bit_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
