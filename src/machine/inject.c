#include "machine/inject.h"

static void fire(void *owner, uint64_t when)
{
	struct inject *inject = owner;

	line_set(&inject->line, true, clock_new_cause(inject->timer.clock));
}

void inject_init(struct inject *inject, struct clock *clock, uint8_t vector, uint64_t every)
{
	inject->vector = vector;
	inject->every = every;
	line_init(&inject->line, "test pin", clock);
	timer_init(&inject->timer, clock, "test pin", 0, fire, inject);
	timer_arm(&inject->timer, clock->now + every);
}

uint8_t inject_acknowledge(struct inject *inject, uint64_t *cause)
{
	*cause = inject->line.cause;
	line_set(&inject->line, false, 0);
	timer_arm(&inject->timer, inject->timer.clock->now + inject->every);
	return inject->vector;
}
