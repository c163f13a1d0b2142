/* Data breakpoints.  SDM 3B, "Debug Registers", "Data Breakpoint Conditions". */
#include "mmu/bench.h"

/* Breakpoint n on the address, with its R/W and LEN fields. */
static void set_breakpoint(struct bench *b, unsigned n, uint64_t lin, unsigned rw, unsigned len)
{
	b->s.dr[n] = lin;
	b->s.dr7 &= ~(UINT64_C(0xf) << (16 + 4 * n));
	b->s.dr7 |= UINT64_C(1) << (2 * n) | (uint64_t)(rw | len << 2) << (16 + 4 * n);
	mmu_mode_changed(&b->mmu);
}

enum { EXECUTE, WRITES, IO, READS_WRITES };
enum { LEN1, LEN2, LEN8, LEN4 };
#define B(n) (1u << (n))

static uint32_t read_hits(struct bench *b, uint64_t lin, unsigned bytes)
{
	b->mmu.alone = true;
	b->mmu.watch_hits = 0;
	assert_true(seg_read(&b->mmu, SEG_DS, lin, bytes).ok);
	b->mmu.alone = false;
	return b->mmu.watch_hits;
}

static uint32_t write_hits(struct bench *b, uint64_t lin, unsigned bytes)
{
	b->mmu.alone = true;
	b->mmu.watch_hits = 0;
	assert_true(seg_write(&b->mmu, SEG_DS, lin, bytes, 0));
	b->mmu.alone = false;
	return b->mmu.watch_hits;
}

static void an_access_hits_if_any_byte_is_watched(void **state)
{
	static const struct {
		unsigned len;
		uint64_t at;
		uint64_t off;
		unsigned bytes;
		bool hit;
	} cases[] = {
		{LEN1, 0x100, 0x100, 1, true},
		{LEN1, 0x100, 0x101, 1, false},
		{LEN1, 0x100, 0xfd, 4, true},
		{LEN1, 0x100, 0xfc, 4, false},
		{LEN2, 0x100, 0x101, 1, true},
		{LEN2, 0x100, 0x102, 1, false},
		/* The low bits of the address are masked. */
		{LEN2, 0x101, 0x100, 1, true},
		{LEN2, 0x101, 0x102, 1, false},
		{LEN4, 0x103, 0x100, 1, true},
		{LEN4, 0x100, 0x103, 8, true},
		{LEN4, 0x100, 0x104, 8, false},
		{LEN8, 0x100, 0x107, 1, true},
		{LEN8, 0x100, 0x108, 1, false},
		/* Across pages. */
		{LEN4, 0xffc, 0xfff, 2, true},
		{LEN1, 0x000, 0xfff, 2, false},
		{LEN1, 0x1000, 0xfff, 2, true},
	};
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		set_breakpoint(b, 2, PAGE_A + cases[i].at, READS_WRITES, cases[i].len);
		assert_int_equal(write_hits(b, PAGE_A + cases[i].off, cases[i].bytes), cases[i].hit ? B(2) : 0);
		assert_int_equal(read_hits(b, PAGE_A + cases[i].off, cases[i].bytes), cases[i].hit ? B(2) : 0);
	}
}

static void write_breakpoints_ignore_reads(void **state)
{
	struct bench *b = *state;

	set_breakpoint(b, 0, PAGE_A, WRITES, LEN4);
	assert_int_equal(read_hits(b, PAGE_A, 4), 0);
	assert_int_equal(write_hits(b, PAGE_A, 4), B(0));
	b->mmu.alone = true;
	b->mmu.watch_hits = 0;
	assert_true(seg_rmw(&b->mmu, SEG_DS, PAGE_A, 4).ok);
	assert_int_equal(b->mmu.watch_hits, B(0));
}

static void other_kinds_and_disabled_ones_are_no_data_breakpoints(void **state)
{
	struct bench *b = *state;

	set_breakpoint(b, 0, PAGE_A, EXECUTE, LEN1);
	set_breakpoint(b, 1, PAGE_A, IO, LEN1);
	set_breakpoint(b, 2, PAGE_A, READS_WRITES, LEN1);
	b->s.dr7 &= ~UINT64_C(0x30);
	mmu_mode_changed(&b->mmu);
	assert_int_equal(write_hits(b, PAGE_A, 4), 0);
	b->s.dr7 |= 0x20; /* G2 enables as L2 does */
	mmu_mode_changed(&b->mmu);
	assert_int_equal(write_hits(b, PAGE_A, 4), B(2));
	assert_true(mmu_fetch_byte(&b->mmu, PAGE_A).ok);
}

static void several_breakpoints_are_all_noted(void **state)
{
	struct bench *b = *state;

	set_breakpoint(b, 0, PAGE_A, READS_WRITES, LEN1);
	set_breakpoint(b, 1, PAGE_A + 1, WRITES, LEN1);
	set_breakpoint(b, 3, PAGE_A + 2, READS_WRITES, LEN1);
	assert_int_equal(write_hits(b, PAGE_A, 4), B(0) | B(1) | B(3));
	assert_int_equal(read_hits(b, PAGE_A, 4), B(0) | B(3));
	assert_int_equal(read_hits(b, PAGE_A, 2), B(0));
}

static void a_hit_must_be_alone_a_neighbour_need_not(void **state)
{
	struct bench *b = *state;

	ASSERT_WRITE(b, SEG_DS, PAGE_A, 4, 1); /* in the TLB before */
	set_breakpoint(b, 0, PAGE_A, READS_WRITES, LEN4);
	for (unsigned n = 0; n < 2; n++) {
		assert_false(seg_read(&b->mmu, SEG_DS, PAGE_A + 3, 1).ok);
		assert_int_equal(b->mmu.stop, MMU_RUN_ALONE);
		assert_false(seg_write(&b->mmu, SEG_DS, PAGE_A, 4, 2));
		assert_false(seg_probe_write(&b->mmu, SEG_DS, PAGE_A - 32, 64));
		assert_false(lin_write(&b->mmu, PAGE_A, 4, 2));
		struct segment ss = b->s.seg[SEG_SS];
		assert_false(stack_write(&b->mmu, &ss, 0, PAGE_A, 4, 2, 0));
		assert_int_equal(b->mmu.stop, MMU_RUN_ALONE);
		ASSERT_READ(b, SEG_DS, PAGE_A + 4, 4, 0);
		ASSERT_WRITE(b, SEG_DS, PAGE_A + 4, 4, 0);
	}
	assert_int_equal(b->mmu.watch_hits, 0);
	assert_int_equal(mem32(b, PAGE_A), 1);
	assert_null(tlb_hit(&b->mmu, TLB_READ, PAGE_A, 1));
	assert_null(tlb_hit(&b->mmu, TLB_WRITE, PAGE_A, 1));
	/* Code may run from there at full speed. */
	uint64_t pa;
	assert_non_null(mmu_fetch_page(&b->mmu, PAGE_A, &pa));
}

static void a_page_without_breakpoint_is_cached_again(void **state)
{
	struct bench *b = *state;

	set_breakpoint(b, 0, PAGE_A, READS_WRITES, LEN4);
	ASSERT_WRITE(b, SEG_DS, PAGE_A + 8, 4, 1);
	ASSERT_READ(b, SEG_DS, PAGE_A + 8, 4, 1);
	b->s.dr7 = 0;
	mmu_mode_changed(&b->mmu);
	ASSERT_WRITE(b, SEG_DS, PAGE_A, 4, 1);
	assert_non_null(tlb_hit(&b->mmu, TLB_WRITE, PAGE_A, 1));
	assert_non_null(tlb_hit(&b->mmu, TLB_READ, PAGE_A, 1));
	set_breakpoint(b, 0, PAGE_A, WRITES, LEN4); /* the address register alone moves */
	b->s.dr[0] = PAGE_B;
	mmu_mode_changed(&b->mmu);
	ASSERT_WRITE(b, SEG_DS, PAGE_A, 4, 1);
	assert_false(seg_write(&b->mmu, SEG_DS, PAGE_B, 4, 1));
}

static void a_probe_or_a_fault_notes_nothing(void **state)
{
	struct bench *b = *state;

	bench_paging(b, 0);
	set_pte(b, PAGE_B, 0);
	set_breakpoint(b, 0, PAGE_B - 1, READS_WRITES, LEN1);
	b->mmu.alone = true;
	assert_true(seg_probe_write(&b->mmu, SEG_DS, PAGE_B - 4, 4));
	assert_false(seg_write(&b->mmu, SEG_DS, PAGE_B - 2, 4, 0));
	assert_page_fault(b, PF_W, PAGE_B, WHY_PAGE_NOT_PRESENT);
	assert_int_equal(b->mmu.watch_hits, 0);
}

static void a_breakpoint_at_the_end_of_4g(void **state)
{
	struct bench *b = *state;

	set_breakpoint(b, 0, 0xfffffffc, READS_WRITES, LEN4);
	set_breakpoint(b, 1, 0, READS_WRITES, LEN1);
	assert_int_equal(read_hits(b, 0xffffffff, 2), B(0) | B(1));
	assert_int_equal(read_hits(b, 0xfffffff8, 4), 0);
	assert_int_equal(read_hits(b, 0, 4), B(1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_access_hits_if_any_byte_is_watched),
		TEST(write_breakpoints_ignore_reads),
		TEST(other_kinds_and_disabled_ones_are_no_data_breakpoints),
		TEST(several_breakpoints_are_all_noted),
		TEST(a_hit_must_be_alone_a_neighbour_need_not),
		TEST(a_page_without_breakpoint_is_cached_again),
		TEST(a_probe_or_a_fault_notes_nothing),
		TEST(a_breakpoint_at_the_end_of_4g),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
