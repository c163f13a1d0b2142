#include "devices/i8042.h"

#include <string.h>

#include "devices/bytewise.h"
#include "devices/order.h"

static void drive(struct i8042 *k, struct irq_line *line, bool level)
{
	if (line->level != level)
		line_set(line, level, level ? clock_new_cause(k->clock) : 0);
}

static void update(struct i8042 *k)
{
	drive(k, &k->irq1, k->obf && !k->aux && (k->ram[0] & I8042_CB_INT));
	drive(k, &k->irq12, k->obf && k->aux && (k->ram[0] & I8042_CB_AUX_INT));
	drive(k, &k->a20, k->output_port & I8042_OUT_A20);
}

/* ---- the wires of keyboard and mouse ---- */
static bool keyboard_speaks(const struct i8042 *k)
{
	return k->keyboard.out.count && !(k->ram[0] & I8042_CB_DISABLE);
}

static bool mouse_speaks(const struct i8042 *k)
{
	return k->mouse.out.count && !(k->ram[0] & I8042_CB_AUX_DISABLE);
}

/* Both wires are held while the output buffer is full. */
static void kick(struct i8042 *k)
{
	uint64_t when = CLOCK_NEVER, soon = k->clock->now + I8042_BYTE_TIME;

	if (k->obf || timer_armed(&k->wire))
		return;
	if (keyboard_speaks(k))
		when = soon > k->keyboard_ready ? soon : k->keyboard_ready;
	if (mouse_speaks(k) && when > soon) {
		uint64_t ready = soon > k->mouse_ready ? soon : k->mouse_ready;

		when = when < ready ? when : ready;
	}
	timer_arm(&k->wire, when);
}

static void fill(struct i8042 *k, uint8_t value, bool aux)
{
	line_set(aux ? &k->irq12 : &k->irq1, false, 0); /* each byte is an edge */
	k->output = value;
	k->obf = true;
	k->aux = aux;
	update(k);
}

/* False: the byte was a prefix that translation swallows. */
static bool translate(struct i8042 *k, uint8_t *value)
{
	if (!(k->ram[0] & I8042_CB_TRANSLATE))
		return true;
	if (*value == 0xf0) {
		k->breaking = true;
		return false;
	}
	*value = ps2_set2_to_set1[*value] | (k->breaking ? 0x80 : 0);
	k->breaking = false;
	return true;
}

/* After the first byte (the acknowledge) of a reset the self test runs. */
static void sent(struct i8042 *k, bool *self_test, uint64_t *ready, uint8_t value)
{
	if (*self_test && value == PS2_ACK)
		*ready = k->clock->now + I8042_SELF_TEST_TIME;
	if (value == PS2_BAT_OK)
		*self_test = false;
}

static void wire_fire(void *owner, uint64_t when)
{
	struct i8042 *k = owner;
	uint8_t value;

	if (k->obf)
		return;
	if (keyboard_speaks(k) && when >= k->keyboard_ready) {
		k->keyboard.last = value = ps2_take(&k->keyboard.out);
		sent(k, &k->keyboard.self_test, &k->keyboard_ready, value);
		if (translate(k, &value))
			fill(k, value, false);
	} else if (mouse_speaks(k) && when >= k->mouse_ready) {
		k->mouse.last = value = ps2_take(&k->mouse.out);
		sent(k, &k->mouse.self_test, &k->mouse_ready, value);
		if (!k->mouse.out.count && k->mouse.moved)
			ps2_mouse_move(&k->mouse, 0, 0, 0, k->mouse.buttons);
		fill(k, value, true);
	}
	kick(k);
}

static void arm_typematic(struct i8042 *k, unsigned microseconds)
{
	if (k->keyboard.repeat)
		timer_arm(&k->typematic, k->clock->now + microseconds * (CLOCK_HZ / 1000000));
	else
		timer_cancel(&k->typematic);
}

static void typematic_fire(void *owner, uint64_t when)
{
	struct i8042 *k = owner;

	/* A key that is held says nothing new to a host that does not listen. */
	if (k->keyboard.repeat && k->keyboard.out.count == 0)
		ps2_keyboard_key(&k->keyboard, k->keyboard.repeat, true);
	arm_typematic(k, ps2_keyboard_period(&k->keyboard));
	kick(k);
}

void i8042_key(struct i8042 *k, uint8_t key, bool down)
{
	ps2_keyboard_key(&k->keyboard, key, down);
	arm_typematic(k, ps2_keyboard_delay(&k->keyboard));
	kick(k);
}

void i8042_mouse(struct i8042 *k, int dx, int dy, int dz, uint8_t buttons)
{
	ps2_mouse_move(&k->mouse, dx, dy, dz, buttons);
	kick(k);
}

static void to_keyboard(struct i8042 *k, uint8_t value)
{
	k->ram[0] &= (uint8_t)~I8042_CB_DISABLE;
	ps2_keyboard_write(&k->keyboard, value);
	if (!k->keyboard.repeat)
		timer_cancel(&k->typematic);
}

static void to_mouse(struct i8042 *k, uint8_t value)
{
	k->ram[0] &= (uint8_t)~I8042_CB_AUX_DISABLE;
	ps2_mouse_write(&k->mouse, value);
}

/* ---- controller commands ---- */
static void pulse_reset(struct i8042 *k)
{
	line_set(&k->reset, true, clock_new_cause(k->clock));
	line_set(&k->reset, false, 0);
}

static void write_output_port(struct i8042 *k, uint8_t value)
{
	k->output_port = value;
	update(k);
	if (!(value & I8042_OUT_RESET))
		pulse_reset(k);
}

static uint8_t read_output_port(const struct i8042 *k)
{
	return (uint8_t)((k->output_port & ~(I8042_OUT_IRQ1 | I8042_OUT_IRQ12)) | (k->irq1.level ? I8042_OUT_IRQ1 : 0) |
			 (k->irq12.level ? I8042_OUT_IRQ12 : 0));
}

/* Input port: lock open, colour display, manufacturing jumper off. */
static uint8_t input_port(void)
{
	return 0xa0;
}

static void set_bits(struct i8042 *k, uint8_t mask, bool on)
{
	k->ram[0] = (uint8_t)(on ? k->ram[0] | mask : k->ram[0] & ~mask);
	update(k);
	kick(k);
}

static void special_command(struct i8042 *k, uint8_t value)
{
	switch (value) {
	case 0xa7:
	case 0xa8:
		set_bits(k, I8042_CB_AUX_DISABLE, value == 0xa7);
		break;
	case 0xad:
	case 0xae:
		set_bits(k, I8042_CB_DISABLE, value == 0xad);
		break;
	case 0xa4: /* password: F1h: none installed */
		fill(k, 0xf1, false);
		break;
	case 0xa9: /* interface tests: 0: good */
	case 0xab:
		fill(k, 0x00, false);
		break;
	case 0xaa: /* self test */
		k->ram[0] |= I8042_CB_SYS;
		fill(k, 0x55, false);
		break;
	case 0xc0:
		fill(k, input_port(), false);
		break;
	case 0xc1: /* input port bits 3-0 or 7-4 to status bits 7-4 */
	case 0xc2:
		k->polling_input = true;
		k->indicator = (uint8_t)(value == 0xc1 ? input_port() << 4 : input_port() & 0xf0);
		break;
	case 0xd0:
		fill(k, read_output_port(k), false);
		break;
	case 0xdd:
	case 0xdf:
		write_output_port(k, (uint8_t)((k->output_port & ~I8042_OUT_A20) |
					       (value == 0xdf ? I8042_OUT_A20 : 0)));
		break;
	case 0xe0: /* test inputs: T0 is the keyboard's clock, T1 the mouse's, both idle */
		fill(k, 0x03, false);
		break;
	default:
		bus_gap(k->bus, "8042: command %02x", value);
		break;
	}
}

static void write_command(struct i8042 *k, uint8_t value)
{
	k->a2 = true;
	k->command = 0;
	k->polling_input = false;
	if (value >= 0x20 && value < 0x40) {
		fill(k, k->ram[value & 0x1f], false);
	} else if ((value >= 0x60 && value < 0x80) || (value >= 0xd1 && value <= 0xd4)) {
		k->command = value;
	} else if (value >= 0xf0) {
		if (!(value & I8042_OUT_RESET)) /* pulses the bits that are 0 */
			pulse_reset(k);
	} else {
		special_command(k, value);
	}
	update(k);
	kick(k);
}

static void write_data(struct i8042 *k, uint8_t value)
{
	uint8_t command = k->command;

	k->a2 = false;
	k->command = 0;
	k->polling_input = false;
	if (command >= 0x60 && command < 0x80) {
		k->ram[command & 0x1f] = value;
	} else if (command == 0xd1) {
		write_output_port(k, value);
	} else if (command == 0xd2 || command == 0xd3) {
		fill(k, value, command == 0xd3);
	} else if (command == 0xd4) {
		to_mouse(k, value);
	} else {
		to_keyboard(k, value);
	}
	update(k);
	kick(k);
}

/* ---- ports ---- */
static uint8_t status(const struct i8042 *k)
{
	uint8_t low = (k->obf ? I8042_STATUS_OBF : 0) | (k->ram[0] & I8042_CB_SYS) | (k->a2 ? I8042_STATUS_A2 : 0);

	if (k->polling_input)
		return low | k->indicator;
	return low | I8042_STATUS_INH | (k->obf && k->aux ? I8042_STATUS_AUX : 0);
}

static uint8_t read_port(void *device, uint16_t port)
{
	struct i8042 *k = device;

	if (port == I8042_COMMAND)
		return status(k);
	if (port != I8042_DATA)
		return 0xff;
	k->obf = k->aux = false;
	update(k);
	kick(k);
	return k->output;
}

static void write_port(void *device, uint16_t port, uint8_t value)
{
	if (port == I8042_COMMAND)
		write_command(device, value);
	else if (port == I8042_DATA)
		write_data(device, value);
}

static uint32_t port_read(void *device, uint16_t port, unsigned bytes)
{
	return bytewise_read(read_port, device, port, bytes);
}

static void port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	bytewise_write(write_port, device, port, bytes, value);
}

void i8042_reset(struct i8042 *k)
{
	memset(k->ram, 0, sizeof(k->ram));
	k->ram[0] = I8042_CB_DISABLE | I8042_CB_AUX_DISABLE;
	k->output = 0;
	k->obf = k->aux = k->a2 = k->polling_input = k->breaking = false;
	k->command = k->indicator = 0;
	k->output_port = 0xdf;
	timer_cancel(&k->wire);
	timer_cancel(&k->typematic);
	ps2_keyboard_reset(&k->keyboard);
	ps2_mouse_reset(&k->mouse);
	k->keyboard_ready = k->mouse_ready = k->clock->now + I8042_SELF_TEST_TIME;
	update(k);
}

void i8042_self_tests_done(struct i8042 *k)
{
	k->keyboard.self_test = k->mouse.self_test = false;
	k->keyboard.out.count = k->mouse.out.count = 0;
	k->keyboard_ready = k->mouse_ready = k->clock->now;
	update(k);
}

bool i8042_init(struct i8042 *k, struct bus *bus, struct clock *clock)
{
	static const struct port_ops ops = {port_read, port_write};

	memset(k, 0, sizeof(*k));
	k->bus = bus;
	k->clock = clock;
	line_init(&k->irq1, "keyboard IRQ1", clock);
	line_init(&k->irq12, "mouse IRQ12", clock);
	line_init(&k->a20, "8042 A20", clock);
	line_init(&k->reset, "8042 reset", clock);
	timer_init(&k->wire, clock, "8042 wire", ORDER_I8042, wire_fire, k);
	timer_init(&k->typematic, clock, "keyboard typematic", ORDER_I8042 + 1, typematic_fire, k);
	i8042_reset(k);
	return bus_add_ports(bus, "8042 data", I8042_DATA, 1, ops, k) &&
	       bus_add_ports(bus, "8042 command", I8042_COMMAND, 1, ops, k);
}
