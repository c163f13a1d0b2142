/* One delivery: gate, checks, stack, pushed words; and a list of deliveries with what may be done in each. */
#include <inttypes.h>

#include "explain/know.h"
#include "explain/segment.h"
#include "explain/views.h"

static bool any_delivery(struct explain *x, const struct seen *s)
{
	return s->kind == SEEN_DELIVERY;
}

static bool refused(const struct delivery_record *r)
{
	return r->outcome == OUT_FAULTED || r->outcome == OUT_SHUTDOWN;
}

static void put_reason(struct fact *o, enum why why)
{
	const struct why_info *info = why_info(why);

	put_text(o, "why", "%s: %s", info->name, info->sentence);
	if (info->source[0])
		put_text(o, "sdm", "%s", info->source);
}

static void put_error(struct fact *o, unsigned vector, uint32_t error)
{
	put_hex(o, "error_code", error, 4);
	if (vector == VEC_PF) {
		put_text(o, "error_means", "%s, %s, %s", error & PF_P ? "protection" : "not present",
			 error & PF_W ? "write" : "read", error & PF_U ? "user" : "supervisor");
		return;
	}
	if (error & ERR_IDT)
		put_text(o, "error_means", "IDT[%02x]: vector * 8 + IDT (bit 1)%s", error >> 3,
			 error & ERR_EXT ? " + EXT" : "");
	else if (error & ~ERR_EXT)
		put_text(o, "error_means", "%s selector %04x%s", error & ERR_TI ? "LDT" : "GDT", error & SEL_INDEX,
			 error & ERR_EXT ? ", EXT" : "");
	else
		put_text(o, "error_means", "no selector%s", error & ERR_EXT ? ", EXT" : "");
}

/* The checks of SDM 2A, "INT n", Operation, up to the one that failed. */
static void put_checks(struct explain *x, const struct delivery_record *r)
{
	static const char *const what[] = {
		[STEP_VECTOR] = "the vector lies inside the IDT's limit",
		[STEP_GATE] = "the entry is a gate the IDT may hold",
		[STEP_GATE_DPL] = "CPL <= gate DPL",
		[STEP_GATE_PRESENT] = "the gate's P = 1",
		[STEP_CODE_SEGMENT] = "its selector names a code segment, DPL <= CPL",
		[STEP_CODE_PRESENT] = "that segment's P = 1",
		[STEP_STACK_SELECT] = "the TSS holds a stack for the inner ring",
		[STEP_STACK_SEGMENT] = "writable data, RPL = DPL = new CPL, present",
		[STEP_STACK_LIMIT] = "there is room for the frame",
		[STEP_TARGET_LIMIT] = "the offset lies inside the code segment",
		[STEP_PUSH] = "the frame was written",
		[STEP_COMMIT] = "the registers were loaded",
	};
	static const char *const what64[] = {
		[STEP_CODE_SEGMENT] = "its selector names a 64-bit code segment, DPL <= CPL",
		[STEP_STACK_SELECT] = "the TSS holds the stack pointer",
		[STEP_STACK_LIMIT] = "stack pointer and frame are canonical",
		[STEP_TARGET_LIMIT] = "the offset is canonical",
		[STEP_COMMIT] = NULL,
	};
	bool software = r->kind == EV_SOFT_INT || r->kind == EV_INT3 || r->kind == EV_INTO, wide = r->gate.width == 64;
	struct fact *rows = put_list(&x->facts.root, "checks");

	for (unsigned s = STEP_VECTOR; s <= r->step; s++) {
		if (wide && s == STEP_STACK_SEGMENT)
			continue; /* SS becomes null */
		bool same = s >= STEP_STACK_SELECT && s <= STEP_STACK_SEGMENT && r->stack_source == STACK_SAME &&
			    s != r->step;
		struct fact *row = put_object(rows, NULL);

		put_text(row, "step", "%s", delivery_step_name((enum delivery_step)s));
		put_text(row, "rule", "%s", wide && what64[s] ? what64[s] : what[s]);
		if (s == STEP_GATE_DPL && software)
			put_text(row, "here", "CPL %u, DPL %u", r->from.cpl, r->gate.dpl);
		else if (s == STEP_CODE_SEGMENT && r->step > s)
			put_text(row, "here", "%04x, DPL %u, CPL %u", r->code.selector, r->code.dpl, r->from.cpl);
		if (s == r->step && refused(r))
			put_text(row, "verdict", "refused")->tone = TONE_BAD;
		else if ((s == STEP_GATE_DPL && !software) || same)
			put_text(row, "verdict", same ? "same stack" : "not asked: no software interrupt");
		else
			put_text(row, "verdict", "ok")->tone = TONE_GOOD;
	}
}

static void put_gate(struct explain *x, const struct delivery_record *r)
{
	struct fact *gate = put_object(&x->facts.root, "gate");

	if (r->step == STEP_VECTOR && refused(r)) {
		put_text(gate, "outside", "the vector lies outside the IDT's limit");
		return;
	}
	put_hex(gate, "address", r->gate.address, 8);
	put_text(gate, "type", "%s", gate_name(r->gate.type, r->gate.width));
	put_number(gate, "type_number", r->gate.type);
	put_flag(gate, "present", r->gate.present);
	put_number(gate, "dpl", r->gate.dpl);
	put_hex(gate, "selector", r->gate.selector, 4);
	put_place(x, gate, "handler", r->to.mode == MODE_LONG64 ? r->gate.offset : r->to.cs_base + r->gate.offset);
	if (r->gate.ist)
		put_number(gate, "ist", r->gate.ist);
}

/* Where the stack came from, and what lies on it now. */
static void put_stack(struct explain *x, struct cpu *cpu, const struct delivery_record *r)
{
	struct fact *stack = put_object(&x->facts.root, "stack"), *rows;
	uint64_t top = r->to.rsp + (uint64_t)r->words * r->word_bytes;
	struct segment_facts ss;

	put_text(stack, "source", "%s", stack_source_name(r->stack_source));
	put_text(stack, "old", "%04x:%08" PRIx64, r->from.ss, r->from.rsp);
	if (r->word_bytes == 8 && r->stack_pointer != top)
		put_hex(stack, "before_alignment", r->stack_pointer, 8);
	if (r->stack_source == STACK_RSP || r->stack_source == STACK_IST)
		put_hex(stack, "tss", r->tss_base, 8);
	if (r->stack_source == STACK_TSS32 || r->stack_source == STACK_TSS16) {
		put_hex(stack, "tss", r->tss_base, 8);
		put_text(stack, "from_tss", "%04x:%08" PRIx64, r->to.ss, top);
		segment_look_up(cpu, r->to.ss, &ss);
		put_text(stack, "segment", "%s", ss.text);
	}
	put_text(stack, "new", "%04x:%08" PRIx64, r->to.ss, r->to.rsp);
	rows = put_list(stack, "pushed_by_the_processor");
	for (unsigned i = 0; i < r->words && i < RECORD_MAX_WORDS; i++) {
		struct fact *row = put_object(rows, NULL);

		put_hex(row, "at", r->frame + (uint64_t)(r->words - 1u - i) * r->word_bytes, 8);
		put_text(row, "name", "%s", pushed_name_text((enum pushed_name)r->word_name[i], r->word_bytes * 8u));
		put_hex(row, "value", r->word[i], r->word_bytes * 2u);
		if (r->word_name[i] == PUSH_IP)
			put_place(x, row, "place", where_linear(&r->from));
		if (r->word_name[i] == PUSH_FLAGS)
			put_flags(row, "flags", r->word[i]);
	}
}

/* May `current` be used? */
void put_current(struct explain *x, struct fact *o, struct cpu *cpu, const struct delivery_record *r)
{
	bool asynchronous = r->kind == EV_IRQ || r->kind == EV_NMI || r->kind == EV_ABORT;
	uint64_t task = know_task(x, cpu);

	put_text(o, "event", asynchronous ? "asynchronous" : "synchronous");
	if (task)
		put_task(x, o, "current", cpu, task);
	if (asynchronous)
		put_text(o, "may_use_current", "no: it is whoever was interrupted, the event is not its doing")->tone =
			TONE_BAD;
	else if (r->from.cpl == 3)
		put_text(o, "may_use_current", "yes: its own instruction caused it")->tone = TONE_GOOD;
	else
		put_text(o, "may_use_current", "yes: the kernel, working for it, caused it")->tone = TONE_GOOD;
}

static void put_refusal(struct explain *x, const struct delivery_record *r)
{
	struct fact *o = put_object(&x->facts.root, "refused");
	char text[32];

	event_text(text, sizeof(text), EV_FAULT, r->refused.vector);
	put_text(o, "at", "%s", delivery_step_name((enum delivery_step)r->step))->tone = TONE_BAD;
	put_text(o, "instead", "%s", text);
	if (r->refused.has_error)
		put_error(o, r->refused.vector, r->refused.error);
	put_reason(o, r->refused.why);
}

static void put_head(struct explain *x, struct cpu *cpu, const struct delivery_record *r)
{
	struct fact *o = &x->facts.root;
	char text[32];

	event_text(text, sizeof(text), r->kind, r->vector);
	put_text(o, "title", "%s on cpu%u at t=%" PRIu64, text, r->cpu, r->when);
	put_number(o, "id", r->id);
	put_number(o, "t", r->when);
	put_number(o, "vector", r->vector);
	put_text(o, "kind", "%s", event_kind_name((enum event_kind)r->kind));
	put_text(o, "outcome", "%s", delivery_outcome_name((enum delivery_outcome)r->outcome));
	put_text(o, "ring", "%u -> %u", r->from.cpl, r->to.cpl);
	if (r->has_error)
		put_error(o, r->vector, r->error);
	if (r->vector == VEC_PF && r->kind == EV_FAULT)
		put_hex(o, "cr2", r->cr2, 8);
	if (r->why != WHY_NONE)
		put_reason(o, (enum why)r->why);
	if (r->kind == EV_FAULT)
		put_instruction(x, o, "instruction", &r->from);
	put_current(x, put_object(o, "current"), cpu, r);
}

bool view_delivery(struct explain *x)
{
	static const struct moment moment = {"a delivery like that", any_delivery};
	const struct delivery_record *r = &x->drive.seen.delivery;
	struct cpu *cpu;

	if (!moment_event(x, &moment, x->options.nth - 1))
		return false;
	cpu = moment_cpu(x);
	put_head(x, cpu, r);
	put_where(x, &x->facts.root, "from", &r->from);
	if (!refused(r))
		put_where(x, &x->facts.root, "to", &r->to);
	put_gate(x, r);
	put_checks(x, r);
	if (refused(r))
		put_refusal(x, r);
	else if (r->words)
		put_stack(x, cpu, r);
	return true;
}

bool view_current(struct explain *x)
{
	static const struct moment moment = {"a delivery like that", any_delivery};
	struct fact *rows = put_list(&x->facts.root, "deliveries");
	char text[32];

	put_text(&x->facts.root, "title", "may `current` be used in the handlers of these deliveries?");
	for (uint64_t i = 0; i < x->options.count; i++) {
		const struct delivery_record *r = &x->drive.seen.delivery;
		struct fact *row;

		if (!moment_event(x, &moment, i == 0 ? x->options.nth - 1 : 0))
			return i > 0;
		row = put_object(rows, NULL);
		event_text(text, sizeof(text), r->kind, r->vector);
		put_number(row, "t", r->when);
		put_text(row, "what", "%s", text);
		put_number(row, "from_ring", r->from.cpl);
		put_current(x, row, moment_cpu(x), r);
	}
	return true;
}
