/* What assembly and C must agree on: selectors, the layout of pt_regs and thread_info, flag bits, numbers. */
#ifndef KERNEL_LAYOUT_H
#define KERNEL_LAYOUT_H

#ifdef __ASSEMBLER__
#define CONST(value) value
#else
#define CONST(value) value##ul
#endif

/* ---- memory ---- */
#define KERNEL_BASE  CONST(0xffffffff80000000) /* physical 0: the kernel is linked 1 MiB above, loaded at 1 MiB */
#define KERNEL_END   0x01000000                /* physical memory from 0 to here is mapped at KERNEL_BASE */
#define APIC         CONST(0xffffffffffe00000)
#define IOAPIC       CONST(0xffffffffffc00000)
#define KERNEL_ADDRESS CONST(0xffffffff80101000) /* the entry area: mapped for ring 3, which may not */
#define NOBODY       CONST(0xffffffff40000000) /* an address of the kernel's half that is never mapped */
#define USER_START   0x00400000                /* the user program */
#define STACK_TOP    CONST(0x00007ffffffff000) /* four pages below it: the user stack; the page above is never mapped */
#define TASK_SIZE    CONST(0x00007ffffffff000)
#define NOT_CANONICAL CONST(0x0000800000000000)
#define PAGE_SIZE    4096
#define THREAD_SIZE  8192 /* kernel stack of a task, thread_info at its bottom */

/* A task's two page tables are two pages side by side: the kernel's, and above it the user's, which maps of the kernel
 * only the entry area (kernel.ld).  So CR3 of one is that of the other but for a bit; likewise their PCIDs. */
#define PTI_PAGE    0x1000
#define PTI_PCID    0x0800
#define KERNEL_PCID 1

/* ---- segments: the places of Linux's GDT.  SYSCALL, SYSRET, SYSENTER and SYSEXIT want 2 to 6 in this order. ---- */
#define __KERNEL32_CS 0x08
#define __KERNEL_CS   0x10
#define __KERNEL_DS   0x18
#define __USER32_CS   0x23
#define __USER_DS     0x2b
#define __USER_CS     0x33
#define GDT_TSS       0x40 /* 16 bytes */
#define GDT_LDT       0x50 /* 16 bytes */
#define GDT_ENTRIES   16
#define LDT_ENTRIES   8

/* ---- interrupt stack table ---- */
#define IST_DF  1
#define IST_NMI 2
#define IST_DB  3
#define IST_MC  4
#define IST_LAB 5 /* #GP, while SYSRET is tried without its check */
#define IST_BAD 6 /* points to no canonical address */

/* ---- vectors ---- */
#define FIRST_IRQ_VECTOR 0x20 /* 16 of the 8259s */
#define LAB_VECTOR       0x41 /* IPI to oneself */
#define TRAP_VECTOR      0x42 /* INT from ring 0 */
#define BAD_IST_VECTOR   0x43
#define LEVEL_VECTOR     0x51 /* COM1 by the IOAPIC, while `level` is tried */
#define SYSCALL_VECTOR   0x80
#define DPL0_VECTOR      0x81 /* its gate has DPL 0 */
#define TIMER_VECTOR     0xef /* local APIC timer */
#define SPURIOUS_VECTOR  0xff

/* ---- struct pt_regs: offsets from RSP after SAVE_ALL ---- */
#define PT_R15 0
#define PT_R14 8
#define PT_R13 16
#define PT_R12 24
#define PT_RBP 32
#define PT_RBX 40
#define PT_R11 48
#define PT_R10 56
#define PT_R9  64
#define PT_R8  72
#define PT_RAX 80
#define PT_RCX 88
#define PT_RDX 96
#define PT_RSI 104
#define PT_RDI 112
#define PT_ORIG_RAX 120
#define PT_RIP    128 /* from here an interrupt's words are the processor's: always five */
#define PT_CS     136
#define PT_EFLAGS 144
#define PT_RSP    152
#define PT_SS     160
#define PT_SIZE   168

/* ---- struct cpu_area, at the kernel's GS base ---- */
#define CPU_task         0 /* current */
#define CPU_top_of_stack 8  /* of the current task */
#define CPU_user_sp      16 /* RSP of ring 3, between SYSCALL and its place in pt_regs */
#define CPU_user_cr3     24
#define CPU_noflush      32 /* bit 63 where there are PCIDs */

/* ---- struct thread_info ---- */
#define TI_task          0
#define TI_flags         8
#define TI_preempt_count 12

#define _TIF_SYSCALL_TRACE 0x01 /* tell the hooks of system calls */
#define _TIF_NOTIFY_RESUME 0x02 /* work of the laboratory before the return */
#define _TIF_SIGPENDING    0x04
#define _TIF_NEED_RESCHED  0x08
#define _TIF_SINGLESTEP    0x10 /* TF came in over SYSENTER: SIGTRAP on the way out */
#define _TIF_IRET          0x20 /* all registers were changed: SYSEXIT will not do */
#define _TIF_WORK_SYSCALL_ENTRY _TIF_SYSCALL_TRACE
#define _TIF_WORK_SYSCALL_EXIT  (_TIF_SYSCALL_TRACE | _TIF_SINGLESTEP)
#define _TIF_WORK_MASK    (_TIF_NOTIFY_RESUME | _TIF_SIGPENDING | _TIF_NEED_RESCHED | _TIF_IRET)
#define _TIF_ALLWORK_MASK (_TIF_WORK_MASK | _TIF_WORK_SYSCALL_EXIT)

/* ---- struct task_struct, as far as switch_to sees it ---- */
#define TASK_THREAD_SP 8
#define TASK_THREAD_IP 16

#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_FMASK          0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define EFER_SCE 0x001
#define EFER_LME 0x100
#define EFER_NXE 0x800

#define X86_EFLAGS_TF 0x00000100
#define X86_EFLAGS_IF 0x00000200
#define X86_EFLAGS_DF 0x00000400
#define X86_EFLAGS_NT 0x00004000
#define X86_EFLAGS_RF 0x00010000
#define X86_EFLAGS_AC 0x00040000

/* ---- numbers of system calls: Linux's for x86-64, but for the last two ---- */
#define NR_read        0
#define NR_write       1
#define NR_sigaction   13
#define NR_sigreturn   15
#define NR_sched_yield 24
#define NR_nanosleep   35
#define NR_getpid      39
#define NR_fork        57
#define NR_exit        60
#define NR_waitpid     61
#define NR_kill        62
#define NR_uname       63
#define NR_ptrace      101
#define NR_getuid      102
#define NR_setuid      105
#define NR_getppid     110
#define NR_modify_ldt  154
#define NR_arch_prctl  158
#define NR_sethostname 170
#define NR_lab         222 /* the laboratory: lab.h */
#define NR_sixargs     223 /* shows its six arguments */
#define NR_syscalls    224
#define NR_HOLE        4   /* of both tables */

/* Linux's for the i386: by int 80h, and by SYSENTER and SYSCALL in compatibility mode. */
#define NR32_exit        1
#define NR32_fork        2
#define NR32_write       4
#define NR32_getpid      20
#define NR32_sched_yield 158
#define NR32_lab         222
#define NR32_sixargs     223

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

#define EPERM  1
#define ESRCH  3
#define EINTR  4
#define ECHILD 10
#define EAGAIN 11
#define ENOMEM 12
#define EFAULT 14
#define ENODEV 19
#define EINVAL 22
#define EBADF  9
#define ENOSYS 38

#define SIGILL  4
#define SIGTRAP 5
#define SIGBUS  7
#define SIGFPE  8
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGTERM 15
#define SIGCHLD 17

#ifndef __ASSEMBLER__
#include <stdint.h>

/* The handler finds its return address, then this; the signal's number is in EDI. */
struct sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, flags, cs, ss;
	uint64_t error_code, trap_no, old_mask, cr2;
};

struct sigframe {
	uint64_t return_address;
	struct sigcontext sc;
};
#endif

#endif
