/* The delivery card and its companions: what happened, for people. */
#include <string.h>

#include "arch/x86.h"
#include "trace/text.h"

#define HEAD_RIGHT 76 /* column of "ring 3 -> 0" */

static bool protected_mode(const struct where *w)
{
	return strcmp(mode_name(w->mode), "real") != 0;
}

static bool mode_is_64_bit(const struct where *w)
{
	return strcmp(mode_name(w->mode), "64-bit") == 0;
}

/* Did a check of this delivery fail? */
static bool refused(const struct delivery_record *r)
{
	return r->outcome == OUT_FAULTED || r->outcome == OUT_SHUTDOWN;
}

/* " name+0x12 file.c:34", as far as known. */
static void out_symbol(struct out *out, const struct trace_view *view, uint64_t address)
{
	uint64_t offset = 0;
	const char *name = view->symbol ? view->symbol(view->owner, address, &offset) : NULL, *file;
	unsigned line;

	if (name) {
		out_char(out, ' ');
		out_text(out, name);
	}
	if (name && offset) {
		out_text(out, "+0x");
		out_hex(out, offset, 1);
	}
	if (view->line && view->line(view->owner, address, &file, &line)) {
		out_char(out, ' ');
		out_text(out, file);
		out_char(out, ':');
		out_dec(out, line);
	}
}

static void out_place(struct out *out, const struct trace_view *view, const struct where *w)
{
	out_hex(out, w->cs, 4);
	out_char(out, ':');
	out_address(out, w->rip);
	out_symbol(out, view, w->cs_base + w->rip);
}

static void out_error_bits(struct out *out, unsigned vector, uint32_t error)
{
	static const struct {
		uint32_t bit;
		const char *set, *clear;
	} page[] = {{PF_P, "protection", "not present"},
		    {PF_W, "write", "read"},
		    {PF_U, "user", "supervisor"},
		    {PF_RSVD, "reserved bit", NULL},
		    {PF_I, "fetch", NULL}};

	if (vector == VEC_PF) {
		for (unsigned i = 0; i < sizeof(page) / sizeof(page[0]); i++) {
			const char *text = error & page[i].bit ? page[i].set : page[i].clear;

			if (text) {
				out_text(out, i ? ", " : "");
				out_text(out, text);
			}
		}
		return;
	}
	if (!(error & ~ERR_EXT)) {
		out_text(out, error & ERR_EXT ? "EXT" : "no selector");
		return;
	}
	if (error & ERR_IDT) {
		out_text(out, "IDT[");
		out_hex(out, error >> 3, 2);
		out_char(out, ']');
	} else {
		out_text(out, error & ERR_TI ? "LDT selector " : "GDT selector ");
		out_hex(out, error & SEL_INDEX, 4);
	}
	if (error & ERR_EXT)
		out_text(out, ", EXT");
}

/* "#GP(0402: IDT[80])" */
static void out_exception(struct out *out, unsigned vector, bool has_error, uint32_t error)
{
	const char *name = exception_name(vector);

	if (name) {
		out_text(out, name);
	} else {
		out_text(out, "vector ");
		out_hex(out, vector, 2);
	}
	if (!has_error)
		return;
	out_char(out, '(');
	out_hex(out, error, 4);
	out_text(out, ": ");
	out_error_bits(out, vector, error);
	out_char(out, ')');
}

void text_event(struct out *out, unsigned kind, unsigned vector)
{
	static const char *const fixed[EV_KINDS] = {
		[EV_INT1] = "INT1", [EV_INT3] = "INT3", [EV_INTO] = "INTO", [EV_NMI] = "NMI"};

	if (kind < EV_KINDS && fixed[kind]) {
		out_text(out, fixed[kind]);
	} else if (kind == EV_SOFT_INT || kind == EV_IRQ) {
		out_text(out, kind == EV_IRQ ? "IRQ 0x" : "INT 0x");
		out_hex(out, vector, 2);
	} else {
		out_exception(out, vector, false, 0);
	}
}

void text_handler(struct out *out, bool entry, unsigned kind, unsigned vector)
{
	if (entry)
		out_text(out, entry_kind_name(kind));
	else
		text_event(out, kind, vector);
}

static void out_head(struct out *out, uint64_t id, unsigned cpu, uint64_t when)
{
	out_char(out, '#');
	out_dec(out, id);
	out_column(out, 8);
	out_text(out, "cpu");
	out_dec(out, cpu);
	out_text(out, "  t=");
	out_grouped(out, when);
	out_text(out, " insn");
	out_column(out, 32);
}

static void out_ring(struct out *out, const struct where *from, const struct where *to)
{
	out_column(out, HEAD_RIGHT);
	out_text(out, "ring ");
	out_dec(out, from->cpl);
	out_text(out, " -> ");
	out_dec(out, to->cpl);
	out_char(out, '\n');
}

static void out_reason(struct out *out, enum why why)
{
	const struct why_info *info = why_info(why);

	out_text(out, info->name);
	out_text(out, ": ");
	out_text(out, info->sentence);
	if (info->source[0]) {
		out_text(out, " [SDM, ");
		out_text(out, info->source);
		out_char(out, ']');
	}
	out_char(out, '\n');
}

static void card_head(struct out *out, const struct trace_view *view, const struct delivery_record *r)
{
	char insn[96];

	out_head(out, r->id, r->cpu, r->when);
	if (r->kind == EV_FAULT || r->kind == EV_TRAP || r->kind == EV_ABORT)
		out_exception(out, r->vector, r->has_error, r->error);
	else
		text_event(out, r->kind, r->vector);
	if (r->kind == EV_SOFT_INT) {
		out_text(out, mode_is_64_bit(&r->from) ? " (software, rax=" : " (software, eax=");
		out_hex(out, r->rax, 1);
		out_char(out, ')');
	} else if (r->kind == EV_IRQ) {
		out_text(out, " (external)");
	} else {
		out_text(out, " (");
		out_text(out, event_kind_name(r->kind));
		out_char(out, ')');
	}
	if (!refused(r))
		out_ring(out, &r->from, &r->to);
	else
		out_char(out, '\n');

	out_text(out, " from   ");
	out_place(out, view, &r->from);
	if (r->kind == EV_FAULT && view->instruction && view->instruction(view->owner, &r->from, insn, sizeof(insn))) {
		out_column(out, 52);
		out_text(out, insn);
	}
	out_char(out, '\n');
	if (r->why != WHY_NONE) {
		out_text(out, " why    ");
		out_reason(out, r->why);
	}
	if (r->vector == VEC_PF && r->kind == EV_FAULT) {
		out_text(out, "        linear address ");
		out_address(out, r->cr2);
		out_char(out, '\n');
	}
	if (r->parent) {
		out_text(out, "        raised while #");
		out_dec(out, r->parent);
		out_text(out, " was being delivered\n");
	}
	if (r->cause) {
		out_text(out, "        cause ");
		out_dec(out, r->cause);
		out_char(out, '\n');
	}
}

static void card_gate(struct out *out, const struct trace_view *view, const struct delivery_record *r)
{
	bool table = protected_mode(&r->from);

	out_text(out, " gate   ");
	out_text(out, table ? "IDT[" : "IVT[");
	out_hex(out, r->vector, 2);
	out_char(out, ']');
	if (r->step == STEP_VECTOR && refused(r)) {
		out_text(out, " lies outside the table's limit\n");
		return;
	}
	out_char(out, '@');
	out_address(out, r->gate.address);
	if (table) {
		out_char(out, ' ');
		out_text(out, gate_name(r->gate.type, r->gate.width));
		out_text(out, " P=");
		out_dec(out, r->gate.present);
		out_text(out, " DPL=");
		out_dec(out, r->gate.dpl);
		if (r->gate.width == 64) {
			out_text(out, " IST=");
			out_dec(out, r->gate.ist);
		}
	}
	out_text(out, " sel=");
	out_hex(out, r->gate.selector, 4);
	out_text(out, " off=");
	out_address(out, r->gate.offset);
	if (r->step == STEP_COMMIT)
		out_symbol(out, view, r->to.cs_base + r->gate.offset);
	out_char(out, '\n');
}

/* One check of the list: what was compared, and how it went.  what NULL: this event is exempt. */
static void out_check(struct out *out, const struct delivery_record *r, enum delivery_step step, const char *what)
{
	if (r->step < step)
		return;
	out_text(out, "        ");
	out_text(out, delivery_step_name(step));
	out_column(out, 23);
	if (!what) {
		out_text(out, "not looked at: not raised by software\n");
		return;
	}
	out_text(out, what);
	out_text(out, r->step == step && refused(r) ? ": REFUSED\n" : ": ok\n");
}

static void card_code_check(struct out *out, const struct delivery_record *r)
{
	if (r->step < STEP_CODE_SEGMENT)
		return;
	out_text(out, "        code-segment   ");
	out_hex(out, r->gate.selector, 4);
	if (r->step == STEP_CODE_SEGMENT && refused(r)) {
		out_text(out, ": REFUSED\n");
		return;
	}
	out_text(out, r->code.conforming ? " conforming" : "");
	out_text(out, r->gate.width == 64 ? " 64-bit code, DPL " : " code, DPL ");
	out_dec(out, r->code.dpl);
	out_text(out, r->code.dpl < r->from.cpl ? " < CPL " : " against CPL ");
	out_dec(out, r->from.cpl);
	if (r->code.conforming || r->code.dpl == r->from.cpl)
		out_text(out, " -> same privilege: ok\n");
	else
		out_text(out, " -> stack switch: ok\n");
}

/* "RSP0", "IST1": what of a 64-bit TSS holds the stack pointer. */
static void name_tss_field(const struct delivery_record *r, char *to, size_t size)
{
	if (r->gate.ist)
		snprintf(to, size, "IST%u", r->gate.ist);
	else
		snprintf(to, size, "RSP%u", r->code.dpl);
}

static void stack_checks64(struct out *out, const struct delivery_record *r)
{
	char field[8], what[64];

	name_tss_field(r, field, sizeof(field));
	snprintf(what, sizeof(what), "%s readable in the TSS", field);
	if (r->stack_source != STACK_SAME)
		out_check(out, r, STEP_STACK_SELECT, what);
	out_check(out, r, STEP_STACK_LIMIT, "stack pointer and frame canonical");
	out_check(out, r, STEP_TARGET_LIMIT, "offset canonical");
}

static void stack_checks(struct out *out, const struct delivery_record *r)
{
	/* Refused there, it has no stack of its own yet. */
	if (r->stack_source != STACK_SAME ||
	    (refused(r) && (r->step == STEP_STACK_SELECT || r->step == STEP_STACK_SEGMENT))) {
		out_check(out, r, STEP_STACK_SELECT, "SS:SP of the inner level readable in the TSS");
		out_check(out, r, STEP_STACK_SEGMENT, "writable data, RPL = DPL = new CPL, present");
	}
	out_check(out, r, STEP_STACK_LIMIT, "room for the frame");
	out_check(out, r, STEP_TARGET_LIMIT, "offset inside the code segment");
}

/* The checks made, in the order of SDM 2A "INT n", Operation. */
static void card_checks(struct out *out, const struct delivery_record *r)
{
	bool software = r->kind == EV_SOFT_INT || r->kind == EV_INT3 || r->kind == EV_INTO;
	char dpl[64];

	if (!protected_mode(&r->from) || r->outcome == OUT_REDIRECTED)
		return;
	out_text(out, " checks vector         inside the IDT limit");
	out_text(out, r->step == STEP_VECTOR && refused(r) ? ": REFUSED\n" : ": ok\n");
	out_check(out, r, STEP_GATE, "read, of a type the IDT may hold");
	snprintf(dpl, sizeof(dpl), "CPL %u <= gate DPL %u", r->from.cpl, r->gate.dpl);
	out_check(out, r, STEP_GATE_DPL, software ? dpl : NULL);
	out_check(out, r, STEP_GATE_PRESENT, "P = 1");
	if (r->outcome == OUT_TASK_SWITCH)
		return;
	card_code_check(out, r);
	out_check(out, r, STEP_CODE_PRESENT, "P = 1");
	if (r->gate.width == 64)
		stack_checks64(out, r);
	else
		stack_checks(out, r);
	out_check(out, r, STEP_PUSH, "frame written");
}

static void out_flag(struct out *out, const char *name, uint64_t flag, const struct delivery_record *r)
{
	out_text(out, name);
	out_char(out, r->from.rflags & flag ? '1' : '0');
	out_text(out, "->");
	out_char(out, r->to.rflags & flag ? '1' : '0');
}

static void card_stack(struct out *out, const struct trace_view *view, const struct delivery_record *r)
{
	uint64_t top = r->to.rsp + (uint64_t)r->words * r->word_bytes;
	unsigned digits = r->word_bytes * 2u;

	out_text(out, " stack  ");
	out_text(out, stack_source_name(r->stack_source));
	if (r->stack_source == STACK_TSS16 || r->stack_source == STACK_TSS32) {
		out_text(out, " TSS@");
		out_address(out, r->tss_base);
	} else if (r->stack_source == STACK_RSP || r->stack_source == STACK_IST) {
		char field[8];

		name_tss_field(r, field, sizeof(field));
		out_char(out, ' ');
		out_text(out, field);
		out_text(out, " of TSS@");
		out_address(out, r->tss_base);
	}
	out_text(out, " -> ");
	out_hex(out, r->to.ss, 4);
	out_char(out, ':');
	out_address(out, r->to.ss_base + r->to.rsp == r->frame ? top : top & 0xffff);
	out_flag(out, "          IF ", FLAG_IF, r);
	out_flag(out, "  TF ", FLAG_TF, r);
	out_char(out, '\n');
	if (r->word_bytes == 8 && r->stack_pointer != top) {
		out_text(out, "        RSP ");
		out_address(out, r->stack_pointer);
		out_text(out, " aligned down on 16 bytes before the push\n");
	}
	for (unsigned i = 0; i < r->words && i < RECORD_MAX_WORDS; i++) {
		bool last = i + 1 == r->words;

		out_text(out, last ? "   SP-> " : "        ");
		out_address(out, r->frame + (uint64_t)(r->words - 1u - i) * r->word_bytes);
		out_text(out, "  ");
		out_hex(out, r->word[i], digits);
		out_text(out, "  ");
		out_text(out, pushed_name_text(r->word_name[i], r->word_bytes * 8u));
		if (r->word_name[i] == PUSH_IP)
			out_symbol(out, view, r->from.cs_base + r->word[i]);
		out_char(out, '\n');
	}
}

static void card_end(struct out *out, const struct trace_view *view, const struct delivery_record *r)
{
	if (!refused(r)) {
		out_text(out, r->outcome == OUT_TASK_SWITCH  ? " task   "
			      : r->outcome == OUT_REDIRECTED ? " redirected to the 8086 program's own handler "
							     : " to     ");
		out_place(out, view, &r->to);
		out_char(out, '\n');
		return;
	}
	out_text(out, " REFUSED at ");
	out_text(out, delivery_step_name(r->step));
	out_text(out, ": ");
	out_exception(out, r->refused.vector, r->refused.has_error, r->refused.error);
	out_text(out, "\n why    ");
	out_reason(out, r->refused.why);
	if (r->refused.vector == VEC_PF) {
		out_text(out, "        linear address ");
		out_address(out, r->refused.cr2);
		out_char(out, '\n');
	}
	if (r->outcome == OUT_SHUTDOWN)
		out_text(out, " SHUTDOWN: no exception can be delivered any more (triple fault)\n");
}

void text_flush(struct trace_writer *w, struct out *out)
{
	fwrite(out->text, 1, out->n, w->file);
}

void trace_write_card(struct trace_writer *w, const struct delivery_record *r)
{
	struct out out;

	out.n = 0;
	card_head(&out, &w->view, r);
	if (w->lines)
		text_way(&out, w->lines, r);
	card_gate(&out, &w->view, r);
	card_checks(&out, r);
	if (!refused(r) && r->words)
		card_stack(&out, &w->view, r);
	card_end(&out, &w->view, r);
	text_flush(w, &out);
}

static void text_delivery(void *owner, const struct delivery_record *r)
{
	trace_write_card(owner, r);
}

static void out_nested(struct out *out, const struct nested_counts *n)
{
	uint32_t listed = 0;

	out_text(out, " (");
	out_dec(out, n->total);
	out_text(out, " nested: ");
	for (unsigned i = 0; i < n->used && i < NESTED_KINDS; i++) {
		out_text(out, i ? ", " : "");
		text_event(out, n->by[i].kind, n->by[i].vector);
		out_text(out, " x");
		out_dec(out, n->by[i].count);
		listed += n->by[i].count;
	}
	if (listed < n->total)
		out_text(out, ", others");
	out_char(out, ')');
}

/* What the handler put into the frame, and where it began. */
static void out_changes(struct out *out, const struct return_record *r)
{
	static const struct {
		uint8_t bit;
		const char *text;
	} parts[] = {{CHANGED_IP, "address"}, {CHANGED_SP, "stack"}, {CHANGED_CR3, "CR3"}};
	unsigned n = 0;

	if (!r->delivery || (!r->changed && r->ended_cpu == r->cpu))
		return;
	out_text(out, "        ");
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!(r->changed & parts[i].bit))
			continue;
		out_text(out, n++ ? ", " : "changed on the way: ");
		out_text(out, parts[i].text);
	}
	if (r->ended_cpu != r->cpu) {
		out_text(out, n ? "; began on cpu" : "began on cpu");
		out_dec(out, r->ended_cpu);
	}
	out_char(out, '\n');
}

static void text_returned(void *owner, const struct return_record *r)
{
	struct trace_writer *w = owner;
	struct out out;

	out.n = 0;
	out_head(&out, r->id, r->cpu, r->when);
	out_text(&out, return_kind_name(r->kind));
	if (r->delivery) {
		out_text(&out, " of #");
		out_dec(&out, r->delivery);
		out_char(&out, ' ');
		text_handler(&out, r->ended_entry, r->ended_kind, r->ended_vector);
		out_text(&out, " after ");
		out_grouped(&out, r->insns);
		out_text(&out, " insn");
		if (r->nested.total)
			out_nested(&out, &r->nested);
	} else if (r->copy_of) {
		out_text(&out, ": first return of a task copied at #");
		out_dec(&out, r->copy_of);
	}
	out_ring(&out, &r->from, &r->to);
	out_text(&out, " from   ");
	out_place(&out, &w->view, &r->from);
	if (r->frame) {
		out_text(&out, "  frame@");
		out_address(&out, r->frame);
	}
	out_text(&out, "\n to     ");
	out_place(&out, &w->view, &r->to);
	out_text(&out, "  ss:sp ");
	out_hex(&out, r->to.ss, 4);
	out_char(&out, ':');
	out_address(&out, r->to.rsp);
	out_char(&out, '\n');
	out_changes(&out, r);
	text_flush(w, &out);
}

static void text_entry(void *owner, const struct entry_record *r)
{
	struct trace_writer *w = owner;
	struct out out;

	out.n = 0;
	out_head(&out, r->id, r->cpu, r->when);
	out_text(&out, entry_kind_name(r->kind));
	if (r->kind != ENTRY_CALL_GATE) {
		out_text(&out, mode_is_64_bit(&r->from) ? " (rax=" : " (eax=");
		out_hex(&out, r->rax, 1);
		out_char(&out, ')');
	}
	out_ring(&out, &r->from, &r->to);
	out_text(&out, " from   ");
	out_place(&out, &w->view, &r->from);
	out_text(&out, "\n to     ");
	out_place(&out, &w->view, &r->to);
	out_text(&out, "  ss:sp ");
	out_hex(&out, r->to.ss, 4);
	out_char(&out, ':');
	out_address(&out, r->to.rsp);
	out_char(&out, '\n');
	text_flush(w, &out);
}

static void text_task(void *owner, const struct task_record *r)
{
	struct trace_writer *w = owner;
	struct out out;

	out.n = 0;
	out_head(&out, r->id, r->cpu, r->when);
	out_text(&out, "task switch by ");
	out_text(&out, task_cause_name(r->cause));
	out_ring(&out, &r->from, &r->to);
	out_text(&out, " from   TSS ");
	out_hex(&out, r->old_selector, 4);
	out_char(&out, '@');
	out_address(&out, r->old_base);
	out_text(&out, "  ");
	out_place(&out, &w->view, &r->from);
	out_text(&out, "\n to     TSS ");
	out_hex(&out, r->new_selector, 4);
	out_char(&out, '@');
	out_address(&out, r->new_base);
	out_text(&out, " (");
	out_dec(&out, r->width);
	out_text(&out, "-bit)  ");
	out_place(&out, &w->view, &r->to);
	out_char(&out, '\n');
	text_flush(w, &out);
}

struct trace_sink trace_text_sink(struct trace_writer *writer)
{
	return (struct trace_sink){.delivery = text_delivery,
				   .returned = text_returned,
				   .entry = text_entry,
				   .task = text_task,
				   .line = writer->lines ? text_line : NULL,
				   .stage = writer->lines ? text_stage : NULL,
				   .unreturned = text_unreturned,
				   .ended = text_ended,
				   .owner = writer};
}
