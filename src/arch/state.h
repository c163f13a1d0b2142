/* struct arch_state: what the architecture says a logical processor holds,
 * and nothing else.  No pointers: copying it is a snapshot, comparing it a
 * test.  Fields are wide enough for long mode; in 32-bit modes the upper
 * halves of the general registers are zero. */
#ifndef TRAPGATE_ARCH_STATE_H
#define TRAPGATE_ARCH_STATE_H

#include <stdbool.h>
#include <stdint.h>

enum gpr {
	RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI,
	R8, R9, R10, R11, R12, R13, R14, R15,
	GPR_ZERO, /* always 0: stands for an absent base or index */
	GPR_256,  /* always 256: the part of a RIP-relative displacement that fits no struct uop */
	GPR_RIP,  /* rip of struct arch_state: the base of RIP-relative operands */
	GPR_COUNT
};

/* One register file, seen at each width (little-endian hosts: the build
 * refuses others).  r32[2*n], r16[4*n], r8[8*n] are the low parts of r64[n];
 * r8[8*n + 1], n < 4, is AH CH DH BH. */
union gpr_file {
	uint64_t r64[GPR_COUNT];
	uint32_t r32[2 * GPR_COUNT];
	uint16_t r16[4 * GPR_COUNT];
	uint8_t r8[8 * GPR_COUNT];
};

/* ES..GS are numbered as in the SDM's Sreg field. */
enum seg { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEG_COUNT };

/* A segment register: the selector and the hidden part.  The attributes lie as in
 * bits 55:40 of a descriptor (SDM 3A, "Segment Descriptors"), with usable in the
 * place of a limit bit. */
struct segment {
	uint64_t base;
	uint32_t limit; /* in bytes, granularity applied */
	uint16_t sel;
	union {
		uint16_t attributes;
		struct {
			uint16_t type : 4; /* TYPE_* or enum sys_type */
			bool s : 1;        /* 1: code or data */
			uint16_t dpl : 2;
			bool present : 1;
			bool usable : 1;   /* 0: loaded with a null selector, or never loaded */
			uint16_t : 3;
			bool avl : 1, l : 1, db : 1, g : 1;
		};
	};
};
_Static_assert(sizeof(struct segment) == 16, "a segment register is two words");
#define SEGMENT_ATTRIBUTES 0xf0ffu /* what of bits 55:40 is no limit */
#define SEGMENT_USABLE     0x0100u

/* GDTR, IDTR. */
struct table_register {
	uint64_t base;
	uint16_t limit;
};

/* One x87 register: an 80-bit extended value. */
struct fp80 {
	uint64_t mantissa;
	uint16_t sign_exponent;
};

struct fpu_state {
	struct fp80 st[8]; /* physical registers R0..R7 */
	uint16_t cw, sw;   /* sw holds TOP */
	uint16_t tw;       /* full tag word, two bits each */
	uint16_t fop;      /* 11 bits */
	uint64_t fip, fdp;
	uint16_t fcs, fds;
};

/* 128 bits of a vector register: its elements by size, the first at index 0. */
union xmm {
	uint8_t u8[16];
	int8_t i8[16];
	uint16_t u16[8];
	int16_t i16[8];
	uint32_t u32[4];
	int32_t i32[4];
	uint64_t u64[2];
	int64_t i64[2];
};
/* A YMM register; lane[0] is the XMM register. */
union vec {
	union xmm lane[2];
	uint8_t u8[32];
	uint16_t u16[16];
	uint32_t u32[8];
	uint64_t u64[4];
};

enum activity { ACT_RUNNING, ACT_HALTED, ACT_SHUTDOWN, ACT_WAIT_SIPI };

/* Interruptibility (SDM 3C names it so for VMX; the conditions are those of
 * SDM 3A, "Masking Exceptions and Interrupts When Switching Stacks" and
 * "Handling Multiple NMIs"). */
#define SHADOW_STI   0x1u /* one instruction: maskable interrupts held back */
#define SHADOW_MOVSS 0x2u /* one instruction: interrupts, NMI and #DB held back */

struct arch_state {
	union {
		union gpr_file gpr;
		struct {
			uint64_t gpr_[GPR_RIP]; /* only a place: use gpr */
			uint64_t rip;
		};
	};
	uint64_t rflags; /* all of EFLAGS; see cpu_flags() while running */
	struct segment seg[SEG_COUNT];
	struct table_register gdtr, idtr;
	uint8_t cpl;
	uint8_t shadow;      /* SHADOW_* */
	bool nmi_blocked;    /* until the next IRET */
	uint8_t activity;    /* enum activity */
	uint32_t pending_dr6;/* DR6 bits of debug traps not delivered yet */

	uint64_t cr0, cr2, cr3, cr4, cr8, efer;
	uint64_t dr[4], dr6, dr7;
	uint64_t pdpte[4];   /* PAE: loaded with CR3 (SDM 3A, "PAE Paging") */

	/* From here on INIT leaves all as it is (SDM 3A, "Processor State After Reset"). */
	uint64_t pkru;       /* 32 bits (SDM 3A, "Protection Keys") */
	uint64_t tsc_offset; /* TSC = clock + offset */
	uint64_t pat;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint64_t star, lstar, cstar, sfmask; /* SYSCALL and SYSRET */
	uint64_t kernel_gs_base;             /* what SWAPGS swaps with GS's base */
	uint64_t tsc_aux;
	uint64_t misc_enable, mtrr_def_type;
	uint64_t mtrr_phys[16], mtrr_fixed[11];
	uint64_t mcg_status, bios_sign_id;

	struct fpu_state fpu; /* MM0-MM7 are the mantissas of R0-R7 */
	union vec vec[16];    /* XMM0-XMM15, YMM0-YMM15 */
	uint32_t mxcsr;
	uint64_t xcr0;
};

#endif
