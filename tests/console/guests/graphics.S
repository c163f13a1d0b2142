/* Real mode: 320 x 200 pixels of 256 colours, without any BIOS; the left half has colour 1, the right half 4.  It halts
 * for ever. */
	.code16
	.globl _start
_start:	xorw %ax, %ax
	movw %ax, %ds
	cld
	movw $words, %si
1:	lodsw			/* port, how many; 0 ends */
	testw %ax, %ax
	jz 3f
	movw %ax, %dx
	lodsw
	movw %ax, %cx
2:	lodsw
	outw %ax, %dx
	loop 2b
	jmp 1b
3:	movw $0x3da, %dx
	inb %dx, %al
	movw $0x3c0, %dx
	movw $attributes, %si
	movw $attributes_end - attributes, %cx
4:	lodsb
	outb %al, %dx
	loop 4b
	movw $0xa000, %ax
	movw %ax, %es
	xorw %di, %di
	movw $200, %bx
5:	movb $1, %al
	movw $160, %cx
	rep stosb
	movb $4, %al
	movw $160, %cx
	rep stosb
	decw %bx
	jnz 5b
	cli
	hlt

words:	.word 0x3c4, 3, 0x0101, 0x0f02, 0x0e04
	.word 0x3ce, 2, 0x4005, 0x0506
	.word 0x3d4, 5, 0x0e11, 0x4109, 0x4014, 0xa317, 0x2813
	.word 0
attributes:
	.byte 0x10, 0x41, 0x12, 0x0f, 0x13, 0x00, 0x20
attributes_end:
