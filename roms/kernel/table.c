/* sys_call_table: entry n is called for eax = n; its arguments are ebx, ecx, edx, esi, edi, ebp. */
#include "kernel.h"

typedef asmlinkage int system_call_function(void);

asmlinkage int sys_ni_syscall(void);
asmlinkage int sys_ni_syscall(void)
{
	return -ENOSYS;
}

extern system_call_function sys_exit, sys_fork, sys_read, sys_write, sys_waitpid, sys_getpid, sys_setuid, sys_getuid,
	sys_ptrace, sys_kill, sys_getppid, sys_sigaction, sys_sethostname, sys_sigreturn, sys_uname, sys_modify_ldt,
	sys_sched_yield, sys_nanosleep, sys_lab, sys_sixargs;
extern system_call_function *const sys_call_table[NR_syscalls];

#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
system_call_function *const sys_call_table[NR_syscalls] = {
	[0 ... NR_syscalls - 1] = sys_ni_syscall,
	[NR_exit] = sys_exit,
	[NR_fork] = sys_fork,
	[NR_read] = sys_read,
	[NR_write] = sys_write,
	[NR_waitpid] = sys_waitpid,
	[NR_getpid] = sys_getpid,
	[NR_setuid] = sys_setuid,
	[NR_getuid] = sys_getuid,
	[NR_ptrace] = sys_ptrace,
	[NR_kill] = sys_kill,
	[NR_getppid] = sys_getppid,
	[NR_sigaction] = sys_sigaction,
	[NR_sethostname] = sys_sethostname,
	[NR_sigreturn] = sys_sigreturn,
	[NR_uname] = sys_uname,
	[NR_modify_ldt] = sys_modify_ldt,
	[NR_sched_yield] = sys_sched_yield,
	[NR_nanosleep] = sys_nanosleep,
	[NR_lab] = sys_lab,
	[NR_sixargs] = sys_sixargs,
};
#pragma GCC diagnostic pop
