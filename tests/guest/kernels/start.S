/* A kernel that looks at how it was started.  What starts it is chosen by HEADER_...: Multiboot 1 (with HEADER_PLACES:
 * with load addresses), Multiboot 2, PVH, or nothing.  All registers are kept for the C part; a trip to real
 * mode and back is here too. */
#include "pc.h"

#define MB1_FLAGS_ELF    0x00000003		/* modules on pages, memory */
#define MB1_FLAGS_PLACES 0x00010003
#define MB2_MAGIC        0xe85250d6

/* The part in real mode lies at REAL_AT, its results at RESULTS. */
#define REAL_AT 0x600
#define RESULTS 0x500
#define HERE(label) (REAL_AT + label - real_start)

	.section .header, "ax"
#ifdef HEADER_MB1
	.balign 4
mb1:	.long MULTIBOOT_MAGIC
#ifdef HEADER_PLACES
	.long MB1_FLAGS_PLACES, -(MULTIBOOT_MAGIC + MB1_FLAGS_PLACES)
	.long mb1, image_start, image_load_end, image_end, _start
#else
	.long MB1_FLAGS_ELF, -(MULTIBOOT_MAGIC + MB1_FLAGS_ELF)
#endif
#endif
#ifdef HEADER_MB2
	.balign 8
mb2:	.long MB2_MAGIC, 0, mb2_end - mb2, -(MB2_MAGIC + mb2_end - mb2)
	.word 1, 0				/* information: command line, modules, memory, map, sections */
	.long 28, 1, 3, 4, 6, 9
	.balign 8
	.word 6, 0				/* modules on pages */
	.long 8
	.word 0, 0
	.long 8
mb2_end:
#endif
#ifdef HEADER_PVH
	.section .note.Xen, "a", @note
	.long 4, 4, 18
	.asciz "Xen"
	.long _start
#endif

	.text
	.globl _start
	.type _start, @function
_start:	movl %esp, entry_esp
	movl $stack_end, %esp
	pushfl
	pushal
	movl %cr0, %eax
	pushl %eax
	lgdt gdtr
	ljmp $KERNEL_CS, $1f
1:	movw $KERNEL_DS, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %fs
	movw %ax, %gs
	movw %ax, %ss
	pushl %esp
	cld
	call look
1:	cli
	hlt
	jmp 1b

/* void real_mode(void): runs real_part in real mode, with the BIOS's interrupt vectors. */
	.globl real_mode
	.type real_mode, @function
real_mode:
	pushal
	movl $real_start, %esi
	movl $REAL_AT, %edi
	movl $(real_end - real_start), %ecx
	rep movsb
	movl %esp, saved_esp
	lidt real_idtr
	ljmp $0x18, $REAL_AT
back:	movw $KERNEL_DS, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %fs
	movw %ax, %gs
	movw %ax, %ss
	movl saved_esp, %esp
	popal
	ret

	.code16
real_start:
	movw $0x20, %ax				/* 16-bit data */
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %fs
	movw %ax, %gs
	movw %ax, %ss
	movl %cr0, %eax
	andb $0xfe, %al
	movl %eax, %cr0
	ljmp $0, $HERE(1f)
1:	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7c00, %sp
	movw $HERE(user_tick), 4 * 0x1c		/* INT 1Ch, called with every tick */
	movw %ax, 4 * 0x1c + 2
	sti
	call second			/* a second's start */
	movl 0x46c, %ebx
	movw $0, RESULTS + 8
	call second
	call second
	movl 0x46c, %eax
	subl %ebx, %eax
	movl %eax, RESULTS			/* ticks in two seconds */
	movb $0xff, %ah				/* INT 15h, no such function */
	clc
	int $0x15
	setc RESULTS + 4
	movb %ah, RESULTS + 5
	int $0x68				/* nobody's: comes back */
	cli
	lgdtl HERE(real_gdtr)
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl $KERNEL_CS, $back

/* Waits, halted, until the clock's seconds change. */
second:	movb $0, %al
	outb %al, $0x70
	inb $0x71, %al
	movb %al, %cl
1:	hlt
	movb $0, %al
	outb %al, $0x70
	inb $0x71, %al
	cmpb %al, %cl
	je 1b
	ret
user_tick:
	incw %cs:RESULTS + 8
	iretw
real_gdtr:
	.word gdt_end - gdt - 1
	.long gdt
real_end:
	.code32

	.data
	.balign 8
gdt:	.quad 0
	flat_descriptor 0x9a
	flat_descriptor 0x92
	.quad 0x00009a000000ffff		/* 16-bit code and data of 64 KiB */
	.quad 0x000092000000ffff
gdt_end:
gdtr:	.word gdt_end - gdt - 1
	.long gdt
real_idtr:
	.word 0x3ff
	.long 0
	.globl entry_esp
entry_esp: .long 0
saved_esp: .long 0

	.bss
	.balign 16
	.skip 8192
stack_end:

	.section .note.GNU-stack, "", @progbits
