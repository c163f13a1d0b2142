/* Sends back what comes in on COM1, one up, until a '.'; ends with 0. */
#include "real.h"
	.code16
	.globl _start
_start:	movw $COM1 + 5, %dx
1:	inb %dx, %al
	testb $1, %al
	jz 1b
	movw $COM1, %dx
	inb %dx, %al
	cmpb $'.', %al
	je 3f
	incw %ax
	movb %al, %ah
	movw $COM1 + 5, %dx
2:	inb %dx, %al
	testb $0x20, %al
	jz 2b
	movb %ah, %al
	movw $COM1, %dx
	outb %al, %dx
	jmp _start
3:	xorb %al, %al
	outb %al, $PORT_EXIT
