/* Instructions that move elements about: packing, interleaving, shuffling, blending, inserting, extracting.  SDM 2, the
 * instructions' pages.  With 256 bits each works on the two halves apart. */
#include "cpu/vec.h"

/* ---- packing: elements of half the size, those of x below those of y ---- */
#define PACKED(field, size) (i < n / (size) ? x->field[i] : y->field[i - n / (size)])
static inline int32_t saturate(int32_t v, int32_t low, int32_t high) { return v < low ? low : v > high ? high : v; }

VEC_BINARY(packsswb, I8(saturate(PACKED(i16, 2), INT8_MIN, INT8_MAX)))
VEC_BINARY(packuswb, U8(saturate(PACKED(i16, 2), 0, UINT8_MAX)))
VEC_BINARY(packssdw, I16(saturate(PACKED(i32, 4), INT16_MIN, INT16_MAX)))
VEC_BINARY_X(packusdw, U16(saturate(PACKED(i32, 4), 0, UINT16_MAX)))

/* ---- interleaving: the low or the high halves of x and y.  MMX reads 32 bits of memory for the low ones. ---- */
#define LOW(field)        (i & 1 ? y->field[i / 2] : x->field[i / 2])
#define HIGH(field, size) (i & 1 ? y->field[n / (size) / 2 + i / 2] : x->field[n / (size) / 2 + i / 2])

VEC_BINARY_FROM(punpcklbw, 4, U8(LOW(u8)))
VEC_BINARY_FROM(punpcklwd, 4, U16(LOW(u16)))
VEC_BINARY_FROM(punpckldq, 4, U32(LOW(u32)))
VEC_BINARY_X(punpcklqdq, U64(LOW(u64)))
VEC_BINARY(punpckhbw, U8(HIGH(u8, 1)))
VEC_BINARY(punpckhwd, U16(HIGH(u16, 2)))
VEC_BINARY(punpckhdq, U32(HIGH(u32, 4)))
VEC_BINARY_X(punpckhqdq, U64(HIGH(u64, 8)))

/* ---- shuffling ---- */
#define CHOICE(i) (imm >> (2 * (i)) & 3)

VEC_LANE(pshufw, U16(y->u16[CHOICE(i)]))
VEC_MMX_HANDLERS(pshufw, 8)
const struct exec exec_pshufw = {{[FORM_RRI] = {pshufw_mmx_rr, 0, 0, 0}, [FORM_RMI] = {pshufw_mmx_rm, 0, 0, 0}}};
VEC_UNARY_X(pshufd, U32(y->u32[CHOICE(i)]))
VEC_UNARY_X(pshuflw, U16(i < 4 ? y->u16[CHOICE(i)] : b))
VEC_UNARY_X(pshufhw, U16(i < 4 ? b : y->u16[4 + CHOICE(i - 4)]))
VEC_BINARY_X(shufps, U32(i < 2 ? x->u32[CHOICE(i)] : y->u32[CHOICE(i)]))
VEC_BINARY_X(shufpd, U64(i == 0 ? x->u64[imm >> (2 * lane) & 1] : y->u64[imm >> (2 * lane + 1) & 1]))
VEC_BINARY(pshufb, U8(b & 0x80 ? 0 : x->u8[b & (n - 1)]))
VEC_BINARY(palignr, U8(i + imm < n ? y->u8[i + imm] : i + imm < 2 * n ? x->u8[i + imm - n] : 0))
/* VPERMILPS and VPERMILPD: by the immediate byte, or by an operand (pd: bit 1 of each element). */
VEC_UNARY_X(permilps, U32(y->u32[CHOICE(i)]))
VEC_UNARY_X(permilpd, U64(y->u64[imm >> (2 * lane + i) & 1]))
VEC_BINARY_X(permilps_by, U32(x->u32[b & 3]))
VEC_BINARY_X(permilpd_by, U64(x->u64[b >> 1 & 1]))

/* ---- blending ---- */
VEC_BINARY_X(pblendw, U16(imm >> i & 1 ? b : a))
VEC_BINARY_X(pblendd, U32(imm >> (4 * lane + i) & 1 ? b : a))
VEC_BINARY_X(blendpd, U64(imm >> (2 * lane + i) & 1 ? b : a))

/* By the sign of each element of a mask: XMM0, or the fourth operand. */
#define BLEND_BY(name, type, field)                                                                                    \
	VEC_INLINE union xmm by_##name(const union xmm *x, const union xmm *y, const union xmm *mask)                  \
	{                                                                                                              \
		union xmm r;                                                                                           \
		for (unsigned i = 0; i < 16 / sizeof(type); i++)                                                       \
			r.field[i] = mask->field[i] < 0 ? y->field[i] : x->field[i];                                   \
		return r;                                                                                              \
	}                                                                                                              \
	VEC_INLINE bool name##_legacy(struct cpu *cpu, const struct uop *u, const union xmm *y)                        \
	{                                                                                                              \
		*xmm(cpu, u->dst) = by_##name(xmm(cpu, u->dst), y, xmm(cpu, 0));                                       \
		return true;                                                                                           \
	}                                                                                                              \
	VEC_INLINE bool name##_vex(struct cpu *cpu, const struct uop *u, const union vec *y, unsigned lanes)           \
	{                                                                                                              \
		union vec r = {.u64 = {0, 0, 0, 0}};                                                                   \
		for (unsigned i = 0; i < lanes; i++)                                                                   \
			r.lane[i] = by_##name(&cpu->s.vec[uop_second(u)].lane[i], &y->lane[i],                         \
					      &cpu->s.vec[uop_fourth(u)].lane[i]);                                     \
		cpu->s.vec[u->dst] = r;                                                                                \
		return true;                                                                                           \
	}                                                                                                              \
	VEC_INLINE bool name##_memory(struct cpu *cpu, const struct uop *u, unsigned lanes, bool vex)                  \
	{                                                                                                              \
		union vec y;                                                                                           \
		return vec_load(cpu, u, 16 * lanes, vex ? 1 : 16, &y) &&                                               \
		       (vex ? name##_vex(cpu, u, &y, lanes) : name##_legacy(cpu, u, &y.lane[0]));                      \
	}                                                                                                              \
	THEN_NEXT(name##_rr, name##_legacy(cpu, u, xmm(cpu, u->src)))                                                \
	THEN_NEXT(name##_rm, name##_memory(cpu, u, 1, false))                                                        \
	THEN_NEXT(name##_r128, name##_vex(cpu, u, &cpu->s.vec[u->src], 1))                                           \
	THEN_NEXT(name##_r256, name##_vex(cpu, u, &cpu->s.vec[u->src], 2))                                           \
	THEN_NEXT(name##_m128, name##_memory(cpu, u, 1, true))                                                       \
	THEN_NEXT(name##_m256, name##_memory(cpu, u, 2, true))                                                       \
	const struct exec exec_##name = {{[FORM_RR] = {0, name##_rr, 0, 0},                                            \
					  [FORM_RM] = {0, name##_rm, 0, 0},                                            \
					  [FORM_RRR] = {0, 0, name##_r128, name##_r256},                               \
					  [FORM_RRM] = {0, 0, name##_m128, name##_m256}}};
BLEND_BY(pblendvb, int8_t, i8)
BLEND_BY(blendvps, int32_t, i32)
BLEND_BY(blendvpd, int64_t, i64)

/* ---- inserting ---- */

/* Element `size` bytes wide of register from, made dst's; index by the immediate byte. */
VEC_INLINE bool insert(struct cpu *cpu, const struct uop *u, struct rd v, unsigned size, unsigned from, bool vex)
{
	union xmm r = *xmm(cpu, from);

	if (!v.ok)
		return false;
	host_store(&r.u8[(u->imm & (16 / size - 1)) * size], size, v.v);
	if (vex)
		vec_write128(cpu, u->dst, r);
	else
		*xmm(cpu, u->dst) = r;
	return true;
}
VEC_INLINE bool insert_mmx(struct cpu *cpu, const struct uop *u, struct rd v)
{
	union xmm r = mmx_read(cpu, u->dst);

	if (!v.ok)
		return false;
	r.u16[u->imm & 3] = (uint16_t)v.v;
	mmx_write(cpu, u->dst, r.u64[0]);
	return true;
}
#define GPR_SOURCE ((struct rd){cpu->s.gpr.r64[u->src], true})
#define INSERTS(name, size)                                                                                            \
	THEN_NEXT(name##_r, insert(cpu, u, GPR_SOURCE, size, u->dst, false))                                         \
	THEN_NEXT(name##_m, insert(cpu, u, mem_read(cpu, u, size), size, u->dst, false))                             \
	THEN_NEXT(v##name##_r, insert(cpu, u, GPR_SOURCE, size, uop_second(u), true))                                \
	THEN_NEXT(v##name##_m, insert(cpu, u, mem_read(cpu, u, size), size, uop_second(u), true))
INSERTS(pinsrb, 1)
INSERTS(pinsrw, 2)
INSERTS(pinsrd, 4)
INSERTS(pinsrq, 8)
MMX_HANDLER(pinsrw_mmx_r, insert_mmx(cpu, u, GPR_SOURCE))
MMX_HANDLER(pinsrw_mmx_m, insert_mmx(cpu, u, mem_read(cpu, u, 2)))
const struct exec exec_pinsrb = {{[FORM_RRI] = {0, pinsrb_r, 0, 0},
				  [FORM_RMI] = {0, pinsrb_m, 0, 0},
				  [FORM_RRR] = {0, 0, vpinsrb_r, 0},
				  [FORM_RRM] = {0, 0, vpinsrb_m, 0}}};
const struct exec exec_pinsrw = {{[FORM_RRI] = {pinsrw_mmx_r, pinsrw_r, 0, 0},
				  [FORM_RMI] = {pinsrw_mmx_m, pinsrw_m, 0, 0},
				  [FORM_RRR] = {0, 0, vpinsrw_r, 0},
				  [FORM_RRM] = {0, 0, vpinsrw_m, 0}}};
const struct exec exec_pinsrd = {{[FORM_RRI] = {0, 0, pinsrd_r, pinsrq_r},
				  [FORM_RMI] = {0, 0, pinsrd_m, pinsrq_m},
				  [FORM_RRR] = {0, 0, vpinsrd_r, vpinsrq_r},
				  [FORM_RRM] = {0, 0, vpinsrd_m, vpinsrq_m}}};

/* imm: 7:6 which element of a register source, 5:4 where it goes, 3:0 what becomes zero. */
VEC_INLINE bool insertps(struct cpu *cpu, const struct uop *u, struct rd v, unsigned from, bool vex)
{
	union xmm r = *xmm(cpu, from);

	if (!v.ok)
		return false;
	r.u32[u->imm >> 4 & 3] = (uint32_t)v.v;
	for (unsigned i = 0; i < 4; i++)
		r.u32[i] = u->imm >> i & 1 ? 0 : r.u32[i];
	if (vex)
		vec_write128(cpu, u->dst, r);
	else
		*xmm(cpu, u->dst) = r;
	return true;
}
#define XMM_SOURCE ((struct rd){xmm(cpu, u->src)->u32[u->imm >> 6 & 3], true})
THEN_NEXT(insertps_r, insertps(cpu, u, XMM_SOURCE, u->dst, false))
THEN_NEXT(insertps_m, insertps(cpu, u, mem_read(cpu, u, 4), u->dst, false))
THEN_NEXT(vinsertps_r, insertps(cpu, u, XMM_SOURCE, uop_second(u), true))
THEN_NEXT(vinsertps_m, insertps(cpu, u, mem_read(cpu, u, 4), uop_second(u), true))
const struct exec exec_insertps = {{[FORM_RRI] = {0, insertps_r, 0, 0},
				    [FORM_RMI] = {0, insertps_m, 0, 0},
				    [FORM_RRR] = {0, 0, vinsertps_r, 0},
				    [FORM_RRM] = {0, 0, vinsertps_m, 0}}};

/* ---- extracting: to memory of the element's size, or to a whole general register ---- */

VEC_INLINE uint64_t element(const union xmm *v, const struct uop *u, unsigned size)
{
	return host_load(&v->u8[(u->imm & (16 / size - 1)) * size], size);
}
VEC_INLINE bool extract(struct cpu *cpu, const struct uop *u, unsigned size)
{
	cpu->s.gpr.r64[u->dst] = element(xmm(cpu, u->src), u, size);
	return true;
}
VEC_INLINE bool extract_mmx(struct cpu *cpu, const struct uop *u)
{
	union xmm v = mmx_read(cpu, u->src);

	mmx_begin(cpu);
	cpu->s.gpr.r64[u->dst] = v.u16[u->imm & 3];
	return true;
}
#define EXTRACTS(name, size)                                                                                           \
	THEN_NEXT(name##_r, extract(cpu, u, size))                                                                   \
	THEN_NEXT(name##_m, mem_write(cpu, u, size, element(xmm(cpu, u->src), u, size)))
EXTRACTS(pextrb, 1)
EXTRACTS(pextrw, 2)
EXTRACTS(pextrd, 4)
EXTRACTS(pextrq, 8)
MMX_HANDLER(pextrw_mmx, extract_mmx(cpu, u))
const struct exec exec_pextrb = {{[FORM_RRI] = {0, pextrb_r, pextrb_r, 0}, [FORM_MRI] = {0, pextrb_m, pextrb_m, 0}}};
const struct exec exec_pextrw = {
	{[FORM_RRI] = {pextrw_mmx, pextrw_r, pextrw_r, 0}, [FORM_MRI] = {0, pextrw_m, pextrw_m, 0}}};
const struct exec exec_pextrd = {{[FORM_RRI] = {0, 0, pextrd_r, pextrq_r}, [FORM_MRI] = {0, 0, pextrd_m, pextrq_m}}};
const struct exec exec_extractps = {{[FORM_RRI] = {0, pextrd_r, pextrd_r, 0}, [FORM_MRI] = {0, pextrd_m, pextrd_m, 0}}};

/* ---- PTEST, VTESTPS, VTESTPD: ZF: y AND x is zero; CF: y AND NOT x is; of all bits or the signs alone ---- */

VEC_INLINE bool test(struct cpu *cpu, const struct uop *u, const union vec *y, unsigned lanes, uint64_t bits)
{
	const union vec *x = &cpu->s.vec[u->dst];
	uint64_t both = 0, only = 0;

	for (unsigned i = 0; i < 2 * lanes; i++) {
		both |= y->u64[i] & x->u64[i] & bits;
		only |= y->u64[i] & ~x->u64[i] & bits;
	}
	flags_load(&cpu->f, (both == 0 ? FLAG_ZF : 0) | (only == 0 ? FLAG_CF : 0));
	return true;
}
VEC_INLINE bool test_memory(struct cpu *cpu, const struct uop *u, unsigned lanes, unsigned align, uint64_t bits)
{
	union vec y;

	return vec_load(cpu, u, 16 * lanes, align, &y) && test(cpu, u, &y, lanes, bits);
}
#define TESTS(name, bits)                                                                                              \
	THEN_NEXT(name##_r128, test(cpu, u, &cpu->s.vec[u->src], 1, bits))                                           \
	THEN_NEXT(name##_r256, test(cpu, u, &cpu->s.vec[u->src], 2, bits))                                           \
	THEN_NEXT(name##_sse, test_memory(cpu, u, 1, 16, bits))                                                      \
	THEN_NEXT(name##_m128, test_memory(cpu, u, 1, 1, bits))                                                      \
	THEN_NEXT(name##_m256, test_memory(cpu, u, 2, 1, bits))                                                      \
	const struct exec exec_##name = {{[FORM_RR] = {0, name##_r128, name##_r128, name##_r256},                      \
					  [FORM_RM] = {0, name##_sse, name##_m128, name##_m256}}};
TESTS(ptest, UINT64_MAX)
TESTS(testps, UINT64_C(0x8000000080000000))
TESTS(testpd, UINT64_C(0x8000000000000000))

/* ---- PMOVSX, PMOVZX: the low elements of the source, wider ---- */
#define EXTENDS(name, from, from_field, to_type, to)                                                                   \
	VEC_INLINE bool name(struct cpu *cpu, const struct uop *u, const union xmm *y, unsigned bytes, bool vex)       \
	{                                                                                                              \
		union vec r = {.u64 = {0, 0, 0, 0}};                                                                   \
		for (unsigned i = 0; i < bytes / sizeof(to_type); i++)                                                 \
			r.to[i] = (to_type)(from)y->from_field[i];                                                     \
		if (vex)                                                                                               \
			cpu->s.vec[u->dst] = r;                                                                        \
		else                                                                                                   \
			*xmm(cpu, u->dst) = r.lane[0];                                                                 \
		return true;                                                                                           \
	}                                                                                                              \
	VEC_INLINE bool name##_memory(struct cpu *cpu, const struct uop *u, unsigned bytes, bool vex)                  \
	{                                                                                                              \
		const unsigned read = bytes / (sizeof(to_type) / sizeof(from));                                        \
		union xmm y = {.u64 = {0, 0}};                                                                         \
		struct rd m = {0, true};                                                                               \
		if (read > 8) {                                                                                        \
			if (!vec_load(cpu, u, read, 1, &y))                                                            \
				return false;                                                                          \
		} else {                                                                                               \
			m = mem_read(cpu, u, read);                                                                    \
			y.u64[0] = m.v;                                                                                \
		}                                                                                                      \
		return m.ok && name(cpu, u, &y, bytes, vex);                                                           \
	}                                                                                                              \
	THEN_NEXT(name##_rr, name(cpu, u, xmm(cpu, u->src), 16, false))                                              \
	THEN_NEXT(name##_rm, name##_memory(cpu, u, 16, false))                                                       \
	THEN_NEXT(name##_r128, name(cpu, u, xmm(cpu, u->src), 16, true))                                             \
	THEN_NEXT(name##_m128, name##_memory(cpu, u, 16, true))                                                      \
	THEN_NEXT(name##_r256, name(cpu, u, xmm(cpu, u->src), 32, true))                                             \
	THEN_NEXT(name##_m256, name##_memory(cpu, u, 32, true))                                                      \
	const struct exec exec_##name = {{[FORM_RR] = {0, name##_rr, name##_r128, name##_r256},                        \
					  [FORM_RM] = {0, name##_rm, name##_m128, name##_m256}}};
EXTENDS(pmovsxbw, int8_t, u8, uint16_t, u16)
EXTENDS(pmovsxbd, int8_t, u8, uint32_t, u32)
EXTENDS(pmovsxbq, int8_t, u8, uint64_t, u64)
EXTENDS(pmovsxwd, int16_t, u16, uint32_t, u32)
EXTENDS(pmovsxwq, int16_t, u16, uint64_t, u64)
EXTENDS(pmovsxdq, int32_t, u32, uint64_t, u64)
EXTENDS(pmovzxbw, uint8_t, u8, uint16_t, u16)
EXTENDS(pmovzxbd, uint8_t, u8, uint32_t, u32)
EXTENDS(pmovzxbq, uint8_t, u8, uint64_t, u64)
EXTENDS(pmovzxwd, uint16_t, u16, uint32_t, u32)
EXTENDS(pmovzxwq, uint16_t, u16, uint64_t, u64)
EXTENDS(pmovzxdq, uint32_t, u32, uint64_t, u64)
