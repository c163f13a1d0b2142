/* Images of the host in the board's drives. */
#include <stdio.h>

#include "machine/machine.h"

#define CD_SECTOR   2048u
#define DISK_SECTOR 512u

/* disk_open() speaks through its report only: the last line is kept for the diagnostic. */
struct report {
	char line[256];
};

static void keep_line(void *owner, const char *line)
{
	struct report *report = owner;

	snprintf(report->line, sizeof(report->line), "%s", line);
}

/* While the machine runs. */
static void tell(void *owner, const char *line)
{
	fprintf(stderr, "trapgate: %s\n", line);
}

static bool open_image(struct disk *disk, const struct board_drive *drive, struct diagnostic *why)
{
	unsigned flags = (drive->snapshot ? DISK_SNAPSHOT : 0) |
			 (drive->read_only || drive->kind == DRIVE_CD ? DISK_READ_ONLY : 0);
	struct report report = {""};

	if (!disk_open(disk, drive->file, flags, drive->kind == DRIVE_CD ? CD_SECTOR : DISK_SECTOR,
		       (struct disk_report){keep_line, &report}))
		return diagnose(why, "%s", report.line);
	disk->report = (struct disk_report){tell, NULL};
	if (report.line[0])
		tell(NULL, report.line);
	return true;
}

static bool attach(struct machine *m, const struct board_drive *drive, struct disk *disk, struct diagnostic *why)
{
	struct board *b = &m->board;

	switch (drive->kind) {
	case DRIVE_DISK:
		ide_attach_disk(&b->ide, drive->index / 2, drive->index % 2, disk);
		return true;
	case DRIVE_CD:
		ide_attach_cd(&b->ide, drive->index / 2, drive->index % 2, disk);
		return true;
	case DRIVE_FLOPPY:
		return fdc_insert(&b->fdc, drive->index, disk) ||
		       diagnose(why, "%s: larger than any floppy disk (2.88 MB)", drive->file);
	case DRIVE_VIRTIO:
		if (!b->has_pci)
			return diagnose(why, "%s: virtio-blk needs PCI, which the isapc board has not", drive->file);
		if (b->virtios == BOARD_MAX_VIRTIO)
			return diagnose(why, "%s: at most %u virtio-blk disks", drive->file, BOARD_MAX_VIRTIO);
		return board_add_virtio(m, disk) || diagnose(why, "out of memory");
	}
	return false;
}

/* CMOS: the types of the floppy drives and the equipment byte's share of them (IBM AT Technical Reference, "CMOS
 * RAM"), the types of the disks (15: see 19h and 1Ah, 47: set by the user). */
static void tell_cmos(struct board *b)
{
	unsigned floppies = b->fdc.drive[0].present + b->fdc.drive[1].present;
	unsigned disks[2] = {b->ide.channel[0].drive[0].kind == IDE_DISK, b->ide.channel[0].drive[1].kind == IDE_DISK};

	rtc_poke(&b->rtc, 0x10, (uint8_t)(fdc_cmos_type(&b->fdc, 0) << 4 | fdc_cmos_type(&b->fdc, 1)));
	rtc_poke(&b->rtc, 0x12, (uint8_t)((disks[0] ? 0xf0 : 0) | (disks[1] ? 0x0f : 0)));
	rtc_poke(&b->rtc, 0x19, disks[0] ? 47 : 0);
	rtc_poke(&b->rtc, 0x1a, disks[1] ? 47 : 0);
	/* mouse, FPU, display by its own ROM; floppy drives */
	rtc_poke(&b->rtc, 0x14, (uint8_t)(0x06 | (floppies ? 0x01 | (floppies - 1) << 6 : 0)));
}

bool board_add_drives(struct machine *m, struct diagnostic *why)
{
	const struct board_config *config = &m->config.board;

	for (unsigned i = 0; i < config->drives; i++) {
		const struct board_drive *drive = &config->drive[i];
		struct disk *disk = drive->file[0] ? &m->board.disk[i] : NULL;

		if ((disk && !open_image(disk, drive, why)) || !attach(m, drive, disk, why))
			return false;
	}
	tell_cmos(&m->board);
	return true;
}
