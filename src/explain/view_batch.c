/* Several views of one run: the guest runs to a moment, then a copy of the process for each view goes on from there. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "explain/know.h"
#include "explain/views.h"

#define MOST_VIEWS 64
#define MOST_WORDS 32
#define BLANKS     " \t\r\n"
#define FAILED     2

struct batch {
	struct explain *x;
	char *text; /* the file; words of views point into it */
	unsigned count;
	struct {
		const struct explain_view *view;
		struct explain_options options;
	} line[MOST_VIEWS];
};

/* One line of the file: a view and its options. */
static bool take_line(struct batch *b, unsigned number, char *line)
{
	struct diagnostic *why = &b->x->why, inner;
	const char *file = b->x->options.argument;
	const struct explain_view *v;
	char *words[MOST_WORDS], *rest;
	int count = 0, taken;

	for (char *word = strtok_r(line, BLANKS, &rest); word && *word != '#'; word = strtok_r(NULL, BLANKS, &rest)) {
		if (count == MOST_WORDS)
			return diagnose(why, "%s:%u: more than %d words", file, number, MOST_WORDS);
		words[count++] = word;
	}
	if (count == 0)
		return true;
	v = explain_find(words[0]);
	if (!v || v->run == view_batch)
		return diagnose(why, "%s:%u: %.40s: no such view; see trapgate explain help", file, number, words[0]);
	if (b->count == MOST_VIEWS)
		return diagnose(why, "%s:%u: more than %d views", file, number, MOST_VIEWS);
	b->line[b->count].view = v;
	if (!explain_options_parse(&b->line[b->count].options, v->name, v->takes, v->argument != NULL, count - 1,
				   words + 1, &taken, &inner))
		return diagnose(why, "%s:%u: %s", file, number, inner.text);
	if (taken != count - 1)
		return diagnose(why, "%s:%u: %.40s: no option of \"%s\"", file, number, words[1 + taken], v->name);
	if (v->argument_needed && !b->line[b->count].options.argument)
		return diagnose(why, "%s:%u: %s is missing behind %s", file, number, v->argument, v->name);
	if (b->line[b->count].options.guest || b->line[b->count].options.symbols ||
	    b->line[b->count].options.raise == RAISE_VECTOR || b->line[b->count].options.help)
		return diagnose(why, "%s:%u: --guest, --symbols, --help and --raise VECTOR are not for one line", file,
				number);
	b->count++;
	return true;
}

static bool read_lines(struct batch *b)
{
	uint8_t *data;
	size_t size;
	unsigned number = 1;
	bool ok = true;

	if (!guest_read_file(b->x->options.argument, &data, &size, &b->x->why))
		return false;
	b->text = malloc(size + 1);
	if (b->text) {
		memcpy(b->text, data, size);
		b->text[size] = '\0';
	}
	free(data);
	if (!b->text)
		return diagnose(&b->x->why, "out of memory");
	for (char *line = b->text, *end; ok && *line; line = end, number++) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		ok = take_line(b, number, line);
	}
	return ok && (b->count || diagnose(&b->x->why, "%s: no views in it", b->x->options.argument));
}

/* In the copy of the process. */
static void run_one(struct batch *b, unsigned i)
{
	struct explain *x = b->x;
	bool json = x->options.json;
	enum colour colour = x->options.colour;

	x->options = b->line[i].options;
	x->options.json |= json;
	x->options.colour = colour;
	explain_begin(x, b->line[i].view);
	if (b->line[i].view->run(x) && explain_print(x))
		_exit(0);
	explain_begin(x, b->line[i].view);
	put_text(&x->facts.root, "failed", "%s", x->why.text);
	x->options.only = NULL;
	fprintf(stderr, "trapgate: %s\n", x->why.text);
	if (!explain_print(x))
		fputs("trapgate: the view cannot be printed\n", stderr);
	_exit(FAILED);
}

/* False: it failed, or could not be made. */
static bool run_copy(struct batch *b, unsigned i)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0)
		run_one(b, i);
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool run_all(struct batch *b)
{
	static const struct moment moment = {"an entry from ring 3", moment_from_user};
	struct explain *x = b->x;
	unsigned failed = 0;

	if (!moment_state(x, &moment))
		return false;
	put_text(&x->facts.root, "title", "%u views of one run, from t=%" PRIu64, b->count, drive_now(&x->drive));
	put_number(&x->facts.root, "t", drive_now(&x->drive));
	for (unsigned i = 0; i < b->count; i++)
		failed += !run_copy(b, i);
	put_number(&x->facts.root, "views", b->count);
	put_number(&x->facts.root, "failed", failed);
	return failed == 0 || diagnose(&x->why, "explain batch: %u of %u views failed", failed, b->count);
}

bool view_batch(struct explain *x)
{
	struct batch b = {.x = x};
	bool ok = read_lines(&b) && run_all(&b);

	free(b.text);
	return ok;
}
