/* What the experiments on Linux for i386 and for x86-64 have in common.
 *   experiments            all of them; status: how many failed.  A child of process 1 only: some change the machine
 *   experiments poweroff   switches the machine off
 * Around each experiment stand two system calls with numbers that no kernel has, 7e570000h + 2 N and + 1: marks for
 * whoever reads a trace.  Each runs in a child of its own, whose name (as the kernel knows it) is the experiment's. */
#ifndef SHARED_H
#define SHARED_H

#include "experiments.h"

#define EPERM  1
#define EFAULT 14
#define EINVAL 22
#define ENOSYS 38

#define SIGILL  4
#define SIGTRAP 5
#define SIGBUS  7
#define SIGFPE  8
#define SIGSEGV 11

#define SI_KERNEL 0x80
#define SPINS     30000000 /* rounds of a busy loop: 60 million instructions */

/* Words of struct ucontext: five, then struct sigcontext. */
#ifdef __x86_64__
#define call by_syscall
enum {
	UC_DI = 5 + 8,
	UC_AX = 5 + 13,
	UC_CX,
	UC_SP,
	UC_IP,
	UC_FLAGS,
	UC_SELECTORS, /* CS, GS, FS, SS */
	UC_ERR,
	UC_TRAPNO,
	UC_OLDMASK,
	UC_CR2
};
#else
#define call by_int80
enum {
	UC_SP = 5 + 7,
	UC_AX = 5 + 11,
	UC_TRAPNO,
	UC_ERR,
	UC_IP,
	UC_CS,
	UC_FLAGS,
	UC_SP_AT,
	UC_SS,
	UC_FP,
	UC_OLDMASK,
	UC_CR2
};
#endif

struct experiment {
	const char *name;
	void (*run)(void);
};

/* An instruction that raises a signal, where it goes on after it, and what the signal says. */
struct fault {
	void (*raise)(void);
	const char *name, *after, *ip;
	int signal, code;
	unsigned long trap, error, address;
};

#define RAISING(name)                                                                                                  \
	void name(void);                                                                                               \
	extern char name##_at[], name##_after[]
#define ROW(name)   name, #name, name##_after
#define FAULT(name) name##_at

/* calls.S */
long by_int80(long nr, ...), by_syscall(long nr, ...);
void busy_loop(unsigned long rounds);
void sigreturn(void), leave(int status);

/* What a handler of signals saw last; how many came. */
extern int signals, codes;
extern unsigned long numbers, errors, addresses, seen_ip, seen_ax;

void expect(const char *what, long wanted, long found);
void expect_hex(const char *what, unsigned long wanted, unsigned long found);
void on_signal(int signal, void (*handler)(int, int *, unsigned long *));
long status_of(long pid);
unsigned long auxiliary(unsigned long *stack, unsigned long type);
void each_fault(const struct fault *faults, unsigned count);
void common_faults(void);
void busy(void);
void sleep(void);
/* Does not return. */
void run_all(unsigned long argc, const struct experiment *list, int count);

#endif
