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
 * "Exceptions are determined separately for each add and multiply operation, in the order of their execution" (SDM 2,
 * "DPPS"): a step is the same operation in all lanes, and nothing follows a step that finds an unmasked exception.
 * step: its exceptions go from e to *found.  False: one is unmasked. */
static bool step(struct sse_env *e, uint32_t *found)
{
	bool masked = sse_settle(e);

	*found |= e->flags;
	e->flags = 0;
	return masked;
}
static bool dot_single(union vec *r, const union vec *x, const union vec *y, unsigned lanes, unsigned imm,
		       struct sse_env *e, uint32_t *found)
{
	union vec p;

	for (unsigned i = 0; i < 4 * lanes; i++)
		p.u32[i] = imm >> (i & 3) & 0x10 ? sse_mul_f32(x->u32[i], y->u32[i], e) : 0;
	if (!step(e, found))
		return false;
	for (unsigned i = 0; i < 4 * lanes; i += 2)
		p.u32[i] = sse_add_f32(p.u32[i], p.u32[i + 1], e);
	if (!step(e, found))
		return false;
	for (unsigned i = 0; i < 4 * lanes; i += 4)
		p.u32[i] = sse_add_f32(p.u32[i], p.u32[i + 2], e);
	for (unsigned i = 0; i < 4 * lanes; i++)
		r->u32[i] = imm >> (i & 3) & 1 ? p.u32[i & 4] : 0;
	return step(e, found);
}
static bool dot_double(union vec *r, const union vec *x, const union vec *y, unsigned imm, struct sse_env *e,
		       uint32_t *found)
{
	uint64_t p[2], sum;

	for (unsigned i = 0; i < 2; i++)
		p[i] = imm >> i & 0x10 ? sse_mul_f64(x->u64[i], y->u64[i], e) : 0;
	if (!step(e, found))
		return false;
	sum = sse_add_f64(p[0], p[1], e);
	r->u64[0] = imm & 1 ? sum : 0;
	r->u64[1] = imm & 2 ? sum : 0;
	return step(e, found);
}

/* lanes 0: without a VEX prefix. */
static bool dot(struct cpu *cpu, const struct uop *u, const union vec *y, unsigned bytes, unsigned lanes)
{
	const union vec *x = &cpu->s.vec[lanes ? uop_second(u) : u->dst];
	union vec r = {.u64 = {0, 0, 0, 0}};
	struct sse_env e = fp_env(cpu);
	uint32_t found = 0;
	bool masked = bytes == 4 ? dot_single(&r, x, y, lanes ? lanes : 1, (uint8_t)u->imm, &e, &found)
				 : dot_double(&r, x, y, (uint8_t)u->imm, &e, &found);

	if (UNLIKELY(!fp_record(cpu, found, masked)))
		return false;
	if (lanes)
		cpu->s.vec[u->dst] = r;
	else
		*xmm(cpu, u->dst) = r.lane[0];
	return true;
}
static bool dot_memory(struct cpu *cpu, const struct uop *u, unsigned bytes, unsigned lanes)
{
	union vec m;

	return vec_load(cpu, u, lanes ? 16 * lanes : 16, lanes ? 1 : 16, &m) && dot(cpu, u, &m, bytes, lanes);
}
#define FP_DOT(name, bytes)                                                                                            \
	THEN_NEXT(name##_sse_rr, dot(cpu, u, &cpu->s.vec[u->src], bytes, 0))                                           \
	THEN_NEXT(name##_sse_rm, dot_memory(cpu, u, bytes, 0))                                                         \
	THEN_NEXT(name##_avx128_r, dot(cpu, u, &cpu->s.vec[u->src], bytes, 1))                                         \
	THEN_NEXT(name##_avx128_m, dot_memory(cpu, u, bytes, 1))
FP_DOT(dpps, 4)
FP_DOT(dppd, 8)
THEN_NEXT(dpps_avx256_r, dot(cpu, u, &cpu->s.vec[u->src], 4, 2))
THEN_NEXT(dpps_avx256_m, dot_memory(cpu, u, 4, 2))
const struct exec exec_dpps = {{[FORM_RRI] = {0, dpps_sse_rr, 0, 0},
				[FORM_RMI] = {0, dpps_sse_rm, 0, 0},
				[FORM_RRR] = {0, 0, dpps_avx128_r, dpps_avx256_r},
				[FORM_RRM] = {0, 0, dpps_avx128_m, dpps_avx256_m}}};
const struct exec exec_dppd = {{[FORM_RRI] = {0, dppd_sse_rr, 0, 0},
				[FORM_RMI] = {0, dppd_sse_rm, 0, 0},
				[FORM_RRR] = {0, 0, dppd_avx128_r, 0},
				[FORM_RRM] = {0, 0, dppd_avx128_m, 0}}};
