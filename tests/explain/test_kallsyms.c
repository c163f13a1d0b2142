/* kallsyms in a guest's memory, in each layout there is, and broken; System.map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "guest/kallsyms.h"

#define RAM     0x100000u
#define SYMBOLS 1100u /* an odd number of markers */
#define BASE    0xc1000000u
#define STEP    16u

#define BASE64 0xffffffff81000000u
#define PERCPU 3u /* symbols of x86-64 that each processor has a copy of */

/* 6.1; with sequence numbers; since 6.4; the same for x86-64 */
enum layout { LAYOUT_61, LAYOUT_SEQS, LAYOUT_64, LAYOUT_WIDE, LAYOUT_WIDE_SEQS, LAYOUT_WIDE_64, LAYOUTS };

struct table {
	uint8_t bytes[0x40000];
	size_t used;
	bool wide;
};

static void word(struct table *t, uint32_t v)
{
	memcpy(t->bytes + t->used, &v, 4);
	t->used += 4;
}

static void align(struct table *t)
{
	while (t->used % (t->wide ? 8 : 4))
		t->bytes[t->used++] = 0;
}

/* "T" and a name of its own, spelled with the tokens 1 ("sys_") and the characters themselves; symbol 7 has a name of
 * more than 127 tokens. */
static size_t name_of(unsigned i, uint8_t *tokens)
{
	char digits[160];
	size_t n = 0;

	tokens[n++] = 'T';
	tokens[n++] = 1;
	snprintf(digits, sizeof(digits), i == 7 ? "%0140u" : "%u", i);
	for (const char *p = digits; *p; p++)
		tokens[n++] = (uint8_t)*p;
	return n;
}

static void offsets(struct table *t)
{
	for (unsigned i = 0; i < SYMBOLS; i++)
		word(t, t->wide && i >= PERCPU ? ~(i * STEP) : i * STEP);
	align(t);
	word(t, t->wide ? (uint32_t)BASE64 : BASE);
	if (t->wide)
		word(t, 0xffffffff);
}

static uint64_t address_of(enum layout layout, unsigned i)
{
	return (layout < LAYOUT_WIDE ? BASE : i < PERCPU ? 0 : BASE64) + (uint64_t)i * STEP;
}

static void names(struct table *t, uint32_t *markers)
{
	size_t start = t->used;

	for (unsigned i = 0; i < SYMBOLS; i++) {
		uint8_t tokens[200];
		size_t n = name_of(i, tokens);

		if (i % 256 == 0)
			markers[i / 256] = (uint32_t)(t->used - start);
		if (n > 127)
			t->bytes[t->used++] = (uint8_t)(n & 0x7f) | 0x80;
		t->bytes[t->used++] = (uint8_t)(n > 127 ? n >> 7 : n);
		memcpy(t->bytes + t->used, tokens, n);
		t->used += n;
	}
	align(t);
}

static void tokens(struct table *t)
{
	uint16_t index[256];
	size_t start = t->used;

	for (unsigned i = 0; i < 256; i++) {
		index[i] = (uint16_t)(t->used - start);
		if (i == 1) {
			memcpy(t->bytes + t->used, "sys_", 4);
			t->used += 4;
		} else if (i > ' ' && i < 0x7f) {
			t->bytes[t->used++] = (uint8_t)i;
		}
		t->bytes[t->used++] = 0;
	}
	align(t);
	memcpy(t->bytes + t->used, index, sizeof(index));
	t->used += sizeof(index);
}

static void build(struct table *t, enum layout layout)
{
	uint32_t markers[SYMBOLS / 256 + 1];

	memset(t, 0, sizeof(*t));
	t->used = 64;
	t->wide = layout >= LAYOUT_WIDE;
	if (layout != LAYOUT_64 && layout != LAYOUT_WIDE_64)
		offsets(t);
	word(t, SYMBOLS);
	align(t);
	names(t, markers);
	for (unsigned i = 0; i <= SYMBOLS / 256; i++)
		word(t, markers[i]);
	align(t);
	if (layout != LAYOUT_61 && layout != LAYOUT_WIDE) {
		for (unsigned i = 0; i < 3 * SYMBOLS; i++)
			t->bytes[t->used++] = (uint8_t)(i * 7);
		align(t);
	}
	tokens(t);
	align(t);
	if (layout == LAYOUT_64 || layout == LAYOUT_WIDE_64)
		offsets(t);
}

static struct bus *memory(const struct table *t, uint64_t at)
{
	struct bus *bus = bus_new();

	assert_non_null(bus);
	assert_non_null(bus_add_ram(bus, "RAM", 0, RAM));
	assert_int_equal(bus_load(bus, at, t->bytes, sizeof(t->bytes)), sizeof(t->bytes));
	return bus;
}

static void every_layout_is_read(void **state)
{
	static struct table t;

	for (int layout = LAYOUT_61; layout < LAYOUTS; layout++) {
		struct symbols symbols = {0};
		struct diagnostic why = {""};
		uint64_t offset, address;
		struct bus *bus;

		build(&t, (enum layout)layout);
		bus = memory(&t, 0x51000);
		if (!kallsyms_read(bus, RAM, &symbols, &why))
			fail_msg("layout %d: %s", layout, why.text);
		assert_int_equal(symbols.count, SYMBOLS);
		assert_string_equal(symbols_find(&symbols, address_of((enum layout)layout, 300) + 5, &offset),
				    "sys_300");
		assert_int_equal(offset, 5);
		assert_true(symbols_address(&symbols, "sys_999", &address));
		assert_int_equal(address, address_of((enum layout)layout, 999));
		assert_true(symbols_address(&symbols, "sys_2", &address));
		assert_int_equal(address, address_of((enum layout)layout, 2));
		assert_int_equal(strlen(symbols.list[7].name), 4 + 140);
		symbols_free(&symbols);
		bus_free(bus);
	}
}

static void memory_without_tables_has_none(void **state)
{
	static struct table t;
	struct symbols symbols = {0};
	struct diagnostic why = {""};
	struct bus *bus;

	memset(&t, 0, sizeof(t));
	memcpy(t.bytes + 100, "0\0001\0002\0003\0004\0005\0006\0007\0008\0009", 20);
	bus = memory(&t, 0);
	assert_false(kallsyms_read(bus, RAM, &symbols, &why));
	assert_non_null(strstr(why.text, "give --symbols FILE"));
	assert_int_equal(symbols.count, 0);
	bus_free(bus);
}

/* Whatever one byte of the tables says: nothing outside the memory is read, nothing hangs. */
static void broken_tables_do_no_harm(void **state)
{
	static struct table t;

	build(&t, LAYOUT_61);
	for (size_t at = 64; at < t.used; at += 97) {
		struct symbols symbols = {0};
		struct diagnostic why;
		struct bus *bus;
		uint8_t old = t.bytes[at];

		t.bytes[at] ^= 0xff;
		bus = memory(&t, RAM - sizeof(t.bytes));
		if (kallsyms_read(bus, RAM, &symbols, &why))
			assert_int_equal(symbols.count, SYMBOLS);
		t.bytes[at] = old;
		symbols_free(&symbols);
		bus_free(bus);
	}
}

static void system_map_is_read(void **state)
{
	static const char good[] = "c1000000 T _text\nc1000010 t local\nc1000020 D data\n",
			  *bad[][2] = {{"c1000000 T _text\nhello\n",
					"m:2: \"hello\" is no line of a System.map (ADDRESS LETTER NAME)"},
				       {"c1000000 T \n",
					"m:1: \"c1000000 T \" is no line of a System.map (ADDRESS LETTER NAME)"},
				       {"", "m: no symbols in it"}};
	struct symbols symbols = {0};
	struct diagnostic why;
	uint64_t offset;

	assert_true(system_map_parse(&symbols, "m", good, sizeof(good) - 1, &why));
	assert_string_equal(symbols_find(&symbols, 0xc1000014, &offset), "local");
	symbols_free(&symbols);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct symbols none = {0};

		assert_false(system_map_parse(&none, "m", bad[i][0], strlen(bad[i][0]), &why));
		assert_string_equal(why.text, bad[i][1]);
		symbols_free(&none);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_layout_is_read),
		cmocka_unit_test(memory_without_tables_has_none),
		cmocka_unit_test(broken_tables_do_no_harm),
		cmocka_unit_test(system_map_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
