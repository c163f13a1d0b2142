/* irq_line: a named wire with a level.  A device drives it, whatever is at
 * the other end is told of each change.  Lines carry the cause: the id of
 * what made the last rising edge, so that a delivery can be followed back to
 * the timer or register write that began it. */
#ifndef TRAPGATE_BUS_LINE_H
#define TRAPGATE_BUS_LINE_H

#include <stdbool.h>
#include <stdint.h>

struct irq_line {
	const char *name; /* "PIT OUT0", owned by whoever made the line */
	bool level;
	uint64_t cause;   /* id of the last rising edge's cause; 0: none */
	void (*changed)(void *sink, int input, bool level, uint64_t cause);
	void *sink;       /* the device at the far end, with ... */
	int input;        /* ... the number of its input */
};

/* Connects the far end.  The sink sees the present level at once. */
void line_connect(struct irq_line *line, void (*changed)(void *sink, int input, bool level, uint64_t cause),
		  void *sink, int input);

/* Drives the line; nothing happens if the level stays the same.  An
 * unconnected line only remembers its level. */
void line_set(struct irq_line *line, bool level, uint64_t cause);

#endif
