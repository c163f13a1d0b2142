/* A bench with an IDE controller, its bus master, a disk and a CD. */
#ifndef TRAPGATE_TESTS_DEVICES_IDEBED_H
#define TRAPGATE_TESTS_DEVICES_IDEBED_H

#include "devices/ide.h"
#include "image.h"
#include "pcibed.h"

#define IDE_FN PCI_DEVFN(1, 1)
#define BM 0xc000u
#define PRD_TABLE 0x8000u
#define DISK_SECTORS 2400u
#define CD_SECTORS 100u

struct idebed {
	struct pcibed b;
	struct ide ide;
	struct lines lines;
	char disk_path[64], cd_path[64];
	struct disk disk, cd;
	struct probe irq[2];
};

/* Drive 0 of the first channel: a disk; drive 0 of the second: a CD. */
static inline struct idebed *idebed_open(unsigned flags)
{
	struct idebed *t = calloc(1, sizeof(*t));
	struct disk_report report;

	assert_non_null(t);
	report = (struct disk_report){lines_add, &t->lines};
	pcibed_open(&t->b);
	image_make(t->disk_path, DISK_SECTORS * 512);
	image_make(t->cd_path, CD_SECTORS * 2048);
	assert_true(disk_open(&t->disk, t->disk_path, flags, 512, report));
	assert_true(disk_open(&t->cd, t->cd_path, DISK_READ_ONLY, 2048, report));
	assert_true(ide_init(&t->ide, t->b.bed.bus, &t->b.bed.clock));
	ide_attach_disk(&t->ide, 0, 0, &t->disk);
	ide_attach_cd(&t->ide, 1, 0, &t->cd);
	assert_true(ide_add_pci(&t->ide, &t->b.pci, IDE_FN));
	cfg_write(&t->b.bed, IDE_FN, 0x40, 4, 0x80008000);
	cfg_write(&t->b.bed, IDE_FN, 0x20, 4, BM);
	cfg_write(&t->b.bed, IDE_FN, 0x04, 2, 5);
	for (unsigned i = 0; i < 2; i++)
		probe_line(&t->irq[i], &t->b.bed, &t->ide.channel[i].irq);
	return t;
}

static inline void idebed_close(struct idebed *t)
{
	disk_close(&t->disk);
	disk_close(&t->cd);
	unlink(t->disk_path);
	unlink(t->cd_path);
	pcibed_close(&t->b);
	free(t);
}

static inline uint16_t base_of(unsigned channel)
{
	return channel ? IDE_SECONDARY : IDE_PRIMARY;
}

static inline uint8_t ide_in(struct idebed *t, unsigned channel, unsigned reg)
{
	return in8(&t->b.bed, base_of(channel) + reg);
}

static inline void ide_out(struct idebed *t, unsigned channel, unsigned reg, unsigned value)
{
	out8(&t->b.bed, base_of(channel) + reg, value);
}

static inline uint8_t alt_status(struct idebed *t, unsigned channel)
{
	return in8(&t->b.bed, base_of(channel) + IDE_CONTROL);
}

/* Until the drive shows something else than BSY. */
static inline void settle(struct idebed *t, unsigned channel)
{
	for (unsigned i = 0; i < 100000 && (alt_status(t, channel) & IDE_STATUS_BSY); i++)
		run_for(&t->b.bed, 1000);
	assert_false(alt_status(t, channel) & IDE_STATUS_BSY);
}

static inline void address_28(struct idebed *t, unsigned channel, uint32_t lba, unsigned count)
{
	ide_out(t, channel, IDE_DEVICE, 0xe0 | (lba >> 24 & 15));
	ide_out(t, channel, IDE_COUNT, count);
	ide_out(t, channel, IDE_LOW, lba);
	ide_out(t, channel, IDE_MID, lba >> 8);
	ide_out(t, channel, IDE_HIGH, lba >> 16);
}

static inline void address_48(struct idebed *t, unsigned channel, uint64_t lba, unsigned count)
{
	ide_out(t, channel, IDE_DEVICE, 0xe0);
	ide_out(t, channel, IDE_COUNT, count >> 8);
	ide_out(t, channel, IDE_LOW, (unsigned)(lba >> 24));
	ide_out(t, channel, IDE_MID, (unsigned)(lba >> 32));
	ide_out(t, channel, IDE_HIGH, (unsigned)(lba >> 40));
	ide_out(t, channel, IDE_COUNT, count);
	ide_out(t, channel, IDE_LOW, (unsigned)lba);
	ide_out(t, channel, IDE_MID, (unsigned)(lba >> 8));
	ide_out(t, channel, IDE_HIGH, (unsigned)(lba >> 16));
}

static inline uint8_t command(struct idebed *t, unsigned channel, uint8_t code)
{
	ide_out(t, channel, IDE_STATUS, code);
	settle(t, channel);
	return alt_status(t, channel);
}

static inline void read_words(struct idebed *t, unsigned channel, uint8_t *data, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i += 2) {
		uint32_t word = in(&t->b.bed, base_of(channel), 2);

		data[i] = (uint8_t)word;
		data[i + 1] = (uint8_t)(word >> 8);
	}
}

static inline void write_words(struct idebed *t, unsigned channel, const uint8_t *data, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i += 2)
		out(&t->b.bed, base_of(channel), 2, data[i] | (uint32_t)data[i + 1] << 8);
}

static inline uint16_t word_of(const uint8_t *data, unsigned index)
{
	return (uint16_t)(data[2 * index] | data[2 * index + 1] << 8);
}

static inline void prd(struct idebed *t, unsigned index, uint32_t address, uint32_t count, bool last)
{
	bus_write(t->b.bed.bus, PRD_TABLE + 8 * index, 4, address);
	bus_write(t->b.bed.bus, PRD_TABLE + 8 * index + 4, 4, count | (last ? 0x80000000 : 0));
}

static inline void master_start(struct idebed *t, unsigned channel, bool to_memory)
{
	out(&t->b.bed, BM + 8 * channel + 4, 4, PRD_TABLE);
	out8(&t->b.bed, BM + 8 * channel + 2, 0x06);
	out8(&t->b.bed, BM + 8 * channel, to_memory ? 0x08 : 0);
	out8(&t->b.bed, BM + 8 * channel, to_memory ? 0x09 : 1);
}

static inline uint8_t master_status(struct idebed *t, unsigned channel)
{
	return in8(&t->b.bed, BM + 8 * channel + 2);
}

#endif
