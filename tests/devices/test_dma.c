/* 8237A pair. */
#include "bed.h"

#include "devices/dma.h"

struct bench {
	struct bed bed;
	struct dma dma;
};

static void open_dma(struct bench *b)
{
	bed_open(&b->bed);
	assert_non_null(bus_add_ram(b->bed.bus, "ram", 0, 1 << 20));
	assert_true(dma_init(&b->dma, b->bed.bus));
}

/* Channel 2 or 5 ready to go: mode, physical address, transfers. */
static void program(struct bench *b, unsigned channel, unsigned mode, uint32_t address, unsigned count)
{
	bool high = channel >= 4;
	unsigned base = high ? DMA_PORT_HIGH : 0, step = high ? 2 : 1, n = channel & 3;
	uint32_t offset = high ? address >> 1 : address;

	out8(&b->bed, DMA_PORT_HIGH + 22, 0xc0); /* channel 4: cascade */
	out8(&b->bed, DMA_PORT_HIGH + 20, 0x00);
	out8(&b->bed, base + 12 * step, 0);
	out8(&b->bed, base + 11 * step, mode | n);
	out8(&b->bed, base + 2 * n * step, offset & 0xff);
	out8(&b->bed, base + 2 * n * step, offset >> 8 & 0xff);
	out8(&b->bed, base + (2 * n + 1) * step, (count - 1) & 0xff);
	out8(&b->bed, base + (2 * n + 1) * step, (count - 1) >> 8);
	out8(&b->bed, channel == 2 ? 0x81 : 0x8b, address >> 16);
	out8(&b->bed, base + 10 * step, n);
}

static void registers_reset_and_access(void **state)
{
	struct bench b;

	open_dma(&b);
	for (unsigned i = 0; i < 2; i++) {
		unsigned base = i ? DMA_PORT_HIGH : 0, step = i ? 2 : 1;

		assert_int_equal(in8(&b.bed, base + 8 * step), 0x00);
		assert_int_equal(in8(&b.bed, base + 13 * step), 0x00);
		assert_int_equal(in8(&b.bed, base + 15 * step), 0x0f);
		assert_int_equal(in8(&b.bed, base + 9 * step), 0xff);
		assert_int_equal(in8(&b.bed, base + 11 * step), 0xff);
		for (unsigned reg = 0; reg < 8; reg++) {
			out8(&b.bed, base + 12 * step, 0);
			out8(&b.bed, base + reg * step, 0x34);
			out8(&b.bed, base + reg * step, 0x12);
			assert_int_equal(in8(&b.bed, base + reg * step), 0x34);
			assert_int_equal(in8(&b.bed, base + reg * step), 0x12);
		}
	}
	for (unsigned port = 0x81; port < 0x90; port++) {
		struct register_row row = {"page", port, 0, 0xff, 0};

		check_register(&b.bed, &row);
	}
	bed_close(&b.bed);
}

static void masks(void **state)
{
	struct bench b;

	open_dma(&b);
	out8(&b.bed, 14, 0);
	assert_int_equal(in8(&b.bed, 15), 0);
	out8(&b.bed, 10, 6);
	assert_int_equal(in8(&b.bed, 15), 4);
	out8(&b.bed, 10, 2);
	assert_int_equal(in8(&b.bed, 15), 0);
	out8(&b.bed, 15, 0xfa);
	assert_int_equal(in8(&b.bed, 15), 0x0a);
	out8(&b.bed, 13, 0); /* master clear */
	assert_int_equal(in8(&b.bed, 15), 0x0f);
	bed_close(&b.bed);
}

static void device_to_memory_until_terminal_count(void **state)
{
	struct bench b;
	uint8_t data[8] = "abcdefgh", seen[8] = {0};
	bool terminal;

	open_dma(&b);
	program(&b, 2, 0x44, 0x12345, 6);
	assert_int_equal(dma_move(&b.dma, 2, data, 4, &terminal), 4);
	assert_false(terminal);
	assert_int_equal(in8(&b.bed, 8) & 0x0f, 0);
	assert_int_equal(dma_move(&b.dma, 2, data + 4, 4, &terminal), 2);
	assert_true(terminal);
	assert_int_equal(dma_move(&b.dma, 2, data, 4, &terminal), 0); /* masked now */
	bus_peek(b.bed.bus, 0x12345, seen, 8);
	assert_memory_equal(seen, "abcdef\0\0", 8);
	dma_set_request(&b.dma, 2, true);
	assert_int_equal(in8(&b.bed, 8), 0x44);
	assert_int_equal(in8(&b.bed, 8), 0x40); /* a read clears TC */
	bed_close(&b.bed);
}

static void memory_to_device_and_verify(void **state)
{
	struct bench b;
	uint8_t data[4] = {0};
	bool terminal;

	open_dma(&b);
	bus_load(b.bed.bus, 0x8000, "wxyz", 4);
	program(&b, 2, 0x48, 0x8000, 4);
	assert_int_equal(dma_move(&b.dma, 2, data, 4, &terminal), 4);
	assert_memory_equal(data, "wxyz", 4);
	program(&b, 2, 0x40, 0x8000, 4);
	memset(data, 7, 4);
	assert_int_equal(dma_move(&b.dma, 2, data, 4, &terminal), 4);
	assert_true(terminal);
	assert_int_equal(data[0], 7);
	bed_close(&b.bed);
}

static void address_wraps_inside_its_page_and_counts_down(void **state)
{
	struct bench b;
	uint8_t data[2] = {1, 2}, seen;
	bool terminal;

	open_dma(&b);
	program(&b, 2, 0x44, 0x1ffff, 2);
	dma_move(&b.dma, 2, data, 2, &terminal);
	bus_peek(b.bed.bus, 0x10000, &seen, 1);
	assert_int_equal(seen, 2);
	program(&b, 2, 0x64, 0x5001, 2);
	dma_move(&b.dma, 2, data, 2, &terminal);
	bus_peek(b.bed.bus, 0x5000, &seen, 1);
	assert_int_equal(seen, 2);
	bed_close(&b.bed);
}

static void autoinitialisation(void **state)
{
	struct bench b;
	uint8_t data[2] = {1, 2};
	bool terminal;

	open_dma(&b);
	program(&b, 2, 0x54, 0x5000, 2);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(dma_move(&b.dma, 2, data, 2, &terminal), 2);
		assert_true(terminal);
	}
	bed_close(&b.bed);
}

static void word_channels(void **state)
{
	struct bench b;
	uint8_t data[4] = "abcd", seen[4];
	bool terminal;

	open_dma(&b);
	program(&b, 5, 0x44, 0x3e000, 2);
	assert_int_equal(dma_move(&b.dma, 5, data, 3, &terminal), 2);
	assert_int_equal(dma_move(&b.dma, 5, data + 2, 2, &terminal), 2);
	assert_true(terminal);
	bus_peek(b.bed.bus, 0x3e000, seen, 4);
	assert_memory_equal(seen, "abcd", 4);
	bed_close(&b.bed);
}

static void controllers_off_move_nothing(void **state)
{
	struct bench b;
	uint8_t data[2] = {0};
	bool terminal;

	open_dma(&b);
	program(&b, 2, 0x44, 0x5000, 2);
	out8(&b.bed, 8, DMA_COMMAND_DISABLE);
	assert_int_equal(dma_move(&b.dma, 2, data, 2, &terminal), 0);
	out8(&b.bed, 8, 0);
	out8(&b.bed, DMA_PORT_HIGH + 20, 4); /* the cascade masked */
	assert_int_equal(dma_move(&b.dma, 2, data, 2, &terminal), 0);
	assert_int_equal(dma_move(&b.dma, 4, data, 2, &terminal), 0);
	bed_close(&b.bed);
}

static void what_is_not_built_is_a_gap(void **state)
{
	struct bench b;

	open_dma(&b);
	out8(&b.bed, 8, DMA_COMMAND_MEMORY);
	out8(&b.bed, 9, 4);
	out8(&b.bed, 9, 5);
	assert_int_equal(b.bed.gaps, 2);
	bed_close(&b.bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_reset_and_access),
		cmocka_unit_test(masks),
		cmocka_unit_test(device_to_memory_until_terminal_count),
		cmocka_unit_test(memory_to_device_and_verify),
		cmocka_unit_test(address_wraps_inside_its_page_and_counts_down),
		cmocka_unit_test(autoinitialisation),
		cmocka_unit_test(word_channels),
		cmocka_unit_test(controllers_off_move_nothing),
		cmocka_unit_test(what_is_not_built_is_a_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
