/* Interrupt from the keyboard and SIGTERM end a run in order: output is
 * written, limits are reported. */
#ifndef TRAPGATE_CLI_SIGNALS_H
#define TRAPGATE_CLI_SIGNALS_H

/* From now on the first of these signals sets *flag; the second one kills. */
void signals_set(volatile int *flag);

#endif
