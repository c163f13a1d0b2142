/* Boot sector for machines that load no ELF: reads the flat image behind it with INT 13h extensions, to 1 MiB, and
 * enters it in flat protected mode, 16 bytes from its start (start.S). */
#ifndef SECTORS
#define SECTORS 256
#endif

	.code16
	.text
	.globl _start
_start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7c00, %sp
	ljmp $0, $1f
1:	movw $packet, %si
	movb $0x42, %ah
	int $0x13			/* DL: the drive, from the BIOS */
	jc 1b
	addl $1, lba
	addw $0x20, segment
	decw left
	jnz 1b
	cli
	inb $0x92, %al			/* A20 */
	orb $2, %al
	outb %al, $0x92
	lgdt gdtr
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmp $8, $2f
	.code32
2:	movl $16, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $0x10000, %esi
	movl $0x100000, %edi
	movl $(SECTORS * 128), %ecx
	cld
	rep movsl
	movl $0x100010, %eax
	jmp *%eax

	.balign 8
gdt:	.quad 0
	.quad 0x00cf9a000000ffff
	.quad 0x00cf92000000ffff
gdtr:	.word 23
	.long gdt
left:	.word SECTORS
packet:	.byte 16, 0
	.word 1
	.word 0
segment: .word 0x1000
lba:	.quad 1
	.org _start + 510
	.word 0xaa55
	.section .note.GNU-stack, "", @progbits
