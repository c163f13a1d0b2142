/* The tables that opcodes.def expands to. */
#include "decode/table.h"

#include "decode/insn.h"

enum {
#define OP(map, opcode, modrm, prefix, mnemonic, set, width, operands, since, attributes) +1
	ROW_COUNT = 0
#include "decode/opcodes.def"
#undef OP
};

const unsigned opcode_row_count = ROW_COUNT;

const struct row decode_rows[] = {
#define OP(map, opcode, modrm, prefix, mnemonic, set, width, operands, since, attributes)                         \
	{MAP_##map, 0x##opcode, PREFIX_##prefix, WIDTH_##width, MODRM_##modrm, {OPERAND_COLUMNS operands}},
#include "decode/opcodes.def"
#undef OP
};

/* A row with a register in the opcode stands for eight opcodes. */
#define IS_Z(column)                ((column) == COL_Zb || (column) == COL_Zv)
#define LAST_OPCODE(opcode, column) (IS_Z(column) ? (opcode) | 7 : (opcode))

/* Later rows replace earlier ones, on purpose: the last row of each opcode is left. */
#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#pragma GCC diagnostic ignored "-Wgnu-designator"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#pragma GCC diagnostic ignored "-Wpedantic" /* ranges in designators */
#endif
enum { FIRST_COUNT = __COUNTER__ }; /* each OP below takes the next number */
const uint16_t decode_last_row[MAP_COUNT][256] = {
#define FIRST_COLUMN(...)         FIRST_COLUMN_(__VA_ARGS__, )
#define FIRST_COLUMN_(first, ...) COL_##first
#define OP(map, opcode, modrm, prefix, mnemonic, set, width, operands, since, attributes)                         \
	[MAP_##map][0x##opcode... LAST_OPCODE(0x##opcode, FIRST_COLUMN operands)] = __COUNTER__ - FIRST_COUNT,
#include "decode/opcodes.def"
#undef OP
};
#pragma GCC diagnostic pop

/* The sum over the rows of MAP_WANTED. */
const uint64_t decode_map_features[MAP_COUNT] = {
#define OP(map, opcode, modrm, prefix, mnemonic, set, width, operands, since, attributes)                              \
	| (MAP_##map == MAP_WANTED ? DECODE_FEATURE(GEN_##since) : 0)
#define MAP_WANTED MAP_0F38
	[MAP_0F38] = 0
#include "decode/opcodes.def"
	,
#undef MAP_WANTED
#define MAP_WANTED MAP_0F3A
	[MAP_0F3A] = 0
#include "decode/opcodes.def"
	,
#undef MAP_WANTED
#define MAP_WANTED MAP_V0F
	[MAP_V0F] = 0
#include "decode/opcodes.def"
	,
#undef MAP_WANTED
#define MAP_WANTED MAP_V0F38
	[MAP_V0F38] = 0
#include "decode/opcodes.def"
	,
#undef MAP_WANTED
#define MAP_WANTED MAP_V0F3A
	[MAP_V0F3A] = 0
#include "decode/opcodes.def"
	,
#undef MAP_WANTED
#undef OP
};

/* The parts of "0F 01 /4 mem". */
#define MAP_TEXT_1         ""
#define MAP_TEXT_0F        "0F "
#define MAP_TEXT_0F38      "0F 38 "
#define MAP_TEXT_0F3A      "0F 3A "
#define MAP_TEXT_V0F       "VEX 0F "
#define MAP_TEXT_V0F38     "VEX 0F 38 "
#define MAP_TEXT_V0F3A     "VEX 0F 3A "
#define MODRM_TEXT_NONE    ""
#define MODRM_TEXT_ANY     " /r"
#define MODRM_TEXT_MEM     " /r mem"
#define MODRM_TEXT_REG     " /r reg"
#define MODRM_TEXT_D0      " /0"
#define MODRM_TEXT_D1      " /1"
#define MODRM_TEXT_D2      " /2"
#define MODRM_TEXT_D3      " /3"
#define MODRM_TEXT_D4      " /4"
#define MODRM_TEXT_D5      " /5"
#define MODRM_TEXT_D6      " /6"
#define MODRM_TEXT_D7      " /7"
#define MODRM_TEXT_M0      " /0 mem"
#define MODRM_TEXT_M1      " /1 mem"
#define MODRM_TEXT_M2      " /2 mem"
#define MODRM_TEXT_M3      " /3 mem"
#define MODRM_TEXT_M4      " /4 mem"
#define MODRM_TEXT_M5      " /5 mem"
#define MODRM_TEXT_M6      " /6 mem"
#define MODRM_TEXT_M7      " /7 mem"
#define MODRM_TEXT_R0      " /0 reg"
#define MODRM_TEXT_R1      " /1 reg"
#define MODRM_TEXT_R2      " /2 reg"
#define MODRM_TEXT_R3      " /3 reg"
#define MODRM_TEXT_R4      " /4 reg"
#define MODRM_TEXT_R5      " /5 reg"
#define MODRM_TEXT_R6      " /6 reg"
#define MODRM_TEXT_R7      " /7 reg"
#define MODRM_TEXT_X(byte) " " #byte
#define PREFIX_TEXT_NP     ""
#define PREFIX_TEXT_P66    "66 "
#define PREFIX_TEXT_PF3    "F3 "
#define PREFIX_TEXT_PF2    "F2 "
#define PREFIX_TEXT_P00    "NP "
#define PREFIX_TEXT_PNF    "NFx "

const struct opcode_row opcode_rows[] = {
#define OP(map, opcode, modrm, prefix, mnemonic, set, width, operands, since, attributes)                         \
	{#mnemonic,                                                                                                    \
	 OPERAND_TEXT operands,                                                                                        \
	 PREFIX_TEXT_##prefix MAP_TEXT_##map #opcode MODRM_TEXT_##modrm,                                               \
	 MN_##mnemonic,                                                                                                \
	 GEN_##since,                                                                                                  \
	 attributes},
#include "decode/opcodes.def"
#undef OP
};

static const char *const names[MNEMONIC_COUNT] = {
	[MN_INVALID] = "(bad)",
#define MNEMONIC(name) [MN_##name] = #name,
#include "decode/mnemonics.def"
#undef MNEMONIC
};

const char *mnemonic_name(unsigned mnemonic)
{
	return names[mnemonic < MNEMONIC_COUNT ? mnemonic : MN_INVALID];
}
