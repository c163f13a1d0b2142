/* opcodes.def in itself: its rows are consistent, and each of them can be reached. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/columns.h"
#include "decode/insn.h"

#define ROWS_MAX 4096

static const struct column {
	unsigned map, opcode, modrm, width;
	unsigned operand[4];
	const char *mnemonic, *set;
} rows[] = {
#define OP(map, opcode, modrm, prefix, mnemonic, set, width, operands, since, attributes)                              \
	{MAP_##map, 0x##opcode, MODRM_##modrm, WIDTH_##width, {OPERAND_COLUMNS operands}, #mnemonic, #set},
#include "decode/opcodes.def"
#undef OP
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool same_opcode(const struct column *a, const struct column *b)
{
	return a->map == b->map && a->opcode == b->opcode;
}

static void rows_are_counted(void **state)
{
	assert_int_equal(opcode_row_count, ROWS);
}

static void rows_of_an_opcode_stand_together(void **state)
{
	for (unsigned i = 2; i < ROWS; i++)
		for (unsigned k = 0; k + 1 < i; k++)
			if (same_opcode(&rows[i], &rows[k]) && !same_opcode(&rows[i], &rows[i - 1]))
				fail_msg("row %u (%s) is away from row %u", i, opcode_rows[i].encoding, k);
}

static void rows_of_an_opcode_agree_on_modrm(void **state)
{
	for (unsigned i = 1; i < ROWS; i++)
		if (same_opcode(&rows[i], &rows[i - 1]))
			assert_int_equal(rows[i].modrm == MODRM_NONE, rows[i - 1].modrm == MODRM_NONE);
}

/* Only a row whose first operand can be memory may be locked. */
static void lock_needs_a_memory_destination(void **state)
{
	for (unsigned i = 0; i < ROWS; i++)
		if (opcode_rows[i].attributes & ATTR_LOCK) {
			unsigned first = rows[i].operand[0];
			assert_true(first == COL_Eb || first == COL_Ev || first == COL_Mq || first == COL_Mdq);
		}
}

/* What can change what is pending, the mode or the next address is last in its block; of the moves to and
 * from a segment register only those to SS are. */
static void block_ends(void **state)
{
	static const char ends[] =
		" call jmp ret retf iret int int1 int3 into loop loope loopne jcxz sysenter sysexit rsm ud0 ud1 ud2"
		" jo jno jb jae je jne jbe ja js jns jp jnp jl jge jle jg cli sti popf hlt in out ins outs lss"
		" lgdt lidt lldt ltr lmsw clts invlpg rdtsc rdpmc rdmsr wrmsr cpuid"
		" syscall sysret rdtscp xsetbv wrpkru invpcid ";

	for (unsigned i = 0; i < ROWS; i++) {
		char word[32];
		snprintf(word, sizeof(word), " %s ", rows[i].mnemonic);
		bool wanted = strstr(ends, word) || strcmp(rows[i].set, "mov_to_cr") == 0 ||
			      strcmp(rows[i].set, "mov_from_cr") == 0 || strcmp(rows[i].set, "mov_to_dr") == 0 ||
			      strcmp(rows[i].set, "mov_from_dr") == 0 ||
			      (strcmp(rows[i].set, "mov_to_sreg") == 0 && rows[i].modrm == MODRM_D2) ||
			      (strcmp(rows[i].set, "pop_sreg") == 0 && rows[i].operand[0] == COL_SS);
		if (wanted != !!(opcode_rows[i].attributes & ATTR_END))
			fail_msg("row %u: %s %s", i, rows[i].mnemonic, opcode_rows[i].encoding);
	}
}

/* Handler sets have the mnemonic's name and maybe a kind of operand behind it; ud stands for those that are not
 * written, of features that no processor model has (tests/coverage sees to that); hints are NOPs.  Instructions on
 * vectors share sets between their encodings and data types. */
static void handler_sets_are_named_after_mnemonics(void **state)
{
	static const char *const others[][2] = {{"retf", "ret_far"}, {"ud0", "ud"}, {"ud1", "ud"}, {"ud2", "ud"}};

	for (unsigned i = 0; i < ROWS; i++) {
		bool good = strncmp(rows[i].set, rows[i].mnemonic, strlen(rows[i].mnemonic)) == 0;
		good |= opcode_rows[i].cpu > GEN_LATER;
		good |= strcmp(rows[i].set, "nop") == 0 &&
			(strcmp(rows[i].mnemonic, "pause") == 0 || strncmp(rows[i].mnemonic, "prefetch", 8) == 0);
		for (unsigned k = 0; k < sizeof(others) / sizeof(others[0]); k++)
			good |= strcmp(rows[i].mnemonic, others[k][0]) == 0 && strcmp(rows[i].set, others[k][1]) == 0;
		if (!good)
			fail_msg("row %u: %s is done by exec_%s", i, rows[i].mnemonic, rows[i].set);
	}
}

static void mnemonics_are_sorted_and_have_rows(void **state)
{
	bool used[MNEMONIC_COUNT] = {false};

	for (unsigned i = 0; i < ROWS; i++) {
		used[opcode_rows[i].mnemonic] = true;
		assert_string_equal(mnemonic_name(opcode_rows[i].mnemonic), rows[i].mnemonic);
		assert_string_equal(opcode_rows[i].name, rows[i].mnemonic);
	}
	for (unsigned m = MN_INVALID + 1; m < MNEMONIC_COUNT; m++) {
		if (!used[m])
			fail_msg("no row is a %s", mnemonic_name(m));
		if (m > MN_INVALID + 1)
			assert_true(strcmp(mnemonic_name(m - 1), mnemonic_name(m)) < 0);
	}
}

static void names_of_no_mnemonic(void **state)
{
	assert_string_equal(mnemonic_name(MN_INVALID), "(bad)");
	assert_string_equal(mnemonic_name(MNEMONIC_COUNT), "(bad)");
	assert_string_equal(mnemonic_name(~0u), "(bad)");
}

static void texts_for_documents(void **state)
{
	struct insn insn;

	decode(&insn, (const uint8_t *)"\x0f\xa4\xc8\x05", 4, MODE_PROTECTED, true);
	assert_string_equal(opcode_rows[insn.row].encoding, "0F A4 /r");
	assert_string_equal(opcode_rows[insn.row].operands, "Ev, Gv, Ub");
	decode(&insn, (const uint8_t *)"\xd9\xe8", 2, MODE_PROTECTED, true);
	assert_string_equal(opcode_rows[insn.row].encoding, "D9 E8");
	assert_string_equal(opcode_rows[insn.row].operands, "");
	decode(&insn, (const uint8_t *)"\x0f\x01\x00", 3, MODE_PROTECTED, false);
	assert_string_equal(opcode_rows[insn.row].encoding, "0F 01 /0 mem");
}

/* ---- Each row is what some encoding decodes to, with that row's name and operands ---- */

static bool reached[ROWS_MAX];

static void reach(const uint8_t *bytes, enum decode_mode mode, uint64_t how)
{
	struct insn insn;
	unsigned count = 0;

	if (decode(&insn, bytes, 16, mode, how) != DECODE_OK)
		return;
	assert_true(insn.row < ROWS);
	reached[insn.row] = true;
	assert_int_equal(insn.mnemonic, opcode_rows[insn.row].mnemonic);
	while (count < 4 && rows[insn.row].operand[count] != COL_)
		count++;
	assert_int_equal(insn.operands, count);
}

static const char *const escapes[] = {"", "\x0f", "\x0f\x38", "\x0f\x3a"};

static void reach_legacy(const char *prefixes, enum decode_mode mode, uint64_t how)
{
	for (unsigned opcode = 0; opcode < 1024; opcode++)
		for (unsigned modrm = 0; modrm < 256; modrm++) {
			uint8_t bytes[16] = {0};
			size_t n = strlen(prefixes), escape = strlen(escapes[opcode >> 8]);
			memcpy(bytes, prefixes, n);
			memcpy(bytes + n, escapes[opcode >> 8], escape);
			bytes[n + escape] = (uint8_t)opcode;
			bytes[n + escape + 1] = (uint8_t)modrm;
			reach(bytes, mode, how);
		}
}

/* Every W, L and pp; vvvv names no register, or the eighth. */
static void reach_vex(enum decode_mode mode)
{
	for (unsigned map = 1; map < 4; map++)
		for (unsigned last = 0; last < 32; last++)
			for (unsigned opcode = 0; opcode < 256; opcode++)
				for (unsigned modrm = 0; modrm < 256; modrm++) {
					uint8_t bytes[16] = {0xc4, (uint8_t)(0xe0 | map)};
					bytes[2] = (uint8_t)((last & 16) << 3 | (last & 8 ? 0x78 : 0x40) | (last & 7));
					bytes[3] = (uint8_t)opcode;
					bytes[4] = (uint8_t)modrm;
					bytes[5] = 0x10;
					reach(bytes, mode, DECODE_D32 | DECODE_ALL_FEATURES);
				}
}

static void expect_reached(bool features)
{
	for (unsigned i = 0; i < ROWS; i++)
		if (!reached[i] && (features || opcode_rows[i].cpu <= GEN_LATER))
			fail_msg("row %u (%s %s) is never reached", i, opcode_rows[i].name, opcode_rows[i].encoding);
}

static void every_row_is_reached(void **state)
{
	static const char *const prefixes[] = {"", "\x66", "\xf2", "\xf3", "\x48", "\x66\x48"};

	memset(reached, 0, sizeof(reached));
	reach_legacy("", MODE_PROTECTED, DECODE_D32 | DECODE_ALL_FEATURES);
	for (unsigned i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		reach_legacy(prefixes[i], MODE_LONG64, DECODE_ALL_FEATURES);
	reach_vex(MODE_LONG64);
	reach_vex(MODE_PROTECTED);
	expect_reached(true);
}

/* A processor without features has the rows without a feature, and no other. */
static void features_hide_their_rows(void **state)
{
	memset(reached, 0, sizeof(reached));
	reach_legacy("", MODE_PROTECTED, DECODE_D32);
	expect_reached(false);
	reach_legacy("\x66", MODE_PROTECTED, DECODE_D32);
	reach_legacy("\xf2", MODE_PROTECTED, DECODE_D32);
	reach_legacy("\xf3", MODE_PROTECTED, DECODE_D32);
	reach_legacy("\x48", MODE_LONG64, 0);
	for (unsigned i = 0; i < ROWS; i++)
		assert_true(!reached[i] || opcode_rows[i].cpu <= GEN_LATER);
}

static void every_feature_has_rows_and_a_bit(void **state)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < ROWS; i++)
		seen |= DECODE_FEATURE(opcode_rows[i].cpu);
	assert_true(seen == DECODE_ALL_FEATURES);
	assert_true(GEN_COUNT - GEN_LATER - 1 <= 62);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_counted),
		cmocka_unit_test(rows_of_an_opcode_stand_together),
		cmocka_unit_test(rows_of_an_opcode_agree_on_modrm),
		cmocka_unit_test(lock_needs_a_memory_destination),
		cmocka_unit_test(block_ends),
		cmocka_unit_test(handler_sets_are_named_after_mnemonics),
		cmocka_unit_test(mnemonics_are_sorted_and_have_rows),
		cmocka_unit_test(names_of_no_mnemonic),
		cmocka_unit_test(texts_for_documents),
		cmocka_unit_test(every_row_is_reached),
		cmocka_unit_test(features_hide_their_rows),
		cmocka_unit_test(every_feature_has_rows_and_a_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
