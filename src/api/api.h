/* What the files of src/api share.  A struct tg_machine is a struct machine and what the library keeps beside it. */
#ifndef TRAPGATE_API_API_H
#define TRAPGATE_API_API_H

#include "debug/view.h"
#include "machine/machine.h"
#include "trapgate/trapgate.h"

/* The size that a struct had in its first version, which ended with this field. */
#define SIZE_UP_TO(type, field) (offsetof(type, field) + sizeof(((type *)0)->field))

struct tg_cpu {
	struct tg_machine *machine;
	struct cpu *cpu;
	unsigned index;
	/* bare machines: the interrupt pin */
	bool level;
	uint8_t vector;
	uint64_t cause;
	uint8_t (*acknowledge)(void *owner, struct tg_cpu *cpu);
	void *acknowledge_owner;
	/* instruction hooks: have they seen this instruction already, and did they change what comes before it? */
	bool seen, disturbed;
	uint64_t seen_at, seen_linear;
};

struct ram {
	struct ram *next; /* in the order of mapping */
	uint64_t start, size;
};

struct device {
	struct device *next;
	struct tg_machine *machine;
	struct tg_mmio mmio;
	struct tg_ports ports;
};

struct moment {
	struct moment *next;
	struct tg_machine *machine;
	struct timer timer;
	unsigned id;
	void (*function)(void *owner, struct tg_machine *machine);
	void *owner;
};

enum hook_kind {
	HOOK_DELIVERY,
	HOOK_CHECK,
	HOOK_RETURN,
	HOOK_ENTRY,
	HOOK_TASK,
	HOOK_INSTRUCTION,
	HOOK_MEMORY,
	HOOK_KINDS
};

struct hook {
	struct hook *next;
	enum hook_kind kind;
	unsigned id;
	bool dead; /* removed while hooks were being called */
	void *owner;
	uint64_t first, last; /* memory */
	unsigned accesses;
	union {
		enum tg_action (*delivery)(void *owner, struct tg_cpu *cpu, const struct tg_delivery *delivery);
		enum tg_action (*check)(void *owner, struct tg_cpu *cpu, const struct tg_check *check);
		enum tg_action (*returned)(void *owner, struct tg_cpu *cpu, const struct tg_return *record);
		enum tg_action (*entry)(void *owner, struct tg_cpu *cpu, const struct tg_entry *entry);
		enum tg_action (*task)(void *owner, struct tg_cpu *cpu, const struct tg_task *task);
		enum tg_action (*instruction)(void *owner, struct tg_cpu *cpu,
					      const struct tg_instruction *instruction);
		enum tg_action (*memory)(void *owner, struct tg_cpu *cpu, const struct tg_access *access);
	} function;
};

#define ISA_LINES 16u

struct tg_machine {
	struct machine *m;
	struct view view;
	struct tg_cpu cpu[MACHINE_MAX_CPUS];
	struct diagnostic detail;
	struct device *devices;
	struct ram *ram; /* of a bare machine */

	struct moment *moments;
	unsigned next_moment;

	struct hook *hooks, **hooks_end;
	unsigned next_hook, calling; /* depth of hooks being called */
	unsigned hooked[HOOK_KINDS]; /* hooks set, by kind */
	bool listens;                /* the trace's sink is attached */

	struct irq_line line[ISA_LINES];
	bool line_connected[ISA_LINES];

	bool running;
	bool between;     /* in an instruction hook or a moment: registers may be written */
	unsigned in_port; /* inside a port callback: RIP is that of the block's last instruction */
	enum { STOP_BY_NONE, STOP_BY_HOOK, STOP_BY_CALL } stop_by;
	unsigned stop_hook;
};

/* Writes tg_machine_detail(); returns error. */
enum tg_error api_fail(struct tg_machine *tg, enum tg_error error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The text of *why becomes the detail. */
enum tg_error api_fail_why(struct tg_machine *tg, enum tg_error error, const struct diagnostic *why);

/* Versions.  to: known bytes, zeroed where from is shorter.  least: of the first version.  TG_ERROR_VERSION: shorter
 * than that, or from has something set behind what is known. */
enum tg_error api_take(void *to, size_t known, const void *from, size_t least) MUST_CHECK;
/* As much of from as the caller's struct has room for; its size stays. */
enum tg_error api_give(void *to, const void *from, size_t known, size_t least) MUST_CHECK;

/* May registers be written now?  TG_OK or TG_ERROR_BUSY. */
enum tg_error api_writable(struct tg_machine *tg) MUST_CHECK;
/* TG_ERROR_BUSY while the machine runs. */
enum tg_error api_stands(struct tg_machine *tg) MUST_CHECK;
uint64_t api_now(const struct tg_machine *tg);
/* Where the processor stands, callbacks included. */
uint64_t api_rip(const struct tg_cpu *c);
/* The state with RIP and EFLAGS as they are; and a state that was checked, into the processor. */
void api_state_read(const struct tg_cpu *c, struct arch_state *s);
void api_state_write(struct tg_cpu *c, const struct arch_state *s);
/* Can a processor of this model be in that state?  Else TG_ERROR_VALUE with detail. */
enum tg_error api_state_check(struct tg_cpu *c, const struct arch_state *s) MUST_CHECK;
void api_segment_out(struct tg_segment *to, const struct segment *from);
bool api_segment_in(struct segment *to, const struct tg_segment *from) MUST_CHECK;

struct tg_place api_place(const struct where *w);
void api_delivery_out(struct tg_delivery *to, const struct delivery_record *from);
/* Ends the run: by a hook of that number, or (0) by a call. */
void api_stop(struct tg_machine *tg, unsigned hook);
void api_hooks_free(struct tg_machine *tg);
void api_moments_free(struct tg_machine *tg);
/* Those of a list that is the machine's no more. */
void api_moments_drop(struct moment *list);
/* Notes that there is RAM; false: out of memory. */
bool api_ram_add(struct tg_machine *tg, uint64_t start, uint64_t size) MUST_CHECK;
/* Sets a moment with a number of its own choosing. */
struct moment *api_moment_add(struct tg_machine *tg, uint64_t when,
			      void (*function)(void *owner, struct tg_machine *machine), void *owner);
/* The interrupt pin of a bare machine's processor. */
void api_pin_connect(struct tg_cpu *c);

#endif
