/* Model-specific registers.  SDM 4, "Model-Specific Registers (MSRs)". */
#ifndef TRAPGATE_CPU_MSR_H
#define TRAPGATE_CPU_MSR_H

#include "cpu/cpu.h"

/* #GP(0) WHY_MSR_UNKNOWN where the model has no such register. */
bool msr_read(struct cpu *cpu, uint32_t number, uint64_t *value) MUST_CHECK;
/* Also WHY_MSR_READ_ONLY, WHY_MSR_RESERVED.  What depends on the register follows. */
bool msr_write(struct cpu *cpu, uint32_t number, uint64_t value) MUST_CHECK;

/* IA32_MISC_ENABLE as power-on leaves it; 0 where the model has none. */
uint64_t msr_misc_enable_at_reset(const struct cpu_model *model);

/* The time-stamp counter as of this instruction. */
static inline uint64_t tsc_now(const struct cpu *cpu) { return cpu->icount + cpu->s.tsc_offset; }

#endif
