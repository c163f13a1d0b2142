/* All devices wired together as on a board, with nobody but the test to
 * write to them. */
#ifndef TRAPGATE_TESTS_DEVICES_BOARD_H
#define TRAPGATE_TESTS_DEVICES_BOARD_H

#include <stdlib.h>

#include "bed.h"

#include "devices/acpipm.h"
#include "devices/debugport.h"
#include "devices/dma.h"
#include "devices/fwcfg.h"
#include "devices/hpet.h"
#include "devices/hub.h"
#include "devices/i8042.h"
#include "devices/ioapic.h"
#include "devices/pic.h"
#include "devices/pit.h"
#include "devices/port61.h"
#include "devices/port92.h"
#include "devices/rtc.h"
#include "devices/testdev.h"
#include "devices/uart.h"
#include "devices/vga.h"

struct board {
	struct bed bed;
	struct pic_pair pic;
	struct pit pit;
	struct port61 port61;
	struct port92 port92;
	struct rtc rtc;
	struct i8042 kbc;
	struct uart com1, com2;
	struct dma dma;
	struct debugcon con;
	struct debug_exit exit;
	struct post_port post;
	struct testdev test;
	struct irq_hub hub;
	struct apic_bus apics;
	struct ioapic ioapic;
	struct hpet hpet;
	struct acpipm pm;
	struct vga vga;
	struct fwcfg fw;
	uint8_t file[64];  /* a fw_cfg file that may be written */
	int input;         /* next character for COM1, -1: none */
	unsigned console;  /* bytes written to consoles */
	uint64_t vectors;  /* a running hash of what was acknowledged */
};

struct board_range {
	uint64_t first, count;
	bool mmio;
};

static const struct board_range board_ranges[] = {
	{0x00, 0x10, false},  {0x20, 2, false},    {0x40, 4, false},    {0x60, 5, false},
	{0x70, 4, false},     {0x80, 0x13, false}, {0xa0, 2, false},    {0xc0, 0x40, false},
	{0x2f8, 8, false},    {0x3f8, 8, false},   {0x4d0, 2, false},   {0x501, 2, false},
	{0x2000, 24, false},  {TESTDEV_MMIO, 0x10000, true},
	{APIC_BASE, 0x400, true}, {IOAPIC_BASE, 0x50, true},
	{HPET_BASE, 0x180, true}, {0x600, 12, false},
	{0x3b4, 7, false},    {0x3c0, 16, false},  {0x3d4, 7, false},   {VGA_WINDOW, VGA_WINDOW_SIZE, true},
	{0x510, 12, false},
};
#define BOARD_RANGES (sizeof(board_ranges) / sizeof(board_ranges[0]))

static inline void board_byte(void *owner, uint8_t byte)
{
	struct board *b = owner;

	b->console++;
}

static inline void board_exit(void *owner, uint32_t status)
{
}

static inline int board_poll(void *owner)
{
	struct board *b = owner;
	int in = b->input;

	b->input = -1;
	return in;
}

static inline struct board *board_open(void)
{
	struct board *b = calloc(1, sizeof(*b));
	struct bus *bus;

	assert_non_null(b);
	bed_open(&b->bed);
	bus = b->bed.bus;
	b->input = -1;
	assert_non_null(bus_add_ram(bus, "ram", 0, 1 << 20));
	assert_true(pic_init(&b->pic, bus, &b->bed.clock, true));
	assert_true(pit_init(&b->pit, bus, &b->bed.clock));
	assert_true(port61_init(&b->port61, bus, &b->pit));
	assert_true(port92_init(&b->port92, bus, &b->bed.clock));
	assert_true(rtc_init(&b->rtc, bus, &b->bed.clock, 1700000000));
	assert_true(i8042_init(&b->kbc, bus, &b->bed.clock));
	assert_true(uart_init(&b->com1, bus, &b->bed.clock, UART_COM1, 0, "COM1",
			      (struct uart_backend){board_byte, board_poll, b, false}));
	assert_true(uart_init(&b->com2, bus, &b->bed.clock, UART_COM2, 1, "COM2",
			      (struct uart_backend){board_byte, NULL, b, true}));
	assert_true(dma_init(&b->dma, bus));
	assert_true(debugcon_init(&b->con, bus, DEBUGCON_PORT, DEBUGCON_READBACK, board_byte, b));
	assert_true(debug_exit_init(&b->exit, bus, DEBUG_EXIT_PORT, DEBUG_EXIT_SIZE, board_exit, b));
	assert_true(post_port_init(&b->post, bus, NULL, NULL));
	assert_true(testdev_init(&b->test, bus, &b->bed.clock));
	hub_init(&b->hub);
	assert_true(apic_init(&b->apics, bus, &b->bed.clock, 4,
			      &(struct apic_processors){.extint = pic_acknowledge, .extint_device = &b->pic}));
	assert_true(ioapic_init(&b->ioapic, bus, &b->apics, IOAPIC_BASE, IOAPIC_VERSION_EOI));
	line_connect(pic_intr(&b->pic), lapic_lint, &b->apics.apic[0], 0);
	lapic_virtual_wire(&b->apics.apic[0]);
	for (unsigned i = 0; i < 16; i++) {
		assert_true(hub_add_source(&b->hub, i, &b->test.irq[i]));
		assert_true(hub_add_sink(&b->hub, i, pic_input, &b->pic, (int)i));
		assert_true(hub_add_sink(&b->hub, i, ioapic_input, &b->ioapic, i ? (int)i : 2));
	}
	assert_true(hub_add_source(&b->hub, 0, pit_line(&b->pit, 0)));
	assert_true(hub_add_source(&b->hub, 1, &b->kbc.irq1));
	assert_true(hub_add_source(&b->hub, 3, &b->com2.irq));
	assert_true(hub_add_source(&b->hub, 4, &b->com1.irq));
	assert_true(hub_add_source(&b->hub, 8, &b->rtc.irq));
	assert_true(hub_add_source(&b->hub, 12, &b->kbc.irq12));
	assert_true(hpet_init(&b->hpet, bus, &b->bed.clock));
	assert_true(acpipm_init(&b->pm, bus, &b->bed.clock, 0x600, NULL, NULL));
	assert_true(vga_init(&b->vga, bus, &b->bed.clock));
	vga_set_text_mode(&b->vga, 25);
	assert_true(fwcfg_init(&b->fw, bus));
	assert_true(fwcfg_add_writable_file(&b->fw, "opt/file", b->file, sizeof(b->file), NULL, NULL));
	for (unsigned i = 16; i < 24; i++) {
		assert_true(hub_add_source(&b->hub, i, &b->hpet.route[i]));
		assert_true(hub_add_sink(&b->hub, i, ioapic_input, &b->ioapic, (int)i));
	}
	assert_true(hub_add_source(&b->hub, 0, &b->hpet.irq0));
	assert_true(hub_add_source(&b->hub, 8, &b->hpet.irq8));
	assert_true(hub_add_source(&b->hub, 9, &b->pm.sci));
	line_connect(&b->kbc.a20, port92_kbc_a20, &b->port92, 0);
	line_connect(&b->rtc.nmi_off, port61_input, &b->port61, PORT61_IN_NMI_OFF);
	return b;
}

static inline void board_mix(struct board *b, uint64_t value)
{
	b->vectors = (b->vectors ^ value) * UINT64_C(0x100000001b3);
}

static inline void board_acknowledge(struct board *b)
{
	uint64_t cause;

	for (unsigned i = 0; i < b->apics.count; i++) {
		if (lapic_pending(&b->apics.apic[i]))
			board_mix(b, lapic_acknowledge(&b->apics.apic[i], &cause) | cause << 8);
	}
	bus_set_initiator(b->bed.bus, (unsigned)(b->vectors >> 20 & 3));
}

/* What must hold at any time. */
static inline void board_check(struct board *b)
{
	static struct vga_screen screen;
	static uint32_t dots[VGA_MAX_WIDTH];

	vga_screen(&b->vga, &screen);
	assert_true(screen.rows <= VGA_MAX_ROWS && screen.columns <= VGA_MAX_COLUMNS);
	assert_true(screen.width <= VGA_MAX_WIDTH && screen.height <= VGA_MAX_HEIGHT);
	for (unsigned y = 0; y < screen.height; y += 97)
		vga_scan_line(&b->vga, &screen, y, dots);
	assert_true(!screen.cursor.visible || screen.cursor.column < screen.columns);
	assert_true(pic_why_quiet(&b->pic) != NULL);
	for (unsigned i = 0; i < b->apics.count; i++)
		assert_true(lapic_why_quiet(&b->apics.apic[i]) != NULL);
	for (unsigned i = 0; i < IOAPIC_PINS; i++)
		assert_true(ioapic_why_quiet(&b->ioapic, i) != NULL);
	assert_int_equal(b->pit.counter[0].line.level, pit_out(&b->pit, 0) ? 1 : 0);
	assert_true(b->kbc.keyboard.out.count <= PS2_QUEUE && b->kbc.mouse.out.count <= PS2_QUEUE);
	assert_true(b->com1.rx_count <= UART_FIFO && b->com1.tx_count <= UART_FIFO);
	assert_true(b->bed.gaps < 256);
}

static inline uint64_t board_hash(struct board *b)
{
	for (uint64_t i = 0; i < BOARD_RANGES; i++) {
		if (board_ranges[i].mmio)
			continue;
		for (uint64_t port = board_ranges[i].first; port < board_ranges[i].first + board_ranges[i].count; port++)
			board_mix(b, in8(&b->bed, (unsigned)port));
	}
	board_mix(b, b->bed.clock.now);
	board_mix(b, b->bed.clock.next_cause);
	board_mix(b, b->console);
	return b->vectors;
}

static inline void board_close(struct board *b)
{
	bed_close(&b->bed);
	free(b);
}

#endif
