/* Moves of MMX and vector registers.  SDM 2, the instructions' pages. */
#include "cpu/vec.h"

/* ---- whole registers ---- */

VEC_INLINE bool copy_xmm(struct cpu *cpu, const struct uop *u)
{
	*xmm(cpu, u->dst) = *xmm(cpu, u->src);
	return true;
}
VEC_INLINE bool copy_vec(struct cpu *cpu, const struct uop *u, unsigned bytes)
{
	if (bytes == 16)
		vec_write128(cpu, u->dst, *xmm(cpu, u->src));
	else
		cpu->s.vec[u->dst] = cpu->s.vec[u->src];
	return true;
}
VEC_INLINE bool load_xmm(struct cpu *cpu, const struct uop *u, unsigned align)
{
	return vec_load(cpu, u, 16, align, xmm(cpu, u->dst));
}
VEC_INLINE bool load_vec(struct cpu *cpu, const struct uop *u, unsigned bytes, unsigned align)
{
	union vec v = {.u64 = {0, 0, 0, 0}};

	if (!vec_load(cpu, u, bytes, align, &v))
		return false;
	cpu->s.vec[u->dst] = v;
	return true;
}

THEN_NEXT(mov_sse_rr, copy_xmm(cpu, u))
THEN_NEXT(mov_avx128_rr, copy_vec(cpu, u, 16))
THEN_NEXT(mov_avx256_rr, copy_vec(cpu, u, 32))
THEN_NEXT(movu_sse_rm, load_xmm(cpu, u, 1))
THEN_NEXT(movu_avx128_rm, load_vec(cpu, u, 16, 1))
THEN_NEXT(movu_avx256_rm, load_vec(cpu, u, 32, 1))
THEN_NEXT(movu_mr16, vec_store(cpu, u, 16, 1, xmm(cpu, u->src)))
THEN_NEXT(movu_mr32, vec_store(cpu, u, 32, 1, &cpu->s.vec[u->src]))
THEN_NEXT(mova_sse_rm, load_xmm(cpu, u, 16))
THEN_NEXT(mova_avx128_rm, load_vec(cpu, u, 16, 16))
THEN_NEXT(mova_avx256_rm, load_vec(cpu, u, 32, 32))
THEN_NEXT(mova_mr16, vec_store(cpu, u, 16, 16, xmm(cpu, u->src)))
THEN_NEXT(mova_mr32, vec_store(cpu, u, 32, 32, &cpu->s.vec[u->src]))

/* MOVUPS, MOVUPD, MOVDQU, LDDQU. */
const struct exec exec_movu = {{[FORM_RR] = {0, mov_sse_rr, mov_avx128_rr, mov_avx256_rr},
				[FORM_RM] = {0, movu_sse_rm, movu_avx128_rm, movu_avx256_rm},
				[FORM_MR] = {0, movu_mr16, movu_mr16, movu_mr32}}};
/* MOVAPS, MOVAPD, MOVDQA, and the non-temporal MOVNTPS, MOVNTPD, MOVNTDQ, MOVNTDQA: memory is aligned. */
const struct exec exec_mova = {{[FORM_RR] = {0, mov_sse_rr, mov_avx128_rr, mov_avx256_rr},
				[FORM_RM] = {0, mova_sse_rm, mova_avx128_rm, mova_avx256_rm},
				[FORM_MR] = {0, mova_mr16, mova_mr16, mova_mr32}}};

/* ---- MMX registers ---- */

VEC_INLINE bool load_mmx(struct cpu *cpu, const struct uop *u, struct rd v)
{
	if (!v.ok)
		return false;
	mmx_write(cpu, u->dst, v.v);
	return true;
}
VEC_INLINE bool store_mmx(struct cpu *cpu, const struct uop *u, unsigned bytes)
{
	if (!mem_write(cpu, u, bytes, cpu->s.fpu.st[u->src].mantissa))
		return false;
	mmx_begin(cpu);
	return true;
}
VEC_INLINE bool mmx_to_gpr(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	mmx_begin(cpu);
	reg_write(cpu, u->dst, bits, cpu->s.fpu.st[u->src].mantissa);
	return true;
}
VEC_INLINE struct rd rd_of(uint64_t v) { return (struct rd){v, true}; }

MMX_HANDLER(movq_mmx_rr, load_mmx(cpu, u, rd_of(cpu->s.fpu.st[u->src].mantissa)))
MMX_HANDLER(movq_mmx_rm, load_mmx(cpu, u, mem_read(cpu, u, 8)))
MMX_HANDLER(movq_mmx_mr, store_mmx(cpu, u, 8))
/* MOVQ and MOVNTQ. */
const struct exec exec_movq_mmx = {{[FORM_RR] = {movq_mmx_rr, 0, 0, 0},
				    [FORM_RM] = {movq_mmx_rm, 0, 0, 0},
				    [FORM_MR] = {movq_mmx_mr, 0, 0, 0}}};

MMX_HANDLER(movd_to_mmx_rr32, load_mmx(cpu, u, rd_of(reg_read(cpu, u->src, 32))))
MMX_HANDLER(movd_to_mmx_rr64, load_mmx(cpu, u, rd_of(reg_read(cpu, u->src, 64))))
MMX_HANDLER(movd_to_mmx_rm32, load_mmx(cpu, u, mem_read(cpu, u, 4)))
const struct exec exec_movd_to_mmx = {{[FORM_RR] = {0, 0, movd_to_mmx_rr32, movd_to_mmx_rr64},
				       [FORM_RM] = {0, 0, movd_to_mmx_rm32, movq_mmx_rm}}};
MMX_HANDLER(movd_from_mmx_rr32, mmx_to_gpr(cpu, u, 32))
MMX_HANDLER(movd_from_mmx_rr64, mmx_to_gpr(cpu, u, 64))
MMX_HANDLER(movd_from_mmx_mr32, store_mmx(cpu, u, 4))
const struct exec exec_movd_from_mmx = {{[FORM_RR] = {0, 0, movd_from_mmx_rr32, movd_from_mmx_rr64},
					 [FORM_MR] = {0, 0, movd_from_mmx_mr32, movq_mmx_mr}}};

VEC_INLINE bool movq2dq(struct cpu *cpu, const struct uop *u)
{
	mmx_begin(cpu);
	*xmm(cpu, u->dst) = mmx_read(cpu, u->src);
	return true;
}
MMX_HANDLER(movq2dq_rr, movq2dq(cpu, u))
MMX_HANDLER(movdq2q_rr, load_mmx(cpu, u, rd_of(xmm(cpu, u->src)->u64[0])))
const struct exec exec_movq2dq = {{[FORM_RR] = {0, movq2dq_rr, 0, 0}}};
const struct exec exec_movdq2q = {{[FORM_RR] = {0, movdq2q_rr, 0, 0}}};

/* All registers empty, TOP as any MMX instruction leaves it. */
VEC_INLINE bool emms(struct cpu *cpu)
{
	mmx_begin(cpu);
	cpu->s.fpu.tw = 0xffff;
	return true;
}
MMX_HANDLER(emms_none, emms(cpu))
const struct exec exec_emms = {{[FORM_NONE] = EXEC_ALL(emms_none)}};

/* ---- to the low end of a register, the rest cleared: MOVD, MOVQ ---- */

VEC_INLINE bool put_low(struct cpu *cpu, const struct uop *u, struct rd v, bool vex)
{
	union xmm r = {.u64 = {v.v, 0}};

	if (!v.ok)
		return false;
	if (vex)
		vec_write128(cpu, u->dst, r);
	else
		*xmm(cpu, u->dst) = r;
	return true;
}
VEC_INLINE bool low_to_gpr(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	reg_write(cpu, u->dst, bits, xmm(cpu, u->src)->u64[0]);
	return true;
}

THEN_NEXT(movd_to_xmm_rr32, put_low(cpu, u, rd_of(reg_read(cpu, u->src, 32)), false))
THEN_NEXT(movd_to_xmm_rr64, put_low(cpu, u, rd_of(reg_read(cpu, u->src, 64)), false))
THEN_NEXT(load32_sse, put_low(cpu, u, mem_read(cpu, u, 4), false))
THEN_NEXT(load64_sse, put_low(cpu, u, mem_read(cpu, u, 8), false))
THEN_NEXT(vmovd_to_xmm_rr32, put_low(cpu, u, rd_of(reg_read(cpu, u->src, 32)), true))
THEN_NEXT(vmovd_to_xmm_rr64, put_low(cpu, u, rd_of(reg_read(cpu, u->src, 64)), true))
THEN_NEXT(load32_avx, put_low(cpu, u, mem_read(cpu, u, 4), true))
THEN_NEXT(load64_avx, put_low(cpu, u, mem_read(cpu, u, 8), true))
THEN_NEXT(movd_from_xmm_rr32, low_to_gpr(cpu, u, 32))
THEN_NEXT(movd_from_xmm_rr64, low_to_gpr(cpu, u, 64))
THEN_NEXT(store32, mem_write(cpu, u, 4, xmm(cpu, u->src)->u32[0]))
THEN_NEXT(store64, mem_write(cpu, u, 8, xmm(cpu, u->src)->u64[0]))
THEN_NEXT(movq_sse_rr, put_low(cpu, u, rd_of(xmm(cpu, u->src)->u64[0]), false))
THEN_NEXT(movq_avx_rr, put_low(cpu, u, rd_of(xmm(cpu, u->src)->u64[0]), true))

const struct exec exec_movd_to_xmm = {{[FORM_RR] = {0, 0, movd_to_xmm_rr32, movd_to_xmm_rr64},
				       [FORM_RM] = {0, 0, load32_sse, load64_sse}}};
const struct exec exec_vmovd_to_xmm = {{[FORM_RR] = {0, 0, vmovd_to_xmm_rr32, vmovd_to_xmm_rr64},
					[FORM_RM] = {0, 0, load32_avx, load64_avx}}};
const struct exec exec_movd_from_xmm = {{[FORM_RR] = {0, 0, movd_from_xmm_rr32, movd_from_xmm_rr64},
					 [FORM_MR] = {0, 0, store32, store64}}};
const struct exec exec_movq_xmm = {{[FORM_RR] = {0, movq_sse_rr, movq_avx_rr, 0},
				    [FORM_RM] = {0, load64_sse, load64_avx, 0},
				    [FORM_MR] = {0, store64, store64, 0}}};

/* ---- parts of registers: MOVSS, MOVSD, MOVLPS, MOVHPS and their sisters ---- */

/* dst := low, high; the upper half of a YMM register is cleared with a VEX prefix. */
VEC_INLINE bool put_halves(struct cpu *cpu, const struct uop *u, struct rd low, struct rd high, bool vex)
{
	union xmm r = {.u64 = {low.v, high.v}};

	if (!low.ok || !high.ok)
		return false;
	if (vex)
		vec_write128(cpu, u->dst, r);
	else
		*xmm(cpu, u->dst) = r;
	return true;
}
VEC_INLINE struct rd half(const struct cpu *cpu, unsigned i, unsigned which)
{
	return rd_of(cpu->s.vec[i].u64[which]);
}
/* The low half of register a with the low doubleword of register b in it. */
VEC_INLINE struct rd merge32(const struct cpu *cpu, unsigned a, unsigned b)
{
	return rd_of((cpu->s.vec[a].u64[0] & ~(uint64_t)UINT32_MAX) | cpu->s.vec[b].u32[0]);
}

THEN_NEXT(movss_rr, put_halves(cpu, u, merge32(cpu, u->dst, u->src), half(cpu, u->dst, 1), false))
THEN_NEXT(movss_rrr, put_halves(cpu, u, merge32(cpu, uop_second(u), u->src), half(cpu, uop_second(u), 1), true))
const struct exec exec_movss = {{[FORM_RR] = {0, movss_rr, 0, 0},
				 [FORM_RM] = {0, load32_sse, load32_avx, 0},
				 [FORM_MR] = {0, store32, store32, 0},
				 [FORM_RRR] = {0, 0, movss_rrr, 0}}};

#define DST_LOW     half(cpu, u->dst, 0)
#define DST_HIGH    half(cpu, u->dst, 1)
#define SECOND_LOW  half(cpu, uop_second(u), 0)
#define SECOND_HIGH half(cpu, uop_second(u), 1)
#define SRC_LOW     half(cpu, u->src, 0)
#define SRC_HIGH    half(cpu, u->src, 1)
#define MEMORY      mem_read(cpu, u, 8)

THEN_NEXT(movsd_rr, put_halves(cpu, u, SRC_LOW, DST_HIGH, false))
THEN_NEXT(movsd_rrr, put_halves(cpu, u, SRC_LOW, SECOND_HIGH, true))
const struct exec exec_movsd = {{[FORM_RR] = {0, movsd_rr, 0, 0},
				 [FORM_RM] = {0, load64_sse, load64_avx, 0},
				 [FORM_MR] = {0, store64, store64, 0},
				 [FORM_RRR] = {0, 0, movsd_rrr, 0}}};
/* MOVLPS, MOVLPD; the same opcode with registers is MOVHLPS. */
THEN_NEXT(movlps_rm, put_halves(cpu, u, MEMORY, DST_HIGH, false))
THEN_NEXT(movlps_rrm, put_halves(cpu, u, MEMORY, SECOND_HIGH, true))
THEN_NEXT(movhlps_rr, put_halves(cpu, u, SRC_HIGH, DST_HIGH, false))
THEN_NEXT(movhlps_rrr, put_halves(cpu, u, SRC_HIGH, SECOND_HIGH, true))
const struct exec exec_movlps = {{[FORM_RM] = {0, movlps_rm, 0, 0},
				  [FORM_MR] = {0, store64, store64, 0},
				  [FORM_RR] = {0, movhlps_rr, 0, 0},
				  [FORM_RRM] = {0, 0, movlps_rrm, 0},
				  [FORM_RRR] = {0, 0, movhlps_rrr, 0}}};
/* MOVHPS, MOVHPD; with registers MOVLHPS. */
THEN_NEXT(movhps_rm, put_halves(cpu, u, DST_LOW, MEMORY, false))
THEN_NEXT(movhps_rrm, put_halves(cpu, u, SECOND_LOW, MEMORY, true))
THEN_NEXT(movhps_mr, mem_write(cpu, u, 8, xmm(cpu, u->src)->u64[1]))
THEN_NEXT(movlhps_rr, put_halves(cpu, u, DST_LOW, SRC_LOW, false))
THEN_NEXT(movlhps_rrr, put_halves(cpu, u, SECOND_LOW, SRC_LOW, true))
const struct exec exec_movhps = {{[FORM_RM] = {0, movhps_rm, 0, 0},
				  [FORM_MR] = {0, movhps_mr, movhps_mr, 0},
				  [FORM_RR] = {0, movlhps_rr, 0, 0},
				  [FORM_RRM] = {0, 0, movhps_rrm, 0},
				  [FORM_RRR] = {0, 0, movlhps_rrr, 0}}};

VEC_UNARY_X(movsldup, U32(y->u32[i & ~1u]))
VEC_UNARY_X(movshdup, U32(y->u32[i | 1]))

/* MOVDDUP: one quadword of memory where the vector has 128 bits. */
VEC_INLINE bool duplicate256(struct cpu *cpu, const struct uop *u, const union vec *y)
{
	uint64_t a = y->u64[0], b = y->u64[2];

	cpu->s.vec[u->dst] = (union vec){.u64 = {a, a, b, b}};
	return true;
}
VEC_INLINE bool duplicate256_memory(struct cpu *cpu, const struct uop *u)
{
	union vec y;

	return vec_load(cpu, u, 32, 1, &y) && duplicate256(cpu, u, &y);
}
VEC_INLINE bool duplicate(struct cpu *cpu, const struct uop *u, struct rd v, bool vex)
{
	return put_halves(cpu, u, v, v, vex);
}
THEN_NEXT(movddup_sse_rr, duplicate(cpu, u, SRC_LOW, false))
THEN_NEXT(movddup_sse_rm, duplicate(cpu, u, MEMORY, false))
THEN_NEXT(movddup_avx_rr, duplicate(cpu, u, SRC_LOW, true))
THEN_NEXT(movddup_avx_rm, duplicate(cpu, u, MEMORY, true))
THEN_NEXT(movddup_avx256_rr, duplicate256(cpu, u, &cpu->s.vec[u->src]))
THEN_NEXT(movddup_avx256_rm, duplicate256_memory(cpu, u))
const struct exec exec_movddup = {{[FORM_RR] = {0, movddup_sse_rr, movddup_avx_rr, movddup_avx256_rr},
				   [FORM_RM] = {0, movddup_sse_rm, movddup_avx_rm, movddup_avx256_rm}}};

/* ---- sign bits to a general register ---- */

VEC_INLINE bool signs(struct cpu *cpu, const struct uop *u, const uint8_t *v, unsigned bytes, unsigned size)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < bytes / size; i++)
		mask |= (uint64_t)(v[i * size + size - 1] >> 7) << i;
	reg_write(cpu, u->dst, 32, mask);
	return true;
}
VEC_INLINE bool signs_mmx(struct cpu *cpu, const struct uop *u)
{
	union xmm v = mmx_read(cpu, u->src);

	mmx_begin(cpu);
	return signs(cpu, u, v.u8, 8, 1);
}
MMX_HANDLER(pmovmskb_mmx, signs_mmx(cpu, u))
#define SIGNS(name, mmx, size)                                                                                         \
	THEN_NEXT(name##_128, signs(cpu, u, cpu->s.vec[u->src].u8, 16, size))                                        \
	THEN_NEXT(name##_256, signs(cpu, u, cpu->s.vec[u->src].u8, 32, size))                                        \
	const struct exec exec_##name = {{[FORM_RR] = {mmx, name##_128, name##_128, name##_256}}};
SIGNS(pmovmskb, pmovmskb_mmx, 1)
SIGNS(movmskps, 0, 4)
SIGNS(movmskpd, 0, 8)
