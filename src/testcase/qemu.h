#ifndef TRAPGATE_TESTCASE_QEMU_H
#define TRAPGATE_TESTCASE_QEMU_H

#include <stdbool.h>

/* What QEMU does otherwise wherever it comes up; peers.c has the SDM's places. */
#define PEERS_RF  "RF is pushed as EFLAGS has it"
#define PEERS_EXT "EXT is not set in the error code"
#define PEERS_IDT "the error code of a 64-bit gate names twice its vector, without EXT"
bool peers_is_known(const char *what);

struct run;
/* Ends the QEMUs that a run has started. */
void qemus_stop(struct run *run);

#endif
