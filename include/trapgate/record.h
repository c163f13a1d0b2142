/* What happened: deliveries of interrupts and exceptions, returns, entries, task switches.  docs/trace.md explains
 * the fields; text.h has the names of the numbers. */
#ifndef TRAPGATE_RECORD_H
#define TRAPGATE_RECORD_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A place in the guest: code, stack and privilege. */
struct tg_place {
	uint64_t rip, rsp, rflags, cs_base, ss_base;
	uint16_t cs, ss;
	uint8_t cpl, mode; /* enum tg_cpu_mode */
};

enum tg_cpu_mode { TG_CPU_REAL, TG_CPU_VM86, TG_CPU_PROTECTED, TG_CPU_COMPAT, TG_CPU_LONG64 };

enum tg_event_kind {
	TG_EVENT_FAULT,
	TG_EVENT_TRAP,
	TG_EVENT_ABORT,
	TG_EVENT_SOFT_INT,
	TG_EVENT_INT1,
	TG_EVENT_INT3,
	TG_EVENT_INTO,
	TG_EVENT_IRQ,
	TG_EVENT_NMI
};

enum tg_outcome {
	TG_OUTCOME_DELIVERED,
	TG_OUTCOME_TASK_SWITCH, /* through a task gate */
	TG_OUTCOME_REDIRECTED,  /* VME: to the 8086 program's own handler */
	TG_OUTCOME_REFUSED,     /* a check failed; the record whose parent is this one goes on */
	TG_OUTCOME_SHUTDOWN
};

/* The steps of a delivery in the SDM's order. */
enum tg_delivery_step {
	TG_CHECK_VECTOR,
	TG_CHECK_GATE,
	TG_CHECK_GATE_DPL,
	TG_CHECK_GATE_PRESENT,
	TG_CHECK_CODE_SEGMENT,
	TG_CHECK_CODE_PRESENT,
	TG_CHECK_STACK_SELECT,
	TG_CHECK_STACK_SEGMENT,
	TG_CHECK_STACK_LIMIT,
	TG_CHECK_TARGET_LIMIT,
	TG_CHECK_PUSH,
	TG_CHECK_COMMIT,
	TG_CHECKS
};

enum tg_stack_source {
	TG_STACK_SAME,
	TG_STACK_TSS16,
	TG_STACK_TSS32,
	TG_STACK_RSP,
	TG_STACK_IST,
	TG_STACK_VM86,
	TG_STACK_TASK
};

enum tg_word {
	TG_WORD_ERROR,
	TG_WORD_IP,
	TG_WORD_CS,
	TG_WORD_FLAGS,
	TG_WORD_SP,
	TG_WORD_SS,
	TG_WORD_ES,
	TG_WORD_DS,
	TG_WORD_FS,
	TG_WORD_GS
};

#define TG_MAX_WORDS 10

struct tg_delivery {
	size_t size;
	uint64_t id;     /* counts records of all kinds from 1 */
	uint64_t when;   /* ticks */
	uint64_t cause;  /* what raised it, 0: an instruction */
	uint64_t parent; /* the record whose delivery failed and led here, or 0 */
	unsigned cpu;
	uint8_t kind; /* enum tg_event_kind */
	uint8_t vector;
	uint8_t outcome; /* enum tg_outcome */
	uint8_t step;    /* enum tg_delivery_step: the last one reached */
	bool has_error;
	uint32_t error; /* as pushed */
	uint64_t cr2;   /* page faults */
	unsigned why;   /* the fault's own reason, see tg_why() */
	uint64_t rax;   /* at the moment of the event */
	struct tg_place from, to;
	struct {                  /* meaningless with step VECTOR */
		uint64_t address; /* linear, of the IDT entry */
		uint64_t offset;
		uint16_t selector;
		uint8_t type, dpl, ist, width;
		bool present;
	} gate;
	struct { /* meaningless before step CODE_SEGMENT */
		uint16_t selector;
		uint8_t type, dpl;
		bool present, conforming;
	} code;
	uint8_t stack_source; /* enum tg_stack_source */
	uint8_t words;        /* pushed; the first of word[] was pushed first */
	uint8_t word_bytes;
	uint8_t word_name[TG_MAX_WORDS]; /* enum tg_word */
	uint64_t word[TG_MAX_WORDS];
	uint64_t frame; /* linear address of the last word pushed */
	uint64_t tss_base;
	struct { /* REFUSED, SHUTDOWN: the fault that the failed check raised */
		uint8_t vector;
		bool has_error;
		uint32_t error;
		uint64_t cr2;
		unsigned why;
	} refused;
};

enum tg_return_kind { TG_RETURN_IRET, TG_RETURN_IRET_TASK, TG_RETURN_FAR, TG_RETURN_SYSEXIT, TG_RETURN_SYSRET };

struct tg_return {
	size_t size;
	uint64_t id, when;
	unsigned cpu;
	uint8_t kind;                     /* enum tg_return_kind */
	uint8_t ended_kind, ended_vector; /* of the delivery it ends */
	uint64_t delivery; /* id of the delivery it ends; 0: unknown, and then the next four mean nothing */
	uint64_t ticks;    /* between the two */
	unsigned nested;   /* deliveries that interrupted the handler */
	struct tg_place from, to;
	uint64_t frame; /* linear address of the first word popped; 0: none */
};

/* Entries that are no delivery. */
enum tg_entry_kind { TG_ENTRY_SYSENTER, TG_ENTRY_SYSCALL, TG_ENTRY_CALL_GATE };

struct tg_entry {
	size_t size;
	uint64_t id, when;
	unsigned cpu;
	uint8_t kind; /* enum tg_entry_kind */
	uint64_t rax;
	struct tg_place from, to;
};

enum tg_task_cause { TG_TASK_JMP, TG_TASK_CALL, TG_TASK_INT, TG_TASK_IRET };

struct tg_task {
	size_t size;
	uint64_t id, when;
	unsigned cpu;
	uint8_t cause; /* enum tg_task_cause */
	uint8_t width; /* of the new TSS: 16 or 32 */
	uint16_t old_selector, new_selector;
	uint64_t old_base, new_base;
	struct tg_place from, to;
};

/* One check of a delivery. */
enum tg_check_result {
	TG_CHECK_PASSED,
	TG_CHECK_EXEMPT, /* this event is not subject to it */
	TG_CHECK_REFUSED
};

struct tg_check {
	size_t size;
	uint64_t delivery; /* id */
	uint8_t step;      /* enum tg_delivery_step */
	uint8_t result;    /* enum tg_check_result */
	unsigned why;      /* REFUSED: the reason, see tg_why() */
};

/* Delivery n, counted back from the last one (0).  The last 256 are always kept.
 *   delivery  its size is the caller's
 *   Errors: ARGUMENT, VERSION; NOT_FOUND: so many there were not. */
TG_API enum tg_error tg_delivery_recent(const struct tg_machine *machine, unsigned n, struct tg_delivery *delivery);
/* How many deliveries there were. */
TG_API uint64_t tg_delivery_count(const struct tg_machine *machine);

/* The checks a delivery made, in order; those that do not apply in its mode are left out.
 *   checks, count  room; *count becomes the number of checks, TG_CHECKS at most
 *   Errors: ARGUMENT, VERSION (the delivery's size); SMALL: as many as there is room for. */
TG_API enum tg_error tg_delivery_checks(const struct tg_delivery *delivery, struct tg_check *checks, unsigned *count);

#ifdef __cplusplus
}
#endif

#endif
