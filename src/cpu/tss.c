/* Task-state segments in memory.  SDM 3A, "Task-State Segment (TSS)", "16-Bit
 * Task-State Segment (TSS)". */
#include "cpu/tss.h"

/* The least limits are those of SDM 3A, "Interrupt 10 - Invalid TSS Exception" and
 * "16-Bit Task-State Segment (TSS)": 67H and 2CH. */
static const struct tss_layout layouts[2] = {
	{.word = 2, .ip = 0x0e, .flags = 0x10, .gpr = 0x12, .seg = 0x22, .seg_step = 2, .segs = 4, .ldt = 0x2a,
	 .min_limit = 0x2c, .last_saved = 0x29},
	{.word = 4, .ip = 0x20, .flags = 0x24, .gpr = 0x28, .seg = 0x48, .seg_step = 4, .segs = 6, .ldt = 0x60,
	 .cr3 = 0x1c, .trap = 0x64, .min_limit = 0x67, .last_saved = 0x5d},
};

const struct tss_layout *tss_layout(unsigned type) { return &layouts[(type >> 3) & 1]; }

/* Reads one field after the other; after a fault the rest reads as zero. */
struct tss_reader {
	struct cpu *cpu;
	uint64_t base;
	bool ok;
};

static uint32_t field(struct tss_reader *r, unsigned at, unsigned bytes)
{
	if (!r->ok)
		return 0;
	struct rd v = lin_read(&r->cpu->mmu, (r->base + at) & r->cpu->mmu.lin_mask, bytes);
	r->ok = v.ok;
	return (uint32_t)v.v;
}

bool tss_read_state(struct cpu *cpu, uint64_t base, const struct tss_layout *l, struct task_state *s)
{
	struct tss_reader r = {cpu, base, true};
	uint32_t upper = l->word == 2 ? 0xffff0000 : 0;

	*s = (struct task_state){.cr3 = (uint32_t)cpu->s.cr3};
	s->ip = field(&r, l->ip, l->word);
	s->flags = field(&r, l->flags, l->word);
	for (unsigned i = 0; i < 8; i++)
		s->gpr[i] = field(&r, l->gpr + i * l->word, l->word) | upper;
	for (unsigned i = 0; i < l->segs; i++)
		s->seg[i] = (uint16_t)field(&r, l->seg + i * l->seg_step, 2);
	s->ldt = (uint16_t)field(&r, l->ldt, 2);
	if (l->cr3)
		s->cr3 = field(&r, l->cr3, 4);
	if (l->trap)
		s->trap = field(&r, l->trap, 2) & 1;
	return r.ok;
}

static bool put(struct cpu *cpu, uint64_t lin, unsigned bytes, uint32_t value, bool probe)
{
	lin &= cpu->mmu.lin_mask;
	return probe ? lin_probe_write(&cpu->mmu, lin, bytes) : lin_write(&cpu->mmu, lin, bytes, value);
}

bool tss_save_state(struct cpu *cpu, uint64_t base, const struct tss_layout *l, const struct task_state *s, bool probe)
{
	bool ok = put(cpu, base + l->ip, l->word, s->ip, probe) && put(cpu, base + l->flags, l->word, s->flags, probe);

	for (unsigned i = 0; i < 8 && ok; i++)
		ok = put(cpu, base + l->gpr + i * l->word, l->word, s->gpr[i], probe);
	for (unsigned i = 0; i < l->segs && ok; i++)
		ok = put(cpu, base + l->seg + i * l->seg_step, 2, s->seg[i], probe);
	return ok;
}
