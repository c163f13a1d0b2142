/* Test instructions, from the opcode table and from chance. */
#ifndef TRAPGATE_TESTS_NATIVE_GENERATE_H
#define TRAPGATE_TESTS_NATIVE_GENERATE_H

#include "cpu/model.h"
#include "decode/insn.h"
#include "native/arena.h"
#include "x87/operands.h"

#define MAX_POKES 4

struct poke {
	word address;
	uint8_t size;
	uint8_t bytes[40];
};

struct test_case {
	struct start start;
	struct insn insn;
	word at;        /* linear, of the first byte */
	unsigned size;  /* of the instruction */
	unsigned total; /* with what follows it: FNSAVE after x87 instructions */
	uint8_t bytes[32];
	unsigned lead; /* bytes of instructions between registers right before it, where execution begins */
	uint8_t lead_bytes[40];
	bool fnsave;     /* one follows it */
	bool lead_logic; /* one of them leaves AF undefined */
	bool has_memory;
	word memory; /* linear, of its explicit operand, BT's bit offset left aside */
	unsigned pokes;
	struct poke poke[MAX_POKES];
};

/* Does the maker of this processor go by AMD's rules (DECODE_AMD)? */
uint64_t host_decodes(void);
/* Is the row there, for the emulator's model, in the mode of this program and by the host's rules? */
bool row_is_met(const struct cpu_model *model, unsigned row);

/* An instruction of this row of the opcode table; turn counts the tries of the row and
 * goes through all ModR/M bytes.  row == opcode_row_count: bytes by chance. */
void make_case(struct random *r, unsigned row, unsigned turn, bool ldt, struct test_case *c);

#endif
