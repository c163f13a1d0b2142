/* fork, exit, wait. */
#include "kernel.h"

/* The registers are the parent's but for the result; the stack holds nothing else.  ret_from_fork is where
 * switch_to first goes on in the child. */
static void copy_thread(struct task_struct *child, const struct pt_regs *regs)
{
	struct pt_regs *copy = task_regs(child);

	*copy = *regs;
	copy->ax = 0;
	child->thread_esp = (uint32_t)copy;
	child->thread_eip = (uint32_t)ret_from_fork;
#if SAVE_ALL_24
	__asm__ volatile("movl %%fs, %0; movl %%gs, %1" : "=r"(child->fs), "=r"(child->gs));
#endif
}

static bool copy_process(struct task_struct *child, const struct task_struct *parent)
{
	child->pgd = new_pgd();
	if (!child->pgd)
		return false;
	if (!copy_pgd(child->pgd, parent->pgd)) {
		free_pgd(child->pgd);
		return false;
	}
	child->parent = current;
	child->uid = parent->uid;
	child->blocked = parent->blocked;
	copy_bytes(child->handler, parent->handler, sizeof(child->handler));
	copy_bytes(child->ldt, parent->ldt, sizeof(child->ldt));
	copy_bytes(child->comm, parent->comm, sizeof(child->comm));
	return true;
}

asmlinkage int sys_fork(void);
asmlinkage int sys_fork(void)
{
	struct task_struct *child = new_task();

	if (!child)
		return -EAGAIN;
	if (!copy_process(child, current))
		return -ENOMEM;
	copy_thread(child, task_regs(current));
	wake_task(child);
	return (int)child->pid;
}

static void leave_children(void)
{
	for (uint32_t i = 1; i < NR_TASKS; i++)
		if (tasks[i].parent == current)
			tasks[i].parent = NULL;
}

/* The page directory goes at once, the stack and the task_struct when somebody has waited (wait_done), or new_task
 * finds that nobody will. */
void do_exit(uint32_t code)
{
	uint32_t *pgd = current->pgd;

	cli();
	if (current->pid == 1) {
		printk("kernel: the shell has ended (%x)\n", code);
		power_off(1);
	}
	leave_children();
	current->pgd = kernel_pgd;
	cpu_tss.tss.cr3 = (uint32_t)kernel_pgd;
	__asm__ volatile("movl %0, %%cr3" : : "r"(kernel_pgd) : "memory");
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

asmlinkage int sys_exit(const uint32_t code);
asmlinkage int sys_exit(const uint32_t code)
{
	do_exit((code & 0xff) << 8);
}

static bool is_child(const struct task_struct *task, int pid)
{
	return task->state != TASK_UNUSED && task->parent == current && (pid == -1 || task->pid == (uint32_t)pid);
}

/* pid: that child, or -1: any.  options: 1, WNOHANG. */
asmlinkage int sys_waitpid(const int pid, const uint32_t status, const uint32_t wait_options);
asmlinkage int sys_waitpid(const int pid, const uint32_t status, const uint32_t wait_options)
{
	for (;;) {
		bool any = false;

		cli();
		for (uint32_t i = 1; i < NR_TASKS; i++) {
			struct task_struct *task = &tasks[i];
			uint32_t found = task->pid;

			if (!is_child(task, pid))
				continue;
			any = true;
			if (task->state != TASK_ZOMBIE)
				continue;
			if (status && copy_to_user(status, &task->exit_code, 4))
				return -EFAULT;
			task->parent = NULL;
			task->state = TASK_UNUSED;
			return (int)found;
		}
		if (!any)
			return -ECHILD;
		if (wait_options & 1)
			return 0;
		if (!sleep_on(current, 0))
			return -EINTR;
	}
}
