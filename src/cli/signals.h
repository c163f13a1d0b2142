/* Interrupt from the keyboard, SIGTERM and SIGHUP end a run in order: output is
 * written, limits are reported.  SIGUSR1 asks for the screen's text.  SIGXFSZ is ignored: the write that made it fails. */
#ifndef TRAPGATE_CLI_SIGNALS_H
#define TRAPGATE_CLI_SIGNALS_H

/* From now on the first of the signals that end a run sets *stop; the second does what it did before, that is: kills.
 * Each SIGUSR1 sets *screen. */
void signals_set(volatile int *stop, volatile int *screen);

#endif
