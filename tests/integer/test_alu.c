/* Arithmetic and logic: what comparing results cannot show (see test_native.c). */
#include "integer/harness.h"

#include <string.h>

#define AT 0x5000u

/* Instructions that read, change and write their memory operand. */
#define WRITERS(X) X(add, MR) X(or, MR) X(adc, MR) X(sbb, MR) X(and, MR) X(sub, MR) X(xor, MR) X(add, MI) X(or, MI) \
	X(adc, MI) X(sbb, MI) X(and, MI) X(sub, MI) X(xor, MI) X(inc, M) X(dec, M) X(neg, M) X(not, M) X(xchg, MR)   \
	X(xadd, MR) X(cmpxchg, MR) X(shl, MI) X(shr, MI) X(sar, MI) X(rol, MI) X(ror, MI) X(rcl, MI) X(rcr, MI)      \
	X(shl, MR) X(rcr, MR) X(shld, MRI) X(shrd, MRR) X(bts, MI) X(btr, MI) X(btc, MI) X(bts, MR) X(cmpxchg8b, M)
#define READERS(X) X(cmp, MR) X(cmp, MI) X(cmp, RM) X(test, MR) X(test, MI) X(bt, MI) X(bt, MR) X(mov, RM) X(add, RM)
#define X(name, form) extern const struct exec exec_##name;
WRITERS(X)
READERS(X)
#undef X

struct use {
	const struct exec *set;
	enum form form;
};
#define X(name, form) {&exec_##name, FORM_##form},
static const struct use writers[] = {WRITERS(X)}, readers[] = {READERS(X)};
#undef X
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct uop *use_memory(struct harness *h, unsigned width)
{
	struct uop *u = harness_uop(h, width);

	u->disp = AT;
	u->imm = 1;
	u->dst = u->src = RBX;
	h->cpu.s.gpr.r64[RBX] = 3;
	h->cpu.s.gpr.r64[RAX] = 0x77;
	harness_set_flags(h, FLAG_CF | FLAG_SF);
	return u;
}

static void a_read_only_page_refuses_the_write_before_anything_happens(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, AT, PAGE_RO);
	for (unsigned i = 0; i < COUNT(writers); i++) {
		struct uop *u = use_memory(h, 32);
		harness_store(h, AT, 8, 0x1122334455667788);
		union gpr_file before = h->cpu.s.gpr;
		/* A second try runs into the TLB entry that the first one may have left. */
		for (unsigned k = 0; k < 2; k++) {
			(void)u;
			assert_int_equal(harness_run(h, writers[i].set, writers[i].form), FAULT);
			assert_int_equal(h->cpu.fault.vector, VEC_PF);
			assert_int_equal(h->cpu.fault.error, PF_P | PF_W);
			assert_int_equal(h->cpu.fault.cr2, AT);
			assert_memory_equal(&before, &h->cpu.s.gpr, sizeof(before));
			assert_int_equal(harness_flags(h), FLAG_CF | FLAG_SF);
			assert_int_equal(harness_load(h, AT, 8), 0x1122334455667788);
		}
	}
}

static void readers_do_not_need_the_right_to_write(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, AT, PAGE_RO);
	for (unsigned i = 0; i < COUNT(readers); i++) {
		use_memory(h, 32);
		assert_int_equal(harness_run(h, readers[i].set, readers[i].form), NEXT);
		use_memory(h, 32);
		assert_int_equal(harness_run(h, readers[i].set, readers[i].form), NEXT);
	}
}

static void a_missing_page_refuses_the_read(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, AT, PAGE_NO);
	for (unsigned i = 0; i < COUNT(readers); i++) {
		use_memory(h, 32);
		assert_int_equal(harness_run(h, readers[i].set, readers[i].form), FAULT);
		assert_int_equal(h->cpu.fault.error, 0);
		assert_int_equal(harness_flags(h), FLAG_CF | FLAG_SF);
		assert_int_equal(reg32(&h->cpu, RBX), 3);
	}
}

/* The first page may be written, the second not: neither is. */
static void an_operand_across_pages_is_written_whole_or_not_at_all(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, AT + 0x1000, PAGE_RO);
	for (unsigned i = 0; i < COUNT(writers); i++) {
		struct uop *u = use_memory(h, 32);
		u->disp = AT + 0xffe;
		harness_store(h, AT + 0xffe, 4, 0x11223344);
		assert_int_equal(harness_run(h, writers[i].set, writers[i].form), FAULT);
		assert_int_equal(h->cpu.fault.cr2, AT + 0x1000);
		assert_int_equal(harness_load(h, AT + 0xffe, 4), 0x11223344);
		assert_int_equal(harness_flags(h), FLAG_CF | FLAG_SF);
	}
}

static void an_operand_behind_the_limit_is_refused(void **state)
{
	struct harness *h = *state;

	h->cpu.s.seg[SEG_DS].limit = AT + 2;
	harness_segment(h, SEG_DS);
	for (unsigned i = 0; i < COUNT(writers); i++) {
		use_memory(h, 32);
		assert_int_equal(harness_run(h, writers[i].set, writers[i].form), FAULT);
		assert_int_equal(h->cpu.fault.vector, VEC_GP);
		assert_int_equal(h->cpu.fault.error, 0);
	}
	use_memory(h, 16);
	assert_int_equal(harness_run(h, &exec_add, FORM_MI), NEXT);
}

/* BX + SI wraps at 64 KiB. */
static void a_16_bit_address_wraps(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 32);

	u->base = RBX;
	u->index = RSI;
	u->disp = 0x10;
	u->addr_shift = 48;
	u->imm = 5;
	h->cpu.s.gpr.r64[RBX] = 0x1234fff0;
	h->cpu.s.gpr.r64[RSI] = 0x00015000;
	harness_store(h, AT, 4, 1);
	assert_int_equal(harness_run(h, &exec_add, FORM_MI), NEXT);
	assert_int_equal(harness_load(h, AT, 4), 6);
}

static void a_scaled_index_is_added_in_32_bits(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 32);

	u->base = RBX;
	u->index = RSI;
	u->scale = 3;
	u->disp = -8;
	u->imm = 5;
	h->cpu.s.gpr.r64[RBX] = 0x4008;
	h->cpu.s.gpr.r64[RSI] = 0xe0000200;
	harness_store(h, AT, 4, 1);
	assert_int_equal(harness_run(h, &exec_add, FORM_MI), NEXT);
	assert_int_equal(harness_load(h, AT, 4), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HARNESS_TEST(a_read_only_page_refuses_the_write_before_anything_happens),
		HARNESS_TEST(readers_do_not_need_the_right_to_write),
		HARNESS_TEST(a_missing_page_refuses_the_read),
		HARNESS_TEST(an_operand_across_pages_is_written_whole_or_not_at_all),
		HARNESS_TEST(an_operand_behind_the_limit_is_refused),
		HARNESS_TEST(a_16_bit_address_wraps),
		HARNESS_TEST(a_scaled_index_is_added_in_32_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
