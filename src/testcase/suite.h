/* A test file: its cases, each with the rows its parameters make. */
#ifndef TRAPGATE_TESTCASE_SUITE_H
#define TRAPGATE_TESTCASE_SUITE_H

#include "testcase/expr.h"

/* One row: a case with its parameters. */
struct row {
	const struct node *node;    /* the case, defaults and presets merged in */
	const struct node *written; /* the case as it stands in the file */
	const char *name;           /* with the parameters: "INT n [dpl=0 cpl=3]" */
	const struct param *params;
};

struct suite {
	struct arena arena;
	struct problems problems;
	const char *file, *bytes; /* its name and text */
	const char *sdm;          /* where the SDM says what its cases test; "": it does not tell */
	size_t size;
	unsigned count;
	struct row *row;
};

/* Reads a file's bytes (they stay the caller's; so does the name).  False: the file as a whole cannot be used;
 * else suite->problems may still hold problems of single cases.  suite_free in either case. */
bool suite_read(struct suite *suite, const char *file, const char *bytes, size_t size, uint64_t seed);
void suite_free(struct suite *suite);

/* The bytes of a regular file of 16 MiB at most, with a zero behind them; NULL: none such. */
char *read_regular_file(struct arena *arena, const char *path, size_t *size);

#endif
