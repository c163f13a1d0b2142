/* Run control: how far the processor may go in one stretch, what its stops mean,
 * and how a run ends. */
#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include "machine/machine.h"

/* Ticks between two looks at the host (input, time limit, signals): some
 * milliseconds.  Where a stretch ends has no effect on the guest. */
#define STRETCH 2000000u
/* Ticks of a turn where there are several processors: from TURN_LEAST on, TURN_SPREAD lengths by a fixed sequence.  Were all turns of
 * one length, a loop that gives a lock away and takes it back could end every turn of its with the lock taken. */
#define TURN_LEAST  1500u
#define TURN_SPREAD 1009u
/* Nanoseconds that a halted machine waits for input before it looks around again. */
#define LONGEST_WAIT 50000000u

void machine_finish(struct machine *m, enum end_kind kind, int status, const char *format, ...)
{
	va_list arguments;

	if (m->end.kind != END_NONE)
		return;
	m->end.kind = kind;
	m->end.status = status;
	va_start(arguments, format);
	vsnprintf(m->end.text, sizeof(m->end.text), format, arguments);
	va_end(arguments);
	cpu_request_stop(m->cpu[m->turn]);
}

uint64_t machine_retired(const struct machine *m)
{
	return m->clock.now - m->idle;
}

void machine_request_reset(struct machine *m, bool all)
{
	if (m->guest.mode != START_RESET || m->config.no_reboot) {
		machine_finish(m, END_RESET, 0, "the guest reset the machine");
		return;
	}
	if (m->reset != RESET_ALL)
		m->reset = all ? RESET_ALL : RESET_PROCESSORS;
	cpu_request_stop(m->cpu[m->turn]);
}

static double host_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t turn_length(struct machine *m)
{
	m->turns = m->turns * 1664525u + 1013904223u; /* Knuth's congruential generator of 32 bits */
	return TURN_LEAST + (m->turns >> 16) % TURN_SPREAD;
}

/* Where the next stretch ends at the latest. */
static uint64_t stretch_end(struct machine *m)
{
	uint64_t end = least(clock_deadline(&m->clock), m->next_look);

	if (m->config.max_insns)
		end = least(end, m->config.max_insns + m->idle);
	if (m->cpus > 1)
		end = least(end, m->clock.now + turn_length(m));
	return screen_next(&m->screen) == UINT64_MAX ? end : least(end, screen_next(&m->screen) + m->idle);
}

/* The host's side: input, the time limit. */
static void look_at_host(struct machine *m, double started)
{
	m->next_look = m->clock.now + STRETCH;
	board_poll_input(m, 0);
	if (m->config.timeout && host_seconds() - started >= m->config.timeout)
		machine_finish(m, END_TIMEOUT, 8, "stopped after %u seconds (--timeout), %" PRIu64 " instructions",
			       m->config.timeout, machine_retired(m));
}

static void check_limits(struct machine *m)
{
	if (m->config.max_insns && machine_retired(m) >= m->config.max_insns)
		machine_finish(m, END_MAX_INSNS, 8, "stopped after %" PRIu64 " instructions (--max-insns)",
			       machine_retired(m));
	else if (m->interrupted)
		machine_finish(m, END_INTERRUPTED, 8, "interrupted after %" PRIu64 " instructions", machine_retired(m));
}

/* ---- all processors wait ---- */

/* Why that will last for ever, or NULL. */
static const char *dead(const struct machine *m)
{
	if (m->moments)
		return NULL;
	for (unsigned i = 0; i < m->cpus; i++)
		if (m->cpu[i]->s.activity == ACT_HALTED && (m->cpu[i]->s.rflags & FLAG_IF))
			return board_may_interrupt(m, m->clock.now - m->idle_since) ? NULL : "no device will interrupt";
	if (board_may_nmi(m) && board_may_interrupt(m, m->clock.now - m->idle_since))
		return NULL;
	return "IF = 0";
}

static void report_dead(struct machine *m, const char *reason)
{
	const struct cpu *cpu = m->cpu[0];

	if ((cpu->s.rflags & FLAG_IF) && cpu->intr.device)
		machine_finish(m, END_DEAD_HALT, 6, "halted for ever: HLT with IF = 1, and %s (%s)", reason,
			       cpu->intr.why_quiet(cpu->intr.device));
	else
		machine_finish(m, END_DEAD_HALT, 6, "halted for ever: %s with %s",
			       cpu->ferr ? "x87 error or HLT" : "HLT", reason);
}

/* HLT: virtual time jumps to the next timer; while the guest waits for input too, host time passes
 * along, and so it does in front of a display. */
static void idle(struct machine *m)
{
	uint64_t now = m->clock.now, next = clock_deadline(&m->clock);
	uint64_t wait = next == CLOCK_NEVER ? LONGEST_WAIT : least(next - now, LONGEST_WAIT);
	const char *reason;

	if (m->idle_since == 0)
		m->idle_since = now;
	reason = dead(m);
	if (reason) {
		report_dead(m, reason);
		return;
	}
	if (m->console.ops)
		wait = console_wait(m, wait);
	else if (board_listens(m))
		board_poll_input(m, wait);
	if (m->console.ops)
		next = least(next, now + wait);
	m->next_look = now;
	if (next == CLOCK_NEVER)
		return;
	m->idle += next - now;
	clock_advance(&m->clock, next);
}

/* ---- turns ---- */

/* The processor whose turn is next: the first behind the last one that has something to do.  NULL: none has. */
static struct cpu *next_turn(struct machine *m)
{
	for (unsigned i = 1; i <= m->cpus; i++) {
		unsigned turn = (m->turn + i) % m->cpus;

		if (cpu_is_waiting(m->cpu[turn]))
			continue;
		m->turn = turn;
		return m->cpu[turn];
	}
	return NULL;
}

static void stopped(struct machine *m, struct cpu *cpu, enum stop stop)
{
	switch (stop) {
	case STOP_BUDGET:
	case STOP_HALT:
		break;
	case STOP_SHUTDOWN:
		if (cpu->id)
			machine_finish(m, END_TRIPLE_FAULT, 4, "triple fault on processor %u after %" PRIu64 " instructions",
				       cpu->id, machine_retired(m));
		else
			machine_finish(m, END_TRIPLE_FAULT, 4, "triple fault after %" PRIu64 " instructions",
				       machine_retired(m));
		break;
	case STOP_UNIMPLEMENTED:
		machine_finish(m, END_UNIMPLEMENTED, 12, "not built yet: %s", cpu->gap);
		break;
	case STOP_REQUESTED: /* machine_finish() has the reason, or m->reset */
		break;
	}
}

static void reset(struct machine *m)
{
	bool all = m->reset == RESET_ALL;

	m->reset = RESET_NONE;
	if (all)
		board_reset(m);
	for (unsigned i = 0; i < m->cpus; i++) {
		if (all)
			cpu_reset(m->cpu[i], false);
		else
			cpu_pulse_init(m->cpu[i]);
	}
}

/* One turn of one processor, in which the timers that come due fire. */
static void turn(struct machine *m, struct cpu *cpu)
{
	enum stop stop;

	m->idle_since = 0;
	cpu_set_time(cpu, m->clock.now);
	bus_set_initiator(m->bus, cpu->id);
	stop = cpu_run(cpu, stretch_end(m));
	clock_advance(&m->clock, cpu->icount);
	stopped(m, cpu, stop);
	if (m->reset != RESET_NONE)
		reset(m);
}

struct machine_end machine_run(struct machine *m)
{
	double started = host_seconds();

	for (;;) {
		struct cpu *cpu;

		if (m->clock.now >= m->next_look)
			look_at_host(m, started);
		check_limits(m);
		if (m->end.kind != END_NONE)
			break;
		cpu = next_turn(m);
		if (cpu)
			turn(m, cpu);
		else
			idle(m);
		console_step(m);
		screen_step(m);
	}
	console_finish(m, m->config.timeout ? (uint64_t)((started + m->config.timeout) * 1e9) : 0);
	m->end.lost_output = !board_flush(m);
	return m->end;
}
