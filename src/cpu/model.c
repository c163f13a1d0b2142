/* The processor models.  Sources: SDM 2A "CPUID"; SDM 3A "Control Registers";
 * SDM 3B "Architecture Compatibility". */
#include "cpu/model.h"

#include <string.h>

#include "arch/x86.h"

#define CR0_386 (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_PG)
#define CR0_486 (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)

#define EFLAGS_386     (FLAGS_DEFINED & ~(FLAG_AC | FLAG_VIF | FLAG_VIP | FLAG_ID))
#define EFLAGS_486     (EFLAGS_386 | FLAG_AC)
#define EFLAGS_PENTIUM FLAGS_DEFINED

#define CR4_PENTIUM (CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_MCE)
#define CR4_P6      (CR4_PENTIUM | CR4_PAE | CR4_PGE | CR4_PCE)
#define CR4_MAX     (CR4_P6 | CR4_UMIP | CR4_SMEP | CR4_SMAP | CR4_LA57 | CR4_FSGSBASE | CR4_PCIDE | CR4_PKE)

#define F1D_PENTIUM (F1D_FPU | F1D_VME | F1D_DE | F1D_PSE | F1D_TSC | F1D_MSR | F1D_MCE | F1D_CX8 | F1D_APIC)
/* No F1C_DEADLINE: who sees TSC-deadline mode takes SSE2 (MFENCE) for granted. */
#define F1C_MAX     (F1C_PCID | F1C_X2APIC | F1C_GUEST)
#define F1D_P6      (F1D_PENTIUM | F1D_PAE | F1D_SEP | F1D_PGE | F1D_MCA | F1D_CMOV)
#define F7B_MAX     (F7B_FSGSBASE | F7B_SMEP | F7B_INVPCID | F7B_SMAP)
#define F7C_MAX     (F7C_UMIP | F7C_PKU | F7C_LA57)
#define F81D_MAX    (F81D_SYSCALL | F81D_NX | F81D_PAGE1GB | F81D_LM)

#define SIGNATURE_386     0x0308u
#define SIGNATURE_486     0x0433u
#define SIGNATURE_486SX   0x0423u
#define SIGNATURE_PENTIUM 0x052cu
#define SIGNATURE_P2      0x0652u
#define SIGNATURE_MAX     0x0663u

/* "GenuineIntel" in EBX, EDX, ECX */
#define VENDOR_EBX 0x756e6547u
#define VENDOR_ECX 0x6c65746eu
#define VENDOR_EDX 0x49656e69u

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

/* Leaves without their words of features: model_cpuid() adds struct cpu_model's. */
static const struct cpuid_leaf leaves_pentium[] = {
	{0x0, ANY, 1, VENDOR_EBX, VENDOR_ECX, VENDOR_EDX},
	{0x1, ANY, SIGNATURE_PENTIUM, 0, 0, 0},
};

static const struct cpuid_leaf leaves_pentium2[] = {
	{0x0, ANY, 2, VENDOR_EBX, VENDOR_ECX, VENDOR_EDX},
	{0x1, ANY, SIGNATURE_P2, 0, 0, 0},
	{0x2, ANY, CACHES_EAX, 0, 0, CACHES_EDX},
};

static const struct cpuid_leaf leaves_max[] = {
	{0x0, ANY, 7, VENDOR_EBX, VENDOR_ECX, VENDOR_EDX},
	{0x1, ANY, SIGNATURE_MAX, 0, 0, 0},
	{0x2, ANY, CACHES_BY_LEAF_4, 0, 0, 0},
	{0x4, 0, CACHE(1, 1, 64, 8, 64)},     /* 32 KBytes of data, level 1 */
	{0x4, 1, CACHE(2, 1, 64, 8, 64)},     /* 32 KBytes of instructions, level 1 */
	{0x4, 2, CACHE(3, 2, 64, 16, 1024)},  /* 1 MByte, level 2 */
	{0x4, 3, CACHE(3, 3, 64, 16, 8192)},  /* 8 MBytes, level 3 */
	{0x7, 0, 0, 0, 0, 0},
	{0x80000000, ANY, 0x80000008, 0, 0, 0},
	{0x80000001, ANY, 0, 0, 0, 0},
	{0x80000002, ANY, 0x70617254, 0x65746167, 0x78616d20, 0}, /* "Trapgate max" */
	{0x80000008, ANY, 40 | 57 << 8, 0, 0, 0}, /* physical and linear address bits */
};

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
		LEAVES(leaves_pentium),
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
		LEAVES(leaves_pentium2),
	},
	{
		.name = "max",
		.description = "everything that is built: pentium2 with NX, SMEP, SMAP, UMIP",
		.generation = GEN_LATER,
		.signature = SIGNATURE_MAX,
		.feature = {[FEAT_1_EDX] = F1D_P6, [FEAT_1_ECX] = F1C_MAX, [FEAT_7_EBX] = F7B_MAX,
			    [FEAT_7_ECX] = F7C_MAX, [FEAT_81_EDX] = F81D_MAX},
		.cr0 = CR0_486,
		.cr0_fixed = CR0_ET,
		.cr4 = CR4_MAX,
		.eflags = EFLAGS_PENTIUM,
		.phys_bits = 40,
		LEAVES(leaves_max),
		.is_default = true,
	},
};
const unsigned cpu_model_count = sizeof(cpu_models) / sizeof(cpu_models[0]);

const struct cpu_model *cpu_model_find(const char *name)
{
	for (unsigned i = 0; i < cpu_model_count; i++)
		if (name ? strcmp(cpu_models[i].name, name) == 0 : cpu_models[i].is_default)
			return &cpu_models[i];
	return NULL;
}

/* Instructions that a bit of CPUID announces.  A name that ends in * stands for all
 * that begin so. */
static const struct {
	const char *name;
	enum feature_word word;
	uint32_t bit;
} announced[] = {
	{"cmov*", FEAT_1_EDX, F1D_CMOV},    {"fcmov*", FEAT_1_EDX, F1D_CMOV}, {"fcomi*", FEAT_1_EDX, F1D_CMOV},
	{"fucomi*", FEAT_1_EDX, F1D_CMOV},  {"rdtsc", FEAT_1_EDX, F1D_TSC},   {"rdmsr", FEAT_1_EDX, F1D_MSR},
	{"cmpxchg8b", FEAT_1_EDX, F1D_CX8}, {"wrmsr", FEAT_1_EDX, F1D_MSR},   {"sysenter", FEAT_1_EDX, F1D_SEP},
	{"sysexit", FEAT_1_EDX, F1D_SEP},   {"clac", FEAT_7_EBX, F7B_SMAP},   {"stac", FEAT_7_EBX, F7B_SMAP},
};

static bool name_matches(const char *name, const char *pattern)
{
	size_t n = strlen(pattern);

	return pattern[n - 1] == '*' ? strncmp(name, pattern, n - 1) == 0 : strcmp(name, pattern) == 0;
}

/* Where each word of features lies. */
static const struct {
	uint32_t leaf, subleaf;
	char reg;
} word_of[FEAT_WORDS] = {
	[FEAT_1_EDX] = {1, 0, 'D'},           [FEAT_1_ECX] = {1, 0, 'C'},           [FEAT_7_EBX] = {7, 0, 'B'},
	[FEAT_7_ECX] = {7, 0, 'C'},           [FEAT_81_EDX] = {0x80000001, 0, 'D'}, [FEAT_81_ECX] = {0x80000001, 0, 'C'},
	[FEAT_D1_EAX] = {0xd, 1, 'A'},
};

/* decode/features.def. */
static const struct {
	uint32_t leaf, subleaf;
	char name[4];
	uint8_t bit;
	enum cpu_generation with;
} features[] = {
#define GEN_NONE GEN_8086
#define FEATURE(name, leaf, subleaf, reg, bit, with) {leaf, subleaf, #reg, bit, GEN_##with},
#include "decode/features.def"
#undef FEATURE
#undef GEN_NONE
};

bool model_has_feature(const struct cpu_model *model, enum cpu_generation feature)
{
	if (feature <= GEN_LATER)
		return feature <= model->generation;
	unsigned n = feature - GEN_LATER - 1;
	bool shown = false;

	for (unsigned w = 0; w < FEAT_WORDS; w++)
		if (word_of[w].leaf == features[n].leaf && word_of[w].subleaf == features[n].subleaf &&
		    word_of[w].reg == features[n].name[1])
			shown = model->feature[w] >> features[n].bit & 1;
	return shown && model_has_feature(model, features[n].with);
}

uint64_t model_decode(const struct cpu_model *model)
{
	uint64_t how = model->amd ? DECODE_AMD : 0;

	for (unsigned feature = GEN_LATER + 1; feature < GEN_COUNT; feature++)
		if (model_has_feature(model, (enum cpu_generation)feature))
			how |= DECODE_FEATURE(feature);
	return how;
}

bool model_has_row(const struct cpu_model *model, const struct opcode_row *row)
{
	if (!model_has_feature(model, (enum cpu_generation)row->cpu))
		return false;
	if (row->cpu < GEN_486 || row->cpu > GEN_LATER)
		return true;
	if (strcmp(row->name, "cpuid") == 0)
		return model->leaf_count > 0;
	for (unsigned i = 0; i < sizeof(announced) / sizeof(announced[0]); i++)
		if (name_matches(row->name, announced[i].name))
			return model_has(model, announced[i].word, announced[i].bit);
	return true;
}

static const struct cpuid_leaf *find_leaf(const struct cpu_model *model, uint32_t leaf, uint32_t subleaf)
{
	for (unsigned i = 0; i < model->leaf_count; i++) {
		const struct cpuid_leaf *l = &model->leaves[i];
		if (l->leaf == leaf && (l->subleaf == ANY || l->subleaf == subleaf))
			return l;
	}
	return NULL;
}

/* The highest leaf of the range that leaf lies in; 0 where there is none. */
static uint32_t highest_leaf(const struct cpu_model *model, uint32_t leaf)
{
	const struct cpuid_leaf *first = find_leaf(model, leaf & 0x80000000, 0);

	return first ? first->eax : 0;
}

static uint32_t *register_of(struct cpuid_leaf *out, char reg)
{
	return reg == 'A' ? &out->eax : reg == 'B' ? &out->ebx : reg == 'C' ? &out->ecx : &out->edx;
}

void model_cpuid(const struct cpu_model *model, uint32_t leaf, uint32_t subleaf, struct cpuid_leaf *out)
{
	if (leaf > highest_leaf(model, leaf))
		leaf = highest_leaf(model, 0);
	const struct cpuid_leaf *l = find_leaf(model, leaf, subleaf);

	*out = l ? *l : (struct cpuid_leaf){.leaf = leaf, .subleaf = subleaf};
	for (unsigned w = 0; l && w < FEAT_WORDS; w++)
		if (word_of[w].leaf == leaf && (l->subleaf == ANY || word_of[w].subleaf == subleaf))
			*register_of(out, word_of[w].reg) |= model->feature[w];
}
