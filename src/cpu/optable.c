/* A row of decode/opcodes.def whose handler set does not exist does not link. */
#include "cpu/optable.h"

#include "cpu/model.h"

#define OP(map, opcode, modrm, prefix, mnemonic, set, width, operands, since, attributes) \
	extern const struct exec exec_##set;
#include "decode/opcodes.def"
#undef OP

const struct exec *const exec_of_row[] = {
#define OP(map, opcode, modrm, prefix, mnemonic, set, width, operands, since, attributes) &exec_##set,
#include "decode/opcodes.def"
#undef OP
};

const uint8_t opcode_of_row[] = {
#define OP(map, opcode, modrm, prefix, mnemonic, set, width, operands, since, attributes) 0x##opcode,
#include "decode/opcodes.def"
#undef OP
};

bool row_is_offered(unsigned row)
{
	for (unsigned i = 0; i < cpu_model_count; i++)
		if (model_has_row(&cpu_models[i], &opcode_rows[row]))
			return true;
	return false;
}
