/* Records as the caller sees them. */
#include <string.h>

#include "api/api.h"

_Static_assert(TG_MAX_WORDS == RECORD_MAX_WORDS, "words of a frame");
_Static_assert((int)TG_EVENT_NMI == EV_NMI && (int)TG_OUTCOME_SHUTDOWN == OUT_SHUTDOWN &&
		       (int)TG_CHECK_COMMIT == STEP_COMMIT && (int)TG_STACK_TASK == STACK_TASK &&
		       (int)TG_WORD_GS == PUSH_GS && (int)TG_RETURN_SYSRET == RET_SYSRET &&
		       (int)TG_ENTRY_CALL_GATE == ENTRY_CALL_GATE && (int)TG_TASK_IRET == TASK_IRET &&
		       (int)TG_SEG_TR == SEG_TR && (int)TG_WAIT_SIPI == ACT_WAIT_SIPI,
	       "the library's numbers are the machine's");

struct tg_place api_place(const struct where *w)
{
	return (struct tg_place){.rip = w->rip,
				 .rsp = w->rsp,
				 .rflags = w->rflags,
				 .cs_base = w->cs_base,
				 .ss_base = w->ss_base,
				 .cs = w->cs,
				 .ss = w->ss,
				 .cpl = w->cpl,
				 .mode = w->mode};
}

void api_delivery_out(struct tg_delivery *to, const struct delivery_record *r)
{
	*to = (struct tg_delivery){
		.size = sizeof(*to),
		.id = r->id,
		.when = r->when,
		.cause = r->cause,
		.parent = r->parent,
		.cpu = r->cpu,
		.kind = r->kind,
		.vector = r->vector,
		.outcome = r->outcome,
		.step = r->step,
		.has_error = r->has_error,
		.error = r->error,
		.cr2 = r->cr2,
		.why = r->why,
		.rax = r->rax,
		.from = api_place(&r->from),
		.to = api_place(&r->to),
		.stack_source = r->stack_source,
		.words = r->words,
		.word_bytes = r->word_bytes,
		.frame = r->frame,
		.tss_base = r->tss_base,
	};
	to->gate.address = r->gate.address;
	to->gate.offset = r->gate.offset;
	to->gate.selector = r->gate.selector;
	to->gate.type = r->gate.type;
	to->gate.dpl = r->gate.dpl;
	to->gate.ist = r->gate.ist;
	to->gate.width = r->gate.width;
	to->gate.present = r->gate.present;
	to->code.selector = r->code.selector;
	to->code.type = r->code.type;
	to->code.dpl = r->code.dpl;
	to->code.present = r->code.present;
	to->code.conforming = r->code.conforming;
	memcpy(to->word_name, r->word_name, sizeof(to->word_name));
	memcpy(to->word, r->word, sizeof(to->word));
	to->refused.vector = r->refused.vector;
	to->refused.has_error = r->refused.has_error;
	to->refused.error = r->refused.error;
	to->refused.cr2 = r->refused.cr2;
	to->refused.why = r->refused.why;
}

enum tg_error tg_delivery_recent(const struct tg_machine *tg, unsigned n, struct tg_delivery *delivery)
{
	const struct delivery_record *r;
	struct tg_delivery out;

	if (!tg || !delivery)
		return TG_ERROR_ARGUMENT;
	r = trace_recent(&tg->m->trace, n);
	if (!r)
		return TG_ERROR_NOT_FOUND;
	api_delivery_out(&out, r);
	return api_give(delivery, &out, sizeof(out), SIZE_UP_TO(struct tg_delivery, refused));
}

uint64_t tg_delivery_count(const struct tg_machine *tg)
{
	return tg ? tg->m->trace.deliveries : 0;
}

/* ---- the checks of a delivery ----
 * SDM 2A "INT n", Operation: real mode looks for neither type nor segment; a task gate goes its own way after the
 * present bit; a stack is selected where the privilege changes. */

static bool applies(const struct tg_delivery *d, unsigned step)
{
	bool refused_here = d->step == step && (d->outcome == TG_OUTCOME_REFUSED || d->outcome == TG_OUTCOME_SHUTDOWN);

	if (d->outcome == TG_OUTCOME_REDIRECTED)
		return step == TG_CHECK_COMMIT;
	if (refused_here)
		return true;
	if (d->from.mode == TG_CPU_REAL)
		return step == TG_CHECK_VECTOR || step == TG_CHECK_STACK_LIMIT || step >= TG_CHECK_TARGET_LIMIT;
	if (d->stack_source == TG_STACK_TASK)
		return step <= TG_CHECK_CODE_SEGMENT || step == TG_CHECK_COMMIT;
	if (step == TG_CHECK_STACK_SELECT || step == TG_CHECK_STACK_SEGMENT)
		/* The source is noted when the new stack has been accepted. */
		return d->stack_source != TG_STACK_SAME || d->step == TG_CHECK_STACK_SEGMENT;
	return true;
}

static enum tg_check_result result(const struct tg_delivery *d, unsigned step)
{
	bool software = d->kind == TG_EVENT_SOFT_INT || d->kind == TG_EVENT_INT3 || d->kind == TG_EVENT_INTO;

	if (d->step == step && (d->outcome == TG_OUTCOME_REFUSED || d->outcome == TG_OUTCOME_SHUTDOWN))
		return TG_CHECK_REFUSED;
	return step == TG_CHECK_GATE_DPL && !software ? TG_CHECK_EXEMPT : TG_CHECK_PASSED;
}

enum tg_error tg_delivery_checks(const struct tg_delivery *d, struct tg_check *checks, unsigned *count)
{
	unsigned room, n = 0;

	if (!d || !checks || !count)
		return TG_ERROR_ARGUMENT;
	if (d->size < SIZE_UP_TO(struct tg_delivery, refused))
		return TG_ERROR_VERSION;
	room = *count;
	for (unsigned step = 0; step < TG_CHECKS && step <= d->step; step++) {
		if (!applies(d, step))
			continue;
		if (n < room) {
			checks[n] = (struct tg_check){.size = sizeof(*checks),
						      .delivery = d->id,
						      .step = (uint8_t)step,
						      .result = (uint8_t)result(d, step)};
			if (checks[n].result == TG_CHECK_REFUSED)
				checks[n].why = d->refused.why;
		}
		n++;
	}
	*count = n < room ? n : room;
	return n <= room ? TG_OK : TG_ERROR_SMALL;
}
