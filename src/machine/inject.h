/* A test pin: raises an external interrupt of its own after every so many
 * instructions, past the interrupt controllers. */
#ifndef TRAPGATE_MACHINE_INJECT_H
#define TRAPGATE_MACHINE_INJECT_H

#include "bus/clock.h"
#include "bus/line.h"

struct inject {
	struct timer timer;
	struct irq_line line; /* high from the moment until it is acknowledged */
	uint64_t every;
	uint8_t vector;
};

void inject_init(struct inject *inject, struct clock *clock, uint8_t vector, uint64_t every);
/* The acknowledge: takes the line down and sets the next moment. */
uint8_t inject_acknowledge(struct inject *inject, uint64_t *cause);

#endif
