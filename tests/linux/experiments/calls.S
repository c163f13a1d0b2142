/* The instructions that the experiments are about; each has a name. */
#include "experiments.h"

	.macro global name
	.global \name
\name:
	.endm

	.macro save
	push %ebx
	push %esi
	push %edi
	push %ebp
	.endm

	.macro restore
	pop %ebp
	pop %edi
	pop %esi
	pop %ebx
	.endm

	/* Number and six arguments behind the four saved registers and the return address. */
	.macro take_arguments
	mov 20(%esp), %eax
	mov 24(%esp), %ebx
	mov 28(%esp), %ecx
	mov 32(%esp), %edx
	mov 36(%esp), %esi
	mov 40(%esp), %edi
	mov 44(%esp), %ebp
	.endm

	.text
global _start
	mov %esp, %eax
	and $-16, %esp
	sub $12, %esp
	push %eax
	call experiments
	hlt

/* long by_int80(long nr, long a, long b, long c, long d, long e, long f) */
global by_int80
	save
	take_arguments
	int $0x80
	restore
	ret

/* The same through the page that the kernel gives for it (AT_SYSINFO), as a C library does. */
global by_sysinfo
	save
	take_arguments
	call *sysinfo
	restore
	ret

/* long bare_sysenter(long nr): with a stack pointer in EBP that nothing is mapped at.  The handler of SIGSEGV goes on at
 * bare_sysenter_back with the stack of bare_esp. */
global bare_sysenter
	save
	take_arguments
	mov %esp, bare_esp
	mov $NO_STACK, %ebp
	sysenter
global bare_sysenter_back
	restore
	ret

/* long tf_sysenter(void): getpid with TF set on the way in and back. */
global tf_sysenter
	mov $NR_GETPID, %eax
	pushf
	orl $0x100, (%esp)
	popf
	call *sysinfo
global tf_sysenter_back
	pushf
	andl $~0x100, (%esp)
	popf
	ret

/* unsigned long on_16_bit_stack(long *result): getpid by INT 80h on the LDT's stack; returns ESP behind it. */
global on_16_bit_stack
	save
	mov %esp, %edi
	mov %ss, %esi
	mov $LDT_SS, %ecx
	mov $LDT_ESP, %edx
	mov $NR_GETPID, %eax
	mov %cx, %ss
	mov %edx, %esp
	int $0x80
	mov %esp, %ebx
	mov %si, %ss
	mov %edi, %esp
	mov 20(%esp), %ecx
	mov %eax, (%ecx)
	mov %ebx, %eax
	restore
	ret

/* void busy_loop(unsigned long rounds) */
global busy_loop
	mov 4(%esp), %ecx
global busy_loop_round
	dec %ecx
	jnz busy_loop_round
	ret

/* void leave(int status): with an INT 80h of its own.  A trace tells the return of a new task from that of an ended one, whose
 * kernel stack it got, by where they entered. */
global leave
	mov 4(%esp), %ebx
	mov $NR_EXIT, %eax
	int $0x80
	hlt

global sigreturn
	mov $NR_RT_SIGRETURN, %eax
	int $0x80

	.bss
	.balign 4
global sysinfo
	.zero 4
global bare_esp
	.zero 4

	.section .note.GNU-stack, "", @progbits
