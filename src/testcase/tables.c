/* GDT, LDT, IDT or IVT, TSS: the preset, and what a case says of them. */
#include <inttypes.h>
#include <string.h>

#include "arch/x86.h"
#include "testcase/descriptor.h"

/* ---- task-state segments; SDM 3A, "Task-State Segment (TSS)", "16-Bit Task-State Segment" and "Task Management in
 * 64-bit Mode" ---- */
#define NOWHERE 0xffu
static const struct tss_field {
	const char *name;
	uint8_t at32, bytes, at16, at64;
	uint8_t reg; /* of reg_table; NOWHERE: none */
} tss_fields[] = {
	{"link", 0x00, 2, 0x00, NOWHERE, NOWHERE},
	{"esp0", 0x04, 4, 0x02, NOWHERE, NOWHERE},
	{"ss0", 0x08, 2, 0x04, NOWHERE, NOWHERE},
	{"esp1", 0x0c, 4, 0x06, NOWHERE, NOWHERE},
	{"ss1", 0x10, 2, 0x08, NOWHERE, NOWHERE},
	{"esp2", 0x14, 4, 0x0a, NOWHERE, NOWHERE},
	{"ss2", 0x18, 2, 0x0c, NOWHERE, NOWHERE},
	{"cr3", 0x1c, 4, NOWHERE, NOWHERE, NOWHERE},
	{"eip", 0x20, 4, 0x0e, NOWHERE, REG_EIP},
	{"eflags", 0x24, 4, 0x10, NOWHERE, REG_EFLAGS},
	{"eax", 0x28, 4, 0x12, NOWHERE, RAX},
	{"ecx", 0x2c, 4, 0x14, NOWHERE, RCX},
	{"edx", 0x30, 4, 0x16, NOWHERE, RDX},
	{"ebx", 0x34, 4, 0x18, NOWHERE, RBX},
	{"esp", 0x38, 4, 0x1a, NOWHERE, RSP},
	{"ebp", 0x3c, 4, 0x1c, NOWHERE, RBP},
	{"esi", 0x40, 4, 0x1e, NOWHERE, RSI},
	{"edi", 0x44, 4, 0x20, NOWHERE, RDI},
	{"es", 0x48, 2, 0x22, NOWHERE, REG_SEGMENT + 4 * SEG_ES},
	{"cs", 0x4c, 2, 0x24, NOWHERE, REG_SEGMENT + 4 * SEG_CS},
	{"ss", 0x50, 2, 0x26, NOWHERE, REG_SEGMENT + 4 * SEG_SS},
	{"ds", 0x54, 2, 0x28, NOWHERE, REG_SEGMENT + 4 * SEG_DS},
	{"fs", 0x58, 2, NOWHERE, NOWHERE, REG_SEGMENT + 4 * SEG_FS},
	{"gs", 0x5c, 2, NOWHERE, NOWHERE, REG_SEGMENT + 4 * SEG_GS},
	{"ldtr", 0x60, 2, 0x2a, NOWHERE, NOWHERE},
	{"trap", 0x64, 2, NOWHERE, NOWHERE, NOWHERE},
	{"iomap", 0x66, 2, NOWHERE, 0x66, NOWHERE},
	{"rsp0", NOWHERE, 8, NOWHERE, 0x04, NOWHERE},
	{"rsp1", NOWHERE, 8, NOWHERE, 0x0c, NOWHERE},
	{"rsp2", NOWHERE, 8, NOWHERE, 0x14, NOWHERE},
	{"ist1", NOWHERE, 8, NOWHERE, 0x24, NOWHERE},
	{"ist2", NOWHERE, 8, NOWHERE, 0x2c, NOWHERE},
	{"ist3", NOWHERE, 8, NOWHERE, 0x34, NOWHERE},
	{"ist4", NOWHERE, 8, NOWHERE, 0x3c, NOWHERE},
	{"ist5", NOWHERE, 8, NOWHERE, 0x44, NOWHERE},
	{"ist6", NOWHERE, 8, NOWHERE, 0x4c, NOWHERE},
	{"ist7", NOWHERE, 8, NOWHERE, 0x54, NOWHERE},
};
#define TSS_FIELDS  (sizeof(tss_fields) / sizeof(tss_fields[0]))
#define TSS32_BYTES 0x68u
#define TSS16_BYTES 0x2cu

static unsigned field_at(const struct tss_field *f, enum tss_kind kind)
{
	return kind == TSS_16 ? f->at16 : kind == TSS_32 ? f->at32 : f->at64;
}
static unsigned field_bytes(const struct tss_field *f, enum tss_kind kind)
{
	return kind == TSS_16 ? 2 : f->bytes;
}
static uint64_t tss_place(const struct scene *scene)
{
	return scene_is_long(scene) ? AT_TSS64 : AT_TSS;
}

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
	bool is_long = scene_is_long(scope->scene);
	uint64_t index;

	if (!expr_bits(scope, key, t->idt ? 8 : 16, &index))
		return false;
	if (!t->idt && (index & SEL_INDEX) >= 0x800)
		return problem(scope->problems, key, "the selector 0x%" PRIx64 " lies beyond the room of the table",
			       index);
	*offset = t->idt ? index * (is_long ? 16 : 8) : index & SEL_INDEX;
	*place = (struct descriptor_place){.idt = t->idt,
					   .vector = (uint8_t)index,
					   .bits = scope->scene->mode == SCENE_VM86 ? 16 : scene_bits(scope->scene),
					   .is_long = is_long};
	return true;
}

/* A gate or system descriptor of IA-32e mode; else the next descriptor lies behind the first word. */
static bool has_two_words(const struct descriptor_place *place, const uint64_t *raw)
{
	return place->is_long && (place->idt || (raw[0] && !(raw[0] >> 44 & 1)));
}

/* Each entry that node describes goes to the list; it starts from what the entry was. */
static bool table_entries(struct scene *scene, const struct table *t, const struct node *node, struct bytes **list,
			  unsigned *count, bool preset)
{
	struct scope scope = scene_scope(scene);
	struct descriptor_place place;
	uint64_t offset = 0, raw[2];
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
		scene_peek(scene, t->at + offset, raw, sizeof(raw));
		if (!has_two_words(&place, raw))
			raw[1] = 0;
		if (!descriptor_apply(&scope, e->value, &place, raw)) {
			good = false;
			continue;
		}
		for (unsigned word = 0; word < descriptor_bytes(&place, raw) / 8; word++) {
			struct bytes b =
				number_bytes(scene, e->value, t->what, t->at + offset + word * 8, raw[word], 8);
			b.preset = preset;
			add(scene, list, count, b);
		}
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

static void tss_registers(struct scene *scene, const struct node *node, enum tss_kind kind, uint64_t at,
			  struct bytes **list, unsigned *count)
{
	for (unsigned i = 0; i < TSS_FIELDS; i++) {
		const struct tss_field *f = &tss_fields[i];
		unsigned offset = field_at(f, kind);
		if (f->reg == NOWHERE || offset == NOWHERE)
			continue;
		add(scene, list, count,
		    number_bytes(scene, node, "the TSS", at + offset, reg_get(&scene->s, f->reg),
				 field_bytes(f, kind)));
	}
}

static bool tss_one(struct scene *scene, const struct entry *e, enum tss_kind kind, uint64_t at, struct bytes **list,
		    unsigned *count)
{
	struct scope scope = scene_scope(scene);
	const struct tss_field *f = tss_field(e->key->text);
	unsigned offset, bytes;
	uint64_t value;

	if (!f)
		return problem(scene->problems, e->key, "unknown key '%s': no field of a TSS", e->key->text);
	offset = field_at(f, kind);
	bytes = field_bytes(f, kind);
	if (offset == NOWHERE)
		return problem(scene->problems, e->key, "a %u-bit TSS has no %s", 16u << kind, e->key->text);
	if (!expr_bits(&scope, e->value, bytes * 8, &value))
		return false;
	add(scene, list, count, number_bytes(scene, e->value, "the TSS", at + offset, value, bytes));
	return true;
}

/* The fields that node names, of a TSS at `at`; registers: yes stands for all registers as they are at the start. */
static bool tss_entries(struct scene *scene, const struct node *node, enum tss_kind kind, uint64_t at,
			struct bytes **list, unsigned *count)
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
		tss_registers(scene, registers, kind, at, list, count);
	for (unsigned i = 0; i < node->count; i++) {
		const char *key = node->entry[i].key->text;
		if (strcmp(key, "registers") != 0 && strcmp(key, "limit") != 0 && strcmp(key, "bitmap") != 0 &&
		    strcmp(key, "bits") != 0)
			good &= tss_one(scene, &node->entry[i], kind, at, list, count);
	}
	return good;
}

bool tss_item(struct scene *scene, const struct node *node, enum tss_kind kind, uint64_t at, bool expected,
	      struct bytes **list, unsigned *count)
{
	unsigned first = *count;

	if (!expected) /* the whole of it, zero where nothing is said */
		add(scene, list, count,
		    (struct bytes){.at = at,
				   .size = kind == TSS_16 ? TSS16_BYTES : TSS32_BYTES,
				   .data = arena_alloc(scene->arena, TSS32_BYTES),
				   .node = node,
				   .what = "a TSS"});
	if (!tss_entries(scene, node, kind, at, list, count))
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

static void preset_system(struct scene *scene)
{
	bool is_long = scene_is_long(scene);

	preset_number(scene, AT_GDT + SEL_TR,
		      descriptor_make((uint32_t)tss_place(scene), TSS32_BYTES - 1, SYS_TSS32_BUSY, 0, 16), 8);
	preset_number(scene, AT_GDT + (is_long ? SEL_LDTR64 : SEL_LDTR),
		      descriptor_make(AT_LDT, TABLE_LIMIT, SYS_LDT, 0, 16), 8);
}

static void preset_gdt(struct scene *scene)
{
	unsigned bits = scene->mode == SCENE_PROT16 ? 16 : 32, code = scene_is_long(scene) ? 64 : bits;
	uint32_t limit = bits == 32 ? 0xffffffff : 0xffff;

	for (unsigned dpl = 0; dpl < 4; dpl++) {
		preset_number(scene, AT_GDT + SEL_CS0 + dpl * 16, descriptor_make(0, limit, 0x1b, dpl, code), 8);
		preset_number(scene, AT_GDT + SEL_DS0 + dpl * 16, descriptor_make(0, limit, 0x13, dpl, bits), 8);
		if (scene_is_long(scene))
			preset_number(scene, AT_GDT + SEL_COMPAT0 + dpl * 8, descriptor_make(0, limit, 0x1b, dpl, 32),
				      8);
	}
	if (scene->host) {
		preset_number(scene, AT_GDT + (HOST_CS3 & ~7u), descriptor_make(0, limit, 0x1b, 3, 32), 8);
		preset_number(scene, AT_GDT + (HOST_DS3 & ~7u), descriptor_make(0, limit, 0x13, 3, 32), 8);
		if (scene_is_long(scene))
			preset_number(scene, AT_GDT + (HOST_CS64 & ~7u), descriptor_make(0, limit, 0x1b, 3, 64), 8);
	}
	preset_system(scene);
}

static void preset_idt(struct scene *scene)
{
	unsigned type = scene->mode == SCENE_PROT16 ? SYS_INT_GATE16 : SYS_INT_GATE32,
		 words = scene_is_long(scene) ? 2 : 1;
	uint64_t *idt = arena_alloc(scene->arena, 256 * 8 * words);

	for (unsigned v = 0; v < 256; v++)
		idt[v * words] = gate_make(SEL_CS0, AT_HANDLERS + v * 16, type, 0);
	scene_put(scene, (struct bytes){.at = AT_IDT,
					.size = 256 * 8 * words,
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
		if (scene_is_long(scene)) {
			preset_number(scene, AT_TSS64 + 4 + level * 8, AT_STACK + level * 0x1000, 8);
			continue;
		}
		preset_number(scene, AT_TSS + 4 + level * 8, AT_STACK + level * 0x1000, 4);
		preset_number(scene, AT_TSS + 8 + level * 8, (SEL_DS0 + level * 16) | level, 2);
	}
	for (unsigned ist = 0; ist < 7 && scene_is_long(scene); ist++)
		preset_number(scene, AT_TSS64 + 0x24 + ist * 8, AT_IST + ist * 0x200, 8);
	preset_number(scene, tss_place(scene) + 0x66, TSS32_BYTES, 2); /* beyond the limit: no I/O permission bitmap */
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
	scene_peek(scene, tss_place(scene) + 0x66, &at, 2);
	if (!memory_digits(scene, bitmap, tss_place(scene) + at, &list, &count))
		return false;
	for (unsigned i = 0; i < count; i++) {
		list[i].preset = true;
		list[i].what = "the I/O permission bitmap";
		scene_put(scene, list[i]);
	}
	return true;
}

static bool tss_width(struct scene *scene, const struct node *tss, enum tss_kind *kind)
{
	struct scope scope = scene_scope(scene);
	const struct node *bits = tree_get(tss, "bits");
	uint64_t value = scene_is_long(scene) ? 64 : 32;

	if (bits && !expr_bits(&scope, bits, 8, &value))
		return false;
	if (scene_is_long(scene) ? value != 64 : value != 16 && value != 32)
		return problem(scene->problems, bits,
			       scene_is_long(scene) ? "a TSS of IA-32e mode has 64 bits" : "a TSS has 16 or 32 bits");
	*kind = value == 16 ? TSS_16 : value == 32 ? TSS_32 : TSS_64;
	return true;
}

static void preset_tss16(struct scene *scene)
{
	preset_number(scene, AT_GDT + SEL_TR, descriptor_make(AT_TSS, TSS16_BYTES - 1, SYS_TSS16_BUSY, 0, 16), 8);
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
	enum tss_kind kind;

	if (!tss)
		return true;
	if (!tss_width(scene, tss, &kind))
		return false;
	if (kind == TSS_16)
		preset_tss16(scene);
	if (!tss_entries(scene, tss, kind, tss_place(scene), &list, &count))
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
			return problem(scene->problems, tree_get(node, protected_only[i]),
				       "there is no %s in real mode", protected_only[i]);
	return own_tss(scene, tree_get(node, "tss")) && own_tables(scene, node);
}

bool tables_expected(struct scene *scene, const struct node *expect, struct bytes **list, unsigned *count)
{
	const struct node *tss = tree_get(expect, "tss");
	enum tss_kind kind;
	bool good = true;

	for (unsigned i = 0; i < sizeof(protected_tables) / sizeof(protected_tables[0]); i++) {
		const struct node *table = tree_get(expect, protected_tables[i].key);
		if (table)
			good &= table_entries(scene, &protected_tables[i], table, list, count, false);
	}
	if (tss)
		good &= tss_width(scene, tss, &kind) && tss_entries(scene, tss, kind, tss_place(scene), list, count);
	return good;
}
