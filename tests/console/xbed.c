#define _GNU_SOURCE /* pipe2, nftw */
#include "console/xbed.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <X11/Xutil.h>
#include <X11/extensions/XTest.h>

#include "devices/font.h"
#include "devices/vga.h"

#define CELL_WIDTH 9u
#define PATIENCE   1000 /* times 10 ms */

static void pause_10ms(void)
{
	nanosleep(&(struct timespec){0, 10000000}, NULL);
}

/* ---- processes ---- */
static bool start_server(struct xbed *bed)
{
	int ends[2];
	char fd[16], number[8] = "";

	if (pipe2(ends, 0) != 0)
		return false;
	snprintf(fd, sizeof(fd), "%d", ends[1]);
	bed->server = fork();
	if (bed->server == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, STDERR_FILENO);
		close(ends[0]);
		execlp("Xvfb", "Xvfb", "-displayfd", fd, "-screen", "0", "1600x1000x24", "-nolisten", "tcp", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	/* The number and a newline come one by one; the server dies of an end that is closed too early. */
	for (size_t n = 0; n < sizeof(number) - 1 && !strchr(number, '\n') && read(ends[0], number + n, 1) == 1;)
		n++;
	close(ends[0]);
	snprintf(bed->name, sizeof(bed->name), ":%d", atoi(number));
	return number[0] != '\0';
}

/* A window that goes away while it is looked at is no error. */
static int on_error(Display *display, XErrorEvent *event)
{
	return 0;
}

bool xbed_open(struct xbed *bed)
{
	memset(bed, 0, sizeof(*bed));
	strcpy(bed->directory, "/tmp/trapgate-window-XXXXXX");
	if (!start_server(bed) || !mkdtemp(bed->directory))
		return false;
	XSetErrorHandler(on_error);
	bed->display = XOpenDisplay(bed->name);
	return bed->display != NULL;
}

static int remove_it(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	return remove(path);
}

void xbed_close(struct xbed *bed)
{
	if (bed->display)
		XCloseDisplay(bed->display);
	if (bed->server > 0) {
		kill(bed->server, SIGTERM);
		waitpid(bed->server, NULL, 0);
	}
	nftw(bed->directory, remove_it, 8, FTW_DEPTH | FTW_PHYS);
}

const char *xbed_path(const struct xbed *bed, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", bed->directory, name);
	return path;
}

static bool is_ours(struct xbed *bed, Window window)
{
	XWindowAttributes attributes;
	char *name = NULL;
	bool ours = XGetWindowAttributes(bed->display, window, &attributes) && attributes.map_state == IsViewable &&
		    XFetchName(bed->display, window, &name) && name && strncmp(name, "Trapgate", 8) == 0;

	if (name)
		XFree(name);
	return ours;
}

static Window look_for_it(struct xbed *bed)
{
	Window root, parent, *children = NULL, found = 0;
	unsigned n = 0;

	XQueryTree(bed->display, DefaultRootWindow(bed->display), &root, &parent, &children, &n);
	for (unsigned i = 0; i < n; i++)
		if (is_ours(bed, children[i]))
			found = children[i];
	if (children)
		XFree(children);
	return found;
}

void xbed_start(struct xbed *bed, const char *const arguments[])
{
	char path[128];

	/* The window of a process that has ended lasts a little longer. */
	for (int i = 0; look_for_it(bed) && i < PATIENCE; i++)
		pause_10ms();
	bed->window = 0;
	bed->guest = fork();
	if (bed->guest != 0)
		return;
	dup2(open(xbed_path(bed, "err", path), O_RDWR | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
	setenv("DISPLAY", bed->name, 1);
	setenv("SDL_VIDEODRIVER", "x11", 1);
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* those of the libraries behind SDL */
	execv(arguments[0], (char *const *)(const void *)arguments);
	_exit(127);
}

int xbed_status(struct xbed *bed)
{
	int status;

	for (int i = 0; i < PATIENCE; i++) {
		if (waitpid(bed->guest, &status, WNOHANG) == bed->guest)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		pause_10ms();
	}
	kill(bed->guest, SIGKILL);
	waitpid(bed->guest, &status, 0);
	return -1;
}

void xbed_read_file(const struct xbed *bed, const char *name, char *text, size_t size)
{
	char path[128];
	FILE *file = fopen(xbed_path(bed, name, path), "rb");
	size_t n = file ? fread(text, 1, size - 1, file) : 0;

	text[n] = '\0';
	if (file)
		fclose(file);
}

/* ---- the window ---- */
void xbed_find(struct xbed *bed)
{
	for (int i = 0; !bed->window && i < PATIENCE; i++) {
		bed->window = look_for_it(bed);
		if (!bed->window)
			pause_10ms();
	}
	XSetInputFocus(bed->display, bed->window, RevertToParent, CurrentTime);
	XSync(bed->display, False);
}

void xbed_title(struct xbed *bed, char title[128])
{
	char *name = NULL;

	title[0] = '\0';
	if (XFetchName(bed->display, bed->window, &name) && name)
		snprintf(title, 128, "%s", name);
	if (name)
		XFree(name);
}

void xbed_key(struct xbed *bed, KeySym key, bool down)
{
	XTestFakeKeyEvent(bed->display, XKeysymToKeycode(bed->display, key), down, CurrentTime);
	XSync(bed->display, False);
}

void xbed_close_window(struct xbed *bed)
{
	XEvent event = {.xclient = {.type = ClientMessage, .window = bed->window, .format = 32}};

	event.xclient.message_type = XInternAtom(bed->display, "WM_PROTOCOLS", False);
	event.xclient.data.l[0] = (long)XInternAtom(bed->display, "WM_DELETE_WINDOW", False);
	XSendEvent(bed->display, bed->window, False, NoEventMask, &event);
	XSync(bed->display, False);
}

/* ---- reading it ---- */
static XImage *screenshot(struct xbed *bed, unsigned width, unsigned height)
{
	XWindowAttributes a;

	if (!XGetWindowAttributes(bed->display, bed->window, &a) || a.width != (int)width || a.height != (int)height)
		return NULL;
	return XGetImage(bed->display, bed->window, 0, 0, width, height, AllPlanes, ZPixmap);
}

struct cell {
	uint32_t dot[16][CELL_WIDTH];
};

static struct cell cut(XImage *image, struct xlook look, unsigned row, unsigned column)
{
	struct cell cell;

	memset(&cell, 0, sizeof(cell));
	for (unsigned y = 0; y < look.height; y++)
		for (unsigned x = 0; x < CELL_WIDTH; x++)
			cell.dot[y][x] = (uint32_t)XGetPixel(image, (int)((column * CELL_WIDTH + x) * look.scale),
							     (int)((row * look.height + y) * look.scale)) &
					 0xffffff;
	return cell;
}

/* Is the cell this glyph in two colours?  (The ninth dot is the eighth again in C0h-DFh, else background.) */
static bool is_glyph(const struct cell *cell, struct xlook look, unsigned c)
{
	uint8_t lines[16];
	uint32_t color[2] = {0, 0};
	bool known[2] = {false, false};

	font_glyph((uint8_t)c, 16, lines);
	for (unsigned y = 0; y < look.height; y++) {
		unsigned line = lines[y * 16 / look.height], dots = line << 1;

		if (c >= 0xc0 && c <= 0xdf)
			dots |= line & 1;
		for (unsigned x = 0; x < CELL_WIDTH; x++) {
			unsigned bit = dots >> (CELL_WIDTH - 1 - x) & 1;

			if (known[bit] && cell->dot[y][x] != color[bit])
				return false;
			color[bit] = cell->dot[y][x];
			known[bit] = true;
		}
	}
	return !known[0] || !known[1] || color[0] != color[1];
}

/* In a cell of one colour nothing can be told apart from a blank. */
static unsigned character(const struct cell *cell, struct xlook look)
{
	for (unsigned c = ' '; c < 256 + ' '; c++)
		if (is_glyph(cell, look, c & 0xff))
			return (c & 0xff) == 0xff || (c & 0xff) == 0 || (c & 0xff) == 0xdb ? ' ' : c & 0xff;
	return '?';
}

bool xbed_text(struct xbed *bed, struct xlook look, char text[X_TEXT])
{
	XImage *image = screenshot(bed, X_COLUMNS * CELL_WIDTH * look.scale, 400 * look.scale);
	struct vga_screen screen = {.on = true, .rows = 400 / look.height, .columns = X_COLUMNS};

	text[0] = '\0';
	if (!image)
		return false;
	for (unsigned row = 0; row < screen.rows; row++)
		for (unsigned column = 0; column < X_COLUMNS; column++) {
			struct cell cell = cut(image, look, row, column);

			screen.cell[row][column].character = (uint8_t)character(&cell, look);
		}
	XDestroyImage(image);
	vga_screen_text(&screen, text, X_TEXT);
	return true;
}

uint32_t xbed_dot(struct xbed *bed, unsigned x, unsigned y)
{
	XImage *image = XGetImage(bed->display, bed->window, (int)x, (int)y, 1, 1, AllPlanes, ZPixmap);
	uint32_t dot = image ? (uint32_t)XGetPixel(image, 0, 0) & 0xffffff : UINT32_MAX;

	if (image)
		XDestroyImage(image);
	return dot;
}
