#include "devices/acpitable.h"

#include <string.h>

#include "devices/piix3.h"
#include "devices/tablebytes.h"

#define HEADER 36u
#define HEADER_CHECKSUM 9u
#define FADT_SIZE 244u
#define FACS_SIZE 64u
#define HPET_SIZE 56u

#define FADT_PM1_EVENT_LENGTH 4
#define FADT_PM1_CONTROL_LENGTH 2
#define FADT_PM_TIMER_LENGTH 4
#define FADT_CENTURY 0x32        /* the RTC's register */
#define FADT_LEGACY_8042 0x0003u /* IAPC_BOOT_ARCH: legacy devices, 8042 */
#define FADT_FLAGS 0x00000465u   /* WBINVD, C1, no sleep button, RTC not in fixed registers, reset register */
#define MADT_PCAT 1u             /* there is a pair of 8259s */
#define MADT_HIGH_LEVEL 0x000du
#define NO_C2 0x0fffu
#define NO_C3 0x0fffu

enum space { SPACE_MEMORY, SPACE_IO };

struct builder {
	uint8_t *at;
	size_t size;
	struct acpi_tables *t;
	bool full;
};

/* size zeroed bytes on a multiple of align; their offset.  Where there is no
 * room the builder is full and the offset is 0. */
static uint32_t room(struct builder *b, size_t size, uint32_t align)
{
	uint32_t offset = (b->t->size + align - 1) / align * align;

	if (b->full || offset > b->size || b->size - offset < size) {
		b->full = true;
		return 0;
	}
	memset(b->at + b->t->size, 0, offset - b->t->size + size);
	b->t->size = offset + (uint32_t)size;
	return offset;
}

/* An address of something at the offset target. */
static void put_pointer(struct builder *b, uint32_t at, uint32_t target, uint8_t bytes)
{
	put_le(b->at + at, (uint64_t)b->t->address + target, bytes);
	b->t->pointer[b->t->pointers].offset = at;
	b->t->pointer[b->t->pointers++].bytes = bytes;
}

/* Header and checksum, once the rest is there. */
static void finish(struct builder *b, uint32_t at, const char *signature, uint32_t size, uint8_t revision)
{
	uint8_t *h = b->at + at;

	memcpy(h, signature, 4);
	put_le(h + 4, size, 4);
	h[8] = revision;
	memcpy(h + 10, "TRAPGTTRAPGATE", 14); /* OEM id, OEM table id */
	put_le(h + 24, 1, 4);
	memcpy(h + 28, "TRAP", 4);
	put_le(h + 32, 1, 4);
	put_checksum(h, size, h + HEADER_CHECKSUM);
	b->t->table[b->t->table_count].offset = at;
	b->t->table[b->t->table_count++].size = size;
}

/* Generic address structure. */
static void put_gas(uint8_t *at, enum space space, unsigned bits, uint64_t address)
{
	at[0] = (uint8_t)space;
	at[1] = (uint8_t)bits;
	at[2] = at[3] = 0;
	put_le(at + 4, address, 8);
}

/* ---- the tables ---- */
static void build_facs(struct builder *b)
{
	b->t->facs = room(b, FACS_SIZE, 64);
	if (b->full)
		return;
	memcpy(b->at + b->t->facs, "FACS", 4);
	put_le(b->at + b->t->facs + 4, FACS_SIZE, 4);
	b->at[b->t->facs + 32] = 1; /* version */
}

static void build_dsdt(struct builder *b, const struct acpi_config *c)
{
	uint32_t at = room(b, HEADER, 16);
	size_t body;

	if (b->full)
		return;
	body = acpi_dsdt_body(b->at + b->t->size, b->size - b->t->size, c);
	if (body == 0) {
		b->full = true;
		return;
	}
	b->t->size += (uint32_t)body;
	b->t->dsdt = at;
	finish(b, at, "DSDT", HEADER + (uint32_t)body, 1);
}

static void put_pm_registers(uint8_t *f, const struct acpi_config *c)
{
	put_le(f + 56, c->pm_base, 4);
	put_le(f + 64, c->pm_base + 4u, 4);
	put_le(f + 76, c->pm_base + 8u, 4);
	f[88] = FADT_PM1_EVENT_LENGTH;
	f[89] = FADT_PM1_CONTROL_LENGTH;
	f[91] = FADT_PM_TIMER_LENGTH;
	put_gas(f + 148, SPACE_IO, 8 * FADT_PM1_EVENT_LENGTH, c->pm_base);
	put_gas(f + 172, SPACE_IO, 8 * FADT_PM1_CONTROL_LENGTH, c->pm_base + 4u);
	put_gas(f + 208, SPACE_IO, 8 * FADT_PM_TIMER_LENGTH, c->pm_base + 8u);
}

static void build_fadt(struct builder *b, const struct acpi_config *c)
{
	uint32_t at = room(b, FADT_SIZE, 16);
	uint8_t *f = b->at + at;

	if (b->full)
		return;
	b->t->fadt = at;
	put_pointer(b, at + 36, b->t->facs, 4);
	put_pointer(b, at + 40, b->t->dsdt, 4);
	put_pointer(b, at + 132, b->t->facs, 8);
	put_pointer(b, at + 140, b->t->dsdt, 8);
	put_le(f + 46, c->sci, 2);
	put_le(f + 48, PIIX3_APM_PORT, 4);
	f[52] = PIIX3_ACPI_ON;
	f[53] = PIIX3_ACPI_OFF;
	put_pm_registers(f, c);
	put_le(f + 96, NO_C2, 2);
	put_le(f + 98, NO_C3, 2);
	f[108] = FADT_CENTURY;
	put_le(f + 109, FADT_LEGACY_8042, 2);
	put_le(f + 112, FADT_FLAGS, 4);
	put_gas(f + 116, SPACE_IO, 8, PIIX3_RESET_PORT);
	f[128] = PIIX3_RESET_HARD | PIIX3_RESET_CPU;
	finish(b, at, "FACP", FADT_SIZE, 3);
}

static void add_override(struct builder *b, unsigned irq, unsigned input, unsigned flags)
{
	uint8_t *e = b->at + room(b, 10, 1);

	if (b->full)
		return;
	e[0] = 2;
	e[1] = 10;
	e[3] = (uint8_t)irq;
	put_le(e + 4, input, 4);
	put_le(e + 8, flags, 2);
}

static void add_processor(struct builder *b, unsigned i)
{
	uint8_t *e = b->at + room(b, 8, 1);

	if (b->full)
		return;
	e[1] = 8;
	e[2] = e[3] = (uint8_t)i;
	e[4] = 1; /* enabled */
}

static void add_ioapic(struct builder *b, const struct acpi_config *c)
{
	uint8_t *e = b->at + room(b, 12, 1);

	if (b->full)
		return;
	e[0] = 1;
	e[1] = 12;
	e[2] = c->ioapic_id;
	put_le(e + 4, c->ioapic_base, 4);
}

/* NMI: LINT1 of every processor. */
static void add_nmi(struct builder *b)
{
	static const uint8_t nmi[6] = {4, 6, 0xff, 0, 0, 1};
	uint8_t *e = b->at + room(b, sizeof(nmi), 1);

	if (!b->full)
		memcpy(e, nmi, sizeof(nmi));
}

static void build_madt(struct builder *b, const struct acpi_config *c)
{
	uint32_t at = room(b, HEADER + 8, 16);

	if (b->full)
		return;
	b->t->madt = at;
	put_le(b->at + at + 36, c->lapic_base, 4);
	put_le(b->at + at + 40, MADT_PCAT, 4);
	for (unsigned i = 0; i < c->processors; i++)
		add_processor(b, i);
	add_ioapic(b, c);
	add_override(b, 0, 2, 0);
	for (unsigned irq = 0; irq < 16; irq++) {
		if (irq == c->sci || memchr(c->pirq, (int)irq, sizeof(c->pirq)))
			add_override(b, irq, irq, MADT_HIGH_LEVEL);
	}
	add_nmi(b);
	if (!b->full)
		finish(b, at, "APIC", b->t->size - at, 1);
}

static void build_hpet(struct builder *b, const struct acpi_config *c)
{
	uint32_t at = room(b, HPET_SIZE, 16);

	if (b->full)
		return;
	b->t->hpet = at;
	put_le(b->at + at + 36, c->hpet_id, 4);
	put_gas(b->at + at + 40, SPACE_MEMORY, 64, c->hpet_base);
	put_le(b->at + at + 53, c->hpet_min_tick, 2);
	finish(b, at, "HPET", HPET_SIZE, 1);
}

/* RSDT (addresses of 4 bytes) or XSDT (of 8). */
static uint32_t build_root(struct builder *b, const char *signature, uint8_t bytes)
{
	const uint32_t target[3] = {b->t->fadt, b->t->madt, b->t->hpet};
	unsigned count = b->t->hpet ? 3 : 2;
	uint32_t size = HEADER + count * bytes, at = room(b, size, 16);

	if (b->full)
		return 0;
	for (unsigned i = 0; i < count; i++)
		put_pointer(b, at + HEADER + i * bytes, target[i], bytes);
	finish(b, at, signature, size, 1);
	return at;
}

static bool valid(const struct acpi_config *c)
{
	for (unsigned i = 0; i < 4; i++) {
		if (c->pirq[i] == 0 || c->pirq[i] > 15)
			return false;
	}
	return c->processors != 0 && c->processors <= ACPI_MAX_PROCESSORS && c->sci != 0 && c->sci < 16;
}

bool acpi_build(uint8_t *memory, size_t size, uint32_t address, const struct acpi_config *c,
		struct acpi_tables *tables)
{
	struct builder b = {.at = memory, .size = size, .t = tables};

	memset(tables, 0, sizeof(*tables));
	tables->address = address;
	if (address % 64 || !valid(c))
		return false;
	build_facs(&b);
	build_dsdt(&b, c);
	build_fadt(&b, c);
	build_madt(&b, c);
	if (c->hpet_base)
		build_hpet(&b, c);
	tables->rsdt = build_root(&b, "RSDT", 4);
	tables->xsdt = build_root(&b, "XSDT", 8);
	return !b.full;
}

void acpi_rsdp(uint8_t rsdp[ACPI_RSDP_SIZE], const struct acpi_tables *t)
{
	memset(rsdp, 0, ACPI_RSDP_SIZE);
	memcpy(rsdp, "RSD PTR ", 8);
	memcpy(rsdp + 9, "TRAPGT", 6);
	rsdp[15] = 2; /* revision: ACPI 2.0 */
	put_le(rsdp + 16, t->address + t->rsdt, 4);
	put_le(rsdp + 20, ACPI_RSDP_SIZE, 4);
	put_le(rsdp + 24, (uint64_t)t->address + t->xsdt, 8);
	put_checksum(rsdp, 20, rsdp + 8); /* the part of ACPI 1.0 */
	put_checksum(rsdp, ACPI_RSDP_SIZE, rsdp + 32);
}

/* ---- the loader's script ---- */
#define LOADER_ALLOCATE 1u
#define LOADER_POINTER 2u
#define LOADER_CHECKSUM 3u
#define LOADER_HIGH 1
#define LOADER_FSEG 2
#define LOADER_NAME 56u

static const char tables_file[LOADER_NAME] = "etc/acpi/tables";
static const char rsdp_file[LOADER_NAME] = "etc/acpi/rsdp";

static uint8_t *command(struct builder *b, unsigned number, const char *file)
{
	uint8_t *e = b->at + room(b, ACPI_LOADER_ENTRY, 1);

	if (b->full)
		return NULL;
	put_le(e, number, 4);
	memcpy(e + 4, file, LOADER_NAME);
	return e;
}

static void allocate(struct builder *b, const char *file, uint32_t align, uint8_t zone)
{
	uint8_t *e = command(b, LOADER_ALLOCATE, file);

	if (!e)
		return;
	put_le(e + 60, align, 4);
	e[64] = zone;
}

/* Adds the place of the tables to an address in file. */
static void relocate(struct builder *b, const char *file, uint32_t offset, uint8_t bytes)
{
	uint8_t *e = command(b, LOADER_POINTER, file);

	if (!e)
		return;
	memcpy(e + 60, tables_file, LOADER_NAME);
	put_le(e + 116, offset, 4);
	e[120] = bytes;
}

static void checksum(struct builder *b, const char *file, uint32_t offset, uint32_t start, uint32_t size)
{
	uint8_t *e = command(b, LOADER_CHECKSUM, file);

	if (!e)
		return;
	put_le(e + 60, offset, 4);
	put_le(e + 64, start, 4);
	put_le(e + 68, size, 4);
}

size_t acpi_loader(uint8_t *script, size_t size, const struct acpi_tables *t)
{
	struct acpi_tables used = {0};
	struct builder b = {.at = script, .size = size, .t = &used};

	if (t->address != 0 || t->size == 0)
		return 0;
	allocate(&b, rsdp_file, 16, LOADER_FSEG);
	allocate(&b, tables_file, 64, LOADER_HIGH);
	for (unsigned i = 0; i < t->pointers; i++)
		relocate(&b, tables_file, t->pointer[i].offset, t->pointer[i].bytes);
	relocate(&b, rsdp_file, 16, 4);
	relocate(&b, rsdp_file, 24, 8);
	for (unsigned i = 0; i < t->table_count; i++)
		checksum(&b, tables_file, t->table[i].offset + HEADER_CHECKSUM, t->table[i].offset, t->table[i].size);
	checksum(&b, rsdp_file, 8, 0, 20);
	checksum(&b, rsdp_file, 32, 0, ACPI_RSDP_SIZE);
	return b.full ? 0 : used.size;
}
