#include "devices/port61.h"

#include <string.h>

#include "devices/bytewise.h"

#define REFRESH_CLOCKS 18u

static void update(struct port61 *p)
{
	if (p->control & PORT61_SERR_OFF)
		p->serr = false;
	if (p->control & PORT61_IOCHK_OFF)
		p->iochk = false;
	line_set(&p->nmi, (p->serr || p->iochk) && !p->nmi_off, p->cause);
}

void port61_input(void *device, int input, bool level, uint64_t cause)
{
	struct port61 *p = device;

	switch (input) {
	case PORT61_IN_SERR:
		p->serr |= level;
		break;
	case PORT61_IN_IOCHK:
		p->iochk |= level;
		break;
	case PORT61_IN_NMI_OFF:
		p->nmi_off = level;
		update(p);
		return;
	default:
		return;
	}
	if (level)
		p->cause = cause;
	update(p);
}

static uint8_t read_port(void *device, uint16_t port)
{
	struct port61 *p = device;
	uint64_t pulses = clock_ticks_to_cycles(p->pit->clock->now, PIT_HZ);
	uint8_t value = p->control;

	if (port != PORT61)
		return 0xff;
	if (pulses / REFRESH_CLOCKS & 1)
		value |= PORT61_REFRESH;
	if (pit_out(p->pit, 2))
		value |= PORT61_OUT2;
	if (p->iochk)
		value |= PORT61_IOCHK;
	if (p->serr)
		value |= PORT61_SERR;
	return value;
}

static void write_port(void *device, uint16_t port, uint8_t value)
{
	struct port61 *p = device;

	if (port != PORT61)
		return;
	p->control = value & 0x0f;
	pit_set_gate(p->pit, 2, value & PORT61_GATE2);
	update(p);
}

static uint32_t port_read(void *device, uint16_t port, unsigned bytes)
{
	return bytewise_read(read_port, device, port, bytes);
}

static void port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	bytewise_write(write_port, device, port, bytes, value);
}

void port61_reset(struct port61 *p)
{
	p->serr = p->iochk = false;
	write_port(p, PORT61, 0);
}

bool port61_init(struct port61 *p, struct bus *bus, struct pit *pit)
{
	static const struct port_ops ops = {port_read, port_write};

	memset(p, 0, sizeof(*p));
	p->pit = pit;
	line_init(&p->nmi, "NMI", pit->clock);
	port61_reset(p);
	return bus_add_ports(bus, "port 61h", PORT61, 1, ops, p);
}
