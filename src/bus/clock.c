/* The armed timers are a list in firing order.  A machine has some twenty of
 * them, and a timer is mostly armed near the front: the walk is short, and the
 * earliest deadline, which the run loop asks for all the time, is one load. */
#include "bus/clock.h"

#include <stddef.h>
#include <string.h>

#include "trace/trace.h"

__extension__ typedef unsigned __int128 u128;

void clock_init(struct clock *clock)
{
	memset(clock, 0, sizeof(*clock));
	clock->next_cause = 1;
}

void clock_trace_lines(struct clock *clock, struct trace *trace)
{
	trace_lines(trace);
	clock->trace = trace;
}

uint64_t clock_new_cause(struct clock *clock)
{
	return clock->next_cause++;
}

void timer_init(struct timer *timer, struct clock *clock, const char *name, int priority,
		void (*fire)(void *owner, uint64_t when), void *owner)
{
	*timer = (struct timer){
		.name = name,
		.when = CLOCK_NEVER,
		.priority = priority,
		.fire = fire,
		.owner = owner,
		.clock = clock,
	};
}

static bool fires_before(const struct timer *a, const struct timer *b)
{
	if (a->when != b->when)
		return a->when < b->when;
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return a->sequence < b->sequence;
}

void timer_cancel(struct timer *timer)
{
	timer->when = CLOCK_NEVER;
	if (!timer->armed)
		return;
	if (timer->earlier != NULL)
		timer->earlier->later = timer->later;
	else
		timer->clock->first = timer->later;
	if (timer->later != NULL)
		timer->later->earlier = timer->earlier;
	timer->earlier = timer->later = NULL;
	timer->armed = false;
}

void timer_arm(struct timer *timer, uint64_t when)
{
	struct clock *clock = timer->clock;
	struct timer *before = NULL, *after;

	timer_cancel(timer);
	if (when == CLOCK_NEVER)
		return;
	timer->when = when;
	timer->sequence = clock->next_sequence++;
	timer->armed = true;
	for (after = clock->first; after != NULL && fires_before(after, timer); after = after->later)
		before = after;
	timer->earlier = before;
	timer->later = after;
	if (after != NULL)
		after->earlier = timer;
	if (before != NULL) {
		before->later = timer;
		return;
	}
	clock->first = timer;
	if (clock->sooner != NULL)
		clock->sooner(clock->sooner_owner);
}

bool timer_armed(const struct timer *timer)
{
	return timer->armed;
}

void clock_advance(struct clock *clock, uint64_t now)
{
	if (now > clock->now)
		clock->now = now;
	while (clock->first != NULL && clock->first->when <= clock->now) {
		struct timer *timer = clock->first;
		uint64_t when = timer->when;

		timer_cancel(timer);
		timer->fire(timer->owner, when);
	}
}

uint64_t clock_ticks_to_cycles(uint64_t ticks, uint64_t hz)
{
	u128 cycles = (u128)ticks * hz / CLOCK_HZ;

	return cycles > UINT64_MAX ? UINT64_MAX : (uint64_t)cycles;
}

uint64_t clock_cycles_to_ticks(uint64_t cycles, uint64_t hz)
{
	u128 ticks;

	if (hz == 0)
		return CLOCK_NEVER;
	ticks = ((u128)cycles * CLOCK_HZ + hz - 1) / hz;
	return ticks > UINT64_MAX ? CLOCK_NEVER : (uint64_t)ticks;
}
