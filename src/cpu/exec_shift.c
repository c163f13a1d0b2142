/* ROL ROR RCL RCR SHL SHR SAR (SAL is SHL), SHLD SHRD.  SDM 2B
 * "RCL/RCR/ROL/ROR", "SAL/SAR/SHL/SHR", "SHLD", "SHRD".
 *
 * The count is taken modulo 32 (64 with 64-bit operands); 0 changes no flag.
 * Undefined by the SDM, and set here as Intel processors mostly do:
 *   OF  for counts above 1: as the last of so many single steps would set it
 *   AF  of the shifts: 0
 *   CF  of SHL and SHR with a count above the width: 0, what single steps give
 *   SHLD, SHRD of 16 bits with a count above 16: the destination follows the
 *       source once more, as in a register of 48 bits */
#include "cpu/operand.h"

static inline unsigned shift_cl(const struct cpu *cpu) { return cpu->s.gpr.r8[8 * RCX]; }
static inline unsigned shift_mask(unsigned bits) { return bits == 64 ? 63 : 31; }
static inline bool top_bit(uint64_t v, unsigned bits) { return (v >> (bits - 1)) & 1; }
/* The two highest bits differ: OF of a step to the right. */
static inline bool top_bits_differ(uint64_t v, unsigned bits) { return ((v >> (bits - 1)) ^ (v >> (bits - 2))) & 1; }

static inline uint64_t op_shl(struct cpu *cpu, uint64_t a, unsigned count, unsigned bits)
{
	unsigned n = count & shift_mask(bits);

	if (n == 0)
		return a;
	uint64_t r = (a << n) & width_mask(bits);
	bool cf = bits == 64 ? (a >> (64 - n)) & 1 : ((a << n) >> (bits & 63)) & 1;
	flags_shift(&cpu->f, r, cf, cf != top_bit(r, bits), bits);
	return r;
}

static inline uint64_t op_shr(struct cpu *cpu, uint64_t a, unsigned count, unsigned bits)
{
	unsigned n = count & shift_mask(bits);

	if (n == 0)
		return a;
	uint64_t r = a >> n;
	flags_shift(&cpu->f, r, (a >> (n - 1)) & 1, top_bits_differ(r, bits), bits);
	return r;
}

static inline uint64_t op_sar(struct cpu *cpu, uint64_t a, unsigned count, unsigned bits)
{
	unsigned n = count & shift_mask(bits);

	if (n == 0)
		return a;
	int64_t v = sign_extend(a, bits);
	uint64_t r = (uint64_t)(v >> n) & width_mask(bits);
	flags_shift(&cpu->f, r, (v >> (n - 1)) & 1, false, bits);
	return r;
}

/* Rotates set CF and OF, and do so whenever the masked count is not 0, even
 * if it is a multiple of the width. */
static inline uint64_t op_rol(struct cpu *cpu, uint64_t a, unsigned count, unsigned bits)
{
	unsigned masked = count & shift_mask(bits), n = masked & (bits - 1);

	if (masked == 0)
		return a;
	uint64_t r = n == 0 ? a : ((a << n) | (a >> (bits - n))) & width_mask(bits);
	flags_set_cf_of(&cpu->f, r & 1, (r & 1) != top_bit(r, bits));
	return r;
}

static inline uint64_t op_ror(struct cpu *cpu, uint64_t a, unsigned count, unsigned bits)
{
	unsigned masked = count & shift_mask(bits), n = masked & (bits - 1);

	if (masked == 0)
		return a;
	uint64_t r = n == 0 ? a : ((a >> n) | (a << (bits - n))) & width_mask(bits);
	flags_set_cf_of(&cpu->f, top_bit(r, bits), top_bits_differ(r, bits));
	return r;
}

/* Rotates of bits + 1 bits: CF stands above the operand's top.  A multiple of
 * 9 or 17 changes nothing with operands of 8 and 16 bits. */
static inline uint64_t op_rcl(struct cpu *cpu, uint64_t a, unsigned count, unsigned bits)
{
	unsigned n = (count & shift_mask(bits)) % (bits + 1);
	uint64_t carry = flag_cf(&cpu->f);

	if (n == 0)
		return a;
	uint64_t around = n > 1 ? a >> (bits + 1 - n) : 0;
	uint64_t r = ((a << n) | (carry << (n - 1)) | around) & width_mask(bits);
	bool cf = (a >> (bits - n)) & 1;
	flags_set_cf_of(&cpu->f, cf, cf != top_bit(r, bits));
	return r;
}

static inline uint64_t op_rcr(struct cpu *cpu, uint64_t a, unsigned count, unsigned bits)
{
	unsigned n = (count & shift_mask(bits)) % (bits + 1);
	uint64_t carry = flag_cf(&cpu->f);

	if (n == 0)
		return a;
	uint64_t around = n > 1 ? a << (bits + 1 - n) : 0;
	uint64_t r = ((a >> n) | (carry << (bits - n)) | around) & width_mask(bits);
	flags_set_cf_of(&cpu->f, (a >> (n - 1)) & 1, top_bits_differ(r, bits));
	return r;
}

static inline uint64_t op_shld(struct cpu *cpu, uint64_t a, uint64_t b, unsigned count, unsigned bits)
{
	unsigned n = count & shift_mask(bits);
	uint64_t r;
	bool cf;

	if (n == 0)
		return a;
	if (bits == 16) {
		uint64_t row = a << 32 | b << 16 | a;
		r = (row << n >> 32) & 0xffff;
		cf = (row << n >> 48) & 1;
	} else {
		r = ((a << n) | (b >> (bits - n))) & width_mask(bits);
		cf = (a >> (bits - n)) & 1;
	}
	flags_shift(&cpu->f, r, cf, cf != top_bit(r, bits), bits);
	return r;
}

static inline uint64_t op_shrd(struct cpu *cpu, uint64_t a, uint64_t b, unsigned count, unsigned bits)
{
	unsigned n = count & shift_mask(bits);
	uint64_t r;
	bool cf;

	if (n == 0)
		return a;
	if (bits == 16) {
		uint64_t row = a << 32 | b << 16 | a;
		r = (row >> n) & 0xffff;
		cf = (row >> (n - 1)) & 1;
	} else {
		r = ((a >> n) | (b << (bits - n))) & width_mask(bits);
		cf = (a >> (n - 1)) & 1;
	}
	flags_shift(&cpu->f, r, cf, top_bits_differ(r, bits), bits);
	return r;
}

#define OP shl
#include "cpu/shift_set.inc"
#define OP shr
#include "cpu/shift_set.inc"
#define OP sar
#include "cpu/shift_set.inc"
#define OP rol
#include "cpu/shift_set.inc"
#define OP ror
#include "cpu/shift_set.inc"
#define OP rcl
#include "cpu/shift_set.inc"
#define OP rcr
#include "cpu/shift_set.inc"

#define OP shld
#include "cpu/shiftd_set.inc"
#define OP shrd
#include "cpu/shiftd_set.inc"
