/* The processor models.  Sources: SDM 2A "CPUID"; SDM 3A "Control Registers";
 * SDM 3B "Architecture Compatibility". */
#include "cpu/model.h"

#include "arch/x86.h"

#define CR0_386 (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_PG)
#define CR0_486 (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)

#define EFLAGS_386     (FLAGS_DEFINED & ~(FLAG_AC | FLAG_VIF | FLAG_VIP | FLAG_ID))
#define EFLAGS_486     (EFLAGS_386 | FLAG_AC)
#define EFLAGS_PENTIUM FLAGS_DEFINED

#define CR4_PENTIUM (CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_MCE)
#define CR4_P6      (CR4_PENTIUM | CR4_PAE | CR4_PGE | CR4_PCE)
#define CR4_MAX     (CR4_P6 | CR4_UMIP | CR4_SMEP | CR4_SMAP | CR4_LA57 | CR4_FSGSBASE | CR4_PCIDE | CR4_PKE | \
		     CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE)

#define F1D_PENTIUM (F1D_FPU | F1D_VME | F1D_DE | F1D_PSE | F1D_TSC | F1D_MSR | F1D_MCE | F1D_CX8 | F1D_APIC)
/* Not F1C_DEADLINE, which the local APIC has: with it Linux would never set the timer's counter, and its rate is one of
 * the things that tests/linux/boot has the kernel measure. */
#define F1C_SIMD    (F1C_SSE3 | F1C_PCLMUL | F1C_SSSE3 | F1C_FMA | F1C_SSE41 | F1C_SSE42 | F1C_AES | F1C_XSAVE | \
		     F1C_AVX | F1C_F16C)
#define F1C_MAX     (F1C_SIMD | F1C_CX16 | F1C_PCID | F1C_X2APIC | F1C_MOVBE | F1C_POPCNT | F1C_RDRAND | F1C_GUEST)
#define F1D_P6      (F1D_PENTIUM | F1D_PAE | F1D_SEP | F1D_MTRR | F1D_PGE | F1D_MCA | F1D_CMOV | F1D_PAT | F1D_PSE36)
/* The levels of the x86-64 psABI: what each has more than the one before. */
#define F1D_X64     (F1D_P6 | F1D_CLFSH | F1D_MMX | F1D_FXSR | F1D_SSE | F1D_SSE2)
#define F1C_CORE2   (F1C_SSE3 | F1C_SSSE3 | F1C_CX16 | F1C_GUEST)
#define F1C_V2      (F1C_CORE2 | F1C_SSE41 | F1C_SSE42 | F1C_POPCNT)
#define F1C_V3      (F1C_V2 | F1C_FMA | F1C_MOVBE | F1C_XSAVE | F1C_AVX | F1C_F16C)
#define F7B_V3      (F7B_BMI1 | F7B_AVX2 | F7B_BMI2)
#define F81D_X64    (F81D_SYSCALL | F81D_NX | F81D_LM)
#define CR4_X64     (CR4_P6 | CR4_OSFXSR | CR4_OSXMMEXCPT)

/* AMD's processors of the time have no virtual-8086 mode extensions in QEMU's model of one; and tell the features
 * of leaf 1 again in leaf 80000001H (APM 3, "CPUID"). */
#define F1D_QEMU64  (F1D_X64 & ~F1D_VME)
#define F81D_QEMU64 (F81D_X64 | (F1D_QEMU64 & 0x0183f3ffu))
#define F7B_MAX     (F7B_FSGSBASE | F7B_BMI1 | F7B_AVX2 | F7B_SMEP | F7B_BMI2 | F7B_INVPCID | F7B_RDSEED | F7B_ADX | \
		     F7B_SMAP | F7B_CLFLUSHOPT)
#define F7C_MAX     (F7C_UMIP | F7C_PKU | F7C_LA57)
#define F81D_MAX    (F81D_SYSCALL | F81D_NX | F81D_PAGE1GB | F81D_RDTSCP | F81D_LM)
#define F81C_MAX    (F81C_LAHF64 | F81C_LZCNT | F81C_PREFETCHW)

#define SIGNATURE_386     0x0308u
#define SIGNATURE_486     0x0433u
#define SIGNATURE_486SX   0x0423u
#define SIGNATURE_PENTIUM 0x052cu
#define SIGNATURE_P2      0x0652u
#define SIGNATURE_MAX     0x0663u
#define SIGNATURE_QEMU64  0x060fb1u /* family 15, model 107 */
#define SIGNATURE_CORE2   0x06fbu
#define SIGNATURE_V2      0x0106a3u /* Nehalem */
#define SIGNATURE_V3      0x0306c3u /* Haswell */

/* Leaf 2 of a Pentium II: 4-KByte and 4-MByte TLBs, 16 KBytes of each L1
 * cache, 512 KBytes of L2. */
#define CACHES_EAX 0x03020101u
#define CACHES_EDX 0x0c040843u
/* TLBs as above; descriptor FFh: the caches are told by leaf 4. */
#define CACHES_BY_LEAF_4 0x03ff0101u

/* Leaf 4, "Deterministic Cache Parameters": type (1 data, 2 instructions, 3 both), level, bytes of a
 * line, ways, sets; one thread uses it, one core is in the package. */
#define CACHE(type, level, line, ways, sets) \
	(type) | (level) << 5 | 1 << 8, ((line) - 1u) | ((ways) - 1u) << 22, (sets) - 1u, 0

#define ANY CPUID_ANY_SUBLEAF

static const struct cpuid_leaf leaves_pentium2[] = {
	{0x2, ANY, CACHES_EAX, 0, 0, CACHES_EDX},
};

/* Leaf 4: 32 KBytes of data and of instructions, level 1; 1 MByte, level 2; 8 MBytes, level 3. */
#define CACHE_LEAVES                                                                                \
	{0x2, ANY, CACHES_BY_LEAF_4, 0, 0, 0}, {0x4, 0, CACHE(1, 1, 64, 8, 64)},                    \
		{0x4, 1, CACHE(2, 1, 64, 8, 64)}, {0x4, 2, CACHE(3, 2, 64, 16, 1024)},              \
	{                                                                                           \
		0x4, 3, CACHE(3, 3, 64, 16, 8192)                                                   \
	}
/* Leaf 0DH: components, size of the area with all of them (EBX follows XCR0); size and place of one. */
#define XSAVE_LEAVES(components, size)                                                              \
	{0xd, 0, (components), 0, (size), 0},                                                       \
	{                                                                                           \
		0xd, 2, XSAVE_AREA_AVX_END - XSAVE_AREA_AVX, XSAVE_AREA_AVX, 0, 0                   \
	}

static const struct cpuid_leaf leaves_caches[] = {CACHE_LEAVES};

static const struct cpuid_leaf leaves_avx[] = {
	CACHE_LEAVES,
	XSAVE_LEAVES(XCR0_X87 | XCR0_SSE | XCR0_AVX, XSAVE_AREA_AVX_END),
};

static const struct cpuid_leaf leaves_max[] = {
	CACHE_LEAVES,
	XSAVE_LEAVES(XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_PKRU, XSAVE_AREA_END),
	{0xd, 9, XSAVE_AREA_END - XSAVE_AREA_PKRU, XSAVE_AREA_PKRU, 0, 0},
};

/* What all processors with 64-bit mode have alike. */
#define X64_MODEL                                                                                   \
	.generation = GEN_LATER, .cr0 = CR0_486, .cr0_fixed = CR0_ET, .phys_bits = 40,              \
	.highest_extended_leaf = 0x80000008
#define LEAVES(table) .leaves = (table), .leaf_count = sizeof(table) / sizeof((table)[0])

const struct cpu_model cpu_models[] = {
	{
		.name = "i386",
		.description = "80386DX with an 80387: the base of IA-32",
		.generation = GEN_386,
		.signature = SIGNATURE_386,
		.feature = {[FEAT_1_EDX] = F1D_FPU},
		.cr0 = CR0_386,
		.eflags = EFLAGS_386,
		.phys_bits = 32,
	},
	{
		.name = "i486",
		.description = "i486DX2: WP, AC, NE, INVLPG, CMPXCHG, XADD, BSWAP; no CPUID",
		.generation = GEN_486,
		.signature = SIGNATURE_486,
		.feature = {[FEAT_1_EDX] = F1D_FPU},
		.cr0 = CR0_486,
		.cr0_fixed = CR0_ET,
		.eflags = EFLAGS_486,
		.phys_bits = 32,
	},
	{
		.name = "i486sx",
		.description = "i486SX: an i486 without its FPU",
		.generation = GEN_486,
		.signature = SIGNATURE_486SX,
		.cr0 = CR0_486,
		.cr0_fixed = CR0_ET,
		.eflags = EFLAGS_486,
		.phys_bits = 32,
	},
	{
		.name = "pentium",
		.description = "Pentium: CPUID, VME, 4-MByte pages, TSC, MSRs, CMPXCHG8B",
		.generation = GEN_PENTIUM,
		.signature = SIGNATURE_PENTIUM,
		.feature = {[FEAT_1_EDX] = F1D_PENTIUM},
		.cr0 = CR0_486,
		.cr0_fixed = CR0_ET,
		.cr4 = CR4_PENTIUM,
		.eflags = EFLAGS_PENTIUM,
		.phys_bits = 32,
		.sreg_full_width = true,
		.tsc_low_write = true,
		.highest_leaf = 1,
	},
	{
		.name = "pentium2",
		.description = "Pentium II without MMX: PAE, global pages, CMOV, SYSENTER",
		.generation = GEN_PPRO,
		.signature = SIGNATURE_P2,
		.feature = {[FEAT_1_EDX] = F1D_P6},
		.cr0 = CR0_486,
		.cr0_fixed = CR0_ET,
		.cr4 = CR4_P6,
		.eflags = EFLAGS_PENTIUM,
		.phys_bits = 36,
		.tsc_low_write = true,
		.highest_leaf = 2,
		LEAVES(leaves_pentium2),
	},
	{
		.name = "qemu64",
		.description = "64-bit mode with SSE3 by AMD's rules, as QEMU's of that name",
		X64_MODEL,
		.amd = true,
		.signature = SIGNATURE_QEMU64,
		.feature = {[FEAT_1_EDX] = F1D_QEMU64, [FEAT_1_ECX] = F1C_SSE3 | F1C_CX16 | F1C_GUEST,
			    [FEAT_81_EDX] = F81D_QEMU64, [FEAT_81_ECX] = F81C_LAHF64},
		.cr4 = CR4_X64 & ~(CR4_VME | CR4_PVI),
		.eflags = EFLAGS_PENTIUM & ~(FLAG_VIF | FLAG_VIP),
		.highest_leaf = 1,
	},
	{
		.name = "core2",
		.description = "Core 2: 64-bit mode, SSSE3",
		X64_MODEL,
		.signature = SIGNATURE_CORE2,
		.feature = {[FEAT_1_EDX] = F1D_X64, [FEAT_1_ECX] = F1C_CORE2,
			    [FEAT_81_EDX] = F81D_X64, [FEAT_81_ECX] = F81C_LAHF64},
		.cr4 = CR4_X64,
		.eflags = EFLAGS_PENTIUM,
		.highest_leaf = 0xa,
		LEAVES(leaves_caches),
	},
	{
		.name = "x86-64-v2",
		.description = "core2 with SSE4.2 and POPCNT",
		X64_MODEL,
		.signature = SIGNATURE_V2,
		.feature = {[FEAT_1_EDX] = F1D_X64, [FEAT_1_ECX] = F1C_V2,
			    [FEAT_81_EDX] = F81D_X64, [FEAT_81_ECX] = F81C_LAHF64},
		.cr4 = CR4_X64,
		.eflags = EFLAGS_PENTIUM,
		.highest_leaf = 0xa,
		LEAVES(leaves_caches),
	},
	{
		.name = "x86-64-v3",
		.description = "x86-64-v2 with AVX2, FMA, F16C, BMI, MOVBE, LZCNT, XSAVE",
		X64_MODEL,
		.signature = SIGNATURE_V3,
		.feature = {[FEAT_1_EDX] = F1D_X64, [FEAT_1_ECX] = F1C_V3, [FEAT_7_EBX] = F7B_V3,
			    [FEAT_81_EDX] = F81D_X64, [FEAT_81_ECX] = F81C_LAHF64 | F81C_LZCNT},
		.cr4 = CR4_X64 | CR4_OSXSAVE,
		.eflags = EFLAGS_PENTIUM,
		.highest_leaf = 0xd,
		LEAVES(leaves_avx),
	},
	{
		.name = "max",
		.description = "everything that is built: AVX2, FMA, NX, SMEP, SMAP, UMIP, 64-bit mode",
		X64_MODEL,
		.signature = SIGNATURE_MAX,
		.feature = {[FEAT_1_EDX] = F1D_X64, [FEAT_1_ECX] = F1C_MAX, [FEAT_7_EBX] = F7B_MAX,
			    [FEAT_7_ECX] = F7C_MAX, [FEAT_81_EDX] = F81D_MAX, [FEAT_81_ECX] = F81C_MAX,
			    [FEAT_D1_EAX] = FD1A_XSAVEOPT},
		.cr4 = CR4_MAX,
		.eflags = EFLAGS_PENTIUM,
		.highest_leaf = 0xd,
		LEAVES(leaves_max),
		.is_default = true,
	},
};
const unsigned cpu_model_count = sizeof(cpu_models) / sizeof(cpu_models[0]);
