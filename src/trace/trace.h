/* The tracer: takes records from the processor, keeps the last deliveries,
 * and hands everything to the writers that are attached.  With no writer
 * attached, an event costs the copy into the ring and nothing else. */
#ifndef TRAPGATE_TRACE_TRACE_H
#define TRAPGATE_TRACE_TRACE_H

#include "trace/match.h"
#include "trace/record.h"

#define TRACE_RING 256u /* deliveries, power of two */

struct trace_sink {
	void (*delivery)(void *owner, const struct delivery_record *r);
	void (*returned)(void *owner, const struct return_record *r);
	void (*entry)(void *owner, const struct entry_record *r);
	void (*task)(void *owner, const struct task_record *r);
	void *owner;
};

#define TRACE_MAX_SINKS 4

struct trace {
	uint64_t next_id;           /* of the next record of any kind, from 1 */
	uint64_t deliveries;        /* so many so far */
	struct delivery_record ring[TRACE_RING];
	int sinks;
	struct trace_sink sink[TRACE_MAX_SINKS];
	struct match match;         /* fed only while there are sinks */
};

void trace_init(struct trace *trace);
bool trace_add_sink(struct trace *trace, struct trace_sink sink);

/* The slot to fill for the next delivery; its id, outcome and step are set to
 * the start values.  trace_delivery_done hands it to the sinks. */
struct delivery_record *trace_delivery_begin(struct trace *trace);
void trace_delivery_done(struct trace *trace, struct delivery_record *r);
/* i = 0: the last delivery; NULL when there are fewer. */
const struct delivery_record *trace_recent(const struct trace *trace, unsigned i);

void trace_returned(struct trace *trace, struct return_record *r);
void trace_entry(struct trace *trace, struct entry_record *r);
void trace_task(struct trace *trace, struct task_record *r);
/* True when a sink wants records: lets the processor skip filling those the ring does not keep. */
static inline bool trace_wanted(const struct trace *trace) { return trace->sinks > 0; }

#endif
