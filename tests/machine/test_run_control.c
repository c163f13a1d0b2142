/* How runs begin, go on and end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine/machine.h"

#define AT 0x7c00

static struct machine *make(struct machine_config config, enum start_mode mode, const void *code, size_t size)
{
	struct diagnostic why;
	struct machine *m;

	if (!config.ram)
		config.ram = UINT64_C(2) << 20;
	if (!config.max_insns)
		config.max_insns = 1000000;
	m = machine_new(&config, &why);
	if (!m)
		fail_msg("%s", why.text);
	assert_true(guest_load_flat(m->bus, "test", code, size, AT, &m->guest, &why));
	m->guest.mode = mode;
	m->guest.entry = AT;
	machine_start(m);
	return m;
}

#define MAKE(config, mode, ...)                                                                                        \
	make(config, mode, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define PLAIN_CONFIG                                                                                                   \
	(struct machine_config)                                                                                        \
	{                                                                                                              \
		0                                                                                                      \
	}
#define LOOP 0xeb, 0xfe /* jmp $ */

static struct machine_end finish(struct machine *m)
{
	struct machine_end end = machine_run(m);

	machine_free(m);
	return end;
}

static void max_insns_is_exact(void **state)
{
	for (uint64_t n = 1; n < 40; n++) {
		struct machine *m =
			MAKE(((struct machine_config){.max_insns = n}), START_REAL, 0x40, 0x40, 0x40, 0x40, 0xeb, 0xfa);
		struct machine_end end = machine_run(m); /* inc ax, four times; back */

		assert_int_equal(end.kind, END_MAX_INSNS);
		assert_int_equal(end.status, 8);
		assert_int_equal(machine_retired(m), n);
		assert_int_equal(m->cpu[0]->s.gpr.r64[RAX], n - n / 5);
		machine_free(m);
	}
}

static void time_in_halt_is_not_counted_as_instructions(void **state)
{
	/* sti; hlt; jmp to hlt: woken by the timer at 18.2 Hz through a handler of EOI and IRET */
	struct machine *m = MAKE(((struct machine_config){.max_insns = 50}), START_REAL, 0xfb, 0xf4, 0xeb, 0xfd, 0xb0,
				 0x20, 0xe6, 0x20, 0xcf);

	bus_write(m->bus, 8 * 4, 4, AT + 4);
	assert_int_equal(machine_run(m).kind, END_MAX_INSNS);
	assert_int_equal(machine_retired(m), 50);
	assert_true(m->clock.now > UINT64_C(5) * 54000000); /* several ticks of 55 ms have passed */
	machine_free(m);
}

static void halt_with_interrupts_off_is_dead(void **state)
{
	struct machine_end end = finish(MAKE(PLAIN_CONFIG, START_REAL, 0xfa, 0xf4));

	assert_int_equal(end.kind, END_DEAD_HALT);
	assert_int_equal(end.status, 6);
}

static void halt_with_everything_masked_is_dead(void **state)
{
	/* mov al,ff; out 21,al; out a1,al; sti; hlt */
	struct machine_end end = finish(MAKE(PLAIN_CONFIG, START_REAL, 0xb0, 0xff, 0xe6, 0x21, 0xe6, 0xa1, 0xfb, 0xf4));

	assert_int_equal(end.kind, END_DEAD_HALT);
	assert_non_null(strstr(end.text, "no device will interrupt"));
}

static void input_that_nobody_listens_to_wakes_nothing(void **state)
{
	struct machine *m = MAKE(PLAIN_CONFIG, START_REAL, 0xb0, 0xff, 0xe6, 0x21, 0xe6, 0xa1, 0xfb, 0xf4);
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	m->board.serial[0].in = ends[0];
	assert_int_equal(finish(m).kind, END_DEAD_HALT);
	close(ends[0]);
	close(ends[1]);
}

static void input_wakes_a_halt(void **state)
{
	/* mov dx,3f9; mov al,1; out dx,al (IER); mov dl,fc; mov al,8; out dx,al (OUT2); sti; hlt; jmp to hlt */
	struct machine *m = MAKE(PLAIN_CONFIG, START_REAL, 0xba, 0xf9, 0x03, 0xb0, 0x01, 0xee, 0xb2, 0xfc, 0xb0, 0x08,
				 0xee, 0xb0, 0xef, 0xe6, 0x21, 0xfb, 0xf4, 0xeb, 0xfd);
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	m->board.serial[0].in = ends[0];
	bus_write(m->bus, 0x0c * 4, 4, AT + 0x100);
	bus_write(m->bus, AT + 0x100, 2, 0xf4fa); /* cli; hlt */
	assert_int_equal(machine_run(m).kind, END_DEAD_HALT);
	assert_int_equal(trace_recent(&m->trace, 0)->vector, 0x0c);
	machine_free(m);
	close(ends[0]);
	close(ends[1]);
}

static void an_nmi_wakes_a_halt_with_interrupts_off(void **state)
{
	/* hlt; jmp $, and the handler the same */
	struct machine *m = MAKE(PLAIN_CONFIG, START_REAL, 0xf4, LOOP);

	bus_write(m->bus, VEC_NMI * 4, 4, AT + 1);
	cpu_pulse_nmi(m->cpu[0], 1);
	assert_int_equal(finish(m).kind, END_MAX_INSNS);
}

static void a_triple_fault_ends_with_4(void **state)
{
	struct machine_end end = finish(MAKE(PLAIN_CONFIG, START_PROT32, 0xcc));

	assert_int_equal(end.kind, END_TRIPLE_FAULT);
	assert_int_equal(end.status, 4);
}

static void power_off_ends_with_0(void **state)
{
	/* mov dx,604h; mov ax,2000h; out dx,ax */
	assert_int_equal(finish(MAKE(PLAIN_CONFIG, START_REAL, 0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, LOOP)).kind,
			 END_POWER_OFF);
	/* without SLP_EN nothing happens */
	assert_int_equal(finish(MAKE(PLAIN_CONFIG, START_REAL, 0xba, 0x04, 0x06, 0xb8, 0x00, 0x10, 0xef, LOOP)).kind,
			 END_MAX_INSNS);
}

static void reset_without_firmware_ends_with_0(void **state)
{
	struct machine_end end =
		finish(MAKE(PLAIN_CONFIG, START_REAL, 0xb0, 0x01, 0xe6, 0x92, LOOP)); /* mov al,1; out 92,al */

	assert_int_equal(end.kind, END_RESET);
	assert_int_equal(end.status, 0);
}

static void the_exit_port_gives_odd_statuses(void **state)
{
	struct machine_config config = {.board = {.debug_exit = true, .debug_exit_port = 0xf4, .debug_exit_size = 4}};

	for (unsigned v = 0; v < 256; v += 15) {
		struct machine_end end = finish(MAKE(config, START_REAL, 0xb0, (uint8_t)v, 0xe6, 0xf4, LOOP));

		assert_int_equal(end.kind, END_DEBUG_EXIT);
		assert_int_equal(end.status, (v << 1 | 1) & 0xff);
	}
}

static void a_gap_ends_with_12_and_says_what(void **state)
{
	struct machine *m = MAKE(PLAIN_CONFIG, START_REAL, LOOP);
	struct machine_end end;

	bus_gap(m->bus, "the %s", "flux capacitor");
	end = finish(m);
	assert_int_equal(end.kind, END_UNIMPLEMENTED);
	assert_int_equal(end.status, 12);
	assert_string_equal(end.text, "not built yet: the flux capacitor");
}

static void the_first_reason_to_end_wins(void **state)
{
	struct machine *m = MAKE(PLAIN_CONFIG, START_REAL, LOOP);

	machine_finish(m, END_POWER_OFF, 0, "first");
	machine_finish(m, END_UNIMPLEMENTED, 12, "second");
	assert_string_equal(finish(m).text, "first");
}

static void a_run_can_be_interrupted(void **state)
{
	struct machine *m = MAKE(PLAIN_CONFIG, START_REAL, LOOP);

	m->interrupted = 1;
	assert_int_equal(finish(m).kind, END_INTERRUPTED);
}

/* Steps until the guest executes the loop at AT + target; gives the time of the first timer interrupt. */
static uint64_t first_tick(bool plain, unsigned padding)
{
	uint8_t code[64];
	struct machine *m;
	uint64_t when;

	/* PIT channel 0, mode 2, count 1193 (1 ms); then a loop of `padding` NOPs with interrupts on */
	static const uint8_t start[] = {0xb0, 0x34, 0xe6, 0x43, 0xb0, 0xa9, 0xe6, 0x40, 0xb0, 0x04, 0xe6, 0x40, 0xfb};

	memcpy(code, start, sizeof(start));
	memset(code + sizeof(start), 0x90, padding);
	code[sizeof(start) + padding] = 0xeb;
	code[sizeof(start) + padding + 1] = (uint8_t)(-2 - (int)padding);
	m = make((struct machine_config){.plain = plain, .max_insns = 2000000}, START_REAL, code,
		 sizeof(start) + padding + 2);
	bus_write(m->bus, 8 * 4, 4, AT + 0x100);
	bus_write(m->bus, AT + 0x100, 2, 0xf4fa); /* cli; hlt */
	assert_int_equal(machine_run(m).kind, END_DEAD_HALT);
	when = trace_recent(&m->trace, 0)->when;
	assert_int_equal(trace_recent(&m->trace, 0)->vector, 8);
	machine_free(m);
	return when;
}

static void the_timer_fires_on_the_same_instruction_whatever_the_blocks(void **state)
{
	uint64_t when = first_tick(true, 0);

	assert_in_range(when, 999000, 1002000); /* 1 ms */
	for (unsigned padding = 0; padding < 20; padding += 3) {
		assert_int_equal(first_tick(false, padding), when);
		assert_int_equal(first_tick(true, padding), when);
	}
}

static void two_machines_live_side_by_side(void **state)
{
	struct machine *a = MAKE(((struct machine_config){.max_insns = 1001}), START_REAL, 0x40, 0xeb, 0xfd);
	struct machine *b = MAKE(((struct machine_config){.max_insns = 500}), START_PROT32, 0x41, 0xeb, 0xfd);

	for (int i = 0; i < 10; i++) { /* by turns */
		cpu_step(a->cpu[0]);
		cpu_step(b->cpu[0]);
	}
	assert_int_equal(machine_run(b).kind, END_MAX_INSNS);
	assert_int_equal(machine_run(a).kind, END_MAX_INSNS);
	assert_int_equal(a->cpu[0]->s.gpr.r64[RAX], 501);
	assert_int_equal(b->cpu[0]->s.gpr.r64[RCX], 250);
	assert_int_equal(a->cpu[0]->s.gpr.r64[RCX], 0);
	machine_free(a);
	machine_free(b);
}

static void multiboot_starts_as_specified(void **state)
{
	struct machine *m = MAKE(PLAIN_CONFIG, START_PROT32, LOOP);
	const struct arch_state *s = &m->cpu[0]->s;

	m->guest.mode = START_MULTIBOOT;
	m->guest.info = 0x9000;
	machine_start(m);
	assert_int_equal(s->gpr.r64[RAX], 0x2badb002);
	assert_int_equal(s->gpr.r64[RBX], 0x9000);
	assert_int_equal(s->seg[SEG_CS].limit, 0xffffffff);
	assert_int_equal(s->seg[SEG_CS].base, 0);
	assert_true(s->seg[SEG_CS].db);
	for (int i = SEG_ES; i <= SEG_GS; i++)
		assert_int_equal(s->seg[i].limit, 0xffffffff);
	assert_true(s->cr0 & CR0_PE);
	assert_false(s->cr0 & CR0_PG);
	assert_false(s->rflags & (FLAG_IF | FLAG_VM));
	assert_int_equal(m->cpu[0]->mmu.a20_mask & 0x100000, 0x100000);
	machine_free(m);
}

static void linux_starts_as_its_boot_protocol_says(void **state)
{
	struct machine *m = MAKE(PLAIN_CONFIG, START_PROT32, LOOP);
	const struct arch_state *s = &m->cpu[0]->s;

	m->guest.mode = START_LINUX;
	m->guest.entry = 0x100000;
	m->guest.info = LINUX_PARAMS;
	machine_start(m);
	assert_int_equal(s->rip, 0x100000);
	for (int i = 0; i < 8; i++)
		if (i != RSI && i != RSP)
			assert_int_equal(s->gpr.r64[i], 0);
	assert_int_equal(s->gpr.r64[RSI], LINUX_PARAMS);
	assert_int_equal(s->seg[SEG_CS].sel, 0x10);
	assert_true(s->seg[SEG_CS].db);
	for (int i = SEG_ES; i <= SEG_GS; i++) {
		assert_int_equal(s->seg[i].sel, i == SEG_CS ? 0x10 : 0x18);
		assert_int_equal(s->seg[i].limit, 0xffffffff);
		assert_int_equal(s->seg[i].base, 0);
	}
	assert_int_equal(s->gdtr.base, LINUX_GDT);
	assert_int_equal(s->gdtr.limit, 31);
	assert_int_equal(s->cr0 & (CR0_PE | CR0_PG), CR0_PE);
	assert_false(s->rflags & FLAG_IF);
	machine_free(m);
}

/* ---- the board ---- */
static void the_clock_and_the_memory_size_stand_in_cmos(void **state)
{
	struct machine *m = MAKE(PLAIN_CONFIG, START_REAL, LOOP);
	static const uint8_t now[][2] = {{0x32, 0x20}, {9, 0x26}, {8, 0x01}, {7, 0x01}, {4, 0}, {2, 0}, {0, 0}};

	for (unsigned i = 0; i < sizeof(now) / sizeof(now[0]); i++)
		assert_int_equal(rtc_peek(&m->board.rtc, now[i][0]), now[i][1]);
	assert_int_equal(rtc_peek(&m->board.rtc, 0x15) | rtc_peek(&m->board.rtc, 0x16) << 8, 640);
	assert_int_equal(rtc_peek(&m->board.rtc, 0x17) | rtc_peek(&m->board.rtc, 0x18) << 8,
			 (m->config.ram >> 10) - 1024);
	machine_free(m);
}

/* Each wire of the AT's interrupt controllers, by the name of its source. */
static void every_line_reaches_its_input(void **state)
{
	struct machine_config config = {.board.serial = {"null", "null"}};
	struct machine *m = MAKE(config, START_REAL, LOOP);
	struct board *b = &m->board;
	const struct {
		struct irq_line *line;
		const char *name;
		int irq;
	} wires[] = {
		{&b->kbc.irq1, "keyboard IRQ1", 1}, {&b->com[1].irq, "COM2", 3},        {&b->com[0].irq, "COM1", 4},
		{&b->rtc.irq, "RTC IRQ8", 8},       {&b->kbc.irq12, "mouse IRQ12", 12}, {&b->fpu_irq, "FERR#", 13},
	};

	for (unsigned i = 0; i < sizeof(wires) / sizeof(wires[0]); i++) {
		const struct pic *pic = wires[i].irq < 8 ? &b->pic.master : &b->pic.slave;

		assert_string_equal(wires[i].line->name, wires[i].name);
		line_set(wires[i].line, true, 1);
		assert_true(pic->pins & 1u << (wires[i].irq & 7));
		line_set(wires[i].line, false, 0);
		assert_false(pic->pins & 1u << (wires[i].irq & 7));
	}
	machine_free(m);
}

static void com2_is_there_when_it_is_asked_for(void **state)
{
	struct machine *one = MAKE(PLAIN_CONFIG, START_REAL, LOOP);
	struct machine *two = MAKE(((struct machine_config){.board.serial = {"null", "null"}}), START_REAL, LOOP);

	assert_int_equal(bus_port_read(one->bus, UART_COM1 + UART_LSR, 1), UART_LSR_THRE | UART_LSR_TEMT);
	assert_int_equal(bus_port_read(one->bus, UART_COM2 + UART_LSR, 1), 0xff);
	assert_int_equal(bus_port_read(two->bus, UART_COM2 + UART_LSR, 1), UART_LSR_THRE | UART_LSR_TEMT);
	machine_free(one);
	machine_free(two);
}

static void the_keyboard_controller_resets_the_machine(void **state)
{
	/* mov al,feh; out 64h,al */
	assert_int_equal(finish(MAKE(PLAIN_CONFIG, START_REAL, 0xb0, 0xfe, 0xe6, 0x64, LOOP)).kind, END_RESET);
}

static void the_keyboard_controller_moves_a20(void **state)
{
	struct machine *m = MAKE(PLAIN_CONFIG, START_REAL, LOOP);

	bus_port_write(m->bus, PORT92, 1, 0);
	assert_int_equal(m->cpu[0]->mmu.a20_mask & 0x100000, 0);
	bus_port_write(m->bus, 0x64, 1, 0xd1);
	bus_port_write(m->bus, 0x60, 1, 0xdf);
	assert_int_equal(m->cpu[0]->mmu.a20_mask & 0x100000, 0x100000);
	machine_free(m);
}

static void a_key_interrupts_a_guest_without_firmware(void **state)
{
	/* sti; hlt; cli; hlt; the handler at vector 9: in al,60h; cli; hlt */
	struct machine *m = MAKE(PLAIN_CONFIG, START_REAL, 0xb0, 0xfd, 0xe6, 0x21, 0xfb, 0xf4, 0xfa, 0xf4);
	static const uint8_t handler[] = {0xe4, 0x60, 0xfa, 0xf4};

	bus_write(m->bus, 9 * 4, 4, AT + 0x100);
	bus_load(m->bus, AT + 0x100, handler, sizeof(handler));
	i8042_key(&m->board.kbc, 0x1e, true);
	assert_int_equal(machine_run(m).kind, END_DEAD_HALT);
	assert_int_equal(trace_recent(&m->trace, 0)->vector, 9);
	assert_int_equal(m->cpu[0]->s.gpr.r8[0], 0x1e); /* scan code set 1, by the controller's translation */
	machine_free(m);
}

static void flat_binaries_start_in_each_mode_at_their_entry(void **state)
{
	static const struct {
		enum start_mode mode;
		uint64_t entry, base;
		bool db, pe;
	} cases[] = {
		{START_REAL, 0x7c00, 0, false, false},
		{START_REAL, 0x12345, 0x10000, false, false},
		{START_PROT16, 0x12345, 0x10000, false, true},
		{START_PROT32, 0x112345, 0, true, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct machine *m = MAKE(PLAIN_CONFIG, START_REAL, LOOP);
		const struct segment *cs = &m->cpu[0]->s.seg[SEG_CS];

		m->guest.mode = cases[i].mode;
		m->guest.entry = cases[i].entry;
		cpu_reset(m->cpu[0], false);
		machine_start(m);
		assert_int_equal(cs->base, cases[i].base);
		assert_int_equal(cs->base + m->cpu[0]->s.rip, cases[i].entry);
		assert_int_equal(cs->db, cases[i].db);
		assert_int_equal((m->cpu[0]->s.cr0 & CR0_PE) != 0, cases[i].pe);
		machine_free(m);
	}
}

static void a_rom_starts_at_the_reset_vector(void **state)
{
	static uint8_t rom[4096];
	struct machine_config config = {.ram = 1 << 20,
					.board = {.debug_exit = true, .debug_exit_port = 0xf4, .debug_exit_size = 1}};
	static const uint8_t code[] = {0xb0, 0x2a, 0xe6, 0xf4}; /* mov al,2a; out f4,al */
	struct diagnostic why;
	struct machine *m = machine_new(&config, &why);

	assert_non_null(m);
	memcpy(rom + 0xff0, code, sizeof(code));
	assert_true(guest_load_rom(m->bus, "rom", rom, sizeof(rom), &m->guest, &why));
	machine_start(m);
	assert_int_equal(finish(m).status, 0x55);
}

static void an_x87_error_reaches_irq_13_and_f0h_lets_it_go(void **state)
{
	/* fninit; fldcw [unmask all]; fld1; fldz; fdivp; wait -> IRQ 13 at vector 75h: out f0,al; hlt with IF = 0 */
	static const uint8_t code[] = {0xdb, 0xe3, 0xd9, 0x2e, 0x00, 0x05, 0xfb, 0xd9,
				       0xe8, 0xd9, 0xee, 0xde, 0xf9, 0x9b, LOOP};
	static const uint8_t handler[] = {0xe6, 0xf0, 0x9b, 0xfa, 0xf4}; /* out f0,al; wait; cli; hlt */
	struct machine *m = make(PLAIN_CONFIG, START_REAL, code, sizeof(code));

	bus_write(m->bus, 0x500, 2, 0x0340);
	bus_write(m->bus, 0x75 * 4, 4, 0x600);
	bus_load(m->bus, 0x600, handler, sizeof(handler));
	assert_int_equal(machine_run(m).kind, END_DEAD_HALT);
	assert_int_equal(m->cpu[0]->s.rip, 0x605);
	assert_int_equal(trace_recent(&m->trace, 0)->vector, 0x75);
	assert_true(trace_recent(&m->trace, 0)->cause != 0);
	assert_true(m->cpu[0]->ignne);
	assert_false(m->board.fpu_irq.level);
	machine_free(m);
}

static void the_test_pin_interrupts_between_all_instructions(void **state)
{
	struct machine_config config = {.board = {.inject = true, .inject_vector = 0x40, .inject_every = 3},
					.max_insns = 400};
	struct machine *m = MAKE(config, START_REAL, 0xfb, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, LOOP);
	unsigned places = 0;

	bus_write(m->bus, 0x40 * 4, 4, AT + 0x80);
	bus_write(m->bus, AT + 0x80, 1, 0xcf);
	machine_run(m);
	for (unsigned i = 0; trace_recent(&m->trace, i); i++) {
		assert_int_equal(trace_recent(&m->trace, i)->vector, 0x40);
		places |= 1u << (trace_recent(&m->trace, i)->from.rip - AT);
	}
	assert_int_equal(places, 0xf8); /* from the third instruction on, each one */
	machine_free(m);
}

static void bad_configurations_are_refused(void **state)
{
	struct diagnostic why;

	assert_null(machine_new(&(struct machine_config){.ram = 4096}, &why));
	assert_null(machine_new(&(struct machine_config){.ram = (1 << 20) + 1}, &why));
	assert_null(machine_new(&(struct machine_config){.ram = UINT64_C(4) << 30}, &why));
	assert_null(machine_new(&(struct machine_config){.ram = 1 << 20, .cpu = "z80"}, &why));
	assert_string_equal(why.text, "-cpu z80: no such processor; see -cpu help");
	assert_null(machine_new(&(struct machine_config){.ram = 1 << 20, .board.serial = {"tty"}}, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(max_insns_is_exact),
		cmocka_unit_test(time_in_halt_is_not_counted_as_instructions),
		cmocka_unit_test(halt_with_interrupts_off_is_dead),
		cmocka_unit_test(halt_with_everything_masked_is_dead),
		cmocka_unit_test(input_that_nobody_listens_to_wakes_nothing),
		cmocka_unit_test(input_wakes_a_halt),
		cmocka_unit_test(an_nmi_wakes_a_halt_with_interrupts_off),
		cmocka_unit_test(a_triple_fault_ends_with_4),
		cmocka_unit_test(power_off_ends_with_0),
		cmocka_unit_test(reset_without_firmware_ends_with_0),
		cmocka_unit_test(the_exit_port_gives_odd_statuses),
		cmocka_unit_test(a_gap_ends_with_12_and_says_what),
		cmocka_unit_test(the_first_reason_to_end_wins),
		cmocka_unit_test(a_run_can_be_interrupted),
		cmocka_unit_test(the_timer_fires_on_the_same_instruction_whatever_the_blocks),
		cmocka_unit_test(two_machines_live_side_by_side),
		cmocka_unit_test(multiboot_starts_as_specified),
		cmocka_unit_test(linux_starts_as_its_boot_protocol_says),
		cmocka_unit_test(the_clock_and_the_memory_size_stand_in_cmos),
		cmocka_unit_test(every_line_reaches_its_input),
		cmocka_unit_test(com2_is_there_when_it_is_asked_for),
		cmocka_unit_test(the_keyboard_controller_resets_the_machine),
		cmocka_unit_test(the_keyboard_controller_moves_a20),
		cmocka_unit_test(a_key_interrupts_a_guest_without_firmware),
		cmocka_unit_test(flat_binaries_start_in_each_mode_at_their_entry),
		cmocka_unit_test(a_rom_starts_at_the_reset_vector),
		cmocka_unit_test(an_x87_error_reaches_irq_13_and_f0h_lets_it_go),
		cmocka_unit_test(the_test_pin_interrupts_between_all_instructions),
		cmocka_unit_test(bad_configurations_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
