/* What may stay cached, what may not, and what it costs.  SDM 3A, "Caching
 * Translation Information". */
#include "mmu/bench.h"

static bool reads(struct bench *b, uint64_t lin) { return seg_read(&b->mmu, SEG_DS, lin, 4).ok; }
static bool writes(struct bench *b, uint64_t lin) { return seg_write(&b->mmu, SEG_DS, lin, 4, 1); }
static bool fetches(struct bench *b, uint64_t lin) { return mmu_fetch_byte(&b->mmu, lin).ok; }

static unsigned entries(const struct bench *b)
{
	unsigned n = 0;

	for (unsigned bank = 0; bank < BANK_COUNT; bank++)
		for (unsigned kind = 0; kind < TLB_KINDS; kind++)
			for (unsigned i = 0; i < TLB_SIZE; i++)
				n += b->mmu.banks[bank][kind][i].tag != TLB_INVALID;
	return n;
}

static void invlpg_drops_one_page_of_every_kind_and_bank(void **state)
{
	struct bench *b = *state;

	bench_paging(b, 0);
	for (unsigned cpl = 0; cpl <= 3; cpl += 3) {
		bench_cpl(b, cpl);
		assert_true(reads(b, PAGE_A) && writes(b, PAGE_A) && fetches(b, PAGE_A) && reads(b, PAGE_B));
	}
	set_pte(b, PAGE_A, 0);
	set_pte(b, PAGE_B, 0);
	/* Stale entries may be used until they are invalidated. */
	assert_true(reads(b, PAGE_A) && writes(b, PAGE_A) && fetches(b, PAGE_A));
	mmu_invlpg(&b->mmu, PAGE_A + 0x123);
	for (unsigned cpl = 0; cpl <= 3; cpl += 3) {
		bench_cpl(b, cpl);
		assert_false(reads(b, PAGE_A) || writes(b, PAGE_A) || fetches(b, PAGE_A));
		assert_true(reads(b, PAGE_B));
	}
}

static void invlpg_drops_global_pages_too(void **state)
{
	struct bench *b = *state;

	bench_paging(b, CR4_PGE);
	set_pte(b, PAGE_A, PAGE_A | 0x107);
	assert_true(writes(b, PAGE_A));
	set_pte(b, PAGE_A, 0);
	mmu_invlpg(&b->mmu, PAGE_A);
	assert_false(writes(b, PAGE_A));
}

/* A large page is cached in pieces of 4 KiB that must go together. */
static void invlpg_drops_all_of_a_large_page(void **state)
{
	struct bench *b = *state;

	bench_paging(b, CR4_PSE);
	set_mem32(b, PD + 4, 0x87);
	assert_true(writes(b, 0x410000) && reads(b, 0x7ff000) && fetches(b, 0x420000) && reads(b, PAGE_A));
	set_mem32(b, PD + 4, 0);
	set_pte(b, PAGE_A, 0);
	mmu_invlpg(&b->mmu, 0x5ff000);
	assert_false(writes(b, 0x410000) || reads(b, 0x7ff000) || fetches(b, 0x420000));
	assert_true(reads(b, PAGE_A));
}

/* So must pieces that the hit path may not see. */
static void invlpg_drops_devices_in_a_large_page(void **state)
{
	struct bench *b = *state;

	bench_paging(b, CR4_PSE);
	b->mmu.alone = true;
	set_mem32(b, PD + 4, DEVICE_PA | 0x87);
	assert_true(reads(b, 0x400000));
	assert_int_equal(b->device_reads, 1);
	set_mem32(b, PD + 4, 0);
	mmu_invlpg(&b->mmu, 0x401000);
	assert_false(reads(b, 0x400000));
	set_pte(b, PAGE_A, DEVICE_PA | 7);
	assert_true(reads(b, PAGE_A));
	set_pte(b, PAGE_A, 0);
	mmu_invlpg(&b->mmu, PAGE_A);
	assert_false(reads(b, PAGE_A));
}

static void a_page_fault_drops_what_is_cached_for_its_page(void **state)
{
	struct bench *b = *state;
	uint32_t epoch;

	bench_paging(b, 0);
	set_pte(b, PAGE_A, PAGE_A | 5);
	assert_true(reads(b, PAGE_A) && fetches(b, PAGE_A));
	set_pte(b, PAGE_A, PAGE_B | 5);
	set_mem32(b, PAGE_B, 0x1234);
	ASSERT_READ(b, SEG_DS, PAGE_A, 4, 0);
	epoch = b->mmu.epoch;
	assert_false(writes(b, PAGE_A));
	ASSERT_READ(b, SEG_DS, PAGE_A, 4, 0x1234);
	/* Nobody asked for the page to run code from it. */
	assert_int_equal(b->mmu.epoch, epoch);
}

static void a_newly_allowed_access_needs_no_invalidation(void **state)
{
	struct bench *b = *state;

	bench_paging(b, 0);
	set_pte(b, PAGE_A, 0);
	assert_false(reads(b, PAGE_A));
	set_pte(b, PAGE_A, PAGE_A | 5);
	assert_true(reads(b, PAGE_A));
	assert_false(writes(b, PAGE_A));
	set_pte(b, PAGE_A, PAGE_A | 7);
	assert_true(writes(b, PAGE_A));
	bench_cpl(b, 3);
	set_pte(b, PAGE_B, PAGE_B | 3);
	assert_false(reads(b, PAGE_B));
	set_pte(b, PAGE_B, PAGE_B | 7);
	assert_true(reads(b, PAGE_B));
}

static void a_flush_keeps_global_pages_and_nothing_else(void **state)
{
	struct bench *b = *state;

	bench_paging(b, CR4_PGE);
	set_pte(b, PAGE_A, PAGE_A | 0x107);
	assert_true(writes(b, PAGE_A) && reads(b, PAGE_B) && fetches(b, PAGE_A));
	set_pte(b, PAGE_A, 0);
	set_pte(b, PAGE_B, 0);
	mmu_flush(&b->mmu, false);
	assert_true(writes(b, PAGE_A) && reads(b, PAGE_A) && fetches(b, PAGE_A));
	assert_false(reads(b, PAGE_B));
	mmu_flush(&b->mmu, true);
	assert_false(writes(b, PAGE_A) || reads(b, PAGE_A) || fetches(b, PAGE_A));
	assert_int_equal(entries(b), 0);
}

static void g_means_nothing_without_pge(void **state)
{
	struct bench *b = *state;

	bench_paging(b, 0);
	set_pte(b, PAGE_A, PAGE_A | 0x107);
	assert_true(reads(b, PAGE_A));
	set_pte(b, PAGE_A, 0);
	mmu_flush(&b->mmu, false);
	assert_false(reads(b, PAGE_A));
}

/* A slot that held a global page and now holds another is not global. */
static void a_slot_forgets_what_it_held(void **state)
{
	struct bench *b = *state;

	bench_paging(b, CR4_PGE);
	set_pte(b, PAGE_A, PAGE_A | 0x107);
	set_pte(b, PAGE_A + (TLB_SIZE << 12), PAGE_A | 7);
	assert_true(reads(b, PAGE_A) && reads(b, PAGE_A + (TLB_SIZE << 12)));
	set_pte(b, PAGE_A + (TLB_SIZE << 12), 0);
	mmu_flush(&b->mmu, false);
	assert_false(reads(b, PAGE_A + (TLB_SIZE << 12)));
}

static void modes_of_paging_flush_by_themselves(void **state)
{
	static const struct {
		uint64_t cr0, cr4, efer;
	} to[] = {
		{CR0_PE | CR0_PG, CR4_PGE, 0},			   /* WP */
		{CR0_PE, CR4_PGE, 0},				   /* PG */
		{CR0_PE | CR0_PG | CR0_WP, 0, 0},		   /* PGE */
		{CR0_PE | CR0_PG | CR0_WP, CR4_PGE | CR4_PSE, 0},  /* PSE */
		{CR0_PE | CR0_PG | CR0_WP, CR4_PGE | CR4_SMEP, 0}, /* SMEP */
		{CR0_PE | CR0_PG | CR0_WP, CR4_PGE | CR4_PAE, 0},  /* PAE */
		{CR0_PE | CR0_PG | CR0_WP, CR4_PGE, EFER_NXE},	   /* NXE */
	};
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof(to) / sizeof(*to); i++) {
		uint32_t epoch;

		bench_paging(b, CR4_PGE);
		set_pte(b, PAGE_A, PAGE_A | 0x107);
		assert_true(writes(b, PAGE_A) && fetches(b, PAGE_A));
		epoch = b->mmu.epoch;
		mmu_mode_changed(&b->mmu); /* nothing did */
		assert_int_equal(b->mmu.epoch, epoch);
		assert_int_not_equal(entries(b), 0);
		b->s.cr0 = to[i].cr0;
		b->s.cr4 = to[i].cr4;
		b->s.efer = to[i].efer;
		mmu_mode_changed(&b->mmu);
		assert_int_not_equal(b->mmu.epoch, epoch);
		assert_int_equal(entries(b), 0);
	}
}

static void rights_follow_cpl_and_ac_without_a_flush(void **state)
{
	struct bench *b = *state;
	uint32_t epoch;

	bench_paging(b, CR4_SMAP);
	set_pte(b, PAGE_B, PAGE_B | 3);
	epoch = b->mmu.epoch;
	for (unsigned round = 0; round < 3; round++) {
		b->s.rflags = FLAG_AC;
		bench_cpl(b, 0);
		assert_true(reads(b, PAGE_A) && reads(b, PAGE_B));
		b->s.rflags = 0;
		mmu_mode_changed(&b->mmu);
		assert_true(!reads(b, PAGE_A) && reads(b, PAGE_B));
		bench_cpl(b, 3);
		assert_true(reads(b, PAGE_A) && !reads(b, PAGE_B));
	}
	assert_int_equal(b->mmu.epoch, epoch);
}

static void the_epoch_follows_pages_that_were_fetched_from(void **state)
{
	struct bench *b = *state;
	uint64_t pa;
	uint32_t epoch;

	bench_paging(b, CR4_PSE);
	set_mem32(b, PD + 4, 0x87);
	assert_non_null(mmu_fetch_page(&b->mmu, PAGE_A, &pa));
	assert_true(reads(b, PAGE_B));
	epoch = b->mmu.epoch;
	mmu_invlpg(&b->mmu, PAGE_B);
	assert_int_equal(b->mmu.epoch, epoch);
	mmu_invlpg(&b->mmu, PAGE_A);
	assert_int_not_equal(b->mmu.epoch, epoch);
	epoch = b->mmu.epoch;
	mmu_invlpg(&b->mmu, PAGE_A); /* not fetched from since */
	assert_int_equal(b->mmu.epoch, epoch);
	/* A hit counts as well as a miss. */
	assert_non_null(mmu_fetch_page(&b->mmu, PAGE_A, &pa));
	assert_non_null(mmu_fetch_page(&b->mmu, PAGE_B, &pa));
	mmu_invlpg(&b->mmu, PAGE_B);
	assert_non_null(mmu_fetch_page(&b->mmu, PAGE_A, &pa));
	epoch = b->mmu.epoch;
	set_pte(b, PAGE_A, 5);
	assert_false(writes(b, PAGE_A)); /* the fault drops it */
	assert_int_not_equal(b->mmu.epoch, epoch);
	/* Any piece of a large page stands for all of it. */
	assert_non_null(mmu_fetch_page(&b->mmu, 0x410000, &pa));
	epoch = b->mmu.epoch;
	mmu_invlpg(&b->mmu, 0x7ff000);
	assert_int_not_equal(b->mmu.epoch, epoch);
	epoch = b->mmu.epoch;
	mmu_flush(&b->mmu, false);
	assert_int_not_equal(b->mmu.epoch, epoch);
}

static void a_changed_map_voids_everything(void **state)
{
	struct bench *b = *state;
	uint8_t image[0x1000] = {0x77};
	uint32_t epoch;

	assert_true(writes(b, PAGE_A));
	epoch = b->mmu.epoch;
	struct region *r = bus_add_rom(b->bus, "over RAM", PAGE_A, 0x1000, image, sizeof(image));
	assert_int_not_equal(b->mmu.epoch, epoch);
	assert_int_equal(entries(b), 0);
	ASSERT_READ(b, SEG_DS, PAGE_A, 4, 0x77);
	region_set_enabled(b->bus, r, false);
	ASSERT_READ(b, SEG_DS, PAGE_A, 4, 1);
}

static void a_partly_covered_page_is_never_cached(void **state)
{
	struct bench *b = *state;
	uint8_t image[0x1000] = {0};

	/* An MMIO hole of a few bytes in the middle of RAM. */
	struct mmio_ops none = {0};
	bus_add_mmio(b->bus, "few bytes", PAGE_A + 0x800, 4, none, NULL, 5);
	bus_add_rom(b->bus, "elsewhere", 0x1000000, 0x1000, image, sizeof(image));
	assert_false(reads(b, PAGE_A));
	assert_int_equal(b->mmu.stop, MMU_RUN_ALONE);
	b->mmu.alone = true;
	assert_true(writes(b, PAGE_A + 0x804));
	assert_int_equal(entries(b), 0);
	assert_int_equal(mem32(b, PAGE_A + 0x804), 1);
}

static void the_alignment_bank_stays_empty(void **state)
{
	struct bench *b = *state;

	b->s.rflags = FLAG_AC;
	b->s.cpl = 3;
	bench_modes(b, CR0_PE | CR0_AM, 0, 0);
	assert_true(reads(b, PAGE_A) && writes(b, PAGE_A) && fetches(b, PAGE_A));
	assert_null(tlb_hit(&b->mmu, TLB_READ, PAGE_A, 4));
	assert_null(tlb_hit(&b->mmu, TLB_WRITE, PAGE_A, 4));
	assert_non_null(tlb_hit(&b->mmu, TLB_EXEC, PAGE_A, 1)); /* fetches are not aligned */
	b->s.rflags = 0;
	mmu_mode_changed(&b->mmu);
	assert_non_null(tlb_hit(&b->mmu, TLB_READ, PAGE_A, 4));
}

static void two_processors_do_not_share_a_tlb(void **state)
{
	struct bench *b = *state;
	struct arch_state s = b->s;
	struct fault fault;
	struct mmu *other = calloc(1, sizeof(*other));

	assert_true(mmu_init(other, &s, b->bus, &fault));
	for (unsigned seg = 0; seg <= SEG_GS; seg++)
		mmu_segment_changed(other, (enum seg)seg);
	assert_true(writes(b, PAGE_A));
	assert_true(seg_write(other, SEG_DS, PAGE_A, 4, 2));
	assert_true(bus_code_mark(b->bus, PAGE_A, 4));
	assert_false(writes(b, PAGE_A));
	assert_false(seg_write(other, SEG_DS, PAGE_A, 4, 2));
	mmu_free(other);
	free(other);
	bus_code_clear_page(b->bus, PAGE_A);
	assert_true(bus_code_mark(b->bus, PAGE_A, 4)); /* the one that left is not told */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(invlpg_drops_one_page_of_every_kind_and_bank),
		TEST(invlpg_drops_global_pages_too),
		TEST(invlpg_drops_all_of_a_large_page),
		TEST(invlpg_drops_devices_in_a_large_page),
		TEST(a_page_fault_drops_what_is_cached_for_its_page),
		TEST(a_newly_allowed_access_needs_no_invalidation),
		TEST(a_flush_keeps_global_pages_and_nothing_else),
		TEST(g_means_nothing_without_pge),
		TEST(a_slot_forgets_what_it_held),
		TEST(modes_of_paging_flush_by_themselves),
		TEST(rights_follow_cpl_and_ac_without_a_flush),
		TEST(the_epoch_follows_pages_that_were_fetched_from),
		TEST(a_changed_map_voids_everything),
		TEST(a_partly_covered_page_is_never_cached),
		TEST(the_alignment_bank_stays_empty),
		TEST(two_processors_do_not_share_a_tlb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
