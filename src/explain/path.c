#include "explain/path.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "explain/know.h"
#include "explain/moment.h"
#include "explain/way.h"

#define PAGE_BYTES 4096u

void path_free(struct path *p)
{
	free(p->note);
	free(p->write);
	p->note = NULL;
	p->write = NULL;
}

/* ---- deliveries and returns in between ---- */
static void push_level(struct path *p, const struct delivery_record *r)
{
	bool error = r->words && r->word_name[r->words - 1] == PUSH_ERROR;
	struct level *l = &p->level[p->levels < PATH_LEVELS ? p->levels : PATH_LEVELS - 1];
	struct note *n = way_note(p, NOTE_DELIVERY);

	if (n) {
		n->event_kind = r->kind;
		n->vector = r->vector;
		n->event = r->id;
		n->eip = where_linear(&r->from);
		n->to = where_linear(&r->to);
		n->error = r->error;
		n->value = r->cr2;
		n->taken = r->has_error;
	}
	*l = (struct level){r->frame + (error ? r->word_bytes : 0), r->kind, r->vector, r->id, p->depth};
	if (p->levels < PATH_LEVELS)
		p->levels++;
	p->depth = 0;
}

static void pop_level(struct path *p, const struct return_record *r)
{
	for (unsigned i = p->levels; i-- > 0;) {
		const struct level l = p->level[i];
		struct note *n;

		if (l.frame != r->frame)
			continue;
		p->levels = i;
		p->depth = l.depth;
		n = way_note(p, NOTE_RETURN);
		if (n) {
			n->event_kind = l.kind;
			n->vector = l.vector;
			n->event = l.id;
			n->eip = where_linear(&r->from);
			n->to = where_linear(&r->to);
		}
		return;
	}
}

static bool is_end(const struct path *p, const struct seen *s)
{
	if (p->away || s->kind != SEEN_RETURN)
		return false;
	if (p->from_user || p->wish.to_user)
		return s->to->cpl == 3;
	return p->levels == 0 && s->returned.frame == p->frame;
}

/* Returns that do not end the path, and which instruction made them. */
static void count_return(struct path *p, uint64_t eip)
{
	unsigned i = 0;

	p->skipped++;
	while (i < p->returners && p->returner[i].eip != eip)
		i++;
	if (i == PATH_RETURNERS)
		return;
	if (i == p->returners)
		p->returner[p->returners++] = (struct returner){.eip = eip};
	p->returner[i].count++;
}

static void end_path(struct path *p, const struct seen *s)
{
	uint64_t eip = where_linear(s->from);

	p->returned = true;
	p->end = *s;
	p->end.from = &p->end.returned.from;
	p->end.to = &p->end.returned.to;
	for (unsigned i = 0; i < p->returners; i++)
		if (p->returner[i].eip == eip)
			p->skipped_same = p->returner[i].count;
}

/* The child of a fork: a task that begins at child_at with this one's saved EIP in its pt_regs. */
static void look_for_child(struct path *p, struct cpu *cpu)
{
	uint64_t eip = code_linear(cpu, cpu->s.rip), esp, top, ip;
	uint32_t offset;

	if (!p->wish.child_at || p->child_seen || eip != p->wish.child_at ||
	    !desc_reg_offset(&p->x->desc, "ip", &offset))
		return;
	esp = know_stack(cpu);
	if (know_top(p->x, cpu, &top) && top - esp < PAGE_BYTES)
		esp = top - p->word * p->x->desc.regs;
	know_read(cpu, esp + offset, &ip);
	if (p->entry.kind == SEEN_DELIVERY && ip != p->entry.from->rip)
		return;
	p->child_seen = true;
	p->child_t = cpu->icount;
	p->child_regs = esp;
	p->child_task = know_task(p->x, cpu);
	know_remember_name(p->x, cpu, p->child_task);
	p->child_first = cpu->s;
	for (unsigned i = 0; i < p->x->desc.regs; i++)
		know_read(cpu, esp + p->word * i, &p->child_words[i]);
}

static bool look_for_childs_return(struct path *p, const struct seen *s)
{
	if (!p->child_seen || p->child_returned || s->kind != SEEN_RETURN || s->to->cpl != 3 ||
	    know_task(p->x, p->x->machine->cpu[s->cpu]) != p->child_task)
		return false;
	p->child_returned = true;
	p->child_end = *s;
	p->child_end.from = &p->child_end.returned.from;
	p->child_end.to = &p->child_end.returned.to;
	p->child_eax = know_reg(p->x->machine->cpu[s->cpu], RAX);
	return true;
}

static bool on_event(void *owner, const struct seen *s)
{
	struct path *p = owner;

	look_for_childs_return(p, s);

	if (s->kind == SEEN_RETURN && (s->cpu != p->cpu || !is_end(p, s)))
		count_return(p, where_linear(s->from));
	if (s->cpu != p->cpu)
		return false;
	p->task_written |= s->kind == SEEN_TASK; /* another TSS */
	if (is_end(p, s)) {
		end_path(p, s);
		return true;
	}
	if (p->away)
		return false;
	if (seen_delivered(s))
		push_level(p, &s->delivery);
	else if (s->kind == SEEN_RETURN)
		pop_level(p, &s->returned);
	return p->out_of_memory;
}

/* The present task.  On one processor it is read again only after somebody has written where it is stored. */
static uint64_t task_now(struct path *p, struct cpu *cpu)
{
	if (!p->task_at || p->task_written || p->x->machine->cpus > 1) {
		p->task_now = know_task(p->x, cpu);
		p->task_written = false;
	}
	return p->task_now;
}

/* Does the task go on here, on whatever processor? */
static bool follow(struct path *p, struct cpu *cpu)
{
	uint64_t now;

	if (!p->away && cpu->id != p->cpu)
		return false;
	now = task_now(p, cpu);
	if (p->away) {
		struct note *n;

		if (now != p->task) {
			p->other = now;
			return false;
		}
		p->away = false;
		p->cpu = cpu->id;
		way_words_again(p, cpu);
		n = way_note(p, NOTE_BACK);
		if (n)
			n->value = p->other;
	} else if (now != p->task) {
		struct note *n = way_note(p, NOTE_AWAY);

		p->away = true;
		if (n)
			n->value = now;
		know_remember_name(p->x, cpu, now);
		p->given_up = p->wish.give_up && p->wish.give_up(p);
	}
	return !p->away;
}

/* What the instruction before this one did to what the kernel stands on. */
static void state_changes(struct path *p, const struct cpu *cpu)
{
	const uint64_t before[] = {p->before_end.seg[SEG_GS].base, p->before_end.cr3};
	const uint64_t now[] = {cpu->s.seg[SEG_GS].base, cpu->s.cr3};

	p->cr3_changes += now[1] != before[1];
	for (unsigned i = 0; i < 2 && in_ia32e(cpu); i++) {
		struct note *n = now[i] != before[i] && !p->levels ? way_note(p, i ? NOTE_CR3 : NOTE_GS) : NULL;

		if (!n)
			continue;
		n->to = before[i];
		n->value = now[i];
		/* Ring 3's page tables need not map where the flags are. */
		if (!i)
			continue;
		way_words_again(p, p->x->machine->cpu[p->cpu]);
		know_remember_name(p->x, p->x->machine->cpu[p->cpu], p->task);
	}
}

static bool on_instruction(void *owner, struct cpu *cpu)
{
	struct path *p = owner;

	look_for_child(p, cpu);
	if (!follow(p, cpu))
		return p->out_of_memory || p->given_up;
	if (p->insns)
		state_changes(p, cpu);
	p->insns++;
	way_instruction(p, cpu);
	p->before_end = cpu->s;
	p->before_end.rflags = cpu_flags(cpu);
	return p->out_of_memory || p->exits || p->insns > PATH_MAX_INSNS;
}

static void on_data(void *owner, uint64_t lin, unsigned bytes, uint64_t value, bool write)
{
	struct path *p = owner;

	if (write && lin - p->task_at < p->word)
		p->task_written = true;
	if (!p->away)
		way_access(p, lin, bytes, value, write);
}

/* What the delivery that began it all pushed. */
static bool first_pushes(struct path *p, const struct delivery_record *r)
{
	for (unsigned i = 0; i < r->words && i < RECORD_MAX_WORDS; i++) {
		struct write *w = way_write(p, r->frame + (r->words - 1u - i) * (uint64_t)r->word_bytes, r->word_bytes,
					    r->word[i]);

		if (!w)
			return false;
		w->processor = true;
	}
	return true;
}

static bool begin(struct path *p, struct explain *x)
{
	struct cpu *cpu = x->machine->cpu[x->drive.cpu];
	const struct seen *s = &x->drive.seen;

	*p = (struct path){.x = x, .entry = *s, .cpu = cpu->id, .begun = s->when, .word = know_word_bytes(cpu)};
	p->entry.from = s->kind == SEEN_DELIVERY ? &p->entry.delivery.from : &p->entry.entry.from;
	p->entry.to = s->kind == SEEN_DELIVERY ? &p->entry.delivery.to : &p->entry.entry.to;
	p->from_user = p->entry.from->cpl == 3;
	p->start = cpu->s;
	p->start.rflags = cpu_flags(cpu);
	p->nr = (uint32_t)(s->kind == SEEN_DELIVERY ? s->delivery.rax : s->entry.rax);
	p->task = know_task(x, cpu);
	p->task_written = true;
	if (!know_task_at(x, cpu, &p->task_at))
		p->task_at = 0;
	if (!know_top(x, cpu, &p->top))
		p->top = 0;
	way_words(p, cpu);
	if (s->kind != SEEN_DELIVERY)
		return true;
	p->frame = s->delivery.frame;
	if (s->delivery.words && s->delivery.word_name[s->delivery.words - 1] == PUSH_ERROR)
		p->frame += s->delivery.word_bytes;
	return first_pushes(p, &s->delivery);
}

/* Where pt_regs lie, if no function told: in place around the processor's frame, or at the stack's end. */
static void place_regs(struct path *p)
{
	const struct desc *d = &p->x->desc;
	uint32_t ip;

	if (p->regs_told || !p->x->has_desc || !desc_reg_offset(d, "ip", &ip))
		return;
	/* Kernels of IA-32e mode copy what the processor pushed to the task's stack. */
	if (p->word == 8 && p->from_user && p->top)
		p->regs = p->top - p->word * d->regs;
	else
		p->regs = p->frame ? p->frame - ip : p->top ? p->top - p->word * d->regs : 0;
}

/* Why it ended without a return. */
static bool explain_end(struct explain *x, const struct path *p, enum driven driven)
{
	if (p->out_of_memory)
		return diagnose(&x->why, "out of memory");
	if (driven != DRIVEN_STOPPED)
		return explain_never(x, "the return that belongs to this entry");
	if (p->exits)
		return diagnose(&x->why, "the task ends here, at t=%" PRIu64 ": it never returns",
				drive_now(&x->drive));
	if (p->given_up)
		return diagnose(&x->why, "given up at t=%" PRIu64, drive_now(&x->drive));
	return diagnose(&x->why, "no return within %u million instructions", (unsigned)(PATH_MAX_INSNS / 1000000));
}

bool path_record(struct explain *x, struct path *p, const struct path_wish *wish)
{
	const struct look look = {on_event, on_instruction, on_data, p};
	enum driven driven;

	if (!begin(p, x))
		return diagnose(&x->why, "out of memory");
	if (wish)
		p->wish = *wish;
	if (p->wish.to_user && !p->from_user)
		push_level(p, &p->entry.delivery);
	driven = drive_run(&x->drive, &look, CLOCK_NEVER);
	place_regs(p);
	if (p->out_of_memory || !p->returned)
		return explain_end(x, p, driven);
	p->after_end = x->machine->cpu[p->cpu]->s;
	p->after_end.rflags = cpu_flags(x->machine->cpu[p->cpu]);
	return true;
}

bool path_search_on(const struct path *p)
{
	return p->exits || p->given_up;
}

static bool child_comes(void *owner, struct cpu *cpu)
{
	struct path *p = owner;

	look_for_child(p, cpu);
	return p->child_seen;
}

static bool child_returns(void *owner, const struct seen *s)
{
	return look_for_childs_return(owner, s);
}

bool path_await_child(struct explain *x, struct path *p)
{
	const struct look comes = {.instruction = child_comes, .owner = p},
			  returns = {.event = child_returns, .owner = p};

	if (!p->child_seen && drive_run(&x->drive, &comes, CLOCK_NEVER) != DRIVEN_STOPPED)
		return explain_never(x, "the first instruction of a child");
	return p->child_returned || drive_run(&x->drive, &returns, CLOCK_NEVER) == DRIVEN_STOPPED ||
	       explain_never(x, "the child's return to ring 3");
}

/* ---- questions ---- */
const struct write *path_writer(const struct path *p, uint64_t lin, uint64_t before)
{
	for (unsigned i = p->writes; i-- > 0;) {
		const struct write *w = &p->write[i];

		if (w->t < before && lin - w->lin < w->bytes)
			return w;
	}
	return NULL;
}

const struct write *path_next_write(const struct path *p, uint64_t lin, uint64_t from)
{
	for (unsigned i = 0; i < p->writes; i++)
		if (p->write[i].t >= from && lin - p->write[i].lin < p->write[i].bytes)
			return &p->write[i];
	return NULL;
}

const struct note *path_note(const struct path *p, enum note_kind kind, const char *role, unsigned from)
{
	for (unsigned i = from; i < p->notes; i++) {
		const struct note *n = &p->note[i];

		if (n->kind == kind && (!role || (n->role && strcmp(n->role->role, role) == 0)))
			return n;
	}
	return NULL;
}

bool path_has(const struct path *p, enum note_kind kind, const char *role)
{
	return path_note(p, kind, role, 0) != NULL;
}
