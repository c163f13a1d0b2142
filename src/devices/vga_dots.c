/* The picture as dots.
 * IBM PS/2 Hardware Interface Technical Reference, "Graphics Controller Registers" ("Graphics Mode": the shift
 * registers), "Attribute Controller Registers" ("Attribute Mode Control", "Horizontal PEL Panning"), "Video Memory
 * Organization". */
#include "devices/vga.h"

#include <string.h>

#define GC_MODE_PAIRS 0x20u
#define GC_MODE_256 0x40u
#define CR_UNDERLINE_COUNT_4 0x20u
#define CR_MODE_COUNT_2 0x08u
#define LINE_GRAPHICS_FIRST 0xc0u
#define LINE_GRAPHICS_LAST 0xdfu
#define CELL_DOTS 9u

/* A scan line under way: dots beyond its ends are not shown. */
struct line {
	uint32_t *dots;
	unsigned width, repeat;
	int at; /* the next dot, before repeating; negative: panned out to the left */
};

static void put(struct line *l, uint32_t color)
{
	for (unsigned i = 0; i < l->repeat; i++) {
		int place = l->at * (int)l->repeat + (int)i;

		if (place >= 0 && (unsigned)place < l->width)
			l->dots[place] = color;
	}
	l->at++;
}

/* ---- text ---- */

/* Bit 8 is the leftmost of nine dots. */
static unsigned glyph_dots(const struct vga *vga, const struct vga_screen *s, struct vga_cell cell, unsigned scan)
{
	unsigned dots = (unsigned)vga_glyph(vga, cell.character, cell.attribute)[scan & 31] << 1;
	bool joins = cell.character >= LINE_GRAPHICS_FIRST && cell.character <= LINE_GRAPHICS_LAST;

	if (s->line_graphics && joins)
		dots |= dots >> 1 & 1;
	if (s->monochrome && VGA_UNDERLINED(cell.attribute) && scan == s->underline)
		dots = 0x1ff;
	return dots;
}

static bool under_cursor(const struct vga_screen *s, unsigned row, unsigned column, unsigned scan)
{
	return s->cursor.visible && s->cursor_shown && row == s->cursor.row && column == s->cursor.column &&
	       scan >= s->cursor.first && scan <= s->cursor.last;
}

static void text_line(const struct vga *vga, const struct vga_screen *s, unsigned y, struct line *l)
{
	unsigned row = (y / s->scan_repeat + s->first_scan) / s->cell_height;
	unsigned scan = (y / s->scan_repeat + s->first_scan) % s->cell_height;

	if (row >= s->rows)
		return;
	for (unsigned column = 0; column <= s->columns; column++) {
		struct vga_cell cell = s->cell[row][column];
		unsigned back = s->blink ? cell.attribute >> 4 & 7u : cell.attribute >> 4;
		unsigned dots = glyph_dots(vga, s, cell, scan);

		if (s->blink && (cell.attribute & 0x80) && !s->blink_shown)
			dots = 0;
		if (under_cursor(s, row, column, scan))
			dots = 0x1ff;
		for (unsigned i = 0; i < s->cell_width; i++)
			put(l, s->color[dots >> (CELL_DOTS - 1 - i) & 1 ? cell.attribute & 15u : back]);
	}
}

/* ---- graphics: what each character clock takes from the four planes ---- */

/* A bit of each plane is a pixel. */
static void eight_planar(const struct vga_screen *s, const uint8_t byte[4], struct line *l)
{
	for (int bit = 7; bit >= 0; bit--) {
		unsigned color = 0;

		for (unsigned plane = 0; plane < 4; plane++)
			color |= (byte[plane] >> bit & 1u) << plane;
		put(l, s->color[color]);
	}
}

/* Two bits of planes 0 and 2 are a pixel, then those of planes 1 and 3. */
static void eight_pairs(const struct vga_screen *s, const uint8_t byte[4], struct line *l)
{
	for (unsigned half = 0; half < 2; half++)
		for (int bit = 6; bit >= 0; bit -= 2)
			put(l, s->color[(byte[half] >> bit & 3u) | (byte[half + 2] >> bit & 3u) << 2]);
}

/* A byte of each plane is a pixel two dots wide. */
static void four_bytes(const struct vga *vga, const uint8_t byte[4], struct line *l)
{
	for (unsigned plane = 0; plane < 4; plane++) {
		uint32_t color = vga_dac_color(vga, byte[plane]);

		put(l, color);
		put(l, color);
	}
}

/* The address counter counts every clock, every second, or every fourth. */
static unsigned count_shift(const struct vga *vga)
{
	if (vga->cr[VGA_CR_UNDERLINE] & CR_UNDERLINE_COUNT_4)
		return 2;
	return vga->cr[VGA_CR_MODE] & CR_MODE_COUNT_2 ? 1 : 0;
}

static void graphics_line(const struct vga *vga, const struct vga_screen *s, unsigned y, struct line *l)
{
	unsigned start = (unsigned)vga->cr[VGA_CR_START_HIGH] << 8 | vga->cr[VGA_CR_START_LOW];
	unsigned row = (y / s->scan_repeat + s->first_scan) / s->cell_height;
	unsigned scan = (y / s->scan_repeat + s->first_scan) % s->cell_height;
	unsigned split = vga_split_row(vga, s), pitch = 2u * vga->cr[VGA_CR_OFFSET];
	unsigned first = row < split ? start + (vga->cr[VGA_CR_PRESET_SCAN] >> 5 & 3u) + row * pitch
				     : (row - split) * pitch;

	for (unsigned clock = 0; clock <= s->width / (8 * s->dot_repeat); clock++) {
		unsigned address = vga_plane_address(vga, first + (clock >> count_shift(vga)), scan);
		uint8_t byte[4];

		for (unsigned plane = 0; plane < 4; plane++)
			byte[plane] = vga->plane[plane][address];
		if (vga->gc[VGA_GC_MODE] & GC_MODE_256)
			four_bytes(vga, byte, l);
		else if (vga->gc[VGA_GC_MODE] & GC_MODE_PAIRS)
			eight_pairs(s, byte, l);
		else
			eight_planar(s, byte, l);
	}
}

void vga_scan_line(const struct vga *vga, const struct vga_screen *s, unsigned y, uint32_t *dots)
{
	struct line line = {dots, s->width, s->dot_repeat, -(int)s->pan};

	memset(dots, 0, s->width * sizeof(*dots));
	if (!s->on || y >= s->height)
		return;
	if (s->graphics)
		graphics_line(vga, s, y, &line);
	else
		text_line(vga, s, y, &line);
}
