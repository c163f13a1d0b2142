/* Experiments with the interrupt path of Linux for x86-64, as experiments.c is for i386.  The system calls are those of
 * calls64.S. */
#include "shared.h"

#define AT_HWCAP2       26
#define HWCAP2_FSGSBASE 2
#define ARCH_SET_FS     0x1002
#define ARCH_GET_FS     0x1003

long tf_syscall(void), compatible(unsigned long ss, unsigned long esp, long *result);
void high_registers(unsigned long found[8]), what_syscall_leaves(unsigned long found[3]);
void keep_vectors(const void *in, void *out, unsigned long rounds, long yield);
void keep_upper(const void *in, void *out, unsigned long rounds);
void kill_with_vectors(const void *in, void *out, long pid), spoil_vectors(void);
unsigned cpuid_ecx(unsigned leaf);
void set_bases(unsigned long fs, unsigned long gs), get_bases(unsigned long found[2]);
extern char what_syscall_leaves_after[], tf_syscall_at[], tf_syscall_after[], tf_syscall_third[], tf_syscall_back[];
static unsigned long hwcap2;

/* ---- fork ---- */
static void fork_by_syscall(void)
{
	long pid = by_syscall(NR_FORK);

	if (pid == 0)
		leave(7);
	expect("the parent sees a child", 1, pid > 1);
	expect("the child saw 0 and left with 7", 7 << 8, status_of(pid));
}

/* fork() of a C library: clone with CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID and SIGCHLD. */
static void fork_by_library(void)
{
	int id = 0;
	long pid = by_syscall(NR_CLONE, 0x01200011, 0, 0, &id, 0);

	if (pid == 0)
		leave(id > 1 && id == by_syscall(NR_GETPID) ? 9 : 1);
	expect("the parent sees a child", 1, pid > 1);
	expect("the child saw 0 and its id, and left with 9", 9 << 8, status_of(pid));
}

/* ---- system calls ---- */
static void bad_numbers(void)
{
	expect("SYSCALL, 9999", -ENOSYS, by_syscall(9999));
	expect("SYSCALL, -1", -ENOSYS, by_syscall(-1));
	expect("INT 80h, 9999", -ENOSYS, by_int80(9999));
	expect("INT 80h, -1", -ENOSYS, by_int80(-1));
}

static void syscall(void)
{
	unsigned long found[3];

	what_syscall_leaves(found);
	expect_hex("RCX is where it went on", (unsigned long)what_syscall_leaves_after, found[0]);
	expect_hex("R11 is RFLAGS", found[2], found[1]);
	expect("a pointer that is not canonical", -EFAULT, by_syscall(NR_WRITE, 1, 0x8000000000000000, 1));
	expect("a pointer of the kernel", -EFAULT, by_syscall(NR_WRITE, 1, 0xffffffff81000000, 1));
	expect("the sixth argument", -EINVAL, by_syscall(NR_MMAP, 0, 4096, 3, 0x22, -1, 1L));
}

static void int80_of_64_bit_code(void)
{
	unsigned long high[8];
	long pid = by_syscall(NR_GETPID);

	expect("getpid by both", pid, by_int80(NR32_GETPID));
	expect("the high half of RAX is not looked at", pid, by_int80(0x7700000000 | NR32_GETPID));
	expect_hex("ENOSYS fills all of RAX", -ENOSYS, (unsigned long)by_int80(9999));
	expect("a pointer's high half is cut", -EFAULT, by_int80(NR32_WRITE, 1, 0x7fff00000000, 1));
	high_registers(high);
	for (unsigned long i = 0; i < 8; i++)
		expect_hex("R8 to R15 are kept", 0x0123456789abcdef + 8 + i, high[i]);
}

/* 32-bit code in a 64-bit process, then with a 16-bit stack of the LDT: IRETQ loads SP only, Linux's espfix does the
 * rest. */
static void compatibility_mode(void)
{
	static const struct {
		unsigned entry, base, limit, flags;
	} segment = {0, LDT_BASE, 0xffff, 0x40}; /* 16 bit, data, writable, byte limit */
	long pid = by_syscall(NR_GETPID), found = 0;
	long stack = by_syscall(NR_MMAP, LDT_BASE, 0x10000, 3, 0x32, -1, 0L);

	expect_hex("memory for it", LDT_BASE, (unsigned long)stack);
	expect_hex("ESP behind it", LDT_ESP, (unsigned long)compatible(USER_DS, LDT_ESP, &found));
	expect("getpid", pid, found);
	found = (int)by_syscall(NR_MODIFY_LDT, 1, &segment, sizeof(segment));
	if (found == -EINVAL) /* a kernel without CONFIG_X86_16BIT, as Debian's for clouds */
		return;
	expect("modify_ldt", 0, found);
	expect_hex("ESP behind it, all 32 bits", LDT_ESP, (unsigned long)compatible(LDT_SS, LDT_ESP, &found));
	expect("getpid on a 16-bit stack", pid, found);
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
	expect("kill", 0, by_syscall(NR_KILL, by_syscall(NR_GETPID), SIGUSR1));
	expect("the handler ran", 1, signals);
	expect("with the call's result saved", 0, (long)seen_ax);
	expect("kill by INT 80h", 0, by_int80(37, by_syscall(NR_GETPID), SIGUSR1));
	expect("the handler ran again", 2, signals);
}

static unsigned long good_ip, good_selectors, bad_ip;

static void break_ss(int signal, int *info, unsigned long *context)
{
	good_selectors = context[UC_SELECTORS];
	context[UC_SELECTORS] = (good_selectors & 0xffffffffffff) | 0xf3ul << 48;
}

static void break_ip(int signal, int *info, unsigned long *context)
{
	good_ip = context[UC_IP];
	context[UC_IP] = bad_ip;
}

static void mend(int signal, int *info, unsigned long *context)
{
	signals++;
	codes = info[2];
	numbers = context[UC_TRAPNO];
	errors = context[UC_ERR];
	seen_ip = context[UC_IP];
	if (good_selectors)
		context[UC_SELECTORS] = good_selectors;
	if (good_ip)
		context[UC_IP] = good_ip;
}

/* IRETQ itself faults; Linux makes a signal of it. */
static void bad_return(void)
{
	on_signal(SIGUSR1, break_ss);
	on_signal(SIGSEGV, mend);
	expect("kill, and a return with SS = f3h", 0, by_syscall(NR_KILL, by_syscall(NR_GETPID), SIGUSR1));
	expect("SIGSEGV came", 1, signals);
	expect("trap number", 13, (long)numbers);
	expect_hex("error code", 0xf0, errors);
	good_selectors = 0;
	bad_ip = 0x8000000000000000;
	on_signal(SIGUSR1, break_ip);
	expect("kill, and a return that is not canonical", 0, by_syscall(NR_KILL, by_syscall(NR_GETPID), SIGUSR1));
	expect("SIGSEGV came again", 2, signals);
	expect("trap number", 13, (long)numbers);
	expect_hex("error code", 0, errors);
	expect_hex("RIP", bad_ip, seen_ip);
}

/* ---- faults ---- */
RAISING(read_beyond);
RAISING(jump_beyond);
RAISING(push_beyond);
RAISING(read_kernel);
RAISING(into_64);
RAISING(far_pointer);
RAISING(xm);
RAISING(mf);
RAISING(no_code);

static const struct fault of_64_bits[] = {
	{ROW(read_beyond), FAULT(read_beyond), SIGSEGV, SI_KERNEL, 13, 0, 0},
	{ROW(jump_beyond), FAULT(jump_beyond), SIGSEGV, SI_KERNEL, 13, 0, 0},
	{ROW(push_beyond), FAULT(push_beyond), SIGBUS, SI_KERNEL, 12, 0, 0},
	{ROW(read_kernel), FAULT(read_kernel), SIGSEGV, 1, 14, 5, 0xffffffff81000000},
	{ROW(into_64), FAULT(into_64), SIGILL, 2, 6, 0, 0},
	{ROW(far_pointer), FAULT(far_pointer), SIGILL, 2, 6, 0, 0},
	{ROW(xm), FAULT(xm), SIGFPE, 3, 19, 0, 0},
	{ROW(mf), FAULT(mf), SIGFPE, 3, 16, 0, 0},
	{ROW(no_code), FAULT(no_code), SIGSEGV, 2, 14, 0x15, (unsigned long)no_code},
};

static void faults_of_64_bits(void)
{
	static volatile char stack[16384];
	const struct {
		volatile void *at;
		int flags;
		unsigned long size;
	} other = {stack, 0, sizeof(stack)};

	for (unsigned i = 0; i < sizeof(stack); i += 1024)
		stack[i] = 1; /* the kernel's writes there find pages */
	stack[sizeof(stack) - 1] = 1;
	by_syscall(NR_SIGALTSTACK, &other, 0);
	each_fault(of_64_bits, sizeof(of_64_bits) / sizeof(of_64_bits[0]));
}

static unsigned long trapped[64];

static void on_trap(int signal, int *info, unsigned long *context)
{
	if (signals < 64)
		trapped[signals] = context[UC_IP];
	signals++;
}

/* SYSCALL clears TF by IA32_FMASK: no trap comes behind it, one behind the instruction after the return. */
static void tf_over_syscall(void)
{
	on_signal(SIGTRAP, on_trap);
	expect("getpid", by_syscall(NR_GETPID), tf_syscall());
	expect("traps", 5, signals);
	expect_hex("before SYSCALL", (unsigned long)tf_syscall_at, trapped[0]);
	expect_hex("first behind it", (unsigned long)tf_syscall_third, trapped[1]);
	expect_hex("last", (unsigned long)tf_syscall_back, trapped[4]);
}

/* ---- state kept across switches ---- */
struct vectors {
	unsigned char xmm[256];
	unsigned mxcsr;
	unsigned char st0[12];
};
static struct vectors wanted, found;
static unsigned char upper[512], upper_found[512];

/* Different for each PID; MXCSR with a rounding mode and all masked, ST0 normal. */
static void pattern(long pid)
{
	for (unsigned i = 0; i < sizeof(upper); i++)
		upper[i] = (unsigned char)(i * 7 + (unsigned)pid * 13);
	for (unsigned i = 0; i < sizeof(wanted.xmm); i++)
		wanted.xmm[i] = (unsigned char)(i * 5 + (unsigned)pid * 11);
	wanted.mxcsr = 0x1f80 | ((unsigned)pid & 3) << 13;
	for (unsigned i = 0; i < 10; i++)
		wanted.st0[i] = (unsigned char)(0x81 + (unsigned)pid);
}

static long differ(const void *a, const void *b, unsigned size)
{
	const unsigned char *x = a, *y = b;
	long n = 0;

	for (unsigned i = 0; i < size; i++)
		n += x[i] != y[i];
	return n;
}

/* CPUID.1:ECX.OSXSAVE and AVX */
static int has_avx(void)
{
	return (cpuid_ecx(1) & 0x18000000) == 0x18000000;
}

static long vectors_kept(void)
{
	long lost = 0;

	pattern(by_syscall(NR_GETPID));
	keep_vectors(&wanted, &found, SPINS / 4, 0);
	lost += differ(&wanted, &found, 270);
	keep_vectors(&wanted, &found, 50, 1);
	lost += differ(&wanted, &found, 270);
	if (has_avx()) {
		keep_upper(upper, upper_found, SPINS / 4);
		lost += differ(upper, upper_found, sizeof(upper));
	}
	return lost;
}

static void on_spoil(int signal, int *info, unsigned long *context)
{
	signals++;
	spoil_vectors();
}

static void vectors(void)
{
	long pid = by_syscall(NR_FORK), lost = vectors_kept();

	if (pid == 0)
		leave(lost != 0);
	expect("bytes of vector and x87 registers lost", 0, lost);
	expect("the other one lost none", 0, status_of(pid));
	expect("AVX was looked at", has_avx(), upper_found[1] != 0);
	on_signal(SIGUSR1, on_spoil);
	kill_with_vectors(&wanted, &found, by_syscall(NR_GETPID));
	expect("a signal's handler ran", 1, signals);
	expect("bytes lost over it", 0, differ(&wanted, &found, 270));
}

/* Bases of FS and GS, by arch_prctl and (FSGSBASE) by instructions, over switches and in a new process. */
static void bases(void)
{
	unsigned long fs = 0, now[2] = {0, 0};
	long pid;

	expect("set FS", 0, by_syscall(NR_ARCH_PRCTL, ARCH_SET_FS, 0x123456789000));
	expect("not canonical", -EPERM, by_syscall(NR_ARCH_PRCTL, ARCH_SET_FS, 0x8000000000000000));
	by_syscall(NR_SCHED_YIELD);
	expect("get FS", 0, by_syscall(NR_ARCH_PRCTL, ARCH_GET_FS, &fs));
	expect_hex("base of FS", 0x123456789000, fs);
	if (!(hwcap2 & HWCAP2_FSGSBASE))
		return;
	get_bases(now);
	expect_hex("RDFSBASE", 0x123456789000, now[0]);
	set_bases(0xffff812345678000, 0x00007edcba987000);
	pid = by_syscall(NR_FORK);
	busy_loop(SPINS / 4);
	get_bases(now);
	if (pid == 0)
		leave(now[0] != 0xffff812345678000 || now[1] != 0x00007edcba987000);
	expect_hex("RDFSBASE", 0xffff812345678000, now[0]);
	expect_hex("RDGSBASE", 0x00007edcba987000, now[1]);
	expect("the same in a child", 0, status_of(pid));
}

/* ---- all of them ---- */
static const struct experiment experiments_in_order[] = {
	{"fork-syscall", fork_by_syscall},
	{"fork-library", fork_by_library},
	{"badnumber", bad_numbers},
	{"syscall", syscall},
	{"int80", int80_of_64_bit_code},
	{"compat", compatibility_mode},
	{"signal", a_signal},
	{"badreturn", bad_return},
	{"faults", common_faults},
	{"faults64", faults_of_64_bits},
	{"tf", tf_over_syscall},
	{"vectors", vectors},
	{"bases", bases},
	{"busy", busy},
	{"sleep", sleep},
};

void experiments(unsigned long *stack)
{
	hwcap2 = auxiliary(stack, AT_HWCAP2);
	run_all(stack[0], experiments_in_order, sizeof(experiments_in_order) / sizeof(experiments_in_order[0]));
}
