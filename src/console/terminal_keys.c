#define NCURSES_WIDECHAR 1
#include "console/terminal_keys.h"

#include <curses.h>
#include <stdio.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define FUNCTION_KEYS 12

/* Keys of curses' own list. */
static const struct {
	int code;
	struct stroke stroke;
} fixed[] = {
	{KEY_BACKSPACE, {PC_BACKSPACE, 0}}, {KEY_ENTER, {PC_ENTER, 0}}, {KEY_BTAB, {PC_TAB, HOLD_SHIFT}},
	{KEY_UP, {PC_UP, 0}}, {KEY_DOWN, {PC_DOWN, 0}}, {KEY_LEFT, {PC_LEFT, 0}}, {KEY_RIGHT, {PC_RIGHT, 0}},
	{KEY_HOME, {PC_HOME, 0}}, {KEY_END, {PC_END, 0}}, {KEY_PPAGE, {PC_PAGE_UP, 0}},
	{KEY_NPAGE, {PC_PAGE_DOWN, 0}}, {KEY_IC, {PC_INSERT, 0}}, {KEY_DC, {PC_DELETE, 0}},
	{KEY_A1, {PC_HOME, 0}}, {KEY_A3, {PC_PAGE_UP, 0}}, {KEY_B2, {PC_PAD_5, 0}}, {KEY_C1, {PC_END, 0}},
	{KEY_C3, {PC_PAGE_DOWN, 0}}, {KEY_SR, {PC_UP, HOLD_SHIFT}}, {KEY_SF, {PC_DOWN, HOLD_SHIFT}},
	{KEY_SLEFT, {PC_LEFT, HOLD_SHIFT}}, {KEY_SRIGHT, {PC_RIGHT, HOLD_SHIFT}}, {KEY_SHOME, {PC_HOME, HOLD_SHIFT}},
	{KEY_SEND, {PC_END, HOLD_SHIFT}}, {KEY_SPREVIOUS, {PC_PAGE_UP, HOLD_SHIFT}},
	{KEY_SNEXT, {PC_PAGE_DOWN, HOLD_SHIFT}}, {KEY_SIC, {PC_INSERT, HOLD_SHIFT}},
	{KEY_SDC, {PC_DELETE, HOLD_SHIFT}},
};

/* Terminfo's extended capabilities are these names with xterm's number of what is held: 1 + 1 for Shift + 2 for
 * Alt + 4 for Ctrl (xterm's control sequences, "PC-Style Function Keys"). */
static const struct {
	const char *name;
	uint8_t key;
} extended[] = {
	{"kUP", PC_UP}, {"kDN", PC_DOWN}, {"kLFT", PC_LEFT}, {"kRIT", PC_RIGHT}, {"kHOM", PC_HOME},
	{"kEND", PC_END}, {"kPRV", PC_PAGE_UP}, {"kNXT", PC_PAGE_DOWN}, {"kIC", PC_INSERT}, {"kDC", PC_DELETE},
};

static uint8_t xterm_hold(unsigned number)
{
	unsigned bits = number - 1;

	return (uint8_t)((bits & 1 ? HOLD_SHIFT : 0) | (bits & 2 ? HOLD_ALT : 0) | (bits & 4 ? HOLD_CTRL : 0));
}

static void add(struct terminal_keys *keys, const char *name, struct stroke stroke)
{
	char *sequence = tigetstr(name);
	int code;

	if (!sequence || sequence == (char *)-1)
		return;
	code = key_defined(sequence);
	if (code <= 0 || keys->count == TERMINAL_KEYS)
		return;
	keys->own[keys->count].code = code;
	keys->own[keys->count++].stroke = stroke;
}

void terminal_keys_init(struct terminal_keys *keys)
{
	keys->count = 0;
	for (size_t i = 0; i < COUNT(extended); i++)
		for (unsigned number = 2; number <= 8; number++) {
			char name[16];

			snprintf(name, sizeof(name), "%s%u", extended[i].name, number);
			add(keys, name, (struct stroke){extended[i].key, xterm_hold(number)});
		}
}

/* F13 and on are what terminals send for the twelve with Shift, Ctrl, Ctrl-Shift, Alt, Alt-Shift. */
static struct stroke function_key(unsigned n)
{
	static const uint8_t hold[] = {0, HOLD_SHIFT, HOLD_CTRL, HOLD_CTRL | HOLD_SHIFT, HOLD_ALT, HOLD_ALT | HOLD_SHIFT};
	unsigned group = (n - 1) / FUNCTION_KEYS;

	if (n == 0 || group >= COUNT(hold))
		return (struct stroke){0, 0};
	return (struct stroke){key_of_function((n - 1) % FUNCTION_KEYS + 1), hold[group]};
}

struct stroke terminal_key(const struct terminal_keys *keys, int code)
{
	for (size_t i = 0; i < COUNT(fixed); i++)
		if (fixed[i].code == code)
			return fixed[i].stroke;
	for (unsigned i = 0; i < keys->count; i++)
		if (keys->own[i].code == code)
			return keys->own[i].stroke;
	if (code >= KEY_F0 && code < KEY_F0 + 64)
		return function_key((unsigned)(code - KEY_F0));
	return (struct stroke){0, 0};
}
