/* Fused multiply-add.  The digits of a mnemonic say which operands are multiplicand, multiplier and addend: 1 the
 * first (the destination), 2 the second, 3 the third (SDM 1, "FMA Instruction Operand Order and Arithmetic Behavior").
 */
#include "cpu/vec_fp.h"

/* What is negated in the even and in the odd elements; a scalar is even. */
struct signs {
	uint8_t even, odd;
};
#define FMADD    ((struct signs){0, 0})
#define FMSUB    ((struct signs){SSE_NEGATE_ADDEND, SSE_NEGATE_ADDEND})
#define FNMADD   ((struct signs){SSE_NEGATE_PRODUCT, SSE_NEGATE_PRODUCT})
#define FNMSUB   ((struct signs){SSE_NEGATE_PRODUCT | SSE_NEGATE_ADDEND, SSE_NEGATE_PRODUCT | SSE_NEGATE_ADDEND})
#define FMADDSUB ((struct signs){SSE_NEGATE_ADDEND, 0})
#define FMSUBADD ((struct signs){0, SSE_NEGATE_ADDEND})

static void fma_lane(union xmm *r, const union xmm *a, const union xmm *b, const union xmm *c, unsigned bytes,
		     struct signs s, struct sse_env *e)
{
	if (bytes == 4) {
		for (unsigned i = 0; i < 4; i++)
			r->u32[i] = sse_fma_f32(a->u32[i], b->u32[i], c->u32[i], i & 1 ? s.odd : s.even, e);
	} else {
		for (unsigned i = 0; i < 2; i++)
			r->u64[i] = sse_fma_f64(a->u64[i], b->u64[i], c->u64[i], i & 1 ? s.odd : s.even, e);
	}
}

/* third: the third operand.  bytes: of an element; lanes 0: a scalar, the other elements of the destination stay. */
static bool fma_done(struct cpu *cpu, const struct uop *u, const union vec *third, unsigned order, struct signs s,
		     unsigned bytes, unsigned lanes)
{
	const union vec *operand[] = {NULL, &cpu->s.vec[u->dst], &cpu->s.vec[uop_second(u)], third};
	const union vec *a = operand[order / 100], *b = operand[order / 10 % 10], *c = operand[order % 10];
	union vec r = {.u64 = {0, 0, 0, 0}};
	struct sse_env e = fp_env(cpu);

	for (unsigned i = 0; i < lanes; i++)
		fma_lane(&r.lane[i], &a->lane[i], &b->lane[i], &c->lane[i], bytes, s, &e);
	if (lanes == 0) {
		r.lane[0] = *xmm(cpu, u->dst);
		if (bytes == 4)
			r.u32[0] = sse_fma_f32(a->u32[0], b->u32[0], c->u32[0], s.even, &e);
		else
			r.u64[0] = sse_fma_f64(a->u64[0], b->u64[0], c->u64[0], s.even, &e);
	}
	if (UNLIKELY(!fp_done(cpu, &e)))
		return false;
	cpu->s.vec[u->dst] = r;
	return true;
}

static bool fma_memory(struct cpu *cpu, const struct uop *u, unsigned order, struct signs s, unsigned bytes,
		       unsigned lanes)
{
	union vec m;

	return vec_load(cpu, u, lanes ? 16 * lanes : bytes, 1, &m) && fma_done(cpu, u, &m, order, s, bytes, lanes);
}

#define FMA_REGISTER(signs, order, bytes, lanes) fma_done(cpu, u, &cpu->s.vec[u->src], order, signs, bytes, lanes)
#define FMA_MEMORY(signs, order, bytes, lanes)   fma_memory(cpu, u, order, signs, bytes, lanes)

#define FMA_PACKED(name, signs, order, bytes)                                                                          \
	THEN_NEXT(name##_128_r, FMA_REGISTER(signs, order, bytes, 1))                                                  \
	THEN_NEXT(name##_256_r, FMA_REGISTER(signs, order, bytes, 2))                                                  \
	THEN_NEXT(name##_128_m, FMA_MEMORY(signs, order, bytes, 1))                                                    \
	THEN_NEXT(name##_256_m, FMA_MEMORY(signs, order, bytes, 2))                                                    \
	const struct exec exec_##name = {                                                                              \
		{[FORM_RRR] = {0, 0, name##_128_r, name##_256_r}, [FORM_RRM] = {0, 0, name##_128_m, name##_256_m}}};
#define FMA_SCALAR(name, signs, order, bytes)                                                                          \
	THEN_NEXT(name##_r, FMA_REGISTER(signs, order, bytes, 0))                                                      \
	THEN_NEXT(name##_m, FMA_MEMORY(signs, order, bytes, 0))                                                        \
	const struct exec exec_##name = {{[FORM_RRR] = {0, 0, name##_r, 0}, [FORM_RRM] = {0, 0, name##_m, 0}}};

#define FMA_TWO(name, signs, order)                                                                                    \
	FMA_PACKED(name##order##ps, signs, order, 4)                                                                   \
	FMA_PACKED(name##order##pd, signs, order, 8)
#define FMA_FOUR(name, signs, order)                                                                                   \
	FMA_TWO(name, signs, order)                                                                                    \
	FMA_SCALAR(name##order##ss, signs, order, 4)                                                                   \
	FMA_SCALAR(name##order##sd, signs, order, 8)
#define FMA_ALL(order)                                                                                                 \
	FMA_FOUR(fmadd, FMADD, order)                                                                                  \
	FMA_FOUR(fmsub, FMSUB, order)                                                                                  \
	FMA_FOUR(fnmadd, FNMADD, order)                                                                                \
	FMA_FOUR(fnmsub, FNMSUB, order)                                                                                \
	FMA_TWO(fmaddsub, FMADDSUB, order)                                                                             \
	FMA_TWO(fmsubadd, FMSUBADD, order)
FMA_ALL(132)
FMA_ALL(213)
FMA_ALL(231)
