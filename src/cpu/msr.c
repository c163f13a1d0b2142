/* The table of model-specific registers: which model has them, where they
 * lie, which bits may be set.  A register that is not listed does not exist. */
#include "cpu/msr.h"

#include <stddef.h>

#include "cpu/desc.h"
#include "cpu/model.h"

struct msr {
	uint32_t number;
	uint16_t offset;            /* of its 64 bits in struct arch_state */
	enum cpu_generation since;
	enum feature_word word;     /* and the feature that brings it; mask 0: none */
	uint32_t feature;
	uint64_t stored;            /* bits that keep what is written; 0: read-only */
	uint64_t reserved;          /* bits that must be written as 0 */
	bool base;                  /* a linear address: must be canonical */
	uint64_t (*read)(const struct cpu *cpu);
	bool (*check)(struct cpu *cpu, uint64_t value); /* false: #GP in cpu->fault */
	void (*write)(struct cpu *cpu, uint64_t value);
};

#define AT(field) .offset = offsetof(struct arch_state, field)
#define ALL32     UINT64_C(0xffffffff)
#define ALL64     UINT64_MAX

#define MCG_STATUS_BITS UINT64_C(7) /* RIPV, EIPV, MCIP */

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

static bool check_efer(struct cpu *cpu, uint64_t value)
{
	if (value & ~efer_bits(cpu->model))
		return cpu_raise(cpu, VEC_GP, 0, WHY_MSR_RESERVED);
	if ((cpu->s.cr0 & CR0_PG) && ((value ^ cpu->s.efer) & EFER_LME))
		return cpu_raise(cpu, VEC_GP, 0, WHY_EFER_LME_WITH_PAGING);
	return true;
}

static const struct msr table[] = {
	{.number = MSR_TSC, .word = FEAT_1_EDX, .feature = F1D_TSC, .stored = ~UINT64_C(0), .read = read_tsc,
	 .write = write_tsc},
	{.number = MSR_PLATFORM_ID, .since = GEN_PPRO, .read = read_zero},
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

static const struct msr *find(const struct cpu *cpu, uint32_t number)
{
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct msr *m = &table[i];
		if (m->number == number && m->since <= cpu->model->generation &&
		    model_has(cpu->model, m->word, m->feature))
			return m;
	}
	return NULL;
}

static uint64_t *place(struct cpu *cpu, const struct msr *m)
{
	return (uint64_t *)(void *)((char *)&cpu->s + m->offset);
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
	const struct msr *m = find(cpu, number);

	if (in_apic(cpu, number)) {
		cpu_sync_clock(cpu);
		return cpu->apic.read(cpu->apic.device, number, value) || cpu_raise(cpu, VEC_GP, 0, WHY_MSR_UNKNOWN);
	}
	if (!m)
		return cpu_raise(cpu, VEC_GP, 0, WHY_MSR_UNKNOWN);
	*value = m->read ? m->read(cpu) : *place(cpu, m);
	return true;
}

bool msr_write(struct cpu *cpu, uint32_t number, uint64_t value)
{
	const struct msr *m = find(cpu, number);

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
	if (m->check && !m->check(cpu, value))
		return false;
	if (m->write)
		m->write(cpu, value & m->stored);
	else
		*place(cpu, m) = value & m->stored;
	return true;
}
