/* The ways into the kernel and out of it.
 *
 *   SYSCALL        entry_SYSCALL_64 ---> syscall_call -> syscall_exit -+-> syscall_return -> sysret_instruction (SYSRET)
 *   int 80h        entry_INT80 -----+--> ia32_call ----> ia32_exit ----+-> return_to_user --> irq_return (IRETQ)
 *   SYSENTER       entry_SYSENTER_compat (leaves by SYSEXIT too)       |
 *   SYSCALL, 32    entry_SYSCALL_compat                                |
 *   exception      error_entry ---> ret_from_exception ----------------+-> work_pending: schedule, signals
 *   IRQ            error_entry ---> ret_from_intr ---------------------'
 *   #DB NMI #DF #MC on their ISTs: from ring 3 the same, from ring 0 paranoid_entry ---> paranoid_exit
 *   new task       ret_from_fork, ret_from_kernel_thread -> syscall_exit
 *
 * From the first instruction until SWAPGS and SWITCH_TO_KERNEL_CR3 are done GS and CR3 are ring 3's, and only the
 * entry area (sections .entry.*) is mapped.  So are the last instructions before IRETQ and SYSRET, which run on the
 * entry stack.  Between syscall_exit or resume_userspace and the return interrupts are off: no work can arrive between the
 * test of thread_info.flags and the return.  %rbp is the task's thread_info all the way. */
#include "layout.h"

	.macro LABEL name
	.globl \name
	.type \name, @function
\name:
	.endm

	.macro ENTRY name
	.balign 16
	LABEL \name
	.endm

/* Should the instruction at \from fault in ring 0, go on at \to (traps.c, fixup_exception). */
	.macro EXCEPTION_TABLE from, to
	.pushsection __ex_table, "a"
	.quad \from, \to
	.popsection
	.endm

/* STAC and CLAC, where CR4.SMAP is set: setup.c writes them here. */
	.macro SMAP_SITE opcode
9:	.byte 0x0f, 0x1f, 0x00			/* NOP of three bytes */
	.pushsection smap_sites, "a"
	.quad 9b, \opcode
	.popsection
	.endm
#define CLAC SMAP_SITE 0xca010f
#define STAC SMAP_SITE 0xcb010f

/* ---- pt_regs ---- */

/* Below orig_rax, which the processor or the caller has pushed.  DF is 0 as C wants it. */
	.macro SAVE_ALL rax=%rax
	cld
	CLAC
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq \rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	.endm

/* All but %rdi, whose word RSP is left at. */
	.macro RESTORE_REGS
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	.endm

	.macro GET_THREAD_INFO register
	movq $-THREAD_SIZE, \register
	andq %rsp, \register
	.endm

/* GS is the kernel's. */
	.macro SWITCH_TO_KERNEL_CR3 scratch
	movq %cr3, \scratch
	andq $~(PTI_PAGE | PTI_PCID), \scratch
	orq %gs:CPU_noflush, \scratch
	movq \scratch, %cr3
	.endm

/* On the entry stack.  What __switch_to has written to user_cr3 flushes once. */
	.macro SWITCH_TO_USER_CR3 scratch
	movq %gs:CPU_user_cr3, \scratch
	movq \scratch, %cr3
	movq %gs:CPU_noflush, \scratch
	orq \scratch, %gs:CPU_user_cr3
	.endm

/* Pushes above pt_regs' registers what the processor does not: for SYSCALL and SYSENTER. */
	.macro PUSH_FRAME sp, flags, cs, ip
	pushq $__USER_DS
	pushq \sp
	pushq \flags
	pushq $\cs
	pushq \ip
	.endm

	.section .entry.text, "ax"
/* ---- SYSCALL ---- */
/* RCX: the RIP to return to, R11: RFLAGS; IF, DF, TF, NT and AC are masked by FMASK.  RSP is still ring 3's. */
ENTRY entry_SYSCALL_64
	swapgs
	movq %rsp, %gs:CPU_user_sp
	SWITCH_TO_KERNEL_CR3 %rsp
	movq %gs:CPU_top_of_stack, %rsp
LABEL entry_SYSCALL_64_safe_stack
	PUSH_FRAME %gs:CPU_user_sp, %r11, __USER_CS, %rcx
	pushq %rax				/* orig_rax: the number */
	SAVE_ALL $-ENOSYS
	jmp syscall_64

/* In compatibility mode, where the processor has it there (AMD).  %ebp: the second argument, RCX being taken. */
ENTRY entry_SYSCALL_compat
	swapgs
	movq %rsp, %gs:CPU_user_sp
	SWITCH_TO_KERNEL_CR3 %rsp
	movq %gs:CPU_top_of_stack, %rsp
	PUSH_FRAME %gs:CPU_user_sp, %r11, __USER32_CS, %rcx
	movl %eax, %eax
	pushq %rax
	movl %ebp, %ecx
	xorl %ebp, %ebp
	SAVE_ALL $-ENOSYS
	jmp ia32_syscall

/* ---- SYSENTER in compatibility mode ---- */
/* RSP: the entry stack's top; %ebp: the user's ESP, where %ebp itself, the sixth argument, was pushed.  IF = 0,
 * but TF and NT are as ring 3 had them. */
ENTRY entry_SYSENTER_compat
	swapgs
	SWITCH_TO_KERNEL_CR3 %rsp
	movq %gs:CPU_top_of_stack, %rsp
	movl %ebp, %ebp
	pushq $__USER_DS
	pushq %rbp
	pushfq
	orq $X86_EFLAGS_IF, (%rsp)
	pushq $__USER32_CS
	pushq $SYSENTER_RETURN
	movl %eax, %eax
	pushq %rax
	SAVE_ALL $-ENOSYS
	pushq $2				/* NT would make every IRETQ of the kernel fault */
	popfq
	andq $~X86_EFLAGS_NT, PT_EFLAGS(%rsp)
	jmp sysenter_call

/* ---- the ways out ---- */
/* RSP: pt_regs, IF = 0.  The five words and %rdi are copied to the entry stack, which both page tables map. */
LABEL return_to_user
	RESTORE_REGS
	movq %rsp, %rdi
	movq $entry_stack_top, %rsp
	pushq 48(%rdi)
	pushq 40(%rdi)
	pushq 32(%rdi)
	pushq 24(%rdi)
	pushq 16(%rdi)
	pushq (%rdi)
	SWITCH_TO_USER_CR3 %rdi
	popq %rdi
	swapgs
LABEL irq_return
	iretq
	EXCEPTION_TABLE irq_return, iret_exc

LABEL sysret_to_user				/* RCX and R11 of pt_regs are RIP and RFLAGS */
	RESTORE_REGS
	movq %rsp, %rdi
	movq $entry_stack_top, %rsp
	pushq 40(%rdi)
	pushq (%rdi)
	SWITCH_TO_USER_CR3 %rdi
	popq %rdi
	popq %rsp
	swapgs
LABEL sysret_instruction
	sysretq
	EXCEPTION_TABLE sysret_instruction, sysret_exc

LABEL sysexit_to_user				/* ECX: the user's ESP, EDX: EIP */
	RESTORE_REGS
	popq %rdi
	movl 32(%rsp), %ecx
	movl 8(%rsp), %edx
	SWITCH_TO_USER_CR3 %rsp
	swapgs
	sti					/* no interrupt before SYSEXIT is done */
LABEL sysexit_instruction
	sysexit

LABEL restore_kernel				/* what was interrupted is the kernel: GS and CR3 stay */
	RESTORE_REGS
	popq %rdi
	addq $8, %rsp
LABEL kernel_return
	iretq

/* ---- exceptions and interrupts ---- */
/* %rbx: handler(regs, error code, vector), %edx: the vector; orig_rax: the error code, -1, or ~IRQ.  pt_regs are complete,
 * on the entry stack if ring 3 was interrupted, and go to the task's. */
ENTRY error_entry
	testb $3, PT_CS(%rsp)
	jz error_kernelspace
LABEL error_swapgs
	swapgs
	SWITCH_TO_KERNEL_CR3 %rax
LABEL sync_regs
	movq %rsp, %rsi
	movq %gs:CPU_top_of_stack, %rdi
	subq $PT_SIZE, %rdi
	movq %rdi, %rsp
	movl $PT_SIZE / 8, %ecx
	rep movsq
LABEL error_call
	movq %rsp, %rdi
	movq PT_ORIG_RAX(%rsp), %rsi
	call *%rbx
	jmp ret_from_exception

/* The returns to ring 3 are where the kernel faults with the user's GS and CR3. */
LABEL error_kernelspace
	cmpq $irq_return, PT_RIP(%rsp)
	je 1f
	cmpq $sysret_instruction, PT_RIP(%rsp)
	jne error_call
1:	swapgs
	SWITCH_TO_KERNEL_CR3 %rax
	jmp error_call				/* fixup_exception returns to iret_exc or sysret_exc */

	.macro STUB name, handler, vector, error, entry
	ENTRY \name
	.if !\error
	pushq $-1				/* in the place of the error code */
	.endif
	SAVE_ALL
	movq $\handler, %rbx
	movl $\vector, %edx
	jmp \entry
	.endm
	.macro EXCEPTION name, vector, handler=do_trap, error=0
	STUB \name, \handler, \vector, \error, error_entry
	.endm

	EXCEPTION divide_error, 0
	EXCEPTION int3, 3
	EXCEPTION overflow, 4
	EXCEPTION invalid_op, 6
	EXCEPTION device_not_available, 7
	EXCEPTION invalid_TSS, 10, error=1
	EXCEPTION segment_not_present, 11, error=1
	EXCEPTION stack_segment, 12, error=1
	EXCEPTION general_protection, 13, error=1
	EXCEPTION page_fault, 14, do_page_fault, 1
	EXCEPTION coprocessor_error, 16
	EXCEPTION alignment_check, 17, error=1
	EXCEPTION lab_trap, TRAP_VECTOR, do_lab_trap
	EXCEPTION apic_timer_interrupt, TIMER_VECTOR, smp_apic_timer_interrupt
	EXCEPTION spurious_interrupt, SPURIOUS_VECTOR, smp_spurious_interrupt
	EXCEPTION lab_interrupt, LAB_VECTOR, do_lab_interrupt
	EXCEPTION level_interrupt, LEVEL_VECTOR, do_level_interrupt

ENTRY irq_entries_start				/* 16 bytes each */
	.set irq, 0
	.rept 16
	.balign 16
	pushq $~irq				/* orig_rax: below 0, no system call */
	jmp common_interrupt
	.set irq, irq + 1
	.endr

	STUB common_interrupt, do_IRQ, 0, 1, error_entry

ENTRY dpl0_call					/* vector 81h: ring 3 may not, and nobody else does */
	iretq

/* ---- int 80h, from 64-bit code and from compatibility mode ---- */
ENTRY entry_INT80
	movl %eax, %eax
	pushq %rax				/* orig_rax: the number */
	SAVE_ALL $-ENOSYS
	swapgs
	SWITCH_TO_KERNEL_CR3 %rax
	movq %rsp, %rsi
	movq %gs:CPU_top_of_stack, %rdi
	subq $PT_SIZE, %rdi
	movq %rdi, %rsp
	movl $PT_SIZE / 8, %ecx
	rep movsq
	jmp ia32_syscall

/* ---- #DB, NMI, #DF, #MC: each on its IST, at any instruction ---- */
	.macro PARANOID name, vector, handler, error=0
	STUB \name, \handler, \vector, \error, paranoid_entry
	.endm
	PARANOID debug, 1, do_debug
	PARANOID nmi, 2, do_nmi
	PARANOID double_fault, 8, do_double_fault, 1
	PARANOID machine_check, 18, do_machine_check

/* CS does not tell whose GS this is: the base does.  With FSGSBASE ring 3 can give itself any base, so that the kernel's
 * is set and not asked for.  %r15: the base found, %r14: CR3, %r12: pt_regs. */
ENTRY paranoid_entry
	testb $3, PT_CS(%rsp)
	jnz error_swapgs
	movq %rsp, %r12
	cmpl $0, fsgsbase_on
	je 1f
	rdgsbase %r15
	movq $cpu_area, %rax
	wrgsbase %rax
	jmp 2f
1:	movl %edx, %r13d
	movl $MSR_GS_BASE, %ecx
	rdmsr
	shlq $32, %rdx
	orq %rdx, %rax				/* the kernel's are in the upper half: negative */
	movq %rax, %r15
	movl %r13d, %edx
	js 2f
	swapgs
2:	movq %cr3, %r14
	SWITCH_TO_KERNEL_CR3 %rax
	movq %r15, paranoid_gs
	movq %r14, paranoid_cr3
	movq %rsp, %rdi
	movq PT_ORIG_RAX(%rsp), %rsi
	call *%rbx
	testb %al, %al
	jnz return_without_iret

LABEL paranoid_exit
	orq %gs:CPU_noflush, %r14
	movq %r14, %cr3
	cmpl $0, fsgsbase_on
	je 1f
	wrgsbase %r15
	jmp restore_kernel
1:	testq %r15, %r15
	js restore_kernel
	swapgs
	jmp restore_kernel

/* On request of the laboratory: from an NMI that found the kernel's GS and CR3, so that NMIs stay blocked. */
LABEL return_without_iret
	movq PT_RSP(%rsp), %rdx
	movq PT_RIP(%rsp), %rax
	movq %rax, -8(%rdx)
	movq PT_EFLAGS(%rsp), %rax
	movq %rax, -16(%rdx)
	subq $16, PT_RSP(%rsp)
	RESTORE_REGS
	popq %rdi
	movq 32(%rsp), %rsp
	popfq
	ret

	.text
/* ---- system calls: the kernel's GS, CR3 and stack; %rax: the number ---- */
LABEL syscall_64
	GET_THREAD_INFO %rbp
	incl syscalls
	sti
	testl $_TIF_WORK_SYSCALL_ENTRY, TI_flags(%rbp)
	jnz syscall_trace_entry
	cmpq $NR_syscalls, %rax
	jae syscall_exit			/* -ENOSYS is there already */
LABEL syscall_call
	movq %r10, %rcx				/* the fourth argument; the others are where C wants them */
	call *sys_call_table(, %rax, 8)
	movq %rax, PT_RAX(%rsp)			/* the result */
LABEL syscall_exit
	cli
	movl TI_flags(%rbp), %ecx
	testl $_TIF_ALLWORK_MASK, %ecx
	jnz syscall_exit_work

/* SYSRET loads RIP from RCX, RFLAGS from R11, and fixed selectors: it will do if that is what pt_regs say.  With an RIP that
 * is not canonical an Intel processor would fault in ring 0, on ring 3's stack; RF and TF want IRETQ. */
LABEL syscall_return
	movq PT_RCX(%rsp), %rcx
	movq PT_R11(%rsp), %r11
	cmpq %rcx, PT_RIP(%rsp)
	jne return_to_user
	cmpq %r11, PT_EFLAGS(%rsp)
	jne return_to_user
	cmpq $__USER_CS, PT_CS(%rsp)
	jne return_to_user
	cmpq $__USER_DS, PT_SS(%rsp)
	jne return_to_user
	testq $(X86_EFLAGS_RF | X86_EFLAGS_TF), %r11
	jnz return_to_user
	shrq $47, %rcx
	jz sysret_to_user
	cmpl $0, sysret_unchecked		/* the laboratory's: what the check is good for */
	jne sysret_to_user
	jmp return_to_user

LABEL syscall_trace_entry
	movq %rsp, %rdi
	call syscall_trace_enter		/* may return another number */
	movq PT_RDI(%rsp), %rdi
	movq PT_RSI(%rsp), %rsi
	movq PT_RDX(%rsp), %rdx
	movq PT_R10(%rsp), %r10
	movq PT_R8(%rsp), %r8
	movq PT_R9(%rsp), %r9
	cmpq $NR_syscalls, %rax
	jb syscall_call
	jmp syscall_exit

/* ---- system calls of i386 programs ---- */
LABEL ia32_syscall
	sti
	GET_THREAD_INFO %rbp
LABEL ia32_call_traced
	incl ia32_syscalls
	movl PT_ORIG_RAX(%rsp), %eax
	testl $_TIF_WORK_SYSCALL_ENTRY, TI_flags(%rbp)
	jnz ia32_trace_entry
LABEL ia32_check_number
	cmpl $NR_syscalls, %eax
	jae syscall_exit_by_iret
LABEL ia32_call
	movl PT_RBX(%rsp), %edi			/* the arguments: ebx, ecx, edx, esi, edi, ebp */
	movl PT_RCX(%rsp), %esi
	movl PT_RDX(%rsp), %edx
	movl PT_RSI(%rsp), %ecx
	movl PT_RDI(%rsp), %r8d
	movl PT_RBP(%rsp), %r9d
	call *ia32_sys_call_table(, %rax, 8)
	movslq %eax, %rax
	movq %rax, PT_RAX(%rsp)
LABEL syscall_exit_by_iret
	cli
	movl TI_flags(%rbp), %ecx
	testl $_TIF_ALLWORK_MASK, %ecx
	jz return_to_user
	jmp syscall_exit_work

LABEL ia32_trace_entry
	movq %rsp, %rdi
	call syscall_trace_enter
	jmp ia32_check_number

LABEL sysenter_call
	incl sysenters
	sti
	movl PT_RBP(%rsp), %ebp
	cmpl $0xfffffffc, %ebp
	ja sysenter_fault
	STAC
1:	movl (%rbp), %ebp
	EXCEPTION_TABLE 1b, sysenter_fault
	CLAC
	movq %rbp, PT_RBP(%rsp)
	GET_THREAD_INFO %rbp
	movl PT_ORIG_RAX(%rsp), %eax
	testl $_TIF_WORK_SYSCALL_ENTRY, TI_flags(%rbp)
	jnz ia32_trace_entry			/* that way ends in IRETQ */
	cmpl $NR_syscalls, %eax
	jae syscall_exit_by_iret
	movl PT_RBX(%rsp), %edi
	movl PT_RCX(%rsp), %esi
	movl PT_RDX(%rsp), %edx
	movl PT_RSI(%rsp), %ecx
	movl PT_RDI(%rsp), %r8d
	movl PT_RBP(%rsp), %r9d
	call *ia32_sys_call_table(, %rax, 8)
	movslq %eax, %rax
	movq %rax, PT_RAX(%rsp)
	cli
	movl TI_flags(%rbp), %ecx
	testl $_TIF_ALLWORK_MASK, %ecx
	jz sysexit_to_user
	jmp syscall_exit_work

LABEL sysenter_fault
	CLAC
	GET_THREAD_INFO %rbp
	movq $-EFAULT, PT_RAX(%rsp)
	jmp syscall_exit_by_iret

/* ---- work before the return: IF = 0, %ecx: the flags ---- */
LABEL syscall_exit_work
	testl $_TIF_WORK_SYSCALL_EXIT, %ecx
	jz work_pending
	sti
	movq %rsp, %rdi
	call syscall_trace_leave
LABEL resume_userspace
	cli
	movl TI_flags(%rbp), %ecx
	testl $_TIF_WORK_MASK, %ecx
	jz return_to_user
LABEL work_pending
	testl $_TIF_NEED_RESCHED, %ecx
	jz work_notifysig
LABEL work_resched
	incl resched_on_return
	call schedule
	jmp resume_userspace
LABEL work_notifysig
	movq %rsp, %rdi
	movl %ecx, %esi
	sti
	call do_notify_resume			/* the frame of a handler on the user stack */
	jmp resume_userspace

LABEL ret_from_exception
	cli
LABEL ret_from_intr
	testb $3, PT_CS(%rsp)
	jz restore_kernel			/* no preemption there */
	GET_THREAD_INFO %rbp
	jmp resume_userspace

/* The first instructions of a new task; %rax: the task before it. */
ENTRY ret_from_fork
	movq %rax, %rdi
	call schedule_tail
	GET_THREAD_INFO %rbp
	jmp syscall_exit			/* its pt_regs is a copy of the parent's, with ax = 0 */

ENTRY ret_from_kernel_thread			/* pt_regs.bx: the function, cx: its argument */
	movq %rax, %rdi
	call schedule_tail
	GET_THREAD_INFO %rbp
	sti
	movq PT_RCX(%rsp), %rdi
	call *PT_RBX(%rsp)
	movq $0, PT_RAX(%rsp)
	jmp syscall_exit			/* the first task becomes the user program so */

/* ---- returns that were refused ---- */
/* IRETQ: its frame is still on the entry stack, RSP at it: with a word in the place of orig_rax it is the end of a pt_regs,
 * and the fault is told as one of the program that was to be returned to. */
LABEL iret_exc
	pushq $-1
	SAVE_ALL
	movq $do_iret_error, %rbx
	movl $32, %edx
	jmp sync_regs

/* SYSRET (Intel): RSP is ring 3's already, and this came back by IRETQ from the #GP on IST_LAB.  RCX and R11 are what
 * SYSRET was to load. */
LABEL sysret_exc
	movq %rsp, %gs:CPU_user_sp
	movq %gs:CPU_top_of_stack, %rsp
	PUSH_FRAME %gs:CPU_user_sp, %r11, __USER_CS, %rcx
	pushq $-1
	SAVE_ALL
	movq $do_iret_error, %rbx
	movl $33, %edx
	jmp error_call

/* ---- for C ---- */
/* next = switch_to(prev, next).  The stack and RIP of prev are kept in its task_struct; what runs next finds the
 * task before it in RAX. */
ENTRY switch_to
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, TASK_THREAD_SP(%rdi)
	movq $switched_back, TASK_THREAD_IP(%rdi)
	movq TASK_THREAD_SP(%rsi), %rsp
	pushq TASK_THREAD_IP(%rsi)
	jmp __switch_to				/* stack, CR3, LDT, FS and GS; returns prev to the address just pushed */
LABEL switched_back
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

ENTRY default_idle
	sti					/* its shadow covers HLT: no wake-up is lost between the two */
	hlt
LABEL after_hlt
	ret

/* int copy_bytes(void *to, const void *from, uint64_t n): 0 or -EFAULT; ring 3's pages may be touched. */
ENTRY copy_bytes
	movq %rdx, %rcx
	xorl %eax, %eax
	STAC
1:	rep movsb
2:	CLAC
	ret
	.pushsection .fixup, "ax"
3:	movl $-EFAULT, %eax
	jmp 2b
	.popsection
	EXCEPTION_TABLE 1b, 3b

/* ---- for lab.c ---- */
/* The shadow of STI; IF = 0 before and after. */
ENTRY try_sti_hlt
	sti
	hlt
LABEL sti_hlt_end
	cli
	ret
ENTRY try_sti_cli
	sti
	cli
	ret
ENTRY try_sti_nop_cli
	sti
	nop
LABEL sti_nop_end
	cli
	ret

/* A push where there is no page: the page fault finds no room for its frame either. */
ENTRY double_fault_now
	movq %rsp, %r8
	movq $NOBODY, %rsp
LABEL doublefault_push
	pushq %rax
LABEL doublefault_back
	movq %r8, %rsp
	ret

/* void trap_at(n): INT from ring 0, RSP being n bytes lower than it was. */
ENTRY trap_at
	movq %rsp, %r8
	subq %rdi, %rsp
	int $TRAP_VECTOR
LABEL trap_at_end
	movq %r8, %rsp
	ret

/* A gate whose stack is no canonical address. */
ENTRY bad_ist_now
	int $BAD_IST_VECTOR
LABEL bad_ist_back
	ret
	EXCEPTION_TABLE bad_ist_now, bad_ist_back

/* long read_at(address): ring 0 without STAC.  -EFAULT: it faulted. */
ENTRY read_at
	movq (%rdi), %rax
	xorl %eax, %eax
	ret
	.pushsection .fixup, "ax"
4:	movq $-EFAULT, %rax
	ret
	.popsection
	EXCEPTION_TABLE read_at, 4b

	.section .entry.data, "aw"
	.globl fsgsbase_on, cpu_area, entry_stack, entry_stack_top, ist_stacks
	.type cpu_area, @object
	.balign 64
cpu_area: .skip 64
fsgsbase_on: .long 0
	.balign 4096
	.type entry_stack, @object
entry_stack: .skip 4096
entry_stack_top:
	.type ist_stacks, @object
ist_stacks: .skip 5 * 4096			/* IST 1 to 5, each from its top down */

	.bss
	.globl resched_on_return, syscalls, ia32_syscalls, sysenters, sysret_unchecked, paranoid_gs, paranoid_cr3
	.balign 8
paranoid_gs: .quad 0
paranoid_cr3: .quad 0
resched_on_return: .long 0
syscalls: .long 0
ia32_syscalls: .long 0
sysenters: .long 0
sysret_unchecked: .long 0

	.section .note.GNU-stack, "", @progbits
