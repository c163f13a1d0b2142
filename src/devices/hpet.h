/* High precision event timer at FED00000h: a 64-bit counter of 100 MHz and
 * three comparators.
 *
 * Source: Intel IA-PC HPET Specification 1.0a, "Register Definitions",
 * "Timer operation".
 *
 * Each comparator drives one of 24 interrupt inputs (its route), or in
 * legacy-replacement mode IRQ0 (timer 0) and IRQ8 (timer 1).
 * What the specification leaves open, and what stands here:
 *  - an edge-triggered interrupt falls and rises again with each match and stays
 *    high in between;
 *  - periodic matches closer than 1 us are one;
 *  - message (FSB) delivery is not offered;
 *  - a comparator that equals the counter when it is armed matches one turn later. */
#ifndef TRAPGATE_DEVICES_HPET_H
#define TRAPGATE_DEVICES_HPET_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bus.h"
#include "bus/clock.h"
#include "bus/line.h"

#define HPET_BASE UINT64_C(0xfed00000)
#define HPET_TIMERS 3u
#define HPET_HZ UINT64_C(100000000)
#define HPET_PERIOD_FS 10000000u
#define HPET_ROUTES 0x00f00004u /* inputs 2, 20-23 */

/* GCAP_ID: legacy capable, 64-bit counter, 3 timers, revision 1, period. */
#define HPET_CAPABILITIES ((uint64_t)HPET_PERIOD_FS << 32 | 0x8086a201u)
#define HPET_ENABLE 0x1u
#define HPET_LEGACY 0x2u
#define HPET_T_LEVEL 0x02u
#define HPET_T_ENABLE 0x04u
#define HPET_T_PERIODIC 0x08u
#define HPET_T_PERIODIC_CAP 0x10u
#define HPET_T_64BIT_CAP 0x20u
#define HPET_T_SET 0x40u
#define HPET_T_32BIT 0x100u

struct hpet;

struct hpet_timer {
	uint64_t config;     /* the writable bits */
	uint64_t comparator, period;
	bool high;           /* what it does to its wire */
	struct timer timer;
	struct hpet *hpet;
};

struct hpet {
	uint64_t config;     /* HPET_ENABLE, HPET_LEGACY */
	uint64_t status;     /* level-triggered interrupts that are asserted */
	uint64_t counter;    /* at the clock pulse `since` */
	uint64_t since;
	struct hpet_timer timer[HPET_TIMERS];
	struct bus *bus;
	struct clock *clock;
	struct irq_line route[24];
	struct irq_line irq0, irq8; /* legacy replacement */
	struct irq_line legacy;     /* high: the PIT's IRQ0 and the RTC's IRQ8 are cut off */
};

bool hpet_init(struct hpet *hpet, struct bus *bus, struct clock *clock);
void hpet_reset(struct hpet *hpet);

#endif
