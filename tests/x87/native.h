/* Runs one x87 instruction on the host itself: the state is loaded with FRSTOR,
 * the instruction runs, the state is taken with FNSAVE.  Independent of the
 * code under test. */
#ifndef TESTS_X87_NATIVE_H
#define TESTS_X87_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The 32-bit protected mode format, which 64-bit mode uses too. */
struct fsave {
	uint32_t cw, sw, tw, fip, fcs_fop, fdp, fds;
	uint8_t st[8][10]; /* ST(0) first */
};
_Static_assert(sizeof(struct fsave) == 108, "FSAVE image");

struct native;

/* NULL: the host is no x86, or refuses executable memory. */
struct native *native_new(void);
void native_free(struct native *n);

/* insn is an instruction of 64-bit mode; [RSI] is memory.  eflags in and out;
 * *ax is what it leaves in AX. */
void native_run(struct native *n, const uint8_t *insn, size_t size, void *memory, const struct fsave *before,
		struct fsave *after, uint64_t *eflags, uint16_t *ax);

#endif
