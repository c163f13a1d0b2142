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
	print_and_end

	.data
	tables 1

	.bss
	.balign 16
	.skip 65536
stack:

	.section .note.GNU-stack, "", @progbits
