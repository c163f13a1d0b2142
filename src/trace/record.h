/* What happened: plain records of deliveries, returns and task switches, as
 * the processor fills them and the writers print them.  No pointers into the
 * machine: a record can be copied, kept in the ring, written to a file.  The
 * names in line and stage records last as long as the devices do. */
#ifndef TRAPGATE_TRACE_RECORD_H
#define TRAPGATE_TRACE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/fault.h"

enum event_kind {
	EV_FAULT,    /* exception, fault class: saved RIP is the instruction's */
	EV_TRAP,     /* exception, trap class (#DB single step, data breakpoint) */
	EV_ABORT,    /* #DF, #MC */
	EV_SOFT_INT, /* INT n */
	EV_INT1, EV_INT3, EV_INTO,
	EV_IRQ,      /* maskable, from the interrupt pin */
	EV_NMI,
	EV_KINDS
};
const char *event_kind_name(enum event_kind kind); /* "soft-int" ... */

/* How a delivery ended. */
enum delivery_outcome {
	OUT_DELIVERED,
	OUT_TASK_SWITCH,  /* through a task gate */
	OUT_REDIRECTED,   /* VME: to the 8086 program's own handler */
	OUT_FAULTED,      /* a check failed: see refused; the next record goes on */
	OUT_SHUTDOWN,
};

const char *delivery_outcome_name(enum delivery_outcome outcome); /* "delivered" ... */

/* The steps of a delivery in the SDM's order: the last one reached. */
enum delivery_step {
	STEP_VECTOR,      /* vector inside the IDT limit */
	STEP_GATE,        /* gate read and of a usable type */
	STEP_GATE_DPL, STEP_GATE_PRESENT,
	STEP_CODE_SEGMENT, STEP_CODE_PRESENT,
	STEP_STACK_SELECT, STEP_STACK_SEGMENT, STEP_STACK_LIMIT,
	STEP_TARGET_LIMIT, STEP_PUSH, STEP_COMMIT,
};
const char *delivery_step_name(enum delivery_step step);

enum stack_source { STACK_SAME, STACK_TSS16, STACK_TSS32, STACK_RSP, STACK_IST, STACK_VM86, STACK_TASK };
const char *stack_source_name(enum stack_source source);
const char *exception_name(unsigned vector); /* "#GP"; NULL: no exception of the processor */
const char *gate_type_name(unsigned type);   /* of a system descriptor: "int32" */
/* The same by the gate's width: "int64" where that is 64, which is IA-32e mode's. */
const char *gate_name(unsigned type, unsigned width);
const char *mode_name(unsigned mode);        /* of struct where: "64-bit" */

enum pushed_name {
	PUSH_ERROR, PUSH_IP, PUSH_CS, PUSH_FLAGS, PUSH_SP, PUSH_SS, PUSH_ES, PUSH_DS, PUSH_FS, PUSH_GS, PUSH_NAMES
};
const char *pushed_name_text(enum pushed_name name, unsigned width); /* "EIP" */

#define RECORD_MAX_WORDS 10

struct where { /* a place in the guest: code, stack and privilege */
	uint64_t rip, rsp, rflags;
	uint16_t cs, ss;
	uint8_t cpl;
	uint8_t mode;   /* enum decode_mode */
	uint64_t cs_base, ss_base;
};

struct delivery_record {
	uint64_t id;     /* counts from 1 */
	uint64_t when;   /* retired instructions */
	uint64_t cause;  /* clock_new_cause() of what raised it, 0: synchronous */
	uint8_t cpu, kind, vector, outcome, step;
	bool has_error;
	uint32_t error;  /* as pushed */
	uint64_t cr2;
	uint16_t why;    /* the fault's own reason */
	uint64_t parent; /* record whose delivery failed and led here, or 0 */
	uint64_t rax;    /* at the moment of the event: system-call number */
	struct where from, to;
	struct {         /* meaningless where step == STEP_VECTOR */
		uint64_t address; /* linear, of the IDT entry (real mode: of the vector) */
		uint64_t offset;
		uint16_t selector;
		uint8_t type, dpl, ist, present, width;
	} gate;
	struct {
		uint16_t selector;
		uint8_t type, dpl, present, conforming;
	} code;
	uint8_t stack_source; /* enum stack_source */
	uint64_t tss_base;
	uint8_t words, word_bytes; /* pushed, in the order of pushing */
	uint8_t word_name[RECORD_MAX_WORDS];
	uint64_t word[RECORD_MAX_WORDS];
	uint64_t frame;  /* linear address of the last word pushed */
	uint64_t stack_pointer; /* words of 8 bytes: RSP, RSPn or ISTn before it was aligned on 16 */
	struct fault refused; /* OUT_FAULTED */
	uint64_t cr3;    /* while somebody listens */
	bool has_way;    /* lines are traced, and the cause is known there: */
	uint64_t waited; /* ticks since the first record of the cause ... */
	uint64_t waited_at_pin; /* ... and since the last controller, if there is one, passed it on */
};

enum return_kind { RET_IRET, RET_IRET_TASK, RET_FAR, RET_SYSEXIT, RET_SYSRET };
const char *return_kind_name(enum return_kind kind);

/* Deliveries that happened while a handler ran, by kind and vector. */
#define NESTED_KINDS 6
struct nested_counts {
	uint32_t total;
	uint8_t used; /* entries of by[] */
	struct {
		uint8_t kind, vector; /* enum event_kind */
		uint32_t count;
	} by[NESTED_KINDS];   /* the first kinds met; the rest is in total only */
};

struct return_record {
	uint64_t id, when;
	uint8_t cpu, kind;
	struct where from, to;
	uint64_t frame;    /* linear address of the first word popped; 0 for SYSEXIT */
	/* Filled in by trace_returned(): */
	uint64_t cr3;
	uint64_t copy_of;  /* the first return of a task made as a copy of another one: the entry that was copied */
	uint64_t delivery; /* what it ends: id of a delivery or an entry; 0: unknown, and then the rest means nothing */
	bool ended_entry;  /* that is an entry: ended_kind is an enum entry_kind */
	uint8_t ended_kind, ended_vector; /* enum event_kind, vector of that delivery */
	uint8_t ended_cpu; /* where it began */
	uint8_t changed;   /* CHANGED_*: what the handler put into the frame in place of what was there */
	uint64_t cause;    /* of that delivery, or 0 */
	uint64_t insns;    /* retired between the two */
	struct nested_counts nested;
};
#define CHANGED_IP  1u
#define CHANGED_SP  2u
#define CHANGED_CR3 4u

/* Why something that entered a handler never came back. */
enum unreturned_why {
	UNRETURNED_OPEN,        /* it may still have: the trace ended */
	UNRETURNED_OVERWRITTEN, UNRETURNED_ENTERED_AGAIN, UNRETURNED_DROPPED, UNRETURNED_REUSED, UNRETURNED_REPLACED,
	UNRETURNED_FORGOTTEN,
	UNRETURNED_WHYS
};
const char *unreturned_name(enum unreturned_why why);     /* "overwritten" */
const char *unreturned_sentence(enum unreturned_why why); /* for people */
struct unreturned_record {
	uint64_t id, when;
	uint64_t delivery; /* id of the delivery or entry */
	uint64_t began;    /* its tick */
	uint64_t cause;
	uint64_t by;       /* id of the record that showed it, or 0 */
	bool entry;        /* kind is an enum entry_kind, else an enum event_kind */
	uint8_t cpu, kind, vector, why;
};

/* Entries that are no delivery: SYSENTER, SYSCALL, call gates. */
enum entry_kind { ENTRY_SYSENTER, ENTRY_SYSCALL, ENTRY_CALL_GATE };
const char *entry_kind_name(enum entry_kind kind);
struct entry_record {
	uint64_t id, when;
	uint8_t cpu, kind;
	uint64_t rax;
	struct where from, to;
};

enum task_cause { TASK_JMP, TASK_CALL, TASK_INT, TASK_IRET };
const char *task_cause_name(enum task_cause cause);
struct task_record {
	uint64_t id, when;
	uint8_t cpu, cause;
	uint16_t old_selector, new_selector;
	uint64_t old_base, new_base;
	uint8_t width; /* of the new TSS: 16 or 32 */
	struct where from, to;
};

/* ---- the way of an interrupt to the processor: recorded only while lines are traced ---- */

/* A wire changed its level.  Lines and stages are numbered on their own, so that the ids
 * of other records do not depend on them. */
struct line_record {
	uint64_t id, when, cause;
	const char *name; /* "PIT OUT0" */
	bool level;
};

/* What a controller (or the processor itself) did with a request. */
enum stage_what {
	STAGE_REQUESTED,    /* took note of it */
	STAGE_HELD,         /* it waits: why, by */
	STAGE_PASSED,       /* it is what the controller now offers to the next stage */
	STAGE_ACKNOWLEDGED, /* taken, and in service until the EOI */
	STAGE_EOI,
	STAGE_SPURIOUS,     /* an acknowledge found no request */
	STAGE_WITHDRAWN,    /* gone before it was acknowledged: why */
	STAGE_LOST,         /* will never be served: why */
	STAGES
};
const char *stage_name(enum stage_what what); /* "held" */
const char *stage_text(enum stage_what what); /* "held back", for people */

/* What can hold a request back; hold.def gives each its name, a sentence and its source. */
enum hold {
	HOLD_NONE,
#define HOLD(name, by, sentence, source) HOLD_##name,
#include "trace/hold.def"
#undef HOLD
	HOLD_COUNT
};
struct hold_info {
	const char *name;     /* "PIC_MASKED" */
	const char *by;       /* what stands before the number in stage_record.by: "IR", "vector "; NULL: no number */
	const char *sentence;
	const char *source;   /* title of a datasheet or SDM section */
};
/* Never NULL; an unknown value gives the entry of HOLD_NONE. */
const struct hold_info *hold_info(enum hold hold);

#define STAGE_NO_NUMBER (-1)
struct stage_record {
	uint64_t id, when, cause;
	const char *unit;  /* "8259A master", "LAPIC" */
	int16_t instance;  /* of several of them, else STAGE_NO_NUMBER */
	const char *input; /* "IR", "pin ", "LVT timer", NULL: none */
	int16_t pin;       /* its number or STAGE_NO_NUMBER */
	int16_t vector;    /* or STAGE_NO_NUMBER */
	uint8_t what, why; /* enum stage_what, enum hold */
	int32_t by;        /* the level, vector or priority that holds it back, or STAGE_NO_NUMBER */
};

#endif
