/* The DSDT's AML: \_S5, the PCI root bridge with its resources and
 * interrupt routing, the four interrupt links.
 * ACPI Specification 2.0, "ACPI Machine Language Specification", "Resource
 * Data Types for ACPI", "PCI Interrupt Routing". */
#include <string.h>

#include "devices/acpitable.h"
#include "devices/tablebytes.h"

#define AML_ZERO 0x00
#define AML_NAME 0x08
#define AML_BYTE 0x0a
#define AML_DWORD 0x0c
#define AML_SCOPE 0x10
#define AML_BUFFER 0x11
#define AML_PACKAGE 0x12
#define AML_METHOD 0x14
#define AML_EXT 0x5b
#define AML_EXT_DEVICE 0x82
#define AML_ROOT 0x5c
#define AML_RETURN 0xa4

#define PCI_HOLE_LAST UINT32_C(0xfebfffff)
#define STA_PRESENT_ENABLED_WORKING 0x0b

struct aml {
	uint8_t *at;
	size_t size, used;
	bool full;
};

static void add(struct aml *a, const void *bytes, size_t n)
{
	if (a->full || a->size - a->used < n) {
		a->full = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		a->at[a->used++] = ((const uint8_t *)bytes)[i];
}

static void add_number(struct aml *a, uint64_t value, unsigned bytes)
{
	uint8_t le[8];

	put_le(le, value, bytes);
	add(a, le, bytes);
}

static void add_op(struct aml *a, unsigned op)
{
	add_number(a, op, 1);
}

/* An integer that fits into a byte, or a 32-bit one. */
static void add_integer(struct aml *a, uint32_t value)
{
	if (value > 1)
		add_op(a, value < 0x100 ? AML_BYTE : AML_DWORD);
	add_number(a, value, value < 0x100 ? 1 : 4);
}

/* Package lengths are two bytes: bits 3-0 in the first, 11-4 in the second. */
static size_t begin(struct aml *a)
{
	size_t start = a->used;

	add_number(a, 0, 2);
	return start;
}

static void end(struct aml *a, size_t start)
{
	size_t length = a->used - start;

	if (a->full || length > 0xfff) {
		a->full = true;
		return;
	}
	a->at[start] = (uint8_t)(0x40 | (length & 0xf));
	a->at[start + 1] = (uint8_t)(length >> 4);
}

static void add_name(struct aml *a, const char name[5])
{
	add_op(a, AML_NAME);
	add(a, name, 4);
}

/* Name(name, value) */
static void add_named_integer(struct aml *a, const char name[5], uint32_t value)
{
	add_name(a, name);
	add_integer(a, value);
}

static size_t begin_device(struct aml *a, const char name[5])
{
	size_t start;

	add_op(a, AML_EXT);
	add_op(a, AML_EXT_DEVICE);
	start = begin(a);
	add(a, name, 4);
	return start;
}

/* Name(_HID, EisaId("PNPnnnn")): the letters pack to 41h D0h. */
static void add_pnp(struct aml *a, unsigned number)
{
	add_name(a, "_HID");
	add_op(a, AML_DWORD);
	add_number(a, 0xd041 | (number >> 8 & 0xff) << 16 | (number & 0xff) << 24, 4);
}

/* Name(name, ResourceTemplate) with the end tag. */
static void add_resources(struct aml *a, const char name[5], const uint8_t *bytes, size_t n)
{
	static const uint8_t end_tag[2] = {0x79, 0x00};
	size_t start;

	add_name(a, name);
	add_op(a, AML_BUFFER);
	start = begin(a);
	add_integer(a, (uint32_t)(n + sizeof(end_tag)));
	add(a, bytes, n);
	add(a, end_tag, sizeof(end_tag));
	end(a, start);
}

/* ---- the parts ---- */

/* \_S5: SLP_TYP 0 is soft-off. */
static void add_s5(struct aml *a)
{
	size_t start;

	add_op(a, AML_NAME);
	add_op(a, AML_ROOT);
	add(a, "_S5_", 4);
	add_op(a, AML_PACKAGE);
	start = begin(a);
	add_op(a, 4);
	for (unsigned i = 0; i < 4; i++)
		add_integer(a, 0);
	end(a, start);
}

/* The bridge's windows.  Ranges 88h (16-bit) and 87h (32-bit): kind, general
 * flags (both ends fixed, produced), kind's flags, granularity, first, last,
 * translation, length. */
static void add_windows(struct aml *a, const struct acpi_config *c)
{
	static const uint8_t fixed[] = {
		0x88, 0x0d, 0x00, 2, 0x0c, 0, 0, 0, 0x00, 0x00, 0xff, 0x00, 0, 0, 0x00, 0x01, /* buses 0-255 */
		0x47, 1, 0xf8, 0x0c, 0xf8, 0x0c, 1, 8,                                        /* CF8h-CFFh, its own */
		0x88, 0x0d, 0x00, 1, 0x0c, 3, 0, 0, 0x00, 0x00, 0xf7, 0x0c, 0, 0, 0xf8, 0x0c, /* ports 0-CF7h */
		0x88, 0x0d, 0x00, 1, 0x0c, 3, 0, 0, 0x00, 0x0d, 0xff, 0xff, 0, 0, 0x00, 0xf3, /* D00h-FFFFh */
		0x87, 0x17, 0x00, 0, 0x0c, 3, 0, 0, 0, 0, 0x00, 0x00, 0x0a, 0x00,             /* A0000h-BFFFFh */
		0xff, 0xff, 0x0b, 0x00, 0, 0, 0, 0, 0x00, 0x00, 0x02, 0x00,
		0x87, 0x17, 0x00, 0, 0x0c, 1, 0, 0, 0, 0,                                     /* the hole, not cached */
	};
	uint8_t all[sizeof(fixed) + 16];

	memcpy(all, fixed, sizeof(fixed));
	put_le(all + sizeof(fixed), c->pci_memory, 4);
	put_le(all + sizeof(fixed) + 4, PCI_HOLE_LAST, 4);
	put_le(all + sizeof(fixed) + 8, 0, 4);
	put_le(all + sizeof(fixed) + 12, PCI_HOLE_LAST - c->pci_memory + 1, 4);
	add_resources(a, "_CRS", all, sizeof(all));
}

/* Pin n of device d: link (d - 1 + n) modulo 4, n from 0 on.  The link's
 * interrupt is the route. */
static void add_routing(struct aml *a)
{
	size_t start, entry;

	add_name(a, "_PRT");
	add_op(a, AML_PACKAGE);
	start = begin(a);
	add_op(a, 31 * 4);
	for (unsigned i = 4; i < 32 * 4; i++) {
		unsigned device = i / 4, pin = i % 4;
		char link[5] = "LNKA";

		link[3] = (char)('A' + ((device + pin + 3) & 3));
		add_op(a, AML_PACKAGE);
		entry = begin(a);
		add_op(a, 4);
		add_integer(a, device << 16 | 0xffff);
		add_integer(a, pin);
		add(a, link, 4);
		add_integer(a, 0);
		end(a, entry);
	}
	end(a, start);
}

static void add_method(struct aml *a, const char name[5], unsigned arguments, const uint8_t *body, size_t size)
{
	size_t start;

	add_op(a, AML_METHOD);
	start = begin(a);
	add(a, name, 4);
	add_op(a, arguments);
	add(a, body, size);
	end(a, start);
}

/* A link that stays where firmware put it. */
static void add_link(struct aml *a, const struct acpi_config *c, unsigned i)
{
	static const uint8_t sta[] = {AML_RETURN, AML_BYTE, STA_PRESENT_ENABLED_WORKING};
	/* extended interrupt: consumed, level, active high, shared */
	uint8_t interrupt[9] = {0x89, 0x06, 0x00, 0x09, 1, c->pirq[i]};
	char name[5] = "LNKA";
	size_t start;

	name[3] = (char)('A' + i);
	start = begin_device(a, name);
	add_pnp(a, 0x0c0f);
	add_named_integer(a, "_UID", i + 1);
	add_resources(a, "_PRS", interrupt, sizeof(interrupt));
	add_resources(a, "_CRS", interrupt, sizeof(interrupt));
	add_method(a, "_STA", 0, sta, sizeof(sta));
	add_method(a, "_DIS", 0, NULL, 0);
	add_method(a, "_SRS", 1, NULL, 0);
	end(a, start);
}

static void add_bridge(struct aml *a, const struct acpi_config *c)
{
	size_t start = begin_device(a, "PCI0");

	add_pnp(a, 0x0a03);
	add_named_integer(a, "_UID", 0);
	add_windows(a, c);
	add_routing(a);
	end(a, start);
}

size_t acpi_dsdt_body(uint8_t *memory, size_t size, const struct acpi_config *c)
{
	struct aml a = {.at = memory, .size = size};
	size_t start;

	add_s5(&a);
	add_op(&a, AML_SCOPE);
	start = begin(&a);
	add_op(&a, AML_ROOT);
	add(&a, "_SB_", 4);
	for (unsigned i = 0; i < 4; i++)
		add_link(&a, c, i);
	add_bridge(&a, c);
	end(&a, start);
	return a.full ? 0 : a.used;
}
