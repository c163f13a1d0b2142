/* The subcommand: options, files, and what a run prints at its end. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cpu/model.h"
#include "decode/insn.h"
#include "testcase/assemble.h"
#include "testcase/qemu.h"
#include "testcase/runner.h"
#include "testcase/testcase.h"

#define STATUS_USAGE   2
#define DEEPEST_FOLDER 16u

static const char help[] =
	"trapgate test [OPTIONS] FILE|FOLDER...: runs instruction-level tests (docs/tests.md)\n"
	"FILE: a test file (.yml), captured vectors (.MOO, .MOO.gz) or SingleStepTests (.json, .json.gz).\n"
	"  -j N            so many at a time (default: one a processor)\n"
	"  --filter TEXT   only cases whose FILE: NAME holds TEXT, or matches it (with * and ?)\n"
	"  --list          say which cases there are\n"
	"  --shard I/N     only each Nth case, from the Ith\n"
	"  --seed N        another choice of `random` parameters\n"
	"  --cpu MODEL     on this processor model, whatever a case says\n"
	"  --explain       a failing case shows its instructions and deliveries\n"
	"  --bless         what was found becomes what is expected, in the files\n"
	"  --tap           print TAP 13\n"
	"  --junit FILE    write JUnit's XML too\n"
	"  --host          run each case of ring 3 on this computer's processor as well\n"
	"  --qemu          run each case in qemu-system-x86_64 as well\n"
	"  --qemu-report FILE  ... and write the list of those it does not agree with\n"
	"  --coverage      say which opcode rows and which reasons no case has\n"
	"  --reasons       list the reasons of refusals and exceptions\n"
	"  -v              print passing cases too\n"
	"Exit status: 0 all passed, 10 a case failed, 2 bad input.\n";

/* ---- files ---- */
struct files {
	struct arena *arena;
	const char **path;
	unsigned count;
	bool good;
};

static bool ends_in(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n > m && !strcmp(path + n - m, end);
}

static bool is_test(const char *path)
{
	return ends_in(path, ".yml") || ends_in(path, ".yaml") || is_vectors(path);
}

static void add_file(struct files *files, const char *path)
{
	files->path = arena_more(files->arena, files->path, files->count, sizeof(files->path[0]));
	files->path[files->count++] = path;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_folder(struct files *files, const char *folder, unsigned depth)
{
	unsigned first = files->count;
	struct dirent *e;
	struct stat st;
	DIR *d = opendir(folder);

	while (d && (e = readdir(d))) {
		const char *path = arena_print(files->arena, "%s/%s", folder, e->d_name);
		if (e->d_name[0] == '.' || stat(path, &st) != 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < DEEPEST_FOLDER)
			add_folder(files, path, depth + 1);
		else if (S_ISREG(st.st_mode) && is_test(path) && strcmp(e->d_name, "metadata.json") != 0)
			add_file(files, path);
	}
	if (d)
		closedir(d);
	if (depth == 0 && files->count > first)
		qsort(files->path + first, files->count - first, sizeof(files->path[0]), by_name);
}

static void find_files(struct files *files, char **argument, unsigned count)
{
	struct stat st;

	for (unsigned i = 0; i < count; i++) {
		unsigned before = files->count;
		if (stat(argument[i], &st) != 0) {
			fprintf(stderr, "trapgate test: %s: %s\n", argument[i], strerror(errno));
			files->good = false;
		} else if (S_ISDIR(st.st_mode)) {
			add_folder(files, argument[i], 0);
			if (files->count == before) {
				fprintf(stderr, "trapgate test: %s: no test files (.yml, .MOO.gz, .json) in it\n",
					argument[i]);
				files->good = false;
			}
		} else {
			add_file(files, argument[i]);
		}
	}
}

/* ---- jobs ---- */
static bool wanted(const struct settings *s, const char *file, const char *name)
{
	char text[1024];

	if (!s->filter)
		return true;
	snprintf(text, sizeof(text), "%s: %s", file, name);
	return strstr(text, s->filter) || fnmatch(s->filter, text, 0) == 0 || fnmatch(s->filter, name, 0) == 0;
}

struct jobs {
	struct run *run;
	struct arena *arena;
	unsigned met; /* before sharding */
};

static void add_job(struct jobs *jobs, struct job job)
{
	struct run *run = jobs->run;
	unsigned number = jobs->met++;

	if (run->settings.shards && number % run->settings.shards != run->settings.shard - 1)
		return;
	run->job = arena_more(jobs->arena, run->job, run->jobs, sizeof(run->job[0]));
	job.number = run->jobs;
	run->job[run->jobs++] = job;
}

static void add_suite(struct jobs *jobs, struct suite *suite, const char *path)
{
	struct run *run = jobs->run;
	size_t size = 0;
	char *text = read_regular_file(jobs->arena, path, &size);
	bool good = text && suite_read(suite, path, text, size, run->settings.seed);

	if (!text)
		fprintf(stderr, "trapgate test: %s: cannot be read, or has more than 16 MiB\n", path);
	run->bad_files += !good;
	if (suite->problems.count) {
		fputs(problems_text(jobs->arena, &suite->problems), stderr);
		run->bad_files += good;
	}
	for (unsigned i = 0; good && i < suite->count; i++)
		if (wanted(&run->settings, path, suite->row[i].name))
			add_job(jobs, (struct job){.suite = suite, .row = &suite->row[i]});
}

static void make_jobs(struct run *run, struct arena *arena, const struct files *files)
{
	struct jobs jobs = {run, arena, 0};

	run->suite = arena_alloc(arena, (files->count + 1) * sizeof(run->suite[0]));
	for (unsigned i = 0; i < files->count; i++) {
		const char *path = files->path[i], *slash = strrchr(path, '/');
		if (!is_vectors(path))
			add_suite(&jobs, &run->suite[run->suites++], path);
		else if (wanted(&run->settings, path, slash ? slash + 1 : path))
			add_job(&jobs, (struct job){.vectors = path});
	}
}

/* ---- options ---- */
static bool number(const char *text, uint64_t most, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	return end != text && !*end && !errno && *value <= most;
}

static bool read_shard(const char *text, struct settings *s)
{
	char rest;

	return sscanf(text, "%u/%u%c", &s->shard, &s->shards, &rest) == 2 && s->shard >= 1 && s->shard <= s->shards;
}

/* An option with a value; false: the value is none. */
static bool with_value(struct settings *s, const char *option, const char *value)
{
	uint64_t n = 0;

	if (!strcmp(option, "-j")) {
		bool good = number(value, 256, &n) && n > 0;
		s->jobs = (unsigned)n;
		return good;
	}
	if (!strcmp(option, "--seed"))
		return number(value, UINT64_MAX, &s->seed);
	if (!strcmp(option, "--shard"))
		return read_shard(value, s);
	if (!strcmp(option, "--filter"))
		s->filter = value;
	else if (!strcmp(option, "--junit"))
		s->junit = value;
	else if (!strcmp(option, "--qemu-report"))
		s->qemu_report = value;
	else if (!strcmp(option, "--cpu"))
		return cpu_model_find(s->cpu = value) != NULL;
	return true;
}

static bool *flag_option(struct settings *s, const char *option)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {{"--list", &s->list},         {"--tap", &s->tap},   {"--bless", &s->bless},
		     {"--explain", &s->explain},   {"-v", &s->verbose},  {"--verbose", &s->verbose},
		     {"--coverage", &s->coverage}, {"--host", &s->host}, {"--qemu", &s->qemu}};

	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (!strcmp(flags[i].name, option))
			return flags[i].flag;
	return NULL;
}

static bool takes_value(const char *option)
{
	static const char *const names[] = {"-j", "--filter", "--shard", "--seed", "--cpu", "--junit", "--qemu-report"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], option))
			return true;
	return false;
}

static int list_reasons(void)
{
	for (unsigned i = 1; i < WHY_COUNT; i++)
		printf("%-26s %s [%s]\n", why_info((enum why)i)->name, why_info((enum why)i)->sentence,
		       why_info((enum why)i)->source);
	return 0;
}

/* Options to *s, the rest to the front of argv; *status: what to end with at once. */
static bool read_options(struct settings *s, int argc, char **argv, unsigned *rest, int *status)
{
	*status = 0;
	for (int i = 1; i < argc; i++) {
		bool *flag = flag_option(s, argv[i]);
		if (flag) {
			*flag = true;
		} else if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			fputs(help, stdout);
			return false;
		} else if (!strcmp(argv[i], "--reasons")) {
			list_reasons();
			return false;
		} else if (takes_value(argv[i])) {
			if (i + 1 == argc || !with_value(s, argv[i], argv[i + 1])) {
				fprintf(stderr, "trapgate test: %s %s: no such value; see trapgate test --help\n",
					argv[i], i + 1 < argc ? argv[i + 1] : "");
				*status = STATUS_USAGE;
				return false;
			}
			i++;
		} else if (argv[i][0] == '-' && argv[i][1]) {
			fprintf(stderr, "trapgate test: %s: no such option; see trapgate test --help\n", argv[i]);
			*status = STATUS_USAGE;
			return false;
		} else {
			argv[(*rest)++] = argv[i];
		}
	}
	return true;
}

/* ---- the end ---- */
/* Does some processor model execute the row? */
static bool row_is_built(const struct opcode_row *row)
{
	for (unsigned i = 0; i < cpu_model_count; i++)
		if (model_has_row(&cpu_models[i], row))
			return true;
	return false;
}

static unsigned report_coverage(const struct run *run)
{
	unsigned rows = 0, all = 0, reasons = 0;

	for (unsigned i = 0; i < opcode_row_count; i++) {
		if (!row_is_built(&opcode_rows[i]))
			continue;
		all++;
		rows += run->coverage.row[i];
		if (!run->coverage.row[i])
			printf("no case runs %s %s (%s)\n", opcode_rows[i].encoding, opcode_rows[i].name,
			       opcode_rows[i].operands);
	}
	for (unsigned i = 1; i < WHY_COUNT; i++) {
		reasons += run->coverage.why[i];
		if (!run->coverage.why[i])
			printf("no case expects %s\n", why_info((enum why)i)->name);
	}
	printf("opcode rows %u of %u, reasons %u of %u\n", rows, all, reasons, WHY_COUNT - 1u);
	return all - rows + (WHY_COUNT - 1u - reasons);
}

static void list(const struct run *run)
{
	for (unsigned i = 0; i < run->jobs; i++) {
		const struct job *j = &run->job[i];
		if (j->row)
			printf("%s:%u: %s\n", j->suite->file, j->row->written->start.line, j->row->name);
		else
			printf("%s\n", j->vectors);
	}
}

static int finish(struct run *run, double seconds)
{
	int status = report_tail(run, seconds);

	if (run->settings.bless && !bless(run) && status == 0)
		status = STATUS_USAGE;
	if (run->settings.coverage && report_coverage(run) && status == 0)
		status = 10;
	if (run->settings.junit && !report_junit(run))
		status = STATUS_USAGE;
	if (run->settings.qemu_report && !report_peers(run))
		status = STATUS_USAGE;
	return status;
}

static int run_all(struct run *run)
{
	struct timespec from, to;

	if (!run->jobs && !run->bad_files) {
		fprintf(stderr, "trapgate test: no case is left by --filter and --shard\n");
		return STATUS_USAGE;
	}
	if (run->settings.list) {
		list(run);
		return run->bad_files ? STATUS_USAGE : 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &from);
	report_head(run);
	run_jobs(run, report_job, run);
	clock_gettime(CLOCK_MONOTONIC, &to);
	return finish(run, (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9);
}

/* Every case takes and gives back machines of the same size: memory that is kept need not be cleared by the
 * kernel, page by page, for the next one. */
static void keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
	mallopt(M_TOP_PAD, 16 << 20);
}

int testcase_main(int argc, char **argv)
{
	struct run run = {.settings = {.seed = 1}};
	struct arena arena = {NULL};
	struct files files = {.arena = &arena, .good = true};
	unsigned count = 0;
	int status;

	if (!read_options(&run.settings, argc, argv, &count, &status))
		return status;
	if (!count) {
		fputs("trapgate test: no file; see trapgate test --help\n", stderr);
		return STATUS_USAGE;
	}
	keep_memory();
	find_files(&files, argv, count);
	if (!files.good) {
		arena_free(&arena);
		return STATUS_USAGE;
	}
	run.settings.cache = assemble_cache(&arena);
	run.coverage.row = arena_alloc(&arena, opcode_row_count);
	make_jobs(&run, &arena, &files);
	pthread_mutex_init(&run.qemus_lock, NULL);
	status = run_all(&run);
	qemus_stop(&run);
	pthread_mutex_destroy(&run.qemus_lock);
	for (unsigned i = 0; i < run.jobs; i++)
		arena_free(&run.job[i].result.arena);
	for (unsigned i = 0; i < run.suites; i++)
		suite_free(&run.suite[i]);
	arena_free(&arena);
	return status;
}
