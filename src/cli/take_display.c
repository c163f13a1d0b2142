/* Displays, and dumps of the screen. */
#include <string.h>

#include "cli/property.h"
#include "console/display.h"

/* KIND, or KIND with QEMU's properties: they say how a window looks, not what it shows. */
OPTION_TAKER(take_display)
{
	static const char *const properties[] = {"gl=", "zoom-to-fit=", "show-cursor=", "window-close=on", "charset=",
						 "grab-on-hover=", "show-tabs=", "show-menubar=", "alt_grab=",
						 "ctrl_grab=", "grab-mod="};

	o->display = display_find(value);
	if (!o->display)
		return value_bad(option, value,
				 "none, curses (on the terminal) and sdl (a window; gtk is the same) are known", why);
	for (const char *p = strchr(value, ','); p; p = strchr(p + 1, ',')) {
		size_t i = 0;

		while (i < sizeof(properties) / sizeof(properties[0]) &&
		       strncmp(p + 1, properties[i], strlen(properties[i])) != 0)
			i++;
		if (i == sizeof(properties) / sizeof(properties[0]))
			return value_bad(option, value, "no such property of a display", why);
	}
	return true;
}

OPTION_TAKER(take_curses)
{
	return take_display(o, option, "curses", why);
}

/* FILE or FILE@insn:N */
OPTION_TAKER(take_screen)
{
	struct screen_dump *dump = &o->screen.dump[o->screen.dumps];
	const char *at = strstr(value, "@insn:");
	size_t n = at ? (size_t)(at - value) : strlen(value);

	if (o->screen.dumps == SCREEN_DUMPS)
		return value_bad(option, value, "that is one too many", why);
	if (n == 0 || n >= sizeof(dump->path))
		return value_bad(option, value, "a file name of at most 255 characters is wanted", why);
	if (at && (!value_whole(at + 6, &dump->insn) || dump->insn > INT64_MAX))
		return value_bad(option, value, "FILE or FILE@insn:N is wanted, N a number of instructions", why);
	memcpy(dump->path, value, n);
	dump->path[n] = '\0';
	dump->timed = at;
	o->screen.dumps++;
	return true;
}

OPTION_TAKER(take_name)
{
	o->name = strncmp(value, "guest=", 6) == 0 ? value + 6 : value;
	return true;
}

bool display_check(const struct options *o, struct diagnostic *why)
{
	const struct board_config *board = &o->machine.board;

	if (!o->display || !o->display->open)
		return true;
	if (board->no_vga)
		return diagnose(why, "-display %s: with -vga none there is nothing to show", o->display->name);
	if (o->nographic)
		return diagnose(why, "-nographic goes with no -display but none");
	if (!o->display->terminal)
		return true;
	for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++)
		if (board->serial[i] && strstr(board->serial[i], "stdio"))
			return diagnose(why, "-display curses takes the terminal; -serial needs file:PATH or null then");
	if (board->debugcon && strstr(board->debugcon, "stdio"))
		return diagnose(why, "-display curses takes the terminal; -debugcon needs file:PATH or null then");
	if (o->trace != TRACE_NONE && (!o->trace_file || strcmp(o->trace_file, "-") == 0))
		return diagnose(why, "-display curses takes the terminal; give the trace a file: --trace=%s:FILE",
				o->trace == TRACE_TEXT ? "text" : "jsonl");
	return true;
}
