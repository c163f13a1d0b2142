/* Element-wise instructions on integers, and logic.  SDM 2, the instructions' pages. */
#include "cpu/vec.h"

/* ---- logic: of whole registers, whatever the name says of elements ---- */
VEC_BINARY(pand, U64(a & b))
VEC_BINARY(pandn, U64(~a & b))
VEC_BINARY(por, U64(a | b))
VEC_BINARY(pxor, U64(a ^ b))

/* ---- addition and subtraction ---- */

static inline int32_t clamp(int32_t v, int32_t low, int32_t high) { return v < low ? low : v > high ? high : v; }
#define SAT_I8(v)  clamp((v), INT8_MIN, INT8_MAX)
#define SAT_U8(v)  clamp((v), 0, UINT8_MAX)
#define SAT_I16(v) clamp((v), INT16_MIN, INT16_MAX)
#define SAT_U16(v) clamp((v), 0, UINT16_MAX)

VEC_BINARY(paddb, U8(a + b))
VEC_BINARY(paddw, U16(a + b))
VEC_BINARY(paddd, U32(a + b))
VEC_BINARY(paddq, U64(a + b))
VEC_BINARY(psubb, U8(a - b))
VEC_BINARY(psubw, U16(a - b))
VEC_BINARY(psubd, U32(a - b))
VEC_BINARY(psubq, U64(a - b))
VEC_BINARY(paddsb, I8(SAT_I8(a + b)))
VEC_BINARY(paddsw, I16(SAT_I16(a + b)))
VEC_BINARY(paddusb, U8(SAT_U8(a + b)))
VEC_BINARY(paddusw, U16(SAT_U16(a + b)))
VEC_BINARY(psubsb, I8(SAT_I8(a - b)))
VEC_BINARY(psubsw, I16(SAT_I16(a - b)))
VEC_BINARY(psubusb, U8(SAT_U8(a - b)))
VEC_BINARY(psubusw, U16(SAT_U16(a - b)))
VEC_BINARY(pavgb, U8((a + b + 1) >> 1))
VEC_BINARY(pavgw, U16((a + b + 1) >> 1))

/* ---- comparison ---- */
VEC_BINARY(pcmpeqb, U8(a == b ? UINT8_MAX : 0))
VEC_BINARY(pcmpeqw, U16(a == b ? UINT16_MAX : 0))
VEC_BINARY(pcmpeqd, U32(a == b ? UINT32_MAX : 0))
VEC_BINARY_X(pcmpeqq, U64(a == b ? UINT64_MAX : 0))
VEC_BINARY(pcmpgtb, I8(a > b ? -1 : 0))
VEC_BINARY(pcmpgtw, I16(a > b ? -1 : 0))
VEC_BINARY(pcmpgtd, I32(a > b ? -1 : 0))
VEC_BINARY_X(pcmpgtq, I64(a > b ? -1 : 0))
VEC_BINARY(pminub, U8(a < b ? a : b))
VEC_BINARY(pmaxub, U8(a > b ? a : b))
VEC_BINARY(pminsw, I16(a < b ? a : b))
VEC_BINARY(pmaxsw, I16(a > b ? a : b))
VEC_BINARY_X(pminsb, I8(a < b ? a : b))
VEC_BINARY_X(pmaxsb, I8(a > b ? a : b))
VEC_BINARY_X(pminuw, U16(a < b ? a : b))
VEC_BINARY_X(pmaxuw, U16(a > b ? a : b))
VEC_BINARY_X(pminsd, I32(a < b ? a : b))
VEC_BINARY_X(pmaxsd, I32(a > b ? a : b))
VEC_BINARY_X(pminud, U32(a < b ? a : b))
VEC_BINARY_X(pmaxud, U32(a > b ? a : b))

/* ---- sign ---- */
VEC_UNARY(pabsb, U8((int8_t)b < 0 ? -b : b))
VEC_UNARY(pabsw, U16((int16_t)b < 0 ? -b : b))
VEC_UNARY(pabsd, U32((int32_t)b < 0 ? 0u - b : b))
#define SIGNED(type) ((type)b < 0 ? 0u - a : b == 0 ? 0 : a)
VEC_BINARY(psignb, U8(SIGNED(int8_t)))
VEC_BINARY(psignw, U16(SIGNED(int16_t)))
VEC_BINARY(psignd, U32(SIGNED(int32_t)))

/* ---- multiplication ---- */
VEC_BINARY(pmullw, U16((uint32_t)a * b))
VEC_BINARY(pmulhw, I16((a * b) >> 16))
VEC_BINARY(pmulhuw, U16(((uint32_t)a * b) >> 16))
VEC_BINARY(pmulhrsw, I16((((a * b) >> 14) + 1) >> 1))
VEC_BINARY_X(pmulld, U32(a * b))
VEC_BINARY(pmuludq, U64((a & UINT32_MAX) * (b & UINT32_MAX)))
VEC_BINARY_X(pmuldq, I64((int64_t)(int32_t)a * (int32_t)b))

/* Sums of neighbouring products; the wrap of 8000h * 8000h * 2 is the SDM's. */
VEC_BINARY(pmaddwd, U32((uint32_t)(x->i16[2 * i] * y->i16[2 * i]) + (uint32_t)(x->i16[2 * i + 1] * y->i16[2 * i + 1])))
VEC_BINARY(pmaddubsw, I16(SAT_I16(x->u8[2 * i] * y->i8[2 * i] + x->u8[2 * i + 1] * y->i8[2 * i + 1])))

/* ---- horizontal ---- */

/* Element i of the pairs of x, then of y. */
#define PAIRS     (n / sizeof(r.u16[0]) / 2)
#define PAIRS32   (n / sizeof(r.u32[0]) / 2)
#define PAIR_W(k) (i < PAIRS ? x->i16[2 * i + (k)] : y->i16[2 * (i - PAIRS) + (k)])
#define PAIR_D(k) (i < PAIRS32 ? x->u32[2 * i + (k)] : y->u32[2 * (i - PAIRS32) + (k)])
VEC_BINARY(phaddw, I16(PAIR_W(0) + PAIR_W(1)))
VEC_BINARY(phaddd, U32(PAIR_D(0) + PAIR_D(1)))
VEC_BINARY(phaddsw, I16(SAT_I16(PAIR_W(0) + PAIR_W(1))))
VEC_BINARY(phsubw, I16(PAIR_W(0) - PAIR_W(1)))
VEC_BINARY(phsubd, U32(PAIR_D(0) - PAIR_D(1)))
VEC_BINARY(phsubsw, I16(SAT_I16(PAIR_W(0) - PAIR_W(1))))

static inline unsigned distance(uint8_t a, uint8_t b) { return a > b ? a - b : b - a; }

VEC_BINARY(psadbw, {
	for (unsigned i = 0; i < n; i++)
		r.u16[i / 8 * 4] = (uint16_t)(r.u16[i / 8 * 4] + distance(x->u8[i], y->u8[i]));
})
/* The immediate byte has bits for each lane: where in x (bit 2) and y (bits 1:0) the blocks begin. */
VEC_BINARY_X(mpsadbw, {
	unsigned at = imm >> (3 * lane) & 7, first = (at & 4), block = (at & 3) * 4;
	for (unsigned i = 0; i < 8; i++)
		for (unsigned k = 0; k < 4; k++)
			r.u16[i] = (uint16_t)(r.u16[i] + distance(x->u8[first + i + k], y->u8[block + k]));
})
VEC_UNARY_X(phminposuw, {
	unsigned least = 0;
	for (unsigned i = 1; i < 8; i++)
		least = y->u16[i] < y->u16[least] ? i : least;
	r.u16[0] = y->u16[least];
	r.u16[1] = (uint16_t)least;
})
