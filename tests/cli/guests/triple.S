/* 32-bit: an IDT that holds nothing, then INT3: #BP cannot be delivered, nor #GP, nor #DF. */
	.code32
	.globl _start
_start:	nop
	int3
