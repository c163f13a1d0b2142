/* Ring 3: the first instruction, the ways into the kernel, and compatibility mode. */
#include "layout.h"

	.macro FUNCTION name
	.globl \name
	.type \name, @function
\name:
	.endm

	.text
FUNCTION user_start
	xorl %ebp, %ebp
	call shell
	movl %eax, %edi
	call power_off_now

	.macro SAVE
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	.endm
	.macro RESTORE
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	.endm

/* What the kernel must give back is kept in the stack, 8 bytes each; a register that comes back changed is counted. */
	.macro SAME register, place
	cmpq \place(%rsp), \register
	setne %r11b
	orb %r11b, %cl
	.endm

/* long call(number, a, b, c, d, e, f): SYSCALL.  RCX and R11 are the processor's. */
FUNCTION call
	SAVE
	movq %rdi, %rax
	movq %rsi, %rdi
	movq %rdx, %rsi
	movq %rcx, %rdx
	movq %r8, %r10
	movq %r9, %r8
	movq 56(%rsp), %r9
	movl $0x1111, %ebx
	movl $0x2222, %ebp
	movl $0x3333, %r12d
	pushq %r9
	pushq %r8
	pushq %r10
	pushq %rdx
	pushq %rsi
	pushq %rdi
	movq %rsp, syscall_rsp
	syscall
FUNCTION call_return
	xorl %ecx, %ecx
	SAME %rdi, 0
	SAME %rsi, 8
	SAME %rdx, 16
	SAME %r10, 24
	SAME %r8, 32
	SAME %r9, 40
	cmpq syscall_rsp, %rsp
	je 1f
	cmpq $57, %rax				/* what a child finds there is its parent's */
1:	cmpl $0x1111, %ebx
	jne 2f
	cmpl $0x2222, %ebp
	jne 2f
	cmpl $0x3333, %r12d
	jne 2f
	testb %cl, %cl
	jz 3f
2:	incl registers_lost
3:	addq $48, %rsp
	RESTORE
	ret

/* long call_int80(number, a, b, c, d, e, f): in 64-bit code; the i386's numbers and registers. */
FUNCTION call_int80
	SAVE
	movq %rdi, %rax
	movq %rsi, %rbx
	movq %rcx, %r12
	movq %rdx, %rcx
	movq %r12, %rdx
	movq %r8, %rsi
	movq %r9, %rdi
	movq 56(%rsp), %rbp
	int $SYSCALL_VECTOR
FUNCTION int80_return
	RESTORE
	ret

/* Where a signal handler returns to. */
	.balign 16
FUNCTION restore_rt
	movl $NR_sigreturn, %eax
	syscall

/* long call_compat(way, struct compat_call *): by a far jump into 32-bit code, and back by another.  The stack lies below
 * 4 GiB; DS and ES, which 64-bit code does without, become usable. */
FUNCTION call_compat
	SAVE
	movq %rsp, saved_rsp
	movl $__USER_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl $compat_stack_end, %esp
	movl %edi, compat_target
	ljmpl *compat_target

	.code32
	.macro LOAD
	movl 0(%esi), %eax
	movl 4(%esi), %ebx
	movl 8(%esi), %ecx
	movl 12(%esi), %edx
	movl 20(%esi), %edi
	movl 24(%esi), %ebp
	movl 16(%esi), %esi
	.endm
FUNCTION compat_int80
	LOAD
	int $SYSCALL_VECTOR
FUNCTION compat_behind_int80
	jmp compat_back
FUNCTION compat_syscall				/* ECX is the processor's: EBP has the second argument */
	LOAD
	movl %ecx, %ebp
	syscall
	jmp compat_back
FUNCTION compat_sysenter
	LOAD
	pushl %ecx
	pushl %edx
	pushl %ebp
	movl %esp, %ebp
	sysenter
FUNCTION SYSENTER_RETURN
	popl %ebp
	popl %edx
	popl %ecx
	pushl $2
	popfl					/* TF, where compat_sysenter_tf set it */
	jmp compat_back
FUNCTION compat_int3
	int3
	jmp compat_back
FUNCTION compat_sysenter_tf
	LOAD
	pushl %ecx
	pushl %edx
	pushl %ebp
	movl %esp, %ebp
	pushfl
	orl $0x100, (%esp)
	popfl
	sysenter
FUNCTION compat_narrow				/* on a 16-bit stack: SP alone is used */
	movl $0x12340800, %esp
	movl $NR32_getpid, %eax
	int $SYSCALL_VECTOR
	movl %esp, %eax
compat_back:
	ljmp $__USER_CS, $1f
	.code64
1:	movslq %eax, %rax
	movq saved_rsp, %rsp
	RESTORE
	ret

	.data
	.globl syscall_rsp, compat_stack, compat_stack_end
	.balign 8
syscall_rsp: .quad 0
saved_rsp: .quad 0
compat_target: .long 0
	.word __USER32_CS
	.balign 4096
compat_stack: .skip 4096
compat_stack_end:

	.section .note.GNU-stack, "", @progbits
