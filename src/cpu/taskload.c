/* A new task's segments.  SDM 3A, "Exception Conditions Checked During a Task
 * Switch" (table, the order of the P6 family); what makes a selector valid there:
 * "Interrupt 10 - Invalid TSS Exception", "Invalid TSS Conditions" (table). */
#include "cpu/stackswitch.h"
#include "cpu/tss.h"

struct loading {
	struct cpu *cpu;
	const struct task_state *s;
	uint32_t ext;
	bool ldt_absent; /* named, but not present: local selectors lead nowhere */
	bool cs_found, ss_found;
	struct descriptor cs, ss;
};

static bool raise_ts(const struct loading *l, uint16_t sel, enum why why)
{
	return cpu_raise(l->cpu, VEC_TS, sel_error(sel, l->ext), why);
}

/* The LDT selector is valid: null, or an LDT in the GDT.  That it is present is a
 * later check. */
static bool load_ldt(struct loading *l)
{
	uint16_t sel = l->s->ldt;
	struct descriptor d = {.raw = 0};

	if (sel_null(sel))
		return true;
	if (sel & SEL_TI)
		return raise_ts(l, sel, WHY_TASK_LDT_LOCAL);
	if (!desc_read(l->cpu, &d, sel, VEC_TS, l->ext, WHY_TASK_LDT_BEYOND_GDT))
		return false;
	if (d.seg.s || d.seg.type != SYS_LDT)
		return raise_ts(l, sel, WHY_TASK_LDT_TYPE);
	l->ldt_absent = !d.seg.present;
	if (d.seg.present)
		set_segment(l->cpu, SEG_LDTR, &d.seg);
	return true;
}

/* Of a code selector that leads nowhere there is no DPL to look at: that is
 * found out by check_cs(). */
static bool check_cs_privilege(struct loading *l)
{
	uint16_t sel = l->s->seg[SEG_CS];
	const struct segment *cs = &l->cs.seg;

	if (!desc_probe(l->cpu, &l->cs, sel, &l->cs_found))
		return false;
	if (!l->cs_found || !seg_is_code(cs))
		return true;
	if (seg_is_conforming(cs) && cs->dpl > (sel & SEL_RPL))
		return raise_ts(l, sel, WHY_TASK_CS_CONFORMING_DPL);
	if (!seg_is_conforming(cs) && cs->dpl != (sel & SEL_RPL))
		return raise_ts(l, sel, WHY_TASK_CS_DPL);
	return true;
}

static bool check_ss(struct loading *l)
{
	uint16_t sel = l->s->seg[SEG_SS];

	if (l->ldt_absent && (sel & SEL_TI))
		return true;
	if (sel_null(sel))
		return raise_ts(l, sel, WHY_TASK_SS_NULL);
	if (!desc_read(l->cpu, &l->ss, sel, VEC_TS, l->ext, WHY_TASK_SS_BEYOND_TABLE))
		return false;
	if (!seg_is_writable_data(&l->ss.seg))
		return raise_ts(l, sel, WHY_TASK_SS_TYPE);
	if (!l->ss.seg.present)
		return cpu_raise(l->cpu, VEC_SS, sel_error(sel, l->ext), WHY_TASK_SS_NOT_PRESENT);
	if (l->ss.seg.dpl != l->cpu->s.cpl)
		return raise_ts(l, sel, WHY_TASK_SS_DPL);
	return true;
}

static bool check_cs(struct loading *l)
{
	uint16_t sel = l->s->seg[SEG_CS];

	if (sel_null(sel))
		return raise_ts(l, sel, WHY_TASK_CS_NULL);
	if (!l->cs_found)
		return raise_ts(l, sel, WHY_TASK_CS_BEYOND_TABLE);
	if (!seg_is_code(&l->cs.seg))
		return raise_ts(l, sel, WHY_TASK_CS_TYPE);
	if (!l->cs.seg.present)
		return cpu_raise(l->cpu, VEC_NP, sel_error(sel, l->ext), WHY_TASK_CS_NOT_PRESENT);
	return true;
}

static bool load(struct loading *l, enum seg seg, struct descriptor *d)
{
	if (!desc_set_accessed(l->cpu, d))
		return false;
	set_segment(l->cpu, seg, &d->seg);
	return true;
}

static bool load_data(struct loading *l, enum seg seg)
{
	uint16_t sel = l->s->seg[seg];
	unsigned rpl = sel & SEL_RPL;
	struct descriptor d = {.raw = 0};

	if (sel_null(sel))
		return true;
	if (!desc_read(l->cpu, &d, sel, VEC_TS, l->ext, WHY_TASK_DATA_BEYOND_TABLE))
		return false;
	if (!seg_is_readable(&d.seg))
		return raise_ts(l, sel, WHY_TASK_DATA_TYPE);
	if (!d.seg.present)
		return cpu_raise(l->cpu, VEC_NP, sel_error(sel, l->ext), WHY_TASK_DATA_NOT_PRESENT);
	if (!seg_is_conforming(&d.seg) && (d.seg.dpl < l->cpu->s.cpl || d.seg.dpl < rpl))
		return raise_ts(l, sel, WHY_TASK_DATA_DPL);
	return load(l, seg, &d);
}

/* Virtual-8086 tasks have no descriptors to check. */
static void load_vm86(struct loading *l)
{
	for (unsigned i = 0; i < TSS_SEGMENTS; i++) {
		struct segment v = vm86_segment(l->s->seg[i]);
		set_segment(l->cpu, (enum seg)i, &v);
	}
}

bool task_load_segments(struct cpu *cpu, const struct task_state *s, uint32_t ext)
{
	static const enum seg data[] = {SEG_DS, SEG_ES, SEG_FS, SEG_GS};
	struct loading l = {.cpu = cpu, .s = s, .ext = ext};

	if (!load_ldt(&l))
		return false;
	if (!in_vm86(cpu) && (!check_cs_privilege(&l) || !check_ss(&l)))
		return false;
	if (l.ldt_absent)
		return raise_ts(&l, s->ldt, WHY_TASK_LDT_NOT_PRESENT);
	if (in_vm86(cpu)) {
		load_vm86(&l);
		return true;
	}
	if (!check_cs(&l) || !load(&l, SEG_CS, &l.cs))
		return false;
	if ((s->seg[SEG_SS] & SEL_RPL) != l.ss.seg.dpl)
		return raise_ts(&l, s->seg[SEG_SS], WHY_TASK_SS_RPL);
	if (!load(&l, SEG_SS, &l.ss))
		return false;
	for (unsigned i = 0; i < sizeof(data) / sizeof(data[0]); i++)
		if (!load_data(&l, data[i]))
			return false;
	return true;
}
