/* A bare bench for devices: a bus, a clock and a place for lines to end. */
#ifndef TRAPGATE_TESTS_DEVICES_BED_H
#define TRAPGATE_TESTS_DEVICES_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bus/bus.h"
#include "bus/clock.h"
#include "bus/line.h"

struct bed {
	struct bus *bus;
	struct clock clock;
	unsigned gaps;
	char gap[256];
};

/* What came out of a line. */
struct probe {
	struct bed *bed;
	unsigned rises, falls;
	bool level;
	uint64_t cause, last_rise, last_fall; /* times */
};

static inline void bed_gap(void *owner, const char *text)
{
	struct bed *bed = owner;

	bed->gaps++;
	strncpy(bed->gap, text, sizeof(bed->gap) - 1);
}

static inline void bed_open(struct bed *bed)
{
	memset(bed, 0, sizeof(*bed));
	bed->bus = bus_new();
	assert_non_null(bed->bus);
	bus_set_gap_sink(bed->bus, bed_gap, bed);
	clock_init(&bed->clock);
}

static inline void bed_close(struct bed *bed)
{
	bus_free(bed->bus);
}

static inline void out8(struct bed *bed, unsigned port, unsigned value)
{
	bus_port_write(bed->bus, (uint16_t)port, 1, value);
}

static inline uint8_t in8(struct bed *bed, unsigned port)
{
	return (uint8_t)bus_port_read(bed->bus, (uint16_t)port, 1);
}

/* Advances from deadline to deadline, as the run loop does. */
static inline void run_to(struct bed *bed, uint64_t when)
{
	while (clock_deadline(&bed->clock) <= when)
		clock_advance(&bed->clock, clock_deadline(&bed->clock));
	clock_advance(&bed->clock, when);
}

static inline void run_for(struct bed *bed, uint64_t ticks)
{
	run_to(bed, bed->clock.now + ticks);
}

static inline void probe_changed(void *sink, int input, bool level, uint64_t cause)
{
	struct probe *probe = sink;

	(void)input;
	if (level == probe->level)
		return;
	probe->level = level;
	if (level) {
		probe->rises++;
		probe->cause = cause;
		probe->last_rise = probe->bed->clock.now;
	} else {
		probe->falls++;
		probe->last_fall = probe->bed->clock.now;
	}
}

static inline void probe_line(struct probe *probe, struct bed *bed, struct irq_line *line)
{
	memset(probe, 0, sizeof(*probe));
	probe->bed = bed;
	probe->level = line->level;
	line_connect(line, probe_changed, probe, 0);
}

/* Rows of a register table: what a register reads after reset, and which
 * bits keep what is written to them. */
struct register_row {
	const char *name;
	unsigned port;
	uint8_t reset;    /* value after reset */
	uint8_t writable; /* bits that read back as written */
	uint8_t fixed;    /* value of the others */
};

static inline void check_register(struct bed *bed, const struct register_row *row)
{
	static const uint8_t pattern[] = {0x00, 0xff, 0x55, 0xaa};

	if (in8(bed, row->port) != row->reset)
		fail_msg("%s resets to %02x, not %02x", row->name, in8(bed, row->port), row->reset);
	for (unsigned i = 0; i < sizeof(pattern); i++) {
		uint8_t want = (uint8_t)((pattern[i] & row->writable) | (row->fixed & ~row->writable)), got;

		out8(bed, row->port, pattern[i]);
		got = in8(bed, row->port);
		if (got != want)
			fail_msg("%s: wrote %02x, read %02x, not %02x", row->name, pattern[i], got, want);
	}
}

#endif
