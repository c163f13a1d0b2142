/* See shared.h. */
#include "shared.h"

#define MARK            0x7e570000
#define SA_SIGINFO      4
#define SA_RESTORER     0x04000000
#define SA_ONSTACK      0x08000000
#define SLEEP_NS        50000000
#define CLOCK_MONOTONIC 1

struct action {
	void (*handler)(int signal, int *info, unsigned long *context);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask[2];
};

struct timespec {
	long seconds, nanoseconds;
};

static const char *experiment = "";
static int bad;
int signals, codes;
unsigned long numbers, errors, addresses, seen_ip, seen_ax;

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
	char digits[24];
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
	for (int shift = 8 * (int)sizeof(value) - 4; shift >= 0; shift -= 4)
		if (value >> shift || shift == 0) {
			char digit[2] = {"0123456789abcdef"[value >> shift & 15], 0};

			add(digit);
		}
}

static void flush(void)
{
	add("\n");
	call(NR_WRITE, 1, line, used);
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

void expect(const char *what, long wanted, long found)
{
	begin(what);
	add(": expected ");
	add_number(wanted);
	add(", found ");
	add_number(found);
	judge(wanted == found);
}

void expect_hex(const char *what, unsigned long wanted, unsigned long found)
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
void on_signal(int signal, void (*handler)(int, int *, unsigned long *))
{
	struct action action = {handler, SA_SIGINFO | SA_RESTORER | SA_ONSTACK, sigreturn, {0, 0}};

	if (call(NR_RT_SIGACTION, signal, &action, 0, 8))
		expect("sigaction", 0, 1);
}

long status_of(long pid)
{
	int status = -1;

	return call(NR_WAIT4, pid, &status, 0, 0) == pid ? status : -1;
}

static long microseconds(void)
{
	struct timespec now = {0, 0};

	call(NR_CLOCK_GETTIME, CLOCK_MONOTONIC, &now);
	return now.seconds % 1000 * 1000000 + now.nanoseconds / 1000;
}

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

void each_fault(const struct fault *faults, unsigned count)
{
	on_signal(SIGILL, on_fault);
	on_signal(SIGTRAP, on_fault);
	on_signal(SIGFPE, on_fault);
	on_signal(SIGSEGV, on_fault);
	on_signal(SIGBUS, on_fault);
	for (unsigned i = 0; i < count; i++) {
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

RAISING(div0);
RAISING(breakpoint);
RAISING(overflow);
RAISING(refused_int);
RAISING(refused_timer);
RAISING(undefined);
RAISING(privileged);
RAISING(read_nothing);
RAISING(write_text);

static const struct fault raised_by_both[] = {
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

void common_faults(void)
{
	each_fault(raised_by_both, sizeof(raised_by_both) / sizeof(raised_by_both[0]));
}

/* ---- time ---- */
void busy(void)
{
	long pid, began = microseconds();

	pid = call(NR_FORK);
	busy_loop(SPINS);
	if (pid == 0)
		leave(0);
	expect("the other one is done too", 0, status_of(pid));
	expect("time went on", 1, microseconds() > began);
}

void sleep(void)
{
	const struct timespec ask = {0, SLEEP_NS};
	long began = microseconds();

	expect("clock_nanosleep", 0, call(NR_CLOCK_NANOSLEEP, CLOCK_MONOTONIC, 0, &ask, 0));
	expect_between("microseconds", SLEEP_NS / 1000, 2 * SLEEP_NS / 1000, microseconds() - began);
}

/* ---- all of them ---- */
static int run(const struct experiment *e, int i)
{
	long pid;

	by_int80(MARK + 2 * i);
	pid = call(NR_FORK);
	if (pid == 0) {
		bad = 0;
		experiment = e->name;
		call(NR_PRCTL, 15 /* PR_SET_NAME */, experiment);
		e->run();
		leave(bad != 0);
	}
	pid = status_of(pid);
	by_int80(MARK + 2 * i + 1);
	experiment = e->name;
	expect("status", 0, pid);
	return pid != 0;
}

/* A word of the auxiliary vector; stack: argc, argv, 0, environment, 0, auxiliary vector. */
unsigned long auxiliary(unsigned long *stack, unsigned long type)
{
	unsigned long *p = stack + 1 + stack[0] + 1;

	while (*p++)
		;
	while (p[0] && p[0] != type)
		p += 2;
	return p[0] ? p[1] : 0;
}

void run_all(unsigned long argc, const struct experiment *list, int count)
{
	int failed = 0;

	if (call(NR_GETPPID) != 1) {
		add("experiments: for process 1 of a guest only");
		flush();
		leave(2);
	}
	if (argc > 1)
		call(NR_REBOOT, 0xfee1dead, 672274793, 0x4321fedc);
	for (int i = 0; i < count; i++)
		failed += run(list + i, i);
	experiment = "all";
	expect("experiments that failed", 0, failed);
	leave(failed);
}
