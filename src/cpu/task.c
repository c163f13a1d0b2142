/* The task switch.  SDM 3A, "Task Switching": the numbered steps there, "Effect of a Task
 * Switch on Busy Flag, NT Flag, Previous Task Link Field, and TS Flag" (table).
 *
 * Everything that can fault before the commit point is tried first: the checks on
 * the new TSS, reads of it, and writes to the old TSS, the link and the busy bits.  So up to
 * there the old task is untouched. */
#include "cpu/deliver.h"
#include "cpu/stackswitch.h"
#include "cpu/tss.h"
#include "trace/trace.h"

#define TSS_LINK       0 /* previous task link: a word at the start of the TSS */
#define TSS_BUSY       (SYS_TSS32_BUSY ^ SYS_TSS32_AVAIL)
#define DESC_TYPE_BYTE 5

struct switching {
	struct cpu *cpu;
	const struct task_switch *t;
	struct descriptor tss;
	const struct tss_layout *from, *to;
	uint16_t old_sel;
	uint64_t old_base;
};

/* JMP and IRET leave a task for good, CALL and interrupts nest. */
static bool nests(const struct switching *w)
{
	return w->t->cause == TASK_CALL || w->t->cause == TASK_INT;
}

static bool is_tss(const struct segment *s)
{
	return !s->s && (s->type & ~(SYS_TSS32_BUSY ^ SYS_TSS16_AVAIL)) == SYS_TSS16_AVAIL;
}

/* Steps 1 to 4.  The order is that of the instructions' Operation sections: in the GDT,
 * a TSS, available (IRET: busy), present; then the limit. */
static bool find_tss(struct switching *w)
{
	struct cpu *cpu = w->cpu;
	uint16_t sel = w->t->tss_sel;
	uint32_t error = sel_error(sel, w->t->ext);
	bool back = w->t->cause == TASK_IRET;
	enum vector vector = back ? VEC_TS : VEC_GP;

	if (sel_null(sel))
		return cpu_raise(cpu, vector, w->t->ext, WHY_TASK_TSS_NULL);
	if (sel & SEL_TI)
		return cpu_raise(cpu, vector, error, WHY_TASK_TSS_LOCAL);
	if (!desc_read(cpu, &w->tss, sel, vector, w->t->ext, WHY_TASK_TSS_BEYOND_GDT))
		return false;
	if (!is_tss(&w->tss.seg))
		return cpu_raise(cpu, vector, error, WHY_TASK_TSS_TYPE);
	bool busy = w->tss.seg.type & TSS_BUSY;
	if (back && !busy)
		return cpu_raise(cpu, vector, error, WHY_TASK_TSS_NOT_BUSY);
	if (!back && busy)
		return cpu_raise(cpu, vector, error, WHY_TASK_TSS_BUSY);
	if (!w->tss.seg.present)
		return cpu_raise(cpu, VEC_NP, error, WHY_TASK_TSS_NOT_PRESENT);
	w->to = tss_layout(w->tss.seg.type);
	if (w->tss.seg.limit < w->to->min_limit)
		return cpu_raise(cpu, VEC_TS, error, WHY_TASK_TSS_LIMIT);
	return true;
}

static bool probe_busy(struct cpu *cpu, uint16_t sel)
{
	uint64_t lin = cpu->s.gdtr.base + (sel & SEL_INDEX) + DESC_TYPE_BYTE;

	return lin_probe_write(&cpu->mmu, lin & cpu->mmu.lin_mask, 1);
}

static bool pae_paging(const struct cpu *cpu)
{
	return (cpu->s.cr0 & CR0_PG) && (cpu->s.cr4 & CR4_PAE);
}

/* Step 5: would everything up to the commit point succeed? */
static bool probe_switch(struct switching *w)
{
	struct cpu *cpu = w->cpu;
	const struct segment *tr = &cpu->s.seg[SEG_TR];
	struct task_state unused = {0}, next;

	if (tr->limit < w->from->last_saved)
		return cpu_raise(cpu, VEC_TS, sel_error(tr->sel, w->t->ext), WHY_TASK_OLD_TSS_LIMIT);
	if (!tss_save_state(cpu, tr->base, w->from, &unused, true))
		return false;
	if (nests(w) && !lin_probe_write(&cpu->mmu, w->tss.seg.base + TSS_LINK, 2))
		return false;
	if (!nests(w) && !probe_busy(cpu, tr->sel))
		return false;
	if (w->t->cause != TASK_IRET && !probe_busy(cpu, w->t->tss_sel))
		return false;
	if (!tss_read_state(cpu, w->tss.seg.base, w->to, &next))
		return false;
	if (pae_paging(cpu) && next.cr3 != cpu->s.cr3) {
		uint64_t kept[4];

		memcpy(kept, cpu->s.pdpte, sizeof(kept));
		bool good = mmu_load_pdptes(&cpu->mmu, next.cr3);
		memcpy(cpu->s.pdpte, kept, sizeof(kept));
		if (!good)
			return cpu_raise(cpu, VEC_GP, 0, WHY_TASK_PDPTE);
	}
	return true;
}

/* Steps 6 to 10: the old task's busy bit and state, the link, the new task's busy bit. */
static bool leave_old_task(struct switching *w)
{
	struct cpu *cpu = w->cpu;
	struct task_state old = {.ip = (uint32_t)w->t->return_rip, .flags = (uint32_t)w->t->flags};

	if (w->t->cause == TASK_IRET)
		old.flags &= ~FLAG_NT;
	for (unsigned i = 0; i < 8; i++)
		old.gpr[i] = (uint32_t)cpu->s.gpr.r64[i];
	for (unsigned i = 0; i < TSS_SEGMENTS; i++)
		old.seg[i] = cpu->s.seg[i].sel;
	if (!nests(w) && !desc_set_busy(cpu, w->old_sel, false))
		return false;
	if (!tss_save_state(cpu, w->old_base, w->from, &old, false))
		return false;
	if (nests(w) && !lin_write(&cpu->mmu, w->tss.seg.base + TSS_LINK, 2, w->old_sel))
		return false;
	return w->t->cause == TASK_IRET || desc_set_busy(cpu, w->t->tss_sel, true);
}

/* TLBs and PDPTEs follow only if the value changes: SDM 3A, "Operations that
 * Invalidate TLBs and Paging-Structure Caches", "PDPTE Registers". */
static bool load_cr3(struct cpu *cpu, uint32_t cr3)
{
	if (cr3 == cpu->s.cr3)
		return true;
	if (pae_paging(cpu) && !mmu_load_pdptes(&cpu->mmu, cr3))
		return cpu_raise(cpu, VEC_GP, 0, WHY_TASK_PDPTE);
	cpu->s.cr3 = cr3;
	mmu_flush(&cpu->mmu, false);
	return true;
}

/* Steps 11 and 12: TR, then all registers; segment registers get their selectors only.
 * The local breakpoints go off: SDM 3B, "Debug Control Register (DR7)". */
static bool enter_new_task(struct switching *w, const struct task_state *s)
{
	struct cpu *cpu = w->cpu;
	struct segment tr = w->tss.seg;
	uint32_t flags = s->flags & FLAGS_DEFINED;

	if (!load_cr3(cpu, s->cr3))
		return false;
	tr.type |= TSS_BUSY;
	set_segment(cpu, SEG_TR, &tr);
	cpu->s.cr0 |= CR0_TS;
	cpu->s.dr7 &= ~(uint64_t)(DR7_LOCAL | DR7_LE);
	for (unsigned i = 0; i < 8; i++)
		set_reg32(cpu, i, s->gpr[i]);
	for (unsigned i = 0; i < TSS_SEGMENTS; i++) {
		struct segment empty = null_segment(s->seg[i]);
		set_segment(cpu, (enum seg)i, &empty);
	}
	struct segment no_ldt = null_segment(s->ldt);
	set_segment(cpu, SEG_LDTR, &no_ldt);
	cpu->s.rip = s->ip;
	cpu_set_flags(cpu, nests(w) ? flags | FLAG_NT : flags);
	set_cpl(cpu, in_vm86(cpu) ? 3 : s->seg[SEG_CS] & SEL_RPL);
	if (s->trap)
		cpu->s.pending_dr6 |= DR6_BT;
	return true;
}

/* Behind the commit point: segments, then an exception's error code, then EIP. SDM 2A, "INT n",
 * TASK-GATE: the code is pushed with the size of the TSS. */
static bool finish(struct switching *w, const struct task_state *s)
{
	struct cpu *cpu = w->cpu;
	const struct segment *ss = &cpu->s.seg[SEG_SS];

	if (!task_load_segments(cpu, s, w->t->ext))
		return false;
	if (w->t->has_error) {
		uint64_t sp = stack_below(cpu, w->to->word);

		if (!stack_write(&cpu->mmu, ss, cpu->s.cpl, sp, w->to->word, w->t->error, w->t->ext))
			return false;
		set_sp(cpu, sp);
	}
	if (cpu->s.rip > cpu->s.seg[SEG_CS].limit)
		return cpu_raise(cpu, VEC_GP, w->t->ext, WHY_TASK_LIMIT);
	return true;
}

static void record_from(const struct switching *w, struct task_record *r)
{
	const struct cpu *cpu = w->cpu;

	r->when = cpu->icount;
	r->cpu = (uint8_t)cpu->id;
	r->cause = (uint8_t)w->t->cause;
	r->old_selector = w->old_sel;
	r->new_selector = w->t->tss_sel;
	r->old_base = w->old_base;
	r->new_base = w->tss.seg.base;
	r->width = (uint8_t)(w->to->word * 8);
	where_now(cpu, &r->from);
	r->from.rip = w->t->return_rip;
}

bool task_switch(struct cpu *cpu, const struct task_switch *t, bool *committed)
{
	struct switching w = {.cpu = cpu, .t = t};
	struct task_record record = {0};
	struct task_state next;

	*committed = false;
	if (!cpu->mmu.alone) { /* nothing may be run again behind the commit point */
		cpu->mmu.stop = MMU_RUN_ALONE;
		return false;
	}
	w.old_sel = cpu->s.seg[SEG_TR].sel;
	w.old_base = cpu->s.seg[SEG_TR].base;
	w.from = tss_layout(cpu->s.seg[SEG_TR].type);
	if (!find_tss(&w) || !probe_switch(&w))
		return false;
	if (trace_wanted(cpu->trace))
		record_from(&w, &record);
	/* The old state is saved before the new one is read: the two may overlap. */
	if (!leave_old_task(&w) || !tss_read_state(cpu, w.tss.seg.base, w.to, &next) || !enter_new_task(&w, &next))
		return false;
	*committed = true;
	bool ok = finish(&w, &next);
	if (trace_wanted(cpu->trace)) {
		where_now(cpu, &record.to);
		trace_task(cpu->trace, &record);
	}
	return ok;
}
