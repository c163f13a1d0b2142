/* Integer instructions on random operands against the host processor: results
 * and every flag the SDM defines.  What can take its operand from memory does
 * so as well, from anywhere in two pages, and must give the same. */
#include "integer/harness.h"

#include <stdio.h>
#include <string.h>

#include "integer/native.h"

/* Which flags are undefined (SDM 1, "EFLAGS Cross-Reference" and the pages of the
 * instructions). */
enum rule { EXACT, LOGIC, SHIFT, SHIFT_RIGHT_SIGNED, ROTATE, DOUBLE_SHIFT, PRODUCT, QUOTIENT, BIT, SCAN, ASCII, DECIMAL,
	    AAM_AAD };

struct row {
	const char *name;
	const struct exec *set;
	enum form form;
	uint8_t width;
	uint8_t dst, src;  /* as in a uop */
	uint8_t code[4], length;
	uint8_t imm_bytes; /* of the immediate behind code */
	enum rule rule;
	bool memory;       /* the operand in rm may lie in memory */
	bool compat;       /* not in 64-bit mode */
};

#define DST(w)  ((w) == 8 ? 8 * RDX : (w) == 16 ? 4 * RDX : RDX)
#define SRC(w)  ((w) == 8 ? 8 * RBX : (w) == 16 ? 4 * RBX : RBX)
#define HIGH(n) (8 * (n) + 1)
#define RM_DX_BX 0xda /* mod 11, reg BX, rm DX */
#define RM_BX_DX 0xd3 /* mod 11, reg DX, rm BX */
#define DIGIT(n) (0xc0 | (n) << 3 | RDX)
#define DIGIT_BX(n) (0xc0 | (n) << 3 | RBX)

#define EXECS(X) X(add) X(or) X(adc) X(sbb) X(and) X(sub) X(xor) X(cmp) X(test) X(inc) X(dec) X(neg) X(not) X(mul) \
	X(imul1) X(imul) X(div) X(idiv) X(rol) X(ror) X(rcl) X(rcr) X(shl) X(shr) X(sar) X(shld) X(shrd) X(bt) X(bts) \
	X(btr) X(btc) X(bsf) X(bsr) X(mov) X(movzx8) X(movzx16) X(movsx8) X(movsx16) X(movsxd) X(xchg) X(xadd) X(cmpxchg) \
	X(bswap) X(cbw) X(cwd) X(lahf) X(sahf) X(cmc) X(clc) X(stc) X(salc) X(aaa) X(aas) X(daa) X(das) X(aam) X(aad)
#define CONDITIONS(X) X(o, 0) X(no, 1) X(b, 2) X(ae, 3) X(e, 4) X(ne, 5) X(be, 6) X(a, 7) X(s, 8) X(ns, 9) X(p, 10) \
	X(np, 11) X(l, 12) X(ge, 13) X(le, 14) X(g, 15)
#define X(name) extern const struct exec exec_##name;
EXECS(X)
#undef X
#define X(cc, n) extern const struct exec exec_set##cc, exec_cmov##cc;
CONDITIONS(X)
#undef X

/* op r8; 16; 32 with the opcode pair (base: 8 bits, base + 1: wider). */
#define RR(op, base, rule) \
	{#op " dl, bl", &exec_##op, FORM_RR, 8, DST(8), SRC(8), {(base), RM_DX_BX}, 2, 0, rule, true, false}, \
	{#op " dh, bh", &exec_##op, FORM_RR, 8, HIGH(RDX), HIGH(RBX), {(base), 0xfe}, 2, 0, rule, false, false}, \
	{#op " rdx, rbx", &exec_##op, FORM_RR, 64, DST(64), SRC(64), \
		{0x48, (base) + 1, RM_DX_BX}, 3, 0, rule, true, false}, \
	{#op " dx, bx", &exec_##op, FORM_RR, 16, DST(16), SRC(16), \
		{0x66, (base) + 1, RM_DX_BX}, 3, 0, rule, true, false}, \
	{#op " edx, ebx", &exec_##op, FORM_RR, 32, DST(32), SRC(32), {(base) + 1, RM_DX_BX}, 2, 0, rule, true, false},
#define RI(op, digit, base, rule) \
	{#op " dl, imm", &exec_##op, FORM_RI, 8, DST(8), 0, {(base), DIGIT(digit)}, 2, 1, rule, true, false}, \
	{#op " rdx, imm", &exec_##op, FORM_RI, 64, DST(64), 0, \
		{0x48, (base) + 1, DIGIT(digit)}, 3, 4, rule, true, false}, \
	{#op " dx, imm", &exec_##op, FORM_RI, 16, DST(16), 0, \
		{0x66, (base) + 1, DIGIT(digit)}, 3, 2, rule, true, false}, \
	{#op " edx, imm", &exec_##op, FORM_RI, 32, DST(32), 0, {(base) + 1, DIGIT(digit)}, 2, 4, rule, true, false},
#define GROUP1(op, n, rule) RR(op, (n) * 8, rule) RI(op, n, 0x80, rule) \
	{#op " edx, imm8", &exec_##op, FORM_RI, 32, DST(32), 0, {0x83, DIGIT(n)}, 2, 1, rule, true, false},
#define UNARY(op, digit, base, rule) \
	{#op " dl", &exec_##op, FORM_R, 8, DST(8), 0, {(base), DIGIT(digit)}, 2, 0, rule, true, false}, \
	{#op " rdx", &exec_##op, FORM_R, 64, DST(64), 0, {0x48, (base) + 1, DIGIT(digit)}, 3, 0, rule, true, false}, \
	{#op " dx", &exec_##op, FORM_R, 16, DST(16), 0, {0x66, (base) + 1, DIGIT(digit)}, 3, 0, rule, true, false}, \
	{#op " edx", &exec_##op, FORM_R, 32, DST(32), 0, {(base) + 1, DIGIT(digit)}, 2, 0, rule, true, false},
#define BY_BX(op, digit, rule) \
	{#op " bl", &exec_##op, FORM_R, 8, SRC(8), 0, {0xf6, DIGIT_BX(digit)}, 2, 0, rule, true, false}, \
	{#op " rbx", &exec_##op, FORM_R, 64, SRC(64), 0, {0x48, 0xf7, DIGIT_BX(digit)}, 3, 0, rule, true, false}, \
	{#op " bx", &exec_##op, FORM_R, 16, SRC(16), 0, {0x66, 0xf7, DIGIT_BX(digit)}, 3, 0, rule, true, false}, \
	{#op " ebx", &exec_##op, FORM_R, 32, SRC(32), 0, {0xf7, DIGIT_BX(digit)}, 2, 0, rule, true, false},
#define BY_CL(op, digit, rule) \
	{#op " dl, cl", &exec_##op, FORM_RR, 8, DST(8), 8, {0xd2, DIGIT(digit)}, 2, 0, rule, true, false}, \
	{#op " rdx, cl", &exec_##op, FORM_RR, 64, DST(64), 8, {0x48, 0xd3, DIGIT(digit)}, 3, 0, rule, true, false}, \
	{#op " dx, cl", &exec_##op, FORM_RR, 16, DST(16), 8, {0x66, 0xd3, DIGIT(digit)}, 3, 0, rule, true, false}, \
	{#op " edx, cl", &exec_##op, FORM_RR, 32, DST(32), 8, {0xd3, DIGIT(digit)}, 2, 0, rule, true, false},
#define BY_IMM(op, digit, rule) \
	{#op " dl, imm", &exec_##op, FORM_RI, 8, DST(8), 0, {0xc0, DIGIT(digit)}, 2, 1, rule, true, false}, \
	{#op " rdx, imm", &exec_##op, FORM_RI, 64, DST(64), 0, {0x48, 0xc1, DIGIT(digit)}, 3, 1, rule, true, false}, \
	{#op " dx, imm", &exec_##op, FORM_RI, 16, DST(16), 0, {0x66, 0xc1, DIGIT(digit)}, 3, 1, rule, true, false}, \
	{#op " edx, imm", &exec_##op, FORM_RI, 32, DST(32), 0, {0xc1, DIGIT(digit)}, 2, 1, rule, true, false},
#define GROUP2(op, digit, rule) BY_CL(op, digit, rule) BY_IMM(op, digit, rule)
#define SHIFTD(op, imm) \
	{#op " rdx, rbx, imm", &exec_##op, FORM_RRI, 64, DST(64), SRC(64), \
		{0x48, 0x0f, (imm), RM_DX_BX}, 4, 1, DOUBLE_SHIFT, true, false}, \
	{#op " dx, bx, imm", &exec_##op, FORM_RRI, 16, DST(16), SRC(16), \
		{0x66, 0x0f, (imm), RM_DX_BX}, 4, 1, DOUBLE_SHIFT, true, false}, \
	{#op " edx, ebx, imm", &exec_##op, FORM_RRI, 32, DST(32), SRC(32), \
		{0x0f, (imm), RM_DX_BX}, 3, 1, DOUBLE_SHIFT, true, false}, \
	{#op " rdx, rbx, cl", &exec_##op, FORM_RRR, 64, DST(64), SRC(64), \
		{0x48, 0x0f, (imm) + 1, RM_DX_BX}, 4, 0, DOUBLE_SHIFT, true, false}, \
	{#op " dx, bx, cl", &exec_##op, FORM_RRR, 16, DST(16), SRC(16), \
		{0x66, 0x0f, (imm) + 1, RM_DX_BX}, 4, 0, DOUBLE_SHIFT, true, false}, \
	{#op " edx, ebx, cl", &exec_##op, FORM_RRR, 32, DST(32), SRC(32), \
		{0x0f, (imm) + 1, RM_DX_BX}, 3, 0, DOUBLE_SHIFT, true, false},
#define BITS_RR(op, opcode, digit) \
	{#op " rdx, rbx", &exec_##op, FORM_RR, 64, DST(64), SRC(64), \
		{0x48, 0x0f, (opcode), RM_DX_BX}, 4, 0, BIT, false, false}, \
	{#op " dx, bx", &exec_##op, FORM_RR, 16, DST(16), SRC(16), \
		{0x66, 0x0f, (opcode), RM_DX_BX}, 4, 0, BIT, false, false}, \
	{#op " edx, ebx", &exec_##op, FORM_RR, 32, DST(32), SRC(32), \
		{0x0f, (opcode), RM_DX_BX}, 3, 0, BIT, false, false}, \
	{#op " rdx, imm", &exec_##op, FORM_RI, 64, DST(64), 0, \
		{0x48, 0x0f, 0xba, DIGIT(digit)}, 4, 1, BIT, true, false}, \
	{#op " dx, imm", &exec_##op, FORM_RI, 16, DST(16), 0, \
		{0x66, 0x0f, 0xba, DIGIT(digit)}, 4, 1, BIT, true, false}, \
	{#op " edx, imm", &exec_##op, FORM_RI, 32, DST(32), 0, {0x0f, 0xba, DIGIT(digit)}, 3, 1, BIT, true, false},
/* 0F opcodes whose first operand is reg, the second rm (of the width from; 0: the same). */
#define FROM_RM(op, opcode, from, rule) \
	{#op " rdx", &exec_##op, FORM_RM, 64, DST(64), SRC((from) ? (from) : 64), \
		{0x48, 0x0f, (opcode), RM_BX_DX}, 4, 0, rule, true, false}, \
	{#op " dx", &exec_##op, FORM_RM, 16, DST(16), SRC((from) ? (from) : 16), \
		{0x66, 0x0f, (opcode), RM_BX_DX}, 4, 0, rule, true, false}, \
	{#op " edx", &exec_##op, FORM_RM, 32, DST(32), SRC((from) ? (from) : 32), \
		{0x0f, (opcode), RM_BX_DX}, 3, 0, rule, true, false},
#define PLAIN(op, w, rule, compat, ...) \
	{#op, &exec_##op, FORM_NONE, w, 0, 0, \
		{__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}), 0, rule, false, compat},
#define X_COND(cc, n) \
	{"set" #cc, &exec_set##cc, FORM_R, 8, DST(8), 0, {0x0f, 0x90 + (n), DIGIT(0)}, 3, 0, EXACT, true, false}, \
	{"cmov" #cc " rdx", &exec_cmov##cc, FORM_RM, 64, DST(64), SRC(64), \
		{0x48, 0x0f, 0x40 + (n), RM_BX_DX}, 4, 0, EXACT, true, false}, \
	{"cmov" #cc " dx", &exec_cmov##cc, FORM_RM, 16, DST(16), SRC(16), \
		{0x66, 0x0f, 0x40 + (n), RM_BX_DX}, 4, 0, EXACT, true, false}, \
	{"cmov" #cc " edx", &exec_cmov##cc, FORM_RM, 32, DST(32), SRC(32), \
		{0x0f, 0x40 + (n), RM_BX_DX}, 3, 0, EXACT, true, false},

static const struct row rows[] = {
	GROUP1(add, 0, EXACT) GROUP1(or, 1, LOGIC) GROUP1(adc, 2, EXACT) GROUP1(sbb, 3, EXACT)
	GROUP1(and, 4, LOGIC) GROUP1(sub, 5, EXACT) GROUP1(xor, 6, LOGIC) GROUP1(cmp, 7, EXACT)
	RR(test, 0x84, LOGIC) RI(test, 0, 0xf6, LOGIC)
	RR(mov, 0x88, EXACT) RI(mov, 0, 0xc6, EXACT) RR(xchg, 0x86, EXACT)
	UNARY(inc, 0, 0xfe, EXACT) UNARY(dec, 1, 0xfe, EXACT) UNARY(not, 2, 0xf6, EXACT) UNARY(neg, 3, 0xf6, EXACT)
	BY_BX(mul, 4, PRODUCT) BY_BX(imul1, 5, PRODUCT) BY_BX(div, 6, QUOTIENT) BY_BX(idiv, 7, QUOTIENT)
	FROM_RM(imul, 0xaf, 0, PRODUCT)
	{"imul rdx, rbx, imm", &exec_imul, FORM_RMI, 64, DST(64), SRC(64),
		{0x48, 0x69, RM_BX_DX}, 3, 4, PRODUCT, true, false},
	{"imul dx, bx, imm", &exec_imul, FORM_RMI, 16, DST(16), SRC(16),
		{0x66, 0x69, RM_BX_DX}, 3, 2, PRODUCT, true, false},
	{"imul edx, ebx, imm", &exec_imul, FORM_RMI, 32, DST(32), SRC(32),
		{0x69, RM_BX_DX}, 2, 4, PRODUCT, true, false},
	{"imul edx, ebx, imm8", &exec_imul, FORM_RMI, 32, DST(32), SRC(32),
		{0x6b, RM_BX_DX}, 2, 1, PRODUCT, true, false},
	GROUP2(rol, 0, ROTATE) GROUP2(ror, 1, ROTATE) GROUP2(rcl, 2, ROTATE) GROUP2(rcr, 3, ROTATE)
	GROUP2(shl, 4, SHIFT) GROUP2(shr, 5, SHIFT) GROUP2(sar, 7, SHIFT_RIGHT_SIGNED)
	SHIFTD(shld, 0xa4) SHIFTD(shrd, 0xac)
	BITS_RR(bt, 0xa3, 4) BITS_RR(bts, 0xab, 5) BITS_RR(btr, 0xb3, 6) BITS_RR(btc, 0xbb, 7)
	FROM_RM(bsf, 0xbc, 0, SCAN) FROM_RM(bsr, 0xbd, 0, SCAN)
	FROM_RM(movzx8, 0xb6, 8, EXACT) FROM_RM(movzx16, 0xb7, 16, EXACT)
	FROM_RM(movsx8, 0xbe, 8, EXACT) FROM_RM(movsx16, 0xbf, 16, EXACT)
	{"xadd dl, bl", &exec_xadd, FORM_RR, 8, DST(8), SRC(8), {0x0f, 0xc0, RM_DX_BX}, 3, 0, EXACT, true, false},
	{"xadd rdx, rbx", &exec_xadd, FORM_RR, 64, DST(64), SRC(64),
		{0x48, 0x0f, 0xc1, RM_DX_BX}, 4, 0, EXACT, true, false},
	{"xadd dx, bx", &exec_xadd, FORM_RR, 16, DST(16), SRC(16),
		{0x66, 0x0f, 0xc1, RM_DX_BX}, 4, 0, EXACT, true, false},
	{"xadd edx, ebx", &exec_xadd, FORM_RR, 32, DST(32), SRC(32),
		{0x0f, 0xc1, RM_DX_BX}, 3, 0, EXACT, true, false},
	{"xadd edx, edx", &exec_xadd, FORM_RR, 32, DST(32), DST(32), {0x0f, 0xc1, 0xd2}, 3, 0, EXACT, false, false},
	{"cmpxchg dl, bl", &exec_cmpxchg, FORM_RR, 8, DST(8), SRC(8),
		{0x0f, 0xb0, RM_DX_BX}, 3, 0, EXACT, true, false},
	{"cmpxchg rdx, rbx", &exec_cmpxchg, FORM_RR, 64, DST(64), SRC(64),
		{0x48, 0x0f, 0xb1, RM_DX_BX}, 4, 0, EXACT, true, false},
	{"cmpxchg dx, bx", &exec_cmpxchg, FORM_RR, 16, DST(16), SRC(16),
		{0x66, 0x0f, 0xb1, RM_DX_BX}, 4, 0, EXACT, true, false},
	{"cmpxchg edx, ebx", &exec_cmpxchg, FORM_RR, 32, DST(32), SRC(32),
		{0x0f, 0xb1, RM_DX_BX}, 3, 0, EXACT, true, false},
	{"bswap edx", &exec_bswap, FORM_R, 32, DST(32), 0, {0x0f, 0xca}, 2, 0, EXACT, false, false},
	{"bswap rdx", &exec_bswap, FORM_R, 64, DST(64), 0, {0x48, 0x0f, 0xca}, 3, 0, EXACT, false, false},
	{"xadd rdx, rdx", &exec_xadd, FORM_RR, 64, DST(64), DST(64), {0x48, 0x0f, 0xc1, 0xd2}, 4, 0, EXACT, false, false},
	{"movsxd dx", &exec_movsxd, FORM_RM, 16, DST(16), SRC(16), {0x66, 0x63, RM_BX_DX}, 3, 0, EXACT, true, false},
	{"movsxd edx", &exec_movsxd, FORM_RM, 32, DST(32), SRC(32), {0x63, RM_BX_DX}, 2, 0, EXACT, true, false},
	{"movsxd rdx", &exec_movsxd, FORM_RM, 64, DST(64), SRC(32), {0x48, 0x63, RM_BX_DX}, 3, 0, EXACT, true, false},
	PLAIN(cbw, 16, EXACT, false, 0x66, 0x98) PLAIN(cbw, 32, EXACT, false, 0x98) PLAIN(cbw, 64, EXACT, false, 0x48, 0x98)
	PLAIN(cwd, 16, EXACT, false, 0x66, 0x99) PLAIN(cwd, 32, EXACT, false, 0x99) PLAIN(cwd, 64, EXACT, false, 0x48, 0x99)
	PLAIN(lahf, 8, EXACT, true, 0x9f) PLAIN(sahf, 8, EXACT, true, 0x9e)
	PLAIN(cmc, 8, EXACT, false, 0xf5) PLAIN(clc, 8, EXACT, false, 0xf8) PLAIN(stc, 8, EXACT, false, 0xf9)
	PLAIN(salc, 8, EXACT, true, 0xd6)
	PLAIN(aaa, 8, ASCII, true, 0x37) PLAIN(aas, 8, ASCII, true, 0x3f)
	PLAIN(daa, 8, DECIMAL, true, 0x27) PLAIN(das, 8, DECIMAL, true, 0x2f)
	{"aam", &exec_aam, FORM_I, 8, 0, 0, {0xd4}, 1, 1, AAM_AAD, false, true},
	{"aad", &exec_aad, FORM_I, 8, 0, 0, {0xd5}, 1, 1, AAM_AAD, false, true},
	CONDITIONS(X_COND)
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* The masked count of a shift. */
static unsigned count_of(const struct row *r, const struct native_state *s, uint64_t imm)
{
	return (unsigned)(r->imm_bytes ? imm : s->rcx) & (r->width == 64 ? 63 : 31);
}

static uint32_t defined_flags(const struct row *r, const struct native_state *s, uint64_t imm)
{
	unsigned count = count_of(r, s, imm);
	bool counted = r->rule >= SHIFT && r->rule <= DOUBLE_SHIFT;

	if (counted && count == 0)
		return FLAGS_STATUS;
	switch (r->rule) {
	case LOGIC: return FLAGS_STATUS & ~FLAG_AF;
	case SHIFT:
		return FLAGS_STATUS & ~FLAG_AF & ~(count > 1 ? FLAG_OF : 0) & ~(count >= r->width ? FLAG_CF : 0);
	case SHIFT_RIGHT_SIGNED: return FLAGS_STATUS & ~FLAG_AF & ~(count > 1 ? FLAG_OF : 0);
	case ROTATE: return FLAGS_STATUS & ~(count > 1 ? FLAG_OF : 0);
	case DOUBLE_SHIFT:
		return count > r->width ? 0 : FLAGS_STATUS & ~FLAG_AF & ~(count > 1 ? FLAG_OF : 0);
	case PRODUCT: return FLAG_CF | FLAG_OF;
	case QUOTIENT: return 0;
	case BIT: return FLAG_CF | FLAG_ZF;
	case SCAN: return FLAG_ZF;
	case ASCII: return FLAG_CF | FLAG_AF;
	case DECIMAL: return FLAGS_STATUS & ~FLAG_OF;
	case AAM_AAD: return FLAG_SF | FLAG_ZF | FLAG_PF;
	default: return FLAGS_STATUS;
	}
}

/* Values that sit on edges as often as not. */
static uint64_t operand(uint64_t *random)
{
	static const uint32_t edges[] = {0, 1, 2, 9, 0xa, 0xf, 0x10, 0x7f, 0x80, 0x81, 0x99, 0x9a, 0xff, 0x100,
					 0x7fff, 0x8000, 0x8001, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0x80000001,
					 0xffffffff};
	uint64_t r = harness_random(random);

	switch (r & 3) {
	case 0: return edges[(r >> 8) % (sizeof(edges) / sizeof(edges[0]))];
	case 1: return (uint32_t)(r >> 20) >> ((r >> 8) & 31);
	default: return (uint32_t)(r >> 20);
	}
}

/* The same edges in the upper half, or carried up there by the sign. */
static uint64_t operand64(uint64_t *random)
{
	uint64_t low = operand(random), r = harness_random(random);

	switch (r & 3) {
	case 0: return (uint64_t)(int32_t)low;
	case 1: return operand(random) << 32 | low;
	case 2: return operand(random) << 32;
	default: return harness_random(random) >> (r >> 8 & 63);
	}
}

/* Would DIV or IDIV (of width bits) refuse?  In 128 bits, apart from the code under test. */
static bool quotient_fails(const struct row *r, const struct native_state *s)
{
	unsigned bits = r->width;
	uint64_t mask = ~UINT64_C(0) >> (64 - bits), v = s->rbx & mask, low = s->rax & mask, high = s->rdx & mask;

	if (bits == 8)
		high = (s->rax >> 8) & 0xff;
	if (v == 0)
		return true;
	if (r->set == &exec_div)
		return high >= v;
	__extension__ typedef __int128 wide;
	wide divisor = v & (mask / 2 + 1) ? (wide)v - mask - 1 : (wide)v;
	wide dividend = high & (mask / 2 + 1) ? ((wide)high - mask - 1) * ((wide)mask + 1) + low
					      : (wide)high * ((wide)mask + 1) + low;
	wide quotient = dividend / divisor;
	return quotient > (wide)(mask / 2) || quotient < -(wide)(mask / 2) - 1;
}

static void to_cpu(struct harness *h, const struct native_state *s)
{
	h->cpu.s.gpr.r64[RAX] = s->rax;
	h->cpu.s.gpr.r64[RCX] = s->rcx;
	h->cpu.s.gpr.r64[RDX] = s->rdx;
	h->cpu.s.gpr.r64[RBX] = s->rbx;
	harness_set_flags(h, (uint32_t)s->flags);
}

static void from_cpu(const struct harness *h, struct native_state *s)
{
	s->rax = h->cpu.s.gpr.r64[RAX];
	s->rcx = h->cpu.s.gpr.r64[RCX];
	s->rdx = h->cpu.s.gpr.r64[RDX];
	s->rbx = h->cpu.s.gpr.r64[RBX];
	s->flags = harness_flags(h);
}

static enum form memory_form(const struct row *r)
{
	static const enum form forms[FORM_COUNT] = {
		[FORM_R] = FORM_M, [FORM_RR] = FORM_MR, [FORM_RI] = FORM_MI, [FORM_RRI] = FORM_MRI,
		[FORM_RRR] = FORM_MRR, [FORM_RM] = FORM_RM, [FORM_RMI] = FORM_RMI,
	};

	return forms[r->form];
}

/* The form with registers only. */
static enum form register_form(const struct row *r)
{
	return r->form == FORM_RM ? FORM_RR : r->form == FORM_RMI ? FORM_RRI : r->form;
}

static unsigned source_width(const struct row *r)
{
	return r->set == &exec_movzx8 || r->set == &exec_movsx8 ? 8
	       : r->set == &exec_movzx16 || r->set == &exec_movsx16 ? 16
	       : r->set == &exec_movsxd && r->width == 64 ? 32 : r->width;
}

/* In the register form the operand of rm, in the memory form where it is taken from. */
static uint8_t *rm_register(struct harness *h, const struct row *r)
{
	bool second = r->form == FORM_RM || r->form == FORM_RMI;
	unsigned i = second ? r->src : r->dst, width = second ? source_width(r) : r->width;

	return &h->cpu.s.gpr.r8[width == 8 ? i : width == 16 ? 2 * i : 8 * i];
}

/* Does the instruction write the operand that is in rm?  A register of 32 bits then loses its upper half. */
static bool writes_rm(const struct row *r, const struct harness *h)
{
	static const struct exec *const readers[] = {&exec_cmp, &exec_test, &exec_bt, &exec_mul, &exec_imul1, &exec_div,
						     &exec_idiv};

	for (unsigned i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (r->set == readers[i])
			return false;
	return r->set != &exec_cmpxchg || flag_zf(&h->cpu.f);
}

/* place: where the operand of rm lies, 0: in its register. */
static enum outcome emulate(struct harness *h, const struct row *r, uint64_t imm, struct native_state *s,
			    uint32_t place)
{
	struct uop *u = harness_uop(h, r->width);
	unsigned bytes = (r->form == FORM_RM || r->form == FORM_RMI ? source_width(r) : r->width) / 8;
	enum outcome outcome;

	u->dst = r->dst;
	u->src = r->src;
	u->imm = imm;
	to_cpu(h, s);
	if (!place) {
		outcome = harness_run(h, r->set, register_form(r));
	} else {
		uint8_t *rm = rm_register(h, r);
		u->disp = (int32_t)place;
		harness_store(h, place, bytes, host_load(rm, bytes));
		outcome = harness_run(h, r->set, memory_form(r));
		bool written = r->form != FORM_RM && r->form != FORM_RMI;
		if (written && outcome == NEXT) { /* as if it had been the register */
			uint64_t v = harness_load(h, place, bytes);
			if (bytes == 4 && writes_rm(r, h))
				host_store(rm, 8, v);
			else
				host_store(rm, bytes, v);
		}
	}
	from_cpu(h, s);
	return outcome;
}

static void report(const struct row *r, const struct native_state *before, const struct native_state *want,
		   const struct native_state *got, uint64_t imm, uint32_t place)
{
	print_message("%s%s imm %llx\n", r->name, place ? " (memory)" : "", (unsigned long long)imm);
	const struct native_state *all[] = {before, want, got};
	static const char *const names[] = {"before", "host", "emulated"};
	for (unsigned i = 0; i < 3; i++)
		print_message("  %-9s rax %016llx rcx %016llx rdx %016llx rbx %016llx flags %03llx\n", names[i],
			      (unsigned long long)all[i]->rax, (unsigned long long)all[i]->rcx,
			      (unsigned long long)all[i]->rdx, (unsigned long long)all[i]->rbx,
			      (unsigned long long)(all[i]->flags & FLAGS_STATUS));
}

static bool same(const struct row *r, const struct native_state *a, const struct native_state *b, uint32_t flags)
{
	uint64_t mask = r->rule == DOUBLE_SHIFT && !flags ? ~UINT64_C(0xffff) : ~UINT64_C(0);

	return a->rax == b->rax && a->rcx == b->rcx && ((a->rdx ^ b->rdx) & mask) == 0 && a->rbx == b->rbx &&
	       ((a->flags ^ b->flags) & flags) == 0;
}

struct tally {
	unsigned long cases, undefined, undefined_alike;
};

static void one_case(struct harness *h, struct native *n, const struct row *r, uint64_t *random, struct tally *t)
{
	uint64_t (*any)(uint64_t *random) = r->compat ? operand : operand64;
	struct native_state before = {any(random), any(random), any(random), any(random),
				      harness_random(random) & FLAGS_STATUS};
	struct native_state want = before, got = before;
	uint64_t imm = operand(random);
	uint8_t code[sizeof(r->code) + 4];
	uint32_t place = 0;

	/* In two of three cases the operand lies in memory, in one of many across a page. */
	if (r->memory && harness_random(random) % 3)
		place = 0x5000 + (uint32_t)(harness_random(random) & 0xfff) - (uint32_t)(harness_random(random) & 7);
	if (r->rule == AAM_AAD && !(imm & 0xff))
		imm = 10;
	if ((r->set == &exec_div || r->set == &exec_idiv) && harness_random(random) & 1)
		before.rdx = want.rdx = got.rdx = before.rbx >> 1; /* else it nearly always overflows */
	memcpy(code, r->code, r->length);
	host_store(code + r->length, r->imm_bytes, imm);
	if (r->imm_bytes)
		imm = r->imm_bytes == 1 ? (uint64_t)(int8_t)imm : r->imm_bytes == 2 ? (uint64_t)(int16_t)imm
				      : (uint64_t)(int32_t)imm;
	enum outcome outcome = emulate(h, r, imm, &got, place);
	t->cases++;
	if (r->rule == QUOTIENT && quotient_fails(r, &before)) {
		uint64_t mask = ~UINT64_C(0) >> (64 - r->width);
		assert_int_equal(outcome, FAULT);
		assert_int_equal(h->cpu.fault.vector, VEC_DE);
		assert_int_equal(h->cpu.fault.why, before.rbx & mask ? WHY_DIVIDE_OVERFLOW : WHY_DIVIDE_ZERO);
		assert_true(same(r, &before, &got, FLAGS_STATUS));
		return;
	}
	assert_int_equal(outcome, NEXT);
	native_run(n, code, r->length + r->imm_bytes, &want);
	uint32_t flags = defined_flags(r, &before, imm);
	if (!same(r, &want, &got, flags)) {
		report(r, &before, &want, &got, imm, place);
		fail();
	}
	if (flags != FLAGS_STATUS) {
		t->undefined++;
		t->undefined_alike += same(r, &want, &got, FLAGS_STATUS);
	}
}

#define CASES 1500

static void compare(struct harness *h, bool compat)
{
	struct native *n = native_new(compat);
	uint64_t random = 0x1234567;
	struct tally all = {0};

	if (n == NULL) {
		print_message("SKIPPED: this host cannot run %s-bit instructions for comparison\n", compat ? "32" : "64");
		skip();
	}
	for (unsigned i = 0; i < ROWS; i++) {
		struct tally t = {0};
		if (rows[i].compat != compat)
			continue;
		for (unsigned k = 0; k < CASES; k++)
			one_case(h, n, &rows[i], &random, &t);
		all.cases += t.cases;
		all.undefined += t.undefined;
		all.undefined_alike += t.undefined_alike;
	}
	print_message("%lu cases; in %lu some flags are undefined, in %lu of these all flags were like the host's\n",
		      all.cases, all.undefined, all.undefined_alike);
	native_free(n);
}

static void instructions_give_what_the_host_gives(void **state) { compare(*state, false); }
static void instructions_of_32_bit_mode_give_what_the_host_gives(void **state) { compare(*state, true); }

int main(void)
{
	const struct CMUnitTest tests[] = {
		HARNESS_TEST(instructions_give_what_the_host_gives),
		HARNESS_TEST(instructions_of_32_bit_mode_give_what_the_host_gives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
