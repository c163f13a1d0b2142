#include "cpu/held.h"

/* SDM 3A, "Masking Maskable Hardware Interrupts", "Masking Exceptions and Interrupts When Switching Stacks". */
static enum hold intr_held(const struct cpu *cpu)
{
	if (!cpu->intr_line)
		return HOLD_NONE;
	if (cpu->s.activity == ACT_WAIT_SIPI)
		return HOLD_WAIT_SIPI;
	if (!(cpu->s.rflags & FLAG_IF))
		return HOLD_IF_CLEAR;
	if (cpu->s.shadow & SHADOW_MOVSS)
		return HOLD_MOVSS_SHADOW;
	return cpu->s.shadow ? HOLD_STI_SHADOW : HOLD_NONE;
}

/* SDM 3A, "Handling Multiple NMIs". */
static enum hold nmi_held(const struct cpu *cpu)
{
	if (!cpu->nmi_pending)
		return HOLD_NONE;
	if (cpu->s.activity == ACT_WAIT_SIPI)
		return HOLD_WAIT_SIPI;
	if (cpu->s.nmi_blocked)
		return HOLD_NMI_BLOCKED;
	return cpu->s.shadow & SHADOW_MOVSS ? HOLD_MOVSS_SHADOW : HOLD_NONE;
}

static void tell(struct cpu *cpu, uint8_t *told, enum hold why, const char *pin, uint64_t cause)
{
	/* While another processor or a device acts, this one's count may be behind. */
	uint64_t now = cpu->icount > cpu->clock->now ? cpu->icount : cpu->clock->now;
	struct stage_record r = {
		.when = now,
		.cause = cause,
		.unit = "processor",
		.instance = (int16_t)cpu->id,
		.input = pin,
		.pin = STAGE_NO_NUMBER,
		.vector = STAGE_NO_NUMBER,
		.what = STAGE_HELD,
		.why = (uint8_t)why,
		.by = STAGE_NO_NUMBER,
	};

	if (why != HOLD_NONE && why != *told)
		trace_stage(cpu->trace, &r);
	*told = (uint8_t)why;
}

void cpu_tell_held_now(struct cpu *cpu)
{
	tell(cpu, &cpu->told.intr, intr_held(cpu), "INTR", cpu->intr_cause);
	tell(cpu, &cpu->told.nmi, nmi_held(cpu), "NMI", cpu->nmi_cause);
}
