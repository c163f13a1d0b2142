/* Memory instructions whose address is computed in 32 bits: the common loads, stores and
 * operations once more, with the address in as few steps as it has parts.  A miss in the TLB
 * goes to the plain handler. */
#include "cpu/alu.h"
#include "cpu/fuse.h"

extern const struct exec exec_add, exec_sub, exec_and, exec_or, exec_xor, exec_cmp, exec_inc, exec_dec, exec_mov,
	exec_movzx8, exec_movzx16, exec_movsx8, exec_movsx16, exec_lea;

/* Base and displacement; the same with an index. */
static inline uint32_t address_base(const struct cpu *cpu, const struct uop *u)
{
	return (uint32_t)cpu->s.gpr.r64[u->base] + (uint32_t)u->disp;
}

static inline uint32_t address_full(const struct cpu *cpu, const struct uop *u)
{
	return (uint32_t)cpu->s.gpr.r64[u->base] + ((uint32_t)cpu->s.gpr.r64[u->index] << u->scale) + (uint32_t)u->disp;
}

#define SIZE8  0
#define SIZE32 2
#define R32(i) reg32(cpu, i)
#define IMM(u) ((uint32_t)(u)->imm)
#define V(n)   host_load(p, n)
#define SET32(value) set_reg32(cpu, u->dst, (uint32_t)(value))

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

#define MEMORY_OP(name, address, set, form, size, bytes, right, statement)                               \
	static const struct uop *name##_##address(struct cpu *cpu, const struct uop *u)                  \
	{                                                                                                \
		HOST_##right *p = seg_hit_##right(cpu, u->seg, address_##address(cpu, u), bytes);        \
		if (UNLIKELY(p == NULL))                                                                 \
			RETURN_CALL(exec_##set.fn[form][size], cpu, u);                                  \
		statement;                                                                               \
		RETURN_NEXT(cpu, u);                                                                     \
	}
#define HOST_read  const uint8_t
#define HOST_write uint8_t
#define BOTH_ADDRESSES(name, set, form, size, bytes, right, statement)           \
	MEMORY_OP(name, base, set, form, size, bytes, right, statement)          \
	MEMORY_OP(name, full, set, form, size, bytes, right, statement)
MEMORY_OPS(BOTH_ADDRESSES)

static const struct uop *lea_base(struct cpu *cpu, const struct uop *u)
{
	SET32(address_base(cpu, u));
	RETURN_NEXT(cpu, u);
}

static const struct uop *lea_full(struct cpu *cpu, const struct uop *u)
{
	SET32(address_full(cpu, u));
	RETURN_NEXT(cpu, u);
}

#define ROW(name, set, form, size, bytes, right, statement) {&exec_##set, form, size, name##_base, name##_full},
static const struct {
	const struct exec *set;
	uint8_t form, size;
	uop_fn *base, *full;
} rows[] = {MEMORY_OPS(ROW){&exec_lea, FORM_RM, SIZE32, lea_base, lea_full}};

void shorten_address(struct uop *u)
{
	if (u->addr_shift != 32)
		return;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].set->fn[rows[i].form][rows[i].size] != u->fn)
			continue;
		u->fn = u->index == GPR_ZERO ? rows[i].base : rows[i].full;
		return;
	}
}
