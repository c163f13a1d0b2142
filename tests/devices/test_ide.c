/* ATA disks: registers, PIO, DMA, errors, absent drives. */
#include <fcntl.h>

#include "idebed.h"

#define DRDY_DSC 0x50
#define DRQ 0x58

static void check_sector(const uint8_t *data, uint64_t lba)
{
	for (unsigned i = 0; i < 512; i++) {
		if (data[i] != image_byte(lba * 512 + i))
			fail_msg("sector %u, byte %u: %02x", (unsigned)lba, i, data[i]);
	}
}

static void registers_after_reset(void **state)
{
	static const struct {
		const char *name;
		unsigned channel, reg;
		uint8_t value;
	} row[] = {
		{"disk error", 0, IDE_ERROR, 0x01},   {"disk count", 0, IDE_COUNT, 0x01},
		{"disk low", 0, IDE_LOW, 0x01},       {"disk mid", 0, IDE_MID, 0x00},
		{"disk high", 0, IDE_HIGH, 0x00},     {"disk device", 0, IDE_DEVICE, 0xa0},
		{"disk status", 0, IDE_STATUS, 0x50}, {"disk alternate status", 0, IDE_CONTROL, 0x50},
		{"CD error", 1, IDE_ERROR, 0x01},     {"CD count", 1, IDE_COUNT, 0x01},
		{"CD low", 1, IDE_LOW, 0x01},         {"CD mid", 1, IDE_MID, 0x14},
		{"CD high", 1, IDE_HIGH, 0xeb},       {"CD status", 1, IDE_STATUS, 0x00},
	};
	struct idebed *t = idebed_open(0);

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
			uint8_t got = ide_in(t, row[i].channel, row[i].reg);

			if (got != row[i].value)
				fail_msg("%s: %02x, not %02x (round %u)", row[i].name, got, row[i].value, round);
		}
		for (unsigned ch = 0; ch < 2; ch++) {
			for (unsigned reg = IDE_ERROR; reg < IDE_STATUS; reg++)
				ide_out(t, ch, reg, 0x5a);
			if (round == 1) { /* hardware reset after a software reset */
				ide_reset(&t->ide);
				continue;
			}
			ide_out(t, ch, IDE_CONTROL, IDE_CONTROL_SRST);
			assert_int_equal(alt_status(t, ch), IDE_STATUS_BSY);
			run_for(&t->b.bed, 10 * IDE_RESET_TIME);
			assert_int_equal(alt_status(t, ch), IDE_STATUS_BSY);
			ide_out(t, ch, IDE_CONTROL, 0);
			assert_int_equal(alt_status(t, ch), IDE_STATUS_BSY);
			run_for(&t->b.bed, 2 * IDE_RESET_TIME);
		}
	}
	assert_int_equal(t->irq[0].rises + t->irq[1].rises, 0);
	idebed_close(t);
}

static void registers_hold_what_is_written(void **state)
{
	static const uint8_t reg[] = {IDE_COUNT, IDE_LOW, IDE_MID, IDE_HIGH};
	struct idebed *t = idebed_open(0);

	for (unsigned i = 0; i < sizeof(reg); i++) {
		ide_out(t, 0, reg[i], 0x12);
		ide_out(t, 0, reg[i], 0x34);
		assert_int_equal(ide_in(t, 0, reg[i]), 0x34);
		ide_out(t, 0, IDE_CONTROL, IDE_CONTROL_HOB);
		assert_int_equal(ide_in(t, 0, reg[i]), 0x12);
		ide_out(t, 0, IDE_LOW, ide_in(t, 0, IDE_LOW)); /* any write takes HOB back */
		ide_out(t, 0, reg[i], 0x56);
		assert_int_equal(ide_in(t, 0, reg[i]), 0x56);
	}
	assert_int_equal(in(&t->b.bed, IDE_PRIMARY + 1, 2), 0x5601); /* a word is two bytes */
	idebed_close(t);
}

static void a_drive_that_is_not_there(void **state)
{
	struct idebed *t = idebed_open(0);
	struct bed bed;
	struct ide *alone = calloc(1, sizeof(*alone));

	/* Drive 1 beside a disk: drive 0's registers, status 0, commands dropped. */
	ide_out(t, 0, IDE_DEVICE, 0xb0);
	ide_out(t, 0, IDE_COUNT, 0x55);
	assert_int_equal(ide_in(t, 0, IDE_STATUS), 0x00);
	assert_int_equal(ide_in(t, 0, IDE_COUNT), 0x55);
	ide_out(t, 0, IDE_STATUS, 0xec);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(ide_in(t, 0, IDE_STATUS), 0x00);
	assert_int_equal(t->irq[0].rises, 0);
	/* Beside a packet device: zeros. */
	ide_out(t, 1, IDE_DEVICE, 0xb0);
	ide_out(t, 1, IDE_COUNT, 0x55);
	assert_int_equal(ide_in(t, 1, IDE_COUNT), 0x00);
	assert_int_equal(ide_in(t, 1, IDE_STATUS), 0x00);
	idebed_close(t);
	/* A channel without any. */
	bed_open(&bed);
	assert_non_null(alone);
	assert_true(ide_init(alone, bed.bus, &bed.clock));
	for (unsigned reg = 0; reg < 8; reg++) {
		out8(&bed, IDE_PRIMARY + reg, 0x55);
		assert_int_equal(in8(&bed, IDE_PRIMARY + reg), 0x7f);
	}
	assert_int_equal(in8(&bed, IDE_PRIMARY + IDE_CONTROL), 0x7f);
	bed_close(&bed);
	free(alone);
}

static void decoding_follows_the_pci_function(void **state)
{
	static const struct config_row row[] = {
		{"IDE ids", IDE_FN, 0x00, 4, 0x70108086, 0},
		{"IDE status", IDE_FN, 0x06, 2, 0x0280, 0},
		{"IDE class", IDE_FN, 0x08, 4, 0x01018000, 0},
		{"IDE latency", IDE_FN, 0x0d, 1, 0x00, 0xf0},
		{"IDETIM", IDE_FN, 0x40, 4, 0x00000000, 0xf3fff3ff},
		{"SIDETIM", IDE_FN, 0x44, 1, 0x00, 0xff},
		{"IDE command", IDE_FN, 0x04, 2, 0x0000, 0x0005},
	};
	struct idebed *t = idebed_open(0);

	assert_int_equal(ide_in(t, 0, IDE_STATUS), DRDY_DSC);
	cfg_write(&t->b.bed, IDE_FN, 0x40, 2, 0);
	assert_int_equal(ide_in(t, 0, IDE_STATUS), 0xff);
	assert_int_equal(ide_in(t, 1, IDE_STATUS), 0x00);
	cfg_write(&t->b.bed, IDE_FN, 0x40, 2, 0x8000);
	cfg_write(&t->b.bed, IDE_FN, 0x04, 2, 4);
	assert_int_equal(ide_in(t, 0, IDE_STATUS), 0xff);
	assert_int_equal(in8(&t->b.bed, BM + 2), 0xff);
	pci_reset(&t->b.pci);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		check_config(&t->b.bed, &row[i]);
	idebed_close(t);
}

static void identify(void **state)
{
	struct idebed *t = idebed_open(0);
	uint8_t id[512], sum = 0;

	assert_int_equal(command(t, 0, 0xec), DRQ);
	assert_int_equal(t->irq[0].rises, 1);
	assert_true(t->irq[0].cause != 0);
	read_words(t, 0, id, 512);
	assert_int_equal(alt_status(t, 0), DRDY_DSC);
	assert_true(t->irq[0].level);
	assert_int_equal(ide_in(t, 0, IDE_STATUS), DRDY_DSC);
	assert_false(t->irq[0].level);
	assert_int_equal(word_of(id, 0), 0x0040);
	assert_int_equal(word_of(id, 1), DISK_SECTORS / 1008);
	assert_int_equal(word_of(id, 3), 16);
	assert_int_equal(word_of(id, 6), 63);
	assert_memory_equal(id + 54, "RTPAAGETH RADDSI K", 18);
	assert_int_equal(word_of(id, 47), 0x8010);
	assert_int_equal(word_of(id, 60) | word_of(id, 61) << 16, DISK_SECTORS);
	assert_int_equal(word_of(id, 63), 0x0107);
	assert_int_equal(word_of(id, 83) & 0x0400, 0x0400);
	assert_int_equal(word_of(id, 88), 0);
	assert_int_equal(word_of(id, 100), DISK_SECTORS);
	for (unsigned i = 0; i < 512; i++)
		sum = (uint8_t)(sum + id[i]);
	assert_int_equal(sum, 0);
	idebed_close(t);
}

static void pio_reads_interrupt_for_each_block(void **state)
{
	struct idebed *t = idebed_open(0);
	uint8_t data[512];

	address_28(t, 0, 7, 3);
	ide_out(t, 0, IDE_STATUS, 0x20);
	assert_int_equal(alt_status(t, 0) & IDE_STATUS_BSY, IDE_STATUS_BSY);
	for (unsigned i = 0; i < 3; i++) {
		settle(t, 0);
		assert_int_equal(t->irq[0].rises, i + 1);
		assert_int_equal(ide_in(t, 0, IDE_STATUS), DRQ);
		read_words(t, 0, data, 512);
		check_sector(data, 7 + i);
	}
	assert_int_equal(alt_status(t, 0), DRDY_DSC);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(t->irq[0].rises, 3);
	assert_int_equal(ide_in(t, 0, IDE_LOW), 9); /* the last sector */
	assert_int_equal(in(&t->b.bed, IDE_PRIMARY, 4), 0);
	idebed_close(t);
}

static void pio_writes(void **state)
{
	struct idebed *t = idebed_open(0);
	uint8_t data[512];

	address_28(t, 0, 100, 2);
	assert_int_equal(command(t, 0, 0x30), DRQ);
	assert_int_equal(t->irq[0].rises, 0); /* the first block is asked for in silence */
	for (unsigned i = 0; i < 2; i++) {
		memset(data, 0xc0 + (int)i, 512);
		write_words(t, 0, data, 512);
		settle(t, 0);
		assert_int_equal(t->irq[0].rises, i + 1);
		assert_int_equal(ide_in(t, 0, IDE_STATUS), i ? DRDY_DSC : DRQ);
	}
	assert_int_equal(image_at(t->disk_path, 100 * 512), 0xc0);
	assert_int_equal(image_at(t->disk_path, 102 * 512 - 1), 0xc1);
	assert_int_equal(image_at(t->disk_path, 102 * 512), image_byte(102 * 512));
	assert_int_equal(command(t, 0, 0xe7), DRDY_DSC);
	idebed_close(t);
}

static void widths_of_the_data_register(void **state)
{
	struct idebed *t = idebed_open(0);

	address_28(t, 0, 0, 1);
	command(t, 0, 0x20);
	assert_int_equal(in(&t->b.bed, IDE_PRIMARY, 4),
			 image_byte(0) | image_byte(1) << 8 | image_byte(2) << 16 | (uint32_t)image_byte(3) << 24);
	assert_int_equal(in(&t->b.bed, IDE_PRIMARY, 1), image_byte(4));
	assert_int_equal(in(&t->b.bed, IDE_PRIMARY, 2), image_byte(5) | image_byte(6) << 8);
	idebed_close(t);
}

static void multiple(void **state)
{
	struct idebed *t = idebed_open(0);
	static uint8_t data[10 * 512];

	address_28(t, 0, 20, 10);
	assert_int_equal(command(t, 0, 0xc4), 0x51); /* not set */
	assert_int_equal(ide_in(t, 0, IDE_ERROR), IDE_ERROR_ABRT);
	ide_out(t, 0, IDE_COUNT, 3);
	assert_int_equal(command(t, 0, 0xc6), 0x51); /* no power of two */
	ide_out(t, 0, IDE_COUNT, 32);
	assert_int_equal(command(t, 0, 0xc6), 0x51);
	ide_out(t, 0, IDE_COUNT, 4);
	assert_int_equal(command(t, 0, 0xc6), DRDY_DSC);
	address_28(t, 0, 20, 10);
	t->irq[0].rises = 0;
	assert_int_equal(command(t, 0, 0xc4), DRQ);
	for (unsigned i = 0; i < 10; i += 4) {
		settle(t, 0);
		assert_int_equal(ide_in(t, 0, IDE_STATUS), DRQ);
		read_words(t, 0, data + i * 512, (i == 8 ? 2 : 4) * 512);
	}
	assert_int_equal(alt_status(t, 0), DRDY_DSC);
	assert_int_equal(t->irq[0].rises, 3);
	for (unsigned i = 0; i < 10; i++)
		check_sector(data + i * 512, 20 + i);
	address_28(t, 0, 30, 6);
	assert_int_equal(command(t, 0, 0xc5), DRQ);
	write_words(t, 0, data, 4 * 512);
	settle(t, 0);
	write_words(t, 0, data + 4 * 512, 2 * 512);
	settle(t, 0);
	assert_int_equal(ide_in(t, 0, IDE_STATUS), DRDY_DSC);
	assert_int_equal(image_at(t->disk_path, 35 * 512), image_byte(25 * 512));
	idebed_close(t);
}

static void chs_addresses(void **state)
{
	struct idebed *t = idebed_open(0);
	uint8_t data[512];

	ide_out(t, 0, IDE_DEVICE, 0xa0 | 2);
	ide_out(t, 0, IDE_COUNT, 1);
	ide_out(t, 0, IDE_LOW, 5);
	ide_out(t, 0, IDE_MID, 1);
	ide_out(t, 0, IDE_HIGH, 0);
	assert_int_equal(command(t, 0, 0x20), DRQ);
	read_words(t, 0, data, 512);
	check_sector(data, 1008 + 2 * 63 + 4);
	/* Another translation: 4 heads, 17 sectors. */
	ide_out(t, 0, IDE_DEVICE, 0xa3);
	ide_out(t, 0, IDE_COUNT, 17);
	assert_int_equal(command(t, 0, 0x91), DRDY_DSC);
	ide_out(t, 0, IDE_COUNT, 1);
	assert_int_equal(command(t, 0, 0x20), DRQ);
	read_words(t, 0, data, 512);
	check_sector(data, 68 + 3 * 17 + 4);
	ide_out(t, 0, IDE_LOW, 0);
	assert_int_equal(command(t, 0, 0x20), 0x51);
	assert_int_equal(ide_in(t, 0, IDE_ERROR), IDE_ERROR_IDNF);
	ide_out(t, 0, IDE_LOW, 18);
	assert_int_equal(command(t, 0, 0x20), 0x51);
	idebed_close(t);
}

static void past_the_end_the_registers_name_the_sector(void **state)
{
	struct idebed *t = idebed_open(0);
	uint8_t data[512];

	address_28(t, 0, DISK_SECTORS - 1, 2);
	assert_int_equal(command(t, 0, 0x20), DRQ);
	read_words(t, 0, data, 512);
	check_sector(data, DISK_SECTORS - 1);
	settle(t, 0);
	assert_int_equal(ide_in(t, 0, IDE_STATUS), 0x51);
	assert_int_equal(ide_in(t, 0, IDE_ERROR), IDE_ERROR_IDNF);
	assert_int_equal(ide_in(t, 0, IDE_LOW) | ide_in(t, 0, IDE_MID) << 8, DISK_SECTORS);
	address_48(t, 0, UINT64_C(0x123456789abc), 1);
	assert_int_equal(command(t, 0, 0x24), 0x51);
	assert_int_equal(ide_in(t, 0, IDE_ERROR), IDE_ERROR_IDNF);
	assert_int_equal(ide_in(t, 0, IDE_HIGH), 0x78);
	ide_out(t, 0, IDE_CONTROL, IDE_CONTROL_HOB);
	assert_int_equal(ide_in(t, 0, IDE_HIGH), 0x12);
	assert_int_equal(ide_in(t, 0, IDE_LOW), 0x56);
	address_28(t, 0, DISK_SECTORS, 1);
	assert_int_equal(command(t, 0, 0x30), 0x51); /* nothing is asked for */
	idebed_close(t);
}

static void lba48(void **state)
{
	struct idebed *t = idebed_open(0);
	uint8_t data[512];

	address_48(t, 0, 2000, 300);
	assert_int_equal(command(t, 0, 0x24), DRQ);
	for (unsigned i = 0; i < 300; i++) {
		settle(t, 0);
		assert_int_equal(ide_in(t, 0, IDE_STATUS), DRQ);
		read_words(t, 0, data, 512);
		check_sector(data, 2000 + i);
	}
	assert_int_equal(alt_status(t, 0), DRDY_DSC);
	command(t, 0, 0x27); /* READ NATIVE MAX ADDRESS EXT */
	assert_int_equal(ide_in(t, 0, IDE_LOW) | ide_in(t, 0, IDE_MID) << 8, DISK_SECTORS - 1);
	idebed_close(t);
}

static void dma_reads_and_writes(void **state)
{
	struct idebed *t = idebed_open(0);
	struct bus *bus = t->b.bed.bus;

	/* 8 sectors into three regions. */
	prd(t, 0, 0x10000, 512, false);
	prd(t, 1, 0x20000, 3072, false);
	prd(t, 2, 0x30000, 512, true);
	address_28(t, 0, 50, 8);
	ide_out(t, 0, IDE_STATUS, 0xc8);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(alt_status(t, 0), DRQ); /* waits for the bus master */
	master_start(t, 0, true);
	assert_int_equal(master_status(t, 0), IDE_BM_ACTIVE);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(master_status(t, 0), IDE_BM_INTERRUPT);
	assert_int_equal(t->irq[0].rises, 1);
	assert_int_equal(ide_in(t, 0, IDE_STATUS), DRDY_DSC);
	for (unsigned i = 0; i < 512; i++) {
		assert_int_equal(bus_read(bus, 0x10000 + i, 1), image_byte(50 * 512 + i));
		assert_int_equal(bus_read(bus, 0x20000 + 5 * 512 + i, 1), image_byte(56 * 512 + i));
		assert_int_equal(bus_read(bus, 0x30000 + i, 1), image_byte(57 * 512 + i));
	}
	out8(&t->b.bed, BM, 0);
	/* Back to another place, the bus master first. */
	master_start(t, 0, false);
	address_48(t, 0, 1000, 8);
	ide_out(t, 0, IDE_STATUS, 0x35);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(master_status(t, 0), IDE_BM_INTERRUPT);
	for (unsigned i = 0; i < 8 * 512; i += 97)
		assert_int_equal(image_at(t->disk_path, 1000 * 512 + i), image_byte(50 * 512 + i));
	idebed_close(t);
}

static void dma_longer_than_the_buffer(void **state)
{
	struct idebed *t = idebed_open(0);

	prd(t, 0, 0x100000, 0, false); /* 64 KiB each */
	prd(t, 1, 0x110000, 0, true);
	address_28(t, 0, 0, 0); /* 256 sectors */
	ide_out(t, 0, IDE_STATUS, 0xc8);
	master_start(t, 0, true);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(master_status(t, 0), IDE_BM_INTERRUPT);
	for (unsigned at = 0; at < 0x20000; at += 509)
		assert_int_equal(bus_read(t->b.bed.bus, 0x100000 + at, 1), image_byte(at));
	idebed_close(t);
}

/* PIIX3, "Bus master IDE status": what interrupt and active say together. */
static void dma_tables_that_do_not_fit(void **state)
{
	struct idebed *t = idebed_open(0);

	/* The table is larger than the transfer: interrupt, still active. */
	prd(t, 0, 0x10000, 4096, true);
	address_28(t, 0, 0, 2);
	ide_out(t, 0, IDE_STATUS, 0xc8);
	master_start(t, 0, true);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(master_status(t, 0), IDE_BM_INTERRUPT | IDE_BM_ACTIVE);
	out8(&t->b.bed, BM, 0);
	assert_int_equal(master_status(t, 0), IDE_BM_INTERRUPT);
	ide_in(t, 0, IDE_STATUS);
	/* It is smaller: no interrupt, not active. */
	prd(t, 0, 0x10000, 1024, true);
	address_28(t, 0, 0, 4);
	ide_out(t, 0, IDE_STATUS, 0xc8);
	master_start(t, 0, true);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(master_status(t, 0), 0);
	assert_false(t->irq[0].level);
	assert_int_equal(alt_status(t, 0), DRQ);
	/* The rest comes when there is a table for it. */
	out8(&t->b.bed, BM, 0);
	prd(t, 0, 0x18000, 1024, true);
	master_start(t, 0, true);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(master_status(t, 0), IDE_BM_INTERRUPT);
	assert_int_equal(bus_read(t->b.bed.bus, 0x18000, 1), image_byte(1024));
	out8(&t->b.bed, BM, 0);
	ide_in(t, 0, IDE_STATUS);
	/* Nobody is at the address: master abort. */
	prd(t, 0, 0xd0000000, 512, true);
	address_28(t, 0, 0, 1);
	ide_out(t, 0, IDE_STATUS, 0xc8);
	master_start(t, 0, true);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(master_status(t, 0), IDE_BM_ERROR);
	/* A software reset gets the drive out of it. */
	ide_out(t, 0, IDE_CONTROL, IDE_CONTROL_SRST);
	ide_out(t, 0, IDE_CONTROL, 0);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(alt_status(t, 0), DRDY_DSC);
	idebed_close(t);
}

static void dma_needs_direction_and_master_enable(void **state)
{
	struct idebed *t = idebed_open(0);

	prd(t, 0, 0x10000, 512, true);
	address_28(t, 0, 0, 1);
	ide_out(t, 0, IDE_STATUS, 0xc8);
	cfg_write(&t->b.bed, IDE_FN, 4, 2, 1);
	master_start(t, 0, true);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(alt_status(t, 0), DRQ);
	cfg_write(&t->b.bed, IDE_FN, 4, 2, 5);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(alt_status(t, 0), DRDY_DSC);
	out8(&t->b.bed, BM, 0);
	ide_in(t, 0, IDE_STATUS);
	ide_out(t, 0, IDE_STATUS, 0xc8);
	master_start(t, 0, false);
	out8(&t->b.bed, BM, 0x09); /* not while it is active */
	run_for(&t->b.bed, 1000000);
	assert_int_equal(alt_status(t, 0), DRQ);
	idebed_close(t);
}

static void bus_master_registers(void **state)
{
	struct idebed *t = idebed_open(0);

	for (unsigned ch = 0; ch < 2; ch++) {
		unsigned at = BM + 8 * ch;

		assert_int_equal(in(&t->b.bed, at, 4), 0);
		assert_int_equal(in(&t->b.bed, at + 4, 4), 0);
		out(&t->b.bed, at + 4, 4, 0xffffffff);
		assert_true(in(&t->b.bed, at + 4, 4) == 0xfffffffc);
		out8(&t->b.bed, at + 5, 0x12);
		assert_true(in(&t->b.bed, at + 4, 4) == 0xffff12fc);
		out8(&t->b.bed, at, 0xfe);
		assert_int_equal(in8(&t->b.bed, at), 0x08);
		out8(&t->b.bed, at + 1, 0xff);
		out8(&t->b.bed, at + 3, 0xff);
		out8(&t->b.bed, at + 2, 0xff);
		assert_int_equal(in(&t->b.bed, at, 4), 0x00600008);
		out8(&t->b.bed, at + 2, 0);
		assert_int_equal(in8(&t->b.bed, at + 2), 0);
	}
	ide_reset(&t->ide);
	assert_int_equal(in(&t->b.bed, BM + 4, 4), 0);
	idebed_close(t);
}

static void interrupts_can_be_kept_back(void **state)
{
	struct idebed *t = idebed_open(0);

	ide_out(t, 0, IDE_CONTROL, IDE_CONTROL_NIEN);
	command(t, 0, 0xec);
	assert_false(t->irq[0].level);
	ide_out(t, 0, IDE_CONTROL, 0);
	assert_true(t->irq[0].level);
	ide_in(t, 0, IDE_STATUS);
	assert_false(t->irq[0].level);
	idebed_close(t);
}

static void two_drives_on_a_channel(void **state)
{
	struct idebed *t = idebed_open(0);
	struct disk second;
	char path[64];
	uint8_t data[512];

	image_make(path, 100 * 512);
	assert_true(disk_open(&second, path, 0, 512, (struct disk_report){lines_add, &t->lines}));
	ide_attach_disk(&t->ide, 0, 1, &second);
	/* Registers are written in both, commands run in one. */
	address_28(t, 0, 3, 1);
	ide_out(t, 0, IDE_DEVICE, 0xf0);
	assert_int_equal(ide_in(t, 0, IDE_LOW), 3);
	assert_int_equal(command(t, 0, 0xf8), DRDY_DSC);
	assert_int_equal(ide_in(t, 0, IDE_LOW), 99);
	assert_true(t->irq[0].level || t->irq[0].rises);
	ide_out(t, 0, IDE_DEVICE, 0xe0);
	assert_int_equal(ide_in(t, 0, IDE_LOW), 3);
	assert_int_equal(command(t, 0, 0x20), DRQ);
	read_words(t, 0, data, 512);
	check_sector(data, 3);
	/* INTRQ is the selected drive's. */
	assert_true(t->irq[0].level);
	ide_out(t, 0, IDE_DEVICE, 0xf0);
	ide_in(t, 0, IDE_STATUS);
	assert_false(t->irq[0].level);
	ide_out(t, 0, IDE_DEVICE, 0xe0);
	assert_true(t->irq[0].level);
	/* EXECUTE DEVICE DIAGNOSTIC: both, and drive 0 is selected. */
	ide_out(t, 0, IDE_DEVICE, 0xf0);
	command(t, 0, 0x90);
	assert_int_equal(ide_in(t, 0, IDE_DEVICE), 0xa0);
	assert_int_equal(ide_in(t, 0, IDE_ERROR), 0x01);
	idebed_close(t);
	disk_close(&second);
	unlink(path);
}

static void commands_that_are_not_there_are_aborted(void **state)
{
	static const uint8_t code[] = {0x00, 0x08, 0xa0, 0xa1, 0xb0, 0xb1, 0xf1, 0xff, 0x50, 0x60};
	struct idebed *t = idebed_open(0);

	for (unsigned i = 0; i < sizeof(code); i++) {
		assert_int_equal(command(t, 0, code[i]), 0x51);
		assert_int_equal(ide_in(t, 0, IDE_ERROR), IDE_ERROR_ABRT);
	}
	idebed_close(t);
}

static void features(void **state)
{
	static const struct {
		uint8_t feature, count;
		bool ok;
	} row[] = {
		{0x02, 0, true}, {0x82, 0, true}, {0x55, 0, true}, {0xaa, 0, true}, {0x66, 0, true}, {0xcc, 0, true},
		{0x03, 0x00, true}, {0x03, 0x0c, true}, {0x03, 0x0d, false}, {0x03, 0x22, true}, {0x03, 0x45, false},
		{0x05, 0x80, false}, {0x99, 0, false},
	};
	struct idebed *t = idebed_open(0);
	uint8_t id[512];

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		ide_out(t, 0, IDE_ERROR, row[i].feature);
		ide_out(t, 0, IDE_COUNT, row[i].count);
		assert_int_equal(command(t, 0, 0xef), row[i].ok ? DRDY_DSC : 0x51);
	}
	command(t, 0, 0xec);
	read_words(t, 0, id, 512);
	assert_int_equal(word_of(id, 63), 0x0407);
	assert_int_equal(word_of(id, 85), 0x0040); /* look-ahead on, write cache off */
	command(t, 0, 0xe5);
	assert_int_equal(ide_in(t, 0, IDE_COUNT), 0xff);
	idebed_close(t);
}

static void a_read_only_disk_aborts_writes(void **state)
{
	struct idebed *t = idebed_open(DISK_READ_ONLY);

	address_28(t, 0, 0, 1);
	assert_int_equal(command(t, 0, 0x30), 0x51);
	assert_int_equal(ide_in(t, 0, IDE_ERROR), IDE_ERROR_ABRT);
	assert_int_equal(command(t, 0, 0xca), 0x51);
	assert_int_equal(command(t, 0, 0x20), DRQ);
	idebed_close(t);
}

static void errors_of_the_host_are_errors_of_the_drive(void **state)
{
	struct idebed *t = idebed_open(0);
	uint8_t data[512] = {0};
	int fd = open("/dev/full", O_RDWR);

	assert_int_equal(truncate(t->disk_path, 10 * 512), 0);
	address_28(t, 0, 9, 2);
	assert_int_equal(command(t, 0, 0x20), DRQ);
	read_words(t, 0, data, 512);
	settle(t, 0);
	assert_int_equal(ide_in(t, 0, IDE_STATUS), 0x51);
	assert_int_equal(ide_in(t, 0, IDE_ERROR), IDE_ERROR_UNC);
	assert_int_equal(ide_in(t, 0, IDE_LOW), 10);
	assert_int_equal(t->lines.count, 1);
	if (fd < 0)
		skip();
	assert_int_equal(dup2(fd, t->disk.fd), t->disk.fd);
	close(fd);
	address_28(t, 0, 5, 1);
	assert_int_equal(command(t, 0, 0x30), DRQ);
	write_words(t, 0, data, 512);
	settle(t, 0);
	assert_int_equal(ide_in(t, 0, IDE_STATUS), 0x71); /* device fault */
	assert_int_equal(ide_in(t, 0, IDE_ERROR), IDE_ERROR_ABRT);
	assert_int_equal(t->lines.count, 2);
	idebed_close(t);
}

static void verify_and_flush(void **state)
{
	struct idebed *t = idebed_open(0);

	address_28(t, 0, 10, 200);
	assert_int_equal(command(t, 0, 0x40), DRDY_DSC);
	assert_int_equal(command(t, 0, 0x70), DRDY_DSC); /* SEEK */
	address_48(t, 0, DISK_SECTORS - 100, 101);
	assert_int_equal(command(t, 0, 0x42), 0x51);
	assert_int_equal(ide_in(t, 0, IDE_LOW) | ide_in(t, 0, IDE_MID) << 8, DISK_SECTORS);
	assert_int_equal(command(t, 0, 0xea), DRDY_DSC);
	/* The host cannot: a device fault. */
	close(t->disk.fd);
	assert_int_equal(command(t, 0, 0xe7), 0x71);
	assert_int_equal(ide_in(t, 0, IDE_ERROR), IDE_ERROR_ABRT);
	assert_int_equal(t->lines.count, 1);
	t->disk.fd = open(t->disk_path, O_RDWR);
	assert_true(t->disk.fd >= 0);
	idebed_close(t);
}

static void a_busy_drive_takes_no_registers(void **state)
{
	struct idebed *t = idebed_open(0);

	address_28(t, 0, 11, 1);
	ide_out(t, 0, IDE_STATUS, 0x20);
	ide_out(t, 0, IDE_LOW, 99);
	ide_out(t, 0, IDE_STATUS, 0xec);
	settle(t, 0);
	assert_int_equal(in(&t->b.bed, IDE_PRIMARY, 1), image_byte(11 * 512));
	ide_out(t, 0, IDE_LOW, 99);
	assert_int_equal(ide_in(t, 0, IDE_LOW), 11);
	idebed_close(t);
}

static void random_access(struct idebed *t, uint64_t *seed)
{
	static const uint8_t codes[] = {0x20, 0x24, 0x30, 0x34, 0xc4, 0xc5, 0xc6, 0xc8, 0xca, 0x25, 0x35, 0xa0,
					0xec, 0xa1, 0xef, 0x90, 0x08, 0x91, 0x40, 0x29, 0x39, 0xf8, 0xe7};
	uint64_t r = draw(seed), v = draw(seed) >> (r & 31);
	unsigned ch = r >> 5 & 1, width = 1u << (r >> 8) % 3;

	switch (r >> 16 & 15) {
	case 0:
		ide_out(t, ch, IDE_STATUS, codes[v % sizeof(codes)]);
		break;
	case 1:
		out(&t->b.bed, BM + (v & 15), width, (uint32_t)draw(seed));
		break;
	case 2:
		out(&t->b.bed, BM + 8 * ch + 4, 4, PRD_TABLE);
		out8(&t->b.bed, BM + 8 * ch, 0);
		out8(&t->b.bed, BM + 8 * ch, v & 8 ? 9 : 1);
		break;
	case 3:
		if ((v & 31) == 0)
			ide_out(t, ch, IDE_CONTROL, (unsigned)v >> 5 & 0x86);
		break;
	case 4:
		if ((v & 63) == 0)
			cfg_write(&t->b.bed, IDE_FN, 0x40, 4, (uint32_t)draw(seed) | 0x80008000);
		(void)in(&t->b.bed, BM + (v & 15), width);
		break;
	case 5:
		ide_out(t, ch, IDE_MID, v & 15);
		ide_out(t, ch, IDE_HIGH, v & 0x70 ? 0 : 4);
		break;
	case 6:
		for (unsigned k = 0; k < (v & 255); k++)
			out(&t->b.bed, base_of(ch), 2, (uint32_t)draw(seed) & 0x28);
		break;
	case 7:
		for (unsigned k = 0; k < (v & 511); k++)
			(void)in(&t->b.bed, base_of(ch), 4);
		break;
	case 8:
	case 9:
		run_for(&t->b.bed, v & 0xffff);
		break;
	case 10:
		out(&t->b.bed, base_of(ch) + (v & 7), width, (uint32_t)draw(seed));
		break;
	default:
		ide_out(t, ch, 1 + v % 6, (unsigned)(v >> 8));
		(void)in(&t->b.bed, base_of(ch) + (v & 7), width);
		break;
	}
}

static void random_traffic(void **state)
{
	struct idebed *t = idebed_open(DISK_SNAPSHOT);
	uint64_t seed = 0x1234567812345678;

	for (unsigned i = 0; i < 16; i++)
		prd(t, i, (uint32_t)draw(&seed) & 0x7ffff, (uint32_t)draw(&seed) & 0xffff, i == 15);
	for (unsigned i = 0; i < 150000; i++)
		random_access(t, &seed);
	for (unsigned ch = 0; ch < 2; ch++) {
		assert_true(t->ide.channel[ch].block_end <= IDE_BUFFER && t->ide.channel[ch].size <= IDE_BUFFER);
		ide_out(t, ch, IDE_CONTROL, IDE_CONTROL_SRST);
		ide_out(t, ch, IDE_CONTROL, 0);
	}
	run_for(&t->b.bed, 1000000);
	assert_int_equal(ide_in(t, 0, IDE_STATUS), DRDY_DSC);
	assert_int_equal(ide_in(t, 1, IDE_MID), 0x14);
	assert_int_equal(t->b.bed.gaps, 0);
	idebed_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_after_reset),
		cmocka_unit_test(registers_hold_what_is_written),
		cmocka_unit_test(a_drive_that_is_not_there),
		cmocka_unit_test(decoding_follows_the_pci_function),
		cmocka_unit_test(identify),
		cmocka_unit_test(pio_reads_interrupt_for_each_block),
		cmocka_unit_test(pio_writes),
		cmocka_unit_test(widths_of_the_data_register),
		cmocka_unit_test(multiple),
		cmocka_unit_test(chs_addresses),
		cmocka_unit_test(past_the_end_the_registers_name_the_sector),
		cmocka_unit_test(lba48),
		cmocka_unit_test(dma_reads_and_writes),
		cmocka_unit_test(dma_longer_than_the_buffer),
		cmocka_unit_test(dma_tables_that_do_not_fit),
		cmocka_unit_test(dma_needs_direction_and_master_enable),
		cmocka_unit_test(bus_master_registers),
		cmocka_unit_test(interrupts_can_be_kept_back),
		cmocka_unit_test(two_drives_on_a_channel),
		cmocka_unit_test(commands_that_are_not_there_are_aborted),
		cmocka_unit_test(features),
		cmocka_unit_test(a_read_only_disk_aborts_writes),
		cmocka_unit_test(errors_of_the_host_are_errors_of_the_drive),
		cmocka_unit_test(verify_and_flush),
		cmocka_unit_test(a_busy_drive_takes_no_registers),
		cmocka_unit_test(random_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
