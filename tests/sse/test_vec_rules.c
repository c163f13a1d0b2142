/* Floating-point instructions on vectors, one rule a test: when #XM, #UD, #NM, #GP, #PF, #MF come and in which order,
 * what is left as it was, transitions to MMX operation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "cpu/flags.h"
#include "cpu/fp.h"
#include "cpu/sse_fp.h"
#include "cpu/x87.h"
#include "rig/guest.h"
#include "sse/vec_rig.h"

#define ONE         0x3f800000u
#define THIRD       0x3eaaaaabu
#define SNAN        0x7fa00000u
#define QNAN        0x7fc00000u
#define LARGEST     0x7f7fffffu
#define MASKED      SSE_DEFAULT
#define UNMASKED(x) (SSE_DEFAULT & ~((uint32_t)(x) << SSE_MASK_SHIFT))

static struct rig *r;
static uint64_t seen;

static struct arch_state *s(void)
{
	return &r->cpu.s;
}

static int setup(void **state)
{
	r = vec_rig_new(false);
	x87_init(&s()->fpu);
	s()->mxcsr = MASKED;
	s()->gpr.r64[RDX] = VEC_RIG_DATA;
	memset(s()->vec, 0x55, sizeof(s()->vec));
	seen = r->trace.deliveries;
	return 0;
}
static int teardown(void **state)
{
	rig_free(r);
	return 0;
}

static void all_single(unsigned i, uint32_t v)
{
	for (unsigned k = 0; k < 8; k++)
		s()->vec[i].u32[k] = v;
}
static void memory_single(uint32_t at, uint32_t v)
{
	for (unsigned k = 0; k < 8; k++)
		rig_write32(r, at + 4 * k, v);
}

/* One instruction, whose bytes lie at RIG_CODE. */
static void run(void)
{
	cpu_state_changed(&r->cpu);
	s()->rip = RIG_CODE;
	rig_run(r, 1);
}
static void succeeds(void)
{
	run();
	assert_int_equal(r->trace.deliveries, seen);
}
static void faults(unsigned vector, enum why why)
{
	run();
	assert_int_equal(r->trace.deliveries, seen + 1);
	assert_int_equal(rig_last(r, 0)->vector, vector);
	assert_int_equal(rig_last(r, 0)->why, why);
	assert_int_equal(rig_last(r, 0)->from.rip, RIG_CODE);
}
#define RUNS(name) LOAD(r, RIG_CODE, name)

GUEST32(addps, "addps xmm0, xmm1")
GUEST32(addps_m, "addps xmm0, [edx]")
GUEST32(vaddps, "vaddps xmm0, xmm1, xmm2")
GUEST32(vaddps_m, "vaddps xmm0, xmm1, [edx]")
GUEST32(vaddps_ymm, "vaddps ymm0, ymm1, ymm2")
GUEST32(addss_m, "addss xmm0, [edx]")
GUEST32(divps, "divps xmm0, xmm1")
GUEST32(comiss, "comiss xmm0, xmm1")
GUEST32(cvtss2si, "cvtss2si ecx, xmm1")
GUEST32(rcpps, "rcpps xmm0, xmm1")
GUEST32(rsqrtss, "rsqrtss xmm0, xmm1")
GUEST32(vrcpss, "vrcpss xmm0, xmm1, xmm2")
GUEST32(vrsqrtps, "vrsqrtps ymm0, ymm1")
GUEST32(cvtps2ph_m, "vcvtps2ph [edx], xmm1, 0")
GUEST32(cvtpi2ps, "cvtpi2ps xmm0, mm1")
GUEST32(cvtpi2ps_m, "cvtpi2ps xmm0, [edx]")
GUEST32(cvtpi2pd, "cvtpi2pd xmm0, mm1")
GUEST32(cvtpi2pd_m, "cvtpi2pd xmm0, [edx]")
GUEST32(cvtps2pi, "cvtps2pi mm0, xmm1")
GUEST32(cvtpd2pi_m, "cvtpd2pi mm0, xmmword ptr [edx]")
GUEST32(cvtps2pi_m, "cvtps2pi mm0, qword ptr [edx]")
GUEST32(dpps, "dpps xmm0, xmm1, 0xff")
GUEST32(vfmadd, "vfmadd213ps xmm0, xmm1, xmm2")

/* ---- exceptions found by the arithmetic ---- */

static void unmasked_exception_is_xm(void **state)
{
	RUNS(addps);
	all_single(0, ONE);
	all_single(1, SNAN);
	s()->mxcsr = UNMASKED(FP_IE);
	faults(VEC_XM, WHY_SIMD_EXCEPTION);
	assert_int_equal(s()->mxcsr, UNMASKED(FP_IE) | FP_IE);
	assert_int_equal(s()->vec[0].u32[0], ONE);
}

static void without_osxmmexcpt_it_is_ud(void **state)
{
	RUNS(addps);
	all_single(0, SNAN);
	s()->mxcsr = UNMASKED(FP_IE);
	s()->cr4 &= ~(uint64_t)CR4_OSXMMEXCPT;
	faults(VEC_UD, WHY_SIMD_OSXMMEXCPT);
	assert_int_equal(s()->mxcsr, UNMASKED(FP_IE) | FP_IE);
}

static void flag_that_is_set_already_raises_nothing(void **state)
{
	RUNS(addps);
	all_single(0, ONE);
	all_single(1, ONE);
	s()->mxcsr = UNMASKED(FP_IE) | FP_IE;
	succeeds();
	assert_int_equal(s()->vec[0].u32[3], 0x40000000);
}

static void one_element_keeps_all_from_being_written(void **state)
{
	RUNS(divps);
	all_single(0, ONE);
	all_single(1, ONE);
	s()->vec[1].u32[3] = 0;
	s()->mxcsr = UNMASKED(FP_ZE);
	faults(VEC_XM, WHY_SIMD_EXCEPTION);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(s()->vec[0].u32[i], ONE);
}

static void unmasked_before_computing_hides_what_is_found_after(void **state)
{
	RUNS(divps);
	all_single(0, ONE);
	all_single(1, 0x40400000); /* 1 / 3 is inexact */
	s()->vec[1].u32[3] = 0;
	s()->mxcsr = UNMASKED(FP_ZE);
	faults(VEC_XM, WHY_SIMD_EXCEPTION);
	assert_int_equal(s()->mxcsr & FP_EXCEPTIONS, FP_ZE);
}

static void masked_exceptions_are_gathered(void **state)
{
	RUNS(divps);
	all_single(0, ONE);
	all_single(1, 0x40400000);
	s()->vec[1].u32[1] = SNAN;
	s()->vec[1].u32[3] = 0;
	succeeds();
	assert_int_equal(s()->mxcsr & FP_EXCEPTIONS, FP_ZE | FP_PE | FP_IE);
	assert_int_equal(s()->vec[0].u32[0], THIRD);
	assert_int_equal(s()->vec[0].u32[1], SNAN | 0x400000);
	assert_int_equal(s()->vec[0].u32[3], 0x7f800000);
}

static void comiss_leaves_eflags_when_unmasked(void **state)
{
	RUNS(comiss);
	all_single(1, QNAN);
	s()->rflags |= FLAG_SF | FLAG_OF;
	s()->mxcsr = UNMASKED(FP_IE);
	faults(VEC_XM, WHY_SIMD_EXCEPTION);
	assert_int_equal(flags_status(&r->cpu.f), FLAG_SF | FLAG_OF);
}

static void comiss_clears_of_sf_af(void **state)
{
	RUNS(comiss);
	all_single(0, ONE);
	all_single(1, ONE);
	s()->rflags |= FLAG_SF | FLAG_OF | FLAG_AF | FLAG_CF;
	succeeds();
	assert_int_equal(flags_status(&r->cpu.f), FLAG_ZF);
}

static void conversion_leaves_the_register_when_unmasked(void **state)
{
	RUNS(cvtss2si);
	all_single(1, LARGEST);
	s()->gpr.r64[RCX] = 0x1234;
	s()->mxcsr = UNMASKED(FP_IE);
	faults(VEC_XM, WHY_SIMD_EXCEPTION);
	assert_int_equal(s()->gpr.r64[RCX], 0x1234);
}

/* SDM 2, "DPPS": an exception of a product keeps the sums from being made. */
static void dpps_stops_at_the_first_step(void **state)
{
	RUNS(dpps);
	all_single(0, LARGEST);
	all_single(1, LARGEST);
	s()->vec[1].u32[1] = 0xff7fffff; /* products are infinities of both signs */
	succeeds();
	assert_int_equal(s()->mxcsr & FP_EXCEPTIONS, FP_OE | FP_PE | FP_IE);
	s()->mxcsr = UNMASKED(FP_OE);
	all_single(0, LARGEST);
	faults(VEC_XM, WHY_SIMD_EXCEPTION);
	assert_int_equal(s()->mxcsr & FP_EXCEPTIONS, FP_OE | FP_PE);
}

/* ---- memory ---- */

static void legacy_operand_is_aligned_on_16(void **state)
{
	RUNS(addps_m);
	s()->gpr.r64[RDX]++;
	faults(VEC_GP, WHY_SIMD_ALIGNMENT);
	assert_true(rig_last(r, 0)->has_error);
	assert_int_equal(rig_last(r, 0)->error, 0);
}

static void vex_operand_need_not_be_aligned(void **state)
{
	RUNS(vaddps_m);
	s()->gpr.r64[RDX] += 3;
	memory_single(VEC_RIG_DATA + 3, ONE);
	all_single(1, ONE);
	succeeds();
	assert_int_equal(s()->vec[0].u32[3], 0x40000000);
}

static void scalar_operand_need_not_be_aligned(void **state)
{
	RUNS(addss_m);
	s()->gpr.r64[RDX] += 1;
	rig_write32(r, VEC_RIG_DATA + 1, ONE);
	all_single(0, ONE);
	succeeds();
	assert_int_equal(s()->vec[0].u32[0], 0x40000000);
	assert_int_equal(s()->vec[0].u32[1], ONE);
}

static void cvtpd2pi_operand_is_aligned_on_16(void **state)
{
	RUNS(cvtpd2pi_m);
	s()->gpr.r64[RDX] += 8;
	faults(VEC_GP, WHY_SIMD_ALIGNMENT);
}

static void cvtps2pi_operand_need_not_be_aligned(void **state)
{
	RUNS(cvtps2pi_m);
	s()->gpr.r64[RDX] += 1;
	memory_single(VEC_RIG_DATA + 1, ONE);
	succeeds();
	assert_int_equal(s()->fpu.st[0].mantissa, UINT64_C(0x100000001));
}

/* The segment ends below the data. */
static void short_segment(void)
{
	s()->seg[SEG_DS].limit = VEC_RIG_DATA - 1;
}

static void memory_fault_comes_before_arithmetic(void **state)
{
	RUNS(addps_m);
	all_single(0, SNAN);
	s()->mxcsr = UNMASKED(FP_IE);
	short_segment();
	faults(VEC_GP, WHY_SEG_LIMIT);
	assert_int_equal(s()->mxcsr, UNMASKED(FP_IE));
}

static void vcvtps2ph_store_fault_leaves_mxcsr(void **state)
{
	RUNS(cvtps2ph_m);
	all_single(1, THIRD);
	short_segment();
	faults(VEC_GP, WHY_SEG_LIMIT);
	assert_int_equal(s()->mxcsr, MASKED);
}

static void vcvtps2ph_store_fault_comes_before_xm(void **state)
{
	RUNS(cvtps2ph_m);
	all_single(1, SNAN);
	s()->mxcsr = UNMASKED(FP_IE);
	short_segment();
	faults(VEC_GP, WHY_SEG_LIMIT);
	assert_int_equal(s()->mxcsr, UNMASKED(FP_IE));
}

static void vcvtps2ph_stores_nothing_with_xm(void **state)
{
	RUNS(cvtps2ph_m);
	all_single(1, SNAN);
	memory_single(VEC_RIG_DATA, 0x12345678);
	s()->mxcsr = UNMASKED(FP_IE);
	faults(VEC_XM, WHY_SIMD_EXCEPTION);
	assert_int_equal(rig_read32(r, VEC_RIG_DATA), 0x12345678);
}

/* ---- the rest of the registers ---- */

static void legacy_form_keeps_the_upper_lane(void **state)
{
	RUNS(addps);
	succeeds();
	assert_int_equal(s()->vec[0].u64[3], UINT64_C(0x5555555555555555));
}

static void vex128_form_clears_the_upper_lane(void **state)
{
	RUNS(vaddps);
	succeeds();
	assert_int_equal(s()->vec[0].u64[2] | s()->vec[0].u64[3], 0);
}

static void vex256_form_computes_both_lanes(void **state)
{
	RUNS(vaddps_ymm);
	all_single(1, ONE);
	all_single(2, ONE);
	succeeds();
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(s()->vec[0].u32[i], 0x40000000);
}

/* ---- approximations: sse_fp.h's in each element, nothing reported ---- */

static void approximations_of_each_element(void **state)
{
	RUNS(rcpps);
	for (unsigned i = 0; i < 8; i++)
		s()->vec[1].u32[i] = ONE + i * 0x111111;
	succeeds();
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(s()->vec[0].u32[i], sse_rcp(ONE + i * 0x111111));
	RUNS(vrsqrtps);
	succeeds();
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(s()->vec[0].u32[i], sse_rsqrt(ONE + i * 0x111111));
}

static void approximations_of_scalars(void **state)
{
	RUNS(rsqrtss);
	all_single(0, THIRD);
	all_single(1, 0x40800000);
	succeeds();
	assert_int_equal(s()->vec[0].u32[0], sse_rsqrt(0x40800000));
	assert_int_equal(s()->vec[0].u32[1], THIRD);
	RUNS(vrcpss);
	all_single(1, ONE);
	all_single(2, 0x40800000);
	succeeds();
	assert_int_equal(s()->vec[0].u32[0], sse_rcp(0x40800000));
	assert_int_equal(s()->vec[0].u32[1], ONE);
}

static void approximations_report_nothing(void **state)
{
	RUNS(rcpps);
	all_single(1, SNAN);
	s()->vec[1].u32[1] = 0;
	s()->vec[1].u32[2] = 1;
	s()->mxcsr = UNMASKED(FP_EXCEPTIONS);
	succeeds();
	assert_int_equal(s()->mxcsr, UNMASKED(FP_EXCEPTIONS));
}

/* ---- may the instruction run? ---- */

static void cr0_ts_is_nm(void **state)
{
	RUNS(addps);
	s()->cr0 |= CR0_TS;
	faults(VEC_NM, WHY_SIMD_TASK_SWITCHED);
}

static void cr0_em_is_ud_before_nm(void **state)
{
	RUNS(addps);
	s()->cr0 |= CR0_TS | CR0_EM;
	faults(VEC_UD, WHY_SIMD_EMULATED);
}

static void osfxsr_clear_is_ud(void **state)
{
	RUNS(cvtss2si);
	s()->cr4 &= ~(uint64_t)CR4_OSFXSR;
	faults(VEC_UD, WHY_SIMD_OSFXSR);
}

static void fma_wants_osxsave(void **state)
{
	RUNS(vfmadd);
	s()->cr4 &= ~(uint64_t)CR4_OSXSAVE;
	faults(VEC_UD, WHY_SIMD_OSXSAVE);
}

static void fma_wants_avx_state(void **state)
{
	RUNS(vfmadd);
	s()->xcr0 = XCR0_X87 | XCR0_SSE;
	faults(VEC_UD, WHY_SIMD_XCR0);
}

/* ---- MMX registers ---- */

static void top_is_5(void)
{
	s()->fpu.sw = 5 << FP_TOP_SHIFT;
	s()->fpu.tw = 0xffff;
}
static void assert_transition(bool happened)
{
	assert_int_equal(s()->fpu.sw & FP_TOP, happened ? 0 : 5 << FP_TOP_SHIFT);
	assert_int_equal(s()->fpu.tw, happened ? 0 : 0xffff);
}

static void cvtpi2ps_begins_mmx_operation(void **state)
{
	RUNS(cvtpi2ps);
	top_is_5();
	succeeds();
	assert_transition(true);
	assert_int_equal(s()->vec[0].u64[1], UINT64_C(0x5555555555555555));
}

static void cvtpi2ps_with_memory_begins_it_too(void **state)
{
	RUNS(cvtpi2ps_m);
	top_is_5();
	succeeds();
	assert_transition(true);
}

static void cvtpi2pd_begins_mmx_operation(void **state)
{
	RUNS(cvtpi2pd);
	top_is_5();
	succeeds();
	assert_transition(true);
}

static void cvtpi2pd_with_memory_does_not(void **state)
{
	RUNS(cvtpi2pd_m);
	top_is_5();
	succeeds();
	assert_transition(false);
}

static void cvtps2pi_begins_mmx_operation(void **state)
{
	RUNS(cvtps2pi);
	all_single(1, ONE);
	top_is_5();
	succeeds();
	assert_transition(true);
	assert_int_equal(s()->fpu.st[0].sign_exponent, 0xffff);
}

static void x87_pending(void)
{
	s()->fpu.cw = 0x0340;
	s()->fpu.sw = FP_ZE | FP_ES | FP_B;
}

static void pending_x87_exception_is_mf_first(void **state)
{
	RUNS(cvtps2pi);
	all_single(1, SNAN);
	s()->mxcsr = UNMASKED(FP_IE);
	x87_pending();
	faults(VEC_MF, WHY_X87_PENDING);
	assert_int_equal(s()->mxcsr, UNMASKED(FP_IE));
}

static void cvtpi2pd_with_memory_takes_no_x87_exception(void **state)
{
	RUNS(cvtpi2pd_m);
	x87_pending();
	succeeds();
}

/* ---- FISTTP (SSE3) ---- */

GUEST32(fisttp16, "fisttp word ptr [edx]")
GUEST32(fisttp32, "fisttp dword ptr [edx]")
GUEST32(fisttp64, "fisttp qword ptr [edx]")

/* ST(0), and how to round what else there is. */
static void x87_holds(struct fp80 v, enum fp_rounding rc)
{
	x87_init(&s()->fpu);
	s()->fpu.cw = (uint16_t)(0x037f | (unsigned)rc << FP_RC_SHIFT);
	x87_move_top(&s()->fpu, 7);
	x87_set_st(&s()->fpu, 0, v);
	rig_write64(r, VEC_RIG_DATA, 0);
}

static void fisttp_truncates_whatever_rc_says(void **state)
{
	RUNS(fisttp32);
	for (unsigned rc = 0; rc < 4; rc++) {
		x87_holds((struct fp80){UINT64_C(0xf000000000000000), 0xc001}, (enum fp_rounding)rc); /* -7.5 */
		succeeds();
		assert_int_equal((int32_t)rig_read32(r, VEC_RIG_DATA), -7);
		assert_int_equal(s()->fpu.sw & (FP_EXCEPTIONS | FP_C1 | FP_TOP), FP_PE);
		assert_true(x87_empty(&s()->fpu, 7));
	}
}

static void fisttp_stores_16_and_64_bits(void **state)
{
	const struct fp80 v = {UINT64_C(0x9502f90000000001), 0x401f}; /* 5000000000 and a bit */

	RUNS(fisttp64);
	x87_holds(v, FP_UP);
	succeeds();
	assert_int_equal(rig_read64(r, VEC_RIG_DATA), 5000000000);
	RUNS(fisttp16);
	x87_holds(v, FP_UP);
	succeeds();
	assert_int_equal(rig_read64(r, VEC_RIG_DATA), 0x8000);
	assert_int_equal(s()->fpu.sw & FP_EXCEPTIONS, FP_IE);
}

static void fisttp_of_an_empty_register_is_a_stack_fault(void **state)
{
	RUNS(fisttp32);
	x87_init(&s()->fpu);
	succeeds();
	assert_int_equal(rig_read32(r, VEC_RIG_DATA), 0x80000000u);
	assert_int_equal(s()->fpu.sw & (FP_EXCEPTIONS | FP_SF | FP_C1), FP_IE | FP_SF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unmasked_exception_is_xm),
		TEST(without_osxmmexcpt_it_is_ud),
		TEST(flag_that_is_set_already_raises_nothing),
		TEST(one_element_keeps_all_from_being_written),
		TEST(unmasked_before_computing_hides_what_is_found_after),
		TEST(masked_exceptions_are_gathered),
		TEST(comiss_leaves_eflags_when_unmasked),
		TEST(comiss_clears_of_sf_af),
		TEST(conversion_leaves_the_register_when_unmasked),
		TEST(dpps_stops_at_the_first_step),
		TEST(legacy_operand_is_aligned_on_16),
		TEST(vex_operand_need_not_be_aligned),
		TEST(scalar_operand_need_not_be_aligned),
		TEST(cvtpd2pi_operand_is_aligned_on_16),
		TEST(cvtps2pi_operand_need_not_be_aligned),
		TEST(memory_fault_comes_before_arithmetic),
		TEST(vcvtps2ph_store_fault_leaves_mxcsr),
		TEST(vcvtps2ph_store_fault_comes_before_xm),
		TEST(vcvtps2ph_stores_nothing_with_xm),
		TEST(legacy_form_keeps_the_upper_lane),
		TEST(vex128_form_clears_the_upper_lane),
		TEST(vex256_form_computes_both_lanes),
		TEST(approximations_of_each_element),
		TEST(approximations_of_scalars),
		TEST(approximations_report_nothing),
		TEST(cr0_ts_is_nm),
		TEST(cr0_em_is_ud_before_nm),
		TEST(osfxsr_clear_is_ud),
		TEST(fma_wants_osxsave),
		TEST(fma_wants_avx_state),
		TEST(cvtpi2ps_begins_mmx_operation),
		TEST(cvtpi2ps_with_memory_begins_it_too),
		TEST(cvtpi2pd_begins_mmx_operation),
		TEST(cvtpi2pd_with_memory_does_not),
		TEST(cvtps2pi_begins_mmx_operation),
		TEST(pending_x87_exception_is_mf_first),
		TEST(cvtpi2pd_with_memory_takes_no_x87_exception),
		TEST(fisttp_truncates_whatever_rc_says),
		TEST(fisttp_stores_16_and_64_bits),
		TEST(fisttp_of_an_empty_register_is_a_stack_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
