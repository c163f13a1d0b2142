/* The virtio block device: VIRTIO 1.1, "Block Device". */
#ifndef TRAPGATE_DEVICES_VIRTIO_BLK_H
#define TRAPGATE_DEVICES_VIRTIO_BLK_H

#include "devices/disk.h"
#include "devices/virtio.h"

#define VIRTIO_BLK_SEG_MAX 126u
#define VIRTIO_BLK_SIZE_MAX 0x40000u /* bytes of a segment; a request has at most SEG_MAX times that */
#define VIRTIO_BLK_SECTOR_TIME UINT64_C(500) /* ns */

#define VIRTIO_BLK_F_SIZE_MAX (1u << 1)
#define VIRTIO_BLK_F_SEG_MAX (1u << 2)
#define VIRTIO_BLK_F_GEOMETRY (1u << 4)
#define VIRTIO_BLK_F_RO (1u << 5)
#define VIRTIO_BLK_F_BLK_SIZE (1u << 6)
#define VIRTIO_BLK_F_FLUSH (1u << 9)

enum virtio_blk_type { VIRTIO_BLK_IN = 0, VIRTIO_BLK_OUT = 1, VIRTIO_BLK_FLUSH = 4, VIRTIO_BLK_ID = 8 };
enum virtio_blk_status { VIRTIO_BLK_OK = 0, VIRTIO_BLK_IOERR = 1, VIRTIO_BLK_UNSUPPORTED = 2 };

struct virtio_blk {
	struct virtio virtio;
	struct disk *disk; /* sectors of 512 bytes */
	char id[20];
	uint8_t buffer[65536];
};

/* index: 0, 1 ... of several.  False: out of memory. */
bool virtio_blk_init(struct virtio_blk *blk, struct pci *pci, struct clock *clock, uint8_t devfn, unsigned index,
		     struct disk *disk);

#endif
