#include "devices/port92.h"

#include <string.h>

#include "devices/bytewise.h"

static void update(struct port92 *p)
{
	bool level = p->kbc_a20 || (p->value & PORT92_A20);

	if (level != p->a20.level)
		line_set(&p->a20, level, level ? clock_new_cause(p->clock) : 0);
}

void port92_kbc_a20(void *device, int input, bool level, uint64_t cause)
{
	struct port92 *p = device;

	p->kbc_a20 = level;
	update(p);
}

static uint8_t read_port(void *device, uint16_t port)
{
	struct port92 *p = device;

	return port == PORT92 ? p->value : 0xff;
}

static void write_port(void *device, uint16_t port, uint8_t value)
{
	struct port92 *p = device;
	bool pulse = value & ~p->value & PORT92_INIT;

	if (port != PORT92)
		return;
	p->value = value & (PORT92_A20 | PORT92_INIT);
	update(p);
	if (pulse) {
		line_set(&p->init, true, clock_new_cause(p->clock));
		line_set(&p->init, false, 0);
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

void port92_reset(struct port92 *p)
{
	p->value = 0;
	update(p);
}

bool port92_init(struct port92 *p, struct bus *bus, struct clock *clock)
{
	static const struct port_ops ops = {port_read, port_write};

	memset(p, 0, sizeof(*p));
	p->clock = clock;
	line_init(&p->a20, "A20", clock);
	line_init(&p->init, "INIT (port 92h)", clock);
	port92_reset(p);
	return bus_add_ports(bus, "port 92h", PORT92, 1, ops, p);
}
