/* A YAML file as a tree: scalars, lists and mappings, each with its place in the file; aliases and merge
 * keys resolved.  Whatever is wrong is a problem with a place. */
#ifndef TRAPGATE_TESTCASE_TREE_H
#define TRAPGATE_TESTCASE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "testcase/arena.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct place {
	unsigned line, column; /* from 1; columns in characters */
};

struct entry {
	const struct node *key, *value;
};

struct node {
	enum node_kind kind;
	bool quoted; /* a scalar in quotes */
	bool block;  /* a literal or folded scalar: its text begins on the next line */
	bool flow;   /* a list in [] or a mapping in {} */
	const char *file;
	struct place start, end; /* end: behind the last character of a scalar or of a flow list or mapping */
	const char *text;        /* scalar */
	unsigned count;
	const struct node **item; /* list */
	struct entry *entry;      /* mapping */
};

struct problem {
	const char *file;
	struct place at;
	const char *text;
	struct problem *next;
};

struct problems {
	struct arena *arena;
	struct problem *first;
	unsigned count;
};

/* Notes a problem at the place of a node, once.  Returns false, so that a check can `return problem(...)`. */
bool problem(struct problems *problems, const struct node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool problem_at(struct problems *problems, const char *file, struct place at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The tree of size bytes; NULL: problems.  file is the name for messages and stays the caller's. */
const struct node *tree_read(struct arena *arena, const char *file, const char *bytes, size_t size,
			     struct problems *problems);

/* A mapping's value; NULL: no such key, or no mapping. */
const struct node *tree_get(const struct node *map, const char *key);
/* over's entries on top of base's; mappings inside mappings likewise.  Either may be NULL. */
const struct node *tree_merge(struct arena *arena, const struct node *base, const struct node *over);
/* Is node a mapping with no key but these (a list that ends in NULL)?  Else problems. */
bool tree_keys(struct problems *problems, const struct node *node, const char *const *known);
/* Nothing was written: `key:` alone, ~ or null. */
bool tree_is_null(const struct node *node);

#endif
