/* Tasks.  One processor; a task in the kernel is not preempted: it gives the processor up in schedule(), which
 * work_resched calls before the return to ring 3. */
#include "kernel.h"

struct task_struct tasks[NR_TASKS]; /* 0: idle, 1: the shell */
union thread_union init_stack __attribute__((aligned(THREAD_SIZE)));
static union thread_union stacks[NR_TASKS - 1] __attribute__((aligned(THREAD_SIZE)));
struct task_struct *current_task = &tasks[0];
uint32_t jiffies;
static uint32_t last_pid;

/* The 3.18 order keeps a segment for it; the 2.4 order has the bottom of the stack.  Neither is right before
 * SAVE_ALL is done, or (2.4) on a stack that is not the task's. */
struct task_struct *get_current(void)
{
	struct task_struct *task;

#if SAVE_ALL_24
	__asm__ volatile("movl %1, %0; andl %%esp, %0; movl (%0), %0" : "=&r"(task) : "i"(-THREAD_SIZE));
#else
	__asm__ volatile("movl %%fs:0, %0" : "=r"(task));
#endif
	return task;
}

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
		*(volatile uint32_t *)&task->pid = 0;
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
struct task_struct *kernel_thread(void (*fn)(uint32_t), uint32_t arg, const char *name)
{
	struct task_struct *task = new_task();
	struct pt_regs *regs;

	if (!task)
		return NULL;
	regs = task_regs(task);
	fill_bytes(regs, 0, sizeof(*regs));
	regs->bx = (uint32_t)fn;
	regs->cx = arg;
	task->thread_esp = (uint32_t)regs;
	task->thread_eip = (uint32_t)ret_from_kernel_thread;
	set_name(task, name);
	wake_task(task);
	return task;
}

/* The first task: the user program, entered by the IRET behind ret_from_kernel_thread. */
static void kernel_init(uint32_t arg)
{
	struct pt_regs *regs = task_regs(current);
	uint32_t *pgd = new_pgd();

	if (!pgd || !load_user(pgd)) {
		printk("kernel: no memory for the user program\n");
		power_off(1);
	}
	current->pgd = pgd;
	cpu_tss.tss.cr3 = (uint32_t)pgd;
	__asm__ volatile("movl %0, %%cr3" : : "r"(pgd) : "memory");
	*regs = (struct pt_regs){
		.ds = __USER_DS, .es = __USER_DS, .orig_ax = (uint32_t)-1, .ip = USER_START, .cs = __USER_CS,
		.flags = X86_EFLAGS_IF | 2, .sp = STACK_TOP - 16, .ss = __USER_DS,
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
	set_ldt_desc(tasks[0].ldt);
	kernel_thread(kernel_init, 0, "init");
}

/* The second half of switch_to, on the new stack: what the processor has to know of the task. */
fastcall struct task_struct *__switch_to(struct task_struct *prev, struct task_struct *next);
fastcall struct task_struct *__switch_to(struct task_struct *prev, struct task_struct *next)
{
	cpu_tss.tss.esp0 = (uint32_t)(next->stack + 1);
	cpu_tss.tss.cr3 = (uint32_t)next->pgd; /* a task switch back from the double fault loads these two */
	cpu_tss.tss.ldt = GDT_LDT;
	if (next->pgd != prev->pgd)
		__asm__ volatile("movl %0, %%cr3" : : "r"(next->pgd) : "memory");
#if SAVE_ALL_24
	__asm__ volatile("movl %%fs, %0; movl %%gs, %1" : "=r"(prev->fs), "=r"(prev->gs));
#endif
	set_ldt_desc(next->ldt);
#if SAVE_ALL_24
	load_fs_gs(next->fs, next->gs);
#endif
	current_task = next;
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
	uint32_t flags = save_flags();
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
fastcall void schedule_tail(struct task_struct *prev);
fastcall void schedule_tail(struct task_struct *prev)
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
