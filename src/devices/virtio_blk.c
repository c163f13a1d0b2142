#include "devices/virtio_blk.h"

#include <stdio.h>
#include <string.h>

#define SECTOR 512u
#define HEADER 16u

static uint8_t status_of(enum disk_result result)
{
	return result == DISK_OK ? VIRTIO_BLK_OK : VIRTIO_BLK_IOERR;
}

/* Whole sectors, all of them on the disk, no more than a driver may ask for. */
static bool fits(const struct virtio_blk *blk, uint64_t sector, uint64_t bytes)
{
	uint64_t sectors = blk->disk->sectors;

	return bytes % SECTOR == 0 && bytes <= (uint64_t)VIRTIO_BLK_SEG_MAX * VIRTIO_BLK_SIZE_MAX &&
	       sector <= sectors && bytes / SECTOR <= sectors - sector;
}

static uint8_t read_sectors(struct virtio_blk *blk, const struct virtio_request *r, uint64_t sector, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes;) {
		uint32_t n = bytes - at < sizeof(blk->buffer) ? (uint32_t)(bytes - at) : (uint32_t)sizeof(blk->buffer);
		enum disk_result result = disk_read(blk->disk, sector + at / SECTOR, n / SECTOR, blk->buffer);

		if (result != DISK_OK)
			return status_of(result);
		virtio_put(&blk->virtio, r, at, blk->buffer, n);
		at += n;
	}
	return VIRTIO_BLK_OK;
}

static uint8_t write_sectors(struct virtio_blk *blk, const struct virtio_request *r, uint64_t sector, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes;) {
		uint32_t n = bytes - at < sizeof(blk->buffer) ? (uint32_t)(bytes - at) : (uint32_t)sizeof(blk->buffer);
		enum disk_result result;

		virtio_get(&blk->virtio, r, HEADER + at, blk->buffer, n);
		result = disk_write(blk->disk, sector + at / SECTOR, n / SECTOR, blk->buffer);
		if (result != DISK_OK)
			return status_of(result);
		at += n;
	}
	return VIRTIO_BLK_OK;
}

/* The last byte that the device writes is the status, the others are data. */
static bool serve(struct virtio *v, const struct virtio_request *r, uint32_t *written, uint64_t *ns)
{
	struct virtio_blk *blk = (struct virtio_blk *)v;
	uint8_t status = VIRTIO_BLK_UNSUPPORTED;
	uint64_t in, out, sector;
	uint32_t type, moved = 0;
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} header;

	if (r->out < HEADER || r->in < 1)
		return false;
	virtio_get(v, r, 0, &header, HEADER);
	type = header.type;
	sector = header.sector;
	in = r->in - 1;
	out = r->out - HEADER;
	if (type == VIRTIO_BLK_IN) {
		status = fits(blk, sector, in) ? read_sectors(blk, r, sector, in) : VIRTIO_BLK_IOERR;
		moved = status == VIRTIO_BLK_OK ? (uint32_t)in : 0;
		*ns = status == VIRTIO_BLK_OK ? in / SECTOR * VIRTIO_BLK_SECTOR_TIME : 0;
	} else if (type == VIRTIO_BLK_OUT) {
		status = fits(blk, sector, out) ? write_sectors(blk, r, sector, out) : VIRTIO_BLK_IOERR;
		*ns = status == VIRTIO_BLK_OK ? out / SECTOR * VIRTIO_BLK_SECTOR_TIME : 0;
	} else if (type == VIRTIO_BLK_FLUSH) {
		status = status_of(disk_flush(blk->disk));
	} else if (type == VIRTIO_BLK_ID) {
		moved = in < sizeof(blk->id) ? (uint32_t)in : (uint32_t)sizeof(blk->id);
		virtio_put(v, r, 0, blk->id, moved);
		status = VIRTIO_BLK_OK;
	}
	virtio_put(v, r, in, &status, 1);
	*written = moved + 1;
	return true;
}

static void put(uint8_t *at, unsigned bytes, uint64_t value)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

bool virtio_blk_init(struct virtio_blk *blk, struct pci *pci, struct clock *clock, uint8_t devfn, unsigned index,
		     struct disk *disk)
{
	uint64_t features = VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_GEOMETRY |
			    VIRTIO_BLK_F_BLK_SIZE | VIRTIO_BLK_F_FLUSH | (disk->read_only ? VIRTIO_BLK_F_RO : 0);
	uint64_t cylinders = disk->sectors / (16 * 63);
	uint8_t *config;

	blk->disk = disk;
	memset(blk->id, 0, sizeof(blk->id));
	snprintf(blk->id, sizeof(blk->id), "TGV%05u", 1 + index);
	if (!virtio_init(&blk->virtio, pci, clock, devfn, index, "virtio-blk", 2, 0x010000, features, serve))
		return false;
	config = blk->virtio.config;
	put(config, 8, disk->sectors);
	put(config + 8, 4, VIRTIO_BLK_SIZE_MAX);
	put(config + 12, 4, VIRTIO_BLK_SEG_MAX);
	/* A disk of less than a cylinder has one all the same, as an ATA disk has. */
	put(config + 16, 2, cylinders > 65535 ? 65535 : cylinders ? cylinders : 1);
	put(config + 18, 1, 16);
	put(config + 19, 1, 63);
	put(config + 20, 4, SECTOR);
	return true;
}
