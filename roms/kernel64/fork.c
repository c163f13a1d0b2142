/* fork, exit, wait. */
#include "kernel.h"

/* The registers are the parent's but for the result; the stack holds nothing else.  ret_from_fork is where
 * switch_to first goes on in the child. */
static void copy_thread(struct task_struct *child, const struct pt_regs *regs)
{
	struct pt_regs *copy = task_regs(child);

	copy_bytes(copy, regs, sizeof(*copy));
	copy->ax = 0;
	child->thread_sp = (uint64_t)copy;
	child->thread_ip = (uint64_t)ret_from_fork;
}

static bool copy_process(struct task_struct *child, const struct task_struct *parent)
{
	child->pgd = &page_tables[child - tasks];
	if (!copy_pgd(child->pgd, parent->pgd)) {
		free_pgd(child->pgd);
		return false;
	}
	child->parent = current;
	child->uid = parent->uid;
	child->blocked = parent->blocked;
	child->restorer = parent->restorer;
	child->fs_base = rdmsr(MSR_FS_BASE);
	child->gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	copy_bytes(child->handler, parent->handler, sizeof(child->handler));
	copy_bytes(child->ldt, parent->ldt, sizeof(child->ldt));
	copy_bytes(child->comm, parent->comm, sizeof(child->comm));
	return true;
}

long sys_fork(void);
long sys_fork(void)
{
	struct task_struct *child = new_task();

	if (!child)
		return -EAGAIN;
	if (!copy_process(child, current))
		return -ENOMEM;
	copy_thread(child, task_regs(current));
	wake_task(child);
	return (long)child->pid;
}

static void leave_children(void)
{
	for (uint32_t i = 1; i < NR_TASKS; i++)
		if (tasks[i].parent == current)
			tasks[i].parent = NULL;
}

/* The page tables go at once, the stack and the task_struct when somebody has waited, or new_task finds that nobody
 * will. */
void do_exit(uint32_t code)
{
	struct page_tables *pgd = current->pgd;

	cli();
	if (current->pid == 1) {
		printk("kernel: the shell has ended (%x)\n", code);
		power_off(1);
	}
	leave_children();
	current->pgd = kernel_pgd;
	load_pgd(kernel_pgd);
	if (pgd != kernel_pgd)
		free_pgd(pgd);
	current->exit_code = code;
	current->state = TASK_ZOMBIE;
	if (current->parent) {
		send_signal(current->parent, SIGCHLD);
		wake_up(current->parent);
	}
	schedule();
	die("a dead task runs", NULL, 0);
}

long sys_exit(uint32_t code);
long sys_exit(uint32_t code)
{
	do_exit((code & 0xff) << 8);
}

static bool is_child(const struct task_struct *task, int pid)
{
	return task->state != TASK_UNUSED && task->parent == current && (pid == -1 || task->pid == (uint64_t)pid);
}

/* pid: that child, or -1: any.  options: 1, WNOHANG. */
long sys_waitpid(int pid, uint64_t status, uint64_t wait_options);
long sys_waitpid(int pid, uint64_t status, uint64_t wait_options)
{
	for (;;) {
		bool any = false;

		cli();
		for (uint32_t i = 1; i < NR_TASKS; i++) {
			struct task_struct *task = &tasks[i];
			long found = (long)task->pid;

			if (!is_child(task, pid))
				continue;
			any = true;
			if (task->state != TASK_ZOMBIE)
				continue;
			if (status && copy_to_user(status, &task->exit_code, 4))
				return -EFAULT;
			task->parent = NULL;
			task->state = TASK_UNUSED;
			return found;
		}
		if (!any)
			return -ECHILD;
		if (wait_options & 1)
			return 0;
		if (!sleep_on(current, 0))
			return -EINTR;
	}
}
