/* Into 64-bit mode, for small guests linked by guest64.ld: linear = physical below 1 GiB in pages of 2 MiB, user pages;
 * GDT of 64-bit segments in the order that SYSRET wants, and a TSS. */
#ifndef ROMS_LONG_H
#define ROMS_LONG_H

#include "pc.h"

#define LONG_CS      0x08
#define LONG_DS      0x10
#define LONG_USER_DS 0x23 /* 20h, RPL 3 */
#define LONG_USER_CS 0x2b /* 28h, RPL 3 */
#define LONG_TSS     0x30

#define MSR_EFER   0xc0000080
#define MSR_STAR   0xc0000081
#define MSR_LSTAR  0xc0000082
#define MSR_SFMASK 0xc0000084
#define EFER_SCE   0x001
#define EFER_LME   0x100

/* The image is ELF64: the header's address fields are what a loader goes by. */
.macro long_header
	.balign 4
header:	.long MULTIBOOT_MAGIC, 0x10000, -(MULTIBOOT_MAGIC + 0x10000)
	.long header, image_start, load_end, image_end, _start
.endm

/* The code behind it is 64-bit code at ring 0 with a null SS.  Clobbers eax, ebx, ecx, edx. */
.macro enter_long_mode
	.code32
	movl $pdpt + 7, pml4
	movl $directory + 7, pdpt
	movl $0x87, %eax			/* present, writable, user, 2 MiB */
	movl $directory, %ebx
1:	movl %eax, (%ebx)
	addl $0x200000, %eax
	addl $8, %ebx
	cmpl $directory + 4096, %ebx
	jb 1b
	movl $0x20, %eax			/* CR4.PAE */
	movl %eax, %cr4
	movl $pml4, %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $EFER_LME | EFER_SCE, %eax
	wrmsr
	movl %cr0, %eax
	orl $0x80000000, %eax
	movl %eax, %cr0
	movl $tss, %eax
	movw %ax, gdt + LONG_TSS + 2
	shrl $16, %eax
	movb %al, gdt + LONG_TSS + 4
	lgdt gdtr
	ljmp $LONG_CS, $1f
	.code64
1:	xorl %eax, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
.endm

.macro write_msr number, high, low
	movl $\number, %ecx
	movl $\high, %edx
	movl $\low, %eax
	wrmsr
.endm

.macro long_tables
	.data
	.balign 8
gdt:	.quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff, 0, 0x00cff2000000ffff, 0x00affa000000ffff
	.word 103, 0
	.byte 0, 0x89, 0, 0
	.quad 0
gdt_end:
gdtr:	.word gdt_end - gdt - 1
	.quad gdt
tss:	.skip 104
	.bss
	.balign 4096
pml4:	.skip 4096
pdpt:	.skip 4096
directory:
	.skip 4096
.endm

#endif
