/* The decoder: prefixes, opcode, ModR/M and SIB, operands, immediates, then the checks that need the whole
 * instruction.  SDM 2, "Instruction Format". */
#include "decode/insn.h"

#include <string.h>

#include "decode/table.h"

/* Registers by their number in an encoding: SDM 2, "Addressing-Mode Encoding of ModR/M and SIB Bytes". */
enum { BX = 3, SP = 4, BP = 5, SI = 6, DI = 7, ES = 0, CS = 1, SS = 2, DS = 3, FS = 4, GS = 5 };

#define MOD(modrm) ((modrm) >> 6)
#define REG(modrm) ((modrm) >> 3 & 7)
#define RM(modrm)  ((modrm)&7)

/* The bytes still to be read. */
struct cursor {
	const uint8_t *bytes;
	size_t size;
	unsigned at;
};

/* Reads count bytes, little-endian.  An instruction of more than 15 bytes is found out by needing the
 * sixteenth, so bytes that are missing before it are DECODE_SHORT first. */
static enum decode_status fetch(struct cursor *c, unsigned count, uint64_t *value)
{
	unsigned end = c->at + count, most = end < INSN_MAX_LENGTH ? end : INSN_MAX_LENGTH;

	if (c->size < most)
		return DECODE_SHORT;
	if (end > INSN_MAX_LENGTH)
		return DECODE_TOO_LONG;
	*value = 0;
	for (unsigned i = 0; i < count; i++)
		*value |= (uint64_t)c->bytes[c->at + i] << 8 * i;
	c->at = end;
	return DECODE_OK;
}

static uint64_t sign_extend(uint64_t value, unsigned bytes)
{
	uint64_t sign = UINT64_C(1) << (8 * bytes - 1);

	return (value ^ sign) - sign;
}

/* ---- Prefixes ---- */

enum prefix_kind { NO_PREFIX, PREFIX_LOCK, PREFIX_REPNE, PREFIX_REP, PREFIX_SEGMENT, PREFIX_OPSIZE, PREFIX_ADDRSIZE };

static const uint8_t prefix_kinds[256] = {
	[0xf0] = PREFIX_LOCK,    [0xf2] = PREFIX_REPNE,   [0xf3] = PREFIX_REP,      [0x26] = PREFIX_SEGMENT,
	[0x2e] = PREFIX_SEGMENT, [0x36] = PREFIX_SEGMENT, [0x3e] = PREFIX_SEGMENT,  [0x64] = PREFIX_SEGMENT,
	[0x65] = PREFIX_SEGMENT, [0x66] = PREFIX_OPSIZE,  [0x67] = PREFIX_ADDRSIZE,
};

static uint8_t prefix_segment(uint8_t byte)
{
	return byte >= 0x64 ? FS + (byte & 1) : byte >> 3 & 3;
}

/* Reads up to the first byte of the opcode, which goes to *opcode.  Of several prefixes of one group
 * (F2 and F3; the segments) the last counts: the SDM leaves that undefined, every processor does it. */
static enum decode_status read_prefixes(struct insn *insn, struct cursor *c, uint64_t *opcode)
{
	enum decode_status status;

	while ((status = fetch(c, 1, opcode)) == DECODE_OK) {
		switch (prefix_kinds[*opcode]) {
		case NO_PREFIX:
			return DECODE_OK;
		case PREFIX_LOCK:
			insn->lock = true;
			break;
		case PREFIX_REPNE:
		case PREFIX_REP:
			insn->rep = *opcode == 0xf3;
			insn->repne = !insn->rep;
			break;
		case PREFIX_SEGMENT:
			insn->seg_override = true;
			insn->seg = prefix_segment((uint8_t)*opcode);
			break;
		case PREFIX_OPSIZE:
			insn->opsize_prefix = true;
			break;
		case PREFIX_ADDRSIZE:
			insn->addrsize_prefix = true;
			break;
		}
	}
	return status;
}

/* ---- ModR/M ---- */

static void default_segment(struct insn *insn, uint8_t seg)
{
	if (!insn->seg_override)
		insn->seg = seg;
}

static enum decode_status read_disp(struct insn *insn, struct cursor *c, unsigned bytes)
{
	uint64_t value;
	enum decode_status status;

	if (bytes == 0)
		return DECODE_OK;
	status = fetch(c, bytes, &value);
	if (status != DECODE_OK)
		return status;
	insn->disp_size = (uint8_t)bytes;
	insn->disp = (int64_t)sign_extend(value, bytes);
	return DECODE_OK;
}

/* SDM 2, table "16-Bit Addressing Forms with the ModR/M Byte". */
static enum decode_status read_memory16(struct insn *insn, struct cursor *c)
{
	static const uint8_t base[8] = {BX, BX, BP, BP, SI, DI, BP, BX};
	static const uint8_t index[8] = {SI, DI, SI, DI, REG_NONE, REG_NONE, REG_NONE, REG_NONE};
	unsigned mod = MOD(insn->modrm), rm = RM(insn->modrm);

	if (mod == 0 && rm == 6)
		return read_disp(insn, c, 2);
	insn->base = base[rm];
	insn->index = index[rm];
	if (insn->base == BP)
		default_segment(insn, SS);
	return read_disp(insn, c, mod);
}

/* SDM 2, tables "32-Bit Addressing Forms with the ModR/M Byte" and "... with the SIB Byte". */
static enum decode_status read_memory32(struct insn *insn, struct cursor *c)
{
	unsigned mod = MOD(insn->modrm), base = RM(insn->modrm);

	if (base == 4) { /* a SIB byte */
		uint64_t sib;
		enum decode_status status = fetch(c, 1, &sib);
		if (status != DECODE_OK)
			return status;
		base = RM(sib);
		if (REG(sib) != 4) { /* 4: no index, and the scale has no meaning */
			insn->index = REG(sib);
			insn->scale = (uint8_t)MOD(sib);
		}
	}
	if (mod == 0 && base == BP)
		return read_disp(insn, c, 4);
	insn->base = (uint8_t)base;
	if (base == SP || base == BP)
		default_segment(insn, SS);
	return read_disp(insn, c, mod == 2 ? 4 : mod);
}

/* ---- Rows ---- */

static bool row_fits(const struct row *row, const struct insn *insn)
{
	unsigned mod = MOD(insn->modrm), digit = REG(insn->modrm);
	unsigned wanted = row->modrm & 0xff;

	if ((row->prefix == PREFIX_P66 && !insn->opsize_prefix) || (row->prefix == PREFIX_PF3 && !insn->rep) ||
	    (row->prefix == PREFIX_PF2 && !insn->repne) ||
	    (row->prefix == PREFIX_P00 && (insn->opsize_prefix || insn->rep || insn->repne)))
		return false;
	switch (MODRM_KIND(row->modrm)) {
	case MODRM_MEM:
		return mod != 3;
	case MODRM_REG:
		return mod == 3;
	case MODRM_D0:
		return digit == wanted;
	case MODRM_M0:
		return digit == wanted && mod != 3;
	case MODRM_R0:
		return digit == wanted && mod == 3;
	case MODRM_X(00):
		return insn->modrm == wanted;
	default:
		return true;
	}
}

/* Reads the rest of the opcode and the ModR/M byte, finds the row.  An opcode that does not exist is found
 * out without its ModR/M byte, a ModR/M byte that does not without its displacement. */
static enum decode_status find_row(struct insn *insn, struct cursor *c, uint64_t *opcode)
{
	enum decode_status status;
	unsigned map = MAP_1;
	uint64_t modrm;

	if (*opcode == 0x0f) {
		map = MAP_0F;
		status = fetch(c, 1, opcode);
		if (status != DECODE_OK)
			return status;
	}
	unsigned next = decode_last_row[map][*opcode];
	if (next == 0)
		return DECODE_UD;
	const struct row *row = &decode_rows[next - 1];
	uint8_t first = row->opcode;
	if (row->modrm != MODRM_NONE) {
		status = fetch(c, 1, &modrm);
		if (status != DECODE_OK)
			return status;
		insn->has_modrm = true;
		insn->modrm = (uint8_t)modrm;
	}
	while (!row_fits(row, insn)) {
		if (row == decode_rows || row[-1].opcode != first || row[-1].map != map)
			return DECODE_UD;
		row--;
	}
	insn->row = (uint16_t)(row - decode_rows);
	insn->mnemonic = opcode_rows[insn->row].mnemonic;
	return DECODE_OK;
}

/* ---- Operands ---- */

enum width_code {
	BITS_V = 0xf000, /* operand size */
	BITS_Z,          /* the same, 32 for 64 */
	BITS_N,          /* 32, or 64 in 64-bit mode */
	BITS_FAR,        /* 16 and the operand size */
	BITS_PAIR,       /* twice the operand size */
	BITS_TABLE,      /* limit and base of GDTR or IDTR */
	BITS_ENV,        /* SDM 1, "Protected Mode x87 FPU State Image in Memory" */
	BITS_STATE,      /* the same and eight registers */
};

static uint16_t bits_of(const struct insn *insn, unsigned code)
{
	switch (code) {
	case BITS_V:
		return insn->osize;
	case BITS_Z:
		return insn->osize == 16 ? 16 : 32;
	case BITS_N:
		return insn->mode == MODE_LONG64 ? 64 : 32;
	case BITS_FAR:
		return 16 + insn->osize;
	case BITS_PAIR:
		return 2 * insn->osize;
	case BITS_TABLE:
		return insn->mode == MODE_LONG64 ? 80 : 48;
	case BITS_ENV:
		return insn->osize == 16 ? 14 * 8 : 28 * 8;
	case BITS_STATE:
		return insn->osize == 16 ? 94 * 8 : 108 * 8;
	default:
		return (uint16_t)code;
	}
}

/* Where the operand's number comes from. */
enum source {
	FROM_RM,     /* modrm r/m, a register if mod is 3, else memory */
	FROM_RM_REG, /* modrm r/m, a register whatever mod is */
	FROM_REG,    /* modrm reg */
	FROM_OPCODE, /* the opcode's low three bits */
	FIXED,       /* number; an immediate: that constant */
	FROM_IMM,    /* the next immediate, sign-extended */
	FROM_IMM_U,  /* the next immediate, zero-extended */
	FROM_MOFFS,  /* an offset of the address size */
};

struct column {
	uint8_t kind; /* enum operand_kind */
	uint8_t source;
	uint8_t number;
	uint16_t bits; /* or enum width_code */
};

static const struct column columns[COL_COUNT] = {
	[COL_Eb] = {OPD_GPR, FROM_RM, 0, 8},
	[COL_Ew] = {OPD_GPR, FROM_RM, 0, 16},
	[COL_Ev] = {OPD_GPR, FROM_RM, 0, BITS_V},
	[COL_Gb] = {OPD_GPR, FROM_REG, 0, 8},
	[COL_Gw] = {OPD_GPR, FROM_REG, 0, 16},
	[COL_Gv] = {OPD_GPR, FROM_REG, 0, BITS_V},
	[COL_Rv] = {OPD_GPR, FROM_RM_REG, 0, BITS_V},
	[COL_Rn] = {OPD_GPR, FROM_RM_REG, 0, BITS_N},
	[COL_M] = {OPD_MEM, FROM_RM, 0, 0},
	[COL_Mw] = {OPD_MEM, FROM_RM, 0, 16},
	[COL_Md] = {OPD_MEM, FROM_RM, 0, 32},
	[COL_Mq] = {OPD_MEM, FROM_RM, 0, 64},
	[COL_Mt] = {OPD_MEM, FROM_RM, 0, 80},
	[COL_Mp] = {OPD_MEM, FROM_RM, 0, BITS_FAR},
	[COL_Ma] = {OPD_MEM, FROM_RM, 0, BITS_PAIR},
	[COL_Ms] = {OPD_MEM, FROM_RM, 0, BITS_TABLE},
	[COL_Me] = {OPD_MEM, FROM_RM, 0, BITS_ENV},
	[COL_Mf] = {OPD_MEM, FROM_RM, 0, BITS_STATE},
	[COL_Zb] = {OPD_GPR, FROM_OPCODE, 0, 8},
	[COL_Zv] = {OPD_GPR, FROM_OPCODE, 0, BITS_V},
	[COL_AL] = {OPD_GPR, FIXED, 0, 8},
	[COL_AX] = {OPD_GPR, FIXED, 0, 16},
	[COL_rAX] = {OPD_GPR, FIXED, 0, BITS_V},
	[COL_eAX] = {OPD_GPR, FIXED, 0, BITS_Z},
	[COL_CL] = {OPD_GPR, FIXED, 1, 8},
	[COL_DX] = {OPD_GPR, FIXED, 2, 16},
	[COL_Ib] = {OPD_IMM, FROM_IMM, 0, 8},
	[COL_Iz] = {OPD_IMM, FROM_IMM, 0, BITS_Z},
	[COL_Iv] = {OPD_IMM, FROM_IMM, 0, BITS_V},
	[COL_Ub] = {OPD_IMM, FROM_IMM_U, 0, 8},
	[COL_Uw] = {OPD_IMM, FROM_IMM_U, 0, 16},
	[COL_1] = {OPD_IMM, FIXED, 1, 8},
	[COL_Jb] = {OPD_REL, FROM_IMM, 0, 8},
	[COL_Jz] = {OPD_REL, FROM_IMM, 0, BITS_Z},
	[COL_Ap] = {OPD_FAR, FROM_IMM_U, 0, BITS_FAR},
	[COL_Ob] = {OPD_MEM, FROM_MOFFS, 0, 8},
	[COL_Ov] = {OPD_MEM, FROM_MOFFS, 0, BITS_V},
	[COL_Sw] = {OPD_SREG, FROM_REG, 0, 16},
	[COL_ES] = {OPD_SREG, FIXED, ES, 16},
	[COL_CS] = {OPD_SREG, FIXED, CS, 16},
	[COL_SS] = {OPD_SREG, FIXED, SS, 16},
	[COL_DS] = {OPD_SREG, FIXED, DS, 16},
	[COL_FS] = {OPD_SREG, FIXED, FS, 16},
	[COL_GS] = {OPD_SREG, FIXED, GS, 16},
	[COL_Cn] = {OPD_CR, FROM_REG, 0, BITS_N},
	[COL_Dn] = {OPD_DR, FROM_REG, 0, BITS_N},
	[COL_Xb] = {OPD_STR_SRC, FIXED, 0, 8},
	[COL_Xv] = {OPD_STR_SRC, FIXED, 0, BITS_V},
	[COL_Xz] = {OPD_STR_SRC, FIXED, 0, BITS_Z},
	[COL_Yb] = {OPD_STR_DST, FIXED, 0, 8},
	[COL_Yv] = {OPD_STR_DST, FIXED, 0, BITS_V},
	[COL_Yz] = {OPD_STR_DST, FIXED, 0, BITS_Z},
	[COL_ST0] = {OPD_ST, FIXED, 0, 80},
	[COL_STi] = {OPD_ST, FROM_RM_REG, 0, 80},
};

/* Reads an immediate.  Two instructions have two: a far pointer its selector, ENTER the nesting level. */
static enum decode_status read_immediate(struct insn *insn, struct cursor *c, const struct operand *op, bool sign)
{
	unsigned bytes = op->kind == OPD_FAR ? insn->osize / 8 : op->width / 8;
	bool second = insn->imm_size != 0;
	uint64_t value;
	enum decode_status status = fetch(c, bytes, &value);

	if (status != DECODE_OK)
		return status;
	insn->imm_size += (uint8_t)bytes;
	if (second)
		insn->imm2 = (uint16_t)value;
	else
		insn->imm = sign ? sign_extend(value, bytes) : value;
	if (op->kind == OPD_FAR) {
		status = fetch(c, 2, &value);
		if (status != DECODE_OK)
			return status;
		insn->imm_size += 2;
		insn->imm2 = (uint16_t)value;
	}
	return DECODE_OK;
}

static enum decode_status read_moffs(struct insn *insn, struct cursor *c)
{
	uint64_t value;
	enum decode_status status = fetch(c, insn->asize / 8u, &value);

	if (status != DECODE_OK)
		return status;
	insn->disp_size = insn->asize / 8u;
	insn->disp = (int64_t)value;
	return DECODE_OK;
}

/* A register's number as an operand: of the byte registers 4 to 7 are AH, CH, DH and BH. */
static uint8_t register_number(const struct insn *insn, const struct operand *op, unsigned number)
{
	return op->kind == OPD_GPR && op->width == 8 && number >= 4 && !insn->rex ? (uint8_t)(number + 12)
										  : (uint8_t)number;
}

static enum decode_status read_operand(struct insn *insn, struct cursor *c, struct operand *op, unsigned which,
				       uint8_t opcode)
{
	const struct column *column = &columns[which];

	*op = (struct operand){.kind = column->kind, .width = bits_of(insn, column->bits)};
	switch (column->source) {
	case FROM_RM:
		if (MOD(insn->modrm) != 3) {
			op->kind = OPD_MEM;
			return DECODE_OK;
		}
		op->reg = register_number(insn, op, RM(insn->modrm));
		return DECODE_OK;
	case FROM_RM_REG:
		op->reg = register_number(insn, op, RM(insn->modrm));
		return DECODE_OK;
	case FROM_REG:
		op->reg = register_number(insn, op, REG(insn->modrm));
		return op->kind == OPD_SREG && op->reg > GS ? DECODE_UD : DECODE_OK;
	case FROM_OPCODE:
		op->reg = register_number(insn, op, opcode & 7);
		return DECODE_OK;
	case FROM_IMM:
	case FROM_IMM_U:
		return read_immediate(insn, c, op, column->source == FROM_IMM);
	case FROM_MOFFS:
		return read_moffs(insn, c);
	default:
		if (op->kind == OPD_IMM)
			insn->imm = column->number;
		else
			op->reg = column->number;
		return DECODE_OK;
	}
}

/* Is the ModR/M byte's r/m a memory operand?  Not where the row takes it for a register whatever mod is. */
static bool has_memory(const struct insn *insn, const struct row *row)
{
	if (!insn->has_modrm || MOD(insn->modrm) == 3)
		return false;
	for (unsigned i = 0; i < ROW_OPERANDS; i++)
		if (columns[row->operand[i]].source == FROM_RM_REG)
			return false;
	return true;
}

static enum decode_status read_operands(struct insn *insn, struct cursor *c, uint8_t opcode)
{
	const struct row *row = &decode_rows[insn->row];
	enum decode_status status = DECODE_OK;

	if (has_memory(insn, row)) {
		status = insn->asize == 16 ? read_memory16(insn, c) : read_memory32(insn, c);
		if (status != DECODE_OK)
			return status;
	}
	while (insn->operands < ROW_OPERANDS && row->operand[insn->operands] != COL_) {
		unsigned n = insn->operands++;
		status = read_operand(insn, c, &insn->op[n], row->operand[n], opcode);
		if (status != DECODE_OK)
			return status;
	}
	return DECODE_OK;
}

/* ---- The whole ---- */

static uint8_t row_width(const struct insn *insn)
{
	switch (decode_rows[insn->row].width) {
	case WIDTH_b:
		return 8;
	case WIDTH_w:
		return 16;
	case WIDTH_v:
		return insn->osize;
	case WIDTH_z:
		return (uint8_t)bits_of(insn, BITS_Z);
	case WIDTH_n:
		return (uint8_t)bits_of(insn, BITS_N);
	case WIDTH_a:
		return insn->asize;
	default:
		return 0;
	}
}

/* What makes a row's instruction undefined: LOCK on anything but the listed instructions with a memory
 * destination (SDM 2, "LOCK"), a protected-mode instruction in real-address or virtual-8086 mode. */
static enum decode_status check_legality(const struct insn *insn)
{
	uint16_t attributes = opcode_rows[insn->row].attributes;

	if (insn->lock && !((attributes & ATTR_LOCK) && insn->op[0].kind == OPD_MEM))
		return DECODE_UD;
	if ((attributes & ATTR_PROTECTED) && (insn->mode == MODE_REAL || insn->mode == MODE_VM86))
		return DECODE_UD;
	return DECODE_OK;
}

static enum decode_status decode_parts(struct insn *insn, struct cursor *c, bool db)
{
	uint64_t opcode;
	enum decode_status status = read_prefixes(insn, c, &opcode);

	if (status != DECODE_OK)
		return status;
	insn->osize = insn->opsize_prefix != db ? 32 : 16;
	insn->asize = insn->addrsize_prefix != db ? 32 : 16;
	status = find_row(insn, c, &opcode);
	if (status != DECODE_OK)
		return status;
	insn->width = row_width(insn);
	status = read_operands(insn, c, (uint8_t)opcode);
	return status == DECODE_OK ? check_legality(insn) : status;
}

enum decode_status decode(struct insn *insn, const uint8_t *bytes, size_t size, enum decode_mode mode, bool db)
{
	struct cursor c = {bytes, size, 0};

	memset(insn, 0, sizeof(*insn)); /* padding too: equal instructions are equal bytes */
	insn->mode = (uint8_t)mode;
	insn->seg = DS;
	insn->base = REG_NONE;
	insn->index = REG_NONE;
	insn->status = (uint8_t)(mode == MODE_LONG64 ? DECODE_UD : decode_parts(insn, &c, db));
	insn->length = insn->status == DECODE_SHORT      ? 0
		       : insn->status == DECODE_TOO_LONG ? INSN_MAX_LENGTH
							 : (uint8_t)c.at;
	return (enum decode_status)insn->status;
}
