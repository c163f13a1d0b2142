/* A machine: processors, memory, and the board around them; and the control
 * of its run.  Nothing here is global: two machines live side by side. */
#ifndef TRAPGATE_MACHINE_MACHINE_H
#define TRAPGATE_MACHINE_MACHINE_H

#include "cpu/cpu.h"
#include "guest/image.h"
#include "machine/board.h"
#include "machine/console.h"
#include "machine/screen.h"
#include "trace/trace.h"

#define MACHINE_MAX_CPUS 8u
#define MACHINE_MIN_RAM (UINT64_C(64) << 10)
#define MACHINE_MAX_RAM (UINT64_C(3) << 30) /* devices and the ROM lie above */

struct machine_config {
	uint64_t ram;       /* bytes; whole pages */
	const char *cpu;    /* a model's name, NULL: the default one */
	unsigned cpus;      /* 1 to MACHINE_MAX_CPUS; 0: 1 */
	bool plain;         /* oracle mode */
	bool bare;          /* processors and memory alone: no board; then ram may be 0 */
	uint64_t max_insns; /* 0: no limit */
	unsigned timeout;   /* host seconds, 0: none */
	bool no_reboot;     /* a reset ends the run */
	struct board_config board;
};

enum end_kind {
	END_NONE,
	END_POWER_OFF,  /* the guest switched the machine off */
	END_RESET,      /* the guest reset the machine, and there is no firmware to start */
	END_DEBUG_EXIT, /* isa-debug-exit: status (value << 1) | 1 */
	END_TRIPLE_FAULT,
	END_DEAD_HALT, /* HLT and nothing can wake it */
	END_MAX_INSNS,
	END_TIMEOUT,
	END_UNIMPLEMENTED,
	END_INTERRUPTED, /* from outside, see struct machine */
	END_CLOSED,      /* the user closed the display */
};

enum reset_request { RESET_NONE, RESET_PROCESSORS, RESET_ALL };

/* How a run ended.  status is the program's exit status (README.md). */
struct machine_end {
	enum end_kind kind;
	int status;
	char text[192]; /* one line for people, no newline */
	bool lost_output; /* the host did not take all that the guest said */
};

struct machine {
	struct bus *bus;
	struct clock clock;
	struct trace trace;
	struct cpu *cpu[MACHINE_MAX_CPUS]; /* the first one starts the others */
	unsigned cpus;
	unsigned turn;  /* the processor whose turn it is */
	uint32_t turns; /* where the sequence of their lengths stands */
	struct board board;
	struct machine_config config;
	struct guest guest;       /* symbols for the trace */
	struct machine_end end;   /* kind: END_NONE while it may run on */
	uint64_t idle;            /* ticks skipped in HLT: icount - idle were retired */
	uint64_t idle_since;      /* when the present HLT began */
	unsigned moments;         /* timers set from outside the board: one may wake even HLT with IF = 0 */
	struct console console;
	struct screen screen;
	enum reset_request reset;
	bool like_firmware;       /* the board stands as firmware leaves it (machine/boot.h) */
	uint64_t next_look;       /* tick at which the host is looked at again */
	volatile int interrupted; /* set from outside, a signal handler say: ends the run soon */
};

/* NULL and *why: bad sizes, unknown processor, out of memory. */
struct machine *machine_new(const struct machine_config *config, struct diagnostic *why) MUST_CHECK;
void machine_free(struct machine *machine);

/* Puts the processor where machine->guest says.  Call after loading. */
void machine_start(struct machine *machine);

/* Runs to the end of the guest or a limit. */
struct machine_end machine_run(struct machine *machine);

/* The first reason to end wins.  For devices and the run loop. */
void machine_finish(struct machine *machine, enum end_kind kind, int status, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* A device pulses INIT (all false) or RESET# (all true): it happens as soon as the present instruction is
 * done.  A guest that was loaded without firmware has nothing to restart from: that ends its run. */
void machine_request_reset(struct machine *machine, bool all);

/* taskkey.c: what a processor shows of its task, in the shape of trace.task_key. */
bool machine_task_key(void *machine, unsigned processor, struct task_key *key);

/* The processor whose turn it is, or was last. */
static inline struct cpu *machine_current(const struct machine *machine) { return machine->cpu[machine->turn]; }

/* Retired instructions of all processors. */
uint64_t machine_retired(const struct machine *machine);

#endif
