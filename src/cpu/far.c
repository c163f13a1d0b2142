/* Far JMP and CALL: real and virtual-8086 mode, code segments of the same
 * privilege, task gates and TSSs.  SDM 2A, "CALL" and "JMP", Operation, in its
 * order of checks; SDM 3A, "Direct Calls or Jumps to Code Segments". */
#include "cpu/far.h"

#include "cpu/deliver.h"
#include "cpu/stackswitch.h"

bool stack_has_room(const struct segment *seg, uint64_t sp, unsigned word, unsigned count)
{
	uint64_t mask = seg->db ? 0xffffffff : 0xffff;

	for (unsigned i = 1; i <= count; i++)
		if (!segment_covers(seg, (sp - i * word) & mask, word))
			return false;
	return true;
}

bool flat_stack_has_room(const struct cpu *cpu, uint64_t sp, unsigned word, unsigned count)
{
	for (unsigned i = 1; i <= count; i++)
		if (!mmu_canonical(&cpu->mmu, sp - i * word) || !mmu_canonical(&cpu->mmu, sp - i * word + word - 1))
			return false;
	return true;
}

/* ---- the return address on the present stack ---- */
static bool has_room(struct cpu *cpu, const struct far_transfer *t, unsigned word)
{
	uint64_t sp = cpu->s.gpr.r64[RSP];

	if (UNLIKELY(t->flat))
		return flat_stack_has_room(cpu, sp, word, 2) || cpu_raise(cpu, VEC_SS, 0, WHY_NON_CANONICAL);
	return stack_has_room(&cpu->s.seg[SEG_SS], sp, word, 2) || cpu_raise(cpu, VEC_SS, 0, WHY_FAR_STACK_ROOM);
}

static bool probe_word(struct cpu *cpu, const struct far_transfer *t, unsigned below, unsigned word)
{
	if (UNLIKELY(t->flat))
		return stack_probe_write(&cpu->mmu, &cpu->s.seg[SEG_SS], cpu->s.cpl, cpu->s.gpr.r64[RSP] - below, word,
					 0);
	return seg_probe_write(&cpu->mmu, SEG_SS, stack_below(cpu, below), word);
}

static bool put_word(struct cpu *cpu, const struct far_transfer *t, unsigned below, unsigned word, uint64_t value)
{
	if (UNLIKELY(t->flat))
		return stack_write(&cpu->mmu, &cpu->s.seg[SEG_SS], cpu->s.cpl, cpu->s.gpr.r64[RSP] - below, word,
				   value, 0);
	return seg_write(&cpu->mmu, SEG_SS, stack_below(cpu, below), word, value);
}

static bool target_ok(struct cpu *cpu, const struct segment *cs, uint64_t target)
{
	if (UNLIKELY(in_ia32e(cpu) && cs->l))
		return mmu_canonical(&cpu->mmu, target) || cpu_raise(cpu, VEC_GP, 0, WHY_FAR_NON_CANONICAL);
	return target <= cs->limit || cpu_raise(cpu, VEC_GP, 0, WHY_FAR_LIMIT);
}

/* Room for CS:IP on the present stack, then the target's limit, then paging:
 * the manual's order. */
static bool can_land(struct cpu *cpu, const struct far_transfer *t, unsigned word, const struct segment *cs,
		     uint64_t target)
{
	if (t->call && !has_room(cpu, t, word))
		return false;
	if (!target_ok(cpu, cs, target))
		return false;
	return !t->call || (probe_word(cpu, t, word, word) && probe_word(cpu, t, 2 * word, word));
}

/* The pushes of a CALL (CS is padded with zeros), and the jump. */
static bool land(struct cpu *cpu, const struct far_transfer *t, unsigned word, const struct segment *cs,
		 uint64_t target)
{
	if (t->call) {
		if (!put_word(cpu, t, word, word, cpu->s.seg[SEG_CS].sel) ||
		    !put_word(cpu, t, 2 * word, word, t->return_rip))
			return false;
		if (UNLIKELY(t->flat))
			cpu->s.gpr.r64[RSP] -= 2 * word;
		else
			set_sp(cpu, stack_below(cpu, 2 * word));
	}
	set_segment(cpu, SEG_CS, cs);
	cpu->s.rip = target;
	return true;
}

bool far_land(struct cpu *cpu, const struct far_transfer *t, unsigned word, struct descriptor *cs, uint64_t target)
{
	if (!can_land(cpu, t, word, &cs->seg, target) || !desc_set_accessed(cpu, cs))
		return false;
	cs->seg.sel = (uint16_t)((cs->seg.sel & ~SEL_RPL) | cpu->s.cpl);
	return land(cpu, t, word, &cs->seg, target);
}

static bool far_real(struct cpu *cpu, const struct far_transfer *t)
{
	struct segment cs = in_real(cpu) ? real_segment(&cpu->s.seg[SEG_CS], t->sel) : vm86_segment(t->sel);

	return can_land(cpu, t, t->bytes, &cs, t->offset) && land(cpu, t, t->bytes, &cs, t->offset);
}

static bool far_to_code(struct cpu *cpu, const struct far_transfer *t, struct descriptor *cs)
{
	uint32_t error = sel_error(t->sel, 0);
	unsigned cpl = cpu->s.cpl;
	uint64_t target = cs->seg.l ? t->offset : t->offset & UINT32_MAX;

	if (UNLIKELY(cs->seg.l && cs->seg.db) && in_ia32e(cpu))
		return cpu_raise(cpu, VEC_GP, error, WHY_FAR_L_AND_D);
	if (seg_is_conforming(&cs->seg)) {
		if (cs->seg.dpl > cpl)
			return cpu_raise(cpu, VEC_GP, error, WHY_FAR_CONFORMING_DPL);
	} else {
		if ((t->sel & SEL_RPL) > cpl)
			return cpu_raise(cpu, VEC_GP, error, WHY_FAR_RPL);
		if (cs->seg.dpl != cpl)
			return cpu_raise(cpu, VEC_GP, error, WHY_FAR_DPL);
	}
	if (!cs->seg.present)
		return cpu_raise(cpu, VEC_NP, error, WHY_FAR_NOT_PRESENT);
	return far_land(cpu, t, t->bytes, cs, target);
}

static bool far_to_task(struct cpu *cpu, struct far_transfer *t, uint16_t tss_sel)
{
	struct task_switch ts = {
		.tss_sel = tss_sel,
		.cause = t->call ? TASK_CALL : TASK_JMP,
		.return_rip = t->return_rip,
		.flags = cpu_flags(cpu),
	};

	return task_switch(cpu, &ts, &t->task_entered);
}

/* The DPL of a task gate counts, not that of its TSS; of a TSS named directly,
 * its own.  SDM 3A, "Task-Gate Descriptor". */
static bool far_through_task_gate(struct cpu *cpu, struct far_transfer *t, const struct descriptor *gate)
{
	uint32_t error = sel_error(t->sel, 0);

	if (gate->seg.dpl < cpu->s.cpl || gate->seg.dpl < (t->sel & SEL_RPL))
		return cpu_raise(cpu, VEC_GP, error, WHY_TASK_GATE_DPL);
	if (!gate->seg.present)
		return cpu_raise(cpu, VEC_NP, error, WHY_TASK_GATE_NOT_PRESENT);
	return far_to_task(cpu, t, gate_selector(gate));
}

static bool far_to_tss(struct cpu *cpu, struct far_transfer *t, const struct descriptor *tss)
{
	if (tss->seg.dpl < cpu->s.cpl || tss->seg.dpl < (t->sel & SEL_RPL))
		return cpu_raise(cpu, VEC_GP, sel_error(t->sel, 0), WHY_TSS_DPL);
	return far_to_task(cpu, t, t->sel);
}

/* IA-32e mode: no tasks, and of gates only those of 64 bits. */
static bool far_to_system_ia32e(struct cpu *cpu, struct far_transfer *t, const struct descriptor *d)
{
	uint64_t upper;

	if (d->seg.type != SYS_CALL_GATE64)
		return cpu_raise(cpu, VEC_GP, sel_error(t->sel, 0), WHY_FAR_TYPE);
	if (!desc_read_upper(cpu, d, WHY_FAR_BEYOND_TABLE, &upper))
		return false;
	return far_through_call_gate(cpu, t, d, upper);
}

static bool far_protected(struct cpu *cpu, struct far_transfer *t)
{
	struct descriptor d;

	if (sel_null(t->sel))
		return cpu_raise(cpu, VEC_GP, 0, WHY_FAR_NULL);
	if (!desc_read(cpu, &d, t->sel, VEC_GP, 0, WHY_FAR_BEYOND_TABLE))
		return false;
	if (seg_is_code(&d.seg))
		return far_to_code(cpu, t, &d);
	if (d.seg.s) /* data */
		return cpu_raise(cpu, VEC_GP, sel_error(t->sel, 0), WHY_FAR_TYPE);
	if (UNLIKELY(in_ia32e(cpu)))
		return far_to_system_ia32e(cpu, t, &d);
	switch (d.seg.type) {
	case SYS_CALL_GATE16:
	case SYS_CALL_GATE32:
		return far_through_call_gate(cpu, t, &d, 0);
	case SYS_TASK_GATE:
		return far_through_task_gate(cpu, t, &d);
	case SYS_TSS16_AVAIL:
	case SYS_TSS16_BUSY:
	case SYS_TSS32_AVAIL:
	case SYS_TSS32_BUSY:
		return far_to_tss(cpu, t, &d);
	default:
		return cpu_raise(cpu, VEC_GP, sel_error(t->sel, 0), WHY_FAR_TYPE);
	}
}

/* Ends a handler.  A fault behind the commit point of a task switch is the new
 * task's, before its first instruction. */
static const struct uop *far_go(struct cpu *cpu, const struct uop *u, struct far_transfer *t)
{
	bool plain = in_real(cpu) || in_vm86(cpu);

	t->flat = in_long64(cpu);
	t->rip = uop_rip(cpu, u);
	t->return_rip = uop_next_rip(cpu, u);
	if (plain ? far_real(cpu, t) : far_protected(cpu, t))
		return uop_leave_at(cpu, u);
	return t->task_entered ? uop_fault_at(cpu, u) : uop_fault(cpu, u);
}

static const struct uop *far_immediate(struct cpu *cpu, const struct uop *u, bool call, unsigned bytes)
{
	struct far_transfer t = {
		.call = call,
		.bytes = bytes,
		.sel = (uint16_t)u->disp,
		.offset = u->imm & (bytes == 2 ? 0xffff : UINT32_MAX),
	};

	return far_go(cpu, u, &t);
}

/* m16:16, m16:32, m16:64: the offset lies below the selector; one operand, whose second half does
 * not wrap around. */
static const struct uop *far_memory(struct cpu *cpu, const struct uop *u, bool call, unsigned bytes)
{
	uint64_t ea = uop_ea(cpu, u);
	struct rd offset = seg_read(&cpu->mmu, (enum seg)u->seg, ea, bytes);
	if (!offset.ok)
		return uop_fault(cpu, u);
	struct rd sel = seg_read(&cpu->mmu, (enum seg)u->seg, ea + bytes, 2);
	if (!sel.ok)
		return uop_fault(cpu, u);
	struct far_transfer t = {.call = call, .bytes = bytes, .sel = (uint16_t)sel.v, .offset = offset.v};

	return far_go(cpu, u, &t);
}

static const struct uop *jmp_i16(struct cpu *cpu, const struct uop *u)
{
	return far_immediate(cpu, u, false, 2);
}
static const struct uop *jmp_i32(struct cpu *cpu, const struct uop *u)
{
	return far_immediate(cpu, u, false, 4);
}
static const struct uop *jmp_m16(struct cpu *cpu, const struct uop *u)
{
	return far_memory(cpu, u, false, 2);
}
static const struct uop *jmp_m32(struct cpu *cpu, const struct uop *u)
{
	return far_memory(cpu, u, false, 4);
}
static const struct uop *jmp_m64(struct cpu *cpu, const struct uop *u)
{
	return far_memory(cpu, u, false, 8);
}
static const struct uop *call_i16(struct cpu *cpu, const struct uop *u)
{
	return far_immediate(cpu, u, true, 2);
}
static const struct uop *call_i32(struct cpu *cpu, const struct uop *u)
{
	return far_immediate(cpu, u, true, 4);
}
static const struct uop *call_m16(struct cpu *cpu, const struct uop *u)
{
	return far_memory(cpu, u, true, 2);
}
static const struct uop *call_m32(struct cpu *cpu, const struct uop *u)
{
	return far_memory(cpu, u, true, 4);
}
static const struct uop *call_m64(struct cpu *cpu, const struct uop *u)
{
	return far_memory(cpu, u, true, 8);
}

const struct exec exec_jmp_far = {
	{[FORM_I] = EXEC_V(jmp_i16, jmp_i32), [FORM_M] = EXEC_V(jmp_m16, jmp_m32, jmp_m64)}};
const struct exec exec_call_far = {
	{[FORM_I] = EXEC_V(call_i16, call_i32), [FORM_M] = EXEC_V(call_m16, call_m32, call_m64)}};
