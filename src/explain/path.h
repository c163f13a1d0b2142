/* One way through the kernel: from an entry to the return that belongs to it, instruction by instruction, with what
 * views tell of it: calls, tests of flag words, writes, interrupts in between, task switches. */
#ifndef TRAPGATE_EXPLAIN_PATH_H
#define TRAPGATE_EXPLAIN_PATH_H

#include "explain/explain.h"

#define PATH_LEVELS    16
#define PATH_MAX_INSNS UINT64_C(40000000)

enum note_kind {
	NOTE_CALL,     /* eip -> to; of functions with a role, and of the entry code itself */
	NOTE_LABEL,    /* the entry code goes on at another symbol: to */
	NOTE_TEST,     /* word was read: value; then mask (0: unknown), and the branch after it: taken, to */
	NOTE_NUMBER,   /* the system call's number was compared: limit in value; taken, to */
	NOTE_SLOT,     /* a table was used: slot in value, target in to */
	NOTE_SET,      /* bits of word were set (value: new, mask: which) ... */
	NOTE_CLEAR,    /* ... or cleared */
	NOTE_DELIVERY, /* seen: an interrupt or exception in between */
	NOTE_RETURN,   /* its return */
	NOTE_AWAY,     /* another task runs: value */
	NOTE_BACK,     /* from task value */
	NOTE_GS,       /* the instruction at eip changed the base of GS: to -> value */
	NOTE_CR3,      /* ... or CR3 */
};

struct note {
	enum note_kind kind;
	uint64_t t;
	uint64_t eip, to, value, task;
	uint32_t mask;
	unsigned word, level, depth;
	bool taken, has_branch;
	const char *function; /* NOTE_CALL, NOTE_LABEL: of `to` */
	const struct desc_role *role;
	uint8_t event_kind, vector; /* NOTE_DELIVERY, NOTE_RETURN; of the level for the others */
	uint64_t event;             /* its record's id; 0: the entry itself */
	uint32_t error;
};

struct write {
	uint64_t t;
	uint64_t lin, value, eip, from; /* from: where the same value was read, if has_from */
	uint8_t bytes;
	bool processor; /* pushed by a delivery; eip means nothing */
	bool has_from;
};

/* A delivery in between that has not returned. */
struct level {
	uint64_t frame; /* linear address of its saved EIP */
	uint8_t kind, vector;
	uint64_t id;
	unsigned depth; /* of calls when it came */
};

/* A branch that is being waited for. */
struct awaited {
	bool wanted, jumping;
	unsigned note, left; /* index; so many instructions more */
	uint64_t target;
};

struct path;

/* An instruction that returned in between. */
#define PATH_RETURNERS 16
struct returner {
	uint64_t eip;
	uint64_t count;
};

/* What a view wants of a path beyond the ordinary. */
struct path_wish {
	bool to_user;      /* on to the task's return to ring 3, wherever the event came from */
	uint64_t child_at; /* a place where a new task begins, which is to be noted; 0: none */
	/* Asked when another task is switched to: is the path of no use any more?  NULL: it is of use. */
	bool (*give_up)(const struct path *path);
};

struct path {
	struct explain *x;
	struct seen entry;       /* how it began */
	struct arch_state start; /* at the handler's first instruction */
	uint64_t task, top;      /* top: know_top() at the entry, 0: unknown */
	unsigned cpu;
	uint32_t nr;           /* EAX at the entry */
	uint64_t begun, insns; /* instructions of this task on the way */
	bool from_user;
	struct path_wish wish;
	uint64_t frame; /* linear, of the saved EIP; 0: SYSENTER, SYSCALL */
	unsigned word;  /* bytes of a word of pt_regs: 4 or 8 */

	uint64_t skipped, skipped_same; /* returns in between; by the instruction that made the last one */
	bool exits, given_up;           /* the task ends: it will never return; wish.give_up() */
	bool returned;
	struct seen end;                         /* the return */
	struct arch_state before_end, after_end; /* before the instruction that returned; after it */

	uint64_t regs;     /* address of pt_regs; 0: unknown */
	uint64_t complete; /* tick at which they are complete: the first call */
	bool regs_told;    /* a function's register said so */

	bool has_number, bad_number, has_slot, has_handler, handler_done, has_result;
	uint32_t number_limit;
	uint64_t slot, slot_target, handler, handler_esp, handler_back, result;
	uint64_t handler_begun, handler_ended;
	const char *handler_name;

	struct note *note;
	unsigned notes, note_room;
	struct write *write;
	unsigned writes, write_room;

	/* while it goes on */
	struct level level[PATH_LEVELS];
	unsigned levels, depth;
	uint64_t task_at,
		task_now;  /* where `current` is stored, 0: not known; what it held when it was last looked at */
	bool task_written; /* since then */
	bool away;
	uint64_t other; /* the task that ran last while away */
	uint64_t eip;   /* the present instruction */
	uint64_t last_read, last_value;
	uint8_t last_bytes;
	const char *label; /* symbol that the entry code is at */
	struct awaited test, number;
	uint64_t word_at[DESC_WORDS];
	uint32_t word_value[DESC_WORDS];
	struct insn insn; /* the present one, decoded */
	bool has_insn;
	/* wish.child_at: its first coming there with the saved EIP of this task; its first return to ring 3. */
	bool child_seen, child_returned;
	uint64_t child_t;
	uint64_t child_task, child_regs;
	struct arch_state child_first;   /* at its first instruction */
	uint64_t child_words[DESC_REGS]; /* its pt_regs then */
	uint64_t child_eax;              /* in ring 3 */
	struct seen child_end;

	uint64_t cr3_changes;
	struct returner returner[PATH_RETURNERS];
	unsigned returners;
	bool out_of_memory;
};

/* The machine stands behind an event that entered the kernel (x->drive.seen).  Goes on to its return; wish may be NULL.
 * False with x->why: it never returned (the path is filled in as far as it went), it was given up, or out of memory. */
bool path_record(struct explain *x, struct path *path, const struct path_wish *wish) MUST_CHECK;
/* Nothing was recorded, or only something that is no reason to end a search: the machine can run on. */
bool path_search_on(const struct path *path);
/* The child has not been seen yet: goes on until it comes, and until it is in ring 3. */
bool path_await_child(struct explain *x, struct path *path) MUST_CHECK;
void path_free(struct path *path);

/* The last write to the word at lin before tick `before`; NULL: none on this way. */
const struct write *path_writer(const struct path *path, uint64_t lin, uint64_t before);
/* The first write to it from tick `from` on. */
const struct write *path_next_write(const struct path *path, uint64_t lin, uint64_t from);
/* The first note of that kind with the role (NULL: any); from: index to begin at. */
const struct note *path_note(const struct path *path, enum note_kind kind, const char *role, unsigned from);
bool path_has(const struct path *path, enum note_kind kind, const char *role);

#endif
