/* An interrupt that has reached the processor's pin and is not taken yet: told
 * to the tracer when it begins to wait and whenever the reason changes, while
 * lines are traced. */
#ifndef TRAPGATE_CPU_HELD_H
#define TRAPGATE_CPU_HELD_H

#include "cpu/cpu.h"

/* For cpu_tell_held(). */
void cpu_tell_held_now(struct cpu *cpu);

/* Call wherever the answer may have changed and no interrupt is about to be taken. */
static inline void cpu_tell_held(struct cpu *cpu)
{
	if (UNLIKELY(cpu->trace->lines))
		cpu_tell_held_now(cpu);
}

#endif
