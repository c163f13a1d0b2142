#include "devices/debugport.h"

#include "devices/bytewise.h"

/* ---- console ---- */
static uint32_t con_read(void *device, uint16_t port, unsigned bytes)
{
	struct debugcon *con = device;

	return con->readback * UINT32_C(0x01010101);
}

static void con_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	struct debugcon *con = device;

	for (unsigned i = 0; con->write && i < bytes; i++)
		con->write(con->owner, (uint8_t)(value >> (8 * i)));
}

bool debugcon_init(struct debugcon *con, struct bus *bus, uint16_t port, uint8_t readback,
		   void (*write)(void *owner, uint8_t byte), void *owner)
{
	static const struct port_ops ops = {con_read, con_write};

	*con = (struct debugcon){port, readback, write, owner};
	return bus_add_ports(bus, "debug console", port, 1, ops, con);
}

/* ---- exit ---- */
static uint32_t exit_read(void *device, uint16_t port, unsigned bytes)
{
	return 0;
}

static void exit_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	struct debug_exit *p = device;

	if (p->exit)
		p->exit(p->owner, value << 1 | 1);
}

bool debug_exit_init(struct debug_exit *p, struct bus *bus, uint16_t iobase, unsigned iosize,
		     void (*exit)(void *owner, uint32_t status), void *owner)
{
	static const struct port_ops ops = {exit_read, exit_write};

	*p = (struct debug_exit){exit, owner};
	return bus_add_ports(bus, "isa-debug-exit", iobase, iosize, ops, p);
}

/* ---- POST code ---- */
static uint8_t post_read_port(void *device, uint16_t port)
{
	struct post_port *p = device;

	return port == POST_PORT ? p->code : 0xff;
}

static void post_write_port(void *device, uint16_t port, uint8_t value)
{
	struct post_port *p = device;

	if (port != POST_PORT)
		return;
	p->code = value;
	if (p->changed)
		p->changed(p->owner, value);
}

static uint32_t post_read(void *device, uint16_t port, unsigned bytes)
{
	return bytewise_read(post_read_port, device, port, bytes);
}

static void post_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	bytewise_write(post_write_port, device, port, bytes, value);
}

bool post_port_init(struct post_port *p, struct bus *bus, void (*changed)(void *owner, uint8_t code), void *owner)
{
	static const struct port_ops ops = {post_read, post_write};

	*p = (struct post_port){0, changed, owner};
	return bus_add_ports(bus, "POST code", POST_PORT, 1, ops, p);
}
