/* How processor and board stand when a guest without firmware starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "machine/boot.h"

static struct machine *m;
static struct diagnostic why;

static int setup(void **state)
{
	struct machine_config config = {.ram = UINT64_C(4) << 20};

	m = machine_new(&config, &why);
	return m ? 0 : -1;
}

static int teardown(void **state)
{
	machine_free(m);
	return 0;
}

static const struct arch_state *start(enum start_mode mode)
{
	m->guest.mode = mode;
	m->guest.entry = 0x123456;
	m->guest.info = 0x9876;
	machine_start(m);
	return &m->cpu[0]->s;
}

static void flat_and_quiet(const struct arch_state *s)
{
	assert_int_equal(s->cr0 & 0xe0000001, 1); /* PE; PG, CD and NW clear */
	assert_int_equal(s->rflags & 0x20300, 0); /* VM, IF, TF */
	assert_int_equal(s->rip, 0x123456);
	for (int i = SEG_ES; i <= SEG_GS; i++) {
		assert_int_equal(s->seg[i].base, 0);
		assert_int_equal(s->seg[i].limit, 0xffffffff);
		assert_true(s->seg[i].db);
		assert_int_equal(s->seg[i].type & 0xa, i == SEG_CS ? 0xa : 0x2);
	}
	assert_true(m->cpu[0]->mmu.a20_mask == UINT64_MAX);
}

static void multiboot(enum start_mode mode, uint32_t magic)
{
	const struct arch_state *s = start(mode);

	flat_and_quiet(s);
	assert_int_equal(s->gpr.r64[RAX], magic);
	assert_int_equal(s->gpr.r64[RBX], 0x9876);
}

static void multiboot_1_has_its_magic_in_eax_and_the_information_in_ebx(void **state)
{
	multiboot(START_MULTIBOOT, 0x2badb002);
}

static void multiboot_2_has_its_magic_in_eax_and_the_information_in_ebx(void **state)
{
	multiboot(START_MULTIBOOT2, 0x36d76289);
}

static void pvh_has_the_start_info_in_ebx_nothing_in_cr4_and_a_busy_tss(void **state)
{
	const struct arch_state *s = start(START_PVH);

	flat_and_quiet(s);
	assert_int_equal(s->cr0, 0x11);
	assert_int_equal(s->cr4, 0);
	assert_int_equal(s->gpr.r64[RBX], 0x9876);
	assert_int_equal(s->seg[SEG_TR].base, 0);
	assert_int_equal(s->seg[SEG_TR].limit, 0x67);
	assert_int_equal(s->seg[SEG_TR].type, SYS_TSS32_BUSY);
	assert_true(s->seg[SEG_TR].present);
}

static void linux_64_bit_entry_has_long_mode_over_the_loaders_tables(void **state)
{
	const struct arch_state *s;

	m->guest.pages = 0x13000;
	s = start(START_LINUX64);
	assert_int_equal(s->cr3, 0x13000);
	assert_int_equal(s->cr4 & CR4_PAE, CR4_PAE);
	assert_int_equal(s->efer & (EFER_LME | EFER_LMA), EFER_LME | EFER_LMA);
	assert_int_equal(s->cr0 & (CR0_PG | CR0_PE), CR0_PG | CR0_PE);
	assert_true(s->seg[SEG_CS].l && !s->seg[SEG_CS].db);
	assert_int_equal(s->seg[SEG_CS].sel, 0x10);
	assert_int_equal(s->seg[SEG_DS].sel, 0x18);
	assert_int_equal(s->gpr.r64[RSI], 0x9876);
	assert_int_equal(s->rflags & 0x200, 0);
}

static void an_image_has_the_memory_it_wants(void **state)
{
	static const uint8_t image[0x500] = {0x11, 0x22, 0x33, 0x44, [0x46c] = 0x55};

	assert_true(machine_like_firmware(m, &why));
	assert_true(guest_load_flat(m->bus, "f", image, sizeof(image), 0, &m->guest, &why));
	start(START_PROT32);
	assert_int_equal(bus_read(m->bus, 0, 4), 0x44332211);
	assert_int_equal(bus_read(m->bus, 0x46c, 4), 0x55);
}

static void who_did_not_ask_before_has_the_bios_at_the_start(void **state)
{
	start(START_REAL);
	assert_int_equal(bus_read(m->bus, 4 * 8, 4), 0xf000fea5);
	assert_int_equal(bus_read(m->bus, 0x413, 2), 639);
	assert_int_equal(bus_read(m->bus, 0xffff0, 1), 0xea);
}

static void a_rom_that_is_there_is_the_bios(void **state)
{
	static uint8_t rom[4096];

	memset(rom, 0x90, sizeof(rom));
	assert_true(guest_load_rom(m->bus, "r", rom, sizeof(rom), &m->guest, &why));
	start(START_REAL);
	assert_int_equal(bus_read(m->bus, 0xffff0, 1), 0x90);
	assert_int_equal(bus_read(m->bus, 4 * 8, 4), 0);
}

static void the_board_tells_what_it_has(void **state)
{
	struct boot_board board;

	assert_true(machine_boot_board(m, &board, &why));
	assert_int_equal(boot_ram_end(&board, 0x100000), UINT64_C(4) << 20);
	assert_int_equal(board.com[0], 0x3f8);
	assert_int_equal(board.com[1], 0);
	assert_true(board.fpu);
	assert_true(board.vga == (m->board.vga != NULL));
	assert_int_equal(board.rsdp, board_rsdp(m));
	if (board.rsdp) { /* where it is said to be it is */
		assert_true(machine_like_firmware(m, &why));
		assert_int_equal(bus_read(m->bus, board.rsdp, 8), UINT64_C(0x2052545020445352));
	}
}

static void memory_types_are_set(void **state)
{
	const struct arch_state *s = start(START_MULTIBOOT);

	assert_int_equal(s->mtrr_def_type, 0xc06);
	assert_int_equal(s->mtrr_fixed[1], UINT64_C(0x0606060606060606)); /* 80000h */
	assert_int_equal(s->mtrr_fixed[2], 0);                             /* A0000h */
	assert_int_equal(s->mtrr_fixed[10], UINT64_C(0x0505050505050505)); /* F8000h */
	if (m->board.has_pci) {
		assert_int_equal(s->mtrr_phys[0], 0xe0000000);
		assert_int_equal(s->mtrr_phys[1], UINT64_C(0xffe0000800));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(multiboot_1_has_its_magic_in_eax_and_the_information_in_ebx),
		TEST(multiboot_2_has_its_magic_in_eax_and_the_information_in_ebx),
		TEST(pvh_has_the_start_info_in_ebx_nothing_in_cr4_and_a_busy_tss),
		TEST(linux_64_bit_entry_has_long_mode_over_the_loaders_tables),
		TEST(an_image_has_the_memory_it_wants),
		TEST(who_did_not_ask_before_has_the_bios_at_the_start),
		TEST(a_rom_that_is_there_is_the_bios),
		TEST(the_board_tells_what_it_has),
		TEST(memory_types_are_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
