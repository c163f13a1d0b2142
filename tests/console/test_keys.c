/* Characters, USB usages and the queue of keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "console/hid_keys.h"
#include "console/keys.h"
#include "devices/ps2.h"

static void characters_of_the_us_keyboard(void **state)
{
	static const struct {
		unsigned character;
		uint8_t key, hold;
	} row[] = {
		{'a', 0x1e, 0}, {'A', 0x1e, HOLD_SHIFT}, {'z', 0x2c, 0}, {'1', 0x02, 0}, {'!', 0x02, HOLD_SHIFT},
		{'0', 0x0b, 0}, {')', 0x0b, HOLD_SHIFT}, {'-', 0x0c, 0}, {'=', 0x0d, 0}, {'[', 0x1a, 0}, {']', 0x1b, 0},
		{';', 0x27, 0}, {'\'', 0x28, 0}, {'"', 0x28, HOLD_SHIFT}, {'`', 0x29, 0}, {'~', 0x29, HOLD_SHIFT},
		{'\\', 0x2b, 0}, {'|', 0x2b, HOLD_SHIFT}, {',', 0x33, 0}, {'/', 0x35, 0}, {'?', 0x35, HOLD_SHIFT},
		{' ', 0x39, 0}, {'\r', 0x1c, 0}, {'\n', 0x1c, 0}, {'\t', 0x0f, 0}, {0x1b, 0x01, 0}, {0x7f, 0x0e, 0},
		{0x03, 0x2e, HOLD_CTRL}, {0x1a, 0x2c, HOLD_CTRL}, {0x1c, 0x2b, HOLD_CTRL},
		{0x1f, 0x0c, HOLD_CTRL | HOLD_SHIFT}, {0x00, 0x03, HOLD_CTRL}, {0x80, 0, 0}, {0x20ac, 0, 0},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct stroke stroke = key_of_character(row[i].character);

		if (stroke.key != row[i].key || (stroke.key && stroke.hold != row[i].hold))
			fail_msg("character %02x is key %02x with %u", row[i].character, stroke.key, stroke.hold);
	}
}

static void every_printable_character_has_a_stroke_of_its_own(void **state)
{
	for (unsigned a = ' '; a < 0x7f; a++) {
		struct stroke one = key_of_character(a);

		assert_int_not_equal(one.key, 0);
		for (unsigned b = ' '; b < a; b++) {
			struct stroke other = key_of_character(b);

			assert_true(one.key != other.key || one.hold != other.hold);
		}
	}
}

static void function_keys(void **state)
{
	assert_int_equal(key_of_function(0), 0);
	assert_int_equal(key_of_function(1), 0x3b);
	assert_int_equal(key_of_function(10), 0x44);
	assert_int_equal(key_of_function(11), 0x57);
	assert_int_equal(key_of_function(12), 0x58);
	assert_int_equal(key_of_function(13), 0);
}

/* Usages of the HID Usage Tables with the codes of "USB HID to PS/2 Scan Code Translation Table". */
static void usages_are_keys(void **state)
{
	static const struct {
		unsigned usage;
		uint8_t key;
	} row[] = {
		{0x00, 0}, {0x03, 0}, {0x04, 0x1e}, {0x1d, 0x2c}, {0x1e, 0x02}, {0x27, 0x0b}, {0x28, 0x1c}, {0x29, 0x01},
		{0x2a, 0x0e}, {0x2b, 0x0f}, {0x2c, 0x39}, {0x31, 0x2b}, {0x33, 0x27}, {0x38, 0x35}, {0x39, 0x3a},
		{0x3a, 0x3b}, {0x45, 0x58}, {0x46, PS2_KEY_PRINT}, {0x47, 0x46}, {0x48, PS2_KEY_PAUSE}, {0x49, 0xd2},
		{0x4c, 0xd3}, {0x4f, 0xcd}, {0x50, 0xcb}, {0x51, 0xd0}, {0x52, 0xc8}, {0x53, 0x45}, {0x54, 0xb5},
		{0x55, 0x37}, {0x58, 0x9c}, {0x59, 0x4f}, {0x62, 0x52}, {0x63, 0x53}, {0x64, 0x56}, {0x65, 0xdd},
		{0x66, 0}, {0xdf, 0}, {0xe0, 0x1d}, {0xe1, 0x2a}, {0xe2, 0x38}, {0xe3, 0xdb}, {0xe4, 0x9d}, {0xe5, 0x36},
		{0xe6, 0xb8}, {0xe7, 0xdc}, {0xe8, 0}, {0x1000, 0},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (hid_key(row[i].usage) != row[i].key)
			fail_msg("usage %02x is key %02x", row[i].usage, hid_key(row[i].usage));
}

static void no_two_usages_are_one_key_but_two_for_the_backslash(void **state)
{
	for (unsigned a = 0; a < 0x100; a++)
		for (unsigned b = 0; b < a; b++)
			if (hid_key(a) && hid_key(a) == hid_key(b) && hid_key(a) != 0x2b)
				fail_msg("usages %02x and %02x are key %02x", a, b, hid_key(a));
}

static void a_stroke_holds_around_the_key(void **state)
{
	static const struct console_key wanted[] = {
		{PC_CTRL, true}, {PC_ALT, true}, {PC_DELETE, true}, {PC_DELETE, false}, {PC_ALT, false}, {PC_CTRL, false},
	};
	static struct key_queue queue;
	struct console_key key;

	key_strike(&queue, (struct stroke){PC_DELETE, HOLD_CTRL | HOLD_ALT});
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		assert_true(key_take(&queue, &key));
		assert_int_equal(key.key, wanted[i].key);
		assert_int_equal(key.down, wanted[i].down);
	}
	assert_false(key_take(&queue, &key));
	key_strike(&queue, (struct stroke){0, HOLD_CTRL});
	assert_false(key_take(&queue, &key));
}

static void a_full_queue_takes_whole_strokes_or_none(void **state)
{
	static struct key_queue queue;
	struct console_key key;
	unsigned down = 0, up = 0;

	for (unsigned i = 0; i < KEY_QUEUE; i++)
		key_strike(&queue, (struct stroke){0x1e, HOLD_SHIFT});
	assert_true(queue.count > KEY_QUEUE - 10);
	while (key_take(&queue, &key)) {
		down += key.down;
		up += !key.down;
	}
	assert_int_equal(down, up);
	for (unsigned i = 0; i < KEY_QUEUE; i++)
		assert_true(key_put(&queue, 1, true));
	assert_false(key_put(&queue, 1, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_of_the_us_keyboard),
		cmocka_unit_test(every_printable_character_has_a_stroke_of_its_own),
		cmocka_unit_test(function_keys),
		cmocka_unit_test(usages_are_keys),
		cmocka_unit_test(no_two_usages_are_one_key_but_two_for_the_backslash),
		cmocka_unit_test(a_stroke_holds_around_the_key),
		cmocka_unit_test(a_full_queue_takes_whole_strokes_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
