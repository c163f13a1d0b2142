/* Runs one instruction on the host itself, in 32-bit compatibility mode or 64-bit mode: NATIVE_BITS. */
#ifndef TRAPGATE_TESTS_NATIVE_HOST_H
#define TRAPGATE_TESTS_NATIVE_HOST_H

#include "native/arena.h"
#include "testcase/native_enter.h"

struct host {
	uint8_t *code, *data, *read_only, *stack, *x87; /* writable, whatever the instruction may do */
	bool ldt;                                       /* the host lets us have one */
};

/* False: this host cannot (*why says). */
#define HOST_LOOPS 255 /* outcome.vector: it did not end within a tenth of a second */
bool host_init(struct host *host, const char **why);
/* May programs write the base of GS themselves (CR4.FSGSBASE)? */
bool host_has_gs_base(void);
/* Has it linear addresses of 57 bits? */
bool host_has_la57(void);
/* The code lies in host->code already. */
void host_run(const struct start *start, struct outcome *end);

#endif
