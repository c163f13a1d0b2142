/* The decoder's rules of MMX, SSE and VEX one by one: which prefix selects a row, what VEX may stand behind, its
 * fields, and the operands. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "decode/text.h"

#define ALL   DECODE_ALL_FEATURES
#define ALL32 (DECODE_ALL_FEATURES | DECODE_D32)

static struct insn decode64(const char *text)
{
	return decode_text(text, MODE_LONG64, ALL);
}
static struct insn decode32(const char *text)
{
	return decode_text(text, MODE_PROTECTED, ALL32);
}

struct name_case {
	const char *text;
	unsigned mnemonic; /* MN_INVALID: #UD */
};

static void check_names(const struct name_case *cases, size_t count, enum decode_mode mode, uint64_t how)
{
	for (size_t i = 0; i < count; i++) {
		struct insn insn = decode_text(cases[i].text, mode, how);
		unsigned name = insn.status == DECODE_OK ? insn.mnemonic : (unsigned)MN_INVALID;
		if (name != cases[i].mnemonic)
			fail_msg("%s: %s", cases[i].text, mnemonic_name(name));
	}
}
#define CHECK_NAMES(cases, mode, how) check_names(cases, sizeof(cases) / sizeof((cases)[0]), mode, how)

/* ---- SSE ---- */

/* SDM 2, "Opcode Map", mandatory prefixes: of F2 and F3 the last, before 66; none of them for what the SDM marks NP. */
static void mandatory_prefixes(void **state)
{
	static const struct name_case cases[] = {
		{"0f 58 c1", MN_addps},
		{"66 0f 58 c1", MN_addpd},
		{"f3 0f 58 c1", MN_addss},
		{"f2 0f 58 c1", MN_addsd},
		{"66 f3 0f 58 c1", MN_addss},
		{"f3 66 0f 58 c1", MN_addss},
		{"f2 66 0f 58 c1", MN_addsd},
		{"f2 f3 0f 58 c1", MN_addss},
		{"f3 f2 0f 58 c1", MN_addsd},
		{"0f 28 c1", MN_movaps},
		{"f3 0f 28 c1", MN_INVALID},
		{"f2 0f 28 c1", MN_INVALID},
		{"66 f2 0f 6f c1", MN_INVALID},
		{"0f 6f c1", MN_movq},
		{"66 0f 6f c1", MN_movdqa},
		{"f3 0f 6f c1", MN_movdqu},
		{"66 0f 77", MN_INVALID},
		{"0f 77", MN_emms},
		{"f3 0f ae e8", MN_INVALID},
		{"66 0f ae e8", MN_INVALID},
		{"66 0f c3 00", MN_INVALID},
		{"f3 0f c7 f0", MN_INVALID},
		{"66 0f c7 f0", MN_rdrand},
		{"66 0f 01 d0", MN_INVALID},
		{"66 0f 01 f9", MN_rdtscp},
		{"f2 0f 38 f0 00", MN_crc32},
		{"66 f2 0f 38 f1 00", MN_crc32},
		{"66 0f 38 f0 00", MN_movbe},
		{"f3 0f 38 f0 00", MN_INVALID},
		{"66 f3 0f b8 c0", MN_popcnt},
		{"f2 0f b8 c0", MN_INVALID},
		{"66 0f 3a 0f c1 00", MN_palignr},
		{"f2 0f 3a 0f c1 00", MN_INVALID},
		{"2e 67 0f 58 00", MN_addps},
		{"f0 0f 58 00", MN_INVALID},
	};

	CHECK_NAMES(cases, MODE_LONG64, ALL);
	CHECK_NAMES(cases, MODE_PROTECTED, ALL32);
	CHECK_NAMES(cases, MODE_REAL, ALL32);
	/* a mandatory 66 is no operand size */
	assert_int_equal(decode64("66 0f 6e c0").op[1].width, 32);
	assert_int_equal(decode64("66 0f 6e c0").osize, 32);
	assert_int_equal(decode64("66 48 0f 6e c0").op[1].width, 64);
	assert_int_equal(decode64("66 f2 0f 38 f1 c0").op[1].width, 16);
}

static void sse_operands(void **state)
{
	struct insn insn = decode64("66 44 0f 6f 3c 24"); /* MOVDQA XMM15, [RSP] */

	assert_int_equal(insn.vl, 128);
	check_operand(&insn.op[0], OPD_VEC, 15, 128);
	check_operand(&insn.op[1], OPD_MEM, 0, 128);
	insn = decode64("f3 41 0f 58 c7"); /* ADDSS XMM0, XMM15 */
	check_operand(&insn.op[1], OPD_VEC, 15, 32);
	insn = decode64("0f 2a c1"); /* CVTPI2PS XMM0, MM1 */
	assert_int_equal(insn.vl, 128);
	check_operand(&insn.op[1], OPD_MMX, 1, 64);
	insn = decode64("0f fc c1");
	assert_int_equal(insn.vl, 64);
	insn = decode64("0f 60 00"); /* PUNPCKLBW mm, m32 */
	check_operand(&insn.op[1], OPD_MEM, 0, 32);
	insn = decode64("f3 48 0f 2a c1"); /* CVTSI2SS XMM0, RCX */
	assert_int_equal(insn.width, 64);
	check_operand(&insn.op[1], OPD_GPR, CX, 64);
	insn = decode64("66 0f 73 da 05"); /* PSRLDQ XMM2, 5 */
	check_operand(&insn.op[0], OPD_VEC, 2, 128);
	assert_int_equal(insn.imm, 5);
	insn = decode64("66 0f 3a 14 00 ff"); /* PEXTRB [RAX], XMM0, 255 */
	check_operand(&insn.op[0], OPD_MEM, 0, 8);
	check_operand(&insn.op[2], OPD_IMM, 0, 8);
	assert_int_equal(insn.imm, 0xff);
	insn = decode64("66 0f 3a 14 c0 00");
	check_operand(&insn.op[0], OPD_GPR, AX, 32);
	assert_int_equal(decode64("01 c0").vl, 0);
}

/* Registers only or memory only, as the SDM's operand types N, U and M have it. */
static void registers_or_memory(void **state)
{
	static const struct name_case cases[] = {
		{"0f 12 00", MN_movlps},        {"0f 12 c0", MN_movhlps},    {"66 0f 12 c0", MN_INVALID},
		{"0f 13 c0", MN_INVALID},       {"0f 50 00", MN_INVALID},    {"0f 50 c0", MN_movmskps},
		{"0f e7 c0", MN_INVALID},       {"0f f7 00", MN_INVALID},    {"66 0f d7 00", MN_INVALID},
		{"f2 0f f0 c0", MN_INVALID},    {"0f 71 10", MN_INVALID},    {"0f 73 d8 00", MN_INVALID},
		{"66 0f 38 2a c0", MN_INVALID}, {"0f c3 c0", MN_INVALID},    {"0f ae c0", MN_INVALID},
		{"66 0f 38 82 c0", MN_INVALID}, {"0f 38 f0 c0", MN_INVALID},
	};

	CHECK_NAMES(cases, MODE_LONG64, ALL);
}

/* ---- VEX ---- */

/* SDM 2, "The VEX Prefix": #UD behind LOCK, 66, F2, F3 or REX; REX that is ignored anyway does not count. */
static void prefixes_before_vex(void **state)
{
	static const struct name_case cases[] = {
		{"c5 f8 28 c1", MN_vmovaps},       {"f0 c5 f8 28 c1", MN_INVALID},    {"66 c5 f8 28 c1", MN_INVALID},
		{"f2 c5 f8 28 c1", MN_INVALID},    {"f3 c5 f8 28 c1", MN_INVALID},    {"40 c5 f8 28 c1", MN_INVALID},
		{"48 c4 e1 f8 28 c1", MN_INVALID}, {"2e c5 f8 28 c1", MN_vmovaps},    {"64 67 c5 f8 28 00", MN_vmovaps},
		{"40 2e c5 f8 28 c1", MN_vmovaps}, {"40 66 c5 f8 28 c1", MN_INVALID},
	};

	CHECK_NAMES(cases, MODE_LONG64, ALL);
	assert_int_equal(decode32("66 c5 f8 28 c1").status, DECODE_UD);
	assert_int_equal(decode32("f0 c5 f8 28 c1").status, DECODE_UD);
}

/* Outside 64-bit mode C4 and C5 are VEX with mod 3 behind them, else LES and LDS; in real-address and virtual-8086
 * mode, and without AVX, LES, LDS or nothing. */
static void vex_outside_64_bit_mode(void **state)
{
	assert_int_equal(decode32("c5 f8 28 c1").mnemonic, MN_vmovaps);
	assert_int_equal(decode32("c5 38").mnemonic, MN_lds);
	assert_int_equal(decode32("c4 00").mnemonic, MN_les);
	assert_int_equal(decode_text("c5 f8 28 c1", MODE_COMPAT, ALL32).mnemonic, MN_vmovaps);
	assert_int_equal(decode_text("c5 f8 28 c1", MODE_PROTECTED, ALL).mnemonic, MN_vmovaps);
	assert_int_equal(decode_text("c5 f8", MODE_REAL, ALL).status, DECODE_UD);
	assert_int_equal(decode_text("c5 f8", MODE_VM86, ALL).status, DECODE_UD);
	assert_int_equal(decode_text("c5 00", MODE_REAL, ALL).mnemonic, MN_lds);
	assert_int_equal(decode_text("c5 f8", MODE_PROTECTED, DECODE_D32 | DECODE_FEATURE(GEN_SSE2)).status, DECODE_UD);
	assert_int_equal(decode64("c5 38 28 c1").mnemonic, MN_vmovaps);
	assert_int_equal(decode64("c4 41 78 28 c1").mnemonic, MN_vmovaps);
}

/* R, X, B, vvvv are inverted; in C5 X, B and W are 0.  Outside 64-bit mode there are eight registers. */
static void vex_fields(void **state)
{
	struct insn insn = decode64("c4 41 2c 58 fd"); /* VADDPS YMM15, YMM10, YMM13 */

	assert_int_equal(insn.vex, 3);
	assert_int_equal(insn.vl, 256);
	assert_int_equal(insn.vvvv, 10);
	assert_int_equal(insn.rex, 0x45);
	check_operand(&insn.op[0], OPD_VEC, 15, 256);
	check_operand(&insn.op[1], OPD_VEC, 10, 256);
	check_operand(&insn.op[2], OPD_VEC, 13, 256);
	insn = decode64("c5 28 58 f9"); /* VADDPS XMM15, XMM10, XMM1 */
	assert_int_equal(insn.vex, 2);
	check_operand(&insn.op[0], OPD_VEC, 15, 128);
	check_operand(&insn.op[1], OPD_VEC, 10, 128);
	check_operand(&insn.op[2], OPD_VEC, 1, 128);
	insn = decode64("c4 81 78 58 04 c8"); /* B and X: [R8+R9*8] */
	assert_int_equal(insn.base, 8);
	assert_int_equal(insn.index, 9);
	insn = decode32("c4 c1 38 58 c1"); /* B and the upper bit of vvvv are ignored */
	assert_int_equal(insn.status, DECODE_OK);
	check_operand(&insn.op[1], OPD_VEC, 0, 128);
	check_operand(&insn.op[2], OPD_VEC, 1, 128);
	insn = decode64("c4 e2 f0 f2 c2"); /* ANDN RAX, RCX, RDX */
	assert_int_equal(insn.width, 64);
	check_operand(&insn.op[1], OPD_GPR, CX, 64);
	insn = decode32("c4 e2 f0 f2 c2"); /* W is ignored */
	check_operand(&insn.op[1], OPD_GPR, CX, 32);
}

/* Map, pp, L and W each select or refuse. */
static void vex_selects(void **state)
{
	static const struct name_case cases[] = {
		{"c4 e0 78 28 c1", MN_INVALID},     {"c4 e4 78 28 c1", MN_INVALID},
		{"c4 ff 78 28 c1", MN_INVALID},     {"c5 f9 28 c1", MN_vmovapd},
		{"c5 fa 28 c1", MN_INVALID},        {"c5 f8 77", MN_vzeroupper},
		{"c5 fc 77", MN_vzeroall},          {"c5 f9 6e c0", MN_vmovd},
		{"c5 fd 6e c0", MN_INVALID},        {"c4 e2 75 16 c0", MN_vpermps},
		{"c4 e2 71 16 c0", MN_INVALID},     {"c4 e2 f5 16 c0", MN_INVALID},
		{"c4 e3 fd 00 c0 00", MN_vpermq},   {"c4 e3 7d 00 c0 00", MN_INVALID},
		{"c4 e2 f1 98 c0", MN_vfmadd132pd}, {"c4 e2 71 98 c0", MN_vfmadd132ps},
		{"c4 e2 74 f2 c0", MN_INVALID},     {"c5 fe 58 c1", MN_vaddss},
		{"c5 fa 58 c1", MN_vaddss},         {"c5 ff 12 c0", MN_vmovddup},
		{"c5 fc ae 18", MN_INVALID},        {"c5 f8 ae 18", MN_vstmxcsr},
		{"c5 fd c5 c0 00", MN_INVALID},     {"c4 e2 7d 18 00", MN_vbroadcastss},
		{"c4 e2 fd 18 00", MN_INVALID},     {"c5 f8 05", MN_INVALID},
		{"c5 f0 c6 c0 00", MN_vshufps},
	};

	CHECK_NAMES(cases, MODE_LONG64, ALL);
	assert_int_equal(decode64("c5 fe 58 c1").vl, 128); /* scalar: L is ignored */
	assert_int_equal(decode64("c5 ff 12 c0").op[1].width, 256);
	assert_int_equal(decode64("c5 fb 12 c0").op[1].width, 64);
}

/* vvvv that names nothing is 1111b, all four bits in every mode. */
static void unused_vvvv(void **state)
{
	static const struct name_case cases[] = {
		{"c5 f8 28 c1", MN_vmovaps},    {"c5 f0 28 c1", MN_INVALID}, {"c4 e1 70 28 c1", MN_INVALID},
		{"c4 e1 38 28 c1", MN_INVALID}, {"c5 f0 77", MN_INVALID},    {"c5 f1 6e c0", MN_INVALID},
		{"c5 f2 10 00", MN_INVALID},    {"c5 f2 10 c0", MN_vmovss},  {"c4 e3 73 f0 c0 00", MN_INVALID},
	};

	CHECK_NAMES(cases, MODE_LONG64, ALL);
	CHECK_NAMES(cases, MODE_PROTECTED, ALL32);
}

/* The integer instructions of AVX have 256 bits with AVX2. */
static void avx2_has_the_256_bits(void **state)
{
	uint64_t avx = DECODE_FEATURE(GEN_AVX), avx2 = avx | DECODE_FEATURE(GEN_AVX2);

	assert_int_equal(decode_text("c5 f1 fc c0", MODE_LONG64, avx).mnemonic, MN_vpaddb);
	assert_int_equal(decode_text("c5 f5 fc", MODE_LONG64, avx).status, DECODE_UD);
	assert_int_equal(decode_text("c5 f5 fc c0", MODE_LONG64, avx2).mnemonic, MN_vpaddb);
	assert_int_equal(decode_text("c4 e2 79 18 c0", MODE_LONG64, avx).status, DECODE_UD);
	assert_int_equal(decode_text("c4 e2 79 18 00", MODE_LONG64, avx).status, DECODE_OK);
	assert_int_equal(decode_text("c4 e2 79 18 c0", MODE_LONG64, avx2).status, DECODE_OK);
	assert_int_equal(decode_text("c4 e2 70 f2", MODE_LONG64, avx2).status, DECODE_UD); /* BMI1 */
	assert_int_equal(decode_text("c4 e2 70 f2 c0", MODE_LONG64, DECODE_FEATURE(GEN_BMI1)).status, DECODE_OK);
}

/* A register in the immediate's upper half: SDM 2, "VBLENDVPS". */
static void register_in_the_immediate(void **state)
{
	struct insn insn = decode64("c4 e3 71 4a c2 9f");

	assert_int_equal(insn.operands, 4);
	check_operand(&insn.op[3], OPD_VEC, 9, 128);
	assert_int_equal(insn.imm_size, 1);
	insn = decode32("c4 e3 71 4a c2 9f");
	check_operand(&insn.op[3], OPD_VEC, 1, 128);
}

/* SDM 2, "VSIB Memory Addressing", and the gathers' pages. */
static void vector_indices(void **state)
{
	static const struct status_case cases[] = {
		{"c4 e2 69 90 04 20", DECODE_OK, 6}, {"c4 e2 69 90 04 00", DECODE_UD, 6}, /* index is the destination */
		{"c4 e2 69 90 04 10", DECODE_UD, 6},                                      /* index is the mask */
		{"c4 e2 69 90 14 08", DECODE_UD, 6},                                      /* mask is the destination */
		{"c4 e2 69 90 00", DECODE_UD, 5},                                         /* no SIB byte */
		{"c4 e2 69 90 c4", DECODE_UD, 5},                                         /* a register */
	};

	CHECK_STATUS(cases, MODE_LONG64, ALL);
	assert_int_equal(decode32("67 c4 e2 69 90 04").status, DECODE_UD); /* 16-bit addresses */
	struct insn insn = decode64("c4 a2 ed 90 04 63");                  /* VPGATHERDQ YMM0, [RBX+XMM12*2], YMM2 */
	assert_int_equal(insn.vsib, 32);
	assert_int_equal(insn.index, 12);
	assert_int_equal(insn.base, BX);
	assert_int_equal(insn.scale, 1);
	check_operand(&insn.op[0], OPD_VEC, 0, 256);
	check_operand(&insn.op[1], OPD_MEM, 0, 64);
	check_operand(&insn.op[2], OPD_VEC, 2, 256);
	insn = decode64("c4 e2 69 91 04 20"); /* index 4 is XMM4, not none */
	assert_int_equal(insn.vsib, 64);
	assert_int_equal(insn.index, 4);
	check_operand(&insn.op[0], OPD_VEC, 0, 64);
}

/* SDM 2, "PEXTRB/PEXTRD/PEXTRQ", note 2: VEX.W is ignored outside 64-bit mode; AMD's processors refuse it. */
static void vpextrq_outside_64_bit_mode(void **state)
{
	assert_int_equal(decode64("c4 e3 f9 16 c0 00").op[0].width, 64);
	assert_int_equal(decode32("c4 e3 f9 16 c0 00").op[0].width, 32);
	assert_int_equal(decode_text("c4 e3 f9 16 c0", MODE_COMPAT, ALL32 | DECODE_AMD).status, DECODE_UD);
	assert_int_equal(decode_text("c4 e3 f9 22 c0", MODE_COMPAT, ALL32 | DECODE_AMD).status, DECODE_UD);
	assert_int_equal(decode_text("c4 e3 79 22 c0 00", MODE_COMPAT, ALL32 | DECODE_AMD).status, DECODE_OK);
}

/* EVEX and XOP are not there. */
static void no_evex_no_xop(void **state)
{
	assert_int_equal(decode64("62").status, DECODE_UD);
	assert_int_equal(decode32("62 f1").status, DECODE_UD);
	assert_int_equal(decode32("62 01").mnemonic, MN_bound);
	assert_int_equal(decode64("8f e8").status, DECODE_UD);
	assert_int_equal(decode32("8f e8").status, DECODE_UD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mandatory_prefixes),
		cmocka_unit_test(sse_operands),
		cmocka_unit_test(registers_or_memory),
		cmocka_unit_test(prefixes_before_vex),
		cmocka_unit_test(vex_outside_64_bit_mode),
		cmocka_unit_test(vex_fields),
		cmocka_unit_test(vex_selects),
		cmocka_unit_test(unused_vvvv),
		cmocka_unit_test(avx2_has_the_256_bits),
		cmocka_unit_test(register_in_the_immediate),
		cmocka_unit_test(vector_indices),
		cmocka_unit_test(vpextrq_outside_64_bit_mode),
		cmocka_unit_test(no_evex_no_xop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
