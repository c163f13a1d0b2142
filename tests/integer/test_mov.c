/* MOV and its relatives. */
#include "integer/harness.h"

extern const struct exec exec_mov, exec_lea, exec_bswap, exec_cmovb, exec_setb, exec_cmpxchg, exec_cmpxchg8b, exec_xchg,
	exec_movzx8, exec_movsx16;

#define AT 0x5000u

static void a_16_bit_move_leaves_the_upper_half(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 16);

	u->dst = 4 * RCX;
	u->imm = 0xffffffffffff8001;
	h->cpu.s.gpr.r64[RCX] = 0x12345678;
	assert_int_equal(harness_run(h, &exec_mov, FORM_RI), NEXT);
	assert_int_equal(h->cpu.s.gpr.r64[RCX], 0x12348001);
}

static void a_sign_extended_immediate_is_cut_to_32_bits(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 32);

	u->dst = RCX;
	u->imm = UINT64_MAX;
	assert_int_equal(harness_run(h, &exec_mov, FORM_RI), NEXT);
	assert_int_equal(h->cpu.s.gpr.r64[RCX], 0xffffffff);
	u->disp = AT;
	harness_store(h, AT, 8, 0);
	assert_int_equal(harness_run(h, &exec_mov, FORM_MI), NEXT);
	assert_int_equal(harness_load(h, AT, 8), 0xffffffff);
}

/* MOV AL, moffs and back are the ordinary memory forms with a displacement. */
static void moffs_goes_between_accumulator_and_memory(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 8);

	u->disp = AT;
	u->dst = u->src = 8 * RAX;
	harness_store(h, AT, 1, 0x5a);
	h->cpu.s.gpr.r64[RAX] = 0x11223344;
	assert_int_equal(harness_run(h, &exec_mov, FORM_RM), NEXT);
	assert_int_equal(h->cpu.s.gpr.r64[RAX], 0x1122335a);
	u->disp = AT + 1;
	assert_int_equal(harness_run(h, &exec_mov, FORM_MR), NEXT);
	assert_int_equal(harness_load(h, AT, 2), 0x5a5a);
}

static void a_move_that_faults_changes_nothing(void **state)
{
	struct harness *h = *state;
	struct uop *u;

	harness_paging(h);
	harness_page(h, AT, PAGE_NO);
	u = harness_uop(h, 32);
	u->disp = AT;
	u->dst = u->src = RBX;
	h->cpu.s.gpr.r64[RBX] = 7;
	assert_int_equal(harness_run(h, &exec_mov, FORM_RM), FAULT);
	assert_int_equal(h->cpu.fault.error, 0);
	assert_int_equal(h->cpu.s.gpr.r64[RBX], 7);
	assert_int_equal(harness_run(h, &exec_mov, FORM_MR), FAULT);
	assert_int_equal(h->cpu.fault.error, PF_W);
	assert_int_equal(harness_run(h, &exec_mov, FORM_MI), FAULT);
	assert_int_equal(h->cpu.fault.error, PF_W);
}

/* Only as many bytes are read as the source has. */
static void extending_moves_read_the_source_width(void **state)
{
	struct harness *h = *state;
	struct uop *u;

	h->cpu.s.seg[SEG_DS].limit = AT;
	harness_segment(h, SEG_DS);
	u = harness_uop(h, 32);
	u->disp = AT;
	u->dst = RBX;
	harness_store(h, AT, 2, 0x80ff);
	assert_int_equal(harness_run(h, &exec_movzx8, FORM_RM), NEXT);
	assert_int_equal(h->cpu.s.gpr.r64[RBX], 0xff);
	assert_int_equal(harness_run(h, &exec_movsx16, FORM_RM), FAULT);
	assert_int_equal(h->cpu.fault.vector, VEC_GP);
	h->cpu.s.seg[SEG_DS].limit = AT + 1;
	harness_segment(h, SEG_DS);
	assert_int_equal(harness_run(h, &exec_movsx16, FORM_RM), NEXT);
	assert_int_equal(h->cpu.s.gpr.r64[RBX], 0xffff80ff);
}

static void lea_is_cut_to_the_address_size_and_then_to_the_operand_size(void **state)
{
	struct harness *h = *state;
	static const struct { uint8_t shift, width; uint64_t result; } cases[] = {
		{32, 32, 0x0002fffe}, {48, 32, 0x0000fffe}, {32, 16, 0xaaaafffe}, {48, 16, 0xaaaafffe},
	};

	for (unsigned i = 0; i < 4; i++) {
		struct uop *u = harness_uop(h, cases[i].width);
		u->base = RBX;
		u->index = RSI;
		u->scale = 1;
		u->disp = -2;
		u->addr_shift = cases[i].shift;
		u->dst = cases[i].width == 16 ? 4 * RDX : RDX;
		h->cpu.s.gpr.r64[RBX] = 0x00010000;
		h->cpu.s.gpr.r64[RSI] = 0x80010000;
		h->cpu.s.gpr.r64[RDX] = 0xaaaaaaaa;
		h->cpu.s.seg[SEG_DS].usable = false; /* no access, no check */
		harness_segment(h, SEG_DS);
		assert_int_equal(harness_run(h, &exec_lea, FORM_RM), NEXT);
		assert_int_equal(h->cpu.s.gpr.r64[RDX], cases[i].result);
	}
}

static void bswap_of_16_bits_gives_0(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 16);

	u->dst = 4 * RDX;
	h->cpu.s.gpr.r64[RDX] = 0x12345678;
	assert_int_equal(harness_run(h, &exec_bswap, FORM_R), NEXT);
	assert_int_equal(h->cpu.s.gpr.r64[RDX], 0x12340000);
}

static void cmov_reads_memory_whether_the_condition_holds_or_not(void **state)
{
	struct harness *h = *state;

	harness_paging(h);
	harness_page(h, AT, PAGE_NO);
	for (unsigned cf = 0; cf < 2; cf++) {
		struct uop *u = harness_uop(h, 32);
		u->disp = AT;
		u->dst = RBX;
		harness_set_flags(h, cf ? FLAG_CF : 0);
		assert_int_equal(harness_run(h, &exec_cmovb, FORM_RM), FAULT);
		assert_int_equal(h->cpu.fault.vector, VEC_PF);
	}
}

static void setcc_writes_a_byte_and_faults_as_a_write(void **state)
{
	struct harness *h = *state;
	struct uop *u;

	harness_paging(h);
	u = harness_uop(h, 8);
	u->disp = AT;
	harness_store(h, AT, 4, 0xffffffff);
	harness_set_flags(h, FLAG_CF);
	assert_int_equal(harness_run(h, &exec_setb, FORM_M), NEXT);
	assert_int_equal(harness_load(h, AT, 4), 0xffffff01);
	harness_page(h, AT, PAGE_RO);
	assert_int_equal(harness_run(h, &exec_setb, FORM_M), FAULT);
	assert_int_equal(h->cpu.fault.error, PF_P | PF_W);
}

/* An unequal comparison writes the old value back: a read-only page refuses it. */
static void cmpxchg_writes_even_when_unequal(void **state)
{
	struct harness *h = *state;
	struct uop *u;

	harness_paging(h);
	harness_page(h, AT, PAGE_RO);
	u = harness_uop(h, 32);
	u->disp = AT;
	u->src = RBX;
	harness_store(h, AT, 4, 5);
	h->cpu.s.gpr.r64[RAX] = 6;
	assert_int_equal(harness_run(h, &exec_cmpxchg, FORM_MR), FAULT);
	assert_int_equal(h->cpu.fault.error, PF_P | PF_W);
	assert_int_equal(h->cpu.s.gpr.r64[RAX], 6);
}

static void count_write(void *owner, uint64_t offset, unsigned bytes, uint64_t value)
{
	unsigned *writes = owner;

	*writes += value == 5;
}
static uint64_t read_5(void *owner, uint64_t offset, unsigned bytes) { return 5; }

static void cmpxchg_writes_the_old_value_back_to_a_device(void **state)
{
	struct harness *h = *state;
	struct mmio_ops ops = {read_5, count_write};
	unsigned writes = 0;

	assert_non_null(bus_add_mmio(h->bus, "device", 0x400000, 0x1000, ops, &writes, 0));
	h->cpu.mmu.alone = true;
	harness_uop(h, 32)->disp = 0x400000;
	h->cpu.s.gpr.r64[RAX] = 6;
	assert_int_equal(harness_run(h, &exec_cmpxchg, FORM_MR), NEXT);
	assert_int_equal(writes, 1);
	assert_int_equal(h->cpu.s.gpr.r64[RAX], 5);
	h->cpu.mmu.alone = false;
}

static void cmpxchg8b_exchanges_when_equal(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 64);

	u->disp = AT + 0xffd; /* across a page */
	u->width = 32;
	harness_store(h, AT + 0xffd, 8, 0x1122334455667788);
	h->cpu.s.gpr.r64[RDX] = 0x11223344;
	h->cpu.s.gpr.r64[RAX] = 0x55667788;
	h->cpu.s.gpr.r64[RCX] = 0xaabbccdd;
	h->cpu.s.gpr.r64[RBX] = 0xeeff0011;
	harness_set_flags(h, FLAGS_STATUS & ~FLAG_ZF);
	assert_int_equal(harness_run(h, &exec_cmpxchg8b, FORM_M), NEXT);
	assert_int_equal(harness_load(h, AT + 0xffd, 8), 0xaabbccddeeff0011);
	assert_int_equal(harness_flags(h), FLAGS_STATUS);
}

static void cmpxchg8b_loads_edx_eax_when_unequal_and_touches_only_zf(void **state)
{
	struct harness *h = *state;
	struct uop *u = harness_uop(h, 32);

	u->disp = AT;
	harness_store(h, AT, 8, 0x1122334455667788);
	h->cpu.s.gpr.r64[RDX] = 0x11223344;
	h->cpu.s.gpr.r64[RAX] = 0x55667789;
	harness_set_flags(h, FLAGS_STATUS);
	assert_int_equal(harness_run(h, &exec_cmpxchg8b, FORM_M), NEXT);
	assert_int_equal(harness_load(h, AT, 8), 0x1122334455667788);
	assert_int_equal(h->cpu.s.gpr.r64[RAX], 0x55667788);
	assert_int_equal(h->cpu.s.gpr.r64[RDX], 0x11223344);
	assert_int_equal(harness_flags(h), FLAGS_STATUS & ~FLAG_ZF);
}

static void a_device_asks_for_the_instruction_to_run_alone(void **state)
{
	struct harness *h = *state;
	struct mmio_ops ops = {0};
	struct uop *u;

	assert_non_null(bus_add_mmio(h->bus, "device", 0x400000, 0x1000, ops, h, 0));
	u = harness_uop(h, 32);
	u->disp = 0x400000;
	u->dst = u->src = RBX;
	assert_int_equal(harness_run(h, &exec_mov, FORM_RM), ALONE);
	assert_int_equal(harness_run(h, &exec_mov, FORM_MR), ALONE);
	assert_int_equal(harness_run(h, &exec_xchg, FORM_MR), ALONE);
	assert_int_equal(h->cpu.icount, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HARNESS_TEST(a_16_bit_move_leaves_the_upper_half),
		HARNESS_TEST(a_sign_extended_immediate_is_cut_to_32_bits),
		HARNESS_TEST(moffs_goes_between_accumulator_and_memory),
		HARNESS_TEST(a_move_that_faults_changes_nothing),
		HARNESS_TEST(extending_moves_read_the_source_width),
		HARNESS_TEST(lea_is_cut_to_the_address_size_and_then_to_the_operand_size),
		HARNESS_TEST(bswap_of_16_bits_gives_0),
		HARNESS_TEST(cmov_reads_memory_whether_the_condition_holds_or_not),
		HARNESS_TEST(setcc_writes_a_byte_and_faults_as_a_write),
		HARNESS_TEST(cmpxchg_writes_even_when_unequal),
		HARNESS_TEST(cmpxchg_writes_the_old_value_back_to_a_device),
		HARNESS_TEST(cmpxchg8b_exchanges_when_equal),
		HARNESS_TEST(cmpxchg8b_loads_edx_eax_when_unequal_and_touches_only_zf),
		HARNESS_TEST(a_device_asks_for_the_instruction_to_run_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
