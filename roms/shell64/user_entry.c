/* Experiments with the entries: gates, SYSCALL, #DB and NMI at exact instructions, shadows. */
#include "user64.h"

#define USER_GS 0x12345000ul /* a base to be known again */

static volatile unsigned traps;
static volatile unsigned long trap_ip, trap_no, trap_error;

static void trap(int number)
{
	signal_frame sc = SIGNAL_FRAME;

	traps++;
	trap_ip = sc->ip;
	trap_no = sc->trap_no;
	trap_error = sc->error_code;
}

static void set_gs(unsigned long base)
{
	CALL(NR_arch_prctl, ARCH_SET_GS, base, 0);
}

/* ---- int 80h ---- */
static void step_over(int number)
{
	trap(number);
	SIGNAL_FRAME->ip += 2; /* INT 81h */
}

extern char gate_here[];

static LABELLED void int_81h(void)
{
	on_signal(SIGSEGV, step_over);
	__asm__ volatile(".globl gate_here\ngate_here: int $0x81" : : : "memory");
	on_signal(SIGSEGV, NULL);
}

void try_gate64(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	check("vector 80h: DPL", 3, info.gate_dpl);
	check("an interrupt gate", 14, info.gate_type);
	see(&seen);
	check("int 80h in 64-bit code: six arguments", 654321,
	      (unsigned long)call_int80(NR32_sixargs, 1l, 2l, 3l, 4l, 5l, 6l));
	check("a bad number: -ENOSYS", (unsigned long)-ENOSYS, (unsigned long)call_int80(9999, 1l, 2l, 3l, 4l, 5l, 6l));
	check("the upper half of RAX does not count", (unsigned long)getpid(),
	      (unsigned long)call_int80(1l << 32 | NR32_getpid, 1l, 2l, 3l, 4l, 5l, 6l));
	see(&seen);
	check("they came by the i386's table", 3, seen.ia32_syscalls);
	set_gs(USER_GS);
	lab(LAB_WATCH, info.system_call, WATCH_EXECUTE);
	call_int80(NR32_getpid, 1l, 2l, 3l, 4l, 5l, 6l);
	see(&seen);
	set_gs(0);
	check("a breakpoint on entry_INT80 was met: RIP", info.system_call, seen.watch.ip);
	check("CS there", __KERNEL_CS, seen.watch.cs);
	check("SS there: null, the privilege level has changed", 0, seen.watch.ss);
	check("IF there", 0, seen.watch.flags & X86_EFLAGS_IF);
	check("TSS.rsp0 is the entry stack", info.entry_stack_top, info.sp0);
	check("RSP there: five words below", info.sp0 - 40, seen.watch.sp);
	check("GS base: still ring 3's", USER_GS, seen.watch.gs);
	check("CR3: ring 3's page table", info.user_cr3, seen.watch.cr3);
	int_81h();
	check("vector 81h: DPL", 0, info.gate81_dpl);
	check("int 81h in ring 3: vector 13", 13, trap_no);
	check("its error code is 81h * 8 + 2", DPL0_VECTOR * 8 + 2, trap_error);
	check("the saved RIP is the INT's own", (unsigned long)gate_here, trap_ip);
}

/* ---- SYSCALL ---- */
extern char bare_return[];

static LABELLED void bare_syscall(void)
{
	unsigned long ax = NR_getpid, cx, r11, flags;

	__asm__ volatile("std\n\t"
			 "pushfq\n\t"
			 "popq %2\n\t"
			 "syscall\n\t"
			 ".globl bare_return\n"
			 "bare_return: movq %%r11, %3\n\t"
			 "cld"
			 : "+a"(ax), "=&c"(cx), "=&b"(flags), "=&d"(r11) : : "r11", "memory", "cc");
	check("RCX: the instruction behind", (unsigned long)bare_return, cx);
	check("R11: RFLAGS, with the DF that was set", flags, r11);
	check("getpid", (unsigned long)getpid(), ax);
}

static void syscall_msrs(const struct lab_info *info)
{
	check("STAR: the kernel's CS, and what SYSRET's are counted from",
	      (unsigned long)__USER32_CS << 16 | __KERNEL_CS, info->star >> 32);
	check("LSTAR", info->entry_syscall, info->lstar);
	check("FMASK: TF, IF, DF, NT, AC",
	      X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | X86_EFLAGS_NT | X86_EFLAGS_AC, info->fmask);
	check("EFER: SCE, LME, LMA", 0x501, info->efer & 0x501);
}

/* What the processor leaves to the kernel: stack, GS and CR3 are ring 3's. */
static void first_instruction(const struct lab_info *info)
{
	extern uint64_t syscall_rsp;
	struct lab_seen seen;
	unsigned long rsp;

	set_gs(USER_GS);
	lab(LAB_WATCH, info->entry_syscall, WATCH_EXECUTE);
	getpid();
	rsp = syscall_rsp;
	see(&seen);
	check("a breakpoint on entry_SYSCALL_64 was met: RIP", info->entry_syscall, seen.watch.ip);
	check("CS there", __KERNEL_CS, seen.watch.cs);
	check("SS there: CS + 8", __KERNEL_DS, seen.watch.ss);
	check("IF and DF there", 0, seen.watch.flags & (X86_EFLAGS_IF | X86_EFLAGS_DF));
	check("RSP there: still ring 3's", rsp, seen.watch.sp);
	check("GS base: still ring 3's", USER_GS, seen.watch.gs);
	check("CR3: ring 3's page table", info->user_cr3, seen.watch.cr3);
	lab(LAB_WATCH, info->sysret_instruction, WATCH_EXECUTE);
	rsp = syscall_rsp;
	see(&seen);
	check("the way back ended in SYSRET: RIP", info->sysret_instruction, seen.watch.ip);
	check("RSP there: ring 3's again", rsp, seen.watch.sp);
	check("GS base: ring 3's again", USER_GS, seen.watch.gs);
	check("CR3: ring 3's again", info->user_cr3, seen.watch.cr3);
	set_gs(0);
}

void try_syscall(const char *argument)
{
	struct lab_info info;

	know(&info);
	syscall_msrs(&info);
	bare_syscall();
	check("six arguments", 654321, (unsigned long)call(NR_sixargs, 1l, 2l, 3l, 4l, 5l, 6l));
	first_instruction(&info);
}

/* ---- #DB and NMI before SWAPGS ---- */
extern char step_behind[];

static LABELLED void step_over_syscall(void)
{
	unsigned long ax = NR_getpid;

	__asm__ volatile("pushfq\n\t"
			 "orl $0x100, (%%rsp)\n\t"
			 "popfq\n\t"
			 "syscall\n\t"
			 ".globl step_behind\n"
			 "step_behind: nop\n\t"
			 "pushfq\n\t"
			 "andl $~0x100, (%%rsp)\n\t"
			 "popfq"
			 : "+a"(ax) : : "rcx", "r11", "memory", "cc");
}

static volatile bool stepped_behind;

static void watch_steps(int number)
{
	stepped_behind |= SIGNAL_FRAME->ip == (unsigned long)step_behind + 1;
}

static void step_in_window(const struct lab_info *info)
{
	struct lab_seen seen;

	about("window, TF");
	on_signal(SIGTRAP, watch_steps);
	stepped_behind = false;
	see(&seen);
	step_over_syscall();
	see(&seen);
	check("FMASK takes TF away: no step in ring 0", 0, seen.step.count);
	check("the steps go on behind SYSCALL", 1, stepped_behind);
	lab(LAB_FMASK, X86_EFLAGS_IF | X86_EFLAGS_DF | X86_EFLAGS_NT | X86_EFLAGS_AC, 0);
	set_gs(USER_GS);
	see(&seen);
	step_over_syscall();
	see(&seen);
	lab(LAB_FMASK, 0, 0);
	set_gs(0);
	on_signal(SIGTRAP, NULL);
	check("FMASK without TF: #DB in ring 0, once", 1, seen.step.count);
	check("on the first instruction: RIP", info->entry_syscall, seen.step.ip);
	check("on the stack of IST 3", info->ist[IST_DB - 1], seen.step.at);
	check("GS base there: ring 3's", USER_GS, seen.step.gs);
	check("CR3 there: ring 3's", info->user_cr3, seen.step.cr3);
}

static void nmi_in_window(const struct lab_info *info, const char *what, unsigned long base)
{
	struct lab_seen seen;

	about(what);
	see(&seen);
	lab(LAB_WATCH, info->entry_syscall, WATCH_EXECUTE | ACT_HOLD_NMI);
	getpid();
	see(&seen);
	check("NMIs: one that #DB asked for, one that waited for its IRETQ", 2, seen.nmi.count);
	check("RIP of the second", info->entry_syscall, seen.nmi.ip);
	check("on the stack of IST 2", info->ist[IST_NMI - 1], seen.nmi.at);
	check("GS base there: ring 3's", base, seen.nmi.gs);
	check("CR3 there: ring 3's", info->user_cr3, seen.nmi.cr3);
	check("and GS is the kernel's and ring 3's again where it should be", (unsigned long)getpid(),
	      (unsigned long)CALL(NR_getpid, 1, 2, 3));
}

void try_window(const char *argument)
{
	struct lab_info info;

	know(&info);
	step_in_window(&info);
	about("window, NMI");
	if (!info.has_apic) {
		skip("NMI", "no local APIC, and nothing else a program can raise an NMI with");
		return;
	}
	set_gs(USER_GS);
	nmi_in_window(&info, "window, NMI", USER_GS);
	set_gs(0);
	about("window, NMI, the kernel's own base in ring 3's GS");
	if (!info.has_fsgsbase) {
		skip("WRGSBASE", "this processor has none");
		return;
	}
	__asm__ volatile("wrgsbase %0" : : "r"(info.cpu_area + 0x1000));
	nmi_in_window(&info, "window, NMI, an address of the kernel's half in ring 3's GS", info.cpu_area + 0x1000);
	__asm__ volatile("wrgsbase %0" : : "r"(0ul));
}

/* ---- NMI and the interrupt stack table ---- */
void try_nmi64(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	check("IST of #DB", IST_DB, info.gate_ist[1]);
	check("IST of NMI", IST_NMI, info.gate_ist[2]);
	check("IST of #DF", IST_DF, info.gate_ist[8]);
	check("IST of #MC", IST_MC, info.gate_ist[18]);
	check("IST of #PF: none", 0, info.gate_ist[14]);
	if (!info.has_apic) {
		skip("NMI", "no local APIC, and nothing else a program can raise an NMI with");
		return;
	}
	see(&seen);
	check("an NMI from this processor to itself", 0, (unsigned long)lab(LAB_SELF_NMI, 0, 0));
	see(&seen);
	check("it came", 1, seen.nmi.count);
	check("in ring 0: CS", __KERNEL_CS, seen.nmi.cs);
	check("on the stack of IST 2, and not on the interrupted one", info.ist[IST_NMI - 1], seen.nmi.at);
	check("GS base there: the kernel's", info.cpu_area, seen.nmi.gs);
	check("CR3 there: the kernel's page table", info.user_cr3 & ~(unsigned long)(PTI_PAGE | PTI_PCID), seen.nmi.cr3);
}

/* ---- shadows ---- */
static uint16_t stack_selector = __USER_DS;

void try_shadows64(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	see(&seen);
	check("STI; HLT with a timer interrupt waiting: it came", 1, (unsigned long)lab(LAB_STI_HLT, 0, 0));
	see(&seen);
	check("behind HLT: saved RIP", info.sti_hlt_end, seen.shadow.ip);
	check("STI; CLI with one waiting: none came", 0, (unsigned long)lab(LAB_STI_CLI, 0, 0));
	see(&seen);
	check("STI; NOP; CLI with one waiting: it came", 1, (unsigned long)lab(LAB_STI_CLI, 1, 0));
	see(&seen);
	check("behind NOP: saved RIP", info.sti_nop_end, seen.shadow.ip);
	on_signal(SIGTRAP, trap);
	traps = 0;
	lab(LAB_WATCH, (unsigned long)&stack_selector & ~3ul, WATCH_ACCESS);
	see(&seen);
	__asm__ volatile("movw %0, %%ss\n\tint3" : : "m"(stack_selector) : "memory");
	see(&seen);
	check("MOV SS; INT3 with a data breakpoint on MOV's operand: #DB came", 1, seen.watch.count);
	check("behind INT3's delivery, on the handler's first instruction: RIP", info.int3, seen.watch.ip);
	check("CS there, ring 0", __KERNEL_CS, seen.watch.cs);
	check("INT3 was told as SIGTRAP", 1, traps);
	on_signal(SIGTRAP, NULL);
}
