/* Hooks.  Deliveries, returns, entries and task switches come from a sink of the trace; instructions from the
 * processor's run loop, accesses from the mmu, both only while somebody asks. */
#include <stdlib.h>

#include "api/api.h"

/* ---- calling ---- */

static void sweep(struct tg_machine *tg)
{
	struct hook **at = &tg->hooks;

	while (*at) {
		struct hook *hook = *at;

		if (!hook->dead) {
			at = &hook->next;
			continue;
		}
		*at = hook->next;
		free(hook);
	}
	tg->hooks_end = at;
}

/* The hooks of a kind that were there when the event came; hooks set meanwhile come with the next one. */
struct round {
	struct tg_machine *tg;
	struct hook *at;
	enum hook_kind kind;
	unsigned end;
};

static struct round round_begin(struct tg_machine *tg, enum hook_kind kind)
{
	tg->calling++;
	return (struct round){.tg = tg, .at = tg->hooks, .kind = kind, .end = tg->next_hook};
}

static struct hook *round_next(struct round *round)
{
	struct hook *hook = round->at;

	while (hook && (hook->dead || hook->kind != round->kind || hook->id >= round->end))
		hook = hook->next;
	round->at = hook ? hook->next : NULL;
	return hook;
}

static void round_done(struct round *round)
{
	if (--round->tg->calling == 0)
		sweep(round->tg);
}

static void act(struct tg_machine *tg, const struct hook *hook, enum tg_action action)
{
	if (action == TG_STOP_RUN)
		api_stop(tg, hook->id);
}

static void tell_checks(struct tg_machine *tg, struct tg_cpu *c, const struct tg_delivery *d)
{
	struct tg_check checks[TG_CHECKS];
	unsigned count = TG_CHECKS;

	if (tg->hooked[HOOK_CHECK] == 0 || tg_delivery_checks(d, checks, &count) != TG_OK)
		return;
	for (unsigned i = 0; i < count; i++) {
		struct round round = round_begin(tg, HOOK_CHECK);

		for (struct hook *h = round_next(&round); h; h = round_next(&round))
			act(tg, h, h->function.check(h->owner, c, &checks[i]));
		round_done(&round);
	}
}

/* ---- the trace's sink ---- */

static void on_delivery(void *owner, const struct delivery_record *r)
{
	struct tg_machine *tg = owner;
	struct tg_cpu *c = &tg->cpu[r->cpu];
	struct tg_delivery d;
	struct round round;

	if (tg->hooked[HOOK_DELIVERY] + tg->hooked[HOOK_CHECK] == 0)
		return;
	api_delivery_out(&d, r);
	tell_checks(tg, c, &d);
	round = round_begin(tg, HOOK_DELIVERY);
	for (struct hook *h = round_next(&round); h; h = round_next(&round))
		act(tg, h, h->function.delivery(h->owner, c, &d));
	round_done(&round);
}

static void on_return(void *owner, const struct return_record *r)
{
	struct tg_machine *tg = owner;
	struct tg_return out = {.size = sizeof(out),
				.id = r->id,
				.when = r->when,
				.cpu = r->cpu,
				.kind = r->kind,
				.ended_kind = r->ended_kind,
				.ended_vector = r->ended_vector,
				.delivery = r->delivery,
				.ticks = r->insns,
				.nested = r->nested.total,
				.from = api_place(&r->from),
				.to = api_place(&r->to),
				.frame = r->frame};
	struct round round = round_begin(tg, HOOK_RETURN);

	for (struct hook *h = round_next(&round); h; h = round_next(&round))
		act(tg, h, h->function.returned(h->owner, &tg->cpu[r->cpu], &out));
	round_done(&round);
}

static void on_entry(void *owner, const struct entry_record *r)
{
	struct tg_machine *tg = owner;
	struct tg_entry out = {.size = sizeof(out),
			       .id = r->id,
			       .when = r->when,
			       .cpu = r->cpu,
			       .kind = r->kind,
			       .rax = r->rax,
			       .from = api_place(&r->from),
			       .to = api_place(&r->to)};
	struct round round = round_begin(tg, HOOK_ENTRY);

	for (struct hook *h = round_next(&round); h; h = round_next(&round))
		act(tg, h, h->function.entry(h->owner, &tg->cpu[r->cpu], &out));
	round_done(&round);
}

static void on_task(void *owner, const struct task_record *r)
{
	struct tg_machine *tg = owner;
	struct tg_task out = {.size = sizeof(out),
			      .id = r->id,
			      .when = r->when,
			      .cpu = r->cpu,
			      .cause = r->cause,
			      .width = r->width,
			      .old_selector = r->old_selector,
			      .new_selector = r->new_selector,
			      .old_base = r->old_base,
			      .new_base = r->new_base,
			      .from = api_place(&r->from),
			      .to = api_place(&r->to)};
	struct round round = round_begin(tg, HOOK_TASK);

	for (struct hook *h = round_next(&round); h; h = round_next(&round))
		act(tg, h, h->function.task(h->owner, &tg->cpu[r->cpu], &out));
	round_done(&round);
}

/* ---- instructions ---- */

static void tell_instruction(struct tg_cpu *c, uint64_t linear)
{
	struct tg_machine *tg = c->machine;
	struct cpu *cpu = c->cpu;
	struct tg_instruction now = {.size = sizeof(now),
				     .when = cpu->icount,
				     .linear = linear,
				     .rip = cpu->s.rip,
				     .cs = cpu->s.seg[SEG_CS].sel,
				     .again = cpu->rep_resumes};
	struct round round = round_begin(tg, HOOK_INSTRUCTION);

	now.length = (uint8_t)peek_lin(&cpu->mmu, linear, now.bytes, sizeof(now.bytes));
	tg->between = true;
	for (struct hook *h = round_next(&round); h; h = round_next(&round))
		act(tg, h, h->function.instruction(h->owner, c, &now));
	tg->between = false;
	round_done(&round);
}

/* Once for each instruction, also where a hook's doings ask for another look at what comes before it, or ended
 * the run there. */
static bool before_instruction(void *owner, struct cpu *cpu)
{
	struct tg_cpu *c = owner;
	uint64_t linear = code_linear(cpu, cpu->s.rip);

	if (c->machine->hooked[HOOK_INSTRUCTION] == 0)
		return true;
	if (c->seen && c->seen_at == cpu->icount && c->seen_linear == linear) {
		c->seen = false;
		return true;
	}
	c->disturbed = false;
	tell_instruction(c, linear);
	c->seen = c->disturbed || c->machine->stop_by != STOP_BY_NONE;
	c->seen_at = cpu->icount;
	c->seen_linear = linear;
	return !c->seen;
}

/* ---- accesses ---- */

static void on_access(void *owner, uint64_t lin, uint64_t pa, unsigned bytes, uint64_t value, bool write)
{
	struct tg_cpu *c = owner;
	struct tg_machine *tg = c->machine;
	struct tg_access access = {.size = sizeof(access),
				   .when = c->cpu->icount,
				   .linear = lin,
				   .physical = pa,
				   .value = value,
				   .bytes = (uint8_t)bytes,
				   .write = write};
	struct round round = round_begin(tg, HOOK_MEMORY);

	for (struct hook *h = round_next(&round); h; h = round_next(&round))
		if (lin <= h->last && lin + bytes - 1 >= h->first && (h->accesses & (write ? TG_WRITES : TG_READS)))
			act(tg, h, h->function.memory(h->owner, c, &access));
	round_done(&round);
}

/* ---- setting and removing ---- */

/* Lets the processors tell what somebody wants to know, and nothing else. */
static void follow_hooks(struct tg_machine *tg, enum hook_kind kind)
{
	bool instructions = tg->hooked[HOOK_INSTRUCTION] > 0, memory = tg->hooked[HOOK_MEMORY] > 0;

	if (kind != HOOK_INSTRUCTION && kind != HOOK_MEMORY)
		return;
	for (unsigned i = 0; i < tg->m->cpus; i++) {
		struct cpu *cpu = tg->m->cpu[i];

		cpu->plain = tg->m->config.plain || instructions || memory;
		cpu->before_instruction = instructions ? before_instruction : NULL;
		cpu->before_owner = &tg->cpu[i];
		cpu->run_until = 0;
		if (memory != (cpu->mmu.observer != NULL))
			mmu_observe(&cpu->mmu, memory ? on_access : NULL, &tg->cpu[i]);
	}
}

static bool listen(struct tg_machine *tg)
{
	struct trace_sink sink = {
		.delivery = on_delivery, .returned = on_return, .entry = on_entry, .task = on_task, .owner = tg};

	if (!tg->listens)
		tg->listens = trace_add_sink(&tg->m->trace, sink);
	return tg->listens;
}

static enum tg_error add(struct tg_machine *tg, const struct hook *wanted, unsigned *id)
{
	struct hook *hook = malloc(sizeof(*hook));
	bool records = wanted->kind != HOOK_INSTRUCTION && wanted->kind != HOOK_MEMORY;

	if (!hook || (records && !listen(tg))) {
		free(hook);
		return api_fail(tg, TG_ERROR_MEMORY, "out of memory");
	}
	*hook = *wanted;
	hook->id = tg->next_hook++;
	*tg->hooks_end = hook;
	tg->hooks_end = &hook->next;
	tg->hooked[hook->kind]++;
	follow_hooks(tg, hook->kind);
	if (id)
		*id = hook->id;
	return TG_OK;
}

#define HOOK_FUNCTION(NAME, KIND, MEMBER, RECORD)                                                                      \
	enum tg_error NAME(struct tg_machine *tg,                                                                      \
			   enum tg_action (*function)(void *owner, struct tg_cpu *cpu, const struct RECORD *record),   \
			   void *owner, unsigned *hook)                                                                \
	{                                                                                                              \
		struct hook wanted = {.kind = KIND, .owner = owner, .function.MEMBER = function};                      \
                                                                                                                       \
		return tg && function ? add(tg, &wanted, hook) : TG_ERROR_ARGUMENT;                                    \
	}
HOOK_FUNCTION(tg_hook_delivery, HOOK_DELIVERY, delivery, tg_delivery)
HOOK_FUNCTION(tg_hook_check, HOOK_CHECK, check, tg_check)
HOOK_FUNCTION(tg_hook_return, HOOK_RETURN, returned, tg_return)
HOOK_FUNCTION(tg_hook_entry, HOOK_ENTRY, entry, tg_entry)
HOOK_FUNCTION(tg_hook_task, HOOK_TASK, task, tg_task)
HOOK_FUNCTION(tg_hook_instruction, HOOK_INSTRUCTION, instruction, tg_instruction)

enum tg_error tg_hook_memory(struct tg_machine *tg, uint64_t first, uint64_t last, unsigned kinds,
			     enum tg_action (*function)(void *owner, struct tg_cpu *cpu,
							const struct tg_access *access),
			     void *owner, unsigned *hook)
{
	struct hook wanted = {.kind = HOOK_MEMORY,
			      .owner = owner,
			      .first = first,
			      .last = last,
			      .accesses = kinds,
			      .function.memory = function};

	if (!tg || !function)
		return TG_ERROR_ARGUMENT;
	if (last < first || !(kinds & (TG_READS | TG_WRITES)) || (kinds & ~(TG_READS | TG_WRITES)))
		return api_fail(tg, TG_ERROR_ARGUMENT, "a range from low to high, and reads or writes, are wanted");
	return add(tg, &wanted, hook);
}

enum tg_error tg_unhook(struct tg_machine *tg, unsigned id)
{
	if (!tg)
		return TG_ERROR_ARGUMENT;
	for (struct hook *hook = tg->hooks; hook; hook = hook->next) {
		if (hook->id != id || hook->dead)
			continue;
		hook->dead = true;
		tg->hooked[hook->kind]--;
		follow_hooks(tg, hook->kind);
		if (tg->calling == 0)
			sweep(tg);
		return TG_OK;
	}
	return api_fail(tg, TG_ERROR_NOT_FOUND, "there is no hook %u", id);
}

void api_hooks_free(struct tg_machine *tg)
{
	for (struct hook *hook = tg->hooks; hook; hook = hook->next)
		hook->dead = true;
	sweep(tg);
}
