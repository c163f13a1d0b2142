/* What is not compared with the host, and why. */
#ifndef TRAPGATE_TESTS_NATIVE_RULES_H
#define TRAPGATE_TESTS_NATIVE_RULES_H

#include "native/generate.h"

/* Instructions that are not run natively. */
struct left_out {
	bool (*applies)(const struct test_case *c);
	const char *reason;
};
extern const struct left_out left_out[];
extern const unsigned left_out_count;
/* The first row that applies, left_out_count: none. */
unsigned left_out_of(const struct test_case *c);

/* Flags, x87 conditions and results the SDM leaves undefined. */
struct undefined {
	uint16_t mnemonic;
	bool (*when)(const struct test_case *c); /* NULL: always */
	uint32_t eflags;
	uint16_t fsw;
	const char *sdm; /* the SDM's word, under the instruction's name */
};
/* All that is undefined after c. */
void undefined_after(const struct test_case *c, uint32_t *eflags, uint16_t *fsw);

/* The host does otherwise than an Intel processor. */
struct host_difference {
	bool (*applies)(const struct test_case *c, const struct outcome *host, const struct outcome *ours);
	const char *reason;
};
extern const struct host_difference host_differences[];
extern const unsigned host_difference_count;

#endif
