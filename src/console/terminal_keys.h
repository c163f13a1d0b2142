/* What a terminal sends as strokes of the PC's keyboard. */
#ifndef TRAPGATE_CONSOLE_TERMINAL_KEYS_H
#define TRAPGATE_CONSOLE_TERMINAL_KEYS_H

#include "console/keys.h"

#define TERMINAL_KEYS 128u

/* Codes that this terminal has for keys with Shift, Ctrl and Alt (its terminfo entry's extended names). */
struct terminal_keys {
	struct {
		int code;
		struct stroke stroke;
	} own[TERMINAL_KEYS];
	unsigned count;
};

/* Asks the terminal's description; curses must be on. */
void terminal_keys_init(struct terminal_keys *keys);
/* The stroke of a KEY_ code of curses. */
struct stroke terminal_key(const struct terminal_keys *keys, int code);

#endif
