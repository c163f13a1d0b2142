/* What a processor shows of the task it runs, for the tracer's matching of
 * returns: its TSS (SDM 3A, "Task-State Segment (TSS)") and CR3. */
#include "arch/x86.h"
#include "machine/machine.h"

/* The stack pointers of levels 0 and 1: offsets and widths in the three kinds of TSS. */
static const struct tss_layout {
	uint8_t sp0, sp1, bytes;
} layouts[] = {{2, 6, 2}, {4, 12, 4}, {4, 12, 8}};

static uint64_t stack_in(struct cpu *cpu, unsigned offset, unsigned bytes)
{
	uint8_t raw[8] = {0};
	uint64_t value = 0;

	if (peek_lin(&cpu->mmu, cpu->s.seg[SEG_TR].base + offset, raw, bytes) != bytes)
		return 0;
	while (bytes--)
		value = value << 8 | raw[bytes];
	return value;
}

bool machine_task_key(void *machine, unsigned processor, struct task_key *key)
{
	struct machine *m = machine;
	struct cpu *cpu = processor < m->cpus ? m->cpu[processor] : NULL;
	const struct tss_layout *layout;

	if (!cpu)
		return false;
	*key = (struct task_key){
		.tr = cpu->s.seg[SEG_TR].base, .cr3 = cpu->s.cr3, .pcid = cpu->s.cr4 & CR4_PCIDE ? CR3_PCID : 0};
	if (!in_protected(cpu) || !cpu->s.seg[SEG_TR].sel)
		return false;
	layout = &layouts[cpu->s.efer & EFER_LMA ? 2 : cpu->s.seg[SEG_TR].type & 8 ? 1 : 0];
	key->sp0 = stack_in(cpu, layout->sp0, layout->bytes);
	key->sp1 = stack_in(cpu, layout->sp1, layout->bytes);
	return true;
}
