/* A raw image of the host behind a disk, a CD or a floppy.
 *
 * Whatever goes wrong with the host's file is two things: an error for the
 * device that asked, so that the guest learns of it, and one line through
 * report(), the first time each kind of trouble happens.  What a guest wrote
 * and was told is written is in the file (or, with DISK_SNAPSHOT, in memory);
 * it is never dropped.
 *
 * Images of odd sizes: the last sector is whole, what the file lacks of it
 * reads as zeros, and a write to it makes the file longer. */
#ifndef TRAPGATE_DEVICES_DISK_H
#define TRAPGATE_DEVICES_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_READ_ONLY 0x01u /* the guest may not write, the file may */
#define DISK_SNAPSHOT 0x02u  /* writes stay in memory and go with the machine */

#define DISK_CHUNK 65536u    /* grain of what a snapshot keeps */

/* line: one line for people, no newline. */
struct disk_report {
	void (*report)(void *owner, const char *line);
	void *owner;
};

enum disk_result {
	DISK_OK,
	DISK_OUTSIDE,   /* past the last sector */
	DISK_PROTECTED, /* read-only */
	DISK_FAILED,    /* the host could not: see the line */
};

enum disk_trouble { TROUBLE_READ, TROUBLE_WRITE, TROUBLE_FLUSH, TROUBLE_MEMORY, TROUBLE_KINDS };

struct disk {
	char *path;
	int fd;                    /* -1: not open */
	uint64_t file_size;        /* bytes in the file */
	uint64_t sectors;
	uint32_t sector_size;
	bool read_only, snapshot;
	bool told[TROUBLE_KINDS];
	struct disk_report report;
	uint8_t **chunk;           /* snapshot: written chunks, NULL: as in the file */
	uint64_t kept;             /* bytes in chunks, at most the image's size and a chunk */
};

/* Opens path as sectors of sector_size bytes.  A file that may not be written
 * opens read-only, and a line says so.  False: no such image, not a file, empty, out of memory;
 * the line says which.  A disk that is not open may be closed. */
bool disk_open(struct disk *disk, const char *path, unsigned flags, uint32_t sector_size, struct disk_report report);
/* The disk has that many sectors (no fewer than the image): what the file lacks reads as zeros, and writing
 * there makes it longer.  name says of what the image is a part.  False: out of memory. */
bool disk_enlarge(struct disk *disk, uint64_t sectors, const char *name);
/* Hands everything to the host. */
void disk_close(struct disk *disk);

/* count whole sectors from first.  Nothing is moved unless all of them are there. */
enum disk_result disk_read(struct disk *disk, uint64_t first, uint32_t count, uint8_t *data);
enum disk_result disk_write(struct disk *disk, uint64_t first, uint32_t count, const uint8_t *data);
/* All that was written is on the host's medium. */
enum disk_result disk_flush(struct disk *disk);

#endif
