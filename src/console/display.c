#include "console/display.h"

#include <string.h>

#include "console/curses.h"
#include "console/sdl.h"

#ifndef TRAPGATE_SDL
#include "guest/image.h"

bool sdl_open(struct console *console, struct diagnostic *why)
{
	return diagnose(why, "-display sdl: built without SDL2; install libsdl2-dev and build again, or use "
			     "-display curses");
}

void sdl_close(struct console *console)
{
}
#endif

static const struct display_kind kinds[] = {
	{"none", "no display", false, NULL, NULL},
	{"curses", "on the terminal", true, curses_open, curses_close},
	{"sdl", "in a window", false, sdl_open, sdl_close},
};

static const struct {
	const char *name, *kind;
} also[] = {{"gtk", "sdl"}, {"default", "sdl"}};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

const struct display_kind *display_kind(size_t i)
{
	return i < COUNT(kinds) ? &kinds[i] : NULL;
}

static bool same(const char *name, size_t length, const char *word)
{
	return strlen(word) == length && strncmp(name, word, length) == 0;
}

const struct display_kind *display_find(const char *name)
{
	size_t length = strcspn(name, ",");

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (same(name, length, kinds[i].name))
			return &kinds[i];
	for (size_t i = 0; i < COUNT(also); i++)
		if (same(name, length, also[i].name))
			return display_find(also[i].kind);
	return NULL;
}
