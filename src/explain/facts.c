#include "explain/facts.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void facts_init(struct facts *facts)
{
	*facts = (struct facts){.root = {.of = facts, .kind = FACT_OBJECT}};
}

static void free_children(struct fact *fact)
{
	struct fact *child = fact->first;

	while (child) {
		struct fact *next = child->next;

		free_children(child);
		free(child->text);
		free(child);
		child = next;
	}
	fact->first = fact->last = NULL;
}

void facts_free(struct facts *facts)
{
	free_children(&facts->root);
}

static struct fact *lost(struct facts *facts)
{
	facts->failed = true;
	facts->lost = (struct fact){.of = facts, .kind = FACT_OBJECT};
	return &facts->lost;
}

static struct fact *add(struct fact *parent, const char *key, enum fact_kind kind)
{
	struct fact *fact = parent == &parent->of->lost ? NULL : calloc(1, sizeof(*fact));

	if (!fact)
		return lost(parent->of);
	*fact = (struct fact){.of = parent->of, .key = key, .kind = kind};
	if (parent->last)
		parent->last->next = fact;
	else
		parent->first = fact;
	parent->last = fact;
	return fact;
}

struct fact *put_object(struct fact *parent, const char *key)
{
	return add(parent, key, FACT_OBJECT);
}

struct fact *put_list(struct fact *parent, const char *key)
{
	return add(parent, key, FACT_LIST);
}

static char *print(const char *format, va_list arguments)
{
	va_list again;
	char *text;
	int n;

	va_copy(again, arguments);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	text = n < 0 ? NULL : malloc((size_t)n + 1);
	if (text)
		vsnprintf(text, (size_t)n + 1, format, arguments);
	return text;
}

struct fact *put_text(struct fact *parent, const char *key, const char *format, ...)
{
	struct fact *fact = add(parent, key, FACT_TEXT);
	va_list arguments;

	if (fact == &parent->of->lost)
		return fact;
	va_start(arguments, format);
	fact->text = print(format, arguments);
	va_end(arguments);
	if (!fact->text)
		parent->of->failed = true;
	return fact;
}

static struct fact *put_value(struct fact *parent, const char *key, enum fact_kind kind, uint64_t value)
{
	struct fact *fact = add(parent, key, kind);

	fact->value = value;
	return fact;
}

struct fact *put_number(struct fact *parent, const char *key, uint64_t value)
{
	return put_value(parent, key, FACT_NUMBER, value);
}

struct fact *put_hex(struct fact *parent, const char *key, uint64_t value, unsigned digits)
{
	struct fact *fact = put_value(parent, key, FACT_HEX, value);

	fact->digits = digits;
	return fact;
}

struct fact *put_flag(struct fact *parent, const char *key, bool value)
{
	return put_value(parent, key, FACT_FLAG, value);
}

struct fact *put_address(struct fact *parent, const char *key, uint64_t address, const char *symbol, uint64_t offset,
			 const char *file, unsigned line)
{
	struct fact *fact = put_value(parent, key, FACT_PLACE, address);

	fact->symbol = symbol;
	fact->offset = offset;
	fact->file = file;
	fact->line = line;
	return fact;
}

struct fact *fact_find(const struct fact *object, const char *key)
{
	for (struct fact *f = object->first; f; f = f->next)
		if (f->key && strcmp(f->key, key) == 0)
			return f;
	return NULL;
}

/* Is key one of the comma-separated ones? */
static bool among(const char *keys, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = keys; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (strncmp(p, key, n) == 0 && (p[n] == ',' || p[n] == '\0'))
			return true;
	return false;
}

static bool all_there(const struct fact *object, const char *keys, const char **missing, size_t *length)
{
	const char *p = keys;

	while (*p) {
		size_t n = strcspn(p, ",");
		struct fact *f = object->first;

		while (f && (strlen(f->key) != n || strncmp(f->key, p, n) != 0))
			f = f->next;
		if (!f) {
			*missing = p;
			*length = n;
			return false;
		}
		p += n + (p[n] == ',');
	}
	return true;
}

bool facts_keep(struct fact *object, const char *keys, const char **missing, size_t *length)
{
	struct fact *kept = NULL, *last = NULL, *next;

	if (!all_there(object, keys, missing, length))
		return false;
	for (struct fact *f = object->first; f; f = next) {
		next = f->next;
		f->next = NULL;
		if (!among(keys, f->key) && !among("title,view,schema,version", f->key)) {
			free_children(f);
			free(f->text);
			free(f);
			continue;
		}
		if (last)
			last->next = f;
		else
			kept = f;
		last = f;
	}
	object->first = kept;
	object->last = last;
	return true;
}
