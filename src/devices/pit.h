/* 8254 programmable interval timer at ports 40h-43h: three counters on a
 * 1.193182 MHz clock.
 *
 * Source: Intel 8254 datasheet (231164), "Mode definitions", "Operation common
 * to all modes", "Read-back command".
 *
 * CLK pulse n is the end of period n of the input clock, counted from the
 * start of the run.  A counter is brought up to date when something looks at
 * it; between two looks there is no work, whatever the time between them.
 *
 * What the datasheet leaves open, and what stands here:
 *  - power-on: counters hold, in mode 0, OUT low, no count written;
 *  - a count of 1, illegal in modes 2 and 3, keeps OUT high;
 *  - BCD counts with digits above 9 weigh as digit * 10^n. */
#ifndef TRAPGATE_DEVICES_PIT_H
#define TRAPGATE_DEVICES_PIT_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bus.h"
#include "bus/clock.h"
#include "bus/line.h"

#define PIT_PORT 0x40
#define PIT_HZ UINT64_C(1193182)

/* Control word. */
#define PIT_BCD 0x01u
#define PIT_MODE(n) ((uint8_t)((n) << 1))
#define PIT_RW_LATCH 0x00u
#define PIT_RW_LSB 0x10u
#define PIT_RW_MSB 0x20u
#define PIT_RW_BOTH 0x30u
#define PIT_SELECT(n) ((uint8_t)((n) << 6))
/* Read-back command. */
#define PIT_READ_BACK 0xc0u
#define PIT_NO_COUNT 0x20u
#define PIT_NO_STATUS 0x10u
#define PIT_COUNTER(n) ((uint8_t)(2u << (n)))
/* Status byte; bits 5-0 are the control word's. */
#define PIT_STATUS_OUT 0x80u
#define PIT_STATUS_NULL 0x40u

struct pit;

struct pit_counter {
	uint8_t control;    /* RW, mode, BCD as written */
	uint16_t cr;        /* count register */
	uint32_t ce;        /* counting element, as a number up to 65536 */
	uint64_t cycle;     /* CLK pulses that ce has seen */
	bool written;       /* a count, since the control word */
	bool started;       /* ce was loaded since the control word */
	bool load;          /* the next CLK pulse moves cr to ce */
	bool done;          /* modes 0, 1, 4, 5: terminal count passed */
	bool strobe;        /* modes 4, 5: OUT is low for this one pulse */
	bool inhibit;       /* mode 0: between the bytes of a new count */
	bool odd;           /* mode 3: the count being run is odd */
	bool gate, out, null_count;
	bool write_msb, read_msb; /* which byte is next, RW = both */
	uint8_t lsb;        /* first byte of a count being written */
	bool latched, status_latched;
	uint16_t latch;
	uint8_t status;
	struct irq_line line; /* OUT */
	struct timer timer;   /* next change of OUT; armed if OUT is connected */
	struct pit *pit;
};

struct pit {
	struct pit_counter counter[3];
	struct clock *clock;
};

/* Adds the ports.  GATE0 and GATE1 are tied high; GATE2 starts low (port 61h
 * drives it).  False: out of memory. */
bool pit_init(struct pit *pit, struct bus *bus, struct clock *clock);
/* The power-on state; gates stay. */
void pit_reset(struct pit *pit);

/* OUTn as a wire.  Connect it before the guest runs. */
struct irq_line *pit_line(struct pit *pit, unsigned n);
/* OUTn now. */
bool pit_out(struct pit *pit, unsigned n);
void pit_set_gate(struct pit *pit, unsigned n, bool level);

#endif
