/* Reading, writing, verifying and formatting of floppies. */
#include <string.h>

#include "devices/fdc_private.h"

enum operation { OP_WRITE = 0x05, OP_READ = 0x06, OP_WRITE_DELETED = 0x09, OP_READ_DELETED = 0x0c,
		 OP_READ_TRACK = 0x02, OP_VERIFY = 0x16, OP_READ_ID = 0x0a, OP_FORMAT = 0x0d };

static unsigned operation(const struct fdc *fdc)
{
	return fdc->command[0] & 0x1f;
}

static bool writes(const struct fdc *fdc)
{
	unsigned op = operation(fdc);

	return op == OP_WRITE || op == OP_WRITE_DELETED || op == OP_FORMAT;
}

bool fdc_to_host(const struct fdc *fdc)
{
	return !writes(fdc);
}

static bool programmed(const struct fdc *fdc)
{
	return fdc->hlt_nd & 1;
}

static void after(struct fdc *fdc, uint64_t ns)
{
	timer_arm(&fdc->timer, fdc->clock->now + ns);
}

void fdc_abandon(struct fdc *fdc)
{
	dma_set_request(fdc->dma, FDC_DMA, false);
	fdc->waiting = false;
	fdc->pos = fdc->size = 0;
}

/* ---- results ---- */
static void finish(struct fdc *fdc, uint8_t st0, uint8_t st1, uint8_t st2)
{
	fdc_abandon(fdc);
	fdc->result[0] = (uint8_t)(st0 | fdc->head << 2 | (fdc->command[1] & 3));
	fdc->result[1] = st1 | fdc->st1;
	fdc->result[2] = st2 | fdc->st2;
	memcpy(fdc->result + 3, fdc->id, 4);
	fdc_results(fdc, 7, true);
}

static void fail(struct fdc *fdc, uint8_t st1, uint8_t st2)
{
	finish(fdc, FDC_ST0_ABNORMAL, st1, st2);
}

/* The ID after the sector just done (table 5-5, "Result phase").  True: it was the last one, EOT. */
static bool advance_id(struct fdc *fdc)
{
	bool multi = (fdc->command[0] & FDC_MT) && operation(fdc) != OP_READ_TRACK;

	if (fdc->id[2] != fdc->command[6]) {
		fdc->id[2]++;
		return false;
	}
	fdc->id[2] = 1;
	if (multi)
		fdc->id[1] ^= 1;
	if (!multi || fdc->head == 1) {
		fdc->id[0]++;
		return true;
	}
	fdc->head = 1;
	return false;
}

/* ---- sectors ---- */

/* A disk is there, and its recording is the rate's and MFM. */
static bool readable(struct fdc *fdc)
{
	const struct fdc_drive *d = fdc_drive(fdc);

	return d->disk && (d->geometry->rates >> fdc->rate & 1) && (fdc->command[0] & FDC_MFM) &&
	       d->cylinder < d->geometry->cylinders && fdc->head < d->geometry->heads;
}

/* Looks for the ID; false: the command has failed. */
static bool find_sector(struct fdc *fdc, uint64_t *lba)
{
	const struct fdc_drive *d = fdc_drive(fdc);
	const struct fdc_geometry *g = d->geometry;
	unsigned sector = fdc->id[2];

	if (!readable(fdc)) {
		fail(fdc, FDC_ST1_NO_MARK, 0);
		return false;
	}
	if (operation(fdc) == OP_READ_TRACK) {
		/* Whatever comes past the head, from the index on. */
		if (fdc->id[0] != d->cylinder || fdc->id[1] != fdc->head || fdc->id[3] != 2)
			fdc->st1 |= FDC_ST1_NO_DATA;
	} else if (fdc->id[0] != d->cylinder) {
		fail(fdc, FDC_ST1_NO_DATA, FDC_ST2_WRONG_CYLINDER);
		return false;
	} else if (fdc->id[1] != fdc->head || fdc->id[3] != 2) {
		fail(fdc, FDC_ST1_NO_DATA, 0);
		return false;
	}
	if (sector == 0 || sector > g->sectors) {
		fail(fdc, FDC_ST1_NO_DATA, 0);
		return false;
	}
	*lba = ((uint64_t)d->cylinder * g->heads + fdc->head) * g->sectors + sector - 1;
	return true;
}

static bool failed(struct fdc *fdc, enum disk_result result)
{
	if (result == DISK_OK)
		return false;
	if (result == DISK_PROTECTED)
		fail(fdc, FDC_ST1_PROTECTED, 0);
	else if (writes(fdc))
		finish(fdc, FDC_ST0_ABNORMAL | FDC_ST0_EQUIPMENT, 0, 0);
	else
		fail(fdc, FDC_ST1_DATA, FDC_ST2_DATA);
	return true;
}

/* The sector is done; stop: by terminal count. */
static void sector_done(struct fdc *fdc, bool stop)
{
	bool end = advance_id(fdc);

	fdc->pos = fdc->size = 0;
	if (stop)
		finish(fdc, 0, 0, 0);
	else if (end)
		fail(fdc, FDC_ST1_END, 0);
	else
		after(fdc, FDC_SECTOR_TIME);
}

/* ---- reading ---- */
static void read_sector(struct fdc *fdc)
{
	uint64_t lba;
	bool terminal = false;

	/* All marks of a raw image are normal ones.  SK skips the others. */
	if (operation(fdc) == OP_READ_DELETED) {
		if (find_sector(fdc, &lba))
			fail(fdc, fdc->command[0] & 0x20 ? FDC_ST1_NO_DATA : 0, FDC_ST2_DELETED);
		return;
	}
	if (!find_sector(fdc, &lba) || failed(fdc, disk_read(fdc_drive(fdc)->disk, lba, 1, fdc->buffer)))
		return;
	fdc->pos = 0;
	fdc->size = FDC_SECTOR;
	if (programmed(fdc)) {
		fdc->waiting = true;
		fdc_raise(fdc, true);
		return;
	}
	dma_set_request(fdc->dma, FDC_DMA, true);
	fdc->pos = (unsigned)dma_move(fdc->dma, FDC_DMA, fdc->buffer, fdc->size, &terminal);
	dma_set_request(fdc->dma, FDC_DMA, false);
	if (fdc->pos < fdc->size && !terminal)
		fail(fdc, FDC_ST1_OVERRUN, 0);
	else
		sector_done(fdc, terminal);
}

uint8_t fdc_data_read(struct fdc *fdc)
{
	uint8_t value = fdc->buffer[fdc->pos++];

	if (fdc->pos == fdc->size) {
		fdc->waiting = false;
		fdc_raise(fdc, false);
		sector_done(fdc, false);
	}
	return value;
}

/* VERIFY: EC makes DTL the number of sectors and the end a good one. */
static void verify_sector(struct fdc *fdc)
{
	bool counted = fdc->command[1] & 0x80, end;
	uint64_t lba;

	if (!find_sector(fdc, &lba) || failed(fdc, disk_read(fdc_drive(fdc)->disk, lba, 1, fdc->buffer)))
		return;
	end = advance_id(fdc);
	if (counted ? --fdc->verify_left == 0 : end)
		finish(fdc, 0, 0, 0);
	else if (end)
		fail(fdc, FDC_ST1_END, 0);
	else
		after(fdc, FDC_SECTOR_TIME);
}

/* ---- writing ---- */

/* The data of a sector have come; what is missing of it is zeros. */
static void write_sector(struct fdc *fdc, bool terminal)
{
	uint64_t lba;

	if (!find_sector(fdc, &lba))
		return;
	memset(fdc->buffer + fdc->pos, 0, FDC_SECTOR - fdc->pos);
	if (operation(fdc) == OP_WRITE_DELETED) {
		bus_gap(fdc->bus, "82077AA: a deleted data mark, which a raw image cannot hold");
		finish(fdc, FDC_ST0_ABNORMAL | FDC_ST0_EQUIPMENT, 0, 0);
		return;
	}
	if (!failed(fdc, disk_write(fdc_drive(fdc)->disk, lba, 1, fdc->buffer)))
		sector_done(fdc, terminal);
}

/* A sector of the track that is formatted: its ID in the buffer. */
static void format_sector(struct fdc *fdc, bool terminal)
{
	const struct fdc_drive *d = fdc_drive(fdc);
	const struct fdc_geometry *g = d->geometry;
	const uint8_t *id = fdc->buffer;
	uint64_t lba = ((uint64_t)d->cylinder * g->heads + fdc->head) * g->sectors + id[2] - 1;

	memcpy(fdc->id, id, 4);
	if (id[0] != d->cylinder || id[1] != fdc->head || id[2] == 0 || id[2] > g->sectors || id[3] != 2) {
		finish(fdc, FDC_ST0_ABNORMAL | FDC_ST0_EQUIPMENT, 0, 0);
		return;
	}
	memset(fdc->buffer, fdc->command[5], FDC_SECTOR);
	if (failed(fdc, disk_write(d->disk, lba, 1, fdc->buffer)))
		return;
	fdc->pos = fdc->size = 0;
	if (--fdc->verify_left == 0 || terminal)
		finish(fdc, 0, 0, 0);
	else
		after(fdc, FDC_SECTOR_TIME);
}

static void data_here(struct fdc *fdc, bool terminal)
{
	if (operation(fdc) == OP_FORMAT)
		format_sector(fdc, terminal);
	else
		write_sector(fdc, terminal);
}

/* Asks the host for size bytes. */
static void ask(struct fdc *fdc, unsigned size)
{
	bool terminal = false;
	uint64_t lba;

	if (operation(fdc) != OP_FORMAT && !find_sector(fdc, &lba))
		return;
	fdc->pos = 0;
	fdc->size = size;
	if (programmed(fdc)) {
		fdc->waiting = true;
		fdc_raise(fdc, true);
		return;
	}
	dma_set_request(fdc->dma, FDC_DMA, true);
	fdc->pos = (unsigned)dma_move(fdc->dma, FDC_DMA, fdc->buffer, size, &terminal);
	dma_set_request(fdc->dma, FDC_DMA, false);
	if (fdc->pos < size && (!terminal || operation(fdc) == OP_FORMAT))
		fail(fdc, FDC_ST1_OVERRUN, 0);
	else
		data_here(fdc, terminal);
}

void fdc_data_write(struct fdc *fdc, uint8_t value)
{
	fdc->buffer[fdc->pos++] = value;
	if (fdc->pos < fdc->size)
		return;
	fdc->waiting = false;
	fdc_raise(fdc, false);
	data_here(fdc, false);
}

/* ---- beginning ---- */
static void begin(struct fdc *fdc)
{
	struct fdc_drive *d = fdc_drive(fdc);

	fdc->phase = FDC_EXECUTE;
	fdc->head = fdc->command[1] >> 2 & 1;
	fdc->st1 = fdc->st2 = 0;
	fdc_abandon(fdc);
	after(fdc, d->disk ? FDC_COMMAND_TIME + FDC_SECTOR_TIME : FDC_NO_DISK_TIME);
}

void fdc_start_transfer(struct fdc *fdc)
{
	struct fdc_drive *d = fdc_drive(fdc);

	memcpy(fdc->id, fdc->command + 2, 4);
	fdc->verify_left = fdc->command[8];
	fdc->sc_eot = fdc->command[6];
	begin(fdc);
	if ((fdc->configure & FDC_EIS) && d->present) /* implied seek */
		fdc->pcn[fdc->command[1] & 3] = d->cylinder = fdc->id[0];
	if (operation(fdc) == OP_READ_TRACK)
		fdc->id[2] = 1;
}

void fdc_start_format(struct fdc *fdc)
{
	memset(fdc->id, 0, sizeof(fdc->id));
	fdc->verify_left = fdc->sc_eot = fdc->command[3];
	begin(fdc);
}

void fdc_start_read_id(struct fdc *fdc)
{
	memset(fdc->id, 0, sizeof(fdc->id));
	begin(fdc);
}

static void read_id(struct fdc *fdc)
{
	struct fdc_drive *d = fdc_drive(fdc);

	if (!readable(fdc)) {
		fail(fdc, FDC_ST1_NO_MARK, 0);
		return;
	}
	fdc->id[0] = d->cylinder;
	fdc->id[1] = fdc->head;
	fdc->id[2] = d->next_id % d->geometry->sectors + 1;
	fdc->id[3] = 2;
	d->next_id = fdc->id[2];
	finish(fdc, 0, 0, 0);
}

void fdc_continue(struct fdc *fdc)
{
	const struct fdc_drive *d = fdc_drive(fdc);

	if (fdc->phase != FDC_EXECUTE)
		return;
	if (!d->disk || (operation(fdc) == OP_FORMAT && !readable(fdc)))
		fail(fdc, FDC_ST1_NO_MARK, 0);
	else if (writes(fdc) && d->disk->read_only)
		fail(fdc, FDC_ST1_PROTECTED, 0);
	else if (operation(fdc) == OP_READ_ID)
		read_id(fdc);
	else if (operation(fdc) == OP_FORMAT)
		ask(fdc, 4);
	else if (writes(fdc))
		ask(fdc, FDC_SECTOR);
	else if (operation(fdc) == OP_VERIFY)
		verify_sector(fdc);
	else
		read_sector(fdc);
}
