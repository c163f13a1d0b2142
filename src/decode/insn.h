/* struct insn: one decoded instruction, one to one with its encoding.
 * Decoding is pure: bytes and a mode in, a struct insn out; no machine
 * state, no allocation, no globals. */
#ifndef TRAPGATE_DECODE_INSN_H
#define TRAPGATE_DECODE_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSN_MAX_LENGTH 15

enum mnemonic {
	MN_INVALID, /* of an instruction that no row fits */
#define MNEMONIC(name) MN_##name,
#include "decode/mnemonics.def"
#undef MNEMONIC
	MNEMONIC_COUNT
};

/* The mnemonic in Intel's spelling, lower case; "(bad)" for MN_INVALID and numbers that are none. */
const char *mnemonic_name(unsigned mnemonic);

/* Processor modes as the decoder sees them.  REAL and VM86 decode alike but some instructions exist in
 * neither (ATTR_PROTECTED).  In LONG64 every instruction is DECODE_UD: no processor model has it. */
enum decode_mode { MODE_REAL, MODE_VM86, MODE_PROTECTED, MODE_COMPAT, MODE_LONG64 };

enum decode_status {
	DECODE_OK,
	DECODE_SHORT,    /* the buffer ended inside the instruction */
	DECODE_UD,       /* no such instruction (here), or LOCK where it may not be: #UD */
	DECODE_TOO_LONG, /* more than 15 bytes: #GP(0) */
};

enum operand_kind {
	OPD_NONE,
	OPD_GPR,     /* reg: 0-15; width 8: 0-15 the low bytes, 16-19 AH CH DH BH */
	OPD_SREG,    /* reg: 0-5 as enum seg */
	OPD_CR,
	OPD_DR,
	OPD_ST,      /* reg: ST(i) */
	OPD_MEM,     /* the insn's base, index, scale, disp, seg; moffs too */
	OPD_IMM,     /* imm, sign-extended to 64 bits where the row says so */
	OPD_REL,     /* imm: displacement from the next instruction */
	OPD_FAR,     /* imm: offset, imm2: selector */
	OPD_STR_SRC, /* [seg:rSI] */
	OPD_STR_DST, /* [ES:rDI] */
};

struct operand {
	uint8_t kind;   /* enum operand_kind */
	uint8_t reg;
	uint16_t width; /* bits; 0 where none applies (LEA's memory, INVLPG) */
};

#define INSN_MAX_OPERANDS 4
#define REG_NONE 0xffu

struct insn {
	uint16_t row;      /* index into the opcode table; 0 where no row fits */
	uint16_t mnemonic; /* enum mnemonic */
	uint8_t status;    /* enum decode_status */
	uint8_t length;    /* bytes; 0 with DECODE_SHORT, the bytes looked at with DECODE_UD */
	uint8_t mode;      /* enum decode_mode */
	uint8_t osize;     /* effective operand size: 16, 32, 64 */
	uint8_t asize;     /* effective address size: 16, 32, 64 */
	uint8_t width;     /* bits the row's width column yields: selects the handler; 0: any */
	bool lock, rep, repne; /* prefixes; rep: F3, repne: F2; last one wins */
	bool opsize_prefix, addrsize_prefix;
	bool seg_override;
	uint8_t seg;       /* effective segment of the memory operand, enum seg */
	bool has_modrm;
	uint8_t modrm, rex;
	uint8_t base, index; /* enum gpr or REG_NONE */
	uint8_t scale;       /* 0-3: index << scale */
	uint8_t disp_size;   /* bytes in the encoding: 0, 1, 2, 4, 8 */
	uint8_t imm_size;    /* bytes in the encoding, of all immediates together */
	bool rip_relative;
	int64_t disp;
	uint64_t imm;
	uint16_t imm2;       /* far selector; ENTER's nesting level */
	uint8_t operands;
	struct operand op[INSN_MAX_OPERANDS];
};

/* Decodes the instruction at the start of bytes.
 *   bytes, size  what may be read; 15 bytes are always enough
 *   mode, db     the mode, and CS.D (1: 32-bit default sizes)
 * Fills *insn whole.  Returns insn->status.  Nothing is read past the
 * instruction's own bytes.  Source: SDM 2, "Instruction Format" and appendix
 * "Opcode Map". */
enum decode_status decode(struct insn *insn, const uint8_t *bytes, size_t size,
			  enum decode_mode mode, bool db);

/* The opcode table, one row an encoding; order as in opcodes.def. */
#define ATTR_END       0x0001u /* ends a block: control flow, mode or state change, I/O */
#define ATTR_LOCK      0x0002u /* LOCK allowed when the destination is memory */
#define ATTR_PROTECTED 0x0004u /* #UD in real and virtual-8086 mode */
#define ATTR_REP       0x0008u /* REP is a loop here */
#define ATTR_REPZ      0x0010u /* REPE/REPNE test ZF (CMPS, SCAS) */
#define ATTR_BRANCH    0x0020u /* near branch */
#define ATTR_I64       0x0040u /* invalid in 64-bit mode */
#define ATTR_O64       0x0080u /* valid in 64-bit mode only */
#define ATTR_X87       0x0100u /* ESC: D8 to DF */
#define ATTR_UD        0x0200u /* decodes (its length matters), then #UD: UD0, UD1, UD2 */

struct opcode_row {
	const char *name;     /* mnemonic, lower case */
	const char *operands; /* as written in the row, for documents */
	const char *encoding; /* "0F A4 /r", for documents */
	uint16_t mnemonic;    /* enum mnemonic */
	uint16_t attributes;
	uint8_t cpu;          /* enum cpu_generation: first processor that has it */
};
enum cpu_generation { GEN_8086, GEN_286, GEN_386, GEN_486, GEN_PENTIUM, GEN_PPRO, GEN_LATER };
extern const struct opcode_row opcode_rows[];
extern const unsigned opcode_row_count;

#endif
