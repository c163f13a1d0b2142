/* Real mode: counts down from 100 under the test pin's vector 40h, whose handler counts too; ends
 * with 0 if there were 20 interrupts at least. */
#include "real.h"
	.code16
	.globl _start
_start:	xorw %ax, %ax
	movw %ax, %ds
	movw $handler, 0x100
	movw %ax, 0x102
	xorw %bx, %bx
	movw $100, %cx
	sti
1:	nop
	loop 1b
	cli
	cmpw $20, %bx
	setb %al
	outb %al, $PORT_EXIT
handler:
	incw %bx
	iretw
