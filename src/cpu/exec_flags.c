/* CLI, STI, PUSHF, POPF in every mode, CLAC, STAC.  SDM 2A "CLI", "CLAC", 2B "POPF", "PUSHF",
 * "STAC", "STI"; SDM 3B, "Virtual-8086 Mode Extensions" and "Protected-Mode Virtual
 * Interrupts".
 *
 * IF and VIF have no state derived from them, so CLI and STI write them
 * without computing the lazy flags. */
#include "cpu/ending.h"
#include "cpu/operand.h"

/* Who may touch IF: real mode, CPL <= IOPL; in virtual-8086 mode CPL is 3. */
static inline bool owns_if(const struct cpu *cpu) { return in_real(cpu) || cpu->s.cpl <= iopl(cpu); }

/* VME or PVI mode: VIF takes the place of IF. */
static bool has_virtual_if(const struct cpu *cpu)
{
	if (in_vm86(cpu))
		return cpu->s.cr4 & CR4_VME;
	return cpu->s.cpl == 3 && (cpu->s.cr4 & CR4_PVI);
}

static const struct uop *cli(struct cpu *cpu, const struct uop *u)
{
	if (LIKELY(owns_if(cpu)))
		cpu->s.rflags &= ~(uint64_t)FLAG_IF;
	else if (has_virtual_if(cpu))
		cpu->s.rflags &= ~(uint64_t)FLAG_VIF;
	else
		return uop_raise(cpu, u, VEC_GP, 0, WHY_CLI_IOPL);
	RETURN_NEXT(cpu, u);
}
const struct exec exec_cli = {.fn = {[FORM_NONE] = EXEC_ALL(cli)}};

/* The shadow only if IF was 0 (SDM 2B "STI", note 1 of the Description). */
static const struct uop *sti(struct cpu *cpu, const struct uop *u)
{
	if (LIKELY(owns_if(cpu))) {
		if (!(cpu->s.rflags & FLAG_IF))
			cpu->s.shadow |= SHADOW_STI;
		cpu->s.rflags |= FLAG_IF;
		return uop_leave(cpu, u);
	}
	if (!has_virtual_if(cpu))
		return uop_raise(cpu, u, VEC_GP, 0, WHY_STI_IOPL);
	if (cpu->s.rflags & FLAG_VIP)
		return uop_raise(cpu, u, VEC_GP, 0, WHY_STI_VIP);
	cpu->s.rflags |= FLAG_VIF;
	return uop_leave(cpu, u);
}
const struct exec exec_sti = {.fn = {[FORM_NONE] = EXEC_ALL(sti)}};

/* Virtual-8086 mode with IOPL < 3: only with VME and 16 bits; VIF stands for IF then. */
static inline bool vme_flags(const struct cpu *cpu, unsigned bits)
{
	return bits == 16 && (cpu->s.cr4 & CR4_VME);
}

static inline bool vm86_below_iopl(const struct cpu *cpu) { return in_vm86(cpu) && iopl(cpu) < 3; }

static inline bool pushf(struct cpu *cpu, unsigned bits)
{
	uint64_t image = cpu_flags(cpu) & ~(uint64_t)(FLAG_VM | FLAG_RF);
	uint64_t sp = stack_below(cpu, bits / 8);

	if (UNLIKELY(vm86_below_iopl(cpu))) {
		if (!vme_flags(cpu, bits))
			return cpu_raise(cpu, VEC_GP, 0, WHY_PUSHF_VM86);
		image = (image & ~(uint64_t)FLAG_IF) | FLAG_IOPL | (image & FLAG_VIF ? FLAG_IF : 0);
	}
	if (!seg_write(&cpu->mmu, SEG_SS, sp, bits / 8, image & width_mask(bits)))
		return false;
	set_sp(cpu, sp);
	return true;
}
THEN_NEXT(pushf16, pushf(cpu, 16))
THEN_NEXT(pushf32, pushf(cpu, 32))
THEN_NEXT(pushf64, pushf(cpu, 64))
const struct exec exec_pushf = {.fn = {[FORM_NONE] = EXEC_V(pushf16, pushf32, pushf64)}};

/* The flags POPF takes from the stack: SDM 2B, table "Effect of POPF/POPFD on
 * the EFLAGS Register".  VM, VIF, VIP never; RF is cleared.  cpu_set_flags()
 * drops what the model does not have. */
static uint32_t popf_mask(const struct cpu *cpu, unsigned bits)
{
	uint32_t mask = FLAGS_STATUS | FLAG_TF | FLAG_DF | FLAG_NT;

	if (cpu->s.cpl == 0)
		mask |= FLAG_IOPL;
	if (owns_if(cpu))
		mask |= FLAG_IF;
	if (bits >= 32)
		mask |= FLAG_AC | FLAG_ID;
	return mask;
}

/* *look: flags that the run loop watches were written. */
static inline bool popf(struct cpu *cpu, unsigned bits, bool *look)
{
	bool virtual_if = vm86_below_iopl(cpu);
	uint64_t old = cpu_flags(cpu), mask = popf_mask(cpu, bits);

	if (UNLIKELY(virtual_if && !vme_flags(cpu, bits)))
		return cpu_raise(cpu, VEC_GP, 0, WHY_POPF_VM86);
	struct rd image = seg_read(&cpu->mmu, SEG_SS, cpu->s.gpr.r64[RSP] & cpu->sp_mask, bits / 8);
	if (!image.ok)
		return false;
	uint64_t flags = (old & ~(mask | FLAG_RF)) | (image.v & mask);
	if (UNLIKELY(virtual_if)) {
		if ((old & FLAG_VIP) && (image.v & FLAG_IF))
			return cpu_raise(cpu, VEC_GP, 0, WHY_POPF_VIP);
		flags = (flags & ~(uint64_t)FLAG_VIF) | (image.v & FLAG_IF ? FLAG_VIF : 0);
	}
	set_sp(cpu, cpu->s.gpr.r64[RSP] + bits / 8);
	cpu_set_flags(cpu, flags);
	*look = ((old ^ flags) & ~(uint64_t)(FLAGS_STATUS | FLAG_DF)) || (flags & FLAG_TF);
	return true;
}

#define POPF(bits)                                                            \
	static const struct uop *popf##bits(struct cpu *cpu, const struct uop *u) \
	{                                                                     \
		bool look;                                                    \
		if (!popf(cpu, bits, &look))                                  \
			return uop_fault(cpu, u);                             \
		if (look)                                                     \
			return uop_leave(cpu, u);                             \
		RETURN_NEXT(cpu, u);                                          \
	}
POPF(16) POPF(32) POPF(64)
const struct exec exec_popf = {.fn = {[FORM_NONE] = EXEC_V(popf16, popf32, popf64)}};

static inline bool set_ac(struct cpu *cpu, bool on)
{
	if (UNLIKELY(cpu->s.cpl != 0))
		return cpu_raise(cpu, VEC_UD, 0, WHY_AC_NEEDS_CPL0);
	if (on)
		cpu_set_flags(cpu, cpu_flags(cpu) | FLAG_AC);
	else
		cpu_clear_flags(cpu, FLAG_AC);
	return true;
}
THEN_NEXT(clac, set_ac(cpu, false))
const struct exec exec_clac = {.fn = {[FORM_NONE] = EXEC_ALL(clac)}};
THEN_NEXT(stac, set_ac(cpu, true))
const struct exec exec_stac = {.fn = {[FORM_NONE] = EXEC_ALL(stac)}};
