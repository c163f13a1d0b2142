/* Every opcode row and every reason has a test.
 *     check COVERAGE_DIR TESTS_DIR
 * A row counts when a test that checks the instruction's results has run it; those that no processor model has
 * cannot be run, and are counted by themselves.  A reason counts when some test has
 * had it raised and some test's source names it: WHY_GATE_DPL. */
#define _GNU_SOURCE
#include <dirent.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/fault.h"
#include "coverage/record.h"
#include "cpu/optable.h"
#include "decode/insn.h"

static struct {
	bool row[COVERAGE_ROWS];
	bool raised[WHY_COUNT], named[WHY_COUNT];
	bool native; /* tests/native, which runs most rows, was among the tests */
} seen;

static unsigned why_of(const char *name, size_t length)
{
	for (unsigned i = 1; i < WHY_COUNT; i++)
		if (strlen(why_info((enum why)i)->name) == length &&
		    strncmp(why_info((enum why)i)->name, name, length) == 0)
			return i;
	return WHY_NONE;
}

static void read_record(const char *path)
{
	char line[128], name[100];
	unsigned row;
	FILE *f = fopen(path, "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "row %u", &row) == 1 && row < COVERAGE_ROWS)
			seen.row[row] = true;
		else if (sscanf(line, "why %99s", name) == 1)
			seen.raised[why_of(name, strlen(name))] = true;
	}
	if (f)
		fclose(f);
}

static unsigned read_records(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	char path[4096];
	unsigned n = 0;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' || strchr(e->d_name, '.'))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		read_record(path);
		seen.native |= !strcmp(e->d_name, "native_ring3");
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

/* The WHY_ names in a source of a test. */
static int read_source(const char *path, const struct stat *s, int type, struct FTW *at)
{
	const char *dot = strrchr(path, '.');
	char line[1024];
	FILE *f;

	if (type != FTW_F || !dot || (strcmp(dot, ".c") != 0 && strcmp(dot, ".h") != 0) || !(f = fopen(path, "r")))
		return 0;
	while (fgets(line, sizeof(line), f)) {
		for (const char *p = line; (p = strstr(p, "WHY_")); p += 4) {
			size_t n = strspn(p + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
			seen.named[why_of(p + 4, n)] = true;
		}
	}
	fclose(f);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned rows = 0, offered = 0, reasons = 0, processes;

	if (argc != 3)
		return 2;
	processes = read_records(argv[1]);
	if (!seen.native) {
		printf("SKIPPED: native_ring3 did not run here, and most rows are its\n");
		return 77;
	}
	nftw(argv[2], read_source, 16, 0);
	for (unsigned i = 0; i < opcode_row_count; i++) {
		rows += seen.row[i];
		offered += row_is_offered(i);
		if (!seen.row[i] && row_is_offered(i))
			printf("no test of the row %s (%s)\n", opcode_rows[i].encoding, opcode_rows[i].operands);
	}
	for (unsigned i = 1; i < WHY_COUNT; i++) {
		reasons += seen.raised[i] && seen.named[i];
		if (!seen.raised[i] || !seen.named[i])
			printf("no test of the reason %s:%s%s\n", why_info((enum why)i)->name,
			       seen.raised[i] ? "" : " never raised", seen.named[i] ? "" : " never named");
	}
	printf("%u tests recorded: opcode rows %u of %u, reasons %u of %u; %u rows more are of no processor model\n",
	       processes, rows, offered, reasons, WHY_COUNT - 1u, opcode_row_count - offered);
	return rows != offered || reasons != WHY_COUNT - 1u;
}
