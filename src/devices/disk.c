#include "devices/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_SIZE 512

__attribute__((format(printf, 2, 3))) static void tell(const struct disk *disk, const char *format, ...)
{
	char line[LINE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (disk->report.report)
		disk->report.report(disk->report.owner, line);
}

/* The guest gets each error; people get the first of each kind. */
static enum disk_result trouble(struct disk *disk, enum disk_trouble kind, const char *what, uint64_t at,
				const char *reason)
{
	if (!disk->told[kind])
		tell(disk, "%s: cannot %s at byte %" PRIu64 ": %s; the guest is told of a disk error", disk->path, what,
		     at, reason);
	disk->told[kind] = true;
	return DISK_FAILED;
}

static const char *host_error(ssize_t moved)
{
	return moved < 0 ? strerror(errno) : "the file has become shorter";
}

/* ---- the file ---- */

/* Bytes past the end of the file (not past the last sector) are zeros. */
static enum disk_result file_read(struct disk *disk, uint64_t at, uint8_t *data, size_t size)
{
	while (size != 0 && at < disk->file_size) {
		uint64_t left = disk->file_size - at;
		ssize_t n = pread(disk->fd, data, left < size ? (size_t)left : size, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return trouble(disk, TROUBLE_READ, "read", at, host_error(n));
		data += n;
		at += (uint64_t)n;
		size -= (size_t)n;
	}
	memset(data, 0, size);
	return DISK_OK;
}

static enum disk_result file_write(struct disk *disk, uint64_t at, const uint8_t *data, size_t size)
{
	while (size != 0) {
		ssize_t n = pwrite(disk->fd, data, size, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return trouble(disk, TROUBLE_WRITE, "write", at, n < 0 ? strerror(errno) : "nothing is taken");
		data += n;
		at += (uint64_t)n;
		size -= (size_t)n;
		if (at > disk->file_size)
			disk->file_size = at;
	}
	return DISK_OK;
}

/* ---- the snapshot ---- */
static uint8_t *written_chunk(struct disk *disk, uint64_t at)
{
	return disk->chunk ? disk->chunk[at / DISK_CHUNK] : NULL;
}

/* The chunk at's bytes go to, filled from the file when it is first written. */
static enum disk_result make_chunk(struct disk *disk, uint64_t at, uint8_t **chunk)
{
	enum disk_result result;

	*chunk = disk->chunk[at / DISK_CHUNK];
	if (*chunk)
		return DISK_OK;
	*chunk = malloc(DISK_CHUNK);
	if (!*chunk)
		return trouble(disk, TROUBLE_MEMORY, "keep what was written", at, "out of memory");
	result = file_read(disk, at - at % DISK_CHUNK, *chunk, DISK_CHUNK);
	if (result != DISK_OK) {
		free(*chunk);
		return result;
	}
	disk->chunk[at / DISK_CHUNK] = *chunk;
	disk->kept += DISK_CHUNK;
	return DISK_OK;
}

/* The part of at..at+size-1 that lies in one chunk. */
static size_t within_chunk(uint64_t at, size_t size)
{
	size_t left = DISK_CHUNK - (size_t)(at % DISK_CHUNK);

	return size < left ? size : left;
}

/* ---- what devices call ---- */
static bool outside(const struct disk *disk, uint64_t first, uint32_t count)
{
	return first > disk->sectors || count > disk->sectors - first;
}

enum disk_result disk_read(struct disk *disk, uint64_t first, uint32_t count, uint8_t *data)
{
	uint64_t at = first * disk->sector_size;
	size_t size = (size_t)count * disk->sector_size, here;

	if (outside(disk, first, count))
		return DISK_OUTSIDE;
	if (!disk->snapshot)
		return file_read(disk, at, data, size);
	for (; size != 0; size -= here, at += here, data += here) {
		const uint8_t *chunk = written_chunk(disk, at);

		here = within_chunk(at, size);
		if (chunk)
			memcpy(data, chunk + at % DISK_CHUNK, here);
		else if (file_read(disk, at, data, here) != DISK_OK)
			return DISK_FAILED;
	}
	return DISK_OK;
}

enum disk_result disk_write(struct disk *disk, uint64_t first, uint32_t count, const uint8_t *data)
{
	uint64_t at = first * disk->sector_size;
	size_t size = (size_t)count * disk->sector_size, here;

	if (outside(disk, first, count))
		return DISK_OUTSIDE;
	if (disk->read_only)
		return DISK_PROTECTED;
	if (!disk->snapshot)
		return file_write(disk, at, data, size);
	for (; size != 0; size -= here, at += here, data += here) {
		uint8_t *chunk;

		here = within_chunk(at, size);
		if (make_chunk(disk, at, &chunk) != DISK_OK)
			return DISK_FAILED;
		memcpy(chunk + at % DISK_CHUNK, data, here);
	}
	return DISK_OK;
}

enum disk_result disk_flush(struct disk *disk)
{
	if (disk->snapshot || disk->read_only)
		return DISK_OK;
	/* EINVAL, EROFS: what lies there has no medium behind it (fsync(2)). */
	if (fdatasync(disk->fd) == 0 || errno == EINVAL || errno == EROFS)
		return DISK_OK;
	return trouble(disk, TROUBLE_FLUSH, "flush", disk->file_size, strerror(errno));
}

/* ---- opening ---- */
static bool open_file(struct disk *disk, unsigned flags)
{
	bool writes = !(flags & (DISK_READ_ONLY | DISK_SNAPSHOT));

	disk->read_only = flags & DISK_READ_ONLY;
	disk->fd = open(disk->path, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
	if (disk->fd < 0 && writes && (errno == EACCES || errno == EPERM || errno == EROFS)) {
		disk->fd = open(disk->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		disk->read_only = true;
		if (disk->fd >= 0)
			tell(disk,
			     "%s: may not be written: the guest finds it read-only (-snapshot keeps writes in memory)",
			     disk->path);
	}
	if (disk->fd < 0)
		tell(disk, "%s: cannot open: %s", disk->path, strerror(errno));
	return disk->fd >= 0;
}

static bool measure(struct disk *disk)
{
	struct stat st;
	off_t end;

	if (fstat(disk->fd, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))) {
		tell(disk, "%s: not a disk image: neither a file nor a block device", disk->path);
		return false;
	}
	end = lseek(disk->fd, 0, SEEK_END);
	if (end <= 0) {
		tell(disk, "%s: the disk image is empty", disk->path);
		return false;
	}
	disk->file_size = (uint64_t)end;
	disk->sectors = disk->file_size / disk->sector_size;
	if (disk->file_size % disk->sector_size) {
		disk->sectors++;
		tell(disk, "%s: %" PRIu64 " bytes are no whole number of %u-byte sectors: zeros fill the last one",
		     disk->path, disk->file_size, (unsigned)disk->sector_size);
	}
	return true;
}

static bool make_chunks(struct disk *disk)
{
	uint64_t bytes = disk->sectors * disk->sector_size;

	disk->chunk = calloc((size_t)(bytes / DISK_CHUNK + 1), sizeof(*disk->chunk));
	if (!disk->chunk)
		tell(disk, "%s: out of memory for -snapshot", disk->path);
	return disk->chunk != NULL;
}

bool disk_open(struct disk *disk, const char *path, unsigned flags, uint32_t sector_size, struct disk_report report)
{
	memset(disk, 0, sizeof(*disk));
	disk->fd = -1;
	disk->sector_size = sector_size;
	disk->report = report;
	disk->snapshot = flags & DISK_SNAPSHOT;
	disk->path = strdup(path);
	if (!disk->path) {
		tell(disk, "out of memory for a disk's name");
		return false;
	}
	if (open_file(disk, flags) && measure(disk) && (!disk->snapshot || make_chunks(disk)))
		return true;
	disk_close(disk);
	return false;
}

bool disk_enlarge(struct disk *disk, uint64_t sectors, const char *name)
{
	size_t old = (size_t)(disk->sectors * disk->sector_size / DISK_CHUNK + 1);
	size_t count = (size_t)(sectors * disk->sector_size / DISK_CHUNK + 1);

	if (sectors <= disk->sectors)
		return true;
	if (disk->chunk) {
		uint8_t **grown = realloc(disk->chunk, count * sizeof(*grown));

		if (!grown) {
			tell(disk, "%s: out of memory for -snapshot", disk->path);
			return false;
		}
		memset(grown + old, 0, (count - old) * sizeof(*grown));
		disk->chunk = grown;
	}
	disk->sectors = sectors;
	tell(disk, "%s: smaller than %s: the rest is zeros", disk->path, name);
	return true;
}

void disk_close(struct disk *disk)
{
	if (disk->fd >= 0 && close(disk->fd) != 0 && errno != EINTR && !disk->read_only)
		trouble(disk, TROUBLE_FLUSH, "close", disk->file_size, strerror(errno));
	if (disk->chunk) {
		uint64_t bytes = disk->sectors * disk->sector_size;

		for (uint64_t i = 0; i <= bytes / DISK_CHUNK; i++)
			free(disk->chunk[i]);
	}
	free(disk->chunk);
	free(disk->path);
	disk->chunk = NULL;
	disk->path = NULL;
	disk->fd = -1;
}
