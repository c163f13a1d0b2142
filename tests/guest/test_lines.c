/* Source lines out of a real guest's DWARF. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guest/image.h"

static struct bus *bus;
static struct guest guest;
static uint8_t *data;
static size_t size;

static int setup(void **state)
{
	struct diagnostic why;

	bus = bus_new();
	bus_add_ram(bus, "RAM", 0, 4 << 20);
	return guest_read_file(DEMO, &data, &size, &why) && guest_load_elf(bus, DEMO, data, size, &guest, &why) ? 0
														: -1;
}

static int teardown(void **state)
{
	guest_free(&guest);
	bus_free(bus);
	free(data);
	return 0;
}

static void an_address_has_a_file_and_a_line(void **state)
{
	uint64_t first, second;
	unsigned a, b;
	const char *file;

	assert_true(symbols_address(&guest.symbols, "user_main", &first));
	assert_true(symbols_address(&guest.symbols, "system_call", &second));
	assert_true(lines_find(&guest.lines, first, &file, &a));
	assert_string_equal(file, "demo.S");
	assert_true(lines_find(&guest.lines, second, &file, &b));
	assert_true(a > 0 && b > a);
}

static void addresses_inside_an_instruction_belong_to_its_line(void **state)
{
	uint64_t at;
	unsigned a, b;
	const char *file;

	assert_true(symbols_address(&guest.symbols, "user_main", &at)); /* a MOV of five bytes */
	assert_true(lines_find(&guest.lines, at, &file, &a));
	assert_true(lines_find(&guest.lines, at + 4, &file, &b));
	assert_int_equal(a, b);
	assert_true(lines_find(&guest.lines, at + 5, &file, &b));
	assert_true(b > a);
}

static void code_without_lines_has_none(void **state)
{
	unsigned line;
	const char *file;

	assert_false(lines_find(&guest.lines, 0, &file, &line));
	assert_false(lines_find(&guest.lines, guest.end, &file, &line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_a_file_and_a_line),
		cmocka_unit_test(addresses_inside_an_instruction_belong_to_its_line),
		cmocka_unit_test(code_without_lines_has_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
