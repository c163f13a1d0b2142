/* Emulator gaps: each text is told once.  What comes before there is a sink
 * is told to the sink when it comes. */
#include "bus/private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP_TEXT 256
/* A guest that reaches more different gaps than this has made its point. */
#define GAP_MAX  1024

void bus_gap_free(struct bus *bus)
{
	for (size_t i = 0; i < bus->gap_count; i++)
		free(bus->gaps[i]);
	free(bus->gaps);
}

void bus_set_gap_sink(struct bus *bus, void (*sink)(void *owner, const char *text), void *owner)
{
	bool early = bus->gap_sink == NULL;

	bus->gap_sink = sink;
	bus->gap_owner = owner;
	for (size_t i = 0; early && sink != NULL && i < bus->gap_count; i++)
		sink(owner, bus->gaps[i]);
}

void bus_gap(struct bus *bus, const char *format, ...)
{
	char text[GAP_TEXT];
	char *copy;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (size_t i = 0; i < bus->gap_count; i++) {
		if (strcmp(bus->gaps[i], text) == 0)
			return;
	}
	if (bus->gap_count == GAP_MAX)
		return;
	copy = strdup(text);
	if (copy != NULL && vector_grow(&bus->gaps, bus->gap_count, sizeof(*bus->gaps)))
		bus->gaps[bus->gap_count++] = copy;
	else
		free(copy);
	if (bus->gap_sink != NULL)
		bus->gap_sink(bus->gap_owner, text);
}
