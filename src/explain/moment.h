/* The moment that a view's options ask for. */
#ifndef TRAPGATE_EXPLAIN_MOMENT_H
#define TRAPGATE_EXPLAIN_MOMENT_H

#include "explain/explain.h"

/* Beyond what the options say: what a view takes for its event. */
struct moment {
	const char *what;                                         /* for "...: it never happened" */
	bool (*fits)(struct explain *x, const struct seen *seen); /* NULL: every one */
};

/* Runs to the next event that fits moment and the options (--vector, --kind, --from, --refused, --error, --task,
 * --after), at which the machine then stands: at the first instruction behind it.  skip: so many that fit are
 * passed over.  Symbols and description are there then.  False: x->why. */
bool moment_event(struct explain *x, const struct moment *moment, uint64_t skip) MUST_CHECK;

/* Runs to the state to be looked at: --at, --end, --symbol, an event by its options; without any of these to the first
 * event that fits `otherwise`, or to the end if that is NULL. */
bool moment_state(struct explain *x, const struct moment *otherwise) MUST_CHECK;

/* The processor to look at. */
struct cpu *moment_cpu(struct explain *x);

/* Deliveries and SYSENTERs out of ring 3 that reached their handlers. */
bool moment_from_user(struct explain *x, const struct seen *seen);
/* A delivery that reached its handler. */
bool seen_delivered(const struct seen *seen);
/* A system call out of ring 3: SYSENTER, or the vector that the description names (80h without one). */
bool moment_syscall(struct explain *x, const struct seen *seen);

/* Raises what --raise asks for, now. */
void moment_raise(struct explain *x);

#endif
