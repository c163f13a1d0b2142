#include "testcase/descriptor.h"

#include <inttypes.h>
#include <string.h>

#include "arch/x86.h"

#define SEGMENT_BIT 0x10u /* S, above the type */
#define GATE_32     0x08u

static const struct type_word {
	const char *word;
	uint8_t type;
	enum { IS_SEGMENT, IS_SYSTEM, IS_GATE, IS_TASK_GATE } kind;
	enum { ANY_MODE, LEGACY_MODE, IA32E_MODE } where;
} type_words[] = {
	{"code", SEGMENT_BIT | TYPE_CODE | TYPE_READABLE | TYPE_ACCESSED, IS_SEGMENT, ANY_MODE},
	{"data", SEGMENT_BIT | TYPE_WRITABLE | TYPE_ACCESSED, IS_SEGMENT, ANY_MODE},
	{"ldt", SYS_LDT, IS_SYSTEM, ANY_MODE},
	{"tss16", SYS_TSS16_AVAIL, IS_SYSTEM, ANY_MODE},
	{"tss16-busy", SYS_TSS16_BUSY, IS_SYSTEM, ANY_MODE},
	{"tss32", SYS_TSS32_AVAIL, IS_SYSTEM, LEGACY_MODE},
	{"tss32-busy", SYS_TSS32_BUSY, IS_SYSTEM, LEGACY_MODE},
	{"call16", SYS_CALL_GATE16, IS_GATE, ANY_MODE},
	{"call32", SYS_CALL_GATE32, IS_GATE, LEGACY_MODE},
	{"int16", SYS_INT_GATE16, IS_GATE, ANY_MODE},
	{"int32", SYS_INT_GATE32, IS_GATE, LEGACY_MODE},
	{"trap16", SYS_TRAP_GATE16, IS_GATE, ANY_MODE},
	{"trap32", SYS_TRAP_GATE32, IS_GATE, LEGACY_MODE},
	{"task", SYS_TASK_GATE, IS_TASK_GATE, ANY_MODE},
	{"tss64", SYS_TSS32_AVAIL, IS_SYSTEM, IA32E_MODE},
	{"tss64-busy", SYS_TSS32_BUSY, IS_SYSTEM, IA32E_MODE},
	{"call64", SYS_CALL_GATE32, IS_GATE, IA32E_MODE},
	{"int64", SYS_INT_GATE32, IS_GATE, IA32E_MODE},
	{"trap64", SYS_TRAP_GATE32, IS_GATE, IA32E_MODE},
};

uint64_t descriptor_make(uint32_t base, uint32_t limit, unsigned type, unsigned dpl, unsigned bits)
{
	bool pages = limit > 0xfffff;
	uint64_t stored = pages ? limit >> 12 : limit;

	return (stored & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(type | dpl << 5 | 0x80) << 40 |
	       (stored >> 16) << 48 | (uint64_t)(bits == 32) << 54 | (uint64_t)(bits == 64) << 53 |
	       (uint64_t)pages << 55 | (uint64_t)(base >> 24) << 56;
}

uint64_t gate_make(uint16_t selector, uint32_t offset, unsigned type, unsigned dpl)
{
	return (offset & 0xffff) | (uint64_t)selector << 16 | (uint64_t)(type | dpl << 5 | 0x80) << 40 |
	       (uint64_t)(offset >> 16) << 48;
}

/* ---- fields ---- */
static void set_bits(uint64_t *raw, unsigned shift, unsigned bits, uint64_t value)
{
	uint64_t mask = (bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX) << shift;

	*raw = (*raw & ~mask) | (value << shift & mask);
}

static bool field(struct scope *scope, const struct node *value, uint64_t *raw, unsigned shift, unsigned bits)
{
	uint64_t v;

	if (!expr_bits(scope, value, bits, &v))
		return false;
	set_bits(raw, shift, bits, v);
	return true;
}

static bool flag(struct scope *scope, const struct node *value, uint64_t *raw, unsigned shift)
{
	bool on;

	if (!expr_bool(scope, value, &on))
		return false;
	set_bits(raw, shift, 1, on);
	return true;
}

static bool set_limit(struct scope *scope, const struct node *value, const struct node *pages, uint64_t *raw)
{
	uint64_t limit;
	bool in_pages;

	if (!expr_bits(scope, value, 32, &limit))
		return false;
	in_pages = limit > 0xfffff;
	if (pages && !expr_bool(scope, pages, &in_pages))
		return false;
	if (in_pages && (limit & 0xfff) != 0xfff)
		return problem(scope->problems, value,
			       "the limit 0x%" PRIx64 " does not end with a page: in pages of 4 KiB it ends in fff",
			       limit);
	if (!in_pages && limit > 0xfffff)
		return problem(scope->problems, value, "the limit 0x%" PRIx64 " has more than 20 bits and pages is off",
			       limit);
	set_bits(raw, 55, 1, in_pages);
	limit = in_pages ? limit >> 12 : limit;
	set_bits(raw, 0, 16, limit & 0xffff);
	set_bits(raw, 48, 4, limit >> 16);
	return true;
}

/* 16, 32: the D/B bit; 64: L without it. */
static bool set_width(struct scope *scope, const struct node *value, uint64_t *raw)
{
	uint64_t bits;

	if (!expr_bits(scope, value, 8, &bits))
		return false;
	if (bits != 16 && bits != 32 && (bits != 64 || !(*raw >> 43 & 1)))
		return problem(scope->problems, value, "a segment has 16 or 32 bits, and 64 if it is code");
	set_bits(raw, 54, 1, bits == 32);
	set_bits(raw, 53, 1, bits == 64);
	return true;
}

static const char *const segment_keys[] = {"type",       "base",     "limit",       "pages",    "dpl",
					   "present",    "avl",      "bits",        "accessed", "readable",
					   "conforming", "writable", "expand-down", "long",     NULL};
static const char *const system_keys[] = {"type", "base", "limit", "pages", "dpl", "present", "avl", NULL};
static const char *const gate_keys[] = {"type", "selector", "offset", "dpl", "present", "parameters", "ist", NULL};
static const char *const task_gate_keys[] = {"type", "selector", "dpl", "present", NULL};

/* A key of a data segment said of code, or the other way round. */
static bool contradicts(struct scope *scope, const struct node *key, bool code)
{
	const char *only_code =
		!strcmp(key->text, "readable") || !strcmp(key->text, "conforming") || !strcmp(key->text, "long")
			? "code"
			: NULL;
	const char *only_data = !strcmp(key->text, "writable") || !strcmp(key->text, "expand-down") ? "data" : NULL;

	if ((only_code && !code) || (only_data && code))
		return !problem(scope->problems, key, "'%s' is a property of %s segments, and this is %s", key->text,
				only_code ? only_code : only_data, code ? "code" : "data");
	return false;
}

static bool segment_field(struct scope *scope, const struct node *node, const struct entry *e,
			  const struct descriptor_place *place, uint64_t *raw)
{
	static const struct {
		const char *key;
		uint8_t shift;
	} flags[] = {{"present", 47},    {"avl", 52},      {"accessed", 40},    {"readable", 41},
		     {"conforming", 42}, {"writable", 41}, {"expand-down", 42}, {"long", 53}};
	const char *key = e->key->text;
	bool code = *raw >> 43 & 1;

	if (contradicts(scope, e->key, code))
		return false;
	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (!strcmp(key, flags[i].key))
			return flag(scope, e->value, raw, flags[i].shift);
	if (!strcmp(key, "dpl"))
		return field(scope, e->value, raw, 45, 2);
	if (!strcmp(key, "bits"))
		return set_width(scope, e->value, raw);
	if (!strcmp(key, "limit"))
		return set_limit(scope, e->value, tree_get(node, "pages"), raw);
	if (!strcmp(key, "base")) {
		bool system = place->is_long && !(*raw >> 44 & 1);
		uint64_t base;
		if (!expr_bits(scope, e->value, system ? 64 : 32, &base))
			return false;
		if (system)
			raw[1] = base >> 32;
		set_bits(raw, 16, 24, base & 0xffffff);
		set_bits(raw, 56, 8, base >> 24 & 0xff);
	}
	if (!strcmp(key, "pages") && !tree_get(node, "limit"))
		return flag(scope, e->value, raw, 55);
	return true; /* type: done; pages: with limit */
}

static bool gate_field(struct scope *scope, const struct entry *e, const struct descriptor_place *place, uint64_t *raw)
{
	const char *key = e->key->text;
	uint64_t offset;

	if (!strcmp(key, "present"))
		return flag(scope, e->value, raw, 47);
	if (!strcmp(key, "dpl"))
		return field(scope, e->value, raw, 45, 2);
	if (!strcmp(key, "selector"))
		return field(scope, e->value, raw, 16, 16);
	if (!strcmp(key, place->is_long ? "parameters" : "ist"))
		return problem(scope->problems, e->key, "a gate has %s in IA-32e mode %s", key,
			       place->is_long ? "no more" : "only");
	if (!strcmp(key, "ist"))
		return field(scope, e->value, raw, 32, 3);
	if (!strcmp(key, "parameters"))
		return field(scope, e->value, raw, 32, 5);
	if (!strcmp(key, "offset")) {
		bool wide = *raw >> 40 & GATE_32;
		if (!expr_bits(scope, e->value, place->is_long ? 64 : 32, &offset))
			return false;
		if (!wide && offset > 0xffff)
			return problem(scope->problems, e->value, "the offset 0x%" PRIx64 " in a 16-bit gate", offset);
		set_bits(raw, 0, 16, offset & 0xffff);
		set_bits(raw, 48, 16, offset >> 16 & 0xffff);
		if (place->is_long)
			raw[1] = offset >> 32;
	}
	return true;
}

/* ---- types ---- */
static const struct type_word *word_of_type(unsigned type)
{
	for (unsigned i = 0; i < sizeof(type_words) / sizeof(type_words[0]); i++) {
		bool segment = type_words[i].kind == IS_SEGMENT;
		if (segment ? (type & SEGMENT_BIT) && !((type ^ type_words[i].type) & TYPE_CODE)
			    : type == type_words[i].type)
			return &type_words[i];
	}
	return NULL;
}

static bool same_family(const struct type_word *a, const struct type_word *b)
{
	return a && b && (a->kind == b->kind || (a->kind >= IS_GATE && b->kind >= IS_GATE));
}

static uint64_t fresh(const struct type_word *word, const struct descriptor_place *place)
{
	if (word->kind == IS_SEGMENT)
		return descriptor_make(0, place->bits == 16 ? 0xffff : 0xffffffff, word->type, 0,
				       place->bits == 64 && !(word->type & TYPE_CODE) ? 32 : place->bits);
	if (word->kind == IS_SYSTEM)
		return descriptor_make(0, 0, word->type, 0, 16);
	if (word->kind == IS_TASK_GATE)
		return gate_make(0, 0, word->type, 0);
	return gate_make(SEL_CS0, place->idt ? AT_HANDLERS + place->vector * 16u : AT_HANDLERS, word->type, 0);
}

/* The type as a word, or as a number: what the five bits S and type of the access byte hold. */
static bool set_type(struct scope *scope, const struct node *value, const struct descriptor_place *place, uint64_t *raw,
		     const struct type_word **word)
{
	const struct type_word *old = word_of_type(*raw >> 40 & 0x1f);
	const char *text = expr_substitute(scope, value);
	uint64_t number;

	for (unsigned i = 0; text && i < sizeof(type_words) / sizeof(type_words[0]); i++) {
		if (strcmp(text, type_words[i].word) != 0)
			continue;
		if (type_words[i].where == (place->is_long ? LEGACY_MODE : IA32E_MODE))
			return problem(scope->problems, value, "there is no %s in %s mode", text,
				       place->is_long ? "IA-32e" : "legacy");
		*word = &type_words[i];
		if (!same_family(old, *word) || !*raw) {
			raw[1] = 0;
			*raw = fresh(*word, place);
		}
		if ((*word)->kind != IS_SEGMENT || (old != *word))
			set_bits(raw, 40, 5, (*word)->type);
		return true;
	}
	if (!text || !expr_bits(scope, value, 5, &number))
		return false;
	set_bits(raw, 40, 5, number);
	*word = word_of_type((unsigned)number);
	return true;
}

static const char *const *keys_of(const struct type_word *word, uint64_t raw)
{
	if (!word)
		return raw >> 44 & 1 ? segment_keys : gate_keys;
	return word->kind == IS_SEGMENT  ? segment_keys
	       : word->kind == IS_SYSTEM ? system_keys
	       : word->kind == IS_GATE   ? gate_keys
					 : task_gate_keys;
}

bool descriptor_apply(struct scope *scope, const struct node *node, const struct descriptor_place *place, uint64_t *raw)
{
	const struct type_word *word = *raw ? word_of_type(*raw >> 40 & 0x1f) : NULL;
	const struct node *type = tree_get(node, "type");
	bool good = true;

	if (tree_is_null(node)) {
		raw[0] = raw[1] = 0;
		return true;
	}
	if (node->kind == NODE_SCALAR)
		return expr_bits(scope, node, 64, raw);
	if (node->kind == NODE_LIST && place->is_long && node->count == 2)
		return expr_bits(scope, node->item[0], 64, raw) && expr_bits(scope, node->item[1], 64, raw + 1);
	if (node->kind != NODE_MAP)
		return problem(scope->problems, node, "a descriptor is a mapping, or 64 bits as a number");
	if (type && !set_type(scope, type, place, raw, &word))
		return false;
	if (!type && !*raw)
		return problem(scope->problems, node, "a new descriptor needs a type: code, data, tss32, call32 ...");
	if (!tree_keys(scope->problems, node, keys_of(word, *raw)))
		return false;
	bool gate = keys_of(word, *raw) == gate_keys || keys_of(word, *raw) == task_gate_keys;
	for (unsigned i = 0; i < node->count; i++)
		good &= gate ? gate_field(scope, &node->entry[i], place, raw)
			     : segment_field(scope, node, &node->entry[i], place, raw);
	return good;
}

unsigned descriptor_bytes(const struct descriptor_place *place, const uint64_t *raw)
{
	return place->is_long && (place->idt || raw[1] || (raw[0] && !(raw[0] >> 44 & 1))) ? 16 : 8;
}
