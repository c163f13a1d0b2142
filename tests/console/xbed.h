/* A window system of its own for each test program, Trapgate in a window of it, and what a user
 * would see and do there. */
#ifndef TRAPGATE_TESTS_CONSOLE_XBED_H
#define TRAPGATE_TESTS_CONSOLE_XBED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <X11/Xlib.h>

#define X_COLUMNS 80u
#define X_TEXT (100u * (X_COLUMNS * 3 + 1) + 1)

struct xbed {
	Display *display;
	pid_t server;
	char name[16]; /* ":7" */
	pid_t guest;
	Window window;
	char directory[64]; /* for files, emptied at the end */
};

/* How characters look in the window. */
struct xlook {
	unsigned scale;    /* of the window */
	unsigned height;   /* lines of a cell: 16, or 8: every second line of those */
};

/* False: there is no Xvfb. */
bool xbed_open(struct xbed *bed);
void xbed_close(struct xbed *bed);

/* Starts `program arguments...` (the list ends with NULL) with its standard error in the file "err"; no window is
 * waited for. */
void xbed_start(struct xbed *bed, const char *const arguments[]);
/* Waits for the exit status; after ten seconds the program is killed, and the status is -1. */
int xbed_status(struct xbed *bed);
/* The guest's window: waits for it, and gives it the keyboard. */
void xbed_find(struct xbed *bed);
/* The path of a file in the bed's directory; the buffer is the caller's. */
const char *xbed_path(const struct xbed *bed, const char *name, char path[128]);
/* The whole file; "" if there is none. */
void xbed_read_file(const struct xbed *bed, const char *name, char *text, size_t size);

/* What the window shows, read glyph by glyph: UTF-8 lines as vga_screen_text() writes them, '?' where no character
 * looks like that.  False: there is no window (any more) or it has another size. */
bool xbed_text(struct xbed *bed, struct xlook look, char text[X_TEXT]);
/* The colour of a dot of the window, 00RRGGBBh. */
uint32_t xbed_dot(struct xbed *bed, unsigned x, unsigned y);
void xbed_title(struct xbed *bed, char title[128]);
/* A key by its keysym goes down or up. */
void xbed_key(struct xbed *bed, KeySym key, bool down);
/* As the close button does. */
void xbed_close_window(struct xbed *bed);

#endif
