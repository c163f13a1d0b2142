/* Memory that a case puts somewhere or expects there. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "testcase/scene.h"

#define MOST_BYTES (1u << 20) /* of one item */

static void add(struct scene *scene, struct bytes **list, unsigned *count, struct bytes bytes)
{
	*list = arena_more(scene->arena, *list, *count, sizeof(**list));
	(*list)[(*count)++] = bytes;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

bool memory_digits(struct scene *scene, const struct node *digits, uint64_t at, struct bytes **list, unsigned *count)
{
	struct scope scope = scene_scope(scene);
	const char *text = expr_substitute(&scope, digits);
	uint8_t *data;
	uint32_t n = 0;

	if (!text)
		return false;
	data = arena_alloc(scene->arena, strlen(text) / 2 + 1);
	for (const char *p = text; *p; p++) {
		if (isspace((unsigned char)*p))
			continue;
		if (digit(p[0]) < 0 || digit(p[1]) < 0)
			return problem(scene->problems, digits,
				       "'%.8s': bytes are pairs of hexadecimal digits, as in \"cd 80\"", p);
		data[n++] = (uint8_t)(digit(p[0]) << 4 | digit(p[1]));
		p++;
	}
	if (n)
		add(scene, list, count,
		    (struct bytes){
			    .at = at, .size = n, .data = data, .node = digits, .what = "memory", .form = BYTES_STRING});
	return true;
}

static bool one_number(struct scene *scene, const struct node *node, uint64_t at, unsigned bytes, uint64_t mask,
		       struct bytes **list, unsigned *count)
{
	struct scope scope = scene_scope(scene);
	uint8_t *data = arena_alloc(scene->arena, 16);
	uint64_t value;

	if (!expr_bits(&scope, node, bytes * 8, &value))
		return false;
	memcpy(data, &value, 8);
	memcpy(data + 8, &mask, 8);
	add(scene, list, count,
	    (struct bytes){.at = at, .size = bytes, .data = data, .mask = data + 8, .node = node, .what = "memory"});
	return true;
}

static bool numbers(struct scene *scene, const struct node *node, uint64_t at, unsigned bytes, uint64_t mask,
		    struct bytes **list, unsigned *count)
{
	bool good = true;

	if (node->kind != NODE_LIST)
		return one_number(scene, node, at, bytes, mask, list, count);
	for (unsigned i = 0; i < node->count; i++)
		good &= one_number(scene, node->item[i], at + i * bytes, bytes, mask, list, count);
	return good;
}

static bool fill(struct scene *scene, const struct node *item, uint64_t at, struct bytes **list, unsigned *count)
{
	struct scope scope = scene_scope(scene);
	const struct node *size = tree_get(item, "size"), *with = tree_get(item, "fill");
	uint64_t n, value;
	uint8_t *data;

	if (!size)
		return problem(scene->problems, item, "fill needs a size");
	if (!expr_bits(&scope, size, 32, &n) || !expr_bits(&scope, with, 8, &value))
		return false;
	if (n == 0 || n > MOST_BYTES)
		return problem(scene->problems, size, "1 to 0x%x bytes", MOST_BYTES);
	data = arena_alloc(scene->arena, n);
	memset(data, (int)value, n);
	add(scene, list, count,
	    (struct bytes){.at = at, .size = (uint32_t)n, .data = data, .node = item, .what = "memory"});
	return true;
}

static bool text_bytes(struct scene *scene, const struct node *node, uint64_t at, struct bytes **list, unsigned *count)
{
	struct scope scope = scene_scope(scene);
	const char *text = expr_substitute(&scope, node);

	if (!text)
		return false;
	if (*text)
		add(scene, list, count,
		    (struct bytes){.at = at,
				   .size = (uint32_t)strlen(text),
				   .data = (const uint8_t *)text,
				   .node = node,
				   .what = "memory"});
	return true;
}

static bool contents(struct scene *scene, const struct node *item, const char *key, uint64_t at, uint64_t mask,
		     bool expected, struct bytes **list, unsigned *count)
{
	const struct node *value = tree_get(item, key);
	unsigned bytes = !strcmp(key, "u8") ? 1 : !strcmp(key, "u16") ? 2 : !strcmp(key, "u32") ? 4 : 8;

	if (!strcmp(key, "bytes"))
		return memory_digits(scene, value, at, list, count);
	if (!strcmp(key, "text"))
		return text_bytes(scene, value, at, list, count);
	if (!strcmp(key, "fill"))
		return fill(scene, item, at, list, count);
	if (!strncmp(key, "tss", 3))
		return tss_item(scene, value,
				key[3] == '1'   ? TSS_16
				: key[3] == '3' ? TSS_32
						: TSS_64,
				at, expected, list, count);
	return numbers(scene, value, at, bytes, mask, list, count);
}

bool memory_item(struct scene *scene, const struct node *item, bool expected, struct bytes **list, unsigned *count)
{
	static const char *const known[] = {"at",   "bytes", "u8",    "u16",   "u32",  "u64",  "text", "fill",
					    "size", "tss32", "tss16", "tss64", "over", "mask", NULL};
	static const char *const kinds[] = {"bytes", "u8",   "u16",   "u32",   "u64",
					    "text",  "fill", "tss32", "tss16", "tss64"};
	const struct node *at = tree_get(item, "at"), *over = tree_get(item, "over"), *mask = tree_get(item, "mask");
	struct scope scope = scene_scope(scene);
	const char *kind = NULL;
	uint64_t address, bits = UINT64_MAX;
	bool overwrites = false;
	unsigned first = *count;

	if (!tree_keys(scene->problems, item, known))
		return false;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!tree_get(item, kinds[i]))
			continue;
		if (kind)
			return problem(scene->problems, item, "both %s and %s: one item has one content", kind,
				       kinds[i]);
		kind = kinds[i];
	}
	if (!at || !kind)
		return problem(scene->problems, item,
			       "memory needs 'at' and one of bytes, u8, u16, u32, u64, text, "
			       "fill, tss32, tss16, tss64");
	if (!expr_bits(&scope, at, 32, &address) || (over && !expr_bool(&scope, over, &overwrites)) ||
	    (mask && !expr_bits(&scope, mask, 64, &bits)))
		return false;
	if (!contents(scene, item, kind, address, bits, expected, list, count))
		return false;
	for (unsigned i = first; i < *count; i++)
		(*list)[i].preset = overwrites;
	return true;
}

bool memory_build(struct scene *scene, const struct node *memory)
{
	struct bytes *list = NULL;
	unsigned count = 0;
	bool good = true;

	if (!memory)
		return true;
	if (memory->kind != NODE_LIST)
		return problem(scene->problems, memory, "memory is a list: - {at: data, u32: 5}");
	for (unsigned i = 0; i < memory->count; i++)
		good &= memory_item(scene, memory->item[i], false, &list, &count);
	for (unsigned i = 0; i < count; i++)
		scene_put(scene, list[i]);
	return good;
}
