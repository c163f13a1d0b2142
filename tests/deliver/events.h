/* Stepping through events, and what a debug exception told. */
#ifndef TRAPGATE_TESTS_DELIVER_EVENTS_H
#define TRAPGATE_TESTS_DELIVER_EVENTS_H

#include "deliver/bed.h"

#define HANDLER_RETURNS(vector) rig_write8(r, RIG_HANDLER(vector), 0xcf)
#define TARGET 0x5000u /* watched data */

static inline void step(void) { cpu_step(&r->cpu); }
static inline void steps(unsigned n)
{
	while (n--)
		step();
}
static inline unsigned deliveries(void) { return (unsigned)r->trace.deliveries; }

/* Breakpoint register n: R/W 0 execute, 1 write, 3 access; LEN as in DR7. */
static inline void breakpoint(unsigned n, uint32_t address, unsigned rw, unsigned len)
{
	s()->dr[n] = address;
	s()->dr7 |= 2u << 2 * n | (uint64_t)(rw | len << 2) << (16 + 4 * n);
	cpu_state_changed(&r->cpu);
}

static inline void debug_exception(enum why why, uint32_t dr6, uint32_t rip)
{
	assert_why(last()->why, why);
	assert_int_equal(last()->vector, VEC_DB);
	assert_int_equal(last()->from.rip, rip);
	assert_int_equal(s()->dr6, DR6_FIXED1 | dr6);
}

static inline void trap_gates(void)
{
	for (unsigned v = 0; v < 256; v++)
		rig_gate(r, (uint8_t)v, RIG_CS0, RIG_HANDLER(v), G_TRAP32(3));
}

#endif
