#include "determinism/determinism.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "trace/writer.h"

#define LONGEST 10000u /* ticks no run needs */

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
				    s->pending_dr6, s->cr0, s->cr2, s->cr3, s->cr4, s->cr8, s->efer, s->xcr0, s->pkru,
				    s->dr[0], s->dr[1], s->dr[2], s->dr[3], s->dr6, s->dr7, s->gdtr.base,
				    s->gdtr.limit, s->idtr.base, s->idtr.limit, s->star, s->lstar, s->sfmask,
				    s->kernel_gs_base, s->tsc_aux, s->mxcsr, s->fpu.cw, s->fpu.sw, s->fpu.tw,
				    s->fpu.fop, s->fpu.fip, s->fpu.fdp, s->fpu.fcs, s->fpu.fds, r->cpu.icount};
	uint64_t hash = add_bytes(0, control, sizeof(control));

	hash = add_bytes(hash, s->gpr.r64, 16 * sizeof(s->gpr.r64[0]));
	hash = add_bytes(hash, s->vec, sizeof(s->vec));
	for (unsigned i = 0; i < SEG_COUNT; i++)
		hash = add(add(add(hash, s->seg[i].base), s->seg[i].limit),
			   (uint64_t)s->seg[i].sel << 16 | s->seg[i].attributes);
	for (unsigned i = 0; i < 8; i++)
		hash = add(add(hash, s->fpu.st[i].mantissa), s->fpu.st[i].sign_exponent);
	return add_bytes(hash, r->ram->host, 0x90000);
}

enum mode { FAST, PLAIN, STEPPED, SLICED };
enum what { NOTHING, INTERRUPT, NMI };

static enum stop run_without_timers(struct rig *r, enum mode mode, uint64_t until)
{
	enum stop stop = STOP_BUDGET;

	if (mode == STEPPED) {
		while (stop == STOP_BUDGET && r->cpu.icount < until)
			stop = cpu_step(&r->cpu);
		return stop;
	}
	if (mode == SLICED) {
		for (unsigned slice = 1; stop == STOP_BUDGET && r->cpu.icount < until; slice = slice % 13 + 1) {
			uint64_t end = r->cpu.icount + slice;
			stop = cpu_run(&r->cpu, end < until ? end : until);
		}
		return stop;
	}
	return cpu_run(&r->cpu, until);
}

/* As machine/run.c: up to the next timer, and from a HLT that it ends there at once. */
static enum stop run_until(struct rig *r, enum mode mode, uint64_t until)
{
	while (r->cpu.icount < until) {
		uint64_t deadline = clock_deadline(&r->clock), next = deadline < until ? deadline : until;
		enum stop stop = run_without_timers(r, mode, next);

		if (stop == STOP_HALT && deadline != CLOCK_NEVER && (cpu_flags(&r->cpu) & FLAG_IF))
			cpu_set_time(&r->cpu, next);
		else if (stop != STOP_BUDGET)
			return stop;
		clock_advance(&r->clock, r->cpu.icount);
	}
	return STOP_BUDGET;
}

/* The program, with that event at that tick. */
static struct outcome run(const struct program *p, enum mode mode, enum what what, uint64_t tick)
{
	struct rig *r = p->make();
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
	o.interrupts = rig_read32(r, p->irq_count);
	o.nmis = rig_read32(r, p->nmi_count);
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

static void program_meets_every_kind_of_event(void **state)
{
	const struct program *p = *state;
	struct outcome o = run(p, FAST, NOTHING, 0);

	for (const char *const *sign = p->signs; *sign; sign++)
		if (!strstr(o.text, *sign))
			fail_msg("no %s in the trace", *sign);
	assert_in_range(o.ticks, p->least, p->most);
	free(o.text);
}

static void stepping_and_slices_change_nothing(void **state)
{
	struct outcome fast = run(*state, FAST, NOTHING, 0);

	for (enum mode mode = PLAIN; mode <= SLICED; mode++) {
		struct outcome other = run(*state, mode, NOTHING, 0);
		assert_same(&fast, &other, NOTHING, 0);
		free(other.text);
	}
	free(fast.text);
}

static uint64_t digest = 0;

static void event_behind_each_instruction(const struct program *p, enum what what)
{
	struct outcome alone = run(p, FAST, NOTHING, 0);
	unsigned taken = 0;

	for (uint64_t tick = 0; tick + p->untouched < alone.ticks; tick += STEP) {
		struct outcome fast = run(p, FAST, what, tick), plain = run(p, PLAIN, what, tick);
		assert_same(&fast, &plain, what, tick);
		assert_int_equal(fast.nmis, what == NMI);
		taken += what == NMI ? fast.nmis : fast.interrupts;
		digest = add_bytes(add(add(digest, tick), fast.state), fast.text, fast.size);
		free(fast.text);
		free(plain.text);
	}
	assert_true(taken > alone.ticks / STEP * 9 / 10);
	free(alone.text);
}

static void interrupt_behind_each_instruction(void **state) { event_behind_each_instruction(*state, INTERRUPT); }
static void nmi_behind_each_instruction(void **state) { event_behind_each_instruction(*state, NMI); }

static void assembler_made_the_same_program(void **state)
{
	const struct program *p = *state;
	struct rig *r = p->make();
	uint64_t found = add_bytes(0, (const uint8_t *)r->ram->host + p->code, p->code_bytes);

	rig_free(r);
	if (found != p->code_digest)
		fail_msg("the code's digest is 0x%016llx", (unsigned long long)found);
}

/* Runs behind the two above. */
static void digest_of_all_runs(void **state)
{
	if (STEP > 1)
		skip();
	if (digest != ((const struct program *)*state)->digest)
		fail_msg("the digest is 0x%016llx", (unsigned long long)digest);
}

int determinism(const char *name, struct program *program)
{
#define OF_PROGRAM(test) cmocka_unit_test_prestate(test, program)
	const struct CMUnitTest tests[] = {
		OF_PROGRAM(assembler_made_the_same_program),    OF_PROGRAM(program_meets_every_kind_of_event),
		OF_PROGRAM(stepping_and_slices_change_nothing), OF_PROGRAM(interrupt_behind_each_instruction),
		OF_PROGRAM(nmi_behind_each_instruction),	OF_PROGRAM(digest_of_all_runs),
	};

	return _cmocka_run_group_tests(name, tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
