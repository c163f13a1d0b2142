#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/session.h"
#include "cli/signals.h"
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
	if (o->trace == TRACE_NONE)
		return true;
	if (o->trace_file && strcmp(o->trace_file, "-") == 0)
		writer->file = stdout;
	else if (o->trace_file)
		writer->file = fopen(o->trace_file, "wb");
	if (!writer->file)
		return diagnose(why, "--trace %s: %s", o->trace_file, strerror(errno));
	trace_add_sink(&m->trace, o->trace == TRACE_TEXT ? trace_text_sink(writer) : trace_jsonl_sink(writer));
	return true;
}

static bool close_trace(struct trace_writer *writer, struct diagnostic *why)
{
	bool failed = fflush(writer->file) != 0 || ferror(writer->file);

	if (writer->file != stderr && writer->file != stdout)
		failed |= fclose(writer->file) != 0;
	return !failed || diagnose(why, "the trace could not be written: %s", strerror(errno));
}

static int run(struct session *s, struct diagnostic *why)
{
	struct machine *m = s->machine;
	struct trace_writer writer;
	struct machine_end end;

	if (!open_trace(m, &s->options, &s->view, &writer, why))
		return complain(why);
	machine_start(m);
	signals_set(&m->interrupted);
	end = machine_run(m);
	fflush(stdout);
	if (!close_trace(&writer, why))
		return complain(why);
	if (end.kind != END_POWER_OFF && end.kind != END_RESET && end.kind != END_DEBUG_EXIT)
		fprintf(stderr, "trapgate: %s\n", end.text);
	view_explain_end(&s->view, &end, stderr);
	return end.status;
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
