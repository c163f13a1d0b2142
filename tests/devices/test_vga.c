/* VGA: registers, timing, and the text picture. */
#include "vgabed.h"

#include "devices/font.h"

/* ---- registers ---- */
static void indexed_registers_reset_and_access(void **state)
{
	static const struct {
		unsigned port, index, writable;
	} row[] = {
		{0x3c4, 0, 0x03}, {0x3c4, 1, 0x3d}, {0x3c4, 2, 0x0f}, {0x3c4, 3, 0x3f}, {0x3c4, 4, 0x0e},
		{0x3c4, 5, 0x00}, {0x3c4, 7, 0x00}, {0x3ce, 0, 0x0f}, {0x3ce, 1, 0x0f}, {0x3ce, 2, 0x0f},
		{0x3ce, 3, 0x1f}, {0x3ce, 4, 0x03}, {0x3ce, 5, 0x7b}, {0x3ce, 6, 0x0f}, {0x3ce, 7, 0x0f},
		{0x3ce, 8, 0xff}, {0x3ce, 9, 0x00}, {0x3ce, 15, 0x00}, {0x3d4, 0x00, 0xff}, {0x3d4, 0x01, 0xff},
		{0x3d4, 0x02, 0xff}, {0x3d4, 0x03, 0xff}, {0x3d4, 0x04, 0xff}, {0x3d4, 0x05, 0xff},
		{0x3d4, 0x06, 0xff}, {0x3d4, 0x07, 0xff}, {0x3d4, 0x08, 0x7f}, {0x3d4, 0x09, 0xff},
		{0x3d4, 0x0a, 0x3f}, {0x3d4, 0x0b, 0x7f}, {0x3d4, 0x0c, 0xff}, {0x3d4, 0x0d, 0xff},
		{0x3d4, 0x0e, 0xff}, {0x3d4, 0x0f, 0xff}, {0x3d4, 0x10, 0xff}, {0x3d4, 0x12, 0xff},
		{0x3d4, 0x13, 0xff}, {0x3d4, 0x14, 0x7f}, {0x3d4, 0x15, 0xff}, {0x3d4, 0x16, 0xff},
		{0x3d4, 0x17, 0xef}, {0x3d4, 0x18, 0xff}, {0x3d4, 0x19, 0x00}, {0x3d4, 0x1f, 0x00},
	};
	struct bench *b = open_bench(0);

	out8(&b->bed, 0x3c2, VGA_MISC_COLOR);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(get(b, row[i].port, row[i].index), 0);
		for (unsigned v = 0; v < 256; v++) {
			set(b, row[i].port, row[i].index, v);
			assert_int_equal(get(b, row[i].port, row[i].index), v & row[i].writable);
		}
		set(b, row[i].port, row[i].index, 0);
	}
	set(b, 0x3d4, 0x11, 0x6f);
	assert_int_equal(get(b, 0x3d4, 0x11), 0x6f);
	out8(&b->bed, 0x3c4, 0xff); /* indices have 3, 4 and 5 bits */
	out8(&b->bed, 0x3ce, 0xff);
	out8(&b->bed, 0x3d4, 0xff);
	assert_int_equal(in8(&b->bed, 0x3c4), 0x07);
	assert_int_equal(in8(&b->bed, 0x3ce), 0x0f);
	assert_int_equal(in8(&b->bed, 0x3d4), 0x1f);
	close_bench(b);
}

static void general_registers_reset_and_access(void **state)
{
	struct bench *b = open_bench(0);

	assert_int_equal(in8(&b->bed, 0x3c3), 0x01);
	assert_int_equal(in8(&b->bed, 0x3cc), 0x00);
	assert_int_equal(in8(&b->bed, 0x3ca), 0x00);
	assert_int_equal(in8(&b->bed, 0x3c2), 0x10);
	assert_int_equal(in8(&b->bed, 0x3c6), 0x00);
	assert_int_equal(in8(&b->bed, 0x3c7), 0x00);
	assert_int_equal(in8(&b->bed, 0x3cb), 0xff);
	assert_int_equal(in8(&b->bed, 0x3cd), 0xff);
	out8(&b->bed, 0x3c2, 0xff);
	assert_int_equal(in8(&b->bed, 0x3cc), 0xef);
	out8(&b->bed, 0x3da, 0xff);
	assert_int_equal(in8(&b->bed, 0x3ca), 0x08);
	out8(&b->bed, 0x3c6, 0xa5);
	assert_int_equal(in8(&b->bed, 0x3c6), 0xa5);
	out8(&b->bed, 0x3c3, 0x00); /* off: nothing but 3C3h answers */
	assert_int_equal(in8(&b->bed, 0x3cc), 0xff);
	assert_int_equal(in8(&b->bed, 0x3da), 0xff);
	out8(&b->bed, 0x3c2, 0x00);
	assert_int_equal(peek(b, 0xa0000), 0xff);
	out8(&b->bed, 0x3c3, 0xff);
	assert_int_equal(in8(&b->bed, 0x3c3), 0x01);
	assert_int_equal(in8(&b->bed, 0x3cc), 0xef);
	close_bench(b);
}

static void crtc_is_at_3bx_or_3dx(void **state)
{
	struct bench *b = open_bench(0);

	set(b, 0x3b4, 0x0e, 0x12);
	assert_int_equal(get(b, 0x3b4, 0x0e), 0x12);
	assert_int_equal(get(b, 0x3d4, 0x0e), 0xff);
	assert_int_not_equal(in8(&b->bed, 0x3ba), 0xff);
	assert_int_equal(in8(&b->bed, 0x3da), 0xff);
	out8(&b->bed, 0x3c2, VGA_MISC_COLOR);
	assert_int_equal(get(b, 0x3d4, 0x0e), 0x12);
	assert_int_equal(get(b, 0x3b4, 0x0e), 0xff);
	assert_int_equal(in8(&b->bed, 0x3d8), 0xff); /* the CGA's are write only */
	assert_int_equal(in8(&b->bed, 0x3d9), 0xff);
	close_bench(b);
}

static void index_and_data_in_one_access(void **state)
{
	struct bench *b = open_bench(25);

	bus_port_write(b->bed.bus, 0x3d4, 2, 0x340f);
	bus_port_write(b->bed.bus, 0x3c4, 2, 0x0203);
	bus_port_write(b->bed.bus, 0x3ce, 2, 0xf008);
	assert_int_equal(get(b, 0x3d4, 0x0f), 0x34);
	assert_int_equal(get(b, 0x3c4, 3), 0x02);
	assert_int_equal(get(b, 0x3ce, 8), 0xf0);
	out8(&b->bed, 0x3d4, 0x0f);
	assert_int_equal(bus_port_read(b->bed.bus, 0x3d4, 2), 0x340f);
	assert_int_equal(bus_port_read(b->bed.bus, 0x3d4, 4), 0xffff340f);
	close_bench(b);
}

static void protect_bit_locks_cr0_to_cr7_but_for_the_line_compare(void **state)
{
	struct bench *b = open_bench(0);

	out8(&b->bed, 0x3c2, VGA_MISC_COLOR);
	set(b, 0x3d4, 0x07, 0x21);
	set(b, 0x3d4, 0x11, 0x8e);
	for (unsigned i = 0; i < 7; i++) {
		set(b, 0x3d4, i, 0x55);
		assert_int_equal(get(b, 0x3d4, i), 0);
	}
	set(b, 0x3d4, 0x07, 0xde);
	assert_int_equal(get(b, 0x3d4, 0x07), 0x31);
	set(b, 0x3d4, 0x07, 0xce);
	assert_int_equal(get(b, 0x3d4, 0x07), 0x21);
	set(b, 0x3d4, 0x11, 0x0e);
	set(b, 0x3d4, 0x00, 0x55);
	assert_int_equal(get(b, 0x3d4, 0x00), 0x55);
	close_bench(b);
}

static void attribute_controller_takes_index_and_data_by_turns(void **state)
{
	static const struct {
		unsigned index, writable;
	} row[] = {{0x00, 0x3f}, {0x0f, 0x3f}, {0x11, 0xff}, {0x12, 0x3f}, {0x13, 0x0f}, {0x14, 0x0f}, {0x15, 0x00}};
	struct bench *b = open_bench(0);

	out8(&b->bed, 0x3c2, VGA_MISC_COLOR);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(get_ac(b, row[i].index), 0);
		for (unsigned v = 0; v < 256; v++) {
			set_ac(b, row[i].index, v);
			assert_int_equal(get_ac(b, row[i].index), v & row[i].writable);
		}
	}
	set_ac(b, 0x10, 0xfe);
	assert_int_equal(get_ac(b, 0x10), 0xee);
	in8(&b->bed, 0x3da);
	out8(&b->bed, 0x3c0, 0x31);
	assert_int_equal(in8(&b->bed, 0x3c0), 0x31);
	out8(&b->bed, 0x3c1, 0x77); /* read only */
	out8(&b->bed, 0x3c0, 0x42);
	assert_int_equal(get_ac(b, 0x31), 0x42);
	set_ac(b, 0x20, 0x15); /* the palette belongs to the picture: locked */
	assert_int_equal(get_ac(b, 0x00), 0x3f);
	close_bench(b);
}

static void dac_counts_through_its_entries(void **state)
{
	struct bench *b = open_bench(0);

	out8(&b->bed, 0x3c8, 0xfe);
	assert_int_equal(in8(&b->bed, 0x3c7), 0);
	for (unsigned i = 0; i < 9; i++)
		out8(&b->bed, 0x3c9, 0xc0 | (i + 1)); /* 6 bits */
	assert_int_equal(in8(&b->bed, 0x3c8), 0x01);
	out8(&b->bed, 0x3c7, 0xfe);
	assert_int_equal(in8(&b->bed, 0x3c7), 3);
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(in8(&b->bed, 0x3c9), i + 1);
	out8(&b->bed, 0x3c8, 0x10); /* two of three change nothing */
	out8(&b->bed, 0x3c9, 0x3f);
	out8(&b->bed, 0x3c9, 0x3f);
	out8(&b->bed, 0x3c7, 0x10);
	assert_int_equal(in8(&b->bed, 0x3c9), 0);
	close_bench(b);
}

/* ---- timing ---- */
static void retrace_follows_the_crtc(void **state)
{
	struct bench *b = open_bench(25);
	unsigned frames = 0, display = 0, retrace = 0;
	/* 28.322 MHz, 900 dots, 449 lines: 70.09 frames a second */
	const uint64_t line = UINT64_C(900) * CLOCK_HZ / 28322000;
	uint8_t last = VGA_STATUS_RETRACE;

	for (uint64_t t = 0; t < CLOCK_HZ; t += 997) {
		uint8_t now;

		run_to(&b->bed, t);
		now = in8(&b->bed, 0x3da);
		assert_int_equal(now & 0xf6, 0);
		frames += (now & ~last & VGA_STATUS_RETRACE) != 0;
		retrace += (now & VGA_STATUS_RETRACE) != 0;
		display += !(now & VGA_STATUS_BLANK);
		if (now & VGA_STATUS_RETRACE)
			assert_true(now & VGA_STATUS_BLANK);
		last = now;
	}
	assert_int_equal(frames, 70);
	/* display 720 of 900 dots in 400 of 449 lines, retrace 2 lines */
	assert_in_range(display * 1000u / (CLOCK_HZ / 997), 711, 715);
	assert_in_range(retrace * 100000u / (CLOCK_HZ / 997), 435, 456);
	assert_true(vga_beam(&b->vga, 412 * line + line / 2).retrace);
	assert_true(vga_beam(&b->vga, 413 * line + line / 2).retrace);
	assert_false(vga_beam(&b->vga, 411 * line + line / 2).retrace);
	assert_false(vga_beam(&b->vga, 414 * line + line / 2).retrace);
	close_bench(b);
}

static void any_timing_gives_a_status(void **state)
{
	struct bench *b = open_bench(0);
	uint64_t seed = 1;

	out8(&b->bed, 0x3c2, VGA_MISC_COLOR);
	for (unsigned i = 0; i < 20000; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		set(b, seed & 0x100 ? 0x3d4 : 0x3c4, seed >> 16 & 0x1f, (seed >> 32 & 0xff & 0x6f));
		run_for(&b->bed, seed >> 48);
		assert_int_equal(in8(&b->bed, 0x3da) & 0xf6, 0);
		out8(&b->bed, 0x3c2, (seed >> 40 & 0xff) | 1);
		if (i % 64 == 0)
			look(b);
		out8(&b->bed, 0x3c2, VGA_MISC_COLOR);
	}
	b->bed.gaps = 0;
	close_bench(b);
}

/* ---- the picture ---- */
static void mode_3_is_80_by_25(void **state)
{
	struct bench *b = open_bench(25);
	struct vga_screen *s;

	print(b, 80 * 2 + 5, "Hello");
	poke(b, 0xb8000 + 2 * (80 * 2 + 5) + 1, 0x1e);
	s = look(b);
	assert_true(s->on);
	assert_false(s->graphics);
	assert_false(s->clipped);
	assert_int_equal(s->rows, 25);
	assert_int_equal(s->columns, 80);
	assert_int_equal(s->cell_width, 9);
	assert_int_equal(s->cell_height, 16);
	assert_int_equal(s->scan_repeat, 1);
	assert_int_equal(s->pan, 0);
	assert_true(s->blink && s->line_graphics);
	assert_int_equal(s->cell[2][5].character, 'H');
	assert_int_equal(s->cell[2][5].attribute, 0x1e);
	assert_int_equal(s->cell[2][9].character, 'o');
	assert_int_equal(s->cell[24][79].character, ' ');
	assert_true(s->cursor.visible);
	assert_int_equal(s->cursor.row, 0);
	assert_int_equal(s->cursor.column, 0);
	assert_int_equal(s->cursor.first, 13);
	assert_int_equal(s->cursor.last, 14);
	close_bench(b);
}

static void mode_3_with_8_line_characters_is_80_by_50(void **state)
{
	struct bench *b = open_bench(50);
	struct vga_screen *s;

	print(b, 80 * 49 + 79, "#");
	s = look(b);
	assert_int_equal(s->rows, 50);
	assert_int_equal(s->columns, 80);
	assert_int_equal(s->cell_height, 8);
	assert_int_equal(s->cell[49][79].character, '#');
	set(b, 0x3d4, 9, 0xc7); /* each line twice: 25 rows again */
	s = look(b);
	assert_int_equal(s->rows, 25);
	assert_int_equal(s->scan_repeat, 2);
	close_bench(b);
}

static void colors_come_through_palette_and_dac(void **state)
{
	struct bench *b = open_bench(25);
	struct vga_screen *s = look(b);

	assert_int_equal(s->color[0], 0x000000);
	assert_int_equal(s->color[1], 0x0000aa);
	assert_int_equal(s->color[6], 0xaa5500); /* brown */
	assert_int_equal(s->color[7], 0xaaaaaa);
	assert_int_equal(s->color[8], 0x555555);
	assert_int_equal(s->color[15], 0xffffff);
	out8(&b->bed, 0x3c8, 0x3f);
	out8(&b->bed, 0x3c9, 0x3f);
	out8(&b->bed, 0x3c9, 0x00);
	out8(&b->bed, 0x3c9, 0x20);
	assert_int_equal(look(b)->color[15], 0xff0082);
	out8(&b->bed, 0x3c6, 0x07); /* the mask: entries 0-7 only */
	assert_int_equal(look(b)->color[9], 0x0000aa);
	out8(&b->bed, 0x3c6, 0xff);
	set_ac(b, 0x32, 0x07); /* plane 3 off */
	assert_int_equal(look(b)->color[9], 0x0000aa);
	set_ac(b, 0x34, 0x04); /* entries 64-127 */
	assert_int_equal(look(b)->color[7], 0);
	set_ac(b, 0x34, 0x03);
	set_ac(b, 0x30, 0x8c); /* bits 5-4 from color select */
	assert_int_equal(look(b)->color[7], 0xffffaa); /* 37h */
	assert_int_equal(look(b)->color[4], 0xff5500); /* 34h */
	close_bench(b);
}

static void cursor_place_and_shape(void **state)
{
	struct bench *b = open_bench(25);
	struct vga_screen *s;

	set(b, 0x3d4, 0x0e, (24 * 80 + 79) >> 8);
	set(b, 0x3d4, 0x0f, (24 * 80 + 79) & 0xff);
	set(b, 0x3d4, 0x0a, 0);
	set(b, 0x3d4, 0x0b, 15);
	s = look(b);
	assert_true(s->cursor.visible);
	assert_int_equal(s->cursor.row, 24);
	assert_int_equal(s->cursor.column, 79);
	assert_int_equal(s->cursor.first, 0);
	assert_int_equal(s->cursor.last, 15);
	set(b, 0x3d4, 0x0b, 0x3f); /* a column to the right: off the picture */
	assert_false(look(b)->cursor.visible);
	set(b, 0x3d4, 0x0f, (24 * 80 + 78) & 0xff);
	s = look(b);
	assert_int_equal(s->cursor.column, 79);
	assert_int_equal(s->cursor.last, 15); /* no further than the cell */
	set(b, 0x3d4, 0x0a, 0x20);
	assert_false(look(b)->cursor.visible);
	set(b, 0x3d4, 0x0a, 0x0e);
	set(b, 0x3d4, 0x0b, 0x0d); /* ends before it starts */
	assert_false(look(b)->cursor.visible);
	set(b, 0x3d4, 0x0b, 0x0f);
	assert_true(look(b)->cursor.visible);
	set(b, 0x3d4, 0x0e, 0xff); /* elsewhere in memory */
	assert_false(look(b)->cursor.visible);
	close_bench(b);
}

static void cursor_and_attributes_blink_by_frames(void **state)
{
	struct bench *b = open_bench(25);
	const uint64_t frame = UINT64_C(900) * 449 * CLOCK_HZ / 28322000;

	for (unsigned i = 0; i < 64; i++) {
		run_to(&b->bed, frame * i + frame / 2);
		look(b);
		assert_int_equal(b->screen.cursor_shown, !(i / 8 & 1));
		assert_int_equal(b->screen.blink_shown, !(i / 16 & 1));
	}
	set_ac(b, 0x30, 0x04);
	assert_false(look(b)->blink);
	close_bench(b);
}

static void start_address_byte_panning_and_split(void **state)
{
	struct bench *b = open_bench(25);
	struct vga_screen *s;

	print(b, 0, "zero");
	print(b, 80, "eighty");
	set(b, 0x3d4, 0x0d, 80);
	s = look(b);
	assert_int_equal(s->cell[0][0].character, 'e');
	assert_false(s->cursor.visible);
	set(b, 0x3d4, 0x08, 0x40); /* two bytes */
	assert_int_equal(look(b)->cell[0][0].character, 'g');
	set(b, 0x3d4, 0x08, 0x05); /* five scan lines up: a part of a 26th row */
	s = look(b);
	assert_int_equal(s->first_scan, 5);
	assert_int_equal(s->rows, 26);
	set(b, 0x3d4, 0x08, 0x00);
	set(b, 0x3d4, 0x18, 159); /* from scan line 160 on: address 0 */
	set(b, 0x3d4, 0x07, 0x0f);
	set(b, 0x3d4, 0x09, 0x0f);
	s = look(b);
	assert_int_equal(s->cell[9][0].character, ' ');
	assert_int_equal(s->cell[10][0].character, 'z');
	assert_int_equal(s->cell[11][0].character, 'e');
	assert_true(s->cursor.visible);
	assert_int_equal(s->cursor.row, 10);
	set(b, 0x3d4, 0x13, 80); /* rows 160 characters apart */
	s = look(b);
	assert_int_equal(s->cell[10][0].character, 'z');
	assert_int_equal(s->cell[11][0].character, ' ');
	close_bench(b);
}

static void address_counter_modes(void **state)
{
	struct bench *b = open_bench(25);

	for (unsigned i = 0; i < 32; i++)
		b->vga.plane[0][i] = (uint8_t)('A' + i);
	assert_int_equal(look(b)->cell[0][3].character, 'A' + 6); /* words */
	set(b, 0x3d4, 0x17, 0xe3);
	assert_int_equal(look(b)->cell[0][3].character, 'A' + 3); /* bytes */
	set(b, 0x3d4, 0x14, 0x5f);
	assert_int_equal(look(b)->cell[0][3].character, 'A' + 12); /* double words */
	close_bench(b);
}

static void what_switches_the_picture_off(void **state)
{
	struct bench *b = open_bench(25);

	set(b, 0x3c4, 1, 0x20);
	assert_false(look(b)->on);
	set(b, 0x3c4, 1, 0x00);
	assert_true(look(b)->on);
	set(b, 0x3c4, 0, 0x01);
	assert_false(look(b)->on);
	set(b, 0x3c4, 0, 0x03);
	in8(&b->bed, 0x3da);
	out8(&b->bed, 0x3c0, 0x00);
	assert_false(look(b)->on);
	in8(&b->bed, 0x3da);
	out8(&b->bed, 0x3c0, 0x20);
	assert_true(look(b)->on);
	set(b, 0x3d4, 0x17, 0x23);
	assert_false(look(b)->on);
	set(b, 0x3d4, 0x17, 0xa3);
	out8(&b->bed, 0x3d8, 0x21); /* the CGA's enable bit */
	assert_false(look(b)->on);
	out8(&b->bed, 0x3d8, 0x29);
	assert_true(look(b)->on);
	close_bench(b);
}

static void cga_registers_set_blink_and_border(void **state)
{
	struct bench *b = open_bench(25);

	out8(&b->bed, 0x3d8, 0x09);
	assert_false(look(b)->blink);
	assert_int_equal(get_ac(b, 0x30), 0x04);
	out8(&b->bed, 0x3d8, 0x29);
	assert_true(look(b)->blink);
	out8(&b->bed, 0x3d9, 0x34);
	assert_int_equal(look(b)->border, 0xaa0000);
	assert_int_equal(b->bed.gaps, 0);
	out8(&b->bed, 0x3d8, 0x2a);
	assert_int_equal(b->bed.gaps, 1);
	b->bed.gaps = 0;
	close_bench(b);
}

static void graphics_has_no_rows(void **state)
{
	struct bench *b = open_bench(25);

	set_ac(b, 0x30, 0x01);
	assert_true(look(b)->graphics);
	assert_int_equal(b->screen.rows, 0);
	assert_int_equal(vga_screen_text(&b->screen, NULL, 0), 0);
	set_ac(b, 0x30, 0x0c);
	assert_int_equal(look(b)->rows, 25);
	close_bench(b);
}

static void retrace_interrupt_is_a_gap(void **state)
{
	struct bench *b = open_bench(25);

	set(b, 0x3d4, 0x11, 0x90);
	assert_int_equal(b->bed.gaps, 1);
	b->bed.gaps = 0;
	close_bench(b);
}

static void text_dump_is_utf_8_without_trailing_blanks(void **state)
{
	struct bench *b = open_bench(25);
	char text[4096], few[6];
	size_t length;

	print(b, 0, "plain");
	print(b, 80, "\x82\xdb\x01\xff\x00");
	print(b, 80 * 24 + 78, "x");
	length = vga_screen_text(look(b), text, sizeof(text));
	assert_int_equal(length, strlen(text));
	assert_int_equal(strncmp(text, "plain\n\xc3\xa9\xe2\x96\x88\xe2\x98\xba\n\n", 15), 0);
	assert_string_equal(text + length - 80, "                                                               "
						"               x\n");
	assert_int_equal(vga_screen_text(&b->screen, few, sizeof(few)), length);
	assert_string_equal(few, "plain");
	close_bench(b);
}

static void code_page_437(void **state)
{
	static const struct {
		uint8_t c;
		unsigned unicode;
	} row[] = {
		{0x00, ' '}, {0x0a, 0x25d9}, {0x1f, 0x25bc}, {0x20, ' '}, {0x7e, '~'}, {0x7f, 0x2302}, {0x80, 0xc7},
		{0x9e, 0x20a7}, {0xb0, 0x2591}, {0xb3, 0x2502}, {0xc4, 0x2500}, {0xcd, 0x2550}, {0xda, 0x250c},
		{0xdb, 0x2588}, {0xdf, 0x2580}, {0xe0, 0x3b1}, {0xe1, 0xdf}, {0xf8, 0xb0}, {0xfe, 0x25a0}, {0xff, ' '},
	};

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(vga_unicode(row[i].c), row[i].unicode);
	for (unsigned a = 1; a < 255; a++) {
		for (unsigned c = a + 1; c < 255; c++)
			assert_int_not_equal(vga_unicode((uint8_t)a), vga_unicode((uint8_t)c));
	}
}

static unsigned changes(struct bench *b, bool changed[VGA_MAX_ROWS])
{
	b->before = b->screen;
	return vga_screen_changes(&b->before, look(b), changed);
}

static void changes_are_told_by_row(void **state)
{
	struct bench *b = open_bench(25);
	bool changed[VGA_MAX_ROWS];
	uint64_t generation;

	look(b);
	assert_int_equal(changes(b, changed), 0);
	generation = b->screen.generation;
	print(b, 80 * 7, " "); /* what was there */
	assert_int_equal(look(b)->generation, generation);
	print(b, 80 * 7, "!");
	assert_int_equal(changes(b, changed), 1);
	assert_true(changed[7]);
	assert_true(b->screen.generation > generation);
	set(b, 0x3d4, 0x0f, 80);
	assert_int_equal(changes(b, changed), 2); /* the cursor left and came */
	assert_true(changed[0] && changed[1]);
	set(b, 0x3d4, 0x0a, 0x00);
	assert_int_equal(changes(b, changed), 1);
	poke(b, 0xb8000 + 160 * 9 + 1, 0x87);
	look(b);
	run_for(&b->bed, CLOCK_HZ * 16 / 70);
	assert_int_equal(changes(b, changed), 1); /* 16 frames: blinking cells, and the cursor as before */
	assert_true(changed[9]);
	run_for(&b->bed, CLOCK_HZ * 8 / 70);
	changes(b, changed);
	assert_true(changed[1]);
	set_ac(b, 0x30, 0x04); /* another shape: everything */
	assert_int_equal(changes(b, changed), 25);
	close_bench(b);
}

static void own_font_is_loaded_and_told_apart(void **state)
{
	struct bench *b = open_bench(25);
	uint8_t glyph[2][16];

	for (unsigned height = 8; height <= 16; height += 8) {
		for (unsigned c = 1; c < 255; c++) {
			font_glyph((uint8_t)c, height, glyph[0]);
			for (unsigned d = c + 1; d < 255; d++) {
				font_glyph((uint8_t)d, height, glyph[1]);
				if (memcmp(glyph[0], glyph[1], height) == 0)
					fail_msg("characters %02x and %02x look the same", c, d);
			}
		}
	}
	font_glyph('A', 16, glyph[0]);
	assert_memory_equal(vga_glyph(&b->vga, 'A', 7), glyph[0], 16);
	font_glyph(0xdb, 8, glyph[0]);
	assert_int_equal(glyph[0][7], 0xff);
	vga_set_text_mode(&b->vga, 50);
	font_glyph('A', 8, glyph[0]);
	assert_memory_equal(vga_glyph(&b->vga, 'A', 7), glyph[0], 8);
	close_bench(b);
}

static void reset_clears_registers_and_keeps_memory(void **state)
{
	struct bench *b = open_bench(25);

	print(b, 0, "kept");
	vga_reset(&b->vga);
	assert_int_equal(in8(&b->bed, 0x3cc), 0);
	assert_int_equal(get(b, 0x3b4, 1), 0);
	assert_false(look(b)->on);
	assert_int_equal(b->vga.plane[0][0], 'k');
	close_bench(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(indexed_registers_reset_and_access),
		cmocka_unit_test(general_registers_reset_and_access),
		cmocka_unit_test(crtc_is_at_3bx_or_3dx),
		cmocka_unit_test(index_and_data_in_one_access),
		cmocka_unit_test(protect_bit_locks_cr0_to_cr7_but_for_the_line_compare),
		cmocka_unit_test(attribute_controller_takes_index_and_data_by_turns),
		cmocka_unit_test(dac_counts_through_its_entries),
		cmocka_unit_test(retrace_follows_the_crtc),
		cmocka_unit_test(any_timing_gives_a_status),
		cmocka_unit_test(mode_3_is_80_by_25),
		cmocka_unit_test(mode_3_with_8_line_characters_is_80_by_50),
		cmocka_unit_test(colors_come_through_palette_and_dac),
		cmocka_unit_test(cursor_place_and_shape),
		cmocka_unit_test(cursor_and_attributes_blink_by_frames),
		cmocka_unit_test(start_address_byte_panning_and_split),
		cmocka_unit_test(address_counter_modes),
		cmocka_unit_test(what_switches_the_picture_off),
		cmocka_unit_test(cga_registers_set_blink_and_border),
		cmocka_unit_test(graphics_has_no_rows),
		cmocka_unit_test(retrace_interrupt_is_a_gap),
		cmocka_unit_test(text_dump_is_utf_8_without_trailing_blanks),
		cmocka_unit_test(code_page_437),
		cmocka_unit_test(changes_are_told_by_row),
		cmocka_unit_test(own_font_is_loaded_and_told_apart),
		cmocka_unit_test(reset_clears_registers_and_keeps_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
