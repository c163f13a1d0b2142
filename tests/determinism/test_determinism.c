/* One program, one external event, raised once behind each of its instructions: the blocks and
 * the one-at-a-time oracle must write the same trace, byte for byte, and end in the same state;
 * and so must every compiler and both dispatchers, which a digest in this file stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "determinism/program.h"
#include "trace/writer.h"

/* Over all runs, interrupts and NMIs, of the text of the trace and the final state.  To be changed by hand,
 * with a word in the commit on what changed in the records or in the program. */
#define DIGEST UINT64_C(0x02b1cce40205bd72)
/* Of the program's code: another assembler may encode it otherwise, which is no fault of the processor. */
#define PROGRAM UINT64_C(0xc9985d96daf45d12)

#define LONGEST 5000u /* ticks no run needs */

struct outcome {
	char *text; /* the trace */
	size_t size;
	uint64_t state;
	uint64_t ticks;
	uint32_t interrupts, nmis;
};

/* FNV-1a by 64 bits. */
static uint64_t add(uint64_t hash, uint64_t v) { return ((hash ^ v) * UINT64_C(0x100000001b3)) ^ hash >> 47; }

static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;

	for (; size >= 8; size -= 8, p += 8) {
		uint64_t v;
		memcpy(&v, p, 8);
		hash = add(hash, v);
	}
	for (; size; size--)
		hash = add(hash, *p++);
	return add(hash, size);
}

/* Every field by itself: what lies between them is no state. */
static uint64_t state_of(const struct rig *r)
{
	const struct arch_state *s = &r->cpu.s;
	const uint64_t control[] = {s->rip, cpu_flags(&r->cpu), s->cpl, s->shadow, s->nmi_blocked, s->activity,
				    s->pending_dr6, s->cr0, s->cr2, s->cr3, s->cr4, s->dr6, s->dr7, s->gdtr.base,
				    s->gdtr.limit, s->idtr.base, s->idtr.limit, s->fpu.cw, s->fpu.sw, s->fpu.tw,
				    s->fpu.fop, s->fpu.fip, s->fpu.fdp, s->fpu.fcs, s->fpu.fds, r->cpu.icount};
	uint64_t hash = add_bytes(0, control, sizeof(control));

	hash = add_bytes(hash, s->gpr.r64, 8 * sizeof(s->gpr.r64[0]));
	for (unsigned i = 0; i < SEG_COUNT; i++)
		hash = add(add(add(hash, s->seg[i].base), s->seg[i].limit),
			   (uint64_t)s->seg[i].sel << 16 | s->seg[i].attributes);
	for (unsigned i = 0; i < 8; i++)
		hash = add(add(hash, s->fpu.st[i].mantissa), s->fpu.st[i].sign_exponent);
	return add_bytes(hash, r->ram->host, 0x90000);
}

enum mode { FAST, PLAIN, STEPPED, SLICED };
enum what { NOTHING, INTERRUPT, NMI };

static enum stop run_until(struct rig *r, enum mode mode, uint64_t until)
{
	enum stop stop = STOP_BUDGET;

	if (mode == STEPPED) {
		while (stop == STOP_BUDGET && r->cpu.icount < until)
			stop = cpu_step(&r->cpu);
		return stop;
	}
	if (mode == SLICED) {
		for (unsigned slice = 1; stop == STOP_BUDGET && r->cpu.icount < until; slice = slice % 13 + 1)
			stop = cpu_run(&r->cpu, r->cpu.icount + slice);
		return stop;
	}
	return cpu_run(&r->cpu, until);
}

/* The program, with that event at that tick. */
static struct outcome run(enum mode mode, enum what what, uint64_t tick)
{
	struct rig *r = program_new();
	struct outcome o = {.text = NULL};
	struct trace_writer writer = {.file = open_memstream(&o.text, &o.size)};

	assert_non_null(r);
	assert_non_null(writer.file);
	assert_true(trace_add_sink(&r->trace, trace_jsonl_sink(&writer)));
	r->cpu.plain = mode == PLAIN;
	if (what != NOTHING) {
		assert_int_equal(run_until(r, mode, tick), STOP_BUDGET);
		/* An INT n that is refused and the exception it becomes are one step of two ticks. */
		assert_in_range(r->cpu.icount, tick, tick + 1);
		if (what == NMI)
			cpu_pulse_nmi(&r->cpu, clock_new_cause(&r->clock));
		else
			rig_interrupt(r, PROGRAM_IRQ);
	}
	assert_int_equal(run_until(r, mode, LONGEST), STOP_HALT);
	fclose(writer.file);
	o.state = state_of(r);
	o.ticks = r->cpu.icount;
	o.interrupts = rig_read32(r, PROGRAM_IRQ_COUNT);
	o.nmis = rig_read32(r, PROGRAM_NMI_COUNT);
	rig_free(r);
	return o;
}

/* The lines in which two traces first differ. */
static void show_difference(const struct outcome *a, const struct outcome *b)
{
	size_t line = 0, i = 0;

	for (; i < a->size && i < b->size && a->text[i] == b->text[i]; i++)
		if (a->text[i] == '\n')
			line = i + 1;
	print_error("%.*s\n%.*s\n", (int)strcspn(a->text + line, "\n"), a->text + line,
		    (int)strcspn(b->text + line, "\n"), b->text + line);
}

static void assert_same(const struct outcome *a, const struct outcome *b, enum what what, uint64_t tick)
{
	bool text = a->size == b->size && memcmp(a->text, b->text, a->size) == 0;

	if (!text)
		show_difference(a, b);
	if (!text || a->state != b->state || a->ticks != b->ticks)
		fail_msg("event %u at tick %llu: the %s differs", what, (unsigned long long)tick,
			 text ? "state" : "trace");
}

/* The program does what it is for. */
static void program_meets_every_kind_of_event(void **state)
{
	struct outcome o = run(FAST, NOTHING, 0);
	static const char *const signs[] = {
		"\"vector\":0,", "\"vector\":1,", "\"vector\":3,", "\"vector\":6,", "\"vector\":13,", "\"vector\":14,",
		"\"vector\":16,", "\"vector\":33,", "\"vector\":34,", "\"vector\":128,", "\"vector\":129,",
		"\"call-gate\"", "\"sysenter\"", "\"sysexit\"", "\"iret-task\"", "\"vm86\"", "\"SINGLE_STEP\"",
		"\"X87_PENDING\"", "\"PAGE_NOT_PRESENT\"", "\"CLI_IOPL\"", "\"GATE_DPL\"",
		"\"UD_INSTRUCTION\"", "\"DIVIDE_ZERO\"",
	};

	for (unsigned i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (!strstr(o.text, signs[i]))
			fail_msg("no %s in the trace", signs[i]);
	assert_in_range(o.ticks, 300, 1000);
	free(o.text);
}

static void stepping_and_slices_change_nothing(void **state)
{
	struct outcome fast = run(FAST, NOTHING, 0);

	for (enum mode mode = PLAIN; mode <= SLICED; mode++) {
		struct outcome other = run(mode, NOTHING, 0);
		assert_same(&fast, &other, NOTHING, 0);
		free(other.text);
	}
	free(fast.text);
}

static uint64_t digest = 0;

static void event_behind_each_instruction(enum what what)
{
	struct outcome alone = run(FAST, NOTHING, 0);
	unsigned taken = 0;

	/* At the last two ticks, CLI and HLT, an NMI would wake the program from its end. */
	for (uint64_t tick = 0; tick + 2 < alone.ticks; tick++) {
		struct outcome fast = run(FAST, what, tick), plain = run(PLAIN, what, tick);
		assert_same(&fast, &plain, what, tick);
		assert_int_equal(fast.nmis, what == NMI);
		taken += what == NMI ? fast.nmis : fast.interrupts;
		digest = add_bytes(add(add(digest, tick), fast.state), fast.text, fast.size);
		free(fast.text);
		free(plain.text);
	}
	assert_true(taken > alone.ticks * 9 / 10);
	free(alone.text);
}

static void interrupt_behind_each_instruction(void **state) { event_behind_each_instruction(INTERRUPT); }
static void nmi_behind_each_instruction(void **state) { event_behind_each_instruction(NMI); }

static void assembler_made_the_same_program(void **state)
{
	struct rig *r = program_new();
	uint64_t found = add_bytes(0, (const uint8_t *)r->ram->host + RIG_CODE, 0xa000);

	rig_free(r);
	if (found != PROGRAM)
		fail_msg("the code's digest is 0x%016llx", (unsigned long long)found);
}

/* Runs behind the two above. */
static void digest_of_all_runs(void **state)
{
	if (digest != DIGEST)
		fail_msg("the digest is 0x%016llx", (unsigned long long)digest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(assembler_made_the_same_program), cmocka_unit_test(program_meets_every_kind_of_event),
		cmocka_unit_test(stepping_and_slices_change_nothing),
		cmocka_unit_test(interrupt_behind_each_instruction), cmocka_unit_test(nmi_behind_each_instruction),
		cmocka_unit_test(digest_of_all_runs),
	};

	return cmocka_run_group_tests_name("determinism", tests, NULL, NULL);
}
