/* Multiboot 1 comes here: 32-bit flat segments, no paging.  The image is ELF64; the header's address fields are
 * what a loader goes by, which reads them before it looks at the ELF header. */
#include "layout.h"
#include "pc.h"

#define PHYSICAL(symbol) (symbol - KERNEL_BASE)
#define HEADER_FLAGS 0x10003	/* modules on pages, memory sizes wanted, addresses given */
#define CR0_WP  0x00010000
#define CR0_PG  0x80000000
#define CR4_PAE 0x20
#define COM1    0x3f8

	.section .header, "ax"
	.balign 4
header:	.long MULTIBOOT_MAGIC, HEADER_FLAGS, -(MULTIBOOT_MAGIC + HEADER_FLAGS)
	.long PHYSICAL(header), PHYSICAL(image_start), PHYSICAL(load_end), PHYSICAL(image_end), PHYSICAL(_start)

	.text
	.code32
	.globl _start, start_physical
	.set start_physical, PHYSICAL(_start)
	.type _start, @function
_start:
	cli
	cld
	movl $PHYSICAL(init_stack) + THREAD_SIZE, %esp
	pushl $2
	popfl
	movl %eax, %edi				/* start_kernel's arguments */
	movl %ebx, %esi
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb no_long_mode
	movl $0x80000001, %eax
	cpuid
	btl $29, %edx
	jnc no_long_mode
	movl %edx, %ebp
	/* Linear = physical, and the same at KERNEL_BASE, until memory_init. */
	movl $PHYSICAL(boot_pdpt) + 3, PHYSICAL(boot_pgd)
	movl $PHYSICAL(boot_pdpt) + 3, PHYSICAL(boot_pgd) + 511 * 8
	movl $PHYSICAL(boot_pd) + 3, PHYSICAL(boot_pdpt)
	movl $PHYSICAL(boot_pd) + 3, PHYSICAL(boot_pdpt) + 510 * 8
	movl $0x83, %eax			/* present, writable, 2 MiB */
	movl $PHYSICAL(boot_pd), %ebx
1:	movl %eax, (%ebx)
	addl $0x200000, %eax
	addl $8, %ebx
	cmpl $KERNEL_END + 0x83, %eax
	jb 1b
	movl %cr4, %eax
	orl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $PHYSICAL(boot_pgd), %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $EFER_LME | EFER_SCE, %eax
	btl $20, %ebp				/* CPUID: execute disable */
	jnc 1f
	orl $EFER_NXE, %eax
1:	wrmsr
	movl %cr0, %eax
	orl $CR0_PG | CR0_WP, %eax
	movl %eax, %cr0				/* IA-32e mode is active: this is compatibility mode now */
	lgdt PHYSICAL(boot_gdtr)
	ljmp $__KERNEL_CS, $PHYSICAL(start_64)

no_long_mode:
	movl $PHYSICAL(no_long_mode_text), %esi
	movl $COM1, %edx
1:	lodsb
	testb %al, %al
	jz 2f
	outb %al, %dx
	jmp 1b
2:	movl $1, %eax
	outl %eax, $PORT_DEBUG_EXIT
	movl $POWER_OFF, %eax
	movl $PORT_POWER_OFF, %edx
	outw %ax, %dx
3:	hlt
	jmp 3b

	.code64
start_64:
	movabsq $1f, %rax
	jmp *%rax				/* to where the kernel is linked */
1:	xorl %eax, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	movq $init_stack + THREAD_SIZE, %rsp
	xorl %ebp, %ebp
	movl %edi, %edi
	movl %esi, %esi
	call start_kernel
2:	cli
	hlt
	jmp 2b

/* void load_tables(const void *gdtr, const void *idtr) */
	.globl load_tables
	.type load_tables, @function
load_tables:
	lgdt (%rdi)
	lidt (%rsi)
	pushq $__KERNEL_CS
	pushq $1f
	lretq
1:	movl $__KERNEL_DS, %eax
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs				/* its base is set afterwards */
	movl $GDT_TSS, %eax
	ltr %ax
	ret

	.section .rodata
no_long_mode_text:
	.asciz "kernel: this processor has no long mode\r\n"
	.balign 8
boot_gdt:
	.quad 0, 0, 0x00af9a000000ffff		/* KERNEL_CS: L = 1 */
boot_gdtr:
	.word . - boot_gdt - 1
	.long PHYSICAL(boot_gdt)

	.bss
	.balign 4096
boot_pgd: .skip 4096
boot_pdpt: .skip 4096
boot_pd: .skip 4096

	.section .note.GNU-stack, "", @progbits
