/* CD drives: the packet protocol by PIO and DMA, commands, sense data, media. */
#include "idebed.h"

#define REASON_COMMAND 1
#define REASON_IN 2
#define REASON_END 3

static void send_packet(struct idebed *t, const uint8_t *packet, unsigned limit, unsigned features)
{
	ide_out(t, 1, IDE_ERROR, features);
	ide_out(t, 1, IDE_MID, limit);
	ide_out(t, 1, IDE_HIGH, limit >> 8);
	ide_out(t, 1, IDE_STATUS, 0xa0);
	settle(t, 1);
	assert_int_equal(alt_status(t, 1), 0x48);
	assert_int_equal(ide_in(t, 1, IDE_COUNT), REASON_COMMAND);
	assert_false(t->irq[1].level); /* this drive asks for packets without an interrupt */
	write_words(t, 1, packet, 12);
	assert_int_equal(alt_status(t, 1) & IDE_STATUS_BSY, IDE_STATUS_BSY);
	settle(t, 1);
}

/* Data in by PIO; returns the bytes that came, and the error register (0: good). */
static unsigned packet_in(struct idebed *t, const uint8_t *packet, unsigned limit, uint8_t *data, uint8_t *error)
{
	unsigned got = 0;

	send_packet(t, packet, limit, 0);
	for (;;) {
		uint8_t status = alt_status(t, 1);
		unsigned n;

		assert_true(t->irq[1].level);
		assert_int_equal(ide_in(t, 1, IDE_STATUS), status);
		assert_false(t->irq[1].level);
		if (!(status & IDE_STATUS_DRQ)) {
			assert_int_equal(ide_in(t, 1, IDE_COUNT), REASON_END);
			*error = status & IDE_STATUS_ERR ? ide_in(t, 1, IDE_ERROR) : 0;
			return got;
		}
		assert_int_equal(ide_in(t, 1, IDE_COUNT), REASON_IN);
		n = ide_in(t, 1, IDE_MID) | (unsigned)ide_in(t, 1, IDE_HIGH) << 8;
		assert_true(n != 0 && n <= limit);
		read_words(t, 1, data + got, n);
		got += n;
		settle(t, 1);
	}
}

static uint8_t simple(struct idebed *t, uint8_t code)
{
	uint8_t packet[12] = {code}, data[512], error;

	packet_in(t, packet, 512, data, &error);
	return error;
}

/* Sense key, code and qualifier as one number. */
static unsigned sense(struct idebed *t)
{
	uint8_t packet[12] = {0x03, 0, 0, 0, 18}, data[32], error;

	assert_int_equal(packet_in(t, packet, 32, data, &error), 18);
	assert_int_equal(error, 0);
	assert_int_equal(data[0], 0x70);
	assert_int_equal(data[7], 10);
	return (unsigned)data[2] << 16 | (unsigned)data[12] << 8 | data[13];
}

static struct idebed *open_ready(void)
{
	struct idebed *t = idebed_open(0);

	simple(t, 0x00); /* takes the unit attention of power-on */
	sense(t);
	return t;
}

static void check_data(const uint8_t *data, uint64_t lba, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		if (data[i] != image_byte(lba * 2048 + i))
			fail_msg("sector %u, byte %u", (unsigned)lba, i);
	}
}

static void identify(void **state)
{
	struct idebed *t = idebed_open(0);
	uint8_t id[512], sum = 0;

	/* IDENTIFY DEVICE is refused, with the signature. */
	assert_int_equal(command(t, 1, 0xec), 0x41);
	assert_int_equal(ide_in(t, 1, IDE_ERROR), IDE_ERROR_ABRT);
	assert_int_equal(ide_in(t, 1, IDE_MID), 0x14);
	assert_int_equal(ide_in(t, 1, IDE_HIGH), 0xeb);
	assert_int_equal(command(t, 1, 0xa1), 0x48);
	read_words(t, 1, id, 512);
	assert_int_equal(word_of(id, 0), 0x85c0);
	assert_int_equal(word_of(id, 49), 0x0f00);
	assert_int_equal(word_of(id, 63), 0x0107);
	assert_int_equal(word_of(id, 82), 0x0210);
	for (unsigned i = 0; i < 512; i++)
		sum = (uint8_t)(sum + id[i]);
	assert_int_equal(sum, 0);
	idebed_close(t);
}

static void power_on_is_a_unit_attention(void **state)
{
	struct idebed *t = idebed_open(0);

	assert_int_equal(simple(t, 0x12), 0); /* INQUIRY runs in spite of it */
	assert_int_equal(simple(t, 0x00), 0x64);
	assert_int_equal(sense(t), 0x062900);
	assert_int_equal(sense(t), 0x000000);
	assert_int_equal(simple(t, 0x00), 0);
	/* REQUEST SENSE may be the first to tell. */
	ide_reset(&t->ide);
	assert_int_equal(sense(t), 0x062900);
	assert_int_equal(simple(t, 0x00), 0);
	idebed_close(t);
}

static void inquiry(void **state)
{
	struct idebed *t = open_ready();
	uint8_t packet[12] = {0x12, 0, 0, 0, 36}, data[64], error;

	assert_int_equal(packet_in(t, packet, 64, data, &error), 36);
	assert_int_equal(data[0], 0x05);
	assert_int_equal(data[1], 0x80);
	assert_memory_equal(data + 8, "TRAPGATECD-ROM          1.0 ", 28);
	packet[4] = 5; /* the allocation cuts it off */
	assert_int_equal(packet_in(t, packet, 64, data, &error), 5);
	packet[4] = 36;
	packet[1] = 1;
	packet_in(t, packet, 64, data, &error);
	assert_int_equal(error, 0x54);
	assert_int_equal(sense(t), 0x052400);
	idebed_close(t);
}

static void read_capacity(void **state)
{
	struct idebed *t = open_ready();
	uint8_t packet[12] = {0x25}, data[16], error;
	static const uint8_t want[8] = {0, 0, 0, CD_SECTORS - 1, 0, 0, 8, 0};

	assert_int_equal(packet_in(t, packet, 8, data, &error), 8);
	assert_memory_equal(data, want, 8);
	idebed_close(t);
}

static void reads_by_pio_keep_to_the_byte_count_limit(void **state)
{
	static const unsigned limit[] = {2048, 3000, 65534, 0xffff, 8192, 512, 100};
	static uint8_t data[40 * 2048];
	struct idebed *t = open_ready();
	uint8_t error;

	for (unsigned i = 0; i < sizeof(limit) / sizeof(limit[0]); i++) {
		uint8_t read10[12] = {0x28, 0, 0, 0, 0, 17, 0, 0, 40};
		uint8_t read12[12] = {0xa8, 0, 0, 0, 0, 3, 0, 0, 0, 2};

		t->irq[1].rises = 0;
		assert_int_equal(packet_in(t, read10, limit[i], data, &error), 40 * 2048);
		assert_int_equal(error, 0);
		check_data(data, 17, 40 * 2048);
		if (limit[i] == 3000)
			assert_int_equal(t->irq[1].rises, 41); /* whole sectors, and the end */
		assert_int_equal(packet_in(t, read12, limit[i], data, &error), 2 * 2048);
		check_data(data, 3, 2 * 2048);
	}
	idebed_close(t);
}

static void reads_by_dma(void **state)
{
	struct idebed *t = open_ready();
	uint8_t packet[12] = {0x28, 0, 0, 0, 0, 5, 0, 0, 80}, data[8];

	prd(t, 0, 0x100000, 0, false);
	prd(t, 1, 0x120000, 0, false);
	prd(t, 2, 0x140000, 80 * 2048 - 0x20000, true);
	send_packet(t, packet, 0, 1);
	assert_int_equal(alt_status(t, 1) & IDE_STATUS_DRQ, IDE_STATUS_DRQ);
	master_start(t, 1, true);
	run_for(&t->b.bed, 10000000);
	assert_int_equal(master_status(t, 1), IDE_BM_INTERRUPT);
	assert_int_equal(ide_in(t, 1, IDE_STATUS), 0x40);
	assert_int_equal(ide_in(t, 1, IDE_COUNT), REASON_END);
	for (unsigned i = 0; i < 0x10000; i += 61) {
		assert_int_equal(bus_read(t->b.bed.bus, 0x100000 + i, 1), image_byte(5 * 2048 + i));
		assert_int_equal(bus_read(t->b.bed.bus, 0x120000 + i, 1), image_byte(5 * 2048 + 0x10000 + i));
	}
	assert_int_equal(bus_read(t->b.bed.bus, 0x140000, 1), image_byte(5 * 2048 + 0x20000));
	out8(&t->b.bed, BM + 8, 0);
	/* An answer that is no sector. */
	packet[0] = 0x25;
	prd(t, 0, 0x100000, 8, true);
	send_packet(t, packet, 0, 1);
	master_start(t, 1, true);
	run_for(&t->b.bed, 1000000);
	assert_int_equal(master_status(t, 1), IDE_BM_INTERRUPT);
	assert_int_equal(bus_peek(t->b.bed.bus, 0x100000, data, 8), 8);
	assert_int_equal(data[3], CD_SECTORS - 1);
	idebed_close(t);
}

static void what_is_refused_and_why(void **state)
{
	static const struct {
		const char *name;
		uint8_t packet[12];
		unsigned sense;
	} row[] = {
		{"no such command", {0xff}, 0x052000},
		{"READ past the end", {0x28, 0, 0, 0, 0, CD_SECTORS, 0, 0, 1}, 0x052100},
		{"READ over the end", {0x28, 0, 0, 0, 0, CD_SECTORS - 1, 0, 0, 2}, 0x052100},
		{"READ(12) of everything", {0xa8, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, 0x052100},
		{"READ far away", {0x28, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0x052100},
		{"SEEK past the end", {0x2b, 0, 0, 0, 0, CD_SECTORS}, 0x052100},
		{"READ TOC of session 2's track", {0x43, 0, 0, 0, 0, 0, 2, 0, 20}, 0x052400},
		{"READ TOC, full", {0x43, 0, 2, 0, 0, 0, 0, 0, 20}, 0x052400},
		{"READ CD, raw", {0xbe, 0, 0, 0, 0, 0, 0, 0, 1, 0xf8}, 0x052400},
		{"MODE SENSE of an unknown page", {0x5a, 0, 0x1c, 0, 0, 0, 0, 0, 20}, 0x052400},
		{"MODE SENSE of saved values", {0x5a, 0, 0xea, 0, 0, 0, 0, 0, 20}, 0x053900},
		{"events, not polled", {0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8}, 0x052400},
	};
	struct idebed *t = open_ready();
	uint8_t data[2048], error;

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		unsigned got;

		assert_int_equal(packet_in(t, row[i].packet, 2048, data, &error), 0);
		if (error != ((row[i].sense >> 16) << 4 | 4))
			fail_msg("%s: error %02x", row[i].name, error);
		got = sense(t);
		if (got != row[i].sense)
			fail_msg("%s: sense %06x", row[i].name, got);
	}
	idebed_close(t);
}

static void table_of_contents(void **state)
{
	struct idebed *t = open_ready();
	uint8_t lba[12] = {0x43, 0, 0, 0, 0, 0, 0, 0, 100}, msf[12] = {0x43, 2, 0, 0, 0, 0, 0xaa, 0, 100};
	uint8_t session[12] = {0x43, 0, 1, 0, 0, 0, 0, 0, 100}, data[128], error;
	static const uint8_t want_lba[] = {0, 18, 1,    1,    0, 0x14, 1, 0, 0, 0,
					   0, 0,  0, 0x14, 0xaa, 0,    0, 0, 0, CD_SECTORS};
	static const uint8_t want_msf[] = {0, 10, 1, 1, 0, 0x14, 0xaa, 0, 0, 0, 3, 25};
	static const uint8_t want_session[] = {0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0};

	assert_int_equal(packet_in(t, lba, 128, data, &error), sizeof(want_lba));
	assert_memory_equal(data, want_lba, sizeof(want_lba));
	assert_int_equal(packet_in(t, msf, 128, data, &error), sizeof(want_msf));
	assert_memory_equal(data, want_msf, sizeof(want_msf));
	assert_int_equal(packet_in(t, session, 128, data, &error), sizeof(want_session));
	assert_memory_equal(data, want_session, sizeof(want_session));
	idebed_close(t);
}

static void modes_and_features(void **state)
{
	struct idebed *t = open_ready();
	uint8_t all[12] = {0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 200}, config[12] = {0x46, 0, 0, 0, 0, 0, 0, 0, 200};
	uint8_t cd_read[12] = {0xbe, 0, 0, 0, 0, 9, 0, 0, 1, 0x10}, data[2048], error;

	assert_int_equal(packet_in(t, all, 256, data, &error), 36);
	assert_int_equal(data[1], 34);
	assert_int_equal(data[8], 0x01);
	assert_int_equal(data[16], 0x2a);
	assert_int_equal(packet_in(t, config, 256, data, &error), 36);
	assert_int_equal(data[3], 32);
	assert_int_equal(data[7], 0x08);
	config[1] = 2;
	config[3] = 3;
	assert_int_equal(packet_in(t, config, 256, data, &error), 16);
	assert_int_equal(data[9], 0x03);
	assert_int_equal(packet_in(t, cd_read, 2048, data, &error), 2048);
	check_data(data, 9, 2048);
	idebed_close(t);
}

static void media_change(void **state)
{
	struct idebed *t = open_ready();
	uint8_t event[12] = {0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8};
	uint8_t eject[12] = {0x1b, 0, 0, 0, 2}, load[12] = {0x1b, 0, 0, 0, 3};
	uint8_t lock[12] = {0x1e, 0, 0, 0, 1}, data[64], error;

	assert_int_equal(packet_in(t, event, 64, data, &error), 8);
	assert_int_equal(data[4], 0);
	assert_int_equal(data[5], 2);
	packet_in(t, lock, 64, data, &error);
	packet_in(t, eject, 64, data, &error);
	assert_int_equal(error, 0x54);
	assert_int_equal(sense(t), 0x055302);
	lock[4] = 0;
	packet_in(t, lock, 64, data, &error);
	packet_in(t, eject, 64, data, &error);
	assert_int_equal(error, 0);
	assert_int_equal(simple(t, 0x25), 0x24);
	assert_int_equal(sense(t), 0x023a02);
	packet_in(t, event, 64, data, &error);
	assert_int_equal(data[4], 3);
	packet_in(t, load, 64, data, &error);
	assert_int_equal(simple(t, 0x00), 0x64);
	assert_int_equal(sense(t), 0x062800);
	assert_int_equal(simple(t, 0x00), 0);
	ide_change_cd(&t->ide, 1, 0, NULL);
	assert_int_equal(simple(t, 0x00), 0x24);
	assert_int_equal(sense(t), 0x023a00);
	ide_change_cd(&t->ide, 1, 0, &t->cd);
	assert_int_equal(simple(t, 0x00), 0x64);
	packet_in(t, event, 64, data, &error);
	assert_int_equal(data[4], 2);
	idebed_close(t);
}

static void errors_of_the_host_are_medium_errors(void **state)
{
	struct idebed *t = open_ready();
	uint8_t packet[12] = {0x28, 0, 0, 0, 0, 60, 0, 0, 1}, data[2048], error;

	assert_int_equal(truncate(t->cd_path, 50 * 2048), 0);
	assert_int_equal(packet_in(t, packet, 2048, data, &error), 0);
	assert_int_equal(error, 0x34);
	assert_int_equal(sense(t), 0x031100);
	assert_int_equal(t->lines.count, 1);
	idebed_close(t);
}

static void device_reset_ends_everything(void **state)
{
	struct idebed *t = open_ready();
	uint8_t packet[12] = {0x28, 0, 0, 0, 0, 0, 0, 0, 10};

	send_packet(t, packet, 2048, 0);
	assert_int_equal(alt_status(t, 1), 0x48);
	ide_out(t, 1, IDE_STATUS, 0x08);
	settle(t, 1);
	assert_int_equal(alt_status(t, 1), 0x00);
	assert_int_equal(ide_in(t, 1, IDE_MID), 0x14);
	assert_false(t->irq[1].level);
	assert_int_equal(simple(t, 0x00), 0);
	idebed_close(t);
}

static void random_packets(void **state)
{
	static const uint8_t codes[] = {0x00, 0x03, 0x12, 0x1b, 0x1e, 0x25, 0x28, 0x2b,
					0x43, 0x46, 0x4a, 0x5a, 0xa8, 0xbe, 0x4e, 0x77};
	struct idebed *t = idebed_open(0);
	uint64_t seed = 0x9e3779b97f4a7c15;

	for (unsigned i = 0; i < 8; i++)
		prd(t, i, 0x10000 * (i + 1), (uint32_t)draw(&seed) & 0xfffe, i == 7);
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t r = draw(&seed);
		uint8_t packet[12];
		bool dma = r & 1;

		for (unsigned k = 0; k < 12; k++)
			packet[k] = (uint8_t)(draw(&seed) >> (k < 5 || r & 2 ? 58 : 57) & draw(&seed));
		packet[0] = codes[r >> 8 & 15];
		ide_out(t, 1, IDE_ERROR, dma);
		ide_out(t, 1, IDE_MID, (unsigned)(r >> 16));
		ide_out(t, 1, IDE_HIGH, (unsigned)(r >> 24));
		ide_out(t, 1, IDE_STATUS, 0xa0);
		run_for(&t->b.bed, 10000);
		write_words(t, 1, packet, 12);
		if (dma)
			master_start(t, 1, true);
		for (unsigned k = 0; k < 6; k++) {
			run_for(&t->b.bed, 100000);
			(void)ide_in(t, 1, IDE_STATUS);
			for (unsigned n = 0; n < (r >> 32 & 1023); n++)
				(void)in(&t->b.bed, IDE_SECONDARY, 4);
		}
		out8(&t->b.bed, BM + 8, 0);
		if (alt_status(t, 1) & (IDE_STATUS_DRQ | IDE_STATUS_BSY))
			ide_out(t, 1, IDE_STATUS, 0x08);
	}
	sense(t);
	sense(t);
	assert_int_equal(t->b.bed.gaps, 0);
	idebed_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identify),
		cmocka_unit_test(power_on_is_a_unit_attention),
		cmocka_unit_test(inquiry),
		cmocka_unit_test(read_capacity),
		cmocka_unit_test(reads_by_pio_keep_to_the_byte_count_limit),
		cmocka_unit_test(reads_by_dma),
		cmocka_unit_test(what_is_refused_and_why),
		cmocka_unit_test(table_of_contents),
		cmocka_unit_test(modes_and_features),
		cmocka_unit_test(media_change),
		cmocka_unit_test(errors_of_the_host_are_medium_errors),
		cmocka_unit_test(device_reset_ends_everything),
		cmocka_unit_test(random_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
