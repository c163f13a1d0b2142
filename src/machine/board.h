/* The board: which devices there are and how they are wired. */
#ifndef TRAPGATE_MACHINE_BOARD_H
#define TRAPGATE_MACHINE_BOARD_H

#include "bus/line.h"
#include "devices/debugport.h"
#include "devices/dma.h"
#include "devices/i8042.h"
#include "devices/pic.h"
#include "devices/pit.h"
#include "devices/port61.h"
#include "devices/port92.h"
#include "devices/rtc.h"
#include "devices/uart.h"
#include "devices/vga.h"
#include "machine/chardev.h"
#include "machine/inject.h"

struct machine;
struct diagnostic;

#define BOARD_SERIAL_PORTS 2u
/* The real-time clock at the start of a run, seconds since 1970-01-01 UTC: 2026-01-01 00:00:00. */
#define BOARD_RTC_START UINT64_C(1767225600)

struct board_config {
	/* COM1 and COM2: a chardev's name.  NULL: nothing connected to COM1, no COM2. */
	const char *serial[BOARD_SERIAL_PORTS];
	const char *debugcon; /* port E9h: likewise; NULL: no such port */
	bool no_vga;          /* no display adapter: nothing answers at A0000h-BFFFFh */
	bool debug_exit;      /* isa-debug-exit */
	uint16_t debug_exit_port;
	unsigned debug_exit_size;
	bool inject; /* a test pin raises inject_vector ... */
	uint8_t inject_vector;
	uint64_t inject_every; /* ... after each so many instructions */
};

struct board {
	struct pic_pair pic;
	struct pit pit;
	struct port61 port61;
	struct port92 port92;
	struct rtc rtc;
	struct i8042 kbc;
	struct dma dma;
	struct uart com[BOARD_SERIAL_PORTS];
	struct debugcon debugcon;
	struct debug_exit debug_exit;
	struct post_port post;
	struct vga *vga; /* NULL: none */
	struct chardev serial[BOARD_SERIAL_PORTS], debug;
	struct inject inject;
	struct irq_line fpu_irq; /* IRQ 13: FERR# through the AT's latch */
	bool pic_intr;           /* level of the 8259's INTR */
	uint64_t pic_cause;
};

/* Adds memory and devices, opens the host's files and connects the processor. */
bool board_init(struct machine *machine, struct diagnostic *why);
void board_free(struct machine *machine);
/* Interrupt controllers, timer, serial ports and keyboard controller as a PC's firmware leaves them
 * (vectors 08h and 70h, 18.2 Hz, 115200 8N1, A20 on by port 92h): for guests that are loaded without firmware. */
void board_like_firmware(struct machine *machine);

/* May something outside the processor still raise an interrupt?  idle: how long
 * it has been waiting. */
bool board_may_interrupt(const struct machine *machine, uint64_t idle);
/* May a character from the host interrupt: is there an input, and does its port want to tell of it? */
bool board_awaits_input(const struct machine *machine);
/* Is there input from the host that a serial port would take? */
bool board_input_waits(struct machine *machine);
/* Input from the host goes to the devices.  wait: at most so many
 * nanoseconds are waited for some to come. */
void board_poll_input(struct machine *machine, uint64_t wait);
/* What still waits in the serial ports goes to the host: for the end of a run. */
void board_flush(struct machine *machine);

#endif
