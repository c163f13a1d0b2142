/* The host end of a serial line or of port E9h. */
#ifndef TRAPGATE_MACHINE_CHARDEV_H
#define TRAPGATE_MACHINE_CHARDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct diagnostic;

struct chardev {
	FILE *out;  /* NULL: output is dropped */
	bool owned; /* out is closed with the device */
	char label[128]; /* option and name, for people */
	bool failed; /* the host took no more output: it was told once, and the rest is lost */
	int in;     /* file descriptor of the input, -1: none or at its end */
	uint8_t buffer[256];
	size_t next, end; /* input not yet taken */
};

/* name: "stdio", "mon:stdio" (there is no monitor to multiplex yet: the same as stdio), "file:PATH",
 * "null" or "none".  option is for diagnostics. */
bool chardev_open(struct chardev *dev, const char *option, const char *name, struct diagnostic *why);
void chardev_close(struct chardev *dev);

/* Line buffered: a line is handed to the host as it ends.  Output that the host does not take is told once on stderr. */
void chardev_write(struct chardev *dev, uint8_t byte);
void chardev_flush(struct chardev *dev);

/* Looks for input, waiting up to ns nanoseconds for some.  True: there is input to take. */
bool chardev_fill(struct chardev *dev, uint64_t ns);
/* The next byte of input, -1: none. */
int chardev_take(struct chardev *dev);

#endif
