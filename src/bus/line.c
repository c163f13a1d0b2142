#include "bus/line.h"

#include <stddef.h>

#include "trace/trace.h"

void line_init(struct irq_line *line, const char *name, struct clock *clock)
{
	*line = (struct irq_line){.name = name, .clock = clock};
}

void line_connect(struct irq_line *line, void (*changed)(void *sink, int input, bool level, uint64_t cause),
		  void *sink, int input)
{
	line->changed = changed;
	line->sink = sink;
	line->input = input;
	if (changed != NULL)
		changed(sink, input, line->level, line->cause);
}

/* A line falls under the cause of its rise. */
static void tell(const struct irq_line *line)
{
	struct line_record r = {
		.when = line->clock->now, .cause = line->cause, .name = line->name, .level = line->level};

	trace_line(line->clock->trace, &r);
}

void clock_tell(const struct clock *clock, struct stage_record stage)
{
	stage.when = clock->now;
	trace_stage(clock->trace, &stage);
}

void line_set(struct irq_line *line, bool level, uint64_t cause)
{
	if (line->level == level)
		return;
	line->level = level;
	if (level)
		line->cause = cause;
	if (UNLIKELY(clock_traced(line->clock)))
		tell(line);
	if (line->changed != NULL)
		line->changed(line->sink, line->input, level, cause);
}
