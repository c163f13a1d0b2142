/* The tables by which a board tells operating systems of its processors,
 * buses and interrupt wiring: floating pointer structure and configuration table.
 *
 * Source: Intel MultiProcessor Specification 1.4 (242016), "MP Configuration
 * Table".
 *
 * Processors have the local APIC ids 0, 1, 2 ...; 0 is the bootstrap
 * processor.  Interrupts start in virtual-wire mode (no IMCR).  ISA interrupts
 * go to the I/O APIC input of their number, IRQ0 to input 2; the interrupts that
 * PCI devices are routed to are listed for their devices instead. */
#ifndef TRAPGATE_DEVICES_MPTABLE_H
#define TRAPGATE_DEVICES_MPTABLE_H

#include <stddef.h>
#include <stdint.h>

#define MPTABLE_MAX_PROCESSORS 8u
#define MPTABLE_MAX_SIZE 2048u /* enough for any configuration */

struct mptable_config {
	unsigned processors;          /* 1-8 */
	uint32_t signature, features; /* CPUID leaf 1: EAX and EDX */
	uint8_t lapic_version;
	uint8_t ioapic_id, ioapic_version;
	uint32_t lapic_base, ioapic_base;
	uint32_t pci_devices;         /* bit d: device d of PCI bus 0 is there; 0: a board without PCI */
	uint8_t pirq[4];              /* the ISA interrupts PIRQA#-PIRQD# are routed to */
};

/* Writes the floating pointer and, right after it, the table, for memory
 * that will lie at address.  Where operating systems look for the pointer: the first KiB of
 * the extended BIOS data area, the last of base memory, F0000h-FFFFFh.
 * Returns the bytes written; 0: not enough room, address not a multiple of
 * 16, or no such number of processors. */
size_t mptable_build(uint8_t *memory, size_t size, uint32_t address, const struct mptable_config *config);

#endif
