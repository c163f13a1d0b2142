/* For people: wires and interrupt controllers, the way of one interrupt, and
 * the summary at the end. */
#include <stdio.h>

#include "trace/text.h"

#define WAY_LINKS 64u /* of one cause, in a card or a chain */

static void time_column(struct out *out, uint64_t when)
{
	out_text(out, "t=");
	out_grouped(out, when);
	out_text(out, " insn");
}

static void cause(struct out *out, uint64_t cause)
{
	if (!cause)
		return;
	out_text(out, "  (cause ");
	out_dec(out, cause);
	out_char(out, ')');
}

static void line_text(struct out *out, const struct line_record *r)
{
	out_text(out, r->name ? r->name : "a wire");
	out_text(out, r->level ? " rises" : " falls");
}

/* "LAPIC 1 vector 30: held back: ... (TPR 40)" */
static void stage_line(struct out *out, const struct stage_record *r)
{
	const struct hold_info *hold = hold_info(r->why);

	out_text(out, r->unit ? r->unit : "?");
	if (r->instance >= 0) {
		out_char(out, ' ');
		out_dec(out, (uint64_t)r->instance);
	}
	if (r->input) {
		out_char(out, ' ');
		out_text(out, r->input);
		if (r->pin >= 0)
			out_dec(out, (uint64_t)r->pin);
	}
	if (r->vector >= 0) {
		out_text(out, r->input ? ", vector " : " vector ");
		out_hex(out, (uint64_t)r->vector, 2);
	}
	out_text(out, ": ");
	out_text(out, stage_text(r->what));
	if (r->why == HOLD_NONE)
		return;
	out_text(out, ": ");
	out_text(out, hold->sentence);
	if (hold->by && r->by >= 0) {
		bool level = hold->by[0] == 'I';

		out_text(out, " (");
		out_text(out, hold->by);
		level ? out_dec(out, (uint64_t)r->by) : out_hex(out, (uint64_t)r->by, 2);
		out_char(out, ')');
	}
}

static void begin(struct out *out, uint64_t id, uint64_t when)
{
	out->n = 0;
	out_text(out, "~");
	out_dec(out, id);
	out_column(out, 14);
	time_column(out, when);
	out_column(out, 32);
}

void text_line(void *owner, const struct line_record *r)
{
	struct out out;

	begin(&out, r->id, r->when);
	line_text(&out, r);
	cause(&out, r->cause);
	out_char(&out, '\n');
	text_flush(owner, &out);
}

void text_stage(void *owner, const struct stage_record *r)
{
	struct out out;

	begin(&out, r->id, r->when);
	stage_line(&out, r);
	cause(&out, r->cause);
	out_char(&out, '\n');
	text_flush(owner, &out);
}

/* ---- one interrupt's way ---- */
static void link_text(struct out *out, const struct chain_link *link)
{
	switch (link->kind) {
	case LINK_LINE:
		line_text(out, &link->line);
		break;
	case LINK_STAGE:
		stage_line(out, &link->stage);
		break;
	case LINK_DELIVERY:
		out_text(out, "cpu");
		out_dec(out, link->delivery.cpu);
		out_text(out, ": #");
		out_dec(out, link->delivery.id);
		out_char(out, ' ');
		text_event(out, link->delivery.kind, link->delivery.vector);
		out_text(out, ": ");
		out_text(out, delivery_outcome_name(link->delivery.outcome));
		break;
	case LINK_RETURN:
		out_text(out, "cpu");
		out_dec(out, link->returned.cpu);
		out_text(out, ": #");
		out_dec(out, link->returned.id);
		out_text(out, " returned from #");
		out_dec(out, link->returned.delivery);
		break;
	}
}

static void way_line(struct out *out, const struct chain_link *link)
{
	out_text(out, "        t=");
	out_grouped(out, link->when);
	out_column(out, 28);
	link_text(out, link);
	out_char(out, '\n');
}

void text_way(struct out *out, const struct trace *trace, const struct delivery_record *r)
{
	const struct chain_link *links[WAY_LINKS];
	unsigned n = chain_of(&trace->chain, r->cause, links, WAY_LINKS);

	if (!r->has_way)
		return;
	out_text(out, " way    waited ");
	out_grouped(out, r->waited);
	out_text(out, " insn since the request, ");
	out_grouped(out, r->waited_at_pin);
	out_text(out, " at the processor's pin\n");
	for (unsigned i = 0; i < n; i++)
		if (links[i]->kind != LINK_DELIVERY || links[i]->delivery.id != r->id)
			way_line(out, links[i]);
}

bool trace_write_chain(struct trace_writer *writer, const struct trace *trace, uint64_t cause)
{
	const struct chain_link *links[WAY_LINKS];
	unsigned n = chain_of(&trace->chain, cause, links, WAY_LINKS);
	struct out out = {.n = 0};

	for (unsigned i = 0; i < n; i++)
		way_line(&out, links[i]);
	text_flush(writer, &out);
	return n != 0;
}

/* ---- returns that never came, and the summary ---- */
void text_unreturned(void *owner, const struct unreturned_record *r)
{
	struct out out;

	out.n = 0;
	out_char(&out, '#');
	out_dec(&out, r->id);
	out_column(&out, 8);
	out_text(&out, "cpu");
	out_dec(&out, r->cpu);
	out_text(&out, "  ");
	time_column(&out, r->when);
	out_column(&out, 32);
	out_text(&out, r->why == UNRETURNED_OPEN ? "still open: #" : "never returned: #");
	out_dec(&out, r->delivery);
	out_char(&out, ' ');
	text_handler(&out, r->entry, r->kind, r->vector);
	out_text(&out, ": ");
	out_text(&out, unreturned_sentence(r->why));
	if (r->by) {
		out_text(&out, " (#");
		out_dec(&out, r->by);
		out_char(&out, ')');
	}
	out_char(&out, '\n');
	text_flush(owner, &out);
}

static void number(struct out *out, unsigned column, uint64_t v)
{
	char text[32];

	snprintf(text, sizeof(text), "%10llu", (unsigned long long)v);
	out_column(out, column);
	out_text(out, text);
}

static void counts_row(struct out *out, const struct trace_counts *c)
{
	number(out, 24, c->taken);
	number(out, 35, c->refused);
	number(out, 46, c->returned);
	number(out, 57, c->never);
	number(out, 68, c->open);
	out_char(out, '\n');
}

static bool any(const struct trace_counts *c)
{
	return c->taken || c->refused;
}

void text_ended(void *owner, const struct trace_summary *s)
{
	struct out out;

	out.n = 0;
	out_text(&out, "summary at ");
	time_column(&out, s->when);
	out_text(&out, "\n                             taken    refused   returned      never       open\n");
	for (unsigned vector = 0; vector < 256; vector++) {
		for (unsigned kind = 0; kind < EV_KINDS; kind++) {
			if (!any(&s->by[kind][vector]))
				continue;
			out_text(&out, "  0x");
			out_hex(&out, vector, 2);
			out_char(&out, ' ');
			out_text(&out, event_kind_name(kind));
			if (exception_name(vector) && kind <= EV_ABORT) {
				out_char(&out, ' ');
				out_text(&out, exception_name(vector));
			}
			counts_row(&out, &s->by[kind][vector]);
			text_flush(owner, &out);
			out.n = 0;
		}
	}
	out_text(&out, "  deliveries");
	counts_row(&out, &s->all);
	for (unsigned kind = 0; kind < TRACE_ENTRIES; kind++) {
		if (!any(&s->entry[kind]))
			continue;
		out_text(&out, "  ");
		out_text(&out, entry_kind_name(kind));
		counts_row(&out, &s->entry[kind]);
	}
	text_flush(owner, &out);
}
