/* Paging: translation, rights, error codes, A and D, devices, code pages,
 * alignment.  SDM 3A, "Paging". */
#include "mmu/bench.h"

enum how { READ, WRITE, FETCH, IMPLICIT_READ, IMPLICIT_WRITE };

#define PG (CR0_PE | CR0_PG)
#define WP CR0_WP
#define AC FLAG_AC
#define NOCODE UINT32_MAX /* no fault */
#define XD (UINT64_C(1) << 63)
#define PT_A (PT + (PAGE_A >> 9)) /* PAE: the PTE of PAGE_A */

static bool access(struct bench *b, enum how how, uint64_t lin)
{
	switch (how) {
	case READ:
		return seg_read(&b->mmu, SEG_DS, lin, 4).ok;
	case WRITE:
		return seg_write(&b->mmu, SEG_DS, lin, 4, 0x5a5a5a5a);
	case FETCH:
		return mmu_fetch_byte(&b->mmu, lin).ok;
	case IMPLICIT_READ:
		return lin_read(&b->mmu, lin, 4).ok;
	default:
		return lin_write(&b->mmu, lin, 4, 0x5a5a5a5a);
	}
}

/* ---- rights and error codes ---- */

static const struct rule {
	const char *rule;
	uint32_t pde, pte; /* flags */
	uint64_t cr0, cr4, rflags;
	unsigned cpl;
	enum how how;
	uint32_t error;
	enum why why;
} rules[] = {
	{"user page, user", 7, 7, PG, 0, 0, 3, WRITE, NOCODE, WHY_NONE},
	{"PTE not present: read", 7, 6, PG, 0, 0, 0, READ, 0, WHY_PAGE_NOT_PRESENT},
	{"PTE not present: write", 7, 6, PG, 0, 0, 0, WRITE, PF_W, WHY_PAGE_NOT_PRESENT},
	{"PTE not present: user read", 7, 6, PG, 0, 0, 3, READ, PF_U, WHY_PAGE_NOT_PRESENT},
	{"PTE not present: user write", 7, 6, PG, 0, 0, 3, WRITE, PF_U | PF_W, WHY_PAGE_NOT_PRESENT},
	{"PTE not present: fetch has no I/D without NX, SMEP", 7, 6, PG, 0, 0, 3, FETCH, PF_U, WHY_PAGE_NOT_PRESENT},
	{"PDE not present", 6, 7, PG, 0, 0, 0, READ, 0, WHY_PAGE_NOT_PRESENT},
	{"supervisor page: user read", 7, 3, PG, 0, 0, 3, READ, PF_P | PF_U, WHY_PAGE_SUPERVISOR},
	{"supervisor page: user write", 7, 3, PG, 0, 0, 3, WRITE, PF_P | PF_U | PF_W, WHY_PAGE_SUPERVISOR},
	{"supervisor page: user fetch", 7, 3, PG, 0, 0, 3, FETCH, PF_P | PF_U, WHY_PAGE_SUPERVISOR},
	{"supervisor by the PDE", 3, 7, PG, 0, 0, 3, READ, PF_P | PF_U, WHY_PAGE_SUPERVISOR},
	{"supervisor page: CPL 1", 7, 3, PG, 0, 0, 1, READ, NOCODE, WHY_NONE},
	{"supervisor page: CPL 2 fetch", 7, 3, PG, 0, 0, 2, FETCH, NOCODE, WHY_NONE},
	{"supervisor page: implicit at CPL 3", 7, 3, PG, 0, 0, 3, IMPLICIT_READ, NOCODE, WHY_NONE},
	{"not present: implicit at CPL 3 is U/S 0", 7, 0, PG, 0, 0, 3, IMPLICIT_WRITE, PF_W, WHY_PAGE_NOT_PRESENT},
	{"read-only: user read", 7, 5, PG, 0, 0, 3, READ, NOCODE, WHY_NONE},
	{"read-only: user write without WP", 7, 5, PG, 0, 0, 3, WRITE, PF_P | PF_U | PF_W, WHY_PAGE_READ_ONLY},
	{"read-only by the PDE", 5, 7, PG, 0, 0, 3, WRITE, PF_P | PF_U | PF_W, WHY_PAGE_READ_ONLY},
	{"read-only: supervisor write without WP", 7, 5, PG, 0, 0, 0, WRITE, NOCODE, WHY_NONE},
	{"read-only: supervisor write with WP", 7, 5, PG | WP, 0, 0, 0, WRITE, PF_P | PF_W, WHY_PAGE_READ_ONLY},
	{"read-only: CPL 2 with WP", 5, 7, PG | WP, 0, 0, 2, WRITE, PF_P | PF_W, WHY_PAGE_READ_ONLY},
	{"read-only: implicit with WP", 7, 1, PG | WP, 0, 0, 3, IMPLICIT_WRITE, PF_P | PF_W, WHY_PAGE_READ_ONLY},
	{"read-only: implicit without WP", 7, 1, PG, 0, 0, 3, IMPLICIT_WRITE, NOCODE, WHY_NONE},
	{"SMEP: supervisor fetch of a user page", 7, 7, PG, CR4_SMEP, 0, 0, FETCH, PF_P | PF_I, WHY_PAGE_SMEP},
	{"SMEP: of a page that is supervisor's by its PDE", 3, 7, PG, CR4_SMEP, 0, 0, FETCH, NOCODE, WHY_NONE},
	{"SMEP: user fetch", 7, 7, PG, CR4_SMEP, 0, 3, FETCH, NOCODE, WHY_NONE},
	{"SMEP: I/D in all error codes of fetches", 7, 6, PG, CR4_SMEP, 0, 3, FETCH, PF_U | PF_I, WHY_PAGE_NOT_PRESENT},
	{"SMEP: EFLAGS.AC is no excuse", 7, 7, PG, CR4_SMEP, AC, 0, FETCH, PF_P | PF_I, WHY_PAGE_SMEP},
	{"SMAP: read", 7, 7, PG, CR4_SMAP, 0, 0, READ, PF_P, WHY_PAGE_SMAP},
	{"SMAP: write without WP", 7, 7, PG, CR4_SMAP, 0, 1, WRITE, PF_P | PF_W, WHY_PAGE_SMAP},
	{"SMAP: supervisor page", 7, 3, PG, CR4_SMAP, 0, 0, WRITE, NOCODE, WHY_NONE},
	{"SMAP: EFLAGS.AC allows explicit accesses", 7, 7, PG, CR4_SMAP, AC, 0, WRITE, NOCODE, WHY_NONE},
	{"SMAP: with AC, WP still counts", 7, 5, PG | WP, CR4_SMAP, AC, 0, WRITE, PF_P | PF_W, WHY_PAGE_READ_ONLY},
	{"SMAP: AC does not allow implicit ones", 7, 7, PG, CR4_SMAP, AC, 0, IMPLICIT_READ, PF_P, WHY_PAGE_SMAP},
	{"SMAP: implicit ones at CPL 3", 7, 7, PG, CR4_SMAP, AC, 3, IMPLICIT_WRITE, PF_P | PF_W, WHY_PAGE_SMAP},
	{"SMAP: user access", 7, 7, PG, CR4_SMAP, 0, 3, WRITE, NOCODE, WHY_NONE},
	{"SMAP: fetches are SMEP's", 7, 7, PG, CR4_SMAP, 0, 0, FETCH, NOCODE, WHY_NONE},
	{"PS without PSE is ignored", 7 | 0x80, 7, PG, 0, 0, 3, READ, NOCODE, WHY_NONE},
};

static void every_right_has_its_error_code(void **state)
{
	struct bench *b = *state;

	bench_paging(b, 0);
	for (unsigned i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		const struct rule *r = &rules[i];
		bool ok = true;

		set_mem32(b, PD, PT | r->pde);
		set_pte(b, PAGE_A, PAGE_A | r->pte);
		b->s.cpl = (uint8_t)r->cpl;
		b->s.rflags = r->rflags;
		bench_modes(b, r->cr0, r->cr4, 0);
		for (unsigned n = 0; n < 2; n++) /* the second time from the TLB */
			ok = ok && access(b, r->how, PAGE_A + 0x123 * 4);
		if (ok != (r->error == NOCODE))
			fail_msg("%s: %s", r->rule, ok ? "no fault" : why_info(b->fault.why)->name);
		if (!ok)
			assert_page_fault(b, r->error, PAGE_A + 0x123 * 4, r->why);
	}
}

/* ---- accessed and dirty ---- */

static void accessed_and_dirty_bits_follow_use(void **state)
{
	struct bench *b = *state;

	bench_paging(b, 0);
	assert_true(access(b, READ, PAGE_A));
	assert_int_equal(mem32(b, PD), PT | 0x27);
	assert_int_equal(pte(b, PAGE_A), PAGE_A | 0x27);
	assert_true(access(b, WRITE, PAGE_A)); /* the page can be read from the TLB: D comes all the same */
	assert_int_equal(pte(b, PAGE_A), PAGE_A | 0x67);
	assert_int_equal(mem32(b, PD), PT | 0x27); /* no D where no page is mapped */
	assert_true(access(b, FETCH, PAGE_B));
	assert_int_equal(pte(b, PAGE_B), PAGE_B | 0x27);
	assert_true(seg_probe_write(&b->mmu, SEG_DS, PAGE_B, 4));
	assert_int_equal(pte(b, PAGE_B), PAGE_B | 0x67);
}

static void a_refused_access_marks_only_the_tables_it_walked(void **state)
{
	struct bench *b = *state;

	bench_paging(b, 0);
	set_pte(b, PAGE_A, PAGE_A | 5);
	assert_false(access(b, WRITE, PAGE_A));
	assert_int_equal(pte(b, PAGE_A), PAGE_A | 5);
	assert_int_equal(mem32(b, PD), PT | 0x27);
	set_mem32(b, PD, PT | 6);
	mmu_flush(&b->mmu, true);
	assert_false(access(b, READ, PAGE_A));
	assert_int_equal(mem32(b, PD), PT | 6);
}

static void peeking_changes_nothing(void **state)
{
	struct bench *b = *state;
	uint8_t bytes[0x2000];
	uint64_t pa;

	bench_paging(b, CR4_SMAP);
	bench_cpl(b, 3);
	set_pte(b, PAGE_A, PAGE_B | 1); /* supervisor, read-only, and elsewhere */
	set_pte(b, PAGE_B, 0);
	set_mem32(b, PAGE_B + 0xffc, 0xcafe);
	assert_true(peek_translate(&b->mmu, PAGE_A + 0xffc, &pa));
	assert_int_equal(pa, PAGE_B + 0xffc);
	assert_int_equal(peek_lin(&b->mmu, PAGE_A + 0xffc, bytes, sizeof(bytes)), 4);
	assert_memory_equal(bytes, "\xfe\xca\0\0", 4);
	assert_false(peek_translate(&b->mmu, PAGE_B, &pa));
	assert_int_equal(pte(b, PAGE_A), PAGE_B | 1);
	assert_int_equal(mem32(b, PD), PT | 7);
	set_pte(b, PAGE_B, DEVICE_PA | 7);
	assert_int_equal(peek_lin(&b->mmu, PAGE_A, bytes, sizeof(bytes)), 0x1000); /* no device */
	assert_int_equal(b->device_reads, 0);
	set_mem32(b, PD + 4, DEVICE_PA | 7);
	assert_false(peek_translate(&b->mmu, 0x400000, &pa));
}

/* ---- large pages ---- */

static void pse_maps_4_mib(void **state)
{
	struct bench *b = *state;
	uint64_t pa;

	bench_paging(b, CR4_PSE);
	set_mem32(b, PAGE_A, 0x1234);
	set_mem32(b, PD + 4, 0x00000087); /* linear 400000 -> 0 */
	ASSERT_READ(b, SEG_DS, 0x400000 + PAGE_A, 4, 0x1234);
	assert_int_equal(mem32(b, PD + 4), 0xa7);
	ASSERT_WRITE(b, SEG_DS, 0x400000 + PAGE_B, 4, 0x5678);
	assert_int_equal(mem32(b, PD + 4), 0xe7);
	assert_int_equal(mem32(b, PAGE_B), 0x5678);
	/* PAT is bit 12 there, no address. */
	set_mem32(b, PD + 8, 0x00001087);
	ASSERT_READ(b, SEG_DS, 0x800000 + PAGE_A, 4, 0x1234);
	/* PSE-36: PDE[16:13] are address bits 35:32. */
	set_mem32(b, PD + 12, 0x0001e087);
	assert_true(peek_translate(&b->mmu, 0xc12345, &pa));
	assert_int_equal(pa, 0xf00012345);
	ASSERT_READ(b, SEG_DS, 0xc12344, 4, 0xffffffff);
}

static void reserved_bits_of_a_4_mib_page(void **state)
{
	static const struct {
		unsigned width; /* MAXPHYADDR */
		bool pat;
		uint32_t bits;
		bool reserved;
	} cases[] = {
		{36, true, 1u << 21, true},  {36, true, 1u << 17, true},  {36, true, 1u << 16, false},
		{36, true, 1u << 12, false}, {36, false, 1u << 12, true}, {32, true, 1u << 13, true},
		{40, true, 1u << 20, false}, {40, true, 1u << 21, true},  {52, true, 1u << 20, false},
	};
	struct bench *b = *state;

	bench_paging(b, CR4_PSE);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		b->mmu.phys_mask = (UINT64_C(1) << cases[i].width) - 1;
		b->mmu.has_pat = cases[i].pat;
		mmu_mode_changed(&b->mmu);
		set_mem32(b, PD + 4, 0x87 | cases[i].bits);
		mmu_flush(&b->mmu, true);
		assert_int_equal(access(b, WRITE, 0x412340), !cases[i].reserved);
		if (cases[i].reserved)
			assert_page_fault(b, PF_P | PF_W | PF_RSVD, 0x412340, WHY_PAGE_RESERVED_BIT);
		/* Not checked where the entry is not present, nor without PSE. */
		set_mem32(b, PD + 4, 0x86 | cases[i].bits);
		mmu_flush(&b->mmu, true);
		assert_false(access(b, READ, 0x412340));
		assert_page_fault(b, 0, 0x412340, WHY_PAGE_NOT_PRESENT);
	}
	set_mem32(b, PD + 4, PT | 0x87);
	bench_modes(b, PG, 0, 0);
	assert_true(access(b, READ, 0x410000));
}

static void bit_7_of_a_pte_is_reserved_without_pat(void **state)
{
	struct bench *b = *state;

	bench_paging(b, CR4_PSE);
	set_pte(b, PAGE_A, PAGE_A | 0x87);
	assert_true(access(b, READ, PAGE_A));
	b->mmu.has_pat = false;
	mmu_mode_changed(&b->mmu);
	assert_false(access(b, READ, PAGE_A));
	assert_page_fault(b, PF_P | PF_RSVD, PAGE_A, WHY_PAGE_RESERVED_BIT);
	bench_modes(b, PG, 0, 0); /* "no bits are reserved" without PSE */
	assert_true(access(b, READ, PAGE_A));
}

/* ---- PAE ---- */

static void pae_translates_with_three_levels(void **state)
{
	struct bench *b = *state;

	bench_pae(b, 0, 0);
	set_mem32(b, PAGE_A, 0x1234);
	ASSERT_READ(b, SEG_DS, PAGE_A, 4, 0x1234);
	assert_int_equal(mem64(b, PT_A), PAGE_A | 0x27);
	assert_int_equal(mem64(b, PD), PT | 0x27);
	assert_int_equal(mem64(b, PDPT), PD | 1); /* no A in a PDPTE */
	set_mem64(b, PD + 8, 0x87); /* 2 MiB page, 200000 -> 0 */
	mmu_flush(&b->mmu, true);
	ASSERT_WRITE(b, SEG_DS, 0x200000 + PAGE_A, 4, 0x4321);
	assert_int_equal(mem32(b, PAGE_A), 0x4321);
	assert_int_equal(mem64(b, PD + 8), 0xe7);
	assert_false(access(b, WRITE, 0x40000000)); /* PDPTE 1 not present */
	assert_page_fault(b, PF_W, 0x40000000, WHY_PAGE_NOT_PRESENT);
	set_mem64(b, PT + (PAGE_B >> 9), 0xf00000000 | 7);
	assert_true(access(b, READ, PAGE_B)); /* a hole, far above 4 GiB */
}

static void pae_reserved_bits(void **state)
{
	static const struct {
		uint64_t entry, bits, efer;
		bool reserved;
	} cases[] = {
		{PT_A, UINT64_C(1) << 36, 0, true},
		{PT_A, UINT64_C(1) << 52, 0, true},
		{PT_A, UINT64_C(1) << 62, 0, true},
		{PT_A, XD, 0, true},
		{PT_A, XD, EFER_NXE, false},
		{PT_A, UINT64_C(1) << 35, 0, false},
		{PT_A, 0x80, 0, false},
		{PD, UINT64_C(1) << 51, 0, true},
		{PD, XD, 0, true},
		{PD, XD, EFER_NXE, false},
		{PD, 0x80 | (1u << 13), 0, true},
		{PD, 0x80 | (1u << 20), 0, true},
	};
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bench_pae(b, 0, cases[i].efer);
		set_mem64(b, cases[i].entry, mem64(b, cases[i].entry) | cases[i].bits);
		assert_int_equal(access(b, READ, PAGE_A), !cases[i].reserved);
		if (cases[i].reserved)
			assert_page_fault(b, PF_P | PF_RSVD, PAGE_A, WHY_PAGE_RESERVED_BIT);
		if (cases[i].reserved && cases[i].bits == XD) {
			assert_false(access(b, FETCH, PAGE_A)); /* without NXE no I/D */
			assert_page_fault(b, PF_P | PF_RSVD, PAGE_A, WHY_PAGE_RESERVED_BIT);
		}
	}
}

static void execute_disable_in_any_entry_refuses_fetches(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < 2; i++) {
		uint64_t entry = i == 0 ? PD : PT_A;

		bench_pae(b, 0, EFER_NXE);
		set_mem64(b, entry, mem64(b, entry) | XD);
		assert_true(access(b, WRITE, PAGE_A));
		assert_false(access(b, FETCH, PAGE_A));
		assert_page_fault(b, PF_P | PF_I, PAGE_A, WHY_PAGE_NO_EXECUTE);
		bench_cpl(b, 3);
		assert_false(access(b, FETCH, PAGE_A));
		assert_page_fault(b, PF_P | PF_I | PF_U, PAGE_A, WHY_PAGE_NO_EXECUTE);
		set_mem64(b, PT_A, 0);
		mmu_invlpg(&b->mmu, PAGE_A);
		assert_false(access(b, FETCH, PAGE_A)); /* NXE: I/D whatever the reason */
		assert_page_fault(b, PF_I | PF_U, PAGE_A, WHY_PAGE_NOT_PRESENT);
		bench_cpl(b, 0);
	}
}

static void pdptes_are_loaded_whole_or_not_at_all(void **state)
{
	static const uint64_t reserved[] = {2, 4, 0x20, 0x100, UINT64_C(1) << 36, XD};
	struct bench *b = *state;

	bench_pae(b, 0, EFER_NXE);
	set_mem64(b, PDPT + 8, 0xfffffffffffffffe); /* not present: anything goes */
	set_mem64(b, PDPT + 24, PD | 0xe19);	    /* PWT, PCD, 11:9 */
	assert_true(mmu_load_pdptes(&b->mmu, PDPT | 0x1f));
	assert_int_equal(b->s.pdpte[1], 0xfffffffffffffffe);
	assert_true(access(b, READ, 0xc0000000 + PAGE_A));
	for (unsigned i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
		set_mem64(b, PDPT, 0);
		set_mem64(b, PDPT + 16, PD | 1 | reserved[i]);
		assert_false(mmu_load_pdptes(&b->mmu, PDPT));
		assert_int_equal(b->s.pdpte[0], PD | 1);
	}
}

/* ---- accesses across pages ---- */

static void both_pages_are_checked_before_anything_is_stored(void **state)
{
	struct bench *b = *state;

	bench_paging(b, 0);
	set_pte(b, PAGE_B, PAGE_B | 5);
	assert_false(seg_write(&b->mmu, SEG_DS, PAGE_B - 2, 4, 0x11223344));
	assert_page_fault(b, PF_P | PF_W, PAGE_B, WHY_PAGE_READ_ONLY); /* CR2: the second page */
	assert_int_equal(mem32(b, PAGE_B - 4), 0);
	assert_false(seg_rmw(&b->mmu, SEG_DS, PAGE_B - 1, 8).ok);
	assert_page_fault(b, PF_P | PF_W, PAGE_B, WHY_PAGE_READ_ONLY);
	set_pte(b, PAGE_A, 0);
	mmu_invlpg(&b->mmu, PAGE_A);
	assert_false(seg_write(&b->mmu, SEG_DS, PAGE_B - 2, 4, 0));
	assert_page_fault(b, PF_W, PAGE_B - 2, WHY_PAGE_NOT_PRESENT); /* the low page first */
	assert_false(lin_write(&b->mmu, PAGE_A - 1, 2, 0));
	assert_page_fault(b, PF_W, PAGE_A, WHY_PAGE_NOT_PRESENT);
}

static void an_access_across_pages_goes_to_both(void **state)
{
	struct bench *b = *state;

	bench_paging(b, 0);
	set_pte(b, PAGE_A, 0x30007); /* not neighbours in physical memory */
	set_pte(b, PAGE_B, 0x20007);
	for (unsigned n = 1; n < 8; n++) {
		struct rmw r;

		ASSERT_WRITE(b, SEG_DS, PAGE_B - n, 8, 0x8877665544332211);
		ASSERT_READ(b, SEG_DS, PAGE_B - n, 8, 0x8877665544332211);
		assert_int_equal(bus_read(b->bus, 0x31000 - n, 1), 0x11);
		assert_int_equal(bus_read(b->bus, 0x20000 + 7 - n, 1), 0x88);
		r = seg_rmw(&b->mmu, SEG_DS, PAGE_B - n, 8);
		assert_true(r.ok);
		assert_int_equal(r.v, 0x8877665544332211);
		rmw_write(&b->mmu, &r, 8, 0x0123456789abcdef);
		assert_int_equal(lin_read(&b->mmu, PAGE_B - n, 8).v, 0x0123456789abcdef);
	}
	assert_int_equal(pte(b, PAGE_A), 0x30067);
	assert_int_equal(pte(b, PAGE_B), 0x20067);
}

/* ---- devices, holes, ROM ---- */

static void devices_are_touched_only_when_alone(void **state)
{
	struct bench *b = *state;
	struct rmw r;

	b->device_value = 0x42;
	for (unsigned n = 0; n < 2; n++) {
		assert_false(seg_read(&b->mmu, SEG_DS, DEVICE_PA, 4).ok);
		assert_int_equal(b->mmu.stop, MMU_RUN_ALONE);
		assert_false(seg_write(&b->mmu, SEG_DS, DEVICE_PA, 4, 1));
		assert_false(seg_rmw(&b->mmu, SEG_DS, DEVICE_PA, 4).ok);
		assert_false(seg_probe_write(&b->mmu, SEG_DS, DEVICE_PA - 2, 4));
		assert_false(lin_read(&b->mmu, DEVICE_PA, 4).ok);
		assert_int_equal(b->mmu.stop, MMU_RUN_ALONE);
		assert_int_equal(b->device_reads + b->device_writes, 0);
	}
	b->mmu.alone = true;
	ASSERT_READ(b, SEG_DS, DEVICE_PA, 4, 0x42);
	assert_true(seg_probe_write(&b->mmu, SEG_DS, DEVICE_PA, 4));
	assert_int_equal(b->device_writes, 0);
	ASSERT_WRITE(b, SEG_DS, DEVICE_PA, 4, 0x43);
	r = seg_rmw(&b->mmu, SEG_DS, DEVICE_PA, 4);
	assert_true(r.ok);
	assert_int_equal(r.v, 0x43);
	rmw_write(&b->mmu, &r, 4, 0x44);
	assert_int_equal(b->device_value, 0x44);
	assert_int_equal(b->device_reads, 2);
	assert_int_equal(b->device_writes, 2);
	b->mmu.alone = false;
	assert_false(seg_read(&b->mmu, SEG_DS, DEVICE_PA, 4).ok);
}

static void a_fault_comes_before_a_device(void **state)
{
	struct bench *b = *state;

	bench_paging(b, 0);
	set_pte(b, PAGE_A, DEVICE_PA | 5);
	assert_false(access(b, WRITE, PAGE_A));
	assert_page_fault(b, PF_P | PF_W, PAGE_A, WHY_PAGE_READ_ONLY);
	assert_false(access(b, READ, PAGE_A));
	assert_int_equal(b->mmu.stop, MMU_RUN_ALONE);
}

static void holes_and_rom_need_not_be_alone(void **state)
{
	struct bench *b = *state;

	for (unsigned n = 0; n < 2; n++) {
		ASSERT_READ(b, SEG_DS, HOLE_PA, 4, 0xffffffff);
		ASSERT_WRITE(b, SEG_DS, HOLE_PA, 4, 0);
		ASSERT_WRITE(b, SEG_DS, ROM_PA, 4, 0);
		ASSERT_READ(b, SEG_DS, ROM_PA, 4, 0x214d4f52);
	}
	struct rmw r = seg_rmw(&b->mmu, SEG_DS, ROM_PA, 4);
	assert_true(r.ok);
	rmw_write(&b->mmu, &r, 4, 0);
	ASSERT_READ(b, SEG_DS, ROM_PA, 4, 0x214d4f52);
}

static void page_tables_in_a_device_are_read_only_when_alone(void **state)
{
	struct bench *b = *state;

	bench_paging(b, 0);
	set_mem32(b, PD + 4, DEVICE_PA | 7);
	b->device_value = PAGE_A | 0x67;
	assert_false(access(b, READ, 0x400000));
	assert_int_equal(b->mmu.stop, MMU_RUN_ALONE);
	assert_int_equal(b->device_reads, 0);
	b->mmu.alone = true;
	assert_true(access(b, READ, 0x400000));
	assert_int_equal(b->device_reads, 1);
}

/* ---- translated code ---- */

static void stores_into_translated_code_are_refused_unless_alone(void **state)
{
	struct bench *b = *state;
	struct rmw r;

	ASSERT_WRITE(b, SEG_DS, PAGE_A + 0x40, 4, 1); /* in the write TLB */
	assert_true(bus_code_mark(b->bus, PAGE_A + 0x40, 0x40));
	assert_false(seg_write(&b->mmu, SEG_DS, PAGE_A + 0x40, 4, 2));
	assert_int_equal(b->mmu.stop, MMU_RUN_ALONE);
	assert_false(seg_write(&b->mmu, SEG_DS, PAGE_A + 0x3e, 4, 2));
	assert_false(seg_rmw(&b->mmu, SEG_DS, PAGE_A + 0x7f, 1).ok);
	assert_false(seg_probe_write(&b->mmu, SEG_DS, PAGE_A, 0x41));
	assert_false(lin_write(&b->mmu, PAGE_A + 0x40, 4, 2));
	ASSERT_WRITE(b, SEG_DS, PAGE_A + 0x3c, 4, 3); /* other granules of the page */
	ASSERT_WRITE(b, SEG_DS, PAGE_A + 0x80, 4, 4);
	assert_true(seg_probe_write(&b->mmu, SEG_DS, PAGE_A, 0x40));
	ASSERT_READ(b, SEG_DS, PAGE_A + 0x40, 4, 1);
	assert_int_equal(b->code_written, 0);
	b->mmu.alone = true;
	ASSERT_WRITE(b, SEG_DS, PAGE_A + 0x40, 4, 5);
	assert_int_equal(b->code_written, 1);
	assert_int_equal(b->code_pa, PAGE_A + 0x40);
	r = seg_rmw(&b->mmu, SEG_DS, PAGE_A + 0x44, 4);
	assert_true(r.ok);
	rmw_write(&b->mmu, &r, 4, 6);
	assert_int_equal(b->code_written, 2);
	assert_int_equal(mem32(b, PAGE_A + 0x44), 6);
	b->mmu.alone = false;
	bus_code_clear_page(b->bus, PAGE_A);
	ASSERT_WRITE(b, SEG_DS, PAGE_A + 0x40, 4, 7);
	assert_non_null(tlb_hit(&b->mmu, TLB_WRITE, PAGE_A, 4)); /* back on the hit path */
}

static void marking_code_drops_write_entries_of_every_bank_and_alias(void **state)
{
	struct bench *b = *state;

	bench_paging(b, 0);
	set_pte(b, PAGE_B, PAGE_A | 7);
	for (unsigned cpl = 0; cpl <= 3; cpl += 3) {
		bench_cpl(b, cpl);
		ASSERT_WRITE(b, SEG_DS, PAGE_A, 4, 1);
		ASSERT_WRITE(b, SEG_DS, PAGE_B, 4, 1);
		ASSERT_WRITE(b, SEG_DS, 0x12000, 4, 1);
	}
	uint32_t epoch = b->mmu.epoch;
	assert_true(bus_code_mark(b->bus, PAGE_A, 1));
	assert_int_equal(b->mmu.epoch, epoch);
	for (unsigned cpl = 0; cpl <= 3; cpl += 3) {
		bench_cpl(b, cpl);
		assert_null(tlb_hit(&b->mmu, TLB_WRITE, PAGE_A, 4));
		assert_null(tlb_hit(&b->mmu, TLB_WRITE, PAGE_B, 4));
		assert_non_null(tlb_hit(&b->mmu, TLB_WRITE, 0x12000, 4));
		assert_non_null(tlb_hit(&b->mmu, TLB_READ, PAGE_A, 4));
		assert_false(seg_write(&b->mmu, SEG_DS, PAGE_B, 4, 2));
	}
}

static void accessed_bits_in_translated_code_wait_until_alone(void **state)
{
	struct bench *b = *state;

	bench_paging(b, 0);
	bus_code_mark(b->bus, PT + 4 * 0x10, 4);
	assert_false(access(b, READ, PAGE_A));
	assert_int_equal(b->mmu.stop, MMU_RUN_ALONE);
	assert_int_equal(b->code_written, 0);
	b->mmu.alone = true;
	assert_true(access(b, READ, PAGE_A));
	assert_int_equal(b->code_written, 1);
	assert_int_equal(pte(b, PAGE_A), PAGE_A | 0x27);
}

/* ---- A20, fetch ---- */

static void a20_masks_physical_addresses(void **state)
{
	struct bench *b = *state;

	set_mem32(b, 0x500, 0x1111);
	set_mem32(b, 0x100500, 0x2222);
	ASSERT_READ(b, SEG_DS, 0x100500, 4, 0x2222);
	uint32_t epoch = b->mmu.epoch;
	mmu_set_a20(&b->mmu, true);
	assert_int_equal(b->mmu.epoch, epoch);
	mmu_set_a20(&b->mmu, false);
	assert_int_not_equal(b->mmu.epoch, epoch);
	ASSERT_READ(b, SEG_DS, 0x100500, 4, 0x1111);
	ASSERT_READ(b, SEG_DS, 0x300500, 4, mem32(b, 0x200500));
	bench_paging(b, 0);
	set_mem32(b, PD, 0x100000 | PT | 7); /* tables too */
	set_pte(b, PAGE_A, 0x100007);
	ASSERT_READ(b, SEG_DS, PAGE_A + 0x500, 4, 0x1111);
	uint64_t pa;
	assert_true(peek_translate(&b->mmu, PAGE_A + 0x500, &pa));
	assert_int_equal(pa, 0x500);
	mmu_set_a20(&b->mmu, true);
	set_mem32(b, PD, PT | 7);
	ASSERT_READ(b, SEG_DS, PAGE_A + 0x500, 4, 0x2222);
}

static void fetching_gives_the_host_page_and_its_address(void **state)
{
	struct bench *b = *state;
	uint64_t pa;

	bench_paging(b, 0);
	set_pte(b, PAGE_A, PAGE_B | 5);
	set_pte(b, PAGE_B, DEVICE_PA | 5);
	for (unsigned n = 0; n < 2; n++) {
		pa = 0;
		assert_ptr_equal(mmu_fetch_page(&b->mmu, PAGE_A + 0x123, &pa), b->ram->host + PAGE_B);
		assert_int_equal(pa, PAGE_B);
	}
	assert_null(mmu_fetch_page(&b->mmu, PAGE_B, &pa));
	assert_int_equal(b->mmu.stop, MMU_RUN_ALONE);
	b->device_value = 0x90;
	assert_int_equal(mmu_fetch_byte(&b->mmu, PAGE_B + 5).v, 0x90);
	set_pte(b, PAGE_B, HOLE_PA | 5);
	mmu_invlpg(&b->mmu, PAGE_B);
	assert_null(mmu_fetch_page(&b->mmu, PAGE_B, &pa));
	assert_int_equal(mmu_fetch_byte(&b->mmu, PAGE_B).v, 0xff);
	set_pte(b, PAGE_B, ROM_PA | 5);
	mmu_invlpg(&b->mmu, PAGE_B);
	assert_memory_equal(mmu_fetch_page(&b->mmu, PAGE_B, &pa), "ROM!", 4);
	assert_null(mmu_fetch_page(&b->mmu, 0x400000, &pa));
	assert_page_fault(b, 0, 0x400000, WHY_PAGE_NOT_PRESENT);
}

/* Whatever a walk for it must do. */
static void a_fetch_is_never_told_to_be_alone_by_its_walk(void **state)
{
	struct bench *b = *state;

	bench_paging(b, 0);
	bus_code_mark(b->bus, PT + 4 * 0x10, 4);
	assert_true(mmu_fetch_byte(&b->mmu, PAGE_A).ok);
	assert_int_equal(pte(b, PAGE_A), PAGE_A | 0x27);
	assert_int_equal(b->code_written, 1);
	assert_false(b->mmu.alone);
}

/* ---- alignment ---- */

static void alignment_is_checked_at_cpl_3_with_am_and_ac(void **state)
{
	struct bench *b = *state;

	for (unsigned on = 0; on < 8; on++) {
		bool am = on & 1, ac = on & 2, user = on & 4;

		b->s.rflags = ac ? FLAG_AC : 0;
		b->s.cpl = user ? 3 : 0;
		bench_modes(b, CR0_PE | (am ? CR0_AM : 0), 0, 0);
		for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
			for (unsigned off = 0; off < 8; off++) {
				bool good = !(am && ac && user) || off % bytes == 0;

				assert_int_equal(seg_read(&b->mmu, SEG_DS, PAGE_A + off, bytes).ok, good);
				if (!good)
					assert_fault(b, VEC_AC, 0, WHY_ALIGNMENT);
				assert_int_equal(seg_write(&b->mmu, SEG_DS, PAGE_A + off, bytes, 0), good);
				assert_int_equal(seg_rmw(&b->mmu, SEG_DS, PAGE_A + off, bytes).ok, good);
				/* Not system structures. */
				assert_true(lin_read(&b->mmu, PAGE_A + off, bytes).ok);
			}
		}
	}
}

static void alignment_is_that_of_the_linear_address(void **state)
{
	struct bench *b = *state;
	struct segment g = b->s.seg[SEG_DS];

	b->s.rflags = FLAG_AC;
	b->s.cpl = 3;
	bench_modes(b, CR0_PE | CR0_AM, 0, 0);
	g.base = 0x10002;
	bench_segment(b, SEG_DS, g);
	assert_true(seg_read(&b->mmu, SEG_DS, 2, 4).ok);
	assert_false(seg_read(&b->mmu, SEG_DS, 0, 4).ok);
	assert_fault(b, VEC_AC, 0, WHY_ALIGNMENT);
}

static void page_faults_come_before_alignment(void **state)
{
	struct bench *b = *state;

	bench_paging(b, 0);
	b->s.rflags = FLAG_AC;
	b->s.cpl = 3;
	bench_modes(b, PG | CR0_AM, 0, 0);
	set_pte(b, PAGE_B, 0);
	assert_false(seg_read(&b->mmu, SEG_DS, PAGE_B - 1, 2).ok);
	assert_page_fault(b, PF_U, PAGE_B, WHY_PAGE_NOT_PRESENT);
	set_pte(b, PAGE_B, PAGE_B | 7);
	assert_false(seg_read(&b->mmu, SEG_DS, PAGE_B - 1, 2).ok);
	assert_fault(b, VEC_AC, 0, WHY_ALIGNMENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_right_has_its_error_code),
		TEST(accessed_and_dirty_bits_follow_use),
		TEST(a_refused_access_marks_only_the_tables_it_walked),
		TEST(peeking_changes_nothing),
		TEST(pse_maps_4_mib),
		TEST(reserved_bits_of_a_4_mib_page),
		TEST(bit_7_of_a_pte_is_reserved_without_pat),
		TEST(pae_translates_with_three_levels),
		TEST(pae_reserved_bits),
		TEST(execute_disable_in_any_entry_refuses_fetches),
		TEST(pdptes_are_loaded_whole_or_not_at_all),
		TEST(both_pages_are_checked_before_anything_is_stored),
		TEST(an_access_across_pages_goes_to_both),
		TEST(devices_are_touched_only_when_alone),
		TEST(a_fault_comes_before_a_device),
		TEST(holes_and_rom_need_not_be_alone),
		TEST(page_tables_in_a_device_are_read_only_when_alone),
		TEST(stores_into_translated_code_are_refused_unless_alone),
		TEST(marking_code_drops_write_entries_of_every_bank_and_alias),
		TEST(accessed_bits_in_translated_code_wait_until_alone),
		TEST(a20_masks_physical_addresses),
		TEST(fetching_gives_the_host_page_and_its_address),
		TEST(a_fetch_is_never_told_to_be_alone_by_its_walk),
		TEST(alignment_is_checked_at_cpl_3_with_am_and_ac),
		TEST(alignment_is_that_of_the_linear_address),
		TEST(page_faults_come_before_alignment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
