/* VGA: memory window A0000h-BFFFFh, sequencer, CRT
 * controller, graphics controller, attribute controller, DAC, and the CGA's
 * mode and colour registers.
 *
 * Sources: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem"
 * ("General Registers", "Sequencer Registers", "CRT Controller Registers",
 * "Graphics Controller Registers", "Attribute Controller Registers", "Video
 * Digital-to-Analog Converter"); IBM Color/Graphics Monitor Adapter, "Mode
 * Control Register", "Color Select Register".
 *
 *  3B4h/3D4h, 3B5h/3D5h  CRT controller (3Bxh or 3Dxh by bit 0 of 3C2h)
 *  3BAh/3DAh             input status 1 (read), feature control (write)
 *  3C0h, 3C1h            attribute controller: index and data by turns, data to read
 *  3C2h                  miscellaneous output (write), input status 0 (read)
 *  3C3h                  bit 0: the adapter answers at its ports and memory
 *  3C4h, 3C5h            sequencer
 *  3C6h-3C9h             DAC: mask, read index or state, write index, data
 *  3CAh, 3CCh            feature control, miscellaneous output (read)
 *  3CEh, 3CFh            graphics controller
 *  3D8h, 3D9h            CGA mode control and colour select (write only)
 *
 * Reserved bits read 0, registers that are not there too.
 *
 * Memory has its four planes, latches, and write and read modes in full.  Text is shown
 * as rows of characters and as dots, graphics as dots.
 *
 * What the references leave open, and what stands here:
 *  - after reset the registers are 0, but 3C3h is 1: firmware sets the mode;
 *  - an odd/even access of the 128 KiB window has A16 for A0, of the smaller ones 0;
 *    bit 5 of the miscellaneous output register (the page bit) changes nothing;
 *  - the "extended memory" bit of the sequencer changes nothing: 256 KiB are there;
 *  - CR3 bit 7 changes nothing: 10h and 11h are always the retrace registers;
 *  - a new start address counts at once, not from the next retrace on;
 *  - 3D8h bit 3 switches the picture on and off and bit 5 is the blinking of
 *    attribute bit 7, as on the CGA; 3D9h bits 0-3 are the border colour;
 *  - a bit of 3D8h that asks for the CGA's graphics is a gap: the VGA has its own registers for that;
 *  - attribute bit 3 of graphics never blinks;
 *  - eight bits of colour (256 of them) do not go through the attribute controller's palette;
 *  - the sense bit of input status 0 reads 1, the diagnostic bits of input status 1 0. */
#ifndef TRAPGATE_DEVICES_VGA_H
#define TRAPGATE_DEVICES_VGA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/bus.h"
#include "bus/clock.h"

#define VGA_WINDOW UINT64_C(0xa0000)
#define VGA_WINDOW_SIZE 0x20000u
#define VGA_PLANE 0x10000u

/* Miscellaneous output register. */
#define VGA_MISC_COLOR 0x01u /* CRT controller at 3Dxh */
#define VGA_MISC_RAM 0x02u

enum vga_sequencer { VGA_SEQ_RESET, VGA_SEQ_CLOCKING, VGA_SEQ_MAP_MASK, VGA_SEQ_FONT, VGA_SEQ_MEMORY, VGA_SEQS };

enum vga_graphics {
	VGA_GC_SET, VGA_GC_ENABLE_SET, VGA_GC_COMPARE, VGA_GC_ROTATE, VGA_GC_READ_MAP, VGA_GC_MODE, VGA_GC_MISC,
	VGA_GC_DONT_CARE, VGA_GC_BIT_MASK, VGA_GCS
};

enum vga_crtc {
	VGA_CR_H_TOTAL = 0x00, VGA_CR_H_DISPLAY_END = 0x01, VGA_CR_V_TOTAL = 0x06, VGA_CR_OVERFLOW = 0x07,
	VGA_CR_PRESET_SCAN = 0x08, VGA_CR_MAX_SCAN = 0x09, VGA_CR_CURSOR_START = 0x0a, VGA_CR_CURSOR_END = 0x0b,
	VGA_CR_START_HIGH = 0x0c, VGA_CR_START_LOW = 0x0d, VGA_CR_CURSOR_HIGH = 0x0e, VGA_CR_CURSOR_LOW = 0x0f,
	VGA_CR_V_RETRACE_START = 0x10, VGA_CR_V_RETRACE_END = 0x11, VGA_CR_V_DISPLAY_END = 0x12,
	VGA_CR_OFFSET = 0x13, VGA_CR_UNDERLINE = 0x14, VGA_CR_MODE = 0x17, VGA_CR_LINE_COMPARE = 0x18, VGA_CRS
};

enum vga_attribute {
	VGA_AC_MODE = 0x10, VGA_AC_OVERSCAN, VGA_AC_PLANES, VGA_AC_PAN, VGA_AC_COLOR_SELECT, VGA_ACS
};

#define VGA_AC_MODE_GRAPHICS 0x01u
#define VGA_AC_MODE_LINE 0x04u  /* C0h-DFh: the 9th dot is the 8th */
#define VGA_AC_MODE_BLINK 0x08u
#define VGA_AC_INDEX_ON 0x20u   /* the palette belongs to the picture */
#define VGA_STATUS_BLANK 0x01u
#define VGA_STATUS_RETRACE 0x08u
#define VGA_CGA_ON 0x08u
#define VGA_CGA_GRAPHICS 0x02u
#define VGA_CGA_BLINK 0x20u

struct vga {
	struct bus *bus;
	struct clock *clock;
	struct region *window;
	uint8_t enabled; /* 3C3h */
	uint8_t misc, feature;
	uint8_t seq_index, seq[VGA_SEQS];
	uint8_t gc_index, gc[VGA_GCS];
	uint8_t cr_index, cr[VGA_CRS];
	uint8_t ac_index, ac[VGA_ACS]; /* index with VGA_AC_INDEX_ON */
	bool ac_data;                  /* the next write to 3C0h is data */
	uint8_t dac[256][3], dac_mask, dac_read, dac_write, dac_step, dac_state;
	uint8_t dac_latch[2];          /* red and green, until blue comes */
	bool cga_off;                  /* 3D8h said so */
	uint8_t latch[4];
	uint64_t generation;           /* grows with every change a picture could show */
	uint8_t plane[4][VGA_PLANE];
};

/* Ports and window, reset.  False: out of memory. */
bool vga_init(struct vga *vga, struct bus *bus, struct clock *clock);
/* Registers as after reset; memory stays. */
void vga_reset(struct vga *vga);
/* What video firmware leaves: mode 3 (80 columns, 25 or 50 rows), colours,
 * font, a cleared screen. */
void vga_set_text_mode(struct vga *vga, unsigned rows);

/* Where the beam is at a tick. */
struct vga_beam {
	uint64_t frame;       /* frames since the start, at the present timing */
	unsigned line, column; /* of the frame; column in characters */
	bool display;         /* inside the picture */
	bool retrace;         /* vertical */
};
struct vga_beam vga_beam(const struct vga *vga, uint64_t tick);
/* Does the picture come from characters (false: graphics)? */
bool vga_is_text(const struct vga *vga);

/* The memory behind the window; used by vga.c alone. */
uint64_t vga_memory_read(void *vga, uint64_t offset, unsigned bytes);
void vga_memory_write(void *vga, uint64_t offset, unsigned bytes, uint64_t value);

/* ---- the picture as data (vga_text.c, vga_dots.c) ---- */
#define VGA_MAX_COLUMNS 160u
#define VGA_MAX_ROWS 100u
#define VGA_MAX_WIDTH (VGA_MAX_COLUMNS * 18u)
#define VGA_MAX_HEIGHT 2048u

struct vga_cell {
	uint8_t character, attribute;
};

struct vga_screen {
	uint64_t generation;
	bool on;       /* false: black */
	bool graphics; /* no rows then */
	unsigned rows, columns;
	bool clipped;  /* there is more than VGA_MAX_* of them */
	unsigned width, height; /* dots and scan lines of the picture; 0 where nothing is on */
	unsigned dot_repeat;    /* 2: each dot is shown twice */
	unsigned colors, pixel_width, pixel_height; /* of graphics: how many colours, and pixels */
	unsigned cell_width, cell_height; /* dots and scan lines; 9 wide: one dot more than the glyph */
	unsigned scan_repeat;             /* 2: each scan line of a cell is shown twice */
	bool line_graphics;               /* 9 wide: characters C0h-DFh go on into the 9th dot */
	unsigned first_scan;              /* of the first row: smooth scrolling up */
	unsigned pan;                     /* dots to the left */
	unsigned underline;               /* its scan line, for attributes that have it (VGA_UNDERLINED) */
	bool monochrome;                  /* such attributes are underlined */
	bool blink;                       /* attribute bit 7: blinks (else a bright background) */
	bool blink_shown, cursor_shown;   /* at this moment of virtual time */
	struct {
		bool visible;             /* on and inside the picture */
		unsigned row, column;
		unsigned first, last;     /* scan lines of the cell */
	} cursor;
	uint32_t color[16];               /* of attributes, 00RRGGBBh */
	uint32_t border;
	/* One column more than is shown: panning moves it in. */
	struct vga_cell cell[VGA_MAX_ROWS][VGA_MAX_COLUMNS + 1];
};

#define VGA_UNDERLINED(attribute) (((attribute) & 0x77) == 0x01)

/* What is on the screen now.  No side effects for the guest. */
void vga_screen(const struct vga *vga, struct vga_screen *screen);
/* The scan lines of a character: 32 bytes, bit 7 the leftmost dot. */
const uint8_t *vga_glyph(const struct vga *vga, uint8_t character, uint8_t attribute);
/* The dots of a scan line (below screen->height) of the picture that screen was filled in from, 00RRGGBBh;
 * width of them. */
void vga_scan_line(const struct vga *vga, const struct vga_screen *screen, unsigned line, uint32_t *dots);
/* The colour of an entry of the DAC, 00RRGGBBh. */
uint32_t vga_dac_color(const struct vga *vga, unsigned index);
/* The byte of a plane that the address counter's value ma selects in scan line `scan` of a row. */
unsigned vga_plane_address(const struct vga *vga, unsigned ma, unsigned scan);
/* The first row whose addresses count from 0 again (line compare); cell_height, scan_repeat and first_scan
 * of screen must be there. */
unsigned vga_split_row(const struct vga *vga, const struct vga_screen *screen);
/* Which rows look different: changed[row].  Returns how many; everything
 * counts as changed where the shape of the picture is another. */
unsigned vga_screen_changes(const struct vga_screen *before, const struct vga_screen *now, bool changed[VGA_MAX_ROWS]);
/* The characters as UTF-8 lines without trailing blanks.  At most size bytes
 * with the NUL are written; returns the length of the whole text. */
size_t vga_screen_text(const struct vga_screen *screen, char *text, size_t size);
/* The Unicode character of code page 437's c as it is shown (00h and FFh: a blank). */
unsigned vga_unicode(uint8_t c);

#endif
