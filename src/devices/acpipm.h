/* ACPI fixed hardware: PM1 event and control registers and the PM timer, 12
 * ports from a base, and the SCI.
 *
 * Source: ACPI Specification 2.0, "ACPI Fixed Hardware": "PM1 Event
 * Grouping", "PM1 Control Grouping", "Power Management Timer".
 *
 *  base+0 PM1_STS (write 1 to clear)   base+2 PM1_EN
 *  base+4 PM1_CNT                      base+8 PM_TMR, 24 bits of 3.579545 MHz
 *
 * TMR_STS is set when bit 23 of the timer changes.  SLP_EN reads 0; written
 * as 1 it tells the board SLP_TYP. */
#ifndef TRAPGATE_DEVICES_ACPIPM_H
#define TRAPGATE_DEVICES_ACPIPM_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bus.h"
#include "bus/clock.h"
#include "bus/line.h"

#define ACPIPM_HZ UINT64_C(3579545)
#define ACPIPM_STS_TMR 0x0001u
#define ACPIPM_STS_GBL 0x0020u
#define ACPIPM_STS_PWRBTN 0x0100u
#define ACPIPM_STS_RTC 0x0400u
#define ACPIPM_STS_WAK 0x8000u
#define ACPIPM_CNT_SCI_EN 0x0001u
#define ACPIPM_CNT_SLP_EN 0x2000u

struct acpipm {
	uint16_t base;
	uint16_t status, enable, control;
	uint64_t seen;       /* timer pulses that status knows of */
	void (*sleep)(void *owner, unsigned type);
	void *owner;
	struct clock *clock;
	struct timer timer;
	struct irq_line sci; /* level, active high */
};

bool acpipm_init(struct acpipm *pm, struct bus *bus, struct clock *clock, uint16_t base,
		 void (*sleep)(void *owner, unsigned type), void *owner);
void acpipm_reset(struct acpipm *pm);
/* The ports answer at base, or (decode false) nowhere.  False: out of memory. */
bool acpipm_move(struct acpipm *pm, struct bus *bus, uint16_t base, bool decode);
/* SMI command ACPI_ENABLE / ACPI_DISABLE as firmware does it: SCI_EN. */
void acpipm_set_sci_enable(struct acpipm *pm, bool on);
/* The power button was pressed. */
void acpipm_power_button(struct acpipm *pm);

#endif
