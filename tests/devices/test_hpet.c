/* HPET and the ACPI PM timer. */
#include "bed.h"

#include "devices/acpipm.h"
#include "devices/hpet.h"

#define T(n) (0x100 + 0x20 * (n))
#define PM 0x600

struct bench {
	struct bed bed;
	struct hpet hpet;
	struct acpipm pm;
	struct probe irq0, irq8, route20, sci, legacy;
	unsigned sleeps, type;
};

static void asleep(void *owner, unsigned type)
{
	struct bench *b = owner;

	b->sleeps++;
	b->type = type;
}

static void open_hpet(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	bed_open(&b->bed);
	assert_true(hpet_init(&b->hpet, b->bed.bus, &b->bed.clock));
	assert_true(acpipm_init(&b->pm, b->bed.bus, &b->bed.clock, PM, asleep, b));
	probe_line(&b->irq0, &b->bed, &b->hpet.irq0);
	probe_line(&b->irq8, &b->bed, &b->hpet.irq8);
	probe_line(&b->route20, &b->bed, &b->hpet.route[20]);
	probe_line(&b->legacy, &b->bed, &b->hpet.legacy);
	probe_line(&b->sci, &b->bed, &b->pm.sci);
}

static uint64_t get64(struct bench *b, unsigned reg) { return bus_read(b->bed.bus, HPET_BASE + reg, 8); }
static void set64(struct bench *b, unsigned reg, uint64_t v) { bus_write(b->bed.bus, HPET_BASE + reg, 8, v); }
static void set32(struct bench *b, unsigned reg, uint32_t v) { bus_write(b->bed.bus, HPET_BASE + reg, 4, v); }
static unsigned in16(struct bench *b, unsigned port) { return bus_port_read(b->bed.bus, (uint16_t)port, 2); }
static void out16(struct bench *b, unsigned port, unsigned v) { bus_port_write(b->bed.bus, (uint16_t)port, 2, v); }

static void hpet_registers(void **state)
{
	static const struct { unsigned reg; uint64_t reset, writable; } row[] = {
		{0x000, HPET_CAPABILITIES, 0}, {0x010, 0, 3}, {0x020, 0, 0}, {0x0f0, 0, UINT64_MAX},
		{T(0), UINT64_C(0x00f0000400000030), 0x3f0e}, {T(1), UINT64_C(0x00f0000400000030), 0x3f0e},
		{T(2), UINT64_C(0x00f0000400000030), 0x3f0e}, {T(3), 0, 0},
		{T(0) + 8, UINT64_MAX, UINT64_MAX}, {T(0) + 0x10, 0, 0},
	};
	static const uint64_t pattern[] = {0, UINT64_C(0x5555555555555454), UINT64_C(0xaaaaaaaaaaaaaaaa)};

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct bench b;

		open_hpet(&b);
		assert_true(get64(&b, row[i].reg) == row[i].reset);
		for (unsigned p = 0; p < 3; p++) {
			uint64_t want = (row[i].reset & ~row[i].writable) | (pattern[p] & row[i].writable);

			set64(&b, row[i].reg, pattern[p]);
			if (get64(&b, row[i].reg) != want)
				fail_msg("%03x: read %llx, not %llx", row[i].reg,
					 (unsigned long long)get64(&b, row[i].reg), (unsigned long long)want);
		}
		hpet_reset(&b.hpet);
		assert_true(get64(&b, row[i].reg) == row[i].reset);
		bed_close(&b.bed);
	}
}

static void hpet_timer_configuration_bits(void **state)
{
	struct bench b;

	open_hpet(&b);
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t value = UINT64_C(1) << bit, keeps = value & 0x3f0e & ~UINT64_C(0xc0);

		set64(&b, T(1), value);
		assert_true((get64(&b, T(1)) & ~UINT64_C(0x00f0000400000030)) == keeps);
	}
	bed_close(&b.bed);
}

static void hpet_counter_runs_when_enabled(void **state)
{
	struct bench b;

	open_hpet(&b);
	run_for(&b.bed, 1000);
	assert_int_equal(get64(&b, 0xf0), 0);
	set32(&b, 0x10, HPET_ENABLE);
	run_for(&b.bed, 1000);
	assert_int_equal(get64(&b, 0xf0), 100);
	assert_int_equal(bus_read(b.bed.bus, HPET_BASE + 0xf4, 4), 0);
	set32(&b, 0x10, 0);
	run_for(&b.bed, 1000);
	assert_int_equal(get64(&b, 0xf0), 100);
	set32(&b, 0xf4, 7); /* each half on its own */
	assert_true(get64(&b, 0xf0) == (UINT64_C(7) << 32 | 100));
	bed_close(&b.bed);
}

static void hpet_odd_accesses(void **state)
{
	struct bench b;

	open_hpet(&b);
	assert_int_equal(bus_read(b.bed.bus, HPET_BASE, 1), 0xff);
	bus_write(b.bed.bus, HPET_BASE + 0x12, 4, 1);
	assert_int_equal(b.bed.gaps, 1);
	bed_close(&b.bed);
}

static void hpet_one_shot_edge(void **state)
{
	struct bench b;

	open_hpet(&b);
	set64(&b, T(2), HPET_T_ENABLE | 20 << 9);
	set64(&b, T(2) + 8, 500);
	set32(&b, 0x10, HPET_ENABLE);
	run_for(&b.bed, 4999);
	assert_int_equal(b.route20.rises, 0);
	run_for(&b.bed, 1);
	assert_int_equal(b.route20.rises, 1);
	assert_int_equal(get64(&b, 0x20), 0); /* edges show no status */
	assert_true(b.route20.cause != 0);
	run_for(&b.bed, CLOCK_HZ);
	assert_int_equal(b.route20.rises, 1);
	set64(&b, T(2) + 8, get64(&b, 0xf0) + 10);
	run_for(&b.bed, 100);
	assert_int_equal(b.route20.rises, 2); /* a new edge */
	set64(&b, T(2), 0);
	assert_false(b.route20.level);
	bed_close(&b.bed);
}

static void hpet_level_until_status_is_cleared(void **state)
{
	struct bench b;

	open_hpet(&b);
	set64(&b, T(2), HPET_T_ENABLE | HPET_T_LEVEL | 20 << 9);
	set64(&b, T(2) + 8, 500);
	set32(&b, 0x10, HPET_ENABLE);
	run_for(&b.bed, 6000);
	assert_int_equal(get64(&b, 0x20), 4);
	assert_true(b.route20.level);
	set64(&b, 0x20, 3);
	assert_true(b.route20.level);
	set64(&b, 0x20, 4);
	assert_false(b.route20.level);
	assert_int_equal(get64(&b, 0x20), 0);
	bed_close(&b.bed);
}

static void hpet_periodic(void **state)
{
	struct bench b;

	open_hpet(&b);
	set64(&b, T(0), HPET_T_ENABLE | HPET_T_PERIODIC | HPET_T_SET | 20 << 9);
	set64(&b, T(0) + 8, 300);  /* the comparator */
	set64(&b, T(0) + 8, 1000); /* then the period */
	set32(&b, 0x10, HPET_ENABLE);
	run_for(&b.bed, 3000);
	assert_int_equal(b.route20.rises, 1);
	assert_int_equal(get64(&b, T(0) + 8), 1300);
	run_for(&b.bed, 100000);
	assert_int_equal(b.route20.rises, 11);
	assert_int_equal(b.route20.last_rise, 103000);
	bed_close(&b.bed);
}

static void hpet_fast_periods_merge(void **state)
{
	struct bench b;

	open_hpet(&b);
	set64(&b, T(0), HPET_T_ENABLE | HPET_T_PERIODIC | HPET_T_SET | 20 << 9);
	set64(&b, T(0) + 8, 1);
	set32(&b, 0x10, HPET_ENABLE);
	run_for(&b.bed, 1000000);
	assert_in_range(b.route20.rises, 999, 1001);
	bed_close(&b.bed);
}

static void hpet_32_bit_comparator_wraps(void **state)
{
	struct bench b;

	open_hpet(&b);
	set64(&b, 0xf0, UINT64_C(0x3fffffff0));
	set64(&b, T(2), HPET_T_ENABLE | HPET_T_32BIT | 20 << 9);
	set64(&b, T(2) + 8, 16);
	assert_int_equal(get64(&b, T(2) + 8), 16);
	set32(&b, 0x10, HPET_ENABLE);
	run_for(&b.bed, 319);
	assert_int_equal(b.route20.rises, 0);
	run_for(&b.bed, 1);
	assert_int_equal(b.route20.rises, 1);
	run_for(&b.bed, UINT64_C(10) << 32); /* and each time around */
	assert_int_equal(b.route20.rises, 2);
	bed_close(&b.bed);
}

static void hpet_legacy_replacement(void **state)
{
	struct bench b;

	open_hpet(&b);
	set64(&b, T(0), HPET_T_ENABLE | 20 << 9);
	set64(&b, T(0) + 8, 100);
	set64(&b, T(1), HPET_T_ENABLE);
	set64(&b, T(1) + 8, 200);
	set32(&b, 0x10, HPET_ENABLE | HPET_LEGACY);
	assert_true(b.legacy.level);
	run_for(&b.bed, 3000);
	assert_int_equal(b.irq0.rises, 1);
	assert_int_equal(b.irq8.rises, 1);
	assert_int_equal(b.route20.rises, 0);
	set32(&b, 0x10, HPET_ENABLE);
	assert_false(b.legacy.level);
	assert_true(b.route20.level); /* the timer's own route again */
	bed_close(&b.bed);
}

static void pm_registers(void **state)
{
	static const struct { unsigned reg, reset, writable; } row[] = {
		{0, 0, 0}, {2, 0, 0x0521}, {4, 0, 0x1c03}, {6, 0, 0},
	};
	struct bench b;

	open_hpet(&b);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(in16(&b, PM + row[i].reg), row[i].reset);
		for (unsigned v = 0; v < 0x10000; v += 0x5555) {
			out16(&b, PM + row[i].reg, v);
			assert_int_equal(in16(&b, PM + row[i].reg), v & row[i].writable);
		}
		out16(&b, PM + row[i].reg, 0);
	}
	bed_close(&b.bed);
}

static void pm_timer_counts_24_bits(void **state)
{
	struct bench b;

	open_hpet(&b);
	run_to(&b.bed, CLOCK_HZ);
	assert_int_equal(bus_port_read(b.bed.bus, PM + 8, 4), 3579545);
	run_to(&b.bed, 10 * CLOCK_HZ);
	assert_int_equal(bus_port_read(b.bed.bus, PM + 8, 4), 35795450 & 0xffffff);
	bus_port_write(b.bed.bus, PM + 8, 4, 0);
	assert_int_equal(bus_port_read(b.bed.bus, PM + 8, 4), 35795450 & 0xffffff);
	bed_close(&b.bed);
}

static void pm_timer_status_and_sci(void **state)
{
	struct bench b;
	uint64_t half = clock_cycles_to_ticks(UINT64_C(1) << 23, ACPIPM_HZ);

	open_hpet(&b);
	run_to(&b.bed, half - 1);
	assert_int_equal(in16(&b, PM), 0);
	run_to(&b.bed, half);
	assert_int_equal(in16(&b, PM), ACPIPM_STS_TMR);
	out16(&b, PM, 0); /* write 1 to clear */
	assert_int_equal(in16(&b, PM), ACPIPM_STS_TMR);
	out16(&b, PM, ACPIPM_STS_TMR);
	assert_int_equal(in16(&b, PM), 0);
	out16(&b, PM + 2, ACPIPM_STS_TMR);
	run_for(&b.bed, half);
	assert_false(b.sci.level); /* SCI_EN is off */
	acpipm_set_sci_enable(&b.pm, true);
	assert_true(b.sci.level);
	out16(&b, PM, ACPIPM_STS_TMR);
	assert_false(b.sci.level);
	run_for(&b.bed, half);
	assert_int_equal(b.sci.rises, 2);
	assert_int_equal(b.sci.last_rise, clock_cycles_to_ticks(3 * (UINT64_C(1) << 23), ACPIPM_HZ));
	bed_close(&b.bed);
}

static void pm_sleep_and_power_button(void **state)
{
	struct bench b;

	open_hpet(&b);
	out16(&b, PM + 4, 5 << 10);
	assert_int_equal(b.sleeps, 0);
	out16(&b, PM + 4, 5 << 10 | ACPIPM_CNT_SLP_EN);
	assert_int_equal(b.sleeps, 1);
	assert_int_equal(b.type, 5);
	assert_int_equal(in16(&b, PM + 4), 5 << 10); /* SLP_EN reads 0 */
	out16(&b, PM + 4, ACPIPM_CNT_SCI_EN);
	out16(&b, PM + 2, ACPIPM_STS_PWRBTN);
	acpipm_power_button(&b.pm);
	assert_true(b.sci.level);
	bed_close(&b.bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hpet_registers),
		cmocka_unit_test(hpet_timer_configuration_bits),
		cmocka_unit_test(hpet_counter_runs_when_enabled),
		cmocka_unit_test(hpet_odd_accesses),
		cmocka_unit_test(hpet_one_shot_edge),
		cmocka_unit_test(hpet_level_until_status_is_cleared),
		cmocka_unit_test(hpet_periodic),
		cmocka_unit_test(hpet_fast_periods_merge),
		cmocka_unit_test(hpet_32_bit_comparator_wraps),
		cmocka_unit_test(hpet_legacy_replacement),
		cmocka_unit_test(pm_registers),
		cmocka_unit_test(pm_timer_counts_24_bits),
		cmocka_unit_test(pm_timer_status_and_sci),
		cmocka_unit_test(pm_sleep_and_power_button),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
