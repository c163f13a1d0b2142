#include "machine/board.h"

#include <string.h>

#include "machine/machine.h"

#define VIDEO_START 0xa0000u
#define VIDEO_SIZE  0x20000u
#define HIGH_START  0x100000u

#define IRQ_TIMER 0
#define IRQ_COM1  4
#define IRQ_FPU   13
#define FPU_PORT  0xf0

#define LCR_8N1 0x03u /* 16550: eight bits, no parity, one stop bit */

/* Power management as PC firmware sets it up, PM1a_CNT (ACPI, "PM1 Control Registers"):
 * SLP_EN with sleep type 0 is soft-off. */
#define PM1A_CNT    0x604
#define PM1_SLP_EN  0x2000u
#define PM1_SLP_TYP 0x1c00u

/* Virtual time without any interrupt after which a halted machine is taken for dead although its
 * timers run: they are masked or nobody listens. */
#define IDLE_LIMIT (UINT64_C(1000) * CLOCK_HZ)

/* ---- the processor's interrupt pin: the 8259 and the test pin ---- */
static void update_intr(struct machine *m)
{
	struct board *b = &m->board;
	bool injected = b->inject.line.level;

	cpu_set_intr(&m->cpu, injected || b->pic_intr, injected ? b->inject.line.cause : b->pic_cause);
}

static void pic_changed(void *owner, int input, bool level, uint64_t cause)
{
	struct machine *m = owner;

	m->board.pic_intr = level;
	m->board.pic_cause = cause;
	update_intr(m);
}

static void inject_changed(void *owner, int input, bool level, uint64_t cause)
{
	update_intr(owner);
}

static bool intr_pending(void *owner)
{
	struct machine *m = owner;

	return m->board.inject.line.level || pic_pending(&m->board.pic);
}

static uint8_t intr_acknowledge(void *owner, uint64_t *cause)
{
	struct machine *m = owner;

	if (m->board.inject.line.level)
		return inject_acknowledge(&m->board.inject, cause);
	return pic_acknowledge(&m->board.pic, cause);
}

static const char *intr_why_quiet(void *owner)
{
	struct machine *m = owner;

	return pic_why_quiet(&m->board.pic);
}

static void nmi_changed(void *owner, int input, bool level, uint64_t cause)
{
	struct machine *m = owner;

	if (level)
		cpu_pulse_nmi(&m->cpu, cause);
}

/* ---- x87 errors the AT's way (82371SB datasheet, "Coprocessor Error Support"): FERR# sets IRQ 13;
 * a write to port F0h takes it down and asserts IGNNE# until FERR# is gone ---- */
static void ferr_changed(void *owner, bool level)
{
	struct machine *m = owner;

	if (level)
		line_set(&m->board.fpu_irq, true, clock_new_cause(&m->clock));
	else
		m->cpu.ignne = false;
}

static void fpu_port_write(void *owner, uint16_t port, unsigned bytes, uint32_t value)
{
	struct machine *m = owner;

	m->cpu.ignne = m->cpu.ferr;
	line_set(&m->board.fpu_irq, false, 0);
}

static uint32_t fpu_port_read(void *owner, uint16_t port, unsigned bytes)
{
	return UINT32_MAX;
}

/* A timer was set for an earlier moment than the processor runs to. */
static void sooner(void *owner)
{
	struct machine *m = owner;

	cpu_request_stop(&m->cpu);
}

/* ---- what ends the machine ---- */
static void power_write(void *owner, uint16_t port, unsigned bytes, uint32_t value)
{
	if (port == PM1A_CNT && bytes >= 2 && (value & PM1_SLP_EN) && !(value & PM1_SLP_TYP))
		machine_finish(owner, END_POWER_OFF, 0, "the guest switched the machine off");
}

static uint32_t power_read(void *owner, uint16_t port, unsigned bytes)
{
	return 0;
}

static void exit_written(void *owner, uint32_t status)
{
	machine_finish(owner, END_DEBUG_EXIT, (int)(status & 0xff), "the guest ended with status %u",
		       (unsigned)(status & 0xff));
}

/* Port 92h: A20 and the processor's INIT pin.  INIT leads to the firmware's reset
 * vector; without firmware there is nothing to restart. */
static void a20_changed(void *owner, int input, bool level, uint64_t cause)
{
	struct machine *m = owner;

	mmu_set_a20(&m->cpu.mmu, level);
}

static void init_changed(void *owner, int input, bool level, uint64_t cause)
{
	struct machine *m = owner;

	if (!level)
		return;
	if (m->guest.mode == START_RESET)
		cpu_pulse_init(&m->cpu);
	else
		machine_finish(m, END_RESET, 0, "the guest reset the machine");
}

/* ---- characters ---- */
static void serial_write(void *owner, uint8_t byte)
{
	chardev_write(owner, byte);
}

static int serial_poll(void *owner)
{
	return chardev_take(owner);
}

static bool add_memory(struct machine *m)
{
	uint64_t ram = m->config.ram;
	uint64_t low = ram < VIDEO_START ? ram : VIDEO_START;

	/* Video memory holds what is written; nothing shows it. */
	return bus_add_ram(m->bus, "RAM below 640 KiB", 0, low) &&
	       bus_add_ram(m->bus, "video memory", VIDEO_START, VIDEO_SIZE) &&
	       (ram <= HIGH_START || bus_add_ram(m->bus, "RAM above 1 MiB", HIGH_START, ram - HIGH_START));
}

static bool open_chardevs(struct board *b, const struct board_config *config, struct diagnostic *why)
{
	if (!chardev_open(&b->serial, "-serial", config->serial, why) ||
	    !chardev_open(&b->debug, "-debugcon", config->debugcon, why))
		return false;
	b->debug.in = -1; /* port E9h is for output; input goes to COM1 */
	return true;
}

/* Ports for people and test runners: only where the command line asks for them. */
static bool add_debug_ports(struct machine *m)
{
	struct board *b = &m->board;
	const struct board_config *config = &m->config.board;

	return post_port_init(&b->post, m->bus, NULL, NULL) &&
	       (!config->debugcon ||
		debugcon_init(&b->debugcon, m->bus, DEBUGCON_PORT, DEBUGCON_READBACK, serial_write, &b->debug)) &&
	       (!config->debug_exit || debug_exit_init(&b->debug_exit, m->bus, config->debug_exit_port,
						       config->debug_exit_size, exit_written, m));
}

static bool add_devices(struct machine *m)
{
	struct board *b = &m->board;
	/* Instant: guests that never look whether the transmitter is free lose nothing, as on QEMU. */
	struct uart_backend serial = {serial_write, serial_poll, &b->serial, true};

	return pic_init(&b->pic, m->bus, false) && pit_init(&b->pit, m->bus, &m->clock) &&
	       port61_init(&b->port61, m->bus, &b->pit) && port92_init(&b->port92, m->bus, &m->clock) &&
	       uart_init(&b->com1, m->bus, &m->clock, UART_COM1, 0, "COM1", serial) &&
	       bus_add_ports(m->bus, "PM1a_CNT", PM1A_CNT, 2, (struct port_ops){power_read, power_write}, m) &&
	       bus_add_ports(m->bus, "IGNNE#", FPU_PORT, 1, (struct port_ops){fpu_port_read, fpu_port_write}, m) &&
	       add_debug_ports(m);
}

bool board_init(struct machine *m, struct diagnostic *why)
{
	struct board *b = &m->board;
	const struct board_config *config = &m->config.board;

	b->serial.in = b->debug.in = -1;
	if (!open_chardevs(b, config, why))
		return false;
	if (!add_memory(m) || !add_devices(m))
		return diagnose(why, "out of memory");
	line_connect(pit_line(&b->pit, 0), pic_input, &b->pic, IRQ_TIMER);
	line_connect(&b->com1.irq, pic_input, &b->pic, IRQ_COM1);
	b->fpu_irq.name = "FERR#";
	line_connect(&b->fpu_irq, pic_input, &b->pic, IRQ_FPU);
	m->cpu.ferr_changed = ferr_changed;
	m->cpu.ferr_owner = m;
	line_connect(&b->port61.nmi, nmi_changed, m, 0);
	/* The keyboard controller that would hold A20 high from power-on is not here: port 92h does. */
	bus_port_write(m->bus, PORT92, 1, PORT92_A20);
	line_connect(&b->port92.a20, a20_changed, m, 0);
	line_connect(&b->port92.init, init_changed, m, 0);
	line_connect(pic_intr(&b->pic), pic_changed, m, 0);
	m->cpu.intr = (struct intr_pin){m, intr_pending, intr_acknowledge, intr_why_quiet};
	m->clock.sooner = sooner;
	m->clock.sooner_owner = m;
	if (config->inject) {
		inject_init(&b->inject, &m->clock, config->inject_vector, config->inject_every);
		line_connect(&b->inject.line, inject_changed, m, 0);
	}
	return true;
}

void board_free(struct machine *m)
{
	chardev_close(&m->board.serial);
	chardev_close(&m->board.debug);
}

void board_like_firmware(struct machine *m)
{
	static const struct {
		uint16_t port;
		uint8_t value;
	} writes[] = {
		/* The timer first: ICW1 forgets the edge its output makes on the way. */
		{PIT_PORT + 3, PIT_SELECT(0) | PIT_RW_BOTH | PIT_MODE(3)},
		{PIT_PORT, 0},
		{PIT_PORT, 0},
		{PIC_MASTER_PORT, PIC_ICW1_D4 | PIC_ICW1_IC4},
		{PIC_MASTER_PORT + 1, 0x08},
		{PIC_MASTER_PORT + 1, 1u << PIC_CASCADE_IR},
		{PIC_MASTER_PORT + 1, PIC_ICW4_UPM},
		{PIC_SLAVE_PORT, PIC_ICW1_D4 | PIC_ICW1_IC4},
		{PIC_SLAVE_PORT + 1, 0x70},
		{PIC_SLAVE_PORT + 1, PIC_CASCADE_IR},
		{PIC_SLAVE_PORT + 1, PIC_ICW4_UPM},
		{UART_COM1 + UART_LCR, UART_LCR_DLAB | LCR_8N1}, /* 115200 baud */
		{UART_COM1, 1},
		{UART_COM1 + 1, 0},
		{UART_COM1 + UART_LCR, LCR_8N1},
	};

	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		bus_port_write(m->bus, writes[i].port, 1, writes[i].value);
}

bool board_awaits_input(const struct machine *m)
{
	const struct board *b = &m->board;

	return b->serial.in >= 0 && (b->com1.ier & UART_IER_RX) && (b->com1.mcr & UART_MCR_OUT2);
}

bool board_may_interrupt(const struct machine *m, uint64_t idle)
{
	return board_awaits_input(m) || (clock_deadline(&m->clock) != CLOCK_NEVER && idle < IDLE_LIMIT);
}

void board_poll_input(struct machine *m, uint64_t wait)
{
	if (chardev_fill(&m->board.serial, wait))
		uart_input_ready(&m->board.com1);
}
