/* The decoder's rules one by one: prefixes, lengths, LOCK, what is undefined, addresses, immediates. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/text.h"

static struct insn decode32(const char *text)
{
	return decode_text(text, MODE_PROTECTED, true);
}
static struct insn decode16(const char *text)
{
	return decode_text(text, MODE_PROTECTED, false);
}

/* ---- Status ---- */

static void length_limit(void **state)
{
	static const struct status_case cases[] = {
		{"66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", DECODE_OK, 15},
		{"66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", DECODE_TOO_LONG, 15},
		{"66 66 66 66 66 66 66 66 66 66 66 66 66 66 66", DECODE_TOO_LONG, 15},
		{"66 66 66 66 66 66 66 66 66 66 66 66 66 66", DECODE_SHORT, 0},
		{"2e 2e 2e 2e 2e 81 84 24 01 02 03 04 05 06 07 08", DECODE_TOO_LONG, 15},
		{"2e 2e 2e 2e 81 84 24 01 02 03 04 05 06 07 08", DECODE_OK, 15},
		/* not yet known to be too long: the bytes up to the fifteenth come first */
		{"2e 2e 2e 2e 2e 81 84 24 01 02 03 04 05 06", DECODE_SHORT, 0},
		{"2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 0f 0b", DECODE_TOO_LONG, 15},
		{"f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 90", DECODE_UD, 15},
		{"f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 b8 00 00 00 00", DECODE_TOO_LONG, 15},
	};

	CHECK_STATUS(cases, MODE_PROTECTED, true);
}

static void short_buffers(void **state)
{
	static const struct status_case cases[] = {
		{"", DECODE_SHORT, 0},
		{"0f", DECODE_SHORT, 0},
		{"f0", DECODE_SHORT, 0},
		{"8b", DECODE_SHORT, 0},
		{"8b 04", DECODE_SHORT, 0},
		{"8b 44 24", DECODE_SHORT, 0},
		{"8b 05 01 02 03", DECODE_SHORT, 0},
		{"b8 01 02 03", DECODE_SHORT, 0},
		{"c8 01 00", DECODE_SHORT, 0},
		{"9a 01 02 03 04 05", DECODE_SHORT, 0},
		{"f0 8b 05 01", DECODE_SHORT, 0},
		{"a1 01 02 03", DECODE_SHORT, 0},
	};

	CHECK_STATUS(cases, MODE_PROTECTED, true);
}

/* SDM 2, "LOCK": these with a memory destination, nothing else. */
static void lock_legality(void **state)
{
	static const struct status_case cases[] = {
		{"f0 00 00", DECODE_OK, 3},
		{"f0 11 00", DECODE_OK, 3},
		{"f0 21 00", DECODE_OK, 3},
		{"f0 09 00", DECODE_OK, 3},
		{"f0 19 00", DECODE_OK, 3},
		{"f0 29 00", DECODE_OK, 3},
		{"f0 31 00", DECODE_OK, 3},
		{"f0 80 00 01", DECODE_OK, 4},
		{"f0 83 30 01", DECODE_OK, 4},
		{"f0 82 00 01", DECODE_OK, 4},
		{"f0 fe 00", DECODE_OK, 3},
		{"f0 ff 08", DECODE_OK, 3},
		{"f0 f6 10", DECODE_OK, 3},
		{"f0 f7 18", DECODE_OK, 3},
		{"f0 86 00", DECODE_OK, 3},
		{"f0 87 00", DECODE_OK, 3},
		{"f0 0f ab 00", DECODE_OK, 4},
		{"f0 0f b3 00", DECODE_OK, 4},
		{"f0 0f bb 00", DECODE_OK, 4},
		{"f0 0f ba 28 01", DECODE_OK, 5},
		{"f0 0f ba 38 01", DECODE_OK, 5},
		{"f0 0f b0 00", DECODE_OK, 4},
		{"f0 0f b1 00", DECODE_OK, 4},
		{"f0 0f c0 00", DECODE_OK, 4},
		{"f0 0f c1 00", DECODE_OK, 4},
		{"f0 0f c7 08", DECODE_OK, 4},
		/* a register destination */
		{"f0 00 c0", DECODE_UD, 3},
		{"f0 03 00", DECODE_UD, 3},
		{"f0 81 c0 01 02 03 04", DECODE_UD, 7},
		{"f0 87 c0", DECODE_UD, 3},
		{"f0 0f c1 c0", DECODE_UD, 4},
		{"f0 ff c0", DECODE_UD, 3},
		{"f0 40", DECODE_UD, 2},
		{"f0 91", DECODE_UD, 2},
		{"f0 04 01", DECODE_UD, 3},
		/* not in the list */
		{"f0 38 00", DECODE_UD, 3},
		{"f0 83 38 01", DECODE_UD, 4},
		{"f0 84 00", DECODE_UD, 3},
		{"f0 88 00", DECODE_UD, 3},
		{"f0 0f a3 00", DECODE_UD, 4},
		{"f0 0f ba 20 01", DECODE_UD, 5},
		{"f0 f6 00 01", DECODE_UD, 4},
		{"f0 f6 20", DECODE_UD, 3},
		{"f0 d1 20", DECODE_UD, 3},
		{"f0 90", DECODE_UD, 2},
		{"f0 a4", DECODE_UD, 2},
		{"f0 8f 00", DECODE_UD, 3},
		{"f0 ff 30", DECODE_UD, 3},
		{"f0 d9 00", DECODE_UD, 3},
		{"f0 0f 0b", DECODE_UD, 3},
		{"f0 0f 22 c0", DECODE_UD, 4},
		{"f0 cf", DECODE_UD, 2},
	};

	CHECK_STATUS(cases, MODE_PROTECTED, true);
}

/* What the opcode maps leave blank is undefined by its opcode or ModR/M byte; nothing behind is needed. */
static void undefined_encodings(void **state)
{
	static const struct status_case cases[] = {
		{"0f 04", DECODE_UD, 2},
		{"0f 05", DECODE_UD, 2},
		{"0f 07", DECODE_UD, 2},
		{"0f 0a", DECODE_UD, 2},
		{"0f 0c", DECODE_UD, 2},
		{"0f 0d", DECODE_UD, 2},
		{"0f 10", DECODE_UD, 2},
		{"0f 24", DECODE_UD, 2},
		{"0f 36", DECODE_UD, 2},
		{"0f 38", DECODE_UD, 2},
		{"0f 3f", DECODE_UD, 2},
		{"0f 50", DECODE_UD, 2},
		{"0f 6f", DECODE_UD, 2},
		{"0f 77", DECODE_UD, 2},
		{"0f a6", DECODE_UD, 2},
		{"0f ae", DECODE_UD, 2},
		{"0f b8", DECODE_UD, 2},
		{"0f c3", DECODE_UD, 2},
		{"0f d0", DECODE_UD, 2},
		{"0f fe", DECODE_UD, 2},
		{"62 c0", DECODE_UD, 2},
		{"8d c0", DECODE_UD, 2},
		{"c4 c0", DECODE_UD, 2},
		{"c5 c0", DECODE_UD, 2},
		{"8f 88", DECODE_UD, 2},
		{"8f f8", DECODE_UD, 2},
		{"c6 88", DECODE_UD, 2},
		{"c7 f8", DECODE_UD, 2},
		{"fe 90", DECODE_UD, 2},
		{"fe f8", DECODE_UD, 2},
		{"ff b8", DECODE_UD, 2},
		{"ff d8", DECODE_UD, 2},
		{"ff e8", DECODE_UD, 2},
		{"8e c8", DECODE_UD, 2},
		{"8e 08", DECODE_UD, 2},
		{"8e f0", DECODE_UD, 2},
		{"8c f0", DECODE_UD, 2},
		{"8c 38", DECODE_UD, 2},
		{"0f 00 f0", DECODE_UD, 3},
		{"0f 00 38", DECODE_UD, 3},
		{"0f 01 c0", DECODE_UD, 3},
		{"0f 01 d8", DECODE_UD, 3},
		{"0f 01 28", DECODE_UD, 3},
		{"0f 01 f8", DECODE_UD, 3},
		{"0f 20 c8", DECODE_UD, 3},
		{"0f 20 e8", DECODE_UD, 3},
		{"0f 22 f8", DECODE_UD, 3},
		{"0f b2 c0", DECODE_UD, 3},
		{"0f b4 c0", DECODE_UD, 3},
		{"0f b5 c0", DECODE_UD, 3},
		{"0f ba 18", DECODE_UD, 3},
		{"0f c7 c8", DECODE_UD, 3},
		{"0f c7 00", DECODE_UD, 3},
		{"0f c7 30", DECODE_UD, 3},
		/* x87; DB E5 (FRSTPM) is the 80287XL's alone, FISTTP came with SSE3 */
		{"d9 08", DECODE_UD, 2},
		{"d9 d1", DECODE_UD, 2},
		{"d9 e2", DECODE_UD, 2},
		{"d9 e6", DECODE_UD, 2},
		{"d9 ef", DECODE_UD, 2},
		{"da e0", DECODE_UD, 2},
		{"da e8", DECODE_UD, 2},
		{"da f0", DECODE_UD, 2},
		{"db 08", DECODE_UD, 2},
		{"db 20", DECODE_UD, 2},
		{"db 30", DECODE_UD, 2},
		{"db e5", DECODE_UD, 2},
		{"db f8", DECODE_UD, 2},
		{"dd 08", DECODE_UD, 2},
		{"dd 28", DECODE_UD, 2},
		{"dd f0", DECODE_UD, 2},
		{"de d8", DECODE_UD, 2},
		{"de da", DECODE_UD, 2},
		{"df 08", DECODE_UD, 2},
		{"df e1", DECODE_UD, 2},
		{"df f8", DECODE_UD, 2},
	};

	CHECK_STATUS(cases, MODE_PROTECTED, true);
}

/* SDM 2, the instructions' Real-Address Mode and Virtual-8086 Mode Exceptions. */
static void protected_mode_only(void **state)
{
	static const struct status_case undefined[] = {
		{"63 c0", DECODE_UD, 2},    {"0f 00 c0", DECODE_UD, 3}, {"0f 00 c8", DECODE_UD, 3},
		{"0f 00 d0", DECODE_UD, 3}, {"0f 00 d8", DECODE_UD, 3}, {"0f 00 e0", DECODE_UD, 3},
		{"0f 00 e8", DECODE_UD, 3}, {"0f 02 c0", DECODE_UD, 3}, {"0f 03 c0", DECODE_UD, 3},
	};
	static const struct status_case defined[] = {
		{"0f 01 00", DECODE_OK, 3}, {"0f 01 10", DECODE_OK, 3}, {"0f 01 18", DECODE_OK, 3},
		{"0f 01 e0", DECODE_OK, 3}, {"0f 01 f0", DECODE_OK, 3}, {"0f 06", DECODE_OK, 2},
		{"0f 20 c0", DECODE_OK, 3}, {"0f 34", DECODE_OK, 2},    {"0f 35", DECODE_OK, 2},
		{"0f aa", DECODE_OK, 2},    {"0f 30", DECODE_OK, 2},    {"f4", DECODE_OK, 1},
	};

	CHECK_STATUS(undefined, MODE_REAL, false);
	CHECK_STATUS(undefined, MODE_VM86, false);
	CHECK_STATUS(defined, MODE_REAL, false);
	CHECK_STATUS(defined, MODE_VM86, false);
	for (size_t i = 0; i < sizeof(undefined) / sizeof(undefined[0]); i++) {
		assert_int_equal(decode16(undefined[i].text).status, DECODE_OK);
		assert_int_equal(decode_text(undefined[i].text, MODE_COMPAT, true).status, DECODE_OK);
	}
}

/* UD0, UD1, UD2 have a length, and the row says that they fault. */
static void ud_instructions(void **state)
{
	static const struct {
		const char *text;
		unsigned mnemonic, length;
	} cases[] = {{"0f 0b", MN_ud2, 2}, {"0f b9 44 24 08", MN_ud1, 5}, {"0f ff 05 01 02 03 04", MN_ud0, 7}};

	for (unsigned i = 0; i < 3; i++) {
		struct insn insn = decode32(cases[i].text);
		assert_int_equal(insn.status, DECODE_OK);
		assert_int_equal(insn.mnemonic, cases[i].mnemonic);
		assert_int_equal(insn.length, cases[i].length);
		assert_true(opcode_rows[insn.row].attributes & ATTR_UD);
	}
}

/* ---- Names: which row ---- */

static void aliases_and_neighbours(void **state)
{
	static const struct {
		const char *text;
		unsigned mnemonic;
	} cases[] = {
		{"90", MN_nop},
		{"66 90", MN_nop},
		{"f3 90", MN_nop},
		{"91", MN_xchg},
		{"97", MN_xchg},
		{"82 c8 01", MN_or},
		{"82 f8 01", MN_cmp},
		{"f6 c8 01", MN_test},
		{"f7 c8 01 02 03 04", MN_test},
		{"c0 f0 01", MN_shl},
		{"d1 f0", MN_shl},
		{"d3 30", MN_shl},
		{"d6", MN_salc},
		{"f1", MN_int1},
		{"0f 0b", MN_ud2},
		{"0f 1f 00", MN_nop},
		{"0f 18 00", MN_nop},
		{"0f 1e fa", MN_nop},
		{"0f 19 c0", MN_nop},
		{"f3 0f bc c0", MN_bsf},
		{"f3 0f bd c0", MN_bsr},
		{"f3 0f 09", MN_wbinvd},
		{"66 0f c7 08", MN_cmpxchg8b},
		{"d9 d0", MN_fnop},
		{"d9 d9", MN_fstpnce},
		{"df d1", MN_fstp},
		{"df d9", MN_fstp},
		{"dd d9", MN_fstp},
		{"dc d1", MN_fcom},
		{"dc d9", MN_fcomp},
		{"de d1", MN_fcomp},
		{"de d9", MN_fcompp},
		{"dd c9", MN_fxch},
		{"df c9", MN_fxch},
		{"df c1", MN_ffreep},
		{"dd c1", MN_ffree},
		{"da e9", MN_fucompp},
		{"db e0", MN_feni},
		{"db e4", MN_fsetpm},
		{"d8 e1", MN_fsub},
		{"dc e1", MN_fsubr},
		{"dc e9", MN_fsub},
		{"de e1", MN_fsubrp},
		{"de e9", MN_fsubp},
		{"dc f1", MN_fdivr},
		{"dc f9", MN_fdiv},
		{"de f1", MN_fdivrp},
		{"de f9", MN_fdivp},
		{"df e0", MN_fnstsw},
		{"0f aa", MN_rsm},
		{"0f 33", MN_rdpmc},
		{"0f c8", MN_bswap},
		{"66 0f cf", MN_bswap},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct insn insn = decode32(cases[i].text);
		if (insn.status != DECODE_OK || insn.mnemonic != cases[i].mnemonic)
			fail_msg("%s: %s", cases[i].text, mnemonic_name(insn.mnemonic));
	}
}

/* ---- Prefixes ---- */

static void last_segment_prefix_counts(void **state)
{
	static const char *const texts[] = {"26", "2e", "36", "3e", "64", "65"};
	char text[32];

	for (unsigned seg = ES; seg <= GS; seg++) {
		snprintf(text, sizeof(text), "64 2e %s 8b 00", texts[seg]);
		struct insn insn = decode32(text);
		assert_true(insn.seg_override);
		assert_int_equal(insn.seg, seg);
	}
}

static void last_repeat_prefix_counts(void **state)
{
	struct insn insn = decode32("f2 f3 a6");

	assert_true(insn.rep && !insn.repne);
	insn = decode32("f3 f2 a6");
	assert_true(insn.repne && !insn.rep);
	insn = decode32("f3 66 2e 67 a6");
	assert_true(insn.rep && insn.opsize_prefix && insn.addrsize_prefix && insn.seg == CS);
}

static void size_prefixes_do_not_add_up(void **state)
{
	assert_int_equal(decode32("66 66 b8 01 02").length, 5);
	assert_int_equal(decode32("67 67 8b 06 01 02").length, 6);
	assert_int_equal(decode32("66 40").osize, 16);
	assert_int_equal(decode32("40").osize, 32);
	assert_int_equal(decode16("66 40").osize, 32);
	assert_int_equal(decode16("40").osize, 16);
	assert_int_equal(decode32("67 40").asize, 16);
	assert_int_equal(decode16("67 40").asize, 32);
}

/* ---- Addresses ---- */

struct address {
	const char *text;
	unsigned base, index, scale, seg, disp_size;
	int64_t disp;
};

static void check_addresses(const struct address *cases, size_t count, bool db)
{
	for (size_t i = 0; i < count; i++) {
		const struct address *a = &cases[i];
		struct insn insn = decode_text(a->text, MODE_PROTECTED, db);
		if (insn.status != DECODE_OK || insn.length != (strlen(a->text) + 1) / 3 || insn.base != a->base ||
		    insn.index != a->index || insn.scale != a->scale || insn.seg != a->seg ||
		    insn.disp_size != a->disp_size || insn.disp != a->disp || insn.op[1].kind != OPD_MEM)
			fail_msg("%s: base %u index %u scale %u seg %u disp %lld", a->text, insn.base, insn.index,
				 insn.scale, insn.seg, (long long)insn.disp);
	}
}

/* SDM 2, "16-Bit Addressing Forms with the ModR/M Byte". */
static void addresses_16(void **state)
{
	static const struct address cases[] = {
		{"8b 00", BX, SI, 0, DS, 0, 0},
		{"8b 01", BX, DI, 0, DS, 0, 0},
		{"8b 02", BP, SI, 0, SS, 0, 0},
		{"8b 03", BP, DI, 0, SS, 0, 0},
		{"8b 04", SI, REG_NONE, 0, DS, 0, 0},
		{"8b 05", DI, REG_NONE, 0, DS, 0, 0},
		{"8b 06 34 92", REG_NONE, REG_NONE, 0, DS, 2, (int16_t)0x9234},
		{"8b 07", BX, REG_NONE, 0, DS, 0, 0},
		{"8b 40 80", BX, SI, 0, DS, 1, -128},
		{"8b 46 7f", BP, REG_NONE, 0, SS, 1, 127},
		{"8b 86 34 12", BP, REG_NONE, 0, SS, 2, 0x1234},
		{"8b 87 00 80", BX, REG_NONE, 0, DS, 2, -32768},
		{"26 8b 46 00", BP, REG_NONE, 0, ES, 1, 0},
		{"3e 8b 02", BP, SI, 0, DS, 0, 0},
	};

	check_addresses(cases, sizeof(cases) / sizeof(cases[0]), false);
}

/* SDM 2, "32-Bit Addressing Forms with the ModR/M Byte" and "... with the SIB Byte". */
static void addresses_32(void **state)
{
	static const struct address cases[] = {
		{"8b 00", AX, REG_NONE, 0, DS, 0, 0},
		{"8b 06", SI, REG_NONE, 0, DS, 0, 0},
		{"8b 05 78 56 34 92", REG_NONE, REG_NONE, 0, DS, 4, (int32_t)0x92345678},
		{"8b 45 fe", BP, REG_NONE, 0, SS, 1, -2},
		{"8b 85 00 00 00 80", BP, REG_NONE, 0, SS, 4, INT32_MIN},
		{"8b 04 24", SP, REG_NONE, 0, SS, 0, 0},
		{"8b 44 24 04", SP, REG_NONE, 0, SS, 1, 4},
		{"8b 04 cb", BX, CX, 3, DS, 0, 0},
		{"8b 04 ac", SP, BP, 2, SS, 0, 0},
		{"8b 04 6b", BX, BP, 1, DS, 0, 0},                   /* EBP as the index does not choose SS */
		{"8b 04 e0", AX, REG_NONE, 0, DS, 0, 0},             /* no index: no scale */
		{"8b 04 4d 01 00 00 00", REG_NONE, CX, 1, DS, 4, 1}, /* mod 0, base 5: disp32, DS */
		{"8b 04 25 01 00 00 00", REG_NONE, REG_NONE, 0, DS, 4, 1},
		{"8b 44 4d 01", BP, CX, 1, SS, 1, 1},
		{"64 8b 04 24", SP, REG_NONE, 0, FS, 0, 0},
	};

	check_addresses(cases, sizeof(cases) / sizeof(cases[0]), true);
}

static void offsets_have_the_address_size(void **state)
{
	struct insn insn = decode32("a1 78 56 34 92");

	assert_int_equal(insn.op[0].kind, OPD_GPR);
	assert_int_equal(insn.op[1].kind, OPD_MEM);
	assert_int_equal(insn.disp, 0x92345678);
	assert_int_equal(insn.base, REG_NONE);
	assert_int_equal(insn.seg, DS);
	insn = decode32("67 65 a2 34 92");
	assert_int_equal(insn.op[0].kind, OPD_MEM);
	assert_int_equal(insn.op[0].width, 8);
	assert_int_equal(insn.disp, 0x9234);
	assert_int_equal(insn.seg, GS);
	assert_int_equal(insn.disp_size, 2);
	assert_int_equal(decode32("66 a1 01 02 03 04").length, 6);
	assert_int_equal(decode16("a3 01 02").length, 3);
}

/* ---- Operands ---- */

static void byte_registers(void **state)
{
	struct insn insn = decode32("88 e3"); /* MOV BL, AH */

	check_operand(&insn.op[0], OPD_GPR, BX, 8);
	check_operand(&insn.op[1], OPD_GPR, 16, 8);
	insn = decode32("b7 05"); /* MOV BH, 5 */
	check_operand(&insn.op[0], OPD_GPR, 19, 8);
	insn = decode32("0f b6 ed"); /* MOVZX EBP, CH: the width of each operand decides */
	check_operand(&insn.op[0], OPD_GPR, BP, 32);
	check_operand(&insn.op[1], OPD_GPR, 17, 8);
}

static void widths_of_handlers(void **state)
{
	static const struct {
		const char *text;
		unsigned width;
	} cases[] = {
		{"00 c0", 8},        {"01 c0", 32},    {"66 01 c0", 16}, {"0f b6 c0", 32},    {"66 0f b7 c0", 16},
		{"e3 00", 32},       {"67 e3 00", 16}, {"66 e2 00", 32}, {"66 e8 00 00", 16}, {"66 0f 20 c0", 32},
		{"0f 23 c0", 32},    {"8c 00", 16},    {"8c c0", 32},    {"0f 00 00", 16},    {"0f 00 c0", 32},
		{"66 0f 01 e0", 16}, {"8e c0", 16},    {"6c", 8},        {"6d", 32},          {"66 6f", 16},
		{"ec", 8},           {"66 ed", 16},    {"66 06", 16},    {"98", 32},          {"66 99", 16},
		{"cd 80", 0},        {"d9 20", 32},    {"66 dd 30", 16}, {"c8 00 00 00", 32},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct insn insn = decode32(cases[i].text);
		if (insn.status != DECODE_OK || insn.width != cases[i].width)
			fail_msg("%s: width %u", cases[i].text, insn.width);
	}
}

static void widths_of_memory(void **state)
{
	static const struct {
		const char *text;
		unsigned operand, width;
	} cases[] = {
		{"c4 00", 1, 48},     {"66 c4 00", 1, 32}, {"62 00", 1, 64},     {"66 62 00", 1, 32},
		{"0f 01 10", 0, 48},  {"ff 18", 0, 48},    {"66 ff 28", 0, 32},  {"8d 00", 1, 0},
		{"0f 01 38", 0, 0},   {"d9 20", 0, 224},   {"66 d9 30", 0, 112}, {"dd 20", 0, 864},
		{"66 dd 30", 0, 752}, {"db 28", 0, 80},    {"0f c7 08", 0, 64},  {"8c 00", 0, 16},
		{"0f 00 10", 0, 16},  {"66 a5", 1, 16},    {"ff 10", 0, 32},     {"0f 02 00", 1, 16},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct insn insn = decode32(cases[i].text);
		if (insn.status != DECODE_OK || insn.op[cases[i].operand].width != cases[i].width)
			fail_msg("%s: width %u", cases[i].text, insn.op[cases[i].operand].width);
	}
}

/* SDM 2, "MOV - Move to/from Control Registers": the mod bits are ignored, so there is no displacement. */
static void control_registers_ignore_mod(void **state)
{
	for (unsigned mod = 0; mod < 4; mod++) {
		char text[16];
		snprintf(text, sizeof(text), "0f 20 %02x", mod << 6 | 0x1d); /* CR3, EBP */
		struct insn insn = decode32(text);
		assert_int_equal(insn.status, DECODE_OK);
		assert_int_equal(insn.length, 3);
		check_operand(&insn.op[0], OPD_GPR, BP, 32);
		check_operand(&insn.op[1], OPD_CR, 3, 32);
	}
	struct insn insn = decode32("0f 23 3c"); /* DR7, ESP: no SIB byte */
	assert_int_equal(insn.length, 3);
	check_operand(&insn.op[0], OPD_DR, 7, 32);
	check_operand(&insn.op[1], OPD_GPR, SP, 32);
}

static void string_segments(void **state)
{
	struct insn insn = decode32("64 a4");

	check_operand(&insn.op[0], OPD_STR_DST, 0, 8);
	check_operand(&insn.op[1], OPD_STR_SRC, 0, 8);
	assert_int_equal(insn.seg, FS); /* the source's; the destination's is ES for ever */
	assert_int_equal(decode32("a5").seg, DS);
	assert_int_equal(decode32("2e d7").seg, CS); /* XLAT */
}

/* ---- Immediates ---- */

static void check_immediate(const char *text, uint64_t imm, unsigned size)
{
	struct insn insn = decode32(text);

	assert_int_equal(insn.status, DECODE_OK);
	assert_int_equal(insn.imm, imm);
	assert_int_equal(insn.imm_size, size);
}

static void immediates_extend_as_their_rows_say(void **state)
{
	check_immediate("83 c0 80", UINT64_C(0xffffffffffffff80), 1);
	check_immediate("66 83 c0 80", UINT64_C(0xffffffffffffff80), 1);
	check_immediate("6a ff", UINT64_MAX, 1);
	check_immediate("6b c0 81", UINT64_C(0xffffffffffffff81), 1);
	check_immediate("68 00 00 00 80", UINT64_C(0xffffffff80000000), 4);
	check_immediate("66 68 00 80", UINT64_C(0xffffffffffff8000), 2);
	check_immediate("cd 80", 0x80, 1);
	check_immediate("e4 ff", 0xff, 1);
	check_immediate("e7 ff", 0xff, 1);
	check_immediate("c2 fe ff", 0xfffe, 2);
	check_immediate("ca fe ff", 0xfffe, 2);
	check_immediate("c1 e0 ff", 0xff, 1);
	check_immediate("d4 ff", 0xff, 1);
	check_immediate("0f a4 c0 ff", 0xff, 1);
	check_immediate("d1 e0", 1, 0);
	check_immediate("eb fe", UINT64_C(0xfffffffffffffffe), 1);
	check_immediate("e8 fb ff ff ff", UINT64_C(0xfffffffffffffffb), 4);
	check_immediate("66 e9 00 80", UINT64_C(0xffffffffffff8000), 2);
	check_immediate("0f 84 00 00 00 01", 0x1000000, 4);
	check_immediate("c7 05 01 02 03 04 05 06 07 08", 0x08070605, 4);
}

static void two_immediates(void **state)
{
	struct insn insn = decode32("c8 34 f2 ff"); /* ENTER */

	assert_int_equal(insn.imm, 0xf234);
	assert_int_equal(insn.imm2, 0xff);
	assert_int_equal(insn.operands, 2);
	insn = decode32("ea 78 56 34 92 cd ab");
	assert_int_equal(insn.op[0].kind, OPD_FAR);
	assert_int_equal(insn.op[0].width, 48);
	assert_int_equal(insn.imm, 0x92345678);
	assert_int_equal(insn.imm2, 0xabcd);
	insn = decode32("66 9a 34 92 cd ab");
	assert_int_equal(insn.op[0].width, 32);
	assert_int_equal(insn.imm, 0x9234);
	assert_int_equal(insn.imm2, 0xabcd);
	assert_int_equal(insn.imm_size, 4);
}

/* The multi-byte NOPs that SDM 2, "NOP", recommends: 2 to 9 bytes. */
static void recommended_nops(void **state)
{
	static const char *const texts[] = {
		"66 90",
		"0f 1f 00",
		"0f 1f 40 00",
		"0f 1f 44 00 00",
		"66 0f 1f 44 00 00",
		"0f 1f 80 00 00 00 00",
		"0f 1f 84 00 00 00 00 00",
		"66 0f 1f 84 00 00 00 00 00",
	};

	for (unsigned i = 0; i < 8; i++) {
		struct insn insn = decode32(texts[i]);
		assert_int_equal(insn.status, DECODE_OK);
		assert_int_equal(insn.mnemonic, MN_nop);
		assert_int_equal(insn.length, i + 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(length_limit),
		cmocka_unit_test(short_buffers),
		cmocka_unit_test(lock_legality),
		cmocka_unit_test(undefined_encodings),
		cmocka_unit_test(protected_mode_only),
		cmocka_unit_test(ud_instructions),
		cmocka_unit_test(aliases_and_neighbours),
		cmocka_unit_test(last_segment_prefix_counts),
		cmocka_unit_test(last_repeat_prefix_counts),
		cmocka_unit_test(size_prefixes_do_not_add_up),
		cmocka_unit_test(addresses_16),
		cmocka_unit_test(addresses_32),
		cmocka_unit_test(offsets_have_the_address_size),
		cmocka_unit_test(byte_registers),
		cmocka_unit_test(widths_of_handlers),
		cmocka_unit_test(widths_of_memory),
		cmocka_unit_test(control_registers_ignore_mod),
		cmocka_unit_test(string_segments),
		cmocka_unit_test(immediates_extend_as_their_rows_say),
		cmocka_unit_test(two_immediates),
		cmocka_unit_test(recommended_nops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
