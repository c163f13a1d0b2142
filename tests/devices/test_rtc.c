/* MC146818A: time, alarms, interrupts, RAM. */
#include "bed.h"

#include "devices/rtc.h"

#define SECOND CLOCK_HZ
/* 2023-12-31 23:59:58, a Sunday */
#define NEW_YEARS_EVE UINT64_C(1704067198)

struct bench {
	struct bed bed;
	struct rtc rtc;
	struct probe irq;
};

static void open_at(struct bench *b, uint64_t seed)
{
	bed_open(&b->bed);
	assert_true(rtc_init(&b->rtc, b->bed.bus, &b->bed.clock, seed));
	probe_line(&b->irq, &b->bed, &b->rtc.irq);
}

static void set(struct bench *b, unsigned index, unsigned value)
{
	out8(&b->bed, 0x70, index);
	out8(&b->bed, 0x71, value);
}

static uint8_t get(struct bench *b, unsigned index)
{
	out8(&b->bed, 0x70, index);
	return in8(&b->bed, 0x71);
}

static void expect_time(struct bench *b, unsigned year, unsigned month, unsigned day, unsigned weekday, unsigned hour,
			unsigned minute, unsigned second)
{
	assert_int_equal(get(b, RTC_CENTURY) << 8 | get(b, RTC_YEAR), year);
	assert_int_equal(get(b, RTC_MONTH), month);
	assert_int_equal(get(b, RTC_DAY), day);
	assert_int_equal(get(b, RTC_WEEKDAY), weekday);
	assert_int_equal(get(b, RTC_HOURS), hour);
	assert_int_equal(get(b, RTC_MINUTES), minute);
	assert_int_equal(get(b, RTC_SECONDS), second);
}

static void registers_reset_and_access(void **state)
{
	static const struct { unsigned index; uint8_t reset, writable; } row[] = {
		{RTC_SECONDS_ALARM, 0, 0xff}, {RTC_MINUTES_ALARM, 0, 0xff}, {RTC_HOURS_ALARM, 0, 0xff},
		{RTC_A, 0x26, 0x7f}, {RTC_C, 0x00, 0x00}, {RTC_D, 0x80, 0x00}, {RTC_B, 0x02, 0xff},
		{0x0e, 0, 0xff}, {0x7f, 0, 0xff},
	};
	struct bench b;

	open_at(&b, 0);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(get(&b, row[i].index), row[i].reset);
		for (unsigned v = 0; v < 256; v++) {
			uint8_t want = (uint8_t)((v & row[i].writable) | (row[i].reset & ~row[i].writable));

			if (row[i].index == RTC_B && (v & RTC_B_SET))
				want &= (uint8_t)~RTC_B_UIE; /* SET clears UIE */
			set(&b, row[i].index, v);
			assert_int_equal(get(&b, row[i].index), want);
		}
		set(&b, row[i].index, row[i].reset);
	}
	assert_int_equal(in8(&b.bed, 0x70), 0xff); /* write only */
	bed_close(&b.bed);
}

static void extended_bank(void **state)
{
	struct bench b;

	open_at(&b, 0);
	out8(&b.bed, 0x72, 0x8a);
	out8(&b.bed, 0x73, 0x5a);
	assert_int_equal(in8(&b.bed, 0x72), 0x0a);
	assert_int_equal(in8(&b.bed, 0x73), 0x5a);
	assert_int_equal(get(&b, 0x0a), 0x26);
	bed_close(&b.bed);
}

static void seconds_carry_into_the_year(void **state)
{
	struct bench b;

	open_at(&b, NEW_YEARS_EVE);
	expect_time(&b, 0x2023, 0x12, 0x31, 1, 0x23, 0x59, 0x58);
	run_to(&b.bed, SECOND - 1);
	assert_int_equal(get(&b, RTC_SECONDS), 0x58);
	run_to(&b.bed, SECOND);
	assert_int_equal(get(&b, RTC_SECONDS), 0x59);
	run_to(&b.bed, 2 * SECOND);
	expect_time(&b, 0x2024, 0x01, 0x01, 2, 0x00, 0x00, 0x00);
	run_to(&b.bed, (2 + 59 * 86400) * SECOND);
	expect_time(&b, 0x2024, 0x02, 0x29, 5, 0x00, 0x00, 0x00); /* a leap year */
	bed_close(&b.bed);
}

static void one_look_equals_a_look_each_second(void **state)
{
	struct bench slow, quick;

	open_at(&slow, NEW_YEARS_EVE);
	open_at(&quick, NEW_YEARS_EVE);
	for (unsigned i = 0; i < 200000; i++) {
		run_for(&slow.bed, SECOND);
		get(&slow, RTC_SECONDS);
	}
	run_for(&quick.bed, 200000 * SECOND);
	get(&quick, RTC_SECONDS);
	assert_memory_equal(slow.rtc.ram, quick.rtc.ram, sizeof(slow.rtc.ram));
	assert_int_equal(slow.rtc.flags, quick.rtc.flags);
	bed_close(&slow.bed);
	bed_close(&quick.bed);
}

static void binary_and_12_hour_forms(void **state)
{
	static const struct { unsigned b, hour_in, before, after; } row[] = {
		{RTC_B_24H, 0x11, 0x11, 0x12},
		{RTC_B_24H | RTC_B_DM, 23, 23, 0},
		{0, 0x11, 0x11, 0x92},              /* 11 am to 12 pm */
		{0, 0x91, 0x91, 0x12},              /* 11 pm to 12 am */
		{0, 0x92, 0x92, 0x81},              /* 12 pm to 1 pm */
		{RTC_B_DM, 0x80 | 9, 0x80 | 9, 0x80 | 10},
	};

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct bench b;

		open_at(&b, 0);
		set(&b, RTC_B, RTC_B_SET | row[i].b);
		set(&b, RTC_HOURS, row[i].hour_in);
		set(&b, RTC_MINUTES, row[i].b & RTC_B_DM ? 59 : 0x59);
		set(&b, RTC_SECONDS, row[i].b & RTC_B_DM ? 59 : 0x59);
		set(&b, RTC_B, row[i].b);
		assert_int_equal(get(&b, RTC_HOURS), row[i].before);
		run_for(&b.bed, SECOND);
		assert_int_equal(get(&b, RTC_HOURS), row[i].after);
		bed_close(&b.bed);
	}
}

static void set_holds_updates(void **state)
{
	struct bench b;

	open_at(&b, 0);
	set(&b, RTC_B, RTC_B_24H | RTC_B_SET);
	run_to(&b.bed, 10 * SECOND + SECOND / 2);
	assert_int_equal(get(&b, RTC_SECONDS), 0);
	assert_int_equal(get(&b, RTC_C), RTC_C_PF); /* the chain itself runs on */
	set(&b, RTC_B, RTC_B_24H);
	run_to(&b.bed, 11 * SECOND);
	assert_int_equal(get(&b, RTC_SECONDS), 1);
	bed_close(&b.bed);
}

static void uip_precedes_the_update(void **state)
{
	struct bench b;

	open_at(&b, 0);
	run_to(&b.bed, SECOND - 2300000);
	assert_false(get(&b, RTC_A) & RTC_A_UIP);
	run_to(&b.bed, SECOND - 2200000);
	assert_true(get(&b, RTC_A) & RTC_A_UIP);
	run_to(&b.bed, SECOND - 1);
	assert_true(get(&b, RTC_A) & RTC_A_UIP);
	assert_false(get(&b, RTC_C) & RTC_C_UF);
	run_to(&b.bed, SECOND);
	assert_false(get(&b, RTC_A) & RTC_A_UIP);
	assert_true(get(&b, RTC_C) & RTC_C_UF);
	run_to(&b.bed, 2 * SECOND - 1);
	set(&b, RTC_B, RTC_B_24H | RTC_B_SET);
	assert_false(get(&b, RTC_A) & RTC_A_UIP);
	bed_close(&b.bed);
}

static void divider_reset_starts_half_a_second_before_the_update(void **state)
{
	struct bench b;

	open_at(&b, 0);
	set(&b, RTC_A, 0x70);
	run_to(&b.bed, 5 * SECOND + 12345);
	assert_int_equal(get(&b, RTC_SECONDS), 0);
	set(&b, RTC_A, 0x26);
	run_for(&b.bed, SECOND / 2 - 40000);
	assert_int_equal(get(&b, RTC_SECONDS), 0);
	run_for(&b.bed, 40000);
	assert_int_equal(get(&b, RTC_SECONDS), 1);
	bed_close(&b.bed);
}

static void other_time_bases_are_a_gap(void **state)
{
	struct bench b;

	open_at(&b, 0);
	set(&b, RTC_A, 0x06);
	set(&b, RTC_A, 0x06);
	assert_int_equal(b.bed.gaps, 1);
	set(&b, RTC_B, RTC_B_DSE);
	assert_int_equal(b.bed.gaps, 2);
	bed_close(&b.bed);
}

static void periodic_rates(void **state)
{
	static const unsigned hz[16] = {0, 256, 128, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2};

	for (unsigned rs = 0; rs < 16; rs++) {
		struct bench b;

		open_at(&b, 0);
		set(&b, RTC_A, 0x20 | rs);
		set(&b, RTC_B, RTC_B_24H | RTC_B_PIE);
		while (clock_deadline(&b.bed.clock) <= SECOND) {
			run_to(&b.bed, clock_deadline(&b.bed.clock));
			assert_true(b.irq.level);
			assert_int_equal(get(&b, RTC_C) & ~(RTC_C_UF | RTC_C_AF), RTC_C_IRQF | RTC_C_PF);
			assert_false(b.irq.level);
		}
		assert_int_equal(b.irq.rises, hz[rs]);
		bed_close(&b.bed);
	}
}

static void irq_stays_until_c_is_read(void **state)
{
	struct bench b;

	open_at(&b, 0);
	set(&b, RTC_B, RTC_B_24H | RTC_B_PIE | RTC_B_UIE);
	run_to(&b.bed, 3 * SECOND);
	assert_int_equal(b.irq.rises, 1);
	assert_int_equal(get(&b, RTC_C), RTC_C_IRQF | RTC_C_PF | RTC_C_UF);
	assert_int_equal(get(&b, RTC_C), 0);
	assert_false(b.irq.level);
	bed_close(&b.bed);
}

static void flags_rise_without_their_enable_bits(void **state)
{
	struct bench b;

	open_at(&b, 0);
	set(&b, RTC_SECONDS_ALARM, 0x03);
	run_to(&b.bed, 4 * SECOND);
	assert_int_equal(clock_deadline(&b.bed.clock), CLOCK_NEVER);
	assert_int_equal(get(&b, RTC_C), RTC_C_PF | RTC_C_UF | RTC_C_AF); /* and no IRQF */
	run_for(&b.bed, SECOND);
	get(&b, RTC_C);
	run_for(&b.bed, SECOND);
	assert_int_equal(get(&b, RTC_C), RTC_C_PF | RTC_C_UF);
	set(&b, RTC_B, RTC_B_24H | RTC_B_UIE);
	run_for(&b.bed, SECOND);
	assert_true(b.irq.level);
	set(&b, RTC_B, RTC_B_24H);
	assert_false(b.irq.level); /* the flag stays, its interrupt does not */
	bed_close(&b.bed);
}

static void alarm_and_its_wild_cards(void **state)
{
	static const struct { uint8_t hour, minute, second; unsigned per_day; } row[] = {
		{0x07, 0x30, 0x15, 1}, {0xc0, 0x30, 0x15, 24}, {0xff, 0xc0, 0x15, 1440},
		{0x07, 0xc0, 0xc0, 3600}, {0x25, 0x00, 0x00, 0},
	};

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct bench b;

		open_at(&b, 0);
		set(&b, RTC_HOURS_ALARM, row[i].hour);
		set(&b, RTC_MINUTES_ALARM, row[i].minute);
		set(&b, RTC_SECONDS_ALARM, row[i].second);
		set(&b, RTC_B, RTC_B_24H | RTC_B_AIE);
		for (unsigned s = 1; s <= 86400; s++) {
			run_to(&b.bed, s * SECOND);
			if (b.irq.level)
				get(&b, RTC_C);
		}
		assert_int_equal(b.irq.rises, row[i].per_day);
		bed_close(&b.bed);
	}
}

static void nmi_mask_is_bit_7_of_port_70h(void **state)
{
	struct bench b;
	struct probe probe;

	open_at(&b, 0);
	probe_line(&probe, &b.bed, &b.rtc.nmi_off);
	assert_true(probe.level); /* power-on: masked */
	out8(&b.bed, 0x70, 0x0d);
	assert_false(probe.level);
	out8(&b.bed, 0x70, 0x8d);
	assert_true(probe.level);
	assert_int_equal(in8(&b.bed, 0x71), 0x80); /* the index is bits 6-0 */
	bed_close(&b.bed);
}

static void memory_size_bytes(void **state)
{
	struct bench b;

	open_at(&b, 0);
	rtc_set_memory(&b.rtc, UINT64_C(32) << 20, UINT64_C(3) << 32);
	assert_int_equal(get(&b, 0x15) | get(&b, 0x16) << 8, 640);
	assert_int_equal(get(&b, 0x17) | get(&b, 0x18) << 8, 31 * 1024);
	assert_int_equal(get(&b, 0x30) | get(&b, 0x31) << 8, 31 * 1024);
	assert_int_equal(get(&b, 0x34) | get(&b, 0x35) << 8, 256);
	assert_int_equal(get(&b, 0x5b) | get(&b, 0x5c) << 8 | get(&b, 0x5d) << 16, 3 << 16);
	rtc_set_memory(&b.rtc, UINT64_C(256) << 20, 0);
	assert_int_equal(get(&b, 0x17) | get(&b, 0x18) << 8, 0xffff);
	bed_close(&b.bed);
}

static void reset_keeps_time_and_ram(void **state)
{
	struct bench b;

	open_at(&b, NEW_YEARS_EVE);
	set(&b, 0x40, 0x77);
	set(&b, RTC_B, RTC_B_24H | RTC_B_PIE | RTC_B_AIE | RTC_B_UIE | RTC_B_SQWE);
	run_to(&b.bed, 3 * SECOND);
	rtc_reset(&b.rtc);
	assert_false(b.irq.level);
	assert_int_equal(get(&b, RTC_B), RTC_B_24H);
	assert_int_equal(get(&b, RTC_C), 0);
	assert_int_equal(get(&b, 0x40), 0x77);
	expect_time(&b, 0x2024, 0x01, 0x01, 2, 0x00, 0x00, 0x01);
	bed_close(&b.bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_reset_and_access),
		cmocka_unit_test(extended_bank),
		cmocka_unit_test(seconds_carry_into_the_year),
		cmocka_unit_test(one_look_equals_a_look_each_second),
		cmocka_unit_test(binary_and_12_hour_forms),
		cmocka_unit_test(set_holds_updates),
		cmocka_unit_test(uip_precedes_the_update),
		cmocka_unit_test(divider_reset_starts_half_a_second_before_the_update),
		cmocka_unit_test(other_time_bases_are_a_gap),
		cmocka_unit_test(periodic_rates),
		cmocka_unit_test(irq_stays_until_c_is_read),
		cmocka_unit_test(flags_rise_without_their_enable_bits),
		cmocka_unit_test(alarm_and_its_wild_cards),
		cmocka_unit_test(nmi_mask_is_bit_7_of_port_70h),
		cmocka_unit_test(memory_size_bytes),
		cmocka_unit_test(reset_keeps_time_and_ram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
