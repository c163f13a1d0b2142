#include "trace/writer.h"

void trace_explain(struct trace_writer *writer, const struct trace *trace, unsigned before)
{
	const struct delivery_record *r = trace_recent(trace, 0);
	unsigned first = 0;

	if (!r) {
		fputs("no interrupt or exception was delivered before\n", writer->file);
		return;
	}
	/* Back along the chain of failed deliveries, and then `before` more. */
	while (r->parent && trace_recent(trace, first + 1)) {
		first++;
		r = trace_recent(trace, first);
	}
	while (before-- && trace_recent(trace, first + 1))
		first++;
	do
		trace_write_card(writer, trace_recent(trace, first));
	while (first--);
}
