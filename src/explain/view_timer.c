/* Interrupts from outside: where they came, what woke, how long each stage took. */
#include <inttypes.h>

#include "explain/know.h"
#include "explain/report.h"
#include "explain/views.h"

#define OPCODE_HLT 0xf4
#define MOST_LINKS 64

static bool after_hlt(struct explain *x, const struct seen *s)
{
	struct cpu *cpu = x->machine->cpu[s->cpu];
	uint8_t byte;

	return s->from->cpl < 3 && peek_lin(&cpu->mmu, where_linear(s->from) - 1, &byte, 1) == 1 && byte == OPCODE_HLT;
}

static bool fits_irq(struct explain *x, const struct seen *s)
{
	return seen_delivered(s) && s->delivery.kind == EV_IRQ && (!x->options.idle || after_hlt(x, s)) &&
	       (!x->options.user || s->from->cpl == 3);
}

static const struct moment irq = {"an interrupt like that", fits_irq};

static void put_irq(struct explain *x, const struct path *p)
{
	const struct delivery_record *r = &p->entry.delivery;
	struct fact *o = put_object(&x->facts.root, "interrupt");

	put_hex(o, "vector", r->vector, 2);
	put_number(o, "t", r->when);
	put_text(o, "ring", "%u -> %u", r->from.cpl, r->to.cpl);
	put_place(x, o, "saved_eip", where_linear(&r->from));
	put_number(o, "words_pushed", r->words);
	put_text(o, "stack", "%s", stack_source_name(r->stack_source));
	put_place(x, o, "handler", where_linear(&r->to));
	put_current(x, put_object(&x->facts.root, "current"), x->machine->cpu[p->cpu], r);
}

/* The processor had halted: since when, and what lies before the saved EIP. */
static void put_idle(struct explain *x, const struct path *p, uint64_t idle)
{
	const struct delivery_record *r = &p->entry.delivery;
	struct fact *o = put_object(&x->facts.root, "idle");
	uint64_t eip = where_linear(&r->from);
	uint8_t bytes[2] = {0, 0};

	peek_lin(&x->machine->cpu[p->cpu]->mmu, eip - 2, bytes, sizeof(bytes));
	put_flag(o, "saved_eip_is_behind_hlt", bytes[1] == OPCODE_HLT);
	put_flag(o, "sti_right_before_hlt", bytes[0] == 0xfb);
	put_place(x, o, "hlt", eip - 1);
	put_number(o, "slept_ticks", idle);
	put_hex(o, "woken_by_vector", r->vector, 2);
	put_flag(o, "stack_switched", r->stack_source != STACK_SAME);
}

static void put_user(struct explain *x, const struct path *p)
{
	const struct delivery_record *r = &p->entry.delivery;
	struct fact *o = put_object(&x->facts.root, "stack_switch");

	put_text(o, "old", "%04x:%08" PRIx64, r->from.ss, r->from.rsp);
	put_hex(o, "tss", r->tss_base, 8);
	put_text(o, "from_tss", "%04x:%08" PRIx64, r->to.ss, r->to.rsp + (uint64_t)r->words * r->word_bytes);
	put_text(o, "new", "%04x:%08" PRIx64, r->to.ss, r->to.rsp);
	report_empty_stack(x, p);
}

bool view_timer(struct explain *x)
{
	uint64_t idle;
	struct path p;

	if (!moment_event(x, &irq, x->options.nth - 1))
		return false;
	idle = x->drive.slept;
	if (!path_record(x, &p, NULL)) {
		path_free(&p);
		return false;
	}
	put_text(&x->facts.root, "title", "IRQ %02x on cpu%u at t=%" PRIu64, p.entry.delivery.vector, p.cpu,
		 p.entry.when);
	put_irq(x, &p);
	if (after_hlt(x, &p.entry))
		put_idle(x, &p, idle);
	if (p.from_user)
		put_user(x, &p);
	report_words(x, &p);
	report_calls(x, &p);
	report_between(x, &p);
	report_return(x, &p);
	path_free(&p);
	return true;
}

/* ---- latency ---- */
static void put_stage(struct fact *rows, uint64_t t, uint64_t began, const char *what)
{
	struct fact *row = put_object(rows, NULL);

	put_number(row, "t", t);
	put_number(row, "after", t - began);
	put_text(row, "what", "%s", what);
}

/* The way from the line to the processor, as the controllers told it. */
static uint64_t put_chain(struct explain *x, const struct path *p, struct fact *rows)
{
	const struct chain_link *links[MOST_LINKS];
	uint64_t cause = p->entry.delivery.cause, began = p->entry.when;
	unsigned n = chain_of(&x->machine->trace.chain, cause, links, MOST_LINKS);
	char text[160];

	if (n)
		began = links[0]->when;
	for (unsigned i = 0; i < n; i++) {
		const struct chain_link *l = links[i];

		if (l->when > p->entry.when)
			break;
		if (l->kind == LINK_LINE) {
			snprintf(text, sizeof(text), "line %s %s", l->line.name, l->line.level ? "rises" : "falls");
			put_stage(rows, l->when, began, text);
		} else if (l->kind == LINK_STAGE) {
			snprintf(text, sizeof(text), "%s%s%s: %s", l->stage.unit, l->stage.input ? " " : "",
				 l->stage.input ? l->stage.input : "", stage_text((enum stage_what)l->stage.what));
			put_stage(rows, l->when, began, text);
		}
	}
	put_stage(rows, p->entry.when, began, "delivered: the handler's first instruction is next");
	return began;
}

static void put_way(const struct path *p, struct fact *rows, uint64_t began)
{
	char text[160];

	for (unsigned i = 0; i < p->notes; i++) {
		const struct note *n = &p->note[i];
		bool softirq = n->kind == NOTE_CALL && n->role && desc_match("softirq", n->role->role);

		if (n->kind == NOTE_DELIVERY || n->kind == NOTE_RETURN) {
			char event[32];

			event_text(event, sizeof(event), n->event_kind, n->vector);
			snprintf(text, sizeof(text), "%s %s", event,
				 n->kind == NOTE_DELIVERY ? "comes in between" : "returns");
			put_stage(rows, n->t, began, text);
		} else if (n->kind == NOTE_CALL && (softirq || (n->depth == 1 && n->level == 0))) {
			snprintf(text, sizeof(text), "%s%s", n->function, softirq ? " (softirq on the way out)" : "");
			put_stage(rows, n->t, began, text);
		} else if (n->kind == NOTE_AWAY || n->kind == NOTE_BACK) {
			put_stage(rows, n->t, began,
				  n->kind == NOTE_AWAY ? "another task runs" : "the task runs again");
		}
	}
	put_stage(rows, p->end.when, began, "returned");
}

bool view_latency(struct explain *x)
{
	unsigned nested = 0, softirqs = 0;
	struct fact *rows, *o;
	uint64_t began;
	struct path p;

	trace_lines(&x->machine->trace);
	clock_trace_lines(&x->machine->clock, &x->machine->trace);
	if (!find_way(x, &irq, &p)) {
		path_free(&p);
		return false;
	}
	put_text(&x->facts.root, "title", "IRQ %02x on cpu%u: from the line to the return", p.entry.delivery.vector,
		 p.cpu);
	rows = put_list(&x->facts.root, "stages");
	began = put_chain(x, &p, rows);
	put_way(&p, rows, began);
	for (unsigned i = 0; i < p.notes; i++) {
		nested += p.note[i].kind == NOTE_DELIVERY;
		softirqs +=
			p.note[i].kind == NOTE_CALL && p.note[i].role && desc_match("softirq", p.note[i].role->role);
	}
	o = put_object(&x->facts.root, "latency");
	put_number(o, "line_to_delivery", p.entry.when - began);
	put_number(o, "delivery_to_return", p.end.when - p.entry.when);
	put_number(o, "nested", nested);
	put_flag(o, "softirq_on_the_way_out", softirqs);
	put_text(o, "unit", "ticks: retired instructions and what HLT slept");
	report_between(x, &p);
	report_return(x, &p);
	path_free(&p);
	return true;
}
