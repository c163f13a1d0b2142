/* The port space. */
#include "bus/private.h"

#include <stdlib.h>
#include <string.h>

/* Claims in the order they were made: the later one wins. */
static void assign_ports(struct bus *bus)
{
	memset(bus->port_owner, NO_CLAIM, sizeof(bus->port_owner));
	for (size_t i = 0; i < bus->claim_count; i++) {
		for (unsigned port = bus->claims[i].first; port <= bus->claims[i].last; port++)
			bus->port_owner[port] = (uint16_t)(i + 1);
	}
}

static bool append_claim(struct bus *bus, const struct port_claim *claim)
{
	struct port_claim copy = *claim; /* may lie in the vector that moves */

	if (bus->claim_count == UINT16_MAX || !vector_grow(&bus->claims, bus->claim_count, sizeof(*bus->claims)))
		return false;
	bus->claims[bus->claim_count++] = copy;
	return true;
}

bool bus_add_ports(struct bus *bus, const char *name, uint16_t first, unsigned count,
		   struct port_ops ops, void *device)
{
	struct port_claim claim = {name, first, (uint16_t)(first + count - 1), ops, device};

	if (count == 0 || count > PORT_COUNT - first || !append_claim(bus, &claim))
		return false;
	for (unsigned port = claim.first; port <= claim.last; port++)
		bus->port_owner[port] = (uint16_t)bus->claim_count;
	return true;
}

/* A claim may lose its middle: then its upper part becomes a claim of its
 * own right behind it, so that the order stays. */
static bool split_claim(struct bus *bus, size_t index, unsigned at)
{
	struct port_claim *claims;

	if (!append_claim(bus, &bus->claims[index]))
		return false;
	claims = bus->claims;
	memmove(&claims[index + 1], &claims[index], (bus->claim_count - 1 - index) * sizeof(*claims));
	claims[index].last = (uint16_t)(at - 1);
	claims[index + 1].first = (uint16_t)at;
	return true;
}

void bus_remove_ports(struct bus *bus, uint16_t first, unsigned count, const void *device)
{
	unsigned end = first + count; /* exclusive */
	size_t kept = 0;

	for (size_t i = 0; i < bus->claim_count; i++) {
		struct port_claim *c = &bus->claims[i];
		if (c->device != device || c->first >= end || c->last < first)
			continue;
		/* Without memory for the pieces the whole claim goes. */
		if (c->first < first)
			split_claim(bus, i, first);
		else if (c->last >= end)
			split_claim(bus, i, end);
	}
	for (size_t i = 0; i < bus->claim_count; i++) {
		const struct port_claim *c = &bus->claims[i];
		if (c->device != device || c->first >= end || c->last < first)
			bus->claims[kept++] = *c;
	}
	bus->claim_count = kept;
	assign_ports(bus);
}

/* The claim that all the ports share; *shared = false: they do not. */
static const struct port_claim *claim_of(const struct bus *bus, uint16_t port, unsigned bytes, bool *shared)
{
	uint16_t owner = bus->port_owner[port];

	*shared = true;
	for (unsigned i = 1; i < bytes; i++)
		*shared = *shared && port + i < PORT_COUNT && bus->port_owner[port + i] == owner;
	return owner == NO_CLAIM ? NULL : &bus->claims[owner - 1];
}

static uint32_t width_mask(unsigned bytes)
{
	return bytes >= 4 ? UINT32_MAX : (UINT32_C(1) << (8 * bytes)) - 1;
}

uint32_t bus_port_read(struct bus *bus, uint16_t port, unsigned bytes)
{
	bool shared;
	const struct port_claim *claim = claim_of(bus, port, bytes, &shared);
	uint32_t v = 0;

	if (shared && claim == NULL)
		return width_mask(bytes);
	if (shared)
		return claim->ops.read(claim->device, port, bytes) & width_mask(bytes);
	for (unsigned i = 0; i < bytes; i++)
		v |= bus_port_read(bus, (uint16_t)(port + i), 1) << (8 * i);
	return v;
}

void bus_port_write(struct bus *bus, uint16_t port, unsigned bytes, uint32_t value)
{
	bool shared;
	const struct port_claim *claim = claim_of(bus, port, bytes, &shared);

	if (shared && claim == NULL)
		return;
	if (shared) {
		claim->ops.write(claim->device, port, bytes, value & width_mask(bytes));
		return;
	}
	for (unsigned i = 0; i < bytes; i++)
		bus_port_write(bus, (uint16_t)(port + i), 1, (value >> (8 * i)) & 0xff);
}
