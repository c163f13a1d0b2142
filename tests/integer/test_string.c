/* String instructions, alone and repeated. */
#include "integer/harness.h"

#include <string.h>

extern const struct exec exec_movs, exec_stos, exec_lods, exec_cmps, exec_scas;

#define SRC 0x5000u
#define DST 0x9000u

static uint32_t gpr(const struct harness *h, unsigned n) { return reg32(&h->cpu, n); }

static struct uop *string_uop(struct harness *h, unsigned width, uint32_t esi, uint32_t edi, uint32_t ecx)
{
	struct uop *u = harness_uop(h, width);

	u->flags = UOP_REP;
	h->cpu.s.gpr.r64[RSI] = esi;
	h->cpu.s.gpr.r64[RDI] = edi;
	h->cpu.s.gpr.r64[RCX] = ecx;
	return u;
}

static void expect_registers(const struct harness *h, uint32_t esi, uint32_t edi, uint32_t ecx)
{
	assert_int_equal(gpr(h, RSI), esi);
	assert_int_equal(gpr(h, RDI), edi);
	assert_int_equal(gpr(h, RCX), ecx);
}

static void one_element_moves_the_registers_by_its_size(void **state)
{
	struct harness *h = *state;

	for (unsigned width = 8; width <= 32; width *= 2) {
		unsigned n = width / 8;
		harness_store(h, SRC, 4, 0x44332211);
		harness_store(h, DST, 4, 0);
		h->cpu.s.rflags &= ~(uint64_t)FLAG_DF;
		string_uop(h, width, SRC, DST, 5);
		assert_int_equal(harness_run(h, &exec_movs, FORM_NONE), NEXT);
		expect_registers(h, SRC + n, DST + n, 5);
		assert_int_equal(harness_load(h, DST, 4), 0x44332211 & (UINT32_MAX >> (32 - width)));
		h->cpu.s.rflags |= FLAG_DF;
		string_uop(h, width, SRC, DST, 5);
		assert_int_equal(harness_run(h, &exec_lods, FORM_NONE), NEXT);
		assert_int_equal(harness_run(h, &exec_stos, FORM_NONE), NEXT);
		expect_registers(h, SRC - n, DST - n, 5);
		string_uop(h, width, SRC, DST, 5);
		assert_int_equal(harness_run(h, &exec_cmps, FORM_NONE), NEXT);
		assert_int_equal(harness_flags(h), FLAG_ZF | FLAG_PF);
		expect_registers(h, SRC - n, DST - n, 5);
		assert_int_equal(harness_run(h, &exec_scas, FORM_NONE), NEXT);
		expect_registers(h, SRC - n, DST - 2 * n, 5);
	}
}

static void a_16_bit_address_size_uses_si_di_cx_and_wraps(void **state)
{
	struct harness *h = *state;

	/* The wrap is not at a page's end. */
	h->cpu.s.seg[SEG_DS].base = 0x100;
	harness_segment(h, SEG_DS);
	harness_store(h, 0x100fc, 8, 0x9999999922221111);
	harness_store(h, 0x100, 4, 0x44443333);
	for (unsigned k = 0; k < 2; k++) { /* cold and warm TLB */
		string_uop(h, 16, 0x1111fffc, 0x22220008, 0x33330004)->addr_shift = 48;
		harness_store(h, 8, 8, 0);
		assert_int_equal(harness_run(h, &exec_movs, FORM_REP), LEFT);
		expect_registers(h, 0x11110004, 0x22220010, 0x33330000);
		assert_int_equal(harness_load(h, 8, 8), 0x4444333322221111);
	}
}

static void the_source_obeys_a_segment_override_the_destination_is_es(void **state)
{
	struct harness *h = *state;

	h->cpu.s.seg[SEG_FS].base = 0x1000;
	h->cpu.s.seg[SEG_ES].base = 0x2000;
	harness_segment(h, SEG_FS);
	harness_segment(h, SEG_ES);
	harness_store(h, SRC + 0x1000, 1, 0x77);
	string_uop(h, 8, SRC, DST, 3)->seg = SEG_FS;
	assert_int_equal(harness_run(h, &exec_movs, FORM_REP), LEFT);
	assert_int_equal(harness_load(h, DST + 0x2000, 1), 0x77);
}

static void a_count_of_0_does_nothing(void **state)
{
	struct harness *h = *state;
	const struct exec *const all[] = {&exec_movs, &exec_stos, &exec_lods, &exec_cmps, &exec_scas};

	harness_paging(h);
	harness_page(h, SRC, PAGE_NO);
	harness_page(h, DST, PAGE_NO);
	harness_set_flags(h, FLAG_CF | FLAG_ZF);
	for (unsigned i = 0; i < 5; i++) {
		string_uop(h, 32, SRC, DST, 0);
		h->cpu.icount = 100;
		assert_int_equal(harness_run(h, all[i], FORM_REP), LEFT);
		expect_registers(h, SRC, DST, 0);
		assert_int_equal(harness_flags(h), FLAG_CF | FLAG_ZF);
		assert_int_equal(h->cpu.icount, 101);
	}
	/* With 16-bit addresses only CX counts. */
	string_uop(h, 8, SRC, DST, 0x10000)->addr_shift = 48;
	assert_int_equal(harness_run(h, &exec_movs, FORM_REP), LEFT);
	assert_int_equal(gpr(h, RCX), 0x10000);
}

/* rep movsb with the destination one behind the source fills. */
static void overlapping_copies_go_element_by_element(void **state)
{
	struct harness *h = *state;

	memcpy(h->ram + SRC, "abcdefgh", 8);
	for (unsigned k = 0; k < 2; k++) {
		string_uop(h, 8, SRC, SRC + 1, 7);
		assert_int_equal(harness_run(h, &exec_movs, FORM_REP), LEFT);
	}
	assert_memory_equal(h->ram + SRC, "aaaaaaaa", 8);
	memcpy(h->ram + SRC, "abcdefgh", 8);
	string_uop(h, 8, SRC + 1, SRC, 7);
	assert_int_equal(harness_run(h, &exec_movs, FORM_REP), LEFT);
	assert_memory_equal(h->ram + SRC, "bcdefghh", 8);
}

/* The same result as single steps of the definition, on random sources,
 * destinations, directions, widths and counts, pages crossed. */
static void repeated_moves_and_stores_equal_their_single_steps(void **state)
{
	struct harness *h = *state;
	static uint8_t expected[0x8000];
	uint64_t random = 4711;

	for (unsigned k = 0; k < 3000; k++) {
		unsigned n = 1u << harness_random(&random) % 3;
		bool down = harness_random(&random) % 4 == 0, stores = harness_random(&random) % 3 == 0;
		uint32_t count = (uint32_t)(harness_random(&random) % (k % 8 ? 40 : 1500));
		uint32_t from = 0x3000 + (uint32_t)(harness_random(&random) % 0x2000);
		uint32_t to = k % 2 ? from - 20 + (uint32_t)(harness_random(&random) % 40)
				    : 0x3000 + (uint32_t)(harness_random(&random) % 0x2000);
		int32_t step = down ? -(int32_t)n : (int32_t)n;
		for (unsigned i = 0; i < 64; i++)
			h->ram[0x3000 + harness_random(&random) % 0x2000] = (uint8_t)harness_random(&random);
		memcpy(expected, h->ram, sizeof(expected));
		h->cpu.s.gpr.r64[RAX] = k % 3 ? (uint32_t)harness_random(&random) : 0x7f7f7f7f;
		for (int32_t i = 0; i < (int32_t)count; i++) {
			uint64_t v = stores ? reg32(&h->cpu, RAX) : host_load(expected + from + i * step, n);
			host_store(expected + to + i * step, n, v);
		}
		string_uop(h, 8 * n, from, to, count);
		h->cpu.s.rflags = FLAG_ONE | (down ? FLAG_DF : 0);
		h->cpu.icount = 0;
		assert_int_equal(harness_run(h, stores ? &exec_stos : &exec_movs, FORM_REP), LEFT);
		expect_registers(h, stores ? from : from + count * (uint32_t)step, to + count * (uint32_t)step, 0);
		assert_int_equal(h->cpu.icount, count ? count : 1);
		assert_memory_equal(expected, h->ram, sizeof(expected));
	}
}

static void a_fault_leaves_the_state_after_the_last_whole_iteration(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, DST, PAGE_RO);
	for (unsigned k = 0; k < 2; k++) { /* cold and warm TLB */
		string_uop(h, 32, SRC, DST - 12, 10);
		h->cpu.icount = 50;
		harness_store(h, SRC, 4, 0x1234);
		assert_int_equal(harness_run(h, &exec_movs, FORM_REP), FAULT);
		assert_int_equal(h->cpu.fault.cr2, DST);
		assert_int_equal(h->cpu.fault.error, PF_P | PF_W);
		expect_registers(h, SRC + 12, DST, 7);
		assert_int_equal(h->cpu.icount, 53);
		assert_int_equal(harness_load(h, DST - 12, 4), 0x1234);
	}
	string_uop(h, 8, SRC, DST, 4);
	h->cpu.icount = 50;
	assert_int_equal(harness_run(h, &exec_stos, FORM_REP), FAULT);
	expect_registers(h, SRC, DST, 4);
	assert_int_equal(h->cpu.icount, 50);
}

/* An element half in a missing page is not stored in part. */
static void an_element_across_a_missing_page_is_not_torn(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, DST, PAGE_NO);
	h->cpu.s.gpr.r64[RAX] = 0xffffffff;
	string_uop(h, 32, SRC, DST - 6, 5);
	assert_int_equal(harness_run(h, &exec_stos, FORM_REP), FAULT);
	expect_registers(h, SRC, DST - 2, 4);
	assert_int_equal(harness_load(h, DST - 8, 8), 0x0000ffffffff0000);
}

static void the_segment_limit_stops_a_run(void **state)
{
	struct harness *h = *state;

	h->cpu.s.seg[SEG_ES].limit = DST + 9;
	harness_segment(h, SEG_ES);
	h->cpu.s.gpr.r64[RAX] = 0xffffffff;
	for (unsigned k = 0; k < 2; k++) {
		string_uop(h, 32, SRC, DST, 5);
		assert_int_equal(harness_run(h, &exec_stos, FORM_REP), FAULT);
		assert_int_equal(h->cpu.fault.vector, VEC_GP);
		expect_registers(h, SRC, DST + 8, 3);
		assert_int_equal(harness_load(h, DST + 8, 4), 0);
	}
}

static void the_budget_ends_a_repetition_between_iterations(void **state)
{
	struct harness *h = *state;
	const struct exec *const all[] = {&exec_movs, &exec_stos, &exec_lods, &exec_cmps};

	h->budget = 3;
	for (unsigned i = 0; i < 4; i++) {
		string_uop(h, 8, SRC, DST, 7);
		h->cpu.icount = 10;
		assert_int_equal(harness_run(h, all[i], FORM_REP), AGAIN);
		assert_int_equal(gpr(h, RCX), 4);
		assert_int_equal(h->cpu.icount, 13);
		assert_int_equal(harness_run(h, all[i], FORM_REP), AGAIN);
		assert_int_equal(harness_run(h, all[i], FORM_REP), LEFT);
		assert_int_equal(gpr(h, RCX), 0);
		assert_int_equal(h->cpu.icount, 17);
	}
}

static void repe_ends_at_the_first_difference(void **state)
{
	struct harness *h = *state;

	memcpy(h->ram + SRC, "same-x", 6);
	memcpy(h->ram + DST, "same-y", 6);
	string_uop(h, 8, SRC, DST, 100);
	assert_int_equal(harness_run(h, &exec_cmps, FORM_REP), LEFT);
	expect_registers(h, SRC + 6, DST + 6, 94);
	assert_int_equal(harness_flags(h), FLAG_CF | FLAG_AF | FLAG_SF | FLAG_PF); /* 78h - 79h */
}

static void repne_ends_at_the_first_match(void **state)
{
	struct harness *h = *state;

	memcpy(h->ram + DST, "abc", 4);
	h->cpu.s.gpr.r64[RAX] = 0;
	string_uop(h, 8, SRC, DST, 0xffffffff)->flags = UOP_REPNE;
	assert_int_equal(harness_run(h, &exec_scas, FORM_REP), LEFT);
	expect_registers(h, SRC, DST + 4, 0xfffffffb);
	assert_int_equal(harness_flags(h), FLAG_ZF | FLAG_PF);
}

static void a_comparison_that_uses_up_the_count_keeps_its_last_flags(void **state)
{
	struct harness *h = *state;

	string_uop(h, 16, SRC, DST, 3);
	assert_int_equal(harness_run(h, &exec_cmps, FORM_REP), LEFT);
	expect_registers(h, SRC + 6, DST + 6, 0);
	assert_int_equal(harness_flags(h), FLAG_ZF | FLAG_PF);
}

/* F2 before MOVS, STOS and LODS counts like F3. */
static void repne_is_rep_where_nothing_is_compared(void **state)
{
	struct harness *h = *state;

	harness_set_flags(h, FLAG_ZF);
	string_uop(h, 8, SRC, DST, 3)->flags = UOP_REPNE;
	assert_int_equal(harness_run(h, &exec_lods, FORM_REP), LEFT);
	expect_registers(h, SRC + 3, DST, 0);
}

static void a_fault_in_repe_restores_the_flags_from_before_the_instruction(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, DST, PAGE_NO);
	string_uop(h, 8, SRC, DST - 4, 10);
	harness_set_flags(h, FLAG_CF | FLAG_SF);
	assert_int_equal(harness_run(h, &exec_cmps, FORM_REP), FAULT);
	expect_registers(h, SRC + 4, DST, 6);
	assert_int_equal(harness_flags(h), FLAG_CF | FLAG_SF);
}

/* ... wherever the budget ended in between. */
static void the_budget_does_not_change_the_flags_a_fault_restores(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, DST, PAGE_NO);
	for (h->budget = 1; h->budget <= 5; h->budget++) {
		enum outcome outcome;
		string_uop(h, 8, SRC, DST - 4, 10);
		harness_set_flags(h, FLAG_CF | FLAG_SF);
		while ((outcome = harness_run(h, &exec_cmps, FORM_REP)) == AGAIN)
			assert_int_equal(harness_flags(h), FLAG_ZF | FLAG_PF);
		assert_int_equal(outcome, FAULT);
		expect_registers(h, SRC + 4, DST, 6);
		assert_int_equal(harness_flags(h), FLAG_CF | FLAG_SF);
	}
}

/* ... nor does it when other processors have their turns between two iterations. */
static void turns_of_others_do_not_change_the_flags_a_fault_restores(void **state)
{
	struct harness *h = *state;
	enum outcome outcome;

	harness_paging(h);
	harness_page(h, DST, PAGE_NO);
	h->budget = 2;
	string_uop(h, 8, SRC, DST - 4, 10);
	harness_set_flags(h, FLAG_CF | FLAG_SF);
	while ((outcome = harness_run(h, &exec_cmps, FORM_REP)) == AGAIN)
		cpu_set_time(&h->cpu, h->cpu.icount + 1000);
	assert_int_equal(outcome, FAULT);
	assert_int_equal(harness_flags(h), FLAG_CF | FLAG_SF);
}

/* An interrupt handler has run between: its IRET loaded the flags that count. */
static void flags_loaded_between_iterations_are_the_ones_restored(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, DST, PAGE_NO);
	h->budget = 2;
	string_uop(h, 8, SRC, DST - 4, 10);
	harness_set_flags(h, FLAG_CF | FLAG_SF);
	assert_int_equal(harness_run(h, &exec_cmps, FORM_REP), AGAIN);
	h->cpu.icount += 20;
	harness_set_flags(h, FLAG_AF);
	assert_int_equal(harness_run(h, &exec_cmps, FORM_REP), AGAIN);
	assert_int_equal(harness_run(h, &exec_cmps, FORM_REP), FAULT);
	assert_int_equal(harness_flags(h), FLAG_AF);
}

/* ---- devices ---- */
struct device {
	struct harness *h;
	unsigned accesses;
	uint64_t when[8]; /* the clock at each */
};

static uint64_t device_read(void *owner, uint64_t offset, unsigned bytes)
{
	struct device *d = owner;

	d->when[d->accesses++ & 7] = d->h->clock.now;
	return 0x20 + offset;
}

static void device_write(void *owner, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct device *d = owner;

	d->when[d->accesses++ & 7] = d->h->clock.now;
}

#define DEVICE 0x400000u

static void a_device_is_reached_alone_one_iteration_at_a_time_with_its_own_clock(void **state)
{
	struct harness *h = *state;
	struct device d = {.h = h};
	struct mmio_ops ops = {device_read, device_write};
	const struct exec *const all[] = {&exec_movs, &exec_lods, &exec_cmps};

	assert_non_null(bus_add_mmio(h->bus, "device", DEVICE, 0x1000, ops, &d, 0));
	for (unsigned i = 0; i < 3; i++) {
		d.accesses = 0;
		string_uop(h, 8, DEVICE, DST, 4);
		memcpy(h->ram + DST, "\x20\x21\x22\x23", 4);
		h->cpu.icount = 100;
		h->cpu.mmu.alone = false;
		assert_int_equal(harness_run(h, all[i], FORM_REP), ALONE);
		assert_int_equal(d.accesses, 0);
		h->cpu.mmu.alone = true;
		for (unsigned k = 0; k < 4; k++) {
			assert_int_equal(harness_run(h, all[i], FORM_REP), k < 3 ? AGAIN : LEFT);
			assert_int_equal(d.accesses, k + 1);
			assert_int_equal(d.when[k], 101 + k);
		}
		expect_registers(h, DEVICE + 4, i == 1 ? DST : DST + 4, 0);
		assert_int_equal(h->cpu.icount, 104);
	}
	d.accesses = 0;
	string_uop(h, 8, SRC, DEVICE, 2);
	h->cpu.icount = 100;
	assert_int_equal(harness_run(h, &exec_stos, FORM_REP), AGAIN);
	assert_int_equal(harness_run(h, &exec_stos, FORM_REP), LEFT);
	assert_int_equal(d.when[1], 102);
	h->cpu.mmu.alone = false;
}

/* RAM first, then the device: what was done before it is counted. */
static void a_run_into_a_device_stops_at_it(void **state)
{
	struct harness *h = *state;
	struct device d = {.h = h};
	struct mmio_ops ops = {device_read, device_write};

	assert_non_null(bus_add_mmio(h->bus, "device", MEMORY, 0x1000, ops, &d, 0));
	string_uop(h, 8, SRC, MEMORY - 3, 5);
	h->cpu.icount = 100;
	assert_int_equal(harness_run(h, &exec_movs, FORM_REP), ALONE);
	expect_registers(h, SRC + 3, MEMORY, 2);
	assert_int_equal(h->cpu.icount, 103);
	assert_int_equal(d.accesses, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HARNESS_TEST(one_element_moves_the_registers_by_its_size),
		HARNESS_TEST(a_16_bit_address_size_uses_si_di_cx_and_wraps),
		HARNESS_TEST(the_source_obeys_a_segment_override_the_destination_is_es),
		HARNESS_TEST(a_count_of_0_does_nothing),
		HARNESS_TEST(overlapping_copies_go_element_by_element),
		HARNESS_TEST(repeated_moves_and_stores_equal_their_single_steps),
		HARNESS_TEST(a_fault_leaves_the_state_after_the_last_whole_iteration),
		HARNESS_TEST(an_element_across_a_missing_page_is_not_torn),
		HARNESS_TEST(the_segment_limit_stops_a_run),
		HARNESS_TEST(the_budget_ends_a_repetition_between_iterations),
		HARNESS_TEST(repe_ends_at_the_first_difference),
		HARNESS_TEST(repne_ends_at_the_first_match),
		HARNESS_TEST(a_comparison_that_uses_up_the_count_keeps_its_last_flags),
		HARNESS_TEST(repne_is_rep_where_nothing_is_compared),
		HARNESS_TEST(a_fault_in_repe_restores_the_flags_from_before_the_instruction),
		HARNESS_TEST(the_budget_does_not_change_the_flags_a_fault_restores),
		HARNESS_TEST(turns_of_others_do_not_change_the_flags_a_fault_restores),
		HARNESS_TEST(flags_loaded_between_iterations_are_the_ones_restored),
		HARNESS_TEST(a_device_is_reached_alone_one_iteration_at_a_time_with_its_own_clock),
		HARNESS_TEST(a_run_into_a_device_stops_at_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
