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
static inline uint32_t quiet_add(uint32_t a, uint32_t b) { return a + b; }
static inline uint32_t quiet_sub(uint32_t a, uint32_t b) { return a - b; }
static inline uint32_t quiet_and(uint32_t a, uint32_t b) { return a & b; }
static inline uint32_t quiet_or(uint32_t a, uint32_t b) { return a | b; }
static inline uint32_t quiet_xor(uint32_t a, uint32_t b) { return a ^ b; }
static inline uint32_t quiet_shl(uint32_t a, uint32_t b) { return a << (b & 31); }
static inline uint32_t quiet_shr(uint32_t a, uint32_t b) { return a >> (b & 31); }
static inline uint32_t quiet_sar(uint32_t a, uint32_t b) { return (uint32_t)((int32_t)a >> (b & 31)); }
static inline uint32_t quiet_imul(uint32_t a, uint32_t b) { return a * b; }

#define IMM(u) ((uint32_t)(u)->imm)

#define QUIET_RR(op)                                                                          \
	static const struct uop *quiet_##op##_rr(struct cpu *cpu, const struct uop *u)        \
	{                                                                                     \
		set_reg32(cpu, u->dst, quiet_##op(reg32(cpu, u->dst), reg32(cpu, u->src)));   \
		RETURN_NEXT(cpu, u);                                                          \
	}
#define QUIET_RI(op)                                                                          \
	static const struct uop *quiet_##op##_ri(struct cpu *cpu, const struct uop *u)        \
	{                                                                                     \
		set_reg32(cpu, u->dst, quiet_##op(reg32(cpu, u->dst), IMM(u)));               \
		RETURN_NEXT(cpu, u);                                                          \
	}
#define QUIET_RM(op)                                                                          \
	static const struct uop *quiet_##op##_rm(struct cpu *cpu, const struct uop *u)        \
	{                                                                                     \
		const uint8_t *p = mem_hit_read(cpu, u, 4);                                   \
		if (UNLIKELY(p == NULL))                                                      \
			return exec_##op.fn[FORM_RM][SIZE32](cpu, u);                         \
		set_reg32(cpu, u->dst, quiet_##op(reg32(cpu, u->dst), (uint32_t)host_load(p, 4))); \
		RETURN_NEXT(cpu, u);                                                          \
	}

#define SIZE8  0
#define SIZE32 2

extern const struct exec exec_add, exec_sub, exec_and, exec_or, exec_xor, exec_cmp, exec_test, exec_inc, exec_dec,
	exec_shl, exec_shr, exec_sar, exec_imul, exec_mov, exec_movzx8, exec_movzx16, exec_movsx8, exec_movsx16,
	exec_lea, exec_not, exec_xchg;

QUIET_RR(add) QUIET_RR(sub) QUIET_RR(and) QUIET_RR(or) QUIET_RR(xor) QUIET_RR(imul)
QUIET_RI(add) QUIET_RI(sub) QUIET_RI(and) QUIET_RI(or) QUIET_RI(xor) QUIET_RI(shl) QUIET_RI(shr) QUIET_RI(sar)
QUIET_RM(add) QUIET_RM(sub) QUIET_RM(and) QUIET_RM(or) QUIET_RM(xor)

static const struct uop *quiet_imul_rri(struct cpu *cpu, const struct uop *u)
{
	set_reg32(cpu, u->dst, reg32(cpu, u->src) * IMM(u));
	RETURN_NEXT(cpu, u);
}

static const struct uop *quiet_inc_r(struct cpu *cpu, const struct uop *u)
{
	set_reg32(cpu, u->dst, reg32(cpu, u->dst) + 1);
	RETURN_NEXT(cpu, u);
}

static const struct uop *quiet_dec_r(struct cpu *cpu, const struct uop *u)
{
	set_reg32(cpu, u->dst, reg32(cpu, u->dst) - 1);
	RETURN_NEXT(cpu, u);
}

/* A comparison whose flags are dead. */
static const struct uop *quiet_nothing(struct cpu *cpu, const struct uop *u) { RETURN_NEXT(cpu, u); }

/* What is known of a handler.  Whatever is not in the table may fault and
 * may read flags. */
enum trait {
	WRITES = 1,    /* all six status flags, always */
	WRITES_IF = 2, /* the same unless the count, imm, is 0 modulo 32 */
	READS = 4,     /* some flag */
	FAULTS = 8,
};

static const struct known {
	const struct exec *set;
	uint8_t form, size, traits;
	uop_fn *quiet;
} known[] = {
#define ALU(op)                                                              \
	{&exec_##op, FORM_RR, SIZE32, WRITES, quiet_##op##_rr},              \
	{&exec_##op, FORM_RI, SIZE32, WRITES, quiet_##op##_ri},              \
	{&exec_##op, FORM_RM, SIZE32, WRITES | FAULTS, quiet_##op##_rm}
	ALU(add), ALU(sub), ALU(and), ALU(or), ALU(xor),
#undef ALU
	{&exec_shl, FORM_RI, SIZE32, WRITES_IF, quiet_shl_ri},
	{&exec_shr, FORM_RI, SIZE32, WRITES_IF, quiet_shr_ri},
	{&exec_sar, FORM_RI, SIZE32, WRITES_IF, quiet_sar_ri},
	{&exec_imul, FORM_RR, SIZE32, WRITES, quiet_imul_rr},
	{&exec_imul, FORM_RRI, SIZE32, WRITES, quiet_imul_rri},
	{&exec_inc, FORM_R, SIZE32, READS, quiet_inc_r}, /* keep CF: they read it */
	{&exec_dec, FORM_R, SIZE32, READS, quiet_dec_r},
	{&exec_cmp, FORM_RR, SIZE32, WRITES, quiet_nothing},
	{&exec_cmp, FORM_RI, SIZE32, WRITES, quiet_nothing},
	{&exec_cmp, FORM_RR, SIZE8, WRITES, quiet_nothing},
	{&exec_cmp, FORM_RI, SIZE8, WRITES, quiet_nothing},
	{&exec_test, FORM_RR, SIZE32, WRITES, quiet_nothing},
	{&exec_test, FORM_RI, SIZE32, WRITES, quiet_nothing},
	{&exec_test, FORM_RR, SIZE8, WRITES, quiet_nothing},
	{&exec_test, FORM_RI, SIZE8, WRITES, quiet_nothing},
	{&exec_mov, FORM_RR, SIZE32, 0, NULL},
	{&exec_mov, FORM_RI, SIZE32, 0, NULL},
	{&exec_mov, FORM_RR, SIZE8, 0, NULL},
	{&exec_mov, FORM_RI, SIZE8, 0, NULL},
	{&exec_movzx8, FORM_RR, SIZE32, 0, NULL},
	{&exec_movzx16, FORM_RR, SIZE32, 0, NULL},
	{&exec_movsx8, FORM_RR, SIZE32, 0, NULL},
	{&exec_movsx16, FORM_RR, SIZE32, 0, NULL},
	{&exec_lea, FORM_RM, SIZE32, 0, NULL},
	{&exec_not, FORM_R, SIZE32, 0, NULL},
	{&exec_xchg, FORM_RR, SIZE32, 0, NULL},
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
	return (k->traits & WRITES) || ((k->traits & WRITES_IF) && (u->imm & 31));
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
#define MOV_THEN(op)                                                                              \
	static const struct uop *mov_##op##_rr(struct cpu *cpu, const struct uop *u)              \
	{                                                                                         \
		set_reg32(cpu, u->dst, (uint32_t)op_##op(cpu, reg32(cpu, u->src), reg32(cpu, u[1].src), 32)); \
		RETURN_UOP(cpu, u + 2);                                                           \
	}                                                                                         \
	static const struct uop *mov_##op##_ri(struct cpu *cpu, const struct uop *u)              \
	{                                                                                         \
		set_reg32(cpu, u->dst, (uint32_t)op_##op(cpu, reg32(cpu, u->src), IMM(u + 1), 32)); \
		RETURN_UOP(cpu, u + 2);                                                           \
	}
#define MOV_THEN_QUIET_RR(op)                                                                     \
	static const struct uop *mov_quiet_##op##_rr(struct cpu *cpu, const struct uop *u)        \
	{                                                                                         \
		set_reg32(cpu, u->dst, quiet_##op(reg32(cpu, u->src), reg32(cpu, u[1].src)));     \
		RETURN_UOP(cpu, u + 2);                                                           \
	}
#define MOV_THEN_QUIET_RI(op)                                                                     \
	static const struct uop *mov_quiet_##op##_ri(struct cpu *cpu, const struct uop *u)        \
	{                                                                                         \
		set_reg32(cpu, u->dst, quiet_##op(reg32(cpu, u->src), IMM(u + 1)));               \
		RETURN_UOP(cpu, u + 2);                                                           \
	}
MOV_THEN(add) MOV_THEN(sub) MOV_THEN(and) MOV_THEN(or) MOV_THEN(xor)
MOV_THEN_QUIET_RR(add) MOV_THEN_QUIET_RR(sub) MOV_THEN_QUIET_RR(and) MOV_THEN_QUIET_RR(or) MOV_THEN_QUIET_RR(xor)
MOV_THEN_QUIET_RI(add) MOV_THEN_QUIET_RI(sub) MOV_THEN_QUIET_RI(and) MOV_THEN_QUIET_RI(or) MOV_THEN_QUIET_RI(xor)
MOV_THEN_QUIET_RI(shl) MOV_THEN_QUIET_RI(shr) MOV_THEN_QUIET_RI(sar)

static uop_fn *after_mov(uop_fn *second)
{
	static const struct {
		const struct exec *set;
		uint8_t form;
		uop_fn *fused;
	} full[] = {
#define BOTH(op) {&exec_##op, FORM_RR, mov_##op##_rr}, {&exec_##op, FORM_RI, mov_##op##_ri}
		BOTH(add), BOTH(sub), BOTH(and), BOTH(or), BOTH(xor),
#undef BOTH
	};
	static const struct {
		uop_fn *plain, *fused;
	} quiet[] = {
#define BOTH(op) {quiet_##op##_rr, mov_quiet_##op##_rr}, {quiet_##op##_ri, mov_quiet_##op##_ri}
		BOTH(add), BOTH(sub), BOTH(and), BOTH(or), BOTH(xor),
#undef BOTH
		{quiet_shl_ri, mov_quiet_shl_ri},
		{quiet_shr_ri, mov_quiet_shr_ri},
		{quiet_sar_ri, mov_quiet_sar_ri},
	};

	for (unsigned i = 0; i < sizeof(full) / sizeof(full[0]); i++)
		if (full[i].set->fn[full[i].form][SIZE32] == second)
			return full[i].fused;
	for (unsigned i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++)
		if (quiet[i].plain == second)
			return quiet[i].fused;
	return NULL;
}

/* MOV d, s; OP d, d is not one of them: it would read the new d. */
static bool fuse_mov(struct uop *u)
{
	if (u->fn != exec_mov.fn[FORM_RR][SIZE32] || u[1].dst != u->dst)
		return false;
	uop_fn *fused = after_mov(u[1].fn);
	if (!fused || u[1].src == u->dst)
		return false;
	u->fn = fused;
	return true;
}

/* ---- pairs: what sets flags, and the Jcc or CMOVcc behind it ----
 * REGISTER_OPS, OTHER_OPS: X(name, set, form, size, statement that does the first).  A memory
 * operand that misses the TLB leaves the pair to the plain handlers. */
#define MISS(u, set, form, size) RETURN_CALL(exec_##set.fn[form][size], cpu, u)
#define R8(i)  cpu->s.gpr.r8[i]
#define R32(i) reg32(cpu, i)
#define LOADED(bytes, set, form, size)                          \
	const uint8_t *p = mem_hit_read(cpu, u, bytes);         \
	if (UNLIKELY(p == NULL))                                \
		MISS(u, set, form, size)

#define REGISTER_OPS(X)                                                                         \
	X(cmp_rr, cmp, FORM_RR, SIZE32, op_cmp(cpu, R32(u->dst), R32(u->src), 32))              \
	X(cmp_ri, cmp, FORM_RI, SIZE32, op_cmp(cpu, R32(u->dst), IMM(u), 32))                   \
	X(test_rr, test, FORM_RR, SIZE32, op_test(cpu, R32(u->dst), R32(u->src), 32))           \
	X(test_ri, test, FORM_RI, SIZE32, op_test(cpu, R32(u->dst), IMM(u), 32))                \
	X(cmp_ri8, cmp, FORM_RI, SIZE8, op_cmp(cpu, R8(u->dst), IMM(u) & 0xff, 8))              \
	X(cmp_rr8, cmp, FORM_RR, SIZE8, op_cmp(cpu, R8(u->dst), R8(u->src), 8))                 \
	X(test_ri8, test, FORM_RI, SIZE8, op_test(cpu, R8(u->dst), IMM(u) & 0xff, 8))           \
	X(test_rr8, test, FORM_RR, SIZE8, op_test(cpu, R8(u->dst), R8(u->src), 8))
#define OTHER_OPS(X)                                                                            \
	X(dec_r, dec, FORM_R, SIZE32, set_reg32(cpu, u->dst, (uint32_t)op_dec(cpu, R32(u->dst), 32)))  \
	X(inc_r, inc, FORM_R, SIZE32, set_reg32(cpu, u->dst, (uint32_t)op_inc(cpu, R32(u->dst), 32)))  \
	X(sub_ri, sub, FORM_RI, SIZE32, set_reg32(cpu, u->dst, (uint32_t)op_sub(cpu, R32(u->dst), IMM(u), 32))) \
	X(sub_rr, sub, FORM_RR, SIZE32, set_reg32(cpu, u->dst, (uint32_t)op_sub(cpu, R32(u->dst), R32(u->src), 32))) \
	X(add_ri, add, FORM_RI, SIZE32, set_reg32(cpu, u->dst, (uint32_t)op_add(cpu, R32(u->dst), IMM(u), 32))) \
	X(and_ri, and, FORM_RI, SIZE32, set_reg32(cpu, u->dst, (uint32_t)op_and(cpu, R32(u->dst), IMM(u), 32))) \
	X(cmp_rm, cmp, FORM_RM, SIZE32, LOADED(4, cmp, FORM_RM, SIZE32);                        \
	  op_cmp(cpu, R32(u->dst), host_load(p, 4), 32))                                        \
	X(cmp_mr, cmp, FORM_MR, SIZE32, LOADED(4, cmp, FORM_MR, SIZE32);                        \
	  op_cmp(cpu, host_load(p, 4), R32(u->src), 32))                                        \
	X(cmp_mi, cmp, FORM_MI, SIZE32, LOADED(4, cmp, FORM_MI, SIZE32);                        \
	  op_cmp(cpu, host_load(p, 4), IMM(u), 32))                                             \
	X(cmp_mi8, cmp, FORM_MI, SIZE8, LOADED(1, cmp, FORM_MI, SIZE8);                         \
	  op_cmp(cpu, host_load(p, 1), IMM(u) & 0xff, 8))                                       \
	X(test_mi8, test, FORM_MI, SIZE8, LOADED(1, test, FORM_MI, SIZE8);                      \
	  op_test(cpu, host_load(p, 1), IMM(u) & 0xff, 8))

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
#define OP_THEN_CMOV(cc, name, ...)                                                             \
	static const struct uop *name##_cmov##cc(struct cpu *cpu, const struct uop *u)          \
	{                                                                                       \
		__VA_ARGS__;                                                                    \
		uint32_t moved = R32(u[1].src), kept = R32(u[1].dst);                           \
		LOAD_FIRST(moved);                                                              \
		LOAD_FIRST(kept);                                                               \
		set_reg32(cpu, u[1].dst, cond_##cc(&cpu->f) ? moved : kept);                    \
		RETURN_UOP(cpu, u + 2);                                                         \
	}
#define DEFINE_JCC(name, set, form, size, ...)  CONDITIONS(OP_THEN_JCC, name, __VA_ARGS__)
#define DEFINE_CMOV(name, set, form, size, ...) CONDITIONS(OP_THEN_CMOV, name, __VA_ARGS__)
REGISTER_OPS(DEFINE_JCC)
OTHER_OPS(DEFINE_JCC)
REGISTER_OPS(DEFINE_CMOV)

#define DECLARE_CC(cc, ...) extern const struct exec exec_j##cc, exec_cmov##cc;
CONDITIONS(DECLARE_CC, )

/* The conditions, in the order of CONDITIONS. */
#define JCC_SET(cc, ...)  &exec_j##cc,
#define CMOV_SET(cc, ...) &exec_cmov##cc,
static const struct exec *const jcc_sets[16] = {CONDITIONS(JCC_SET, )};
static const struct exec *const cmov_sets[16] = {CONDITIONS(CMOV_SET, )};

#define JCC_NAME(cc, name)  name##_j##cc,
#define CMOV_NAME(cc, name) name##_cmov##cc,
#define FLAG_ROW(name, set, form, size, ...)     {&exec_##set, form, size, {CONDITIONS(JCC_NAME, name)}, {NULL}},
#define REGISTER_ROW(name, set, form, size, ...) \
	{&exec_##set, form, size, {CONDITIONS(JCC_NAME, name)}, {CONDITIONS(CMOV_NAME, name)}},
static const struct flag_op {
	const struct exec *set;
	uint8_t form, size;
	uop_fn *jcc[16], *cmov[16];
} flag_ops[] = {REGISTER_OPS(REGISTER_ROW) OTHER_OPS(FLAG_ROW)};

static int condition_of(const struct exec *const sets[16], enum form form, unsigned size, uop_fn *fn)
{
	for (int cc = 0; cc < 16; cc++)
		if (sets[cc]->fn[form][size] == fn)
			return cc;
	return -1;
}

static bool fuse_condition(struct uop *u)
{
	int jcc = condition_of(jcc_sets, FORM_I, SIZE32, u[1].fn);
	int cmov = jcc < 0 ? condition_of(cmov_sets, FORM_RR, SIZE32, u[1].fn) : -1;

	if (jcc < 0 && cmov < 0)
		return false;
	for (unsigned i = 0; i < sizeof(flag_ops) / sizeof(flag_ops[0]); i++) {
		const struct flag_op *op = &flag_ops[i];
		if (op->set->fn[op->form][op->size] != u->fn)
			continue;
		uop_fn *fused = jcc >= 0 ? op->jcc[jcc] : op->cmov[cmov];
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
