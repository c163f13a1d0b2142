/* Lazy arithmetic flags.
 *
 * z   ZF is (z == 0)
 * sp  SF is bit 31, PF the parity of the low 8 bits
 * y   CF is bit 32, OF is bit 32 XOR bit 31, AF is bit 4
 *
 * An addition or subtraction of 32-bit operands, done in 64 bits, gives all
 * three without a branch: y = a ^ b ^ result has in bit i the carry into
 * bit i.  Narrower operations shift y up so that the same bits hold.
 * Every combination of the six flags can be represented, so any source
 * (POPF, SAHF, BT, x87 FCOMI) writes the same form. */
#ifndef TRAPGATE_CPU_FLAGS_H
#define TRAPGATE_CPU_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/x86.h"

struct lazy_flags {
	uint64_t z;
	uint64_t y;
	uint32_t sp;
};

#define Y_CF (UINT64_C(1) << 32)
#define Y_OF (UINT64_C(1) << 31)
#define Y_AF (UINT64_C(1) << 4)

static inline bool flag_cf(const struct lazy_flags *f) { return (f->y >> 32) & 1; }
static inline bool flag_of(const struct lazy_flags *f) { return ((f->y >> 32) ^ (f->y >> 31)) & 1; }
static inline bool flag_af(const struct lazy_flags *f) { return (f->y >> 4) & 1; }
static inline bool flag_zf(const struct lazy_flags *f) { return f->z == 0; }
static inline bool flag_sf(const struct lazy_flags *f) { return f->sp >> 31; }
static inline bool flag_pf(const struct lazy_flags *f) { return !__builtin_parity(f->sp & 0xff); }

/* The six status flags at their places in EFLAGS. */
static inline uint32_t flags_status(const struct lazy_flags *f)
{
	return (flag_cf(f) ? FLAG_CF : 0) | (flag_pf(f) ? FLAG_PF : 0) | (flag_af(f) ? FLAG_AF : 0) |
	       (flag_zf(f) ? FLAG_ZF : 0) | (flag_sf(f) ? FLAG_SF : 0) | (flag_of(f) ? FLAG_OF : 0);
}

/* Takes the six status flags from an EFLAGS value. */
static inline void flags_load(struct lazy_flags *f, uint32_t eflags)
{
	bool cf = eflags & FLAG_CF, of = eflags & FLAG_OF;

	f->z = !(eflags & FLAG_ZF);
	f->sp = ((eflags & FLAG_SF) ? 0x80000000u : 0) | ((eflags & FLAG_PF) ? 0 : 1);
	f->y = (cf ? Y_CF : 0) | (cf != of ? Y_OF : 0) | ((eflags & FLAG_AF) ? Y_AF : 0);
}

static inline void flags_set_cf_of(struct lazy_flags *f, bool cf, bool of)
{
	f->y = (f->y & Y_AF) | (cf ? Y_CF : 0) | (cf != of ? Y_OF : 0);
}

static inline void flags_set_cf(struct lazy_flags *f, bool cf)
{
	flags_set_cf_of(f, cf, flag_of(f));
}

/* Result of a logic operation of `bits` width: CF = OF = AF = 0. */
static inline void flags_result(struct lazy_flags *f, uint64_t r, unsigned bits)
{
	f->z = bits == 64 ? r : r & ((UINT64_C(1) << (bits & 63)) - 1);
	f->sp = bits == 64 ? (uint32_t)((r >> 32) & 0x80000000u) | (uint32_t)(r & 0xff)
	      : bits == 32 ? (uint32_t)r
	      : bits == 16 ? (uint32_t)(int32_t)(int16_t)r : (uint32_t)(int32_t)(int8_t)r;
}

static inline void flags_logic(struct lazy_flags *f, uint64_t r, unsigned bits)
{
	flags_result(f, r, bits);
	f->y = 0;
}

/* The carries of a sum or difference.  a, b zero-extended operands; r the
 * result computed in 64 bits without truncation (a + b + c, a - b - c), for
 * bits < 64. */
static inline uint64_t flags_carries(uint64_t a, uint64_t b, uint64_t r, unsigned bits)
{
	uint64_t x = a ^ b ^ r;

	return bits == 32 ? x : (x << (32 - (bits & 31))) | (x & Y_AF);
}

/* ADD, ADC, SUB, SBB, CMP, NEG on bits < 64; r as for flags_carries. */
static inline void flags_arith(struct lazy_flags *f, uint64_t a, uint64_t b, uint64_t r, unsigned bits)
{
	flags_result(f, r, bits);
	f->y = flags_carries(a, b, r, bits);
}

/* The same for 64 bits, where the carry out is beyond the result. */
static inline void flags_wide(struct lazy_flags *f, uint64_t a, uint64_t b, uint64_t r, uint64_t carry_out)
{
	uint64_t x = a ^ b ^ r;

	flags_result(f, r, 64);
	f->y = carry_out << 32 | (x >> 63) << 31 | (x & Y_AF);
}

/* ADD, ADC: a + b + carry, truncated.  a, b zero-extended. */
static inline uint64_t flags_add(struct lazy_flags *f, uint64_t a, uint64_t b, unsigned carry, unsigned bits)
{
	uint64_t r = a + b + carry;

	if (bits == 64)
		flags_wide(f, a, b, r, ((a & b) | ((a | b) & ~r)) >> 63);
	else
		flags_arith(f, a, b, r, bits);
	return r;
}

/* SUB, SBB, CMP, NEG: a - b - borrow. */
static inline uint64_t flags_sub(struct lazy_flags *f, uint64_t a, uint64_t b, unsigned borrow, unsigned bits)
{
	uint64_t r = a - b - borrow;

	if (bits == 64)
		flags_wide(f, a, b, r, ((~a & b) | ((~a | b) & r)) >> 63);
	else
		flags_arith(f, a, b, r, bits);
	return r;
}

/* INC and DEC leave CF alone: after the ADD or SUB of 1, puts back the CF of
 * old.  Turning bits 32 and 31 together keeps OF, their difference. */
static inline void flags_keep_cf(struct lazy_flags *f, const struct lazy_flags *old)
{
	uint64_t turn = (f->y ^ old->y) & Y_CF;

	f->y ^= turn | turn >> 1;
}

/* Shifts: result, CF and OF; AF = 0. */
static inline void flags_shift(struct lazy_flags *f, uint64_t r, bool cf, bool of, unsigned bits)
{
	flags_result(f, r, bits);
	f->y = (uint64_t)cf << 32 | (uint64_t)(cf != of) << 31;
}

/* The conditions of Jcc, SETcc and CMOVcc (SDM 1, "EFLAGS Condition Codes"). */
static inline bool cond_o(const struct lazy_flags *f) { return flag_of(f); }
static inline bool cond_no(const struct lazy_flags *f) { return !flag_of(f); }
static inline bool cond_b(const struct lazy_flags *f) { return flag_cf(f); }
static inline bool cond_ae(const struct lazy_flags *f) { return !flag_cf(f); }
static inline bool cond_e(const struct lazy_flags *f) { return flag_zf(f); }
static inline bool cond_ne(const struct lazy_flags *f) { return !flag_zf(f); }
static inline bool cond_be(const struct lazy_flags *f) { return flag_cf(f) || flag_zf(f); }
static inline bool cond_a(const struct lazy_flags *f) { return !cond_be(f); }
static inline bool cond_s(const struct lazy_flags *f) { return flag_sf(f); }
static inline bool cond_ns(const struct lazy_flags *f) { return !flag_sf(f); }
static inline bool cond_p(const struct lazy_flags *f) { return flag_pf(f); }
static inline bool cond_np(const struct lazy_flags *f) { return !flag_pf(f); }
static inline bool cond_l(const struct lazy_flags *f) { return flag_sf(f) != flag_of(f); }
static inline bool cond_ge(const struct lazy_flags *f) { return flag_sf(f) == flag_of(f); }
static inline bool cond_le(const struct lazy_flags *f) { return flag_zf(f) || cond_l(f); }
static inline bool cond_g(const struct lazy_flags *f) { return !cond_le(f); }

#endif
