/* The demo: a kernel of two system calls.  Ring 3 prints through gate 80h (DPL 3, a stack switch by the
 * TSS), is refused at gate 81h (DPL 0: #GP), and switches the machine off. */
#include "pc.h"

#define SYS_EXIT  1
#define SYS_WRITE 4

	.section .header, "ax"
	multiboot_header

	.text
	.globl _start
	.type _start, @function
_start:
	cli
	load_gdt
	movl $kernel_stack, %esp
	movl $kernel_stack, tss + 4		/* ESP0 */
	movw $KERNEL_DS, tss + 8		/* SS0 */
	movw $104, tss + 102			/* no I/O map */
	set_gate 0x0d, general_protection, GATE_INT32_DPL0
	set_gate 0x80, system_call, GATE_INT32_DPL3
	set_gate 0x81, not_for_users, GATE_INT32_DPL0
	lidt idtr
	movb $0xff, %al				/* no interrupts from the board */
	outb %al, $0x21
	outb %al, $0xa1
	movl $TSS_SEL, %eax
	ltr %ax
	movl $USER_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	enter_user user_main, user_stack

/* ---- ring 3 ---- */
	.globl user_main
	.type user_main, @function
user_main:
	movl $SYS_WRITE, %eax
	movl $hello, %ebx
	int $0x80
	int $0x81
	movl $SYS_WRITE, %eax
	movl $refused, %ebx
	int $0x80
	movl $SYS_EXIT, %eax
	int $0x80
	hlt					/* not reached; privileged */

/* ---- ring 0 ---- */
	.globl system_call
	.type system_call, @function
system_call:
	pushl %ds
	pushl %ebx
	pushl %ecx
	movl $KERNEL_DS, %ecx
	movl %ecx, %ds
	cmpl $SYS_WRITE, %eax
	je sys_write
	cmpl $SYS_EXIT, %eax
	je sys_exit
	movl $-38, %eax				/* ENOSYS */
	.globl restore_all
	.type restore_all, @function
restore_all:
	popl %ecx
	popl %ebx
	popl %ds
	iretl

	.type sys_write, @function
sys_write:
	xorl %ecx, %ecx
1:	movb (%ebx, %ecx), %al
	testb %al, %al
	jz 2f
	outb %al, $PORT_DEBUGCON
	incl %ecx
	jmp 1b
2:	movl %ecx, %eax
	jmp restore_all

	.type sys_exit, @function
sys_exit:
	movl $PORT_POWER_OFF, %edx
	movl $POWER_OFF, %eax
	outw %ax, %dx
1:	cli
	hlt
	jmp 1b

	.type not_for_users, @function
not_for_users:
	iretl

/* Error code, EIP, CS, ...: steps over the two bytes of the INT and goes on. */
	.globl general_protection
	.type general_protection, @function
general_protection:
	addl $4, %esp
	addl $2, (%esp)
	iretl

	.data
	tables 0x82
hello:	.asciz "ring 3: hello through gate 80h\n"
refused: .asciz "ring 3: gate 81h refused me, and I go on\n"

	.bss
	.balign 16
	.skip 4096
kernel_stack:
	.skip 4096
user_stack:

	.section .note.GNU-stack, "", @progbits
