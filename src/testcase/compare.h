/* What is otherwise than a case expects. */
#ifndef TRAPGATE_TESTCASE_COMPARE_H
#define TRAPGATE_TESTCASE_COMPARE_H

#include "testcase/run.h"

struct difference {
	const struct node *node; /* the value that was expected; NULL: nothing was stated */
	const char *text;        /* "eax: expected 00000001, found 00000002" */
	/* for --bless: what to put in node's place; NULL: nothing can be */
	const char *replacement;
	/* ... or, without a node: `key: value` under `section` of the expectation ("regs", "memory", or "" for the
	 * expectation itself) */
	const char *section, *key, *value;
};

struct differences {
	struct arena *arena;
	unsigned count;
	struct difference *item;
	int first_delivery; /* the first delivery that is otherwise; -1: none is */
};

void compare(const struct scene *scene, const struct bench *bench, struct differences *out);
/* Two runs of the same scene that must be alike. */
void compare_runs(const struct scene *scene, const struct bench *plain, const struct bench *blocks,
		  struct differences *out);
/* "GP(0x282) GATE_DPL", as a case would state it. */
const char *delivery_text(struct arena *arena, const struct delivery_record *r);
/* "CF ZF -IF": flags of now that were otherwise before. */
const char *flags_text(struct arena *arena, uint64_t before, uint64_t now, uint64_t mask);

#endif
