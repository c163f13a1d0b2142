/* Where in the board's RAM things are put. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "guest/bytes.h"
#include "guest/load.h"
#include "guest/place.h"

#define LOW_INFO     UINT64_C(0x8000) /* above the stack the guest is started with */
#define LOW_INFO_END UINT64_C(0xa0000)

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

void spans_sort(struct spans *spans)
{
	if (!spans->sorted && spans->count)
		qsort(spans->list, spans->count, sizeof(spans->list[0]), by_start);
	spans->sorted = true;
}

bool space_take(struct load *l, uint64_t start, uint64_t end, size_t index)
{
	struct spans *spans = &l->taken;

	if (end <= start)
		return true;
	if (spans->count == spans->room) {
		size_t room = spans->room ? spans->room * 2 : 16;
		struct span *list = realloc(spans->list, room * sizeof(*list));

		if (!list)
			return diagnose(l->why, "%s: out of memory", l->name);
		spans->list = list;
		spans->room = room;
	}
	spans->list[spans->count++] = (struct span){start, end, index};
	spans->sorted = false;
	if (end > l->guest->end)
		l->guest->end = end;
	return true;
}

static uint64_t align_up(uint64_t at, uint64_t align)
{
	return at % align ? at + (align - at % align) : at;
}

static bool find_low(const struct spans *taken, const struct wish *w, uint64_t from, uint64_t to, uint64_t *found)
{
	uint64_t at = align_up(from, w->align);

	for (size_t i = 0; i < taken->count && at < to; i++)
		if (taken->list[i].end > at && taken->list[i].start < at + w->size)
			at = align_up(taken->list[i].end, w->align);
	*found = at;
	return at < to && to - at >= w->size;
}

static bool find_high(const struct spans *taken, const struct wish *w, uint64_t from, uint64_t to, uint64_t *found)
{
	uint64_t at = (to - w->size) / w->align * w->align;

	for (size_t i = taken->count; i-- > 0;) {
		if (taken->list[i].end <= at || taken->list[i].start >= at + w->size)
			continue;
		if (taken->list[i].start < w->size)
			return false;
		at = (taken->list[i].start - w->size) / w->align * w->align;
	}
	*found = at;
	return at >= from;
}

bool space_find(struct load *l, const struct wish *w, uint64_t *at)
{
	const struct boot_board *board = l->boot->board;

	spans_sort(&l->taken);
	for (unsigned n = 0; n < board->ranges; n++) {
		const struct memory_range *r = &board->range[w->high ? board->ranges - 1 - n : n];
		uint64_t from = r->start > w->from ? r->start : w->from;
		uint64_t to = r->start + r->size < w->to ? r->start + r->size : w->to;

		if (r->type != MEMORY_RAM || from >= to || to - from < w->size)
			continue;
		if (w->high ? find_high(&l->taken, w, from, to, at) : find_low(&l->taken, w, from, to, at))
			return true;
	}
	return false;
}

bool info_begin(struct load *l, struct info *info, size_t room)
{
	struct wish wish = {.size = room, .align = 16, .from = LOW_INFO, .to = LOW_INFO_END};

	*info = (struct info){.room = room};
	if (!space_find(l, &wish, &info->at)) {
		wish.to = FOUR_GIB;
		if (!space_find(l, &wish, &info->at))
			return diagnose(l->why, "%s: no room for the %zu bytes of boot information; use -m", l->name,
					room);
	}
	info->bytes = calloc(1, room);
	return info->bytes || diagnose(l->why, "%s: out of memory", l->name);
}

size_t info_part(struct info *info, size_t size, size_t align)
{
	size_t at = (info->used + align - 1) / align * align;

	if (at > info->room || size > info->room - at) {
		info->used = info->room + 1;
		return 0;
	}
	info->used = at + size;
	return at;
}

void info_copy(struct info *info, size_t at, const void *data, size_t size)
{
	if (size && at <= info->room && size <= info->room - at)
		memcpy(info->bytes + at, data, size);
}

void info_store(struct info *info, size_t at, unsigned bytes, uint64_t value)
{
	uint8_t number[8];

	store(number, bytes, value);
	info_copy(info, at, number, bytes);
}

uint64_t info_string(struct info *info, const char *text)
{
	size_t size = strlen(text) + 1, at = info_part(info, size, 1);

	info_copy(info, at, text, size);
	return info->at + at;
}

bool info_end(struct load *l, struct info *info)
{
	bool ok = info->used <= info->room && place_bytes(l->bus, info->at, info->bytes, info->used);

	if (!ok)
		diagnose(l->why, "%s: the boot information (0x%" PRIx64 "+0x%zx) could not be written", l->name,
			 info->at, info->used);
	l->guest->info = info->at;
	ok = ok && space_take(l, info->at, info->at + info->used, 0);
	info_drop(info);
	return ok;
}

void info_drop(struct info *info)
{
	free(info->bytes);
	info->bytes = NULL;
}
