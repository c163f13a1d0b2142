/* Names that a case may use: registers, flags, places, selectors. */
#include <stddef.h>
#include <string.h>

#include "arch/x86.h"
#include "testcase/scene.h"

/* ---- registers ---- */
#define REG(name, field, bytes, bits)                                                                                  \
	{                                                                                                              \
		name, name, offsetof(struct arch_state, field), bytes, bits, bits                                      \
	}
/* What has 64 bits in 64-bit mode. */
#define WIDER(name, wide, field)                                                                                       \
	{                                                                                                              \
		name, wide, offsetof(struct arch_state, field), 8, 32, 64                                              \
	}
/* What 64-bit mode alone has. */
#define WIDE_ONLY(name, field)                                                                                         \
	{                                                                                                              \
		name, name, offsetof(struct arch_state, field), 8, 0, 64                                               \
	}
#define SEGMENT(name, n)                                                                                               \
	REG(name, seg[n].sel, 2, 16), WIDER(name ".base", name ".base", seg[n].base),                                  \
		REG(name ".limit", seg[n].limit, 4, 32), REG(name ".rights", seg[n].attributes, 2, 16)
#define VECTOR(n)                                                                                                      \
	REG("ymm" #n ".0", vec[n].u64[0], 8, 64), REG("ymm" #n ".1", vec[n].u64[1], 8, 64),                            \
		REG("ymm" #n ".2", vec[n].u64[2], 8, 64), REG("ymm" #n ".3", vec[n].u64[3], 8, 64)

const struct reg_info reg_table[] = {
	WIDER("eax", "rax", gpr.r64[RAX]),
	WIDER("ecx", "rcx", gpr.r64[RCX]),
	WIDER("edx", "rdx", gpr.r64[RDX]),
	WIDER("ebx", "rbx", gpr.r64[RBX]),
	WIDER("esp", "rsp", gpr.r64[RSP]),
	WIDER("ebp", "rbp", gpr.r64[RBP]),
	WIDER("esi", "rsi", gpr.r64[RSI]),
	WIDER("edi", "rdi", gpr.r64[RDI]),
	WIDER("eip", "rip", rip),
	WIDER("eflags", "rflags", rflags),
	SEGMENT("es", SEG_ES),
	SEGMENT("cs", SEG_CS),
	SEGMENT("ss", SEG_SS),
	SEGMENT("ds", SEG_DS),
	SEGMENT("fs", SEG_FS),
	SEGMENT("gs", SEG_GS),
	SEGMENT("ldtr", SEG_LDTR),
	SEGMENT("tr", SEG_TR),
	WIDE_ONLY("r8", gpr.r64[R8]),
	WIDE_ONLY("r9", gpr.r64[R9]),
	WIDE_ONLY("r10", gpr.r64[R10]),
	WIDE_ONLY("r11", gpr.r64[R11]),
	WIDE_ONLY("r12", gpr.r64[R12]),
	WIDE_ONLY("r13", gpr.r64[R13]),
	WIDE_ONLY("r14", gpr.r64[R14]),
	WIDE_ONLY("r15", gpr.r64[R15]),
	WIDER("gdtr.base", "gdtr.base", gdtr.base),
	REG("gdtr.limit", gdtr.limit, 2, 16),
	WIDER("idtr.base", "idtr.base", idtr.base),
	REG("idtr.limit", idtr.limit, 2, 16),
	REG("cpl", cpl, 1, 2),
	REG("nmi_blocked", nmi_blocked, 1, 1),
	REG("shadow", shadow, 1, 2),
	REG("pending_dr6", pending_dr6, 4, 16),
	WIDER("cr0", "cr0", cr0),
	WIDER("cr2", "cr2", cr2),
	WIDER("cr3", "cr3", cr3),
	WIDER("cr4", "cr4", cr4),
	WIDE_ONLY("cr8", cr8),
	WIDER("dr0", "dr0", dr[0]),
	WIDER("dr1", "dr1", dr[1]),
	WIDER("dr2", "dr2", dr[2]),
	WIDER("dr3", "dr3", dr[3]),
	WIDER("dr6", "dr6", dr6),
	WIDER("dr7", "dr7", dr7),
	REG("efer", efer, 8, 32),
	REG("pat", pat, 8, 64),
	REG("sysenter_cs", sysenter_cs, 8, 32),
	WIDER("sysenter_esp", "sysenter_esp", sysenter_esp),
	WIDER("sysenter_eip", "sysenter_eip", sysenter_eip),
	REG("star", star, 8, 64),
	REG("lstar", lstar, 8, 64),
	REG("cstar", cstar, 8, 64),
	REG("sfmask", sfmask, 8, 32),
	REG("kernel_gs_base", kernel_gs_base, 8, 64),
	REG("tsc_aux", tsc_aux, 8, 32),
	REG("pkru", pkru, 8, 32),
	REG("xcr0", xcr0, 8, 64),
	REG("misc_enable", misc_enable, 8, 64),
	REG("mtrr_def_type", mtrr_def_type, 8, 64),
	REG("mcg_status", mcg_status, 8, 64),
	REG("fcw", fpu.cw, 2, 16),
	REG("fsw", fpu.sw, 2, 16),
	REG("ftw", fpu.tw, 2, 16),
	REG("fop", fpu.fop, 2, 11),
	WIDER("fip", "fip", fpu.fip),
	REG("fcs", fpu.fcs, 2, 16),
	WIDER("fdp", "fdp", fpu.fdp),
	REG("fds", fpu.fds, 2, 16),
	REG("mxcsr", mxcsr, 4, 32),
	VECTOR(0),
	VECTOR(1),
	VECTOR(2),
	VECTOR(3),
	VECTOR(4),
	VECTOR(5),
	VECTOR(6),
	VECTOR(7),
	VECTOR(8),
	VECTOR(9),
	VECTOR(10),
	VECTOR(11),
	VECTOR(12),
	VECTOR(13),
	VECTOR(14),
	VECTOR(15),
};
const unsigned reg_count = sizeof(reg_table) / sizeof(reg_table[0]);
_Static_assert(sizeof(reg_table) / sizeof(reg_table[0]) <= MOST_REGS, "room in struct expectation");

const char *reg_name(unsigned reg, bool wide)
{
	return wide ? reg_table[reg].wide_name : reg_table[reg].name;
}

unsigned reg_bits(unsigned reg, bool wide)
{
	return wide || !reg_table[reg].bits ? reg_table[reg].wide_bits : reg_table[reg].bits;
}

uint64_t reg_get(const struct arch_state *s, unsigned reg)
{
	uint64_t value = 0;

	memcpy(&value, (const char *)s + reg_table[reg].offset, reg_table[reg].bytes);
	return value;
}

void reg_set(struct arch_state *s, unsigned reg, uint64_t value)
{
	memcpy((char *)s + reg_table[reg].offset, &value, reg_table[reg].bytes);
}

unsigned reg_index(const char *name)
{
	unsigned i = 0;

	while (i < reg_count && strcmp(reg_table[i].name, name) != 0)
		i++;
	return i;
}

unsigned reg_selector(enum seg seg)
{
	return REG_SEGMENT + (unsigned)seg * 4;
}
unsigned reg_base(enum seg seg)
{
	return reg_selector(seg) + 1;
}
unsigned reg_limit(enum seg seg)
{
	return reg_selector(seg) + 2;
}
unsigned reg_attributes(enum seg seg)
{
	return reg_selector(seg) + 3;
}

static const struct {
	const char *name;
	struct reg_part part;
	bool wide; /* needs REX, or 64-bit mode */
} parts[] = {
	{"ax", {RAX, 0, 16}, false}, {"cx", {RCX, 0, 16}, false},     {"dx", {RDX, 0, 16}, false},
	{"bx", {RBX, 0, 16}, false}, {"sp", {RSP, 0, 16}, false},     {"bp", {RBP, 0, 16}, false},
	{"si", {RSI, 0, 16}, false}, {"di", {RDI, 0, 16}, false},     {"al", {RAX, 0, 8}, false},
	{"cl", {RCX, 0, 8}, false},  {"dl", {RDX, 0, 8}, false},      {"bl", {RBX, 0, 8}, false},
	{"ah", {RAX, 8, 8}, false},  {"ch", {RCX, 8, 8}, false},      {"dh", {RDX, 8, 8}, false},
	{"bh", {RBX, 8, 8}, false},  {"ip", {REG_EIP, 0, 16}, false}, {"flags", {REG_EFLAGS, 0, 16}, false},
	{"spl", {RSP, 0, 8}, true},  {"bpl", {RBP, 0, 8}, true},      {"sil", {RSI, 0, 8}, true},
	{"dil", {RDI, 0, 8}, true},
};

/* r8d, r8w, r8b ... r15b. */
static bool find_extended(const char *name, size_t length, struct reg_part *part)
{
	static const struct {
		char letter;
		uint8_t bits;
	} sizes[] = {{'d', 32}, {'w', 16}, {'b', 8}};
	struct reg_part whole;

	if (length < 3 || name[0] != 'r' || !reg_find(name, length - 1, true, &whole))
		return false;
	for (unsigned i = 0; i < 3 && reg_table[whole.reg].bits == 0; i++)
		if (name[length - 1] == sizes[i].letter) {
			*part = (struct reg_part){whole.reg, 0, sizes[i].bits};
			return true;
		}
	return false;
}

static bool same_word(const char *word, const char *name, size_t length)
{
	return word[0] == name[0] && strlen(word) == length && !strncmp(word, name, length);
}

bool reg_find(const char *name, size_t length, bool wide, struct reg_part *part)
{
	for (unsigned i = 0; i < reg_count; i++) {
		const struct reg_info *r = &reg_table[i];
		bool other = strcmp(r->name, r->wide_name) != 0;
		if (wide && same_word(r->wide_name, name, length)) {
			*part = (struct reg_part){i, 0, r->wide_bits};
			return true;
		}
		if (r->bits && (!wide || other) && same_word(r->name, name, length)) {
			*part = (struct reg_part){i, 0, r->bits};
			return true;
		}
	}
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if ((wide || !parts[i].wide) && same_word(parts[i].name, name, length)) {
			*part = parts[i].part;
			return true;
		}
	return wide && find_extended(name, length, part);
}

/* ---- flags ---- */
static const struct constant {
	const char *name;
	int64_t value;
} flags[] = {
	{"CF", FLAG_CF}, {"PF", FLAG_PF}, {"AF", FLAG_AF},   {"ZF", FLAG_ZF},     {"SF", FLAG_SF}, {"TF", FLAG_TF},
	{"IF", FLAG_IF}, {"DF", FLAG_DF}, {"OF", FLAG_OF},   {"IOPL", FLAG_IOPL}, {"NT", FLAG_NT}, {"RF", FLAG_RF},
	{"VM", FLAG_VM}, {"AC", FLAG_AC}, {"VIF", FLAG_VIF}, {"VIP", FLAG_VIP},   {"ID", FLAG_ID},
};

static bool pick(const struct constant *list, size_t count, const char *name, size_t length, int64_t *value)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(list[i].name) == length && !strncmp(list[i].name, name, length)) {
			*value = list[i].value;
			return true;
		}
	return false;
}
#define PICK(list, name, length, value) pick((list), sizeof(list) / sizeof((list)[0]), (name), (length), (value))

uint32_t flag_bit(const char *name, size_t length)
{
	int64_t value;

	return PICK(flags, name, length, &value) ? (uint32_t)value : 0;
}

/* ---- places and selectors ---- */
static const struct constant constants[] = {
	{"gdt", AT_GDT},
	{"ldt", AT_LDT},
	{"idt", AT_IDT},
	{"tss", AT_TSS},
	{"code", AT_CODE},
	{"data", AT_DATA},
	{"tables", AT_TABLES},
	{"stack0", AT_STACK},
	{"stack1", AT_STACK + 0x1000},
	{"stack2", AT_STACK + 0x2000},
	{"stack3", AT_STACK + 0x3000},
	{"cs0", SEL_CS0},
	{"ds0", SEL_DS0},
	{"cs1", SEL_CS1},
	{"ds1", SEL_DS1},
	{"cs2", SEL_CS2},
	{"ds2", SEL_DS2},
	{"cs3", SEL_CS3},
	{"ds3", SEL_DS3},
	{"STATUS", FLAGS_STATUS},
	{"PE", CR0_PE},
	{"MP", CR0_MP},
	{"EM", CR0_EM},
	{"TS", CR0_TS},
	{"ET", CR0_ET},
	{"NE", CR0_NE},
	{"WP", CR0_WP},
	{"AM", CR0_AM},
	{"NW", CR0_NW},
	{"CD", CR0_CD},
	{"PG", CR0_PG},
	{"VME", CR4_VME},
	{"PVI", CR4_PVI},
	{"TSD", CR4_TSD},
	{"DE", CR4_DE},
	{"PSE", CR4_PSE},
	{"PAE", CR4_PAE},
	{"MCE", CR4_MCE},
	{"PGE", CR4_PGE},
	{"PCE", CR4_PCE},
	{"UMIP", CR4_UMIP},
	{"SMEP", CR4_SMEP},
	{"SMAP", CR4_SMAP},
	{"PCIDE", CR4_PCIDE},
	{"PKE", CR4_PKE},
	{"FSGSBASE", CR4_FSGSBASE},
	{"OSFXSR", CR4_OSFXSR},
	{"OSXMMEXCPT", CR4_OSXMMEXCPT},
	{"OSXSAVE", CR4_OSXSAVE},
	{"LA57", CR4_LA57},
	{"SCE", EFER_SCE},
	{"LME", EFER_LME},
	{"LMA", EFER_LMA},
	{"NXE", EFER_NXE},
};

/* Where IA-32e mode has its own. */
static const struct constant long_constants[] = {
	{"tss", AT_TSS64},
	{"ist1", AT_IST},
	{"ist2", AT_IST + 0x200},
	{"ist3", AT_IST + 0x400},
	{"ist4", AT_IST + 0x600},
	{"ist5", AT_IST + 0x800},
	{"ist6", AT_IST + 0xa00},
	{"ist7", AT_IST + 0xc00},
	{"cs32_0", SEL_COMPAT0},
	{"cs32_1", SEL_COMPAT0 + 0x9},
	{"cs32_2", SEL_COMPAT0 + 0x12},
	{"cs32_3", SEL_COMPAT0 + 0x1b},
};

static bool label_value(const struct scene *scene, const char *name, size_t length, int64_t *value)
{
	for (unsigned i = 0; i < scene->labels; i++)
		if (strlen(scene->label[i].name) == length && !strncmp(scene->label[i].name, name, length)) {
			*value = (int64_t)scene->label[i].value;
			return true;
		}
	return false;
}

static bool register_value(const struct scene *scene, const char *name, size_t length, int64_t *value)
{
	struct reg_part part;

	if (!scene->known || !reg_find(name, length, scene_is_long(scene), &part))
		return false;
	*value = (int64_t)(reg_get(&scene->s, part.reg) >> part.shift);
	if (part.bits < 64)
		*value &= (int64_t)((UINT64_C(1) << part.bits) - 1);
	return true;
}

/* What lies elsewhere in a case that is laid out for the host. */
static bool host_value(const struct scene *scene, const char *name, size_t length, int64_t *value)
{
	static const struct constant moved[] = {{"code", AT_CODE + HOST_SHIFT},
						{"data", AT_DATA + HOST_SHIFT},
						{"stack3", AT_STACK + 0x3000 + HOST_SHIFT},
						{"cs3", HOST_CS3},
						{"ds3", HOST_DS3}};

	if (scene->host && scene_is_long(scene) && same_word("cs3", name, length))
		*value = HOST_CS64;
	else if (scene->host && scene_is_long(scene) && same_word("cs32_3", name, length))
		*value = HOST_CS3;
	else
		return scene->host && PICK(moved, name, length, value);
	return true;
}

bool scene_name(const struct scene *scene, const char *name, size_t length, int64_t *value)
{
	if (host_value(scene, name, length, value))
		return true;
	if (scene_is_long(scene) && PICK(long_constants, name, length, value))
		return true;
	if (label_value(scene, name, length, value) || register_value(scene, name, length, value) ||
	    PICK(constants, name, length, value) || PICK(flags, name, length, value))
		return true;
	/* Selectors of registers that segment loads have not reached yet. */
	if (length == 2 && !strncmp(name, "tr", 2))
		*value = SEL_TR;
	else if (length == 4 && !strncmp(name, "ldtr", 4))
		*value = scene_is_long(scene) ? SEL_LDTR64 : SEL_LDTR;
	else
		return false;
	return true;
}

bool scene_function(const struct scene *scene, const char *name, size_t length, int64_t argument, int64_t *value)
{
	static const struct constant functions[] = {
		{"handler", 0}, {"iopl", 1}, {"gate", 2}, {"descriptor", 3}, {"local", 4}};
	int64_t which;

	if (!PICK(functions, name, length, &which))
		return false;
	switch (which) {
	case 0:
		*value = AT_HANDLERS + (argument & 0xff) * 16;
		break;
	case 1:
		*value = (argument & 3) << FLAG_IOPL_SHIFT;
		break;
	case 2:
		*value = AT_IDT + (argument & 0xff) * (scene_is_long(scene) ? 16 : 8);
		break;
	case 3:
		*value = AT_GDT + (argument & 0xfff8);
		break;
	default:
		*value = AT_LDT + (argument & 0xfff8);
	}
	return true;
}
