#include "devices/ioapic.h"

#include <stdio.h>
#include <string.h>

#define LOW_WRITABLE UINT64_C(0x1afff)

enum io_register { IO_ID, IO_VERSION, IO_ARBITRATION, IO_ENTRIES = 0x10 };

static bool active(const struct ioapic *io, unsigned pin)
{
	return io->pin[pin] != ((io->entry[pin] & IOAPIC_RTE_LOW) != 0);
}

/* SMI, NMI, INIT and ExtINT are edges, whatever the trigger mode says. */
static bool by_level(uint64_t entry)
{
	return (entry & IOAPIC_RTE_LEVEL) && (entry >> 8 & 7) <= APIC_LOWEST;
}

/* ---- for the tracer ---- */
static void tell(const struct ioapic *io, enum stage_what what, unsigned pin, uint64_t cause, enum hold why, int by)
{
	bool sent = what == STAGE_PASSED || what == STAGE_EOI;

	if (LIKELY(!clock_traced(io->apics->clock)))
		return;
	clock_tell(io->apics->clock, (struct stage_record){
					     .cause = cause,
					     .unit = "IOAPIC",
					     .instance = io->index ? io->index : STAGE_NO_NUMBER,
					     .input = "pin ",
					     .pin = (int16_t)pin,
					     .vector = sent ? (int16_t)(io->entry[pin] & 0xff) : STAGE_NO_NUMBER,
					     .what = (uint8_t)what,
					     .why = (uint8_t)why,
					     .by = by,
				     });
}

static void tell_request(struct ioapic *io, unsigned pin)
{
	tell(io, STAGE_REQUESTED, pin, io->cause[pin], HOLD_NONE, STAGE_NO_NUMBER);
	io->asked[pin] = clock_traced(io->apics->clock);
	io->told[pin] = HOLD_NONE;
}

/* A level-triggered request that cannot go on now: told once for each reason. */
static void tell_held(struct ioapic *io, unsigned pin, enum hold why, int by)
{
	if (io->told[pin] == why)
		return;
	tell(io, STAGE_HELD, pin, io->cause[pin], why, by);
	io->told[pin] = clock_traced(io->apics->clock) ? (uint8_t)why : HOLD_NONE;
}

static void send(struct ioapic *io, unsigned pin)
{
	uint64_t e = io->entry[pin];
	struct apic_message m = {
		.destination = (uint32_t)(e >> 56),
		.logical = e & IOAPIC_RTE_LOGICAL,
		.delivery = e >> 8 & 7,
		.vector = (uint8_t)e,
		.cause = io->cause[pin],
	};

	m.level = by_level(e);
	/* Set first: an acknowledge and EOI may come from inside the delivery. */
	if (m.level)
		io->entry[pin] |= IOAPIC_RTE_REMOTE_IRR;
	io->sent[pin] = m.cause;
	tell(io, STAGE_PASSED, pin, m.cause, HOLD_NONE, STAGE_NO_NUMBER);
	if (apic_send(io->apics, &m)) {
		io->asked[pin] = false;
	} else if (m.level) {
		io->entry[pin] &= ~(uint64_t)IOAPIC_RTE_REMOTE_IRR;
		tell_held(io, pin, HOLD_NO_DESTINATION, (int)m.destination);
	} else {
		tell(io, STAGE_LOST, pin, m.cause, HOLD_NO_DESTINATION, (int)m.destination);
	}
}

/* Level-triggered inputs ask until a local APIC has taken the request. */
static void ask_level(struct ioapic *io, unsigned pin)
{
	uint64_t e = io->entry[pin];

	if (!by_level(e) || !active(io, pin))
		return;
	if (e & IOAPIC_RTE_MASKED)
		tell_held(io, pin, HOLD_IOAPIC_MASKED, STAGE_NO_NUMBER);
	else if (e & IOAPIC_RTE_REMOTE_IRR)
		tell_held(io, pin, HOLD_IOAPIC_REMOTE_IRR, (int)(e & 0xff));
	else
		send(io, pin);
}

/* The pin is at its inactive level. */
static void released(struct ioapic *io, unsigned pin)
{
	if (io->asked[pin] && by_level(io->entry[pin]))
		tell(io, STAGE_WITHDRAWN, pin, io->cause[pin], HOLD_LINE_FELL, STAGE_NO_NUMBER);
	io->asked[pin] = false;
}

void ioapic_input(void *device, int input, bool level, uint64_t cause)
{
	struct ioapic *io = device;
	bool change;

	if (input < 0 || input >= IOAPIC_PINS)
		return;
	change = io->pin[input] != level;
	io->pin[input] = level;
	if (change && !active(io, (unsigned)input))
		released(io, (unsigned)input);
	if (!change || !active(io, (unsigned)input))
		return;
	io->cause[input] = cause;
	if (!by_level(io->entry[input]) && (io->entry[input] & IOAPIC_RTE_MASKED)) {
		tell(io, STAGE_LOST, (unsigned)input, cause, HOLD_IOAPIC_MASKED, STAGE_NO_NUMBER);
		return;
	}
	tell_request(io, (unsigned)input);
	if (by_level(io->entry[input]))
		ask_level(io, (unsigned)input);
	else
		send(io, (unsigned)input);
}

static void end_of_interrupt(void *device, uint8_t vector)
{
	struct ioapic *io = device;

	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		uint64_t e = io->entry[pin];

		if (!(e & IOAPIC_RTE_LEVEL) || !(e & IOAPIC_RTE_REMOTE_IRR) || (uint8_t)e != vector)
			continue;
		tell(io, STAGE_EOI, pin, io->sent[pin], HOLD_NONE, STAGE_NO_NUMBER);
		io->entry[pin] = e & ~(uint64_t)IOAPIC_RTE_REMOTE_IRR;
		if (active(io, pin) && !io->asked[pin])
			tell_request(io, pin);
		ask_level(io, pin);
	}
}

/* ---- registers ---- */
static uint32_t read_register(const struct ioapic *io)
{
	unsigned n = io->select - IO_ENTRIES;

	switch (io->select) {
	case IO_ID:
		return io->id;
	case IO_VERSION:
		return (IOAPIC_PINS - 1) << 16 | io->version;
	case IO_ARBITRATION:
		return io->arbitration;
	default:
		if (io->select < IO_ENTRIES || n >= 2 * IOAPIC_PINS)
			return 0;
		return (uint32_t)(io->entry[n / 2] >> (n % 2 * 32));
	}
}

static void write_entry(struct ioapic *io, unsigned n, uint32_t value)
{
	uint64_t *e = &io->entry[n / 2];

	if (n % 2)
		*e = (*e & UINT32_MAX) | (uint64_t)(value & 0xff000000) << 32;
	else
		*e = (*e & ~LOW_WRITABLE) | (value & LOW_WRITABLE);
	if (!(*e & IOAPIC_RTE_LEVEL))
		*e &= ~(uint64_t)IOAPIC_RTE_REMOTE_IRR;
	ask_level(io, n / 2);
}

static void write_register(struct ioapic *io, uint32_t value)
{
	unsigned n = io->select - IO_ENTRIES;

	if (io->select == IO_ID)
		io->id = io->arbitration = value & 0x0f000000;
	else if (io->select >= IO_ENTRIES && n < 2 * IOAPIC_PINS)
		write_entry(io, n, value);
}

/* "IOWIN must be accessed as a Dword"; IOREGSEL's low byte may be written alone. */
static uint64_t mmio_read(void *device, uint64_t offset, unsigned bytes)
{
	struct ioapic *io = device;

	if (offset == 0)
		return io->select;
	if (offset == 0x10 && bytes == 4)
		return read_register(io);
	if (offset >= 0x10 && offset < 0x14)
		bus_gap(io->bus, "IOAPIC: IOWIN not accessed as a dword");
	return 0;
}

static void mmio_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct ioapic *io = device;

	if (offset == 0)
		io->select = (uint8_t)value;
	else if (offset == 0x10 && bytes == 4)
		write_register(io, (uint32_t)value);
	else if (offset >= 0x10 && offset < 0x14)
		bus_gap(io->bus, "IOAPIC: IOWIN not accessed as a dword");
	else if (offset == 0x40 && io->version >= IOAPIC_VERSION_EOI)
		end_of_interrupt(io, (uint8_t)value);
}

const char *ioapic_why_quiet(struct ioapic *io, unsigned pin)
{
	if (pin >= IOAPIC_PINS)
		return "there is no such IOAPIC input";
	if (!active(io, pin))
		return "the IOAPIC input is not asserted";
	if (io->entry[pin] & IOAPIC_RTE_MASKED)
		snprintf(io->why, sizeof(io->why), "IOAPIC entry %u is masked", pin);
	else if (io->entry[pin] & IOAPIC_RTE_REMOTE_IRR)
		snprintf(io->why, sizeof(io->why), "IOAPIC entry %u waits for the EOI of vector %02x", pin,
			 (unsigned)(io->entry[pin] & 0xff));
	else if (io->entry[pin] & IOAPIC_RTE_LEVEL)
		snprintf(io->why, sizeof(io->why), "IOAPIC entry %u: no local APIC answers to destination %02x", pin,
			 (unsigned)(io->entry[pin] >> 56));
	else
		snprintf(io->why, sizeof(io->why), "IOAPIC entry %u: its edge was sent already", pin);
	return io->why;
}

void ioapic_reset(struct ioapic *io)
{
	io->select = 0;
	io->id = io->arbitration = 0;
	for (unsigned i = 0; i < IOAPIC_PINS; i++)
		io->entry[i] = IOAPIC_RTE_MASKED;
}

bool ioapic_init(struct ioapic *io, struct bus *bus, struct apic_bus *apics, uint64_t base, uint8_t version)
{
	static const struct mmio_ops ops = {mmio_read, mmio_write};

	memset(io, 0, sizeof(*io));
	io->apics = apics;
	io->bus = bus;
	io->version = version;
	io->index = (uint8_t)apics->ioapics;
	ioapic_reset(io);
	return apic_add_ioapic(apics, end_of_interrupt, io) &&
	       bus_add_mmio(bus, "IOAPIC", base, 0x1000, ops, io, 1);
}
