/* SDL2 is loaded when a window is asked for: a run without one does not wait for the fifty
 * libraries behind it, and the program starts where they are not installed. */
#include "console/sdl.h"

#include <SDL.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "console/hid_keys.h"
#include "console/keys.h"
#include "devices/vga.h"
#include "guest/image.h"

#define LIBRARY "libSDL2-2.0.so.0"
#define FIRST_WIDTH  720
#define FIRST_HEIGHT 400
#define FRAMES_PER_SECOND 70u /* of the adapter's text modes: what blinks counts them */
#define NAP UINT64_C(4000000) /* nanoseconds */
#define FOR_RELEASES 512u /* room in the queue that only keys going up may use: one whose way up
			   * were lost would repeat for ever */

#define SDL_FUNCTIONS(X)                                                                                               \
	X(Init) X(Quit) X(GetError) X(SetHint) X(CreateWindow) X(DestroyWindow) X(SetWindowTitle) X(SetWindowSize)     \
	X(GetWindowSurface) X(UpdateWindowSurface) X(CreateRGBSurfaceWithFormat) X(FreeSurface) X(UpperBlitScaled)     \
	X(FillRect) X(PollEvent) X(StopTextInput) X(EnableScreenSaver) X(GetTicks)

struct sdl {
#define MEMBER(name) __typeof__(SDL_##name) *name;
	SDL_FUNCTIONS(MEMBER)
#undef MEMBER
};

struct sdl_display {
	struct sdl sdl;
	SDL_Window *window;
	SDL_Surface *dots; /* the picture, dot by dot */
	struct key_queue queue;
	bool closed, exposed;
	bool acted; /* the user did something */
	unsigned width, height; /* of the picture that the window was made for */
	struct vga_screen picture, before;
	uint64_t generation;
	char title[128];
};

/* ---- the picture ---- */

/* A picture of another size, and a window that fits it.  False: out of memory. */
static bool fit(struct sdl_display *d)
{
	unsigned width = d->picture.width, height = d->picture.height;

	if (!d->picture.on || (d->dots && d->width == width && d->height == height))
		return d->dots != NULL;
	d->sdl.FreeSurface(d->dots);
	d->dots = d->sdl.CreateRGBSurfaceWithFormat(0, (int)width, (int)height, 32, SDL_PIXELFORMAT_RGB888);
	if (!d->dots)
		return false;
	if (d->width != width || d->height != height)
		d->sdl.SetWindowSize(d->window, (int)width, (int)height);
	d->width = width;
	d->height = height;
	return true;
}

static void draw_lines(struct sdl_display *d, const struct vga *vga, unsigned first, unsigned end)
{
	for (unsigned y = first; y < end; y++)
		vga_scan_line(vga, &d->picture, y, (uint32_t *)(void *)((uint8_t *)d->dots->pixels +
									 (size_t)y * (size_t)d->dots->pitch));
}

/* Rows that differ from what was drawn before; after anything else than blinking, all of them. */
static bool draw_rows(struct sdl_display *d, const struct vga *vga)
{
	const struct vga_screen *s = &d->picture;
	unsigned height = s->cell_height * s->scan_repeat, offset = s->first_scan * s->scan_repeat;
	bool changed[VGA_MAX_ROWS];

	if (d->generation != vga->generation || d->exposed || s->graphics) {
		draw_lines(d, vga, 0, s->height);
		return true;
	}
	if (vga_screen_changes(&d->before, s, changed) == 0)
		return false;
	for (unsigned row = 0; row < s->rows; row++) {
		unsigned first = row * height > offset ? row * height - offset : 0;
		unsigned end = (row + 1) * height - offset;

		if (changed[row])
			draw_lines(d, vga, first, end < s->height ? end : s->height);
	}
	return true;
}

/* Scaled to the window, with the sides in proportion. */
static void present(struct sdl_display *d)
{
	SDL_Surface *window = d->sdl.GetWindowSurface(d->window);
	SDL_Rect place = {0, 0, 0, 0};

	if (!window)
		return;
	d->sdl.FillRect(window, NULL, 0);
	if (d->picture.on && d->dots) {
		place.w = window->w;
		place.h = (int)((int64_t)window->w * d->dots->h / d->dots->w);
		if (place.h > window->h) {
			place.h = window->h;
			place.w = (int)((int64_t)window->h * d->dots->w / d->dots->h);
		}
		place.x = (window->w - place.w) / 2;
		place.y = (window->h - place.h) / 2;
		d->sdl.UpperBlitScaled(d->dots, NULL, window, &place);
	}
	d->sdl.UpdateWindowSurface(d->window);
}

/* What blinks does so in the host's time, so that it also does while the machine waits. */
static void blink(struct sdl_display *d)
{
	unsigned frame = (unsigned)(d->sdl.GetTicks() * (uint64_t)FRAMES_PER_SECOND / 1000);

	d->picture.cursor_shown = !(frame & 8);
	d->picture.blink_shown = !(frame & 16);
}

static void sdl_show(void *display, const struct console_view *view)
{
	struct sdl_display *d = display;
	bool drawn = true;

	if (strcmp(d->title, view->title) != 0) {
		snprintf(d->title, sizeof(d->title), "%s", view->title);
		d->sdl.SetWindowTitle(d->window, d->title);
	}
	if (d->generation != view->vga->generation || d->exposed)
		vga_screen(view->vga, &d->picture);
	else if (d->picture.graphics)
		return;
	blink(d);
	if (!fit(d) && d->picture.on)
		return;
	if (d->picture.on)
		drawn = draw_rows(d, view->vga);
	else
		drawn = d->generation != view->vga->generation || d->exposed;
	d->before = d->picture;
	d->generation = view->vga->generation;
	d->exposed = false;
	if (drawn)
		present(d);
}

/* ---- the user ---- */
static void on_key(struct sdl_display *d, const SDL_KeyboardEvent *event)
{
	bool down = event->state == SDL_PRESSED;
	uint8_t key = hid_key((unsigned)event->keysym.scancode);

	/* The keyboard repeats by itself. */
	if (key && !event->repeat && (!down || d->queue.count < KEY_QUEUE - FOR_RELEASES))
		key_put(&d->queue, key, down);
}

static void take_events(struct sdl_display *d)
{
	SDL_Event event;

	while (d->sdl.PollEvent(&event)) {
		d->acted |= event.type == SDL_QUIT || event.type == SDL_KEYDOWN || event.type == SDL_KEYUP;
		switch (event.type) {
		case SDL_QUIT:
			d->closed = true;
			break;
		case SDL_WINDOWEVENT:
			d->exposed = true;
			break;
		case SDL_KEYDOWN:
		case SDL_KEYUP:
			on_key(d, &event.key);
			break;
		default:
			break;
		}
	}
}

/* SDL_WaitEventTimeout() wakes itself through a second connection to the X server, which may see that only after the
 * window is gone and then ends the process (BadWindow); so events are looked for every few milliseconds. */
static void sdl_wait(void *display, uint64_t ns)
{
	struct sdl_display *d = display;

	for (uint64_t slept = 0; !d->acted && slept < ns;) {
		uint64_t part = ns - slept < NAP ? ns - slept : NAP;

		nanosleep(&(struct timespec){0, (long)part}, NULL);
		slept += part;
		take_events(d);
	}
	take_events(d);
	d->acted = false;
}

static bool sdl_next(void *display, struct console_key *key)
{
	return key_take(&((struct sdl_display *)display)->queue, key);
}

static bool sdl_closed(void *display)
{
	return ((struct sdl_display *)display)->closed;
}

/* ---- beginning and end ---- */

/* The library stays loaded: some of those behind it have something to do when the process ends. */
static bool load(struct sdl *sdl, struct diagnostic *why)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return diagnose(why, "-display sdl: %s; install libsdl2-2.0-0, or use -display curses", dlerror());
#define LOAD(name)                                                                                                     \
	*(void **)(void *)&sdl->name = dlsym(library, "SDL_" #name);                                                   \
	if (!sdl->name)                                                                                                \
		return diagnose(why, "-display sdl: %s", dlerror());
	SDL_FUNCTIONS(LOAD)
#undef LOAD
	return true;
}

static bool start(struct sdl_display *d, struct diagnostic *why)
{
	if (!load(&d->sdl, why))
		return false;
	/* Signals end the run as without a window. */
	d->sdl.SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
	/* Else SDL makes the window twice, and loads a driver for three dimensions to show two. */
	d->sdl.SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
	if (d->sdl.Init(SDL_INIT_VIDEO) != 0)
		return diagnose(why, "-display sdl: no window can be opened here (%s); use -display curses or none",
				d->sdl.GetError());
	d->sdl.EnableScreenSaver();
	d->sdl.StopTextInput();
	d->window = d->sdl.CreateWindow("Trapgate", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, FIRST_WIDTH,
					FIRST_HEIGHT, SDL_WINDOW_RESIZABLE);
	if (!d->window) {
		diagnose(why, "-display sdl: %s", d->sdl.GetError());
		d->sdl.Quit();
		return false;
	}
	d->width = FIRST_WIDTH;
	d->height = FIRST_HEIGHT;
	d->exposed = true;
	return true;
}

bool sdl_open(struct console *console, struct diagnostic *why)
{
	static const struct console_ops ops = {sdl_show, sdl_wait, sdl_next, sdl_closed};
	struct sdl_display *d = calloc(1, sizeof(*d));

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

void sdl_close(struct console *console)
{
	struct sdl_display *d = console->display;

	d->sdl.FreeSurface(d->dots);
	d->sdl.DestroyWindow(d->window);
	d->sdl.Quit();
	free(d);
	console->ops = NULL;
	console->display = NULL;
}
