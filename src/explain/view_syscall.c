/* One system call as one record. */
#include <inttypes.h>

#include "explain/know.h"
#include "explain/moment.h"
#include "explain/report.h"
#include "explain/views.h"

/* Does the number on which the look stops fit --nr? */
static bool fits(struct explain *x, const struct seen *s)
{
	const struct explain_options *o = &x->options;
	uint64_t nr = s->kind == SEEN_DELIVERY ? s->delivery.rax : s->entry.rax;

	return moment_syscall(x, s) && (!o->has_nr || (uint32_t)nr == (uint32_t)o->nr);
}

/* What --bad, --traced, --result ... ask of a whole way. */
static bool way_fits(const struct explain_options *o, const struct path *p)
{
	bool traced = path_traced(p), bad = p->bad_number;

	if (p->x->desc.calls && !p->has_number)
		bad = p->nr >= p->x->desc.calls;
	return (!o->bad || bad) && (!o->traced || traced) &&
	       (!o->has_result || (uint32_t)p->after_end.gpr.r64[RAX] == (uint32_t)o->result) &&
	       (!o->resched || path_has(p, NOTE_CALL, "schedule")) &&
	       (!o->signal || path_has(p, NOTE_CALL, "signal")) && (!o->softirq || path_has(p, NOTE_CALL, "softirq")) &&
	       (!o->fault || path_has(p, NOTE_CALL, "fixup"));
}

static bool looks_at_ways(const struct explain_options *o)
{
	return o->bad || o->traced || o->has_result || o->resched || o->signal || o->softirq || o->fault;
}

/* Records one way after the other until the nth one that fits. */
bool find_way(struct explain *x, const struct moment *moment, struct path *p)
{
	const struct explain_options *o = &x->options;
	uint64_t left = looks_at_ways(o) ? o->nth - 1 : 0;

	*p = (struct path){.x = x};
	for (;;) {
		bool recorded;

		if (!moment_event(x, moment, looks_at_ways(o) ? 0 : o->nth - 1))
			return false;
		recorded = path_record(x, p, NULL);
		if (!looks_at_ways(o))
			return recorded;
		if (recorded && way_fits(o, p) && left-- == 0)
			return true;
		path_free(p);
		/* A task that ended is none, and the search goes on. */
		if (!recorded && !path_search_on(p))
			return explain_never(x, moment->what);
	}
}

static void put_title(struct explain *x, const struct path *p, const char *what)
{
	char text[32];

	entry_text(text, sizeof(text), &p->entry);
	put_text(&x->facts.root, "title", "%s %" PRIu32 "%s%s by %s on cpu%u, t=%" PRIu64 " to %" PRIu64, what, p->nr,
		 p->handler_name ? " " : "", p->handler_name ? p->handler_name : "", text, p->cpu, p->entry.when,
		 p->returned ? p->end.when : drive_now(&x->drive));
	put_text(&x->facts.root, "guest", "%s", x->has_desc ? x->desc.name : "unknown: no description fits");
}

bool view_syscall(struct explain *x)
{
	static const struct moment moment = {"a system call like that", fits};
	struct path p;
	bool ok = find_way(x, &moment, &p);

	if (ok) {
		put_title(x, &p, "system call");
		put_number(&x->facts.root, "number", p.nr);
		report_entry(x, &p);
		report_gs(x, &p);
		report_words(x, &p);
		report_arguments(x, &p);
		report_empty_stack(x, &p);
		report_decisions(x, &p);
		report_result(x, &p);
		report_work(x, &p);
		report_way(x, &p);
		report_calls(x, &p);
		report_between(x, &p);
		report_switches(x, &p);
		report_bits(x, &p);
		report_return(x, &p);
	}
	path_free(&p);
	return ok;
}
