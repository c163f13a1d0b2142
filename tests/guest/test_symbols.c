/* Looking up names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "guest/symbols.h"

static struct symbols symbols;

static int setup(void **state)
{
	symbols_add(&symbols, 0x2000, 0x10, "sized");
	symbols_add(&symbols, 0x1000, 0, "label");
	symbols_add(&symbols, 0x3000, 0, "alias");
	symbols_add(&symbols, 0x3000, 0x20, "function");
	symbols_sort(&symbols);
	return 0;
}

static int teardown(void **state)
{
	symbols_free(&symbols);
	return 0;
}

static void lookup_finds_the_symbol_at_or_before_and_the_offset(void **state)
{
	uint64_t offset = 99;

	assert_string_equal(symbols_find(&symbols, 0x1000, &offset), "label");
	assert_int_equal(offset, 0);
	assert_string_equal(symbols_find(&symbols, 0x1fff, &offset), "label");
	assert_int_equal(offset, 0xfff);
	assert_string_equal(symbols_find(&symbols, 0x200f, &offset), "sized");
	assert_int_equal(offset, 0xf);
}

static void nothing_lies_before_the_first_or_behind_a_sized_symbol(void **state)
{
	uint64_t offset;

	assert_null(symbols_find(&symbols, 0xfff, &offset));
	assert_null(symbols_find(&symbols, 0x2010, &offset));
}

static void of_two_names_for_a_place_the_larger_object_wins(void **state)
{
	uint64_t offset;

	assert_string_equal(symbols_find(&symbols, 0x3004, &offset), "function");
}

static void names_have_addresses(void **state)
{
	uint64_t address;

	assert_true(symbols_address(&symbols, "sized", &address));
	assert_int_equal(address, 0x2000);
	assert_false(symbols_address(&symbols, "nobody", &address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lookup_finds_the_symbol_at_or_before_and_the_offset, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_lies_before_the_first_or_behind_a_sized_symbol, setup,
						teardown),
		cmocka_unit_test_setup_teardown(of_two_names_for_a_place_the_larger_object_wins, setup, teardown),
		cmocka_unit_test_setup_teardown(names_have_addresses, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
