#include "devices/dma.h"

#include <string.h>

#include "devices/bytewise.h"

/* Page register of each channel, as port & 0Fh. */
static const uint8_t page_of[8] = {0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa};

enum chip_register {
	REG_COMMAND = 8, /* read: status */
	REG_REQUEST, REG_MASK, REG_MODE, REG_FLIP_FLOP,
	REG_MASTER_CLEAR, /* read: temporary */
	REG_CLEAR_MASK, REG_ALL_MASK,
};

static void master_clear(struct dma_chip *chip)
{
	chip->command = chip->request = chip->done = chip->temporary = 0;
	chip->mask = 0x0f;
	chip->high_byte = false;
}

/* ---- registers ---- */
static uint16_t put_half(uint16_t old, uint8_t value, bool high)
{
	return (uint16_t)(high ? (old & 0x00ff) | value << 8 : (old & 0xff00) | value);
}

/* Writes go to the base and the current register; reads see the current one. */
static void write_channel(struct dma_chip *chip, unsigned reg, uint8_t value)
{
	struct dma_channel *c = &chip->channel[reg >> 1];

	if (reg & 1)
		c->count = c->base_count = put_half(c->base_count, value, chip->high_byte);
	else
		c->address = c->base_address = put_half(c->base_address, value, chip->high_byte);
	chip->high_byte = !chip->high_byte;
}

static uint8_t read_channel(struct dma_chip *chip, unsigned reg)
{
	const struct dma_channel *c = &chip->channel[reg >> 1];
	uint16_t value = reg & 1 ? c->count : c->address;
	bool high = chip->high_byte;

	chip->high_byte = !high;
	return (uint8_t)(high ? value >> 8 : value);
}

static uint8_t set_bit(uint8_t bits, uint8_t value)
{
	uint8_t mask = (uint8_t)(1u << (value & 3));

	return value & 4 ? bits | mask : bits & (uint8_t)~mask;
}

static void chip_write(struct dma *dma, struct dma_chip *chip, unsigned reg, uint8_t value)
{
	switch (reg) {
	case REG_COMMAND:
		chip->command = value;
		if (value & DMA_COMMAND_MEMORY)
			bus_gap(dma->bus, "8237A: memory-to-memory transfer");
		break;
	case REG_REQUEST:
		chip->request = set_bit(chip->request, value);
		if (value & 4)
			bus_gap(dma->bus, "8237A: transfer requested by software");
		break;
	case REG_MASK:
		chip->mask = set_bit(chip->mask, value);
		break;
	case REG_MODE:
		chip->channel[value & 3].mode = value & 0xfc;
		break;
	case REG_FLIP_FLOP:
		chip->high_byte = false;
		break;
	case REG_MASTER_CLEAR:
		master_clear(chip);
		break;
	case REG_CLEAR_MASK:
		chip->mask = 0;
		break;
	case REG_ALL_MASK:
		chip->mask = value & 0x0f;
		break;
	default:
		write_channel(chip, reg, value);
		break;
	}
}

static uint8_t chip_read(struct dma_chip *chip, unsigned reg)
{
	uint8_t value;

	switch (reg) {
	case REG_COMMAND:
		value = (uint8_t)(chip->done | chip->dreq << 4);
		chip->done = 0;
		return value;
	case REG_MASTER_CLEAR:
		return chip->temporary;
	case REG_ALL_MASK:
		return chip->mask;
	default:
		return reg < REG_COMMAND ? read_channel(chip, reg) : 0xff;
	}
}

static uint8_t read_port(void *device, uint16_t port)
{
	struct dma *dma = device;

	if (port < 0x10)
		return chip_read(&dma->chip[0], port);
	if (port >= DMA_PORT_HIGH && port < DMA_PORT_HIGH + 0x20)
		return chip_read(&dma->chip[1], (port - DMA_PORT_HIGH) >> 1);
	if (port >= DMA_PAGE_PORT && port < 0x90)
		return dma->page[port & 0x0f];
	return 0xff;
}

static void write_port(void *device, uint16_t port, uint8_t value)
{
	struct dma *dma = device;

	if (port < 0x10)
		chip_write(dma, &dma->chip[0], port, value);
	else if (port >= DMA_PORT_HIGH && port < DMA_PORT_HIGH + 0x20)
		chip_write(dma, &dma->chip[1], (port - DMA_PORT_HIGH) >> 1, value);
	else if (port >= DMA_PAGE_PORT && port < 0x90)
		dma->page[port & 0x0f] = value;
}

static uint32_t port_read(void *device, uint16_t port, unsigned bytes)
{
	return bytewise_read(read_port, device, port, bytes);
}

static void port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	bytewise_write(write_port, device, port, bytes, value);
}

/* ---- transfers ---- */
void dma_set_request(struct dma *dma, unsigned channel, bool level)
{
	struct dma_chip *chip = &dma->chip[channel >> 2 & 1];
	uint8_t mask = (uint8_t)(1u << (channel & 3));

	chip->dreq = level ? chip->dreq | mask : chip->dreq & (uint8_t)~mask;
}

static bool blocked(const struct dma_chip *chip, unsigned n)
{
	return (chip->command & DMA_COMMAND_DISABLE) || (chip->mask & 1u << n) ||
	       (chip->channel[n].mode & DMA_MODE_CASCADE) == DMA_MODE_CASCADE;
}

/* Channels 0-3 reach the processor through channel 4. */
static bool cascade_open(const struct dma_chip *chip)
{
	return !(chip->command & DMA_COMMAND_DISABLE) && !(chip->mask & 1) &&
	       (chip->channel[0].mode & DMA_MODE_CASCADE) == DMA_MODE_CASCADE;
}

/* Byte channels: page and 16 bits.  Word channels: page bits 7-1 and 16 bits of words. */
static uint64_t memory_address(const struct dma *dma, unsigned channel, uint16_t address)
{
	uint64_t page = dma->page[page_of[channel]];

	if (channel < 4)
		return page << 16 | address;
	return (page & 0xfe) << 16 | (uint64_t)address << 1;
}

static void transfer(struct dma *dma, unsigned channel, uint8_t *data, unsigned width)
{
	struct dma_channel *c = &dma->chip[channel >> 2].channel[channel & 3];
	uint64_t at = memory_address(dma, channel, c->address);
	uint64_t value = 0;

	if ((c->mode & 0x0c) == DMA_MODE_WRITE) {
		memcpy(&value, data, width);
		bus_write(dma->bus, at, width, value);
	} else if ((c->mode & 0x0c) == DMA_MODE_READ) {
		value = bus_read(dma->bus, at, width);
		memcpy(data, &value, width);
	}
	c->address = (uint16_t)(c->mode & DMA_MODE_DOWN ? c->address - 1 : c->address + 1);
}

/* The count has gone below zero. */
static void terminal_count(struct dma_chip *chip, unsigned n)
{
	struct dma_channel *c = &chip->channel[n];

	chip->done |= (uint8_t)(1u << n);
	chip->request &= (uint8_t)~(1u << n);
	if (!(c->mode & DMA_MODE_AUTO)) {
		chip->mask |= (uint8_t)(1u << n);
		return;
	}
	c->address = c->base_address;
	c->count = c->base_count;
}

size_t dma_move(struct dma *dma, unsigned channel, uint8_t *data, size_t size, bool *terminal)
{
	struct dma_chip *chip = &dma->chip[channel >> 2 & 1];
	unsigned n = channel & 3, width = channel < 4 ? 1 : 2;
	size_t moved = 0;

	*terminal = false;
	if (channel > 7 || channel == 4 || (channel < 4 && !cascade_open(&dma->chip[1])))
		return 0;
	while (!*terminal && moved + width <= size && !blocked(chip, n)) {
		transfer(dma, channel, data + moved, width);
		moved += width;
		if (chip->channel[n].count-- == 0) {
			*terminal = true;
			terminal_count(chip, n);
		}
	}
	return moved;
}

void dma_reset(struct dma *dma)
{
	for (unsigned i = 0; i < 2; i++) {
		uint8_t dreq = dma->chip[i].dreq;

		memset(&dma->chip[i], 0, sizeof(dma->chip[i]));
		dma->chip[i].dreq = dreq;
		master_clear(&dma->chip[i]);
	}
	memset(dma->page, 0, sizeof(dma->page));
}

bool dma_init(struct dma *dma, struct bus *bus)
{
	static const struct port_ops ops = {port_read, port_write};

	memset(dma, 0, sizeof(*dma));
	dma->bus = bus;
	dma_reset(dma);
	return bus_add_ports(bus, "8237A", DMA_PORT_LOW, 16, ops, dma) &&
	       bus_add_ports(bus, "8237A high", DMA_PORT_HIGH, 32, ops, dma) &&
	       bus_add_ports(bus, "DMA pages", DMA_PAGE_PORT, 15, ops, dma);
}
