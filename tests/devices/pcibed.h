/* A bench with a PCI bus, its bridges and a memory. */
#ifndef TRAPGATE_TESTS_DEVICES_PCIBED_H
#define TRAPGATE_TESTS_DEVICES_PCIBED_H

#include "bed.h"
#include "devices/i440fx.h"
#include "devices/piix3.h"

struct pcibed {
	struct bed bed;
	struct pci pci;
	struct i440fx host;
	struct piix3 bridge;
	struct piix4pm pm;
	unsigned resets, hard, sleeps, messages;
	unsigned sleep_type;
	uint64_t message_address, message_cause;
	uint32_t message_data;
};

static inline void pcibed_reset_pin(void *owner, bool hard)
{
	struct pcibed *b = owner;

	b->resets++;
	b->hard += hard;
}

static inline void pcibed_sleep(void *owner, unsigned type)
{
	struct pcibed *b = owner;

	b->sleeps++;
	b->sleep_type = type;
}

static inline void pcibed_message(void *owner, uint64_t address, uint32_t data, uint64_t cause)
{
	struct pcibed *b = owner;

	b->messages++;
	b->message_address = address;
	b->message_data = data;
	b->message_cause = cause;
}

static inline void pcibed_open(struct pcibed *b)
{
	memset(b, 0, sizeof(*b));
	bed_open(&b->bed);
	assert_non_null(bus_add_ram(b->bed.bus, "low RAM", 0, 0xa0000));
	assert_non_null(bus_add_ram(b->bed.bus, "high RAM", 0x100000, 0x300000));
	assert_true(pci_init(&b->pci, b->bed.bus, &b->bed.clock));
	assert_true(i440fx_init(&b->host, &b->pci));
	assert_true(piix3_init(&b->bridge, &b->pci, pcibed_reset_pin, b));
	assert_true(piix4pm_init(&b->pm, &b->pci, &b->bridge, pcibed_sleep, b));
	pci_set_message_sink(&b->pci, pcibed_message, b);
}

static inline void pcibed_close(struct pcibed *b)
{
	bed_close(&b->bed);
}

static inline void out(struct bed *bed, unsigned port, unsigned bytes, uint32_t value)
{
	bus_port_write(bed->bus, (uint16_t)port, bytes, value);
}

static inline uint32_t in(struct bed *bed, unsigned port, unsigned bytes)
{
	return bus_port_read(bed->bus, (uint16_t)port, bytes);
}

static inline void cfg_select(struct bed *bed, uint8_t devfn, unsigned offset)
{
	out(bed, PCI_ADDRESS_PORT, 4, PCI_ENABLE | (uint32_t)devfn << 8 | (offset & 0xfc));
}

static inline uint32_t cfg_read(struct bed *bed, uint8_t devfn, unsigned offset, unsigned bytes)
{
	cfg_select(bed, devfn, offset);
	return in(bed, PCI_DATA_PORT + (offset & 3), bytes);
}

static inline void cfg_write(struct bed *bed, uint8_t devfn, unsigned offset, unsigned bytes, uint32_t value)
{
	cfg_select(bed, devfn, offset);
	out(bed, PCI_DATA_PORT + (offset & 3), bytes, value);
}

/* A register of configuration space: what it is after reset and what keeps. */
struct config_row {
	const char *name;
	uint8_t devfn;
	uint8_t offset, bytes;
	uint32_t reset, writable;
};

static inline void check_config(struct bed *bed, const struct config_row *row)
{
	static const uint32_t pattern[] = {0x55555555, 0xaaaaaaaa, 0x00000000};
	uint32_t mask = row->bytes == 4 ? UINT32_MAX : (UINT32_C(1) << (8 * row->bytes)) - 1;
	uint32_t got = cfg_read(bed, row->devfn, row->offset, row->bytes);

	if (got != row->reset)
		fail_msg("%s resets to %08x, not %08x", row->name, got, row->reset);
	for (unsigned i = 0; i < sizeof(pattern) / sizeof(pattern[0]); i++) {
		uint32_t want = ((pattern[i] & row->writable) | (row->reset & ~row->writable)) & mask;

		cfg_write(bed, row->devfn, row->offset, row->bytes, pattern[i] & mask);
		got = cfg_read(bed, row->devfn, row->offset, row->bytes);
		if (got != want)
			fail_msg("%s: wrote %08x, read %08x, not %08x", row->name, pattern[i] & mask, got, want);
	}
	cfg_write(bed, row->devfn, row->offset, row->bytes, row->reset);
}

static inline uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

#endif
