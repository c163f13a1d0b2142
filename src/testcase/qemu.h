#ifndef TRAPGATE_TESTCASE_QEMU_H
#define TRAPGATE_TESTCASE_QEMU_H

struct run;
/* Ends the QEMUs that a run has started. */
void qemus_stop(struct run *run);

#endif
