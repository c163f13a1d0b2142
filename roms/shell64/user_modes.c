/* Experiments with compatibility mode: the i386's ways in, under a 64-bit kernel. */
#include "user64.h"

static struct compat_call how; /* below 4 GiB */

static long compat(const char *way, uint32_t number)
{
	how = (struct compat_call){number, 1, 2, 3, 4, 5, 6};
	return call_compat(way, &how);
}

static volatile unsigned long signal_cs, signal_ip, caught;

static void note(int number)
{
	signal_cs = SIGNAL_FRAME->cs;
	signal_ip = SIGNAL_FRAME->ip;
	caught++;
}

static void by_sysenter(void)
{
	leave((int)compat(compat_sysenter, NR32_getpid) == getpid() ? 42 : 1);
}

static void by_syscall(void)
{
	leave((int)compat(compat_syscall, NR32_getpid) == getpid() ? 42 : 1);
}

static void step_over(int number)
{
	note(number);
}

/* Intel's SYSENTER keeps TF: the first instruction of the kernel steps, with ring 3's GS. */
static void step_over_sysenter(const struct lab_info *info)
{
	struct lab_seen seen;

	on_signal(SIGTRAP, step_over);
	see(&seen);
	compat(compat_sysenter_tf, NR32_getpid);
	see(&seen);
	on_signal(SIGTRAP, NULL);
	check("TF over SYSENTER: #DB in ring 0, once", 1, seen.step.count);
	check("on the first instruction: RIP", info->entry_sysenter, seen.step.ip);
	check("RSP: SYSENTER_ESP, the entry stack", info->entry_stack_top, seen.step.sp);
	check("on the stack of IST 3", info->ist[IST_DB - 1], seen.step.at);
	check("CR3 there: ring 3's", info->user_cr3, seen.step.cr3);
}

static void try_sysenter64(const struct lab_info *info)
{
	struct lab_seen seen;

	about("compat, SYSENTER");
	see(&seen);
	if (!info->has_sysenter) {
		check("no SYSENTER in IA-32e mode here: SIGILL", SIGILL, (unsigned long)in_child(by_sysenter));
		see(&seen);
		check("vector", 6, seen.user.vector);
		return;
	}
	check("getpid", EXITED(42), (unsigned long)in_child(by_sysenter));
	check("six arguments, the sixth from the user stack", 654321,
	      (unsigned long)compat(compat_sysenter, NR32_sixargs));
	see(&seen);
	check("entry_SYSENTER_compat was entered", 2, seen.sysenters);
	step_over_sysenter(info);
}

static void try_syscall32(const struct lab_info *info)
{
	struct lab_seen seen;

	about("compat, SYSCALL");
	see(&seen);
	if (!info->has_syscall32) {
		check("no SYSCALL in compatibility mode here: SIGILL", SIGILL, (unsigned long)in_child(by_syscall));
		see(&seen);
		check("vector", 6, seen.user.vector);
		return;
	}
	check("getpid", EXITED(42), (unsigned long)in_child(by_syscall));
	see(&seen);
	check("it came by the i386's table", 1, seen.ia32_syscalls);
}

void try_compat(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	about("compat, int 80h");
	see(&seen);
	check("getpid", (unsigned long)getpid(), (unsigned long)compat(compat_int80, NR32_getpid));
	check("six arguments", 654321, (unsigned long)compat(compat_int80, NR32_sixargs));
	check("a bad number: -ENOSYS", (unsigned long)-ENOSYS, (unsigned long)compat(compat_int80, 9999));
	see(&seen);
	check("they came by the i386's table", 3, seen.ia32_syscalls);
	lab(LAB_WATCH, info.system_call, WATCH_EXECUTE);
	compat(compat_int80, NR32_getpid);
	see(&seen);
	check("a breakpoint on entry_INT80 was met: RIP", info.system_call, seen.watch.ip);
	check("CS there: 64-bit code", __KERNEL_CS, seen.watch.cs);
	check("RSP there: five words below the entry stack's top, of 8 bytes", info.sp0 - 40, seen.watch.sp);
	caught = 0;
	on_signal(SIGTRAP, note);
	call_compat(compat_int3, &how);
	on_signal(SIGTRAP, NULL);
	check("INT3: the handler, 64-bit code, ran once", 1, caught);
	check("CS in its frame", __USER32_CS, signal_cs);
	try_sysenter64(&info);
	try_syscall32(&info);
}
