/* The command line's meaning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cli/options.h"

static struct options o;
static struct diagnostic why;

#define PARSE(...) parse((char *[]){__VA_ARGS__}, (int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)))

static bool parse(char **arguments, int count)
{
	why.text[0] = '\0';
	return options_parse(&o, count, arguments, &why);
}

static void memory_counts_in_mib_unless_a_unit_follows(void **state)
{
	assert_true(PARSE("-kernel", "k"));
	assert_int_equal(o.machine.ram, 128 << 20);
	assert_true(PARSE("-kernel", "k", "-m", "16"));
	assert_int_equal(o.machine.ram, 16 << 20);
	assert_true(PARSE("-kernel", "k", "-m", "640K"));
	assert_int_equal(o.machine.ram, 640 << 10);
	assert_true(PARSE("-kernel", "k", "-m", "size=1G"));
	assert_int_equal(o.machine.ram, 1 << 30);
	assert_false(PARSE("-kernel", "k", "-m", "16Q"));
	assert_false(PARSE("-kernel", "k", "-m", "16MB"));
	assert_false(PARSE("-kernel", "k", "-m", "-1"));
}

static void one_and_two_dashes_are_alike(void **state)
{
	assert_true(PARSE("--kernel", "k", "-max-insns", "7"));
	assert_string_equal(o.kernel, "k");
	assert_int_equal(o.machine.max_insns, 7);
	assert_true(PARSE("--kernel=k", "-max-insns=7"));
	assert_string_equal(o.kernel, "k");
	assert_false(PARSE("---kernel", "k"));
	assert_false(PARSE("-", "k"));
	assert_false(PARSE("--", "k"));
	assert_false(PARSE(""));
}

static void debug_exit_has_qemus_defaults(void **state)
{
	assert_true(PARSE("-kernel", "k", "-device", "isa-debug-exit"));
	assert_int_equal(o.machine.board.debug_exit_port, 0x501);
	assert_int_equal(o.machine.board.debug_exit_size, 2);
	assert_true(PARSE("-kernel", "k", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"));
	assert_int_equal(o.machine.board.debug_exit_port, 0xf4);
	assert_int_equal(o.machine.board.debug_exit_size, 4);
	assert_false(PARSE("-kernel", "k", "-device", "isa-debug-exit,iobase=0x10000"));
	assert_false(PARSE("-kernel", "k", "-device", "isa-debug-exit,"));
	assert_false(PARSE("-kernel", "k", "-device", "isa-debug-exit,iobase"));
	assert_false(PARSE("-kernel", "k", "-device", "isa-debug-exits"));
}

static void trace_takes_a_format_and_a_file(void **state)
{
	assert_true(PARSE("-kernel", "k", "--trace=text"));
	assert_int_equal(o.trace, TRACE_TEXT);
	assert_null(o.trace_file);
	assert_true(PARSE("-kernel", "k", "--trace", "jsonl:a:b"));
	assert_int_equal(o.trace, TRACE_JSONL);
	assert_string_equal(o.trace_file, "a:b");
	assert_true(PARSE("-kernel", "k", "-d", "int", "-D", "log"));
	assert_int_equal(o.trace, TRACE_TEXT);
	assert_string_equal(o.trace_file, "log");
	assert_false(PARSE("-kernel", "k", "-D", "log"));
	assert_false(PARSE("-kernel", "k", "-d", "in_asm"));
	assert_false(PARSE("-kernel", "k", "--trace=text:"));
}

static void flat_binaries_name_file_and_address(void **state)
{
	assert_true(PARSE("--load", "a@b@0x7c00", "--mode", "prot16", "--entry", "0x7c10"));
	assert_string_equal(o.load, "a@b");
	assert_int_equal(o.load_address, 0x7c00);
	assert_int_equal(o.mode, START_PROT16);
	assert_int_equal(o.entry, 0x7c10);
	assert_false(PARSE("--load", "@0x7c00"));
	assert_false(PARSE("--load", "a@"));
	assert_false(PARSE("--load", "a@0x7c00x"));
	assert_false(PARSE("--load", "a@0", "--mode", "long"));
	assert_false(PARSE("--load", "a@0", "--entry", "0x100000000"));
}

static void the_test_pin_has_a_vector_and_a_period(void **state)
{
	assert_true(PARSE("-kernel", "k", "--inject", "0x40@every:3"));
	assert_true(o.machine.board.inject);
	assert_int_equal(o.machine.board.inject_vector, 0x40);
	assert_int_equal(o.machine.board.inject_every, 3);
	assert_false(PARSE("-kernel", "k", "--inject", "256@every:3"));
	assert_false(PARSE("-kernel", "k", "--inject", "1@every:0"));
	assert_false(PARSE("-kernel", "k", "--inject", "1"));
}

static void nographic_connects_the_serial_line_unless_one_is_given(void **state)
{
	assert_true(PARSE("-kernel", "k", "-nographic"));
	assert_string_equal(o.machine.board.serial[0], "mon:stdio");
	assert_true(PARSE("-kernel", "k", "-nographic", "-serial", "null"));
	assert_string_equal(o.machine.board.serial[0], "null");
}

static void errands_need_no_guest(void **state)
{
	assert_true(PARSE("--help"));
	assert_int_equal(o.errand, ERRAND_HELP);
	assert_true(PARSE("-cpu", "?"));
	assert_int_equal(o.errand, ERRAND_LIST_CPUS);
	assert_false(PARSE("-nographic"));
}

static void the_last_of_an_options_values_wins(void **state)
{
	assert_true(PARSE("-kernel", "k", "-m", "1", "-m", "2"));
	assert_int_equal(o.machine.ram, 2 << 20);
}

static void a_complaint_is_one_line(void **state)
{
	assert_false(PARSE("-kernel", "k", "-m", "a\nb"));
	assert_null(strchr(why.text, '\n'));
	assert_string_not_equal(why.text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_counts_in_mib_unless_a_unit_follows),
		cmocka_unit_test(one_and_two_dashes_are_alike),
		cmocka_unit_test(debug_exit_has_qemus_defaults),
		cmocka_unit_test(trace_takes_a_format_and_a_file),
		cmocka_unit_test(flat_binaries_name_file_and_address),
		cmocka_unit_test(the_test_pin_has_a_vector_and_a_period),
		cmocka_unit_test(nographic_connects_the_serial_line_unless_one_is_given),
		cmocka_unit_test(errands_need_no_guest),
		cmocka_unit_test(the_last_of_an_options_values_wins),
		cmocka_unit_test(a_complaint_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
