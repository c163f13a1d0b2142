#include <inttypes.h>

#include "explain/facts.h"

static void quoted(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c >= 0x7f)
			fprintf(file, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			fprintf(file, "\\%c", c);
		else
			fputc(c, file);
	}
	fputc('"', file);
}

static void place(const struct fact *fact, FILE *file)
{
	fprintf(file, "{\"address\":\"0x%" PRIx64 "\"", fact->value);
	if (fact->symbol) {
		fputs(",\"symbol\":{\"name\":", file);
		quoted(file, fact->symbol);
		fprintf(file, ",\"offset\":%" PRIu64 "}", fact->offset);
	}
	if (fact->file) {
		fputs(",\"source\":{\"file\":", file);
		quoted(file, fact->file);
		fprintf(file, ",\"line\":%u}", fact->line);
	}
	fputc('}', file);
}

static void value(const struct fact *fact, FILE *file)
{
	bool list = fact->kind == FACT_LIST;

	switch (fact->kind) {
	case FACT_TEXT:
		quoted(file, fact->text ? fact->text : "");
		break;
	case FACT_NUMBER:
		fprintf(file, "%" PRIu64, fact->value);
		break;
	case FACT_HEX:
		fprintf(file, "\"0x%" PRIx64 "\"", fact->value);
		break;
	case FACT_FLAG:
		fputs(fact->value ? "true" : "false", file);
		break;
	case FACT_PLACE:
		place(fact, file);
		break;
	case FACT_OBJECT:
	case FACT_LIST:
		fputc(list ? '[' : '{', file);
		for (const struct fact *f = fact->first; f; f = f->next) {
			if (f != fact->first)
				fputc(',', file);
			if (!list) {
				quoted(file, f->key ? f->key : "");
				fputc(':', file);
			}
			value(f, file);
		}
		fputc(list ? ']' : '}', file);
		break;
	}
}

void facts_print_json(const struct facts *facts, FILE *file)
{
	value(&facts->root, file);
	fputc('\n', file);
}
