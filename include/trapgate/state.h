/* The architectural state of a processor, by the names of the Intel SDM. */
#ifndef TRAPGATE_STATE_H
#define TRAPGATE_STATE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Registers of tg_register_get() and tg_register_set().  New ones are added at the end. */
enum tg_register {
	TG_EAX,
	TG_ECX,
	TG_EDX,
	TG_EBX,
	TG_ESP,
	TG_EBP,
	TG_ESI,
	TG_EDI,
	TG_AX,
	TG_CX,
	TG_DX,
	TG_BX,
	TG_SP,
	TG_BP,
	TG_SI,
	TG_DI,
	TG_AL,
	TG_CL,
	TG_DL,
	TG_BL,
	TG_AH,
	TG_CH,
	TG_DH,
	TG_BH,
	TG_EIP,
	TG_EFLAGS,
	TG_ES,
	TG_CS,
	TG_SS,
	TG_DS,
	TG_FS,
	TG_GS,
	TG_LDTR,
	TG_TR, /* selectors, see tg_register_set() */
	TG_CPL,
	TG_GDTR_BASE,
	TG_GDTR_LIMIT,
	TG_IDTR_BASE,
	TG_IDTR_LIMIT,
	TG_CR0,
	TG_CR2,
	TG_CR3,
	TG_CR4,
	TG_DR0,
	TG_DR1,
	TG_DR2,
	TG_DR3,
	TG_DR6,
	TG_DR7,
	TG_FCW,
	TG_FSW,
	TG_FTW,
	TG_FOP,
	TG_FIP,
	TG_FCS,
	TG_FDP,
	TG_FDS,         /* FTW: two bits a register, 11B: empty */
	TG_SHADOW,      /* held back for one instruction: TG_SHADOW_STI, TG_SHADOW_MOVSS */
	TG_NMI_BLOCKED, /* 1: until the next IRET */
	TG_ACTIVITY,    /* enum tg_activity */
	/* of 64 bits; TG_EAX and so on are their lower halves, and writing those clears the upper ones */
	TG_RAX,
	TG_RCX,
	TG_RDX,
	TG_RBX,
	TG_RSP,
	TG_RBP,
	TG_RSI,
	TG_RDI,
	TG_R8,
	TG_R9,
	TG_R10,
	TG_R11,
	TG_R12,
	TG_R13,
	TG_R14,
	TG_R15,
	TG_RIP,
	TG_RFLAGS,
	TG_FS_BASE,
	TG_GS_BASE,
	TG_KERNEL_GS_BASE,
	TG_CR8,
	TG_EFER,
	TG_STAR,
	TG_LSTAR,
	TG_CSTAR,
	TG_SFMASK,
	TG_TSC_AUX,
	TG_PKRU,
	TG_XCR0,
	TG_MXCSR,
	TG_REGISTERS
};

#define TG_SHADOW_STI   1u
#define TG_SHADOW_MOVSS 2u
enum tg_activity { TG_RUNNING, TG_HALTED, TG_SHUT_DOWN, TG_WAIT_SIPI };

/* "eax"; NULL: no such register. */
TG_API const char *tg_register_name(enum tg_register reg);
/* The register of that name, in lower case.  Errors: ARGUMENT, NOT_FOUND. */
TG_API enum tg_error tg_register_find(const char *name, enum tg_register *reg);

/* Reads a register.  Inside callbacks: as of the instruction that is being executed.
 *   Errors: ARGUMENT; REGISTER. */
TG_API enum tg_error tg_register_get(struct tg_cpu *cpu, enum tg_register reg, uint64_t *value);

/* Writes a register.  A selector brings its hidden part along: in real and virtual-8086 mode the base follows, in
 * protected mode the descriptor is taken from GDT or LDT without any check of rights (null: unusable).  Nothing else
 * follows: a new CS does not change CPL. Errors: ARGUMENT; REGISTER; BUSY: the machine runs (allowed in instruction
 * hooks and at moments); VALUE: no processor of the model can hold it, or be in that state; UNMAPPED: the selector's
 * descriptor is beyond its table or cannot be read. */
TG_API enum tg_error tg_register_set(struct tg_cpu *cpu, enum tg_register reg, uint64_t value);

/* Model-specific registers, as RDMSR and WRMSR at CPL 0 do.
 *   Errors: ARGUMENT; REGISTER: no such register, see tg_machine_detail(); VALUE; BUSY as above. */
TG_API enum tg_error tg_msr_get(struct tg_cpu *cpu, uint32_t number, uint64_t *value);
TG_API enum tg_error tg_msr_set(struct tg_cpu *cpu, uint32_t number, uint64_t value);

/* A segment register, the hidden part decoded (SDM 3A, "Segment Descriptors"). */
struct tg_segment {
	uint64_t base;
	uint32_t limit; /* in bytes, granularity applied */
	uint16_t selector;
	uint8_t type, dpl;
	bool s, present, usable, avl, l, db, g; /* usable: not loaded with a null selector */
};

enum tg_segment_register {
	TG_SEG_ES,
	TG_SEG_CS,
	TG_SEG_SS,
	TG_SEG_DS,
	TG_SEG_FS,
	TG_SEG_GS,
	TG_SEG_LDTR,
	TG_SEG_TR,
	TG_SEGMENTS
};

/* Errors: ARGUMENT. */
TG_API enum tg_error tg_segment_get(struct tg_cpu *cpu, enum tg_segment_register which, struct tg_segment *segment);
/* Writes selector and hidden part as they are.  Errors: ARGUMENT; VALUE; BUSY as above. */
TG_API enum tg_error tg_segment_set(struct tg_cpu *cpu, enum tg_segment_register which,
				    const struct tg_segment *segment);

/* GDTR, IDTR. */
struct tg_table {
	uint64_t base;
	uint16_t limit;
};

/* A gate (SDM 3A, "IDT Descriptors", "Call Gates", "Task-Gate Descriptor"). */
struct tg_gate {
	uint32_t offset;
	uint16_t selector;
	uint8_t type; /* 5 task, 6/7 interrupt/trap of 16 bits, E/F of 32 bits, 4/C call */
	uint8_t dpl, parameters;
	bool present;
};

/* Eight bytes of a descriptor table as a number, and back.  Limits above 1 MiB need g and end in FFFh; the rest is
 * cut off.  decode keeps the selector given. */
TG_API uint64_t tg_segment_encode(const struct tg_segment *segment);
TG_API void tg_segment_decode(uint64_t raw, uint16_t selector, struct tg_segment *segment);
TG_API uint64_t tg_gate_encode(const struct tg_gate *gate);
TG_API void tg_gate_decode(uint64_t raw, struct tg_gate *gate);

/* An x87 register. */
struct tg_fp80 {
	uint64_t mantissa;
	uint16_t sign_exponent;
};

/* The x87's physical registers R0 to R7, not ST(i).  Errors: ARGUMENT; BUSY as above. */
TG_API enum tg_error tg_fpu_get(struct tg_cpu *cpu, unsigned n, struct tg_fp80 *value);
TG_API enum tg_error tg_fpu_set(struct tg_cpu *cpu, unsigned n, const struct tg_fp80 *value);

/* Everything at once. */
struct tg_state {
	size_t size;      /* sizeof(struct tg_state) */
	uint64_t gpr[16]; /* rAX rCX rDX rBX rSP rBP rSI rDI, R8 to R15 */
	uint64_t rip, rflags;
	struct tg_segment segment[TG_SEGMENTS];
	struct tg_table gdtr, idtr;
	uint8_t cpl, shadow, activity;
	bool nmi_blocked;
	uint32_t pending_dr6; /* DR6 bits of debug traps not delivered yet */
	uint64_t cr0, cr2, cr3, cr4, cr8, efer;
	uint64_t dr[4], dr6, dr7;
	uint64_t pdpte[4];   /* PAE paging: as loaded with CR3 */
	uint64_t tsc_offset; /* TSC = ticks + offset */
	uint64_t pat, sysenter_cs, sysenter_esp, sysenter_eip, misc_enable;
	uint64_t mtrr_def_type, mtrr_phys[16], mtrr_fixed[11];
	uint64_t mcg_status, bios_sign_id;
	struct tg_fp80 st[8]; /* physical registers */
	uint16_t fcw, fsw, ftw, fop, fcs, fds;
	uint64_t fip, fdp;
	uint64_t vector[16][4]; /* YMM0 to YMM15, the lowest 64 bits first; XMM0 to XMM15 are the first two of each */
	uint32_t mxcsr;
	uint64_t xcr0, pkru;
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux;
};

/* Errors: ARGUMENT, VERSION. */
TG_API enum tg_error tg_state_get(struct tg_cpu *cpu, struct tg_state *state);
/* Writes it whole or not at all; a smaller size of an earlier version leaves what came later as it is.  Errors: ARGUMENT, VERSION; VALUE; BUSY as above. */
TG_API enum tg_error tg_state_set(struct tg_cpu *cpu, const struct tg_state *state);

#ifdef __cplusplus
}
#endif

#endif
