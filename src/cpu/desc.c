/* Segment descriptors: taking them apart, reading them from GDT and LDT,
 * accessed and busy bits.
 * Sources: SDM 3A, "Segment Descriptors", "System Descriptor Types", "Call
 * Gates", "TSS Descriptor". */
#include "cpu/desc.h"

/* Byte 5 of a descriptor holds type, S, DPL and P. */
#define DESC_TYPE_BYTE 5

bool desc_probe(struct cpu *cpu, struct descriptor *d, uint16_t sel, bool *found)
{
	uint64_t address;

	*found = !sel_null(sel) && desc_locate(cpu, sel, &address);
	return *found ? desc_fetch(cpu, d, sel, address) : true;
}

bool desc_unreadable(struct cpu *cpu, uint32_t error)
{
	if (cpu->mmu.stop == MMU_FAULT && cpu->fault.why == WHY_NON_CANONICAL)
		cpu_raise(cpu, VEC_GP, error, WHY_DESCRIPTOR_NON_CANONICAL);
	return false;
}

bool desc_read_upper(struct cpu *cpu, const struct descriptor *d, enum why why, uint64_t *upper)
{
	uint32_t error = d->seg.sel & ~SEL_RPL;
	uint64_t unused;

	if (!desc_locate(cpu, (uint16_t)(d->seg.sel + DESC_BYTES), &unused) || (d->seg.sel & SEL_INDEX) == SEL_INDEX)
		return cpu_raise(cpu, VEC_GP, error, why);
	struct rd raw = lin_read(&cpu->mmu, d->address + DESC_BYTES, DESC_BYTES);
	if (!raw.ok)
		return desc_unreadable(cpu, error);
	if (raw.v >> 32 & 0x1f00)
		return cpu_raise(cpu, VEC_GP, error, WHY_SYSTEM_UPPER_TYPE);
	*upper = raw.v;
	return true;
}

bool desc_mark_accessed(struct cpu *cpu, struct descriptor *d)
{
	uint64_t raw = d->raw | (uint64_t)TYPE_ACCESSED << 40;

	if (!lin_write(&cpu->mmu, d->address + DESC_TYPE_BYTE, 1, (raw >> 40) & 0xff))
		return false;
	d->raw = raw;
	d->seg.type |= TYPE_ACCESSED;
	return true;
}

bool desc_set_busy(struct cpu *cpu, uint16_t tss_sel, bool busy)
{
	const uint64_t busy_bit = SYS_TSS32_BUSY ^ SYS_TSS32_AVAIL;
	uint64_t address = cpu->s.gdtr.base + (tss_sel & SEL_INDEX) + DESC_TYPE_BYTE;
	struct rd byte = lin_read(&cpu->mmu, address, 1);

	if (!byte.ok)
		return false;
	return lin_write(&cpu->mmu, address, 1, busy ? byte.v | busy_bit : byte.v & ~busy_bit);
}
