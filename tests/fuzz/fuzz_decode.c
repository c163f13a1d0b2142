/* Any bytes in any mode: the decoder reads nothing behind them, and what it returns keeps its promises. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decode/insn.h"
#include "fuzz.h"

static const uint8_t seed[] = {0x66, 0x67, 0xf0, 0x0f, 0xc7, 0x8c, 0x88, 1, 2, 3, 4, 5, 6, 7, 8};
const uint8_t *const fuzz_seed = seed;
const size_t fuzz_seed_size = sizeof(seed);
const unsigned fuzz_rounds = 300000;

static void require(int promise)
{
	if (!promise)
		abort();
}

static void check_operands(const struct insn *insn)
{
	require(insn->operands <= INSN_MAX_OPERANDS);
	for (unsigned i = 0; i < insn->operands; i++) {
		const struct operand *op = &insn->op[i];
		require(op->kind != OPD_NONE);
		require(op->kind != OPD_GPR || op->reg < (op->width == 8 ? 20 : 16));
		require(op->kind != OPD_SREG || op->reg < 6);
		require(op->kind != OPD_ST || op->reg < 8);
		require((op->kind != OPD_CR && op->kind != OPD_DR) || op->reg < 16);
		require(op->kind != OPD_MMX || op->reg < 8);
		require(op->kind != OPD_VEC || (op->reg < 16 && op->width <= insn->vl));
		require((op->kind != OPD_VEC && op->kind != OPD_MMX) || insn->vl != 0);
	}
	require(insn->base == REG_NONE || insn->base < 16);
	require(insn->index == REG_NONE || insn->index < 16);
	require(insn->seg < 6 && insn->scale < 4);
	require(!insn->rip_relative || (insn->base == REG_NONE && insn->index == REG_NONE && insn->disp_size == 4));
	require(insn->mode == MODE_LONG64 || (insn->asize != 64 && !insn->rip_relative && (insn->vex || !insn->rex)));
}

static void check(const uint8_t *bytes, size_t size, enum decode_mode mode, uint64_t how)
{
	struct insn insn, again;

	require(decode(&insn, bytes, size, mode, how) == insn.status);
	require(insn.row < opcode_row_count);
	require(insn.mnemonic < MNEMONIC_COUNT && mnemonic_name(insn.mnemonic));
	require(insn.length <= INSN_MAX_LENGTH && insn.length <= size);
	require((insn.status == DECODE_SHORT) <= (insn.length == 0 && size < INSN_MAX_LENGTH));
	if (insn.status != DECODE_OK)
		return;
	require(insn.length > 0);
	check_operands(&insn);
	decode(&again, bytes, insn.length, mode, how);
	require(memcmp(&insn, &again, sizeof(insn)) == 0);
	require(decode(&again, bytes, insn.length - 1u, mode, how) == DECODE_SHORT);
}

/* No feature, all features, and features by chance: some of the input's own bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t chance = 0;

	for (size_t i = 0; i < size; i++)
		chance = chance * 31 + data[i];
	for (unsigned mode = MODE_REAL; mode <= MODE_LONG64; mode++) {
		check(data, size, (enum decode_mode)mode, 0);
		check(data, size, (enum decode_mode)mode, DECODE_D32);
		check(data, size, (enum decode_mode)mode, DECODE_ALL_FEATURES);
		check(data, size, (enum decode_mode)mode, DECODE_ALL_FEATURES | DECODE_D32);
		check(data, size, (enum decode_mode)mode, DECODE_ALL_FEATURES | DECODE_D32 | DECODE_AMD);
		check(data, size, (enum decode_mode)mode, chance & (DECODE_ALL_FEATURES | DECODE_D32 | DECODE_AMD));
	}
	return 0;
}
