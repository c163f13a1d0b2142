/* Handlers of floating-point instructions on vectors, made of what the instruction does with one lane or one element
 * (vec.h has the lanes; sse_fp.h the elements).
 *
 * Memory is read before anything is computed; exceptions of all elements are gathered; only if none is unmasked the
 * destination is written.  SDM 1, "SIMD Floating-Point Exceptions"; the instructions' pages in SDM 2. */
#ifndef TRAPGATE_CPU_VEC_FP_H
#define TRAPGATE_CPU_VEC_FP_H

#include "cpu/sse_fp_fast.h"
#include "cpu/vec.h"

static inline struct sse_env fp_env(const struct cpu *cpu)
{
	return (struct sse_env){.mxcsr = cpu->s.mxcsr};
}

/* Exceptions into MXCSR; an unmasked one is #XM, or #UD where the operating system does not know of it (SDM 3A,
 * CR4.OSXMMEXCPT).  False: the fault is set. */
bool fp_record(struct cpu *cpu, uint32_t flags, bool masked);
/* The same of what one operation on all elements found. */
bool fp_report(struct cpu *cpu, struct sse_env *e);
static inline bool fp_done(struct cpu *cpu, struct sse_env *e)
{
	return LIKELY(e->flags == 0) || fp_report(cpu, e);
}

/* ---- packed: lane by lane ---- */

/* One lane of the result out of one of each operand. */
typedef union xmm fp_lane_fn(const union xmm *x, const union xmm *y, unsigned imm, struct sse_env *e);

VEC_INLINE bool fp_sse(struct cpu *cpu, const struct uop *u, const union xmm *y, fp_lane_fn *lane)
{
	struct sse_env e = fp_env(cpu);
	union xmm r = lane(xmm(cpu, u->dst), y, (uint8_t)u->imm, &e);

	if (UNLIKELY(!fp_done(cpu, &e)))
		return false;
	*xmm(cpu, u->dst) = r;
	return true;
}
VEC_INLINE bool fp_sse_memory(struct cpu *cpu, const struct uop *u, fp_lane_fn *lane)
{
	union xmm m;

	return vec_load(cpu, u, 16, 16, &m) && fp_sse(cpu, u, &m, lane);
}
VEC_INLINE bool fp_avx(struct cpu *cpu, const struct uop *u, const union vec *y, unsigned lanes, fp_lane_fn *lane)
{
	const union vec *x = &cpu->s.vec[uop_second(u)];
	union vec r = {.u64 = {0, 0, 0, 0}};
	struct sse_env e = fp_env(cpu);

	for (unsigned i = 0; i < lanes; i++)
		r.lane[i] = lane(&x->lane[i], &y->lane[i], (uint8_t)u->imm, &e);
	if (UNLIKELY(!fp_done(cpu, &e)))
		return false;
	cpu->s.vec[u->dst] = r;
	return true;
}
VEC_INLINE bool fp_avx_memory(struct cpu *cpu, const struct uop *u, unsigned lanes, fp_lane_fn *lane)
{
	union vec m;

	return vec_load(cpu, u, 16 * lanes, 1, &m) && fp_avx(cpu, u, &m, lanes, lane);
}

#define FP_SSE_HANDLERS(name, lane)                                                                                    \
	THEN_NEXT(name##_sse_rr, fp_sse(cpu, u, xmm(cpu, u->src), lane))                                               \
	THEN_NEXT(name##_sse_rm, fp_sse_memory(cpu, u, lane))
#define FP_AVX_HANDLERS(name, lane)                                                                                    \
	THEN_NEXT(name##_avx128_r, fp_avx(cpu, u, &cpu->s.vec[u->src], 1, lane))                                       \
	THEN_NEXT(name##_avx128_m, fp_avx_memory(cpu, u, 1, lane))                                                     \
	THEN_NEXT(name##_avx256_r, fp_avx(cpu, u, &cpu->s.vec[u->src], 2, lane))                                       \
	THEN_NEXT(name##_avx256_m, fp_avx_memory(cpu, u, 2, lane))

/* exec_<name> of dst := lane(dst or second, src), with an immediate byte or without. */
#define FP_BINARY_SET(name)                                                                                            \
	const struct exec exec_##name = {{[FORM_RR] = {0, name##_sse_rr, 0, 0},                                        \
					  [FORM_RM] = {0, name##_sse_rm, 0, 0},                                        \
					  [FORM_RRI] = {0, name##_sse_rr, 0, 0},                                       \
					  [FORM_RMI] = {0, name##_sse_rm, 0, 0},                                       \
					  [FORM_RRR] = {0, 0, name##_avx128_r, name##_avx256_r},                       \
					  [FORM_RRM] = {0, 0, name##_avx128_m, name##_avx256_m}}};
#define FP_BINARY(name, lane)                                                                                          \
	FP_SSE_HANDLERS(name, lane)                                                                                    \
	FP_AVX_HANDLERS(name, lane)                                                                                    \
	FP_BINARY_SET(name)
/* exec_<name> of dst := lane(src): two operands with a VEX prefix too; the lane's x means nothing. */
#define FP_UNARY(name, lane)                                                                                           \
	FP_SSE_HANDLERS(name, lane)                                                                                    \
	FP_AVX_HANDLERS(name, lane)                                                                                    \
	const struct exec exec_##name = {{[FORM_RR] = {0, name##_sse_rr, name##_avx128_r, name##_avx256_r},            \
					  [FORM_RM] = {0, name##_sse_rm, name##_avx128_m, name##_avx256_m},            \
					  [FORM_RRI] = {0, name##_sse_rr, name##_avx128_r, name##_avx256_r},           \
					  [FORM_RMI] = {0, name##_sse_rm, name##_avx128_m, name##_avx256_m}}};

/* ---- scalar: the low element, the others are those of the first source ---- */

typedef uint64_t fp_scalar_fn(uint64_t x, uint64_t y, unsigned imm, struct sse_env *e);

/* The low element of a register. */
static inline struct rd fp_low(const struct cpu *cpu, unsigned i, unsigned bytes)
{
	const union xmm *v = &cpu->s.vec[i].lane[0];

	return (struct rd){bytes == 4 ? v->u32[0] : v->u64[0], true};
}

/* bytes: of the result. */
VEC_INLINE bool fp_scalar(struct cpu *cpu, const struct uop *u, struct rd y, unsigned bytes, bool vex, fp_scalar_fn *op)
{
	union xmm r = *xmm(cpu, vex ? uop_second(u) : u->dst);
	struct sse_env e = fp_env(cpu);

	if (UNLIKELY(!y.ok))
		return false;
	uint64_t v = op(bytes == 4 ? r.u32[0] : r.u64[0], y.v, (uint8_t)u->imm, &e);

	if (UNLIKELY(!fp_done(cpu, &e)))
		return false;
	if (bytes == 4)
		r.u32[0] = (uint32_t)v;
	else
		r.u64[0] = v;
	if (vex)
		vec_write128(cpu, u->dst, r);
	else
		*xmm(cpu, u->dst) = r;
	return true;
}

/* exec_<name> of dst := op(dst or second, src); from: bytes of src, to: of the result. */
#define FP_SCALAR(name, from, to, sse_op, avx_op)                                                                      \
	THEN_NEXT(name##_rr, fp_scalar(cpu, u, fp_low(cpu, u->src, from), to, false, sse_op))                          \
	THEN_NEXT(name##_rm, fp_scalar(cpu, u, mem_read(cpu, u, from), to, false, sse_op))                             \
	THEN_NEXT(name##_rrr, fp_scalar(cpu, u, fp_low(cpu, u->src, from), to, true, avx_op))                          \
	THEN_NEXT(name##_rrm, fp_scalar(cpu, u, mem_read(cpu, u, from), to, true, avx_op))                             \
	const struct exec exec_##name = {{[FORM_RR] = {0, name##_rr, 0, 0},                                            \
					  [FORM_RM] = {0, name##_rm, 0, 0},                                            \
					  [FORM_RRI] = {0, name##_rr, 0, 0},                                           \
					  [FORM_RMI] = {0, name##_rm, 0, 0},                                           \
					  [FORM_RRR] = {0, 0, name##_rrr, 0},                                          \
					  [FORM_RRM] = {0, 0, name##_rrm, 0}}};

/* ---- lanes and elements of an expression ---- */

/* a of x and b of y, e and imm; the elements of a lane. */
#define FP_LANE(name, count, type, field, expression)                                                                  \
	VEC_INLINE union xmm lane_##name(const union xmm *x, const union xmm *y, unsigned imm, struct sse_env *e)      \
	{                                                                                                              \
		union xmm r;                                                                                           \
		(void)imm;                                                                                             \
		for (unsigned i = 0; i < count; i++) {                                                                 \
			const type a = x->field[i], b = y->field[i];                                                   \
			(void)a, (void)b;                                                                              \
			r.field[i] = (type)(expression);                                                               \
		}                                                                                                      \
		return r;                                                                                              \
	}
#define FP_LANE_PS(name, expression) FP_LANE(name, 4, uint32_t, u32, expression)
#define FP_LANE_PD(name, expression) FP_LANE(name, 2, uint64_t, u64, expression)

#define FP_ELEMENT(name, from, to, expression)                                                                         \
	VEC_INLINE uint64_t element_##name(uint64_t x, uint64_t y, unsigned imm, struct sse_env *e)                    \
	{                                                                                                              \
		const to a = (to)x;                                                                                    \
		const from b = (from)y;                                                                                \
		(void)a, (void)b, (void)imm;                                                                           \
		return (expression);                                                                                   \
	}
#define FP_ELEMENT_SS(name, expression) FP_ELEMENT(name, uint32_t, uint32_t, expression)
#define FP_ELEMENT_SD(name, expression) FP_ELEMENT(name, uint64_t, uint64_t, expression)

#endif
