/* VGA memory: windows, planes, write and read modes, font uploads. */
#include "vgabed.h"

static void windows_by_the_memory_map(void **state)
{
	static const struct {
		unsigned map;
		uint64_t first, last;
	} row[] = {{0, 0xa0000, 0xbffff}, {1, 0xa0000, 0xaffff}, {2, 0xb0000, 0xb7fff}, {3, 0xb8000, 0xbffff}};
	struct bench *b = open_bench(25);

	set(b, 0x3c4, 4, 0x06); /* sequential */
	set(b, 0x3ce, 5, 0x00);
	set(b, 0x3c4, 2, 0x01);
	for (unsigned i = 0; i < 4; i++) {
		set(b, 0x3ce, 6, row[i].map << 2);
		poke(b, row[i].first, 0x5a);
		assert_int_equal(b->vga.plane[0][0], 0x5a);
		assert_int_equal(peek(b, row[i].first), 0x5a);
		poke(b, row[i].last, 0x77);
		assert_int_equal(peek(b, row[i].last), 0x77);
		for (uint64_t at = 0xa0000; at < 0xc0000; at += 0x8000) {
			if (at + 0x7fff < row[i].first || at > row[i].last) {
				poke(b, at, 0x11);
				assert_int_equal(peek(b, at), 0xff);
			}
		}
		assert_int_equal(b->vga.plane[0][0], 0x5a);
		b->vga.plane[0][0] = 0;
	}
	set(b, 0x3ce, 6, 0x04);
	out8(&b->bed, 0x3c2, 0x65); /* memory off */
	poke(b, 0xa0000, 0x99);
	assert_int_equal(peek(b, 0xa0000), 0xff);
	assert_int_equal(b->vga.plane[0][0], 0);
	close_bench(b);
}

static void text_cells_are_odd_and_even_planes(void **state)
{
	struct bench *b = open_bench(25);

	bus_write(b->bed.bus, 0xb8000, 8, UINT64_C(0x1f441f431f421f41));
	assert_int_equal(b->vga.plane[0][0], 'A');
	assert_int_equal(b->vga.plane[1][0], 0x1f);
	assert_int_equal(b->vga.plane[0][6], 'D');
	assert_int_equal(bus_read(b->bed.bus, 0xb8002, 4), 0x1f431f42);
	assert_int_equal(bus_read(b->bed.bus, 0xb8003, 2), 0x431f);
	assert_true(bus_read(b->bed.bus, 0xb8000, 8) == UINT64_C(0x1f441f431f421f41));
	poke(b, 0xbffff, 0x33); /* the last attribute */
	assert_int_equal(b->vga.plane[1][0x7ffe], 0x33);
	close_bench(b);
}

static void odd_even_in_the_large_window_takes_a16(void **state)
{
	struct bench *b = open_bench(25);

	set(b, 0x3ce, 6, 0x02);
	poke(b, 0xa0004, 0x11);
	poke(b, 0xb0005, 0x22);
	assert_int_equal(b->vga.plane[0][4], 0x11);
	assert_int_equal(b->vga.plane[1][5], 0x22);
	assert_int_equal(peek(b, 0xb0005), 0x22);
	set(b, 0x3ce, 6, 0x0c); /* not chained: A0 stays */
	poke(b, 0xb8007, 0x44);
	assert_int_equal(b->vga.plane[1][7], 0x44);
	close_bench(b);
}

static void planar(struct bench *b, unsigned mode)
{
	set(b, 0x3c4, 4, 0x06);
	set(b, 0x3c4, 2, 0x0f);
	set(b, 0x3ce, 5, mode);
	set(b, 0x3ce, 6, 0x04);
}

static void load_latches(struct bench *b, uint8_t p0, uint8_t p1, uint8_t p2, uint8_t p3)
{
	const uint8_t value[4] = {p0, p1, p2, p3};

	for (unsigned i = 0; i < 4; i++)
		b->vga.plane[i][0x100] = value[i];
	peek(b, 0xa0100);
}

static void expect_planes(struct bench *b, unsigned at, uint8_t p0, uint8_t p1, uint8_t p2, uint8_t p3)
{
	const uint8_t want[4] = {p0, p1, p2, p3};

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(b->vga.plane[i][at], want[i]);
}

static void write_mode_0(void **state)
{
	struct bench *b = open_bench(25);

	planar(b, 0);
	poke(b, 0xa0000, 0x81);
	expect_planes(b, 0, 0x81, 0x81, 0x81, 0x81);
	set(b, 0x3ce, 3, 0x03); /* rotate right by 3 */
	poke(b, 0xa0000, 0x81);
	expect_planes(b, 0, 0x30, 0x30, 0x30, 0x30);
	set(b, 0x3ce, 0, 0x05); /* set/reset in planes 0 and 1 */
	set(b, 0x3ce, 1, 0x03);
	poke(b, 0xa0000, 0x81);
	expect_planes(b, 0, 0xff, 0x00, 0x30, 0x30);
	set(b, 0x3ce, 3, 0x00);
	set(b, 0x3ce, 1, 0x00);
	load_latches(b, 0xf0, 0x0f, 0xaa, 0x55);
	set(b, 0x3ce, 8, 0x3c); /* bit mask: the rest from the latches */
	poke(b, 0xa0000, 0xff);
	expect_planes(b, 0, 0xfc, 0x3f, 0xbe, 0x7d);
	set(b, 0x3ce, 8, 0xff);
	set(b, 0x3ce, 3, 0x08); /* and */
	poke(b, 0xa0000, 0x3c);
	expect_planes(b, 0, 0x30, 0x0c, 0x28, 0x14);
	set(b, 0x3ce, 3, 0x10); /* or */
	poke(b, 0xa0000, 0x3c);
	expect_planes(b, 0, 0xfc, 0x3f, 0xbe, 0x7d);
	set(b, 0x3ce, 3, 0x18); /* exclusive or */
	poke(b, 0xa0000, 0x3c);
	expect_planes(b, 0, 0xcc, 0x33, 0x96, 0x69);
	set(b, 0x3c4, 2, 0x04); /* map mask */
	set(b, 0x3ce, 3, 0x00);
	poke(b, 0xa0000, 0x00);
	expect_planes(b, 0, 0xcc, 0x33, 0x00, 0x69);
	close_bench(b);
}

static void write_modes_1_2_and_3(void **state)
{
	struct bench *b = open_bench(25);

	planar(b, 1);
	load_latches(b, 1, 2, 3, 4);
	poke(b, 0xa0000, 0xee);
	expect_planes(b, 0, 1, 2, 3, 4);
	planar(b, 2);
	set(b, 0x3ce, 8, 0x0f);
	poke(b, 0xa0000, 0x0a);
	expect_planes(b, 0, 0x00, 0x0f, 0x00, 0x0f);
	planar(b, 3);
	set(b, 0x3ce, 0, 0x03);
	set(b, 0x3ce, 3, 0x04);
	load_latches(b, 0, 0, 0xff, 0xff);
	poke(b, 0xa0000, 0x3f); /* rotated: F3h, and the mask: 03h */
	expect_planes(b, 0, 0x03, 0x03, 0xfc, 0xfc);
	close_bench(b);
}

static void read_modes(void **state)
{
	struct bench *b = open_bench(25);

	planar(b, 0);
	load_latches(b, 0x0f, 0x33, 0x55, 0x00);
	for (unsigned i = 0; i < 4; i++) {
		static const uint8_t want[4] = {0x0f, 0x33, 0x55, 0x00};

		set(b, 0x3ce, 4, i);
		assert_int_equal(peek(b, 0xa0100), want[i]);
	}
	planar(b, 0x08);
	set(b, 0x3ce, 2, 0x05); /* wanted: planes 0 and 2 set, 1 and 3 not */
	set(b, 0x3ce, 7, 0x0f);
	assert_int_equal(peek(b, 0xa0100), 0x0f & 0xcc & 0x55);
	set(b, 0x3ce, 7, 0x01);
	assert_int_equal(peek(b, 0xa0100), 0x0f);
	set(b, 0x3ce, 7, 0x00);
	assert_int_equal(peek(b, 0xa0100), 0xff);
	close_bench(b);
}

static void chain_4_spreads_bytes_over_planes(void **state)
{
	struct bench *b = open_bench(25);

	planar(b, 0);
	set(b, 0x3c4, 4, 0x0e);
	bus_write(b->bed.bus, 0xa0008, 4, 0x44332211);
	expect_planes(b, 8, 0x11, 0x22, 0x33, 0x44);
	assert_int_equal(bus_read(b->bed.bus, 0xa0008, 4), 0x44332211);
	close_bench(b);
}

static void font_upload_reaches_plane_2(void **state)
{
	struct bench *b = open_bench(25);

	set(b, 0x3c4, 2, 0x04);
	set(b, 0x3c4, 4, 0x07);
	set(b, 0x3ce, 4, 0x02);
	set(b, 0x3ce, 5, 0x00);
	set(b, 0x3ce, 6, 0x04);
	poke(b, 0xa0000 + 32 * 'A' + 3, 0x99);
	poke(b, 0xa4000 + 32 * 'A' + 3, 0x66);
	assert_int_equal(peek(b, 0xa0000 + 32 * 'A' + 3), 0x99);
	set(b, 0x3c4, 2, 0x03);
	set(b, 0x3c4, 4, 0x02);
	set(b, 0x3ce, 4, 0x00);
	set(b, 0x3ce, 5, 0x10);
	set(b, 0x3ce, 6, 0x0e);
	assert_int_equal(vga_glyph(&b->vga, 'A', 0x07)[3], 0x99);
	assert_int_equal(vga_glyph(&b->vga, 'A', 0x0f)[3], 0x99);
	set(b, 0x3c4, 3, 0x04); /* attribute bit 3: map 1 */
	assert_int_equal(vga_glyph(&b->vga, 'A', 0x07)[3], 0x99);
	assert_int_equal(vga_glyph(&b->vga, 'A', 0x0f)[3], 0x66);
	set(b, 0x3c4, 3, 0x10); /* map 4 at 8 KiB for the others */
	assert_ptr_equal(vga_glyph(&b->vga, 0, 0x07), &b->vga.plane[2][0x2000]);
	assert_int_equal(peek(b, 0xb8000), ' '); /* the text is as it was */
	close_bench(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_by_the_memory_map),
		cmocka_unit_test(text_cells_are_odd_and_even_planes),
		cmocka_unit_test(odd_even_in_the_large_window_takes_a16),
		cmocka_unit_test(write_mode_0),
		cmocka_unit_test(write_modes_1_2_and_3),
		cmocka_unit_test(read_modes),
		cmocka_unit_test(chain_4_spreads_bytes_over_planes),
		cmocka_unit_test(font_upload_reaches_plane_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
