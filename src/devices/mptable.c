#include "devices/mptable.h"

#include <stdbool.h>
#include <string.h>

#include "devices/tablebytes.h"

#define POINTER_SIZE 16u
#define HEADER_SIZE 44u
#define PROCESSOR_SIZE 20u
#define ENTRY_SIZE 8u /* of every other kind */

enum entry { ENTRY_PROCESSOR, ENTRY_BUS, ENTRY_IOAPIC, ENTRY_INTERRUPT, ENTRY_LOCAL_INTERRUPT };
enum interrupt { INTERRUPT_VECTORED, INTERRUPT_NMI, INTERRUPT_SMI, INTERRUPT_EXTINT };

#define CPU_ENABLED 0x1u
#define CPU_BOOTSTRAP 0x2u
#define FLAGS_BUS 0x0u        /* polarity and trigger mode conform to the bus */
#define FLAGS_HIGH_LEVEL 0xdu /* active high, level triggered */
#define ALL_LAPICS 0xff

struct table {
	uint8_t *at;
	size_t size, used;
	unsigned entries;
	uint8_t isa; /* bus id; PCI is bus 0 where there is one */
	bool full;
};

/* Room for size bytes, zeroed; NULL: none. */
static uint8_t *room(struct table *t, size_t size)
{
	uint8_t *at = t->at + t->used;

	if (t->full || t->size - t->used < size) {
		t->full = true;
		return NULL;
	}
	memset(at, 0, size);
	t->used += size;
	return at;
}

static void add_processors(struct table *t, const struct mptable_config *c)
{
	for (unsigned i = 0; i < c->processors; i++) {
		uint8_t *e = room(t, PROCESSOR_SIZE);

		if (!e)
			return;
		e[0] = ENTRY_PROCESSOR;
		e[1] = (uint8_t)i;
		e[2] = c->lapic_version;
		e[3] = CPU_ENABLED | (i ? 0 : CPU_BOOTSTRAP);
		put_le(e + 4, c->signature, 4);
		put_le(e + 8, c->features, 4);
		t->entries++;
	}
}

static void add_bus(struct table *t, uint8_t id, const char *type)
{
	uint8_t *e = room(t, ENTRY_SIZE);

	if (!e)
		return;
	e[0] = ENTRY_BUS;
	e[1] = id;
	memcpy(e + 2, type, 6);
	t->entries++;
}

static void add_ioapic(struct table *t, const struct mptable_config *c)
{
	uint8_t *e = room(t, ENTRY_SIZE);

	if (!e)
		return;
	e[0] = ENTRY_IOAPIC;
	e[1] = c->ioapic_id;
	e[2] = c->ioapic_version;
	e[3] = 1; /* usable */
	put_le(e + 4, c->ioapic_base, 4);
	t->entries++;
}

/* From source of a bus to an input of an APIC. */
struct wire {
	enum entry entry;
	enum interrupt type;
	unsigned flags;
	uint8_t bus, source, apic, input;
};

static void add_interrupt(struct table *t, const struct wire *w)
{
	uint8_t *e = room(t, ENTRY_SIZE);

	if (!e)
		return;
	e[0] = (uint8_t)w->entry;
	e[1] = (uint8_t)w->type;
	put_le(e + 2, w->flags, 2);
	e[4] = w->bus;
	e[5] = w->source;
	e[6] = w->apic;
	e[7] = w->input;
	t->entries++;
}

/* Pin n of device d: PIRQ (d - 1 + n) modulo 4, n from 0 on. */
static void add_pci_interrupts(struct table *t, const struct mptable_config *c)
{
	for (unsigned i = 0; i < 32 * 4; i++) {
		unsigned device = i / 4, pin = i % 4;

		if (c->pci_devices >> device & 1)
			add_interrupt(t, &(struct wire){ENTRY_INTERRUPT, INTERRUPT_VECTORED, FLAGS_HIGH_LEVEL, 0,
							(uint8_t)(device << 2 | pin), c->ioapic_id,
							c->pirq[(device + pin + 3) & 3]});
	}
}

static bool taken_by_pci(const struct mptable_config *c, unsigned irq)
{
	return c->pci_devices && memchr(c->pirq, (int)irq, sizeof(c->pirq));
}

/* IRQ2 is the cascade. */
static void add_isa_interrupts(struct table *t, const struct mptable_config *c)
{
	for (unsigned irq = 0; irq < 16; irq++) {
		if (irq != 2 && !taken_by_pci(c, irq))
			add_interrupt(t, &(struct wire){ENTRY_INTERRUPT, INTERRUPT_VECTORED, FLAGS_BUS, t->isa,
							(uint8_t)irq, c->ioapic_id, (uint8_t)(irq ? irq : 2)});
	}
}

static void finish_header(struct table *t, uint8_t *header, const struct mptable_config *c)
{
	size_t length = t->used - POINTER_SIZE;

	memcpy(header, "PCMP", 4);
	put_le(header + 4, length, 2);
	header[6] = 4; /* version 1.4 */
	memcpy(header + 8, "TRAPGATEBOARD       ", 20);
	put_le(header + 34, t->entries, 2);
	put_le(header + 36, c->lapic_base, 4);
	put_checksum(header, length, header + 7);
}

static void finish_pointer(uint8_t *pointer, uint32_t address)
{
	memcpy(pointer, "_MP_", 4);
	put_le(pointer + 4, address + POINTER_SIZE, 4);
	pointer[8] = POINTER_SIZE / 16;
	pointer[9] = 4; /* version 1.4 */
	put_checksum(pointer, POINTER_SIZE, pointer + 10);
}

size_t mptable_build(uint8_t *memory, size_t size, uint32_t address, const struct mptable_config *c)
{
	struct table t = {.at = memory, .size = size, .isa = c->pci_devices ? 1 : 0};
	uint8_t *pointer = room(&t, POINTER_SIZE), *header = room(&t, HEADER_SIZE);

	if (address % 16 || c->processors == 0 || c->processors > MPTABLE_MAX_PROCESSORS)
		return 0;
	add_processors(&t, c);
	if (c->pci_devices)
		add_bus(&t, 0, "PCI   ");
	add_bus(&t, t.isa, "ISA   ");
	add_ioapic(&t, c);
	add_isa_interrupts(&t, c);
	add_pci_interrupts(&t, c);
	add_interrupt(&t, &(struct wire){ENTRY_LOCAL_INTERRUPT, INTERRUPT_EXTINT, FLAGS_BUS, t.isa, 0, 0, 0});
	add_interrupt(&t, &(struct wire){ENTRY_LOCAL_INTERRUPT, INTERRUPT_NMI, FLAGS_BUS, t.isa, 0, ALL_LAPICS, 1});
	if (t.full)
		return 0;
	finish_header(&t, header, c);
	finish_pointer(pointer, address);
	return t.used;
}
