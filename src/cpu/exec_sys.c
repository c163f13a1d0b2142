/* Debug registers, MSRs, CPUID, HLT and the rest of what an
 * operating system alone may do.  SDM 2A/2B: the instructions' Operation and
 * exceptions; SDM 3A, "Operations that Invalidate TLBs"; SDM 3B, "Debug Registers". */
#include "cpu/ending.h"
#include "cpu/model.h"
#include "cpu/msr.h"

/* ---- debug registers ---- */

#define DR6_WRITABLE (0xfu | DR6_BD | DR6_BS | DR6_BT)
#define DR7_WRITABLE (0xffff03ffu | DR7_GD)

/* The register that number n of the instruction means, and whether it may be
 * accessed: DR4, DR5 (#UD by DE, else aliases of DR6, DR7), CPL, then GD, whose #DB comes
 * before the access (SDM 3B, "General-Detect Exception Condition"). */
static bool debug_register(struct cpu *cpu, unsigned *n)
{
	if (*n == 4 || *n == 5) {
		if (cpu->s.cr4 & CR4_DE)
			return cpu_raise(cpu, VEC_UD, 0, WHY_DR_UNDEFINED);
		*n += 2;
	}
	if (!privileged(cpu))
		return false;
	if (cpu->s.dr7 & DR7_GD) {
		cpu->s.dr6 |= DR6_BD;
		return cpu_raise(cpu, VEC_DB, 0, WHY_GENERAL_DETECT);
	}
	return true;
}

static bool mov_to_dr(struct cpu *cpu, const struct uop *u)
{
	uint64_t value = in_long64(cpu) ? cpu->s.gpr.r64[u->src] : reg32(cpu, u->src);
	unsigned n = u->dst;

	if (!debug_register(cpu, &n))
		return false;
	if (n >= 6 && value >> 32)
		return cpu_raise(cpu, VEC_GP, 0, WHY_DR_RESERVED);
	if (n == 6)
		cpu->s.dr6 = (value & DR6_WRITABLE) | DR6_FIXED1;
	else if (n == 7)
		cpu->s.dr7 = (value & DR7_WRITABLE) | DR7_FIXED1;
	else
		cpu->s.dr[n] = value;
	mmu_mode_changed(&cpu->mmu);
	return true;
}
THEN_LEAVE(mov_to_dr_rr, mov_to_dr(cpu, u))
const struct exec exec_mov_to_dr = {.fn = {[FORM_RR] = EXEC_ALL(mov_to_dr_rr)}};

static bool mov_from_dr(struct cpu *cpu, const struct uop *u)
{
	unsigned n = u->src;

	if (!debug_register(cpu, &n))
		return false;
	uint64_t value = n == 6 ? cpu->s.dr6 : n == 7 ? cpu->s.dr7 : cpu->s.dr[n];
	cpu->s.gpr.r64[u->dst] = in_long64(cpu) ? value : (uint32_t)value;
	return true;
}
THEN_NEXT(mov_from_dr_rr, mov_from_dr(cpu, u))
const struct exec exec_mov_from_dr = {.fn = {[FORM_RR] = EXEC_ALL(mov_from_dr_rr)}};

/* ---- caches and TLB ---- */

/* There is no cache to empty. */
THEN_NEXT(invd_none, privileged(cpu))
THEN_NEXT(wbinvd_none, privileged(cpu))
const struct exec exec_invd = {.fn = {[FORM_NONE] = EXEC_ALL(invd_none)}};
const struct exec exec_wbinvd = {.fn = {[FORM_NONE] = EXEC_ALL(wbinvd_none)}};

/* No access is made: neither limits nor paging are checked. */
static bool invlpg(struct cpu *cpu, const struct uop *u)
{
	if (!privileged(cpu))
		return false;
	mmu_invlpg(&cpu->mmu, seg_linear(cpu, u->seg, uop_ea(cpu, u)));
	return true;
}
THEN_LEAVE(invlpg_m, invlpg(cpu, u))
const struct exec exec_invlpg = {.fn = {[FORM_M] = EXEC_ALL(invlpg_m)}};

/* ---- HLT, CPUID, counters, MSRs ---- */

static bool hlt(struct cpu *cpu)
{
	if (!privileged(cpu))
		return false;
	cpu->s.activity = ACT_HALTED;
	return true;
}
THEN_LEAVE(hlt_none, hlt(cpu))
const struct exec exec_hlt = {.fn = {[FORM_NONE] = EXEC_ALL(hlt_none)}};

/* Leaf 1: the initial APIC ID, or, without a local APIC or while it is switched off, no APIC
 * (SDM 3A, "Presence of the Local APIC", "Enabling or Disabling the Local APIC"); AMD's leaf 80000001H says it
 * again.  Leaf 0BH: the x2APIC ID, or nothing at all. */
static void tell_apic(const struct cpu *cpu, struct cpuid_leaf *out)
{
	int id = cpu->apic.device ? cpu->apic.id(cpu->apic.device) : -1;
	bool none = id < 0 || !model_has(cpu->model, FEAT_1_EDX, F1D_APIC);

	if (out->leaf == 0x80000001 && cpu->model->amd && none) {
		out->edx &= ~F1D_APIC;
	} else if (out->leaf == 0xb && none) {
		out->ebx = out->ecx = 0;
	} else if (out->leaf == 0xb && model_has(cpu->model, FEAT_1_ECX, F1C_X2APIC)) {
		out->edx = (uint32_t)id;
	} else if (out->leaf == 1 && none) {
		out->edx &= ~F1D_APIC;
		out->ecx &= ~(F1C_X2APIC | F1C_DEADLINE);
	} else if (out->leaf == 1) {
		out->ebx |= (uint32_t)id << 24;
	}
}

static uint32_t xsave_area_size(uint64_t xcr0)
{
	return xcr0 & XCR0_PKRU ? XSAVE_AREA_END : xcr0 & XCR0_AVX ? XSAVE_AREA_AVX_END : XSAVE_AREA_SSE_END;
}

/* What follows from the mode: OSPKE is CR4.PKE, OSXSAVE CR4.OSXSAVE; SYSCALL is shown in 64-bit mode alone, but by
 * AMD; leaf 0DH tells the size of the XSAVE area for the present XCR0. */
static void tell_mode(const struct cpu *cpu, struct cpuid_leaf *out)
{
	uint32_t leaf = out->leaf;

	if (leaf == 7 && reg32(cpu, RCX) == 0 && (cpu->s.cr4 & CR4_PKE))
		out->ecx |= F7C_OSPKE;
	if (leaf == 1 && (cpu->s.cr4 & CR4_OSXSAVE))
		out->ecx |= F1C_OSXSAVE;
	if (leaf == 0xd && reg32(cpu, RCX) == 0 && out->eax != 0)
		out->ebx = xsave_area_size(cpu->s.xcr0);
	if (leaf == 0x80000001 && !cpu->model->amd && !in_long64(cpu))
		out->edx &= ~F81D_SYSCALL;
}

/* Leaf 1 also puts the microcode's revision into IA32_BIOS_SIGN_ID: no update is
 * loaded, so 0 (SDM 3A, "Microcode Update Facilities"). */
static const struct uop *cpuid(struct cpu *cpu, const struct uop *u)
{
	struct cpuid_leaf out;

	model_cpuid(cpu->model, reg32(cpu, RAX), reg32(cpu, RCX), &out);
	if (out.leaf == 1)
		cpu->s.bios_sign_id = 0;
	tell_apic(cpu, &out);
	tell_mode(cpu, &out);
	set_reg32(cpu, RAX, out.eax);
	set_reg32(cpu, RBX, out.ebx);
	set_reg32(cpu, RCX, out.ecx);
	set_reg32(cpu, RDX, out.edx);
	RETURN_NEXT(cpu, u);
}
const struct exec exec_cpuid = {.fn = {[FORM_NONE] = EXEC_ALL(cpuid)}};

static bool edx_eax(struct cpu *cpu, uint64_t value)
{
	set_reg32(cpu, RAX, (uint32_t)value);
	set_reg32(cpu, RDX, (uint32_t)(value >> 32));
	return true;
}

static bool rdtsc(struct cpu *cpu)
{
	if ((cpu->s.cr4 & CR4_TSD) && cpu->s.cpl != 0)
		return cpu_raise(cpu, VEC_GP, 0, WHY_TSC_DISABLED);
	return edx_eax(cpu, tsc_now(cpu));
}
THEN_NEXT(rdtsc_none, rdtsc(cpu))
const struct exec exec_rdtsc = {.fn = {[FORM_NONE] = EXEC_ALL(rdtsc_none)}};

static bool rdtscp(struct cpu *cpu)
{
	if (!rdtsc(cpu))
		return false;
	set_reg32(cpu, RCX, (uint32_t)cpu->s.tsc_aux);
	return true;
}
THEN_NEXT(rdtscp_none, rdtscp(cpu))
const struct exec exec_rdtscp = {.fn = {[FORM_NONE] = EXEC_ALL(rdtscp_none)}};

/* No model has performance counters: every number is out of range. */
static bool rdpmc(struct cpu *cpu)
{
	if (!(cpu->s.cr4 & CR4_PCE) && cpu->s.cpl != 0)
		return cpu_raise(cpu, VEC_GP, 0, WHY_RDPMC_DISABLED);
	return cpu_raise(cpu, VEC_GP, 0, WHY_RDPMC_COUNTER);
}
THEN_NEXT(rdpmc_none, rdpmc(cpu))
const struct exec exec_rdpmc = {.fn = {[FORM_NONE] = EXEC_ALL(rdpmc_none)}};

static bool rdmsr(struct cpu *cpu)
{
	uint64_t value;

	return privileged(cpu) && msr_read(cpu, reg32(cpu, RCX), &value) && edx_eax(cpu, value);
}
THEN_NEXT(rdmsr_none, rdmsr(cpu))
const struct exec exec_rdmsr = {.fn = {[FORM_NONE] = EXEC_ALL(rdmsr_none)}};

static bool wrmsr(struct cpu *cpu)
{
	return privileged(cpu) &&
	       msr_write(cpu, reg32(cpu, RCX), (uint64_t)reg32(cpu, RDX) << 32 | reg32(cpu, RAX));
}
THEN_LEAVE(wrmsr_none, wrmsr(cpu))
const struct exec exec_wrmsr = {.fn = {[FORM_NONE] = EXEC_ALL(wrmsr_none)}};

/* ---- instructions that always fault ---- */

static const struct uop *rsm(struct cpu *cpu, const struct uop *u)
{
	return uop_raise(cpu, u, VEC_UD, 0, WHY_RSM_OUTSIDE_SMM);
}
const struct exec exec_rsm = {.fn = {[FORM_NONE] = EXEC_ALL(rsm)}};

/* UD1 and UD0 do not read their memory operand. */
static const struct uop *ud(struct cpu *cpu, const struct uop *u)
{
	return uop_raise(cpu, u, VEC_UD, 0, WHY_UD_INSTRUCTION);
}
const struct exec exec_ud = {.fn = {[FORM_NONE] = EXEC_ALL(ud), [FORM_RR] = EXEC_ALL(ud), [FORM_RM] = EXEC_ALL(ud)}};
