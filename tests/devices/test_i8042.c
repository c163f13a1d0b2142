/* Keyboard controller, keyboard and mouse. */
#include "bed.h"

#include "devices/i8042.h"

struct bench {
	struct bed bed;
	struct i8042 kbc;
	struct probe irq1, irq12, a20, reset;
};

static void open_raw(struct bench *b)
{
	bed_open(&b->bed);
	assert_true(i8042_init(&b->kbc, b->bed.bus, &b->bed.clock));
	probe_line(&b->irq1, &b->bed, &b->kbc.irq1);
	probe_line(&b->irq12, &b->bed, &b->kbc.irq12);
	probe_line(&b->a20, &b->bed, &b->kbc.a20);
	probe_line(&b->reset, &b->bed, &b->kbc.reset);
}

static void command(struct bench *b, unsigned c) { out8(&b->bed, 0x64, c); }
static void data(struct bench *b, unsigned d) { out8(&b->bed, 0x60, d); }
static uint8_t status(struct bench *b) { return in8(&b->bed, 0x64); }

/* The next byte within a second, -1 if there is none. */
static int next(struct bench *b)
{
	for (unsigned i = 0; i < 100; i++) {
		if (status(b) & I8042_STATUS_OBF)
			return in8(&b->bed, 0x60);
		run_for(&b->bed, CLOCK_HZ / 100);
	}
	return -1;
}

static void expect(struct bench *b, const char *bytes, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(next(b), (uint8_t)bytes[i]);
}
#define EXPECT(b, ...) expect(b, (const char[]){__VA_ARGS__}, sizeof((const char[]){__VA_ARGS__}))
#define B(x) ((char)(x))

/* As firmware leaves it: both devices on, interrupts, cb more bits. */
static void open_kbc(struct bench *b, unsigned cb)
{
	open_raw(b);
	command(b, 0x60);
	data(b, 0x07 | cb);
	EXPECT(b, B(0xaa)); /* self tests of power-on */
	EXPECT(b, B(0xaa), 0x00);
}

static void firmware_leaves_no_answer_of_a_self_test(void **state)
{
	struct bench b;

	open_raw(&b);
	i8042_self_tests_done(&b.kbc);
	command(&b, I8042_WRITE_CB);
	data(&b, I8042_CB_INT | I8042_CB_SYS);
	assert_int_equal(next(&b), -1);
	i8042_key(&b.kbc, 0x1e, true);
	assert_int_equal(next(&b), 0x1c); /* not translated */
	bed_close(&b.bed);
}

static void registers_reset_and_access(void **state)
{
	struct bench b;

	open_raw(&b);
	assert_int_equal(status(&b), I8042_STATUS_INH);
	assert_int_equal(in8(&b.bed, 0x60), 0);
	assert_true(b.a20.level);
	for (unsigned i = 0; i < 32; i++) {
		command(&b, 0x20 + i);
		assert_int_equal(in8(&b.bed, 0x60), i == 0 ? 0x30 : 0);
	}
	for (unsigned i = 1; i < 32; i++) {
		command(&b, 0x60 + i);
		assert_true(status(&b) & I8042_STATUS_A2);
		data(&b, 0xa0 + i);
		assert_false(status(&b) & I8042_STATUS_A2);
		command(&b, 0x20 + i);
		assert_int_equal(in8(&b.bed, 0x60), 0xa0 + i);
	}
	command(&b, 0xd0);
	assert_int_equal(in8(&b.bed, 0x60), 0xcf);
	i8042_reset(&b.kbc);
	assert_int_equal(status(&b), I8042_STATUS_INH);
	bed_close(&b.bed);
}

static void controller_self_tests(void **state)
{
	struct bench b;

	open_raw(&b);
	command(&b, 0xaa);
	EXPECT(&b, 0x55);
	assert_true(status(&b) & I8042_STATUS_SYS);
	command(&b, 0xab);
	EXPECT(&b, 0x00);
	command(&b, 0xa9);
	EXPECT(&b, 0x00);
	command(&b, 0xa4);
	EXPECT(&b, B(0xf1));
	bed_close(&b.bed);
}

static void unknown_commands_are_a_gap(void **state)
{
	struct bench b;

	open_raw(&b);
	command(&b, 0xac);
	command(&b, 0xac);
	assert_int_equal(b.bed.gaps, 1);
	bed_close(&b.bed);
}

static void input_port_bits_in_the_status(void **state)
{
	struct bench b;

	open_raw(&b);
	command(&b, 0xc0);
	EXPECT(&b, B(0xa0));
	command(&b, 0xc2);
	assert_int_equal(status(&b) & 0xf0, 0xa0);
	command(&b, 0xc1);
	assert_int_equal(status(&b) & 0xf0, 0x00);
	command(&b, 0xae);
	assert_int_equal(status(&b) & 0xf0, I8042_STATUS_INH);
	bed_close(&b.bed);
}

static void a20_gate(void **state)
{
	struct bench b;

	open_raw(&b);
	command(&b, 0xd1);
	data(&b, 0xdd);
	assert_false(b.a20.level);
	command(&b, 0xd1);
	data(&b, 0xdf);
	assert_true(b.a20.level);
	command(&b, 0xdd);
	assert_false(b.a20.level);
	command(&b, 0xdf);
	assert_true(b.a20.level);
	assert_int_equal(b.reset.rises, 0);
	bed_close(&b.bed);
}

static void reset_line(void **state)
{
	struct bench b;

	open_raw(&b);
	command(&b, 0xff); /* pulses nothing */
	assert_int_equal(b.reset.rises, 0);
	command(&b, 0xfe);
	assert_int_equal(b.reset.rises, 1);
	command(&b, 0xd1);
	data(&b, 0x02);
	assert_int_equal(b.reset.rises, 2);
	bed_close(&b.bed);
}

static void power_on_self_tests_wait_for_the_interface(void **state)
{
	struct bench b;

	open_raw(&b);
	assert_int_equal(next(&b), -1);
	command(&b, 0xae);
	assert_int_equal(next(&b), 0xaa);
	command(&b, 0xa8);
	EXPECT(&b, B(0xaa), 0x00);
	bed_close(&b.bed);
}

static void irq1_and_irq12_follow_the_output_buffer(void **state)
{
	struct bench b;

	open_kbc(&b, 0);
	b.irq1.rises = b.irq12.rises = 0;
	i8042_key(&b.kbc, 0x1e, true);
	run_for(&b.bed, I8042_BYTE_TIME - 1);
	assert_false(b.irq1.level);
	run_for(&b.bed, 1);
	assert_true(b.irq1.level);
	assert_true(b.irq1.cause != 0);
	assert_int_equal(status(&b) & (I8042_STATUS_OBF | I8042_STATUS_AUX), I8042_STATUS_OBF);
	command(&b, 0xd0);
	assert_int_equal(in8(&b.bed, 0x60) & 0x30, 0x10); /* the output port shows it */
	assert_false(b.irq1.level);
	command(&b, 0xd4);
	data(&b, 0xf4);
	run_for(&b.bed, CLOCK_HZ / 100);
	assert_true(b.irq12.level);
	assert_int_equal(status(&b) & (I8042_STATUS_OBF | I8042_STATUS_AUX), I8042_STATUS_OBF | I8042_STATUS_AUX);
	EXPECT(&b, B(0xfa));
	assert_false(b.irq12.level);
	command(&b, 0x60);
	data(&b, 0x04); /* interrupts off */
	i8042_key(&b.kbc, 0x1e, false);
	run_for(&b.bed, CLOCK_HZ / 100);
	assert_true(status(&b) & I8042_STATUS_OBF);
	assert_false(b.irq1.level);
	bed_close(&b.bed);
}

static void output_buffer_writes(void **state)
{
	struct bench b;

	open_kbc(&b, 0);
	b.irq1.rises = b.irq12.rises = 0;
	command(&b, 0xd2);
	data(&b, 0x5a);
	assert_int_equal(b.irq1.rises, 1);
	EXPECT(&b, 0x5a);
	command(&b, 0xd3);
	data(&b, 0x5b);
	assert_int_equal(b.irq12.rises, 1);
	assert_true(status(&b) & I8042_STATUS_AUX);
	EXPECT(&b, 0x5b);
	bed_close(&b.bed);
}

static void set_2_and_its_translation(void **state)
{
	struct bench b;

	open_kbc(&b, 0);
	i8042_key(&b.kbc, 0x1e, true);
	i8042_key(&b.kbc, 0x1e, false);
	EXPECT(&b, 0x1c, B(0xf0), 0x1c);
	i8042_key(&b.kbc, PS2_KEY_E0 | 0x48, true); /* cursor up */
	i8042_key(&b.kbc, PS2_KEY_E0 | 0x48, false);
	EXPECT(&b, B(0xe0), 0x75, B(0xe0), B(0xf0), 0x75);
	i8042_key(&b.kbc, 0x41, true); /* F7 */
	EXPECT(&b, B(0x83));
	i8042_key(&b.kbc, 0x41, false);
	EXPECT(&b, B(0xf0), B(0x83));
	command(&b, 0x60);
	data(&b, 0x47);
	i8042_key(&b.kbc, 0x1e, true);
	i8042_key(&b.kbc, 0x1e, false);
	EXPECT(&b, 0x1e, B(0x9e));
	i8042_key(&b.kbc, PS2_KEY_E0 | 0x48, true);
	i8042_key(&b.kbc, PS2_KEY_E0 | 0x48, false);
	EXPECT(&b, B(0xe0), 0x48, B(0xe0), B(0xc8));
	i8042_key(&b.kbc, 0x41, true);
	i8042_key(&b.kbc, 0x41, false);
	EXPECT(&b, 0x41, B(0xc1));
	i8042_key(&b.kbc, PS2_KEY_PAUSE, true);
	EXPECT(&b, B(0xe1), 0x1d, 0x45, B(0xe1), B(0x9d), B(0xc5));
	i8042_key(&b.kbc, PS2_KEY_PRINT, true);
	EXPECT(&b, B(0xe0), 0x2a, B(0xe0), 0x37);
	i8042_key(&b.kbc, PS2_KEY_PRINT, false);
	EXPECT(&b, B(0xe0), B(0xb7), B(0xe0), B(0xaa));
	bed_close(&b.bed);
}

/* Every key of a 102-key board comes back as its set 1 code. */
static void translation_is_the_inverse_of_set_2(void **state)
{
	struct bench b;

	open_kbc(&b, I8042_CB_TRANSLATE);
	for (unsigned key = 1; key <= 0x58; key++) {
		if (key == 0x55) /* no such key */
			continue;
		i8042_key(&b.kbc, (uint8_t)key, true);
		assert_int_equal(next(&b), key);
		i8042_key(&b.kbc, (uint8_t)key, false);
		assert_int_equal(next(&b), key | 0x80);
	}
	bed_close(&b.bed);
}

static void keyboard_commands(void **state)
{
	struct bench b;

	open_kbc(&b, 0);
	data(&b, 0xee);
	EXPECT(&b, B(0xee));
	data(&b, 0xf2);
	EXPECT(&b, B(0xfa), B(0xab), B(0x83));
	data(&b, 0xfe);
	EXPECT(&b, B(0x83)); /* once more */
	data(&b, 0xed);
	EXPECT(&b, B(0xfa));
	data(&b, 0x05);
	EXPECT(&b, B(0xfa));
	assert_int_equal(b.kbc.keyboard.leds, 5);
	data(&b, 0xf0);
	EXPECT(&b, B(0xfa));
	data(&b, 0x00);
	EXPECT(&b, B(0xfa), 0x02);
	data(&b, 0xf0);
	EXPECT(&b, B(0xfa));
	data(&b, 0x03);
	EXPECT(&b, B(0xfe)); /* no set 3 */
	data(&b, 0xed);
	EXPECT(&b, B(0xfa));
	data(&b, 0xf4); /* a command instead of a parameter */
	EXPECT(&b, B(0xfa));
	data(&b, 0x01);
	EXPECT(&b, B(0xfe));
	bed_close(&b.bed);
}

static void set_1_from_the_keyboard(void **state)
{
	struct bench b;

	open_kbc(&b, 0);
	data(&b, 0xf0);
	EXPECT(&b, B(0xfa));
	data(&b, 0x01);
	EXPECT(&b, B(0xfa));
	i8042_key(&b.kbc, 0x1e, true);
	i8042_key(&b.kbc, 0x1e, false);
	EXPECT(&b, 0x1e, B(0x9e));
	bed_close(&b.bed);
}

static void keyboard_reset_acknowledges_then_tests_itself(void **state)
{
	struct bench b;
	uint64_t acknowledged;

	open_kbc(&b, 0);
	data(&b, 0xff);
	run_for(&b.bed, I8042_BYTE_TIME);
	acknowledged = b.bed.clock.now;
	EXPECT(&b, B(0xfa));
	run_to(&b.bed, acknowledged + I8042_SELF_TEST_TIME - 1);
	assert_false(status(&b) & I8042_STATUS_OBF);
	run_for(&b.bed, 1);
	EXPECT(&b, B(0xaa));
	bed_close(&b.bed);
}

static void disabled_keyboard_says_nothing(void **state)
{
	struct bench b;

	open_kbc(&b, 0);
	data(&b, 0xf5);
	EXPECT(&b, B(0xfa));
	i8042_key(&b.kbc, 0x1e, true);
	assert_int_equal(next(&b), -1);
	data(&b, 0xf4);
	EXPECT(&b, B(0xfa));
	command(&b, 0xad); /* the controller holds the wire: kept for later */
	i8042_key(&b.kbc, 0x1e, true);
	i8042_key(&b.kbc, 0x1e, false);
	assert_int_equal(next(&b), -1);
	command(&b, 0xae);
	EXPECT(&b, 0x1c, B(0xf0), 0x1c);
	bed_close(&b.bed);
}

static void full_keyboard_buffer_takes_an_overrun_code(void **state)
{
	struct bench b;

	open_kbc(&b, 0);
	command(&b, 0xad);
	for (unsigned i = 0; i < 40; i++)
		i8042_key(&b.kbc, 0x1e, i % 2 == 0);
	assert_int_equal(b.kbc.keyboard.out.count, PS2_KEYS);
	command(&b, 0xae);
	for (unsigned i = 0; i < 5; i++)
		EXPECT(&b, 0x1c, B(0xf0), 0x1c);
	bed_close(&b.bed);
}

static void held_keys_repeat(void **state)
{
	struct bench b;
	unsigned count = 0;

	open_kbc(&b, 0);
	i8042_key(&b.kbc, 0x1e, true);
	EXPECT(&b, 0x1c);
	run_for(&b.bed, CLOCK_HZ / 2 - CLOCK_HZ / 50);
	assert_false(status(&b) & I8042_STATUS_OBF);
	for (unsigned i = 0; i < 100; i++) {
		run_for(&b.bed, CLOCK_HZ / 100);
		if (status(&b) & I8042_STATUS_OBF) {
			assert_int_equal(in8(&b.bed, 0x60), 0x1c);
			count++;
		}
	}
	assert_in_range(count, 10, 12); /* 10.9 a second */
	i8042_key(&b.kbc, 0x1e, false);
	EXPECT(&b, B(0xf0), 0x1c);
	assert_int_equal(next(&b), -1);
	assert_int_equal(clock_deadline(&b.bed.clock), CLOCK_NEVER);
	bed_close(&b.bed);
}

static void mouse(struct bench *b, unsigned value)
{
	command(b, 0xd4);
	data(b, value);
}

static void mouse_commands(void **state)
{
	struct bench b;

	open_kbc(&b, 0);
	mouse(&b, 0xff);
	EXPECT(&b, B(0xfa), B(0xaa), 0x00);
	mouse(&b, 0xf2);
	EXPECT(&b, B(0xfa), 0x00);
	mouse(&b, 0xe8);
	EXPECT(&b, B(0xfa));
	mouse(&b, 0x03);
	EXPECT(&b, B(0xfa));
	mouse(&b, 0xe7);
	EXPECT(&b, B(0xfa));
	mouse(&b, 0xe9);
	EXPECT(&b, B(0xfa), 0x10, 0x03, 100);
	mouse(&b, 0xf6);
	EXPECT(&b, B(0xfa));
	mouse(&b, 0xe9);
	EXPECT(&b, B(0xfa), 0x00, 0x02, 100);
	mouse(&b, 0xee); /* wrap */
	EXPECT(&b, B(0xfa));
	mouse(&b, 0xe9);
	EXPECT(&b, B(0xe9));
	mouse(&b, 0xec);
	EXPECT(&b, B(0xfa));
	mouse(&b, 0x12);
	EXPECT(&b, B(0xfe));
	bed_close(&b.bed);
}

static void mouse_packets(void **state)
{
	struct bench b;

	open_kbc(&b, 0);
	i8042_mouse(&b.kbc, 5, 5, 0, 1);
	assert_int_equal(next(&b), -1); /* reporting is off after reset */
	mouse(&b, 0xf4);
	EXPECT(&b, B(0xfa));
	i8042_mouse(&b.kbc, -6, 4, 0, 3); /* without what gathered before */
	EXPECT(&b, 0x08 | 3 | 0x10, B(0xfa), 0x04);
	i8042_mouse(&b.kbc, 300, 0, 0, 0); /* more than a packet holds */
	EXPECT(&b, 0x08, B(0xff), 0x00, 0x08, 45, 0x00);
	mouse(&b, 0xf0); /* remote: on request only */
	EXPECT(&b, B(0xfa));
	i8042_mouse(&b.kbc, 1, 0, 0, 0);
	assert_int_equal(next(&b), -1);
	mouse(&b, 0xeb);
	EXPECT(&b, B(0xfa), 0x08, 0x01, 0x00);
	bed_close(&b.bed);
}

static void wheel_after_the_knock(void **state)
{
	static const uint8_t knock[2][3] = {{200, 100, 80}, {200, 200, 80}};
	struct bench b;

	open_kbc(&b, 0);
	for (unsigned k = 0; k < 2; k++) {
		for (unsigned i = 0; i < 3; i++) {
			mouse(&b, 0xf3);
			EXPECT(&b, B(0xfa));
			mouse(&b, knock[k][i]);
			EXPECT(&b, B(0xfa));
		}
		mouse(&b, 0xf2);
		EXPECT(&b, B(0xfa), (char)(3 + k));
	}
	mouse(&b, 0xf4);
	EXPECT(&b, B(0xfa));
	i8042_mouse(&b.kbc, 1, 2, -1, 0x10);
	EXPECT(&b, 0x08, 1, 2, 0x2f);
	bed_close(&b.bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(firmware_leaves_no_answer_of_a_self_test),
		cmocka_unit_test(registers_reset_and_access),
		cmocka_unit_test(controller_self_tests),
		cmocka_unit_test(unknown_commands_are_a_gap),
		cmocka_unit_test(input_port_bits_in_the_status),
		cmocka_unit_test(a20_gate),
		cmocka_unit_test(reset_line),
		cmocka_unit_test(power_on_self_tests_wait_for_the_interface),
		cmocka_unit_test(irq1_and_irq12_follow_the_output_buffer),
		cmocka_unit_test(output_buffer_writes),
		cmocka_unit_test(set_2_and_its_translation),
		cmocka_unit_test(translation_is_the_inverse_of_set_2),
		cmocka_unit_test(keyboard_commands),
		cmocka_unit_test(set_1_from_the_keyboard),
		cmocka_unit_test(keyboard_reset_acknowledges_then_tests_itself),
		cmocka_unit_test(disabled_keyboard_says_nothing),
		cmocka_unit_test(full_keyboard_buffer_takes_an_overrun_code),
		cmocka_unit_test(held_keys_repeat),
		cmocka_unit_test(mouse_commands),
		cmocka_unit_test(mouse_packets),
		cmocka_unit_test(wheel_after_the_knock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
