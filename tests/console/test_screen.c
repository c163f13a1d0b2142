/* The screen as text, as functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine/machine.h"

#define TEXT 0xb8000u

static char path[] = "/tmp/trapgate-screen-XXXXXX";

static struct machine *open_machine(void)
{
	struct machine_config config = {.ram = UINT64_C(2) << 20};
	struct diagnostic why;
	struct machine *m = machine_new(&config, &why);

	assert_non_null(m);
	vga_set_text_mode(m->board.vga, 25);
	return m;
}

static void write_text(struct machine *m, const char *text)
{
	for (unsigned i = 0; i < 80; i++)
		bus_write(m->bus, TEXT + 2 * i, 1, i < strlen(text) ? (uint8_t)text[i] : ' ');
}

static void the_text_is_cut_to_the_buffer_and_its_length_told(void **state)
{
	struct machine *m = open_machine();
	char few[4], all[128];

	write_text(m, "hello");
	assert_int_equal(screen_text(m, all, sizeof(all)), 5 + 25);
	assert_memory_equal(all, "hello\n\n\n", 8);
	assert_int_equal(screen_text(m, few, sizeof(few)), 5 + 25);
	assert_string_equal(few, "hel");
	machine_free(m);
}

static void a_dark_screen_says_so(void **state)
{
	struct machine *m = open_machine();
	char text[64];

	vga_reset(m->board.vga);
	screen_text(m, text, sizeof(text));
	assert_string_equal(text, "(the screen is dark)\n");
	machine_free(m);
}

static void read_back(char *text, size_t size)
{
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

/* A longer text leaves nothing behind in the file. */
static void a_file_holds_the_last_screen_alone(void **state)
{
	struct machine *m = open_machine();
	char first[256], second[256];
	struct diagnostic why;

	strcpy(m->screen.dump[0].path, path);
	m->screen.dumps = 1;
	assert_true(screen_open(&m->screen, &why));
	write_text(m, "a long line of text");
	m->screen.requested = 1;
	screen_step(m);
	read_back(first, sizeof(first));
	write_text(m, "short");
	screen_step(m); /* nobody asked */
	read_back(second, sizeof(second));
	assert_string_equal(first, second);
	assert_true(screen_close(m, &why));
	read_back(second, sizeof(second));
	assert_int_equal(strlen(second), 5 + 25);
	assert_memory_equal(first, "a long line of text\n", 20);
	assert_memory_equal(second, "short\n", 6);
	machine_free(m);
}

static void the_next_dump_is_the_earliest_that_is_not_written(void **state)
{
	struct machine *m = open_machine();
	const uint64_t insn[3] = {300, 0, 200};

	assert_int_equal(screen_next(&m->screen), UINT64_MAX);
	m->screen.dumps = 3;
	for (unsigned i = 0; i < 3; i++) {
		m->screen.dump[i].timed = i != 1;
		m->screen.dump[i].insn = insn[i];
	}
	assert_int_equal(screen_next(&m->screen), 200);
	m->screen.dump[2].written = true;
	assert_int_equal(screen_next(&m->screen), 300);
	m->screen.dumps = 0;
	machine_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_text_is_cut_to_the_buffer_and_its_length_told),
		cmocka_unit_test(a_dark_screen_says_so),
		cmocka_unit_test(a_file_holds_the_last_screen_alone),
		cmocka_unit_test(the_next_dump_is_the_earliest_that_is_not_written),
	};
	int failed, fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
