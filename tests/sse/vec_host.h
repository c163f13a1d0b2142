/* Any vector instruction on the processor underneath: its bytes, with registers as given. */
#ifndef TESTS_SSE_VEC_HOST_H
#define TESTS_SSE_VEC_HOST_H

#include "arch/state.h"

/* Offsets are known to vec_host.c's assembly. */
struct vec_state {
	union vec vec[4];    /* 0: YMM0-YMM3 */
	union xmm memory[2]; /* 128: what RDX points to, aligned on 32 bytes */
	uint64_t mmx[2];     /* 160: MM0, MM1 */
	uint64_t rcx;        /* 176 */
	uint64_t rflags;     /* 184 */
	uint32_t mxcsr;      /* 192 */
	uint32_t trapped;    /* 196: #XM */
} __attribute__((aligned(32)));

/* False: the host cannot run AVX2, FMA and F16C. */
bool vec_host_start(void);
/* The bytes become the instruction that the next runs have. */
void vec_host_load(const uint8_t *bytes, unsigned length);
/* s becomes the state afterwards. */
void vec_host_run(struct vec_state *s);

#endif
