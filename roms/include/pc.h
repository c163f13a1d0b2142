/* What the bundled guests share, for C and for the assembler: selectors, ports of the board, and
 * a Multiboot 1 header, so that the same image runs on Trapgate and on `qemu-system-i386 -kernel`. */
#ifndef ROMS_PC_H
#define ROMS_PC_H

#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_CS   0x1b /* 18h, RPL 3 */
#define USER_DS   0x23 /* 20h, RPL 3 */
#define TSS_SEL   0x28

#define PORT_DEBUGCON   0xe9
#define PORT_DEBUG_EXIT 0xf4
#define PORT_POWER_OFF  0x604 /* PM1a_CNT where PC firmware puts it; 2000h = SLP_EN, sleep type 0: off */
#define POWER_OFF       0x2000

#define MULTIBOOT_MAGIC 0x1badb002

#ifdef __ASSEMBLER__

.macro multiboot_header
	.balign 4
	.long MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC
.endm

/* Code and data descriptors of a flat 4 GiB segment: access byte as in SDM 3A,
 * "Segment Descriptors". */
.macro flat_descriptor access
	.word 0xffff, 0
	.byte 0, \access, 0xcf, 0
.endm

/* What a TSS descriptor or a gate needs of an address is split: it is filled in at run time.
 * Clobbers eax, edx. */
.macro set_gate vector, handler, type_dpl
	movl $\handler, %eax
	movl %eax, %edx
	andl $0x0000ffff, %eax
	orl $(KERNEL_CS << 16), %eax
	andl $0xffff0000, %edx
	orl $(\type_dpl << 8), %edx
	movl %eax, idt + \vector * 8
	movl %edx, idt + \vector * 8 + 4
.endm

#define GATE_INT32_DPL0 0x8e
#define GATE_INT32_DPL3 0xee

/* GDT of five flat segments and a TSS; loads it and the segment registers.  The TSS
 * descriptor's base is filled in.  Clobbers eax. */
.macro load_gdt
	movl $tss, %eax
	movw %ax, gdt + TSS_SEL + 2
	shrl $16, %eax
	movb %al, gdt + TSS_SEL + 4
	movb %ah, gdt + TSS_SEL + 7
	lgdt gdtr
	ljmp $KERNEL_CS, $1f
1:	movl $KERNEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl %eax, %ss
.endm

.macro tables idt_entries
	.balign 8
gdt:	.quad 0
	flat_descriptor 0x9a
	flat_descriptor 0x92
	flat_descriptor 0xfa
	flat_descriptor 0xf2
	.word 103, 0
	.byte 0, 0x89, 0, 0
gdt_end:
gdtr:	.word gdt_end - gdt - 1
	.long gdt
idtr:	.word \idt_entries * 8 - 1
	.long idt
	.balign 8
idt:	.skip \idt_entries * 8
tss:	.skip 104
.endm

/* Leaves to ring 3 at eip with esp, interrupts on. */
.macro enter_user eip, esp
	pushl $USER_DS
	pushl $\esp
	pushl $0x202
	pushl $USER_CS
	pushl $\eip
	iretl
.endm

/* EBX in hexadecimal to port E9h, and the end by isa-debug-exit with 0 (status 1). */
.macro print_and_end
	movl $8, %ecx
1:	roll $4, %ebx
	movl %ebx, %eax
	andl $15, %eax
	movb %ss:digits(%eax), %al	/* DS may be ring 3's, and null */
	outb %al, $PORT_DEBUGCON
	loop 1b
	movb $10, %al
	outb %al, $PORT_DEBUGCON
	xorl %eax, %eax
	outl %eax, $PORT_DEBUG_EXIT
2:	cli
	hlt
	jmp 2b
	.data
digits:	.ascii "0123456789abcdef"
.endm

#endif
#endif
