/* Test instructions, from the opcode table and from chance. */
#ifndef TRAPGATE_TESTS_NATIVE_GENERATE_H
#define TRAPGATE_TESTS_NATIVE_GENERATE_H

#include "decode/insn.h"
#include "native/arena.h"
#include "x87/operands.h"

#define MAX_POKES 4

struct poke {
	uint32_t address;
	uint8_t size;
	uint8_t bytes[12];
};

struct test_case {
	struct start start;
	struct insn insn;
	uint32_t at;    /* linear, of the first byte */
	unsigned size;  /* of the instruction */
	unsigned total; /* with what follows it: FNSAVE after x87 instructions */
	uint8_t bytes[32];
	unsigned lead; /* bytes of instructions between registers right before it, where execution begins */
	uint8_t lead_bytes[40];
	bool fnsave;     /* one follows it */
	bool lead_logic; /* one of them leaves AF undefined */
	bool has_memory;
	uint32_t memory; /* linear, of its explicit operand, BT's bit offset left aside */
	unsigned pokes;
	struct poke poke[MAX_POKES];
};

/* An instruction of this row of the opcode table; turn counts the tries of the row and
 * goes through all ModR/M bytes.  row == opcode_row_count: bytes by chance. */
void make_case(struct random *r, unsigned row, unsigned turn, bool ldt, struct test_case *c);

#endif
