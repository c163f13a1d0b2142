/* The screen on a terminal, by ncurses. */
#ifndef TRAPGATE_CONSOLE_CURSES_H
#define TRAPGATE_CONSOLE_CURSES_H

#include <stdbool.h>

struct console;
struct diagnostic;

/* Takes the terminal of standard input and output; closing, and every signal that ends the
 * process, gives it back as it was.  Ctrl-A is for the display itself: x ends the run, r strikes Ctrl-Alt-Delete,
 * p Print Screen, b Pause, a and Ctrl-A type a Ctrl-A. */
bool curses_open(struct console *console, struct diagnostic *why);
void curses_close(struct console *console);

#endif
