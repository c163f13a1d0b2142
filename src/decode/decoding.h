/* A decoding under way, and its steps.  For this directory only. */
#ifndef TRAPGATE_DECODE_DECODING_H
#define TRAPGATE_DECODE_DECODING_H

#include "decode/insn.h"
#include "decode/table.h"

/* Registers by their number in an encoding: SDM 2, "Addressing-Mode Encoding of ModR/M and SIB Bytes". */
enum { BX = 3, SP = 4, BP = 5, SI = 6, DI = 7, ES = 0, CS = 1, SS = 2, DS = 3, FS = 4, GS = 5 };

#define MOD(modrm) ((modrm) >> 6)
#define REG(modrm) ((modrm) >> 3 & 7)
#define RM(modrm)  ((modrm)&7)

#define REX_W 8u
#define REX_R 4u
#define REX_X 2u
#define REX_B 1u

struct decoding {
	struct insn *insn;
	const uint8_t *bytes;
	size_t size;
	unsigned at;  /* the next byte to read */
	uint64_t how; /* DECODE_* */
	uint8_t map;  /* enum column_map */
	uint8_t opcode;
	uint8_t selector; /* PREFIX_P00, P66, PF3 or PF2: what the mandatory prefix of a row is matched with */
	bool vex_l;
	bool uses_vvvv; /* an operand is what VEX.vvvv names */
};

static inline bool in_long64(const struct decoding *d)
{
	return d->insn->mode == MODE_LONG64;
}

static inline bool has_feature(const struct decoding *d, unsigned generation)
{
	return d->how & DECODE_FEATURE(generation);
}

/* Reads count bytes, little-endian.  An instruction of more than 15 bytes is found out by needing the
 * sixteenth, so bytes that are missing before it are DECODE_SHORT first. */
static inline enum decode_status fetch(struct decoding *d, unsigned count, uint64_t *value)
{
	unsigned end = d->at + count, most = end < INSN_MAX_LENGTH ? end : INSN_MAX_LENGTH;

	if (d->size < most)
		return DECODE_SHORT;
	if (end > INSN_MAX_LENGTH)
		return DECODE_TOO_LONG;
	*value = 0;
	for (unsigned i = 0; i < count; i++)
		*value |= (uint64_t)d->bytes[d->at + i] << 8 * i;
	d->at = end;
	return DECODE_OK;
}

static inline uint64_t sign_extend(uint64_t value, unsigned bytes)
{
	uint64_t sign = UINT64_C(1) << (8 * bytes - 1);

	return (value ^ sign) - sign;
}

/* Prefixes and escapes up to the opcode: fills map, opcode and selector. */
enum decode_status decode_prefixes(struct decoding *d);

/* Address, operands and immediates of insn->row. */
enum decode_status decode_operands(struct decoding *d);

/* insn.width as the row's column has it. */
uint8_t decode_width(const struct insn *insn);

#endif
