/* The host processor as the reference: runs one instruction on given registers
 * and status flags. */
#ifndef TRAPGATE_TESTS_INTEGER_NATIVE_H
#define TRAPGATE_TESTS_INTEGER_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

struct native_state {
	uint64_t rax, rcx, rdx, rbx;
	uint64_t flags;
};

struct native;

/* NULL: this host cannot do it (not x86-64, no memory that is writable and
 * executable).  compat: the instruction runs in 32-bit compatibility mode, which a
 * host may refuse as well. */
struct native *native_new(bool compat);
void native_free(struct native *n);
/* The instruction must not touch memory or fault. */
void native_run(struct native *n, const uint8_t *insn, unsigned length, struct native_state *s);

#endif
