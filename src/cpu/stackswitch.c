/* Stacks of inner levels, and the segments of outer ones.  SDM 3A, "Stack
 * Switching"; the Operation sections of CALL, INT n, RET, IRET. */
#include "cpu/stackswitch.h"

/* The current TSS holds SSn:ESPn from offset 4 on, 8 bytes each (32-bit TSS), or
 * SSn:SPn from 2 on, 4 bytes each (16-bit TSS). */
static uint64_t tss_address(const struct cpu *cpu, uint32_t offset)
{
	return (cpu->s.seg[SEG_TR].base + offset) & cpu->mmu.system_mask;
}

static bool tss_is_32bit(const struct segment *tr)
{
	return tr->type & (SYS_TSS32_AVAIL & ~SYS_TSS16_AVAIL);
}

bool tss_stack(struct cpu *cpu, unsigned level, uint32_t ext, uint16_t *ss, uint32_t *esp, enum stack_source *source)
{
	const struct segment *tr = &cpu->s.seg[SEG_TR];
	bool wide = tss_is_32bit(tr);
	uint32_t at = wide ? level * 8 + 4 : level * 4 + 2;
	unsigned sp_bytes = wide ? 4 : 2;

	*source = wide ? STACK_TSS32 : STACK_TSS16;
	if (at + sp_bytes + 1 > tr->limit)
		return cpu_raise(cpu, VEC_TS, sel_error(tr->sel, ext), WHY_TSS_STACK_LIMIT);

	struct rd new_ss = lin_read(&cpu->mmu, tss_address(cpu, at + sp_bytes), 2);
	if (!new_ss.ok)
		return false;
	struct rd new_sp = lin_read(&cpu->mmu, tss_address(cpu, at), sp_bytes);
	if (!new_sp.ok)
		return false;
	*ss = (uint16_t)new_ss.v;
	*esp = (uint32_t)new_sp.v;
	return true;
}

/* 64-bit TSS: RSP0 at 4, RSP1, RSP2, reserved, IST1 at 24H ... IST7. */
bool tss_stack64(struct cpu *cpu, unsigned n, uint32_t ext, uint64_t *rsp)
{
	const struct segment *tr = &cpu->s.seg[SEG_TR];
	uint32_t at = n * 8 + 4;

	if (at + 7 > tr->limit)
		return cpu_raise(cpu, VEC_TS, sel_error(tr->sel, ext), WHY_TSS_RSP_LIMIT);
	struct rd value = lin_read(&cpu->mmu, tss_address(cpu, at), 8);
	*rsp = value.v;
	return value.ok;
}

struct segment null_stack(unsigned cpl)
{
	struct segment ss = null_segment((uint16_t)cpl);

	ss.dpl = (uint16_t)(cpl & 3);
	return ss;
}

bool check_inner_stack(struct cpu *cpu, uint16_t ss_sel, unsigned new_cpl, uint32_t ext, struct segment *out)
{
	uint32_t error = sel_error(ss_sel, ext);
	struct descriptor d;

	if (sel_null(ss_sel))
		return cpu_raise(cpu, VEC_TS, ext, WHY_INNER_SS_NULL);
	if (!desc_read(cpu, &d, ss_sel, VEC_TS, ext, WHY_INNER_SS_BEYOND_TABLE))
		return false;
	if ((ss_sel & SEL_RPL) != new_cpl)
		return cpu_raise(cpu, VEC_TS, error, WHY_INNER_SS_RPL);
	if (d.seg.dpl != new_cpl)
		return cpu_raise(cpu, VEC_TS, error, WHY_INNER_SS_DPL);
	if (!seg_is_writable_data(&d.seg))
		return cpu_raise(cpu, VEC_TS, error, WHY_INNER_SS_TYPE);
	if (!d.seg.present)
		return cpu_raise(cpu, VEC_SS, error, WHY_INNER_SS_NOT_PRESENT);
	if (!desc_set_accessed(cpu, &d))
		return false;
	segment_copy(out, &d.seg);
	return true;
}

bool check_return_code(struct cpu *cpu, uint16_t cs_sel, struct descriptor *cs)
{
	unsigned rpl = cs_sel & SEL_RPL;
	uint32_t error = sel_error(cs_sel, 0);

	if (sel_null(cs_sel))
		return cpu_raise(cpu, VEC_GP, 0, WHY_RETURN_CS_NULL);
	if (!desc_read(cpu, cs, cs_sel, VEC_GP, 0, WHY_RETURN_CS_BEYOND_TABLE))
		return false;
	if (!seg_is_code(&cs->seg))
		return cpu_raise(cpu, VEC_GP, error, WHY_RETURN_CS_TYPE);
	if (UNLIKELY(cs->seg.l && cs->seg.db) && in_ia32e(cpu))
		return cpu_raise(cpu, VEC_GP, error, WHY_RETURN_CS_L_AND_D);
	if (rpl < cpu->s.cpl)
		return cpu_raise(cpu, VEC_GP, error, WHY_RETURN_CS_RPL);
	if (seg_is_conforming(&cs->seg) && cs->seg.dpl > rpl)
		return cpu_raise(cpu, VEC_GP, error, WHY_RETURN_CS_CONFORMING_DPL);
	if (!seg_is_conforming(&cs->seg) && cs->seg.dpl != rpl)
		return cpu_raise(cpu, VEC_GP, error, WHY_RETURN_CS_DPL);
	if (!cs->seg.present)
		return cpu_raise(cpu, VEC_NP, error, WHY_RETURN_CS_NOT_PRESENT);
	return true;
}

static bool return_null_stack(struct cpu *cpu, uint16_t ss_sel, unsigned rpl, const struct segment *cs,
			      struct descriptor *ss)
{
	if (!in_ia32e(cpu) || !cs->l || rpl == 3 || (ss_sel & SEL_RPL) != rpl)
		return cpu_raise(cpu, VEC_GP, 0, WHY_RETURN_SS_NULL);
	*ss = (struct descriptor){.seg = null_stack(rpl)};
	return true;
}

bool check_return_stack(struct cpu *cpu, uint16_t ss_sel, unsigned rpl, const struct segment *cs,
			struct descriptor *ss)
{
	uint32_t error = sel_error(ss_sel, 0);

	if (sel_null(ss_sel))
		return return_null_stack(cpu, ss_sel, rpl, cs, ss);
	if (!desc_read(cpu, ss, ss_sel, VEC_GP, 0, WHY_RETURN_SS_BEYOND_TABLE))
		return false;
	if ((ss_sel & SEL_RPL) != rpl)
		return cpu_raise(cpu, VEC_GP, error, WHY_RETURN_SS_RPL);
	if (!seg_is_writable_data(&ss->seg))
		return cpu_raise(cpu, VEC_GP, error, WHY_RETURN_SS_TYPE);
	if (ss->seg.dpl != rpl)
		return cpu_raise(cpu, VEC_GP, error, WHY_RETURN_SS_DPL);
	if (!ss->seg.present)
		return cpu_raise(cpu, VEC_SS, error, WHY_RETURN_SS_NOT_PRESENT);
	return true;
}

void drop_inner_segments(struct cpu *cpu)
{
	static const enum seg order[] = {SEG_ES, SEG_FS, SEG_GS, SEG_DS};

	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const struct segment *s = &cpu->s.seg[order[i]];
		bool too_inner = s->dpl < cpu->s.cpl && !seg_is_conforming(s);

		if (!s->usable && s->sel == 0)
			continue; /* null already */
		if (!s->usable || sel_null(s->sel) || too_inner) {
			struct segment null = null_data_segment(cpu, order[i], 0);
			if (!s->usable) /* a base that was written for itself stays */
				null.base = s->base;
			set_segment(cpu, order[i], &null);
		}
	}
}
