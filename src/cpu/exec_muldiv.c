/* MUL IMUL DIV IDIV.  SDM 2A, 2B.
 *
 * MUL and IMUL define CF = OF: the upper half holds more than the extension of
 * the lower half.  SF, ZF, AF and PF are undefined; processors differ: the
 * Pentium Pro leaves all four, the Pentium 4 sets SF, ZF and PF by the lower
 * half and clears AF, and so it is done here.
 * DIV and IDIV leave all six undefined; here, as on Intel processors from the
 * Pentium Pro on, they stay. */
#include "cpu/operand.h"

/* The double accumulator AX, DX:AX, EDX:EAX. */
static inline uint64_t double_read(const struct cpu *cpu, unsigned bits)
{
	if (bits == 8)
		return cpu->s.gpr.r16[4 * RAX];
	return gpr_read(cpu, RDX, bits) << (bits & 63) | gpr_read(cpu, RAX, bits);
}

static inline void double_write(struct cpu *cpu, uint64_t low, uint64_t high, unsigned bits)
{
	if (bits == 8) {
		cpu->s.gpr.r16[4 * RAX] = (uint16_t)((high & 0xff) << 8 | (low & 0xff));
		return;
	}
	gpr_write(cpu, RAX, bits, low);
	gpr_write(cpu, RDX, bits, high);
}

/* RDX:RAX, and what it is made of. */
__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

static inline u128 wide_read(const struct cpu *cpu)
{
	return (u128)cpu->s.gpr.r64[RDX] << 64 | cpu->s.gpr.r64[RAX];
}

/* CF = OF = overflow; both set: bit 32 of y, and bit 31 (their difference) 0. */
static inline void flags_product(struct lazy_flags *f, uint64_t low, bool overflow, unsigned bits)
{
	flags_result(f, low, bits);
	f->y = overflow ? Y_CF : 0;
}

static inline enum why mul_wide(struct cpu *cpu, uint64_t v)
{
	u128 product = (u128)cpu->s.gpr.r64[RAX] * v;
	uint64_t low = (uint64_t)product, high = (uint64_t)(product >> 64);

	double_write(cpu, low, high, 64);
	flags_product(&cpu->f, low, high != 0, 64);
	return WHY_NONE;
}

static inline enum why op_mul(struct cpu *cpu, uint64_t v, unsigned bits)
{
	if (bits == 64)
		return mul_wide(cpu, v);
	uint64_t product = gpr_read(cpu, RAX, bits) * v, high = product >> (bits & 63);

	double_write(cpu, product, high, bits);
	flags_product(&cpu->f, product, high != 0, bits);
	return WHY_NONE;
}

static inline enum why imul1_wide(struct cpu *cpu, uint64_t v)
{
	i128 product = (i128)(int64_t)cpu->s.gpr.r64[RAX] * (int64_t)v;
	uint64_t low = (uint64_t)product;

	double_write(cpu, low, (uint64_t)(product >> 64), 64);
	flags_product(&cpu->f, low, product != (int64_t)low, 64);
	return WHY_NONE;
}

static inline enum why op_imul1(struct cpu *cpu, uint64_t v, unsigned bits)
{
	if (bits == 64)
		return imul1_wide(cpu, v);
	int64_t product = sign_extend(gpr_read(cpu, RAX, bits), bits) * sign_extend(v, bits);

	double_write(cpu, (uint64_t)product, (uint64_t)product >> (bits & 63), bits);
	flags_product(&cpu->f, (uint64_t)product, product != sign_extend((uint64_t)product, bits), bits);
	return WHY_NONE;
}

static inline uint64_t product_low(struct cpu *cpu, uint64_t a, uint64_t b, unsigned bits)
{
	int64_t product;
	bool overflow = __builtin_mul_overflow(sign_extend(a, bits), sign_extend(b, bits), &product);

	if (bits == 64) {
		flags_product(&cpu->f, (uint64_t)product, overflow, 64);
		return (uint64_t)product;
	}
	flags_product(&cpu->f, (uint64_t)product, product != sign_extend((uint64_t)product, bits), bits);
	return (uint64_t)product;
}

/* The upper half is smaller than the divisor, or the quotient does not fit. */
static inline enum why div_wide(struct cpu *cpu, uint64_t v)
{
	u128 dividend = wide_read(cpu);

	if (v == 0)
		return WHY_DIVIDE_ZERO;
	if (cpu->s.gpr.r64[RDX] >= v)
		return WHY_DIVIDE_OVERFLOW;
	double_write(cpu, (uint64_t)(dividend / v), (uint64_t)(dividend % v), 64);
	return WHY_NONE;
}

static inline enum why op_div(struct cpu *cpu, uint64_t v, unsigned bits)
{
	if (bits == 64)
		return div_wide(cpu, v);
	uint64_t dividend = double_read(cpu, bits);

	if (v == 0)
		return WHY_DIVIDE_ZERO;
	if (dividend / v > width_mask(bits))
		return WHY_DIVIDE_OVERFLOW;
	double_write(cpu, dividend / v, dividend % v, bits);
	return WHY_NONE;
}

/* The quotient is cut towards zero, the remainder has the dividend's sign.
 * The most negative quotient is allowed. */
static inline enum why idiv_wide(struct cpu *cpu, uint64_t v)
{
	i128 dividend = (i128)wide_read(cpu), divisor = (int64_t)v;

	if (divisor == 0)
		return WHY_DIVIDE_ZERO;
	if (divisor == -1 && cpu->s.gpr.r64[RDX] == UINT64_C(1) << 63 && cpu->s.gpr.r64[RAX] == 0)
		return WHY_DIVIDE_OVERFLOW;
	i128 quotient = dividend / divisor;
	if (quotient != (int64_t)quotient)
		return WHY_DIVIDE_OVERFLOW;
	double_write(cpu, (uint64_t)quotient, (uint64_t)(dividend % divisor), 64);
	return WHY_NONE;
}

static inline enum why op_idiv(struct cpu *cpu, uint64_t v, unsigned bits)
{
	if (bits == 64)
		return idiv_wide(cpu, v);
	int64_t dividend = sign_extend(double_read(cpu, bits), (2 * bits) & 127), divisor = sign_extend(v, bits);

	if (divisor == 0)
		return WHY_DIVIDE_ZERO;
	if (divisor == -1 && dividend == INT64_MIN)
		return WHY_DIVIDE_OVERFLOW;
	int64_t quotient = dividend / divisor;
	if (quotient != sign_extend((uint64_t)quotient, bits))
		return WHY_DIVIDE_OVERFLOW;
	double_write(cpu, (uint64_t)quotient, (uint64_t)(dividend % divisor), bits);
	return WHY_NONE;
}

#define BITS 8
#include "cpu/muldiv.inc"
#undef BITS
#define BITS 16
#include "cpu/muldiv.inc"
#undef BITS
#define BITS 32
#include "cpu/muldiv.inc"
#undef BITS
#define BITS 64
#include "cpu/muldiv.inc"
#undef BITS

#define OP mul
const struct exec EXEC_SET = {{[FORM_R] = EXEC_BV_OF(r), [FORM_M] = EXEC_BV_OF(m)}};
#undef OP
#define OP imul1
const struct exec EXEC_SET = {{[FORM_R] = EXEC_BV_OF(r), [FORM_M] = EXEC_BV_OF(m)}};
#undef OP
#define OP div
const struct exec EXEC_SET = {{[FORM_R] = EXEC_BV_OF(r), [FORM_M] = EXEC_BV_OF(m)}};
#undef OP
#define OP idiv
const struct exec EXEC_SET = {{[FORM_R] = EXEC_BV_OF(r), [FORM_M] = EXEC_BV_OF(m)}};
#undef OP
#define OP imul
const struct exec EXEC_SET = {{
	[FORM_RR] = EXEC_V_OF(rr),
	[FORM_RM] = EXEC_V_OF(rm),
	[FORM_RRI] = EXEC_V_OF(rri),
	[FORM_RMI] = EXEC_V_OF(rmi),
}};
#undef OP
