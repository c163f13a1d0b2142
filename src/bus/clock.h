/* Virtual time.  now = retired instructions (each REP iteration counts as
 * one), CLOCK_HZ of them a virtual second, so one tick is one nanosecond.
 * Host time never enters.  Timers fire in the total order (when, priority,
 * sequence of arming). */
#ifndef TRAPGATE_BUS_CLOCK_H
#define TRAPGATE_BUS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_HZ UINT64_C(1000000000)
#define CLOCK_NEVER UINT64_MAX

struct timer {
	const char *name;
	uint64_t when; /* ticks; CLOCK_NEVER: not armed */
	int priority;  /* lower fires first among equals in time */
	uint64_t sequence;
	void (*fire)(void *owner, uint64_t when);
	void *owner;
	struct clock *clock;
	bool armed;
	struct timer *earlier, *later; /* neighbours in the clock's list */
};

struct trace;

struct clock {
	uint64_t now;
	uint64_t next_sequence;
	uint64_t next_cause; /* ids handed out by clock_new_cause() */
	struct timer *first; /* armed timers in firing order */
	/* Told whenever the earliest deadline may have moved nearer. */
	void (*sooner)(void *owner);
	void *sooner_owner;
	struct trace *trace; /* who is told of lines and of stages of interrupts; NULL: nobody */
};

void clock_init(struct clock *clock);

/* From now on lines and interrupt controllers of this clock tell trace what they do (bus/line.h).  It outlives
 * the clock. */
void clock_trace_lines(struct clock *clock, struct trace *trace);

/* The earliest armed deadline, or CLOCK_NEVER. */
static inline uint64_t clock_deadline(const struct clock *clock)
{
	return clock->first ? clock->first->when : CLOCK_NEVER;
}

/* Sets now (never backwards) and fires, in order, every timer whose time has
 * come.  A timer that re-arms itself for a time already past fires again. */
void clock_advance(struct clock *clock, uint64_t now);

/* A fresh id for something that may cause a delivery; never 0. */
uint64_t clock_new_cause(struct clock *clock);

void timer_init(struct timer *timer, struct clock *clock, const char *name, int priority,
		void (*fire)(void *owner, uint64_t when), void *owner);
/* Arms or re-arms. when may lie in the past: it fires at the next advance. */
void timer_arm(struct timer *timer, uint64_t when);
void timer_cancel(struct timer *timer);
bool timer_armed(const struct timer *timer);

/* Periods of a hz input that are complete at tick t, and the first tick at
 * which n periods are complete: exact integer conversions in 128 bits, so two
 * devices on the same input agree for ever.  What does not fit in 64 bits, and
 * every tick of a 0 Hz input, is UINT64_MAX (CLOCK_NEVER). */
uint64_t clock_ticks_to_cycles(uint64_t ticks, uint64_t hz);
uint64_t clock_cycles_to_ticks(uint64_t cycles, uint64_t hz);

#endif
