/* GDT, LDT, IDT or IVT, TSS: the preset, and what a case says of them. */
#include <inttypes.h>
#include <string.h>

#include "arch/x86.h"
#include "testcase/descriptor.h"

/* ---- task-state segments; SDM 3A, "Task-State Segment (TSS)" and "16-Bit Task-State Segment" ---- */
#define NOWHERE 0xffu
static const struct tss_field {
	const char *name;
	uint8_t at32, bytes, at16;
	uint8_t reg; /* of reg_table; NOWHERE: none */
} tss_fields[] = {
	{"link", 0x00, 2, 0x00, NOWHERE},
	{"esp0", 0x04, 4, 0x02, NOWHERE},
	{"ss0", 0x08, 2, 0x04, NOWHERE},
	{"esp1", 0x0c, 4, 0x06, NOWHERE},
	{"ss1", 0x10, 2, 0x08, NOWHERE},
	{"esp2", 0x14, 4, 0x0a, NOWHERE},
	{"ss2", 0x18, 2, 0x0c, NOWHERE},
	{"cr3", 0x1c, 4, NOWHERE, NOWHERE},
	{"eip", 0x20, 4, 0x0e, REG_EIP},
	{"eflags", 0x24, 4, 0x10, REG_EFLAGS},
	{"eax", 0x28, 4, 0x12, RAX},
	{"ecx", 0x2c, 4, 0x14, RCX},
	{"edx", 0x30, 4, 0x16, RDX},
	{"ebx", 0x34, 4, 0x18, RBX},
	{"esp", 0x38, 4, 0x1a, RSP},
	{"ebp", 0x3c, 4, 0x1c, RBP},
	{"esi", 0x40, 4, 0x1e, RSI},
	{"edi", 0x44, 4, 0x20, RDI},
	{"es", 0x48, 2, 0x22, REG_SEGMENT + 4 * SEG_ES},
	{"cs", 0x4c, 2, 0x24, REG_SEGMENT + 4 * SEG_CS},
	{"ss", 0x50, 2, 0x26, REG_SEGMENT + 4 * SEG_SS},
	{"ds", 0x54, 2, 0x28, REG_SEGMENT + 4 * SEG_DS},
	{"fs", 0x58, 2, NOWHERE, REG_SEGMENT + 4 * SEG_FS},
	{"gs", 0x5c, 2, NOWHERE, REG_SEGMENT + 4 * SEG_GS},
	{"ldtr", 0x60, 2, 0x2a, NOWHERE},
	{"trap", 0x64, 2, NOWHERE, NOWHERE},
	{"iomap", 0x66, 2, NOWHERE, NOWHERE},
};
#define TSS_FIELDS  (sizeof(tss_fields) / sizeof(tss_fields[0]))
#define TSS32_BYTES 0x68u
#define TSS16_BYTES 0x2cu

/* ---- a list of bytes ---- */
static void add(struct scene *scene, struct bytes **list, unsigned *count, struct bytes bytes)
{
	*list = arena_more(scene->arena, *list, *count, sizeof(**list));
	(*list)[(*count)++] = bytes;
}

static struct bytes number_bytes(struct scene *scene, const struct node *node, const char *what, uint64_t at,
				 uint64_t value, unsigned size)
{
	uint8_t *data = arena_alloc(scene->arena, 8);

	memcpy(data, &value, 8);
	return (struct bytes){.at = at, .size = size, .data = data, .node = node, .what = what};
}

/* ---- descriptor tables ---- */
struct table {
	const char *key, *what;
	uint64_t at;
	bool idt, real;
};
static const struct table protected_tables[] = {
	{"gdt", "the GDT", AT_GDT, false, false},
	{"ldt", "the LDT", AT_LDT, false, false},
	{"idt", "the IDT", AT_IDT, true, false},
};

static bool entry_place(struct scope *scope, const struct table *t, const struct node *key, uint64_t *offset,
			struct descriptor_place *place)
{
	uint64_t index;

	if (!expr_bits(scope, key, t->idt ? 8 : 16, &index))
		return false;
	if (!t->idt && (index & SEL_INDEX) >= 0x800)
		return problem(scope->problems, key, "the selector 0x%" PRIx64 " lies beyond the room of the table",
			       index);
	*offset = t->idt ? index * 8 : index & SEL_INDEX;
	*place = (struct descriptor_place){.idt = t->idt, .vector = (uint8_t)index};
	return true;
}

/* Each entry that node describes goes to the list; it starts from what the entry was. */
static bool table_entries(struct scene *scene, const struct table *t, const struct node *node, struct bytes **list,
			  unsigned *count, bool preset)
{
	struct scope scope = scene_scope(scene);
	struct descriptor_place place;
	uint64_t offset = 0, raw;
	bool good = true;

	if (node->kind != NODE_MAP)
		return problem(scene->problems, node, "%s is a mapping from selectors or vectors to descriptors",
			       t->what);
	for (unsigned i = 0; i < node->count; i++) {
		const struct entry *e = &node->entry[i];
		if (!entry_place(&scope, t, e->key, &offset, &place)) {
			good = false;
			continue;
		}
		place.wide = scene->mode == SCENE_PROT32;
		scene_peek(scene, t->at + offset, &raw, 8);
		if (!descriptor_apply(&scope, e->value, &place, &raw)) {
			good = false;
			continue;
		}
		struct bytes b = number_bytes(scene, e->value, t->what, t->at + offset, raw, 8);
		b.preset = preset;
		add(scene, list, count, b);
	}
	return good;
}

/* Real mode's vectors: {0x50: {selector: 0x2000, offset: 0x10}}. */
static bool ivt_entries(struct scene *scene, const struct node *node, struct bytes **list, unsigned *count)
{
	static const char *const keys[] = {"selector", "offset", NULL};
	struct scope scope = scene_scope(scene);
	uint64_t vector, selector, offset;
	bool good = node->kind == NODE_MAP ||
		    problem(scene->problems, node, "ivt is a mapping from vectors to {selector: ..., offset: ...}");

	for (unsigned i = 0; good && i < node->count; i++) {
		const struct entry *e = &node->entry[i];
		const struct node *s = tree_get(e->value, "selector"), *o = tree_get(e->value, "offset");
		selector = 0;
		if (!expr_bits(&scope, e->key, 8, &vector) || !tree_keys(scene->problems, e->value, keys))
			return false;
		offset = AT_HANDLERS + vector * 16;
		if ((s && !expr_bits(&scope, s, 16, &selector)) || (o && !expr_bits(&scope, o, 16, &offset)))
			return false;
		add(scene, list, count,
		    number_bytes(scene, e->value, "the IVT", vector * 4, selector << 16 | offset, 4));
		(*list)[*count - 1].preset = true;
	}
	return good;
}

/* ---- TSS ---- */
static const struct tss_field *tss_field(const char *name)
{
	for (unsigned i = 0; i < TSS_FIELDS; i++)
		if (!strcmp(tss_fields[i].name, name))
			return &tss_fields[i];
	return NULL;
}

static void tss_registers(struct scene *scene, const struct node *node, bool wide, uint64_t at, struct bytes **list,
			  unsigned *count)
{
	for (unsigned i = 0; i < TSS_FIELDS; i++) {
		const struct tss_field *f = &tss_fields[i];
		unsigned offset = wide ? f->at32 : f->at16;
		if (f->reg == NOWHERE || offset == NOWHERE)
			continue;
		add(scene, list, count,
		    number_bytes(scene, node, "the TSS", at + offset, reg_get(&scene->s, f->reg), wide ? f->bytes : 2));
	}
}

static bool tss_one(struct scene *scene, const struct entry *e, bool wide, uint64_t at, struct bytes **list,
		    unsigned *count)
{
	struct scope scope = scene_scope(scene);
	const struct tss_field *f = tss_field(e->key->text);
	unsigned offset, bytes;
	uint64_t value;

	if (!f)
		return problem(scene->problems, e->key, "unknown key '%s': no field of a TSS", e->key->text);
	offset = wide ? f->at32 : f->at16;
	bytes = wide ? f->bytes : 2;
	if (offset == NOWHERE)
		return problem(scene->problems, e->key, "a 16-bit TSS has no %s", e->key->text);
	if (!expr_bits(&scope, e->value, bytes * 8, &value))
		return false;
	add(scene, list, count, number_bytes(scene, e->value, "the TSS", at + offset, value, bytes));
	return true;
}

/* The fields that node names, of a TSS at `at`; registers: yes stands for all registers as they are at the start. */
static bool tss_entries(struct scene *scene, const struct node *node, bool wide, uint64_t at, struct bytes **list,
			unsigned *count)
{
	struct scope scope = scene_scope(scene);
	const struct node *registers = tree_get(node, "registers");
	bool good = true, all = false;

	if (node->kind != NODE_MAP)
		return problem(scene->problems, node, "a TSS is a mapping from its fields to numbers");
	if (registers && !expr_bool(&scope, registers, &all))
		return false;
	if (all && !scene->known)
		return problem(scene->problems, registers, "the registers are not known here: use memory with tss32");
	if (all)
		tss_registers(scene, registers, wide, at, list, count);
	for (unsigned i = 0; i < node->count; i++) {
		const char *key = node->entry[i].key->text;
		if (strcmp(key, "registers") != 0 && strcmp(key, "limit") != 0 && strcmp(key, "bitmap") != 0 &&
		    strcmp(key, "bits") != 0)
			good &= tss_one(scene, &node->entry[i], wide, at, list, count);
	}
	return good;
}

bool tss_item(struct scene *scene, const struct node *node, bool wide, uint64_t at, bool expected, struct bytes **list,
	      unsigned *count)
{
	unsigned first = *count;

	if (!expected) /* the whole of it, zero where nothing is said */
		add(scene, list, count,
		    (struct bytes){.at = at,
				   .size = wide ? TSS32_BYTES : TSS16_BYTES,
				   .data = arena_alloc(scene->arena, TSS32_BYTES),
				   .node = node,
				   .what = "a TSS"});
	if (!tss_entries(scene, node, wide, at, list, count))
		return false;
	for (unsigned i = first + 1; !expected && i < *count; i++)
		memcpy((uint8_t *)(uintptr_t)(*list)[first].data + ((*list)[i].at - at), (*list)[i].data,
		       (*list)[i].size);
	if (!expected)
		*count = first + 1;
	return true;
}

/* ---- the preset ---- */
static void preset_number(struct scene *scene, uint64_t at, uint64_t value, unsigned size)
{
	struct bytes b = number_bytes(scene, scene->node, "a preset table", at, value, size);

	b.preset = true;
	scene_put(scene, b);
}

static void preset_gdt(struct scene *scene)
{
	bool wide = scene->mode != SCENE_PROT16;
	uint32_t limit = wide ? 0xffffffff : 0xffff;

	for (unsigned dpl = 0; dpl < 4; dpl++) {
		preset_number(scene, AT_GDT + SEL_CS0 + dpl * 16, descriptor_make(0, limit, 0x1b, dpl, wide), 8);
		preset_number(scene, AT_GDT + SEL_DS0 + dpl * 16, descriptor_make(0, limit, 0x13, dpl, wide), 8);
	}
	if (scene->host) {
		preset_number(scene, AT_GDT + (HOST_CS3 & ~7u), descriptor_make(0, limit, 0x1b, 3, true), 8);
		preset_number(scene, AT_GDT + (HOST_DS3 & ~7u), descriptor_make(0, limit, 0x13, 3, true), 8);
	}
	preset_number(scene, AT_GDT + SEL_TR, descriptor_make(AT_TSS, TSS32_BYTES - 1, SYS_TSS32_BUSY, 0, false), 8);
	preset_number(scene, AT_GDT + SEL_LDTR, descriptor_make(AT_LDT, TABLE_LIMIT, SYS_LDT, 0, false), 8);
}

static void preset_idt(struct scene *scene)
{
	unsigned type = scene->mode == SCENE_PROT16 ? SYS_INT_GATE16 : SYS_INT_GATE32;
	uint64_t *idt = arena_alloc(scene->arena, 256 * 8);

	for (unsigned v = 0; v < 256; v++)
		idt[v] = gate_make(SEL_CS0, AT_HANDLERS + v * 16, type, 0);
	scene_put(scene, (struct bytes){.at = AT_IDT,
					.size = 256 * 8,
					.data = (const uint8_t *)idt,
					.node = scene->node,
					.what = "the IDT",
					.preset = true});
}

static void preset_handlers(struct scene *scene)
{
	uint8_t *halts = arena_alloc(scene->arena, HANDLERS);

	memset(halts, 0xf4, HANDLERS);
	scene_put(scene, (struct bytes){.at = AT_HANDLERS,
					.size = HANDLERS,
					.data = halts,
					.node = scene->node,
					.what = "the handlers",
					.preset = true});
}

static void preset_tss(struct scene *scene)
{
	for (unsigned level = 0; level < 3; level++) {
		preset_number(scene, AT_TSS + 4 + level * 8, AT_STACK + level * 0x1000, 4);
		preset_number(scene, AT_TSS + 8 + level * 8, (SEL_DS0 + level * 16) | level, 2);
	}
	preset_number(scene, AT_TSS + 0x66, TSS32_BYTES, 2); /* beyond the limit: no I/O permission bitmap */
}

static void preset_ivt(struct scene *scene)
{
	uint32_t *ivt = arena_alloc(scene->arena, 256 * 4);

	for (unsigned v = 0; v < 256; v++)
		ivt[v] = AT_HANDLERS + v * 16;
	scene_put(scene, (struct bytes){.at = 0,
					.size = 256 * 4,
					.data = (const uint8_t *)ivt,
					.node = scene->node,
					.what = "the IVT",
					.preset = true});
}

/* ---- the case's own ---- */
/* limit: in the TSS's descriptor; bitmap: pairs of digits at iomap. */
static bool tss_limit(struct scene *scene, const struct node *tss)
{
	struct scope scope = scene_scope(scene);
	const struct node *limit = tree_get(tss, "limit");
	uint64_t value, raw;

	if (!limit)
		return true;
	if (!expr_bits(&scope, limit, 20, &value))
		return false;
	scene_peek(scene, AT_GDT + SEL_TR, &raw, 8);
	raw = (raw & ~UINT64_C(0x000f00000000ffff)) | (value & 0xffff) | (value >> 16) << 48;
	preset_number(scene, AT_GDT + SEL_TR, raw, 8);
	return true;
}

static bool tss_bitmap(struct scene *scene, const struct node *tss)
{
	const struct node *bitmap = tree_get(tss, "bitmap");
	struct bytes *list = NULL;
	unsigned count = 0;
	uint16_t at;

	if (!bitmap)
		return true;
	scene_peek(scene, AT_TSS + 0x66, &at, 2);
	if (!memory_digits(scene, bitmap, AT_TSS + at, &list, &count))
		return false;
	for (unsigned i = 0; i < count; i++) {
		list[i].preset = true;
		list[i].what = "the I/O permission bitmap";
		scene_put(scene, list[i]);
	}
	return true;
}

static bool tss_width(struct scene *scene, const struct node *tss, bool *wide)
{
	struct scope scope = scene_scope(scene);
	const struct node *bits = tree_get(tss, "bits");
	uint64_t value = 32;

	if (bits && !expr_bits(&scope, bits, 8, &value))
		return false;
	if (value != 16 && value != 32)
		return problem(scene->problems, bits, "a TSS has 16 or 32 bits");
	*wide = value == 32;
	return true;
}

static void preset_tss16(struct scene *scene)
{
	preset_number(scene, AT_GDT + SEL_TR, descriptor_make(AT_TSS, TSS16_BYTES - 1, SYS_TSS16_BUSY, 0, false), 8);
	scene_put(scene, (struct bytes){.at = AT_TSS,
					.size = TSS32_BYTES,
					.data = arena_alloc(scene->arena, TSS32_BYTES),
					.node = scene->node,
					.what = "the TSS",
					.preset = true});
	for (unsigned level = 0; level < 3; level++) {
		preset_number(scene, AT_TSS + 2 + level * 4, AT_STACK + level * 0x1000, 2);
		preset_number(scene, AT_TSS + 4 + level * 4, (SEL_DS0 + level * 16) | level, 2);
	}
}

static bool own_tss(struct scene *scene, const struct node *tss)
{
	struct bytes *list = NULL;
	unsigned count = 0;
	bool wide;

	if (!tss)
		return true;
	if (!tss_width(scene, tss, &wide))
		return false;
	if (!wide)
		preset_tss16(scene);
	if (!tss_entries(scene, tss, wide, AT_TSS, &list, &count))
		return false;
	for (unsigned i = 0; i < count; i++) {
		list[i].preset = true;
		scene_put(scene, list[i]);
	}
	return tss_limit(scene, tss) && tss_bitmap(scene, tss);
}

static bool own_tables(struct scene *scene, const struct node *node)
{
	for (unsigned i = 0; i < sizeof(protected_tables) / sizeof(protected_tables[0]); i++) {
		const struct node *table = tree_get(node, protected_tables[i].key);
		struct bytes *list = NULL;
		unsigned count = 0;
		if (table && !table_entries(scene, &protected_tables[i], table, &list, &count, true))
			return false;
		for (unsigned k = 0; k < count; k++)
			scene_put(scene, list[k]);
	}
	return true;
}

void tables_preset(struct scene *scene)
{
	preset_handlers(scene);
	if (scene->mode == SCENE_REAL || scene->mode == SCENE_VM86)
		preset_ivt(scene);
	if (scene->mode != SCENE_REAL) {
		preset_idt(scene);
		preset_tss(scene);
	}
	preset_gdt(scene);
}

bool tables_build(struct scene *scene, const struct node *node)
{
	static const char *const protected_only[] = {"ldt", "idt", "tss"};
	const struct node *ivt = tree_get(node, "ivt");
	struct bytes *list = NULL;
	unsigned count = 0;

	if (ivt && !ivt_entries(scene, ivt, &list, &count))
		return false;
	for (unsigned i = 0; i < count; i++)
		scene_put(scene, list[i]);
	for (unsigned i = 0; i < 3 && scene->mode == SCENE_REAL; i++)
		if (tree_get(node, protected_only[i]))
			return problem(scene->problems, tree_get(node, protected_only[i]), "there is no %s in real mode",
				       protected_only[i]);
	return own_tss(scene, tree_get(node, "tss")) && own_tables(scene, node);
}

bool tables_expected(struct scene *scene, const struct node *expect, struct bytes **list, unsigned *count)
{
	const struct node *tss = tree_get(expect, "tss");
	bool wide, good = true;

	for (unsigned i = 0; i < sizeof(protected_tables) / sizeof(protected_tables[0]); i++) {
		const struct node *table = tree_get(expect, protected_tables[i].key);
		if (table)
			good &= table_entries(scene, &protected_tables[i], table, list, count, false);
	}
	if (tss)
		good &= tss_width(scene, tss, &wide) && tss_entries(scene, tss, wide, AT_TSS, list, count);
	return good;
}
