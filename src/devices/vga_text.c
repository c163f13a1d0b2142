/* The picture of a text mode as rows of characters, and the shape of any.
 * IBM PS/2 Hardware Interface Technical Reference, "CRT Controller Registers"
 * ("Start Address", "Preset Row Scan", "Line Compare", "CRT Mode Control"),
 * "Attribute Controller Registers", "Character Map Select Register".
 *
 * A line compare that falls inside a row counts from the next row on. */
#include "devices/vga.h"

#include <string.h>

#define SEQ_CLOCKING_8DOT 0x01u
#define SEQ_CLOCKING_HALF 0x08u
#define SEQ_CLOCKING_OFF 0x20u
#define CR_CURSOR_OFF 0x20u
#define CR_MAX_SCAN_DOUBLE 0x80u
#define CR_MODE_A13 0x01u /* 0: the scan line's bit 0 instead of address bit 13 */
#define CR_MODE_A14 0x02u
#define CR_MODE_DOUBLE 0x04u
#define CR_MODE_WRAP 0x20u
#define CR_MODE_BYTES 0x40u
#define CR_MODE_ON 0x80u
#define CR_UNDERLINE_DWORDS 0x40u
#define AC_MODE_MONOCHROME 0x02u
#define AC_MODE_PALETTE 0x80u
#define GC_MODE_256 0x40u

/* ---- addresses ---- */

static unsigned counter_address(const struct vga *vga, unsigned ma)
{
	if (vga->cr[VGA_CR_UNDERLINE] & CR_UNDERLINE_DWORDS)
		return ((ma << 2) & 0xffff) | ma >> 14;
	if (vga->cr[VGA_CR_MODE] & CR_MODE_BYTES)
		return ma;
	return ((ma << 1) & 0xffff) | (vga->cr[VGA_CR_MODE] & CR_MODE_WRAP ? ma >> 15 : ma >> 13 & 1);
}

unsigned vga_plane_address(const struct vga *vga, unsigned ma, unsigned scan)
{
	unsigned address = counter_address(vga, ma & 0xffff);

	if (!(vga->cr[VGA_CR_MODE] & CR_MODE_A13))
		address = (address & ~0x2000u) | (scan & 1) << 13;
	if (!(vga->cr[VGA_CR_MODE] & CR_MODE_A14))
		address = (address & ~0x4000u) | (scan >> 1 & 1) << 14;
	return address;
}

static unsigned cr16(const struct vga *vga, enum vga_crtc high)
{
	return (unsigned)vga->cr[high] << 8 | vga->cr[high + 1];
}

/* Scan lines of the picture. */
static unsigned picture_lines(const struct vga *vga)
{
	unsigned over = vga->cr[VGA_CR_OVERFLOW];
	unsigned lines = (vga->cr[VGA_CR_V_DISPLAY_END] | (over >> 1 & 1u) << 8 | (over >> 6 & 1u) << 9) + 1u;

	return vga->cr[VGA_CR_MODE] & CR_MODE_DOUBLE ? 2 * lines : lines;
}

unsigned vga_split_row(const struct vga *vga, const struct vga_screen *s)
{
	unsigned compare = vga->cr[VGA_CR_LINE_COMPARE] | (vga->cr[VGA_CR_OVERFLOW] & 0x10u) << 4 |
			   (vga->cr[VGA_CR_MAX_SCAN] & 0x40u) << 3;
	unsigned height = s->cell_height * s->scan_repeat;

	return (compare + 1 + s->first_scan * s->scan_repeat + height - 1) / height;
}

/* ---- the parts of a screen ---- */

/* What text and graphics have in common. */
static void raster(const struct vga *vga, struct vga_screen *s)
{
	s->cell_width = vga->seq[VGA_SEQ_CLOCKING] & SEQ_CLOCKING_8DOT ? 8 : 9;
	s->dot_repeat = vga->seq[VGA_SEQ_CLOCKING] & SEQ_CLOCKING_HALF ? 2 : 1;
	s->cell_height = (vga->cr[VGA_CR_MAX_SCAN] & 0x1fu) + 1;
	s->scan_repeat = vga->cr[VGA_CR_MAX_SCAN] & CR_MAX_SCAN_DOUBLE ? 2 : 1;
	s->first_scan = vga->cr[VGA_CR_PRESET_SCAN] & 0x1fu;
	if (s->cell_width == 9) /* 8: none, 0: one dot ... */
		s->pan = vga->ac[VGA_AC_PAN] >= 8 ? 0 : vga->ac[VGA_AC_PAN] + 1u;
	else
		s->pan = vga->ac[VGA_AC_PAN] & 7u;
	s->columns = vga->cr[VGA_CR_H_DISPLAY_END] + 1u;
	s->clipped = s->columns > VGA_MAX_COLUMNS;
	s->columns = s->columns < VGA_MAX_COLUMNS ? s->columns : VGA_MAX_COLUMNS;
	s->width = s->columns * s->cell_width * s->dot_repeat;
	s->height = picture_lines(vga);
}

static void text_shape(const struct vga *vga, struct vga_screen *s)
{
	unsigned lines = s->height / s->scan_repeat + s->first_scan;

	s->line_graphics = vga->ac[VGA_AC_MODE] & VGA_AC_MODE_LINE;
	s->underline = vga->cr[VGA_CR_UNDERLINE] & 0x1fu;
	s->rows = (lines + s->cell_height - 1) / s->cell_height;
	if (s->rows > VGA_MAX_ROWS) {
		s->clipped = true;
		s->rows = VGA_MAX_ROWS;
		s->height = (s->rows * s->cell_height - s->first_scan) * s->scan_repeat;
	}
}

/* Where the scan line within a row does not choose the address, all lines of a row are the same. */
static void graphics_shape(const struct vga *vga, struct vga_screen *s)
{
	bool rows_alike = (vga->cr[VGA_CR_MODE] & (CR_MODE_A13 | CR_MODE_A14)) == (CR_MODE_A13 | CR_MODE_A14);
	unsigned mode = vga->gc[VGA_GC_MODE];
	unsigned planes = vga->ac[VGA_AC_PLANES];

	s->colors = 1;
	for (unsigned plane = 0; plane < 4; plane++)
		s->colors <<= planes >> plane & 1;
	s->colors = mode & GC_MODE_256 ? 256 : s->colors;
	s->cell_width = 8;
	s->width = s->columns * 8 * s->dot_repeat;
	s->pixel_width = s->columns * (mode & GC_MODE_256 ? 4 : 8);
	s->pixel_height = s->height / s->scan_repeat / (rows_alike ? s->cell_height : 1);
	s->columns = s->rows = 0;
}

uint32_t vga_dac_color(const struct vga *vga, unsigned index)
{
	const uint8_t *entry = vga->dac[index & vga->dac_mask];
	uint32_t color = 0;

	for (unsigned i = 0; i < 3; i++)
		color = color << 8 | (uint32_t)(entry[i] << 2 | entry[i] >> 4);
	return color;
}

static void colors(const struct vga *vga, struct vga_screen *s)
{
	unsigned select = vga->ac[VGA_AC_COLOR_SELECT];

	for (unsigned i = 0; i < 16; i++) {
		unsigned index = vga->ac[i & vga->ac[VGA_AC_PLANES] & 15u] | (select & 0xcu) << 4;

		if (vga->ac[VGA_AC_MODE] & AC_MODE_PALETTE)
			index = (index & 0xcfu) | (select & 3u) << 4;
		s->color[i] = vga_dac_color(vga, index);
	}
	s->border = vga_dac_color(vga, vga->ac[VGA_AC_OVERSCAN]);
}

static void cells(const struct vga *vga, struct vga_screen *s)
{
	unsigned start = cr16(vga, VGA_CR_START_HIGH) + (vga->cr[VGA_CR_PRESET_SCAN] >> 5 & 3u);
	unsigned cursor = cr16(vga, VGA_CR_CURSOR_HIGH);
	unsigned split = vga_split_row(vga, s), pitch = 2u * vga->cr[VGA_CR_OFFSET];

	for (unsigned row = 0; row < s->rows; row++) {
		unsigned first = row < split ? start + row * pitch : (row - split) * pitch;

		for (unsigned column = 0; column <= s->columns; column++) {
			unsigned at = vga_plane_address(vga, first + column, 0);

			s->cell[row][column] = (struct vga_cell){vga->plane[0][at], vga->plane[1][at]};
			if (((first + column) & 0xffff) != cursor || s->cursor.visible || column == s->columns)
				continue;
			s->cursor.visible = true;
			s->cursor.row = row;
			s->cursor.column = column;
		}
	}
}

/* Skew moves the cursor to the right, and off the picture at its end. */
static void cursor_shape(const struct vga *vga, struct vga_screen *s)
{
	s->cursor.first = vga->cr[VGA_CR_CURSOR_START] & 0x1fu;
	s->cursor.last = vga->cr[VGA_CR_CURSOR_END] & 0x1fu;
	s->cursor.column += vga->cr[VGA_CR_CURSOR_END] >> 5 & 3u;
	if (s->cursor.last >= s->cell_height)
		s->cursor.last = s->cell_height - 1;
	if ((vga->cr[VGA_CR_CURSOR_START] & CR_CURSOR_OFF) || s->cursor.first > s->cursor.last ||
	    s->cursor.column >= s->columns)
		s->cursor.visible = false;
	if (!s->cursor.visible)
		memset(&s->cursor, 0, sizeof(s->cursor));
}

void vga_screen(const struct vga *vga, struct vga_screen *s)
{
	uint64_t frame = vga_beam(vga, vga->clock->now).frame;

	memset(s, 0, sizeof(*s));
	s->generation = vga->generation;
	s->on = (vga->enabled & 1) && !vga->cga_off && (vga->ac_index & VGA_AC_INDEX_ON) &&
		!(vga->seq[VGA_SEQ_CLOCKING] & SEQ_CLOCKING_OFF) && vga->seq[VGA_SEQ_RESET] == 3 &&
		(vga->cr[VGA_CR_MODE] & CR_MODE_ON);
	s->graphics = !vga_is_text(vga);
	colors(vga, s);
	raster(vga, s);
	if (s->graphics) {
		graphics_shape(vga, s);
		return;
	}
	text_shape(vga, s);
	s->monochrome = vga->ac[VGA_AC_MODE] & AC_MODE_MONOCHROME;
	s->blink = vga->ac[VGA_AC_MODE] & VGA_AC_MODE_BLINK;
	/* The cursor's period is 16 frames, that of characters 32. */
	s->cursor_shown = !(frame & 8);
	s->blink_shown = !(frame & 16);
	cells(vga, s);
	cursor_shape(vga, s);
}

const uint8_t *vga_glyph(const struct vga *vga, uint8_t character, uint8_t attribute)
{
	unsigned select = vga->seq[VGA_SEQ_FONT];
	unsigned map = attribute & 8 ? (select >> 2 & 3u) | (select >> 3 & 4u) : (select & 3u) | (select >> 2 & 4u);

	return &vga->plane[2][(map & 3) * 0x4000 + (map >> 2) * 0x2000 + character * 32u];
}

/* ---- what changed ---- */
static bool same_shape(const struct vga_screen *a, const struct vga_screen *b)
{
	return a->on == b->on && a->graphics == b->graphics && a->rows == b->rows && a->columns == b->columns &&
	       a->width == b->width && a->height == b->height && a->dot_repeat == b->dot_repeat &&
	       a->cell_width == b->cell_width && a->cell_height == b->cell_height &&
	       a->scan_repeat == b->scan_repeat && a->line_graphics == b->line_graphics &&
	       a->first_scan == b->first_scan && a->pan == b->pan && a->underline == b->underline &&
	       a->monochrome == b->monochrome && a->blink == b->blink && a->border == b->border &&
	       memcmp(a->color, b->color, sizeof(a->color)) == 0;
}

static bool cursor_in(const struct vga_screen *s, unsigned row)
{
	return s->cursor.visible && s->cursor_shown && s->cursor.row == row;
}

static bool row_changed(const struct vga_screen *a, const struct vga_screen *b, unsigned row)
{
	bool blinks = b->blink && a->blink_shown != b->blink_shown;

	if (memcmp(a->cell[row], b->cell[row], b->columns * sizeof(b->cell[0][0])) != 0)
		return true;
	if (cursor_in(a, row) != cursor_in(b, row))
		return true;
	if (cursor_in(b, row) && (a->cursor.column != b->cursor.column || a->cursor.first != b->cursor.first ||
				  a->cursor.last != b->cursor.last))
		return true;
	for (unsigned i = 0; blinks && i < b->columns; i++) {
		if (b->cell[row][i].attribute & 0x80)
			return true;
	}
	return false;
}

unsigned vga_screen_changes(const struct vga_screen *before, const struct vga_screen *now, bool changed[VGA_MAX_ROWS])
{
	bool all = !same_shape(before, now);
	unsigned n = 0;

	for (unsigned row = 0; row < VGA_MAX_ROWS; row++) {
		changed[row] = row < now->rows && (all || row_changed(before, now, row));
		n += changed[row];
	}
	return n;
}

/* ---- text ---- */
unsigned vga_unicode(uint8_t c)
{
	/* 01h-1Fh, 7Fh-FEh of code page 437 as they are shown. */
	static const uint16_t low[32] = {
		' ',    0x263a, 0x263b, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022, 0x25d8, 0x25cb, 0x25d9,
		0x2642, 0x2640, 0x266a, 0x266b, 0x263c, 0x25ba, 0x25c4, 0x2195, 0x203c, 0x00b6, 0x00a7,
		0x25ac, 0x21a8, 0x2191, 0x2193, 0x2192, 0x2190, 0x221f, 0x2194, 0x25b2, 0x25bc,
	};
	static const uint16_t high[129] = {
		0x2302,
		0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee,
		0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6,
		0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa,
		0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502,
		0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514,
		0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550,
		0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c,
		0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4,
		0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320,
		0x2321, 0x00f7, 0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, ' ',
	};

	return c < 0x20 ? low[c] : c < 0x7f ? c : high[c - 0x7f];
}

struct text {
	char *at;
	size_t size, length;
};

static void put(struct text *t, unsigned byte)
{
	if (t->length + 1 < t->size)
		t->at[t->length] = (char)byte;
	t->length++;
}

static void put_unicode(struct text *t, unsigned c)
{
	if (c < 0x80) {
		put(t, c);
	} else if (c < 0x800) {
		put(t, 0xc0 | c >> 6);
		put(t, 0x80 | (c & 0x3f));
	} else {
		put(t, 0xe0 | c >> 12);
		put(t, 0x80 | (c >> 6 & 0x3f));
		put(t, 0x80 | (c & 0x3f));
	}
}

size_t vga_screen_text(const struct vga_screen *s, char *text, size_t size)
{
	struct text t = {text, size, 0};

	for (unsigned row = 0; row < s->rows; row++) {
		unsigned end = s->columns;

		while (end && vga_unicode(s->cell[row][end - 1].character) == ' ')
			end--;
		for (unsigned i = 0; i < end; i++)
			put_unicode(&t, vga_unicode(s->cell[row][i].character));
		put(&t, '\n');
	}
	if (size)
		text[t.length < size ? t.length : size - 1] = 0;
	return t.length;
}
