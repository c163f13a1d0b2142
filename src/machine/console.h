/* The host's screen and keyboard as the run loop sees them.  The kinds of displays
 * are in src/console; a machine without one is as good as any: what a display
 * shows, and that it shows it, never reaches the guest.  Only what the user does there
 * does, between two stretches of the run, like a character on a serial line. */
#ifndef TRAPGATE_MACHINE_CONSOLE_H
#define TRAPGATE_MACHINE_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

struct machine;
struct vga;

/* A key of the keyboard goes down or up; key as in devices/ps2.h. */
struct console_key {
	uint8_t key;
	bool down;
};

/* What a display is given to show. */
struct console_view {
	const struct vga *vga; /* its generation tells whether there is another picture */
	const char *title;     /* one line: what the machine does */
	bool over;             /* nothing: the user is to end it */
};

struct console_ops {
	/* Called CONSOLE_HZ times a second of host time at most. */
	void (*show)(void *display, const struct console_view *view);
	/* Waits up to ns nanoseconds until the user does something; 0: only looks whether. */
	void (*wait)(void *display, uint64_t ns);
	/* The next key, none: false.  The display keeps those that the keyboard has no room for yet. */
	bool (*next)(void *display, struct console_key *key);
	/* Does the user want the run to end (the window was closed)? */
	bool (*closed)(void *display);
};

#define CONSOLE_HZ 60u

struct console {
	const struct console_ops *ops; /* NULL: no display */
	void *display;
	const char *name;   /* of the guest, for the title; NULL: none */
	uint64_t next_look; /* host time, nanoseconds */
	struct console_key key; /* taken from the display, not given to the keyboard yet */
	bool has_key;
	char title[128];
	uint64_t title_time, title_retired; /* when it was made */
};

/* Between two stretches: keys go to the keyboard, the picture to the display, when it is time. */
void console_step(struct machine *machine);
/* Could a key wake a processor that is halted? */
bool console_may_interrupt(const struct machine *machine);
/* Lets up to ns nanoseconds of host time pass, until the user does something; keys reach the guest by the next
 * console_step().  Returns the nanoseconds of virtual time that went by: ns if nothing happened. */
uint64_t console_wait(struct machine *machine, uint64_t ns);
/* Shows the last picture; of a machine that halted for ever it stays until the user ends it,
 * a signal comes, or host time reaches until (nanoseconds; 0: never). */
void console_finish(struct machine *machine, uint64_t until);

/* Host time, nanoseconds since some moment. */
uint64_t console_host_time(void);

#endif
