/* Facts as text and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "explain/facts.h"

static void fill(struct facts *f)
{
	struct fact *o, *list, *row;

	facts_init(f);
	put_text(&f->root, "schema", "s");
	put_text(&f->root, "title", "A title");
	o = put_object(&f->root, "some_object");
	put_number(o, "count", 12);
	put_hex(o, "word", 0x1b, 8);
	put_flag(o, "true", true);
	put_address(o, "place", 0xc0de, "name", 3, "f.c", 7);
	put_text(o, "odd", "a \"b\" \\ \n\xff");
	list = put_list(&f->root, "words");
	put_text(list, NULL, "x");
	put_text(list, NULL, "y");
	put_list(&f->root, "none");
	list = put_list(&f->root, "rows");
	row = put_object(list, NULL);
	put_number(row, "a", 1);
	put_text(row, "b", "left out below")->tone = TONE_BAD;
	row = put_object(list, NULL);
	put_number(row, "a", 10000);
	put_hex(row, "c", 5, 2);
}

static char *printed(const struct facts *f, bool json, bool colour)
{
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	if (json)
		facts_print_json(f, file);
	else
		facts_print_text(f, file, colour);
	fclose(file);
	return text;
}

static void json_has_every_fact(void **state)
{
	struct facts f;
	char *text;

	fill(&f);
	text = printed(&f, true, false);
	assert_string_equal(text,
			    "{\"schema\":\"s\",\"title\":\"A title\",\"some_object\":{\"count\":12,\"word\":\"0x1b\","
			    "\"true\":true,\"place\":{\"address\":\"0xc0de\",\"symbol\":{\"name\":\"name\",\"offset\":"
			    "3},\"source\":{\"file\":"
			    "\"f.c\",\"line\":7}},\"odd\":\"a \\\"b\\\" \\\\ "
			    "\\u000a\\u00ff\"},\"words\":[\"x\",\"y\"],\"none\":[],\"rows\":"
			    "[{\"a\":1,\"b\":\"left out below\"},{\"a\":10000,\"c\":\"0x5\"}]}\n");
	free(text);
	facts_free(&f);
}

static void text_is_aligned(void **state)
{
	struct facts f;
	char *text;

	fill(&f);
	assert_false(f.failed);
	text = printed(&f, false, false);
	assert_non_null(strstr(text, "A title\nsome object\n  count               12\n  word                0000001b\n"
				     "  true                yes\n  place               0000c0de name+0x3 f.c:7\n"));
	assert_non_null(strstr(text,
			       "words               x, y\nnone                -\nrows\n  a      b               c\n"
			       "  1      left out below\n  10000                  05\n"));
	assert_null(strchr(text, '\033'));
	free(text);
	facts_free(&f);
}

static void colour_only_on_request(void **state)
{
	struct facts f;
	char *text;

	fill(&f);
	text = printed(&f, false, true);
	assert_non_null(strstr(text, "\033[1;31mleft out below\033[0m"));
	free(text);
	facts_free(&f);
}

static void parts_can_be_kept(void **state)
{
	const char *missing;
	struct facts f;
	size_t length;

	fill(&f);
	assert_false(facts_keep(&f.root, "rows,tea", &missing, &length));
	assert_int_equal(length, 3);
	assert_memory_equal(missing, "tea", 3);
	assert_false(facts_keep(&f.root, "row", &missing, &length));
	assert_true(facts_keep(&f.root, "rows,words", &missing, &length));
	assert_non_null(fact_find(&f.root, "title"));
	assert_non_null(fact_find(&f.root, "rows"));
	assert_non_null(fact_find(&f.root, "words"));
	assert_null(fact_find(&f.root, "some_object"));
	put_text(&f.root, "more", "at the end");
	assert_ptr_equal(f.root.last, fact_find(&f.root, "more"));
	facts_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_has_every_fact),
		cmocka_unit_test(text_is_aligned),
		cmocka_unit_test(colour_only_on_request),
		cmocka_unit_test(parts_can_be_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
