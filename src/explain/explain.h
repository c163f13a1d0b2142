/* `trapgate explain`: what is passed around between the views. */
#ifndef TRAPGATE_EXPLAIN_EXPLAIN_H
#define TRAPGATE_EXPLAIN_EXPLAIN_H

#include <stdio.h>

#include "cli/session.h"
#include "explain/drive.h"
#include "explain/facts.h"
#include "explain/options.h"
#include "guest/desc.h"

#define EXPLAIN_SCHEMA_VERSION 1

#define EXPLAIN_NAMES 16

/* The name of a task, read while the kernel's memory was mapped: ring 3's page tables need not map it. */
struct task_name {
	uint64_t task;
	char name[32];
};

struct explain {
	struct task_name names[EXPLAIN_NAMES];
	unsigned named; /* so many were ever put there; the oldest go */
	struct session session;
	struct machine *machine; /* the session's */
	struct drive drive;
	struct explain_options options;
	bool learned; /* symbols and description have been looked for */
	bool has_desc;
	struct desc desc;
	struct facts facts;
	FILE *out; /* what the view prints goes there */
	struct diagnostic why;
};

/* One view.  Finds its moment, puts its facts into x->facts.root.  False: x->why. */
struct explain_view {
	const char *name;
	const char *argument; /* as in the help: "VECTOR", NULL: none */
	bool argument_needed;
	const char *help; /* one line */
	const char *rows; /* of the study that it answers: docs/explain.md */
	const char *text; /* for `explain VIEW --help` */
	unsigned takes;   /* TAKES_*: which of the options that choose a moment it knows */
	bool (*run)(struct explain *x);
};
extern const struct explain_view explain_views[];
extern const unsigned explain_view_count;

/* The subcommand: arguments[0] is "explain".  Returns the exit status: 0, or 2 with one line on standard error. */
int explain_main(int count, char **arguments);

/* NULL: no view of this name. */
const struct explain_view *explain_find(const char *name);

/* Empties the facts and puts those that all views begin with. */
void explain_begin(struct explain *x, const struct explain_view *view);

/* The facts, as the options ask for them, to x->out.  False: x->why. */
bool explain_print(struct explain *x) MUST_CHECK;

/* "what happened never came: how the run ended instead".  Returns false. */
bool explain_never(struct explain *x, const char *what);

#endif
