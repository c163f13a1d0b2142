/* Call gates: SDM 2A, "CALL", CALL-GATE, MORE-PRIVILEGE, SAME-PRIVILEGE; "JMP",
 * CALL-GATE; SDM 3A, "Accessing a Code Segment Through a Call Gate", "Stack
 * Switching". */
#include "cpu/far.h"

#include "cpu/deliver.h"
#include "cpu/stackswitch.h"
#include "trace/trace.h"

#define MAX_PARAMS 31
#define FRAME_MAX  (MAX_PARAMS + 4)

/* The frame on the inner stack, in the order of pushing: SS, ESP, parameters (of which a 64-bit gate has none), CS,
 * EIP, as words of the gate's size. */
struct inner_frame {
	struct segment ss;
	uint64_t sp, sp_mask;
	unsigned cpl;
	uint32_t error; /* of #SS there */
	unsigned word, count;
	uint64_t value[FRAME_MAX];
};

static uint64_t frame_slot(const struct inner_frame *f, unsigned i)
{
	return (f->sp - (i + 1) * f->word) & f->sp_mask;
}

/* Parameters are read with the privilege and the limit of the old stack. */
static bool compose(struct cpu *cpu, const struct far_transfer *t, unsigned params, struct inner_frame *f)
{
	unsigned n = 2;

	f->value[0] = cpu->s.seg[SEG_SS].sel;
	f->value[1] = cpu->s.gpr.r64[RSP];
	for (unsigned i = params; i-- > 0;) {
		uint64_t off = (cpu->s.gpr.r64[RSP] + i * f->word) & cpu->sp_mask;
		struct rd param = seg_read(&cpu->mmu, SEG_SS, off, f->word);
		if (!param.ok)
			return false;
		f->value[n++] = param.v;
	}
	f->value[n++] = cpu->s.seg[SEG_CS].sel;
	f->value[n++] = t->return_rip;
	return true;
}

static bool probe(struct cpu *cpu, const struct inner_frame *f)
{
	for (unsigned i = 0; i < f->count; i++)
		if (!stack_probe_write(&cpu->mmu, &f->ss, f->cpl, frame_slot(f, i), f->word, f->error))
			return false;
	return true;
}

static bool push(struct cpu *cpu, const struct inner_frame *f)
{
	for (unsigned i = 0; i < f->count; i++)
		if (!stack_write(&cpu->mmu, &f->ss, f->cpl, frame_slot(f, i), f->word, f->value[i], f->error))
			return false;
	return true;
}

static void commit(struct cpu *cpu, const struct inner_frame *f, struct segment cs, uint64_t target)
{
	uint64_t sp = frame_slot(f, f->count - 1);

	cs.sel = (uint16_t)((cs.sel & ~SEL_RPL) | f->cpl);
	set_cpl(cpu, f->cpl);
	set_segment(cpu, SEG_CS, &cs);
	set_segment(cpu, SEG_SS, &f->ss);
	cpu->s.gpr.r64[RSP] = (f->sp & ~f->sp_mask) | sp;
	cpu->s.rip = target;
}

static void record_from(const struct cpu *cpu, const struct far_transfer *t, struct entry_record *record)
{
	record->kind = ENTRY_CALL_GATE;
	record->when = cpu->icount;
	record->cpu = (uint8_t)cpu->id;
	record->rax = cpu->s.gpr.r64[RAX];
	where_now(cpu, &record->from);
	record->from.rip = t->rip;
}

/* The inner stack from the TSS, with all of its checks; then the target's. */
static bool choose_stack(struct cpu *cpu, const struct segment *cs, uint64_t target, struct inner_frame *f)
{
	enum stack_source source;
	uint16_t ss_sel;
	uint32_t esp;

	if (!tss_stack(cpu, f->cpl, 0, &ss_sel, &esp, &source) || !check_inner_stack(cpu, ss_sel, f->cpl, 0, &f->ss))
		return false;
	f->sp = esp;
	f->sp_mask = f->ss.db ? 0xffffffff : 0xffff;
	f->error = sel_error(ss_sel, 0);
	if (!stack_has_room(&f->ss, f->sp, f->word, f->count))
		return cpu_raise(cpu, VEC_SS, f->error, WHY_CALL_GATE_STACK_ROOM);
	return target <= cs->limit || cpu_raise(cpu, VEC_GP, 0, WHY_CALL_GATE_LIMIT);
}

/* IA-32e mode: RSPn as it is, SS null. */
static bool choose_stack64(struct cpu *cpu, uint64_t target, struct inner_frame *f)
{
	if (!tss_stack64(cpu, f->cpl, 0, &f->sp))
		return false;
	f->ss = null_stack(f->cpl);
	f->sp_mask = UINT64_MAX;
	if (!flat_stack_has_room(cpu, f->sp, f->word, f->count))
		return cpu_raise(cpu, VEC_SS, 0, WHY_NON_CANONICAL);
	return mmu_canonical(&cpu->mmu, target) || cpu_raise(cpu, VEC_GP, 0, WHY_FAR_NON_CANONICAL);
}

/* The whole frame is probed before the first push; registers are written last. */
static bool call_inner(struct cpu *cpu, const struct far_transfer *t, unsigned word, unsigned params,
		       struct descriptor *cs, uint64_t target)
{
	struct inner_frame f = {.cpl = cs->seg.dpl, .word = word, .count = params + 4};
	struct entry_record record = {0};

	if (!(word == 8 ? choose_stack64(cpu, target, &f) : choose_stack(cpu, &cs->seg, target, &f)))
		return false;
	if (!compose(cpu, t, params, &f) || !probe(cpu, &f) || !desc_set_accessed(cpu, cs))
		return false;
	if (!push(cpu, &f))
		return false;
	if (trace_wanted(cpu->trace))
		record_from(cpu, t, &record);
	commit(cpu, &f, cs->seg, target);
	if (trace_wanted(cpu->trace)) {
		where_now(cpu, &record.to);
		trace_entry(cpu->trace, &record);
	}
	return true;
}

/* JMP may not change the privilege level: a non-conforming segment must have
 * DPL = CPL.  CALL may go inwards. */
static bool gate_code_ok(struct cpu *cpu, const struct far_transfer *t, const struct segment *cs,
			 uint32_t error)
{
	if (cs->dpl > cpu->s.cpl)
		return cpu_raise(cpu, VEC_GP, error, WHY_CALL_GATE_CS_DPL);
	if (!t->call && !seg_is_conforming(cs) && cs->dpl != cpu->s.cpl)
		return cpu_raise(cpu, VEC_GP, error, WHY_CALL_GATE_JMP_INWARDS);
	if (UNLIKELY(in_ia32e(cpu)) && (!cs->l || cs->db))
		return cpu_raise(cpu, VEC_GP, error, WHY_CALL_GATE_CS_NOT_64BIT);
	return true;
}

bool far_through_call_gate(struct cpu *cpu, struct far_transfer *t, const struct descriptor *gate, uint64_t upper)
{
	bool ia32e = in_ia32e(cpu);
	unsigned word = ia32e ? 8 : gate->seg.type == SYS_CALL_GATE32 ? 4 : 2;
	uint64_t target = gate_offset(gate) | upper << 32;
	uint32_t gate_error = sel_error(t->sel, 0);
	uint32_t error = sel_error(gate_selector(gate), 0);
	struct descriptor cs;

	if (gate->seg.dpl < cpu->s.cpl)
		return cpu_raise(cpu, VEC_GP, gate_error, WHY_CALL_GATE_DPL);
	if (gate->seg.dpl < (t->sel & SEL_RPL))
		return cpu_raise(cpu, VEC_GP, gate_error, WHY_CALL_GATE_RPL);
	if (!gate->seg.present)
		return cpu_raise(cpu, VEC_NP, gate_error, WHY_CALL_GATE_NOT_PRESENT);
	if (sel_null(gate_selector(gate)))
		return cpu_raise(cpu, VEC_GP, 0, WHY_CALL_GATE_CS_NULL);
	if (!desc_read(cpu, &cs, gate_selector(gate), VEC_GP, 0, WHY_CALL_GATE_CS_BEYOND_TABLE))
		return false;
	if (!seg_is_code(&cs.seg))
		return cpu_raise(cpu, VEC_GP, error, WHY_CALL_GATE_CS_TYPE);
	if (!gate_code_ok(cpu, t, &cs.seg, error))
		return false;
	if (!cs.seg.present)
		return cpu_raise(cpu, VEC_NP, error, WHY_CALL_GATE_CS_NOT_PRESENT);
	if (t->call && !seg_is_conforming(&cs.seg) && cs.seg.dpl < cpu->s.cpl)
		return call_inner(cpu, t, word, ia32e ? 0 : gate_param_count(gate), &cs, target);
	t->flat = ia32e;
	return far_land(cpu, t, word, &cs, target);
}
