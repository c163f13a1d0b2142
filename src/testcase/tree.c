#include "testcase/tree.h"

#include <stdio.h>
#include <string.h>

#include <yaml.h>

#define DEEPEST       64u
#define MOST_PROBLEMS 100u

/* ---- problems ---- */
static bool known_already(const struct problems *problems, const struct problem *p)
{
	for (const struct problem *i = problems->first; i; i = i->next)
		if (i->at.line == p->at.line && i->at.column == p->at.column && !strcmp(i->text, p->text) &&
		    !strcmp(i->file, p->file))
			return true;
	return false;
}

static bool add_problem(struct problems *problems, const char *file, struct place at, const char *format,
			va_list arguments)
{
	struct problem *p, **last = &problems->first;

	if (problems->count >= MOST_PROBLEMS)
		return false;
	p = arena_alloc(problems->arena, sizeof(*p));
	*p = (struct problem){.file = file, .at = at, .text = arena_vprint(problems->arena, format, arguments)};
	if (known_already(problems, p))
		return false;
	while (*last)
		last = &(*last)->next;
	*last = p;
	problems->count++;
	return false;
}

bool problem_at(struct problems *problems, const char *file, struct place at, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_problem(problems, file, at, format, arguments);
	va_end(arguments);
	return false;
}

bool problem(struct problems *problems, const struct node *node, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_problem(problems, node->file, node->start, format, arguments);
	va_end(arguments);
	return false;
}

/* ---- reading ---- */
struct reading {
	struct arena *arena;
	const char *file;
	struct problems *problems;
	yaml_document_t *document;
	int nodes;
	struct node **made; /* by index in the document */
	bool *open;         /* being made: an alias to it would contain itself */
};

static struct place place_of(yaml_mark_t mark)
{
	return (struct place){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static const struct node *make(struct reading *r, int index, unsigned depth);

static bool is_merge_key(const struct node *key)
{
	return key->kind == NODE_SCALAR && !key->quoted && !strcmp(key->text, "<<");
}

static void add_entry(struct arena *arena, struct node *map, const struct node *key, const struct node *value)
{
	map->entry = arena_more(arena, map->entry, map->count, sizeof(map->entry[0]));
	map->entry[map->count++] = (struct entry){key, value};
}

/* The entries of a merge key's mapping, or of each mapping of its list, that are not there yet. */
static bool merge_into(struct reading *r, struct node *map, const struct node *from)
{
	bool good = true;

	if (from->kind == NODE_LIST) {
		for (unsigned i = 0; i < from->count; i++)
			good &= from->item[i]->kind == NODE_MAP
					? merge_into(r, map, from->item[i])
					: problem(r->problems, from->item[i], "a merge key takes mappings");
		return good;
	}
	if (from->kind != NODE_MAP)
		return problem(r->problems, from, "a merge key takes a mapping or a list of mappings");
	for (unsigned i = 0; i < from->count; i++)
		if (!tree_get(map, from->entry[i].key->text))
			add_entry(r->arena, map, from->entry[i].key, from->entry[i].value);
	return true;
}

static bool make_map(struct reading *r, struct node *map, const yaml_node_t *y, unsigned depth)
{
	const yaml_node_pair_t *pairs = y->data.mapping.pairs.start;
	unsigned n = (unsigned)(y->data.mapping.pairs.top - pairs), merges = 0;
	const struct node *merge[16];

	for (unsigned i = 0; i < n; i++) {
		const struct node *key = make(r, pairs[i].key, depth), *value = make(r, pairs[i].value, depth);
		if (!key || !value)
			return false;
		if (key->kind != NODE_SCALAR)
			return problem(r->problems, key, "a key must be plain text");
		if (is_merge_key(key)) {
			if (merges == 16)
				return problem(r->problems, key, "more than 16 merge keys");
			merge[merges++] = value;
		} else if (tree_get(map, key->text)) {
			return problem(r->problems, key, "the key '%s' stands here twice", key->text);
		} else {
			add_entry(r->arena, map, key, value);
		}
	}
	for (unsigned i = 0; i < merges; i++)
		if (!merge_into(r, map, merge[i]))
			return false;
	return true;
}

static bool make_list(struct reading *r, struct node *list, const yaml_node_t *y, unsigned depth)
{
	const yaml_node_item_t *items = y->data.sequence.items.start;
	unsigned n = (unsigned)(y->data.sequence.items.top - items);

	list->item = arena_alloc(r->arena, (n + 1) * sizeof(list->item[0]));
	for (list->count = 0; list->count < n; list->count++)
		if (!(list->item[list->count] = make(r, items[list->count], depth)))
			return false;
	return true;
}

static bool make_scalar(struct reading *r, struct node *n, const yaml_node_t *y)
{
	const char *text = (const char *)y->data.scalar.value;
	yaml_scalar_style_t style = y->data.scalar.style;

	if (strlen(text) != y->data.scalar.length)
		return problem(r->problems, n, "a zero byte in the text");
	n->text = arena_copy(r->arena, text, y->data.scalar.length);
	n->quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	n->block = style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE;
	return true;
}

static bool fill(struct reading *r, struct node *n, const yaml_node_t *y, unsigned depth)
{
	n->file = r->file;
	n->start = place_of(y->start_mark);
	n->end = place_of(y->end_mark);
	if (depth > DEEPEST)
		return problem(r->problems, n, "nested more than %u deep", DEEPEST);
	if (y->type == YAML_SCALAR_NODE)
		return make_scalar(r, n, y);
	if (y->type == YAML_SEQUENCE_NODE) {
		n->kind = NODE_LIST;
		n->flow = y->data.sequence.style == YAML_FLOW_SEQUENCE_STYLE;
		return make_list(r, n, y, depth + 1);
	}
	n->kind = NODE_MAP;
	n->flow = y->data.mapping.style == YAML_FLOW_MAPPING_STYLE;
	return make_map(r, n, y, depth + 1);
}

static const struct node *make(struct reading *r, int index, unsigned depth)
{
	const yaml_node_t *y = yaml_document_get_node(r->document, index);

	if (r->made[index] && !r->open[index])
		return r->made[index];
	struct node *n = r->made[index] = arena_alloc(r->arena, sizeof(*n));
	if (r->open[index]) {
		n->file = r->file;
		n->start = place_of(y->start_mark);
		problem(r->problems, n, "an alias inside of what it stands for");
		return NULL;
	}
	r->open[index] = true;
	bool good = fill(r, n, y, depth);
	r->open[index] = false;
	return good ? n : NULL;
}

static const struct node *from_document(struct reading *r)
{
	const yaml_node_t *root = yaml_document_get_root_node(r->document);
	int nodes = (int)(r->document->nodes.top - r->document->nodes.start) + 1;

	if (!root) {
		problem_at(r->problems, r->file, (struct place){1, 1}, "the file is empty");
		return NULL;
	}
	r->made = arena_alloc(r->arena, (size_t)nodes * sizeof(r->made[0]));
	r->open = arena_alloc(r->arena, (size_t)nodes);
	return make(r, 1, 0);
}

static void parser_problem(struct reading *r, const yaml_parser_t *parser)
{
	struct place at = place_of(parser->context ? parser->context_mark : parser->problem_mark);

	if (parser->error == YAML_READER_ERROR)
		problem_at(r->problems, r->file, (struct place){1, 1}, "%s at byte %zu", parser->problem,
			   parser->problem_offset);
	else
		problem_at(r->problems, r->file, at, "%s%s%s", parser->context ? parser->context : "",
			   parser->context ? ": " : "", parser->problem ? parser->problem : "out of memory");
}

const struct node *tree_read(struct arena *arena, const char *file, const char *bytes, size_t size,
			     struct problems *problems)
{
	struct reading r = {.arena = arena, .file = file, .problems = problems};
	const struct node *root = NULL;
	yaml_document_t document, more;
	yaml_parser_t parser;

	if (!yaml_parser_initialize(&parser)) {
		problem_at(problems, file, (struct place){1, 1}, "out of memory");
		return NULL;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, size);
	if (!yaml_parser_load(&parser, &document)) {
		parser_problem(&r, &parser);
		yaml_parser_delete(&parser);
		return NULL;
	}
	r.document = &document;
	root = from_document(&r);
	if (!yaml_parser_load(&parser, &more)) {
		parser_problem(&r, &parser);
		root = NULL;
	} else {
		if (yaml_document_get_root_node(&more)) {
			problem_at(problems, file, place_of(more.start_mark), "a second document in the file");
			root = NULL;
		}
		yaml_document_delete(&more);
	}
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	return root;
}

/* ---- looking ---- */
const struct node *tree_get(const struct node *map, const char *key)
{
	for (unsigned i = 0; map && map->kind == NODE_MAP && i < map->count; i++)
		if (!strcmp(map->entry[i].key->text, key))
			return map->entry[i].value;
	return NULL;
}

bool tree_is_null(const struct node *node)
{
	return node->kind == NODE_SCALAR && !node->quoted &&
	       (!strcmp(node->text, "") || !strcmp(node->text, "~") || !strcmp(node->text, "null"));
}

const struct node *tree_merge(struct arena *arena, const struct node *base, const struct node *over)
{
	struct node *map;

	if (!base || !over)
		return over ? over : base;
	if (base->kind != NODE_MAP || over->kind != NODE_MAP)
		return over;
	map = arena_alloc(arena, sizeof(*map));
	*map = *over;
	map->entry = NULL;
	map->count = 0;
	for (unsigned i = 0; i < base->count; i++) {
		const struct node *value = tree_get(over, base->entry[i].key->text);
		add_entry(arena, map, base->entry[i].key, tree_merge(arena, base->entry[i].value, value));
	}
	for (unsigned i = 0; i < over->count; i++)
		if (!tree_get(base, over->entry[i].key->text))
			add_entry(arena, map, over->entry[i].key, over->entry[i].value);
	return map;
}

/* "a, b, c" */
static const char *listed(struct arena *arena, const char *const *words)
{
	const char *list = "";

	for (unsigned i = 0; words[i]; i++)
		list = arena_print(arena, "%s%s%s", list, i ? ", " : "", words[i]);
	return list;
}

bool tree_keys(struct problems *problems, const struct node *node, const char *const *known)
{
	bool good = true;

	if (node->kind != NODE_MAP)
		return problem(problems, node, "here belongs a mapping with the keys %s",
			       listed(problems->arena, known));
	for (unsigned i = 0; i < node->count; i++) {
		unsigned k = 0;
		while (known[k] && strcmp(known[k], node->entry[i].key->text) != 0)
			k++;
		if (!known[k])
			good = problem(problems, node->entry[i].key, "unknown key '%s'; known here: %s",
				       node->entry[i].key->text, listed(problems->arena, known));
	}
	return good;
}
