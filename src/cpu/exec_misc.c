/* BOUND XLAT SALC CBW CWD LAHF SAHF CMC CLC STC CLD STD NOP.  SDM 2A, 2B. */
#include "cpu/operand.h"

/* AL := [seg:rBX + AL], AL unsigned, the sum cut to the address size. */
static const struct uop *xlat_none(struct cpu *cpu, const struct uop *u)
{
	uint64_t off = cpu->s.gpr.r64[RBX] + cpu->s.gpr.r8[8 * RAX];
	struct rd m = seg_read(&cpu->mmu, (enum seg)u->seg, (off << u->addr_shift) >> u->addr_shift, 1);

	if (UNLIKELY(!m.ok))
		return uop_fault(cpu, u);
	*reg8(cpu, 8 * RAX) = (uint8_t)m.v;
	RETURN_NEXT(cpu, u);
}
const struct exec exec_xlat = {{[FORM_NONE] = EXEC_ALL(xlat_none)}};

/* Signed: lower bound at the address, upper bound behind it; both belong to the
 * array.  #BR is a fault.  SDM 2A "BOUND". */
static bool bound_ok(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	struct rd lower = mem_read(cpu, u, bits / 8), upper;
	uint64_t behind = uop_ea(cpu, u) + bits / 8;
	int64_t index = sign_extend(reg_read(cpu, u->dst, bits), bits);

	if (!lower.ok)
		return false;
	upper = seg_read(&cpu->mmu, (enum seg)u->seg, (behind << u->addr_shift) >> u->addr_shift, bits / 8);
	if (!upper.ok)
		return false;
	if (index < sign_extend(lower.v, bits) || index > sign_extend(upper.v, bits))
		return cpu_raise(cpu, VEC_BR, 0, WHY_BOUND_RANGE);
	return true;
}

static const struct uop *bound_rm16(struct cpu *cpu, const struct uop *u)
{
	if (UNLIKELY(!bound_ok(cpu, u, 16)))
		return uop_fault(cpu, u);
	RETURN_NEXT(cpu, u);
}

static const struct uop *bound_rm32(struct cpu *cpu, const struct uop *u)
{
	if (UNLIKELY(!bound_ok(cpu, u, 32)))
		return uop_fault(cpu, u);
	RETURN_NEXT(cpu, u);
}
const struct exec exec_bound = {{[FORM_RM] = EXEC_V(bound_rm16, bound_rm32)}};

/* AL := CF ? FFh : 0 (opcode D6: not in the SDM's text, present in every
 * Intel processor). */
static const struct uop *salc_none(struct cpu *cpu, const struct uop *u)
{
	*reg8(cpu, 8 * RAX) = flag_cf(&cpu->f) ? 0xff : 0;
	RETURN_NEXT(cpu, u);
}
const struct exec exec_salc = {{[FORM_NONE] = EXEC_ALL(salc_none)}};

static const struct uop *cbw_none16(struct cpu *cpu, const struct uop *u)
{
	*reg16(cpu, 4 * RAX) = (uint16_t)(int8_t)*reg8(cpu, 8 * RAX);
	RETURN_NEXT(cpu, u);
}

static const struct uop *cbw_none32(struct cpu *cpu, const struct uop *u)
{
	set_reg32(cpu, RAX, (uint32_t)(int16_t)*reg16(cpu, 4 * RAX));
	RETURN_NEXT(cpu, u);
}

static const struct uop *cbw_none64(struct cpu *cpu, const struct uop *u)
{
	gpr_write(cpu, RAX, 64, (uint64_t)sign_extend(reg32(cpu, RAX), 32));
	RETURN_NEXT(cpu, u);
}
const struct exec exec_cbw = {{[FORM_NONE] = EXEC_V(cbw_none16, cbw_none32, cbw_none64)}};

static const struct uop *cwd_none16(struct cpu *cpu, const struct uop *u)
{
	*reg16(cpu, 4 * RDX) = *reg16(cpu, 4 * RAX) & 0x8000 ? 0xffff : 0;
	RETURN_NEXT(cpu, u);
}

static const struct uop *cwd_none32(struct cpu *cpu, const struct uop *u)
{
	set_reg32(cpu, RDX, reg32(cpu, RAX) & 0x80000000u ? 0xffffffffu : 0);
	RETURN_NEXT(cpu, u);
}

static const struct uop *cwd_none64(struct cpu *cpu, const struct uop *u)
{
	gpr_write(cpu, RDX, 64, gpr_read(cpu, RAX, 64) >> 63 ? UINT64_MAX : 0);
	RETURN_NEXT(cpu, u);
}
const struct exec exec_cwd = {{[FORM_NONE] = EXEC_V(cwd_none16, cwd_none32, cwd_none64)}};

#define LAHF_FLAGS (FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF | FLAG_CF)

static const struct uop *lahf_none(struct cpu *cpu, const struct uop *u)
{
	*reg8(cpu, 8 * RAX + 1) = (uint8_t)((flags_status(&cpu->f) & LAHF_FLAGS) | FLAG_ONE);
	RETURN_NEXT(cpu, u);
}
const struct exec exec_lahf = {{[FORM_NONE] = EXEC_ALL(lahf_none)}};

static const struct uop *sahf_none(struct cpu *cpu, const struct uop *u)
{
	flags_load(&cpu->f, *reg8(cpu, 8 * RAX + 1) | (flag_of(&cpu->f) ? FLAG_OF : 0));
	RETURN_NEXT(cpu, u);
}
const struct exec exec_sahf = {{[FORM_NONE] = EXEC_ALL(sahf_none)}};

static const struct uop *cmc_none(struct cpu *cpu, const struct uop *u)
{
	flags_set_cf(&cpu->f, !flag_cf(&cpu->f));
	RETURN_NEXT(cpu, u);
}
const struct exec exec_cmc = {{[FORM_NONE] = EXEC_ALL(cmc_none)}};

static const struct uop *clc_none(struct cpu *cpu, const struct uop *u)
{
	flags_set_cf(&cpu->f, false);
	RETURN_NEXT(cpu, u);
}
const struct exec exec_clc = {{[FORM_NONE] = EXEC_ALL(clc_none)}};

static const struct uop *stc_none(struct cpu *cpu, const struct uop *u)
{
	flags_set_cf(&cpu->f, true);
	RETURN_NEXT(cpu, u);
}
const struct exec exec_stc = {{[FORM_NONE] = EXEC_ALL(stc_none)}};

static const struct uop *cld_none(struct cpu *cpu, const struct uop *u)
{
	cpu->s.rflags &= ~(uint64_t)FLAG_DF;
	RETURN_NEXT(cpu, u);
}
const struct exec exec_cld = {{[FORM_NONE] = EXEC_ALL(cld_none)}};

static const struct uop *std_none(struct cpu *cpu, const struct uop *u)
{
	cpu->s.rflags |= FLAG_DF;
	RETURN_NEXT(cpu, u);
}
const struct exec exec_std = {{[FORM_NONE] = EXEC_ALL(std_none)}};

/* Whatever its operand, it is not accessed (SDM 2B "NOP"). */
static const struct uop *nop_any(struct cpu *cpu, const struct uop *u) { RETURN_NEXT(cpu, u); }
const struct exec exec_nop = {{
	[FORM_NONE] = EXEC_ALL(nop_any),
	[FORM_R] = EXEC_ALL(nop_any),
	[FORM_M] = EXEC_ALL(nop_any),
	[FORM_RR] = EXEC_ALL(nop_any),
	[FORM_RM] = EXEC_ALL(nop_any),
	[FORM_MR] = EXEC_ALL(nop_any),
}};
