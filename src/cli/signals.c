#include "cli/signals.h"

#include <signal.h>
#include <stddef.h>

/* A signal handler has no other way to know what to stop. */
static volatile int *stop_flag;

static void on_signal(int number)
{
	*stop_flag = 1;
	signal(number, SIG_DFL);
}

void signals_set(volatile int *flag)
{
	stop_flag = flag;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
}
