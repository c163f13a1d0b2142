/* Which vector instructions may not run, and why. */
#include "cpu/block.h"
#include "cpu/vec.h"

/* SDM 2, "Exceptions Type 1" to "Type 13", "Exception Conditions of Legacy SIMD Instructions": all #UD before #NM.
 * CR0.EM counts for instructions without a VEX prefix, CR4.OSFXSR for those on XMM registers or MXCSR. */
static bool refused(struct cpu *cpu, unsigned needs)
{
	const struct arch_state *s = &cpu->s;
	bool avx = needs & READY_AVX;

	if (avx && !(s->cr4 & CR4_OSXSAVE))
		return cpu_raise(cpu, VEC_UD, 0, WHY_SIMD_OSXSAVE);
	if (avx && (s->xcr0 & (XCR0_SSE | XCR0_AVX)) != (XCR0_SSE | XCR0_AVX))
		return cpu_raise(cpu, VEC_UD, 0, WHY_SIMD_XCR0);
	if (!avx && (s->cr0 & CR0_EM))
		return cpu_raise(cpu, VEC_UD, 0, WHY_SIMD_EMULATED);
	if ((needs & READY_SSE) && !(s->cr4 & CR4_OSFXSR))
		return cpu_raise(cpu, VEC_UD, 0, WHY_SIMD_OSFXSR);
	return cpu_raise(cpu, VEC_NM, 0, WHY_SIMD_TASK_SWITCHED);
}

static const struct uop *refused_mmx(struct cpu *cpu, const struct uop *u)
{
	refused(cpu, READY_MMX);
	return uop_fault(cpu, u);
}

static const struct uop *refused_sse(struct cpu *cpu, const struct uop *u)
{
	refused(cpu, READY_SSE);
	return uop_fault(cpu, u);
}

static const struct uop *refused_avx(struct cpu *cpu, const struct uop *u)
{
	refused(cpu, READY_AVX);
	return uop_fault(cpu, u);
}

/* READY_*: what the instruction cannot run without. */
static unsigned needs_of(const struct insn *insn)
{
	switch (opcode_rows[insn->row].cpu) {
	case GEN_AVX:
	case GEN_AVX2:
	case GEN_FMA:
	case GEN_F16C:
	case GEN_AVX_AES:
	case GEN_AVX_PCLMUL:
		return READY_AVX;
	}
	bool mmx = insn->mnemonic == MN_emms, sse = insn->mnemonic == MN_ldmxcsr || insn->mnemonic == MN_stmxcsr;

	for (unsigned i = 0; i < insn->operands; i++) {
		mmx |= insn->op[i].kind == OPD_MMX;
		sse |= insn->op[i].kind == OPD_VEC;
	}
	return sse ? READY_SSE : mmx ? READY_MMX : 0;
}

void vec_gate(struct uop *u, const struct insn *insn, unsigned key)
{
	if (insn->status != DECODE_OK || u->fn == exec_undefined)
		return;
	unsigned missing = needs_of(insn) & ~key;

	if (missing)
		u->fn = missing & READY_AVX ? refused_avx : missing & READY_SSE ? refused_sse : refused_mmx;
}
