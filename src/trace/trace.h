/* The tracer: takes records from the processor, keeps the last deliveries,
 * and hands everything to the writers that are attached.  With no writer
 * attached, an event costs the copy into the ring and nothing else; lines and
 * interrupt controllers tell it nothing until somebody asks for them
 * (clock_trace_lines in bus/clock.h). */
#ifndef TRAPGATE_TRACE_TRACE_H
#define TRAPGATE_TRACE_TRACE_H

#include "trace/chain.h"
#include "trace/match.h"
#include "trace/record.h"

#define TRACE_RING 256u /* deliveries, power of two */

/* What became of the deliveries of one kind and vector, or of the entries of one kind. */
struct trace_counts {
	uint64_t taken;    /* reached a handler */
	uint64_t refused;  /* a check failed, another event took its place */
	uint64_t returned; /* of those taken: matched with their return, ... */
	uint64_t never;    /* ... known never to return, ... */
	uint64_t open;     /* ... in their handler when the trace ended */
};
#define TRACE_ENTRIES (ENTRY_CALL_GATE + 1)

/* All of it while somebody listens; taken = returned + never + open after trace_end(). */
struct trace_summary {
	uint64_t id, when;
	struct trace_counts all; /* deliveries */
	struct trace_counts by[EV_KINDS][256];
	struct trace_counts entry[TRACE_ENTRIES];
};

struct trace_sink {
	void (*delivery)(void *owner, const struct delivery_record *r);
	void (*returned)(void *owner, const struct return_record *r);
	void (*entry)(void *owner, const struct entry_record *r);
	void (*task)(void *owner, const struct task_record *r);
	void *owner;
	/* Any of these may be NULL, as those above may. */
	void (*line)(void *owner, const struct line_record *r);
	void (*stage)(void *owner, const struct stage_record *r);
	void (*unreturned)(void *owner, const struct unreturned_record *r);
	void (*ended)(void *owner, const struct trace_summary *summary);
};

#define TRACE_MAX_SINKS 4

struct trace {
	uint64_t next_id;           /* of the next record of any kind, from 1 */
	uint64_t deliveries;        /* so many so far */
	struct delivery_record ring[TRACE_RING];
	int sinks;
	struct trace_sink sink[TRACE_MAX_SINKS];
	bool wanted;                /* somebody listens: a sink, or the chain */
	bool lines;                 /* lines and stages are recorded, and the chain is kept */
	/* What a processor shows of its task, for matching returns; NULL: nothing known. */
	bool (*task_key)(void *owner, unsigned cpu, struct task_key *key);
	void *task_key_owner;
	/* Fed only while wanted: */
	struct match match;
	struct trace_summary summary;
	/* Fed only while lines: */
	uint64_t next_line_id;      /* of the next line or stage record, from 1 */
	struct chain chain;
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
/* True when somebody wants records: lets the processor skip filling those the ring does not keep. */
static inline bool trace_wanted(const struct trace *trace) { return trace->wanted; }

/* Lines and stages are wanted from now on; the clock has to be told too: clock_trace_lines(). */
void trace_lines(struct trace *trace);
void trace_line(struct trace *trace, struct line_record *r);
void trace_stage(struct trace *trace, struct stage_record *r);

/* The end of the run: handlers that are open never return, and the sinks are given the summary.  Once. */
void trace_end(struct trace *trace, uint64_t when);

#endif
