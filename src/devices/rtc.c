#include "devices/rtc.h"

#include <string.h>

#include "devices/bytewise.h"
#include "devices/order.h"

#define UIP_CLOCKS 73u /* 244 us + 1984 us */
#define DAY_SECONDS 86400u

struct date {
	unsigned second, minute, hour, weekday, day, month, year; /* weekday 1-7, year in full */
};

/* ---- registers as numbers ---- */
static bool binary(const struct rtc *rtc)
{
	return rtc->ram[RTC_B] & RTC_B_DM;
}

static unsigned decode(const struct rtc *rtc, uint8_t value)
{
	return binary(rtc) ? value : (value >> 4) * 10u + (value & 15u);
}

static uint8_t encode(const struct rtc *rtc, unsigned n)
{
	return (uint8_t)(binary(rtc) ? n : n / 10 << 4 | n % 10);
}

static unsigned decode_hour(const struct rtc *rtc, uint8_t value)
{
	if (rtc->ram[RTC_B] & RTC_B_24H)
		return decode(rtc, value) % 24;
	return decode(rtc, value & 0x7f) % 12 + (value & 0x80 ? 12 : 0);
}

static uint8_t encode_hour(const struct rtc *rtc, unsigned hour)
{
	if (rtc->ram[RTC_B] & RTC_B_24H)
		return encode(rtc, hour);
	return (uint8_t)(encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? 0x80 : 0));
}

static unsigned month_days(unsigned month, unsigned year)
{
	static const uint8_t days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month] + (month == 2 && year % 4 == 0); /* the chip knows no centuries */
}

static struct date get_date(const struct rtc *rtc)
{
	const uint8_t *r = rtc->ram;
	struct date d = {
		.second = decode(rtc, r[RTC_SECONDS]) % 60,
		.minute = decode(rtc, r[RTC_MINUTES]) % 60,
		.hour = decode_hour(rtc, r[RTC_HOURS]),
		.weekday = (decode(rtc, r[RTC_WEEKDAY]) + 6) % 7 + 1,
		.month = (decode(rtc, r[RTC_MONTH]) + 11) % 12 + 1,
		.year = decode(rtc, r[RTC_CENTURY]) % 100 * 100 + decode(rtc, r[RTC_YEAR]) % 100,
	};
	unsigned days = month_days(d.month, d.year);

	d.day = (decode(rtc, r[RTC_DAY]) + days - 1) % days + 1;
	return d;
}

static void put_date(struct rtc *rtc, const struct date *d)
{
	uint8_t *r = rtc->ram;

	r[RTC_SECONDS] = encode(rtc, d->second);
	r[RTC_MINUTES] = encode(rtc, d->minute);
	r[RTC_HOURS] = encode_hour(rtc, d->hour);
	r[RTC_WEEKDAY] = encode(rtc, d->weekday);
	r[RTC_DAY] = encode(rtc, d->day);
	r[RTC_MONTH] = encode(rtc, d->month);
	r[RTC_YEAR] = encode(rtc, d->year % 100);
	r[RTC_CENTURY] = encode(rtc, d->year / 100 % 100);
}

static void next_day(struct date *d)
{
	d->weekday = d->weekday % 7 + 1;
	if (d->day++ < month_days(d->month, d->year))
		return;
	d->day = 1;
	if (d->month++ < 12)
		return;
	d->month = 1;
	d->year = (d->year + 1) % 10000;
}

/* ---- time ---- */
/* Bits 7 and 6 of an alarm byte: "don't care". */
static bool alarm_byte(uint8_t alarm, uint8_t now)
{
	return alarm >= 0xc0 || alarm == now;
}

static bool alarm_at(const struct rtc *rtc, unsigned second_of_day)
{
	const uint8_t *r = rtc->ram;

	return alarm_byte(r[RTC_SECONDS_ALARM], encode(rtc, second_of_day % 60)) &&
	       alarm_byte(r[RTC_MINUTES_ALARM], encode(rtc, second_of_day / 60 % 60)) &&
	       alarm_byte(r[RTC_HOURS_ALARM], encode_hour(rtc, second_of_day / 3600));
}

/* n update cycles end. */
static void pass_seconds(struct rtc *rtc, uint64_t n)
{
	struct date d = get_date(rtc);
	unsigned start = d.hour * 3600 + d.minute * 60 + d.second;
	uint64_t end = start + n;

	rtc->flags |= RTC_C_UF;
	for (uint64_t i = 1; i <= n && i <= DAY_SECONDS && !(rtc->flags & RTC_C_AF); i++) {
		if (alarm_at(rtc, (unsigned)((start + i) % DAY_SECONDS)))
			rtc->flags |= RTC_C_AF;
	}
	/* After 10000 years and seven weekdays the calendar is the same again. */
	for (uint64_t days = end / DAY_SECONDS % (10000u * 1461u / 4u * 7u); days; days--)
		next_day(&d);
	d.second = (unsigned)(end % 60);
	d.minute = (unsigned)(end / 60 % 60);
	d.hour = (unsigned)(end / 3600 % 24);
	put_date(rtc, &d);
}

/* Clocks of one period of the periodic interrupt, 0: none. */
static uint64_t period(const struct rtc *rtc)
{
	unsigned rs = rtc->ram[RTC_A] & RTC_A_RS;

	if (rs == 0)
		return 0;
	return UINT64_C(1) << (rs <= 2 ? rs + 6 : rs - 1);
}

static uint64_t position(const struct rtc *rtc, uint64_t tick)
{
	return clock_ticks_to_cycles(tick, RTC_HZ) + rtc->offset;
}

static void sync(struct rtc *rtc, uint64_t tick)
{
	uint64_t now = position(rtc, tick), before = rtc->seen, p = period(rtc);

	if (rtc->stopped || (int64_t)(now - before) <= 0)
		return;
	rtc->seen = now;
	if (p && now / p != before / p)
		rtc->flags |= RTC_C_PF;
	if (now / RTC_HZ != before / RTC_HZ && !(rtc->ram[RTC_B] & RTC_B_SET))
		pass_seconds(rtc, now / RTC_HZ - before / RTC_HZ);
}

static uint64_t tick_of(const struct rtc *rtc, uint64_t at)
{
	return clock_cycles_to_ticks(at - rtc->offset, RTC_HZ);
}

/* After any change: the IRQ line and what to wait for.  The flags and their
 * enable bits lie at the same places in registers C and B. */
static void changed(struct rtc *rtc)
{
	uint8_t b = rtc->ram[RTC_B], missing = b & (uint8_t)~rtc->flags;
	bool level = b & rtc->flags & (RTC_C_PF | RTC_C_AF | RTC_C_UF);
	uint64_t p = period(rtc);

	if (level != rtc->irq.level)
		line_set(&rtc->irq, level, level ? clock_new_cause(rtc->clock) : 0);
	if ((missing & RTC_B_PIE) && p && !rtc->stopped)
		timer_arm(&rtc->periodic, tick_of(rtc, (rtc->seen / p + 1) * p));
	else
		timer_cancel(&rtc->periodic);
	if ((missing & (RTC_B_AIE | RTC_B_UIE)) && !(b & RTC_B_SET) && !rtc->stopped)
		timer_arm(&rtc->update, tick_of(rtc, (rtc->seen / RTC_HZ + 1) * RTC_HZ));
	else
		timer_cancel(&rtc->update);
}

static void fire(void *owner, uint64_t when)
{
	struct rtc *rtc = owner;

	sync(rtc, when);
	changed(rtc);
}

/* ---- registers ---- */
static void write_a(struct rtc *rtc, uint8_t value)
{
	bool stop = (value & 0x60) == 0x60;

	if (!stop && (value & RTC_A_DV) != RTC_A_DV_32KHZ)
		bus_gap(rtc->bus, "MC146818A: time base DV=%u (with a 32.768 kHz crystal)", value >> 4 & 7u);
	if (rtc->stopped && !stop) {
		/* "the first update cycle begins one-half second later" */
		rtc->offset = RTC_HZ / 2 - clock_ticks_to_cycles(rtc->clock->now, RTC_HZ);
		rtc->seen = RTC_HZ / 2;
	}
	rtc->stopped = stop;
	rtc->ram[RTC_A] = value & (uint8_t)~RTC_A_UIP;
}

static void write_b(struct rtc *rtc, uint8_t value)
{
	if (value & RTC_B_SET)
		value &= (uint8_t)~RTC_B_UIE;
	if (value & RTC_B_DSE)
		bus_gap(rtc->bus, "MC146818A: daylight saving (DSE)");
	rtc->ram[RTC_B] = value;
}

static void write_register(struct rtc *rtc, unsigned index, uint8_t value)
{
	sync(rtc, rtc->clock->now);
	if (index == RTC_A)
		write_a(rtc, value);
	else if (index == RTC_B)
		write_b(rtc, value);
	else if (index == RTC_SECONDS) /* "the high-order bit of the seconds byte is read-only" */
		rtc->ram[index] = value & 0x7f;
	else if (index != RTC_C && index != RTC_D)
		rtc->ram[index] = value;
	changed(rtc);
}

static uint8_t read_c(struct rtc *rtc)
{
	uint8_t value = rtc->flags;

	if (value & rtc->ram[RTC_B] & (RTC_C_PF | RTC_C_AF | RTC_C_UF))
		value |= RTC_C_IRQF;
	rtc->flags = 0;
	changed(rtc);
	return value;
}

static uint8_t read_a(const struct rtc *rtc)
{
	bool soon = RTC_HZ - rtc->seen % RTC_HZ <= UIP_CLOCKS;

	return (uint8_t)(rtc->ram[RTC_A] |
			 (soon && !rtc->stopped && !(rtc->ram[RTC_B] & RTC_B_SET) ? RTC_A_UIP : 0));
}

static uint8_t read_register(struct rtc *rtc, unsigned index)
{
	sync(rtc, rtc->clock->now);
	changed(rtc);
	switch (index) {
	case RTC_A:
		return read_a(rtc);
	case RTC_C:
		return read_c(rtc);
	case RTC_D:
		return RTC_D_VRT;
	default:
		return rtc->ram[index];
	}
}

static uint8_t read_port(void *device, uint16_t port)
{
	struct rtc *rtc = device;

	switch (port - RTC_PORT) {
	case 1:
		return read_register(rtc, rtc->index);
	case 2:
		return rtc->extended_index;
	case 3:
		return rtc->ram[0x80 | rtc->extended_index];
	default:
		return 0xff;
	}
}

static void write_port(void *device, uint16_t port, uint8_t value)
{
	struct rtc *rtc = device;

	switch (port - RTC_PORT) {
	case 0:
		rtc->index = value & 0x7f;
		line_set(&rtc->nmi_off, value & RTC_NMI_OFF, 0);
		break;
	case 1:
		write_register(rtc, rtc->index, value);
		break;
	case 2:
		rtc->extended_index = value & 0x7f;
		break;
	case 3:
		rtc->ram[0x80 | rtc->extended_index] = value;
		break;
	default:
		break;
	}
}

static uint32_t port_read(void *device, uint16_t port, unsigned bytes)
{
	return bytewise_read(read_port, device, port, bytes);
}

static void port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	bytewise_write(write_port, device, port, bytes, value);
}

/* ---- the board's side ---- */
void rtc_poke(struct rtc *rtc, unsigned index, uint8_t value)
{
	rtc->ram[index & 0xff] = value;
}

uint8_t rtc_peek(const struct rtc *rtc, unsigned index)
{
	return rtc->ram[index & 0xff];
}

static void poke16(struct rtc *rtc, unsigned index, uint64_t value)
{
	if (value > 0xffff)
		value = 0xffff;
	rtc_poke(rtc, index, (uint8_t)value);
	rtc_poke(rtc, index + 1, (uint8_t)(value >> 8));
}

void rtc_set_memory(struct rtc *rtc, uint64_t low, uint64_t high)
{
	const uint64_t mib = UINT64_C(1) << 20;
	uint64_t above_1m = low > mib ? (low - mib) >> 10 : 0;

	poke16(rtc, 0x15, low < 640 * 1024 ? low >> 10 : 640);
	poke16(rtc, 0x17, above_1m);
	poke16(rtc, 0x30, above_1m);
	poke16(rtc, 0x34, low > 16 * mib ? (low - 16 * mib) >> 16 : 0);
	for (unsigned i = 0; i < 3; i++)
		rtc_poke(rtc, 0x5b + i, (uint8_t)(high >> (16 + 8 * i)));
}

void rtc_reset(struct rtc *rtc)
{
	sync(rtc, rtc->clock->now);
	rtc->ram[RTC_B] &= (uint8_t)~(RTC_B_PIE | RTC_B_AIE | RTC_B_UIE | RTC_B_SQWE);
	rtc->flags = 0;
	rtc->index = rtc->extended_index = 0;
	line_set(&rtc->nmi_off, true, 0);
	changed(rtc);
}

/* The calendar date of a day number (0: 1970-01-01, a Thursday). */
static void set_time(struct rtc *rtc, uint64_t seed)
{
	uint64_t days = seed / DAY_SECONDS;
	struct date d = {.weekday = (unsigned)((days + 4) % 7) + 1, .day = 1, .month = 1, .year = 1970};

	for (days %= 146097; ; d.year++) {
		unsigned leap = d.year % 4 == 0 && (d.year % 100 != 0 || d.year % 400 == 0);

		if (days < 365 + leap)
			break;
		days -= 365 + leap;
	}
	while (days >= month_days(d.month, d.year))
		days -= month_days(d.month++, d.year);
	d.day += (unsigned)days;
	d.second = (unsigned)(seed % 60);
	d.minute = (unsigned)(seed / 60 % 60);
	d.hour = (unsigned)(seed / 3600 % 24);
	put_date(rtc, &d);
}

bool rtc_init(struct rtc *rtc, struct bus *bus, struct clock *clock, uint64_t seed)
{
	static const struct port_ops ops = {port_read, port_write};

	memset(rtc, 0, sizeof(*rtc));
	rtc->bus = bus;
	rtc->clock = clock;
	line_init(&rtc->irq, "RTC IRQ8", clock);
	line_init(&rtc->nmi_off, "NMI mask (port 70h)", clock);
	timer_init(&rtc->update, clock, "RTC update", ORDER_RTC, fire, rtc);
	timer_init(&rtc->periodic, clock, "RTC periodic", ORDER_RTC, fire, rtc);
	rtc->ram[RTC_A] = RTC_A_DV_32KHZ | 6;
	rtc->ram[RTC_B] = RTC_B_24H;
	rtc->offset = 0 - clock_ticks_to_cycles(clock->now, RTC_HZ);
	set_time(rtc, seed);
	rtc_reset(rtc);
	return bus_add_ports(bus, "MC146818A", RTC_PORT, 4, ops, rtc);
}
