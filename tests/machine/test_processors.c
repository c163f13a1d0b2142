/* Several processors: how they start, interrupt each other, share memory and code, and take turns.  The guests are in
 * processors.S; each runs from the block cache and plainly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine/machine.h"

#define AT        0x8000u
#define RESULT    0x7000u
#define FIRST_CS  (RESULT + 0x0c)
#define DONE      (RESULT + 0x10)
#define VALUE     (RESULT + 0x14)
#define RACY      (RESULT + 0x18)
#define BY_CPU    (RESULT + 0x40)
#define LOG       (RESULT + 0x100)
#define ADDITIONS 20000u
#define SWITCHES  64u

extern const uint8_t guest_image[], guest_end[], guest_idt[], guest_count_it[], guest_count_nmi[], guest_shoot[];
extern const uint8_t guest_sipi[], guest_sipi_twice[], guest_nmi[], guest_fixed[], guest_storm[], guest_xadd[],
	guest_shootdown[], guest_code[], guest_turns[], guest_triple[];

static uint32_t address(const uint8_t *label)
{
	return AT + (uint32_t)(label - guest_image);
}

static void gate(struct machine *m, unsigned vector, const uint8_t *handler)
{
	uint32_t at = address(guest_idt) + 8 * vector, to = address(handler);

	bus_write(m->bus, at, 4, UINT32_C(0x00080000) | (to & 0xffff));
	bus_write(m->bus, at + 4, 4, (to & 0xffff0000) | 0x8e00);
}

static struct machine *prepare(const uint8_t *entry, unsigned cpus, bool plain)
{
	struct machine_config config = {.ram = UINT64_C(2) << 20, .cpus = cpus, .plain = plain, .max_insns = 5000000};
	struct diagnostic why;
	struct machine *m = machine_new(&config, &why);

	if (!m)
		fail_msg("%s", why.text);
	assert_true(
		guest_load_flat(m->bus, "test", guest_image, (size_t)(guest_end - guest_image), AT, &m->guest, &why));
	m->guest.mode = START_PROT32;
	m->guest.entry = address(entry);
	gate(m, 2, guest_count_nmi);
	gate(m, 0x50, guest_count_it);
	gate(m, 0x51, guest_shoot);
	bus_write(m->bus, DONE, 4, cpus - 1);
	machine_start(m);
	return m;
}

static uint32_t word(struct machine *m, uint32_t at)
{
	return (uint32_t)bus_read(m->bus, at, 4);
}

/* Runs until all processors have halted for good. */
static struct machine *run(const uint8_t *entry, unsigned cpus, bool plain)
{
	struct machine *m = prepare(entry, cpus, plain);
	struct machine_end end = machine_run(m);

	if (end.kind != END_DEAD_HALT)
		fail_msg("%s", end.text);
	assert_int_equal(end.status, 6);
	return m;
}

static void a_sipi_starts_a_processor_at_its_page(void **state)
{
	struct machine *m = run(guest_sipi, 4, false);

	assert_int_equal(word(m, FIRST_CS) & 0xffff, AT >> 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(m->cpu[i]->s.activity, ACT_HALTED);
		assert_false(m->cpu[i]->s.rflags & FLAG_IF);
	}
	machine_free(m);
}

static void without_a_sipi_a_processor_waits(void **state)
{
	struct machine *m = prepare(guest_sipi, 4, false);

	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(m->cpu[i]->s.activity, ACT_WAIT_SIPI);
	cpu_start(m->cpu[2], AT >> 12); /* the SIPI alone: INIT was the reset's */
	assert_int_equal(m->cpu[2]->s.activity, ACT_RUNNING);
	assert_int_equal(m->cpu[2]->s.seg[SEG_CS].sel, AT >> 4);
	assert_int_equal(m->cpu[2]->s.seg[SEG_CS].base, AT);
	assert_int_equal(m->cpu[2]->s.rip, 0);
	assert_int_equal(m->cpu[1]->s.activity, ACT_WAIT_SIPI);
	machine_free(m);
}

static void a_sipi_to_a_running_processor_is_ignored(void **state)
{
	for (unsigned plain = 0; plain < 2; plain++) {
		struct machine *m = run(guest_sipi_twice, 2, plain);

		assert_int_equal(word(m, DONE), 1);
		assert_int_equal(word(m, VALUE), 0);
		machine_free(m);
	}
}

static void an_nmi_reaches_all_others_whatever_their_if(void **state)
{
	for (unsigned plain = 0; plain < 2; plain++) {
		struct machine *m = run(guest_nmi, 4, plain);

		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(word(m, BY_CPU + 4 * i), i != 0);
		machine_free(m);
	}
}

static void a_fixed_interrupt_wakes_all_others(void **state)
{
	for (unsigned plain = 0; plain < 2; plain++) {
		struct machine *m = run(guest_fixed, 4, plain);

		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(word(m, BY_CPU + 4 * i), i != 0);
		machine_free(m);
	}
}

static void lock_xadd_counts_exactly(void **state)
{
	for (unsigned plain = 0; plain < 2; plain++) {
		struct machine *m = run(guest_xadd, 4, plain);

		assert_int_equal(word(m, VALUE), 4 * ADDITIONS);
		/* Without LOCK additions are lost: turns do end between the read and the write. */
		assert_true(word(m, RACY) < 4 * ADDITIONS);
		machine_free(m);
	}
}

static void a_shoot_down_empties_the_other_tlbs(void **state)
{
	for (unsigned plain = 0; plain < 2; plain++) {
		struct machine *m = run(guest_shootdown, 4, plain);

		for (unsigned i = 1; i < 4; i++)
			assert_int_equal(word(m, BY_CPU + 4 * i), 0x22222222);
		machine_free(m);
	}
}

static void a_store_into_code_is_seen_by_all_that_run_it(void **state)
{
	for (unsigned plain = 0; plain < 2; plain++) {
		struct machine *m = run(guest_code, 4, plain);

		for (unsigned i = 1; i < 4; i++)
			assert_int_equal(word(m, BY_CPU + 4 * i), 2);
		machine_free(m);
	}
}

static void turns_are_of_several_lengths_and_the_same_in_each_run(void **state)
{
	uint32_t first[SWITCHES];
	unsigned different = 0;

	for (unsigned round = 0; round < 3; round++) { /* twice by blocks, once plainly */
		struct machine *m = run(guest_turns, 3, round == 2);

		for (unsigned i = 0; i < SWITCHES; i++) {
			uint32_t length = word(m, LOG + 4 * i);

			if (round == 0)
				first[i] = length;
			assert_int_equal(length, first[i]);
		}
		machine_free(m);
	}
	for (unsigned i = 2; i < SWITCHES; i++)
		different += first[i] != first[i - 1];
	assert_true(different > SWITCHES / 2);
}

static void a_triple_fault_names_its_processor(void **state)
{
	struct machine *m = prepare(guest_triple, 3, false);
	struct machine_end end = machine_run(m);

	assert_int_equal(end.kind, END_TRIPLE_FAULT);
	assert_int_equal(end.status, 4);
	assert_non_null(strstr(end.text, "on processor 2"));
	machine_free(m);
}

static void all_halted_with_if_0_is_a_dead_halt(void **state)
{
	struct machine *m = prepare(guest_sipi, 8, false);
	struct machine_end end = machine_run(m);

	assert_int_equal(end.kind, END_DEAD_HALT);
	assert_non_null(strstr(end.text, "IF = 0"));
	machine_free(m);
}

/* ---- the same trace from blocks and plainly ---- */
struct recording {
	struct trace_sink sink;
	uint64_t hash;
	unsigned deliveries, returns;
};

static void mix(struct recording *r, uint64_t value)
{
	r->hash = (r->hash ^ value) * UINT64_C(0x100000001b3);
}

static void note_delivery(void *owner, const struct delivery_record *d)
{
	struct recording *r = owner;

	r->deliveries++;
	mix(r, d->id);
	mix(r, d->when);
	mix(r, d->cpu);
	mix(r, d->vector);
	mix(r, d->cause);
}

static void note_return(void *owner, const struct return_record *d)
{
	struct recording *r = owner;

	r->returns++;
	mix(r, d->id);
	mix(r, d->when);
	mix(r, d->cpu);
}

static void blocks_and_plain_give_the_same_trace(void **state)
{
	struct recording r[2] = {{.hash = 1}, {.hash = 1}};

	for (unsigned plain = 0; plain < 2; plain++) {
		struct machine *m = prepare(guest_storm, 4, plain);

		r[plain].sink =
			(struct trace_sink){.delivery = note_delivery, .returned = note_return, .owner = &r[plain]};
		assert_true(trace_add_sink(&m->trace, r[plain].sink));
		assert_int_equal(machine_run(m).kind, END_DEAD_HALT);
		mix(&r[plain], machine_retired(m));
		for (unsigned i = 0; i < 4; i++)
			assert_true(word(m, BY_CPU + 4 * i) > 0);
		machine_free(m);
	}
	assert_true(r[0].deliveries > 500);
	assert_int_equal(r[0].returns, r[0].deliveries);
	assert_int_equal(r[0].deliveries, r[1].deliveries);
	assert_true(r[0].hash == r[1].hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sipi_starts_a_processor_at_its_page),
		cmocka_unit_test(without_a_sipi_a_processor_waits),
		cmocka_unit_test(a_sipi_to_a_running_processor_is_ignored),
		cmocka_unit_test(an_nmi_reaches_all_others_whatever_their_if),
		cmocka_unit_test(a_fixed_interrupt_wakes_all_others),
		cmocka_unit_test(lock_xadd_counts_exactly),
		cmocka_unit_test(a_shoot_down_empties_the_other_tlbs),
		cmocka_unit_test(a_store_into_code_is_seen_by_all_that_run_it),
		cmocka_unit_test(turns_are_of_several_lengths_and_the_same_in_each_run),
		cmocka_unit_test(a_triple_fault_names_its_processor),
		cmocka_unit_test(all_halted_with_if_0_is_a_dead_halt),
		cmocka_unit_test(blocks_and_plain_give_the_same_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
