/* PCI configuration, BARs, interrupts; the 440FX host bridge, PIIX3 and the PM function. */
#include "pcibed.h"

#define HOST PCI_DEVFN(0, 0)
#define ISA PCI_DEVFN(1, 0)
#define PM PCI_DEVFN(1, 3)
#define CARD PCI_DEVFN(4, 0)

/* A card with an I/O and a memory BAR whose registers are an array. */
struct card {
	struct pci_function pci;
	uint8_t io[16], memory[4096];
	unsigned writes;
};

static uint64_t fetch(const uint8_t *array, uint64_t offset, unsigned bytes)
{
	uint64_t value = 0;

	memcpy(&value, array + offset, bytes);
	return value;
}

static uint64_t io_read(void *device, uint64_t offset, unsigned bytes)
{
	struct card *c = device;

	assert_true(offset + bytes <= sizeof(c->io));
	return fetch(c->io, offset, bytes);
}

static void io_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct card *c = device;

	assert_true(offset + bytes <= sizeof(c->io));
	memcpy(c->io + offset, &value, bytes);
	c->writes++;
}

static uint64_t memory_read(void *device, uint64_t offset, unsigned bytes)
{
	struct card *c = device;

	assert_true(offset + bytes <= sizeof(c->memory));
	return fetch(c->memory, offset, bytes);
}

static void memory_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct card *c = device;

	assert_true(offset + bytes <= sizeof(c->memory));
	memcpy(c->memory + offset, &value, bytes);
	c->writes++;
}

static void add_card(struct pcibed *b, struct card *c, uint8_t devfn, uint8_t pin)
{
	static const struct mmio_ops io = {io_read, io_write}, memory = {memory_read, memory_write};
	const struct pci_identity id = {0x1234, 0x5678, 0x1af4, 0x0001, 0x07, 0x0c0301, pin};

	memset(c, 0, sizeof(*c));
	pci_function_begin(&c->pci, "card", devfn, &id);
	pci_function_register(&c->pci, PCI_COMMAND, 2, 0, 0x0407);
	pci_function_bar(&c->pci, 0, PCI_BAR_IO, 16, io);
	pci_function_bar(&c->pci, 1, PCI_BAR_MEMORY, 4096, memory);
	pci_function_msi(&c->pci, 0x50);
	c->pci.device = c;
	assert_true(pci_add(&b->pci, &c->pci));
}

static void registers_reset_and_access(void **state)
{
	static const struct config_row row[] = {
		{"PMC ids", HOST, 0x00, 4, 0x12378086, 0},
		{"PMC command", HOST, 0x04, 2, 0x0006, 0x0140},
		{"PMC status", HOST, 0x06, 2, 0x0280, 0},
		{"PMC revision and class", HOST, 0x08, 4, 0x06000002, 0},
		{"PMC latency", HOST, 0x0d, 1, 0x00, 0xf8},
		{"PMC header", HOST, 0x0e, 1, 0x00, 0},
		{"PMC subsystem", HOST, 0x2c, 4, 0x11001af4, 0},
		{"PMC DRAMC", HOST, 0x57, 1, 0x01, 0xff},
		{"PMC PAM0", HOST, 0x59, 1, 0x00, 0x30},
		{"PMC PAM1", HOST, 0x5a, 1, 0x00, 0x33},
		{"PMC PAM6", HOST, 0x5f, 1, 0x00, 0x33},
		{"PMC DRB0-3", HOST, 0x60, 4, 0x01010101, 0xffffffff},
		{"PMC CLT", HOST, 0x71, 1, 0x10, 0xff},
		{"PMC reserved", HOST, 0xf0, 4, 0, 0},
		{"PIIX3 ids", ISA, 0x00, 4, 0x70008086, 0},
		{"PIIX3 command", ISA, 0x04, 2, 0x0007, 0x0008},
		{"PIIX3 status", ISA, 0x06, 2, 0x0200, 0},
		{"PIIX3 class", ISA, 0x08, 4, 0x06010000, 0},
		{"PIIX3 header", ISA, 0x0e, 1, 0x80, 0},
		{"PIIX3 recovery", ISA, 0x4c, 1, 0x4d, 0xff},
		{"PIIX3 XBCS", ISA, 0x4e, 2, 0x0003, 0x01ff},
		{"PIIX3 PIRQ", ISA, 0x60, 4, 0x80808080, 0x8f8f8f8f},
		{"PIIX3 PIRQB", ISA, 0x61, 1, 0x80, 0x8f},
		{"PIIX3 SMICNTL", ISA, 0xa0, 1, 0x08, 0x1f},
		{"PM ids", PM, 0x00, 4, 0x71138086, 0},
		{"PM class", PM, 0x08, 4, 0x06800003, 0},
		{"PM interrupt", PM, 0x3c, 2, 0x0109, 0x00ff},
		{"PM base", PM, 0x40, 4, 0x00000001, 0x0000ffc0},
		{"PM misc", PM, 0x80, 1, 0x00, 0x01},
		{"PM DEVACTB", PM, 0x58, 4, 0x02000000, 0x03ffffff},
	};
	struct pcibed b;

	pcibed_open(&b);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		check_config(&b.bed, &row[i]);
	assert_int_equal(b.bed.gaps, 0);
	pcibed_close(&b);
}

static void only_dwords_are_configuration_addresses(void **state)
{
	struct pcibed b;

	pcibed_open(&b);
	out(&b.bed, 0xcf8, 4, 0xffffffff);
	assert_int_equal(in(&b.bed, 0xcf8, 4), 0x80fffffc);
	out(&b.bed, 0xcf8, 4, 0x80000000);
	out(&b.bed, 0xcf8, 1, 0x08);
	out(&b.bed, 0xcfa, 2, 0x1234);
	assert_int_equal(in(&b.bed, 0xcf8, 4), 0x80000000);
	assert_int_equal(in(&b.bed, 0xcf8, 1), 0xff);
	pcibed_close(&b);
}

static void data_is_read_at_every_width(void **state)
{
	struct pcibed b;

	pcibed_open(&b);
	cfg_select(&b.bed, HOST, 0);
	assert_int_equal(in(&b.bed, 0xcfc, 1), 0x86);
	assert_int_equal(in(&b.bed, 0xcfd, 1), 0x80);
	assert_int_equal(in(&b.bed, 0xcfe, 2), 0x1237);
	assert_int_equal(in(&b.bed, 0xcfd, 2), 0x3780);
	assert_int_equal(in(&b.bed, 0xcff, 1), 0x12);
	assert_int_equal(in(&b.bed, 0xcff, 2), 0xff12);
	cfg_write(&b.bed, ISA, 0x62, 1, 0x0b);
	assert_int_equal(cfg_read(&b.bed, ISA, 0x60, 4), 0x800b8080);
	pcibed_close(&b);
}

static void where_nothing_is_all_ones_are_read(void **state)
{
	static const uint32_t address[] = {
		0x00000000, /* not enabled */
		0x80010000, /* bus 1 */
		0x80001000, /* device 2 */
		0x80000100, /* function 1 of the host bridge */
		0x80000a00, /* function 2 of the ISA bridge */
	};
	struct pcibed b;

	pcibed_open(&b);
	for (unsigned i = 0; i < sizeof(address) / sizeof(address[0]); i++) {
		out(&b.bed, 0xcf8, 4, address[i]);
		assert_true(in(&b.bed, 0xcfc, 4) == 0xffffffff);
		out(&b.bed, 0xcfc, 4, 0); /* dropped */
	}
	pcibed_close(&b);
}

static void bars_tell_their_size(void **state)
{
	struct pcibed b;
	struct card c;

	pcibed_open(&b);
	add_card(&b, &c, CARD, 1);
	cfg_write(&b.bed, CARD, 0x10, 4, 0xffffffff);
	cfg_write(&b.bed, CARD, 0x14, 4, 0xffffffff);
	cfg_write(&b.bed, CARD, 0x18, 4, 0xffffffff);
	assert_true(cfg_read(&b.bed, CARD, 0x10, 4) == 0xfffffff1);
	assert_true(cfg_read(&b.bed, CARD, 0x14, 4) == 0xfffff000);
	assert_true(cfg_read(&b.bed, CARD, 0x18, 4) == 0);
	pcibed_close(&b);
}

static void io_bars_follow_base_and_command(void **state)
{
	struct pcibed b;
	struct card c;

	pcibed_open(&b);
	add_card(&b, &c, CARD, 1);
	c.io[4] = 0x99;
	cfg_write(&b.bed, CARD, 0x10, 4, 0xc000);
	assert_int_equal(in8(&b.bed, 0xc004), 0xff);
	cfg_write(&b.bed, CARD, 0x04, 2, 1);
	assert_int_equal(in8(&b.bed, 0xc004), 0x99);
	assert_int_equal(in(&b.bed, 0xc00e, 4), 0xffff0000); /* half of it outside */
	cfg_write(&b.bed, CARD, 0x10, 4, 0xd000);
	assert_int_equal(in8(&b.bed, 0xc004), 0xff);
	out(&b.bed, 0xd004, 4, 0x11223344);
	assert_int_equal(c.io[7], 0x11);
	cfg_write(&b.bed, CARD, 0x10, 4, 0x1d000); /* past the port space */
	assert_int_equal(in8(&b.bed, 0xd004), 0xff);
	cfg_write(&b.bed, CARD, 0x10, 4, 0);
	assert_int_equal(in8(&b.bed, 0x0004), 0xff);
	cfg_write(&b.bed, CARD, 0x10, 4, 0xd000);
	assert_int_equal(in8(&b.bed, 0xd004), 0x44);
	cfg_write(&b.bed, CARD, 0x04, 2, 0);
	assert_int_equal(in8(&b.bed, 0xd004), 0xff);
	pcibed_close(&b);
}

static void memory_bars_follow_base_and_command(void **state)
{
	struct pcibed b;
	struct card c;

	pcibed_open(&b);
	add_card(&b, &c, CARD, 1);
	cfg_write(&b.bed, CARD, 0x14, 4, 0xfebf0000);
	bus_write(b.bed.bus, 0xfebf0010, 8, 0x1122334455667788);
	assert_int_equal(c.writes, 0);
	cfg_write(&b.bed, CARD, 0x04, 2, 2);
	bus_write(b.bed.bus, 0xfebf0010, 8, 0x1122334455667788);
	assert_int_equal(c.memory[0x17], 0x11);
	assert_true(bus_read(b.bed.bus, 0xfebf0012, 2) == 0x5566);
	cfg_write(&b.bed, CARD, 0x14, 4, 0xe0000000);
	assert_true(bus_read(b.bed.bus, 0xfebf0012, 2) == 0xffff);
	assert_true(bus_read(b.bed.bus, 0xe0000012, 2) == 0x5566);
	cfg_write(&b.bed, CARD, 0x14, 4, 0x00200000); /* RAM is above it */
	bus_write(b.bed.bus, 0x00200012, 2, 0x4711);
	assert_int_equal(c.memory[0x12], 0x66);
	cfg_write(&b.bed, CARD, 0x14, 4, 0xfffff000);
	assert_true(bus_read(b.bed.bus, 0xfffff012, 2) == 0x5566);
	pcibed_close(&b);
}

static void pins_are_routed_to_isa_interrupts(void **state)
{
	static const struct {
		uint8_t device, pin, pirq;
	} row[] = {{2, 1, 1}, {3, 1, 2}, {4, 1, 3}, {5, 1, 0}, {4, 2, 0}, {4, 4, 2}};
	struct pcibed b;

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct card c;

		pcibed_open(&b);
		add_card(&b, &c, PCI_DEVFN(row[i].device, 0), row[i].pin);
		pci_set_intx(&c.pci, true, 77);
		for (unsigned irq = 0; irq < 16; irq++) {
			bool routable = 0xdef8 >> irq & 1;

			cfg_write(&b.bed, ISA, 0x60 + row[i].pirq, 1, irq);
			assert_int_equal(b.bridge.irq[irq].level, routable);
			assert_int_equal(b.bridge.irq[irq].cause, routable ? 77 : 0);
			cfg_write(&b.bed, ISA, 0x60 + row[i].pirq, 1, irq | 0x80);
			assert_false(b.bridge.irq[irq].level);
		}
		pcibed_close(&b);
	}
}

static void pins_are_shared(void **state)
{
	struct pcibed b;
	struct card one, two;

	pcibed_open(&b);
	add_card(&b, &one, PCI_DEVFN(4, 0), 1);
	add_card(&b, &two, PCI_DEVFN(8, 0), 1);
	cfg_write(&b.bed, ISA, 0x60, 4, 0x0b0b0a0a);
	pci_set_intx(&one.pci, true, 5);
	assert_int_equal(cfg_read(&b.bed, PCI_DEVFN(4, 0), 6, 2) & 8, 8);
	pci_set_intx(&two.pci, true, 6);
	assert_int_equal(b.bridge.irq[11].cause, 5);
	pci_set_intx(&one.pci, false, 0);
	assert_true(b.bridge.irq[11].level);
	assert_int_equal(cfg_read(&b.bed, PCI_DEVFN(4, 0), 6, 2) & 8, 0);
	cfg_write(&b.bed, PCI_DEVFN(8, 0), 4, 2, PCI_COMMAND_INTX_OFF);
	assert_false(b.bridge.irq[11].level);
	assert_int_equal(cfg_read(&b.bed, PCI_DEVFN(8, 0), 6, 2) & 8, 8); /* pending all the same */
	cfg_write(&b.bed, PCI_DEVFN(8, 0), 4, 2, 0);
	assert_true(b.bridge.irq[11].level);
	assert_int_equal(b.bridge.irq[11].cause, 6);
	pcibed_close(&b);
}

static void messages(void **state)
{
	struct pcibed b;
	struct card c;
	uint32_t data = 0x4041;

	pcibed_open(&b);
	add_card(&b, &c, CARD, 1);
	assert_int_equal(cfg_read(&b.bed, CARD, 0x34, 1), 0x50);
	assert_int_equal(cfg_read(&b.bed, CARD, 0x06, 2) & 0x10, 0x10);
	assert_int_equal(cfg_read(&b.bed, CARD, 0x50, 4), 0x00000005);
	cfg_write(&b.bed, CARD, 0x54, 4, 0xfee0100f);
	cfg_write(&b.bed, CARD, 0x58, 2, 0x4041);
	pci_msi_send(&c.pci, 9);
	assert_int_equal(b.messages, 0);
	cfg_write(&b.bed, CARD, 0x52, 2, 0xffff);
	assert_int_equal(cfg_read(&b.bed, CARD, 0x52, 2), 1);
	pci_msi_send(&c.pci, 9); /* not a bus master */
	assert_int_equal(b.messages, 0);
	cfg_write(&b.bed, CARD, 0x04, 2, 4);
	pci_msi_send(&c.pci, 9);
	assert_int_equal(b.messages, 1);
	assert_true(b.message_address == 0xfee0100c);
	assert_int_equal(b.message_data, 0x4041);
	assert_int_equal(b.message_cause, 9);
	/* Any write there is a message. */
	assert_true(pci_master_write(&c.pci, 0xfee02000, &data, 4));
	assert_int_equal(b.messages, 2);
	assert_true(b.message_cause != 0);
	pcibed_close(&b);
}

static void bus_masters(void **state)
{
	struct pcibed b;
	struct card c;
	uint8_t data[100], back[100];

	pcibed_open(&b);
	add_card(&b, &c, CARD, 1);
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i + 1);
	assert_false(pci_master_write(&c.pci, 0x1003, data, sizeof(data)));
	assert_false(pci_master_read(&c.pci, 0x1003, back, sizeof(back)));
	assert_int_equal(bus_read(b.bed.bus, 0x1003, 1), 0);
	cfg_write(&b.bed, CARD, 0x04, 2, 4);
	assert_true(pci_master_write(&c.pci, 0x1003, data, sizeof(data)));
	assert_true(pci_master_read(&c.pci, 0x1003, back, sizeof(back)));
	assert_memory_equal(data, back, sizeof(data));
	assert_true(pci_master_read(&c.pci, 0x400000 - 10, back, 20)); /* past the end of RAM */
	assert_int_equal(back[9], 0);
	assert_int_equal(back[10], 0xff);
	pcibed_close(&b);
}

static void pam_switches_every_segment(void **state)
{
	static uint8_t image[0x40000];
	struct pcibed b;

	pcibed_open(&b);
	memset(image, 0x70, sizeof(image));
	assert_non_null(bus_add_rom(b.bed.bus, "ROM", 0xc0000, sizeof(image), image, sizeof(image)));
	for (unsigned s = 0; s < 13; s++) {
		uint64_t start = s == 0 ? 0xf0000 : 0xc0000 + (s - 1) * 0x4000;
		uint64_t last = s == 0 ? 0xfffff : start + 0x3fff;
		unsigned reg = 0x59 + (s + 1) / 2, shift = 4 * ((s + 1) & 1);

		bus_write(b.bed.bus, start, 1, 0x11);
		assert_int_equal(bus_read(b.bed.bus, start, 1), 0x70);
		cfg_write(&b.bed, HOST, reg, 1, 2u << shift); /* write only: copy the ROM */
		bus_write(b.bed.bus, start, 4, 0x04030201);
		bus_write(b.bed.bus, last, 1, 0x99);
		assert_true(bus_read(b.bed.bus, start, 4) == 0x70707070);
		cfg_write(&b.bed, HOST, reg, 1, 1u << shift); /* read only */
		assert_true(bus_read(b.bed.bus, start, 4) == 0x04030201);
		assert_int_equal(bus_read(b.bed.bus, last, 1), 0x99);
		bus_write(b.bed.bus, start, 1, 0x55);
		assert_int_equal(bus_read(b.bed.bus, start, 1), 0x01);
		cfg_write(&b.bed, HOST, reg, 1, 3u << shift);
		bus_write(b.bed.bus, start, 1, 0x55);
		assert_int_equal(bus_read(b.bed.bus, start, 1), 0x55);
		cfg_write(&b.bed, HOST, reg, 1, 0);
		assert_int_equal(bus_read(b.bed.bus, start, 1), 0x70);
		assert_int_equal(bus_read(b.bed.bus, last, 1), 0x70);
	}
	cfg_write(&b.bed, HOST, 0x5a, 4, 0x33333333);
	pci_reset(&b.pci);
	assert_int_equal(bus_read(b.bed.bus, 0xc0000, 1), 0x70);
	pcibed_close(&b);
}

static void smram_opens_until_it_is_locked(void **state)
{
	struct pcibed b;

	pcibed_open(&b);
	assert_int_equal(cfg_read(&b.bed, HOST, 0x72, 1), 0x02);
	cfg_write(&b.bed, HOST, 0x72, 1, 0x4a);
	bus_write(b.bed.bus, 0xa0000, 1, 0x12);
	assert_int_equal(bus_read(b.bed.bus, 0xa0000, 1), 0x12);
	cfg_write(&b.bed, HOST, 0x72, 1, 0x0a);
	assert_int_equal(bus_read(b.bed.bus, 0xa0000, 1), 0xff);
	cfg_write(&b.bed, HOST, 0x72, 1, 0x5a);
	assert_int_equal(cfg_read(&b.bed, HOST, 0x72, 1), 0x1a);
	cfg_write(&b.bed, HOST, 0x72, 1, 0x4a);
	assert_int_equal(cfg_read(&b.bed, HOST, 0x72, 1), 0x1a);
	assert_int_equal(bus_read(b.bed.bus, 0xa0000, 1), 0xff);
	pci_reset(&b.pci);
	assert_int_equal(cfg_read(&b.bed, HOST, 0x72, 1), 0x02);
	cfg_write(&b.bed, HOST, 0x72, 1, 0x4a);
	assert_int_equal(bus_read(b.bed.bus, 0xa0000, 1), 0x12);
	pcibed_close(&b);
}

static void reset_control(void **state)
{
	struct pcibed b;

	pcibed_open(&b);
	out8(&b.bed, 0xcf9, 0x02);
	assert_int_equal(b.resets, 0);
	out8(&b.bed, 0xcf9, 0x06);
	assert_int_equal(b.resets, 1);
	assert_int_equal(b.hard, 1);
	assert_int_equal(in8(&b.bed, 0xcf9), 0x06);
	out8(&b.bed, 0xcf9, 0x06); /* no edge */
	assert_int_equal(b.resets, 1);
	out8(&b.bed, 0xcf9, 0x00);
	out8(&b.bed, 0xcf9, 0xfc);
	assert_int_equal(b.resets, 2);
	assert_int_equal(b.hard, 1);
	assert_int_equal(in8(&b.bed, 0xcf9), 0x04);
	pci_reset(&b.pci);
	assert_int_equal(in8(&b.bed, 0xcf9), 0x00);
	pcibed_close(&b);
}

static void pm_ports_move(void **state)
{
	struct pcibed b;

	pcibed_open(&b);
	assert_true(in(&b.bed, 0x608, 4) == 0xffffffff);
	cfg_write(&b.bed, PM, 0x40, 4, 0x601);
	assert_true(in(&b.bed, 0x608, 4) == 0xffffffff);
	cfg_write(&b.bed, PM, 0x80, 1, 1);
	run_to(&b.bed, CLOCK_HZ);
	assert_int_equal(in(&b.bed, 0x608, 4), 3579545);
	assert_int_equal(in(&b.bed, 0x63f, 1), 0);
	out(&b.bed, 0x628, 4, 0x12345678);
	assert_int_equal(in(&b.bed, 0x628, 4), 0x12345678);
	out(&b.bed, 0x614, 4, 0x12345678); /* LVL2, LVL3: read only */
	assert_int_equal(in(&b.bed, 0x614, 4), 0);
	cfg_write(&b.bed, PM, 0x40, 4, 0xb001);
	assert_true(in(&b.bed, 0x608, 4) == 0xffffffff);
	assert_int_equal(in(&b.bed, 0xb008, 4), 3579545);
	pci_reset(&b.pci);
	assert_true(in(&b.bed, 0xb008, 4) == 0xffffffff);
	pcibed_close(&b);
}

static void soft_off_and_sci(void **state)
{
	struct pcibed b;

	pcibed_open(&b);
	cfg_write(&b.bed, PM, 0x40, 4, 0x601);
	cfg_write(&b.bed, PM, 0x80, 1, 1);
	out(&b.bed, 0x602, 2, 0x0001);
	out8(&b.bed, 0xb2, PIIX3_ACPI_ON);
	assert_int_equal(in8(&b.bed, 0xb2), PIIX3_ACPI_ON);
	assert_int_equal(in(&b.bed, 0x604, 2), 0x0001);
	assert_false(b.pm.acpi.sci.level);
	run_to(&b.bed, 3 * CLOCK_HZ); /* bit 23 turns after 2.34 s */
	assert_true(b.pm.acpi.sci.level);
	out8(&b.bed, 0xb2, PIIX3_ACPI_OFF);
	assert_false(b.pm.acpi.sci.level);
	out(&b.bed, 0x604, 2, 0x2000 | 5 << 10);
	assert_int_equal(b.sleep_type, 5);
	out(&b.bed, 0x604, 2, 0x2000);
	assert_int_equal(b.sleeps, 2);
	assert_int_equal(b.sleep_type, 0);
	out8(&b.bed, 0xb3, 0x42);
	assert_int_equal(in8(&b.bed, 0xb3), 0x42);
	pcibed_close(&b);
}

static void random_traffic(void **state)
{
	struct pcibed b;
	struct card c;
	uint64_t seed = 88172645463325252;

	pcibed_open(&b);
	add_card(&b, &c, CARD, 1);
	for (unsigned i = 0; i < 60000; i++) {
		uint64_t r = draw(&seed), v = draw(&seed) >> (r & 31);
		static const uint8_t devfn[] = {HOST, ISA, PM, CARD};
		unsigned width = 1u << (r >> 8) % 3;

		switch (r >> 16 & 7) {
		case 0:
			out(&b.bed, 0xcf8 + (r >> 24 & 7), width, (uint32_t)v);
			break;
		case 1:
			(void)in(&b.bed, 0xcf8 + (r >> 24 & 7), width);
			break;
		case 2:
			pci_set_intx(&c.pci, r >> 24 & 1, i);
			pci_msi_send(&c.pci, i);
			break;
		case 3:
			bus_write(b.bed.bus, 0xa0000 + (r >> 24) % 0x60000, width, v);
			(void)bus_read(b.bed.bus, 0xa0000 + (v >> 24) % 0x60000, 8);
			break;
		case 4:
			pci_master_write(&c.pci, v & 0xfffffff, &v, 8);
			out8(&b.bed, 0xb2 + (r >> 24 & 1), (uint8_t)v);
			run_for(&b.bed, v & 0xffffff);
			break;
		default:
			cfg_write(&b.bed, devfn[r >> 24 & 3], r >> 32 & 0xff, 1, (uint32_t)v);
			(void)cfg_read(&b.bed, devfn[r >> 24 & 3], r >> 40 & 0xfc, 4);
			break;
		}
	}
	assert_int_equal(b.bed.gaps, 0);
	pci_reset(&b.pci);
	assert_int_equal(cfg_read(&b.bed, ISA, 0x60, 4), 0x80808080);
	pcibed_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_reset_and_access),
		cmocka_unit_test(only_dwords_are_configuration_addresses),
		cmocka_unit_test(data_is_read_at_every_width),
		cmocka_unit_test(where_nothing_is_all_ones_are_read),
		cmocka_unit_test(bars_tell_their_size),
		cmocka_unit_test(io_bars_follow_base_and_command),
		cmocka_unit_test(memory_bars_follow_base_and_command),
		cmocka_unit_test(pins_are_routed_to_isa_interrupts),
		cmocka_unit_test(pins_are_shared),
		cmocka_unit_test(messages),
		cmocka_unit_test(bus_masters),
		cmocka_unit_test(pam_switches_every_segment),
		cmocka_unit_test(smram_opens_until_it_is_locked),
		cmocka_unit_test(reset_control),
		cmocka_unit_test(pm_ports_move),
		cmocka_unit_test(soft_off_and_sci),
		cmocka_unit_test(random_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
