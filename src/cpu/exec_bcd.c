/* AAA AAS AAM AAD DAA DAS.  SDM 2A.
 *
 * Undefined flags, which processors set in different ways, are here as on the
 * Pentium 4: OF = 0 after AAA, AAS, DAA, DAS; SF = 0 and ZF, PF by AL after AAA
 * and AAS (there PF is of AL before its upper half is cleared); OF = AF = CF = 0
 * after AAM; AAD sets them as the 8-bit addition of its product and AL does. */
#include "cpu/operand.h"

static inline uint8_t *al(struct cpu *cpu) { return reg8(cpu, 8 * RAX); }
static inline uint8_t *ah(struct cpu *cpu) { return reg8(cpu, 8 * RAX + 1); }

static void set_bcd_flags(struct cpu *cpu, uint8_t r, bool af, bool cf)
{
	flags_logic(&cpu->f, r, 8);
	flags_set_cf_of(&cpu->f, cf, false);
	cpu->f.y |= af ? Y_AF : 0;
}

/* AX is adjusted whole: a carry out of AL goes to AH. */
static void adjust_ascii(struct cpu *cpu, uint16_t adjustment)
{
	bool adjust = (*al(cpu) & 0xf) > 9 || flag_af(&cpu->f);
	uint8_t before;

	if (adjust)
		*reg16(cpu, 4 * RAX) += adjustment;
	before = *al(cpu);
	*al(cpu) = before & 0xf;
	set_bcd_flags(cpu, *al(cpu), adjust, adjust);
	cpu->f.sp = before & 0x7f;
	if (before & 0x80)
		cpu->f.sp ^= 1; /* keeps the parity, without the sign */
}

static const struct uop *aaa_none(struct cpu *cpu, const struct uop *u)
{
	adjust_ascii(cpu, 0x106);
	RETURN_NEXT(cpu, u);
}
const struct exec exec_aaa = {{[FORM_NONE] = EXEC_ALL(aaa_none)}};

static const struct uop *aas_none(struct cpu *cpu, const struct uop *u)
{
	adjust_ascii(cpu, (uint16_t)-0x106);
	RETURN_NEXT(cpu, u);
}
const struct exec exec_aas = {{[FORM_NONE] = EXEC_ALL(aas_none)}};

static const struct uop *daa_none(struct cpu *cpu, const struct uop *u)
{
	uint8_t old = *al(cpu), r = old;
	bool af = (old & 0xf) > 9 || flag_af(&cpu->f), cf = old > 0x99 || flag_cf(&cpu->f);

	r += af ? 6 : 0;
	r += cf ? 0x60 : 0;
	*al(cpu) = r;
	set_bcd_flags(cpu, r, af, cf);
	RETURN_NEXT(cpu, u);
}
const struct exec exec_daa = {{[FORM_NONE] = EXEC_ALL(daa_none)}};

/* CF is also set by a borrow out of the subtraction of 6 alone. */
static const struct uop *das_none(struct cpu *cpu, const struct uop *u)
{
	uint8_t old = *al(cpu), r = old;
	bool af = (old & 0xf) > 9 || flag_af(&cpu->f), high = old > 0x99 || flag_cf(&cpu->f);

	r -= af ? 6 : 0;
	r -= high ? 0x60 : 0;
	*al(cpu) = r;
	set_bcd_flags(cpu, r, af, high || (af && old < 6));
	RETURN_NEXT(cpu, u);
}
const struct exec exec_das = {{[FORM_NONE] = EXEC_ALL(das_none)}};

/* #DE when the immediate base is 0. */
static const struct uop *aam_i(struct cpu *cpu, const struct uop *u)
{
	uint8_t base = (uint8_t)u->imm, v = *al(cpu);

	if (base == 0)
		return uop_raise(cpu, u, VEC_DE, 0, WHY_DIVIDE_ZERO);
	*ah(cpu) = v / base;
	*al(cpu) = v % base;
	flags_logic(&cpu->f, *al(cpu), 8);
	RETURN_NEXT(cpu, u);
}
const struct exec exec_aam = {{[FORM_I] = EXEC_ALL(aam_i)}};

static const struct uop *aad_i(struct cpu *cpu, const struct uop *u)
{
	uint8_t product = (uint8_t)(*ah(cpu) * (uint8_t)u->imm);

	*reg16(cpu, 4 * RAX) = (uint8_t)flags_add(&cpu->f, *al(cpu), product, 0, 8);
	RETURN_NEXT(cpu, u);
}
const struct exec exec_aad = {{[FORM_I] = EXEC_ALL(aad_i)}};
