#include "testcase/suite.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "testcase/scene.h"

#define MOST_ROWS       50000u /* of a file */
#define MOST_INCLUDES   16u
#define MOST_FILE_BYTES (16u << 20)

struct reading {
	struct suite *suite;
	const struct node *root, *presets;
	uint64_t seed;
};

static struct scope scope_of(struct reading *r, const struct param *params)
{
	return (struct scope){&r->suite->arena, &r->suite->problems, params, NULL};
}

/* ---- parameters ---- */
/* Names the assembler takes for registers. */
static bool is_register(const char *name)
{
	struct reg_part part;

	if (!reg_find(name, strlen(name), true, &part))
		return false;
	return strlen(name) == 2 ? strcmp(name, "tr") != 0 && strcmp(name, "ip") != 0
				 : part.reg < REG_EIP || !strncmp(name, "cr", 2) || !strncmp(name, "dr", 2);
}

static bool good_name(struct reading *r, const struct node *key)
{
	const char *p = key->text;

	if (!isalpha((unsigned char)*p) && *p != '_')
		return problem(&r->suite->problems, key, "'%s' is no name of a parameter", p);
	for (; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_')
			return problem(&r->suite->problems, key, "'%s' is no name of a parameter", key->text);
	if (is_register(key->text))
		return problem(&r->suite->problems, key, "the parameter %s has the name of a register", key->text);
	return true;
}

static const struct param *bind_text(struct reading *r, const struct param *params, const char *name,
				     const struct node *where, const char *text)
{
	struct scope scope = scope_of(r, params);
	struct param *p = arena_alloc(&r->suite->arena, sizeof(*p));

	*p = (struct param){.name = name, .text = text, .next = (struct param *)(uintptr_t)params};
	p->number = *text && expr_try(&scope, where, text, &p->value);
	if (p->number && !isdigit((unsigned char)*text)) /* an expression: its value is its text */
		p->text = arena_print(&r->suite->arena, p->value >= 0 && p->value < 10 ? "%" PRId64 : "0x%" PRIx64,
				      p->value);
	return p;
}

static const struct param *bind(struct reading *r, const struct param *params, const struct node *key,
				const struct node *value)
{
	struct scope scope = scope_of(r, params);
	const char *text;

	if (!good_name(r, key) || !(text = expr_substitute(&scope, value)))
		return NULL;
	return bind_text(r, params, key->text, value, text);
}

/* ---- the values of one dimension ---- */
static uint32_t random32(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 32);
}

static uint64_t name_hash(const char *name, uint64_t seed)
{
	for (; *name; name++)
		seed = (seed ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return seed;
}

struct values {
	unsigned count;
	const char **text;
	const struct node **node;
};

static void add_value(struct reading *r, struct values *v, const struct node *node, const char *text)
{
	struct arena *arena = &r->suite->arena;

	v->text = arena_more(arena, v->text, v->count, sizeof(v->text[0]));
	v->node = arena_more(arena, v->node, v->count, sizeof(v->node[0]));
	v->text[v->count] = text;
	v->node[v->count++] = node;
}

/* `1..7`, `random 10`, or one value. */
static bool scalar_values(struct reading *r, const struct param *params, const struct node *key,
			  const struct node *value, struct values *v)
{
	struct scope scope = scope_of(r, params);
	const char *text = expr_substitute(&scope, value), *dots;
	int64_t first, last;

	if (!text)
		return false;
	if (!strncmp(text, "random ", 7)) {
		uint64_t state = name_hash(key->text, r->seed * 2 + 1);
		if (!expr_text(&scope, value, text + 7, &last))
			return false;
		if (last < 1 || last > MOST_ROWS)
			return problem(&r->suite->problems, value, "random takes a count from 1 to %u", MOST_ROWS);
		for (int64_t i = 0; i < last; i++)
			add_value(r, v, value, arena_print(&r->suite->arena, "0x%08x", random32(&state)));
		return true;
	}
	if (!(dots = strstr(text, ".."))) {
		add_value(r, v, value, text);
		return true;
	}
	if (!expr_text(&scope, value, arena_copy(&r->suite->arena, text, (size_t)(dots - text)), &first) ||
	    !expr_text(&scope, value, dots + 2, &last))
		return false;
	if (last < first || last - first >= (int64_t)MOST_ROWS)
		return problem(&r->suite->problems, value, "the range %s is empty or too large", text);
	for (; first <= last; first++)
		add_value(r, v, value, arena_print(&r->suite->arena, "%" PRId64, first));
	return true;
}

static bool dimension(struct reading *r, const struct param *params, const struct entry *e, struct values *v)
{
	*v = (struct values){.count = 0};
	if (e->value->kind == NODE_SCALAR)
		return scalar_values(r, params, e->key, e->value, v);
	if (e->value->kind != NODE_LIST || !e->value->count)
		return problem(&r->suite->problems, e->value, "%s: a list of values, a range 1..7, or `random N`",
			       e->key->text);
	for (unsigned i = 0; i < e->value->count; i++)
		if (!scalar_values(r, params, e->key, e->value->item[i], v))
			return false;
	return true;
}

/* ---- rows ---- */
struct expansion {
	const struct node *node, *written, *matrix, *rows, *columns;
	const char *name;
};

static const char *row_name(struct reading *r, const struct expansion *x, const struct param *params)
{
	struct arena *arena = &r->suite->arena;
	const char *list = "";

	if (strstr(tree_get(x->node, "name")->text, "${")) {
		struct scope scope = scope_of(r, params);
		return expr_substitute(&scope, tree_get(x->node, "name"));
	}
	for (const struct param *p = params; p; p = p->next)
		list = arena_print(arena, "%s=%s%s%s", p->name, p->text, *list ? " " : "", list);
	return *list ? arena_print(arena, "%s [%s]", x->name, list) : x->name;
}

static bool add_row(struct reading *r, const struct expansion *x, const struct param *params)
{
	const struct node *let = tree_get(x->node, "let"), *only = tree_get(x->node, "only");
	struct suite *suite = r->suite;
	struct scope scope = scope_of(r, params);
	const struct param *shown = params;
	const char *name;
	bool wanted = true;

	if (let && let->kind != NODE_MAP)
		return problem(&suite->problems, let, "let is a mapping from names to values");
	for (unsigned i = 0; let && i < let->count; i++)
		if (!(params = bind(r, params, let->entry[i].key, let->entry[i].value)))
			return false;
	scope.params = params;
	if (only && !expr_bool(&scope, only, &wanted))
		return false;
	if (!wanted)
		return true;
	if (suite->count >= MOST_ROWS)
		return problem(&suite->problems, x->written, "more than %u rows in a file", MOST_ROWS);
	name = row_name(r, x, strstr(x->name, "${") ? params : shown);
	if (!name)
		return false;
	suite->row = arena_more(&suite->arena, suite->row, suite->count, sizeof(suite->row[0]));
	suite->row[suite->count++] = (struct row){x->node, x->written, name, params};
	return true;
}

static bool expand_matrix(struct reading *r, const struct expansion *x, unsigned at, const struct param *params)
{
	struct values v;

	if (!x->matrix || at == x->matrix->count)
		return add_row(r, x, params);
	const struct entry *e = &x->matrix->entry[at];
	if (!good_name(r, e->key) || !dimension(r, params, e, &v))
		return false;
	for (unsigned i = 0; i < v.count; i++) {
		const struct param *p = bind_text(r, params, e->key->text, v.node[i], v.text[i]);
		if (!expand_matrix(r, x, at + 1, p))
			return false;
	}
	return true;
}

/* A row of `rows`: {a: 1, b: 2}, or [1, 2] beside `columns`. */
static bool expand_row(struct reading *r, const struct expansion *x, const struct node *row)
{
	const struct param *params = NULL;
	bool listed = row->kind == NODE_LIST;
	unsigned count = row->count;

	if (row->kind == NODE_SCALAR || (listed && !x->columns))
		return problem(&r->suite->problems, row, "a row is a mapping, or a list beside `columns`");
	if (listed && count != x->columns->count)
		return problem(&r->suite->problems, row, "%u values for %u columns", count, x->columns->count);
	for (unsigned i = 0; i < count; i++) {
		const struct node *key = listed ? x->columns->item[i] : row->entry[i].key;
		const struct node *value = listed ? row->item[i] : row->entry[i].value;
		if (key->kind != NODE_SCALAR)
			return problem(&r->suite->problems, key, "a column is a name");
		if (!(params = bind(r, params, key, value)))
			return false;
	}
	return expand_matrix(r, x, 0, params);
}

static bool expand(struct reading *r, const struct expansion *x)
{
	unsigned before = r->suite->count;
	bool good = true;

	if (x->matrix && x->matrix->kind != NODE_MAP)
		return problem(&r->suite->problems, x->matrix, "matrix is a mapping from names to lists of values");
	if (x->columns && x->columns->kind != NODE_LIST)
		return problem(&r->suite->problems, x->columns, "columns is a list of names");
	if (x->rows && x->rows->kind != NODE_LIST)
		return problem(&r->suite->problems, x->rows, "rows is a list");
	if (!x->rows)
		good = expand_matrix(r, x, 0, NULL);
	for (unsigned i = 0; x->rows && i < x->rows->count; i++)
		good &= expand_row(r, x, x->rows->item[i]);
	if (!good)
		r->suite->count = before;
	if (good && r->suite->count == before)
		return problem(&r->suite->problems, x->written,
			       "the case has no rows: its matrix or `only` leaves none");
	return good;
}

/* ---- cases ---- */
static const struct node *use_presets(struct reading *r, const struct node *base, const struct node *use)
{
	unsigned n = use->kind == NODE_LIST ? use->count : 1;

	for (unsigned i = 0; i < n; i++) {
		const struct node *name = use->kind == NODE_LIST ? use->item[i] : use, *preset;
		if (name->kind != NODE_SCALAR || !(preset = tree_get(r->presets, name->text))) {
			problem(&r->suite->problems, name, "there is no preset '%s' in this file",
				name->kind == NODE_SCALAR ? name->text : "");
			return NULL;
		}
		base = tree_merge(&r->suite->arena, base, preset);
	}
	return base;
}

static bool read_case(struct reading *r, const struct node *written)
{
	const struct node *base = tree_get(r->root, "defaults"), *use = tree_get(written, "use"), *name;
	struct expansion x = {.written = written};

	if (written->kind != NODE_MAP)
		return problem(&r->suite->problems, written, "a case is a mapping: - name: ...");
	if (use && !(base = use_presets(r, base, use)))
		if (r->suite->problems.count)
			return false;
	x.node = tree_merge(&r->suite->arena, base, written);
	name = tree_get(written, "name");
	if (!name || name->kind != NODE_SCALAR || !*name->text)
		return problem(&r->suite->problems, written, "a case needs a name");
	x.name = name->text;
	x.matrix = tree_get(x.node, "matrix");
	x.rows = tree_get(x.node, "rows");
	x.columns = tree_get(x.node, "columns");
	return expand(r, &x);
}

/* ---- include: presets of other files ---- */
char *read_regular_file(struct arena *arena, const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	char *text = NULL;

	if (f && fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= (off_t)MOST_FILE_BYTES) {
		text = arena_alloc(arena, (size_t)st.st_size + 1);
		*size = fread(text, 1, (size_t)st.st_size, f);
	}
	if (f)
		fclose(f);
	return text;
}

static bool include_one(struct reading *r, const struct node *name)
{
	static const char *const keys[] = {"about", "presets", NULL};
	struct suite *suite = r->suite;
	const char *slash = strrchr(suite->file, '/'), *path;
	size_t size = 0;

	if (name->kind != NODE_SCALAR)
		return problem(&suite->problems, name, "include takes names of files");
	path = arena_print(&suite->arena, "%.*s%s", slash ? (int)(slash - suite->file) + 1 : 0, suite->file,
			   name->text);
	char *text = read_regular_file(&suite->arena, path, &size);
	if (!text)
		return problem(&suite->problems, name, "%s cannot be read", path);
	const struct node *root = tree_read(&suite->arena, path, text, size, &suite->problems);
	if (!root || !tree_keys(&suite->problems, root, keys))
		return false;
	r->presets = tree_merge(&suite->arena, r->presets, tree_get(root, "presets"));
	return true;
}

static bool include(struct reading *r, const struct node *node)
{
	unsigned n = node->kind == NODE_LIST ? node->count : 1;

	if (n > MOST_INCLUDES)
		return problem(&r->suite->problems, node, "more than %u files", MOST_INCLUDES);
	for (unsigned i = 0; i < n; i++)
		if (!include_one(r, node->kind == NODE_LIST ? node->item[i] : node))
			return false;
	return true;
}

static bool check_head(struct reading *r)
{
	static const char *const keys[] = {"about", "sdm", "include", "defaults", "presets", "cases", NULL};
	static const char *const maps[] = {"defaults", "presets"};
	struct problems *problems = &r->suite->problems;

	if (!tree_keys(problems, r->root, keys))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		const struct node *n = tree_get(r->root, maps[i]);
		if (n && n->kind != NODE_MAP)
			return problem(problems, n, "%s is a mapping", maps[i]);
	}
	return true;
}

bool suite_read(struct suite *suite, const char *file, const char *bytes, size_t size, uint64_t seed)
{
	struct reading r = {.suite = suite, .seed = seed};
	const struct node *cases, *includes;

	*suite = (struct suite){.file = file, .bytes = bytes, .size = size};
	suite->problems.arena = &suite->arena;
	if (size > MOST_FILE_BYTES)
		return problem_at(&suite->problems, file, (struct place){1, 1}, "the file has more than 16 MiB");
	r.root = tree_read(&suite->arena, file, bytes, size, &suite->problems);
	if (!r.root || !check_head(&r))
		return false;
	const struct node *sdm = tree_get(r.root, "sdm");
	suite->sdm = sdm && sdm->kind == NODE_SCALAR ? sdm->text : "";
	includes = tree_get(r.root, "include");
	if (includes && !include(&r, includes))
		return false;
	r.presets = tree_merge(&suite->arena, r.presets, tree_get(r.root, "presets"));
	cases = tree_get(r.root, "cases");
	if (!cases || cases->kind != NODE_LIST || !cases->count)
		return problem(&suite->problems, cases ? cases : r.root, "the file needs `cases`, a list of cases");
	for (unsigned i = 0; i < cases->count; i++)
		read_case(&r, cases->item[i]);
	return true;
}

void suite_free(struct suite *suite)
{
	arena_free(&suite->arena);
}
