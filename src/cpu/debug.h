/* Breakpoints in the debug registers.  SDM 3B, "Debug Registers".
 *
 * Data breakpoints are matched in src/mmu (mmu.watch_hits, for an instruction that
 * runs alone); execution and I/O breakpoints here.  All give DR6.B0-B3. */
#ifndef TRAPGATE_CPU_DEBUG_H
#define TRAPGATE_CPU_DEBUG_H

#include "cpu/cpu.h"

/* R/Wn of DR7. */
enum breakpoint_kind { BREAK_EXECUTE = 0, BREAK_WRITE = 1, BREAK_IO = 2, BREAK_ACCESS = 3 };

/* One of DR0-DR3 with what DR7 says of it. */
struct breakpoint {
	enum breakpoint_kind kind;
	bool enabled;    /* Ln or Gn */
	uint64_t address;/* aligned to bytes, as the processor compares it */
	unsigned bytes;  /* 1, 2, 4 or 8 */
};
struct breakpoint breakpoint_decode(const struct arch_state *s, unsigned n);

/* Is any enabled breakpoint of that kind set?  BREAK_IO counts only with CR4.DE. */
bool breakpoints_armed(const struct arch_state *s, enum breakpoint_kind kind);

/* B0-B3 of the enabled breakpoints met by the instruction whose first byte lies at lin
 * (R/W = 0, LEN = 0; another length with R/W = 0 is undefined and matches nothing). */
uint32_t execution_breakpoints(const struct arch_state *s, uint64_t lin);

/* B0-B3 of the enabled I/O breakpoints (R/W = 2, CR4.DE = 1) that overlap the ports. */
uint32_t io_breakpoints(const struct arch_state *s, uint16_t port, unsigned bytes);

#endif
