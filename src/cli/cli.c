#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/signals.h"
#include "cpu/model.h"
#include "debug/view.h"

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

static bool load_linux(struct machine *m, const struct options *o, const uint8_t *data, size_t size,
		       struct diagnostic *why)
{
	struct linux_boot boot = {.append = o->append, .initrd_name = o->initrd};
	uint8_t *initrd = NULL;
	bool ok;

	if (o->initrd && !guest_read_file(o->initrd, &initrd, &boot.initrd_size, why))
		return false;
	boot.initrd = initrd;
	ok = guest_load_bzimage(m->bus, o->kernel, data, size, m->config.ram, &boot, &m->guest, why);
	free(initrd);
	return ok;
}

static bool load_elf(struct machine *m, const struct options *o, const uint8_t *data, size_t size,
		     struct diagnostic *why)
{
	if (!guest_load_elf(m->bus, o->kernel, data, size, &m->guest, why))
		return false;
	if (o->initrd)
		return diagnose(why, "-initrd %s: %s is no Linux bzImage, and nothing else takes one", o->initrd,
				o->kernel);
	return !guest_is_multiboot(data, size) ||
	       guest_multiboot(m->bus, o->kernel, m->config.ram, o->append, &m->guest, why);
}

static bool load_kernel(struct machine *m, const struct options *o, struct diagnostic *why)
{
	uint8_t *data;
	size_t size;
	bool ok;

	if (!guest_read_file(o->kernel, &data, &size, why))
		return false;
	ok = guest_is_bzimage(data, size) ? load_linux(m, o, data, size, why) : load_elf(m, o, data, size, why);
	free(data);
	return ok;
}

static bool load_flat(struct machine *m, const struct options *o, struct diagnostic *why)
{
	uint8_t *data;
	size_t size;
	bool ok;

	if (!guest_read_file(o->load, &data, &size, why))
		return false;
	ok = guest_load_flat(m->bus, o->load, data, size, o->load_address, &m->guest, why);
	free(data);
	if (!o->rom) {
		m->guest.mode = START_REAL;
		m->guest.entry = o->load_address;
	}
	return ok;
}

static bool load_rom(struct machine *m, const struct options *o, struct diagnostic *why)
{
	uint8_t *data;
	size_t size;
	bool ok;

	if (!guest_read_file(o->rom, &data, &size, why))
		return false;
	ok = guest_load_rom(m->bus, o->rom, data, size, &m->guest, why);
	free(data);
	return ok;
}

static bool load(struct machine *m, const struct options *o, struct diagnostic *why)
{
	if ((o->rom && !load_rom(m, o, why)) || (o->has_load && !load_flat(m, o, why)) ||
	    (o->kernel && !load_kernel(m, o, why)))
		return false;
	if (o->has_mode)
		m->guest.mode = o->mode;
	if (o->has_entry)
		m->guest.entry = o->entry;
	if (o->has_entry && m->guest.mode == START_RESET)
		return diagnose(why, "--entry: a ROM starts at its reset vector; add --mode");
	if (m->guest.mode == START_REAL && m->guest.entry > 0xfffff)
		return diagnose(why, "the entry point 0x%llx is out of reach in real mode; use --mode prot32",
				(unsigned long long)m->guest.entry);
	return true;
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

static int run(struct machine *m, const struct options *o, struct view *view, struct diagnostic *why)
{
	struct trace_writer writer;
	struct machine_end end;

	if (!load(m, o, why) || !open_trace(m, o, view, &writer, why))
		return complain(why);
	machine_start(m);
	signals_set(&m->interrupted);
	end = machine_run(m);
	fflush(stdout);
	if (!close_trace(&writer, why))
		return complain(why);
	if (end.kind != END_POWER_OFF && end.kind != END_RESET && end.kind != END_DEBUG_EXIT)
		fprintf(stderr, "trapgate: %s\n", end.text);
	view_explain_end(view, &end, stderr);
	return end.status;
}

int cli_main(int argc, char **argv)
{
	struct diagnostic why = {""};
	struct options options;
	struct machine *machine;
	struct view view;
	int status;

	if (!options_parse(&options, argc - 1, argv + 1, &why))
		return complain(&why);
	if (options.errand != ERRAND_RUN)
		return run_errand(&options);
	machine = machine_new(&options.machine, &why);
	if (!machine)
		return complain(&why);
	view_init(&view, machine);
	status = run(machine, &options, &view, &why);
	view_free(&view);
	machine_free(machine);
	return status;
}
