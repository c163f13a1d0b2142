/* Hooks: functions that are called when something happens.
 *
 * A hook returns TG_GO, or TG_STOP_RUN to end tg_run() (before the next instruction; an instruction hook: before
 * its own).  Records are good during the call only.  Hooks may read everything, raise lines, set and remove hooks, and
 * write memory; of them only instruction hooks may write registers.  None may run, map, load or free. Hooks on
 * instructions and memory make this machine step through its guest one instruction at a time; all others cost nothing
 * but their own time, and none costs anything before it is set.  What the guest does is the same with any of them. */
#ifndef TRAPGATE_HOOK_H
#define TRAPGATE_HOOK_H

#include "record.h"

#ifdef __cplusplus
extern "C" {
#endif

enum tg_action { TG_GO, TG_STOP_RUN };

/* Each of these sets a hook.
 *   function, owner  owner is handed to the function
 *   hook    its number, for tg_unhook() and struct tg_stop; may be NULL
 *   Errors: ARGUMENT, MEMORY. */

/* A delivery that ended, whatever its outcome. */
TG_API enum tg_error tg_hook_delivery(struct tg_machine *machine,
				      enum tg_action (*function)(void *owner, struct tg_cpu *cpu,
								 const struct tg_delivery *delivery),
				      void *owner, unsigned *hook);
/* Each check of a delivery in the SDM's order: told when the delivery has ended, before its delivery hooks. */
TG_API enum tg_error tg_hook_check(struct tg_machine *machine,
				   enum tg_action (*function)(void *owner, struct tg_cpu *cpu,
							      const struct tg_check *check),
				   void *owner, unsigned *hook);
/* IRET, far return to an outer level, SYSEXIT. */
TG_API enum tg_error tg_hook_return(struct tg_machine *machine,
				    enum tg_action (*function)(void *owner, struct tg_cpu *cpu,
							       const struct tg_return *record),
				    void *owner, unsigned *hook);
/* SYSENTER, call gates. */
TG_API enum tg_error tg_hook_entry(struct tg_machine *machine,
				   enum tg_action (*function)(void *owner, struct tg_cpu *cpu,
							      const struct tg_entry *entry),
				   void *owner, unsigned *hook);
TG_API enum tg_error tg_hook_task(struct tg_machine *machine,
				  enum tg_action (*function)(void *owner, struct tg_cpu *cpu,
							     const struct tg_task *task),
				  void *owner, unsigned *hook);

struct tg_instruction {
	size_t size;
	uint64_t when;   /* ticks before it */
	uint64_t linear; /* address of its first byte */
	uint64_t rip;
	uint16_t cs;
	bool again;     /* a further iteration of the same REP */
	uint8_t length; /* bytes that could be read without a side effect, 15 at most: the instruction and what follows
			 */
	uint8_t bytes[15];
};
/* Before each instruction, when every event before it has been taken. */
TG_API enum tg_error tg_hook_instruction(struct tg_machine *machine,
					 enum tg_action (*function)(void *owner, struct tg_cpu *cpu,
								    const struct tg_instruction *instruction),
					 void *owner, unsigned *hook);

#define TG_READS  1u
#define TG_WRITES 2u
struct tg_access {
	size_t size;
	uint64_t when;
	uint64_t linear, physical;
	uint64_t value;
	uint8_t bytes; /* 1 to 8; an access across two pages is told of as two */
	bool write;
};
/* Data accesses that were made (faults are none) and meet linear addresses first to last, by instructions or by the
 * processor itself in descriptor tables, TSS and stacks; not instruction fetches and page walks.
 *   kinds   TG_READS, TG_WRITES or both
 *   Errors: also ARGUMENT: last below first, no kinds. */
TG_API enum tg_error tg_hook_memory(struct tg_machine *machine, uint64_t first, uint64_t last, unsigned kinds,
				    enum tg_action (*function)(void *owner, struct tg_cpu *cpu,
							       const struct tg_access *access),
				    void *owner, unsigned *hook);

/* Removes a hook; from hooks too, also itself.  Errors: ARGUMENT, NOT_FOUND. */
TG_API enum tg_error tg_unhook(struct tg_machine *machine, unsigned hook);

#ifdef __cplusplus
}
#endif

#endif
