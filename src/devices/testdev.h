/* A device for operating-system test suites, with the ports of QEMU's
 * pc-testdev (kvm-unit-tests, x86/README):
 *
 *  2000h+n  byte or wider, write: IRQ line n (0-23) goes to the level value != 0
 *  E0h-E3h  a 32-bit latch, any width at any of its bytes
 *  E4h-E7h  write: physical address of a page whose host mapping is dropped; without
 *           effect on what a guest sees
 *  FF000000h-FF00FFFFh  64 KiB of memory-mapped latches, any width
 *
 * The exit port F4h is a debug_exit (debugport.h) at iobase F4h, iosize 4.
 * Reads of the IRQ and page ports give 0.  Reset: lines low, latches 0. */
#ifndef TRAPGATE_DEVICES_TESTDEV_H
#define TRAPGATE_DEVICES_TESTDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bus.h"
#include "bus/clock.h"
#include "bus/line.h"

#define TESTDEV_IRQ_PORT 0x2000
#define TESTDEV_IRQS 24
#define TESTDEV_LATCH_PORT 0xe0
#define TESTDEV_FLUSH_PORT 0xe4
#define TESTDEV_EXIT_PORT 0xf4
#define TESTDEV_MMIO UINT64_C(0xff000000)
#define TESTDEV_MMIO_SIZE 0x10000u

struct testdev {
	uint32_t latch;
	uint8_t mmio[TESTDEV_MMIO_SIZE];
	struct clock *clock;
	struct irq_line irq[TESTDEV_IRQS];
};

bool testdev_init(struct testdev *dev, struct bus *bus, struct clock *clock);
void testdev_reset(struct testdev *dev);

#endif
