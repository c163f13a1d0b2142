/* A fault of the IRET itself; task gates. */
#include <inttypes.h>
#include <string.h>

#include "explain/know.h"
#include "explain/report.h"
#include "explain/segment.h"
#include "explain/views.h"

#define OPCODE_IRET 0xcf
#define FRAME_WORDS 5u

/* IRETQ has a REX prefix. */
static unsigned rex(struct cpu *cpu, const struct where *at)
{
	uint8_t byte;

	return at->mode == MODE_LONG64 && peek_lin(&cpu->mmu, at->rip, &byte, 1) == 1 && (byte & 0xf0) == 0x40;
}

static bool fits_iret(struct explain *x, const struct seen *s)
{
	struct cpu *cpu = x->machine->cpu[s->cpu];
	uint8_t byte;

	return seen_delivered(s) && s->delivery.kind == EV_FAULT && s->from->cpl < 3 &&
	       peek_lin(&cpu->mmu, where_linear(s->from) + rex(cpu, s->from), &byte, 1) == 1 && byte == OPCODE_IRET;
}

/* The words that IRET was given; at this moment they lie untouched above the frame of the fault. */
static void put_refused_frame(struct explain *x, const struct where *from)
{
	static const enum pushed_name names[FRAME_WORDS] = {PUSH_IP, PUSH_CS, PUSH_FLAGS, PUSH_SP, PUSH_SS};
	struct cpu *cpu = moment_cpu(x);
	struct fact *rows = put_list(&x->facts.root, "refused_frame");
	unsigned word = know_word_bytes(cpu);
	uint64_t at = word == 8 ? from->rsp : (from->ss_base + from->rsp) & UINT32_MAX;

	for (unsigned i = 0; i < FRAME_WORDS; i++) {
		struct fact *row = put_object(rows, NULL);
		struct segment_facts seg;
		uint64_t value;

		know_read(cpu, at + word * i, &value);
		put_hex(row, "at", at + word * i, 8);
		put_text(row, "name", "%s", pushed_name_text(names[i], word * 8));
		put_hex(row, "value", value, 8);
		if (i == 1 || i == 4) {
			segment_look_up(cpu, (uint16_t)value, &seg);
			put_text(row, "names", "%s", seg.text);
		} else if (i == 0) {
			put_place(x, row, "names", value);
		}
	}
}

static void put_fault(struct explain *x, const struct delivery_record *r)
{
	struct fact *o = put_object(&x->facts.root, "fault");
	const struct why_info *why = why_info((enum why)r->why);
	char text[32];

	event_text(text, sizeof(text), r->kind, r->vector);
	put_text(o, "exception", "%s", text)->tone = TONE_BAD;
	put_number(o, "t", r->when);
	put_place(x, o, "at", where_linear(&r->from));
	put_instruction(x, o, "instruction", &r->from);
	put_number(o, "ring", r->from.cpl);
	if (r->has_error)
		put_hex(o, "error_code", r->error, 4);
	if (r->vector == VEC_PF)
		put_hex(o, "cr2", r->cr2, 8);
	put_text(o, "why", "%s: %s", why->name, why->sentence);
	put_text(o, "sdm", "%s", why->source);
}

/* What the kernel made of it: where the fault's own return went, and the signal. */
static void put_fixup(struct explain *x, const struct path *p)
{
	struct fact *o = put_object(&x->facts.root, "fixup"), *signal;
	const struct note *call = path_note(p, NOTE_CALL, "fixup", 0), *back = path_note(p, NOTE_RETURN, NULL, 0);

	if (call) {
		put_place(x, o, "searched_by", call->to);
		put_number(o, "searched_at_t", call->t);
	}
	if (back) {
		put_number(o, "fault_returned_at_t", back->t);
		put_place(x, o, "goes_on_at", back->to);
		put_flag(o, "fixed_up", back->to != where_linear(p->entry.from));
	}
	signal = put_object(&x->facts.root, "signal");
	call = path_note(p, NOTE_CALL, "force-signal", 0);
	if (call) {
		put_place(x, signal, "sent_by", call->to);
		put_number(signal, "sent_at_t", call->t);
	}
	call = path_note(p, NOTE_CALL, "signal", 0);
	if (call) {
		put_place(x, signal, "handled_by", call->to);
		put_number(signal, "handled_at_t", call->t);
	}
	if (!signal->first)
		put_text(signal, "none", "no function with a role in signals was called");
}

bool view_iretfault(struct explain *x)
{
	static const struct moment moment = {"a fault of an IRET in the kernel", fits_iret};
	struct path p = {.returned = false};
	bool ended;

	if (!moment_event(x, &moment, x->options.nth - 1))
		return false;
	put_text(&x->facts.root, "title", "a fault inside IRET on cpu%u at t=%" PRIu64, x->drive.cpu,
		 x->drive.seen.when);
	put_fault(x, &x->drive.seen.delivery);
	put_refused_frame(x, x->drive.seen.from);
	ended = path_record(x, &p, &(struct path_wish){.to_user = true});
	put_fixup(x, &p);
	report_bits(x, &p);
	report_calls(x, &p);
	if (ended)
		report_return(x, &p);
	else
		put_text(&x->facts.root, "return", "the task never came back to ring 3");
	path_free(&p);
	return true;
}

/* ---- task gates ---- */
static const struct {
	const char *name;
	uint8_t offset, bytes;
} fields[] = {/* SDM 3A, "Task-State Segment (TSS)" */
	      {"EIP", 0x20, 4}, {"EFLAGS", 0x24, 4}, {"CS", 0x4c, 2},  {"SS", 0x50, 2},     {"ESP", 0x38, 4},
	      {"DS", 0x54, 2},  {"ES", 0x48, 2},     {"FS", 0x58, 2},  {"GS", 0x5c, 2},     {"LDT", 0x60, 2},
	      {"CR3", 0x1c, 4}, {"EAX", 0x28, 4},    {"ECX", 0x2c, 4}, {"EDX", 0x30, 4},    {"EBX", 0x34, 4},
	      {"EBP", 0x3c, 4}, {"ESI", 0x40, 4},    {"EDI", 0x44, 4}, {"back link", 0, 2}, {"ESP0", 4, 4},
	      {"SS0", 8, 2}};

static bool fits_task(struct explain *x, const struct seen *s)
{
	return s->kind == SEEN_TASK && s->task.cause == TASK_INT;
}

static bool fits_task_delivery(void *owner, const struct seen *s)
{
	return s->kind == SEEN_DELIVERY && s->delivery.outcome == OUT_TASK_SWITCH;
}

static bool fits_task_return(void *owner, const struct seen *s)
{
	return s->kind == SEEN_TASK && s->task.cause == TASK_IRET;
}

static uint32_t field(struct cpu *cpu, uint64_t base, unsigned i)
{
	uint32_t value = 0;

	peek_lin(&cpu->mmu, (base + fields[i].offset) & UINT32_MAX, &value, fields[i].bytes);
	return value;
}

static void put_states(struct explain *x, struct cpu *cpu, const struct task_record *r)
{
	struct fact *rows = put_list(&x->facts.root, "fields");

	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct fact *row = put_object(rows, NULL);
		uint32_t saved = field(cpu, r->old_base, i), loaded = field(cpu, r->new_base, i);

		put_text(row, "field", "%s", fields[i].name);
		put_hex(row, "saved_in_old_tss", saved, fields[i].bytes * 2u);
		put_hex(row, "loaded_from_new_tss", loaded, fields[i].bytes * 2u);
		if (i == 0) {
			put_place(x, row, "old", saved);
			put_place(x, row, "new", loaded);
		}
	}
}

static void put_tss(struct explain *x, struct cpu *cpu, const char *key, uint16_t selector, uint64_t base)
{
	struct fact *o = put_object(&x->facts.root, key);
	struct segment_facts tss;

	segment_look_up(cpu, selector, &tss);
	put_hex(o, "selector", selector, 4);
	put_place(x, o, "base", base);
	put_text(o, "descriptor", "%s", tss.text);
}

bool view_taskgate(struct explain *x)
{
	static const struct moment moment = {"a delivery through a task gate", fits_task};
	const struct look delivery = {.event = fits_task_delivery, .owner = x},
			  back = {.event = fits_task_return, .owner = x};
	struct task_record r;
	struct cpu *cpu;
	struct fact *o;
	char text[32];

	if (!moment_event(x, &moment, x->options.nth - 1))
		return false;
	cpu = moment_cpu(x);
	r = x->drive.seen.task;
	put_text(&x->facts.root, "title", "a task gate on cpu%u at t=%" PRIu64, r.cpu, r.when);
	put_number(&x->facts.root, "t", r.when);
	put_where(x, &x->facts.root, "from", &r.from);
	put_where(x, &x->facts.root, "to", &r.to);
	put_tss(x, cpu, "old_tss", r.old_selector, r.old_base);
	put_tss(x, cpu, "new_tss", r.new_selector, r.new_base);
	put_states(x, cpu, &r);
	put_number(&x->facts.root, "eflags_nt", !!(r.to.rflags & FLAG_NT));
	o = put_object(&x->facts.root, "delivery");
	if (trace_recent(&x->machine->trace, 0) && trace_recent(&x->machine->trace, 0)->outcome == OUT_TASK_SWITCH) {
		const struct delivery_record *d = trace_recent(&x->machine->trace, 0);

		event_text(text, sizeof(text), d->kind, d->vector);
		put_text(o, "what", "%s", text);
		put_hex(o, "gate", d->gate.selector, 4);
	} else if (drive_run(&x->drive, &delivery, drive_now(&x->drive) + 1) == DRIVEN_STOPPED) {
		event_text(text, sizeof(text), x->drive.seen.delivery.kind, x->drive.seen.delivery.vector);
		put_text(o, "what", "%s", text);
	}
	if (drive_run(&x->drive, &back, CLOCK_NEVER) != DRIVEN_STOPPED) {
		put_text(&x->facts.root, "back", "never: %s", x->machine->end.text);
		return true;
	}
	o = put_object(&x->facts.root, "back");
	put_number(o, "t", x->drive.seen.when);
	put_place(x, o, "to", x->drive.seen.to->cs_base + x->drive.seen.to->rip);
	put_hex(o, "tss", x->drive.seen.task.new_base, 8);
	return true;
}
