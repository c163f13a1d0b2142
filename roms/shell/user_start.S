/* Ring 3: the first instruction, the ways into the kernel, and the landing page. */
#include "layout.h"

	.text
	.globl user_start
	.type user_start, @function
user_start:
	xorl %ebp, %ebp
	call shell
	pushl %eax
	call power_off_now

/* int call(number, a, b, c, d, e, f): int 80h.  A register that the kernel did not give back is counted. */
	.globl call
	.type call, @function
call:
	pushl %ebp
	pushl %ebx
	pushl %esi
	pushl %edi
	movl 20(%esp), %eax
	movl 24(%esp), %ebx
	movl 28(%esp), %ecx
	movl 32(%esp), %edx
	movl 36(%esp), %esi
	movl 40(%esp), %edi
	movl 44(%esp), %ebp
	int $SYSCALL_VECTOR
	.globl call_return
call_return:
	cmpl 24(%esp), %ebx
	jne 1f
	cmpl 28(%esp), %ecx
	jne 1f
	cmpl 32(%esp), %edx
	jne 1f
	cmpl 36(%esp), %esi
	jne 1f
	cmpl 40(%esp), %edi
	jne 1f
	cmpl 44(%esp), %ebp
	je 2f
1:	incl registers_lost
2:	popl %edi
	popl %esi
	popl %ebx
	popl %ebp
	ret

/* int call_sysenter(number, a, b, c, d, e, f): the same through the landing page. */
	.globl call_sysenter
	.type call_sysenter, @function
call_sysenter:
	pushl %ebp
	pushl %ebx
	pushl %esi
	pushl %edi
	movl 20(%esp), %eax
	movl 24(%esp), %ebx
	movl 28(%esp), %ecx
	movl 32(%esp), %edx
	movl 36(%esp), %esi
	movl 40(%esp), %edi
	movl 44(%esp), %ebp
	call __kernel_vsyscall
	jmp call_return

/* The landing page, which the kernel maps for every task.  SYSENTER keeps neither EIP nor ESP: EBP carries ESP, and
 * the kernel knows the address behind. */
	.section .landing, "ax"
	.globl __kernel_vsyscall, SYSENTER_RETURN, __kernel_sigreturn, vsyscall_sysenter
	.type __kernel_vsyscall, @function
__kernel_vsyscall:
	pushl %ecx
	pushl %edx
	pushl %ebp
	movl %esp, %ebp
vsyscall_sysenter:
	sysenter
	.type SYSENTER_RETURN, @function
SYSENTER_RETURN:
	popl %ebp
	popl %edx
	popl %ecx
	ret

/* Where a signal handler returns to. */
	.balign 16
	.type __kernel_sigreturn, @function
__kernel_sigreturn:
	popl %eax				/* the signal's number */
	movl $NR_sigreturn, %eax
	int $SYSCALL_VECTOR

	.section .note.GNU-stack, "", @progbits
