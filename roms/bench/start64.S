/* start.S in 64-bit mode, for the same guests in C. */
#include "long.h"

	.section .header, "ax"
	long_header

	.text
	.globl _start
	.code32
_start:
	cli
	enter_long_mode
	movl $stack, %esp
	call main
	movl %eax, %ebx
	print_and_end
	long_tables

	.bss
	.balign 16
	.skip 65536
stack:

	.section .note.GNU-stack, "", @progbits
