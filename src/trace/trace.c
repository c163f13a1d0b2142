#include "trace/trace.h"

#include <string.h>

/* Hands a record to every sink that has a function for it. */
#define TELL(trace, function, record)                                                                                  \
	do {                                                                                                           \
		for (int i_ = 0; i_ < (trace)->sinks; i_++)                                                            \
			if ((trace)->sink[i_].function)                                                                \
				(trace)->sink[i_].function((trace)->sink[i_].owner, record);                           \
	} while (0)

static struct trace_counts *counts_of(struct trace *trace, bool entry, unsigned kind, unsigned vector)
{
	if (entry)
		return &trace->summary.entry[kind < TRACE_ENTRIES ? kind : 0];
	return &trace->summary.by[kind < EV_KINDS ? kind : 0][vector & 255];
}

static void lost(void *owner, const struct open_handler *h, enum unreturned_why why, uint64_t by, uint64_t when)
{
	struct trace *trace = owner;
	struct trace_counts *counts = counts_of(trace, h->entry, h->kind, h->vector);
	struct unreturned_record r = {.id = trace->next_id++,
				      .when = when,
				      .delivery = h->id,
				      .began = h->when,
				      .cause = h->cause,
				      .by = by,
				      .entry = h->entry,
				      .cpu = h->cpu,
				      .kind = h->kind,
				      .vector = h->vector,
				      .why = (uint8_t)why};

	*(why == UNRETURNED_OPEN ? &counts->open : &counts->never) += 1;
	if (!h->entry)
		*(why == UNRETURNED_OPEN ? &trace->summary.all.open : &trace->summary.all.never) += 1;
	TELL(trace, unreturned, &r);
}

static struct task_key key_of(const struct trace *trace, unsigned cpu)
{
	struct task_key key = {.known = false};

	if (trace->task_key)
		key.known = trace->task_key(trace->task_key_owner, cpu, &key);
	return key;
}

void trace_init(struct trace *trace)
{
	trace->next_id = 1;
	trace->deliveries = 0;
	trace->sinks = 0;
	trace->wanted = trace->lines = false;
	trace->task_key = NULL;
	trace->task_key_owner = NULL;
	match_init(&trace->match);
	trace->match.lost = lost;
	trace->match.owner = trace;
	memset(&trace->summary, 0, sizeof(trace->summary));
	trace->next_line_id = 1;
	chain_init(&trace->chain);
}

bool trace_add_sink(struct trace *trace, struct trace_sink sink)
{
	if (trace->sinks == TRACE_MAX_SINKS)
		return false;
	trace->sink[trace->sinks++] = sink;
	trace->wanted = true;
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

/* ---- the way of an interrupt ---- */
void trace_lines(struct trace *trace)
{
	trace->lines = trace->wanted = true;
}

void trace_line(struct trace *trace, struct line_record *r)
{
	struct chain_link link = {.kind = LINK_LINE, .when = r->when, .cause = r->cause};

	r->id = trace->next_line_id++;
	link.line = *r;
	chain_add(&trace->chain, &link);
	TELL(trace, line, r);
}

void trace_stage(struct trace *trace, struct stage_record *r)
{
	struct chain_link link = {.kind = LINK_STAGE, .when = r->when, .cause = r->cause};

	r->id = trace->next_line_id++;
	link.stage = *r;
	chain_add(&trace->chain, &link);
	TELL(trace, stage, r);
}

/* How long the interrupt waited: the delivery itself takes the tick that ends at r->when. */
static void note_way(struct trace *trace, struct delivery_record *r)
{
	const struct cause_times *t = chain_times(&trace->chain, r->cause);
	struct chain_link link = {.kind = LINK_DELIVERY,
				  .when = r->when,
				  .cause = r->cause,
				  .delivery = {r->id, r->cpu, r->kind, r->vector, r->outcome}};
	uint64_t taken = r->when ? r->when - 1 : 0;

	r->has_way = t && t->began <= taken;
	if (r->has_way) {
		r->waited = taken - t->began;
		r->waited_at_pin = t->passed == CHAIN_NOT_PASSED ? r->waited
				   : t->passed <= taken          ? taken - t->passed
								 : 0;
	}
	chain_add(&trace->chain, &link);
}

static void count_delivery(struct trace *trace, const struct delivery_record *r)
{
	struct trace_counts *counts = counts_of(trace, false, r->kind, r->vector);
	bool taken = r->outcome != OUT_FAULTED && r->outcome != OUT_SHUTDOWN;

	*(taken ? &counts->taken : &counts->refused) += 1;
	*(taken ? &trace->summary.all.taken : &trace->summary.all.refused) += 1;
}

/* ---- the processor's records ---- */
void trace_delivery_done(struct trace *trace, struct delivery_record *r)
{
	struct task_key key;

	prefetch_slot(&trace->ring[trace->deliveries & (TRACE_RING - 1)]);
	if (!trace_wanted(trace))
		return;
	key = key_of(trace, r->cpu);
	r->cr3 = key.cr3;
	if (trace->lines)
		note_way(trace, r);
	count_delivery(trace, r);
	TELL(trace, delivery, r);
	match_delivery(&trace->match, r, &key);
}

const struct delivery_record *trace_recent(const struct trace *trace, unsigned i)
{
	if (i >= TRACE_RING || i >= trace->deliveries)
		return NULL;
	return &trace->ring[(trace->deliveries - 1 - i) & (TRACE_RING - 1)];
}

static void note_return(struct trace *trace, const struct return_record *r)
{
	struct chain_link link = {
		.kind = LINK_RETURN, .when = r->when, .cause = r->cause, .returned = {r->id, r->delivery, r->cpu}};

	counts_of(trace, r->ended_entry, r->ended_kind, r->ended_vector)->returned++;
	if (!r->ended_entry)
		trace->summary.all.returned++;
	if (trace->lines)
		chain_add(&trace->chain, &link);
}

void trace_returned(struct trace *trace, struct return_record *r)
{
	struct task_key key;

	r->id = trace->next_id++;
	if (!trace_wanted(trace))
		return;
	key = key_of(trace, r->cpu);
	r->cr3 = key.cr3;
	if (match_return(&trace->match, r, &key))
		note_return(trace, r);
	TELL(trace, returned, r);
	match_settle(&trace->match, r);
}

void trace_entry(struct trace *trace, struct entry_record *r)
{
	struct task_key key;

	r->id = trace->next_id++;
	if (!trace_wanted(trace))
		return;
	key = key_of(trace, r->cpu);
	if (r->to.cpl < r->from.cpl)
		trace->summary.entry[r->kind < TRACE_ENTRIES ? r->kind : 0].taken++;
	TELL(trace, entry, r);
	match_entry(&trace->match, r, &key);
}

void trace_task(struct trace *trace, struct task_record *r)
{
	r->id = trace->next_id++;
	TELL(trace, task, r);
}

void trace_end(struct trace *trace, uint64_t when)
{
	if (!trace_wanted(trace))
		return;
	match_end(&trace->match, when);
	trace->summary.id = trace->next_id++;
	trace->summary.when = when;
	TELL(trace, ended, &trace->summary);
}
