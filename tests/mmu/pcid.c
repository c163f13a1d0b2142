/* PCIDs, INVPCID, MOV to CR3, INVLPG of large pages.  SDM 3A, "Process-Context Identifiers (PCIDs)",
 * "Invalidation of TLBs and Paging-Structure Caches"; SDM 2A, "INVLPG", "INVPCID". */
#include "mmu/bench.h"

#define PT_A   (PT + (PAGE_A >> 9))
#define PT_B   (PT + (PAGE_B >> 9))
#define PS     0x80u
#define G      0x100u
#define GIB    UINT64_C(0x40000000)
#define OLD    0x30000u /* pages of memory */
#define NEW    0x31000u
#define IS_OLD 0x01d
#define IS_NEW 0x4e3

static bool reads(struct bench *b, uint64_t lin)
{
	return seg_read(&b->mmu, SEG_DS, lin, 4).ok;
}
static bool fetches(struct bench *b, uint64_t lin)
{
	return mmu_fetch_byte(&b->mmu, lin).ok;
}

/* What linear page A shows: the old translation still, or the new one. */
static uint64_t seen(struct bench *b, uint64_t lin)
{
	return seg_read(&b->mmu, SEG_DS, lin, 4).v;
}

static void set_up(struct bench *b, uint64_t cr4)
{
	set_mem32(b, OLD, IS_OLD);
	set_mem32(b, NEW, IS_NEW);
	b->mmu.has_1g_pages = true;
	bench_long(b, cr4 | CR4_PCIDE, 0);
	mmu_load_cr3(&b->mmu, PML4 | 1);
	set_mem64(b, PT_A, OLD | 7);
	set_mem64(b, PT_B, OLD | 7 | G);
}

static void go(struct bench *b, unsigned pcid, bool keep)
{
	mmu_load_cr3(&b->mmu, PML4 | pcid | (keep ? CR3_NO_FLUSH : 0));
}

/* Pages A and B (global) are read, then mapped elsewhere, in each of some PCIDs. */
static void cache_in(struct bench *b, const uint16_t *pcids, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		go(b, pcids[i], false);
		assert_int_equal(seen(b, PAGE_A), IS_OLD);
		assert_int_equal(seen(b, PAGE_B), IS_OLD);
	}
	set_mem64(b, PT_A, NEW | 7);
	set_mem64(b, PT_B, NEW | 7 | G);
}

static const uint16_t one_and_two[] = {1, 2};

static void cr3_bit_63_is_not_stored(void **state)
{
	struct bench *b = *state;

	set_up(*state, 0);
	go(b, 0xabc, true);
	assert_int_equal(b->s.cr3, PML4 | 0xabc);
	go(b, 0xabc, false);
	assert_int_equal(b->s.cr3, PML4 | 0xabc);
}

static void mov_to_cr3_invalidates_the_pcid_it_establishes(void **state)
{
	struct bench *b = *state;

	set_up(b, CR4_PGE);
	cache_in(b, one_and_two, 2);
	go(b, 1, false);
	assert_int_equal(seen(b, PAGE_A), IS_NEW);
	assert_int_equal(seen(b, PAGE_B), IS_OLD); /* global */
	go(b, 2, true);
	assert_int_equal(seen(b, PAGE_A), IS_OLD); /* of another PCID */
}

static void with_bit_63_it_invalidates_nothing(void **state)
{
	struct bench *b = *state;
	uint32_t epoch;

	set_up(b, 0);
	cache_in(b, one_and_two, 2);
	epoch = b->mmu.epoch;
	go(b, 1, true);
	assert_int_not_equal(b->mmu.epoch, epoch);
	assert_int_equal(seen(b, PAGE_A), IS_OLD);
	epoch = b->mmu.epoch;
	go(b, 1, true); /* the tables may be others */
	assert_int_not_equal(b->mmu.epoch, epoch);
	assert_int_equal(seen(b, PAGE_A), IS_OLD);
	go(b, 2, true);
	assert_int_equal(seen(b, PAGE_A), IS_OLD);
}

/* Fetches, pages off the hit path, every right: each PCID has its own. */
static void nothing_of_one_pcid_is_used_for_another(void **state)
{
	struct bench *b = *state;
	uint64_t pa;

	set_up(b, 0);
	b->mmu.alone = true;
	b->device_value = 0x90;
	assert_non_null(mmu_fetch_page(&b->mmu, PAGE_A, &pa));
	assert_int_equal(pa, OLD);
	set_mem64(b, PT_B, DEVICE_PA | 7);
	assert_int_equal(seen(b, PAGE_B), 0x90);
	assert_true(lin_write(&b->mmu, PAGE_A + 8, 4, 1));
	set_mem64(b, PT_A, NEW | 7);
	set_mem64(b, PT_B, NEW | 7);
	go(b, 2, true);
	for (unsigned n = 0; n < 2; n++) { /* by a walk, then from the TLB */
		assert_non_null(mmu_fetch_page(&b->mmu, PAGE_A, &pa));
		assert_int_equal(pa, NEW);
	}
	assert_int_equal(seen(b, PAGE_B), IS_NEW);
	assert_int_equal(lin_read(&b->mmu, PAGE_A, 4).v, IS_NEW);
	assert_true(lin_write(&b->mmu, PAGE_A + 8, 4, 2));
	assert_int_equal(mem32(b, OLD + 8), 1);
	assert_int_equal(mem32(b, NEW + 8), 2);
	bench_cpl(b, 3);
	assert_int_equal(seen(b, PAGE_A), IS_NEW);
}

static void without_pcide_bits_11_to_0_are_no_pcid(void **state)
{
	struct bench *b = *state;

	bench_long(b, CR4_PGE, 0);
	set_mem32(b, OLD, IS_OLD);
	set_mem32(b, NEW, IS_NEW);
	set_mem64(b, PT_A, OLD | 7);
	set_mem64(b, PT_B, OLD | 7 | G);
	assert_int_equal(seen(b, PAGE_A), IS_OLD);
	assert_int_equal(seen(b, PAGE_B), IS_OLD);
	set_mem64(b, PT_A, NEW | 7);
	set_mem64(b, PT_B, NEW | 7 | G);
	b->s.cr3 = PML4 | 0x18; /* PWT, PCD */
	mmu_mode_changed(&b->mmu);
	assert_int_equal(seen(b, PAGE_A), IS_OLD);
	mmu_load_cr3(&b->mmu, PML4 | 0x18);
	assert_int_equal(seen(b, PAGE_A), IS_NEW);
	assert_int_equal(seen(b, PAGE_B), IS_OLD);
	set_mem64(b, PT_A, OLD | 7);
	mmu_load_cr3(&b->mmu, PML4 | CR3_NO_FLUSH); /* nor is bit 63 a wish */
	assert_int_equal(seen(b, PAGE_A), IS_OLD);
}

/* There are more PCIDs than places for them: which are dropped is nobody's business, mixed up they never are. */
static void many_pcids_are_never_mixed_up(void **state)
{
	struct bench *b = *state;

	set_up(b, 0);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned pcid = 0; pcid < 16; pcid++) {
			uint64_t page = 0x40000 + pcid * 0x1000;

			set_mem32(b, page, pcid);
			set_mem64(b, PT_A, page | 7);
			go(b, pcid & 1 ? pcid << 8 : pcid, true);
			assert_int_equal(seen(b, PAGE_A), pcid);
			go(b, 0xfff, true); /* used all the time: it stays */
			if (round + pcid == 0)
				set_mem64(b, PT_B, NEW | 7);
			else if (pcid == 0)
				set_mem64(b, PT_B, OLD | 7);
			assert_int_equal(seen(b, PAGE_B), IS_NEW);
		}
	}
}

static void mov_to_cr4_invalidates_all_pcids(void **state)
{
	static const uint64_t bits[] = {CR4_PGE, CR4_PCIDE, CR4_SMEP, CR4_PKE};
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
		set_up(b, CR4_PGE);
		cache_in(b, (const uint16_t[]){1, 0}, 2);
		b->s.cr4 ^= bits[i];
		mmu_mode_changed(&b->mmu);
		assert_int_equal(seen(b, PAGE_A), IS_NEW);
		assert_int_equal(seen(b, PAGE_B), IS_NEW);
		b->s.cr4 |= CR4_PCIDE;
		mmu_mode_changed(&b->mmu);
		go(b, 1, true);
		assert_int_equal(seen(b, PAGE_A), IS_NEW);
		assert_int_equal(seen(b, PAGE_B), IS_NEW);
	}
}

static void a_task_switch_or_cr3_written_beside_follows_the_pcid(void **state)
{
	struct bench *b = *state;

	set_up(b, CR4_PGE);
	cache_in(b, one_and_two, 2);
	b->s.cr3 = PML4 | 1;
	mmu_flush(&b->mmu, false);
	assert_int_equal(seen(b, PAGE_A), IS_NEW);
	assert_int_equal(seen(b, PAGE_B), IS_OLD);
	go(b, 2, true);
	assert_int_equal(seen(b, PAGE_A), IS_OLD);
	mmu_flush(&b->mmu, true); /* everything of everybody */
	go(b, 1, true);
	assert_int_equal(seen(b, PAGE_B), IS_NEW);
}

/* ---- INVPCID ---- */

static void invpcid_is_refused(void **state)
{
	static const struct {
		uint64_t type, pcid, lin;
		bool pcide, code64;
		enum why why;
	} cases[] = {
		{4, 0, 0, true, true, WHY_INVPCID_TYPE},
		{UINT64_C(1) << 32, 0, 0, true, true, WHY_INVPCID_TYPE},
		{0, 0x1000, 0, true, true, WHY_INVPCID_RESERVED},
		{1, 0x1000, 0, true, true, WHY_INVPCID_RESERVED},
		{2, UINT64_C(1) << 63, 0, true, true, WHY_INVPCID_RESERVED},
		{3, UINT64_C(1) << 40, 0, true, true, WHY_INVPCID_RESERVED},
		{0, 1, 0, false, true, WHY_INVPCID_PCID},
		{1, 0xfff, 0, false, true, WHY_INVPCID_PCID},
		{2, 1, 0, false, true, WHY_NONE},
		{3, 1, 0, false, true, WHY_NONE},
		{0, 0, 0, false, true, WHY_NONE},
		{0, 0xfff, 0, true, true, WHY_NONE},
		{0, 1, UINT64_C(1) << 47, true, true, WHY_INVPCID_NON_CANONICAL},
		{0, 1, UINT64_C(1) << 47, true, false, WHY_NONE},
		{1, 1, UINT64_C(1) << 47, true, true, WHY_NONE},
		{2, 0, UINT64_C(1) << 47, true, true, WHY_NONE},
	};
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool ok;

		bench_long(b, cases[i].pcide ? CR4_PCIDE : 0, 0);
		bench_code64(b, cases[i].code64);
		ok = mmu_invpcid(&b->mmu, cases[i].type, cases[i].pcid, cases[i].lin);
		assert_int_equal(ok, cases[i].why == WHY_NONE);
		if (!ok)
			assert_fault(b, VEC_GP, 0, cases[i].why);
	}
}

/* What PCIDs 1 and 2 see of pages A and B (global) after each type. */
static void each_type_of_invpcid_invalidates_what_it_says(void **state)
{
	static const struct {
		uint64_t type, pcid, lin;
		unsigned a1, b1, a2, b2;
	} cases[] = {
		{0, 1, PAGE_A + 0x123, IS_NEW, IS_OLD, IS_OLD, IS_OLD},
		{0, 1, PAGE_B, IS_OLD, IS_OLD, IS_OLD, IS_OLD}, /* except global translations */
		{0, 2, PAGE_A, IS_OLD, IS_OLD, IS_NEW, IS_OLD},
		{0, 3, PAGE_A, IS_OLD, IS_OLD, IS_OLD, IS_OLD},
		{1, 1, 0, IS_NEW, IS_OLD, IS_OLD, IS_OLD},
		{1, 2, 0, IS_OLD, IS_OLD, IS_NEW, IS_OLD},
		{2, 0, 0, IS_NEW, IS_NEW, IS_NEW, IS_NEW},
		{3, 0, 0, IS_NEW, IS_OLD, IS_NEW, IS_OLD},
	};
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t epoch;

		set_up(b, CR4_PGE);
		cache_in(b, one_and_two, 2);
		epoch = b->mmu.epoch;
		assert_true(mmu_invpcid(&b->mmu, cases[i].type, cases[i].pcid, cases[i].lin));
		assert_int_not_equal(b->mmu.epoch, epoch);
		assert_int_equal(seen(b, PAGE_A), cases[i].a2);
		assert_int_equal(seen(b, PAGE_B), cases[i].b2);
		go(b, 1, true);
		assert_int_equal(seen(b, PAGE_A), cases[i].a1);
		assert_int_equal(seen(b, PAGE_B), cases[i].b1);
	}
}

/* ---- INVLPG, page faults ---- */

static void invlpg_is_of_the_current_pcid_and_of_global_pages(void **state)
{
	struct bench *b = *state;

	set_up(b, CR4_PGE);
	cache_in(b, one_and_two, 2);
	mmu_invlpg(&b->mmu, PAGE_A + 1);
	mmu_invlpg(&b->mmu, PAGE_B + 1);
	assert_int_equal(seen(b, PAGE_A), IS_NEW);
	assert_int_equal(seen(b, PAGE_B), IS_NEW);
	go(b, 1, true);
	assert_int_equal(seen(b, PAGE_A), IS_OLD);
	assert_int_equal(seen(b, PAGE_B), IS_NEW); /* global: of any PCID */
}

static void a_page_fault_drops_the_page_of_the_current_pcid(void **state)
{
	struct bench *b = *state;

	set_up(b, 0);
	set_mem64(b, PT_A, OLD | 5);
	cache_in(b, one_and_two, 2);
	set_mem64(b, PT_A, NEW | 5);
	assert_false(seg_write(&b->mmu, SEG_DS, PAGE_A, 4, 0));
	assert_int_equal(seen(b, PAGE_A), IS_NEW);
	go(b, 1, true);
	assert_int_equal(seen(b, PAGE_A), IS_OLD);
}

static void invlpg_does_nothing_for_an_address_not_canonical(void **state)
{
	struct bench *b = *state;
	uint64_t high = UINT64_C(0xffff800000000000);

	set_up(b, 0);
	set_mem64(b, PML4 + 8 * 0x100, PDPT | 7);
	assert_int_equal(seen(b, high + PAGE_A), IS_OLD);
	set_mem64(b, PT_A, NEW | 7);
	mmu_invlpg(&b->mmu, high + PAGE_A - (UINT64_C(1) << 48));
	assert_int_equal(seen(b, high + PAGE_A), IS_OLD);
	mmu_invlpg(&b->mmu, PAGE_A); /* another page */
	assert_int_equal(seen(b, high + PAGE_A), IS_OLD);
	mmu_invlpg(&b->mmu, high + PAGE_A);
	assert_int_equal(seen(b, high + PAGE_A), IS_NEW);
}

static void invlpg_drops_all_of_a_1_gib_or_2_mib_page(void **state)
{
	struct bench *b = *state;
	uint32_t epoch;

	set_up(b, 0);
	set_mem64(b, PDPT + 8, PS | 7);
	set_mem64(b, PD + 16, PS | 7); /* 400000 */
	b->mmu.alone = true;
	assert_true(reads(b, GIB) && reads(b, GIB + 0x3ff000) && fetches(b, GIB + 0x200000) &&
		    reads(b, GIB + DEVICE_PA) && reads(b, 0x410000) && reads(b, 0x5ff000) && reads(b, PAGE_A));
	set_mem64(b, PDPT + 8, 0);
	set_mem64(b, PD + 16, 0);
	set_mem64(b, PT_A, 0);
	mmu_invlpg(&b->mmu, 0x400000);
	assert_false(reads(b, 0x410000) || reads(b, 0x5ff000));
	assert_true(reads(b, GIB) && reads(b, PAGE_A));
	epoch = b->mmu.epoch;
	mmu_invlpg(&b->mmu, 2 * GIB - 1);
	assert_int_not_equal(b->mmu.epoch, epoch); /* any piece of it may have been fetched from */
	assert_false(reads(b, GIB) || reads(b, GIB + 0x3ff000) || fetches(b, GIB + 0x200000) ||
		     reads(b, GIB + DEVICE_PA));
	assert_true(reads(b, PAGE_A));
}

static void invlpg_of_a_global_1_gib_page_is_for_all_pcids(void **state)
{
	struct bench *b = *state;

	set_up(b, CR4_PGE);
	b->mmu.alone = true;
	set_mem64(b, PDPT + 8, PS | 7 | G);
	set_mem64(b, PDPT + 16, PS | 7);
	assert_true(reads(b, GIB) && reads(b, GIB + DEVICE_PA) && reads(b, 2 * GIB) && reads(b, 2 * GIB + DEVICE_PA));
	go(b, 2, true);
	set_mem64(b, PDPT + 8, 0);
	set_mem64(b, PDPT + 16, 0);
	mmu_invlpg(&b->mmu, GIB + 0x123456);
	mmu_invlpg(&b->mmu, 2 * GIB + 0x123456);
	go(b, 1, true);
	assert_false(reads(b, GIB) || reads(b, GIB + DEVICE_PA));
	assert_true(reads(b, 2 * GIB) && reads(b, 2 * GIB + DEVICE_PA));
	assert_true(mmu_invpcid(&b->mmu, 0, 1, 2 * GIB + 0x3456789));
	assert_false(reads(b, 2 * GIB) || reads(b, 2 * GIB + DEVICE_PA));
}

/* ---- what is not of one PCID ---- */

static void code_marks_breakpoints_and_pkru_reach_every_pcid(void **state)
{
	struct bench *b = *state;

	set_up(b, CR4_PKE);
	set_mem64(b, PT_A, OLD | 7 | UINT64_C(7) << 59);
	for (unsigned pcid = 1; pcid <= 2; pcid++) {
		go(b, pcid, true);
		assert_true(seg_write(&b->mmu, SEG_DS, PAGE_A, 4, 1) && seg_write(&b->mmu, SEG_DS, PAGE_B, 4, 1));
		assert_true(seg_write(&b->mmu, SEG_DS, 0x20000, 4, 1));
		assert_true(seg_write(&b->mmu, SEG_DS, 0x21000, 4, 1));
	}
	b->s.pkru = 1u << 14;
	mmu_pkru_changed(&b->mmu);
	assert_true(bus_code_mark(b->bus, 0x20000, 4));
	b->s.dr[0] = 0x21000;
	b->s.dr7 = 1 | 1u << 16; /* a byte, writes */
	mmu_mode_changed(&b->mmu);
	go(b, 1, true);
	assert_false(reads(b, PAGE_A));
	assert_page_fault(b, PF_P | PF_PK, PAGE_A, WHY_PAGE_PROTECTION_KEY);
	assert_false(seg_write(&b->mmu, SEG_DS, 0x20000, 4, 2));
	assert_int_equal(b->mmu.stop, MMU_RUN_ALONE);
	b->mmu.stop = MMU_FAULT;
	assert_false(seg_write(&b->mmu, SEG_DS, 0x21000, 4, 2));
	assert_int_equal(b->mmu.stop, MMU_RUN_ALONE);
	b->s.pkru = 2; /* key 0 */
	mmu_pkru_changed(&b->mmu);
	go(b, 2, true);
	assert_false(seg_write(&b->mmu, SEG_DS, PAGE_B, 4, 2));
}

static void a_changed_map_voids_every_pcid(void **state)
{
	uint8_t image[0x1000] = {0x77};
	struct bench *b = *state;

	set_up(b, 0);
	cache_in(b, one_and_two, 2);
	bus_add_rom(b->bus, "over RAM", OLD, 0x1000, image, sizeof(image));
	for (unsigned pcid = 1; pcid <= 2; pcid++) {
		go(b, pcid, true);
		assert_int_equal(seen(b, PAGE_A), IS_NEW);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cr3_bit_63_is_not_stored),
		TEST(mov_to_cr3_invalidates_the_pcid_it_establishes),
		TEST(with_bit_63_it_invalidates_nothing),
		TEST(nothing_of_one_pcid_is_used_for_another),
		TEST(without_pcide_bits_11_to_0_are_no_pcid),
		TEST(many_pcids_are_never_mixed_up),
		TEST(mov_to_cr4_invalidates_all_pcids),
		TEST(a_task_switch_or_cr3_written_beside_follows_the_pcid),
		TEST(invpcid_is_refused),
		TEST(each_type_of_invpcid_invalidates_what_it_says),
		TEST(invlpg_is_of_the_current_pcid_and_of_global_pages),
		TEST(a_page_fault_drops_the_page_of_the_current_pcid),
		TEST(invlpg_does_nothing_for_an_address_not_canonical),
		TEST(invlpg_drops_all_of_a_1_gib_or_2_mib_page),
		TEST(invlpg_of_a_global_1_gib_page_is_for_all_pcids),
		TEST(code_marks_breakpoints_and_pkru_reach_every_pcid),
		TEST(a_changed_map_voids_every_pcid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
