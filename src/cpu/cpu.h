/* struct cpu: one processor: its architectural state, its view of memory,
 * and what the interpreter keeps beside them.  The machine owns it. */
#ifndef TRAPGATE_CPU_CPU_H
#define TRAPGATE_CPU_CPU_H

#include "arch/fault.h"
#include "arch/state.h"
#include "arch/x86.h"
#include "bus/bus.h"
#include "bus/clock.h"
#include "cpu/flags.h"
#include "cpu/uop.h"
#include "decode/insn.h"
#include "mmu/mmu.h"
#include "trace/trace.h"

struct block;
struct block_cache;
struct cpu_model;

/* The interrupt pin: what the 8259 or the local APIC offers the processor.
 * acknowledge runs the INTA cycles and yields the vector. */
struct intr_pin {
	void *device;
	bool (*pending)(void *device);
	uint8_t (*acknowledge)(void *device, uint64_t *cause);
	/* Why does a request of this device not reach the pin?  For people. */
	const char *(*why_quiet)(void *device);
};

/* The local APIC as CPUID and the MSRs reach it; device NULL: the processor has none.  id: the
 * initial APIC ID, or -1 while the APIC is switched off; the MSRs are IA32_APIC_BASE, IA32_TSC_DEADLINE and 800h-8FFh.
 * False: #GP(0). */
struct local_apic {
	void *device;
	int (*id)(void *device);
	bool (*read)(void *device, uint32_t msr, uint64_t *value);
	bool (*write)(void *device, uint32_t msr, uint64_t value, uint64_t tsc);
	/* CR8: bits 7:4 of the task-priority register. */
	uint8_t (*cr8)(void *device);
	void (*set_cr8)(void *device, uint8_t value);
};

/* Why the handlers came back to the run loop. */
enum leave {
	LEAVE_LOOK,   /* instruction done, or none begun: look at events and limits */
	LEAVE_FAULT,  /* cpu->fault */
	LEAVE_ALONE,  /* the instruction at s.rip must run on its own */
};

enum stop {
	STOP_BUDGET,        /* clock reached the limit given to cpu_run */
	STOP_HALT,          /* HLT (or wait-for-SIPI): nothing to do before an event */
	STOP_SHUTDOWN,      /* triple fault */
	STOP_UNIMPLEMENTED, /* cpu->gap says what */
	STOP_REQUESTED,     /* cpu_request_stop (a device wants the machine to end) */
};

struct cpu {
	/* touched by every instruction */
	struct arch_state s;
	struct lazy_flags f;
	uint64_t icount;     /* retired instructions, REP iterations counted each */
	uint64_t run_until;  /* leave the fast path when icount would pass this */
	uint64_t sp_mask;    /* 0xffff or 0xffffffff: by SS.B; all ones in 64-bit mode */
	uint64_t sp_keep;    /* bits of RSP that stay when the stack pointer moves: those above SP on a 16-bit stack */
	uint64_t ip_mask;    /* 0xffff or 0xffffffff: by CS.D; all ones in 64-bit mode */
	/* Where code may lie: rip + ip_bias <= ip_limit.  Inside CS's limit; in 64-bit mode the canonical addresses. */
	uint64_t ip_bias, ip_limit;
	uint32_t epoch;      /* links between blocks hold while this stays */
	enum leave leave;
	struct block *block; /* being run */
	struct mmu mmu;

	struct fault fault;
	struct block_cache *cache;
	struct clock *clock;
	struct bus *bus;
	const struct cpu_model *model;
	uint64_t how;            /* what decode() is told of the model: DECODE_AMD, DECODE_FEATURE() */
	struct trace *trace;     /* never NULL */
	struct intr_pin intr;
	struct local_apic apic;
	unsigned id;

	/* between instructions */
	bool step_inhibit;       /* this instruction's TF trap is not taken (INT n cleared TF) */
	bool rep_resumes;        /* stopped between two REP iterations: RF is pushed as 1 */
	uint32_t mmu_epoch_seen;
	uint64_t until;          /* limit of the present cpu_run */

	/* REPE/REPNE CMPS or SCAS stopped between two iterations: the flags from before its
	 * first one, good if the next instruction to run is the same one (exec_string.c) */
	struct {
		struct lazy_flags flags;
		uint64_t icount, rip, cs_base;
		bool stopped;
	} rep;

	/* pins, latched */
	bool nmi_pending, init_pending, intr_line;
	bool sipi_pending;       /* it came while INIT was pending */
	uint8_t sipi_vector;
	uint64_t nmi_cause, intr_cause;
	struct { uint8_t intr, nmi; } told; /* what holds them, as the tracer was told last: enum hold */
	bool ferr;               /* FERR# level (follows the x87's ES, whatever CR0.NE) */
	void (*ferr_changed)(void *owner, bool level);
	void *ferr_owner;
	bool ignne;              /* IGNNE# pin: with CR0.NE = 0, x87 instructions run in spite of FERR# */

	bool plain;              /* oracle mode: each instruction decoded afresh */
	/* With plain: asked before each instruction, when every event before it has been taken.  The
	 * state may be written.  False: look at events and stops again before running it.  NULL: nobody asks. */
	bool (*before_instruction)(void *owner, struct cpu *cpu);
	void *before_owner;
	bool stop_requested;
	char gap[160];           /* STOP_UNIMPLEMENTED: what is missing */
	bool gapped;
};

/* bus, clock, trace outlive the cpu.  False: out of memory. */
bool cpu_init(struct cpu *cpu, unsigned id, struct bus *bus, struct clock *clock, struct trace *trace,
	      const struct cpu_model *model) MUST_CHECK;
void cpu_free(struct cpu *cpu);
/* Power-on (init = false) or INIT (init = true) state, SDM 3A "Processor
 * State After Reset". */
void cpu_reset(struct cpu *cpu, bool init);

/* Runs until icount == until, or something stops it earlier.  The clock's
 * timers between are the caller's: give a limit no later than the earliest. */
enum stop cpu_run(struct cpu *cpu, uint64_t until);
/* Its next tick is now: others had the time between.  What hangs on its last tick goes with it. */
static inline void cpu_set_time(struct cpu *cpu, uint64_t now)
{
	cpu->rep.icount += now - cpu->icount;
	cpu->icount = now;
}
/* Exactly one step: an event or one instruction (one REP iteration). */
enum stop cpu_step(struct cpu *cpu);

/* Pins. */
void cpu_set_intr(struct cpu *cpu, bool level, uint64_t cause);
void cpu_pulse_nmi(struct cpu *cpu, uint64_t cause);
void cpu_pulse_init(struct cpu *cpu);
/* Start-up IPI: starts a processor that waits for one, at sipi_vector * 1000h; others ignore it. */
void cpu_start(struct cpu *cpu, uint8_t sipi_vector);
void cpu_request_stop(struct cpu *cpu);
/* Halted (or waiting for a start-up IPI), and nothing is pending that would end that. */
bool cpu_is_waiting(const struct cpu *cpu);

/* After writing s from outside (loader, debugger, test): every derived thing
 * is computed again. */
void cpu_state_changed(struct cpu *cpu);

/* All of EFLAGS, the lazy ones computed; and back. */
static inline uint64_t cpu_flags(const struct cpu *cpu)
{
	return (cpu->s.rflags & ~(uint64_t)FLAGS_STATUS) | flags_status(&cpu->f) | FLAG_ONE;
}

/* Writes EFLAGS whole; the caller has merged what may not change.  Derived
 * state follows (bank for AC, mode for VM). */
void cpu_set_flags(struct cpu *cpu, uint64_t eflags);
/* Clears bits of EFLAGS that are no status flags. */
void cpu_clear_flags(struct cpu *cpu, uint64_t mask);

/* ---- registers, by the index of a uop's dst or src ---- */
static inline uint8_t *reg8(struct cpu *cpu, unsigned i) { return &cpu->s.gpr.r8[i]; }
static inline uint16_t *reg16(struct cpu *cpu, unsigned i) { return &cpu->s.gpr.r16[i]; }
/* 32-bit writes clear the upper half: always through set_reg32. */
static inline uint32_t reg32(const struct cpu *cpu, unsigned i) { return (uint32_t)cpu->s.gpr.r64[i]; }
static inline void set_reg32(struct cpu *cpu, unsigned i, uint32_t v) { cpu->s.gpr.r64[i] = v; }
/* A uop's dst/src index of a register number: width 8: byte index; 16: 4 * n;
 * 32, 64: n. */

/* Offset of the memory operand inside its segment. */
static inline uint64_t uop_ea(const struct cpu *cpu, const struct uop *u)
{
	uint64_t a = cpu->s.gpr.r64[u->base] + (cpu->s.gpr.r64[u->index] << u->scale) + (uint64_t)(int64_t)u->disp;

	return (a << u->addr_shift) >> u->addr_shift;
}

static inline uint64_t uop_rip(const struct cpu *cpu, const struct uop *u)
{
	return (cpu->s.rip + u->off) & cpu->ip_mask;
}
static inline uint64_t uop_next_rip(const struct cpu *cpu, const struct uop *u)
{
	return (cpu->s.rip + u->off + u->len) & cpu->ip_mask;
}

/* The clock as of this instruction, before a device is asked anything. */
static inline void cpu_sync_clock(struct cpu *cpu) { cpu->clock->now = cpu->icount; }

/* ---- endings of a handler ---- */
#if TRAPGATE_TAILCALL
#define RETURN_UOP(cpu, u) __attribute__((musttail)) return (u)->fn((cpu), (u))
#else
#define RETURN_UOP(cpu, u) return (u)
#endif
#define RETURN_NEXT(cpu, u) RETURN_UOP((cpu), (u) + 1)
/* Ends a handler with another one. */
#if TRAPGATE_TAILCALL
#define RETURN_CALL(fn, cpu, u) __attribute__((musttail)) return fn((cpu), (u))
#else
#define RETURN_CALL(fn, cpu, u) return fn((cpu), (u))
#endif

const struct uop *uop_fault(struct cpu *cpu, const struct uop *u);
/* The fault is the new context's: s.rip is already right (task switches). */
const struct uop *uop_fault_at(struct cpu *cpu, const struct uop *u);
const struct uop *uop_raise(struct cpu *cpu, const struct uop *u, enum vector vector, uint32_t error, enum why why);
const struct uop *uop_leave(struct cpu *cpu, const struct uop *u);
const struct uop *uop_leave_at(struct cpu *cpu, const struct uop *u);

/* Fills cpu->fault; returns false so that a check can `return cpu_raise(...)`. */
bool cpu_raise(struct cpu *cpu, enum vector vector, uint32_t error, enum why why);

/* An instruction or feature that is not built: stops the machine with exit
 * status 12 and the text.  Returns false, like raise. */
bool unimplemented(struct cpu *cpu, const char *what);

/* ---- stack, for instructions on the current stack ---- */
/* The offset n bytes below ESP, wrapped to the stack's size. */
static inline uint64_t stack_below(const struct cpu *cpu, unsigned n)
{
	return (cpu->s.gpr.r64[RSP] - n) & cpu->sp_mask;
}
/* RSP, ESP or SP := value, by the stack's size.  All above SP stays; above ESP it becomes 0, as with each result of
 * 32 bits (SDM 1, "General-Purpose Registers in 64-Bit Mode"). */
static inline void set_sp(struct cpu *cpu, uint64_t value)
{
	cpu->s.gpr.r64[RSP] = (cpu->s.gpr.r64[RSP] & cpu->sp_keep) | (value & cpu->sp_mask);
}

/* ---- modes ---- */
static inline bool in_protected(const struct cpu *cpu) { return cpu->s.cr0 & CR0_PE; }
static inline bool in_vm86(const struct cpu *cpu) { return cpu->s.rflags & FLAG_VM; }
/* IA-32e mode, and its 64-bit mode (the rest of it is compatibility mode).  SDM 3A, "Modes of Operation". */
static inline bool in_ia32e(const struct cpu *cpu) { return cpu->s.efer & EFER_LMA; }
static inline bool in_long64(const struct cpu *cpu) { return in_ia32e(cpu) && cpu->s.seg[SEG_CS].l; }
static inline bool in_real(const struct cpu *cpu) { return !(cpu->s.cr0 & CR0_PE); }
static inline enum decode_mode cpu_mode(const struct cpu *cpu)
{
	return in_real(cpu)      ? MODE_REAL
	       : in_vm86(cpu)    ? MODE_VM86
	       : !in_ia32e(cpu)  ? MODE_PROTECTED
	       : in_long64(cpu)  ? MODE_LONG64 : MODE_COMPAT;
}
static inline unsigned iopl(const struct cpu *cpu) { return (cpu->s.rflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT; }

/* The linear address of an offset in CS. */
static inline uint64_t code_linear(const struct cpu *cpu, uint64_t rip)
{
	return ((in_long64(cpu) ? 0 : cpu->s.seg[SEG_CS].base) + rip) & cpu->mmu.lin_mask;
}

/* The linear address of an offset in a segment: in 64-bit mode FS and GS alone have a base. */
static inline uint64_t seg_linear(const struct cpu *cpu, unsigned seg, uint64_t off)
{
	bool flat = in_long64(cpu) && seg != SEG_FS && seg != SEG_GS;

	return ((flat ? 0 : cpu->s.seg[seg].base) + off) & cpu->mmu.lin_mask;
}

/* May code lie at this offset in CS? */
static inline bool code_reaches(const struct cpu *cpu, uint64_t rip) { return rip + cpu->ip_bias <= cpu->ip_limit; }

/* May the base of a segment, a descriptor table or an MSR be this address?  What counts is the widest linear
 * address that the processor has, whatever CR4.LA57 is. */
bool base_canonical(const struct cpu *cpu, uint64_t base);

/* Near branches: is target inside CS (canonical in 64-bit mode)?  Else #GP(0) in cpu->fault. */
static inline bool near_target_ok(struct cpu *cpu, uint64_t target)
{
	if (LIKELY(code_reaches(cpu, target)))
		return true;
	return cpu_raise(cpu, VEC_GP, 0, in_long64(cpu) ? WHY_BRANCH_NON_CANONICAL : WHY_BRANCH_LIMIT);
}

/* How many iterations a REP may do now: at least 1; 1 under TF or debug
 * breakpoints.  The handler then calls rep_done(cpu, iterations) (adds
 * iterations - 1 to icount) and, if work is left, ends with uop_again(cpu, u). */
uint64_t rep_budget(const struct cpu *cpu);
void rep_done(struct cpu *cpu, uint64_t iterations);
const struct uop *uop_again(struct cpu *cpu, const struct uop *u);

#endif
