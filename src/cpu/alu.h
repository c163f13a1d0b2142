/* The arithmetic of ADD ADC SUB SBB CMP, AND OR XOR TEST, INC DEC NEG NOT: the
 * result, and the flags into cpu->f.  a, b zero-extended; bits the width.
 * SDM 2A, 2B.
 *
 * AF after AND, OR, XOR and TEST is undefined; every Intel processor since
 * the Pentium clears it. */
#ifndef TRAPGATE_CPU_ALU_H
#define TRAPGATE_CPU_ALU_H

#include "cpu/operand.h"

static inline uint64_t op_add(struct cpu *cpu, uint64_t a, uint64_t b, unsigned bits)
{
	return flags_add(&cpu->f, a, b, 0, bits);
}

static inline uint64_t op_adc(struct cpu *cpu, uint64_t a, uint64_t b, unsigned bits)
{
	return flags_add(&cpu->f, a, b, flag_cf(&cpu->f), bits);
}

static inline uint64_t op_sub(struct cpu *cpu, uint64_t a, uint64_t b, unsigned bits)
{
	return flags_sub(&cpu->f, a, b, 0, bits);
}

static inline uint64_t op_sbb(struct cpu *cpu, uint64_t a, uint64_t b, unsigned bits)
{
	return flags_sub(&cpu->f, a, b, flag_cf(&cpu->f), bits);
}

static inline uint64_t logic_result(struct cpu *cpu, uint64_t r, unsigned bits)
{
	flags_logic(&cpu->f, r, bits);
	return r;
}

static inline uint64_t op_and(struct cpu *cpu, uint64_t a, uint64_t b, unsigned bits)
{
	return logic_result(cpu, a & b, bits);
}

static inline uint64_t op_or(struct cpu *cpu, uint64_t a, uint64_t b, unsigned bits)
{
	return logic_result(cpu, a | b, bits);
}

static inline uint64_t op_xor(struct cpu *cpu, uint64_t a, uint64_t b, unsigned bits)
{
	return logic_result(cpu, a ^ b, bits);
}

static inline void op_cmp(struct cpu *cpu, uint64_t a, uint64_t b, unsigned bits) { op_sub(cpu, a, b, bits); }
static inline void op_test(struct cpu *cpu, uint64_t a, uint64_t b, unsigned bits) { op_and(cpu, a, b, bits); }

/* All flags but CF. */
static inline uint64_t op_inc(struct cpu *cpu, uint64_t a, unsigned bits)
{
	struct lazy_flags old = cpu->f;
	uint64_t r = flags_add(&cpu->f, a, 1, 0, bits);

	flags_keep_cf(&cpu->f, &old);
	return r;
}

static inline uint64_t op_dec(struct cpu *cpu, uint64_t a, unsigned bits)
{
	struct lazy_flags old = cpu->f;
	uint64_t r = flags_sub(&cpu->f, a, 1, 0, bits);

	flags_keep_cf(&cpu->f, &old);
	return r;
}

static inline uint64_t op_neg(struct cpu *cpu, uint64_t a, unsigned bits)
{
	return flags_sub(&cpu->f, 0, a, 0, bits);
}

/* No flags. */
static inline uint64_t op_not(struct cpu *cpu, uint64_t a, unsigned bits) { return ~a; }

#endif
