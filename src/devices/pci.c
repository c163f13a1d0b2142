#include "devices/pci.h"

#include <string.h>

#define BAR_PRIORITY (-1) /* below RAM */
#define ADDRESS_BITS UINT32_C(0x80fffffc)
#define MSI_WINDOW_SIZE UINT32_C(0x100000)

static const char *const pirq_name[4] = {"PIRQA#", "PIRQB#", "PIRQC#", "PIRQD#"};

/* ---- registers of one function ---- */
uint32_t pci_config(const struct pci_function *f, unsigned offset, unsigned bytes)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint32_t)f->config[(offset + i) & 0xff] << (8 * i);
	return value;
}

static void put(uint8_t *array, unsigned offset, unsigned bytes, uint32_t value)
{
	for (unsigned i = 0; i < bytes; i++)
		array[(offset + i) & 0xff] = (uint8_t)(value >> (8 * i));
}

void pci_config_set(struct pci_function *f, unsigned offset, unsigned bytes, uint32_t value)
{
	put(f->config, offset, bytes, value);
}

static uint16_t command(const struct pci_function *f)
{
	return (uint16_t)pci_config(f, PCI_COMMAND, 2);
}

/* ---- BARs ---- */
static struct pci_bar *bar_at(struct pci_function *f, uint16_t port)
{
	for (unsigned i = 0; i < PCI_BARS; i++) {
		struct pci_bar *bar = &f->bar[i];

		if (bar->kind == PCI_BAR_IO && bar->decoded && port - bar->base < bar->size)
			return bar;
	}
	return NULL;
}

static uint32_t port_read(void *device, uint16_t port, unsigned bytes)
{
	struct pci_bar *bar = bar_at(device, port);

	return bar ? (uint32_t)bar->ops.read(bar->function->device, port - bar->base, bytes) : UINT32_MAX;
}

static void port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	struct pci_bar *bar = bar_at(device, port);

	if (bar)
		bar->ops.write(bar->function->device, port - bar->base, bytes, value);
}

static bool wants_decoding(const struct pci_function *f, const struct pci_bar *bar, uint32_t base)
{
	uint64_t space = bar->kind == PCI_BAR_IO ? UINT64_C(0x10000) : UINT64_C(0x100000000);
	uint16_t enable = bar->kind == PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

	return (command(f) & enable) && base != 0 && (uint64_t)base + bar->size <= space;
}

static void decode_ports(struct pci_function *f, struct pci_bar *bar, bool on, uint32_t base)
{
	static const struct port_ops ops = {port_read, port_write};

	if (bar->decoded)
		bus_remove_ports(f->pci->bus, (uint16_t)bar->base, bar->size, f);
	bar->base = base;
	bar->decoded = on;
	if (on && !bus_add_ports(f->pci->bus, f->name, (uint16_t)base, bar->size, ops, f)) {
		bar->decoded = false;
		bus_gap(f->pci->bus, "%s: out of memory for an I/O window", f->name);
	}
}

static void decode_memory(struct pci_function *f, struct pci_bar *bar, bool on, uint32_t base)
{
	bar->base = base;
	bar->decoded = on;
	if (on)
		region_move(f->pci->bus, bar->region, base);
	region_set_enabled(f->pci->bus, bar->region, on);
}

static void update_bars(struct pci_function *f)
{
	for (unsigned i = 0; i < PCI_BARS; i++) {
		struct pci_bar *bar = &f->bar[i];
		uint32_t base = pci_config(f, PCI_BAR0 + 4 * i, 4) & ~(bar->size - 1);
		bool on;

		if (bar->kind == PCI_BAR_NONE)
			continue;
		on = wants_decoding(f, bar, base);
		if (on == bar->decoded && (!on || base == bar->base))
			continue;
		if (bar->kind == PCI_BAR_IO)
			decode_ports(f, bar, on, base);
		else
			decode_memory(f, bar, on, base);
	}
}

static uint64_t window_read(void *device, uint64_t offset, unsigned bytes)
{
	struct pci_bar *bar = device;

	return bar->ops.read(bar->function->device, offset, bytes);
}

static void window_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct pci_bar *bar = device;

	bar->ops.write(bar->function->device, offset, bytes, value);
}

static bool add_windows(struct pci_function *f)
{
	static const struct mmio_ops ops = {window_read, window_write};

	for (unsigned i = 0; i < PCI_BARS; i++) {
		struct pci_bar *bar = &f->bar[i];

		bar->function = f;
		if (bar->kind != PCI_BAR_MEMORY)
			continue;
		/* Somewhere above all memory until the guest says where. */
		bar->region = bus_add_mmio(f->pci->bus, f->name, UINT64_C(1) << 52, bar->size, ops, bar, BAR_PRIORITY);
		if (!bar->region)
			return false;
		region_set_enabled(f->pci->bus, bar->region, false);
	}
	return true;
}

/* ---- interrupts ---- */

/* Pin n of device d is wired to PIRQ (d - 1 + n - 1) modulo 4: the slots of a
 * board take turns, and device 1 is the ISA bridge's own package. */
static unsigned pirq_of(const struct pci_function *f)
{
	return ((f->devfn >> 3) + f->config[PCI_INTERRUPT_PIN] + 2u) & 3;
}

static bool asserts(const struct pci_function *f)
{
	return f->intx && f->config[PCI_INTERRUPT_PIN] && !(command(f) & PCI_COMMAND_INTX_OFF);
}

static void update_pirq(struct pci *pci, unsigned pirq, uint64_t cause)
{
	bool level = false;

	for (unsigned i = 0; i < pci->functions; i++)
		level = level || (pirq_of(pci->function[i]) == pirq && asserts(pci->function[i]));
	line_set(&pci->pirq[pirq], level, level ? cause : 0);
}

void pci_set_intx(struct pci_function *f, bool level, uint64_t cause)
{
	uint32_t status = pci_config(f, PCI_STATUS, 2);

	if (level == f->intx)
		return;
	f->intx = level;
	f->intx_cause = cause;
	pci_config_set(f, PCI_STATUS, 2, level ? status | PCI_STATUS_INTX : status & ~PCI_STATUS_INTX);
	update_pirq(f->pci, pirq_of(f), cause);
}

bool pci_msi_enabled(const struct pci_function *f)
{
	return f->msi && (pci_config(f, f->msi + PCI_MSI_CONTROL, 2) & PCI_MSI_ENABLE);
}

static void message(struct pci *pci, uint64_t address, uint32_t data, uint64_t cause)
{
	if (pci->message)
		pci->message(pci->message_owner, address, data, cause);
	else
		bus_gap(pci->bus, "PCI: an interrupt message on a board without local APICs");
}

void pci_msi_send(struct pci_function *f, uint64_t cause)
{
	if (pci_msi_enabled(f) && (command(f) & PCI_COMMAND_MASTER))
		message(f->pci, pci_config(f, f->msi + PCI_MSI_ADDRESS, 4), pci_config(f, f->msi + PCI_MSI_DATA, 2),
			cause);
}

/* ---- bus masters ---- */
bool pci_master_read(struct pci_function *f, uint64_t pa, void *data, size_t size)
{
	uint8_t *to = data;

	if (!(command(f) & PCI_COMMAND_MASTER))
		return false;
	while (size != 0) {
		size_t done = bus_peek(f->pci->bus, pa, to, size);

		if (done == 0) { /* no memory there: a cycle */
			*to = (uint8_t)bus_read(f->pci->bus, pa, 1);
			done = 1;
		}
		to += done;
		pa += done;
		size -= done;
	}
	return true;
}

/* Writes into the window of the local APICs are messages, and only there whole dwords. */
static bool is_message(uint64_t pa)
{
	return pa >= PCI_MSI_WINDOW && pa - PCI_MSI_WINDOW < MSI_WINDOW_SIZE;
}

bool pci_master_write(struct pci_function *f, uint64_t pa, const void *data, size_t size)
{
	const uint8_t *from = data;

	if (!(command(f) & PCI_COMMAND_MASTER))
		return false;
	while (size != 0) {
		size_t step = size >= 8 && !(pa & 7) ? 8 : size >= 4 && !(pa & 3) ? 4 : 1;
		uint64_t value = 0;

		if (is_message(pa) && step == 8)
			step = 4;
		memcpy(&value, from, step);
		if (!is_message(pa))
			bus_write(f->pci->bus, pa, (unsigned)step, value);
		else if (step == 4)
			message(f->pci, pa, (uint32_t)value, clock_new_cause(f->pci->clock));
		from += step;
		pa += step;
		size -= step;
	}
	return true;
}

/* ---- configuration cycles ---- */
static struct pci_function *selected(const struct pci *pci)
{
	uint8_t devfn = (uint8_t)(pci->address >> 8);

	if (!(pci->address & PCI_ENABLE) || (pci->address >> 16 & 0xff) != 0)
		return NULL;
	for (unsigned i = 0; i < pci->functions; i++) {
		if (pci->function[i]->devfn == devfn)
			return pci->function[i];
	}
	return NULL;
}

static void config_write(struct pci_function *f, unsigned offset, unsigned bytes, uint32_t value)
{
	for (unsigned i = 0; i < bytes; i++) {
		uint8_t *byte = &f->config[offset + i], in = (uint8_t)(value >> (8 * i));
		uint8_t may = f->writable[offset + i];

		*byte = (uint8_t)((*byte & ~may) | (in & may));
		*byte &= (uint8_t)~(in & f->clear[offset + i]);
	}
	update_bars(f);
	update_pirq(f->pci, pirq_of(f), f->intx_cause);
	if (f->written)
		f->written(f->device, offset, bytes);
}

static uint32_t read_bytes(struct pci *pci, uint16_t port, unsigned bytes)
{
	const struct pci_function *f = selected(pci);
	unsigned offset = (pci->address & 0xfc) + (port & 3u);

	if (!f)
		return UINT32_MAX;
	if (f->reading)
		f->reading(f->device, offset, bytes);
	return pci_config(f, offset, bytes);
}

/* A cycle never crosses a dword: the processor has split it. */
static uint32_t pci_port_read(void *device, uint16_t port, unsigned bytes)
{
	struct pci *pci = device;
	uint32_t value = 0;

	if (port == PCI_ADDRESS_PORT && bytes == 4)
		return pci->address;
	if ((port & 3u) + bytes > 4) {
		for (unsigned i = 0; i < bytes; i++)
			value |= (pci_port_read(device, (uint16_t)(port + i), 1) & 0xff) << (8 * i);
		return value;
	}
	if (port < PCI_DATA_PORT)
		return pci->beside.read ? pci->beside.read(pci->beside_device, port, bytes) : UINT32_MAX;
	if (port > PCI_DATA_PORT + 3)
		return UINT32_MAX;
	return read_bytes(pci, port, bytes);
}

static void pci_port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	struct pci *pci = device;
	struct pci_function *f;

	if (port == PCI_ADDRESS_PORT && bytes == 4) {
		pci->address = value & ADDRESS_BITS;
	} else if ((port & 3u) + bytes > 4) {
		for (unsigned i = 0; i < bytes; i++)
			pci_port_write(device, (uint16_t)(port + i), 1, value >> (8 * i) & 0xff);
	} else if (port < PCI_DATA_PORT) {
		if (pci->beside.write)
			pci->beside.write(pci->beside_device, port, bytes, value);
	} else if (port <= PCI_DATA_PORT + 3) {
		f = selected(pci);
		if (f)
			config_write(f, (pci->address & 0xfc) + (port & 3u), bytes, value);
	}
}

/* ---- building ---- */
void pci_function_register(struct pci_function *f, unsigned offset, unsigned bytes, uint32_t reset, uint32_t writable)
{
	put(f->reset, offset, bytes, reset);
	put(f->writable, offset, bytes, writable);
}

void pci_function_clear_bits(struct pci_function *f, unsigned offset, unsigned bytes, uint32_t clear)
{
	put(f->clear, offset, bytes, clear);
}

void pci_function_begin(struct pci_function *f, const char *name, uint8_t devfn, const struct pci_identity *id)
{
	memset(f, 0, sizeof(*f));
	f->name = name;
	f->devfn = devfn;
	pci_function_register(f, PCI_VENDOR, 2, id->vendor, 0);
	pci_function_register(f, PCI_DEVICE, 2, id->device, 0);
	pci_function_register(f, PCI_REVISION, 1, id->revision, 0);
	pci_function_register(f, PCI_CLASS, 3, id->class_code, 0);
	pci_function_register(f, PCI_SUBSYSTEM_VENDOR, 2, id->subsystem_vendor, 0);
	pci_function_register(f, PCI_SUBSYSTEM, 2, id->subsystem, 0);
	pci_function_register(f, PCI_INTERRUPT_LINE, 1, 0, id->pin ? 0xff : 0);
	pci_function_register(f, PCI_INTERRUPT_PIN, 1, id->pin, 0);
}

void pci_function_bar(struct pci_function *f, unsigned index, enum pci_bar_kind kind, uint32_t size,
		      struct mmio_ops ops)
{
	f->bar[index].kind = kind;
	f->bar[index].size = size;
	f->bar[index].ops = ops;
	pci_function_register(f, PCI_BAR0 + 4 * index, 4, kind == PCI_BAR_IO ? 1 : 0, ~(size - 1));
}

void pci_function_capability(struct pci_function *f, unsigned offset, uint8_t id)
{
	pci_function_register(f, offset, 1, id, 0);
	pci_function_register(f, offset + 1, 1, f->reset[PCI_CAPABILITIES], 0);
	pci_function_register(f, PCI_CAPABILITIES, 1, offset, 0);
	f->reset[PCI_STATUS] |= PCI_STATUS_CAPABILITIES;
}

void pci_function_msi(struct pci_function *f, unsigned offset)
{
	pci_function_capability(f, offset, 0x05);
	pci_function_register(f, offset + PCI_MSI_CONTROL, 2, 0, PCI_MSI_ENABLE);
	pci_function_register(f, offset + PCI_MSI_ADDRESS, 4, 0, 0xfffffffc);
	pci_function_register(f, offset + PCI_MSI_DATA, 2, 0, 0xffff);
	f->msi = (uint8_t)offset;
}

static void reset_function(struct pci_function *f)
{
	f->intx = false;
	memcpy(f->config, f->reset, sizeof(f->config));
	update_bars(f);
	update_pirq(f->pci, pirq_of(f), 0);
	if (f->written)
		f->written(f->device, 0, 256);
}

bool pci_add(struct pci *pci, struct pci_function *f)
{
	if (pci->functions == PCI_MAX_FUNCTIONS)
		return false;
	f->pci = pci;
	if (!add_windows(f))
		return false;
	pci->function[pci->functions++] = f;
	reset_function(f);
	return true;
}

void pci_reset(struct pci *pci)
{
	pci->address = 0;
	for (unsigned i = 0; i < pci->functions; i++)
		reset_function(pci->function[i]);
}

void pci_set_message_sink(struct pci *pci, void (*sink)(void *owner, uint64_t address, uint32_t data, uint64_t cause),
			  void *owner)
{
	pci->message = sink;
	pci->message_owner = owner;
}

void pci_set_beside(struct pci *pci, struct port_ops ops, void *device)
{
	pci->beside = ops;
	pci->beside_device = device;
}

bool pci_init(struct pci *pci, struct bus *bus, struct clock *clock)
{
	static const struct port_ops ops = {pci_port_read, pci_port_write};

	memset(pci, 0, sizeof(*pci));
	pci->bus = bus;
	pci->clock = clock;
	for (unsigned i = 0; i < 4; i++)
		line_init(&pci->pirq[i], pirq_name[i], clock);
	return bus_add_ports(bus, "PCI configuration", PCI_ADDRESS_PORT, 8, ops, pci);
}
