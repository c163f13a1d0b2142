/* What struct bus holds.  For src/bus only. */
#ifndef TRAPGATE_BUS_PRIVATE_H
#define TRAPGATE_BUS_PRIVATE_H

#include "bus/bus.h"

/* A stretch of the address space that shows one region, or (NULL) a hole. */
struct span {
	uint64_t first, last;
	struct region *region;
};

struct port_claim {
	const char *name;
	uint16_t first, last;
	struct port_ops ops;
	void *device;
};

#define PORT_COUNT 65536u
#define NO_CLAIM   0 /* port_owner holds index + 1 of a claim */

struct bus {
	struct region **regions;
	size_t region_count;

	/* The whole space 0..2^64-1, in order; made anew when a region changes. */
	struct span *spans;
	size_t span_count;
	size_t recent; /* the span found last */

	struct port_claim *claims;
	size_t claim_count;
	uint16_t port_owner[PORT_COUNT];

	struct bus_watcher watchers[BUS_MAX_WATCHERS];
	unsigned watcher_count;

	char **gaps;
	size_t gap_count;
	void (*gap_sink)(void *owner, const char *text);
	void *gap_owner;

	unsigned initiator;
};

/* The span that holds pa. */
const struct span *bus_span(struct bus *bus, uint64_t pa);
void bus_tell_map_changed(struct bus *bus);
void bus_gap_free(struct bus *bus);

/* Room for one more element at the end of a vector that grows by one; false:
 * out of memory and nothing has changed. */
bool vector_grow(void *vector, size_t count, size_t element);

#endif
