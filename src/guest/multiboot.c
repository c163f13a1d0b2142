/* Multiboot 1 (Multiboot Specification version 0.6.96): header, and the
 * information structure a loader leaves for the kernel. */
#include <inttypes.h>
#include <string.h>

#include "guest/image.h"
#include "guest/place.h"

#define HEADER_MAGIC  0x1badb002u
#define HEADER_SEARCH 8192u

#define INFO_MEMORY  0x001u
#define INFO_CMDLINE 0x004u
#define INFO_MMAP    0x040u
#define INFO_LOADER  0x200u
#define INFO_BYTES   120u /* up to and with the VBE fields */
#define MMAP_ENTRY   24u
#define MMAP_RAM     1u
#define LOW_MEMORY   (640u << 10)
#define HIGH_MEMORY  (1u << 20)
#define CMDLINE_MAX  4096u

static uint32_t load32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store32(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

bool guest_is_multiboot(const uint8_t *data, size_t size)
{
	size_t end = size < HEADER_SEARCH ? size : HEADER_SEARCH;

	for (size_t i = 0; i + 12 <= end; i += 4)
		if (load32(data + i) == HEADER_MAGIC && HEADER_MAGIC + load32(data + i + 4) + load32(data + i + 8) == 0)
			return true;
	return false;
}

/* One entry of the memory map: size of the rest, base, length, type. */
static void map_entry(uint8_t *p, uint64_t base, uint64_t length)
{
	store32(p, MMAP_ENTRY - 4);
	store32(p + 4, base);
	store32(p + 8, base >> 32);
	store32(p + 12, length);
	store32(p + 16, length >> 32);
	store32(p + 20, MMAP_RAM);
}

bool guest_multiboot(struct bus *bus, const char *name, uint64_t ram, const char *append, struct guest *guest,
		     struct diagnostic *why)
{
	static const char loader[] = "Trapgate";
	uint8_t page[INFO_BYTES + 2 * MMAP_ENTRY + sizeof(loader) + CMDLINE_MAX] = {0};
	uint64_t at = (guest->end + BUS_PAGE_SIZE - 1) & ~(uint64_t)(BUS_PAGE_SIZE - 1);
	uint8_t *map = page + INFO_BYTES;
	uint32_t loader_at = INFO_BYTES + 2 * MMAP_ENTRY, cmdline_at = loader_at + sizeof(loader);
	size_t length = append ? strlen(append) : 0;

	if (length >= CMDLINE_MAX)
		return diagnose(why, "-append: %zu characters are too many (%u at most)", length, CMDLINE_MAX - 1);
	store32(page, INFO_MEMORY | INFO_CMDLINE | INFO_MMAP | INFO_LOADER);
	store32(page + 4, (ram < LOW_MEMORY ? ram : LOW_MEMORY) >> 10);
	store32(page + 8, (ram > HIGH_MEMORY ? ram - HIGH_MEMORY : 0) >> 10);
	store32(page + 16, at + cmdline_at);
	store32(page + 44, 2 * MMAP_ENTRY);
	store32(page + 48, at + INFO_BYTES);
	store32(page + 64, at + loader_at);
	map_entry(map, 0, ram < LOW_MEMORY ? ram : LOW_MEMORY);
	map_entry(map + MMAP_ENTRY, HIGH_MEMORY, ram > HIGH_MEMORY ? ram - HIGH_MEMORY : 0);
	memcpy(page + loader_at, loader, sizeof(loader));
	if (append)
		memcpy(page + cmdline_at, append, length);
	if (!place_is_ram(bus, at, sizeof(page)) || !place_bytes(bus, at, page, sizeof(page)))
		return diagnose(why,
				"%s: no room behind the image (0x%" PRIx64 ") for the Multiboot information; use -m",
				name, at);
	guest->mode = START_MULTIBOOT;
	guest->info = at;
	guest->end = at + sizeof(page);
	return true;
}
