/* Signals: pending bits, the frame on the user stack, sigreturn. */
#include "kernel.h"

#define SIG_IGN 1
#define RED_ZONE 128 /* below RSP, the program's all the same (x86-64 psABI) */

/* What ring 3 may change of EFLAGS by a signal frame: the arithmetic flags, TF and DF. */
#define USER_FLAGS 0x00000dd5u

/* SIGCHLD is ignored unless it has a handler; SIGKILL cannot be blocked or handled; the shell survives what it does not
 * handle. */
static bool is_ignored(const struct task_struct *task, unsigned n)
{
	uint64_t handler = task->handler[n];

	return handler == SIG_IGN || (handler == 0 && (n == SIGCHLD || task->pid == 1));
}

bool signal_pending(const struct task_struct *task)
{
	return task->pending & ~task->blocked;
}

void send_signal(struct task_struct *task, unsigned number)
{
	uint64_t flags = save_flags();

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
void force_signal(unsigned number, uint64_t trap_no, uint64_t error_code, uint64_t cr2)
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

/* False: the user stack does not take the frame. */
static bool setup_frame(struct pt_regs *regs, unsigned number, uint32_t mask)
{
	struct sigframe frame = {
		.return_address = current->restorer,
		.sc = {regs->r8, regs->r9, regs->r10, regs->r11, regs->r12, regs->r13, regs->r14, regs->r15, regs->di,
		       regs->si, regs->bp, regs->bx, regs->dx, regs->ax, regs->cx, regs->sp, regs->ip, regs->flags,
		       regs->cs, regs->ss, current->error_code, current->trap_no, mask, current->cr2},
	};
	uint64_t at = ((regs->sp - RED_ZONE - sizeof(frame)) & ~15ul) - 8;

	if (copy_to_user(at, &frame, sizeof(frame)))
		return false;
	regs->sp = at;
	regs->ip = current->handler[number];
	regs->di = number;
	regs->si = at + offsetof(struct sigframe, sc);
	regs->cs = __USER_CS; /* out of compatibility mode too */
	regs->ss = __USER_DS;
	regs->flags &= ~(uint64_t)(X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_RF | X86_EFLAGS_NT);
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
		if (tasks[i].pid == (uint64_t)pid && tasks[i].state != TASK_UNUSED)
			return &tasks[i];
	return NULL;
}

long sys_kill(int pid, uint64_t number);
long sys_kill(int pid, uint64_t number)
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

/* (signal, handler, where it returns to) -> the handler before; 0: the default, 1: ignore. */
long sys_sigaction(uint64_t number, uint64_t handler, uint64_t restorer);
long sys_sigaction(uint64_t number, uint64_t handler, uint64_t restorer)
{
	uint64_t before;

	if (number == 0 || number >= NR_SIGNALS || number == SIGKILL)
		return -EINVAL;
	if (handler > SIG_IGN && (handler < USER_START || handler >= TASK_SIZE))
		return -EFAULT;
	before = current->handler[number];
	current->handler[number] = handler;
	if (handler > SIG_IGN)
		current->restorer = restorer;
	return (long)before;
}

/* Called by the restorer: RSP is at the sigcontext.  CS and SS come as the handler left them, but for the RPL: a return to ring
 * 0 cannot be asked for, one that faults can. */
long sys_sigreturn(void);
long sys_sigreturn(void)
{
	struct pt_regs *regs = task_regs(current);
	struct sigcontext sc;

	if (copy_from_user(&sc, regs->sp, sizeof(sc))) {
		force_signal(SIGSEGV, 0, 0, regs->sp);
		return -EFAULT;
	}
	current->blocked = (uint32_t)sc.old_mask & ~(1u << SIGKILL);
	if (current->pending)
		set_flag(current, _TIF_SIGPENDING);
	*regs = (struct pt_regs){
		.r8 = sc.r8, .r9 = sc.r9, .r10 = sc.r10, .r11 = sc.r11, .r12 = sc.r12, .r13 = sc.r13, .r14 = sc.r14,
		.r15 = sc.r15, .di = sc.di, .si = sc.si, .bp = sc.bp, .bx = sc.bx, .dx = sc.dx, .ax = sc.ax, .cx = sc.cx,
		.sp = sc.sp, .orig_ax = (uint64_t)-1, .ip = sc.ip, .cs = (sc.cs & 0xffff) | 3,
		.flags = (sc.flags & USER_FLAGS) | X86_EFLAGS_IF | 2, .ss = (sc.ss & 0xffff) | 3,
	};
	if (!sysret_unchecked)
		set_flag(current, _TIF_IRET);
	return (long)sc.ax; /* syscall_call writes it to pt_regs.ax again */
}
