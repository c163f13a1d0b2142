#include "trace/match.h"

#include <string.h>

/* A handler's frame lies below the frame of the handler it interrupts, on the
 * same stack.  Stacks further apart than this are taken for different ones. */
#define SAME_STACK 65536u
/* SYSENTER has 2 bytes; Linux's landing pad lies 4 behind it. */
#define LANDING 16u
/* Linux for x86-64 (entry_64.S, idtentry) copies the frame of an INT3 of its own this many words down: the gap is for a
 * call that the handler emulates. */
#define INT3_GAP 6u
#define NONE     MATCH_OPEN

void match_init(struct match *match)
{
	match->open = 0;
	match->past = 0;
	match->tr_tells = match->sp0_tells = match->sp1_tells = false;
	memset(match->seen, 0, sizeof(match->seen));
	match->lost = NULL;
	match->owner = NULL;
}

static void remove_at(struct match *match, unsigned i)
{
	memmove(&match->handler[i], &match->handler[i + 1], (match->open - i - 1) * sizeof(match->handler[0]));
	match->open--;
}

/* Gives up the handler at i, and those that interrupted it: they lie on a stack that is gone. */
static void lose(struct match *match, unsigned i, enum unreturned_why why, uint64_t by, uint64_t when)
{
	struct open_handler h = match->handler[i];

	remove_at(match, i);
	if (match->lost)
		match->lost(match->owner, &h, h.replaced ? UNRETURNED_REPLACED : why, h.replaced ? h.replaced : by,
			    when);
	for (unsigned k = match->open; k-- > 0;) {
		if (k < match->open && match->handler[k].parent == h.id)
			lose(match, k, UNRETURNED_DROPPED, by, when);
	}
}

/* ---- tasks ---- */
static void learn(struct match *match, unsigned cpu, const struct task_key *now)
{
	struct task_key *seen;

	if (!now->known || cpu >= MATCH_CPUS)
		return;
	seen = &match->seen[cpu];
	if (seen->known && seen->tr != now->tr) {
		match->tr_tells = true;
	} else if (seen->known) {
		match->sp0_tells |= seen->sp0 && seen->sp0 != now->sp0;
		match->sp1_tells |= seen->sp1 && seen->sp1 != now->sp1;
	}
	*seen = *now;
}

enum verdict { SAME, OTHER, UNKNOWN };

static enum verdict compare(uint64_t a, uint64_t b)
{
	return a == b ? SAME : OTHER;
}

/* Do two keys belong to one task?  The stack tells on any processor, a TSS only where it is. */
static enum verdict same_task(const struct match *match, const struct task_key *a, const struct task_key *b)
{
	if (!a->known || !b->known)
		return UNKNOWN;
	if (match->sp1_tells && (a->sp1 || b->sp1))
		return compare(a->sp1, b->sp1);
	if (match->sp0_tells)
		return compare(a->sp0, b->sp0);
	return match->tr_tells ? compare(a->tr, b->tr) : UNKNOWN;
}

static bool same_space(const struct task_key *a, const struct task_key *b)
{
	return !a->known || !b->known || ((a->cr3 ^ b->cr3) & ~a->pcid & ~b->pcid) == 0;
}

/* ---- where returns go ---- */
static bool ip_fits(const struct way_back *back, const struct where *to)
{
	if (back->about)
		return to->rip - back->ip <= LANDING;
	return to->rip == back->ip && to->cs == back->cs;
}

static bool fits(const struct way_back *back, const struct where *to)
{
	return ip_fits(back, to) && back->sp == to->rsp;
}

/* The entry of another task that r's frame is a copy of: the first return of a forked task goes
 * where its parent's does, that of a thread at least to the same instruction of the same space.
 * since: the parent was not done with it before (a stack is given to a new task after its last owner's exit began). */
static uint64_t copied_from(const struct match *match, const struct return_record *r, const struct task_key *task,
			    uint64_t since)
{
	unsigned kept = match->past < MATCH_PAST ? match->past : MATCH_PAST;

	for (unsigned i = match->open; i-- > 0;) {
		const struct open_handler *h = &match->handler[i];

		if (h->outer && same_task(match, &h->task, task) == OTHER && ip_fits(&h->back, &r->to) &&
		    (h->back.sp == r->to.rsp || same_space(&h->task, task)))
			return h->id;
	}
	for (unsigned i = 1; i <= kept; i++) {
		const struct past_entry *p = &match->ago[(match->past - i) % MATCH_PAST];

		if (p->ended >= since && same_task(match, &p->task, task) == OTHER && ip_fits(&p->back, &r->to) &&
		    (p->back.sp == r->to.rsp || same_space(&p->task, task)))
			return p->id;
	}
	return 0;
}

/* Does r resume what a signal handler of the same task interrupted? */
static bool resumes(const struct match *match, const struct return_record *r, const struct task_key *task)
{
	unsigned kept = match->past < MATCH_PAST ? match->past : MATCH_PAST;

	for (unsigned i = 1; i <= kept; i++) {
		const struct past_entry *p = &match->ago[(match->past - i) % MATCH_PAST];

		if (p->changed && same_task(match, &p->task, task) == SAME && fits(&p->back, &r->to))
			return true;
	}
	return false;
}

/* ---- opening ---- */
static struct open_handler *by_id(struct match *match, uint64_t id)
{
	for (unsigned i = match->open; id && i-- > 0;)
		if (match->handler[i].id == id)
			return &match->handler[i];
	return NULL;
}

/* Does a frame there belong to the task with this key?  Kernels that keep the task's stack in sp1 write it at each
 * switch; sp0 may be an earlier task's while a thread of the kernel runs. */
static bool in_task(const struct match *match, const struct task_key *task, uint64_t frame)
{
	return (match->sp1_tells && task->sp1) || task->sp0 - frame < SAME_STACK;
}

/* The handler that h interrupts: the task's newest, or where tasks cannot be told apart the one above it on its
 * stack.  One that leaves an outer level interrupts none. */
static uint64_t parent_of(const struct match *match, const struct open_handler *h)
{
	const struct open_handler *best = NULL;

	if (h->outer || h->gate)
		return 0;
	for (unsigned i = match->open; i-- > 0;) {
		const struct open_handler *o = &match->handler[i];
		enum verdict task = same_task(match, &o->task, &h->task);

		if (o->cpu != h->cpu || o->gate || task == OTHER)
			continue;
		if (task == SAME && in_task(match, &h->task, h->frame))
			return o->id;
		if (o->frame > h->frame && o->frame - h->frame < SAME_STACK && (!best || o->frame < best->frame))
			best = o;
	}
	return best ? best->id : 0;
}

static void count(struct nested_counts *n, uint8_t kind, uint8_t vector)
{
	unsigned i;

	n->total++;
	for (i = 0; i < n->used; i++)
		if (n->by[i].kind == kind && n->by[i].vector == vector)
			break;
	if (i == NESTED_KINDS)
		return;
	if (i == n->used) {
		n->used++;
		n->by[i].kind = kind;
		n->by[i].vector = vector;
		n->by[i].count = 0;
	}
	n->by[i].count++;
}

/* Can o still return when h has begun?  The reason if not, or UNRETURNED_WHYS. */
static enum unreturned_why ousted(const struct match *match, const struct open_handler *o, const struct open_handler *h)
{
	enum verdict task = same_task(match, &o->task, &h->task);

	if (o->gate || h->gate || o->outer != h->outer)
		return UNRETURNED_WHYS;
	if (o->outer && task == SAME)
		return UNRETURNED_ENTERED_AGAIN;
	if (o->cpu != h->cpu || !o->frame || o->frame != h->frame || task == OTHER)
		return UNRETURNED_WHYS;
	/* A frame may have been moved away for another task, unless both are alike. */
	if (o->outer && (o->back.ip != h->back.ip || o->back.sp != h->back.sp || !same_space(&o->task, &h->task)))
		return UNRETURNED_WHYS;
	return UNRETURNED_OVERWRITTEN;
}

static void open_handler(struct match *match, struct open_handler *h)
{
	learn(match, h->cpu, &h->task);
	for (unsigned i = match->open; i-- > 0;) {
		enum unreturned_why why;

		if (i >= match->open)
			continue;
		why = ousted(match, &match->handler[i], h);
		if (why != UNRETURNED_WHYS)
			lose(match, i, why, h->id, h->when);
	}
	if (match->open == MATCH_OPEN)
		lose(match, 0, UNRETURNED_FORGOTTEN, 0, h->when);
	h->parent = parent_of(match, h);
	for (struct open_handler *p = by_id(match, h->parent); p && !h->entry; p = by_id(match, p->parent))
		count(&p->nested, h->kind, h->vector);
	match->handler[match->open++] = *h;
}

void match_delivery(struct match *match, const struct delivery_record *r, const struct task_key *task)
{
	bool error_pushed = r->words && r->word_name[r->words - 1] == PUSH_ERROR;
	struct open_handler h = {
		.id = r->id,
		.when = r->when,
		.cause = r->cause,
		.back = {r->from.rip, r->from.rsp, r->from.cs, false},
		.task = *task,
		.cpu = r->cpu,
		.kind = r->kind,
		.vector = r->vector,
		.word = r->word_bytes,
		.gate = r->outcome == OUT_TASK_SWITCH,
	};

	if (r->outcome != OUT_DELIVERED && r->outcome != OUT_REDIRECTED && !h.gate)
		return;
	h.frame = h.gate ? 0 : r->frame + (error_pushed ? r->word_bytes : 0);
	h.outer = !h.gate && r->to.cpl < r->from.cpl;
	open_handler(match, &h);
}

void match_entry(struct match *match, const struct entry_record *r, const struct task_key *task)
{
	struct open_handler h = {
		.id = r->id,
		.when = r->when,
		.back = {r->from.rip, r->from.rsp, r->from.cs, true},
		.task = *task,
		.cpu = r->cpu,
		.kind = r->kind,
		.entry = true,
		.outer = true,
	};

	if (r->to.cpl < r->from.cpl)
		open_handler(match, &h);
}

/* ---- closing ---- */
/* What r ends, among handlers entered from an outer level: the task's own, or where tasks cannot be told
 * apart the one whose frame says where r goes. */
static unsigned find_outer(struct match *match, const struct return_record *r, const struct task_key *task)
{
	unsigned exact = NONE, moved = NONE, own = NONE, frame = NONE;

	for (unsigned i = match->open; i-- > 0;) {
		struct open_handler *h = &match->handler[i];
		enum verdict same = same_task(match, &h->task, task);

		if (!h->outer || same == OTHER)
			continue;
		if (same == SAME && own == NONE)
			own = i;
		if (h->cpu != r->cpu)
			continue;
		if (fits(&h->back, &r->to) && same_space(&h->task, task)) {
			if (exact == NONE && (same == SAME || h->frame == r->frame))
				exact = i;
			if (moved == NONE && h->task.known && task->known)
				moved = i; /* through another stack, as a kernel does for 16-bit ones */
		}
		if (frame == NONE && h->frame && h->frame == r->frame)
			frame = i;
	}
	if (exact != NONE || moved != NONE)
		return exact != NONE ? exact : moved;
	if (own != NONE) {
		const struct open_handler *h = &match->handler[own];

		if (!fits(&h->back, &r->to) && !resumes(match, r, task))
			match->copied = copied_from(match, r, task, h->when);
		if (!match->copied)
			return own;
		match->reused = h->id;
		return NONE;
	}
	if (frame != NONE && same_space(&match->handler[frame].task, task)) {
		const struct way_back *back = &match->handler[frame].back;

		/* The handler moved the return a bit, or put another frame in its place. */
		if (back->ip == r->to.rip || back->sp == r->to.rsp)
			return frame;
		match->handler[frame].replaced = r->id;
	}
	return NONE;
}

/* Is the frame one word off, or behind a gap?  So a handler of INT3 emulates a call or a return in place of the
 * instruction. */
static bool next_to(const struct open_handler *h, const struct return_record *r)
{
	return h->frame && (r->frame == h->frame - h->word || r->frame == h->frame + h->word ||
			    (h->vector == 3 && r->frame == h->frame - INT3_GAP * h->word));
}

/* What r ends among handlers of its own level: by the frame, on this processor first. */
static unsigned find_inner(const struct match *match, const struct return_record *r, const struct task_key *task)
{
	unsigned moved = NONE, other_level = NONE, shifted = NONE;

	for (unsigned i = match->open; i-- > 0;) {
		const struct open_handler *h = &match->handler[i];

		if (shifted == NONE && h->cpu == r->cpu && !h->outer && !h->gate && next_to(h, r))
			shifted = i;
		if (h->gate || h->entry || h->frame != r->frame)
			continue;
		if (h->cpu == r->cpu && !h->outer)
			return i;
		if (h->cpu == r->cpu && other_level == NONE && same_task(match, &h->task, task) != OTHER)
			other_level = i;
		if (h->cpu != r->cpu && !h->outer && fits(&h->back, &r->to) && moved == NONE)
			moved = i;
	}
	if (other_level != NONE || moved != NONE)
		return other_level != NONE ? other_level : moved;
	return shifted;
}

static unsigned find_gate(const struct match *match, uint8_t cpu)
{
	for (unsigned i = match->open; i-- > 0;)
		if (match->handler[i].gate && match->handler[i].cpu == cpu)
			return i;
	return NONE;
}

static unsigned find(struct match *match, const struct return_record *r, const struct task_key *task)
{
	bool outwards = r->to.cpl > r->from.cpl;

	if (r->kind == RET_IRET_TASK)
		return find_gate(match, r->cpu);
	if (outwards)
		return find_outer(match, r, task);
	return r->kind == RET_IRET ? find_inner(match, r, task) : NONE;
}

static uint8_t changes(const struct open_handler *h, const struct return_record *r, const struct task_key *task)
{
	/* Where the stack stays the same the processor pushes no stack pointer. */
	bool ip = h->gate || ip_fits(&h->back, &r->to),
	     sp = h->outer ? h->back.sp == r->to.rsp : h->gate || h->frame == r->frame;

	return (uint8_t)((ip ? 0 : CHANGED_IP) | (sp ? 0 : CHANGED_SP) |
			 (same_space(&h->task, task) || h->gate ? 0 : CHANGED_CR3));
}

static void remember(struct match *match, const struct open_handler *h, const struct return_record *r)
{
	struct past_entry *p = &match->ago[match->past++ % MATCH_PAST];

	*p = (struct past_entry){
		.id = h->id, .back = h->back, .task = h->task, .changed = r->changed, .ended = r->when};
	if (!r->changed && h->back.about)
		p->back = (struct way_back){r->to.rip, r->to.rsp, r->to.cs, false};
}

bool match_return(struct match *match, struct return_record *r, const struct task_key *task)
{
	struct open_handler h;
	unsigned i;

	r->delivery = r->copy_of = 0;
	match->closed = match->reused = match->copied = 0;
	learn(match, r->cpu, task);
	i = find(match, r, task);
	if (i == NONE) {
		r->copy_of = match->copied;
		if (r->to.cpl > r->from.cpl && !match->reused)
			r->copy_of = copied_from(match, r, task, 0);
		return false;
	}
	h = match->handler[i];
	remove_at(match, i);
	match->closed = h.id;
	r->delivery = h.id;
	r->ended_entry = h.entry;
	r->ended_kind = h.kind;
	r->ended_vector = h.vector;
	r->ended_cpu = h.cpu;
	r->cause = h.cause;
	r->insns = r->when - h.when;
	r->nested = h.nested;
	r->changed = changes(&h, r, task);
	if (h.outer)
		remember(match, &h, r);
	return true;
}

void match_settle(struct match *match, const struct return_record *r)
{
	for (unsigned i = match->open; i-- > 0;) {
		const struct open_handler *h = i < match->open ? &match->handler[i] : NULL;

		if (h && match->reused && h->id == match->reused)
			lose(match, i, UNRETURNED_REUSED, r->id, r->when);
		else if (h && match->closed && h->parent == match->closed)
			lose(match, i, UNRETURNED_DROPPED, r->id, r->when);
	}
}

void match_end(struct match *match, uint64_t when)
{
	while (match->open) {
		struct open_handler h = match->handler[0];

		remove_at(match, 0);
		if (match->lost)
			match->lost(match->owner, &h, h.replaced ? UNRETURNED_REPLACED : UNRETURNED_OPEN, h.replaced,
				    when);
	}
}
