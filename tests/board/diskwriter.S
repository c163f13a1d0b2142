/* A boot sector that writes a sector of its drive by INT 13h, says how that went on the serial line, reads it back and
 * ends through isa-debug-exit: 0 (status 1) written and read back, 1 (status 3) the write failed, 2 (status 5) it read
 * something else.  The word at 508 is the sector's number on its track, from 1. */
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
	movw $0x3fb, %dx /* eight bits a character */
	movb $3, %al
	outb %al, %dx
	movw $0x8000, %di /* 512 bytes of text */
	movw $32, %cx
2:	pushw %cx
	movw $pattern, %si
	movw $16, %cx
	rep movsb
	popw %cx
	loop 2b
	movw $0x0301, %ax
	call access
	jc refused
	movw $0x8000, %di
	movw $256, %cx
	xorw %ax, %ax
	rep stosw
	movw $0x0201, %ax
	call access
	jc differs
	movw $0x8000, %di
	movw $32, %cx
3:	pushw %cx
	movw $pattern, %si
	movw $16, %cx
	repe cmpsb
	popw %cx
	jne differs
	loop 3b
	movw $good, %si
	xorl %ebx, %ebx
	jmp end
refused:
	movb %ah, %al
	movw $code, %di
	call hex
	movw $bad, %si
	movl $1, %ebx
	jmp end
differs:
	movw $other, %si
	movl $2, %ebx
end:	lodsb
	movw $0x3f8, %dx
	outb %al, %dx
	testb %al, %al
	jnz end
	movl %ebx, %eax
	movw $0xf4, %dx
	outl %eax, %dx
4:	cli
	hlt
	jmp 4b

access:	movw sector, %cx /* cylinder 0 */
	movb drive, %dl
	movb $0, %dh
	movw $0x8000, %bx
	int $0x13
	ret

/* AL at DI as two digits. */
hex:	movb %al, %ah
	shrb $4, %al
	call digit
	movb %ah, %al
	andb $15, %al
digit:	addb $'0', %al
	cmpb $'9', %al
	jbe 5f
	addb $'a' - '9' - 1, %al
5:	stosb
	ret

pattern: .ascii "written by guest"
good:	.asciz "written\n"
other:	.asciz "not what was written\n"
bad:	.ascii "write refused: "
code:	.asciz "..\n"
drive:	.byte 0
	.org 508
sector:	.word 6
	.word 0xaa55
	.section .note.GNU-stack, "", @progbits
