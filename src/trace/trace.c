#include "trace/trace.h"

#include <string.h>

void trace_init(struct trace *trace)
{
	trace->next_id = 1;
	trace->deliveries = 0;
	trace->sinks = 0;
	match_init(&trace->match);
}

bool trace_add_sink(struct trace *trace, struct trace_sink sink)
{
	if (trace->sinks == TRACE_MAX_SINKS)
		return false;
	trace->sink[trace->sinks++] = sink;
	return true;
}

/* The ring is larger than the host's first cache: its next slot is on its way
 * there while the guest runs on. */
static void prefetch_slot(const struct delivery_record *r)
{
	for (size_t at = 0; at < sizeof(*r); at += 64)
		__builtin_prefetch((const char *)r + at, 1);
}

struct delivery_record *trace_delivery_begin(struct trace *trace)
{
	struct delivery_record *r = &trace->ring[trace->deliveries++ & (TRACE_RING - 1)];

	memset(r, 0, sizeof(*r));
	r->id = trace->next_id++;
	r->outcome = OUT_FAULTED;
	r->step = STEP_VECTOR;
	return r;
}

void trace_delivery_done(struct trace *trace, struct delivery_record *r)
{
	prefetch_slot(&trace->ring[trace->deliveries & (TRACE_RING - 1)]);
	if (!trace_wanted(trace))
		return;
	match_delivery(&trace->match, r);
	for (int i = 0; i < trace->sinks; i++)
		if (trace->sink[i].delivery)
			trace->sink[i].delivery(trace->sink[i].owner, r);
}

const struct delivery_record *trace_recent(const struct trace *trace, unsigned i)
{
	if (i >= TRACE_RING || i >= trace->deliveries)
		return NULL;
	return &trace->ring[(trace->deliveries - 1 - i) & (TRACE_RING - 1)];
}

void trace_returned(struct trace *trace, struct return_record *r)
{
	r->id = trace->next_id++;
	if (!trace_wanted(trace))
		return;
	match_return(&trace->match, r);
	for (int i = 0; i < trace->sinks; i++)
		if (trace->sink[i].returned)
			trace->sink[i].returned(trace->sink[i].owner, r);
}

void trace_entry(struct trace *trace, struct entry_record *r)
{
	r->id = trace->next_id++;
	for (int i = 0; i < trace->sinks; i++)
		if (trace->sink[i].entry)
			trace->sink[i].entry(trace->sink[i].owner, r);
}

void trace_task(struct trace *trace, struct task_record *r)
{
	r->id = trace->next_id++;
	for (int i = 0; i < trace->sinks; i++)
		if (trace->sink[i].task)
			trace->sink[i].task(trace->sink[i].owner, r);
}
