/* Segment descriptors: taking them apart, reading them from GDT and LDT,
 * accessed and busy bits.
 * Sources: SDM 3A, "Segment Descriptors", "System Descriptor Types", "Call
 * Gates", "TSS Descriptor". */
#include "cpu/desc.h"

/* Byte 5 of a descriptor holds type, S, DPL and P. */
#define DESC_TYPE_BYTE 5
#define DESC_BYTES     8

static inline uint32_t bits(uint64_t raw, unsigned low, unsigned count)
{
	return (uint32_t)(raw >> low) & ((1u << count) - 1);
}

/* Gates of 16 bits have types 4, 6, 7 (S = 0); their bits 63:48 are reserved
 * and the processor ignores them. */
static uint64_t gate_offset(uint64_t raw, unsigned type)
{
	uint64_t offset = bits(raw, 0, 16);

	return type & 8 ? offset | (uint64_t)bits(raw, 48, 16) << 16 : offset;
}

void desc_decode(struct descriptor *d, uint64_t raw, uint16_t sel)
{
	uint32_t limit = bits(raw, 0, 16) | bits(raw, 48, 4) << 16;
	bool g = bits(raw, 55, 1);

	d->raw = raw;
	d->address = 0;
	d->seg = (struct segment){
		.base = bits(raw, 16, 24) | bits(raw, 56, 8) << 24,
		.limit = g ? limit << 12 | 0xfff : limit,
		.sel = sel,
		.type = (uint8_t)bits(raw, 40, 4),
		.dpl = (uint8_t)bits(raw, 45, 2),
		.s = bits(raw, 44, 1),
		.present = bits(raw, 47, 1),
		.avl = bits(raw, 52, 1),
		.l = bits(raw, 53, 1),
		.db = bits(raw, 54, 1),
		.g = g,
		.usable = true,
	};
	d->offset = gate_offset(raw, d->seg.type);
	d->gate_sel = (uint16_t)bits(raw, 16, 16);
	d->param_count = (uint8_t)bits(raw, 32, 5);
}

/* Where the table that sel indexes holds its descriptor; false: beyond the
 * table's limit, or an LDT selector while LDTR is null. */
static bool desc_locate(const struct cpu *cpu, uint16_t sel, uint64_t *address)
{
	const struct segment *ldtr = &cpu->s.seg[SEG_LDTR];
	bool local = sel & SEL_TI;
	uint32_t index = sel & SEL_INDEX;
	uint32_t limit = local ? ldtr->limit : cpu->s.gdtr.limit;

	if ((local && !ldtr->usable) || index + DESC_BYTES - 1 > limit)
		return false;
	*address = ((local ? ldtr->base : cpu->s.gdtr.base) + index) & cpu->mmu.lin_mask;
	return true;
}

static bool desc_fetch(struct cpu *cpu, struct descriptor *d, uint16_t sel, uint64_t address)
{
	struct rd raw = lin_read(&cpu->mmu, address, DESC_BYTES);

	if (!raw.ok)
		return false;
	desc_decode(d, raw.v, sel);
	d->address = address;
	return true;
}

bool desc_read(struct cpu *cpu, struct descriptor *d, uint16_t sel, enum vector vector, uint32_t ext, enum why why)
{
	uint64_t address;

	if (!desc_locate(cpu, sel, &address))
		return raise(cpu, vector, (sel & ~SEL_RPL) | ext, why);
	return desc_fetch(cpu, d, sel, address);
}

bool desc_probe(struct cpu *cpu, struct descriptor *d, uint16_t sel, bool *found)
{
	uint64_t address;

	*found = !sel_null(sel) && desc_locate(cpu, sel, &address);
	return *found ? desc_fetch(cpu, d, sel, address) : true;
}

bool desc_set_accessed(struct cpu *cpu, struct descriptor *d)
{
	uint64_t raw = d->raw | (uint64_t)TYPE_ACCESSED << 40;

	if (raw == d->raw)
		return true;
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
