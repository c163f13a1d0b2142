/* Start of the measured guests in C: flat segments, a stack, main(); its result is printed to port E9h
 * in hexadecimal and the machine ends through isa-debug-exit with 0 (status 1). */
#include "pc.h"

	.section .header, "ax"
	multiboot_header

	.text
	.globl _start
_start:
	cli
	load_gdt
	movl $stack, %esp
	call main
	movl %eax, %ebx
	movl $8, %ecx
1:	roll $4, %ebx
	movl %ebx, %eax
	andl $15, %eax
	movb digits(%eax), %al
	outb %al, $PORT_DEBUGCON
	loop 1b
	movb $10, %al
	outb %al, $PORT_DEBUGCON
	xorl %eax, %eax
	outl %eax, $PORT_DEBUG_EXIT
2:	cli
	hlt
	jmp 2b

	.data
	tables 1
digits:	.ascii "0123456789abcdef"

	.bss
	.balign 16
	.skip 65536
stack:

	.section .note.GNU-stack, "", @progbits
