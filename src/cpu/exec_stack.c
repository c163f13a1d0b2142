/* PUSH POP PUSHA POPA ENTER LEAVE.  SDM 2A, 2B.  Offsets wrap at the stack's
 * size (SS.B), each word by itself. */
#include "cpu/operand.h"

static bool push_slow(struct cpu *cpu, unsigned bytes, uint64_t v)
{
	uint64_t sp = stack_below(cpu, bytes);

	if (!seg_write_slow(&cpu->mmu, SEG_SS, sp, bytes, v))
		return false;
	set_sp(cpu, sp);
	return true;
}

/* The offset n bytes below EBP or BP, by the stack's size. */
static inline uint64_t frame_below(const struct cpu *cpu, unsigned n)
{
	return (cpu->s.gpr.r64[RBP] - n) & cpu->sp_mask;
}

/* ENTER's nth push from the present ESP, which stays until the end. */
static bool probe_push(struct cpu *cpu, unsigned nth, unsigned bytes)
{
	return seg_probe_write(&cpu->mmu, SEG_SS, stack_below(cpu, nth * bytes), bytes);
}
static bool store_push(struct cpu *cpu, unsigned nth, unsigned bytes, uint64_t v)
{
	return seg_write(&cpu->mmu, SEG_SS, stack_below(cpu, nth * bytes), bytes, v);
}

#define BITS 16
#include "cpu/stack.inc"
#undef BITS
#define BITS 32
#include "cpu/stack.inc"
#undef BITS
#define BITS 64
#include "cpu/stack.inc"
#undef BITS

#define OP push
const struct exec EXEC_SET = {{[FORM_R] = EXEC_V_OF(r), [FORM_I] = EXEC_V_OF(i), [FORM_M] = EXEC_V_OF(m)}};
#undef OP
#define OP pop
const struct exec EXEC_SET = {{[FORM_R] = EXEC_V_OF(r), [FORM_M] = EXEC_V_OF(m)}};
#undef OP
#define OP pusha
const struct exec EXEC_SET = {{[FORM_NONE] = EXEC_V32_OF(none)}};
#undef OP
#define OP popa
const struct exec EXEC_SET = {{[FORM_NONE] = EXEC_V32_OF(none)}};
#undef OP
#define OP enter
const struct exec EXEC_SET = {{[FORM_II] = EXEC_V_OF(ii)}};
#undef OP
#define OP leave
const struct exec EXEC_SET = {{[FORM_NONE] = EXEC_V_OF(none)}};
#undef OP
