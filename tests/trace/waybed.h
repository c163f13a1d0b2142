/* A bench for the way of an interrupt: a bus, a clock whose lines are traced,
 * and a comparison of what is kept under a cause with what is expected. */
#ifndef TRAPGATE_TESTS_TRACE_WAYBED_H
#define TRAPGATE_TESTS_TRACE_WAYBED_H

#include <stdio.h>
#include <stdlib.h>

#include "devices/bed.h"
#include "trace/writer.h"

struct way {
	struct bed bed;
	struct trace *trace;
	char *text;
	size_t size;
	struct trace_writer writer;
};

static inline void way_open(struct way *w)
{
	memset(w, 0, sizeof(*w));
	bed_open(&w->bed);
	w->trace = calloc(1, sizeof(*w->trace));
	assert_non_null(w->trace);
	trace_init(w->trace);
	w->writer = (struct trace_writer){.file = open_memstream(&w->text, &w->size), .lines = w->trace};
	clock_trace_lines(&w->bed.clock, w->trace);
}

static inline void way_close(struct way *w)
{
	fclose(w->writer.file);
	free(w->text);
	free(w->trace);
	bed_close(&w->bed);
}

/* The kept links of a cause must read like this, a line each: "+5 8259A master IR0: requested".  Times count from the
 * first of them. */
static inline void expect_way(struct way *w, uint64_t cause, const char *want)
{
	const struct chain_link *links[64];
	unsigned n = chain_of(&w->trace->chain, cause, links, 64);
	char got[8192] = "", *line, *save = NULL;
	size_t used = 0;

	assert_int_equal(trace_write_chain(&w->writer, w->trace, cause), n != 0);
	fflush(w->writer.file);
	line = w->text ? strtok_r(w->text, "\n", &save) : NULL;
	for (unsigned i = 0; i < n && line; i++, line = strtok_r(NULL, "\n", &save)) {
		const char *what = strstr(line, "t=");

		assert_non_null(what);
		what += strcspn(what, " ");
		used += (size_t)snprintf(got + used, sizeof(got) - used, "+%u %s\n",
					 (unsigned)(links[i]->when - links[0]->when), what + strspn(what, " "));
	}
	rewind(w->writer.file);
	if (strcmp(got, want) != 0)
		fail_msg("way of cause %u:\n%s--- expected:\n%s", (unsigned)cause, got, want);
}

#endif
