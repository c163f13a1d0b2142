/* The state of 64-bit processors: what the library says of it, and what it refuses. */
#include <string.h>

#include "world.h"

#define PML4      0x30000u /* over handlers that nobody calls here */
#define EFER_LONG 0x500u   /* LME, LMA */
#define CR0_PG    0x80000000u
#define CR4_PAE   0x20u
#define OLD_SIZE  (offsetof(struct tg_state, fdp) + sizeof(uint64_t)) /* of the first version */
#define CANONICAL UINT64_C(0xffff800000000000)
#define BETWEEN   UINT64_C(0x0100000000000000)

static struct tg_cpu *first(struct tg_machine *m)
{
	return tg_machine_cpu(m, 0);
}

static struct tg_machine *of_model(const char *model)
{
	struct tg_config config = {.size = sizeof(config), .board = TG_BOARD_BARE, .ram = WORLD_RAM, .cpu = model};
	struct tg_machine *m;

	OK(tg_machine_new(&config, &m, NULL, 0));
	return m;
}

static struct tg_state state_of(struct tg_machine *m)
{
	struct tg_state s = {.size = sizeof(s)};

	OK(tg_state_get(first(m), &s));
	return s;
}

/* 64-bit mode at CPL 0; one page of 2 MiB maps the memory onto itself. */
static struct tg_machine *world_long(void)
{
	static const uint64_t entry[3] = {(PML4 + 0x1000) | 7, (PML4 + 0x2000) | 7, 0x87};
	struct tg_machine *m = world_new(0);
	struct tg_state s;

	for (unsigned i = 0; i < 3; i++)
		world_code(m, PML4 + i * 0x1000, &entry[i], 8);
	s = state_of(m);
	s.cr0 |= CR0_PG;
	s.cr3 = PML4;
	s.cr4 |= CR4_PAE;
	s.efer = EFER_LONG;
	s.segment[TG_SEG_CS].l = true;
	s.segment[TG_SEG_CS].db = false;
	OK(tg_state_set(first(m), &s));
	return m;
}

static void instructions_run_in_64_bit_mode(void **state)
{
	struct tg_machine *m = world_long();
	char text[4096];
	unsigned length;

	CODE(m, 0xb8, 5, 0, 0, 0, 0x0f, 0x01, 0xf8); /* MOV EAX, 5; SWAPGS */
	OK(tg_register_set(first(m), TG_RAX, UINT64_MAX));
	OK(tg_register_set(first(m), TG_R15, BETWEEN)); /* no address */
	OK(tg_register_set(first(m), TG_KERNEL_GS_BASE, CANONICAL));
	OK(tg_disassemble(first(m), WORLD_CODE + 5, text, sizeof(text), &length));
	assert_string_equal(text, "swapgs");
	world_run(m, 2);
	assert_true(world_get(m, TG_RAX) == 5);
	assert_true(world_get(m, TG_R15) == BETWEEN);
	assert_true(world_get(m, TG_GS_BASE) == CANONICAL);
	assert_true(world_get(m, TG_KERNEL_GS_BASE) == 0);
	assert_true(world_get(m, TG_RIP) == WORLD_CODE + 8);
	OK(tg_state_text(m, text, sizeof(text)));
	assert_non_null(strstr(text, "at 0008:0000000000008008"));
	assert_non_null(strstr(text, "r15 0100000000000000"));
	assert_non_null(strstr(text, "gs base ffff800000000000"));
	assert_non_null(strstr(text, "efer 00000500"));
	tg_machine_free(m);
}

static enum tg_action note_linear(void *owner, struct tg_cpu *cpu, const struct tg_instruction *i)
{
	*(uint64_t *)owner = i->linear;
	return TG_GO;
}

/* SDM 3A, "Segmentation in IA-32e Mode": CS's base counts as 0. */
static void a_hooked_instruction_has_no_base_in_64_bit_mode(void **state)
{
	struct tg_machine *m = world_long();
	struct tg_state s = state_of(m);
	uint64_t linear = 0;

	CODE(m, 0x90);
	s.segment[TG_SEG_CS].base = 0x10000;
	OK(tg_state_set(first(m), &s));
	OK(tg_hook_instruction(m, note_linear, &linear, NULL));
	world_run(m, 1);
	assert_int_equal(linear, WORLD_CODE);
	tg_machine_free(m);
}

static void lower_halves_clear_the_upper_ones(void **state)
{
	struct tg_machine *m = world_long();

	OK(tg_register_set(first(m), TG_RCX, UINT64_C(0x1122334455667788)));
	assert_true(world_get(m, TG_ECX) == 0x55667788);
	OK(tg_register_set(first(m), TG_CH, 0xff));
	assert_true(world_get(m, TG_RCX) == UINT64_C(0x112233445566ff88));
	OK(tg_register_set(first(m), TG_ECX, 7));
	assert_true(world_get(m, TG_RCX) == 7);
	tg_machine_free(m);
}

static void addresses_are_canonical_and_modes_agree(void **state)
{
	static const struct {
		enum tg_register reg;
		uint64_t value;
	} bad[] = {
		{TG_RIP, BETWEEN},
		{TG_RIP, UINT64_C(0x800000000000)}, /* with 4 levels of tables */
		{TG_FS_BASE, BETWEEN},
		{TG_LSTAR, BETWEEN},
		{TG_KERNEL_GS_BASE, BETWEEN},
		{TG_GDTR_BASE, BETWEEN},
		{TG_CR3, UINT64_C(1) << 60},
		{TG_CR4, 0},          /* PAE in IA-32e mode */
		{TG_CR0, 0x11},       /* LMA without paging */
		{TG_EFER, 0x400},     /* LMA without LME */
		{TG_EFER, 0x2},       /* no such bit */
		{TG_RFLAGS, 0x20002}, /* VM */
		{TG_CR8, 16},
		{TG_XCR0, 0}, /* x87 is always on */
		{TG_XCR0, 5}, /* AVX without SSE */
		{TG_MXCSR, 0x10000},
	};
	struct tg_machine *m = world_long();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t before = world_get(m, bad[i].reg);
		assert_int_equal(tg_register_set(first(m), bad[i].reg, bad[i].value), TG_ERROR_VALUE);
		assert_true(world_get(m, bad[i].reg) == before);
	}
	OK(tg_register_set(first(m), TG_LSTAR, CANONICAL));
	OK(tg_register_set(first(m), TG_GDTR_BASE, CANONICAL | 0x1000));
	OK(tg_register_set(first(m), TG_CR2, BETWEEN));
	tg_machine_free(m);
}

static void a_32_bit_processor_has_32_bits(void **state)
{
	static const enum tg_register wide[] = {TG_RAX,       TG_RSP, TG_R8,      TG_CR2,
						TG_GDTR_BASE, TG_DR0, TG_FS_BASE, TG_RIP};
	struct tg_machine *m = of_model("pentium2");

	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		assert_int_equal(tg_register_set(first(m), wide[i], UINT64_C(1) << 32), TG_ERROR_VALUE);
	assert_int_equal(tg_register_set(first(m), TG_R9, 1), TG_ERROR_VALUE);
	assert_int_equal(tg_register_set(first(m), TG_CR8, 1), TG_ERROR_VALUE);
	assert_int_equal(tg_register_set(first(m), TG_EFER, 0x100), TG_ERROR_VALUE);
	OK(tg_register_set(first(m), TG_RAX, UINT32_MAX));
	tg_machine_free(m);
}

static void a_program_of_the_first_version_leaves_the_rest(void **state)
{
	struct tg_machine *m = world_new(0);
	struct tg_state s = state_of(m), now;

	s.vector[3][2] = 77;
	s.mxcsr = 0x1fc0;
	s.star = 99;
	OK(tg_state_set(first(m), &s));
	s.size = OLD_SIZE;
	memset((uint8_t *)&s + OLD_SIZE, 0xff, sizeof(s) - OLD_SIZE);
	s.gpr[2] = 5;
	OK(tg_state_set(first(m), &s));
	now = state_of(m);
	assert_int_equal(now.gpr[2], 5);
	assert_int_equal(now.vector[3][2], 77);
	assert_int_equal(now.mxcsr, 0x1fc0);
	assert_int_equal(now.star, 99);
	tg_machine_free(m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(instructions_run_in_64_bit_mode),
		cmocka_unit_test(a_hooked_instruction_has_no_base_in_64_bit_mode),
		cmocka_unit_test(lower_halves_clear_the_upper_ones),
		cmocka_unit_test(addresses_are_canonical_and_modes_agree),
		cmocka_unit_test(a_32_bit_processor_has_32_bits),
		cmocka_unit_test(a_program_of_the_first_version_leaves_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
