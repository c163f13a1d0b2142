/* The views, one function each; views.c lists them with their help. */
#ifndef TRAPGATE_EXPLAIN_VIEWS_H
#define TRAPGATE_EXPLAIN_VIEWS_H

#include "explain/explain.h"

bool view_idt(struct explain *x);
bool view_gate(struct explain *x);

#endif
