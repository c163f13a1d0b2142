/* The window into the planes: which byte of which planes an access means, and
 * what the graphics controller does with it.
 * IBM PS/2 Hardware Interface Technical Reference, "Graphics Controller
 * Registers", "Memory Mode Register", "Display Memory Addressing". */
#include "devices/vga.h"

#define SEQ_MEMORY_SEQUENTIAL 0x04u
#define SEQ_MEMORY_CHAIN4 0x08u
#define GC_MODE_COMPARE 0x08u
#define GC_MODE_ODD_EVEN 0x10u
#define GC_MISC_CHAIN 0x02u
#define NOWHERE UINT32_MAX

/* The place in the window that is mapped, or NOWHERE. */
static uint32_t mapped(const struct vga *vga, uint32_t at)
{
	static const struct {
		uint32_t start, size;
	} map[4] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
	unsigned m = vga->gc[VGA_GC_MISC] >> 2 & 3u;

	if (!(vga->misc & VGA_MISC_RAM) || !(vga->enabled & 1) || at - map[m].start >= map[m].size)
		return NOWHERE;
	return at - map[m].start;
}

/* Odd/even: A0 selects the planes and is replaced. */
static uint32_t odd_even(const struct vga *vga, uint32_t at)
{
	if (!(vga->gc[VGA_GC_MISC] & GC_MISC_CHAIN))
		return at & (VGA_PLANE - 1);
	return (at & (VGA_PLANE - 2)) | at >> 16;
}

static uint8_t compare(const struct vga *vga)
{
	uint8_t same = 0xff;

	for (unsigned p = 0; p < 4; p++) {
		uint8_t wanted = vga->gc[VGA_GC_COMPARE] >> p & 1 ? 0xff : 0;

		if (vga->gc[VGA_GC_DONT_CARE] >> p & 1)
			same &= (uint8_t)~(vga->latch[p] ^ wanted);
	}
	return same;
}

static uint8_t read_byte(struct vga *vga, uint32_t window)
{
	uint32_t at = mapped(vga, window), address = at & (VGA_PLANE - 1);
	unsigned p = vga->gc[VGA_GC_READ_MAP];

	if (at == NOWHERE)
		return 0xff;
	if (vga->seq[VGA_SEQ_MEMORY] & SEQ_MEMORY_CHAIN4) {
		p = at & 3;
		address &= ~UINT32_C(3);
	} else if (vga->gc[VGA_GC_MODE] & GC_MODE_ODD_EVEN) {
		p = (p & 2) | (at & 1);
		address = odd_even(vga, at);
	}
	for (unsigned i = 0; i < 4; i++)
		vga->latch[i] = vga->plane[i][address];
	return vga->gc[VGA_GC_MODE] & GC_MODE_COMPARE ? compare(vga) : vga->latch[p];
}

static uint8_t rotated(const struct vga *vga, uint8_t value)
{
	unsigned n = vga->gc[VGA_GC_ROTATE] & 7u;

	return (uint8_t)(value >> n | value << (8 - n));
}

static uint8_t combine(const struct vga *vga, uint8_t value, uint8_t latch)
{
	switch (vga->gc[VGA_GC_ROTATE] >> 3 & 3) {
	case 1:
		return value & latch;
	case 2:
		return value | latch;
	case 3:
		return value ^ latch;
	default:
		return value;
	}
}

/* What goes into a plane. */
static uint8_t plane_value(const struct vga *vga, unsigned p, uint8_t value)
{
	uint8_t latch = vga->latch[p], mask = vga->gc[VGA_GC_BIT_MASK];
	uint8_t set = vga->gc[VGA_GC_SET] >> p & 1 ? 0xff : 0;
	uint8_t source = rotated(vga, value);

	switch (vga->gc[VGA_GC_MODE] & 3) {
	case 1:
		return latch;
	case 2:
		source = value >> p & 1 ? 0xff : 0;
		break;
	case 3:
		mask &= source;
		source = set;
		break;
	default:
		if (vga->gc[VGA_GC_ENABLE_SET] >> p & 1)
			source = set;
		break;
	}
	return (uint8_t)((combine(vga, source, latch) & mask) | (latch & ~mask));
}

static void write_byte(struct vga *vga, uint32_t window, uint8_t value)
{
	uint32_t at = mapped(vga, window), address = at & (VGA_PLANE - 1);
	unsigned planes = vga->seq[VGA_SEQ_MAP_MASK];

	if (at == NOWHERE)
		return;
	if (vga->seq[VGA_SEQ_MEMORY] & SEQ_MEMORY_CHAIN4) {
		planes &= 1u << (at & 3);
		address &= ~UINT32_C(3);
	} else if (!(vga->seq[VGA_SEQ_MEMORY] & SEQ_MEMORY_SEQUENTIAL)) {
		planes &= at & 1 ? 0xau : 0x5u;
		address = odd_even(vga, at);
	}
	for (unsigned p = 0; p < 4; p++) {
		uint8_t now = plane_value(vga, p, value);

		if (!(planes >> p & 1) || vga->plane[p][address] == now)
			continue;
		vga->plane[p][address] = now;
		vga->generation++;
	}
}

uint64_t vga_memory_read(void *device, uint64_t offset, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)read_byte(device, (uint32_t)offset + i) << (8 * i);
	return value;
}

void vga_memory_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	for (unsigned i = 0; i < bytes; i++)
		write_byte(device, (uint32_t)offset + i, (uint8_t)(value >> (8 * i)));
}
