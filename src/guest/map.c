/* The memory map a board's firmware hands on. */
#include "guest/boot.h"

#define LOW_RAM_MAX (UINT64_C(640) << 10)
#define BIOS_SIZE   UINT64_C(0x10000)
#define HIGH_RAM    (UINT64_C(1) << 20)
#define ABOVE_4_GIB (UINT64_C(1) << 32)

struct map {
	struct memory_range range[BOOT_MAX_RANGES];
	unsigned ranges;
	bool full;
};

/* Behind all that is there; joined to a neighbour of the same type. */
static void append(struct map *map, uint64_t start, uint64_t end, uint32_t type)
{
	struct memory_range *last = map->ranges ? &map->range[map->ranges - 1] : NULL;

	if (end <= start)
		return;
	if (last && last->type == type && last->start + last->size == start)
		last->size = end - last->start;
	else if (map->ranges == BOOT_MAX_RANGES)
		map->full = true;
	else
		map->range[map->ranges++] = (struct memory_range){start, end - start, type};
}

bool boot_set_range(struct boot_board *board, uint64_t start, uint64_t size, enum memory_type type)
{
	struct map map = {.ranges = 0};
	uint64_t end = start + size;
	bool done = false;

	if (end < start)
		return false;
	for (unsigned i = 0; i < board->ranges; i++) {
		const struct memory_range *r = &board->range[i];
		uint64_t r_end = r->start + r->size;

		append(&map, r->start, r_end < start ? r_end : start, r->type);
		if (!done && r_end > start) {
			append(&map, start, end, type);
			done = true;
		}
		append(&map, r->start > end ? r->start : end, r_end, r->type);
	}
	if (!done)
		append(&map, start, end, type);
	if (map.full)
		return false;
	for (unsigned i = 0; i < map.ranges; i++)
		board->range[i] = map.range[i];
	board->ranges = map.ranges;
	return true;
}

bool boot_set_ram(struct boot_board *board, uint64_t below, uint64_t above)
{
	uint64_t low = below < LOW_RAM_MAX ? below : LOW_RAM_MAX;
	uint64_t ebda = low / EBDA_SIZE * EBDA_SIZE - EBDA_SIZE;

	board->ranges = 0;
	return low >= 2 * EBDA_SIZE && boot_set_range(board, 0, low, MEMORY_RAM) &&
	       boot_set_range(board, ebda, low - ebda, MEMORY_RESERVED) &&
	       boot_set_range(board, BIOS_SEGMENT, BIOS_SIZE, MEMORY_RESERVED) &&
	       (below <= HIGH_RAM || boot_set_range(board, HIGH_RAM, below - HIGH_RAM, MEMORY_RAM)) &&
	       (above == 0 || boot_set_range(board, ABOVE_4_GIB, above, MEMORY_RAM));
}

uint64_t boot_ram_end(const struct boot_board *board, uint64_t from)
{
	for (unsigned i = 0; i < board->ranges; i++) {
		const struct memory_range *r = &board->range[i];

		if (r->type == MEMORY_RAM && r->start <= from && from < r->start + r->size)
			return r->start + r->size;
	}
	return from;
}

uint64_t boot_ebda(const struct boot_board *board)
{
	return boot_ram_end(board, 0);
}
