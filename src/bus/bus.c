/* Regions and the map made of them. */
#include "bus/private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

bool vector_grow(void *vector, size_t count, size_t element)
{
	void *old, *grown;

	memcpy(&old, vector, sizeof(old));
	grown = realloc(old, (count + 1) * element);
	if (grown == NULL)
		return false;
	memcpy(vector, &grown, sizeof(grown));
	return true;
}

struct bus *bus_new(void)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	if (bus == NULL)
		return NULL;
	bus->spans = malloc(sizeof(*bus->spans));
	if (bus->spans == NULL) {
		free(bus);
		return NULL;
	}
	bus->spans[0] = (struct span){0, UINT64_MAX, NULL};
	bus->span_count = 1;
	return bus;
}

static void region_free(struct region *region)
{
	if (region->host != NULL)
		munmap(region->host, region->size);
	free(region->code);
	free(region);
}

void bus_free(struct bus *bus)
{
	if (bus == NULL)
		return;
	for (size_t i = 0; i < bus->region_count; i++)
		region_free(bus->regions[i]);
	free(bus->regions);
	free(bus->spans);
	free(bus->claims);
	bus_gap_free(bus);
	free(bus);
}

/* ---- the map ---- */

static bool region_shows_at(const struct region *region, uint64_t pa)
{
	return region->enabled && pa - region->start < region->size;
}

static bool region_above(const struct region *a, const struct region *b)
{
	return a->priority != b->priority ? a->priority > b->priority : a->sequence > b->sequence;
}

static struct region *top_region(struct bus *bus, uint64_t pa)
{
	struct region *top = NULL;

	for (size_t i = 0; i < bus->region_count; i++) {
		struct region *r = bus->regions[i];
		if (region_shows_at(r, pa) && (top == NULL || region_above(r, top)))
			top = r;
	}
	return top;
}

struct region *bus_find_below(struct bus *bus, uint64_t pa, int priority, uint64_t *offset)
{
	struct region *top = NULL;

	for (size_t i = 0; i < bus->region_count; i++) {
		struct region *r = bus->regions[i];
		if (r->priority < priority && region_shows_at(r, pa) && (top == NULL || region_above(r, top)))
			top = r;
	}
	if (top != NULL)
		*offset = pa - top->start;
	return top;
}

static int compare_addresses(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

/* Makes spans anew.  Room for the largest map (two edges a region) was made
 * when the regions were added, so this cannot fail. */
static void remap(struct bus *bus)
{
	struct span *spans = bus->spans;
	uint64_t *edges = (uint64_t *)(spans + 2 * bus->region_count + 1);
	size_t edge_count = 0, n = 0;

	edges[edge_count++] = 0;
	for (size_t i = 0; i < bus->region_count; i++) {
		edges[edge_count++] = bus->regions[i]->start;
		edges[edge_count++] = bus->regions[i]->start + bus->regions[i]->size;
	}
	qsort(edges, edge_count, sizeof(*edges), compare_addresses);
	for (size_t i = 0; i < edge_count; i++) {
		struct region *r;

		if (i > 0 && edges[i] == edges[i - 1])
			continue;
		r = top_region(bus, edges[i]);
		if (n > 0)
			spans[n - 1].last = edges[i] - 1;
		if (n == 0 || spans[n - 1].region != r) {
			spans[n].first = edges[i];
			spans[n].region = r;
			n++;
		}
	}
	spans[n - 1].last = UINT64_MAX;
	bus->span_count = n;
	bus->recent = 0;
	bus_tell_map_changed(bus);
}

const struct span *bus_span(struct bus *bus, uint64_t pa)
{
	const struct span *recent = &bus->spans[bus->recent];
	size_t low = 0, high = bus->span_count - 1;

	if (pa >= recent->first && pa <= recent->last)
		return recent;
	while (low < high) {
		size_t mid = (low + high + 1) / 2;

		if (bus->spans[mid].first <= pa)
			low = mid;
		else
			high = mid - 1;
	}
	bus->recent = low;
	return &bus->spans[low];
}

struct region *bus_find(struct bus *bus, uint64_t pa, uint64_t *offset)
{
	struct region *r = bus_span(bus, pa)->region;

	if (r != NULL)
		*offset = pa - r->start;
	return r;
}

bool bus_find_page(struct bus *bus, uint64_t pa, struct region **region, uint64_t *offset)
{
	const struct span *span = bus_span(bus, pa);
	uint64_t page = pa & ~(uint64_t)(BUS_PAGE_SIZE - 1);

	*region = span->region;
	*offset = span->region ? pa - span->region->start : 0;
	return page >= span->first && page + (BUS_PAGE_SIZE - 1) <= span->last;
}

/* ---- regions ---- */

static bool range_ok(uint64_t start, uint64_t size)
{
	return size != 0 && start + size > start;
}

static bool page_aligned(uint64_t start, uint64_t size)
{
	return ((start | size) & (BUS_PAGE_SIZE - 1)) == 0;
}

/* Takes region over; frees it and returns NULL where there is no memory. */
static struct region *add_region(struct bus *bus, struct region *region)
{
	size_t count = bus->region_count + 1;
	struct span *spans;

	if (!vector_grow(&bus->regions, bus->region_count, sizeof(*bus->regions)))
		goto failed;
	spans = realloc(bus->spans, (2 * count + 1) * (sizeof(struct span) + sizeof(uint64_t)));
	if (spans == NULL)
		goto failed;
	bus->spans = spans;
	region->sequence = (unsigned)bus->region_count;
	region->enabled = true;
	bus->regions[bus->region_count++] = region;
	remap(bus);
	return region;
failed:
	region_free(region);
	return NULL;
}

static struct region *new_region(const char *name, enum region_kind kind, uint64_t start, uint64_t size)
{
	struct region *region;

	if (!range_ok(start, size) || (kind != REGION_MMIO && !page_aligned(start, size)))
		return NULL;
	region = calloc(1, sizeof(*region));
	if (region == NULL)
		return NULL;
	region->name = name;
	region->kind = kind;
	region->start = start;
	region->size = size;
	if (kind != REGION_MMIO) {
		void *host = mmap(NULL, size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (host == MAP_FAILED) {
			free(region);
			return NULL;
		}
		region->host = host;
	}
	return region;
}

struct region *bus_add_ram(struct bus *bus, const char *name, uint64_t start, uint64_t size)
{
	struct region *region = new_region(name, REGION_RAM, start, size);

	if (region == NULL)
		return NULL;
	region->code = calloc(size >> BUS_PAGE_BITS, sizeof(*region->code));
	if (region->code == NULL) {
		region_free(region);
		return NULL;
	}
	return add_region(bus, region);
}

struct region *bus_add_rom(struct bus *bus, const char *name, uint64_t start, uint64_t size,
			   const uint8_t *image, size_t image_size)
{
	struct region *region = new_region(name, REGION_ROM, start, size);

	if (region == NULL)
		return NULL;
	/* What the image leaves free reads as erased flash does. */
	memset(region->host, 0xff, size);
	memcpy(region->host, image, image_size < size ? image_size : size);
	region->priority = 1;
	return add_region(bus, region);
}

struct region *bus_add_mmio(struct bus *bus, const char *name, uint64_t start, uint64_t size,
			    struct mmio_ops ops, void *device, int priority)
{
	struct region *region = new_region(name, REGION_MMIO, start, size);

	if (region == NULL)
		return NULL;
	region->ops = ops;
	region->device = device;
	region->priority = priority;
	return add_region(bus, region);
}

void region_set_enabled(struct bus *bus, struct region *region, bool enabled)
{
	if (region->enabled == enabled)
		return;
	region->enabled = enabled;
	remap(bus);
}

void region_move(struct bus *bus, struct region *region, uint64_t start)
{
	if (region->start == start || !range_ok(start, region->size))
		return;
	region->start = start;
	remap(bus);
}

void region_set_writable(struct bus *bus, struct region *region, bool writable)
{
	enum region_kind kind = writable ? REGION_RAM : REGION_ROM;

	if (region->kind == REGION_MMIO || region->kind == kind || region->code == NULL)
		return;
	region->kind = kind;
	bus_tell_map_changed(bus);
}

/* ---- watchers, initiator ---- */

bool bus_watch(struct bus *bus, struct bus_watcher watcher)
{
	if (bus->watcher_count == BUS_MAX_WATCHERS)
		return false;
	bus->watchers[bus->watcher_count++] = watcher;
	return true;
}

void bus_unwatch(struct bus *bus, const void *owner)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < bus->watcher_count; i++) {
		if (bus->watchers[i].owner != owner)
			bus->watchers[kept++] = bus->watchers[i];
	}
	bus->watcher_count = kept;
}

void bus_tell_map_changed(struct bus *bus)
{
	for (unsigned i = 0; i < bus->watcher_count; i++) {
		const struct bus_watcher *w = &bus->watchers[i];
		if (w->map_changed != NULL)
			w->map_changed(w->owner);
	}
}

void bus_set_initiator(struct bus *bus, unsigned processor)
{
	bus->initiator = processor;
}

unsigned bus_initiator(const struct bus *bus)
{
	return bus->initiator;
}
