#include "devices/hpet.h"

#include <string.h>

#include "devices/order.h"

#define ROUTE(config) ((config) >> 9 & 31u)
#define T_WRITABLE (HPET_T_LEVEL | HPET_T_ENABLE | HPET_T_PERIODIC | HPET_T_32BIT | 0x3e00u)

#define MERGE 100u /* matches of one timer closer than this (1 us) are one */

enum hpet_register {
	REG_CAPABILITIES = 0x000,
	REG_CONFIG = 0x010,
	REG_STATUS = 0x020,
	REG_COUNTER = 0x0f0,
	REG_TIMERS = 0x100, /* 32 bytes each */
};

static bool running(const struct hpet *h)
{
	return h->config & HPET_ENABLE;
}

static uint64_t pulses(const struct hpet *h, uint64_t tick)
{
	return clock_ticks_to_cycles(tick, HPET_HZ);
}

static uint64_t counter_at(const struct hpet *h, uint64_t tick)
{
	return running(h) ? h->counter + (pulses(h, tick) - h->since) : h->counter;
}

static uint64_t counter_now(const struct hpet *h)
{
	return counter_at(h, h->clock->now);
}

static uint64_t width_mask(const struct hpet_timer *t)
{
	return t->config & HPET_T_32BIT ? UINT32_MAX : UINT64_MAX;
}

/* ---- wires ---- */
static void drive(struct hpet *h, struct irq_line *line, bool level)
{
	if (line->level != level)
		line_set(line, level, level ? clock_new_cause(h->clock) : 0);
}

static struct irq_line *wire_of(struct hpet *h, unsigned n)
{
	unsigned route = ROUTE(h->timer[n].config);

	if ((h->config & HPET_LEGACY) && n < 2)
		return n == 0 ? &h->irq0 : &h->irq8;
	return route < 24 && (HPET_ROUTES >> route & 1) ? &h->route[route] : NULL;
}

/* All wires from all timers: each is the OR of those that are led to it. */
static void update(struct hpet *h)
{
	uint32_t high = 0;
	bool irq0 = false, irq8 = false;

	for (unsigned n = 0; n < HPET_TIMERS; n++) {
		struct irq_line *wire = wire_of(h, n);

		if (!h->timer[n].high || !wire)
			continue;
		if (wire == &h->irq0)
			irq0 = true;
		else if (wire == &h->irq8)
			irq8 = true;
		else
			high |= 1u << (wire - h->route);
	}
	drive(h, &h->legacy, h->config & HPET_LEGACY);
	drive(h, &h->irq0, irq0);
	drive(h, &h->irq8, irq8);
	for (unsigned i = 0; i < 24; i++)
		drive(h, &h->route[i], high >> i & 1);
}

/* ---- comparators ---- */
/* tick of the next match, CLOCK_NEVER: none that can be awaited */
static void arm(struct hpet *h, unsigned n)
{
	struct hpet_timer *t = &h->timer[n];
	uint64_t counter = counter_now(h), mask = width_mask(t);
	uint64_t left = (t->comparator - counter) & mask, at;

	if (left == 0)
		left = mask == UINT64_MAX ? 0 : mask + 1;
	at = pulses(h, h->clock->now) + left;
	if (!running(h) || left == 0 || at < left || !(t->config & HPET_T_ENABLE)) {
		timer_cancel(&t->timer);
		return;
	}
	timer_arm(&t->timer, clock_cycles_to_ticks(at, HPET_HZ));
}

static void match(struct hpet *h, unsigned n)
{
	struct hpet_timer *t = &h->timer[n];

	if (t->config & HPET_T_LEVEL) {
		h->status |= UINT64_C(1) << n;
	} else if (t->high) {
		t->high = false; /* a new edge */
		update(h);
	}
	t->high = true;
	update(h);
}

/* Periodic: the comparator moves on to the first match after counter. */
static void next_period(struct hpet_timer *t, uint64_t counter)
{
	uint64_t mask = width_mask(t), behind = (counter - t->comparator) & mask;

	t->comparator = (t->comparator + (behind / t->period + 1) * t->period) & mask;
}

static void fire(void *owner, uint64_t when)
{
	struct hpet_timer *t = owner;
	struct hpet *h = t->hpet;

	match(h, (unsigned)(t - h->timer));
	if ((t->config & HPET_T_PERIODIC) && t->period)
		next_period(t, counter_at(h, when) + MERGE - 1);
	arm(h, (unsigned)(t - h->timer));
}

static void arm_all(struct hpet *h)
{
	for (unsigned n = 0; n < HPET_TIMERS; n++)
		arm(h, n);
}

/* ---- registers ---- */
static void write_config(struct hpet *h, uint64_t value)
{
	uint64_t counter = counter_now(h);

	h->config = value & (HPET_ENABLE | HPET_LEGACY);
	h->counter = counter;
	h->since = pulses(h, h->clock->now);
	update(h);
	arm_all(h);
}

static void write_status(struct hpet *h, uint64_t value)
{
	uint64_t cleared = h->status & value;

	h->status &= ~value;
	for (unsigned n = 0; n < HPET_TIMERS; n++) {
		if (cleared >> n & 1)
			h->timer[n].high = false;
	}
	update(h);
}

static void write_timer_config(struct hpet *h, unsigned n, uint64_t value)
{
	struct hpet_timer *t = &h->timer[n];

	t->config = (value & T_WRITABLE) | (value & HPET_T_PERIODIC ? value & HPET_T_SET : 0);
	if (t->config & HPET_T_32BIT) {
		t->comparator &= UINT32_MAX;
		t->period &= UINT32_MAX;
	}
	if (!(t->config & HPET_T_ENABLE)) {
		t->high = false;
		h->status &= ~(UINT64_C(1) << n);
	}
	update(h);
	arm(h, n);
}

/* "Timer n Comparator Value Register": in periodic mode a write sets the period; the
 * comparator itself only after TN_VAL_SET_CNF was set, once. */
static void write_comparator(struct hpet *h, unsigned n, uint64_t value, uint64_t lanes)
{
	struct hpet_timer *t = &h->timer[n];
	uint64_t mask = width_mask(t);

	if (!(t->config & HPET_T_PERIODIC) || (t->config & HPET_T_SET))
		t->comparator = ((t->comparator & ~lanes) | (value & lanes)) & mask;
	if (t->config & HPET_T_PERIODIC)
		t->period = ((t->period & ~lanes) | (value & lanes)) & mask;
	t->config &= ~(uint64_t)HPET_T_SET;
	arm(h, n);
}

static uint64_t read64(const struct hpet *h, uint64_t reg)
{
	unsigned n = (unsigned)((reg - REG_TIMERS) >> 5);

	switch (reg) {
	case REG_CAPABILITIES:
		return HPET_CAPABILITIES;
	case REG_CONFIG:
		return h->config;
	case REG_STATUS:
		return h->status;
	case REG_COUNTER:
		return counter_now(h);
	default:
		break;
	}
	if (reg < REG_TIMERS || n >= HPET_TIMERS)
		return 0;
	switch (reg & 0x1f) {
	case 0x00:
		return (uint64_t)HPET_ROUTES << 32 | (h->timer[n].config & ~(uint64_t)HPET_T_SET) |
		       HPET_T_PERIODIC_CAP | HPET_T_64BIT_CAP;
	case 0x08:
		return h->timer[n].comparator;
	default:
		return 0;
	}
}

static void write_counter(struct hpet *h, uint64_t value, uint64_t lanes)
{
	h->counter = (counter_now(h) & ~lanes) | (value & lanes);
	h->since = pulses(h, h->clock->now);
	arm_all(h);
}

static void write64(struct hpet *h, uint64_t reg, uint64_t value, uint64_t lanes)
{
	unsigned n = (unsigned)((reg - REG_TIMERS) >> 5);
	uint64_t merged = (read64(h, reg) & ~lanes) | (value & lanes);

	if (reg == REG_CONFIG)
		write_config(h, merged);
	else if (reg == REG_STATUS)
		write_status(h, value & lanes);
	else if (reg == REG_COUNTER)
		write_counter(h, value, lanes);
	else if (reg >= REG_TIMERS && n < HPET_TIMERS && (reg & 0x1f) == 0x00)
		write_timer_config(h, n, merged);
	else if (reg >= REG_TIMERS && n < HPET_TIMERS && (reg & 0x1f) == 0x08)
		write_comparator(h, n, value, lanes);
}

/* 32- and 64-bit accesses, naturally aligned ("Register Access"). */
static bool well_formed(struct hpet *h, uint64_t offset, unsigned bytes)
{
	if ((bytes == 4 || bytes == 8) && offset % bytes == 0)
		return true;
	bus_gap(h->bus, "HPET: access that is not an aligned 32- or 64-bit one");
	return false;
}

static uint64_t mmio_read(void *device, uint64_t offset, unsigned bytes)
{
	struct hpet *h = device;

	if (!well_formed(h, offset, bytes))
		return UINT64_MAX;
	return read64(h, offset & ~UINT64_C(7)) >> (8 * (offset & 4));
}

static void mmio_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct hpet *h = device;
	unsigned shift = 8 * (offset & 4);
	uint64_t lanes = bytes == 8 ? UINT64_MAX : (uint64_t)UINT32_MAX << shift;

	if (well_formed(h, offset, bytes))
		write64(h, offset & ~UINT64_C(7), value << shift, lanes);
}

void hpet_reset(struct hpet *h)
{
	h->config = h->status = h->counter = 0;
	h->since = pulses(h, h->clock->now);
	for (unsigned n = 0; n < HPET_TIMERS; n++) {
		struct hpet_timer *t = &h->timer[n];

		timer_cancel(&t->timer);
		t->config = 0;
		t->comparator = UINT64_MAX;
		t->period = 0;
		t->high = false;
	}
	update(h);
}

bool hpet_init(struct hpet *h, struct bus *bus, struct clock *clock)
{
	static const struct mmio_ops ops = {mmio_read, mmio_write};
	static const char *const route[24] = {
		"HPET route 0", "HPET route 1", "HPET route 2", "HPET route 3", "HPET route 4", "HPET route 5",
		"HPET route 6", "HPET route 7", "HPET route 8", "HPET route 9", "HPET route 10", "HPET route 11",
		"HPET route 12", "HPET route 13", "HPET route 14", "HPET route 15", "HPET route 16", "HPET route 17",
		"HPET route 18", "HPET route 19", "HPET route 20", "HPET route 21", "HPET route 22", "HPET route 23",
	};

	memset(h, 0, sizeof(*h));
	h->bus = bus;
	h->clock = clock;
	for (unsigned i = 0; i < 24; i++)
		line_init(&h->route[i], route[i], clock);
	line_init(&h->irq0, "HPET IRQ0", clock);
	line_init(&h->irq8, "HPET IRQ8", clock);
	line_init(&h->legacy, "HPET legacy replacement", clock);
	for (unsigned n = 0; n < HPET_TIMERS; n++) {
		h->timer[n].hpet = h;
		timer_init(&h->timer[n].timer, clock, "HPET timer", ORDER_HPET + (int)n, fire, &h->timer[n]);
	}
	hpet_reset(h);
	return bus_add_mmio(bus, "HPET", HPET_BASE, 0x400, ops, h, 1);
}
