/* A processor that executes one step of another machine's guest on a copy of what it touches. */
#ifndef TRAPGATE_TESTCASE_REPLICA_H
#define TRAPGATE_TESTCASE_REPLICA_H

#include "cpu/cpu.h"

#define REPLICA_MOST_BYTES 4096u

struct replica_byte {
	uint64_t pa;
	uint8_t before, now;
};

struct replica {
	struct bus *bus, *original;
	struct clock clock;
	struct trace trace;
	struct cpu cpu;
	struct arch_state start;
	bool event; /* something is raised: ... */
	bool nmi;
	uint8_t vector;
	struct replica_byte *byte; /* every byte of memory that was read or written */
	unsigned bytes;
	uint8_t code[INSN_MAX_LENGTH]; /* what is executed, for people */
	unsigned code_bytes;
	const char *trouble; /* why this is no case; NULL: it is one */
	struct delivery_record delivered[8];
	unsigned deliveries;
};

/* As cpu stands now, before its next step; original's memory is only looked at.  NULL: out of memory. */
struct replica *replica_new(struct bus *original, const struct cpu *cpu);
void replica_free(struct replica *replica);
/* One step: an event (raised first, if there is one) or an instruction; bytes and deliveries are filled in. */
void replica_step(struct replica *replica);

#endif
