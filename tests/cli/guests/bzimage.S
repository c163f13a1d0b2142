/* A bzImage whose kernel checks what the boot protocol promises and halts; a triple fault if it does not. */
	.code32
	.globl _start
_start:	.org 0x1f1
	.byte 1			/* setup_sects */
	.org 0x1f4
	.long (end - kernel) / 16
	.org 0x1fe
	.word 0xaa55
	.byte 0xeb, 0x6a
	.ascii "HdrS"
	.word 0x20f
	.org 0x211
	.byte 1			/* LOADED_HIGH */
	.org 0x214
	.long 0x100000		/* code32_start */
	.org 0x22c
	.long 0x7fffffff
	.org 0x238
	.long 2047
	.org 0x258
	.quad 0x1000000
	.long 0xf0000
	.org 0x400
kernel:	movw $0x18, %ax		/* the GDT is in memory: segments can be loaded */
	movw %ax, %ss
	movl $0x20000, %esp
	ljmp $0x10, $0x100000 + 1f - kernel
1:	cmpl $0x53726448, 0x202(%esi)
	jne 2f
	cli
	hlt
2:	ud2
	.balign 16
end:
