/* Signals: pending bits, the frame on the user stack, sigreturn. */
#include "kernel.h"

#define SIG_IGN 1

/* What ring 3 may change of EFLAGS by a signal frame: the arithmetic flags, TF and DF. */
#define USER_FLAGS 0x00000dd5u

extern char __kernel_sigreturn[];

/* SIGCHLD is ignored unless it has a handler; SIGKILL cannot be blocked or handled; the shell survives what it does not
 * handle. */
static bool is_ignored(const struct task_struct *task, unsigned n)
{
	uint32_t handler = task->handler[n];

	return handler == SIG_IGN || (handler == 0 && (n == SIGCHLD || task->pid == 1));
}

bool signal_pending(const struct task_struct *task)
{
	return task->pending & ~task->blocked;
}

void send_signal(struct task_struct *task, unsigned number)
{
	uint32_t flags = save_flags();

	if (task->state == TASK_ZOMBIE || is_ignored(task, number))
		return;
	cli();
	task->pending |= 1u << number;
	set_flag(task, _TIF_SIGPENDING);
	if (task->state == TASK_INTERRUPTIBLE && signal_pending(task))
		wake_task(task);
	if (flags & X86_EFLAGS_IF)
		sti();
}

/* The program's own fault: neither blocked nor ignored. */
void force_signal(unsigned number, uint32_t trap_no, uint32_t error_code, uint32_t cr2)
{
	struct task_struct *task = current;

	task->trap_no = trap_no;
	task->error_code = error_code;
	task->cr2 = cr2;
	if ((task->blocked >> number & 1) || task->handler[number] == SIG_IGN) {
		task->blocked &= ~(1u << number);
		task->handler[number] = 0;
	}
	task->pending |= 1u << number;
	set_flag(task, _TIF_SIGPENDING);
}

static void save_fs_gs(struct sigcontext *sc, const struct pt_regs *regs)
{
#if SAVE_ALL_24
	__asm__ volatile("movl %%fs, %0; movl %%gs, %1" : "=r"(sc->fs), "=r"(sc->gs));
#else
	sc->fs = regs->fs;
	sc->gs = regs->gs;
#endif
}

/* False: the user stack does not take the frame. */
static bool setup_frame(struct pt_regs *regs, unsigned number, uint32_t mask)
{
	struct sigframe frame = {
		.return_address = (uint32_t)__kernel_sigreturn, .number = number,
		.sc = {.es = regs->es, .ds = regs->ds, .di = regs->di, .si = regs->si, .bp = regs->bp, .sp = regs->sp,
		       .bx = regs->bx, .dx = regs->dx, .cx = regs->cx, .ax = regs->ax, .trap_no = current->trap_no,
		       .error_code = current->error_code, .ip = regs->ip, .cs = regs->cs, .flags = regs->flags,
		       .sp_at_signal = regs->sp, .ss = regs->ss, .old_mask = mask, .cr2 = current->cr2},
	};
	uint32_t at = ((regs->sp - sizeof(frame)) & ~15u) - 4;

	save_fs_gs(&frame.sc, regs);
	if (copy_to_user(at, &frame, sizeof(frame)))
		return false;
	regs->sp = at;
	regs->ip = current->handler[number];
	regs->ax = number;
	regs->cs = __USER_CS;
	regs->ss = regs->ds = regs->es = __USER_DS;
	regs->flags &= ~(uint32_t)(X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_RF | X86_EFLAGS_NT);
	set_flag(current, _TIF_IRET);
	return true;
}

/* Of those that are pending, the lowest number; true: there was one. */
bool do_signal(struct pt_regs *regs)
{
	struct task_struct *task = current;
	uint32_t ready = task->pending & ~task->blocked, mask = task->blocked;
	unsigned n = 0;

	if (!ready)
		return false;
	while (!(ready >> n & 1))
		n++;
	task->pending &= ~(1u << n);
	if (is_ignored(task, n) && n != SIGKILL)
		return true;
	if (task->handler[n] == 0)
		do_exit(n);
	task->blocked |= 1u << n;
	if (!setup_frame(regs, n, mask))
		do_exit(SIGSEGV);
	task->trap_no = task->error_code = task->cr2 = 0;
	return true;
}

static struct task_struct *find_task(int pid)
{
	for (uint32_t i = 1; i < NR_TASKS; i++)
		if (tasks[i].pid == (uint32_t)pid && tasks[i].state != TASK_UNUSED)
			return &tasks[i];
	return NULL;
}

asmlinkage int sys_kill(const int pid, const uint32_t number);
asmlinkage int sys_kill(const int pid, const uint32_t number)
{
	struct task_struct *task = find_task(pid);

	if (number >= NR_SIGNALS)
		return -EINVAL;
	if (!task)
		return -ESRCH;
	if (current->uid && current->uid != task->uid)
		return -EPERM;
	if (number)
		send_signal(task, number);
	return 0;
}

/* (signal, handler) -> the handler before; 0: the default, 1: ignore. */
asmlinkage int sys_sigaction(const uint32_t number, const uint32_t handler);
asmlinkage int sys_sigaction(const uint32_t number, const uint32_t handler)
{
	uint32_t before;

	if (number == 0 || number >= NR_SIGNALS || number == SIGKILL)
		return -EINVAL;
	if (handler > SIG_IGN && (handler < USER_START || handler >= TASK_SIZE))
		return -EFAULT;
	before = current->handler[number];
	current->handler[number] = handler;
	return (int)before;
}

/* Called by __kernel_sigreturn, which has popped the signal's number: ESP is at the sigcontext.  CS and SS come
 * as the handler left them, but for the RPL: a return to ring 0 cannot be asked for, one that faults can. */
asmlinkage int sys_sigreturn(void);
asmlinkage int sys_sigreturn(void)
{
	struct pt_regs *regs = task_regs(current);
	struct sigcontext sc;

	if (copy_from_user(&sc, regs->sp, sizeof(sc))) {
		force_signal(SIGSEGV, 0, 0, regs->sp);
		return -EFAULT;
	}
	current->blocked = sc.old_mask & ~(1u << SIGKILL);
	if (current->pending)
		set_flag(current, _TIF_SIGPENDING);
	*regs = (struct pt_regs){
		.bx = sc.bx, .cx = sc.cx, .dx = sc.dx, .si = sc.si, .di = sc.di, .bp = sc.bp, .ax = sc.ax,
		.ds = sc.ds, .es = sc.es, .orig_ax = (uint32_t)-1, .ip = sc.ip, .cs = (sc.cs & 0xffff) | 3,
		.flags = (sc.flags & USER_FLAGS) | X86_EFLAGS_IF | 2, .sp = sc.sp, .ss = (sc.ss & 0xffff) | 3,
	};
#if SAVE_ALL_24
	load_fs_gs(sc.fs, sc.gs);
#else
	regs->fs = sc.fs;
	regs->gs = sc.gs;
#endif
	set_flag(current, _TIF_IRET);
	return (int)sc.ax; /* syscall_call writes it to pt_regs.ax again */
}
