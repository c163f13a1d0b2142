#include "devices/testdev.h"

#include <string.h>

#include "devices/bytewise.h"

static uint32_t irq_read(void *device, uint16_t port, unsigned bytes)
{
	return 0;
}

static void irq_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	struct testdev *dev = device;
	unsigned n = (unsigned)port - TESTDEV_IRQ_PORT;

	if (n < TESTDEV_IRQS && dev->irq[n].level != (value != 0))
		line_set(&dev->irq[n], value, value ? clock_new_cause(dev->clock) : 0);
}

static uint8_t latch_read_port(void *device, uint16_t port)
{
	struct testdev *dev = device;

	return (uint8_t)(dev->latch >> (8 * (port & 3)));
}

static void latch_write_port(void *device, uint16_t port, uint8_t value)
{
	struct testdev *dev = device;
	unsigned shift = 8 * (port & 3);

	dev->latch = (dev->latch & ~(UINT32_C(0xff) << shift)) | (uint32_t)value << shift;
}

static uint32_t latch_read(void *device, uint16_t port, unsigned bytes)
{
	return bytewise_read(latch_read_port, device, port, bytes);
}

static void latch_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	bytewise_write(latch_write_port, device, port, bytes, value);
}

static uint32_t flush_read(void *device, uint16_t port, unsigned bytes)
{
	return 0;
}

static void flush_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
}

static uint64_t mmio_read(void *device, uint64_t offset, unsigned bytes)
{
	struct testdev *dev = device;
	uint64_t value = 0;

	if (offset + bytes <= TESTDEV_MMIO_SIZE)
		memcpy(&value, dev->mmio + offset, bytes);
	return value;
}

static void mmio_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct testdev *dev = device;

	if (offset + bytes <= TESTDEV_MMIO_SIZE)
		memcpy(dev->mmio + offset, &value, bytes);
}

void testdev_reset(struct testdev *dev)
{
	dev->latch = 0;
	memset(dev->mmio, 0, sizeof(dev->mmio));
	for (unsigned i = 0; i < TESTDEV_IRQS; i++)
		line_set(&dev->irq[i], false, 0);
}

bool testdev_init(struct testdev *dev, struct bus *bus, struct clock *clock)
{
	static const struct port_ops irq = {irq_read, irq_write}, latch = {latch_read, latch_write},
				     flush = {flush_read, flush_write};
	static const struct mmio_ops mmio = {mmio_read, mmio_write};
	static const char *const name[TESTDEV_IRQS] = {
		"test device IRQ0", "test device IRQ1", "test device IRQ2", "test device IRQ3", "test device IRQ4",
		"test device IRQ5", "test device IRQ6", "test device IRQ7", "test device IRQ8", "test device IRQ9",
		"test device IRQ10", "test device IRQ11", "test device IRQ12", "test device IRQ13",
		"test device IRQ14", "test device IRQ15", "test device IRQ16", "test device IRQ17",
		"test device IRQ18", "test device IRQ19", "test device IRQ20", "test device IRQ21",
		"test device IRQ22", "test device IRQ23",
	};

	memset(dev, 0, sizeof(*dev));
	dev->clock = clock;
	for (unsigned i = 0; i < TESTDEV_IRQS; i++)
		line_init(&dev->irq[i], name[i], clock);
	return bus_add_ports(bus, "test device IRQs", TESTDEV_IRQ_PORT, TESTDEV_IRQS, irq, dev) &&
	       bus_add_ports(bus, "test device latch", TESTDEV_LATCH_PORT, 4, latch, dev) &&
	       bus_add_ports(bus, "test device pages", TESTDEV_FLUSH_PORT, 4, flush, dev) &&
	       bus_add_mmio(bus, "test device", TESTDEV_MMIO, TESTDEV_MMIO_SIZE, mmio, dev, 1);
}
