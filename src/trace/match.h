/* Which return belongs to which delivery: by the linear address of the frame
 * the processor pushed, never by counting, because a task switch returns
 * through another frame and a handler may drop its own. */
#ifndef TRAPGATE_TRACE_MATCH_H
#define TRAPGATE_TRACE_MATCH_H

#include "trace/record.h"

/* Open frames kept: one for each sleeping task and each level of nesting.
 * When all are taken the oldest is forgotten; its return is then unmatched. */
#define MATCH_FRAMES 512

struct open_frame {
	uint64_t frame; /* linear address of the saved instruction pointer, or of the TSS (by task) */
	uint64_t delivery, when;
	uint64_t parent; /* delivery whose handler was interrupted, 0: none known */
	uint8_t cpu, kind, vector;
	bool task; /* entered through a task gate: ended by a task return */
	struct nested_counts nested;
};

struct match {
	unsigned frames;
	struct open_frame frame[MATCH_FRAMES];
};

void match_init(struct match *match);
/* A delivery that reached its handler opens a frame. */
void match_delivery(struct match *match, const struct delivery_record *r);
/* Closes the frame r returns through, if it is open, and fills r->delivery,
 * vector, kind_of, insns and nested. */
void match_return(struct match *match, struct return_record *r);

#endif
