/* What lets vector instructions run or not, their memory operands, MMX and the x87, and XSAVE: SDM 2, "Exceptions
 * Type 1" and the following; SDM 3A, "System Programming for Instruction Set Extensions"; SDM 1, "Managing State Using
 * the XSAVE Feature Set". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "rig/guest.h"

#define DATA 0x50000u /* 64-byte aligned */
#define PAGE 0x1000u

static struct rig *r;

static int setup(void **state)
{
	r = rig_new("max", 8 << 20);
	return r == NULL;
}

static int teardown(void **state)
{
	rig_free(r);
	return 0;
}

/* Everything on but what is in the two masks. */
static void begin(uint32_t cr0, uint32_t cr4)
{
	struct arch_state *s = &r->cpu.s;

	rig_protected(r, 0);
	s->cr0 |= CR0_NE | cr0;
	s->cr4 = (CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE) & ~cr4;
	s->xcr0 = XCR0_X87 | XCR0_SSE | XCR0_AVX;
	s->mxcsr = MXCSR_RESET;
	s->fpu.cw = 0x037f;
	s->fpu.tw = 0xffff;
	s->gpr.r64[RBX] = DATA;
	cpu_state_changed(&r->cpu);
}

static void assert_refused(enum vector vector, enum why why)
{
	assert_int_equal(rig_run(r, 20), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, vector);
	assert_int_equal(rig_last(r, 0)->why, why);
	assert_int_equal(rig_last(r, 0)->from.rip, RIG_CODE);
}

static void assert_runs(void)
{
	uint64_t before = r->trace.deliveries;

	assert_int_equal(rig_run(r, 20), STOP_HALT);
	assert_int_equal(r->trace.deliveries, before);
}

GUEST32(mmx, "paddb mm0, mm1\n hlt")
GUEST32(sse, "paddb xmm0, xmm1\n hlt")
GUEST32(avx, "vpaddb ymm0, ymm1, ymm2\n hlt")
GUEST32(bmi, "andn eax, ebx, ecx\n hlt")
GUEST32(crc, "crc32 eax, ebx\n hlt")

#define REFUSED(code, cr0, cr4, vector, why)                                                                           \
	do {                                                                                                           \
		begin(cr0, cr4);                                                                                       \
		LOAD(r, RIG_CODE, code);                                                                               \
		assert_refused(vector, why);                                                                           \
	} while (0)
#define RUNS(code, cr0, cr4)                                                                                           \
	do {                                                                                                           \
		begin(cr0, cr4);                                                                                       \
		LOAD(r, RIG_CODE, code);                                                                               \
		assert_runs();                                                                                         \
	} while (0)

static void emulation_makes_mmx_and_sse_undefined(void **state)
{
	for (unsigned ts = 0; ts <= CR0_TS; ts += CR0_TS) {
		REFUSED(mmx, CR0_EM | ts, 0, VEC_UD, WHY_SIMD_EMULATED);
		REFUSED(sse, CR0_EM | ts, 0, VEC_UD, WHY_SIMD_EMULATED);
	}
	RUNS(avx, CR0_EM, 0);
}

static void osfxsr_is_for_xmm_registers(void **state)
{
	REFUSED(sse, 0, CR4_OSFXSR, VEC_UD, WHY_SIMD_OSFXSR);
	REFUSED(sse, CR0_TS, CR4_OSFXSR, VEC_UD, WHY_SIMD_OSFXSR);
	RUNS(mmx, 0, CR4_OSFXSR);
	RUNS(avx, 0, CR4_OSFXSR);
}

static void avx_needs_osxsave_and_xcr0(void **state)
{
	for (unsigned ts = 0; ts <= CR0_TS; ts += CR0_TS) {
		REFUSED(avx, ts, CR4_OSXSAVE, VEC_UD, WHY_SIMD_OSXSAVE);
		begin(ts, 0);
		r->cpu.s.xcr0 = XCR0_X87 | XCR0_SSE;
		LOAD(r, RIG_CODE, avx);
		assert_refused(VEC_UD, WHY_SIMD_XCR0);
	}
}

static void a_task_switch_makes_them_unavailable(void **state)
{
	REFUSED(mmx, CR0_TS, 0, VEC_NM, WHY_SIMD_TASK_SWITCHED);
	REFUSED(sse, CR0_TS, 0, VEC_NM, WHY_SIMD_TASK_SWITCHED);
	REFUSED(avx, CR0_TS, 0, VEC_NM, WHY_SIMD_TASK_SWITCHED);
}

static void general_registers_are_always_there(void **state)
{
	RUNS(bmi, CR0_EM | CR0_TS, CR4_OSFXSR | CR4_OSXSAVE);
	RUNS(crc, CR0_EM | CR0_TS, CR4_OSFXSR | CR4_OSXSAVE);
}

/* The same code, cached, before and behind the change of what it depends on. */
GUEST32(toggles, "call 1f\n mov eax, cr0\n or eax, 8\n mov cr0, eax\n clts\n call 1f\n mov eax, cr0\n or eax, 8\n"
		 "mov cr0, eax\n call 1f\n hlt\n 1: paddb xmm0, xmm1\n ret")
static void cached_code_follows_cr0_ts(void **state)
{
	begin(0, 0);
	LOAD(r, RIG_CODE, toggles);
	assert_int_equal(rig_run(r, 40), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_NM);
	assert_int_equal(r->cpu.s.cr0 & CR0_TS, CR0_TS);
}

/* ---- memory ---- */

GUEST32(aligned, "paddb xmm0, [ebx+8]\n hlt")
GUEST32(store_aligned, "movaps [ebx+8], xmm0\n hlt")
GUEST32(unaligned, "movups xmm0, [ebx+8]\n vpaddb xmm0, xmm0, [ebx+4]\n hlt")
static void legacy_operands_are_aligned(void **state)
{
	REFUSED(aligned, 0, 0, VEC_GP, WHY_SIMD_ALIGNMENT);
	REFUSED(store_aligned, 0, 0, VEC_GP, WHY_SIMD_ALIGNMENT);
	RUNS(unaligned, 0, 0);
}

GUEST32(crossing, "vmovups [ebx], ymm0\n hlt")
static void a_store_across_pages_is_whole_or_not(void **state)
{
	begin(0, 0);
	rig_paging(r);
	LOAD(r, RIG_CODE, crossing);
	rig_write32(r, 0x81000 + (DATA / PAGE + 1) * 4, 0);
	r->cpu.s.gpr.r64[RBX] = DATA + PAGE - 16;
	memset(&r->cpu.s.vec[0], 0xff, sizeof(r->cpu.s.vec[0]));
	cpu_state_changed(&r->cpu);
	assert_int_equal(rig_run(r, 20), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 0)->cr2, DATA + PAGE);
	assert_int_equal(rig_read64(r, DATA + PAGE - 16), 0);
}

/* Element 2 of the gather is missing: 0 and 1 are done. */
GUEST32(gathering, "vpgatherdd xmm0, [ebx+xmm1*4], xmm2\n hlt")
static void a_gather_keeps_what_it_has(void **state)
{
	struct arch_state *s = &r->cpu.s;

	begin(0, 0);
	rig_paging(r);
	LOAD(r, RIG_CODE, gathering);
	rig_write32(r, 0x81000 + (DATA / PAGE + 1) * 4, 0);
	rig_write32(r, DATA, 11);
	rig_write32(r, DATA + 4, 22);
	s->vec[1] = (union vec){.u32 = {0, 1, PAGE / 4, 2}};
	memset(&s->vec[2], 0xff, sizeof(s->vec[2]));
	s->vec[0] = (union vec){.u32 = {1, 2, 3, 4}};
	cpu_state_changed(&r->cpu);
	assert_int_equal(rig_run(r, 20), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	const uint32_t done[4] = {11, 22, 3, 4}, mask[4] = {0, 0, UINT32_MAX, UINT32_MAX};
	assert_memory_equal(&s->vec[0], done, 16);
	assert_memory_equal(&s->vec[2], mask, 16);
}

/* ---- MMX and the x87 ---- */

GUEST32(mmx_write, "movd mm3, ebx\n hlt")
GUEST32(emms, "emms\n hlt")
static void mmx_marks_all_registers_and_emms_none(void **state)
{
	struct fpu_state *f = &r->cpu.s.fpu;

	begin(0, 0);
	f->sw = 0x3800;
	LOAD(r, RIG_CODE, mmx_write);
	assert_runs();
	assert_int_equal(f->tw, 0);
	assert_int_equal(f->sw, 0);
	assert_int_equal(f->st[3].mantissa, DATA);
	assert_int_equal(f->st[3].sign_exponent, 0xffff);
	RUNS(emms, 0, 0);
	assert_int_equal(f->tw, 0xffff);
}

static void mmx_waits_for_x87_exceptions(void **state)
{
	begin(0, 0);
	r->cpu.s.fpu.cw = 0x0340;
	r->cpu.s.fpu.sw = 0x0001;
	cpu_state_changed(&r->cpu);
	LOAD(r, RIG_CODE, mmx);
	assert_refused(VEC_MF, WHY_X87_PENDING);
}

/* ---- MXCSR and XSAVE ---- */

GUEST32(ldmxcsr, "ldmxcsr [ebx]\n hlt")
static void reserved_bits_of_mxcsr_stay_0(void **state)
{
	begin(0, 0);
	rig_write32(r, DATA, 0x11f80);
	LOAD(r, RIG_CODE, ldmxcsr);
	assert_refused(VEC_GP, WHY_MXCSR_RESERVED);
}

GUEST32(xsave, "mov eax, 7\n xor edx, edx\n xsave [ebx]\n hlt")
GUEST32(xrstor, "mov eax, 7\n xor edx, edx\n xrstor [ebx]\n hlt")
static void xrstor_initializes_what_the_header_lacks(void **state)
{
	struct arch_state *s = &r->cpu.s;

	begin(0, 0);
	memset(&s->vec[1], 0x55, sizeof(s->vec[1]));
	LOAD(r, RIG_CODE, xsave);
	assert_runs();
	assert_int_equal(rig_read64(r, DATA + 512), XCR0_SSE | XCR0_AVX); /* x87: as FNINIT left it */
	assert_int_equal(rig_read64(r, DATA + 576 + 16), UINT64_C(0x5555555555555555));
	rig_write64(r, DATA + 512, XCR0_SSE);
	begin(0, 0);
	s->fpu.st[2].mantissa = 1;
	LOAD(r, RIG_CODE, xrstor);
	assert_runs();
	assert_int_equal(s->vec[1].u64[0], UINT64_C(0x5555555555555555));
	assert_int_equal(s->vec[1].u64[2], 0);
	assert_int_equal(s->fpu.st[2].mantissa, 0);
}

GUEST32(xsave_keys, "mov eax, 0x200\n xor edx, edx\n xsave [ebx]\n hlt")
GUEST32(xrstor_keys, "mov eax, 0x200\n xor edx, edx\n xrstor [ebx]\n hlt")
/* SDM 1, "PKRU State": component 9; its place is what CPUID says. */
static void pkru_is_component_9(void **state)
{
	struct arch_state *s = &r->cpu.s;

	begin(0, 0);
	s->xcr0 |= XCR0_PKRU;
	s->pkru = 0x5555aaaa;
	LOAD(r, RIG_CODE, xsave_keys);
	assert_runs();
	assert_int_equal(rig_read64(r, DATA + 512), XCR0_PKRU);
	assert_int_equal(rig_read32(r, DATA + XSAVE_AREA_PKRU), 0x5555aaaa);
	begin(0, 0);
	s->xcr0 |= XCR0_PKRU;
	s->pkru = 7;
	LOAD(r, RIG_CODE, xrstor_keys);
	assert_runs();
	assert_int_equal(s->pkru, 0x5555aaaa);
	rig_write64(r, DATA + 512, 0);
	begin(0, 0);
	s->xcr0 |= XCR0_PKRU;
	s->pkru = 7;
	LOAD(r, RIG_CODE, xrstor_keys);
	assert_runs();
	assert_int_equal(s->pkru, 0);
}

static void assert_last(enum vector vector, enum why why)
{
	assert_int_equal(rig_run(r, 20), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, vector);
	assert_int_equal(rig_last(r, 0)->why, why);
}

static void xrstor_checks_area_and_header(void **state)
{
	begin(0, 0);
	rig_write64(r, DATA + 512, 8);
	LOAD(r, RIG_CODE, xrstor);
	assert_last(VEC_GP, WHY_XSAVE_COMPONENT);
	for (unsigned at = 8; at < 24; at += 8) {
		begin(0, 0);
		rig_write64(r, DATA + 512, 0);
		rig_write64(r, DATA + 520, at == 8);
		rig_write64(r, DATA + 528, at == 16);
		assert_last(VEC_GP, WHY_XSAVE_HEADER);
	}
	begin(0, 0);
	r->cpu.s.gpr.r64[RBX] = DATA + 32;
	assert_last(VEC_GP, WHY_XSAVE_ALIGNMENT);
	begin(0, CR4_OSXSAVE);
	assert_last(VEC_UD, WHY_SIMD_OSXSAVE);
	begin(CR0_TS, 0);
	assert_last(VEC_NM, WHY_SIMD_TASK_SWITCHED);
}

GUEST32(xsetbv, "xsetbv\n hlt")
GUEST32(xgetbv, "xgetbv\n hlt")
static void set_xcr(uint32_t number, uint64_t value)
{
	begin(0, 0);
	r->cpu.s.gpr.r64[RCX] = number;
	r->cpu.s.gpr.r64[RAX] = (uint32_t)value;
	r->cpu.s.gpr.r64[RDX] = value >> 32;
	LOAD(r, RIG_CODE, xsetbv);
}
static void xcr0_has_values_it_cannot_have(void **state)
{
	static const uint64_t bad[] = {0, XCR0_SSE, XCR0_X87 | XCR0_AVX, 0xf, UINT64_C(1) << 63 | 1};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		set_xcr(0, bad[i]);
		assert_refused(VEC_GP, WHY_XCR0_VALUE);
	}
	set_xcr(1, 7);
	assert_refused(VEC_GP, WHY_XCR_NUMBER);
	set_xcr(0, XCR0_X87 | XCR0_SSE);
	assert_runs();
	assert_int_equal(r->cpu.s.xcr0, XCR0_X87 | XCR0_SSE);
	begin(0, 0);
	r->cpu.s.gpr.r64[RCX] = 1;
	LOAD(r, RIG_CODE, xgetbv);
	assert_refused(VEC_GP, WHY_XCR_NUMBER);
}

GUEST32(cpuids, "mov eax, 1\n cpuid\n mov esi, ecx\n mov eax, 0xd\n xor ecx, ecx\n cpuid\n hlt")
static void cpuid_follows_cr4_and_xcr0(void **state)
{
	const uint64_t *gpr = r->cpu.s.gpr.r64;

	RUNS(cpuids, 0, 0);
	assert_true(gpr[RSI] & F1C_OSXSAVE);
	assert_int_equal(gpr[RAX], XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_PKRU);
	assert_int_equal(gpr[RBX], XSAVE_AREA_AVX_END);
	assert_int_equal(gpr[RCX], XSAVE_AREA_END);
	begin(0, CR4_OSXSAVE);
	r->cpu.s.xcr0 = XCR0_X87 | XCR0_SSE;
	assert_runs();
	assert_false(gpr[RSI] & F1C_OSXSAVE);
	assert_int_equal(gpr[RBX], 576);
}

static void init_leaves_vectors_alone(void **state)
{
	struct arch_state *s = &r->cpu.s;

	begin(0, 0);
	s->vec[3].u64[1] = 5;
	s->mxcsr = 0x1fa0;
	cpu_reset(&r->cpu, true);
	assert_int_equal(s->vec[3].u64[1], 5);
	assert_int_equal(s->mxcsr, 0x1fa0);
	assert_int_equal(s->xcr0, 7);
	cpu_reset(&r->cpu, false);
	assert_int_equal(s->vec[3].u64[1], 0);
	assert_int_equal(s->mxcsr, MXCSR_RESET);
	assert_int_equal(s->xcr0, XCR0_X87);
}

/* ---- others ---- */

GUEST32(random, "rdrand eax\n rdrand ecx\n rdseed edx\n hlt")
static void random_numbers_differ_and_recur(void **state)
{
	uint64_t *gpr = r->cpu.s.gpr.r64, first[3];

	RUNS(random, 0, 0);
	memcpy(first, (uint64_t[]){gpr[RAX], gpr[RCX], gpr[RDX]}, sizeof(first));
	assert_int_not_equal(first[0], first[1]);
	assert_int_not_equal(first[1], first[2]);
	teardown(state);
	setup(state);
	r->cpu.plain = true;
	gpr = r->cpu.s.gpr.r64;
	RUNS(random, 0, 0);
	assert_int_equal(gpr[RAX], first[0]);
	assert_int_equal(gpr[RCX], first[1]);
	assert_int_equal(gpr[RDX], first[2]);
}

GUEST64(cmpxchg16b, "lock cmpxchg16b [rdi]\n hlt")
static void cmpxchg16b_is_aligned_and_compares(void **state)
{
	uint64_t *gpr = r->cpu.s.gpr.r64;

	rig_long64(r, 0);
	LOAD(r, RIG_CODE, cmpxchg16b);
	gpr[RDI] = DATA + 8;
	assert_refused(VEC_GP, WHY_SIMD_ALIGNMENT);
	for (unsigned equal = 0; equal < 2; equal++) {
		rig_long64(r, 0);
		rig_write64(r, DATA, 1);
		rig_write64(r, DATA + 8, 2);
		gpr[RDI] = DATA;
		gpr[RAX] = 1;
		gpr[RDX] = equal ? 2 : 9;
		gpr[RBX] = 3;
		gpr[RCX] = 4;
		assert_runs();
		assert_int_equal(!!(cpu_flags(&r->cpu) & FLAG_ZF), equal);
		assert_int_equal(rig_read64(r, DATA + 8), equal ? 4 : 2);
		assert_int_equal(gpr[RDX], 2);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(emulation_makes_mmx_and_sse_undefined),
		TEST(osfxsr_is_for_xmm_registers),
		TEST(avx_needs_osxsave_and_xcr0),
		TEST(a_task_switch_makes_them_unavailable),
		TEST(general_registers_are_always_there),
		TEST(cached_code_follows_cr0_ts),
		TEST(legacy_operands_are_aligned),
		TEST(a_store_across_pages_is_whole_or_not),
		TEST(a_gather_keeps_what_it_has),
		TEST(mmx_marks_all_registers_and_emms_none),
		TEST(mmx_waits_for_x87_exceptions),
		TEST(reserved_bits_of_mxcsr_stay_0),
		TEST(xrstor_initializes_what_the_header_lacks),
		TEST(xrstor_checks_area_and_header),
		TEST(pkru_is_component_9),
		TEST(xcr0_has_values_it_cannot_have),
		TEST(cpuid_follows_cr4_and_xcr0),
		TEST(init_leaves_vectors_alone),
		TEST(random_numbers_differ_and_recur),
		TEST(cmpxchg16b_is_aligned_and_compares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
