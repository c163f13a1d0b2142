/* A boot sector and the sector behind it.  Tells the drive it came from on the serial line (by its
 * ports) and on the screen (by INT 10h), reads the second sector by INT 13h if the firmware has not loaded it (a CD: it has), and
 * ends through isa-debug-exit: 0 (status 1) if its mark is there. */
#define MARK 0x4b52414d

	.code16
	.text
	.globl _start
_start:
	ljmp $0, $1f
1:	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7c00, %sp
	movb %dl, drive
	cmpl $MARK, second
	je 2f
	movw $0x0201, %ax /* one sector */
	movw $0x0002, %cx /* cylinder 0, sector 2 */
	movb $0, %dh
	movw $second, %bx
	int $0x13
	jc failed
2:	movw $0x3fb, %dx /* eight bits a character */
	movb $3, %al
	outb %al, %dx
	movw $text, %si
	call say
	movb drive, %al
	shrb $4, %al
	call digit
	movb drive, %al
	andb $15, %al
	call digit
	movb $'\n', %al
	call put
	xorl %eax, %eax
	cmpl $MARK, second
	je end
failed:	movl $1, %eax
end:	movw $0xf4, %dx
	outl %eax, %dx
3:	cli
	hlt
	jmp 3b

say:	lodsb
	testb %al, %al
	jz 4f
	call put
	jmp say
4:	ret

digit:	addb $'0', %al
	cmpb $'9', %al
	jbe put
	addb $'a' - '9' - 1, %al

/* AL to COM1 and to the screen. */
put:	movw $0x3f8, %dx
	outb %al, %dx
	movb $0x0e, %ah
	movw $7, %bx
	int $0x10
	ret

text:	.asciz "booted from drive "
drive:	.byte 0

	.org 510
	.word 0xaa55
second:
	.long MARK
	.org 2048
	.section .note.GNU-stack, "", @progbits
