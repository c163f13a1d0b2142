/* A bzImage for its 16-bit entry.  The setup part checks what a boot loader promises there, tells the command line on the
 * serial line and goes to the kernel proper in 32-bit mode, which tells the first 16 bytes of the initial RAM disk and
 * ends through isa-debug-exit: 0 (status 1); a broken promise n ends with n. */
#define CR0_PE 1

	.code16
	.globl _start
_start:	.org 0x1f1
	.byte 1			/* setup_sects */
	.org 0x1f4
	.long (end - kernel) / 16
	.org 0x1fe
	.word 0xaa55
	.byte 0xeb, 0x6a	/* jump behind the header */
	.ascii "HdrS"
	.word 0x20f
	.org 0x210
loader:	.byte 0
flags:	.byte 1			/* LOADED_HIGH */
	.org 0x218
rd:	.long 0
rd_size: .long 0
	.org 0x224
heap:	.word 0
	.org 0x228
cmdline: .long 0
	.long 0x7fffffff	/* initrd_addr_max */
	.org 0x238
	.long 2047
	.org 0x258
	.quad 0x1000000
	.long 0xf0000
	.org 0x26c
	movw $0x3fb, %dx
	movb $3, %al
	outb %al, %dx
	movw $1, %bx
	movw %cs, %ax		/* CS is 20h paragraphs behind the rest */
	subw $0x20, %ax
	movw %ds, %dx
	cmpw %ax, %dx
	jne wrong
	movw %ss, %dx
	cmpw %ax, %dx
	jne wrong
	movw $2, %bx
	cmpb $0, loader
	je wrong
	testb $0x80, flags	/* CAN_USE_HEAP */
	jz wrong
	cmpw $0, heap
	je wrong
	movl cmdline, %eax
	shrl $4, %eax
	movw %ax, %fs
	xorw %si, %si
1:	movb %fs:(%si), %al
	testb %al, %al
	jz 2f
	call put
	incw %si
	jmp 1b
2:	movb $'\n', %al
	call put
	cli
	xorl %eax, %eax
	movw %ds, %ax
	shll $4, %eax
	movl %eax, %esi		/* the kernel finds the header by ESI */
	addl $gdt, %eax
	movl %eax, gdt_register + 2
	lgdtl gdt_register
	movl %cr0, %eax
	orl $CR0_PE, %eax
	movl %eax, %cr0
	ljmpl $0x08, $0x100000
put:	movw $0x3f8, %dx
	outb %al, %dx
	ret
wrong:	movzwl %bx, %eax
	movw $0xf4, %dx
	outl %eax, %dx
3:	hlt
	jmp 3b
	.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_register:
	.word 23
	.long 0
	.org 0x400
	.code32
kernel:	movw $0x10, %ax
	movw %ax, %ds
	movl rd_size(%esi), %ecx
	movl rd(%esi), %esi
	testl %ecx, %ecx
	jz 5f
	movl $16, %ecx
	movw $0x3f8, %dx
4:	lodsb
	outb %al, %dx
	loop 4b
	movb $'\n', %al
	outb %al, %dx
5:	xorl %eax, %eax
	movw $0xf4, %dx
	outl %eax, %dx
6:	hlt
	jmp 6b
	.balign 16
end:
	.section .note.GNU-stack, "", @progbits
