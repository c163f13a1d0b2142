#include "console/keys.h"

/* Unshifted and shifted characters of the keys 02h-35h. */
static const char plain[] = "1234567890-=\0\0qwertyuiop[]\0\0asdfghjkl;'`\0\\zxcvbnm,./";
static const char shifted[] = "!@#$%^&*()_+\0\0QWERTYUIOP{}\0\0ASDFGHJKL:\"~\0|ZXCVBNM<>?";
#define FIRST 0x02u

static struct stroke find(unsigned character)
{
	for (unsigned i = 0; i < sizeof(plain) - 1; i++) {
		if ((unsigned char)plain[i] == character)
			return (struct stroke){(uint8_t)(FIRST + i), 0};
		if ((unsigned char)shifted[i] == character)
			return (struct stroke){(uint8_t)(FIRST + i), HOLD_SHIFT};
	}
	return (struct stroke){0, 0};
}

struct stroke key_of_character(unsigned character)
{
	static const struct {
		uint8_t character;
		struct stroke stroke;
	} own[] = {
		{'\t', {PC_TAB, 0}}, {'\n', {PC_ENTER, 0}}, {'\r', {PC_ENTER, 0}}, {0x1b, {PC_ESCAPE, 0}},
		{' ', {PC_SPACE, 0}}, {0x08, {PC_BACKSPACE, 0}}, {0x7f, {PC_BACKSPACE, 0}}, {0x00, {0x03, HOLD_CTRL}},
	};
	struct stroke stroke;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i].character == character)
			return own[i].stroke;
	if (character >= 0x80)
		return (struct stroke){0, 0};
	if (character >= 0x20)
		return find(character);
	/* Ctrl with a letter, or with one of \ ] ^ _ */
	stroke = find(character + (character < 0x1b ? 0x60 : 0x40));
	stroke.hold |= HOLD_CTRL;
	return stroke;
}

uint8_t key_of_function(unsigned n)
{
	if (n >= 11)
		return n <= 12 ? (uint8_t)(PC_F11 + n - 11) : 0;
	return n ? (uint8_t)(PC_F1 + n - 1) : 0;
}

/* ---- the queue ---- */
bool key_put(struct key_queue *q, uint8_t key, bool down)
{
	if (q->count == KEY_QUEUE)
		return false;
	q->key[(q->first + q->count++) % KEY_QUEUE] = (struct console_key){key, down};
	return true;
}

bool key_take(struct key_queue *q, struct console_key *key)
{
	if (!q->count)
		return false;
	*key = q->key[q->first];
	q->first = (q->first + 1) % KEY_QUEUE;
	q->count--;
	return true;
}

void key_strike(struct key_queue *q, struct stroke stroke)
{
	static const struct {
		unsigned hold;
		uint8_t key;
	} held[] = {{HOLD_CTRL, PC_CTRL}, {HOLD_ALT, PC_ALT}, {HOLD_SHIFT, PC_SHIFT}};
	const unsigned n = sizeof(held) / sizeof(held[0]);

	if (!stroke.key || q->count + 2 * (n + 1) > KEY_QUEUE)
		return;
	for (unsigned i = 0; i < n; i++)
		if (stroke.hold & held[i].hold)
			key_put(q, held[i].key, true);
	key_put(q, stroke.key, true);
	key_put(q, stroke.key, false);
	for (unsigned i = n; i-- > 0;)
		if (stroke.hold & held[i].hold)
			key_put(q, held[i].key, false);
}
