#define _GNU_SOURCE
#include "coverage/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
	bool registered;
	bool row[COVERAGE_ROWS], why[WHY_COUNT];
} seen;

/* One line each; renamed into place, so that a reader never sees half a file. */
static void leave(void)
{
	char path[3500], part[3600];

	snprintf(path, sizeof(path), "%s/%s", getenv("TRAPGATE_COVERAGE_DIR"), program_invocation_short_name);
	snprintf(part, sizeof(part), "%s.%ld", path, (long)getpid());
	FILE *f = fopen(part, "w");
	if (!f)
		return;
	for (unsigned i = 0; i < COVERAGE_ROWS; i++)
		if (seen.row[i])
			fprintf(f, "row %u\n", i);
	for (unsigned i = 0; i < WHY_COUNT; i++)
		if (seen.why[i])
			fprintf(f, "why %s\n", why_info((enum why)i)->name);
	if (fclose(f) == 0)
		rename(part, path);
}

static void begin(void)
{
	if (seen.registered)
		return;
	seen.registered = true;
	if (getenv("TRAPGATE_COVERAGE_DIR"))
		atexit(leave);
}

void coverage_row(unsigned row)
{
	begin();
	if (row < COVERAGE_ROWS)
		seen.row[row] = true;
}

void coverage_why(unsigned why)
{
	begin();
	if (why < WHY_COUNT)
		seen.why[why] = true;
}
