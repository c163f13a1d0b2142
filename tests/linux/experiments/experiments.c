/* Experiments with the interrupt path of Linux for i386, each with what is expected and what was found.  Freestanding:
 * no library, every system call is one of calls.S.
 *   experiments            all of them; status: how many failed.  A child of process 1 only: some change the machine
 *   experiments poweroff   switches the machine off
 * Around each experiment stand two system calls with numbers that no kernel has, 7e570000h + 2 N and + 1: marks for
 * whoever reads a trace.  Each runs in a child of its own, whose name (as the kernel knows it) is the experiment's. */
#include "experiments.h"

#define MARK 0x7e570000

#define EPERM  1
#define EFAULT 14
#define EINVAL 22
#define ENOSYS 38

#define SIGILL  4
#define SIGTRAP 5
#define SIGFPE  8
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGCHLD 17

#define SA_SIGINFO  4
#define SA_RESTORER 0x04000000
#define SA_ONSTACK  0x08000000

#define AT_SYSINFO      32
#define SPINS           30000000 /* 60 million instructions */
#define SLEEP_NS        50000000
#define CLOCK_MONOTONIC 1

struct action {
	void (*handler)(int signal, int *info, unsigned long *context);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask[2];
};

/* Words of struct ucontext: five, then struct sigcontext. */
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

struct timespec {
	long seconds, nanoseconds;
};

extern unsigned long sysinfo, bare_esp;
long by_int80(long nr, ...), by_sysinfo(long nr, ...), bare_sysenter(long nr);
long tf_sysenter(void);
unsigned long on_16_bit_stack(long *result);
void busy_loop(unsigned long rounds);
void sigreturn(void), leave(int status);
extern char bare_sysenter_back[], tf_sysenter_back[];

static const char *experiment = "";
static int bad;

/* ---- text ---- */
static char line[160];
static unsigned used;

static void add(const char *text)
{
	while (*text && used < sizeof(line))
		line[used++] = *text++;
}

static void add_number(long value)
{
	char digits[12];
	unsigned n = sizeof(digits);
	unsigned long rest = value < 0 ? -(unsigned long)value : (unsigned long)value;

	digits[--n] = 0;
	do {
		digits[--n] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		digits[--n] = '-';
	add(digits + n);
}

static void add_hex(unsigned long value)
{
	add("0x");
	for (int shift = 28; shift >= 0; shift -= 4)
		if (value >> shift || shift == 0) {
			char digit[2] = {"0123456789abcdef"[value >> shift & 15], 0};

			add(digit);
		}
}

static void flush(void)
{
	add("\n");
	by_int80(NR_WRITE, 1, line, used);
	used = 0;
}

static void begin(const char *what)
{
	add("EXP ");
	add(experiment);
	add(": ");
	add(what);
}

static void judge(int good)
{
	add(good ? ": ok" : ": BAD");
	bad += !good;
	flush();
}

static void expect(const char *what, long wanted, long found)
{
	begin(what);
	add(": expected ");
	add_number(wanted);
	add(", found ");
	add_number(found);
	judge(wanted == found);
}

static void expect_hex(const char *what, unsigned long wanted, unsigned long found)
{
	begin(what);
	add(": expected ");
	add_hex(wanted);
	add(", found ");
	add_hex(found);
	judge(wanted == found);
}

static void expect_between(const char *what, long least, long most, long found)
{
	begin(what);
	add(": expected ");
	add_number(least);
	add(" to ");
	add_number(most);
	add(", found ");
	add_number(found);
	judge(found >= least && found <= most);
}

/* ---- little helpers ---- */
static void on_signal(int signal, void (*handler)(int, int *, unsigned long *))
{
	struct action action = {handler, SA_SIGINFO | SA_RESTORER | SA_ONSTACK, sigreturn, {0, 0}};

	if (by_int80(NR_RT_SIGACTION, signal, &action, 0, 8))
		expect("sigaction", 0, 1);
}

static long status_of(long pid)
{
	int status = -1;

	return by_int80(NR_WAIT4, pid, &status, 0, 0) == pid ? status : -1;
}

static long microseconds(void)
{
	struct timespec now = {0, 0};

	by_int80(NR_CLOCK_GETTIME, CLOCK_MONOTONIC, &now);
	return now.seconds % 1000 * 1000000 + now.nanoseconds / 1000;
}

/* ---- fork ---- */
static void fork_by_int80(void)
{
	long pid = by_int80(NR_FORK);

	if (pid == 0)
		leave(7);
	expect("the parent sees a child", 1, pid > 1);
	expect("the child saw 0 and left with 7", 7 << 8, status_of(pid));
}

/* fork() of a C library: clone with CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID and SIGCHLD, through AT_SYSINFO. */
static void fork_by_library(void)
{
	long id = 0, pid = by_sysinfo(NR_CLONE, 0x01200011, 0, 0, 0, &id);

	if (pid == 0)
		leave(id > 1 && id == by_int80(NR_GETPID) ? 9 : 1);
	expect("the parent sees a child", 1, pid > 1);
	expect("the child saw 0 and its id, and left with 9", 9 << 8, status_of(pid));
}

/* ---- system calls ---- */
static void sethostname_matrix(void)
{
	static const char name[80] = "glass";
	char about[6 * 65];

	expect("a good name", 0, by_int80(NR_SETHOSTNAME, name, 5));
	expect("length 0", 0, by_int80(NR_SETHOSTNAME, name, 0));
	expect("length 64", 0, by_int80(NR_SETHOSTNAME, name, 64));
	expect("length 65", -EINVAL, by_int80(NR_SETHOSTNAME, name, 65));
	expect("length -1", -EINVAL, by_int80(NR_SETHOSTNAME, name, -1));
	expect("pointer 0", -EFAULT, by_int80(NR_SETHOSTNAME, 0, 5));
	expect("pointer of the kernel", -EFAULT, by_int80(NR_SETHOSTNAME, 0xc0100000, 5));
	expect("pointer 0, length 65", -EINVAL, by_int80(NR_SETHOSTNAME, 0, 65));
	by_int80(NR_UNAME, about);
	expect_hex("the name after the failures", *(const unsigned long *)name, *(unsigned long *)(about + 65));
	expect("become 1000", 0, by_int80(NR_SETUID32, 1000));
	expect("user, a good name", -EPERM, by_int80(NR_SETHOSTNAME, name, 5));
	expect("user, length 65", -EPERM, by_int80(NR_SETHOSTNAME, name, 65));
	expect("user, pointer 0", -EPERM, by_int80(NR_SETHOSTNAME, 0, 5));
}

static void bad_numbers(void)
{
	expect("INT 80h, 9999", -ENOSYS, by_int80(9999));
	expect("INT 80h, -1", -ENOSYS, by_int80(-1));
	expect("SYSENTER, 9999", -ENOSYS, by_sysinfo(9999));
	expect("SYSENTER, -1", -ENOSYS, by_sysinfo(-1));
}

/* Behind INT 80h in the page of AT_SYSINFO: where SYSEXIT goes. */
static unsigned long landing_pad(void)
{
	const unsigned char *code = (const unsigned char *)sysinfo;

	for (unsigned i = 0; i < 32; i++)
		if (code[i] == 0x0f && code[i + 1] == 0x34 && code[i + 2] == 0xcd && code[i + 3] == 0x80)
			return sysinfo + i + 4;
	return 0;
}

static unsigned long seen_ip, seen_ax;

static void on_lost_stack(int signal, int *info, unsigned long *context)
{
	seen_ip = context[UC_IP];
	seen_ax = context[UC_AX];
	context[UC_IP] = (unsigned long)bare_sysenter_back;
	context[UC_SP] = bare_esp;
}

static void sysenter(void)
{
	static char stack[8192];
	const struct {
		void *at;
		int flags;
		unsigned long size;
	} other = {stack, 0, sizeof(stack)};

	expect("AT_SYSINFO has a SYSENTER", 1, landing_pad() != 0);
	expect("getpid by both", by_int80(NR_GETPID), by_sysinfo(NR_GETPID));
	by_int80(NR_SIGALTSTACK, &other, 0);
	on_signal(SIGSEGV, on_lost_stack);
	bare_sysenter(NR_GETPID);
	expect("the sixth argument's stack is bad", -EFAULT, (long)seen_ax);
	expect_hex("it comes back to the landing pad", landing_pad(), seen_ip);
}

/* ---- signals ---- */
static int signals, codes;
static unsigned long numbers, errors, addresses;

static void on_usr1(int signal, int *info, unsigned long *context)
{
	signals += signal == SIGUSR1;
	seen_ax = context[UC_AX];
}

static void a_signal(void)
{
	on_signal(SIGUSR1, on_usr1);
	expect("kill", 0, by_int80(NR_KILL, by_int80(NR_GETPID), SIGUSR1));
	expect("the handler ran", 1, signals);
	expect("with the call's result saved", 0, (long)seen_ax);
	expect("kill through SYSENTER", 0, by_sysinfo(NR_KILL, by_int80(NR_GETPID), SIGUSR1));
	expect("the handler ran again", 2, signals);
}

static void break_ss(int signal, int *info, unsigned long *context)
{
	context[UC_SS] = 0xf3;
}

static void mend_ss(int signal, int *info, unsigned long *context)
{
	signals++;
	codes = info[2];
	numbers = context[UC_TRAPNO];
	errors = context[UC_ERR];
	context[UC_SS] = 0x7b;
}

/* IRET itself faults; Linux's fixup makes a signal of it. */
static void bad_ss(void)
{
	on_signal(SIGUSR1, break_ss);
	on_signal(SIGILL, mend_ss);
	expect("kill, and a return with SS = f3h", 0, by_int80(NR_KILL, by_int80(NR_GETPID), SIGUSR1));
	expect("SIGILL came", 1, signals);
	expect("si_code is ILL_BADSTK", 8, codes);
	expect("trap number (iret)", 32, (long)numbers);
	expect("error code", 0, (long)errors);
}

/* ---- faults ---- */
#define RAISING(name)                                                                                                  \
	void name(void);                                                                                               \
	extern char name##_at[], name##_after[]
RAISING(div0);
RAISING(breakpoint);
RAISING(overflow);
RAISING(refused_int);
RAISING(refused_timer);
RAISING(undefined);
RAISING(privileged);
RAISING(read_nothing);
RAISING(write_text);

#define SI_KERNEL   0x80
#define ROW(name)   name, #name, name##_after
#define FAULT(name) name##_at
static const struct {
	void (*raise)(void);
	const char *name, *after, *ip;
	int signal, code;
	unsigned long trap, error, address;
} faults[] = {
	{ROW(div0), FAULT(div0), SIGFPE, 1, 0, 0, 0},
	{ROW(breakpoint), breakpoint_after, SIGTRAP, SI_KERNEL, 3, 0, 0},
	{ROW(overflow), overflow_after, SIGSEGV, SI_KERNEL, 4, 0, 0},
	{ROW(refused_int), FAULT(refused_int), SIGSEGV, SI_KERNEL, 13, 0x21 * 8 + 2, 0},
	{ROW(refused_timer), FAULT(refused_timer), SIGSEGV, SI_KERNEL, 13, 0xec * 8 + 2, 0},
	{ROW(undefined), FAULT(undefined), SIGILL, 2, 6, 0, 0},
	{ROW(privileged), FAULT(privileged), SIGSEGV, SI_KERNEL, 13, 0, 0},
	{ROW(read_nothing), FAULT(read_nothing), SIGSEGV, 1, 14, 4, 0x10},
	{ROW(write_text), FAULT(write_text), SIGSEGV, 2, 14, 7, (unsigned long)write_text},
};

static const char *resume;

static void on_fault(int signal, int *info, unsigned long *context)
{
	signals = signal;
	codes = info[2];
	numbers = context[UC_TRAPNO];
	errors = context[UC_ERR];
	addresses = context[UC_CR2];
	seen_ip = context[UC_IP];
	context[UC_IP] = (unsigned long)resume;
}

static void all_faults(void)
{
	on_signal(SIGILL, on_fault);
	on_signal(SIGTRAP, on_fault);
	on_signal(SIGFPE, on_fault);
	on_signal(SIGSEGV, on_fault);
	for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		resume = faults[i].after;
		signals = 0;
		faults[i].raise();
		add("EXP faults: ");
		add(faults[i].name);
		flush();
		expect("signal", faults[i].signal, signals);
		expect("si_code", faults[i].code, codes);
		expect("trap number", (long)faults[i].trap, (long)numbers);
		expect_hex("error code", faults[i].error, errors);
		expect_hex("saved EIP", (unsigned long)faults[i].ip, seen_ip);
		if (faults[i].trap == 14)
			expect_hex("CR2", faults[i].address, addresses);
	}
}

/* ---- stacks and flags ---- */
static void ldt_stack(void)
{
	static const struct {
		unsigned long entry, base, limit, flags;
	} segment = {0, LDT_BASE, 0xffff, 0x40}; /* 16 bit, data, writable, byte limit */
	long pid = by_int80(NR_GETPID), found = 0;
	unsigned long esp;

	expect_hex("memory for it", LDT_BASE, (unsigned long)by_int80(NR_MMAP2, LDT_BASE, 0x10000, 3, 0x32, -1, 0));
	expect("modify_ldt", 0, by_int80(NR_MODIFY_LDT, 1, &segment, sizeof(segment)));
	esp = on_16_bit_stack(&found);
	expect("getpid on it", pid, found);
	expect_hex("ESP behind it, all 32 bits", LDT_ESP, esp);
}

static unsigned long trapped[64];

static void on_trap(int signal, int *info, unsigned long *context)
{
	if (signals < 64)
		trapped[signals] = context[UC_IP];
	signals++;
}

/* CALL, three pushes and a MOV up to SYSENTER; no trap at the landing pad, one behind each of its three POPs and RET,
 * and the three that end it. */
static void tf_over_sysenter(void)
{
	long pid = by_int80(NR_GETPID);
	int at_pad = 0;

	on_signal(SIGTRAP, on_trap);
	expect("getpid", pid, tf_sysenter());
	expect("traps", 12, signals);
	for (int i = 0; i < signals && i < 64; i++)
		at_pad += trapped[i] == landing_pad();
	expect("at the landing pad", 0, at_pad);
	expect_hex("before SYSENTER", landing_pad() - 4, trapped[4]);
	expect_hex("first behind it", landing_pad() + 1, trapped[5]);
	expect_hex("back with the caller", (unsigned long)tf_sysenter_back, trapped[8]);
}

/* ---- time ---- */
static void busy(void)
{
	long pid, began = microseconds();

	pid = by_int80(NR_FORK);
	busy_loop(SPINS);
	if (pid == 0)
		leave(0);
	expect("the other one is done too", 0, status_of(pid));
	expect("time went on", 1, microseconds() > began);
}

static void sleep(void)
{
	const struct timespec ask = {0, SLEEP_NS};
	long began = microseconds();

	expect("clock_nanosleep", 0, by_int80(NR_CLOCK_NANOSLEEP, CLOCK_MONOTONIC, 0, &ask, 0));
	expect_between("microseconds", SLEEP_NS / 1000, 2 * SLEEP_NS / 1000, microseconds() - began);
}

/* ---- all of them ---- */
static const struct {
	const char *name;
	void (*run)(void);
} experiments_in_order[] = {
	{"fork-int80", fork_by_int80},
	{"fork-library", fork_by_library},
	{"sethostname", sethostname_matrix},
	{"badnumber", bad_numbers},
	{"sysenter", sysenter},
	{"signal", a_signal},
	{"badss", bad_ss},
	{"faults", all_faults},
	{"espfix", ldt_stack},
	{"tf", tf_over_sysenter},
	{"busy", busy},
	{"sleep", sleep},
};

static int run(int i)
{
	long pid;

	by_int80(MARK + 2 * i);
	pid = by_int80(NR_FORK);
	if (pid == 0) {
		bad = 0;
		experiment = experiments_in_order[i].name;
		by_int80(NR_PRCTL, 15 /* PR_SET_NAME */, experiment);
		experiments_in_order[i].run();
		leave(bad != 0);
	}
	pid = status_of(pid);
	by_int80(MARK + 2 * i + 1);
	experiment = experiments_in_order[i].name;
	expect("status", 0, pid);
	return pid != 0;
}

static void power_off(void)
{
	by_int80(NR_REBOOT, 0xfee1dead, 672274793, 0x4321fedc);
}

/* stack: argc, argv, 0, environment, 0, auxiliary vector. */
void experiments(unsigned long *stack)
{
	unsigned long *p = stack + 1 + stack[0] + 1;
	int failed = 0, count = sizeof(experiments_in_order) / sizeof(experiments_in_order[0]);

	if (by_int80(NR_GETPPID) != 1) {
		add("experiments: for process 1 of a guest only");
		flush();
		leave(2);
	}
	if (stack[0] > 1)
		power_off();
	while (*p++)
		;
	for (; p[0]; p += 2)
		if (p[0] == AT_SYSINFO)
			sysinfo = p[1];
	for (int i = 0; i < count; i++)
		failed += run(i);
	experiment = "all";
	expect("experiments that failed", 0, failed);
	leave(failed);
}
