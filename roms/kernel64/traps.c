/* Exceptions. */
#include "kernel.h"

#define DR6_B0 1ul
#define DR6_BS 0x4000ul

struct exception_table_entry {
	uint64_t instruction, fixup;
};
extern const struct exception_table_entry __start___ex_table[], __stop___ex_table[];

static const struct {
	const char *name;
	unsigned signal;
} exceptions[] = {
	[0] = {"divide error", SIGFPE}, [1] = {"debug", SIGTRAP}, [3] = {"int3", SIGTRAP}, [4] = {"overflow", SIGSEGV},
	[6] = {"invalid opcode", SIGILL}, [7] = {"device not available", SIGSEGV},
	[10] = {"invalid TSS", SIGSEGV},
	[11] = {"segment not present", SIGBUS}, [12] = {"stack segment", SIGBUS},
	[13] = {"general protection", SIGSEGV}, [14] = {"page fault", SIGSEGV},
	[16] = {"coprocessor error", SIGFPE}, [17] = {"alignment check", SIGBUS}, [18] = {"machine check", SIGBUS},
};

void do_trap(struct pt_regs *regs, uint64_t error, unsigned vector);
void do_page_fault(struct pt_regs *regs, uint64_t error, unsigned vector);
void do_iret_error(struct pt_regs *regs, uint64_t error, unsigned vector);
void do_lab_trap(struct pt_regs *regs, uint64_t error, unsigned vector);
bool do_debug(struct pt_regs *regs);
bool do_nmi(struct pt_regs *regs);
bool do_double_fault(struct pt_regs *regs, uint64_t error);
bool do_machine_check(struct pt_regs *regs, uint64_t error);

bool user_mode(const struct pt_regs *regs)
{
	return regs->cs & 3;
}

void die(const char *what, const struct pt_regs *regs, uint64_t error)
{
	cli();
	printk("kernel: %s, error code %lx, task %u %s", what, error, (unsigned)current->pid, current->comm);
	if (regs)
		printk(", rip %lx cs %lx flags %lx rsp %lx rax %lx", regs->ip, regs->cs, regs->flags, regs->sp, regs->ax);
	printk("\n");
	power_off(2);
}

/* NT goes: where it made IRETQ fault, it would again. */
bool fixup_exception(struct pt_regs *regs, uint64_t vector, uint64_t error)
{
	for (const struct exception_table_entry *e = __start___ex_table; e < __stop___ex_table; e++)
		if (e->instruction == regs->ip) {
			lab_record(&seen.fixup, regs, vector, error);
			regs->ip = e->fixup;
			regs->flags &= ~(uint64_t)X86_EFLAGS_NT;
			return true;
		}
	return false;
}

void do_trap(struct pt_regs *regs, uint64_t error, unsigned vector)
{
	if (error == (uint64_t)-1)
		error = 0; /* this vector has none */
	if (user_mode(regs)) {
		lab_record(&seen.user, regs, vector, error);
		force_signal(exceptions[vector].signal, vector, error, 0);
	} else if (!fixup_exception(regs, vector, error)) {
		die(exceptions[vector].name, regs, error);
	}
}

/* No page is brought in on demand: a fault of ring 3 is its error. */
void do_page_fault(struct pt_regs *regs, uint64_t error, unsigned vector)
{
	uint64_t address;

	__asm__ volatile("movq %%cr2, %0" : "=r"(address));
	if (user_mode(regs)) {
		lab_record(&seen.user, regs, vector, error);
		force_signal(SIGSEGV, vector, error, address);
	} else if (regs->ip == lab_jump_to && address == lab_jump_to) {
		lab_record(&seen.fixup, regs, vector, error);
		regs->ip = *(uint64_t *)regs->sp; /* back to the CALL, with -EFAULT */
		regs->sp += 8;
		regs->ax = (uint64_t)-EFAULT;
	} else if (!fixup_exception(regs, vector, error)) {
		printk("kernel: address %lx\n", address);
		die("page fault", regs, error);
	}
}

/* IRETQ (vector 32, as Linux says) or SYSRET (33) to ring 3 was refused; regs is what it was to load, so they are the
 * program's. */
void do_iret_error(struct pt_regs *regs, uint64_t error, unsigned vector)
{
	force_signal(SIGILL, vector, seen.fixup.error, 0);
}

void do_lab_trap(struct pt_regs *regs, uint64_t error, unsigned vector)
{
	lab_record(&seen.trap, regs, vector, 0);
}

/* The first instruction after SYSENTER steps if ring 3 had TF on, and after SYSCALL if FMASK lets it.  The rest of the
 * system call runs without; the program gets its trap, and TF back, on the way out (syscall_trace_leave). */
static void step_in_kernel(struct pt_regs *regs)
{
	regs->flags &= ~(uint64_t)X86_EFLAGS_TF;
	if (regs->ip == (uint64_t)entry_SYSENTER_compat)
		set_flag(current, _TIF_SINGLESTEP);
	lab_debug(false);
}

static void record(struct lab_frame *to, const struct pt_regs *regs, unsigned vector)
{
	lab_record(to, regs, vector, 0);
	if (!user_mode(regs)) {
		to->gs = paranoid_gs;
		to->cr3 = paranoid_cr3;
	}
}

bool do_debug(struct pt_regs *regs)
{
	uint64_t why, mine;

	/* The bits of DR6 stay until they are cleared: one #DB inside another's entry finds both reasons, and leaves
	 * the other its own. */
	__asm__ volatile("movq %%db6, %0" : "=r"(why));
	if (!user_mode(regs) && !(regs->flags & X86_EFLAGS_TF))
		why &= ~DR6_BS;
	mine = why & (DR6_B0 | DR6_BS);
	__asm__ volatile("movq %%db6, %0; andq %1, %0; movq %0, %%db6" : "=&r"(mine) : "r"(~mine));
	if (why & DR6_B0) {
		record(&seen.watch, regs, 1);
		lab_debug(true);
	}
	if ((why & DR6_BS) && user_mode(regs)) {
		force_signal(SIGTRAP, 1, 0, 0);
	} else if (why & DR6_BS) {
		record(&seen.step, regs, 1);
		step_in_kernel(regs);
	}
	return false;
}

/* True: return without IRETQ. */
bool do_nmi(struct pt_regs *regs)
{
	record(&seen.nmi, regs, 2);
	return lab_nmi();
}

/* The laboratory's own is gone on from: everything it found is known. */
bool do_double_fault(struct pt_regs *regs, uint64_t error)
{
	record(&seen.double_fault, regs, 8);
	seen.double_fault.error = error;
	if (regs->ip != (uint64_t)doublefault_push)
		die("double fault", regs, error);
	regs->ip = (uint64_t)doublefault_back;
	return false;
}

bool do_machine_check(struct pt_regs *regs, uint64_t error)
{
	die("machine check", regs, error);
}
