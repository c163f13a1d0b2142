#include "cpu/vme.h"

#include "cpu/deliver.h"
#include "cpu/desc.h"

#define TSS32_IO_MAP 0x66u /* offset of the I/O map base */

bool vme_redirects(struct cpu *cpu, uint8_t vector, bool *redirected)
{
	const struct segment *tr = &cpu->s.seg[SEG_TR];

	if (!(tr->type & 8) || tr->limit < TSS32_IO_MAP + 1)
		return cpu_raise(cpu, VEC_GP, 0, WHY_VME_BITMAP_LIMIT);
	struct rd base = lin_read(&cpu->mmu, (tr->base + TSS32_IO_MAP) & cpu->mmu.lin_mask, 2);
	if (!base.ok)
		return false;
	uint32_t at = (uint32_t)base.v - 32 + vector / 8;
	if (base.v < 32 || at > tr->limit)
		return cpu_raise(cpu, VEC_GP, 0, WHY_VME_BITMAP_LIMIT);
	struct rd bits = lin_read(&cpu->mmu, (tr->base + at) & cpu->mmu.lin_mask, 1);
	if (!bits.ok)
		return false;
	*redirected = !((bits.v >> (vector & 7)) & 1);
	return true;
}

/* The image of FLAGS the program sees: with IOPL < 3 its IF is VIF and its IOPL 3. */
static uint16_t flags_seen(const struct cpu *cpu)
{
	uint64_t flags = cpu_flags(cpu);

	if (iopl(cpu) == 3)
		return (uint16_t)flags;
	return (uint16_t)((flags & ~(uint64_t)FLAG_IF) | FLAG_IOPL | ((flags & FLAG_VIF) ? FLAG_IF : 0));
}

static bool push_frame(struct cpu *cpu, const struct uop *u, struct delivery_record *rec)
{
	const uint64_t word[3] = {flags_seen(cpu), cpu->s.seg[SEG_CS].sel, uop_next_rip(cpu, u)};
	static const uint8_t name[3] = {PUSH_FLAGS, PUSH_CS, PUSH_IP};

	for (unsigned i = 0; i < 3; i++)
		if (!seg_probe_write(&cpu->mmu, SEG_SS, stack_below(cpu, 2 * (i + 1)), 2))
			return false;
	for (unsigned i = 0; i < 3; i++) {
		if (!seg_write(&cpu->mmu, SEG_SS, stack_below(cpu, 2 * (i + 1)), 2, word[i]))
			return false;
		rec->word_name[i] = name[i];
		rec->word[i] = word[i];
	}
	rec->words = 3;
	rec->word_bytes = 2;
	rec->frame = (cpu->s.seg[SEG_SS].base + stack_below(cpu, 6)) & cpu->mmu.lin_mask;
	return true;
}

const struct uop *vme_interrupt(struct cpu *cpu, const struct uop *u, uint8_t vector)
{
	struct delivery_record scratch = {.kind = EV_SOFT_INT};
	struct where from;

	where_now(cpu, &from);
	from.rip = uop_next_rip(cpu, u);
	struct rd entry = lin_read(&cpu->mmu, vector * 4u, 4);
	if (!entry.ok || !push_frame(cpu, u, &scratch))
		return uop_fault(cpu, u);

	struct delivery_record *rec = trace_delivery_begin(cpu->trace);
	uint64_t id = rec->id;
	*rec = scratch;
	rec->id = id;
	rec->when = cpu->icount;
	rec->cpu = (uint8_t)cpu->id;
	rec->vector = vector;
	rec->rax = cpu->s.gpr.r64[RAX];
	rec->from = from;
	rec->gate.address = vector * 4u;
	rec->gate.offset = entry.v & 0xffff;
	rec->gate.selector = (uint16_t)(entry.v >> 16);
	rec->stack_source = STACK_SAME;

	struct segment cs = vm86_segment(rec->gate.selector);
	set_sp(cpu, stack_below(cpu, 6));
	cpu_set_flags(cpu, cpu_flags(cpu) & ~(uint64_t)(FLAG_TF | (iopl(cpu) == 3 ? FLAG_IF : FLAG_VIF)));
	set_segment(cpu, SEG_CS, &cs);
	cpu->s.rip = rec->gate.offset;
	cpu->step_inhibit = true;
	rec->outcome = OUT_REDIRECTED;
	rec->step = STEP_COMMIT;
	where_now(cpu, &rec->to);
	trace_delivery_done(cpu->trace, rec);
	return uop_leave_at(cpu, u);
}
