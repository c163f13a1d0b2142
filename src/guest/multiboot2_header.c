/* The Multiboot2 header (Multiboot2 Specification version 2.0, "OS image format"). */
#include <inttypes.h>

#include "guest/bytes.h"
#include "guest/multiboot2.h"

#define HEADER_MAGIC  0xe85250d6u
#define HEADER_SEARCH 32768u
#define HEADER_BYTES  16u
#define ARCH_I386     0u
#define TAG_BYTES     8u
#define TAG_OPTIONAL  0x1u

#define FROM_START      UINT32_MAX /* load_addr: the whole file */
#define CONSOLE_NEEDED  0x1u
#define CONSOLE_EGATEXT 0x2u

static bool find_header(const struct load *l, struct multiboot2 *m)
{
	size_t end = l->size < HEADER_SEARCH ? l->size : HEADER_SEARCH;

	for (size_t i = 0; i + HEADER_BYTES <= end; i += 8) {
		const uint8_t *p = l->data + i;

		if (load32(p) == HEADER_MAGIC && HEADER_MAGIC + load32(p + 4) + load32(p + 8) + load32(p + 12) == 0) {
			*m = (struct multiboot2){.at = i, .length = load32(p + 8), .text = true, .align = 1};
			return true;
		}
	}
	return false;
}

bool multiboot2_is(const struct load *l)
{
	struct multiboot2 m;

	return find_header(l, &m);
}

/* Tags that are requests for information: each one must be of a kind this loader knows. */
static bool read_request(const struct load *l, struct multiboot2 *m, const uint8_t *tag, uint32_t size)
{
	for (uint32_t i = TAG_BYTES; i + 4 <= size; i += 4)
		if (load32(tag + i) >= TAG_COUNT)
			return diagnose(
				l->why,
				"%s: its Multiboot2 header requires boot information of the unknown type %" PRIu32,
				l->name, load32(tag + i));
	return true;
}

static bool read_addresses(const struct load *l, struct multiboot2 *m, const uint8_t *tag, uint32_t size)
{
	struct addresses *a = &m->addresses;

	m->has_addresses = true;
	*a = (struct addresses){.at = m->at,
				.header = load32(tag + 8),
				.load = load32(tag + 12),
				.load_end = load32(tag + 16),
				.bss_end = load32(tag + 20)};
	if (a->load == FROM_START && a->header < m->at)
		return diagnose(l->why,
				"%s: the header address 0x%" PRIx32 " leaves no room for the 0x%" PRIx64
				" bytes before its Multiboot2 header",
				l->name, a->header, m->at);
	if (a->load == FROM_START)
		a->load = a->header - (uint32_t)m->at;
	return true;
}

static bool read_entry(const struct load *l, struct multiboot2 *m, const uint8_t *tag, uint32_t size)
{
	m->has_entry = true;
	m->entry = load32(tag + 8);
	return true;
}

static bool read_console(const struct load *l, struct multiboot2 *m, const uint8_t *tag, uint32_t size)
{
	uint32_t flags = load32(tag + 8);

	m->text = flags & CONSOLE_EGATEXT;
	m->console = flags & CONSOLE_NEEDED;
	return true;
}

/* The loader follows what it only has to take note of: preferred video modes (this one gives text), modules on
 * page boundaries (they always are), EFI's entry points (this is no EFI platform). */
static bool read_nothing(const struct load *l, struct multiboot2 *m, const uint8_t *tag, uint32_t size)
{
	return true;
}

static bool read_relocatable(const struct load *l, struct multiboot2 *m, const uint8_t *tag, uint32_t size)
{
	m->relocatable = true;
	m->lowest = load32(tag + 8);
	m->highest = load32(tag + 12);
	m->align = load32(tag + 16) ? load32(tag + 16) : 1;
	m->preference = load32(tag + 20);
	return true;
}

static const struct {
	uint32_t size; /* at least */
	bool (*read)(const struct load *l, struct multiboot2 *m, const uint8_t *tag, uint32_t size);
} tags[] = {
	[1] = {TAG_BYTES, read_request}, /* information request */
	[2] = {24, read_addresses},      /* address */
	[3] = {12, read_entry},          /* entry address */
	[4] = {12, read_console},        /* flags */
	[5] = {20, read_nothing},        /* framebuffer */
	[6] = {TAG_BYTES, read_nothing}, /* module alignment */
	[7] = {TAG_BYTES, read_nothing}, /* EFI boot services */
	[8] = {12, read_nothing},        /* EFI i386 entry address */
	[9] = {12, read_nothing},        /* EFI amd64 entry address */
	[10] = {24, read_relocatable},   /* relocatable */
};
#define TAG_TYPES (sizeof(tags) / sizeof(tags[0]))

/* An optional request asks for nothing that has to be there. */
static bool read_tag(const struct load *l, struct multiboot2 *m, const uint8_t *tag, uint32_t size)
{
	uint32_t type = load16(tag);
	bool optional = load16(tag + 2) & TAG_OPTIONAL;

	if (type >= TAG_TYPES || !tags[type].read || (type == 1 && optional))
		return optional ||
		       diagnose(l->why,
				"%s: its Multiboot2 header requires what the unknown tag %" PRIu32 " stands for",
				l->name, type);
	if (size < tags[type].size)
		return diagnose(l->why,
				"%s: tag %" PRIu32 " of its Multiboot2 header has %" PRIu32 " bytes; at least %" PRIu32
				" are wanted",
				l->name, type, size, tags[type].size);
	return tags[type].read(l, m, tag, size);
}

/* The tags, up to the ending one or the header's end. */
static bool read_tags(const struct load *l, struct multiboot2 *m)
{
	const uint8_t *header = l->data + m->at;

	for (uint32_t at = HEADER_BYTES; m->length - at >= TAG_BYTES;) {
		uint32_t size = load32(header + at + 4);

		if (load16(header + at) == 0)
			return true;
		if (size < TAG_BYTES || size > m->length - at)
			return diagnose(l->why,
					"%s: tag %" PRIu32 " of its Multiboot2 header (file offset 0x%" PRIx64
					") has %" PRIu32 " bytes, which do not fit into the header",
					l->name, load16(header + at), m->at + at, size);
		if (!read_tag(l, m, header + at, size))
			return false;
		size = (size + 7) & ~UINT32_C(7);
		if (size > m->length - at)
			return true;
		at += size;
	}
	return true;
}

bool multiboot2_header(const struct load *l, struct multiboot2 *m)
{
	const uint8_t *header;

	if (!find_header(l, m))
		return false;
	header = l->data + m->at;
	if (load32(header + 4) != ARCH_I386)
		return diagnose(l->why, "%s: its Multiboot2 header is for architecture %" PRIu32 "; 0 (i386) is wanted",
				l->name, load32(header + 4));
	if (m->length < HEADER_BYTES || m->length > l->size - m->at || m->length > HEADER_SEARCH - m->at)
		return diagnose(l->why,
				"%s: its Multiboot2 header (file offset 0x%" PRIx64 ", %" PRIu32
				" bytes) is cut off by the end of the file or of its first %u bytes",
				l->name, m->at, m->length, HEADER_SEARCH);
	if (!read_tags(l, m))
		return false;
	if (m->has_addresses && !m->has_entry)
		return diagnose(l->why, "%s: its Multiboot2 header gives load addresses and no entry address (tag 3)",
				l->name);
	if (m->console && !(m->text && l->boot->board->vga))
		return diagnose(l->why, "%s: its Multiboot2 header requires a console, and %s", l->name,
				m->text ? "this board has no VGA"
					: "does not take the one there is (EGA text: bit 1 of the flags tag)");
	return true;
}
