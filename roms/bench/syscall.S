/* A storm of system calls: SYSCALL from ring 3 to 0 and back by SYSRET. */
#include "long.h"

#ifndef CALLS
#define CALLS 4000000
#endif

	.section .header, "ax"
	long_header

	.text
	.globl _start
	.code32
_start:
	cli
	enter_long_mode
	movb $0xff, %al				/* no interrupts from the board */
	outb %al, $0x21
	outb %al, $0xa1
	write_msr MSR_STAR, (LONG_USER_CS - 16) << 16 | LONG_CS, 0
	write_msr MSR_LSTAR, 0, system_call
	write_msr MSR_SFMASK, 0, 0x200
	xorl %ebx, %ebx
	movl $CALLS, %ebp
	movl $user_stack, %esp
	movl $user_main, %ecx
	movl $0x202, %r11d
	sysretq

user_main:
	movl %ebp, %edi
1:	syscall
	decl %edi
	jnz 1b
	xorl %ebp, %ebp
	syscall

	.globl system_call
	.type system_call, @function
system_call:
	incl %ebx
	testl %ebp, %ebp
	jz finish
	sysretq

finish:
	decl %ebx
	print_and_end
	long_tables

	.bss
	.balign 16
	.skip 4096
user_stack:

	.section .note.GNU-stack, "", @progbits
