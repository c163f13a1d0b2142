/* The page of the cases that QEMU does not agree with. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "testcase/qemu.h"
#include "testcase/runner.h"

/* What comes up wherever an exception does is told once. */
static const struct {
	const char *what, *sdm;
} everywhere[] = {
	{PEERS_RF, "3B, \"Restart Flag (RF)\""},
	{PEERS_EXT, "3A, \"Error Code\""},
	{PEERS_IDT, "3A, \"Error Code\""},
};
#define EVERYWHERE (sizeof(everywhere) / sizeof(everywhere[0]))

static unsigned is_everywhere(const char *what)
{
	unsigned i = 0;

	while (i < EVERYWHERE && strcmp(everywhere[i].what, what) != 0)
		i++;
	return i;
}

bool peers_is_known(const char *what)
{
	return is_everywhere(what) < EVERYWHERE;
}

static void write_text(FILE *f, const char *text)
{
	for (; *text; text++)
		fprintf(f, "%s%c", *text == (char)0x7c ? "\\" : "", *text);
}

static const char *sdm_of(const struct job *job)
{
	const struct node *sdm = tree_get(job->row->node, "sdm");

	return sdm && sdm->kind == NODE_SCALAR ? sdm->text : job->suite->sdm;
}

/* One case: its rows follow each other. */
static unsigned write_case(FILE *f, const struct run *run, unsigned first)
{
	const struct job *job = &run->job[first], *shown = NULL;
	const char *slash = job->suite ? strrchr(job->suite->file, '/') : NULL;
	unsigned rows = 0, i = first;

	for (; i < run->jobs && run->job[i].row && job->row && run->job[i].row->written == job->row->written; i++) {
		const char *what = run->job[i].result.qemu_differs;
		if (!what || is_everywhere(what) < EVERYWHERE)
			continue;
		shown = shown ? shown : &run->job[i];
		rows++;
	}
	if (shown) {
		fprintf(f, "| %u | %s: ", rows, slash ? slash + 1 : job->suite->file);
		write_text(f, shown->row->name);
		fprintf(f, " | ");
		write_text(f, shown->result.qemu_differs);
		fprintf(f, " | ");
		write_text(f, sdm_of(shown));
		fprintf(f, " |\n");
	}
	return i > first ? i : first + 1;
}

bool report_peers(struct run *run)
{
	FILE *f = fopen(run->settings.qemu_report, "w");
	unsigned count[EVERYWHERE] = {0};

	for (unsigned i = 0; i < run->jobs; i++)
		if (run->job[i].result.qemu_differs && is_everywhere(run->job[i].result.qemu_differs) < EVERYWHERE)
			count[is_everywhere(run->job[i].result.qemu_differs)]++;
	if (f) {
		fprintf(f, "# The suite's cases in QEMU: where it does not agree\n\n");
		fprintf(f,
			"Written by `trapgate test --qemu --qemu-report FILE tests/insn`. %u rows of cases agree, %u "
			"do not, "
			"%u were\nnot asked (`-v` says why).\n\n",
			run->qemu.agree, run->qemu.differ + run->qemu.known, run->qemu.left_out);
		fprintf(f, "| rows | what QEMU does otherwise, and nothing else in them | SDM |\n|--:|---|---|\n");
		for (unsigned i = 0; i < EVERYWHERE; i++)
			if (count[i])
				fprintf(f, "| %u | %s | %s |\n", count[i], everywhere[i].what, everywhere[i].sdm);
		fprintf(f, "\n| rows | case, its first row that differs | what was found there | SDM "
			   "|\n|--:|---|---|---|\n");
		for (unsigned i = 0; i < run->jobs;)
			i = write_case(f, run, i);
		if (fclose(f) == 0)
			return true;
	}
	fprintf(stderr, "trapgate test: --qemu-report %s: %s\n", run->settings.qemu_report, strerror(errno));
	return false;
}
