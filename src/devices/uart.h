/* 16550A UART with its wiring on the PC: 1.8432 MHz clock, IRQ enabled by
 * OUT2, eight byte-wide ports.
 *
 * Source: National Semiconductor PC16550D datasheet (TL/C/8652), "Registers",
 * "FIFO interrupt mode operation", table II "UART reset configuration"; OUT2
 * as the interrupt enable: SMSC LPC47M10x datasheet, "Modem control register".
 *
 * Characters take the time that divisor and format give them, in virtual
 * time, unless the board asks for an instant transmitter.
 *
 * What the datasheet leaves open, and what stands here:
 *  - divisor after power-on: 12 (9600 baud); divisor 0 counts 65536;
 *  - a write to a full transmitter FIFO is dropped;
 *  - a break that is sent (LCR bit 6) silences the transmitter; the peer is
 *    not told of it;
 *  - the peer keeps its characters back while the receiver has no room (as
 *    with hardware handshake), so an overrun needs the loopback. */
#ifndef TRAPGATE_DEVICES_UART_H
#define TRAPGATE_DEVICES_UART_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bus.h"
#include "bus/clock.h"
#include "bus/line.h"

#define UART_COM1 0x3f8
#define UART_COM2 0x2f8
#define UART_HZ UINT64_C(1843200)
#define UART_FIFO 16u

enum uart_register {
	UART_RBR = 0, /* R: receiver, W: transmitter, DLAB: divisor low */
	UART_IER = 1, /* DLAB: divisor high */
	UART_IIR = 2, /* W: FCR */
	UART_LCR = 3,
	UART_MCR = 4,
	UART_LSR = 5,
	UART_MSR = 6,
	UART_SCR = 7,
};

#define UART_IER_RX 0x01u
#define UART_IER_TX 0x02u
#define UART_IER_LINE 0x04u
#define UART_IER_MODEM 0x08u

#define UART_IIR_NONE 0x01u
#define UART_IIR_MODEM 0x00u
#define UART_IIR_TX 0x02u
#define UART_IIR_RX 0x04u
#define UART_IIR_LINE 0x06u
#define UART_IIR_TIMEOUT 0x0cu
#define UART_IIR_FIFO 0xc0u

#define UART_FCR_ENABLE 0x01u
#define UART_FCR_CLEAR_RX 0x02u
#define UART_FCR_CLEAR_TX 0x04u

#define UART_LCR_STOP 0x04u
#define UART_LCR_PARITY 0x08u
#define UART_LCR_BREAK 0x40u
#define UART_LCR_DLAB 0x80u

#define UART_MCR_DTR 0x01u
#define UART_MCR_RTS 0x02u
#define UART_MCR_OUT1 0x04u
#define UART_MCR_OUT2 0x08u
#define UART_MCR_LOOP 0x10u

#define UART_LSR_DR 0x01u
#define UART_LSR_OE 0x02u
#define UART_LSR_PE 0x04u
#define UART_LSR_FE 0x08u
#define UART_LSR_BI 0x10u
#define UART_LSR_THRE 0x20u
#define UART_LSR_TEMT 0x40u
#define UART_LSR_FIFO_ERROR 0x80u

#define UART_MSR_DCTS 0x01u
#define UART_MSR_DDSR 0x02u
#define UART_MSR_TERI 0x04u
#define UART_MSR_DDCD 0x08u
#define UART_MSR_CTS 0x10u
#define UART_MSR_DSR 0x20u
#define UART_MSR_RI 0x40u
#define UART_MSR_DCD 0x80u

/* What poll() may add to a byte: how the character arrived. */
#define UART_IN_PARITY_ERROR 0x100
#define UART_IN_FRAMING_ERROR 0x200
#define UART_IN_BREAK 0x400

/* The other end of the cable.  write: a character left the transmitter.
 * poll: the next character that arrives, with UART_IN_* flags, or -1.  Either
 * may be NULL.  instant: characters leave at the moment of the write. */
struct uart_backend {
	void (*write)(void *owner, uint8_t byte);
	int (*poll)(void *owner);
	void *owner;
	bool instant;
};

struct uart {
	const char *name;
	uint16_t base;
	struct uart_backend backend;
	struct clock *clock;
	uint8_t ier, lcr, mcr, scr;
	uint8_t fcr;             /* ENABLE and the trigger bits */
	uint16_t divisor;
	uint8_t errors;          /* LSR OE PE FE BI, waiting to be read */
	uint8_t modem;           /* MSR bits 7-4 at the pins */
	uint8_t delta;           /* MSR bits 3-0 */
	uint8_t rx[UART_FIFO], rx_error[UART_FIFO], rx_head, rx_count;
	uint8_t tx[UART_FIFO], tx_head, tx_count;
	uint8_t shift;           /* character being sent */
	bool sending, thre, tx_pending; /* tx_pending: the THRE interrupt */
	bool two_queued;         /* two characters met in the FIFO since THRE */
	bool late_thre;          /* THRE will come when the stop bit begins */
	bool timed_out;          /* characters lie in the FIFO */
	bool offered;            /* the peer has something to say */
	uint32_t looks;          /* reads of LSR since the last write to THR that found no character ... */
	uint64_t looked;         /* ... and the tick of the last one */
	uint64_t char_end;       /* of the character being sent */
	struct timer transmitter, receiver, timeout;
	struct irq_line irq;
};

/* Adds ports base..base+7.  index: 0, 1 ... orders the timers of several
 * UARTs.  name names the IRQ line.  False: out of memory. */
bool uart_init(struct uart *uart, struct bus *bus, struct clock *clock, uint16_t base, unsigned index,
	       const char *name, struct uart_backend backend);
/* Master reset; the levels of the modem pins stay. */
void uart_reset(struct uart *uart);

/* The peer has something to say: poll() is asked, a character at a time, until it returns -1. */
void uart_input_ready(struct uart *uart);
/* Modem inputs: UART_MSR_CTS | DSR | RI | DCD as they are now. */
void uart_set_modem(struct uart *uart, uint8_t levels);
/* Does the processor look for characters time and again without an interrupt?  One look is also made before
 * sending; two without sending, the last of them less than UART_LOOKING ticks ago, are not. */
#define UART_LOOKING (CLOCK_HZ / 5)
bool uart_is_looked_at(const struct uart *uart);
/* Hands everything that still waits in the transmitter to the peer: for the end of a run. */
void uart_flush(struct uart *uart);

#endif
