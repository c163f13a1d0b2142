/* The screen as text, written to files: at the end of a run, when a signal asks for
 * it, or after so many instructions. */
#ifndef TRAPGATE_MACHINE_SCREEN_H
#define TRAPGATE_MACHINE_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct machine;
struct diagnostic;

#define SCREEN_DUMPS 16u

struct screen_dump {
	char path[256];   /* "-": standard output */
	bool timed;       /* after insn instructions, else on request and at the end */
	uint64_t insn;
	FILE *file;
	bool written, failed;
	int error;        /* errno of the failure */
};

struct screen {
	struct screen_dump dump[SCREEN_DUMPS];
	unsigned dumps;
	volatile int requested; /* set from outside, a signal handler say: the text is written soon */
};

/* The characters on the screen in UTF-8, a line a row, trailing blanks cut; where there are none, a line in
 * parentheses that says what there is instead.  At most size bytes with the NUL are written; returns the length of
 * the whole text. */
size_t screen_text(const struct machine *machine, char *text, size_t size);

/* Opens the files of the dumps, so that what cannot be written is known before the run. */
bool screen_open(struct screen *screen, struct diagnostic *why);
/* The instruction count at which the next dump is due; UINT64_MAX: none. */
uint64_t screen_next(const struct screen *screen);
/* Between two stretches: writes what is due.  A request that no dump takes goes to standard error. */
void screen_step(struct machine *machine);
/* The end of the run: writes the last screen and closes the files.  False: something could not be written, or the
 * run ended before its time came. */
bool screen_close(struct machine *machine, struct diagnostic *why);

#endif
