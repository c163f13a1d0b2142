/* Experiments with tasks and plain system calls. */
#include "user.h"

/* ---- fork ---- */
static unsigned fork_marker = 1;

/* In the child: what it got from its parent is a copy. */
static void fork_child(void)
{
	unsigned ok = fork_marker == 1;

	fork_marker = 2;
	leave(ok ? 42 : 1);
}

static void after_fork(const char *how, int pid)
{
	struct lab_seen seen;
	int status;

	if (pid == 0)
		fork_child();
	print("  %s returned %d to the parent\n", how, pid);
	check("the parent got a pid above its own", 1, pid > getpid());
	status = wait_for(pid);
	see(&seen);
	check("the child got 0 and a copy of the data, and left with 42", EXITED(42), (unsigned long)status);
	check("the child came out of ret_from_fork", 1, seen.fork_returns);
	check("the parent's data is its own", 1, fork_marker);
	check("nobody is left to wait for: -ECHILD", (unsigned long)-ECHILD, (unsigned long)CALL(NR_waitpid, -1, 0, 0));
}

void try_fork(const char *argument)
{
	struct lab_seen seen;

	see(&seen);
	after_fork("fork", fork());
}

void try_myasmfork(const char *argument)
{
	struct lab_seen seen;
	int pid;

	see(&seen);
#ifdef __x86_64__
	__asm__ volatile("syscall" : "=a"(pid) : "0"(NR_fork) : "rcx", "r11", "memory");
	after_fork("SYSCALL with eax = 57", pid);
#else
	__asm__ volatile("int $0x80" : "=a"(pid) : "0"(NR_fork) : "memory");
	after_fork("int 80h with eax = 2", pid);
#endif
}

/* ---- sethostname ---- */
static void check_name(const char *wanted)
{
	char name[65];

	clear(name, sizeof(name));
	CALL(NR_uname, name, 0, 0);
	if (!check("uname tells the name", 1, same(name, wanted)))
		print("  the name is \"%s\", not \"%s\"\n", name, wanted);
}

static unsigned length_of(const char *text)
{
	unsigned n = 0;

	while (text[n])
		n++;
	return n;
}

static void hostname_without_root(void)
{
	CALL(NR_setuid, 1000, 0, 0);
	if (CALL(NR_sethostname, "x", 1, 0) != -EPERM || CALL(NR_sethostname, "x", 65, 0) != -EPERM ||
	    CALL(NR_sethostname, 0, 1, 0) != -EPERM)
		leave(1);
	leave(42);
}

void try_sethostname(const char *argument)
{
	if (*argument) {
		print("  sethostname(\"%s\") = %d\n", argument,
		      (int)CALL(NR_sethostname, argument, length_of(argument), 0));
		return;
	}
	check("a good name", 0, (unsigned long)CALL(NR_sethostname, "glass", 5, 0));
	check_name("glass");
	check("length 65: -EINVAL", (unsigned long)-EINVAL, (unsigned long)CALL(NR_sethostname, "x", 65, 0));
	check("length -1: -EINVAL", (unsigned long)-EINVAL, (unsigned long)CALL(NR_sethostname, "x", -1, 0));
	check("address 0: -EFAULT", (unsigned long)-EFAULT, (unsigned long)CALL(NR_sethostname, 0, 5, 0));
	check("address of the kernel: -EFAULT", (unsigned long)-EFAULT, (unsigned long)CALL(NR_sethostname, KERNEL_ADDRESS, 5, 0));
	check("address 0 and length 65: -EINVAL comes first", (unsigned long)-EINVAL,
	      (unsigned long)CALL(NR_sethostname, 0, 65, 0));
	check("not root: -EPERM comes before both", EXITED(42), (unsigned long)in_child(hostname_without_root));
	check_name("glass");
	check("length 0 is good", 0, (unsigned long)CALL(NR_sethostname, 0, 0, 0));
	check("the name of before", 0, (unsigned long)CALL(NR_sethostname, "trapgate", 8, 0));
}

/* ---- time ---- */
static bool milliseconds(const char *argument, const char *command, unsigned *ms)
{
	if (!*argument || number_of(argument, ms))
		return true;
	print("sh: %s %s: a number of milliseconds is wanted\n", command, argument);
	return false;
}

static unsigned now(void)
{
	struct lab_info info;

	know(&info);
	return info.jiffies;
}

/* Computes until so many ticks have passed, without a system call but for the clock. */
static void compute(unsigned ms)
{
	unsigned start = now();

	while (now() - start < ms)
		for (volatile unsigned i = 0; i < 20000; i++)
			;
}

static unsigned busy_ms;

static void busy(void)
{
	compute(busy_ms);
	leave(42);
}

void try_busy(const char *argument)
{
	struct lab_seen seen;
	int pid;

	busy_ms = 30;
	if (!milliseconds(argument, "busy", &busy_ms))
		return;
	see(&seen);
	pid = fork();
	if (pid == 0)
		busy();
	compute(busy_ms);
	see(&seen);
	check("the other task is done too", EXITED(42), (unsigned long)wait_for(pid));
	print("  %u timer interrupts in ring 3, %u switches, ", seen.user_timers, seen.switches);
	print("%u reschedulings before a return, %u time slices ended\n", seen.resched_on_return,
	      seen.resched_why[RESCHED_TIMER]);
	check("the timer came in ring 3", 1, seen.user_timers > 0);
	check("its pt_regs ended at the top of the kernel stack, which was empty", 0, seen.user_room);
	check("the timer set need_resched", 1, seen.resched_why[RESCHED_TIMER] > 0);
	check("work_resched called schedule", 1, seen.resched_on_return > 0);
	check("both tasks ran by turns", 1, seen.switches > 1);
}

void try_sleep(const char *argument)
{
	unsigned ms = 20, before, passed;

	if (!milliseconds(argument, "sleep", &ms))
		return;
	before = now();
	check("sleep", 0, (unsigned long)CALL(NR_nanosleep, ms, 0, 0));
	passed = now() - before;
	print("  asked for %u ms, %u timer interrupts came\n", ms, passed);
	check("not too early", 1, passed >= ms);
}

void try_idle(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	see(&seen);
	CALL(NR_nanosleep, 5, 0, 0);
	see(&seen);
	check("default_idle: the saved instruction pointer is the one behind HLT", info.after_hlt, seen.idle_ip);
	check("ring 0 was interrupted: CS", __KERNEL_CS, seen.timer.cs);
	check("IF was on", X86_EFLAGS_IF, seen.timer.flags & X86_EFLAGS_IF);
}

void try_resched(const char *argument)
{
	struct lab_seen seen;

	see(&seen);
	lab(LAB_RESCHED, 0, 0);
	see(&seen);
	check("need_resched set inside a system call: schedule before its return", 1, seen.resched_on_return > 0);
	check("who asked for it: the laboratory", 1, seen.resched_why[RESCHED_LAB]);
	check("sched_yield", 0, (unsigned long)CALL(NR_sched_yield, 0, 0, 0));
	see(&seen);
	check("who asked for it: sched_yield", 1, seen.resched_why[RESCHED_YIELD]);
}

void try_kthread(const char *argument)
{
	struct lab_seen seen;

	see(&seen);
	check("a kernel thread added 1 to 41", 42, (unsigned long)lab(LAB_KTHREAD, 41, 0));
	see(&seen);
	check("to it and back: switches", 2, seen.switches);
	check("it did not come from fork", 0, seen.fork_returns);
}

/* ---- numbers ---- */
void try_badnum(const char *argument)
{
	check("9999: -ENOSYS", (unsigned long)-ENOSYS, (unsigned long)CALL(9999, 0, 0, 0));
	check("-1: -ENOSYS", (unsigned long)-ENOSYS, (unsigned long)CALL(-1, 0, 0, 0));
	check("the size of the table: -ENOSYS", (unsigned long)-ENOSYS, (unsigned long)CALL(NR_syscalls, 0, 0, 0));
	check("a hole in the table: -ENOSYS", (unsigned long)-ENOSYS, (unsigned long)CALL(NR_HOLE, 0, 0, 0));
#ifndef __x86_64__ /* there it is read */
	check("number 0: -ENOSYS", (unsigned long)-ENOSYS, (unsigned long)CALL(0, 0, 0, 0));
#endif
}
