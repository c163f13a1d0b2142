/* Which cases the processor of an x86-64 Linux computer can run at ring 3. */
#ifndef TRAPGATE_TESTCASE_HOST_H
#define TRAPGATE_TESTCASE_HOST_H

#include "testcase/run.h"

/* Why the host cannot run it; NULL: it can, as far as the scene shows. */
const char *host_unfit(const struct scene *scene);
/* Each instruction that is executed. */
struct host_look {
	const char *why; /* one that the host's kernel or another processor does otherwise */
};
void host_look_at(void *look, struct cpu *cpu, const uint8_t *bytes, unsigned size);
/* Is what was delivered what a host's kernel would see, with its gates? */
bool host_same_way(const struct bench *bench);
/* The page-table entry of a linear address; 0: not present. */
uint64_t host_page_entry(const struct scene *scene, uint64_t linear);

#endif
