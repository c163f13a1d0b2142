/* sys_call_table: entry n is called for rax = n; its arguments are rdi, rsi, rdx, r10, r8, r9.  ia32_sys_call_table: of i386
 * programs, by the numbers of theirs; ebx, ecx, edx, esi, edi, ebp. */
#include "kernel.h"

typedef long system_call_function(void);

long sys_ni_syscall(void);
long sys_ni_syscall(void)
{
	return -ENOSYS;
}

extern system_call_function sys_exit, sys_fork, sys_read, sys_write, sys_waitpid, sys_getpid, sys_setuid, sys_getuid,
	sys_ptrace, sys_kill, sys_getppid, sys_sigaction, sys_sethostname, sys_sigreturn, sys_uname, sys_modify_ldt,
	sys_sched_yield, sys_nanosleep, sys_arch_prctl, sys_lab, sys_sixargs;
extern system_call_function *const sys_call_table[NR_syscalls], *const ia32_sys_call_table[NR_syscalls];

#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
system_call_function *const sys_call_table[NR_syscalls] = {
	[0 ... NR_syscalls - 1] = sys_ni_syscall,
	[NR_read] = sys_read,
	[NR_write] = sys_write,
	[NR_sigaction] = sys_sigaction,
	[NR_sigreturn] = sys_sigreturn,
	[NR_sched_yield] = sys_sched_yield,
	[NR_nanosleep] = sys_nanosleep,
	[NR_getpid] = sys_getpid,
	[NR_fork] = sys_fork,
	[NR_exit] = sys_exit,
	[NR_waitpid] = sys_waitpid,
	[NR_kill] = sys_kill,
	[NR_uname] = sys_uname,
	[NR_ptrace] = sys_ptrace,
	[NR_getuid] = sys_getuid,
	[NR_setuid] = sys_setuid,
	[NR_getppid] = sys_getppid,
	[NR_modify_ldt] = sys_modify_ldt,
	[NR_arch_prctl] = sys_arch_prctl,
	[NR_sethostname] = sys_sethostname,
	[NR_lab] = sys_lab,
	[NR_sixargs] = sys_sixargs,
};

system_call_function *const ia32_sys_call_table[NR_syscalls] = {
	[0 ... NR_syscalls - 1] = sys_ni_syscall,
	[NR32_exit] = sys_exit,
	[NR32_fork] = sys_fork,
	[NR32_write] = sys_write,
	[NR32_getpid] = sys_getpid,
	[NR32_sched_yield] = sys_sched_yield,
	[NR32_lab] = sys_lab,
	[NR32_sixargs] = sys_sixargs,
};
#pragma GCC diagnostic pop
