/* Loading segment registers, and the state that hangs on them.
 * Sources: SDM 2A, "MOV" (Operation); SDM 3A, "Segment Registers", "Privilege
 * Level Checking When Accessing Data Segments", "Loading the SS Register". */
#include "cpu/model.h"
#include "cpu/stackswitch.h"

#define TYPE_DATA_RW (TYPE_WRITABLE | TYPE_ACCESSED)

static uint64_t mask_of(const struct cpu *cpu, enum seg seg)
{
	return in_long64(cpu) ? UINT64_MAX : cpu->s.seg[seg].db ? UINT32_MAX : UINT16_MAX;
}

static void follow_stack(struct cpu *cpu)
{
	cpu->sp_mask = mask_of(cpu, SEG_SS);
	cpu->sp_keep = cpu->sp_mask == UINT16_MAX ? ~cpu->sp_mask : 0;
}

/* CS.L decides on 64-bit mode, and that on the stack. */
static void follow_code(struct cpu *cpu)
{
	bool wide = in_long64(cpu);

	cpu->ip_mask = mask_of(cpu, SEG_CS);
	cpu->ip_bias = wide ? UINT64_C(1) << (cpu->mmu.lin_bits - 1) : 0;
	cpu->ip_limit = wide ? (UINT64_C(1) << cpu->mmu.lin_bits) - 1 : cpu->s.seg[SEG_CS].limit;
	follow_stack(cpu);
	cpu->epoch += cpu->epoch == UINT32_MAX ? 2 : 1; /* 0 is no epoch */
}

void segment_changed(struct cpu *cpu, enum seg seg)
{
	mmu_segment_changed(&cpu->mmu, seg);
	if (seg == SEG_SS)
		follow_stack(cpu);
	else if (seg == SEG_CS)
		follow_code(cpu);
}

struct segment flat_segment(uint16_t sel, unsigned type, unsigned dpl)
{
	return (struct segment){.limit = 0xffffffff, .sel = sel, .type = (uint8_t)type, .dpl = (uint8_t)dpl,
				.s = true, .present = true, .db = true, .g = true, .usable = true};
}

/* What the hidden part holds beside "unusable" is undefined (SDM 3C, "Saving
 * Segment Registers and Descriptor-Table Registers"): here what lets real mode go
 * on with a 64-KByte segment. */
struct segment null_segment(uint16_t sel)
{
	return (struct segment){.sel = sel, .limit = 0xffff, .type = TYPE_DATA_RW, .s = true};
}

struct segment null_data_segment(const struct cpu *cpu, enum seg seg, uint16_t sel)
{
	struct segment null = null_segment(sel);

	if (in_ia32e(cpu) && cpu->model->amd && (seg == SEG_FS || seg == SEG_GS))
		null.base = cpu->s.seg[seg].base;
	return null;
}

/* A real-mode load writes selector and base only (SDM 3A, "Switching Back to
 * Real-Address Mode"): limit and rights from protected mode stay. */
struct segment real_segment(const struct segment *old, uint16_t sel)
{
	struct segment v = *old;

	v.sel = sel;
	v.base = (uint32_t)sel << 4;
	v.usable = true;
	v.present = true;
	return v;
}

/* SDM 3C, "Checks on Guest Segment Registers" lists these values for
 * virtual-8086 mode: limit 0xffff, access rights 0xf3. */
struct segment vm86_segment(uint16_t sel)
{
	return (struct segment){
		.base = (uint32_t)sel << 4,
		.limit = 0xffff,
		.sel = sel,
		.type = TYPE_DATA_RW,
		.dpl = 3,
		.s = true,
		.present = true,
		.usable = true,
	};
}

/* SS in protected mode.  #GP(0), #GP(sel), #SS(sel) in the order of SDM 2A,
 * "MOV". */
static bool check_stack_segment(struct cpu *cpu, struct descriptor *d, uint16_t sel)
{
	uint32_t error = sel & ~SEL_RPL;

	if (sel_null(sel)) {
		/* SDM 2A, "MOV", 64-BIT_MODE: levels 0 to 2 may. */
		if (!in_long64(cpu) || cpu->s.cpl == 3 || (sel & SEL_RPL) != cpu->s.cpl)
			return cpu_raise(cpu, VEC_GP, 0, WHY_LOAD_SS_NULL);
		*d = (struct descriptor){.seg = null_stack(cpu->s.cpl)};
		return true;
	}
	if (!desc_read(cpu, d, sel, VEC_GP, 0, WHY_LOAD_SS_TABLE))
		return false;
	if ((sel & SEL_RPL) != cpu->s.cpl)
		return cpu_raise(cpu, VEC_GP, error, WHY_LOAD_SS_RPL);
	if (!seg_is_writable_data(&d->seg))
		return cpu_raise(cpu, VEC_GP, error, WHY_LOAD_SS_TYPE);
	if (d->seg.dpl != cpu->s.cpl)
		return cpu_raise(cpu, VEC_GP, error, WHY_LOAD_SS_DPL);
	if (!d->seg.present)
		return cpu_raise(cpu, VEC_SS, error, WHY_LOAD_SS_NOT_PRESENT);
	return true;
}

/* DS, ES, FS, GS in protected mode with a selector that is not null. */
static bool check_data_segment(struct cpu *cpu, struct descriptor *d, uint16_t sel)
{
	uint32_t error = sel & ~SEL_RPL;
	unsigned rpl = sel & SEL_RPL;

	if (!desc_read(cpu, d, sel, VEC_GP, 0, WHY_LOAD_SEG_TABLE))
		return false;
	if (!seg_is_readable(&d->seg))
		return cpu_raise(cpu, VEC_GP, error, WHY_LOAD_SEG_TYPE);
	if (!seg_is_conforming(&d->seg) && (rpl > d->seg.dpl || cpu->s.cpl > d->seg.dpl))
		return cpu_raise(cpu, VEC_GP, error, WHY_LOAD_SEG_DPL);
	if (!d->seg.present)
		return cpu_raise(cpu, VEC_NP, error, WHY_LOAD_SEG_NOT_PRESENT);
	return true;
}

bool load_data_segment(struct cpu *cpu, enum seg seg, uint16_t sel)
{
	struct descriptor d;

	if (in_real(cpu)) {
		d.seg = real_segment(&cpu->s.seg[seg], sel);
	} else if (in_vm86(cpu)) {
		d.seg = vm86_segment(sel);
	} else if (seg != SEG_SS && sel_null(sel)) {
		d.seg = null_data_segment(cpu, seg, sel);
	} else {
		bool ok = seg == SEG_SS ? check_stack_segment(cpu, &d, sel) : check_data_segment(cpu, &d, sel);

		if (!ok || !desc_set_accessed(cpu, &d))
			return false;
	}
	set_segment(cpu, seg, &d.seg);
	return true;
}
