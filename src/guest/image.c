#include "guest/image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/place.h"

#define ROM_MAX (UINT64_C(16) << 20)
#define ROM_LOW (UINT64_C(128) << 10)

bool diagnose(struct diagnostic *why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why->text, sizeof(why->text), format, arguments);
	va_end(arguments);
	/* File and symbol names may hold anything: one line stays one line. */
	for (char *c = why->text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return false;
}

bool guest_read_file(const char *path, uint8_t **data, size_t *size, struct diagnostic *why)
{
	struct stat st;
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL;
	size_t got;

	if (!file)
		return diagnose(why, "%s: %s", path, strerror(errno));
	if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode)) {
		fclose(file);
		return diagnose(why, "%s: not a regular file", path);
	}
	if (st.st_size == 0 || (uint64_t)st.st_size > GUEST_MAX_FILE) {
		fclose(file);
		if (st.st_size == 0)
			return diagnose(why, "%s: the file is empty", path);
		return diagnose(why, "%s: the file is larger than 1 GiB", path);
	}
	bytes = malloc((size_t)st.st_size);
	got = bytes ? fread(bytes, 1, (size_t)st.st_size, file) : 0;
	fclose(file);
	if (!bytes)
		return diagnose(why, "%s: out of memory", path);
	if (got != (size_t)st.st_size) {
		free(bytes);
		return diagnose(why, "%s: could not be read whole", path);
	}
	*data = bytes;
	*size = got;
	return true;
}

bool place_is_ram(struct bus *bus, uint64_t address, uint64_t size)
{
	if (address + size < address)
		return false;
	while (size) {
		uint64_t offset, part;
		const struct region *region = bus_find(bus, address, &offset);

		if (!region || region->kind != REGION_RAM)
			return false;
		part = region->size - offset;
		if (part >= size)
			return true;
		address += part;
		size -= part;
	}
	return true;
}

bool place_bytes(struct bus *bus, uint64_t address, const uint8_t *data, uint64_t size)
{
	return bus_load(bus, address, data, size) == size;
}

bool place_zeros(struct bus *bus, uint64_t address, uint64_t size)
{
	static const uint8_t zeros[BUS_PAGE_SIZE];
	uint8_t now[BUS_PAGE_SIZE];

	while (size) {
		size_t part = size < sizeof(now) ? (size_t)size : sizeof(now);

		if (bus_peek(bus, address, now, part) != part)
			return false;
		if (memcmp(now, zeros, part) != 0 && bus_load(bus, address, zeros, part) != part)
			return false;
		address += part;
		size -= part;
	}
	return true;
}

bool guest_load_flat(struct bus *bus, const char *name, const uint8_t *data, size_t size, uint64_t address,
		     struct guest *guest, struct diagnostic *why)
{
	if (!place_is_ram(bus, address, size))
		return diagnose(why, "%s: 0x%" PRIx64 "+0x%zx is outside RAM; use -m or another address", name, address,
				size);
	if (!place_bytes(bus, address, data, size))
		return diagnose(why, "%s: 0x%" PRIx64 "+0x%zx could not be written", name, address, size);
	if (address + size > guest->end)
		guest->end = address + size;
	return true;
}

bool guest_load_rom(struct bus *bus, const char *name, const uint8_t *data, size_t size, struct guest *guest,
		    struct diagnostic *why)
{
	uint64_t low = size < ROM_LOW ? size : ROM_LOW;

	if (size % BUS_PAGE_SIZE != 0)
		return diagnose(why, "%s: a ROM is made of whole 4 KiB pages, this file has %zu bytes; pad it", name,
				size);
	if (size > ROM_MAX)
		return diagnose(why, "%s: %zu bytes are too large for a ROM (16 MiB at most)", name, size);
	if (!bus_add_rom(bus, "ROM", (UINT64_C(1) << 32) - size, size, data, size) ||
	    !bus_add_rom(bus, "ROM below 1 MiB", (UINT64_C(1) << 20) - low, low, data + size - low, low))
		return diagnose(why, "%s: out of memory", name);
	guest->mode = START_RESET;
	return true;
}

void guest_free(struct guest *guest)
{
	symbols_free(&guest->symbols);
	lines_free(&guest->lines);
}
