/* Conversions of floating-point numbers in vector registers: SSE, SSE2, their AVX forms, F16C. */
#include "cpu/vec_fp.h"

/* ---- elements of the same size ---- */

FP_LANE_PS(cvtdq2ps, sse_from_int_f32((int32_t)b, e))
FP_LANE_PS(cvtps2dq, sse_int_f32(b, 32, false, e))
FP_LANE_PS(cvttps2dq, sse_int_f32(b, 32, true, e))
FP_UNARY(cvtdq2ps, lane_cvtdq2ps)
FP_UNARY(cvtps2dq, lane_cvtps2dq)
FP_UNARY(cvttps2dq, lane_cvttps2dq)

/* ---- scalars ---- */

FP_ELEMENT(cvtss2sd, uint32_t, uint64_t, sse_convert_f32_f64(b, e))
FP_ELEMENT(cvtsd2ss, uint64_t, uint32_t, sse_convert_f64_f32(b, e))
FP_SCALAR(cvtss2sd, 4, 8, element_cvtss2sd, element_cvtss2sd)
FP_SCALAR(cvtsd2ss, 8, 4, element_cvtsd2ss, element_cvtsd2ss)

/* From a general register or an integer in memory of this many bits. */
FP_ELEMENT(cvtsi2ss, uint64_t, uint32_t, sse_from_int_f32((int64_t)b, e))
FP_ELEMENT(cvtsi2sd, uint64_t, uint64_t, sse_from_int_f64((int64_t)b, e))
static inline struct rd extended(struct rd v, unsigned bits)
{
	v.v = (uint64_t)sign_extend(v.v, bits);
	return v;
}
VEC_INLINE bool from_register(struct cpu *cpu, const struct uop *u, unsigned bits, unsigned to, bool vex,
			      fp_scalar_fn *op)
{
	struct rd v = {reg_read(cpu, u->src, bits), true};

	return fp_scalar(cpu, u, extended(v, bits), to, vex, op);
}
VEC_INLINE bool from_memory(struct cpu *cpu, const struct uop *u, unsigned bits, unsigned to, bool vex,
			    fp_scalar_fn *op)
{
	return fp_scalar(cpu, u, extended(mem_read(cpu, u, bits / 8), bits), to, vex, op);
}
#define FP_FROM_INTEGER(name, to)                                                                                      \
	THEN_NEXT(name##_rr32, from_register(cpu, u, 32, to, false, element_##name))                                   \
	THEN_NEXT(name##_rr64, from_register(cpu, u, 64, to, false, element_##name))                                   \
	THEN_NEXT(name##_rm32, from_memory(cpu, u, 32, to, false, element_##name))                                     \
	THEN_NEXT(name##_rm64, from_memory(cpu, u, 64, to, false, element_##name))                                     \
	THEN_NEXT(name##_rrr32, from_register(cpu, u, 32, to, true, element_##name))                                   \
	THEN_NEXT(name##_rrr64, from_register(cpu, u, 64, to, true, element_##name))                                   \
	THEN_NEXT(name##_rrm32, from_memory(cpu, u, 32, to, true, element_##name))                                     \
	THEN_NEXT(name##_rrm64, from_memory(cpu, u, 64, to, true, element_##name))                                     \
	const struct exec exec_##name = {{[FORM_RR] = {0, 0, name##_rr32, name##_rr64},                                \
					  [FORM_RM] = {0, 0, name##_rm32, name##_rm64},                                \
					  [FORM_RRR] = {0, 0, name##_rrr32, name##_rrr64},                             \
					  [FORM_RRM] = {0, 0, name##_rrm32, name##_rrm64}}};
FP_FROM_INTEGER(cvtsi2ss, 4)
FP_FROM_INTEGER(cvtsi2sd, 8)

/* To a general register. */
VEC_INLINE bool to_register(struct cpu *cpu, const struct uop *u, struct rd y, unsigned from, unsigned bits,
			    bool truncate)
{
	struct sse_env e = fp_env(cpu);

	if (UNLIKELY(!y.ok))
		return false;
	uint64_t v = from == 4 ? sse_int_f32((uint32_t)y.v, bits, truncate, &e) : sse_int_f64(y.v, bits, truncate, &e);

	if (UNLIKELY(!fp_done(cpu, &e)))
		return false;
	reg_write(cpu, u->dst, bits, v);
	return true;
}
#define FP_TO_INTEGER(name, from, truncate)                                                                            \
	THEN_NEXT(name##_rr32, to_register(cpu, u, fp_low(cpu, u->src, from), from, 32, truncate))                     \
	THEN_NEXT(name##_rr64, to_register(cpu, u, fp_low(cpu, u->src, from), from, 64, truncate))                     \
	THEN_NEXT(name##_rm32, to_register(cpu, u, mem_read(cpu, u, from), from, 32, truncate))                        \
	THEN_NEXT(name##_rm64, to_register(cpu, u, mem_read(cpu, u, from), from, 64, truncate))                        \
	const struct exec exec_##name = {                                                                              \
		{[FORM_RR] = {0, 0, name##_rr32, name##_rr64}, [FORM_RM] = {0, 0, name##_rm32, name##_rm64}}};
FP_TO_INTEGER(cvtss2si, 4, false)
FP_TO_INTEGER(cvttss2si, 4, true)
FP_TO_INTEGER(cvtsd2si, 8, false)
FP_TO_INTEGER(cvttsd2si, 8, true)

/* ---- elements that become twice as wide: a lane of the result out of half a lane ---- */

typedef union xmm fp_widen_fn(const uint8_t *half, struct sse_env *e);

VEC_INLINE bool widen(struct cpu *cpu, const struct uop *u, const union xmm *y, unsigned lanes, bool vex,
		      fp_widen_fn *lane)
{
	union vec r = {.u64 = {0, 0, 0, 0}};
	struct sse_env e = fp_env(cpu);

	for (unsigned i = 0; i < lanes; i++)
		r.lane[i] = lane(&y->u8[8 * i], &e);
	if (UNLIKELY(!fp_done(cpu, &e)))
		return false;
	if (vex)
		cpu->s.vec[u->dst] = r;
	else
		*xmm(cpu, u->dst) = r.lane[0];
	return true;
}
VEC_INLINE bool widen_memory(struct cpu *cpu, const struct uop *u, unsigned lanes, bool vex, fp_widen_fn *lane)
{
	union xmm m;

	return vec_load(cpu, u, 8 * lanes, 1, &m) && widen(cpu, u, &m, lanes, vex, lane);
}
#define FP_WIDEN(name, from, count, to, field, expression)                                                             \
	VEC_INLINE union xmm widen_##name(const uint8_t *half, struct sse_env *e)                                      \
	{                                                                                                              \
		union xmm r;                                                                                           \
		for (unsigned i = 0; i < count; i++) {                                                                 \
			from b;                                                                                        \
			memcpy(&b, half + i * sizeof(b), sizeof(b));                                                   \
			r.field[i] = (to)(expression);                                                                 \
		}                                                                                                      \
		return r;                                                                                              \
	}                                                                                                              \
	THEN_NEXT(name##_sse_rr, widen(cpu, u, xmm(cpu, u->src), 1, false, widen_##name))                              \
	THEN_NEXT(name##_sse_rm, widen_memory(cpu, u, 1, false, widen_##name))                                         \
	THEN_NEXT(name##_avx128_rr, widen(cpu, u, xmm(cpu, u->src), 1, true, widen_##name))                            \
	THEN_NEXT(name##_avx128_rm, widen_memory(cpu, u, 1, true, widen_##name))                                       \
	THEN_NEXT(name##_avx256_rr, widen(cpu, u, xmm(cpu, u->src), 2, true, widen_##name))                            \
	THEN_NEXT(name##_avx256_rm, widen_memory(cpu, u, 2, true, widen_##name))                                       \
	const struct exec exec_##name = {{[FORM_RR] = {0, name##_sse_rr, name##_avx128_rr, name##_avx256_rr},          \
					  [FORM_RM] = {0, name##_sse_rm, name##_avx128_rm, name##_avx256_rm}}};
FP_WIDEN(cvtps2pd, uint32_t, 2, uint64_t, u64, sse_convert_f32_f64(b, e))
FP_WIDEN(cvtdq2pd, int32_t, 2, uint64_t, u64, sse_from_int_f64(b, e))
FP_WIDEN(cvtph2ps, uint16_t, 4, uint32_t, u32, sse_half_to_single(b, e))

/* ---- elements that become half as wide: half a lane out of each lane, zeros above ---- */

typedef uint64_t fp_narrow_fn(const union xmm *y, unsigned imm, struct sse_env *e);

static inline uint64_t two_words(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

#define FP_NARROW_PD(name, expression)                                                                                 \
	VEC_INLINE uint64_t narrow_##name(const union xmm *y, unsigned imm, struct sse_env *e)                         \
	{                                                                                                              \
		uint32_t r[2];                                                                                         \
		for (unsigned i = 0; i < 2; i++) {                                                                     \
			const uint64_t b = y->u64[i];                                                                  \
			r[i] = (uint32_t)(expression);                                                                 \
		}                                                                                                      \
		return two_words(r[0], r[1]);                                                                          \
	}
FP_NARROW_PD(cvtpd2ps, sse_convert_f64_f32(b, e))
FP_NARROW_PD(cvtpd2dq, sse_int_f64(b, 32, false, e))
FP_NARROW_PD(cvttpd2dq, sse_int_f64(b, 32, true, e))

VEC_INLINE union xmm narrowed(const union vec *y, unsigned lanes, unsigned imm, fp_narrow_fn *lane, struct sse_env *e)
{
	union xmm r = {.u64 = {0, 0}};

	for (unsigned i = 0; i < lanes; i++)
		r.u64[i] = lane(&y->lane[i], imm, e);
	return r;
}
VEC_INLINE bool narrow(struct cpu *cpu, const struct uop *u, const union vec *y, unsigned lanes, bool vex,
		       fp_narrow_fn *lane)
{
	struct sse_env e = fp_env(cpu);
	union xmm r = narrowed(y, lanes, (uint8_t)u->imm, lane, &e);

	if (UNLIKELY(!fp_done(cpu, &e)))
		return false;
	if (vex)
		vec_write128(cpu, u->dst, r);
	else
		*xmm(cpu, u->dst) = r;
	return true;
}
VEC_INLINE bool narrow_memory(struct cpu *cpu, const struct uop *u, unsigned lanes, bool vex, fp_narrow_fn *lane)
{
	union vec m;

	return vec_load(cpu, u, 16 * lanes, vex ? 1 : 16, &m) && narrow(cpu, u, &m, lanes, vex, lane);
}
#define FP_NARROW(name)                                                                                                \
	THEN_NEXT(name##_sse_rr, narrow(cpu, u, &cpu->s.vec[u->src], 1, false, narrow_##name))                         \
	THEN_NEXT(name##_sse_rm, narrow_memory(cpu, u, 1, false, narrow_##name))                                       \
	THEN_NEXT(name##_avx128_rr, narrow(cpu, u, &cpu->s.vec[u->src], 1, true, narrow_##name))                       \
	THEN_NEXT(name##_avx128_rm, narrow_memory(cpu, u, 1, true, narrow_##name))                                     \
	THEN_NEXT(name##_avx256_rr, narrow(cpu, u, &cpu->s.vec[u->src], 2, true, narrow_##name))                       \
	THEN_NEXT(name##_avx256_rm, narrow_memory(cpu, u, 2, true, narrow_##name))                                     \
	const struct exec exec_##name = {{[FORM_RR] = {0, name##_sse_rr, name##_avx128_rr, name##_avx256_rr},          \
					  [FORM_RM] = {0, name##_sse_rm, name##_avx128_rm, name##_avx256_rm}}};
FP_NARROW(cvtpd2ps)
FP_NARROW(cvtpd2dq)
FP_NARROW(cvttpd2dq)

/* VCVTPS2PH, to a register or to memory. */
VEC_INLINE uint64_t narrow_cvtps2ph(const union xmm *y, unsigned imm, struct sse_env *e)
{
	uint64_t r = 0;

	for (unsigned i = 0; i < 4; i++)
		r |= (uint64_t)sse_single_to_half(y->u32[i], imm, e) << (16 * i);
	return r;
}
/* A fault of the store comes before an exception of the conversion, and keeps MXCSR as it is. */
VEC_INLINE bool store_halves(struct cpu *cpu, const struct uop *u, unsigned lanes)
{
	struct sse_env e = fp_env(cpu);
	union xmm r = narrowed(&cpu->s.vec[u->src], lanes, (uint8_t)u->imm, narrow_cvtps2ph, &e);

	if (UNLIKELY(sse_unmasked(&e)))
		return seg_probe_write(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), 8 * lanes) && fp_done(cpu, &e);
	return vec_store(cpu, u, 8 * lanes, 1, &r) && fp_done(cpu, &e);
}
THEN_NEXT(cvtps2ph_128_rr, narrow(cpu, u, &cpu->s.vec[u->src], 1, true, narrow_cvtps2ph))
THEN_NEXT(cvtps2ph_256_rr, narrow(cpu, u, &cpu->s.vec[u->src], 2, true, narrow_cvtps2ph))
THEN_NEXT(cvtps2ph_128_mr, store_halves(cpu, u, 1))
THEN_NEXT(cvtps2ph_256_mr, store_halves(cpu, u, 2))
const struct exec exec_cvtps2ph = {
	{[FORM_RRI] = {0, 0, cvtps2ph_128_rr, cvtps2ph_256_rr}, [FORM_MRI] = {0, 0, cvtps2ph_128_mr, cvtps2ph_256_mr}}};

/* ---- MMX registers ---- */

/* CVTPI2PS keeps the upper quadword.  transition: to MMX operation (SDM 2, "CVTPI2PD": not with memory). */
VEC_INLINE bool from_mmx(struct cpu *cpu, const struct uop *u, struct rd v, bool wide, bool transition)
{
	const int32_t low = (int32_t)v.v, high = (int32_t)(v.v >> 32);
	union xmm r = *xmm(cpu, u->dst);
	struct sse_env e = fp_env(cpu);

	if (UNLIKELY(!v.ok))
		return false;
	if (wide)
		r = (union xmm){.u64 = {sse_from_int_f64(low, &e), sse_from_int_f64(high, &e)}};
	else
		r.u64[0] = two_words(sse_from_int_f32(low, &e), sse_from_int_f32(high, &e));
	if (UNLIKELY(!fp_done(cpu, &e)))
		return false;
	if (transition)
		mmx_begin(cpu);
	*xmm(cpu, u->dst) = r;
	return true;
}
#define MMX_SOURCE ((struct rd){cpu->s.fpu.st[u->src].mantissa, true})
MMX_HANDLER(cvtpi2ps_rr, from_mmx(cpu, u, MMX_SOURCE, false, true))
MMX_HANDLER(cvtpi2ps_rm, from_mmx(cpu, u, mem_read(cpu, u, 8), false, true))
MMX_HANDLER(cvtpi2pd_rr, from_mmx(cpu, u, MMX_SOURCE, true, true))
THEN_NEXT(cvtpi2pd_rm, from_mmx(cpu, u, mem_read(cpu, u, 8), true, false))
const struct exec exec_cvtpi2ps = {{[FORM_RR] = {0, cvtpi2ps_rr, 0, 0}, [FORM_RM] = {0, cvtpi2ps_rm, 0, 0}}};
const struct exec exec_cvtpi2pd = {{[FORM_RR] = {0, cvtpi2pd_rr, 0, 0}, [FORM_RM] = {0, cvtpi2pd_rm, 0, 0}}};

VEC_INLINE bool to_mmx(struct cpu *cpu, const struct uop *u, const union xmm *y, unsigned from, bool truncate)
{
	struct sse_env e = fp_env(cpu);
	uint32_t r[2];

	for (unsigned i = 0; i < 2; i++)
		r[i] = (uint32_t)(from == 4 ? sse_int_f32(y->u32[i], 32, truncate, &e)
					    : sse_int_f64(y->u64[i], 32, truncate, &e));
	if (UNLIKELY(!fp_done(cpu, &e)))
		return false;
	mmx_write(cpu, u->dst, two_words(r[0], r[1]));
	return true;
}
/* Two singles in memory are 8 bytes, two doubles 16, aligned. */
VEC_INLINE bool to_mmx_memory(struct cpu *cpu, const struct uop *u, unsigned from, bool truncate)
{
	union xmm m;

	return vec_load(cpu, u, 2 * from, from == 4 ? 1 : 16, &m) && to_mmx(cpu, u, &m, from, truncate);
}
#define FP_TO_MMX(name, from, truncate)                                                                                \
	MMX_HANDLER(name##_rr, to_mmx(cpu, u, xmm(cpu, u->src), from, truncate))                                       \
	MMX_HANDLER(name##_rm, to_mmx_memory(cpu, u, from, truncate))                                                  \
	const struct exec exec_##name = {{[FORM_RR] = {0, name##_rr, 0, 0}, [FORM_RM] = {0, name##_rm, 0, 0}}};
FP_TO_MMX(cvtps2pi, 4, false)
FP_TO_MMX(cvttps2pi, 4, true)
FP_TO_MMX(cvtpd2pi, 8, false)
FP_TO_MMX(cvttpd2pi, 8, true)
