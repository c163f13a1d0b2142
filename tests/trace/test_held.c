/* What holds an interrupt back at the processor's pin, told once for each reason; the same in blocks and in
 * plain mode.  SDM 3A, "Masking Maskable Hardware Interrupts", "Handling Multiple NMIs". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rig/rig.h"

#define V 0x41
enum { NOP = 0x90, STI = 0xfb, CLI = 0xfa, IRET = 0xcf };

static struct rig *r;
static char told[1024];

static void keep(void *owner, const struct stage_record *s)
{
	size_t used = strlen(told);

	snprintf(told + used, sizeof(told) - used, "%u %s %u %s %s; ", (unsigned)s->when, s->unit,
		 (unsigned)s->instance, s->input, hold_info(s->why)->name);
}

static void start(bool plain, const uint8_t *code, size_t size)
{
	r = rig_new("pentium2", 4 << 20);
	assert_non_null(r);
	rig_protected(r, 0);
	rig_write(r, RIG_CODE, code, size);
	r->cpu.plain = plain;
	told[0] = 0;
	trace_add_sink(&r->trace, (struct trace_sink){.stage = keep});
	clock_trace_lines(&r->clock, &r->trace);
}
#define START(plain, ...) start((plain), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void expect(const char *want)
{
	if (strcmp(told, want) != 0)
		fail_msg("%s run told:\n%s\nnot:\n%s", r->cpu.plain ? "plain" : "fast", told, want);
	rig_free(r);
}

static void if_clear_then_the_shadow_of_sti(void **state)
{
	for (int plain = 0; plain < 2; plain++) {
		START(plain, NOP, NOP, NOP, STI, NOP, NOP);
		rig_interrupt(r, V);
		rig_run(r, 20);
		assert_int_equal(rig_last(r, 0)->vector, V);
		assert_int_equal(rig_last(r, 0)->from.rip, RIG_CODE + 5);
		assert_true(rig_last(r, 0)->has_way);
		assert_int_equal(rig_last(r, 0)->waited, 5);
		assert_int_equal(rig_last(r, 0)->waited_at_pin, 5);
		expect("0 processor 0 INTR IF_CLEAR; 4 processor 0 INTR STI_SHADOW; ");
	}
}

static void sti_cli_lets_nothing_in(void **state)
{
	for (int plain = 0; plain < 2; plain++) {
		START(plain, STI, CLI, NOP, NOP, NOP);
		rig_interrupt(r, V);
		rig_run(r, 4);
		assert_int_equal(r->trace.deliveries, 0);
		expect("0 processor 0 INTR IF_CLEAR; 1 processor 0 INTR STI_SHADOW; 2 processor 0 INTR IF_CLEAR; ");
	}
}

static void the_shadow_of_mov_ss(void **state)
{
	for (int plain = 0; plain < 2; plain++) {
		START(plain, STI, 0x8e, 0xd0, NOP, NOP);
		r->cpu.s.gpr.r64[RAX] = RIG_DS0;
		rig_run(r, 2);
		rig_interrupt(r, V);
		cpu_pulse_nmi(&r->cpu, 77);
		rig_run(r, 3);
		expect("2 processor 0 INTR MOVSS_SHADOW; 2 processor 0 NMI MOVSS_SHADOW; "
		       "4 processor 0 INTR IF_CLEAR; ");
	}
}

static void an_nmi_waits_for_the_iret_of_the_last(void **state)
{
	for (int plain = 0; plain < 2; plain++) {
		START(plain, NOP, NOP, NOP, NOP);
		rig_write(r, RIG_HANDLER(2), (const uint8_t[]){NOP, NOP, NOP, IRET}, 4);
		cpu_pulse_nmi(&r->cpu, 77);
		rig_run(r, 2);
		cpu_pulse_nmi(&r->cpu, 78);
		rig_run(r, 6);
		assert_int_equal(r->trace.deliveries, 2);
		assert_int_equal(rig_last(r, 0)->cause, 78);
		assert_int_equal(rig_last(r, 0)->waited, 3);
		expect("2 processor 0 NMI NMI_BLOCKED; ");
	}
}

static void a_request_in_a_handler_is_told_anew(void **state)
{
	for (int plain = 0; plain < 2; plain++) {
		START(plain, STI, NOP, NOP, NOP);
		rig_write(r, RIG_HANDLER(V), (const uint8_t[]){NOP, NOP, IRET}, 3);
		rig_interrupt(r, V);
		rig_run(r, 4);
		rig_interrupt(r, V);
		rig_run(r, 4);
		assert_int_equal(r->trace.deliveries, 2);
		expect("0 processor 0 INTR IF_CLEAR; 1 processor 0 INTR STI_SHADOW; 4 processor 0 INTR IF_CLEAR; ");
	}
}

static void a_processor_that_was_not_started_takes_nothing(void **state)
{
	START(false, NOP);
	r->cpu.id = 1;
	cpu_pulse_init(&r->cpu);
	rig_run(r, 1);
	cpu_pulse_nmi(&r->cpu, 77);
	rig_interrupt(r, V);
	expect("0 processor 1 NMI WAIT_SIPI; 0 processor 1 INTR WAIT_SIPI; ");
}

static void an_interrupt_taken_at_once_was_not_held(void **state)
{
	for (int plain = 0; plain < 2; plain++) {
		START(plain, STI, NOP, NOP, NOP);
		rig_run(r, 2);
		rig_interrupt(r, V);
		rig_run(r, 2);
		assert_int_equal(r->trace.deliveries, 1);
		expect("");
	}
}

static void nothing_is_told_while_lines_are_not_traced(void **state)
{
	START(false, NOP, NOP);
	r->trace.lines = false;
	rig_interrupt(r, V);
	rig_run(r, 2);
	expect("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(if_clear_then_the_shadow_of_sti),
		cmocka_unit_test(sti_cli_lets_nothing_in),
		cmocka_unit_test(the_shadow_of_mov_ss),
		cmocka_unit_test(an_nmi_waits_for_the_iret_of_the_last),
		cmocka_unit_test(a_request_in_a_handler_is_told_anew),
		cmocka_unit_test(a_processor_that_was_not_started_takes_nothing),
		cmocka_unit_test(an_interrupt_taken_at_once_was_not_held),
		cmocka_unit_test(nothing_is_told_while_lines_are_not_traced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
