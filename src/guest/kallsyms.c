/* kallsyms, found in the loaded kernel's memory.  Linux sources, scripts/kallsyms.c, write_src(): one after the
 * other, each aligned to the size of an address (a word has 4 bytes), lie
 *
 *   offsets        num_syms words: address - relative_base, ascending (since 6.4 behind the token index)
 *   relative_base  an address
 *   num_syms       a word
 *   names          for each symbol: a length (one byte, or two where bit 7 is set: since 6.1), then that many
 *                  tokens; the first character that they spell is the symbol's type
 *   markers        words: the place in names of every 256th symbol
 *   seqs_of_names  3 bytes a symbol (since 6.2; not in every stable version)
 *   token_table    256 texts, each ended by NUL
 *   token_index    256 halfwords: the place of each text in token_table
 *
 * Of x86-64 (CONFIG_KALLSYMS_ABSOLUTE_PERCPU) an offset that is not negative is the address itself, of what each
 * processor has a copy of, and others are relative_base - 1 - address.
 *
 * The token table begins the search: a token that stands for one character which symbols are made of
 * is that character itself, so the texts "0" to "9" follow one another. */
#include "guest/kallsyms.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TOKENS      256u
#define PER_MARKER  256u
#define MIN_SYMBOLS 512u
#define MAX_SYMBOLS 1000000u
#define MAX_MARKERS (MAX_SYMBOLS / PER_MARKER + 1)
#define LONG_NAME   512u /* KSYM_NAME_LEN */
#define WORD        4u
#define CHUNK       (1u << 20)
#define NEGATIVE    0x80000000u
#define DIGITS      20u /* bytes of "0\0" to "9\0" */

struct tables {
	const uint8_t *ram; /* a copy of the guest's memory */
	uint64_t size;
	uint64_t names, markers, token_table, token_index, offsets;
	uint64_t base;
	uint32_t count, marker_count;
	uint32_t unit; /* bytes of an address: what everything is aligned to */
};

static uint32_t word_at(const struct tables *t, uint64_t at)
{
	uint32_t v;

	memcpy(&v, t->ram + at, sizeof(v));
	return v;
}

static uint32_t half_at(const struct tables *t, uint64_t at)
{
	uint16_t v;

	memcpy(&v, t->ram + at, sizeof(v));
	return v;
}

static uint64_t align(const struct tables *t, uint64_t at)
{
	return (at + t->unit - 1) & ~(uint64_t)(t->unit - 1);
}

static uint64_t base_at(const struct tables *t, uint64_t at)
{
	return word_at(t, at) | (t->unit == 8 ? (uint64_t)word_at(t, at + WORD) << 32 : 0);
}

/* Is there a token table whose digits begin here?  Then token_table and token_index are set.  The index lies behind the
 * last text and tells how far before the digits the first one begins. */
static bool tokens_at(struct tables *t, uint64_t digits)
{
	uint64_t end = digits, index, at;

	for (unsigned i = '0'; i < TOKENS && end < t->size; i++)
		end += strnlen((const char *)t->ram + end, (size_t)(t->size - end)) + 1;
	index = align(t, end);
	if (index + 2 * TOKENS > t->size || half_at(t, index) != 0 || half_at(t, index + 2 * '0') > digits)
		return false;
	t->token_table = at = digits - half_at(t, index + 2 * '0');
	t->token_index = index;
	for (unsigned i = 0; i < TOKENS; i++) {
		if (at >= end || t->token_table + half_at(t, index + 2 * i) != at)
			return false;
		at += strnlen((const char *)t->ram + at, (size_t)(t->size - at)) + 1;
	}
	return t->token_table % t->unit == 0;
}

/* The length of the name at *at, which moves on to its first token; 0: none fits. */
static uint32_t name_length(const struct tables *t, uint64_t *at, uint64_t end)
{
	uint32_t n;

	if (*at >= end)
		return 0;
	n = t->ram[(*at)++];
	if (n & 0x80) {
		if (*at >= end)
			return 0;
		n = (n & 0x7f) | (uint32_t)t->ram[(*at)++] << 7;
	}
	return n > LONG_NAME || n > end - *at ? 0 : n;
}

/* Do count names from start on end before end, and agree with the markers? */
static bool names_fit(const struct tables *t, uint64_t start, uint32_t count, uint64_t end)
{
	uint64_t at = start;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t n;

		if (i % PER_MARKER == 0 && word_at(t, t->markers + WORD * (i / PER_MARKER)) != at - start)
			return false;
		n = name_length(t, &at, end);
		if (!n)
			return false;
		at += n;
	}
	return align(t, at) == end;
}

/* The markers end at `end`: words that fall, read backwards, down to the first, 0. */
static bool markers_before(struct tables *t, uint64_t end)
{
	uint64_t at = end - WORD;
	uint32_t n = 1;

	while (at >= WORD && word_at(t, at) != 0) {
		if (word_at(t, at - WORD) >= word_at(t, at) || n == MAX_MARKERS)
			return false;
		at -= WORD;
		n++;
	}
	t->markers = at;
	t->marker_count = n;
	return n > 1;
}

/* num_syms stands right before the names; the number of markers bounds it. */
static bool names_before_markers(struct tables *t)
{
	uint64_t last = word_at(t, t->markers + WORD * (t->marker_count - 1));
	uint64_t room = last + (uint64_t)PER_MARKER * LONG_NAME;

	if (last + WORD > t->markers)
		return false;
	for (uint64_t start = (t->markers - last) & ~(uint64_t)(t->unit - 1);
	     start >= t->unit && t->markers - start < room; start -= t->unit) {
		uint32_t count = word_at(t, start - t->unit);

		if (count > PER_MARKER * (t->marker_count - 1) && count <= PER_MARKER * t->marker_count &&
		    names_fit(t, start, count, t->markers)) {
			t->names = start;
			t->count = count;
			return count >= MIN_SYMBOLS;
		}
	}
	return false;
}

static uint64_t address_of(const struct tables *t, uint32_t i)
{
	uint32_t offset = word_at(t, t->offsets + (uint64_t)i * WORD);

	if (t->unit == 4)
		return (uint32_t)(t->base + offset);
	if (!(word_at(t, t->offsets + (uint64_t)(t->count - 1) * WORD) & NEGATIVE))
		return t->base + offset;
	return offset & NEGATIVE ? t->base + (uint32_t)~offset : offset;
}

static bool ascending(struct tables *t, uint64_t offsets, uint64_t base)
{
	t->offsets = offsets;
	t->base = base;
	for (uint32_t i = 1; i < t->count; i++)
		if (address_of(t, i) < address_of(t, i - 1))
			return false;
	/* Empty memory is none. */
	return address_of(t, 0) < address_of(t, t->count - 1);
}

/* Before num_syms, with relative_base between, or (since 6.4) behind the token index with relative_base behind
 * them. */
static bool find_offsets(struct tables *t)
{
	uint64_t bytes = align(t, (uint64_t)t->count * WORD), behind = align(t, t->token_index + 2 * TOKENS),
		 base = t->names - 2 * t->unit;

	if (t->names >= bytes + 2 * t->unit && ascending(t, base - bytes, base_at(t, base)))
		return true;
	return behind + bytes + t->unit <= t->size && ascending(t, behind, base_at(t, behind + bytes));
}

/* The next place from at on where the texts "0" to "9" follow one another; size: none. */
static uint64_t find_digits(const struct tables *t, uint64_t at)
{
	static const char digits[DIGITS] = {'0', 0, '1', 0, '2', 0, '3', 0, '4', 0,
					    '5', 0, '6', 0, '7', 0, '8', 0, '9', 0};

	while (at + DIGITS <= t->size) {
		const uint8_t *hit = memchr(t->ram + at, '0', (size_t)(t->size - DIGITS - at + 1));

		if (!hit)
			break;
		at = (uint64_t)(hit - t->ram);
		if (memcmp(hit, digits, DIGITS) == 0)
			return at;
		at++;
	}
	return t->size;
}

static bool find_tables(struct tables *t)
{
	for (uint64_t at = find_digits(t, 0); at < t->size; at = find_digits(t, at + 1)) {
		if (!tokens_at(t, at))
			continue;
		/* Between markers and tokens may lie what aligns the tokens. */
		for (uint64_t end = t->token_table; end >= 2 * WORD && t->token_table - end < t->unit; end -= WORD)
			if (markers_before(t, end) && names_before_markers(t) && find_offsets(t))
				return true;
		/* With the sequence numbers between markers and tokens: 3 bytes a symbol, and the number is not known
		 * yet: each place that may be the end of markers is tried. */
		for (uint64_t end = t->token_table - WORD;
		     end > WORD && t->token_table - end <= 3u * MAX_SYMBOLS + WORD; end -= WORD)
			if (markers_before(t, end) && t->marker_count >= MIN_SYMBOLS / PER_MARKER &&
			    names_before_markers(t) &&
			    align(t, align(t, end) + 3u * (uint64_t)t->count) == t->token_table && find_offsets(t))
				return true;
	}
	return false;
}

/* The text of one name, without its type.  False: broken. */
static bool spell(const struct tables *t, uint64_t *at, char *text, size_t size)
{
	uint32_t n = name_length(t, at, t->markers);
	size_t used = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t token = t->token_table + half_at(t, t->token_index + 2u * t->ram[*at + i]);
		size_t length;

		if (token >= t->token_index)
			return false;
		length = strnlen((const char *)t->ram + token, (size_t)(t->token_index - token));
		if (used + length >= size)
			return false;
		memcpy(text + used, t->ram + token, length);
		used += length;
	}
	*at += n;
	text[used] = '\0';
	return used > 1;
}

static bool read_all(const struct tables *t, struct symbols *symbols, struct diagnostic *why)
{
	char text[LONG_NAME + 2];
	uint64_t at = t->names;

	for (uint32_t i = 0; i < t->count; i++) {
		if (!spell(t, &at, text, sizeof(text)))
			return diagnose(why, "the guest's kallsyms: name %" PRIu32 " of %" PRIu32 " is broken", i,
					t->count);
		if (!symbols_add(symbols, address_of(t, i), 0, text + 1))
			return diagnose(why, "out of memory");
	}
	symbols_sort(symbols);
	return true;
}

bool kallsyms_read(struct bus *bus, uint64_t ram, struct symbols *symbols, struct diagnostic *why)
{
	uint8_t *copy = calloc(1, (size_t)ram + 1);
	struct tables t = {.ram = copy, .size = ram};
	bool ok = false;

	if (!copy)
		return diagnose(why, "out of memory");
	for (uint64_t at = 0; at < ram; at += CHUNK)
		bus_peek(bus, at, copy + at, (size_t)(ram - at < CHUNK ? ram - at : CHUNK));
	for (t.unit = 4; t.unit <= 8 && !ok; t.unit *= 2)
		ok = find_tables(&t);
	t.unit /= 2;
	ok = ok ? read_all(&t, symbols, why)
		: diagnose(why, "no symbols: the image has none, and no kallsyms lies in the guest's memory; "
				"give --symbols FILE (System.map or vmlinux)");
	free(copy);
	return ok;
}
