/* Run control: how far the processor may go in one stretch, what its stops mean,
 * and how a run ends. */
#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include "machine/machine.h"

/* Ticks between two looks at the host (input, time limit, signals): some
 * milliseconds.  Where a stretch ends has no effect on the guest. */
#define STRETCH 2000000u
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
	cpu_request_stop(m->cpu[0]);
}

uint64_t machine_retired(const struct machine *m)
{
	return m->cpu[0]->icount - m->idle;
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

/* Where the next stretch ends at the latest. */
static uint64_t stretch_end(const struct machine *m)
{
	uint64_t end = least(clock_deadline(&m->clock), m->cpu[0]->icount + STRETCH);

	if (m->config.max_insns)
		end = least(end, m->config.max_insns + m->idle);
	return screen_next(&m->screen) == UINT64_MAX ? end : least(end, screen_next(&m->screen) + m->idle);
}

static bool check_limits(struct machine *m, double started)
{
	if (m->config.max_insns && machine_retired(m) >= m->config.max_insns)
		machine_finish(m, END_MAX_INSNS, 8, "stopped after %" PRIu64 " instructions (--max-insns)",
			       machine_retired(m));
	else if (m->config.timeout && host_seconds() - started >= m->config.timeout)
		machine_finish(m, END_TIMEOUT, 8, "stopped after %u seconds (--timeout), %" PRIu64 " instructions",
			       m->config.timeout, machine_retired(m));
	else if (m->interrupted)
		machine_finish(m, END_INTERRUPTED, 8, "interrupted after %" PRIu64 " instructions", machine_retired(m));
	return m->end.kind == END_NONE;
}

/* HLT: virtual time jumps to the next timer; while the guest waits for input too, host time passes
 * along, and so it does in front of a display. */
static void halted(struct machine *m)
{
	uint64_t now = m->cpu[0]->icount, next = clock_deadline(&m->clock);
	uint64_t wait = next == CLOCK_NEVER ? LONGEST_WAIT : least(next - now, LONGEST_WAIT);

	if (!(m->cpu[0]->s.rflags & FLAG_IF) && !m->cpu[0]->nmi_pending && !m->moments) {
		machine_finish(m, END_DEAD_HALT, 6, "halted for ever: %s with IF = 0",
			       m->cpu[0]->ferr ? "x87 error or HLT" : "HLT");
		return;
	}
	if (m->idle_since == 0)
		m->idle_since = now;
	if (!board_may_interrupt(m, now - m->idle_since)) {
		machine_finish(m, END_DEAD_HALT, 6,
			       "halted for ever: HLT with IF = 1, and no device will interrupt (%s)",
			       pic_why_quiet(&m->board.pic));
		return;
	}
	if (m->console.ops)
		wait = console_wait(m, wait);
	else
		board_poll_input(m, board_awaits_input(m) ? wait : 0);
	if (next == CLOCK_NEVER)
		return;
	if (m->console.ops)
		next = least(next, now + wait);
	m->idle += next - now;
	m->cpu[0]->icount = next;
}

static void stopped(struct machine *m, enum stop stop)
{
	if (stop != STOP_HALT)
		m->idle_since = 0;
	switch (stop) {
	case STOP_BUDGET:
		break;
	case STOP_HALT:
		halted(m);
		break;
	case STOP_SHUTDOWN:
		machine_finish(m, END_TRIPLE_FAULT, 4, "triple fault after %" PRIu64 " instructions",
			       machine_retired(m));
		break;
	case STOP_UNIMPLEMENTED:
		machine_finish(m, END_UNIMPLEMENTED, 12, "not built yet: %s", m->cpu[0]->gap);
		break;
	case STOP_REQUESTED: /* machine_finish() has the reason */
		break;
	}
}

struct machine_end machine_run(struct machine *m)
{
	double started = host_seconds();

	while (m->end.kind == END_NONE && check_limits(m, started)) {
		enum stop stop = cpu_run(m->cpu[0], stretch_end(m));

		stopped(m, stop);
		clock_advance(&m->clock, m->cpu[0]->icount);
		board_poll_input(m, 0);
		console_step(m);
		screen_step(m);
	}
	board_flush(m);
	console_finish(m, m->config.timeout ? (uint64_t)((started + m->config.timeout) * 1e9) : 0);
	return m->end;
}
