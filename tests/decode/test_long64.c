/* The decoder's rules of 64-bit mode one by one: REX, RIP-relative addresses, operand sizes, what is gone, what is
 * new, and where Intel and AMD differ. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "decode/text.h"

#define ALL     DECODE_ALL_FEATURES
#define AMD_ALL (DECODE_ALL_FEATURES | DECODE_AMD)

enum { R8 = 8, R12 = 12, R13 = 13, R15 = 15 };

static struct insn decode64(const char *text)
{
	return decode_text(text, MODE_LONG64, ALL);
}

/* ---- REX ---- */

/* SDM 2, "REX Prefixes": W, and the fourth bit of reg, index, base or r/m. */
static void rex_bits(void **state)
{
	struct insn insn = decode64("48 01 c8"); /* ADD RAX, RCX */

	assert_int_equal(insn.rex, 0x48);
	assert_int_equal(insn.osize, 64);
	assert_int_equal(insn.width, 64);
	check_operand(&insn.op[0], OPD_GPR, AX, 64);
	check_operand(&insn.op[1], OPD_GPR, CX, 64);
	insn = decode64("44 01 c8"); /* R */
	check_operand(&insn.op[0], OPD_GPR, AX, 32);
	check_operand(&insn.op[1], OPD_GPR, 9, 32);
	insn = decode64("41 01 c8"); /* B: r/m */
	check_operand(&insn.op[0], OPD_GPR, R8, 32);
	check_operand(&insn.op[1], OPD_GPR, CX, 32);
	insn = decode64("4f 8b 7c fe 08"); /* MOV R15, [R14+R15*8+8]: B: base, X: index */
	check_operand(&insn.op[0], OPD_GPR, R15, 64);
	assert_int_equal(insn.base, 14);
	assert_int_equal(insn.index, 15);
	assert_int_equal(insn.scale, 3);
	insn = decode64("41 57"); /* PUSH R15: B: register in the opcode */
	check_operand(&insn.op[0], OPD_GPR, R15, 64);
	insn = decode64("49 bf 08 07 06 05 04 03 02 81"); /* MOV R15, imm64 */
	check_operand(&insn.op[0], OPD_GPR, R15, 64);
	assert_true(insn.imm == UINT64_C(0x8102030405060708));
	assert_int_equal(insn.imm_size, 8);
}

static void rex_counts_right_before_the_opcode_only(void **state)
{
	struct insn insn = decode64("48 66 01 c8");

	assert_int_equal(insn.rex, 0);
	assert_int_equal(insn.osize, 16);
	insn = decode64("4f f3 a5");
	assert_int_equal(insn.rex, 0);
	assert_int_equal(insn.width, 32);
	insn = decode64("48 41 01 c8"); /* the last of two */
	assert_int_equal(insn.rex, 0x41);
	assert_int_equal(insn.osize, 32);
	insn = decode64("66 48 01 c8"); /* W is stronger than 66 */
	assert_int_equal(insn.osize, 64);
	assert_true(insn.opsize_prefix);
	insn = decode64("48 0f b6 c0"); /* before the escape */
	assert_int_equal(insn.osize, 64);
	assert_int_equal(decode64("40 40").status, DECODE_SHORT);
}

/* SDM 2, "REX Prefix Fields", table of byte registers: with any REX 4 to 7 are SPL, BPL, SIL and DIL. */
static void byte_registers_with_rex(void **state)
{
	struct insn insn = decode64("88 e0");

	check_operand(&insn.op[1], OPD_GPR, 16, 8); /* AH */
	insn = decode64("40 88 e0");
	check_operand(&insn.op[1], OPD_GPR, SP, 8); /* SPL */
	insn = decode64("40 88 f8");
	check_operand(&insn.op[1], OPD_GPR, DI, 8);
	insn = decode64("45 88 e7");
	check_operand(&insn.op[0], OPD_GPR, R15, 8);
	check_operand(&insn.op[1], OPD_GPR, R12, 8);
	insn = decode64("40 b7 05"); /* MOV DIL, 5 */
	check_operand(&insn.op[0], OPD_GPR, DI, 8);
	insn = decode64("48 40 66 88 e0"); /* ignored, so AH again */
	check_operand(&insn.op[1], OPD_GPR, 16, 8);
}

/* There are eight of them: segment, MMX and x87 registers. */
static void rex_does_not_reach_registers_that_are_eight(void **state)
{
	struct insn insn = decode64("44 8c c8");

	check_operand(&insn.op[1], OPD_SREG, CS, 16);
	insn = decode64("45 0f 6f c1");
	check_operand(&insn.op[0], OPD_MMX, 0, 64);
	check_operand(&insn.op[1], OPD_MMX, 1, 64);
	insn = decode64("41 d8 c3");
	check_operand(&insn.op[1], OPD_ST, 3, 80);
}

/* SDM 2, "MOV - Move to/from Control Registers" and "... Debug Registers". */
static void control_and_debug_registers(void **state)
{
	static const struct status_case cases[] = {
		{"44 0f 20 c0", DECODE_OK, 4},                                /* CR8 */
		{"44 0f 22 c0", DECODE_OK, 4}, {"44 0f 20 c8", DECODE_UD, 4}, /* CR9 */
		{"44 0f 20 d0", DECODE_UD, 4}, {"44 0f 20 d8", DECODE_UD, 4}, {"44 0f 20 e0", DECODE_UD, 4},
		{"0f 20 c8", DECODE_UD, 3},    {"44 0f 21 c0", DECODE_UD, 4}, /* DR8 */
		{"44 0f 23 f8", DECODE_UD, 4}, {"f0 0f 20 c0", DECODE_UD, 4},
	};

	CHECK_STATUS(cases, MODE_LONG64, ALL);
	struct insn insn = decode64("45 0f 22 c7");
	check_operand(&insn.op[0], OPD_CR, 8, 64);
	check_operand(&insn.op[1], OPD_GPR, R15, 64);
	insn = decode64("66 0f 23 f8");
	check_operand(&insn.op[0], OPD_DR, 7, 64);
	assert_int_equal(insn.width, 64);
}

/* ---- Addresses ---- */

/* SDM 2, "RIP-Relative Addressing": mod 0, r/m 5, whatever REX.B is; with a SIB byte there is no RIP. */
static void rip_relative(void **state)
{
	struct insn insn = decode64("48 8b 05 fc ff ff ff");

	assert_true(insn.rip_relative);
	assert_int_equal(insn.base, REG_NONE);
	assert_int_equal(insn.index, REG_NONE);
	assert_int_equal(insn.disp, -4);
	assert_int_equal(insn.seg, DS);
	assert_int_equal(insn.length, 7);
	assert_true(decode64("41 8b 05 01 00 00 00").rip_relative);
	assert_true(decode64("67 8b 05 01 00 00 00").rip_relative);
	insn = decode64("c7 05 10 00 00 00 01 02 03 04"); /* the immediate is behind the displacement */
	assert_true(insn.rip_relative);
	assert_int_equal(insn.imm_size, 4);
	assert_int_equal(insn.length, 10);
	insn = decode64("8b 04 25 00 00 00 80"); /* SIB: absolute, sign-extended */
	assert_false(insn.rip_relative);
	assert_int_equal(insn.base, REG_NONE);
	assert_int_equal(insn.disp, INT32_MIN);
	assert_false(decode64("8b 45 00").rip_relative);
	assert_false(decode_text("8b 05 01 00 00 00", MODE_COMPAT, DECODE_D32 | ALL).rip_relative);
}

/* SDM 2, "Special Encodings of the ModR/M and SIB Bytes": what is special is so by three bits; the fourth decides
 * whether an index is none. */
static void special_addresses(void **state)
{
	struct insn insn = decode64("41 8b 04 24"); /* [R12]: a SIB byte like [RSP] */

	assert_int_equal(insn.base, R12);
	assert_int_equal(insn.index, REG_NONE);
	insn = decode64("41 8b 45 00"); /* [R13]: a displacement like [RBP] */
	assert_int_equal(insn.base, R13);
	insn = decode64("43 8b 44 25 00"); /* [R13+R12]: R12 is an index */
	assert_int_equal(insn.base, R13);
	assert_int_equal(insn.index, R12);
	insn = decode64("41 8b 04 05 01 00 00 00"); /* base 5 and mod 0: no base with REX.B either */
	assert_int_equal(insn.base, REG_NONE);
	assert_int_equal(insn.index, AX);
	insn = decode64("67 41 8b 04 05 01 00 00 00");
	assert_int_equal(insn.base, REG_NONE);
}

/* SDM 1, "Default Segment": RSP and RBP, but not R12 and R13.  ES, CS, SS and DS overrides are ignored, so they do
 * not undo one of FS or GS. */
static void segments_of_addresses(void **state)
{
	static const struct {
		const char *text;
		unsigned seg;
		bool override;
	} cases[] = {
		{"8b 04 24", SS, false},    {"8b 45 00", SS, false},
		{"41 8b 04 24", DS, false}, {"41 8b 45 00", DS, false},
		{"26 8b 00", DS, false},    {"2e 8b 00", DS, false},
		{"36 8b 00", DS, false},    {"3e 8b 45 00", SS, false},
		{"64 8b 00", FS, true},     {"65 8b 45 00", GS, true},
		{"64 2e 8b 00", FS, true},  {"2e 65 8b 00", GS, true},
		{"65 64 8b 00", FS, true},  {"36 a4", DS, false},
		{"64 a4", FS, true},        {"48 8b 05 00 00 00 00", DS, false},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct insn insn = decode64(cases[i].text);
		if (insn.status != DECODE_OK || insn.seg != cases[i].seg || insn.seg_override != cases[i].override)
			fail_msg("%s: segment %u", cases[i].text, insn.seg);
	}
}

/* 67 gives 32 bits; there are no 16-bit addresses. */
static void address_size(void **state)
{
	struct insn insn = decode64("67 8b 40 80");

	assert_int_equal(insn.asize, 32);
	assert_int_equal(insn.base, AX);
	assert_int_equal(insn.disp, -128);
	assert_int_equal(decode64("8b 00").asize, 64);
	assert_int_equal(decode64("e3 00").width, 64); /* JRCXZ */
	assert_int_equal(decode64("67 e3 00").width, 32);
	assert_int_equal(decode64("67 e2 00").width, 32);
	assert_int_equal(decode64("67 48 ab").asize, 32);
}

/* SDM 2, "MOV", A0 to A3: an offset of the address size. */
static void offsets_have_64_bits(void **state)
{
	struct insn insn = decode64("a1 08 07 06 05 04 03 02 81");

	assert_int_equal(insn.length, 9);
	assert_int_equal(insn.disp_size, 8);
	assert_true((uint64_t)insn.disp == UINT64_C(0x8102030405060708));
	check_operand(&insn.op[0], OPD_GPR, AX, 32);
	check_operand(&insn.op[1], OPD_MEM, 0, 32);
	assert_int_equal(decode64("48 a3 01 02 03 04 05 06 07 08").width, 64);
	insn = decode64("67 a0 01 02 03 84");
	assert_int_equal(insn.length, 6);
	assert_true(insn.disp == 0x84030201);
}

/* ---- Operand sizes ---- */

/* SDM 2, "Default 64-Bit Operand Size": stack instructions have 64 bits, 16 with 66, never 32. */
static void stack_instructions_have_64_bits(void **state)
{
	static const char *const texts[] = {"50",          "58", "68 00 00 00 00", "6a 00", "8f 00", "9c",    "9d",
					    "c8 00 00 00", "c9", "ff 30",          "0f a0", "0f a1", "0f a8", "0f a9"};
	char text[32];

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(decode64(texts[i]).osize, 64);
		assert_int_equal(decode64(texts[i]).width, 64);
		snprintf(text, sizeof(text), "48 %s", texts[i]);
		assert_int_equal(decode64(text).osize, 64);
		snprintf(text, sizeof(text), "66 48 %s", texts[i]);
		assert_int_equal(decode64(text).osize, 64);
		if (texts[i][0] == '6' && texts[i][1] == '8')
			continue;
		snprintf(text, sizeof(text), "66 %s", texts[i]);
		assert_int_equal(decode64(text).osize, 16);
	}
	struct insn insn = decode64("68 00 00 00 80");
	assert_true(insn.imm == UINT64_C(0xffffffff80000000));
	assert_int_equal(insn.length, 5);
	insn = decode64("66 68 00 80");
	assert_int_equal(insn.osize, 16);
	assert_int_equal(insn.length, 4);
}

/* SDM 2, "Default 64-Bit Operand Size": 66 is ignored.  AMD64 APM 1, "Near Branches in 64-Bit Mode": 16 bits. */
static void near_branches_ignore_66_with_intel_alone(void **state)
{
	static const char *const bytes[] = {"66 eb 00", "66 74 00", "66 e2 00", "66 e3 00",
					    "66 c3",    "66 ff 20", "66 ff 10", "66 c2 08 00"};

	for (unsigned i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		assert_int_equal(decode64(bytes[i]).osize, 64);
		assert_int_equal(decode_text(bytes[i], MODE_LONG64, AMD_ALL).osize, 16);
		assert_int_equal(decode_text(bytes[i] + 3, MODE_LONG64, AMD_ALL).osize, 64);
	}
	static const char *const words[] = {"66 e8 01 02 03 04", "66 e9 01 02 03 04", "66 0f 84 01 02 03 04"};
	for (unsigned i = 0; i < 3; i++) {
		struct insn insn = decode64(words[i]);
		assert_int_equal(insn.imm, 0x04030201);
		assert_int_equal(insn.osize, 64);
		insn = decode_text(words[i], MODE_LONG64, AMD_ALL);
		assert_int_equal(insn.imm, 0x0201);
		assert_int_equal(insn.osize, 16);
		assert_int_equal(insn.imm_size, 2);
	}
	assert_int_equal(decode_text("66 48 e9 01 02 03 04", MODE_LONG64, AMD_ALL).imm_size, 4);
	assert_int_equal(decode64("ff 10").op[0].width, 64);
	assert_int_equal(decode_text("66 ff 10", MODE_LONG64, AMD_ALL).op[0].width, 16);
}

/* SDM 2, "CALL", "JMP", "LDS/LES/LFS/LGS/LSS": m16:64 with REX.W; AMD64 APM 3: AMD has none. */
static void far_pointers(void **state)
{
	static const char *const texts[] = {"48 ff 18", "48 ff 28", "48 0f b2 00", "48 0f b4 00", "48 0f b5 00"};

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		unsigned n = i < 2 ? 0 : 1;
		assert_int_equal(decode64(texts[i]).op[n].width, 80);
		assert_int_equal(decode64(texts[i]).osize, 64);
		assert_int_equal(decode_text(texts[i], MODE_LONG64, AMD_ALL).op[n].width, 48);
		char with_66[64]; /* REX.W over 66 there too */
		snprintf(with_66, sizeof(with_66), "66 %s", texts[i]);
		assert_int_equal(decode_text(with_66, MODE_LONG64, AMD_ALL).op[n].width, 48);
		assert_int_equal(decode64(texts[i] + 3).op[n].width, 48);
	}
	assert_int_equal(decode64("66 ff 28").op[0].width, 32);
	assert_int_equal(decode64("cb").osize, 32);
	assert_int_equal(decode64("48 cb").osize, 64);
	assert_int_equal(decode64("48 cf").width, 64);
	assert_int_equal(decode64("cf").width, 32);
}

static void widths_in_64_bit_mode(void **state)
{
	static const struct {
		const char *text;
		unsigned width;
	} cases[] = {
		{"0f 01 10", 64},       {"66 0f 01 18", 64}, {"48 0f 00 c0", 64}, {"0f 00 c0", 32},
		{"48 8c c0", 64},       {"8c 00", 16},       {"48 8c 00", 16},    {"48 98", 64},
		{"48 99", 64},          {"48 a5", 64},       {"48 6d", 32},       {"48 ed", 32},
		{"48 e5 00", 32},       {"48 6f", 32},       {"66 48 ed", 32},    {"48 0f c8", 64},
		{"48 91", 64},          {"48 d9 20", 32},    {"66 d9 20", 16},    {"48 dd 30", 32},
		{"48 0f 20 c0", 64},    {"48 0f ae 00", 64}, {"0f ae 00", 32},    {"48 00 c0", 8},
		{"f3 48 0f ae c0", 64}, {"48 63 c0", 64},    {"63 c0", 32},       {"66 63 c0", 16},
		{"48 0f c7 f0", 64},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct insn insn = decode64(cases[i].text);
		if (insn.status != DECODE_OK || insn.width != cases[i].width)
			fail_msg("%s: status %u, width %u", cases[i].text, insn.status, insn.width);
	}
	assert_int_equal(decode64("0f 01 10").op[0].width, 80);
	struct insn insn = decode64("48 c7 c0 00 00 00 80"); /* imm32, sign-extended */
	assert_true(insn.imm == UINT64_C(0xffffffff80000000));
	insn = decode64("48 05 00 00 00 80");
	assert_true(insn.imm == UINT64_C(0xffffffff80000000));
	check_operand(&insn.op[1], OPD_IMM, 0, 32);
}

/* ---- What is gone, what is new ---- */

/* SDM 2, "Opcode Map", superscript i64. */
static void invalid_in_64_bit_mode(void **state)
{
	static const char *const opcodes[] = {"06", "07", "0e", "16", "17", "1e", "1f", "27", "2f", "37", "3f",
					      "60", "61", "62", "82", "9a", "ce", "d4", "d5", "d6", "ea"};

	for (unsigned i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++) {
		struct insn insn = decode64(opcodes[i]);
		if (insn.status != DECODE_UD || insn.length != 1)
			fail_msg("%s: status %u", opcodes[i], insn.status);
	}
	/* C4, C5 and 62 behind no feature: neither LES nor VEX, neither BOUND nor EVEX; 8F is POP or nothing (XOP) */
	assert_int_equal(decode_text("c4", MODE_LONG64, 0).status, DECODE_UD);
	assert_int_equal(decode_text("c5", MODE_LONG64, 0).status, DECODE_UD);
	assert_int_equal(decode64("62").status, DECODE_UD);
	assert_int_equal(decode64("8f e9").status, DECODE_UD);
}

static void names_in_64_bit_mode(void **state)
{
	static const struct {
		const char *text;
		unsigned mnemonic;
	} cases[] = {
		{"63 c0", MN_movsxd},
		{"90", MN_nop},
		{"48 90", MN_nop},
		{"f3 90", MN_pause},
		{"41 90", MN_xchg},
		{"f3 41 90", MN_xchg},
		{"49 91", MN_xchg},
		{"0f 05", MN_syscall},
		{"48 0f 07", MN_sysret},
		{"0f 01 f8", MN_swapgs},
		{"0f 01 f9", MN_rdtscp},
		{"0f 01 d0", MN_xgetbv},
		{"0f 01 d1", MN_xsetbv},
		{"0f 01 ee", MN_rdpkru},
		{"0f 01 ef", MN_wrpkru},
		{"0f 01 ca", MN_clac},
		{"0f 01 cb", MN_stac},
		{"0f 34", MN_sysenter},
		{"48 0f 35", MN_sysexit},
		{"48 0f c7 08", MN_cmpxchg16b},
		{"0f c7 08", MN_cmpxchg8b},
		{"0f c7 f0", MN_rdrand},
		{"0f c7 f8", MN_rdseed},
		{"f3 0f ae c0", MN_rdfsbase},
		{"f3 0f ae c8", MN_rdgsbase},
		{"f3 0f ae d0", MN_wrfsbase},
		{"f3 0f ae d8", MN_wrgsbase},
		{"0f ae e8", MN_lfence},
		{"0f ae f0", MN_mfence},
		{"0f ae f8", MN_sfence},
		{"0f ae 38", MN_clflush},
		{"66 0f ae 38", MN_clflushopt},
		{"0f ae 10", MN_ldmxcsr},
		{"66 0f 38 82 00", MN_invpcid},
		{"0f 38 f0 00", MN_movbe},
		{"f2 0f 38 f0 c0", MN_crc32},
		{"66 0f 38 f6 c0", MN_adcx},
		{"f3 0f 38 f6 c0", MN_adox},
		{"f3 0f b8 c0", MN_popcnt},
		{"9e", MN_sahf},
		{"9f", MN_lahf},
		{"0f c3 00", MN_movnti},
		{"0f 0d 08", MN_prefetchw},
		{"0f 18 08", MN_prefetcht0},
		{"0f 18 20", MN_nop},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct insn insn = decode64(cases[i].text);
		if (insn.status != DECODE_OK || insn.mnemonic != cases[i].mnemonic)
			fail_msg("%s: status %u, %s", cases[i].text, insn.status, mnemonic_name(insn.mnemonic));
	}
}

/* Only in 64-bit mode. */
static void new_in_64_bit_mode(void **state)
{
	static const char *const texts[] = {"0f 01 f8", "f3 0f ae c0", "f3 0f ae d8"};

	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(decode_text(texts[i], MODE_PROTECTED, DECODE_D32 | ALL).status, DECODE_UD);
	assert_int_equal(decode_text("63 c0", MODE_PROTECTED, DECODE_D32 | ALL).mnemonic, MN_arpl);
	assert_int_equal(decode_text("48", MODE_COMPAT, DECODE_D32 | ALL).mnemonic, MN_dec);
	assert_int_equal(decode_text("06", MODE_COMPAT, DECODE_D32 | ALL).mnemonic, MN_push);
}

/* SDM 2, "SYSCALL", "SYSRET": #UD outside 64-bit mode; AMD64 APM 3: there too with AMD, where SYSENTER and SYSEXIT
 * are #UD in long mode. */
static void system_calls_of_the_two_makers(void **state)
{
	static const struct {
		const char *text;
		enum decode_mode mode;
		bool intel, amd;
	} cases[] = {
		{"0f 05", MODE_LONG64, true, true},     {"0f 05", MODE_COMPAT, false, true},
		{"0f 05", MODE_PROTECTED, false, true}, {"0f 07", MODE_LONG64, true, true},
		{"0f 07", MODE_PROTECTED, false, true}, {"0f 34", MODE_LONG64, true, false},
		{"0f 34", MODE_COMPAT, true, false},    {"0f 34", MODE_PROTECTED, true, true},
		{"0f 35", MODE_COMPAT, true, false},    {"0f 35", MODE_LONG64, true, false},
		{"0f 0d c0", MODE_LONG64, true, false}, {"0f 0d 00", MODE_LONG64, true, true},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool intel = decode_text(cases[i].text, cases[i].mode, DECODE_D32 | ALL).status == DECODE_OK;
		bool amd = decode_text(cases[i].text, cases[i].mode, DECODE_D32 | AMD_ALL).status == DECODE_OK;
		if (intel != cases[i].intel || amd != cases[i].amd)
			fail_msg("%s in mode %u: Intel %d, AMD %d", cases[i].text, cases[i].mode, intel, amd);
	}
}

/* What a processor without the feature makes of the same bytes. */
static void before_the_feature(void **state)
{
	assert_int_equal(decode_text("f3 0f bc c0", MODE_LONG64, 0).mnemonic, MN_bsf);
	assert_int_equal(decode_text("f3 0f bd c0", MODE_LONG64, 0).mnemonic, MN_bsr);
	assert_int_equal(decode_text("f3 90", MODE_LONG64, 0).mnemonic, MN_nop);
	assert_int_equal(decode_text("0f 18 08", MODE_LONG64, 0).mnemonic, MN_nop);
	assert_int_equal(decode_text("9f", MODE_LONG64, 0).status, DECODE_UD); /* LAHF */
	assert_int_equal(decode_text("9f", MODE_COMPAT, 0).status, DECODE_OK);
	assert_int_equal(decode_text("48 0f c7 08", MODE_LONG64, 0).status, DECODE_UD);
	assert_int_equal(decode_text("0f 38", MODE_LONG64, 0).status, DECODE_UD);
	assert_int_equal(decode_text("0f 38", MODE_LONG64, DECODE_FEATURE(GEN_MOVBE)).status, DECODE_SHORT);
	assert_int_equal(decode_text("0f 10", MODE_PROTECTED, DECODE_FEATURE(GEN_SSE2)).status, DECODE_SHORT);
	assert_int_equal(decode_text("0f 10", MODE_PROTECTED, DECODE_FEATURE(GEN_MMX)).status, DECODE_UD);
}

/* ---- Lengths ---- */

static void length_limit_with_rex(void **state)
{
	static const struct status_case cases[] = {
		{"66 66 66 66 66 66 66 66 66 66 66 66 66 48 90", DECODE_OK, 15},
		{"66 66 66 66 66 66 66 66 66 66 66 66 66 66 48 90", DECODE_TOO_LONG, 15},
		{"40 40 40 40 40 40 40 40 40 40 40 40 40 40 90", DECODE_OK, 15},
		{"40 40 40 40 40 40 40 40 40 40 40 40 40 40 40", DECODE_TOO_LONG, 15},
		{"40 40 40 40 40 40 40 40 40 40 40 40 40 40", DECODE_SHORT, 0},
		{"2e 2e 2e 2e 2e 48 b8 01 02 03 04 05 06 07 08", DECODE_OK, 15},
		{"2e 2e 2e 2e 2e 2e 48 b8 01 02 03 04 05 06 07 08", DECODE_TOO_LONG, 15},
		{"66 66 64 67 c4 e2 71 92 84 10 01 02 03 04", DECODE_UD, 7},
		{"64 67 c4 e2 71 92 84 08 01 02 03 04", DECODE_UD, 12}, /* mask and index are one register */
		{"64 67 c4 e2 71 92 84 20 01 02 03 04", DECODE_OK, 12},
		{"64 64 64 64 64 64 c4 e3 71 0f 84 24 01 02 03 04", DECODE_TOO_LONG, 15},
		{"64 64 64 64 c4 e3 71 0f 84 24 01 02 03 04 05", DECODE_OK, 15},
		{"64 64 64 64 64 c4 e3 71 0f 84 24 01 02 03 04 05", DECODE_TOO_LONG, 15},
	};

	CHECK_STATUS(cases, MODE_LONG64, ALL);
}

/* Every beginning of an instruction is DECODE_SHORT. */
static void short_buffers_in_64_bit_mode(void **state)
{
	static const char *const texts[] = {
		"48",
		"66 48 0f",
		"0f 38",
		"0f 38 f0",
		"0f 3a 0f c0",
		"48 b8 01 02 03 04 05 06 07",
		"a1 01 02 03 04 05 06 07",
		"48 8b 05 01 02 03",
		"c5",
		"c5 f8",
		"c5 f8 28",
		"c4",
		"c4 e2",
		"c4 e2 71",
		"c4 e2 71 92",
		"c4 e2 71 92 04",
		"c4 e3 71 4a c0",
		"c4 e3 71 4a 84 24 01 02 03 04",
	};

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (decode64(texts[i]).status != DECODE_SHORT || decode64(texts[i]).length != 0)
			fail_msg("%s: not short", texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rex_bits),
		cmocka_unit_test(rex_counts_right_before_the_opcode_only),
		cmocka_unit_test(byte_registers_with_rex),
		cmocka_unit_test(rex_does_not_reach_registers_that_are_eight),
		cmocka_unit_test(control_and_debug_registers),
		cmocka_unit_test(rip_relative),
		cmocka_unit_test(special_addresses),
		cmocka_unit_test(segments_of_addresses),
		cmocka_unit_test(address_size),
		cmocka_unit_test(offsets_have_64_bits),
		cmocka_unit_test(stack_instructions_have_64_bits),
		cmocka_unit_test(near_branches_ignore_66_with_intel_alone),
		cmocka_unit_test(far_pointers),
		cmocka_unit_test(widths_in_64_bit_mode),
		cmocka_unit_test(invalid_in_64_bit_mode),
		cmocka_unit_test(names_in_64_bit_mode),
		cmocka_unit_test(new_in_64_bit_mode),
		cmocka_unit_test(system_calls_of_the_two_makers),
		cmocka_unit_test(before_the_feature),
		cmocka_unit_test(length_limit_with_rex),
		cmocka_unit_test(short_buffers_in_64_bit_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
