#include "trace/match.h"

#include <string.h>

/* A handler's frame lies below the frame of the handler it interrupts, on the
 * same stack.  Stacks further apart than this are taken for different ones. */
#define SAME_STACK 65536u

void match_init(struct match *match)
{
	match->frames = 0;
}

static void remove_at(struct match *match, unsigned i)
{
	memmove(&match->frame[i], &match->frame[i + 1], (match->frames - i - 1) * sizeof(match->frame[0]));
	match->frames--;
}

/* Index of the frame at this address, or frames.  Newest first. */
static unsigned find(const struct match *match, uint8_t cpu, bool task, uint64_t frame)
{
	for (unsigned i = match->frames; i-- > 0;) {
		const struct open_frame *f = &match->frame[i];

		if (f->cpu == cpu && f->task == task && (task || f->frame == frame))
			return i;
	}
	return match->frames;
}

static struct open_frame *by_delivery(struct match *match, uint64_t delivery)
{
	for (unsigned i = match->frames; delivery && i-- > 0;)
		if (match->frame[i].delivery == delivery)
			return &match->frame[i];
	return NULL;
}

/* The innermost open handler that r interrupts: a delivery that leaves an
 * outer privilege level starts on an empty stack and interrupts none. */
static uint64_t parent_of(const struct match *match, const struct delivery_record *r, uint64_t frame)
{
	const struct open_frame *best = NULL;

	if (r->to.cpl != r->from.cpl)
		return 0;
	for (unsigned i = 0; i < match->frames; i++) {
		const struct open_frame *f = &match->frame[i];

		if (f->cpu == r->cpu && !f->task && f->frame > frame && f->frame - frame < SAME_STACK &&
		    (!best || f->frame < best->frame))
			best = f;
	}
	return best ? best->delivery : 0;
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

void match_delivery(struct match *match, const struct delivery_record *r)
{
	bool task = r->outcome == OUT_TASK_SWITCH;
	bool error_pushed = r->words && r->word_name[r->words - 1] == PUSH_ERROR;
	uint64_t frame = r->frame + (error_pushed ? r->word_bytes : 0);
	struct open_frame *f;
	uint64_t parent;
	unsigned old;

	if (r->outcome != OUT_DELIVERED && r->outcome != OUT_REDIRECTED && !task)
		return;
	if (!task) {
		/* The words are overwritten: whatever was open here will never return. */
		old = find(match, r->cpu, false, frame);
		if (old < match->frames)
			remove_at(match, old);
	}
	if (match->frames == MATCH_FRAMES)
		remove_at(match, 0);

	parent = task ? 0 : parent_of(match, r, frame);
	for (struct open_frame *p = by_delivery(match, parent); p; p = by_delivery(match, p->parent))
		count(&p->nested, r->kind, r->vector);

	f = &match->frame[match->frames++];
	*f = (struct open_frame){
		.frame = frame,
		.delivery = r->id,
		.when = r->when,
		.parent = parent,
		.cpu = r->cpu,
		.kind = r->kind,
		.vector = r->vector,
		.task = task,
	};
}

/* Handlers nested in one that has ended did not return: it dropped them. */
static void drop_nested(struct match *match, uint64_t delivery)
{
	for (unsigned i = match->frames; i-- > 0;) {
		uint64_t child = match->frame[i].delivery;

		if (match->frame[i].parent != delivery)
			continue;
		remove_at(match, i);
		drop_nested(match, child); /* later entries only: those below i stay in place */
	}
}

void match_return(struct match *match, struct return_record *r)
{
	bool task = r->kind == RET_IRET_TASK;
	struct open_frame f;
	unsigned i;

	r->delivery = 0;
	if (r->kind != RET_IRET && !task)
		return;
	i = find(match, r->cpu, task, r->frame);
	if (i == match->frames)
		return;
	f = match->frame[i];
	remove_at(match, i);
	drop_nested(match, f.delivery);
	r->delivery = f.delivery;
	r->ended_kind = f.kind;
	r->ended_vector = f.vector;
	r->insns = r->when - f.when;
	r->nested = f.nested;
}
