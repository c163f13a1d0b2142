/* Life of a processor: creation, reset, pins, flags, and the endings that
 * handlers share. */
#include "cpu/cpu.h"

#include <stddef.h>
#include <stdio.h>

#include "cpu/block.h"
#include "cpu/desc.h"
#include "cpu/held.h"
#include "cpu/events.h"
#include "cpu/model.h"
#include "cpu/msr.h"
#include "cpu/x87.h"

bool cpu_init(struct cpu *cpu, unsigned id, struct bus *bus, struct clock *clock, struct trace *trace,
	      const struct cpu_model *model)
{
	memset(cpu, 0, sizeof(*cpu));
	cpu->id = id;
	cpu->bus = bus;
	cpu->clock = clock;
	cpu->trace = trace;
	cpu->model = model;
	cpu->how = model_decode(model);
	cpu->epoch = 1;
	cpu->cache = block_cache_new(cpu);
	if (!cpu->cache)
		return false;
	if (!mmu_init(&cpu->mmu, &cpu->s, bus, &cpu->fault)) {
		block_cache_free(cpu->cache);
		cpu->cache = NULL;
		return false;
	}
	cpu->mmu.phys_mask = (UINT64_C(1) << model->phys_bits) - 1;
	cpu->mmu.has_pat = model_has(model, FEAT_1_EDX, F1D_PAT);
	cpu->mmu.has_1g_pages = model_has(model, FEAT_81_EDX, F81D_PAGE1GB);
	cpu_reset(cpu, false);
	return true;
}

void cpu_free(struct cpu *cpu)
{
	if (!cpu->cache)
		return;
	block_cache_free(cpu->cache);
	cpu->cache = NULL;
	mmu_free(&cpu->mmu);
}

static struct segment reset_segment(uint16_t sel, uint64_t base, bool s, uint8_t type)
{
	return (struct segment){.sel = sel, .base = base, .limit = 0xffff, .s = s, .type = type,
				.present = true, .usable = true};
}

/* SDM 3A, "Processor State After Reset", table of register values. */
void cpu_reset(struct cpu *cpu, bool init)
{
	struct arch_state *s = &cpu->s;
	struct arch_state old = *s;

	*s = (struct arch_state){.rip = 0xfff0, .rflags = FLAG_ONE, .cr0 = CR0_ET | cpu->model->cr0_fixed};
	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		s->seg[i] = reset_segment(0, 0, true, TYPE_ACCESSED | TYPE_WRITABLE);
	s->seg[SEG_CS] = reset_segment(0xf000, 0xffff0000u, true, TYPE_CODE | TYPE_READABLE | TYPE_ACCESSED);
	s->seg[SEG_LDTR] = reset_segment(0, 0, false, SYS_LDT);
	s->seg[SEG_TR] = reset_segment(0, 0, false, SYS_TSS32_BUSY);
	s->gdtr.limit = s->idtr.limit = 0xffff;
	s->gpr.r64[RDX] = cpu->model->signature;
	s->dr6 = DR6_FIXED1;
	s->dr7 = DR7_FIXED1;
	s->pat = UINT64_C(0x0007040600070406);
	s->fpu.cw = 0x0040;
	s->fpu.tw = 0x5555;
	s->mxcsr = MXCSR_RESET;
	s->xcr0 = XCR0_X87;
	s->misc_enable = msr_misc_enable_at_reset(cpu->model);
	if (init) { /* leaves CD and NW alone, the x87 and vector state and the MSRs that are no part of another register */
		const size_t kept = offsetof(struct arch_state, pkru);
		memcpy((char *)s + kept, (const char *)&old + kept, sizeof(old) - kept);
		s->cr0 |= old.cr0 & (CR0_CD | CR0_NW);
	} else {
		s->cr0 |= (CR0_CD | CR0_NW) & cpu->model->cr0;
		cpu->nmi_pending = cpu->init_pending = cpu->sipi_pending = false;
		if (cpu->id != 0) /* "MP Initialization Protocol Algorithm": application processors */
			s->activity = ACT_WAIT_SIPI;
	}
	cpu_state_changed(cpu);
}

void cpu_state_changed(struct cpu *cpu)
{
	cpu->s.gpr.r64[GPR_ZERO] = 0;
	cpu->s.gpr.r64[GPR_256] = 256;
	flags_load(&cpu->f, (uint32_t)cpu->s.rflags);
	mmu_mode_changed(&cpu->mmu);
	mmu_flush(&cpu->mmu, true);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		segment_changed(cpu, (enum seg)i);
	x87_state_changed(cpu);
	block_cache_flush(cpu);
	cpu->run_until = 0;
}

bool base_canonical(const struct cpu *cpu, uint64_t base)
{
	return address_canonical(base, model_has(cpu->model, FEAT_7_ECX, F7C_LA57) ? 57 : 48);
}

/* The bits of EFLAGS that something outside of it is derived from. */
#define FLAGS_WITH_EFFECT (FLAG_AC | FLAG_VM)

void cpu_set_flags(struct cpu *cpu, uint64_t eflags)
{
	uint64_t changed = cpu->s.rflags ^ eflags;

	cpu->s.rflags = (eflags & cpu->model->eflags) | FLAG_ONE;
	flags_load(&cpu->f, (uint32_t)eflags);
	if (UNLIKELY(changed & FLAGS_WITH_EFFECT))
		mmu_mode_changed(&cpu->mmu);
}

void cpu_clear_flags(struct cpu *cpu, uint64_t mask)
{
	uint64_t changed = cpu->s.rflags & mask;

	cpu->s.rflags &= ~mask;
	if (UNLIKELY(changed & FLAGS_WITH_EFFECT))
		mmu_mode_changed(&cpu->mmu);
}

/* ---- pins ---- */
void cpu_set_intr(struct cpu *cpu, bool level, uint64_t cause)
{
	cpu->intr_line = level;
	cpu->intr_cause = cause;
	cpu->run_until = 0;
	cpu_tell_held(cpu);
}

void cpu_pulse_nmi(struct cpu *cpu, uint64_t cause)
{
	cpu->nmi_pending = true;
	cpu->nmi_cause = cause;
	cpu->run_until = 0;
	cpu_tell_held(cpu);
}

void cpu_pulse_init(struct cpu *cpu)
{
	cpu->init_pending = true;
	cpu->run_until = 0;
}

/* SDM 3A, "MP Initialization Protocol Algorithm": CS = vector * 100h, IP = 0. */
void cpu_start(struct cpu *cpu, uint8_t sipi_vector)
{
	if (cpu->init_pending) {
		cpu->sipi_pending = true;
		cpu->sipi_vector = sipi_vector;
		return;
	}
	if (cpu->s.activity != ACT_WAIT_SIPI)
		return;
	struct segment cs = cpu->s.seg[SEG_CS];
	cs.sel = (uint16_t)(sipi_vector << 8);
	cs.base = (uint64_t)sipi_vector << 12;
	set_segment(cpu, SEG_CS, &cs);
	cpu->s.rip = 0;
	cpu->s.activity = ACT_RUNNING;
}

bool cpu_is_waiting(const struct cpu *cpu)
{
	if (cpu->s.activity == ACT_RUNNING || cpu->init_pending)
		return false;
	return cpu->s.activity == ACT_WAIT_SIPI ||
	       (!(cpu->nmi_pending && !cpu->s.nmi_blocked) && !intr_deliverable(cpu));
}

void cpu_request_stop(struct cpu *cpu)
{
	cpu->stop_requested = true;
	cpu->run_until = 0;
}

/* ---- endings ---- */
bool cpu_raise(struct cpu *cpu, enum vector vector, uint32_t error, enum why why)
{
	cpu->fault = (struct fault){.vector = (uint8_t)vector, .has_error = vector_has_error_code(vector),
				    .error = error, .why = why};
	cpu->mmu.stop = MMU_FAULT;
	return false;
}

bool unimplemented(struct cpu *cpu, const char *what)
{
	if (!cpu->gapped)
		snprintf(cpu->gap, sizeof(cpu->gap), "%s", what);
	cpu->gapped = true;
	return false;
}

/* The instructions from u on did not happen: s.rip becomes u's own. */
static void back_to(struct cpu *cpu, const struct uop *u)
{
	cpu->s.rip = uop_rip(cpu, u);
	cpu->icount -= (uint64_t)(cpu->block->n - u->n);
}

const struct uop *uop_fault(struct cpu *cpu, const struct uop *u)
{
	back_to(cpu, u);
	cpu->leave = cpu->mmu.stop == MMU_RUN_ALONE ? LEAVE_ALONE : LEAVE_FAULT;
	cpu->mmu.stop = MMU_FAULT;
	return NULL;
}

const struct uop *uop_fault_at(struct cpu *cpu, const struct uop *u)
{
	cpu->leave = LEAVE_FAULT;
	return NULL;
}

const struct uop *uop_raise(struct cpu *cpu, const struct uop *u, enum vector vector, uint32_t error, enum why why)
{
	cpu_raise(cpu, vector, error, why);
	return uop_fault(cpu, u);
}

const struct uop *uop_leave(struct cpu *cpu, const struct uop *u)
{
	cpu->s.rip = uop_next_rip(cpu, u);
	cpu->leave = LEAVE_LOOK;
	return NULL;
}

const struct uop *uop_leave_at(struct cpu *cpu, const struct uop *u)
{
	cpu->leave = LEAVE_LOOK;
	return NULL;
}

/* ---- REP ---- */
static bool steps_singly(const struct cpu *cpu)
{
	return (cpu->s.rflags & FLAG_TF) || (cpu->s.dr7 & DR7_ENABLE_ANY);
}

uint64_t rep_budget(const struct cpu *cpu)
{
	/* icount counts one iteration already.  run_until is 0 when something waits. */
	if (steps_singly(cpu) || cpu->until <= cpu->icount)
		return 1;
	return cpu->until - cpu->icount + 1;
}

void rep_done(struct cpu *cpu, uint64_t iterations) { cpu->icount += iterations - 1; }

const struct uop *uop_again(struct cpu *cpu, const struct uop *u)
{
	cpu->s.rip = uop_rip(cpu, u);
	cpu->rep_resumes = true;
	cpu->leave = LEAVE_LOOK;
	return NULL;
}
