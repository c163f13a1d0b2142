/* Facts for people.  An object is a heading with its values below, aligned; a list of objects is a table with a
 * column for each key; a list of words is a line. */
#include <inttypes.h>
#include <string.h>

#include "explain/facts.h"

#define MAX_COLUMNS 16
#define CELL        160
#define INDENT      2
#define KEY_WIDTH   18 /* of the names of values, where none is longer */

struct printer {
	FILE *file;
	bool colour;
};

struct table {
	const char *key[MAX_COLUMNS];
	int width[MAX_COLUMNS];
	int columns;
};

static const char *const tone_on[] = {[TONE_PLAIN] = "", [TONE_GOOD] = "\033[32m", [TONE_BAD] = "\033[1;31m"};

static void paint(const struct printer *p, const char *code)
{
	if (p->colour)
		fputs(code, p->file);
}

/* Keys are written with blanks. */
static void name(const struct printer *p, const char *key)
{
	for (; *key; key++)
		fputc(*key == '_' ? ' ' : *key, p->file);
}

static void scalar(const struct fact *f, char *text, size_t size)
{
	int n;

	switch (f->kind) {
	case FACT_TEXT:
		snprintf(text, size, "%s", f->text ? f->text : "");
		break;
	case FACT_NUMBER:
		snprintf(text, size, "%" PRIu64, f->value);
		break;
	case FACT_HEX:
		snprintf(text, size, "%0*" PRIx64, (int)f->digits, f->value);
		break;
	case FACT_FLAG:
		snprintf(text, size, "%s", f->value ? "yes" : "no");
		break;
	case FACT_PLACE:
		n = snprintf(text, size, "%08" PRIx64, f->value);
		if (f->symbol && n >= 0 && (size_t)n < size)
			n += snprintf(text + n, size - (size_t)n, f->offset ? " %s+0x%" PRIx64 : " %s", f->symbol,
				      f->offset);
		if (f->file && n >= 0 && (size_t)n < size)
			snprintf(text + n, size - (size_t)n, " %s:%u", f->file, f->line);
		break;
	case FACT_OBJECT:
	case FACT_LIST:
		text[0] = '\0';
		break;
	}
}

/* A list of values as one text: "a, b"; "-" when it is empty. */
static void joined(const struct fact *list, char *text, size_t size)
{
	size_t n = 0;

	snprintf(text, size, "-");
	for (const struct fact *f = list->first; f && n < size; f = f->next) {
		char one[CELL];

		scalar(f, one, sizeof(one));
		n += (size_t)snprintf(text + n, size - n, "%s%s", n ? ", " : "", one);
	}
}

static void cell_text(const struct fact *f, char *text, size_t size)
{
	if (f->kind == FACT_LIST)
		joined(f, text, size);
	else
		scalar(f, text, size);
}

static bool is_table(const struct fact *f)
{
	return f->kind == FACT_LIST && f->first && f->first->kind == FACT_OBJECT;
}

static int column_of(struct table *t, const char *key)
{
	for (int i = 0; i < t->columns; i++)
		if (strcmp(t->key[i], key) == 0)
			return i;
	if (t->columns == MAX_COLUMNS)
		return -1;
	t->key[t->columns] = key;
	t->width[t->columns] = (int)strlen(key);
	return t->columns++;
}

static void measure(struct table *t, const struct fact *list)
{
	char text[CELL];

	for (const struct fact *row = list->first; row; row = row->next)
		for (const struct fact *f = row->first; f; f = f->next) {
			int i = column_of(t, f->key);
			int n;

			cell_text(f, text, sizeof(text));
			n = (int)strlen(text);
			if (i >= 0 && n > t->width[i])
				t->width[i] = n;
		}
}

static void put_row(const struct printer *p, const struct table *t, const struct fact *row, int indent)
{
	char text[CELL];
	int blanks = indent;

	for (int i = 0; i < t->columns; i++) {
		const struct fact *f = fact_find(row, t->key[i]);

		text[0] = '\0';
		if (f)
			cell_text(f, text, sizeof(text));
		if (text[0]) {
			fprintf(p->file, "%*s", blanks, "");
			blanks = 0;
			paint(p, tone_on[f->tone]);
			fputs(text, p->file);
			if (f->tone != TONE_PLAIN)
				paint(p, "\033[0m");
		}
		blanks += t->width[i] - (int)strlen(text) + 2;
	}
	fputc('\n', p->file);
}

static void print_table(const struct printer *p, const struct fact *list, int indent)
{
	struct table t = {.columns = 0};

	measure(&t, list);
	fprintf(p->file, "%*s", indent, "");
	paint(p, "\033[2m");
	for (int i = 0; i < t.columns; i++) {
		name(p, t.key[i]);
		fprintf(p->file, "%*s", i + 1 < t.columns ? t.width[i] - (int)strlen(t.key[i]) + 2 : 0, "");
	}
	paint(p, "\033[0m");
	fputc('\n', p->file);
	for (const struct fact *row = list->first; row; row = row->next)
		put_row(p, &t, row, indent);
}

static int key_width(const struct fact *object)
{
	int width = KEY_WIDTH;

	for (const struct fact *f = object->first; f; f = f->next)
		if (f->kind != FACT_OBJECT && !is_table(f) && (int)strlen(f->key) > width)
			width = (int)strlen(f->key);
	return width;
}

static void print_value(const struct printer *p, const struct fact *f, int indent, int width)
{
	char text[1024];

	cell_text(f, text, sizeof(text));
	fprintf(p->file, "%*s", indent, "");
	name(p, f->key);
	fprintf(p->file, "%*s", width - (int)strlen(f->key) + 2, "");
	paint(p, tone_on[f->tone]);
	fputs(text, p->file);
	if (f->tone != TONE_PLAIN)
		paint(p, "\033[0m");
	fputc('\n', p->file);
}

static void print_object(const struct printer *p, const struct fact *object, int indent)
{
	int width = key_width(object);

	for (const struct fact *f = object->first; f; f = f->next) {
		if (strcmp(f->key, "title") == 0 ||
		    (indent == 0 &&
		     (strcmp(f->key, "schema") == 0 || strcmp(f->key, "version") == 0 || strcmp(f->key, "view") == 0)))
			continue;
		if (f->kind != FACT_OBJECT && !is_table(f)) {
			print_value(p, f, indent, width);
			continue;
		}
		fprintf(p->file, "%*s", indent, "");
		paint(p, "\033[1m");
		name(p, f->key);
		paint(p, "\033[0m");
		fputc('\n', p->file);
		if (f->kind == FACT_OBJECT)
			print_object(p, f, indent + INDENT);
		else
			print_table(p, f, indent + INDENT);
	}
}

void facts_print_text(const struct facts *facts, FILE *file, bool colour)
{
	const struct printer p = {file, colour};
	const struct fact *title = fact_find(&facts->root, "title");

	if (title && title->text) {
		paint(&p, "\033[1;36m");
		fputs(title->text, file);
		paint(&p, "\033[0m");
		fputc('\n', file);
	}
	print_object(&p, &facts->root, 0);
}
