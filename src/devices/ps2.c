#include "devices/ps2.h"

#include <string.h>

/* Make codes 80h-FFh are their own translation but 83h (F7) and 84h (SysRq). */
const uint8_t ps2_set2_to_set1[256] = {
	0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59, /* 00 */
	0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b, /* 10 */
	0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d, /* 20 */
	0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f, /* 30 */
	0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61, /* 40 */
	0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76, /* 50 */
	0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, /* 60 */
	0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54, /* 70 */
	0x80, 0x81, 0x82, 0x41, 0x54, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, /* 80 */
	0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, /* 90 */
	0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, /* a0 */
	0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xbf, /* b0 */
	0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, /* c0 */
	0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, /* d0 */
	0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xed, 0xee, 0xef, /* e0 */
	0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff, /* f0 */
};

/* ---- queue ---- */
static void put(struct ps2_queue *q, unsigned value)
{
	if (q->count == PS2_QUEUE)
		return;
	q->data[(q->head + q->count) % PS2_QUEUE] = (uint8_t)value;
	q->count++;
}

uint8_t ps2_take(struct ps2_queue *q)
{
	uint8_t value = q->data[q->head];

	if (q->count) {
		q->head = (uint8_t)((q->head + 1) % PS2_QUEUE);
		q->count--;
	}
	return value;
}

/* ---- keyboard: keys ---- */
static uint8_t set2_code(uint8_t set1)
{
	unsigned i = 0x84;

	while (i && ps2_set2_to_set1[i] != set1)
		i--;
	return (uint8_t)i;
}

struct codes {
	uint8_t byte[8];
	unsigned count;
};

static void add(struct codes *c, unsigned value)
{
	c->byte[c->count++] = (uint8_t)value;
}

static void add_key(struct codes *c, unsigned set, uint8_t code, bool extended, bool down)
{
	if (extended)
		add(c, 0xe0);
	if (set == 1) {
		add(c, code | (down ? 0 : 0x80u));
		return;
	}
	if (!down)
		add(c, 0xf0);
	add(c, set2_code(code));
}

static struct codes codes_of(unsigned set, uint8_t key, bool down)
{
	static const uint8_t pause1[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};
	static const uint8_t pause2[] = {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77};
	struct codes c = {{0}, 0};

	if (key == PS2_KEY_PAUSE) { /* no break code */
		for (unsigned i = 0; down && i < (set == 1 ? sizeof(pause1) : sizeof(pause2)); i++)
			add(&c, set == 1 ? pause1[i] : pause2[i]);
	} else if (key == PS2_KEY_PRINT) { /* a left shift of its own around it */
		add_key(&c, set, down ? 0x2a : 0x37, true, down);
		add_key(&c, set, down ? 0x37 : 0x2a, true, down);
	} else {
		add_key(&c, set, key & 0x7f, key & PS2_KEY_E0, down);
	}
	return c;
}

void ps2_keyboard_key(struct ps2_keyboard *kb, uint8_t key, bool down)
{
	struct codes c = codes_of(kb->set, key, down);

	if (!(key & 0x7f) || !kb->scanning)
		return;
	if (down && key != PS2_KEY_PAUSE)
		kb->repeat = key;
	else if (kb->repeat == key)
		kb->repeat = 0;
	if (kb->out.count + c.count > PS2_KEYS) {
		if (kb->out.count < PS2_KEYS)
			put(&kb->out, kb->set == 1 ? 0xff : 0x00);
		return;
	}
	for (unsigned i = 0; i < c.count; i++)
		put(&kb->out, c.byte[i]);
}

/* Bits 6-5: 250 ms * (n + 1).  Bits 4-0: (8 + bits 2-0) * 2^(bits 4-3) * 4.17 ms. */
unsigned ps2_keyboard_delay(const struct ps2_keyboard *kb)
{
	return 250000u * ((kb->typematic >> 5 & 3u) + 1);
}

unsigned ps2_keyboard_period(const struct ps2_keyboard *kb)
{
	return 4170u * ((8u + (kb->typematic & 7u)) << (kb->typematic >> 3 & 3u));
}

/* ---- keyboard: commands ---- */
static void keyboard_defaults(struct ps2_keyboard *kb)
{
	kb->set = 2;
	kb->typematic = 0x2b; /* 500 ms, 10.9 a second */
	kb->repeat = 0;
	kb->out.count = 0;
}

void ps2_keyboard_reset(struct ps2_keyboard *kb)
{
	memset(kb, 0, sizeof(*kb));
	keyboard_defaults(kb);
	kb->scanning = true;
	kb->self_test = true;
	put(&kb->out, PS2_BAT_OK);
}

static void keyboard_parameter(struct ps2_keyboard *kb, uint8_t value)
{
	uint8_t command = kb->command;

	kb->command = 0;
	switch (command) {
	case 0xed:
		kb->leds = value & 7;
		break;
	case 0xf0:
		if (value > 2) {
			put(&kb->out, PS2_RESEND); /* no set 3 */
			return;
		}
		if (value)
			kb->set = value;
		break;
	default:
		kb->typematic = value & 0x7f;
		break;
	}
	put(&kb->out, PS2_ACK);
	if (command == 0xf0 && value == 0)
		put(&kb->out, kb->set);
}

static void keyboard_command(struct ps2_keyboard *kb, uint8_t value)
{
	switch (value) {
	case 0xed: /* LEDs */
	case 0xf0: /* scan code set */
	case 0xf3: /* typematic */
		kb->command = value;
		put(&kb->out, PS2_ACK);
		break;
	case 0xee: /* echo */
		put(&kb->out, 0xee);
		break;
	case 0xf2: /* identity */
		put(&kb->out, PS2_ACK);
		put(&kb->out, 0xab);
		put(&kb->out, 0x83);
		break;
	case 0xf4: /* enable */
		kb->out.count = 0;
		kb->scanning = true;
		put(&kb->out, PS2_ACK);
		break;
	case 0xf5: /* defaults, disable */
	case 0xf6: /* defaults */
		keyboard_defaults(kb);
		kb->scanning = value == 0xf6;
		put(&kb->out, PS2_ACK);
		break;
	case 0xfe:
		put(&kb->out, kb->last);
		break;
	case 0xff:
		ps2_keyboard_reset(kb);
		kb->out.count = 0;
		put(&kb->out, PS2_ACK);
		put(&kb->out, PS2_BAT_OK);
		break;
	default: /* F7h-FDh: key types of set 3 */
		put(&kb->out, value >= 0xf7 && value <= 0xfa ? PS2_ACK : PS2_RESEND);
		break;
	}
}

void ps2_keyboard_write(struct ps2_keyboard *kb, uint8_t value)
{
	/* A byte with bit 7 set is a command even where a parameter is due. */
	if (kb->command && value < 0x80) {
		keyboard_parameter(kb, value);
		return;
	}
	kb->command = 0;
	keyboard_command(kb, value);
}

/* ---- mouse ---- */
static void mouse_defaults(struct ps2_mouse *m)
{
	m->reporting = m->remote = m->wrap = m->scaling = false;
	m->resolution = 2;
	m->rate = 100;
	m->out.count = 0;
	m->dx = m->dy = m->dz = 0;
	m->moved = false;
}

void ps2_mouse_reset(struct ps2_mouse *m)
{
	uint8_t buttons = m->buttons;

	memset(m, 0, sizeof(*m));
	m->buttons = buttons;
	mouse_defaults(m);
	m->self_test = true;
	put(&m->out, PS2_BAT_OK);
	put(&m->out, 0x00);
}

static int clamp(int value, int limit)
{
	return value < -limit ? -limit : value > limit ? limit : value;
}

static void mouse_packet(struct ps2_mouse *m)
{
	int dx = clamp(m->dx, 255), dy = clamp(m->dy, 255), dz = clamp(m->dz, 7);

	put(&m->out, 0x08u | (m->buttons & 7u) | (dx < 0 ? 0x10u : 0) | (dy < 0 ? 0x20u : 0));
	put(&m->out, (unsigned)dx & 0xff);
	put(&m->out, (unsigned)dy & 0xff);
	if (m->id == 3)
		put(&m->out, (unsigned)dz & 0xff);
	if (m->id == 4)
		put(&m->out, ((unsigned)dz & 0x0f) | (m->buttons & 0x18u) << 1);
	m->dx -= dx;
	m->dy -= dy;
	m->dz -= m->id ? dz : m->dz;
	m->moved = m->dx || m->dy || m->dz;
}

void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz, uint8_t buttons)
{
	m->dx = clamp(m->dx + clamp(dx, 0x4000), 0x4000);
	m->dy = clamp(m->dy + clamp(dy, 0x4000), 0x4000);
	m->dz = clamp(m->dz + clamp(dz, 0x40), 0x40);
	m->moved = true;
	m->buttons = buttons & 0x1f;
	if (m->reporting && !m->remote && !m->wrap && m->out.count == 0)
		mouse_packet(m);
}

/* The sample rates 200, 100, 80 in a row switch the wheel on (id 3), then
 * 200, 200, 80 the side buttons (id 4). */
static void mouse_rate(struct ps2_mouse *m, uint8_t rate)
{
	m->rate = rate;
	if (rate == 200)
		m->knock = m->knock == 1 ? 3 : 1;
	else if (rate == 100)
		m->knock = m->knock == 1 ? 2 : 0;
	else if (rate == 80 && m->knock == 2)
		m->id = 3;
	else if (rate == 80 && m->knock == 3 && m->id == 3)
		m->id = 4;
	if (rate != 200 && rate != 100)
		m->knock = 0;
}

static void mouse_status(struct ps2_mouse *m)
{
	uint8_t b = m->buttons;

	put(&m->out, (b & 1u ? 4u : 0) | (b & 2u ? 1u : 0) | (b & 4u ? 2u : 0) | (m->scaling ? 0x10u : 0) |
			     (m->reporting ? 0x20u : 0) | (m->remote ? 0x40u : 0));
	put(&m->out, m->resolution);
	put(&m->out, m->rate);
}

static void mouse_mode(struct ps2_mouse *m, uint8_t value)
{
	switch (value) {
	case 0xe6:
	case 0xe7:
		m->scaling = value == 0xe7;
		break;
	case 0xea: /* stream mode */
	case 0xf0: /* remote mode */
		m->remote = value == 0xf0;
		break;
	case 0xec:
	case 0xee:
		m->wrap = value == 0xee;
		break;
	case 0xf4:
	case 0xf5:
		m->reporting = value == 0xf4;
		m->dx = m->dy = m->dz = 0; /* the movement counters are reset */
		m->moved = false;
		break;
	default:
		mouse_defaults(m);
		break;
	}
	put(&m->out, PS2_ACK);
}

static void mouse_command(struct ps2_mouse *m, uint8_t value)
{
	switch (value) {
	case 0xe6: case 0xe7: case 0xea: case 0xec: case 0xee: case 0xf0: case 0xf4: case 0xf5: case 0xf6:
		mouse_mode(m, value);
		break;
	case 0xe8: /* resolution */
	case 0xf3: /* sample rate */
		m->command = value;
		put(&m->out, PS2_ACK);
		break;
	case 0xe9:
		put(&m->out, PS2_ACK);
		mouse_status(m);
		break;
	case 0xeb:
		put(&m->out, PS2_ACK);
		mouse_packet(m);
		break;
	case 0xf2:
		put(&m->out, PS2_ACK);
		put(&m->out, m->id);
		break;
	case 0xfe:
		put(&m->out, m->last);
		break;
	case 0xff:
		ps2_mouse_reset(m);
		m->out.count = 0;
		put(&m->out, PS2_ACK);
		put(&m->out, PS2_BAT_OK);
		put(&m->out, 0x00);
		break;
	default:
		put(&m->out, PS2_RESEND);
		break;
	}
}

void ps2_mouse_write(struct ps2_mouse *m, uint8_t value)
{
	uint8_t command = m->command;

	/* A command drops what was waiting to be sent. */
	m->out.count = 0;
	m->command = 0;
	if (m->wrap && value != 0xff && value != 0xec) {
		put(&m->out, value);
	} else if (command == 0xe8) {
		m->resolution = value & 3;
		put(&m->out, PS2_ACK);
	} else if (command == 0xf3) {
		mouse_rate(m, value);
		put(&m->out, PS2_ACK);
	} else {
		mouse_command(m, value);
	}
}
