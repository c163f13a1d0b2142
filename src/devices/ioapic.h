/* I/O APIC: 24 inputs, each with a redirection entry, at FEC00000h.
 *
 * Sources: Intel 82093AA datasheet (290566), "IOAPIC Registers"; the EOI
 * register at offset 40h (version 20h): Intel ICH datasheets, "EOI Register".
 *
 *  00h IOREGSEL, 10h IOWIN (32 bits wide), 40h EOI (write only, version 20h)
 *
 * An edge at a masked input is lost ("ignored"); remote IRR is cleared by an
 * EOI of its vector, and by making the entry edge triggered. */
#ifndef TRAPGATE_DEVICES_IOAPIC_H
#define TRAPGATE_DEVICES_IOAPIC_H

#include "devices/lapic.h"

#define IOAPIC_BASE UINT64_C(0xfec00000)
#define IOAPIC_PINS 24
#define IOAPIC_VERSION_82093AA 0x11u
#define IOAPIC_VERSION_EOI 0x20u

#define IOAPIC_RTE_LOGICAL 0x800u
#define IOAPIC_RTE_STATUS 0x1000u
#define IOAPIC_RTE_LOW 0x2000u
#define IOAPIC_RTE_REMOTE_IRR 0x4000u
#define IOAPIC_RTE_LEVEL 0x8000u
#define IOAPIC_RTE_MASKED 0x10000u

struct ioapic {
	struct apic_bus *apics;
	struct bus *bus;
	uint8_t version, select;
	uint32_t id, arbitration;
	uint64_t entry[IOAPIC_PINS];
	uint64_t cause[IOAPIC_PINS];
	uint64_t sent[IOAPIC_PINS]; /* cause of what remote IRR stands for */
	bool pin[IOAPIC_PINS];
	uint8_t index;              /* of several */
	/* What the tracer was told last of each level-triggered request that waits: enum hold. */
	bool asked[IOAPIC_PINS];
	uint8_t told[IOAPIC_PINS];
	char why[96];
};

/* version: IOAPIC_VERSION_*.  False: out of memory or too many IOAPICs. */
bool ioapic_init(struct ioapic *io, struct bus *bus, struct apic_bus *apics, uint64_t base, uint8_t version);
void ioapic_reset(struct ioapic *io);
/* A line_connect() sink; input is the pin. */
void ioapic_input(void *io, int input, bool level, uint64_t cause);
/* Why does a request at the pin go no further?  For people. */
const char *ioapic_why_quiet(struct ioapic *io, unsigned pin);

#endif
