/* What a run prints: lines for people, TAP 13, JUnit's XML. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "testcase/runner.h"

static const char *file_of(const struct job *job)
{
	return job->vectors ? job->vectors : job->suite->file;
}

static const char *name_of(const struct job *job)
{
	const char *slash = job->vectors ? strrchr(job->vectors, '/') : NULL;

	return job->row ? job->row->name : slash ? slash + 1 : job->vectors;
}

void report_head(struct run *run)
{
	if (run->settings.tap)
		printf("TAP version 13\n1..%u\n", run->jobs);
}

/* Each line of text with so much before it. */
static void print_indented(const char *text, const char *before)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		printf("%s%.*s\n", before, (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static void tap(const struct job *job)
{
	const struct result *r = &job->result;
	bool good = r->status == STATUS_PASSED || r->status == STATUS_SKIPPED;

	printf("%sok %u - %s: ", good ? "" : "not ", job->number + 1, file_of(job));
	for (const char *p = name_of(job); *p; p++) /* # begins a directive */
		printf(*p == '#' ? "\\#" : "%c", *p);
	printf("%s\n", r->status == STATUS_SKIPPED ? " # SKIP" : "");
	if (r->text) {
		printf("  ---\n  message: |\n");
		print_indented(r->text, "    ");
		printf("  ...\n");
	}
}

static void plain(const struct run *run, const struct job *job)
{
	const struct result *r = &job->result;
	static const char *const words[] = {"ok", "FAILED", "BAD", "skipped"};
	bool quiet = r->status == STATUS_PASSED || r->status == STATUS_SKIPPED;

	if (quiet && !run->settings.verbose && !r->differs)
		return;
	if (job->row)
		printf("%s %s:%u: %s%s%s\n", words[r->status], file_of(job), job->row->written->start.line,
		       name_of(job), r->authorities ? ": " : "", r->authorities ? r->authorities : "");
	else
		printf("%s %s: %u passed, %u failed, %u left out\n", words[r->status], file_of(job), r->passed,
		       r->failed, r->left_out);
	if (r->text)
		print_indented(r->text, "");
}

void report_job(void *owner, struct job *job)
{
	struct run *run = owner;

	if (run->settings.tap)
		tap(job);
	else
		plain(run, job);
	fflush(stdout);
}

static void report_authority(const struct run *run, const char *who, bool asked, const struct tally *t)
{
	if (!asked)
		return;
	printf("%s%s: %u agree, ", run->settings.tap ? "# " : "", who, t->agree);
	if (t->known)
		printf("%u agree but for RF, EXT and vectors in frames, ", t->known);
	printf("%u differ, %u not asked\n", t->differ, t->left_out);
}

int report_tail(struct run *run, double seconds)
{
	unsigned passed = 0, failed = 0, bad = run->bad_files, left_out = 0, cases = 0;

	for (unsigned i = 0; i < run->jobs; i++) {
		const struct result *r = &run->job[i].result;
		passed += r->passed;
		failed += r->failed;
		left_out += r->left_out + (r->status == STATUS_SKIPPED && run->job[i].row);
		bad += r->status == STATUS_BAD;
		cases += run->job[i].row ? 1 : r->passed + r->failed + r->left_out;
	}
	bool vectors = false;
	for (unsigned i = 0; i < run->jobs; i++)
		vectors |= run->job[i].vectors != NULL;
	if (vectors && run->settings.verbose && !run->settings.tap)
		report_exclusions(run);
	report_authority(run, "host", run->settings.host, &run->host);
	report_authority(run, "qemu", run->settings.qemu, &run->qemu);
	if (!run->settings.tap) {
		printf("%u cases: %u passed, %u failed", cases, passed, failed);
		if (left_out)
			printf(", %u left out", left_out);
		if (bad)
			printf(", %u could not be understood", bad);
		printf(" (%.1f s)\n", seconds);
	} else {
		printf("# %u passed, %u failed, %u left out, %u bad\n", passed, failed, left_out, bad);
	}
	return bad ? 2 : failed || run->host.differ ? 10 : 0;
}

/* ---- JUnit ---- */
static void xml_text(FILE *f, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '&' || c == '<' || c == '>' || c == '"')
			fprintf(f, "&#%u;", c);
		else if (c >= ' ' || c == '\n' || c == '\t')
			fputc(c, f);
	}
}

static void xml_case(FILE *f, const struct job *job)
{
	const struct result *r = &job->result;
	const char *element = r->status == STATUS_FAILED ? "failure" : r->status == STATUS_BAD ? "error" : NULL;

	fprintf(f, "    <testcase classname=\"");
	xml_text(f, file_of(job));
	fprintf(f, "\" name=\"");
	xml_text(f, name_of(job));
	fprintf(f, "\" time=\"%.6f\">", r->seconds);
	if (r->status == STATUS_SKIPPED)
		fprintf(f, "<skipped/>");
	if (element) {
		fprintf(f, "<%s>", element);
		xml_text(f, r->text ? r->text : "");
		fprintf(f, "</%s>", element);
	}
	fprintf(f, "</testcase>\n");
}

bool report_junit(struct run *run)
{
	FILE *f = fopen(run->settings.junit, "w");
	unsigned failures = 0, errors = 0;

	for (unsigned i = 0; i < run->jobs; i++) {
		failures += run->job[i].result.status == STATUS_FAILED;
		errors += run->job[i].result.status == STATUS_BAD;
	}
	if (f) {
		fprintf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
		fprintf(f, "  <testsuite name=\"trapgate\" tests=\"%u\" failures=\"%u\" errors=\"%u\">\n", run->jobs,
			failures, errors);
		for (unsigned i = 0; i < run->jobs; i++)
			xml_case(f, &run->job[i]);
		fprintf(f, "  </testsuite>\n</testsuites>\n");
		if (fclose(f) == 0)
			return true;
	}
	fprintf(stderr, "trapgate test: --junit %s: %s\n", run->settings.junit, strerror(errno));
	return false;
}
