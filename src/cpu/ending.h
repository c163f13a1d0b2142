/* Handlers made of a function that says whether the instruction happened.
 *
 * core is an expression over cpu and u: false with cpu->fault filled in (or the mmu's
 * RUN_ALONE), and nothing changed.  THEN_NEXT goes on with the following uop;
 * THEN_LEAVE lets the run loop look at everything afresh (uop.h). */
#ifndef TRAPGATE_CPU_ENDING_H
#define TRAPGATE_CPU_ENDING_H

#include "cpu/cpu.h"

#define THEN_NEXT(name, core)                                             \
	static const struct uop *name(struct cpu *cpu, const struct uop *u) \
	{                                                                 \
		if (UNLIKELY(!(core)))                                    \
			return uop_fault(cpu, u);                         \
		RETURN_NEXT(cpu, u);                                      \
	}

#define THEN_LEAVE(name, core)                                            \
	static const struct uop *name(struct cpu *cpu, const struct uop *u) \
	{                                                                 \
		if (UNLIKELY(!(core)))                                    \
			return uop_fault(cpu, u);                         \
		return uop_leave(cpu, u);                                 \
	}

/* The check that opens every privileged instruction: CPL is 0 (real mode counts
 * as 0, virtual-8086 mode as 3), else #GP(0). */
static inline bool privileged(struct cpu *cpu)
{
	if (LIKELY(cpu->s.cpl == 0))
		return true;
	return cpu_raise(cpu, VEC_GP, 0, WHY_PRIVILEGED);
}

#endif
