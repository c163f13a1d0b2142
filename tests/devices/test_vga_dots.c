/* VGA: the picture dot by dot. */
#include "vgabed.h"

#include "devices/font.h"

static uint32_t line[VGA_MAX_WIDTH];

static const uint32_t *scan_line(struct bench *b, unsigned y)
{
	vga_scan_line(&b->vga, &b->screen, y, line);
	return line;
}

#define GREY 0xaaaaaau

/* The dots of a line as characters: '#' is not black. */
static const char *dots(struct bench *b, unsigned y, unsigned first, unsigned count)
{
	static char text[64];

	scan_line(b, y);
	for (unsigned i = 0; i < count; i++)
		text[i] = line[first + i] ? '#' : '.';
	text[count] = '\0';
	return text;
}

/* A glyph of one line, the cell's first. */
static void glyph(struct bench *b, uint8_t character, uint8_t bits)
{
	b->vga.plane[2][character * 32] = bits;
}

static struct bench *open_text(const char *text)
{
	struct bench *b = open_bench(25);

	set(b, 0x3d4, 0x0a, 0x20); /* no cursor */
	print(b, 0, text);
	glyph(b, 'a', 0xa5);
	glyph(b, 0xc4, 0x0f);
	look(b);
	return b;
}

static void text_is_the_loaded_font_nine_dots_wide(void **state)
{
	struct bench *b = open_text("a\xc4"
				    "a");
	uint8_t lines[16];

	assert_int_equal(b->screen.width, 720);
	assert_int_equal(b->screen.height, 400);
	assert_string_equal(dots(b, 0, 0, 27), "#.#..#.#.....######.#..#.#.");
	font_glyph('a', 16, lines);
	for (unsigned y = 1; y < 16; y++) {
		scan_line(b, y);
		for (unsigned x = 0; x < 8; x++)
			assert_int_equal(line[x], lines[y] >> (7 - x) & 1 ? GREY : 0);
	}
	set_ac(b, 0x30, 0x08); /* no line graphics: the ninth dot is background */
	look(b);
	assert_string_equal(dots(b, 0, 9, 9), "....####.");
	set(b, 0x3c4, 1, 0x01); /* eight dots */
	look(b);
	assert_int_equal(b->screen.width, 640);
	assert_string_equal(dots(b, 0, 0, 24), "#.#..#.#....#####.#..#.#");
	close_bench(b);
}

static void half_the_clock_doubles_dots(void **state)
{
	struct bench *b = open_text("a");

	set(b, 0x3c4, 1, 0x09);
	set(b, 0x3d4, 0x11, 0x0e); /* unlocks */
	set(b, 0x3d4, 0x01, 39);
	look(b);
	assert_int_equal(b->screen.width, 640);
	assert_string_equal(dots(b, 0, 0, 16), "##..##....##..##");
	close_bench(b);
}

static void double_scanning_repeats_lines(void **state)
{
	struct bench *b = open_text("a");

	set(b, 0x3d4, 0x09, 0x8f);
	look(b);
	assert_int_equal(b->screen.rows, 13);
	assert_string_equal(dots(b, 0, 0, 8), "#.#..#.#");
	assert_string_equal(dots(b, 1, 0, 8), "#.#..#.#");
	close_bench(b);
}

static void attributes_color_and_blink(void **state)
{
	struct bench *b = open_text("a");

	poke(b, 0xb8001, 0x9e);
	look(b);
	b->screen.blink_shown = true;
	assert_int_equal(scan_line(b, 0)[0], 0xffff55);
	assert_int_equal(line[1], 0x0000aa);
	b->screen.blink_shown = false;
	assert_int_equal(scan_line(b, 0)[0], 0x0000aa);
	set_ac(b, 0x30, 0x04); /* bright backgrounds instead */
	look(b);
	b->screen.blink_shown = false;
	assert_int_equal(scan_line(b, 0)[0], 0xffff55);
	assert_int_equal(line[1], 0x5555ff);
	close_bench(b);
}

static void monochrome_underlines_attribute_1(void **state)
{
	struct bench *b = open_text("a");

	poke(b, 0xb8001, 0x01);
	set(b, 0x3d4, 0x14, 0x0d);
	look(b);
	assert_string_not_equal(dots(b, 13, 0, 9), "#########");
	set_ac(b, 0x30, 0x0e);
	look(b);
	assert_string_equal(dots(b, 13, 0, 9), "#########");
	assert_string_not_equal(dots(b, 12, 0, 9), "#########");
	close_bench(b);
}

static void the_cursor_covers_its_lines(void **state)
{
	struct bench *b = open_text("a");

	set(b, 0x3d4, 0x0a, 0x03);
	set(b, 0x3d4, 0x0b, 0x04);
	look(b);
	b->screen.cursor_shown = true;
	for (unsigned y = 0; y < 16; y++)
		assert_int_equal(strcmp(dots(b, y, 0, 9), "#########") == 0, y == 3 || y == 4);
	assert_string_equal(dots(b, 3, 9, 9), ".........");
	b->screen.cursor_shown = false;
	assert_string_not_equal(dots(b, 3, 0, 9), "#########");
	close_bench(b);
}

static void panning_and_preset_row_scan(void **state)
{
	struct bench *b = open_text("a");

	print(b, 80, "a");
	set_ac(b, 0x33, 0x02); /* nine dots: three to the left */
	look(b);
	assert_string_equal(dots(b, 0, 0, 8), "..#.#...");
	print(b, 80, "a"); /* which also stands right of the first row */
	assert_string_equal(dots(b, 0, 717, 3), "#.#");
	set_ac(b, 0x33, 0x08);
	set(b, 0x3d4, 0x08, 0x0f); /* the first row's last line only */
	look(b);
	assert_string_equal(dots(b, 1, 0, 8), "#.#..#.#");
	close_bench(b);
}

/* ---- graphics ---- */
static struct bench *open_graphics(unsigned gc_mode, unsigned cr_mode, unsigned max_scan)
{
	struct bench *b = open_bench(25);

	memset(b->vga.plane, 0, sizeof(b->vga.plane));
	set(b, 0x3c4, 1, 0x01);
	set(b, 0x3ce, 5, gc_mode);
	set(b, 0x3d4, 0x17, cr_mode);
	set(b, 0x3d4, 0x09, max_scan);
	set_ac(b, 0x30, 0x01);
	set_ac(b, 0x33, 0x00);
	look(b);
	return b;
}

static void planar_pixels_take_a_bit_of_each_plane(void **state)
{
	struct bench *b = open_graphics(0x00, 0xe3, 0x40);

	b->vga.plane[0][1] = 0x80;
	b->vga.plane[3][1] = 0xc0;
	assert_int_equal(b->screen.pixel_width, 640);
	assert_int_equal(b->screen.pixel_height, 400);
	assert_int_equal(b->screen.colors, 16);
	assert_int_equal(scan_line(b, 0)[8], 0x5555ff); /* 9 */
	assert_int_equal(line[9], 0x555555);            /* 8 */
	assert_int_equal(line[10], 0);
	set_ac(b, 0x32, 0x01); /* plane 0 alone */
	look(b);
	assert_int_equal(b->screen.colors, 2);
	assert_int_equal(scan_line(b, 0)[8], 0x0000aa);
	assert_int_equal(line[9], 0);
	close_bench(b);
}

static void pairs_of_bits_come_from_even_and_odd_planes(void **state)
{
	struct bench *b = open_graphics(0x30, 0xa2, 0xc1);

	b->vga.plane[0][0] = 0x1b; /* 0 1 2 3 */
	b->vga.plane[1][0] = 0xe4; /* 3 2 1 0 */
	b->vga.plane[0][0x2000] = 0xff;
	assert_int_equal(b->screen.pixel_height, 200);
	scan_line(b, 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(line[i], b->screen.color[i < 4 ? i : 7 - i]);
	assert_int_equal(scan_line(b, 1)[0], b->screen.color[0]); /* lines are doubled */
	assert_int_equal(scan_line(b, 2)[0], b->screen.color[3]); /* the odd line is 8 KiB further */
	close_bench(b);
}

static void bytes_of_four_planes_are_pixels_of_256_colors(void **state)
{
	struct bench *b = open_graphics(0x40, 0xa3, 0x41);

	set(b, 0x3d4, 0x14, 0x40); /* double words */
	out8(&b->bed, 0x3c8, 200);
	out8(&b->bed, 0x3c9, 0x3f);
	out8(&b->bed, 0x3c9, 0x00);
	out8(&b->bed, 0x3c9, 0x3f);
	b->vga.plane[2][4] = 200;
	look(b);
	assert_int_equal(b->screen.colors, 256);
	assert_int_equal(b->screen.pixel_width, 320);
	assert_int_equal(b->screen.pixel_height, 200);
	assert_string_equal(dots(b, 0, 8, 8), "....##..");
	assert_int_equal(line[12], 0xff00ff);
	assert_string_equal(dots(b, 1, 8, 8), "....##..");
	set_ac(b, 0x33, 0x02); /* one pixel to the left */
	look(b);
	assert_string_equal(dots(b, 0, 8, 8), "..##....");
	close_bench(b);
}

static void start_address_and_split_of_graphics(void **state)
{
	struct bench *b = open_graphics(0x00, 0xe3, 0x40);

	b->vga.plane[0][0] = 0x80;
	b->vga.plane[0][80] = 0x40;
	set(b, 0x3d4, 0x0d, 80);
	look(b);
	assert_string_equal(dots(b, 0, 0, 4), ".#..");
	set(b, 0x3d4, 0x18, 9); /* from line 10 on: address 0 */
	set(b, 0x3d4, 0x07, 0x0f);
	set(b, 0x3d4, 0x09, 0x00);
	look(b);
	assert_string_equal(dots(b, 9, 0, 4), "....");
	assert_string_equal(dots(b, 10, 0, 4), "#...");
	assert_string_equal(dots(b, 11, 0, 4), ".#..");
	close_bench(b);
}

static void the_address_counter_may_count_slower(void **state)
{
	struct bench *b = open_graphics(0x00, 0xe3, 0x40);

	b->vga.plane[0][1] = 0x80;
	set(b, 0x3d4, 0x17, 0xeb); /* every second character clock */
	look(b);
	assert_string_equal(dots(b, 0, 8, 24), "........#.......#.......");
	set(b, 0x3d4, 0x17, 0xe3);
	set(b, 0x3d4, 0x14, 0x20); /* every fourth */
	look(b);
	assert_string_equal(dots(b, 0, 24, 24), "........#.......#.......");
	close_bench(b);
}

static void what_is_off_is_black(void **state)
{
	struct bench *b = open_text("aaaa");

	set(b, 0x3c4, 1, 0x20);
	look(b);
	assert_string_equal(dots(b, 0, 0, 9), ".........");
	close_bench(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_the_loaded_font_nine_dots_wide),
		cmocka_unit_test(half_the_clock_doubles_dots),
		cmocka_unit_test(double_scanning_repeats_lines),
		cmocka_unit_test(attributes_color_and_blink),
		cmocka_unit_test(monochrome_underlines_attribute_1),
		cmocka_unit_test(the_cursor_covers_its_lines),
		cmocka_unit_test(panning_and_preset_row_scan),
		cmocka_unit_test(planar_pixels_take_a_bit_of_each_plane),
		cmocka_unit_test(pairs_of_bits_come_from_even_and_odd_planes),
		cmocka_unit_test(bytes_of_four_planes_are_pixels_of_256_colors),
		cmocka_unit_test(start_address_and_split_of_graphics),
		cmocka_unit_test(the_address_counter_may_count_slower),
		cmocka_unit_test(what_is_off_is_black),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
