/* -display sdl in a real window: test_window PROGRAM DIRECTORY_OF_GUESTS */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <X11/keysym.h>

#include "console/xbed.h"

#define SKIPPED  77
#define PATIENCE 1000 /* times 10 ms */

struct window_test {
	struct xbed bed;
	const char *program, *guests;
	char text[X_TEXT], wanted[X_TEXT];
};

/* CMocka's group state is what each test gets. */
static struct window_test *test_of(void **state)
{
	return *state;
}

static const struct xlook large = {1, 16}, small = {1, 8}, doubled = {2, 16};

static void pause_10ms(void)
{
	nanosleep(&(struct timespec){0, 10000000}, NULL);
}

/* Runs a guest: the options behind it end with NULL. */
static void run(struct window_test *t, const char *guest, ...)
{
	const char *arguments[24] = {t->program, "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "--timeout", "60",
				     "--load"};
	char load[256];
	size_t n = 6;
	va_list more;

	snprintf(load, sizeof(load), "%s/%s.bin@0x7c00", t->guests, guest);
	arguments[n++] = load;
	va_start(more, guest);
	do
		arguments[n] = va_arg(more, const char *);
	while (arguments[n++]);
	va_end(more);
	xbed_start(&t->bed, arguments);
}

/* Waits until the window shows text that holds the words. */
static void wait_for_text(struct window_test *t, struct xlook look, const char *words)
{
	for (int i = 0; i < PATIENCE; i++) {
		if (xbed_text(&t->bed, look, t->text) && strstr(t->text, words))
			return;
		pause_10ms();
	}
	xbed_read_file(&t->bed, "err", t->wanted, sizeof(t->wanted));
	fail_msg("the window does not show \"%s\", but:\n%s\nstandard error: %s", words, t->text, t->wanted);
}

static void wait_for_title(struct window_test *t, const char *title)
{
	char now[128];

	for (int i = 0; i < PATIENCE; i++) {
		xbed_title(&t->bed, now);
		if (strcmp(now, title) == 0)
			return;
		pause_10ms();
	}
	fail_msg("the title is \"%s\", not \"%s\"", now, title);
}

static void start_keys(struct window_test *t)
{
	run(t, "keys", "-display", "sdl", NULL);
	xbed_find(&t->bed);
	wait_for_text(t, large, "Trapgate: white on blue\n");
}

static void ends(struct window_test *t, int wanted)
{
	int status = xbed_status(&t->bed);

	xbed_read_file(&t->bed, "err", t->text, sizeof(t->text));
	if (status != wanted)
		fail_msg("exit status %d, not %d; standard error: %s", status, wanted, t->text);
}

static void strike(struct window_test *t, KeySym key)
{
	xbed_key(&t->bed, key, true);
	xbed_key(&t->bed, key, false);
}

static void end_by_escape(struct window_test *t)
{
	strike(t, XK_Escape);
	ends(t, 1);
}

/* ---- what the window shows ---- */
static void the_window_shows_the_text_of_the_screen(void **state)
{
	struct window_test *t = test_of(state);
	char path[128], *full;
	bool same = false;

	run(t, "keys", "-display", "gtk,gl=off", "--screen", xbed_path(&t->bed, "screen", path), NULL);
	xbed_find(&t->bed);
	wait_for_text(t, large, "the last row\n");
	kill(t->bed.guest, SIGUSR1);
	for (int i = 0; i < PATIENCE && !same; i++) { /* until what blinks is there, and the cursor is not */
		pause_10ms();
		xbed_read_file(&t->bed, "screen", t->wanted, sizeof(t->wanted));
		full = strstr(t->wanted, "\xe2\x96\x88"); /* a full block: the window has one colour there */
		if (full)
			memmove(full + 1, full + 3, strlen(full + 3) + 1), *full = ' ';
		assert_true(xbed_text(&t->bed, large, t->text));
		same = full && strcmp(t->text, t->wanted) == 0;
	}
	if (!same)
		fail_msg("the window:\n%s\nthe screen:\n%s", t->text, t->wanted);
	assert_non_null(strstr(t->text, "\xe2\x95\x94\xe2\x95\x90\xe2\x95\x90\xe2\x95\x97"));
	end_by_escape(t);
}

static void attributes_have_their_colors(void **state)
{
	struct window_test *t = test_of(state);

	start_keys(t);
	wait_for_text(t, large, "the last row\n");
	assert_int_equal(xbed_dot(&t->bed, 0, 0), 0x0000aa);          /* blue */
	assert_int_equal(xbed_dot(&t->bed, 6 * 9 + 8, 20), 0xaa0000); /* red: the ninth dot */
	assert_int_equal(xbed_dot(&t->bed, 4, 24 * 16 + 15), 0xaaaaaa);
	assert_int_equal(xbed_dot(&t->bed, 4, 23 * 16), 0x000000);
	end_by_escape(t);
}

/* Both states of a dot are seen within a while. */
static void blinks(struct window_test *t, unsigned x, unsigned y)
{
	uint32_t first = xbed_dot(&t->bed, x, y);
	int i = 0;

	while (i < PATIENCE && xbed_dot(&t->bed, x, y) == first) {
		pause_10ms();
		i++;
	}
	assert_true(i < PATIENCE);
}

static void cursor_and_text_blink_while_the_machine_waits(void **state)
{
	struct window_test *t = test_of(state);

	start_keys(t);
	blinks(t, 2 * 9 + 4, 10 * 16 + 4);
	blinks(t, 2 * 9 + 4, 10 * 16 + 11);
	assert_int_equal(xbed_dot(&t->bed, 2 * 9 + 4, 10 * 16 + 3), 0); /* above it */
	assert_int_equal(xbed_dot(&t->bed, 2 * 9 + 4, 10 * 16 + 12), 0);
	wait_for_text(t, large, "blinking\n");
	for (int i = 0; i < PATIENCE && strstr(t->text, "blinking"); i++) {
		pause_10ms();
		assert_true(xbed_text(&t->bed, large, t->text));
	}
	assert_null(strstr(t->text, "blinking"));
	end_by_escape(t);
}

static void fifty_rows_in_the_guests_own_font(void **state)
{
	struct window_test *t = test_of(state);

	run(t, "rows_stay", "-display", "sdl", NULL);
	xbed_find(&t->bed);
	wait_for_text(t, small, "***\n");
	assert_ptr_equal(strstr(t->text, "fifty rows\n"), t->text);
	assert_string_equal(t->text + strlen(t->text) - 15, "row forty-nine\n");
	xbed_close_window(&t->bed);
	ends(t, 6);
}

static bool window_is(struct window_test *t, int width, int height)
{
	XWindowAttributes a;

	return XGetWindowAttributes(t->bed.display, t->bed.window, &a) && a.width == width && a.height == height;
}

static void graphics_are_shown_in_a_window_that_fits(void **state)
{
	struct window_test *t = test_of(state);
	int i = 0;

	run(t, "graphics", "-display", "sdl", NULL);
	xbed_find(&t->bed);
	while (i < PATIENCE && (!window_is(t, 640, 400) || xbed_dot(&t->bed, 319, 399) != 0x0000aa)) {
		pause_10ms();
		i++;
	}
	assert_true(i < PATIENCE);
	assert_int_equal(xbed_dot(&t->bed, 0, 0), 0x0000aa);
	assert_int_equal(xbed_dot(&t->bed, 320, 0), 0xaa0000);
	assert_int_equal(xbed_dot(&t->bed, 639, 399), 0xaa0000);
	xbed_close_window(&t->bed);
	ends(t, 6);
}

static void a_larger_window_shows_it_larger(void **state)
{
	struct window_test *t = test_of(state);

	start_keys(t);
	XMoveResizeWindow(t->bed.display, t->bed.window, 0, 0, 1440, 800);
	XSync(t->bed.display, False);
	wait_for_text(t, doubled, "Trapgate: white on blue\n");
	end_by_escape(t);
}

/* ---- what the user does ---- */
static void keys_reach_the_guest(void **state)
{
	static const struct {
		KeySym key;
		const char *codes;
	} row[] = {
		{XK_a, "1E 9E "},
		{XK_Right, "E0 4D E0 CD "},
		{XK_F12, "58 D8 "},
		{XK_KP_Enter, "E0 1C E0 9C "},
		{XK_Control_R, "E0 1D E0 9D "},
		{XK_Print, "E0 2A E0 37 E0 B7 E0 AA "},
		{XK_Pause, "E1 1D 45 E1 9D C5 "},
		{XK_Num_Lock, "45 C5 "},
	};
	struct window_test *t = test_of(state);
	char all[160] = "";

	start_keys(t);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		strike(t, row[i].key);
		strcat(all, row[i].codes);
	}
	assert_in_range(strlen(all), 81, 160); /* two rows */
	all[strlen(all) - 1] = '\0';
	memmove(all + 81, all + 80, strlen(all + 80) + 1);
	all[80] = '\n';
	wait_for_text(t, large, all);
	end_by_escape(t);
}

static void a_key_held_repeats_as_the_keyboard_does(void **state)
{
	struct window_test *t = test_of(state);

	start_keys(t);
	xbed_key(&t->bed, XK_b, true);
	wait_for_text(t, large, "30 30 30");
	xbed_key(&t->bed, XK_b, false);
	wait_for_text(t, large, "30 B0\n");
	end_by_escape(t);
}

static void the_close_button_ends_the_run(void **state)
{
	struct window_test *t = test_of(state);

	start_keys(t);
	xbed_close_window(&t->bed);
	ends(t, 0);
	assert_string_equal(t->text, "");
}

static void a_signal_ends_the_run(void **state)
{
	struct window_test *t = test_of(state);

	start_keys(t);
	kill(t->bed.guest, SIGTERM);
	ends(t, 8);
}

/* ---- the title ---- */
static void the_title_tells_what_the_machine_does(void **state)
{
	struct window_test *t = test_of(state);

	run(t, "keys", "-display", "sdl", "-name", "my guest", NULL);
	xbed_find(&t->bed);
	wait_for_title(t, "Trapgate my guest: waiting");
	end_by_escape(t);
}

static void the_window_of_a_dead_machine_stays(void **state)
{
	struct window_test *t = test_of(state);

	run(t, "rows_stay", "-display", "sdl", NULL);
	xbed_find(&t->bed);
	wait_for_title(t, "Trapgate: halted for ever: HLT with IF = 0");
	xbed_close_window(&t->bed);
	ends(t, 6);
	assert_non_null(strstr(t->text, "trapgate: halted for ever: HLT with IF = 0"));
}

/* ---- what must not be ---- */
static void a_window_leaves_the_trace_as_it_is(void **state)
{
	struct window_test *t = test_of(state);
	char trace[2][160], path[128];
	static char text[2][1 << 16];

	for (int i = 0; i < 2; i++) {
		const char *file = i ? "with" : "without";

		snprintf(trace[i], sizeof(trace[i]), "jsonl:%s", xbed_path(&t->bed, file, path));
		run(t, "rows", "--trace", trace[i], "-display", i ? "sdl" : "none", NULL);
		ends(t, 1);
		xbed_read_file(&t->bed, file, text[i], sizeof(text[i]));
	}
	assert_true(strlen(text[0]) > 1000);
	assert_string_equal(text[0], text[1]);
}

static void without_a_window_system_one_line_says_so(void **state)
{
	struct window_test *t = test_of(state);
	char name[16];

	memcpy(name, t->bed.name, sizeof(name));
	strcpy(t->bed.name, ":65500");
	run(t, "keys", "-display", "sdl", NULL);
	memcpy(t->bed.name, name, sizeof(name));
	ends(t, 2);
	assert_ptr_equal(strstr(t->text, "trapgate: -display sdl: no window can be opened here ("), t->text);
	assert_ptr_equal(strchr(t->text, '\n'), t->text + strlen(t->text) - 1);
}

/* A test that failed has left its guest behind. */
static int kill_guest(void **state)
{
	kill(test_of(state)->bed.guest, SIGKILL);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, NULL, kill_guest)

int main(int argc, char **argv)
{
	static struct window_test test;
	struct CMUnitTest tests[] = {
		TEST(the_window_shows_the_text_of_the_screen),
		TEST(attributes_have_their_colors),
		TEST(cursor_and_text_blink_while_the_machine_waits),
		TEST(fifty_rows_in_the_guests_own_font),
		TEST(graphics_are_shown_in_a_window_that_fits),
		TEST(a_larger_window_shows_it_larger),
		TEST(keys_reach_the_guest),
		TEST(a_key_held_repeats_as_the_keyboard_does),
		TEST(the_close_button_ends_the_run),
		TEST(a_signal_ends_the_run),
		TEST(the_title_tells_what_the_machine_does),
		TEST(the_window_of_a_dead_machine_stays),
		TEST(a_window_leaves_the_trace_as_it_is),
		TEST(without_a_window_system_one_line_says_so),
	};
	int failed;

	if (argc != 3) {
		fprintf(stderr, "usage: test_window PROGRAM DIRECTORY\n");
		return 2;
	}
	test.program = argv[1];
	test.guests = argv[2];
	if (!xbed_open(&test.bed)) {
		printf("SKIPPED: no Xvfb (Debian package xvfb)\n");
		xbed_close(&test.bed);
		return SKIPPED;
	}
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tests[i].initial_state = &test;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	xbed_close(&test.bed);
	return failed;
}
