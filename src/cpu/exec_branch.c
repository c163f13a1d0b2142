/* Near branches: the ends of most blocks.  SDM 2A/2B "Jcc", "JMP", "CALL",
 * "RET", "LOOP", "JrCXZ".  The target is checked against CS's limit before
 * anything changes; a 16-bit operand size cuts it to 16 bits. */
#include "cpu/block.h"
#include "cpu/operand.h"

const struct uop *exec_end_of_block(struct cpu *cpu, const struct uop *u)
{
	RETURN_GOTO_NEXT(cpu, u);
}

/* The target of a relative branch is link[LINK_TAKEN].rip of its block, computed
 * when the block was built. */
#define JCC(cc)                                                                     \
	static const struct uop *j##cc##_any(struct cpu *cpu, const struct uop *u)  \
	{                                                                           \
		if (cond_##cc(&cpu->f))                                             \
			RETURN_GOTO_TAKEN(cpu, u);                                  \
		RETURN_GOTO_NEXT(cpu, u);                                           \
	}                                                                           \
	const struct exec exec_j##cc = {.fn = {[FORM_I] = EXEC_ALL(j##cc##_any)}};

JCC(o) JCC(no) JCC(b) JCC(ae) JCC(e) JCC(ne) JCC(be) JCC(a)
JCC(s) JCC(ns) JCC(p) JCC(np) JCC(l) JCC(ge) JCC(le) JCC(g)

/* ---- LOOP, LOOPE, LOOPNE, JCXZ: the count register is by address size ---- */
static inline uint64_t count_register(const struct cpu *cpu, const struct uop *u)
{
	return (cpu->s.gpr.r64[RCX] << u->addr_shift) >> u->addr_shift;
}

static inline void set_count_register(struct cpu *cpu, const struct uop *u, uint64_t count)
{
	if (u->addr_shift == 48)
		cpu->s.gpr.r16[4 * RCX] = (uint16_t)count;
	else
		cpu->s.gpr.r64[RCX] = (count << u->addr_shift) >> u->addr_shift;
}

/* The target must be good before the count changes. */
static inline bool taken_ok(struct cpu *cpu)
{
	const struct link *link = &cpu->block->link[LINK_TAKEN];

	return LIKELY(link->epoch == cpu->epoch) || near_target_ok(cpu, link->rip);
}

#define LOOP(name, condition)                                                            \
	static const struct uop *name##_any(struct cpu *cpu, const struct uop *u)        \
	{                                                                                \
		uint64_t count = count_register(cpu, u) - 1;                             \
		bool taken = ((count << u->addr_shift) != 0) && (condition);             \
		if (taken && UNLIKELY(!taken_ok(cpu)))                                   \
			return uop_fault(cpu, u);                                        \
		set_count_register(cpu, u, count);                                       \
		if (taken)                                                               \
			RETURN_GOTO_TAKEN(cpu, u);                                       \
		RETURN_GOTO_NEXT(cpu, u);                                                \
	}                                                                                \
	const struct exec exec_##name = {.fn = {[FORM_I] = EXEC_ALL(name##_any)}};

LOOP(loop, true)
LOOP(loope, flag_zf(&cpu->f))
LOOP(loopne, !flag_zf(&cpu->f))

static const struct uop *jcxz_any(struct cpu *cpu, const struct uop *u)
{
	if (count_register(cpu, u) == 0)
		RETURN_GOTO_TAKEN(cpu, u);
	RETURN_GOTO_NEXT(cpu, u);
}
const struct exec exec_jcxz = {.fn = {[FORM_I] = EXEC_ALL(jcxz_any)}};

/* ---- JMP, CALL, RET ---- */
static inline bool push_return(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	uint64_t sp = stack_at(cpu, bits / 8, bits);
	uint8_t *p = stack_hit_write(cpu, sp, bits);

	if (LIKELY(p != NULL))
		host_store(p, bits / 8, uop_next_rip(cpu, u));
	else if (!seg_write_slow(&cpu->mmu, SEG_SS, sp, bits / 8, uop_next_rip(cpu, u)))
		return false;
	stack_set(cpu, sp, bits);
	return true;
}

static inline struct rd return_address(struct cpu *cpu, uint64_t sp, unsigned bits)
{
	const uint8_t *p = stack_hit_read(cpu, sp, bits);

	return LIKELY(p != NULL) ? (struct rd){host_load(p, bits / 8), true}
				 : seg_read_slow(&cpu->mmu, SEG_SS, sp, bits / 8);
}

static inline struct rd target_r(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	return (struct rd){reg_read(cpu, u->dst, bits), true};
}

static inline struct rd target_m(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	return seg_read(&cpu->mmu, u->seg, uop_ea(cpu, u), bits / 8);
}

/* A jump that was made before leads inside CS. */
static inline bool target_ok(struct cpu *cpu, uint64_t target)
{
	return LIKELY(jump_hit(cpu, jump_of(cpu, target), target)) || near_target_ok(cpu, target);
}

static const struct uop *jmp_i_any(struct cpu *cpu, const struct uop *u)
{
	RETURN_GOTO_TAKEN(cpu, u);
}

#define CALL_RELATIVE(bits)                                                              \
	static const struct uop *call_i_##bits(struct cpu *cpu, const struct uop *u)     \
	{                                                                                \
		if (UNLIKELY(!taken_ok(cpu) || !push_return(cpu, u, bits)))              \
			return uop_fault(cpu, u);                                        \
		RETURN_GOTO_TAKEN(cpu, u);                                               \
	}

#define JMP(form, bits)                                                                  \
	static const struct uop *jmp_##form##_##bits(struct cpu *cpu, const struct uop *u) \
	{                                                                                \
		struct rd target = target_##form(cpu, u, bits);                          \
		if (UNLIKELY(!target.ok || !target_ok(cpu, target.v)))                   \
			return uop_fault(cpu, u);                                        \
		RETURN_JUMP(cpu, target.v);                                              \
	}

#define CALL(form, bits)                                                                 \
	static const struct uop *call_##form##_##bits(struct cpu *cpu, const struct uop *u) \
	{                                                                                \
		struct rd target = target_##form(cpu, u, bits);                          \
		if (UNLIKELY(!target.ok || !target_ok(cpu, target.v)))                   \
			return uop_fault(cpu, u);                                        \
		if (UNLIKELY(!push_return(cpu, u, bits)))                                \
			return uop_fault(cpu, u);                                        \
		RETURN_JUMP(cpu, target.v);                                              \
	}

/* imm: bytes of parameters to drop (FORM_NONE: 0). */
#define RET(bits)                                                                        \
	static const struct uop *ret_##bits(struct cpu *cpu, const struct uop *u)        \
	{                                                                                \
		uint64_t sp = stack_at(cpu, 0, bits);                                    \
		struct rd target = return_address(cpu, sp, bits);                        \
		if (UNLIKELY(!target.ok || !target_ok(cpu, target.v)))                   \
			return uop_fault(cpu, u);                                        \
		stack_set(cpu, sp + bits / 8 + u->imm, bits);                            \
		RETURN_JUMP(cpu, target.v);                                              \
	}

JMP(r, 16) JMP(r, 32) JMP(r, 64) JMP(m, 16) JMP(m, 32) JMP(m, 64)
CALL_RELATIVE(16) CALL_RELATIVE(32) CALL_RELATIVE(64)
CALL(r, 16) CALL(r, 32) CALL(r, 64) CALL(m, 16) CALL(m, 32) CALL(m, 64)
RET(16) RET(32) RET(64)

const struct exec exec_jmp_near = {.fn = {[FORM_I] = EXEC_ALL(jmp_i_any),
					  [FORM_R] = EXEC_V(jmp_r_16, jmp_r_32, jmp_r_64),
					  [FORM_M] = EXEC_V(jmp_m_16, jmp_m_32, jmp_m_64)}};
const struct exec exec_call_near = {.fn = {[FORM_I] = EXEC_V(call_i_16, call_i_32, call_i_64),
					   [FORM_R] = EXEC_V(call_r_16, call_r_32, call_r_64),
					   [FORM_M] = EXEC_V(call_m_16, call_m_32, call_m_64)}};
const struct exec exec_ret_near = {.fn = {[FORM_NONE] = EXEC_V(ret_16, ret_32, ret_64),
					  [FORM_I] = EXEC_V(ret_16, ret_32, ret_64)}};
