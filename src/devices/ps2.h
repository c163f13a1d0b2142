/* The PS/2 keyboard and mouse: what hangs on the keyboard controller's two
 * serial lines.  Pure state: bytes from the host go in, bytes for the host
 * pile up in a queue; the controller (i8042.h) carries them and keeps time.
 *
 * Sources: IBM PS/2 Hardware Interface Technical Reference, "Keyboard and
 * Auxiliary Device" (commands, responses, scan code sets); Microsoft Keyboard
 * Scan Code Specification 1.3a (set 1 and set 2). */
#ifndef TRAPGATE_DEVICES_PS2_H
#define TRAPGATE_DEVICES_PS2_H

#include <stdbool.h>
#include <stdint.h>

#define PS2_QUEUE 32u /* bytes; the keyboard's own buffer is the last 16 */
#define PS2_KEYS 16u

#define PS2_ACK 0xfau
#define PS2_RESEND 0xfeu
#define PS2_BAT_OK 0xaau

struct ps2_queue {
	uint8_t data[PS2_QUEUE];
	uint8_t head, count;
};

/* Keys go by their set 1 make code; PS2_KEY_E0 marks the ones with prefix E0h. */
#define PS2_KEY_E0 0x80u
#define PS2_KEY_PRINT (PS2_KEY_E0 | 0x37u)
#define PS2_KEY_PAUSE (PS2_KEY_E0 | 0x46u)

struct ps2_keyboard {
	struct ps2_queue out;
	uint8_t set;        /* scan code set 1 or 2 */
	bool scanning;
	uint8_t command;    /* waits for its parameter; 0: none */
	uint8_t leds, typematic;
	uint8_t last;       /* byte sent last, for RESEND */
	uint8_t repeat;     /* key being held; 0: none */
	bool self_test;     /* the queue starts with what comes after a self test */
};

struct ps2_mouse {
	struct ps2_queue out;
	bool reporting, remote, wrap, scaling;
	uint8_t resolution, rate, id;
	uint8_t command, last;
	uint8_t knock;      /* steps of the sample rate sequences that switch the wheel on */
	uint8_t buttons;    /* bit 0 left, 1 right, 2 middle, 3 and 4 side */
	int dx, dy, dz;     /* movement not reported yet */
	bool moved, self_test;
};

/* Takes the next byte for the host; the queue must not be empty. */
uint8_t ps2_take(struct ps2_queue *queue);

void ps2_keyboard_reset(struct ps2_keyboard *kb);
void ps2_keyboard_write(struct ps2_keyboard *kb, uint8_t value);
/* A key goes down or up.  A full buffer takes an overrun code instead. */
void ps2_keyboard_key(struct ps2_keyboard *kb, uint8_t key, bool down);
/* Typematic delay and period in microseconds. */
unsigned ps2_keyboard_delay(const struct ps2_keyboard *kb);
unsigned ps2_keyboard_period(const struct ps2_keyboard *kb);

void ps2_mouse_reset(struct ps2_mouse *mouse);
void ps2_mouse_write(struct ps2_mouse *mouse, uint8_t value);
/* Movement (right and up are positive, dz: wheel towards the user) and buttons held. */
void ps2_mouse_move(struct ps2_mouse *mouse, int dx, int dy, int dz, uint8_t buttons);

/* The keyboard controller's translation of set 2 codes to set 1. */
extern const uint8_t ps2_set2_to_set1[256];

#endif
