/* SYSENTER and SYSEXIT.  SDM 2B "SYSENTER" and "SYSEXIT", Operation: CS and
 * SS get fixed values, no descriptor is read. */
#include "cpu/deliver.h"
#include "cpu/desc.h"
#include "cpu/ending.h"

/* wide: to 64-bit code. */
static void enter_flat(struct cpu *cpu, uint16_t cs_sel, unsigned cpl, uint64_t rsp, uint64_t rip, bool wide)
{
	const uint64_t mask = wide ? UINT64_MAX : UINT32_MAX;
	struct segment cs = flat_segment(cs_sel, TYPE_CODE | TYPE_READABLE | TYPE_ACCESSED, cpl);
	struct segment ss = flat_segment((uint16_t)(cs_sel + 8), TYPE_WRITABLE | TYPE_ACCESSED, cpl);

	cs.l = wide;
	cs.db = !wide;
	set_cpl(cpu, cpl);
	set_segment(cpu, SEG_CS, &cs);
	set_segment(cpu, SEG_SS, &ss);
	cpu->s.gpr.r64[RSP] = rsp & mask;
	cpu->s.rip = rip & mask;
}

static const struct uop *sysenter(struct cpu *cpu, const struct uop *u)
{
	struct entry_record r = {.kind = ENTRY_SYSENTER, .when = cpu->icount, .cpu = (uint8_t)cpu->id,
				 .rax = cpu->s.gpr.r64[RAX]};
	uint16_t sel = (uint16_t)cpu->s.sysenter_cs;
	bool traced = trace_wanted(cpu->trace);

	if (in_real(cpu))
		return uop_raise(cpu, u, VEC_GP, 0, WHY_SYSENTER_REAL_MODE);
	if (sel_null(sel))
		return uop_raise(cpu, u, VEC_GP, 0, WHY_SYSENTER_CS_NULL);
	if (traced) {
		where_now(cpu, &r.from);
		r.from.rip = uop_rip(cpu, u);
	}
	cpu_set_flags(cpu, cpu_flags(cpu) & ~(uint64_t)(FLAG_VM | FLAG_IF | FLAG_RF));
	enter_flat(cpu, sel & ~SEL_RPL, 0, cpu->s.sysenter_esp, cpu->s.sysenter_eip, in_ia32e(cpu));
	if (traced) {
		where_now(cpu, &r.to);
		trace_entry(cpu->trace, &r);
	}
	return uop_leave_at(cpu, u);
}
const struct exec exec_sysenter = {.fn = {[FORM_NONE] = EXEC_ALL(sysenter)}};

static const struct uop *sysexit(struct cpu *cpu, const struct uop *u)
{
	struct return_record r = {.kind = RET_SYSEXIT, .when = cpu->icount, .cpu = (uint8_t)cpu->id};
	uint16_t sel = (uint16_t)cpu->s.sysenter_cs;
	uint64_t rsp = cpu->s.gpr.r64[RCX], rip = cpu->s.gpr.r64[RDX];
	bool traced = trace_wanted(cpu->trace), wide = u->width == 64;

	if (in_real(cpu))
		return uop_raise(cpu, u, VEC_GP, 0, WHY_SYSEXIT_REAL_MODE);
	if (!privileged(cpu))
		return uop_fault(cpu, u);
	if (sel_null(sel))
		return uop_raise(cpu, u, VEC_GP, 0, WHY_SYSEXIT_CS_NULL);
	if (wide && !(mmu_canonical(&cpu->mmu, rsp) && mmu_canonical(&cpu->mmu, rip)))
		return uop_raise(cpu, u, VEC_GP, 0, WHY_SYSEXIT_NON_CANONICAL);
	if (traced) {
		where_now(cpu, &r.from);
		r.from.rip = uop_rip(cpu, u);
	}
	enter_flat(cpu, (uint16_t)(sel + (wide ? 32 : 16)) | 3, 3, rsp, rip, wide);
	if (traced) {
		where_now(cpu, &r.to);
		trace_returned(cpu->trace, &r);
	}
	return uop_leave_at(cpu, u);
}
const struct exec exec_sysexit = {.fn = {[FORM_NONE] = EXEC_ALL(sysexit)}};
