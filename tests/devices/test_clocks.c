/* All time keepers of a board agree within one of their own ticks, however
 * long they run: they count periods of the one virtual clock. */
#include "board.h"

#define SECONDS 10u

struct counts {
	unsigned pit, rtc, hpet, lapic;
};

static void count_pit(void *sink, int input, bool level, uint64_t cause)
{
	((struct counts *)sink)->pit += level;
}

static void ten_seconds(void **state)
{
	struct board *b = board_open();
	struct bed *bed = &b->bed;
	struct counts n = {0};
	struct lapic *a = &b->apics.apic[0];
	uint64_t cause;

	line_connect(pit_line(&b->pit, 0), count_pit, &n, 0);
	out8(bed, PIT_PORT + 3, 0x34); /* mode 2, 1000 Hz as near as it goes */
	out8(bed, PIT_PORT, 1193 & 0xff);
	out8(bed, PIT_PORT, 1193 >> 8);
	n.pit = 0; /* the mode itself raised OUT */
	out8(bed, 0x70, RTC_B);
	out8(bed, 0x71, RTC_B_24H | RTC_B_PIE); /* 1024 Hz */
	bus_write(bed->bus, HPET_BASE + 0x140, 8, HPET_T_ENABLE | HPET_T_PERIODIC | HPET_T_SET | HPET_T_LEVEL | 20 << 9);
	bus_write(bed->bus, HPET_BASE + 0x148, 8, HPET_HZ / 1000);
	bus_write(bed->bus, HPET_BASE + 0x10, 4, HPET_ENABLE);
	bus_write(bed->bus, APIC_BASE + APIC_SVR * 16, 4, 0x1ff);
	bus_write(bed->bus, APIC_BASE + APIC_TIMER_DIVIDE * 16, 4, 0xb);
	bus_write(bed->bus, APIC_BASE + (APIC_LVT + LVT_TIMER) * 16, 4, 0x40 | APIC_LVT_PERIODIC);
	bus_write(bed->bus, APIC_BASE + APIC_TIMER_INITIAL * 16, 4, CLOCK_HZ / 1000);
	while (clock_deadline(&bed->clock) <= SECONDS * CLOCK_HZ) {
		run_to(bed, clock_deadline(&bed->clock));
		if (b->rtc.irq.level) {
			out8(bed, 0x70, RTC_C);
			n.rtc += in8(bed, 0x71) >> 7;
		}
		if (b->hpet.status) {
			bus_write(bed->bus, HPET_BASE + 0x20, 4, 4);
			n.hpet++;
		}
		while (lapic_pending(a)) {
			n.lapic += lapic_acknowledge(a, &cause) == 0x40;
			bus_write(bed->bus, APIC_BASE + APIC_EOI * 16, 4, 0);
		}
	}
	run_to(bed, SECONDS * CLOCK_HZ);
	assert_int_equal(n.hpet, SECONDS * 1000);
	assert_int_equal(n.lapic, SECONDS * 1000);
	assert_int_equal(n.rtc, SECONDS * 1024);
	assert_int_equal(n.pit, (SECONDS * PIT_HZ - 1) / 1193); /* loaded by the first CLK pulse */
	assert_int_equal(bus_port_read(bed->bus, 0x608, 4), SECONDS * ACPIPM_HZ & 0xffffff);
	assert_int_equal(bus_read(bed->bus, HPET_BASE + 0xf0, 8), SECONDS * HPET_HZ);
	out8(bed, 0x70, RTC_SECONDS);
	assert_int_equal(in8(bed, 0x71), 0x30); /* 1700000000 ends in :20 */
	board_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
