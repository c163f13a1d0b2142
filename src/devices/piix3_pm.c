/* The power management function (PIIX4 function 3). */
#include <string.h>

#include "devices/bytewise.h"
#include "devices/piix3.h"

/* Offsets from PMBA of registers a guest may write; everything else reads 0
 * (there are no throttling states, no general-purpose inputs). */
static bool io_writable(unsigned reg)
{
	static const struct {
		uint8_t first, last;
	} range[] = {
		{0x0e, 0x0f}, /* GPEN */
		{0x10, 0x13}, /* PCNTRL */
		{0x20, 0x21}, /* GLBEN */
		{0x28, 0x2b}, /* GLBCTL */
		{0x2c, 0x2f}, /* DEVCTL */
		{0x34, 0x37}, /* GPOREG */
	};

	for (unsigned i = 0; i < sizeof(range) / sizeof(range[0]); i++) {
		if (reg >= range[i].first && reg <= range[i].last)
			return true;
	}
	return false;
}

static uint8_t read_io(void *device, uint16_t port)
{
	struct piix4pm *pm = device;
	unsigned reg = (unsigned)port - pm->base;

	return reg < PIIX4PM_PORTS ? pm->io[reg] : 0xff;
}

static void write_io(void *device, uint16_t port, uint8_t value)
{
	struct piix4pm *pm = device;
	unsigned reg = (unsigned)port - pm->base;

	if (reg < PIIX4PM_PORTS && io_writable(reg))
		pm->io[reg] = value;
}

static uint32_t port_read(void *device, uint16_t port, unsigned bytes)
{
	return bytewise_read(read_io, device, port, bytes);
}

static void port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	bytewise_write(write_io, device, port, bytes, value);
}

static void update_decoding(struct piix4pm *pm)
{
	static const struct port_ops ops = {port_read, port_write};
	struct bus *bus = pm->pci.pci->bus;
	uint16_t base = (uint16_t)(pci_config(&pm->pci, PIIX4PM_PMBA, 4) & 0xffc0);
	bool on = (pm->pci.config[PIIX4PM_MISC] & PIIX4PM_IO_ENABLE) && base != 0;

	if (on == pm->decoded && (!on || base == pm->base))
		return;
	if (pm->decoded)
		bus_remove_ports(bus, pm->base, PIIX4PM_PORTS, pm);
	pm->base = base;
	pm->decoded = on;
	if ((on && !bus_add_ports(bus, "PIIX4 PM", base, PIIX4PM_PORTS, ops, pm)) ||
	    !acpipm_move(&pm->acpi, bus, base, on))
		bus_gap(bus, "PIIX4 PM: out of memory for its ports");
}

static void written(void *device, unsigned offset, unsigned bytes)
{
	struct piix4pm *pm = device;

	update_decoding(pm);
	if (bytes != 256)
		return;
	memset(pm->io, 0, sizeof(pm->io)); /* RST# */
	acpipm_reset(&pm->acpi);
}

static void apm_command(void *owner, uint8_t command)
{
	struct piix4pm *pm = owner;

	if (!(pci_config(&pm->pci, PIIX4PM_DEVACTB, 4) & PIIX4PM_APMC_EN))
		return;
	if (command == PIIX3_ACPI_ON || command == PIIX3_ACPI_OFF)
		acpipm_set_sci_enable(&pm->acpi, command == PIIX3_ACPI_ON);
}

static void add_registers(struct pci_function *f)
{
	static const struct {
		uint8_t offset, bytes;
		uint32_t reset, writable;
	} reg[] = {
		{PCI_COMMAND, 2, 0x0000, 0x0009}, {PCI_STATUS, 2, 0x0280, 0},
		{PIIX4PM_PMBA, 4, 0x00000001, 0x0000ffc0},
		{0x44, 4, 0, 0xffffffff}, {0x48, 4, 0, 0xffffffff}, {0x4c, 4, 0, 0xffffffff}, /* timers */
		{0x50, 4, 0, 0xffffffff}, {0x54, 4, 0, 0xffffffff}, /* device resources, activity */
		{PIIX4PM_DEVACTB, 4, PIIX4PM_APMC_EN, 0x03ffffff},
		{0x5c, 4, 0, 0xffffffff}, {0x60, 4, 0, 0xffffffff}, {0x64, 4, 0, 0xffffffff},
		{0x68, 4, 0, 0xffffffff}, {0x6c, 4, 0, 0xffffffff}, {0x70, 4, 0, 0xffffffff},
		{0x74, 4, 0, 0xffffffff}, {0x78, 4, 0, 0xffffffff}, {0x7c, 4, 0, 0xffffffff},
		{PIIX4PM_MISC, 1, 0x00, 0x01},
		{0x90, 4, 0x00000001, 0x0000fff0}, {0xd2, 1, 0x00, 0x0f}, /* SMBus, not there */
		{0xd3, 1, 0x00, 0xff}, {0xd4, 2, 0x0000, 0xffff},
	};

	for (unsigned i = 0; i < sizeof(reg) / sizeof(reg[0]); i++)
		pci_function_register(f, reg[i].offset, reg[i].bytes, reg[i].reset, reg[i].writable);
	pci_function_clear_bits(f, PCI_STATUS, 2, 0xf900);
}

bool piix4pm_init(struct piix4pm *pm, struct pci *pci, struct piix3 *bridge,
		  void (*sleep)(void *owner, unsigned type), void *owner)
{
	static const struct pci_identity id = {0x8086, 0x7113, 0x1af4, 0x1100, 0x03, 0x068000, 1};

	memset(pm, 0, sizeof(*pm));
	pci_function_begin(&pm->pci, "PIIX4 PM", PCI_DEVFN(1, 3), &id);
	add_registers(&pm->pci);
	/* The SCI goes to its interrupt whatever a guest writes here. */
	pci_function_register(&pm->pci, PCI_INTERRUPT_LINE, 1, PIIX4PM_SCI, 0xff);
	if (!acpipm_init(&pm->acpi, pci->bus, pci->clock, 0, sleep, owner) ||
	    !acpipm_move(&pm->acpi, pci->bus, 0, false))
		return false;
	bridge->apm = apm_command;
	bridge->apm_owner = pm;
	pm->pci.written = written;
	pm->pci.device = pm;
	return pci_add(pci, &pm->pci);
}
