/* Files of symbols beside the image: System.map, or the kernel before it was packed. */
#include <stdlib.h>
#include <string.h>

#include "guest/kallsyms.h"

#define LONGEST_LINE 1024u
#define SCRATCH      (UINT64_C(3) << 30) /* committed by the host only as it is written */

/* "c1000000 T name": an address, one letter, a name. */
static bool map_line(struct symbols *symbols, const char *line, bool *memory)
{
	char *end;
	uint64_t address = strtoull(line, &end, 16);
	size_t n;

	if (end == line || end[0] != ' ' || !end[1] || end[2] != ' ' || !end[3])
		return false;
	n = strcspn(end + 3, " \t\r");
	end[3 + n] = '\0';
	*memory = symbols_add(symbols, address, 0, end + 3);
	return n > 0;
}

bool system_map_parse(struct symbols *symbols, const char *name, const char *text, size_t size, struct diagnostic *why)
{
	unsigned number = 0;
	size_t at = 0;

	while (at < size) {
		const char *end = memchr(text + at, '\n', size - at);
		size_t n = (end ? (size_t)(end - text) : size) - at;
		char line[LONGEST_LINE];
		bool memory = true;

		number++;
		if (n >= sizeof(line) || memchr(text + at, '\0', n))
			return diagnose(why, "%s:%u: neither a System.map (ADDRESS LETTER NAME) nor ELF", name, number);
		memcpy(line, text + at, n);
		line[n] = '\0';
		if (n && !map_line(symbols, line, &memory))
			return diagnose(why, "%s:%u: \"%.40s\" is no line of a System.map (ADDRESS LETTER NAME)", name,
					number, line);
		if (!memory)
			return diagnose(why, "out of memory");
		at += n + 1;
	}
	if (symbols->count == 0)
		return diagnose(why, "%s: no symbols in it", name);
	symbols_sort(symbols);
	return true;
}

/* Loaded as an image would be, into memory that is thrown away. */
static bool elf_symbols(struct guest *guest, const char *path, const uint8_t *data, size_t size, struct diagnostic *why)
{
	struct bus *bus = bus_new();
	struct guest image = {.mode = START_RESET};
	bool ok;

	if (!bus || !bus_add_ram(bus, "scratch", 0, SCRATCH)) {
		bus_free(bus);
		return diagnose(why, "out of memory");
	}
	ok = guest_load_elf(bus, path, data, size, &image, why);
	bus_free(bus);
	if (ok && image.symbols.count == 0)
		ok = diagnose(why, "%s: no symbols in it", path);
	if (!ok) {
		guest_free(&image);
		return false;
	}
	guest->symbols = image.symbols;
	guest->lines = image.lines;
	return true;
}

bool symbols_read_file(struct guest *guest, const char *path, struct diagnostic *why)
{
	static const uint8_t elf_magic[] = {0x7f, 'E', 'L', 'F'};
	uint8_t *data;
	size_t size;
	bool ok;

	if (!guest_read_file(path, &data, &size, why))
		return false;
	if (size >= sizeof(elf_magic) && memcmp(data, elf_magic, sizeof(elf_magic)) == 0)
		ok = elf_symbols(guest, path, data, size, why);
	else
		ok = system_map_parse(&guest->symbols, path, (const char *)data, size, why);
	free(data);
	return ok;
}
