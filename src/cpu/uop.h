/* The interpreter's form of an instruction, and the protocol of its handlers.
 *
 * A handler does one instruction: reads operands, checks, and only then
 * writes state (an instruction that faults has changed nothing, except where
 * the SDM says otherwise).  It ends in exactly one of these:
 *
 *     RETURN_NEXT(cpu, u);            done, go on with the following uop
 *     return uop_fault(cpu, u);       *cpu.fault (or RUN_ALONE) is set: the
 *                                     instruction did not happen
 *     return uop_raise(cpu, u, VEC_GP, 0, WHY_x);   the same, filling the fault
 *     RETURN_GOTO_NEXT, _TAKEN, RETURN_JUMP   near branches; block.h
 *     return uop_leave(cpu, u);       done, s.rip moves behind the instruction, and the
 *                                     run loop looks at everything afresh:
 *                                     after I/O, mode changes, IF set, shadows ...
 *     return uop_leave_at(cpu, u);    as uop_leave but the handler has set s.rip itself
 *                                     (far transfers, IRET, delivery)
 *
 * While a block runs, s.rip is the RIP of the block's first instruction; a
 * handler that needs its own calls uop_rip(cpu, u) or uop_next_rip(cpu, u).
 * Rows with ATTR_END are last in their block; only they may use RETURN_GOTO_*, RETURN_JUMP, uop_leave
 * and uop_leave_at.  cpu->icount already counts the instruction when an
 * ATTR_END handler runs. */
#ifndef TRAPGATE_CPU_UOP_H
#define TRAPGATE_CPU_UOP_H

#include <stdint.h>

#include "arch/state.h"

struct cpu;
struct uop;
typedef const struct uop *uop_fn(struct cpu *cpu, const struct uop *u);

struct uop {
	uop_fn *fn;
	uint64_t imm;   /* immediate (sign-extended), branch displacement, far offset */
	int32_t disp;   /* memory operand; far selector or ENTER level: imm2 */
	uint8_t dst;    /* register operands: an index for reg8/reg16/reg32 below, */
	uint8_t src;    /* or the plain number of a SREG, CR, DR, ST */
	uint8_t base, index, scale, seg; /* memory operand; GPR_ZERO where absent */
	uint8_t addr_shift; /* 48, 32, 0: truncates an address to 16, 32, 64 bits */
	uint8_t off;    /* of the instruction from the block's first byte */
	uint8_t len;    /* of the instruction */
	uint8_t n;      /* instructions of the block before this one */
	uint8_t width;  /* operand size: 8, 16, 32, 64 */
	uint8_t flags;  /* UOP_* */
};
_Static_assert(sizeof(struct uop) == 32, "two uops a cache line");

#define UOP_REP   0x01u
#define UOP_REPNE 0x02u
#define UOP_LOCK  0x04u

/* How the operands of an instruction lie; chooses the handler in struct
 * exec.  R register, M memory, I immediate (also a fixed 1), in the order of
 * the operands; implicit operands (accumulator of MUL, CL is R) as the row
 * writes them. */
enum form {
	FORM_NONE, /* no explicit operands, fixed ones only (strings, CBW, PUSHA ...) */
	FORM_REP,  /* the same with REP, REPE or REPNE where it is a loop */
	FORM_R, FORM_M, FORM_I,
	FORM_RR, FORM_RM, FORM_MR, FORM_RI, FORM_MI,
	FORM_IR,   /* OUT imm8, acc */
	FORM_RRI, FORM_RMI, FORM_MRI, FORM_RRR, FORM_MRR,
	FORM_RRM, FORM_RMR, /* of instructions with a VEX prefix; a fourth operand shows in no form */
	FORM_II,   /* ENTER */
	FORM_COUNT
};

/* The columns of vector instructions. */
enum vec_column { VEC_MMX, VEC_SSE, VEC_AVX128, VEC_AVX256 }; /* scalars behind a VEX prefix: VEC_AVX128 */

/* All handlers of one instruction: fn[form][size], size 0..3 = 8, 16, 32, 64
 * bits as insn.width says; enum vec_column where insn.width is 0 and an operand is a vector.  NULL where no row can
 * lead there. */
struct exec {
	uop_fn *fn[FORM_COUNT][4];
};

/* Instructions with a VEX prefix: the register that is the second of three operands or more, and the one that is the
 * fourth.  (dst is the first operand; src is the third, the second where there are two, or two and an immediate.) */
static inline unsigned uop_second(const struct uop *u) { return (unsigned)(u->imm >> 8) & 0xff; }
static inline unsigned uop_fourth(const struct uop *u) { return (unsigned)(u->imm >> 16) & 0xff; }

#define EXEC_ALL(f) {f, f, f, f}      /* width does not matter */
/* By width, from 16 bits (EXEC_V) or 8 bits (EXEC_BV) on. */
#define EXEC_V(...)  {0, __VA_ARGS__}
#define EXEC_BV(...) {__VA_ARGS__}

#endif
