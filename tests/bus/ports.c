/* The port space, and lines. */
#include "bus/cmocka_all.h"

#include "bus/bus.h"
#include "bus/line.h"

struct device {
	uint32_t reads;
	unsigned cycles, bytes;
	uint16_t port;
	uint32_t value;
};

static uint32_t device_read(void *owner, uint16_t port, unsigned bytes)
{
	struct device *d = owner;

	d->cycles++;
	d->port = port;
	d->bytes = bytes;
	return d->reads;
}

static void device_write(void *owner, uint16_t port, unsigned bytes, uint32_t value)
{
	struct device *d = owner;

	d->cycles++;
	d->port = port;
	d->bytes = bytes;
	d->value = value;
}

static const struct port_ops ops = {device_read, device_write};

static int set_up(void **state)
{
	*state = bus_new();
	return 0;
}

static int tear_down(void **state)
{
	bus_free(*state);
	return 0;
}

static void unclaimed_ports_read_all_ones(void **state)
{
	assert_int_equal(bus_port_read(*state, 0x80, 1), 0xff);
	assert_int_equal(bus_port_read(*state, 0x80, 2), 0xffff);
	assert_int_equal(bus_port_read(*state, 0xffff, 4), 0xffffffff);
	bus_port_write(*state, 0x80, 4, 1);
}

static void a_claim_sees_port_width_and_cut_values(void **state)
{
	struct device d = {.reads = 0x12345678};

	assert_true(bus_add_ports(*state, "d", 0x60, 4, ops, &d));
	assert_int_equal(bus_port_read(*state, 0x62, 2), 0x5678);
	assert_int_equal(d.port, 0x62);
	assert_int_equal(d.bytes, 2);
	bus_port_write(*state, 0x60, 1, 0xabcd);
	assert_int_equal(d.value, 0xcd);
	assert_int_equal(bus_port_read(*state, 0x60, 4), 0x12345678);
	assert_int_equal(d.cycles, 3);
}

static void accesses_across_claims_are_split_into_bytes(void **state)
{
	struct device a = {.reads = 0xaaaa}, b = {.reads = 0xbbbb};

	assert_true(bus_add_ports(*state, "a", 0x60, 1, ops, &a));
	assert_true(bus_add_ports(*state, "b", 0x61, 1, ops, &b));
	assert_int_equal(bus_port_read(*state, 0x60, 4), 0xffffbbaa);
	assert_int_equal(a.bytes, 1);
	bus_port_write(*state, 0x60, 2, 0x1234);
	assert_int_equal(a.value, 0x34);
	assert_int_equal(b.value, 0x12);
	assert_int_equal(bus_port_read(*state, 0x5f, 2), 0xaaff);
}

static void ports_wrap_at_64k(void **state)
{
	struct device d = {.reads = 0x77};

	assert_true(bus_add_ports(*state, "low", 0, 1, ops, &d));
	assert_int_equal(bus_port_read(*state, 0xffff, 2), 0x77ff);
	assert_true(bus_add_ports(*state, "top", 0xffff, 1, ops, &d));
	assert_false(bus_add_ports(*state, "beyond", 0xffff, 2, ops, &d));
	assert_false(bus_add_ports(*state, "none", 0, 0, ops, &d));
	/* One claim at both ends of the wrap is still two cycles. */
	assert_int_equal(bus_port_read(*state, 0xffff, 2), 0x7777);
	assert_true(bus_add_ports(*state, "all", 0, 65536, ops, &d));
	assert_int_equal(bus_port_read(*state, 0xffff, 2), 0x7777);
	assert_int_equal(d.bytes, 1);
}

static void the_later_claim_wins_until_it_is_removed(void **state)
{
	struct device a = {.reads = 0xaa}, b = {.reads = 0xbb};

	assert_true(bus_add_ports(*state, "a", 0x100, 16, ops, &a));
	assert_true(bus_add_ports(*state, "b", 0x104, 8, ops, &b));
	assert_int_equal(bus_port_read(*state, 0x103, 1), 0xaa);
	assert_int_equal(bus_port_read(*state, 0x104, 1), 0xbb);
	bus_remove_ports(*state, 0x106, 2, &b); /* out of the middle */
	assert_int_equal(bus_port_read(*state, 0x105, 1), 0xbb);
	assert_int_equal(bus_port_read(*state, 0x106, 1), 0xaa);
	assert_int_equal(bus_port_read(*state, 0x107, 1), 0xaa);
	assert_int_equal(bus_port_read(*state, 0x108, 1), 0xbb);
	bus_remove_ports(*state, 0x100, 16, &a);
	assert_int_equal(bus_port_read(*state, 0x106, 1), 0xff);
	assert_int_equal(bus_port_read(*state, 0x10b, 1), 0xbb);
	bus_remove_ports(*state, 0, 65536, &b);
	assert_int_equal(bus_port_read(*state, 0x104, 1), 0xff);
}

/* ---- lines ---- */

struct sink {
	unsigned changes;
	int input;
	bool level;
	uint64_t cause;
};

static void on_line(void *owner, int input, bool level, uint64_t cause)
{
	struct sink *s = owner;

	s->changes++;
	s->input = input;
	s->level = level;
	s->cause = cause;
}

static void a_line_tells_changes_and_keeps_the_rising_cause(void **state)
{
	struct irq_line line = {.name = "test"};
	struct sink sink = {0};

	(void)state;
	line_set(&line, true, 7); /* nobody there yet */
	line_connect(&line, on_line, &sink, 3);
	assert_int_equal(sink.changes, 1);
	assert_int_equal(sink.input, 3);
	assert_true(sink.level);
	assert_int_equal(sink.cause, 7);
	line_set(&line, true, 8); /* no edge */
	assert_int_equal(sink.changes, 1);
	assert_int_equal(line.cause, 7);
	line_set(&line, false, 9);
	assert_int_equal(sink.changes, 2);
	assert_false(sink.level);
	assert_int_equal(sink.cause, 9);
	assert_int_equal(line.cause, 7);
	line_set(&line, true, 10);
	assert_int_equal(line.cause, 10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unclaimed_ports_read_all_ones),
		TEST(a_claim_sees_port_width_and_cut_values),
		TEST(accesses_across_claims_are_split_into_bytes),
		TEST(ports_wrap_at_64k),
		TEST(the_later_claim_wins_until_it_is_removed),
		cmocka_unit_test(a_line_tells_changes_and_keeps_the_rising_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
