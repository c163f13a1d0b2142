/* Debug console, exit port, POST code, port 92h, test device, the IRQ hub. */
#include "bed.h"

#include "devices/debugport.h"
#include "devices/hub.h"
#include "devices/port92.h"
#include "devices/testdev.h"

struct seen {
	char text[16];
	unsigned count;
	uint32_t status;
	uint8_t code;
};

static void take_byte(void *owner, uint8_t byte)
{
	struct seen *s = owner;

	s->text[s->count++ % 16] = (char)byte;
}

static void take_exit(void *owner, uint32_t status)
{
	struct seen *s = owner;

	s->status = status;
	s->count++;
}

static void take_code(void *owner, uint8_t code)
{
	((struct seen *)owner)->code = code;
}

static void debug_console(void **state)
{
	struct bed bed;
	struct debugcon con;
	struct seen seen = {0};

	bed_open(&bed);
	assert_true(debugcon_init(&con, bed.bus, DEBUGCON_PORT, DEBUGCON_READBACK, take_byte, &seen));
	assert_int_equal(in8(&bed, 0xe9), 0xe9);
	out8(&bed, 0xe9, 'h');
	out8(&bed, 0xe9, 'i');
	assert_string_equal(seen.text, "hi");
	bed_close(&bed);
}

static void exit_status_is_twice_the_value_plus_one(void **state)
{
	struct bed bed;
	struct debug_exit port;
	struct seen seen = {0};

	bed_open(&bed);
	assert_true(debug_exit_init(&port, bed.bus, 0xf4, 4, take_exit, &seen));
	assert_int_equal(in8(&bed, 0xf4), 0);
	assert_int_equal(seen.count, 0);
	out8(&bed, 0xf4, 0x10);
	assert_int_equal(seen.status, 0x21);
	bus_port_write(bed.bus, 0xf4, 4, 0x12345678);
	assert_int_equal(seen.status, 0x2468acf1);
	out8(&bed, 0xf7, 0); /* anywhere in iobase..iobase+iosize-1 */
	assert_int_equal(seen.status, 1);
	assert_int_equal(seen.count, 3);
	bed_close(&bed);
}

static void post_code(void **state)
{
	static const struct register_row row = {"POST", POST_PORT, 0, 0xff, 0};
	struct bed bed;
	struct post_port port;
	struct seen seen = {0};

	bed_open(&bed);
	assert_true(post_port_init(&port, bed.bus, take_code, &seen));
	check_register(&bed, &row);
	out8(&bed, POST_PORT, 0x55);
	assert_int_equal(seen.code, 0x55);
	bed_close(&bed);
}

static void port92_registers(void **state)
{
	static const struct register_row row = {"port 92h", PORT92, 0, 0x03, 0};
	struct bed bed;
	struct port92 port;

	bed_open(&bed);
	assert_true(port92_init(&port, bed.bus, &bed.clock));
	check_register(&bed, &row);
	port92_reset(&port);
	assert_int_equal(in8(&bed, PORT92), 0);
	bed_close(&bed);
}

static void a20_is_either_side(void **state)
{
	struct bed bed;
	struct port92 port;

	bed_open(&bed);
	assert_true(port92_init(&port, bed.bus, &bed.clock));
	assert_false(port.a20.level);
	port92_kbc_a20(&port, 0, true, 1);
	assert_true(port.a20.level);
	out8(&bed, PORT92, PORT92_A20);
	port92_kbc_a20(&port, 0, false, 0);
	assert_true(port.a20.level);
	out8(&bed, PORT92, 0);
	assert_false(port.a20.level);
	bed_close(&bed);
}

static void fast_reset_on_the_rise_of_bit_0(void **state)
{
	struct bed bed;
	struct port92 port;
	struct probe probe;

	bed_open(&bed);
	assert_true(port92_init(&port, bed.bus, &bed.clock));
	probe_line(&probe, &bed, &port.init);
	out8(&bed, PORT92, 1);
	assert_int_equal(probe.rises, 1);
	assert_false(probe.level);
	out8(&bed, PORT92, 1);
	assert_int_equal(probe.rises, 1);
	out8(&bed, PORT92, 0);
	out8(&bed, PORT92, 1);
	assert_int_equal(probe.rises, 2);
	bed_close(&bed);
}

static void test_device_irq_lines(void **state)
{
	static struct testdev dev;
	struct bed bed;
	struct probe probe;

	bed_open(&bed);
	assert_true(testdev_init(&dev, bed.bus, &bed.clock));
	probe_line(&probe, &bed, &dev.irq[23]);
	out8(&bed, TESTDEV_IRQ_PORT + 23, 1);
	assert_true(probe.level);
	assert_true(probe.cause != 0);
	bus_port_write(bed.bus, TESTDEV_IRQ_PORT + 23, 4, 0x100);
	assert_int_equal(probe.rises, 1);
	out8(&bed, TESTDEV_IRQ_PORT + 23, 0);
	assert_false(probe.level);
	assert_int_equal(in8(&bed, TESTDEV_IRQ_PORT), 0);
	out8(&bed, TESTDEV_IRQ_PORT + 23, 1);
	testdev_reset(&dev);
	assert_false(probe.level);
	bed_close(&bed);
}

static void test_device_latches(void **state)
{
	static struct testdev dev;
	struct bed bed;

	bed_open(&bed);
	assert_true(testdev_init(&dev, bed.bus, &bed.clock));
	assert_int_equal(bus_port_read(bed.bus, 0xe0, 4), 0);
	bus_port_write(bed.bus, 0xe0, 4, 0x12345678);
	assert_int_equal(bus_port_read(bed.bus, 0xe0, 4), 0x12345678);
	assert_int_equal(bus_port_read(bed.bus, 0xe1, 2), 0x3456);
	bus_port_write(bed.bus, 0xe2, 1, 0xab);
	assert_int_equal(bus_port_read(bed.bus, 0xe0, 4), 0x12ab5678);
	bus_port_write(bed.bus, 0xe4, 4, 0x1000);
	assert_int_equal(bus_port_read(bed.bus, 0xe4, 4), 0);
	bus_write(bed.bus, TESTDEV_MMIO + 0xfff8, 8, UINT64_C(0x1122334455667788));
	assert_int_equal(bus_read(bed.bus, TESTDEV_MMIO + 0xfffa, 4), 0x33445566);
	bed_close(&bed);
}

static void hub_pin_is_the_or_of_its_sources(void **state)
{
	struct irq_hub hub;
	struct irq_line a = {.name = "a"}, b = {.name = "b"};
	struct bed bed;
	struct probe pic = {.bed = &bed}, ioapic = {.bed = &bed};

	bed_open(&bed);
	hub_init(&hub);
	assert_true(hub_add_source(&hub, 10, &a));
	assert_true(hub_add_source(&hub, 10, &b));
	assert_false(hub_add_source(&hub, HUB_PINS, &b));
	assert_true(hub_add_sink(&hub, 10, probe_changed, &pic, 0));
	assert_true(hub_add_sink(&hub, 10, probe_changed, &ioapic, 0));
	line_set(&a, true, 7);
	assert_int_equal(pic.cause, 7);
	line_set(&b, true, 8);
	line_set(&a, false, 0);
	assert_true(pic.level && ioapic.level && hub_level(&hub, 10));
	assert_int_equal(pic.rises, 1);
	line_set(&b, false, 0);
	assert_false(pic.level || ioapic.level || hub_level(&hub, 10));
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(debug_console),
		cmocka_unit_test(exit_status_is_twice_the_value_plus_one),
		cmocka_unit_test(post_code),
		cmocka_unit_test(port92_registers),
		cmocka_unit_test(a20_is_either_side),
		cmocka_unit_test(fast_reset_on_the_rise_of_bit_0),
		cmocka_unit_test(test_device_irq_lines),
		cmocka_unit_test(test_device_latches),
		cmocka_unit_test(hub_pin_is_the_or_of_its_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
