/* The run loop: events between instructions in the SDM's order, then blocks
 * for as long as nothing wants a look. */
#include "cpu/block.h"
#include "cpu/debug.h"
#include "cpu/deliver.h"
#include "cpu/desc.h"
#include "cpu/events.h"
#include "cpu/held.h"

void run_uops(struct cpu *cpu, const struct uop *u)
{
#if TRAPGATE_TAILCALL
	u->fn(cpu, u);
#else
	do
		u = u->fn(cpu, u);
	while (u);
#endif
}

/* ---- events between two instructions ----
 * SDM 3A, "Prioritization of Concurrent Events", table.  Each function takes
 * its event if there is one and says whether it did. */
static bool take_init(struct cpu *cpu)
{
	if (!cpu->init_pending)
		return false;
	cpu->init_pending = false;
	cpu_reset(cpu, true);
	if (cpu->id != 0)
		cpu->s.activity = ACT_WAIT_SIPI;
	if (cpu->sipi_pending)
		cpu_start(cpu, cpu->sipi_vector);
	cpu->sipi_pending = false;
	return true;
}

/* Traps of the previous instruction: single step, data and I/O breakpoints, and
 * the task-switch trap, in one #DB.  MOV SS holds them back. */
static bool take_debug_trap(struct cpu *cpu)
{
	if (!cpu->s.pending_dr6 || (cpu->s.shadow & SHADOW_MOVSS))
		return false;
	uint32_t dr6 = cpu->s.pending_dr6;
	struct event ev = {.kind = EV_TRAP, .vector = VEC_DB, .dr6 = dr6, .return_rip = cpu->s.rip,
			   .why = dr6 & DR6_BT   ? WHY_TASK_SWITCH_TRAP
				  : dr6 & DR6_BS ? WHY_SINGLE_STEP : WHY_DATA_BREAKPOINT};
	cpu->s.pending_dr6 = 0;
	deliver(cpu, &ev);
	return true;
}

/* The trap on a task switch comes before INIT, with whatever else is to be told of the
 * switch. */
static bool take_task_trap(struct cpu *cpu)
{
	return (cpu->s.pending_dr6 & DR6_BT) && take_debug_trap(cpu);
}

static bool take_nmi(struct cpu *cpu)
{
	if (!cpu->nmi_pending || cpu->s.nmi_blocked || (cpu->s.shadow & SHADOW_MOVSS) ||
	    cpu->s.activity == ACT_WAIT_SIPI)
		return false;
	struct event ev = {.kind = EV_NMI, .vector = VEC_NMI, .return_rip = cpu->s.rip, .cause = cpu->nmi_cause};
	cpu->nmi_pending = false;
	cpu->told.nmi = HOLD_NONE;
	cpu->s.nmi_blocked = true;
	deliver(cpu, &ev);
	return true;
}

static bool take_interrupt(struct cpu *cpu)
{
	if (!intr_deliverable(cpu))
		return false;
	struct event ev = {.kind = EV_IRQ, .return_rip = cpu->s.rip, .cause = cpu->intr_cause};
	cpu_sync_clock(cpu);
	cpu->told.intr = HOLD_NONE;
	ev.vector = cpu->intr.acknowledge(cpu->intr.device, &ev.cause);
	deliver(cpu, &ev);
	return true;
}

static bool take_code_breakpoint(struct cpu *cpu)
{
	if (!(cpu->s.dr7 & DR7_ENABLE_ANY) || (cpu->s.rflags & FLAG_RF) || cpu->s.activity != ACT_RUNNING)
		return false;
	uint32_t hits = execution_breakpoints(&cpu->s, code_linear(cpu, cpu->s.rip));
	if (!hits || (cpu->s.shadow & SHADOW_MOVSS))
		return false;
	struct event ev = {.kind = EV_FAULT, .vector = VEC_DB, .dr6 = hits, .return_rip = cpu->s.rip,
			   .why = WHY_CODE_BREAKPOINT};
	deliver(cpu, &ev);
	return true;
}

static bool (*const events_by_priority[])(struct cpu *) = {
	take_task_trap, take_init, take_debug_trap, take_nmi, take_interrupt, take_code_breakpoint,
};

static bool take_event(struct cpu *cpu)
{
	for (unsigned i = 0; i < sizeof(events_by_priority) / sizeof(events_by_priority[0]); i++)
		if (events_by_priority[i](cpu))
			return true;
	return false;
}

static void deliver_fault(struct cpu *cpu)
{
	struct event ev;

	event_of_fault(cpu, &ev);
	deliver(cpu, &ev);
}

/* One instruction with everything that surrounds it: shadows end, TF and
 * breakpoints become pending traps, RF is spent. */
static void one_instruction(struct cpu *cpu)
{
	bool tf = cpu->s.rflags & FLAG_TF;
	uint64_t rf = cpu->s.rflags & FLAG_RF;

	cpu_tell_held(cpu);
	cpu->s.shadow = 0;
	cpu->s.rflags &= ~(uint64_t)FLAG_RF;
	cpu->step_inhibit = cpu->rep_resumes = false;
	cpu->mmu.watch_hits = 0;
	run_alone(cpu);
	if (cpu->leave == LEAVE_FAULT) {
		if (cpu->gapped)
			return;
		deliver_fault(cpu);
		return;
	}
	if (cpu->rep_resumes && rf)
		cpu->s.rflags |= FLAG_RF; /* the instruction is not over */
	cpu->s.pending_dr6 |= cpu->mmu.watch_hits;
	if (tf && !cpu->step_inhibit && !(cpu->s.shadow & SHADOW_MOVSS))
		cpu->s.pending_dr6 |= DR6_BS;
	cpu_tell_held(cpu);
}

/* Runs blocks until something wants a look. */
static void run_blocks(struct cpu *cpu)
{
	struct block *b = block_find(cpu);

	if (!b || !block_fits(cpu, b)) {
		one_instruction(cpu);
		return;
	}
	run_uops(cpu, block_enter(cpu, b));
	if (UNLIKELY(cpu->leave == LEAVE_FAULT)) {
		if (!cpu->gapped)
			deliver_fault(cpu);
	} else if (UNLIKELY(cpu->leave == LEAVE_ALONE)) {
		one_instruction(cpu);
	}
}

/* Why the loop must end now, or STOP_BUDGET with *end = false. */
static enum stop ending(const struct cpu *cpu, uint64_t until, bool *end)
{
	*end = true;
	if (cpu->gapped)
		return STOP_UNIMPLEMENTED;
	if (cpu->stop_requested)
		return STOP_REQUESTED;
	if (cpu->s.activity == ACT_SHUTDOWN)
		return STOP_SHUTDOWN;
	*end = cpu->icount >= until;
	return STOP_BUDGET;
}

static enum stop run(struct cpu *cpu, uint64_t until, bool one_step)
{
	enum stop stop;
	bool end;

	cpu->stop_requested = false;
	for (;;) {
		stop = ending(cpu, until, &end);
		if (end)
			break;
		cpu->run_until = until;
		cpu->until = one_step || cpu->before_instruction ? cpu->icount + 1 : until;
		if (LIKELY(!wants_care(cpu) && !one_step)) {
			run_blocks(cpu);
			continue;
		}
		if (take_event(cpu)) {
			if (one_step)
				break;
			continue;
		}
		if (cpu->s.activity != ACT_RUNNING) {
			stop = STOP_HALT;
			break;
		}
		if (UNLIKELY(cpu->before_instruction != NULL) && !cpu->before_instruction(cpu->before_owner, cpu))
			continue;
		one_instruction(cpu);
		if (one_step)
			break;
	}
	cpu->s.rflags = cpu_flags(cpu);
	return stop;
}

enum stop cpu_run(struct cpu *cpu, uint64_t until) { return run(cpu, until, false); }

enum stop cpu_step(struct cpu *cpu)
{
	enum stop stop = run(cpu, UINT64_MAX, true);
	bool end;

	return stop == STOP_HALT ? stop : ending(cpu, UINT64_MAX, &end);
}
