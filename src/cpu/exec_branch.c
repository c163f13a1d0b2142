/* Near branches: the ends of most blocks.  SDM 2A/2B "Jcc", "JMP", "CALL",
 * "RET", "LOOP", "JrCXZ".  The target is checked against CS's limit before
 * anything changes; a 16-bit operand size cuts it to 16 bits. */
#include "cpu/block.h"

const struct uop *exec_end_of_block(struct cpu *cpu, const struct uop *u)
{
	RETURN_GOTO(cpu, (cpu->s.rip + u->off) & cpu->ip_mask, LINK_NEXT);
}

static inline uint64_t cut(uint64_t rip, unsigned bits) { return bits == 16 ? (uint16_t)rip : (uint32_t)rip; }

static inline uint64_t relative(const struct cpu *cpu, const struct uop *u, unsigned bits)
{
	return cut(cpu->s.rip + u->off + u->len + u->imm, bits);
}

/* A conditional jump: taken is the condition. */
#define JCC(name, condition)                                                             \
	static const struct uop *name##_16(struct cpu *cpu, const struct uop *u)         \
	{                                                                                \
		const struct lazy_flags *f = &cpu->f;                                    \
		if (!(condition))                                                        \
			RETURN_GOTO(cpu, uop_next_rip(cpu, u), LINK_NEXT);               \
		uint64_t target = relative(cpu, u, 16);                                  \
		if (UNLIKELY(!near_target_ok(cpu, target)))                              \
			return uop_fault(cpu, u);                                        \
		RETURN_GOTO(cpu, target, LINK_TAKEN);                                    \
	}                                                                                \
	static const struct uop *name##_32(struct cpu *cpu, const struct uop *u)         \
	{                                                                                \
		const struct lazy_flags *f = &cpu->f;                                    \
		if (!(condition))                                                        \
			RETURN_GOTO(cpu, uop_next_rip(cpu, u), LINK_NEXT);               \
		uint64_t target = relative(cpu, u, 32);                                  \
		if (UNLIKELY(!near_target_ok(cpu, target)))                              \
			return uop_fault(cpu, u);                                        \
		RETURN_GOTO(cpu, target, LINK_TAKEN);                                    \
	}                                                                                \
	const struct exec exec_##name = {.fn = {[FORM_I] = EXEC_V(name##_16, name##_32)}};

JCC(jo, flag_of(f))
JCC(jno, !flag_of(f))
JCC(jb, flag_cf(f))
JCC(jae, !flag_cf(f))
JCC(je, flag_zf(f))
JCC(jne, !flag_zf(f))
JCC(jbe, flag_cf(f) || flag_zf(f))
JCC(ja, !flag_cf(f) && !flag_zf(f))
JCC(js, flag_sf(f))
JCC(jns, !flag_sf(f))
JCC(jp, flag_pf(f))
JCC(jnp, !flag_pf(f))
JCC(jl, flag_sf(f) != flag_of(f))
JCC(jge, flag_sf(f) == flag_of(f))
JCC(jle, flag_zf(f) || flag_sf(f) != flag_of(f))
JCC(jg, !flag_zf(f) && flag_sf(f) == flag_of(f))

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
		set_reg32(cpu, RCX, (uint32_t)count);
}

#define LOOP(name, condition)                                                            \
	static const struct uop *exec_##name##_any(struct cpu *cpu, const struct uop *u) \
	{                                                                                \
		const struct lazy_flags *f = &cpu->f;                                    \
		uint64_t count = count_register(cpu, u) - 1;                             \
		bool taken = ((count << u->addr_shift) != 0) && (condition);             \
		uint64_t target = relative(cpu, u, u->width);                            \
		(void)f;                                                                 \
		if (taken && UNLIKELY(!near_target_ok(cpu, target)))                     \
			return uop_fault(cpu, u);                                        \
		set_count_register(cpu, u, count);                                       \
		if (!taken)                                                              \
			RETURN_GOTO(cpu, uop_next_rip(cpu, u), LINK_NEXT);               \
		RETURN_GOTO(cpu, target, LINK_TAKEN);                                    \
	}                                                                                \
	const struct exec exec_##name = {.fn = {[FORM_I] = EXEC_ALL(exec_##name##_any)}};

LOOP(loop, true)
LOOP(loope, flag_zf(f))
LOOP(loopne, !flag_zf(f))

static const struct uop *exec_jcxz_any(struct cpu *cpu, const struct uop *u)
{
	uint64_t target = relative(cpu, u, u->width);

	if (count_register(cpu, u) != 0)
		RETURN_GOTO(cpu, uop_next_rip(cpu, u), LINK_NEXT);
	if (UNLIKELY(!near_target_ok(cpu, target)))
		return uop_fault(cpu, u);
	RETURN_GOTO(cpu, target, LINK_TAKEN);
}
const struct exec exec_jcxz = {.fn = {[FORM_I] = EXEC_ALL(exec_jcxz_any)}};

/* ---- JMP, CALL, RET ---- */
static inline bool push_return(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	uint64_t sp = stack_below(cpu, bits / 8);

	if (UNLIKELY(!seg_write(&cpu->mmu, SEG_SS, sp, bits / 8, uop_next_rip(cpu, u))))
		return false;
	set_sp(cpu, sp);
	return true;
}

static inline struct rd target_r(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	return (struct rd){bits == 16 ? *reg16(cpu, u->dst) : reg32(cpu, u->dst), true};
}

static inline struct rd target_m(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	return seg_read(&cpu->mmu, u->seg, uop_ea(cpu, u), bits / 8);
}

static inline struct rd target_i(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	return (struct rd){relative(cpu, u, bits), true};
}

#define JMP(form, bits)                                                                  \
	static const struct uop *jmp_##form##_##bits(struct cpu *cpu, const struct uop *u) \
	{                                                                                \
		struct rd target = target_##form(cpu, u, bits);                          \
		if (UNLIKELY(!target.ok || !near_target_ok(cpu, target.v)))              \
			return uop_fault(cpu, u);                                        \
		RETURN_GOTO(cpu, target.v, LINK_TAKEN);                                  \
	}

#define CALL(form, bits)                                                                 \
	static const struct uop *call_##form##_##bits(struct cpu *cpu, const struct uop *u) \
	{                                                                                \
		struct rd target = target_##form(cpu, u, bits);                          \
		if (UNLIKELY(!target.ok || !near_target_ok(cpu, target.v)))              \
			return uop_fault(cpu, u);                                        \
		if (UNLIKELY(!push_return(cpu, u, bits)))                                \
			return uop_fault(cpu, u);                                        \
		RETURN_GOTO(cpu, target.v, LINK_TAKEN);                                  \
	}

/* imm: bytes of parameters to drop (FORM_NONE: 0). */
#define RET(bits)                                                                        \
	static const struct uop *ret_##bits(struct cpu *cpu, const struct uop *u)        \
	{                                                                                \
		uint64_t sp = cpu->s.gpr.r64[RSP] & cpu->sp_mask;                        \
		struct rd target = seg_read(&cpu->mmu, SEG_SS, sp, bits / 8);            \
		if (UNLIKELY(!target.ok || !near_target_ok(cpu, target.v)))              \
			return uop_fault(cpu, u);                                        \
		set_sp(cpu, sp + bits / 8 + u->imm);                                     \
		RETURN_GOTO(cpu, target.v, LINK_TAKEN);                                  \
	}

JMP(i, 16) JMP(i, 32) JMP(r, 16) JMP(r, 32) JMP(m, 16) JMP(m, 32)
CALL(i, 16) CALL(i, 32) CALL(r, 16) CALL(r, 32) CALL(m, 16) CALL(m, 32)
RET(16) RET(32)

const struct exec exec_jmp_near = {.fn = {[FORM_I] = EXEC_V(jmp_i_16, jmp_i_32),
					  [FORM_R] = EXEC_V(jmp_r_16, jmp_r_32),
					  [FORM_M] = EXEC_V(jmp_m_16, jmp_m_32)}};
const struct exec exec_call_near = {.fn = {[FORM_I] = EXEC_V(call_i_16, call_i_32),
					   [FORM_R] = EXEC_V(call_r_16, call_r_32),
					   [FORM_M] = EXEC_V(call_m_16, call_m_32)}};
const struct exec exec_ret_near = {.fn = {[FORM_NONE] = EXEC_V(ret_16, ret_32), [FORM_I] = EXEC_V(ret_16, ret_32)}};
