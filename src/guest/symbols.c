#include "guest/symbols.h"

#include <stdlib.h>
#include <string.h>

bool symbols_add(struct symbols *symbols, uint64_t address, uint64_t size, const char *name)
{
	char *copy;

	if (symbols->count == symbols->room) {
		size_t room = symbols->room ? symbols->room * 2 : 64;
		struct symbol *list = realloc(symbols->list, room * sizeof(*list));

		if (!list)
			return false;
		symbols->list = list;
		symbols->room = room;
	}
	copy = strdup(name);
	if (!copy)
		return false;
	symbols->list[symbols->count++] = (struct symbol){address, size, copy};
	return true;
}

static size_t underscores(const char *name)
{
	return strspn(name, "_");
}

/* By address; of several names for one address, the longest object first, then that with fewer underscores in front,
 * then by name: the order never hangs on the file's. */
static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	if (underscores(x->name) != underscores(y->name))
		return underscores(x->name) < underscores(y->name) ? -1 : 1;
	return strcmp(x->name, y->name);
}

void symbols_sort(struct symbols *symbols)
{
	if (symbols->count)
		qsort(symbols->list, symbols->count, sizeof(symbols->list[0]), compare);
}

const char *symbols_find(const struct symbols *symbols, uint64_t address, uint64_t *offset)
{
	size_t low = 0, high = symbols->count;
	const struct symbol *s;

	while (low < high) { /* the first one above address */
		size_t middle = low + (high - low) / 2;

		if (symbols->list[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	s = &symbols->list[low - 1];
	while (s > symbols->list && s[-1].address == s->address)
		s--;
	if (s->size && address - s->address >= s->size)
		return NULL;
	*offset = address - s->address;
	return s->name;
}

bool symbols_address(const struct symbols *symbols, const char *name, uint64_t *address)
{
	for (size_t i = 0; i < symbols->count; i++)
		if (strcmp(symbols->list[i].name, name) == 0) {
			*address = symbols->list[i].address;
			return true;
		}
	return false;
}

void symbols_free(struct symbols *symbols)
{
	for (size_t i = 0; i < symbols->count; i++)
		free((char *)symbols->list[i].name);
	free(symbols->list);
	*symbols = (struct symbols){0};
}
