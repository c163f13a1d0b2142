/* IRET, and the software interrupts that it undoes.  SDM 2A "IRET/IRETD",
 * "INT n/INTO/INT3/INT1".  Registers are written after the last check. */
#include "cpu/block.h"
#include "cpu/deliver.h"
#include "cpu/desc.h"
#include "cpu/events.h"
#include "cpu/gate.h"
#include "cpu/operand.h"
#include "cpu/stackswitch.h"
#include "cpu/vme.h"

/* The words an IRET pops, in the order they lie on the stack. */
enum popped { POP_IP, POP_CS, POP_FLAGS, POP_SP, POP_SS, POP_ES, POP_DS, POP_FS, POP_GS, POP_WORDS };

struct iret {
	struct cpu *cpu;
	unsigned bytes;             /* of each word: the operand size */
	unsigned count;             /* read so far */
	uint64_t word[POP_WORDS];
	struct where from;          /* these two while somebody listens */
	uint64_t frame;
};

static inline void load_words(struct iret *r, unsigned count, const uint8_t *p, unsigned bytes)
{
	for (; r->count < count; p += bytes)
		r->word[r->count++] = host_load(p, bytes);
}

/* The same as one by one, where all of them are a TLB hit inside the segment. */
static bool pop_at_once(struct iret *r, unsigned count)
{
	struct cpu *cpu = r->cpu;
	unsigned bytes = r->bytes;
	uint64_t off = (cpu->s.gpr.r64[RSP] + r->count * bytes) & cpu->sp_mask;
	const uint8_t *p = seg_hit_read(cpu, SEG_SS, off, (count - r->count) * bytes);

	if (p == NULL || off + (count - r->count) * bytes - 1 > cpu->sp_mask)
		return false;
	if (bytes == 4)
		load_words(r, count, p, 4);
	else if (bytes == 8)
		load_words(r, count, p, 8);
	else
		load_words(r, count, p, 2);
	return true;
}

/* Reads words until so many are there.  #SS(0), #PF. */
static bool pop_words(struct iret *r, unsigned count)
{
	struct cpu *cpu = r->cpu;

	if (LIKELY(pop_at_once(r, count)))
		return true;
	/* "If the top 12 bytes are not within stack limits, #SS(0)": before any of them is
	 * read, so before #PF and #AC. */
	for (unsigned i = r->count; i < count && !in_long64(cpu); i++)
		if (!segment_covers(&cpu->s.seg[SEG_SS], (cpu->s.gpr.r64[RSP] + i * r->bytes) & cpu->sp_mask, r->bytes))
			return cpu_raise(cpu, VEC_SS, 0, WHY_IRET_STACK_LIMIT);
	for (; r->count < count; r->count++) {
		uint64_t off = (cpu->s.gpr.r64[RSP] + r->count * r->bytes) & cpu->sp_mask;
		struct rd word = seg_read(&cpu->mmu, SEG_SS, off, r->bytes);
		if (!word.ok)
			return false;
		r->word[r->count] = word.v;
	}
	return true;
}

static void record_return(const struct iret *r, enum return_kind kind)
{
	struct cpu *cpu = r->cpu;

	if (!trace_wanted(cpu->trace))
		return;
	struct return_record rec = {.when = cpu->icount, .cpu = (uint8_t)cpu->id, .kind = (uint8_t)kind};
	rec.from = r->from;
	where_now(cpu, &rec.to);
	rec.frame = r->frame;
	trace_returned(cpu->trace, &rec);
}

/* The bits of EFLAGS this IRET may change (SDM 2A: the EFLAGS assignments of
 * RETURN-TO-SAME- and -OUTER-PRIVILEGE-LEVEL), by the CPL it runs at. */
static uint64_t flags_mask(const struct cpu *cpu, unsigned bytes)
{
	uint64_t mask = FLAGS_STATUS | FLAG_TF | FLAG_DF | FLAG_NT;

	if (bytes != 2)
		mask |= FLAG_RF | FLAG_AC | FLAG_ID;
	if (cpu->s.cpl <= iopl(cpu))
		mask |= FLAG_IF;
	if (cpu->s.cpl == 0)
		mask |= FLAG_IOPL | (bytes != 2 ? FLAG_VIF | FLAG_VIP : 0);
	return mask;
}

static uint64_t merged_flags(const struct iret *r, uint64_t mask)
{
	return (cpu_flags(r->cpu) & ~mask) | (r->word[POP_FLAGS] & mask);
}

/* ---- real mode, and VM86 with IOPL 3 ---- */
static bool iret_real(struct iret *r, uint64_t mask)
{
	struct cpu *cpu = r->cpu;

	if (!pop_words(r, 3))
		return false;
	if (r->word[POP_IP] > cpu->s.seg[SEG_CS].limit)
		return cpu_raise(cpu, VEC_GP, 0, WHY_IRET_EIP_LIMIT);
	struct segment cs = in_real(cpu) ? real_segment(&cpu->s.seg[SEG_CS], (uint16_t)r->word[POP_CS])
					 : vm86_segment((uint16_t)r->word[POP_CS]);
	set_sp(cpu, cpu->s.gpr.r64[RSP] + 3 * r->bytes);
	set_segment(cpu, SEG_CS, &cs);
	cpu_set_flags(cpu, merged_flags(r, mask));
	cpu->s.rip = r->word[POP_IP];
	return true;
}

static uint64_t real_mask(unsigned bytes)
{
	return bytes == 2 ? 0x7fd5u : 0x257fd5u;
}

/* SDM 3B, "Virtual-8086 Mode Extensions": IRET with IOPL < 3 under VME and a 16-bit operand
 * uses VIF for IF. */
static bool iret_vme(struct iret *r)
{
	struct cpu *cpu = r->cpu;

	if (!pop_words(r, 3))
		return false;
	uint64_t flags = r->word[POP_FLAGS];
	if ((flags & FLAG_TF) || ((flags & FLAG_IF) && (cpu->s.rflags & FLAG_VIP)))
		return cpu_raise(cpu, VEC_GP, 0, WHY_IRET_VME_FLAGS);
	r->word[POP_FLAGS] = (flags & ~(uint64_t)FLAG_VIF) | ((flags & FLAG_IF) ? FLAG_VIF : 0);
	return iret_real(r, (0x7fd5u & ~(FLAG_IOPL | FLAG_IF)) | FLAG_VIF);
}

static bool iret_vm86(struct iret *r)
{
	struct cpu *cpu = r->cpu;

	if (iopl(cpu) == 3)
		return iret_real(r, real_mask(r->bytes) & ~(uint64_t)FLAG_IOPL);
	if ((cpu->s.cr4 & CR4_VME) && r->bytes == 2)
		return iret_vme(r);
	return cpu_raise(cpu, VEC_GP, 0, WHY_IRET_VM86_IOPL);
}

/* ---- protected mode ---- */
static bool iret_to_vm86(struct iret *r)
{
	struct cpu *cpu = r->cpu;
	static const struct { uint8_t seg, word; } order[] = {
		{SEG_CS, POP_CS}, {SEG_SS, POP_SS}, {SEG_ES, POP_ES},
		{SEG_DS, POP_DS}, {SEG_FS, POP_FS}, {SEG_GS, POP_GS},
	};

	if (!pop_words(r, POP_WORDS))
		return false;
	if (r->word[POP_IP] > 0xffff)
		return cpu_raise(cpu, VEC_GP, 0, WHY_IRET_EIP_LIMIT);
	cpu_set_flags(cpu, r->word[POP_FLAGS] & FLAGS_DEFINED);
	set_cpl(cpu, 3);
	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		struct segment value = vm86_segment((uint16_t)r->word[order[i].word]);
		set_segment(cpu, (enum seg)order[i].seg, &value);
	}
	cpu->s.gpr.r64[RSP] = r->word[POP_SP];
	cpu->s.rip = r->word[POP_IP];
	return true;
}

static bool iret_same_level(struct iret *r, struct descriptor *cs)
{
	struct cpu *cpu = r->cpu;

	if (!desc_set_accessed(cpu, cs))
		return false;
	set_sp(cpu, cpu->s.gpr.r64[RSP] + 3 * r->bytes);
	cpu_set_flags(cpu, merged_flags(r, flags_mask(cpu, r->bytes)));
	set_segment(cpu, SEG_CS, &cs->seg);
	cpu->s.rip = r->word[POP_IP];
	return true;
}

static bool iret_outer_level(struct iret *r, struct descriptor *cs)
{
	struct cpu *cpu = r->cpu;
	unsigned rpl = r->word[POP_CS] & SEL_RPL;
	struct descriptor ss;

	if (!pop_words(r, 5) || !check_return_stack(cpu, (uint16_t)r->word[POP_SS], rpl, &cs->seg, &ss))
		return false;
	if (r->word[POP_IP] > cs->seg.limit)
		return cpu_raise(cpu, VEC_GP, 0, WHY_IRET_EIP_LIMIT);
	if (!desc_set_accessed(cpu, cs) || !desc_set_accessed(cpu, &ss))
		return false;
	cpu_set_flags(cpu, merged_flags(r, flags_mask(cpu, r->bytes)));
	set_cpl(cpu, rpl);
	set_segment(cpu, SEG_CS, &cs->seg);
	set_segment(cpu, SEG_SS, &ss.seg);
	/* A 16-bit SS takes SP alone: the upper half of ESP stays the inner one's
	 * (what espfix exists for). */
	set_sp(cpu, r->word[POP_SP]);
	cpu->s.rip = r->word[POP_IP];
	drop_inner_segments(cpu);
	return true;
}

static bool iret_protected(struct iret *r)
{
	struct cpu *cpu = r->cpu;
	struct descriptor cs;

	if (!pop_words(r, 3))
		return false;
	if ((r->word[POP_FLAGS] & FLAG_VM) && cpu->s.cpl == 0 && r->bytes == 4)
		return iret_to_vm86(r);
	uint16_t sel = (uint16_t)r->word[POP_CS];
	if (!check_return_code(cpu, sel, &cs))
		return false;
	if ((sel & SEL_RPL) > cpu->s.cpl)
		return iret_outer_level(r, &cs);
	if (r->word[POP_IP] > cs.seg.limit)
		return cpu_raise(cpu, VEC_GP, 0, WHY_IRET_EIP_LIMIT);
	return iret_same_level(r, &cs);
}

/* ---- IA-32e mode ---- */

/* With SS and RSP: from 64-bit mode always, else to an outer level. */
static bool iret_with_stack(struct iret *r, struct descriptor *cs)
{
	struct cpu *cpu = r->cpu;
	unsigned rpl = r->word[POP_CS] & SEL_RPL;
	bool outer = rpl > cpu->s.cpl;
	struct descriptor ss;

	if (!pop_words(r, 5) || !check_return_stack(cpu, (uint16_t)r->word[POP_SS], rpl, &cs->seg, &ss))
		return false;
	if (!check_return_ip(cpu, &cs->seg, &r->word[POP_IP], WHY_IRET_EIP_LIMIT))
		return false;
	if (!desc_set_accessed(cpu, cs) || !desc_set_accessed(cpu, &ss))
		return false;
	cpu_set_flags(cpu, merged_flags(r, flags_mask(cpu, r->bytes)));
	set_cpl(cpu, rpl);
	set_segment(cpu, SEG_CS, &cs->seg);
	set_segment(cpu, SEG_SS, &ss.seg);
	set_return_sp(cpu, r->word[POP_SP]);
	cpu->s.rip = r->word[POP_IP];
	if (outer)
		drop_inner_segments(cpu);
	return true;
}

/* There is no way to virtual-8086 mode, and no task to go back to. */
static bool iret_ia32e(struct iret *r)
{
	struct cpu *cpu = r->cpu;
	struct descriptor cs;

	if (cpu_flags(cpu) & FLAG_NT)
		return cpu_raise(cpu, VEC_GP, 0, WHY_IRET_NT);
	if (!pop_words(r, 3))
		return false;
	uint16_t sel = (uint16_t)r->word[POP_CS];
	if (!check_return_code(cpu, sel, &cs))
		return false;
	if (in_long64(cpu) || (sel & SEL_RPL) > cpu->s.cpl)
		return iret_with_stack(r, &cs);
	if (!check_return_ip(cpu, &cs.seg, &r->word[POP_IP], WHY_IRET_EIP_LIMIT))
		return false;
	return iret_same_level(r, &cs);
}

/* TASK-RETURN: NT = 1, back to the task in the link field of the current TSS.  A
 * fault after the commit point belongs to that task. */
static void iret_nested(struct iret *r, const struct uop *u)
{
	struct cpu *cpu = r->cpu;
	bool committed = false;
	struct rd link = lin_read(&cpu->mmu, cpu->s.seg[SEG_TR].base, 2);

	if (!link.ok) {
		uop_fault(cpu, u);
		return;
	}
	struct task_switch t = {.tss_sel = (uint16_t)link.v, .cause = TASK_IRET,
				.return_rip = uop_next_rip(cpu, u), .flags = cpu_flags(cpu)};
	if (task_switch(cpu, &t, &committed)) {
		record_return(r, RET_IRET_TASK);
		uop_leave_at(cpu, u);
	} else if (committed) {
		uop_fault_at(cpu, u);
	} else {
		uop_fault(cpu, u);
	}
}

/* True: done, in a place from which the interpreter may go straight on; else the
 * handler must end. */
static inline bool iret(struct cpu *cpu, const struct uop *u, unsigned bytes)
{
	struct iret r = {.cpu = cpu, .bytes = bytes};
	bool ok;

	if (trace_wanted(cpu->trace)) {
		where_now(cpu, &r.from);
		r.from.rip = uop_rip(cpu, u);
		r.frame = (r.from.ss_base + (r.from.rsp & cpu->sp_mask)) & cpu->mmu.lin_mask;
	}
	cpu->s.nmi_blocked = false; /* even if the IRET faults: SDM 3A "Handling Multiple NMIs" */
	if (in_real(cpu)) {
		ok = iret_real(&r, real_mask(bytes));
	} else if (in_vm86(cpu)) {
		ok = iret_vm86(&r);
	} else if (UNLIKELY(in_ia32e(cpu))) {
		ok = iret_ia32e(&r);
	} else if (cpu_flags(cpu) & FLAG_NT) {
		iret_nested(&r, u);
		return false;
	} else {
		ok = iret_protected(&r);
	}
	if (!ok) {
		uop_fault(cpu, u);
		return false;
	}
	record_return(&r, RET_IRET);
	return true;
}

#define IRET(bits)                                                                    \
	static const struct uop *iret_##bits(struct cpu *cpu, const struct uop *u)    \
	{                                                                             \
		if (UNLIKELY(!iret(cpu, u, (bits) / 8)))                              \
			return NULL;                                                  \
		RETURN_ONWARD(cpu, u);                                                \
	}
IRET(16) IRET(32) IRET(64)
const struct exec exec_iret = {.fn = {[FORM_NONE] = EXEC_V(iret_16, iret_32, iret_64)}};

/* ---- INT n, INT3, INT1, INTO ---- */

/* The instruction is done once its delivery is: a fault on the way is
 * delivered by deliver() itself with the instruction's own address. */
static void software_interrupt(struct cpu *cpu, const struct uop *u, enum event_kind kind, uint8_t vector)
{
	struct event ev = {.kind = kind, .vector = vector, .return_rip = uop_next_rip(cpu, u)};

	cpu->s.rip = uop_rip(cpu, u);
	deliver(cpu, &ev);
}

/* VM86: IOPL < 3 traps to the monitor, unless VME sends the vector to the 8086
 * program's own handler.  SDM 3B, "Interrupt and Exception Handling in
 * Virtual-8086 Mode", methods 1 to 6. */
static const struct uop *int_n(struct cpu *cpu, const struct uop *u)
{
	uint8_t vector = (uint8_t)u->imm;

	if (UNLIKELY(in_vm86(cpu))) {
		bool redirected = false;
		if ((cpu->s.cr4 & CR4_VME) && !vme_redirects(cpu, vector, &redirected))
			return uop_fault(cpu, u);
		if (redirected)
			return vme_interrupt(cpu, u, vector);
		if (iopl(cpu) < 3)
			return uop_raise(cpu, u, VEC_GP, 0, WHY_INT_VM86_IOPL);
	}
	software_interrupt(cpu, u, EV_SOFT_INT, vector);
	RETURN_ONWARD(cpu, u);
}

static const struct uop *int3(struct cpu *cpu, const struct uop *u)
{
	software_interrupt(cpu, u, EV_INT3, VEC_BP);
	RETURN_ONWARD(cpu, u);
}

static const struct uop *int1(struct cpu *cpu, const struct uop *u)
{
	software_interrupt(cpu, u, EV_INT1, VEC_DB);
	RETURN_ONWARD(cpu, u);
}

static const struct uop *into(struct cpu *cpu, const struct uop *u)
{
	if (!flag_of(&cpu->f))
		return uop_leave(cpu, u);
	software_interrupt(cpu, u, EV_INTO, VEC_OF);
	RETURN_ONWARD(cpu, u);
}

const struct exec exec_int_n = {.fn = {[FORM_I] = EXEC_ALL(int_n)}};
const struct exec exec_int3 = {.fn = {[FORM_NONE] = EXEC_ALL(int3)}};
const struct exec exec_int1 = {.fn = {[FORM_NONE] = EXEC_ALL(int1)}};
const struct exec exec_into = {.fn = {[FORM_NONE] = EXEC_ALL(into)}};
