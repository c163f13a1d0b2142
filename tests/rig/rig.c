#include "rig/rig.h"

#include <stdlib.h>

#include "coverage/record.h"
#include "cpu/desc.h"

static bool pin_pending(void *device) { return ((struct rig *)device)->pin.level; }

static uint8_t pin_acknowledge(void *device, uint64_t *cause)
{
	struct rig *r = device;

	r->pin.level = false;
	r->pin.acknowledged++;
	cpu_set_intr(&r->cpu, false, 0);
	(void)cause;
	return r->pin.vector;
}

static const char *pin_quiet(void *device) { return ((struct rig *)device)->pin.level ? NULL : "nothing raised"; }

struct rig *rig_new(const char *model, uint64_t ram_bytes)
{
	struct rig *r = calloc(1, sizeof(*r));

	r->bus = bus_new();
	r->ram = bus_add_ram(r->bus, "RAM", 0, ram_bytes);
	clock_init(&r->clock);
	trace_init(&r->trace);
	if (!cpu_init(&r->cpu, 0, r->bus, &r->clock, &r->trace, cpu_model_find(model)))
		abort();
	r->cpu.intr = (struct intr_pin){r, pin_pending, pin_acknowledge, pin_quiet};
	return r;
}

/* Deliveries not recorded yet; the ring has forgotten those before. */
static void record_reasons(struct rig *r)
{
	for (; r->recorded < r->trace.deliveries; r->recorded++) {
		const struct delivery_record *d = trace_recent(&r->trace, (unsigned)(r->trace.deliveries - r->recorded - 1));
		if (r->trace.deliveries - r->recorded > TRACE_RING || !d)
			continue;
		coverage_why(d->why);
		coverage_why(d->refused.why);
	}
}

void rig_free(struct rig *r)
{
	record_reasons(r);
	cpu_free(&r->cpu);
	bus_free(r->bus);
	free(r);
}

void rig_write(struct rig *r, uint64_t pa, const void *bytes, size_t size) { bus_load(r->bus, pa, bytes, size); }
void rig_write8(struct rig *r, uint64_t pa, uint8_t v) { rig_write(r, pa, &v, 1); }
void rig_write16(struct rig *r, uint64_t pa, uint16_t v) { rig_write(r, pa, &v, 2); }
void rig_write32(struct rig *r, uint64_t pa, uint32_t v) { rig_write(r, pa, &v, 4); }
void rig_write64(struct rig *r, uint64_t pa, uint64_t v) { rig_write(r, pa, &v, 8); }

uint64_t rig_read64(struct rig *r, uint64_t pa)
{
	uint64_t v = 0;
	bus_peek(r->bus, pa, &v, 8);
	return v;
}
uint32_t rig_read32(struct rig *r, uint64_t pa)
{
	uint32_t v = 0;
	bus_peek(r->bus, pa, &v, 4);
	return v;
}
uint16_t rig_read16(struct rig *r, uint64_t pa) { return (uint16_t)rig_read32(r, pa); }
uint8_t rig_read8(struct rig *r, uint64_t pa) { return (uint8_t)rig_read32(r, pa); }

uint64_t rig_descriptor(uint32_t base, uint32_t limit, uint8_t access, uint8_t flags)
{
	return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)access << 40 |
	       (uint64_t)((limit >> 16) & 15) << 48 | (uint64_t)flags << 52 | (uint64_t)(base >> 24) << 56;
}

void rig_gdt(struct rig *r, uint16_t selector, uint64_t raw) { rig_write(r, RIG_GDT + (selector & ~7u), &raw, 8); }

void rig_gate(struct rig *r, uint8_t vector, uint16_t selector, uint32_t offset, uint8_t access)
{
	uint64_t raw = (offset & 0xffff) | (uint64_t)selector << 16 | (uint64_t)access << 40 |
		       (uint64_t)(offset >> 16) << 48;

	rig_write(r, RIG_IDT + vector * 8u, &raw, 8);
}

void rig_gate64(struct rig *r, uint8_t vector, uint16_t selector, uint64_t offset, uint8_t access, unsigned ist)
{
	uint64_t low = (offset & 0xffff) | (uint64_t)selector << 16 | (uint64_t)ist << 32 | (uint64_t)access << 40 |
		       (offset >> 16 & 0xffff) << 48;

	rig_write64(r, RIG_IDT + vector * 16u, low);
	rig_write64(r, RIG_IDT + vector * 16u + 8, offset >> 32);
}

void rig_gdt_system64(struct rig *r, uint16_t selector, uint64_t base, uint32_t limit, uint8_t access)
{
	rig_gdt(r, selector, rig_descriptor((uint32_t)base, limit, access, 0));
	rig_gdt(r, (uint16_t)(selector + 8), base >> 32);
}

void rig_real(struct rig *r, uint16_t cs, uint16_t ip)
{
	struct arch_state *s = &r->cpu.s;

	cpu_reset(&r->cpu, false);
	s->seg[SEG_CS].sel = cs;
	s->seg[SEG_CS].base = (uint32_t)cs << 4;
	s->rip = ip;
	s->gpr.r64[RSP] = 0x7000;
	s->idtr = (struct table_register){0, 0x3ff};
	cpu_state_changed(&r->cpu);
}

static struct segment decoded(struct rig *r, uint16_t selector)
{
	struct descriptor d;
	uint64_t raw = 0;

	bus_peek(r->bus, RIG_GDT + (selector & ~7u), &raw, 8);
	desc_decode(&d, raw, selector);
	return d.seg;
}

void rig_protected(struct rig *r, unsigned cpl)
{
	struct arch_state *s = &r->cpu.s;

	cpu_reset(&r->cpu, false);
	rig_gdt(r, 0, 0);
	rig_gdt(r, RIG_CS0, rig_descriptor(0, 0xfffff, 0x9b, 0xc));
	rig_gdt(r, RIG_DS0, rig_descriptor(0, 0xfffff, 0x93, 0xc));
	rig_gdt(r, RIG_CS3, rig_descriptor(0, 0xfffff, 0xfb, 0xc));
	rig_gdt(r, RIG_DS3, rig_descriptor(0, 0xfffff, 0xf3, 0xc));
	rig_gdt(r, RIG_TR, rig_descriptor(RIG_TSS, 0x67, 0x8b, 0));
	rig_gdt(r, RIG_LDTR, rig_descriptor(RIG_LDT, 0x7ff, 0x82, 0));
	rig_write32(r, RIG_TSS + 4, RIG_STACK0);
	rig_write32(r, RIG_TSS + 8, RIG_DS0);
	rig_write16(r, RIG_TSS + 0x66, 0x68);
	for (unsigned v = 0; v < 256; v++) {
		rig_gate(r, (uint8_t)v, RIG_CS0, RIG_HANDLER(v), 0xee);
		rig_write8(r, RIG_HANDLER(v), 0xf4);
	}
	s->gdtr = (struct table_register){RIG_GDT, 0xfff};
	s->idtr = (struct table_register){RIG_IDT, 0x7ff};
	s->cr0 = CR0_PE | CR0_ET | CR0_NE;
	s->cpl = (uint8_t)cpl;
	s->seg[SEG_CS] = decoded(r, cpl ? RIG_CS3 : RIG_CS0);
	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		if (i != SEG_CS)
			s->seg[i] = decoded(r, cpl ? RIG_DS3 : RIG_DS0);
	s->seg[SEG_TR] = decoded(r, RIG_TR);
	s->seg[SEG_LDTR] = decoded(r, RIG_LDTR);
	s->rip = RIG_CODE;
	s->gpr.r64[RSP] = cpl ? RIG_STACK3 : RIG_STACK0;
	cpu_state_changed(&r->cpu);
}

void rig_paging(struct rig *r)
{
	for (unsigned i = 0; i < 1024; i++) {
		rig_write32(r, 0x81000 + i * 4, i << 12 | 7);
		rig_write32(r, 0x80000 + i * 4, i ? 0 : 0x81007);
	}
	r->cpu.s.cr3 = 0x80000;
	r->cpu.s.cr0 |= CR0_PG | CR0_WP;
	cpu_state_changed(&r->cpu);
}

static void long64_tables(struct rig *r)
{
	rig_gdt(r, RIG_CS0_64, rig_descriptor(0, 0xfffff, 0x9b, 0xa));
	rig_gdt(r, RIG_CS3_64, rig_descriptor(0, 0xfffff, 0xfb, 0xa));
	rig_gdt_system64(r, RIG_TR64, RIG_TSS, 0x67, 0x8b);
	rig_gdt_system64(r, RIG_LDTR64, RIG_LDT, 0x7ff, 0x82);
	for (unsigned v = 0; v < 256; v++)
		rig_gate64(r, (uint8_t)v, RIG_CS0_64, RIG_HANDLER(v), 0xee, 0);
	rig_write32(r, RIG_TSS, 0);
	rig_write64(r, RIG_TSS + 4, RIG_STACK0);
	for (unsigned n = 1; n <= 7; n++)
		rig_write64(r, RIG_TSS + 0x1c + n * 8, RIG_IST(n));
}

static void long64_pages(struct rig *r)
{
	for (unsigned i = 0; i < 512; i++) {
		rig_write64(r, RIG_PML4 + i * 8, RIG_PDPT | 7);
		rig_write64(r, RIG_PDPT + i * 8, RIG_PD | 7);
		rig_write64(r, RIG_PD + i * 8, i < 2 ? (RIG_PT + i * 0x1000) | 7 : (uint64_t)i << 21 | 0x87);
	}
	rig_write64(r, RIG_PD + 511 * 8, (RIG_PT + 0x1000) | 7);
	for (unsigned i = 0; i < 1024; i++)
		rig_write64(r, RIG_PT + i * 8, i << 12 | 7);
}

void rig_long64(struct rig *r, unsigned cpl)
{
	struct arch_state *s = &r->cpu.s;

	rig_protected(r, cpl);
	long64_tables(r);
	long64_pages(r);
	s->idtr = (struct table_register){RIG_IDT, 0xfff};
	s->cr3 = RIG_PML4;
	s->cr4 = CR4_PAE;
	s->efer = EFER_LME | EFER_LMA;
	s->cr0 |= CR0_PG | CR0_WP;
	s->seg[SEG_CS] = decoded(r, cpl ? RIG_CS3_64 : RIG_CS0_64);
	s->seg[SEG_TR] = decoded(r, RIG_TR64);
	s->seg[SEG_LDTR] = decoded(r, RIG_LDTR64);
	cpu_state_changed(&r->cpu);
}

void rig_interrupt(struct rig *r, uint8_t vector)
{
	r->pin.level = true;
	r->pin.vector = vector;
	cpu_set_intr(&r->cpu, true, clock_new_cause(&r->clock));
}

enum stop rig_run(struct rig *r, uint64_t ticks)
{
	enum stop stop = cpu_run(&r->cpu, r->cpu.icount + ticks);

	record_reasons(r);
	return stop;
}

const struct delivery_record *rig_last(struct rig *r, unsigned back) { return trace_recent(&r->trace, back); }
