/* What came with IA-32e mode for systems: SWAPGS, the FS and GS bases, protection keys, INVPCID.
 * SDM 2B, 2C: the instructions' own pages. */
#include "cpu/desc.h"
#include "cpu/ending.h"
#include "cpu/operand.h"

static void set_base(struct cpu *cpu, enum seg seg, uint64_t base)
{
	cpu->s.seg[seg].base = base;
	segment_changed(cpu, seg);
}

static bool swapgs(struct cpu *cpu)
{
	uint64_t base = cpu->s.seg[SEG_GS].base;

	if (!privileged(cpu))
		return false;
	set_base(cpu, SEG_GS, cpu->s.kernel_gs_base);
	cpu->s.kernel_gs_base = base;
	return true;
}
THEN_NEXT(swapgs_none, swapgs(cpu))
const struct exec exec_swapgs = {.fn = {[FORM_NONE] = EXEC_ALL(swapgs_none)}};

/* ---- RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE: at any CPL ---- */

static bool bases_enabled(struct cpu *cpu)
{
	return (cpu->s.cr4 & CR4_FSGSBASE) || cpu_raise(cpu, VEC_UD, 0, WHY_FSGSBASE_DISABLED);
}

static bool read_base(struct cpu *cpu, const struct uop *u, enum seg seg)
{
	if (!bases_enabled(cpu))
		return false;
	reg_write(cpu, u->dst, u->width, cpu->s.seg[seg].base);
	return true;
}

static bool write_base(struct cpu *cpu, const struct uop *u, enum seg seg)
{
	uint64_t base = reg_read(cpu, u->dst, u->width);

	if (!bases_enabled(cpu))
		return false;
	if (!base_canonical(cpu, base))
		return cpu_raise(cpu, VEC_GP, 0, WHY_FSGSBASE_NON_CANONICAL);
	set_base(cpu, seg, base);
	return true;
}
THEN_NEXT(rdfsbase_r, read_base(cpu, u, SEG_FS))
THEN_NEXT(rdgsbase_r, read_base(cpu, u, SEG_GS))
THEN_NEXT(wrfsbase_r, write_base(cpu, u, SEG_FS))
THEN_NEXT(wrgsbase_r, write_base(cpu, u, SEG_GS))
const struct exec exec_rdfsbase = {.fn = {[FORM_R] = EXEC_ALL(rdfsbase_r)}};
const struct exec exec_rdgsbase = {.fn = {[FORM_R] = EXEC_ALL(rdgsbase_r)}};
const struct exec exec_wrfsbase = {.fn = {[FORM_R] = EXEC_ALL(wrfsbase_r)}};
const struct exec exec_wrgsbase = {.fn = {[FORM_R] = EXEC_ALL(wrgsbase_r)}};

/* ---- protection keys: at any CPL ---- */

static bool keys_enabled(struct cpu *cpu)
{
	if (!(cpu->s.cr4 & CR4_PKE))
		return cpu_raise(cpu, VEC_UD, 0, WHY_PKRU_DISABLED);
	return reg32(cpu, RCX) == 0 || cpu_raise(cpu, VEC_GP, 0, WHY_PKRU_ECX);
}

static bool rdpkru(struct cpu *cpu)
{
	if (!keys_enabled(cpu))
		return false;
	set_reg32(cpu, RAX, (uint32_t)cpu->s.pkru);
	set_reg32(cpu, RDX, 0);
	return true;
}
THEN_NEXT(rdpkru_none, rdpkru(cpu))
const struct exec exec_rdpkru = {.fn = {[FORM_NONE] = EXEC_ALL(rdpkru_none)}};

static bool wrpkru(struct cpu *cpu)
{
	if (!keys_enabled(cpu))
		return false;
	if (reg32(cpu, RDX) != 0)
		return cpu_raise(cpu, VEC_GP, 0, WHY_PKRU_EDX);
	cpu->s.pkru = reg32(cpu, RAX);
	mmu_pkru_changed(&cpu->mmu);
	return true;
}
THEN_LEAVE(wrpkru_none, wrpkru(cpu))
const struct exec exec_wrpkru = {.fn = {[FORM_NONE] = EXEC_ALL(wrpkru_none)}};

/* ---- INVPCID: privileged; its descriptor is 16 bytes ---- */

static bool invpcid(struct cpu *cpu, const struct uop *u)
{
	uint64_t at = uop_ea(cpu, u), upper = operand_at(cpu, at, 8);
	struct rd pcid, lin;

	if (!privileged(cpu))
		return false;
	pcid = seg_read(&cpu->mmu, (enum seg)u->seg, at, 8);
	if (!pcid.ok)
		return false;
	lin = seg_read(&cpu->mmu, (enum seg)u->seg, upper, 8);
	return lin.ok && mmu_invpcid(&cpu->mmu, reg_read(cpu, u->dst, u->width), pcid.v, lin.v);
}
THEN_LEAVE(invpcid_rm, invpcid(cpu, u))
const struct exec exec_invpcid = {.fn = {[FORM_RM] = EXEC_ALL(invpcid_rm)}};
