/* Delivery of events through the IDT, and what else enters or leaves a
 * handler.  Source of each: see the .c file named. */
#ifndef TRAPGATE_CPU_DELIVER_H
#define TRAPGATE_CPU_DELIVER_H

#include "cpu/cpu.h"

/* What wants delivery. */
struct event {
	enum event_kind kind;
	uint8_t vector;
	bool has_error;
	uint32_t error;
	uint64_t return_rip; /* what is pushed: the instruction or the one after it */
	uint64_t cr2;        /* #PF: goes to CR2 */
	uint32_t dr6;        /* #DB: bits to be set in DR6 */
	enum why why;
	uint64_t cause;
};

/* deliver.c.  Delivers ev, and whatever comes of failing to: combines faults
 * (SDM 3A, "Interrupt 8 - Double Fault Exception"), at worst shuts down.
 * Afterwards s.rip is the next instruction to run. */
void deliver(struct cpu *cpu, const struct event *ev);

/* task.c.  The task switch of SDM 3A, "Task Switching".  tss_sel is the new
 * TSS's selector; error: EV's error code to push on the new stack (has_error).
 * False: cpu->fault; *committed tells whether the new task was already
 * entered when it happened. */
bool task_switch(struct cpu *cpu, uint16_t tss_sel, enum task_cause cause, uint64_t return_rip,
		 bool has_error, uint32_t error, bool ext, bool *committed) MUST_CHECK;

#endif
