/* Experiments with signals, tracing, and faults of ring 3. */
#include "user.h"

/* ---- signal, kill ---- */
static volatile unsigned long caught, caught_number, caught_trap, caught_error, caught_cr2, caught_ip;

static void note(int number)
{
	caught++;
	caught_number = (unsigned long)number;
}

static void change_result(int number)
{
	signal_frame sc = SIGNAL_FRAME;

	caught++;
	caught_number = (unsigned long)number;
	caught_ip = sc->ip;
	sc->ax = 77;
}

/* The first time it sends its own signal again. */
static volatile unsigned inside, deepest;

static void send_again(int number)
{
	if (++inside > deepest)
		deepest = inside;
	if (caught++ == 0)
		CALL(NR_kill, getpid(), number, 0);
	inside--;
}

void try_signal(const char *argument)
{
	caught = 0;
	on_signal(SIGUSR1, note);
	check("kill(getpid(), SIGUSR1)", 0, (unsigned long)CALL(NR_kill, getpid(), SIGUSR1, 0));
	check("the handler ran before kill returned", 1, caught);
	check("with the signal's number", SIGUSR1, caught_number);
	on_signal(SIGUSR1, change_result);
	check("sigreturn takes the result from the frame, where the handler put 77", 77,
	      (unsigned long)CALL(NR_kill, getpid(), SIGUSR1, 0));
	check("the frame's instruction pointer is the one behind the system call", (unsigned long)call_return, caught_ip);
	check("sigaction: the handler of before", (unsigned long)change_result, (unsigned long)CALL(NR_sigaction, SIGUSR1, 1, 0));
	CALL(NR_kill, getpid(), SIGUSR1, 0);
	check("an ignored signal does nothing", 2, caught);
	caught = 0;
	on_signal(SIGUSR1, send_again);
	CALL(NR_kill, getpid(), SIGUSR1, 0);
	check("a signal sent inside its own handler", 2, caught);
	check("... comes when the handler has returned", 1, deepest);
	on_signal(SIGUSR1, 0);
	check("signal 32: -EINVAL", (unsigned long)-EINVAL, (unsigned long)CALL(NR_kill, getpid(), 32, 0));
	check("no such task: -ESRCH", (unsigned long)-ESRCH, (unsigned long)CALL(NR_kill, 9999, SIGUSR1, 0));
	check("SIGKILL takes no handler: -EINVAL", (unsigned long)-EINVAL, (unsigned long)CALL(NR_sigaction, SIGKILL, note, 0));
	check("a handler in the kernel: -EFAULT", (unsigned long)-EFAULT,
	      (unsigned long)CALL(NR_sigaction, SIGUSR1, KERNEL_ADDRESS, 0));
}

static void spin(void)
{
	for (;;)
		;
}

void try_kill(const char *argument)
{
	unsigned pid;
	int child;

	if (*argument) {
		if (!number_of(argument, &pid))
			print("sh: kill %s: a pid is wanted\n", argument);
		else
			print("  kill(%u, SIGTERM) = %d\n", pid, (int)CALL(NR_kill, pid, SIGTERM, 0));
		return;
	}
	child = fork();
	if (child == 0)
		spin();
	CALL(NR_nanosleep, 3, 0, 0);
	check("WNOHANG: it still computes", 0, (unsigned long)CALL(NR_waitpid, child, 0, 1));
	check("kill(child, SIGTERM)", 0, (unsigned long)CALL(NR_kill, child, SIGTERM, 0));
	check("it ended by the signal", SIGTERM, (unsigned long)wait_for(child));
}

/* ---- tracing ---- */
struct trace_count {
	unsigned long entries, exits, number, result;
};

static long trace(long request, unsigned long from, unsigned long to, long pid)
{
	return call(NR_ptrace, request, from, to, pid, 5l, 6l);
}

static void call_for_ever(void)
{
	for (;;)
		getpid();
}

static void trace_child(void)
{
	struct trace_count count = {0, 0, 0, 0};
	int child = fork();

	if (child == 0)
		call_for_ever();
	check("a child's hooks: on", 0, (unsigned long)trace(3, NR_getpid, NR_getppid, child));
	for (unsigned i = 0; i < 100 && count.exits < 2; i++) {
		CALL(NR_nanosleep, 1, 0, 0);
		trace(4, (unsigned long)&count, 0, child);
	}
	CALL(NR_kill, child, SIGTERM, 0);
	check("they counted", 1, count.entries >= 2 && count.exits >= 2);
	check("its number was getpid, its result what getppid gives", 1,
	      count.number == NR_getpid && count.result == (unsigned long)getpid());
	wait_for(child);
	check("a task that is no child: -ESRCH", (unsigned long)-ESRCH, (unsigned long)trace(1, 0, 0, child));
}

void try_trace(const char *argument)
{
	struct trace_count count = {0, 0, 0, 0};
	int me = getpid();

	if (*argument && !same(argument, "log")) {
		print("sh: trace %s: log or nothing is wanted\n", argument);
		return;
	}
	trace(*argument ? 2 : 1, 0, 0, 0);
	getpid();
	CALL(9999, 1, 2, 3);
	trace(4, (unsigned long)&count, 0, 0);
	trace(0, 0, 0, 0);
	check("the entry hook: getpid, 9999, ptrace", 3, count.entries);
	check("the exit hook: the call that turned tracing on, getpid, 9999", 3, count.exits);
	check("the last number is ptrace's", NR_ptrace, count.number);
	check("the last result: -ENOSYS of 9999", (unsigned long)-ENOSYS, count.result);
	trace(3, NR_getuid, NR_getpid, 0);
	check("the entry hook turned getuid into getpid", (unsigned long)me, (unsigned long)CALL(NR_getuid, 0, 0, 0));
	trace(3, NR_getuid, 9999, 0);
	check("... and into a bad number: -ENOSYS", (unsigned long)-ENOSYS, (unsigned long)CALL(NR_getuid, 0, 0, 0));
	trace(0, 0, 0, 0);
	check("off again: getuid", 0, (unsigned long)CALL(NR_getuid, 0, 0, 0));
	trace_child();
}

/* ---- faults ---- */
static void step_over(int number)
{
	signal_frame sc = SIGNAL_FRAME;

	caught++;
	caught_number = (unsigned long)number;
	caught_trap = sc->trap_no;
	caught_error = sc->error_code;
	caught_cr2 = sc->cr2;
	caught_ip = sc->ip;
	sc->ip += 2; /* the instructions that fault here have two bytes */
}

extern char div_here[], null_here[];

static LABELLED void divide(void)
{
	__asm__ volatile(".globl div_here\ndiv_here: divl %%ecx" : : "a"(1), "d"(0), "c"(0) : "cc");
}

void try_div0(const char *argument)
{
	caught = 0;
	on_signal(SIGFPE, step_over);
	divide();
	on_signal(SIGFPE, 0);
	check("the handler ran", 1, caught);
	check("SIGFPE", SIGFPE, caught_number);
	check("vector", 0, caught_trap);
	check("a fault: the saved instruction pointer is DIV's own", (unsigned long)div_here, caught_ip);
	check("without a handler the task ends by SIGFPE", SIGFPE, (unsigned long)in_child(divide));
}

static LABELLED void read_null(void)
{
	__asm__ volatile(".globl null_here\nnull_here: movl (%0), %%eax" : : "a"(0l) : "memory");
}

static void write_null(void)
{
	__asm__ volatile("movl %%eax, (%0)" : : "a"(0l) : "memory");
}

static void read_kernel(void)
{
	unsigned long at = KERNEL_ADDRESS;

	__asm__ volatile("movl (%0), %%eax" : "+a"(at) : : "memory");
}

static void write_code(void)
{
	__asm__ volatile("movl %%eax, (%0)" : : "a"(&write_code) : "memory");
}

void try_null(const char *argument)
{
	static const struct {
		void (*fn)(void);
		unsigned long error, address;
		const char *name;
	} accesses[] = {
		{read_null, 4, 0, "null, reading address 0 (not present)"},
		{write_null, 6, 0, "null, writing address 0 (not present)"},
		{read_kernel, 5, KERNEL_ADDRESS, "null, reading the kernel"},
		{write_code, 7, (unsigned long)write_code, "null, writing the program's code"},
	};
	struct lab_info info;

	on_signal(SIGSEGV, step_over);
	for (unsigned i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
		about(accesses[i].name);
		caught = 0;
		accesses[i].fn();
		check("SIGSEGV", 1, caught && caught_number == SIGSEGV);
		check("vector", 14, caught_trap);
		check("error code: P, W, U", accesses[i].error, caught_error);
		check("CR2", accesses[i].address, caught_cr2);
	}
	on_signal(SIGSEGV, 0);
	about("null");
	check("without a handler the task ends by SIGSEGV", SIGSEGV, (unsigned long)in_child(read_null));
	check("write(1, 0, 1): the kernel's fault is met by its exception table: -EFAULT", (unsigned long)-EFAULT,
	      (unsigned long)CALL(NR_write, 1, 0, 1));
	check("write(1, unmapped, 1): -EFAULT", (unsigned long)-EFAULT, (unsigned long)CALL(NR_write, 1, 0x70000000, 1));
	know(&info);
	if (info.has_wp)
		check("uname into code, CR0.WP: -EFAULT", (unsigned long)-EFAULT,
		      (unsigned long)CALL(NR_uname, write_code, 0, 0));
	else
		skip("uname into code", "this processor has no CR0.WP");
}
