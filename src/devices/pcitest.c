#include "devices/pcitest.h"

#include <string.h>

#define DATA  UINT32_C(0xfa)
#define FIRST 0x80u /* offset of test 0 */

enum place { TEST = 0, WIDTH = 1, OFFSET = 4, DATA_AT = 8, COUNT = 12, NAME = 16, HEADER = 32 };

static const char names[PCITEST_BARS][PCITEST_TESTS][HEADER - NAME] = {
	{"memory-byte", "memory-word", "memory-dword"},
	{"port-byte", "port-word", "port-dword"},
};

static uint32_t target(const struct pcitest_bar *bar)
{
	return FIRST + 4 * (uint32_t)bar->test;
}

static void put(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t read_bar(const struct pcitest *dev, unsigned index, uint64_t offset, unsigned bytes)
{
	const struct pcitest_bar *bar = &dev->bar[index];
	uint8_t header[HEADER] = {0};
	uint64_t value = 0;

	if (bar->test < PCITEST_TESTS) {
		header[WIDTH] = (uint8_t)(1u << bar->test);
		put(header + OFFSET, target(bar));
		put(header + DATA_AT, DATA);
		put(header + COUNT, bar->count);
		memcpy(header + NAME, names[index][bar->test], HEADER - NAME);
	}
	for (unsigned i = 0; i < bytes && offset + i < HEADER; i++)
		value |= (uint64_t)header[offset + i] << (8 * i);
	return value;
}

static void write_bar(struct pcitest *dev, unsigned index, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct pcitest_bar *bar = &dev->bar[index];

	if (offset == TEST)
		*bar = (struct pcitest_bar){.test = (uint8_t)value};
	else if (bar->test < PCITEST_TESTS && offset == target(bar) && bytes == 1u << bar->test && value == DATA)
		bar->count++;
}

static uint64_t memory_read(void *device, uint64_t offset, unsigned bytes)
{
	return read_bar(device, 0, offset, bytes);
}

static void memory_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	write_bar(device, 0, offset, bytes, value);
}

static uint64_t port_read(void *device, uint64_t offset, unsigned bytes)
{
	return read_bar(device, 1, offset, bytes);
}

static void port_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	write_bar(device, 1, offset, bytes, value);
}

static void written(void *device, unsigned offset, unsigned bytes)
{
	struct pcitest *dev = device;

	if (bytes == 256) /* RST# */
		memset(dev->bar, 0, sizeof(dev->bar));
}

bool pcitest_init(struct pcitest *dev, struct pci *pci, uint8_t devfn)
{
	static const struct pci_identity id = {0x1b36, 0x0005, 0x1af4, 0x1100, 0x00, 0x00ff00, 0};
	static const struct mmio_ops memory = {memory_read, memory_write}, ports = {port_read, port_write};

	memset(dev, 0, sizeof(*dev));
	pci_function_begin(&dev->pci, "PCI test device", devfn, &id);
	pci_function_register(&dev->pci, PCI_COMMAND, 2, 0, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	pci_function_bar(&dev->pci, 0, PCI_BAR_MEMORY, PCITEST_MEMORY, memory);
	pci_function_bar(&dev->pci, 1, PCI_BAR_IO, PCITEST_PORTS, ports);
	dev->pci.written = written;
	dev->pci.device = dev;
	return pci_add(pci, &dev->pci);
}
