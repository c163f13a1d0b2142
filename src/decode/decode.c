/* The decoder: prefixes, opcode and ModR/M, operands, then the checks that need the whole instruction.
 * SDM 2, "Instruction Format". */
#include "decode/decoding.h"

#include <string.h>

/* ---- Rows ---- */

/* The attributes that may hide a row. */
#define SELECTING (ATTR_I64 | ATTR_O64 | ATTR_INTEL | ATTR_W0 | ATTR_W1 | ATTR_B0 | ATTR_L0 | ATTR_L1 | ATTR_256_AVX2)

/* Is the row there in this mode, on this processor, with these bits of REX or VEX? */
static bool row_exists(const struct decoding *d, const struct opcode_row *row)
{
	uint32_t attributes = row->attributes;
	unsigned rex = d->insn->rex;

	if (!(attributes & SELECTING) && row->cpu <= GEN_LATER)
		return true;
	if (attributes & (in_long64(d) ? ATTR_I64 : ATTR_O64))
		return false;
	if ((attributes & ATTR_INTEL) && (d->how & DECODE_AMD))
		return false;
	if (row->cpu > GEN_LATER && !has_feature(d, row->cpu))
		return false;
	if (((attributes & ATTR_W0) && (rex & REX_W)) || ((attributes & ATTR_W1) && !(rex & REX_W)) ||
	    ((attributes & ATTR_B0) && (rex & REX_B)))
		return false;
	if (d->vex_l && ((attributes & ATTR_L0) || ((attributes & ATTR_256_AVX2) && !has_feature(d, GEN_AVX2))))
		return false;
	return d->vex_l || !(attributes & ATTR_L1);
}

static bool prefix_fits(const struct decoding *d, const struct row *row)
{
	switch (row->prefix) {
	case PREFIX_NP:
		return true;
	case PREFIX_PNF:
		return d->selector == PREFIX_P00 || d->selector == PREFIX_P66;
	default:
		return d->selector == row->prefix;
	}
}

static bool modrm_fits(const struct decoding *d, const struct row *row)
{
	unsigned modrm = d->insn->modrm, mod = MOD(modrm), digit = REG(modrm), wanted = row->modrm & 0xff;

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
		return modrm == wanted;
	default:
		return true;
	}
}

/* The row of the same opcode before this one; NULL: none. */
static const struct row *previous(const struct row *row)
{
	return row != decode_rows && row[-1].opcode == row->opcode && row[-1].map == row->map ? row - 1 : NULL;
}

/* This row, or the last before it that exists; NULL: none does. */
static const struct row *existing(const struct decoding *d, const struct row *row)
{
	while (row && !row_exists(d, &opcode_rows[row - decode_rows]))
		row = previous(row);
	return row;
}

static const struct row *previous_fitting(const struct decoding *d, const struct row *row)
{
	do
		row = existing(d, previous(row));
	while (row && !(prefix_fits(d, row) && modrm_fits(d, row)));
	return row;
}

/* Reads the ModR/M byte, finds the row.  An opcode that does not exist is found out without its ModR/M byte, a
 * ModR/M byte that does not without its displacement. */
static enum decode_status find_row(struct decoding *d)
{
	struct insn *insn = d->insn;
	unsigned next = decode_last_row[d->map][d->opcode];
	const struct row *row = next ? existing(d, &decode_rows[next - 1]) : NULL;

	if (row == NULL)
		return DECODE_UD;
	if (row->modrm != MODRM_NONE) {
		uint64_t modrm;
		enum decode_status status = fetch(d, 1, &modrm);
		if (status != DECODE_OK)
			return status;
		insn->has_modrm = true;
		insn->modrm = (uint8_t)modrm;
	}
	if (!(prefix_fits(d, row) && modrm_fits(d, row)))
		row = previous_fitting(d, row);
	if (row == NULL)
		return DECODE_UD;
	insn->row = (uint16_t)(row - decode_rows);
	insn->mnemonic = opcode_rows[insn->row].mnemonic;
	return DECODE_OK;
}

/* ---- Sizes ---- */

/* SDM 1, "Operand Size and Address Size in 64-Bit Mode"; SDM 2, "Default 64-Bit Operand Size".  66 is no size where
 * it selects the row. */
static uint8_t operand_size64(const struct decoding *d, const struct row *row, uint32_t attributes)
{
	bool opsize = d->insn->opsize_prefix && row->prefix != PREFIX_P66, w = d->insn->rex & REX_W;
	bool amd = d->how & DECODE_AMD;

	if (attributes & ATTR_F64)
		return 64;
	if (attributes & ATTR_BRANCH)
		return amd && opsize && !w ? 16 : 64;
	if (w) /* over 66 too, where it makes no pointer of 64 bits */
		return amd && (attributes & ATTR_FAR) ? 32 : 64;
	return opsize ? 16 : attributes & ATTR_D64 ? 64 : 32;
}

static void set_sizes(struct decoding *d)
{
	struct insn *insn = d->insn;
	bool d32 = d->how & DECODE_D32;

	if (in_long64(d)) {
		insn->osize = insn->opsize_prefix ? 16 : 32;
		insn->asize = insn->addrsize_prefix ? 32 : 64;
	} else {
		insn->osize = insn->opsize_prefix != d32 ? 32 : 16;
		insn->asize = insn->addrsize_prefix != d32 ? 32 : 16;
	}
}

/* ---- The whole ---- */

/* SDM 2, "SYSCALL", "SYSENTER"; AMD64 APM 3, the same: where only one maker has them. */
static bool maker_lacks(const struct decoding *d, uint32_t attributes)
{
	bool amd = d->how & DECODE_AMD, long_mode = d->insn->mode >= MODE_COMPAT;

	return ((attributes & ATTR_SYSCALL) && !amd && !in_long64(d)) ||
	       ((attributes & ATTR_SYSENTER) && amd && long_mode);
}

/* SDM 2, "Exceptions Type 12": destination, mask and index of a gather are three registers. */
static bool registers_clash(const struct insn *insn)
{
	unsigned destination = insn->op[0].reg, mask = insn->vvvv;

	return destination == mask || destination == insn->index || mask == insn->index;
}

/* What makes a row's instruction undefined: LOCK on anything but the listed instructions with a memory
 * destination (SDM 2, "LOCK"), a protected-mode instruction in real-address or virtual-8086 mode, VEX.vvvv other than
 * 1111b where it names no operand (SDM 2, "Vector Register Operand: VEX.vvvv"). */
static enum decode_status check_legality(const struct decoding *d)
{
	const struct insn *insn = d->insn;
	uint32_t attributes = opcode_rows[insn->row].attributes;

	if (insn->lock && !((attributes & ATTR_LOCK) && insn->op[0].kind == OPD_MEM))
		return DECODE_UD;
	if ((attributes & ATTR_PROTECTED) && (insn->mode == MODE_REAL || insn->mode == MODE_VM86))
		return DECODE_UD;
	if (insn->vvvv && !d->uses_vvvv)
		return DECODE_UD;
	if ((attributes & ATTR_DISTINCT) && registers_clash(insn))
		return DECODE_UD;
	return maker_lacks(d, attributes) ? DECODE_UD : DECODE_OK;
}

static enum decode_status decode_parts(struct decoding *d)
{
	struct insn *insn = d->insn;
	enum decode_status status = decode_prefixes(d);

	set_sizes(d);
	if (status != DECODE_OK)
		return status;
	status = find_row(d);
	if (status != DECODE_OK)
		return status;
	if (in_long64(d))
		insn->osize = operand_size64(d, &decode_rows[insn->row], opcode_rows[insn->row].attributes);
	insn->width = decode_width(insn);
	status = decode_operands(d);
	return status == DECODE_OK ? check_legality(d) : status;
}

enum decode_status decode(struct insn *insn, const uint8_t *bytes, size_t size, enum decode_mode mode, uint64_t how)
{
	struct decoding d = {.insn = insn, .bytes = bytes, .size = size, .how = how};

	memset(insn, 0, sizeof(*insn)); /* padding too: equal instructions are equal bytes */
	insn->mode = (uint8_t)mode;
	insn->seg = DS;
	insn->base = REG_NONE;
	insn->index = REG_NONE;
	insn->status = (uint8_t)decode_parts(&d);
	insn->length = insn->status == DECODE_SHORT      ? 0
		       : insn->status == DECODE_TOO_LONG ? INSN_MAX_LENGTH
							 : (uint8_t)d.at;
	return (enum decode_status)insn->status;
}
