/* Writers: records as text for people and as JSON for programs.
 * docs/trace.md describes both. */
#ifndef TRAPGATE_TRACE_WRITER_H
#define TRAPGATE_TRACE_WRITER_H

#include <stddef.h>
#include <stdio.h>

#include "trace/trace.h"

/* The version in the JSON header: changes whenever the meaning or the name
 * of a key does; new keys alone do not change it. */
#define TRACE_SCHEMA_VERSION 1

/* What a writer may ask about the guest; each function may be NULL. */
struct trace_view {
	/* The symbol at or before a linear address and the distance to it; NULL: none. */
	const char *(*symbol)(void *owner, uint64_t address, uint64_t *offset);
	/* The source line of a linear address; file without its folder.  False: unknown. */
	bool (*line)(void *owner, uint64_t address, const char **file, unsigned *line);
	/* The instruction at a place as text; false: its bytes cannot be read. */
	bool (*instruction)(void *owner, const struct where *at, char *text, size_t size);
	void *owner;
};

/* The file stays the caller's.  Write errors are left in the file's state (ferror). */
struct trace_writer {
	FILE *file;
	struct trace_view view;
	const struct trace *lines; /* line and stage records are written too, and cards show the way; NULL: not */
};

struct trace_sink trace_text_sink(struct trace_writer *writer);
/* Writes the header object at once. */
struct trace_sink trace_jsonl_sink(struct trace_writer *writer);

/* One delivery as a card. */
void trace_write_card(struct trace_writer *writer, const struct delivery_record *r);

/* The way of one interrupt: everything that happened under its cause and is still kept, a line each, oldest
 * first.  False: nothing is known of it. */
bool trace_write_chain(struct trace_writer *writer, const struct trace *trace, uint64_t cause);

/* The deliveries that led to the last one, oldest first: first those whose
 * failing led to the next (a page fault inside the delivery of a page fault ...),
 * and before them up to `before` earlier ones. */
void trace_explain(struct trace_writer *writer, const struct trace *trace, unsigned before);

#endif
