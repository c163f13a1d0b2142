#include "testcase/exclusions.h"

#include <string.h>

#include "arch/state.h"
#include "arch/x86.h"
#include "decode/insn.h"

static enum decode_status decoded(struct insn *insn, const struct moo_test *t)
{
	return decode(insn, t->bytes, t->size, MODE_REAL, false);
}

static bool is_one_of(const char *form, const char *const *list)
{
	while (*list && strcmp(form, *list) != 0)
		list++;
	return *list != NULL;
}

static bool overruns(const struct moo_test *t)
{
	return t->exception && t->vector == 13;
}

static bool capture_error(const char *form, const struct moo_test *t)
{
	return (!strcmp(form, "CE") && t->index == 1193) || (!strcmp(form, "FF.3") && t->index == 1141);
}

/* SDM 2, "LOCK": #UD but before instructions that read, modify and write memory. */
static bool lock_refused(const char *form, const struct moo_test *t)
{
	struct insn insn;

	return decoded(&insn, t) == DECODE_UD && insn.lock;
}

static bool has_string(const struct insn *insn)
{
	return insn->op[0].kind == OPD_STR_SRC || insn->op[0].kind == OPD_STR_DST;
}

/* SDM 3, "Real-Address Mode Exceptions" of each instruction: #SS beyond the limit of SS, #GP of others. */
static bool operand_beyond_ss(const char *form, const struct moo_test *t)
{
	struct insn insn;

	if (!overruns(t) || decoded(&insn, t) != DECODE_OK || insn.seg != SEG_SS)
		return false;
	for (unsigned i = 0; i < insn.operands; i++)
		if (insn.op[i].kind == OPD_MEM || (insn.op[i].kind == OPD_STR_SRC && (t->init.reg[MOO_SI] & 1)))
			return true;
	return false;
}

/* A word at SP = FFFFh (BP for LEAVE) lies beyond the limit, and so it does further down the
 * stack for who pops several. */
static bool pops_beyond_ss(const char *form, const struct moo_test *t)
{
	static const char *const pops[] = {"07", "17", "1F", "61", "C2", "C3", "C9", "CA", "CB", NULL};
	uint16_t sp = t->init.reg[!strcmp(form, "C9") ? MOO_BP : MOO_SP];

	return overruns(t) && is_one_of(form, pops) && (sp & 1) && sp >= 0xfff1;
}

static bool too_long_for_286(const char *form, const struct moo_test *t)
{
	struct insn insn;

	return overruns(t) && decoded(&insn, t) == DECODE_OK && insn.length > 10;
}

static bool fs_or_gs(const char *form, const struct moo_test *t)
{
	struct insn insn;

	return (!strcmp(form, "8C") || !strcmp(form, "8E")) && decoded(&insn, t) == DECODE_OK &&
	       (insn.op[0].reg == SEG_FS || insn.op[0].reg == SEG_GS || insn.op[1].reg == SEG_FS ||
		insn.op[1].reg == SEG_GS) &&
	       t->exception && t->vector == 6;
}

static bool string_fault(const char *form, const struct moo_test *t)
{
	struct insn insn;

	return overruns(t) && decoded(&insn, t) == DECODE_OK && has_string(&insn);
}

/* SDM 2, "RCL/RCR/ROL/ROR": OF is undefined but for 1-bit rotates. */
static bool full_turn(const char *form, const struct moo_test *t)
{
	struct insn insn;

	return (!strcmp(form, "C0.2") || !strcmp(form, "C0.3")) && decoded(&insn, t) == DECODE_OK &&
	       (insn.imm & 31) != 0 && (insn.imm & 31) % 9 == 0;
}

/* SDM 3, "Interrupt 0 - Divide Error Exception": no state change goes with it. */
static bool aam_zero(const char *form, const struct moo_test *t)
{
	return !strcmp(form, "D4") && t->exception && t->vector == 0;
}

/* Quotient and remainder that no divisor of 8 bits gives: (dividend - remainder) / quotient is none. */
static bool idiv_missed_overflow(const char *form, const struct moo_test *t)
{
	int quotient = (int8_t)t->final.reg[MOO_AX], remainder = (int8_t)(t->final.reg[MOO_AX] >> 8);
	int product = (int16_t)t->init.reg[MOO_AX] - remainder;

	if (strcmp(form, "F6.7") != 0 || t->exception || quotient != -128)
		return false;
	return product / quotient < -128 || product / quotient > 127;
}

const struct exclusion exclusions[EXCLUSIONS] = {
	{capture_error, "CE 1193, FF.3 1141: SS pushed where CS should be: errors of the capture", LEFT_OUT, 0, 0, 0},
	{fs_or_gs, "MOV from or to FS or GS: #UD on a 286, which has none", LEFT_OUT, 0, 0, 0},
	{too_long_for_286, "longer than 10 bytes: 13 on a 286, whose limit that is; a 386 has 15", LEFT_OUT, 0, 0, 0},
	{lock_refused, "a 286 ignores LOCK where a 386 raises #UD", FAULTS, VEC_UD, 0, 0},
	{operand_beyond_ss, "an operand beyond SS's limit: 13 on a 286, 12 on a 386", FAULTS, VEC_SS, 0, 0},
	{pops_beyond_ss, "a pop beyond SS's limit: 13 on a 286, 12 on a 386", FAULTS, VEC_SS, 0, 0},
	{idiv_missed_overflow, "IDIV: a quotient below -128 that a 286 takes for -128; a 386 raises #DE", FAULTS,
	 VEC_DE, 0, 0},
	{string_fault, "a faulting string instruction: a 286 has stepped SI, DI, CX already (not compared)", COMPARED,
	 0, 1 << MOO_SI | 1 << MOO_DI | 1 << MOO_CX, 0},
	{full_turn, "RCL, RCR by a whole turn: OF is undefined, and a 286 changes it (OF not compared)", COMPARED, 0, 0,
	 FLAG_OF},
	{aam_zero, "AAM 0: a 286 has set SF, ZF, PF before the divide error (not compared)", COMPARED, 0, 0,
	 FLAG_SF | FLAG_ZF | FLAG_PF},
};

unsigned exclusion_of(const char *form, const struct moo_test *t)
{
	unsigned i = 0;

	while (i < EXCLUSIONS && !exclusions[i].applies(form, t))
		i++;
	return i;
}
