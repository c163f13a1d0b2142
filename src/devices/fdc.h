/* The floppy controller of the AT: 82077AA in PC-AT mode, ports 3F0h-3F5h and
 * 3F7h (3F6h is the disk channel's), DMA channel 2, IRQ 6.
 *
 * Source: Intel 82077AA datasheet (290166), "Registers", "Controller phases",
 * "Command set/descriptions", "Status register encoding".
 *
 * What the datasheet leaves to the drive, and what stands here:
 *  - mechanics are quick: FDC_STEP_TIME a cylinder, FDC_SECTOR_TIME a sector,
 *    and the disk turns whether the motor is on or not;
 *  - a command for a drive without a disk ends after FDC_NO_DISK_TIME with a
 *    missing address mark (a real one waits for index pulses until it is reset);
 *  - when the DMA channel does not take or give a byte, it is an overrun;
 *    programmed transfers never are, the disk waits;
 *  - a raw image holds only sectors of 512 bytes in their places: formatting
 *    anything else ends with an equipment check;
 *  - what AT mode leaves floating (3F0h, 3F1h, bits of 3F3h and 3F7h) reads as ones.
 * SCAN commands are not built: a gap. */
#ifndef TRAPGATE_DEVICES_FDC_H
#define TRAPGATE_DEVICES_FDC_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bus.h"
#include "bus/clock.h"
#include "bus/line.h"
#include "devices/disk.h"
#include "devices/dma.h"

#define FDC_PORT 0x3f0
#define FDC_DMA 2u
#define FDC_DRIVES 2
#define FDC_SECTOR 512u
#define FDC_RESET_TIME UINT64_C(20000) /* ns */
#define FDC_COMMAND_TIME UINT64_C(15000)
#define FDC_SECTOR_TIME UINT64_C(30000)
#define FDC_STEP_TIME UINT64_C(10000)
#define FDC_NO_DISK_TIME UINT64_C(400000000)

enum fdc_register {
	FDC_DOR = 2,
	FDC_TDR = 3,
	FDC_MSR = 4, /* W: DSR */
	FDC_FIFO = 5,
	FDC_DIR = 7, /* W: CCR */
};

#define FDC_DOR_RESET 0x04u /* 0: in reset */
#define FDC_DOR_DMAGATE 0x08u
#define FDC_MSR_RQM 0x80u
#define FDC_MSR_DIO 0x40u
#define FDC_MSR_NONDMA 0x20u
#define FDC_MSR_BUSY 0x10u
#define FDC_DSR_RESET 0x80u
#define FDC_DIR_CHANGED 0x80u

#define FDC_ST0_ABNORMAL 0x40u
#define FDC_ST0_INVALID 0x80u
#define FDC_ST0_POLLING 0xc0u
#define FDC_ST0_SEEK_END 0x20u
#define FDC_ST0_EQUIPMENT 0x10u
#define FDC_ST1_END 0x80u      /* end of cylinder */
#define FDC_ST1_DATA 0x20u     /* CRC */
#define FDC_ST1_OVERRUN 0x10u
#define FDC_ST1_NO_DATA 0x04u
#define FDC_ST1_PROTECTED 0x02u
#define FDC_ST1_NO_MARK 0x01u
#define FDC_ST2_DELETED 0x40u  /* control mark */
#define FDC_ST2_DATA 0x20u
#define FDC_ST2_WRONG_CYLINDER 0x10u

struct fdc_geometry {
	uint8_t cylinders, heads, sectors;
	uint8_t rates;     /* bit r: data rate r of the CCR reads it */
	uint8_t cmos_type; /* of a drive for it: 1 360K, 2 1.2M, 3 720K, 4 1.44M, 5 2.88M */
	const char *name;
};

struct fdc_drive {
	bool present;
	struct disk *disk; /* NULL: no disk in the drive */
	const struct fdc_geometry *geometry;
	uint8_t cylinder;  /* where the heads are */
	uint8_t next_id;   /* the sector whose ID passes next */
	bool changed;      /* DSKCHG */
};

enum fdc_phase { FDC_IN_RESET, FDC_COMMAND, FDC_EXECUTE, FDC_RESULT };

struct fdc {
	struct bus *bus;
	struct clock *clock;
	struct dma *dma;
	struct fdc_drive drive[4]; /* the last two are never present */
	uint8_t dor, tdr, dsr, rate;
	enum fdc_phase phase;
	uint8_t command[9], result[10];
	unsigned have, want, results, read; /* bytes of the command, of the result */
	/* SPECIFY, CONFIGURE, PERPENDICULAR, LOCK */
	uint8_t srt_hut, hlt_nd, configure, pretrack, perpendicular;
	bool locked;
	/* the data transfer under way */
	uint8_t head, id[4];     /* C H R N as in the result */
	uint8_t st0, st1, st2;
	uint8_t verify_left;     /* sectors to verify or to format */
	uint8_t sc_eot;          /* of the last FORMAT (SC) or transfer (EOT) */
	bool waiting;            /* programmed transfer: the host's turn */
	unsigned pos, size;      /* in the buffer */
	uint8_t buffer[FDC_SECTOR];
	/* per drive */
	uint8_t pcn[4];
	uint8_t seek_to[4], seek_st0[4];
	uint8_t seeking, seek_ended; /* a bit each */
	unsigned poll_left;          /* after reset: drives SENSE INTERRUPT tells of */
	uint64_t seek_when[4];
	bool interrupt;              /* of the result phase, of the data phase, of polling */
	struct timer timer, seek_timer;
	struct irq_line irq;
};

/* False: out of memory. */
bool fdc_init(struct fdc *fdc, struct bus *bus, struct clock *clock, struct dma *dma);
/* A drive 0 or 1 with a disk in it, or none (NULL); also to change the disk.  The size of the image says what floppy
 * it is; other sizes are taken for a 1.44M floppy or the next larger one that has room, and enlarged.
 * False: the image is larger than any floppy, or out of memory. */
bool fdc_insert(struct fdc *fdc, unsigned drive, struct disk *disk);
/* What CMOS register 10h says of the drive; 0: none. */
uint8_t fdc_cmos_type(const struct fdc *fdc, unsigned drive);
/* RESET pin. */
void fdc_reset(struct fdc *fdc);

#endif
