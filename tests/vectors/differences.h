/* Where a 386 or later differs from the 80286 that the vectors come from. */
#ifndef TRAPGATE_TESTS_VECTORS_DIFFERENCES_H
#define TRAPGATE_TESTS_VECTORS_DIFFERENCES_H

#include "vectors/moo.h"

struct difference {
	bool (*applies)(const char *form, const struct moo_test *t);
	const char *reason;
	enum { LEFT_OUT, FAULTS, COMPARED } what;
	uint8_t vector;     /* FAULTS: of the exception that a 386 raises instead */
	uint16_t registers; /* COMPARED: but for these, 1 << enum moo_reg, */
	uint16_t flags;     /* and these, pushed ones neither */
};

#define DIFFERENCES 10u
extern const struct difference differences[DIFFERENCES];

/* The first row that applies to the test; DIFFERENCES: none does. */
unsigned difference_of(const char *form, const struct moo_test *t);

#endif
