/* The operands of a row: the memory address, registers, immediates.
 * SDM 2, "Addressing-Mode Encoding of ModR/M and SIB Bytes", "Codes for Addressing Method". */
#include "decode/decoding.h"

/* ---- ModR/M ---- */

static void default_segment(struct insn *insn, uint8_t seg)
{
	if (!insn->seg_override)
		insn->seg = seg;
}

static enum decode_status read_disp(struct decoding *d, unsigned bytes)
{
	uint64_t value;
	enum decode_status status;

	if (bytes == 0)
		return DECODE_OK;
	status = fetch(d, bytes, &value);
	if (status != DECODE_OK)
		return status;
	d->insn->disp_size = (uint8_t)bytes;
	d->insn->disp = (int64_t)sign_extend(value, bytes);
	return DECODE_OK;
}

/* SDM 2, table "16-Bit Addressing Forms with the ModR/M Byte". */
static enum decode_status read_memory16(struct decoding *d)
{
	static const uint8_t base[8] = {BX, BX, BP, BP, SI, DI, BP, BX};
	static const uint8_t index[8] = {SI, DI, SI, DI, REG_NONE, REG_NONE, REG_NONE, REG_NONE};
	struct insn *insn = d->insn;
	unsigned mod = MOD(insn->modrm), rm = RM(insn->modrm);

	if (mod == 0 && rm == 6)
		return read_disp(d, 2);
	insn->base = base[rm];
	insn->index = index[rm];
	if (insn->base == BP)
		default_segment(insn, SS);
	return read_disp(d, mod);
}

/* A SIB byte; its base goes to *base.  No index is the number 4: R12 is one, and so is XMM4. */
static enum decode_status read_sib(struct decoding *d, unsigned *base)
{
	struct insn *insn = d->insn;
	uint64_t sib;
	enum decode_status status = fetch(d, 1, &sib);

	if (status != DECODE_OK)
		return status;
	unsigned index = REG(sib) | (insn->rex & REX_X ? 8 : 0);
	if (index != 4 || insn->vsib) { /* 4: no index, and the scale has no meaning */
		insn->index = (uint8_t)index;
		insn->scale = (uint8_t)MOD(sib);
	}
	*base = RM(sib);
	return DECODE_OK;
}

/* SDM 2, tables "32-Bit Addressing Forms with the ModR/M Byte" and "... with the SIB Byte", "Special Encodings of
 * the ModR/M and SIB Bytes" for what REX.B adds to (it has no part in finding the special forms), and "RIP-Relative
 * Addressing". */
static enum decode_status read_memory32(struct decoding *d)
{
	struct insn *insn = d->insn;
	unsigned mod = MOD(insn->modrm), base = RM(insn->modrm);
	bool sib = base == 4;

	if (sib) {
		enum decode_status status = read_sib(d, &base);
		if (status != DECODE_OK)
			return status;
	}
	if (mod == 0 && base == BP) {
		insn->rip_relative = in_long64(d) && !sib;
		return read_disp(d, 4);
	}
	insn->base = (uint8_t)(base | (insn->rex & REX_B ? 8 : 0));
	if (insn->base == SP || insn->base == BP)
		default_segment(insn, SS);
	return read_disp(d, mod == 2 ? 4 : mod);
}

/* ---- Operands ---- */

enum width_code {
	BITS_V = 0xf000, /* operand size */
	BITS_Z,          /* the same, 32 for 64 */
	BITS_N,          /* 32, or 64 in 64-bit mode */
	BITS_Y,          /* 32, or 64 with W in 64-bit mode */
	BITS_W,          /* 32, or 64 with W */
	BITS_FAR,        /* 16 and the operand size */
	BITS_PAIR,       /* twice the operand size */
	BITS_TABLE,      /* limit and base of GDTR or IDTR */
	BITS_ENV,        /* SDM 1, "Protected Mode x87 FPU State Image in Memory" */
	BITS_STATE,      /* the same and eight registers */
	BITS_X,          /* vector length */
	BITS_HALF,       /* of it */
	BITS_FOURTH,
	BITS_EIGHTH,
};

static uint16_t coded_bits(const struct insn *insn, unsigned code)
{
	switch ((enum width_code)code) {
	case BITS_V:
		return insn->osize;
	case BITS_Z:
		return insn->osize == 16 ? 16 : 32;
	case BITS_N:
		return insn->mode == MODE_LONG64 ? 64 : 32;
	case BITS_Y:
		return insn->mode == MODE_LONG64 && (insn->rex & REX_W) ? 64 : 32;
	case BITS_W:
		return insn->rex & REX_W ? 64 : 32;
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
	case BITS_X:
		return insn->vl;
	case BITS_HALF:
		return insn->vl / 2;
	case BITS_FOURTH:
		return insn->vl / 4;
	default: /* BITS_EIGHTH */
		return insn->vl / 8;
	}
}

static inline uint16_t bits_of(const struct insn *insn, unsigned code)
{
	return code < BITS_V ? (uint16_t)code : coded_bits(insn, code);
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
	FROM_VVVV,   /* VEX.vvvv */
	FROM_IS4,    /* the upper half of the next immediate */
	FROM_VSIB,   /* memory with indices of number bits in a vector register */
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
	[COL_Ed] = {OPD_GPR, FROM_RM, 0, 32},
	[COL_Ez] = {OPD_GPR, FROM_RM, 0, BITS_Z},
	[COL_Ey] = {OPD_GPR, FROM_RM, 0, BITS_Y},
	[COL_Gd] = {OPD_GPR, FROM_REG, 0, 32},
	[COL_Gn] = {OPD_GPR, FROM_REG, 0, BITS_N},
	[COL_Gy] = {OPD_GPR, FROM_REG, 0, BITS_Y},
	[COL_By] = {OPD_GPR, FROM_VVVV, 0, BITS_Y},
	[COL_Ry] = {OPD_GPR, FROM_RM_REG, 0, BITS_Y},
	[COL_Mb] = {OPD_MEM, FROM_RM, 0, 8},
	[COL_Mdq] = {OPD_MEM, FROM_RM, 0, 128},
	[COL_Mqq] = {OPD_MEM, FROM_RM, 0, 256},
	[COL_Mx] = {OPD_MEM, FROM_RM, 0, BITS_X},
	[COL_Mv] = {OPD_MEM, FROM_RM, 0, BITS_V},
	[COL_My] = {OPD_MEM, FROM_RM, 0, BITS_Y},
	[COL_Mi32] = {OPD_MEM, FROM_VSIB, 32, BITS_W},
	[COL_Mi64] = {OPD_MEM, FROM_VSIB, 64, BITS_W},
	[COL_Pd] = {OPD_MMX, FROM_REG, 0, 32},
	[COL_Pq] = {OPD_MMX, FROM_REG, 0, 64},
	[COL_Qd] = {OPD_MMX, FROM_RM, 0, 32},
	[COL_Qq] = {OPD_MMX, FROM_RM, 0, 64},
	[COL_Vd] = {OPD_VEC, FROM_REG, 0, 32},
	[COL_Vq] = {OPD_VEC, FROM_REG, 0, 64},
	[COL_Vdq] = {OPD_VEC, FROM_REG, 0, 128},
	[COL_Vqq] = {OPD_VEC, FROM_REG, 0, 256},
	[COL_Vh] = {OPD_VEC, FROM_REG, 0, BITS_HALF},
	[COL_Vx] = {OPD_VEC, FROM_REG, 0, BITS_X},
	[COL_Hd] = {OPD_VEC, FROM_VVVV, 0, 32},
	[COL_Hq] = {OPD_VEC, FROM_VVVV, 0, 64},
	[COL_Hdq] = {OPD_VEC, FROM_VVVV, 0, 128},
	[COL_Hqq] = {OPD_VEC, FROM_VVVV, 0, 256},
	[COL_Hh] = {OPD_VEC, FROM_VVVV, 0, BITS_HALF},
	[COL_Hx] = {OPD_VEC, FROM_VVVV, 0, BITS_X},
	[COL_Wb] = {OPD_VEC, FROM_RM, 0, 8},
	[COL_Ww] = {OPD_VEC, FROM_RM, 0, 16},
	[COL_Wd] = {OPD_VEC, FROM_RM, 0, 32},
	[COL_Wq] = {OPD_VEC, FROM_RM, 0, 64},
	[COL_Wdq] = {OPD_VEC, FROM_RM, 0, 128},
	[COL_Wqq] = {OPD_VEC, FROM_RM, 0, 256},
	[COL_Wh] = {OPD_VEC, FROM_RM, 0, BITS_HALF},
	[COL_Wf] = {OPD_VEC, FROM_RM, 0, BITS_FOURTH},
	[COL_We] = {OPD_VEC, FROM_RM, 0, BITS_EIGHTH},
	[COL_Wx] = {OPD_VEC, FROM_RM, 0, BITS_X},
	[COL_Lx] = {OPD_VEC, FROM_IS4, 0, BITS_X},
};

/* Reads an immediate.  Two instructions have two: a far pointer its selector, ENTER the nesting level. */
static enum decode_status read_immediate(struct decoding *d, const struct operand *op, unsigned bits, bool sign)
{
	struct insn *insn = d->insn;
	unsigned bytes = op->kind == OPD_FAR ? insn->osize / 8u : bits / 8;
	bool second = insn->imm_size != 0;
	uint64_t value;
	enum decode_status status = fetch(d, bytes, &value);

	if (status != DECODE_OK)
		return status;
	insn->imm_size += (uint8_t)bytes;
	if (second)
		insn->imm2 = (uint16_t)value;
	else
		insn->imm = sign ? sign_extend(value, bytes) : value;
	if (op->kind == OPD_FAR) {
		status = fetch(d, 2, &value);
		if (status != DECODE_OK)
			return status;
		insn->imm_size += 2;
		insn->imm2 = (uint16_t)value;
	}
	return DECODE_OK;
}

/* SDM 2, "The VEX Prefix", is4: the register is in bits 7:4, outside 64-bit mode in bits 6:4. */
static enum decode_status read_is4(struct decoding *d, struct operand *op)
{
	enum decode_status status = read_immediate(d, op, 8, false);

	op->reg = d->insn->imm >> 4 & (in_long64(d) ? 15 : 7);
	return status;
}

static enum decode_status read_moffs(struct decoding *d)
{
	struct insn *insn = d->insn;
	uint64_t value;
	enum decode_status status = fetch(d, insn->asize / 8u, &value);

	if (status != DECODE_OK)
		return status;
	insn->disp_size = insn->asize / 8u;
	insn->disp = (int64_t)value;
	return DECODE_OK;
}

/* A register's number as an operand: three bits of the encoding and one of REX or VEX, where there are sixteen.
 * Of the byte registers without REX 4 to 7 are AH, CH, DH and BH.  SDM 2, "REX Prefix Fields". */
static uint8_t register_number(const struct decoding *d, const struct operand *op, unsigned number, unsigned rex_bit)
{
	unsigned high = d->insn->rex & rex_bit ? 8 : 0;

	switch (op->kind) {
	case OPD_GPR:
		return (uint8_t)(op->width == 8 && number >= 4 && !d->insn->rex ? number + 12 : number + high);
	case OPD_VEC:
	case OPD_CR:
	case OPD_DR:
		return (uint8_t)(number + high);
	default: /* segment, MMX and x87 registers: eight, and REX is ignored */
		return (uint8_t)number;
	}
}

/* SDM 2, "MOV", "MOV - Move to/from Control Registers", "... Debug Registers": these exist. */
static bool register_exists(const struct operand *op)
{
	return op->kind == OPD_SREG ? op->reg <= GS
	       : op->kind == OPD_CR ? 0x11d >> op->reg & 1 /* CR0, CR2, CR3, CR4, CR8 */
				    : op->kind != OPD_DR || op->reg < 8;
}

static enum decode_status read_rm(struct decoding *d, struct operand *op)
{
	if (MOD(d->insn->modrm) != 3)
		op->kind = OPD_MEM;
	else
		op->reg = register_number(d, op, RM(d->insn->modrm), REX_B);
	return DECODE_OK;
}

static enum decode_status read_operand(struct decoding *d, struct operand *op, unsigned which)
{
	const struct column *column = &columns[which];
	struct insn *insn = d->insn;

	*op = (struct operand){.kind = column->kind, .width = bits_of(insn, column->bits)};
	switch (column->source) {
	case FROM_RM:
		return read_rm(d, op);
	case FROM_RM_REG:
		op->reg = register_number(d, op, RM(insn->modrm), REX_B);
		return DECODE_OK;
	case FROM_REG:
		op->reg = register_number(d, op, REG(insn->modrm), REX_R);
		return register_exists(op) ? DECODE_OK : DECODE_UD;
	case FROM_OPCODE:
		op->reg = register_number(d, op, d->opcode & 7, REX_B);
		return DECODE_OK;
	case FROM_VVVV:
		d->uses_vvvv = true;
		insn->vvvv &= in_long64(d) ? 15 : 7; /* eight registers: the upper bit is ignored */
		op->reg = insn->vvvv;
		return DECODE_OK;
	case FROM_IS4:
		return read_is4(d, op);
	case FROM_IMM:
	case FROM_IMM_U:
		return read_immediate(d, op, op->width, column->source == FROM_IMM);
	case FROM_MOFFS:
		return read_moffs(d);
	case FROM_VSIB:
		return DECODE_OK;
	default:
		if (op->kind == OPD_IMM)
			insn->imm = column->number;
		else
			op->reg = column->number;
		return DECODE_OK;
	}
}

/* What of the operands the address depends on: is r/m memory (not where the row takes it for a register whatever mod
 * is), and at one index or at several?  And the vector length. */
static bool look_at_columns(struct decoding *d, const struct row *row)
{
	struct insn *insn = d->insn;
	bool memory = insn->has_modrm && MOD(insn->modrm) != 3, vec = false, mmx = false;

	for (unsigned i = 0; i < ROW_OPERANDS && row->operand[i] != COL_; i++) {
		const struct column *column = &columns[row->operand[i]];
		memory &= column->source != FROM_RM_REG;
		vec |= column->kind == OPD_VEC;
		mmx |= column->kind == OPD_MMX;
		if (column->source == FROM_VSIB)
			insn->vsib = column->number;
	}
	bool whole = d->vex_l && !(opcode_rows[insn->row].attributes & ATTR_LIG);
	insn->vl = vec ? (whole ? 256 : 128) : mmx ? 64 : 0;
	return memory;
}

/* SDM 2, "VSIB Memory Addressing": 16-bit addresses, and those without a SIB byte, are #UD. */
static bool vsib_refused(const struct insn *insn)
{
	return insn->vsib && (insn->asize == 16 || RM(insn->modrm) != 4);
}

enum decode_status decode_operands(struct decoding *d)
{
	struct insn *insn = d->insn;
	const struct row *row = &decode_rows[insn->row];
	enum decode_status status = DECODE_OK;

	if (look_at_columns(d, row)) {
		if (vsib_refused(insn))
			return DECODE_UD;
		status = insn->asize == 16 ? read_memory16(d) : read_memory32(d);
		if (status != DECODE_OK)
			return status;
	}
	while (insn->operands < ROW_OPERANDS && row->operand[insn->operands] != COL_) {
		unsigned n = insn->operands++;
		status = read_operand(d, &insn->op[n], row->operand[n]);
		if (status != DECODE_OK)
			return status;
	}
	return DECODE_OK;
}

uint8_t decode_width(const struct insn *insn)
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
	case WIDTH_y:
		return (uint8_t)bits_of(insn, BITS_Y);
	case WIDTH_a:
		return insn->asize;
	default:
		return 0;
	}
}
