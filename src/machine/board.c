#include "machine/board.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/model.h"
#include "machine/machine.h"

#define VIDEO_START 0xa0000u
#define UPPER_START 0xc0000u
#define HIGH_START  0x100000u

#define IRQ_TIMER    0
#define IRQ_KEYBOARD 1
#define IRQ_CASCADE  2
#define IRQ_FLOPPY   6
#define IRQ_RTC      8
#define IRQ_MOUSE    12
#define IRQ_FPU      13
#define IRQ_IDE      14
#define FPU_PORT     0xf0

#define LCR_8N1 0x03u /* 16550: eight bits, no parity, one stop bit */

/* Power management as PC firmware sets it up, PM1a_CNT (ACPI, "PM1 Control Registers"):
 * SLP_EN with sleep type 0 is soft-off.  On the PCI board the PIIX4 does this. */
#define PM1A_CNT    (BOARD_PM_BASE + 4u)
#define PM1_SLP_EN  0x2000u
#define PM1_SLP_TYP 0x1c00u

/* Virtual time without any interrupt after which a halted machine is taken for dead although its
 * timers run: they are masked or nobody listens. */
#define IDLE_LIMIT (UINT64_C(1000) * CLOCK_HZ)

/* ---- x87 errors the AT's way (82371SB datasheet, "Coprocessor Error Support"): FERR# sets IRQ 13;
 * a write to port F0h takes it down and asserts IGNNE# until FERR# is gone ---- */
static void ferr_changed(void *owner, bool level)
{
	struct machine *m = owner;

	if (level)
		line_set(&m->board.fpu_irq, true, clock_new_cause(&m->clock));
	else
		m->cpu[0]->ignne = false;
}

static void fpu_port_write(void *owner, uint16_t port, unsigned bytes, uint32_t value)
{
	struct machine *m = owner;

	m->cpu[0]->ignne = m->cpu[0]->ferr;
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

	cpu_request_stop(m->cpu[m->turn]);
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

/* A20, and the processors' INIT pin, which port 92h, the keyboard controller and the PIIX3 pulse. */
static void a20_changed(void *owner, int input, bool level, uint64_t cause)
{
	struct machine *m = owner;

	for (unsigned i = 0; i < m->cpus; i++)
		mmu_set_a20(&m->cpu[i]->mmu, level);
}

static void init_changed(void *owner, int input, bool level, uint64_t cause)
{
	if (level)
		machine_request_reset(owner, false);
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

	return bus_add_ram(m->bus, "RAM below 640 KiB", 0, low) &&
	       (ram <= HIGH_START || bus_add_ram(m->bus, "RAM above 1 MiB", HIGH_START, ram - HIGH_START));
}

static bool open_chardevs(struct board *b, const struct board_config *config, struct diagnostic *why)
{
	for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++)
		if (!chardev_open(&b->serial[i], "-serial", config->serial[i], why))
			return false;
	if (!chardev_open(&b->debug, "-debugcon", config->debugcon, why))
		return false;
	b->debug.in = -1; /* port E9h is for output; input goes to the serial ports */
	return true;
}

/* Ports for people and test runners: only where the command line asks for them. */
static bool add_debug_ports(struct machine *m)
{
	struct board *b = &m->board;
	const struct board_config *config = &m->config.board;

	return post_port_init(&b->post, m->bus, NULL, NULL) &&
	       (!config->debugcon ||
		debugcon_init(&b->debugcon, m->bus, config->debugcon_port ? config->debugcon_port : DEBUGCON_PORT,
			      DEBUGCON_READBACK, serial_write, &b->debug)) &&
	       (!config->testdev || testdev_init(&b->testdev, m->bus, &m->clock)) &&
	       (!config->debug_exit || debug_exit_init(&b->debug_exit, m->bus, config->debug_exit_port,
						       config->debug_exit_size, exit_written, m));
}

static const struct {
	const char *name;
	uint16_t port;
	unsigned irq;
} serial_ports[BOARD_SERIAL_PORTS] = {{"COM1", UART_COM1, 4}, {"COM2", UART_COM2, 3}};

static bool has_serial(const struct machine *m, unsigned i)
{
	return !m->config.bare && (i == 0 || m->config.board.serial[i]);
}

static bool add_serial(struct machine *m, unsigned i)
{
	struct board *b = &m->board;
	/* Instant: guests that never look whether the transmitter is free lose nothing, as on QEMU. */
	struct uart_backend backend = {serial_write, serial_poll, &b->serial[i], true};

	if (!has_serial(m, i))
		return true;
	if (!uart_init(&b->com[i], m->bus, &m->clock, serial_ports[i].port, i, serial_ports[i].name, backend))
		return false;
	return hub_add_source(&b->isa, serial_ports[i].irq, &b->com[i].irq);
}

static bool add_vga(struct machine *m)
{
	if (m->config.board.no_vga)
		return true;
	m->board.vga = malloc(sizeof(*m->board.vga));
	return m->board.vga && vga_init(m->board.vga, m->bus, &m->clock);
}

static bool add_power_port(struct machine *m)
{
	return m->board.has_pci ||
	       bus_add_ports(m->bus, "PM1a_CNT", PM1A_CNT, 2, (struct port_ops){power_read, power_write}, m);
}

static bool add_devices(struct machine *m)
{
	struct board *b = &m->board;

	return pic_init(&b->pic, m->bus, &m->clock, b->has_pci) && pit_init(&b->pit, m->bus, &m->clock) &&
	       port61_init(&b->port61, m->bus, &b->pit) && port92_init(&b->port92, m->bus, &m->clock) &&
	       rtc_init(&b->rtc, m->bus, &m->clock,
			m->config.board.rtc_start ? m->config.board.rtc_start : BOARD_RTC_START) && i8042_init(&b->kbc, m->bus, &m->clock) &&
	       dma_init(&b->dma, m->bus) && fdc_init(&b->fdc, m->bus, &m->clock, &b->dma) &&
	       ide_init(&b->ide, m->bus, &m->clock) && add_serial(m, 0) && add_serial(m, 1) && add_power_port(m) &&
	       bus_add_ports(m->bus, "IGNNE#", FPU_PORT, 1, (struct port_ops){fpu_port_read, fpu_port_write}, m) &&
	       add_vga(m) && add_debug_ports(m);
}

/* ---- interrupt wires ---- */

/* Each ISA interrupt reaches its 8259 input and, IRQ0 moved to 2, the I/O APIC's. */
static void isa_changed(void *owner, int input, bool level, uint64_t cause)
{
	struct machine *m = owner;

	line_set(&m->board.isa_to_input[input], level, cause);
}

static bool add_interrupt_wires(struct machine *m)
{
	struct board *b = &m->board;

	hub_init(&b->isa);
	hub_init(&b->inputs);
	for (unsigned irq = 0; irq < BOARD_ISA_IRQS; irq++) {
		if (irq == IRQ_CASCADE)
			continue;
		b->isa_to_input[irq].name = "ISA interrupt";
		if (!hub_add_source(&b->inputs, irq == IRQ_TIMER ? IRQ_CASCADE : irq, &b->isa_to_input[irq]) ||
		    !hub_add_sink(&b->isa, irq, pic_input, &b->pic, (int)irq) ||
		    !hub_add_sink(&b->isa, irq, isa_changed, m, (int)irq))
			return false;
	}
	return true;
}

/* The HPET in legacy-replacement mode cuts the 8254 and the RTC off (IA-PC HPET Specification, "LegacyReplacement
 * Route"). */
static void timer_changed(void *owner, int input, bool level, uint64_t cause)
{
	struct board *b = owner;
	bool cut = b->hpet.legacy.level;

	line_set(&b->timer_irq, pit_line(&b->pit, 0)->level && !cut, cause);
	line_set(&b->rtc_irq, b->rtc.irq.level && !cut, cause);
}

static bool connect_interrupts(struct machine *m)
{
	struct board *b = &m->board;
	bool ok;

	b->timer_irq.name = "IRQ0";
	b->rtc_irq.name = "IRQ8";
	line_init(&b->fpu_irq, "FERR#", &m->clock);
	ok = hub_add_source(&b->isa, IRQ_TIMER, &b->timer_irq) && hub_add_source(&b->isa, IRQ_RTC, &b->rtc_irq) &&
	     hub_add_source(&b->isa, IRQ_KEYBOARD, &b->kbc.irq1) &&
	     hub_add_source(&b->isa, IRQ_MOUSE, &b->kbc.irq12) && hub_add_source(&b->isa, IRQ_FPU, &b->fpu_irq) &&
	     hub_add_source(&b->isa, IRQ_FLOPPY, &b->fdc.irq);
	line_connect(pit_line(&b->pit, 0), timer_changed, b, 0);
	line_connect(&b->rtc.irq, timer_changed, b, 0);
	line_connect(&b->hpet.legacy, timer_changed, b, 0);
	for (unsigned i = 0; ok && i < 2; i++)
		ok = hub_add_source(&b->isa, IRQ_IDE + i, &b->ide.channel[i].irq);
	for (unsigned i = 0; ok && m->config.board.testdev && i < TESTDEV_IRQS; i++)
		if (i != IRQ_CASCADE)
			ok = hub_add_source(i < BOARD_ISA_IRQS ? &b->isa : &b->inputs, i, &b->testdev.irq[i]);
	return ok;
}

/* Lines that end at the processors, but for their interrupt pins (board_apic.c). */
static void connect_pins(struct machine *m)
{
	struct board *b = &m->board;

	m->cpu[0]->ferr_changed = ferr_changed;
	m->cpu[0]->ferr_owner = m;
	line_connect(&b->rtc.nmi_off, port61_input, &b->port61, PORT61_IN_NMI_OFF);
	line_connect(&b->kbc.a20, port92_kbc_a20, &b->port92, 0);
	line_connect(&b->port92.a20, a20_changed, m, 0);
	line_connect(&b->kbc.reset, init_changed, m, 0);
	line_connect(&b->port92.init, init_changed, m, 0);
}

/* Memory from address 0 on and nothing else. */
static bool init_bare(struct machine *m, struct diagnostic *why)
{
	return m->config.ram == 0 || bus_add_ram(m->bus, "RAM", 0, m->config.ram) || diagnose(why, "out of memory");
}

bool board_init(struct machine *m, struct diagnostic *why)
{
	struct board *b = &m->board;
	const struct board_config *config = &m->config.board;

	b->debug.in = -1;
	for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++)
		b->serial[i].in = -1;
	for (unsigned i = 0; i < BOARD_MAX_DRIVES; i++)
		b->disk[i].fd = -1;
	m->clock.sooner = sooner;
	m->clock.sooner_owner = m;
	if (m->config.bare)
		return init_bare(m, why);
	b->has_pci = config->kind == BOARD_PC;
	b->has_apic = b->has_pci && model_has(m->cpu[0]->model, FEAT_1_EDX, F1D_APIC);
	if (m->cpus > 1 && !b->has_apic)
		return diagnose(why, "-smp %u: %s has no local APIC: one processor", m->cpus,
				b->has_pci ? "this processor model" : "the isapc board");
	if (config->pci_testdev && !b->has_pci)
		return diagnose(why, "pci-testdev needs PCI, which the isapc board has not");
	if (!open_chardevs(b, config, why))
		return false;
	if (!add_interrupt_wires(m) || !add_memory(m) || !add_devices(m) || !board_add_apics(m) ||
	    !connect_interrupts(m) || (b->has_pci && !board_add_pci(m)))
		return diagnose(why, "out of memory");
	rtc_set_memory(&b->rtc, m->config.ram, 0);
	connect_pins(m);
	board_connect_processors(m);
	return board_add_drives(m, why) && board_add_firmware(m, why);
}

void board_reset(struct machine *m)
{
	struct board *b = &m->board;

	pic_reset(&b->pic);
	pit_reset(&b->pit);
	port61_reset(&b->port61);
	port92_reset(&b->port92);
	rtc_reset(&b->rtc);
	i8042_reset(&b->kbc);
	dma_reset(&b->dma);
	fdc_reset(&b->fdc);
	ide_reset(&b->ide);
	for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++)
		if (has_serial(m, i))
			uart_reset(&b->com[i]);
	if (b->vga)
		vga_reset(b->vga);
	fwcfg_reset(&b->fwcfg);
	if (b->has_pci)
		pci_reset(&b->pci);
	if (b->has_apic) {
		apic_reset(&b->apics);
		ioapic_reset(&b->ioapic);
		hpet_reset(&b->hpet);
	}
	if (m->config.board.testdev)
		testdev_reset(&b->testdev);
}

void board_free(struct machine *m)
{
	for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++)
		chardev_close(&m->board.serial[i]);
	chardev_close(&m->board.debug);
	for (unsigned i = 0; i < BOARD_MAX_DRIVES; i++)
		disk_close(&m->board.disk[i]);
	free(m->board.vga);
	free(m->board.vga_firmware);
	free(m->board.linux_kernel);
	free(m->board.linux_initrd);
	free(m->board.linux_rom);
	for (unsigned i = 0; i < BOARD_MAX_ITEMS; i++)
		free(m->board.item[i]);
}

/* 115200 baud, 8N1. */
static void set_up_serial(struct machine *m, uint16_t port)
{
	bus_port_write(m->bus, port + UART_LCR, 1, UART_LCR_DLAB | LCR_8N1);
	bus_port_write(m->bus, port, 1, 1);
	bus_port_write(m->bus, port + 1, 1, 0);
	bus_port_write(m->bus, port + UART_LCR, 1, LCR_8N1);
}

void board_like_firmware(struct machine *m, uint32_t ebda)
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
		/* Open: timer, keyboard, cascade, floppy; clock, mouse, x87, the first IDE channel. */
		{PIC_MASTER_PORT + 1, 0xb8},
		{PIC_SLAVE_PORT + 1, 0x8e},
		/* A20 by port 92h alone, so that a guest may still switch it off there. */
		{PORT92, PORT92_A20},
		{I8042_COMMAND, I8042_WRITE_OUTPUT},
		{I8042_DATA, I8042_OUT_RESET},
		{I8042_COMMAND, I8042_WRITE_CB},
		{I8042_DATA, I8042_CB_TRANSLATE | I8042_CB_AUX_DISABLE | I8042_CB_SYS | I8042_CB_INT},
	};

	i8042_self_tests_done(&m->board.kbc);
	if (m->board.vga)
		vga_set_text_mode(m->board.vga, 25);
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		bus_port_write(m->bus, writes[i].port, 1, writes[i].value);
	for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++)
		if (has_serial(m, i))
			set_up_serial(m, serial_ports[i].port);
	if (m->board.has_apic)
		lapic_virtual_wire(&m->board.apics.apic[0]);
	if (m->board.has_pci)
		board_pci_like_firmware(m);
	board_memory_types(m);
	board_write_tables(m, ebda);
}

static bool port_awaits_input(const struct board *b, unsigned i)
{
	return b->serial[i].in >= 0 && (b->com[i].ier & UART_IER_RX) && (b->com[i].mcr & UART_MCR_OUT2);
}

bool board_awaits_input(const struct machine *m)
{
	return port_awaits_input(&m->board, 0) || port_awaits_input(&m->board, 1);
}

static bool port_listens(const struct board *b, unsigned i)
{
	return port_awaits_input(b, i) || (b->serial[i].in >= 0 && uart_is_looked_at(&b->com[i]));
}

bool board_listens(const struct machine *m)
{
	return port_listens(&m->board, 0) || (has_serial(m, 1) && port_listens(&m->board, 1));
}

bool board_may_interrupt(const struct machine *m, uint64_t idle)
{
	return board_awaits_input(m) || console_may_interrupt(m) ||
	       (clock_deadline(&m->clock) != CLOCK_NEVER && idle < IDLE_LIMIT);
}

bool board_input_waits(struct machine *m)
{
	for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++)
		if (port_awaits_input(&m->board, i) && chardev_fill(&m->board.serial[i], 0))
			return true;
	return false;
}

void board_poll_input(struct machine *m, uint64_t wait)
{
	for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++)
		if (has_serial(m, i) && chardev_fill(&m->board.serial[i], i == 0 ? wait : 0))
			uart_input_ready(&m->board.com[i]);
}

bool board_flush(struct machine *m)
{
	struct board *b = &m->board;

	for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++) {
		if (has_serial(m, i))
			uart_flush(&b->com[i]);
		chardev_flush(&b->serial[i]);
	}
	chardev_flush(&b->debug);
	for (unsigned i = 0; i < m->config.board.drives; i++)
		if (b->disk[i].fd >= 0)
			disk_flush(&b->disk[i]);
	return !b->serial[0].failed && !b->serial[1].failed && !b->debug.failed;
}
