/* Runs one instruction on the host itself, in 32-bit compatibility mode. */
#ifndef TRAPGATE_TESTS_NATIVE_HOST_H
#define TRAPGATE_TESTS_NATIVE_HOST_H

/* Fixed places of the way in; for enter.S too. */
#define HOST_STUB      0x50000000
#define HOST_STATE     0x50001000
#define HOST_GPR       (HOST_STATE + 0x00)
#define HOST_SS_ESP    (HOST_STATE + 0x20)
#define HOST_CS_EIP    (HOST_STATE + 0x28)
#define HOST_EFLAGS    (HOST_STATE + 0x30)
#define HOST_DS        (HOST_STATE + 0x34)
#define HOST_ES        (HOST_STATE + 0x38)
#define HOST_GS        (HOST_STATE + 0x3c)
#define HOST_USE_X87   (HOST_STATE + 0x40)
#define HOST_SAVED_RSP (HOST_STATE + 0x48)
#define HOST_ENTRY     (HOST_STATE + 0x50)
#define HOST_FSAVE     (HOST_STATE + 0x100)
#define HOST_STACK     (HOST_STATE + 0x800)

#ifndef __ASSEMBLER__
#include "native/arena.h"

struct host {
	uint8_t *code, *data, *read_only, *stack, *x87; /* writable, whatever the instruction may do */
	bool ldt;                                       /* the host lets us have one */
};

/* False: this host cannot (*why says). */
#define HOST_LOOPS 255 /* outcome.vector: it did not end within a tenth of a second */
bool host_init(struct host *host, const char **why);
/* The code lies in host->code already. */
void host_run(const struct start *start, struct outcome *end);
#endif

#endif
