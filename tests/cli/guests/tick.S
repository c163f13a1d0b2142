/* Waits for three timer ticks at the vector a PC's firmware leaves them at, 08h; ends with 3. */
#include "real.h"
	.code16
	.globl _start
_start:	xorw %ax, %ax
	movw %ax, %ds
	movw $tick, 0x20
	movw %ax, 0x22
	xorw %bx, %bx
1:	sti
	hlt
	cmpw $3, %bx
	jne 1b
	movb %bl, %al
	outb %al, $PORT_EXIT
tick:	incw %bx
	movb $0x20, %al
	outb %al, $0x20
	iretw
