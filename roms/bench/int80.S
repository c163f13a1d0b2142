/* A storm of int 80h: ring 3 -> 0 through a DPL 3 interrupt gate and the TSS's stack, and back by IRET. */
#include "pc.h"

#ifndef CALLS
#define CALLS 4000000
#endif

	.section .header, "ax"
	multiboot_header

	.text
	.globl _start
_start:
	cli
	load_gdt
	movl $kernel_stack, %esp
	movl $kernel_stack, tss + 4
	movw $KERNEL_DS, tss + 8
	movw $104, tss + 102
	set_gate 0x80, system_call, GATE_INT32_DPL3
	set_gate 0x82, finish, GATE_INT32_DPL3
	lidt idtr
	movb $0xff, %al				/* no interrupts from the board */
	outb %al, $0x21
	outb %al, $0xa1
	movl $TSS_SEL, %eax
	ltr %ax
	enter_user user_main, user_stack

user_main:
	xorl %ebx, %ebx
	movl $CALLS, %ecx
1:	int $0x80
	decl %ecx
	jnz 1b
	int $0x82

	.globl system_call
	.type system_call, @function
system_call:
	incl %ebx
	iretl

finish:
	print_and_end

	.data
	tables 0x83

	.bss
	.balign 16
	.skip 4096
kernel_stack:
	.skip 4096
user_stack:

	.section .note.GNU-stack, "", @progbits
