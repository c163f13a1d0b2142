/* Processor models: what CPUID says, which bits of the control registers and
 * of EFLAGS exist.  A feature is claimed only if it is built; those of the local APIC also
 * need a board that has one (exec_cpuid). */
#ifndef TRAPGATE_CPU_MODEL_H
#define TRAPGATE_CPU_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "decode/insn.h"

/* The words of CPUID that hold feature bits. */
enum feature_word { FEAT_1_EDX, FEAT_1_ECX, FEAT_7_EBX, FEAT_7_ECX, FEAT_81_EDX, FEAT_81_ECX, FEAT_D1_EAX, FEAT_WORDS };

/* CPUID.1:EDX (SDM 2A "CPUID", "More on Feature Information Returned in the
 * EDX Register"). */
#define F1D_FPU  0x00000001u
#define F1D_VME  0x00000002u
#define F1D_DE   0x00000004u
#define F1D_PSE  0x00000008u
#define F1D_TSC  0x00000010u
#define F1D_MSR  0x00000020u
#define F1D_PAE  0x00000040u
#define F1D_MCE  0x00000080u
#define F1D_CX8  0x00000100u
#define F1D_APIC 0x00000200u
#define F1D_SEP  0x00000800u
#define F1D_MTRR 0x00001000u
#define F1D_PGE  0x00002000u
#define F1D_MCA  0x00004000u
#define F1D_CMOV 0x00008000u
#define F1D_PAT  0x00010000u
#define F1D_PSE36 0x00020000u
#define F1D_CLFSH 0x00080000u
#define F1D_MMX  0x00800000u
#define F1D_FXSR 0x01000000u
#define F1D_SSE  0x02000000u
#define F1D_SSE2 0x04000000u
/* CPUID.1:ECX */
#define F1C_SSE3     0x00000001u
#define F1C_PCLMUL   0x00000002u
#define F1C_SSSE3    0x00000200u
#define F1C_FMA      0x00001000u
#define F1C_CX16     0x00002000u
#define F1C_PCID     0x00020000u
#define F1C_SSE41    0x00080000u
#define F1C_SSE42    0x00100000u
#define F1C_X2APIC   0x00200000u
#define F1C_MOVBE    0x00400000u
#define F1C_POPCNT   0x00800000u
#define F1C_DEADLINE 0x01000000u
#define F1C_AES      0x02000000u
#define F1C_XSAVE    0x04000000u
#define F1C_OSXSAVE  0x08000000u /* follows CR4.OSXSAVE */
#define F1C_AVX      0x10000000u
#define F1C_F16C     0x20000000u
#define F1C_RDRAND   0x40000000u
#define F1C_GUEST    0x80000000u /* never set by hardware: software runs under something like us */
/* CPUID.(7,0):EBX and ECX */
#define F7B_FSGSBASE 0x00000001u
#define F7B_BMI1 0x00000008u
#define F7B_AVX2 0x00000020u
#define F7B_SMEP 0x00000080u
#define F7B_BMI2 0x00000100u
#define F7B_INVPCID 0x00000400u
#define F7B_RDSEED 0x00040000u
#define F7B_ADX  0x00080000u
#define F7B_SMAP 0x00100000u
#define F7B_CLFLUSHOPT 0x00800000u
#define F7C_UMIP 0x00000004u
#define F7C_PKU  0x00000008u
#define F7C_OSPKE 0x00000010u /* follows CR4.PKE */
#define F7C_LA57 0x00010000u
/* CPUID.80000001H:EDX */
#define F81D_SYSCALL  0x00000800u
#define F81D_NX       0x00100000u
#define F81D_PAGE1GB  0x04000000u
#define F81D_RDTSCP   0x08000000u
#define F81D_LM       0x20000000u
/* CPUID.80000001H:ECX */
#define F81C_LAHF64    0x00000001u
#define F81C_LZCNT     0x00000020u
#define F81C_PREFETCHW 0x00000100u
/* CPUID.(0DH,1):EAX */
#define FD1A_XSAVEOPT 0x00000001u

#define CPUID_ANY_SUBLEAF 0xffffffffu

struct cpuid_leaf {
	uint32_t leaf, subleaf; /* subleaf CPUID_ANY_SUBLEAF: whatever ECX holds */
	uint32_t eax, ebx, ecx, edx;
};

struct cpu_model {
	const char *name;        /* as given to -cpu */
	const char *description;
	enum cpu_generation generation;
	bool amd;                /* AMD's rules where they differ from Intel's */
	uint32_t signature;      /* EDX after reset; CPUID.1:EAX */
	uint32_t feature[FEAT_WORDS];
	uint32_t cr0;            /* bits of CR0 that can be written */
	uint32_t cr0_fixed;      /* bits of CR0 that always read as 1 */
	uint32_t cr4;            /* bits of CR4 that may be set; 0: no CR4 */
	uint32_t eflags;         /* bits of EFLAGS that exist */
	uint8_t phys_bits;       /* MAXPHYADDR */
	bool sreg_full_width;    /* a 32-bit PUSH or POP of a segment register accesses 4 bytes, not 2 */
	bool tsc_low_write;      /* WRMSR writes TSC's low half and clears the upper */
	uint32_t highest_leaf, highest_extended_leaf; /* of CPUID; 0: there is no CPUID, no extended leaf */
	const struct cpuid_leaf *leaves; /* those that are not made from the rest of this */
	unsigned leaf_count;
	bool is_default;
};

/* Every model, for listings. */
extern const struct cpu_model cpu_models[];
extern const unsigned cpu_model_count;

/* The model of that name, NULL: there is none.  name NULL: the default. */
const struct cpu_model *cpu_model_find(const char *name);

/* Does CPUID announce the feature GEN_<name> of decode/features.def, with what it needs? */
bool model_has_feature(const struct cpu_model *model, enum cpu_generation feature);
/* What decode() is to be told of the model: DECODE_AMD and DECODE_FEATURE(). */
uint64_t model_decode(const struct cpu_model *model);

/* Does the model have this encoding?  By the generation of the row, and by
 * the CPUID feature where one announces the instruction. */
bool model_has_row(const struct cpu_model *model, const struct opcode_row *row);

/* CPUID's result registers (SDM 2A "CPUID"): a leaf above the highest gives the
 * highest basic leaf's data; one in between that is not listed, zeros. */
void model_cpuid(const struct cpu_model *model, uint32_t leaf, uint32_t subleaf, struct cpuid_leaf *out);

static inline bool model_has(const struct cpu_model *model, enum feature_word word, uint32_t bits)
{
	return (model->feature[word] & bits) == bits;
}

#endif
