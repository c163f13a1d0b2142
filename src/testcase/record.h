/* --record-case FILE@insn:N, FILE@delivery:N: one step of a run becomes a test file. */
#ifndef TRAPGATE_TESTCASE_RECORD_H
#define TRAPGATE_TESTCASE_RECORD_H

#include <stdbool.h>

/* Is it one of the arguments? */
bool record_wanted(int argc, char **argv);
/* Runs the guest of the other arguments up to there and writes FILE, which then passes.  Returns the exit status. */
int record_main(int argc, char **argv);

#endif
