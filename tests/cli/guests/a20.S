/* Real mode: with A20 off, 100000h is 0.  Ends with bit 0: seen apart while on, bit 1: seen alike while off. */
#include "real.h"
	.code16
	.globl _start
_start:	xorw %ax, %ax
	movw %ax, %ds
	movw $0xffff, %bx
	movw %bx, %es
	xorw %cx, %cx
	movb $1, 0x500
	movb $2, %es:0x510
	cmpb $1, 0x500
	jne 1f
	orb $1, %cl
1:	xorb %al, %al
	outb %al, $0x92
	movb $3, %es:0x510
	cmpb $3, 0x500
	jne 2f
	orb $2, %cl
2:	movb %cl, %al
	outb %al, $PORT_EXIT
