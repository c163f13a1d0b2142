/* Views of one way through the kernel: its frame, its return, its scheduling, its latency. */
#include <inttypes.h>
#include <string.h>

#include "explain/know.h"
#include "explain/report.h"
#include "explain/segment.h"
#include "explain/views.h"

static void put_title(struct explain *x, const struct path *p, const char *what)
{
	char text[32];

	entry_text(text, sizeof(text), &p->entry);
	put_text(&x->facts.root, "title", "%s of %s on cpu%u, t=%" PRIu64 " to %" PRIu64, what, text, p->cpu,
		 p->entry.when, p->end.when);
	put_text(&x->facts.root, "guest", "%s", x->has_desc ? x->desc.name : "unknown: no description fits");
}

/* Which event a view takes: a system call if --nr or --entry asks for one, else what the options for events say,
 * else any entry from ring 3. */
static bool fits(struct explain *x, const struct seen *s)
{
	const struct explain_options *o = &x->options;
	uint64_t nr = s->kind == SEEN_DELIVERY ? s->delivery.rax : s->entry.rax;

	if (o->has_nr || o->entry != BY_ANY)
		return moment_syscall(x, s) && (!o->has_nr || (uint32_t)nr == (uint32_t)o->nr);
	if (o->has_vector || o->has_kind || o->has_error || o->from_kernel)
		return seen_delivered(s);
	return moment_from_user(x, s);
}

static const struct moment any_way = {"an entry like that", fits};

bool view_words(struct explain *x)
{
	struct path p;
	bool ok = find_way(x, &any_way, &p);

	if (ok) {
		put_title(x, &p, "pt_regs");
		report_words(x, &p);
		report_arguments(x, &p);
		report_empty_stack(x, &p);
	}
	path_free(&p);
	return ok;
}

/* What the return is about to load, out of the frame (IRET) or out of ECX and EDX (SYSEXIT). */
static void put_loads(struct explain *x, const struct path *p)
{
	static const enum pushed_name names[] = {PUSH_IP, PUSH_CS, PUSH_FLAGS, PUSH_SP, PUSH_SS};
	const struct return_record *r = &p->end.returned;
	bool outer = r->to.cpl != r->from.cpl;
	struct cpu *cpu = x->machine->cpu[p->cpu];
	struct fact *rows = put_list(&x->facts.root, "frame");
	uint64_t old[] = {r->from.rip, r->from.cs, r->from.rflags, r->from.rsp, r->from.ss};
	struct segment_facts seg;

	for (unsigned i = 0; i < (outer || p->word == 8 ? 5u : 3u); i++) {
		struct fact *row = put_object(rows, NULL);
		uint64_t value;

		know_read(cpu, r->frame + p->word * i, &value);
		put_hex(row, "at", r->frame + p->word * i, 8);
		put_text(row, "name", "%s", pushed_name_text(names[i], p->word * 8));
		put_hex(row, "value", value, 8);
		put_hex(row, "loaded_now", old[i], 8);
		if (i == 0)
			put_place(x, row, "means", where_linear(&r->to));
		else if (i == 2)
			put_flags(row, "means", value);
		else if (i == 3)
			put_text(row, "means", "stack pointer of ring %u", r->to.cpl);
		if (i != 1 && i != 4)
			continue;
		segment_look_up(cpu, (uint16_t)value, &seg);
		put_text(row, "means", "%s, RPL %u", seg.text, (unsigned)value & 3);
	}
}

bool view_frame(struct explain *x)
{
	struct path p;
	bool ok = find_way(x, &any_way, &p);

	if (ok) {
		const struct return_record *r = &p.end.returned;
		struct fact *o;

		put_title(x, &p, "the return");
		o = put_object(&x->facts.root, "before");
		put_place(x, o, "instruction", where_linear(&r->from));
		put_text(o, "by", "%s", return_kind_name((enum return_kind)r->kind));
		put_number(o, "t", r->when);
		put_text(o, "ss_esp", "%04x:%08" PRIx64 " (linear %08" PRIx64 ")", p.before_end.seg[SEG_SS].sel,
			 r->from.rsp,
			 p.word == 8 ? r->from.rsp : (p.before_end.seg[SEG_SS].base + r->from.rsp) & UINT32_MAX);
		put_number(o, "ring", r->from.cpl);
		put_hex(o, "eflags", r->from.rflags, 8);
		if (r->frame)
			put_loads(x, &p);
		else if (r->kind == RET_SYSRET)
			put_text(o, "loads",
				 "RIP from RCX %08" PRIx64 ", RFLAGS from R11 %08" PRIx64
				 ", CS and SS from STAR (%016" PRIx64 ")",
				 p.before_end.gpr.r64[RCX], p.before_end.gpr.r64[R11], p.before_end.star);
		else
			put_text(o, "loads",
				 "EIP from EDX %08" PRIx64 ", ESP from ECX %08" PRIx64
				 ", CS and SS from MSR 174h (%04x)",
				 p.before_end.gpr.r64[RDX], p.before_end.gpr.r64[RCX],
				 (unsigned)p.before_end.sysenter_cs);
		report_return(x, &p);
	}
	path_free(&p);
	return ok;
}

bool view_return(struct explain *x)
{
	struct path p;
	bool ok = find_way(x, &any_way, &p);

	if (ok) {
		struct fact *o;

		put_title(x, &p, "the return that belongs to this entry");
		put_number(&x->facts.root, "entry_id", p.entry.id);
		o = put_object(&x->facts.root, "skipped");
		put_number(o, "returns", p.skipped);
		put_number(o, "by_the_same_instruction", p.skipped_same);
		put_text(o, "belongs_because",
			 p.from_user ? "it goes to ring 3 with the task of the entry being current"
				     : "its frame is the one that the entry pushed");
		report_between(x, &p);
		report_switches(x, &p);
		report_return(x, &p);
	}
	path_free(&p);
	return ok;
}

/* ---- schedule before the return ---- */

/* The last look at the flag before schedule() is called; NULL: it was not seen set. */
static const struct note *resched_test(const struct path *p)
{
	const struct note *call = path_note(p, NOTE_CALL, "schedule", 0), *test = NULL;

	for (unsigned i = 0; i < p->notes && (!call || p->note[i].t < call->t); i++) {
		const struct note *n = &p->note[i];

		if (n->kind == NOTE_TEST && (n->value & know_meaning(&p->x->desc.word[n->word], "resched")))
			test = n;
	}
	return test;
}

static const struct note *resched_set(const struct path *p)
{
	for (unsigned i = 0; i < p->notes; i++) {
		const struct note *n = &p->note[i];

		if (n->kind == NOTE_SET && (n->mask & know_meaning(&p->x->desc.word[n->word], "resched")))
			return n;
	}
	return NULL;
}

static bool rescheduled(const struct path *p)
{
	const struct note *test = resched_test(p), *call = NULL;

	for (unsigned i = 0; test && i < p->notes && !call; i++)
		if (p->note[i].kind == NOTE_CALL && p->note[i].t > test->t && p->note[i].role &&
		    p->note[i].level == 0 && strcmp(p->note[i].role->role, "schedule") == 0)
			call = &p->note[i];
	return call != NULL;
}

/* Another task runs, and nobody had asked for that: the task waits for something. */
static bool sleeps(const struct path *p)
{
	return resched_test(p) == NULL;
}

static void put_setter(struct explain *x, const struct path *p)
{
	const struct note *set = resched_set(p), *test = resched_test(p);
	struct fact *o = put_object(&x->facts.root, "need_resched");
	char text[32];

	if (set) {
		put_text(o, "bit", "%s", x->desc.word[set->word].name);
		put_bits(o, "set", &x->desc.word[set->word], set->mask);
		put_number(o, "set_at_t", set->t);
		put_place(x, o, "set_by", set->eip);
		if (set->level || p->entry.kind == SEEN_DELIVERY)
			event_text(text, sizeof(text), set->event_kind, set->vector);
		else
			entry_text(text, sizeof(text), &p->entry);
		put_text(o, "inside", "%s", text);
	} else {
		put_text(o, "set_by", "somebody before this entry");
	}
	put_number(o, "seen_at_t", test->t);
	put_place(x, o, "seen_by", test->eip);
	put_bits(o, "flags_seen", &x->desc.word[test->word], test->value);
}

static void put_next_task(struct explain *x, const struct path *p)
{
	const struct note *away = path_note(p, NOTE_AWAY, NULL, 0), *back = path_note(p, NOTE_BACK, NULL, 0);
	struct cpu *cpu = x->machine->cpu[p->cpu];
	struct fact *o = put_object(&x->facts.root, "schedule");
	const struct note *call = path_note(p, NOTE_CALL, "schedule", 0);

	put_number(o, "called_at_t", call->t);
	put_task(x, o, "before", cpu, p->task);
	if (!away) {
		put_text(o, "next", "the same task: nobody else wants to run");
		return;
	}
	put_task(x, o, "next", cpu, away->value);
	put_number(o, "switched_at_t", away->t);
	if (back)
		put_number(o, "back_at_t", back->t);
}

bool view_sched(struct explain *x)
{
	const struct moment moment = {"schedule before a return", fits};
	const struct path_wish wish = {.give_up = sleeps};
	uint64_t left = x->options.nth - 1;
	struct path p;

	for (;;) {
		bool recorded;

		if (!moment_event(x, &moment, 0))
			return false;
		if (!x->has_desc)
			return diagnose(&x->why,
					"explain sched: no description fits this guest, and without one its flags are "
					"not known; give --guest FILE");
		recorded = path_record(x, &p, &wish);
		if (recorded && rescheduled(&p) && left-- == 0)
			break;
		path_free(&p);
		if (!recorded && !path_search_on(&p))
			return false;
	}
	put_title(x, &p, "schedule before the return");
	put_setter(x, &p);
	put_next_task(x, &p);
	report_work(x, &p);
	report_switches(x, &p);
	report_return(x, &p);
	path_free(&p);
	return true;
}
