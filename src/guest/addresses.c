/* Images whose Multiboot header says where they go: "Multiboot header", "The address fields", of both
 * specifications. */
#include <inttypes.h>
#include <stdlib.h>

#include "guest/load.h"
#include "guest/place.h"

bool addresses_check(struct addresses *a, const struct load *l)
{
	uint64_t left;

	if (a->load > a->header || a->header - a->load > a->at)
		return diagnose(l->why,
				"%s: its Multiboot header (file offset 0x%" PRIx64 ", address 0x%" PRIx32
				") does not fit the load address 0x%" PRIx32,
				l->name, a->at, a->header, a->load);
	a->offset = a->at - (a->header - a->load);
	left = l->size - a->offset;
	a->bytes = left;
	if (a->load_end) {
		if (a->load_end < a->load)
			return diagnose(l->why,
					"%s: its Multiboot header ends loading at 0x%" PRIx32
					", before its start at 0x%" PRIx32,
					l->name, a->load_end, a->load);
		a->bytes = a->load_end - a->load;
	}
	if (a->bytes > left)
		return diagnose(l->why,
				"%s: cut off: its Multiboot header speaks of %" PRIu64 " bytes, %" PRIu64 " are there",
				l->name, a->bytes, left);
	a->memory = a->bytes;
	if (a->bss_end) {
		if (a->bss_end < a->load + a->bytes)
			return diagnose(l->why,
					"%s: its Multiboot header ends the BSS at 0x%" PRIx32 ", inside what is loaded",
					l->name, a->bss_end);
		a->memory = a->bss_end - a->load;
	}
	if (a->entry < a->load || a->entry - a->load >= a->memory)
		return diagnose(l->why,
				"%s: the entry point 0x%" PRIx32 " lies outside the image (0x%" PRIx32 "+0x%" PRIx64
				")",
				l->name, a->entry, a->load, a->memory);
	return true;
}

bool addresses_place(const struct addresses *a, struct load *l, uint64_t shift)
{
	uint64_t at = a->load + shift;

	if (!place_is_ram(l->bus, at, a->memory))
		return diagnose(l->why, "%s: the image (0x%" PRIx64 "+0x%" PRIx64 ") is outside RAM; use -m", l->name,
				at, a->memory);
	if (!place_bytes(l->bus, at, l->data + a->offset, a->bytes) ||
	    !place_zeros(l->bus, at + a->bytes, a->memory - a->bytes))
		return diagnose(l->why, "%s: the image could not be written", l->name);
	return space_take(l, at, at + a->memory, 0);
}
