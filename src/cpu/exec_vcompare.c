/* Comparisons of floating-point numbers in vector registers. */
#include "cpu/vec_fp.h"

/* CMPPS and its sisters: ones where the predicate holds.  Behind a VEX prefix it has 5 bits, else 3. */
#define FP_COMPARE(suffix, LANE, layout, type, bits)                                                                   \
	LANE(cmp##suffix##_##bits, -(type)sse_compare(layout, a, b, imm &((1u << (bits)) - 1), e))
FP_COMPARE(ps, FP_LANE_PS, &fp_single, uint32_t, 3)
FP_COMPARE(ps, FP_LANE_PS, &fp_single, uint32_t, 5)
FP_COMPARE(pd, FP_LANE_PD, &fp_double, uint64_t, 3)
FP_COMPARE(pd, FP_LANE_PD, &fp_double, uint64_t, 5)
FP_COMPARE(ss, FP_ELEMENT_SS, &fp_single, uint32_t, 3)
FP_COMPARE(ss, FP_ELEMENT_SS, &fp_single, uint32_t, 5)
FP_COMPARE(sd, FP_ELEMENT_SD, &fp_double, uint64_t, 3)
FP_COMPARE(sd, FP_ELEMENT_SD, &fp_double, uint64_t, 5)

#define FP_COMPARE_PACKED(name)                                                                                        \
	FP_SSE_HANDLERS(name, lane_##name##_3)                                                                         \
	FP_AVX_HANDLERS(name, lane_##name##_5)                                                                         \
	FP_BINARY_SET(name)
FP_COMPARE_PACKED(cmpps)
FP_COMPARE_PACKED(cmppd)
FP_SCALAR(cmpss, 4, 4, element_cmpss_3, element_cmpss_5)
FP_SCALAR(cmpsd, 8, 8, element_cmpsd_3, element_cmpsd_5)

/* COMISS, UCOMISS: ZF, PF, CF; OF, SF, AF are cleared.  An unmasked exception leaves EFLAGS (SDM 2, "COMISS"). */
VEC_INLINE bool comi(struct cpu *cpu, const struct uop *u, struct rd y, unsigned bytes, bool quiet)
{
	uint64_t x = fp_low(cpu, u->dst, bytes).v;
	struct sse_env e = fp_env(cpu);
	uint32_t flags;

	if (UNLIKELY(!y.ok))
		return false;
	flags = bytes == 4 ? sse_compare_flags_f32((uint32_t)x, (uint32_t)y.v, quiet, &e)
			   : sse_compare_flags_f64(x, y.v, quiet, &e);
	if (UNLIKELY(!fp_done(cpu, &e)))
		return false;
	flags_load(&cpu->f, flags);
	return true;
}
#define FP_COMI(name, bytes, quiet)                                                                                    \
	THEN_NEXT(name##_rr, comi(cpu, u, fp_low(cpu, u->src, bytes), bytes, quiet))                                   \
	THEN_NEXT(name##_rm, comi(cpu, u, mem_read(cpu, u, bytes), bytes, quiet))                                      \
	const struct exec exec_##name = {                                                                              \
		{[FORM_RR] = {0, name##_rr, name##_rr, 0}, [FORM_RM] = {0, name##_rm, name##_rm, 0}}};
FP_COMI(comiss, 4, false)
FP_COMI(comisd, 8, false)
FP_COMI(ucomiss, 4, true)
FP_COMI(ucomisd, 8, true)
