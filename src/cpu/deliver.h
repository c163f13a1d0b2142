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

/* The fault in cpu->fault as an event at s.rip. */
void event_of_fault(const struct cpu *cpu, struct event *ev);
/* Fills *w with the present place: code, stack, flags, privilege. */
void where_now(const struct cpu *cpu, struct where *w);

/* task.c.  The task switch of SDM 3A, "Task Switching". */
struct task_switch {
	uint16_t tss_sel;      /* of the new task: operand, task gate or back link */
	enum task_cause cause; /* decides on busy bits, NT and back link */
	uint64_t return_rip;   /* EIP saved in the old task */
	uint64_t flags;        /* EFLAGS saved in the old task: cpu_flags() with the RF the event wants */
	bool has_error;        /* an exception's error code ... */
	uint32_t error;        /* ... goes onto the new stack, EXT included */
	uint32_t ext;          /* ERR_EXT or 0, for the error codes of faults met on the way */
};

/* Begins with all checks on the selector and the TSS descriptor; the gate's own checks
 * and those of DPL are the caller's.  False: cpu->fault (or MMU_RUN_ALONE, only while not
 * alone); *committed tells whose it is: false, the old task's, which has not changed; true, the
 * new task's: s.rip is its EIP and nothing of it was executed.  With true, s.rip is
 * the new task's EIP. */
bool task_switch(struct cpu *cpu, const struct task_switch *t, bool *committed) MUST_CHECK;

#endif
