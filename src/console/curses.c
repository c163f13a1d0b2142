#define _GNU_SOURCE /* ppoll */
#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1
#include "console/curses.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "console/terminal_keys.h"
#include "devices/ps2.h"
#include "devices/vga.h"
#include "guest/image.h"

#define CTRL_A       1
#define ESCAPE       27
#define ESCAPE_DELAY 25 /* ms that a sequence may take to follow its escape character */
#define WHITE        7  /* of the terminal's eight colours */

struct curses_display {
	SCREEN *screen;
	struct terminal_keys keys;
	struct key_queue queue;
	bool prefix; /* the last key was Ctrl-A */
	bool closed, redraw, utf8;
	short colors; /* 16, 8 or 0 */
	struct vga_screen picture;
	uint64_t generation;
	unsigned top, left; /* of the part that is shown on a terminal too small for all of it */
	char title[128];
};

/* ---- giving the terminal back when the process is about to die.  A handler knows of
 * nothing but what is static. ---- */
static struct {
	struct termios tty;
	char text[256];
	size_t length;
} last_words;

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT};
#define FATAL (sizeof(fatal) / sizeof(fatal[0]))

static void on_fatal(int number)
{
	ssize_t ignored = write(STDOUT_FILENO, last_words.text, last_words.length);

	(void)ignored;
	tcsetattr(STDIN_FILENO, TCSANOW, &last_words.tty);
	signal(number, SIG_DFL);
	raise(number);
}

static void prepare_last_words(const struct termios *tty)
{
	static const char *const names[] = {"sgr0", "op", "rmkx", "cnorm", "rmcup"};

	last_words.tty = *tty;
	last_words.length = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = tigetstr(names[i]);
		size_t n = text && text != (const char *)-1 ? strcspn(text, "$") : 0; /* $<5>: padding */

		if (last_words.length + n > sizeof(last_words.text))
			continue;
		memcpy(last_words.text + last_words.length, text ? text : "", n);
		last_words.length += n;
	}
	for (size_t i = 0; i < FATAL; i++) {
		struct sigaction now;

		/* A debugging tool that watches a signal keeps it. */
		if (sigaction(fatal[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
			signal(fatal[i], on_fatal);
	}
}

static void forget_last_words(void)
{
	for (size_t i = 0; i < FATAL; i++) {
		struct sigaction now;

		if (sigaction(fatal[i], NULL, &now) == 0 && now.sa_handler == on_fatal)
			signal(fatal[i], SIG_DFL);
	}
}

/* ---- colours ---- */
static unsigned distance(uint32_t a, uint32_t b)
{
	unsigned sum = 0;

	for (unsigned shift = 0; shift < 24; shift += 8) {
		int d = (int)(a >> shift & 0xff) - (int)(b >> shift & 0xff);

		sum += (unsigned)(d * d);
	}
	return sum;
}

/* The nearest of the terminal's 16 colours: 1 red, 2 green, 4 blue, 8 bright. */
static int terminal_color(uint32_t color)
{
	static const uint32_t known[16] = {
		0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
		0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
	};
	int best = 0;

	for (int i = 1; i < 16; i++)
		if (distance(color, known[i]) < distance(color, known[best]))
			best = i;
	return best;
}

/* Pair 0 is white on black (assume_default_colors). */
static short pair_of(const struct curses_display *d, int front, int back)
{
	return (short)(((WHITE - front) & (d->colors - 1)) * d->colors + back);
}

static void make_pairs(struct curses_display *d)
{
	if (!has_colors() || start_color() != OK || COLORS < 8)
		return;
	d->colors = COLORS >= 16 && COLOR_PAIRS >= 256 ? 16 : 8;
	assume_default_colors(WHITE, COLOR_BLACK);
	for (short front = 0; front < d->colors; front++)
		for (short back = 0; back < d->colors; back++)
			if (pair_of(d, front, back))
				init_pair(pair_of(d, front, back), front, back);
}

struct look {
	attr_t attributes;
	short pair;
};

static struct look look_of(const struct curses_display *d, const int color[16], uint8_t attribute)
{
	const struct vga_screen *s = &d->picture;
	int front = color[attribute & 15], back = color[s->blink ? attribute >> 4 & 7 : attribute >> 4];
	struct look look = {A_NORMAL, 0};

	if (s->blink && (attribute & 0x80))
		look.attributes |= A_BLINK;
	if (s->monochrome && VGA_UNDERLINED(attribute))
		look.attributes |= A_UNDERLINE;
	if (d->colors < 16 && front >= 8)
		look.attributes |= A_BOLD;
	if (d->colors)
		look.pair = pair_of(d, front & (d->colors - 1), back & (d->colors - 1));
	else if (back)
		look.attributes |= A_REVERSE;
	return look;
}

/* ---- drawing ---- */

/* For terminals that know ASCII alone. */
static unsigned plain_character(unsigned c)
{
	if (c < 0x80)
		return c;
	if (c == 0x2500 || c == 0x2550)
		return '-';
	if (c == 0x2502 || c == 0x2551)
		return '|';
	if (c > 0x2500 && c < 0x2580)
		return '+';
	return c >= 0x2580 && c < 0x25a0 ? '#' : '?';
}

static void draw_cell(struct curses_display *d, const int color[16], unsigned row, unsigned column)
{
	struct vga_cell cell = d->picture.cell[row][column];
	struct look look = look_of(d, color, cell.attribute);
	unsigned c = vga_unicode(cell.character);
	wchar_t text[2] = {(wchar_t)(d->utf8 ? c : plain_character(c)), 0};
	cchar_t out;

	if (setcchar(&out, text, look.attributes, look.pair, NULL) == OK)
		mvadd_wch((int)(row - d->top), (int)(column - d->left), &out);
}

/* The first row (or column) to show of count, so that place is among the shown. */
static unsigned scrolled(unsigned first, unsigned count, unsigned shown, unsigned place)
{
	if (count <= shown)
		return 0;
	if (place < first)
		return place;
	if (place >= first + shown)
		return place - shown + 1;
	return first > count - shown ? count - shown : first;
}

static void draw_text(struct curses_display *d)
{
	const struct vga_screen *s = &d->picture;
	int color[16];

	if (s->cursor.visible) {
		d->top = scrolled(d->top, s->rows, (unsigned)LINES, s->cursor.row);
		d->left = scrolled(d->left, s->columns, (unsigned)COLS, s->cursor.column);
	} else {
		d->top = scrolled(d->top, s->rows, (unsigned)LINES, d->top);
		d->left = scrolled(d->left, s->columns, (unsigned)COLS, d->left);
	}
	for (unsigned i = 0; i < 16; i++)
		color[i] = terminal_color(s->color[i]);
	for (unsigned row = d->top; row < s->rows && row < d->top + (unsigned)LINES; row++)
		for (unsigned column = d->left; column < s->columns && column < d->left + (unsigned)COLS; column++)
			draw_cell(d, color, row, column);
}

/* Below the picture, where there is room; over its last row, when it is time to go. */
static void draw_status(struct curses_display *d, bool over)
{
	if (!over && (unsigned)LINES <= (d->picture.graphics ? 1 : d->picture.rows))
		return;
	attrset(over ? A_REVERSE : A_NORMAL);
	mvprintw(LINES - 1, 0, "%.*s", COLS - 1, d->title);
	attrset(A_NORMAL);
}

static void place_cursor(struct curses_display *d)
{
	const struct vga_screen *s = &d->picture;
	bool large = s->cursor.last - s->cursor.first >= s->cell_height / 2;

	if (!s->on || !s->cursor.visible) {
		curs_set(0);
		return;
	}
	curs_set(large ? 2 : 1);
	move((int)(s->cursor.row - d->top), (int)(s->cursor.column - d->left));
}

static void draw(struct curses_display *d, bool over)
{
	const struct vga_screen *s = &d->picture;

	erase();
	if (s->on && s->graphics)
		mvprintw(0, 0, "(graphics: %u x %u pixels; -display sdl shows them)", s->pixel_width,
			 s->pixel_height);
	else if (s->on)
		draw_text(d);
	draw_status(d, over);
	place_cursor(d);
	refresh();
}

static void curses_show(void *display, const struct console_view *view)
{
	struct curses_display *d = display;

	if (d->generation == view->vga->generation && strcmp(d->title, view->title) == 0 && !d->redraw)
		return;
	d->generation = view->vga->generation;
	snprintf(d->title, sizeof(d->title), "%.100s (Ctrl-A x: end)", view->title);
	if (d->redraw)
		clearok(curscr, TRUE);
	d->redraw = false;
	vga_screen(view->vga, &d->picture);
	draw(d, view->over);
}

/* ---- keys ---- */

/* The key after Ctrl-A. */
static void command(struct curses_display *d, wint_t c)
{
	static const struct {
		wint_t c;
		struct stroke stroke;
	} strokes[] = {
		{'a', {0x1e, HOLD_CTRL}}, {CTRL_A, {0x1e, HOLD_CTRL}}, {'r', {PC_DELETE, HOLD_CTRL | HOLD_ALT}},
		{'p', {PS2_KEY_PRINT, 0}}, {'b', {PS2_KEY_PAUSE, 0}},
	};

	d->prefix = false;
	if (c == 'x')
		d->closed = true;
	if (c == 'l')
		d->redraw = true;
	for (size_t i = 0; i < sizeof(strokes) / sizeof(strokes[0]); i++)
		if (strokes[i].c == c)
			key_strike(&d->queue, strokes[i].stroke);
}

static void character(struct curses_display *d, wint_t c)
{
	struct stroke stroke;
	wint_t next;

	if (d->prefix) {
		command(d, c);
		return;
	}
	if (c == CTRL_A) {
		d->prefix = true;
		return;
	}
	/* Alt is an escape character in front. */
	if (c == ESCAPE && get_wch(&next) == OK) {
		stroke = key_of_character(next);
		stroke.hold |= HOLD_ALT;
	} else {
		stroke = key_of_character(c);
	}
	if (!stroke.key)
		beep();
	key_strike(&d->queue, stroke);
}

/* All of them, read by the guest or not: the one that ends the run may be behind. */
static void read_keys(struct curses_display *d)
{
	wint_t c;

	for (;;) {
		int kind = get_wch(&c);

		if (kind == ERR)
			return;
		if (kind == OK)
			character(d, c);
		else if (c == KEY_RESIZE)
			d->redraw = true;
		else
			key_strike(&d->queue, terminal_key(&d->keys, (int)c));
	}
}

static void curses_wait(void *display, uint64_t ns)
{
	struct curses_display *d = display;
	struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
	struct timespec wait = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

	ppoll(&fd, 1, &wait, NULL);
	if (fd.revents & (POLLHUP | POLLERR)) /* the terminal is gone */
		d->closed = true;
	read_keys(d);
}

static bool curses_next(void *display, struct console_key *key)
{
	struct curses_display *d = display;

	return key_take(&d->queue, key);
}

static bool curses_closed(void *display)
{
	return ((struct curses_display *)display)->closed;
}

/* ---- beginning and end ---- */
static bool start(struct curses_display *d, struct diagnostic *why)
{
	struct termios tty;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &tty) != 0)
		return diagnose(why, "-display curses: standard input and output are not a terminal");
	setlocale(LC_CTYPE, "");
	d->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	d->screen = newterm(NULL, stdout, stdin);
	if (!d->screen) {
		const char *type = getenv("TERM");

		return diagnose(why, "-display curses: nothing is known of a terminal of type \"%s\"; set TERM",
				type ? type : "");
	}
	prepare_last_words(&tty);
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	leaveok(stdscr, FALSE);
	set_escdelay(ESCAPE_DELAY);
	make_pairs(d);
	terminal_keys_init(&d->keys);
	d->redraw = true;
	return true;
}

bool curses_open(struct console *console, struct diagnostic *why)
{
	static const struct console_ops ops = {curses_show, curses_wait, curses_next, curses_closed};
	struct curses_display *d = calloc(1, sizeof(*d));

	if (!d)
		return diagnose(why, "out of memory");
	if (!start(d, why)) {
		free(d);
		return false;
	}
	console->ops = &ops;
	console->display = d;
	return true;
}

void curses_close(struct console *console)
{
	struct curses_display *d = console->display;

	set_term(d->screen);
	/* Where there is no other screen to go back to, the picture stays, and the next prompt comes below. */
	move(LINES - 1, 0);
	clrtoeol();
	refresh();
	endwin();
	delscreen(d->screen);
	forget_last_words();
	setlocale(LC_CTYPE, "C");
	free(d);
	console->ops = NULL;
	console->display = NULL;
}
