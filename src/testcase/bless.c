/* --bless: what was found becomes what the file expects.  Comments and order stay: only values that differ are
 * replaced, and what was not stated is added. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testcase/runner.h"

struct edit {
	size_t at, end;   /* bytes of the file that go */
	const char *text; /* what comes */
	const struct node *node;
	unsigned number; /* in the order made: several at one place stay so */
	bool conflict;   /* rows of the case want different text: it is left as it was */
};

struct blessing {
	struct arena arena;
	const struct suite *suite;
	struct edit *edit;
	unsigned edits, refused;
};

static void refuse(struct blessing *b, const struct change *c, const char *why)
{
	printf("not blessed: %s: %s: %s\n", c->row->name, c->difference.text, why);
	b->refused++;
}

/* The byte at a place: lines from 1, columns in characters. */
static size_t byte_at(const struct suite *s, struct place place)
{
	size_t at = 0;

	for (unsigned line = 1; line < place.line && at < s->size; line++) {
		const char *end = memchr(s->bytes + at, '\n', s->size - at);
		at = end ? (size_t)(end - s->bytes) + 1 : s->size;
	}
	for (unsigned column = 1; column < place.column && at < s->size; column++)
		for (at++; at < s->size && ((unsigned char)s->bytes[at] & 0xc0) == 0x80; at++)
			;
	return at;
}

static bool contains(const struct node *tree, const struct node *node)
{
	if (tree == node)
		return true;
	for (unsigned i = 0; i < tree->count; i++)
		if (tree->kind == NODE_LIST ? contains(tree->item[i], node)
					    : contains(tree->entry[i].value, node) || tree->entry[i].key == node)
			return true;
	return false;
}

/* The node that stands in the file where a merged one says it does. */
static const struct node *in_file(const struct node *tree, const struct node *node)
{
	const struct node *found = NULL;

	if (tree->start.line == node->start.line && tree->start.column == node->start.column)
		return tree;
	for (unsigned i = 0; !found && i < tree->count; i++)
		found = in_file(tree->kind == NODE_LIST ? tree->item[i] : tree->entry[i].value, node);
	return found;
}

static void add_edit(struct blessing *b, struct edit e)
{
	e.number = b->edits;
	b->edit = arena_more(&b->arena, b->edit, b->edits, sizeof(b->edit[0]));
	b->edit[b->edits++] = e;
}

/* ---- replacing ---- */
static void replace(struct blessing *b, const struct change *c)
{
	const struct node *n = c->difference.node;
	struct edit e = {.text = c->difference.replacement, .node = n};

	if (!contains(c->row->written, n)) {
		refuse(b, c, "the value stands in a preset or in defaults");
		return;
	}
	e.at = byte_at(b->suite, n->start);
	e.end = byte_at(b->suite, n->end);
	for (unsigned i = 0; i < b->edits; i++) {
		if (b->edit[i].node != n)
			continue;
		if (strcmp(b->edit[i].text, e.text) != 0) {
			b->edit[i].conflict = true;
			refuse(b, c,
			       "another row of the case wants another value here: state it with `when` or by a "
			       "parameter");
		}
		return;
	}
	add_edit(b, e);
}

/* ---- adding ---- */
/* Behind the last character of what a node holds. */
static struct place last_place(const struct node *n)
{
	if (n->kind == NODE_SCALAR || n->flow || !n->count)
		return n->end;
	return n->kind == NODE_LIST ? last_place(n->item[n->count - 1]) : last_place(n->entry[n->count - 1].value);
}

static size_t line_end(const struct suite *s, size_t at)
{
	const char *end = at < s->size ? memchr(s->bytes + at, '\n', s->size - at) : NULL;

	return end ? (size_t)(end - s->bytes) : s->size;
}

static const char *spaces(struct arena *arena, unsigned n)
{
	char *text = arena_alloc(arena, n + 1);

	memset(text, ' ', n);
	return text;
}

/* `text` as one more entry of a mapping that is there. */
static void add_entry(struct blessing *b, const struct node *map, const char *text)
{
	struct edit e = {.node = map};

	if (map->flow) {
		bool second = map->count > 0;
		e.at = byte_at(b->suite, map->end) - 1; /* before the } */
		for (unsigned i = 0; i < b->edits; i++)
			second |= b->edit[i].at == e.at;
		e.text = arena_print(&b->arena, "%s%s", second ? ", " : "", text);
	} else {
		e.at = line_end(b->suite, byte_at(b->suite, last_place(map)));
		e.text = arena_print(&b->arena, "\n%s%s", spaces(&b->arena, map->start.column - 1), text);
	}
	e.end = e.at;
	add_edit(b, e);
}

/* `expect:` with nothing behind it becomes a mapping. */
static void add_first(struct blessing *b, const struct node *key, const char *text)
{
	size_t colon = byte_at(b->suite, key->end) + 1;
	struct edit e = {.at = colon, .end = colon, .node = key};

	e.text = arena_print(&b->arena, "\n%s%s", spaces(&b->arena, key->start.column + 1), text);
	add_edit(b, e);
}

static const struct node *key_of(const struct node *map, const struct node *value)
{
	for (unsigned i = 0; i < map->count; i++)
		if (map->entry[i].value == value)
			return map->entry[i].key;
	return NULL;
}

/* Between two entries of an addition, until it is known how they are to stand. */
#define BETWEEN '\1'

static const char *joined(struct arena *arena, const char *entries, const char *with)
{
	const char *text = "", *end;

	for (; (end = strchr(entries, BETWEEN)); entries = end + 1)
		text = arena_print(arena, "%s%.*s%s", text, (int)(end - entries), entries, with);
	return arena_print(arena, "%s%s", text, entries);
}

/* On lines of their own under a column. */
static const char *below(struct arena *arena, unsigned column, const char *mark)
{
	return arena_print(arena, "\n%s%s", spaces(arena, column - 1), mark);
}

/* All additions of one section of one expectation, as one piece of text. */
struct addition {
	const struct node *expect;
	const char *section, *text;
	const struct change *first;
	const struct row *row; /* whose it is: other rows must want the same */
	bool conflict;
};

static const char *one_entry(struct arena *arena, const struct difference *d)
{
	return *d->key ? arena_print(arena, "%s: %s", d->key, *d->value ? d->value : "\"\"") : d->value;
}

static void put_addition(struct blessing *b, const struct addition *a)
{
	const struct node *written = a->row->written, *expect = in_file(written, a->expect), *section, *key;
	const char *text = a->text;

	if (!expect) {
		refuse(b, a->first, "the expectation stands in a preset or in defaults");
		return;
	}
	section = *a->section ? tree_get(expect, a->section) : NULL;
	if (section && section->kind == NODE_MAP && section->count) {
		add_entry(b, section,
			  joined(&b->arena, text, section->flow ? ", " : below(&b->arena, section->start.column, "")));
		return;
	}
	if (section && section->kind == NODE_LIST && section->count) {
		const char *mark = section->flow ? ", " : below(&b->arena, section->start.column, "- ");
		struct edit e = {.node = section};
		e.at = section->flow ? byte_at(b->suite, section->end) - 1
				     : line_end(b->suite, byte_at(b->suite, last_place(section)));
		e.end = e.at;
		e.text = arena_print(&b->arena, "%s%s", mark, joined(&b->arena, text, mark));
		add_edit(b, e);
		return;
	}
	if (section) {
		refuse(b, a->first, "add it by hand");
		return;
	}
	text = joined(&b->arena, text, ", ");
	if (!strcmp(a->section, "memory"))
		text = arena_print(&b->arena, "memory: [%s]", text);
	else if (*a->section)
		text = arena_print(&b->arena, "%s: {%s}", a->section, text);
	if (expect->kind == NODE_MAP && (expect->count || expect->flow))
		add_entry(b, expect, text);
	else if ((key = key_of(written, expect)))
		add_first(b, key, text);
	else
		refuse(b, a->first, "add it by hand");
}

struct additions {
	struct addition *item;
	unsigned count;
};

static bool same_place(const struct node *a, const struct node *b)
{
	return a->start.line == b->start.line && a->start.column == b->start.column;
}

/* The additions of one row; the same of another row must be the same text. */
static void gather_row(struct blessing *b, struct additions *all, const struct job *job)
{
	struct additions own = {NULL, 0};

	for (unsigned i = 0; i < job->result.changes; i++) {
		const struct change *c = &job->result.change[i];
		const struct difference *d = &c->difference;
		unsigned k = 0;
		if (!d->section || d->replacement)
			continue;
		const char *section = *d->section ? d->section : d->key;
		while (k < own.count && strcmp(own.item[k].section, section) != 0)
			k++;
		if (k == own.count) {
			own.item = arena_more(&b->arena, own.item, own.count, sizeof(own.item[0]));
			own.item[own.count++] =
				(struct addition){c->expect, section, one_entry(&b->arena, d), c, c->row, false};
		} else {
			own.item[k].text =
				arena_print(&b->arena, "%s%c%s", own.item[k].text, BETWEEN, one_entry(&b->arena, d));
		}
	}
	for (unsigned i = 0; i < own.count; i++) {
		unsigned k = 0;
		while (k < all->count && !(same_place(all->item[k].expect, own.item[i].expect) &&
					   !strcmp(all->item[k].section, own.item[i].section)))
			k++;
		if (k < all->count) {
			all->item[k].conflict |= strcmp(all->item[k].text, own.item[i].text) != 0;
			continue;
		}
		all->item = arena_more(&b->arena, all->item, all->count, sizeof(all->item[0]));
		all->item[all->count++] = own.item[i];
	}
}

static bool is_section(const char *name)
{
	return !strcmp(name, "regs") || !strcmp(name, "memory") || !strcmp(name, "fpu");
}

/* Several additions to an expectation that is empty or is a mapping come one after the other. */
static void put_additions(struct blessing *b, struct additions *all)
{
	for (unsigned i = 0; i < all->count; i++) {
		struct addition *a = &all->item[i];
		if (a->conflict) {
			refuse(b, a->first,
			       "rows of the case want different values: state it with `when` or by a parameter");
			continue;
		}
		if (!is_section(a->section))
			a->section = "";
		put_addition(b, a);
	}
}

/* ---- writing ---- */
static int by_place(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at ? 1 : x->number < y->number ? -1 : 1;
}

static bool write_edits(struct blessing *b)
{
	const struct suite *s = b->suite;
	char *part = arena_print(&b->arena, "%s.blessing", s->file);
	FILE *f = fopen(part, "wb");
	struct stat st;
	size_t at = 0;

	if (!f)
		return false;
	qsort(b->edit, b->edits, sizeof(b->edit[0]), by_place);
	for (unsigned i = 0; i < b->edits; i++) {
		const struct edit *e = &b->edit[i];
		if (e->at < at || e->conflict)
			continue;
		fwrite(s->bytes + at, 1, e->at - at, f);
		fputs(e->text, f);
		at = e->end;
	}
	fwrite(s->bytes + at, 1, s->size - at, f);
	if (stat(s->file, &st) == 0)
		fchmod(fileno(f), st.st_mode & 07777);
	bool good = !ferror(f);
	good &= fclose(f) == 0;
	if (good && rename(part, s->file) == 0)
		return true;
	unlink(part);
	return false;
}

static bool bless_suite(struct run *run, const struct suite *suite)
{
	struct blessing b = {.suite = suite};
	struct additions all = {NULL, 0};

	for (unsigned i = 0; i < run->jobs; i++) {
		const struct job *job = &run->job[i];
		if (job->suite != suite || job->result.status != STATUS_FAILED)
			continue;
		for (unsigned k = 0; k < job->result.changes; k++) {
			const struct change *c = &job->result.change[k];
			if (c->difference.replacement)
				replace(&b, c);
			else if (!c->difference.section)
				refuse(&b, c, "this cannot be written as an expectation");
		}
		gather_row(&b, &all, job);
	}
	put_additions(&b, &all);
	unsigned edits = 0;
	for (unsigned i = 0; i < b.edits; i++)
		edits += !b.edit[i].conflict;
	if (edits && !write_edits(&b)) {
		fprintf(stderr, "trapgate test: --bless: %s: %s\n", suite->file, strerror(errno));
		b.refused++;
	} else if (edits) {
		printf("blessed: %s: %u place%s\n", suite->file, edits, edits == 1 ? "" : "s");
	}
	arena_free(&b.arena);
	return b.refused == 0;
}

bool bless(struct run *run)
{
	bool good = true;

	for (unsigned i = 0; i < run->suites; i++)
		good &= bless_suite(run, &run->suite[i]);
	return good;
}
