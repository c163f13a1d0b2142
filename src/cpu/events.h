/* What may have to happen between two instructions, as a question: the run
 * loop asks it before each block, and handlers that may have changed the answer
 * ask it before they go on by themselves. */
#ifndef TRAPGATE_CPU_EVENTS_H
#define TRAPGATE_CPU_EVENTS_H

#include "cpu/block.h"

static inline bool intr_deliverable(const struct cpu *cpu)
{
	return cpu->intr_line && (cpu->s.rflags & FLAG_IF) && !cpu->s.shadow;
}

/* Does anything stand between here and running whole blocks? */
static inline bool wants_care(const struct cpu *cpu)
{
	return (cpu->s.rflags & (FLAG_TF | FLAG_RF)) || (cpu->s.dr7 & DR7_ENABLE_ANY) || cpu->s.shadow ||
	       cpu->s.pending_dr6 || cpu->rep_resumes || (cpu->nmi_pending && !cpu->s.nmi_blocked) ||
	       cpu->init_pending || cpu->s.activity != ACT_RUNNING || intr_deliverable(cpu) || cpu->plain;
}

/* The block at s.rip, whatever the mode is now; NULL: back to the run loop. */
static inline struct block *block_onward(struct cpu *cpu)
{
	const struct jump *j = jump_of(cpu, cpu->s.rip);

	if (LIKELY(j->link.rip == cpu->s.rip && j->link.epoch == cpu->epoch && j->key == block_key(cpu) &&
		   cpu->mmu.epoch == cpu->mmu_epoch_seen && !cpu->block->alone && block_fits(cpu, j->link.to)))
		return j->link.to;
	return block_after(cpu);
}

/* Ends a handler that has set s.rip itself, like uop_leave_at, but without the way
 * through the run loop where nothing waits there. */
#define RETURN_ONWARD(cpu, u)                                                   \
	do {                                                                    \
		struct block *to_ = wants_care(cpu) ? NULL : block_onward(cpu); \
		if (UNLIKELY(to_ == NULL))                                      \
			return uop_leave_at((cpu), (u));                        \
		const struct uop *next_ = block_enter((cpu), to_);              \
		RETURN_UOP((cpu), next_);                                       \
	} while (0)

#endif
