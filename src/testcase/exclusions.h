/* Where a 386 or later differs from the 80286 that the vectors come from. */
#ifndef TRAPGATE_TESTCASE_EXCLUSIONS_H
#define TRAPGATE_TESTCASE_EXCLUSIONS_H

#include "testcase/moo.h"

struct exclusion {
	bool (*applies)(const char *form, const struct moo_test *t);
	const char *reason;
	enum { LEFT_OUT, FAULTS, COMPARED } what;
	uint8_t vector;     /* FAULTS: of the exception that a 386 raises instead */
	uint16_t registers; /* COMPARED: but for these, 1 << enum moo_reg, */
	uint16_t flags;     /* and these, pushed ones neither */
};

#define EXCLUSIONS 10u
extern const struct exclusion exclusions[EXCLUSIONS];

/* The first row that applies to the test; EXCLUSIONS: none does. */
unsigned exclusion_of(const char *form, const struct moo_test *t);

#endif
