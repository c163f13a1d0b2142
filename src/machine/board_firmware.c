/* Firmware: SeaBIOS and the configuration device it asks; and, on a board
 * without firmware, the tables that it would have written. */
#include <stdlib.h>
#include <string.h>

#include "cpu/model.h"
#include "devices/mptable.h"
#include "machine/machine.h"

#define UPPER_MEMORY 0xc0000u /* option ROMs */
#define ONE_MIB      0x100000u

/* The MP table in the extended BIOS data area of one KiB, where its floating pointer is looked for. */
#define MP_OFFSET 0x40u
#define MP_ROOM   (0x400u - MP_OFFSET)

#define LAPIC_VERSION (APIC_VERSION & 0xff)
#define IOAPIC_ID     MACHINE_MAX_CPUS /* no local APIC has it */
#define PCI_MEMORY    UINT32_C(0xe0000000)
#define HPET_MIN_TICK 100u
#define RSDP_ROOM     64u

/* CMOS bytes that PC firmware reads. */
#define CMOS_BOOT_FIRST  0x3d /* first and second boot device */
#define CMOS_BOOT_THIRD  0x38
#define CMOS_CPUS        0x5f

#define E820_RAM      1u
#define E820_RESERVED 2u

static void build_acpi(struct machine *m, uint32_t address, struct acpi_tables *tables)
{
	struct board *b = &m->board;
	bool hpet = !m->config.board.no_hpet;
	const struct acpi_config config = {
		.processors = m->cpus,
		.lapic_base = (uint32_t)APIC_BASE,
		.ioapic_base = (uint32_t)IOAPIC_BASE,
		.ioapic_id = IOAPIC_ID,
		.pm_base = BOARD_PM_BASE,
		.sci = PIIX4PM_SCI,
		.pirq = {BOARD_PIRQ},
		.pci_memory = PCI_MEMORY,
		.hpet_base = hpet ? HPET_BASE : 0,
		.hpet_id = hpet ? (uint32_t)HPET_CAPABILITIES : 0,
		.hpet_min_tick = HPET_MIN_TICK,
	};

	if (acpi_build(b->acpi, sizeof(b->acpi), address, &config, tables))
		acpi_rsdp(b->rsdp, tables);
}

/* ---- without firmware ---- */
static bool has_acpi(const struct machine *m)
{
	return m->board.has_apic && !m->config.board.no_acpi;
}

uint32_t board_rsdp(const struct machine *m)
{
	return has_acpi(m) ? BOARD_ACPI_TABLES : 0;
}

static void write_mp_table(struct machine *m, uint32_t address)
{
	const struct cpu_model *model = m->cpu[0]->model;
	uint32_t devices = 1u << 0 | 1u << 1;
	uint8_t table[MP_ROOM];
	size_t size;

	for (unsigned i = 0; i < m->board.virtios; i++)
		devices |= 1u << (m->board.virtio[i].virtio.pci.devfn >> 3);
	const struct mptable_config config = {
		.processors = m->cpus,
		.signature = model->signature,
		.features = model->feature[FEAT_1_EDX],
		.lapic_version = LAPIC_VERSION,
		.ioapic_id = IOAPIC_ID,
		.ioapic_version = IOAPIC_VERSION_EOI,
		.lapic_base = (uint32_t)APIC_BASE,
		.ioapic_base = (uint32_t)IOAPIC_BASE,
		.pci_devices = devices,
		.pirq = {BOARD_PIRQ},
	};
	size = mptable_build(table, sizeof(table), address, &config);
	bus_load(m->bus, address, table, size);
}

void board_write_tables(struct machine *m, uint32_t ebda)
{
	struct board *b = &m->board;
	struct acpi_tables tables = {0};

	if (!b->has_apic)
		return;
	write_mp_table(m, ebda + MP_OFFSET);
	if (!has_acpi(m))
		return;
	build_acpi(m, BOARD_ACPI_TABLES + RSDP_ROOM, &tables);
	bus_load(m->bus, BOARD_ACPI_TABLES, b->rsdp, sizeof(b->rsdp));
	bus_load(m->bus, BOARD_ACPI_TABLES + RSDP_ROOM, b->acpi, tables.size);
}

/* ---- what firmware asks for ---- */
static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

/* "etc/e820": RAM, 20 bytes an entry (QEMU documentation, fw_cfg). */
static bool add_memory_map(struct machine *m)
{
	uint8_t *e = m->board.e820;

	put(e, 0, 8);
	put(e + 8, m->config.ram, 8);
	put(e + 16, E820_RAM, 4);
	return fwcfg_add_file(&m->board.fwcfg, "etc/e820", e, 20);
}

static bool add_acpi(struct machine *m)
{
	struct board *b = &m->board;
	struct acpi_tables tables = {0};
	size_t script;

	if (!has_acpi(m))
		return true;
	build_acpi(m, 0, &tables);
	script = acpi_loader(b->acpi_script, sizeof(b->acpi_script), &tables);
	return fwcfg_add_file(&b->fwcfg, "etc/acpi/tables", b->acpi, tables.size) &&
	       fwcfg_add_file(&b->fwcfg, "etc/acpi/rsdp", b->rsdp, sizeof(b->rsdp)) &&
	       fwcfg_add_file(&b->fwcfg, "etc/table-loader", b->acpi_script, (uint32_t)script);
}

/* Boot order: one nibble a device. */
static void tell_boot_order(struct machine *m)
{
	static const char letters[] = "acdn"; /* floppy 1, disk 2, CD 3, network 4 */
	const char *order = m->config.board.boot_order ? m->config.board.boot_order : "cda";
	uint8_t nibble[3] = {0, 0, 0};
	unsigned n = 0;

	for (; *order && n < 3; order++) {
		const char *at = strchr(letters, *order);

		if (at)
			nibble[n++] = (uint8_t)(at - letters + 1);
	}
	rtc_poke(&m->board.rtc, CMOS_BOOT_FIRST, (uint8_t)(nibble[0] | nibble[1] << 4));
	rtc_poke(&m->board.rtc, CMOS_BOOT_THIRD, (uint8_t)(nibble[2] << 4));
}

static bool add_items(struct machine *m)
{
	struct fwcfg *fw = &m->board.fwcfg;
	const struct board_config *config = &m->config.board;

	tell_boot_order(m);
	rtc_poke(&m->board.rtc, CMOS_CPUS, (uint8_t)(m->cpus - 1));
	return fwcfg_add_number(fw, FWCFG_RAM_SIZE, m->config.ram, 8) &&
	       fwcfg_add_number(fw, FWCFG_NB_CPUS, m->cpus, 2) && fwcfg_add_number(fw, FWCFG_MAX_CPUS, m->cpus, 2) &&
	       fwcfg_add_number(fw, FWCFG_NOGRAPHIC, config->no_vga, 2) &&
	       fwcfg_add_number(fw, FWCFG_BOOT_MENU, config->boot_menu, 2) && add_memory_map(m) && add_acpi(m) &&
	       (!config->serial_console || fwcfg_add_file(fw, "etc/sercon-port", "\xf8\x03", 2));
}

/* ---- SeaBIOS ---- */

/* Without a chip set that puts RAM there, the firmware's own area below 1 MiB and that of the option ROMs, which
 * it fills, are RAM. */
static bool shadow(struct machine *m)
{
	uint64_t offset;
	struct region *rom = bus_find(m->bus, ONE_MIB - 1, &offset), *ram;

	if (!rom || rom->kind != REGION_ROM)
		return true;
	region_set_enabled(m->bus, rom, false);
	ram = bus_add_ram(m->bus, "shadowed firmware", rom->start, rom->size);
	return ram && bus_load(m->bus, rom->start, rom->host, rom->size) == rom->size &&
	       bus_add_ram(m->bus, "upper memory", UPPER_MEMORY, rom->start - UPPER_MEMORY);
}

static bool load_firmware(struct machine *m, struct diagnostic *why)
{
	const char *path = m->config.board.firmware;
	uint8_t *data;
	size_t size;
	bool ok;

	if (!guest_read_file(path, &data, &size, why))
		return false;
	ok = guest_load_rom(m->bus, path, data, size, &m->guest, why);
	free(data);
	if (!ok || m->board.has_pci)
		return ok;
	return shadow(m) || diagnose(why, "out of memory");
}

static bool add_vga_firmware(struct machine *m, struct diagnostic *why)
{
	const char *path = m->config.board.vga_firmware;
	size_t size;

	if (!path || m->config.board.no_vga)
		return true;
	if (!guest_read_file(path, &m->board.vga_firmware, &size, why))
		return false;
	return fwcfg_add_file(&m->board.fwcfg, "vgaroms/vgabios.bin", m->board.vga_firmware, (uint32_t)size) ||
	       diagnose(why, "%s: no room for it", path);
}

static bool add_given_items(struct machine *m, struct diagnostic *why)
{
	const struct board_config *config = &m->config.board;

	for (unsigned i = 0; i < config->items; i++) {
		const struct board_item *item = &config->item[i];
		const void *data = item->value;
		size_t size = strlen(item->value);

		if (item->is_file) {
			if (!guest_read_file(item->value, &m->board.item[i], &size, why))
				return false;
			data = m->board.item[i];
		}
		if (!fwcfg_add_file(&m->board.fwcfg, item->name, data, (uint32_t)size))
			return diagnose(why, "-fw_cfg %s: no room for it", item->name);
	}
	return true;
}

bool board_add_firmware(struct machine *m, struct diagnostic *why)
{
	if (!fwcfg_init(&m->board.fwcfg, m->bus) || !add_items(m))
		return diagnose(why, "out of memory");
	if (!add_given_items(m, why))
		return false;
	return !m->config.board.firmware ||
	       (load_firmware(m, why) && add_vga_firmware(m, why) && board_add_linux(m, why));
}

/* ---- memory types ---- */

#define MTRR_WRITE_PROTECTED UINT64_C(0x0505050505050505) /* eight ranges of a fixed MTRR */
#define MTRR_WRITE_BACK      UINT64_C(0x0606060606060606)
#define MTRR_ENABLE          0xc06u /* E, FE; else write-back */
#define MTRR_VALID           0x800u

static void memory_types_of(struct cpu *cpu, bool pci)
{
	struct arch_state *s = &cpu->s;

	s->mtrr_fixed[0] = s->mtrr_fixed[1] = MTRR_WRITE_BACK; /* to 9FFFFh; A0000h to BFFFFh stay uncacheable */
	for (unsigned i = 3; i < 11; i++)
		s->mtrr_fixed[i] = MTRR_WRITE_PROTECTED; /* C0000h to FFFFFh */
	if (pci) {
		s->mtrr_phys[0] = PCI_MEMORY; /* uncacheable, to 4 GiB */
		s->mtrr_phys[1] = (cpu->mmu.phys_mask & ~(UINT64_C(0x100000000) - PCI_MEMORY - 1)) | MTRR_VALID;
	}
	s->mtrr_def_type = MTRR_ENABLE;
}

void board_memory_types(struct machine *m)
{
	for (unsigned i = 0; i < m->cpus; i++)
		if (model_has(m->cpu[i]->model, FEAT_1_EDX, F1D_MTRR))
			memory_types_of(m->cpu[i], m->board.has_pci);
}
