/* Runs one instruction in the emulator, in the surroundings of a Linux process. */
#ifndef TRAPGATE_TESTS_NATIVE_EMULATE_H
#define TRAPGATE_TESTS_NATIVE_EMULATE_H

#include "native/arena.h"
#include "rig/rig.h"

/* Physical places of the arena's pages. */
#define PA_CODE      0x100000u
#define PA_DATA      0x102000u
#define PA_READ_ONLY 0x104000u
#define PA_STACK     0x105000u
#define PA_X87       0x107000u
#define PA_SYSTEM    0x108000u
#define PA_TABLES    0x110000u

struct emulator {
	struct rig *rig;
	struct cpu_model model;
	struct arch_state blank;
	uint32_t next_table; /* page tables are there up to this one */
};

void emulator_init(struct emulator *e);
/* What lies at a linear address; NULL: nothing. */
uint8_t *emulator_memory(struct emulator *e, word linear);
void emulator_load(struct emulator *e, word linear, const void *bytes, unsigned size);
/* False: it never trapped (*end is not filled). */
bool emulator_run(struct emulator *e, const struct start *start, bool plain, struct outcome *end);
/* Base and usability of a selector's segment. */
const struct segment *emulator_segment(uint16_t selector);
void emulator_make_segments(void);

#endif
