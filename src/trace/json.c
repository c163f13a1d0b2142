/* Records as JSON Lines, one object an event.  docs/trace.md is the schema. */
#include "trace/out.h"
#include "trace/writer.h"

static void key(struct out *out, const char *name)
{
	char last = out->n ? out->text[out->n - 1] : '{';

	if (last != '{' && last != '[')
		out_char(out, ',');
	out_char(out, '"');
	out_text(out, name);
	out_text(out, "\":");
}

static void quoted(struct out *out, const char *text)
{
	out_char(out, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c >= 0x7f) {
			out_text(out, "\\u");
			out_hex(out, c, 4);
			continue;
		}
		if (c == '"' || c == '\\')
			out_char(out, '\\');
		out_char(out, (char)c);
	}
	out_char(out, '"');
}

static void str(struct out *out, const char *name, const char *value)
{
	key(out, name);
	quoted(out, value);
}

static void num(struct out *out, const char *name, uint64_t value)
{
	key(out, name);
	out_dec(out, value);
}

static void boolean(struct out *out, const char *name, bool value)
{
	key(out, name);
	out_text(out, value ? "true" : "false");
}

/* Addresses, selectors and register values are strings: JSON numbers above
 * 2^53 are not exact. */
static void hex(struct out *out, const char *name, uint64_t value)
{
	key(out, name);
	out_text(out, "\"0x");
	out_hex(out, value, 1);
	out_char(out, '"');
}

static void open(struct out *out, const char *name)
{
	key(out, name);
	out_char(out, '{');
}

static void close(struct out *out)
{
	out_char(out, '}');
}

static void symbol(struct out *out, const struct trace_view *view, uint64_t address)
{
	uint64_t offset = 0;
	const char *text = view->symbol ? view->symbol(view->owner, address, &offset) : NULL, *file;
	unsigned line;

	if (text) {
		open(out, "symbol");
		str(out, "name", text);
		num(out, "offset", offset);
		close(out);
	}
	if (view->line && view->line(view->owner, address, &file, &line)) {
		open(out, "source");
		str(out, "file", file);
		num(out, "line", line);
		close(out);
	}
}

static void place(struct out *out, const struct trace_view *view, const char *name, const struct where *w)
{
	open(out, name);
	str(out, "mode", mode_name(w->mode));
	num(out, "cpl", w->cpl);
	hex(out, "cs", w->cs);
	hex(out, "ip", w->rip);
	hex(out, "ss", w->ss);
	hex(out, "sp", w->rsp);
	hex(out, "flags", w->rflags);
	hex(out, "cs_base", w->cs_base);
	hex(out, "ss_base", w->ss_base);
	symbol(out, view, w->cs_base + w->rip);
	close(out);
}

static void reason(struct out *out, enum why why)
{
	const struct why_info *info = why_info(why);

	if (why == WHY_NONE)
		return;
	open(out, "why");
	str(out, "name", info->name);
	str(out, "sentence", info->sentence);
	str(out, "sdm", info->source);
	close(out);
}

/* Keys every event has. */
static void begin(struct out *out, const char *event, uint64_t id, uint64_t when, unsigned cpu)
{
	out->n = 0;
	out_char(out, '{');
	str(out, "event", event);
	num(out, "id", id);
	num(out, "t", when);
	num(out, "cpu", cpu);
}

static void end(struct trace_writer *w, struct out *out)
{
	out_text(out, "}\n");
	fwrite(out->text, 1, out->n, w->file);
}

static void fault(struct out *out, const char *name, const struct fault *f)
{
	const char *exception = exception_name(f->vector);

	open(out, name);
	num(out, "vector", f->vector);
	if (exception)
		str(out, "exception", exception);
	if (f->has_error)
		hex(out, "error", f->error);
	if (f->vector == 14)
		hex(out, "cr2", f->cr2);
	reason(out, f->why);
	close(out);
}

static void gate_and_code(struct out *out, const struct delivery_record *r)
{
	bool gate_read = r->step > STEP_VECTOR;

	if (!gate_read)
		return;
	open(out, "gate");
	hex(out, "address", r->gate.address);
	num(out, "type", r->gate.type);
	str(out, "type_name", gate_name(r->gate.type, r->gate.width));
	num(out, "width", r->gate.width);
	num(out, "dpl", r->gate.dpl);
	boolean(out, "present", r->gate.present);
	hex(out, "selector", r->gate.selector);
	hex(out, "offset", r->gate.offset);
	num(out, "ist", r->gate.ist);
	close(out);
	if (r->step < STEP_CODE_SEGMENT)
		return;
	open(out, "code");
	hex(out, "selector", r->code.selector);
	num(out, "type", r->code.type);
	num(out, "dpl", r->code.dpl);
	boolean(out, "present", r->code.present);
	boolean(out, "conforming", r->code.conforming);
	close(out);
}

static void stack(struct out *out, const struct delivery_record *r)
{
	if (!r->words)
		return;
	open(out, "stack");
	str(out, "source", stack_source_name(r->stack_source));
	if (r->stack_source == STACK_TSS16 || r->stack_source == STACK_TSS32 || r->stack_source == STACK_RSP ||
	    r->stack_source == STACK_IST)
		hex(out, "tss", r->tss_base);
	if (r->word_bytes == 8)
		hex(out, "pointer", r->stack_pointer);
	hex(out, "frame", r->frame);
	num(out, "word_bytes", r->word_bytes);
	key(out, "words");
	out_char(out, '[');
	for (unsigned i = 0; i < r->words && i < RECORD_MAX_WORDS; i++) {
		out_text(out, i ? ",{" : "{");
		hex(out, "at", r->frame + (uint64_t)(r->words - 1u - i) * r->word_bytes);
		str(out, "name", pushed_name_text(r->word_name[i], r->word_bytes * 8u));
		hex(out, "value", r->word[i]);
		close(out);
	}
	out_char(out, ']');
	close(out);
}

static void json_delivery(void *owner, const struct delivery_record *r)
{
	struct trace_writer *w = owner;
	const char *exception = exception_name(r->vector);
	bool soft = r->kind == EV_SOFT_INT || r->kind == EV_IRQ;
	struct out out;
	char insn[96];

	begin(&out, "delivery", r->id, r->when, r->cpu);
	str(&out, "kind", event_kind_name(r->kind));
	num(&out, "vector", r->vector);
	if (exception && !soft)
		str(&out, "exception", exception);
	str(&out, "outcome", delivery_outcome_name(r->outcome));
	str(&out, "step", delivery_step_name(r->step));
	if (r->has_error)
		hex(&out, "error", r->error);
	if (r->kind == EV_FAULT && r->vector == 14)
		hex(&out, "cr2", r->cr2);
	reason(&out, r->why);
	if (r->parent)
		num(&out, "parent", r->parent);
	if (r->cause)
		num(&out, "cause", r->cause);
	if (w->lines && r->has_way) {
		num(&out, "waited", r->waited);
		num(&out, "waited_at_pin", r->waited_at_pin);
	}
	if (r->cr3)
		hex(&out, "cr3", r->cr3);
	hex(&out, "ax", r->rax);
	if (r->kind == EV_FAULT && w->view.instruction &&
	    w->view.instruction(w->view.owner, &r->from, insn, sizeof(insn)))
		str(&out, "instruction", insn);
	place(&out, &w->view, "from", &r->from);
	gate_and_code(&out, r);
	if (r->outcome == OUT_FAULTED || r->outcome == OUT_SHUTDOWN) {
		fault(&out, "refused", &r->refused);
	} else {
		stack(&out, r);
		place(&out, &w->view, "to", &r->to);
	}
	end(w, &out);
}

static void nested(struct out *out, const struct nested_counts *n)
{
	open(out, "nested");
	num(out, "total", n->total);
	key(out, "by");
	out_char(out, '[');
	for (unsigned i = 0; i < n->used && i < NESTED_KINDS; i++) {
		out_text(out, i ? ",{" : "{");
		str(out, "kind", event_kind_name(n->by[i].kind));
		num(out, "vector", n->by[i].vector);
		num(out, "count", n->by[i].count);
		close(out);
	}
	out_char(out, ']');
	close(out);
}

/* What a return ends. */
static void ended(struct out *out, const struct return_record *r)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} parts[] = {{CHANGED_IP, "ip"}, {CHANGED_SP, "sp"}, {CHANGED_CR3, "cr3"}};

	num(out, "of", r->delivery);
	if (!r->ended_entry)
		num(out, "vector", r->ended_vector);
	if (r->cause)
		num(out, "cause", r->cause);
	if (r->ended_cpu != r->cpu)
		num(out, "entered_on", r->ended_cpu);
	if (r->changed) {
		key(out, "changed");
		out_char(out, '[');
		for (unsigned i = 0, n = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
			if (!(r->changed & parts[i].bit))
				continue;
			out_text(out, n++ ? "," : "");
			quoted(out, parts[i].name);
		}
		out_char(out, ']');
	}
	num(out, "insns", r->insns);
	nested(out, &r->nested);
}

static void json_returned(void *owner, const struct return_record *r)
{
	struct trace_writer *w = owner;
	struct out out;

	begin(&out, "return", r->id, r->when, r->cpu);
	str(&out, "kind", return_kind_name(r->kind));
	if (r->frame)
		hex(&out, "frame", r->frame);
	if (r->delivery)
		ended(&out, r);
	else if (r->copy_of)
		num(&out, "copy_of", r->copy_of);
	if (r->cr3)
		hex(&out, "cr3", r->cr3);
	place(&out, &w->view, "from", &r->from);
	place(&out, &w->view, "to", &r->to);
	end(w, &out);
}

static void json_entry(void *owner, const struct entry_record *r)
{
	struct trace_writer *w = owner;
	struct out out;

	begin(&out, "entry", r->id, r->when, r->cpu);
	str(&out, "kind", entry_kind_name(r->kind));
	hex(&out, "ax", r->rax);
	place(&out, &w->view, "from", &r->from);
	place(&out, &w->view, "to", &r->to);
	end(w, &out);
}

static void json_task(void *owner, const struct task_record *r)
{
	struct trace_writer *w = owner;
	struct out out;

	begin(&out, "task", r->id, r->when, r->cpu);
	str(&out, "kind", task_cause_name(r->cause));
	hex(&out, "old_selector", r->old_selector);
	hex(&out, "old_tss", r->old_base);
	hex(&out, "new_selector", r->new_selector);
	hex(&out, "new_tss", r->new_base);
	num(&out, "width", r->width);
	place(&out, &w->view, "from", &r->from);
	place(&out, &w->view, "to", &r->to);
	end(w, &out);
}

/* ---- wires, controllers, the end ---- */
static void begin_line(struct out *out, const char *event, uint64_t id, uint64_t when)
{
	out->n = 0;
	out_char(out, '{');
	str(out, "event", event);
	num(out, "id", id);
	num(out, "t", when);
}

static void json_line(void *owner, const struct line_record *r)
{
	struct out out;

	begin_line(&out, "line", r->id, r->when);
	str(&out, "name", r->name ? r->name : "");
	boolean(&out, "level", r->level);
	if (r->cause)
		num(&out, "cause", r->cause);
	end(owner, &out);
}

static void json_stage(void *owner, const struct stage_record *r)
{
	const struct hold_info *hold = hold_info(r->why);
	struct out out;

	begin_line(&out, "stage", r->id, r->when);
	str(&out, "unit", r->unit ? r->unit : "");
	if (r->instance >= 0)
		num(&out, "instance", (uint64_t)r->instance);
	if (r->input)
		str(&out, "input", r->input);
	if (r->pin >= 0)
		num(&out, "pin", (uint64_t)r->pin);
	str(&out, "what", stage_name(r->what));
	if (r->vector >= 0)
		num(&out, "vector", (uint64_t)r->vector);
	if (r->cause)
		num(&out, "cause", r->cause);
	if (r->why != HOLD_NONE) {
		open(&out, "why");
		str(&out, "name", hold->name);
		str(&out, "sentence", hold->sentence);
		str(&out, "source", hold->source);
		if (hold->by && r->by >= 0)
			num(&out, "by", (uint64_t)r->by);
		close(&out);
	}
	end(owner, &out);
}

static const char *handler_kind(bool entry, unsigned kind)
{
	return entry ? entry_kind_name(kind) : event_kind_name(kind);
}

static void json_unreturned(void *owner, const struct unreturned_record *r)
{
	struct out out;

	begin(&out, "unreturned", r->id, r->when, r->cpu);
	num(&out, "of", r->delivery);
	str(&out, "kind", handler_kind(r->entry, r->kind));
	if (!r->entry)
		num(&out, "vector", r->vector);
	if (r->cause)
		num(&out, "cause", r->cause);
	num(&out, "insns", r->when - r->began);
	open(&out, "why");
	str(&out, "name", unreturned_name(r->why));
	str(&out, "sentence", unreturned_sentence(r->why));
	if (r->by)
		num(&out, "by", r->by);
	close(&out);
	end(owner, &out);
}

static void counts(struct out *out, const struct trace_counts *c)
{
	num(out, "taken", c->taken);
	num(out, "refused", c->refused);
	num(out, "returned", c->returned);
	num(out, "never", c->never);
	num(out, "open", c->open);
}

/* A row of the summary; written at once, since 256 vectors of each kind may be longer than struct out. */
static void counts_row(struct trace_writer *w, struct out *out, unsigned *rows, const struct trace_counts *c,
		       bool entry, unsigned kind, unsigned vector)
{
	if (!c->taken && !c->refused)
		return;
	out_text(out, (*rows)++ ? ",{" : "{");
	str(out, "kind", handler_kind(entry, kind));
	if (!entry)
		num(out, "vector", vector);
	counts(out, c);
	close(out);
	fwrite(out->text, 1, out->n, w->file);
	out->n = 0;
}

static void json_ended(void *owner, const struct trace_summary *s)
{
	struct trace_writer *w = owner;
	unsigned rows = 0;
	struct out out;

	begin_line(&out, "summary", s->id, s->when);
	open(&out, "deliveries");
	counts(&out, &s->all);
	close(&out);
	key(&out, "by");
	out_char(&out, '[');
	for (unsigned vector = 0; vector < 256; vector++)
		for (unsigned kind = 0; kind < EV_KINDS; kind++)
			counts_row(w, &out, &rows, &s->by[kind][vector], false, kind, vector);
	for (unsigned kind = 0; kind < TRACE_ENTRIES; kind++)
		counts_row(w, &out, &rows, &s->entry[kind], true, kind, 0);
	out_char(&out, ']');
	end(w, &out);
}

struct trace_sink trace_jsonl_sink(struct trace_writer *writer)
{
	fprintf(writer->file, "{\"event\":\"header\",\"schema\":\"trapgate-trace\",\"version\":%d}\n",
		TRACE_SCHEMA_VERSION);
	return (struct trace_sink){.delivery = json_delivery,
				   .returned = json_returned,
				   .entry = json_entry,
				   .task = json_task,
				   .line = writer->lines ? json_line : NULL,
				   .stage = writer->lines ? json_stage : NULL,
				   .unreturned = json_unreturned,
				   .ended = json_ended,
				   .owner = writer};
}
