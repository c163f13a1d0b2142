/* Real mode: makes a font of 8 lines out of the one of 16, shows 50 rows with it, counts three ticks of the timer on
 * the screen and ends with 1; as rows_stay it halts for ever then, as rows_busy it loops. */
	.code16
	.globl _start
#define PORT_EXIT 0xf4
#define SEQ       0x3c4
#define GC        0x3ce
#define CRTC      0x3d4
_start:	xorw %ax, %ax
	movw %ax, %ds
	movw $tick, 0x20
	movw %ax, 0x22
	/* plane 2 at A0000h */
	movw $SEQ, %dx
	movw $0x0402, %ax
	outw %ax, %dx
	movw $0x0604, %ax
	outw %ax, %dx
	movw $GC, %dx
	movw $0x0204, %ax
	outw %ax, %dx
	movw $0x0005, %ax
	outw %ax, %dx
	movw $0x0406, %ax
	outw %ax, %dx
	movw $0xa000, %ax
	movw %ax, %es
	xorw %di, %di
	movw $256, %bx
1:	movw $8, %cx		/* lines 0, 2, ... become 0, 1, ... */
	movw %di, %si
	pushw %di
2:	movb %es:(%si), %al
	movb %al, %es:(%di)
	addw $2, %si
	incw %di
	loop 2b
	popw %di
	addw $32, %di
	decw %bx
	jnz 1b
	/* back to text */
	movw $SEQ, %dx
	movw $0x0302, %ax
	outw %ax, %dx
	movw $0x0204, %ax
	outw %ax, %dx
	movw $GC, %dx
	movw $0x0004, %ax
	outw %ax, %dx
	movw $0x1005, %ax
	outw %ax, %dx
	movw $0x0e06, %ax
	outw %ax, %dx
	/* cells of 8 lines, no cursor */
	movw $CRTC, %dx
	movw $0x4709, %ax
	outw %ax, %dx
	movw $0x200a, %ax
	outw %ax, %dx
	movw $0xb800, %ax
	movw %ax, %es
	movb $0x07, %ah
	xorw %di, %di
	movw $first, %si
	call print
	movw $49 * 160, %di
	movw $last, %si
	call print
	movw $10 * 160, %di
	xorw %bx, %bx
	movb $0xfe, %al
	outb %al, $0x21
3:	sti
	hlt
	cli
	cmpw $3, %bx
	jne 3b
#if defined STAY
	hlt
#elif defined BUSY
	jmp .
#endif
	xorb %al, %al
	outb %al, $PORT_EXIT

tick:	incw %bx
	movw $0x0a00 + '*', %ax
	stosw
	movb $0x20, %al
	outb %al, $0x20
	iretw

print:	lodsb
	testb %al, %al
	jz 4f
	stosw
	jmp print
4:	movb $0x0a, %ah
	ret

first:	.asciz "fifty rows"
last:	.asciz "row forty-nine"
