/* Virtual-8086 mode extensions: software interrupts that go to the 8086
 * program's own handler.  SDM 3B, "Interrupt and Exception Handling in
 * Virtual-8086 Mode", methods 5 and 6. */
#ifndef TRAPGATE_CPU_VME_H
#define TRAPGATE_CPU_VME_H

#include "cpu/cpu.h"

/* CR4.VME = 1: is the vector's bit in the TSS's redirection bitmap clear?  The
 * bitmap is the 32 bytes below the I/O permission bitmap.  False: cpu->fault
 * (#GP(0) WHY_VME_BITMAP_LIMIT where it lies outside the TSS; #PF). */
bool vme_redirects(struct cpu *cpu, uint8_t vector, bool *redirected) MUST_CHECK;

/* INT vector through the 8086 program's vector table at linear 0.  Ends the
 * instruction. */
const struct uop *vme_interrupt(struct cpu *cpu, const struct uop *u, uint8_t vector);

#endif
