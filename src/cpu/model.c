/* What a processor model has, and what CPUID says of it.  Sources: SDM 2A "CPUID"; SDM 3A "Control Registers";
 * APM 3, "CPUID", for models of AMD's. */
#include "cpu/model.h"

#include <string.h>

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
		return model->highest_leaf > 0;
	for (unsigned i = 0; i < sizeof(announced) / sizeof(announced[0]); i++)
		if (name_matches(row->name, announced[i].name))
			return model_has(model, announced[i].word, announced[i].bit);
	return true;
}

/* ---- CPUID ---- */

/* The leaves that are no list of the model's. */
#define LEAF_TOPOLOGY 0xbu
#define LEAF_EXTENDED 0x80000000u
#define LEAF_NAME     0x80000002u /* to 80000004h: 48 characters */
#define LEAF_SIZES    0x80000008u

/* CPUID.1:EBX: bytes that CLFLUSH flushes, in units of 8. */
#define CLFLUSH_UNITS (8u << 8)

static uint32_t *register_of(struct cpuid_leaf *out, char reg)
{
	return reg == 'A' ? &out->eax : reg == 'B' ? &out->ebx : reg == 'C' ? &out->ecx : &out->edx;
}

static void vendor_leaf(const struct cpu_model *model, uint32_t highest, struct cpuid_leaf *out)
{
	const char *vendor = model->amd ? "AuthenticAMD" : "GenuineIntel";

	out->eax = highest;
	memcpy(&out->ebx, vendor, 4);
	memcpy(&out->edx, vendor + 4, 4);
	memcpy(&out->ecx, vendor + 8, 4);
}

/* "Trapgate <name>", padded with zeros. */
static void name_leaf(const struct cpu_model *model, unsigned part, struct cpuid_leaf *out)
{
	char name[48] = "Trapgate ";
	size_t used = strlen(name), n = strlen(model->name);

	memcpy(name + used, model->name, n < sizeof(name) - used ? n : sizeof(name) - 1 - used);
	memcpy(&out->eax, name + 16 * part, 16);
}

static unsigned linear_bits(const struct cpu_model *model)
{
	return model_has(model, FEAT_7_ECX, F7C_LA57) ? 57 : model_has(model, FEAT_81_EDX, F81D_LM) ? 48 : 32;
}

/* "Extended Topology Enumeration", which comes with the x2APIC (SDM 3A, "CPUID Extensions And Topology Enumeration"):
 * one thread in a core, one core in a package.  EDX, the x2APIC ID, is the processor's to tell. */
static void topology_leaf(const struct cpu_model *model, struct cpuid_leaf *out)
{
	enum { LEVEL_SMT = 1, LEVEL_CORE = 2 };

	if (!model_has(model, FEAT_1_ECX, F1C_X2APIC))
		return;
	out->ecx = out->subleaf & 0xff;
	if (out->subleaf > 1)
		return;
	out->ebx = 1;
	out->ecx |= (out->subleaf == 0 ? LEVEL_SMT : LEVEL_CORE) << 8;
}

static void own_leaf(const struct cpu_model *model, struct cpuid_leaf *out)
{
	switch (out->leaf) {
	case 0:
		vendor_leaf(model, model->highest_leaf, out);
		break;
	case 1:
		out->eax = model->signature;
		out->ebx = model_has(model, FEAT_1_EDX, F1D_CLFSH) ? CLFLUSH_UNITS : 0;
		break;
	case LEAF_TOPOLOGY:
		topology_leaf(model, out);
		break;
	case LEAF_EXTENDED:
		out->eax = model->highest_extended_leaf;
		if (model->amd)
			vendor_leaf(model, model->highest_extended_leaf, out);
		break;
	case LEAF_NAME:
	case LEAF_NAME + 1:
	case LEAF_NAME + 2:
		name_leaf(model, out->leaf - LEAF_NAME, out);
		break;
	case LEAF_SIZES:
		out->eax = model->phys_bits | linear_bits(model) << 8;
		break;
	}
}

static void listed_leaf(const struct cpu_model *model, struct cpuid_leaf *out)
{
	for (unsigned i = 0; i < model->leaf_count; i++) {
		const struct cpuid_leaf *l = &model->leaves[i];
		if (l->leaf == out->leaf && (l->subleaf == CPUID_ANY_SUBLEAF || l->subleaf == out->subleaf)) {
			*out = *l;
			return;
		}
	}
}

static bool leaf_has_subleaves(uint32_t leaf) { return leaf == 7 || leaf == 0xd; }

static void feature_words(const struct cpu_model *model, uint32_t subleaf, struct cpuid_leaf *out)
{
	for (unsigned w = 0; w < FEAT_WORDS; w++)
		if (word_of[w].leaf == out->leaf && (!leaf_has_subleaves(out->leaf) || word_of[w].subleaf == subleaf))
			*register_of(out, word_of[w].reg) |= model->feature[w];
}

/* The highest leaf of the range that leaf lies in. */
static uint32_t highest_leaf(const struct cpu_model *model, uint32_t leaf)
{
	return leaf < LEAF_EXTENDED ? model->highest_leaf : model->highest_extended_leaf;
}

void model_cpuid(const struct cpu_model *model, uint32_t leaf, uint32_t subleaf, struct cpuid_leaf *out)
{
	if (leaf > highest_leaf(model, leaf))
		leaf = model->highest_leaf;
	*out = (struct cpuid_leaf){.leaf = leaf, .subleaf = subleaf};
	own_leaf(model, out);
	listed_leaf(model, out);
	feature_words(model, subleaf, out);
}
