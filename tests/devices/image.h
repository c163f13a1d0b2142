/* Image files for tests of storage. */
#ifndef TRAPGATE_TESTS_DEVICES_IMAGE_H
#define TRAPGATE_TESTS_DEVICES_IMAGE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bed.h"
#include "devices/disk.h"

struct lines {
	unsigned count;
	char last[512];
};

static inline void lines_add(void *owner, const char *line)
{
	struct lines *lines = owner;

	lines->count++;
	snprintf(lines->last, sizeof(lines->last), "%s", line);
}

/* What lies at byte `at` of a fresh image. */
static inline uint8_t image_byte(uint64_t at)
{
	return (uint8_t)(at ^ at >> 9 ^ at >> 17 ^ 0x5a);
}

/* A new file of size bytes with that pattern; its name goes to path. */
static inline void image_make(char path[64], uint64_t size)
{
	uint8_t block[4096];
	int fd;

	snprintf(path, 64, "/tmp/trapgate-disk-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	for (uint64_t at = 0; at < size; at += sizeof(block)) {
		size_t here = size - at < sizeof(block) ? (size_t)(size - at) : sizeof(block);

		for (size_t i = 0; i < here; i++)
			block[i] = image_byte(at + i);
		assert_int_equal(write(fd, block, here), (ssize_t)here);
	}
	close(fd);
}

static inline uint64_t image_size(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

static inline uint8_t image_at(const char *path, uint64_t at)
{
	FILE *f = fopen(path, "rb");
	int c;

	assert_non_null(f);
	assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
	c = fgetc(f);
	fclose(f);
	assert_true(c >= 0);
	return (uint8_t)c;
}

#endif
