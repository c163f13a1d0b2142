/* Tasks.  One processor; a task in the kernel is not preempted: it gives the processor up in schedule(), which
 * work_resched calls before the return to ring 3. */
#include "kernel.h"

struct task_struct tasks[NR_TASKS]; /* 0: idle, 1: the shell */
union thread_union init_stack __attribute__((aligned(THREAD_SIZE)));
static union thread_union stacks[NR_TASKS - 1] __attribute__((aligned(THREAD_SIZE)));
uint32_t jiffies;
static uint64_t last_pid;

struct thread_info *task_info(const struct task_struct *task)
{
	return &task->stack->info;
}

/* Where an entry from ring 3 leaves pt_regs: at the top of the stack. */
struct pt_regs *task_regs(const struct task_struct *task)
{
	return (struct pt_regs *)(task->stack + 1) - 1;
}

void set_flag(struct task_struct *task, uint32_t tif)
{
	__asm__ volatile("orl %1, %0" : "+m"(task_info(task)->flags) : "ri"(tif) : "memory");
}

void set_need_resched(struct task_struct *task, enum resched_why why)
{
	seen.resched_why[why]++;
	set_flag(task, _TIF_NEED_RESCHED);
}

static void set_name(struct task_struct *task, const char *name)
{
	uint32_t i = 0;

	for (; name[i] && i < sizeof(task->comm) - 1; i++)
		task->comm[i] = name[i];
	task->comm[i] = '\0';
}

/* A free place: never used, or of a dead task that nobody will wait for.  NULL: all are taken. */
struct task_struct *new_task(void)
{
	for (uint32_t i = 1; i < NR_TASKS; i++) {
		struct task_struct *task = &tasks[i];

		if (task->state == TASK_ZOMBIE && !task->parent && task != current)
			task->state = TASK_UNUSED;
		if (task->state != TASK_UNUSED)
			continue;
		fill_bytes(task, 0, sizeof(*task));
		task->pid = ++last_pid;
		task->stack = &stacks[i - 1];
		task->stack->info = (struct thread_info){task, 0, 0};
		task->counter = TIMESLICE;
		task->pgd = kernel_pgd;
		return task;
	}
	return NULL;
}

/* fn returns to ret_from_kernel_thread; a thread that shall end there calls do_exit. */
struct task_struct *kernel_thread(void (*fn)(uint64_t), uint64_t arg, const char *name)
{
	struct task_struct *task = new_task();
	struct pt_regs *regs;

	if (!task)
		return NULL;
	regs = task_regs(task);
	fill_bytes(regs, 0, sizeof(*regs));
	regs->bx = (uint64_t)fn;
	regs->cx = arg;
	task->thread_sp = (uint64_t)regs;
	task->thread_ip = (uint64_t)ret_from_kernel_thread;
	set_name(task, name);
	wake_task(task);
	return task;
}

/* The first task: the user program, entered by the IRETQ behind ret_from_kernel_thread. */
static void kernel_init(uint64_t arg)
{
	struct page_tables *pgd = &page_tables[current - tasks];

	if (!load_user(pgd)) {
		printk("kernel: no memory for the user program\n");
		power_off(1);
	}
	current->pgd = pgd;
	load_pgd(pgd);
	*task_regs(current) = (struct pt_regs){
		.orig_ax = (uint64_t)-1, .ip = USER_START, .cs = __USER_CS, .flags = X86_EFLAGS_IF | 2,
		.sp = STACK_TOP - 16, .ss = __USER_DS,
	};
	set_name(current, "sh");
}

void sched_init(void)
{
	tasks[0].pgd = kernel_pgd;
	tasks[0].stack = &init_stack;
	tasks[0].state = TASK_RUNNING;
	init_stack.info = (struct thread_info){&tasks[0], 0, 0};
	set_name(&tasks[0], "idle");
	cpu_area.task = &tasks[0];
	cpu_area.top_of_stack = (uint64_t)(&init_stack + 1);
	load_pgd(kernel_pgd);
	kernel_thread(kernel_init, 0, "init");
}

/* The second half of switch_to, on the new stack: what the processor has to know of the task.  TSS.rsp0 stays: it is the
 * entry stack, for all.  With FSGSBASE ring 3 changes its bases unseen; while the kernel runs GS's is in
 * KERNEL_GS_BASE. */
struct task_struct *__switch_to(struct task_struct *prev, struct task_struct *next);
struct task_struct *__switch_to(struct task_struct *prev, struct task_struct *next)
{
	prev->fs_base = rdmsr(MSR_FS_BASE);
	prev->gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	wrmsr(MSR_FS_BASE, next->fs_base);
	wrmsr(MSR_KERNEL_GS_BASE, next->gs_base);
	cpu_area.top_of_stack = (uint64_t)(next->stack + 1);
	copy_bytes(ldt_table, next->ldt, sizeof(ldt_table));
	load_pgd(next->pgd);
	cpu_area.task = next;
	seen.switches++;
	return prev;
}

static struct task_struct *pick_next(void)
{
	uint32_t at = (uint32_t)(current - tasks);

	for (uint32_t i = 1; i <= NR_TASKS; i++) {
		struct task_struct *task = &tasks[(at + i) % NR_TASKS];

		if (task->state == TASK_RUNNING && task != &tasks[0])
			return task;
	}
	return &tasks[0];
}

void schedule(void)
{
	uint64_t flags = save_flags();
	struct task_struct *prev, *next;

	cli();
	prev = current;
	task_info(prev)->flags &= ~(uint32_t)_TIF_NEED_RESCHED;
	next = pick_next();
	next->counter = TIMESLICE;
	if (next != prev)
		switch_to(prev, next);
	if (flags & X86_EFLAGS_IF)
		sti();
}

/* Called with IF = 0 by a new task, on its own stack. */
void schedule_tail(struct task_struct *prev);
void schedule_tail(struct task_struct *prev)
{
	if (task_regs(current)->cs == __USER_CS)
		seen.fork_returns++;
}

void wake_task(struct task_struct *task)
{
	if (task->state == TASK_RUNNING)
		return;
	task->state = TASK_RUNNING;
	task->waits_for = NULL;
	task->wake_at = 0;
	if (current == &tasks[0])
		set_need_resched(current, RESCHED_WAKE);
}

void wake_up(const void *what)
{
	for (uint32_t i = 1; i < NR_TASKS; i++)
		if (tasks[i].state == TASK_INTERRUPTIBLE && tasks[i].waits_for == what)
			wake_task(&tasks[i]);
}

/* until: in jiffies; 0: without end.  IF = 0 before and after, so that no wake_up comes in between. */
bool sleep_on(const void *what, uint32_t until)
{
	if (signal_pending(current))
		return false;
	current->waits_for = what;
	current->wake_at = until;
	current->state = TASK_INTERRUPTIBLE;
	schedule();
	return !signal_pending(current);
}

/* In the timer interrupt. */
void scheduler_tick(void)
{
	for (uint32_t i = 1; i < NR_TASKS; i++)
		if (tasks[i].state == TASK_INTERRUPTIBLE && tasks[i].wake_at &&
		    (int32_t)(jiffies - tasks[i].wake_at) >= 0)
			wake_task(&tasks[i]);
	if (current != &tasks[0] && --current->counter <= 0)
		set_need_resched(current, RESCHED_TIMER);
}

void cpu_idle(void)
{
	for (;;) {
		cli();
		if (pick_next() != &tasks[0])
			schedule();
		else
			default_idle();
	}
}
