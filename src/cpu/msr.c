/* The table of model-specific registers: which model has them, where they
 * lie, which bits may be set.  A register that is not listed does not exist. */
#include "cpu/msr.h"

#include <stddef.h>

#include "cpu/desc.h"
#include "cpu/model.h"

struct msr {
	uint32_t number;
	uint32_t more;              /* registers of the same kind that follow it, 64 bits after 64 bits */
	uint16_t offset;            /* of its 64 bits in struct arch_state */
	enum cpu_generation since;
	enum { OF_BOTH, OF_INTEL, OF_AMD } maker;
	enum feature_word word;     /* and the feature that brings it; mask 0: none */
	uint32_t feature;
	uint64_t stored;            /* bits that keep what is written; 0: read-only */
	uint64_t reserved;          /* bits that must be written as 0 */
	bool base;                  /* a linear address: must be canonical */
	uint64_t (*read)(const struct cpu *cpu);
	bool (*check)(struct cpu *cpu, uint32_t number, uint64_t value); /* false: #GP in cpu->fault */
	void (*write)(struct cpu *cpu, uint64_t value);
};

#define AT(field) .offset = offsetof(struct arch_state, field)
#define ALL32     UINT64_C(0xffffffff)
#define ALL64     UINT64_MAX

#define MCG_STATUS_BITS UINT64_C(7) /* RIPV, EIPV, MCIP */

/* IA32_MISC_ENABLE, SDM 4, "Architectural MSRs": fast strings may be switched off, which changes nothing that can be
 * seen; there is neither BTS nor PEBS.  The others belong to what no model has. */
#define MISC_FAST_STRINGS UINT64_C(1)
#define MISC_READ_ONLY    (UINT64_C(1) << 11 | UINT64_C(1) << 12)

static uint64_t read_zero(const struct cpu *cpu) { return 0; }

static uint64_t read_tsc(const struct cpu *cpu) { return tsc_now(cpu); }

/* Before family 0FH WRMSR writes the low half and clears the upper one
 * (SDM 3B, "Time-Stamp Counter"). */
static void write_tsc(struct cpu *cpu, uint64_t value)
{
	cpu->s.tsc_offset = (cpu->model->tsc_low_write ? value & ALL32 : value) - cpu->icount;
}

/* LMA is written by CR0.PG alone. */
static void write_efer(struct cpu *cpu, uint64_t value)
{
	cpu->s.efer = value | (cpu->s.efer & EFER_LMA);
	mmu_mode_changed(&cpu->mmu);
}

static void write_misc_enable(struct cpu *cpu, uint64_t value) { cpu->s.misc_enable = value | MISC_READ_ONLY; }

static void write_fs_base(struct cpu *cpu, uint64_t value)
{
	cpu->s.seg[SEG_FS].base = value;
	segment_changed(cpu, SEG_FS);
}

static void write_gs_base(struct cpu *cpu, uint64_t value)
{
	cpu->s.seg[SEG_GS].base = value;
	segment_changed(cpu, SEG_GS);
}

/* The bits of EFER that this processor has; LMA may be written, with no effect. */
static uint64_t efer_bits(const struct cpu_model *model)
{
	return (model_has(model, FEAT_81_EDX, F81D_NX) ? EFER_NXE : 0) |
	       (model_has(model, FEAT_81_EDX, F81D_SYSCALL) ? EFER_SCE : 0) |
	       (model_has(model, FEAT_81_EDX, F81D_LM) ? EFER_LME | EFER_LMA : 0);
}

static bool check_efer(struct cpu *cpu, uint32_t number, uint64_t value)
{
	if (value & ~efer_bits(cpu->model))
		return cpu_raise(cpu, VEC_GP, 0, WHY_MSR_RESERVED);
	if ((cpu->s.cr0 & CR0_PG) && ((value ^ cpu->s.efer) & EFER_LME))
		return cpu_raise(cpu, VEC_GP, 0, WHY_EFER_LME_WITH_PAGING);
	return true;
}

/* ---- memory types: kept, with no effect here (SDM 3A, "Memory Type Range Registers (MTRRs)", "Page Attribute
 * Table (PAT)") ---- */

#define TYPES_OF_MTRR 0x73u /* bit n: type n exists: UC, WC, WT, WP, WB */
#define TYPES_OF_PAT  0xf3u /* and UC- */
#define MTRRCAP       0x508u /* WC; fixed ranges; 8 variable ones */

/* Are the lowest so many bytes types that exist? */
static bool check_types(struct cpu *cpu, uint64_t value, unsigned bytes, unsigned types)
{
	for (unsigned i = 0; i < bytes; i++) {
		unsigned type = value >> 8 * i & 0xff;
		if (type > 7 || !(types >> type & 1))
			return cpu_raise(cpu, VEC_GP, 0, WHY_MSR_MEMORY_TYPE);
	}
	return true;
}

static bool check_pat(struct cpu *cpu, uint32_t number, uint64_t value)
{
	return check_types(cpu, value, 8, TYPES_OF_PAT);
}

static bool check_mtrr_fixed(struct cpu *cpu, uint32_t number, uint64_t value)
{
	return check_types(cpu, value, 8, TYPES_OF_MTRR);
}

static bool check_mtrr_def_type(struct cpu *cpu, uint32_t number, uint64_t value)
{
	return check_types(cpu, value, 1, TYPES_OF_MTRR);
}

/* A base is at an even number, its mask behind it. */
static bool check_mtrr_phys(struct cpu *cpu, uint32_t number, uint64_t value)
{
	uint64_t reserved = ~cpu->mmu.phys_mask | (number & 1 ? 0x7ff : 0xf00);

	if (value & reserved)
		return cpu_raise(cpu, VEC_GP, 0, WHY_MSR_RESERVED);
	return (number & 1) || check_types(cpu, value, 1, TYPES_OF_MTRR);
}

static uint64_t read_mtrrcap(const struct cpu *cpu) { return MTRRCAP; }

#define MTRR(first, others) .number = (first), .more = (others), .word = FEAT_1_EDX, .feature = F1D_MTRR, .stored = ALL64
static const struct msr table[] = {
	{.number = MSR_MTRRCAP, .word = FEAT_1_EDX, .feature = F1D_MTRR, .read = read_mtrrcap},
	{MTRR(MSR_MTRR_PHYSBASE0, 15), AT(mtrr_phys), .check = check_mtrr_phys},
	{MTRR(MSR_MTRR_FIX64K, 0), AT(mtrr_fixed[0]), .check = check_mtrr_fixed},
	{MTRR(MSR_MTRR_FIX16K, 1), AT(mtrr_fixed[1]), .check = check_mtrr_fixed},
	{MTRR(MSR_MTRR_FIX4K, 7), AT(mtrr_fixed[3]), .check = check_mtrr_fixed},
	{MTRR(MSR_MTRR_DEF_TYPE, 0), .reserved = ~UINT64_C(0xcff), AT(mtrr_def_type), .check = check_mtrr_def_type},
	/* APM 2, "System Configuration Register (SYSCFG)": its bits switch on what tells memory from devices inside the
	 * processor (extended fixed-range MTRRs, IORRs, TOP_MEM).  Here the chipset alone does that: none of them exists. */
	{.number = MSR_AMD_SYSCFG, .word = FEAT_1_EDX, .feature = F1D_MTRR, .maker = OF_AMD, .read = read_zero},
	/* BIOS and Kernel Developer's Guide for AMD's family 0Fh, "Interrupt Pending and CMP-Halt Register": no C1E, no
	 * message at a halt.  A processor that looks like one of that family is asked for it. */
	{.number = MSR_AMD_INT_PENDING, .word = FEAT_81_EDX, .feature = F81D_LM, .maker = OF_AMD, .read = read_zero},
	{.number = MSR_PAT, .word = FEAT_1_EDX, .feature = F1D_PAT, .stored = ALL64, AT(pat), .check = check_pat},
	{.number = MSR_TSC, .word = FEAT_1_EDX, .feature = F1D_TSC, .stored = ~UINT64_C(0), .read = read_tsc,
	 .write = write_tsc},
	{.number = MSR_PLATFORM_ID, .since = GEN_PPRO, .maker = OF_INTEL, .read = read_zero},
	{.number = MSR_MISC_ENABLE, .word = FEAT_81_EDX, .feature = F81D_LM, .maker = OF_INTEL, .stored = MISC_FAST_STRINGS,
	 .reserved = ~(MISC_FAST_STRINGS | MISC_READ_ONLY), AT(misc_enable), .write = write_misc_enable},
	{.number = MSR_BIOS_SIGN_ID, .since = GEN_PPRO, .stored = ~UINT64_C(0), AT(bios_sign_id)},
	{.number = MSR_SYSENTER_CS, .word = FEAT_1_EDX, .feature = F1D_SEP, .stored = ALL32, AT(sysenter_cs)},
	{.number = MSR_SYSENTER_ESP, .word = FEAT_81_EDX, .feature = F81D_LM, .stored = ALL64, .base = true,
	 AT(sysenter_esp)},
	{.number = MSR_SYSENTER_ESP, .word = FEAT_1_EDX, .feature = F1D_SEP, .stored = ALL32, AT(sysenter_esp)},
	{.number = MSR_SYSENTER_EIP, .word = FEAT_81_EDX, .feature = F81D_LM, .stored = ALL64, .base = true,
	 AT(sysenter_eip)},
	{.number = MSR_SYSENTER_EIP, .word = FEAT_1_EDX, .feature = F1D_SEP, .stored = ALL32, AT(sysenter_eip)},
	/* Machine checks never happen here: no reporting banks (SDM 3B, "Machine-Check MSRs"; on
	 * the Pentium "Pentium Processor Machine-Check Exception Handling"). */
	{.number = MSR_P5_MC_ADDR, .word = FEAT_1_EDX, .feature = F1D_MCE, .read = read_zero},
	{.number = MSR_P5_MC_TYPE, .word = FEAT_1_EDX, .feature = F1D_MCE, .read = read_zero},
	{.number = MSR_MCG_CAP, .word = FEAT_1_EDX, .feature = F1D_MCA, .read = read_zero},
	{.number = MSR_MCG_STATUS, .word = FEAT_1_EDX, .feature = F1D_MCA, .stored = MCG_STATUS_BITS,
	 .reserved = ~MCG_STATUS_BITS, AT(mcg_status)},
	{.number = MSR_EFER, .word = FEAT_81_EDX, .feature = F81D_NX, .stored = ~(uint64_t)EFER_LMA, AT(efer),
	 .check = check_efer, .write = write_efer},
	{.number = MSR_STAR, .word = FEAT_81_EDX, .feature = F81D_SYSCALL, .stored = ALL64, AT(star)},
	{.number = MSR_LSTAR, .word = FEAT_81_EDX, .feature = F81D_LM, .stored = ALL64, .base = true, AT(lstar)},
	{.number = MSR_CSTAR, .word = FEAT_81_EDX, .feature = F81D_LM, .stored = ALL64, .base = true, AT(cstar)},
	{.number = MSR_SFMASK, .word = FEAT_81_EDX, .feature = F81D_LM, .stored = ALL32, .reserved = ~ALL32,
	 AT(sfmask)},
	{.number = MSR_FS_BASE, .word = FEAT_81_EDX, .feature = F81D_LM, .stored = ALL64, .base = true,
	 AT(seg[SEG_FS].base), .write = write_fs_base},
	{.number = MSR_GS_BASE, .word = FEAT_81_EDX, .feature = F81D_LM, .stored = ALL64, .base = true,
	 AT(seg[SEG_GS].base), .write = write_gs_base},
	{.number = MSR_KERNEL_GS_BASE, .word = FEAT_81_EDX, .feature = F81D_LM, .stored = ALL64, .base = true,
	 AT(kernel_gs_base)},
	{.number = MSR_TSC_AUX, .word = FEAT_81_EDX, .feature = F81D_RDTSCP, .stored = ALL32, .reserved = ~ALL32,
	 AT(tsc_aux)},
};

static bool model_has_msr(const struct cpu_model *model, const struct msr *m)
{
	return m->since <= model->generation && m->maker != (model->amd ? OF_INTEL : OF_AMD) &&
	       model_has(model, m->word, m->feature);
}

static const struct msr *find_msr(const struct cpu_model *model, uint32_t number)
{
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (number - table[i].number <= table[i].more && model_has_msr(model, &table[i]))
			return &table[i];
	return NULL;
}

uint64_t msr_misc_enable_at_reset(const struct cpu_model *model)
{
	return find_msr(model, MSR_MISC_ENABLE) ? MISC_FAST_STRINGS | MISC_READ_ONLY : 0;
}

static uint64_t *place(struct cpu *cpu, const struct msr *m, uint32_t number)
{
	return (uint64_t *)(void *)((char *)&cpu->s + m->offset) + (number - m->number);
}

/* Registers that live in the local APIC (SDM 3A, "x2APIC Register Address Space", "TSC-Deadline Mode"). */
static bool in_apic(const struct cpu *cpu, uint32_t number)
{
	if (!cpu->apic.device)
		return false;
	switch (number & ~0xffu) {
	case MSR_X2APIC:
		return model_has(cpu->model, FEAT_1_ECX, F1C_X2APIC);
	default:
		return (number == MSR_APIC_BASE && model_has(cpu->model, FEAT_1_EDX, F1D_APIC)) ||
		       (number == MSR_TSC_DEADLINE && model_has(cpu->model, FEAT_1_ECX, F1C_DEADLINE));
	}
}

bool msr_read(struct cpu *cpu, uint32_t number, uint64_t *value)
{
	const struct msr *m = find_msr(cpu->model, number);

	if (in_apic(cpu, number)) {
		cpu_sync_clock(cpu);
		return cpu->apic.read(cpu->apic.device, number, value) || cpu_raise(cpu, VEC_GP, 0, WHY_MSR_UNKNOWN);
	}
	if (!m)
		return cpu_raise(cpu, VEC_GP, 0, WHY_MSR_UNKNOWN);
	*value = m->read ? m->read(cpu) : *place(cpu, m, number);
	return true;
}

bool msr_write(struct cpu *cpu, uint32_t number, uint64_t value)
{
	const struct msr *m = find_msr(cpu->model, number);

	if (in_apic(cpu, number)) {
		cpu_sync_clock(cpu);
		return cpu->apic.write(cpu->apic.device, number, value, tsc_now(cpu)) ||
		       cpu_raise(cpu, VEC_GP, 0, WHY_MSR_RESERVED);
	}
	if (!m)
		return cpu_raise(cpu, VEC_GP, 0, WHY_MSR_UNKNOWN);
	if (!m->stored)
		return cpu_raise(cpu, VEC_GP, 0, WHY_MSR_READ_ONLY);
	if (value & m->reserved)
		return cpu_raise(cpu, VEC_GP, 0, WHY_MSR_RESERVED);
	if (m->base && !base_canonical(cpu, value))
		return cpu_raise(cpu, VEC_GP, 0, WHY_MSR_NON_CANONICAL);
	if (m->check && !m->check(cpu, number, value))
		return false;
	if (m->write)
		m->write(cpu, value & m->stored);
	else
		*place(cpu, m, number) = value & m->stored;
	return true;
}
