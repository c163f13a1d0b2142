/* Pins and lines, moments in virtual time, snapshots. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

static struct tg_cpu *first(struct tg_machine *m)
{
	return tg_machine_cpu(m, 0);
}

static uint32_t word(struct tg_machine *m, uint32_t address)
{
	uint32_t value = 0;

	OK(tg_memory_read(m, address, &value, 4, NULL));
	return value;
}

/* sti; then inc eax for ever */
static struct tg_machine *counting(void)
{
	struct tg_machine *m = world_new(0);

	CODE(m, 0xfb, 0x40, 0xeb, 0xfd);
	HANDLER(m, 0x20, 0xa3, 0, 0x50, 0, 0, 0xf4); /* mov [0x5000], eax; hlt */
	return m;
}

struct pulse {
	enum { RAISE, NMI, NOTHING } what;
	unsigned calls;
	uint64_t now;
};

static void act(void *owner, struct tg_machine *m)
{
	struct pulse *p = owner;

	p->calls++;
	p->now = tg_now(m);
	if (p->what == RAISE)
		OK(tg_interrupt_raise(first(m), 0x20));
	if (p->what == NMI)
		OK(tg_pulse(first(m), TG_PIN_NMI));
}

static void an_interrupt_comes_at_the_very_instruction(void **state)
{
	for (uint64_t when = 1; when < 60; when++) {
		struct tg_machine *m = counting();
		struct pulse p = {.what = RAISE};
		/* 0: sti, then inc and jmp by turns; the instruction behind STI is still in its shadow */
		uint64_t before = when < 2 ? 2 : when;

		OK(tg_at(m, when, act, &p, NULL));
		world_run(m, 1000);
		assert_int_equal(p.calls, 1);
		assert_int_equal(p.now, when);
		assert_int_equal(word(m, 0x5000), before / 2);
		tg_machine_free(m);
	}
}

static void a_fixed_vector_is_taken_once(void **state)
{
	struct tg_machine *m = counting();
	struct tg_delivery d = {.size = sizeof(d)};

	OK(tg_interrupt_raise(first(m), 0x30));
	OK(tg_interrupt_raise(first(m), 0x20)); /* replaces it */
	world_run(m, 1000);
	assert_int_equal(tg_delivery_count(m), 1);
	OK(tg_delivery_recent(m, 0, &d));
	assert_int_equal(d.kind, TG_EVENT_IRQ);
	assert_int_equal(d.vector, 0x20);
	assert_true(d.cause != 0);
	tg_machine_free(m);
}

static void the_acknowledge_takes_the_pin_down(void **state)
{
	struct tg_machine *m = world_new(0);

	CODE(m, 0xfb, 0x90, 0x90, 0x90, 0xfa, 0xf4);
	HANDLER(m, 0x21, 0x43, 0xcf); /* inc ebx; iret */
	OK(tg_interrupt_raise(first(m), 0x21));
	assert_string_equal(tg_why_quiet(first(m)), "the interrupt pin is high");
	assert_int_equal(world_run(m, 100).kind, TG_STOP_HALT);
	assert_int_equal(world_get(m, TG_EBX), 1);
	tg_machine_free(m);
}

struct source {
	unsigned acknowledged;
	uint8_t vector;
};

static uint8_t acknowledge(void *owner, struct tg_cpu *cpu)
{
	struct source *s = owner;

	if (++s->acknowledged == 2)
		OK(tg_interrupt_level(cpu, false));
	return s->vector;
}

static void a_source_gives_the_vector_and_keeps_the_level(void **state)
{
	struct tg_machine *m = world_new(0);
	struct source s = {.vector = 0x21};

	CODE(m, 0xfb, 0x90, 0x90, 0x90, 0xfa, 0xf4);
	HANDLER(m, 0x21, 0x43, 0xcf); /* inc ebx; iret */
	assert_int_equal(tg_interrupt_level(first(m), true), TG_ERROR_ARGUMENT);
	OK(tg_interrupt_source(first(m), acknowledge, &s));
	assert_int_equal(tg_interrupt_raise(first(m), 0x20), TG_ERROR_ARGUMENT);
	assert_string_equal(tg_why_quiet(first(m)), "nobody has raised the interrupt pin");
	OK(tg_interrupt_level(first(m), true));
	assert_int_equal(world_run(m, 100).kind, TG_STOP_HALT);
	assert_int_equal(s.acknowledged, 2);
	assert_int_equal(world_get(m, TG_EBX), 2);
	tg_machine_free(m);
}

static void nmi_and_init(void **state)
{
	static const uint8_t rom[0x1000] = {[0xff0] = 0xeb, [0xff1] = 0xfe}; /* jmp . at the reset vector */
	struct tg_machine *m = world_new(0);

	CODE(m, 0xeb, 0xfe);
	HANDLER(m, 2, 0x43, 0xcf);
	OK(tg_pulse(first(m), TG_PIN_NMI));
	world_run(m, 10);
	assert_int_equal(world_get(m, TG_EBX), 1);
	OK(tg_map_rom(m, 0xfffff000, 0x1000, rom, sizeof(rom)));
	OK(tg_pulse(first(m), TG_PIN_INIT));
	world_run(m, 1);
	assert_int_equal(world_get(m, TG_EIP), 0xfff0);
	assert_int_equal(world_get(m, TG_CS), 0xf000);
	assert_int_equal(world_get(m, TG_CR0) & 1, 0);
	assert_int_equal(tg_pulse(first(m), TG_PIN_SMI), TG_ERROR_NOT_BUILT);
	assert_int_equal(tg_pulse(first(m), (enum tg_pin)9), TG_ERROR_ARGUMENT);
	tg_machine_free(m);
}

static void a_moment_wakes_a_halted_machine(void **state)
{
	struct tg_machine *m = world_new(0);
	struct pulse p = {.what = NMI};
	struct tg_stop stop;

	CODE(m, 0xf4, 0x40, 0xf4); /* IF = 0: nothing but the NMI wakes it */
	HANDLER(m, 2, 0xcf);
	OK(tg_at(m, 5000, act, &p, NULL));
	stop = world_run(m, 100);
	assert_int_equal(stop.kind, TG_STOP_HALT);
	assert_int_equal(p.now, 5000);
	assert_int_equal(world_get(m, TG_EAX), 1);
	assert_int_equal(stop.retired, 5); /* hlt, the delivery, iret, inc, hlt: not what was slept through */
	tg_machine_free(m);
}

static void moments_may_be_cancelled_and_keep_their_order(void **state)
{
	struct tg_machine *m = counting();
	struct pulse a = {.what = NOTHING}, b = {.what = RAISE};
	unsigned id = 0;

	OK(tg_at(m, 10, act, &a, &id));
	OK(tg_at(m, 10, act, &b, NULL));
	OK(tg_at_cancel(m, id));
	assert_int_equal(tg_at_cancel(m, id), TG_ERROR_NOT_FOUND);
	world_run(m, 1000);
	assert_int_equal(a.calls, 0);
	assert_int_equal(b.calls, 1);
	assert_int_equal(tg_at(m, UINT64_MAX, act, &a, NULL), TG_ERROR_ARGUMENT);
	OK(tg_at(m, 1, act, &a, NULL)); /* long past: at once */
	world_run(m, 1);
	assert_int_equal(a.calls, 1);
	tg_machine_free(m);
}

static enum tg_action set_moment(void *owner, struct tg_cpu *cpu, const struct tg_instruction *i)
{
	void **context = owner;

	if (i->when == 7)
		OK(tg_at(context[0], 7, act, context[1], NULL));
	return TG_GO;
}

static void a_moment_set_before_an_instruction_comes_before_it(void **state)
{
	struct tg_machine *m = counting();
	struct pulse p = {.what = RAISE};
	void *context[] = {m, &p};

	OK(tg_hook_instruction(m, set_moment, context, NULL));
	world_run(m, 1000);
	assert_int_equal(p.now, 7);
	assert_int_equal(word(m, 0x5000), 3);
	tg_machine_free(m);
}

static void skip_ahead(void *owner, struct tg_machine *m)
{
	OK(tg_register_set(first(m), TG_EIP, WORLD_CODE + 4));
	OK(tg_register_set(first(m), TG_DR0, 0x1234));
}

static void a_moment_may_write_registers(void **state)
{
	struct tg_machine *m = world_new(0);

	CODE(m, 0x40, 0x40, 0xeb, 0xfc, 0x41, 0xf4); /* inc eax; inc eax; jmp back; inc ecx; hlt */
	OK(tg_at(m, 4, skip_ahead, NULL, NULL));
	assert_int_equal(world_run(m, 1000).kind, TG_STOP_HALT);
	assert_int_equal(world_get(m, TG_EAX), 3);
	assert_int_equal(world_get(m, TG_ECX), 1);
	assert_int_equal(world_get(m, TG_DR0), 0x1234);
	tg_machine_free(m);
}

/* ---- a PC's lines ---- */

static void a_pcs_line_goes_through_its_interrupt_controllers(void **state)
{
	static const uint8_t code[] = {
		0xc7, 0x06, 0x2c, 0,    0x20, 0x7c,                                     /* mov word [4 * 11], 7c20 */
		0xc7, 0x06, 0x2e, 0,    0,    0,                                        /* mov word [4 * 11 + 2], 0 */
		0xb0, 0xf7, 0xe6, 0x21,                                                 /* only IRQ 3 */
		0xfb, 0xf4, 0xeb, 0xfd,                                                 /* sti; hlt; again */
		0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, /* to 7c20 */
		0xfa, 0xf4,                                                             /* cli; hlt */
	};
	struct tg_config config = {.size = sizeof(config), .board = TG_BOARD_PC, .ram = 1 << 20};
	struct tg_delivery d = {.size = sizeof(d)};
	struct tg_machine *m;

	OK(tg_machine_new(&config, &m, NULL, 0));
	OK(tg_start(m, TG_MODE_REAL, 0x7c00));
	world_code(m, 0x7c00, code, sizeof(code));
	world_run(m, 10);
	assert_int_equal(tg_interrupt_raise(first(m), 1), TG_ERROR_BOARD);
	assert_int_equal(tg_line_set(m, "IRQ2", true), TG_ERROR_NOT_FOUND);
	assert_int_equal(tg_line_set(m, "IRQ16", true), TG_ERROR_NOT_FOUND);
	OK(tg_line_set(m, "IRQ3", true));
	assert_int_equal(world_run(m, 1000).kind, TG_STOP_HALT);
	OK(tg_delivery_recent(m, 0, &d));
	assert_int_equal(d.vector, 11);
	assert_int_equal(d.kind, TG_EVENT_IRQ);
	tg_machine_free(m);
	m = world_new(0);
	assert_int_equal(tg_line_set(m, "IRQ3", true), TG_ERROR_BOARD);
	tg_machine_free(m);
}

/* ---- snapshots ---- */

static void a_snapshot_runs_on_alike(void **state)
{
	struct tg_machine *m = counting();
	struct pulse p = {.what = RAISE};
	struct tg_state a = {.size = sizeof(a)}, b = {.size = sizeof(b)};
	struct tg_delivery da = {.size = sizeof(da)}, db = {.size = sizeof(db)};
	struct tg_snapshot *snapshot;

	OK(tg_at(m, 500, act, &p, NULL));
	world_run(m, 100);
	OK(tg_snapshot_save(m, &snapshot));
	world_run(m, 10000);
	OK(tg_state_get(first(m), &a));
	OK(tg_delivery_recent(m, 0, &da));
	assert_int_equal(p.calls, 1);
	for (int i = 0; i < 3; i++) {
		OK(tg_memory_write(m, 0x5000, "abcd", 4, NULL));
		OK(tg_memory_write(m, 0x3f000, "abcd", 4, NULL));
		OK(tg_snapshot_restore(m, snapshot));
		assert_int_equal(tg_now(m), 100);
		assert_int_equal(tg_delivery_count(m), 0);
		assert_int_equal(word(m, 0x5000), 0);
		assert_int_equal(word(m, 0x3f000), 0);
		world_run(m, 10000);
		OK(tg_state_get(first(m), &b));
		OK(tg_delivery_recent(m, 0, &db));
		assert_memory_equal(&a, &b, sizeof(a));
		assert_memory_equal(&da, &db, sizeof(da));
		assert_int_equal(p.calls, 2 + i);
	}
	tg_snapshot_free(snapshot);
	tg_machine_free(m);
}

/* In the middle of a REP, with an NMI pending and the interrupt pin high. */
static void a_snapshot_keeps_pins_and_half_an_instruction(void **state)
{
	struct tg_machine *m = world_new(0), *other = world_new(0);
	struct tg_snapshot *snapshot;
	struct tg_state a = {.size = sizeof(a)}, b = {.size = sizeof(b)};

	CODE(m, 0xb9, 100, 0, 0, 0, 0xf3, 0xa6, 0xfb, 0x90, 0x90,
	     0xf4); /* mov ecx, 100; repe cmpsb; sti; nop; nop; hlt */
	HANDLER(m, 2, 0x43, 0xcf);
	HANDLER(m, 0x20, 0x42, 0xcf);
	OK(tg_register_set(first(m), TG_ESI, 0x5000));
	OK(tg_register_set(first(m), TG_EDI, 0x6000));
	world_run(m, 50);
	OK(tg_pulse(first(m), TG_PIN_NMI));
	OK(tg_interrupt_raise(first(m), 0x20));
	OK(tg_snapshot_save(m, &snapshot));
	OK(tg_snapshot_restore(other, snapshot)); /* one made alike */
	tg_snapshot_free(snapshot);
	assert_string_equal(tg_why_quiet(first(other)), "the interrupt pin is high");
	world_run(m, 1000);
	world_run(other, 1000);
	OK(tg_state_get(first(m), &a));
	OK(tg_state_get(first(other), &b));
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(world_get(other, TG_EBX), 1);
	assert_int_equal(world_get(other, TG_EDX), world_get(m, TG_EDX));
	assert_int_equal(tg_now(m), tg_now(other));
	tg_machine_free(m);
	tg_machine_free(other);
}

/* A REPE CMPS that faults in a later iteration pushes the flags from before its first one: they are kept. */
static void a_snapshot_keeps_the_flags_a_rep_began_with(void **state)
{
	struct tg_machine *m = world_new(0), *other = world_new(0);
	struct tg_delivery a = {.size = sizeof(a)}, b = {.size = sizeof(b)};
	struct tg_snapshot *snapshot;
	struct tg_segment es;

	CODE(m, 0xf9, 0xb9, 100, 0, 0, 0, 0xf3, 0xa6); /* stc; mov ecx, 100; repe cmpsb */
	OK(tg_segment_get(first(m), TG_SEG_ES, &es));
	es.limit = 0x603f;
	es.g = false;
	OK(tg_segment_set(first(m), TG_SEG_ES, &es));
	OK(tg_register_set(first(m), TG_ESI, 0x5000));
	OK(tg_register_set(first(m), TG_EDI, 0x6000));
	world_run(m, 50);
	OK(tg_snapshot_save(m, &snapshot));
	OK(tg_snapshot_restore(other, snapshot));
	tg_snapshot_free(snapshot);
	world_run(m, 1000);
	world_run(other, 1000);
	OK(tg_delivery_recent(m, 0, &a));
	OK(tg_delivery_recent(other, 0, &b));
	assert_int_equal(a.vector, 13);
	assert_int_equal(a.from.rflags & 1, 1);
	assert_memory_equal(&a, &b, sizeof(a));
	tg_machine_free(m);
	tg_machine_free(other);
}

static void snapshots_that_do_not_fit_are_refused(void **state)
{
	struct tg_machine *m = world_new(0), *pc;
	struct tg_config config = {.size = sizeof(config), .board = TG_BOARD_PC, .ram = 1 << 20};
	struct tg_snapshot *snapshot, *none = (void *)1;

	OK(tg_snapshot_save(m, &snapshot));
	OK(tg_map_ram(m, 0x100000, 0x1000));
	assert_int_equal(tg_snapshot_restore(m, snapshot), TG_ERROR_VALUE);
	OK(tg_machine_new(&config, &pc, NULL, 0));
	assert_int_equal(tg_snapshot_save(pc, &none), TG_ERROR_BOARD);
	assert_null(none);
	tg_machine_free(pc);
	tg_snapshot_free(snapshot);
	tg_machine_free(m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interrupt_comes_at_the_very_instruction),
		cmocka_unit_test(a_fixed_vector_is_taken_once),
		cmocka_unit_test(the_acknowledge_takes_the_pin_down),
		cmocka_unit_test(a_source_gives_the_vector_and_keeps_the_level),
		cmocka_unit_test(nmi_and_init),
		cmocka_unit_test(a_moment_wakes_a_halted_machine),
		cmocka_unit_test(moments_may_be_cancelled_and_keep_their_order),
		cmocka_unit_test(a_moment_set_before_an_instruction_comes_before_it),
		cmocka_unit_test(a_moment_may_write_registers),
		cmocka_unit_test(a_pcs_line_goes_through_its_interrupt_controllers),
		cmocka_unit_test(a_snapshot_runs_on_alike),
		cmocka_unit_test(a_snapshot_keeps_pins_and_half_an_instruction),
		cmocka_unit_test(a_snapshot_keeps_the_flags_a_rep_began_with),
		cmocka_unit_test(snapshots_that_do_not_fit_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
