/* Control registers, and how IA-32e mode begins and ends.
 * Sources: SDM 2B "MOV - Move to/from Control Registers", "LMSW", "CLTS"; SDM 3A, "Control Registers", "PDPTE
 * Registers", "IA-32e Mode Operation", "Process-Context Identifiers (PCIDs)", "CR8". */
#include "cpu/desc.h"
#include "cpu/ending.h"
#include "cpu/model.h"

/* A change of these bits loads the PDPTEs again while PAE paging is in use after
 * it (SDM 3A, "PDPTE Registers"). */
#define CR0_LOADS_PDPTES (CR0_CD | CR0_NW | CR0_PG)
#define CR4_LOADS_PDPTES (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP)

static bool load_pdptes(struct cpu *cpu, uint64_t cr3)
{
	if (mmu_load_pdptes(&cpu->mmu, cr3))
		return true;
	return cpu_raise(cpu, VEC_GP, 0, WHY_PDPTE_RESERVED);
}

static bool sixteen_bit_tss(const struct segment *tr) { return tr->usable && !(tr->type & 8); }

/* SDM 3A, "Initializing IA-32e Mode". */
static bool may_activate(struct cpu *cpu)
{
	if (!(cpu->s.cr4 & CR4_PAE))
		return cpu_raise(cpu, VEC_GP, 0, WHY_LME_WITHOUT_PAE);
	if (cpu->s.seg[SEG_CS].l)
		return cpu_raise(cpu, VEC_GP, 0, WHY_LME_CS_L);
	if (sixteen_bit_tss(&cpu->s.seg[SEG_TR]))
		return cpu_raise(cpu, VEC_GP, 0, WHY_LME_TSS16);
	return true;
}

/* Paging goes off: not from 64-bit mode, and not with PCIDs. */
static bool may_stop_paging(struct cpu *cpu)
{
	if (in_long64(cpu))
		return cpu_raise(cpu, VEC_GP, 0, WHY_CR0_PG_IN_64BIT);
	if (cpu->s.cr4 & CR4_PCIDE)
		return cpu_raise(cpu, VEC_GP, 0, WHY_CR0_PG_WITH_PCIDE);
	return true;
}

static bool check_cr0(struct cpu *cpu, uint64_t value, uint32_t new, uint32_t changed)
{
	if (value >> 32)
		return cpu_raise(cpu, VEC_GP, 0, WHY_CR0_RESERVED);
	if ((new & CR0_PG) && !(new & CR0_PE))
		return cpu_raise(cpu, VEC_GP, 0, WHY_CR0_PG_WITHOUT_PE);
	if ((new & CR0_NW) && !(new & CR0_CD))
		return cpu_raise(cpu, VEC_GP, 0, WHY_CR0_NW_WITHOUT_CD);
	if (!(changed & CR0_PG))
		return true;
	return new & CR0_PG ? !(cpu->s.efer & EFER_LME) || may_activate(cpu) : may_stop_paging(cpu);
}

/* Bits that do not exist keep their value whatever is written.  EFER.LMA is LME and PG.  mmu_mode_changed()
 * empties the TLB where what it holds gets another meaning, global pages too. */
static bool write_cr0(struct cpu *cpu, uint64_t value)
{
	uint32_t new = ((uint32_t)value & cpu->model->cr0) | cpu->model->cr0_fixed;
	uint32_t changed = (uint32_t)cpu->s.cr0 ^ new;
	bool ia32e = (new & CR0_PG) && (cpu->s.efer & EFER_LME);

	if (!check_cr0(cpu, value, new, changed))
		return false;
	if ((new & CR0_PG) && (cpu->s.cr4 & CR4_PAE) && !ia32e && (changed & CR0_LOADS_PDPTES))
		if (!load_pdptes(cpu, cpu->s.cr3))
			return false;
	cpu->s.cr0 = new;
	cpu->s.efer = (cpu->s.efer & ~(uint64_t)EFER_LMA) | (ia32e ? EFER_LMA : 0);
	mmu_mode_changed(&cpu->mmu);
	if (changed & CR0_PG)
		segment_changed(cpu, SEG_CS);
	return true;
}

static bool write_cr2(struct cpu *cpu, uint64_t value)
{
	cpu->s.cr2 = value;
	return true;
}

/* The bits of CR3 that paging ignores are kept; those above MAXPHYADDR are reserved, but for the one that
 * CR4.PCIDE gives a meaning. */
static bool write_cr3(struct cpu *cpu, uint64_t value)
{
	uint64_t address = cpu->s.cr4 & CR4_PCIDE ? value & ~CR3_NO_FLUSH : value;

	if (address & ~cpu->mmu.phys_mask)
		return cpu_raise(cpu, VEC_GP, 0, WHY_CR3_RESERVED);
	if ((cpu->s.cr0 & CR0_PG) && (cpu->s.cr4 & CR4_PAE) && !in_ia32e(cpu) && !load_pdptes(cpu, value))
		return false;
	mmu_load_cr3(&cpu->mmu, value);
	return true;
}

static bool check_cr4(struct cpu *cpu, uint64_t value, uint64_t changed)
{
	if (value & ~(uint64_t)cpu->model->cr4)
		return cpu_raise(cpu, VEC_GP, 0, WHY_CR4_RESERVED);
	if (in_ia32e(cpu) && !(value & CR4_PAE))
		return cpu_raise(cpu, VEC_GP, 0, WHY_CR4_PAE_IN_IA32E);
	if (in_ia32e(cpu) && (changed & CR4_LA57))
		return cpu_raise(cpu, VEC_GP, 0, WHY_CR4_LA57_IN_IA32E);
	if ((changed & value & CR4_PCIDE) && (!in_ia32e(cpu) || (cpu->s.cr3 & CR3_PCID)))
		return cpu_raise(cpu, VEC_GP, 0, WHY_CR4_PCIDE);
	return true;
}

static bool write_cr4(struct cpu *cpu, uint64_t value)
{
	uint64_t changed = cpu->s.cr4 ^ value;

	if (!check_cr4(cpu, value, changed))
		return false;
	if ((cpu->s.cr0 & CR0_PG) && (value & CR4_PAE) && !in_ia32e(cpu) && (changed & CR4_LOADS_PDPTES))
		if (!load_pdptes(cpu, cpu->s.cr3))
			return false;
	cpu->s.cr4 = value;
	mmu_mode_changed(&cpu->mmu);
	return true;
}

/* CR8 is bits 7:4 of the local APIC's task-priority register (SDM 3A, "Interaction of Task Priorities between
 * CR8 and APIC"); a processor without a local APIC keeps it. */
static uint64_t read_cr8(struct cpu *cpu)
{
	if (cpu->apic.device)
		cpu->s.cr8 = cpu->apic.cr8(cpu->apic.device);
	return cpu->s.cr8;
}

static bool write_cr8(struct cpu *cpu, uint64_t value)
{
	if (value & ~UINT64_C(15))
		return cpu_raise(cpu, VEC_GP, 0, WHY_CR8_RESERVED);
	cpu->s.cr8 = value;
	if (cpu->apic.device) {
		cpu_sync_clock(cpu);
		cpu->apic.set_cr8(cpu->apic.device, (uint8_t)value);
	}
	return true;
}

/* The decoder lets through CR0, CR2, CR3, CR4 and, in 64-bit mode, CR8.  The width is the mode's. */
static bool mov_to_cr(struct cpu *cpu, const struct uop *u)
{
	static bool (*const write[])(struct cpu *, uint64_t) = {[0] = write_cr0, [2] = write_cr2, [3] = write_cr3,
								[4] = write_cr4, [8] = write_cr8};
	uint64_t value = cpu->s.gpr.r64[u->src];

	return privileged(cpu) && write[u->dst](cpu, in_long64(cpu) ? value : (uint32_t)value);
}
THEN_LEAVE(mov_to_cr_rr, mov_to_cr(cpu, u))
const struct exec exec_mov_to_cr = {.fn = {[FORM_RR] = EXEC_ALL(mov_to_cr_rr)}};

static bool mov_from_cr(struct cpu *cpu, const struct uop *u)
{
	const uint64_t *const cr[] = {[0] = &cpu->s.cr0, [2] = &cpu->s.cr2, [3] = &cpu->s.cr3,
				      [4] = &cpu->s.cr4, [8] = &cpu->s.cr8};

	if (!privileged(cpu))
		return false;
	if (u->src == 8)
		read_cr8(cpu);
	cpu->s.gpr.r64[u->dst] = in_long64(cpu) ? *cr[u->src] : (uint32_t)*cr[u->src];
	return true;
}
THEN_NEXT(mov_from_cr_rr, mov_from_cr(cpu, u))
const struct exec exec_mov_from_cr = {.fn = {[FORM_RR] = EXEC_ALL(mov_from_cr_rr)}};

/* LMSW writes PE, MP, EM, TS; it cannot clear PE. */
#define CR0_MSW (CR0_PE | CR0_MP | CR0_EM | CR0_TS)

static bool lmsw(struct cpu *cpu, struct rd msw)
{
	uint32_t cr0 = (uint32_t)cpu->s.cr0;

	return msw.ok && write_cr0(cpu, (cr0 & ~CR0_MSW) | ((uint32_t)msw.v & CR0_MSW) | (cr0 & CR0_PE));
}
THEN_LEAVE(lmsw_r, privileged(cpu) && lmsw(cpu, (struct rd){*reg16(cpu, u->dst), true}))
THEN_LEAVE(lmsw_m, privileged(cpu) && lmsw(cpu, seg_read(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), 2)))
const struct exec exec_lmsw = {.fn = {[FORM_R] = EXEC_ALL(lmsw_r), [FORM_M] = EXEC_ALL(lmsw_m)}};

static bool clts(struct cpu *cpu)
{
	if (!privileged(cpu))
		return false;
	cpu->s.cr0 &= ~(uint64_t)CR0_TS;
	return true;
}
THEN_LEAVE(clts_none, clts(cpu))
const struct exec exec_clts = {.fn = {[FORM_NONE] = EXEC_ALL(clts_none)}};
