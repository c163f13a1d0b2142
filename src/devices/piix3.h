/* The PCI-ISA bridge: routing of PIRQA#-PIRQD# to ISA interrupts, the reset
 * control register CF9h, the APM ports B2h and B3h; and the power management
 * function that PCs of this kind have beside it.
 *
 * Sources: Intel 82371SB (PIIX3) datasheet (290550), "PCI to ISA bridge
 * configuration registers", "Advanced Power Management registers", "Reset
 * control register"; Intel 82371AB (PIIX4) datasheet (290562), "Power
 * management PCI configuration registers", "Power management I/O registers".
 *
 * System management interrupts are not wired: the processors have no SMM.
 * DEVACTB bit 25 (SMI on APM writes) is set after reset, as on other machines without SMM,
 * which tells firmware that its handler is in place; the APM port does what that handler would:
 * F1h gives the power management registers to ACPI (SCI_EN), F0h takes them back. */
#ifndef TRAPGATE_DEVICES_PIIX3_H
#define TRAPGATE_DEVICES_PIIX3_H

#include "devices/acpipm.h"
#include "devices/pci.h"

#define PIIX3_PIRQ 0x60
#define PIIX3_PIRQ_OFF 0x80u
#define PIIX3_RESET_PORT 0xcf9
#define PIIX3_RESET_HARD 0x02u
#define PIIX3_RESET_CPU 0x04u
#define PIIX3_APM_PORT 0xb2
#define PIIX3_ACPI_ON 0xf1
#define PIIX3_ACPI_OFF 0xf0

#define PIIX4PM_PMBA 0x40
#define PIIX4PM_DEVACTB 0x58
#define PIIX4PM_APMC_EN UINT32_C(0x02000000)
#define PIIX4PM_MISC 0x80
#define PIIX4PM_IO_ENABLE 0x01u
#define PIIX4PM_PORTS 64u
#define PIIX4PM_SCI 9 /* the ISA interrupt the SCI is wired to */

struct piix3 {
	struct pci_function pci;
	struct irq_line irq[16]; /* ISA interrupts as the routed PIRQs drive them */
	bool pirq[4];
	uint64_t pirq_cause[4];
	uint8_t reset_control, apm_control, apm_status;
	/* RCPU went from 0 to 1.  hard: everything is reset, else the processor. */
	void (*reset)(void *owner, bool hard);
	void *owner;
	void (*apm)(void *owner, uint8_t command);
	void *apm_owner;
};

/* Device 1, function 0; takes the bus's PIRQ lines.  False: out of memory. */
bool piix3_init(struct piix3 *bridge, struct pci *pci, void (*reset)(void *owner, bool hard), void *owner);

struct piix4pm {
	struct pci_function pci;
	struct acpipm acpi;          /* the first 12 ports, PM timer and SCI */
	uint8_t io[PIIX4PM_PORTS];   /* the other I/O registers: they hold what is written */
	bool decoded;
	uint16_t base;
};

/* Device 1, function 3.  sleep: SLP_EN was written with that SLP_TYP; 0 is soft-off.  False: out of memory. */
bool piix4pm_init(struct piix4pm *pm, struct pci *pci, struct piix3 *bridge,
		  void (*sleep)(void *owner, unsigned type), void *owner);

#endif
