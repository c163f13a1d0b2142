/* The models agree with themselves, and CPUID with SDM 2A "CPUID". */
#include "system/bed.h"

static struct cpuid_leaf cpuid(const char *model, uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_leaf out;

	model_cpuid(cpu_model_find(model), leaf, subleaf, &out);
	return out;
}

static void models_are_found_by_name(void **state)
{
	static const char *const names[] = {"i386", "i486", "i486sx", "pentium", "pentium2", "max"};

	assert_int_equal(cpu_model_count, 6);
	for (unsigned i = 0; i < 6; i++)
		assert_string_equal(cpu_model_find(names[i])->name, names[i]);
	assert_string_equal(cpu_model_find(NULL)->name, "max");
	assert_null(cpu_model_find("z80"));
}

/* CR4 and EFLAGS bits follow from the feature bits (SDM 3A, "CPUID
 * Qualification of Control Register Flags"). */
static void control_bits_follow_from_features(void **state)
{
	static const struct {
		enum feature_word word;
		uint32_t feature, cr4;
	} list[] = {
		{FEAT_1_EDX, F1D_VME, CR4_VME | CR4_PVI}, {FEAT_1_EDX, F1D_TSC, CR4_TSD}, {FEAT_1_EDX, F1D_DE, CR4_DE},
		{FEAT_1_EDX, F1D_PSE, CR4_PSE},           {FEAT_1_EDX, F1D_PAE, CR4_PAE}, {FEAT_1_EDX, F1D_PGE, CR4_PGE},
		{FEAT_7_EBX, F7B_SMEP, CR4_SMEP},         {FEAT_7_EBX, F7B_SMAP, CR4_SMAP}, {FEAT_7_ECX, F7C_UMIP, CR4_UMIP},
		{FEAT_1_EDX, F1D_MCE, CR4_MCE},           {FEAT_7_ECX, F7C_PKU, CR4_PKE}, {FEAT_7_ECX, F7C_LA57, CR4_LA57},
		{FEAT_7_EBX, F7B_FSGSBASE, CR4_FSGSBASE}, {FEAT_1_ECX, F1C_PCID, CR4_PCIDE},
	};
	for (unsigned i = 0; i < cpu_model_count; i++) {
		const struct cpu_model *m = &cpu_models[i];
		uint32_t want = m->generation >= GEN_PPRO ? CR4_PCE : 0;
		for (unsigned k = 0; k < sizeof(list) / sizeof(list[0]); k++)
			want |= model_has(m, list[k].word, list[k].feature) ? list[k].cr4 : 0;
		assert_int_equal(m->cr4, want);
		assert_int_equal(!(m->eflags & FLAG_ID), m->highest_leaf == 0);
		assert_int_equal(!(m->eflags & (FLAG_VIF | FLAG_VIP)), !model_has(m, FEAT_1_EDX, F1D_VME));
		assert_int_equal(!(m->eflags & FLAG_AC), m->generation < GEN_486);
		assert_int_equal(m->phys_bits, model_has(m, FEAT_81_EDX, F81D_LM) ? 40 : model_has(m, FEAT_1_EDX, F1D_PAE) ? 36 : 32);
	}
}

static void leaves_show_the_features(void **state)
{
	for (unsigned i = 0; i < cpu_model_count; i++) {
		const struct cpu_model *m = &cpu_models[i];
		if (!m->highest_leaf)
			continue;
		assert_int_equal(cpuid(m->name, 1, 0).edx, m->feature[FEAT_1_EDX]);
		assert_int_equal(cpuid(m->name, 1, 0).eax, m->signature);
		assert_int_equal(cpuid(m->name, 1, 0).ecx, m->feature[FEAT_1_ECX]);
	}
	assert_int_equal(cpuid("max", 7, 0).ebx, F7B_FSGSBASE | F7B_SMEP | F7B_INVPCID | F7B_SMAP);
	assert_int_equal(cpuid("max", 7, 0).ecx, F7C_UMIP | F7C_PKU | F7C_LA57);
	assert_int_equal(cpuid("max", 7, 1).ebx, 0);
	assert_int_equal(cpuid("max", 0x80000001, 0).edx, F81D_NX | F81D_LM | F81D_SYSCALL | F81D_PAGE1GB);
	assert_int_equal(cpuid("max", 0x80000008, 0).eax, 57 << 8 | 40);
}

static void leaf_above_the_highest_gives_the_highest_basic_leaf(void **state)
{
	assert_int_equal(cpuid("pentium2", 3, 0).eax, cpuid("pentium2", 2, 0).eax);
	assert_int_equal(cpuid("pentium2", 0x80000000, 0).eax, cpuid("pentium2", 2, 0).eax);
	assert_int_equal(cpuid("pentium", 0x40000000, 0).edx, cpuid("pentium", 1, 0).edx);
	assert_int_equal(cpuid("max", 0x80000009, 0).ebx, cpuid("max", 7, 0).ebx);
	assert_int_equal(cpuid("max", 5, 0).eax, 0); /* below it, not listed: zeros */
}

static void cpuid_instruction(void **state)
{
	rig_protected(r, 3);
	set_reg(RAX, 0);
	set_reg(RCX, 0);
	STEP(0x0f, 0xa2);
	DONE();
	assert_int_equal(reg(RAX), 7);
	uint32_t vendor[3] = {reg(RBX), reg(RDX), reg(RCX)};
	assert_memory_equal(vendor, "GenuineIntel", 12);
	bed_model("i486");
	STEP(0x0f, 0xa2);
	assert_int_equal(rig_last(r, 0)->vector, VEC_UD);
}

static void instructions_exist_by_generation_and_feature(void **state)
{
	static const struct {
		const char *name;
		enum cpu_generation cpu;
		const char *first; /* model that has it */
	} list[] = {
		{"shld", GEN_386, "i386"},       {"bswap", GEN_486, "i486"},          {"cpuid", GEN_486, "pentium"},
		{"rdtsc", GEN_PENTIUM, "pentium"}, {"cmpxchg8b", GEN_PENTIUM, "pentium"}, {"cmove", GEN_PPRO, "pentium2"},
		{"fcomip", GEN_PPRO, "pentium2"},  {"sysenter", GEN_PPRO, "pentium2"},     {"clac", GEN_LATER, "max"},
	};
	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct opcode_row row = {.name = list[i].name, .cpu = (uint8_t)list[i].cpu};
		bool has = false;
		for (unsigned k = 0; k < cpu_model_count; k++) {
			has |= strcmp(cpu_models[k].name, list[i].first) == 0;
			assert_int_equal(model_has_row(&cpu_models[k], &row), has);
		}
	}
	struct cpu_model bare = *cpu_model_find("max");
	bare.feature[FEAT_1_EDX] &= ~F1D_CMOV;
	assert_false(model_has_row(&bare, &(struct opcode_row){.name = "fcmovbe", .cpu = GEN_PPRO}));
	assert_true(model_has_row(&bare, &(struct opcode_row){.name = "sysexit", .cpu = GEN_PPRO}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(models_are_found_by_name), T(control_bits_follow_from_features), T(leaves_show_the_features),
		T(leaf_above_the_highest_gives_the_highest_basic_leaf), T(cpuid_instruction),
		T(instructions_exist_by_generation_and_feature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
