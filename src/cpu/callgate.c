/* Call gates: SDM 2A, "CALL", CALL-GATE, MORE-PRIVILEGE, SAME-PRIVILEGE; "JMP",
 * CALL-GATE; SDM 3A, "Accessing a Code Segment Through a Call Gate", "Stack
 * Switching". */
#include "cpu/far.h"

#include "cpu/deliver.h"
#include "cpu/stackswitch.h"
#include "trace/trace.h"

#define MAX_PARAMS 31
#define FRAME_MAX  (MAX_PARAMS + 4)

/* The frame on the inner stack, in the order of pushing: SS, ESP, parameters, CS,
 * EIP, as words of the gate's size. */
struct inner_frame {
	struct segment ss;
	uint64_t sp, sp_mask;
	unsigned cpl;
	uint32_t error; /* of #SS there */
	unsigned word, count;
	uint32_t value[FRAME_MAX];
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
	f->value[1] = (uint32_t)cpu->s.gpr.r64[RSP];
	for (unsigned i = params; i-- > 0;) {
		uint64_t off = (cpu->s.gpr.r64[RSP] + i * f->word) & cpu->sp_mask;
		struct rd param = seg_read(&cpu->mmu, SEG_SS, off, f->word);
		if (!param.ok)
			return false;
		f->value[n++] = (uint32_t)param.v;
	}
	f->value[n++] = cpu->s.seg[SEG_CS].sel;
	f->value[n++] = (uint32_t)t->return_rip;
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

static void commit(struct cpu *cpu, const struct inner_frame *f, struct segment cs, uint32_t target)
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

/* The inner stack from the TSS, all of its checks, the whole frame probed, then
 * pushes and registers. */
static bool call_inner(struct cpu *cpu, const struct far_transfer *t, const struct descriptor *gate,
		       struct descriptor *cs)
{
	struct inner_frame f = {.cpl = cs->seg.dpl, .word = gate->seg.type == SYS_CALL_GATE32 ? 4 : 2};
	struct entry_record record = {0};
	enum stack_source source;
	uint16_t ss_sel;
	uint32_t esp;

	if (!tss_stack(cpu, f.cpl, 0, &ss_sel, &esp, &source) || !check_inner_stack(cpu, ss_sel, f.cpl, 0, &f.ss))
		return false;
	f.sp = esp;
	f.sp_mask = f.ss.db ? 0xffffffff : 0xffff;
	f.error = sel_error(ss_sel, 0);
	f.count = gate_param_count(gate) + 4u;
	if (!stack_has_room(&f.ss, f.sp, f.word, f.count))
		return cpu_raise(cpu, VEC_SS, f.error, WHY_CALL_GATE_STACK_ROOM);
	if (gate_offset(gate) > cs->seg.limit)
		return cpu_raise(cpu, VEC_GP, 0, WHY_CALL_GATE_LIMIT);
	if (!compose(cpu, t, gate_param_count(gate), &f) || !probe(cpu, &f) || !desc_set_accessed(cpu, cs))
		return false;
	if (!push(cpu, &f))
		return false;
	if (trace_wanted(cpu->trace))
		record_from(cpu, t, &record);
	commit(cpu, &f, cs->seg, gate_offset(gate));
	if (trace_wanted(cpu->trace)) {
		where_now(cpu, &record.to);
		trace_entry(cpu->trace, &record);
	}
	return true;
}

/* JMP may not change the privilege level: a non-conforming segment must have
 * DPL = CPL.  CALL may go inwards. */
static bool gate_code_privilege_ok(struct cpu *cpu, const struct far_transfer *t, const struct segment *cs,
				   uint32_t error)
{
	if (cs->dpl > cpu->s.cpl)
		return cpu_raise(cpu, VEC_GP, error, WHY_CALL_GATE_CS_DPL);
	if (!t->call && !seg_is_conforming(cs) && cs->dpl != cpu->s.cpl)
		return cpu_raise(cpu, VEC_GP, error, WHY_CALL_GATE_JMP_INWARDS);
	return true;
}

bool far_through_call_gate(struct cpu *cpu, const struct far_transfer *t, const struct descriptor *gate)
{
	unsigned word = gate->seg.type == SYS_CALL_GATE32 ? 4 : 2;
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
	if (!gate_code_privilege_ok(cpu, t, &cs.seg, error))
		return false;
	if (!cs.seg.present)
		return cpu_raise(cpu, VEC_NP, error, WHY_CALL_GATE_CS_NOT_PRESENT);
	if (t->call && !seg_is_conforming(&cs.seg) && cs.seg.dpl < cpu->s.cpl)
		return call_inner(cpu, t, gate, &cs);
	return far_land(cpu, t, word, &cs, gate_offset(gate));
}
