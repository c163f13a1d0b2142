/* Single-instruction tests captured from hardware, from files of two forms. */
#ifndef TRAPGATE_TESTCASE_VECTORS_H
#define TRAPGATE_TESTCASE_VECTORS_H

#include "testcase/arena.h"
#include "testcase/moo.h"

/* SingleStepTests in JSON (jansson): a list of tests {name, bytes, initial, final}. */
struct sst_file {
	void *root; /* json_t */
	size_t at, count;
};
/* False: *why says what is wrong. */
bool sst_open(struct sst_file *file, const char *path, struct arena *arena, const char **why);
void sst_close(struct sst_file *file);
/* The next test.  False at the end; *why, if not NULL, says what is wrong with it. */
bool sst_next(struct sst_file *file, struct moo_test *test, struct arena *arena, const char **why);

#endif
