/* The decoder against Zydis: the same encodings through both, systematic and random, in 64-bit mode, 32-bit and
 * 16-bit protected mode and real mode; MMX to SSE4.2 and VEX included.  Agreement is wanted on validity, length,
 * operand and address size, and every operand.  A disagreement that stays has a row in zydis_differences.h.
 * With TRAPGATE_DECODE_SOAK=1 ten million encodings in 64-bit mode alone, and more in all other modes. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include "decode/insn.h"

struct mode {
	const char *name;
	ZydisMachineMode machine;
	ZydisStackWidth stack;
	enum decode_mode mode;
	uint64_t how;
	ZydisDecoder decoder;
};

#define LEGACY_32 ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32
#define LEGACY_16 ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16
#define REAL_16   ZYDIS_MACHINE_MODE_REAL_16, ZYDIS_STACK_WIDTH_16
#define COMPAT_32 ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32
#define LONG_64   ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64

/* The first three: a processor with no feature of features.def; the others have all. */
static const struct mode mode_list[] = {
	{"protected 32", LEGACY_32, MODE_PROTECTED, DECODE_D32, {0}},
	{"protected 16", LEGACY_16, MODE_PROTECTED, 0, {0}},
	{"real", REAL_16, MODE_REAL, 0, {0}},
	{"64", LONG_64, MODE_LONG64, DECODE_ALL_FEATURES, {0}},
	{"64 AMD", LONG_64, MODE_LONG64, DECODE_ALL_FEATURES | DECODE_AMD, {0}},
	{"compatibility 32, all features", COMPAT_32, MODE_COMPAT, DECODE_D32 | DECODE_ALL_FEATURES, {0}},
	{"compatibility 32, AMD", COMPAT_32, MODE_COMPAT, DECODE_D32 | DECODE_ALL_FEATURES | DECODE_AMD, {0}},
	{"protected 16, all features", LEGACY_16, MODE_PROTECTED, DECODE_ALL_FEATURES, {0}},
	{"real, all features", REAL_16, MODE_REAL, DECODE_ALL_FEATURES, {0}},
};
#define MODES (sizeof(mode_list) / sizeof(mode_list[0]))

/* One encoding as both see it. */
struct pair {
	const struct mode *mode;
	const uint8_t *bytes; /* 16 */
	struct insn our;
	bool zydis_ok;
	ZyanStatus zydis_status;
	ZydisDecodedInstruction z;
	ZydisDecodedOperand zop[ZYDIS_MAX_OPERAND_COUNT];
};

/* What is compared, in this order. */
enum check {
	CHECK_NONE,
	CHECK_VALID_FOR_ZYDIS,
	CHECK_VALID_FOR_US,
	CHECK_TOO_LONG,
	CHECK_LENGTH,
	CHECK_OSIZE,
	CHECK_ASIZE,
	CHECK_MNEMONIC,
	CHECK_OPERAND_COUNT,
	CHECK_OPERAND_KIND,
	CHECK_REGISTER_CLASS,
	CHECK_REGISTER_NUMBER,
	CHECK_BASE_INDEX,
	CHECK_SCALE,
	CHECK_SEGMENT,
	CHECK_DISPLACEMENT,
	CHECK_IMMEDIATE,
	CHECK_OPERAND_WIDTH,
	CHECK_EXACT, /* nothing behind the instruction matters, one byte less is DECODE_SHORT */
};
static const char *const check_names[] = {
	[CHECK_VALID_FOR_ZYDIS] = "valid for Zydis alone",
	[CHECK_VALID_FOR_US] = "valid for us alone",
	[CHECK_TOO_LONG] = "too long or not",
	[CHECK_LENGTH] = "length",
	[CHECK_OSIZE] = "operand size",
	[CHECK_ASIZE] = "address size",
	[CHECK_MNEMONIC] = "mnemonic",
	[CHECK_OPERAND_COUNT] = "number of operands",
	[CHECK_OPERAND_KIND] = "kind of operand",
	[CHECK_REGISTER_CLASS] = "class of register",
	[CHECK_REGISTER_NUMBER] = "number of register",
	[CHECK_BASE_INDEX] = "base or index",
	[CHECK_SCALE] = "scale",
	[CHECK_SEGMENT] = "segment",
	[CHECK_DISPLACEMENT] = "displacement",
	[CHECK_IMMEDIATE] = "immediate",
	[CHECK_OPERAND_WIDTH] = "width of operand",
	[CHECK_EXACT] = "exact length",
};

#include "zydis_differences.h"

struct run {
	struct mode modes[MODES];
	uint64_t random;
	bool soak;
	unsigned long encodings, valid, bad, in_mode[MODES];
	unsigned long difference[DIFFERENCES]; /* how often each row of the list applied */
};

/* Is this disagreement one of the list?  Counts it. */
static bool is_listed(struct run *run, const struct pair *p, enum check check)
{
	for (unsigned i = 0; i < DIFFERENCES; i++) {
		const struct difference *d = &differences[i];
		if (d->check == check && (d->mnemonic == MN_INVALID || d->mnemonic == p->our.mnemonic) &&
		    (!d->applies || d->applies(p))) {
			run->difference[i]++;
			return true;
		}
	}
	return false;
}

#define WRONG(different, check)                                                                                        \
	do {                                                                                                           \
		if ((different) && !is_listed(run, p, (check)))                                                        \
			return (check);                                                                                \
	} while (0)

/* xorshift64*: the same encodings in every run. */
static uint64_t next_random(struct run *run)
{
	run->random ^= run->random >> 12;
	run->random ^= run->random << 25;
	run->random ^= run->random >> 27;
	return run->random * UINT64_C(0x2545f4914f6cdd1d);
}

/* ---- Operands ---- */

/* The number of a register as struct operand has it; REG_NONE for what is none.  Zydis has AH to BH between BL and
 * SPL. */
static unsigned register_number(ZydisRegister r)
{
	if (r >= ZYDIS_REGISTER_AH && r <= ZYDIS_REGISTER_BH)
		return 16 + (unsigned)(r - ZYDIS_REGISTER_AH);
	if (r >= ZYDIS_REGISTER_SPL && r <= ZYDIS_REGISTER_R15B)
		return 4 + (unsigned)(r - ZYDIS_REGISTER_SPL);
	ZyanI8 id = ZydisRegisterGetId(r);
	return id < 0 ? REG_NONE : (unsigned)id;
}

static ZydisRegisterClass wanted_class(const struct operand *op)
{
	switch (op->kind) {
	case OPD_GPR:
		return op->width == 8    ? ZYDIS_REGCLASS_GPR8
		       : op->width == 16 ? ZYDIS_REGCLASS_GPR16
		       : op->width == 32 ? ZYDIS_REGCLASS_GPR32
					 : ZYDIS_REGCLASS_GPR64;
	case OPD_SREG:
		return ZYDIS_REGCLASS_SEGMENT;
	case OPD_CR:
		return ZYDIS_REGCLASS_CONTROL;
	case OPD_DR:
		return ZYDIS_REGCLASS_DEBUG;
	case OPD_ST:
		return ZYDIS_REGCLASS_X87;
	case OPD_MMX:
		return ZYDIS_REGCLASS_MMX;
	case OPD_VEC:
		return op->width == 256 ? ZYDIS_REGCLASS_YMM : ZYDIS_REGCLASS_XMM;
	default:
		return ZYDIS_REGCLASS_INVALID;
	}
}

static enum check compare_register(struct run *run, const struct pair *p, const struct operand *op,
				   const ZydisDecodedOperand *z)
{
	WRONG(z->type != ZYDIS_OPERAND_TYPE_REGISTER, CHECK_OPERAND_KIND);
	WRONG(ZydisRegisterGetClass(z->reg.value) != wanted_class(op), CHECK_REGISTER_CLASS);
	WRONG(register_number(z->reg.value) != op->reg, CHECK_REGISTER_NUMBER);
	return CHECK_NONE;
}

static unsigned segment_number(ZydisRegister r)
{
	return (unsigned)(r - ZYDIS_REGISTER_ES);
}

static uint64_t cut(uint64_t value, unsigned bits)
{
	return bits == 64 ? value : value & ((UINT64_C(1) << bits) - 1);
}

/* The base, or RIP.  An index of several addresses is a vector register. */
static bool same_base_and_index(const struct insn *insn, const ZydisDecodedOperand *z)
{
	bool rip = z->mem.base == ZYDIS_REGISTER_RIP || z->mem.base == ZYDIS_REGISTER_EIP;
	ZydisRegisterClass index = ZydisRegisterGetClass(z->mem.index);

	return rip == insn->rip_relative && (rip || register_number(z->mem.base) == insn->base) &&
	       register_number(z->mem.index) == insn->index &&
	       (index == ZYDIS_REGCLASS_XMM || index == ZYDIS_REGCLASS_YMM) == (insn->vsib != 0);
}

static enum check compare_memory(struct run *run, const struct pair *p, const ZydisDecodedOperand *z)
{
	const struct insn *insn = &p->our;
	unsigned scale = z->mem.scale ? z->mem.scale : 1;

	WRONG(z->type != ZYDIS_OPERAND_TYPE_MEMORY, CHECK_OPERAND_KIND);
	WRONG(!same_base_and_index(insn, z), CHECK_BASE_INDEX);
	WRONG(insn->index != REG_NONE && 1u << insn->scale != scale, CHECK_SCALE);
	WRONG(segment_number(z->mem.segment) != insn->seg, CHECK_SEGMENT);
	WRONG(cut((uint64_t)z->mem.disp.value, insn->asize) != cut((uint64_t)insn->disp, insn->asize),
	      CHECK_DISPLACEMENT);
	return CHECK_NONE;
}

static enum check compare_immediate(struct run *run, const struct pair *p, unsigned i, const ZydisDecodedOperand *z)
{
	const struct operand *op = &p->our.op[i];
	bool second = i > 0 && p->our.op[i - 1].kind == OPD_IMM;
	uint64_t value = second ? p->our.imm2 : p->our.imm;

	if (op->kind == OPD_FAR) {
		WRONG(z->type != ZYDIS_OPERAND_TYPE_POINTER, CHECK_OPERAND_KIND);
		WRONG(z->ptr.offset != p->our.imm || z->ptr.segment != p->our.imm2, CHECK_IMMEDIATE);
		return CHECK_NONE;
	}
	WRONG(z->type != ZYDIS_OPERAND_TYPE_IMMEDIATE, CHECK_OPERAND_KIND);
	WRONG(z->imm.is_relative != (op->kind == OPD_REL), CHECK_OPERAND_KIND);
	unsigned bits = z->imm.is_signed || op->kind == OPD_REL ? 64 : op->width;
	WRONG(cut(z->imm.value.u, bits) != cut(value, bits), CHECK_IMMEDIATE);
	return CHECK_NONE;
}

/* Zydis shows the memory of a string instruction as hidden operands, base SI or DI. */
static enum check compare_string(struct run *run, const struct pair *p, const struct operand *op)
{
	bool source = op->kind == OPD_STR_SRC;

	for (unsigned i = 0; i < p->z.operand_count; i++) {
		const ZydisDecodedOperand *z = &p->zop[i];
		if (z->type != ZYDIS_OPERAND_TYPE_MEMORY || register_number(z->mem.base) != (source ? 6u : 7u))
			continue;
		WRONG(segment_number(z->mem.segment) != (source ? p->our.seg : 0), CHECK_SEGMENT);
		WRONG(z->size != op->width, CHECK_OPERAND_WIDTH);
		return CHECK_NONE;
	}
	return CHECK_OPERAND_COUNT;
}

static bool is_string(const struct operand *op)
{
	return op->kind == OPD_STR_SRC || op->kind == OPD_STR_DST;
}

static enum check compare_operand(struct run *run, const struct pair *p, unsigned i)
{
	const struct operand *op = &p->our.op[i];
	const ZydisDecodedOperand *z = &p->zop[i];
	enum check check;

	if (is_string(op))
		return compare_string(run, p, op);
	if (op->kind == OPD_MEM)
		check = compare_memory(run, p, z);
	else if (op->kind == OPD_IMM || op->kind == OPD_REL || op->kind == OPD_FAR)
		check = compare_immediate(run, p, i, z);
	else
		check = compare_register(run, p, op, z);
	if (check)
		return check;
	/* What counts of a vector register the two say differently; the row's other forms, in memory, have to agree. */
	WRONG(op->width != z->size && op->kind != OPD_VEC && op->kind != OPD_MMX, CHECK_OPERAND_WIDTH);
	return CHECK_NONE;
}

static enum check compare_operands(struct run *run, const struct pair *p)
{
	WRONG(!is_string(&p->our.op[0]) && p->our.operands != p->z.operand_count_visible, CHECK_OPERAND_COUNT);
	for (unsigned i = 0; i < p->our.operands; i++) {
		enum check check = compare_operand(run, p, i);
		if (check)
			return check;
	}
	return CHECK_NONE;
}

/* ---- Instructions ---- */

/* The sets of the processor without features.  All else that Zydis knows is later than the Pentium Pro (or
 * another maker's), and so has to be undefined. */
static const ZydisISASet early_sets[] = {
	ZYDIS_ISA_SET_I86,  ZYDIS_ISA_SET_I186,  ZYDIS_ISA_SET_I286PROTECTED, ZYDIS_ISA_SET_I286REAL,
	ZYDIS_ISA_SET_I386, ZYDIS_ISA_SET_I486,  ZYDIS_ISA_SET_I486REAL,      ZYDIS_ISA_SET_PENTIUMREAL,
	ZYDIS_ISA_SET_PPRO, ZYDIS_ISA_SET_CMOV,  ZYDIS_ISA_SET_FCMOV,         ZYDIS_ISA_SET_X87,
	ZYDIS_ISA_SET_LAHF, ZYDIS_ISA_SET_RDPMC, ZYDIS_ISA_SET_FAT_NOP,       ZYDIS_ISA_SET_SMAP,
};
/* And of the one with all of features.def. */
static const ZydisISASet late_sets[] = {
	ZYDIS_ISA_SET_LONGMODE,   ZYDIS_ISA_SET_CMPXCHG16B,   ZYDIS_ISA_SET_RDTSCP,       ZYDIS_ISA_SET_PENTIUMMMX,
	ZYDIS_ISA_SET_SSE,        ZYDIS_ISA_SET_SSE2,         ZYDIS_ISA_SET_SSE2MMX,      ZYDIS_ISA_SET_SSE3,
	ZYDIS_ISA_SET_SSE3X87,    ZYDIS_ISA_SET_SSSE3,        ZYDIS_ISA_SET_SSSE3MMX,     ZYDIS_ISA_SET_SSE4,
	ZYDIS_ISA_SET_SSE42,      ZYDIS_ISA_SET_SSEMXCSR,     ZYDIS_ISA_SET_SSE_PREFETCH, ZYDIS_ISA_SET_POPCNT,
	ZYDIS_ISA_SET_LZCNT,      ZYDIS_ISA_SET_BMI1,         ZYDIS_ISA_SET_BMI2,         ZYDIS_ISA_SET_AES,
	ZYDIS_ISA_SET_PCLMULQDQ,  ZYDIS_ISA_SET_AVX,          ZYDIS_ISA_SET_AVX2,         ZYDIS_ISA_SET_AVXAES,
	ZYDIS_ISA_SET_AVX2GATHER, ZYDIS_ISA_SET_F16C,         ZYDIS_ISA_SET_FMA,          ZYDIS_ISA_SET_MOVBE,
	ZYDIS_ISA_SET_RDRAND,     ZYDIS_ISA_SET_RDSEED,       ZYDIS_ISA_SET_RDWRFSGS,     ZYDIS_ISA_SET_FXSAVE,
	ZYDIS_ISA_SET_FXSAVE64,   ZYDIS_ISA_SET_XSAVE,        ZYDIS_ISA_SET_XSAVEOPT,     ZYDIS_ISA_SET_CLFSH,
	ZYDIS_ISA_SET_CLFLUSHOPT, ZYDIS_ISA_SET_INVPCID,      ZYDIS_ISA_SET_PKU,          ZYDIS_ISA_SET_ADOX_ADCX,
	ZYDIS_ISA_SET_PAUSE,      ZYDIS_ISA_SET_PREFETCH_NOP, ZYDIS_ISA_SET_PREFETCHWT1,
};

static bool set_is_in(ZydisISASet set, const ZydisISASet *sets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (sets[i] == set)
			return true;
	return false;
}

static bool is_late(const struct mode *mode)
{
	return mode->how & DECODE_ALL_FEATURES;
}

static bool set_is_claimed(const struct mode *mode, ZydisISASet set)
{
	if (set == ZYDIS_ISA_SET_AMD) /* SYSCALL and SYSRET outside 64-bit mode */
		return mode->how & DECODE_AMD;
	return set_is_in(set, early_sets, sizeof(early_sets) / sizeof(early_sets[0])) ||
	       (is_late(mode) && set_is_in(set, late_sets, sizeof(late_sets) / sizeof(late_sets[0])));
}

static bool encoding_is_claimed(const struct mode *mode, ZydisInstructionEncoding encoding)
{
	return encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY ||
	       (is_late(mode) && encoding == ZYDIS_INSTRUCTION_ENCODING_VEX);
}

/* Zydis knows one name where we know another: "jnb" for "jae", and the width in "movsb". */
static bool same_name(const struct pair *p)
{
	const char *name = mnemonic_name(p->our.mnemonic), *zydis = ZydisMnemonicGetString(p->z.mnemonic);

	if (p->our.mnemonic == MN_ret || p->our.mnemonic == MN_retf)
		return strcmp(zydis, "ret") == 0 &&
		       (p->z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) == (p->our.mnemonic == MN_retf);
	if (strcmp(name, zydis) == 0)
		return true;
	for (unsigned i = 0; i < sizeof(other_names) / sizeof(other_names[0]); i++)
		if (strcmp(other_names[i].our, name) == 0 && strcmp(other_names[i].zydis, zydis) == 0 &&
		    (other_names[i].bits == 0 || other_names[i].bits == p->our.width))
			return true;
	return false;
}

static enum check compare(struct run *run, const struct pair *p)
{
	bool valid = p->our.status == DECODE_OK;
	bool zydis_valid = p->zydis_ok && encoding_is_claimed(p->mode, p->z.encoding) &&
			   set_is_claimed(p->mode, p->z.meta.isa_set);

	WRONG(zydis_valid && !valid, CHECK_VALID_FOR_ZYDIS);
	WRONG(valid && !zydis_valid, CHECK_VALID_FOR_US);
	WRONG((p->our.status == DECODE_TOO_LONG) != (p->zydis_status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG),
	      CHECK_TOO_LONG);
	if (!valid || !p->zydis_ok)
		return CHECK_NONE;
	WRONG(p->our.length != p->z.length, CHECK_LENGTH);
	WRONG(p->our.osize != p->z.operand_width, CHECK_OSIZE);
	WRONG(p->our.asize != p->z.address_width, CHECK_ASIZE);
	if (!same_name(p))
		return is_listed(run, p, CHECK_MNEMONIC) ? CHECK_NONE : CHECK_MNEMONIC;
	return compare_operands(run, p);
}

static void show(const struct pair *p, const char *what)
{
	fprintf(stderr, "%s: %s:", p->mode->name, what);
	for (unsigned i = 0; i < 15; i++)
		fprintf(stderr, " %02x", p->bytes[i]);
	fprintf(stderr, "\n    ours:  status %u, %s %s (%s), length %u, sizes %u %u\n", p->our.status,
		mnemonic_name(p->our.mnemonic), opcode_rows[p->our.row].operands, opcode_rows[p->our.row].encoding,
		p->our.length, p->our.osize, p->our.asize);
	for (unsigned i = 0; i < p->our.operands; i++)
		fprintf(stderr, "      kind %u reg %u width %u\n", p->our.op[i].kind, p->our.op[i].reg,
			p->our.op[i].width);
	if (!p->zydis_ok) {
		fprintf(stderr, "    Zydis: status %08x\n", p->zydis_status);
		return;
	}
	fprintf(stderr, "    Zydis: %s, set %s, length %u, sizes %u %u\n", ZydisMnemonicGetString(p->z.mnemonic),
		ZydisISASetGetString(p->z.meta.isa_set), p->z.length, p->z.operand_width, p->z.address_width);
	for (unsigned i = 0; i < p->z.operand_count_visible; i++)
		fprintf(stderr, "      kind %u reg %d width %u\n", p->zop[i].type, (int)p->zop[i].reg.value,
			p->zop[i].size);
}

static bool length_is_exact(const struct pair *p)
{
	struct insn again;

	if (p->our.status != DECODE_OK)
		return true;
	decode(&again, p->bytes, p->our.length, p->mode->mode, p->mode->how);
	if (memcmp(&again, &p->our, sizeof(again)) != 0)
		return false;
	return decode(&again, p->bytes, p->our.length - 1u, p->mode->mode, p->mode->how) == DECODE_SHORT;
}

static void try_one(struct run *run, const struct mode *mode, const uint8_t bytes[16])
{
	ZydisDecoderContext context;
	struct pair p = {.mode = mode, .bytes = bytes};

	decode(&p.our, bytes, 16, mode->mode, mode->how);
	p.zydis_status = ZydisDecoderDecodeInstruction(&mode->decoder, &context, bytes, 16, &p.z);
	p.zydis_ok = ZYAN_SUCCESS(p.zydis_status);
	if (p.zydis_ok)
		ZydisDecoderDecodeOperands(&mode->decoder, &context, &p.z, p.zop, p.z.operand_count);
	run->encodings++;
	run->in_mode[mode - run->modes]++;
	run->valid += p.our.status == DECODE_OK;
	enum check check = compare(run, &p);
	if (!check && !length_is_exact(&p))
		check = CHECK_EXACT;
	if (check && run->bad++ < 20)
		show(&p, check_names[check]);
}

/* Fails the test if anything disagreed since the last call. */
static void expect_agreement(struct run *run)
{
	unsigned long bad = run->bad;

	run->bad = 0;
	if (bad)
		fail_msg("%lu disagreements, the first 20 shown", bad);
}

static void fill_random(struct run *run, uint8_t bytes[16])
{
	for (unsigned i = 0; i < 16; i += 8) {
		uint64_t r = next_random(run);
		memcpy(bytes + i, &r, 8);
	}
}

/* ---- The encodings ---- */

#define EARLY_MODES 3

static const char *const prefix_sets[] = {
	"",
	"\x66",
	"\x67",
	"\x66\x67",
	"\xf0",
	"\xf0\x66",
	"\xf0\x67",
	"\xf2",
	"\xf3",
	"\x66\xf2",
	"\xf3\x66",
	"\xf2\xf3",
	"\xf3\xf2",
	"\xf0\xf2",
	"\xf3\xf0",
	"\x2e",
	"\x36",
	"\x3e",
	"\x26",
	"\x64",
	"\x65",
	"\x64\x2e",
	"\x67\x36",
	"\x66\x67\x65\xf3",
	"\x66\x66\x67\x67",
	/* from here on 64-bit mode alone: REX, in its place and out of it */
	"\x40",
	"\x41",
	"\x42",
	"\x44",
	"\x48",
	"\x49",
	"\x4c",
	"\x4f",
	"\x66\x48",
	"\x66\x41",
	"\x66\x44",
	"\xf2\x48",
	"\xf3\x48",
	"\xf3\x41",
	"\xf2\x45",
	"\xf0\x48",
	"\x66\xf3\x4f",
	"\x67\x48",
	"\x64\x4b",
	"\x48\x66",
	"\x4f\xf3",
	"\x40\x48",
	"\x48\x40",
};
#define PREFIX_SETS (sizeof(prefix_sets) / sizeof(prefix_sets[0]))
#define REX_SETS    25 /* number of the first */

static const struct {
	const char *bytes;
	unsigned size;
} escapes[] = {{"", 0}, {"\x0f", 1}, {"\x0f\x38", 2}, {"\x0f\x3a", 2}};
#define MAPS (sizeof(escapes) / sizeof(escapes[0]))

static void try_opcode(struct run *run, unsigned mode, unsigned set, unsigned opcode, unsigned modrm)
{
	uint8_t bytes[16];
	size_t n = strlen(prefix_sets[set]), escape = escapes[opcode >> 8].size;

	fill_random(run, bytes);
	memcpy(bytes, prefix_sets[set], n);
	memcpy(bytes + n, escapes[opcode >> 8].bytes, escape);
	n += escape;
	bytes[n] = (uint8_t)opcode;
	bytes[n + 1] = (uint8_t)modrm;
	try_one(run, &run->modes[mode], bytes);
}

/* Every opcode of two maps, every ModR/M byte, every prefix set, every mode of the processor without features; what
 * follows is random. */
static void systematic(void **state)
{
	struct run *run = *state;

	for (unsigned set = 0; set < REX_SETS; set++)
		for (unsigned opcode = 0; opcode < 512; opcode++)
			for (unsigned modrm = 0; modrm < 256; modrm++)
				for (unsigned m = 0; m < EARLY_MODES; m++)
					try_opcode(run, m, set, opcode, modrm);
	expect_agreement(run);
}

/* The same with four maps and all features, in 64-bit mode with the REX sets too; in a soak with every ModR/M byte,
 * else with every twelfth. */
static void systematic_with_features(void **state)
{
	struct run *run = *state;
	unsigned step = run->soak ? 1 : 12, turn = 0;

	for (unsigned m = EARLY_MODES; m < MODES; m++)
		for (unsigned set = 0; set < (run->modes[m].mode == MODE_LONG64 ? PREFIX_SETS : REX_SETS); set++)
			for (unsigned opcode = 0; opcode < 256 * MAPS; opcode++)
				for (unsigned modrm = turn++ % step; modrm < 256; modrm += step)
					try_opcode(run, m, set, opcode, modrm);
	expect_agreement(run);
}

/* Every map, opcode, pp, L and W; vvvv is 1111b half of the time, R, X and B are random. */
static void try_vex(struct run *run, unsigned mode, unsigned map, unsigned opcode, unsigned last)
{
	uint8_t bytes[16], *p = bytes;
	uint64_t r = next_random(run);
	uint8_t vvvv = r & 1 ? 0x78 : (uint8_t)(r >> 1) & 0x78;

	fill_random(run, bytes);
	if (r & 0x400)
		*p++ = r & 0x800 ? 0x67 : 0x64;
	last = (last & 0x80) | vvvv | (last & 7);
	if (map == 1 && !(last & 0x80) && (r & 0x100)) {
		*p++ = 0xc5;
		*p++ = (uint8_t)(r >> 16 & 0x80) | (last & 0x7f);
	} else {
		*p++ = 0xc4;
		*p++ = (uint8_t)((r >> 16 & 0xe0) | map);
		*p++ = (uint8_t)last;
	}
	*p++ = (uint8_t)opcode;
	if (r & 0x200) /* registers, more often than by chance */
		*p |= 0xc0;
	try_one(run, &run->modes[mode], bytes);
}

static void vex(void **state)
{
	struct run *run = *state;
	unsigned turns = run->soak ? 64 : 6;

	for (unsigned m = 0; m < MODES; m++)
		for (unsigned map = 0; map < 5; map++)
			for (unsigned opcode = 0; opcode < 256; opcode++)
				for (unsigned last = 0; last < 16; last++)
					for (unsigned turn = 0; turn < turns; turn++)
						try_vex(run, m, map, opcode, (last & 8) << 4 | (last & 7));
	expect_agreement(run);
}

/* What may not stand before a VEX prefix, and what may. */
static void vex_after_prefixes(void **state)
{
	static const uint8_t before[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x64, 0x40, 0x48, 0x41};
	struct run *run = *state;
	uint8_t bytes[16];

	for (unsigned i = 0; i < 400000; i++) {
		uint64_t r = next_random(run);
		unsigned n = 1 + (r & 1);
		fill_random(run, bytes);
		bytes[0] = before[(r >> 8) % sizeof(before)];
		bytes[1] = before[(r >> 16) % sizeof(before)];
		bytes[n] = 0xc4 | (r >> 4 & 1);
		if (r & 2)
			bytes[n + 1] = bytes[n] == 0xc4 ? 0xe0 | (bytes[n + 1] & 3) : bytes[n + 1] | 0xf8;
		if (r & 4)
			bytes[n + 2] |= 0x78;
		try_one(run, &run->modes[(r >> 24) % MODES], bytes);
	}
	expect_agreement(run);
}

/* Every SIB byte with every ModR/M byte that has one; in 64-bit mode with REX, and with VEX where the index is a
 * vector register. */
static void sib(void **state)
{
	static const char *const starts[] = {"\x8b", "\x8d",     "\x64\x00", "\xd9",
					     "\xc7", "\x0f\xb6", "\x3e\xff", "\xf0\x0f\xb1"};
	struct run *run = *state;
	uint8_t bytes[16];

	for (unsigned s = 0; s < sizeof(starts) / sizeof(starts[0]); s++)
		for (unsigned modrm = 0; modrm < 256; modrm++)
			for (unsigned byte = 0; byte < 256; byte++)
				for (unsigned m = 0; m < EARLY_MODES; m++) {
					size_t n = !(run->modes[m].how & DECODE_D32);
					size_t length = s == 2 ? 2 : strlen(starts[s]);
					fill_random(run, bytes);
					bytes[0] = 0x67;
					memcpy(bytes + n, starts[s], length);
					bytes[n + length] = (uint8_t)modrm;
					bytes[n + length + 1] = (uint8_t)byte;
					try_one(run, &run->modes[m], bytes);
				}
	expect_agreement(run);
}

static void sib_64(void **state)
{
	struct run *run = *state;
	uint8_t bytes[16];

	for (unsigned modrm = 0; modrm < 256; modrm++)
		for (unsigned byte = 0; byte < 256; byte++)
			for (unsigned turn = 0; turn < 32; turn++) {
				unsigned n = turn & 1;
				uint64_t r = next_random(run);
				fill_random(run, bytes);
				bytes[0] = 0x67;
				bytes[n] = 0x40 | (turn >> 1);
				bytes[n + 1] = r & 1 ? 0x8b : 0x01;
				bytes[n + 2] = (uint8_t)modrm;
				bytes[n + 3] = (uint8_t)byte;
				try_one(run, &run->modes[EARLY_MODES], bytes);
				bytes[n] = 0xc4;
				bytes[n + 1] = (uint8_t)(r >> 8 & 0xe0) | 2;
				bytes[n + 2] = (uint8_t)(r >> 16 & 0xfc) | 1;
				bytes[n + 3] = 0x90 + (r >> 2 & 3);
				bytes[n + 4] = (uint8_t)modrm;
				bytes[n + 5] = (uint8_t)byte;
				try_one(run, &run->modes[EARLY_MODES + turn % (MODES - EARLY_MODES)], bytes);
			}
	expect_agreement(run);
}

/* Any number of prefixes in any order, then anything. */
static void random_bytes(void **state)
{
	static const uint8_t prefixes[32] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65,
					     0x66, 0x67, 0x66, 0x67, 0x2e, 0x40, 0x41, 0x42, 0x44, 0x48, 0x4f,
					     0x48, 0x66, 0xf2, 0xf3, 0x65, 0x49, 0x4c, 0x45, 0x66, 0xf3};
	struct run *run = *state;
	uint8_t bytes[16];

	for (unsigned i = 0; i < (run->soak ? 80000000u : 3000000u); i++) {
		uint64_t r = next_random(run);
		unsigned n = (r & 3) == 0 ? (unsigned)(r >> 2 & 15) : (unsigned)(r >> 2 & 3);
		unsigned mode = (unsigned)((r >> 16) % MODES);
		fill_random(run, bytes);
		for (unsigned k = 0; k < n; k++)
			bytes[k] = prefixes[bytes[k] & (run->modes[mode].mode == MODE_LONG64 ? 31 : 15)];
		if (r & 0x100) {
			bytes[n] = 0x0f;
			if (n < 15 && (r & 0x600) == 0)
				bytes[n + 1] = r & 0x800 ? 0x38 : 0x3a;
		}
		try_one(run, &run->modes[mode], bytes);
	}
	expect_agreement(run);
}

/* Ten million at least, in a soak so many in 64-bit mode alone; and a row of the list that never applies has to go. */
static void enough(void **state)
{
	struct run *run = *state;

	print_message("%lu encodings, %lu of them valid\n", run->encodings, run->valid);
	for (unsigned m = 0; m < MODES; m++)
		print_message("%9lu  %s\n", run->in_mode[m], run->modes[m].name);
	for (unsigned i = 0; i < DIFFERENCES; i++) {
		print_message("%9lu  %s %s: %s\n", run->difference[i],
			      differences[i].mnemonic ? mnemonic_name(differences[i].mnemonic) : "",
			      check_names[differences[i].check], differences[i].reason);
		assert_true(run->difference[i] > 0);
	}
	assert_true(run->encodings >= 10000000);
	assert_true(run->in_mode[EARLY_MODES] >= (run->soak ? 10000000 : 2000000));
}

static bool set_modes(struct mode *mode)
{
	static const ZydisDecoderMode off[] = {
		/* prefixes and NOPs that later processors give a meaning */
		ZYDIS_DECODER_MODE_MPX,      ZYDIS_DECODER_MODE_CET,          ZYDIS_DECODER_MODE_WBNOINVD,
		ZYDIS_DECODER_MODE_CLDEMOTE, ZYDIS_DECODER_MODE_KNC,          ZYDIS_DECODER_MODE_LZCNT,
		ZYDIS_DECODER_MODE_TZCNT,    ZYDIS_DECODER_MODE_AMD_BRANCHES,
	};

	if (ZYAN_FAILED(ZydisDecoderInit(&mode->decoder, mode->machine, mode->stack)))
		return false;
	for (unsigned i = 0; i < sizeof(off) / sizeof(off[0]); i++)
		ZydisDecoderEnableMode(&mode->decoder, off[i], ZYAN_FALSE);
	if (is_late(mode)) {
		ZydisDecoderEnableMode(&mode->decoder, ZYDIS_DECODER_MODE_LZCNT, ZYAN_TRUE);
		ZydisDecoderEnableMode(&mode->decoder, ZYDIS_DECODER_MODE_TZCNT, ZYAN_TRUE);
	}
	if (mode->how & DECODE_AMD)
		ZydisDecoderEnableMode(&mode->decoder, ZYDIS_DECODER_MODE_AMD_BRANCHES, ZYAN_TRUE);
	return true;
}

static int setup(void **state)
{
	struct run *run = calloc(1, sizeof(*run));
	const char *soak = getenv("TRAPGATE_DECODE_SOAK");

	run->random = UINT64_C(0x9e3779b97f4a7c15);
	run->soak = soak && strcmp(soak, "0") != 0;
	memcpy(run->modes, mode_list, sizeof(mode_list));
	for (unsigned m = 0; m < MODES; m++)
		if (!set_modes(&run->modes[m]))
			return 1;
	*state = run;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(systematic),   cmocka_unit_test(systematic_with_features),
		cmocka_unit_test(vex),          cmocka_unit_test(vex_after_prefixes),
		cmocka_unit_test(sib),          cmocka_unit_test(sib_64),
		cmocka_unit_test(random_bytes), cmocka_unit_test(enough),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
