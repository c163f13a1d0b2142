/* What a test process has run: rows of the opcode table, and reasons raised.  With
 * TRAPGATE_COVERAGE_DIR in the environment a file of it is left there for the test "coverage".
 * Rows are recorded by tests that check what the instruction did; reasons by themselves, as the processor
 * raises them (the linker wraps cpu_raise and uop_raise, the rig looks at every delivery). */
#ifndef TRAPGATE_TESTS_COVERAGE_RECORD_H
#define TRAPGATE_TESTS_COVERAGE_RECORD_H

#include "arch/fault.h"

#define COVERAGE_ROWS 4096u

void coverage_row(unsigned row);
void coverage_why(unsigned why);

#endif
