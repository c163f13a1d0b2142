/* Port 92h, system control port A: fast A20 and fast reset; and the A20 wire
 * itself, which is high if either this port or the keyboard controller says so.
 *
 * Source: Intel 82371SB (PIIX3) datasheet (290550), "Port 92 Register".
 *
 *  bits 7-2  reserved: written bits are not kept, read 0
 *  bit 1 RW  FAST_A20
 *  bit 0 RW  FAST_INIT: 0 to 1 pulses INIT
 * Reset value: 0. */
#ifndef TRAPGATE_DEVICES_PORT92_H
#define TRAPGATE_DEVICES_PORT92_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bus.h"
#include "bus/clock.h"
#include "bus/line.h"

#define PORT92 0x92
#define PORT92_INIT 0x01u
#define PORT92_A20 0x02u

struct port92 {
	uint8_t value;
	bool kbc_a20;         /* the keyboard controller's side of the OR */
	struct clock *clock;
	struct irq_line a20;  /* 1: address line 20 is let through */
	struct irq_line init; /* pulses */
};

bool port92_init(struct port92 *port, struct bus *bus, struct clock *clock);
void port92_reset(struct port92 *port);
/* A line_connect() sink for the keyboard controller's A20 output. */
void port92_kbc_a20(void *port, int input, bool level, uint64_t cause);

#endif
