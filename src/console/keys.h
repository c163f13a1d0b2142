/* Keys of the PC's keyboard by what they are called and by what a United States keyboard
 * types with them, and a queue of keys that go down and up. */
#ifndef TRAPGATE_CONSOLE_KEYS_H
#define TRAPGATE_CONSOLE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/console.h"

/* Set 1 make codes, with PS2_KEY_E0 where the prefix is (devices/ps2.h). */
enum {
	PC_ESCAPE = 0x01, PC_BACKSPACE = 0x0e, PC_TAB = 0x0f, PC_ENTER = 0x1c, PC_CTRL = 0x1d,
	PC_SHIFT = 0x2a, PC_ALT = 0x38, PC_SPACE = 0x39, PC_F1 = 0x3b, PC_F11 = 0x57,
	PC_HOME = 0xc7, PC_UP = 0xc8, PC_PAGE_UP = 0xc9, PC_LEFT = 0xcb, PC_PAD_5 = 0x4c,
	PC_RIGHT = 0xcd, PC_END = 0xcf, PC_DOWN = 0xd0, PC_PAGE_DOWN = 0xd1,
	PC_INSERT = 0xd2, PC_DELETE = 0xd3
};

/* Keys that are held while another one is struck. */
#define HOLD_SHIFT 1u
#define HOLD_CTRL  2u
#define HOLD_ALT   4u

struct stroke {
	uint8_t key; /* 0: no key does it */
	uint8_t hold;
};

/* What types the character, 20h-7Eh or a control character (00h-1Fh, 7Fh). */
struct stroke key_of_character(unsigned character);
/* The key of function key n (1 to 12), 0: there is none. */
uint8_t key_of_function(unsigned n);

#define KEY_QUEUE 8192u /* a pasted page of text */

struct key_queue {
	struct console_key key[KEY_QUEUE];
	unsigned first, count;
};

/* A key goes down or up; without room nothing happens, and false is returned. */
bool key_put(struct key_queue *queue, uint8_t key, bool down);
bool key_take(struct key_queue *queue, struct console_key *key);
/* The key, with what is held around it, down and up again: all of it, or without room nothing. */
void key_strike(struct key_queue *queue, struct stroke stroke);

#endif
