/* MC146818A real-time clock with 128 bytes of CMOS RAM at ports 70h-71h, 128
 * more at 72h-73h, and the NMI mask in bit 7 of port 70h.
 *
 * Sources: Motorola MC146818A datasheet ("Time, calendar and alarm
 * locations", "Registers", "Update cycle"); Intel 82371SB (PIIX3) datasheet
 * (290550), "NMI Enable and Real-Time Clock Address Register".
 *
 * Time is virtual: it starts at the given seed and runs on the 32.768 kHz
 * divider chain.  A second ends at the end of an update cycle; UIP is 1 for the
 * 244 + 1984 us before.  Between two looks there is no work but where an
 * enabled interrupt needs a look.
 *
 * What the datasheets leave open, and what stands here:
 *  - reads during the update cycle give the old second;
 *  - values out of range are taken modulo their range at the next update;
 *  - the century byte 32h counts too, as in PC clocks after the MC146818A;
 *  - port 70h reads FFh (write only). */
#ifndef TRAPGATE_DEVICES_RTC_H
#define TRAPGATE_DEVICES_RTC_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bus.h"
#include "bus/clock.h"
#include "bus/line.h"

#define RTC_PORT 0x70
#define RTC_HZ 32768u
#define RTC_NMI_OFF 0x80u

enum rtc_register {
	RTC_SECONDS, RTC_SECONDS_ALARM, RTC_MINUTES, RTC_MINUTES_ALARM, RTC_HOURS, RTC_HOURS_ALARM,
	RTC_WEEKDAY, RTC_DAY, RTC_MONTH, RTC_YEAR, RTC_A, RTC_B, RTC_C, RTC_D,
	RTC_CENTURY = 0x32,
};

#define RTC_A_UIP 0x80u
#define RTC_A_DV 0x70u
#define RTC_A_DV_32KHZ 0x20u
#define RTC_A_RS 0x0fu
#define RTC_B_SET 0x80u
#define RTC_B_PIE 0x40u
#define RTC_B_AIE 0x20u
#define RTC_B_UIE 0x10u
#define RTC_B_SQWE 0x08u
#define RTC_B_DM 0x04u  /* 1: binary, 0: BCD */
#define RTC_B_24H 0x02u
#define RTC_B_DSE 0x01u
#define RTC_C_IRQF 0x80u
#define RTC_C_PF 0x40u
#define RTC_C_AF 0x20u
#define RTC_C_UF 0x10u
#define RTC_D_VRT 0x80u

struct rtc {
	uint8_t ram[256];    /* 0-127 and the extended bank */
	uint8_t index, extended_index;
	uint8_t flags;       /* register C without IRQF */
	bool stopped;        /* divider chain held in reset */
	uint64_t offset;     /* divider position = clocks of 32.768 kHz + offset, modulo 2^64 */
	uint64_t seen;       /* position up to which time and flags are right */
	struct bus *bus;
	struct clock *clock;
	struct timer update, periodic;
	struct irq_line irq;     /* IRQ8, high when asserted */
	struct irq_line nmi_off; /* bit 7 of port 70h */
};

/* seed: the time at the start of the run, in seconds since 1970-01-01 UTC. */
bool rtc_init(struct rtc *rtc, struct bus *bus, struct clock *clock, uint64_t seed);
/* RESET#: interrupts and their flags off; time and RAM stay (battery). */
void rtc_reset(struct rtc *rtc);

/* RAM bytes as a board's maker or its setup program leaves them: no side effects. */
void rtc_poke(struct rtc *rtc, unsigned index, uint8_t value);
uint8_t rtc_peek(const struct rtc *rtc, unsigned index);
/* The bytes that tell the memory size: 15h-18h, 30h-31h, 34h-35h, 5Bh-5Dh.
 * low: bytes of RAM below 4 GiB; high: above. */
void rtc_set_memory(struct rtc *rtc, uint64_t low, uint64_t high);

#endif
