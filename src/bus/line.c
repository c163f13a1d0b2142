#include "bus/line.h"

#include <stddef.h>

void line_connect(struct irq_line *line, void (*changed)(void *sink, int input, bool level, uint64_t cause),
		  void *sink, int input)
{
	line->changed = changed;
	line->sink = sink;
	line->input = input;
	if (changed != NULL)
		changed(sink, input, line->level, line->cause);
}

void line_set(struct irq_line *line, bool level, uint64_t cause)
{
	if (line->level == level)
		return;
	line->level = level;
	if (level)
		line->cause = cause;
	if (line->changed != NULL)
		line->changed(line->sink, line->input, level, cause);
}
