/* Entry of the delivery matrix: flat segments and a stack, then main().  The boot sector enters at 16 bytes from
 * the start of the image, a Multiboot loader by the ELF header. */
#include "pc.h"

	.section .header, "ax"
	multiboot_header
	.balign 16
	.globl _start
_start:
	cli
	cld
	movl %eax, %esi
	load_gdt
	movl $stack, %esp
	pushl %ebx
	pushl %esi
	call main
1:	cli
	hlt
	jmp 1b

	.data
	tables 1

	.bss
	.balign 16
	.skip 8192
	.globl stack
stack:
	.section .note.GNU-stack, "", @progbits
