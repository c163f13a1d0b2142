/* A row of decode/opcodes.def whose handler set does not exist does not link. */
#include "cpu/optable.h"

#define OP(map, opcode, modrm, prefix, mnemonic, set, width, operands, generation, attributes) \
	extern const struct exec exec_##set;
#include "decode/opcodes.def"
#undef OP

const struct exec *const exec_of_row[] = {
#define OP(map, opcode, modrm, prefix, mnemonic, set, width, operands, generation, attributes) &exec_##set,
#include "decode/opcodes.def"
#undef OP
};

const uint8_t opcode_of_row[] = {
#define OP(map, opcode, modrm, prefix, mnemonic, set, width, operands, generation, attributes) 0x##opcode,
#include "decode/opcodes.def"
#undef OP
};
