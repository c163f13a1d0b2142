/* Names of the architecture: register bits, vectors, descriptor types, MSRs.
 * All names are the SDM's (volume 3, "System Architecture Overview" and
 * "Protected-Mode Memory Management").  Constants only: no code, no state. */
#ifndef TRAPGATE_ARCH_X86_H
#define TRAPGATE_ARCH_X86_H

/* EFLAGS (SDM 1, "EFLAGS Register"). */
#define FLAG_CF   0x00000001u
#define FLAG_ONE  0x00000002u /* bit 1 always reads 1 */
#define FLAG_PF   0x00000004u
#define FLAG_AF   0x00000010u
#define FLAG_ZF   0x00000040u
#define FLAG_SF   0x00000080u
#define FLAG_TF   0x00000100u
#define FLAG_IF   0x00000200u
#define FLAG_DF   0x00000400u
#define FLAG_OF   0x00000800u
#define FLAG_IOPL 0x00003000u
#define FLAG_NT   0x00004000u
#define FLAG_RF   0x00010000u
#define FLAG_VM   0x00020000u
#define FLAG_AC   0x00040000u
#define FLAG_VIF  0x00080000u
#define FLAG_VIP  0x00100000u
#define FLAG_ID   0x00200000u
#define FLAG_IOPL_SHIFT 12
#define FLAGS_STATUS (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)
/* Every bit of EFLAGS that exists; the rest read as zero (bit 1 as one). */
#define FLAGS_DEFINED 0x003f7fd5u

/* CR0 */
#define CR0_PE 0x00000001u
#define CR0_MP 0x00000002u
#define CR0_EM 0x00000004u
#define CR0_TS 0x00000008u
#define CR0_ET 0x00000010u
#define CR0_NE 0x00000020u
#define CR0_WP 0x00010000u
#define CR0_AM 0x00040000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u

/* CR3, with CR4.PCIDE */
#define CR3_PCID     0x00000fffu
#define CR3_NO_FLUSH 0x8000000000000000u /* of the source of MOV to CR3; not stored */

/* CR4 */
#define CR4_VME        0x00000001u
#define CR4_PVI        0x00000002u
#define CR4_TSD        0x00000004u
#define CR4_DE         0x00000008u
#define CR4_PSE        0x00000010u
#define CR4_PAE        0x00000020u
#define CR4_MCE        0x00000040u
#define CR4_PGE        0x00000080u
#define CR4_PCE        0x00000100u
#define CR4_OSFXSR     0x00000200u
#define CR4_OSXMMEXCPT 0x00000400u
#define CR4_UMIP       0x00000800u
#define CR4_LA57       0x00001000u
#define CR4_FSGSBASE   0x00010000u
#define CR4_PCIDE      0x00020000u
#define CR4_OSXSAVE    0x00040000u
#define CR4_SMEP       0x00100000u
#define CR4_SMAP       0x00200000u
#define CR4_PKE        0x00400000u

/* XCR0: state components (SDM 1, "XSAVE-Supported Features and State-Component Bitmaps"). */
#define XCR0_X87 0x1u
#define XCR0_SSE 0x2u
#define XCR0_AVX 0x4u
#define XCR0_PKRU 0x200u

/* The XSAVE area, standard format (SDM 1, "XSAVE Area"). */
#define XSAVE_AREA_HEADER  512u
#define XSAVE_AREA_SSE_END 576u
#define XSAVE_AREA_AVX     576u
#define XSAVE_AREA_AVX_END 832u
#define XSAVE_AREA_PKRU    832u
#define XSAVE_AREA_END     840u

/* MXCSR (SDM 1, "MXCSR Control and Status Register"). */
#define MXCSR_RESET    0x00001f80u
#define MXCSR_WRITABLE 0x0000ffffu

/* PKRU: of key 0; key n is 2n bits higher. */
#define PKRU_AD 0x1u
#define PKRU_WD 0x2u

/* IA32_EFER */
#define EFER_SCE 0x0001u /* SYSCALL and SYSRET */
#define EFER_LME 0x0100u
#define EFER_LMA 0x0400u
#define EFER_NXE 0x0800u

/* DR6 and DR7 (SDM 3B, "Debug Registers"). */
#define DR6_B0     0x00000001u
#define DR6_BD     0x00002000u
#define DR6_BS     0x00004000u
#define DR6_BT     0x00008000u
#define DR6_FIXED1 0xffff0ff0u
#define DR7_FIXED1 0x00000400u
#define DR7_GD     0x00002000u
#define DR7_LE     0x00000100u
#define DR7_LOCAL  0x00000055u /* L0..L3: cleared by a task switch, with LE */
#define DR7_ENABLE_ANY 0x000000ffu /* L0..G3 */

/* Exception vectors (SDM 3A, "Exception and Interrupt Vectors"). */
enum vector {
	VEC_DE = 0,
	VEC_DB = 1,
	VEC_NMI = 2,
	VEC_BP = 3,
	VEC_OF = 4,
	VEC_BR = 5,
	VEC_UD = 6,
	VEC_NM = 7,
	VEC_DF = 8,
	VEC_CSO = 9, /* coprocessor segment overrun: 386 and earlier */
	VEC_TS = 10,
	VEC_NP = 11,
	VEC_SS = 12,
	VEC_GP = 13,
	VEC_PF = 14,
	VEC_MF = 16,
	VEC_AC = 17,
	VEC_MC = 18,
	VEC_XM = 19,
};

/* Error codes (SDM 3A, "Error Code"; #PF: "Page-Fault Exception"). */
#define ERR_EXT 0x1u
#define ERR_IDT 0x2u
#define ERR_TI  0x4u
#define PF_P    0x01u
#define PF_W    0x02u
#define PF_U    0x04u
#define PF_RSVD 0x08u
#define PF_I    0x10u
#define PF_PK   0x20u

/* Selectors. */
#define SEL_RPL   0x0003u
#define SEL_TI    0x0004u
#define SEL_INDEX 0xfff8u

/* Types of a system descriptor (S = 0), 32-bit modes. */
enum sys_type {
	SYS_TSS16_AVAIL = 0x1,
	SYS_LDT = 0x2,
	SYS_TSS16_BUSY = 0x3,
	SYS_CALL_GATE16 = 0x4,
	SYS_TASK_GATE = 0x5,
	SYS_INT_GATE16 = 0x6,
	SYS_TRAP_GATE16 = 0x7,
	SYS_TSS32_AVAIL = 0x9,
	SYS_TSS32_BUSY = 0xb,
	SYS_CALL_GATE32 = 0xc,
	SYS_INT_GATE32 = 0xe,
	SYS_TRAP_GATE32 = 0xf,
	/* IA-32e mode has these, SYS_LDT and no others (SDM 3A, "System-Segment and Gate-Descriptor Types"). */
	SYS_TSS64_AVAIL = 0x9,
	SYS_TSS64_BUSY = 0xb,
	SYS_CALL_GATE64 = 0xc,
	SYS_INT_GATE64 = 0xe,
	SYS_TRAP_GATE64 = 0xf,
};

/* Bits of the type of a code or data descriptor (S = 1). */
#define TYPE_ACCESSED   0x1u
#define TYPE_WRITABLE   0x2u /* data */
#define TYPE_READABLE   0x2u /* code */
#define TYPE_EXPANDDOWN 0x4u /* data */
#define TYPE_CONFORMING 0x4u /* code */
#define TYPE_CODE       0x8u

/* MSRs. */
#define MSR_P5_MC_ADDR     0x000u
#define MSR_P5_MC_TYPE     0x001u
#define MSR_TSC            0x010u
#define MSR_PLATFORM_ID    0x017u
#define MSR_APIC_BASE      0x01bu
#define MSR_BIOS_SIGN_ID   0x08bu
#define MSR_MTRRCAP        0x0feu
#define MSR_SYSENTER_CS    0x174u
#define MSR_SYSENTER_ESP   0x175u
#define MSR_SYSENTER_EIP   0x176u
#define MSR_MCG_CAP        0x179u
#define MSR_MCG_STATUS     0x17au
#define MSR_MISC_ENABLE    0x1a0u
#define MSR_MTRR_PHYSBASE0 0x200u
#define MSR_MTRR_FIX64K    0x250u
#define MSR_MTRR_FIX16K    0x258u /* and 259h */
#define MSR_MTRR_FIX4K     0x268u /* to 26Fh */
#define MSR_PAT            0x277u
#define MSR_TSC_DEADLINE   0x6e0u
#define MSR_X2APIC         0x800u /* to 8FFh */
#define MSR_MTRR_DEF_TYPE  0x2ffu
#define MSR_EFER           0xc0000080u
#define MSR_STAR           0xc0000081u
#define MSR_LSTAR          0xc0000082u
#define MSR_CSTAR          0xc0000083u
#define MSR_SFMASK         0xc0000084u
#define MSR_FS_BASE        0xc0000100u
#define MSR_GS_BASE        0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_TSC_AUX        0xc0000103u
#define MSR_AMD_SYSCFG     0xc0010010u
#define MSR_AMD_INT_PENDING 0xc0010055u

#endif
