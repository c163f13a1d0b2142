#include "cli/signals.h"

#include <signal.h>
#include <stddef.h>

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
#define ENDING (sizeof(ending) / sizeof(ending[0]))

/* A signal handler has no other way to know what to stop. */
static volatile int *stop_flag, *screen_flag;
static struct sigaction before[ENDING];

static void on_end(int number)
{
	*stop_flag = 1;
	for (size_t i = 0; i < ENDING; i++)
		if (ending[i] == number)
			sigaction(number, &before[i], NULL);
}

static void on_screen(int number)
{
	*screen_flag = 1;
}

void signals_set(volatile int *stop, volatile int *screen)
{
	struct sigaction end = {.sa_handler = on_end}, show = {.sa_handler = on_screen};

	stop_flag = stop;
	screen_flag = screen;
	for (size_t i = 0; i < ENDING; i++)
		sigaction(ending[i], &end, &before[i]);
	sigaction(SIGUSR1, &show, NULL);
	/* A file that may not grow any more (RLIMIT_FSIZE) is an error of the write, EFBIG, which the guest is told. */
	signal(SIGXFSZ, SIG_IGN);
}
