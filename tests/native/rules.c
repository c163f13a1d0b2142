#include "native/rules.h"

#include <string.h>

#include "arch/state.h"
#include "arch/x86.h"
#include "cpu/fp.h"
#include "native/host.h"

static bool is(const struct test_case *c, unsigned mnemonic)
{
	return c->insn.mnemonic == mnemonic;
}
static bool writes_segment(const struct test_case *c, unsigned seg)
{
	const struct operand *op = &c->insn.op[0];

	return (is(c, MN_mov) || is(c, MN_pop)) && op->kind == OPD_SREG && op->reg == seg;
}

/* ---- not run ---- */
static bool system_call(const struct test_case *c)
{
	return (is(c, MN_int) && (c->insn.imm & 0xff) == 0x80) || is(c, MN_syscall);
}
static bool sysenter(const struct test_case *c)
{
	return is(c, MN_sysenter) || is(c, MN_sysexit);
}
static bool identifies(const struct test_case *c)
{
	return is(c, MN_cpuid) || is(c, MN_rdtsc) || is(c, MN_rdtscp);
}
static bool table_store(const struct test_case *c)
{
	return is(c, MN_sgdt) || is(c, MN_sidt) || is(c, MN_sldt) || is(c, MN_str) || is(c, MN_smsw);
}
static bool loads_fs(const struct test_case *c)
{
	bool base = is(c, MN_rdfsbase) || is(c, MN_wrfsbase);

	return is(c, MN_lfs) || writes_segment(c, SEG_FS) || base || (NATIVE_BITS == 64 && c->insn.seg == SEG_FS);
}
static bool host_numbers(const struct test_case *c)
{
	return is(c, MN_rdrand) || is(c, MN_rdseed) || is(c, MN_xgetbv) || is(c, MN_rdpkru) || is(c, MN_wrpkru);
}
static bool bmi(const struct test_case *c)
{
	return (is(c, MN_bsf) || is(c, MN_bsr)) && c->insn.rep;
}

const struct left_out left_out[] = {
	{system_call, "INT 80h, SYSCALL are system calls of the host"},
	{sysenter, "SYSENTER, SYSEXIT: #UD on AMD in long mode, the host's system call on Intel"},
	{identifies, "CPUID, RDTSC, RDTSCP: what they tell is the host's own"},
	{table_store, "SGDT, SIDT, SLDT, STR, SMSW: the host's kernel answers for the processor (UMIP)"},
	{loads_fs, "loads of FS, with 64 bits all uses of it: the host's thread register"},
	{host_numbers, "RDRAND, RDSEED, XGETBV, RDPKRU, WRPKRU: the host's own"},
	{bmi, "F3 BSF, F3 BSR are TZCNT, LZCNT on the host; an i386 ignores F3"},
};
const unsigned left_out_count = sizeof(left_out) / sizeof(left_out[0]);

unsigned left_out_of(const struct test_case *c)
{
	unsigned i = 0;

	while (i < left_out_count && !left_out[i].applies(c))
		i++;
	return i;
}

/* ---- undefined ---- */
static unsigned count_of(const struct test_case *c)
{
	const struct insn *i = &c->insn;
	const struct operand *last = &i->op[i->operands - 1];

	return (unsigned)(last->kind == OPD_IMM ? i->imm : c->start.gpr[CX]) & (i->op[0].width == 64 ? 63 : 31);
}
static bool counted(const struct test_case *c)
{
	return count_of(c) != 0;
}
static bool more_than_one(const struct test_case *c)
{
	return count_of(c) > 1;
}
static bool beyond_width(const struct test_case *c)
{
	return count_of(c) >= c->insn.op[0].width;
}

static bool invalid_unmasked(const struct test_case *c)
{
	return !(c->start.fpu.cw & 1);
}

#define ALL_BUT_ZF (FLAGS_STATUS & ~FLAG_ZF)
#define SHIFT_TEXT "SAL/SAR/SHL/SHR: \"the OF flag is affected only for 1-bit shifts. Otherwise, it is undefined\""
#define SHIFT_CF                                                                                                       \
	"SAL/SAR/SHL/SHR: \"CF ... is undefined for SHL and SHR instructions where the count is greater than or "      \
	"equal to the size (in bits) of the destination operand\""
#define SHIFT_AF "SAL/SAR/SHL/SHR: \"For a non-zero count, the AF flag is undefined\""
#define ROTATE_OF                                                                                                      \
	"RCL/RCR/ROL/ROR: \"The OF flag is affected only for single-bit rotates ... it is undefined for multi-bit "    \
	"rotates\""
#define LOGIC_AF   "\"the state of the AF flag is undefined\""
#define SHD_OF     "SHLD, SHRD: \"For shifts greater than 1 bit, the OF flag is undefined\""
#define SHD_AF     "SHLD, SHRD: \"If a shift occurs, the AF flag is undefined\""
#define SHD_BEYOND "SHLD, SHRD: \"If the count operand is greater than the operand size, the flags are undefined\""
#define FCOMI_C1   "FCOMI, \"C1 Set to 0\"; AMD keeps it"
#define FCOM_IA                                                                                                        \
	"FCOM: \"If the invalid-arithmetic-operand exception is unmasked, the condition code flags are not set\"; "    \
	"AMD sets them"
#define BT_FLAGS "BT: \"The OF, SF, AF, and PF flags are undefined\""

static const struct undefined undefined[] = {
	{MN_and, NULL, FLAG_AF, 0, LOGIC_AF},
	{MN_or, NULL, FLAG_AF, 0, LOGIC_AF},
	{MN_xor, NULL, FLAG_AF, 0, LOGIC_AF},
	{MN_test, NULL, FLAG_AF, 0, LOGIC_AF},
	{MN_mul, NULL, FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF, 0, "\"The SF, ZF, AF, and PF flags are undefined\""},
	{MN_imul, NULL, FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF, 0, "\"The SF, ZF, AF, and PF flags are undefined\""},
	{MN_div, NULL, FLAGS_STATUS, 0, "\"The CF, OF, SF, ZF, AF, and PF flags are undefined\""},
	{MN_idiv, NULL, FLAGS_STATUS, 0, "\"The CF, OF, SF, ZF, AF, and PF flags are undefined\""},
	{MN_daa, NULL, FLAG_OF, 0, "\"The OF flag is undefined\""},
	{MN_das, NULL, FLAG_OF, 0, "\"The OF flag is undefined\""},
	{MN_aaa, NULL, FLAG_OF | FLAG_SF | FLAG_ZF | FLAG_PF, 0, "\"The OF, SF, ZF, and PF flags are undefined\""},
	{MN_aas, NULL, FLAG_OF | FLAG_SF | FLAG_ZF | FLAG_PF, 0, "\"The OF, SF, ZF, and PF flags are undefined\""},
	{MN_aam, NULL, FLAG_OF | FLAG_AF | FLAG_CF, 0, "\"The OF, AF, and CF flags are undefined\""},
	{MN_aad, NULL, FLAG_OF | FLAG_AF | FLAG_CF, 0, "\"The OF, AF, and CF flags are undefined\""},
	{MN_bsf, NULL, ALL_BUT_ZF, 0, "\"The CF, OF, SF, AF, and PF flags are undefined\""},
	{MN_bsr, NULL, ALL_BUT_ZF, 0, "\"The CF, OF, SF, AF, and PF flags are undefined\""},
	{MN_bt, NULL, FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF, 0, BT_FLAGS},
	{MN_bts, NULL, FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF, 0, BT_FLAGS},
	{MN_btr, NULL, FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF, 0, BT_FLAGS},
	{MN_btc, NULL, FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF, 0, BT_FLAGS},
	{MN_rol, more_than_one, FLAG_OF, 0, ROTATE_OF},
	{MN_ror, more_than_one, FLAG_OF, 0, ROTATE_OF},
	{MN_rcl, more_than_one, FLAG_OF, 0, ROTATE_OF},
	{MN_rcr, more_than_one, FLAG_OF, 0, ROTATE_OF},
	{MN_shl, more_than_one, FLAG_OF, 0, SHIFT_TEXT},
	{MN_shr, more_than_one, FLAG_OF, 0, SHIFT_TEXT},
	{MN_sar, more_than_one, FLAG_OF, 0, SHIFT_TEXT},
	{MN_shl, counted, FLAG_AF, 0, SHIFT_AF},
	{MN_shr, counted, FLAG_AF, 0, SHIFT_AF},
	{MN_sar, counted, FLAG_AF, 0, SHIFT_AF},
	{MN_shl, beyond_width, FLAG_CF, 0, SHIFT_CF},
	{MN_shr, beyond_width, FLAG_CF, 0, SHIFT_CF},
	{MN_shld, more_than_one, FLAG_OF, 0, SHD_OF},
	{MN_shrd, more_than_one, FLAG_OF, 0, SHD_OF},
	{MN_shld, counted, FLAG_AF, 0, SHD_AF},
	{MN_shrd, counted, FLAG_AF, 0, SHD_AF},
	{MN_shld, beyond_width, FLAGS_STATUS, 0, SHD_BEYOND},
	{MN_shrd, beyond_width, FLAGS_STATUS, 0, SHD_BEYOND},
	{MN_tzcnt, NULL, FLAG_OF | FLAG_SF | FLAG_PF | FLAG_AF, 0, "\"OF, SF, PF, and AF flags are undefined\""},
	{MN_lzcnt, NULL, FLAG_OF | FLAG_SF | FLAG_PF | FLAG_AF, 0, "\"OF, SF, PF, and AF flags are undefined\""},
	{MN_andn, NULL, FLAG_AF | FLAG_PF, 0, "\"The AF and PF flags are undefined\""},
	{MN_blsi, NULL, FLAG_AF | FLAG_PF, 0, "\"AF and PF flags are undefined\""},
	{MN_blsr, NULL, FLAG_AF | FLAG_PF, 0, "\"AF and PF flags are undefined\""},
	{MN_blsmsk, NULL, FLAG_AF | FLAG_PF, 0, "\"AF and PF flags are undefined\""},
	{MN_bzhi, NULL, FLAG_AF | FLAG_PF, 0, "\"AF and PF flags are undefined\""},
	{MN_bextr, NULL, FLAG_AF | FLAG_SF | FLAG_PF, 0, "\"The AF, SF, and PF flags are undefined\""},
	/* Defined, but the host's way is another. */
	{MN_fcom, invalid_unmasked, 0, FP_C0 | FP_C2 | FP_C3, FCOM_IA},
	{MN_fcomp, invalid_unmasked, 0, FP_C0 | FP_C2 | FP_C3, FCOM_IA},
	{MN_fcompp, invalid_unmasked, 0, FP_C0 | FP_C2 | FP_C3, FCOM_IA},
	{MN_fucom, invalid_unmasked, 0, FP_C0 | FP_C2 | FP_C3, FCOM_IA},
	{MN_fucomp, invalid_unmasked, 0, FP_C0 | FP_C2 | FP_C3, FCOM_IA},
	{MN_fucompp, invalid_unmasked, 0, FP_C0 | FP_C2 | FP_C3, FCOM_IA},
	{MN_ficom, invalid_unmasked, 0, FP_C0 | FP_C2 | FP_C3, FCOM_IA},
	{MN_ficomp, invalid_unmasked, 0, FP_C0 | FP_C2 | FP_C3, FCOM_IA},
	{MN_ftst, invalid_unmasked, 0, FP_C0 | FP_C2 | FP_C3, FCOM_IA},
	{MN_fcomi, invalid_unmasked, FLAG_ZF | FLAG_PF | FLAG_CF, 0, FCOM_IA},
	{MN_fcomip, invalid_unmasked, FLAG_ZF | FLAG_PF | FLAG_CF, 0, FCOM_IA},
	{MN_fucomi, invalid_unmasked, FLAG_ZF | FLAG_PF | FLAG_CF, 0, FCOM_IA},
	{MN_fucomip, invalid_unmasked, FLAG_ZF | FLAG_PF | FLAG_CF, 0, FCOM_IA},
	{MN_fcomi, NULL, 0, FP_C1, FCOMI_C1},
	{MN_fcomip, NULL, 0, FP_C1, FCOMI_C1},
	{MN_fucomi, NULL, 0, FP_C1, FCOMI_C1},
	{MN_fucomip, NULL, 0, FP_C1, FCOMI_C1},
};

void undefined_after(const struct test_case *c, uint32_t *eflags, uint16_t *fsw)
{
	*eflags = c->lead_logic ? FLAG_AF : 0;
	*fsw = 0;
	for (unsigned i = 0; i < sizeof(undefined) / sizeof(undefined[0]); i++) {
		if (!is(c, undefined[i].mnemonic) || (undefined[i].when && !undefined[i].when(c)))
			continue;
		*eflags |= undefined[i].eflags;
		*fsw |= undefined[i].fsw;
	}
}

/* ---- the host ---- */
static bool same_registers(const struct outcome *host, const struct outcome *ours)
{
	return memcmp(host->gpr, ours->gpr, sizeof(host->gpr)) == 0 && host->eip == ours->eip &&
	       host->vector == ours->vector;
}

static bool long_mode(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return NATIVE_BITS == 32 && host->cs == SEL_USER_CODE64;
}

static bool own_tables(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	bool tables = ours->cr2 - SYSTEM < SYSTEM_BYTES || ours->cr2 - HOST_STUB < 2 * PAGE;
	/* Where Linux puts programs, libraries and the stack. */
	uint64_t address = ours->cr2;
	bool program = NATIVE_BITS == 64 && address >= UINT64_C(0x550000000000) && address >> 47 == 0;

	return ours->vector == VEC_PF && (tables || program);
}

static bool alignment_first(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return host->vector == VEC_AC && ours->vector != VEC_BP && (c->start.eflags & FLAG_AC);
}

static bool at_the_end(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return (host->vector == VEC_GP || host->vector == VEC_SS) && host->error == 0 && ours->vector == VEC_PF &&
	       ours->cr2 + 0x100 < 0x200;
}

static bool port_of_nothing(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	word count = c->start.gpr[CX] & ((word)~(word)0 >> (WORD_BITS - c->insn.asize));

	return (is(c, MN_ins) || is(c, MN_outs)) && host->vector == VEC_GP && ours->vector != VEC_GP && count == 0;
}

static bool retf_outer_first(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return is(c, MN_retf) && host->vector == VEC_PF && ours->vector == VEC_GP;
}

/* Sign and exponent of ST(0): |x| >= 0.25. */
static bool fyl2xp1_range(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	uint16_t exponent = (uint16_t)(c->start.fpu.st[0][8] | c->start.fpu.st[0][9] << 8) & 0x7fff;

	return is(c, MN_fyl2xp1) && exponent >= 0x3ffd;
}

static bool shift_beyond(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return (is(c, MN_shld) || is(c, MN_shrd)) && c->insn.op[0].width == 16 && count_of(c) > 16 &&
	       host->vector == ours->vector;
}

static bool arpl_reads(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return is(c, MN_arpl) && c->has_memory && ours->vector != VEC_BP && !(host->error & 2);
}

static bool lock_mov_cr(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return is(c, MN_mov) && c->insn.lock && host->vector == VEC_GP && ours->vector == VEC_UD;
}

static bool repeated_compare(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return (is(c, MN_cmps) || is(c, MN_scas)) && (c->insn.rep || c->insn.repne) && host->vector != VEC_BP &&
	       same_registers(host, ours);
}

/* Both fault, but met another of the operand's words first. */
static bool several_accesses(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	static const uint16_t several[] = {MN_fldenv, MN_frstor, MN_fnstenv, MN_fnsave, MN_fbstp, MN_fbld, MN_fstp,
					   MN_fld,    MN_iret,   MN_pusha,   MN_popa,   MN_lds,   MN_les,  MN_lss,
					   MN_lgs,    MN_bound,  MN_jmp,     MN_call,   MN_retf,  MN_enter, MN_fxsave,
					   MN_fxrstor, MN_xsave, MN_xsaveopt, MN_xrstor};
	bool one_of = false;

	for (unsigned i = 0; i < sizeof(several) / sizeof(several[0]); i++)
		one_of |= is(c, several[i]);
	return one_of && host->vector != VEC_BP && ours->vector != VEC_BP && host->eip == ours->eip &&
	       (ours->vector == VEC_PF || ours->vector == VEC_GP || ours->vector == VEC_SS) &&
	       memcmp(host->gpr, ours->gpr, sizeof(host->gpr)) == 0 &&
	       (host->vector != ours->vector || (host->vector == VEC_PF && host->cr2 != ours->cr2));
}

static bool popa_part(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return is(c, MN_popa) && host->vector != VEC_BP && host->vector == ours->vector && host->eip == ours->eip;
}

static bool nt_lost(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return is(c, MN_popf) && same_registers(host, ours) && ours->eflags == (host->eflags | FLAG_NT);
}

static bool denormal_load(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return is(c, MN_fld) && c->has_memory && !(c->start.fpu.cw & FP_DE) && host->vector == ours->vector;
}

static bool loop_prefix(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return (is(c, MN_loope) && c->insn.repne) || (is(c, MN_loopne) && c->insn.rep);
}

static bool prefetch_register(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return is(c, MN_nop) && !c->has_memory && host->vector == VEC_UD;
}

static bool undefined_length(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return (is(c, MN_ud0) || is(c, MN_ud1)) && host->vector == VEC_UD && ours->vector == VEC_PF;
}

static bool frame_below(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return (is(c, MN_enter) || is(c, MN_call) || is(c, MN_pusha)) && host->vector != VEC_BP &&
	       same_registers(host, ours);
}

static bool int1_eip(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return is(c, MN_int1) && host->eip == c->start.eip && ours->eip == c->start.eip + c->size;
}

static bool wide_alignment(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return c->insn.vl > 64 && host->vector == VEC_AC && (c->start.eflags & FLAG_AC);
}

static bool alignment_before_limit(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return (c->insn.vl > 64 || is(c, MN_cmpxchg16b)) && host->vector == VEC_GP && ours->vector == VEC_SS;
}

static bool estimate(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	static const uint16_t estimates[] = {MN_rcpps,  MN_rcpss,  MN_rsqrtps,  MN_rsqrtss,
					     MN_vrcpps, MN_vrcpss, MN_vrsqrtps, MN_vrsqrtss};
	bool one_of = false;

	for (unsigned i = 0; i < sizeof(estimates) / sizeof(estimates[0]); i++)
		one_of |= is(c, estimates[i]);
	return one_of && same_registers(host, ours);
}

static bool mmx_first(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return c->start.x87 && !c->fnsave && host->vector != VEC_BP && host->full == 0xff && same_registers(host, ours);
}

static bool wide_element(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return (is(c, MN_vpextrd) || is(c, MN_vpinsrd)) && (c->insn.rex & 8) && host->vector == VEC_UD;
}

static bool masked_bytes(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return (is(c, MN_maskmovq) || is(c, MN_maskmovdqu) || is(c, MN_vmaskmovdqu)) && host->vector != VEC_BP;
}

static bool whole_area(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	bool one_of = is(c, MN_xsave) || is(c, MN_xsaveopt) || is(c, MN_xrstor);

	return one_of && host->vector != VEC_BP && host->eip != ours->eip;
}

static bool gather_fault(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return c->insn.vsib && host->vector != VEC_BP && same_registers(host, ours);
}

/* What follows is of 64-bit mode. */
static bool rex_w(const struct test_case *c)
{
	return NATIVE_BITS == 64 && (c->insn.rex & 8);
}

static bool far_call_w(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return rex_w(c) && is(c, MN_call) && (opcode_rows[c->insn.row].attributes & ATTR_FAR);
}

static bool canonical(uint64_t address)
{
	return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static uint64_t offset_of(const struct test_case *c)
{
	const word *gpr = c->start.gpr;

	return c->has_memory ? c->memory - c->start.gs_base : is(c, MN_xlat) ? gpr[BX] + (uint8_t)gpr[AX] : gpr[SI];
}

static bool offset_canonical(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	bool refused = host->vector == VEC_GP && host->error == 0;

	return NATIVE_BITS == 64 && c->insn.seg == SEG_GS && refused &&
	       !(canonical(offset_of(c)) && canonical(offset_of(c) + 63));
}

static bool wide_source(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return is(c, MN_movsxd) && c->insn.osize == 16 && c->has_memory && host->vector != VEC_BP;
}

static bool compat_stack(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	bool far = opcode_rows[c->insn.row].attributes & ATTR_FAR;

	return NATIVE_BITS == 64 && is(c, MN_call) && far && host->cs != SEL_USER_CODE64 && c->start.gpr[SP] >> 31 > 1;
}

static bool ip_before_ss(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	return NATIVE_BITS == 64 && is(c, MN_iret) && host->vector == VEC_GP && host->error == 0 &&
	       ours->vector == VEC_GP;
}

static bool return_limit(const struct test_case *c, const struct outcome *host, const struct outcome *ours)
{
	bool returns = is(c, MN_iret) || is(c, MN_retf);

	return rex_w(c) && returns && host->vector == VEC_GP && host->error == 0 && ours->cs != SEL_USER_CODE64;
}

const struct host_difference host_differences[] = {
	{long_mode, "a far transfer by chance to the host's 64-bit code segment"},
	{own_tables, "by chance an address where only the emulator has its tables, or only the host its way in and itself"},
	{alignment_first, "AMD reports #AC before other faults of the same instruction; SDM 3, priorities: last"},
	{at_the_end, "an operand across the end of a 4-GByte segment: SDM 3, Limit Checking: \"may or may not\" fault"},
	{port_of_nothing, "REP INS, REP OUTS with CX = 0: AMD asks whether the port is allowed all the same"},
	{retf_outer_first, "RETF n: AMD reads the outer SS before it looks at the code selector"},
	{fyl2xp1_range, "FYL2XP1 beyond its range: \"the result is undefined\""},
	{shift_beyond, "SHLD, SHRD by more than 16 of 16 bits: \"the result is undefined\""},
	{arpl_reads, "ARPL: the host reads first and writes only what changes"},
	{lock_mov_cr, "LOCK MOV CR0 is AMD's name for CR8; Intel: #UD"},
	{repeated_compare,
	 "REPE/REPNE CMPS, SCAS that fault: \"EFLAGS is restored\"; AMD keeps those of the last iteration"},
	{several_accesses, "operands of several words: which word of a missing page is met first"},
	{popa_part, "POPA that faults: the host has loaded registers already"},
	{nt_lost, "POPF that sets NT: lost when the host is interrupted before the trap behind it"},
	{denormal_load, "FLD of a denormal, #D unmasked: AMD pushes it; SDM 1, 8.5.2: TOP stays"},
	{loop_prefix, "F2 LOOPE, F3 LOOPNE: on AMD the prefix has its way; SDM 2, REP: reserved"},
	{prefetch_register, "0F 0D of a register: AMD raises #UD; SDM 2, \"Opcode Map\": NOP"},
	{undefined_length, "UD0, UD1: AMD raises #UD before it has fetched ModR/M"},
	{frame_below, "ENTER, PUSHA, CALL far that fault: the host has stored part of the frame below ESP already"},
	{wide_alignment, "vectors in memory under EFLAGS.AC: SDM 3, #AC: \"may or may not be generated\"; AMD does"},
	{alignment_before_limit, "SSE, CMPXCHG16B by SS, unaligned and beyond the limit or not canonical: #GP first on AMD"},
	{estimate, "RCPPS, RSQRTPS and their sisters: estimates, other bits on each processor"},
	{mmx_first, "MMX instructions that fault: AMD has reset TOP and the tags already"},
	{wide_element, "VPEXTRQ, VPINSRQ outside 64-bit mode: #UD on AMD; Intel ignores VEX.W"},
	{masked_bytes, "MASKMOVQ, MASKMOVDQU: AMD checks all bytes; SDM 2: \"may still be signaled\""},
	{whole_area, "XSAVE, XRSTOR: AMD checks places of what is not asked for, outside 64-bit mode YMM8 to YMM15 too"},
	{gather_fault, "gathers that fault: AMD clears mask bits alone; SDM 2, VPGATHERDD: elements become all ones first"},
	{far_call_w, "CALL far with REX.W: AMD reads a 32-bit pointer, and pushes 64 bits"},
	{offset_canonical, "GS with a base: AMD wants the offset to be canonical too"},
	{wide_source, "MOVSXD with 66: AMD reads 32 bits of memory; SDM 2: r/m16"},
	{compat_stack, "CALL far to compatibility mode: AMD pushes as compatibility mode does, by ESP"},
	{ip_before_ss, "IRET: AMD looks at the instruction pointer before SS"},
	{return_limit, "IRETQ, RETFQ to compatibility mode: AMD compares 64 bits with the limit; SDM 2: tempEIP"},
	{int1_eip, "INT1 under the host's hypervisor: EIP not moved on"},
};
const unsigned host_difference_count = sizeof(host_differences) / sizeof(host_differences[0]);
