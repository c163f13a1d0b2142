/* Instruction-level regression tests: `trapgate test`.  docs/tests.md is the manual. */
#ifndef TRAPGATE_TESTCASE_TESTCASE_H
#define TRAPGATE_TESTCASE_TESTCASE_H

/* argv[0] is the subcommand's name.  Returns the exit status: 0 all passed, 10 a case failed, 2 bad input. */
int testcase_main(int argc, char **argv);

#endif
