/* Page tables by intent: everything is mapped onto itself, present, user, writable, except as the case says.
 * SDM 3A, "32-Bit Paging" and "PAE Paging". */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86.h"
#include "testcase/scene.h"

#define ENTRY_P     0x001u
#define ENTRY_W     0x002u
#define ENTRY_U     0x004u
#define ENTRY_A     0x020u
#define ENTRY_D     0x040u
#define ENTRY_L     0x080u /* large page */
#define ENTRY_G     0x100u
#define ENTRY_NX    (UINT64_C(1) << 63)
#define ENTRY_USUAL (ENTRY_P | ENTRY_W | ENTRY_U | ENTRY_A | ENTRY_D)
#define TABLE_USUAL (ENTRY_P | ENTRY_W | ENTRY_U | ENTRY_A)
#define MOST_TABLES 64u
#define MOST_PAGES  0x4000u
#define IDENTITY    (UINT64_C(64) << 20) /* so much is mapped onto itself at most */

/* A directory (32-bit: one; PAE: four behind the pointer table) and page tables, taken as they are needed. */
struct tables {
	struct scene *scene;
	uint8_t *bytes;
	uint32_t used; /* bytes handed out */
	bool pae;
};

static uint64_t entry_get(const struct tables *t, uint32_t at)
{
	uint64_t value = 0;

	memcpy(&value, t->bytes + (at - AT_TABLES), t->pae ? 8 : 4);
	return value;
}

static void entry_set(const struct tables *t, uint32_t at, uint64_t value)
{
	memcpy(t->bytes + (at - AT_TABLES), &value, t->pae ? 8 : 4);
}

static uint32_t directory_entry(const struct tables *t, uint32_t linear)
{
	if (t->pae)
		return AT_TABLES + 0x1000 + (linear >> 30) * 0x1000 + (linear >> 21 & 511) * 8;
	return AT_TABLES + (linear >> 22) * 4;
}

/* Where the entry of a page lies; 0: no table, and no room for one more (or not asked to). */
static uint32_t page_entry(struct tables *t, uint32_t linear, bool make)
{
	uint32_t at = directory_entry(t, linear);
	uint64_t directory = entry_get(t, at);

	if (!(directory & ~UINT64_C(0xfff)) && !directory) {
		if (!make || t->used + 0x1000 > MOST_TABLES * 0x1000)
			return 0;
		directory = (AT_TABLES + t->used) | TABLE_USUAL;
		t->used += 0x1000;
		entry_set(t, at, directory);
	}
	if (directory & ENTRY_L)
		return at;
	uint32_t table = (uint32_t)directory & ~0xfffu;
	return t->pae ? table + (linear >> 12 & 511) * 8 : table + (linear >> 12 & 1023) * 4;
}

static void identity(struct tables *t, uint64_t ram)
{
	uint64_t step = t->pae ? 0x200000 : 0x400000;

	t->used = t->pae ? 0x5000 : 0x1000;
	for (unsigned i = 0; t->pae && i < 4; i++)
		entry_set(t, AT_TABLES + i * 8, (AT_TABLES + 0x1000 + i * 0x1000) | ENTRY_P);
	for (uint64_t linear = 0; linear < ((ram + step - 1) & ~(step - 1)); linear += 0x1000) {
		uint32_t at = page_entry(t, (uint32_t)linear, true);
		if (at)
			entry_set(t, at, linear | ENTRY_USUAL);
	}
}

/* ---- words ---- */
static const struct word {
	const char *word;
	uint64_t set, clear;
	bool table; /* of the directory's entry */
} words[] = {
	{"present", ENTRY_P, 0, false},
	{"absent", 0, ENTRY_P, false},
	{"user", ENTRY_U, 0, false},
	{"supervisor", 0, ENTRY_U, false},
	{"writable", ENTRY_W, 0, false},
	{"read-only", 0, ENTRY_W, false},
	{"accessed", ENTRY_A, 0, false},
	{"not-accessed", 0, ENTRY_A, false},
	{"dirty", ENTRY_D, 0, false},
	{"not-dirty", 0, ENTRY_D, false},
	{"global", ENTRY_G, 0, false},
	{"no-execute", ENTRY_NX, 0, false},
	{"write-through", 0x08, 0, false},
	{"uncached", 0x10, 0, false},
	{"pat", ENTRY_L, 0, false},
	{"reserved", UINT64_C(1) << 51, 0, false},
	{"large", ENTRY_L | ENTRY_D, 0, true},
	{"table-absent", 0, ENTRY_P, true},
	{"table-supervisor", 0, ENTRY_U, true},
	{"table-read-only", 0, ENTRY_W, true},
	{"table-accessed", ENTRY_A, 0, true},
	{"table-not-accessed", 0, ENTRY_A, true},
	{"table-no-execute", ENTRY_NX, 0, true},
	{"table-reserved", UINT64_C(1) << 51, 0, true},
};

struct rights {
	uint64_t set, clear, table_set, table_clear;
};

static bool word_rights(struct scene *scene, const struct node *node, const char *text, size_t length,
			struct rights *rights)
{
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct word *w = &words[i];
		if (strlen(w->word) != length || strncmp(w->word, text, length) != 0)
			continue;
		if (scene->paging != PAGING_PAE && (w->set >> 32))
			return problem(scene->problems, node, "'%s' needs paging: pae", w->word);
		*(w->table ? &rights->table_set : &rights->set) |= w->set;
		*(w->table ? &rights->table_clear : &rights->clear) |= w->clear;
		return true;
	}
	return problem(scene->problems, node, "'%.*s' is no property of a page", (int)length, text);
}

static bool read_rights(struct scene *scene, const struct node *node, struct rights *rights)
{
	struct scope scope = scene_scope(scene);
	const char *text = expr_substitute(&scope, node);
	bool good = text != NULL;

	while (good && *(text += strspn(text, " ,\t"))) {
		size_t n = strcspn(text, " ,\t");
		good = word_rights(scene, node, text, n, rights);
		text += n;
	}
	if (good && ((rights->set & rights->clear) || (rights->table_set & rights->table_clear)))
		good = problem(scene->problems, node, "these properties contradict each other");
	return good;
}

/* ---- entries ---- */
struct span {
	uint64_t at, to, count;
	struct rights rights;
};

static bool read_span(struct scene *scene, const struct node *item, struct span *span)
{
	static const char *const keys[] = {"at", "to", "count", "as", NULL};
	struct scope scope = scene_scope(scene);
	const struct node *at = tree_get(item, "at"), *to = tree_get(item, "to"), *count = tree_get(item, "count"),
			  *as = tree_get(item, "as");

	*span = (struct span){.count = 1};
	if (!tree_keys(scene->problems, item, keys))
		return false;
	if (!at)
		return problem(scene->problems, item, "a page needs 'at', its linear address");
	if (!expr_bits(&scope, at, 32, &span->at) || (count && !expr_bits(&scope, count, 32, &span->count)))
		return false;
	span->to = span->at;
	if (to && !expr_bits(&scope, to, scene->paging == PAGING_PAE ? 52 : 32, &span->to))
		return false;
	if (as && !read_rights(scene, as, &span->rights))
		return false;
	if ((span->at | span->to) & 0xfff)
		return problem(scene->problems, at, "0x%" PRIx64 " -> 0x%" PRIx64 " is not the start of a page",
			       span->at, span->to);
	if (span->count > MOST_PAGES || span->at + span->count * 0x1000 > UINT64_C(0x100000000))
		return problem(scene->problems, count ? count : at, "too many pages, or pages beyond 4 GiB");
	return true;
}

static bool is_large(const struct span *span)
{
	return span->rights.table_set & ENTRY_L;
}

static bool apply_span(struct tables *t, const struct node *item, const struct span *span)
{
	for (uint64_t i = 0; i < span->count; i++) {
		uint32_t linear = (uint32_t)(span->at + i * 0x1000), at = page_entry(t, linear, true), up;
		if (!at)
			return problem(t->scene->problems, item, "more than %u page tables", MOST_TABLES);
		up = directory_entry(t, linear);
		if (at == up)
			return problem(t->scene->problems, item, "this address is in a large page already");
		uint64_t entry = (span->to + i * 0x1000) | ENTRY_USUAL, directory = entry_get(t, up);
		entry_set(t, at, (entry | span->rights.set) & ~span->rights.clear);
		entry_set(t, up, ((directory | span->rights.table_set) & ~span->rights.table_clear));
	}
	return true;
}

/* A page of 4 MiB (2 MiB under PAE). */
static bool apply_large(struct tables *t, const struct node *item, const struct span *span)
{
	uint64_t bytes = t->pae ? 0x200000 : 0x400000;

	if ((span->at | span->to) & (bytes - 1) || span->count != 1)
		return problem(t->scene->problems, item, "a large page: one, from and to a multiple of 0x%" PRIx64,
			       bytes);
	uint64_t entry = span->to | ENTRY_USUAL | ENTRY_L | span->rights.set | span->rights.table_set;
	entry_set(t, directory_entry(t, (uint32_t)span->at), entry & ~span->rights.clear & ~span->rights.table_clear);
	return true;
}

static bool all_spans(struct tables *t, const struct node *pages)
{
	struct span span;
	bool good = true;

	if (pages && pages->kind != NODE_LIST)
		return problem(t->scene->problems, pages, "pages is a list: - {at: data, as: supervisor read-only}");
	for (unsigned i = 0; pages && i < pages->count; i++)
		good &= read_span(t->scene, pages->item[i], &span) &&
			(is_large(&span) ? apply_large(t, pages->item[i], &span)
					 : apply_span(t, pages->item[i], &span));
	return good;
}

bool pages_build(struct scene *scene, const struct node *pages)
{
	struct tables t = {.scene = scene, .pae = scene->paging == PAGING_PAE};

	if (scene->paging == PAGING_NONE)
		return true;
	t.bytes = arena_alloc(scene->arena, MOST_TABLES * 0x1000);
	identity(&t, scene->ram < IDENTITY ? scene->ram : IDENTITY);
	if (!all_spans(&t, pages))
		return false;
	scene_put(scene, (struct bytes){.at = AT_TABLES,
					.size = t.used,
					.data = t.bytes,
					.node = pages ? pages : scene->node,
					.what = "the page tables",
					.preset = true});
	for (unsigned i = 0; t.pae && i < 4; i++)
		scene->s.pdpte[i] = entry_get(&t, AT_TABLES + i * 8);
	return true;
}

/* The entries of pages that the expectation names: as they were, with these properties. */
bool pages_expected(struct scene *scene, const struct node *pages, struct bytes **list, unsigned *count)
{
	struct tables t = {.scene = scene, .pae = scene->paging == PAGING_PAE};
	struct span span;

	if (scene->paging == PAGING_NONE)
		return problem(scene->problems, pages, "paging is off in this case");
	if (pages->kind != NODE_LIST)
		return problem(scene->problems, pages, "pages is a list: - {at: data, as: accessed dirty}");
	t.bytes = arena_alloc(scene->arena, MOST_TABLES * 0x1000);
	scene_peek(scene, AT_TABLES, t.bytes, MOST_TABLES * 0x1000);
	for (unsigned i = 0; i < pages->count; i++) {
		const struct node *item = pages->item[i];
		if (!read_span(scene, item, &span))
			return false;
		uint32_t up = directory_entry(&t, (uint32_t)span.at), at = page_entry(&t, (uint32_t)span.at, false);
		for (unsigned which = 0; which < 2; which++) {
			uint32_t where = which ? up : at;
			uint64_t set = which ? span.rights.table_set : span.rights.set,
				 clear = which ? span.rights.table_clear : span.rights.clear;
			if (!where || (!set && !clear))
				continue;
			uint64_t *entry = arena_alloc(scene->arena, 8);
			*entry = (entry_get(&t, where) | set) & ~clear;
			entry_set(&t, where, *entry);
			*list = arena_more(scene->arena, *list, *count, sizeof(**list));
			(*list)[(*count)++] = (struct bytes){.at = where,
							     .size = t.pae ? 8 : 4,
							     .data = (const uint8_t *)entry,
							     .node = item,
							     .what = "a page-table entry"};
		}
	}
	return true;
}
