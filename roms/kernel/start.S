/* Multiboot 1 or a plain ELF loader comes here: 32-bit flat segments, no paging. */
#include "layout.h"
#include "pc.h"

	.section .header, "ax"
	.balign 4
	.long MULTIBOOT_MAGIC, 3, -(MULTIBOOT_MAGIC + 3)	/* modules on pages, memory sizes wanted */

	.text
	.globl _start
	.type _start, @function
_start:
	cli
	cld
	movl $init_stack + THREAD_SIZE, %esp
	pushl $2
	popfl
	pushl %ebx
	pushl %eax
	call start_kernel
1:	cli
	hlt
	jmp 1b

/* void load_tables(const void *gdtr, const void *idtr) */
	.globl load_tables
	.type load_tables, @function
load_tables:
	movl 4(%esp), %eax
	lgdt (%eax)
	movl 8(%esp), %eax
	lidt (%eax)
	ljmp $__KERNEL_CS, $1f
1:	movl $__KERNEL_DS, %eax
	movl %eax, %ss
	movl $__USER_DS, %eax			/* as SAVE_ALL leaves it */
	movl %eax, %ds
	movl %eax, %es
	movl $__KERNEL_PERCPU, %eax
	movl %eax, %fs
	xorl %eax, %eax
	movl %eax, %gs
	movl $GDT_TSS, %eax
	ltr %ax
	ret

	.section .note.GNU-stack, "", @progbits
