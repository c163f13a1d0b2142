/* Experiments with SYSENTER, NMI and interrupt shadows. */
#include "user.h"

static volatile unsigned traps, trap_ips[16];

static void trap(int number)
{
	signal_frame sc = SIGNAL_FRAME;

	if (traps < 16)
		trap_ips[traps] = sc->ip;
	traps++;
}

/* ---- SYSENTER ---- */

/* EBP = two bytes below the end of the stack: the sixth argument lies half on a page that is not there.  So does
 * what the landing page pops, but the frame of a signal finds room below. */
static void sixth_argument_fault(int number)
{
	signal_frame sc = SIGNAL_FRAME;

	leave(sc->ax == (uint32_t)-EFAULT && sc->ip == (uint32_t)SYSENTER_RETURN ? 42 : 1);
}

static void bad_sixth_argument(void)
{
	on_signal(SIGSEGV, sixth_argument_fault);
	__asm__ volatile("movl %0, %%ebp; sysenter" : : "i"(STACK_TOP - 2), "a"(NR_getpid) : "memory");
	leave(2);
}

/* The landing page's instructions are stepped through, and SYSENTER with them. */
static void step_over_sysenter(void)
{
	__asm__ volatile("pushfl\n\t"
			 "orl $0x100, (%%esp)\n\t"
			 "popfl\n\t"
			 "call __kernel_vsyscall\n\t"
			 "pushfl\n\t"
			 "andl $~0x100, (%%esp)\n\t"
			 "popfl"
			 : : "a"(NR_getpid) : "memory", "cc");
}

static bool stepped_at(unsigned ip)
{
	for (unsigned i = 0; i < traps && i < 16; i++)
		if (trap_ips[i] == ip)
			return true;
	return false;
}

static int sysenter_nt(void)
{
	int result;

	__asm__ volatile("pushfl\n\t"
			 "orl $0x4000, (%%esp)\n\t"
			 "popfl\n\t"
			 "call __kernel_vsyscall\n\t"
			 "pushfl\n\t"
			 "andl $~0x4000, (%%esp)\n\t"
			 "popfl"
			 : "=a"(result) : "0"(NR_sched_yield) : "memory", "cc");
	return result;
}

static void try_sysenter_step(const struct lab_info *info)
{
	struct lab_seen seen;

	traps = 0;
	on_signal(SIGTRAP, trap);
	see(&seen);
	step_over_sysenter();
	see(&seen);
	on_signal(SIGTRAP, 0);
	check("TF over SYSENTER: #DB in ring 0, once", 1, seen.step.count);
	check("on the first instruction: EIP", info->sysenter_entry, seen.step.ip);
	check("on the entry stack: ESP", info->sysenter_esp, seen.step.sp);
	check("SYSENTER cleared IF", 0, seen.step.flags & X86_EFLAGS_IF);
	check("SYSENTER kept TF", X86_EFLAGS_TF, seen.step.flags & X86_EFLAGS_TF);
	check("the program was told on the way back: a trap at SYSENTER_RETURN", 1,
	      stepped_at((unsigned)SYSENTER_RETURN));
	check("and its steps went on behind it", 1, stepped_at((unsigned)SYSENTER_RETURN + 1));
}

/* Work before the return makes it an IRET; so is the child's. */
static void try_sysenter_work(void)
{
	int pid = call_sysenter(NR_fork, 1, 2, 3, 4, 5, 6);

	if (pid == 0)
		leave(42);
	check("fork: the child comes back to SYSENTER_RETURN with 0", EXITED(42), (unsigned)wait_for(pid));
	traps = 0;
	on_signal(SIGUSR1, trap);
	check("kill(getpid(), SIGUSR1)", 0, (unsigned)call_sysenter(NR_kill, getpid(), SIGUSR1, 3, 4, 5, 6));
	on_signal(SIGUSR1, 0);
	check("the handler ran once, over SYSENTER_RETURN", 1, traps == 1 && trap_ips[0] == (unsigned)SYSENTER_RETURN);
}

void try_sysenter(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	if (!info.has_sep) {
		skip("sysenter", "this processor has none");
		return;
	}
	check("MSR 174h", __KERNEL_CS, info.sysenter_cs);
	check("MSR 176h", info.sysenter_entry, info.sysenter_eip);
	see(&seen);
	check("getpid", (unsigned)getpid(), (unsigned)call_sysenter(NR_getpid, 1, 2, 3, 4, 5, 6));
	check("six arguments, the sixth from the user stack", 654321,
	      (unsigned)call_sysenter(NR_sixargs, 1, 2, 3, 4, 5, 6));
	check("... and by int 80h", 654321, (unsigned)call(NR_sixargs, 1, 2, 3, 4, 5, 6));
	check("a bad number: -ENOSYS", (unsigned)-ENOSYS, (unsigned)call_sysenter(9999, 1, 2, 3, 4, 5, 6));
	see(&seen);
	check("sysenter_entry was entered", 3, seen.sysenters);
	check("the sixth argument is not there: back at SYSENTER_RETURN with -EFAULT", EXITED(42),
	      (unsigned)in_child(bad_sixth_argument));
	see(&seen);
	check("the fault was met by the exception table: vector", 14, seen.fixup.vector);
	check("NT = 1 at SYSENTER: sched_yield", 0, (unsigned)sysenter_nt());
	see(&seen);
	check("NT was taken away, and its return by IRET met no fault", 0, seen.fixup.count);
	try_sysenter_work();
	try_sysenter_step(&info);
}

/* ---- NMI ---- */
static void nmi_after_sysenter(const struct lab_info *info)
{
	struct lab_seen seen;

	about("nmi, on the first instruction after SYSENTER");
	traps = 0;
	on_signal(SIGTRAP, trap);
	lab(LAB_STEP, ACT_HOLD_NMI, 0);
	see(&seen);
	step_over_sysenter();
	see(&seen);
	check("NMIs: one that #DB asked for, one that waited for its IRET", 2, seen.nmi.count);
	check("EIP of the second", info->sysenter_entry, seen.nmi.ip);
	check("ESP: the entry stack", info->sysenter_esp, seen.nmi.sp);
	about("nmi, in #DB's entry on the entry stack");
	traps = 0;
	lab(LAB_WATCH, info->sysenter_frame_bx, WATCH_WRITE | ACT_HOLD_NMI);
	step_over_sysenter();
	see(&seen);
	on_signal(SIGTRAP, 0);
	check("the data breakpoint in SAVE_ALL was met", 1, seen.watch.count);
	check("NMIs", 2, seen.nmi.count);
	check("EIP of the second is between debug and debug_fixup", 1,
	      seen.nmi.ip - info->debug < info->debug_fixup - info->debug);
	check("ESP: EBX was the last word pushed", info->sysenter_frame_bx, seen.nmi.sp);
	check("afterwards #DB went on: steps seen in ring 0", 1, seen.step.count);
	check("and the program was told", 1, stepped_at((unsigned)SYSENTER_RETURN));
}

static void nmi_on_espfix_stack(const struct lab_info *info)
{
	struct lab_seen seen;

	about("nmi, on the espfix stack");
	lab(LAB_ESPFIX, 1, 0);
	lab(LAB_WATCH, info->irq_return, WATCH_EXECUTE | ACT_HOLD_NMI | ACT_ON_ESPFIX);
	see(&seen);
	check("ESP after the system call", 0x56780800, esp_over_call(0x56780800));
	see(&seen);
	check("the breakpoint on IRET was met, SS", __ESPFIX_SS, seen.watch.ss);
	check("NMIs", 2, seen.nmi.count);
	check("EIP of the second: IRET", info->irq_return, seen.nmi.ip);
	check("SS of the second", __ESPFIX_SS, seen.nmi.ss);
	check("ESP of the second: the upper half is the user's", 0x5678, seen.nmi.sp >> 16);
	check("... and the lower the kernel's", (info->sp0 - 20) & 0xffff, seen.nmi.sp & 0xffff);
	lab(LAB_ESPFIX, info->espfix, 0);
}

void try_nmi(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	if (!info.has_apic) {
		skip("nmi", "no local APIC, and nothing else a program can raise an NMI with");
		return;
	}
	see(&seen);
	check("an NMI from this processor to itself", 0, (unsigned)lab(LAB_SELF_NMI, 0, 0));
	see(&seen);
	check("it came", 1, seen.nmi.count);
	check("in ring 0: CS", __KERNEL_CS, seen.nmi.cs);
	if (info.has_sep)
		nmi_after_sysenter(&info);
	else
		skip("nmi after SYSENTER", "this processor has none");
	nmi_on_espfix_stack(&info);
}

/* ---- shadows ---- */
static uint16_t stack_selector = __USER_DS;
extern char pop_ss_nop[], pop_ss_end[];

static LABELLED void pop_ss_under_tf(void)
{
	__asm__ volatile("pushl %%ss\n\t"
			 "pushfl\n\t"
			 "orl $0x100, (%%esp)\n\t"
			 "popfl\n\t"
			 "popl %%ss\n\t"
			 ".globl pop_ss_nop\n"
			 "pop_ss_nop: nop\n\t"
			 ".globl pop_ss_end\n"
			 "pop_ss_end: pushfl\n\t"
			 "andl $~0x100, (%%esp)\n\t"
			 "popfl"
			 : : : "memory", "cc");
}

static void mov_ss_int3(const struct lab_info *info)
{
	struct lab_seen seen;

	traps = 0;
	lab(LAB_WATCH, (unsigned)&stack_selector & ~3u, WATCH_ACCESS);
	see(&seen);
	__asm__ volatile("movw %0, %%ss\n\tint3" : : "m"(stack_selector) : "memory");
	see(&seen);
	check("MOV SS; INT3 with a data breakpoint on MOV's operand: #DB came", 1, seen.watch.count);
	check("behind INT3's delivery, on the handler's first instruction: EIP", info->int3, seen.watch.ip);
	check("CS there, ring 0", __KERNEL_CS, seen.watch.cs);
	check("INT3 was told as SIGTRAP", 1, traps);
}

void try_shadows(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	see(&seen);
	check("STI; HLT with a timer interrupt waiting: it came", 1, (unsigned)lab(LAB_STI_HLT, 0, 0));
	see(&seen);
	check("behind HLT: saved EIP", info.sti_hlt_end, seen.shadow.ip);
	check("STI; CLI with one waiting: none came", 0, (unsigned)lab(LAB_STI_CLI, 0, 0));
	see(&seen);
	check("STI; NOP; CLI with one waiting: it came", 1, (unsigned)lab(LAB_STI_CLI, 1, 0));
	see(&seen);
	check("behind NOP: saved EIP", info.sti_nop_end, seen.shadow.ip);
	on_signal(SIGTRAP, trap);
	traps = 0;
	pop_ss_under_tf();
	check("POP SS under TF: no trap before the next instruction", 0, stepped_at((unsigned)pop_ss_nop));
	check("one behind it", 1, stepped_at((unsigned)pop_ss_end));
	mov_ss_int3(&info);
	on_signal(SIGTRAP, 0);
}

/* ---- gates ---- */
static volatile uint32_t gate_trap, gate_error, gate_ip;
extern char gate_here[];

static void gate_handler(int number)
{
	signal_frame sc = SIGNAL_FRAME;

	gate_trap = sc->trap_no;
	gate_error = sc->error_code;
	gate_ip = sc->ip;
	sc->ip += 2; /* over INT 81h */
}

void try_gate(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	print("  SAVE_ALL in the order of Linux %s\n", info.save_all_24 ? "2.4" : "3.18");
	check("vector 80h: DPL", 3, info.gate_dpl);
	check("vector 80h: an interrupt gate (14) or a trap gate (15)", 1,
	      info.gate_type == 14 || info.gate_type == 15);
	see(&seen);
	lab(LAB_WATCH, info.system_call, WATCH_EXECUTE);
	getpid();
	see(&seen);
	check("a breakpoint on system_call was met: EIP", info.system_call, seen.watch.ip);
	check("CS there", __KERNEL_CS, seen.watch.cs);
	check("IF there: 0 behind an interrupt gate, as before behind a trap gate",
	      info.gate_type == 15 ? X86_EFLAGS_IF : 0, seen.watch.flags & X86_EFLAGS_IF);
	check("ESP there: five words below TSS.esp0", info.sp0 - 20, seen.watch.sp);
	on_signal(SIGSEGV, gate_handler);
	__asm__ volatile(".globl gate_here\ngate_here: int $0x81" : : : "memory");
	on_signal(SIGSEGV, 0);
	check("vector 81h: DPL", 0, info.gate81_dpl);
	check("int 81h in ring 3: vector 13", 13, gate_trap);
	check("its error code is 81h * 8 + 2", DPL0_VECTOR * 8 + 2, gate_error);
	check("the saved EIP is the INT's own", (unsigned)gate_here, gate_ip);
}
