/* The PCI half of the pc board: 440FX, PIIX3 with IDE and power management, and
 * what the firmware of such a board does to them before it starts a system. */
#include "machine/machine.h"

/* IDETIM (82371SB datasheet, "IDE Timing Register"): the channel is decoded. */
#define IDETIM         0x40
#define IDETIM_DECODED 0x8000u

/* PAM5, low half: E0000h-E3FFFh, where the tables lie, is RAM. */
#define PAM_TABLES (I440FX_PAM + 5)

/* Where firmware of this kind places BARs. */
#define FIRST_IO     0xc000u
#define FIRST_MEMORY UINT32_C(0xfebf0000)

/* Device numbers. */
#define FIRST_VIRTIO 4
#define TEST_DEVICE  8

static void slept(void *owner, unsigned type)
{
	if (type == 0)
		machine_finish(owner, END_POWER_OFF, 0, "the guest switched the machine off");
	else
		bus_gap(((struct machine *)owner)->bus, "power management: sleep type %u", type);
}

static void reset_asked(void *owner, bool hard)
{
	machine_request_reset(owner, hard);
}

static void message(void *owner, uint64_t address, uint32_t data, uint64_t cause)
{
	apic_msi(owner, address, data, cause);
}

static bool connect_pci_interrupts(struct board *b)
{
	for (unsigned irq = 0; irq < BOARD_ISA_IRQS; irq++)
		if (irq != PIC_CASCADE_IR && !hub_add_source(&b->isa, irq, &b->bridge.irq[irq]))
			return false;
	return hub_add_source(&b->isa, PIIX4PM_SCI, &b->pm.acpi.sci);
}

bool board_add_pci(struct machine *m)
{
	struct board *b = &m->board;

	if (!pci_init(&b->pci, m->bus, &m->clock) || !i440fx_init(&b->host, &b->pci) ||
	    !piix3_init(&b->bridge, &b->pci, reset_asked, m) ||
	    !piix4pm_init(&b->pm, &b->pci, &b->bridge, slept, m) ||
	    !ide_add_pci(&b->ide, &b->pci, PCI_DEVFN(1, 1)) ||
	    (m->config.board.pci_testdev && !pcitest_init(&b->pci_test, &b->pci, PCI_DEVFN(TEST_DEVICE, 0))))
		return false;
	if (b->has_apic)
		pci_set_message_sink(&b->pci, message, &b->apics);
	return connect_pci_interrupts(b);
}

/* ---- as firmware leaves it ---- */

static const uint8_t pirq[4] = {BOARD_PIRQ};

/* Configuration mechanism 1, as the processor would use it. */
static void configure(struct machine *m, const struct pci_function *f, unsigned offset, unsigned bytes, uint32_t value)
{
	bus_port_write(m->bus, PCI_ADDRESS_PORT, 4, PCI_ENABLE | (uint32_t)f->devfn << 8 | (offset & 0xfc));
	bus_port_write(m->bus, PCI_DATA_PORT + (offset & 3), bytes, value);
}

struct windows {
	uint32_t io, memory; /* next free I/O port; memory is given from the top down */
};

static void place_bars(struct machine *m, const struct pci_function *f, struct windows *w)
{
	uint32_t command = PCI_COMMAND_MASTER;

	for (unsigned i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *bar = &f->bar[i];
		unsigned at = PCI_BAR0 + 4 * i;

		if (bar->kind == PCI_BAR_IO) {
			w->io = (w->io + bar->size - 1) & ~(bar->size - 1);
			configure(m, f, at, 4, w->io);
			w->io += bar->size;
			command |= PCI_COMMAND_IO;
		} else if (bar->kind == PCI_BAR_MEMORY) {
			w->memory = (w->memory - bar->size) & ~(bar->size - 1);
			configure(m, f, at, 4, w->memory);
			command |= PCI_COMMAND_MEMORY;
		}
	}
	configure(m, f, PCI_COMMAND, 2, command);
}

/* PIRQA#-PIRQD#: the pins of the devices, turned by one from slot to slot. */
static void route_pin(struct machine *m, const struct pci_function *f)
{
	unsigned device = f->devfn >> 3, pin = f->config[PCI_INTERRUPT_PIN];

	if (pin && f != &m->board.pm.pci)
		configure(m, f, PCI_INTERRUPT_LINE, 1, pirq[(device - 1 + pin - 1) & 3]);
}

void board_pci_like_firmware(struct machine *m)
{
	struct board *b = &m->board;
	struct windows w = {FIRST_IO, FIRST_MEMORY};

	for (unsigned i = 0; i < 4; i++)
		configure(m, &b->bridge.pci, PIIX3_PIRQ + i, 1, pirq[i]);
	bus_port_write(m->bus, PIC_ELCR_PORT + 1, 1, 1u << (pirq[0] - 8) | 1u << (pirq[2] - 8));
	configure(m, &b->pm.pci, PIIX4PM_PMBA, 4, BOARD_PM_BASE | 1);
	configure(m, &b->pm.pci, PIIX4PM_MISC, 1, PIIX4PM_IO_ENABLE);
	configure(m, &b->pm.pci, PCI_COMMAND, 2, PCI_COMMAND_IO);
	for (unsigned channel = 0; channel < 2; channel++)
		configure(m, &b->ide.pci, IDETIM + 2 * channel, 2, IDETIM_DECODED);
	place_bars(m, &b->ide.pci, &w);
	for (unsigned i = 0; i < b->virtios; i++)
		place_bars(m, &b->virtio[i].virtio.pci, &w);
	if (m->config.board.pci_testdev)
		place_bars(m, &b->pci_test.pci, &w);
	for (unsigned i = 0; i < b->pci.functions; i++)
		route_pin(m, b->pci.function[i]);
	configure(m, &b->host.pci, PAM_TABLES, 1, I440FX_PAM_READ | I440FX_PAM_WRITE);
}

bool board_add_virtio(struct machine *m, struct disk *disk)
{
	struct board *b = &m->board;
	unsigned index = b->virtios;

	if (!virtio_blk_init(&b->virtio[index], &b->pci, &m->clock, PCI_DEVFN(FIRST_VIRTIO + index, 0), index, disk))
		return false;
	b->virtios++;
	return true;
}
