/* A test pin: raises an external interrupt of its own, past the interrupt controllers, every so
 * many instructions, counted from the acknowledge of the last one: its handler's count too, so that one whose
 * handler has n instructions hits every instruction of a program with n + 2 (the delivery is a tick). */
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
