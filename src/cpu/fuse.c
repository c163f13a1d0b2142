/* Quiet handlers and fused pairs.
 *
 * Flags are dead after an instruction if one further on writes all six of
 * them, and nothing in between reads them or can fault (a fault pushes them).
 * Then the quiet handler, which computes the result alone, does.
 *
 * Pairs: a comparison (or DEC, SUB ...) with the Jcc or CMOVcc that uses it, and MOV
 * with the two-operand instruction that makes it a three-operand one. */
#include "cpu/fuse.h"

#include "cpu/alu.h"

/* ---- quiet handlers ---- */
static inline uint64_t quiet_add(uint64_t a, uint64_t b, unsigned bits) { return a + b; }
static inline uint64_t quiet_sub(uint64_t a, uint64_t b, unsigned bits) { return a - b; }
static inline uint64_t quiet_and(uint64_t a, uint64_t b, unsigned bits) { return a & b; }
static inline uint64_t quiet_or(uint64_t a, uint64_t b, unsigned bits) { return a | b; }
static inline uint64_t quiet_xor(uint64_t a, uint64_t b, unsigned bits) { return a ^ b; }
/* In the operand's own width: an instruction less on the host. */
static inline uint64_t quiet_shl(uint64_t a, uint64_t b, unsigned bits)
{
	return bits == 32 ? (uint32_t)a << (b & 31) : a << (b & 63);
}
static inline uint64_t quiet_shr(uint64_t a, uint64_t b, unsigned bits)
{
	return bits == 32 ? (uint32_t)a >> (b & 31) : a >> (b & 63);
}
static inline uint64_t quiet_sar(uint64_t a, uint64_t b, unsigned bits)
{
	return bits == 32 ? (uint32_t)((int32_t)a >> (b & 31)) : (uint64_t)((int64_t)a >> (b & 63));
}
static inline uint64_t quiet_imul(uint64_t a, uint64_t b, unsigned bits) { return a * b; }

#define R(i, bits)          reg_read(cpu, i, bits)
#define SET(i, bits, value) reg_write(cpu, i, bits, value)
#define IMM(u, bits)        imm_read(u, bits)
#define SIZE(bits)          ((bits) == 8 ? 0 : (bits) == 32 ? 2 : 3)

#define QUIET_RR(op, bits)                                                                    \
	static const struct uop *quiet_##op##_rr##bits(struct cpu *cpu, const struct uop *u)  \
	{                                                                                     \
		SET(u->dst, bits, quiet_##op(R(u->dst, bits), R(u->src, bits), bits));        \
		RETURN_NEXT(cpu, u);                                                          \
	}
#define QUIET_RI(op, bits)                                                                    \
	static const struct uop *quiet_##op##_ri##bits(struct cpu *cpu, const struct uop *u)  \
	{                                                                                     \
		SET(u->dst, bits, quiet_##op(R(u->dst, bits), IMM(u, bits), bits));           \
		RETURN_NEXT(cpu, u);                                                          \
	}
#define QUIET_RM(op, bits)                                                                    \
	static const struct uop *quiet_##op##_rm##bits(struct cpu *cpu, const struct uop *u)  \
	{                                                                                     \
		const uint8_t *p = mem_hit_read(cpu, u, bits / 8);                            \
		if (UNLIKELY(p == NULL))                                                      \
			return exec_##op.fn[FORM_RM][SIZE(bits)](cpu, u);                     \
		SET(u->dst, bits, quiet_##op(R(u->dst, bits), host_load(p, bits / 8), bits)); \
		RETURN_NEXT(cpu, u);                                                          \
	}

extern const struct exec exec_add, exec_sub, exec_and, exec_or, exec_xor, exec_cmp, exec_test, exec_inc, exec_dec,
	exec_shl, exec_shr, exec_sar, exec_imul, exec_mov, exec_movzx8, exec_movzx16, exec_movsx8, exec_movsx16,
	exec_movsxd, exec_lea, exec_not, exec_xchg;

/* INC and DEC. */
#define QUIET_R(name, change, bits)                                                           \
	static const struct uop *quiet_##name##_r##bits(struct cpu *cpu, const struct uop *u) \
	{                                                                                     \
		SET(u->dst, bits, R(u->dst, bits) change);                                    \
		RETURN_NEXT(cpu, u);                                                          \
	}

#define QUIET(bits)                                                                                                \
	QUIET_RR(add, bits) QUIET_RR(sub, bits) QUIET_RR(and, bits) QUIET_RR(or, bits) QUIET_RR(xor, bits)         \
	QUIET_RR(imul, bits)                                                                                       \
	QUIET_RI(add, bits) QUIET_RI(sub, bits) QUIET_RI(and, bits) QUIET_RI(or, bits) QUIET_RI(xor, bits)         \
	QUIET_RI(shl, bits) QUIET_RI(shr, bits) QUIET_RI(sar, bits)                                                \
	QUIET_RM(add, bits) QUIET_RM(sub, bits) QUIET_RM(and, bits) QUIET_RM(or, bits) QUIET_RM(xor, bits)         \
	QUIET_R(inc, +1, bits) QUIET_R(dec, -1, bits)                                                              \
	static const struct uop *quiet_imul_rri##bits(struct cpu *cpu, const struct uop *u)                        \
	{                                                                                                          \
		SET(u->dst, bits, R(u->src, bits) * IMM(u, bits));                                                 \
		RETURN_NEXT(cpu, u);                                                                               \
	}
QUIET(32)
QUIET(64)

/* A comparison whose flags are dead. */
static const struct uop *quiet_nothing(struct cpu *cpu, const struct uop *u) { RETURN_NEXT(cpu, u); }

/* What is known of a handler.  Whatever is not in the table may fault and
 * may read flags. */
enum trait {
	WRITES = 1,    /* all six status flags, always */
	WRITES_IF = 2, /* the same unless the count, imm, is 0 modulo 32 or 64 */
	READS = 4,     /* some flag */
	FAULTS = 8,
};

static const struct known {
	const struct exec *set;
	uint8_t form, size, traits;
	uop_fn *quiet;
} known[] = {
#define ALU(op, bits)                                                                \
	{&exec_##op, FORM_RR, SIZE(bits), WRITES, quiet_##op##_rr##bits},            \
	{&exec_##op, FORM_RI, SIZE(bits), WRITES, quiet_##op##_ri##bits},            \
	{&exec_##op, FORM_RM, SIZE(bits), WRITES | FAULTS, quiet_##op##_rm##bits},
#define COMPARISON(op, bits)                                                         \
	{&exec_##op, FORM_RR, SIZE(bits), WRITES, quiet_nothing},                    \
	{&exec_##op, FORM_RI, SIZE(bits), WRITES, quiet_nothing},
#define SHIFT(op, bits)   {&exec_##op, FORM_RI, SIZE(bits), WRITES_IF, quiet_##op##_ri##bits},
#define HARMLESS(op, form, bits) {&exec_##op, form, SIZE(bits), 0, NULL},
#define KNOWN(bits)                                                                               \
	ALU(add, bits) ALU(sub, bits) ALU(and, bits) ALU(or, bits) ALU(xor, bits)                 \
	SHIFT(shl, bits) SHIFT(shr, bits) SHIFT(sar, bits)                                        \
	{&exec_imul, FORM_RR, SIZE(bits), WRITES, quiet_imul_rr##bits},                           \
	{&exec_imul, FORM_RRI, SIZE(bits), WRITES, quiet_imul_rri##bits},                         \
	{&exec_inc, FORM_R, SIZE(bits), READS, quiet_inc_r##bits}, /* keep CF: they read it */    \
	{&exec_dec, FORM_R, SIZE(bits), READS, quiet_dec_r##bits},                                \
	COMPARISON(cmp, bits) COMPARISON(test, bits)                                              \
	HARMLESS(mov, FORM_RR, bits) HARMLESS(mov, FORM_RI, bits) HARMLESS(movzx8, FORM_RR, bits) \
	HARMLESS(movzx16, FORM_RR, bits) HARMLESS(movsx8, FORM_RR, bits)                          \
	HARMLESS(movsx16, FORM_RR, bits) HARMLESS(lea, FORM_RM, bits) HARMLESS(not, FORM_R, bits) \
	HARMLESS(xchg, FORM_RR, bits)
	KNOWN(32) KNOWN(64)
	COMPARISON(cmp, 8) COMPARISON(test, 8)
	HARMLESS(mov, FORM_RR, 8) HARMLESS(mov, FORM_RI, 8) HARMLESS(movsxd, FORM_RR, 64)
};

static const struct known *know(const struct uop *u)
{
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].set->fn[known[i].form][known[i].size] == u->fn)
			return &known[i];
	return NULL;
}

static bool writes_all(const struct known *k, const struct uop *u)
{
	return (k->traits & WRITES) || ((k->traits & WRITES_IF) && (u->imm & (k->size == SIZE(64) ? 63 : 31)));
}

/* From the end backwards: alive tells whether the flags as they are after
 * the instruction may be seen. */
static void quieten(struct block *b)
{
	bool alive = true;

	for (unsigned i = b->n; i-- > 0;) {
		struct uop *u = &b->uops[i];
		const struct known *k = know(u);
		if (!k) {
			alive = true;
			continue;
		}
		bool writes = writes_all(k, u);
		bool keeps_cf = k->traits & READS;
		if (!alive && k->quiet && (writes || keeps_cf)) {
			u->fn = k->quiet;
			/* Quiet, it neither reads nor needs any flag. */
			alive = k->traits & FAULTS;
			continue;
		}
		if (writes)
			alive = false;
		if (k->traits & (READS | FAULTS))
			alive = true;
	}
}

/* ---- pairs: MOV d, s; OP d, x  ->  d := s OP x ---- */
#define MOV_THEN(op, bits)                                                                                      \
	static const struct uop *mov_##op##_rr##bits(struct cpu *cpu, const struct uop *u)                      \
	{                                                                                                       \
		SET(u->dst, bits, op_##op(cpu, R(u->src, bits), R(u[1].src, bits), bits));                      \
		RETURN_UOP(cpu, u + 2);                                                                         \
	}                                                                                                       \
	static const struct uop *mov_##op##_ri##bits(struct cpu *cpu, const struct uop *u)                      \
	{                                                                                                       \
		SET(u->dst, bits, op_##op(cpu, R(u->src, bits), IMM(u + 1, bits), bits));                       \
		RETURN_UOP(cpu, u + 2);                                                                         \
	}
#define MOV_THEN_QUIET_RR(op, bits)                                                                             \
	static const struct uop *mov_quiet_##op##_rr##bits(struct cpu *cpu, const struct uop *u)                \
	{                                                                                                       \
		SET(u->dst, bits, quiet_##op(R(u->src, bits), R(u[1].src, bits), bits));                        \
		RETURN_UOP(cpu, u + 2);                                                                         \
	}
#define MOV_THEN_QUIET_RI(op, bits)                                                                             \
	static const struct uop *mov_quiet_##op##_ri##bits(struct cpu *cpu, const struct uop *u)                \
	{                                                                                                       \
		SET(u->dst, bits, quiet_##op(R(u->src, bits), IMM(u + 1, bits), bits));                         \
		RETURN_UOP(cpu, u + 2);                                                                         \
	}
#define MOV_THEN_ALU(op, bits) MOV_THEN(op, bits) MOV_THEN_QUIET_RR(op, bits) MOV_THEN_QUIET_RI(op, bits)
#define MOV_THEN_ALL(bits)                                                                                      \
	MOV_THEN_ALU(add, bits) MOV_THEN_ALU(sub, bits) MOV_THEN_ALU(and, bits) MOV_THEN_ALU(or, bits)          \
	MOV_THEN_ALU(xor, bits)                                                                                 \
	MOV_THEN_QUIET_RI(shl, bits) MOV_THEN_QUIET_RI(shr, bits) MOV_THEN_QUIET_RI(sar, bits)
MOV_THEN_ALL(32)
MOV_THEN_ALL(64)

/* size: of the MOV. */
static uop_fn *after_mov(uop_fn *second, unsigned size)
{
	static const struct {
		const struct exec *set;
		uint8_t form, size;
		uop_fn *fused;
	} full[] = {
#define BOTH(op, bits)                                        \
	{&exec_##op, FORM_RR, SIZE(bits), mov_##op##_rr##bits}, \
	{&exec_##op, FORM_RI, SIZE(bits), mov_##op##_ri##bits},
		BOTH(add, 32) BOTH(sub, 32) BOTH(and, 32) BOTH(or, 32) BOTH(xor, 32)
		BOTH(add, 64) BOTH(sub, 64) BOTH(and, 64) BOTH(or, 64) BOTH(xor, 64)
#undef BOTH
	};
	static const struct {
		uop_fn *plain, *fused;
		uint8_t size;
	} quiet[] = {
#define RI(op, bits) {quiet_##op##_ri##bits, mov_quiet_##op##_ri##bits, SIZE(bits)},
#define BOTH(op, bits) {quiet_##op##_rr##bits, mov_quiet_##op##_rr##bits, SIZE(bits)}, RI(op, bits)
		BOTH(add, 32) BOTH(sub, 32) BOTH(and, 32) BOTH(or, 32) BOTH(xor, 32) RI(shl, 32) RI(shr, 32) RI(sar, 32)
		BOTH(add, 64) BOTH(sub, 64) BOTH(and, 64) BOTH(or, 64) BOTH(xor, 64) RI(shl, 64) RI(shr, 64) RI(sar, 64)
#undef BOTH
#undef RI
	};

	for (unsigned i = 0; i < sizeof(full) / sizeof(full[0]); i++)
		if (full[i].size == size && full[i].set->fn[full[i].form][size] == second)
			return full[i].fused;
	for (unsigned i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++)
		if (quiet[i].size == size && quiet[i].plain == second)
			return quiet[i].fused;
	return NULL;
}

/* MOV d, s; OP d, d is not one of them: it would read the new d. */
static bool fuse_mov(struct uop *u)
{
	unsigned size = u->fn == exec_mov.fn[FORM_RR][SIZE(64)] ? SIZE(64) : SIZE(32);

	if (u->fn != exec_mov.fn[FORM_RR][size] || u[1].dst != u->dst)
		return false;
	uop_fn *fused = after_mov(u[1].fn, size);
	if (!fused || u[1].src == u->dst)
		return false;
	u->fn = fused;
	return true;
}

/* ---- pairs: what sets flags, and the Jcc or CMOVcc behind it ----
 * REGISTER_OPS, OTHER_OPS: X(name, set, form, size, statement that does the first).  A memory
 * operand that misses the TLB leaves the pair to the plain handlers. */
#define LOADED(set, form, bits)                                                   \
	const uint8_t *p = mem_hit_read(cpu, u, (bits) / 8);                      \
	if (UNLIKELY(p == NULL))                                                  \
		RETURN_CALL(exec_##set.fn[form][SIZE(bits)], cpu, u)
#define V(bits) host_load(p, (bits) / 8)

#define COMPARE_REGISTERS(X, bits)                                                                                   \
	X(cmp_rr##bits, cmp, FORM_RR, bits, op_cmp(cpu, R(u->dst, bits), R(u->src, bits), bits))                     \
	X(cmp_ri##bits, cmp, FORM_RI, bits, op_cmp(cpu, R(u->dst, bits), IMM(u, bits), bits))                        \
	X(test_rr##bits, test, FORM_RR, bits, op_test(cpu, R(u->dst, bits), R(u->src, bits), bits))                  \
	X(test_ri##bits, test, FORM_RI, bits, op_test(cpu, R(u->dst, bits), IMM(u, bits), bits))
#define COMPARE_MEMORY(X, bits)                                                                                      \
	X(cmp_rm##bits, cmp, FORM_RM, bits, LOADED(cmp, FORM_RM, bits);                                              \
	  op_cmp(cpu, R(u->dst, bits), V(bits), bits))                                                               \
	X(cmp_mr##bits, cmp, FORM_MR, bits, LOADED(cmp, FORM_MR, bits);                                              \
	  op_cmp(cpu, V(bits), R(u->src, bits), bits))                                                               \
	X(cmp_mi##bits, cmp, FORM_MI, bits, LOADED(cmp, FORM_MI, bits);                                              \
	  op_cmp(cpu, V(bits), IMM(u, bits), bits))
#define CHANGE_REGISTER(X, bits)                                                                                     \
	X(dec_r##bits, dec, FORM_R, bits, SET(u->dst, bits, op_dec(cpu, R(u->dst, bits), bits)))                     \
	X(inc_r##bits, inc, FORM_R, bits, SET(u->dst, bits, op_inc(cpu, R(u->dst, bits), bits)))                     \
	X(sub_ri##bits, sub, FORM_RI, bits, SET(u->dst, bits, op_sub(cpu, R(u->dst, bits), IMM(u, bits), bits)))     \
	X(sub_rr##bits, sub, FORM_RR, bits, SET(u->dst, bits, op_sub(cpu, R(u->dst, bits), R(u->src, bits), bits)))  \
	X(add_ri##bits, add, FORM_RI, bits, SET(u->dst, bits, op_add(cpu, R(u->dst, bits), IMM(u, bits), bits)))     \
	X(and_ri##bits, and, FORM_RI, bits, SET(u->dst, bits, op_and(cpu, R(u->dst, bits), IMM(u, bits), bits)))

#define REGISTER_OPS(X) COMPARE_REGISTERS(X, 32) COMPARE_REGISTERS(X, 64) COMPARE_REGISTERS(X, 8)
#define OTHER_OPS(X)                                                                                                 \
	CHANGE_REGISTER(X, 32) COMPARE_MEMORY(X, 32) CHANGE_REGISTER(X, 64) COMPARE_MEMORY(X, 64)                    \
	X(cmp_mi8, cmp, FORM_MI, 8, LOADED(cmp, FORM_MI, 8); op_cmp(cpu, V(8), IMM(u, 8), 8))                        \
	X(test_mi8, test, FORM_MI, 8, LOADED(test, FORM_MI, 8); op_test(cpu, V(8), IMM(u, 8), 8))

#define CONDITIONS(X, ...)                                                                      \
	X(o, __VA_ARGS__) X(no, __VA_ARGS__) X(b, __VA_ARGS__) X(ae, __VA_ARGS__)               \
	X(e, __VA_ARGS__) X(ne, __VA_ARGS__) X(be, __VA_ARGS__) X(a, __VA_ARGS__)               \
	X(s, __VA_ARGS__) X(ns, __VA_ARGS__) X(p, __VA_ARGS__) X(np, __VA_ARGS__)               \
	X(l, __VA_ARGS__) X(ge, __VA_ARGS__) X(le, __VA_ARGS__) X(g, __VA_ARGS__)

#define OP_THEN_JCC(cc, name, ...)                                                              \
	static const struct uop *name##_j##cc(struct cpu *cpu, const struct uop *u)             \
	{                                                                                       \
		__VA_ARGS__;                                                                    \
		if (cond_##cc(&cpu->f))                                                         \
			RETURN_GOTO_TAKEN(cpu, u + 1);                                          \
		RETURN_GOTO_NEXT(cpu, u + 1);                                                   \
	}
/* Keeps the compiler from choosing between addresses and loading after the choice, which
 * would put a load behind the comparison. */
#define LOAD_FIRST(v) __asm__("" : "+r"(v))
#define OP_THEN_CMOV(cc, name, bits, ...)                                                       \
	static const struct uop *name##_cmov##cc##bits(struct cpu *cpu, const struct uop *u)    \
	{                                                                                       \
		__VA_ARGS__;                                                                    \
		uint##bits##_t moved = (uint##bits##_t)R(u[1].src, bits);                       \
		uint##bits##_t kept = (uint##bits##_t)R(u[1].dst, bits);                        \
		LOAD_FIRST(moved);                                                              \
		LOAD_FIRST(kept);                                                               \
		SET(u[1].dst, bits, cond_##cc(&cpu->f) ? moved : kept);                         \
		RETURN_UOP(cpu, u + 2);                                                         \
	}
#define DEFINE_JCC(name, set, form, size, ...)    CONDITIONS(OP_THEN_JCC, name, __VA_ARGS__)
#define DEFINE_CMOV32(name, set, form, size, ...) CONDITIONS(OP_THEN_CMOV, name, 32, __VA_ARGS__)
#define DEFINE_CMOV64(name, set, form, size, ...) CONDITIONS(OP_THEN_CMOV, name, 64, __VA_ARGS__)
REGISTER_OPS(DEFINE_JCC)
OTHER_OPS(DEFINE_JCC)
REGISTER_OPS(DEFINE_CMOV32)
REGISTER_OPS(DEFINE_CMOV64)

#define DECLARE_CC(cc, ...) extern const struct exec exec_j##cc, exec_cmov##cc;
CONDITIONS(DECLARE_CC, )

/* The conditions, in the order of CONDITIONS. */
#define JCC_SET(cc, ...)  &exec_j##cc,
#define CMOV_SET(cc, ...) &exec_cmov##cc,
static const struct exec *const jcc_sets[16] = {CONDITIONS(JCC_SET, )};
static const struct exec *const cmov_sets[16] = {CONDITIONS(CMOV_SET, )};

#define JCC_NAME(cc, name)        name##_j##cc,
#define CMOV_NAME(cc, name, bits) name##_cmov##cc##bits,
#define FLAG_ROW(name, set, form, bits, ...) {&exec_##set, form, SIZE(bits), {CONDITIONS(JCC_NAME, name)}, {{NULL}}},
#define REGISTER_ROW(name, set, form, bits, ...)                             \
	{&exec_##set, form, SIZE(bits), {CONDITIONS(JCC_NAME, name)},        \
	 {{CONDITIONS(CMOV_NAME, name, 32)}, {CONDITIONS(CMOV_NAME, name, 64)}}},
static const struct flag_op {
	const struct exec *set;
	uint8_t form, size;
	uop_fn *jcc[16], *cmov[2][16]; /* of 32 and 64 bits */
} flag_ops[] = {REGISTER_OPS(REGISTER_ROW) OTHER_OPS(FLAG_ROW)};

static int condition_of(const struct exec *const sets[16], enum form form, unsigned size, uop_fn *fn)
{
	for (int cc = 0; cc < 16; cc++)
		if (sets[cc]->fn[form][size] == fn)
			return cc;
	return -1;
}

/* The handler of op with what follows it, NULL: none. */
static uop_fn *with_condition(const struct flag_op *op, uop_fn *next)
{
	int cc = condition_of(jcc_sets, FORM_I, SIZE(32), next);

	if (cc >= 0)
		return op->jcc[cc];
	cc = condition_of(cmov_sets, FORM_RR, SIZE(32), next);
	if (cc >= 0)
		return op->cmov[0][cc];
	cc = condition_of(cmov_sets, FORM_RR, SIZE(64), next);
	return cc >= 0 ? op->cmov[1][cc] : NULL;
}

static bool fuse_condition(struct uop *u)
{
	for (unsigned i = 0; i < sizeof(flag_ops) / sizeof(flag_ops[0]); i++) {
		const struct flag_op *op = &flag_ops[i];
		if (op->set->fn[op->form][op->size] != u->fn)
			continue;
		uop_fn *fused = with_condition(op, u[1].fn);
		if (fused)
			u->fn = fused;
		return fused != NULL;
	}
	return false;
}

void fuse(struct block *b)
{
	quieten(b);
	for (unsigned i = 0; i + 1 < b->n; i++)
		if (fuse_mov(&b->uops[i]) || fuse_condition(&b->uops[i]))
			i++;
	for (unsigned i = 0; i < b->n; i++)
		shorten_address(&b->uops[i]);
}
