/* Memory instructions whose address is computed in 32 bits, or in 64 in a flat segment of 64-bit mode: the common
 * loads, stores and operations once more, with the address in as few steps as it has parts.  A miss in the TLB
 * goes to the plain handler. */
#include "cpu/alu.h"
#include "cpu/fuse.h"

extern const struct exec exec_add, exec_sub, exec_and, exec_or, exec_xor, exec_cmp, exec_test, exec_inc, exec_dec,
	exec_mov, exec_movzx8, exec_movzx16, exec_movsx8, exec_movsx16, exec_movsxd, exec_lea;

/* Base and displacement; the same with an index. */
static inline uint32_t address_base(const struct cpu *cpu, const struct uop *u)
{
	return (uint32_t)cpu->s.gpr.r64[u->base] + (uint32_t)u->disp;
}

static inline uint32_t address_full(const struct cpu *cpu, const struct uop *u)
{
	return (uint32_t)cpu->s.gpr.r64[u->base] + ((uint32_t)cpu->s.gpr.r64[u->index] << u->scale) + (uint32_t)u->disp;
}

static inline uint64_t address_base64(const struct cpu *cpu, const struct uop *u)
{
	return cpu->s.gpr.r64[u->base] + (uint64_t)(int64_t)u->disp;
}

static inline uint64_t address_full64(const struct cpu *cpu, const struct uop *u)
{
	return cpu->s.gpr.r64[u->base] + (cpu->s.gpr.r64[u->index] << u->scale) + (uint64_t)(int64_t)u->disp;
}

/* Where the operand is; in a flat segment of 64-bit mode only the TLB is asked (it has no address that is not
 * canonical). */
#define HIT_base(right, bytes)   seg_hit_##right(cpu, u->seg, address_base(cpu, u), bytes)
#define HIT_full(right, bytes)   seg_hit_##right(cpu, u->seg, address_full(cpu, u), bytes)
#define HIT_base64(right, bytes) tlb_hit(&cpu->mmu, TLB_##right, address_base64(cpu, u), bytes)
#define HIT_full64(right, bytes) tlb_hit(&cpu->mmu, TLB_##right, address_full64(cpu, u), bytes)
#define TLB_read  TLB_READ
#define TLB_write TLB_WRITE

#define SIZE8  0
#define SIZE32 2
#define SIZE64 3
#define R32(i) reg32(cpu, i)
#define R64(i) cpu->s.gpr.r64[i]
#define IMM(u) ((uint32_t)(u)->imm)
#define V(n)   host_load(p, n)
#define SET32(value) set_reg32(cpu, u->dst, (uint32_t)(value))
#define SET64(value) R64(u->dst) = (uint64_t)(value)

/* X(name, set, form, size, bytes, right, statement); p is the host's address of the operand. */
#define MEMORY_OPS(X)                                                                                    \
	X(mov_rm32, mov, FORM_RM, SIZE32, 4, read, SET32(V(4)))                                          \
	X(mov_mr32, mov, FORM_MR, SIZE32, 4, write, host_store(p, 4, R32(u->src)))                       \
	X(mov_mi32, mov, FORM_MI, SIZE32, 4, write, host_store(p, 4, IMM(u)))                            \
	X(mov_rm8, mov, FORM_RM, SIZE8, 1, read, *reg8(cpu, u->dst) = *p)                                \
	X(mov_mr8, mov, FORM_MR, SIZE8, 1, write, *p = *reg8(cpu, u->src))                               \
	X(mov_mi8, mov, FORM_MI, SIZE8, 1, write, *p = (uint8_t)u->imm)                                  \
	X(movzx8, movzx8, FORM_RM, SIZE32, 1, read, SET32(*p))                                           \
	X(movzx16, movzx16, FORM_RM, SIZE32, 2, read, SET32(V(2)))                                       \
	X(movsx8, movsx8, FORM_RM, SIZE32, 1, read, SET32((int8_t)*p))                                   \
	X(movsx16, movsx16, FORM_RM, SIZE32, 2, read, SET32((int16_t)V(2)))                              \
	X(add_rm, add, FORM_RM, SIZE32, 4, read, SET32(op_add(cpu, R32(u->dst), V(4), 32)))              \
	X(sub_rm, sub, FORM_RM, SIZE32, 4, read, SET32(op_sub(cpu, R32(u->dst), V(4), 32)))              \
	X(xor_rm, xor, FORM_RM, SIZE32, 4, read, SET32(op_xor(cpu, R32(u->dst), V(4), 32)))              \
	X(cmp_rm, cmp, FORM_RM, SIZE32, 4, read, op_cmp(cpu, R32(u->dst), V(4), 32))                     \
	X(cmp_mr, cmp, FORM_MR, SIZE32, 4, read, op_cmp(cpu, V(4), R32(u->src), 32))                     \
	X(cmp_mi, cmp, FORM_MI, SIZE32, 4, read, op_cmp(cpu, V(4), IMM(u), 32))                          \
	X(add_mr, add, FORM_MR, SIZE32, 4, write, host_store(p, 4, op_add(cpu, V(4), R32(u->src), 32)))  \
	X(add_mi, add, FORM_MI, SIZE32, 4, write, host_store(p, 4, op_add(cpu, V(4), IMM(u), 32)))       \
	X(inc_m, inc, FORM_M, SIZE32, 4, write, host_store(p, 4, op_inc(cpu, V(4), 32)))                 \
	X(dec_m, dec, FORM_M, SIZE32, 4, write, host_store(p, 4, op_dec(cpu, V(4), 32)))

/* Those of 64-bit operands, and those that are common in 64-bit mode alone. */
#define MEMORY_OPS64(X)                                                                                  \
	X(mov_rm64, mov, FORM_RM, SIZE64, 8, read, SET64(V(8)))                                          \
	X(mov_mr64, mov, FORM_MR, SIZE64, 8, write, host_store(p, 8, R64(u->src)))                       \
	X(mov_mi64, mov, FORM_MI, SIZE64, 8, write, host_store(p, 8, u->imm))                            \
	X(movsxd64, movsxd, FORM_RM, SIZE64, 4, read, SET64((int64_t)(int32_t)V(4)))                     \
	X(movsx8_64, movsx8, FORM_RM, SIZE64, 1, read, SET64((int64_t)(int8_t)*p))                       \
	X(movsx16_64, movsx16, FORM_RM, SIZE64, 2, read, SET64((int64_t)(int16_t)V(2)))                  \
	X(movzx8_64, movzx8, FORM_RM, SIZE64, 1, read, SET64(*p))                                        \
	X(add_rm64, add, FORM_RM, SIZE64, 8, read, SET64(op_add(cpu, R64(u->dst), V(8), 64)))            \
	X(sub_rm64, sub, FORM_RM, SIZE64, 8, read, SET64(op_sub(cpu, R64(u->dst), V(8), 64)))            \
	X(and_rm64, and, FORM_RM, SIZE64, 8, read, SET64(op_and(cpu, R64(u->dst), V(8), 64)))            \
	X(or_rm64, or, FORM_RM, SIZE64, 8, read, SET64(op_or(cpu, R64(u->dst), V(8), 64)))               \
	X(xor_rm64, xor, FORM_RM, SIZE64, 8, read, SET64(op_xor(cpu, R64(u->dst), V(8), 64)))            \
	X(cmp_rm64, cmp, FORM_RM, SIZE64, 8, read, op_cmp(cpu, R64(u->dst), V(8), 64))                   \
	X(cmp_mr64, cmp, FORM_MR, SIZE64, 8, read, op_cmp(cpu, V(8), R64(u->src), 64))                   \
	X(cmp_mi64, cmp, FORM_MI, SIZE64, 8, read, op_cmp(cpu, V(8), u->imm, 64))                        \
	X(cmp_mi8, cmp, FORM_MI, SIZE8, 1, read, op_cmp(cpu, *p, (uint8_t)u->imm, 8))                    \
	X(test_mi8, test, FORM_MI, SIZE8, 1, read, op_test(cpu, *p, (uint8_t)u->imm, 8))                 \
	X(add_mr64, add, FORM_MR, SIZE64, 8, write, host_store(p, 8, op_add(cpu, V(8), R64(u->src), 64))) \
	X(add_mi64, add, FORM_MI, SIZE64, 8, write, host_store(p, 8, op_add(cpu, V(8), u->imm, 64)))

#define MEMORY_OP(name, address, set, form, size, bytes, right, statement)                               \
	static const struct uop *name##_##address(struct cpu *cpu, const struct uop *u)                  \
	{                                                                                                \
		HOST_##right *p = HIT_##address(right, bytes);                                           \
		if (UNLIKELY(p == NULL))                                                                 \
			RETURN_CALL(exec_##set.fn[form][size], cpu, u);                                  \
		statement;                                                                               \
		RETURN_NEXT(cpu, u);                                                                     \
	}
#define HOST_read  const uint8_t
#define HOST_write uint8_t
#define NARROW_ADDRESSES(name, set, form, size, bytes, right, statement)         \
	MEMORY_OP(name, base, set, form, size, bytes, right, statement)          \
	MEMORY_OP(name, full, set, form, size, bytes, right, statement)
#define WIDE_ADDRESSES(name, set, form, size, bytes, right, statement)           \
	MEMORY_OP(name, base64, set, form, size, bytes, right, statement)        \
	MEMORY_OP(name, full64, set, form, size, bytes, right, statement)
MEMORY_OPS(NARROW_ADDRESSES)
MEMORY_OPS(WIDE_ADDRESSES)
MEMORY_OPS64(WIDE_ADDRESSES)

#define LEA(name, address, SET)                                                           \
	static const struct uop *name##_##address(struct cpu *cpu, const struct uop *u)   \
	{                                                                                 \
		SET(address_##address(cpu, u));                                           \
		RETURN_NEXT(cpu, u);                                                      \
	}
LEA(lea, base, SET32)
LEA(lea, full, SET32)
LEA(lea, base64, SET32)
LEA(lea, full64, SET32)
LEA(lea64, base64, SET64)
LEA(lea64, full64, SET64)

struct short_form {
	const struct exec *set;
	uint8_t form, size;
	uop_fn *base, *full;
};
#define NARROW(name, set, form, size, bytes, right, statement) {&exec_##set, form, size, name##_base, name##_full},
#define WIDE(name, set, form, size, bytes, right, statement)   {&exec_##set, form, size, name##_base64, name##_full64},
static const struct short_form narrow[] = {MEMORY_OPS(NARROW){&exec_lea, FORM_RM, SIZE32, lea_base, lea_full}};
static const struct short_form wide[] = {MEMORY_OPS(WIDE) MEMORY_OPS64(WIDE)
	{&exec_lea, FORM_RM, SIZE32, lea_base64, lea_full64}, {&exec_lea, FORM_RM, SIZE64, lea64_base64, lea64_full64}};

static void shorten(struct uop *u, const struct short_form *forms, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (forms[i].set->fn[forms[i].form][forms[i].size] != u->fn)
			continue;
		u->fn = u->index == GPR_ZERO ? forms[i].base : forms[i].full;
		return;
	}
}

/* Addresses of 64 bits are those of 64-bit mode. */
void shorten_address(struct uop *u)
{
	if (u->addr_shift == 32)
		shorten(u, narrow, sizeof(narrow) / sizeof(narrow[0]));
	else if (u->addr_shift == 0 && u->seg != SEG_FS && u->seg != SEG_GS)
		shorten(u, wide, sizeof(wide) / sizeof(wide[0]));
}
