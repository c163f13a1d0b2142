/* SSE, AVX, FMA and F16C instructions of the processor underneath. */
#ifndef TESTS_SSE_FP_HOST_H
#define TESTS_SSE_FP_HOST_H

#include <stdbool.h>
#include <stdint.h>

/* Vector operands of the instruction: xmm0, xmm1, xmm2, 16 bytes each. */
struct host_operands {
	uint64_t xmm[3][2];
};
struct host_result {
	uint64_t xmm[2]; /* xmm0 */
	uint64_t gpr;    /* RDX; from RDX */
	uint32_t mxcsr;  /* afterwards */
	uint64_t rflags;
	bool trapped; /* #XM */
};

#define HOST_IMM 32 /* the most values of an immediate */
typedef void host_fn(const struct host_operands *in, uint32_t mxcsr, struct host_result *out);
struct host_op {
	const char *name;
	host_fn *fn[HOST_IMM]; /* by immediate; without one: [0] */
};

/* NULL: the host has no such processor. */
const struct host_op *host_find(const char *name);
/* Catches #XM. */
void host_prepare(void);

#endif
