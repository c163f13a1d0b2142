/* The x87's rare cases: refusals, stack faults, FERR#, initialization. */
#include "cpu/x87.h"

void x87_power_up(struct fpu_state *f)
{
	*f = (struct fpu_state){.cw = 0x0040, .tw = 0x5555};
}

/* The registers keep their contents, all marked empty (SDM 2A "FINIT/FNINIT"). */
void x87_init(struct fpu_state *f)
{
	f->cw = 0x037f;
	f->sw = 0;
	f->tw = 0xffff;
	f->fip = f->fdp = 0;
	f->fcs = f->fds = f->fop = 0;
}

static unsigned tag_of(struct fp80 v)
{
	switch (fp_classify(v)) {
	case FP_NORMAL:
		return 0;
	case FP_ZERO:
		return 1;
	default:
		return 2;
	}
}

uint16_t x87_tag_word(const struct fpu_state *f)
{
	unsigned tw = 0;

	for (unsigned i = 0; i < 8; i++) {
		bool empty = ((f->tw >> (2 * i)) & 3) == 3;

		tw |= (empty ? 3 : tag_of(f->st[i])) << (2 * i);
	}
	return (uint16_t)tw;
}

/* ---- FERR# and IGNNE# ---- */

/* FERR# goes active with the unmasked exception itself, whatever CR0.NE says
 * (SDM 1, "MS-DOS Compatibility Sub-mode in the P6 Family and Pentium 4
 * Processors"; "Changes with Intel486, Pentium and Pentium Pro Processors with
 * CR0.NE[bit 5] = 1"). */
void x87_drive_ferr(struct cpu *cpu)
{
	bool level = cpu->s.fpu.sw & FP_ES;

	if (cpu->ferr == level)
		return;
	cpu->ferr = level;
	if (cpu->ferr_changed == NULL)
		return;
	cpu_sync_clock(cpu);
	cpu->ferr_changed(cpu->ferr_owner, level);
}

void x87_state_changed(struct cpu *cpu)
{
	cpu->s.fpu.sw = x87_status(&cpu->s.fpu, 0, 0);
	x87_drive_ferr(cpu);
}

/* ---- refusals ---- */

bool x87_not_available(struct cpu *cpu)
{
	if (cpu->s.cr0 & CR0_EM)
		return cpu_raise(cpu, VEC_NM, 0, WHY_X87_EMULATED);
	if (!x87_present(cpu))
		return cpu_raise(cpu, VEC_UD, 0, WHY_X87_ABSENT);
	if (cpu->s.cr0 & CR0_TS)
		return cpu_raise(cpu, VEC_NM, 0, WHY_X87_TASK_SWITCHED);
	return true;
}

/* The error is pending and CR0.NE = 0: the processor stops before the
 * instruction until an interrupt comes (SDM 1, "Basic Rules: When FERR# Is
 * Generated").  The interrupt's handler returns to the
 * instruction.  To the rest of the machine this is HLT with RIP left in place. */
static bool freeze(struct cpu *cpu)
{
	if (cpu->mmu.alone)
		cpu->s.activity = ACT_HALTED;
	else
		cpu->mmu.stop = MMU_RUN_ALONE;
	return false;
}

bool x87_error(struct cpu *cpu)
{
	if (cpu->s.cr0 & CR0_NE)
		return cpu_raise(cpu, VEC_MF, 0, WHY_X87_PENDING);
	return cpu->ignne || freeze(cpu);
}

bool x87_not_ready(struct cpu *cpu)
{
	return x87_available(cpu) && (!(cpu->s.fpu.sw & FP_ES) || x87_error(cpu));
}

const struct uop *x87_refused(struct cpu *cpu, const struct uop *u)
{
	uop_fault(cpu, u);
	if (cpu->s.activity != ACT_RUNNING) { /* frozen: waits, and has neither faulted nor happened */
		cpu->step_inhibit = true;
		cpu->leave = LEAVE_LOOK;
	}
	return NULL;
}

/* ---- stack faults ---- */

bool x87_underflow(struct cpu *cpu, const struct uop *u, unsigned dst, unsigned pops, uint16_t cc)
{
	struct fpu_state *f = &cpu->s.fpu;

	if (!x87_finish(cpu, u, x87_status(f, cc | FP_C1, FP_IE | FP_SF)))
		return false;
	if (x87_unmasked(f, FP_IE))
		return true;
	x87_set_st(f, dst, fp_indefinite());
	x87_pop(f, pops);
	return true;
}

bool x87_push(struct cpu *cpu, const struct uop *u, struct fp80 v, uint16_t flags)
{
	struct fpu_state *f = &cpu->s.fpu;

	if (UNLIKELY(!x87_empty(f, 7))) {
		flags = FP_IE | FP_SF | FP_C1;
		v = fp_indefinite();
	}
	if (UNLIKELY(!x87_finish(cpu, u, x87_status(f, FP_C1, flags))))
		return false;
	/* Unmasked #D too leaves the stack alone (SDM 1, "Denormal Operand Exception (#D)"),
	 * although processors push the value. */
	if (UNLIKELY(x87_unmasked(f, flags) & FP_BEFORE))
		return true;
	x87_move_top(f, 7);
	x87_set_st(f, 0, v);
	return true;
}
