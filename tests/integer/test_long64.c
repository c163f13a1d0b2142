/* Integer instructions in 64-bit mode: what comparing results cannot show (see test_native.c). */
#include "integer/harness.h"

#include <string.h>

#define EXECS(X) X(mov) X(lea) X(cmove) X(add) X(shl) X(sar) X(bt) X(bts) X(div) X(idiv) X(push) X(pop) \
	X(enter) X(leave) X(movs) X(stos) X(lods) X(scas) X(cmps) X(xlat) X(mov_offset)
#define X(name) extern const struct exec exec_##name;
EXECS(X)
#undef X

#define AT       0x5000u
#define GIB4     UINT64_C(0x100000000)
#define LOW_END  UINT64_C(0x0000800000000000) /* the first address that is not canonical */
#define HIGH     UINT64_C(0xffff800000000000) /* the first one that is again */
#define LAST_RAM (MEMORY - 1)                 /* what lies below each GiB's end */

static uint64_t gpr(const struct harness *h, unsigned n) { return h->cpu.s.gpr.r64[n]; }
static void set_gpr(struct harness *h, unsigned n, uint64_t v) { h->cpu.s.gpr.r64[n] = v; }

static int long64_setup(void **state)
{
	harness_setup(state);
	harness_long64(*state);
	return 0;
}

static void expect_fault(const struct harness *h, enum vector vector, enum why why)
{
	assert_int_equal(h->cpu.fault.vector, vector);
	assert_int_equal(h->cpu.fault.error, 0);
	assert_int_equal(h->cpu.fault.why, why);
}

/* ---- results ---- */
static void results_of_32_bits_clear_the_upper_half(void **state)
{
	struct harness *h = *state;

	set_gpr(h, RBX, UINT64_MAX);
	harness_uop(h, 32)->dst = RBX;
	assert_int_equal(harness_run(h, &exec_add, FORM_RI), NEXT);
	assert_int_equal(gpr(h, RBX), 0xffffffff);
	set_gpr(h, RBX, UINT64_MAX);
	harness_uop(h, 16)->dst = 4 * RBX;
	h->u[0].imm = 1;
	assert_int_equal(harness_run(h, &exec_add, FORM_RI), NEXT);
	assert_int_equal(gpr(h, RBX), 0xffffffffffff0000);
}

static void cmov_of_32_bits_clears_the_upper_half_even_when_false(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 32);

	u->dst = RBX;
	u->src = RCX;
	u->disp = AT;
	set_gpr(h, RBX, UINT64_MAX - 1);
	harness_set_flags(h, 0);
	assert_int_equal(harness_run(h, &exec_cmove, FORM_RR), NEXT);
	assert_int_equal(gpr(h, RBX), 0xfffffffe);
	set_gpr(h, RBX, UINT64_MAX - 2);
	assert_int_equal(harness_run(h, &exec_cmove, FORM_RM), NEXT);
	assert_int_equal(gpr(h, RBX), 0xfffffffd);
}

static void shift_counts_are_masked_by_63(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 64);

	u->dst = RBX;
	u->imm = 127;
	set_gpr(h, RBX, 3);
	assert_int_equal(harness_run(h, &exec_shl, FORM_RI), NEXT);
	assert_int_equal(gpr(h, RBX), UINT64_C(1) << 63);
	u->imm = 64;
	harness_set_flags(h, FLAGS_STATUS);
	assert_int_equal(harness_run(h, &exec_sar, FORM_RI), NEXT);
	assert_int_equal(gpr(h, RBX), UINT64_C(1) << 63);
	assert_int_equal(harness_flags(h), FLAGS_STATUS);
}

static void lea_is_cut_by_address_size_then_by_operand_size(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 64);

	u->dst = RBX;
	u->base = RSI;
	u->disp = -1;
	set_gpr(h, RSI, 0x1234567800000000);
	assert_int_equal(harness_run(h, &exec_lea, FORM_RM), NEXT);
	assert_int_equal(gpr(h, RBX), 0x12345677ffffffff);
	u->addr_shift = 32;
	assert_int_equal(harness_run(h, &exec_lea, FORM_RM), NEXT);
	assert_int_equal(gpr(h, RBX), 0xffffffff);
	u->addr_shift = 0;
	u->width = 32;
	assert_int_equal(harness_run(h, &exec_lea, FORM_RM), NEXT);
	assert_int_equal(gpr(h, RBX), 0xffffffff);
}

static void quotients_of_128_bits(void **state)
{
	struct harness *h = *state;

	harness_uop(h, 64)->dst = RBX;
	set_gpr(h, RDX, 4);
	set_gpr(h, RAX, 0x8000000000000003);
	set_gpr(h, RBX, 5);
	assert_int_equal(harness_run(h, &exec_div, FORM_R), NEXT);
	assert_int_equal(gpr(h, RAX), 0xe666666666666667);
	assert_int_equal(gpr(h, RDX), 0);
	set_gpr(h, RDX, 5);
	assert_int_equal(harness_run(h, &exec_div, FORM_R), FAULT);
	expect_fault(h, VEC_DE, WHY_DIVIDE_OVERFLOW);
	set_gpr(h, RBX, 0);
	assert_int_equal(harness_run(h, &exec_div, FORM_R), FAULT);
	expect_fault(h, VEC_DE, WHY_DIVIDE_ZERO);
	/* The most negative quotient is allowed, one less is not, nor -2^127 / -1. */
	set_gpr(h, RDX, UINT64_MAX);
	set_gpr(h, RAX, UINT64_C(1) << 63);
	set_gpr(h, RBX, 1);
	assert_int_equal(harness_run(h, &exec_idiv, FORM_R), NEXT);
	assert_int_equal(gpr(h, RAX), UINT64_C(1) << 63);
	assert_int_equal(gpr(h, RDX), 0);
	set_gpr(h, RDX, UINT64_MAX);
	set_gpr(h, RAX, (UINT64_C(1) << 63) - 1);
	assert_int_equal(harness_run(h, &exec_idiv, FORM_R), FAULT);
	expect_fault(h, VEC_DE, WHY_DIVIDE_OVERFLOW);
	set_gpr(h, RDX, UINT64_C(1) << 63);
	set_gpr(h, RAX, 0);
	set_gpr(h, RBX, UINT64_MAX);
	assert_int_equal(harness_run(h, &exec_idiv, FORM_R), FAULT);
	expect_fault(h, VEC_DE, WHY_DIVIDE_OVERFLOW);
}

/* ---- addresses ---- */
static void segments_but_fs_and_gs_have_no_base_limit_or_type(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 64);

	harness_store(h, AT, 8, 0x1122334455667788);
	harness_store(h, 0x6000 + AT, 8, 0x99);
	u->dst = RBX;
	u->disp = AT;
	for (unsigned seg = SEG_ES; seg <= SEG_DS; seg++) {
		h->cpu.s.seg[seg].usable = false;
		harness_segment(h, (enum seg)seg);
		u->seg = (uint8_t)seg;
		set_gpr(h, RBX, 0);
		assert_int_equal(harness_run(h, &exec_mov, FORM_RM), NEXT);
		assert_int_equal(gpr(h, RBX), 0x1122334455667788);
	}
	h->cpu.s.seg[SEG_GS].base = HIGH + 0x6000;
	h->cpu.s.seg[SEG_GS].limit = 0;
	harness_segment(h, SEG_GS);
	u->seg = SEG_GS;
	assert_int_equal(harness_run(h, &exec_mov, FORM_RM), NEXT);
	assert_int_equal(gpr(h, RBX), 0x99);
}

static void an_address_that_is_not_canonical_is_gp_or_by_ss_a_stack_fault(void **state)
{
	struct harness *h = *state;
	const uint64_t bad[] = {LOW_END, HIGH - 1, LOW_END - 7, HIGH - 8, UINT64_C(1) << 63};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct uop *u = harness_uop(h, 64);
		u->dst = u->src = RBX;
		u->base = RSI;
		set_gpr(h, RSI, bad[i]);
		set_gpr(h, RBX, 5);
		assert_int_equal(harness_run(h, &exec_mov, FORM_RM), FAULT);
		expect_fault(h, VEC_GP, WHY_NON_CANONICAL);
		assert_int_equal(harness_run(h, &exec_mov, FORM_MR), FAULT);
		expect_fault(h, VEC_GP, WHY_NON_CANONICAL);
		assert_int_equal(harness_run(h, &exec_add, FORM_MR), FAULT);
		expect_fault(h, VEC_GP, WHY_NON_CANONICAL);
		u->seg = SEG_SS;
		assert_int_equal(harness_run(h, &exec_add, FORM_MR), FAULT);
		expect_fault(h, VEC_SS, WHY_NON_CANONICAL);
		assert_int_equal(gpr(h, RBX), 5);
	}
	harness_uop(h, 64)->base = RSI;
	h->u[0].dst = RBX;
	set_gpr(h, RSI, LOW_END - 8);
	assert_int_equal(harness_run(h, &exec_mov, FORM_RM), NEXT);
	set_gpr(h, RSI, HIGH);
	assert_int_equal(harness_run(h, &exec_mov, FORM_RM), NEXT);
}

static void the_base_of_fs_counts_before_the_address_is_judged(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 32);

	u->seg = SEG_FS;
	u->base = RSI;
	u->dst = RBX;
	h->cpu.s.seg[SEG_FS].base = HIGH + AT;
	harness_segment(h, SEG_FS);
	harness_store(h, AT + 4, 4, 77);
	set_gpr(h, RSI, 4);
	assert_int_equal(harness_run(h, &exec_mov, FORM_RM), NEXT);
	assert_int_equal(gpr(h, RBX), 77);
	set_gpr(h, RSI, HIGH + 4); /* the sum is canonical in the lower half */
	h->cpu.s.seg[SEG_FS].base = AT - HIGH;
	harness_segment(h, SEG_FS);
	set_gpr(h, RBX, 0);
	assert_int_equal(harness_run(h, &exec_mov, FORM_RM), NEXT);
	assert_int_equal(gpr(h, RBX), 77);
	set_gpr(h, RSI, LOW_END);
	assert_int_equal(harness_run(h, &exec_mov, FORM_RM), FAULT);
	expect_fault(h, VEC_GP, WHY_NON_CANONICAL);
}

static void a_67h_prefix_cuts_the_sum_to_32_bits(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 64);

	u->base = RSI;
	u->index = RDI;
	u->scale = 3;
	u->disp = 0x10;
	u->dst = RBX;
	u->addr_shift = 32;
	set_gpr(h, RSI, 0x7777000000000000 + AT);
	set_gpr(h, RDI, UINT64_MAX);
	harness_store(h, AT + 8, 8, 123);
	assert_int_equal(harness_run(h, &exec_mov, FORM_RM), NEXT);
	assert_int_equal(gpr(h, RBX), 123);
}

static void a_bit_offset_of_64_bits_reaches_either_way(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 64);

	u->base = RSI;
	u->src = RBX;
	set_gpr(h, RSI, AT + 0x40000000);
	set_gpr(h, RBX, (uint64_t)-0x40000000 * 8 + 67);
	harness_store(h, AT + 8, 8, 8);
	assert_int_equal(harness_run(h, &exec_bt, FORM_MR), NEXT);
	assert_int_equal(harness_flags(h), FLAG_CF);
	set_gpr(h, RSI, AT);
	set_gpr(h, RBX, UINT64_C(0x40000000) * 8 + 67);
	assert_int_equal(harness_run(h, &exec_bts, FORM_MR), NEXT);
	assert_int_equal(harness_flags(h), FLAG_CF);
	set_gpr(h, RBX, LOW_END * 8);
	assert_int_equal(harness_run(h, &exec_bt, FORM_MR), FAULT);
	expect_fault(h, VEC_GP, WHY_NON_CANONICAL);
}

static void xlat_adds_al_in_64_bits(void **state)
{
	struct harness *h = *state;

	harness_uop(h, 8);
	set_gpr(h, RBX, HIGH + AT);
	set_gpr(h, RAX, 0x7fffff05);
	harness_store(h, AT + 5, 1, 0x42);
	assert_int_equal(harness_run(h, &exec_xlat, FORM_NONE), NEXT);
	assert_int_equal(gpr(h, RAX), 0x7fffff42);
}

static void an_offset_of_64_bits_is_the_whole_address(void **state)
{
	struct harness *h = *state;

	for (unsigned width = 8; width <= 64; width *= 2) {
		uint64_t mask = UINT64_MAX >> (64 - width);
		harness_store(h, AT, 8, 0x1122334455667788);
		harness_uop(h, width)->imm = HIGH + AT;
		set_gpr(h, RAX, 0);
		assert_int_equal(harness_run(h, &exec_mov_offset, FORM_RM), NEXT);
		assert_int_equal(gpr(h, RAX), 0x1122334455667788 & mask);
		set_gpr(h, RAX, 0);
		assert_int_equal(harness_run(h, &exec_mov_offset, FORM_MR), NEXT);
		assert_int_equal(harness_load(h, AT, 8), 0x1122334455667788 & ~mask);
		h->u[0].imm = HIGH - width / 8;
		assert_int_equal(harness_run(h, &exec_mov_offset, FORM_MR), FAULT);
		expect_fault(h, VEC_GP, WHY_NON_CANONICAL);
		assert_int_equal(harness_run(h, &exec_mov_offset, FORM_RM), FAULT);
	}
}

/* ---- the stack ---- */
static void the_stack_pointer_has_64_bits_whatever_the_operand_size(void **state)
{
	struct harness *h = *state;

	h->cpu.s.seg[SEG_SS].db = false;
	harness_segment(h, SEG_SS);
	set_gpr(h, RSP, HIGH + 0x10000);
	set_gpr(h, RBX, 0x1122334455667788);
	harness_uop(h, 64)->dst = RBX;
	assert_int_equal(harness_run(h, &exec_push, FORM_R), NEXT);
	assert_int_equal(gpr(h, RSP), HIGH + 0xfff8);
	assert_int_equal(harness_load(h, 0xfff8, 8), 0x1122334455667788);
	harness_uop(h, 16)->dst = 4 * RBX;
	assert_int_equal(harness_run(h, &exec_push, FORM_R), NEXT);
	assert_int_equal(gpr(h, RSP), HIGH + 0xfff6);
	assert_int_equal(harness_load(h, 0xfff6, 2), 0x7788);
	harness_uop(h, 16)->dst = 4 * RCX;
	assert_int_equal(harness_run(h, &exec_pop, FORM_R), NEXT);
	harness_uop(h, 64)->dst = RDX;
	assert_int_equal(harness_run(h, &exec_pop, FORM_R), NEXT);
	assert_int_equal(gpr(h, RSP), HIGH + 0x10000);
	assert_int_equal(gpr(h, RCX), 0x7788);
	assert_int_equal(gpr(h, RDX), 0x1122334455667788);
}

static void push_immediate_is_extended_by_its_sign(void **state)
{
	struct harness *h = *state;

	harness_uop(h, 64)->imm = (uint64_t)-5;
	assert_int_equal(harness_run(h, &exec_push, FORM_I), NEXT);
	assert_int_equal(harness_load(h, STACK_TOP - 8, 8), (uint64_t)-5);
}

static void a_push_to_no_canonical_address_is_a_stack_fault(void **state)
{
	struct harness *h = *state;

	set_gpr(h, RSP, HIGH);
	harness_uop(h, 64)->dst = RBX;
	assert_int_equal(harness_run(h, &exec_push, FORM_R), FAULT);
	expect_fault(h, VEC_SS, WHY_NON_CANONICAL);
	set_gpr(h, RSP, LOW_END);
	assert_int_equal(harness_run(h, &exec_push, FORM_R), NEXT);
	set_gpr(h, RSP, LOW_END - 4);
	assert_int_equal(harness_run(h, &exec_pop, FORM_R), FAULT);
	expect_fault(h, VEC_SS, WHY_NON_CANONICAL);
	assert_int_equal(gpr(h, RSP), LOW_END - 4);
}

static void enter_and_leave_move_rbp_and_rsp(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 64);

	u->imm = 0x20;
	u->disp = 2; /* two levels: one copied, one of its own */
	set_gpr(h, RSP, HIGH + 0x9000);
	set_gpr(h, RBP, HIGH + 0x9108);
	harness_store(h, 0x9100, 8, 0xabcdef0123456789);
	assert_int_equal(harness_run(h, &exec_enter, FORM_II), NEXT);
	assert_int_equal(gpr(h, RBP), HIGH + 0x8ff8);
	assert_int_equal(gpr(h, RSP), HIGH + 0x9000 - 24 - 0x20);
	assert_int_equal(harness_load(h, 0x8ff8, 8), HIGH + 0x9108);
	assert_int_equal(harness_load(h, 0x8ff0, 8), 0xabcdef0123456789);
	assert_int_equal(harness_load(h, 0x8fe8, 8), HIGH + 0x8ff8);
	harness_uop(h, 64);
	assert_int_equal(harness_run(h, &exec_leave, FORM_NONE), NEXT);
	assert_int_equal(gpr(h, RBP), HIGH + 0x9108);
	assert_int_equal(gpr(h, RSP), HIGH + 0x9000);
}

/* ---- strings ---- */
static struct uop *string_uop(struct harness *h, unsigned width, uint64_t rsi, uint64_t rdi, uint64_t rcx)
{
	struct uop *u = harness_uop(h, width);

	u->flags = UOP_REP;
	set_gpr(h, RSI, rsi);
	set_gpr(h, RDI, rdi);
	set_gpr(h, RCX, rcx);
	return u;
}

static void expect_registers(const struct harness *h, uint64_t rsi, uint64_t rdi, uint64_t rcx)
{
	assert_int_equal(gpr(h, RSI), rsi);
	assert_int_equal(gpr(h, RDI), rdi);
	assert_int_equal(gpr(h, RCX), rcx);
}

static void strings_count_in_rcx_and_cross_4_gib(void **state)
{
	struct harness *h = *state;

	harness_store(h, LAST_RAM - 7, 8, 0x1111111111111111);
	harness_store(h, 0, 8, 0x2222222222222222);
	for (unsigned k = 0; k < 2; k++) { /* cold and warm TLB */
		harness_store(h, AT, 8, 0);
		harness_store(h, AT + 8, 8, 0);
		string_uop(h, 64, GIB4 - 8, HIGH + AT, 2);
		assert_int_equal(harness_run(h, &exec_movs, FORM_REP), LEFT);
		expect_registers(h, GIB4 + 8, HIGH + AT + 16, 0);
		assert_int_equal(harness_load(h, AT, 8), 0x1111111111111111);
		assert_int_equal(harness_load(h, AT + 8, 8), 0x2222222222222222);
	}
	/* RCX = 2^32 is not 0. */
	h->budget = 3;
	string_uop(h, 8, AT, AT + 0x100, GIB4);
	assert_int_equal(harness_run(h, &exec_movs, FORM_REP), AGAIN);
	expect_registers(h, AT + 3, AT + 0x103, GIB4 - 3);
}

static void strings_with_67h_count_in_ecx_and_wrap_at_4_gib(void **state)
{
	struct harness *h = *state;

	harness_store(h, LAST_RAM - 3, 4, 0x11111111);
	harness_store(h, 0, 4, 0x22222222);
	for (unsigned k = 0; k < 2; k++) {
		harness_store(h, AT, 8, 0);
		string_uop(h, 16, UINT64_C(0x7777777700000000) + GIB4 - 4, UINT64_C(0x5555555500000000) + AT,
			   UINT64_C(0x3333333300000004))->addr_shift = 32;
		assert_int_equal(harness_run(h, &exec_movs, FORM_REP), LEFT);
		expect_registers(h, 4, AT + 8, 0);
		assert_int_equal(harness_load(h, AT, 8), 0x2222222211111111);
	}
	string_uop(h, 8, 0, GIB4 - 2, 4)->addr_shift = 32;
	set_gpr(h, RAX, 0x5a);
	assert_int_equal(harness_run(h, &exec_stos, FORM_REP), LEFT);
	assert_int_equal(gpr(h, RDI), 2);
	assert_int_equal(harness_load(h, 0, 2), 0x5a5a);
	assert_int_equal(harness_load(h, LAST_RAM - 1, 2), 0x5a5a);
}

static void strings_stop_at_the_canonical_boundary(void **state)
{
	struct harness *h = *state;

	for (unsigned k = 0; k < 2; k++) {
		string_uop(h, 8, AT, LOW_END - 5, 9);
		assert_int_equal(harness_run(h, &exec_movs, FORM_REP), FAULT);
		expect_fault(h, VEC_GP, WHY_NON_CANONICAL);
		expect_registers(h, AT + 5, LOW_END, 4);
		string_uop(h, 64, 0, LOW_END - 12, 9);
		assert_int_equal(harness_run(h, &exec_stos, FORM_REP), FAULT);
		expect_registers(h, 0, LOW_END - 4, 8);
		string_uop(h, 32, LOW_END - 8, 0, 9);
		assert_int_equal(harness_run(h, &exec_lods, FORM_REP), FAULT);
		expect_registers(h, LOW_END, 0, 7);
	}
	string_uop(h, 8, 0, HIGH + 1, 9);
	h->cpu.s.rflags |= FLAG_DF;
	assert_int_equal(harness_run(h, &exec_stos, FORM_REP), FAULT);
	expect_registers(h, 0, HIGH - 1, 7);
}

static void strings_of_quadwords_compare_all_64_bits(void **state)
{
	struct harness *h = *state;

	harness_store(h, AT, 8, 0x8000000000000000);
	harness_store(h, AT + 8, 8, 0x8000000000000001);
	set_gpr(h, RAX, 0x8000000000000000);
	string_uop(h, 64, 0, AT, 5);
	assert_int_equal(harness_run(h, &exec_scas, FORM_REP), LEFT);
	expect_registers(h, 0, AT + 16, 3);
	assert_int_equal(harness_flags(h), FLAG_CF | FLAG_SF | FLAG_AF | FLAG_PF);
	string_uop(h, 64, AT, AT + 8, 5);
	assert_int_equal(harness_run(h, &exec_cmps, FORM_NONE), NEXT);
	expect_registers(h, AT + 8, AT + 16, 5);
	assert_int_equal(harness_flags(h), FLAG_CF | FLAG_SF | FLAG_AF | FLAG_PF);
}

#define T(f) cmocka_unit_test_setup_teardown(f, long64_setup, harness_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(results_of_32_bits_clear_the_upper_half),
		T(cmov_of_32_bits_clears_the_upper_half_even_when_false),
		T(shift_counts_are_masked_by_63),
		T(lea_is_cut_by_address_size_then_by_operand_size),
		T(quotients_of_128_bits),
		T(segments_but_fs_and_gs_have_no_base_limit_or_type),
		T(an_address_that_is_not_canonical_is_gp_or_by_ss_a_stack_fault),
		T(the_base_of_fs_counts_before_the_address_is_judged),
		T(a_67h_prefix_cuts_the_sum_to_32_bits),
		T(a_bit_offset_of_64_bits_reaches_either_way),
		T(xlat_adds_al_in_64_bits),
		T(an_offset_of_64_bits_is_the_whole_address),
		T(the_stack_pointer_has_64_bits_whatever_the_operand_size),
		T(push_immediate_is_extended_by_its_sign),
		T(a_push_to_no_canonical_address_is_a_stack_fault),
		T(enter_and_leave_move_rbp_and_rsp),
		T(strings_count_in_rcx_and_cross_4_gib),
		T(strings_with_67h_count_in_ecx_and_wrap_at_4_gib),
		T(strings_stop_at_the_canonical_boundary),
		T(strings_of_quadwords_compare_all_64_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
