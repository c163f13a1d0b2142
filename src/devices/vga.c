#include "devices/vga.h"

#include <string.h>

#include "devices/bytewise.h"
#include "devices/font.h"

#define SEQ_CLOCKING_8DOT 0x01u
#define SEQ_CLOCKING_HALF 0x08u
#define CR_PROTECT 0x80u
#define CR_INTERRUPT_KEEP 0x10u /* 0: clear the interrupt */
#define CR_INTERRUPT_OFF 0x20u
#define CR_OVERFLOW_COMPARE 0x10u
#define CR_MODE_DOUBLE 0x04u
#define DAC_STATE_READ 3
#define STATUS0_SENSE 0x10u

static const uint8_t seq_mask[VGA_SEQS] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
static const uint8_t gc_mask[VGA_GCS] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
static const uint8_t cr_mask[VGA_CRS] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0x3f, 0x7f, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xef, 0xff,
};
static const uint8_t ac_mask[VGA_ACS] = {
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f,
};

/* ---- timing ---- */
struct timing {
	uint64_t hz;                  /* dots */
	uint64_t dots, columns, lines; /* of a character, of a line with its blank part, of a frame */
	unsigned display_columns, display_lines, retrace_first, retrace_lines;
};

static struct timing timing_of(const struct vga *vga)
{
	const uint8_t *cr = vga->cr;
	unsigned over = cr[VGA_CR_OVERFLOW], start, end;
	struct timing t = {.hz = (vga->misc >> 2 & 3) == 1 ? 28322000 : 25175000};
	uint64_t doubled = cr[VGA_CR_MODE] & CR_MODE_DOUBLE ? 2 : 1;

	t.dots = vga->seq[VGA_SEQ_CLOCKING] & SEQ_CLOCKING_8DOT ? 8 : 9;
	t.dots <<= vga->seq[VGA_SEQ_CLOCKING] & SEQ_CLOCKING_HALF ? 1 : 0;
	t.columns = cr[VGA_CR_H_TOTAL] + 5u;
	t.lines = ((cr[VGA_CR_V_TOTAL] | (over & 1u) << 8 | (over >> 5 & 1u) << 9) + 2u) * doubled;
	t.display_columns = cr[VGA_CR_H_DISPLAY_END] + 1u;
	t.display_lines = (cr[VGA_CR_V_DISPLAY_END] | (over >> 1 & 1u) << 8 | (over >> 6 & 1u) << 9) + 1u;
	start = cr[VGA_CR_V_RETRACE_START] | (over >> 2 & 1u) << 8 | (over >> 7 & 1u) << 9;
	end = cr[VGA_CR_V_RETRACE_END] & 15u;
	t.retrace_lines = ((end - start) & 15u) ? (end - start) & 15u : 16u;
	t.retrace_lines *= (unsigned)doubled;
	t.display_lines *= (unsigned)doubled;
	t.retrace_first = start * (unsigned)doubled;
	return t;
}

struct vga_beam vga_beam(const struct vga *vga, uint64_t tick)
{
	struct timing t = timing_of(vga);
	uint64_t character = clock_ticks_to_cycles(tick, t.hz) / t.dots;
	struct vga_beam beam = {
		.frame = character / (t.columns * t.lines),
		.line = (unsigned)(character / t.columns % t.lines),
		.column = (unsigned)(character % t.columns),
	};

	beam.display = beam.line < t.display_lines && beam.column < t.display_columns;
	beam.retrace = beam.line - t.retrace_first < t.retrace_lines;
	return beam;
}

static uint8_t status1(const struct vga *vga)
{
	struct vga_beam beam = vga_beam(vga, vga->clock->now);

	return (uint8_t)((beam.display ? 0 : VGA_STATUS_BLANK) | (beam.retrace ? VGA_STATUS_RETRACE : 0));
}

/* ---- registers ---- */
bool vga_is_text(const struct vga *vga)
{
	return !(vga->ac[VGA_AC_MODE] & VGA_AC_MODE_GRAPHICS);
}

static void set(struct vga *vga, uint8_t *reg, uint8_t value)
{
	if (*reg == value)
		return;
	*reg = value;
	vga->generation++;
}

/* A register of a bank; what lies past its end is not there. */
static uint8_t get_indexed(const uint8_t *bank, unsigned count, unsigned index)
{
	return index < count ? bank[index] : 0;
}

static void set_indexed(struct vga *vga, uint8_t *bank, const uint8_t *mask, unsigned count, unsigned index,
			uint8_t value)
{
	if (index < count)
		set(vga, &bank[index], value & mask[index]);
}

static void write_crtc(struct vga *vga, unsigned index, uint8_t value)
{
	if (index <= VGA_CR_OVERFLOW && (vga->cr[VGA_CR_V_RETRACE_END] & CR_PROTECT)) {
		if (index != VGA_CR_OVERFLOW)
			return;
		value = (uint8_t)((value & CR_OVERFLOW_COMPARE) | (vga->cr[index] & ~CR_OVERFLOW_COMPARE));
	}
	if (index == VGA_CR_V_RETRACE_END && (value & CR_INTERRUPT_KEEP) && !(value & CR_INTERRUPT_OFF))
		bus_gap(vga->bus, "VGA: vertical retrace interrupt");
	set_indexed(vga, vga->cr, cr_mask, VGA_CRS, index, value);
}

static void write_attribute(struct vga *vga, uint8_t value)
{
	unsigned index = vga->ac_index & 0x1fu;

	vga->ac_data = !vga->ac_data;
	if (vga->ac_data)
		set(vga, &vga->ac_index, value & 0x3f);
	else if (index >= VGA_AC_MODE || !(vga->ac_index & VGA_AC_INDEX_ON))
		set_indexed(vga, vga->ac, ac_mask, VGA_ACS, index, value);
}

static uint8_t read_dac(struct vga *vga)
{
	uint8_t value = vga->dac[vga->dac_read][vga->dac_step];

	vga->dac_step = (uint8_t)((vga->dac_step + 1) % 3);
	if (vga->dac_step == 0)
		vga->dac_read++;
	return value;
}

static void write_dac(struct vga *vga, uint8_t value)
{
	uint8_t *entry = vga->dac[vga->dac_write];

	value &= 0x3f;
	if (vga->dac_step < 2) {
		vga->dac_latch[vga->dac_step++] = value;
		return;
	}
	set(vga, &entry[0], vga->dac_latch[0]);
	set(vga, &entry[1], vga->dac_latch[1]);
	set(vga, &entry[2], value);
	vga->dac_step = 0;
	vga->dac_write++;
}

static void write_cga_mode(struct vga *vga, uint8_t value)
{
	uint8_t mode = vga->ac[VGA_AC_MODE] & (uint8_t)~VGA_AC_MODE_BLINK;
	bool off = !(value & VGA_CGA_ON);

	if (value & VGA_CGA_GRAPHICS)
		bus_gap(vga->bus, "VGA: a graphics mode by the CGA's mode control register");
	set(vga, &vga->ac[VGA_AC_MODE], (uint8_t)(mode | (value & VGA_CGA_BLINK ? VGA_AC_MODE_BLINK : 0)));
	vga->generation += off != vga->cga_off;
	vga->cga_off = off;
}

/* ---- ports ---- */

/* 3B4h-3BAh and 3D4h-3DAh by their last digit. */
static uint8_t read_crtc_port(struct vga *vga, unsigned reg)
{
	switch (reg) {
	case 0x4:
		return vga->cr_index;
	case 0x5:
		return get_indexed(vga->cr, VGA_CRS, vga->cr_index);
	case 0xa:
		vga->ac_data = false;
		return status1(vga);
	default:
		return 0xff;
	}
}

static void write_crtc_port(struct vga *vga, uint16_t port, uint8_t value)
{
	switch (port & 0xf) {
	case 0x4:
		vga->cr_index = value & 0x1f;
		break;
	case 0x5:
		write_crtc(vga, vga->cr_index, value);
		break;
	case 0x8:
		if (port == 0x3d8)
			write_cga_mode(vga, value);
		break;
	case 0x9:
		if (port == 0x3d9)
			set(vga, &vga->ac[VGA_AC_OVERSCAN], value & 0x0f);
		break;
	case 0xa:
		vga->feature = value & 0x08;
		break;
	default:
		break;
	}
}

static uint8_t read_general_port(struct vga *vga, unsigned reg)
{
	switch (reg) {
	case 0x0:
		return vga->ac_index;
	case 0x1:
		return get_indexed(vga->ac, VGA_ACS, vga->ac_index & 0x1fu);
	case 0x2:
		return STATUS0_SENSE;
	case 0x4:
		return vga->seq_index;
	case 0x5:
		return get_indexed(vga->seq, VGA_SEQS, vga->seq_index);
	case 0x6:
		return vga->dac_mask;
	case 0x7:
		return vga->dac_state;
	case 0x8:
		return vga->dac_write;
	case 0x9:
		return read_dac(vga);
	case 0xa:
		return vga->feature;
	case 0xc:
		return vga->misc;
	case 0xe:
		return vga->gc_index;
	case 0xf:
		return get_indexed(vga->gc, VGA_GCS, vga->gc_index);
	default:
		return 0xff;
	}
}

/* 3C6h-3C9h */
static void write_dac_port(struct vga *vga, unsigned reg, uint8_t value)
{
	switch (reg) {
	case 0x6:
		set(vga, &vga->dac_mask, value);
		break;
	case 0x7:
		vga->dac_read = value;
		vga->dac_step = 0;
		vga->dac_state = DAC_STATE_READ;
		break;
	case 0x8:
		vga->dac_write = value;
		vga->dac_step = 0;
		vga->dac_state = 0;
		break;
	default:
		write_dac(vga, value);
		break;
	}
}

static void write_general_port(struct vga *vga, unsigned reg, uint8_t value)
{
	switch (reg) {
	case 0x0:
		write_attribute(vga, value);
		break;
	case 0x2:
		set(vga, &vga->misc, value & 0xef);
		break;
	case 0x4:
		vga->seq_index = value & 7;
		break;
	case 0x5:
		set_indexed(vga, vga->seq, seq_mask, VGA_SEQS, vga->seq_index, value);
		break;
	case 0x6:
	case 0x7:
	case 0x8:
	case 0x9:
		write_dac_port(vga, reg, value);
		break;
	case 0xe:
		vga->gc_index = value & 0x0f;
		break;
	case 0xf:
		set_indexed(vga, vga->gc, gc_mask, VGA_GCS, vga->gc_index, value);
		break;
	default:
		break;
	}
}

/* Is the CRT controller at these ports (3Bxh or 3Dxh)? */
static bool crtc_here(const struct vga *vga, uint16_t port)
{
	return (port & 0xff0) == (vga->misc & VGA_MISC_COLOR ? 0x3d0 : 0x3b0);
}

static uint8_t read_port(void *device, uint16_t port)
{
	struct vga *vga = device;

	if (port == 0x3c3)
		return vga->enabled;
	if (!(vga->enabled & 1))
		return 0xff;
	if ((port & 0xff0) == 0x3c0)
		return read_general_port(vga, port & 0xf);
	return crtc_here(vga, port) ? read_crtc_port(vga, port & 0xf) : 0xff;
}

static void write_port(void *device, uint16_t port, uint8_t value)
{
	struct vga *vga = device;

	if (port == 0x3c3)
		set(vga, &vga->enabled, value & 1);
	else if (!(vga->enabled & 1))
		return;
	else if ((port & 0xff0) == 0x3c0)
		write_general_port(vga, port & 0xf, value);
	else if (crtc_here(vga, port))
		write_crtc_port(vga, port, value);
}

static uint32_t port_read(void *device, uint16_t port, unsigned bytes)
{
	return bytewise_read(read_port, device, port, bytes);
}

static void port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	bytewise_write(write_port, device, port, bytes, value);
}

/* ---- the board's side ---- */

/* 64 colours: two bits of intensity for each primary, rgbRGB. */
static void load_colors(struct vga *vga)
{
	memset(vga->dac, 0, sizeof(vga->dac));
	for (unsigned i = 0; i < 64; i++) {
		for (unsigned c = 0; c < 3; c++)
			vga->dac[i][c] = (uint8_t)((i >> (2 - c) & 1) * 0x2a + (i >> (5 - c) & 1) * 0x15);
	}
	vga->dac_mask = 0xff;
}

void vga_set_text_mode(struct vga *vga, unsigned rows)
{
	static const uint8_t seq[VGA_SEQS] = {0x03, 0x00, 0x03, 0x00, 0x02};
	static const uint8_t cr[VGA_CRS] = {
		0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
		0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff,
	};
	static const uint8_t gc[VGA_GCS] = {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x0f, 0xff};
	static const uint8_t ac[VGA_ACS] = {
		0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a,
		0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00,
	};
	bool small = rows == 50;

	vga_reset(vga);
	vga->misc = 0x67;
	memcpy(vga->seq, seq, sizeof(seq));
	memcpy(vga->cr, cr, sizeof(cr));
	memcpy(vga->gc, gc, sizeof(gc));
	memcpy(vga->ac, ac, sizeof(ac));
	vga->ac_index = VGA_AC_INDEX_ON;
	if (small) {
		vga->cr[VGA_CR_MAX_SCAN] = 0x47;
		vga->cr[VGA_CR_CURSOR_START] = 0x06;
		vga->cr[VGA_CR_CURSOR_END] = 0x07;
	}
	load_colors(vga);
	memset(vga->plane, 0, sizeof(vga->plane));
	for (unsigned i = 0; i < VGA_PLANE / 2; i += 2) {
		vga->plane[0][i] = ' ';
		vga->plane[1][i] = 0x07;
	}
	for (unsigned c = 0; c < 256; c++)
		font_glyph((uint8_t)c, small ? 8 : 16, &vga->plane[2][32 * c]);
}

void vga_reset(struct vga *vga)
{
	vga->enabled = 1;
	vga->misc = vga->feature = 0;
	vga->seq_index = vga->gc_index = vga->cr_index = vga->ac_index = 0;
	memset(vga->seq, 0, sizeof(vga->seq));
	memset(vga->gc, 0, sizeof(vga->gc));
	memset(vga->cr, 0, sizeof(vga->cr));
	memset(vga->ac, 0, sizeof(vga->ac));
	memset(vga->dac, 0, sizeof(vga->dac));
	memset(vga->latch, 0, sizeof(vga->latch));
	memset(vga->dac_latch, 0, sizeof(vga->dac_latch));
	vga->ac_data = vga->cga_off = false;
	vga->dac_mask = vga->dac_read = vga->dac_write = vga->dac_step = vga->dac_state = 0;
	vga->generation++;
}

bool vga_init(struct vga *vga, struct bus *bus, struct clock *clock)
{
	static const struct port_ops ops = {port_read, port_write};
	static const struct mmio_ops memory = {vga_memory_read, vga_memory_write};
	static const struct {
		uint16_t first;
		unsigned count;
	} range[] = {{0x3b4, 2}, {0x3ba, 1}, {0x3c0, 16}, {0x3d4, 2}, {0x3d8, 3}};

	memset(vga, 0, sizeof(*vga));
	vga->bus = bus;
	vga->clock = clock;
	vga_reset(vga);
	for (unsigned i = 0; i < sizeof(range) / sizeof(range[0]); i++) {
		if (!bus_add_ports(bus, "VGA", range[i].first, range[i].count, ops, vga))
			return false;
	}
	vga->window = bus_add_mmio(bus, "VGA memory", VGA_WINDOW, VGA_WINDOW_SIZE, memory, vga, 2);
	return vga->window != NULL;
}
