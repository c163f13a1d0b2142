/* A guest that does everything an interrupt can come between: in ring 0 loops, strings, faults of
 * every kind, stores into its own code, x87 with an unmasked exception, task switches, virtual-8086
 * mode; in ring 3 system calls by gate, call gate and SYSENTER, single steps.  Ends in HLT. */
#ifndef TRAPGATE_TESTS_DETERMINISM_PROGRAM_H
#define TRAPGATE_TESTS_DETERMINISM_PROGRAM_H

#include "rig/rig.h"

#define PROGRAM_IRQ 0x60u /* the vector its interrupt handler is at */
/* So often that handler ran, and NMI's. */
#define PROGRAM_IRQ_COUNT 0x5e00cu
#define PROGRAM_NMI_COUNT 0x5e004u

/* A processor in front of the program's first instruction. */
struct rig *program_new(void);

#endif
