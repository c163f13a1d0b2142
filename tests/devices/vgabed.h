/* A bench with a VGA. */
#ifndef TRAPGATE_TESTS_DEVICES_VGABED_H
#define TRAPGATE_TESTS_DEVICES_VGABED_H

#include "bed.h"

#include <stdlib.h>

#include "devices/vga.h"

struct bench {
	struct bed bed;
	struct vga vga;
	struct vga_screen screen, before;
};

static inline struct bench *open_bench(unsigned rows)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	bed_open(&b->bed);
	assert_true(vga_init(&b->vga, b->bed.bus, &b->bed.clock));
	if (rows)
		vga_set_text_mode(&b->vga, rows);
	return b;
}

static inline void close_bench(struct bench *b)
{
	assert_int_equal(b->bed.gaps, 0);
	bed_close(&b->bed);
	free(b);
}

static inline void set(struct bench *b, unsigned port, unsigned index, unsigned value)
{
	out8(&b->bed, port, index);
	out8(&b->bed, port + 1, value);
}

static inline uint8_t get(struct bench *b, unsigned port, unsigned index)
{
	out8(&b->bed, port, index);
	return in8(&b->bed, port + 1);
}

static inline void set_ac(struct bench *b, unsigned index, unsigned value)
{
	in8(&b->bed, 0x3da);
	out8(&b->bed, 0x3c0, index);
	out8(&b->bed, 0x3c0, value);
}

static inline uint8_t get_ac(struct bench *b, unsigned index)
{
	in8(&b->bed, 0x3da);
	out8(&b->bed, 0x3c0, index);
	return in8(&b->bed, 0x3c1);
}

static inline void poke(struct bench *b, uint64_t at, unsigned value)
{
	bus_write(b->bed.bus, at, 1, value);
}

static inline uint8_t peek(struct bench *b, uint64_t at)
{
	return (uint8_t)bus_read(b->bed.bus, at, 1);
}

static inline void print(struct bench *b, unsigned cell, const char *text)
{
	for (; *text; text++, cell++)
		bus_write(b->bed.bus, 0xb8000 + 2 * cell, 2, 0x0700u | (uint8_t)*text);
}

static inline struct vga_screen *look(struct bench *b)
{
	vga_screen(&b->vga, &b->screen);
	return &b->screen;
}

#endif
