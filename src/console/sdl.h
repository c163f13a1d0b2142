/* The screen in a window, by SDL2. */
#ifndef TRAPGATE_CONSOLE_SDL_H
#define TRAPGATE_CONSOLE_SDL_H

#include <stdbool.h>

struct console;
struct diagnostic;

bool sdl_open(struct console *console, struct diagnostic *why);
void sdl_close(struct console *console);

#endif
