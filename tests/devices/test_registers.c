/* Registers behind ports and in memory: a row for each, what it reads after reset, which bits hold what is written,
 * what the others read; and windows in which everything without a row is reserved.  Registers that other programs of
 * this directory have rows for (8259, port 61h, RTC control, 16550, LAPIC, IOAPIC, HPET, VGA) are not repeated.
 *
 * Sources are those of the devices' headers. */
#include "board.h"

#include "devices/fdc.h"
#include "devices/ide.h"
#include "devices/virtio_blk.h"
#include "image.h"
#include "pcibed.h"

#define IDE_FN  PCI_DEVFN(1, 1)
#define PM_FN   PCI_DEVFN(1, 3)
#define BLK_FN  PCI_DEVFN(4, 0)
#define BM      0xc000u
#define PMBA    0xb000u
#define BLK_IO  0xc080u
#define BLK     UINT64_C(0xfebf0000)
#define SECTORS 500u

struct bench {
	struct board *board; /* the AT's devices */
	struct pci pci;
	struct i440fx host;
	struct piix3 bridge;
	struct piix4pm pm;
	struct ide ide;
	struct fdc fdc;
	struct virtio_blk blk;
	struct disk disk;
	struct lines lines;
	char path[64];
};

/* memory: the register is at a physical address, else at a port. */
struct row {
	const char *name;
	uint64_t at;
	unsigned bytes;
	uint64_t reset, keeps; /* after reset; bits that read as written, the others read as after reset */
	bool memory;
};

static struct bench *open_all(void)
{
	struct bench *t = calloc(1, sizeof(*t));
	struct bed *bed;

	assert_non_null(t);
	t->board = board_open();
	bed = &t->board->bed;
	image_make(t->path, SECTORS * 512);
	assert_true(disk_open(&t->disk, t->path, 0, 512, (struct disk_report){lines_add, &t->lines}));
	assert_true(pci_init(&t->pci, bed->bus, &bed->clock));
	assert_true(i440fx_init(&t->host, &t->pci));
	assert_true(piix3_init(&t->bridge, &t->pci, NULL, NULL));
	assert_true(piix4pm_init(&t->pm, &t->pci, &t->bridge, NULL, NULL));
	assert_true(fdc_init(&t->fdc, bed->bus, &bed->clock, &t->board->dma));
	assert_true(ide_init(&t->ide, bed->bus, &bed->clock));
	ide_attach_disk(&t->ide, 0, 0, &t->disk);
	assert_true(ide_add_pci(&t->ide, &t->pci, IDE_FN));
	assert_true(virtio_blk_init(&t->blk, &t->pci, &bed->clock, BLK_FN, 0, &t->disk));
	cfg_write(bed, IDE_FN, 0x40, 4, 0x80008000);
	cfg_write(bed, IDE_FN, 0x20, 4, BM);
	cfg_write(bed, IDE_FN, 0x04, 2, 5);
	cfg_write(bed, PM_FN, 0x40, 4, PMBA);
	cfg_write(bed, PM_FN, 0x80, 1, 1);
	cfg_write(bed, BLK_FN, 0x10, 4, BLK_IO);
	cfg_write(bed, BLK_FN, 0x20, 4, (uint32_t)BLK);
	cfg_write(bed, BLK_FN, 0x04, 2, 3);
	return t;
}

static void close_all(struct bench *t)
{
	disk_close(&t->disk);
	unlink(t->path);
	board_close(t->board);
	free(t);
}

static uint64_t take(struct bench *t, const struct row *row)
{
	struct bus *bus = t->board->bed.bus;

	return row->memory ? bus_read(bus, row->at, row->bytes) : bus_port_read(bus, (uint16_t)row->at, row->bytes);
}

static void give(struct bench *t, const struct row *row, uint64_t value)
{
	struct bus *bus = t->board->bed.bus;

	if (row->memory)
		bus_write(bus, row->at, row->bytes, value);
	else
		bus_port_write(bus, (uint16_t)row->at, row->bytes, (uint32_t)value);
}

static void expect(struct bench *t, const struct row *row, uint64_t written, uint64_t want)
{
	uint64_t got = take(t, row);

	if (got != want)
		fail_msg("%s: %llx written, %llx read, not %llx", row->name, (unsigned long long)written,
			 (unsigned long long)got, (unsigned long long)want);
}

static void check(struct bench *t, const struct row *row)
{
	static const uint64_t pattern[] = {UINT64_MAX, UINT64_C(0x5555555555555555), UINT64_C(0xaaaaaaaaaaaaaaaa), 0};
	uint64_t mask = row->bytes == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * row->bytes)) - 1;

	expect(t, row, 0, row->reset);
	for (size_t i = 0; i < sizeof(pattern) / sizeof(pattern[0]); i++) {
		give(t, row, 0); /* bits that stand still while another one is set: direction of a running transfer */
		give(t, row, pattern[i] & mask);
		expect(t, row, pattern[i] & mask, (pattern[i] & row->keeps & mask) | (row->reset & ~row->keeps));
	}
	give(t, row, row->reset);
}

/* Each row on a board of its own: what one register does is not seen in the next. */
static void check_rows(const struct row *row, size_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		struct bench *t = open_all();

		check(t, &row[i]);
		close_all(t);
	}
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

/* ---- 8254: the control word chooses how a counter is written and read ---- */
static void pit_control_words(void **state)
{
	static const struct {
		const char *name;
		unsigned access, first, second, count; /* two bytes written, the count they make */
	} row[] = {
		{"least significant byte", PIT_RW_LSB, 0x34, 0x34, 0x0034},
		{"most significant byte", PIT_RW_MSB, 0x12, 0x12, 0x1200},
		{"least, then most", PIT_RW_BOTH, 0x34, 0x12, 0x1234},
	};

	for (unsigned n = 0; n < 3; n++) {
		for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
			struct bench *t = open_all();
			struct bed *bed = &t->board->bed;

			assert_int_equal(in8(bed, PIT_PORT + 3), 0xff); /* the control word is write only */
			out8(bed, PIT_PORT + 3, PIT_SELECT(n) | row[i].access | PIT_MODE(4));
			out8(bed, PIT_PORT + n, row[i].first);
			if (row[i].access == PIT_RW_BOTH)
				out8(bed, PIT_PORT + n, row[i].second);
			port61_reset(&t->board->port61);
			out8(bed, PORT61, PORT61_GATE2);
			out8(bed, PIT_PORT + 3, PIT_READ_BACK | PIT_NO_COUNT | PIT_COUNTER(n));
			if ((in8(bed, PIT_PORT + n) & 0x3f) != (row[i].access | PIT_MODE(4)))
				fail_msg("counter %u, %s: not what was programmed", n, row[i].name);
			run_for(bed, 1700); /* two CLK pulses: loaded, one step done */
			if (row[i].access != PIT_RW_MSB)
				assert_in_range((uint8_t)((row[i].count & 0xff) - in8(bed, PIT_PORT + n)), 0, 2);
			if (row[i].access != PIT_RW_LSB)
				assert_in_range((uint8_t)((row[i].count >> 8) - in8(bed, PIT_PORT + n)), 0, 1);
			close_all(t);
		}
	}
}

/* ---- ports of the AT ---- */
static void small_ports(void **state)
{
	static const struct row row[] = {
		{"port 61h", 0x61, 1, 0x00, 0x0f, false},
		{"POST", 0x80, 1, 0x00, 0xff, false},
		{"port 92h: A20; INIT", 0x92, 1, 0x00, 0x03, false},
		{"debug console", 0xe9, 1, 0xe9, 0, false},
		{"debug exit", 0x501, 1, 0x00, 0, false},
		{"test device: 32-bit latch", 0xe0, 4, 0, 0xffffffff, false},
		{"test device: page flush", 0xe4, 4, 0, 0, false},
		{"test device: IRQ 0", 0x2000, 1, 0, 0, false},
		{"test device: IRQ 23", 0x2017, 1, 0, 0, false},
		{"test device: memory", TESTDEV_MMIO, 8, 0, UINT64_MAX, true},
		{"test device: end of the memory", TESTDEV_MMIO + 0xfff8, 8, 0, UINT64_MAX, true},
		{"NMI and index", 0x70, 1, 0xff, 0, false},
		{"index of the second bank", 0x72, 1, 0x00, 0x7f, false},
		{"APM control", 0xb2, 1, 0x00, 0xff, false},
		{"APM status", 0xb3, 1, 0x00, 0xff, false},
		{"reset control", 0xcf9, 1, 0x00, 0x06, false},
		{"CONFADD", 0xcf8, 4, 0x80002004, 0x80fffffc, false}, /* as the bench leaves it */
		{"fw_cfg selector", 0x510, 1, 0xff, 0, false},
		{"fw_cfg DMA address, high", 0x514, 4, 0x554d4551, 0, false},
	};

	CHECK_ROWS(row);
}

/* CMOS: 128 bytes, of which 114 are plain memory, and 128 more. */
static void cmos_cells(void **state)
{
	struct bench *t = open_all();
	struct bed *bed = &t->board->bed;

	for (unsigned bank = 0; bank < 2; bank++) {
		unsigned port = bank ? 0x72 : 0x70, first = bank ? 0 : 0x0e;

		for (unsigned cell = first; cell < 128; cell++) {
			const struct row row = {"CMOS cell", port + 1, 1, 0, 0xff, false};

			if (!bank && cell == 0x32)
				continue; /* the century counts */
			out8(bed, port, cell);
			check(t, &row);
		}
	}
	/* The clock's cells hold what is written while SET is 1. */
	out8(bed, 0x70, 0x0b);
	out8(bed, 0x71, 0x82);
	for (unsigned cell = 0; cell < 0x0a; cell++) {
		for (unsigned v = 0; v < 256; v++) {
			out8(bed, 0x70, cell);
			out8(bed, 0x71, v);
			/* MC146818: bit 7 of the seconds is read only */
			assert_int_equal(in8(bed, 0x71), cell == 0 ? v & 0x7f : v);
		}
	}
	close_all(t);
}

/* 8237A: page registers; of the others, what reads and what does not. */
static void dma_registers(void **state)
{
	static const struct row row[] = {
		{"status 0-3", 0x08, 1, 0x00, 0, false},      {"request 0-3", 0x09, 1, 0xff, 0, false},
		{"mask bit 0-3", 0x0a, 1, 0xff, 0, false},    {"mode 0-3", 0x0b, 1, 0xff, 0, false},
		{"flip-flop 0-3", 0x0c, 1, 0xff, 0, false},   {"temporary 0-3", 0x0d, 1, 0x00, 0, false},
		{"masks 0-3", 0x0f, 1, 0x0f, 0x0f, false},    {"status 4-7", 0xd0, 1, 0x00, 0, false},
		{"request 4-7", 0xd2, 1, 0xff, 0, false},     {"mask bit 4-7", 0xd4, 1, 0xff, 0, false},
		{"mode 4-7", 0xd6, 1, 0xff, 0, false},        {"flip-flop 4-7", 0xd8, 1, 0xff, 0, false},
		{"temporary 4-7", 0xda, 1, 0x00, 0, false},   {"masks 4-7", 0xde, 1, 0x0f, 0x0f, false},
		{"page 2", 0x81, 1, 0x00, 0xff, false},       {"page 3", 0x82, 1, 0x00, 0xff, false},
		{"page 1", 0x83, 1, 0x00, 0xff, false},       {"page, spare", 0x84, 1, 0x00, 0xff, false},
		{"page 0", 0x87, 1, 0x00, 0xff, false},       {"page 6", 0x89, 1, 0x00, 0xff, false},
		{"page 7", 0x8a, 1, 0x00, 0xff, false},       {"page 5", 0x8b, 1, 0x00, 0xff, false},
		{"refresh page", 0x8f, 1, 0x00, 0xff, false},
	};

	CHECK_ROWS(row);
}

/* ---- 82077AA, AT mode, no drive attached ---- */
static void floppy_registers(void **state)
{
	static const struct row row[] = {
		{"SRA: not in AT mode", 0x3f0, 1, 0xff, 0, false},
		{"SRB: not in AT mode", 0x3f1, 1, 0xff, 0, false},
		{"DOR", 0x3f2, 1, 0x00, 0xff, false},
		{"TDR", 0x3f3, 1, 0xfc, 0x03, false},
	};
	struct bench *t = open_all();

	CHECK_ROWS(row);
	/* In reset (DOR bit 2) neither MSR nor FIFO does anything; DIR has no drive to ask. */
	assert_int_equal(in8(&t->board->bed, 0x3f4), 0x00);
	out8(&t->board->bed, 0x3f5, 0x10);
	assert_int_equal(in8(&t->board->bed, 0x3f4), 0x00);
	/* CCR and DSR are written only; both set the data rate, which nothing reads back. */
	out8(&t->board->bed, 0x3f7, 0xff);
	assert_int_equal(t->fdc.rate, 3);
	out8(&t->board->bed, 0x3f4, 0x01);
	assert_int_equal(t->fdc.rate, 1);
	close_all(t);
}

/* ---- ATA: a disk on the first channel, nothing on the second ---- */
static void ide_registers(void **state)
{
	static const struct row row[] = {
		{"data without DRQ", 0x1f0, 2, 0x0000, 0, false},
		{"error; features", 0x1f1, 1, 0x01, 0, false},
		{"sector count", 0x1f2, 1, 0x01, 0xff, false},
		{"LBA low", 0x1f3, 1, 0x01, 0xff, false},
		{"LBA mid", 0x1f4, 1, 0x00, 0xff, false},
		{"LBA high", 0x1f5, 1, 0x00, 0xff, false},
		{"alternate status; control", 0x3f6, 1, 0x50, 0, false},
		{"no drive: count", 0x172, 1, 0x7f, 0, false},
		{"no drive: status", 0x177, 1, 0x7f, 0, false},
		{"no drive: alternate status", 0x376, 1, 0x7f, 0, false},
		{"BMIC primary", BM + 0, 1, 0x00, 0x09, false},
		{"BMIC reserved", BM + 1, 1, 0x00, 0, false},
		{"BMIDTP primary", BM + 4, 4, 0, 0xfffffffc, false},
		{"BMIC secondary", BM + 8, 1, 0x00, 0x09, false},
		{"BMIDTP secondary", BM + 12, 4, 0, 0xfffffffc, false},
		{"BMI reserved", BM + 3, 1, 0x00, 0, false},
		{"BMIS: drives capable of DMA", BM + 2, 1, 0x00, 0x60, false},
		{"BMIS secondary", BM + 10, 1, 0x00, 0x60, false},
	};
	size_t rows = sizeof(row) / sizeof(row[0]);

	for (size_t i = 0; i < rows; i++) {
		struct bench *t = open_all();

		if (row[i].at != 0x3f6) {
			check(t, &row[i]);
			close_all(t);
			continue;
		}
		/* Control: nIEN, SRST and HOB are written only; a status is read there. */
		expect(t, &row[i], 0, row[i].reset);
		out8(&t->board->bed, 0x3f6, IDE_CONTROL_NIEN);
		expect(t, &row[i], IDE_CONTROL_NIEN, 0x50);
		out8(&t->board->bed, 0x3f6, IDE_CONTROL_SRST);
		expect(t, &row[i], IDE_CONTROL_SRST, IDE_STATUS_BSY);
		close_all(t);
	}
}

/* ---- the PIIX4's power management I/O registers, all 64 bytes ---- */
static void power_management_ports(void **state)
{
	static const struct row row[] = {
		{"PMSTS", PMBA, 2, 0, 0, false},
		{"PMEN", PMBA + 2, 2, 0, 0x0521, false},
		{"GPSTS", PMBA + 0x0c, 2, 0, 0, false},
		{"GPEN", PMBA + 0x0e, 2, 0, 0xffff, false},
		{"PCNTRL", PMBA + 0x10, 4, 0, 0xffffffff, false},
		{"PLVL2", PMBA + 0x14, 1, 0, 0, false},
		{"PLVL3", PMBA + 0x15, 1, 0, 0, false},
		{"GLBSTS", PMBA + 0x18, 2, 0, 0, false},
		{"DEVSTS", PMBA + 0x1c, 4, 0, 0, false},
		{"GLBEN", PMBA + 0x20, 2, 0, 0xffff, false},
		{"GLBCTL", PMBA + 0x28, 4, 0, 0xffffffff, false},
		{"DEVCTL", PMBA + 0x2c, 4, 0, 0xffffffff, false},
		{"GPIREG", PMBA + 0x30, 3, 0, 0, false},
		{"GPOREG", PMBA + 0x34, 4, 0, 0xffffffff, false},
	};
	struct bench *t = open_all();
	bool known[PIIX4PM_PORTS] = {false};

	memset(known + 4, true, 2); /* PMCNTRL: a write may put the machine to sleep, below */
	memset(known + 8, true, 4); /* PMTMR counts */
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (row[i].bytes != 3)
			check(t, &row[i]);
		memset(known + (row[i].at - PMBA), true, row[i].bytes);
	}
	for (unsigned at = 0; at < PIIX4PM_PORTS; at++) {
		const struct row reserved = {"reserved", PMBA + at, 1, 0, 0, false};

		if (!known[at])
			check(t, &reserved);
	}
	for (unsigned v = 0; v < 0x10000; v += 0x1111) { /* SLP_EN and reserved bits read 0 */
		out(&t->board->bed, PMBA + 4, 2, v & 0xdfff);
		assert_int_equal(in(&t->board->bed, PMBA + 4, 2), v & 0x1c03);
	}
	/* PMSTS: bits rise by events and are cleared by ones. */
	acpipm_power_button(&t->pm.acpi);
	run_for(&t->board->bed, CLOCK_HZ * 3);
	assert_int_equal(in(&t->board->bed, PMBA, 2), ACPIPM_STS_PWRBTN | ACPIPM_STS_TMR);
	out(&t->board->bed, PMBA, 2, ACPIPM_STS_PWRBTN);
	assert_int_equal(in(&t->board->bed, PMBA, 2), ACPIPM_STS_TMR);
	out(&t->board->bed, PMBA, 2, 0xffff);
	assert_int_equal(in(&t->board->bed, PMBA, 2), 0);
	close_all(t);
}

/* ---- virtio: legacy registers and the common configuration of version 1 ---- */
static void virtio_registers(void **state)
{
	static const struct row row[] = {
		{"legacy device features", BLK_IO + 0, 4, 0x18000256, 0, false},
		{"legacy driver features", BLK_IO + 4, 4, 0, 0x18000256, false},
		{"legacy queue address", BLK_IO + 8, 4, 0, 0xffffffff, false},
		{"legacy queue size", BLK_IO + 12, 2, 128, 0, false},
		{"legacy queue select", BLK_IO + 14, 2, 0, 0xffff, false},
		{"legacy notify", BLK_IO + 16, 2, 0, 0, false},
		{"legacy ISR", BLK_IO + 19, 1, 0, 0, false},
		{"legacy capacity", BLK_IO + 20, 4, SECTORS, 0, false},
		{"device feature select", BLK + 0, 4, 0, 0xffffffff, true},
		{"device features", BLK + 4, 4, 0x10000256, 0, true},
		{"driver feature select", BLK + 8, 4, 0, 0xffffffff, true},
		{"driver features", BLK + 12, 4, 0, 0xffffffff, true},
		{"MSI-X vector: there is none", BLK + 16, 2, 0xffff, 0, true},
		{"queues", BLK + 18, 2, 1, 0, true},
		{"configuration generation", BLK + 21, 1, 0, 0, true},
		{"queue select", BLK + 22, 2, 0, 0xffff, true},
		{"queue MSI-X vector", BLK + 26, 2, 0xffff, 0, true},
		{"queue notify offset", BLK + 30, 2, 0, 0, true},
		{"queue descriptors", BLK + 32, 8, 0, UINT64_C(0xfffffffffffffff0), true},
		{"queue driver area", BLK + 40, 8, 0, UINT64_C(0xfffffffffffffffe), true},
		{"queue device area", BLK + 48, 8, 0, UINT64_C(0xfffffffffffffffc), true},
		{"ISR", BLK + 0x1000, 1, 0, 0, true},
		{"capacity", BLK + 0x2000, 8, SECTORS, 0, true},
		{"notify", BLK + 0x3000, 2, 0, 0, true},
	};
	struct bench *t = open_all();
	struct bus *bus = t->board->bed.bus;

	CHECK_ROWS(row);
	/* Sizes are powers of two up to the device's; 1 alone enables, and then all stands still. */
	bus_write(bus, BLK + 24, 2, 64);
	bus_write(bus, BLK + 24, 2, 65);
	bus_write(bus, BLK + 24, 2, 256);
	bus_write(bus, BLK + 24, 2, 0);
	assert_int_equal(bus_read(bus, BLK + 24, 2), 64);
	bus_write(bus, BLK + 28, 2, 2);
	assert_int_equal(bus_read(bus, BLK + 28, 2), 0);
	bus_write(bus, BLK + 28, 2, 1);
	bus_write(bus, BLK + 28, 2, 0);
	bus_write(bus, BLK + 24, 2, 16);
	bus_write(bus, BLK + 32, 8, 0x1000);
	assert_int_equal(bus_read(bus, BLK + 28, 2), 1);
	assert_int_equal(bus_read(bus, BLK + 24, 2), 64);
	assert_int_equal(bus_read(bus, BLK + 32, 8), 0);
	bus_write(bus, BLK + 20, 1, 0); /* status 0 resets */
	assert_int_equal(bus_read(bus, BLK + 28, 2), 0);
	assert_int_equal(bus_read(bus, BLK + 24, 2), 128);
	close_all(t);
}

/* ---- x2APIC: all 256 MSRs, each bit ---- */
struct msr_row {
	const char *name;
	unsigned first, last;
	bool read;
	uint64_t reset;
	bool write;
	uint64_t allowed, keeps; /* other bits raise #GP(0); bits that read as written */
};

/* "x2APIC Register Address Space" and "Reserved Bit Checking in x2APIC Mode". */
static const struct msr_row msr_rows[] = {
	{"ID", 0x802, 0x802, true, 1, false, 0, 0},
	{"version", 0x803, 0x803, true, APIC_VERSION, false, 0, 0},
	{"TPR", 0x808, 0x808, true, 0, true, 0xff, 0xff},
	{"PPR", 0x80a, 0x80a, true, 0, false, 0, 0},
	{"EOI", 0x80b, 0x80b, false, 0, true, 0, 0},
	{"LDR", 0x80d, 0x80d, true, 2, false, 0, 0},
	{"SVR", 0x80f, 0x80f, true, 0xff, true, 0x3ff, 0x3ff},
	{"ISR", 0x810, 0x817, true, 0, false, 0, 0},
	{"TMR", 0x818, 0x81f, true, 0, false, 0, 0},
	{"IRR", 0x820, 0x827, true, 0, false, 0, 0},
	{"ESR", 0x828, 0x828, true, 0, true, 0, 0},
	{"ICR", 0x830, 0x830, true, 0, true, UINT64_C(0xffffffff000ccfff), UINT64_C(0xffffffff000ccfff)},
	/* delivery status and remote IRR are read only, not reserved */
	{"LVT timer", 0x832, 0x832, true, 0x10000, true, 0x750ff, 0x700ff},
	{"LVT thermal sensor", 0x833, 0x833, true, 0x10000, true, 0x157ff, 0x107ff},
	{"LVT performance counters", 0x834, 0x834, true, 0x10000, true, 0x157ff, 0x107ff},
	{"LVT LINT0", 0x835, 0x835, true, 0x10000, true, 0x1f7ff, 0x1a7ff},
	{"LVT LINT1", 0x836, 0x836, true, 0x10000, true, 0x1f7ff, 0x1a7ff},
	{"LVT error", 0x837, 0x837, true, 0x10000, true, 0x150ff, 0x100ff},
	{"initial count", 0x838, 0x838, true, 0, true, 0xffffffff, 0xffffffff},
	{"current count", 0x839, 0x839, true, 0, false, 0, 0},
	{"divide", 0x83e, 0x83e, true, 0, true, 0x0b, 0x0b},
	{"self IPI", 0x83f, 0x83f, false, 0, true, 0xff, 0},
};

static const struct msr_row *msr_row(unsigned msr)
{
	static const struct msr_row reserved = {"reserved", 0, 0, false, 0, false, 0, 0};

	for (size_t i = 0; i < sizeof(msr_rows) / sizeof(msr_rows[0]); i++)
		if (msr >= msr_rows[i].first && msr <= msr_rows[i].last)
			return &msr_rows[i];
	return &reserved;
}

static struct lapic *open_x2(struct board **board)
{
	struct lapic *a;

	*board = board_open();
	a = &(*board)->apics.apic[1];
	assert_true(lapic_set_base(a, a->base | APIC_BASE_X2, 36));
	return a;
}

static void check_msr_bit(unsigned msr, const struct msr_row *row, unsigned bit)
{
	struct board *b;
	struct lapic *a = open_x2(&b);
	uint64_t value = UINT64_C(1) << bit, got = 0;
	bool taken;

	if (msr != 0x80f)
		assert_true(
			lapic_msr_write(a, 0x80f, 0x1ff)); /* software-enabled: mask bits of the LVT can be cleared */
	taken = lapic_msr_write(a, msr, value);
	if (taken != (row->write && (row->allowed & value)))
		fail_msg("%s (%x): a write of bit %u is %s", row->name, msr, bit, taken ? "taken" : "#GP");
	if (taken && row->read) {
		assert_true(lapic_msr_read(a, msr, &got));
		if (got != (value & row->keeps))
			fail_msg("%s (%x): %llx written, %llx read", row->name, msr, (unsigned long long)value,
				 (unsigned long long)got);
	}
	board_close(b);
}

static void x2apic_msrs(void **state)
{
	for (unsigned msr = 0x800; msr < 0x900; msr++) {
		const struct msr_row *row = msr_row(msr);
		struct board *b;
		struct lapic *a = open_x2(&b);
		uint64_t got = 0;
		bool there = lapic_msr_read(a, msr, &got);

		if (there != row->read || (there && got != row->reset))
			fail_msg("%s (%x) reads %llx after reset%s", row->name, msr, (unsigned long long)got,
				 there ? "" : ": #GP");
		if (lapic_msr_write(a, msr, 0) != row->write)
			fail_msg("%s (%x): a write of 0", row->name, msr);
		board_close(b);
		if (!row->write)
			continue;
		for (unsigned bit = 0; bit < 64; bit++)
			check_msr_bit(msr, row, bit);
	}
}

/* ---- windows in memory: what has no register ---- */
static void reserved_windows(void **state)
{
	struct bench *t = open_all();
	struct bed *bed = &t->board->bed;
	unsigned errors = 0;

	bus_set_initiator(bed->bus, 1);
	bus_write(bed->bus, APIC_BASE + 0xf0, 4, 0x1ff);
	for (unsigned reg = 0; reg < 0x100; reg++) { /* xAPIC: an access to a reserved register is an error */
		bool there = msr_row(0x800 + reg)->read || msr_row(0x800 + reg)->write || reg == APIC_APR ||
			     reg == APIC_RRD || reg == APIC_DFR || reg == APIC_ICR2;

		if (reg == APIC_SELF_IPI)
			there = false;
		bus_read(bed->bus, APIC_BASE + reg * 16, 4);
		bus_write(bed->bus, APIC_BASE + APIC_ESR * 16, 4, 0);
		if ((bus_read(bed->bus, APIC_BASE + APIC_ESR * 16, 4) == APIC_ESR_REGISTER) == there)
			fail_msg("xAPIC register %02x", reg);
		errors += !there;
	}
	assert_int_equal(errors, 256 - 46);
	for (unsigned at = 0; at < 0x400; at += 8) { /* HPET */
		bool there = at == 0 || at == 0x10 || at == 0x20 || at == 0xf0 ||
			     (at >= 0x100 && at < 0x160 && (at & 0x1f) <= 8);

		if (there)
			continue;
		bus_write(bed->bus, HPET_BASE + at, 8, UINT64_MAX);
		assert_true(bus_read(bed->bus, HPET_BASE + at, 8) == 0);
	}
	for (unsigned reg = 0x40; reg < 0x100; reg++) { /* IOAPIC */
		bus_write(bed->bus, IOAPIC_BASE, 4, reg);
		bus_write(bed->bus, IOAPIC_BASE + 0x10, 4, UINT32_MAX);
		assert_int_equal(bus_read(bed->bus, IOAPIC_BASE + 0x10, 4), 0);
	}
	close_all(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pit_control_words),
		cmocka_unit_test(small_ports),
		cmocka_unit_test(cmos_cells),
		cmocka_unit_test(dma_registers),
		cmocka_unit_test(floppy_registers),
		cmocka_unit_test(ide_registers),
		cmocka_unit_test(power_management_ports),
		cmocka_unit_test(virtio_registers),
		cmocka_unit_test(x2apic_msrs),
		cmocka_unit_test(reserved_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
