/* The whole configuration space of each function: a row for each register, and where there is no row, reserved bytes
 * that read 0 and keep nothing.
 *
 * Sources: PCI Local Bus Specification 2.1, "Configuration Space Decoding"; Intel 82441FX (290549) and 82371SB
 * (290550), "PCI configuration registers"; Intel 82371AB (290562), "Power management PCI configuration registers";
 * VIRTIO 1.1, "PCI Device Layout". */
#include "devices/ide.h"
#include "devices/virtio_blk.h"
#include "image.h"
#include "pcibed.h"

#define HOST   PCI_DEVFN(0, 0)
#define ISA    PCI_DEVFN(1, 0)
#define IDE    PCI_DEVFN(1, 1)
#define PM     PCI_DEVFN(1, 3)
#define VIRTIO PCI_DEVFN(4, 0)
#define SMRAM  0x72u

struct bench {
	struct pcibed b;
	struct ide ide;
	struct virtio_blk blk;
	struct disk disk;
	struct lines lines;
	char path[64];
};

static struct bench *open_functions(void)
{
	struct bench *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	pcibed_open(&t->b);
	image_make(t->path, 512);
	assert_true(disk_open(&t->disk, t->path, 0, 512, (struct disk_report){lines_add, &t->lines}));
	assert_true(ide_init(&t->ide, t->b.bed.bus, &t->b.bed.clock));
	assert_true(ide_add_pci(&t->ide, &t->b.pci, IDE));
	assert_true(virtio_blk_init(&t->blk, &t->b.pci, &t->b.bed.clock, VIRTIO, 0, &t->disk));
	return t;
}

static void close_functions(struct bench *t)
{
	disk_close(&t->disk);
	unlink(t->path);
	pcibed_close(&t->b);
	free(t);
}

static const struct config_row host_rows[] = {
	{"VID, DID", HOST, 0x00, 4, 0x12378086, 0},
	{"PCICMD", HOST, 0x04, 2, 0x0006, 0x0140},
	{"PCISTS", HOST, 0x06, 2, 0x0280, 0},
	{"RID, CLASSC", HOST, 0x08, 4, 0x06000002, 0},
	{"MLT", HOST, 0x0d, 1, 0x00, 0xf8},
	{"HEDT", HOST, 0x0e, 1, 0x00, 0},
	{"subsystem", HOST, 0x2c, 4, 0x11001af4, 0},
	{"PMCCFG", HOST, 0x50, 2, 0x0000, 0xffff},
	{"DETURBO", HOST, 0x52, 1, 0x00, 0xff},
	{"DBC", HOST, 0x53, 1, 0x80, 0xff},
	{"AXC", HOST, 0x54, 1, 0x00, 0xff},
	{"DRT", HOST, 0x55, 2, 0x0000, 0xffff},
	{"DRAMC", HOST, 0x57, 1, 0x01, 0xff},
	{"DRAMT", HOST, 0x58, 1, 0x10, 0xff},
	{"PAM0", HOST, 0x59, 1, 0x00, 0x30},
	{"PAM1", HOST, 0x5a, 1, 0x00, 0x33},
	{"PAM2", HOST, 0x5b, 1, 0x00, 0x33},
	{"PAM3", HOST, 0x5c, 1, 0x00, 0x33},
	{"PAM4", HOST, 0x5d, 1, 0x00, 0x33},
	{"PAM5", HOST, 0x5e, 1, 0x00, 0x33},
	{"PAM6", HOST, 0x5f, 1, 0x00, 0x33},
	{"DRB0-3", HOST, 0x60, 4, 0x01010101, 0xffffffff},
	{"DRB4-7", HOST, 0x64, 4, 0x01010101, 0xffffffff},
	{"FDHC", HOST, 0x68, 1, 0x00, 0xc0},
	{"MTT", HOST, 0x70, 1, 0x00, 0xff},
	{"CLT", HOST, 0x71, 1, 0x10, 0xff},
	{"ERRCMD", HOST, 0x90, 1, 0x00, 0xff},
	{"ERRSTS", HOST, 0x91, 1, 0x00, 0},
};

static const struct config_row isa_rows[] = {
	{"VID, DID", ISA, 0x00, 4, 0x70008086, 0},
	{"PCICMD", ISA, 0x04, 2, 0x0007, 0x0008},
	{"PCISTS", ISA, 0x06, 2, 0x0200, 0},
	{"RID, CLASSC", ISA, 0x08, 4, 0x06010000, 0},
	{"HEDT", ISA, 0x0e, 1, 0x80, 0},
	{"subsystem", ISA, 0x2c, 4, 0x11001af4, 0},
	{"IORT", ISA, 0x4c, 1, 0x4d, 0xff},
	{"XBCS", ISA, 0x4e, 2, 0x0003, 0x01ff},
	{"PIRQRC", ISA, 0x60, 4, 0x80808080, 0x8f8f8f8f},
	{"TOM", ISA, 0x69, 1, 0x02, 0xfe},
	{"MBIRQ0", ISA, 0x70, 1, 0x80, 0xef},
	{"MBDMA", ISA, 0x76, 2, 0x0c0c, 0x8f8f},
	{"PCSC", ISA, 0x78, 2, 0x0002, 0xffff},
	{"APICBASE", ISA, 0x80, 1, 0x00, 0x7f},
	{"DLC", ISA, 0x82, 1, 0x00, 0x0f},
	{"SMICNTL", ISA, 0xa0, 1, 0x08, 0x1f},
	{"SMIEN", ISA, 0xa2, 2, 0x0000, 0x01ff},
	{"SEE", ISA, 0xa4, 4, 0x00000000, 0xffffffff},
	{"FTMR", ISA, 0xa8, 1, 0x0f, 0xff},
	{"SMIREQ", ISA, 0xaa, 2, 0x0000, 0},
	{"CTLTMR", ISA, 0xac, 1, 0x00, 0xff},
	{"CTHTMR", ISA, 0xae, 1, 0x00, 0xff},
};

static const struct config_row ide_rows[] = {
	{"VID, DID", IDE, 0x00, 4, 0x70108086, 0},
	{"PCICMD", IDE, 0x04, 2, 0x0000, 0x0005},
	{"PCISTS", IDE, 0x06, 2, 0x0280, 0},
	{"RID, CLASSC", IDE, 0x08, 4, 0x01018000, 0},
	{"MLT", IDE, 0x0d, 1, 0x00, 0xf0},
	{"HEDT", IDE, 0x0e, 1, 0x00, 0},
	{"BMIBA: 32 bits for SeaBIOS", IDE, 0x20, 4, 0x00000001, 0xfffffff0},
	{"subsystem", IDE, 0x2c, 4, 0x11001af4, 0},
	{"IDETIM primary", IDE, 0x40, 2, 0x0000, 0xf3ff},
	{"IDETIM secondary", IDE, 0x42, 2, 0x0000, 0xf3ff},
	{"SIDETIM", IDE, 0x44, 1, 0x00, 0xff},
};

static const struct config_row pm_rows[] = {
	{"VID, DID", PM, 0x00, 4, 0x71138086, 0},
	{"PCICMD", PM, 0x04, 2, 0x0000, 0x0009},
	{"PCISTS", PM, 0x06, 2, 0x0280, 0},
	{"RID, CLASSC", PM, 0x08, 4, 0x06800003, 0},
	{"HEDT", PM, 0x0e, 1, 0x00, 0},
	{"subsystem", PM, 0x2c, 4, 0x11001af4, 0},
	{"INTLN", PM, 0x3c, 1, 0x09, 0xff},
	{"INTPN", PM, 0x3d, 1, 0x01, 0},
	{"PMBA", PM, 0x40, 4, 0x00000001, 0x0000ffc0},
	{"CNTA", PM, 0x44, 4, 0, 0xffffffff},
	{"CNTB", PM, 0x48, 4, 0, 0xffffffff},
	{"GPICTL", PM, 0x4c, 4, 0, 0xffffffff},
	{"DEVRESD", PM, 0x50, 4, 0, 0xffffffff},
	{"DEVACTA", PM, 0x54, 4, 0, 0xffffffff},
	/* APMC_EN: as firmware leaves it on a board whose processors have no SMM (devices/piix3.h) */
	{"DEVACTB", PM, 0x58, 4, 0x02000000, 0x03ffffff},
	{"DEVRESA", PM, 0x5c, 4, 0, 0xffffffff},
	{"DEVRESB", PM, 0x60, 4, 0, 0xffffffff},
	{"DEVRESC", PM, 0x64, 4, 0, 0xffffffff},
	{"DEVRESE", PM, 0x68, 4, 0, 0xffffffff},
	{"DEVRESF", PM, 0x6c, 4, 0, 0xffffffff},
	{"DEVRESG", PM, 0x70, 4, 0, 0xffffffff},
	{"DEVRESH", PM, 0x74, 4, 0, 0xffffffff},
	{"DEVRESI", PM, 0x78, 4, 0, 0xffffffff},
	{"DEVRESJ", PM, 0x7c, 4, 0, 0xffffffff},
	{"PMREGMISC", PM, 0x80, 1, 0x00, 0x01},
	{"SMBBA", PM, 0x90, 4, 0x00000001, 0x0000fff0},
	{"SMBHSTCFG", PM, 0xd2, 1, 0x00, 0x0f},
	{"SMBSLVC", PM, 0xd3, 1, 0x00, 0xff},
	{"SMBSHDW1, 2", PM, 0xd4, 2, 0x0000, 0xffff},
};

static const struct config_row virtio_rows[] = {
	{"vendor, device", VIRTIO, 0x00, 4, 0x10011af4, 0},
	{"command", VIRTIO, 0x04, 2, 0x0000, 0x0407},
	{"status", VIRTIO, 0x06, 2, 0x0010, 0},
	{"revision, class", VIRTIO, 0x08, 4, 0x01000000, 0},
	{"header type", VIRTIO, 0x0e, 1, 0x00, 0},
	{"BAR0", VIRTIO, 0x10, 4, 0x00000001, 0xffffff80},
	{"BAR4", VIRTIO, 0x20, 4, 0x00000000, 0xffffc000},
	{"subsystem", VIRTIO, 0x2c, 4, 0x00021af4, 0},
	{"capabilities", VIRTIO, 0x34, 1, 0x40, 0},
	{"interrupt line", VIRTIO, 0x3c, 1, 0x00, 0xff},
	{"interrupt pin", VIRTIO, 0x3d, 1, 0x01, 0},
	/* vendor-specific capabilities: id 09h, next, length, type; BAR; offset; length */
	{"common", VIRTIO, 0x40, 4, 0x01105409, 0},
	{"common BAR", VIRTIO, 0x44, 4, 4, 0},
	{"common offset", VIRTIO, 0x48, 4, 0, 0},
	{"common length", VIRTIO, 0x4c, 4, 56, 0},
	{"ISR", VIRTIO, 0x54, 4, 0x03106809, 0},
	{"ISR BAR", VIRTIO, 0x58, 4, 4, 0},
	{"ISR offset", VIRTIO, 0x5c, 4, 0x1000, 0},
	{"ISR length", VIRTIO, 0x60, 4, 1, 0},
	{"device", VIRTIO, 0x68, 4, 0x04107c09, 0},
	{"device BAR", VIRTIO, 0x6c, 4, 4, 0},
	{"device offset", VIRTIO, 0x70, 4, 0x2000, 0},
	{"device length", VIRTIO, 0x74, 4, 64, 0},
	{"notify", VIRTIO, 0x7c, 4, 0x02149009, 0},
	{"notify BAR", VIRTIO, 0x80, 4, 4, 0},
	{"notify offset", VIRTIO, 0x84, 4, 0x3000, 0},
	{"notify length", VIRTIO, 0x88, 4, 4, 0},
	{"notify multiplier", VIRTIO, 0x8c, 4, 0, 0},
	{"PCI window", VIRTIO, 0x90, 4, 0x05140009, 0},
	{"window BAR", VIRTIO, 0x94, 1, 0, 0xff},
	{"window offset", VIRTIO, 0x98, 4, 0, 0xffffffff},
	{"window length", VIRTIO, 0x9c, 4, 0, 0xffffffff},
	{"window data", VIRTIO, 0xa0, 4, 0, 0xffffffff},
};

/* The rows, and between them nothing. */
static void check_function(const struct config_row *row, size_t rows)
{
	struct bench *t = open_functions();
	uint8_t devfn = row[0].devfn;
	bool known[256] = {false};

	known[SMRAM] = devfn == HOST;
	for (size_t i = 0; i < rows; i++) {
		check_config(&t->b.bed, &row[i]);
		for (unsigned n = 0; n < row[i].bytes; n++) {
			assert_false(known[row[i].offset + n]); /* one row a register */
			known[row[i].offset + n] = true;
		}
	}
	for (unsigned offset = 0; offset < 256; offset++) {
		const struct config_row reserved = {"reserved", devfn, (uint8_t)offset, 1, 0, 0};

		if (known[offset])
			continue;
		if (cfg_read(&t->b.bed, devfn, offset, 1) != 0)
			fail_msg("%02x of function %02x has no row", offset, devfn);
		check_config(&t->b.bed, &reserved);
	}
	pci_reset(&t->b.pci);
	for (size_t i = 0; i < rows; i++)
		assert_int_equal(cfg_read(&t->b.bed, devfn, row[i].offset, row[i].bytes), row[i].reset);
	assert_int_equal(t->b.bed.gaps, 0);
	close_functions(t);
}

#define FUNCTION(test, rows)                                                                                           \
	static void test(void **state)                                                                                 \
	{                                                                                                              \
		check_function(rows, sizeof(rows) / sizeof((rows)[0]));                                                \
	}
FUNCTION(registers_of_the_82441fx, host_rows)
FUNCTION(registers_of_the_piix3, isa_rows)
FUNCTION(registers_of_the_ide_function, ide_rows)
FUNCTION(registers_of_power_management, pm_rows)
FUNCTION(registers_of_a_virtio_disk, virtio_rows)

/* Its bits 2-0 are fixed; D_LCK (bit 4) sticks, and D_OPEN (bit 6) falls with it. */
static void smram_control(void **state)
{
	struct bench *t = open_functions();

	assert_int_equal(cfg_read(&t->b.bed, HOST, SMRAM, 1), 0x02);
	for (unsigned v = 0; v < 256; v++) {
		cfg_write(&t->b.bed, HOST, SMRAM, 1, v & ~0x10u);
		assert_int_equal(cfg_read(&t->b.bed, HOST, SMRAM, 1), (v & 0x68) | 0x02);
	}
	cfg_write(&t->b.bed, HOST, SMRAM, 1, 0x58);
	assert_int_equal(cfg_read(&t->b.bed, HOST, SMRAM, 1), 0x1a);
	cfg_write(&t->b.bed, HOST, SMRAM, 1, 0x40);
	assert_int_equal(cfg_read(&t->b.bed, HOST, SMRAM, 1), 0x12);
	pci_reset(&t->b.pci);
	assert_int_equal(cfg_read(&t->b.bed, HOST, SMRAM, 1), 0x02);
	close_functions(t);
}

/* Status bits that a one clears: nothing on this board sets them, so they are set behind the guest's back. */
static void error_bits_are_cleared_by_ones(void **state)
{
	static const struct {
		uint8_t devfn, offset;
		uint16_t clear;
	} row[] = {
		{HOST, 0x06, 0xf900}, {HOST, 0x91, 0x0011}, {ISA, 0x06, 0x7800},
		{IDE, 0x06, 0x3800},  {PM, 0x06, 0xf900},
	};
	struct bench *t = open_functions();

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint32_t reset = cfg_read(&t->b.bed, row[i].devfn, row[i].offset, 2);

		for (unsigned f = 0; f < t->b.pci.functions; f++)
			if (t->b.pci.function[f]->devfn == row[i].devfn)
				pci_config_set(t->b.pci.function[f], row[i].offset, 2, reset | row[i].clear);
		for (unsigned bit = 0; bit < 16; bit++) {
			uint32_t before = cfg_read(&t->b.bed, row[i].devfn, row[i].offset, 2);

			cfg_write(&t->b.bed, row[i].devfn, row[i].offset, 2, 1u << bit);
			assert_int_equal(cfg_read(&t->b.bed, row[i].devfn, row[i].offset, 2),
					 before & ~(row[i].clear & 1u << bit));
		}
		assert_int_equal(cfg_read(&t->b.bed, row[i].devfn, row[i].offset, 2), reset);
	}
	close_functions(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_of_the_82441fx),       cmocka_unit_test(registers_of_the_piix3),
		cmocka_unit_test(registers_of_the_ide_function),  cmocka_unit_test(registers_of_power_management),
		cmocka_unit_test(registers_of_a_virtio_disk),     cmocka_unit_test(smram_control),
		cmocka_unit_test(error_bits_are_cleared_by_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
