/* What every change of privilege level shares: the inner stack out of the
 * current TSS, the checks on it, and the checks on the code and stack segments of a
 * return to an outer level. */
#ifndef TRAPGATE_CPU_STACKSWITCH_H
#define TRAPGATE_CPU_STACKSWITCH_H

#include "cpu/desc.h"

/* The error code of a selector: index and table; RPL replaced by EXT. */
static inline uint32_t sel_error(uint16_t sel, uint32_t ext)
{
	return (sel & ~SEL_RPL) | ext;
}

/* Reads SSn:ESPn, n = level 0..2, from the current TSS; its type tells 16 from 32 bits
 * (*esp is zero-extended from SPn).  *source tells which it was.
 *   ext  ERR_EXT or 0
 * Faults: #TS(TR + ext) WHY_TSS_STACK_LIMIT; #PF.
 * SDM 2A "CALL", MORE-PRIVILEGE; "INT n", INTER-PRIVILEGE-LEVEL-INTERRUPT. */
bool tss_stack(struct cpu *cpu, unsigned level, uint32_t ext, uint16_t *ss, uint32_t *esp,
	       enum stack_source *source) MUST_CHECK;

/* May ss_sel be the stack at new_cpl?  In this order: null #TS(ext); beyond the
 * table, RPL, DPL, not writable data #TS(SS + ext); not present #SS(SS + ext); #PF of the
 * descriptor.  Sets the accessed bit once all that is good, and fills *out with the
 * value for SS.  Nothing else changes.  Source: as tss_stack. */
bool check_inner_stack(struct cpu *cpu, uint16_t ss_sel, unsigned new_cpl, uint32_t ext,
		       struct segment *out) MUST_CHECK;

/* The code segment that RETF or IRET found on the stack: null #GP(0); beyond the
 * table, not code, RPL < CPL, DPL (conforming: > RPL; else != RPL) #GP(sel); not
 * present #NP(sel).  The accessed bit is left to the caller: desc_set_accessed()
 * after its last check.  SDM 2B "RET", 2A "IRET/IRETD". */
bool check_return_code(struct cpu *cpu, uint16_t cs_sel, struct descriptor *cs) MUST_CHECK;

/* The stack segment of a return to level rpl > CPL: null #GP(0); beyond the table, RPL,
 * not writable data, DPL #GP(sel); not present #SS(sel).  Accessed bit as above. */
bool check_return_stack(struct cpu *cpu, uint16_t ss_sel, unsigned rpl, struct descriptor *ss) MUST_CHECK;

/* After the CPL was raised to an outer level: ES, FS, GS, DS that are null, or are data or
 * non-conforming code with DPL < CPL, become null selectors.  SDM 2B "RET". */
void drop_inner_segments(struct cpu *cpu);

#endif
