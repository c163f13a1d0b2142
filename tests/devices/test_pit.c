/* 8254: every mode of the datasheet, pulse by pulse. */
#include "bed.h"

#include "devices/pit.h"

#define P(n) (PIT_PORT + (n))
#define CONTROL P(3)
#define SECOND CLOCK_HZ

struct bench {
	struct bed bed;
	struct pit pit;
};

static void open_pit(struct bench *b)
{
	bed_open(&b->bed);
	assert_true(pit_init(&b->pit, b->bed.bus, &b->bed.clock));
}

static void close_pit(struct bench *b)
{
	bed_close(&b->bed);
}

/* n CLK pulses further. */
static void clk(struct bench *b, uint64_t n)
{
	uint64_t cycle = clock_ticks_to_cycles(b->bed.clock.now, PIT_HZ);

	run_to(&b->bed, clock_cycles_to_ticks(cycle + n, PIT_HZ));
}

static void set_mode(struct bench *b, unsigned n, unsigned mode, unsigned flags)
{
	out8(&b->bed, CONTROL, PIT_SELECT(n) | PIT_MODE(mode) | flags);
}

static void set_count(struct bench *b, unsigned n, unsigned count)
{
	out8(&b->bed, P(n), count & 0xff);
	out8(&b->bed, P(n), count >> 8);
}

static unsigned get_count(struct bench *b, unsigned n)
{
	unsigned lsb;

	out8(&b->bed, CONTROL, PIT_SELECT(n) | PIT_RW_LATCH);
	lsb = in8(&b->bed, P(n));
	return lsb | (unsigned)in8(&b->bed, P(n)) << 8;
}

static uint8_t get_status(struct bench *b, unsigned n)
{
	out8(&b->bed, CONTROL, PIT_READ_BACK | PIT_NO_COUNT | PIT_COUNTER(n));
	return in8(&b->bed, P(n));
}

/* OUT after each of the next CLK pulses: a string of '0' and '1'. */
static void expect_out(struct bench *b, unsigned n, const char *waves)
{
	char got[128];
	size_t i;

	for (i = 0; waves[i] && i < sizeof(got) - 1; i++) {
		clk(b, 1);
		got[i] = pit_out(&b->pit, n) ? '1' : '0';
	}
	got[i] = 0;
	assert_string_equal(got, waves);
}

static void expect_counts(struct bench *b, unsigned n, const unsigned *counts, unsigned how_many)
{
	for (unsigned i = 0; i < how_many; i++) {
		clk(b, 1);
		assert_int_equal(get_count(b, n), counts[i]);
	}
}

static void power_on(void **state)
{
	struct bench b;

	open_pit(&b);
	for (unsigned n = 0; n < 3; n++) {
		assert_int_equal(get_status(&b, n), PIT_STATUS_NULL | PIT_RW_BOTH);
		assert_int_equal(get_count(&b, n), 0);
		assert_false(pit_out(&b.pit, n));
	}
	assert_int_equal(in8(&b.bed, CONTROL), 0xff); /* not readable */
	clk(&b, 1000);
	assert_int_equal(get_count(&b, 0), 0);
	assert_int_equal(clock_deadline(&b.bed.clock), CLOCK_NEVER);
	close_pit(&b);
}

static void mode0_interrupt_on_terminal_count(void **state)
{
	static const unsigned counts[] = {4, 3, 2, 1, 0, 0xffff, 0xfffe};
	struct bench b;

	open_pit(&b);
	set_mode(&b, 0, 0, PIT_RW_BOTH);
	assert_false(pit_out(&b.pit, 0));
	set_count(&b, 0, 4);
	expect_counts(&b, 0, counts, 7);
	set_count(&b, 0, 4);
	expect_out(&b, 0, "0000111"); /* high N + 1 pulses after the write */
	set_count(&b, 0, 2);          /* a new count takes OUT low again */
	expect_out(&b, 0, "0011");
	close_pit(&b);
}

static void mode0_first_byte_stops_counting(void **state)
{
	struct bench b;

	open_pit(&b);
	set_mode(&b, 0, 0, PIT_RW_BOTH);
	set_count(&b, 0, 3);
	expect_out(&b, 0, "0001");
	out8(&b.bed, P(0), 2);
	assert_false(pit_out(&b.pit, 0)); /* at once, no CLK needed */
	clk(&b, 10);
	assert_int_equal(b.pit.counter[0].ce, 0); /* stopped */
	out8(&b.bed, P(0), 0);
	expect_out(&b, 0, "001");
	close_pit(&b);
}

static void mode0_gate_stops_counting_but_not_loading(void **state)
{
	struct bench b;

	open_pit(&b);
	set_mode(&b, 2, 0, PIT_RW_BOTH); /* GATE2 is low */
	set_count(&b, 2, 3);
	clk(&b, 10);
	assert_int_equal(get_count(&b, 2), 3);
	pit_set_gate(&b.pit, 2, true);
	expect_out(&b, 2, "001"); /* N pulses: it was loaded already */
	close_pit(&b);
}

static void mode1_one_shot(void **state)
{
	struct bench b;

	open_pit(&b);
	set_mode(&b, 2, 1, PIT_RW_BOTH);
	assert_true(pit_out(&b.pit, 2));
	set_count(&b, 2, 3);
	expect_out(&b, 2, "111");
	pit_set_gate(&b.pit, 2, true);
	expect_out(&b, 2, "00011"); /* N pulses long, whatever GATE does */
	pit_set_gate(&b.pit, 2, false);
	pit_set_gate(&b.pit, 2, true);
	expect_out(&b, 2, "00");
	pit_set_gate(&b.pit, 2, false);
	set_count(&b, 2, 5);           /* not before the next trigger */
	pit_set_gate(&b.pit, 2, true); /* retriggers */
	expect_out(&b, 2, "000001");
	set_count(&b, 2, 2);
	assert_true(get_status(&b, 2) & PIT_STATUS_NULL);
	expect_out(&b, 2, "111");
	close_pit(&b);
}

static void mode2_rate_generator(void **state)
{
	static const unsigned counts[] = {3, 2, 1, 3, 2, 1, 3};
	struct bench b;

	open_pit(&b);
	set_mode(&b, 0, 2, PIT_RW_BOTH);
	set_count(&b, 0, 3);
	expect_counts(&b, 0, counts, 7);
	set_mode(&b, 0, 6, PIT_RW_BOTH); /* x10b is the same mode */
	set_count(&b, 0, 3);
	expect_out(&b, 0, "110110110");
	assert_int_equal(get_status(&b, 0), PIT_RW_BOTH | PIT_MODE(6)); /* as written; OUT low */
	close_pit(&b);
}

static void mode2_new_count_after_the_period(void **state)
{
	struct bench b;

	open_pit(&b);
	set_mode(&b, 0, 2, PIT_RW_BOTH);
	set_count(&b, 0, 4);
	expect_out(&b, 0, "11");
	set_count(&b, 0, 2);
	assert_true(get_status(&b, 0) & PIT_STATUS_NULL);
	expect_out(&b, 0, "10");
	assert_true(get_status(&b, 0) & PIT_STATUS_NULL);
	expect_out(&b, 0, "1010");
	assert_false(get_status(&b, 0) & PIT_STATUS_NULL);
	close_pit(&b);
}

static void mode2_gate(void **state)
{
	struct bench b;

	open_pit(&b);
	pit_set_gate(&b.pit, 2, true);
	set_mode(&b, 2, 2, PIT_RW_BOTH);
	set_count(&b, 2, 3);
	expect_out(&b, 2, "110");
	pit_set_gate(&b.pit, 2, false);
	assert_true(pit_out(&b.pit, 2)); /* at once */
	expect_out(&b, 2, "1111");
	pit_set_gate(&b.pit, 2, true);   /* a trigger reloads */
	expect_out(&b, 2, "110110");
	close_pit(&b);
}

static void mode3_square_wave(void **state)
{
	static const unsigned even[] = {4, 2, 4, 2, 4, 2, 4};
	static const unsigned odd[] = {4, 2, 0, 4, 2, 4, 2, 0};
	struct bench b;

	open_pit(&b);
	set_mode(&b, 0, 3, PIT_RW_BOTH);
	set_count(&b, 0, 4);
	expect_counts(&b, 0, even, 7);
	set_mode(&b, 0, 3, PIT_RW_BOTH);
	set_count(&b, 0, 5);
	expect_counts(&b, 0, odd, 8);
	set_mode(&b, 0, 7, PIT_RW_BOTH);
	set_count(&b, 0, 4);
	expect_out(&b, 0, "11001100");
	set_mode(&b, 0, 3, PIT_RW_BOTH);
	set_count(&b, 0, 5);
	expect_out(&b, 0, "1110011100"); /* (N + 1) / 2 high, (N - 1) / 2 low */
	set_mode(&b, 0, 3, PIT_RW_BOTH);
	set_count(&b, 0, 3);
	expect_out(&b, 0, "110110110");
	close_pit(&b);
}

static void mode3_new_count_after_the_half_cycle(void **state)
{
	struct bench b;

	open_pit(&b);
	set_mode(&b, 0, 3, PIT_RW_BOTH);
	set_count(&b, 0, 8);
	expect_out(&b, 0, "11");
	set_count(&b, 0, 4);
	expect_out(&b, 0, "1100110011");
	close_pit(&b);
}

static void mode3_gate(void **state)
{
	struct bench b;

	open_pit(&b);
	pit_set_gate(&b.pit, 2, true);
	set_mode(&b, 2, 3, PIT_RW_BOTH);
	set_count(&b, 2, 4);
	expect_out(&b, 2, "110");
	pit_set_gate(&b.pit, 2, false);
	assert_true(pit_out(&b.pit, 2));
	expect_out(&b, 2, "1111");
	set_count(&b, 2, 6); /* the trigger takes the new count */
	pit_set_gate(&b.pit, 2, true);
	expect_out(&b, 2, "111000111");
	close_pit(&b);
}

static void mode4_software_strobe(void **state)
{
	struct bench b;

	open_pit(&b);
	set_mode(&b, 0, 4, PIT_RW_BOTH);
	assert_true(pit_out(&b.pit, 0));
	set_count(&b, 0, 3);
	expect_out(&b, 0, "1110111"); /* N + 1 pulses after the write, once */
	assert_int_equal(get_count(&b, 0), 0xfffd);
	set_count(&b, 0, 3);
	expect_out(&b, 0, "11");
	set_count(&b, 0, 2); /* loaded on the next pulse */
	expect_out(&b, 0, "11011");
	close_pit(&b);
}

static void mode4_gate_has_no_effect_on_out(void **state)
{
	struct bench b;

	open_pit(&b);
	pit_set_gate(&b.pit, 2, true);
	set_mode(&b, 2, 4, PIT_RW_BOTH);
	set_count(&b, 2, 2);
	expect_out(&b, 2, "11");
	pit_set_gate(&b.pit, 2, false);
	expect_out(&b, 2, "111");
	pit_set_gate(&b.pit, 2, true); /* no trigger either */
	expect_out(&b, 2, "0");
	pit_set_gate(&b.pit, 2, false);
	expect_out(&b, 2, "1");
	close_pit(&b);
}

static void mode5_hardware_strobe(void **state)
{
	struct bench b;

	open_pit(&b);
	set_mode(&b, 2, 5, PIT_RW_BOTH);
	set_count(&b, 2, 3);
	expect_out(&b, 2, "11111");
	pit_set_gate(&b.pit, 2, true);
	expect_out(&b, 2, "111011");
	pit_set_gate(&b.pit, 2, false);
	pit_set_gate(&b.pit, 2, true);
	expect_out(&b, 2, "11");
	pit_set_gate(&b.pit, 2, false);
	pit_set_gate(&b.pit, 2, true); /* retriggers */
	expect_out(&b, 2, "11101");
	close_pit(&b);
}

static void trigger_is_kept_until_the_next_pulse(void **state)
{
	struct bench b;

	open_pit(&b);
	set_mode(&b, 2, 1, PIT_RW_BOTH);
	set_count(&b, 2, 2);
	pit_set_gate(&b.pit, 2, true);
	pit_set_gate(&b.pit, 2, false);
	expect_out(&b, 2, "001");
	close_pit(&b);
}

static void bcd_counts_in_decades(void **state)
{
	static const unsigned counts[] = {0x1000, 0x0999, 0x0998};
	struct bench b;

	open_pit(&b);
	set_mode(&b, 0, 2, PIT_RW_BOTH | PIT_BCD);
	set_count(&b, 0, 0x1000);
	expect_counts(&b, 0, counts, 3);
	set_mode(&b, 0, 0, PIT_RW_BOTH | PIT_BCD);
	set_count(&b, 0, 0); /* 10000 */
	clk(&b, 2);
	assert_int_equal(get_count(&b, 0), 0x9999);
	clk(&b, 9998);
	assert_false(pit_out(&b.pit, 0));
	clk(&b, 1);
	assert_true(pit_out(&b.pit, 0));
	clk(&b, 1);
	assert_int_equal(get_count(&b, 0), 0x9999);
	set_count(&b, 0, 0xffff); /* no BCD number: no harm */
	clk(&b, 20000);
	assert_true(pit_out(&b.pit, 0));
	close_pit(&b);
}

static void count_zero_is_65536(void **state)
{
	struct bench b;

	open_pit(&b);
	set_mode(&b, 0, 2, PIT_RW_BOTH);
	set_count(&b, 0, 0);
	clk(&b, 1);
	assert_int_equal(get_count(&b, 0), 0);
	clk(&b, 65534);
	assert_true(pit_out(&b.pit, 0));
	clk(&b, 1);
	assert_false(pit_out(&b.pit, 0));
	assert_int_equal(get_count(&b, 0), 1);
	clk(&b, 1);
	assert_int_equal(get_count(&b, 0), 0);
	close_pit(&b);
}

static void count_one_is_still_in_modes_2_and_3(void **state)
{
	struct bench b;

	open_pit(&b);
	for (unsigned mode = 2; mode <= 3; mode++) {
		struct probe probe;

		set_mode(&b, 0, mode, PIT_RW_LSB);
		out8(&b.bed, P(0), 1);
		probe_line(&probe, &b.bed, pit_line(&b.pit, 0));
		expect_out(&b, 0, "11111");
		run_for(&b.bed, 1000 * SECOND); /* nothing to do in all that time */
		assert_int_equal(probe.falls, 0);
		out8(&b.bed, P(0), 2);
		run_for(&b.bed, 100000);
		assert_true(probe.falls > 10);
	}
	close_pit(&b);
}

static void one_byte_counts(void **state)
{
	struct bench b;

	open_pit(&b);
	set_mode(&b, 0, 0, PIT_RW_LSB);
	out8(&b.bed, P(0), 0x42);
	clk(&b, 1);
	assert_int_equal(in8(&b.bed, P(0)), 0x42);
	assert_int_equal(in8(&b.bed, P(0)), 0x42);
	set_mode(&b, 0, 0, PIT_RW_MSB);
	out8(&b.bed, P(0), 0x12);
	clk(&b, 1);
	assert_int_equal(in8(&b.bed, P(0)), 0x12);
	assert_int_equal(b.pit.counter[0].ce, 0x1200);
	close_pit(&b);
}

static void latch_holds_until_read(void **state)
{
	struct bench b;

	open_pit(&b);
	set_mode(&b, 0, 2, PIT_RW_BOTH);
	set_count(&b, 0, 0x1234);
	clk(&b, 1);
	out8(&b.bed, CONTROL, PIT_SELECT(0));
	clk(&b, 0x100);
	out8(&b.bed, CONTROL, PIT_SELECT(0)); /* ignored: not read yet */
	assert_int_equal(in8(&b.bed, P(0)), 0x34);
	clk(&b, 0x100);
	assert_int_equal(in8(&b.bed, P(0)), 0x12);
	assert_int_equal(get_count(&b, 0), 0x1034);
	out8(&b.bed, CONTROL, PIT_SELECT(0));
	set_mode(&b, 0, 2, PIT_RW_BOTH); /* a control word drops the latch */
	set_count(&b, 0, 0x2222);
	clk(&b, 1);
	assert_int_equal(in8(&b.bed, P(0)), 0x22);
	close_pit(&b);
}

static void read_and_write_bytes_alternate_apart(void **state)
{
	struct bench b;

	open_pit(&b);
	set_mode(&b, 0, 2, PIT_RW_BOTH);
	set_count(&b, 0, 0x1234);
	clk(&b, 1);
	assert_int_equal(in8(&b.bed, P(0)), 0x34);
	out8(&b.bed, P(0), 0x78);
	assert_int_equal(in8(&b.bed, P(0)), 0x12);
	out8(&b.bed, P(0), 0x56);
	assert_int_equal(b.pit.counter[0].cr, 0x5678);
	close_pit(&b);
}

static void read_back_command(void **state)
{
	struct bench b;

	open_pit(&b);
	set_mode(&b, 0, 2, PIT_RW_BOTH);
	set_mode(&b, 2, 3, PIT_RW_LSB | PIT_BCD);
	set_count(&b, 0, 0x1234);
	clk(&b, 1);
	/* Status first, then the count, whatever the order of latching. */
	out8(&b.bed, CONTROL, PIT_READ_BACK | PIT_COUNTER(0) | PIT_COUNTER(2));
	out8(&b.bed, CONTROL, PIT_READ_BACK | PIT_COUNTER(0)); /* already latched: ignored */
	assert_int_equal(in8(&b.bed, P(0)), PIT_STATUS_OUT | PIT_RW_BOTH | PIT_MODE(2));
	assert_int_equal(in8(&b.bed, P(0)), 0x34);
	assert_int_equal(in8(&b.bed, P(0)), 0x12);
	assert_int_equal(in8(&b.bed, P(2)),
			 PIT_STATUS_OUT | PIT_STATUS_NULL | PIT_RW_LSB | PIT_MODE(3) | PIT_BCD);
	/* Count only, of two counters at the same pulse. */
	out8(&b.bed, CONTROL, PIT_READ_BACK | PIT_NO_STATUS | PIT_COUNTER(0));
	clk(&b, 5);
	assert_int_equal(in8(&b.bed, P(0)), 0x34);
	assert_int_equal(in8(&b.bed, P(0)), 0x12);
	close_pit(&b);
}

static void null_count_until_loaded(void **state)
{
	struct bench b;

	open_pit(&b);
	set_mode(&b, 0, 0, PIT_RW_BOTH);
	assert_true(get_status(&b, 0) & PIT_STATUS_NULL);
	out8(&b.bed, P(0), 5);
	out8(&b.bed, P(0), 0);
	assert_true(get_status(&b, 0) & PIT_STATUS_NULL);
	clk(&b, 1);
	assert_false(get_status(&b, 0) & PIT_STATUS_NULL);
	out8(&b.bed, P(0), 5); /* only the second byte sets it */
	assert_false(get_status(&b, 0) & PIT_STATUS_NULL);
	out8(&b.bed, P(0), 0);
	assert_true(get_status(&b, 0) & PIT_STATUS_NULL);
	close_pit(&b);
}

/* The edges at OUT0 are exact: the k-th one is at pulse k * N, for ever. */
static void edges_keep_time(void **state)
{
	struct bench b;
	struct probe probe;
	uint64_t first;

	open_pit(&b);
	probe_line(&probe, &b.bed, pit_line(&b.pit, 0));
	set_mode(&b, 0, 2, PIT_RW_BOTH);
	assert_true(probe.level);
	set_count(&b, 0, 11932);
	first = 1 + 11932; /* loaded at pulse 1 */
	run_to(&b.bed, 10 * SECOND);
	assert_int_equal(probe.falls, (clock_ticks_to_cycles(10 * SECOND, PIT_HZ) - first + 1) / 11932 + 1);
	assert_int_equal(probe.last_rise, clock_cycles_to_ticks(first + (uint64_t)(probe.rises - 2) * 11932, PIT_HZ));
	assert_int_equal(probe.last_rise - probe.last_fall, 838); /* one CLK */
	assert_true(probe.cause != 0);
	close_pit(&b);
}

static void nothing_is_armed_for_an_unconnected_out(void **state)
{
	struct bench b;

	open_pit(&b);
	set_mode(&b, 1, 2, PIT_RW_LSB);
	out8(&b.bed, P(1), 18);
	assert_int_equal(clock_deadline(&b.bed.clock), CLOCK_NEVER);
	run_for(&b.bed, 1000000 * SECOND);
	assert_true(in8(&b.bed, P(1)) <= 18);
	close_pit(&b);
}

static uint32_t draw(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void random_step(struct bench *b, unsigned what, unsigned value)
{
	static const uint8_t rw[] = {PIT_RW_LSB, PIT_RW_MSB, PIT_RW_BOTH, PIT_RW_BOTH};

	switch (what) {
	case 0:
		out8(&b->bed, CONTROL, PIT_SELECT(2) | rw[value & 3] | PIT_MODE(value >> 2 & 7) | (value >> 5 & 1));
		break;
	case 1:
		pit_set_gate(&b->pit, 2, !b->pit.counter[2].gate);
		break;
	default:
		out8(&b->bed, P(2), value & (value & 0x100 ? 0x07 : 0xff));
		break;
	}
}

/* Bringing a counter up to date in one go is the same as pulse by pulse. */
static void one_look_equals_a_look_at_each_pulse(void **state)
{
	struct bench slow, quick;
	uint32_t seed = 7;

	open_pit(&slow);
	open_pit(&quick);
	for (unsigned i = 0; i < 3000; i++) {
		unsigned what = draw(&seed) % 4, value = draw(&seed), pulses = draw(&seed) % 64;

		if (draw(&seed) % 16 == 0)
			pulses *= 37;
		random_step(&slow, what, value);
		random_step(&quick, what, value);
		for (unsigned n = 0; n < pulses; n++) {
			clk(&slow, 1);
			pit_out(&slow.pit, 2);
		}
		clk(&quick, pulses);
		assert_int_equal(pit_out(&slow.pit, 2), pit_out(&quick.pit, 2));
		assert_int_equal(slow.pit.counter[2].ce, quick.pit.counter[2].ce);
		assert_int_equal(slow.pit.counter[2].null_count, quick.pit.counter[2].null_count);
	}
	close_pit(&slow);
	close_pit(&quick);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_on),
		cmocka_unit_test(mode0_interrupt_on_terminal_count),
		cmocka_unit_test(mode0_first_byte_stops_counting),
		cmocka_unit_test(mode0_gate_stops_counting_but_not_loading),
		cmocka_unit_test(mode1_one_shot),
		cmocka_unit_test(mode2_rate_generator),
		cmocka_unit_test(mode2_new_count_after_the_period),
		cmocka_unit_test(mode2_gate),
		cmocka_unit_test(mode3_square_wave),
		cmocka_unit_test(mode3_new_count_after_the_half_cycle),
		cmocka_unit_test(mode3_gate),
		cmocka_unit_test(mode4_software_strobe),
		cmocka_unit_test(mode4_gate_has_no_effect_on_out),
		cmocka_unit_test(mode5_hardware_strobe),
		cmocka_unit_test(trigger_is_kept_until_the_next_pulse),
		cmocka_unit_test(bcd_counts_in_decades),
		cmocka_unit_test(count_zero_is_65536),
		cmocka_unit_test(count_one_is_still_in_modes_2_and_3),
		cmocka_unit_test(one_byte_counts),
		cmocka_unit_test(latch_holds_until_read),
		cmocka_unit_test(read_and_write_bytes_alternate_apart),
		cmocka_unit_test(read_back_command),
		cmocka_unit_test(null_count_until_loaded),
		cmocka_unit_test(edges_keep_time),
		cmocka_unit_test(nothing_is_armed_for_an_unconnected_out),
		cmocka_unit_test(one_look_equals_a_look_at_each_pulse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
