/* virtio-blk by its legacy and its version 1 registers: queue rules, requests, interrupts. */
#include "devices/virtio_blk.h"
#include "image.h"
#include "pcibed.h"

#define FN PCI_DEVFN(3, 0)
#define IO 0xc000u
#define MEM 0xfebf0000u
#define QUEUE 0x10000u /* legacy layout: descriptors, available ring, used ring on the next page */
#define AVAIL (QUEUE + 16 * 128)
#define USED (QUEUE + 0x1000)
#define HEADER 0x20000u
#define DATA 0x30000u
#define STATUS 0x2f000u
#define SECTORS 500u

struct bench {
	struct pcibed b;
	struct virtio_blk blk;
	struct disk disk;
	struct lines lines;
	char path[64];
	uint16_t avail;
};

static struct bench *open_blk(unsigned flags)
{
	struct bench *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	pcibed_open(&t->b);
	image_make(t->path, SECTORS * 512);
	assert_true(disk_open(&t->disk, t->path, flags, 512, (struct disk_report){lines_add, &t->lines}));
	assert_true(virtio_blk_init(&t->blk, &t->b.pci, &t->b.bed.clock, FN, 0, &t->disk));
	cfg_write(&t->b.bed, FN, 0x10, 4, IO);
	cfg_write(&t->b.bed, FN, 0x20, 4, MEM);
	cfg_write(&t->b.bed, FN, 0x04, 2, 7);
	cfg_write(&t->b.bed, PCI_DEVFN(1, 0), 0x62, 1, 11); /* device 3, INTA# -> PIRQC */
	return t;
}

static void close_blk(struct bench *t)
{
	disk_close(&t->disk);
	unlink(t->path);
	pcibed_close(&t->b);
	free(t);
}

static void put(struct bench *t, uint64_t at, unsigned bytes, uint64_t value)
{
	bus_write(t->b.bed.bus, at, bytes, value);
}

static uint64_t get(struct bench *t, uint64_t at, unsigned bytes)
{
	return bus_read(t->b.bed.bus, at, bytes);
}

static void legacy_start(struct bench *t)
{
	out8(&t->b.bed, IO + VIRTIO_IO_STATUS, 0);
	out8(&t->b.bed, IO + VIRTIO_IO_STATUS, 3);
	out(&t->b.bed, IO + VIRTIO_IO_DRIVER_FEATURES, 4, 1u << 9);
	out(&t->b.bed, IO + VIRTIO_IO_QUEUE_SELECT, 2, 0);
	out(&t->b.bed, IO + VIRTIO_IO_QUEUE_PFN, 4, QUEUE >> 12);
	out8(&t->b.bed, IO + VIRTIO_IO_STATUS, 7);
	t->avail = 0;
	put(t, AVAIL, 4, 0);
	put(t, USED, 4, 0);
}

static void desc(struct bench *t, unsigned i, uint64_t address, uint32_t length, unsigned flags, unsigned next)
{
	put(t, QUEUE + 16 * i, 8, address);
	put(t, QUEUE + 16 * i + 8, 4, length);
	put(t, QUEUE + 16 * i + 12, 4, flags | next << 16);
}

/* Header, data, status as three descriptors; data may be 0 bytes. */
static void request(struct bench *t, uint32_t type, uint64_t sector, uint32_t bytes)
{
	put(t, HEADER, 8, type);
	put(t, HEADER + 8, 8, sector);
	put(t, STATUS, 1, 0xee);
	desc(t, 5, HEADER, 16, 1, 6);
	desc(t, 6, DATA, bytes, type == VIRTIO_BLK_OUT ? 1 : 3, 7);
	desc(t, 7, STATUS, 1, 2, 0);
}

static void offer(struct bench *t, unsigned head)
{
	put(t, AVAIL + 4 + 2 * (t->avail % 128), 2, head);
	put(t, AVAIL + 2, 2, ++t->avail);
	out(&t->b.bed, IO + VIRTIO_IO_NOTIFY, 2, 0);
}

static uint8_t run_request(struct bench *t, uint32_t type, uint64_t sector, uint32_t bytes)
{
	request(t, type, sector, bytes);
	offer(t, 5);
	run_for(&t->b.bed, 10000000);
	return (uint8_t)get(t, STATUS, 1);
}

static void configuration_and_capabilities(void **state)
{
	static const struct config_row row[] = {
		{"ids", FN, 0x00, 4, 0x10011af4, 0},
		{"class", FN, 0x08, 4, 0x01000000, 0},
		{"subsystem", FN, 0x2c, 4, 0x00021af4, 0},
		{"capabilities", FN, 0x34, 1, 0x40, 0},
		{"pin", FN, 0x3d, 1, 1, 0},
	};
	static const struct {
		uint8_t type, length;
		uint32_t offset, bytes;
	} cap[] = {{1, 16, 0, 56}, {3, 16, 0x1000, 1}, {4, 16, 0x2000, 64}, {2, 20, 0x3000, 4}, {5, 20, 0, 0}};
	struct bench *t = open_blk(0);
	unsigned at = 0x40;

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		check_config(&t->b.bed, &row[i]);
	for (unsigned i = 0; i < sizeof(cap) / sizeof(cap[0]); i++) {
		assert_int_equal(cfg_read(&t->b.bed, FN, at, 1), 0x09);
		assert_int_equal(cfg_read(&t->b.bed, FN, at + 2, 1), cap[i].length);
		assert_int_equal(cfg_read(&t->b.bed, FN, at + 3, 1), cap[i].type);
		assert_int_equal(cfg_read(&t->b.bed, FN, at + 8, 4), cap[i].offset);
		assert_int_equal(cfg_read(&t->b.bed, FN, at + 12, 4), cap[i].bytes);
		at = cfg_read(&t->b.bed, FN, at + 1, 1);
	}
	assert_int_equal(at, 0);
	close_blk(t);
}

static void legacy_registers(void **state)
{
	struct bench *t = open_blk(0);

	assert_int_equal(in(&t->b.bed, IO, 4), 0x18000256);
	out(&t->b.bed, IO + 4, 4, 0xffffffff);
	assert_int_equal(in(&t->b.bed, IO + 4, 4), 0x18000256);
	assert_int_equal(in(&t->b.bed, IO + 12, 2), 128);
	out(&t->b.bed, IO + 14, 2, 1);
	assert_int_equal(in(&t->b.bed, IO + 12, 2), 0);
	out(&t->b.bed, IO + 8, 4, 0x123);
	assert_int_equal(in(&t->b.bed, IO + 8, 4), 0);
	out(&t->b.bed, IO + 14, 2, 0);
	out(&t->b.bed, IO + 8, 4, 0x12345);
	assert_int_equal(in(&t->b.bed, IO + 8, 4), 0x12345);
	assert_int_equal(in(&t->b.bed, IO + 9, 2), 0x0123);
	out8(&t->b.bed, IO + 18, 3);
	assert_int_equal(in(&t->b.bed, IO + 16, 4), 0x00030000);
	assert_int_equal(in(&t->b.bed, IO + 20, 4), SECTORS);
	assert_int_equal(in(&t->b.bed, IO + 32, 4), 126);
	assert_int_equal(in(&t->b.bed, IO + 36, 2), 1); /* never no cylinder */
	assert_int_equal(in(&t->b.bed, IO + 40, 4), 512);
	out8(&t->b.bed, IO + 18, 0);
	assert_int_equal(in(&t->b.bed, IO + 8, 4), 0);
	assert_int_equal(in(&t->b.bed, IO + 4, 4), 0);
	close_blk(t);
}

static void legacy_requests(void **state)
{
	struct bench *t = open_blk(0);

	legacy_start(t);
	request(t, VIRTIO_BLK_IN, 10, 2048);
	offer(t, 5);
	assert_int_equal(get(t, STATUS, 1), 0xee); /* not within the notification */
	run_for(&t->b.bed, 1000000);
	assert_int_equal(get(t, STATUS, 1), VIRTIO_BLK_OK);
	for (unsigned i = 0; i < 2048; i++)
		assert_int_equal(get(t, DATA + i, 1), image_byte(5120 + i));
	assert_int_equal(get(t, USED + 2, 2), 1);
	assert_int_equal(get(t, USED + 4, 4), 5);
	assert_int_equal(get(t, USED + 8, 4), 2049);
	assert_true(t->b.bridge.irq[11].level);
	assert_true(t->b.bridge.irq[11].cause != 0);
	assert_int_equal(in8(&t->b.bed, IO + VIRTIO_IO_ISR), 1);
	assert_false(t->b.bridge.irq[11].level);
	assert_int_equal(in8(&t->b.bed, IO + VIRTIO_IO_ISR), 0);
	assert_int_equal(run_request(t, VIRTIO_BLK_OUT, 100, 1024), VIRTIO_BLK_OK);
	assert_int_equal(get(t, USED + 16, 4), 1);
	assert_int_equal(image_at(t->path, 100 * 512), image_byte(5120));
	assert_int_equal(run_request(t, VIRTIO_BLK_FLUSH, 0, 0), VIRTIO_BLK_OK);
	assert_int_equal(run_request(t, VIRTIO_BLK_ID, 0, 20), VIRTIO_BLK_OK);
	assert_int_equal(get(t, DATA, 8), UINT64_C(0x3130303030564754)); /* TGV00001 */
	assert_int_equal(run_request(t, 77, 0, 512), VIRTIO_BLK_UNSUPPORTED);
	/* The rings go round. */
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(run_request(t, VIRTIO_BLK_IN, i, 512), VIRTIO_BLK_OK);
	assert_int_equal(get(t, USED + 2, 2), 305);
	assert_int_equal(get(t, DATA, 1), image_byte(299 * 512));
	close_blk(t);
}

static void several_requests_and_no_interrupt(void **state)
{
	struct bench *t = open_blk(0);

	legacy_start(t);
	put(t, AVAIL, 2, 1);
	request(t, VIRTIO_BLK_IN, 3, 512);
	for (unsigned i = 0; i < 5; i++)
		put(t, AVAIL + 4 + 2 * i, 2, 5);
	put(t, AVAIL + 2, 2, 5);
	out(&t->b.bed, IO + VIRTIO_IO_NOTIFY, 2, 0);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(get(t, USED + 2, 2), 5);
	assert_false(t->b.bridge.irq[11].level);
	close_blk(t);
}

static void requests_that_fail(void **state)
{
	static const struct {
		uint32_t type;
		uint64_t sector;
		uint32_t bytes;
	} row[] = {
		{VIRTIO_BLK_IN, SECTORS, 512},    {VIRTIO_BLK_IN, SECTORS - 1, 1024},
		{VIRTIO_BLK_IN, UINT64_MAX, 512}, {VIRTIO_BLK_IN, 0, 100},
		{VIRTIO_BLK_IN, 0, 0xfffffe00},   {VIRTIO_BLK_OUT, SECTORS, 512},
		{VIRTIO_BLK_OUT, 0, 0xfffffe00},  {VIRTIO_BLK_OUT, UINT64_MAX, 512},
	};
	struct bench *t = open_blk(0);

	legacy_start(t);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(run_request(t, row[i].type, row[i].sector, row[i].bytes), VIRTIO_BLK_IOERR);
	assert_int_equal(t->lines.count, 0);
	assert_int_equal(truncate(t->path, 512), 0);
	assert_int_equal(run_request(t, VIRTIO_BLK_IN, 5, 512), VIRTIO_BLK_IOERR);
	assert_int_equal(t->lines.count, 1);
	assert_int_equal(in8(&t->b.bed, IO + VIRTIO_IO_STATUS), 7);
	close_blk(t);
	t = open_blk(DISK_READ_ONLY);
	assert_int_equal(in(&t->b.bed, IO, 4) & VIRTIO_BLK_F_RO, VIRTIO_BLK_F_RO);
	legacy_start(t);
	assert_int_equal(run_request(t, VIRTIO_BLK_OUT, 0, 512), VIRTIO_BLK_IOERR);
	close_blk(t);
}

static void indirect_tables_and_any_layout(void **state)
{
	struct bench *t = open_blk(0);
	uint32_t table = 0x40000;

	legacy_start(t);
	put(t, HEADER, 8, VIRTIO_BLK_IN);
	put(t, HEADER + 8, 8, 20);
	/* The header in two pieces; data and status share a descriptor. */
	put(t, table, 8, HEADER);
	put(t, table + 8, 8, 5 | UINT64_C(1) << 32 | UINT64_C(2) << 48);
	put(t, table + 32, 8, HEADER + 5);
	put(t, table + 40, 8, 11 | UINT64_C(1) << 32 | UINT64_C(1) << 48);
	put(t, table + 16, 8, DATA);
	put(t, table + 24, 8, 513 | UINT64_C(2) << 32);
	desc(t, 0, table, 48, 4, 0);
	offer(t, 0);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(get(t, USED + 8, 4), 513);
	assert_int_equal(get(t, DATA, 1), image_byte(20 * 512));
	assert_int_equal(get(t, DATA + 511, 1), image_byte(20 * 512 + 511));
	assert_int_equal(get(t, DATA + 512, 1), VIRTIO_BLK_OK);
	close_blk(t);
}

static void broken_queues_need_a_reset(void **state)
{
	struct bench *t = open_blk(0);

	for (unsigned how = 0; how < 9; how++) {
		legacy_start(t);
		request(t, VIRTIO_BLK_IN, 0, 512);
		switch (how) {
		case 0: /* a loop */
			desc(t, 7, STATUS, 1, 3, 6);
			break;
		case 1: /* next outside the table */
			desc(t, 6, DATA, 512, 3, 128);
			break;
		case 2: /* readable after writable */
			desc(t, 7, STATUS, 1, 0, 0);
			break;
		case 3: /* no header */
			desc(t, 5, HEADER, 15, 1, 6);
			break;
		case 4: /* no status */
			desc(t, 5, HEADER, 16, 0, 0);
			break;
		case 5: /* an indirect table in an indirect table */
			desc(t, 5, QUEUE, 16, 4, 0);
			desc(t, 0, QUEUE, 16, 4, 0);
			break;
		case 6: /* an indirect table of odd length */
			desc(t, 5, QUEUE, 17, 4, 0);
			break;
		case 7: /* more available than there are */
			t->avail = 200;
			break;
		default: /* a head outside the table */
			break;
		}
		offer(t, how == 8 ? 128 : 5);
		run_for(&t->b.bed, 1000000);
		if (in8(&t->b.bed, IO + VIRTIO_IO_STATUS) != (7 | VIRTIO_STATUS_NEEDS_RESET))
			fail_msg("way %u of breaking it", how);
		assert_int_equal(in8(&t->b.bed, IO + VIRTIO_IO_ISR), 2);
		assert_int_equal(get(t, USED + 2, 2), 0);
		/* Writing a status does not take it back. */
		out8(&t->b.bed, IO + VIRTIO_IO_STATUS, 7);
		assert_int_equal(in8(&t->b.bed, IO + VIRTIO_IO_STATUS), 7 | VIRTIO_STATUS_NEEDS_RESET);
	}
	legacy_start(t);
	assert_int_equal(run_request(t, VIRTIO_BLK_IN, 0, 512), VIRTIO_BLK_OK);
	close_blk(t);
}

static void nothing_is_served_before_its_time(void **state)
{
	struct bench *t = open_blk(0);

	legacy_start(t);
	out8(&t->b.bed, IO + VIRTIO_IO_STATUS, 3); /* not DRIVER_OK */
	assert_int_equal(run_request(t, VIRTIO_BLK_IN, 0, 512), 0xee);
	out8(&t->b.bed, IO + VIRTIO_IO_STATUS, 7);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(get(t, STATUS, 1), VIRTIO_BLK_OK);
	cfg_write(&t->b.bed, FN, 0x04, 2, 3); /* no bus master */
	assert_int_equal(run_request(t, VIRTIO_BLK_IN, 0, 512), 0xee);
	cfg_write(&t->b.bed, FN, 0x04, 2, 7);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(get(t, STATUS, 1), VIRTIO_BLK_OK);
	close_blk(t);
}

static void version_1(void **state)
{
	struct bench *t = open_blk(0);

	put(t, MEM + VIRTIO_DEVICE_SELECT, 4, 0);
	assert_int_equal(get(t, MEM + VIRTIO_DEVICE_FEATURES, 4), 0x10000256);
	put(t, MEM + VIRTIO_DEVICE_SELECT, 4, 1);
	assert_int_equal(get(t, MEM + VIRTIO_DEVICE_FEATURES, 4), 1);
	put(t, MEM + VIRTIO_DEVICE_SELECT, 4, 2);
	assert_int_equal(get(t, MEM + VIRTIO_DEVICE_FEATURES, 4), 0);
	assert_int_equal(get(t, MEM + VIRTIO_QUEUES, 2), 1);
	assert_int_equal(get(t, MEM + VIRTIO_MSIX_CONFIG, 2), 0xffff);
	assert_int_equal(get(t, MEM + VIRTIO_MEMORY_CONFIG, 8), SECTORS);
	put(t, MEM + VIRTIO_STATUS, 1, 3);
	put(t, MEM + VIRTIO_STATUS, 1, 0x0b); /* FEATURES_OK without VERSION_1 */
	assert_int_equal(get(t, MEM + VIRTIO_STATUS, 1), 3);
	put(t, MEM + VIRTIO_DRIVER_SELECT, 4, 1);
	put(t, MEM + VIRTIO_DRIVER_FEATURES, 4, 3); /* one that is not there */
	put(t, MEM + VIRTIO_STATUS, 1, 0x0b);
	assert_int_equal(get(t, MEM + VIRTIO_STATUS, 1), 3);
	put(t, MEM + VIRTIO_DRIVER_FEATURES, 4, 1);
	put(t, MEM + VIRTIO_STATUS, 1, 0x0b);
	assert_int_equal(get(t, MEM + VIRTIO_STATUS, 1), 0x0b);
	put(t, MEM + VIRTIO_QUEUE_LENGTH, 2, 100);
	assert_int_equal(get(t, MEM + VIRTIO_QUEUE_LENGTH, 2), 128);
	put(t, MEM + VIRTIO_QUEUE_LENGTH, 2, 64);
	assert_int_equal(get(t, MEM + VIRTIO_QUEUE_LENGTH, 2), 64);
	put(t, MEM + VIRTIO_QUEUE_DESC, 4, QUEUE);
	put(t, MEM + VIRTIO_QUEUE_DESC + 4, 4, 0);
	put(t, MEM + VIRTIO_QUEUE_DRIVER, 8, AVAIL);
	put(t, MEM + VIRTIO_QUEUE_DEVICE, 8, USED);
	put(t, MEM + VIRTIO_QUEUE_ENABLE, 2, 1);
	put(t, MEM + VIRTIO_QUEUE_DESC, 4, 0); /* too late */
	assert_int_equal(get(t, MEM + VIRTIO_QUEUE_DESC, 8), QUEUE);
	put(t, MEM + VIRTIO_STATUS, 1, 0x0f);
	request(t, VIRTIO_BLK_IN, 42, 512);
	put(t, AVAIL, 8, UINT64_C(1) << 16 | UINT64_C(5) << 32);
	put(t, MEM + VIRTIO_MEMORY_NOTIFY, 2, 0);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(get(t, STATUS, 1), VIRTIO_BLK_OK);
	assert_int_equal(get(t, DATA, 1), image_byte(42 * 512));
	assert_int_equal(get(t, MEM + VIRTIO_MEMORY_ISR, 1), 1);
	assert_false(t->b.bridge.irq[11].level);
	put(t, MEM + VIRTIO_STATUS, 1, 0);
	assert_int_equal(get(t, MEM + VIRTIO_QUEUE_ENABLE, 2), 0);
	assert_int_equal(get(t, MEM + VIRTIO_QUEUE_LENGTH, 2), 128);
	close_blk(t);
}

static void the_window_in_configuration_space(void **state)
{
	struct bench *t = open_blk(0);

	cfg_write(&t->b.bed, FN, 0x04, 2, 4); /* no BAR is decoded */
	cfg_write(&t->b.bed, FN, 0x94, 1, 4);
	cfg_write(&t->b.bed, FN, 0x98, 4, 0x2000);
	cfg_write(&t->b.bed, FN, 0x9c, 4, 4);
	assert_int_equal(cfg_read(&t->b.bed, FN, 0xa0, 4), SECTORS);
	cfg_write(&t->b.bed, FN, 0x98, 4, VIRTIO_STATUS);
	cfg_write(&t->b.bed, FN, 0x9c, 4, 1);
	cfg_write(&t->b.bed, FN, 0xa0, 1, 3);
	assert_int_equal(t->blk.virtio.status, 3);
	cfg_write(&t->b.bed, FN, 0x9c, 4, 3); /* no width */
	cfg_write(&t->b.bed, FN, 0xa0, 4, 0);
	assert_int_equal(t->blk.virtio.status, 3);
	close_blk(t);
}

static void random_traffic(void **state)
{
	struct bench *t = open_blk(DISK_SNAPSHOT);
	uint64_t seed = 0x123456789;

	for (unsigned i = 0; i < 60000; i++) {
		uint64_t r = draw(&seed), v = draw(&seed) >> (r & 63);

		switch (r >> 8 & 15) {
		case 0:
			out(&t->b.bed, IO + (v & 127), 1u << (r >> 16) % 3, (uint32_t)draw(&seed));
			break;
		case 1:
			(void)in(&t->b.bed, IO + (v & 127), 1u << (r >> 16) % 3);
			break;
		case 2:
			put(t, MEM + (v & 0x3fff), 1u << (r >> 16) % 4, draw(&seed));
			break;
		case 3:
			(void)get(t, MEM + (v & 0x303f), 1u << (r >> 16) % 4);
			break;
		case 4:
			put(t, MEM + (v & 63), 4, draw(&seed) & 0x1ffff);
			break;
		case 5:
			cfg_write(&t->b.bed, FN, 0x90 + (v & 31), 1, (uint32_t)draw(&seed) & 0x77);
			(void)cfg_read(&t->b.bed, FN, 0xa0, 4);
			break;
		case 6:
			put(t, QUEUE + (v & 0x1fff), 2, draw(&seed) & 0x7f);
			break;
		case 7:
		case 8:
			legacy_start(t);
			request(t, (r >> 20 & 15) == 0 ? (uint32_t)v : r >> 24 & 1, v & 511,
				(uint32_t)(v >> 9) & 0x1ffff);
			if (r >> 28 & 1)
				desc(t, 5 + (r >> 32) % 3, v & 0xffffffff, (uint32_t)draw(&seed), r >> 36 & 7,
				     r >> 40 & 127);
			offer(t, 5);
			break;
		default:
			run_for(&t->b.bed, v & 0xffff);
			break;
		}
		if ((r & 255) == 0) {
			cfg_write(&t->b.bed, FN, 0x10, 4, IO);
			cfg_write(&t->b.bed, FN, 0x20, 4, MEM);
			cfg_write(&t->b.bed, FN, 0x04, 2, 7);
		}
	}
	pci_reset(&t->b.pci);
	assert_int_equal(t->blk.virtio.status, 0);
	assert_int_equal(t->b.bed.gaps, 0);
	close_blk(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configuration_and_capabilities),
		cmocka_unit_test(legacy_registers),
		cmocka_unit_test(legacy_requests),
		cmocka_unit_test(several_requests_and_no_interrupt),
		cmocka_unit_test(requests_that_fail),
		cmocka_unit_test(indirect_tables_and_any_layout),
		cmocka_unit_test(broken_queues_need_a_reset),
		cmocka_unit_test(nothing_is_served_before_its_time),
		cmocka_unit_test(version_1),
		cmocka_unit_test(the_window_in_configuration_space),
		cmocka_unit_test(random_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
