/* Instructions on segment registers, descriptor tables and descriptors.
 * SDM 2A/2B: each instruction's Operation gives the order of checks.  Memory is read
 * before any register changes. */
#include "cpu/desc.h"
#include "cpu/ending.h"
#include "cpu/model.h"
#include "cpu/operand.h"

/* A 16-bit source, in memory or in the register u->src (FORM_RR, FORM_RM)
 * or u->dst (FORM_R, FORM_M). */
static inline struct rd memory16(struct cpu *cpu, const struct uop *u)
{
	return seg_read(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), 2);
}

static inline bool store16(struct cpu *cpu, const struct uop *u, uint16_t value)
{
	return seg_write(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), 2, value);
}

static inline struct rd register16(struct cpu *cpu, unsigned i) { return (struct rd){*reg16(cpu, i), true}; }

static inline bool write_register(struct cpu *cpu, unsigned i, unsigned bits, uint64_t value)
{
	reg_write(cpu, i, bits, value);
	return true;
}

/* ---- MOV to and from segment registers ---- */

static bool move_to_sreg(struct cpu *cpu, unsigned seg, struct rd sel)
{
	if (!sel.ok || !load_data_segment(cpu, (enum seg)seg, (uint16_t)sel.v))
		return false;
	if (seg == SEG_SS)
		cpu->s.shadow |= SHADOW_MOVSS;
	return true;
}

static const struct uop *mov_to_sreg_rr(struct cpu *cpu, const struct uop *u)
{
	if (!move_to_sreg(cpu, u->dst, register16(cpu, u->src)))
		return uop_fault(cpu, u);
	if (u->dst == SEG_SS)
		return uop_leave(cpu, u);
	RETURN_NEXT(cpu, u);
}

static const struct uop *mov_to_sreg_rm(struct cpu *cpu, const struct uop *u)
{
	if (!move_to_sreg(cpu, u->dst, memory16(cpu, u)))
		return uop_fault(cpu, u);
	if (u->dst == SEG_SS)
		return uop_leave(cpu, u);
	RETURN_NEXT(cpu, u);
}
const struct exec exec_mov_to_sreg = {
	.fn = {[FORM_RR] = EXEC_ALL(mov_to_sreg_rr), [FORM_RM] = EXEC_ALL(mov_to_sreg_rm)}};

THEN_NEXT(mov_from_sreg_r16, write_register(cpu, u->dst, 16, cpu->s.seg[u->src].sel))
THEN_NEXT(mov_from_sreg_r32, write_register(cpu, u->dst, 32, cpu->s.seg[u->src].sel))
THEN_NEXT(mov_from_sreg_r64, write_register(cpu, u->dst, 64, cpu->s.seg[u->src].sel))
THEN_NEXT(mov_from_sreg_m, store16(cpu, u, cpu->s.seg[u->src].sel))
const struct exec exec_mov_from_sreg = {.fn = {[FORM_RR] = EXEC_V(mov_from_sreg_r16, mov_from_sreg_r32, mov_from_sreg_r64),
					       [FORM_MR] = EXEC_ALL(mov_from_sreg_m)}};

/* ---- PUSH and POP of segment registers ---- */

/* How many bytes of the slot are touched: SDM 3B, "Selector Pushes and Pops"; SDM 2B, "PUSH": all of 64 bits. */
static inline unsigned selector_bytes(const struct cpu *cpu, unsigned bits)
{
	return bits == 64 ? 8 : bits == 32 && cpu->model->sreg_full_width ? 4 : 2;
}

static inline bool push_sreg(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	uint64_t sp = stack_below(cpu, bits / 8);

	if (!seg_write(&cpu->mmu, SEG_SS, sp, selector_bytes(cpu, bits), cpu->s.seg[u->dst].sel))
		return false;
	set_sp(cpu, sp);
	return true;
}
THEN_NEXT(push_sreg16, push_sreg(cpu, u, 16))
THEN_NEXT(push_sreg32, push_sreg(cpu, u, 32))
THEN_NEXT(push_sreg64, push_sreg(cpu, u, 64))
const struct exec exec_push_sreg = {.fn = {[FORM_R] = EXEC_V(push_sreg16, push_sreg32, push_sreg64)}};

/* POP SS: the stack's size before the load is the one that counts for SP. */
static inline bool pop_sreg(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	uint64_t old = cpu->s.gpr.r64[RSP], mask = cpu->sp_mask, keep = cpu->sp_keep;
	struct rd sel = seg_read(&cpu->mmu, SEG_SS, old & mask, selector_bytes(cpu, bits));

	if (!move_to_sreg(cpu, u->dst, sel))
		return false;
	cpu->s.gpr.r64[RSP] = (old & keep) | ((old + bits / 8) & mask);
	return true;
}

static const struct uop *pop_sreg16(struct cpu *cpu, const struct uop *u)
{
	if (!pop_sreg(cpu, u, 16))
		return uop_fault(cpu, u);
	if (u->dst == SEG_SS)
		return uop_leave(cpu, u);
	RETURN_NEXT(cpu, u);
}

static const struct uop *pop_sreg32(struct cpu *cpu, const struct uop *u)
{
	if (!pop_sreg(cpu, u, 32))
		return uop_fault(cpu, u);
	if (u->dst == SEG_SS)
		return uop_leave(cpu, u);
	RETURN_NEXT(cpu, u);
}
THEN_NEXT(pop_sreg64, pop_sreg(cpu, u, 64)) /* FS and GS alone */
const struct exec exec_pop_sreg = {.fn = {[FORM_R] = EXEC_V(pop_sreg16, pop_sreg32, pop_sreg64)}};

/* ---- LES LDS LSS LFS LGS ---- */

/* The far pointer is one operand: its second half does not wrap around. */
static inline bool load_far(struct cpu *cpu, const struct uop *u, enum seg seg, unsigned bits)
{
	uint64_t ea = uop_ea(cpu, u);
	struct rd offset = seg_read(&cpu->mmu, (enum seg)u->seg, ea, bits / 8);

	if (!offset.ok)
		return false;
	struct rd sel = seg_read(&cpu->mmu, (enum seg)u->seg, ea + bits / 8, 2);
	if (!sel.ok || !load_data_segment(cpu, seg, (uint16_t)sel.v))
		return false;
	reg_write(cpu, u->dst, bits, offset.v);
	return true;
}

#define LOAD_FAR(name, seg, THEN)                    \
	THEN(name##16, load_far(cpu, u, (seg), 16)) \
	THEN(name##32, load_far(cpu, u, (seg), 32)) \
	THEN(name##64, load_far(cpu, u, (seg), 64)) \
	const struct exec exec_##name = {.fn = {[FORM_RM] = EXEC_V(name##16, name##32, name##64)}};
LOAD_FAR(les, SEG_ES, THEN_NEXT)
LOAD_FAR(lds, SEG_DS, THEN_NEXT)
LOAD_FAR(lfs, SEG_FS, THEN_NEXT)
LOAD_FAR(lgs, SEG_GS, THEN_NEXT)
LOAD_FAR(lss, SEG_SS, THEN_LEAVE)

/* ---- LAR LSL VERR VERW ARPL ---- */

/* System types each accepts, bit n: type n (SDM 2A "LAR" and "LSL", tables
 * of segment and gate types): protected mode, IA-32e mode. */
static const uint32_t lar_types[2] = {0x1a3e, 0x1a04}, lsl_types[2] = {0x0a0e, 0x0a04}, no_types[2];

/* Does the selector name a descriptor that is visible at CPL and RPL?  *ok false:
 * it does not, ZF becomes 0.  Returns false with a #PF only. */
static bool probe_descriptor(struct cpu *cpu, uint16_t sel, const uint32_t types[2], struct descriptor *d, bool *ok)
{
	if (!desc_probe(cpu, d, sel, ok))
		return false;
	if (!*ok)
		return true;
	*ok = (d->seg.s || (types[in_ia32e(cpu)] >> d->seg.type & 1)) &&
	      (seg_is_conforming(&d->seg) || (cpu->s.cpl <= d->seg.dpl && (sel & SEL_RPL) <= d->seg.dpl));
	return true;
}

static inline void set_zf(struct cpu *cpu, bool zf) { cpu->f.z = !zf; }

/* Bits 19:16 of LAR's result are undefined in the SDM; processors leave the
 * limit's bits there. */
static bool lar(struct cpu *cpu, const struct uop *u, unsigned bits, struct rd sel)
{
	struct descriptor d;
	bool ok;

	if (!sel.ok || !probe_descriptor(cpu, (uint16_t)sel.v, lar_types, &d, &ok))
		return false;
	if (ok)
		reg_write(cpu, u->dst, bits, (d.raw >> 32) & (bits == 16 ? 0xff00 : 0x00ffff00));
	set_zf(cpu, ok);
	return true;
}

static bool lsl(struct cpu *cpu, const struct uop *u, unsigned bits, struct rd sel)
{
	struct descriptor d;
	bool ok;

	if (!sel.ok || !probe_descriptor(cpu, (uint16_t)sel.v, lsl_types, &d, &ok))
		return false;
	if (ok)
		reg_write(cpu, u->dst, bits, d.seg.limit);
	set_zf(cpu, ok);
	return true;
}

#define LAR_LSL(name)                                                    \
	THEN_NEXT(name##_r16, name(cpu, u, 16, register16(cpu, u->src))) \
	THEN_NEXT(name##_r32, name(cpu, u, 32, register16(cpu, u->src))) \
	THEN_NEXT(name##_r64, name(cpu, u, 64, register16(cpu, u->src))) \
	THEN_NEXT(name##_m16, name(cpu, u, 16, memory16(cpu, u)))        \
	THEN_NEXT(name##_m32, name(cpu, u, 32, memory16(cpu, u)))        \
	THEN_NEXT(name##_m64, name(cpu, u, 64, memory16(cpu, u)))        \
	const struct exec exec_##name = {                                \
		.fn = {[FORM_RR] = EXEC_V(name##_r16, name##_r32, name##_r64), \
		       [FORM_RM] = EXEC_V(name##_m16, name##_m32, name##_m64)}};
LAR_LSL(lar)
LAR_LSL(lsl)

static bool verr(struct cpu *cpu, struct rd sel)
{
	struct descriptor d;
	bool ok;

	if (!sel.ok || !probe_descriptor(cpu, (uint16_t)sel.v, no_types, &d, &ok))
		return false;
	set_zf(cpu, ok && seg_is_readable(&d.seg));
	return true;
}

static bool verw(struct cpu *cpu, struct rd sel)
{
	struct descriptor d;
	bool ok;

	if (!sel.ok || !probe_descriptor(cpu, (uint16_t)sel.v, no_types, &d, &ok))
		return false;
	set_zf(cpu, ok && seg_is_writable_data(&d.seg));
	return true;
}
THEN_NEXT(verr_r, verr(cpu, register16(cpu, u->dst)))
THEN_NEXT(verr_m, verr(cpu, memory16(cpu, u)))
THEN_NEXT(verw_r, verw(cpu, register16(cpu, u->dst)))
THEN_NEXT(verw_m, verw(cpu, memory16(cpu, u)))
const struct exec exec_verr = {.fn = {[FORM_R] = EXEC_ALL(verr_r), [FORM_M] = EXEC_ALL(verr_m)}};
const struct exec exec_verw = {.fn = {[FORM_R] = EXEC_ALL(verw_r), [FORM_M] = EXEC_ALL(verw_m)}};

/* The destination with the greater RPL of the two; *raised: it changed. */
static inline uint16_t adjusted(uint16_t dst, uint16_t src, bool *raised)
{
	*raised = (dst & SEL_RPL) < (src & SEL_RPL);
	return *raised ? (uint16_t)((dst & ~SEL_RPL) | (src & SEL_RPL)) : dst;
}

static bool arpl_register(struct cpu *cpu, const struct uop *u)
{
	bool raised;

	*reg16(cpu, u->dst) = adjusted(*reg16(cpu, u->dst), *reg16(cpu, u->src), &raised);
	set_zf(cpu, raised);
	return true;
}

static bool arpl_memory(struct cpu *cpu, const struct uop *u)
{
	struct rmw dst = seg_rmw(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), 2);
	bool raised;

	if (!dst.ok)
		return false;
	rmw_write(&cpu->mmu, &dst, 2, adjusted((uint16_t)dst.v, *reg16(cpu, u->src), &raised));
	set_zf(cpu, raised);
	return true;
}
THEN_NEXT(arpl_r, arpl_register(cpu, u))
THEN_NEXT(arpl_m, arpl_memory(cpu, u))
const struct exec exec_arpl = {.fn = {[FORM_RR] = EXEC_ALL(arpl_r), [FORM_MR] = EXEC_ALL(arpl_m)}};

/* ---- GDTR and IDTR ---- */

/* UMIP: SGDT SIDT SLDT SMSW STR outside CPL 0 are #GP(0). */
static inline bool may_store_system(struct cpu *cpu)
{
	if (LIKELY(cpu->s.cpl == 0 || !(cpu->s.cr4 & CR4_UMIP)))
		return true;
	return cpu_raise(cpu, VEC_GP, 0, WHY_UMIP);
}

/* A 16-bit operand size loads 24 bits of the base, 64-bit mode all 64. */
static inline bool load_table(struct cpu *cpu, const struct uop *u, struct table_register *table, unsigned bits)
{
	uint64_t ea = uop_ea(cpu, u), mask = bits == 16 ? 0xffffff : UINT64_MAX;

	if (!privileged(cpu))
		return false;
	struct rd limit = seg_read(&cpu->mmu, (enum seg)u->seg, ea, 2);
	if (!limit.ok)
		return false;
	struct rd base = seg_read(&cpu->mmu, (enum seg)u->seg, ea + 2, bits == 64 ? 8 : 4);
	if (!base.ok)
		return false;
	if (bits == 64 && !base_canonical(cpu, base.v))
		return cpu_raise(cpu, VEC_GP, 0, WHY_TABLE_NON_CANONICAL);
	*table = (struct table_register){.limit = (uint16_t)limit.v, .base = base.v & mask};
	return true;
}
THEN_NEXT(lgdt16, load_table(cpu, u, &cpu->s.gdtr, 16))
THEN_NEXT(lgdt32, load_table(cpu, u, &cpu->s.gdtr, 32))
THEN_NEXT(lgdt64, load_table(cpu, u, &cpu->s.gdtr, 64))
THEN_NEXT(lidt16, load_table(cpu, u, &cpu->s.idtr, 16))
THEN_NEXT(lidt32, load_table(cpu, u, &cpu->s.idtr, 32))
THEN_NEXT(lidt64, load_table(cpu, u, &cpu->s.idtr, 64))
const struct exec exec_lgdt = {.fn = {[FORM_M] = EXEC_V(lgdt16, lgdt32, lgdt64)}};
const struct exec exec_lidt = {.fn = {[FORM_M] = EXEC_V(lidt16, lidt32, lidt64)}};

/* With both operand sizes all 32 bits of the base are stored, in 64-bit mode 64 (SDM 2B "SGDT",
 * Operation).  Four bytes first: the operand wants the alignment of a doubleword
 * (SDM 3A, "Alignment Requirements by Data Type"). */
static bool store_table(struct cpu *cpu, const struct uop *u, const struct table_register *table)
{
	enum seg seg = (enum seg)u->seg;
	uint64_t ea = uop_ea(cpu, u);
	unsigned size = u->width == 64 ? 10 : 6;

	if (!may_store_system(cpu) || !seg_probe_write(&cpu->mmu, seg, ea, size))
		return false;
	if (!seg_write(&cpu->mmu, seg, ea, 4, table->limit | (table->base & 0xffff) << 16))
		return false;
	if (size == 10 && !seg_write(&cpu->mmu, seg, ea + 4, 4, table->base >> 16 & UINT32_MAX))
		return false;
	return seg_write(&cpu->mmu, seg, ea + size - 2, 2, table->base >> (size == 10 ? 48 : 16) & 0xffff);
}
THEN_NEXT(sgdt, store_table(cpu, u, &cpu->s.gdtr))
THEN_NEXT(sidt, store_table(cpu, u, &cpu->s.idtr))
const struct exec exec_sgdt = {.fn = {[FORM_M] = EXEC_ALL(sgdt)}};
const struct exec exec_sidt = {.fn = {[FORM_M] = EXEC_ALL(sidt)}};

/* ---- LDTR and TR ---- */

/* The base of a descriptor of 16 bytes. */
static bool widen_base(struct cpu *cpu, struct descriptor *d, uint64_t upper)
{
	d->seg.base |= upper << 32;
	return base_canonical(cpu, d->seg.base) ||
	       cpu_raise(cpu, VEC_GP, d->seg.sel & ~SEL_RPL, WHY_SYSTEM_BASE_NON_CANONICAL);
}

static bool lldt(struct cpu *cpu, uint16_t sel)
{
	struct descriptor d = {.raw = 0};
	uint32_t error = sel & ~SEL_RPL;
	uint64_t upper = 0;

	if (sel_null(sel)) {
		d.seg = null_segment(sel);
	} else {
		if (sel & SEL_TI)
			return cpu_raise(cpu, VEC_GP, error, WHY_LLDT_TABLE);
		if (!desc_read(cpu, &d, sel, VEC_GP, 0, WHY_LLDT_TABLE))
			return false;
		if (d.seg.s || d.seg.type != SYS_LDT)
			return cpu_raise(cpu, VEC_GP, error, WHY_LLDT_TYPE);
		if (in_ia32e(cpu) && !desc_read_upper(cpu, &d, WHY_LLDT_TABLE, &upper))
			return false;
		if (!d.seg.present)
			return cpu_raise(cpu, VEC_NP, error, WHY_LLDT_NOT_PRESENT);
		if (!widen_base(cpu, &d, upper))
			return false;
	}
	set_segment(cpu, SEG_LDTR, &d.seg);
	return true;
}

static bool is_available_tss(const struct cpu *cpu, const struct segment *seg)
{
	return !seg->s && (seg->type == SYS_TSS32_AVAIL || (seg->type == SYS_TSS16_AVAIL && !in_ia32e(cpu)));
}

static bool ltr(struct cpu *cpu, uint16_t sel)
{
	struct descriptor d = {.raw = 0};
	uint32_t error = sel & ~SEL_RPL;
	uint64_t upper = 0;

	if (sel_null(sel))
		return cpu_raise(cpu, VEC_GP, 0, WHY_LTR_NULL);
	if (sel & SEL_TI)
		return cpu_raise(cpu, VEC_GP, error, WHY_LTR_TABLE);
	if (!desc_read(cpu, &d, sel, VEC_GP, 0, WHY_LTR_TABLE))
		return false;
	if (!is_available_tss(cpu, &d.seg))
		return cpu_raise(cpu, VEC_GP, error, WHY_LTR_TYPE);
	if (in_ia32e(cpu) && !desc_read_upper(cpu, &d, WHY_LTR_TABLE, &upper))
		return false;
	if (!d.seg.present)
		return cpu_raise(cpu, VEC_NP, error, WHY_LTR_NOT_PRESENT);
	if (!widen_base(cpu, &d, upper))
		return false;
	if (!desc_set_busy(cpu, sel, true))
		return false;
	d.seg.type |= SYS_TSS32_BUSY ^ SYS_TSS32_AVAIL;
	set_segment(cpu, SEG_TR, &d.seg);
	return true;
}

/* CPL is checked before the operand is read. */
static bool load_system(struct cpu *cpu, const struct uop *u, bool memory, bool (*load)(struct cpu *cpu, uint16_t sel))
{
	if (!privileged(cpu))
		return false;
	struct rd sel = memory ? memory16(cpu, u) : register16(cpu, u->dst);
	return sel.ok && load(cpu, (uint16_t)sel.v);
}
THEN_NEXT(lldt_r, load_system(cpu, u, false, lldt))
THEN_NEXT(lldt_m, load_system(cpu, u, true, lldt))
THEN_NEXT(ltr_r, load_system(cpu, u, false, ltr))
THEN_NEXT(ltr_m, load_system(cpu, u, true, ltr))
const struct exec exec_lldt = {.fn = {[FORM_R] = EXEC_ALL(lldt_r), [FORM_M] = EXEC_ALL(lldt_m)}};
const struct exec exec_ltr = {.fn = {[FORM_R] = EXEC_ALL(ltr_r), [FORM_M] = EXEC_ALL(ltr_m)}};

#define STORE_SYSTEM(name, value)                                                                   \
	THEN_NEXT(name##_r16, may_store_system(cpu) && write_register(cpu, u->dst, 16, (value)))    \
	THEN_NEXT(name##_r32, may_store_system(cpu) && write_register(cpu, u->dst, 32, (value)))    \
	THEN_NEXT(name##_r64, may_store_system(cpu) && write_register(cpu, u->dst, 64, (value)))    \
	THEN_NEXT(name##_m, may_store_system(cpu) && store16(cpu, u, (uint16_t)(value)))            \
	const struct exec exec_##name = {                                                           \
		.fn = {[FORM_R] = EXEC_V(name##_r16, name##_r32, name##_r64), [FORM_M] = EXEC_ALL(name##_m)}};
STORE_SYSTEM(sldt, cpu->s.seg[SEG_LDTR].sel)
STORE_SYSTEM(str, cpu->s.seg[SEG_TR].sel)
/* A 32-bit register gets all of CR0: the SDM leaves the upper half undefined; of 64 bits it says so. */
STORE_SYSTEM(smsw, cpu->s.cr0)
