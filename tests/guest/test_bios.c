/* The memory map, and what a BIOS leaves in memory. */
#include "bed.h"

static void ranges_are(unsigned count, const struct memory_range *expected)
{
	assert_int_equal(board.ranges, count);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(board.range[i].start, expected[i].start);
		assert_int_equal(board.range[i].size, expected[i].size);
		assert_int_equal(board.range[i].type, expected[i].type);
	}
}

static void a_part_set_anew_splits_what_stood_there(void **state)
{
	static const struct memory_range split[] = {{0, 0x1000, 1}, {0x1000, 0x1000, 3}, {0x2000, 0x2000, 1}};
	static const struct memory_range over[] = {{0, 0x800, 1}, {0x800, 0x3000, 2}, {0x3800, 0x800, 1}};
	static const struct memory_range joined[] = {{0, 0x4000, 1}, {0x8000, 0x10, 2}};

	board.ranges = 0;
	assert_true(boot_set_range(&board, 0, 0x4000, MEMORY_RAM));
	assert_true(boot_set_range(&board, 0x1000, 0x1000, MEMORY_ACPI));
	ranges_are(3, split);
	assert_true(boot_set_range(&board, 0x800, 0x3000, MEMORY_RESERVED));
	ranges_are(3, over);
	assert_true(boot_set_range(&board, 0x800, 0x3000, MEMORY_RAM));
	assert_true(boot_set_range(&board, 0x8000, 0x10, MEMORY_RESERVED));
	ranges_are(2, joined);
	assert_false(boot_set_range(&board, UINT64_MAX, 2, MEMORY_RAM));
	for (unsigned i = 0; i < BOOT_MAX_RANGES - 2; i++)
		assert_true(boot_set_range(&board, 0x10000 + 0x20 * i, 0x10, MEMORY_NVS));
	assert_false(boot_set_range(&board, 0x100000, 0x10, MEMORY_NVS));
	assert_int_equal(board.ranges, BOOT_MAX_RANGES);
}

static void a_pc_has_ram_around_the_hole_and_above_4_gib(void **state)
{
	static const struct memory_range large[] = {{0, 0x9fc00, 1},
						    {0x9fc00, 0x400, 2},
						    {0xf0000, 0x10000, 2},
						    {0x100000, 0xbff00000, 1},
						    {UINT64_C(1) << 32, 0x40000000, 1}};
	static const struct memory_range small[] = {{0, 0xfc00, 1}, {0xfc00, 0x400, 2}, {0xf0000, 0x10000, 2}};

	assert_true(boot_set_ram(&board, UINT64_C(3) << 30, UINT64_C(1) << 30));
	ranges_are(5, large);
	assert_int_equal(boot_ebda(&board), 0x9fc00);
	assert_int_equal(boot_ram_end(&board, 0x200000), UINT64_C(3) << 30);
	assert_int_equal(boot_ram_end(&board, 0xf0000), 0xf0000);
	assert_true(boot_set_ram(&board, 64 << 10, 0));
	ranges_are(3, small);
	assert_int_equal(boot_ebda(&board), 0xfc00);
}

static void every_vector_ends_in_code_or_is_a_table_or_is_none(void **state)
{
	assert_true(guest_place_bios(bus, &board, &why));
	for (unsigned v = 0; v < 256; v++) {
		uint32_t vector = got(4 * v), linear = (vector >> 16 << 4) + (vector & 0xffff);

		if (v == 0x1d || v == 0x1f || v == 0x41 || v == 0x43 || v == 0x46) {
			assert_int_equal(vector, 0);
			continue;
		}
		assert_int_equal(vector >> 16, 0xf000);
		assert_int_not_equal(bus_read(bus, linear, 1), 0);
		if (v == 0x1e)
			assert_int_equal(bus_read(bus, linear + 3, 2), 0x1202); /* 512 bytes, 18 sectors */
		else if (v < 8 || v == 0x10 || v == 0x80 || v == 0xff)
			assert_int_equal(bus_read(bus, linear, 1), 0xcf);
	}
	assert_int_equal(got(4 * 8), 0xf000fea5);
	assert_int_equal(got(4 * 0x10), 0xf000ff53);
	assert_int_equal(bus_read(bus, 0xffff0, 5), UINT64_C(0xf000e05bea));
	assert_int_equal(bus_read(bus, 0xffffe, 1), 0xfc);
	bus_write(bus, 0xffff0, 4, 0);
	assert_int_equal(bus_read(bus, 0xffff0, 1), 0xea); /* it is a ROM */
}

static void the_data_area_tells_of_the_board(void **state)
{
	board.com[0] = 0x3f8;
	board.com[1] = 0x2f8;
	board.floppies = 2;
	board.disks = 3;
	board.fpu = true;
	board.vga = true;
	board.seconds = 86399;
	assert_true(guest_place_bios(bus, &board, &why));
	assert_int_equal(bus_read(bus, 0x400, 8), 0x2f803f8);
	assert_int_equal(bus_read(bus, 0x408, 4), 0);
	assert_int_equal(bus_read(bus, 0x40e, 2), 0x9fc0);
	assert_int_equal(bus_read(bus, 0x410, 2), 0x0463); /* 2 serial ports, 2 diskettes, 80x25 colour, x87 */
	assert_int_equal(bus_read(bus, 0x413, 2), 639);
	assert_int_equal(bus_read(bus, 0x449, 1), 3);
	assert_int_equal(bus_read(bus, 0x44a, 2), 80);
	assert_int_equal(bus_read(bus, 0x463, 2), 0x3d4);
	assert_int_equal(got(0x46c), 1573024); /* 18.2065 Hz since midnight */
	assert_int_equal(bus_read(bus, 0x475, 1), 3);
	assert_int_equal(bus_read(bus, 0x484, 1), 24);
	assert_int_equal(bus_read(bus, 0x41a, 4), 0x1e001e);
	assert_int_equal(bus_read(bus, 0x480, 4), 0x3e001e);
	assert_int_equal(bus_read(bus, 0x9fc00, 1), 1);
}

static void without_a_board_full_of_things_their_fields_are_zero(void **state)
{
	assert_true(guest_place_bios(bus, &board, &why));
	assert_int_equal(bus_read(bus, 0x400, 8), 0);
	assert_int_equal(bus_read(bus, 0x410, 2), 0);
	assert_int_equal(bus_read(bus, 0x449, 1), 0);
	assert_int_equal(got(0x46c), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_part_set_anew_splits_what_stood_there),
		TEST(a_pc_has_ram_around_the_hole_and_above_4_gib),
		TEST(every_vector_ends_in_code_or_is_a_table_or_is_none),
		TEST(the_data_area_tells_of_the_board),
		TEST(without_a_board_full_of_things_their_fields_are_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
