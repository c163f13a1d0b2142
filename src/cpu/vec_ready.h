/* Which vector instructions may run at all, as control registers have it.  Part of block_key(), so that handlers of
 * these instructions need not look. */
#ifndef TRAPGATE_CPU_VEC_READY_H
#define TRAPGATE_CPU_VEC_READY_H

#include "cpu/cpu.h"

#define READY_MMX 0x20u
#define READY_SSE 0x40u
#define READY_AVX 0x80u

/* SDM 2, "Exceptions Type 1" and the following, "Exception Conditions of Legacy SIMD Instructions"; SDM 3A,
 * "Providing Operating System Support for SSE Instructions". */
static inline unsigned vec_ready(const struct cpu *cpu)
{
	const struct arch_state *s = &cpu->s;
	unsigned ready = 0;

	if (s->cr0 & CR0_TS)
		return 0;
	if (!(s->cr0 & CR0_EM))
		ready |= READY_MMX | (s->cr4 & CR4_OSFXSR ? READY_SSE : 0);
	if ((s->cr4 & CR4_OSXSAVE) && (s->xcr0 & (XCR0_SSE | XCR0_AVX)) == (XCR0_SSE | XCR0_AVX))
		ready |= READY_AVX;
	return ready;
}

#endif
