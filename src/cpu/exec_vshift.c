/* Shifts of vector elements.  SDM 2, "PSLLW/PSLLD/PSLLQ", "PSRLW/PSRLD/PSRLQ", "PSRAW/PSRAD", "PSLLDQ", "PSRLDQ",
 * "VPSLLVW/VPSLLVD/VPSLLVQ" and its sisters. */
#include "cpu/vec.h"

/* One lane, each element a by c, which may be any number of 64 bits. */
#define SHIFT_LANE(name, type, field, expression)                                                                      \
	VEC_INLINE union xmm shift_##name(const union xmm *x, uint64_t c, unsigned n)                                  \
	{                                                                                                              \
		union xmm r = {.u64 = {0, 0}};                                                                         \
		for (unsigned i = 0; i < n / sizeof(type); i++) {                                                      \
			const type a = x->field[i];                                                                    \
			r.field[i] = (type)(expression);                                                               \
		}                                                                                                      \
		return r;                                                                                              \
	}

#define SHIFT_CORES(name)                                                                                              \
	VEC_INLINE bool name##_mmx(struct cpu *cpu, const struct uop *u, struct rd c)                                  \
	{                                                                                                              \
		if (UNLIKELY(!c.ok))                                                                                   \
			return false;                                                                                  \
		union xmm x = mmx_read(cpu, u->dst);                                                                   \
		mmx_write(cpu, u->dst, shift_##name(&x, c.v, 8).u64[0]);                                               \
		return true;                                                                                           \
	}                                                                                                              \
	VEC_INLINE bool name##_sse(struct cpu *cpu, const struct uop *u, uint64_t c)                                   \
	{                                                                                                              \
		*xmm(cpu, u->dst) = shift_##name(xmm(cpu, u->dst), c, 16);                                             \
		return true;                                                                                           \
	}                                                                                                              \
	VEC_INLINE bool name##_avx(struct cpu *cpu, const struct uop *u, unsigned from, uint64_t c, unsigned lanes)    \
	{                                                                                                              \
		union vec r = {.u64 = {0, 0, 0, 0}};                                                                   \
		for (unsigned lane = 0; lane < lanes; lane++)                                                          \
			r.lane[lane] = shift_##name(&cpu->s.vec[from].lane[lane], c, 16);                              \
		cpu->s.vec[u->dst] = r;                                                                                \
		return true;                                                                                           \
	}                                                                                                              \
	VEC_INLINE bool name##_sse_memory(struct cpu *cpu, const struct uop *u)                                        \
	{                                                                                                              \
		union xmm c;                                                                                           \
		return vec_load(cpu, u, 16, 16, &c) && name##_sse(cpu, u, c.u64[0]);                                   \
	}                                                                                                              \
	VEC_INLINE bool name##_avx_memory(struct cpu *cpu, const struct uop *u, unsigned lanes)                        \
	{                                                                                                              \
		union xmm c;                                                                                           \
		return vec_load(cpu, u, 16, 1, &c) && name##_avx(cpu, u, uop_second(u), c.u64[0], lanes);              \
	}

/* The count in a register or memory is its low quadword; in memory 128 bits are read. */
#define VEC_SHIFT(name, type, field, expression)                                                                       \
	SHIFT_LANE(name, type, field, expression)                                                                      \
	SHIFT_CORES(name)                                                                                              \
	MMX_HANDLER(name##_mmx_rr, name##_mmx(cpu, u, (struct rd){cpu->s.fpu.st[u->src].mantissa, true}))              \
	MMX_HANDLER(name##_mmx_rm, name##_mmx(cpu, u, mem_read(cpu, u, 8)))                                            \
	MMX_HANDLER(name##_mmx_ri, name##_mmx(cpu, u, (struct rd){(uint8_t)u->imm, true}))                             \
	THEN_NEXT(name##_sse_rr, name##_sse(cpu, u, xmm(cpu, u->src)->u64[0]))                                       \
	THEN_NEXT(name##_sse_rm, name##_sse_memory(cpu, u))                                                          \
	THEN_NEXT(name##_sse_ri, name##_sse(cpu, u, (uint8_t)u->imm))                                                \
	THEN_NEXT(name##_avx128_rrr, name##_avx(cpu, u, uop_second(u), xmm(cpu, u->src)->u64[0], 1))                 \
	THEN_NEXT(name##_avx256_rrr, name##_avx(cpu, u, uop_second(u), xmm(cpu, u->src)->u64[0], 2))                 \
	THEN_NEXT(name##_avx128_rrm, name##_avx_memory(cpu, u, 1))                                                   \
	THEN_NEXT(name##_avx256_rrm, name##_avx_memory(cpu, u, 2))                                                   \
	THEN_NEXT(name##_avx128_rri, name##_avx(cpu, u, u->src, (uint8_t)u->imm, 1))                                 \
	THEN_NEXT(name##_avx256_rri, name##_avx(cpu, u, u->src, (uint8_t)u->imm, 2))                                 \
	const struct exec exec_##name = {{[FORM_RR] = {name##_mmx_rr, name##_sse_rr, 0, 0},                            \
					  [FORM_RM] = {name##_mmx_rm, name##_sse_rm, 0, 0},                            \
					  [FORM_RI] = {name##_mmx_ri, name##_sse_ri, 0, 0},                            \
					  [FORM_RRR] = {0, 0, name##_avx128_rrr, name##_avx256_rrr},                   \
					  [FORM_RRM] = {0, 0, name##_avx128_rrm, name##_avx256_rrm},                   \
					  [FORM_RRI] = {0, 0, name##_avx128_rri, name##_avx256_rri}}};

VEC_SHIFT(psrlw, uint16_t, u16, c < 16 ? a >> c : 0)
VEC_SHIFT(psrld, uint32_t, u32, c < 32 ? a >> c : 0)
VEC_SHIFT(psrlq, uint64_t, u64, c < 64 ? a >> c : 0)
VEC_SHIFT(psllw, uint16_t, u16, c < 16 ? (uint32_t)a << c : 0)
VEC_SHIFT(pslld, uint32_t, u32, c < 32 ? a << c : 0)
VEC_SHIFT(psllq, uint64_t, u64, c < 64 ? a << c : 0)
VEC_SHIFT(psraw, int16_t, i16, a >> (c < 16 ? c : 15))
VEC_SHIFT(psrad, int32_t, i32, a >> (c < 32 ? c : 31))

/* ---- a lane as one number, by bytes ---- */
VEC_LANE(psrldq, for (unsigned i = 0; i + imm < 16; i++) r.u8[i] = x->u8[i + imm])
VEC_LANE(pslldq, for (unsigned i = imm; i < 16; i++) r.u8[i] = x->u8[i - imm])
#define SHIFT_BYTES(name)                                                                                              \
	VEC_INLINE bool name##_bytes(struct cpu *cpu, const struct uop *u, unsigned lanes, bool vex)                   \
	{                                                                                                              \
		union vec r = {.u64 = {0, 0, 0, 0}};                                                                   \
		for (unsigned lane = 0; lane < lanes; lane++) {                                                        \
			const union xmm *x = &cpu->s.vec[vex ? u->src : u->dst].lane[lane];                            \
			r.lane[lane] = lane_##name(x, x, 16, (uint8_t)u->imm, lane);                                   \
		}                                                                                                      \
		if (vex)                                                                                               \
			cpu->s.vec[u->dst] = r;                                                                        \
		else                                                                                                   \
			*xmm(cpu, u->dst) = r.lane[0];                                                                 \
		return true;                                                                                           \
	}                                                                                                              \
	THEN_NEXT(name##_ri, name##_bytes(cpu, u, 1, false))                                                         \
	THEN_NEXT(name##_rri128, name##_bytes(cpu, u, 1, true))                                                      \
	THEN_NEXT(name##_rri256, name##_bytes(cpu, u, 2, true))                                                      \
	const struct exec exec_##name = {{[FORM_RI] = {0, name##_ri, 0, 0},                                            \
					  [FORM_RRI] = {0, 0, name##_rri128, name##_rri256}}};
SHIFT_BYTES(psrldq)
SHIFT_BYTES(pslldq)

/* ---- each element by a count of its own ---- */
VEC_BINARY_X(psrlvd, U32(b < 32 ? a >> b : 0))
VEC_BINARY_X(psrlvq, U64(b < 64 ? a >> b : 0))
VEC_BINARY_X(psllvd, U32(b < 32 ? a << b : 0))
VEC_BINARY_X(psllvq, U64(b < 64 ? a << b : 0))
VEC_BINARY_X(psravd, I32(a >> ((uint32_t)b < 32 ? b : 31)))
