/* What assembly and C must agree on: selectors, the layout of pt_regs and thread_info, flag bits, numbers. */
#ifndef KERNEL_LAYOUT_H
#define KERNEL_LAYOUT_H

/* SAVE_ALL in the order of Linux 2.4 (ES and DS alone are saved), or of 3.18 (FS and GS too): chosen by the build. */
#ifndef SAVE_ALL_24
#define SAVE_ALL_24 0
#endif

/* ---- memory ---- */
#define KERNEL_END   0x01000000 /* 0 to here: supervisor pages, linear = physical; page 0 is not mapped */
#define USER_START   0x08048000 /* the user program */
#define STACK_TOP    0xbffff000 /* four pages below it: the user stack; the page above is never mapped */
#define TASK_SIZE    0xc0000000
#define LANDING_PAGE 0xffffe000 /* __kernel_vsyscall, read-only for ring 3 */
#define APIC         0xfee00000
#define IOAPIC       0xfec00000
#define KERNEL_ADDRESS 0x00100000 /* ring 3 may not: supervisor pages */
#define PAGE_SIZE    4096
#define THREAD_SIZE  8192 /* kernel stack of a task, thread_info at its bottom */

/* ---- segments: the places of Linux's GDT.  SYSENTER and SYSEXIT want the first four in this order. ---- */
#define __KERNEL_CS     0x60
#define __KERNEL_DS     0x68
#define __USER_CS       0x73
#define __USER_DS       0x7b
#define GDT_TSS         0x80
#define GDT_LDT         0x88
#define __ESPFIX_SS     0xd0
#define __KERNEL_PERCPU 0xd8
#define GDT_DOUBLEFAULT 0xf8
#define GDT_ENTRIES     32
#define LDT_ENTRIES     8

/* ---- vectors ---- */
#define FIRST_IRQ_VECTOR 0x20 /* 16 of the 8259s */
#define DPL0_VECTOR      0x81 /* like 80h, but its gate has DPL 0 */
#define LAB_VECTOR       0x41 /* IPI to oneself */
#define LEVEL_VECTOR     0x51 /* COM1 by the IOAPIC, while `level` is tried */
#define SYSCALL_VECTOR   0x80
#define TIMER_VECTOR     0xef /* local APIC timer */
#define SPURIOUS_VECTOR  0xff

/* ---- struct pt_regs: offsets from ESP after SAVE_ALL ---- */
#define PT_EBX 0
#define PT_ECX 4
#define PT_EDX 8
#define PT_ESI 12
#define PT_EDI 16
#define PT_EBP 20
#define PT_EAX 24
#define PT_DS  28
#define PT_ES  32
#if SAVE_ALL_24
#define PT_ORIG_EAX 36
#else
#define PT_FS       36
#define PT_GS       40
#define PT_ORIG_EAX 44
#endif
#define PT_EIP    (PT_ORIG_EAX + 4) /* from here the processor has pushed */
#define PT_CS     (PT_ORIG_EAX + 8)
#define PT_EFLAGS (PT_ORIG_EAX + 12)
#define PT_OLDESP (PT_ORIG_EAX + 16) /* these two only if the privilege level changed */
#define PT_OLDSS  (PT_ORIG_EAX + 20)
#define PT_SIZE   (PT_ORIG_EAX + 24)

/* ---- struct thread_info ---- */
#define TI_task          0
#define TI_flags         4
#define TI_preempt_count 8

#define TIF_SYSCALL_TRACE 0 /* tell the hooks of system calls */
#define TIF_NOTIFY_RESUME 1 /* work of the laboratory before the return */
#define TIF_SIGPENDING    2
#define TIF_NEED_RESCHED  3
#define TIF_SINGLESTEP    4 /* TF was on at SYSENTER: SIGTRAP before the return */
#define TIF_IRET          5 /* all registers were changed: SYSEXIT will not do */

#define _TIF_SYSCALL_TRACE 0x01
#define _TIF_NOTIFY_RESUME 0x02
#define _TIF_SIGPENDING    0x04
#define _TIF_NEED_RESCHED  0x08
#define _TIF_SINGLESTEP    0x10
#define _TIF_IRET          0x20
#define _TIF_WORK_SYSCALL_ENTRY _TIF_SYSCALL_TRACE
#define _TIF_WORK_SYSCALL_EXIT  (_TIF_SYSCALL_TRACE | _TIF_SINGLESTEP)
#define _TIF_WORK_MASK    (_TIF_NOTIFY_RESUME | _TIF_SIGPENDING | _TIF_NEED_RESCHED | _TIF_IRET)
#define _TIF_ALLWORK_MASK (_TIF_WORK_MASK | _TIF_WORK_SYSCALL_EXIT)

/* ---- struct task_struct, as far as switch_to sees it ---- */
#define TASK_THREAD_ESP 4
#define TASK_THREAD_EIP 8

/* ---- struct tss ---- */
#define TSS_ESP0 4

#define X86_EFLAGS_TF 0x00000100
#define X86_EFLAGS_IF 0x00000200
#define X86_EFLAGS_DF 0x00000400
#define X86_EFLAGS_NT 0x00004000
#define X86_EFLAGS_RF 0x00010000

/* ---- numbers of system calls: Linux's, but for the last two ---- */
#define NR_exit        1
#define NR_fork        2
#define NR_read        3
#define NR_write       4
#define NR_waitpid     7
#define NR_getpid      20
#define NR_setuid      23
#define NR_getuid      24
#define NR_ptrace      26
#define NR_kill        37
#define NR_getppid     64
#define NR_sigaction   67
#define NR_sethostname 74
#define NR_sigreturn   119
#define NR_uname       122
#define NR_modify_ldt  123
#define NR_sched_yield 158
#define NR_nanosleep   162
#define NR_lab         222 /* the laboratory: lab.h */
#define NR_sixargs     223 /* shows its six arguments */
#define NR_syscalls    224
#define NR_HOLE        17

#define EPERM  1
#define ESRCH  3
#define EINTR  4
#define E2BIG  7
#define ECHILD 10
#define EAGAIN 11
#define ENOMEM 12
#define EFAULT 14
#define EINVAL 22
#define ENODEV 19
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

/* As Linux's: the handler finds its return address, the signal's number, then this. */
struct sigcontext {
	uint32_t gs, fs, es, ds, di, si, bp, sp, bx, dx, cx, ax, trap_no, error_code, ip, cs, flags, sp_at_signal, ss;
	uint32_t old_mask, cr2;
};

struct sigframe {
	uint32_t return_address, number;
	struct sigcontext sc;
};
#endif

#endif
