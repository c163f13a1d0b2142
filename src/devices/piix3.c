#include "devices/piix3.h"

#include <string.h>

#include "devices/bytewise.h"

/* ---- interrupt routing ---- */

/* The ISA interrupt of a PIRQ, or 16: none.  0, 1, 2, 8 and 13 are reserved. */
static unsigned route(const struct piix3 *b, unsigned pirq)
{
	const unsigned allowed = 0xdef8;
	uint8_t reg = b->pci.config[PIIX3_PIRQ + pirq];
	unsigned irq = reg & 0x0fu;

	return (reg & PIIX3_PIRQ_OFF) || !(allowed >> irq & 1) ? 16 : irq;
}

static void update_irqs(struct piix3 *b)
{
	for (unsigned irq = 0; irq < 16; irq++) {
		bool level = false;
		uint64_t cause = 0;

		for (unsigned i = 0; i < 4; i++) {
			if (!b->pirq[i] || route(b, i) != irq)
				continue;
			level = true;
			cause = b->pirq_cause[i] > cause ? b->pirq_cause[i] : cause;
		}
		line_set(&b->irq[irq], level, cause);
	}
}

static void pirq_changed(void *sink, int input, bool level, uint64_t cause)
{
	struct piix3 *b = sink;

	b->pirq[input] = level;
	b->pirq_cause[input] = cause;
	update_irqs(b);
}

static void written(void *device, unsigned offset, unsigned bytes)
{
	struct piix3 *b = device;

	if (bytes == 256)
		b->reset_control = b->apm_control = b->apm_status = 0;
	update_irqs(b);
}

/* ---- ports ---- */
static uint8_t read_reset(void *device, uint16_t port)
{
	struct piix3 *b = device;

	return port == PIIX3_RESET_PORT ? b->reset_control : 0xff;
}

static void write_reset(void *device, uint16_t port, uint8_t value)
{
	struct piix3 *b = device;
	bool pulse = value & ~b->reset_control & PIIX3_RESET_CPU;

	if (port != PIIX3_RESET_PORT)
		return;
	b->reset_control = value & (PIIX3_RESET_HARD | PIIX3_RESET_CPU);
	if (pulse && b->reset)
		b->reset(b->owner, value & PIIX3_RESET_HARD);
}

static uint32_t reset_port_read(void *device, uint16_t port, unsigned bytes)
{
	return bytewise_read(read_reset, device, port, bytes);
}

static void reset_port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	bytewise_write(write_reset, device, port, bytes, value);
}

static uint8_t read_apm(void *device, uint16_t port)
{
	struct piix3 *b = device;

	if (port == PIIX3_APM_PORT)
		return b->apm_control;
	return port == PIIX3_APM_PORT + 1 ? b->apm_status : 0xff;
}

static void write_apm(void *device, uint16_t port, uint8_t value)
{
	struct piix3 *b = device;

	if (port == PIIX3_APM_PORT + 1)
		b->apm_status = value;
	if (port != PIIX3_APM_PORT)
		return;
	b->apm_control = value;
	if (b->apm)
		b->apm(b->apm_owner, value);
}

static uint32_t apm_port_read(void *device, uint16_t port, unsigned bytes)
{
	return bytewise_read(read_apm, device, port, bytes);
}

static void apm_port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	bytewise_write(write_apm, device, port, bytes, value);
}

/* ---- construction ---- */
static void add_registers(struct pci_function *f)
{
	static const struct {
		uint8_t offset, bytes;
		uint32_t reset, writable;
	} reg[] = {
		{PCI_COMMAND, 2, 0x0007, 0x0008}, {PCI_STATUS, 2, 0x0200, 0}, {PCI_HEADER, 1, PCI_HEADER_MULTI, 0},
		{0x4c, 1, 0x4d, 0xff},            /* I/O recovery */
		{0x4e, 2, 0x0003, 0x01ff},        /* X-bus chip selects */
		{PIIX3_PIRQ, 4, 0x80808080, 0x8f8f8f8f},
		{0x69, 1, 0x02, 0xfe},            /* top of memory for ISA masters */
		{0x70, 1, 0x80, 0xef},            /* motherboard interrupt 0 */
		{0x76, 2, 0x0c0c, 0x8f8f},        /* motherboard DMA */
		{0x78, 2, 0x0002, 0xffff},        /* programmable chip select */
		{0x80, 1, 0x00, 0x7f},            /* I/O APIC base */
		{0x82, 1, 0x00, 0x0f},            /* deterministic latency */
		{0xa0, 1, 0x08, 0x1f},            /* SMI control and enable */
		{0xa2, 2, 0x0000, 0x01ff},
		{0xa4, 4, 0x00000000, 0xffffffff}, /* system events */
		{0xa8, 1, 0x0f, 0xff},            /* fast-off timer */
		{0xac, 1, 0x00, 0xff},            /* clock throttling */
		{0xae, 1, 0x00, 0xff},
	};

	for (unsigned i = 0; i < sizeof(reg) / sizeof(reg[0]); i++)
		pci_function_register(f, reg[i].offset, reg[i].bytes, reg[i].reset, reg[i].writable);
	pci_function_clear_bits(f, PCI_STATUS, 2, 0x7800);
}

bool piix3_init(struct piix3 *b, struct pci *pci, void (*reset)(void *owner, bool hard), void *owner)
{
	static const struct pci_identity id = {0x8086, 0x7000, 0x1af4, 0x1100, 0x00, 0x060100, 0};
	static const struct port_ops reset_ops = {reset_port_read, reset_port_write};
	static const struct port_ops apm_ops = {apm_port_read, apm_port_write};
	static const char *const name[16] = {
		"PIIX3 IRQ0", "PIIX3 IRQ1", "PIIX3 IRQ2",  "PIIX3 IRQ3",  "PIIX3 IRQ4",  "PIIX3 IRQ5",
		"PIIX3 IRQ6", "PIIX3 IRQ7", "PIIX3 IRQ8",  "PIIX3 IRQ9",  "PIIX3 IRQ10", "PIIX3 IRQ11",
		"PIIX3 IRQ12", "PIIX3 IRQ13", "PIIX3 IRQ14", "PIIX3 IRQ15",
	};

	memset(b, 0, sizeof(*b));
	b->reset = reset;
	b->owner = owner;
	for (unsigned i = 0; i < 16; i++)
		line_init(&b->irq[i], name[i], pci->clock);
	pci_function_begin(&b->pci, "PIIX3", PCI_DEVFN(1, 0), &id);
	add_registers(&b->pci);
	b->pci.written = written;
	b->pci.device = b;
	if (!pci_add(pci, &b->pci))
		return false;
	for (int i = 0; i < 4; i++)
		line_connect(&pci->pirq[i], pirq_changed, b, i);
	pci_set_beside(pci, reset_ops, b);
	return bus_add_ports(pci->bus, "APM", PIIX3_APM_PORT, 2, apm_ops, b);
}
