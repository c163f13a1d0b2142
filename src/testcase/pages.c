/* Page tables by intent: everything is mapped onto itself, present, user, writable, except as the case says.
 * SDM 3A, "32-Bit Paging", "PAE Paging" and "4-Level Paging and 5-Level Paging". */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86.h"
#include "testcase/scene.h"

#define ENTRY_P       0x001u
#define ENTRY_W       0x002u
#define ENTRY_U       0x004u
#define ENTRY_A       0x020u
#define ENTRY_D       0x040u
#define ENTRY_L       0x080u /* large page */
#define ENTRY_G       0x100u
#define ENTRY_NX      (UINT64_C(1) << 63)
#define ENTRY_ADDRESS UINT64_C(0x000ffffffffff000)
#define ENTRY_USUAL   (ENTRY_P | ENTRY_W | ENTRY_U | ENTRY_A | ENTRY_D)
#define TABLE_USUAL   (ENTRY_P | ENTRY_W | ENTRY_U | ENTRY_A)
#define MOST_TABLES   64u
#define TABLES_BYTES  (MOST_TABLES * 0x1000u)
#define MOST_PAGES    0x4000u
#define IDENTITY      (UINT64_C(64) << 20) /* so much is mapped onto itself at most */

/* The table CR3 points to comes first, and others as they are needed (PAE: all four directories behind it).
 * Level 1 is the page table, 2 the directory. */
struct tables {
	struct scene *scene;
	uint8_t *bytes;
	uint32_t used; /* bytes handed out */
	unsigned levels, entry_bytes;
};

static struct tables tables_of(struct scene *scene)
{
	unsigned levels = scene_paging_levels(scene->paging);

	return (struct tables){.scene = scene,
			       .bytes = arena_alloc(scene->arena, TABLES_BYTES),
			       .used = scene->paging == PAGING_PAE ? 0x5000 : 0x1000,
			       .levels = levels,
			       .entry_bytes = levels == 2 ? 4 : 8};
}

unsigned scene_paging_levels(enum scene_paging paging)
{
	static const unsigned levels[] = {
		[PAGING_32] = 2, [PAGING_PAE] = 3, [PAGING_4_LEVEL] = 4, [PAGING_5_LEVEL] = 5};

	return paging == PAGING_NONE ? 0 : levels[paging];
}

/* 0: outside of the tables, which a case may have overwritten. */
static uint64_t entry_get(const struct tables *t, uint64_t at)
{
	uint64_t value = 0;

	if (at >= AT_TABLES && at - AT_TABLES < TABLES_BYTES)
		memcpy(&value, t->bytes + (at - AT_TABLES), t->entry_bytes);
	return value;
}

static void entry_set(const struct tables *t, uint64_t at, uint64_t value)
{
	memcpy(t->bytes + (at - AT_TABLES), &value, t->entry_bytes);
}

static unsigned level_shift(const struct tables *t, unsigned level)
{
	return 12 + (level - 1) * (t->entry_bytes == 4 ? 10 : 9);
}

static uint64_t place_in(const struct tables *t, uint64_t table, unsigned level, uint64_t linear)
{
	uint64_t index = linear >> level_shift(t, level) & (t->entry_bytes == 4 ? 1023 : 511);

	return table + index * t->entry_bytes;
}

static bool maps_large(const struct tables *t, unsigned level, uint64_t entry)
{
	return (entry & ENTRY_L) && (level == 2 || (level == 3 && t->levels > 3));
}

/* Where the entry of that level lies, or that of a large page above it, whose level *found then is.  0: no table, and
 * no room for one more (or not asked to). */
static uint64_t entry_place(struct tables *t, uint64_t linear, unsigned level, bool make, unsigned *found)
{
	uint64_t at = place_in(t, AT_TABLES, t->levels, linear);

	for (*found = t->levels; *found > level; --*found) {
		uint64_t entry = entry_get(t, at);
		if (maps_large(t, *found, entry))
			return at;
		if (!entry && make && t->used + 0x1000 <= TABLES_BYTES) {
			entry = (AT_TABLES + t->used) | TABLE_USUAL;
			t->used += 0x1000;
			entry_set(t, at, entry);
		}
		uint64_t table = entry & 0xfffff000;
		if (table < AT_TABLES || table - AT_TABLES >= TABLES_BYTES)
			return 0;
		at = place_in(t, table, *found - 1, linear);
	}
	return at;
}

static void identity(struct tables *t, uint64_t ram)
{
	uint64_t step = UINT64_C(1) << level_shift(t, 2);
	unsigned level;

	for (unsigned i = 0; t->levels == 3 && i < 4; i++)
		entry_set(t, AT_TABLES + i * 8, (AT_TABLES + 0x1000 + i * 0x1000) | ENTRY_P);
	for (uint64_t linear = 0; linear < ((ram + step - 1) & ~(step - 1)); linear += 0x1000) {
		uint64_t at = entry_place(t, linear, 1, true, &level);
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
	{"huge", ENTRY_L | ENTRY_D, 0, true},
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
	bool huge; /* 1 GiB */
};

static bool word_rights(struct scene *scene, const struct node *node, const char *text, size_t length,
			struct rights *rights)
{
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct word *w = &words[i];
		if (strlen(w->word) != length || strncmp(w->word, text, length) != 0)
			continue;
		if (scene->paging == PAGING_32 && (w->set >> 32))
			return problem(scene->problems, node, "'%s' needs paging: pae", w->word);
		if (scene_paging_levels(scene->paging) < 4 && !strcmp(w->word, "huge"))
			return problem(scene->problems, node, "'huge' needs 4 or 5 levels of tables");
		rights->huge |= !strcmp(w->word, "huge");
		*(w->table ? &rights->table_set : &rights->set) |= w->set;
		*(w->table ? &rights->table_clear : &rights->clear) |= w->clear;
		return true;
	}
	return problem(scene->problems, node, "'%.*s' is no property of a page", (int)length, text);
}

/* key=5: bits 62:59 (SDM 3A, "Protection Keys"). */
static bool key_rights(struct scene *scene, const struct node *node, const char *text, size_t length,
		       struct rights *rights)
{
	struct scope scope = scene_scope(scene);
	int64_t key;

	if (scene_paging_levels(scene->paging) < 4)
		return problem(scene->problems, node, "a protection key needs 4 or 5 levels of tables");
	if (!expr_text(&scope, node, arena_copy(scene->arena, text, length), &key))
		return false;
	if (key < 0 || key > 15)
		return problem(scene->problems, node, "the protection keys are 0 to 15");
	rights->set |= (uint64_t)key << 59;
	rights->clear |= (uint64_t)(~key & 15) << 59;
	return true;
}

static bool read_rights(struct scene *scene, const struct node *node, struct rights *rights)
{
	struct scope scope = scene_scope(scene);
	const char *text = expr_substitute(&scope, node);
	bool good = text != NULL;

	while (good && *(text += strspn(text, " ,\t"))) {
		size_t n = strcspn(text, " ,\t");
		if (!strncmp(text, "key=", 4))
			good = key_rights(scene, node, text + 4, n - 4, rights);
		else
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
	const struct node *to_node, *as_node;
};

static bool check_span(struct scene *scene, const struct span *span, const struct node *at, const struct node *count)
{
	unsigned levels = scene_paging_levels(scene->paging), bits = levels < 4 ? 32 : levels == 4 ? 48 : 57;
	uint64_t last = span->at + span->count * 0x1000 - 1;

	if ((span->at | span->to) & 0xfff)
		return problem(scene->problems, at, "0x%" PRIx64 " -> 0x%" PRIx64 " is not the start of a page",
			       span->at, span->to);
	if (!span->count || span->count > MOST_PAGES)
		return problem(scene->problems, count ? count : at, "1 to %u pages", MOST_PAGES);
	if (bits == 32 && last >> 32)
		return problem(scene->problems, count ? count : at, "pages beyond 4 GiB");
	if (bits > 32 && (span->at >> (bits - 1) != last >> (bits - 1) ||
			  (uint64_t)((int64_t)(span->at << (64 - bits)) >> (64 - bits)) != span->at))
		return problem(scene->problems, at, "0x%" PRIx64 " is no canonical address", span->at);
	return true;
}

static bool read_span(struct scene *scene, const struct node *item, struct span *span)
{
	static const char *const keys[] = {"at", "to", "count", "as", NULL};
	struct scope scope = scene_scope(scene);
	const struct node *at = tree_get(item, "at"), *count = tree_get(item, "count");

	*span = (struct span){.count = 1, .to_node = tree_get(item, "to"), .as_node = tree_get(item, "as")};
	if (!tree_keys(scene->problems, item, keys))
		return false;
	if (!at)
		return problem(scene->problems, item, "a page needs 'at', its linear address");
	if (!expr_bits(&scope, at, scene_paging_levels(scene->paging) < 4 ? 32 : 64, &span->at) ||
	    (count && !expr_bits(&scope, count, 32, &span->count)))
		return false;
	span->to = span->at;
	if (span->to_node && !expr_bits(&scope, span->to_node, scene->paging == PAGING_32 ? 32 : 52, &span->to))
		return false;
	if (span->as_node && !read_rights(scene, span->as_node, &span->rights))
		return false;
	return check_span(scene, span, at, count);
}

static bool is_large(const struct span *span)
{
	return span->rights.table_set & ENTRY_L;
}

static bool apply_span(struct tables *t, const struct node *item, const struct span *span)
{
	if (!span->to_node && span->at >> 52)
		return problem(t->scene->problems, item, "a page up there needs 'to', its physical address");
	for (uint64_t i = 0; i < span->count; i++) {
		uint64_t linear = span->at + i * 0x1000;
		unsigned level;
		uint64_t at = entry_place(t, linear, 1, true, &level), up = entry_place(t, linear, 2, false, &level);
		if (!at)
			return problem(t->scene->problems, item, "more than %u page tables", MOST_TABLES);
		if (at == up)
			return problem(t->scene->problems, item, "this address is in a large page already");
		uint64_t entry = (span->to + i * 0x1000) | ENTRY_USUAL, directory = entry_get(t, up);
		entry_set(t, at, (entry | span->rights.set) & ~span->rights.clear);
		entry_set(t, up, ((directory | span->rights.table_set) & ~span->rights.table_clear));
	}
	return true;
}

/* A page of 4 MiB (2 MiB but under 32-bit paging), or of 1 GiB. */
static bool apply_large(struct tables *t, const struct node *item, const struct span *span)
{
	unsigned level = span->rights.huge ? 3 : 2, found;
	uint64_t bytes = UINT64_C(1) << level_shift(t, level), at;

	if ((span->at | span->to) & (bytes - 1) || span->count != 1)
		return problem(t->scene->problems, item, "a large page: one, from and to a multiple of 0x%" PRIx64,
			       bytes);
	at = entry_place(t, span->at, level, true, &found);
	if (!at)
		return problem(t->scene->problems, item, "more than %u page tables", MOST_TABLES);
	if (found != level)
		return problem(t->scene->problems, item, "this address is in a larger page already");
	uint64_t entry = span->to | ENTRY_USUAL | ENTRY_L | span->rights.set | span->rights.table_set;
	entry_set(t, at, entry & ~span->rights.clear & ~span->rights.table_clear);
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
	struct tables t;

	if (scene->paging == PAGING_NONE)
		return true;
	t = tables_of(scene);
	identity(&t, scene->ram < IDENTITY ? scene->ram : IDENTITY);
	if (!all_spans(&t, pages))
		return false;
	scene_put(scene, (struct bytes){.at = AT_TABLES,
					.size = t.used,
					.data = t.bytes,
					.node = pages ? pages : scene->node,
					.what = "the page tables",
					.preset = true});
	for (unsigned i = 0; scene->paging == PAGING_PAE && i < 4; i++)
		scene->s.pdpte[i] = entry_get(&t, AT_TABLES + i * 8);
	return true;
}

/* ---- expectations ---- */
static void expect_entry(struct tables *t, uint64_t at, uint64_t entry, const struct node *item, struct bytes **list,
			 unsigned *count)
{
	uint64_t *kept = arena_alloc(t->scene->arena, 8);

	*kept = entry;
	entry_set(t, at, entry);
	*list = arena_more(t->scene->arena, *list, *count, sizeof(**list));
	(*list)[(*count)++] = (struct bytes){.at = at,
					     .size = t->entry_bytes,
					     .data = (const uint8_t *)kept,
					     .node = item,
					     .what = "a page-table entry"};
}

static bool expect_span(struct tables *t, const struct node *item, const struct span *span, struct bytes **list,
			unsigned *count)
{
	const struct rights *r = &span->rights;

	for (uint64_t i = 0; i < span->count; i++) {
		uint64_t linear = span->at + i * 0x1000, entry;
		unsigned level;
		uint64_t at = entry_place(t, linear, 1, false, &level), up = entry_place(t, linear, 2, false, &level);
		if (!up || (!at && (r->set || r->clear || span->to_node)))
			return problem(t->scene->problems, item, "no page table has an entry for 0x%" PRIx64, linear);
		if (r->table_set || r->table_clear)
			expect_entry(t, up, (entry_get(t, up) | r->table_set) & ~r->table_clear, item, list, count);
		if (!r->set && !r->clear && !span->to_node)
			continue;
		entry = (entry_get(t, at) | r->set) & ~r->clear;
		if (span->to_node)
			entry = (entry & ~ENTRY_ADDRESS) | (span->to + i * 0x1000);
		expect_entry(t, at, entry, item, list, count);
	}
	return true;
}

/* The entries of pages that the expectation names: as they were, with these properties, or this address. */
bool pages_expected(struct scene *scene, const struct node *pages, struct bytes **list, unsigned *count)
{
	struct tables t;
	struct span span;

	if (scene->paging == PAGING_NONE)
		return problem(scene->problems, pages, "paging is off in this case");
	if (pages->kind != NODE_LIST)
		return problem(scene->problems, pages, "pages is a list: - {at: data, as: accessed dirty}");
	t = tables_of(scene);
	scene_peek(scene, AT_TABLES, t.bytes, TABLES_BYTES);
	for (unsigned i = 0; i < pages->count; i++) {
		const struct node *item = pages->item[i];
		if (!read_span(scene, item, &span))
			return false;
		if (!span.to_node && !span.as_node)
			return problem(scene->problems, item, "nothing is said of this page: 'as' or 'to'");
		if (!expect_span(&t, item, &span, list, count))
			return false;
	}
	return true;
}
