/* irq_line: a named wire with a level.  A device drives it, whatever is at
 * the other end is told of each change.  Lines carry the cause: the id of
 * what made the last rising edge, so that a delivery can be followed back to
 * the timer or register write that began it.  While lines are traced each
 * change is a record (trace/record.h), and so is what interrupt controllers do
 * with it. */
#ifndef TRAPGATE_BUS_LINE_H
#define TRAPGATE_BUS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/clock.h"
#include "trace/record.h"

struct irq_line {
	const char *name;    /* "PIT OUT0", owned by whoever made the line */
	struct clock *clock; /* whose tracer is told; NULL: none */
	bool level;
	uint64_t cause;   /* id of the last rising edge's cause; 0: none */
	void (*changed)(void *sink, int input, bool level, uint64_t cause);
	void *sink;       /* the device at the far end, with ... */
	int input;        /* ... the number of its input */
};

/* A low line that leads nowhere.  clock may be NULL: the line is never traced. */
void line_init(struct irq_line *line, const char *name, struct clock *clock);

/* Connects the far end.  The sink sees the present level at once. */
void line_connect(struct irq_line *line, void (*changed)(void *sink, int input, bool level, uint64_t cause),
		  void *sink, int input);

/* Drives the line; nothing happens if the level stays the same.  An
 * unconnected line only remembers its level. */
void line_set(struct irq_line *line, bool level, uint64_t cause);

/* Does somebody want to know of stages?  Ask before making a record. */
static inline bool clock_traced(const struct clock *clock)
{
	return clock != NULL && clock->trace != NULL;
}
/* A stage of an interrupt's way, now.  Only while clock_traced(). */
void clock_tell(const struct clock *clock, struct stage_record stage);

#endif
