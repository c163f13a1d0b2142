/* Putting bytes into guest memory. */
#ifndef TRAPGATE_GUEST_PLACE_H
#define TRAPGATE_GUEST_PLACE_H

#include "bus/bus.h"

/* Is all of this RAM? */
bool place_is_ram(struct bus *bus, uint64_t address, uint64_t size);
bool place_bytes(struct bus *bus, uint64_t address, const uint8_t *data, uint64_t size);
/* Pages that are zero already stay untouched, so that the host need not commit them. */
bool place_zeros(struct bus *bus, uint64_t address, uint64_t size);

#endif
