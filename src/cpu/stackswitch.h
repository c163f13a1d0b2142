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

/* IA-32e mode: the stack pointer number n of the current 64-bit TSS: RSPn for 0..2, TSS_IST + i for ISTi.
 * #TS(TR + ext) WHY_TSS_RSP_LIMIT; #PF.  SDM 3A, "Task Management in 64-bit Mode"; SDM 2A "INT n". */
#define TSS_IST 3 /* IST1 lies behind RSP2 and eight reserved bytes */
bool tss_stack64(struct cpu *cpu, unsigned n, uint32_t ext, uint64_t *rsp) MUST_CHECK;

/* The null SS of 64-bit code at that level: RPL and DPL are the level. */
struct segment null_stack(unsigned cpl);

/* May ss_sel be the stack at new_cpl?  In this order: null #TS(ext); beyond the
 * table, RPL, DPL, not writable data #TS(SS + ext); not present #SS(SS + ext); #PF of the
 * descriptor.  Sets the accessed bit once all that is good, and fills *out with the
 * value for SS.  Nothing else changes.  Source: as tss_stack. */
bool check_inner_stack(struct cpu *cpu, uint16_t ss_sel, unsigned new_cpl, uint32_t ext,
		       struct segment *out) MUST_CHECK;

/* The code segment that RETF or IRET found on the stack: null #GP(0); beyond the
 * table, not code, L and D both set in IA-32e mode, RPL < CPL, DPL (conforming: > RPL; else != RPL) #GP(sel); not
 * present #NP(sel).  The accessed bit is left to the caller: desc_set_accessed()
 * after its last check.  SDM 2B "RET", 2A "IRET/IRETD". */
bool check_return_code(struct cpu *cpu, uint16_t cs_sel, struct descriptor *cs) MUST_CHECK;

/* The stack segment of a return to level rpl in the code segment cs: null #GP(0), but in 64-bit code at levels 0
 * to 2 with RPL = rpl; beyond the table, RPL, not writable data, DPL #GP(sel); not present #SS(sel).  Accessed
 * bit as above. */
bool check_return_stack(struct cpu *cpu, uint16_t ss_sel, unsigned rpl, const struct segment *cs,
			struct descriptor *ss) MUST_CHECK;

/* May a return go on at *ip in cs?  Outside 64-bit code the lower half of *ip counts, and the rest is cleared.
 * Beyond the limit #GP(0) with the given why, not canonical #GP(0) WHY_RETURN_NON_CANONICAL. */
static inline bool check_return_ip(struct cpu *cpu, const struct segment *cs, uint64_t *ip, enum why limit)
{
	if (UNLIKELY(in_ia32e(cpu))) {
		if (cs->l)
			return mmu_canonical(&cpu->mmu, *ip) || cpu_raise(cpu, VEC_GP, 0, WHY_RETURN_NON_CANONICAL);
		*ip &= UINT32_MAX;
	}
	return LIKELY(*ip <= cs->limit) || cpu_raise(cpu, VEC_GP, 0, limit);
}

/* The stack pointer of a return to an outer level, SS and CS being loaded already.  A 16-bit SS takes SP alone: the
 * upper half of ESP stays the inner one's (what espfix exists for).  Outside 64-bit mode there is nothing above ESP. */
static inline void set_return_sp(struct cpu *cpu, uint64_t value)
{
	set_sp(cpu, value);
	cpu->s.gpr.r64[RSP] &= cpu->sp_mask | UINT32_MAX;
}

/* After the CPL was raised to an outer level: ES, FS, GS, DS that are null, or are data or
 * non-conforming code with DPL < CPL, become null selectors.  SDM 2B "RET". */
void drop_inner_segments(struct cpu *cpu);

#endif
