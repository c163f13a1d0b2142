/* Raw images: what is read, what is kept, and what people are told. */
#include "image.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

struct bench {
	char path[64];
	struct lines lines;
	struct disk disk;
};

static bool open_disk(struct bench *b, uint64_t size, unsigned flags, uint32_t sector)
{
	memset(b, 0, sizeof(*b));
	image_make(b->path, size);
	return disk_open(&b->disk, b->path, flags, sector, (struct disk_report){lines_add, &b->lines});
}

static void close_disk(struct bench *b)
{
	disk_close(&b->disk);
	unlink(b->path);
}

static void sectors_are_read_and_written(void **state)
{
	struct bench b;
	uint8_t data[1024];

	assert_true(open_disk(&b, 8192, 0, 512));
	assert_int_equal(b.disk.sectors, 16);
	assert_int_equal(disk_read(&b.disk, 3, 2, data), DISK_OK);
	for (unsigned i = 0; i < 1024; i++)
		assert_int_equal(data[i], image_byte(1536 + i));
	memset(data, 0xe5, sizeof(data));
	assert_int_equal(disk_write(&b.disk, 14, 2, data), DISK_OK);
	assert_int_equal(disk_flush(&b.disk), DISK_OK);
	assert_int_equal(image_at(b.path, 14 * 512), 0xe5);
	assert_int_equal(image_at(b.path, 14 * 512 - 1), image_byte(14 * 512 - 1));
	assert_int_equal(b.lines.count, 0);
	close_disk(&b);
}

static void nothing_moves_past_the_last_sector(void **state)
{
	static const struct {
		uint64_t first;
		uint32_t count;
		enum disk_result result;
	} row[] = {
		{0, 16, DISK_OK},      {15, 1, DISK_OK},           {16, 0, DISK_OK},
		{16, 1, DISK_OUTSIDE}, {15, 2, DISK_OUTSIDE},      {UINT64_MAX, 1, DISK_OUTSIDE},
		{0, 17, DISK_OUTSIDE}, {UINT64_MAX / 512, 2, DISK_OUTSIDE},
	};
	static uint8_t data[17 * 512];
	struct bench b;

	assert_true(open_disk(&b, 8192, 0, 512));
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(disk_read(&b.disk, row[i].first, row[i].count, data), row[i].result);
		assert_int_equal(disk_write(&b.disk, row[i].first, row[i].count, data), row[i].result);
	}
	assert_int_equal(image_size(b.path), 8192);
	close_disk(&b);
}

static void an_odd_image_ends_in_zeros_and_grows_when_written(void **state)
{
	struct bench b;
	uint8_t data[512];

	assert_true(open_disk(&b, 1000, 0, 512));
	assert_int_equal(b.lines.count, 1);
	assert_non_null(strstr(b.lines.last, "1000 bytes"));
	assert_int_equal(b.disk.sectors, 2);
	assert_int_equal(disk_read(&b.disk, 1, 1, data), DISK_OK);
	assert_int_equal(data[487], image_byte(999));
	for (unsigned i = 488; i < 512; i++)
		assert_int_equal(data[i], 0);
	data[511] = 0x77;
	assert_int_equal(disk_write(&b.disk, 1, 1, data), DISK_OK);
	assert_int_equal(image_size(b.path), 1024);
	assert_int_equal(disk_read(&b.disk, 1, 1, data), DISK_OK);
	assert_int_equal(data[511], 0x77);
	close_disk(&b);
}

static void a_file_cut_while_it_is_used_is_an_error(void **state)
{
	struct bench b;
	uint8_t data[512];

	assert_true(open_disk(&b, 8192, 0, 512));
	assert_int_equal(truncate(b.path, 1024), 0);
	assert_int_equal(disk_read(&b.disk, 1, 1, data), DISK_OK);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(disk_read(&b.disk, 2, 1, data), DISK_FAILED);
	assert_int_equal(b.lines.count, 1);
	assert_non_null(strstr(b.lines.last, "become shorter"));
	close_disk(&b);
}

static void a_full_host_is_an_error_and_one_line(void **state)
{
	struct rlimit old, small;
	struct bench b;
	uint8_t data[512] = {1};

	assert_true(open_disk(&b, 1000, 0, 512));
	b.lines.count = 0;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 600;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	/* Part of the sector fits: it is an error all the same. */
	assert_int_equal(disk_write(&b.disk, 1, 1, data), DISK_FAILED);
	assert_int_equal(disk_write(&b.disk, 1, 1, data), DISK_FAILED);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(b.lines.count, 1);
	assert_non_null(strstr(b.lines.last, "cannot write at byte"));
	assert_int_equal(disk_write(&b.disk, 1, 1, data), DISK_OK);
	close_disk(&b);
}

static void a_full_device_is_an_error(void **state)
{
	struct bench b;
	uint8_t data[512] = {1};
	int full = open("/dev/full", O_WRONLY);

	if (full < 0)
		skip();
	assert_true(open_disk(&b, 8192, 0, 512));
	assert_int_equal(dup2(full, b.disk.fd), b.disk.fd);
	close(full);
	assert_int_equal(disk_write(&b.disk, 1, 1, data), DISK_FAILED);
	assert_non_null(strstr(b.lines.last, "No space left"));
	close_disk(&b);
}

static void a_read_only_disk_refuses_writes(void **state)
{
	struct bench b;
	uint8_t data[512] = {1};

	assert_true(open_disk(&b, 8192, DISK_READ_ONLY, 512));
	assert_int_equal(b.lines.count, 0);
	assert_int_equal(disk_write(&b.disk, 0, 1, data), DISK_PROTECTED);
	assert_int_equal(disk_read(&b.disk, 0, 1, data), DISK_OK);
	assert_int_equal(data[0], image_byte(0));
	close_disk(&b);
}

static void a_file_that_may_not_be_written_opens_read_only(void **state)
{
	struct bench b;
	uint8_t data[512] = {1};

	memset(&b, 0, sizeof(b));
	image_make(b.path, 8192);
	chmod(b.path, 0444);
	if (geteuid() == 0 && seteuid(65534) != 0)
		skip();
	chmod(b.path, 0444);
	if (!disk_open(&b.disk, b.path, 0, 512, (struct disk_report){lines_add, &b.lines}))
		fail_msg("%s", b.lines.last);
	assert_int_equal(seteuid(getuid()), 0);
	assert_true(b.disk.read_only);
	assert_int_equal(b.lines.count, 1);
	assert_non_null(strstr(b.lines.last, "read-only"));
	assert_int_equal(disk_write(&b.disk, 0, 1, data), DISK_PROTECTED);
	close_disk(&b);
}

static void a_snapshot_leaves_the_file_alone(void **state)
{
	struct bench b;
	static uint8_t data[300 * 512], back[300 * 512];

	assert_true(open_disk(&b, 512 * 1000 + 7, DISK_SNAPSHOT, 512));
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	assert_int_equal(disk_write(&b.disk, 100, 300, data), DISK_OK);
	assert_int_equal(b.disk.kept, 4 * DISK_CHUNK); /* bytes 51200 to 204799 */
	assert_int_equal(disk_read(&b.disk, 100, 300, back), DISK_OK);
	assert_memory_equal(data, back, sizeof(data));
	assert_int_equal(disk_read(&b.disk, 99, 1, back), DISK_OK);
	assert_int_equal(back[0], image_byte(99 * 512));
	assert_int_equal(disk_write(&b.disk, 1000, 1, data), DISK_OK);
	assert_int_equal(disk_read(&b.disk, 1000, 1, back), DISK_OK);
	assert_memory_equal(data, back, 512);
	assert_int_equal(disk_flush(&b.disk), DISK_OK);
	disk_close(&b.disk);
	assert_int_equal(image_size(b.path), 512 * 1000 + 7);
	for (uint64_t at = 0; at < 512 * 1000; at += 4999)
		assert_int_equal(image_at(b.path, at), image_byte(at));
	unlink(b.path);
}

static void a_snapshot_is_no_larger_than_its_image(void **state)
{
	struct bench b;
	uint8_t data[2048] = {0};

	assert_true(open_disk(&b, 200000, DISK_SNAPSHOT, 2048));
	for (unsigned round = 0; round < 3; round++) {
		for (uint64_t i = 0; i < b.disk.sectors; i++)
			assert_int_equal(disk_write(&b.disk, i, 1, data), DISK_OK);
	}
	assert_true(b.disk.kept <= 200000 + DISK_CHUNK);
	close_disk(&b);
}

static void sixty_four_bit_offsets(void **state)
{
	const uint64_t size = UINT64_C(5) << 40, last = size / 512 - 1;
	struct bench b;
	uint8_t data[512], back[512];

	memset(&b, 0, sizeof(b));
	image_make(b.path, 512);
	if (truncate(b.path, (off_t)size) != 0) {
		unlink(b.path);
		print_message("the file system has no files of 5 TiB\n");
		skip();
	}
	for (unsigned flags = 0; flags <= DISK_SNAPSHOT; flags += DISK_SNAPSHOT) {
		assert_true(disk_open(&b.disk, b.path, flags, 512, (struct disk_report){lines_add, &b.lines}));
		memset(data, 0x42 + (int)flags, sizeof(data));
		assert_int_equal(disk_write(&b.disk, last, 1, data), DISK_OK);
		assert_int_equal(disk_read(&b.disk, last, 1, back), DISK_OK);
		assert_memory_equal(data, back, 512);
		assert_int_equal(disk_read(&b.disk, 0, 1, back), DISK_OK);
		assert_int_equal(back[0], image_byte(0));
		disk_close(&b.disk);
	}
	assert_true(image_size(b.path) == size);
	unlink(b.path);
}

static void what_is_no_image_is_said_in_one_line(void **state)
{
	static const struct {
		const char *path, *says;
	} row[] = {
		{"/nonexistent/disk.img", "No such file"},
		{"/tmp", "neither a file nor a block device"},
		{"/dev/null", "neither a file nor a block device"},
	};
	struct lines lines;
	struct disk disk;
	struct bench b;

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		memset(&lines, 0, sizeof(lines));
		assert_false(disk_open(&disk, row[i].path, DISK_READ_ONLY, 512,
				       (struct disk_report){lines_add, &lines}));
		assert_int_equal(lines.count, 1);
		assert_non_null(strstr(lines.last, row[i].says));
		assert_null(strchr(lines.last, '\n'));
	}
	assert_false(open_disk(&b, 0, 0, 512));
	assert_int_equal(b.lines.count, 1);
	assert_non_null(strstr(b.lines.last, "empty"));
	close_disk(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sectors_are_read_and_written),
		cmocka_unit_test(nothing_moves_past_the_last_sector),
		cmocka_unit_test(an_odd_image_ends_in_zeros_and_grows_when_written),
		cmocka_unit_test(a_file_cut_while_it_is_used_is_an_error),
		cmocka_unit_test(a_full_host_is_an_error_and_one_line),
		cmocka_unit_test(a_full_device_is_an_error),
		cmocka_unit_test(a_read_only_disk_refuses_writes),
		cmocka_unit_test(a_file_that_may_not_be_written_opens_read_only),
		cmocka_unit_test(a_snapshot_leaves_the_file_alone),
		cmocka_unit_test(a_snapshot_is_no_larger_than_its_image),
		cmocka_unit_test(sixty_four_bit_offsets),
		cmocka_unit_test(what_is_no_image_is_said_in_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
