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
 * neither (ATTR_PROTECTED, and all with a VEX prefix).  COMPAT is PROTECTED, but for SYSENTER and SYSEXIT, which
 * AMD has not in it. */
enum decode_mode { MODE_REAL, MODE_VM86, MODE_PROTECTED, MODE_COMPAT, MODE_LONG64 };

enum decode_status {
	DECODE_OK,
	DECODE_SHORT,    /* the buffer ended inside the instruction */
	DECODE_UD,       /* no such instruction (here), or a prefix that may not be: #UD */
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
	OPD_MMX,     /* reg: MM0-MM7 */
	OPD_VEC,     /* reg: XMM0-XMM15, YMM where width is 256; width: the bits of it that count */
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
	uint8_t modrm;
	uint8_t rex;         /* 40h-4Fh, 0 where there is none; of a VEX prefix 40h and its W, R, X, B */
	uint8_t vex;         /* bytes of the VEX prefix: 0, 2, 3 */
	uint8_t vvvv;        /* register that VEX.vvvv names; 0 where it names none */
	uint16_t vl;         /* bits of the vectors: 128 or 256 (VEX.L), 64 with MMX alone; 0: no vector operand */
	uint8_t vsib;        /* bits of one index in the vector register index: 32, 64; 0: index is general */
	uint8_t base, index; /* enum gpr or REG_NONE */
	uint8_t scale;       /* 0-3: index << scale */
	uint8_t disp_size;   /* bytes in the encoding: 0, 1, 2, 4, 8 */
	uint8_t imm_size;    /* bytes in the encoding, of all immediates together */
	bool rip_relative;   /* disp counts from the next instruction; base and index are REG_NONE */
	int64_t disp;
	uint64_t imm;
	uint16_t imm2;       /* far selector; ENTER's nesting level */
	uint8_t operands;
	struct operand op[INSN_MAX_OPERANDS];
};

/* What decode() is told besides the mode: a sum of these. */
#define DECODE_D32 UINT64_C(1) /* CS.D: 32-bit default sizes.  Nothing in 64-bit mode */
#define DECODE_AMD UINT64_C(2) /* AMD's rules instead of Intel's: see ATTR_BRANCH, ATTR_FAR, ATTR_SYSCALL, ... */
/* GEN_<feature>: rows that are since this feature exist.  Those without are as if they were not in the table,
 * so bytes have the meaning that processors before the feature give them. */
#define DECODE_FEATURE(generation)                                                                                     \
	((generation) > GEN_LATER ? UINT64_C(4) << (((generation)-GEN_LATER - 1) & 63) : 0)
#define DECODE_ALL_FEATURES        ((DECODE_FEATURE(GEN_COUNT) - 1) & ~UINT64_C(3))

/* Decodes the instruction at the start of bytes.
 *   bytes, size  what may be read; 15 bytes are always enough
 *   mode         the mode
 *   how          DECODE_*.  A bool for CS.D is one: an Intel processor without later features
 * Fills *insn whole.  Returns insn->status.  Nothing is read past the
 * instruction's own bytes.  Source: SDM 2, "Instruction Format" and appendix
 * "Opcode Map". */
enum decode_status decode(struct insn *insn, const uint8_t *bytes, size_t size,
			  enum decode_mode mode, uint64_t how);

/* The opcode table, one row an encoding; order as in opcodes.def. */
#define ATTR_END       0x000001u /* ends a block: control flow, mode or state change, I/O */
#define ATTR_LOCK      0x000002u /* LOCK allowed when the destination is memory */
#define ATTR_PROTECTED 0x000004u /* #UD in real and virtual-8086 mode */
#define ATTR_REP       0x000008u /* REP is a loop here */
#define ATTR_REPZ      0x000010u /* REPE/REPNE test ZF (CMPS, SCAS) */
#define ATTR_BRANCH    0x000020u /* near branch: 64 bits in 64-bit mode, 66 ignored; AMD: 16 bits with 66 */
#define ATTR_I64       0x000040u /* invalid in 64-bit mode */
#define ATTR_O64       0x000080u /* valid in 64-bit mode only */
#define ATTR_X87       0x000100u /* ESC: D8 to DF */
#define ATTR_UD        0x000200u /* decodes (its length matters), then #UD: UD0, UD1, UD2 */
#define ATTR_D64       0x000400u /* operand size 64 in 64-bit mode by default, 16 with 66, never 32 */
#define ATTR_F64       0x000800u /* operand size 64 in 64-bit mode, whatever the prefixes */
#define ATTR_FAR       0x001000u /* far pointer in memory: AMD ignores REX.W */
#define ATTR_SYSCALL   0x002000u /* outside 64-bit mode with AMD alone (SYSCALL, SYSRET) */
#define ATTR_SYSENTER  0x004000u /* in long mode with Intel alone (SYSENTER, SYSEXIT) */
#define ATTR_W0        0x008000u /* REX.W or VEX.W 0 selects the row */
#define ATTR_W1        0x010000u /* REX.W or VEX.W 1 selects the row */
#define ATTR_B0        0x020000u /* REX.B 0 selects the row */
#define ATTR_L0        0x040000u /* VEX.L 0 selects the row: 128 bits, or none */
#define ATTR_L1        0x080000u /* VEX.L 1 selects the row: 256 bits */
#define ATTR_LIG       0x100000u /* VEX.L is ignored: scalars */
#define ATTR_256_AVX2  0x200000u /* with VEX.L 1 the row needs AVX2 */
#define ATTR_DISTINCT  0x400000u /* the vector registers named must differ: gathers */
#define ATTR_INTEL     0x800000u /* AMD has it not */

/* The first processor that has a row: a generation, or a feature that CPUID announces. */
enum cpu_generation {
	GEN_8086, GEN_286, GEN_386, GEN_486, GEN_PENTIUM, GEN_PPRO, GEN_LATER,
#define FEATURE(name, leaf, subleaf, reg, bit, with) GEN_##name,
#include "decode/features.def"
#undef FEATURE
	GEN_COUNT
};

struct opcode_row {
	const char *name;     /* mnemonic, lower case */
	const char *operands; /* as written in the row, for documents */
	const char *encoding; /* "0F A4 /r", for documents */
	uint16_t mnemonic;    /* enum mnemonic */
	uint8_t cpu;          /* enum cpu_generation */
	uint32_t attributes;
};
extern const struct opcode_row opcode_rows[];
extern const unsigned opcode_row_count;

#endif
