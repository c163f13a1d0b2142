/* The views, one function each; views.c lists them with their help. */
#ifndef TRAPGATE_EXPLAIN_VIEWS_H
#define TRAPGATE_EXPLAIN_VIEWS_H

#include "explain/moment.h"
#include "explain/path.h"

/* Records one way after the other from events that fit, until the nth one that fits the options too. */
bool find_way(struct explain *x, const struct moment *moment, struct path *path) MUST_CHECK;

/* May `current` be used in the handler of this delivery? */
void put_current(struct explain *x, struct fact *object, struct cpu *cpu, const struct delivery_record *record);

bool view_batch(struct explain *x);
bool view_current(struct explain *x);
bool view_delivery(struct explain *x);
bool view_espfix(struct explain *x);
bool view_fork(struct explain *x);
bool view_frame(struct explain *x);
bool view_gate(struct explain *x);
bool view_idt(struct explain *x);
bool view_iretfault(struct explain *x);
bool view_latency(struct explain *x);
bool view_memory(struct explain *x);
bool view_pending(struct explain *x);
bool view_quiet(struct explain *x);
bool view_return(struct explain *x);
bool view_sched(struct explain *x);
bool view_story(struct explain *x);
bool view_symbols(struct explain *x);
bool view_syscall(struct explain *x);
bool view_sysenter(struct explain *x);
bool view_taskgate(struct explain *x);
bool view_timer(struct explain *x);
bool view_unwind(struct explain *x);
bool view_words(struct explain *x);

#endif
