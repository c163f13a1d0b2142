#include <stdio.h>
#include <string.h>

#include "devices/ide_private.h"
#include "devices/order.h"

#define EMPTY 0x7fu

/* ---- interrupts and phases ---- */
static void update_line(struct ide_channel *ch)
{
	bool level = ide_selected(ch)->irq && !(ch->control & IDE_CONTROL_NIEN);

	if (level == ch->irq.level)
		return;
	if (level)
		ide_master_interrupt(ch);
	line_set(&ch->irq, level, level ? clock_new_cause(ch->ide->clock) : 0);
}

void ide_interrupt(struct ide_channel *ch, bool level)
{
	ide_selected(ch)->irq = level;
	update_line(ch);
}

void ide_busy(struct ide_channel *ch, enum ide_step step, uint64_t ns)
{
	struct ide_drive *d = ide_selected(ch);

	d->status = (uint8_t)((d->status | IDE_STATUS_BSY) & ~IDE_STATUS_DRQ);
	ch->step = step;
	ch->waits_for_master = false;
	timer_arm(&ch->timer, ch->ide->clock->now + ns);
}

static uint8_t ready(const struct ide_drive *d)
{
	return d->kind == IDE_CD ? IDE_STATUS_DRDY : IDE_STATUS_DRDY | IDE_STATUS_DSC;
}

void ide_data(struct ide_channel *ch, bool to_host, uint32_t pos, uint32_t end, enum ide_step next, bool interrupt)
{
	struct ide_drive *d = ide_selected(ch);

	ch->to_host = to_host;
	ch->pos = pos;
	ch->block_end = end;
	ch->step = next;
	d->status = ready(d) | IDE_STATUS_DRQ;
	if (interrupt)
		ide_interrupt(ch, true);
}

static void finish(struct ide_channel *ch, uint8_t status, uint8_t error)
{
	struct ide_drive *d = ide_selected(ch);

	timer_cancel(&ch->timer);
	ch->step = STEP_NONE;
	ch->waits_for_master = false;
	ch->pos = ch->block_end = 0;
	d->status = status;
	d->error = error;
	ide_interrupt(ch, true);
}

void ide_done(struct ide_channel *ch)
{
	finish(ch, ready(ide_selected(ch)), 0);
}

void ide_fail(struct ide_channel *ch, uint8_t error)
{
	finish(ch, ready(ide_selected(ch)) | IDE_STATUS_ERR, error);
}

/* ---- resets ---- */
void ide_signature(struct ide_drive *d)
{
	d->count = d->low = (struct ide_deep){1, 0};
	d->mid = (struct ide_deep){d->kind == IDE_CD ? 0x14 : 0x00, 0};
	d->high = (struct ide_deep){d->kind == IDE_CD ? 0xeb : 0x00, 0};
	d->device = 0;
	d->error = 0x01; /* diagnostic code: no error */
	/* A packet device stays not ready until its first command. */
	d->status = d->kind == IDE_CD ? 0 : IDE_STATUS_DRDY | IDE_STATUS_DSC;
}

static void begin_reset(struct ide_channel *ch)
{
	timer_cancel(&ch->timer);
	ch->step = STEP_RESET;
	ch->waits_for_master = false;
	ch->selected = 0;
	ch->pos = ch->block_end = 0;
	for (unsigned i = 0; i < 2; i++) {
		ch->drive[i].irq = false;
		ch->drive[i].status = IDE_STATUS_BSY;
	}
	update_line(ch);
}

static void end_reset(struct ide_channel *ch)
{
	ch->step = STEP_NONE;
	for (unsigned i = 0; i < 2; i++) {
		struct ide_drive *d = &ch->drive[i];

		ide_signature(d);
		d->multiple = 0;
	}
}

static void write_control(struct ide_channel *ch, uint8_t value)
{
	uint8_t changed = value ^ ch->control;

	ch->control = value & (IDE_CONTROL_NIEN | IDE_CONTROL_SRST | IDE_CONTROL_HOB);
	if ((changed & IDE_CONTROL_SRST) && (value & IDE_CONTROL_SRST))
		begin_reset(ch);
	else if (changed & IDE_CONTROL_SRST)
		timer_arm(&ch->timer, ch->ide->clock->now + IDE_RESET_TIME);
	update_line(ch);
}

/* ---- commands ---- */

/* Both drives run it and drive 0 tells the result; then it is selected. */
static void diagnostic(struct ide_channel *ch)
{
	for (unsigned i = 0; i < 2; i++)
		ide_signature(&ch->drive[i]);
	ch->step = STEP_NONE;
	ch->selected = ch->drive[0].kind == IDE_NONE;
	ide_interrupt(ch, true);
}

static void run_command(struct ide_channel *ch)
{
	struct ide_drive *d = ide_selected(ch);
	uint8_t command = d->command;

	d->error = 0;
	ch->dma = false;
	if (command == 0x90)
		diagnostic(ch);
	else if (command == 0xef)
		ide_set_features(ch);
	else if (!(d->kind == IDE_CD ? atapi_command(ch, command) : ide_disk_command(ch, command)))
		ide_fail(ch, IDE_ERROR_ABRT);
}

/* DEVICE RESET: the packet device drops everything, without an interrupt. */
static void device_reset(struct ide_channel *ch)
{
	struct ide_drive *d = ide_selected(ch);
	uint8_t device = d->device;

	timer_cancel(&ch->timer);
	ch->step = STEP_NONE;
	ch->waits_for_master = false;
	ch->pos = ch->block_end = 0;
	ide_signature(d);
	d->device = device & IDE_DEVICE_DEV;
	ide_interrupt(ch, false);
}

static void write_command(struct ide_channel *ch, uint8_t command)
{
	struct ide_drive *d = ide_selected(ch);

	if (ch->step == STEP_RESET || d->kind == IDE_NONE)
		return;
	if (command == 0x08 && d->kind == IDE_CD) {
		device_reset(ch);
		return;
	}
	if (d->status & (IDE_STATUS_BSY | IDE_STATUS_DRQ))
		return;
	ide_interrupt(ch, false);
	d->command = command;
	d->status &= (uint8_t)~(IDE_STATUS_ERR | IDE_STATUS_DF);
	ide_busy(ch, STEP_COMMAND, IDE_COMMAND_TIME);
}

static void step(void *owner, uint64_t when)
{
	struct ide_channel *ch = owner;

	switch (ch->step) {
	case STEP_RESET:
		end_reset(ch);
		break;
	case STEP_COMMAND:
		run_command(ch);
		break;
	case STEP_PACKET:
		atapi_packet(ch);
		break;
	case STEP_PACKET_IN:
		atapi_more(ch);
		break;
	case STEP_READ:
	case STEP_WRITE:
	case STEP_DMA:
		ide_disk_step(ch);
		break;
	case STEP_NONE:
		break;
	}
}

/* ---- the data register ---- */

/* The last byte of a DRQ block has gone. */
static void block_over(struct ide_channel *ch)
{
	struct ide_drive *d = ide_selected(ch);

	if (ch->step == STEP_NONE) /* nothing follows: no interrupt either */
		d->status &= (uint8_t)~IDE_STATUS_DRQ;
	else
		ide_busy(ch, ch->step, IDE_SECTOR_TIME);
}

static bool moves(struct ide_channel *ch, bool to_host)
{
	return (ide_selected(ch)->status & IDE_STATUS_DRQ) && ch->to_host == to_host && ch->pos < ch->block_end;
}

static uint32_t read_data(struct ide_channel *ch, unsigned bytes)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < bytes && moves(ch, true); i++) {
		value |= (uint32_t)ch->buffer[ch->pos++] << (8 * i);
		if (ch->pos == ch->block_end)
			block_over(ch);
	}
	return value;
}

static void write_data(struct ide_channel *ch, unsigned bytes, uint32_t value)
{
	for (unsigned i = 0; i < bytes && moves(ch, false); i++) {
		ch->buffer[ch->pos++] = (uint8_t)(value >> (8 * i));
		if (ch->pos == ch->block_end)
			block_over(ch);
	}
}

/* ---- registers ---- */
static uint8_t deep(const struct ide_channel *ch, const struct ide_deep *reg)
{
	return ch->control & IDE_CONTROL_HOB ? reg->before : reg->now;
}

static void push(struct ide_deep *reg, uint8_t value)
{
	reg->before = reg->now;
	reg->now = value;
}

static uint8_t read_drive(struct ide_channel *ch, unsigned reg, const struct ide_drive *d)
{
	switch (reg) {
	case IDE_ERROR:
		return d->error;
	case IDE_COUNT:
		return deep(ch, &d->count);
	case IDE_LOW:
		return deep(ch, &d->low);
	case IDE_MID:
		return deep(ch, &d->mid);
	case IDE_HIGH:
		return deep(ch, &d->high);
	default:
		return (uint8_t)(d->device | 0xa0 | ch->selected * IDE_DEVICE_DEV);
	}
}

/* alternate: without the interrupt acknowledge.  Drive 0 answers for a drive 1 that is not there: status 0,
 * and the other registers its own; a packet device shows 0 in those too. */
static uint8_t read_register(struct ide_channel *ch, unsigned reg, bool alternate)
{
	const struct ide_drive *d = ide_selected(ch), *first = &ch->drive[0];

	if (d->kind == IDE_NONE && (ch->selected == 0 || first->kind == IDE_NONE))
		return EMPTY;
	if (reg == IDE_STATUS && !alternate)
		ide_interrupt(ch, false);
	if (reg == IDE_STATUS)
		return d->kind == IDE_NONE && ch->step != STEP_RESET ? 0 : d->status;
	if (d->kind != IDE_NONE)
		return read_drive(ch, reg, d);
	return first->kind == IDE_CD && reg != IDE_DEVICE ? 0 : read_drive(ch, reg, first);
}

static void write_drive(struct ide_drive *d, unsigned reg, uint8_t value)
{
	switch (reg) {
	case IDE_ERROR:
		push(&d->feature, value);
		break;
	case IDE_COUNT:
		push(&d->count, value);
		break;
	case IDE_LOW:
		push(&d->low, value);
		break;
	case IDE_MID:
		push(&d->mid, value);
		break;
	case IDE_HIGH:
		push(&d->high, value);
		break;
	default:
		d->device = value;
		break;
	}
}

static void write_register(struct ide_channel *ch, unsigned reg, uint8_t value)
{
	ch->control &= (uint8_t)~IDE_CONTROL_HOB; /* by any write of the command block */
	if (reg == IDE_STATUS) {
		write_command(ch, value);
		return;
	}
	if (ch->step == STEP_RESET || (ide_selected(ch)->status & (IDE_STATUS_BSY | IDE_STATUS_DRQ)))
		return;
	for (unsigned i = 0; i < 2; i++)
		write_drive(&ch->drive[i], reg, value);
	if (reg == IDE_DEVICE) {
		ch->selected = value & IDE_DEVICE_DEV ? 1 : 0;
		update_line(ch);
	}
}

/* ---- ports ---- */
static bool decoded(const struct ide_channel *ch)
{
	const struct pci_function *f = &ch->ide->pci;

	return !f->pci || ((pci_config(f, PCI_COMMAND, 2) & PCI_COMMAND_IO) &&
			   (pci_config(f, 0x40 + 2 * ch->index, 2) & 0x8000));
}

static uint32_t port_read(void *device, uint16_t port, unsigned bytes)
{
	struct ide_channel *ch = device;
	uint32_t value = 0;

	if (!decoded(ch))
		return UINT32_MAX;
	if (port == ch->base) {
		if (ch->drive[0].kind == IDE_NONE && ch->drive[1].kind == IDE_NONE)
			return UINT32_C(0x01010101) * EMPTY;
		return read_data(ch, bytes);
	}
	for (unsigned i = 0; i < bytes; i++) {
		unsigned reg = (unsigned)port + i - ch->base;

		if (reg > IDE_STATUS && reg != IDE_CONTROL)
			value |= UINT32_C(0xff) << (8 * i);
		else
			value |= (uint32_t)read_register(ch, reg == IDE_CONTROL ? IDE_STATUS : reg, reg == IDE_CONTROL)
				 << (8 * i);
	}
	return value;
}

static void port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	struct ide_channel *ch = device;

	if (!decoded(ch))
		return;
	if (port == ch->base) {
		write_data(ch, bytes, value);
		return;
	}
	for (unsigned i = 0; i < bytes; i++) {
		unsigned reg = (unsigned)port + i - ch->base;
		uint8_t byte = (uint8_t)(value >> (8 * i));

		if (reg == IDE_CONTROL)
			write_control(ch, byte);
		else if (reg <= IDE_STATUS)
			write_register(ch, reg, byte);
	}
}

/* ---- construction ---- */
static void power_on(struct ide_channel *ch)
{
	ch->control = 0;
	begin_reset(ch);
	end_reset(ch);
	ide_master_reset(ch);
	for (unsigned i = 0; i < 2; i++) {
		struct ide_drive *d = &ch->drive[i];

		d->heads = 16;
		d->sectors = 63;
		d->cylinders = d->default_cylinders;
		d->dma_mode = 0;
		d->write_cache = d->look_ahead = true;
		d->feature = (struct ide_deep){0, 0};
		d->sense_key = d->asc = d->ascq = 0;
		d->locked = d->ejected = false;
		if (d->kind == IDE_CD)
			atapi_attention(d, 0x29); /* power on, reset, or bus device reset occurred */
	}
}

void ide_reset(struct ide *ide)
{
	for (unsigned i = 0; i < 2; i++)
		power_on(&ide->channel[i]);
}

static void attach(struct ide *ide, unsigned channel, unsigned drive, enum ide_kind kind, struct disk *disk)
{
	struct ide_drive *d = &ide->channel[channel & 1].drive[drive & 1];

	d->kind = kind;
	d->disk = disk;
	snprintf(d->serial, sizeof(d->serial), "TG%05u", 1 + 2 * (channel & 1) + (drive & 1));
	if (kind == IDE_DISK) {
		uint64_t cylinders = disk->sectors / (16 * 63);

		d->default_cylinders = (uint16_t)(cylinders > 16383 ? 16383 : cylinders ? cylinders : 1);
	}
	power_on(&ide->channel[channel & 1]);
}

void ide_attach_disk(struct ide *ide, unsigned channel, unsigned drive, struct disk *disk)
{
	attach(ide, channel, drive, IDE_DISK, disk);
}

void ide_attach_cd(struct ide *ide, unsigned channel, unsigned drive, struct disk *disk)
{
	attach(ide, channel, drive, IDE_CD, disk);
}

void ide_change_cd(struct ide *ide, unsigned channel, unsigned drive, struct disk *disk)
{
	struct ide_drive *d = &ide->channel[channel & 1].drive[drive & 1];

	if (d->kind != IDE_CD)
		return;
	d->disk = disk;
	d->ejected = false;
	d->media_event = true;
	if (disk)
		atapi_attention(d, 0x28); /* not ready to ready change, medium may have changed */
}

bool ide_init(struct ide *ide, struct bus *bus, struct clock *clock)
{
	static const struct port_ops ops = {port_read, port_write};
	static const char *const name[2] = {"IDE primary", "IDE secondary"};
	static const char *const irq[2] = {"IDE IRQ14", "IDE IRQ15"};
	static const uint16_t base[2] = {IDE_PRIMARY, IDE_SECONDARY};

	memset(ide, 0, sizeof(*ide));
	ide->bus = bus;
	ide->clock = clock;
	for (unsigned i = 0; i < 2; i++) {
		struct ide_channel *ch = &ide->channel[i];

		ch->ide = ide;
		ch->index = i;
		ch->base = base[i];
		line_init(&ch->irq, irq[i], clock);
		timer_init(&ch->timer, clock, name[i], ORDER_IDE + (int)i, step, ch);
		power_on(ch);
		if (!bus_add_ports(bus, name[i], base[i], 8, ops, ch) ||
		    !bus_add_ports(bus, name[i], base[i] + IDE_CONTROL, 1, ops, ch))
			return false;
	}
	return true;
}
