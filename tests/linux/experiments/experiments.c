/* Experiments with the interrupt path of Linux for i386, each with what is expected and what was found.  Freestanding:
 * no library, every system call is one of calls.S.  How it is called: shared.h. */
#include "experiments.h"
#include "shared.h"

#define AT_SYSINFO 32

extern unsigned long sysinfo, bare_esp;
long by_sysinfo(long nr, ...), bare_sysenter(long nr);
long tf_sysenter(void);
unsigned long on_16_bit_stack(long *result);
extern char bare_sysenter_back[], tf_sysenter_back[];

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

/* ---- all of them ---- */
static const struct experiment experiments_in_order[] = {
	{"fork-int80", fork_by_int80},
	{"fork-library", fork_by_library},
	{"sethostname", sethostname_matrix},
	{"badnumber", bad_numbers},
	{"sysenter", sysenter},
	{"signal", a_signal},
	{"badss", bad_ss},
	{"faults", common_faults},
	{"espfix", ldt_stack},
	{"tf", tf_over_sysenter},
	{"busy", busy},
	{"sleep", sleep},
};

/* stack: argc, argv, 0, environment, 0, auxiliary vector. */
void experiments(unsigned long *stack)
{
	sysinfo = auxiliary(stack, AT_SYSINFO);
	run_all(stack[0], experiments_in_order, sizeof(experiments_in_order) / sizeof(experiments_in_order[0]));
}
