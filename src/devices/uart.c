#include "devices/uart.h"

#include <string.h>

#include "devices/bytewise.h"
#include "devices/order.h"

#define LINE_ERRORS (UART_LSR_OE | UART_LSR_PE | UART_LSR_FE | UART_LSR_BI)
#define CHAR_ERRORS (UART_LSR_PE | UART_LSR_FE | UART_LSR_BI)

static bool fifo_on(const struct uart *u)
{
	return u->fcr & UART_FCR_ENABLE;
}

static unsigned fifo_size(const struct uart *u)
{
	return fifo_on(u) ? UART_FIFO : 1;
}

static unsigned trigger(const struct uart *u)
{
	static const uint8_t level[4] = {1, 4, 8, 14};

	return fifo_on(u) ? level[u->fcr >> 6] : 1;
}

/* ---- time ---- */
/* n half bits, in ticks. */
static uint64_t half_bits(const struct uart *u, unsigned n)
{
	uint64_t divisor = u->divisor ? u->divisor : 65536;

	return clock_cycles_to_ticks(8 * divisor * n, UART_HZ);
}

/* In half bits: one stop bit, one and a half (5 data bits) or two. */
static unsigned stop_halves(const struct uart *u)
{
	if (!(u->lcr & UART_LCR_STOP))
		return 2;
	return (u->lcr & 3) == 0 ? 3 : 4;
}

static unsigned char_halves(const struct uart *u)
{
	return 2 * (1 + 5 + (u->lcr & 3u) + (u->lcr & UART_LCR_PARITY ? 1 : 0)) + stop_halves(u);
}

static uint64_t char_time(const struct uart *u)
{
	return half_bits(u, char_halves(u));
}

/* ---- interrupts ---- */
/* The cause of highest priority, as IIR names it. */
static uint8_t interrupt_id(const struct uart *u)
{
	if ((u->ier & UART_IER_LINE) && u->errors)
		return UART_IIR_LINE;
	if ((u->ier & UART_IER_RX) && u->rx_count >= trigger(u))
		return UART_IIR_RX;
	if ((u->ier & UART_IER_RX) && u->timed_out)
		return UART_IIR_TIMEOUT;
	if ((u->ier & UART_IER_TX) && u->tx_pending)
		return UART_IIR_TX;
	if ((u->ier & UART_IER_MODEM) && u->delta)
		return UART_IIR_MODEM;
	return UART_IIR_NONE;
}

static void update(struct uart *u)
{
	bool level = (u->mcr & UART_MCR_OUT2) && interrupt_id(u) != UART_IIR_NONE;

	if (level != u->irq.level)
		line_set(&u->irq, level, level ? clock_new_cause(u->clock) : 0);
}

/* ---- receiver ---- */
static void restart_timeout(struct uart *u, uint64_t now)
{
	u->timed_out = false;
	if (fifo_on(u) && u->rx_count)
		timer_arm(&u->timeout, now + 4 * char_time(u));
	else
		timer_cancel(&u->timeout);
}

static void timeout_fire(void *owner, uint64_t when)
{
	struct uart *u = owner;

	u->timed_out = u->rx_count > 0;
	update(u);
}

/* The errors of a character show in LSR when it comes to the top. */
static void reveal_errors(struct uart *u)
{
	if (u->rx_count)
		u->errors |= u->rx_error[u->rx_head];
}

static void receive(struct uart *u, uint8_t byte, uint8_t errors, uint64_t when)
{
	unsigned slot = (u->rx_head + u->rx_count) % UART_FIFO;

	if (u->rx_count == fifo_size(u)) {
		u->errors |= UART_LSR_OE;
		if (fifo_on(u)) {
			update(u);
			return; /* the character is lost, the FIFO is not touched */
		}
		slot = u->rx_head; /* the holding register is overwritten */
		u->rx_count--;
	}
	u->rx[slot] = byte;
	u->rx_error[slot] = errors;
	u->rx_count++;
	if (u->rx_count == 1)
		reveal_errors(u);
	restart_timeout(u, when);
	update(u);
}

static bool receiving(const struct uart *u)
{
	return u->backend.poll && !(u->mcr & UART_MCR_LOOP) && u->rx_count < fifo_size(u);
}

static void receiver_fire(void *owner, uint64_t when)
{
	struct uart *u = owner;
	int in;
	uint8_t errors = 0;

	if (!receiving(u))
		return;
	in = u->backend.poll(u->backend.owner);
	if (in < 0) {
		u->offered = false;
		return;
	}
	if (in & UART_IN_PARITY_ERROR)
		errors |= UART_LSR_PE;
	if (in & UART_IN_FRAMING_ERROR)
		errors |= UART_LSR_FE;
	if (in & UART_IN_BREAK)
		errors |= UART_LSR_BI | UART_LSR_FE;
	receive(u, in & UART_IN_BREAK ? 0 : (uint8_t)(in & (0xff >> (3 - (u->lcr & 3)))), errors, when);
	timer_arm(&u->receiver, when + char_time(u));
}

/* Goes on with the peer's characters where there is room again. */
static void resume_input(struct uart *u)
{
	if (u->offered && receiving(u) && !timer_armed(&u->receiver))
		timer_arm(&u->receiver, u->clock->now + char_time(u));
}

void uart_input_ready(struct uart *u)
{
	u->offered = true;
	resume_input(u);
}

static uint8_t read_rbr(struct uart *u)
{
	uint8_t value = u->rx[u->rx_head];

	if (u->rx_count) {
		u->rx_head = (uint8_t)((u->rx_head + 1) % UART_FIFO);
		u->rx_count--;
		reveal_errors(u);
	}
	restart_timeout(u, u->clock->now);
	update(u);
	resume_input(u);
	return value;
}

static void clear_rx(struct uart *u)
{
	u->rx_count = 0;
	restart_timeout(u, u->clock->now);
}

/* ---- transmitter ---- */
static void set_thre(struct uart *u)
{
	u->thre = u->tx_pending = true;
	u->two_queued = false;
}

/* A character has left the shift register; while a break is sent SOUT stays
 * low and nobody sees it. */
static void emit(struct uart *u, uint64_t when)
{
	if (u->mcr & UART_MCR_LOOP)
		receive(u, u->shift, 0, when);
	else if (u->backend.write && !(u->lcr & UART_LCR_BREAK))
		u->backend.write(u->backend.owner, u->shift);
}

/* Moves the next character to the shift register.  In FIFO mode a character
 * that was alone keeps THRE back until its stop bit ("FIFO interrupt mode
 * operation", B). */
static void next_character(struct uart *u, uint64_t when)
{
	u->sending = u->tx_count > 0;
	if (!u->sending)
		return;
	u->shift = u->tx[u->tx_head] & (uint8_t)(0xff >> (3 - (u->lcr & 3)));
	u->tx_head = (uint8_t)((u->tx_head + 1) % UART_FIFO);
	u->tx_count--;
	u->char_end = when + char_time(u);
	u->late_thre = !u->tx_count && fifo_on(u) && !u->two_queued;
	if (!u->tx_count && !u->late_thre)
		set_thre(u);
	timer_arm(&u->transmitter, u->late_thre ? u->char_end - half_bits(u, stop_halves(u)) : u->char_end);
}

static void transmitter_fire(void *owner, uint64_t when)
{
	struct uart *u = owner;

	if (u->late_thre) {
		u->late_thre = false;
		if (!u->tx_count && !u->thre)
			set_thre(u);
		timer_arm(&u->transmitter, u->char_end);
	} else {
		emit(u, when);
		next_character(u, when);
	}
	update(u);
}

static void write_thr(struct uart *u, uint8_t value)
{
	u->tx_pending = false;
	u->thre = false;
	if (!fifo_on(u))
		u->tx_count = 0; /* the holding register is overwritten */
	if (u->tx_count < UART_FIFO) {
		u->tx[(u->tx_head + u->tx_count) % UART_FIFO] = value;
		u->tx_count++;
	}
	if (u->tx_count >= 2)
		u->two_queued = true;
	if (!u->sending)
		next_character(u, u->clock->now);
	if (u->backend.instant && !(u->mcr & UART_MCR_LOOP))
		uart_flush(u);
	update(u);
}

void uart_flush(struct uart *u)
{
	if (u->mcr & UART_MCR_LOOP)
		return;
	while (u->sending) {
		emit(u, u->clock->now);
		next_character(u, u->clock->now);
	}
	timer_cancel(&u->transmitter);
	u->late_thre = false;
	if (!u->thre)
		set_thre(u);
	update(u);
}

static void clear_tx(struct uart *u)
{
	u->tx_count = 0;
	if (!u->thre)
		set_thre(u);
}

/* ---- registers ---- */
static uint8_t line_status(const struct uart *u)
{
	uint8_t value = u->errors;

	if (u->rx_count)
		value |= UART_LSR_DR;
	if (u->thre)
		value |= UART_LSR_THRE;
	if (u->thre && !u->sending)
		value |= UART_LSR_TEMT;
	for (unsigned i = 0; fifo_on(u) && i < u->rx_count; i++) {
		if (u->rx_error[(u->rx_head + i) % UART_FIFO])
			value |= UART_LSR_FIFO_ERROR;
	}
	return value;
}

static uint8_t read_lsr(struct uart *u)
{
	uint8_t value = line_status(u);

	u->looks = value & UART_LSR_DR ? 0 : u->looks + (u->looks < 2);
	u->looked = u->clock->now;
	u->errors = 0;
	if (u->rx_count)
		u->rx_error[u->rx_head] = 0;
	update(u);
	return value;
}

bool uart_is_looked_at(const struct uart *u)
{
	return u->looks >= 2 && u->clock->now - u->looked < UART_LOOKING;
}

/* In loopback the modem outputs are the modem inputs. */
static uint8_t modem_levels(const struct uart *u)
{
	uint8_t value = 0;

	if (!(u->mcr & UART_MCR_LOOP))
		return u->modem;
	if (u->mcr & UART_MCR_RTS)
		value |= UART_MSR_CTS;
	if (u->mcr & UART_MCR_DTR)
		value |= UART_MSR_DSR;
	if (u->mcr & UART_MCR_OUT1)
		value |= UART_MSR_RI;
	if (u->mcr & UART_MCR_OUT2)
		value |= UART_MSR_DCD;
	return value;
}

/* RI counts only where it goes away. */
static void modem_changed(struct uart *u, uint8_t before)
{
	uint8_t after = modem_levels(u), toggled = before ^ after;

	u->delta |= toggled >> 4 & (UART_MSR_DCTS | UART_MSR_DDSR | UART_MSR_DDCD);
	if (before & ~after & UART_MSR_RI)
		u->delta |= UART_MSR_TERI;
	update(u);
}

void uart_set_modem(struct uart *u, uint8_t levels)
{
	uint8_t before = modem_levels(u);

	u->modem = levels & 0xf0;
	modem_changed(u, before);
}

static void write_mcr(struct uart *u, uint8_t value)
{
	uint8_t before = modem_levels(u);

	u->mcr = value & 0x1f;
	modem_changed(u, before);
	resume_input(u);
}

static void write_ier(struct uart *u, uint8_t value)
{
	if (u->thre && (value & ~u->ier & UART_IER_TX))
		u->tx_pending = true;
	u->ier = value & 0x0f;
	update(u);
}

/* Bit 0 must be set for the others to count; its change clears the FIFOs. */
static void write_fcr(struct uart *u, uint8_t value)
{
	bool enable = value & UART_FCR_ENABLE, toggled = enable != fifo_on(u);

	if (toggled || (enable && (value & UART_FCR_CLEAR_RX)))
		clear_rx(u);
	if (toggled || (enable && (value & UART_FCR_CLEAR_TX)))
		clear_tx(u);
	u->fcr = enable ? value & 0xc1 : 0;
	if (toggled)
		u->two_queued = true; /* "the first transmitter interrupt after changing FCR0 will be immediate" */
	update(u);
	resume_input(u);
}

static uint8_t read_iir(struct uart *u)
{
	uint8_t id = interrupt_id(u);

	if (id == UART_IIR_TX) {
		u->tx_pending = false;
		update(u);
	}
	return (uint8_t)(id | (fifo_on(u) ? UART_IIR_FIFO : 0));
}

static uint8_t read_msr(struct uart *u)
{
	uint8_t value = (uint8_t)(modem_levels(u) | u->delta);

	u->delta = 0;
	update(u);
	return value;
}

static uint8_t read_port(void *device, uint16_t port)
{
	struct uart *u = device;
	bool dlab = u->lcr & UART_LCR_DLAB;

	switch (port - u->base) {
	case UART_RBR:
		return dlab ? (uint8_t)u->divisor : read_rbr(u);
	case UART_IER:
		return dlab ? (uint8_t)(u->divisor >> 8) : u->ier;
	case UART_IIR:
		return read_iir(u);
	case UART_LCR:
		return u->lcr;
	case UART_MCR:
		return u->mcr;
	case UART_LSR:
		return read_lsr(u);
	case UART_MSR:
		return read_msr(u);
	case UART_SCR:
		return u->scr;
	default:
		return 0xff;
	}
}

static void write_divisor(struct uart *u, uint16_t keep, uint16_t bits)
{
	u->divisor = (uint16_t)((u->divisor & keep) | bits);
}

/* LSR and MSR are for reading only: writes are for factory tests. */
static void write_port(void *device, uint16_t port, uint8_t value)
{
	struct uart *u = device;
	bool dlab = u->lcr & UART_LCR_DLAB;

	switch (port - u->base) {
	case UART_RBR:
		if (dlab)
			write_divisor(u, 0xff00, value);
		else {
			u->looks = 0;
			write_thr(u, value);
		}
		break;
	case UART_IER:
		if (dlab)
			write_divisor(u, 0x00ff, (uint16_t)(value << 8));
		else
			write_ier(u, value);
		break;
	case UART_IIR:
		write_fcr(u, value);
		break;
	case UART_LCR:
		u->lcr = value;
		break;
	case UART_MCR:
		write_mcr(u, value);
		break;
	case UART_SCR:
		u->scr = value;
		break;
	default:
		break;
	}
}

static uint32_t port_read(void *device, uint16_t port, unsigned bytes)
{
	return bytewise_read(read_port, device, port, bytes);
}

static void port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	bytewise_write(write_port, device, port, bytes, value);
}

void uart_reset(struct uart *u)
{
	u->ier = u->lcr = u->mcr = u->scr = u->fcr = 0;
	u->divisor = 12;
	u->errors = u->delta = 0;
	u->rx_head = u->rx_count = u->tx_head = u->tx_count = 0;
	memset(u->rx, 0, sizeof(u->rx));
	memset(u->rx_error, 0, sizeof(u->rx_error));
	u->sending = u->tx_pending = u->two_queued = u->late_thre = u->timed_out = false;
	u->thre = true;
	timer_cancel(&u->transmitter);
	timer_cancel(&u->receiver);
	timer_cancel(&u->timeout);
	update(u);
	resume_input(u);
}

bool uart_init(struct uart *u, struct bus *bus, struct clock *clock, uint16_t base, unsigned index,
	       const char *name, struct uart_backend backend)
{
	static const struct port_ops ops = {port_read, port_write};
	int order = ORDER_UART + 3 * (int)index;

	memset(u, 0, sizeof(*u));
	u->name = name;
	line_init(&u->irq, name, clock);
	u->base = base;
	u->backend = backend;
	u->clock = clock;
	timer_init(&u->transmitter, clock, "16550A transmitter", order, transmitter_fire, u);
	timer_init(&u->receiver, clock, "16550A receiver", order + 1, receiver_fire, u);
	timer_init(&u->timeout, clock, "16550A timeout", order + 2, timeout_fire, u);
	uart_reset(u);
	return bus_add_ports(bus, "16550A", base, 8, ops, u);
}
