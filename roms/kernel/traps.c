/* Exceptions. */
#include "kernel.h"

#define DR6_B0 1u
#define DR6_BS 0x4000u

struct exception_table_entry {
	uint32_t instruction, fixup;
};
extern const struct exception_table_entry __start___ex_table[], __stop___ex_table[];

static const struct {
	const char *name;
	unsigned signal;
} exceptions[] = {
	[0] = {"divide error", SIGFPE}, [1] = {"debug", SIGTRAP}, [3] = {"int3", SIGTRAP}, [4] = {"overflow", SIGSEGV},
	[5] = {"bounds", SIGSEGV}, [6] = {"invalid opcode", SIGILL}, [7] = {"device not available", SIGSEGV},
	[9] = {"coprocessor segment overrun", SIGFPE}, [10] = {"invalid TSS", SIGSEGV},
	[11] = {"segment not present", SIGBUS}, [12] = {"stack segment", SIGBUS},
	[13] = {"general protection", SIGSEGV}, [14] = {"page fault", SIGSEGV}, [15] = {"exception 15", SIGSEGV},
	[16] = {"coprocessor error", SIGFPE}, [17] = {"alignment check", SIGBUS}, [18] = {"machine check", SIGBUS},
};

fastcall void do_trap(struct pt_regs *regs, uint32_t error, uint32_t vector);
fastcall void do_page_fault(struct pt_regs *regs, uint32_t error, uint32_t vector);
fastcall void do_iret_error(struct pt_regs *regs, uint32_t error, uint32_t vector);
fastcall void do_debug(struct pt_regs *regs, uint32_t ss, uint32_t esp);
fastcall bool do_nmi(struct pt_regs *regs, uint32_t ss, uint32_t esp);
void do_double_fault(void);

bool user_mode(const struct pt_regs *regs)
{
	return regs->cs & 3;
}

void die(const char *what, const struct pt_regs *regs, uint32_t error)
{
	cli();
	printk("kernel: %s, error code %x, task %u %s", what, error, current->pid, current->comm);
	if (regs)
		printk(", eip %x cs %x flags %x esp %x eax %x", regs->ip, regs->cs, regs->flags,
		       user_mode(regs) ? regs->sp : (uint32_t)&regs->sp, regs->ax);
	printk("\n");
	power_off(2);
}

/* NT goes: where it made IRET fault, it would again. */
bool fixup_exception(struct pt_regs *regs, uint32_t vector, uint32_t error)
{
	for (const struct exception_table_entry *e = __start___ex_table; e < __stop___ex_table; e++)
		if (e->instruction == regs->ip) {
			lab_record(&seen.fixup, regs, vector, error);
			regs->ip = e->fixup;
			regs->flags &= ~(uint32_t)X86_EFLAGS_NT;
			return true;
		}
	return false;
}

fastcall void do_trap(struct pt_regs *regs, uint32_t error, uint32_t vector)
{
	if (user_mode(regs))
		force_signal(exceptions[vector].signal, vector, error, 0);
	else if (!fixup_exception(regs, vector, error))
		die(exceptions[vector].name, regs, error);
}

/* No page is brought in on demand: a fault of ring 3 is its error. */
fastcall void do_page_fault(struct pt_regs *regs, uint32_t error, uint32_t vector)
{
	uint32_t address;

	__asm__ volatile("movl %%cr2, %0" : "=r"(address));
	if (user_mode(regs)) {
		force_signal(SIGSEGV, vector, error, address);
	} else if (!fixup_exception(regs, vector, error)) {
		printk("kernel: address %x\n", address);
		die("page fault", regs, error);
	}
}

/* IRET to ring 3 was refused; regs is what it was to load, so they are the program's.  32, as Linux says. */
fastcall void do_iret_error(struct pt_regs *regs, uint32_t error, uint32_t vector)
{
	force_signal(SIGILL, 32, error, 0);
}

/* The first instruction after SYSENTER steps if ring 3 had TF on.  The rest of the system call runs without; the
 * program gets its trap, and TF back, on the way out (syscall_trace_leave). */
static void step_in_kernel(struct pt_regs *regs)
{
	regs->flags &= ~(uint32_t)X86_EFLAGS_TF;
	if (regs->ip == (uint32_t)sysenter_entry)
		set_flag(current, _TIF_SINGLESTEP);
	lab_debug(false);
}

/* ss, esp: as the exception found them, if that was in ring 0. */
static void record(struct lab_frame *to, const struct pt_regs *regs, uint32_t vector, uint32_t ss, uint32_t esp)
{
	lab_record(to, regs, vector, 0);
	if (!user_mode(regs)) {
		to->ss = ss & 0xffff;
		to->sp = esp + offsetof(struct pt_regs, sp);
	}
}

fastcall void do_debug(struct pt_regs *regs, uint32_t ss, uint32_t esp)
{
	uint32_t why, mine;

	/* The bits of DR6 stay until they are cleared: one #DB inside another's entry finds both reasons, and leaves
	 * the other its own. */
	__asm__ volatile("movl %%db6, %0" : "=r"(why));
	if (!user_mode(regs) && !(regs->flags & X86_EFLAGS_TF))
		why &= ~DR6_BS;
	mine = why & (DR6_B0 | DR6_BS);
	__asm__ volatile("movl %%db6, %0; andl %1, %0; movl %0, %%db6" : "=&r"(mine) : "r"(~mine));
	if ((why & DR6_B0) && !lab_watches(ss)) {
		regs->flags |= X86_EFLAGS_RF; /* or the breakpoint would be met again at once */
	} else if (why & DR6_B0) {
		record(&seen.watch, regs, 1, ss, esp);
		lab_debug(true);
	}
	if ((why & DR6_BS) && user_mode(regs)) {
		force_signal(SIGTRAP, 1, 0, 0);
	} else if (why & DR6_BS) {
		record(&seen.step, regs, 1, ss, esp);
		step_in_kernel(regs);
	}
}

/* True: return without IRET. */
fastcall bool do_nmi(struct pt_regs *regs, uint32_t ss, uint32_t esp)
{
	record(&seen.nmi, regs, 2, ss, esp);
	return lab_nmi();
}

/* A task of its own.  The program before it is in cpu_tss.tss, where IRET will load it from. */
void do_double_fault(void)
{
	struct tss *before = &cpu_tss.tss;

	seen.double_fault = (struct lab_frame){seen.double_fault.count + 1, 8, doublefault_tss.back_link, before->eip,
					       before->cs, before->eflags, before->ss, before->esp};
	if (before->eip != (uint32_t)doublefault_push) {
		printk("kernel: double fault, eip %x esp %x\n", before->eip, before->esp);
		die("double fault", NULL, 0);
	}
	before->eip = (uint32_t)doublefault_back;
}
