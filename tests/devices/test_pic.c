/* 8259A: every mode of the datasheet, on bare chips. */
#include "bed.h"

#include "devices/pic.h"

#define M0 PIC_MASTER_PORT
#define M1 (PIC_MASTER_PORT + 1)
#define S0 PIC_SLAVE_PORT
#define S1 (PIC_SLAVE_PORT + 1)

#define EOI 0x20u

struct pics {
	struct bed bed;
	struct pic_pair pair;
};

static void program(struct pics *p, unsigned icw4_master, unsigned icw4_slave)
{
	out8(&p->bed, M0, 0x11);
	out8(&p->bed, M1, 0x20);
	out8(&p->bed, M1, 0x04);
	out8(&p->bed, M1, icw4_master);
	out8(&p->bed, S0, 0x11);
	out8(&p->bed, S1, 0x28);
	out8(&p->bed, S1, 0x02);
	out8(&p->bed, S1, icw4_slave);
}

static void open_raw(struct pics *p, bool has_elcr)
{
	bed_open(&p->bed);
	assert_true(pic_init(&p->pair, p->bed.bus, &p->bed.clock, has_elcr));
}

static void open_pics(struct pics *p)
{
	open_raw(p, true);
	program(p, PIC_ICW4_UPM, PIC_ICW4_UPM);
}

static void close_pics(struct pics *p)
{
	bed_close(&p->bed);
}

static void raise_irq(struct pics *p, int irq)
{
	pic_input(&p->pair, irq, true, 100 + (uint64_t)irq);
}

static void lower_irq(struct pics *p, int irq)
{
	pic_input(&p->pair, irq, false, 0);
}

static void pulse_irq(struct pics *p, int irq)
{
	lower_irq(p, irq);
	raise_irq(p, irq);
}

static int ack(struct pics *p)
{
	uint64_t cause;

	return pic_acknowledge(&p->pair, &cause);
}

/* pending, then its vector; -1: INTR is low */
static int next_vector(struct pics *p)
{
	return pic_pending(&p->pair) ? ack(p) : -1;
}

static uint8_t isr(struct pics *p, unsigned port)
{
	uint8_t v;

	out8(&p->bed, port, 0x0b);
	v = in8(&p->bed, port);
	out8(&p->bed, port, 0x0a);
	return v;
}

static void power_on_is_quiet(void **state)
{
	struct pics p;

	open_raw(&p, true);
	for (int irq = 0; irq < 16; irq++)
		raise_irq(&p, irq);
	assert_false(pic_pending(&p.pair));
	assert_int_equal(ack(&p), 0xff);
	assert_string_equal(pic_why_quiet(&p.pair), "the master 8259A is not initialised");
	/* EOI, masks and polling before ICW1 do no harm. */
	out8(&p.bed, M0, EOI);
	out8(&p.bed, M1, 0);
	out8(&p.bed, M0, 0x0c);
	assert_int_equal(in8(&p.bed, M0), 0);
	assert_false(pic_pending(&p.pair));
	close_pics(&p);
}

static void quiet_until_the_icw_sequence_is_complete(void **state)
{
	struct pics p;

	open_raw(&p, true);
	out8(&p.bed, M0, 0x11);
	pulse_irq(&p, 0);
	out8(&p.bed, M1, 0x20);
	out8(&p.bed, M1, 0x04);
	assert_false(pic_pending(&p.pair));
	assert_string_equal(pic_why_quiet(&p.pair),
			    "the master 8259A is not initialised: its ICW sequence is not complete");
	out8(&p.bed, M1, 0x01);
	assert_int_equal(next_vector(&p), 0x20);
	close_pics(&p);
}

static void registers_reset_and_access(void **state)
{
	static const struct register_row rows[] = {
		{"master IMR", M1, 0x00, 0xff, 0}, {"slave IMR", S1, 0x00, 0xff, 0},
		{"ELCR1", 0x4d0, 0x00, 0xf8, 0},   {"ELCR2", 0x4d1, 0x00, 0xde, 0},
	};
	struct pics p;

	open_raw(&p, true);
	assert_int_equal(in8(&p.bed, M0), 0);
	assert_int_equal(in8(&p.bed, S0), 0);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_register(&p.bed, &rows[i]);
	pic_reset(&p.pair);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(in8(&p.bed, rows[i].port), rows[i].reset);
	close_pics(&p);
}

static void wide_access_is_two_byte_cycles(void **state)
{
	struct pics p;

	open_pics(&p);
	bus_port_write(p.bed.bus, M0, 2, 0xa50b); /* OCW3: read ISR; OCW1: a5h */
	raise_irq(&p, 1);
	assert_int_equal(ack(&p), 0x21);
	assert_int_equal(bus_port_read(p.bed.bus, M0, 2), 0xa502);
	close_pics(&p);
}

static void vector_is_icw2_high_bits_and_level(void **state)
{
	struct pics p;

	open_raw(&p, true);
	program(&p, 1, 1);
	for (int irq = 0; irq < 16; irq++) {
		uint64_t cause = 0;

		if (irq == 2)
			continue;
		raise_irq(&p, irq);
		assert_true(pic_pending(&p.pair));
		assert_int_equal(pic_acknowledge(&p.pair, &cause), 0x20 + irq);
		assert_int_equal(cause, 100 + irq);
		lower_irq(&p, irq);
		if (irq >= 8)
			out8(&p.bed, S0, EOI);
		out8(&p.bed, M0, EOI);
	}
	close_pics(&p);
}

static void irq2_has_no_pin(void **state)
{
	struct pics p;

	open_pics(&p);
	raise_irq(&p, 2);
	pic_input(&p.pair, 16, true, 1);
	pic_input(&p.pair, -1, true, 1);
	assert_int_equal(next_vector(&p), -1);
	close_pics(&p);
}

static void icw1_resets_the_chip(void **state)
{
	struct pics p;

	open_pics(&p);
	raise_irq(&p, 3);
	assert_int_equal(ack(&p), 0x23);
	raise_irq(&p, 1);                /* stays requested */
	out8(&p.bed, M1, 0xf0);
	out8(&p.bed, M0, 0xc3);          /* lowest priority: 3 */
	out8(&p.bed, M0, 0x68);          /* special mask */
	out8(&p.bed, M0, 0x0b);          /* read ISR */
	out8(&p.bed, M0, 0x11);
	assert_int_equal(in8(&p.bed, M0), 0); /* IRR is read; the edge latch is clear */
	out8(&p.bed, M1, 0x20);
	out8(&p.bed, M1, 0x04);
	out8(&p.bed, M1, 0x01);
	assert_int_equal(in8(&p.bed, M1), 0);
	assert_int_equal(isr(&p, M0), 0);
	assert_int_equal(p.pair.master.lowest, 7);
	assert_false(p.pair.master.special_mask);
	assert_int_equal(next_vector(&p), -1); /* IRQ1 is high but made no new edge */
	pulse_irq(&p, 1);
	assert_int_equal(next_vector(&p), 0x21);
	close_pics(&p);
}

static void icw1_without_ic4_is_mcs80_mode(void **state)
{
	struct pics p;

	open_raw(&p, true);
	out8(&p.bed, M0, 0x12 | 0xe4); /* SNGL, ADI = 1: 4 bytes apart, A7-A5 = 111 */
	out8(&p.bed, M1, 0x20);        /* ICW2; no ICW3, no ICW4 */
	raise_irq(&p, 3);
	assert_int_equal(next_vector(&p), 0xe0 | 3 << 2);
	assert_int_equal(p.bed.gaps, 1);
	out8(&p.bed, M0, 0x12 | 0xc0); /* 8 bytes apart */
	out8(&p.bed, M1, 0x20);
	pulse_irq(&p, 3);
	assert_int_equal(next_vector(&p), 0xc0 | 3 << 3);
	assert_int_equal(p.bed.gaps, 1); /* told once */
	close_pics(&p);
}

static void single_mode_has_no_icw3_and_no_slave(void **state)
{
	struct pics p;

	open_pics(&p);
	out8(&p.bed, M0, 0x13);
	out8(&p.bed, M1, 0x40);
	out8(&p.bed, M1, 0x01);
	raise_irq(&p, 9);
	assert_int_equal(next_vector(&p), 0x42); /* the master answers for IR2 itself */
	assert_int_equal(isr(&p, S0), 0);
	close_pics(&p);
}

static void absent_slave_leaves_the_bus_floating(void **state)
{
	struct pics p;

	open_pics(&p);
	out8(&p.bed, S0, 0x11);
	out8(&p.bed, S1, 0x28);
	out8(&p.bed, S1, 0x03); /* the slave thinks it hangs on IR3 */
	out8(&p.bed, S1, 0x01);
	raise_irq(&p, 9);
	assert_int_equal(next_vector(&p), 0xff);
	assert_int_equal(isr(&p, M0), 0x04);
	assert_int_equal(isr(&p, S0), 0);
	close_pics(&p);
}

static void edge_needs_a_new_rise(void **state)
{
	struct pics p;

	open_pics(&p);
	raise_irq(&p, 5);
	assert_int_equal(in8(&p.bed, M0), 0x20);
	assert_int_equal(next_vector(&p), 0x25);
	assert_int_equal(in8(&p.bed, M0), 0);
	out8(&p.bed, M0, EOI);
	assert_int_equal(next_vector(&p), -1);
	assert_string_equal(pic_why_quiet(&p.pair), "IRQ5 is still high from a request already taken: no new edge");
	pulse_irq(&p, 5);
	assert_int_equal(next_vector(&p), 0x25);
	close_pics(&p);
}

static void edge_must_stay_until_the_acknowledge(void **state)
{
	struct pics p;

	open_pics(&p);
	raise_irq(&p, 5);
	assert_true(pic_pending(&p.pair));
	lower_irq(&p, 5);
	assert_int_equal(in8(&p.bed, M0), 0);
	assert_false(pic_pending(&p.pair));
	assert_string_equal(pic_why_quiet(&p.pair), "no input of the master 8259A is asserted");
	close_pics(&p);
}

static void level_asks_again_while_it_is_high(void **state)
{
	struct pics p;

	open_pics(&p);
	out8(&p.bed, 0x4d0, 0x20);
	out8(&p.bed, 0x4d1, 0x02);
	raise_irq(&p, 5);
	assert_int_equal(next_vector(&p), 0x25);
	assert_int_equal(next_vector(&p), -1);
	out8(&p.bed, M0, EOI);
	assert_int_equal(next_vector(&p), 0x25);
	lower_irq(&p, 5);
	out8(&p.bed, M0, EOI);
	assert_int_equal(next_vector(&p), -1);
	raise_irq(&p, 9);
	assert_int_equal(next_vector(&p), 0x29);
	out8(&p.bed, S0, EOI);
	out8(&p.bed, M0, EOI);
	assert_int_equal(next_vector(&p), 0x29);
	close_pics(&p);
}

static void ltim_counts_only_without_elcr(void **state)
{
	for (int has_elcr = 0; has_elcr < 2; has_elcr++) {
		struct pics p;

		open_raw(&p, has_elcr);
		out8(&p.bed, M0, 0x1b); /* LTIM, SNGL, IC4 */
		out8(&p.bed, M1, 0x20);
		out8(&p.bed, M1, 0x01);
		raise_irq(&p, 5);
		assert_int_equal(next_vector(&p), 0x25);
		out8(&p.bed, M0, EOI);
		assert_int_equal(next_vector(&p), has_elcr ? -1 : 0x25);
		if (!has_elcr)
			assert_int_equal(in8(&p.bed, 0x4d0), 0xff);
		close_pics(&p);
	}
}

static void nested_priority(void **state)
{
	struct pics p;

	open_pics(&p);
	raise_irq(&p, 4);
	raise_irq(&p, 6);
	assert_int_equal(next_vector(&p), 0x24);
	assert_int_equal(next_vector(&p), -1);
	assert_string_equal(pic_why_quiet(&p.pair), "IRQ6 waits for the end of interrupt of IRQ4 (master ISR 10)");
	raise_irq(&p, 1);
	assert_string_equal(pic_why_quiet(&p.pair), "INTR is asserted");
	assert_int_equal(next_vector(&p), 0x21);
	assert_int_equal(isr(&p, M0), 0x12);
	out8(&p.bed, M0, EOI); /* the highest in service: 1 */
	assert_int_equal(isr(&p, M0), 0x10);
	pulse_irq(&p, 4);
	assert_int_equal(next_vector(&p), -1); /* its own level waits too */
	out8(&p.bed, M0, EOI);
	assert_int_equal(next_vector(&p), 0x24);
	out8(&p.bed, M0, EOI);
	assert_int_equal(next_vector(&p), 0x26);
	close_pics(&p);
}

static void masks_hold_requests_but_keep_them(void **state)
{
	struct pics p;

	open_pics(&p);
	out8(&p.bed, M1, 0x10);
	raise_irq(&p, 4);
	assert_int_equal(next_vector(&p), -1);
	assert_int_equal(in8(&p.bed, M0), 0x10);
	assert_string_equal(pic_why_quiet(&p.pair), "IRQ4 is requested but masked in the master IMR (10)");
	out8(&p.bed, M1, 0x00);
	assert_int_equal(next_vector(&p), 0x24);
	close_pics(&p);
}

static void masks_of_the_slave_are_named(void **state)
{
	struct pics p;

	open_pics(&p);
	out8(&p.bed, S1, 0x10);
	raise_irq(&p, 12);
	assert_string_equal(pic_why_quiet(&p.pair), "IRQ12 is requested but masked in the slave IMR (10)");
	out8(&p.bed, S1, 0x00);
	out8(&p.bed, M1, 0x04);
	assert_string_equal(pic_why_quiet(&p.pair), "IRQ2 is requested but masked in the master IMR (04)");
	out8(&p.bed, M1, 0x00);
	out8(&p.bed, M0, 0x0c); /* a poll takes IR2 at the master; the slave goes on asking */
	in8(&p.bed, M0);
	out8(&p.bed, M0, EOI);
	assert_string_equal(pic_why_quiet(&p.pair), "IRQ2 is still high from a request already taken: no new edge");
	close_pics(&p);
}

static void spurious_irq7(void **state)
{
	struct pics p;
	uint64_t cause = 0;

	open_pics(&p);
	raise_irq(&p, 3);
	assert_true(pic_pending(&p.pair));
	lower_irq(&p, 3); /* gone between INTR and the acknowledge */
	assert_int_equal(pic_acknowledge(&p.pair, &cause), 0x27);
	assert_int_equal(cause, 103);
	assert_int_equal(isr(&p, M0), 0); /* no ISR bit: must not be ended */
	raise_irq(&p, 7);
	assert_int_equal(ack(&p), 0x27);
	assert_int_equal(isr(&p, M0), 0x80); /* the real one sets it */
	close_pics(&p);
}

/* The slave's request goes away after the master has latched IR2. */
static void spurious_irq15(void **state)
{
	struct pics p;

	open_pics(&p);
	raise_irq(&p, 14);
	assert_true(pic_pending(&p.pair));
	line_connect(&p.pair.slave.intr, probe_changed, &(struct probe){.bed = &p.bed}, 0); /* cut the wire */
	lower_irq(&p, 14);
	assert_true(pic_pending(&p.pair));
	assert_int_equal(ack(&p), 0x2f);
	assert_int_equal(isr(&p, S0), 0);
	assert_int_equal(isr(&p, M0), 0x04); /* the master's level wants its EOI */
	close_pics(&p);
}

static void specific_eoi(void **state)
{
	struct pics p;

	open_pics(&p);
	raise_irq(&p, 4);
	ack(&p);
	raise_irq(&p, 1);
	ack(&p);
	out8(&p.bed, M0, 0x60 | 4);
	assert_int_equal(isr(&p, M0), 0x02);
	out8(&p.bed, M0, 0x60 | 6); /* not in service: nothing */
	assert_int_equal(isr(&p, M0), 0x02);
	out8(&p.bed, M0, 0x40 | 1); /* no operation */
	assert_int_equal(isr(&p, M0), 0x02);
	close_pics(&p);
}

static void rotation_on_non_specific_eoi(void **state)
{
	struct pics p;

	open_pics(&p);
	out8(&p.bed, M0, 0xa0); /* nothing in service: nothing rotates */
	assert_int_equal(p.pair.master.lowest, 7);
	raise_irq(&p, 4);
	ack(&p);
	out8(&p.bed, M0, 0xa0);
	assert_int_equal(isr(&p, M0), 0);
	raise_irq(&p, 0);
	raise_irq(&p, 5);
	assert_int_equal(next_vector(&p), 0x25); /* 5 is the highest now */
	out8(&p.bed, M0, EOI);
	assert_int_equal(next_vector(&p), 0x20);
	close_pics(&p);
}

static void rotation_on_specific_eoi(void **state)
{
	struct pics p;

	open_pics(&p);
	raise_irq(&p, 4);
	ack(&p);
	raise_irq(&p, 2 + 1);
	ack(&p);
	out8(&p.bed, M0, 0xe0 | 3);
	assert_int_equal(isr(&p, M0), 0x10);
	assert_int_equal(p.pair.master.lowest, 3);
	close_pics(&p);
}

static void set_priority(void **state)
{
	struct pics p;

	open_pics(&p);
	out8(&p.bed, M0, 0xc0 | 5);
	raise_irq(&p, 0);
	raise_irq(&p, 5);
	raise_irq(&p, 6);
	assert_int_equal(next_vector(&p), 0x26);
	out8(&p.bed, M0, EOI);
	assert_int_equal(next_vector(&p), 0x20);
	out8(&p.bed, M0, EOI);
	assert_int_equal(next_vector(&p), 0x25);
	close_pics(&p);
}

static void automatic_eoi(void **state)
{
	struct pics p;

	open_raw(&p, true);
	program(&p, PIC_ICW4_UPM | PIC_ICW4_AEOI, PIC_ICW4_UPM | PIC_ICW4_AEOI);
	raise_irq(&p, 4);
	raise_irq(&p, 6);
	assert_int_equal(next_vector(&p), 0x24);
	assert_int_equal(isr(&p, M0), 0);
	assert_int_equal(next_vector(&p), 0x26);
	/* Two of the slave: the second makes an edge of its own. */
	raise_irq(&p, 9);
	raise_irq(&p, 10);
	assert_int_equal(next_vector(&p), 0x29);
	assert_int_equal(next_vector(&p), 0x2a);
	assert_int_equal(next_vector(&p), -1);
	close_pics(&p);
}

static void rotation_in_automatic_eoi(void **state)
{
	struct pics p;

	open_raw(&p, true);
	program(&p, PIC_ICW4_UPM | PIC_ICW4_AEOI, PIC_ICW4_UPM);
	out8(&p.bed, M0, 0x80);
	raise_irq(&p, 4);
	assert_int_equal(next_vector(&p), 0x24);
	assert_int_equal(p.pair.master.lowest, 4);
	out8(&p.bed, M0, 0x00);
	pulse_irq(&p, 1);
	assert_int_equal(next_vector(&p), 0x21);
	assert_int_equal(p.pair.master.lowest, 4);
	close_pics(&p);
}

static void special_mask_mode(void **state)
{
	struct pics p;

	open_pics(&p);
	raise_irq(&p, 3);
	ack(&p);
	raise_irq(&p, 6);
	assert_int_equal(next_vector(&p), -1);
	out8(&p.bed, M1, 0x08); /* mask the level in service ... */
	assert_int_equal(next_vector(&p), -1);
	out8(&p.bed, M0, 0x68); /* ... and the lower ones come through */
	assert_int_equal(next_vector(&p), 0x26);
	assert_int_equal(isr(&p, M0), 0x48);
	out8(&p.bed, M0, EOI); /* a non-specific EOI does not end a masked level */
	assert_int_equal(isr(&p, M0), 0x08);
	out8(&p.bed, M0, EOI);
	assert_int_equal(isr(&p, M0), 0x08);
	out8(&p.bed, M0, 0x28); /* ESMM = 0: SMM is not written */
	assert_true(p.pair.master.special_mask);
	out8(&p.bed, M0, 0x48); /* reset */
	assert_false(p.pair.master.special_mask);
	out8(&p.bed, M0, EOI);
	assert_int_equal(isr(&p, M0), 0);
	close_pics(&p);
}

static void special_fully_nested_mode(void **state)
{
	for (int sfnm = 0; sfnm < 2; sfnm++) {
		struct pics p;

		open_raw(&p, true);
		program(&p, PIC_ICW4_UPM | (sfnm ? PIC_ICW4_SFNM : 0), PIC_ICW4_UPM);
		raise_irq(&p, 12);
		assert_int_equal(next_vector(&p), 0x2c);
		raise_irq(&p, 9); /* higher, on the same slave */
		assert_int_equal(next_vector(&p), sfnm ? 0x29 : -1);
		raise_irq(&p, 3); /* a lower input of the master waits in both */
		assert_int_equal(next_vector(&p), -1);
		/* An input without slave is held back by its own level. */
		raise_irq(&p, 1);
		assert_int_equal(next_vector(&p), 0x21);
		pulse_irq(&p, 1);
		assert_int_equal(next_vector(&p), -1);
		close_pics(&p);
	}
}

static void cascade_takes_two_eois(void **state)
{
	struct pics p;

	open_pics(&p);
	raise_irq(&p, 8);
	raise_irq(&p, 11);
	assert_int_equal(next_vector(&p), 0x28);
	assert_int_equal(isr(&p, M0), 0x04);
	assert_int_equal(isr(&p, S0), 0x01);
	out8(&p.bed, M0, EOI);
	assert_int_equal(next_vector(&p), -1); /* the slave still serves IRQ8 */
	out8(&p.bed, S0, EOI);
	assert_int_equal(next_vector(&p), 0x2b);
	raise_irq(&p, 1); /* above the slave */
	assert_int_equal(next_vector(&p), 0x21);
	close_pics(&p);
}

static void poll_command(void **state)
{
	struct pics p;

	open_pics(&p);
	out8(&p.bed, M0, 0x0c);
	assert_int_equal(in8(&p.bed, M0), 0); /* nobody asks */
	raise_irq(&p, 6);
	raise_irq(&p, 4);
	out8(&p.bed, M0, 0x0c);
	assert_int_equal(in8(&p.bed, M0), 0x84);
	assert_int_equal(isr(&p, M0), 0x10); /* the read was the acknowledge */
	assert_int_equal(next_vector(&p), -1);
	out8(&p.bed, M0, EOI);
	out8(&p.bed, M0, 0x0c);
	assert_int_equal(in8(&p.bed, M1), 0x86); /* at either port */
	assert_int_equal(in8(&p.bed, M1), 0x00); /* then the IMR again */
	out8(&p.bed, M0, 0x0c);
	out8(&p.bed, M0, 0x0b); /* P = 0 takes it back; RR chooses ISR */
	assert_int_equal(in8(&p.bed, M0), 0x40);
	close_pics(&p);
}

static void poll_slave_through_master(void **state)
{
	struct pics p;

	open_pics(&p);
	raise_irq(&p, 10);
	out8(&p.bed, M0, 0x0c);
	assert_int_equal(in8(&p.bed, M0), 0x82);
	out8(&p.bed, S0, 0x0c);
	assert_int_equal(in8(&p.bed, S0), 0x82);
	assert_int_equal(isr(&p, S0), 0x04);
	close_pics(&p);
}

static void ocw3_read_select_stays(void **state)
{
	struct pics p;

	open_pics(&p);
	raise_irq(&p, 1);
	ack(&p);
	raise_irq(&p, 0);
	assert_int_equal(in8(&p.bed, M0), 0x01);
	out8(&p.bed, M0, 0x0b);
	assert_int_equal(in8(&p.bed, M0), 0x02);
	out8(&p.bed, M0, 0x08); /* RR = 0: no action */
	assert_int_equal(in8(&p.bed, M0), 0x02);
	out8(&p.bed, M0, 0x0a);
	assert_int_equal(in8(&p.bed, M0), 0x01);
	close_pics(&p);
}

static void buffered_mode_against_the_wiring_is_a_gap(void **state)
{
	struct pics p;

	open_raw(&p, true);
	program(&p, 0x0d, 0x09); /* buffered, as wired */
	assert_int_equal(p.bed.gaps, 0);
	program(&p, 0x09, 0x09); /* the master named as slave */
	assert_int_equal(p.bed.gaps, 1);
	close_pics(&p);
}

static void intr_is_a_line_with_a_cause(void **state)
{
	struct pics p;
	struct probe probe;

	open_pics(&p);
	probe_line(&probe, &p.bed, pic_intr(&p.pair));
	raise_irq(&p, 12);
	assert_true(probe.level);
	assert_int_equal(probe.cause, 112); /* through the cascade */
	ack(&p);
	assert_false(probe.level);
	assert_int_equal(probe.rises, 1);
	close_pics(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_on_is_quiet),
		cmocka_unit_test(quiet_until_the_icw_sequence_is_complete),
		cmocka_unit_test(registers_reset_and_access),
		cmocka_unit_test(wide_access_is_two_byte_cycles),
		cmocka_unit_test(vector_is_icw2_high_bits_and_level),
		cmocka_unit_test(irq2_has_no_pin),
		cmocka_unit_test(icw1_resets_the_chip),
		cmocka_unit_test(icw1_without_ic4_is_mcs80_mode),
		cmocka_unit_test(single_mode_has_no_icw3_and_no_slave),
		cmocka_unit_test(absent_slave_leaves_the_bus_floating),
		cmocka_unit_test(edge_needs_a_new_rise),
		cmocka_unit_test(edge_must_stay_until_the_acknowledge),
		cmocka_unit_test(level_asks_again_while_it_is_high),
		cmocka_unit_test(ltim_counts_only_without_elcr),
		cmocka_unit_test(nested_priority),
		cmocka_unit_test(masks_hold_requests_but_keep_them),
		cmocka_unit_test(masks_of_the_slave_are_named),
		cmocka_unit_test(spurious_irq7),
		cmocka_unit_test(spurious_irq15),
		cmocka_unit_test(specific_eoi),
		cmocka_unit_test(rotation_on_non_specific_eoi),
		cmocka_unit_test(rotation_on_specific_eoi),
		cmocka_unit_test(set_priority),
		cmocka_unit_test(automatic_eoi),
		cmocka_unit_test(rotation_in_automatic_eoi),
		cmocka_unit_test(special_mask_mode),
		cmocka_unit_test(special_fully_nested_mode),
		cmocka_unit_test(cascade_takes_two_eois),
		cmocka_unit_test(poll_command),
		cmocka_unit_test(poll_slave_through_master),
		cmocka_unit_test(ocw3_read_select_stays),
		cmocka_unit_test(buffered_mode_against_the_wiring_is_a_gap),
		cmocka_unit_test(intr_is_a_line_with_a_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
