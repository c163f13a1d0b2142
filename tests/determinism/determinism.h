/* One program, one external event, raised once behind each of its instructions: the blocks and
 * the one-at-a-time oracle must write the same trace, byte for byte, and end in the same state;
 * and so must every compiler and both dispatchers, which a digest stands for. */
#ifndef TRAPGATE_TESTS_DETERMINISM_H
#define TRAPGATE_TESTS_DETERMINISM_H

#include "rig/rig.h"

#define PROGRAM_IRQ 0x60u /* the vector of the event that is an interrupt */

/* A guest that ends in HLT with IF = 0. */
struct program {
	/* A processor in front of the first instruction. */
	struct rig *(*make)(void);
	/* So often the handlers of PROGRAM_IRQ and of NMI ran. */
	uint32_t irq_count, nmi_count;
	uint32_t code, code_bytes;
	unsigned least, most; /* so many ticks it takes */
	unsigned untouched; /* the last instructions: an NMI there would wake it from its end */
	/* What its trace has to hold; NULL ends. */
	const char *const *signs;
	/* Over all runs, interrupts and NMIs, of the text of the trace and the final state.  To be changed by
	 * hand, with a word in the commit on what changed in the records or in the program. */
	uint64_t digest;
	/* Of the code: another assembler may encode it otherwise, which is no fault of the processor. */
	uint64_t code_digest;
};

/* All tests of that program; for main() to return. */
int determinism(const char *name, struct program *program);

#endif
