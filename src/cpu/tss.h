/* Task-state segments: their layouts, and a task's state taken out of one. */
#ifndef TRAPGATE_CPU_TSS_H
#define TRAPGATE_CPU_TSS_H

#include "cpu/desc.h"

#define TSS_SEGMENTS 6 /* ES CS SS DS FS GS, as in enum seg */

/* Offsets of the fields; the link to the previous task is the word at 0 in both. SDM 3A,
 * "Task-State Segment (TSS)", "16-Bit Task-State Segment (TSS)". */
struct tss_layout {
	uint8_t word;          /* bytes of EIP, EFLAGS and each general register */
	uint8_t ip, flags, gpr;
	uint8_t seg, seg_step, segs;
	uint8_t ldt;
	uint8_t cr3, trap;     /* 0: no such field */
	uint32_t min_limit;    /* of a TSS to be switched to */
	uint32_t last_saved;   /* the last byte a switch away writes */
};

/* By the type of the TSS descriptor (enum sys_type). */
const struct tss_layout *tss_layout(unsigned type);

/* What a TSS says of its task. */
struct task_state {
	uint32_t ip, flags, cr3;
	uint32_t gpr[8];
	uint16_t seg[TSS_SEGMENTS], ldt;
	bool trap; /* T: #DB before its first instruction */
};

/* #PF.  A 16-bit TSS leaves the upper halves of the general registers all
 * ones, those of EIP and EFLAGS zero, FS and GS null; cr3 is the present one. */
bool tss_read_state(struct cpu *cpu, uint64_t base, const struct tss_layout *l, struct task_state *s) MUST_CHECK;
/* Writes (probe: would it succeed?) EIP, EFLAGS, general registers and selectors; the rest
 * of a TSS never changes.  #PF. */
bool tss_save_state(struct cpu *cpu, uint64_t base, const struct tss_layout *l, const struct task_state *s,
		    bool probe) MUST_CHECK;

/* taskload.c.  Behind the commit point: LDTR, the descriptors of the segment registers, the
 * checks on them, in the order of SDM 3A, "Exception Conditions Checked During a Task
 * Switch" (table).  Registers not reached yet stay unusable with their new selector. */
bool task_load_segments(struct cpu *cpu, const struct task_state *s, uint32_t ext) MUST_CHECK;

#endif
