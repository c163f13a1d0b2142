#include "devices/pit.h"

#include <string.h>

#include "devices/bytewise.h"
#include "devices/order.h"

enum mode { MODE_COUNT, MODE_ONE_SHOT, MODE_RATE, MODE_SQUARE, MODE_STROBE, MODE_TRIGGERED };

/* x10b is mode 2 and x11b mode 3. */
static enum mode mode_of(const struct pit_counter *c)
{
	unsigned m = c->control >> 1 & 7u;

	return (enum mode)(m >= 6 ? m & 3u : m);
}

static uint32_t modulus(const struct pit_counter *c)
{
	return c->control & PIT_BCD ? 10000 : 65536;
}

/* The count register as a number; 0 is the largest count. */
static uint32_t count(const struct pit_counter *c)
{
	uint32_t n = c->cr;

	if (c->control & PIT_BCD)
		n = (n >> 12) * 1000 + (n >> 8 & 15) * 100 + (n >> 4 & 15) * 10 + (n & 15);
	return n ? n : modulus(c);
}

/* The counting element as a read shows it. */
static uint16_t reading(const struct pit_counter *c)
{
	uint32_t n = c->ce % modulus(c);

	if (c->control & PIT_BCD)
		n = n / 1000 << 12 | n / 100 % 10 << 8 | n / 10 % 10 << 4 | n % 10;
	return (uint16_t)n;
}

static bool counting(const struct pit_counter *c)
{
	switch (mode_of(c)) {
	case MODE_COUNT:
		return c->started && c->gate && !c->inhibit;
	case MODE_ONE_SHOT:
	case MODE_TRIGGERED:
		return c->started;
	default:
		return c->started && c->gate;
	}
}

/* CLK pulses until OUT or the reload changes something: at least 1. */
static uint64_t pulses_to_event(const struct pit_counter *c)
{
	if (c->load || c->strobe)
		return 1;
	if (!counting(c))
		return CLOCK_NEVER;
	switch (mode_of(c)) {
	case MODE_RATE:
		return c->ce > 1 ? c->ce - 1 : 1;
	case MODE_SQUARE:
		return c->ce / 2 + (c->odd && c->out);
	default:
		return c->done ? CLOCK_NEVER : c->ce;
	}
}

/* n pulses without event. */
static void pass(struct pit_counter *c, uint64_t n)
{
	if (!counting(c))
		return;
	if (mode_of(c) == MODE_SQUARE)
		c->ce -= (uint32_t)(2 * n);
	else if (c->done)
		c->ce = (uint32_t)((c->ce + modulus(c) - n % modulus(c)) % modulus(c));
	else
		c->ce -= (uint32_t)n;
}

/* The CLK pulse that moves the count register to the counting element. */
static void load(struct pit_counter *c)
{
	enum mode mode = mode_of(c);

	c->load = c->done = c->strobe = c->null_count = false;
	c->started = true;
	c->ce = count(c);
	c->odd = c->ce & 1;
	if (mode == MODE_SQUARE)
		c->ce &= ~1u;
	if (mode != MODE_COUNT)
		c->out = mode != MODE_ONE_SHOT;
}

/* The end of a half-cycle in mode 3.  With a count of 1 the low half has no
 * length. */
static void toggle(struct pit_counter *c)
{
	bool out = !c->out;

	load(c);
	c->out = out || count(c) == 1;
}

/* The pulse pulses_to_event() led to. */
static void event(struct pit_counter *c)
{
	if (c->load) {
		load(c);
		return;
	}
	if (c->strobe) {
		pass(c, 1);
		c->strobe = false;
		c->out = true;
		return;
	}
	switch (mode_of(c)) {
	case MODE_RATE:
		if (c->ce > 1) {
			c->ce = 1;
			c->out = false;
		} else {
			load(c);
		}
		break;
	case MODE_SQUARE:
		toggle(c);
		break;
	default:
		c->ce = 0;
		c->done = true;
		c->strobe = mode_of(c) >= MODE_STROBE;
		c->out = !c->strobe;
		break;
	}
}

/* Modes 2 and 3 are the same again after each period. */
static uint64_t skip_periods(const struct pit_counter *c, uint64_t pulses)
{
	enum mode mode = mode_of(c);

	if ((mode != MODE_RATE && mode != MODE_SQUARE) || c->load || c->null_count || !counting(c))
		return 0;
	return pulses / count(c) * count(c);
}

static void advance(struct pit_counter *c, uint64_t cycle)
{
	while (c->cycle < cycle) {
		uint64_t left, next;

		c->cycle += skip_periods(c, cycle - c->cycle);
		left = cycle - c->cycle;
		next = pulses_to_event(c);
		if (left < next) {
			pass(c, left);
			c->cycle = cycle;
			return;
		}
		c->cycle += next;
		if (!c->load && !c->strobe)
			pass(c, next - 1);
		event(c);
	}
}

/* Brings the counter to the present (tick) and keeps it there. */
static void sync(struct pit_counter *c, uint64_t tick)
{
	advance(c, clock_ticks_to_cycles(tick, PIT_HZ));
}

/* In modes 2 and 3 with a count of 1 nothing ever happens at OUT. */
static bool still(const struct pit_counter *c)
{
	enum mode mode = mode_of(c);

	return (mode == MODE_RATE || mode == MODE_SQUARE) && !c->load && !c->null_count && c->out && count(c) == 1;
}

/* After any change: OUT's wire, and the next edge. */
static void changed(struct pit_counter *c)
{
	uint64_t next = still(c) ? CLOCK_NEVER : pulses_to_event(c);

	if (c->line.level != c->out)
		line_set(&c->line, c->out, c->out ? clock_new_cause(c->pit->clock) : 0);
	if (next == CLOCK_NEVER || !c->line.changed)
		timer_cancel(&c->timer);
	else
		timer_arm(&c->timer, clock_cycles_to_ticks(c->cycle + next, PIT_HZ));
}

static void fire(void *owner, uint64_t when)
{
	struct pit_counter *c = owner;

	sync(c, when);
	changed(c);
}

/* ---- registers ---- */
static void write_control(struct pit_counter *c, uint8_t value)
{
	c->control = value & 0x3f;
	c->written = c->started = c->load = c->done = c->strobe = c->inhibit = false;
	c->write_msb = c->read_msb = c->latched = c->status_latched = false;
	c->null_count = true;
	c->out = mode_of(c) != MODE_COUNT;
}

static void latch_count(struct pit_counter *c)
{
	if (c->latched)
		return;
	c->latched = true;
	c->latch = reading(c);
}

static void latch_status(struct pit_counter *c)
{
	if (c->status_latched)
		return;
	c->status_latched = true;
	c->status = (uint8_t)((c->out ? PIT_STATUS_OUT : 0) | (c->null_count ? PIT_STATUS_NULL : 0) | c->control);
}

static void write_command(struct pit *pit, uint8_t value)
{
	unsigned select = value >> 6;

	for (unsigned i = 0; i < 3; i++) {
		struct pit_counter *c = &pit->counter[i];

		if (select == 3 ? !(value & PIT_COUNTER(i)) : select != i)
			continue;
		sync(c, pit->clock->now);
		if (select == 3) {
			if (!(value & PIT_NO_COUNT))
				latch_count(c);
			if (!(value & PIT_NO_STATUS))
				latch_status(c);
		} else if ((value & PIT_RW_BOTH) == PIT_RW_LATCH) {
			latch_count(c);
		} else {
			write_control(c, value);
		}
		changed(c);
	}
}

/* A whole count has arrived; in the one-byte forms the other byte is 0 ("CRM
 * and CRL are cleared" by the control word). */
static void new_count(struct pit_counter *c, uint16_t value)
{
	enum mode mode = mode_of(c);

	c->cr = value;
	c->null_count = true;
	c->inhibit = false;
	if (mode == MODE_COUNT)
		c->out = false;
	if (mode == MODE_COUNT || mode == MODE_STROBE)
		c->load = true;
	else if ((mode == MODE_RATE || mode == MODE_SQUARE) && !c->written)
		c->load = true;
	c->written = true;
}

static void write_count(struct pit_counter *c, uint8_t value)
{
	switch (c->control & PIT_RW_BOTH) {
	case PIT_RW_LSB:
		new_count(c, value);
		break;
	case PIT_RW_MSB:
		new_count(c, (uint16_t)(value << 8));
		break;
	default:
		c->write_msb = !c->write_msb;
		if (!c->write_msb) {
			new_count(c, (uint16_t)(value << 8 | c->lsb));
			break;
		}
		c->lsb = value;
		if (mode_of(c) == MODE_COUNT) {
			c->inhibit = true;
			c->out = false;
		}
		break;
	}
}

static uint8_t read_count(struct pit_counter *c)
{
	unsigned rw = c->control & PIT_RW_BOTH;
	uint16_t value = c->latched ? c->latch : reading(c);
	bool msb = rw == PIT_RW_MSB || (rw == PIT_RW_BOTH && c->read_msb);

	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	if (rw == PIT_RW_BOTH)
		c->read_msb = !c->read_msb;
	if (rw != PIT_RW_BOTH || msb)
		c->latched = false;
	return (uint8_t)(msb ? value >> 8 : value);
}

static uint8_t read_port(void *device, uint16_t port)
{
	struct pit *pit = device;
	unsigned n = (unsigned)port - PIT_PORT;

	if (n > 2)
		return 0xff; /* 43h: "no-operation", the bus floats */
	sync(&pit->counter[n], pit->clock->now);
	return read_count(&pit->counter[n]);
}

static void write_port(void *device, uint16_t port, uint8_t value)
{
	struct pit *pit = device;
	unsigned n = (unsigned)port - PIT_PORT;

	if (n == 3)
		write_command(pit, value);
	if (n > 2)
		return;
	sync(&pit->counter[n], pit->clock->now);
	write_count(&pit->counter[n], value);
	changed(&pit->counter[n]);
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
struct irq_line *pit_line(struct pit *pit, unsigned n)
{
	return &pit->counter[n].line;
}

bool pit_out(struct pit *pit, unsigned n)
{
	sync(&pit->counter[n], pit->clock->now);
	return pit->counter[n].out;
}

void pit_set_gate(struct pit *pit, unsigned n, bool level)
{
	struct pit_counter *c = &pit->counter[n];
	enum mode mode = mode_of(c);

	if (c->gate == level)
		return;
	sync(c, pit->clock->now);
	c->gate = level;
	if (!level && (mode == MODE_RATE || mode == MODE_SQUARE))
		c->out = true;
	if (level && mode != MODE_COUNT && mode != MODE_STROBE && c->written)
		c->load = true; /* a trigger */
	changed(c);
}

void pit_reset(struct pit *pit)
{
	for (unsigned i = 0; i < 3; i++) {
		struct pit_counter *c = &pit->counter[i];

		sync(c, pit->clock->now);
		write_control(c, PIT_RW_BOTH | PIT_MODE(MODE_COUNT));
		c->ce = 0;
		changed(c);
	}
}

bool pit_init(struct pit *pit, struct bus *bus, struct clock *clock)
{
	static const char *const out[3] = {"PIT OUT0", "PIT OUT1", "PIT OUT2"};
	static const struct port_ops ops = {port_read, port_write};

	memset(pit, 0, sizeof(*pit));
	pit->clock = clock;
	for (unsigned i = 0; i < 3; i++) {
		struct pit_counter *c = &pit->counter[i];

		c->pit = pit;
		c->gate = i != 2;
		line_init(&c->line, out[i], clock);
		timer_init(&c->timer, clock, out[i], ORDER_PIT, fire, c);
	}
	pit_reset(pit);
	return bus_add_ports(bus, "8254", PIT_PORT, 4, ops, pit);
}
