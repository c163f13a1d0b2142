/* Real mode: text with attributes, a cursor of its own shape, and each byte of the keyboard, in
 * hexadecimal, through IRQ1.  Escape ends with 1. */
	.code16
	.globl _start
#define PORT_EXIT 0xf4
#define CRTC      0x3d4
_start:	xorw %ax, %ax
	movw %ax, %ds
	movw $key, 0x24
	movw %ax, 0x26
	movw $0xb800, %ax
	movw %ax, %es
	movw $texts, %si
1:	lodsw			/* row and attribute; row 255 ends */
	cmpb $255, %al
	je 3f
	movb %ah, %dl
	xorb %ah, %ah
	movw $160, %cx
	pushw %dx
	mulw %cx
	popw %dx
	movw %ax, %di
	movb %dl, %ah
2:	lodsb
	testb %al, %al
	jz 1b
	stosw
	jmp 2b
3:	movw $CRTC, %dx		/* cursor: row 10, column 2, lines 4 to 11 */
	movw $cursor, %si
	movw $4, %cx
4:	lodsw
	outw %ax, %dx
	loop 4b
	movw $5 * 160, %di
	movb $0xfd, %al		/* nothing but the keyboard */
	outb %al, $0x21
	movb $0xff, %al
	outb %al, $0xa1
	sti
5:	hlt
	jmp 5b

key:	inb $0x60, %al
	movb %al, %bl
	movb $0x2e, %ah
	shrb $4, %al
	call digit
	movb %bl, %al
	andb $15, %al
	call digit
	addw $2, %di
	movb $0x20, %al
	outb %al, $0x20
	cmpb $1, %bl
	jne 6f
	xorb %al, %al
	outb %al, $PORT_EXIT
6:	iretw

digit:	cmpb $10, %al
	sbbb $0x69, %al
	das
	stosw
	ret

cursor:	.word 0x040a, 0x0b0b, 0x030e, 0x220f
texts:	.byte 0, 0x1f
	.asciz "Trapgate: white on blue"
	.byte 1, 0x4e
	.asciz "yellow on red \001\002\003"
	.byte 2, 0x07
	.ascii "\311\315\315\273 \260\261\262\333 "
	.asciz "\202\341\343 ~!@#$%^&*()"
	.byte 3, 0x87
	.asciz "blinking"
	.byte 24, 0x70
	.asciz "the last row"
	.byte 255, 0
