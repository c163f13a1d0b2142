#include <string.h>

#include "devices/bytewise.h"
#include "devices/fdc_private.h"
#include "devices/order.h"

#define CONFIGURE_DEFAULT FDC_EFIFO

static const struct fdc_geometry geometries[] = {
	{40, 1, 8, 0x06, 1, "a 160K floppy"},   {40, 1, 9, 0x06, 1, "a 180K floppy"},
	{40, 2, 8, 0x06, 1, "a 320K floppy"},   {40, 2, 9, 0x06, 1, "a 360K floppy"},
	{80, 2, 9, 0x06, 3, "a 720K floppy"},   {80, 2, 15, 0x01, 2, "a 1.2M floppy"},
	{80, 2, 18, 0x01, 4, "a 1.44M floppy"}, {80, 2, 21, 0x01, 4, "a 1.68M floppy"},
	{82, 2, 21, 0x01, 4, "a 1.72M floppy"}, {83, 2, 21, 0x01, 4, "a 1.74M floppy"},
	{80, 2, 36, 0x08, 5, "a 2.88M floppy"},
};
#define GEOMETRIES (sizeof(geometries) / sizeof(geometries[0]))
#define USUAL 6 /* a disk whose size says nothing is 1.44M */

/* ---- interrupts and phases ---- */
void fdc_update_irq(struct fdc *fdc)
{
	bool level = (fdc->interrupt || fdc->seek_ended) && (fdc->dor & FDC_DOR_DMAGATE) && (fdc->dor & FDC_DOR_RESET);

	if (level != fdc->irq.level)
		line_set(&fdc->irq, level, level ? clock_new_cause(fdc->clock) : 0);
}

void fdc_raise(struct fdc *fdc, bool interrupt)
{
	fdc->interrupt = interrupt;
	fdc_update_irq(fdc);
}

void fdc_results(struct fdc *fdc, unsigned n, bool interrupt)
{
	fdc->phase = n ? FDC_RESULT : FDC_COMMAND;
	fdc->results = n;
	fdc->read = fdc->have = 0;
	fdc->waiting = false;
	if (interrupt)
		fdc_raise(fdc, true);
}

static void one_result(struct fdc *fdc, uint8_t value)
{
	fdc->result[0] = value;
	fdc_results(fdc, 1, false);
}

/* ---- commands without a data transfer ---- */
static void invalid(struct fdc *fdc)
{
	one_result(fdc, FDC_ST0_INVALID);
}

static void scan(struct fdc *fdc)
{
	bus_gap(fdc->bus, "82077AA: SCAN command %02xh", fdc->command[0]);
	invalid(fdc);
}

static void specify(struct fdc *fdc)
{
	fdc->srt_hut = fdc->command[1];
	fdc->hlt_nd = fdc->command[2];
	fdc_results(fdc, 0, false);
}

static void sense_drive(struct fdc *fdc)
{
	const struct fdc_drive *d = fdc_drive(fdc);
	uint8_t st3 = (fdc->command[1] & 7) | 0x28; /* ready, two sides */

	if (d->present && d->cylinder == 0)
		st3 |= 0x10;
	if (d->disk && d->disk->read_only)
		st3 |= 0x40;
	one_result(fdc, st3);
}

/* After a reset the first four tell of polling, drive by drive; then seeks that have ended. */
static void sense_interrupt(struct fdc *fdc)
{
	unsigned drive;

	if (fdc->poll_left) {
		drive = 4 - fdc->poll_left--;
		fdc->result[0] = (uint8_t)(FDC_ST0_POLLING | drive);
		fdc->result[1] = fdc->pcn[drive];
		fdc_results(fdc, 2, false);
		fdc_raise(fdc, false);
		return;
	}
	for (drive = 0; drive < 4; drive++) {
		if (!(fdc->seek_ended & 1u << drive))
			continue;
		fdc->seek_ended &= (uint8_t)~(1u << drive);
		fdc->result[0] = fdc->seek_st0[drive];
		fdc->result[1] = fdc->pcn[drive];
		fdc_results(fdc, 2, false);
		line_set(&fdc->irq, false, 0); /* another one waiting makes an edge of its own */
		fdc_raise(fdc, false);
		return;
	}
	invalid(fdc);
}

/* ---- seeks: several drives may be under way ---- */
static void next_seek_timer(struct fdc *fdc)
{
	uint64_t when = CLOCK_NEVER;

	for (unsigned i = 0; i < 4; i++) {
		if ((fdc->seeking & 1u << i) && fdc->seek_when[i] < when)
			when = fdc->seek_when[i];
	}
	if (when == CLOCK_NEVER)
		timer_cancel(&fdc->seek_timer);
	else
		timer_arm(&fdc->seek_timer, when);
}

static void end_seek(struct fdc *fdc, unsigned n)
{
	struct fdc_drive *d = &fdc->drive[n];

	fdc->seeking &= (uint8_t)~(1u << n);
	fdc->seek_ended |= (uint8_t)(1u << n);
	fdc->pcn[n] = fdc->seek_to[n];
	if (!d->present)
		return;
	if (d->disk && d->cylinder != fdc->seek_to[n])
		d->changed = false; /* a step pulse with a disk in place */
	d->cylinder = fdc->seek_to[n];
}

static void seek_fire(void *owner, uint64_t when)
{
	struct fdc *fdc = owner;

	for (unsigned i = 0; i < 4; i++) {
		if ((fdc->seeking & 1u << i) && fdc->seek_when[i] <= when)
			end_seek(fdc, i);
	}
	next_seek_timer(fdc);
	fdc_update_irq(fdc);
}

static void begin_seek(struct fdc *fdc, unsigned to, uint8_t st0)
{
	unsigned n = fdc->command[1] & 3, from = fdc->pcn[n];
	unsigned steps = to > from ? to - from : from - to;

	fdc->seeking |= (uint8_t)(1u << n);
	fdc->seek_ended &= (uint8_t)~(1u << n);
	fdc->seek_to[n] = (uint8_t)to;
	fdc->seek_st0[n] = (uint8_t)(st0 | n);
	fdc->seek_when[n] = fdc->clock->now + FDC_COMMAND_TIME + steps * FDC_STEP_TIME;
	next_seek_timer(fdc);
	fdc_results(fdc, 0, false);
	fdc_update_irq(fdc);
}

/* Without a drive track 0 never comes. */
static void recalibrate(struct fdc *fdc)
{
	bool found = fdc_drive(fdc)->present;

	fdc->command[1] &= 3;
	if (found) /* the pulses go by where the heads are, not by where the controller thinks they are */
		fdc->pcn[fdc->command[1]] = fdc_drive(fdc)->cylinder;
	begin_seek(fdc, 0, found ? FDC_ST0_SEEK_END : FDC_ST0_SEEK_END | FDC_ST0_ABNORMAL | FDC_ST0_EQUIPMENT);
}

static void seek(struct fdc *fdc)
{
	begin_seek(fdc, fdc->command[2], FDC_ST0_SEEK_END);
}

static void relative_seek(struct fdc *fdc)
{
	unsigned from = fdc->pcn[fdc->command[1] & 3], by = fdc->command[2];

	if (fdc->command[0] & 0x40) /* in */
		begin_seek(fdc, from + by > 255 ? 255 : from + by, FDC_ST0_SEEK_END);
	else
		begin_seek(fdc, from < by ? 0 : from - by, FDC_ST0_SEEK_END);
}

/* ---- the rest ---- */
static void dump_registers(struct fdc *fdc)
{
	memcpy(fdc->result, fdc->pcn, 4);
	fdc->result[4] = fdc->srt_hut;
	fdc->result[5] = fdc->hlt_nd;
	fdc->result[6] = fdc->sc_eot;
	fdc->result[7] = (uint8_t)(fdc->locked << 7 | (fdc->perpendicular & 0x3f));
	fdc->result[8] = fdc->configure;
	fdc->result[9] = fdc->pretrack;
	fdc_results(fdc, 10, false);
}

static void version(struct fdc *fdc)
{
	one_result(fdc, 0x90);
}

static void perpendicular(struct fdc *fdc)
{
	/* OW: D3-D0 may be written too */
	if (fdc->command[1] & 0x80)
		fdc->perpendicular = fdc->command[1] & 0x3f;
	else
		fdc->perpendicular = (fdc->perpendicular & 0x3c) | (fdc->command[1] & 3);
	fdc_results(fdc, 0, false);
}

static void configure(struct fdc *fdc)
{
	fdc->configure = fdc->command[2] & 0x7f;
	fdc->pretrack = fdc->command[3];
	fdc_results(fdc, 0, false);
}

static void lock(struct fdc *fdc)
{
	fdc->locked = fdc->command[0] & 0x80;
	one_result(fdc, (uint8_t)(fdc->locked << 4));
}

struct fdc_command {
	uint8_t code, mask; /* the bits of the first byte that count */
	uint8_t bytes;
	void (*run)(struct fdc *fdc);
};

/* Table 5-1, "82077AA command set". */
static const struct fdc_command commands[] = {
	{0x06, 0x1f, 9, fdc_start_transfer}, /* READ DATA */
	{0x0c, 0x1f, 9, fdc_start_transfer}, /* READ DELETED DATA */
	{0x05, 0x3f, 9, fdc_start_transfer}, /* WRITE DATA */
	{0x09, 0x3f, 9, fdc_start_transfer}, /* WRITE DELETED DATA */
	{0x02, 0x9f, 9, fdc_start_transfer}, /* READ TRACK */
	{0x16, 0x1f, 9, fdc_start_transfer}, /* VERIFY */
	{0x10, 0xff, 1, version},
	{0x0d, 0xbf, 6, fdc_start_format},
	{0x11, 0x1f, 9, scan},
	{0x19, 0x1f, 9, scan},
	{0x1d, 0x1f, 9, scan},
	{0x07, 0xff, 2, recalibrate},
	{0x08, 0xff, 1, sense_interrupt},
	{0x03, 0xff, 3, specify},
	{0x04, 0xff, 2, sense_drive},
	{0x13, 0xff, 4, configure},
	{0x0f, 0xff, 3, seek},
	{0x8f, 0xbf, 3, relative_seek},
	{0x0e, 0xff, 1, dump_registers},
	{0x0a, 0xbf, 2, fdc_start_read_id},
	{0x12, 0xff, 2, perpendicular},
	{0x14, 0x7f, 1, lock},
};

static const struct fdc_command *find(uint8_t first)
{
	static const struct fdc_command none = {0, 0, 1, invalid};

	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if ((first & commands[i].mask) == commands[i].code)
			return &commands[i];
	}
	return &none;
}

static void command_byte(struct fdc *fdc, uint8_t value)
{
	const struct fdc_command *c;

	fdc->command[fdc->have++] = value;
	c = find(fdc->command[0]);
	fdc->want = c->bytes;
	if (fdc->have == c->bytes)
		c->run(fdc);
}

/* ---- registers ---- */
static uint8_t main_status(const struct fdc *fdc)
{
	uint8_t busy = fdc->seeking;

	switch (fdc->phase) {
	case FDC_IN_RESET:
		return 0;
	case FDC_COMMAND:
		return busy | FDC_MSR_RQM | (fdc->have ? FDC_MSR_BUSY : 0);
	case FDC_RESULT:
		return busy | FDC_MSR_RQM | FDC_MSR_DIO | FDC_MSR_BUSY;
	case FDC_EXECUTE:
		break;
	}
	busy |= FDC_MSR_BUSY | (fdc->hlt_nd & 1 ? FDC_MSR_NONDMA : 0);
	if (fdc->waiting)
		busy |= FDC_MSR_RQM | (fdc_to_host(fdc) ? FDC_MSR_DIO : 0);
	return busy;
}

static uint8_t read_fifo(struct fdc *fdc)
{
	uint8_t value;

	if (fdc->phase == FDC_EXECUTE && fdc->waiting && fdc_to_host(fdc))
		return fdc_data_read(fdc);
	if (fdc->phase != FDC_RESULT)
		return 0xff;
	if (fdc->read == 0)
		fdc_raise(fdc, fdc->poll_left == 4);
	value = fdc->result[fdc->read++];
	if (fdc->read == fdc->results)
		fdc_results(fdc, 0, false);
	return value;
}

static void write_fifo(struct fdc *fdc, uint8_t value)
{
	if (fdc->phase == FDC_COMMAND)
		command_byte(fdc, value);
	else if (fdc->phase == FDC_EXECUTE && fdc->waiting && !fdc_to_host(fdc))
		fdc_data_write(fdc, value);
}

/* Everything but SPECIFY's values; CONFIGURE's stay if they are locked. */
static void enter_reset(struct fdc *fdc)
{
	timer_cancel(&fdc->timer);
	timer_cancel(&fdc->seek_timer);
	fdc_abandon(fdc);
	fdc->phase = FDC_IN_RESET;
	fdc->have = fdc->results = fdc->read = fdc->poll_left = 0;
	fdc->seeking = fdc->seek_ended = 0;
	memset(fdc->pcn, 0, sizeof(fdc->pcn));
	fdc->perpendicular &= 0x3c;
	if (!fdc->locked) {
		fdc->configure = CONFIGURE_DEFAULT;
		fdc->pretrack = 0;
	}
	fdc_raise(fdc, false);
}

static void leave_reset(struct fdc *fdc)
{
	timer_arm(&fdc->timer, fdc->clock->now + FDC_RESET_TIME);
}

static void out_of_reset(struct fdc *fdc)
{
	fdc->phase = FDC_COMMAND;
	if (fdc->configure & FDC_POLL)
		return;
	fdc->poll_left = 4;
	fdc_raise(fdc, true);
}

static void write_dor(struct fdc *fdc, uint8_t value)
{
	uint8_t changed = value ^ fdc->dor;

	fdc->dor = value;
	if ((changed & FDC_DOR_RESET) && (value & FDC_DOR_RESET))
		leave_reset(fdc);
	else if (changed & FDC_DOR_RESET)
		enter_reset(fdc);
	fdc_update_irq(fdc);
}

static void write_dsr(struct fdc *fdc, uint8_t value)
{
	fdc->dsr = value & 0x7f;
	fdc->rate = value & 3;
	if (!(value & FDC_DSR_RESET) || !(fdc->dor & FDC_DOR_RESET))
		return;
	enter_reset(fdc); /* the bit clears itself */
	leave_reset(fdc);
}

static uint8_t read_dir(const struct fdc *fdc)
{
	unsigned n = fdc->dor & 3;
	const struct fdc_drive *d = &fdc->drive[n];
	bool selected = d->present && (fdc->dor & 0x10u << n);

	return (uint8_t)(0x7f | (selected && (d->changed || !d->disk) ? FDC_DIR_CHANGED : 0));
}

static uint8_t read_port(void *device, uint16_t port)
{
	struct fdc *fdc = device;

	switch (port - FDC_PORT) {
	case FDC_DOR:
		return fdc->dor;
	case FDC_TDR:
		return fdc->tdr | 0xfc;
	case FDC_MSR:
		return main_status(fdc);
	case FDC_FIFO:
		return read_fifo(fdc);
	case FDC_DIR:
		return read_dir(fdc);
	default:
		return 0xff;
	}
}

static void write_port(void *device, uint16_t port, uint8_t value)
{
	struct fdc *fdc = device;

	switch (port - FDC_PORT) {
	case FDC_DOR:
		write_dor(fdc, value);
		break;
	case FDC_TDR:
		fdc->tdr = value & 3;
		break;
	case FDC_MSR:
		write_dsr(fdc, value);
		break;
	case FDC_FIFO:
		write_fifo(fdc, value);
		break;
	case FDC_DIR:
		fdc->rate = value & 3;
		break;
	default:
		break;
	}
}

static uint32_t port_read(void *device, uint16_t port, unsigned bytes)
{
	return bytewise_read(read_port, device, port, bytes);
}

static void port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	bytewise_write(write_port, device, port, bytes, value);
}

static void fire(void *owner, uint64_t when)
{
	struct fdc *fdc = owner;

	if (fdc->phase == FDC_IN_RESET)
		out_of_reset(fdc);
	else
		fdc_continue(fdc);
}

/* ---- drives ---- */
bool fdc_insert(struct fdc *fdc, unsigned drive, struct disk *disk)
{
	struct fdc_drive *d = &fdc->drive[drive % FDC_DRIVES];
	const struct fdc_geometry *found = NULL;

	for (unsigned i = 0; disk && i < GEOMETRIES; i++) {
		const struct fdc_geometry *g = &geometries[i];
		uint64_t sectors = (uint64_t)g->cylinders * g->heads * g->sectors;

		if (sectors == disk->sectors) {
			found = g;
			break;
		}
		/* Sizes of no floppy: the usual one, or the first after it that is large enough. */
		if (!found && i >= USUAL && sectors > disk->sectors)
			found = g;
	}
	if (disk && (!found || !disk_enlarge(disk, (uint64_t)found->cylinders * found->heads * found->sectors,
					     found->name)))
		return false;
	d->present = true;
	d->disk = disk;
	d->geometry = found ? found : d->geometry;
	d->changed = true;
	d->next_id = 0;
	return true;
}

uint8_t fdc_cmos_type(const struct fdc *fdc, unsigned drive)
{
	const struct fdc_drive *d = &fdc->drive[drive % FDC_DRIVES];

	if (!d->present)
		return 0;
	return d->geometry ? d->geometry->cmos_type : geometries[USUAL].cmos_type;
}

void fdc_reset(struct fdc *fdc)
{
	fdc->locked = false;
	fdc->dor = fdc->tdr = 0;
	fdc->dsr = fdc->rate = 2;
	fdc->srt_hut = fdc->hlt_nd = fdc->perpendicular = fdc->sc_eot = 0;
	memset(fdc->id, 0, sizeof(fdc->id));
	enter_reset(fdc);
}

bool fdc_init(struct fdc *fdc, struct bus *bus, struct clock *clock, struct dma *dma)
{
	static const struct port_ops ops = {port_read, port_write};

	memset(fdc, 0, sizeof(*fdc));
	fdc->bus = bus;
	fdc->clock = clock;
	fdc->dma = dma;
	line_init(&fdc->irq, "FDC IRQ6", clock);
	timer_init(&fdc->timer, clock, "82077AA", ORDER_FDC, fire, fdc);
	timer_init(&fdc->seek_timer, clock, "82077AA seek", ORDER_FDC + 1, seek_fire, fdc);
	fdc_reset(fdc);
	return bus_add_ports(bus, "82077AA", FDC_PORT, 6, ops, fdc) &&
	       bus_add_ports(bus, "82077AA", FDC_PORT + FDC_DIR, 1, ops, fdc);
}
