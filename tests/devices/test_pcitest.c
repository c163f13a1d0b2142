/* The PCI test device, as its users find and use it. */
#include "devices/pcitest.h"
#include "pcibed.h"

#define FN     PCI_DEVFN(8, 0)
#define PORTS  0xc000u
#define MEMORY 0xfebf0000u

struct bench {
	struct pcibed b;
	struct pcitest dev;
};

static void open_test(struct bench *t)
{
	pcibed_open(&t->b);
	assert_true(pcitest_init(&t->dev, &t->b.pci, FN));
	cfg_write(&t->b.bed, FN, 0x10, 4, MEMORY);
	cfg_write(&t->b.bed, FN, 0x14, 4, PORTS);
	cfg_write(&t->b.bed, FN, 0x04, 2, 3);
}

static uint32_t get(struct bench *t, bool ports, uint32_t at, unsigned bytes)
{
	return ports ? in(&t->b.bed, PORTS + at, bytes) : (uint32_t)bus_read(t->b.bed.bus, MEMORY + at, bytes);
}

static void set(struct bench *t, bool ports, uint32_t at, unsigned bytes, uint32_t value)
{
	if (ports)
		out(&t->b.bed, PORTS + at, bytes, value);
	else
		bus_write(t->b.bed.bus, MEMORY + at, bytes, value);
}

static void configuration(void **state)
{
	static const struct config_row row[] = {
		{"ids", FN, 0x00, 4, 0x00051b36, 0},       {"command", FN, 0x04, 2, 0, 0x0003},
		{"class", FN, 0x08, 4, 0x00ff0000, 0},     {"BAR0", FN, 0x10, 4, 0, 0xfffff000},
		{"BAR1", FN, 0x14, 4, 1, 0xffffff00},      {"BAR2: not built", FN, 0x18, 4, 0, 0},
		{"subsystem", FN, 0x2c, 4, 0x11001af4, 0}, {"no interrupt", FN, 0x3c, 2, 0, 0},
	};
	struct bench t;

	open_test(&t);
	pci_reset(&t.b.pci);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		check_config(&t.b.bed, &row[i]);
	pcibed_close(&t.b);
}

static void each_test_counts_its_writes(void **state)
{
	struct bench t;

	open_test(&t);
	for (unsigned ports = 0; ports < 2; ports++) {
		unsigned n;

		for (n = 0; n < 256; n++) {
			uint32_t width, offset, data;

			set(&t, ports, 0, 1, n);
			width = get(&t, ports, 1, 1);
			if (width != 1 && width != 2 && width != 4)
				break;
			offset = get(&t, ports, 4, 4);
			data = get(&t, ports, 8, 4);
			assert_int_equal(get(&t, ports, 0, 1), 0); /* write only */
			assert_int_not_equal(get(&t, ports, 16, 1), 0);
			assert_int_equal(get(&t, ports, 31, 1), 0);
			for (unsigned i = 0; i < 5; i++)
				set(&t, ports, offset, width, data);
			assert_int_equal(get(&t, ports, 12, 4), 5);
			set(&t, ports, offset, width, data + 1);
			set(&t, ports, offset, width == 4 ? 2 : 2 * width, data);
			set(&t, ports, offset + 4, width, data);
			set(&t, ports, 12, 4, 99);
			assert_int_equal(get(&t, ports, 12, 4), 5);
			assert_int_equal(get(&t, ports, offset, 4), 0);
			set(&t, ports, 0, 1, n);
			assert_int_equal(get(&t, ports, 12, 4), 0);
		}
		assert_int_equal(n, PCITEST_TESTS);
		for (unsigned at = 0; at < PCITEST_PORTS; at += 4)
			assert_int_equal(get(&t, ports, at, 4), 0); /* no such test: nothing to read */
	}
	pcibed_close(&t.b);
}

static void reset_chooses_test_0(void **state)
{
	struct bench t;

	open_test(&t);
	set(&t, false, 0, 1, 2);
	set(&t, false, get(&t, false, 4, 4), 4, get(&t, false, 8, 4));
	assert_int_equal(get(&t, false, 12, 4), 1);
	pci_reset(&t.b.pci);
	cfg_write(&t.b.bed, FN, 0x10, 4, MEMORY);
	cfg_write(&t.b.bed, FN, 0x04, 2, 2);
	assert_int_equal(get(&t, false, 1, 1), 1);
	assert_int_equal(get(&t, false, 12, 4), 0);
	pcibed_close(&t.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configuration),
		cmocka_unit_test(each_test_counts_its_writes),
		cmocka_unit_test(reset_chooses_test_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
