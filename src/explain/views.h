/* The views, one function each; views.c lists them with their help. */
#ifndef TRAPGATE_EXPLAIN_VIEWS_H
#define TRAPGATE_EXPLAIN_VIEWS_H

#include "explain/moment.h"
#include "explain/path.h"

/* Records one way after the other from events that fit, until the nth one that fits the options too. */
bool find_way(struct explain *x, const struct moment *moment, struct path *path) MUST_CHECK;

bool view_idt(struct explain *x);
bool view_gate(struct explain *x);
bool view_syscall(struct explain *x);

#endif
