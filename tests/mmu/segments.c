/* Segmentation: SDM 3A, "Limit Checking", "Type Checking", "Null Segment
 * Selector Checking"; stacks that are not loaded yet. */
#include "mmu/bench.h"

#define DATA (TYPE_ACCESSED | TYPE_WRITABLE)
#define READ_ONLY TYPE_ACCESSED
#define DOWN (DATA | TYPE_EXPANDDOWN)
#define CODE (TYPE_CODE | TYPE_ACCESSED | TYPE_READABLE)
#define CONFORMING (CODE | TYPE_CONFORMING)
#define EXECUTE_ONLY (TYPE_CODE | TYPE_ACCESSED)
#define MAX UINT32_MAX

enum mode { PROT, REAL, VM86, MODES };
enum how { R = 1, W = 2, RW = 3 };

static const struct rule {
	const char *rule;
	enum mode mode;
	uint8_t type;
	uint32_t limit;
	bool db, null;
	enum how how;
	uint32_t off;
	unsigned bytes;
	enum why why;
} rules[] = {
	{"limit: last byte", PROT, DATA, 0xfff, 1, 0, RW, 0xfff, 1, WHY_NONE},
	{"limit: dword ends at it", PROT, DATA, 0xfff, 1, 0, RW, 0xffc, 4, WHY_NONE},
	{"limit: dword one beyond", PROT, DATA, 0xfff, 1, 0, RW, 0xffd, 4, WHY_SEG_LIMIT},
	{"limit: byte beyond", PROT, DATA, 0xfff, 1, 0, RW, 0x1000, 1, WHY_SEG_LIMIT},
	{"limit: qword", PROT, DATA, 0xfff, 1, 0, RW, 0xff9, 8, WHY_SEG_LIMIT},
	{"limit 0 has one byte", PROT, DATA, 0, 1, 0, RW, 0, 1, WHY_NONE},
	{"limit 0 has no word", PROT, DATA, 0, 1, 0, RW, 0, 2, WHY_SEG_LIMIT},
	{"B does not matter expanding up", PROT, DATA, 0xfffff, 0, 0, RW, 0x10000, 4, WHY_NONE},
	{"highest limit below 4G", PROT, DATA, MAX - 1, 1, 0, RW, MAX, 1, WHY_SEG_LIMIT},
	{"4G: last dword", PROT, DATA, MAX, 1, 0, R, 0xfffffffc, 4, WHY_NONE},
	{"4G: wraps", PROT, DATA, MAX, 1, 0, R, 0xfffffffe, 4, WHY_NONE},
	{"read-only: read", PROT, READ_ONLY, 0xfff, 1, 0, R, 0, 4, WHY_NONE},
	{"read-only: write", PROT, READ_ONLY, 0xfff, 1, 0, W, 0, 4, WHY_SEG_NOT_WRITABLE},
	{"code: read", PROT, CODE, 0xfff, 1, 0, R, 0, 4, WHY_NONE},
	{"code: read beyond", PROT, CODE, 0xfff, 1, 0, R, 0xfff, 2, WHY_SEG_LIMIT},
	{"code: write", PROT, CODE, 0xfff, 1, 0, W, 0, 4, WHY_SEG_WRITE_CODE},
	{"conforming is not expand-down", PROT, CONFORMING, 0xfff, 1, 0, R, 0, 4, WHY_NONE},
	{"conforming: limit", PROT, CONFORMING, 0xfff, 1, 0, R, 0x1000, 4, WHY_SEG_LIMIT},
	{"execute-only: read", PROT, EXECUTE_ONLY, 0xfff, 1, 0, R, 0, 4, WHY_SEG_NOT_READABLE},
	{"execute-only: write", PROT, EXECUTE_ONLY, 0xfff, 1, 0, W, 0, 4, WHY_SEG_WRITE_CODE},
	{"null", PROT, DATA, MAX, 1, 1, RW, 0, 1, WHY_SEG_NULL},
	{"down: at the limit", PROT, DOWN, 0xfff, 1, 0, RW, 0xfff, 1, WHY_SEG_LIMIT_EXPAND_DOWN},
	{"down: above the limit", PROT, DOWN, 0xfff, 1, 0, RW, 0x1000, 4, WHY_NONE},
	{"down: across the limit", PROT, DOWN, 0xfff, 1, 0, RW, 0xffe, 4, WHY_SEG_LIMIT_EXPAND_DOWN},
	{"down: offset 0", PROT, DOWN, 0xfff, 1, 0, RW, 0, 1, WHY_SEG_LIMIT_EXPAND_DOWN},
	{"down: B=0 top", PROT, DOWN, 0xfff, 0, 0, RW, 0xfffc, 4, WHY_NONE},
	{"down: B=0 across the top", PROT, DOWN, 0xfff, 0, 0, RW, 0xfffd, 4, WHY_SEG_LIMIT_EXPAND_DOWN},
	{"down: B=0 above", PROT, DOWN, 0xfff, 0, 0, RW, 0x10000, 1, WHY_SEG_LIMIT_EXPAND_DOWN},
	{"down: B=1 above 64K", PROT, DOWN, 0xfff, 1, 0, RW, 0x10000, 1, WHY_NONE},
	{"down: B=1 last byte", PROT, DOWN, 0xfff, 1, 0, R, MAX, 1, WHY_NONE},
	{"down: B=1 across 4G", PROT, DOWN, 0xfff, 1, 0, RW, 0xfffffffe, 4, WHY_SEG_LIMIT_EXPAND_DOWN},
	{"down: limit FFFFFFFF is empty", PROT, DOWN, MAX, 1, 0, RW, MAX, 1, WHY_SEG_LIMIT_EXPAND_DOWN},
	{"down, read-only: write", PROT, TYPE_EXPANDDOWN, 0xfff, 1, 0, W, 0x1000, 4, WHY_SEG_NOT_WRITABLE},
	{"real: last word", REAL, DATA, 0xffff, 0, 0, RW, 0xfffe, 2, WHY_NONE},
	{"real: word at FFFF", REAL, DATA, 0xffff, 0, 0, RW, 0xffff, 2, WHY_SEG_LIMIT},
	{"real: dword at FFFD", REAL, DATA, 0xffff, 0, 0, RW, 0xfffd, 4, WHY_SEG_LIMIT},
	{"real: 32-bit address", REAL, DATA, 0xffff, 0, 0, RW, 0x10000, 1, WHY_SEG_LIMIT},
	{"unreal: beyond 64K", REAL, DATA, MAX, 0, 0, RW, 0x10000, 4, WHY_NONE},
	{"real: types do not count", REAL, EXECUTE_ONLY, 0xffff, 0, 0, RW, 0, 4, WHY_NONE},
	{"real: null does not count", REAL, DATA, 0xffff, 0, 1, RW, 0, 4, WHY_NONE},
	{"real: code keeps its limit", REAL, CODE, 0xffff, 0, 0, W, 0xffff, 2, WHY_SEG_LIMIT},
	{"vm86: word at FFFF", VM86, DATA, 0xffff, 0, 0, RW, 0xffff, 2, WHY_SEG_LIMIT},
	{"vm86: last word", VM86, DATA, 0xffff, 0, 0, RW, 0xfffe, 2, WHY_NONE},
	{"vm86: types do not count", VM86, READ_ONLY, 0xffff, 0, 0, W, 0, 4, WHY_NONE},
};

static void enter(struct bench *b, enum mode mode)
{
	b->s.rflags = mode == VM86 ? FLAG_VM : 0;
	b->s.cpl = mode == VM86 ? 3 : 0;
	bench_modes(b, mode == REAL ? 0 : CR0_PE, 0, 0);
}

static struct segment segment_of(const struct rule *r)
{
	return (struct segment){.base = 0x20000, .limit = r->limit, .type = r->type, .s = true, .present = true,
				.db = r->db, .usable = !r->null};
}

static void check(struct bench *b, const struct rule *r, enum seg seg, bool ok)
{
	if (ok != (r->why == WHY_NONE))
		fail_msg("%s (segment %d): %s", r->rule, seg, ok ? "no fault" : why_info(b->fault.why)->name);
	if (!ok)
		assert_fault(b, seg == SEG_SS ? VEC_SS : VEC_GP, 0, r->why);
}

static void warm(struct bench *b, uint64_t lin)
{
	struct segment flat = {.limit = MAX, .type = DATA, .s = true, .present = true, .usable = true};

	bench_segment(b, SEG_DS, flat);
	ASSERT_WRITE(b, SEG_DS, lin & MAX, 1, 0);
}

/* Each rule through each register, twice (the second time past a filled TLB),
 * by each kind of accessor. */
static void every_rule_in_every_segment(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		const struct rule *r = &rules[i];

		enter(b, r->mode);
		for (unsigned n = 0; n < 12; n++) {
			enum seg seg = (enum seg)(n / 2);

			/* Once with a cold TLB, once with a filled one. */
			if (n & 1)
				warm(b, 0x20000 + r->off);
			bench_segment(b, seg, segment_of(r));
			if (r->how & R) {
				check(b, r, seg, seg_read(&b->mmu, seg, r->off, r->bytes).ok);
				check(b, r, seg, seg_probe_read(&b->mmu, seg, r->off, r->bytes));
			}
			if (r->how & W) {
				check(b, r, seg, seg_write(&b->mmu, seg, r->off, r->bytes, 0));
				check(b, r, seg, seg_rmw(&b->mmu, seg, r->off, r->bytes).ok);
				check(b, r, seg, seg_probe_write(&b->mmu, seg, r->off, r->bytes));
			}
		}
	}
}

static void a_change_of_mode_changes_the_windows(void **state)
{
	struct bench *b = *state;

	bench_segment(b, SEG_DS, (struct segment){.type = READ_ONLY, .limit = 0xffff, .usable = true});
	assert_false(seg_write(&b->mmu, SEG_DS, 0, 1, 0));
	enter(b, REAL);
	ASSERT_WRITE(b, SEG_DS, 0, 1, 0);
	enter(b, PROT);
	assert_false(seg_write(&b->mmu, SEG_DS, 0, 1, 0));
	assert_fault(b, VEC_GP, 0, WHY_SEG_NOT_WRITABLE);
	enter(b, VM86);
	ASSERT_WRITE(b, SEG_DS, 0, 1, 0);
}

static void offsets_are_added_to_the_base_modulo_4g(void **state)
{
	struct bench *b = *state;
	struct segment g = b->s.seg[SEG_DS];

	g.base = 0xfffff000;
	bench_segment(b, SEG_DS, g);
	set_mem32(b, 0x500, 0x11223344);
	ASSERT_READ(b, SEG_DS, 0x1500, 4, 0x11223344);
	ASSERT_READ(b, SEG_DS, 0x1500, 4, 0x11223344);
}

/* The last bytes of 4 GiB are a hole here, the first ones RAM. */
static void an_access_wraps_at_4g(void **state)
{
	struct bench *b = *state;

	set_mem32(b, 0, 0x00000201);
	ASSERT_READ(b, SEG_DS, 0xfffffffe, 4, 0x0201ffff);
	ASSERT_WRITE(b, SEG_DS, 0xfffffffe, 4, 0xaabbccdd);
	assert_int_equal(mem32(b, 0), 0xaabb);
}

/* ---- stacks that are not loaded yet ---- */

static struct segment stack(uint8_t type, uint32_t limit, bool db)
{
	return (struct segment){.base = 0x20000, .limit = limit, .type = type, .s = true, .present = true, .db = db,
				.usable = true};
}

static void pushes_on_an_unloaded_stack_are_checked(void **state)
{
	static const struct {
		uint8_t type;
		uint32_t limit;
		bool db, null;
		uint32_t off;
		enum why why;
	} cases[] = {
		{DATA, 0xfff, 1, 0, 0xffc, WHY_NONE},
		{DATA, 0xfff, 1, 0, 0xffd, WHY_SEG_LIMIT},
		{DATA, 0xfff, 1, 0, 0xfffffffc, WHY_SEG_LIMIT},
		{DATA, 0xfff, 1, 1, 0, WHY_SEG_NULL},
		{DOWN, 0xfff, 1, 0, 0xffc, WHY_SEG_LIMIT_EXPAND_DOWN},
		{DOWN, 0xfff, 1, 0, 0x1000, WHY_NONE},
		{DOWN, 0xfff, 0, 0, 0xfffe, WHY_SEG_LIMIT_EXPAND_DOWN},
		{DOWN, 0xfff, 1, 0, 0xfffe, WHY_NONE},
		{READ_ONLY, 0xfff, 1, 0, 0, WHY_SEG_NOT_WRITABLE},
		{CODE, 0xfff, 1, 0, 0, WHY_SEG_WRITE_CODE},
	};
	struct bench *b = *state;

	for (unsigned i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		struct segment g = stack(cases[i / 2].type, cases[i / 2].limit, cases[i / 2].db);
		bool good = cases[i / 2].why == WHY_NONE;

		/* From VM86 to an inner stack the VM flag is still set. */
		enter(b, i & 1 ? VM86 : PROT);
		g.usable = !cases[i / 2].null;
		assert_int_equal(stack_probe_write(&b->mmu, &g, 0, cases[i / 2].off, 4, 0x5678), good);
		if (!good)
			assert_fault(b, VEC_SS, 0x5678, cases[i / 2].why);
		assert_int_equal(stack_write(&b->mmu, &g, 0, cases[i / 2].off, 4, 0x1234567, 0x5678), good);
		if (good)
			assert_int_equal(mem32(b, 0x20000 + cases[i / 2].off), 0x1234567);
		else
			assert_fault(b, VEC_SS, 0x5678, cases[i / 2].why);
	}
	enter(b, REAL);
	struct segment code = stack(CODE, 0xffff, 0);
	assert_true(stack_write(&b->mmu, &code, 0, 0xfffe, 2, 0, 0));
	assert_false(stack_write(&b->mmu, &code, 0, 0xffff, 2, 0, 0));
	assert_fault(b, VEC_SS, 0, WHY_SEG_LIMIT);
}

static void pushes_have_the_privilege_given(void **state)
{
	struct bench *b = *state;
	struct segment g = stack(DATA, UINT32_MAX, 1);

	g.base = 0;
	bench_paging(b, 0);
	set_pte(b, PAGE_A, PAGE_A | 3); /* supervisor */
	bench_cpl(b, 3);
	assert_true(stack_write(&b->mmu, &g, 0, PAGE_A + 8, 4, 0x1111, 0));
	assert_int_equal(mem32(b, PAGE_A + 8), 0x1111);
	assert_true(stack_write(&b->mmu, &g, 2, PAGE_A + 8, 4, 0x2222, 0)); /* a TLB hit */
	assert_int_equal(mem32(b, PAGE_A + 8), 0x2222);
	assert_false(stack_write(&b->mmu, &g, 3, PAGE_A + 8, 4, 0x3333, 0));
	assert_page_fault(b, PF_P | PF_W | PF_U, PAGE_A + 8, WHY_PAGE_SUPERVISOR);
	bench_cpl(b, 0);
	assert_false(stack_probe_write(&b->mmu, &g, 3, PAGE_A + 8, 4, 0));
	assert_page_fault(b, PF_P | PF_W | PF_U, PAGE_A + 8, WHY_PAGE_SUPERVISOR);
	assert_int_equal(mem32(b, PAGE_A + 8), 0x2222);
}

static void pushes_for_cpl_below_3_are_explicit_under_smap(void **state)
{
	struct bench *b = *state;
	struct segment g = stack(DATA, UINT32_MAX, 1);

	g.base = 0;
	bench_paging(b, CR4_SMAP);
	assert_false(stack_write(&b->mmu, &g, 0, PAGE_A, 4, 0, 0));
	assert_page_fault(b, PF_P | PF_W, PAGE_A, WHY_PAGE_SMAP);
	b->s.rflags = FLAG_AC;
	mmu_mode_changed(&b->mmu);
	assert_true(stack_write(&b->mmu, &g, 0, PAGE_A, 4, 0, 0));
	assert_true(stack_write(&b->mmu, &g, 3, PAGE_A, 4, 0, 0));
}

/* SDM 2A, "INT n": #AC where the push is unaligned and the new privilege 3. */
static void pushes_for_cpl_3_are_checked_for_alignment(void **state)
{
	struct bench *b = *state;
	struct segment g = stack(DATA, UINT32_MAX, 1);

	b->s.rflags = FLAG_AC;
	b->s.cpl = 3;
	bench_modes(b, CR0_PE | CR0_AM, 0, 0);
	assert_true(stack_write(&b->mmu, &g, 3, 0, 4, 0, 0)); /* the page is in the TLB now */
	assert_false(stack_write(&b->mmu, &g, 3, 2, 4, 0, 0));
	assert_fault(b, VEC_AC, 0, WHY_ALIGNMENT);
	assert_true(stack_write(&b->mmu, &g, 3, 2, 2, 0, 0));
	assert_true(stack_write(&b->mmu, &g, 0, 2, 4, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_rule_in_every_segment),
		TEST(a_change_of_mode_changes_the_windows),
		TEST(offsets_are_added_to_the_base_modulo_4g),
		TEST(an_access_wraps_at_4g),
		TEST(pushes_on_an_unloaded_stack_are_checked),
		TEST(pushes_have_the_privilege_given),
		TEST(pushes_for_cpl_below_3_are_explicit_under_smap),
		TEST(pushes_for_cpl_3_are_checked_for_alignment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
