/* The plain system calls, and the hooks of traced ones. */
#include "kernel.h"

#define HOST_NAME 65 /* with the 0 at its end */
#define CHUNK     256ul

static char host_name[HOST_NAME] = "trapgate";

long sys_getpid(void);
long sys_getpid(void)
{
	return (long)current->pid;
}

long sys_getppid(void);
long sys_getppid(void)
{
	return current->parent ? (long)current->parent->pid : 0;
}

long sys_getuid(void);
long sys_getuid(void)
{
	return current->uid;
}

long sys_setuid(uint32_t uid);
long sys_setuid(uint32_t uid)
{
	if (current->uid && current->uid != uid)
		return -EPERM;
	current->uid = uid;
	return 0;
}

long sys_read(uint64_t fd, uint64_t buffer, uint64_t n);
long sys_read(uint64_t fd, uint64_t buffer, uint64_t n)
{
	char chunk[CHUNK];
	int got;

	if (fd != 0)
		return -EBADF;
	got = tty_read(chunk, n < CHUNK ? (uint32_t)n : CHUNK);
	if (got > 0 && copy_to_user(buffer, chunk, (uint64_t)got))
		return -EFAULT;
	return got;
}

long sys_write(uint64_t fd, uint64_t buffer, uint64_t n);
long sys_write(uint64_t fd, uint64_t buffer, uint64_t n)
{
	char chunk[CHUNK];

	if (fd != 1 && fd != 2)
		return -EBADF;
	for (uint64_t done = 0; done < n;) {
		uint64_t part = n - done < CHUNK ? n - done : CHUNK;

		if (copy_from_user(chunk, buffer + done, part))
			return done ? (long)done : -EFAULT;
		tty_write(chunk, (uint32_t)part);
		done += part;
	}
	return (long)n;
}

/* The order of the checks is Linux's: who, then how long, then where. */
long sys_sethostname(uint64_t name, int length);
long sys_sethostname(uint64_t name, int length)
{
	char copy[HOST_NAME];

	if (current->uid)
		return -EPERM;
	if (length < 0 || length >= HOST_NAME)
		return -EINVAL;
	fill_bytes(copy, 0, HOST_NAME);
	if (length && copy_from_user(copy, name, (uint64_t)length))
		return -EFAULT;
	copy_bytes(host_name, copy, HOST_NAME);
	return 0;
}

/* (buffer of 65 bytes): the host's name. */
long sys_uname(uint64_t buffer);
long sys_uname(uint64_t buffer)
{
	return copy_to_user(buffer, host_name, HOST_NAME);
}

long sys_sched_yield(void);
long sys_sched_yield(void)
{
	set_need_resched(current, RESCHED_YIELD);
	return 0;
}

/* (milliseconds) */
long sys_nanosleep(uint64_t ms);
long sys_nanosleep(uint64_t ms)
{
	uint32_t until;
	bool whole;

	cli();
	until = jiffies + (uint32_t)ms * (HZ / 1000) + 1;
	whole = sleep_on(&until, until ? until : 1);
	sti();
	return whole ? 0 : -EINTR;
}

long sys_sixargs(long a, long b, long c, long d, long e, long f);
long sys_sixargs(long a, long b, long c, long d, long e, long f)
{
	return a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * f;
}

/* Bases of FS and GS.  GS's is in KERNEL_GS_BASE while the kernel runs; the upper half is the kernel's: paranoid_entry
 * tells by it, where there is no FSGSBASE. */
long sys_arch_prctl(uint64_t code, uint64_t value);
long sys_arch_prctl(uint64_t code, uint64_t value)
{
	uint32_t msr = code == ARCH_SET_GS || code == ARCH_GET_GS ? MSR_KERNEL_GS_BASE : MSR_FS_BASE;
	uint64_t base;

	if (code < ARCH_SET_GS || code > ARCH_GET_GS)
		return -EINVAL;
	if (code == ARCH_GET_FS || code == ARCH_GET_GS) {
		base = rdmsr(msr);
		return copy_to_user(value, &base, sizeof(base));
	}
	if (value >= TASK_SIZE)
		return -EPERM;
	wrmsr(msr, value);
	return 0;
}

/* Linux's struct user_desc. */
struct user_desc {
	uint32_t entry, base, limit;
	uint32_t big : 1, contents : 2, read_exec_only : 1, limit_in_pages : 1, not_present : 1, useable : 1;
};

/* (1, struct user_desc *, its size): writes a descriptor of ring 3 into the task's LDT. */
long sys_modify_ldt(uint64_t function, uint64_t from, uint64_t size);
long sys_modify_ldt(uint64_t function, uint64_t from, uint64_t size)
{
	struct user_desc desc;
	uint32_t access;

	if (function != 1)
		return -ENOSYS;
	if (size != sizeof(desc))
		return -EINVAL;
	if (copy_from_user(&desc, from, sizeof(desc)))
		return -EFAULT;
	if (desc.entry >= LDT_ENTRIES || desc.contents == 3)
		return -EINVAL;
	/* SDM 3A "Segment Descriptors": G, D/B; P, DPL 3, S, code, expand-down, writable or readable, accessed */
	access = desc.limit_in_pages << 15 | desc.big << 14 | (desc.not_present ? 0 : 0x80u) | 0x71u |
		 desc.contents << 2 | (desc.read_exec_only ? 0 : 2u);
	ldt_table[desc.entry] = current->ldt[desc.entry] = segment(desc.base, desc.limit, access);
	return 0;
}

/* ---- tracing: TIF_SYSCALL_TRACE ---- */
uint64_t syscall_trace_enter(struct pt_regs *regs);
void syscall_trace_leave(struct pt_regs *regs);

/* The number that is called is what this returns. */
uint64_t syscall_trace_enter(struct pt_regs *regs)
{
	struct tracing *t = &current->tracing;

	t->entries++;
	t->last_number = regs->orig_ax;
	if (t->log)
		printk("trace: %u calls %d(%lx, %lx, %lx)\n", (unsigned)current->pid, (int)regs->orig_ax, regs->di,
		       regs->si, regs->dx);
	if (t->from != t->to && regs->orig_ax == t->from)
		regs->orig_ax = t->to;
	return regs->orig_ax;
}

void syscall_trace_leave(struct pt_regs *regs)
{
	struct thread_info *info = task_info(current);
	struct tracing *t = &current->tracing;

	if (info->flags & _TIF_SYSCALL_TRACE) {
		t->exits++;
		t->last_result = regs->ax;
		if (t->log)
			printk("trace: %u: %d = %d\n", (unsigned)current->pid, (int)regs->orig_ax, (int)regs->ax);
	}
	if (info->flags & _TIF_SINGLESTEP) {
		info->flags &= ~(uint32_t)_TIF_SINGLESTEP;
		regs->flags |= X86_EFLAGS_TF;
		force_signal(SIGTRAP, 1, 0, 0);
	}
}

static struct task_struct *traced(uint64_t pid)
{
	for (uint32_t i = 1; i < NR_TASKS && pid; i++)
		if (tasks[i].pid == pid && tasks[i].parent == current && tasks[i].state != TASK_UNUSED)
			return &tasks[i];
	return pid ? NULL : current;
}

/* (request, from, to, pid): of a child, or of the caller itself (0).  0 off, 1 on, 2 on with a line for each call, 3 call
 * `to` instead of `from`, 4 four words {entries, exits, last number, last result} to address `from`. */
long sys_ptrace(uint64_t request, uint64_t from, uint64_t to, uint64_t pid);
long sys_ptrace(uint64_t request, uint64_t from, uint64_t to, uint64_t pid)
{
	struct task_struct *task = traced(pid);

	if (!task)
		return -ESRCH;
	if (request > 4)
		return -EINVAL;
	if (request == 4)
		return copy_to_user(from, &task->tracing.entries, 32);
	if (request == 0) {
		task_info(task)->flags &= ~(uint32_t)_TIF_SYSCALL_TRACE;
		return 0;
	}
	task->tracing = (struct tracing){.log = request == 2};
	if (request == 3)
		task->tracing.from = from, task->tracing.to = to;
	set_flag(task, _TIF_SYSCALL_TRACE);
	return 0;
}

/* Work before the return to ring 3 that is no rescheduling. */
void do_notify_resume(struct pt_regs *regs, uint32_t flags);
void do_notify_resume(struct pt_regs *regs, uint32_t flags)
{
	struct thread_info *info = task_info(current);

	__asm__ volatile("andl %1, %0"
			 : "+m"(info->flags) : "i"(~(_TIF_IRET | _TIF_NOTIFY_RESUME | _TIF_SIGPENDING)) : "memory");
	if (flags & _TIF_SIGPENDING)
		do_signal(regs);
	cli();
	if (signal_pending(current))
		set_flag(current, _TIF_SIGPENDING);
	info->flags &= ~(uint32_t)_TIF_IRET; /* this return is an IRET */
}
