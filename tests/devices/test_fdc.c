/* The 82077AA: reset, commands, DMA and programmed transfers, errors. */
#include <fcntl.h>

#include "devices/fdc.h"
#include "image.h"

#define P(reg) (FDC_PORT + (reg))
#define TRACK (18u * 512)

struct bench {
	struct bed bed;
	struct dma dma;
	struct fdc fdc;
	struct disk disk;
	struct lines lines;
	struct probe irq;
	char path[64];
};

static void open_fdc(struct bench *b, uint64_t size, unsigned flags)
{
	memset(b, 0, sizeof(*b));
	bed_open(&b->bed);
	assert_non_null(bus_add_ram(b->bed.bus, "ram", 0, 0x100000));
	assert_true(dma_init(&b->dma, b->bed.bus));
	out8(&b->bed, 0xd6, 0xc0); /* channel 4: cascade, open */
	out8(&b->bed, 0xd4, 0x00);
	assert_true(fdc_init(&b->fdc, b->bed.bus, &b->bed.clock, &b->dma));
	image_make(b->path, size);
	assert_true(disk_open(&b->disk, b->path, flags, 512, (struct disk_report){lines_add, &b->lines}));
	assert_true(fdc_insert(&b->fdc, 0, &b->disk));
	probe_line(&b->irq, &b->bed, &b->fdc.irq);
}

static void close_fdc(struct bench *b)
{
	disk_close(&b->disk);
	unlink(b->path);
	bed_close(&b->bed);
}

static void send(struct bench *b, const uint8_t *bytes, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(in8(&b->bed, P(FDC_MSR)) & 0xc0, 0x80);
		out8(&b->bed, P(FDC_FIFO), bytes[i]);
	}
}

static void check_results(struct bench *b, const uint8_t *want, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t got;

		assert_int_equal(in8(&b->bed, P(FDC_MSR)) & 0xd0, 0xd0);
		got = in8(&b->bed, P(FDC_FIFO));
		if (got != want[i])
			fail_msg("result byte %u: %02x, not %02x", i, got, want[i]);
	}
	assert_int_equal(in8(&b->bed, P(FDC_MSR)) & 0xd0, 0x80);
}

static void sense(struct bench *b, uint8_t st0, uint8_t pcn)
{
	const uint8_t command = 0x08, want[2] = {st0, pcn};

	send(b, &command, 1);
	check_results(b, want, 2);
}

static void no_interrupt_to_sense(struct bench *b)
{
	const uint8_t command = 0x08, want = 0x80;

	send(b, &command, 1);
	check_results(b, &want, 1);
}

/* Out of reset, motor 0 on, 500 kb/s, polling acknowledged, DMA mode. */
static void start(struct bench *b)
{
	static const uint8_t specify[3] = {0x03, 0xaf, 0x02};

	out8(&b->bed, P(FDC_DOR), 0x1c);
	out8(&b->bed, P(FDC_DIR), 0);
	run_for(&b->bed, 1000000);
	for (uint8_t i = 0; i < 4; i++)
		sense(b, 0xc0 | i, 0);
	send(b, specify, 3);
	b->irq.rises = 0;
}

static void seek(struct bench *b, uint8_t drive, uint8_t cylinder)
{
	const uint8_t command[3] = {0x0f, drive, cylinder};

	send(b, command, 3);
	run_for(&b->bed, 10000000);
	sense(b, 0x20 | (drive & 3), cylinder);
}

/* Channel 2: count bytes at address; to_memory: the disk is read. */
static void dma_setup(struct bench *b, uint32_t address, unsigned count, bool to_memory)
{
	out8(&b->bed, 0x0a, 0x06);
	out8(&b->bed, 0x0c, 0);
	out8(&b->bed, 0x04, address);
	out8(&b->bed, 0x04, address >> 8);
	out8(&b->bed, 0x05, (count - 1));
	out8(&b->bed, 0x05, (count - 1) >> 8);
	out8(&b->bed, 0x81, address >> 16);
	out8(&b->bed, 0x0b, to_memory ? 0x46 : 0x4a);
	out8(&b->bed, 0x0a, 0x02);
}

static void check_memory(struct bench *b, uint32_t address, uint64_t lba, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		if (bus_read(b->bed.bus, address + i, 1) != image_byte(lba * 512 + i))
			fail_msg("byte %u is not that of sector %u", i, (unsigned)lba);
	}
}

static void registers_after_reset(void **state)
{
	static const struct {
		unsigned reg;
		uint8_t value;
	} row[] = {
		{0, 0xff},       {1, 0xff},        {FDC_DOR, 0x00}, {FDC_TDR, 0xfc},
		{FDC_MSR, 0x00}, {FDC_FIFO, 0xff}, {FDC_DIR, 0x7f},
	};
	struct bench b;

	open_fdc(&b, 1474560, 0);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(in8(&b.bed, P(row[i].reg)), row[i].value);
	out8(&b.bed, P(FDC_TDR), 0xff);
	assert_int_equal(in8(&b.bed, P(FDC_TDR)), 0xff);
	out8(&b.bed, P(FDC_TDR), 0x01);
	assert_int_equal(in8(&b.bed, P(FDC_TDR)), 0xfd);
	for (unsigned v = 0; v < 256; v += 17) {
		out8(&b.bed, P(FDC_DOR), v);
		assert_int_equal(in8(&b.bed, P(FDC_DOR)), v);
	}
	close_fdc(&b);
}

static void reset_ends_with_four_polling_interrupts(void **state)
{
	struct bench b;

	open_fdc(&b, 1474560, 0);
	for (unsigned how = 0; how < 2; how++) {
		if (how == 0) {
			out8(&b.bed, P(FDC_DOR), 0x08);
			out8(&b.bed, P(FDC_DOR), 0x0c);
		} else {
			out8(&b.bed, P(FDC_MSR), FDC_DSR_RESET);
		}
		assert_int_equal(in8(&b.bed, P(FDC_MSR)), 0);
		run_for(&b.bed, 1000000);
		assert_int_equal(b.irq.rises, how + 1);
		assert_true(b.irq.level);
		assert_int_equal(in8(&b.bed, P(FDC_MSR)), 0x80);
		sense(&b, 0xc0, 0);
		assert_false(b.irq.level);
		sense(&b, 0xc1, 0);
		sense(&b, 0xc2, 0);
		sense(&b, 0xc3, 0);
		no_interrupt_to_sense(&b);
	}
	assert_int_equal(b.irq.rises, 2);
	close_fdc(&b);
}

static void without_polling_reset_is_silent_if_locked(void **state)
{
	static const uint8_t configure[4] = {0x13, 0x00, 0x57, 0x12}, lock = 0x94, unlock = 0x14;
	static const uint8_t locked = 0x10, unlocked = 0x00, dump = 0x0e;
	static const uint8_t kept[10] = {0, 0, 0, 0, 0xaf, 0x02, 0, 0x80, 0x57, 0x12};
	static const uint8_t gone[10] = {0, 0, 0, 0, 0xaf, 0x02, 0, 0x00, 0x20, 0x00};
	struct bench b;

	open_fdc(&b, 1474560, 0);
	start(&b);
	send(&b, configure, 4);
	send(&b, &lock, 1);
	check_results(&b, &locked, 1);
	out8(&b.bed, P(FDC_MSR), FDC_DSR_RESET);
	run_for(&b.bed, 1000000);
	assert_int_equal(b.irq.rises, 0);
	no_interrupt_to_sense(&b);
	send(&b, &dump, 1);
	check_results(&b, kept, 10);
	send(&b, &unlock, 1);
	check_results(&b, &unlocked, 1);
	out8(&b.bed, P(FDC_MSR), FDC_DSR_RESET);
	run_for(&b.bed, 1000000);
	for (uint8_t i = 0; i < 4; i++)
		sense(&b, 0xc0 | i, 0);
	send(&b, &dump, 1);
	check_results(&b, gone, 10);
	close_fdc(&b);
}

static void the_dma_gate_holds_the_interrupt(void **state)
{
	struct bench b;

	open_fdc(&b, 1474560, 0);
	out8(&b.bed, P(FDC_DOR), 0x04);
	run_for(&b.bed, 1000000);
	assert_false(b.irq.level);
	out8(&b.bed, P(FDC_DOR), 0x0c);
	assert_true(b.irq.level);
	close_fdc(&b);
}

static void small_commands(void **state)
{
	static const uint8_t version = 0x10, v90 = 0x90, bad[] = {0x00, 0x01, 0x17, 0x18, 0x1f, 0xff, 0x88}, st0 = 0x80;
	static const uint8_t sense_drive[2] = {0x04, 0x04}, st3 = 0x3c, second[2] = {0x04, 0x01}, st3_second = 0x29;
	struct bench b;

	open_fdc(&b, 1474560, 0);
	start(&b);
	send(&b, &version, 1);
	check_results(&b, &v90, 1);
	for (unsigned i = 0; i < sizeof(bad); i++) {
		send(&b, &bad[i], 1);
		check_results(&b, &st0, 1);
	}
	send(&b, sense_drive, 2);
	check_results(&b, &st3, 1);
	send(&b, second, 2);
	check_results(&b, &st3_second, 1);
	assert_int_equal(b.irq.rises, 0);
	close_fdc(&b);
}

static void seeks(void **state)
{
	static const uint8_t recalibrate[2] = {0x07, 0}, absent[2] = {0x07, 2};
	static const uint8_t in[3] = {0xcf, 0, 5}, back[3] = {0x8f, 0, 3};
	static const uint8_t to_40[3] = {0x0f, 0, 40}, other[3] = {0x0f, 1, 3};
	struct bench b;

	open_fdc(&b, 1474560, 0);
	assert_true(fdc_insert(&b.fdc, 1, NULL));
	start(&b);
	send(&b, to_40, 3);
	assert_int_equal(in8(&b.bed, P(FDC_MSR)), 0x81); /* another command may come */
	send(&b, other, 3);
	assert_int_equal(in8(&b.bed, P(FDC_MSR)), 0x83);
	assert_false(b.irq.level);
	run_for(&b.bed, 10000000);
	assert_int_equal(in8(&b.bed, P(FDC_MSR)), 0x80);
	sense(&b, 0x20, 40);
	assert_true(b.irq.level); /* the other drive's */
	sense(&b, 0x21, 3);
	assert_false(b.irq.level);
	assert_int_equal(b.irq.rises, 2);
	send(&b, in, 3);
	run_for(&b.bed, 10000000);
	sense(&b, 0x20, 45);
	send(&b, back, 3);
	run_for(&b.bed, 10000000);
	sense(&b, 0x20, 42);
	send(&b, recalibrate, 2);
	run_for(&b.bed, 10000000);
	sense(&b, 0x20, 0);
	send(&b, absent, 2);
	run_for(&b.bed, 10000000);
	sense(&b, 0x72, 0); /* track 0 is never found */
	close_fdc(&b);
}

static void disk_change(void **state)
{
	static const uint8_t recalibrate[2] = {0x07, 0};
	struct bench b;

	open_fdc(&b, 1474560, 0);
	start(&b);
	assert_int_equal(in8(&b.bed, P(FDC_DIR)), 0xff);
	send(&b, recalibrate, 2); /* no step */
	run_for(&b.bed, 10000000);
	sense(&b, 0x20, 0);
	assert_int_equal(in8(&b.bed, P(FDC_DIR)), 0xff);
	seek(&b, 0, 1);
	assert_int_equal(in8(&b.bed, P(FDC_DIR)), 0x7f);
	assert_true(fdc_insert(&b.fdc, 0, NULL));
	seek(&b, 0, 2);
	assert_int_equal(in8(&b.bed, P(FDC_DIR)), 0xff);
	out8(&b.bed, P(FDC_DOR), 0x0c); /* motor off: not selected */
	assert_int_equal(in8(&b.bed, P(FDC_DIR)), 0x7f);
	close_fdc(&b);
}

static void reads_by_dma(void **state)
{
	static const uint8_t part[9] = {0xe6, 0x04, 7, 1, 3, 2, 18, 0x1b, 0xff}, part_end[7] = {0x04, 0, 0, 7, 1, 7, 2};
	static const uint8_t both[9] = {0xe6, 0x00, 7, 0, 1, 2, 18, 0x1b, 0xff}, both_end[7] = {0x04, 0, 0, 8, 0, 1, 2};
	static const uint8_t half[9] = {0x46, 0x00, 7, 0, 18, 2, 18, 0x1b, 0xff};
	static const uint8_t half_end[7] = {0x00, 0, 0, 8, 0, 1, 2};
	struct bench b;

	open_fdc(&b, 1474560, 0);
	start(&b);
	seek(&b, 0, 7);
	dma_setup(&b, 0x20000, 4 * 512, true);
	send(&b, part, 9);
	assert_int_equal(in8(&b.bed, P(FDC_MSR)), 0x10);
	b.irq.rises = 0;
	run_for(&b.bed, 10000000);
	assert_int_equal(b.irq.rises, 1);
	assert_true(b.irq.cause != 0);
	check_results(&b, part_end, 7);
	assert_false(b.irq.level);
	check_memory(&b, 0x20000, (7 * 2 + 1) * 18 + 2, 4 * 512);
	assert_int_equal(bus_read(b.bed.bus, 0x20000 + 4 * 512, 1), 0);
	/* Both sides of the cylinder. */
	dma_setup(&b, 0x30000, 2 * TRACK, true);
	send(&b, both, 9);
	run_for(&b.bed, 10000000);
	check_results(&b, both_end, 7);
	check_memory(&b, 0x30000, 7 * 2 * 18, 2 * TRACK);
	/* Terminal count within a sector. */
	dma_setup(&b, 0x40000, 100, true);
	send(&b, half, 9);
	run_for(&b.bed, 10000000);
	check_results(&b, half_end, 7);
	check_memory(&b, 0x40000, 7 * 2 * 18 + 17, 100);
	assert_int_equal(bus_read(b.bed.bus, 0x40000 + 100, 1), 0);
	close_fdc(&b);
}

static void writes_by_dma(void **state)
{
	static const uint8_t write[9] = {0xc5, 0x00, 0, 0, 5, 2, 18, 0x1b, 0xff}, end[7] = {0x00, 0, 0, 0, 0, 7, 2};
	static const uint8_t one[9] = {0x45, 0x00, 0, 0, 9, 2, 18, 0x1b, 0xff}, one_end[7] = {0x00, 0, 0, 0, 0, 10, 2};
	struct bench b;

	open_fdc(&b, 1474560, 0);
	start(&b);
	for (unsigned i = 0; i < 1024; i++)
		bus_write(b.bed.bus, 0x20000 + i, 1, 0x30 + i / 512);
	dma_setup(&b, 0x20000, 1024, false);
	send(&b, write, 9);
	run_for(&b.bed, 10000000);
	check_results(&b, end, 7);
	assert_int_equal(image_at(b.path, 4 * 512), 0x30);
	assert_int_equal(image_at(b.path, 6 * 512 - 1), 0x31);
	assert_int_equal(image_at(b.path, 6 * 512), image_byte(6 * 512));
	/* What is missing of the last sector is zeros. */
	dma_setup(&b, 0x20000, 10, false);
	send(&b, one, 9);
	run_for(&b.bed, 10000000);
	check_results(&b, one_end, 7);
	assert_int_equal(image_at(b.path, 8 * 512 + 9), 0x30);
	assert_int_equal(image_at(b.path, 8 * 512 + 10), 0);
	close_fdc(&b);
}

static void programmed_transfers(void **state)
{
	static const uint8_t specify[3] = {0x03, 0xaf, 0x03}, read[9] = {0x46, 0x00, 0, 0, 17, 2, 18, 0x1b, 0xff};
	static const uint8_t write[9] = {0x45, 0x00, 0, 0, 18, 2, 18, 0x1b, 0xff}, end[7] = {0x40, 0x80, 0, 1, 0, 1, 2};
	struct bench b;

	open_fdc(&b, 1474560, 0);
	start(&b);
	send(&b, specify, 3);
	send(&b, read, 9);
	for (unsigned s = 0; s < 2; s++) {
		run_for(&b.bed, 1000000);
		assert_true(b.irq.level);
		for (unsigned i = 0; i < 512; i++) {
			assert_int_equal(in8(&b.bed, P(FDC_MSR)), 0xf0);
			assert_int_equal(in8(&b.bed, P(FDC_FIFO)), image_byte((16 + s) * 512 + i));
		}
	}
	check_results(&b, end, 7); /* there is no terminal count: end of cylinder */
	send(&b, write, 9);
	run_for(&b.bed, 1000000);
	for (unsigned i = 0; i < 512; i++) {
		assert_int_equal(in8(&b.bed, P(FDC_MSR)), 0xb0);
		out8(&b.bed, P(FDC_FIFO), 0x66);
	}
	check_results(&b, end, 7);
	assert_int_equal(image_at(b.path, 18 * 512 - 1), 0x66);
	close_fdc(&b);
}

static void read_id_turns_with_the_disk(void **state)
{
	static const uint8_t command[2] = {0x4a, 0x04};
	struct bench b;

	open_fdc(&b, 1474560, 0);
	start(&b);
	seek(&b, 0, 3);
	for (uint8_t i = 0; i < 40; i++) {
		const uint8_t want[7] = {0x04, 0, 0, 3, 1, i % 18 + 1, 2};

		send(&b, command, 2);
		run_for(&b.bed, 1000000);
		check_results(&b, want, 7);
	}
	close_fdc(&b);
}

static void formatting(void **state)
{
	static const uint8_t format[6] = {0x4d, 0x04, 2, 18, 0x54, 0xf6}, end[7] = {0x04, 0, 0, 2, 1, 18, 2};
	static const uint8_t refused[7] = {0x54, 0, 0, 2, 1, 19, 2};
	struct bench b;

	open_fdc(&b, 1474560, 0);
	start(&b);
	seek(&b, 0, 2);
	for (unsigned s = 0; s < 18; s++)
		bus_write(b.bed.bus, 0x20000 + 4 * s, 4, 0x02000102 | (s + 1) << 16);
	dma_setup(&b, 0x20000, 72, false);
	send(&b, format, 6);
	run_for(&b.bed, 10000000);
	check_results(&b, end, 7);
	assert_int_equal(image_at(b.path, 5 * TRACK), 0xf6);
	assert_int_equal(image_at(b.path, 6 * TRACK - 1), 0xf6);
	assert_int_equal(image_at(b.path, 6 * TRACK), image_byte(6 * TRACK));
	/* A sector the image has no place for. */
	bus_write(b.bed.bus, 0x20000, 4, 0x02130102);
	dma_setup(&b, 0x20000, 72, false);
	send(&b, format, 6);
	run_for(&b.bed, 10000000);
	check_results(&b, refused, 7);
	close_fdc(&b);
}

static void what_ends_abnormally(void **state)
{
	static const struct {
		const char *name;
		uint8_t rate, cylinder;
		uint8_t command[9];
		uint8_t result[7];
	} row[] = {
		{"sector 0", 0, 0, {0x46, 0, 0, 0, 0, 2, 18, 27, 255}, {0x40, 0x04, 0x00, 0, 0, 0, 2}},
		{"sector 19", 0, 0, {0x46, 0, 0, 0, 19, 2, 36, 27, 255}, {0x40, 0x04, 0x00, 0, 0, 19, 2}},
		{"wrong cylinder", 0, 1, {0x46, 0, 0, 0, 1, 2, 18, 27, 255}, {0x40, 0x04, 0x10, 0, 0, 1, 2}},
		{"wrong head", 0, 0, {0x46, 4, 0, 0, 1, 2, 18, 27, 255}, {0x44, 0x04, 0x00, 0, 0, 1, 2}},
		{"wrong size", 0, 0, {0x46, 0, 0, 0, 1, 3, 18, 27, 255}, {0x40, 0x04, 0x00, 0, 0, 1, 3}},
		{"wrong rate", 2, 0, {0x46, 0, 0, 0, 1, 2, 18, 27, 255}, {0x40, 0x01, 0x00, 0, 0, 1, 2}},
		{"FM", 0, 0, {0x06, 0, 0, 0, 1, 2, 18, 27, 255}, {0x40, 0x01, 0x00, 0, 0, 1, 2}},
		{"past the last cylinder", 0, 80, {0x46, 0, 80, 0, 1, 2, 18, 27, 255}, {0x40, 0x01, 0x00, 80, 0, 1, 2}},
		{"end of cylinder", 0, 0, {0x46, 0, 0, 0, 17, 2, 18, 27, 255}, {0x40, 0x80, 0x00, 1, 0, 1, 2}},
		{"no drive", 0, 0, {0x46, 2, 0, 0, 1, 2, 18, 27, 255}, {0x42, 0x01, 0x00, 0, 0, 1, 2}},
		{"deleted mark wanted", 0, 0, {0x4c, 0, 0, 0, 1, 2, 18, 27, 255}, {0x40, 0x00, 0x40, 0, 0, 1, 2}},
		{"verify", 0, 0, {0x56, 0, 0, 0, 1, 2, 18, 27, 255}, {0x00, 0x00, 0x00, 1, 0, 1, 2}},
		{"verify, counted", 0, 0, {0x56, 0x80, 0, 0, 1, 2, 18, 27, 3}, {0x00, 0x00, 0x00, 0, 0, 4, 2}},
	};

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct bench b;

		open_fdc(&b, 1474560, 0);
		start(&b);
		if (row[i].cylinder)
			seek(&b, 0, row[i].cylinder);
		out8(&b.bed, P(FDC_DIR), row[i].rate);
		dma_setup(&b, 0x20000, 0x8000, true);
		send(&b, row[i].command, 9);
		run_for(&b.bed, 2 * FDC_NO_DISK_TIME);
		if (!b.irq.level)
			fail_msg("%s: no end", row[i].name);
		check_results(&b, row[i].result, 7);
		close_fdc(&b);
	}
}

static void overrun_protection_and_host_errors(void **state)
{
	static const uint8_t read[9] = {0x46, 0, 0, 0, 1, 2, 18, 27, 255}, overrun[7] = {0x40, 0x10, 0, 0, 0, 1, 2};
	static const uint8_t write[9] = {0x45, 0, 0, 0, 1, 2, 18, 27, 255}, protected[7] = {0x40, 0x02, 0, 0, 0, 1, 2};
	static const uint8_t bad[7] = {0x40, 0x20, 0x20, 0, 0, 1, 2}, st3[2] = {0x04, 0}, wp = 0x78;
	struct bench b;

	open_fdc(&b, 1474560, DISK_READ_ONLY);
	start(&b);
	out8(&b.bed, 0x0a, 0x06); /* channel 2 masked */
	send(&b, read, 9);
	run_for(&b.bed, 10000000);
	check_results(&b, overrun, 7);
	dma_setup(&b, 0x20000, 512, false);
	send(&b, write, 9);
	run_for(&b.bed, 10000000);
	check_results(&b, protected, 7);
	send(&b, st3, 2);
	check_results(&b, &wp, 1);
	assert_int_equal(truncate(b.path, 0), 0);
	dma_setup(&b, 0x20000, 512, true);
	send(&b, read, 9);
	run_for(&b.bed, 10000000);
	check_results(&b, bad, 7);
	assert_int_equal(b.lines.count, 1);
	close_fdc(&b);
}

static void what_the_host_does_not_take_is_an_equipment_check(void **state)
{
	static const uint8_t write[9] = {0x45, 0, 0, 0, 1, 2, 18, 27, 255}, bad[7] = {0x50, 0, 0, 0, 0, 1, 2};
	struct bench b;
	int full = open("/dev/full", O_RDWR);

	if (full < 0)
		skip();
	open_fdc(&b, 1474560, 0);
	start(&b);
	assert_int_equal(dup2(full, b.disk.fd), b.disk.fd);
	close(full);
	dma_setup(&b, 0x20000, 512, false);
	send(&b, write, 9);
	run_for(&b.bed, 10000000);
	check_results(&b, bad, 7);
	assert_int_equal(b.lines.count, 1);
	close_fdc(&b);
}

static void what_an_image_cannot_hold_is_a_gap(void **state)
{
	static const uint8_t deleted[9] = {0x49, 0, 0, 0, 1, 2, 18, 27, 255}, bad[7] = {0x50, 0, 0, 0, 0, 1, 2};
	static const uint8_t scan[9] = {0x51, 0, 0, 0, 1, 2, 18, 27, 1}, invalid = 0x80;
	struct bench b;

	open_fdc(&b, 1474560, 0);
	start(&b);
	dma_setup(&b, 0x20000, 512, false);
	send(&b, deleted, 9);
	run_for(&b.bed, 10000000);
	check_results(&b, bad, 7);
	assert_int_equal(b.bed.gaps, 1);
	assert_int_equal(image_at(b.path, 0), image_byte(0));
	send(&b, scan, 9);
	check_results(&b, &invalid, 1);
	assert_int_equal(b.bed.gaps, 2);
	close_fdc(&b);
}

static void implied_seeks(void **state)
{
	static const uint8_t configure[4] = {0x13, 0x00, 0x57, 0x00}, dump = 0x0e;
	static const uint8_t read[9] = {0x46, 0, 30, 0, 1, 2, 18, 27, 255}, end[7] = {0, 0, 0, 30, 0, 2, 2};
	static const uint8_t registers[10] = {30, 0, 0, 0, 0xaf, 0x02, 18, 0x00, 0x57, 0x00};
	struct bench b;

	open_fdc(&b, 1474560, 0);
	start(&b);
	send(&b, configure, 4);
	dma_setup(&b, 0x20000, 512, true);
	send(&b, read, 9);
	run_for(&b.bed, 10000000);
	check_results(&b, end, 7);
	check_memory(&b, 0x20000, 30 * 36, 512);
	send(&b, &dump, 1);
	check_results(&b, registers, 10);
	close_fdc(&b);
}

static void sizes_of_images(void **state)
{
	static const struct {
		unsigned bytes, cylinders, sectors;
		uint8_t type;
		unsigned lines;
	} row[] = {
		{163840, 40, 8, 1, 0}, {368640, 40, 9, 1, 0}, {737280, 80, 9, 3, 0}, {1228800, 80, 15, 2, 0},
		{1474560, 80, 18, 4, 0}, {1720320, 80, 21, 4, 0}, {2949120, 80, 36, 5, 0},
		{512, 80, 18, 4, 1}, {1000000, 80, 18, 4, 2}, {1474561, 80, 21, 4, 2},
	};
	struct bench b;

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		open_fdc(&b, row[i].bytes, DISK_SNAPSHOT);
		assert_int_equal(b.fdc.drive[0].geometry->cylinders, row[i].cylinders);
		assert_int_equal(b.fdc.drive[0].geometry->sectors, row[i].sectors);
		assert_int_equal(fdc_cmos_type(&b.fdc, 0), row[i].type);
		assert_int_equal(fdc_cmos_type(&b.fdc, 1), 0);
		assert_int_equal(b.lines.count, row[i].lines);
		close_fdc(&b);
	}
	open_fdc(&b, 512, 0);
	disk_close(&b.disk);
	assert_int_equal(truncate(b.path, 3000000), 0);
	assert_true(disk_open(&b.disk, b.path, 0, 512, (struct disk_report){lines_add, &b.lines}));
	assert_false(fdc_insert(&b.fdc, 0, &b.disk));
	close_fdc(&b);
}

static void a_boot_sector_alone_is_a_floppy(void **state)
{
	static const uint8_t write[9] = {0xc5, 0, 0, 0, 3, 2, 18, 27, 255}, end[7] = {0, 0, 0, 0, 0, 4, 2};
	static const uint8_t read[9] = {0xc6, 0, 0, 0, 1, 2, 18, 27, 255}, read_end[7] = {0, 0, 0, 0, 0, 4, 2};
	struct bench b;

	open_fdc(&b, 512, 0);
	start(&b);
	bus_write(b.bed.bus, 0x20000, 1, 0x77);
	dma_setup(&b, 0x20000, 512, false);
	send(&b, write, 9);
	run_for(&b.bed, 10000000);
	check_results(&b, end, 7);
	assert_int_equal(image_size(b.path), 3 * 512); /* what was written is kept */
	dma_setup(&b, 0x30000, 3 * 512, true);
	send(&b, read, 9);
	run_for(&b.bed, 10000000);
	check_results(&b, read_end, 7);
	check_memory(&b, 0x30000, 0, 512);
	assert_int_equal(bus_read(b.bed.bus, 0x30000 + 512, 8), 0);
	assert_int_equal(bus_read(b.bed.bus, 0x30000 + 1024, 1), 0x77);
	close_fdc(&b);
}

static void random_traffic(void **state)
{
	static const uint8_t codes[] = {0x46, 0xe6, 0x45, 0xc5, 0x4c, 0x42, 0x56, 0x4d, 0x4a, 0x07, 0x08, 0x0f,
					0x03, 0x04, 0x13, 0x12, 0x94, 0x14, 0x0e, 0x8f, 0xcf, 0x10, 0x00, 0x49};
	uint64_t seed = 0x2545f4914f6cdd1d;
	struct bench b;

	open_fdc(&b, 1474560, DISK_SNAPSHOT);
	for (unsigned i = 0; i < 150000; i++) {
		uint64_t r;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		r = seed >> 8;
		switch (seed & 15) {
		case 0:
			if ((r & 15) == 0)
				out8(&b.bed, P(FDC_DOR), r >> 8 & 4 ? 0x1c : r >> 8);
			break;
		case 1:
			out8(&b.bed, P(FDC_FIFO), codes[r % sizeof(codes)]);
			break;
		case 2:
			dma_setup(&b, r & 0xfffff, (r >> 20 & 0x3fff) + 1, r >> 40 & 1);
			break;
		case 3:
		case 4:
			run_for(&b.bed, r & 0xffff);
			break;
		case 5:
			bus_port_write(b.bed.bus, (uint16_t)(P(r & 7)), 1u << (r >> 8) % 3,
				       (uint32_t)(r >> 16) & 0x7f1f7f1f);
			break;
		case 6:
			if ((r & 1023) == 0)
				assert_true(fdc_insert(&b.fdc, r >> 10 & 1, r & 1 << 12 ? &b.disk : NULL));
			out8(&b.bed, P(FDC_DOR), 0x1c);
			break;
		case 7:
		case 8:
		case 9:
			out8(&b.bed, P(FDC_FIFO), r & 0x03);
			break;
		default:
			(void)bus_port_read(b.bed.bus, (uint16_t)(P(r & 7)), 1u << (r >> 8) % 3);
			break;
		}
		assert_true(b.fdc.pos <= sizeof(b.fdc.buffer) && b.fdc.have <= 9 && b.fdc.results <= 10);
	}
	assert_true(b.bed.gaps < 64); /* a text for each kind of SCAN, for deleted marks, for the 8237's */
	out8(&b.bed, P(FDC_DOR), 0x00);
	out8(&b.bed, P(FDC_DOR), 0x0c);
	run_for(&b.bed, 1000000);
	assert_int_equal(in8(&b.bed, P(FDC_MSR)), 0x80);
	close_fdc(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_after_reset),
		cmocka_unit_test(reset_ends_with_four_polling_interrupts),
		cmocka_unit_test(without_polling_reset_is_silent_if_locked),
		cmocka_unit_test(the_dma_gate_holds_the_interrupt),
		cmocka_unit_test(small_commands),
		cmocka_unit_test(seeks),
		cmocka_unit_test(disk_change),
		cmocka_unit_test(reads_by_dma),
		cmocka_unit_test(writes_by_dma),
		cmocka_unit_test(programmed_transfers),
		cmocka_unit_test(read_id_turns_with_the_disk),
		cmocka_unit_test(formatting),
		cmocka_unit_test(what_ends_abnormally),
		cmocka_unit_test(overrun_protection_and_host_errors),
		cmocka_unit_test(what_the_host_does_not_take_is_an_equipment_check),
		cmocka_unit_test(what_an_image_cannot_hold_is_a_gap),
		cmocka_unit_test(implied_seeks),
		cmocka_unit_test(sizes_of_images),
		cmocka_unit_test(a_boot_sector_alone_is_a_floppy),
		cmocka_unit_test(random_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
