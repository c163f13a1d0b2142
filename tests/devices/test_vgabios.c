/* Debian's unmodified VGA BIOS (package seabios) on a processor with nothing
 * but memory and a VGA: it sets modes, loads its fonts and writes text. */
#include "bed.h"

#include <stdio.h>
#include <stdlib.h>

#include "devices/vga.h"
#include "rig/rig.h"

#define VGABIOS "/usr/share/seabios/vgabios-isavga.bin"
#define ROM 0xc0000u
#define CODE 0x8000u
#define TEXT 0x8100u

struct bench {
	struct bed bed; /* gaps only */
	struct rig *rig;
	struct vga vga;
	struct vga_screen screen;
	char text[VGA_MAX_ROWS * (VGA_MAX_COLUMNS * 3 + 1) + 1];
};

static struct bench *bench_of(void **state)
{
	return *state;
}

/* Runs real-mode code until it halts. */
static void run_code(struct bench *b, const uint8_t *code, size_t size)
{
	rig_write(b->rig, CODE, code, size);
	rig_real(b->rig, 0, CODE);
	assert_int_equal(rig_run(b->rig, 200000000), STOP_HALT);
}

static const char *screen_text(struct bench *b)
{
	vga_screen(&b->vga, &b->screen);
	assert_true(vga_screen_text(&b->screen, b->text, sizeof(b->text)) < sizeof(b->text));
	return b->text;
}

static const uint8_t mode_3[] = {0xb8, 0x03, 0x00, 0xcd, 0x10, 0xf4}; /* mov ax, 3; int 10h; hlt */

/* Calls the ROM's entry.  No ROM: no bench. */
static int start(void **state)
{
	static const uint8_t init[] = {0x9a, 0x03, 0x00, 0x00, 0xc0, 0xf4}; /* call C000:0003; hlt */
	struct bench *b = calloc(1, sizeof(*b));
	uint8_t rom[65536];
	FILE *file = fopen(VGABIOS, "rb");
	size_t size;

	*state = NULL;
	assert_non_null(b);
	if (!file) {
		free(b);
		return 0;
	}
	size = fread(rom, 1, sizeof(rom), file);
	fclose(file);
	b->rig = rig_new(NULL, 1 << 20);
	clock_init(&b->bed.clock);
	bus_set_gap_sink(b->rig->bus, bed_gap, &b->bed);
	assert_true(vga_init(&b->vga, b->rig->bus, &b->rig->clock));
	rig_write(b->rig, ROM, rom, size);
	run_code(b, init, sizeof(init));
	*state = b;
	return 0;
}

static int stop(void **state)
{
	struct bench *b = bench_of(state);

	if (b)
		rig_free(b->rig);
	free(b);
	return 0;
}

/* Skips, loudly, where the ROM is missing. */
static struct bench *need(void **state)
{
	if (!bench_of(state)) {
		print_message("SKIPPED: no " VGABIOS " (Debian package seabios)\n");
		skip();
	}
	return bench_of(state);
}

static void bios_sets_mode_3_and_prints(void **state)
{
	static const uint8_t code[] = {
		0xb8, 0x03, 0x00, 0xcd, 0x10,                   /* mov ax, 3; int 10h */
		0xbe, TEXT & 0xff, TEXT >> 8,                   /* mov si, TEXT */
		0xac, 0x84, 0xc0, 0x74, 0x09,                   /* 1: lodsb; test al, al; jz 2f */
		0xb4, 0x0e, 0xbb, 0x07, 0x00, 0xcd, 0x10, 0xeb, 0xf2, /* mov ah, 0eh; mov bx, 7; int 10h; jmp 1b */
		0xf4,                                           /* 2: hlt */
	};
	static const char text[] = "Hello from the BIOS\r\n\r\nthird line";
	struct bench *b = need(state);

	rig_write(b->rig, TEXT, text, sizeof(text));
	run_code(b, code, sizeof(code));
	assert_memory_equal(screen_text(b), "Hello from the BIOS\n\nthird line\n\n", 33);
	assert_true(b->screen.on);
	assert_int_equal(b->screen.rows, 25);
	assert_int_equal(b->screen.columns, 80);
	assert_int_equal(b->screen.cell_height, 16);
	assert_int_equal(b->screen.color[7], 0xaaaaaa);
	assert_int_equal(b->screen.cell[2][0].attribute, 0x07);
	assert_true(b->screen.cursor.visible);
	assert_int_equal(b->screen.cursor.row, 2);
	assert_int_equal(b->screen.cursor.column, 10);
	assert_int_equal(b->bed.gaps, 0);
}

static void bios_mode_3_is_our_mode_3(void **state)
{
	struct bench *b = need(state);
	static struct vga own;

	run_code(b, mode_3, sizeof(mode_3));
	own.enabled = 1;
	vga_set_text_mode(&own, 25);
	assert_memory_equal(b->vga.seq, own.seq, sizeof(own.seq));
	assert_memory_equal(b->vga.cr, own.cr, sizeof(own.cr));
	assert_memory_equal(b->vga.gc, own.gc, sizeof(own.gc));
	assert_memory_equal(b->vga.ac, own.ac, sizeof(own.ac));
	assert_memory_equal(b->vga.dac, own.dac, sizeof(own.dac[0]) * 64);
	assert_int_equal(b->vga.misc, own.misc);
}

static void bios_loads_its_fonts(void **state)
{
	static const uint8_t code[] = {0xb8, 0x12, 0x11, 0xb3, 0x00, 0xcd, 0x10, 0xf4}; /* 1112h: 8x8 */
	static const uint8_t blank[32];
	struct bench *b = need(state);

	run_code(b, mode_3, sizeof(mode_3));
	assert_memory_not_equal(vga_glyph(&b->vga, 'A', 7), blank, 16);
	assert_memory_equal(vga_glyph(&b->vga, ' ', 7), blank, 16);
	run_code(b, code, sizeof(code));
	screen_text(b);
	assert_int_equal(b->screen.rows, 50);
	assert_int_equal(b->screen.cell_height, 8);
	assert_memory_not_equal(vga_glyph(&b->vga, 'A', 7), blank, 8);
	assert_int_equal(b->bed.gaps, 0);
}

/* Every graphics mode of the BIOS, with a pixel that the BIOS itself puts at column 9 of line 5. */
static void bios_sets_graphics_modes(void **state)
{
	static const struct {
		uint8_t mode;
		unsigned width, height, colors;
		uint8_t pixel;
		uint32_t rgb;
	} row[] = {
		{0x04, 320, 200, 4, 2, 0xff55ff},  {0x05, 320, 200, 4, 2, 0xff55ff},   {0x06, 640, 200, 2, 1, 0xffffff},
		{0x0d, 320, 200, 16, 12, 0xff5555}, {0x0e, 640, 200, 16, 12, 0xff5555}, {0x10, 640, 350, 16, 12, 0xff5555},
		{0x11, 640, 480, 16, 1, 0xffffff},  {0x12, 640, 480, 16, 12, 0xff5555}, {0x13, 320, 200, 256, 40, 0xff0000},
	};
	struct bench *b = need(state);
	uint32_t dots[VGA_MAX_WIDTH];

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const uint8_t code[] = {
			0xb8, row[i].mode, 0x00, 0xcd, 0x10, /* mov ax, mode; int 10h */
			0xb8, row[i].pixel, 0x0c, 0x31, 0xdb, 0xb9, 9, 0, 0xba, 5, 0, 0xcd, 0x10, /* 0Ch: CX, DX */
			0xf4,
		};
		unsigned wide, high;

		run_code(b, code, sizeof(code));
		assert_string_equal(screen_text(b), "");
		assert_true(b->screen.on && b->screen.graphics);
		assert_int_equal(b->screen.pixel_width, row[i].width);
		assert_int_equal(b->screen.pixel_height, row[i].height);
		assert_int_equal(b->screen.colors, row[i].colors);
		assert_int_equal(b->screen.width, 640);
		wide = b->screen.width / row[i].width;
		high = b->screen.height / row[i].height;
		for (unsigned y = 0; y < b->screen.height; y++) {
			vga_scan_line(&b->vga, &b->screen, y, dots);
			for (unsigned x = 0; x < b->screen.width; x++)
				if (dots[x] != (x / wide == 9 && y / high == 5 ? row[i].rgb : 0))
					fail_msg("mode %02x: dot %u of line %u is %06x", row[i].mode, x, y, dots[x]);
		}
	}
	assert_int_equal(b->bed.gaps, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bios_sets_mode_3_and_prints, start, stop),
		cmocka_unit_test_setup_teardown(bios_mode_3_is_our_mode_3, start, stop),
		cmocka_unit_test_setup_teardown(bios_loads_its_fonts, start, stop),
		cmocka_unit_test_setup_teardown(bios_sets_graphics_modes, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
