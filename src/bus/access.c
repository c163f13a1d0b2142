/* Bus cycles, loading and peeking, and the granules that hold translated code. */
#include "bus/private.h"

#include <string.h>

#define GRANULE_BITS 6

static uint64_t all_ones(unsigned bytes)
{
	return bytes >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * bytes)) - 1;
}

/* Devices see the widths of bus cycles only. */
static bool cycle_width(unsigned bytes)
{
	return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

static bool in_span(const struct span *span, uint64_t pa, uint64_t bytes)
{
	return span->last - pa >= bytes - 1;
}

/* ---- granules ---- */

/* The granules of the page at offset's that offset..offset+bytes-1 touches, and how
 * many of the bytes lie in that page. */
static uint64_t granules(uint64_t offset, uint64_t bytes, uint64_t *here)
{
	uint64_t in_page = offset & (BUS_PAGE_SIZE - 1);
	uint64_t first, last;

	*here = BUS_PAGE_SIZE - in_page < bytes ? BUS_PAGE_SIZE - in_page : bytes;
	first = in_page >> GRANULE_BITS;
	last = (in_page + *here - 1) >> GRANULE_BITS;
	return (UINT64_MAX >> (63 - (last - first))) << first;
}

static bool holds_code(const struct region *region, uint64_t offset, uint64_t bytes)
{
	uint64_t here;

	if (region->code == NULL)
		return false;
	for (; bytes != 0; offset += here, bytes -= here) {
		uint64_t mask = granules(offset, bytes, &here);
		if (region->code[offset >> BUS_PAGE_BITS] & mask)
			return true;
	}
	return false;
}

bool bus_code_hit(const struct region *region, uint64_t offset, unsigned bytes)
{
	return holds_code(region, offset, bytes);
}

static void tell_code_marked(struct bus *bus, const struct region *region, uint64_t offset)
{
	uint64_t page = offset & ~(uint64_t)(BUS_PAGE_SIZE - 1);

	for (unsigned i = 0; i < bus->watcher_count; i++) {
		const struct bus_watcher *w = &bus->watchers[i];
		if (w->code_marked != NULL)
			w->code_marked(w->owner, region->start + page, region->host + page);
	}
}

bool bus_code_mark(struct bus *bus, uint64_t pa, unsigned bytes)
{
	bool first = false;
	uint64_t here;

	for (uint64_t left = bytes; left != 0; pa += here, left -= here) {
		uint64_t offset = 0;
		struct region *r = bus_find(bus, pa, &offset);
		uint64_t mask = granules(pa, left, &here);
		uint64_t *word;

		if (r == NULL || r->code == NULL)
			continue;
		word = &r->code[offset >> BUS_PAGE_BITS];
		if (*word == 0) {
			first = true;
			*word = mask;
			tell_code_marked(bus, r, offset);
		}
		*word |= mask;
	}
	return first;
}

void bus_code_clear_page(struct bus *bus, uint64_t pa)
{
	uint64_t offset = 0;
	struct region *r = bus_find(bus, pa, &offset);

	if (r != NULL && r->code != NULL)
		r->code[offset >> BUS_PAGE_BITS] = 0;
}

static void tell_code_written(struct bus *bus, uint64_t pa, unsigned bytes)
{
	for (unsigned i = 0; i < bus->watcher_count; i++) {
		const struct bus_watcher *w = &bus->watchers[i];
		if (w->code_written != NULL)
			w->code_written(w->owner, pa, bytes);
	}
}

/* ---- cycles ---- */

uint64_t bus_read(struct bus *bus, uint64_t pa, unsigned bytes)
{
	const struct span *span = bus_span(bus, pa);
	const struct region *r = span->region;
	uint64_t v = 0;

	if (in_span(span, pa, bytes)) {
		if (r == NULL)
			return all_ones(bytes);
		if (r->kind != REGION_MMIO) {
			memcpy(&v, r->host + (pa - r->start), bytes);
			return v;
		}
		if (cycle_width(bytes))
			return r->ops.read(r->device, pa - r->start, bytes) & all_ones(bytes);
	}
	for (unsigned i = 0; i < bytes; i++)
		v |= bus_read(bus, pa + i, 1) << (8 * i);
	return v;
}

void bus_write(struct bus *bus, uint64_t pa, unsigned bytes, uint64_t value)
{
	const struct span *span = bus_span(bus, pa);
	const struct region *r = span->region;

	if (in_span(span, pa, bytes)) {
		if (r == NULL || r->kind == REGION_ROM)
			return;
		if (r->kind == REGION_RAM) {
			if (holds_code(r, pa - r->start, bytes))
				tell_code_written(bus, pa, bytes);
			memcpy(r->host + (pa - r->start), &value, bytes);
			return;
		}
		if (cycle_width(bytes)) {
			r->ops.write(r->device, pa - r->start, bytes, value & all_ones(bytes));
			return;
		}
	}
	for (unsigned i = 0; i < bytes; i++)
		bus_write(bus, pa + i, 1, (value >> (8 * i)) & 0xff);
}

/* ---- host memory only ---- */

/* The longest run of RAM or ROM at pa, at most size bytes; NULL: none. */
static struct region *memory_run(struct bus *bus, uint64_t pa, size_t size, uint64_t *offset, size_t *run)
{
	const struct span *span = bus_span(bus, pa);
	uint64_t left = span->last - pa;

	if (span->region == NULL || span->region->kind == REGION_MMIO)
		return NULL;
	*offset = pa - span->region->start;
	*run = left < size ? (size_t)left + 1 : size;
	return span->region;
}

size_t bus_peek(struct bus *bus, uint64_t pa, void *buffer, size_t size)
{
	size_t done = 0, run;
	uint64_t offset;

	while (done < size) {
		const struct region *r = memory_run(bus, pa + done, size - done, &offset, &run);
		if (r == NULL)
			break;
		memcpy((uint8_t *)buffer + done, r->host + offset, run);
		done += run;
	}
	return done;
}

size_t bus_load(struct bus *bus, uint64_t pa, const void *data, size_t size)
{
	size_t done = 0, run;
	uint64_t offset;

	while (done < size) {
		const struct region *r = memory_run(bus, pa + done, size - done, &offset, &run);
		if (r == NULL)
			break;
		/* A page at a time, so that the length told fits.  ROM has no
		 * marks: whatever is translated from it is told. */
		if (run > BUS_PAGE_SIZE)
			run = BUS_PAGE_SIZE;
		if (r->kind == REGION_ROM || holds_code(r, offset, run))
			tell_code_written(bus, pa + done, (unsigned)run);
		memcpy(r->host + offset, (const uint8_t *)data + done, run);
		done += run;
	}
	return done;
}
