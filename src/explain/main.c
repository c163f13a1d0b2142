/* `trapgate explain VIEW [view options] MACHINE OPTIONS`. */
#include <string.h>
#include <unistd.h>

#include "explain/explain.h"
#include "explain/know.h"

#define STATUS_USAGE 2

static int complain(const struct diagnostic *why)
{
	fprintf(stderr, "trapgate: %s\n", why->text);
	return STATUS_USAGE;
}

const struct explain_view *explain_find(const char *name)
{
	for (unsigned i = 0; i < explain_view_count; i++)
		if (strcmp(explain_views[i].name, name) == 0)
			return &explain_views[i];
	return NULL;
}

static void print_help(FILE *file)
{
	fputs("usage: trapgate explain VIEW [view options] MACHINE OPTIONS\n"
	      "Runs a guest to a moment and tells what happens there.  The machine's options are those of trapgate "
	      "itself\n"
	      "(trapgate --help); the guest's own output goes to standard error.\n\nviews:\n",
	      file);
	for (unsigned i = 0; i < explain_view_count; i++) {
		const struct explain_view *v = &explain_views[i];
		int width = fprintf(file, "  %s%s%s", v->name, v->argument ? " " : "", v->argument ? v->argument : "");

		fprintf(file, "%*s%s\n", width < 22 ? 22 - width : 1, "", v->help);
	}
	fputs("\ntrapgate explain VIEW --help tells a view's options.  docs/explain.md has them all.\n", file);
}

static void print_view_help(const struct explain_view *v, FILE *file)
{
	fprintf(file, "usage: trapgate explain %s%s%s [options] MACHINE OPTIONS\n%s.\n\n%s\n\noptions:\n", v->name,
		v->argument ? " " : "", v->argument ? v->argument : "", v->help, v->text);
	explain_options_print(v->takes, file);
}

/* Standard output becomes the view's own; what the guest writes to "stdio" goes to standard error. */
static FILE *take_output(struct diagnostic *why)
{
	int own = dup(STDOUT_FILENO);
	FILE *file = own < 0 ? NULL : fdopen(own, "w");

	if (!file || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
		diagnose(why, "standard output cannot be used");
		if (file)
			fclose(file);
		return NULL;
	}
	return file;
}

bool explain_print(struct explain *x)
{
	bool colour =
		x->options.colour == COLOUR_ALWAYS || (x->options.colour == COLOUR_AUTO && isatty(fileno(x->out)));
	const char *missing;
	size_t length;

	if (x->options.only && !facts_keep(&x->facts.root, x->options.only, &missing, &length))
		return diagnose(&x->why, "--only %.*s: the view has no such part here", (int)length, missing);
	if (x->facts.failed)
		return diagnose(&x->why, "out of memory");
	if (x->options.json)
		facts_print_json(&x->facts, x->out);
	else
		facts_print_text(&x->facts, x->out, colour);
	return (fflush(x->out) == 0 && !ferror(x->out)) || diagnose(&x->why, "standard output cannot be written");
}

void explain_begin(struct explain *x, const struct explain_view *v)
{
	facts_free(&x->facts);
	facts_init(&x->facts);
	put_text(&x->facts.root, "schema", "trapgate-explain");
	put_number(&x->facts.root, "version", EXPLAIN_SCHEMA_VERSION);
	put_text(&x->facts.root, "view", "%s", v->name);
}

/* The machine is open. */
static bool run(struct explain *x, const struct explain_view *v)
{
	x->machine = x->session.machine;
	if (!drive_init(&x->drive, x->machine))
		return diagnose(&x->why, "explain: too many traces");
	machine_start(x->machine);
	explain_begin(x, v);
	/* Symbols in the image or a file: at once, so that errors in files come before the run. */
	if ((x->options.symbols || x->machine->guest.symbols.count) && !know_learn(x))
		return false;
	return v->run(x);
}

static bool explain(struct explain *x, const struct explain_view *v, const struct options *machine)
{
	bool ok;

	if (x->options.guest && !desc_read_file(&x->desc, x->options.guest, &x->why))
		return false;
	if (!session_open(&x->session, machine, &x->why))
		return false;
	facts_init(&x->facts);
	ok = run(x, v) && explain_print(x);
	facts_free(&x->facts);
	session_close(&x->session);
	return ok;
}

static int run_view(const struct explain_view *v, int count, char **arguments)
{
	struct explain x = {.learned = false};
	struct options machine;
	int taken, status;

	if (!explain_options_parse(&x.options, v->name, v->takes, v->argument != NULL, count, arguments, &taken,
				   &x.why))
		return complain(&x.why);
	if (x.options.help) {
		print_view_help(v, stdout);
		return 0;
	}
	if (v->argument_needed && !x.options.argument) {
		diagnose(&x.why, "explain %s: %s is missing behind it; see explain %s --help", v->name, v->argument,
			 v->name);
		return complain(&x.why);
	}
	if (!options_parse(&machine, count - taken, arguments + taken, &x.why))
		return complain(&x.why);
	if (machine.errand != ERRAND_RUN) {
		diagnose(&x.why, "explain %s: the machine's options ask for a list; give them to trapgate itself",
			 v->name);
		return complain(&x.why);
	}
	x.out = take_output(&x.why);
	if (!x.out)
		return complain(&x.why);
	machine.machine.board.inject |= x.options.raise == RAISE_VECTOR;
	if (x.options.raise == RAISE_VECTOR) {
		machine.machine.board.inject_vector = x.options.raise_vector;
		machine.machine.board.inject_every = INT64_MAX / 2;
	}
	status = explain(&x, v, &machine) ? 0 : complain(&x.why);
	fclose(x.out);
	return status;
}

int explain_main(int count, char **arguments)
{
	const struct explain_view *v;
	struct diagnostic why;

	if (count < 2) {
		diagnose(&why, "explain: a view is missing; see trapgate explain help");
		return complain(&why);
	}
	if (strcmp(arguments[1], "help") == 0 || strcmp(arguments[1], "--help") == 0 ||
	    strcmp(arguments[1], "-h") == 0) {
		print_help(stdout);
		return 0;
	}
	v = explain_find(arguments[1]);
	if (!v) {
		diagnose(&why, "explain %s: no such view; see trapgate explain help", arguments[1]);
		return complain(&why);
	}
	return run_view(v, count - 2, arguments + 2);
}

bool explain_never(struct explain *x, const char *what)
{
	const struct machine_end *end = &x->machine->end;

	return diagnose(&x->why, "%s: it never happened; %s", what,
			end->kind == END_NONE ? "the look ended before" : end->text);
}
