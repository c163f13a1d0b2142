/* Port 61h and the NMI logic. */
#include "bed.h"

#include "devices/port61.h"

struct bench {
	struct bed bed;
	struct pit pit;
	struct port61 port;
	struct probe nmi;
};

static void open_port(struct bench *b)
{
	bed_open(&b->bed);
	assert_true(pit_init(&b->pit, b->bed.bus, &b->bed.clock));
	assert_true(port61_init(&b->port, b->bed.bus, &b->pit));
	probe_line(&b->nmi, &b->bed, &b->port.nmi);
}

static void registers_reset_and_access(void **state)
{
	static const struct register_row row = {"port 61h", PORT61, 0x00, 0x0f, 0x00};
	struct bench b;

	open_port(&b);
	check_register(&b.bed, &row);
	port61_reset(&b.port);
	assert_int_equal(in8(&b.bed, PORT61), 0);
	bed_close(&b.bed);
}

static void refresh_toggles_every_18_pit_clocks(void **state)
{
	struct bench b;
	unsigned toggles = 0;
	uint8_t last;

	open_port(&b);
	last = in8(&b.bed, PORT61);
	for (unsigned us = 0; us < 1500; us++) {
		uint8_t now;

		run_for(&b.bed, 1000);
		now = in8(&b.bed, PORT61);
		toggles += (now ^ last) >> 4 & 1;
		last = now;
	}
	assert_int_equal(toggles, clock_ticks_to_cycles(1500000, PIT_HZ) / 18);
	bed_close(&b.bed);
}

static void gate2_and_out2(void **state)
{
	struct bench b;

	open_port(&b);
	out8(&b.bed, PIT_PORT + 3, PIT_SELECT(2) | PIT_RW_LSB | PIT_MODE(0));
	out8(&b.bed, PIT_PORT + 2, 100);
	run_for(&b.bed, 1000000);
	assert_false(in8(&b.bed, PORT61) & PORT61_OUT2); /* the gate is closed */
	out8(&b.bed, PORT61, PORT61_GATE2);
	run_for(&b.bed, 80000);
	assert_false(in8(&b.bed, PORT61) & PORT61_OUT2);
	run_for(&b.bed, 5000);
	assert_true(in8(&b.bed, PORT61) & PORT61_OUT2);
	bed_close(&b.bed);
}

static void serr_and_iochk_make_nmi(void **state)
{
	static const struct {
		int input;
		uint8_t off, seen;
	} source[] = {
		{PORT61_IN_SERR, PORT61_SERR_OFF, PORT61_SERR},
		{PORT61_IN_IOCHK, PORT61_IOCHK_OFF, PORT61_IOCHK},
	};

	for (unsigned i = 0; i < 2; i++) {
		struct bench b;

		open_port(&b);
		port61_input(&b.port, source[i].input, true, 77);
		assert_int_equal(b.nmi.rises, 1);
		assert_int_equal(b.nmi.cause, 77);
		assert_int_equal(in8(&b.bed, PORT61) & 0xc0, source[i].seen);
		port61_input(&b.port, source[i].input, false, 0);
		assert_int_equal(in8(&b.bed, PORT61) & 0xc0, source[i].seen); /* latched */
		out8(&b.bed, PORT61, source[i].off);
		assert_int_equal(in8(&b.bed, PORT61) & 0xc0, 0);
		port61_input(&b.port, source[i].input, true, 78);
		assert_int_equal(b.nmi.rises, 1); /* disabled */
		out8(&b.bed, PORT61, 0);
		assert_int_equal(b.nmi.rises, 1); /* an edge that came while disabled is lost */
		bed_close(&b.bed);
	}
}

static void port70_masks_nmi(void **state)
{
	struct bench b;

	open_port(&b);
	port61_input(&b.port, PORT61_IN_NMI_OFF, true, 0);
	port61_input(&b.port, PORT61_IN_SERR, true, 5);
	assert_int_equal(b.nmi.rises, 0);
	port61_input(&b.port, PORT61_IN_NMI_OFF, false, 0);
	assert_int_equal(b.nmi.rises, 1);
	assert_int_equal(b.nmi.cause, 5);
	bed_close(&b.bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_reset_and_access),
		cmocka_unit_test(refresh_toggles_every_18_pit_clocks),
		cmocka_unit_test(gate2_and_out2),
		cmocka_unit_test(serr_and_iochk_make_nmi),
		cmocka_unit_test(port70_masks_nmi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
