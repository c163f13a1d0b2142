/* Control, debug and model-specific registers, CPUID, HLT and what always faults. */
#include "cpu/debug.h"
#include "system/bed.h"

#define DATA 0x5000u

static void write_cr(unsigned n, uint32_t value)
{
	set_reg(RAX, value);
	STEP(0x0f, 0x22, (uint8_t)(0xc0 | n << 3));
}

static uint32_t read_cr(unsigned n)
{
	STEP(0x0f, 0x20, (uint8_t)(0xc0 | n << 3));
	DONE();
	return reg(RAX);
}

/* No step in between tells the mmu anything but the instruction itself. */
static void steps(unsigned n)
{
	while (n--)
		cpu_step(&r->cpu);
}

/* ---- CR0 ---- */
static void CR0_PG_WITHOUT_PE(void **state)
{
	write_cr(0, CR0_PG | CR0_ET);
	FAULT(VEC_GP, 0, WHY_CR0_PG_WITHOUT_PE);
	assert_true(s()->cr0 & CR0_PE);
}

static void CR0_NW_WITHOUT_CD(void **state)
{
	write_cr(0, CR0_PE | CR0_NW);
	FAULT(VEC_GP, 0, WHY_CR0_NW_WITHOUT_CD);
	rig_protected(r, 0);
	write_cr(0, CR0_PE | CR0_NW | CR0_CD);
	DONE();
}

static void cr0_bits_by_model(void **state)
{
	write_cr(0, 0x7fffffff);
	DONE();
	assert_int_equal(s()->cr0, 0x6005003f);
	write_cr(0, CR0_PE);
	assert_int_equal(read_cr(0), CR0_PE | CR0_ET);
	bed_model("i386");
	write_cr(0, 0x7fffffff);
	DONE();
	assert_int_equal(s()->cr0, 0x1f);
	write_cr(0, CR0_PE);
	assert_int_equal(read_cr(0), CR0_PE);
}

static void clearing_pe_returns_to_real_mode(void **state)
{
	write_cr(0, CR0_ET);
	DONE();
	assert_int_equal(s()->seg[SEG_CS].limit, 0xffffffff); /* caches stay */
	set_reg(RAX, 0x1234);
	STEP(0x8e, 0xd8);
	DONE();
	assert_int_equal(s()->seg[SEG_DS].base, 0x12340);
}

static void setting_pg_turns_paging_on_at_once(void **state)
{
	rig_paging(r);
	s()->cr0 &= ~(uint64_t)CR0_PG;
	rig_write32(r, 0x81000 + 4 * 5, 0x6007); /* 5000h -> 6000h */
	rig_write32(r, DATA, 0x11111111);
	rig_write32(r, 0x6000, 0x22222222);
	set_reg(RBX, DATA);
	STEP(0x8b, 0x0b); /* mov ecx, [ebx] */
	assert_int_equal(reg(RCX), 0x11111111);
	write_cr(0, CR0_PE | CR0_PG | CR0_WP);
	DONE();
	STEP(0x8b, 0x0b);
	assert_int_equal(reg(RCX), 0x22222222);
}

static void setting_wp_refuses_supervisor_writes(void **state)
{
	rig_paging(r);
	s()->cr0 &= ~(uint64_t)CR0_WP;
	rig_write32(r, 0x81000 + 4 * 5, DATA | 5);
	set_reg(RBX, DATA);
	static const uint8_t code[] = {0x89, 0x0b, 0x0f, 0x22, 0xc0, 0x89, 0x0b};
	set_reg(RAX, (uint32_t)s()->cr0 | CR0_WP);
	step_code(code, sizeof(code));
	DONE();
	steps(2); /* the TLB holds the right to write */
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 0)->error, PF_P | PF_W);
}

static void setting_smap_takes_effect_at_once(void **state)
{
	static const uint8_t code[] = {0x8b, 0x0b, 0x0f, 0x22, 0xe0, 0x8b, 0x0b};

	rig_paging(r);
	for (unsigned i = 0; i < 256; i++)
		rig_write32(r, 0x81000 + 4 * i, i << 12 | (i == DATA >> 12 ? 7 : 3)); /* one user page */
	set_reg(RBX, DATA);
	set_reg(RAX, CR4_SMAP);
	step_code(code, sizeof(code));
	DONE();
	steps(2);
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 0)->error, PF_P);
}

static void lmsw_cannot_clear_pe(void **state)
{
	s()->cr0 |= CR0_WP;
	uint32_t upper = (uint32_t)s()->cr0 & ~0xfu;
	set_reg(RAX, 0xfff0 | CR0_TS);
	STEP(0x0f, 0x01, 0xf0);
	DONE();
	assert_int_equal(s()->cr0, upper | CR0_PE | CR0_TS);
	rig_write16(r, DATA, CR0_MP);
	STEP(0x0f, 0x01, 0x35, 0x00, 0x50, 0x00, 0x00);
	assert_int_equal(s()->cr0, upper | CR0_PE | CR0_MP);
}

static void lmsw_can_set_pe(void **state)
{
	rig_real(r, RIG_CODE >> 4, 0);
	set_reg(RAX, 1);
	STEP(0x0f, 0x01, 0xf0);
	DONE();
	assert_true(s()->cr0 & CR0_PE);
}

static void clts_clears_ts(void **state)
{
	s()->cr0 |= CR0_TS | CR0_MP;
	STEP(0x0f, 0x06);
	DONE();
	assert_int_equal(s()->cr0 & (CR0_TS | CR0_MP), CR0_MP);
}

static void cr2_and_cr3_keep_what_is_written(void **state)
{
	write_cr(2, 0x89abcdef);
	assert_int_equal(read_cr(2), 0x89abcdef);
	write_cr(3, 0x89abcdef);
	assert_int_equal(read_cr(3), 0x89abcdef);
}

static void other_control_registers_are_undefined(void **state)
{
	for (unsigned n = 1; n < 8; n++) {
		rig_protected(r, 0);
		if (n >= 2 && n <= 4)
			continue;
		STEP(0x0f, 0x20, (uint8_t)(0xc0 | n << 3));
		assert_int_equal(rig_last(r, 0)->vector, VEC_UD);
	}
	bed_model("i486");
	write_cr(4, 0);
	assert_int_equal(rig_last(r, 0)->vector, VEC_UD);
}

/* ---- CR4 ---- */
static void CR4_RESERVED_by_model(void **state)
{
	const struct {
		const char *model;
		uint32_t has;
	} list[] = {{"pentium", 0x5f}, {"pentium2", 0x1ff}, {"max", cpu_model_find("max")->cr4 & ~CR4_PCIDE}};

	for (unsigned i = 0; i < 3; i++) {
		bed_model(list[i].model);
		for (unsigned bit = 0; bit < 32; bit++) {
			if (1u << bit == CR4_PCIDE && i == 2)
				continue; /* CR4_PCIDE of test_long.c */
			rig_protected(r, 0);
			write_cr(4, 1u << bit);
			if (list[i].has >> bit & 1) {
				DONE();
				assert_int_equal(s()->cr4, 1u << bit);
			} else {
				FAULT(VEC_GP, 0, WHY_CR4_RESERVED);
			}
		}
	}
}

/* A PAE machine with its page-directory pointers at 90000h. */
static void pae(void)
{
	for (unsigned i = 0; i < 512; i++) {
		uint64_t entry = (uint64_t)i << 21 | 0x87;
		rig_write(r, 0x91000 + 8 * i, &entry, 8);
	}
	for (unsigned i = 0; i < 4; i++) {
		uint64_t entry = i ? 0 : 0x91001;
		rig_write(r, 0x90000 + 8 * i, &entry, 8);
	}
	s()->cr3 = 0x90000;
	s()->cr4 |= CR4_PAE;
}

static void PDPTE_RESERVED_when_paging_is_turned_on(void **state)
{
	pae();
	rig_write8(r, 0x90000, 0x03);
	write_cr(0, CR0_PE | CR0_PG);
	FAULT(VEC_GP, 0, WHY_PDPTE_RESERVED);
	assert_false(s()->cr0 & CR0_PG);
	rig_protected(r, 0);
	pae();
	write_cr(0, CR0_PE | CR0_PG);
	DONE();
	assert_int_equal(s()->pdpte[0], 0x91001);
}

static void PDPTE_RESERVED_in_mov_cr3(void **state)
{
	pae();
	write_cr(0, CR0_PE | CR0_PG);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t entry = i ? 0x1e6 : 0x91001; /* not present: its reserved bits do not count */
		rig_write(r, 0x92000 + 8 * i, &entry, 8);
	}
	write_cr(3, 0x92000);
	DONE();
	rig_write8(r, 0x92008, 0xe7);
	write_cr(3, 0x92000);
	FAULT(VEC_GP, 0, WHY_PDPTE_RESERVED);
	assert_int_equal(s()->cr3, 0x92000);
}

static void mov_cr3_without_pae_paging_loads_no_pdptes(void **state)
{
	pae();
	s()->cr4 = 0;
	rig_write8(r, 0x90000, 0xff);
	write_cr(3, 0x90000);
	DONE();
}

static void cr4_and_cr0_changes_that_load_the_pdptes(void **state)
{
	static const struct {
		unsigned cr;
		uint32_t flip;
		bool loads;
	} list[] = {
		{4, CR4_PGE, true}, {4, CR4_PSE, true},  {4, CR4_SMEP, true}, {4, CR4_SMAP, false}, {4, CR4_TSD, false},
		{0, CR0_CD, true},  {0, CR0_TS, false}, {0, CR0_WP, false},  {0, CR0_AM, false},
	};
	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		rig_protected(r, 0);
		pae();
		write_cr(0, CR0_PE | CR0_PG);
		DONE();
		rig_write8(r, 0x90000, 0x03);
		write_cr(list[i].cr, (uint32_t)(list[i].cr ? s()->cr4 : s()->cr0) ^ list[i].flip);
		if (list[i].loads)
			FAULT(VEC_GP, 0, WHY_PDPTE_RESERVED);
		else
			DONE();
	}
}

/* ---- TLB ---- */
static const uint8_t load_and[] = {0x8b, 0x0b}; /* mov ecx, [ebx] */

/* Reads DATA through the TLB, lets the page go elsewhere, runs the code with
 * EAX, reads again: what is seen? */
static uint32_t seen_after(const uint8_t *code, size_t size, uint32_t eax, bool global)
{
	uint8_t all[16];

	rig_protected(r, 0);
	rig_paging(r);
	s()->cr4 |= CR4_PGE;
	rig_write32(r, 0x81000 + 4 * 5, DATA | 7 | (global ? 0x100 : 0));
	rig_write32(r, DATA, 1);
	rig_write32(r, 0x6000, 2);
	set_reg(RBX, DATA);
	memcpy(all, load_and, 2);
	memcpy(all + 2, code, size);
	memcpy(all + 2 + size, load_and, 2);
	step_code(all, size + 4);
	rig_write32(r, 0x81000 + 4 * 5, 0x6007);
	set_reg(RAX, eax);
	for (unsigned i = 0; i < 2; i++)
		cpu_step(&r->cpu);
	return reg(RCX);
}
#define SEEN(eax, global, ...)                                                                              \
	seen_after((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), (eax), (global))

static void mov_cr3_flushes_all_but_global_pages(void **state)
{
	assert_int_equal(SEEN(0x80000, false, 0x0f, 0x22, 0xd8), 2);
	assert_int_equal(SEEN(0x80000, true, 0x0f, 0x22, 0xd8), 1);
}

static void changing_pge_flushes_global_pages(void **state)
{
	assert_int_equal(SEEN(0, true, 0x0f, 0x22, 0xe0), 2);
}

static void invlpg_drops_one_page_global_or_not(void **state)
{
	assert_int_equal(SEEN(0, true, 0x0f, 0x01, 0x3b), 2);  /* invlpg [ebx] */
	assert_int_equal(SEEN(0, true, 0x0f, 0x01, 0x38), 1);  /* invlpg [eax]: another page */
}

static void invlpg_checks_no_limit(void **state)
{
	s()->seg[SEG_DS].limit = 0;
	set_reg(RBX, 0x12345678);
	STEP(0x0f, 0x01, 0x3b);
	DONE();
}

/* ---- debug registers ---- */
static void write_dr(unsigned n, uint32_t value)
{
	set_reg(RAX, value);
	STEP(0x0f, 0x23, (uint8_t)(0xc0 | n << 3));
}

static uint32_t read_dr(unsigned n)
{
	STEP(0x0f, 0x21, (uint8_t)(0xc0 | n << 3));
	DONE();
	return reg(RAX);
}

static void debug_registers_have_fixed_bits(void **state)
{
	for (unsigned n = 0; n < 4; n++) {
		write_dr(n, 0x89abcde0 + n);
		assert_int_equal(read_dr(n), 0x89abcde0 + n);
	}
	write_dr(6, 0);
	assert_int_equal(read_dr(6), 0xffff0ff0);
	write_dr(6, 0xffffffff);
	assert_int_equal(read_dr(6), 0xffffefff);
	write_dr(7, 0);
	assert_int_equal(read_dr(7), 0x400);
	write_dr(7, 0xffffdf00);
	assert_int_equal(read_dr(7), 0xffff0700);
}

static void dr4_and_dr5_are_aliases(void **state)
{
	write_dr(5, 0x300);
	assert_int_equal(s()->dr7, 0x700);
	assert_int_equal(read_dr(5), 0x700);
	write_dr(4, 0x4000);
	assert_int_equal(read_dr(6), 0xffff4ff0);
	assert_int_equal(read_dr(4), 0xffff4ff0);
}

static void DR_UNDEFINED_with_de_before_cpl(void **state)
{
	for (unsigned cpl = 0; cpl < 4; cpl += 3)
		for (unsigned n = 4; n < 6; n++) {
			rig_protected(r, cpl);
			s()->cr4 = CR4_DE;
			write_dr(n, 0);
			FAULT(VEC_UD, 0, WHY_DR_UNDEFINED);
		}
}

static void debug_registers_take_effect_at_once(void **state)
{
	static const uint8_t code[] = {0x0f, 0x23, 0xdb, 0x0f, 0x23, 0xf8, 0x8b, 0x0b, 0x90}; /* DR3 = EBX, DR7 = EAX */

	set_reg(RBX, DATA);
	set_reg(RAX, 3u << 6 | 0xfu << 28);
	step_code(code, sizeof(code));
	steps(3);
	assert_int_equal(rig_last(r, 0)->why, WHY_DATA_BREAKPOINT);
	assert_int_equal(rig_last(r, 0)->from.rip, RIG_CODE + 8);
	assert_int_equal(s()->dr6 & 0xf, 8);
}

static void moving_a_breakpoint_takes_effect_at_once(void **state)
{
	static const uint8_t code[] = {0x8b, 0x0b, 0x0f, 0x23, 0xc3, 0x8b, 0x0b, 0x90}; /* DR0 = EBX */

	set_reg(RBX, DATA);
	s()->dr7 = 0x400 | 3 | 0xfu << 16;
	step_code(code, sizeof(code));
	DONE();
	steps(3);
	assert_int_equal(rig_last(r, 0)->why, WHY_DATA_BREAKPOINT);
	assert_int_equal(rig_last(r, 0)->from.rip, RIG_CODE + 7);
}

static void GENERAL_DETECT_before_the_access_after_cpl(void **state)
{
	write_dr(0, 0x1111);
	write_dr(7, DR7_GD);
	write_dr(0, 0x2222);
	FAULT(VEC_DB, 0, WHY_GENERAL_DETECT);
	assert_int_equal(s()->dr[0], 0x1111);
	assert_true(s()->dr6 & DR6_BD);
	assert_false(s()->dr7 & DR7_GD); /* for the handler's sake */
	rig_protected(r, 3);
	s()->dr7 |= DR7_GD;
	write_dr(0, 0);
	FAULT(VEC_GP, 0, WHY_PRIVILEGED);
}

static void execution_breakpoints_match_the_first_byte(void **state)
{
	s()->dr[2] = 0x12345;
	s()->dr7 = 0x400 | 1 << 4; /* L2 */
	assert_int_equal(execution_breakpoints(s(), 0x12345), 4);
	assert_int_equal(execution_breakpoints(s(), 0x12344), 0);
	s()->dr7 = 0x400 | 1 << 4 | 1u << 26; /* LEN2 = 2 bytes: undefined */
	s()->dr[2] = 0x12344;
	assert_int_equal(execution_breakpoints(s(), 0x12344), 0);
	s()->dr[2] = 0x12345;
	s()->dr7 = 0x400;
	assert_int_equal(execution_breakpoints(s(), 0x12345), 0);
	s()->dr7 = 0x400 | 2 << 4 | 1u << 24; /* G2, R/W2 = write */
	assert_int_equal(execution_breakpoints(s(), 0x12345), 0);
	assert_true(breakpoints_armed(s(), BREAK_WRITE));
	assert_false(breakpoints_armed(s(), BREAK_EXECUTE));
}

static void io_breakpoints_need_de_and_overlap(void **state)
{
	s()->dr[1] = 0x61;
	s()->dr7 = 0x400 | 1 << 2 | 2u << 20 | 1u << 22; /* L1, I/O, 2 bytes: 60h, 61h */
	assert_int_equal(io_breakpoints(s(), 0x60, 1), 0);
	s()->cr4 = CR4_DE;
	assert_int_equal(io_breakpoints(s(), 0x60, 1), 2);
	assert_int_equal(io_breakpoints(s(), 0x61, 1), 2);
	assert_int_equal(io_breakpoints(s(), 0x62, 1), 0);
	assert_int_equal(io_breakpoints(s(), 0x5d, 4), 2);
	assert_int_equal(io_breakpoints(s(), 0x5c, 4), 0);
}

/* ---- counters and MSRs ---- */
static void TSC_DISABLED_outside_cpl_0(void **state)
{
	rig_protected(r, 3);
	STEP(0x0f, 0x31);
	DONE();
	s()->cr4 = CR4_TSD;
	STEP(0x0f, 0x31);
	FAULT(VEC_GP, 0, WHY_TSC_DISABLED);
	rig_protected(r, 0);
	s()->cr4 = CR4_TSD;
	STEP(0x0f, 0x31);
	DONE();
}

static void rdtsc_counts_instructions_from_what_was_written(void **state)
{
	set_reg(RCX, MSR_TSC);
	set_reg(RAX, 0xfffffffe);
	set_reg(RDX, 5);
	STEP(0x0f, 0x30);
	DONE();
	STEP(0x90);
	STEP(0x0f, 0x31);
	assert_int_equal(reg(RAX), 0);
	assert_int_equal(reg(RDX), 6);
}

static void wrmsr_of_tsc_clears_the_upper_half_on_the_pentium(void **state)
{
	bed_model("pentium");
	set_reg(RCX, MSR_TSC);
	set_reg(RDX, 5);
	STEP(0x0f, 0x30);
	STEP(0x0f, 0x31);
	assert_int_equal(reg(RDX), 0);
}

static void RDPMC_DISABLED_and_RDPMC_COUNTER(void **state)
{
	rig_protected(r, 3);
	STEP(0x0f, 0x33);
	FAULT(VEC_GP, 0, WHY_RDPMC_DISABLED);
	rig_protected(r, 3);
	s()->cr4 = CR4_PCE;
	STEP(0x0f, 0x33);
	FAULT(VEC_GP, 0, WHY_RDPMC_COUNTER);
	rig_protected(r, 0);
	STEP(0x0f, 0x33);
	FAULT(VEC_GP, 0, WHY_RDPMC_COUNTER);
}

static void rdmsr(uint32_t number)
{
	set_reg(RCX, number);
	STEP(0x0f, 0x32);
}

static void wrmsr(uint32_t number, uint64_t value)
{
	set_reg(RCX, number);
	set_reg(RAX, (uint32_t)value);
	set_reg(RDX, (uint32_t)(value >> 32));
	STEP(0x0f, 0x30);
}

static void MSR_UNKNOWN_for_both(void **state)
{
	rdmsr(0x12345678);
	FAULT(VEC_GP, 0, WHY_MSR_UNKNOWN);
	rig_protected(r, 0);
	wrmsr(0x12345678, 0);
	FAULT(VEC_GP, 0, WHY_MSR_UNKNOWN);
}

static void MSR_UNKNOWN_by_model(void **state)
{
	bed_model("pentium");
	rdmsr(MSR_SYSENTER_CS);
	FAULT(VEC_GP, 0, WHY_MSR_UNKNOWN);
	bed_model("pentium");
	rdmsr(MSR_PLATFORM_ID);
	FAULT(VEC_GP, 0, WHY_MSR_UNKNOWN);
	bed_model("pentium2");
	rdmsr(MSR_SYSENTER_CS);
	DONE();
	rdmsr(MSR_EFER);
	FAULT(VEC_GP, 0, WHY_MSR_UNKNOWN);
}

static void MSR_READ_ONLY(void **state)
{
	wrmsr(MSR_PLATFORM_ID, 0);
	FAULT(VEC_GP, 0, WHY_MSR_READ_ONLY);
	rig_protected(r, 0);
	rdmsr(MSR_PLATFORM_ID);
	DONE();
}

static void MSR_RESERVED_in_efer(void **state)
{
	wrmsr(MSR_EFER, EFER_NXE);
	DONE();
	assert_int_equal(s()->efer, EFER_NXE);
	wrmsr(MSR_EFER, EFER_NXE | 2);
	FAULT(VEC_GP, 0, WHY_MSR_RESERVED);
	assert_int_equal(s()->efer, EFER_NXE);
}

/* SDM 4, "Architectural MSRs", IA32_MISC_ENABLE: Intel's processors of 64 bits have it, and system software counts on
 * that.  BTS and PEBS are unavailable. */
static void misc_enable_is_in_intels_64_bit_processors(void **state)
{
	static const char *const with[] = {"core2", "x86-64-v2", "x86-64-v3", "max"};
	static const char *const without[] = {"pentium2", "qemu64"};

	for (unsigned i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
		bed_model(with[i]);
		rdmsr(MSR_MISC_ENABLE);
		DONE();
		assert_int_equal(reg(RAX), 0x1801);
		assert_int_equal(reg(RDX), 0);
	}
	wrmsr(MSR_MISC_ENABLE, 0);
	DONE();
	rdmsr(MSR_MISC_ENABLE);
	assert_int_equal(reg(RAX), 0x1800);
	for (unsigned bit = 0; bit < 64; bit++) {
		rig_protected(r, 0);
		wrmsr(MSR_MISC_ENABLE, UINT64_C(1) << bit);
		if (bit == 0 || bit == 11 || bit == 12)
			DONE();
		else
			FAULT(VEC_GP, 0, WHY_MSR_RESERVED);
	}
	for (unsigned i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		bed_model(without[i]);
		rdmsr(MSR_MISC_ENABLE);
		FAULT(VEC_GP, 0, WHY_MSR_UNKNOWN);
	}
	bed_model("qemu64");
	rdmsr(MSR_PLATFORM_ID); /* Intel's alone, too */
	FAULT(VEC_GP, 0, WHY_MSR_UNKNOWN);
}

/* APM 2, "System Configuration Register (SYSCFG)"; BKDG of family 0Fh, "Interrupt Pending and CMP-Halt Register":
 * system software reads them where CPUID has told of such a processor. */
static void amds_registers_that_have_nothing_to_switch_on(void **state)
{
	static const uint32_t list[] = {MSR_AMD_SYSCFG, MSR_AMD_INT_PENDING};

	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		bed_model("max");
		rdmsr(list[i]);
		FAULT(VEC_GP, 0, WHY_MSR_UNKNOWN);
		bed_model("qemu64");
		rdmsr(list[i]);
		DONE();
		assert_int_equal(reg(RAX), 0);
		wrmsr(list[i], 1 << 18);
		FAULT(VEC_GP, 0, WHY_MSR_READ_ONLY);
	}
}

/* SDM 3A, "Processor State After Reset": INIT clears EFER and the segment registers' bases, and leaves the other MSRs
 * alone; power-on does not. */
static void init_leaves_msrs_alone(void **state)
{
	for (unsigned init = 0; init < 2; init++) {
		rig_long64(r, 0);
		uint64_t *const kept[] = {&s()->star, &s()->lstar, &s()->cstar, &s()->sfmask, &s()->kernel_gs_base,
					  &s()->tsc_aux, &s()->sysenter_cs, &s()->sysenter_esp, &s()->sysenter_eip,
					  &s()->pat, &s()->mtrr_def_type, &s()->mcg_status, &s()->pkru};
		for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
			*kept[i] = 4 + i;
		s()->misc_enable = 0x1800;
		s()->seg[SEG_GS].base = 0x12345;
		cpu_reset(&r->cpu, init);
		for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
			assert_int_equal(*kept[i] == 4 + i, init);
		assert_int_equal(s()->misc_enable, init ? 0x1800 : 0x1801);
		assert_int_equal(s()->efer, 0);
		assert_int_equal(s()->cr4, 0);
		assert_int_equal(s()->seg[SEG_GS].base, 0);
	}
}

static void machine_check_registers_without_banks(void **state)
{
	static const uint32_t zeros[] = {MSR_P5_MC_ADDR, MSR_P5_MC_TYPE, MSR_MCG_CAP};

	for (unsigned i = 0; i < 3; i++) {
		set_reg(RAX, 1);
		rdmsr(zeros[i]);
		DONE();
		assert_int_equal(reg(RAX) | reg(RDX), 0);
	}
	wrmsr(MSR_MCG_STATUS, 7);
	DONE();
	rdmsr(MSR_MCG_STATUS);
	assert_int_equal(reg(RAX), 7);
	wrmsr(MSR_MCG_STATUS, 8);
	FAULT(VEC_GP, 0, WHY_MSR_RESERVED);
	rig_protected(r, 0);
	rdmsr(0x400); /* MC0_CTL: no bank, no register */
	FAULT(VEC_GP, 0, WHY_MSR_UNKNOWN);
	bed_model("pentium");
	rdmsr(MSR_P5_MC_TYPE);
	DONE();
	rdmsr(MSR_MCG_CAP);
	FAULT(VEC_GP, 0, WHY_MSR_UNKNOWN);
}

static void setting_nxe_takes_effect_at_once(void **state)
{
	static const uint8_t code[] = {0x8b, 0x0b, 0x0f, 0x30, 0x8b, 0x0b};
	uint64_t entry = UINT64_C(0x80000000000000e7) | 3u << 21; /* XD: reserved while NXE = 0 */

	pae();
	rig_write(r, 0x91000 + 8 * 3, &entry, 8);
	write_cr(0, CR0_PE | CR0_PG);
	DONE();
	set_reg(RBX, 3u << 21);
	set_reg(RCX, MSR_EFER);
	set_reg(RAX, EFER_NXE);
	const uint8_t load[] = {0x8b, 0x13}; /* mov edx, [ebx] */
	step_code(load, 2);
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 0)->error, PF_P | PF_RSVD);
	s()->activity = ACT_RUNNING;
	s()->rip = RIG_CODE;
	set_reg(RSP, RIG_STACK0);
	set_reg(RDX, 0);
	step_code(code + 2, 4);
	DONE();
	steps(1);
	DONE();
}

static void msrs_keep_what_is_written(void **state)
{
	static const uint32_t list[] = {MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_BIOS_SIGN_ID};

	for (unsigned i = 0; i < 4; i++) {
		wrmsr(list[i], 0x89abcde0 + i);
		DONE();
	}
	for (unsigned i = 0; i < 4; i++) {
		rdmsr(list[i]);
		assert_int_equal(reg(RAX), 0x89abcde0 + i);
		assert_int_equal(reg(RDX), 0);
	}
}

/* ---- the rest ---- */
static void hlt_halts_behind_itself(void **state)
{
	STEP(0xf4);
	DONE();
	assert_int_equal(s()->activity, ACT_HALTED);
	assert_int_equal(s()->rip, RIG_CODE + 1);
}

static void invd_and_wbinvd_at_cpl_0(void **state)
{
	STEP(0x0f, 0x08);
	DONE();
	STEP(0x0f, 0x09);
	DONE();
}

static void RSM_OUTSIDE_SMM(void **state)
{
	STEP(0x0f, 0xaa);
	FAULT(VEC_UD, 0, WHY_RSM_OUTSIDE_SMM);
}

static void UD_INSTRUCTION_for_ud0_ud1_ud2(void **state)
{
	STEP(0x0f, 0x0b);
	FAULT(VEC_UD, 0, WHY_UD_INSTRUCTION);
	rig_protected(r, 0);
	STEP(0x0f, 0xb9, 0xc0);
	FAULT(VEC_UD, 0, WHY_UD_INSTRUCTION);
	rig_protected(r, 0);
	STEP(0x0f, 0xff, 0x05, 0xff, 0xff, 0xff, 0xff);
	FAULT(VEC_UD, 0, WHY_UD_INSTRUCTION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(CR0_PG_WITHOUT_PE), T(CR0_NW_WITHOUT_CD), T(cr0_bits_by_model), T(clearing_pe_returns_to_real_mode),
		T(setting_pg_turns_paging_on_at_once), T(setting_wp_refuses_supervisor_writes),
		T(setting_smap_takes_effect_at_once), T(setting_nxe_takes_effect_at_once),
		T(debug_registers_take_effect_at_once), T(moving_a_breakpoint_takes_effect_at_once),
		T(lmsw_cannot_clear_pe), T(lmsw_can_set_pe), T(clts_clears_ts), T(cr2_and_cr3_keep_what_is_written),
		T(other_control_registers_are_undefined), T(CR4_RESERVED_by_model),
		T(PDPTE_RESERVED_when_paging_is_turned_on), T(PDPTE_RESERVED_in_mov_cr3),
		T(mov_cr3_without_pae_paging_loads_no_pdptes), T(cr4_and_cr0_changes_that_load_the_pdptes),
		T(mov_cr3_flushes_all_but_global_pages), T(changing_pge_flushes_global_pages),
		T(invlpg_drops_one_page_global_or_not), T(invlpg_checks_no_limit), T(debug_registers_have_fixed_bits),
		T(dr4_and_dr5_are_aliases), T(DR_UNDEFINED_with_de_before_cpl),
		T(GENERAL_DETECT_before_the_access_after_cpl), T(execution_breakpoints_match_the_first_byte),
		T(io_breakpoints_need_de_and_overlap), T(TSC_DISABLED_outside_cpl_0),
		T(rdtsc_counts_instructions_from_what_was_written),
		T(wrmsr_of_tsc_clears_the_upper_half_on_the_pentium), T(RDPMC_DISABLED_and_RDPMC_COUNTER),
		T(MSR_UNKNOWN_for_both), T(MSR_UNKNOWN_by_model), T(MSR_READ_ONLY), T(MSR_RESERVED_in_efer),
		T(misc_enable_is_in_intels_64_bit_processors), T(amds_registers_that_have_nothing_to_switch_on), T(init_leaves_msrs_alone),
		T(msrs_keep_what_is_written), T(machine_check_registers_without_banks), T(hlt_halts_behind_itself), T(invd_and_wbinvd_at_cpl_0),
		T(RSM_OUTSIDE_SMM), T(UD_INSTRUCTION_for_ud0_ud1_ud2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
