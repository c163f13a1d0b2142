/* Ring 3: what the shell and its experiments share, on the i386 and on x86-64 (roms/shell64). */
#ifndef KERNEL_USER_H
#define KERNEL_USER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab.h"
#include "layout.h"

/* A function with labels in its assembly exists once. */
#ifdef __clang__
#define LABELLED __attribute__((noinline))
#else
#define LABELLED __attribute__((noipa))
#endif

/* ---- user_start.S ---- */
/* int 80h, or SYSCALL; six arguments, all of them long; -errno as it comes */
long call(long number, ...);
extern int registers_lost;
#ifdef __x86_64__
extern char restore_rt[];
#define RESTORER restore_rt /* where handlers return to */
#else
#define RESTORER 0 /* the landing page */
#endif
#define CALL(number, a, b, c) call(number, (long)(a), (long)(b), (long)(c), 4l, 5l, 6l)
extern char call_return[]; /* behind that instruction */
long call_sysenter(long number, ...);
extern char SYSENTER_RETURN[], vsyscall_sysenter[], __kernel_vsyscall[];

/* ---- user_lib.c ---- */
int fork(void);
int getpid(void);
int wait_for(int pid); /* its status */
void leave(int code) __attribute__((noreturn));
long lab(int request, unsigned long a, unsigned long b);
void see(struct lab_seen *seen); /* and clear it */
void know(struct lab_info *info);
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool same(const char *a, const char *b);
bool number_of(const char *text, unsigned *value);
void clear(void *at, unsigned long n);

/* What the checks that follow are about: printed before each. */
void about(const char *topic);
/* Prints what is expected and what was found, and counts. */
bool check(const char *what, unsigned long expected, unsigned long found);
void skip(const char *what, const char *why);
extern unsigned checks_ok, checks_failed, checks_skipped;

/* A child runs fn; its status as wait tells it. */
int in_child(void (*fn)(void));
#define EXITED(code) ((unsigned long)(code) << 8)

/* ESP after getpid by int 80h that was called with SS 16-bit, of the LDT, and this ESP. */
uint32_t esp_over_call(uint32_t esp);

/* The frame that the running handler was called with: first thing in a handler. */
typedef volatile struct sigcontext *signal_frame;
#ifdef __x86_64__
#define SIGNAL_FRAME ((signal_frame)((uint64_t *)__builtin_frame_address(0) + 2))
#else
#define SIGNAL_FRAME ((signal_frame)((uint32_t *)__builtin_frame_address(0) + 3))
#endif
void on_signal(int number, void (*handler)(int));

/* ---- the experiments: the shell's commands ---- */
typedef void experiment(const char *argument);
struct command {
	const char *name;
	experiment *run;
	const char *argument; /* NULL: takes none */
	const char *help;
	bool in_selfcheck;
};
extern const struct command commands[]; /* user_commands.c; ends with name == NULL */
experiment help, selfcheck, stats, triple, leave_shell;
experiment try_fork, try_myasmfork, try_sethostname, try_busy, try_sleep, try_badnum, try_gate, try_kthread,
	try_resched, try_signal, try_kill, try_trace, try_div0, try_null, try_badiret, try_espfix, try_df, try_sysenter,
	try_nmi, try_shadows, try_softirq, try_irq, try_idle;

#endif
