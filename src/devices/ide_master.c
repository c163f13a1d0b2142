/* The bus master of the IDE channels, and its PCI function. */
#include <string.h>

#include "devices/ide_private.h"

#define CHANNEL_PORTS 8u
#define PRD_END UINT32_C(0x80000000)

/* ---- moving ---- */
static void kick(struct ide_channel *ch)
{
	bool to_memory = ch->bm_command & IDE_BM_TO_MEMORY;

	if (!ch->waits_for_master || !(ch->bm_status & IDE_BM_ACTIVE) || to_memory != ch->to_host ||
	    !(pci_config(&ch->ide->pci, PCI_COMMAND, 2) & PCI_COMMAND_MASTER))
		return;
	ch->waits_for_master = false;
	timer_arm(&ch->timer, ch->ide->clock->now + ch->delay);
}

void ide_want_master(struct ide_channel *ch, enum ide_step step, bool to_host, uint64_t ns)
{
	struct ide_drive *d = ide_selected(ch);

	d->status = IDE_STATUS_DRDY | IDE_STATUS_DRQ | (d->kind == IDE_CD ? 0 : IDE_STATUS_DSC);
	ch->step = step;
	ch->to_host = to_host;
	ch->pos = ch->block_end = 0; /* nothing for the data register */
	ch->delay = ns;
	ch->waits_for_master = true;
	kick(ch);
}

/* The next region of the table.  Count 0 is 64 KiB. */
static bool next_region(struct ide_channel *ch)
{
	uint32_t entry[2];

	if (ch->prd_last || !pci_master_read(&ch->ide->pci, ch->prd_next, entry, sizeof(entry)))
		return false;
	ch->prd_next += 8;
	ch->prd_address = entry[0] & ~UINT32_C(1);
	ch->prd_left = entry[1] & 0xfffe;
	ch->prd_left = ch->prd_left ? ch->prd_left : 0x10000;
	ch->prd_last = entry[1] & PRD_END;
	return true;
}

/* Nobody claims the cycle: master abort. */
static bool aborts(struct ide_channel *ch)
{
	uint64_t offset;

	if (bus_find(ch->ide->bus, ch->prd_address, &offset))
		return false;
	ch->bm_status = (uint8_t)((ch->bm_status | IDE_BM_ERROR) & ~IDE_BM_ACTIVE);
	return true;
}

uint32_t ide_master_move(struct ide_channel *ch, uint8_t *data, uint32_t size)
{
	struct pci_function *f = &ch->ide->pci;
	uint32_t moved = 0;

	while (moved < size && (ch->bm_status & IDE_BM_ACTIVE)) {
		uint32_t n;

		if (ch->prd_left == 0 && !next_region(ch))
			break;
		if (aborts(ch))
			break;
		n = ch->prd_left < size - moved ? ch->prd_left : size - moved;
		if (!(ch->bm_command & IDE_BM_TO_MEMORY ? pci_master_write(f, ch->prd_address, data + moved, n)
							 : pci_master_read(f, ch->prd_address, data + moved, n)))
			break;
		ch->prd_address += n;
		ch->prd_left -= n;
		moved += n;
		if (ch->prd_left == 0 && ch->prd_last)
			ch->bm_status &= (uint8_t)~IDE_BM_ACTIVE;
	}
	return moved;
}

void ide_master_interrupt(struct ide_channel *ch)
{
	ch->bm_status |= IDE_BM_INTERRUPT;
}

void ide_master_reset(struct ide_channel *ch)
{
	ch->bm_command = ch->bm_status = 0;
	ch->bm_table = 0;
	ch->prd_left = 0;
	ch->prd_last = false;
}

/* ---- registers ---- */
static void write_command(struct ide_channel *ch, uint8_t value)
{
	bool started = value & ~ch->bm_command & IDE_BM_START;
	uint8_t direction = ch->bm_status & IDE_BM_ACTIVE ? ch->bm_command : value;

	ch->bm_command = (uint8_t)((value & IDE_BM_START) | (direction & IDE_BM_TO_MEMORY));
	if (!(value & IDE_BM_START))
		ch->bm_status &= (uint8_t)~IDE_BM_ACTIVE;
	if (!started)
		return;
	ch->bm_status |= IDE_BM_ACTIVE;
	ch->prd_next = ch->bm_table;
	ch->prd_left = 0;
	ch->prd_last = false;
	kick(ch);
}

static uint8_t read_byte(const struct ide_channel *ch, unsigned reg)
{
	switch (reg) {
	case 0:
		return ch->bm_command;
	case 2:
		return ch->bm_status;
	case 4:
	case 5:
	case 6:
	case 7:
		return (uint8_t)(ch->bm_table >> (8 * (reg - 4)));
	default:
		return 0;
	}
}

static void write_byte(struct ide_channel *ch, unsigned reg, uint8_t value)
{
	unsigned shift = 8 * (reg & 3);

	if (reg == 0)
		write_command(ch, value);
	else if (reg == 2)
		ch->bm_status = (uint8_t)((ch->bm_status & 0x07 & ~(value & 0x06)) | (value & 0x60));
	else if (reg >= 4)
		ch->bm_table = ((ch->bm_table & ~(UINT32_C(0xff) << shift)) | (uint32_t)value << shift) & ~UINT32_C(3);
}

static uint64_t master_read(void *device, uint64_t offset, unsigned bytes)
{
	struct ide *ide = device;
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++) {
		unsigned at = (unsigned)offset + i;

		value |= (uint64_t)read_byte(&ide->channel[at / CHANNEL_PORTS & 1], at % CHANNEL_PORTS) << (8 * i);
	}
	return value;
}

static void master_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct ide *ide = device;

	for (unsigned i = 0; i < bytes; i++) {
		unsigned at = (unsigned)offset + i;

		write_byte(&ide->channel[at / CHANNEL_PORTS & 1], at % CHANNEL_PORTS, (uint8_t)(value >> (8 * i)));
	}
}

static void written(void *device, unsigned offset, unsigned bytes)
{
	struct ide *ide = device;

	for (unsigned i = 0; i < 2; i++)
		kick(&ide->channel[i]);
}

bool ide_add_pci(struct ide *ide, struct pci *pci, uint8_t devfn)
{
	static const struct pci_identity id = {0x8086, 0x7010, 0x1af4, 0x1100, 0x00, 0x010180, 0};
	static const struct mmio_ops ops = {master_read, master_write};
	struct pci_function *f = &ide->pci;

	pci_function_begin(f, "PIIX3 IDE", devfn, &id);
	pci_function_register(f, PCI_COMMAND, 2, 0x0000, 0x0005);
	pci_function_register(f, PCI_STATUS, 2, 0x0280, 0);
	pci_function_clear_bits(f, PCI_STATUS, 2, 0x3800);
	pci_function_register(f, PCI_LATENCY, 1, 0x00, 0xf0);
	pci_function_register(f, 0x40, 4, 0, 0xf3fff3ff); /* IDETIM of both channels; bits 11-10 are reserved */
	pci_function_register(f, 0x44, 1, 0, 0xff);       /* SIDETIM */
	/* The PIIX3's BMIBA has bits 31-16 hardwired to 0.  SeaBIOS takes the size of a window from all 32 bits and finds no
	 * room for one of FFFF0010h ports: here they can be written. */
	pci_function_bar(f, 4, PCI_BAR_IO, 2 * CHANNEL_PORTS, ops);
	f->written = written;
	f->device = ide;
	return pci_add(pci, f);
}
