/* The way of each interrupt, from the line that rose to the return of its
 * handler: what happened under one cause, kept while lines are traced. */
#ifndef TRAPGATE_TRACE_CHAIN_H
#define TRAPGATE_TRACE_CHAIN_H

#include "trace/record.h"

#define CHAIN_LINKS  4096u /* power of two */
#define CHAIN_CAUSES 1024u /* so many newest causes have their times known; power of two */

enum link_kind { LINK_LINE, LINK_STAGE, LINK_DELIVERY, LINK_RETURN };

struct chain_link {
	enum link_kind kind;
	uint64_t when, cause;
	union {
		struct line_record line;
		struct stage_record stage;
		struct {
			uint64_t id;
			uint8_t cpu, kind, vector, outcome; /* as in struct delivery_record */
		} delivery;
		struct {
			uint64_t id, delivery;
			uint8_t cpu;
		} returned;
	};
};

struct cause_times {
	uint64_t cause;
	uint64_t began;  /* tick of its first record */
	uint64_t passed; /* ... and of the last STAGE_PASSED, CHAIN_NOT_PASSED: none yet */
};
#define CHAIN_NOT_PASSED UINT64_MAX

struct chain {
	uint64_t links; /* so many so far */
	struct chain_link link[CHAIN_LINKS];
	struct cause_times times[CHAIN_CAUSES];
};

void chain_init(struct chain *chain);
/* Takes what has a cause. */
void chain_add(struct chain *chain, const struct chain_link *link);
/* NULL: not among the newest causes, or 0. */
const struct cause_times *chain_times(const struct chain *chain, uint64_t cause);
/* The links of a cause that are still kept, oldest first, the newest `room` of them; how many. */
unsigned chain_of(const struct chain *chain, uint64_t cause, const struct chain_link **links, unsigned room);

#endif
