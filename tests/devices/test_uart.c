/* 16550A: registers, interrupts, timing. */
#include "bed.h"

#include "devices/uart.h"

#define R(n) (UART_COM1 + (n))
#define CHAR_115200 (UINT64_C(86806))  /* 10 bits, ticks, rounded up */

struct bench {
	struct bed bed;
	struct uart uart;
	struct probe irq;
	uint8_t sent[256];
	unsigned sent_count;
	uint64_t sent_at;
	int input[64];
	unsigned input_next, input_count;
};

static void peer_write(void *owner, uint8_t byte)
{
	struct bench *b = owner;

	b->sent[b->sent_count++ % 256] = byte;
	b->sent_at = b->bed.clock.now;
}

static int peer_poll(void *owner)
{
	struct bench *b = owner;

	return b->input_next < b->input_count ? b->input[b->input_next++] : -1;
}

static void open_as(struct bench *b, bool instant)
{
	memset(b, 0, sizeof(*b));
	bed_open(&b->bed);
	assert_true(uart_init(&b->uart, b->bed.bus, &b->bed.clock, UART_COM1, 0, "COM1 IRQ4",
			      (struct uart_backend){peer_write, peer_poll, b, instant}));
	probe_line(&b->irq, &b->bed, &b->uart.irq);
}

/* 115200 8n1, OUT2 on. */
static void open_uart(struct bench *b)
{
	open_as(b, false);
	out8(&b->bed, R(UART_LCR), UART_LCR_DLAB);
	out8(&b->bed, R(0), 1);
	out8(&b->bed, R(1), 0);
	out8(&b->bed, R(UART_LCR), 3);
	out8(&b->bed, R(UART_MCR), UART_MCR_OUT2);
}

static void close_uart(struct bench *b)
{
	bed_close(&b->bed);
}

static void type(struct bench *b, int c)
{
	b->input[b->input_count++] = c;
	uart_input_ready(&b->uart);
}

static void type_many(struct bench *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		type(b, (int)('a' + i));
	run_for(&b->bed, (n + 1) * CHAR_115200);
}

static uint8_t lsr(struct bench *b) { return in8(&b->bed, R(UART_LSR)); }
static uint8_t iir(struct bench *b) { return in8(&b->bed, R(UART_IIR)); }
static void fifo(struct bench *b, unsigned trigger) { out8(&b->bed, R(UART_IIR), 0x07 | trigger); }

static void registers_reset_and_access(void **state)
{
	static const struct register_row rows[] = {
		{"IER", R(UART_IER), 0x00, 0x0f, 0x00}, {"IIR/FCR", R(UART_IIR), 0x01, 0x00, 0x01},
		{"MCR", R(UART_MCR), 0x00, 0x1f, 0x00}, {"LSR", R(UART_LSR), 0x60, 0x00, 0x60},
		{"MSR", R(UART_MSR), 0x00, 0x00, 0x00}, {"SCR", R(UART_SCR), 0x00, 0xff, 0x00},
		{"LCR", R(UART_LCR), 0x00, 0xff, 0x00},
	};
	static const struct register_row divisor[] = {
		{"DLL", R(0), 0x0c, 0xff, 0x00}, {"DLM", R(1), 0x00, 0xff, 0x00},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench b;

		open_as(&b, false);
		if (rows[i].port == R(UART_IIR)) { /* FCR is not readable: bits 7-6 tell of the FIFO */
			assert_int_equal(iir(&b), 0x01);
			fifo(&b, 0);
			assert_int_equal(iir(&b), 0xc1);
			out8(&b.bed, R(UART_IIR), 0);
			assert_int_equal(iir(&b), 0x01);
		} else {
			check_register(&b.bed, &rows[i]);
		}
		close_uart(&b);
	}
	for (unsigned i = 0; i < 2; i++) {
		struct bench b;

		open_as(&b, false);
		out8(&b.bed, R(UART_LCR), UART_LCR_DLAB);
		check_register(&b.bed, &divisor[i]);
		close_uart(&b);
	}
}

static void reset_restores_everything(void **state)
{
	struct bench b;

	open_uart(&b);
	fifo(&b, 0);
	out8(&b.bed, R(UART_IER), 0x0f);
	out8(&b.bed, R(0), 'x');
	type_many(&b, 3);
	uart_reset(&b.uart);
	assert_int_equal(in8(&b.bed, R(UART_IER)), 0);
	assert_int_equal(iir(&b), 1);
	assert_int_equal(lsr(&b), 0x60);
	assert_false(b.irq.level);
	assert_int_equal(clock_deadline(&b.bed.clock), CLOCK_NEVER);
	close_uart(&b);
}

static void characters_take_their_time(void **state)
{
	static const struct { uint8_t lcr; uint16_t divisor; unsigned half_bits; } row[] = {
		{0x03, 1, 20}, {0x07, 1, 22}, {0x1b, 1, 22}, {0x00, 1, 14}, {0x04, 1, 15},
		{0x02, 12, 18}, {0x03, 0, 20},
	};

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct bench b;
		uint64_t clocks = (uint64_t)row[i].half_bits * 8 * (row[i].divisor ? row[i].divisor : 65536);

		open_as(&b, false);
		out8(&b.bed, R(UART_LCR), row[i].lcr | UART_LCR_DLAB);
		out8(&b.bed, R(0), row[i].divisor & 0xff);
		out8(&b.bed, R(1), row[i].divisor >> 8);
		out8(&b.bed, R(UART_LCR), row[i].lcr);
		out8(&b.bed, R(0), 0x11);
		run_for(&b.bed, 100 * CLOCK_HZ);
		assert_int_equal(b.sent_count, 1);
		assert_int_equal(b.sent_at, clock_cycles_to_ticks(clocks, UART_HZ));
		close_uart(&b);
	}
}

static void short_characters_lose_their_high_bits(void **state)
{
	struct bench b;

	open_uart(&b);
	out8(&b.bed, R(UART_LCR), 0); /* 5 bits */
	out8(&b.bed, R(0), 0xff);
	run_for(&b.bed, CLOCK_HZ);
	assert_int_equal(b.sent[0], 0x1f);
	type(&b, 0xff);
	run_for(&b.bed, CLOCK_HZ);
	assert_int_equal(in8(&b.bed, R(0)), 0x1f);
	close_uart(&b);
}

static void holding_and_shift_register_without_fifo(void **state)
{
	struct bench b;

	open_uart(&b);
	assert_int_equal(lsr(&b), UART_LSR_THRE | UART_LSR_TEMT);
	out8(&b.bed, R(0), 'a');
	assert_int_equal(lsr(&b), UART_LSR_THRE); /* moved on at once */
	out8(&b.bed, R(0), 'b');
	assert_int_equal(lsr(&b), 0);
	out8(&b.bed, R(0), 'c'); /* overwrites b */
	run_for(&b.bed, CHAR_115200);
	assert_int_equal(lsr(&b), UART_LSR_THRE);
	run_for(&b.bed, CHAR_115200);
	assert_int_equal(lsr(&b), UART_LSR_THRE | UART_LSR_TEMT);
	assert_memory_equal(b.sent, "ac", 2);
	close_uart(&b);
}

static void transmitter_fifo_holds_16(void **state)
{
	struct bench b;

	open_uart(&b);
	fifo(&b, 0);
	for (unsigned i = 0; i < 20; i++)
		out8(&b.bed, R(0), 'a' + i); /* one shifts, 16 wait, 3 are lost */
	run_for(&b.bed, 40 * CHAR_115200);
	assert_int_equal(b.sent_count, 17);
	assert_memory_equal(b.sent, "abcdefghijklmnopq", 17);
	close_uart(&b);
}

static void thre_interrupt(void **state)
{
	struct bench b;

	open_uart(&b);
	out8(&b.bed, R(UART_IER), UART_IER_TX);
	assert_true(b.irq.level); /* enabling it while THRE is set */
	assert_int_equal(iir(&b), UART_IIR_TX);
	assert_false(b.irq.level); /* reading IIR ends it */
	assert_int_equal(iir(&b), UART_IIR_NONE);
	out8(&b.bed, R(UART_IER), 0);
	out8(&b.bed, R(UART_IER), UART_IER_TX);
	assert_true(b.irq.level); /* enabling it again brings it again */
	out8(&b.bed, R(0), 'a');
	out8(&b.bed, R(0), 'b'); /* a write ends it */
	assert_false(b.irq.level);
	run_for(&b.bed, CHAR_115200);
	assert_true(b.irq.level);
	assert_true(b.irq.cause != 0);
	close_uart(&b);
}

static void thre_of_a_lone_character_waits_for_its_stop_bit(void **state)
{
	struct bench b;
	uint64_t nine_bits = clock_cycles_to_ticks(20 * 8, UART_HZ) - clock_cycles_to_ticks(2 * 8, UART_HZ);

	open_uart(&b);
	fifo(&b, 0);
	out8(&b.bed, R(0), 'x'); /* the first one after the FCR change is immediate */
	assert_true(lsr(&b) & UART_LSR_THRE);
	run_for(&b.bed, CLOCK_HZ);
	out8(&b.bed, R(UART_IER), UART_IER_TX);
	iir(&b);
	out8(&b.bed, R(0), 'a');
	assert_int_equal(lsr(&b), 0);
	run_for(&b.bed, nine_bits - 1);
	assert_false(b.irq.level);
	run_for(&b.bed, 1);
	assert_true(b.irq.level);
	assert_int_equal(lsr(&b), UART_LSR_THRE);
	run_for(&b.bed, CLOCK_HZ);
	out8(&b.bed, R(0), 'b');
	out8(&b.bed, R(0), 'c');
	out8(&b.bed, R(0), 'd'); /* two were in the FIFO together */
	run_for(&b.bed, 2 * CHAR_115200);
	assert_true(lsr(&b) & UART_LSR_THRE); /* as d begins */
	assert_false(lsr(&b) & UART_LSR_TEMT);
	close_uart(&b);
}

static void receive_without_fifo(void **state)
{
	struct bench b;

	open_uart(&b);
	out8(&b.bed, R(UART_IER), UART_IER_RX);
	type(&b, 'q');
	run_for(&b.bed, CHAR_115200 - 2);
	assert_false(b.irq.level);
	run_for(&b.bed, 2);
	assert_true(b.irq.level);
	assert_int_equal(iir(&b), UART_IIR_RX);
	assert_int_equal(lsr(&b) & UART_LSR_DR, UART_LSR_DR);
	assert_int_equal(in8(&b.bed, R(0)), 'q');
	assert_false(b.irq.level);
	assert_int_equal(lsr(&b) & UART_LSR_DR, 0);
	close_uart(&b);
}

static void peer_waits_while_there_is_no_room(void **state)
{
	struct bench b;

	open_uart(&b);
	type_many(&b, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(in8(&b.bed, R(0)), 'a' + i);
		run_for(&b.bed, 2 * CHAR_115200);
	}
	assert_int_equal(lsr(&b) & UART_LSR_OE, 0);
	close_uart(&b);
}

static void fifo_trigger_levels(void **state)
{
	static const struct { uint8_t fcr; unsigned level; } row[] = {{0x00, 1}, {0x40, 4}, {0x80, 8}, {0xc0, 14}};

	for (unsigned i = 0; i < 4; i++) {
		struct bench b;

		open_uart(&b);
		fifo(&b, row[i].fcr);
		out8(&b.bed, R(UART_IER), UART_IER_RX);
		for (unsigned n = 1; n <= row[i].level; n++) {
			assert_false(b.irq.level);
			type(&b, 'k');
			run_for(&b.bed, CHAR_115200);
		}
		assert_true(b.irq.level);
		assert_int_equal(iir(&b), UART_IIR_FIFO | UART_IIR_RX);
		in8(&b.bed, R(0));
		assert_false(b.irq.level); /* below the level again */
		close_uart(&b);
	}
}

static void fifo_timeout_after_four_characters(void **state)
{
	struct bench b;

	open_uart(&b);
	fifo(&b, 0x80);
	out8(&b.bed, R(UART_IER), UART_IER_RX);
	type_many(&b, 2); /* the last one came one character time ago */
	run_for(&b.bed, 3 * CHAR_115200 - 1000);
	assert_int_equal(iir(&b), UART_IIR_FIFO | UART_IIR_NONE);
	run_for(&b.bed, 2000);
	assert_int_equal(iir(&b), UART_IIR_FIFO | UART_IIR_TIMEOUT);
	assert_true(b.irq.level);
	assert_int_equal(in8(&b.bed, R(0)), 'a'); /* a read ends it and starts it anew */
	assert_false(b.irq.level);
	run_for(&b.bed, 4 * CHAR_115200 + 4);
	assert_true(b.irq.level);
	assert_int_equal(in8(&b.bed, R(0)), 'b');
	run_for(&b.bed, CLOCK_HZ);
	assert_false(b.irq.level);
	close_uart(&b);
}

static void errors_show_at_the_top_of_the_fifo(void **state)
{
	struct bench b;

	open_uart(&b);
	fifo(&b, 0xc0);
	out8(&b.bed, R(UART_IER), UART_IER_LINE);
	type(&b, 'a');
	type(&b, 'b' | UART_IN_PARITY_ERROR);
	type(&b, 'c' | UART_IN_FRAMING_ERROR);
	type(&b, UART_IN_BREAK);
	run_for(&b.bed, 6 * CHAR_115200);
	assert_int_equal(lsr(&b) & 0x9f, UART_LSR_FIFO_ERROR | UART_LSR_DR);
	assert_false(b.irq.level);
	in8(&b.bed, R(0));
	assert_true(b.irq.level);
	assert_int_equal(iir(&b), UART_IIR_FIFO | UART_IIR_LINE);
	assert_int_equal(lsr(&b) & 0x9f, UART_LSR_FIFO_ERROR | UART_LSR_PE | UART_LSR_DR);
	assert_false(b.irq.level); /* reading LSR ends it */
	in8(&b.bed, R(0));
	assert_int_equal(lsr(&b) & 0x9f, UART_LSR_FIFO_ERROR | UART_LSR_FE | UART_LSR_DR);
	assert_int_equal(in8(&b.bed, R(0)), 'c');
	assert_int_equal(lsr(&b) & 0x9f, UART_LSR_FIFO_ERROR | UART_LSR_BI | UART_LSR_FE | UART_LSR_DR);
	assert_int_equal(lsr(&b) & 0x9f, UART_LSR_DR);
	assert_int_equal(in8(&b.bed, R(0)), 0);
	close_uart(&b);
}

static void overrun(void **state)
{
	struct bench b;

	open_uart(&b);
	out8(&b.bed, R(UART_MCR), UART_MCR_OUT2 | UART_MCR_LOOP);
	out8(&b.bed, R(UART_IER), UART_IER_LINE);
	out8(&b.bed, R(0), 'a');
	run_for(&b.bed, CHAR_115200);
	out8(&b.bed, R(0), 'b');
	run_for(&b.bed, CHAR_115200);
	assert_int_equal(iir(&b), UART_IIR_LINE);
	assert_true(lsr(&b) & UART_LSR_OE);
	assert_int_equal(in8(&b.bed, R(0)), 'b'); /* the holding register was overwritten */
	fifo(&b, 0);
	for (unsigned i = 0; i < 17; i++) {
		out8(&b.bed, R(0), 'A' + i);
		run_for(&b.bed, CHAR_115200);
	}
	assert_true(lsr(&b) & UART_LSR_OE);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(in8(&b.bed, R(0)), 'A' + i); /* the FIFO was not */
	assert_false(lsr(&b) & UART_LSR_DR);
	close_uart(&b);
}

static void priority_of_causes(void **state)
{
	struct bench b;

	open_uart(&b);
	uart_set_modem(&b.uart, UART_MSR_CTS);
	type(&b, 'a' | UART_IN_PARITY_ERROR);
	run_for(&b.bed, 2 * CHAR_115200);
	out8(&b.bed, R(UART_IER), 0x0f);
	assert_int_equal(iir(&b), UART_IIR_LINE);
	lsr(&b);
	assert_int_equal(iir(&b), UART_IIR_RX);
	in8(&b.bed, R(0));
	assert_int_equal(iir(&b), UART_IIR_TX);
	assert_int_equal(iir(&b), UART_IIR_MODEM);
	assert_true(b.irq.level);
	in8(&b.bed, R(UART_MSR));
	assert_int_equal(iir(&b), UART_IIR_NONE);
	assert_false(b.irq.level);
	close_uart(&b);
}

static void modem_status_and_deltas(void **state)
{
	struct bench b;

	open_uart(&b);
	uart_set_modem(&b.uart, 0xff);
	assert_int_equal(in8(&b.bed, R(UART_MSR)), 0xf0 | UART_MSR_DCTS | UART_MSR_DDSR | UART_MSR_DDCD);
	assert_int_equal(in8(&b.bed, R(UART_MSR)), 0xf0);
	uart_set_modem(&b.uart, 0xb0); /* RI goes away */
	assert_int_equal(in8(&b.bed, R(UART_MSR)), 0xb0 | UART_MSR_TERI);
	uart_set_modem(&b.uart, 0xf0); /* its coming does not count */
	assert_int_equal(in8(&b.bed, R(UART_MSR)), 0xf0);
	uart_set_modem(&b.uart, 0x00);
	assert_int_equal(in8(&b.bed, R(UART_MSR)), 0x0f);
	close_uart(&b);
}

static void loopback_of_modem_lines(void **state)
{
	static const struct { uint8_t mcr, msr; } row[] = {
		{UART_MCR_RTS, UART_MSR_CTS}, {UART_MCR_DTR, UART_MSR_DSR},
		{UART_MCR_OUT1, UART_MSR_RI}, {UART_MCR_OUT2, UART_MSR_DCD},
	};
	struct bench b;

	open_uart(&b);
	uart_set_modem(&b.uart, 0xf0);
	for (unsigned i = 0; i < 4; i++) {
		out8(&b.bed, R(UART_MCR), UART_MCR_LOOP | row[i].mcr);
		assert_int_equal(in8(&b.bed, R(UART_MSR)) & 0xf0, row[i].msr);
	}
	uart_set_modem(&b.uart, 0x00); /* the pins are cut off */
	assert_int_equal(in8(&b.bed, R(UART_MSR)) & 0xf0, UART_MSR_DCD);
	close_uart(&b);
}

static void loopback_of_data(void **state)
{
	struct bench b;

	open_uart(&b);
	out8(&b.bed, R(UART_MCR), UART_MCR_LOOP | UART_MCR_OUT2);
	out8(&b.bed, R(UART_IER), UART_IER_RX);
	type(&b, 'z'); /* SIN is cut off */
	out8(&b.bed, R(0), 0xae);
	run_for(&b.bed, CHAR_115200);
	assert_true(b.irq.level);
	assert_int_equal(in8(&b.bed, R(0)), 0xae);
	run_for(&b.bed, CLOCK_HZ);
	assert_int_equal(b.sent_count, 0);
	assert_false(lsr(&b) & UART_LSR_DR);
	out8(&b.bed, R(UART_MCR), 0);
	run_for(&b.bed, CLOCK_HZ);
	assert_int_equal(in8(&b.bed, R(0)), 'z');
	close_uart(&b);
}

static void out2_enables_the_irq(void **state)
{
	struct bench b;

	open_uart(&b);
	out8(&b.bed, R(UART_MCR), 0);
	out8(&b.bed, R(UART_IER), UART_IER_TX);
	assert_false(b.irq.level);
	out8(&b.bed, R(UART_MCR), UART_MCR_OUT2);
	assert_true(b.irq.level);
	close_uart(&b);
}

static void fcr_needs_bit_0(void **state)
{
	struct bench b;

	open_uart(&b);
	fifo(&b, 0x40);
	type_many(&b, 2);
	out8(&b.bed, R(UART_IIR), UART_FCR_ENABLE | UART_FCR_CLEAR_RX | 0x40);
	assert_false(lsr(&b) & UART_LSR_DR);
	type_many(&b, 2);
	out8(&b.bed, R(UART_IIR), 0); /* the change clears both FIFOs */
	assert_false(lsr(&b) & UART_LSR_DR);
	b.input_next = b.input_count = 0;
	type_many(&b, 1);
	out8(&b.bed, R(UART_IIR), UART_FCR_CLEAR_RX); /* without bit 0: nothing */
	assert_true(lsr(&b) & UART_LSR_DR);
	close_uart(&b);
}

static void clearing_the_fifo_lets_the_shift_register_finish(void **state)
{
	struct bench b;

	open_uart(&b);
	fifo(&b, 0);
	out8(&b.bed, R(0), 'a');
	out8(&b.bed, R(0), 'b');
	run_for(&b.bed, CHAR_115200 / 2);
	out8(&b.bed, R(UART_IIR), UART_FCR_ENABLE | UART_FCR_CLEAR_TX);
	run_for(&b.bed, CLOCK_HZ);
	assert_int_equal(b.sent_count, 1);
	assert_int_equal(b.sent[0], 'a');
	assert_int_equal(b.sent_at, clock_cycles_to_ticks(160, UART_HZ));
	close_uart(&b);
}

static void break_silences_the_transmitter(void **state)
{
	struct bench b;

	open_uart(&b);
	out8(&b.bed, R(UART_LCR), 3 | UART_LCR_BREAK);
	out8(&b.bed, R(0), 'a');
	run_for(&b.bed, CLOCK_HZ);
	assert_int_equal(b.sent_count, 0);
	close_uart(&b);
}

static void instant_transmitter(void **state)
{
	struct bench b;

	open_as(&b, true);
	out8(&b.bed, R(UART_MCR), UART_MCR_OUT2);
	out8(&b.bed, R(UART_IER), UART_IER_TX);
	iir(&b);
	out8(&b.bed, R(0), 'a');
	assert_int_equal(b.sent_count, 1);
	assert_int_equal(lsr(&b), UART_LSR_THRE | UART_LSR_TEMT);
	assert_true(b.irq.level);
	assert_int_equal(clock_deadline(&b.bed.clock), CLOCK_NEVER);
	close_uart(&b);
}

/* Looks before sending are not looks for input; two in a row are, for a while. */
static void looking_for_characters_is_noticed(void **state)
{
	struct bench b;

	open_as(&b, true);
	for (unsigned i = 0; i < 3; i++) {
		lsr(&b);
		out8(&b.bed, R(0), 'a');
		assert_false(uart_is_looked_at(&b.uart));
	}
	lsr(&b);
	assert_false(uart_is_looked_at(&b.uart));
	lsr(&b);
	assert_true(uart_is_looked_at(&b.uart));
	run_for(&b.bed, UART_LOOKING);
	assert_false(uart_is_looked_at(&b.uart));
	close_uart(&b);
}

static void flush_hands_over_what_waits(void **state)
{
	struct bench b;

	open_uart(&b);
	fifo(&b, 0);
	for (unsigned i = 0; i < 5; i++)
		out8(&b.bed, R(0), 'a' + i);
	uart_flush(&b.uart);
	assert_int_equal(b.sent_count, 5);
	assert_memory_equal(b.sent, "abcde", 5);
	assert_int_equal(lsr(&b), UART_LSR_THRE | UART_LSR_TEMT);
	run_for(&b.bed, CLOCK_HZ);
	assert_int_equal(b.sent_count, 5);
	close_uart(&b);
}

static void no_backend_is_a_cable_to_nowhere(void **state)
{
	struct bench b;

	memset(&b, 0, sizeof(b));
	bed_open(&b.bed);
	assert_true(uart_init(&b.uart, b.bed.bus, &b.bed.clock, UART_COM2, 1, "COM2 IRQ3", (struct uart_backend){0}));
	out8(&b.bed, UART_COM2, 'a');
	uart_input_ready(&b.uart);
	run_for(&b.bed, CLOCK_HZ);
	assert_int_equal(in8(&b.bed, UART_COM2 + UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	close_uart(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_reset_and_access),
		cmocka_unit_test(reset_restores_everything),
		cmocka_unit_test(characters_take_their_time),
		cmocka_unit_test(short_characters_lose_their_high_bits),
		cmocka_unit_test(holding_and_shift_register_without_fifo),
		cmocka_unit_test(transmitter_fifo_holds_16),
		cmocka_unit_test(thre_interrupt),
		cmocka_unit_test(thre_of_a_lone_character_waits_for_its_stop_bit),
		cmocka_unit_test(receive_without_fifo),
		cmocka_unit_test(peer_waits_while_there_is_no_room),
		cmocka_unit_test(fifo_trigger_levels),
		cmocka_unit_test(fifo_timeout_after_four_characters),
		cmocka_unit_test(errors_show_at_the_top_of_the_fifo),
		cmocka_unit_test(overrun),
		cmocka_unit_test(priority_of_causes),
		cmocka_unit_test(modem_status_and_deltas),
		cmocka_unit_test(loopback_of_modem_lines),
		cmocka_unit_test(loopback_of_data),
		cmocka_unit_test(out2_enables_the_irq),
		cmocka_unit_test(fcr_needs_bit_0),
		cmocka_unit_test(clearing_the_fifo_lets_the_shift_register_finish),
		cmocka_unit_test(break_silences_the_transmitter),
		cmocka_unit_test(instant_transmitter),
		cmocka_unit_test(looking_for_characters_is_noticed),
		cmocka_unit_test(flush_hands_over_what_waits),
		cmocka_unit_test(no_backend_is_a_cable_to_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
