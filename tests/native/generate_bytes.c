/* The bytes of instructions. */
#include "native/generate_parts.h"

#include <string.h>

#include "decode/table.h"

uint64_t host_decodes(void)
{
#if NATIVE_BITS == 64
	unsigned eax = 0, ebx, ecx = 0, edx;

	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return ebx == 0x68747541 ? DECODE_AMD : 0; /* "Auth" */
#else
	return 0;
#endif
}

bool row_is_met(const struct cpu_model *model, unsigned row)
{
	uint32_t attributes = opcode_rows[row].attributes;

	if (!model_has_row(model, &opcode_rows[row]) || ((attributes & ATTR_INTEL) && host_decodes()))
		return false;
	if (NATIVE_BITS == 64)
		return !(attributes & ATTR_I64);
	/* CMPXCHG16B needs REX.W. */
	return !(attributes & ATTR_O64) && opcode_rows[row].mnemonic != MN_cmpxchg16b;
}

/* ---- the bytes ---- */
static unsigned put_prefixes(struct random *r, unsigned attributes, uint8_t *p)
{
	static const uint8_t overrides[] = {0x26, 0x2e, 0x36, 0x3e, 0x65, NATIVE_BITS == 64 ? 0x65 : 0x64};
	uint8_t chosen[8];
	unsigned n = 0;

	if (chance(r, 25))
		chosen[n++] = 0x66;
	if (chance(r, 25))
		chosen[n++] = 0x67;
	if (chance(r, 20))
		chosen[n++] = overrides[random_below(r, 6)];
	if (chance(r, attributes & ATTR_REP ? 60 : 3))
		chosen[n++] = chance(r, 50) ? 0xf2 : 0xf3;
	if (chance(r, attributes & ATTR_LOCK ? 25 : 1))
		chosen[n++] = 0xf0;
	for (unsigned i = 0; i < n; i++) { /* in any order */
		unsigned j = i + random_below(r, n - i);
		uint8_t t = chosen[i];
		p[i] = chosen[j];
		chosen[j] = t;
	}
	return n;
}

static uint8_t modrm_for(const struct row *row, unsigned turn)
{
	uint8_t modrm = (uint8_t)(turn * 97), digit = (uint8_t)((row->modrm & 7) << 3);

	switch (MODRM_KIND(row->modrm)) {
	case MODRM_X(00):
		return (uint8_t)row->modrm;
	case MODRM_D0:
		return (modrm & 0xc7) | digit;
	case MODRM_M0:
		modrm = (modrm & 0xc7) | digit;
		return modrm < 0xc0 ? modrm : modrm & 0x7f;
	case MODRM_R0:
		return (modrm & 7) | digit | 0xc0;
	case MODRM_MEM:
		return modrm < 0xc0 ? modrm : modrm & 0x7f;
	case MODRM_REG:
		return modrm | 0xc0;
	default:
		return modrm;
	}
}

void random_bytes(struct random *r, uint8_t *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		p[i] = (uint8_t)(random_next(r) >> 24);
}

enum decode_status decode_case(struct test_case *c)
{
	uint64_t how = model_decode(cpu_model_find(NULL)) | host_decodes();

	if (NATIVE_BITS == 64)
		return decode(&c->insn, c->bytes, INSN_MAX_LENGTH, MODE_LONG64, how);
	return decode(&c->insn, c->bytes, INSN_MAX_LENGTH, MODE_PROTECTED,
		      how | (c->start.cs == SEL_USER_CODE ? DECODE_D32 : 0));
}

/* An instruction that exists, or one that LOCK makes #UD. */
static bool acceptable(const struct test_case *c)
{
	return c->insn.status == DECODE_OK || (c->insn.status == DECODE_UD && c->insn.lock && c->insn.row != 0);
}

/* Of a row that a prefix selects, or the lack of one. */
static unsigned put_selecting(struct random *r, unsigned selector, uint8_t *p)
{
	static const uint8_t overrides[] = {0x26, 0x2e, 0x36, 0x3e, 0x65, 0x67, 0x67};
	unsigned n = 0;

	if (chance(r, 30))
		p[n++] = overrides[random_below(r, (unsigned)sizeof(overrides))];
	if (chance(r, 1))
		p[n++] = 0xf0;
	if ((selector == PREFIX_PNF || selector == PREFIX_PF2 || selector == PREFIX_PF3) && chance(r, 25))
		p[n++] = 0x66;
	if (selector == PREFIX_P66)
		p[n++] = 0x66;
	if (selector == PREFIX_PF2 || selector == PREFIX_PF3)
		p[n++] = selector == PREFIX_PF2 ? 0xf2 : 0xf3;
	return n;
}

/* SDM 2, "The VEX Prefix".  What names registers 8 to 15, upside down: 1 outside 64-bit mode. */
#define VEX_UPPER(mask) (NATIVE_BITS == 64 ? random_below(r, 256) & (mask) : (mask))

static unsigned put_vex(struct random *r, const struct row *d, uint8_t *p)
{
	unsigned map = d->map == MAP_V0F ? 1 : d->map == MAP_V0F38 ? 2 : 3, bits = random_below(r, 256);
	unsigned pp = d->prefix == PREFIX_P66 ? 1 : d->prefix == PREFIX_PF3 ? 2 : d->prefix == PREFIX_PF2 ? 3 : 0;
	unsigned vvvv = chance(r, 30) ? 0x78 : VEX_UPPER(0x40) | (bits & 0x38);

	if (map == 1 && chance(r, 50)) {
		p[0] = 0xc5;
		p[1] = (uint8_t)(VEX_UPPER(0x80) | vvvv | (bits & 4) | pp);
		return 2;
	}
	p[0] = 0xc4;
	p[1] = (uint8_t)(VEX_UPPER(0xe0) | map);
	p[2] = (uint8_t)((bits & 0x80) | vvvv | (bits & 4) | pp);
	return 3;
}

/* Right before the opcode, W as often as not. */
static unsigned put_rex(struct random *r, uint8_t *p)
{
	if (NATIVE_BITS != 64 || chance(r, 30))
		return 0;
	p[0] = (uint8_t)(0x40 | random_below(r, 16));
	return 1;
}

static unsigned put_opcode_map(struct random *r, const struct row *d, uint8_t *p)
{
	switch (d->map) {
	case MAP_1:
		return 0;
	case MAP_0F:
		p[0] = 0x0f;
		return 1;
	case MAP_0F38:
	case MAP_0F3A:
		p[0] = 0x0f;
		p[1] = d->map == MAP_0F38 ? 0x38 : 0x3a;
		return 2;
	default:
		return put_vex(r, d, p);
	}
}

static bool is_vex(const struct row *d)
{
	return d->map == MAP_V0F || d->map == MAP_V0F38 || d->map == MAP_V0F3A;
}

bool make_bytes(struct random *r, unsigned row, unsigned turn, struct test_case *c)
{
	uint8_t *p = c->bytes;

	random_bytes(r, c->bytes, INSN_MAX_LENGTH);
	if (row < opcode_row_count) {
		const struct row *d = &decode_rows[row];
		if (is_vex(d))
			p += put_selecting(r, PREFIX_P00, p);
		else if (d->prefix == PREFIX_NP)
			p += put_prefixes(r, opcode_rows[row].attributes, p);
		else
			p += put_selecting(r, d->prefix, p);
		if (!is_vex(d))
			p += put_rex(r, p);
		p += put_opcode_map(r, d, p);
		*p++ = d->opcode;
		if (d->operand[0] == COL_Zb || d->operand[0] == COL_Zv)
			p[-1] |= turn & 7;
		if (d->modrm != MODRM_NONE)
			*p++ = modrm_for(d, turn);
	}
	decode_case(c);
	c->size = c->insn.length;
	return acceptable(c) && (row >= opcode_row_count || opcode_rows[row].cpu <= GEN_LATER || c->insn.row == row);
}

/* ---- what runs before it ---- */
/* Instructions whose flags are all defined but for AF after logic. */
static bool may_be_led(const struct insn *i)
{
	const char *name = mnemonic_name(i->mnemonic);
	static const uint16_t plain[] = {MN_add,   MN_adc,   MN_sub,  MN_sbb, MN_cmp, MN_and, MN_or,
					 MN_xor,   MN_test,  MN_inc,  MN_dec, MN_neg, MN_not, MN_mov,
					 MN_movzx, MN_movsx, MN_xchg, MN_lea, MN_nop};

	for (unsigned n = 0; n < i->operands; n++)
		if (i->op[n].kind != OPD_GPR && i->op[n].kind != OPD_IMM && i->op[n].kind != OPD_REL)
			return i->mnemonic == MN_lea;
	if (i->status != DECODE_OK || !strncmp(name, "set", 3) || !strncmp(name, "cmov", 4))
		return i->status == DECODE_OK;
	if (name[0] == 'j' && i->op[0].kind == OPD_REL && strncmp(name, "jcx", 3) != 0)
		return true;
	for (unsigned n = 0; n < sizeof(plain) / sizeof(plain[0]); n++)
		if (i->mnemonic == plain[n])
			return true;
	return false;
}

static void lead_byte(struct test_case *c, unsigned byte)
{
	c->lead_bytes[c->lead++] = (uint8_t)byte;
}

/* One instruction between registers. */
static void add_lead(struct random *r, struct test_case *c)
{
	unsigned kind = random_below(r, 16), operation = random_below(r, 8) << 3, reg = random_below(r, 64);

	if (chance(r, 20))
		lead_byte(c, 0x66);
	if (NATIVE_BITS == 64 && chance(r, 70))
		lead_byte(c, 0x40 | random_below(r, 16));
	if (kind < 8) { /* ADD OR ADC SBB AND SUB XOR CMP, MOV, TEST */
		static const uint8_t others[] = {0x84, 0x85, 0x88, 0x89, 0x8a, 0x8b};
		bool other = chance(r, 30);
		unsigned opcode = other ? others[random_below(r, 6)] : operation | random_below(r, 4);
		c->lead_logic |=
			opcode == 0x84 || opcode == 0x85 || operation == 0x08 || operation == 0x20 || operation == 0x30;
		lead_byte(c, opcode);
		lead_byte(c, 0xc0 | reg);
	} else if (kind < 10) {
		c->lead_logic |= operation == 0x08 || operation == 0x20 || operation == 0x30;
		lead_byte(c, 0x83);
		lead_byte(c, 0xc0 | operation | (reg & 7));
		lead_byte(c, random_below(r, 256));
	} else if (kind < 12) { /* INC, DEC */
		if (NATIVE_BITS == 64)
			lead_byte(c, 0xff);
		lead_byte(c, (NATIVE_BITS == 64 ? 0xc0 : 0x40) | (reg & 15));
	} else if (kind == 12) { /* NOT, NEG */
		lead_byte(c, 0xf6 | (reg >> 5 & 1));
		lead_byte(c, 0xd0 | (reg & 15));
	} else if (kind == 13) { /* SETcc, CMOVcc */
		lead_byte(c, 0x0f);
		lead_byte(c, (chance(r, 50) ? 0x90 : 0x40) | random_below(r, 16));
		lead_byte(c, 0xc0 | reg);
	} else if (kind == 14) { /* MOVZX, MOVSX */
		lead_byte(c, 0x0f);
		lead_byte(c, 0xb6 | (reg & 1) | (reg & 2) << 2);
		lead_byte(c, 0xc0 | reg);
	} else { /* LEA reg, [reg + 8 bits] */
		lead_byte(c, 0x8d);
		lead_byte(c, 0x40 | (reg & 0x38) | (reg & 3));
		lead_byte(c, random_below(r, 256));
	}
}

void make_lead(struct random *r, struct test_case *c)
{
	if (!may_be_led(&c->insn) || chance(r, 50))
		return;
	for (unsigned n = 1 + random_below(r, 4); n > 0; n--)
		add_lead(r, c);
	if (c->at - c->lead < UPPER(c->at) + CODE + INT3_ONLY) {
		c->lead = 0;
		c->lead_logic = false;
	}
	c->start.eip -= c->lead;
}
