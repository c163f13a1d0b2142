/* Floating-point arithmetic on vectors: SSE, SSE2, SSE3, SSE4.1 and their AVX forms. */
#include "cpu/vec_fp.h"

/* exec_<name>ps, pd, ss, sd.  single and double: expressions of a and b. */
#define FP_FOUR_BINARY(name, single, double_)                                                                          \
	FP_LANE_PS(name##ps, single)                                                                                   \
	FP_LANE_PD(name##pd, double_)                                                                                  \
	FP_ELEMENT_SS(name##ss, single)                                                                                \
	FP_ELEMENT_SD(name##sd, double_)                                                                               \
	FP_BINARY(name##ps, lane_##name##ps)                                                                           \
	FP_BINARY(name##pd, lane_##name##pd)                                                                           \
	FP_SCALAR(name##ss, 4, 4, element_##name##ss, element_##name##ss)                                              \
	FP_SCALAR(name##sd, 8, 8, element_##name##sd, element_##name##sd)
FP_FOUR_BINARY(add, sse_add_f32(a, b, e), sse_add_f64(a, b, e))
FP_FOUR_BINARY(sub, sse_sub_f32(a, b, e), sse_sub_f64(a, b, e))
FP_FOUR_BINARY(mul, sse_mul_f32(a, b, e), sse_mul_f64(a, b, e))
FP_FOUR_BINARY(div, sse_div_f32(a, b, e), sse_div_f64(a, b, e))
FP_FOUR_BINARY(min, sse_min_f32(a, b, e), sse_min_f64(a, b, e))
FP_FOUR_BINARY(max, sse_max_f32(a, b, e), sse_max_f64(a, b, e))

/* Of one operand: packed forms have two operands behind a VEX prefix, scalar forms three. */
#define FP_FOUR_UNARY(name, single, double_)                                                                           \
	FP_LANE_PS(name##ps, single)                                                                                   \
	FP_LANE_PD(name##pd, double_)                                                                                  \
	FP_ELEMENT_SS(name##ss, single)                                                                                \
	FP_ELEMENT_SD(name##sd, double_)                                                                               \
	FP_UNARY(name##ps, lane_##name##ps)                                                                            \
	FP_UNARY(name##pd, lane_##name##pd)                                                                            \
	FP_SCALAR(name##ss, 4, 4, element_##name##ss, element_##name##ss)                                              \
	FP_SCALAR(name##sd, 8, 8, element_##name##sd, element_##name##sd)
FP_FOUR_UNARY(sqrt, sse_sqrt_f32(b, e), sse_sqrt_f64(b, e))
FP_FOUR_UNARY(round, sse_round(&fp_single, b, imm, e), sse_round(&fp_double, b, imm, e))

#define FP_APPROXIMATION(name, single)                                                                                 \
	FP_LANE_PS(name##ps, single)                                                                                   \
	FP_ELEMENT_SS(name##ss, single)                                                                                \
	FP_UNARY(name##ps, lane_##name##ps)                                                                            \
	FP_SCALAR(name##ss, 4, 4, element_##name##ss, element_##name##ss)
FP_APPROXIMATION(rcp, sse_rcp(b))
FP_APPROXIMATION(rsqrt, sse_rsqrt(b))

/* ADDSUBPS subtracts the even elements, adds the odd ones. */
FP_LANE_PS(addsubps, i & 1 ? sse_add_f32(a, b, e) : sse_sub_f32(a, b, e))
FP_LANE_PD(addsubpd, i & 1 ? sse_add_f64(a, b, e) : sse_sub_f64(a, b, e))
FP_BINARY(addsubps, lane_addsubps)
FP_BINARY(addsubpd, lane_addsubpd)

/* HADDPS: neighbours of the first operand are the lower half of the result, those of the second the upper one. */
#define FP_PAIR(op, size, of, i, e) sse_##op##_f##size((of)->u##size[i], (of)->u##size[(i) + 1], e)
#define FP_HORIZONTAL(name, op)                                                                                        \
	VEC_INLINE union xmm lane_##name##ps(const union xmm *x, const union xmm *y, unsigned imm, struct sse_env *e)  \
	{                                                                                                              \
		return (union xmm){.u32 = {FP_PAIR(op, 32, x, 0, e), FP_PAIR(op, 32, x, 2, e),                         \
					   FP_PAIR(op, 32, y, 0, e), FP_PAIR(op, 32, y, 2, e)}};                       \
	}                                                                                                              \
	VEC_INLINE union xmm lane_##name##pd(const union xmm *x, const union xmm *y, unsigned imm, struct sse_env *e)  \
	{                                                                                                              \
		return (union xmm){.u64 = {FP_PAIR(op, 64, x, 0, e), FP_PAIR(op, 64, y, 0, e)}};                       \
	}                                                                                                              \
	FP_BINARY(name##ps, lane_##name##ps)                                                                           \
	FP_BINARY(name##pd, lane_##name##pd)
FP_HORIZONTAL(hadd, add)
FP_HORIZONTAL(hsub, sub)

/* DPPS, DPPD: bits 7:4 of the immediate say which products count, the others are +0; bits 3:0 where the sum goes.
 * "Exceptions are determined separately for each add and multiply operation" (SDM 2, "DPPS"): with an unmasked one
 * those after it are not made. */
static union xmm lane_dpps(const union xmm *x, const union xmm *y, unsigned imm, struct sse_env *e)
{
	uint32_t p[4], sum;
	union xmm r;

	for (unsigned i = 0; i < 4; i++)
		p[i] = imm >> i & 0x10 ? sse_mul_f32(x->u32[i], y->u32[i], e) : 0;
	if (!sse_unmasked(e)) {
		p[0] = sse_add_f32(p[0], p[1], e);
		p[2] = sse_add_f32(p[2], p[3], e);
	}
	sum = sse_unmasked(e) ? 0 : sse_add_f32(p[0], p[2], e);
	for (unsigned i = 0; i < 4; i++)
		r.u32[i] = imm >> i & 1 ? sum : 0;
	return r;
}
static union xmm lane_dppd(const union xmm *x, const union xmm *y, unsigned imm, struct sse_env *e)
{
	uint64_t p[2], sum;

	for (unsigned i = 0; i < 2; i++)
		p[i] = imm >> i & 0x10 ? sse_mul_f64(x->u64[i], y->u64[i], e) : 0;
	sum = sse_unmasked(e) ? 0 : sse_add_f64(p[0], p[1], e);
	return (union xmm){.u64 = {imm & 1 ? sum : 0, imm & 2 ? sum : 0}};
}
FP_BINARY(dpps, lane_dpps)
FP_BINARY(dppd, lane_dppd)
