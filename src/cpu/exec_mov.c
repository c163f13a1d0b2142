/* MOV, MOVZX, MOVSX, MOVSXD, XCHG, XADD, CMPXCHG, CMPXCHG8B, LEA, BSWAP.  SDM 2A, 2B. */
#include "cpu/ending.h"
#include "cpu/operand.h"

#define BITS 8
#include "cpu/mov.inc"
#undef BITS
#define BITS 16
#include "cpu/mov.inc"
#undef BITS
#define BITS 32
#include "cpu/mov.inc"
#undef BITS
#define BITS 64
#include "cpu/mov.inc"
#undef BITS

#define OP mov
const struct exec EXEC_SET = {{
	[FORM_RR] = EXEC_BV_OF(rr),
	[FORM_RM] = EXEC_BV_OF(rm),
	[FORM_MR] = EXEC_BV_OF(mr),
	[FORM_RI] = EXEC_BV_OF(ri),
	[FORM_MI] = EXEC_BV_OF(mi),
}};
#undef OP
#define OP xchg
const struct exec EXEC_SET = {{[FORM_RR] = EXEC_BV_OF(rr), [FORM_MR] = EXEC_BV_OF(mr)}};
#undef OP
#define OP xadd
const struct exec EXEC_SET = {{[FORM_RR] = EXEC_BV_OF(rr), [FORM_MR] = EXEC_BV_OF(mr)}};
#undef OP
#define OP cmpxchg
const struct exec EXEC_SET = {{[FORM_RR] = EXEC_BV_OF(rr), [FORM_MR] = EXEC_BV_OF(mr)}};
#undef OP

static inline uint64_t op_movzx8(uint64_t v) { return v; }
static inline uint64_t op_movzx16(uint64_t v) { return v; }
static inline uint64_t op_movsx8(uint64_t v) { return (uint64_t)sign_extend(v, 8); }
static inline uint64_t op_movsx16(uint64_t v) { return (uint64_t)sign_extend(v, 16); }
static inline uint64_t op_movsx32(uint64_t v) { return (uint64_t)sign_extend(v, 32); }

#define OP movzx8
#define FROM 8
#include "cpu/extend_set.inc"
#define OP movzx16
#define FROM 16
#include "cpu/extend_set.inc"
#define OP movsx8
#define FROM 8
#include "cpu/extend_set.inc"
#define OP movsx16
#define FROM 16
#include "cpu/extend_set.inc"

/* Source and destination of the same width but with a 64-bit destination (SDM 2B "MOVSXD"). */
#define OP movsx32
#define FROM 32
#define BITS 64
#include "cpu/extend.inc"
#undef BITS
#undef FROM
#undef OP
const struct exec exec_movsxd = {{
	[FORM_RR] = EXEC_V(mov_rr16, mov_rr32, movsx32_rr64),
	[FORM_RM] = EXEC_V(mov_rm16, mov_rm32, movsx32_rm64),
}};

/* MOV between the accumulator and memory at an offset that does not fit uop.disp: it is in imm. */
static inline bool mov_from_offset(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	struct rd m = seg_read(&cpu->mmu, (enum seg)u->seg, u->imm, bits / 8);

	if (m.ok)
		reg_write(cpu, u->dst, bits, m.v);
	return m.ok;
}

static inline bool mov_to_offset(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	return seg_write(&cpu->mmu, (enum seg)u->seg, u->imm, bits / 8, reg_read(cpu, u->src, bits));
}
#define MOV_OFFSET(bits)                                      \
	THEN_NEXT(mov_offset_rm##bits, mov_from_offset(cpu, u, bits)) \
	THEN_NEXT(mov_offset_mr##bits, mov_to_offset(cpu, u, bits))
MOV_OFFSET(8) MOV_OFFSET(16) MOV_OFFSET(32) MOV_OFFSET(64)
#define OP mov_offset
const struct exec EXEC_SET = {{[FORM_RM] = EXEC_BV_OF(rm), [FORM_MR] = EXEC_BV_OF(mr)}};
#undef OP

/* The offset by address size, cut or zero-extended to the operand size. */
static const struct uop *lea_rm16(struct cpu *cpu, const struct uop *u)
{
	reg_write(cpu, u->dst, 16, uop_ea(cpu, u));
	RETURN_NEXT(cpu, u);
}

static const struct uop *lea_rm32(struct cpu *cpu, const struct uop *u)
{
	reg_write(cpu, u->dst, 32, uop_ea(cpu, u));
	RETURN_NEXT(cpu, u);
}

static const struct uop *lea_rm64(struct cpu *cpu, const struct uop *u)
{
	reg_write(cpu, u->dst, 64, uop_ea(cpu, u));
	RETURN_NEXT(cpu, u);
}
const struct exec exec_lea = {{[FORM_RM] = EXEC_V(lea_rm16, lea_rm32, lea_rm64)}};

/* The result with a 16-bit register is undefined (SDM 2A "BSWAP"); processors
 * give 0: the low half of the swapped zero-extended value. */
static const struct uop *bswap_r16(struct cpu *cpu, const struct uop *u)
{
	reg_write(cpu, u->dst, 16, 0);
	RETURN_NEXT(cpu, u);
}

static const struct uop *bswap_r32(struct cpu *cpu, const struct uop *u)
{
	reg_write(cpu, u->dst, 32, __builtin_bswap32(reg32(cpu, u->dst)));
	RETURN_NEXT(cpu, u);
}

static const struct uop *bswap_r64(struct cpu *cpu, const struct uop *u)
{
	reg_write(cpu, u->dst, 64, __builtin_bswap64(reg_read(cpu, u->dst, 64)));
	RETURN_NEXT(cpu, u);
}
const struct exec exec_bswap = {{[FORM_R] = EXEC_V(bswap_r16, bswap_r32, bswap_r64)}};

/* Only ZF changes.  The memory is written in either case. */
static const struct uop *cmpxchg8b_m(struct cpu *cpu, const struct uop *u)
{
	uint64_t edx_eax = (uint64_t)reg32(cpu, RDX) << 32 | reg32(cpu, RAX);
	uint64_t ecx_ebx = (uint64_t)reg32(cpu, RCX) << 32 | reg32(cpu, RBX);
	struct rmw m = mem_rmw(cpu, u, 8);

	if (UNLIKELY(!m.ok))
		return uop_fault(cpu, u);
	rmw_write(&cpu->mmu, &m, 8, m.v == edx_eax ? ecx_ebx : m.v);
	cpu->f.z = m.v ^ edx_eax;
	if (m.v != edx_eax) {
		set_reg32(cpu, RAX, (uint32_t)m.v);
		set_reg32(cpu, RDX, (uint32_t)(m.v >> 32));
	}
	RETURN_NEXT(cpu, u);
}
const struct exec exec_cmpxchg8b = {{[FORM_M] = EXEC_ALL(cmpxchg8b_m)}};
