/* Control registers, MSRs and instructions of IA-32e mode.  SDM 3A, "Initializing IA-32e Mode", "Control Registers";
 * SDM 2, the instructions' own pages. */
#include "system/bed.h"

#include "cpu/msr.h"

#define LOW_TOP  UINT64_C(0x00007fffffffffff)
#define HIGH_LOW UINT64_C(0xffff800000000000)
#define TOP57    UINT64_C(0x00ffffffffffffff)

static void set64(enum gpr n, uint64_t v) { s()->gpr.r64[n] = v; }

/* MOV CRn, RAX in 64-bit mode; n of 8 and above by REX.R. */
static void write_cr(unsigned n, uint64_t value)
{
	set64(RAX, value);
	STEP((uint8_t)(0x40 | (n & 8) >> 1), 0x0f, 0x22, (uint8_t)(0xc0 | (n & 7) << 3));
}

static uint64_t read_cr(unsigned n)
{
	STEP((uint8_t)(0x40 | (n & 8) >> 1), 0x0f, 0x20, (uint8_t)(0xc0 | (n & 7) << 3));
	DONE();
	return s()->gpr.r64[RAX];
}

static void write_msr(uint32_t number, uint64_t value)
{
	set64(RCX, number);
	set64(RAX, value & 0xffffffff);
	set64(RDX, value >> 32);
	STEP(0x0f, 0x30);
}

static void long64(void) { rig_long64(r, 0); }

/* Protected mode with tables for 64-bit mode in place, paging off, LME set. */
static void about_to_activate(void)
{
	rig_long64(r, 0);
	uint64_t cr3 = s()->cr3;
	rig_protected(r, 0);
	s()->cr3 = cr3;
	s()->cr4 = CR4_PAE;
	s()->efer = EFER_LME;
}

static void set_pg(void)
{
	set_reg(RAX, (uint32_t)s()->cr0 | CR0_PG);
	STEP(0x0f, 0x22, 0xc0);
}

/* ---- activation ---- */
static void lma_is_lme_and_pg(void **state)
{
	about_to_activate();
	set_pg();
	DONE();
	assert_true(s()->efer & EFER_LMA);
	assert_int_equal(cpu_mode(&r->cpu), MODE_COMPAT);
	set_reg(RAX, (uint32_t)s()->cr0 & ~CR0_PG);
	STEP(0x0f, 0x22, 0xc0);
	DONE();
	assert_false(s()->efer & EFER_LMA);
	assert_true(s()->efer & EFER_LME);
}

static void LME_WITHOUT_PAE(void **state)
{
	about_to_activate();
	s()->cr4 = 0;
	set_pg();
	FAULT(VEC_GP, 0, WHY_LME_WITHOUT_PAE);
	assert_false(s()->efer & EFER_LMA);
}

static void LME_CS_L(void **state)
{
	about_to_activate();
	s()->seg[SEG_CS].l = true;
	set_pg();
	FAULT(VEC_GP, 0, WHY_LME_CS_L);
}

static void LME_TSS16(void **state)
{
	about_to_activate();
	s()->seg[SEG_TR].type = SYS_TSS16_BUSY;
	set_pg();
	FAULT(VEC_GP, 0, WHY_LME_TSS16);
}

static void EFER_LME_WITH_PAGING(void **state)
{
	long64();
	write_msr(MSR_EFER, EFER_LMA);
	FAULT(VEC_GP, 0, WHY_EFER_LME_WITH_PAGING);
}

static void efer_lma_is_not_written(void **state)
{
	write_msr(MSR_EFER, EFER_LMA | EFER_NXE | EFER_SCE);
	DONE();
	assert_int_equal(s()->efer, EFER_NXE | EFER_SCE);
	write_msr(MSR_EFER, 1 << 1);
	FAULT(VEC_GP, 0, WHY_MSR_RESERVED);
}

static void pdptes_are_not_loaded_in_ia32e_mode(void **state)
{
	long64();
	assert_true(rig_read64(r, RIG_PML4) & 6); /* reserved in a PDPTE of PAE paging */
	write_cr(3, s()->cr3);
	DONE();
}

/* ---- CR0, CR3, CR4, CR8, debug registers ---- */
static void CR0_RESERVED(void **state)
{
	long64();
	write_cr(0, s()->cr0 | UINT64_C(1) << 32);
	FAULT(VEC_GP, 0, WHY_CR0_RESERVED);
}

static void CR0_PG_IN_64BIT(void **state)
{
	long64();
	write_cr(0, s()->cr0 & ~(uint64_t)CR0_PG);
	FAULT(VEC_GP, 0, WHY_CR0_PG_IN_64BIT);
}

static void CR0_PG_WITH_PCIDE(void **state)
{
	about_to_activate();
	set_pg();
	rig_gate64(r, VEC_GP, RIG_CS0_64, RIG_HANDLER(VEC_GP), 0x8e, 0);
	s()->cr4 |= CR4_PCIDE;
	set_reg(RAX, (uint32_t)s()->cr0 & ~CR0_PG);
	STEP(0x0f, 0x22, 0xc0);
	FAULT(VEC_GP, 0, WHY_CR0_PG_WITH_PCIDE);
}

static void CR3_RESERVED(void **state)
{
	long64();
	write_cr(3, s()->cr3 | UINT64_C(1) << 40);
	FAULT(VEC_GP, 0, WHY_CR3_RESERVED);
	long64();
	write_cr(3, s()->cr3 | CR3_NO_FLUSH); /* CR4.PCIDE is clear */
	FAULT(VEC_GP, 0, WHY_CR3_RESERVED);
}

static void cr3_bit_63_is_not_stored(void **state)
{
	long64();
	s()->cr4 |= CR4_PCIDE;
	write_cr(3, RIG_PML4 | 5 | CR3_NO_FLUSH);
	DONE();
	assert_int_equal(read_cr(3), RIG_PML4 | 5);
}

static void CR4_PAE_IN_IA32E(void **state)
{
	long64();
	write_cr(4, s()->cr4 & ~(uint64_t)CR4_PAE);
	FAULT(VEC_GP, 0, WHY_CR4_PAE_IN_IA32E);
}

static void CR4_LA57_IN_IA32E(void **state)
{
	long64();
	write_cr(4, s()->cr4 ^ CR4_LA57);
	FAULT(VEC_GP, 0, WHY_CR4_LA57_IN_IA32E);
}

static void CR4_PCIDE_(void **state)
{
	set_reg(RAX, (uint32_t)s()->cr4 | CR4_PCIDE);
	STEP(0x0f, 0x22, 0xe0);
	FAULT(VEC_GP, 0, WHY_CR4_PCIDE);
	long64();
	s()->cr3 |= 8;
	write_cr(4, s()->cr4 | CR4_PCIDE);
	FAULT(VEC_GP, 0, WHY_CR4_PCIDE);
	long64();
	write_cr(4, s()->cr4 | CR4_PCIDE);
	DONE();
}

static void cr2_has_64_bits(void **state)
{
	long64();
	write_cr(2, UINT64_C(0x123456789abcdef0));
	DONE();
	assert_int_equal(read_cr(2), UINT64_C(0x123456789abcdef0));
}

static void CR8_RESERVED(void **state)
{
	long64();
	write_cr(8, 16);
	FAULT(VEC_GP, 0, WHY_CR8_RESERVED);
}

static uint8_t apic_priority;
static uint8_t apic_cr8(void *device) { return *(uint8_t *)device; }
static void apic_set_cr8(void *device, uint8_t value) { *(uint8_t *)device = value; }

static void cr8_is_the_local_apics_task_priority(void **state)
{
	long64();
	write_cr(8, 5); /* no local APIC: kept all the same */
	assert_int_equal(read_cr(8), 5);
	r->cpu.apic = (struct local_apic){.device = &apic_priority, .cr8 = apic_cr8, .set_cr8 = apic_set_cr8};
	write_cr(8, 9);
	DONE();
	assert_int_equal(apic_priority, 9);
	apic_priority = 12;
	assert_int_equal(read_cr(8), 12);
	r->cpu.apic = (struct local_apic){.device = NULL};
}

static void DR_RESERVED(void **state)
{
	for (unsigned n = 6; n <= 7; n++) {
		long64();
		set64(RAX, UINT64_C(1) << 32);
		STEP(0x0f, 0x23, (uint8_t)(0xc0 | n << 3));
		FAULT(VEC_GP, 0, WHY_DR_RESERVED);
	}
	long64();
	set64(RAX, HIGH_LOW + 8);
	STEP(0x0f, 0x23, 0xc0);
	DONE();
	set64(RAX, 0);
	STEP(0x0f, 0x21, 0xc0);
	assert_int_equal(s()->gpr.r64[RAX], HIGH_LOW + 8);
}

/* ---- MSRs ---- */
static const uint32_t bases[] = {MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_LSTAR,   MSR_CSTAR,
				 MSR_FS_BASE,      MSR_GS_BASE,      MSR_KERNEL_GS_BASE};

static void MSR_NON_CANONICAL(void **state)
{
	for (unsigned i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		long64();
		write_msr(bases[i], TOP57 + 1);
		FAULT(VEC_GP, 0, WHY_MSR_NON_CANONICAL);
	}
}

/* What counts is the widest address there is, not CR4.LA57. */
static void bases_are_canonical_in_57_bits(void **state)
{
	for (unsigned i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		uint64_t value;
		long64();
		write_msr(bases[i], TOP57);
		DONE();
		assert_true(msr_read(&r->cpu, bases[i], &value));
		assert_int_equal(value, TOP57);
	}
}

static void sfmask_has_32_bits(void **state)
{
	long64();
	write_msr(MSR_SFMASK, UINT64_C(1) << 32);
	FAULT(VEC_GP, 0, WHY_MSR_RESERVED);
}

static void fs_base_moves_what_is_addressed(void **state)
{
	long64();
	rig_write32(r, 0x5000, 0x1234);
	write_msr(MSR_FS_BASE, 0x4000);
	set64(RBX, 0x1000);
	STEP(0x64, 0x8b, 0x03); /* mov eax, fs:[rbx] */
	DONE();
	assert_int_equal(reg(RAX), 0x1234);
}

/* ---- memory types ---- */
static void MSR_MEMORY_TYPE(void **state)
{
	static const uint32_t registers[] = {MSR_PAT, MSR_MTRR_FIX64K, MSR_MTRR_FIX16K + 1, MSR_MTRR_FIX4K + 7,
					     MSR_MTRR_DEF_TYPE, MSR_MTRR_PHYSBASE0, MSR_MTRR_PHYSBASE0 + 14};

	for (unsigned i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		uint64_t value;
		rig_protected(r, 0);
		write_msr(registers[i], 2);
		FAULT(VEC_GP, 0, WHY_MSR_MEMORY_TYPE);
		rig_protected(r, 0);
		write_msr(registers[i], 5);
		DONE();
		assert_true(msr_read(&r->cpu, registers[i], &value));
		assert_int_equal(value, 5);
		write_msr(registers[i], 7); /* UC- is of the PAT alone */
		assert_int_equal(faulted(), i != 0);
	}
}

static void mtrr_reserved_bits(void **state)
{
	static const struct {
		uint32_t number;
		uint64_t value;
	} list[] = {{MSR_MTRR_DEF_TYPE, 0x106},     {MSR_MTRR_DEF_TYPE, 0x1006},
		    {MSR_MTRR_PHYSBASE0, 0x106},    {MSR_MTRR_PHYSBASE0, UINT64_C(1) << 40},
		    {MSR_MTRR_PHYSBASE0 + 1, 0x400}};

	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		rig_protected(r, 0);
		write_msr(list[i].number, list[i].value);
		FAULT(VEC_GP, 0, WHY_MSR_RESERVED);
	}
	rig_protected(r, 0);
	write_msr(MSR_MTRRCAP, 0x508);
	FAULT(VEC_GP, 0, WHY_MSR_READ_ONLY);
	write_msr(MSR_MTRR_PHYSBASE0 + 16, 0);
	assert_int_equal(rig_last(r, 0)->why, WHY_MSR_UNKNOWN);
}

/* ---- SWAPGS, FSGSBASE ---- */
static void swapgs_exchanges_the_bases(void **state)
{
	long64();
	s()->seg[SEG_GS].base = 0x1000;
	s()->kernel_gs_base = HIGH_LOW;
	STEP(0x0f, 0x01, 0xf8);
	DONE();
	assert_int_equal(s()->seg[SEG_GS].base, HIGH_LOW);
	assert_int_equal(s()->kernel_gs_base, 0x1000);
}

static void swapgs_is_privileged(void **state)
{
	rig_long64(r, 3);
	STEP(0x0f, 0x01, 0xf8);
	FAULT(VEC_GP, 0, WHY_PRIVILEGED);
}

static void FSGSBASE_DISABLED(void **state)
{
	for (unsigned op = 0; op < 4; op++) {
		long64();
		STEP(0xf3, 0x0f, 0xae, (uint8_t)(0xc0 | op << 3));
		FAULT(VEC_UD, 0, WHY_FSGSBASE_DISABLED);
	}
}

static void FSGSBASE_NON_CANONICAL(void **state)
{
	for (unsigned op = 2; op < 4; op++) {
		rig_long64(r, 3);
		s()->cr4 |= CR4_FSGSBASE;
		set64(RAX, TOP57 + 1);
		STEP(0xf3, 0x48, 0x0f, 0xae, (uint8_t)(0xc0 | op << 3));
		FAULT(VEC_GP, 0, WHY_FSGSBASE_NON_CANONICAL);
	}
}

static void bases_are_read_and_written_at_both_widths(void **state)
{
	static const enum seg seg[] = {SEG_FS, SEG_GS};

	for (unsigned n = 0; n < 2; n++) {
		rig_long64(r, 3);
		s()->cr4 |= CR4_FSGSBASE;
		set64(RAX, HIGH_LOW + 0x12345678);
		STEP(0xf3, 0x48, 0x0f, 0xae, (uint8_t)(0xd0 | n << 3));
		DONE();
		assert_int_equal(s()->seg[seg[n]].base, HIGH_LOW + 0x12345678);
		STEP(0xf3, 0x0f, 0xae, (uint8_t)(0xc3 | n << 3)); /* EBX */
		assert_int_equal(s()->gpr.r64[RBX], 0x12345678);
		STEP(0xf3, 0x0f, 0xae, (uint8_t)(0xd0 | n << 3)); /* from EAX */
		DONE();
		assert_int_equal(s()->seg[seg[n]].base, 0x12345678);
	}
}

/* ---- protection keys ---- */
static void PKRU_DISABLED(void **state)
{
	for (unsigned op = 0xee; op <= 0xef; op++) {
		long64();
		set64(RCX, 0);
		STEP(0x0f, 0x01, (uint8_t)op);
		FAULT(VEC_UD, 0, WHY_PKRU_DISABLED);
	}
}

static void keys(void)
{
	rig_long64(r, 3);
	s()->cr4 |= CR4_PKE;
	set64(RAX, 0x5555);
	set64(RCX, 0);
	set64(RDX, 0);
}

static void PKRU_ECX(void **state)
{
	keys();
	set64(RCX, 1);
	STEP(0x0f, 0x01, 0xee);
	FAULT(VEC_GP, 0, WHY_PKRU_ECX);
}

static void PKRU_EDX(void **state)
{
	keys();
	set64(RDX, 1);
	STEP(0x0f, 0x01, 0xef);
	FAULT(VEC_GP, 0, WHY_PKRU_EDX);
}

static void wrpkru_and_rdpkru(void **state)
{
	keys();
	STEP(0x0f, 0x01, 0xef);
	DONE();
	assert_int_equal(s()->pkru, 0x5555);
	set64(RAX, 0);
	set64(RDX, 7);
	STEP(0x0f, 0x01, 0xee);
	DONE();
	assert_int_equal(s()->gpr.r64[RAX], 0x5555);
	assert_int_equal(s()->gpr.r64[RDX], 0);
}

/* ---- INVPCID ---- */
static void invpcid_of(uint64_t type, uint64_t pcid, uint64_t lin)
{
	rig_write64(r, 0x5000, pcid);
	rig_write64(r, 0x5008, lin);
	set64(RAX, type);
	set64(RBX, 0x5000);
	STEP(0x66, 0x0f, 0x38, 0x82, 0x03);
}

static void invpcid_drops_a_translation(void **state)
{
	long64();
	rig_write32(r, 0x6000, 0x66666666);
	rig_write32(r, 0x7000, 0x77777777);
	set64(RSI, 0x6000);
	STEP(0x8b, 0x0e); /* mov ecx, [rsi] */
	assert_int_equal(reg(RCX), 0x66666666);
	rig_write64(r, RIG_PT + 6 * 8, 0x7007);
	rig_write64(r, 0x5000, 0);
	rig_write64(r, 0x5008, 0x6000);
	rig_write(r, RIG_CODE + 0x100, (const uint8_t[]){0x66, 0x0f, 0x38, 0x82, 0x03, 0x8b, 0x0e}, 7);
	s()->rip = RIG_CODE + 0x100;
	set64(RAX, 0);
	set64(RBX, 0x5000);
	cpu_step(&r->cpu);
	cpu_step(&r->cpu);
	assert_int_equal(reg(RCX), 0x77777777);
}

static void invpcid_is_privileged_and_checks_its_descriptor(void **state)
{
	rig_long64(r, 3);
	invpcid_of(0, 0, 0);
	FAULT(VEC_GP, 0, WHY_PRIVILEGED);
	long64();
	invpcid_of(4, 0, 0);
	FAULT(VEC_GP, 0, WHY_INVPCID_TYPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(lma_is_lme_and_pg), T(LME_WITHOUT_PAE), T(LME_CS_L), T(LME_TSS16), T(EFER_LME_WITH_PAGING),
		T(efer_lma_is_not_written), T(pdptes_are_not_loaded_in_ia32e_mode), T(CR0_RESERVED), T(CR0_PG_IN_64BIT),
		T(CR0_PG_WITH_PCIDE), T(CR3_RESERVED), T(cr3_bit_63_is_not_stored), T(CR4_PAE_IN_IA32E),
		T(CR4_LA57_IN_IA32E), T(CR4_PCIDE_), T(cr2_has_64_bits), T(CR8_RESERVED),
		T(cr8_is_the_local_apics_task_priority), T(DR_RESERVED), T(MSR_NON_CANONICAL),
		T(bases_are_canonical_in_57_bits), T(sfmask_has_32_bits), T(fs_base_moves_what_is_addressed), T(MSR_MEMORY_TYPE), T(mtrr_reserved_bits),
		T(swapgs_exchanges_the_bases), T(swapgs_is_privileged), T(FSGSBASE_DISABLED), T(FSGSBASE_NON_CANONICAL),
		T(bases_are_read_and_written_at_both_widths), T(PKRU_DISABLED), T(PKRU_ECX), T(PKRU_EDX),
		T(wrpkru_and_rdpkru), T(invpcid_drops_a_translation), T(invpcid_is_privileged_and_checks_its_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
