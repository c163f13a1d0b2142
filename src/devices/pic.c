#include "devices/pic.h"

#include <stdio.h>
#include <string.h>

#include "devices/bytewise.h"

/* OCW2: bits 7-5 R, SL, EOI. */
enum ocw2 {
	OCW2_AEOI_ROTATE_CLEAR,
	OCW2_EOI,
	OCW2_NOP,
	OCW2_SPECIFIC_EOI,
	OCW2_AEOI_ROTATE_SET,
	OCW2_ROTATE_EOI,
	OCW2_SET_PRIORITY,
	OCW2_ROTATE_SPECIFIC_EOI,
};

#define NO_LEVEL 8u

static uint8_t bit(unsigned n)
{
	return (uint8_t)(1u << n);
}

static uint8_t level_inputs(const struct pic *pic)
{
	if (pic->has_elcr)
		return pic->elcr;
	return pic->icw1 & PIC_ICW1_LTIM ? 0xff : 0;
}

/* "Edge and level triggered modes": in both, the input must stay high until
 * the acknowledge; the edge latch only keeps a level that was served already
 * from asking again. */
uint8_t pic_irr(const struct pic *pic)
{
	uint8_t level = level_inputs(pic);

	return (uint8_t)(pic->pins & (level | pic->edges));
}

/* The set bit of highest priority, NO_LEVEL if there is none. */
static unsigned highest(const struct pic *pic, uint8_t set)
{
	for (unsigned i = 1; i <= 8; i++) {
		unsigned ir = (pic->lowest + i) & 7u;

		if (set & bit(ir))
			return ir;
	}
	return NO_LEVEL;
}

/* 0 is the highest. */
static unsigned rank(const struct pic *pic, unsigned ir)
{
	return (ir - pic->lowest - 1u) & 7u;
}

/* In-service levels that hold requests back: all; in the special mask mode
 * only those that are not masked. */
static uint8_t holding(const struct pic *pic)
{
	return (uint8_t)(pic->special_mask ? pic->isr & ~pic->imr : pic->isr);
}

/* Is a slave's INT at this input of the master? */
static bool cascaded(const struct pic *pic, unsigned ir)
{
	return pic->is_master && !(pic->icw1 & PIC_ICW1_SNGL) && (pic->icw3 & bit(ir));
}

/* In the special fully nested mode a slave's input is not locked out by its
 * own level in service. */
static bool nests_itself(const struct pic *pic, unsigned ir)
{
	return (pic->icw4 & PIC_ICW4_SFNM) && cascaded(pic, ir);
}

/* The request the priority resolver lets through, NO_LEVEL if none. */
static unsigned resolve(const struct pic *pic)
{
	unsigned request, service;

	if (!pic->ready)
		return NO_LEVEL;
	request = highest(pic, (uint8_t)(pic_irr(pic) & ~pic->imr));
	if (request == NO_LEVEL)
		return NO_LEVEL;
	service = highest(pic, holding(pic));
	if (service == NO_LEVEL || rank(pic, request) < rank(pic, service))
		return request;
	return request == service && nests_itself(pic, request) ? request : NO_LEVEL;
}

/* What the chip puts on the data bus at the second INTA. */
static uint8_t vector(const struct pic *pic, unsigned ir)
{
	unsigned level = ir == NO_LEVEL ? 7 : ir;

	if (pic->icw4 & PIC_ICW4_UPM)
		return (uint8_t)((pic->icw2 & 0xf8) | level);
	if (pic->icw1 & PIC_ICW1_ADI)
		return (uint8_t)((pic->icw1 & 0xe0) | level << 2);
	return (uint8_t)((pic->icw1 & 0xc0) | level << 3);
}

/* ---- for the tracer ---- */
static struct stage_record stage(const struct pic *pic, enum stage_what what, unsigned ir, uint64_t cause)
{
	return (struct stage_record){
		.cause = cause,
		.unit = pic->is_master ? "8259A master" : "8259A slave",
		.instance = STAGE_NO_NUMBER,
		.input = "IR",
		.pin = (int16_t)ir,
		.vector = STAGE_NO_NUMBER,
		.what = (uint8_t)what,
		.by = STAGE_NO_NUMBER,
	};
}

static void tell(const struct pic *pic, enum stage_what what, unsigned ir, uint64_t cause, enum hold why, int by)
{
	struct stage_record r = stage(pic, what, ir, cause);

	r.why = (uint8_t)why;
	r.by = by;
	clock_tell(pic->intr.clock, r);
}

/* What holds the request at ir back while let is what the priority resolver lets through. */
static enum hold hold_of(const struct pic *pic, unsigned ir, unsigned let, int *by)
{
	unsigned service = highest(pic, holding(pic));

	*by = STAGE_NO_NUMBER;
	if (!pic->ready)
		return HOLD_PIC_NOT_READY;
	if (pic->imr & bit(ir))
		return HOLD_PIC_MASKED;
	if (ir == let)
		return HOLD_NONE;
	if (service != NO_LEVEL && rank(pic, service) <= rank(pic, ir)) {
		*by = (int)service;
		return HOLD_PIC_IN_SERVICE;
	}
	*by = (int)highest(pic, (uint8_t)(pic_irr(pic) & ~pic->imr));
	return HOLD_PIC_OUTRANKED;
}

/* Requests that began or ended since the last time, and what became of the others. */
static void tell_requests(struct pic *pic, unsigned let)
{
	/* A level that is being served asks for nothing new. */
	uint8_t now = (uint8_t)(pic_irr(pic) & ~(pic->isr & level_inputs(pic)));

	for (unsigned ir = 0; ir < 8; ir++) {
		bool was = pic->told.requests & bit(ir), is = now & bit(ir);
		enum hold why;
		int by;

		if (was && !is)
			tell(pic, STAGE_WITHDRAWN, ir, pic->cause[ir],
			     pic->pins & bit(ir) ? HOLD_PIC_NO_EDGE : HOLD_LINE_FELL, STAGE_NO_NUMBER);
		if (!was && is) {
			tell(pic, STAGE_REQUESTED, ir, pic->cause[ir], HOLD_NONE, STAGE_NO_NUMBER);
			pic->told.why[ir] = HOLD_NONE;
		}
		if (pic->told.passed == ir && let != ir)
			pic->told.passed = NO_LEVEL;
		if (!is)
			continue;
		why = hold_of(pic, ir, let, &by);
		if (why == HOLD_NONE && pic->told.passed != ir)
			tell(pic, STAGE_PASSED, ir, pic->cause[ir], why, by);
		else if (why != HOLD_NONE && (pic->told.why[ir] != why || pic->told.by[ir] != (uint8_t)by))
			tell(pic, STAGE_HELD, ir, pic->cause[ir], why, by);
		pic->told.why[ir] = (uint8_t)why;
		pic->told.by[ir] = (uint8_t)by;
		if (why == HOLD_NONE)
			pic->told.passed = (uint8_t)ir;
	}
	pic->told.requests = now;
}

/* The first INTA has found the request at ir, or nothing. */
static void tell_taken(struct pic *pic, unsigned ir)
{
	bool spurious = ir == NO_LEVEL;
	struct stage_record r = stage(pic, spurious ? STAGE_SPURIOUS : STAGE_ACKNOWLEDGED, spurious ? 7 : ir,
				      spurious ? pic->intr.cause : pic->cause[ir]);

	if (spurious || !cascaded(pic, ir))
		r.vector = vector(pic, ir);
	clock_tell(pic->intr.clock, r);
	if (spurious)
		return;
	pic->told.requests &= (uint8_t)~bit(ir);
	pic->told.passed = NO_LEVEL;
}

static void update(struct pic *pic)
{
	unsigned ir = resolve(pic);

	if (UNLIKELY(clock_traced(pic->intr.clock)))
		tell_requests(pic, ir);
	line_set(&pic->intr, ir != NO_LEVEL, ir != NO_LEVEL ? pic->cause[ir] : 0);
}

static void set_pin(struct pic *pic, unsigned ir, bool level, uint64_t cause)
{
	if (level && !(pic->pins & bit(ir))) {
		pic->edges |= bit(ir);
		pic->cause[ir] = cause;
	}
	if (level) {
		pic->pins |= bit(ir);
	} else {
		pic->pins &= (uint8_t)~bit(ir);
		pic->edges &= (uint8_t)~bit(ir);
	}
	update(pic);
}

static void end_service(struct pic *pic, unsigned ir, bool rotate)
{
	if (UNLIKELY(clock_traced(pic->intr.clock)) && (pic->isr & bit(ir)))
		tell(pic, STAGE_EOI, ir, pic->served[ir], HOLD_NONE, STAGE_NO_NUMBER);
	pic->isr &= (uint8_t)~bit(ir);
	if (rotate)
		pic->lowest = (uint8_t)ir;
}

/* The first INTA (or the read after a poll command): the level that is taken,
 * NO_LEVEL if the request is gone.  INT is released. */
static unsigned take(struct pic *pic)
{
	unsigned ir = resolve(pic);

	if (UNLIKELY(clock_traced(pic->intr.clock)))
		tell_taken(pic, ir);
	line_set(&pic->intr, false, 0);
	if (ir == NO_LEVEL)
		return NO_LEVEL;
	pic->served[ir] = pic->cause[ir];
	pic->edges &= (uint8_t)~bit(ir);
	pic->isr |= bit(ir);
	return ir;
}

/* The end of the last INTA. */
static void taken(struct pic *pic, unsigned ir)
{
	if (ir != NO_LEVEL && (pic->icw4 & PIC_ICW4_AEOI))
		end_service(pic, ir, pic->rotate_on_aeoi);
	update(pic);
}

static uint8_t acknowledge_slave(struct pic *slave, uint64_t *cause)
{
	unsigned ir = take(slave);
	uint8_t v = vector(slave, ir);

	*cause = ir == NO_LEVEL ? slave->intr.cause : slave->cause[ir];
	taken(slave, ir);
	return v;
}

bool pic_pending(void *device)
{
	struct pic_pair *pair = device;

	return pair->master.intr.level;
}

uint8_t pic_acknowledge(void *device, uint64_t *cause)
{
	struct pic_pair *pair = device;
	struct pic *master = &pair->master, *slave = &pair->slave;
	unsigned ir;
	uint8_t v;

	*cause = master->intr.cause;
	if (!master->ready)
		return 0xff;
	if (!(master->icw4 & PIC_ICW4_UPM))
		bus_gap(pair->bus, "8259A: third INTA cycle of the MCS-80/85 mode");
	ir = take(master);
	if (ir != NO_LEVEL)
		*cause = master->cause[ir];
	if (ir == NO_LEVEL || !cascaded(master, ir)) {
		v = vector(master, ir);
	} else if (slave->ready && (slave->icw3 & 7u) == ir) {
		v = acknowledge_slave(slave, cause);
		master->served[ir] = *cause;
	} else {
		v = 0xff; /* the slave called on CAS0-CAS2 is not there */
		if (clock_traced(master->intr.clock))
			tell(master, STAGE_LOST, ir, *cause, HOLD_PIC_NO_SLAVE, STAGE_NO_NUMBER);
	}
	taken(master, ir);
	return v;
}

/* ---- command words ---- */
static void write_icw1(struct pic *pic, uint8_t value)
{
	pic->icw1 = value;
	pic->edges = 0;
	pic->imr = 0;
	pic->isr = 0;
	pic->lowest = 7;
	pic->icw3 = pic->is_master ? 0 : 7; /* "the slave mode address is set to 7" */
	pic->icw4 = 0;
	pic->special_mask = false;
	pic->read_isr = false;
	pic->poll = false;
	pic->rotate_on_aeoi = false;
	pic->ready = false;
	pic->step = PIC_STEP_ICW2;
	update(pic);
}

static void finish(struct pic *pic)
{
	pic->step = PIC_STEP_OCW1;
	pic->ready = true;
}

static void write_icw(struct pic *pic, struct bus *bus, uint8_t value)
{
	switch (pic->step) {
	case PIC_STEP_ICW2:
		pic->icw2 = value;
		pic->step = PIC_STEP_ICW3;
		if (!(pic->icw1 & PIC_ICW1_SNGL))
			return;
		break;
	case PIC_STEP_ICW3:
		pic->icw3 = value;
		break;
	default:
		pic->icw4 = value & 0x1f;
		if ((value & PIC_ICW4_BUF) && !(pic->icw1 & PIC_ICW1_SNGL) && !(value & PIC_ICW4_MS) == pic->is_master)
			bus_gap(bus, "8259A: buffered mode with the %s as %s", pic->is_master ? "master" : "slave",
				pic->is_master ? "slave" : "master");
		finish(pic);
		return;
	}
	if (pic->icw1 & PIC_ICW1_IC4)
		pic->step = PIC_STEP_ICW4;
	else
		finish(pic);
}

/* Non-specific EOI leaves levels alone that the special mask mode has masked. */
static void write_ocw2(struct pic *pic, uint8_t value)
{
	unsigned ir = value & 7u;

	switch ((enum ocw2)(value >> 5)) {
	case OCW2_AEOI_ROTATE_CLEAR:
		pic->rotate_on_aeoi = false;
		break;
	case OCW2_AEOI_ROTATE_SET:
		pic->rotate_on_aeoi = true;
		break;
	case OCW2_EOI:
	case OCW2_ROTATE_EOI:
		ir = highest(pic, holding(pic));
		if (ir != NO_LEVEL)
			end_service(pic, ir, value >> 5 == OCW2_ROTATE_EOI);
		break;
	case OCW2_SPECIFIC_EOI:
	case OCW2_ROTATE_SPECIFIC_EOI:
		end_service(pic, ir, value >> 5 == OCW2_ROTATE_SPECIFIC_EOI);
		break;
	case OCW2_SET_PRIORITY:
		pic->lowest = (uint8_t)ir;
		break;
	case OCW2_NOP:
		break;
	}
}

static void write_ocw3(struct pic *pic, uint8_t value)
{
	pic->poll = value & PIC_OCW3_P;
	if (value & PIC_OCW3_RR)
		pic->read_isr = value & PIC_OCW3_RIS;
	if (value & PIC_OCW3_ESMM)
		pic->special_mask = value & PIC_OCW3_SMM;
}

static void chip_write(struct pic *pic, struct bus *bus, bool a0, uint8_t value)
{
	if (!a0 && (value & PIC_ICW1_D4))
		write_icw1(pic, value);
	else if (a0 && pic->step != PIC_STEP_OCW1)
		write_icw(pic, bus, value);
	else if (a0)
		pic->imr = value;
	else if (value & PIC_OCW3_D3)
		write_ocw3(pic, value);
	else
		write_ocw2(pic, value);
	update(pic);
}

/* A poll command makes the next read, at either port, an acknowledge. */
static uint8_t chip_read(struct pic *pic, bool a0)
{
	unsigned ir;

	if (pic->poll) {
		pic->poll = false;
		ir = take(pic);
		taken(pic, ir);
		return ir == NO_LEVEL ? 0 : (uint8_t)(0x80 | ir);
	}
	if (a0)
		return pic->imr;
	return pic->read_isr ? pic->isr : pic_irr(pic);
}

/* ---- ports ---- */
static struct pic *chip_at(struct pic_pair *pair, uint16_t port)
{
	return (port & 0xfffe) == PIC_MASTER_PORT ? &pair->master
	       : (port & 0xfffe) == PIC_SLAVE_PORT ? &pair->slave
						   : NULL;
}

static uint8_t read_port(void *device, uint16_t port)
{
	struct pic *pic = chip_at(device, port);

	return pic ? chip_read(pic, port & 1) : 0xff;
}

static void write_port(void *device, uint16_t port, uint8_t value)
{
	struct pic_pair *pair = device;
	struct pic *pic = chip_at(pair, port);

	if (pic)
		chip_write(pic, pair->bus, port & 1, value);
}

static uint32_t port_read(void *device, uint16_t port, unsigned bytes)
{
	return bytewise_read(read_port, device, port, bytes);
}

static void port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	bytewise_write(write_port, device, port, bytes, value);
}

static uint8_t read_elcr(void *device, uint16_t port)
{
	struct pic_pair *pair = device;

	switch (port) {
	case PIC_ELCR_PORT:
		return pair->master.elcr;
	case PIC_ELCR_PORT + 1:
		return pair->slave.elcr;
	default:
		return 0xff;
	}
}

static void write_elcr(void *device, uint16_t port, uint8_t value)
{
	struct pic_pair *pair = device;
	struct pic *pic = port == PIC_ELCR_PORT ? &pair->master : &pair->slave;

	if (port != PIC_ELCR_PORT && port != PIC_ELCR_PORT + 1)
		return;
	pic->elcr = value & pic->elcr_writable;
	update(pic);
}

static uint32_t elcr_port_read(void *device, uint16_t port, unsigned bytes)
{
	return bytewise_read(read_elcr, device, port, bytes);
}

static void elcr_port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	bytewise_write(write_elcr, device, port, bytes, value);
}

/* ---- the board's side ---- */
void pic_input(void *device, int irq, bool level, uint64_t cause)
{
	struct pic_pair *pair = device;

	if (irq < 0 || irq > 15 || irq == PIC_CASCADE_IR)
		return;
	set_pin(irq < 8 ? &pair->master : &pair->slave, (unsigned)irq & 7u, level, cause);
}

static void cascade(void *sink, int input, bool level, uint64_t cause)
{
	set_pin(sink, (unsigned)input & 7u, level, cause);
}

struct irq_line *pic_intr(struct pic_pair *pair)
{
	return &pair->master.intr;
}

static void chip_reset(struct pic *pic)
{
	write_icw1(pic, 0);
	pic->step = PIC_STEP_OCW1;
	pic->elcr = 0;
	pic->icw2 = 0;
}

void pic_reset(struct pic_pair *pair)
{
	chip_reset(&pair->slave);
	chip_reset(&pair->master);
}

bool pic_init(struct pic_pair *pair, struct bus *bus, struct clock *clock, bool has_elcr)
{
	static const struct port_ops chip_ops = {port_read, port_write};
	static const struct port_ops elcr_ops = {elcr_port_read, elcr_port_write};

	memset(pair, 0, sizeof(*pair));
	pair->bus = bus;
	line_init(&pair->master.intr, "8259A INTR", clock);
	line_init(&pair->slave.intr, "8259A slave INT", clock);
	pair->master.told.passed = pair->slave.told.passed = NO_LEVEL;
	pair->master.is_master = true;
	pair->master.has_elcr = pair->slave.has_elcr = has_elcr;
	/* PIIX3: IRQ0, 1, 2, 8 and 13 are always edge triggered. */
	pair->master.elcr_writable = 0xf8;
	pair->slave.elcr_writable = 0xde;
	pic_reset(pair);
	line_connect(&pair->slave.intr, cascade, &pair->master, PIC_CASCADE_IR);
	if (!bus_add_ports(bus, "8259A master", PIC_MASTER_PORT, 2, chip_ops, pair) ||
	    !bus_add_ports(bus, "8259A slave", PIC_SLAVE_PORT, 2, chip_ops, pair))
		return false;
	return !has_elcr || bus_add_ports(bus, "ELCR", PIC_ELCR_PORT, 2, elcr_ops, pair);
}

/* ---- for people ---- */
/* Why chip's INT, which is low, is low. */
static const char *why_low(struct pic_pair *pair, const struct pic *pic, unsigned first_irq)
{
	const char *name = pic->is_master ? "master" : "slave";
	uint8_t irr = pic_irr(pic), open = (uint8_t)(irr & ~pic->imr);
	unsigned ir, service;

	if (!pic->ready) {
		snprintf(pair->why, sizeof(pair->why), "the %s 8259A is not initialised%s", name,
			 pic->step == PIC_STEP_OCW1 ? "" : ": its ICW sequence is not complete");
	} else if (!irr && pic->pins) {
		ir = highest(pic, pic->pins);
		snprintf(pair->why, sizeof(pair->why), "IRQ%u is still high from a request already taken: no new edge",
			 first_irq + ir);
	} else if (!irr) {
		snprintf(pair->why, sizeof(pair->why), "no input of the %s 8259A is asserted", name);
	} else if (!open) {
		ir = highest(pic, irr);
		snprintf(pair->why, sizeof(pair->why), "IRQ%u is requested but masked in the %s IMR (%02x)",
			 first_irq + ir, name, pic->imr);
	} else {
		ir = highest(pic, open);
		service = highest(pic, holding(pic));
		snprintf(pair->why, sizeof(pair->why), "IRQ%u waits for the end of interrupt of IRQ%u (%s ISR %02x)",
			 first_irq + ir, first_irq + service, name, pic->isr);
	}
	return pair->why;
}

const char *pic_why_quiet(void *device)
{
	struct pic_pair *pair = device;
	const struct pic *master = &pair->master;

	if (master->intr.level)
		return "INTR is asserted";
	if (master->ready && !pic_irr(master) && pic_irr(&pair->slave) && !pair->slave.intr.level)
		return why_low(pair, &pair->slave, 8);
	return why_low(pair, master, 0);
}
