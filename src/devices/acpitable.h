/* The ACPI tables of the PCI board: RSDP, RSDT, XSDT, FADT, FACS, DSDT, MADT and
 * HPET.
 *
 * Sources: ACPI Specification 2.0, "ACPI Software Programming Model" and "ACPI
 * Machine Language Specification"; Intel IA-PC HPET Specification 1.0a, "The
 * ACPI 2.0 HPET Description Table".
 *
 * What they say of the board: power management registers as piix3.h has them
 * (soft-off is SLP_TYP 0), reset by port CF9h, ISA interrupts at the I/O APIC
 * input of their number and IRQ0 at input 2, PCI interrupts level triggered and active
 * high at the ISA interrupts that firmware has routed them to.  Processors have APIC
 * ids and ACPI ids 0, 1, 2 ... */
#ifndef TRAPGATE_DEVICES_ACPITABLE_H
#define TRAPGATE_DEVICES_ACPITABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACPI_MAX_PROCESSORS 8u
#define ACPI_MAX_SIZE 8192u   /* enough for any configuration */
#define ACPI_RSDP_SIZE 36u
#define ACPI_MAX_POINTERS 16u
#define ACPI_MAX_TABLES 7u

struct acpi_config {
	unsigned processors;       /* 1-8 */
	uint32_t lapic_base, ioapic_base;
	uint8_t ioapic_id;
	uint16_t pm_base;          /* of the PM1 registers */
	uint8_t sci;               /* ISA interrupt */
	uint8_t pirq[4];           /* the ISA interrupts PIRQA#-PIRQD# are routed to */
	uint32_t pci_memory;       /* first address of the PCI hole, which ends at FEC00000h */
	uint64_t hpet_base;        /* 0: no HPET */
	uint32_t hpet_id;          /* low half of its capabilities */
	uint16_t hpet_min_tick;    /* shortest period, in its clocks */
};

/* What was built: offsets from the start of the memory. */
struct acpi_tables {
	uint32_t address;          /* of the memory */
	uint32_t size;
	uint32_t facs, dsdt, fadt, madt, hpet, rsdt, xsdt; /* hpet 0: none */
	struct {
		uint32_t offset;   /* of an address inside these tables ... */
		uint8_t bytes;     /* ... 4 or 8 wide */
	} pointer[ACPI_MAX_POINTERS];
	unsigned pointers;
	struct {
		uint32_t offset, size;
	} table[ACPI_MAX_TABLES];  /* those with a checksum */
	unsigned table_count;
};

/* Writes all tables but the RSDP, for memory that will lie at address (below 4 GiB,
 * a multiple of 64).  False: not enough room, or a configuration that cannot be. */
bool acpi_build(uint8_t *memory, size_t size, uint32_t address, const struct acpi_config *config,
		struct acpi_tables *tables);
/* The RSDP; it belongs on a multiple of 16 in E0000h-FFFFFh or the extended BIOS data area. */
void acpi_rsdp(uint8_t rsdp[ACPI_RSDP_SIZE], const struct acpi_tables *tables);

/* For firmware that places the tables itself: a script of commands (QEMU
 * documentation, "ACPI table loader": fw_cfg file "etc/table-loader") that loads the fw_cfg files
 * "etc/acpi/tables" (built for address 0) and "etc/acpi/rsdp" and fixes
 * addresses and checksums.  Returns its size; 0: not enough room, or tables not built for address 0. */
#define ACPI_LOADER_ENTRY 128u
#define ACPI_LOADER_MAX_SIZE ((2 + ACPI_MAX_POINTERS + 2 + ACPI_MAX_TABLES + 2) * ACPI_LOADER_ENTRY)
size_t acpi_loader(uint8_t *script, size_t size, const struct acpi_tables *tables);

/* The body of the DSDT (AML).  Returns its size, 0: not enough room.  Used by acpitable.c alone. */
size_t acpi_dsdt_body(uint8_t *memory, size_t size, const struct acpi_config *config);

#endif
