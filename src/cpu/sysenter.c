/* SYSENTER and SYSEXIT.  SDM 2B "SYSENTER" and "SYSEXIT", Operation: CS and
 * SS get fixed values, no descriptor is read. */
#include "cpu/deliver.h"
#include "cpu/desc.h"
#include "cpu/ending.h"

static void enter_flat(struct cpu *cpu, uint16_t cs_sel, unsigned cpl, uint32_t esp, uint32_t eip)
{
	struct segment cs = flat_segment(cs_sel, TYPE_CODE | TYPE_READABLE | TYPE_ACCESSED, cpl);
	struct segment ss = flat_segment((uint16_t)(cs_sel + 8), TYPE_WRITABLE | TYPE_ACCESSED, cpl);

	set_cpl(cpu, cpl);
	set_segment(cpu, SEG_CS, &cs);
	set_segment(cpu, SEG_SS, &ss);
	set_reg32(cpu, RSP, esp);
	cpu->s.rip = eip;
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
	enter_flat(cpu, sel & ~SEL_RPL, 0, (uint32_t)cpu->s.sysenter_esp, (uint32_t)cpu->s.sysenter_eip);
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
	bool traced = trace_wanted(cpu->trace);

	if (in_real(cpu))
		return uop_raise(cpu, u, VEC_GP, 0, WHY_SYSEXIT_REAL_MODE);
	if (!privileged(cpu))
		return uop_fault(cpu, u);
	if (sel_null(sel))
		return uop_raise(cpu, u, VEC_GP, 0, WHY_SYSEXIT_CS_NULL);
	if (traced) {
		where_now(cpu, &r.from);
		r.from.rip = uop_rip(cpu, u);
	}
	enter_flat(cpu, (uint16_t)(sel + 16) | 3, 3, reg32(cpu, RCX), reg32(cpu, RDX));
	if (traced) {
		where_now(cpu, &r.to);
		trace_returned(cpu->trace, &r);
	}
	return uop_leave_at(cpu, u);
}
const struct exec exec_sysexit = {.fn = {[FORM_NONE] = EXEC_ALL(sysexit)}};
