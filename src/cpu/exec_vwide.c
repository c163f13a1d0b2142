/* What AVX and AVX2 brought besides wider registers: permutations across the halves, broadcasts, masked moves, gathers,
 * VZEROUPPER; and MASKMOVQ, MASKMOVDQU.  SDM 2, the instructions' pages. */
#include "cpu/vec.h"

/* ---- permutations across the halves; 256 bits alone ---- */

VEC_INLINE bool put_vec(struct cpu *cpu, const struct uop *u, union vec v)
{
	cpu->s.vec[u->dst] = v;
	return true;
}
/* r from second (x) and src (y); from src alone. */
#define WIDE(name, form_r, form_m, expression)                                                                         \
	VEC_INLINE bool name##_of(struct cpu *cpu, const struct uop *u, const union vec *y)                            \
	{                                                                                                              \
		const union vec *x = &cpu->s.vec[uop_second(u)];                                                       \
		union vec r;                                                                                           \
		(void)x;                                                                                               \
		expression;                                                                                            \
		return put_vec(cpu, u, r);                                                                             \
	}                                                                                                              \
	VEC_INLINE bool name##_memory(struct cpu *cpu, const struct uop *u)                                            \
	{                                                                                                              \
		union vec y;                                                                                           \
		return vec_load(cpu, u, 32, 1, &y) && name##_of(cpu, u, &y);                                           \
	}                                                                                                              \
	THEN_NEXT(name##_r, name##_of(cpu, u, &cpu->s.vec[u->src]))                                                    \
	THEN_NEXT(name##_m, name##_memory(cpu, u))                                                                     \
	const struct exec exec_##name = {{[form_r] = {0, 0, 0, name##_r}, [form_m] = {0, 0, 0, name##_m}}};

/* By the low four bits for each half: 3 clears it, 1:0 name one of the four. */
VEC_INLINE union xmm chosen(const union vec *x, const union vec *y, unsigned control)
{
	if (control & 8)
		return (union xmm){.u64 = {0, 0}};
	return (control & 2 ? y : x)->lane[control & 1];
}
WIDE(perm2f128, FORM_RRR, FORM_RRM, for (unsigned i = 0; i < 2; i++) r.lane[i] = chosen(x, y, u->imm >> (4 * i) & 15))
WIDE(permd, FORM_RRR, FORM_RRM, for (unsigned i = 0; i < 8; i++) r.u32[i] = y->u32[x->u32[i] & 7])
WIDE(permq, FORM_RRI, FORM_RMI, for (unsigned i = 0; i < 4; i++) r.u64[i] = y->u64[u->imm >> (2 * i) & 3])

VEC_INLINE bool insert128(struct cpu *cpu, const struct uop *u, const union xmm *y)
{
	union vec r = cpu->s.vec[uop_second(u)];

	r.lane[u->imm & 1] = *y;
	return put_vec(cpu, u, r);
}
VEC_INLINE bool insert128_memory(struct cpu *cpu, const struct uop *u)
{
	union xmm y;

	return vec_load(cpu, u, 16, 1, &y) && insert128(cpu, u, &y);
}
VEC_INLINE bool extract128(struct cpu *cpu, const struct uop *u)
{
	vec_write128(cpu, u->dst, cpu->s.vec[u->src].lane[u->imm & 1]);
	return true;
}
THEN_NEXT(insert128_r, insert128(cpu, u, xmm(cpu, u->src)))
THEN_NEXT(insert128_m, insert128_memory(cpu, u))
THEN_NEXT(extract128_r, extract128(cpu, u))
THEN_NEXT(extract128_m, vec_store(cpu, u, 16, 1, &cpu->s.vec[u->src].lane[u->imm & 1]))
const struct exec exec_insertf128 = {{[FORM_RRR] = {0, 0, 0, insert128_r}, [FORM_RRM] = {0, 0, 0, insert128_m}}};
const struct exec exec_extractf128 = {{[FORM_RRI] = {0, 0, 0, extract128_r}, [FORM_MRI] = {0, 0, 0, extract128_m}}};

/* ---- broadcasts ---- */

VEC_INLINE bool fill(struct cpu *cpu, const struct uop *u, const union xmm *y, unsigned size, unsigned bytes)
{
	union vec r = {.u64 = {0, 0, 0, 0}};

	for (unsigned i = 0; i < bytes; i += size)
		memcpy(&r.u8[i], y->u8, size);
	return put_vec(cpu, u, r);
}
VEC_INLINE bool fill_memory(struct cpu *cpu, const struct uop *u, unsigned size, unsigned bytes)
{
	union xmm y;

	return vec_load(cpu, u, size, 1, &y) && fill(cpu, u, &y, size, bytes);
}
#define BROADCAST(name, size)                                                                                          \
	THEN_NEXT(name##_r128, fill(cpu, u, xmm(cpu, u->src), size, 16))                                               \
	THEN_NEXT(name##_r256, fill(cpu, u, xmm(cpu, u->src), size, 32))                                               \
	THEN_NEXT(name##_m128, fill_memory(cpu, u, size, 16))                                                          \
	THEN_NEXT(name##_m256, fill_memory(cpu, u, size, 32))                                                          \
	const struct exec exec_##name = {                                                                              \
		{[FORM_RR] = {0, 0, name##_r128, name##_r256}, [FORM_RM] = {0, 0, name##_m128, name##_m256}}};
BROADCAST(pbroadcastb, 1)
BROADCAST(pbroadcastw, 2)
BROADCAST(broadcastss, 4)
BROADCAST(broadcastsd, 8)
BROADCAST(broadcastf128, 16)

/* ---- masked moves: an element whose mask has no sign is not touched in memory.  No #AC (SDM 2, "VMASKMOV") ---- */

static bool masked(const union vec *mask, unsigned i, unsigned size) { return mask->u8[i * size + size - 1] & 0x80; }

static bool masked_load(struct cpu *cpu, const struct uop *u, unsigned size, unsigned bytes)
{
	const union vec *mask = &cpu->s.vec[uop_second(u)];
	union vec r = {.u64 = {0, 0, 0, 0}};
	uint64_t ea = uop_ea(cpu, u);

	for (unsigned i = 0; i < bytes / size; i++)
		if (masked(mask, i, size) &&
		    !seg_load(&cpu->mmu, (enum seg)u->seg, operand_at(cpu, ea, i * size), size, 0, &r.u8[i * size]))
			return false;
	return put_vec(cpu, u, r);
}

/* Nothing is stored unless all of it can be. */
static bool masked_store(struct cpu *cpu, const struct uop *u, uint64_t ea, const union vec *mask, const uint8_t *from,
			 unsigned size, unsigned bytes)
{
	enum seg seg = (enum seg)u->seg;

	for (unsigned i = 0; i < bytes / size; i++)
		if (masked(mask, i, size) && !seg_probe_store(&cpu->mmu, seg, operand_at(cpu, ea, i * size), size, 0))
			return false;
	for (unsigned i = 0; i < bytes / size; i++)
		if (masked(mask, i, size) &&
		    !seg_store(&cpu->mmu, seg, operand_at(cpu, ea, i * size), size, 0, &from[i * size]))
			return false;
	return true;
}
#define STORE_MASKED(size, bytes)                                                                                      \
	masked_store(cpu, u, uop_ea(cpu, u), &cpu->s.vec[uop_second(u)], cpu->s.vec[u->src].u8, size, bytes)
#define MASKED(name, size)                                                                                             \
	THEN_NEXT(name##_load128, masked_load(cpu, u, size, 16))                                                       \
	THEN_NEXT(name##_load256, masked_load(cpu, u, size, 32))                                                       \
	THEN_NEXT(name##_store128, STORE_MASKED(size, 16))                                                             \
	THEN_NEXT(name##_store256, STORE_MASKED(size, 32))                                                             \
	const struct exec exec_##name = {{[FORM_RRM] = {0, 0, name##_load128, name##_load256},                         \
					  [FORM_MRR] = {0, 0, name##_store128, name##_store256}}};
MASKED(maskmovps, 4)
MASKED(maskmovpd, 8)

/* To [rDI], bytes of the first operand by the signs of the second. */
static bool maskmovdqu(struct cpu *cpu, const struct uop *u)
{
	return masked_store(cpu, u, addr_reg(cpu, u, RDI), &cpu->s.vec[u->src], cpu->s.vec[u->dst].u8, 1, 16);
}
static bool maskmovq(struct cpu *cpu, const struct uop *u)
{
	union vec mask = {.lane = {mmx_read(cpu, u->src)}};
	union xmm from = mmx_read(cpu, u->dst);

	if (!masked_store(cpu, u, addr_reg(cpu, u, RDI), &mask, from.u8, 1, 8))
		return false;
	mmx_begin(cpu);
	return true;
}
THEN_NEXT(maskmovdqu_rr, maskmovdqu(cpu, u))
MMX_HANDLER(maskmovq_rr, maskmovq(cpu, u))
const struct exec exec_maskmovdqu = {{[FORM_RR] = {0, maskmovdqu_rr, maskmovdqu_rr, 0}}};
const struct exec exec_maskmovq = {{[FORM_RR] = {maskmovq_rr, 0, 0, 0}}};

/* ---- gathers ---- */

/* Sizes in bytes: of an element, of an index; count elements. */
struct gather {
	unsigned size, index_size, count;
};

/* Element by element: what was read is in the destination and its mask cleared when a later one faults, so that the
 * instruction goes on there (SDM 2, "VPGATHERDD/VPGATHERQD"; no #AC). */
static bool gather(struct cpu *cpu, const struct uop *u, struct gather g)
{
	union vec *dst = &cpu->s.vec[u->dst], *mask = &cpu->s.vec[u->src];
	const union vec *index = &cpu->s.vec[u->index];
	uint64_t base = cpu->s.gpr.r64[u->base] + (uint64_t)(int64_t)u->disp;

	for (unsigned i = 0; i < 32 / g.size; i++)
		memset(&mask->u8[i * g.size], i < g.count && masked(mask, i, g.size) ? 0xff : 0, g.size);
	for (unsigned i = 0; i < g.count; i++) {
		if (!masked(mask, i, g.size))
			continue;
		uint64_t at = g.index_size == 8 ? index->u64[i] : (uint64_t)(int64_t)(int32_t)index->u32[i];
		uint64_t ea = (base + (at << u->scale)) << u->addr_shift >> u->addr_shift;
		if (!seg_load(&cpu->mmu, (enum seg)u->seg, ea, g.size, 0, &dst->u8[i * g.size]))
			return false;
		memset(&mask->u8[i * g.size], 0, g.size);
	}
	memset(&dst->u8[g.count * g.size], 0, 32 - g.count * g.size);
	return true;
}
#define GATHER(name, size, index_size, n)                                                                              \
	THEN_NEXT(name##_128, gather(cpu, u, (struct gather){size, index_size, n}))                                    \
	THEN_NEXT(name##_256, gather(cpu, u, (struct gather){size, index_size, 2 * (n)}))                              \
	const struct exec exec_##name = {{[FORM_RMR] = {0, 0, name##_128, name##_256}}};
GATHER(gatherdd, 4, 4, 4)
GATHER(gatherdq, 8, 4, 2)
GATHER(gatherqd, 4, 8, 2)
GATHER(gatherqq, 8, 8, 2)

/* ---- VZEROUPPER, VZEROALL: of the registers that the mode has ---- */

VEC_INLINE bool zero(struct cpu *cpu, unsigned first)
{
	unsigned count = vec_count(cpu);

	for (unsigned i = 0; i < count; i++)
		for (unsigned lane = first; lane < 2; lane++)
			cpu->s.vec[i].lane[lane] = (union xmm){.u64 = {0, 0}};
	return true;
}
THEN_NEXT(zeroall, zero(cpu, 0))
THEN_NEXT(zeroupper, zero(cpu, 1))
const struct exec exec_vzeroall = {{[FORM_NONE] = EXEC_ALL(zeroall)}};
const struct exec exec_vzeroupper = {{[FORM_NONE] = EXEC_ALL(zeroupper)}};
