/* One vector instruction on a rig whose processor has every feature of decode/features.def. */
#ifndef TESTS_SSE_VEC_RIG_H
#define TESTS_SSE_VEC_RIG_H

#include "rig/rig.h"
#include "sse/vec_host.h"

#define VEC_RIG_DATA 0x60000u /* what EDX points to */

/* 32-bit protected mode, or 64-bit mode, at CPL 0. */
struct rig *vec_rig_new(bool long64);
/* Runs the instruction at `at`, where it was written before; s becomes the state afterwards.  Traps are #XM alone. */
void vec_rig_run(struct rig *r, uint64_t at, struct vec_state *s);

#endif
