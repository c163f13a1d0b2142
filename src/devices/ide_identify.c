/* What drives say of themselves (ATA/ATAPI-6, "IDENTIFY DEVICE", "IDENTIFY PACKET DEVICE"). */
#include <string.h>

#include "devices/ide_private.h"

#define LIMIT_28 UINT64_C(0x0fffffff)

static void word(uint8_t *data, unsigned index, unsigned value)
{
	data[2 * index] = (uint8_t)value;
	data[2 * index + 1] = (uint8_t)(value >> 8);
}

/* Words of two characters, the first in the high byte, padded with blanks. */
static void text(uint8_t *data, unsigned index, unsigned words, const char *string)
{
	for (unsigned i = 0; i < 2 * words; i++) {
		data[2 * index + (i ^ 1)] = (uint8_t)(*string ? *string : ' ');
		if (*string)
			string++;
	}
}

static void wide(uint8_t *data, unsigned index, unsigned words, uint64_t value)
{
	for (unsigned i = 0; i < words; i++)
		word(data, index + i, (unsigned)(value >> (16 * i)) & 0xffff);
}

/* What disks and CDs say alike. */
static void common(const struct ide_drive *d, uint8_t *data, unsigned unit, const char *model)
{
	memset(data, 0, IDE_SECTOR);
	text(data, 10, 10, d->serial);
	text(data, 23, 4, "1.0");
	text(data, 27, 20, model);
	word(data, 49, 0x0f00);  /* DMA, LBA, IORDY */
	word(data, 53, 0x0003);  /* words 54-58 and 64-70 are valid */
	word(data, 63, 0x0007u | 1u << (8 + d->dma_mode));
	word(data, 64, 0x0003);  /* PIO 3 and 4 */
	for (unsigned i = 65; i <= 68; i++)
		word(data, i, 120); /* ns */
	word(data, 80, 0x0078);  /* ATA/ATAPI-3 to 6 */
	word(data, 93, unit ? 0x4b00 : 0x400b); /* this drive by its jumper, DASP- and PDIAG- seen */
}

static void checksum(uint8_t *data)
{
	uint8_t sum = 0;

	data[510] = 0xa5;
	for (unsigned i = 0; i < 511; i++)
		sum = (uint8_t)(sum + data[i]);
	data[511] = (uint8_t)-sum;
}

void ide_identify_disk(const struct ide_drive *d, uint8_t data[IDE_SECTOR], unsigned unit)
{
	uint64_t sectors = d->disk->sectors;
	uint64_t chs = (uint64_t)d->cylinders * d->heads * d->sectors;

	common(d, data, unit, "TRAPGATE HARDDISK");
	word(data, 0, 0x0040);
	word(data, 1, d->default_cylinders);
	word(data, 3, 16);
	word(data, 6, 63);
	word(data, 47, 0x8000 | IDE_MAX_MULTIPLE);
	word(data, 50, 0x4000);
	word(data, 54, d->cylinders);
	word(data, 55, d->heads);
	word(data, 56, d->sectors);
	wide(data, 57, 2, chs);
	word(data, 59, d->multiple ? 0x0100u | d->multiple : 0);
	wide(data, 60, 2, sectors < LIMIT_28 ? sectors : LIMIT_28);
	word(data, 82, 0x0060); /* look-ahead, write cache */
	word(data, 83, 0x7400); /* 48 bits, FLUSH CACHE (EXT) */
	word(data, 84, 0x4000);
	word(data, 85, (d->look_ahead ? 0x40u : 0) | (d->write_cache ? 0x20u : 0));
	word(data, 86, 0x3400);
	word(data, 87, 0x4000);
	wide(data, 100, 4, sectors);
	checksum(data);
}

void ide_identify_cd(const struct ide_drive *d, uint8_t data[IDE_SECTOR], unsigned unit)
{
	common(d, data, unit, "TRAPGATE CD-ROM");
	word(data, 0, 0x85c0);  /* a CD drive, removable, DRQ within 50 us, packets of 12 bytes */
	word(data, 53, 0x0002); /* words 64-70 are valid */
	word(data, 82, 0x0210); /* PACKET, DEVICE RESET */
	word(data, 83, 0x4000);
	word(data, 84, 0x4000);
	word(data, 85, 0x0210);
	word(data, 87, 0x4000);
	checksum(data);
}
