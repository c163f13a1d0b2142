#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "console/display.h"
#include "cpu/model.h"

#define STATUS_USAGE 2

static int complain(const struct diagnostic *why)
{
	fprintf(stderr, "trapgate: %s\n", why->text);
	return STATUS_USAGE;
}

static int run_errand(const struct options *o)
{
	switch (o->errand) {
	case ERRAND_HELP:
		printf("Trapgate version %s: an i386 machine with QEMU's command line\n", TRAPGATE_VERSION);
		options_print_help(stdout);
		break;
	case ERRAND_VERSION:
		printf("Trapgate version %s\n", TRAPGATE_VERSION);
		break;
	case ERRAND_LIST_CPUS:
		for (unsigned i = 0; i < cpu_model_count; i++)
			printf("%-10s %s%s\n", cpu_models[i].name, cpu_models[i].description,
			       cpu_models[i].is_default ? " (default)" : "");
		break;
	case ERRAND_LIST_BOARDS:
		puts("pc         i440FX and PIIX3: PCI, APICs, ACPI (default)\n"
		     "isapc      an AT: ISA only, 8259 and 8254, one processor");
		break;
	case ERRAND_LIST_DEVICES:
		options_print_devices(stdout);
		break;
	case ERRAND_RUN:
		break;
	}
	return 0;
}

static bool open_trace(struct machine *m, const struct options *o, struct view *view, struct trace_writer *writer,
		       struct diagnostic *why)
{
	*writer = (struct trace_writer){.file = stderr, .view = view_of(view)};
	if (o->trace_lines)
		writer->lines = &m->trace;
	if (o->trace == TRACE_NONE)
		return true;
	if (o->trace_file && strcmp(o->trace_file, "-") == 0)
		writer->file = stdout;
	else if (o->trace_file)
		writer->file = fopen(o->trace_file, "wb");
	if (!writer->file)
		return diagnose(why, "--trace %s: %s", o->trace_file, strerror(errno));
	trace_add_sink(&m->trace, o->trace == TRACE_TEXT ? trace_text_sink(writer) : trace_jsonl_sink(writer));
	if (o->trace_lines)
		clock_trace_lines(&m->clock, &m->trace);
	return true;
}

static bool close_trace(struct machine *m, struct trace_writer *writer, struct diagnostic *why)
{
	bool failed;

	trace_end(&m->trace, m->clock.now);
	failed = fflush(writer->file) != 0 || ferror(writer->file);

	if (writer->file != stderr && writer->file != stdout)
		failed |= fclose(writer->file) != 0;
	return !failed || diagnose(why, "the trace could not be written: %s", strerror(errno));
}

/* Runs it in front of the display that was asked for. */
static bool run_displayed(struct machine *m, const struct options *o, struct machine_end *end, struct diagnostic *why)
{
	const struct display_kind *display = o->display && o->display->open ? o->display : NULL;

	if (display && display->terminal && o->trace != TRACE_NONE && !o->trace_file && isatty(STDERR_FILENO))
		return diagnose(why, "-display %s takes the terminal; give the trace a file", display->name);
	m->console.name = o->name;
	if (display && !display->open(&m->console, why))
		return false;
	signals_set(&m->interrupted, &m->screen.requested);
	*end = machine_run(m);
	if (display)
		display->close(&m->console);
	return true;
}

static bool quiet_end(enum end_kind kind)
{
	return kind == END_POWER_OFF || kind == END_RESET || kind == END_DEBUG_EXIT || kind == END_CLOSED;
}

static int run(struct session *s, struct diagnostic *why)
{
	struct machine *m = s->machine;
	struct trace_writer writer;
	struct machine_end end;

	m->screen = s->options.screen;
	if (!screen_open(&m->screen, why) || !open_trace(m, &s->options, &s->view, &writer, why))
		return complain(why);
	machine_start(m);
	if (!run_displayed(m, &s->options, &end, why))
		return complain(why);
	fflush(stdout);
	if (!screen_close(m, why) || !close_trace(m, &writer, why))
		return complain(why);
	if (!quiet_end(end.kind))
		fprintf(stderr, "trapgate: %s\n", end.text);
	view_explain_end(&s->view, &end, stderr);
	return end.lost_output ? STATUS_USAGE : end.status;
}

int cli_main(int argc, char **argv)
{
	struct diagnostic why = {""};
	struct options options;
	struct session session;
	int status;

	if (!options_parse(&options, argc - 1, argv + 1, &why))
		return complain(&why);
	if (options.errand != ERRAND_RUN)
		return run_errand(&options);
	if (!session_open(&session, &options, &why))
		return complain(&why);
	status = run(&session, &why);
	session_close(&session);
	return status;
}
