/* Numbers and text of a case: expressions over its parameters, labels, registers and places. */
#ifndef TRAPGATE_TESTCASE_EXPR_H
#define TRAPGATE_TESTCASE_EXPR_H

#include "testcase/tree.h"

struct scene;

/* A parameter of a row: its text, and its value where the text is a number. */
struct param {
	const char *name, *text;
	bool number;
	int64_t value;
	struct param *next; /* the one bound before */
};

/* What names mean. */
struct scope {
	struct arena *arena;
	struct problems *problems;
	const struct param *params;
	const struct scene *scene; /* NULL: parameters alone */
};

/* The value of text, which stands at node.  C's operators on 64 bits; `n ? a : b`; names; handler(v), iopl(n),
 * idt(v), gdt(sel).  False: a problem was noted. */
bool expr_text(struct scope *scope, const struct node *node, const char *text, int64_t *value);
/* The value of a scalar, after substitution. */
bool expr_node(struct scope *scope, const struct node *node, int64_t *value);
/* The same, of so many bits, unsigned or negative; else a problem. */
bool expr_bits(struct scope *scope, const struct node *node, unsigned bits, uint64_t *value);
/* True or false: a number, or yes, no, true, false, on, off. */
bool expr_bool(struct scope *scope, const struct node *node, bool *value);
/* A scalar's text with each ${...} replaced: by a parameter's text, else by the expression's value.
 * NULL: a problem. */
const char *expr_substitute(struct scope *scope, const struct node *node);
/* Does text look like an expression that can be evaluated (no problems are noted)? */
bool expr_try(struct scope *scope, const struct node *node, const char *text, int64_t *value);

const struct param *param_find(const struct scope *scope, const char *name, size_t length);

#endif
