/* Which return belongs to which delivery or entry, never by counting: a task
 * switch returns through another frame, and a handler may drop its own.
 *
 * A handler of the level it interrupted returns through the words the
 * processor pushed, at their address.
 *
 * A handler entered from an outer level belongs to a task.  Kernels that give
 * each task a stack return through the frame's address too, but others (Linux
 * since 4.15) let the processor push onto one stack of the processor and move
 * the frame to the task's stack and back: the address says nothing then, and
 * the task is told by what the current TSS holds (struct task_key) and by
 * where the frame returns to.  What a kernel uses to tell its tasks apart is
 * found by watching: a field that never changes says nothing. */
#ifndef TRAPGATE_TRACE_MATCH_H
#define TRAPGATE_TRACE_MATCH_H

#include "trace/record.h"

/* Open handlers kept: one for each sleeping task and each level of nesting.
 * When all are taken the oldest is given up. */
#define MATCH_OPEN 512
/* Entries from outer levels that have returned, kept to know copies of them. */
#define MATCH_PAST 256
#define MATCH_CPUS 32

/* What a processor shows of the task it runs. */
struct task_key {
	bool known;
	uint64_t tr;       /* base of the current TSS */
	uint64_t sp0, sp1; /* the stacks for levels 0 and 1 in it; Linux keeps the task's own in sp1 */
	uint64_t cr3;
	uint64_t pcid; /* bits of it that are a PCID: a kernel gives a space another one as it likes */
};

/* Where a handler will go back to, as far as it was seen. */
struct way_back {
	uint64_t ip, sp;
	uint16_t cs;
	bool about; /* SYSENTER and its like: ip is the instruction, the return goes a few bytes behind it */
};

struct open_handler {
	uint64_t id, when, cause;
	uint64_t parent;   /* handler that was interrupted, 0: none known */
	uint64_t frame;    /* linear address of the saved instruction pointer; 0: none was pushed */
	uint64_t replaced; /* a return through the frame that went elsewhere, 0: none */
	struct way_back back;
	struct task_key task;
	uint8_t cpu, kind, vector;
	uint8_t word; /* bytes of a word of the frame */
	bool entry;   /* kind is an enum entry_kind */
	bool outer;   /* from an outer privilege level */
	bool gate;    /* through a task gate: ended by a task return */
	struct nested_counts nested;
};

struct past_entry {
	uint64_t id, ended; /* when it returned */
	struct way_back back;
	struct task_key task;
	bool changed; /* it went back to another place (a signal handler): this one is returned to later */
};

struct match {
	unsigned open;
	struct open_handler handler[MATCH_OPEN]; /* oldest first */
	unsigned past;                           /* so many so far */
	struct past_entry ago[MATCH_PAST];
	bool tr_tells, sp0_tells, sp1_tells; /* the field was seen to change */
	struct task_key seen[MATCH_CPUS];
	uint64_t closed, reused; /* by the last return, for match_settle() */
	uint64_t copied;         /* what the return that reused a stack is a copy of */
	/* Told of each handler that will not return any more, before it is forgotten.  May be NULL. */
	void (*lost)(void *owner, const struct open_handler *handler, enum unreturned_why why, uint64_t by,
		     uint64_t when);
	void *owner;
};

void match_init(struct match *match);
/* A delivery that reached its handler, or an entry, opens a handler. */
void match_delivery(struct match *match, const struct delivery_record *r, const struct task_key *task);
void match_entry(struct match *match, const struct entry_record *r, const struct task_key *task);
/* Closes the handler r returns from, if it is open, and fills r's second half; true if so. */
bool match_return(struct match *match, struct return_record *r, const struct task_key *task);
/* Call behind each match_return(), after r is told: loses what r showed to be gone. */
void match_settle(struct match *match, const struct return_record *r);
/* The end of the trace: what is open is lost. */
void match_end(struct match *match, uint64_t when);

#endif
