/* Two ATA channels with up to four drives, disks and CD drives, and the bus
 * master of the PIIX3.
 *
 * Sources: ATA/ATAPI-6 (T13 1410D), "Interface register definitions and
 * descriptions", "General feature set command descriptions", "Protocol";
 * SFF-8020i and MMC-2 for CD drives; Intel 82371SB (PIIX3) datasheet
 * (290550), "IDE interface", "PCI bus master IDE registers".
 *
 * Time: a command takes IDE_COMMAND_TIME before the drive does anything a
 * host can see but BSY, each sector IDE_SECTOR_TIME more; there is no seeking.
 *
 * What the standards leave open, and what stands here:
 *  - a channel without drives reads 7Fh everywhere (pull-down on DD7);
 *  - registers cannot be written while the selected drive has BSY or DRQ, apart
 *    from device control, DEVICE RESET and the data register;
 *  - a bus master transfer whose direction is not the drive's does not begin;
 *  - the drives have multiword DMA modes 0-2, as the PIIX3 has. */
#ifndef TRAPGATE_DEVICES_IDE_H
#define TRAPGATE_DEVICES_IDE_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bus.h"
#include "bus/clock.h"
#include "bus/line.h"
#include "devices/disk.h"
#include "devices/pci.h"

#define IDE_PRIMARY 0x1f0
#define IDE_SECONDARY 0x170
#define IDE_CONTROL 0x206 /* from the channel's base */
#define IDE_SECTOR 512u
#define IDE_CD_SECTOR 2048u
#define IDE_BUFFER 65536u
#define IDE_MAX_MULTIPLE 16u
#define IDE_COMMAND_TIME UINT64_C(5000) /* ns */
#define IDE_SECTOR_TIME UINT64_C(1000)
#define IDE_RESET_TIME UINT64_C(100000)

enum ide_register {
	IDE_DATA,
	IDE_ERROR, /* W: features */
	IDE_COUNT, /* packet commands: interrupt reason */
	IDE_LOW,
	IDE_MID,
	IDE_HIGH,
	IDE_DEVICE,
	IDE_STATUS, /* W: command */
};

#define IDE_STATUS_ERR 0x01u
#define IDE_STATUS_DRQ 0x08u
#define IDE_STATUS_DSC 0x10u
#define IDE_STATUS_DF 0x20u
#define IDE_STATUS_DRDY 0x40u
#define IDE_STATUS_BSY 0x80u

#define IDE_ERROR_ABRT 0x04u
#define IDE_ERROR_IDNF 0x10u
#define IDE_ERROR_UNC 0x40u

#define IDE_CONTROL_NIEN 0x02u
#define IDE_CONTROL_SRST 0x04u
#define IDE_CONTROL_HOB 0x80u

#define IDE_DEVICE_LBA 0x40u
#define IDE_DEVICE_DEV 0x10u

#define IDE_REASON_CD 0x01u /* a command, not data */
#define IDE_REASON_IO 0x02u /* to the host */

#define IDE_BM_START 0x01u /* command */
#define IDE_BM_TO_MEMORY 0x08u
#define IDE_BM_ACTIVE 0x01u /* status */
#define IDE_BM_ERROR 0x02u
#define IDE_BM_INTERRUPT 0x04u

enum ide_kind { IDE_NONE, IDE_DISK, IDE_CD };

/* What the drive does when its time comes. */
enum ide_step {
	STEP_NONE,
	STEP_RESET,
	STEP_COMMAND,
	STEP_READ,       /* the next block of sectors from the disk */
	STEP_WRITE,      /* the block in the buffer onto the disk */
	STEP_DMA,        /* sectors, by the bus master */
	STEP_PACKET,     /* the packet in the buffer */
	STEP_PACKET_IN,  /* the next piece of a packet command's data */
};

/* A register of the two-deep command block: ATA/ATAPI-6, "48-bit Address feature set". */
struct ide_deep {
	uint8_t now, before;
};

struct ide_drive {
	enum ide_kind kind;
	struct disk *disk; /* IDE_CD: NULL: no medium */
	char serial[21];
	struct ide_deep feature, count, low, mid, high;
	uint8_t error, device, status, command;
	bool irq;          /* INTRQ, as far as the drive is concerned */
	uint16_t default_cylinders, cylinders, heads, sectors; /* the translation in force */
	uint8_t multiple;  /* sectors a block, 0: no READ MULTIPLE */
	uint8_t dma_mode;  /* multiword DMA */
	bool write_cache, look_ahead;
	/* packet device */
	uint8_t sense_key, asc, ascq, attention; /* attention: ASC of a unit attention, 0: none */
	bool locked, ejected, media_event;
};

struct ide;

struct ide_channel {
	struct ide *ide;
	unsigned index;
	uint16_t base;
	struct ide_drive drive[2];
	unsigned selected;
	uint8_t control;
	enum ide_step step;
	bool waits_for_master; /* STEP_DMA, STEP_PACKET_IN: DMARQ */
	uint64_t delay;        /* of that step, once the bus master runs */
	bool to_host;          /* direction of the data phase */
	bool dma;
	uint64_t next;         /* sector */
	uint32_t left;         /* sectors that are still to be moved (packet: loaded) */
	uint32_t per_block;    /* sectors a DRQ block; packet: bytes */
	uint32_t pos, block_end, size; /* in the buffer */
	uint8_t bm_command, bm_status;
	uint32_t bm_table;
	uint32_t prd_next, prd_address, prd_left;
	bool prd_last;
	struct timer timer;
	struct irq_line irq;
	uint8_t buffer[IDE_BUFFER];
};

struct ide {
	struct bus *bus;
	struct clock *clock;
	struct pci_function pci; /* pci.pci: NULL on a board without PCI */
	struct ide_channel channel[2];
};

/* Both channels, without drives, at their AT addresses.  False: out of memory. */
bool ide_init(struct ide *ide, struct bus *bus, struct clock *clock);
/* Before the machine runs.  A disk has sectors of 512 bytes, a CD (which may be NULL) of 2048. */
void ide_attach_disk(struct ide *ide, unsigned channel, unsigned drive, struct disk *disk);
void ide_attach_cd(struct ide *ide, unsigned channel, unsigned drive, struct disk *disk);
/* Another CD, or none, comes into the drive. */
void ide_change_cd(struct ide *ide, unsigned channel, unsigned drive, struct disk *disk);
/* The bus master as a PCI function (8086:7010).  From then on the channels are decoded as its command
 * register and IDETIM bits 15 say.  False: out of memory. */
bool ide_add_pci(struct ide *ide, struct pci *pci, uint8_t devfn);
/* RESET#: both channels as after power-on. */
void ide_reset(struct ide *ide);

#endif
