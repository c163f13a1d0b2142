/* The instructions of the experiments in 64-bit mode; each has a name. */
#include "experiments.h"
#include "raising.inc"

	.macro global name
	.global \name
\name:
	.endm

	.text
global _start
	mov %rsp, %rdi
	and $-16, %rsp
	call experiments
	hlt

	/* Number and six arguments of a C call (the seventh on the stack) as SYSCALL takes them. */
	.macro take_arguments
	mov %rdi, %rax
	mov %rsi, %rdi
	mov %rdx, %rsi
	mov %rcx, %rdx
	mov %r8, %r10
	mov %r9, %r8
	mov 8(%rsp), %r9
	.endm

/* long by_syscall(long nr, long a, long b, long c, long d, long e, long f) */
global by_syscall
	take_arguments
	syscall
	ret

/* long by_int80(long nr, long a, long b, long c): a 32-bit call of 64-bit code; all of RAX goes in and comes back. */
global by_int80
	push %rbx
	mov %rdi, %rax
	mov %rsi, %rbx
	mov %rcx, %r8
	mov %rdx, %rcx
	mov %r8, %rdx
	int $0x80
	pop %rbx
	ret

/* void high_registers(unsigned long found[8]): what INT 80h (getpid) leaves in R8 to R15, loaded with 0123456789abcdefh + n. */
global high_registers
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdi
	mov $0x0123456789abcdef, %rax
	.irp n, 8, 9, 10, 11, 12, 13, 14, 15
	lea \n(%rax), %r\n
	.endr
	mov $NR32_GETPID, %eax
	int $0x80
	pop %rdi
	.irp n, 8, 9, 10, 11, 12, 13, 14, 15
	mov %r\n, (\n - 8) * 8(%rdi)
	.endr
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	ret

/* void what_syscall_leaves(unsigned long found[3]): RCX, R11 and the flags before. */
global what_syscall_leaves
	mov %rdi, %rdx
	pushf
	popq 16(%rdx)
	mov $NR_GETPID, %eax
	syscall
global what_syscall_leaves_after
	mov %rcx, (%rdx)
	mov %r11, 8(%rdx)
	ret

/* long tf_syscall(void): getpid with TF set on the way in and back. */
global tf_syscall
	mov $NR_GETPID, %eax
	pushf
	orq $0x100, (%rsp)
	popf
	nop
global tf_syscall_at
	syscall
global tf_syscall_after
	nop
global tf_syscall_third
	pushf
	andq $~0x100, (%rsp)
	popf
global tf_syscall_back
	ret

/* long compatible(unsigned long ss, unsigned long esp, unsigned long *result): getpid by INT 80h from a 32-bit code segment, with
 * the stack SS:ESP; returns ESP behind it. */
global compatible
	push %rbx
	push %rbp
	push %rdx
	mov %rsp, %rbp
	mov %rbp, long_stack
	mov $stack32_end, %esp
	pushq $USER32_CS
	pushq $compatible32
	lretq
	.code32
compatible32:
	mov $NR32_GETPID, %eax
	mov %ss, %edx
	mov %di, %ss
	mov %esi, %esp
	int $0x80
	mov %esp, %ebx
	mov %dx, %ss
	mov $stack32_end, %esp
	ljmp $USER_CS, $compatible64
	.code64
compatible64:
	mov long_stack, %rsp
	pop %rdx
	mov %rax, (%rdx)
	mov %ebx, %eax
	pop %rbp
	pop %rbx
	ret

	/* Load and store XMM0 to XMM15, MXCSR and an x87 register at REG (270 bytes) */
	.macro load_vectors reg
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu 16 * \n(\reg), %xmm\n
	.endr
	ldmxcsr 256(\reg)
	fninit
	fldt 260(\reg)
	.endm

	.macro store_vectors reg
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu %xmm\n, 16 * \n(\reg)
	.endr
	stmxcsr 256(\reg)
	fstpt 260(\reg)
	fninit
	.endm

/* void keep_vectors(const void *in, void *out, unsigned long rounds, long yield): XMM0 to XMM15, MXCSR and an x87 register
 * from IN; rounds of a loop or, if YIELD, of sched_yield; what they are then to OUT. */
global keep_vectors
	push %rbx
	push %r12
	sub $8, %rsp
	mov %rdx, %rbx
	mov %rsi, %r12
	load_vectors %rdi
	test %rcx, %rcx
	jnz 2f
1:	dec %rbx
	jnz 1b
	jmp 3f
2:	mov $NR_SCHED_YIELD, %eax
	syscall
	dec %rbx
	jnz 2b
3:	store_vectors %r12
	movl $0x1f80, (%rsp)
	ldmxcsr (%rsp)
	add $8, %rsp
	pop %r12
	pop %rbx
	ret

/* void keep_upper(const void *in, void *out, unsigned long rounds): the same with YMM0 to YMM15 (512 bytes). */
global keep_upper
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu 32 * \n(%rdi), %ymm\n
	.endr
1:	dec %rdx
	jnz 1b
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu %ymm\n, 32 * \n(%rsi)
	.endr
	vzeroupper
	ret

/* void kill_with_vectors(const void *in, void *out, long pid): SIGUSR1 to itself; its handler spoils the registers. */
global kill_with_vectors
	push %rbx
	mov %rsi, %rbx
	load_vectors %rdi
	mov %rdx, %rdi
	mov $SIGUSR1, %esi
	mov $NR_KILL, %eax
	syscall
	store_vectors %rbx
	pop %rbx
	ret

global spoil_vectors
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	pcmpeqd %xmm\n, %xmm\n
	.endr
	fninit
	fldz
	ret

/* unsigned cpuid_ecx(unsigned leaf): of subleaf 0 */
global cpuid_ecx
	push %rbx
	mov %edi, %eax
	xor %ecx, %ecx
	cpuid
	mov %ecx, %eax
	pop %rbx
	ret

/* void set_bases(unsigned long fs, unsigned long gs), void get_bases(unsigned long found[2]) */
global set_bases
	wrfsbase %rdi
	wrgsbase %rsi
	ret
global get_bases
	rdfsbase %rax
	mov %rax, (%rdi)
	rdgsbase %rax
	mov %rax, 8(%rdi)
	ret

/* void busy_loop(unsigned long rounds) */
global busy_loop
	mov %rdi, %rcx
global busy_loop_round
	dec %rcx
	jnz busy_loop_round
	ret

global leave
	mov $NR_EXIT, %eax
	syscall
	hlt

global sigreturn
	mov $NR_RT_SIGRETURN, %eax
	syscall

	/* As "raising", with RCX = an address that is not canonical, whatever the paging has of levels. */
	.macro beyond name, more:vararg
	.global \name, \name\()_at, \name\()_after
\name:
	mov $0x8000000000000000, %rcx
	mov %rsp, %rdx
\name\()_at:
	\more
\name\()_after:
	mov %rdx, %rsp
	ret
	.endm

	beyond read_beyond mov (%rcx), %rax
	beyond jump_beyond jmp *%rcx

	/* RSP itself is not canonical: a handler needs another stack. */
global push_beyond
	mov $0x8000000000000000, %rcx
	mov %rsp, %rdx
	mov %rcx, %rsp
global push_beyond_at
	push %rcx
global push_beyond_after
	mov %rdx, %rsp
	ret

	raising read_kernel mov 0xffffffff81000000, %rax
	raising into_64 .byte 0xce
	raising far_pointer .byte 0x9a, 0, 0, 0, 0, 0x23, 0

	.global xm, xm_at, xm_after
xm:
	sub $8, %rsp
	movl $0x1d80, (%rsp)	/* all masked but ZM */
	ldmxcsr (%rsp)
	pcmpeqd %xmm0, %xmm0
	xorps %xmm1, %xmm1
	cvtdq2ps %xmm0, %xmm0
xm_at:
	divps %xmm1, %xmm0
xm_after:
	movl $0x1f80, (%rsp)
	ldmxcsr (%rsp)
	add $8, %rsp
	ret

	.global mf, mf_at, mf_after
mf:
	sub $8, %rsp
	fninit
	movw $0x037b, (%rsp)	/* all masked but ZM */
	fldcw (%rsp)
	fld1
	fldz
	fdivrp
mf_at:
	fwait
mf_after:
	fninit
	add $8, %rsp
	ret

	.data
	.global no_code, no_code_at
no_code:
no_code_at:
	ret

	.global no_code_after
	.text
no_code_after:
	ret

	.bss
	.balign 16
	.zero 4096
stack32_end:
long_stack:
	.zero 8

	.section .note.GNU-stack, "", @progbits
