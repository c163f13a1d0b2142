/* CD drives behind the PACKET command: SFF-8020i; MMC-2 (NCITS 333), "Command
 * descriptions"; SPC-2, "Sense data". */
#include <string.h>

#include "devices/ide_private.h"

#define PACKET 12u
#define CHUNK (IDE_BUFFER / IDE_CD_SECTOR)
#define NO_TRANSFER 0xfffeu

#define KEY_NOT_READY 0x2u
#define KEY_MEDIUM 0x3u
#define KEY_ILLEGAL 0x5u
#define KEY_ATTENTION 0x6u

#define ASC_READ_ERROR 0x11u
#define ASC_BAD_COMMAND 0x20u
#define ASC_OUTSIDE 0x21u
#define ASC_BAD_FIELD 0x24u
#define ASC_NO_MEDIUM 0x3au
#define ASC_LOCKED 0x53u

/* ---- how commands end ---- */
static void end(struct ide_channel *ch)
{
	ide_selected(ch)->count.now = IDE_REASON_CD | IDE_REASON_IO;
	ide_done(ch);
}

static void fail(struct ide_channel *ch, uint8_t key, uint8_t asc, uint8_t ascq)
{
	struct ide_drive *d = ide_selected(ch);

	d->sense_key = key;
	d->asc = asc;
	d->ascq = ascq;
	d->count.now = IDE_REASON_CD | IDE_REASON_IO;
	ide_fail(ch, (uint8_t)(key << 4 | IDE_ERROR_ABRT));
	d->status &= (uint8_t)~IDE_STATUS_DSC;
}

void atapi_attention(struct ide_drive *d, uint8_t asc)
{
	d->attention = asc;
}

/* ---- data to the host ---- */

/* The next DRQ block of what lies in the buffer.  Blocks of whole sectors where the host's limit allows. */
static void next_block(struct ide_channel *ch)
{
	struct ide_drive *d = ide_selected(ch);
	uint32_t from = ch->block_end, n = ch->size - from;

	n = n < ch->per_block ? n : ch->per_block;
	d->count.now = IDE_REASON_IO;
	d->mid.now = (uint8_t)n;
	d->high.now = (uint8_t)(n >> 8);
	ide_data(ch, true, from, from + n, STEP_PACKET_IN, true);
}

static uint32_t chunk(const struct ide_channel *ch)
{
	return ch->left < CHUNK ? ch->left : CHUNK;
}

/* Sectors into the buffer; false: the command has failed. */
static bool load(struct ide_channel *ch)
{
	struct ide_drive *d = ide_selected(ch);
	uint32_t n = chunk(ch);

	if (!d->disk || d->ejected) {
		fail(ch, KEY_NOT_READY, ASC_NO_MEDIUM, 0);
		return false;
	}
	if (disk_read(d->disk, ch->next, n, ch->buffer) != DISK_OK) {
		fail(ch, KEY_MEDIUM, ASC_READ_ERROR, 0);
		return false;
	}
	ch->next += n;
	ch->left -= n;
	ch->size = n * IDE_CD_SECTOR;
	ch->block_end = 0;
	return true;
}

/* By DMA there are no blocks: per_block counts the bytes of the buffer that went. */
static void more_by_master(struct ide_channel *ch)
{
	uint32_t done = ch->per_block;

	if (done == ch->size && ch->left) {
		if (!load(ch))
			return;
		done = 0;
	}
	done += ide_master_move(ch, ch->buffer + done, ch->size - done);
	ch->per_block = done;
	if (done == ch->size && ch->left == 0)
		end(ch);
	else
		ide_want_master(ch, STEP_PACKET_IN, true, IDE_SECTOR_TIME * (chunk(ch) + 1));
}

void atapi_more(struct ide_channel *ch)
{
	if (ch->dma) {
		more_by_master(ch);
	} else if (ch->block_end < ch->size) {
		next_block(ch);
	} else if (ch->left == 0) {
		end(ch);
	} else if (load(ch)) {
		next_block(ch);
	}
}

/* size bytes in the buffer, left sectors behind them. */
static void begin_data(struct ide_channel *ch, uint32_t size)
{
	ch->size = size;
	ch->block_end = 0;
	if (size == 0 && ch->left == 0) {
		end(ch);
	} else if (ch->dma) {
		ch->per_block = 0;
		ide_want_master(ch, STEP_PACKET_IN, true, IDE_SECTOR_TIME * (chunk(ch) + 1));
	} else {
		if (ch->left && ch->per_block >= IDE_CD_SECTOR)
			ch->per_block -= ch->per_block % IDE_CD_SECTOR;
		atapi_more(ch);
	}
}

static void reply(struct ide_channel *ch, uint32_t size, uint32_t allocated)
{
	ch->left = 0;
	begin_data(ch, size < allocated ? size : allocated);
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

/* ---- commands: packet is a copy, the answer goes into the buffer ---- */
static void nothing(struct ide_channel *ch, const uint8_t *packet)
{
	end(ch);
}

static void request_sense(struct ide_channel *ch, const uint8_t *packet)
{
	struct ide_drive *d = ide_selected(ch);
	uint8_t *out = ch->buffer;

	memset(out, 0, 18);
	if (d->sense_key == 0 && d->attention) {
		d->sense_key = KEY_ATTENTION;
		d->asc = d->attention;
		d->attention = 0;
	}
	out[0] = 0x70;
	out[2] = d->sense_key;
	out[7] = 10;
	out[12] = d->asc;
	out[13] = d->ascq;
	d->sense_key = d->asc = d->ascq = 0;
	reply(ch, 18, packet[4]);
}

static void inquiry(struct ide_channel *ch, const uint8_t *packet)
{
	uint8_t *out = ch->buffer;

	if ((packet[1] & 0x03) || packet[2]) { /* vital product data: none */
		fail(ch, KEY_ILLEGAL, ASC_BAD_FIELD, 0);
		return;
	}
	memset(out, 0, 36);
	out[0] = 0x05; /* CD */
	out[1] = 0x80; /* removable */
	out[3] = 0x21; /* ATAPI, response format 1 */
	out[4] = 31;
	memcpy(out + 8, "TRAPGATECD-ROM          1.0 ", 28);
	reply(ch, 36, packet[4]);
}

static void read_capacity(struct ide_channel *ch, const uint8_t *packet)
{
	uint64_t last = ide_selected(ch)->disk->sectors - 1;

	put32(ch->buffer, last > UINT32_MAX ? UINT32_MAX : (uint32_t)last);
	put32(ch->buffer + 4, IDE_CD_SECTOR);
	reply(ch, 8, 8);
}

static void read_sectors(struct ide_channel *ch, uint32_t lba, uint32_t count)
{
	uint64_t sectors = ide_selected(ch)->disk->sectors;

	if (lba > sectors || count > sectors - lba) {
		fail(ch, KEY_ILLEGAL, ASC_OUTSIDE, 0);
		return;
	}
	ch->next = lba;
	ch->left = count;
	begin_data(ch, 0);
}

static void read_10(struct ide_channel *ch, const uint8_t *packet)
{
	read_sectors(ch, get32(packet + 2), get16(packet + 7));
}

static void read_12(struct ide_channel *ch, const uint8_t *packet)
{
	read_sectors(ch, get32(packet + 2), get32(packet + 6));
}

/* READ CD: user data of data sectors only. */
static void read_cd(struct ide_channel *ch, const uint8_t *packet)
{
	uint32_t count = (uint32_t)packet[6] << 16 | get16(packet + 7);
	unsigned expected = packet[1] >> 2 & 7; /* any, mode 1, mode 2 form 1 */

	if (count && ((packet[9] & 0xf8) != 0x10 || (packet[10] & 7) || (expected != 0 && expected != 2)))
		fail(ch, KEY_ILLEGAL, ASC_BAD_FIELD, 0);
	else
		read_sectors(ch, get32(packet + 2), count);
}

static void seek(struct ide_channel *ch, const uint8_t *packet)
{
	if (get32(packet + 2) >= ide_selected(ch)->disk->sectors)
		fail(ch, KEY_ILLEGAL, ASC_OUTSIDE, 0);
	else
		end(ch);
}

/* Minute, second, frame; the disc begins at 00:02:00. */
static void put_address(uint8_t *at, uint32_t lba, bool msf)
{
	if (!msf) {
		put32(at, lba);
		return;
	}
	lba += 150;
	at[0] = 0;
	at[1] = (uint8_t)(lba / (75 * 60));
	at[2] = (uint8_t)(lba / 75 % 60);
	at[3] = (uint8_t)(lba % 75);
}

static void toc_track(uint8_t *at, uint8_t track, uint32_t lba, bool msf)
{
	memset(at, 0, 8);
	at[1] = 0x14; /* Q carries the position; a data track */
	at[2] = track;
	put_address(at + 4, lba, msf);
}

/* One data track in one session. */
static void read_toc(struct ide_channel *ch, const uint8_t *packet)
{
	uint8_t *out = ch->buffer, format = (packet[2] & 0x0f) | packet[9] >> 6, first = packet[6];
	bool msf = packet[1] & 2;
	uint32_t size = 4;

	if (format > 1 || (format == 0 && first > 1 && first != 0xaa)) {
		fail(ch, KEY_ILLEGAL, ASC_BAD_FIELD, 0);
		return;
	}
	out[2] = out[3] = 1;
	if (format == 1 || first <= 1) {
		toc_track(out + size, 1, 0, msf);
		size += 8;
	}
	if (format == 0) {
		toc_track(out + size, 0xaa, (uint32_t)ide_selected(ch)->disk->sectors, msf);
		size += 8;
	}
	put16(out, size - 2);
	reply(ch, size, get16(packet + 7));
}

/* Tray: bit 1 loads or ejects. */
static void start_stop(struct ide_channel *ch, const uint8_t *packet)
{
	struct ide_drive *d = ide_selected(ch);
	bool load_eject = packet[4] & 2, start = packet[4] & 1;

	if (load_eject && !start && d->locked) {
		fail(ch, KEY_ILLEGAL, ASC_LOCKED, 2);
		return;
	}
	if (load_eject) {
		d->media_event = d->media_event || d->ejected == start;
		if (d->ejected && start && d->disk)
			atapi_attention(d, 0x28);
		d->ejected = !start;
	}
	end(ch);
}

static void prevent(struct ide_channel *ch, const uint8_t *packet)
{
	ide_selected(ch)->locked = packet[4] & 1;
	end(ch);
}

/* Features: profile list (CD-ROM), core (ATAPI), removable medium (tray), CD read. */
static void get_configuration(struct ide_channel *ch, const uint8_t *packet)
{
	static const uint8_t features[] = {
		0x00, 0x00, 0x03, 0x04, 0x00, 0x08, 0x01, 0x00,
		0x00, 0x01, 0x03, 0x04, 0x00, 0x00, 0x00, 0x02,
		0x00, 0x03, 0x03, 0x04, 0x29, 0x00, 0x00, 0x00,
		0x00, 0x1e, 0x03, 0x00,
	};
	struct ide_drive *d = ide_selected(ch);
	uint8_t *out = ch->buffer;
	uint32_t size = 8, first = get16(packet + 2);
	unsigned which = packet[1] & 3;

	memset(out, 0, 8);
	out[7] = d->disk && !d->ejected ? 0x08 : 0x00; /* current profile */
	for (uint32_t at = 0; at < sizeof(features); at += 4u + features[at + 3]) {
		uint32_t code = get16(features + at), bytes = 4u + features[at + 3];

		if (which == 2 ? code != first : code < first)
			continue;
		memcpy(out + size, features + at, bytes);
		if (code == 0)
			out[size + 6] = out[7] != 0;
		size += bytes;
	}
	put32(out, size - 4);
	reply(ch, size, get16(packet + 7));
}

/* Polled, media class only. */
static void event_status(struct ide_channel *ch, const uint8_t *packet)
{
	struct ide_drive *d = ide_selected(ch);
	uint8_t *out = ch->buffer;
	bool media = packet[4] & 0x10, present = d->disk && !d->ejected;

	if (!(packet[1] & 1)) { /* asynchronous */
		fail(ch, KEY_ILLEGAL, ASC_BAD_FIELD, 0);
		return;
	}
	memset(out, 0, 8);
	out[3] = 0x10; /* supported classes */
	if (!media) {
		put16(out, 2);
		out[2] = 0x80; /* none of those asked for */
		reply(ch, 4, get16(packet + 7));
		return;
	}
	put16(out, 6);
	out[2] = 4;
	out[4] = !d->media_event ? 0 : present ? 2 : 3; /* new medium, medium removed */
	out[5] = (uint8_t)(d->ejected | present << 1);
	d->media_event = false;
	reply(ch, 8, get16(packet + 7));
}

/* Pages 01h (error recovery) and 2Ah (capabilities), current or default values. */
static void mode_sense(struct ide_channel *ch, const uint8_t *packet)
{
	static const uint8_t recovery[8] = {0x01, 0x06, 0x00, 0x05};
	static const uint8_t changeable[8] = {0x01, 0x06};
	struct ide_drive *d = ide_selected(ch);
	uint8_t *out = ch->buffer, page = packet[2] & 0x3f, control = packet[2] >> 6;
	uint32_t size = 8;

	if (control == 3 || (page != 0x01 && page != 0x2a && page != 0x3f)) {
		/* 39h: saving parameters is not supported */
		fail(ch, KEY_ILLEGAL, control == 3 ? 0x39 : ASC_BAD_FIELD, 0);
		return;
	}
	memset(out, 0, 64);
	out[2] = d->ejected ? 0x71 : d->disk ? 0x01 : 0x70; /* door open, 120 mm data disc, no disc */
	if (page != 0x2a) {
		memcpy(out + size, control == 1 ? changeable : recovery, 8);
		size += 8;
	}
	if (page != 0x01) {
		uint8_t *p = out + size;

		p[0] = 0x2a;
		p[1] = 18;
		if (control != 1) {
			p[4] = 0x70;                               /* mode 2 forms, multisession */
			p[6] = (uint8_t)(0x29 | (d->locked ? 2 : 0)); /* tray, ejects, can be locked */
			put16(p + 8, 706);                         /* kB/s */
			put16(p + 12, 128);                        /* kB of buffer */
			put16(p + 14, 706);
		}
		size += 20;
	}
	put16(out, size - 2);
	reply(ch, size, get16(packet + 7));
}

#define MEDIUM 0x01u    /* needs a medium */
#define ATTENTIVE 0x02u /* runs in spite of a unit attention */

struct packet_command {
	uint8_t code, flags;
	void (*run)(struct ide_channel *ch, const uint8_t *packet);
};

static const struct packet_command packets[] = {
	{0x00, MEDIUM, nothing},               /* TEST UNIT READY */
	{0x03, ATTENTIVE, request_sense},
	{0x12, ATTENTIVE, inquiry},
	{0x1b, 0, start_stop},
	{0x1e, 0, prevent},
	{0x25, MEDIUM, read_capacity},
	{0x28, MEDIUM, read_10},
	{0x2b, MEDIUM, seek},
	{0x43, MEDIUM, read_toc},
	{0x46, ATTENTIVE, get_configuration},
	{0x4a, ATTENTIVE, event_status},
	{0x4e, MEDIUM, nothing},               /* STOP PLAY/SCAN */
	{0x5a, 0, mode_sense},
	{0xa8, MEDIUM, read_12},
	{0xbb, 0, nothing},                    /* SET CD SPEED */
	{0xbe, MEDIUM, read_cd},
};

void atapi_packet(struct ide_channel *ch)
{
	struct ide_drive *d = ide_selected(ch);
	const struct packet_command *c = NULL;
	uint8_t packet[PACKET], attention = d->attention;

	memcpy(packet, ch->buffer, PACKET);
	for (unsigned i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		if (packets[i].code == packet[0])
			c = &packets[i];
	}
	if (packet[0] != 0x03)
		d->sense_key = d->asc = d->ascq = 0;
	if (!c) {
		fail(ch, KEY_ILLEGAL, ASC_BAD_COMMAND, 0);
	} else if (attention && !(c->flags & ATTENTIVE)) {
		d->attention = 0;
		fail(ch, KEY_ATTENTION, attention, 0);
	} else if ((c->flags & MEDIUM) && (!d->disk || d->ejected)) {
		fail(ch, KEY_NOT_READY, ASC_NO_MEDIUM, d->ejected ? 2 : 0);
	} else {
		c->run(ch, packet);
	}
}

/* ---- ATA commands of packet devices ---- */
static void start_packet(struct ide_channel *ch)
{
	struct ide_drive *d = ide_selected(ch);
	uint32_t limit = d->mid.now | (uint32_t)d->high.now << 8;

	/* No overlap; no DMA without a bus master. */
	if ((d->feature.now & 2) || ((d->feature.now & 1) && !ch->ide->pci.pci)) {
		ide_fail(ch, IDE_ERROR_ABRT);
		return;
	}
	ch->dma = d->feature.now & 1;
	/* Blocks have an even number of bytes unless they are the last. */
	ch->per_block = limit == 0 || limit == 0xffff ? NO_TRANSFER : limit == 1 ? 1 : limit & ~1u;
	d->count.now = IDE_REASON_CD;
	ide_data(ch, false, 0, PACKET, STEP_PACKET, false);
}

bool atapi_command(struct ide_channel *ch, uint8_t command)
{
	struct ide_drive *d = ide_selected(ch);

	switch (command) {
	case 0xa0:
		start_packet(ch);
		return true;
	case 0xa1:
		ide_identify_cd(d, ch->buffer, ch->selected);
		ide_data(ch, true, 0, IDE_SECTOR, STEP_NONE, true);
		return true;
	case 0xec: /* IDENTIFY DEVICE, READ SECTORS: aborted, and the signature tells why */
	case 0x20:
		ide_signature(d);
		d->device = (uint8_t)(ch->selected * IDE_DEVICE_DEV);
		ide_fail(ch, IDE_ERROR_ABRT);
		return true;
	case 0xe0:
	case 0xe1:
	case 0xe2:
	case 0xe3:
	case 0xe6:
		ide_done(ch);
		return true;
	case 0xe5:
		d->count.now = 0xff;
		ide_done(ch);
		return true;
	default:
		return false;
	}
}
