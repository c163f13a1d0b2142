/* MP and ACPI tables, read back as an operating system reads them. */
#include "bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "devices/acpitable.h"
#include "devices/mptable.h"

static uint64_t le(const uint8_t *at, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

static uint8_t sum(const uint8_t *at, size_t size)
{
	uint8_t total = 0;

	for (size_t i = 0; i < size; i++)
		total = (uint8_t)(total + at[i]);
	return total;
}

/* ---- MP tables ---- */
#define MP_ADDRESS 0xf5a10u

static const struct mptable_config mp_config = {
	.processors = 4,
	.signature = 0x00000f43,
	.features = 0x0383fbff,
	.lapic_version = 0x14,
	.ioapic_id = 4,
	.ioapic_version = 0x20,
	.lapic_base = 0xfee00000,
	.ioapic_base = 0xfec00000,
	.pci_devices = 0x0000000a, /* devices 1 and 3 */
	.pirq = {10, 10, 11, 11},
};

/* What a reader finds in a table. */
struct mp {
	unsigned processors, bootstraps, buses, ioapics, entries;
	char bus[2][7];
	int isa[16];           /* I/O APIC input, -1: not listed */
	int pci[32][4];
	unsigned local[4];     /* by interrupt type: destination << 8 | input */
};

static void read_interrupt(struct mp *mp, const uint8_t *e)
{
	unsigned source = e[5];

	assert_int_equal(e[1], 0);
	assert_int_equal(e[6], mp_config.ioapic_id);
	if (strcmp(mp->bus[e[4]], "ISA   ") == 0) {
		assert_int_equal(le(e + 2, 2), 0);
		mp->isa[source] = e[7];
	} else {
		assert_string_equal(mp->bus[e[4]], "PCI   ");
		assert_int_equal(le(e + 2, 2), 0x0d);
		mp->pci[source >> 2][source & 3] = e[7];
	}
}

static void read_entry(struct mp *mp, const uint8_t *e)
{
	switch (e[0]) {
	case 0:
		assert_int_equal(e[1], mp->processors);
		assert_int_equal(e[2], 0x14);
		assert_true(e[3] & 1);
		mp->bootstraps += e[3] >> 1 & 1;
		assert_int_equal(le(e + 4, 4), 0x0f43);
		assert_int_equal(le(e + 8, 4), 0x0383fbff);
		mp->processors++;
		break;
	case 1:
		assert_int_equal(e[1], mp->buses);
		memcpy(mp->bus[mp->buses++], e + 2, 6);
		break;
	case 2:
		assert_int_equal(e[1], 4);
		assert_int_equal(e[2], 0x20);
		assert_int_equal(e[3], 1);
		assert_int_equal(le(e + 4, 4), 0xfec00000);
		mp->ioapics++;
		break;
	case 3:
		read_interrupt(mp, e);
		break;
	default:
		assert_int_equal(e[0], 4);
		mp->local[e[1]] = (unsigned)e[6] << 8 | e[7];
		break;
	}
}

static void read_mp(struct mp *mp, const uint8_t *memory, size_t size)
{
	const uint8_t *table = memory + 16, *e = table + 44;
	size_t length = le(table + 4, 2);
	uint8_t last = 0;

	memset(mp, 0, sizeof(*mp));
	memset(mp->isa, 0xff, sizeof(mp->isa));
	memset(mp->pci, 0xff, sizeof(mp->pci));
	assert_memory_equal(memory, "_MP_", 4);
	assert_int_equal(le(memory + 4, 4), MP_ADDRESS + 16);
	assert_int_equal(memory[8], 1);
	assert_int_equal(memory[9], 4);
	assert_int_equal(sum(memory, 16), 0);
	assert_int_equal(le(memory + 11, 5), 0); /* a table follows; virtual wire */
	assert_memory_equal(table, "PCMP", 4);
	assert_int_equal(length + 16, size);
	assert_int_equal(table[6], 4);
	assert_int_equal(sum(table, length), 0);
	assert_int_equal(le(table + 28, 4), 0);  /* no OEM table */
	assert_int_equal(le(table + 36, 4), 0xfee00000);
	for (; e < table + length; e += e[0] ? 8 : 20) {
		assert_true(e[0] >= last); /* in the order of their types */
		last = e[0];
		read_entry(mp, e);
		mp->entries++;
	}
	assert_ptr_equal(e, table + length);
	assert_int_equal(mp->entries, le(table + 34, 2));
	assert_int_equal(mp->bootstraps, 1);
	assert_int_equal(mp->ioapics, 1);
	assert_int_equal(mp->local[3], 0x0000); /* ExtINT: LINT0 of the bootstrap processor */
	assert_int_equal(mp->local[1], 0xff01); /* NMI: LINT1 of all */
}

static void mp_table_for_1_to_8_processors(void **state)
{
	for (unsigned n = 1; n <= 8; n++) {
		struct mptable_config config = mp_config;
		uint8_t memory[MPTABLE_MAX_SIZE];
		struct mp mp;
		size_t size;

		config.processors = n;
		size = mptable_build(memory, sizeof(memory), MP_ADDRESS, &config);
		assert_int_not_equal(size, 0);
		read_mp(&mp, memory, size);
		assert_int_equal(mp.processors, n);
	}
}

static void mp_table_with_pci(void **state)
{
	uint8_t memory[MPTABLE_MAX_SIZE];
	size_t size = mptable_build(memory, sizeof(memory), MP_ADDRESS, &mp_config);
	struct mp mp;

	read_mp(&mp, memory, size);
	assert_int_equal(mp.buses, 2);
	for (int i = 0; i < 16; i++)
		assert_int_equal(mp.isa[i], i == 0 ? 2 : i == 2 || i == 10 || i == 11 ? -1 : i);
	assert_int_equal(mp.pci[1][0], 10); /* PIRQA# */
	assert_int_equal(mp.pci[1][3], 11); /* PIRQD# */
	assert_int_equal(mp.pci[3][0], 11); /* PIRQC# */
	assert_int_equal(mp.pci[3][2], 10); /* PIRQA# */
	assert_int_equal(mp.pci[2][0], -1);
}

static void mp_table_without_pci(void **state)
{
	struct mptable_config config = mp_config;
	uint8_t memory[MPTABLE_MAX_SIZE];
	struct mp mp;

	config.pci_devices = 0;
	read_mp(&mp, memory, mptable_build(memory, sizeof(memory), MP_ADDRESS, &config));
	assert_int_equal(mp.buses, 1);
	assert_string_equal(mp.bus[0], "ISA   ");
	assert_int_equal(mp.isa[0], 2);
	assert_int_equal(mp.isa[2], -1);
	assert_int_equal(mp.isa[10], 10);
}

static void mp_table_that_cannot_be(void **state)
{
	struct mptable_config config = mp_config;
	uint8_t memory[MPTABLE_MAX_SIZE + 1];
	size_t size;

	assert_int_equal(mptable_build(memory, sizeof(memory), MP_ADDRESS + 8, &config), 0);
	config.pci_devices = UINT32_MAX;
	config.processors = 8;
	size = mptable_build(memory, MPTABLE_MAX_SIZE, MP_ADDRESS, &config);
	assert_in_range(size, 1, MPTABLE_MAX_SIZE);
	for (size_t room = 0; room < size; room++) {
		memory[room] = 0x5a;
		assert_int_equal(mptable_build(memory, room, MP_ADDRESS, &config), 0);
		assert_int_equal(memory[room], 0x5a);
	}
	config.processors = 9;
	assert_int_equal(mptable_build(memory, sizeof(memory), MP_ADDRESS, &config), 0);
	config.processors = 0;
	assert_int_equal(mptable_build(memory, sizeof(memory), MP_ADDRESS, &config), 0);
}

/* ---- ACPI tables ---- */
#define ACPI_ADDRESS 0x07fe0000u

static const struct acpi_config acpi_config = {
	.processors = 4,
	.lapic_base = 0xfee00000,
	.ioapic_base = 0xfec00000,
	.ioapic_id = 4,
	.pm_base = 0x600,
	.sci = 9,
	.pirq = {10, 10, 11, 11},
	.pci_memory = 0x08000000,
	.hpet_base = 0xfed00000,
	.hpet_id = 0x8086a201,
	.hpet_min_tick = 100,
};

struct acpi {
	uint8_t memory[ACPI_MAX_SIZE], rsdp[ACPI_RSDP_SIZE];
	struct acpi_tables tables;
};

static void build(struct acpi *a, const struct acpi_config *config, uint32_t address)
{
	assert_true(acpi_build(a->memory, sizeof(a->memory), address, config, &a->tables));
	assert_in_range(a->tables.size, 1, sizeof(a->memory));
	acpi_rsdp(a->rsdp, &a->tables);
}

/* The table at an address, its header checked. */
static const uint8_t *table_at(const struct acpi *a, uint64_t address, const char *signature)
{
	const uint8_t *t = a->memory + (address - a->tables.address);

	assert_in_range(address, a->tables.address, a->tables.address + a->tables.size - 36);
	assert_memory_equal(t, signature, 4);
	assert_true(le(t + 4, 4) <= a->tables.address + a->tables.size - address);
	if (strcmp(signature, "FACS") != 0)
		assert_int_equal(sum(t, le(t + 4, 4)), 0);
	return t;
}

/* The table with that signature by RSDT and by XSDT, NULL: none. */
static const uint8_t *find(const struct acpi *a, const char *signature)
{
	const uint8_t *rsdt = table_at(a, le(a->rsdp + 16, 4), "RSDT");
	const uint8_t *xsdt = table_at(a, le(a->rsdp + 24, 8), "XSDT");
	size_t count = (le(rsdt + 4, 4) - 36) / 4;

	assert_int_equal((le(xsdt + 4, 4) - 36) / 8, count);
	for (size_t i = 0; i < count; i++) {
		uint64_t address = le(rsdt + 36 + 4 * i, 4);

		assert_int_equal(le(xsdt + 36 + 8 * i, 8), address);
		if (memcmp(a->memory + (address - a->tables.address), signature, 4) == 0)
			return table_at(a, address, signature);
	}
	return NULL;
}

static void rsdp_leads_to_all_tables(void **state)
{
	struct acpi a;

	build(&a, &acpi_config, ACPI_ADDRESS);
	assert_memory_equal(a.rsdp, "RSD PTR ", 8);
	assert_int_equal(sum(a.rsdp, 20), 0);
	assert_int_equal(sum(a.rsdp, 36), 0);
	assert_int_equal(a.rsdp[15], 2);
	assert_int_equal(le(a.rsdp + 20, 4), 36);
	assert_non_null(find(&a, "FACP"));
	assert_non_null(find(&a, "APIC"));
	assert_non_null(find(&a, "HPET"));
	assert_null(find(&a, "MCFG"));
}

static void fadt_has_the_fixed_hardware(void **state)
{
	struct acpi a;
	const uint8_t *f;

	build(&a, &acpi_config, ACPI_ADDRESS);
	f = find(&a, "FACP");
	assert_int_equal(le(f + 4, 4), 244);
	assert_int_equal(f[8], 3);
	assert_int_equal(le(f + 46, 2), 9);     /* SCI */
	assert_int_equal(le(f + 48, 4), 0xb2);  /* SMI command: ACPI on and off */
	assert_int_equal(le(f + 52, 2), 0xf0f1);
	assert_int_equal(le(f + 56, 4), 0x600); /* PM1a event, control, timer */
	assert_int_equal(le(f + 64, 4), 0x604);
	assert_int_equal(le(f + 76, 4), 0x608);
	assert_int_equal(le(f + 88, 4), 0x04000204);
	assert_true(le(f + 148, 8) == UINT64_C(0x0000060000002001));
	assert_true(le(f + 172, 8) == UINT64_C(0x0000060400001001));
	assert_true(le(f + 208, 8) == UINT64_C(0x0000060800002001));
	assert_int_equal(le(f + 108, 1), 0x32); /* century */
	assert_int_equal(le(f + 109, 2), 3);
	assert_int_equal(le(f + 112, 4), 0x465);
	assert_true(le(f + 116, 8) == UINT64_C(0x00000cf900000801));
	assert_int_equal(f[128], 6);            /* reset value */
	assert_int_equal(le(f + 36, 4), le(f + 132, 8));
	assert_int_equal(le(f + 40, 4), le(f + 140, 8));
	assert_int_equal(le(f + 36, 4) % 64, 0);
	assert_int_equal(le(table_at(&a, le(f + 36, 4), "FACS") + 4, 4), 64);
	assert_int_equal(table_at(&a, le(f + 40, 4), "DSDT")[8], 1);
}

static void check_override(const uint8_t *e)
{
	unsigned source = e[3], flags = (unsigned)le(e + 8, 2);

	assert_int_equal(e[1], 10);
	assert_int_equal(e[2], 0);
	assert_int_equal(le(e + 4, 4), source ? source : 2);
	assert_int_equal(flags, source ? 0x0d : 0);
}

static void madt_for_1_to_8_processors(void **state)
{
	for (unsigned n = 1; n <= 8; n++) {
		struct acpi_config config = acpi_config;
		unsigned count[5] = {0}, overridden = 0;
		struct acpi a;
		const uint8_t *m, *e;

		config.processors = n;
		build(&a, &config, ACPI_ADDRESS);
		m = find(&a, "APIC");
		assert_int_equal(le(m + 36, 4), 0xfee00000);
		assert_int_equal(le(m + 40, 4), 1);
		for (e = m + 44; e < m + le(m + 4, 4); e += e[1]) {
			assert_in_range(e[0], 0, 4);
			if (e[0] == 0) {
				assert_int_equal(le(e + 1, 1), 8);
				assert_int_equal(e[3], count[0]);
				assert_int_equal(e[2], count[0]);
				assert_int_equal(le(e + 4, 4), 1);
			} else if (e[0] == 1) {
				assert_int_equal(e[2], 4);
				assert_int_equal(le(e + 4, 8), 0xfec00000);
			} else if (e[0] == 2) {
				check_override(e);
				overridden |= 1u << e[3];
			} else {
				assert_int_equal(e[0], 4);
				assert_int_equal(le(e, 6), 0x010000ff0604);
			}
			count[e[0]]++;
		}
		assert_ptr_equal(e, m + le(m + 4, 4));
		assert_int_equal(count[0], n);
		assert_int_equal(count[1], 1);
		assert_int_equal(overridden, 1u | 1u << 9 | 1u << 10 | 1u << 11);
		assert_int_equal(count[4], 1);
	}
}

static void hpet_table_only_with_an_hpet(void **state)
{
	struct acpi_config config = acpi_config;
	struct acpi a;
	const uint8_t *h;

	build(&a, &config, ACPI_ADDRESS);
	h = find(&a, "HPET");
	assert_int_equal(le(h + 4, 4), 56);
	assert_int_equal(le(h + 36, 4), 0x8086a201);
	assert_int_equal(h[40], 0);
	assert_int_equal(le(h + 44, 8), 0xfed00000);
	assert_int_equal(le(h + 53, 2), 100);
	config.hpet_base = 0;
	build(&a, &config, ACPI_ADDRESS);
	assert_null(find(&a, "HPET"));
}

static void dsdt_names_soft_off(void **state)
{
	static const uint8_t s5[] = {0x08, 0x5c, '_', 'S', '5', '_', 0x12, 0x47, 0x00, 0x04, 0, 0, 0, 0};
	struct acpi a;

	build(&a, &acpi_config, ACPI_ADDRESS);
	assert_memory_equal(a.memory + a.tables.dsdt + 36, s5, sizeof(s5));
}

static void acpi_tables_that_cannot_be(void **state)
{
	struct acpi_config config = acpi_config;
	struct acpi a, small;
	uint8_t *memory = malloc(ACPI_MAX_SIZE);

	config.processors = 8;
	build(&a, &config, ACPI_ADDRESS);
	assert_non_null(memory);
	for (size_t room = 0; room < a.tables.size; room += 7) {
		memory[room] = 0x5a;
		assert_false(acpi_build(memory, room, ACPI_ADDRESS, &config, &small.tables));
		assert_int_equal(memory[room], 0x5a);
	}
	free(memory);
	assert_false(acpi_build(a.memory, sizeof(a.memory), ACPI_ADDRESS + 32, &config, &a.tables));
	config.processors = 9;
	assert_false(acpi_build(a.memory, sizeof(a.memory), ACPI_ADDRESS, &config, &a.tables));
	config.processors = 1;
	config.pirq[2] = 0x80;
	assert_false(acpi_build(a.memory, sizeof(a.memory), ACPI_ADDRESS, &config, &a.tables));
}

/* ---- the loader's script, as firmware runs it ---- */
static void run_pointer(struct acpi *a, const uint8_t *e, uint32_t place)
{
	uint8_t *file = strcmp((const char *)e + 4, "etc/acpi/rsdp") == 0 ? a->rsdp : a->memory;
	unsigned bytes = e[120];
	uint8_t *at = file + le(e + 116, 4);
	uint64_t value = le(at, bytes) + place;

	assert_string_equal((const char *)e + 60, "etc/acpi/tables");
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static void run_checksum(struct acpi *a, const uint8_t *e)
{
	uint8_t *file = strcmp((const char *)e + 4, "etc/acpi/rsdp") == 0 ? a->rsdp : a->memory;
	uint8_t *at = file + le(e + 60, 4);

	*at = (uint8_t)(*at - sum(file + le(e + 64, 4), le(e + 68, 4)));
}

static void loader_script_gives_the_tables_of_that_place(void **state)
{
	uint8_t script[ACPI_LOADER_MAX_SIZE];
	struct acpi moved, placed;
	size_t size;

	build(&placed, &acpi_config, ACPI_ADDRESS);
	assert_int_equal(acpi_loader(script, sizeof(script), &placed.tables), 0);
	build(&moved, &acpi_config, 0);
	size = acpi_loader(script, sizeof(script), &moved.tables);
	assert_int_not_equal(size, 0);
	assert_int_equal(size % ACPI_LOADER_ENTRY, 0);
	for (size_t i = 0; i < size; i += ACPI_LOADER_ENTRY) {
		const uint8_t *e = script + i;

		assert_true(i >= 2 * ACPI_LOADER_ENTRY || e[0] == 1);
		if (e[0] == 1)
			assert_int_equal(e[64], strcmp((const char *)e + 4, "etc/acpi/rsdp") == 0 ? 2 : 1);
		else if (e[0] == 2)
			run_pointer(&moved, e, ACPI_ADDRESS);
		else if (e[0] == 3)
			run_checksum(&moved, e);
		else
			fail();
	}
	assert_memory_equal(moved.memory, placed.memory, placed.tables.size);
	assert_memory_equal(moved.rsdp, placed.rsdp, ACPI_RSDP_SIZE);
	assert_int_equal(acpi_loader(script, size - 1, &placed.tables), 0);
}

/* ---- ACPICA's opinion ---- */
static void save(const char *directory, const char *name, const uint8_t *table)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.aml", directory, name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(table, 1, le(table + 4, 4), file), le(table + 4, 4));
	assert_int_equal(fclose(file), 0);
}

/* Runs a command in the directory, where it prints into "out". */
static int run_in(const char *directory, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && { %s; } >out 2>&1 </dev/null", directory, command);
	return system(line);
}

static bool printed(const char *directory, const char *file, const char *text)
{
	char line[256];

	snprintf(line, sizeof(line), "grep -q -F '%s' %s/%s", text, directory, file);
	return system(line) == 0;
}

static void check_tables(const char *directory)
{
	static const char *const text[] = {
		"Name (\\_S5, Package (0x04)", "Device (PCI0)", "EisaId (\"PNP0A03\")", "Name (_PRT, Package (0x7C)",
		"Device (LNKD)", "0xFEBFFFFF", "Interrupt (ResourceConsumer, Level, ActiveHigh, Shared",
	};

	assert_int_equal(run_in(directory, "iasl -d DSDT.aml FACP.aml APIC.aml HPET.aml"), 0);
	assert_false(printed(directory, "out", "Invalid"));
	assert_false(printed(directory, "out", "Error"));
	assert_false(printed(directory, "out", "Warning"));
	assert_false(printed(directory, "FACP.dsl", "rror"));
	for (unsigned i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		if (!printed(directory, "DSDT.dsl", text[i]))
			fail_msg("not in the DSDT: %s", text[i]);
	}
	assert_true(printed(directory, "APIC.dsl", "Local Apic ID : 03"));
	assert_true(printed(directory, "HPET.dsl", "Hardware Block ID : 8086A201"));
	/* What comes out goes in again. */
	assert_int_equal(run_in(directory, "iasl -p again DSDT.dsl"), 0);
	assert_true(printed(directory, "out", "0 Errors, 0 Warnings"));
	/* ACPICA's interpreter loads and runs it. */
	assert_int_equal(run_in(directory, "acpiexec -b 'evaluate \\_S5; evaluate \\_SB.LNKC._STA; "
					   "resources \\_SB.PCI0' DSDT.aml"), 0);
	assert_true(printed(directory, "out", "1 ACPI AML tables successfully acquired and loaded"));
	assert_true(printed(directory, "out", "[Package] Contains 4 Elements:"));
	assert_true(printed(directory, "out", "[Integer] = 000000000000000B"));
	assert_false(printed(directory, "out", "ACPI Error"));
}

static void tables_please_iasl(void **state)
{
	char directory[] = "/tmp/trapgate-tables-XXXXXX";
	struct acpi a;

	if (system("command -v iasl >/dev/null 2>&1") != 0) {
		print_message("SKIPPED: no iasl here (Debian package acpica-tools)\n");
		skip();
	}
	build(&a, &acpi_config, ACPI_ADDRESS);
	assert_non_null(mkdtemp(directory));
	save(directory, "DSDT", a.memory + a.tables.dsdt);
	save(directory, "FACP", find(&a, "FACP"));
	save(directory, "APIC", find(&a, "APIC"));
	save(directory, "HPET", find(&a, "HPET"));
	check_tables(directory);
	assert_int_equal(run_in(directory, "rm *.aml *.dsl out"), 0);
	assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mp_table_for_1_to_8_processors),
		cmocka_unit_test(mp_table_with_pci),
		cmocka_unit_test(mp_table_without_pci),
		cmocka_unit_test(mp_table_that_cannot_be),
		cmocka_unit_test(rsdp_leads_to_all_tables),
		cmocka_unit_test(fadt_has_the_fixed_hardware),
		cmocka_unit_test(madt_for_1_to_8_processors),
		cmocka_unit_test(hpet_table_only_with_an_hpet),
		cmocka_unit_test(dsdt_names_soft_off),
		cmocka_unit_test(acpi_tables_that_cannot_be),
		cmocka_unit_test(loader_script_gives_the_tables_of_that_place),
		cmocka_unit_test(tables_please_iasl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
