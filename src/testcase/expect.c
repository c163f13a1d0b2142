/* What must be true afterwards. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "arch/x86.h"
#include "testcase/scene.h"

#define MOST_DELIVERIES 64u

/* ---- registers ---- */
static bool is_any(const struct node *node)
{
	return node->kind == NODE_SCALAR && !node->quoted && !strcmp(node->text, "any");
}

/* `5`, `any`, or `{value: 5, mask: 0xff}`. */
static bool masked(struct scene *scene, const struct node *node, unsigned bits, const struct node **where,
		   uint64_t *value, uint64_t *mask)
{
	static const char *const keys[] = {"value", "mask", NULL};
	struct scope scope = scene_scope(scene);

	*where = node;
	*mask = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
	*value = 0;
	if (is_any(node)) {
		*mask = 0;
		return true;
	}
	if (node->kind == NODE_MAP) {
		const struct node *v = tree_get(node, "value"), *m = tree_get(node, "mask");
		if (!tree_keys(scene->problems, node, keys))
			return false;
		if (!v)
			return problem(scene->problems, node, "a mask needs a value");
		if (m && !expr_bits(&scope, m, bits, mask))
			return false;
		*where = node = v;
	}
	return expr_bits(&scope, node, bits, value);
}

static bool one_register(struct scene *scene, const struct entry *e)
{
	struct reg_part part;
	struct reg_want *want;
	bool wide = scene_is_long(scene);
	uint64_t value, mask, all;
	const struct node *where;
	struct scope scope = scene_scope(scene);
	const char *name = expr_substitute(&scope, e->key);

	if (!name)
		return false;
	if (!reg_find(name, strlen(name), wide, &part))
		return problem(scene->problems, e->key, "there is no register '%s'", name);
	if (!masked(scene, e->value, part.bits, &where, &value, &mask))
		return false;
	want = &scene->expect.reg[part.reg];
	if (want->stated && part.bits == reg_bits(part.reg, wide))
		return problem(scene->problems, e->key, "%s is stated twice", reg_name(part.reg, wide));
	all = part.bits < 64 ? (UINT64_C(1) << part.bits) - 1 : UINT64_MAX;
	want->value = (want->value & ~(all << part.shift)) | value << part.shift;
	want->mask = (want->mask & ~(all << part.shift)) | mask << part.shift;
	want->stated = true;
	want->node = where;
	want->part = part;
	return true;
}

static bool expect_registers(struct scene *scene, const struct node *regs, const struct node *flags)
{
	struct expectation *x = &scene->expect;
	bool good = true;

	for (unsigned i = 0; i < reg_count; i++) {
		unsigned bits = reg_bits(i, scene_is_long(scene));
		x->reg[i] = (struct reg_want){.value = reg_get(&scene->s, i),
					      .mask = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX};
	}
	x->reg[REG_EFLAGS].mask = FLAGS_DEFINED | FLAG_ONE;
	x->reg[reg_index("nmi_blocked")].mask = 0;
	x->reg[reg_index("shadow")].mask = 0;
	x->reg[reg_index("pending_dr6")].mask = 0;
	x->regs = regs;
	if (regs && regs->kind != NODE_MAP)
		return problem(scene->problems, regs, "regs is a mapping from registers to values");
	for (unsigned i = 0; regs && i < regs->count; i++)
		good &= one_register(scene, &regs->entry[i]);
	if (flags) {
		x->reg[REG_EFLAGS].stated = true;
		good &= is_any(flags) ? (x->reg[REG_EFLAGS].mask &= ~(uint64_t)FLAGS_STATUS, true)
				      : flags_apply(scene, flags, &x->reg[REG_EFLAGS].value, &x->reg[REG_EFLAGS].mask);
	}
	return good;
}

/* ---- deliveries ---- */
static const char *const vector_names[] = {"DE", "DB", "NMI", "BP", "OF", "BR", "UD", "NM", "DF", "CSO",
					   "TS", "NP", "SS",  "GP", "PF", NULL, "MF", "AC", "MC", "XM"};

static bool read_vector(struct scene *scene, const struct node *node, const char *text, uint8_t *vector)
{
	struct scope scope = scene_scope(scene);
	int64_t value;

	if (*text == '#')
		text++;
	for (unsigned i = 0; i < sizeof(vector_names) / sizeof(vector_names[0]); i++)
		if (vector_names[i] && !strcmp(vector_names[i], text)) {
			*vector = (uint8_t)i;
			return true;
		}
	if (!expr_text(&scope, node, text, &value))
		return false;
	if (value < 0 || value > 255)
		return problem(scene->problems, node, "the vector %" PRId64 " is not in 0 to 255", value);
	*vector = (uint8_t)value;
	return true;
}

static bool read_why(struct scene *scene, const struct node *node, const char *text, enum why *why)
{
	if (!strncmp(text, "WHY_", 4))
		text += 4;
	for (unsigned i = 1; i < WHY_COUNT; i++)
		if (!strcmp(why_info((enum why)i)->name, text)) {
			*why = (enum why)i;
			return true;
		}
	return problem(scene->problems, node, "'%s' is no reason; `trapgate test --reasons` lists them", text);
}

/* A name of one of the enumerations of trace/record.h. */
#define NAMED(function, type, count, text, result)                                                                     \
	do {                                                                                                           \
		for (unsigned n_ = 0; n_ < (count); n_++)                                                              \
			if (!strcmp(function((type)n_), (text))) {                                                     \
				*(result) = (int)n_;                                                                   \
				return true;                                                                           \
			}                                                                                              \
	} while (0)

static bool is_kind(const char *text, int *kind)
{
	NAMED(event_kind_name, enum event_kind, EV_KINDS, text, kind);
	return false;
}
static bool is_step(const char *text, int *step)
{
	NAMED(delivery_step_name, enum delivery_step, STEP_COMMIT + 1u, text, step);
	return false;
}
static bool is_stack(const char *text, int *stack)
{
	NAMED(stack_source_name, enum stack_source, STACK_TASK + 1u, text, stack);
	return false;
}
static bool is_outcome(const char *text, int *outcome)
{
	NAMED(delivery_outcome_name, enum delivery_outcome, OUT_SHUTDOWN + 1u, text, outcome);
	return false;
}

static struct delivery_want blank_delivery(const struct node *node)
{
	return (struct delivery_want){.node = node, .kind = -1, .error = -1, .step = -1, .stack = -1, .outcome = -1};
}

/* `GP(0x282) GATE_DPL`, `0x50 refused GATE_DPL`, `irq 0x40`. */
static bool delivery_words(struct scene *scene, const struct node *node, struct delivery_want *d)
{
	struct scope scope = scene_scope(scene);
	const char *text = expr_substitute(&scope, node);
	bool good = text != NULL, vector = false, refused = false;

	*d = blank_delivery(node);
	while (good && *(text += strspn(text, " \t"))) {
		size_t n = strcspn(text, " \t("), open = 0, end;
		const char *word;
		int64_t error;
		if (!vector && text[n] == '(') { /* up to the ) that closes it */
			for (end = n; text[end] && (text[end] != ')' || open != 1); end++)
				open += text[end] == '(' ? 1 : text[end] == ')' ? SIZE_MAX : 0;
			if (!text[end])
				return problem(scene->problems, node, "no ')' in '%s'", text);
			good = expr_text(&scope, node, arena_copy(scene->arena, text + n + 1, end - n - 1), &error);
			d->error = 1;
			d->error_code = good ? (uint32_t)error : 0;
			end++;
		} else {
			end = n = strcspn(text, " \t");
		}
		word = arena_copy(scene->arena, text, n);
		text += end;
		if (!good)
			return false;
		if (!vector && d->error < 0 && is_kind(word, &d->kind))
			continue;
		if (!vector)
			good = vector = read_vector(scene, node, word, &d->vector);
		else if (!strcmp(word, "refused"))
			refused = d->refused_any = true;
		else
			good = read_why(scene, node, word, refused ? &d->refused : &d->why);
	}
	return good && (vector || d->kind == EV_NMI || problem(scene->problems, node, "no vector"));
}

/* ---- frames ---- */
static bool frame_word(struct scene *scene, const struct entry *e, struct delivery_want *d)
{
	static const struct {
		const char *key;
		enum pushed_name name;
	} names[] = {{"error", PUSH_ERROR},  {"eip", PUSH_IP},      {"ip", PUSH_IP},        {"cs", PUSH_CS},
		     {"eflags", PUSH_FLAGS}, {"flags", PUSH_FLAGS}, {"esp", PUSH_SP},       {"sp", PUSH_SP},
		     {"ss", PUSH_SS},        {"es", PUSH_ES},       {"ds", PUSH_DS},        {"fs", PUSH_FS},
		     {"gs", PUSH_GS},        {"rip", PUSH_IP},      {"rflags", PUSH_FLAGS}, {"rsp", PUSH_SP}};
	struct word_want *w = &d->word[d->words];

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].key, e->key->text) != 0)
			continue;
		for (unsigned k = 0; k < d->words; k++)
			if (d->word[k].name == names[i].name)
				return problem(scene->problems, e->key, "%s stands here twice", e->key->text);
		w->name = names[i].name;
		d->words++;
		return masked(scene, e->value, scene_is_long(scene) ? 64 : 32, &w->node, &w->value, &w->mask);
	}
	return problem(scene->problems, e->key,
		       "unknown key '%s'; a frame has eip, cs, eflags, esp, ss, error, es, ds, fs, gs", e->key->text);
}

static bool read_frame(struct scene *scene, const struct node *frame, struct delivery_want *d)
{
	bool good = true;

	if (is_any(frame))
		return true;
	if (frame->kind != NODE_MAP)
		return problem(scene->problems, frame, "a frame is a mapping: {eip: ..., cs: ..., eflags: ...}");
	for (unsigned i = 0; i < frame->count; i++)
		good &= frame_word(scene, &frame->entry[i], d);
	return good;
}

/* ---- a delivery as a mapping ---- */
static bool delivery_key(struct scene *scene, const char *key, const struct node *value, struct delivery_want *d)
{
	struct scope scope = scene_scope(scene);
	const char *text;
	uint64_t number;

	if (!strcmp(key, "frame"))
		return read_frame(scene, value, d);
	if (!strcmp(key, "error")) {
		d->error = value->kind != NODE_SCALAR || strcmp(value->text, "none") != 0;
		if (d->error && !expr_bits(&scope, value, 32, &number))
			return false;
		d->error_code = d->error ? (uint32_t)number : 0;
		return true;
	}
	if (!strcmp(key, "cr2")) {
		d->has_cr2 = true;
		return expr_bits(&scope, value, 64, &d->cr2);
	}
	if (!(text = expr_substitute(&scope, value)))
		return false;
	if (!strcmp(key, "vector"))
		return read_vector(scene, value, text, &d->vector);
	if (!strcmp(key, "why"))
		return read_why(scene, value, text, &d->why);
	if (!strcmp(key, "refused")) {
		d->refused_any = true;
		return is_any(value) || read_why(scene, value, text, &d->refused);
	}
	if (!strcmp(key, "kind")    ? is_kind(text, &d->kind)
	    : !strcmp(key, "step")  ? is_step(text, &d->step)
	    : !strcmp(key, "stack") ? is_stack(text, &d->stack)
				    : is_outcome(text, &d->outcome))
		return true;
	return problem(scene->problems, value, "'%s' is no %s of a delivery (docs/trace.md)", text, key);
}

static bool delivery_map(struct scene *scene, const struct node *node, struct delivery_want *d)
{
	static const char *const keys[] = {"vector", "kind",    "error", "why",   "refused", "step",
					   "stack",  "outcome", "cr2",   "frame", "event",   NULL};
	const struct node *event = tree_get(node, "event");
	bool good = true;

	*d = blank_delivery(node);
	if (!tree_keys(scene->problems, node, keys))
		return false;
	if (event) {
		if (tree_get(node, "vector"))
			return problem(scene->problems, event, "both event and vector");
		if (!delivery_words(scene, event, d))
			return false;
		d->node = node;
	} else if (!tree_get(node, "vector")) {
		return problem(scene->problems, node, "a delivery needs its vector");
	}
	for (unsigned i = 0; i < node->count; i++)
		if (strcmp(node->entry[i].key->text, "event") != 0)
			good &= delivery_key(scene, node->entry[i].key->text, node->entry[i].value, d);
	return good;
}

static bool expect_deliveries(struct scene *scene, const struct node *deliver)
{
	struct expectation *x = &scene->expect;
	unsigned n = !deliver || tree_is_null(deliver) ? 0 : deliver->kind == NODE_LIST ? deliver->count : 1;
	bool good = true;

	if (deliver && is_any(deliver)) {
		x->deliveries_any = true;
		return true;
	}
	if (n > MOST_DELIVERIES)
		return problem(scene->problems, deliver, "more than %u deliveries", MOST_DELIVERIES);
	x->delivery = arena_alloc(scene->arena, (n + 1) * sizeof(x->delivery[0]));
	for (x->deliveries = 0; x->deliveries < n; x->deliveries++) {
		const struct node *item = deliver->kind == NODE_LIST ? deliver->item[x->deliveries] : deliver;
		struct delivery_want *d = &x->delivery[x->deliveries];
		good &= item->kind == NODE_MAP ? delivery_map(scene, item, d) : delivery_words(scene, item, d);
	}
	return good;
}

/* ---- memory ---- */
static bool expect_memory(struct scene *scene, const struct node *node)
{
	struct expectation *x = &scene->expect;
	const struct node *memory = tree_get(node, "memory"), *scratch = tree_get(node, "scratch"),
			  *pages = tree_get(node, "pages");
	struct scope scope = scene_scope(scene);
	uint64_t at, size;
	bool good = true;

	if ((memory && memory->kind != NODE_LIST) || (scratch && scratch->kind != NODE_LIST))
		return problem(scene->problems, memory && memory->kind != NODE_LIST ? memory : scratch,
			       "memory and scratch are lists: - {at: data, u32: 5}; - {at: data, size: 16}");
	good &= tables_expected(scene, node, &x->memory, &x->memory_count);
	if (pages)
		good &= pages_expected(scene, pages, &x->memory, &x->memory_count);
	for (unsigned i = 0; memory && i < memory->count; i++)
		good &= memory_item(scene, memory->item[i], true, &x->memory, &x->memory_count);
	for (unsigned i = 0; scratch && i < scratch->count; i++) {
		static const char *const keys[] = {"at", "size", NULL};
		const struct node *a = tree_get(scratch->item[i], "at"), *s = tree_get(scratch->item[i], "size");
		if (!tree_keys(scene->problems, scratch->item[i], keys))
			return false;
		if (!a || !s)
			return problem(scene->problems, scratch->item[i], "scratch memory needs at and size");
		if (!expr_bits(&scope, a, 32, &at) || !expr_bits(&scope, s, 32, &size))
			return false;
		x->scratch = arena_more(scene->arena, x->scratch, x->scratch_count, sizeof(x->scratch[0]));
		x->scratch[x->scratch_count++] =
			(struct bytes){.at = at, .size = (uint32_t)size, .node = scratch->item[i]};
	}
	for (unsigned i = 0; i < x->memory_count + x->scratch_count; i++) {
		const struct bytes *b = i < x->memory_count ? &x->memory[i] : &x->scratch[i - x->memory_count];
		if (b->at + b->size > scene->ram)
			good = problem(scene->problems, b->node,
				       "0x%" PRIx64 " lies behind the end of memory, 0x%" PRIx64, b->at, scene->ram);
	}
	return good;
}

/* ---- which one applies ---- */
/* The first of a list whose `when` is true, or that has none. */
static const struct node *applies(struct scene *scene, const struct node *expect)
{
	struct scope scope = scene_scope(scene);

	if (expect->kind != NODE_LIST)
		return expect;
	for (unsigned i = 0; i < expect->count; i++) {
		const struct node *when = tree_get(expect->item[i], "when");
		bool yes = true;
		if (when && !expr_bool(&scope, when, &yes))
			return NULL;
		if (yes)
			return expect->item[i];
	}
	problem(scene->problems, expect, "no expectation applies: each has a `when` that is false");
	return NULL;
}

static bool expect_end(struct scene *scene, const struct node *end)
{
	struct scope scope = scene_scope(scene);
	const char *text = expr_substitute(&scope, end);

	for (unsigned i = END_ANY; text && i <= END_LIMIT; i++)
		if (!strcmp(scene_end_names[i], text)) {
			scene->expect.end = (enum scene_end)i;
			scene->expect.end_node = end;
			return true;
		}
	return text &&
	       problem(scene->problems, end, "'%s': a case ends by end, handler, halt, shutdown, steps or limit", text);
}

bool expect_build(struct scene *scene, const struct node *expect)
{
	static const char *const keys[] = {"when", "regs", "flags", "memory",  "scratch", "gdt", "ldt",
					   "idt",  "tss",  "pages", "deliver", "end",     "fpu", NULL};
	const struct node *node = applies(scene, expect), *end, *fpu;
	bool good;

	if (!node)
		return false;
	if (tree_is_null(node)) { /* nothing changes */
		struct node *empty = arena_alloc(scene->arena, sizeof(*empty));
		*empty = *node;
		empty->kind = NODE_MAP;
		node = empty;
	}
	scene->expect.node = node;
	if (!tree_keys(scene->problems, node, keys))
		return false;
	end = tree_get(node, "end");
	fpu = tree_get(node, "fpu");
	good = expect_registers(scene, tree_get(node, "regs"), tree_get(node, "flags"));
	good &= expect_deliveries(scene, tree_get(node, "deliver"));
	good &= expect_memory(scene, node);
	good &= !end || expect_end(scene, end);
	return (!fpu || fpu_expected(scene, fpu)) && good;
}
