/* Far RET: real and virtual-8086 mode, to the same level and to an outer one.
 * SDM 2B, "RET", Operation; SDM 3A, "Returning from a Called Procedure". */
#include "cpu/deliver.h"
#include "cpu/stackswitch.h"
#include "trace/trace.h"

/* What lies on the stack: IP and CS, and, above the released bytes, SP and SS
 * of an outer level. */
struct far_return {
	unsigned word; /* 2, 4 or 8 */
	uint32_t release;
	uint16_t cs_sel, ss_sel;
	uint64_t ip, sp;
	uint64_t rip; /* of the instruction */
};

/* The word at distance n from the top of the stack. */
static struct rd stack_at(struct cpu *cpu, uint32_t n, unsigned word)
{
	return seg_read(&cpu->mmu, SEG_SS, (cpu->s.gpr.r64[RSP] + n) & cpu->sp_mask, word);
}

/* A selector and the offset below it, the selector first: the manual asks
 * whether the second word is inside the stack before anything else. */
static bool read_pair(struct cpu *cpu, uint32_t at, unsigned word, uint16_t *sel, uint64_t *offset)
{
	struct rd high = stack_at(cpu, at + word, word);
	if (!high.ok)
		return false;
	struct rd low = stack_at(cpu, at, word);
	if (!low.ok)
		return false;
	*sel = (uint16_t)high.v;
	*offset = low.v;
	return true;
}

static bool ret_real(struct cpu *cpu, const struct far_return *r)
{
	struct segment cs = in_real(cpu) ? real_segment(&cpu->s.seg[SEG_CS], r->cs_sel) : vm86_segment(r->cs_sel);

	if (r->ip > cs.limit)
		return cpu_raise(cpu, VEC_GP, 0, WHY_RETURN_LIMIT);
	set_sp(cpu, cpu->s.gpr.r64[RSP] + 2 * r->word + r->release);
	set_segment(cpu, SEG_CS, &cs);
	cpu->s.rip = r->ip;
	return true;
}

static bool ret_same(struct cpu *cpu, struct far_return *r, struct descriptor *cs)
{
	if (!check_return_ip(cpu, &cs->seg, &r->ip, WHY_RETURN_LIMIT))
		return false;
	if (!desc_set_accessed(cpu, cs))
		return false;
	set_sp(cpu, cpu->s.gpr.r64[RSP] + 2 * r->word + r->release);
	set_segment(cpu, SEG_CS, &cs->seg);
	cpu->s.rip = r->ip;
	return true;
}

static void record_from(const struct cpu *cpu, const struct far_return *r, struct return_record *record)
{
	record->kind = RET_FAR;
	record->when = cpu->icount;
	record->cpu = (uint8_t)cpu->id;
	where_now(cpu, &record->from);
	record->frame = (record->from.ss_base + (record->from.rsp & cpu->sp_mask)) & cpu->mmu.lin_mask;
	record->from.rip = r->rip;
}

/* The released bytes are taken from both stacks. */
static bool ret_outer(struct cpu *cpu, struct far_return *r, struct descriptor *cs)
{
	unsigned rpl = r->cs_sel & SEL_RPL;
	struct return_record record = {0};
	struct descriptor ss;

	if (!read_pair(cpu, 2 * r->word + r->release, r->word, &r->ss_sel, &r->sp))
		return false;
	if (!check_return_stack(cpu, r->ss_sel, rpl, &cs->seg, &ss))
		return false;
	if (!check_return_ip(cpu, &cs->seg, &r->ip, WHY_RETURN_LIMIT))
		return false;
	if (!desc_set_accessed(cpu, cs) || !desc_set_accessed(cpu, &ss))
		return false;
	if (trace_wanted(cpu->trace))
		record_from(cpu, r, &record);
	set_segment(cpu, SEG_CS, &cs->seg);
	set_cpl(cpu, rpl);
	set_segment(cpu, SEG_SS, &ss.seg);
	set_return_sp(cpu, r->sp + r->release);
	drop_inner_segments(cpu);
	cpu->s.rip = r->ip;
	if (trace_wanted(cpu->trace)) {
		where_now(cpu, &record.to);
		trace_returned(cpu->trace, &record);
	}
	return true;
}

static bool ret_protected(struct cpu *cpu, struct far_return *r)
{
	struct descriptor cs;

	if (!check_return_code(cpu, r->cs_sel, &cs))
		return false;
	if ((r->cs_sel & SEL_RPL) > cpu->s.cpl)
		return ret_outer(cpu, r, &cs);
	return ret_same(cpu, r, &cs);
}

static const struct uop *ret_far(struct cpu *cpu, const struct uop *u, unsigned word, uint32_t release)
{
	struct far_return r = {.word = word, .release = release, .rip = uop_rip(cpu, u)};
	bool plain = in_real(cpu) || in_vm86(cpu);

	if (!read_pair(cpu, 0, word, &r.cs_sel, &r.ip))
		return uop_fault(cpu, u);
	if (plain ? ret_real(cpu, &r) : ret_protected(cpu, &r))
		return uop_leave_at(cpu, u);
	return uop_fault(cpu, u);
}

static const struct uop *ret16(struct cpu *cpu, const struct uop *u)
{
	return ret_far(cpu, u, 2, 0);
}
static const struct uop *ret32(struct cpu *cpu, const struct uop *u)
{
	return ret_far(cpu, u, 4, 0);
}
static const struct uop *ret64(struct cpu *cpu, const struct uop *u)
{
	return ret_far(cpu, u, 8, 0);
}
static const struct uop *ret16_i(struct cpu *cpu, const struct uop *u)
{
	return ret_far(cpu, u, 2, u->imm & 0xffff);
}
static const struct uop *ret32_i(struct cpu *cpu, const struct uop *u)
{
	return ret_far(cpu, u, 4, u->imm & 0xffff);
}
static const struct uop *ret64_i(struct cpu *cpu, const struct uop *u)
{
	return ret_far(cpu, u, 8, u->imm & 0xffff);
}

const struct exec exec_ret_far = {
	{[FORM_NONE] = EXEC_V(ret16, ret32, ret64), [FORM_I] = EXEC_V(ret16_i, ret32_i, ret64_i)}};
