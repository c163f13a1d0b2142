/* Far transfers: what JMP, CALL, call gates and RETF share. */
#ifndef TRAPGATE_CPU_FAR_H
#define TRAPGATE_CPU_FAR_H

#include "cpu/desc.h"
#include "cpu/gate.h"

/* One far JMP or CALL on its way. */
struct far_transfer {
	bool call;
	bool flat;           /* return addresses go onto the stack of 64-bit code */
	unsigned bytes;      /* operand size: 2, 4 or 8 */
	uint16_t sel;        /* the far pointer */
	uint64_t offset;     /* no longer than bytes */
	uint64_t rip;        /* of the instruction */
	uint64_t return_rip; /* of the next one */
	bool task_entered;   /* out: a task switch was committed */
};

/* Continues at target in the code segment cs, whose privilege checks are done, without a change of
 * privilege.  CALL pushes CS and IP of word bytes each.  In this order: no
 * room for them #SS(0) WHY_FAR_STACK_ROOM (on a flat stack WHY_NON_CANONICAL); target beyond the limit #GP(0)
 * WHY_FAR_LIMIT (in 64-bit code WHY_FAR_NON_CANONICAL); #PF, #AC of the pushes.  Nothing changes on a fault. */
bool far_land(struct cpu *cpu, const struct far_transfer *t, unsigned word, struct descriptor *cs,
	      uint64_t target) MUST_CHECK;

/* callgate.c.  Through the call gate that t->sel names; upper: the second half of its 16 bytes in IA-32e
 * mode, else 0. */
bool far_through_call_gate(struct cpu *cpu, struct far_transfer *t, const struct descriptor *gate,
			   uint64_t upper) MUST_CHECK;

/* Are count words of word bytes below sp all inside seg?  sp wraps at the
 * stack's size. */
bool stack_has_room(const struct segment *seg, uint64_t sp, unsigned word, unsigned count);
/* The same on the stack of 64-bit code: are they at canonical addresses? */
bool flat_stack_has_room(const struct cpu *cpu, uint64_t sp, unsigned word, unsigned count);

#endif
