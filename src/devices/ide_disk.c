/* Commands of ATA disks (ATA/ATAPI-6, "Command descriptions"). */
#include <string.h>

#include "devices/ide_private.h"

#define CHUNK (IDE_BUFFER / IDE_SECTOR)
#define LIMIT_28 UINT64_C(0x0fffffff) /* sectors that 28 bits reach, as IDENTIFY tells them */

/* How a command addresses and moves. */
#define EXT 0x01u      /* 48 bits */
#define WRITES 0x02u
#define MULTIPLE 0x04u
#define DMA 0x08u

/* ---- addresses ---- */
static uint64_t lba_of(const struct ide_drive *d, bool ext)
{
	uint64_t low = d->low.now | (uint64_t)d->mid.now << 8 | (uint64_t)d->high.now << 16;

	if (ext)
		return low | (uint64_t)d->low.before << 24 | (uint64_t)d->mid.before << 32 |
		       (uint64_t)d->high.before << 40;
	return low | (uint64_t)(d->device & 0x0f) << 24;
}

/* False: no such cylinder, head or sector in the translation in force. */
static bool first_sector(const struct ide_drive *d, bool ext, uint64_t *lba)
{
	unsigned cylinder = d->mid.now | (unsigned)d->high.now << 8, head = d->device & 0x0f, sector = d->low.now;

	if (ext || (d->device & IDE_DEVICE_LBA)) {
		*lba = lba_of(d, ext);
		return true;
	}
	if (sector == 0 || sector > d->sectors || head >= d->heads)
		return false;
	*lba = ((uint64_t)cylinder * d->heads + head) * d->sectors + sector - 1;
	return true;
}

static uint32_t sector_count(const struct ide_drive *d, bool ext)
{
	uint32_t count = d->count.now;

	if (ext) {
		count |= (uint32_t)d->count.before << 8;
		return count ? count : 65536;
	}
	return count ? count : 256;
}

static void set_lba(struct ide_drive *d, bool ext, uint64_t lba)
{
	d->low.now = (uint8_t)lba;
	d->mid.now = (uint8_t)(lba >> 8);
	d->high.now = (uint8_t)(lba >> 16);
	if (ext) {
		d->low.before = (uint8_t)(lba >> 24);
		d->mid.before = (uint8_t)(lba >> 32);
		d->high.before = (uint8_t)(lba >> 40);
	} else {
		d->device = (uint8_t)((d->device & 0xf0) | (lba >> 24 & 0x0f));
	}
}

static void set_address(struct ide_drive *d, bool ext, uint64_t lba)
{
	if (ext || (d->device & IDE_DEVICE_LBA)) {
		set_lba(d, ext, lba);
		return;
	}
	d->low.now = (uint8_t)(lba % d->sectors + 1);
	d->device = (uint8_t)((d->device & 0xf0) | (lba / d->sectors % d->heads));
	lba /= (uint64_t)d->sectors * d->heads;
	d->mid.now = (uint8_t)lba;
	d->high.now = (uint8_t)(lba >> 8);
}

/* ---- reading and writing sectors ---- */
static unsigned flags_of(uint8_t command);

static bool is_ext(const struct ide_drive *d)
{
	return flags_of(d->command) & EXT;
}

/* The registers name the sector that failed. */
static void fail_at(struct ide_channel *ch, uint64_t lba, enum disk_result result)
{
	struct ide_drive *d = ide_selected(ch);
	bool writing = flags_of(d->command) & WRITES;

	set_address(d, is_ext(d), lba);
	if (result == DISK_OUTSIDE) {
		ide_fail(ch, IDE_ERROR_IDNF);
	} else if (result == DISK_FAILED && !writing) {
		ide_fail(ch, IDE_ERROR_UNC);
	} else {
		ide_fail(ch, IDE_ERROR_ABRT);
		if (result == DISK_FAILED)
			d->status |= IDE_STATUS_DF;
	}
}

/* Sectors of the next piece: at most limit, none past the end of the disk. */
static uint32_t piece(struct ide_channel *ch, uint32_t limit)
{
	uint64_t sectors = ide_selected(ch)->disk->sectors;
	uint64_t there = ch->next < sectors ? sectors - ch->next : 0;
	uint32_t n = ch->left < limit ? ch->left : limit;

	return there < n ? (uint32_t)there : n;
}

static void advance(struct ide_channel *ch, uint32_t sectors)
{
	ch->next += sectors;
	ch->left -= sectors;
	if (sectors)
		set_address(ide_selected(ch), is_ext(ide_selected(ch)), ch->next - 1);
}

static void load_block(struct ide_channel *ch)
{
	struct ide_drive *d = ide_selected(ch);
	uint32_t n = piece(ch, ch->per_block);
	enum disk_result result = n ? disk_read(d->disk, ch->next, n, ch->buffer) : DISK_OUTSIDE;

	if (result != DISK_OK) {
		fail_at(ch, ch->next, result);
		return;
	}
	advance(ch, n);
	ide_data(ch, true, 0, n * IDE_SECTOR, ch->left ? STEP_READ : STEP_NONE, true);
}

/* The first block is asked for without an interrupt. */
static void ask_block(struct ide_channel *ch, bool interrupt)
{
	uint32_t n = piece(ch, ch->per_block);

	if (n == 0)
		fail_at(ch, ch->next, DISK_OUTSIDE);
	else
		ide_data(ch, false, 0, n * IDE_SECTOR, STEP_WRITE, interrupt);
}

static void store_block(struct ide_channel *ch)
{
	struct ide_drive *d = ide_selected(ch);
	uint32_t n = piece(ch, ch->per_block);
	enum disk_result result = disk_write(d->disk, ch->next, n, ch->buffer);

	if (result != DISK_OK) {
		fail_at(ch, ch->next, result);
		return;
	}
	advance(ch, n);
	if (ch->left)
		ask_block(ch, true);
	else
		ide_done(ch);
}

static void move_chunk(struct ide_channel *ch)
{
	struct ide_drive *d = ide_selected(ch);
	bool writing = flags_of(d->command) & WRITES;
	uint32_t n = piece(ch, CHUNK);
	enum disk_result result = n ? DISK_OK : DISK_OUTSIDE;

	if (n && !writing)
		result = disk_read(d->disk, ch->next, n, ch->buffer);
	if (result == DISK_OK) {
		/* Where the table ends early the rest waits for another one. */
		n = ide_master_move(ch, ch->buffer, n * IDE_SECTOR) / IDE_SECTOR;
		if (writing && n)
			result = disk_write(d->disk, ch->next, n, ch->buffer);
	}
	if (result != DISK_OK) {
		fail_at(ch, ch->next, result);
		return;
	}
	advance(ch, n);
	if (ch->left)
		ide_want_master(ch, STEP_DMA, !writing, IDE_SECTOR_TIME * piece(ch, CHUNK));
	else
		ide_done(ch);
}

void ide_disk_step(struct ide_channel *ch)
{
	if (ch->step == STEP_READ)
		load_block(ch);
	else if (ch->step == STEP_WRITE)
		store_block(ch);
	else
		move_chunk(ch);
}

static void transfer(struct ide_channel *ch, unsigned flags)
{
	struct ide_drive *d = ide_selected(ch);

	ch->left = sector_count(d, flags & EXT);
	ch->per_block = flags & MULTIPLE ? d->multiple : 1;
	if (ch->per_block == 0 || ((flags & DMA) && !ch->ide->pci.pci)) {
		ide_fail(ch, IDE_ERROR_ABRT);
	} else if (!first_sector(d, flags & EXT, &ch->next)) {
		ide_fail(ch, IDE_ERROR_IDNF);
	} else if ((flags & WRITES) && d->disk->read_only) {
		ide_fail(ch, IDE_ERROR_ABRT);
	} else if (flags & DMA) {
		ide_want_master(ch, STEP_DMA, !(flags & WRITES), IDE_SECTOR_TIME * piece(ch, CHUNK));
	} else if (flags & WRITES) {
		ask_block(ch, false);
	} else {
		load_block(ch);
	}
}

/* ---- the other commands ---- */
static void accept(struct ide_channel *ch, unsigned flags)
{
	ide_done(ch);
}

/* READ VERIFY, SEEK: are the sectors there?  Verifying reads them. */
static void verify(struct ide_channel *ch, unsigned flags)
{
	struct ide_drive *d = ide_selected(ch);

	ch->left = d->command == 0x70 ? 1 : sector_count(d, flags & EXT);
	if (!first_sector(d, flags & EXT, &ch->next)) {
		ide_fail(ch, IDE_ERROR_IDNF);
		return;
	}
	while (ch->left) {
		uint32_t n = piece(ch, CHUNK);
		enum disk_result result = n ? disk_read(d->disk, ch->next, n, ch->buffer) : DISK_OUTSIDE;

		if (result != DISK_OK) {
			fail_at(ch, ch->next, result);
			return;
		}
		ch->next += n;
		ch->left -= n;
	}
	ide_done(ch);
}

static void identify(struct ide_channel *ch, unsigned flags)
{
	ide_identify_disk(ide_selected(ch), ch->buffer, ch->selected);
	ide_data(ch, true, 0, IDE_SECTOR, STEP_NONE, true);
}

static void set_multiple(struct ide_channel *ch, unsigned flags)
{
	struct ide_drive *d = ide_selected(ch);
	unsigned n = d->count.now;

	if (n > IDE_MAX_MULTIPLE || (n & (n - 1))) {
		ide_fail(ch, IDE_ERROR_ABRT);
		return;
	}
	d->multiple = (uint8_t)n;
	ide_done(ch);
}

/* INITIALIZE DEVICE PARAMETERS: a translation of heads and sectors. */
static void set_translation(struct ide_channel *ch, unsigned flags)
{
	struct ide_drive *d = ide_selected(ch);
	uint16_t heads = (uint16_t)((d->device & 0x0f) + 1), sectors = d->count.now;
	uint64_t cylinders;

	if (sectors == 0 || sectors > 63) {
		ide_fail(ch, IDE_ERROR_ABRT);
		return;
	}
	cylinders = d->disk->sectors / ((uint64_t)heads * sectors);
	d->heads = heads;
	d->sectors = sectors;
	d->cylinders = (uint16_t)(cylinders > 65535 ? 65535 : cylinders);
	ide_done(ch);
}

static void flush(struct ide_channel *ch, unsigned flags)
{
	if (disk_flush(ide_selected(ch)->disk) == DISK_OK) {
		ide_done(ch);
		return;
	}
	ide_fail(ch, IDE_ERROR_ABRT);
	ide_selected(ch)->status |= IDE_STATUS_DF;
}

static void check_power(struct ide_channel *ch, unsigned flags)
{
	ide_selected(ch)->count.now = 0xff; /* active */
	ide_done(ch);
}

static void native_max(struct ide_channel *ch, unsigned flags)
{
	struct ide_drive *d = ide_selected(ch);
	uint64_t last = d->disk->sectors - 1;

	if (!(flags & EXT) && last > LIMIT_28 - 1)
		last = LIMIT_28 - 1;
	set_lba(d, flags & EXT, last);
	ide_done(ch);
}

/* SET FEATURES, of disks and CDs. */
void ide_set_features(struct ide_channel *ch)
{
	struct ide_drive *d = ide_selected(ch);
	uint8_t mode = d->count.now;
	bool ok = true;

	switch (d->feature.now) {
	case 0x02:
	case 0x82:
		d->write_cache = d->feature.now == 0x02;
		break;
	case 0x55:
	case 0xaa:
		d->look_ahead = d->feature.now == 0xaa;
		break;
	case 0x03: /* PIO default, PIO 0-4 with flow control, multiword DMA 0-2 */
		ok = mode <= 1 || (mode >= 0x08 && mode <= 0x0c) || (mode >= 0x20 && mode <= 0x22);
		if (mode >= 0x20 && ok)
			d->dma_mode = mode & 7;
		break;
	case 0x66: /* do not / do revert to the defaults on a software reset: nothing here is reverted by one */
	case 0xcc:
		break;
	default:
		ok = false;
		break;
	}
	if (ok)
		ide_done(ch);
	else
		ide_fail(ch, IDE_ERROR_ABRT);
}

struct ata_command {
	uint8_t code, flags;
	void (*run)(struct ide_channel *ch, unsigned flags);
};

static const struct ata_command commands[] = {
	{0x10, 0, accept}, /* RECALIBRATE */
	{0x20, 0, transfer}, {0x21, 0, transfer}, {0x24, EXT, transfer}, {0x25, EXT | DMA, transfer},
	{0x27, EXT, native_max}, {0x29, EXT | MULTIPLE, transfer},
	{0x30, WRITES, transfer}, {0x31, WRITES, transfer}, {0x34, EXT | WRITES, transfer},
	{0x35, EXT | WRITES | DMA, transfer}, {0x39, EXT | WRITES | MULTIPLE, transfer},
	{0x40, 0, verify}, {0x41, 0, verify}, {0x42, EXT, verify}, {0x70, 0, verify},
	{0x91, 0, set_translation},
	{0xc4, MULTIPLE, transfer}, {0xc5, MULTIPLE | WRITES, transfer}, {0xc6, 0, set_multiple},
	{0xc8, DMA, transfer}, {0xc9, DMA, transfer}, {0xca, DMA | WRITES, transfer}, {0xcb, DMA | WRITES, transfer},
	{0xe0, 0, accept}, {0xe1, 0, accept}, {0xe2, 0, accept}, {0xe3, 0, accept}, /* STANDBY, IDLE */
	{0xe5, 0, check_power}, {0xe6, 0, accept}, /* SLEEP: it wakes at the next command */
	{0xe7, 0, flush}, {0xea, EXT, flush}, {0xec, 0, identify}, {0xf8, 0, native_max},
};

static const struct ata_command *find(uint8_t code)
{
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (commands[i].code == code)
			return &commands[i];
	}
	return NULL;
}

static unsigned flags_of(uint8_t command)
{
	const struct ata_command *c = find(command);

	return c ? c->flags : 0;
}

bool ide_disk_command(struct ide_channel *ch, uint8_t command)
{
	const struct ata_command *c = find(command);

	if (c)
		c->run(ch, c->flags);
	return c != NULL;
}
