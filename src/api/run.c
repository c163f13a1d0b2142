/* Running, stopping, and moments in virtual time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"

uint64_t api_now(const struct tg_machine *tg)
{
	uint64_t now = tg->m->clock.now;

	/* Between two looks at the clock the running processor's count is ahead. */
	for (unsigned i = 0; tg->running && i < tg->m->cpus; i++)
		if (tg->m->cpu[i]->icount > now)
			now = tg->m->cpu[i]->icount;
	return now;
}

uint64_t tg_now(const struct tg_machine *tg)
{
	return tg ? api_now(tg) : 0;
}

void api_stop(struct tg_machine *tg, unsigned hook)
{
	if (!tg->running || tg->stop_by != STOP_BY_NONE)
		return;
	tg->stop_by = hook ? STOP_BY_HOOK : STOP_BY_CALL;
	tg->stop_hook = hook;
	if (hook)
		machine_finish(tg->m, END_INTERRUPTED, 8, "stopped by hook %u", hook);
	else
		machine_finish(tg->m, END_INTERRUPTED, 8, "stopped by a call");
}

void tg_stop(struct tg_machine *tg)
{
	if (tg)
		api_stop(tg, 0);
}

void tg_interrupt(struct tg_machine *tg)
{
	if (tg)
		__atomic_store_n(&tg->m->interrupted, 1, __ATOMIC_RELAXED);
}

static enum tg_stop_kind stop_kind(const struct tg_machine *tg, enum end_kind end)
{
	static const uint8_t kinds[] = {
		[END_POWER_OFF] = TG_STOP_POWER_OFF,   [END_RESET] = TG_STOP_RESET,
		[END_DEBUG_EXIT] = TG_STOP_DEBUG_EXIT, [END_TRIPLE_FAULT] = TG_STOP_SHUTDOWN,
		[END_DEAD_HALT] = TG_STOP_HALT,        [END_MAX_INSNS] = TG_STOP_BUDGET,
		[END_TIMEOUT] = TG_STOP_REQUEST,       [END_UNIMPLEMENTED] = TG_STOP_UNIMPLEMENTED,
		[END_INTERRUPTED] = TG_STOP_REQUEST,   [END_CLOSED] = TG_STOP_REQUEST,
	};

	if (end == END_INTERRUPTED && tg->stop_by == STOP_BY_HOOK)
		return TG_STOP_HOOK;
	return end < sizeof(kinds) ? (enum tg_stop_kind)kinds[end] : TG_STOP_REQUEST;
}

static bool is_shut_down(const struct machine *m)
{
	bool any = false;

	for (unsigned i = 0; i < m->cpus; i++)
		any = any || m->cpu[i]->s.activity == ACT_SHUTDOWN;
	return any;
}

/* The machine's end becomes the caller's stop, and the machine may run on. */
static void describe(struct tg_machine *tg, uint64_t before, struct tg_stop *stop)
{
	const struct machine_end *end = &tg->m->end;

	*stop = (struct tg_stop){.size = sizeof(*stop),
				 .kind = stop_kind(tg, end->kind),
				 .status = end->status,
				 .now = tg->m->clock.now,
				 .retired = machine_retired(tg->m) - before};
	if (stop->kind == TG_STOP_HOOK)
		stop->hook = tg->stop_hook;
	memcpy(stop->text, end->text, sizeof(stop->text));
	if (stop->kind == TG_STOP_BUDGET) {
		stop->status = 0;
		snprintf(stop->text, sizeof(stop->text), "stopped after %" PRIu64 " instructions", stop->retired);
	}
	if (stop->kind == TG_STOP_HALT && is_shut_down(tg->m)) { /* since an earlier run */
		stop->kind = TG_STOP_SHUTDOWN;
		stop->status = 4;
		snprintf(stop->text, sizeof(stop->text), "shut down after a triple fault");
	}
	if (end->kind == END_INTERRUPTED && tg->stop_by == STOP_BY_NONE)
		__atomic_store_n(&tg->m->interrupted, 0, __ATOMIC_RELAXED);
}

static void run(struct tg_machine *tg, uint64_t budget, struct tg_stop *stop)
{
	uint64_t before = machine_retired(tg->m);

	tg->running = true;
	tg->stop_by = STOP_BY_NONE;
	/* max_insns 0 is no limit. */
	tg->m->config.max_insns = budget > UINT64_MAX - before ? 0 : before + budget;
	tg->m->end.kind = END_NONE;
	machine_run(tg->m);
	describe(tg, before, stop);
	tg->m->config.max_insns = 0;
	tg->running = false;
}

enum tg_error tg_run(struct tg_machine *tg, uint64_t budget, struct tg_stop *stop)
{
	struct tg_stop done;
	enum tg_error error;

	if (!tg)
		return TG_ERROR_ARGUMENT;
	error = api_stands(tg);
	if (error == TG_OK && stop && stop->size < SIZE_UP_TO(struct tg_stop, text))
		error = api_fail(tg, TG_ERROR_VERSION, "struct tg_stop: its size is not set");
	if (error != TG_OK)
		return error;
	done = (struct tg_stop){.size = sizeof(done), .kind = TG_STOP_BUDGET, .now = tg->m->clock.now};
	if (budget > 0)
		run(tg, budget, &done);
	return stop ? api_give(stop, &done, sizeof(done), SIZE_UP_TO(struct tg_stop, text)) : TG_OK;
}

enum tg_error tg_step(struct tg_machine *tg, struct tg_stop *stop)
{
	return tg_run(tg, 1, stop);
}

/* ---- moments ---- */

static struct moment **find_moment(struct tg_machine *tg, const struct moment *wanted, unsigned id)
{
	struct moment **at = &tg->moments;

	while (*at && *at != wanted && (wanted || (*at)->id != id))
		at = &(*at)->next;
	return at;
}

static void remove_moment(struct moment **at)
{
	struct moment *moment = *at;

	*at = moment->next;
	moment->machine->m->moments--;
	timer_cancel(&moment->timer);
	free(moment);
}

static void fire(void *owner, uint64_t when)
{
	struct moment *moment = owner;
	struct tg_machine *tg = moment->machine;
	void (*function)(void *, struct tg_machine *) = moment->function;
	void *function_owner = moment->owner;

	remove_moment(find_moment(tg, moment, 0));
	tg->between = true;
	function(function_owner, tg);
	tg->between = false;
}

struct moment *api_moment_add(struct tg_machine *tg, uint64_t when,
			      void (*function)(void *owner, struct tg_machine *machine), void *owner)
{
	struct moment *moment = calloc(1, sizeof(*moment));

	if (!moment)
		return NULL;
	*moment = (struct moment){
		.next = tg->moments, .machine = tg, .id = tg->next_moment++, .function = function, .owner = owner};
	tg->moments = moment;
	tg->m->moments++;
	timer_init(&moment->timer, &tg->m->clock, "libtrapgate", 0, fire, moment);
	timer_arm(&moment->timer, when);
	return moment;
}

enum tg_error tg_at(struct tg_machine *tg, uint64_t when, void (*function)(void *owner, struct tg_machine *machine),
		    void *owner, unsigned *id)
{
	struct moment *moment;

	if (!tg || !function)
		return TG_ERROR_ARGUMENT;
	if (when == CLOCK_NEVER)
		return api_fail(tg, TG_ERROR_ARGUMENT, "that moment never comes");
	moment = api_moment_add(tg, when, function, owner);
	if (!moment)
		return api_fail(tg, TG_ERROR_MEMORY, "out of memory");
	for (unsigned i = 0; i < tg->m->cpus; i++)
		tg->cpu[i].disturbed = true;
	if (id)
		*id = moment->id;
	return TG_OK;
}

enum tg_error tg_at_cancel(struct tg_machine *tg, unsigned id)
{
	struct moment **at;

	if (!tg)
		return TG_ERROR_ARGUMENT;
	at = find_moment(tg, NULL, id);
	if (!*at)
		return api_fail(tg, TG_ERROR_NOT_FOUND, "no moment %u waits", id);
	remove_moment(at);
	return TG_OK;
}

void api_moments_drop(struct moment *list)
{
	while (list)
		remove_moment(&list);
}

void api_moments_free(struct tg_machine *tg)
{
	api_moments_drop(tg->moments);
	tg->moments = NULL;
}
