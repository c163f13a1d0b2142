/* Runs a machine to the moment a view wants: fast, stopping at deliveries, returns, entries and task switches;
 * or instruction by instruction, each of them and each data access looked at.  Both run the same guest
 * to the same state: looking changes nothing. */
#ifndef TRAPGATE_EXPLAIN_DRIVE_H
#define TRAPGATE_EXPLAIN_DRIVE_H

#include "machine/machine.h"
#include "trace/trace.h"

enum seen_kind { SEEN_DELIVERY, SEEN_RETURN, SEEN_ENTRY, SEEN_TASK };

/* What happened, as a copy of the trace's record. */
struct seen {
	enum seen_kind kind;
	uint64_t id, when;
	unsigned cpu;
	const struct where *from, *to; /* of the record below */
	union {
		struct delivery_record delivery;
		struct return_record returned;
		struct entry_record entry;
		struct task_record task;
	};
};

/* What is asked on the way.  Each may be NULL. */
struct look {
	/* Something happened (the state is that after it).  True: stop here. */
	bool (*event)(void *owner, const struct seen *seen);
	/* An instruction is about to be run.  True: stop before it.  Makes the run slow. */
	bool (*instruction)(void *owner, struct cpu *cpu);
	/* A data access was made.  Only with instruction. */
	void (*access)(void *owner, uint64_t lin, unsigned bytes, uint64_t value, bool write);
	void *owner;
};

enum driven { DRIVEN_STOPPED, DRIVEN_TIME, DRIVEN_ENDED };

struct drive {
	struct machine *machine;
	const struct look *look; /* NULL: nobody looks */
	struct timer alarm;
	bool wanted, rang;    /* why the run was interrupted */
	unsigned cpu;         /* the processor of the event or instruction stopped at */
	struct seen seen;     /* the last thing that happened */
	uint64_t count;       /* of everything that happened so far */
	uint64_t idle, slept; /* ticks skipped in HLT up to the last event; between it and the one before */
};

/* Before machine_start().  False: no room for another trace. */
bool drive_init(struct drive *drive, struct machine *machine) MUST_CHECK;

/* Runs until look stops it, until tick `until` (CLOCK_NEVER: no such), or until the guest ends; then
 * machine->end tells how, and it cannot run on. */
enum driven drive_run(struct drive *drive, const struct look *look, uint64_t until);

/* Virtual time now. */
uint64_t drive_now(const struct drive *drive);

#endif
