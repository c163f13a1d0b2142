#include "explain/moment.h"

#include <inttypes.h>
#include <string.h>

#include "explain/know.h"

#define LINUX_SYSCALL 0x80

struct search {
	struct explain *x;
	const struct moment *moment;
	uint64_t skip;
	uint64_t address; /* --symbol */
};

struct cpu *moment_cpu(struct explain *x)
{
	return x->machine->cpu[x->drive.cpu];
}

bool seen_delivered(const struct seen *s)
{
	return s->kind == SEEN_DELIVERY && s->delivery.outcome != OUT_FAULTED && s->delivery.outcome != OUT_SHUTDOWN;
}

bool moment_from_user(struct explain *x, const struct seen *s)
{
	return (seen_delivered(s) || s->kind == SEEN_ENTRY) && s->from->cpl == 3 && s->to->cpl < 3;
}

bool moment_syscall(struct explain *x, const struct seen *s)
{
	uint8_t vector = x->has_desc && x->desc.has_syscall ? x->desc.syscall : LINUX_SYSCALL;

	if (!moment_from_user(x, s))
		return false;
	if (s->kind == SEEN_ENTRY)
		return s->entry.kind != ENTRY_CALL_GATE &&
		       (x->options.entry == BY_ANY ||
			x->options.entry == (s->entry.kind == ENTRY_SYSCALL ? BY_SYSCALL : BY_SYSENTER));
	return s->delivery.kind == EV_SOFT_INT && s->delivery.vector == vector &&
	       (x->options.entry == BY_ANY || x->options.entry == BY_INT);
}

/* What the options for events say of a delivery. */
static bool delivery_fits(const struct explain_options *o, const struct seen *s)
{
	const struct delivery_record *r = &s->delivery;
	bool refused = r->outcome == OUT_FAULTED || r->outcome == OUT_SHUTDOWN;

	return (!o->has_vector || r->vector == o->vector) && (!o->has_kind || r->kind == o->kind) &&
	       (!o->has_error || (r->has_error && r->error == o->error)) && o->refused == refused;
}

static bool task_fits(struct explain *x, const struct seen *s)
{
	struct cpu *cpu = x->machine->cpu[s->cpu];
	char name[32];

	return !x->options.task ||
	       (know_task_name(x, cpu, know_task(x, cpu), name, sizeof(name)) && strcmp(name, x->options.task) == 0);
}

static bool any_event_option(const struct explain_options *o)
{
	return o->has_vector || o->has_kind || o->has_error || o->refused;
}

static bool event_fits(void *owner, const struct seen *s)
{
	struct search *q = owner;
	const struct explain_options *o = &q->x->options;

	if (s->when < o->after || (o->from_user && s->from->cpl != 3) || (o->from_kernel && s->from->cpl == 3))
		return false;
	if (any_event_option(o) && (s->kind != SEEN_DELIVERY || !delivery_fits(o, s)))
		return false;
	if (q->moment->fits && !q->moment->fits(q->x, s))
		return false;
	if (!task_fits(q->x, s))
		return false;
	return q->skip-- == 0;
}

static bool first_user(void *owner, const struct seen *s)
{
	struct search *q = owner;

	return moment_from_user(q->x, s);
}

/* Names of tasks and of symbols can be looked up only where there are symbols; a kernel without any in its image
 * has them once it runs programs. */
static bool symbols_first(struct explain *x)
{
	struct search q = {.x = x};
	const struct look look = {.event = first_user, .owner = &q};

	if (!x->learned && x->machine->guest.symbols.count == 0)
		drive_run(&x->drive, &look, CLOCK_NEVER);
	return know_learn(x);
}

bool moment_event(struct explain *x, const struct moment *moment, uint64_t skip)
{
	struct search q = {.x = x, .moment = moment, .skip = skip};
	const struct look look = {.event = event_fits, .owner = &q};

	if (x->options.task && (!symbols_first(x) || !know_need_symbols(x, "--task")))
		return false;
	/* --after is reached without looking at what happens before. */
	if (x->options.after > drive_now(&x->drive) && drive_run(&x->drive, NULL, x->options.after) == DRIVEN_ENDED)
		return explain_never(x, moment->what);
	if (drive_run(&x->drive, &look, CLOCK_NEVER) != DRIVEN_STOPPED)
		return explain_never(x, moment->what);
	return know_learn(x);
}

static bool at_symbol(void *owner, struct cpu *cpu)
{
	struct search *q = owner;

	return code_linear(cpu, cpu->s.rip) == q->address && q->skip-- == 0;
}

/* NAME or NAME+OFFSET */
static bool address_of(struct explain *x, const char *text, uint64_t *address)
{
	const char *plus = strrchr(text, '+');
	uint64_t offset = 0;
	char name[128];

	snprintf(name, sizeof(name), "%.*s", (int)(plus ? plus - text : (long)strlen(text)), text);
	if ((plus && !explain_number(plus + 1, &offset)) || !know_address(x, name, address))
		return false;
	*address += offset;
	return true;
}

static bool run_to_symbol(struct explain *x)
{
	const char *name = x->options.symbol;
	struct search q = {.x = x, .skip = x->options.nth - 1};
	const struct look look = {.instruction = at_symbol, .owner = &q};
	char what[96];

	if (!symbols_first(x) || !know_need_symbols(x, "--symbol"))
		return false;
	if (!address_of(x, name, &q.address))
		return diagnose(&x->why, "--symbol %s: the guest has no symbol of this name", name);
	if (x->options.after > drive_now(&x->drive))
		drive_run(&x->drive, NULL, x->options.after);
	snprintf(what, sizeof(what), "--symbol %.60s", name);
	return drive_run(&x->drive, &look, CLOCK_NEVER) == DRIVEN_STOPPED || explain_never(x, what);
}

static bool run_to_tick(struct explain *x, uint64_t at)
{
	if (at == drive_now(&x->drive) || drive_run(&x->drive, NULL, at) == DRIVEN_TIME)
		return know_learn(x);
	return diagnose(&x->why, "--at %" PRIu64 ": the guest is past it or never gets there; %s", at,
			x->machine->end.kind == END_NONE ? "it runs on" : x->machine->end.text);
}

bool moment_state(struct explain *x, const struct moment *otherwise)
{
	const struct explain_options *o = &x->options;
	bool event = any_event_option(o) || o->from_user || o->from_kernel || o->task;
	const struct moment asked = {.what = "the event that the options ask for",
				     .fits = any_event_option(o) ? NULL : moment_from_user};

	if (o->has_at)
		return run_to_tick(x, o->at);
	if (o->symbol)
		return run_to_symbol(x);
	if (!o->end && (event || otherwise))
		return moment_event(x, event ? &asked : otherwise, o->nth - 1);
	drive_run(&x->drive, NULL, CLOCK_NEVER);
	return know_learn(x);
}

void moment_raise(struct explain *x)
{
	struct machine *m = x->machine;
	uint64_t cause = clock_new_cause(&m->clock);

	if (x->options.raise == RAISE_NMI)
		cpu_pulse_nmi(moment_cpu(x), cause);
	else if (x->options.raise == RAISE_VECTOR)
		line_set(&m->board.inject.line, true, cause);
}
