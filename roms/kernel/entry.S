/* The ways into the kernel and out of it.
 *
 *   int 80h   system_call ---+--> syscall_call --> syscall_exit --+--> restore_all --> irq_return (IRET)
 *   SYSENTER  sysenter_entry-'                        |           |
 *   exception error_code ----> ret_from_exception ----+--> work_pending: schedule, signals
 *   IRQ       common_interrupt --> ret_from_intr -----'
 *   new task  ret_from_fork, ret_from_kernel_thread -> syscall_exit
 *
 * Between syscall_exit or resume_userspace and the IRET interrupts are off: no work can arrive between the test of
 * thread_info.flags and the return.  %ebp is the task's thread_info all the way. */
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
	.long \from, \to
	.popsection
	.endm

/* ---- pt_regs ---- */

/* Above orig_eax, which the caller has pushed.  Clobbers %edx; DF is 0 as C wants it. */
	.macro SAVE_ALL
	cld
#if !SAVE_ALL_24
	pushl %gs
	pushl %fs
#endif
	pushl %es
	pushl %ds
	pushl %eax
	pushl %ebp
	pushl %edi
	pushl %esi
	pushl %edx
	pushl %ecx
	pushl %ebx
	movl $__USER_DS, %edx
	movl %edx, %ds
	movl %edx, %es
#if !SAVE_ALL_24
	movl $__KERNEL_PERCPU, %edx
	movl %edx, %fs
#endif
	.endm

/* A selector that does not load any more (the LDT may have changed) becomes null. */
	.macro POP_SEGMENT register
1:	popl %\register
	.pushsection .fixup, "ax"
2:	movl $0, (%esp)
	jmp 1b
	.popsection
	EXCEPTION_TABLE 1b, 2b
	.endm

	.macro RESTORE_SEGMENTS
	POP_SEGMENT ds
	POP_SEGMENT es
#if !SAVE_ALL_24
	POP_SEGMENT fs
	POP_SEGMENT gs
#endif
	.endm

/* Leaves ESP at EIP, CS, EFLAGS (, ESP, SS): what IRET wants. */
	.macro RESTORE_ALL
	popl %ebx
	popl %ecx
	popl %edx
	popl %esi
	popl %edi
	popl %ebp
	popl %eax
	RESTORE_SEGMENTS
	addl $4, %esp
	.endm

	.macro GET_THREAD_INFO register
	movl $-THREAD_SIZE, \register
	andl %esp, \register
	.endm

	.text
/* ---- int 80h ---- */
ENTRY system_call
	pushl %eax				/* orig_eax: the number */
	SAVE_ALL
	GET_THREAD_INFO %ebp
	sti					/* through a trap gate IF is 1 already */
	testl $_TIF_WORK_SYSCALL_ENTRY, TI_flags(%ebp)
	jnz syscall_trace_entry
	cmpl $NR_syscalls, %eax
	jae syscall_badsys
LABEL syscall_call
	call *sys_call_table(, %eax, 4)		/* the arguments: ebx, ecx, ... as they lie in pt_regs */
	movl %eax, PT_EAX(%esp)			/* the result */
LABEL syscall_exit
	cli
	movl TI_flags(%ebp), %ecx
	testl $_TIF_ALLWORK_MASK, %ecx
	jnz syscall_exit_work

LABEL restore_all
	testb $3, PT_CS(%esp)
	jz restore_kernel
	testb $4, PT_OLDSS(%esp)		/* a stack in the LDT? */
	jnz ldt_ss
LABEL restore_nocheck
	RESTORE_ALL
LABEL irq_return
	iretl
	EXCEPTION_TABLE irq_return, iret_exc

LABEL restore_kernel				/* what was interrupted is the kernel: no change of stacks */
	RESTORE_ALL
LABEL kernel_return
	iretl

/* IRET was refused.  Its frame is still here: with an error code it is the end of a pt_regs, so the
 * fault is told as one of the program that was to be returned to. */
LABEL iret_exc
	pushl $0
	SAVE_ALL
	movl $do_iret_error, %edi
	jmp error_code

/* A 16-bit stack: IRET would load SP alone and leave the upper half of the kernel's ESP to ring 3.  So ESP's upper half
 * is made the user's before, and the base of the segment __ESPFIX_SS makes up for it. */
LABEL ldt_ss
	cmpl $0, espfix_on
	je restore_nocheck
	movl %esp, %edx
	movl PT_OLDESP(%esp), %eax
	movw %dx, %ax				/* the new ESP: user's upper, kernel's lower half */
	subl %eax, %edx
	shrl $16, %edx				/* the base is a multiple of 64 KiB */
	movb %dl, gdt_table + __ESPFIX_SS + 4
	movb %dh, gdt_table + __ESPFIX_SS + 7
	pushl $__ESPFIX_SS
	pushl %eax
	lss (%esp), %esp			/* the same place as before the pushes */
	jmp restore_nocheck

/* ---- work before the return ---- */
ENTRY work_pending				/* IF = 0, %ecx: the flags */
	testl $_TIF_NEED_RESCHED, %ecx
	jz work_notifysig
LABEL work_resched
	incl resched_on_return
	call schedule
	cli
	movl TI_flags(%ebp), %ecx
	testl $_TIF_WORK_MASK, %ecx
	jz restore_all
	testl $_TIF_NEED_RESCHED, %ecx
	jnz work_resched
LABEL work_notifysig
	movl %esp, %eax
	movl %ecx, %edx
	sti
	call do_notify_resume			/* the frame of a handler on the user stack */
	jmp resume_userspace

LABEL syscall_exit_work
	testl $_TIF_WORK_SYSCALL_EXIT, %ecx
	jz work_pending
	sti
	movl %esp, %eax
	call syscall_trace_leave
	/* falls through */
LABEL resume_userspace
	cli
	movl TI_flags(%ebp), %ecx
	testl $_TIF_WORK_MASK, %ecx
	jnz work_pending
	jmp restore_all

ENTRY syscall_trace_entry
	movl $-ENOSYS, PT_EAX(%esp)
	movl %esp, %eax
	call syscall_trace_enter		/* may return another number */
	cmpl $NR_syscalls, %eax
	jb syscall_call
	jmp syscall_exit

ENTRY syscall_badsys
	movl $-ENOSYS, PT_EAX(%esp)
	jmp syscall_exit

ENTRY ret_from_exception
	cli
LABEL ret_from_intr
	GET_THREAD_INFO %ebp
	testb $3, PT_CS(%esp)
	jnz resume_userspace
	jmp restore_all				/* into the kernel: no preemption there */

/* The first instructions of a new task; %eax: the task before it. */
ENTRY ret_from_fork
	call schedule_tail
	GET_THREAD_INFO %ebp
	jmp syscall_exit			/* its pt_regs is a copy of the parent's, with ax = 0 */

ENTRY ret_from_kernel_thread			/* pt_regs.bx: the function, cx: its argument */
	call schedule_tail
	GET_THREAD_INFO %ebp
	sti
	pushl PT_ECX(%esp)
	call *(PT_EBX + 4)(%esp)
	addl $4, %esp
	movl $0, PT_EAX(%esp)
	jmp syscall_exit			/* the first task becomes the user program so */

/* ---- SYSENTER ---- */
/* ESP: cpu_tss.tss; %ebp: the user's ESP, where %ebp itself, the sixth argument, was pushed.  IF = 0, but TF and NT
 * are as ring 3 had them. */
ENTRY sysenter_entry
	movl TSS_ESP0(%esp), %esp
	pushl $__USER_DS
	pushl %ebp
	pushfl
	orl $X86_EFLAGS_IF, (%esp)
	pushl $__USER_CS
	pushl $SYSENTER_RETURN
	pushl %eax
	SAVE_ALL
	testl $X86_EFLAGS_NT, PT_EFLAGS(%esp)
	jnz sysenter_nested_task
LABEL sysenter_do_call
	incl sysenters
	sti
	cmpl $TASK_SIZE - 3, %ebp
	jae sysenter_fault
1:	movl (%ebp), %ebp
	EXCEPTION_TABLE 1b, sysenter_fault
	movl %ebp, PT_EBP(%esp)
	GET_THREAD_INFO %ebp
	testl $_TIF_WORK_SYSCALL_ENTRY, TI_flags(%ebp)
	jnz syscall_trace_entry
	cmpl $NR_syscalls, %eax
	jae syscall_badsys
	call *sys_call_table(, %eax, 4)
	movl %eax, PT_EAX(%esp)
	cli
	movl TI_flags(%ebp), %ecx
	testl $_TIF_ALLWORK_MASK, %ecx
	jnz syscall_exit_work			/* that way ends in IRET */
LABEL sysenter_exit
	movl PT_EIP(%esp), %edx
	movl PT_OLDESP(%esp), %ecx
	popl %ebx
	addl $8, %esp
	popl %esi
	popl %edi
	popl %ebp
	popl %eax
	RESTORE_SEGMENTS
	sti					/* no interrupt before SYSEXIT is done */
	sysexit

LABEL sysenter_nested_task			/* or every IRET of the kernel would be a task switch */
	andl $~X86_EFLAGS_NT, PT_EFLAGS(%esp)
	pushl $2
	popfl
	jmp sysenter_do_call
LABEL sysenter_fault
	GET_THREAD_INFO %ebp
	movl $-EFAULT, PT_EAX(%esp)
	jmp resume_userspace

/* ---- interrupts ---- */
	.macro INTERRUPT name, handler
	ENTRY \name
	pushl $-1
	SAVE_ALL
	movl %esp, %eax
	call \handler
	jmp ret_from_intr
	.endm

ENTRY irq_entries_start				/* 16 bytes each */
	.set irq, 0
	.rept 16
	.balign 16
	pushl $~irq				/* orig_eax: below 0, no system call */
	jmp common_interrupt
	.set irq, irq + 1
	.endr

ENTRY common_interrupt
	SAVE_ALL
	movl %esp, %eax
	call do_IRQ
	jmp ret_from_intr

	INTERRUPT apic_timer_interrupt, smp_apic_timer_interrupt
	INTERRUPT spurious_interrupt, smp_spurious_interrupt
	INTERRUPT lab_interrupt, do_lab_interrupt
	INTERRUPT level_interrupt, do_level_interrupt

ENTRY dpl0_call					/* vector 81h: ring 3 may not, and nobody else does */
	iretl

/* ---- exceptions ---- */
	.macro EXCEPTION name, vector, handler=do_trap, error=0
	ENTRY \name
	.if !\error
	pushl $0				/* in the place of the error code */
	.endif
	SAVE_ALL
	movl $\handler, %edi
	movl $\vector, %ecx
	jmp error_code
	.endm

	EXCEPTION divide_error, 0
	EXCEPTION int3, 3
	EXCEPTION overflow, 4
	EXCEPTION bounds, 5
	EXCEPTION invalid_op, 6
	EXCEPTION device_not_available, 7
	EXCEPTION coprocessor_segment_overrun, 9
	EXCEPTION invalid_TSS, 10, error=1
	EXCEPTION segment_not_present, 11, error=1
	EXCEPTION stack_segment, 12, error=1
	EXCEPTION general_protection, 13, error=1
	EXCEPTION page_fault, 14, do_page_fault, 1
	EXCEPTION coprocessor_error, 16
	EXCEPTION alignment_check, 17, error=1
	EXCEPTION machine_check, 18
	EXCEPTION unknown_exception, 15

/* %edi: handler(regs, error code, vector); %ecx: the vector; orig_eax: the error code. */
ENTRY error_code
	movl PT_ORIG_EAX(%esp), %edx
	movl $-1, PT_ORIG_EAX(%esp)		/* no system call */
	movl %ss, %eax
	cmpw $__ESPFIX_SS, %ax
	je error_on_espfix_stack
	movl %esp, %eax
1:	call *%edi
	jmp ret_from_exception
error_on_espfix_stack:				/* IRET in the window of ldt_ss: it is not gone back to */
	call flat_esp
	movl $__KERNEL_DS, %esi
	movl %esi, %ss
	movl %eax, %esp
	jmp 1b

/* %eax: where ESP + 4 lies, SS being __ESPFIX_SS. */
flat_esp:
	movb gdt_table + __ESPFIX_SS + 7, %ah
	movb gdt_table + __ESPFIX_SS + 4, %al
	shll $16, %eax
	leal 4(%esp, %eax), %eax
	ret

/* NMI and #DB come where no stack is fit for C: on the first instruction after SYSENTER, and on the espfix
 * stack.  handler(regs, SS, ESP) runs on a fit one; then SS:ESP are as before.  The result stays in %eax. */
	.macro CALL_ON_KERNEL_STACK handler
	movl %esp, %ebx
	movl %ss, %esi
	cmpw $__ESPFIX_SS, %si
	je 2f
	movl %esp, %eax
	movl %esp, %edx
	subl $cpu_tss, %edx
	cmpl $SYSENTER_STACK_SIZE, %edx
	jae 3f
	movl cpu_tss + SYSENTER_STACK_SIZE + TSS_ESP0, %esp /* the task's, empty at that moment */
	jmp 3f
2:	call flat_esp
	movl $__KERNEL_DS, %edx
	movl %edx, %ss
	movl %eax, %esp				/* no interrupt, not even NMI, between these two */
3:	movl %esi, %edx
	movl %ebx, %ecx
	call \handler
	movl %esi, %ss
	movl %ebx, %esp
	.endm
	.set SYSENTER_STACK_SIZE, 1024

ENTRY debug
	pushl $-1
	SAVE_ALL
LABEL debug_fixup
	testb $3, PT_CS(%esp)
	jnz debug_from_user
	CALL_ON_KERNEL_STACK do_debug
	jmp restore_all
debug_from_user:
	movl %esp, %eax
	call do_debug
	jmp ret_from_exception

ENTRY nmi
	pushl $-1
	SAVE_ALL
	CALL_ON_KERNEL_STACK do_nmi
	testb %al, %al				/* a bool: the rest of EAX means nothing */
	jz restore_all
	/* On request of the laboratory: back without IRET, so that NMIs stay blocked. */
	RESTORE_ALL
	pushl 8(%esp)
	popfl
	lretl $4

/* Vector 8 is a task gate: this is a task of its own, with its own stack.  IRET with NT = 1 goes back to the task in
 * the back link, from which do_double_fault may have taken the cause. */
ENTRY doublefault_entry
	call do_double_fault
	addl $4, %esp				/* the error code, 0 */
	iretl
	jmp doublefault_entry			/* where the next one begins */

/* A push where there is no page: the page fault finds no room for its frame either. */
ENTRY double_fault_now
	pushal
	movl %esp, double_fault_esp
	movl $0x800, %esp
LABEL doublefault_push
	pushl %eax
LABEL doublefault_back
	movl double_fault_esp, %esp
	popal
	ret

/* ---- for C ---- */
/* next = switch_to(prev, next): registers in EAX, EDX.  The stack and EIP of prev are kept in its task_struct; what
 * runs next finds the task before it in EAX. */
ENTRY switch_to
	pushl %ebp
	pushl %ebx
	pushl %esi
	pushl %edi
	movl %esp, TASK_THREAD_ESP(%eax)
	movl $switched_back, TASK_THREAD_EIP(%eax)
	movl TASK_THREAD_ESP(%edx), %esp
	pushl TASK_THREAD_EIP(%edx)
	jmp __switch_to				/* TSS.esp0, CR3, LDT; returns prev to the address just pushed */
LABEL switched_back
	popl %edi
	popl %esi
	popl %ebx
	popl %ebp
	ret

#if SAVE_ALL_24
ENTRY load_fs_gs				/* %eax, %edx */
	pushl %eax
	POP_SEGMENT fs
	pushl %edx
	POP_SEGMENT gs
	ret
#endif

ENTRY default_idle
	sti					/* its shadow covers HLT: no wake-up is lost between the two */
	hlt
LABEL after_hlt
	ret

/* The shadow of STI, tried by lab.c; IF = 0 before and after. */
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

/* int copy_bytes(void *to, const void *from, uint32_t n) */
ENTRY copy_bytes
	pushl %esi
	pushl %edi
	movl 12(%esp), %edi
	movl 16(%esp), %esi
	movl 20(%esp), %ecx
	xorl %eax, %eax
1:	rep movsb
2:	popl %edi
	popl %esi
	ret
	.pushsection .fixup, "ax"
3:	movl $-EFAULT, %eax
	jmp 2b
	.popsection
	EXCEPTION_TABLE 1b, 3b

	.data
	.globl espfix_on, resched_on_return, sysenters
espfix_on: .long 1
resched_on_return: .long 0
sysenters: .long 0
double_fault_esp: .long 0

	.section .note.GNU-stack, "", @progbits
