/* SYSCALL and SYSRET: CS and SS get fixed values from STAR, no descriptor is read and no stack is switched.
 * Sources: SDM 2B "SYSCALL", "SYSRET", Operation; APM 3 "SYSCALL", "SYSRET", for models with AMD's rules: outside
 * 64-bit mode too, SYSRET leaves SS's hidden part alone and checks RCX only when code is fetched there. */
#include "cpu/deliver.h"
#include "cpu/desc.h"
#include "cpu/ending.h"
#include "cpu/model.h"

#define TYPE_CODE_RXA (TYPE_CODE | TYPE_READABLE | TYPE_ACCESSED)
#define TYPE_DATA_RWA (TYPE_WRITABLE | TYPE_ACCESSED)

/* The flags that SYSRET takes from R11; RF and VM become 0. */
#define SYSRET_FLAGS 0x3c7fd7u

static uint16_t star_selector(const struct cpu *cpu, unsigned shift) { return (uint16_t)(cpu->s.star >> shift); }

/* code64: a code segment of 64-bit mode, else a 32-bit one. */
static void load_cs(struct cpu *cpu, uint16_t sel, unsigned cpl, bool code64)
{
	struct segment cs = flat_segment(sel, TYPE_CODE_RXA, cpl);

	cs.l = code64;
	cs.db = !code64;
	set_cpl(cpu, cpl);
	set_segment(cpu, SEG_CS, &cs);
}

static void load_ss(struct cpu *cpu, uint16_t sel, unsigned cpl)
{
	struct segment ss = flat_segment(sel, TYPE_DATA_RWA, cpl);

	set_segment(cpu, SEG_SS, &ss);
}

/* Single-stepping goes by TF as it is afterwards: SFMASK keeps the trap out of the system call, and R11's TF
 * traps right behind SYSRET. */
static void step_by_new_flags(struct cpu *cpu)
{
	cpu->step_inhibit = true;
	if (cpu->s.rflags & FLAG_TF)
		cpu->s.pending_dr6 |= DR6_BS;
}

/* ---- SYSCALL ---- */

static bool may_syscall(struct cpu *cpu)
{
	if (!(cpu->s.efer & EFER_SCE))
		return cpu_raise(cpu, VEC_UD, 0, WHY_SYSCALL_DISABLED);
	return true;
}

/* Into 64-bit mode, from 64-bit mode or (AMD) compatibility mode. */
static void syscall_ia32e(struct cpu *cpu, uint64_t next)
{
	uint64_t flags = cpu_flags(cpu), target = in_long64(cpu) ? cpu->s.lstar : cpu->s.cstar;
	uint16_t sel = star_selector(cpu, 32) & (uint16_t)~SEL_RPL;

	cpu->s.gpr.r64[RCX] = next;
	cpu->s.gpr.r64[R11] = cpu->model->amd ? flags & ~(uint64_t)FLAG_RF : flags;
	cpu_set_flags(cpu, flags & ~(cpu->s.sfmask | FLAG_RF));
	load_cs(cpu, sel, 0, true);
	load_ss(cpu, (uint16_t)(sel + 8), 0);
	cpu->s.rip = target;
}

/* AMD, outside IA-32e mode: to the EIP that STAR holds. */
static void syscall_legacy(struct cpu *cpu, uint64_t next)
{
	uint16_t sel = star_selector(cpu, 32) & (uint16_t)~SEL_RPL;

	set_reg32(cpu, RCX, (uint32_t)next);
	cpu_set_flags(cpu, cpu_flags(cpu) & ~(uint64_t)(FLAG_VM | FLAG_IF | FLAG_RF));
	load_cs(cpu, sel, 0, false);
	load_ss(cpu, (uint16_t)(sel + 8), 0);
	cpu->s.rip = (uint32_t)cpu->s.star;
}

static const struct uop *syscall_none(struct cpu *cpu, const struct uop *u)
{
	struct entry_record r = {.kind = ENTRY_SYSCALL, .when = cpu->icount, .cpu = (uint8_t)cpu->id,
				 .rax = cpu->s.gpr.r64[RAX]};
	uint64_t next = uop_next_rip(cpu, u);
	bool traced = trace_wanted(cpu->trace);

	if (!may_syscall(cpu))
		return uop_fault(cpu, u);
	if (traced) {
		where_now(cpu, &r.from);
		r.from.rip = uop_rip(cpu, u);
	}
	(in_ia32e(cpu) ? syscall_ia32e : syscall_legacy)(cpu, next);
	step_by_new_flags(cpu);
	if (traced) {
		where_now(cpu, &r.to);
		trace_entry(cpu->trace, &r);
	}
	return uop_leave_at(cpu, u);
}
const struct exec exec_syscall = {.fn = {[FORM_NONE] = EXEC_ALL(syscall_none)}};

/* ---- SYSRET ---- */

/* An Intel processor finds a bad RCX here, at CPL 0 and on the kernel's side; AMD's goes there first. */
static bool may_sysret(struct cpu *cpu, bool wide)
{
	if (!(cpu->s.efer & EFER_SCE))
		return cpu_raise(cpu, VEC_UD, 0, WHY_SYSCALL_DISABLED);
	if (in_real(cpu))
		return cpu_raise(cpu, VEC_GP, 0, WHY_SYSRET_REAL_MODE);
	if (!privileged(cpu))
		return false;
	if (wide && !cpu->model->amd && !mmu_canonical(&cpu->mmu, cpu->s.gpr.r64[RCX]))
		return cpu_raise(cpu, VEC_GP, 0, WHY_SYSRET_NON_CANONICAL);
	return true;
}

/* wide: to 64-bit mode, else to compatibility mode (or stays outside IA-32e mode). */
static void leave_to_user(struct cpu *cpu, bool wide)
{
	uint16_t base = star_selector(cpu, 48), ss = (uint16_t)(base + 8);
	uint64_t target = cpu->s.gpr.r64[RCX];

	if (in_long64(cpu))
		cpu_set_flags(cpu, cpu->s.gpr.r64[R11] & SYSRET_FLAGS);
	else
		cpu_set_flags(cpu, cpu_flags(cpu) | FLAG_IF);
	load_cs(cpu, (uint16_t)(base + (wide ? 16 : 0)) | 3, 3, wide);
	if (cpu->model->amd)
		cpu->s.seg[SEG_SS].sel = ss;
	else
		load_ss(cpu, ss | 3, 3);
	cpu->s.rip = wide ? target : (uint32_t)target;
}

static const struct uop *sysret_none(struct cpu *cpu, const struct uop *u)
{
	bool wide = u->width == 64;
	struct return_record r = {.kind = RET_SYSRET, .when = cpu->icount, .cpu = (uint8_t)cpu->id};
	bool traced = trace_wanted(cpu->trace);

	if (!may_sysret(cpu, wide))
		return uop_fault(cpu, u);
	if (traced) {
		where_now(cpu, &r.from);
		r.from.rip = uop_rip(cpu, u);
	}
	leave_to_user(cpu, wide);
	step_by_new_flags(cpu);
	if (traced) {
		where_now(cpu, &r.to);
		trace_returned(cpu->trace, &r);
	}
	return uop_leave_at(cpu, u);
}

const struct exec exec_sysret = {.fn = {[FORM_NONE] = EXEC_ALL(sysret_none)}};
