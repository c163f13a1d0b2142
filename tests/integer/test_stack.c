/* Stack instructions. */
#include "integer/harness.h"

#include <string.h>

extern const struct exec exec_push, exec_pop, exec_pusha, exec_popa, exec_enter, exec_leave;

#define AT 0x5000u

static uint32_t gpr(const struct harness *h, unsigned n) { return reg32(&h->cpu, n); }
static void set_gpr(struct harness *h, unsigned n, uint32_t v) { h->cpu.s.gpr.r64[n] = v; }

static enum outcome run_on(struct harness *h, const struct exec *set, enum form form, unsigned width, uint8_t dst)
{
	harness_uop(h, width)->dst = dst;
	return harness_run(h, set, form);
}

static void push_esp_stores_the_old_value(void **state)
{
	struct harness *h = *state;

	assert_int_equal(run_on(h, &exec_push, FORM_R, 32, RSP), NEXT);
	assert_int_equal(gpr(h, RSP), STACK_TOP - 4);
	assert_int_equal(harness_load(h, STACK_TOP - 4, 4), STACK_TOP);
	assert_int_equal(run_on(h, &exec_push, FORM_R, 16, 4 * RSP), NEXT);
	assert_int_equal(harness_load(h, STACK_TOP - 6, 2), STACK_TOP - 4);
}

static void pop_esp_keeps_what_was_popped(void **state)
{
	struct harness *h = *state;

	harness_store(h, STACK_TOP, 4, 0x6000);
	assert_int_equal(run_on(h, &exec_pop, FORM_R, 32, RSP), NEXT);
	assert_int_equal(gpr(h, RSP), 0x6000);
	set_gpr(h, RSP, 0x10000 + STACK_TOP);
	harness_store(h, 0x10000 + STACK_TOP, 2, 0x1234);
	assert_int_equal(run_on(h, &exec_pop, FORM_R, 16, 4 * RSP), NEXT);
	assert_int_equal(gpr(h, RSP), 0x11234);
}

static void push_immediate_is_as_wide_as_the_operand_size(void **state)
{
	struct harness *h = *state;

	harness_uop(h, 32)->imm = UINT64_MAX;
	assert_int_equal(harness_run(h, &exec_push, FORM_I), NEXT);
	assert_int_equal(gpr(h, RSP), STACK_TOP - 4);
	harness_uop(h, 16)->imm = UINT64_MAX - 1;
	assert_int_equal(harness_run(h, &exec_push, FORM_I), NEXT);
	assert_int_equal(gpr(h, RSP), STACK_TOP - 6);
	assert_int_equal(harness_load(h, STACK_TOP - 8, 8), 0xfffffffffffe0000);
}

static void push_from_memory_reads_before_esp_moves(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 32);

	u->base = RSP;
	u->seg = SEG_SS;
	harness_store(h, STACK_TOP, 4, 0xcafe);
	assert_int_equal(harness_run(h, &exec_push, FORM_M), NEXT);
	assert_int_equal(harness_load(h, STACK_TOP - 4, 4), 0xcafe);
}

static void pop_to_memory_computes_an_esp_address_after_the_increment(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 32);

	u->base = RSP;
	u->seg = SEG_SS;
	u->disp = 8;
	harness_store(h, STACK_TOP, 4, 0xcafe);
	assert_int_equal(harness_run(h, &exec_pop, FORM_M), NEXT);
	assert_int_equal(gpr(h, RSP), STACK_TOP + 4);
	assert_int_equal(harness_load(h, STACK_TOP + 12, 4), 0xcafe);
}

static void pop_to_memory_that_faults_leaves_esp(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, AT, PAGE_RO);
	harness_uop(h, 32)->disp = AT;
	assert_int_equal(harness_run(h, &exec_pop, FORM_M), FAULT);
	assert_int_equal(h->cpu.fault.error, PF_P | PF_W);
	assert_int_equal(gpr(h, RSP), STACK_TOP);
}

static void a_push_that_faults_leaves_esp(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, STACK_TOP - 0x1000, PAGE_RO);
	assert_int_equal(run_on(h, &exec_push, FORM_R, 32, RAX), FAULT);
	assert_int_equal(harness_run(h, &exec_push, FORM_I), FAULT);
	harness_uop(h, 32)->disp = AT;
	assert_int_equal(harness_run(h, &exec_push, FORM_M), FAULT);
	assert_int_equal(h->cpu.fault.cr2, STACK_TOP - 4);
	assert_int_equal(gpr(h, RSP), STACK_TOP);
}

static void a_push_outside_the_stack_segment_is_a_stack_fault(void **state)
{
	struct harness *h = *state;

	h->cpu.s.seg[SEG_SS].limit = STACK_TOP - 2;
	harness_segment(h, SEG_SS);
	assert_int_equal(run_on(h, &exec_push, FORM_R, 32, RAX), FAULT);
	assert_int_equal(h->cpu.fault.vector, VEC_SS);
	assert_int_equal(h->cpu.fault.error, 0);
	assert_int_equal(run_on(h, &exec_pop, FORM_R, 32, RAX), FAULT);
	assert_int_equal(h->cpu.fault.vector, VEC_SS);
}

static void a_16_bit_stack_wraps_and_leaves_the_upper_half_of_esp(void **state)
{
	struct harness *h = *state;

	harness_stack16(h);
	set_gpr(h, RSP, 0x12340000);
	set_gpr(h, RAX, 0xbeef);
	assert_int_equal(run_on(h, &exec_push, FORM_R, 16, 4 * RAX), NEXT);
	assert_int_equal(gpr(h, RSP), 0x1234fffe);
	assert_int_equal(harness_load(h, 0xfffe, 2), 0xbeef);
	assert_int_equal(run_on(h, &exec_pop, FORM_R, 16, 4 * RCX), NEXT);
	assert_int_equal(gpr(h, RSP), 0x12340000);
	assert_int_equal(gpr(h, RCX), 0xbeef);
}

static void pusha_stores_eight_registers_with_the_old_esp(void **state)
{
	struct harness *h = *state;

	for (unsigned n = 0; n < 8; n++)
		if (n != RSP)
			set_gpr(h, n, 0x11111111 * n);
	assert_int_equal(run_on(h, &exec_pusha, FORM_NONE, 32, 0), NEXT);
	for (unsigned n = 0; n < 8; n++)
		assert_int_equal(harness_load(h, STACK_TOP - 4 * (n + 1), 4), n == RSP ? STACK_TOP : 0x11111111 * n);
	assert_int_equal(gpr(h, RSP), STACK_TOP - 32);
	assert_int_equal(run_on(h, &exec_pusha, FORM_NONE, 16, 0), NEXT);
	assert_int_equal(harness_load(h, STACK_TOP - 32 - 16, 2), 0x7777);
	assert_int_equal(gpr(h, RSP), STACK_TOP - 48);
}

static void pusha_wraps_word_by_word(void **state)
{
	struct harness *h = *state;

	harness_stack16(h);
	/* Neither the limit nor a page's end is where SP wraps. */
	h->cpu.s.seg[SEG_SS].limit = 0xfffff;
	h->cpu.s.seg[SEG_SS].base = 0x100;
	harness_segment(h, SEG_SS);
	for (unsigned n = 0; n < 8; n++)
		set_gpr(h, n, 0x1100 * n + 1);
	for (unsigned k = 0; k < 2; k++) { /* cold and warm TLB */
		harness_store(h, 0x104, 2, 0);
		set_gpr(h, RSP, 6);
		assert_int_equal(run_on(h, &exec_pusha, FORM_NONE, 16, 0), NEXT);
	}
	assert_int_equal(gpr(h, RSP), 0xfff6);
	assert_int_equal(harness_load(h, 0x104, 2), 1);        /* AX */
	assert_int_equal(harness_load(h, 0x100fe, 2), 0x3301); /* BX */
	assert_int_equal(harness_load(h, 0x100f6, 2), 0x7701); /* DI */
	assert_int_equal(run_on(h, &exec_popa, FORM_NONE, 16, 0), NEXT);
	assert_int_equal(gpr(h, RSP), 6);
	assert_int_equal(gpr(h, RBX), 0x3301);
}

/* The lower page is missing: EAX could be stored, EDI not. */
static void pusha_that_faults_half_way_has_stored_nothing(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, 0x7000, PAGE_NO);
	set_gpr(h, RSP, 0x8010);
	set_gpr(h, RAX, 0x55);
	assert_int_equal(run_on(h, &exec_pusha, FORM_NONE, 32, 0), FAULT);
	assert_int_equal(h->cpu.fault.cr2, 0x7ffc);
	assert_int_equal(harness_load(h, 0x800c, 4), 0);
	assert_int_equal(gpr(h, RSP), 0x8010);
}

static void popa_skips_esp(void **state)
{
	struct harness *h = *state;

	for (unsigned i = 0; i < 8; i++)
		harness_store(h, STACK_TOP + 4 * i, 4, 0x1000 + i);
	assert_int_equal(run_on(h, &exec_popa, FORM_NONE, 32, 0), NEXT);
	assert_int_equal(gpr(h, RSP), STACK_TOP + 32);
	for (unsigned n = 0; n < 8; n++)
		if (n != RSP)
			assert_int_equal(gpr(h, n), 0x1000 + 7 - n);
}

static void popa_that_faults_half_way_has_loaded_nothing(void **state)
{
	struct harness *h = *state;
	union gpr_file before;

	harness_paging(h);
	harness_page(h, STACK_TOP, PAGE_NO);
	set_gpr(h, RSP, STACK_TOP - 12);
	before = h->cpu.s.gpr;
	assert_int_equal(run_on(h, &exec_popa, FORM_NONE, 32, 0), FAULT);
	assert_int_equal(h->cpu.fault.cr2, STACK_TOP + 4); /* the word of ESP, at STACK_TOP, is not read */
	assert_memory_equal(&before, &h->cpu.s.gpr, sizeof(before));
}

static enum outcome enter(struct harness *h, unsigned width, uint16_t size, uint8_t level)
{
	struct uop *u = harness_uop(h, width);

	u->imm = size;
	u->disp = level;
	return harness_run(h, &exec_enter, FORM_II);
}

static void enter_of_level_0_makes_a_frame(void **state)
{
	struct harness *h = *state;

	set_gpr(h, RBP, 0x9999);
	assert_int_equal(enter(h, 32, 0x20, 0), NEXT);
	assert_int_equal(harness_load(h, STACK_TOP - 4, 4), 0x9999);
	assert_int_equal(gpr(h, RBP), STACK_TOP - 4);
	assert_int_equal(gpr(h, RSP), STACK_TOP - 4 - 0x20);
	assert_int_equal(run_on(h, &exec_leave, FORM_NONE, 32, 0), NEXT);
	assert_int_equal(gpr(h, RBP), 0x9999);
	assert_int_equal(gpr(h, RSP), STACK_TOP);
}

static void enter_of_level_1_pushes_its_own_frame_pointer(void **state)
{
	struct harness *h = *state;

	assert_int_equal(enter(h, 32, 0, 1), NEXT);
	assert_int_equal(harness_load(h, STACK_TOP - 8, 4), STACK_TOP - 4);
	assert_int_equal(gpr(h, RSP), STACK_TOP - 8);
	assert_int_equal(gpr(h, RBP), STACK_TOP - 4);
}

/* Level 3: EBP, the two pointers below the old EBP, the new frame pointer. */
static void enter_copies_the_display_of_the_level_modulo_32(void **state)
{
	struct harness *h = *state;

	set_gpr(h, RBP, 0x9000);
	harness_store(h, 0x9000 - 4, 4, 0xaaaa);
	harness_store(h, 0x9000 - 8, 4, 0xbbbb);
	assert_int_equal(enter(h, 32, 0x10, 3 + 32), NEXT);
	assert_int_equal(harness_load(h, STACK_TOP - 4, 4), 0x9000);
	assert_int_equal(harness_load(h, STACK_TOP - 8, 4), 0xaaaa);
	assert_int_equal(harness_load(h, STACK_TOP - 12, 4), 0xbbbb);
	assert_int_equal(harness_load(h, STACK_TOP - 16, 4), STACK_TOP - 4);
	assert_int_equal(gpr(h, RSP), STACK_TOP - 16 - 0x10);
}

/* The operand size chooses what is pushed and how much of EBP is written. */
static void enter_of_16_bits_leaves_the_upper_half_of_ebp(void **state)
{
	struct harness *h = *state;

	set_gpr(h, RBP, 0x77779000);
	assert_int_equal(enter(h, 16, 0x10, 0), NEXT);
	assert_int_equal(harness_load(h, STACK_TOP - 2, 2), 0x9000);
	assert_int_equal(gpr(h, RBP), 0x77770000 + STACK_TOP - 2);
	assert_int_equal(gpr(h, RSP), STACK_TOP - 2 - 0x10);
}

static void enter_on_a_16_bit_stack_reads_the_display_through_bp(void **state)
{
	struct harness *h = *state;

	harness_stack16(h);
	set_gpr(h, RSP, 0x50000000 + STACK_TOP);
	set_gpr(h, RBP, 0x60000002);
	harness_store(h, 0xfffe, 4, 0xaaaa);
	h->cpu.s.seg[SEG_SS].limit = 0x1ffff;
	harness_segment(h, SEG_SS);
	assert_int_equal(enter(h, 32, 0, 2), NEXT);
	assert_int_equal(harness_load(h, STACK_TOP - 8, 4), 0xaaaa);
	assert_int_equal(gpr(h, RSP), 0x50000000 + STACK_TOP - 12);
	assert_int_equal(gpr(h, RBP), 0x50000000 + STACK_TOP - 4);
}

static void enter_probes_the_word_at_the_final_esp(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, 0x6000, PAGE_RO);
	set_gpr(h, RBP, 0x1234);
	assert_int_equal(enter(h, 32, 0x1004, 0), FAULT);
	assert_int_equal(h->cpu.fault.error, PF_P | PF_W);
	assert_int_equal(h->cpu.fault.cr2, STACK_TOP - 4 - 0x1004);
	assert_int_equal(gpr(h, RBP), 0x1234);
	assert_int_equal(gpr(h, RSP), STACK_TOP);
	assert_int_equal(harness_load(h, STACK_TOP - 4, 4), 0);
	assert_int_equal(enter(h, 32, 0xffc, 0), NEXT);
}

static void enter_that_faults_on_the_display_has_pushed_nothing(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, 0x9000, PAGE_NO);
	set_gpr(h, RBP, 0xa004);
	assert_int_equal(enter(h, 32, 0, 3), FAULT);
	assert_int_equal(h->cpu.fault.cr2, 0x9ffc);
	assert_int_equal(h->cpu.fault.error, 0);
	assert_int_equal(gpr(h, RBP), 0xa004);
	assert_int_equal(gpr(h, RSP), STACK_TOP);
	assert_int_equal(harness_load(h, STACK_TOP - 4, 4), 0);
}

static void leave_takes_esp_by_stack_size_and_pops_by_operand_size(void **state)
{
	struct harness *h = *state;

	harness_stack16(h);
	set_gpr(h, RSP, 0x11110100);
	set_gpr(h, RBP, 0x22225000);
	harness_store(h, 0x5000, 4, 0xdeadbeef);
	assert_int_equal(run_on(h, &exec_leave, FORM_NONE, 32, 0), NEXT);
	assert_int_equal(gpr(h, RSP), 0x11115004);
	assert_int_equal(gpr(h, RBP), 0xdeadbeef);
	set_gpr(h, RBP, 0x22225000);
	assert_int_equal(run_on(h, &exec_leave, FORM_NONE, 16, 0), NEXT);
	assert_int_equal(gpr(h, RSP), 0x11115002);
	assert_int_equal(gpr(h, RBP), 0x2222beef);
}

static void leave_that_faults_leaves_esp(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, AT, PAGE_NO);
	set_gpr(h, RBP, AT);
	assert_int_equal(run_on(h, &exec_leave, FORM_NONE, 32, 0), FAULT);
	assert_int_equal(gpr(h, RSP), STACK_TOP);
	assert_int_equal(gpr(h, RBP), AT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HARNESS_TEST(push_esp_stores_the_old_value),
		HARNESS_TEST(pop_esp_keeps_what_was_popped),
		HARNESS_TEST(push_immediate_is_as_wide_as_the_operand_size),
		HARNESS_TEST(push_from_memory_reads_before_esp_moves),
		HARNESS_TEST(pop_to_memory_computes_an_esp_address_after_the_increment),
		HARNESS_TEST(pop_to_memory_that_faults_leaves_esp),
		HARNESS_TEST(a_push_that_faults_leaves_esp),
		HARNESS_TEST(a_push_outside_the_stack_segment_is_a_stack_fault),
		HARNESS_TEST(a_16_bit_stack_wraps_and_leaves_the_upper_half_of_esp),
		HARNESS_TEST(pusha_stores_eight_registers_with_the_old_esp),
		HARNESS_TEST(pusha_wraps_word_by_word),
		HARNESS_TEST(pusha_that_faults_half_way_has_stored_nothing),
		HARNESS_TEST(popa_skips_esp),
		HARNESS_TEST(popa_that_faults_half_way_has_loaded_nothing),
		HARNESS_TEST(enter_of_level_0_makes_a_frame),
		HARNESS_TEST(enter_of_level_1_pushes_its_own_frame_pointer),
		HARNESS_TEST(enter_copies_the_display_of_the_level_modulo_32),
		HARNESS_TEST(enter_of_16_bits_leaves_the_upper_half_of_ebp),
		HARNESS_TEST(enter_on_a_16_bit_stack_reads_the_display_through_bp),
		HARNESS_TEST(enter_probes_the_word_at_the_final_esp),
		HARNESS_TEST(enter_that_faults_on_the_display_has_pushed_nothing),
		HARNESS_TEST(leave_takes_esp_by_stack_size_and_pops_by_operand_size),
		HARNESS_TEST(leave_that_faults_leaves_esp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
