/* What stands before the opcode: legacy prefixes, REX, VEX, the escapes to the other maps.
 * SDM 2, "Instruction Prefixes", "REX Prefixes", "The VEX Prefix". */
#include "decode/decoding.h"

enum prefix_kind { NO_PREFIX, PREFIX_LOCK, PREFIX_REPNE, PREFIX_REP, PREFIX_SEGMENT, PREFIX_OPSIZE, PREFIX_ADDRSIZE };

static const uint8_t prefix_kinds[256] = {
	[0xf0] = PREFIX_LOCK,    [0xf2] = PREFIX_REPNE,   [0xf3] = PREFIX_REP,      [0x26] = PREFIX_SEGMENT,
	[0x2e] = PREFIX_SEGMENT, [0x36] = PREFIX_SEGMENT, [0x3e] = PREFIX_SEGMENT,  [0x64] = PREFIX_SEGMENT,
	[0x65] = PREFIX_SEGMENT, [0x66] = PREFIX_OPSIZE,  [0x67] = PREFIX_ADDRSIZE,
};

/* In 64-bit mode the overrides of ES, CS, SS and DS are null prefixes: SDM 1, "Segment Registers in 64-Bit Mode". */
static void segment_prefix(struct decoding *d, uint64_t byte)
{
	if (byte < 0x64 && in_long64(d))
		return;
	d->insn->seg_override = true;
	d->insn->seg = byte >= 0x64 ? FS + (byte & 1) : byte >> 3 & 3;
}

static void legacy_prefix(struct decoding *d, uint64_t byte)
{
	struct insn *insn = d->insn;

	switch (prefix_kinds[byte]) {
	case PREFIX_LOCK:
		insn->lock = true;
		break;
	case PREFIX_REPNE:
	case PREFIX_REP:
		insn->rep = byte == 0xf3;
		insn->repne = !insn->rep;
		break;
	case PREFIX_SEGMENT:
		segment_prefix(d, byte);
		break;
	case PREFIX_OPSIZE:
		insn->opsize_prefix = true;
		break;
	default:
		insn->addrsize_prefix = true;
		break;
	}
}

/* Reads up to the first byte behind the legacy and REX prefixes, which goes to *byte.  Of several prefixes of one
 * group (F2 and F3; the segments) the last counts: the SDM leaves that undefined, every processor does it.  A REX
 * prefix counts only right before the opcode: SDM 2, "REX Prefixes", "Encoding". */
static enum decode_status read_prefixes(struct decoding *d, uint64_t *byte)
{
	enum decode_status status;

	while ((status = fetch(d, 1, byte)) == DECODE_OK) {
		bool rex = in_long64(d) && (*byte & 0xf0) == 0x40;

		if (!rex && prefix_kinds[*byte] == NO_PREFIX)
			return DECODE_OK;
		d->insn->rex = rex ? (uint8_t)*byte : 0;
		if (!rex)
			legacy_prefix(d, *byte);
	}
	return status;
}

/* ---- VEX ---- */

#define VEX_FEATURES (decode_map_features[MAP_V0F] | decode_map_features[MAP_V0F38] | decode_map_features[MAP_V0F3A])

/* The last byte of the prefix, either form. */
static void vex_last(struct decoding *d, uint8_t byte)
{
	static const uint8_t selectors[4] = {PREFIX_P00, PREFIX_P66, PREFIX_PF3, PREFIX_PF2};

	d->insn->vvvv = ~byte >> 3 & 15;
	d->vex_l = byte & 4;
	d->selector = selectors[byte & 3];
}

/* C5: R vvvv L pp.  R, like X, B and vvvv, is inverted. */
static enum decode_status vex2(struct decoding *d, uint8_t byte)
{
	d->insn->vex = 2;
	d->insn->rex = byte & 0x80 ? 0x40 : 0x40 | REX_R;
	d->map = MAP_V0F;
	vex_last(d, byte);
	return DECODE_OK;
}

/* C4: R X B map, W vvvv L pp.  Outside 64-bit mode there are eight registers, and B says nothing. */
static enum decode_status vex3(struct decoding *d, uint8_t first)
{
	static const uint8_t maps[4] = {0, MAP_V0F, MAP_V0F38, MAP_V0F3A};
	unsigned map = first & 31;
	uint64_t byte;
	enum decode_status status = fetch(d, 1, &byte);

	if (status != DECODE_OK)
		return status;
	d->insn->vex = 3;
	d->insn->rex = 0x40 | (in_long64(d) ? ~first >> 5 & 7 : 0) | (byte & 0x80 ? REX_W : 0);
	vex_last(d, (uint8_t)byte);
	if (map == 0 || map > 3)
		return DECODE_UD;
	d->map = maps[map];
	return DECODE_OK;
}

/* Is opcode C4 or C5 a VEX prefix?  Outside 64-bit mode it is LES or LDS if the byte behind it is a ModR/M byte with
 * a memory operand.  Real-address and virtual-8086 mode have no VEX. */
static enum decode_status find_vex(struct decoding *d, uint64_t opcode, bool *is_vex, uint64_t *byte)
{
	enum decode_status status;

	*is_vex = false;
	if ((opcode & 0xfe) != 0xc4 || !(d->how & VEX_FEATURES) || d->insn->mode == MODE_REAL ||
	    d->insn->mode == MODE_VM86)
		return DECODE_OK;
	status = fetch(d, 1, byte);
	if (status != DECODE_OK)
		return status;
	*is_vex = in_long64(d) || MOD(*byte) == 3;
	if (!*is_vex)
		d->at--;
	return DECODE_OK;
}

/* SDM 2, "The VEX Prefix": #UD with LOCK, 66, F2, F3 or REX before it. */
static enum decode_status read_vex(struct decoding *d, uint64_t opcode, uint64_t byte)
{
	struct insn *insn = d->insn;
	bool refused = insn->lock || insn->opsize_prefix || insn->rep || insn->repne || insn->rex;
	enum decode_status status = opcode == 0xc4 ? vex3(d, (uint8_t)byte) : vex2(d, (uint8_t)byte);

	if (status == DECODE_OK && refused)
		return DECODE_UD;
	if (status == DECODE_OK) {
		status = fetch(d, 1, &byte);
		d->opcode = (uint8_t)byte;
	}
	return status;
}

/* ---- Escapes ---- */

static enum decode_status read_escapes(struct decoding *d, uint64_t opcode)
{
	enum decode_status status = DECODE_OK;

	d->map = MAP_1;
	if (opcode == 0x0f) {
		d->map = MAP_0F;
		status = fetch(d, 1, &opcode);
		if (status == DECODE_OK && (opcode == 0x38 || opcode == 0x3a)) {
			unsigned map = opcode == 0x38 ? MAP_0F38 : MAP_0F3A;
			if (!(d->how & decode_map_features[map]))
				return DECODE_UD;
			d->map = (uint8_t)map;
			status = fetch(d, 1, &opcode);
		}
	}
	d->opcode = (uint8_t)opcode;
	return status;
}

enum decode_status decode_prefixes(struct decoding *d)
{
	const struct insn *insn = d->insn;
	uint64_t opcode, byte;
	bool is_vex;
	enum decode_status status = read_prefixes(d, &opcode);

	if (status == DECODE_OK)
		status = find_vex(d, opcode, &is_vex, &byte);
	if (status != DECODE_OK)
		return status;
	if (is_vex)
		return read_vex(d, opcode, byte);
	d->selector = insn->rep ? PREFIX_PF3 : insn->repne ? PREFIX_PF2 : insn->opsize_prefix ? PREFIX_P66 : PREFIX_P00;
	return read_escapes(d, opcode);
}
