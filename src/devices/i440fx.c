#include "devices/i440fx.h"

#include <string.h>

#define RAM_PRIORITY 8   /* over ROMs and over windows of devices */
#define SPLIT_PRIORITY 9

#define BIOS_START 0xf0000u
#define BIOS_SIZE 0x10000u
#define OPTION_START 0xc0000u
#define OPTION_SIZE 0x4000u
#define VIDEO_START 0xa0000u
#define VIDEO_SIZE 0x20000u

/* ---- a segment that is read from PCI and written to RAM ---- */
static uint64_t split_read(void *device, uint64_t offset, unsigned bytes)
{
	const struct i440fx_segment *s = device;
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++) {
		uint64_t at = 0, byte = 0xff;
		const struct region *r = bus_find_below(s->bus, s->ram->start + offset + i, RAM_PRIORITY, &at);

		if (r && r->kind == REGION_MMIO)
			byte = r->ops.read(r->device, at, 1) & 0xff;
		else if (r)
			byte = r->host[at];
		value |= byte << (8 * i);
	}
	return value;
}

static void split_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	const struct i440fx_segment *s = device;

	for (unsigned i = 0; i < bytes; i++)
		s->ram->host[offset + i] = (uint8_t)(value >> (8 * i));
}

static void set_mode(struct i440fx_segment *s, unsigned mode)
{
	if (mode == s->mode)
		return;
	s->mode = mode;
	region_set_writable(s->bus, s->ram, mode & I440FX_PAM_WRITE);
	region_set_enabled(s->bus, s->ram, mode & I440FX_PAM_READ);
	region_set_enabled(s->bus, s->split, mode == I440FX_PAM_WRITE);
}

/* PAM0's high half is F0000h; PAM1 low, PAM1 high, PAM2 low ... go up from C0000h. */
static unsigned pam_bits(const struct i440fx *host, unsigned segment)
{
	unsigned half = segment + 1;

	return host->pci.config[I440FX_PAM + half / 2] >> (4 * (half & 1)) & 3;
}

/* The lock stays until RST# and closes what is open. */
static void update_smram(struct i440fx *host)
{
	uint8_t *reg = &host->pci.config[I440FX_SMRAM];

	if (host->smram_lock)
		*reg = (uint8_t)((*reg | I440FX_SMRAM_LOCK) & ~I440FX_SMRAM_OPEN);
	host->smram_lock = *reg & I440FX_SMRAM_LOCK;
	if (host->smram_lock)
		*reg &= (uint8_t)~I440FX_SMRAM_OPEN;
	region_set_enabled(host->pci.pci->bus, host->smram, (*reg & I440FX_SMRAM_OPEN) && (*reg & I440FX_SMRAM_ENABLE));
}

static void written(void *device, unsigned offset, unsigned bytes)
{
	struct i440fx *host = device;

	if (bytes == 256) /* RST# */
		host->smram_lock = 0;
	for (unsigned i = 0; i < I440FX_SEGMENTS; i++)
		set_mode(&host->segment[i], pam_bits(host, i));
	update_smram(host);
}

static struct region *add_hidden_ram(struct bus *bus, const char *name, uint64_t start, uint64_t size)
{
	struct region *ram = bus_add_ram(bus, name, start, size);

	if (!ram)
		return NULL;
	region_set_enabled(bus, ram, false);
	ram->priority = RAM_PRIORITY;
	return ram;
}

static bool add_segment(struct i440fx_segment *s, struct bus *bus, uint64_t start, uint64_t size)
{
	static const struct mmio_ops ops = {split_read, split_write};

	s->bus = bus;
	s->ram = add_hidden_ram(bus, "shadow RAM", start, size);
	if (!s->ram)
		return false;
	region_set_writable(bus, s->ram, false);
	s->split = bus_add_mmio(bus, "shadow RAM, written only", start, size, ops, s, SPLIT_PRIORITY);
	if (!s->split)
		return false;
	region_set_enabled(bus, s->split, false);
	return true;
}

static void add_registers(struct pci_function *f)
{
	static const struct {
		uint8_t offset, bytes;
		uint32_t reset, writable;
	} reg[] = {
		{PCI_COMMAND, 2, 0x0006, 0x0140}, {PCI_STATUS, 2, 0x0280, 0}, {PCI_LATENCY, 1, 0x00, 0xf8},
		{0x50, 2, 0x0000, 0xffff},        {0x52, 1, 0x00, 0xff},      {0x53, 1, 0x80, 0xff},
		{0x54, 1, 0x00, 0xff},            {0x55, 2, 0x0000, 0xffff},  {0x57, 1, 0x01, 0xff},
		{0x58, 1, 0x10, 0xff},            {I440FX_PAM, 1, 0x00, 0x30}, {0x5a, 4, 0, 0x33333333},
		{0x5e, 2, 0, 0x3333},             {0x60, 4, 0x01010101, 0xffffffff},
		{0x64, 4, 0x01010101, 0xffffffff}, {0x68, 1, 0x00, 0xc0},     {0x70, 1, 0x00, 0xff},
		{0x71, 1, 0x10, 0xff},            {I440FX_SMRAM, 1, 0x02, 0x78}, {0x90, 1, 0x00, 0xff},
	};

	for (unsigned i = 0; i < sizeof(reg) / sizeof(reg[0]); i++)
		pci_function_register(f, reg[i].offset, reg[i].bytes, reg[i].reset, reg[i].writable);
	pci_function_clear_bits(f, PCI_STATUS, 2, 0xf900);
	pci_function_clear_bits(f, 0x91, 1, 0x11); /* ERRSTS */
}

bool i440fx_init(struct i440fx *host, struct pci *pci)
{
	static const struct pci_identity id = {0x8086, 0x1237, 0x1af4, 0x1100, 0x02, 0x060000, 0};

	memset(host, 0, sizeof(*host));
	pci_function_begin(&host->pci, "82441FX", PCI_DEVFN(0, 0), &id);
	add_registers(&host->pci);
	host->pci.written = written;
	host->pci.device = host;
	for (unsigned i = 0; i < I440FX_SEGMENTS; i++) {
		uint64_t start = i ? OPTION_START + (i - 1) * OPTION_SIZE : BIOS_START;

		if (!add_segment(&host->segment[i], pci->bus, start, i ? OPTION_SIZE : BIOS_SIZE))
			return false;
	}
	host->smram = add_hidden_ram(pci->bus, "SMRAM", VIDEO_START, VIDEO_SIZE);
	return host->smram && pci_add(pci, &host->pci);
}
