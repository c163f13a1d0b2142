/* Names that a case may use: registers, flags, places, selectors. */
#include <stddef.h>
#include <string.h>

#include "arch/x86.h"
#include "testcase/scene.h"

/* ---- registers ---- */
#define REG(name, field, bytes, bits)                                                                                  \
	{                                                                                                              \
		name, offsetof(struct arch_state, field), bytes, bits                                                  \
	}
#define SEGMENT(name, n)                                                                                               \
	REG(name, seg[n].sel, 2, 16), REG(name ".base", seg[n].base, 8, 32), REG(name ".limit", seg[n].limit, 4, 32),  \
		REG(name ".rights", seg[n].attributes, 2, 16)

const struct reg_info reg_table[] = {
	REG("eax", gpr.r64[RAX], 8, 32),
	REG("ecx", gpr.r64[RCX], 8, 32),
	REG("edx", gpr.r64[RDX], 8, 32),
	REG("ebx", gpr.r64[RBX], 8, 32),
	REG("esp", gpr.r64[RSP], 8, 32),
	REG("ebp", gpr.r64[RBP], 8, 32),
	REG("esi", gpr.r64[RSI], 8, 32),
	REG("edi", gpr.r64[RDI], 8, 32),
	REG("eip", rip, 8, 32),
	REG("eflags", rflags, 8, 32),
	SEGMENT("es", SEG_ES),
	SEGMENT("cs", SEG_CS),
	SEGMENT("ss", SEG_SS),
	SEGMENT("ds", SEG_DS),
	SEGMENT("fs", SEG_FS),
	SEGMENT("gs", SEG_GS),
	SEGMENT("ldtr", SEG_LDTR),
	SEGMENT("tr", SEG_TR),
	REG("gdtr.base", gdtr.base, 8, 32),
	REG("gdtr.limit", gdtr.limit, 2, 16),
	REG("idtr.base", idtr.base, 8, 32),
	REG("idtr.limit", idtr.limit, 2, 16),
	REG("cpl", cpl, 1, 2),
	REG("nmi_blocked", nmi_blocked, 1, 1),
	REG("shadow", shadow, 1, 2),
	REG("pending_dr6", pending_dr6, 4, 16),
	REG("cr0", cr0, 8, 32),
	REG("cr2", cr2, 8, 32),
	REG("cr3", cr3, 8, 32),
	REG("cr4", cr4, 8, 32),
	REG("dr0", dr[0], 8, 32),
	REG("dr1", dr[1], 8, 32),
	REG("dr2", dr[2], 8, 32),
	REG("dr3", dr[3], 8, 32),
	REG("dr6", dr6, 8, 32),
	REG("dr7", dr7, 8, 32),
	REG("efer", efer, 8, 32),
	REG("pat", pat, 8, 64),
	REG("sysenter_cs", sysenter_cs, 8, 32),
	REG("sysenter_esp", sysenter_esp, 8, 32),
	REG("sysenter_eip", sysenter_eip, 8, 32),
	REG("misc_enable", misc_enable, 8, 64),
	REG("mtrr_def_type", mtrr_def_type, 8, 64),
	REG("mcg_status", mcg_status, 8, 64),
	REG("fcw", fpu.cw, 2, 16),
	REG("fsw", fpu.sw, 2, 16),
	REG("ftw", fpu.tw, 2, 16),
	REG("fop", fpu.fop, 2, 11),
	REG("fip", fpu.fip, 8, 32),
	REG("fcs", fpu.fcs, 2, 16),
	REG("fdp", fpu.fdp, 8, 32),
	REG("fds", fpu.fds, 2, 16),
};
const unsigned reg_count = sizeof(reg_table) / sizeof(reg_table[0]);
_Static_assert(sizeof(reg_table) / sizeof(reg_table[0]) <= MOST_REGS, "room in struct expectation");

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
} parts[] = {
	{"ax", {RAX, 0, 16}}, {"cx", {RCX, 0, 16}},     {"dx", {RDX, 0, 16}},
	{"bx", {RBX, 0, 16}}, {"sp", {RSP, 0, 16}},     {"bp", {RBP, 0, 16}},
	{"si", {RSI, 0, 16}}, {"di", {RDI, 0, 16}},     {"al", {RAX, 0, 8}},
	{"cl", {RCX, 0, 8}},  {"dl", {RDX, 0, 8}},      {"bl", {RBX, 0, 8}},
	{"ah", {RAX, 8, 8}},  {"ch", {RCX, 8, 8}},      {"dh", {RDX, 8, 8}},
	{"bh", {RBX, 8, 8}},  {"ip", {REG_EIP, 0, 16}}, {"flags", {REG_EFLAGS, 0, 16}},
};

bool reg_find(const char *name, size_t length, struct reg_part *part)
{
	for (unsigned i = 0; i < reg_count; i++)
		if (strlen(reg_table[i].name) == length && !strncmp(reg_table[i].name, name, length)) {
			*part = (struct reg_part){i, 0, reg_table[i].bits};
			return true;
		}
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strlen(parts[i].name) == length && !strncmp(parts[i].name, name, length)) {
			*part = parts[i].part;
			return true;
		}
	return false;
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

	if (!scene->known || !reg_find(name, length, &part))
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

	return scene->host && PICK(moved, name, length, value);
}

bool scene_name(const struct scene *scene, const char *name, size_t length, int64_t *value)
{
	if (host_value(scene, name, length, value))
		return true;
	if (label_value(scene, name, length, value) || register_value(scene, name, length, value) ||
	    PICK(constants, name, length, value) || PICK(flags, name, length, value))
		return true;
	/* Selectors of registers that segment loads have not reached yet. */
	if (length == 2 && !strncmp(name, "tr", 2))
		*value = SEL_TR;
	else if (length == 4 && !strncmp(name, "ldtr", 4))
		*value = SEL_LDTR;
	else
		return false;
	return true;
}

bool scene_function(const struct scene *scene, const char *name, size_t length, int64_t argument, int64_t *value)
{
	static const struct constant functions[] = {
		{"handler", 0}, {"iopl", 1}, {"gate", 2}, {"descriptor", 3}, {"local", 4}};
	int64_t which;

	(void)scene;
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
		*value = AT_IDT + (argument & 0xff) * 8;
		break;
	case 3:
		*value = AT_GDT + (argument & 0xfff8);
		break;
	default:
		*value = AT_LDT + (argument & 0xfff8);
	}
	return true;
}
