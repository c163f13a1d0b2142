/* The local APIC's timer.  SDM 3A, "APIC Timer".  The count is computed from
 * the tick at which it began; only an interrupt that can come is armed. */
#include "devices/lapic.h"

/* "Divide Configuration Register": bits 3, 1, 0. */
static uint64_t divisor(const struct lapic *a)
{
	unsigned n = (a->divide >> 1 & 4u) | (a->divide & 3u);

	return n == 7 ? 1 : UINT64_C(2) << n;
}

static bool periodic(const struct lapic *a)
{
	return a->lvt[LVT_TIMER] & APIC_LVT_PERIODIC;
}

uint32_t lapic_timer_count(const struct lapic *a)
{
	uint64_t passed = (a->apics->clock->now - a->started) / divisor(a);

	if (!a->initial || (a->lvt[LVT_TIMER] & APIC_LVT_DEADLINE))
		return 0;
	if (periodic(a))
		return a->initial - (uint32_t)(passed % a->initial);
	return passed < a->initial ? a->initial - (uint32_t)passed : 0;
}

/* The next expiry after tick now, CLOCK_NEVER: none. */
static uint64_t next_expiry(const struct lapic *a, uint64_t now)
{
	uint64_t period = a->initial * divisor(a);

	if (!period)
		return CLOCK_NEVER;
	if (now < a->started + period)
		return a->started + period;
	return periodic(a) ? now + period - (now - a->started) % period : CLOCK_NEVER;
}

void lapic_timer_arm(struct lapic *a)
{
	if (a->lvt[LVT_TIMER] & APIC_LVT_DEADLINE)
		return; /* armed where the deadline is set */
	a->timer_rests = false;
	if (a->lvt[LVT_TIMER] & APIC_LVT_MASKED)
		timer_cancel(&a->timer);
	else
		timer_arm(&a->timer, next_expiry(a, a->apics->clock->now));
}

/* While the vector waits in IRR (or is illegal and logged) more expiries
 * change nothing: the timer rests until lapic_timer_wake(). */
void lapic_timer_fire(void *owner, uint64_t when)
{
	struct lapic *a = owner;
	uint8_t vector = (uint8_t)a->lvt[LVT_TIMER];

	if (a->lvt[LVT_TIMER] & APIC_LVT_DEADLINE)
		a->deadline = 0;
	lapic_local(a, LVT_TIMER, clock_new_cause(a->apics->clock));
	if (a->lvt[LVT_TIMER] & APIC_LVT_DEADLINE)
		return;
	a->timer_rests = vector < 16 || (a->irr.word[vector / 32] >> vector % 32 & 1);
	timer_arm(&a->timer, a->timer_rests ? CLOCK_NEVER : next_expiry(a, when));
}

void lapic_timer_wake(struct lapic *a)
{
	if (a->timer_rests)
		lapic_timer_arm(a);
}

/* The count goes on from where it is, at the new pace. */
void lapic_timer_divide(struct lapic *a, uint32_t value)
{
	uint32_t left = lapic_timer_count(a);

	a->divide = value & 0x0b;
	if (left)
		a->started = a->apics->clock->now - (uint64_t)(a->initial - left) * divisor(a);
	lapic_timer_arm(a);
}

uint64_t lapic_deadline(const struct lapic *a)
{
	return a->deadline;
}

/* "TSC-Deadline Mode": a write in another mode has no effect; 0 disarms; a
 * deadline that is past fires at once.  A masked deadline expires silently. */
void lapic_set_deadline(struct lapic *a, uint64_t deadline, uint64_t tsc)
{
	uint64_t now = a->apics->clock->now;

	if (!(a->lvt[LVT_TIMER] & APIC_LVT_DEADLINE))
		return;
	a->deadline = deadline;
	if (!deadline)
		timer_cancel(&a->timer);
	else if (deadline <= tsc)
		lapic_timer_fire(a, now);
	else
		timer_arm(&a->timer, deadline - tsc < CLOCK_NEVER - now ? now + (deadline - tsc) : CLOCK_NEVER);
}
