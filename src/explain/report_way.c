/* The decisions on the way, and what happened beside it. */
#include <inttypes.h>
#include <string.h>

#include "explain/know.h"
#include "explain/report.h"

static struct cpu *cpu_of(const struct path *p)
{
	return p->x->machine->cpu[p->cpu];
}

/* A test of a flag word. */
static void put_test(struct explain *x, struct fact *rows, const struct note *n)
{
	const struct desc_word *word = &x->desc.word[n->word];
	struct fact *row = put_object(rows, NULL);

	put_number(row, "t", n->t);
	put_place(x, row, "at", n->eip);
	put_text(row, "word", "%s", word->name);
	put_hex(row, "value", n->value, 8);
	put_bits(row, "set", word, n->value);
	if (n->mask) {
		put_hex(row, "mask", n->mask, 8);
		put_bits(row, "tested_and_set", word, n->value & n->mask);
	}
	if (!n->has_branch)
		return;
	put_text(row, "branch", n->taken ? "taken" : "not taken");
	put_place(x, row, "goes_to", n->to);
}

/* Does the test decide on the way, or is it some function's own affair?  The entry code's own do, and those of
 * functions with a role for that. */
static bool decides(struct explain *x, const struct note *n)
{
	uint64_t offset = 0;
	const char *function = know_symbol(x, n->eip, &offset);

	return (n->has_branch || n->mask) &&
	       (n->depth == 0 ||
		(function && (desc_plays(&x->desc, "work", function) || desc_plays(&x->desc, "notify", function))));
}

/* Tests between two ticks. */
static struct fact *put_tests(struct explain *x, const struct path *p, struct fact *o, const char *key, uint64_t from,
			      uint64_t until)
{
	struct fact *rows = put_list(o, key);

	for (unsigned i = 0; i < p->notes; i++)
		if (p->note[i].kind == NOTE_TEST && p->note[i].t >= from && p->note[i].t < until &&
		    decides(x, &p->note[i]))
			put_test(x, rows, &p->note[i]);
	return rows;
}

/* The tracing hook that was called before the handler, or after it. */
static const struct note *tracer(const struct path *p, bool before)
{
	for (unsigned i = 0; i < p->notes; i++) {
		const struct note *n = &p->note[i];
		bool early = !p->has_handler || n->t < p->handler_begun;

		if (n->kind == NOTE_CALL && n->role && strcmp(n->role->role, "trace") == 0 && early == before)
			return n;
	}
	return NULL;
}

bool path_traced(const struct path *p)
{
	return tracer(p, true) != NULL;
}

/* Was it traced? */
static void put_traced(struct explain *x, const struct path *p, struct fact *o)
{
	const struct note *entry = tracer(p, true), *exit = tracer(p, false);

	put_flag(o, "traced", entry);
	if (entry)
		put_place(x, o, "entry_hook", entry->to);
	if (exit)
		put_place(x, o, "exit_hook", exit->to);
}

void report_decisions(struct explain *x, const struct path *p)
{
	struct fact *o = put_object(&x->facts.root, "decisions"), *number;
	uint64_t offset = 0;
	const char *table;

	put_traced(x, p, o);
	put_tests(x, p, o, "tests", 0, p->has_handler ? p->handler_begun : UINT64_MAX);
	number = put_object(o, "number");
	put_number(number, "number", p->nr);
	if (p->has_number) {
		put_number(number, "calls_there_are", p->number_limit);
		put_flag(number, "bad", p->bad_number)->tone = p->bad_number ? TONE_BAD : TONE_GOOD;
		put_place(x, number, "compared_at", path_note(p, NOTE_NUMBER, NULL, 0)->eip);
	} else if (x->desc.calls) {
		put_number(number, "calls_there_are", x->desc.calls);
		put_flag(number, "bad", p->nr >= x->desc.calls);
	}
	if (p->has_slot) {
		struct fact *slot = put_object(o, "table");

		table = know_symbol(x, p->slot, &offset);
		put_hex(slot, "slot", p->slot, 8);
		if (table)
			put_text(slot, "symbol", "%s+0x%" PRIx64, table, offset);
		put_place(x, slot, "target", p->slot_target);
	}
	if (p->has_handler) {
		struct fact *handler = put_object(o, "handler");

		put_place(x, handler, "function", p->handler);
		put_number(handler, "begun_at_t", p->handler_begun);
		if (p->handler_done)
			put_number(handler, "insns", p->handler_ended - p->handler_begun);
	}
}

/* A call that is refused has no handler: the entry code writes the error itself, over what was pushed. */
const struct write *path_result_write(const struct path *p)
{
	const struct write *pushed, *last;
	uint32_t offset;

	if (!p->regs || !desc_reg_offset(&p->x->desc, "ax", &offset))
		return NULL;
	if (p->handler_done)
		return path_next_write(p, p->regs + offset, p->handler_ended);
	pushed = path_next_write(p, p->regs + offset, p->entry.when);
	last = path_writer(p, p->regs + offset, UINT64_MAX);
	return pushed && last && last->t > pushed->t ? last : NULL;
}

void report_result(struct explain *x, const struct path *p)
{
	struct fact *o = put_object(&x->facts.root, "result");
	const char *name = errno_name(p->result);
	const struct write *w = NULL;
	uint32_t offset;

	if (p->has_result) {
		put_hex(o, "handler_returned", p->result, 8);
		put_text(o, "handler_returned_signed", "%" PRId32, (int32_t)p->result);
		if (name)
			put_text(o, "error", "%s", name);
	}
	if (p->regs && desc_reg_offset(&x->desc, "ax", &offset)) {
		put_hex(o, "saved_eax_at", p->regs + offset, 8);
		w = path_result_write(p);
	}
	if (w) {
		put_hex(o, "written", w->value, 8);
		put_place(x, o, "written_by", w->eip);
		put_number(o, "written_at_t", w->t);
	}
	if (p->returned) {
		uint64_t eax = p->after_end.gpr.r64[RAX];

		put_hex(o, "eax_after_return", eax, 8);
		put_text(o, "eax_signed", "%" PRId32, (int32_t)eax);
		if (errno_name(eax))
			put_text(o, "eax_means", "%s", errno_name(eax));
	}
}

/* One sentence on what the way out was decided by. */
static void put_why(struct explain *x, const struct path *p, struct fact *o, uint64_t from)
{
	static const struct {
		const char *role, *text;
	} roles[] = {
		{"trace", "syscall tracing"}, {"schedule", "reschedule"}, {"signal", "signal"}, {"notify", "notify"}};
	struct fact *list = put_list(o, "taken");

	for (unsigned i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		for (unsigned k = 0; k < p->notes; k++) {
			const struct note *n = &p->note[k];

			if (n->kind != NOTE_CALL || n->t < from || n->level || !n->role ||
			    strcmp(n->role->role, roles[i].role) != 0)
				continue;
			put_text(list, NULL, "%s (%s)", roles[i].text, n->function);
			break;
		}
	if (!list->first)
		put_text(list, NULL, "no work: straight to the return");
}

void report_work(struct explain *x, const struct path *p)
{
	struct fact *o = put_object(&x->facts.root, "work");
	uint64_t from = p->handler_done ? p->handler_ended : 0;

	put_tests(x, p, o, "tests", from, UINT64_MAX);
	put_why(x, p, o, from);
}

void report_way(struct explain *x, const struct path *p)
{
	struct fact *rows = put_list(&x->facts.root, "way");

	for (unsigned i = 0; i < p->notes; i++) {
		const struct note *n = &p->note[i];
		struct fact *row;

		if (n->kind != NOTE_LABEL)
			continue;
		row = put_object(rows, NULL);
		put_number(row, "t", n->t);
		put_place(x, row, "label", n->to);
		if (n->role)
			put_text(row, "role", "%s", n->role->role);
	}
}

void report_calls(struct explain *x, const struct path *p)
{
	struct fact *rows = put_list(&x->facts.root, "calls");

	for (unsigned i = 0; i < p->notes; i++) {
		const struct note *n = &p->note[i];
		struct fact *row;

		if (n->kind != NOTE_CALL || (!n->role && (n->level || n->depth > 1)))
			continue;
		row = put_object(rows, NULL);
		put_number(row, "t", n->t);
		put_place(x, row, "function", n->to);
		put_number(row, "depth", n->depth);
		if (n->role)
			put_text(row, "role", "%s", n->role->role);
		if (n->level) {
			char text[32];

			event_text(text, sizeof(text), n->event_kind, n->vector);
			put_text(row, "inside", "%s", text);
		}
	}
}

void report_between(struct explain *x, const struct path *p)
{
	struct fact *rows = put_list(&x->facts.root, "interrupts_in_between");

	for (unsigned i = 0; i < p->notes; i++) {
		const struct note *n = &p->note[i];
		const struct note *back = NULL;
		struct fact *row;
		char text[32];

		if (n->kind != NOTE_DELIVERY)
			continue;
		for (unsigned k = i; k < p->notes && !back; k++)
			if (p->note[k].kind == NOTE_RETURN && p->note[k].event == n->event)
				back = &p->note[k];
		row = put_object(rows, NULL);
		event_text(text, sizeof(text), n->event_kind, n->vector);
		put_number(row, "t", n->t);
		put_text(row, "what", "%s", text);
		put_number(row, "level", n->level + 1);
		if (n->taken)
			put_hex(row, "error", n->error, 4);
		put_place(x, row, "came_at", n->eip);
		put_place(x, row, "handler", n->to);
		if (back)
			put_number(row, "ticks", back->t - n->t);
	}
}

void report_switches(struct explain *x, const struct path *p)
{
	struct fact *rows = put_list(&x->facts.root, "task_switches");

	for (unsigned i = 0; i < p->notes; i++) {
		const struct note *n = &p->note[i];
		struct fact *row;

		if (n->kind != NOTE_AWAY && n->kind != NOTE_BACK)
			continue;
		row = put_object(rows, NULL);
		put_number(row, "t", n->t);
		put_task(x, row, "from", cpu_of(p), n->kind == NOTE_AWAY ? p->task : n->value);
		put_task(x, row, "to", cpu_of(p), n->kind == NOTE_AWAY ? n->value : p->task);
		put_place(x, row, "at", n->eip);
	}
}

void report_bits(struct explain *x, const struct path *p)
{
	struct fact *rows = put_list(&x->facts.root, "flag_changes");

	for (unsigned i = 0; i < p->notes; i++) {
		const struct note *n = &p->note[i];
		struct fact *row;
		char text[32];

		if (n->kind != NOTE_SET && n->kind != NOTE_CLEAR)
			continue;
		row = put_object(rows, NULL);
		put_number(row, "t", n->t);
		put_text(row, "change", n->kind == NOTE_SET ? "set" : "cleared");
		put_text(row, "word", "%s", x->desc.word[n->word].name);
		put_bits(row, "bits", &x->desc.word[n->word], n->mask);
		put_place(x, row, "by", n->eip);
		if (n->level || p->entry.kind == SEEN_DELIVERY)
			event_text(text, sizeof(text), n->event_kind, n->vector);
		else
			entry_text(text, sizeof(text), &p->entry);
		put_text(row, "inside", "%s", text);
	}
}

static void put_flag_changes(struct fact *o, uint64_t before, uint64_t after)
{
	struct fact *list = put_list(o, "eflags_changes");
	static const struct {
		const char *name;
		uint32_t bit;
	} bits[] = {{"IF", FLAG_IF}, {"TF", FLAG_TF}, {"NT", FLAG_NT},
		    {"RF", FLAG_RF}, {"DF", FLAG_DF}, {"AC", FLAG_AC}};

	for (unsigned i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if ((before ^ after) & bits[i].bit)
			put_text(list, NULL, "%s %u -> %u", bits[i].name, !!(before & bits[i].bit),
				 !!(after & bits[i].bit));
}

void report_return(struct explain *x, const struct path *p)
{
	struct fact *o = put_object(&x->facts.root, "return");
	const struct return_record *r = &p->end.returned;

	if (!p->returned) {
		put_text(o, "missing", "it did not return");
		return;
	}
	put_text(o, "by", "%s", return_kind_name((enum return_kind)r->kind));
	put_number(o, "t", r->when);
	put_number(o, "id", r->id);
	put_place(x, o, "instruction", where_linear(&r->from));
	if (r->frame)
		put_hex(o, "frame", r->frame, 8);
	put_where(x, o, "to", &r->to);
	put_text(o, "ring", "%u -> %u", r->from.cpl, r->to.cpl);
	put_flag_changes(o, r->from.rflags, r->to.rflags);
	put_number(o, "ticks", r->when - p->entry.when);
	put_number(o, "insns_of_this_task", p->insns);
	if (p->after_end.shadow)
		put_text(o, "shadow", "one more instruction without interrupts");
}
