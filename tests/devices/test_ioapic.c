/* IOAPIC: registers, edge, level and remote IRR, polarity, delivery. */
#include "apicbed.h"

#include "devices/ioapic.h"

struct bench {
	struct apics t;
	struct ioapic io;
};

static void open_io(struct bench *b, uint8_t version)
{
	open_apics(&b->t, 2);
	enable_all(&b->t);
	assert_true(ioapic_init(&b->io, b->t.bed.bus, &b->t.bus, IOAPIC_BASE, version));
}

static void write_io(struct bench *b, unsigned reg, uint32_t value)
{
	bus_write(b->t.bed.bus, IOAPIC_BASE, 4, reg);
	bus_write(b->t.bed.bus, IOAPIC_BASE + 0x10, 4, value);
}

static uint32_t read_io(struct bench *b, unsigned reg)
{
	bus_write(b->t.bed.bus, IOAPIC_BASE, 4, reg);
	return (uint32_t)bus_read(b->t.bed.bus, IOAPIC_BASE + 0x10, 4);
}

static void entry(struct bench *b, unsigned pin, uint32_t low, unsigned destination)
{
	write_io(b, 0x11 + 2 * pin, destination << 24);
	write_io(b, 0x10 + 2 * pin, low);
}

static bool remote_irr(struct bench *b, unsigned pin)
{
	return read_io(b, 0x10 + 2 * pin) & IOAPIC_RTE_REMOTE_IRR;
}

static void registers_reset_and_access(void **state)
{
	static const struct { unsigned reg; uint32_t reset, writable; } row[] = {
		{0x00, 0, 0x0f000000}, {0x01, 0x00170011, 0}, {0x02, 0, 0}, {0x03, 0, 0},
		{0x10, 0x10000, 0x1afff}, {0x11, 0, 0xff000000}, {0x3e, 0x10000, 0x1afff}, {0x3f, 0, 0xff000000},
		{0x40, 0, 0}, {0xff, 0, 0},
	};
	static const uint32_t pattern[] = {0, UINT32_MAX, 0x55545555, 0xaaabaaaa};
	struct bench b;

	open_io(&b, IOAPIC_VERSION_82093AA);
	assert_int_equal(bus_read(b.t.bed.bus, IOAPIC_BASE, 4), 0);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(read_io(&b, row[i].reg), row[i].reset);
		for (unsigned p = 0; p < 4; p++) {
			write_io(&b, row[i].reg, pattern[p]);
			if (row[i].writable)
				assert_int_equal(read_io(&b, row[i].reg) & ~IOAPIC_RTE_REMOTE_IRR,
						 (pattern[p] & row[i].writable));
			else
				assert_int_equal(read_io(&b, row[i].reg), row[i].reset);
		}
		write_io(&b, row[i].reg, row[i].reset);
	}
	write_io(&b, 0x00, 0x05000000);
	assert_int_equal(read_io(&b, 0x02), 0x05000000); /* the arbitration ID is loaded with the ID */
	ioapic_reset(&b.io);
	assert_int_equal(read_io(&b, 0x00), 0);
	close_apics(&b.t);
}

static void odd_accesses(void **state)
{
	struct bench b;

	open_io(&b, IOAPIC_VERSION_82093AA);
	bus_write(b.t.bed.bus, IOAPIC_BASE, 1, 0x01); /* IOREGSEL takes a byte */
	assert_int_equal(bus_read(b.t.bed.bus, IOAPIC_BASE + 0x10, 4), 0x00170011);
	bus_read(b.t.bed.bus, IOAPIC_BASE + 0x10, 1);
	bus_write(b.t.bed.bus, IOAPIC_BASE + 0x10, 2, 0);
	assert_int_equal(b.t.bed.gaps, 1);
	assert_int_equal(bus_read(b.t.bed.bus, IOAPIC_BASE + 0x20, 4), 0);
	bus_write(b.t.bed.bus, IOAPIC_BASE + 0x20, 8, UINT64_MAX);
	close_apics(&b.t);
}

static void edge(void **state)
{
	struct bench b;
	uint64_t cause = 0;

	open_io(&b, IOAPIC_VERSION_82093AA);
	entry(&b, 4, 0x34, 1);
	ioapic_input(&b.io, 4, true, 33);
	assert_int_equal(lapic_acknowledge(&b.t.bus.apic[1], &cause), 0x34);
	assert_int_equal(cause, 33);
	assert_false(remote_irr(&b, 4));
	set(&b.t, 1, APIC_EOI, 0);
	assert_int_equal(taken(&b.t, 1), -1);
	ioapic_input(&b.io, 4, false, 0);
	ioapic_input(&b.io, 4, true, 34);
	assert_int_equal(taken(&b.t, 1), 0x34);
	close_apics(&b.t);
}

static void masked_edges_are_lost(void **state)
{
	struct bench b;

	open_io(&b, IOAPIC_VERSION_82093AA);
	entry(&b, 4, 0x34 | IOAPIC_RTE_MASKED, 0);
	ioapic_input(&b.io, 4, true, 1);
	assert_string_equal(ioapic_why_quiet(&b.io, 4), "IOAPIC entry 4 is masked");
	entry(&b, 4, 0x34, 0);
	assert_int_equal(taken(&b.t, 0), -1);
	assert_string_equal(ioapic_why_quiet(&b.io, 4), "IOAPIC entry 4: its edge was sent already");
	ioapic_input(&b.io, 4, false, 1);
	assert_string_equal(ioapic_why_quiet(&b.io, 4), "the IOAPIC input is not asserted");
	close_apics(&b.t);
}

static void level_and_remote_irr(void **state)
{
	struct bench b;

	open_io(&b, IOAPIC_VERSION_82093AA);
	entry(&b, 10, 0x5a | IOAPIC_RTE_LEVEL | IOAPIC_RTE_MASKED, 0);
	ioapic_input(&b.io, 10, true, 1);
	assert_int_equal(taken(&b.t, 0), -1);
	entry(&b, 10, 0x5a | IOAPIC_RTE_LEVEL, 0); /* unmasking shows the level */
	assert_true(remote_irr(&b, 10));
	assert_int_equal(taken(&b.t, 0), 0x5a);
	assert_int_equal(get(&b.t, 0, APIC_TMR + 2), 1u << 26);
	assert_string_equal(ioapic_why_quiet(&b.io, 10), "IOAPIC entry 10 waits for the EOI of vector 5a");
	ioapic_input(&b.io, 10, false, 1);
	ioapic_input(&b.io, 10, true, 2);
	assert_int_equal(taken(&b.t, 0), -1);
	set(&b.t, 0, APIC_EOI, 0); /* still high: again */
	assert_true(remote_irr(&b, 10));
	assert_int_equal(taken(&b.t, 0), 0x5a);
	ioapic_input(&b.io, 10, false, 0);
	set(&b.t, 0, APIC_EOI, 0);
	assert_false(remote_irr(&b, 10));
	assert_int_equal(taken(&b.t, 0), -1);
	close_apics(&b.t);
}

static void making_an_entry_edge_triggered_clears_remote_irr(void **state)
{
	struct bench b;

	open_io(&b, IOAPIC_VERSION_82093AA);
	entry(&b, 10, 0x5a | IOAPIC_RTE_LEVEL, 0);
	ioapic_input(&b.io, 10, true, 1);
	ioapic_input(&b.io, 10, false, 1);
	assert_true(remote_irr(&b, 10));
	entry(&b, 10, 0x5a | IOAPIC_RTE_MASKED, 0);
	entry(&b, 10, 0x5a | IOAPIC_RTE_LEVEL, 0);
	assert_false(remote_irr(&b, 10));
	close_apics(&b.t);
}

static void eoi_register_of_version_20h(void **state)
{
	for (unsigned with = 0; with < 2; with++) {
		struct bench b;

		open_io(&b, with ? IOAPIC_VERSION_EOI : IOAPIC_VERSION_82093AA);
		entry(&b, 10, 0x5a | IOAPIC_RTE_LEVEL, 0);
		ioapic_input(&b.io, 10, true, 1);
		ioapic_input(&b.io, 10, false, 1);
		bus_write(b.t.bed.bus, IOAPIC_BASE + 0x40, 4, 0x5b);
		assert_true(remote_irr(&b, 10));
		bus_write(b.t.bed.bus, IOAPIC_BASE + 0x40, 4, 0x5a);
		assert_int_equal(remote_irr(&b, 10), !with);
		close_apics(&b.t);
	}
}

static void active_low(void **state)
{
	struct bench b;

	open_io(&b, IOAPIC_VERSION_82093AA);
	ioapic_input(&b.io, 5, true, 1);
	entry(&b, 5, 0x45 | IOAPIC_RTE_LOW, 0);
	assert_int_equal(taken(&b.t, 0), -1);
	ioapic_input(&b.io, 5, false, 1);
	assert_int_equal(taken(&b.t, 0), 0x45);
	set(&b.t, 0, APIC_EOI, 0);
	ioapic_input(&b.io, 5, true, 1);
	assert_int_equal(taken(&b.t, 0), -1);
	close_apics(&b.t);
}

static void destinations(void **state)
{
	struct bench b;

	open_io(&b, IOAPIC_VERSION_82093AA);
	set(&b.t, 0, APIC_LDR, 1u << 24);
	set(&b.t, 1, APIC_LDR, 2u << 24);
	entry(&b, 1, 0x41 | IOAPIC_RTE_LOGICAL, 0x03);
	ioapic_input(&b.io, 1, true, 1);
	assert_int_equal(who_has(&b.t, 0x41), 3);
	set(&b.t, 0, APIC_TPR, 0x20);
	entry(&b, 2, 0x42 | IOAPIC_RTE_LOGICAL | APIC_LOWEST << 8, 0x03);
	ioapic_input(&b.io, 2, true, 1);
	assert_int_equal(who_has(&b.t, 0x42), 2);
	entry(&b, 3, 0x43 | IOAPIC_RTE_LEVEL, 9);
	ioapic_input(&b.io, 3, true, 1);
	assert_false(remote_irr(&b, 3)); /* nobody took it */
	assert_string_equal(ioapic_why_quiet(&b.io, 3), "IOAPIC entry 3: no local APIC answers to destination 09");
	close_apics(&b.t);
}

static void nmi_init_and_extint_are_edges(void **state)
{
	struct bench b;

	open_io(&b, IOAPIC_VERSION_82093AA);
	entry(&b, 1, APIC_NMI << 8 | IOAPIC_RTE_LEVEL, 1);
	ioapic_input(&b.io, 1, true, 1);
	assert_string_equal(b.t.told, "nmi1 ");
	entry(&b, 1, APIC_NMI << 8 | IOAPIC_RTE_LEVEL, 1);
	assert_string_equal(b.t.told, "nmi1 ");
	entry(&b, 0, APIC_EXTINT << 8, 0); /* the 8259A at pin 0 */
	ioapic_input(&b.io, 0, true, 1);
	assert_int_equal(taken(&b.t, 0), 0x77);
	assert_int_equal(taken(&b.t, 0), -1);
	close_apics(&b.t);
}

static void inputs_out_of_range(void **state)
{
	struct bench b;

	open_io(&b, IOAPIC_VERSION_82093AA);
	ioapic_input(&b.io, 24, true, 1);
	ioapic_input(&b.io, -1, true, 1);
	assert_string_equal(ioapic_why_quiet(&b.io, 24), "there is no such IOAPIC input");
	close_apics(&b.t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_reset_and_access),
		cmocka_unit_test(odd_accesses),
		cmocka_unit_test(edge),
		cmocka_unit_test(masked_edges_are_lost),
		cmocka_unit_test(level_and_remote_irr),
		cmocka_unit_test(making_an_entry_edge_triggered_clears_remote_irr),
		cmocka_unit_test(eoi_register_of_version_20h),
		cmocka_unit_test(active_low),
		cmocka_unit_test(destinations),
		cmocka_unit_test(nmi_init_and_extint_are_edges),
		cmocka_unit_test(inputs_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
