/* Operands of the integer handlers at a width that is known when compiling,
 * and the names of handlers generated for each width.
 *
 * A memory handler looks its operand up in the TLB itself; where that misses
 * it goes on, by a tail call, in a second function, <name>_slow.  So the fast one
 * needs no stack frame. */
#ifndef TRAPGATE_CPU_OPERAND_H
#define TRAPGATE_CPU_OPERAND_H

#include "cpu/cpu.h"

/* HANDLER(rm) while OP is add and BITS is 32: add_rm32. */
#define OPERAND_PASTE_(a, b, c, d) a##b##c##d
#define OPERAND_PASTE(a, b, c, d)  OPERAND_PASTE_(a, b, c, d)
#define HANDLER(form)              OPERAND_PASTE(OP, _, form, BITS)
#define HANDLER_SLOW(form)         OPERAND_PASTE(OP, _slow_, form, BITS)
#define HANDLER_AT(form, bits)     OPERAND_PASTE(OP, _, form, bits)
#define OPERATION                  OPERAND_PASTE(op_, OP, , )
#define EXEC_SET                   OPERAND_PASTE(exec_, OP, , )
/* All widths of a form, for struct exec. */
#define EXEC_BV_OF(form) EXEC_BV(HANDLER_AT(form, 8), HANDLER_AT(form, 16), HANDLER_AT(form, 32), HANDLER_AT(form, 64))
#define EXEC_V_OF(form)  EXEC_V(HANDLER_AT(form, 16), HANDLER_AT(form, 32), HANDLER_AT(form, 64))
/* Of what 64-bit mode has not. */
#define EXEC_V32_OF(form) EXEC_V(HANDLER_AT(form, 16), HANDLER_AT(form, 32))

/* Ends a handler by going on in fn, which ends the instruction. */
#if TRAPGATE_TAILCALL
#define RETURN_SLOW(fn, cpu, u) __attribute__((musttail)) return fn((cpu), (u))
#else
#define RETURN_SLOW(fn, cpu, u) return fn((cpu), (u))
#endif
#define SLOW __attribute__((noinline)) static const struct uop *

static inline uint64_t width_mask(unsigned bits) { return ~UINT64_C(0) >> (64 - bits); }

/* The value's sign bit carried to all of 64 bits. */
static inline int64_t sign_extend(uint64_t v, unsigned bits) { return (int64_t)(v << (64 - bits)) >> (64 - bits); }

/* i: a uop's dst or src of an operand this wide. */
static inline uint64_t reg_read(const struct cpu *cpu, unsigned i, unsigned bits)
{
	return bits == 8    ? cpu->s.gpr.r8[i]
	       : bits == 16 ? cpu->s.gpr.r16[i]
	       : bits == 32 ? reg32(cpu, i)
			    : cpu->s.gpr.r64[i];
}

static inline void reg_write(struct cpu *cpu, unsigned i, unsigned bits, uint64_t v)
{
	if (bits == 8)
		cpu->s.gpr.r8[i] = (uint8_t)v;
	else if (bits == 16)
		cpu->s.gpr.r16[i] = (uint16_t)v;
	else
		cpu->s.gpr.r64[i] = v & width_mask(bits);
}

/* The index of register number n (not AH..BH) at this width. */
static inline unsigned reg_index(unsigned n, unsigned bits) { return bits == 8 ? 8 * n : bits == 16 ? 4 * n : n; }
static inline uint64_t gpr_read(const struct cpu *cpu, unsigned n, unsigned bits)
{
	return reg_read(cpu, reg_index(n, bits), bits);
}
static inline void gpr_write(struct cpu *cpu, unsigned n, unsigned bits, uint64_t v)
{
	reg_write(cpu, reg_index(n, bits), bits, v);
}

/* The offset n bytes into an operand at ea that is accessed in parts.  The address size cuts ea alone; outside 64-bit
 * mode offsets have 32 bits. */
static inline uint64_t operand_at(const struct cpu *cpu, uint64_t ea, uint64_t n) { return (ea + n) & cpu->mmu.lin_mask; }

static inline uint64_t imm_read(const struct uop *u, unsigned bits) { return u->imm & width_mask(bits); }

/* The host bytes of seg:off if the TLB has them with the right to read (or
 * write) and the segment allows it; NULL: take the slow way. */
static inline const uint8_t *seg_hit_read(const struct cpu *cpu, unsigned seg, uint64_t off, unsigned bytes)
{
	const struct seg_window *w = &cpu->mmu.win[seg];

	if (LIKELY(off + bytes <= w->r_end))
		return tlb_hit(&cpu->mmu, TLB_READ, w->base + off, bytes);
	return NULL;
}
static inline uint8_t *seg_hit_write(const struct cpu *cpu, unsigned seg, uint64_t off, unsigned bytes)
{
	const struct seg_window *w = &cpu->mmu.win[seg];

	if (LIKELY(off + bytes <= w->w_end))
		return tlb_hit(&cpu->mmu, TLB_WRITE, w->base + off, bytes);
	return NULL;
}

/* The same for the uop's memory operand. */
static inline const uint8_t *mem_hit_read(const struct cpu *cpu, const struct uop *u, unsigned bytes)
{
	return seg_hit_read(cpu, u->seg, uop_ea(cpu, u), bytes);
}
static inline uint8_t *mem_hit_write(const struct cpu *cpu, const struct uop *u, unsigned bytes)
{
	return seg_hit_write(cpu, u->seg, uop_ea(cpu, u), bytes);
}

/* The slow ways.  On failure cpu->fault (or mmu.stop) is set. */
static inline struct rd mem_read_slow(struct cpu *cpu, const struct uop *u, unsigned bytes)
{
	return seg_read_slow(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), bytes);
}
static inline bool mem_write_slow(struct cpu *cpu, const struct uop *u, unsigned bytes, uint64_t v)
{
	return seg_write_slow(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), bytes, v);
}
static inline struct rmw mem_rmw_slow(struct cpu *cpu, const struct uop *u, unsigned bytes)
{
	return seg_rmw_slow(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), bytes);
}
/* Both ways in one, for handlers that are not worth two functions. */
static inline struct rd mem_read(struct cpu *cpu, const struct uop *u, unsigned bytes)
{
	return seg_read(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), bytes);
}
static inline bool mem_write(struct cpu *cpu, const struct uop *u, unsigned bytes, uint64_t v)
{
	return seg_write(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), bytes, v);
}
static inline struct rmw mem_rmw(struct cpu *cpu, const struct uop *u, unsigned bytes)
{
	return seg_rmw(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), bytes);
}

/* The stack of instructions whose operand size is bits: with 64 the mode is 64-bit mode, where the
 * stack is flat and RSP is not cut. */
static inline uint64_t stack_at(const struct cpu *cpu, unsigned below, unsigned bits)
{
	return bits == 64 ? cpu->s.gpr.r64[RSP] - below : stack_below(cpu, below);
}
static inline void stack_set(struct cpu *cpu, uint64_t sp, unsigned bits)
{
	if (bits == 64)
		cpu->s.gpr.r64[RSP] = sp;
	else
		set_sp(cpu, sp);
}
static inline const uint8_t *stack_hit_read(const struct cpu *cpu, uint64_t sp, unsigned bits)
{
	return bits == 64 ? tlb_hit(&cpu->mmu, TLB_READ, sp, 8) : seg_hit_read(cpu, SEG_SS, sp, bits / 8);
}
static inline uint8_t *stack_hit_write(const struct cpu *cpu, uint64_t sp, unsigned bits)
{
	return bits == 64 ? tlb_hit(&cpu->mmu, TLB_WRITE, sp, 8) : seg_hit_write(cpu, SEG_SS, sp, bits / 8);
}

/* rSI, rDI, rCX as the address size of the instruction sees them. */
static inline uint64_t addr_reg(const struct cpu *cpu, const struct uop *u, unsigned n)
{
	return (cpu->s.gpr.r64[n] << u->addr_shift) >> u->addr_shift;
}
static inline void set_addr_reg(struct cpu *cpu, const struct uop *u, unsigned n, uint64_t v)
{
	if (u->addr_shift == 48)
		cpu->s.gpr.r16[4 * n] = (uint16_t)v;
	else
		cpu->s.gpr.r64[n] = (v << u->addr_shift) >> u->addr_shift;
}

#endif
