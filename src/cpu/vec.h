/* Vector instructions: registers, memory operands, and the handlers made of what one instruction does with 128 bits.
 *
 * An instruction's function works on one lane: the 64 bits of an MMX register (in the low half of a union xmm), an XMM
 * register, or one of the two halves of a YMM register.  The macros below make the handlers of its encodings: MMX,
 * SSE, VEX.128 and VEX.256.  With a VEX prefix bits 255:128 of the destination are cleared where VEX.L is 0 (SDM 1,
 * "Vector Length Transition and Programming Considerations").  That the instruction may run at all is in the block's
 * key (vec_ready.h); only a pending x87 exception is looked for here, by MMX instructions. */
#ifndef TRAPGATE_CPU_VEC_H
#define TRAPGATE_CPU_VEC_H

#include "cpu/ending.h"
#include "cpu/operand.h"
#include "cpu/x87.h"

#define VEC_INLINE static inline __attribute__((always_inline))

/* ---- MMX registers ---- */

/* May the MMX instruction run?  #MF for a pending x87 exception. */
static inline bool mmx_ready(struct cpu *cpu) { return LIKELY(!(cpu->s.fpu.sw & FP_ES)) || x87_error(cpu); }

/* Every MMX instruction but EMMS: TOP is 0, all registers are valid (SDM 3A, "Effect of MMX Instructions on x87 FPU
 * State"). */
static inline void mmx_begin(struct cpu *cpu)
{
	cpu->s.fpu.sw &= (uint16_t)~FP_TOP;
	cpu->s.fpu.tw = 0;
}
static inline union xmm mmx_read(const struct cpu *cpu, unsigned i)
{
	return (union xmm){.u64 = {cpu->s.fpu.st[i].mantissa, 0}};
}
/* Exponent and sign become ones. */
static inline void mmx_write(struct cpu *cpu, unsigned i, uint64_t v)
{
	mmx_begin(cpu);
	cpu->s.fpu.st[i] = (struct fp80){v, 0xffff};
}

/* ---- XMM and YMM registers ---- */

static inline union xmm *xmm(struct cpu *cpu, unsigned i) { return &cpu->s.vec[i].lane[0]; }

/* XMM8 to XMM15 are there in 64-bit mode alone. */
static inline unsigned vec_count(const struct cpu *cpu) { return in_long64(cpu) ? 16 : 8; }

/* The whole of a VEX.128 destination. */
static inline void vec_write128(struct cpu *cpu, unsigned i, union xmm v)
{
	cpu->s.vec[i] = (union vec){.lane = {v, {.u64 = {0, 0}}}};
}

/* ---- memory ---- */

/* The uop's memory operand.  align: 1, or 16 or 32, and #GP(0) elsewhere (SDM 1, "Memory Alignment").  False: the
 * fault is set. */
static inline bool vec_load(struct cpu *cpu, const struct uop *u, unsigned bytes, unsigned align, void *to)
{
	return seg_load(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), bytes, align, to);
}
static inline bool vec_store(struct cpu *cpu, const struct uop *u, unsigned bytes, unsigned align, const void *from)
{
	return seg_store(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), bytes, align, from);
}

/* ---- handlers ---- */

/* As THEN_NEXT, of an MMX instruction: a pending x87 exception may make it wait. */
#define MMX_HANDLER(name, core)                                                                                        \
	static const struct uop *name(struct cpu *cpu, const struct uop *u)                                            \
	{                                                                                                              \
		if (UNLIKELY(!mmx_ready(cpu) || !(core)))                                                              \
			return x87_refused(cpu, u);                                                                    \
		RETURN_NEXT(cpu, u);                                                                                   \
	}

/* What an instruction does with one lane: r, zero at first, from x and y; n bytes count, 8 or 16; imm is the immediate
 * byte; lane is 1 for the upper half of a YMM register. */
#define VEC_LANE(name, ...)                                                                                            \
	VEC_INLINE union xmm lane_##name(const union xmm *x, const union xmm *y, unsigned n, uint8_t imm, unsigned lane) \
	{                                                                                                              \
		union xmm r = {.u64 = {0, 0}};                                                                         \
		(void)x, (void)y, (void)n, (void)imm, (void)lane;                                                      \
		__VA_ARGS__;                                                                                           \
		return r;                                                                                              \
	}

/* Element by element: a of x and b of y. */
#define VEC_EACH(type, field, expression)                                                                              \
	for (unsigned i = 0; i < n / sizeof(type); i++) {                                                              \
		const type a = x->field[i], b = y->field[i];                                                           \
		(void)a, (void)b;                                                                                      \
		r.field[i] = (type)(expression);                                                                       \
	}
#define U8(expression)  VEC_EACH(uint8_t, u8, expression)
#define I8(expression)  VEC_EACH(int8_t, i8, expression)
#define U16(expression) VEC_EACH(uint16_t, u16, expression)
#define I16(expression) VEC_EACH(int16_t, i16, expression)
#define U32(expression) VEC_EACH(uint32_t, u32, expression)
#define I32(expression) VEC_EACH(int32_t, i32, expression)
#define U64(expression) VEC_EACH(uint64_t, u64, expression)
#define I64(expression) VEC_EACH(int64_t, i64, expression)

/* dst := lane(dst, src) with the handlers <name>_mmx_rr and _rm.  Memory operands of an MMX instruction have
 * bytes bytes. */
#define VEC_MMX_HANDLERS(name, bytes)                                                                                  \
	VEC_INLINE bool name##_mmx(struct cpu *cpu, const struct uop *u, struct rd m)                                  \
	{                                                                                                              \
		if (UNLIKELY(!m.ok))                                                                                   \
			return false;                                                                                  \
		union xmm x = mmx_read(cpu, u->dst), y = {.u64 = {m.v, 0}};                                            \
		mmx_write(cpu, u->dst, lane_##name(&x, &y, 8, (uint8_t)u->imm, 0).u64[0]);                             \
		return true;                                                                                           \
	}                                                                                                              \
	MMX_HANDLER(name##_mmx_rr, name##_mmx(cpu, u, (struct rd){cpu->s.fpu.st[u->src].mantissa, true}))              \
	MMX_HANDLER(name##_mmx_rm, name##_mmx(cpu, u, mem_read(cpu, u, bytes)))

#define VEC_SSE_HANDLERS(name)                                                                                         \
	VEC_INLINE bool name##_sse(struct cpu *cpu, const struct uop *u, const union xmm *y)                           \
	{                                                                                                              \
		*xmm(cpu, u->dst) = lane_##name(xmm(cpu, u->dst), y, 16, (uint8_t)u->imm, 0);                          \
		return true;                                                                                           \
	}                                                                                                              \
	VEC_INLINE bool name##_sse_memory(struct cpu *cpu, const struct uop *u)                                        \
	{                                                                                                              \
		union xmm m;                                                                                           \
		return vec_load(cpu, u, 16, 16, &m) && name##_sse(cpu, u, &m);                                         \
	}                                                                                                              \
	THEN_NEXT(name##_sse_rr, name##_sse(cpu, u, xmm(cpu, u->src)))                                               \
	THEN_NEXT(name##_sse_rm, name##_sse_memory(cpu, u))

/* first: which register is x, u->dst or uop_second(u). */
#define VEC_AVX_HANDLERS(name, first)                                                                                  \
	VEC_INLINE bool name##_avx(struct cpu *cpu, const struct uop *u, const union vec *y, unsigned lanes)           \
	{                                                                                                              \
		const union vec *x = &cpu->s.vec[first];                                                               \
		union vec r = {.u64 = {0, 0, 0, 0}};                                                                   \
		for (unsigned lane = 0; lane < lanes; lane++)                                                          \
			r.lane[lane] = lane_##name(&x->lane[lane], &y->lane[lane], 16, (uint8_t)u->imm, lane);         \
		cpu->s.vec[u->dst] = r;                                                                                \
		return true;                                                                                           \
	}                                                                                                              \
	VEC_INLINE bool name##_avx_memory(struct cpu *cpu, const struct uop *u, unsigned lanes)                        \
	{                                                                                                              \
		union vec m;                                                                                           \
		return vec_load(cpu, u, 16 * lanes, 1, &m) && name##_avx(cpu, u, &m, lanes);                           \
	}                                                                                                              \
	THEN_NEXT(name##_avx128_r, name##_avx(cpu, u, &cpu->s.vec[u->src], 1))                                       \
	THEN_NEXT(name##_avx128_m, name##_avx_memory(cpu, u, 1))                                                     \
	THEN_NEXT(name##_avx256_r, name##_avx(cpu, u, &cpu->s.vec[u->src], 2))                                       \
	THEN_NEXT(name##_avx256_m, name##_avx_memory(cpu, u, 2))

/* exec_<name> of dst := lane(dst or second, src), with an immediate byte or without.  _X: not for MMX registers. */
#define VEC_BINARY_SET(name, mmx_rr, mmx_rm)                                                                           \
	const struct exec exec_##name = {{[FORM_RR] = {mmx_rr, name##_sse_rr, 0, 0},                                   \
					  [FORM_RM] = {mmx_rm, name##_sse_rm, 0, 0},                                   \
					  [FORM_RRI] = {mmx_rr, name##_sse_rr, 0, 0},                                  \
					  [FORM_RMI] = {mmx_rm, name##_sse_rm, 0, 0},                                  \
					  [FORM_RRR] = {0, 0, name##_avx128_r, name##_avx256_r},                       \
					  [FORM_RRM] = {0, 0, name##_avx128_m, name##_avx256_m}}};
#define VEC_BINARY_FROM(name, bytes, ...)                                                                              \
	VEC_LANE(name, __VA_ARGS__)                                                                                           \
	VEC_MMX_HANDLERS(name, bytes)                                                                                  \
	VEC_SSE_HANDLERS(name)                                                                                         \
	VEC_AVX_HANDLERS(name, uop_second(u))                                                                          \
	VEC_BINARY_SET(name, name##_mmx_rr, name##_mmx_rm)
#define VEC_BINARY(name, ...) VEC_BINARY_FROM(name, 8, __VA_ARGS__)
#define VEC_BINARY_X(name, ...)                                                                                        \
	VEC_LANE(name, __VA_ARGS__)                                                                                           \
	VEC_SSE_HANDLERS(name)                                                                                         \
	VEC_AVX_HANDLERS(name, uop_second(u))                                                                          \
	VEC_BINARY_SET(name, 0, 0)

/* exec_<name> of dst := lane(src): two operands with a VEX prefix too. */
#define VEC_UNARY_SET(name, mmx_rr, mmx_rm)                                                                            \
	const struct exec exec_##name = {{                                                                             \
		[FORM_RR] = {mmx_rr, name##_sse_rr, name##_avx128_r, name##_avx256_r},                                 \
		[FORM_RM] = {mmx_rm, name##_sse_rm, name##_avx128_m, name##_avx256_m},                                 \
		[FORM_RRI] = {mmx_rr, name##_sse_rr, name##_avx128_r, name##_avx256_r},                                \
		[FORM_RMI] = {mmx_rm, name##_sse_rm, name##_avx128_m, name##_avx256_m}}};
#define VEC_UNARY(name, ...)                                                                                           \
	VEC_LANE(name, __VA_ARGS__)                                                                                           \
	VEC_MMX_HANDLERS(name, 8)                                                                                      \
	VEC_SSE_HANDLERS(name)                                                                                         \
	VEC_AVX_HANDLERS(name, u->dst)                                                                                 \
	VEC_UNARY_SET(name, name##_mmx_rr, name##_mmx_rm)
#define VEC_UNARY_X(name, ...)                                                                                         \
	VEC_LANE(name, __VA_ARGS__)                                                                                           \
	VEC_SSE_HANDLERS(name)                                                                                         \
	VEC_AVX_HANDLERS(name, u->dst)                                                                                 \
	VEC_UNARY_SET(name, 0, 0)

/* May XCR0 hold this on this model? */
bool xcr0_valid(const struct cpu *cpu, uint64_t value);

#endif
