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
	static const char *const names[] = {"i386",   "i486",  "i486sx",    "pentium",   "pentium2",
					    "qemu64", "core2", "x86-64-v2", "x86-64-v3", "max"};

	assert_int_equal(cpu_model_count, 10);
	for (unsigned i = 0; i < 10; i++)
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
		{FEAT_1_EDX, F1D_FXSR, CR4_OSFXSR},       {FEAT_1_EDX, F1D_SSE, CR4_OSXMMEXCPT},
		{FEAT_1_ECX, F1C_XSAVE, CR4_OSXSAVE},
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
	const uint32_t *max = cpu_model_find("max")->feature;
	assert_int_equal(cpuid("max", 7, 0).ebx, max[FEAT_7_EBX]);
	assert_int_equal(cpuid("max", 7, 0).ecx, max[FEAT_7_ECX]);
	assert_int_equal(cpuid("max", 7, 1).ebx, 0);
	assert_int_equal(cpuid("max", 0x80000001, 0).edx, max[FEAT_81_EDX]);
	assert_int_equal(cpuid("max", 0x80000001, 0).ecx, max[FEAT_81_ECX]);
	assert_int_equal(cpuid("max", 0xd, 1).eax, FD1A_XSAVEOPT);
	assert_int_equal(cpuid("max", 0xd, 0).ecx, XSAVE_AREA_END);
	assert_int_equal(cpuid("max", 0xd, 9).ebx, XSAVE_AREA_PKRU);
	assert_int_equal(cpuid("x86-64-v3", 0xd, 0).ecx, XSAVE_AREA_AVX_END);
	assert_int_equal(cpuid("x86-64-v3", 0xd, 9).eax, 0);
	assert_int_equal(cpuid("max", 0x80000008, 0).eax, 57 << 8 | 40);
}

/* The levels of the x86-64 psABI, "Low Level System Information", table of micro-architecture levels. */
static void psabi_levels(void **state)
{
	static const struct {
		enum cpu_generation feature;
		const char *first;
	} list[] = {
		{GEN_LM, "qemu64"},      {GEN_SYSCALL, "qemu64"},   {GEN_FXSR, "qemu64"},     {GEN_SSE2, "qemu64"},
		{GEN_CX16, "qemu64"},    {GEN_LAHF64, "qemu64"},    {GEN_SSE3, "qemu64"},     {GEN_SSSE3, "core2"},
		{GEN_POPCNT, "x86-64-v2"}, {GEN_SSE41, "x86-64-v2"}, {GEN_SSE42, "x86-64-v2"}, {GEN_AVX, "x86-64-v3"},
		{GEN_AVX2, "x86-64-v3"}, {GEN_BMI1, "x86-64-v3"},   {GEN_BMI2, "x86-64-v3"},  {GEN_F16C, "x86-64-v3"},
		{GEN_FMA, "x86-64-v3"},  {GEN_LZCNT, "x86-64-v3"},  {GEN_MOVBE, "x86-64-v3"}, {GEN_XSAVE, "x86-64-v3"},
		{GEN_AES, "max"},        {GEN_PKU, "max"},          {GEN_RDRAND, "max"},      {GEN_ADX, "max"},
	};
	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		bool has = false;
		for (unsigned k = 0; k < cpu_model_count; k++) {
			has |= strcmp(cpu_models[k].name, list[i].first) == 0;
			assert_int_equal(model_has_feature(&cpu_models[k], list[i].feature), has);
		}
	}
}

/* The model max has each feature that rows of the opcode table name. */
static void max_has_every_feature(void **state)
{
	for (unsigned feature = GEN_LATER + 1; feature < GEN_COUNT; feature++)
		assert_true(model_has_feature(cpu_model_find("max"), (enum cpu_generation)feature));
}

static void amd_tells_the_features_of_leaf_1_again(void **state)
{
	uint32_t one = cpuid("qemu64", 1, 0).edx, again = cpuid("qemu64", 0x80000001, 0).edx;

	assert_int_equal(again & 0x0183f3ff, one & 0x0183f3ff);
	uint32_t vendor[3] = {cpuid("qemu64", 0, 0).ebx, cpuid("qemu64", 0, 0).edx, cpuid("qemu64", 0, 0).ecx};
	assert_memory_equal(vendor, "AuthenticAMD", 12);
	assert_int_equal(cpuid("qemu64", 0x80000000, 0).ebx, vendor[0]);
}

/* SDM 2A, "CPUID", leaf 80000001H: Intel shows SYSCALL in 64-bit mode alone. */
static void syscall_is_shown_by_mode(void **state)
{
	set_reg(RAX, 0x80000001);
	STEP(0x0f, 0xa2);
	assert_false(reg(RDX) & F81D_SYSCALL);
	rig_long64(r, 0);
	set_reg(RAX, 0x80000001);
	STEP(0x0f, 0xa2);
	assert_true(reg(RDX) & F81D_SYSCALL);
	bed_model("qemu64");
	set_reg(RAX, 0x80000001);
	STEP(0x0f, 0xa2);
	assert_true(reg(RDX) & F81D_SYSCALL);
}

static void leaf_above_the_highest_gives_the_highest_basic_leaf(void **state)
{
	assert_int_equal(cpuid("pentium2", 3, 0).eax, cpuid("pentium2", 2, 0).eax);
	assert_int_equal(cpuid("pentium2", 0x80000000, 0).eax, cpuid("pentium2", 2, 0).eax);
	assert_int_equal(cpuid("pentium", 0x40000000, 0).edx, cpuid("pentium", 1, 0).edx);
	assert_int_equal(cpuid("max", 0x80000009, 0).ecx, cpuid("max", 0xd, 0).ecx);
	assert_int_equal(cpuid("max", 5, 0).eax, 0); /* below it, not listed: zeros */
}

static void cpuid_at(uint32_t leaf)
{
	set_reg(RAX, leaf);
	set_reg(RCX, 0);
	STEP(0x0f, 0xa2);
}

/* What follows from the processor's state is told where the leaf is taken for another one, too. */
static void leaf_above_the_highest_goes_by_the_state(void **state)
{
	cpuid_at(0x40000000);
	assert_int_equal(reg(RBX), XSAVE_AREA_SSE_END); /* XCR0 as reset leaves it */
	bed_model("pentium");
	cpuid_at(5);
	assert_int_equal(reg(RDX), cpu_model_find("pentium")->feature[FEAT_1_EDX] & ~F1D_APIC);
}

/* SDM 3A, "Presence of the Local APIC"; APM 3, "CPUID", Fn8000_0001_EDX: the bit again. */
static void no_local_apic_is_shown_where_there_is_none(void **state)
{
	static const uint32_t leaves[] = {1, 0x80000001};

	bed_model("qemu64");
	for (unsigned i = 0; i < 2; i++) {
		cpuid_at(leaves[i]);
		assert_false(reg(RDX) & F1D_APIC);
		assert_true(reg(RDX) & F1D_TSC);
	}
}

static int some_id(void *device) { return *(int *)device; }

/* SDM 3A, "CPUID Extensions And Topology Enumeration": whoever has the x2APIC has leaf 0BH. */
static void leaf_0b_comes_with_the_x2apic(void **state)
{
	static int id = 5;
	static const uint32_t subleaf[] = {0, 1, 2, 0xfe};
	static const uint32_t ebx[] = {1, 1, 0, 0}, ecx[] = {0x100, 0x201, 2, 0xfe};

	for (unsigned i = 0; i < 4; i++) {
		r->cpu.apic.device = &id;
		r->cpu.apic.id = some_id;
		set_reg(RAX, 0xb);
		set_reg(RCX, subleaf[i]);
		STEP(0x0f, 0xa2);
		assert_int_equal(reg(RAX), 0);
		assert_int_equal(reg(RBX), ebx[i]);
		assert_int_equal(reg(RCX), ecx[i]);
		assert_int_equal(reg(RDX), 5);
	}
	r->cpu.apic.device = NULL;
	cpuid_at(0xb);
	assert_int_equal(reg(RBX) | reg(RCX) | reg(RDX), 0);
	assert_int_equal(cpuid("x86-64-v3", 0xb, 0).ecx, 0);
}

static void cpuid_instruction(void **state)
{
	rig_protected(r, 3);
	set_reg(RAX, 0);
	set_reg(RCX, 0);
	STEP(0x0f, 0xa2);
	DONE();
	assert_int_equal(reg(RAX), 0xd);
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
		T(leaf_above_the_highest_goes_by_the_state), T(no_local_apic_is_shown_where_there_is_none),
		T(leaf_0b_comes_with_the_x2apic),
		T(models_are_found_by_name), T(control_bits_follow_from_features), T(leaves_show_the_features),
		T(psabi_levels), T(max_has_every_feature), T(amd_tells_the_features_of_leaf_1_again), T(syscall_is_shown_by_mode),
		T(leaf_above_the_highest_gives_the_highest_basic_leaf), T(cpuid_instruction),
		T(instructions_exist_by_generation_and_feature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
