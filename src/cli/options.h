/* The command line: QEMU's words where QEMU has one, so that its users'
 * Makefiles work; ours begin with two dashes.  One or two dashes are alike. */
#ifndef TRAPGATE_CLI_OPTIONS_H
#define TRAPGATE_CLI_OPTIONS_H

#include "machine/machine.h"

enum trace_format { TRACE_NONE, TRACE_TEXT, TRACE_JSONL };

/* What the program does instead of running a guest. */
enum errand { ERRAND_RUN, ERRAND_HELP, ERRAND_VERSION, ERRAND_LIST_CPUS, ERRAND_LIST_DEVICES };

struct options {
	enum errand errand;
	struct machine_config machine;
	const char *kernel, *rom, *append, *initrd;
	char load[256]; /* FILE of --load */
	bool has_load;
	uint64_t load_address;
	bool has_entry, has_mode;
	uint64_t entry;
	enum start_mode mode;
	enum trace_format trace;
	const char *trace_file; /* NULL: standard error; "-": standard output */
	const char *log_file;   /* -D */
	bool nographic;
};

/* Takes the arguments behind the program's name.  Strings stay the caller's.  False: *why. */
bool options_parse(struct options *options, int count, char *const *arguments, struct diagnostic *why) MUST_CHECK;

/* The list of options, for --help. */
void options_print_help(FILE *file);
void options_print_devices(FILE *file);

#endif
