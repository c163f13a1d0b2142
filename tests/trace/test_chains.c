/* The way of an interrupt through bare devices, told stage by stage. */
#include "waybed.h"

#include "devices/hub.h"
#include "devices/ioapic.h"
#include "devices/pic.h"
#include "devices/pit.h"
#include "devices/uart.h"

struct board {
	struct way way;
	struct pic_pair pic;
	struct pit pit;
	struct uart com1;
	struct apic_bus apics;
	struct ioapic ioapic;
	struct irq_hub hub;
	struct irq_line line, other; /* sources of our own */
	int input;
};

static int poll(void *owner)
{
	struct board *b = owner;
	int in = b->input;

	b->input = -1;
	return in;
}

static void put(void *owner, uint8_t byte) {}

static void program_pics(struct board *b)
{
	static const struct {
		uint16_t port;
		uint8_t value;
	} writes[] = {{0x20, 0x11}, {0x21, 0x20}, {0x21, 0x04}, {0x21, 0x01},
		      {0xa0, 0x11}, {0xa1, 0x28}, {0xa1, 0x02}, {0xa1, 0x01}};

	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		out8(&b->way.bed, writes[i].port, writes[i].value);
}

static int open_board(void **state)
{
	struct board *b = calloc(1, sizeof(*b));
	struct bed *bed = &b->way.bed;

	way_open(&b->way);
	b->input = -1;
	line_init(&b->line, "button", &bed->clock);
	line_init(&b->other, "lever", &bed->clock);
	assert_true(pic_init(&b->pic, bed->bus, &bed->clock, true));
	assert_true(pit_init(&b->pit, bed->bus, &bed->clock));
	assert_true(uart_init(&b->com1, bed->bus, &bed->clock, UART_COM1, 0, "COM1",
			      (struct uart_backend){put, poll, b, true}));
	assert_true(apic_init(&b->apics, bed->bus, &bed->clock, 2, &(struct apic_processors){0}));
	assert_true(ioapic_init(&b->ioapic, bed->bus, &b->apics, IOAPIC_BASE, IOAPIC_VERSION_EOI));
	line_connect(pit_line(&b->pit, 0), pic_input, &b->pic, 0);
	line_connect(&b->com1.irq, pic_input, &b->pic, 4);
	program_pics(b);
	*state = b;
	return 0;
}

static int close_board(void **state)
{
	struct board *b = *state;

	way_close(&b->way);
	free(b);
	return 0;
}

static uint64_t ack(struct board *b, int vector)
{
	uint64_t cause;

	assert_true(pic_pending(&b->pic));
	assert_int_equal(pic_acknowledge(&b->pic, &cause), vector);
	return cause;
}

static void raise_line(struct board *b, struct irq_line *line, uint64_t cause)
{
	line_set(line, true, cause);
}

/* ---- 8259A ---- */
static void a_timer_tick_goes_from_out0_to_its_eoi(void **state)
{
	struct board *b = *state;
	uint64_t cause;

	out8(&b->way.bed, 0x43, 0x34);
	out8(&b->way.bed, 0x40, 100);
	out8(&b->way.bed, 0x40, 0);
	run_to(&b->way.bed, 84648 + 35); /* one pulse to load and 100 to count at 1,193,182 Hz are 84,647.6 ns */
	cause = ack(b, 0x20);
	run_for(&b->way.bed, 50);
	out8(&b->way.bed, 0x20, 0x20);
	expect_way(&b->way, cause,
		   "+0 PIT OUT0 rises\n"
		   "+0 8259A master IR0: requested\n"
		   "+0 8259A master IR0: passed on\n"
		   "+0 8259A INTR rises\n"
		   "+35 8259A master IR0, vector 20: acknowledged\n"
		   "+35 8259A INTR falls\n"
		   "+85 8259A master IR0: end of interrupt\n");
}

static void a_masked_input_waits_for_its_mask(void **state)
{
	struct board *b = *state;

	line_connect(&b->line, pic_input, &b->pic, 5);
	out8(&b->way.bed, 0x21, 0x20);
	raise_line(b, &b->line, 900);
	run_for(&b->way.bed, 30);
	out8(&b->way.bed, 0x21, 0);
	expect_way(&b->way, 900,
		   "+0 button rises\n"
		   "+0 8259A master IR5: requested\n"
		   "+0 8259A master IR5: held back: the input is masked in the IMR\n"
		   "+30 8259A master IR5: passed on\n"
		   "+30 8259A INTR rises\n");
}

static void a_lower_priority_waits_for_the_level_in_service(void **state)
{
	struct board *b = *state;

	line_connect(&b->line, pic_input, &b->pic, 3);
	line_connect(&b->other, pic_input, &b->pic, 1);
	raise_line(b, &b->line, 900);
	raise_line(b, &b->other, 901);
	assert_int_equal(ack(b, 0x21), 901);
	run_for(&b->way.bed, 7);
	out8(&b->way.bed, 0x20, 0x20);
	assert_int_equal(ack(b, 0x23), 900);
	expect_way(&b->way, 900,
		   "+0 button rises\n"
		   "+0 8259A master IR3: requested\n"
		   "+0 8259A master IR3: passed on\n"
		   "+0 8259A INTR rises\n"
		   "+0 8259A master IR3: held back: a request of higher priority comes first (IR1)\n"
		   "+0 8259A INTR falls\n"
		   "+0 8259A master IR3: held back: a level of the same or a higher priority is in service (IR1)\n"
		   "+7 8259A master IR3: passed on\n"
		   "+7 8259A INTR rises\n"
		   "+7 8259A master IR3, vector 23: acknowledged\n"
		   "+7 8259A INTR falls\n");
	expect_way(&b->way, 901,
		   "+0 lever rises\n"
		   "+0 8259A master IR1: requested\n"
		   "+0 8259A master IR1: passed on\n"
		   "+0 8259A master IR1, vector 21: acknowledged\n"
		   "+7 8259A master IR1: end of interrupt\n");
}

static void an_edge_in_service_keeps_the_old_cause_until_its_eoi(void **state)
{
	struct board *b = *state;

	line_connect(&b->line, pic_input, &b->pic, 3);
	raise_line(b, &b->line, 900);
	assert_int_equal(ack(b, 0x23), 900);
	line_set(&b->line, false, 0);
	raise_line(b, &b->line, 901);
	out8(&b->way.bed, 0x20, 0x20);
	expect_way(&b->way, 900,
		   "+0 button rises\n"
		   "+0 8259A master IR3: requested\n"
		   "+0 8259A master IR3: passed on\n"
		   "+0 8259A INTR rises\n"
		   "+0 8259A master IR3, vector 23: acknowledged\n"
		   "+0 8259A INTR falls\n"
		   "+0 button falls\n"
		   "+0 8259A master IR3: end of interrupt\n");
	expect_way(&b->way, 901,
		   "+0 button rises\n"
		   "+0 8259A master IR3: requested\n"
		   "+0 8259A master IR3: held back: a level of the same or a higher priority is in service (IR3)\n"
		   "+0 8259A master IR3: passed on\n"
		   "+0 8259A INTR rises\n");
}

static void a_slave_asks_through_the_master(void **state)
{
	struct board *b = *state;

	line_connect(&b->line, pic_input, &b->pic, 12);
	raise_line(b, &b->line, 900);
	assert_int_equal(ack(b, 0x2c), 900);
	out8(&b->way.bed, 0xa0, 0x20);
	out8(&b->way.bed, 0x20, 0x20);
	expect_way(&b->way, 900,
		   "+0 button rises\n"
		   "+0 8259A slave IR4: requested\n"
		   "+0 8259A slave IR4: passed on\n"
		   "+0 8259A slave INT rises\n"
		   "+0 8259A master IR2: requested\n"
		   "+0 8259A master IR2: passed on\n"
		   "+0 8259A INTR rises\n"
		   "+0 8259A master IR2: acknowledged\n"
		   "+0 8259A INTR falls\n"
		   "+0 8259A slave IR4, vector 2c: acknowledged\n"
		   "+0 8259A slave INT falls\n"
		   "+0 8259A slave IR4: end of interrupt\n"
		   "+0 8259A master IR2: end of interrupt\n");
}

static void the_masters_level_belongs_to_what_the_slave_gave(void **state)
{
	struct board *b = *state;

	line_connect(&b->line, pic_input, &b->pic, 12);
	line_connect(&b->other, pic_input, &b->pic, 8);
	raise_line(b, &b->line, 900);
	raise_line(b, &b->other, 901); /* comes first, at the same input of the master */
	assert_int_equal(ack(b, 0x28), 901);
	out8(&b->way.bed, 0x20, 0x20);
	expect_way(&b->way, 901,
		   "+0 lever rises\n"
		   "+0 8259A slave IR0: requested\n"
		   "+0 8259A slave IR0: passed on\n"
		   "+0 8259A slave IR0, vector 28: acknowledged\n"
		   "+0 8259A master IR2: end of interrupt\n");
}

static void a_slave_nobody_answers_for_loses_its_request(void **state)
{
	struct board *b = *state;

	line_connect(&b->line, pic_input, &b->pic, 12);
	out8(&b->way.bed, 0xa0, 0x11); /* the slave answers to another address than IR2 */
	out8(&b->way.bed, 0xa1, 0x28);
	out8(&b->way.bed, 0xa1, 0x05);
	out8(&b->way.bed, 0xa1, 0x01);
	raise_line(b, &b->line, 900);
	ack(b, 0xff);
	expect_way(&b->way, 900,
		   "+0 button rises\n"
		   "+0 8259A slave IR4: requested\n"
		   "+0 8259A slave IR4: passed on\n"
		   "+0 8259A slave INT rises\n"
		   "+0 8259A master IR2: requested\n"
		   "+0 8259A master IR2: passed on\n"
		   "+0 8259A INTR rises\n"
		   "+0 8259A master IR2: acknowledged\n"
		   "+0 8259A INTR falls\n"
		   "+0 8259A master IR2: lost: no slave 8259A answers to the cascade address\n");
}

static void a_request_that_goes_away_leaves_a_spurious_irq7(void **state)
{
	struct board *b = *state;
	uint64_t cause;

	line_connect(&b->line, pic_input, &b->pic, 3);
	raise_line(b, &b->line, 900);
	run_for(&b->way.bed, 5);
	line_set(&b->line, false, 0);
	assert_int_equal(pic_acknowledge(&b->pic, &cause), 0x27);
	expect_way(&b->way, 900,
		   "+0 button rises\n"
		   "+0 8259A master IR3: requested\n"
		   "+0 8259A master IR3: passed on\n"
		   "+0 8259A INTR rises\n"
		   "+5 button falls\n"
		   "+5 8259A master IR3: withdrawn: the line went away before the acknowledge\n"
		   "+5 8259A INTR falls\n"
		   "+5 8259A master IR7, vector 27: spurious\n");
}

static void a_controller_that_is_not_ready_holds_everything(void **state)
{
	struct board *b = *state;

	line_connect(&b->line, pic_input, &b->pic, 3);
	out8(&b->way.bed, 0x20, 0x11);
	raise_line(b, &b->line, 900);
	program_pics(b); /* its ICW1 forgets the edge */
	expect_way(
		&b->way, 900,
		"+0 button rises\n"
		"+0 8259A master IR3: requested\n"
		"+0 8259A master IR3: held back: the 8259A is not initialised\n"
		"+0 8259A master IR3: withdrawn: the input stays high, but its edge is forgotten (ICW1, or ELCR made "
		"it edge triggered)\n");
}

static void automatic_eoi_is_told_with_the_acknowledge(void **state)
{
	struct board *b = *state;

	line_connect(&b->line, pic_input, &b->pic, 3);
	out8(&b->way.bed, 0x20, 0x11);
	out8(&b->way.bed, 0x21, 0x20);
	out8(&b->way.bed, 0x21, 0x04);
	out8(&b->way.bed, 0x21, 0x03);
	raise_line(b, &b->line, 900);
	ack(b, 0x23);
	expect_way(&b->way, 900,
		   "+0 button rises\n"
		   "+0 8259A master IR3: requested\n"
		   "+0 8259A master IR3: passed on\n"
		   "+0 8259A INTR rises\n"
		   "+0 8259A master IR3, vector 23: acknowledged\n"
		   "+0 8259A INTR falls\n"
		   "+0 8259A master IR3: end of interrupt\n");
}

/* A character at COM1, edge triggered: read in the handler. */
static uint64_t receive(struct board *b)
{
	b->input = 'a';
	uart_input_ready(&b->com1);
	while (!b->com1.irq.level) /* the character takes its time on the wire */
		run_to(&b->way.bed, clock_deadline(&b->way.bed.clock));
	return b->com1.irq.cause;
}

static void a_character_at_com1_by_edge(void **state)
{
	struct board *b = *state;
	uint64_t cause;

	out8(&b->way.bed, UART_COM1 + 4, 0x08);
	out8(&b->way.bed, UART_COM1 + 1, 0x01);
	cause = receive(b);
	assert_int_equal(ack(b, 0x24), cause);
	in8(&b->way.bed, UART_COM1);
	out8(&b->way.bed, 0x20, 0x20);
	expect_way(&b->way, cause,
		   "+0 COM1 rises\n"
		   "+0 8259A master IR4: requested\n"
		   "+0 8259A master IR4: passed on\n"
		   "+0 8259A INTR rises\n"
		   "+0 8259A master IR4, vector 24: acknowledged\n"
		   "+0 8259A INTR falls\n"
		   "+0 COM1 falls\n"
		   "+0 8259A master IR4: end of interrupt\n");
}

static void a_character_at_com1_by_level_asks_again_if_it_is_not_read(void **state)
{
	struct board *b = *state;
	uint64_t cause;

	out8(&b->way.bed, PIC_ELCR_PORT, 0x10);
	out8(&b->way.bed, UART_COM1 + 4, 0x08);
	out8(&b->way.bed, UART_COM1 + 1, 0x01);
	cause = receive(b);
	assert_int_equal(ack(b, 0x24), cause);
	out8(&b->way.bed, 0x20, 0x20);
	assert_int_equal(ack(b, 0x24), cause);
	in8(&b->way.bed, UART_COM1);
	out8(&b->way.bed, 0x20, 0x20);
	expect_way(&b->way, cause,
		   "+0 COM1 rises\n"
		   "+0 8259A master IR4: requested\n"
		   "+0 8259A master IR4: passed on\n"
		   "+0 8259A INTR rises\n"
		   "+0 8259A master IR4, vector 24: acknowledged\n"
		   "+0 8259A INTR falls\n"
		   "+0 8259A master IR4: end of interrupt\n"
		   "+0 8259A master IR4: requested\n"
		   "+0 8259A master IR4: passed on\n"
		   "+0 8259A INTR rises\n"
		   "+0 8259A master IR4, vector 24: acknowledged\n"
		   "+0 8259A INTR falls\n"
		   "+0 COM1 falls\n"
		   "+0 8259A master IR4: end of interrupt\n");
}

static void a_second_source_of_a_shared_pin_is_no_news(void **state)
{
	struct board *b = *state;

	hub_init(&b->hub);
	assert_true(hub_add_source(&b->hub, 5, &b->line));
	assert_true(hub_add_source(&b->hub, 5, &b->other));
	assert_true(hub_add_sink(&b->hub, 5, pic_input, &b->pic, 5));
	raise_line(b, &b->line, 900);
	raise_line(b, &b->other, 901);
	expect_way(
		&b->way, 901,
		"+0 lever rises\n"
		"+0 interrupt wire pin 5: held back: another source holds the shared pin high already: no new edge\n");
}

/* ---- local APIC ---- */
static void set(struct board *b, unsigned processor, unsigned reg, uint32_t value)
{
	bus_set_initiator(b->way.bed.bus, processor);
	bus_write(b->way.bed.bus, APIC_BASE + reg * 16, 4, value);
}

static int take(struct board *b, unsigned processor)
{
	struct lapic *a = &b->apics.apic[processor];
	uint64_t cause;

	return lapic_pending(a) ? lapic_acknowledge(a, &cause) : -1;
}

static void a_local_timer_goes_from_its_lvt_entry_to_its_eoi(void **state)
{
	struct board *b = *state;

	set(b, 1, APIC_SVR, 0x1ff);
	set(b, 1, APIC_TIMER_DIVIDE, 0xb);
	set(b, 1, APIC_LVT + LVT_TIMER, 0xec);
	set(b, 1, APIC_TIMER_INITIAL, 1000);
	run_for(&b->way.bed, 1000);
	uint64_t cause = b->apics.apic[1].cause[0xec];
	run_for(&b->way.bed, 35);
	assert_int_equal(take(b, 1), 0xec);
	run_for(&b->way.bed, 5);
	set(b, 1, APIC_EOI, 0);
	expect_way(&b->way, cause,
		   "+0 LAPIC 1 LVT timer, vector ec: requested\n"
		   "+0 LAPIC 1 vector ec: requested\n"
		   "+0 LAPIC 1 vector ec: passed on\n"
		   "+0 LAPIC 1 INTR rises\n"
		   "+35 LAPIC 1 vector ec: acknowledged\n"
		   "+35 LAPIC 1 INTR falls\n"
		   "+40 LAPIC 1 vector ec: end of interrupt\n");
}

static bool send(struct board *b, uint8_t vector, uint64_t cause)
{
	return apic_send(&b->apics, &(struct apic_message){.destination = 0, .vector = vector, .cause = cause});
}

static void tpr_service_and_higher_vectors_hold_a_vector_back(void **state)
{
	struct board *b = *state;

	set(b, 0, APIC_SVR, 0x1ff);
	set(b, 0, APIC_TPR, 0x40);
	assert_true(send(b, 0x41, 900));
	assert_true(send(b, 0x61, 901));
	assert_int_equal(take(b, 0), 0x61);
	set(b, 0, APIC_TPR, 0);
	set(b, 0, APIC_EOI, 0);
	assert_true(send(b, 0x71, 902));
	expect_way(&b->way, 900,
		   "+0 LAPIC 0 vector 41: requested\n"
		   "+0 LAPIC 0 vector 41: held back: the task priority is not below its class (TPR 40)\n"
		   "+0 LAPIC 0 vector 41: held back: a vector of the same or a higher class is in service (vector 61)\n"
		   "+0 LAPIC 0 vector 41: passed on\n"
		   "+0 LAPIC 0 INTR rises\n"
		   "+0 LAPIC 0 vector 41: held back: a higher vector comes first (vector 71)\n");
}

static void requests_a_local_apic_does_not_take_are_lost(void **state)
{
	struct board *b = *state;

	send(b, 0x41, 900); /* software-disabled after reset */
	expect_way(&b->way, 900, "+0 LAPIC 0 vector 41: lost: the local APIC is software-disabled (SVR bit 8)\n");
	set(b, 0, APIC_SVR, 0x1ff);
	send(b, 0x0f, 901);
	expect_way(&b->way, 901, "+0 LAPIC 0 vector 0f: lost: vectors below 16 are illegal (vector 0f)\n");
	send(b, 0x41, 902);
	send(b, 0x41, 903);
	expect_way(&b->way, 903,
		   "+0 LAPIC 0 vector 41: lost: the vector waits in IRR already: the two become one (vector 41)\n");
	lapic_local(&b->apics.apic[0], LVT_PERFORMANCE, 904);
	expect_way(&b->way, 904,
		   "+0 LAPIC 0 LVT performance, vector 00: requested\n"
		   "+0 LAPIC 0 LVT performance: lost: the LVT entry is masked\n");
	assert_true(lapic_set_base(&b->apics.apic[0], APIC_BASE, 36));
	lapic_local(&b->apics.apic[0], LVT_PERFORMANCE, 905);
	expect_way(&b->way, 905,
		   "+0 LAPIC 0 LVT performance, vector 00: requested\n"
		   "+0 LAPIC 0 LVT performance: lost: the local APIC is switched off in IA32_APIC_BASE\n");
}

static void a_vector_taken_back_by_tpr_is_spurious(void **state)
{
	struct board *b = *state;
	uint64_t cause;

	set(b, 0, APIC_SVR, 0x1ff);
	send(b, 0x41, 900);
	set(b, 0, APIC_TPR, 0x50);
	assert_int_equal(lapic_acknowledge(&b->apics.apic[0], &cause), 0xff);
	expect_way(&b->way, 900,
		   "+0 LAPIC 0 vector 41: requested\n"
		   "+0 LAPIC 0 vector 41: passed on\n"
		   "+0 LAPIC 0 INTR rises\n"
		   "+0 LAPIC 0 vector 41: held back: the task priority is not below its class (TPR 50)\n"
		   "+0 LAPIC 0 INTR falls\n"
		   "+0 LAPIC 0 vector ff: spurious\n");
}

static void the_8259_comes_through_lint0_when_it_is_unmasked(void **state)
{
	struct board *b = *state;

	line_connect(pic_intr(&b->pic), lapic_lint, &b->apics.apic[0], 0);
	line_connect(&b->line, pic_input, &b->pic, 3);
	set(b, 0, APIC_SVR, 0x1ff);
	set(b, 0, APIC_LVT + LVT_LINT0, APIC_LVT_MASKED | APIC_EXTINT << 8);
	raise_line(b, &b->line, 900);
	set(b, 0, APIC_LVT + LVT_LINT0, APIC_EXTINT << 8);
	expect_way(&b->way, 900,
		   "+0 button rises\n"
		   "+0 8259A master IR3: requested\n"
		   "+0 8259A master IR3: passed on\n"
		   "+0 8259A INTR rises\n"
		   "+0 LAPIC 0 LINT0: requested\n"
		   "+0 LAPIC 0 LINT0: held back: the LVT entry is masked\n"
		   "+0 LAPIC 0 LINT0: passed on\n"
		   "+0 LAPIC 0 INTR rises\n");
}

static void a_level_at_lint1_waits_for_remote_irr(void **state)
{
	struct board *b = *state;

	line_connect(&b->line, lapic_lint, &b->apics.apic[0], 1);
	set(b, 0, APIC_SVR, 0x1ff);
	set(b, 0, APIC_LVT + LVT_LINT1, APIC_LVT_LEVEL | 0x51);
	raise_line(b, &b->line, 900);
	assert_int_equal(take(b, 0), 0x51);
	line_set(&b->line, false, 0);
	raise_line(b, &b->line, 901);
	set(b, 0, APIC_EOI, 0);
	expect_way(
		&b->way, 901,
		"+0 button rises\n"
		"+0 LAPIC 0 LINT1: requested\n"
		"+0 LAPIC 0 LINT1: held back: remote IRR of the LVT entry is set: the EOI of the last one has not come "
		"(vector 51)\n"
		"+0 LAPIC 0 vector 51: requested\n"
		"+0 LAPIC 0 vector 51: passed on\n"
		"+0 LAPIC 0 INTR rises\n");
}

static void an_ipi_goes_from_the_icr_of_one_to_the_irr_of_the_other(void **state)
{
	struct board *b = *state;
	uint64_t cause = b->way.bed.clock.next_cause;

	set(b, 0, APIC_SVR, 0x1ff);
	set(b, 1, APIC_SVR, 0x1ff);
	set(b, 0, APIC_ICR2, 1u << 24);
	set(b, 0, APIC_ICR, APIC_ICR_ASSERT | 0xfd);
	expect_way(&b->way, cause,
		   "+0 LAPIC 0 ICR, vector fd: requested\n"
		   "+0 LAPIC 1 vector fd: requested\n"
		   "+0 LAPIC 1 vector fd: passed on\n"
		   "+0 LAPIC 1 INTR rises\n");
	set(b, 0, APIC_ICR2, 7u << 24);
	set(b, 0, APIC_ICR, APIC_ICR_ASSERT | 0xfd);
	expect_way(&b->way, cause + 1,
		   "+0 LAPIC 0 ICR, vector fd: requested\n"
		   "+0 LAPIC 0 ICR, vector fd: lost: no local APIC takes the message (destination 07)\n");
	set(b, 0, APIC_ICR2, 1u << 24);
	set(b, 0, APIC_ICR, APIC_ICR_ASSERT | APIC_NMI << 8);
	expect_way(&b->way, cause + 2,
		   "+0 LAPIC 0 ICR, vector 00: requested\n"
		   "+0 LAPIC 1 NMI: passed on\n");
}

static void a_message_signalled_interrupt_has_a_way_too(void **state)
{
	struct board *b = *state;

	set(b, 0, APIC_SVR, 0x1ff);
	assert_true(apic_msi(&b->apics, 0xfee00000, 0x33, 900));
	expect_way(&b->way, 900,
		   "+0 MSI vector 33: requested\n"
		   "+0 LAPIC 0 vector 33: requested\n"
		   "+0 LAPIC 0 vector 33: passed on\n"
		   "+0 LAPIC 0 INTR rises\n");
	assert_false(apic_msi(&b->apics, 0xfee05000, 0x33, 901));
	expect_way(&b->way, 901,
		   "+0 MSI vector 33: requested\n"
		   "+0 MSI vector 33: lost: no local APIC takes the message (destination 05)\n");
}

/* ---- I/O APIC ---- */
static void entry(struct board *b, unsigned pin, uint32_t low, unsigned destination)
{
	bus_write(b->way.bed.bus, IOAPIC_BASE, 4, 0x11 + 2 * pin);
	bus_write(b->way.bed.bus, IOAPIC_BASE + 0x10, 4, destination << 24);
	bus_write(b->way.bed.bus, IOAPIC_BASE, 4, 0x10 + 2 * pin);
	bus_write(b->way.bed.bus, IOAPIC_BASE + 0x10, 4, low);
}

static void a_level_at_the_ioapic_waits_for_the_eoi_of_the_last(void **state)
{
	struct board *b = *state;

	line_connect(&b->line, ioapic_input, &b->ioapic, 9);
	set(b, 0, APIC_SVR, 0x1ff);
	entry(b, 9, IOAPIC_RTE_LEVEL | 0x39, 0);
	raise_line(b, &b->line, 900);
	assert_int_equal(take(b, 0), 0x39);
	line_set(&b->line, false, 0);
	raise_line(b, &b->line, 901);
	run_for(&b->way.bed, 9);
	set(b, 0, APIC_EOI, 0);
	expect_way(&b->way, 900,
		   "+0 button rises\n"
		   "+0 IOAPIC pin 9: requested\n"
		   "+0 IOAPIC pin 9, vector 39: passed on\n"
		   "+0 LAPIC 0 vector 39: requested\n"
		   "+0 LAPIC 0 vector 39: passed on\n"
		   "+0 LAPIC 0 INTR rises\n"
		   "+0 LAPIC 0 vector 39: acknowledged\n"
		   "+0 LAPIC 0 INTR falls\n"
		   "+0 button falls\n"
		   "+9 LAPIC 0 vector 39: end of interrupt\n"
		   "+9 IOAPIC pin 9, vector 39: end of interrupt\n");
	expect_way(&b->way, 901,
		   "+0 button rises\n"
		   "+0 IOAPIC pin 9: requested\n"
		   "+0 IOAPIC pin 9: held back: remote IRR is set: the EOI of the last one has not come (vector 39)\n"
		   "+9 IOAPIC pin 9, vector 39: passed on\n"
		   "+9 LAPIC 0 vector 39: requested\n"
		   "+9 LAPIC 0 vector 39: passed on\n"
		   "+9 LAPIC 0 INTR rises\n");
}

static void a_level_that_stays_up_asks_again_after_its_eoi(void **state)
{
	struct board *b = *state;

	line_connect(&b->line, ioapic_input, &b->ioapic, 9);
	set(b, 0, APIC_SVR, 0x1ff);
	entry(b, 9, IOAPIC_RTE_LEVEL | 0x39, 0);
	raise_line(b, &b->line, 900);
	assert_int_equal(take(b, 0), 0x39);
	set(b, 0, APIC_EOI, 0);
	expect_way(&b->way, 900,
		   "+0 button rises\n"
		   "+0 IOAPIC pin 9: requested\n"
		   "+0 IOAPIC pin 9, vector 39: passed on\n"
		   "+0 LAPIC 0 vector 39: requested\n"
		   "+0 LAPIC 0 vector 39: passed on\n"
		   "+0 LAPIC 0 INTR rises\n"
		   "+0 LAPIC 0 vector 39: acknowledged\n"
		   "+0 LAPIC 0 INTR falls\n"
		   "+0 LAPIC 0 vector 39: end of interrupt\n"
		   "+0 IOAPIC pin 9, vector 39: end of interrupt\n"
		   "+0 IOAPIC pin 9: requested\n"
		   "+0 IOAPIC pin 9, vector 39: passed on\n"
		   "+0 LAPIC 0 vector 39: requested\n"
		   "+0 LAPIC 0 vector 39: passed on\n"
		   "+0 LAPIC 0 INTR rises\n");
}

static void a_masked_entry_loses_an_edge_and_holds_a_level(void **state)
{
	struct board *b = *state;

	line_connect(&b->line, ioapic_input, &b->ioapic, 4);
	line_connect(&b->other, ioapic_input, &b->ioapic, 9);
	set(b, 0, APIC_SVR, 0x1ff);
	entry(b, 9, IOAPIC_RTE_LEVEL | IOAPIC_RTE_MASKED | 0x39, 0);
	raise_line(b, &b->line, 900);
	raise_line(b, &b->other, 901);
	run_for(&b->way.bed, 4);
	entry(b, 9, IOAPIC_RTE_LEVEL | 0x39, 0);
	expect_way(&b->way, 900,
		   "+0 button rises\n"
		   "+0 IOAPIC pin 4: lost: the redirection entry is masked\n");
	expect_way(&b->way, 901,
		   "+0 lever rises\n"
		   "+0 IOAPIC pin 9: requested\n"
		   "+0 IOAPIC pin 9: held back: the redirection entry is masked\n"
		   "+4 IOAPIC pin 9, vector 39: passed on\n"
		   "+4 LAPIC 0 vector 39: requested\n"
		   "+4 LAPIC 0 vector 39: passed on\n"
		   "+4 LAPIC 0 INTR rises\n");
}

static void each_request_at_a_masked_entry_is_told(void **state)
{
	struct board *b = *state;

	line_connect(&b->line, ioapic_input, &b->ioapic, 9);
	entry(b, 9, IOAPIC_RTE_LEVEL | IOAPIC_RTE_MASKED | 0x39, 0);
	for (uint64_t cause = 900; cause <= 901; cause++) {
		raise_line(b, &b->line, cause);
		line_set(&b->line, false, 0);
		expect_way(&b->way, cause,
			   "+0 button rises\n"
			   "+0 IOAPIC pin 9: requested\n"
			   "+0 IOAPIC pin 9: held back: the redirection entry is masked\n"
			   "+0 button falls\n"
			   "+0 IOAPIC pin 9: withdrawn: the line went away before the acknowledge\n");
	}
}

static void a_message_without_destination_waits_by_level(void **state)
{
	struct board *b = *state;

	line_connect(&b->line, ioapic_input, &b->ioapic, 9);
	entry(b, 9, IOAPIC_RTE_LEVEL | 0x39, 6);
	raise_line(b, &b->line, 900);
	line_set(&b->line, false, 0);
	expect_way(&b->way, 900,
		   "+0 button rises\n"
		   "+0 IOAPIC pin 9: requested\n"
		   "+0 IOAPIC pin 9, vector 39: passed on\n"
		   "+0 IOAPIC pin 9: held back: no local APIC takes the message (destination 06)\n"
		   "+0 button falls\n"
		   "+0 IOAPIC pin 9: withdrawn: the line went away before the acknowledge\n");
}

/* ---- the keeping of it ---- */
static void nothing_is_told_while_nobody_asks(void **state)
{
	struct board *b = *state;

	b->way.bed.clock.trace = NULL;
	line_connect(&b->line, pic_input, &b->pic, 3);
	raise_line(b, &b->line, 900);
	ack(b, 0x23);
	assert_int_equal(b->way.trace->chain.links, 0);
	assert_int_equal(b->way.trace->next_line_id, 1);
}

static void memory_stays_bounded_and_the_newest_links_are_kept(void **state)
{
	struct board *b = *state;

	for (uint64_t cause = 1; cause <= 3 * CHAIN_LINKS; cause++) {
		raise_line(b, &b->line, cause);
		line_set(&b->line, false, 0);
	}
	expect_way(&b->way, 1, "");
	expect_way(&b->way, 3 * CHAIN_LINKS, "+0 button rises\n+0 button falls\n");
	assert_null(chain_times(&b->way.trace->chain, 1));
	assert_non_null(chain_times(&b->way.trace->chain, 3 * CHAIN_LINKS));
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_board, close_board)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_timer_tick_goes_from_out0_to_its_eoi),
		T(a_masked_input_waits_for_its_mask),
		T(a_lower_priority_waits_for_the_level_in_service),
		T(an_edge_in_service_keeps_the_old_cause_until_its_eoi),
		T(a_slave_asks_through_the_master),
		T(the_masters_level_belongs_to_what_the_slave_gave),
		T(a_slave_nobody_answers_for_loses_its_request),
		T(a_request_that_goes_away_leaves_a_spurious_irq7),
		T(a_controller_that_is_not_ready_holds_everything),
		T(automatic_eoi_is_told_with_the_acknowledge),
		T(a_character_at_com1_by_edge),
		T(a_character_at_com1_by_level_asks_again_if_it_is_not_read),
		T(a_second_source_of_a_shared_pin_is_no_news),
		T(a_local_timer_goes_from_its_lvt_entry_to_its_eoi),
		T(tpr_service_and_higher_vectors_hold_a_vector_back),
		T(requests_a_local_apic_does_not_take_are_lost),
		T(a_vector_taken_back_by_tpr_is_spurious),
		T(the_8259_comes_through_lint0_when_it_is_unmasked),
		T(a_level_at_lint1_waits_for_remote_irr),
		T(an_ipi_goes_from_the_icr_of_one_to_the_irr_of_the_other),
		T(a_message_signalled_interrupt_has_a_way_too),
		T(a_level_at_the_ioapic_waits_for_the_eoi_of_the_last),
		T(a_level_that_stays_up_asks_again_after_its_eoi),
		T(a_masked_entry_loses_an_edge_and_holds_a_level),
		T(each_request_at_a_masked_entry_is_told),
		T(a_message_without_destination_waits_by_level),
		T(nothing_is_told_while_nobody_asks),
		T(memory_stays_bounded_and_the_newest_links_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
