/* Delivery of interrupts and exceptions: SDM 2A "INT n/INTO/INT3/INT1",
 * Operation, top to bottom; SDM 3A "Interrupt and Exception Handling".
 *
 * deliver_once() makes the checks in the manual's order and writes nothing but the
 * record until commit(); commit() alone writes registers.  The pushes are
 * probed before the first is made, so a fault leaves stack and registers as
 * they were.  deliver() combines an event with the fault of its own delivery. */
#include "cpu/deliver.h"

#include "cpu/desc.h"
#include "cpu/gate.h"
#include "cpu/held.h"
#include "cpu/stackswitch.h"

/* Of what both kinds of gate share: each has a copy of its own. */
#define INLINE __attribute__((always_inline)) static inline

/* What a gate's frame looks like: the only thing the modes differ in. */
struct frame_format {
	uint8_t bytes;    /* of each word */
	bool has_stack;   /* SS and ESP are pushed: the stack was switched, or it is IA-32e mode */
	bool has_segments;/* GS FS DS ES too: from virtual-8086 mode */
	bool has_error;   /* error codes exist: not in real mode */
};

struct delivery {
	struct cpu *cpu;
	const struct event *ev;
	struct delivery_record *rec;
	uint32_t ext;             /* ERR_EXT or 0, for error codes of this delivery */
	bool software;            /* INT n, INT3, INTO: the gate's DPL counts */
	struct descriptor code;   /* target code segment; the gate is in rec->gate */
	unsigned new_cpl;
	bool from_vm86;
	bool ia32e;               /* gates of 16 bytes, to 64-bit code */
	bool loads_ss;            /* the handler is more privileged */
	struct frame_format format;
	struct segment ss;        /* stack the frame goes to */
	uint32_t ss_error;        /* of #SS there */
	uint64_t sp, sp_mask;
	uint8_t *host;            /* where the frame goes if nothing can refuse it, else NULL */
	uint64_t old_flags;
};

static enum class { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT } const exception_class[32] = {
	[VEC_DE] = CONTRIBUTORY, [VEC_TS] = CONTRIBUTORY, [VEC_NP] = CONTRIBUTORY, [VEC_SS] = CONTRIBUTORY,
	[VEC_GP] = CONTRIBUTORY, [VEC_PF] = PAGE_FAULT,   [VEC_DF] = DOUBLE_FAULT,
};

static void record_where(const struct cpu *cpu, struct where *w, uint64_t rip, uint64_t flags)
{
	*w = (struct where){.rip = rip, .rsp = cpu->s.gpr.r64[RSP], .rflags = flags,
			    .cs = cpu->s.seg[SEG_CS].sel, .ss = cpu->s.seg[SEG_SS].sel, .cpl = cpu->s.cpl,
			    .mode = (uint8_t)cpu_mode(cpu)};
	if (!in_long64(cpu)) {
		w->cs_base = cpu->s.seg[SEG_CS].base;
		w->ss_base = cpu->s.seg[SEG_SS].base;
	}
}

void where_now(const struct cpu *cpu, struct where *w)
{
	record_where(cpu, w, cpu->s.rip, cpu_flags(cpu));
}

static uint32_t gate_error(const struct delivery *d)
{
	return (uint32_t)d->ev->vector << 3 | ERR_IDT | d->ext;
}

static bool step(struct delivery *d, enum delivery_step reached)
{
	d->rec->step = (uint8_t)reached;
	return true;
}

/* ---- the gate ---- */
/* SDM 3A, "IDT Descriptors".  A 16-bit gate has no upper half of the offset. */
static void gate_decode(struct delivery_record *r, uint64_t raw)
{
	r->gate.type = (raw >> 40) & 0x1f; /* with S: a gate has S = 0 */
	r->gate.dpl = (raw >> 45) & 3;
	r->gate.present = (raw >> 47) & 1;
	r->gate.width = (r->gate.type & 8) ? 32 : 16;
	r->gate.selector = (uint16_t)(raw >> 16);
	r->gate.offset = (raw & 0xffff) | ((r->gate.type & 8) ? (raw >> 48) << 16 : 0);
}

/* SDM 3A, "64-Bit Mode IDT": low and high half of 16 bytes.  Nothing is reserved in it that the processor
 * looks at. */
static void gate_decode64(struct delivery_record *r, uint64_t low, uint64_t high)
{
	gate_decode(r, low);
	r->gate.width = 64;
	r->gate.ist = low >> 32 & 7;
	r->gate.offset = (low & 0xffff) | (low >> 48) << 16 | high << 32;
}

/* Interrupt, trap or task gate, 16 or 32 bit. */
static bool gate_type_in_idt(unsigned type)
{
	const uint32_t allowed = 1u << SYS_TASK_GATE | 1u << SYS_INT_GATE16 | 1u << SYS_TRAP_GATE16 |
				 1u << SYS_INT_GATE32 | 1u << SYS_TRAP_GATE32;

	return (allowed >> type) & 1;
}

/* The DPL test comes before the present test; INT1 and everything not made by software
 * are exempt from it. */
static inline bool gate_lets_in(struct delivery *d)
{
	struct cpu *cpu = d->cpu;

	step(d, STEP_GATE_DPL);
	if (d->software && d->rec->gate.dpl < cpu->s.cpl)
		return cpu_raise(cpu, VEC_GP, gate_error(d), WHY_GATE_DPL);
	step(d, STEP_GATE_PRESENT);
	if (!d->rec->gate.present)
		return cpu_raise(cpu, VEC_NP, gate_error(d), WHY_GATE_NOT_PRESENT);
	return true;
}

/* Is this gate usable by this event?  Faults: #GP(gate) WHY_IDT_LIMIT,
 * WHY_GATE_TYPE, WHY_GATE_DPL; #NP(gate) WHY_GATE_NOT_PRESENT; #PF. */
static bool find_gate(struct delivery *d)
{
	struct cpu *cpu = d->cpu;
	uint32_t at = d->ev->vector * 8u;

	step(d, STEP_VECTOR);
	if (at + 7 > cpu->s.idtr.limit)
		return cpu_raise(cpu, VEC_GP, gate_error(d), WHY_IDT_LIMIT);
	uint64_t lin = (cpu->s.idtr.base + at) & cpu->mmu.lin_mask;
	struct rd raw = lin_read(&cpu->mmu, lin, 8);
	if (!raw.ok)
		return false;
	d->rec->gate.address = lin;
	gate_decode(d->rec, raw.v);
	step(d, STEP_GATE);
	if (!gate_type_in_idt(d->rec->gate.type))
		return cpu_raise(cpu, VEC_GP, gate_error(d), WHY_GATE_TYPE);
	return gate_lets_in(d);
}

/* The same in IA-32e mode: #GP(gate) WHY_IDT_LIMIT, WHY_IDT_NON_CANONICAL, WHY_GATE_TYPE_64, WHY_GATE_DPL;
 * #NP(gate) WHY_GATE_NOT_PRESENT; #PF. */
static bool find_gate64(struct delivery *d)
{
	struct cpu *cpu = d->cpu;
	uint32_t at = d->ev->vector * 16u;
	uint64_t lin = cpu->s.idtr.base + at;

	step(d, STEP_VECTOR);
	if (at + 15 > cpu->s.idtr.limit)
		return cpu_raise(cpu, VEC_GP, gate_error(d), WHY_IDT_LIMIT);
	if (!mmu_canonical(&cpu->mmu, lin) || !mmu_canonical(&cpu->mmu, lin + 15))
		return cpu_raise(cpu, VEC_GP, gate_error(d), WHY_IDT_NON_CANONICAL);
	struct rd low = lin_read(&cpu->mmu, lin, 8);
	if (!low.ok)
		return false;
	struct rd high = lin_read(&cpu->mmu, lin + 8, 8);
	if (!high.ok)
		return false;
	d->rec->gate.address = lin;
	gate_decode64(d->rec, low.v, high.v);
	step(d, STEP_GATE);
	if (d->rec->gate.type != SYS_INT_GATE64 && d->rec->gate.type != SYS_TRAP_GATE64)
		return cpu_raise(cpu, VEC_GP, gate_error(d), WHY_GATE_TYPE_64);
	return gate_lets_in(d);
}

/* ---- the code segment the gate names ----
 * Faults: #GP(EXT) WHY_GATE_CS_NULL; #GP(CS) WHY_GATE_CS_BEYOND_TABLE, WHY_GATE_CS_TYPE,
 * WHY_GATE_CS_DPL, WHY_GATE_CS_NOT_64BIT; #NP(CS) WHY_GATE_CS_NOT_PRESENT; then, of the target's privilege
 * against VM86's 3, #GP(CS) WHY_GATE_CS_VM86. */
INLINE bool find_code(struct delivery *d)
{
	struct cpu *cpu = d->cpu;
	const struct segment *cs = &d->code.seg;
	uint16_t sel = d->rec->gate.selector;
	uint32_t error = (sel & ~SEL_RPL) | d->ext;

	step(d, STEP_CODE_SEGMENT);
	d->rec->code.selector = sel;
	if (sel_null(sel))
		return cpu_raise(cpu, VEC_GP, d->ext, WHY_GATE_CS_NULL);
	if (!desc_read(cpu, &d->code, sel, VEC_GP, d->ext, WHY_GATE_CS_BEYOND_TABLE))
		return false;
	d->rec->code.type = cs->type;
	d->rec->code.dpl = cs->dpl;
	d->rec->code.present = cs->present;
	d->rec->code.conforming = seg_is_conforming(cs);
	if (!seg_is_code(cs))
		return cpu_raise(cpu, VEC_GP, error, WHY_GATE_CS_TYPE);
	if (cs->dpl > cpu->s.cpl)
		return cpu_raise(cpu, VEC_GP, error, WHY_GATE_CS_DPL);
	if (UNLIKELY(d->ia32e) && (!cs->l || cs->db))
		return cpu_raise(cpu, VEC_GP, error, WHY_GATE_CS_NOT_64BIT);
	step(d, STEP_CODE_PRESENT);
	if (!cs->present)
		return cpu_raise(cpu, VEC_NP, error, WHY_GATE_CS_NOT_PRESENT);
	if (d->from_vm86 && (seg_is_conforming(cs) || cs->dpl != 0))
		return cpu_raise(cpu, VEC_GP, error, WHY_GATE_CS_VM86);
	return true;
}

/* ---- the stack ---- */
static bool goes_inwards(const struct delivery *d)
{
	return !seg_is_conforming(&d->code.seg) && d->code.seg.dpl < d->cpu->s.cpl;
}

/* The present one, or SSn:ESPn of the current TSS where the handler is more
 * privileged.  Faults as tss_stack() and check_inner_stack(). */
static bool find_stack(struct delivery *d)
{
	struct cpu *cpu = d->cpu;
	enum stack_source source;
	uint16_t ss_sel;
	uint32_t esp;

	step(d, STEP_STACK_SELECT);
	d->format.bytes = (d->rec->gate.type & 8) ? 4 : 2;
	d->format.has_error = true;
	d->new_cpl = cpu->s.cpl;
	d->rec->tss_base = cpu->s.seg[SEG_TR].base;
	if (!goes_inwards(d)) {
		d->ss = cpu->s.seg[SEG_SS];
		d->sp = cpu->s.gpr.r64[RSP];
		d->ss_error = d->ext;
		d->rec->stack_source = STACK_SAME;
	} else {
		d->new_cpl = d->code.seg.dpl;
		d->loads_ss = true;
		d->format.has_stack = true;
		d->format.has_segments = d->from_vm86;
		if (!tss_stack(cpu, d->new_cpl, d->ext, &ss_sel, &esp, &source))
			return false;
		step(d, STEP_STACK_SEGMENT);
		if (!check_inner_stack(cpu, ss_sel, d->new_cpl, d->ext, &d->ss))
			return false;
		d->sp = esp;
		d->ss_error = (ss_sel & ~SEL_RPL) | d->ext;
		d->rec->stack_source = (uint8_t)source;
	}
	d->sp_mask = d->ss.db ? 0xffffffffu : 0xffffu;
	return true;
}

/* IA-32e mode: the stack that the gate's IST names, whatever the privilege; else RSPn of the TSS for a more
 * privileged handler, SS becoming null; else the present one.  Faults: #TS(TR) WHY_TSS_RSP_LIMIT, #PF. */
static bool find_stack64(struct delivery *d)
{
	struct cpu *cpu = d->cpu;
	unsigned ist = d->rec->gate.ist;

	step(d, STEP_STACK_SELECT);
	d->format = (struct frame_format){.bytes = 8, .has_stack = true, .has_error = true};
	d->new_cpl = cpu->s.cpl;
	d->rec->tss_base = cpu->s.seg[SEG_TR].base;
	if (goes_inwards(d)) {
		d->new_cpl = d->code.seg.dpl;
		d->loads_ss = true;
		d->ss = null_stack(d->new_cpl);
	}
	d->sp = cpu->s.gpr.r64[RSP];
	d->sp_mask = UINT64_MAX;
	d->ss_error = d->ext;
	d->rec->stack_source = ist ? STACK_IST : d->loads_ss ? STACK_RSP : STACK_SAME;
	if ((ist || d->loads_ss) && !tss_stack64(cpu, ist ? ist + TSS_IST : d->new_cpl, d->ext, &d->sp))
		return false;
	d->rec->stack_pointer = d->sp;
	return true;
}

/* ---- the frame ---- */
static unsigned add_word(struct delivery_record *r, unsigned n, enum pushed_name name, uint64_t value)
{
	r->word_name[n] = (uint8_t)name;
	r->word[n] = value;
	return n + 1;
}

/* The EFLAGS image: RF is set for faults (an instruction breakpoint excepted: a #DB
 * without BD) and between two iterations of a REP.  SDM 3B,
 * "Instruction-Breakpoint Exception Condition". */
static uint64_t flags_image(const struct delivery *d)
{
	uint64_t flags = d->old_flags;

	bool breakpoint = d->ev->vector == VEC_DB && !(d->ev->dr6 & DR6_BD);

	if ((d->ev->kind == EV_FAULT && !breakpoint) || d->cpu->rep_resumes)
		flags |= FLAG_RF;
	return flags;
}

/* The words of the frame, in the order of pushing. */
INLINE void compose_frame(struct delivery *d)
{
	static const struct { uint8_t name, seg; } v86[] = {
		{PUSH_GS, SEG_GS}, {PUSH_FS, SEG_FS}, {PUSH_DS, SEG_DS}, {PUSH_ES, SEG_ES},
	};
	const struct arch_state *s = &d->cpu->s;
	struct delivery_record *r = d->rec;
	const uint64_t mask = UINT64_MAX >> (64 - 8 * d->format.bytes);
	unsigned n = 0;

	if (d->format.has_segments)
		for (unsigned i = 0; i < 4; i++)
			n = add_word(r, n, (enum pushed_name)v86[i].name, s->seg[v86[i].seg].sel);
	if (d->format.has_stack) {
		n = add_word(r, n, PUSH_SS, s->seg[SEG_SS].sel);
		n = add_word(r, n, PUSH_SP, s->gpr.r64[RSP] & mask);
	}
	n = add_word(r, n, PUSH_FLAGS, flags_image(d) & mask);
	n = add_word(r, n, PUSH_CS, s->seg[SEG_CS].sel);
	n = add_word(r, n, PUSH_IP, d->ev->return_rip & mask);
	if (d->ev->has_error && d->format.has_error)
		n = add_word(r, n, PUSH_ERROR, d->ev->error & mask);
	r->words = (uint8_t)n;
	r->word_bytes = d->format.bytes;
}

/* The place of the whole frame in the host, where it lies in one writable page and inside the
 * stack's limit: then nothing about it can fail any more. */
static uint8_t *frame_place(const struct delivery *d)
{
	unsigned total = d->rec->words * d->format.bytes;
	uint64_t top = d->sp & d->sp_mask;

	if (top < total)
		return NULL;
	return stack_frame(&d->cpu->mmu, &d->ss, d->new_cpl, top - total, total);
}

/* Room for the whole frame, by the segment's limit alone. */
static bool check_room(struct delivery *d)
{
	step(d, STEP_STACK_LIMIT);
	d->host = frame_place(d);
	if (LIKELY(d->host != NULL))
		return true;
	for (unsigned i = 1; i <= d->rec->words; i++) {
		uint64_t off = (d->sp - i * d->format.bytes) & d->sp_mask;
		if (!segment_covers(&d->ss, off, d->format.bytes))
			return cpu_raise(d->cpu, VEC_SS, d->ss_error, WHY_FRAME_NO_ROOM);
	}
	return true;
}

/* The stack pointer is aligned on 16 bytes before the first push.  SDM 3A, "64-Bit Mode Stack Frame". */
static bool check_room64(struct delivery *d)
{
	struct mmu *mmu = &d->cpu->mmu;
	unsigned total = d->rec->words * 8u;

	step(d, STEP_STACK_LIMIT);
	if (!mmu_canonical(mmu, d->sp))
		return cpu_raise(d->cpu, VEC_SS, d->ss_error, WHY_FRAME_NON_CANONICAL);
	d->sp &= ~UINT64_C(15);
	if (!mmu_canonical(mmu, d->sp - total) || !mmu_canonical(mmu, d->sp - 1))
		return cpu_raise(d->cpu, VEC_SS, d->ss_error, WHY_FRAME_NON_CANONICAL);
	d->host = frame_place(d);
	return true;
}

static inline void store_words(const struct delivery *d, unsigned bytes)
{
	uint8_t *p = d->host;

	for (unsigned i = d->rec->words; i-- > 0; p += bytes)
		host_store(p, bytes, d->rec->word[i]);
}

static void push_at_once(struct delivery *d)
{
	unsigned bytes = d->format.bytes;

	if (bytes == 4)
		store_words(d, 4);
	else if (bytes == 8)
		store_words(d, 8);
	else
		store_words(d, 2);
	d->sp -= d->rec->words * bytes;
}

static bool probe_pushes(struct delivery *d)
{
	for (unsigned i = 1; i <= d->rec->words; i++)
		if (!stack_probe_write(&d->cpu->mmu, &d->ss, d->new_cpl, (d->sp - i * d->format.bytes) & d->sp_mask,
				       d->format.bytes, d->ss_error))
			return false;
	return true;
}

static bool push_words(struct delivery *d)
{
	step(d, STEP_PUSH);
	if (LIKELY(d->host != NULL)) {
		push_at_once(d);
	} else {
		if (!probe_pushes(d))
			return false;
		for (unsigned i = 0; i < d->rec->words; i++) {
			d->sp = (d->sp & ~d->sp_mask) | ((d->sp - d->format.bytes) & d->sp_mask);
			if (!stack_write(&d->cpu->mmu, &d->ss, d->new_cpl, d->sp & d->sp_mask, d->format.bytes,
					 d->rec->word[i], d->ss_error))
				return false;
		}
	}
	d->rec->frame = (d->ss.base + (d->sp & d->sp_mask)) & d->cpu->mmu.system_mask;
	return true;
}

/* ---- commit: the only writer of registers ---- */
INLINE void commit(struct delivery *d)
{
	struct cpu *cpu = d->cpu;
	uint64_t clear = FLAG_TF | FLAG_VM | FLAG_RF | FLAG_NT;

	if (!(d->rec->gate.type & 1)) /* interrupt gate, not trap gate */
		clear |= FLAG_IF;
	cpu_clear_flags(cpu, clear);
	set_cpl(cpu, d->new_cpl);
	set_segment(cpu, SEG_CS, &d->code.seg);
	cpu->s.seg[SEG_CS].sel = (uint16_t)((d->rec->gate.selector & ~SEL_RPL) | d->new_cpl);
	if (d->loads_ss)
		set_segment(cpu, SEG_SS, &d->ss);
	cpu->s.gpr.r64[RSP] = d->sp;
	if (d->format.has_segments) {
		struct segment null = null_segment(0);
		set_segment(cpu, SEG_ES, &null);
		set_segment(cpu, SEG_DS, &null);
		set_segment(cpu, SEG_FS, &null);
		set_segment(cpu, SEG_GS, &null);
	}
	cpu->s.rip = d->rec->gate.offset;
	step(d, STEP_COMMIT);
	d->rec->outcome = OUT_DELIVERED;
}

/* SDM 2A "INT n", TRAP-OR-INTERRUPT-GATE and what it goes to. */
static bool through_gate(struct delivery *d)
{
	struct cpu *cpu = d->cpu;

	if (!find_code(d) || !find_stack(d))
		return false;
	compose_frame(d);
	if (!check_room(d))
		return false;
	step(d, STEP_TARGET_LIMIT);
	if (d->rec->gate.offset > d->code.seg.limit)
		return cpu_raise(cpu, VEC_GP, d->ext, WHY_GATE_OFFSET_LIMIT);
	if (!desc_set_accessed(cpu, &d->code) || !push_words(d))
		return false;
	commit(d);
	return true;
}

/* The same in IA-32e mode: the order is that of the manual's branches for it. */
__attribute__((noinline)) static bool through_gate64(struct delivery *d)
{
	struct cpu *cpu = d->cpu;

	if (!find_gate64(d) || !find_code(d) || !find_stack64(d))
		return false;
	compose_frame(d);
	if (!check_room64(d))
		return false;
	step(d, STEP_TARGET_LIMIT);
	if (!mmu_canonical(&cpu->mmu, d->rec->gate.offset))
		return cpu_raise(cpu, VEC_GP, d->ext, WHY_GATE_OFFSET_NON_CANONICAL);
	if (!desc_set_accessed(cpu, &d->code) || !push_words(d))
		return false;
	commit(d);
	return true;
}

/* SDM 2A "INT n", TASK-GATE.  Faults after the commit point belong to the new
 * task; deliver() raises them there like any other. */
static bool through_task_gate(struct delivery *d)
{
	struct task_switch t = {.tss_sel = d->rec->gate.selector, .cause = TASK_INT, .return_rip = d->ev->return_rip,
				.flags = flags_image(d), .has_error = d->ev->has_error, .error = d->ev->error,
				.ext = d->ext};
	bool committed = false;

	step(d, STEP_CODE_SEGMENT);
	d->rec->stack_source = STACK_TASK;
	bool ok = task_switch(d->cpu, &t, &committed);
	if (committed)
		d->rec->outcome = OUT_TASK_SWITCH;
	if (ok)
		step(d, STEP_COMMIT);
	return ok;
}

/* Real mode: SDM 2A "INT n", REAL-ADDRESS-MODE.  IDTR's base and limit hold here
 * too.  Error codes are never pushed. */
static bool through_ivt(struct delivery *d)
{
	struct cpu *cpu = d->cpu;
	uint32_t at = d->ev->vector * 4u;
	struct segment cs;

	step(d, STEP_VECTOR);
	if (at + 3 > cpu->s.idtr.limit)
		return cpu_raise(cpu, VEC_GP, gate_error(d), WHY_IDT_LIMIT);
	uint64_t lin = (cpu->s.idtr.base + at) & cpu->mmu.lin_mask;
	struct rd vector = lin_read(&cpu->mmu, lin, 4);
	if (!vector.ok)
		return false;
	d->rec->gate.address = lin;
	d->rec->gate.offset = vector.v & 0xffff;
	d->rec->gate.selector = (uint16_t)(vector.v >> 16);
	d->rec->gate.type = SYS_INT_GATE16;
	d->rec->gate.present = true;
	d->rec->gate.width = 16;
	d->format.bytes = 2;
	d->ss = cpu->s.seg[SEG_SS];
	d->sp = cpu->s.gpr.r64[RSP];
	d->sp_mask = cpu->sp_mask;
	compose_frame(d);
	if (!check_room(d))
		return false;
	step(d, STEP_TARGET_LIMIT);
	cs = real_segment(&cpu->s.seg[SEG_CS], d->rec->gate.selector);
	if (d->rec->gate.offset > cs.limit)
		return cpu_raise(cpu, VEC_GP, 0, WHY_GATE_OFFSET_LIMIT);
	if (!push_words(d))
		return false;
	cpu_clear_flags(cpu, FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
	set_segment(cpu, SEG_CS, &cs);
	cpu->s.gpr.r64[RSP] = d->sp;
	cpu->s.rip = d->rec->gate.offset;
	step(d, STEP_COMMIT);
	d->rec->outcome = OUT_DELIVERED;
	return true;
}

/* Effects of the event itself that come before its handler, even if that is
 * never reached: CR2, DR6, DR7.GD. */
static void note_event(struct cpu *cpu, const struct event *ev)
{
	if (ev->vector == VEC_PF && ev->kind == EV_FAULT)
		cpu->s.cr2 = ev->cr2;
	if (ev->vector == VEC_DB && (ev->kind == EV_TRAP || ev->kind == EV_FAULT || ev->kind == EV_INT1)) {
		cpu->s.dr6 |= ev->dr6;
		if (cpu->s.dr7 & DR7_GD) {
			cpu->s.dr7 &= ~(uint64_t)DR7_GD;
			mmu_mode_changed(&cpu->mmu);
		}
	}
}

static bool deliver_once(struct cpu *cpu, const struct event *ev, struct delivery_record *rec)
{
	struct delivery d = {.cpu = cpu, .ev = ev, .rec = rec};

	d.software = ev->kind == EV_SOFT_INT || ev->kind == EV_INT3 || ev->kind == EV_INTO;
	d.ext = d.software ? 0 : ERR_EXT;
	d.from_vm86 = in_vm86(cpu);
	d.old_flags = rec->from.rflags;
	d.ia32e = in_ia32e(cpu);
	if (in_real(cpu))
		return through_ivt(&d);
	if (UNLIKELY(d.ia32e))
		return through_gate64(&d);
	if (!find_gate(&d))
		return false;
	return rec->gate.type == SYS_TASK_GATE ? through_task_gate(&d) : through_gate(&d);
}

/* ---- what a fault during delivery becomes ---- */
static enum class class_of_event(const struct event *ev)
{
	bool exception = ev->kind == EV_FAULT || ev->kind == EV_TRAP || ev->kind == EV_ABORT;

	return exception && ev->vector < 32 ? exception_class[ev->vector] : BENIGN;
}

/* SDM 3A, "Interrupt 8 - Double Fault Exception", table of conditions: rows the first
 * exception, columns the second. */
static const enum outcome_of_two { HANDLE_SECOND, RAISE_DF, SHUT_DOWN } combination[4][3] = {
	[BENIGN] = {HANDLE_SECOND, HANDLE_SECOND, HANDLE_SECOND},
	[CONTRIBUTORY] = {HANDLE_SECOND, RAISE_DF, HANDLE_SECOND},
	[PAGE_FAULT] = {HANDLE_SECOND, RAISE_DF, RAISE_DF},
	[DOUBLE_FAULT] = {HANDLE_SECOND, SHUT_DOWN, SHUT_DOWN},
};

void event_of_fault(const struct cpu *cpu, struct event *ev)
{
	const struct fault *f = &cpu->fault;

	*ev = (struct event){.kind = EV_FAULT, .vector = f->vector, .has_error = f->has_error, .error = f->error,
			     .cr2 = f->cr2, .dr6 = f->why == WHY_GENERAL_DETECT ? DR6_BD : 0, .why = f->why,
			     .return_rip = cpu->s.rip};
}

/* The event that follows when delivering first raised cpu->fault.  False: the
 * processor shuts down. */
static bool combine(struct cpu *cpu, const struct event *first, struct event *next)
{
	uint8_t second = cpu->fault.vector < 32 ? cpu->fault.vector : VEC_GP;

	switch (combination[class_of_event(first)][exception_class[second] % DOUBLE_FAULT]) {
	case HANDLE_SECOND:
		event_of_fault(cpu, next);
		return true;
	case RAISE_DF:
		*next = (struct event){.kind = EV_ABORT, .vector = VEC_DF, .has_error = true, .error = 0,
				       .why = WHY_DOUBLE_FAULT, .return_rip = cpu->s.rip};
		if (cpu->fault.vector == VEC_PF)
			cpu->s.cr2 = cpu->fault.cr2;
		return true;
	case SHUT_DOWN:
		break;
	}
	return false;
}

static struct delivery_record *begin_record(struct cpu *cpu, const struct event *ev, uint64_t parent)
{
	struct delivery_record *rec = trace_delivery_begin(cpu->trace);

	rec->when = cpu->icount;
	rec->cause = ev->cause;
	rec->cpu = (uint8_t)cpu->id;
	rec->kind = (uint8_t)ev->kind;
	rec->vector = ev->vector;
	rec->has_error = ev->has_error && in_protected(cpu); /* real mode pushes none */
	rec->error = ev->error;
	rec->cr2 = ev->cr2;
	rec->why = (uint16_t)ev->why;
	rec->parent = parent;
	rec->rax = cpu->s.gpr.r64[RAX];
	record_where(cpu, &rec->from, ev->return_rip, cpu_flags(cpu));
	return rec;
}

void deliver(struct cpu *cpu, const struct event *ev)
{
	struct event next;
	uint64_t parent = 0;

	cpu->s.shadow = 0;
	cpu->s.activity = ACT_RUNNING;
	cpu->step_inhibit = true;
	for (;;) {
		/* Every delivery takes a tick of its own, or a guest whose handler faults at
		 * once would stop time.  Software interrupts are instructions: counted. */
		if (ev->kind < EV_SOFT_INT || ev->kind > EV_INTO)
			cpu->icount++;
		struct delivery_record *rec = begin_record(cpu, ev, parent);
		bool alone = cpu->mmu.alone;
		cpu->mmu.alone = true; /* pushes may hit code, devices, watched pages */
		note_event(cpu, ev);
		bool ok = deliver_once(cpu, ev, rec);
		cpu->mmu.alone = alone;
		cpu->rep_resumes = false;
		bool more = !ok && combine(cpu, ev, &next);
		if (!ok) {
			rec->refused = cpu->fault;
			if (rec->outcome != OUT_TASK_SWITCH)
				rec->outcome = more ? OUT_FAULTED : OUT_SHUTDOWN;
		}
		record_where(cpu, &rec->to, cpu->s.rip, cpu_flags(cpu));
		parent = rec->id;
		trace_delivery_done(cpu->trace, rec);
		cpu_tell_held(cpu);
		if (ok)
			return;
		if (!more) {
			cpu->s.activity = ACT_SHUTDOWN;
			return;
		}
		ev = &next;
	}
}
