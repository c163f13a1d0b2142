/* The kinds of displays: what a host shows a machine's screen on, with the keyboard
 * that belongs to it. */
#ifndef TRAPGATE_CONSOLE_DISPLAY_H
#define TRAPGATE_CONSOLE_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>

struct console;
struct diagnostic;

struct display_kind {
	const char *name, *help;
	bool terminal; /* takes standard input and output for itself */
	/* NULL: this kind shows nothing.  False: *why, and nothing has changed. */
	bool (*open)(struct console *console, struct diagnostic *why);
	void (*close)(struct console *console);
};

/* The kind of that name, up to the end of the text or a comma; QEMU's names for windows (gtk, default) are
 * sdl.  NULL: there is none. */
const struct display_kind *display_find(const char *name);
/* The i-th kind; NULL: there are no more. */
const struct display_kind *display_kind(size_t i);

#endif
